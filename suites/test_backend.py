"""Backend: it answers, cleanly, on both of its ways."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from voxgate.errors import Blind
from voxgate.model.evidence import known
from voxgate.plugin import invariant, say
from voxgate.survey.answers import read_page
from voxgate.survey.questions import question_of
from voxgate.survey.sending import sent_on
from voxgate.survey.sites import proxied

if TYPE_CHECKING:
    from voxgate.model.estate import Estate, PlacedUnit, Placement, Store
    from voxgate.model.look import Evidence, Look
    from voxgate.model.surroundings import StoreFact

SLOW = 2.0
WILDCARDS = {"0.0.0.0", "::"}  # noqa: S104 - found on a host, not bound here
LOOPBACK = {"127.0.0.1", "::1"}


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
    seen = []
    for way, question, schema in ways:
        page = read_page(evidence.second, question, schema)
        instead, hint = sent_on([page.answer], estate), f"journalctl -u {unit.unit}; is a store down?"
        if way != "direct" and estate.front is None:
            hint += "; where people see it by a name or by https alone: url in [console]"
        assert not page.problem, say(
            f"{page.place} ({way}) {page.problem}", "" if instead else hint, estate=estate.name, entries=instead
        )
        assert page.document.get("service") == service.repository, say(
            f"{page.place} ({way}) is answered by {page.document.get('service')}, not by {service.repository}",
            "which process listens there: ss -ltnp",
        )
        assert page.answer.seconds < SLOW, say(
            f"{page.place} ({way}) took {page.answer.seconds:.1f} s", "one of its stores is slow: see its checks"
        )
        assert release is not None, say(f"{unit.host.name}: no release of the backend ever passed the gate", "make gate")
        assert page.document["commit"] == release.commit, say(
            f"{page.place} ({way}) reports {page.document['commit'][:12]}, not {release}", f"systemctl restart {unit.unit}"
        )
        seen.append(page.document["pid"])
    assert len(set(seen)) == 1, say(
        f"{unit.host.name}: nginx asks process {seen[-1]}, and :{service.health.port} is answered by {seen[0]}",
        "nginx must proxy /health to the backend of this host",
    )


ADDRESSES = ("_URI", "_URL", "_ENDPOINT")


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
    checks = page.document.get("checks")
    assert isinstance(checks, dict) and checks, say(
        f"{page.place} {page.problem or 'says nothing of its stores'}", f"journalctl -u {service.unit}"
    )
    unwell = sorted(f"{store} {state}" for store, state in checks.items() if state != "ok")
    assert not unwell, say(f"{page.place} says {', '.join(unwell)}", "is the store up, and is its setting in .env right?")
    found = {one.setting: one for one in known(evidence.second.host(host).stores[service.name])}
    lost = sorted(name for name in service.required_settings if name.endswith(ADDRESSES) and name not in found)
    assert not lost, say(f"{host}: {', '.join(lost)} in {service.folder}/.env is no address", "mend the setting")
    for name, store in found.items():
        assert store.outcome in {"reached", "not asked"}, say(
            f"{host}: the address in {name} could not be reached from here: {store.outcome}", "is the store up, and the way open?"
        )
        assert store.outcome == "reached" or store.connections, say(
            f"{host}: no process of {service.unit} has a connection to the address in {name}", f"journalctl -u {service.unit}"
        )
        home = next((one for one in estate.stores if one.name == service.stores.get(name)), None)
        if home is not None and home.addresses:
            _is_outside(f"{host}: {name}", store, home, f"mend the setting in {service.folder}/.env, and restart {service.unit}")
        elif home is not None:
            right = {(address, home.port) for address in _addresses(estate, evidence.second, home, host)}
            wrong = sorted(set(store.held) - right) or sorted(set(store.places) - right if not right & set(store.places) else ())
            assert not wrong, say(
                f"{host}: {name} leads to {wrong[0][0]}:{wrong[0][1]}, not to {home.name} of {home.host}",
                f"mend the setting in {service.folder}/.env, and restart {service.unit}; or the estate's [stores]",
            )


def _is_outside(what: str, found: StoreFact, home: Store, mend: str) -> None:
    """A setting names a store outside of the estate as the estate does. Of the name that it has the hash alone is known here."""
    if not found.names:
        raise Blind("the probe does not say what host it names", where=what, hint="install the probe of this voxgate")
    right = {hashlib.sha256(f"{address}:{home.port}".encode()).hexdigest() for address in home.addresses}
    assert set(found.names) <= right, say(
        f"{what} names another host or port than {', '.join(home.addresses)}:{home.port}, where {home.name} is",
        f"{mend}; or the estate's [stores]",
    )


def _addresses(estate: Estate, look: Look, store: Store, asker: str) -> set[str]:
    """Every address of a store's host: the estate's word, and those that it listens on or is connected by itself; the loopback
    for the host itself.
    """
    found = look.host(store.host)
    own = {one.address for one in (*known(found.listeners), *known(found.connections))} - WILDCARDS
    own.add(estate.host(store.host).address)
    return {address for address in own if store.host == asker or address not in LOOPBACK}
