"""All hosts of an estate: opened once, all at once, and a host that is down says so in one line and delays nobody."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Self, TypeVar

from voxgate.errors import Unreachable, VoxgateError, known_error, unforeseen
from voxgate.transport.at_once import at_once
from voxgate.transport.deadline import Deadline
from voxgate.transport.ssh.connection import Connection
from voxgate.transport.ssh.dial import Dialler
from voxgate.transport.ssh.known_hosts import KnownHosts
from voxgate.transport.ssh.route import Routes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from voxgate.model.estate import Estate, Host

Result = TypeVar("Result")

# For what takes no deadline of its own while connecting: a name server, an agent.
_GRACE = 1.0


class Connections:
    """The connections to an estate's hosts. A context manager: leaving it closes them all.

    ``connect_deadline`` in seconds is for one host, from name to login; ``at_once`` is how many are opened at a time.
    """

    def __init__(self, estate: Estate, *, connect_deadline: float = 10.0, at_once: int = 16) -> None:
        """Remember; nothing is read or opened yet."""
        self.estate = estate
        self._connect_deadline = connect_deadline
        self._at_once = at_once
        self._starts = threading.BoundedSemaphore(at_once)
        self._lock = threading.Lock()
        self._turns: dict[str, threading.Lock] = {}
        self._outcomes: dict[str, Connection | Unreachable] = {}
        self._ways: tuple[Routes, Dialler] | None = None
        self._addresses: dict[str, str] = {}
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def open(self, hosts: Iterable[Host]) -> dict[str, Connection | Unreachable]:
        """Open all that are not open yet, at once. What came of each, by name; nothing is raised for a host."""
        wanted = {host.name: host for host in hosts}
        waves = -(-len(self.estate.hosts) // self._at_once)
        deadline = Deadline.after(waves * self._connect_deadline + _GRACE)
        outcomes = at_once(wanted, lambda name: self._outcome(wanted[name]), limit=len(wanted), deadline=deadline)
        return {name: self._settled(name, outcome) for name, outcome in outcomes.items()}

    def __getitem__(self, name: str) -> Connection:
        """The connection to a host, opened now if nobody did yet. Raises the Unreachable that opening it ended with,
        and KeyError if the estate has no such host. A connection that was lost is returned as it is: its methods raise.
        """
        with self._lock:
            known = self._outcomes.get(name)
        outcome = known if known is not None else self.open([self.estate.host(name)])[name]
        if isinstance(outcome, Unreachable):
            raise outcome
        return outcome

    def each(self, hosts: Iterable[Host], function: Callable[[Connection], Result]) -> dict[str, Result | VoxgateError]:
        """What ``function`` returned for each host's connection, all at once, by name, or the VoxgateError it ended
        with. Any other exception is a mistake of ours: the outcome of that host alone, as an Unforeseen.
        """
        wanted = list(dict.fromkeys(host.name for host in hosts))
        outcomes = at_once(wanted, lambda name: function(self[name]), limit=len(wanted))
        return {
            name: known_error(outcome, name) if isinstance(outcome, BaseException) else outcome
            for name, outcome in outcomes.items()
        }

    def reopen(self, host: Host) -> Connection:
        """Close what there is and connect anew. Raises Unreachable; that is the host's recorded outcome then."""
        with self._lock:
            old = self._outcomes.pop(host.name, None)
        if isinstance(old, Connection):
            old.close()
        return self[host.name]

    def close(self) -> None:
        """Close all connections, jump hosts last; harmless twice."""
        with self._lock:
            self._closed = True
            open_ones = [outcome for outcome in self._outcomes.values() if isinstance(outcome, Connection)]
            ways = self._ways
        if open_ones:
            at_once(open_ones, Connection.close, limit=len(open_ones), deadline=Deadline.after(self._connect_deadline))
        if ways is not None:
            ways[1].end()

    def _outcome(self, host: Host) -> Connection | Unreachable:
        """What came of opening a host: the recorded outcome, or a first try now, one thread at a time for each host."""
        with self._lock:
            turn = self._turns.setdefault(host.name, threading.Lock())
        with turn:
            with self._lock:
                known = self._outcomes.get(host.name)
            if known is not None:
                return known
            try:
                outcome: Connection | Unreachable = self._connect(host)
            except Unreachable as error:
                outcome = error
            except VoxgateError:
                raise
            except Exception as error:  # noqa: BLE001 - whatever a server's words do to the library is that host's alone
                found = unforeseen(error, host.name)
                outcome = Unreachable(found.what, where=host.name, why=found.why, hint=found.hint)
            return self._record(host.name, outcome)

    def address_of(self, address: str) -> str:
        """What is connected to where the estate says ``address``: another one where that is a host's alias in the configuration
        of SSH, which nobody else knows. Raises Unreachable where that cannot be read.
        """
        host = next((one for one in (*self.estate.hosts, *self.estate.beyond) if one.address == address), None)
        if host is None or ":" in address or address.replace(".", "").isdigit():
            return address
        if address not in self._addresses:
            self._addresses[address] = self._known_ways()[0].address_of(host)
        return self._addresses[address]

    def _known_ways(self) -> tuple[Routes, Dialler]:
        with self._lock:
            if self._ways is None:
                self._ways = (Routes.of(self.estate), Dialler(KnownHosts.read(self.estate.known_hosts)))
            return self._ways

    def _connect(self, host: Host) -> Connection:
        routes, dialler = self._known_ways()
        with self._starts:
            deadline = Deadline.after(self._connect_deadline)
            return Connection(host, dialler.dial(routes.to(host), host.name, deadline))

    def _record(self, name: str, outcome: Connection | Unreachable) -> Connection | Unreachable:
        """Keep the first outcome. A connection that comes when its host was given up, or all was closed, is closed."""
        with self._lock:
            kept = self._outcomes.get(name)
            if kept is None and not self._closed:
                self._outcomes[name] = kept = outcome
        if isinstance(outcome, Connection) and kept is not outcome:
            outcome.close()
        return kept if kept is not None else Unreachable("closed while it was being opened", where=name)

    def _settled(self, name: str, outcome: Connection | Unreachable | BaseException) -> Connection | Unreachable:
        match outcome:
            case Connection() | Unreachable():
                return outcome
            case TimeoutError():
                why = "a name server or an SSH agent does not answer"
                what = f"no connection within {self._connect_deadline:g} s"
                return self._record(name, Unreachable(what, where=name, why=why))
            case _:
                raise outcome
