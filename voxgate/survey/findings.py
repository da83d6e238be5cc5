"""What follows from facts by themselves: whose code a process runs, who holds a socket, what an address means."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from voxgate.errors import Blind
from voxgate.model.estate import repository_of
from voxgate.model.evidence import Missing, known

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from voxgate.model.estate import PlacedUnit
    from voxgate.model.evidence import ContainerFact, HostEvidence, ProcessFact, UnitFact
    from voxgate.model.look import Look
    from voxgate.model.service import Service


def runs_code_of(process: ProcessFact, service: Service) -> bool:
    """True for a process that runs a service's code, whatever it is called. The probe found it so on the host, before anything
    was cut: its words may be.
    """
    return service.folder in process.runs


def by_id(containers: Iterable[ContainerFact]) -> dict[str, ContainerFact]:
    """Containers by what a cgroup is known by: how many there are a host says, and each process is asked about."""
    found: dict[str, ContainerFact] = {}
    for one in containers:
        found.setdefault(one.id[:12], one)
    return found


def holder_of(process: ProcessFact, containers: Mapping[str, ContainerFact]) -> str:
    """Who a process belongs to: the image of its container, else its unit, else ``process 12 (name)``; systemd itself is
    ``init.scope``.
    """
    if process.container:
        ours = containers.get(process.container[:12])
        return repository_of(ours.image) if ours else f"container {process.container[:12]}"
    if process.pid == 1:
        return "init.scope"
    return process.unit or f"process {process.pid} ({process.command})"


def each_by_itself(hosts: Mapping[str, HostEvidence | Missing]) -> dict[str, HostEvidence | Missing]:
    """The hosts of a look, without those that share the key they sign with: either could have answered for the other then."""
    signers: dict[str, list[str]] = {}
    for name, host in hosts.items():
        if not isinstance(host, Missing) and host.signed_by:
            signers.setdefault(host.signed_by, []).append(name)
    found = dict(hosts)
    for names in signers.values():
        for name in names if len(names) > 1 else ():
            other = next(one for one in names if one != name)
            hint = "give each host keys of its own: `rm /etc/ssh/ssh_host_*; ssh-keygen -A; systemctl restart ssh`; and pin them"
            found[name] = Missing(
                "denied", f"it has the same host key as {other}: nobody can say which of them signed", name, hint
            )
    return found


def unit_of(look: Look, unit: PlacedUnit) -> UnitFact:
    """The unit as found."""
    units = known(look.host(unit.host.name).units)
    if unit.unit not in units:
        raise Blind("systemd was not asked about this unit", where=f"{unit.host.name} {unit.unit}")
    return units[unit.unit]


def is_started_by_its_unit(host: HostEvidence, process: ProcessFact) -> bool:
    """True for the main process of its unit, and what that started: what was put into a cgroup has another line."""
    unit, spans = known(host.units).get(process.unit), _spans(_Rows(known(host.processes)))
    ours, main = spans.get(process.pid), spans.get(unit.main_pid) if unit is not None else None
    return ours is not None and main is not None and main[0] <= ours[0] < main[1]


def process_at(host: HostEvidence, pid: int) -> ProcessFact | None:
    """The process of that number, None for none."""
    return _by_pid(_Rows(known(host.processes))).get(pid)


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """The processes of one host, these very ones: how many there are a host says, and nobody compares them."""

    each: tuple[ProcessFact, ...]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Rows) and other.each is self.each

    def __hash__(self) -> int:
        return id(self.each)


@lru_cache(maxsize=8)
def _by_pid(rows: _Rows) -> Mapping[int, ProcessFact]:
    return {one.pid: one for one in rows.each}


@lru_cache(maxsize=64)
def _spans(rows: _Rows) -> Mapping[int, tuple[int, int]]:
    """Each process's place in an order in which all that it started, and what that started, stands right behind it, and the end
    of that. One that is its own ancestor has none. Asked once for a host, whose processes are asked about one by one.
    """
    parents = {one.pid: one.ppid for one in rows.each}
    below: dict[int, list[int]] = {}
    for pid, parent in parents.items():
        below.setdefault(parent, []).append(pid)
    order, waiting = list[int](), [pid for pid, parent in parents.items() if parent not in parents]
    while waiting:
        order.append(waiting.pop())
        waiting += below.get(order[-1], ())
    count = dict.fromkeys(order, 1)
    for pid in reversed(order):
        if parents[pid] in count:
            count[parents[pid]] += count[pid]
    return {pid: (place, place + count[pid]) for place, pid in enumerate(order)}


_SHARED = re.compile(
    r"(?:(?:cron|crond|cronie|fcron|bcron|dcron|incron|incrond|atd|ssh|sshd|dropbear|exim4?|postfix|sendmail|opensmtpd|smtpd|dovecot)"
    r"(?:@[^/]*)?|cron-[^/]*)\.service|user@.*",  # sshd by its socket is ssh@PEERS.service; systemd-cron has a unit a row
    re.DOTALL,
)


def is_anybodys(unit: str) -> bool:
    """True for a unit that starts what any account likes: by its crontab, its mail, its login, or a systemd of its own. Of a
    process there the account and the program say more.
    """
    return _SHARED.fullmatch(unit) is not None


def is_loopback(address: str) -> bool:
    """True for an address that only the host itself can connect to, also one of IPv4 as IPv6 writes it; what is no address is
    none.
    """
    try:
        return _plain(address).is_loopback
    except ValueError:
        return False


def is_public(address: str) -> bool:
    """True for an address of the internet; a name, and an address of no network in particular, are none."""
    try:
        return _plain(address).is_global
    except ValueError:
        return False


def _plain(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """An address; ``::ffff:127.0.0.1`` is 127.0.0.1. Raises ValueError for what is none."""
    found = ipaddress.ip_address(address)
    return found.ipv4_mapped or found if isinstance(found, ipaddress.IPv6Address) else found
