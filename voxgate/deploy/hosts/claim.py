"""The claim: every host of an estate, held by one gate, with its heartbeats; what is lost on the way, and got back."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

from voxgate.deploy.hosts import answers
from voxgate.deploy.hosts.chain import LINES
from voxgate.deploy.hosts.holding import BEAT, HeldElsewhere, Hold, TakenOver
from voxgate.deploy.hosts.state import Author, Found, checkouts, found_of, hosts_with_state, hosts_without_state, placements_of
from voxgate.deploy.stop import Stop
from voxgate.errors import CommandUnknown, Refused, VoxgateError, known_error
from voxgate.model.estate import Estate, Host, Placement
from voxgate.model.evidence import Missing
from voxgate.moves.steps import Step
from voxgate.redaction.shortening import ending
from voxgate.survey.keeping import Cutter
from voxgate.transport.at_once import at_once
from voxgate.transport.deadline import Deadline
from voxgate.transport.ssh.connections import Connections
from voxgate.transport.ssh.remote_command import Completed

_CLAIM_DEADLINE = 60.0  # seconds for a host to give itself
_TIDY_DEADLINE = 30.0  # seconds for a host to remove git's old locks
_REGAIN = 40.0  # seconds in which a host that was lost is claimed again: it is alone after 20
_SLACK = 60.0  # seconds beside the steps' own deadlines
_PAUSE = 0.5  # seconds between two tries
_SAID = 200  # letters of the last that a command said

T = TypeVar("T")


class Claim:
    """All hosts of an estate, held by this gate. Heartbeats go on until ``release``. ``waited``: another gate was at work
    first, and what was known before may be old. ``away`` are those that were let out, as they cannot be held, and why.
    """

    def __init__(self, connections: Connections, author: Author, stop: Stop, cutter: Cutter | None = None) -> None:
        """Nothing is claimed yet. Once ``stop`` is set, running steps that may be cut short are. ``cutter`` takes the secrets out
        of what one host is told of another.
        """
        self.author = author
        self.stop = stop
        self.waited = False
        self.away: dict[str, VoxgateError] = {}
        self._connections = connections
        self._cutter = cutter
        self._holds: dict[str, Hold] = {}
        self._begun: dict[str, Hold | VoxgateError] = {}
        self._epochs: dict[str, dict[str, int]] = {}
        self._released = threading.Event()
        threading.Thread(target=self._beat, name="heartbeat", daemon=True).start()

    @property
    def _estate(self) -> Estate:
        return self._connections.estate

    def cut(self, text: str) -> str:
        """``text`` without secrets: a page's words, or a build's, that go to other hosts."""
        return self._cutter.cut(text) if self._cutter else text

    def take(self, wait: float, say: Callable[[str], None], *, whole: bool = True) -> dict[str, Found]:
        """Claim every host with state, the first one alone (of two gates exactly one gets it), then the others at once.
        What was found there, by placement id, read under the lock. ``wait`` in seconds is for another gate to end. Where it need
        not be ``whole``, a host that cannot be claimed is left out, but for one that another gate has.

        Raises HeldElsewhere naming who holds it, or Refused where a host cannot be claimed.
        """
        until = time.monotonic() + wait
        told = ""
        while True:
            try:
                return self._take_all(whole=whole)
            except HeldElsewhere as error:
                self._let_go()
                self._epochs.clear()
                if time.monotonic() + _PAUSE > until or self.stop.is_set():
                    raise
                self.waited = True
                if error.why != told:
                    told = error.why
                    say(f"waiting: {error.line}")
                self.stop.wait(_PAUSE)
            except VoxgateError as error:
                self._let_go()
                raise Refused("this host cannot be claimed", where=error.where, why=error.line, hint=error.hint) from None

    def _take_all(self, *, whole: bool) -> dict[str, Found]:
        self.away.clear()
        names, found = [host.name for host in hosts_with_state(self._estate)], dict[str, Found]()
        # All owners are started at once: each takes some round trips to start, and claims nothing before it is asked to. While
        # another gate is waited for, the first host alone says whether it has ended.
        if not self.waited:
            at_once(names, self._begin, limit=len(names))
        while names and not self._holds:
            name = names.pop(0)
            found |= self._or_leave(name, partial(self._take_one, name), whole=whole)
        for name, outcome in at_once(names, self._take_one, limit=len(names)).items():
            found |= self._or_leave(name, partial(_outcome_of, outcome, name), whole=whole)
        if not self._holds:
            raise next(iter(self.away.values()))
        return found

    def _or_leave(self, name: str, take: Callable[[], dict[str, Found]], *, whole: bool) -> dict[str, Found]:
        """What was found there. Of a host that is left out nothing is known."""
        try:
            return take()
        except HeldElsewhere:
            raise
        except VoxgateError as error:
            if whole:
                raise
            self._holds.pop(name, None)
            self.away[name] = error
            missing = Missing("unreachable", error.line, name, error.hint)
            return {one.id: Found(missing, missing) for one in placements_of(self._estate, self._estate.host(name))}

    def _begin(self, name: str) -> None:
        self._begun[name] = self._started(name)

    def _started(self, name: str) -> Hold | VoxgateError:
        try:
            return Hold(self._connections[name])
        except Exception as error:  # noqa: BLE001 - whoever claims the host says so
            return known_error(error, name)

    def _take_one(self, name: str) -> dict[str, Found]:
        hold = self._begun.pop(name, None)
        if hold is None or (isinstance(hold, Hold) and hold.lost):
            hold = self._started(name)
        if isinstance(hold, VoxgateError):
            raise hold
        placements = placements_of(self._estate, hold.host)
        before = self._holds.get(name)
        self._holds[name] = hold  # heartbeats from here on: a step that somebody left running may have to be waited for
        try:
            had = self._epochs.get(name, {})
            services = checkouts(placements)
            others = [host.name for host in hosts_without_state(self._estate)]
            read = answers.claimed(services, LINES, others)
            words = {"services": services, "owner": self.author.document(), "epochs": had, "ledger": LINES}
            said, epochs = hold.ask("claim", _CLAIM_DEADLINE, read, **words, done=True, others=others)
        except BaseException:
            hold.close()
            if before is not None:
                self._holds[name] = before
            raise
        self._epochs[name] = epochs
        return found_of(said, placements)

    @property
    def lost(self) -> frozenset[str]:
        """Names of hosts that were held and are not any more."""
        return frozenset(name for name, hold in self._holds.items() if hold.lost)

    def regain(self, hosts: Iterable[Host], say: Callable[[str], None]) -> None:
        """Claim hosts again that were lost on the way: before going back, which needs to work there. A host that does not
        answer stays lost, and so does one that another gate had meanwhile.
        """
        self._reopen([host for host in hosts if host.name not in self._holds], say)
        gone = self.lost
        lost = [host for host in hosts if host.name in gone]

        def again(name: str) -> None:
            until = time.monotonic() + _REGAIN
            while True:
                try:
                    self._connections.reopen(self._estate.host(name))
                    self._take_one(name)
                except VoxgateError as error:
                    theirs = isinstance(error, HeldElsewhere) and self.author.run not in error.why
                    if theirs or isinstance(error, TakenOver) or time.monotonic() > until:
                        say(f"lost for good: {error.line}")
                        return
                    time.sleep(_PAUSE)
                else:
                    say(f"{name}: was lost, is held again")
                    return

        for name, outcome in at_once([host.name for host in lost], again, limit=len(lost)).items():
            if isinstance(outcome, BaseException):
                say(f"lost for good: {known_error(outcome, name).line}")

    def _reopen(self, hosts: Iterable[Host], say: Callable[[str], None]) -> None:
        """Connections to hosts on which nothing is held, but of which something must be seen: the dialler's database."""
        for host in hosts:
            try:
                if not self._connections[host.name].alive:
                    self._connections.reopen(host)
            except VoxgateError as error:
                say(f"not seen: {error.line}")

    def must_hold(self, host: str) -> None:
        """Raises CommandUnknown where the host was lost: what is seen there is not this gate's doing any more."""
        if (lost := self._holds[host].why_lost) is not None:
            raise lost

    def ask(self, host: str, op: str, deadline: float, read: Callable[[object], T], **words: Any) -> T:
        """One request to the owner on a host. Raises as ``Hold.ask``."""
        return self._holds[host].ask(op, deadline, read, **words)

    def do(self, host: str, service: str, journal: Mapping[str, Any], steps: Sequence[Step]) -> tuple[Completed, ...]:
        """Steps of one move, one after the other until one ends otherwise than with 0, each journalled before and after.

        Raises CommandUnknown where one did not end by itself, MoveFailed where the host refuses.
        """
        deadline = sum(step.deadline for step in steps) + _SLACK
        names = ("argv", "deadline", "says", "finish", "changes", "owed")
        sent = [{name: getattr(step, name) for name in names} for step in steps]
        said = self.ask(host, "do", deadline, answers.ended(len(steps)), service=service, journal=dict(journal), steps=sent)
        ended = []
        for one, step in zip(said, steps, strict=False):
            if one.exit is None:
                raise CommandUnknown(f"{step.says} {one.why}", where=host, why=ending(one.err.strip(), _SAID))
            ended.append(Completed(one.exit, one.out.encode(), one.err.encode(), one.seconds))
        return tuple(ended)

    def tidy(self, placement: Placement) -> list[str]:
        """Remove what a git that is gone left locked in a checkout: it would fail every move from there on. Says so, a line
        each. Raises as ``Hold.ask``.
        """
        service, host = placement.service, placement.host.name
        removed = answers.texts_in("removed")
        said = self.ask(host, "tidy", _TIDY_DEADLINE, removed, service=service.name, checkout=service.folder)
        return [f"found: {host}: {path} of a git that is gone -> removed" for path in said]

    def release(self) -> None:
        """Let everything go; harmless twice."""
        self._released.set()
        self._let_go()

    def _let_go(self) -> None:
        holds = [*self._holds.values(), *(one for one in self._begun.values() if isinstance(one, Hold))]
        self._holds, self._begun = {}, {}
        for hold in holds:
            hold.close()

    def _beat(self) -> None:
        """Heartbeats, to all at once: a host that takes none delays no other's, which would end there in silence. Once the run is
        stopped, the steps that may be cut are cut, once.
        """
        told = False
        while not self._released.wait(BEAT) if told else not self._pause():
            stopped = self.stop.is_set()
            holds = tuple(self._holds.values())
            begun = [one for one in tuple(self._begun.values()) if isinstance(one, Hold)]
            at_once([*holds, *begun], Hold.beat, limit=len(holds) + len(begun), deadline=Deadline.after(BEAT))
            for hold in holds:
                if stopped and not told and not hold.lost:
                    threading.Thread(target=self._cut, args=(hold,), daemon=True).start()
            told = told or stopped

    def _pause(self) -> bool:
        """Wait for the next beat, or the stop, whichever is first; True once released."""
        self.stop.wait(BEAT)
        return self._released.is_set()

    @staticmethod
    def _cut(hold: Hold) -> None:
        try:
            hold.ask("cancel", _SLACK, answers.texts_in("cut"))
        except VoxgateError:
            return


def _outcome_of(outcome: dict[str, Found] | BaseException, name: str) -> dict[str, Found]:
    """What was found. Raises what it came to where it failed."""
    if isinstance(outcome, BaseException):
        raise known_error(outcome, name)
    return outcome
