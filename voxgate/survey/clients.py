"""Who works on a database: each client, the process that has its end open, and what is wrong with it where something is.

What a client calls itself is its own word. So it is known by what others say: root's probe of the process that has its end
open, or the address that it comes from, and for the rest the entries of ``[clients]``. It is called a second dialler where
there is cause: it runs the dialler's code, or calls itself as the dialler or the gate does. No entry allows such a one.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from voxgate.model.entry import Entry
from voxgate.model.evidence import known
from voxgate.model.where import Names
from voxgate.survey.commands import end
from voxgate.survey.findings import by_id, holder_of, is_anybodys, is_loopback, is_started_by_its_unit, runs_code_of
from voxgate.transport.clients.database import APP_NAME

if TYPE_CHECKING:
    from collections.abc import Iterable

    from voxgate.model.answers import DatabaseClient
    from voxgate.model.clients import ClientWord
    from voxgate.model.database import Database
    from voxgate.model.estate import Estate, Host
    from voxgate.model.evidence import HostEvidence, ProcessFact
    from voxgate.model.look import Evidence, Look
    from voxgate.model.service import Service

_ENDED = 20
"""Clients whose end is told by a command: where there are more, something else is wrong."""
SSHD = re.compile(r"/usr/(?:[\w.-]+/)+sshd[\w-]*(?: \(deleted\))?", re.ASCII)  # and what it starts for a session


class Wrong(NamedTuple):
    """A client that may not be there, in words. ``dialler`` is True where there is cause to call it a second one; ``entry`` is
    what an estate may say so that it may be there, None where nothing can; ``ends`` is the command that ends it, on its host.
    """

    said: str
    dialler: bool = False
    entry: Entry | None = None
    ends: str = ""


@dataclass(frozen=True, slots=True)
class _Held:
    """A client whose end processes of a host have open."""

    client: DatabaseClient
    host: Host
    processes: tuple[ProcessFact, ...]

    @property
    def ends(self) -> str:
        """What ends them; "" for what runs in a container, which is another's to say."""
        pids = [one.pid for one in self.processes if not one.container and one.pid > 1]
        return f"on {self.host.name}: {end(pids)}" if pids else ""


def wrong_clients(database: Database, estate: Estate, evidence: Evidence) -> list[Wrong]:
    """Every client of a database that is no process of the estate's, not the gate's own question, and not allowed: each once,
    however many connections it has. Raises Blind unless every host was seen.
    """
    second = _Clients(database, estate, evidence.second)
    found: dict[str, Wrong] = {}
    counts: Counter[str] = Counter()
    before = frozenset(evidence.first.database(database.name).clients)
    for client in second.view.clients:
        held = second.held(client)
        wrong = second.judged(held, before) if held is not None else None
        if held is not None and wrong is not None:
            found[wrong.said] = wrong._replace(ends=held.ends)
            counts[wrong.said] += 1
    # A connection may open or end between the question to the database and the look at the hosts. Whoever really works on
    # the database unseen is there both times, whatever its port is by then, and whatever it calls itself; also where a process
    # that may not be there had it open the first time.
    earlier, unheld = _Clients(database, estate, evidence.first), second.unheld()
    first = {client.address for client in (*earlier.unheld(), *earlier.wrong())} if unheld else set()
    counted = earlier.too_many()
    if counted:  # one of them, whatever it calls itself by now
        first = first.union(database.seen_as)
    if counted or any(earlier.is_translated(one) and earlier.stranger(one) for one in earlier.unheld()):
        for name, said in second.too_many().items():
            found[said] = Wrong(said, dialler=name == second.dialler.app_name)
    for client in unheld:
        wrong = second.stranger(client) if client.address in first else None
        if wrong is not None:
            found[wrong.said] = wrong
            counts[wrong.said] += 1
    many = {said: f" ({count} connections)" if count > 1 else "" for said, count in counts.items()}
    return [one._replace(said=said + many.get(said, "")) for said, one in found.items()]


