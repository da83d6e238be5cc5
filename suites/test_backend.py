"""Backend: it answers, cleanly, on both of its ways."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxgate.contracts.json_strict import loads
from voxgate.errors import Blind, ContractError
from voxgate.model.installed import install_probe
from voxgate.plugin import invariant, say_each
from voxgate.survey.answers import read_page
from voxgate.survey.codings import unpacked
from voxgate.survey.commands import NGINX_RELOADED, deploy_first, edit_where, listening, restart, why
from voxgate.survey.questions import question_of
from voxgate.survey.sending import sent_on
from voxgate.survey.sites import api_asked, proxied
from voxgate.survey.stores import wrong_addresses

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voxgate.model.answers import Answer
    from voxgate.model.entry import Entry
    from voxgate.model.estate import Estate, PlacedUnit, Placement
    from voxgate.model.look import Evidence
    from voxgate.model.release import Release
    from voxgate.survey.answers import Page

OK, FAILED = 200, 500
SLOW = 2.0  # seconds for the page to come, from which on it is too slow
WHO = ("service", "version", "commit")


@invariant(
    per="unit",
    guards="releases",
    services=("backend",),
    faults=("backend-dependency-down", "backend-health-lies", "backend-api-proxied-nowhere"),
    severity="blocker",
    threats=("served",),
)
def test_backend_health_is_clean(unit: PlacedUnit, estate: Estate, evidence: Evidence) -> None:
    """Health is what load balancers and people trust: 200, by its schema, in time, direct and through nginx, and from the
    very process that the release started. And the rest of its API is what people work with: asked through nginx as browsers ask,
    a page of it (proxied_api in services.toml) is what the backend itself answers, and so is one beside it that there is not.
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
            # Nothing more is to be done where that was said of the other way.
            instead, hint = sent_on([page.answer], estate), "" if wrong else _why_not(unit, page)
            if way != "direct" and not wrong:
                hint = f"nginx must proxy {page.answer.path} to the backend of this host: {PROXIES}"
            if way != "direct" and estate.front is None and not wrong:
                hint += f"{'; ' if hint else ''}where people see it by a name or by https alone: url in [console]"
            wrong.append((f"{place} {page.problem}", "" if instead else hint))
            entries += instead
            continue
        wrong += _unlike(unit, page, place, estate, release)
        seen.append(page.document["pid"])
    if len(set(seen)) > 1:
        what = f"nginx asks process {seen[-1]}, and :{service.health.port} is answered by {seen[0]}"
        wrong.append((what, f"nginx must proxy /health to the backend of this host: {PROXIES}"))
    if not wrong and not entries:  # else the API has no other cause
        wrong += _api(unit.placement, estate, evidence)
    assert not wrong, say_each(unit.host.name, wrong, estate=estate.name, entries=entries)


def _unlike(unit: PlacedUnit, page: Page, place: str, estate: Estate, release: Release | None) -> Iterator[tuple[str, str]]:
    """What of a page that keeps its contract is not as the release that must run answers, or not in time."""
    if page.document.get("service") != unit.service.repository:
        what = f"{place} is answered by {page.document.get('service')}, not by {unit.service.repository}"
        yield what, listening(page.answer.port)
    if page.answer.seconds >= SLOW:
        stores = dict.fromkeys(store.host for store in estate.stores if store.host != unit.host.name)
        busy = "; ".join(["`uptime`", *(f"on {host}: `uptime`" for host in stores)])
        yield f"{place} took {page.answer.seconds:.1f} s", f"one of its stores is slow, or a host has no time: {busy}"
    if release is not None and page.document["commit"] != release.commit:
        what = f"{place} reports {page.document['commit'][:12]}, not {release}"
        yield what, restart(unit.unit)


def _api(placement: Placement, estate: Estate, evidence: Evidence) -> Iterator[tuple[str, str]]:
    """How the API through nginx differs from what the backend itself answers."""
    for direct, through in api_asked(estate, placement):
        own, passed = evidence.second.answer(direct), evidence.second.answer(through)
        if own.trouble or own.status >= FAILED:
            continue  # what the backend itself cannot answer is nothing of nginx's
        here = f"GET :{through.port}{through.path} (through nginx, from {through.host}) "
        what = ""
        if passed.trouble:
            what = f"gave no answer: {passed.trouble}"
        elif passed.status != own.status:
            what = f"answers {passed.status}, and the backend itself {own.status}"
        elif (said := _members(own)) != (found := _members(passed)):
            names = sorted(key for key in said.keys() | found.keys() if said.get(key) != found.get(key))
            what = f"answers otherwise than the backend itself: {', '.join(names[:5])}"
        if what:
            yield here + what, f"nginx must proxy {through.path.rpartition('/')[0]}/ to the backend of this host: {PROXIES}"


def _members(answer: Answer) -> dict[str, object]:
    """What a JSON answer has, by name; of each member only that it is there, but of those that say who answers."""
    try:
        document = loads(unpacked(answer))
    except ContractError:
        return {}
    members = document.items() if isinstance(document, dict) else ()
    return {key: value if key in WHO else True for key, value in members}


def _why_not(unit: PlacedUnit, page: Page) -> str:
    """What to do about a page that is not as it must be."""
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
