"""Backend: it answers, cleanly, on both of its ways."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxgate.errors import Blind
from voxgate.model.installed import install_probe
from voxgate.plugin import invariant, say_each
from voxgate.survey.answers import read_page
from voxgate.survey.commands import NGINX_RELOADED, deploy_first, edit_where, listening, restart, why
from voxgate.survey.questions import question_of
from voxgate.survey.sending import sent_on
from voxgate.survey.sites import proxied
from voxgate.survey.stores import wrong_addresses

if TYPE_CHECKING:
    from voxgate.model.entry import Entry
    from voxgate.model.estate import Estate, PlacedUnit, Placement
    from voxgate.model.look import Evidence
    from voxgate.survey.answers import Page

OK = 200
SLOW = 2.0


@invariant(
    per="unit",
    guards="releases",
    services=("backend",),
    faults=("backend-dependency-down", "backend-health-lies"),
    severity="blocker",
)
def test_backend_health_is_clean(unit: PlacedUnit, estate: Estate, evidence: Evidence) -> None:
    """Health is what load balancers and people trust: 200, by its schema, in time, direct and through nginx, and from the
    very process that the release started.
    """
    service = unit.service
    assert service.health is not None
    assert service.proxied_health is not None
    release = evidence.remote(service.name).release
    through = proxied(estate, unit.placement)
    assert through is not None
    people = f"through nginx of {unit.host.name}, as {estate.front.url}" if estate.front else "through nginx"
    ways = (
        ("direct", question_of(unit, service.health), service.health.schema),
        (people, through, service.proxied_health.schema),
    )
    seen: list[object] = []
    wrong: list[tuple[str, str]] = []
    entries: list[Entry] = []
    if release is None:
        wrong.append(("no release of the backend ever passed the gate", deploy_first(estate)))
    for way, question, schema in ways:
        page = read_page(evidence.second, question, schema)
        place = f"{page.place} ({way})"
        if page.problem:
            instead, hint = sent_on([page.answer], estate), _why_not(unit, page, said=bool(wrong))
            if way != "direct" and not wrong:
                hint = f"nginx must proxy {page.answer.path} to the backend of this host: {PROXIES}"
            if way != "direct" and estate.front is None and not wrong:
                hint += f"{'; ' if hint else ''}where people see it by a name or by https alone: url in [console]"
            wrong.append((f"{place} {page.problem}", "" if instead else hint))
            entries += instead
            continue
        if page.document.get("service") != service.repository:
            what = f"{place} is answered by {page.document.get('service')}, not by {service.repository}"
            wrong.append((what, listening(page.answer.port)))
        if page.answer.seconds >= SLOW:
            stores = dict.fromkeys(store.host for store in estate.stores if store.host != unit.host.name)
            busy = "; ".join(["`uptime`", *(f"on {host}: `uptime`" for host in stores)])
            wrong.append(
                (f"{place} took {page.answer.seconds:.1f} s", f"one of its stores is slow, or a host has no time: {busy}")
            )
        if release is not None and page.document["commit"] != release.commit:
            what = f"{place} reports {page.document['commit'][:12]}, not {release}"
            wrong.append((what, restart(unit.unit)))
        seen.append(page.document["pid"])
    if len(set(seen)) > 1:
        what = f"nginx asks process {seen[-1]}, and :{service.health.port} is answered by {seen[0]}"
        wrong.append((what, f"nginx must proxy /health to the backend of this host: {PROXIES}"))
    assert not wrong, say_each(unit.host.name, wrong, estate=estate.name, entries=entries)


def _why_not(unit: PlacedUnit, page: Page, *, said: bool) -> str:
    """What to do about a page that is not as it must be; nothing more where that was said of the other way."""
    if said:
        return ""
    if page.answer.trouble or page.answer.status != OK:
        return f"{why(unit.unit)}; is a store down?"
    return f"that is no page of this release: {listening(page.answer.port)}"


PROXIES = f"{edit_where('-rlw proxy_pass', '/etc/nginx')}, then {NGINX_RELOADED}"


@invariant(
    per="placement",
    guards="people",
    services=("backend",),
    faults=("backend-store-unreachable", "backend-dependency-down", "backend-on-anothers-store"),
    severity="blocker",
)
def test_backend_reaches_its_stores(placement: Placement, estate: Estate, evidence: Evidence) -> None:
    """From that host, with its own configuration: the service's own checks say ok for each store, the host itself comes
    through to each address, and the service's processes hold connections to its databases. Each is the estate's own store,
    not one that answers as well, with somebody else's data.
    """
    service, host = placement.service, placement.host.name
    assert service.health is not None
    page = read_page(evidence.second, question_of(placement.placed_units[0], service.health), None)
    checks, wrong = page.document.get("checks"), []
    if isinstance(checks, dict) and checks:
        unwell = sorted(f"{store} {state}" for store, state in checks.items() if state != "ok")
        if unwell:
            wrong.append(
                (
                    f"{page.place} says {', '.join(unwell)}",
                    f"is the store up, and is its setting in {service.folder}/.env right? {why(*placement.units)}",
                )
            )
    else:
        wrong.append((f"{page.place} {page.problem or 'says nothing of its stores'}", why(*placement.units)))
    more, unseen = wrong_addresses(placement, estate, evidence)
    wrong += more
    if unseen and not wrong:
        raise Blind("; ".join(unseen), where=host, hint=install_probe(placement.host.address))
    assert not wrong, say_each(host, [*wrong, *((one, "") for one in unseen)])