class _Clients:
    """The clients of one database, as one look has them."""

    def __init__(self, database: Database, estate: Estate, look: Look) -> None:
        self.database, self.estate, self.look = database, estate, look
        self.view = look.database(database.name)
        self.dialler = estate.service("dialler")
        self.names = {one.app_name or one.repository: one for one in estate.services}
        self.ends = _ends(look, estate, database)
        self._ends_of: dict[int, set[tuple[str, int]]] = {}  # each process's, as this database sees them
        for one in self.view.clients:
            for _, processes in self.ends.get((one.address, one.port), ()):
                for process in processes:
                    self._ends_of.setdefault(process.pid, set()).add((one.address, one.port))
        self._ends_at: dict[str, set[tuple[str, int]]] = {}  # of all clients of another database
        self._shares: dict[tuple[str, int], bool] = {}
        self._addresses: dict[str, frozenset[str]] = {}

    def held(self, client: DatabaseClient) -> _Held | None:
        """The host and the processes that have a client's end open, None if no host of the estate has. A loopback address is
        one of every host: there the one that the database is asked through is meant, if it has such an end.
        """
        found = self.ends.get((client.address, client.port), [])
        host, processes = next((one for one in found if one[0].name == self.database.via), found[0] if found else (None, ()))
        return _Held(client, host, processes) if host is not None else None

    def unheld(self) -> list[DatabaseClient]:
        """Those that no process of the estate holds, the gate's own questions aside, and what is counted (``too_many``)."""
        unheld = [one for one in self.view.clients if self.held(one) is None and not self._is_gate(one)]
        return [one for one in unheld if not (self.is_translated(one) and one.app_name in self.names)]

    def wrong(self) -> list[DatabaseClient]:
        """Those that a process of the estate's hosts holds which may not be there. One without a name may have just come."""
        held = ((one, self.held(one)) for one in self.view.clients)
        return [one for one, by in held if by is not None and self.judged(by, frozenset()) is not None]

    def too_many(self) -> dict[str, str]:
        """Where the server sees the estate's hosts by other addresses than their own, none of their clients can be found again by
        its port. So they are counted: no more may call themselves as a service does than its processes have connections open to
        one such server. By their name, what is too much, in words.
        """
        called = Counter(one.app_name for one in self.view.clients if self.is_translated(one) and one.app_name in self.names)
        found = {}
        for name, count in called.items():
            service = self.names[name]
            most = max(self._opened(service).values(), default=0)
            if count > most:
                where = ", ".join(self.database.seen_as)
                found[name] = f"{count} clients at {where} call themselves {name}, and the {service.name} has {most} connections"
        return found

    def _opened(self, service: Service) -> Counter[str]:
        """How many connections the processes of a service have open to the server's port, by the address that they lead to."""
        found: Counter[str] = Counter()
        for host in self.estate.hosts:
            seen = self.look.host(host.name)
            by_pid = {one.pid: one for one in known(seen.processes)}
            for socket in known(seen.connections):
                process = next((by_pid[pid] for pid in socket.pids if pid in by_pid), None)
                if socket.remote_port != self.database.server_port or process is None or socket.remote_address is None:
                    continue
                ours = service_of(seen, self.estate, process) == service
                if service == self.dialler:
                    ours = self._is_main(host, process, self.database)
                found[socket.remote_address] += ours and self._is_outside(socket.remote_address)
        return found

    def is_translated(self, client: DatabaseClient) -> bool:
        """True for a client at an address by which the server sees the estate's hosts."""
        return client.address in self.database.seen_as

    def judged(self, held: _Held, before: frozenset[DatabaseClient]) -> Wrong | None:
        """What is wrong with a client on a host of the estate; ``before`` are those of the first look."""
        client, host, process = held.client, held.host, held.processes[0]
        in_unit = f"in {process.unit}" if process.unit else "in no unit"
        found = f"{_who(client)} is process {process.pid} ({process.command}) of {process.user} {in_unit} on {host.name}"
        if client.app_name in {self.view.asker, *self.view.beside}:
            # The gate's own question, by a name that is made anew for each, comes out of sshd on the host it asks through.
            return None if self._through_sshd(held) else Wrong(f"{found}, not the gate", dialler=True)
        if any(self._is_main(host, process, database) for database in self.estate.databases if self._is_same(database, held)):
            return None
        seen = self.look.host(host.name)
        theirs = service_of(seen, self.estate, process)
        if not client.app_name and client not in before and theirs is not None:
            return None  # a driver says its name with its first message: between the two, only the process tells who it is
        if any(runs_code_of(one, self.dialler) for one in held.processes):
            return Wrong(f"{found}, and runs the dialler's code, not as {self._home()}", dialler=True)
        owner = self.names.get(client.app_name)
        if owner is not None and owner != self.dialler and theirs == owner:
            return None
        pretends = self._pretends(client)
        if pretends is not None:
            return pretends._replace(said=f"{found}, {pretends.said}")
        if any(_fits(word, held, seen) for word in self.estate.clients_on(host)):
            return None
        words = _entry_on(held, seen)
        entry = Entry(("clients", host.name), (words,), found) if words else None
        return Wrong(f"{found}, and nobody knows that client", entry=entry)

    def stranger(self, client: DatabaseClient) -> Wrong | None:
        """What is wrong with a client that no process of the estate holds."""
        found = f"{_who(client)} is no process of this estate"
        pretends = self._pretends(client)
        if pretends is not None:
            return pretends._replace(said=f"{found}, {pretends.said}")
        if not self._is_outside(client.address):
            return Wrong(f"{found}, and comes from an address of its hosts: out of a network namespace, or by a relay")
        if any(word.calls(client.app_name, client.user) for word in self.estate.clients_at(client.address)):
            return None
        word = {"name": client.app_name, **_said(user=client.user)}
        return Wrong(found, entry=Entry(("clients", client.address), (word,), found))

    def _pretends(self, client: DatabaseClient) -> Wrong | None:
        """Whom a client calls itself that it is not."""
        if client.app_name == self.dialler.app_name:
            return Wrong(f"and calls itself as the dialler does, but is not {self._home()}", dialler=True)
        if client.app_name.startswith(APP_NAME):
            return Wrong("and calls itself as the gate does, but is not the gate", dialler=True)
        owner = self.names.get(client.app_name)
        if owner is not None:
            return Wrong(f"and calls itself as the {owner.name} does, but is not in a unit of it, or not started by it")
        return None

    def _home(self) -> str:
        """The one dialler, in words."""
        return f"{self.estate.dialler_unit(self.database)} on {self.database.dialler}"

    def _is_main(self, host: Host, process: ProcessFact, database: Database) -> bool:
        """True for the process that systemd runs as the dialler of a database."""
        if host.name != database.dialler:
            return False
        unit = known(self.look.host(host.name).units).get(self.estate.dialler_unit(database))
        return unit is not None and process.pid == unit.main_pid

    def _is_same(self, other: Database, held: _Held) -> bool:
        """True for this database, and for one that is on the same server, as that sees the same connections of these
        processes.
        """
        if other.name == self.database.name:
            return True
        if held.host.name != other.dialler:
            return False
        if other.name not in self._ends_at:
            self._ends_at[other.name] = {(one.address, one.port) for one in self.look.database(other.name).clients}
        return any(self._has_end_at(other.name, one.pid) for one in held.processes)

    def _has_end_at(self, other: str, pid: int) -> bool:
        """True if another database sees one of the ends that this one sees of a process. Asked once: a host says how many
        clients and connections there are.
        """
        if (other, pid) not in self._shares:
            self._shares[other, pid] = not self._ends_at[other].isdisjoint(self._ends_of.get(pid, set()))
        return self._shares[other, pid]

    def _through_sshd(self, held: _Held) -> bool:
        """True for what comes out of sshd on the host through which that question is asked, as the account that logs in there or
        as root: any other one can run the same program, and have it do what it likes. Of whom we may not look at the program, the
        name counts.
        """
        asked = [self.database] if held.client.app_name == self.view.asker else self.estate.databases
        process = held.processes[0]
        is_sshd = process.command.startswith("sshd") and (process.exe is None or SSHD.fullmatch(process.exe) is not None)
        return held.host.name in {one.via for one in asked} and is_sshd and process.user in {held.host.user, "root"}

    def _is_gate(self, client: DatabaseClient) -> bool:
        """True for the gate's own question, gone before the look at the host came to it: from the host that it goes through, by
        loopback or an address of that host's or one that it is seen by; from outside of the estate where it goes directly.
        """
        if client.app_name == self.view.asker:
            via = self.database.via
            return via is None or is_loopback(client.address) or self.is_translated(client) or self._is_of(via, client.address)
        if client.app_name not in self.view.beside:
            return False
        # The host of another question asks from its own address, where the server is elsewhere.
        return not all(one.via for one in self.estate.databases) or not self._is_outside(client.address)

    def _is_outside(self, address: str) -> bool:
        """True for an address of no host of this estate."""
        return not is_loopback(address) and not any(self._is_of(host.name, address) for host in self.estate.hosts)

    def _is_of(self, name: str, address: str) -> bool:
        """True for an address of that host."""
        if name not in self._addresses:  # how many it has a host says, and each client is asked about
            self._addresses[name] = frozenset((self.estate.host(name).address, *known(self.look.host(name).addresses)))
        return address in self._addresses[name]


