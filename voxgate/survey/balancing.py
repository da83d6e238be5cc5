"""HAProxy's servers and the estate's workers, and how a call comes to one: what is asked so that none begins."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from voxgate.errors import Blind
from voxgate.model.digits import port_in
from voxgate.model.evidence import Missing, known
from voxgate.model.look import Look, Question
from voxgate.model.service import Role

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voxgate.model.estate import Estate, Host, PlacedUnit
    from voxgate.model.evidence import HostEvidence
    from voxgate.model.web_servers import HaproxyFact, ServerFact

HAPROXY = "haproxy.service"
A_WORKER, AT_MOST = 2, 24  # questions through HAProxy: two for each worker, as it leads them to one after the other


def place_of(server: ServerFact) -> tuple[str, int]:
    """A server's address and port; port 0 where it has none."""
    address, _, number = server.address.rpartition(":")
    return address.strip("[]"), port_in(number) or 0


def workers_at(estate: Estate, look: Look, asker: Host) -> dict[tuple[str, int], PlacedUnit]:
    """Each worker of the estate by every address and port at which ``asker`` finds it: as the estate writes its host, and as the
    host says itself, so that a name, an address of the other kind, and several of them are the same host. An address that two
    hosts have, as that of a bridge for containers, means on each the host itself. Blind where one of them does not say; of a
    host that a part of the estate does not look at it is what the estate writes.
    """
    hosts = {*estate.hosts_with(Role.FLEET), asker}
    said = {one.name: set(known(look.host(one.name).addresses)) if one.name in look.hosts else set[str]() for one in hosts}
    counted = Counter(one for addresses in said.values() for one in addresses)
    found: dict[tuple[str, int], PlacedUnit] = {}
    for unit in estate.placed_units:
        if unit.service.name != "fleet" or unit.service.health is None:
            continue
        own = said[unit.host.name]
        reached = own if unit.host == asker else {one for one in own if counted[one] == 1}
        port = unit.port_of(unit.service.health)
        found.update(((address, port), unit) for address in {*reached, unit.host.address})
    return found


def calls_at_workers(found: HaproxyFact, workers: Mapping[tuple[str, int], PlacedUnit], host: Host) -> dict[ServerFact, Question]:
    """What each worker is asked from the host of a HAProxy, where that HAProxy finds it: for a call that says nothing."""
    asked: dict[ServerFact, Question] = {}
    for server in found.servers:
        address, port = place_of(server)
        unit = workers.get((address, port))
        if unit is not None and unit.service.calls is not None:
            asked[server] = Question(host.name, port, unit.service.calls.path, address, method="POST")
    return asked


def calls_through(estate: Estate, host: Host) -> tuple[Question, ...]:
    """The same of a HAProxy itself, several times: from where the estate says that calls come, if its port is for others than
    the host; nothing where it says no such host, or no HAProxy is to listen there.
    """
    endpoint = next((one.balanced_calls for one in estate.services if one.name == "fleet"), None)
    if endpoint is None or estate.called_from is None or Role.API not in host.roles:
        return ()
    ways = [one for one in estate.listeners_on(host) if one.who == HAPROXY and one.port == endpoint.port]
    if not ways and estate.listeners is not None:
        return ()
    asker = estate.called_from
    outside = asker in {one.name for one in estate.hosts} - {host.name} and not (ways and all(one.loopback for one in ways))
    where = (asker, host.address) if outside and asker else (host.name, "127.0.0.1")
    count = min(A_WORKER * estate.workers, AT_MOST)
    return tuple(
        Question(where[0], endpoint.port, endpoint.path, where[1], (("X-Request-Id", f"voxgate-{number}"),), method="POST")
        for number in range(1, count + 1)
    )


def call_questions(estate: Estate, hosts: Mapping[str, HostEvidence | Missing]) -> tuple[Question, ...]:
    """All of it, as far as the hosts say where HAProxy leads calls. None of it is more than the estate's own workers, and all of
    it is asked only where the estate says from where: a worker that takes such a call for one would begin it.
    """
    if estate.called_from is None:
        return ()
    look, asked = Look(0.0, hosts, {}, {}), list[Question]()
    whole = estate.whole or estate  # a HAProxy leads to workers on hosts of other parts, too
    for host in estate.hosts_with(Role.API):
        asked += calls_through(whole, host)
        try:
            found = known(look.host(host.name).haproxy)
            asked += calls_at_workers(found, workers_at(whole, look, host), host).values()
        except Blind:
            continue  # that nobody knows is said by the rule
    return tuple(dict.fromkeys(asked))
