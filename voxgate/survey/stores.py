"""Where the addresses in a service's settings lead, and whether its host comes through to them."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from voxgate.model.evidence import HostEvidence, Missing, known
from voxgate.survey.commands import edit_settings, restart, why

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voxgate.model.estate import Estate, Placement, Store
    from voxgate.model.look import Evidence, Look
    from voxgate.model.surroundings import StoreFact

ADDRESSES = ("_URI", "_URL", "_ENDPOINT")
WILDCARDS = {"0.0.0.0", "::"}  # noqa: S104 - found on a host, not bound here
LOOPBACK = {"127.0.0.1", "::1"}


def wrong_addresses(placement: Placement, estate: Estate, evidence: Evidence) -> tuple[list[tuple[str, str]], list[str]]:
    """What is wrong with the addresses in a service's settings, each with what to do about it; second, what the host's probe does
    not tell enough of. From that host each must be reached, a database by connections of the service's own processes, and what
    is a store must be the estate's. Raises Blind.
    """
    service, host = placement.service, placement.host.name
    wrong, unseen = [], []
    settings = edit_settings(service, ".env", evidence.second.host(host))
    found = {one.setting: one for one in known(evidence.second.host(host).stores[service.name])}
    lost = sorted(name for name in service.required_settings if name.endswith(ADDRESSES) and name not in found)
    if lost:
        do = f"mend the setting: {settings}, then {restart(*placement.units)}"
        wrong.append((f"{', '.join(lost)} in {service.folder}/.env is no address", do))
    mend = f"mend the setting: {settings}, then {restart(*placement.units)}"
    mend += "; or the estate's [stores], where that is what should be"
    for name, store in found.items():
        if store.outcome not in {"reached", "not asked"}:
            what = f"the address in {name} could not be reached from here: {store.outcome}"
            wrong.append((what, _store_is_up(estate, service.stores.get(name))))
        elif store.outcome != "reached" and not store.connections:
            what = f"no process of {service.unit} has a connection to the address in {name}"
            wrong.append((what, why(*placement.units)))
        home = next((one for one in estate.stores if one.name == service.stores.get(name)), None)
        if home is not None and home.addresses and not store.names:
            unseen.append(f"the probe does not say what host {name} names")
        elif home is not None:
            elsewhere = list(_leads_elsewhere(name, store, home, estate, evidence.second, host))
            if home.host and not _is_seen(evidence.second.hosts.get(home.host)):  # by another of its addresses, who knows
                unseen += [f"{what}, as far as can be told without a look at {home.host}" for what in elsewhere]
            else:
                wrong += [(what, mend) for what in elsewhere]
    return wrong, unseen


def _store_is_up(estate: Estate, name: str | None) -> str:
    """What to do about a store that does not answer."""
    home = next((one for one in estate.stores if one.name == name and not one.addresses), None)
    if home is None:
        return "is what is there up, and the way open?"
    return f"is the store up, and the way open? on {home.host}: `systemctl status --no-pager {home.unit}`"


def _leads_elsewhere(name: str, store: StoreFact, home: Store, estate: Estate, look: Look, host: str) -> Iterator[str]:
    """Where a setting leads that is not the estate's own store. Of one outside of the estate the hash of its name alone is known
    here.
    """
    if home.addresses:
        right = {hashlib.sha256(f"{address}:{home.port}".encode()).hexdigest() for address in home.addresses}
        if not set(store.names) <= right:
            yield f"{name} names another host or port than {', '.join(home.addresses)}:{home.port}, where {home.name} is"
        return
    own = {(address, home.port) for address in _addresses(estate, look, home, host)}
    other = sorted(set(store.held) - own) or sorted(set(store.places) - own if not own & set(store.places) else ())
    for address, port in other:
        yield f"{name} leads to {address}:{port}, not to {home.name} of {home.host}"


def _addresses(estate: Estate, look: Look, store: Store, asker: str) -> set[str]:
    """Every address of a store's host that is known: the estate's word, and those that it listens on or is connected by itself;
    the loopback for the host itself.
    """
    own, found = {estate.host(store.host).address}, look.hosts.get(store.host)
    if isinstance(found, HostEvidence) and _is_seen(found):
        own |= {one.address for one in (*known(found.listeners), *known(found.connections))} - WILDCARDS
    return {address for address in own if store.host == asker or address not in LOOPBACK}


def _is_seen(host: HostEvidence | Missing | None) -> bool:
    """True for a host that told what it listens on and is connected by."""
    if not isinstance(host, HostEvidence):
        return False
    return not isinstance(host.listeners, Missing) and not isinstance(host.connections, Missing)