def _ends(look: Look, estate: Estate, database: Database) -> dict[tuple[str, int], list[tuple[Host, tuple[ProcessFact, ...]]]]:
    """Address and port of each connection of each host, with the processes that have it open. A port is given twice where the
    connections lead elsewhere: those to the server's port are meant, and others only where none is (its port may be led on). By
    loopback those count on the host alone that the database is asked through: each host has such an address, and gives its ports
    to whatever it likes.
    """
    found: dict[tuple[str, int], list[tuple[Host, tuple[ProcessFact, ...]]]] = {}
    led_on: dict[tuple[str, int], list[tuple[Host, tuple[ProcessFact, ...]]]] = {}
    for host in estate.hosts:
        seen = look.host(host.name)
        by_pid = {one.pid: one for one in known(seen.processes)}
        for socket in known(seen.connections):
            processes = tuple(by_pid[pid] for pid in socket.pids if pid in by_pid)
            leads_there = socket.remote_port == database.server_port
            if processes and (leads_there or host.name == database.via or not is_loopback(socket.address)):
                ends = found if leads_there else led_on
                ends.setdefault((socket.address, socket.port), []).append((host, processes))
    return led_on | found


def service_of(host: HostEvidence, estate: Estate, process: ProcessFact) -> Service | None:
    """The service that a process belongs to: in the cgroup of one of its units, and started by that unit's main process."""
    owned = next((service for service in estate.services if service.owns_unit(process.unit)), None)
    return owned if owned is not None and is_started_by_its_unit(host, process) else None


