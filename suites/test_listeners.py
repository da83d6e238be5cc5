"""Listeners: what can be connected to, on each host, in each of its networks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxgate.errors import Blind
from voxgate.model.entry import Entry
from voxgate.model.evidence import ProcessFact, known
from voxgate.model.where import Names
from voxgate.plugin import invariant, say_all
from voxgate.survey.commands import look_again, stop
from voxgate.survey.findings import by_id, holder_of, is_anybodys, is_loopback

if TYPE_CHECKING:
    from voxgate.model.estate import Estate, Listener
    from voxgate.model.evidence import HostEvidence, SocketFact
    from voxgate.model.look import Evidence


@invariant(
    per="host_name",
    faults=(
        "listener-unknown",
        "listener-udp",
        "listener-udp-that-moves",
        "listener-in-another-network",
        "old-process-holds-the-port",
    ),
)
def test_only_expected_listeners(host_name: str, estate: Estate, evidence: Evidence) -> None:
    """Each open port is a door, of UDP as of TCP, in each network of the host. Each listening socket belongs to a unit or an
    image that the estate names, on its port, by loopback where it says so.
    """
    host = evidence.second.host(host_name)
    if estate.listeners is None:
        raise Blind(
            "the estate does not say what may listen", where=host_name, hint=f"add [listeners] to hosts/{estate.name}.toml"
        )
    sockets, containers = known(host.listeners), by_id(known(host.engines).containers)
    processes = {one.pid: one for one in known(host.processes)}
    wanted = estate.listeners_on(estate.host(host_name))
    if not known(host.engines).engines and any(one.container for one in processes.values()):
        what = "no container engine answered, and containers run: whose they are is not known"
        raise Blind(what, where=host_name, hint="which engine runs them? `ps -ef`; `systemctl status --no-pager docker`")
    if not any(one.pids for one in sockets):
        raise Blind(
            "nobody could be seen to listen", where=host_name, why="not even sshd, by which we came", hint=look_again(estate)
        )
    first, last = known(host.ephemeral)
    before = {one.port for one in known(evidence.first.host(host_name).datagrams)}
    hand, hand_before = _by_hand(host), _by_hand(evidence.first.host(host_name))
    named = Names(tuple(one.who for one in wanted))
    doors = [("tcp", one) for one in sockets] + [("udp", one) for one in known(host.datagrams)]
    found, entries, stray = [], [], dict[int, ProcessFact]()
    for protocol, socket in doors:
        holders = {holder_of(processes[pid], containers) for pid in socket.pids if pid in processes}
        # Where systemd opened the socket, it holds it too: then the service that it is for counts, as soon as it was started.
        by_systemd = "init.scope" in holders
        holders = holders - {"init.scope"} or holders
        passing = protocol == "udp" and first <= socket.port <= last
        # The kernel picks such a port for whoever asks a question: of a name, of the time, of a caller. One that is open in both
        # looks is none, by whatever address, and whoever has it by then. Nor is one of an account that had one before: who asks
        # does so for a moment, and a door that moves is there each time.
        moved = socket in hand.get(socket.uid, ()) and hand_before.get(socket.uid)
        if passing and (_are_named(holders) or not (socket.port in before or moved)):
            continue
        if socket.apart and is_loopback(socket.address) and _are_named(holders):
            continue  # nobody else can reach it: a container's own resolver
        place = f"{'UDP ' if protocol == 'udp' else ''}{socket.address}:{socket.port}"
        place += " in a network of its own" if socket.apart else ""
        if passing and moved and socket.port not in before:
            place += f", after UDP {moved[0].address}:{moved[0].port} in the first look"
        doing = holders or {"kernel"}
        unknown = sorted(who for who in doing if not any(_may(one, who, protocol, socket, by_systemd) for one in wanted))
        if unknown and not holders:
            found.append(f"{place} is listened on by no process that can be seen (ss -l{protocol[0]}np)")
        elif unknown:
            found += [f"{who} listens on {place}, and the estate does not say so" for who in unknown]
            mine = {pid: processes[pid] for pid in socket.pids if pid in processes}
            # What the estate names is not stopped for one port more: it may be sshd.
            stray |= {pid: one for pid, one in mine.items() if holder_of(one, containers) in unknown and one.unit not in named}
            stays = not passing or socket.port in before  # of a port that moves an entry would say nothing
            entries += [_entry(host_name, who, protocol, socket, first, last) for who in unknown if stays and _has_a_name(who)]
    apart = {holder_of(processes[pid], containers) for pid in known(host.apart) if pid in processes}
    found += [
        f"{who} is in a network of its own, and belongs to no unit: what it opens there is seen by nobody (ip netns list)"
        for who in sorted(apart)
        if not _are_named({who})
    ]
    do = stop((one for pid, one in stray.items() if pid > 1 and not one.container), host)
    do = f"stop what nobody needs{f': {do}' if do else ''}"
    assert not found, say_all(host_name, found, do, estate=estate.name, entries=entries)


def _by_hand(look: HostEvidence) -> dict[int | None, list[SocketFact]]:
    """The sockets of UDP on client ports that are of no unit and no image, by the account that opened them. What no process has
    open any more counts as a unit's where its account has one: it may be an answer that just came.
    """
    first, last = known(look.ephemeral)
    processes, containers = known(look.processes), by_id(known(look.engines).containers)
    holder = {one.pid: holder_of(one, containers) for one in processes}
    of_units = {one.uid for one in processes if _are_named({holder[one.pid]})}
    found: dict[int | None, list[SocketFact]] = {}
    for one in known(look.datagrams):
        holders = {holder[pid] for pid in one.pids if pid in holder}
        excused = _are_named(holders) if holders else one.uid in of_units
        if one.uid is not None and first <= one.port <= last and not excused:
            found.setdefault(one.uid, []).append(one)
    return found


def _entry(host: str, who: str, protocol: str, socket: SocketFact, first: int, last: int) -> Entry:
    """What an estate says of it. A port of TCP on loopback that the kernel picked (``first`` to ``last``) is another when the
    program is started again.
    """
    about = "systemd itself, for a service that was not asked for yet" if who == "init.scope" else ""
    ways = ("udp:" if protocol == "udp" else "") + ("loopback:" if is_loopback(socket.address) else "")
    if ways == "loopback:" and first <= socket.port <= last and not is_anybodys(who):
        return Entry(("listeners", host), {who: ("loopback:0",)}, "0 is any port: it is another at each start")
    return Entry(("listeners", host), {who: (f"{ways}{socket.port}" if ways else socket.port,)}, about)


def _are_named(holders: set[str]) -> bool:
    """True if all of them are units of the system or images that an engine lists: nothing that a person started by hand, in a
    login, by a job, or by a systemd of his own.
    """
    return bool(holders) and all(map(_has_a_name, holders)) and not any(map(is_anybodys, holders))


def _has_a_name(who: str) -> bool:
    """True for a unit, or an image."""
    return not who.startswith(("process ", "container ", "user@"))


def _may(listener: Listener, who: str, protocol: str, socket: SocketFact, by_systemd: bool) -> bool:  # noqa: FBT001
    """True if the estate lets ``who`` listen there; port 0 stands for any. A socket that is systemd's own (``by_systemd``) waits
    for a service that nobody asked for yet, and is the same one once that runs: so an entry for either is for both.
    """
    names = Names((listener.who,))
    named = who in names or (by_systemd and ("init.scope" in names or (who == "init.scope" and ".service" in listener.who)))
    on_port = listener.port == 0 or listener.port <= socket.port <= (listener.last or listener.port)
    reached = not listener.loopback or is_loopback(socket.address)
    return named and listener.protocol == protocol and on_port and reached