def _fits(word: ClientWord, held: _Held, seen: HostEvidence) -> bool:
    """True if an entry allows that client on a host: all who have its end open are what it names."""
    return word.calls(held.client.app_name, held.client.user) and all(_is_named(word, one, seen) for one in held.processes)


def _is_named(word: ClientWord, process: ProcessFact, seen: HostEvidence) -> bool:
    """True if a process is what an entry names."""
    if word.unit and holder_of(process, by_id(known(seen.engines).containers)) not in Names((word.unit,)):
        return False
    if word.unit and not process.container and not is_started_by_its_unit(seen, process):
        return False
    # In a container each path may be anything.
    is_program = not process.container and (process.exe or "") in Names((word.program,))
    return word.account in {"", process.user} and (not word.program or is_program)


def _entry_on(held: _Held, seen: HostEvidence) -> dict[str, str]:
    """What an entry says that allows a client on a host, and no more than it; nothing where its program is none of the host's."""
    process = held.processes[0]
    who = holder_of(process, by_id(known(seen.engines).containers))
    if process.container or (process.unit.endswith(".service") and not is_anybodys(process.unit)):
        return _said(unit=who)
    if process.exe is not None and not process.exe.startswith("/"):
        return {}
    return _said(account=process.user, program=process.exe or "")


def _said(**words: str) -> dict[str, str]:
    """Those words that say something."""
    return {key: value for key, value in words.items() if value}


def _who(client: DatabaseClient) -> str:
    """A client in words."""
    by = f" (user {client.user})" if client.user else ""
    return f"{client.app_name or 'a client without a name'}{by} at {client.address}"


def advice(found: Iterable[Wrong], stop: str) -> str:
    """What to do about those that no entry allows, in one line; ``stop`` is for those that there is cause to call diallers."""
    wrongs = list(found)
    said = [stop] if any(one.dialler for one in wrongs) else []
    if any(not one.dialler and one.entry is None for one in wrongs):
        said.append("find out what that is, and end it")
    if any(one.entry is not None for one in wrongs):
        said.append("end what may not be there" if said else "end it, if it may not be there")
    ends = dict.fromkeys(one.ends for one in wrongs if one.ends)
    return ": ".join(filter(None, ("; ".join(said), "; ".join(list(ends)[:_ENDED]))))
