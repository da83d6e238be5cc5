"""Holding hosts: the one owner of each host while this gate lives, and everything that may be changed there goes by it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from voxgate.contracts.json_strict import loads
from voxgate.deploy.state import SOURCE, Author, Found, checkouts, hosts_with_state, placements_of, read_answer
from voxgate.errors import CommandUnknown, ContractError, MoveFailed, Refused, VoxgateError
from voxgate.model.estate import Estate, Host
from voxgate.moves.steps import Step
from voxgate.transport.at_once import at_once
from voxgate.transport.connection import Connection
from voxgate.transport.connections import Connections
from voxgate.transport.session import Completed

_LOADER = "import os,sys\nn=int(sys.argv[1])\nb=b''\nwhile len(b)<n: b+=os.read(0,n-len(b)) or exit()\nexec(b)"
_BEAT = 2.0
_SILENCE = 20.0  # as on the host: whoever hears nothing for so long is alone
_CLAIM_DEADLINE = 60.0
_REGAIN = 40.0
_SLACK = 60.0
_PAUSE = 0.5


class HeldElsewhere(Refused):
    """Another gate works here."""


class TakenOver(MoveFailed):
    """Another gate had this host meanwhile: this one is fenced off."""


@dataclass(slots=True)
class _Question:
    """One request on its way."""

    done: threading.Event = field(default_factory=threading.Event)
    answer: Mapping[str, Any] = field(default_factory=dict)


class Hold:
    """The owner process on one host: requests go in from any thread, one thread of ours hears the answers."""

    def __init__(self, connection: Connection) -> None:
        """Start it. Raises CommandUnknown or Unreachable."""
        self.host = connection.host
        source = (SOURCE.read_text(encoding="utf-8") + "\nmain({'op': 'serve'})\n").encode("utf-8")
        self._process = connection.start(("python3", "-I", "-c", _LOADER, str(len(source))))
        self._process.write(source)
        self._lock = threading.Lock()
        self._waiting: dict[int, _Question] = {}
        self._last = 0
        self._lost: VoxgateError | None = None
        threading.Thread(target=self._hear, name=f"hold-{self.host.name}", daemon=True).start()

    @property
    def lost(self) -> bool:
        """True once the owner is gone, or cannot be heard: its lock is free then, or will be in a moment."""
        return self._lost is not None

    def ask(self, op: str, deadline: float, **words: Any) -> dict[str, Any]:
        """One request and its answer.

        Raises CommandUnknown if no answer came, MoveFailed if the host says no (fenced off, disk full), HeldElsewhere.
        """
        question = _Question()
        with self._lock:
            if self._lost is not None:
                raise self._lost
            self._last += 1
            number = self._last
            self._waiting[number] = question
        self._process.write(json.dumps({"id": number, "op": op, **words}).encode("utf-8") + b"\n")
        if not question.done.wait(deadline):
            raise CommandUnknown(f"no answer to {op} within {deadline:g} s", where=self.host.name)
        return self._read(question.answer)

    def beat(self) -> None:
        """Say that we live, and ask whether the other side does."""
        if not self.lost:
            try:
                self._process.write(b'{"id": 0}\n')
            except VoxgateError as error:
                self._lose(error)

    def close(self) -> None:
        """Let go: the owner ends, and the lock with it."""
        self._process.close()

    def _read(self, answer: Mapping[str, Any]) -> dict[str, Any]:
        if "lost" in answer:
            raise answer["lost"]
        if "held" in answer:
            raise held_elsewhere(self.host.name, answer["held"])
        if "fenced" in answer:
            hint = "another gate took over; this one may change nothing any more"
            raise TakenOver("the host refuses this gate", where=self.host.name, why=str(answer["fenced"]), hint=hint)
        if "error" in answer:
            hint = "the deploy user must own /var/lib/voxgate, and it must have room"
            raise MoveFailed("the host could not do or note it", where=self.host.name, why=str(answer["error"]), hint=hint)
        return dict(answer["ok"])

    def _hear(self) -> None:
        """Hand each answer to who waits for it, until the owner is gone."""
        try:
            while True:
                answer = loads(self._process.read_line(_SILENCE).encode("utf-8"), where=self.host.name)
                with self._lock:
                    question = self._waiting.pop(answer["id"], None)
                if question is not None:
                    question.answer = answer
                    question.done.set()
        except VoxgateError as error:
            self._lose(error)
        finally:
            self._process.close()

    def _lose(self, error: VoxgateError) -> None:
        what = "was at work when its gate lost it" if isinstance(error, CommandUnknown) else error.what
        lost = CommandUnknown(f"the host {what}", where=self.host.name, why=error.why or error.what)
        with self._lock:
            self._lost = self._lost or lost
            waiting, self._waiting = self._waiting, {}
        for question in waiting.values():
            question.answer = {"lost": lost}
            question.done.set()


def held_elsewhere(host: str, said: Mapping[str, Any]) -> HeldElsewhere:
    """Who holds it, since when, from which build, and what it is doing: in one line."""
    try:
        owner: Mapping[str, Any] = loads((said.get("owner") or "{}").encode("utf-8"))
        journal: Mapping[str, Any] = loads((said.get("journal") or "{}").encode("utf-8"))
    except ContractError:
        owner, journal = {}, {}
    build = f", build {owner['build']}" if owner.get("build") else ""
    doing = ""
    if journal.get("run") and journal.get("run") == owner.get("run"):
        doing = f", at {journal.get('service')} {journal.get('phase')} {journal.get('step', '')}".rstrip()
    why = f"{owner.get('by', 'somebody')} since {owner.get('since', '?')}{build}, run {owner.get('run', '?')}{doing}"
    hint = "wait for it: --wait SECONDS; nothing needs to be unlocked, the lock is gone when that gate is"
    return HeldElsewhere("another gate is at work", where=host, why=why, hint=hint)


class Claim:
    """All hosts of an estate, held by this gate. Heartbeats go on until ``release``."""

    def __init__(self, connections: Connections, author: Author, stop: threading.Event) -> None:
        """Nothing is claimed yet. Once ``stop`` is set, running steps that may be cut short are."""
        self.author = author
        self.stop = stop
        self._connections = connections
        self._holds: dict[str, Hold] = {}
        self._epochs: dict[str, dict[str, int]] = {}
        self._released = threading.Event()
        threading.Thread(target=self._beat, name="heartbeat", daemon=True).start()

    @property
    def _estate(self) -> Estate:
        return self._connections.estate

    def take(self, wait: float, say: Callable[[str], None]) -> dict[str, Found]:
        """Claim every host with state, the first one alone (of two gates exactly one gets it), then the others at once.
        What was found there, by placement id, read under the lock. ``wait`` in seconds is for another gate to end.

        Raises HeldElsewhere naming who holds it, or Refused where a host cannot be claimed.
        """
        until = time.monotonic() + wait
        told = ""
        while True:
            try:
                return self._take_all()
            except HeldElsewhere as error:
                self._let_go()
                self._epochs.clear()
                if time.monotonic() + _PAUSE > until or self.stop.is_set():
                    raise
                if error.why != told:
                    told = error.why
                    say(f"waiting: {error.line}")
                time.sleep(_PAUSE)
            except VoxgateError as error:
                self._let_go()
                raise Refused("this host cannot be claimed", where=error.where, why=error.line, hint=error.hint) from None

    def _take_all(self) -> dict[str, Found]:
        first, *others = hosts_with_state(self._estate)
        found = self._take_one(first.name)
        for outcome in at_once([host.name for host in others], self._take_one, limit=max(1, len(others))).values():
            if isinstance(outcome, BaseException):
                raise outcome
            found |= outcome
        return found

    def _take_one(self, name: str) -> dict[str, Found]:
        hold = Hold(self._connections[name])
        placements = placements_of(self._estate, hold.host)
        try:
            had = self._epochs.get(name, {})
            services = checkouts(placements)
            said = hold.ask("claim", _CLAIM_DEADLINE, services=services, owner=self.author.document(), epochs=had)
        except BaseException:
            hold.close()
            raise
        self._holds[name] = hold
        self._epochs[name] = dict(said["epochs"])
        return read_answer(said, placements)

    @property
    def lost(self) -> frozenset[str]:
        """Names of hosts that were held and are not any more."""
        return frozenset(name for name, hold in self._holds.items() if hold.lost)

    def regain(self, hosts: Iterable[Host], say: Callable[[str], None]) -> None:
        """Claim hosts again that were lost on the way: before going back, which needs hands there. A host that does not
        answer stays lost, and so does one that another gate had meanwhile.
        """
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

        at_once([host.name for host in lost], again, limit=max(1, len(lost)))

    def ask(self, host: str, op: str, deadline: float, **words: Any) -> dict[str, Any]:
        """One request to the owner on a host. Raises as ``Hold.ask``."""
        return self._holds[host].ask(op, deadline, **words)

    def do(self, host: str, service: str, journal: Mapping[str, Any], steps: Sequence[Step]) -> tuple[Completed, ...]:
        """Steps of one move, one after the other until one ends otherwise than with 0, each journalled before and after.

        Raises CommandUnknown where one did not end by itself, MoveFailed where the host refuses.
        """
        deadline = sum(step.deadline for step in steps) + _SLACK
        sent = [{"argv": list(s.argv), "deadline": s.deadline, "says": s.says, "finish": s.finish} for s in steps]
        said = self.ask(host, "do", deadline, service=service, journal=dict(journal), steps=sent)
        ended = []
        for one, step in zip(said["results"], steps, strict=False):
            if one["exit"] is None:
                raise CommandUnknown(f"{step.says} {one['why']}", where=host, why=str(one["err"]).strip()[-200:])
            ended.append(Completed(one["exit"], one["out"].encode(), one["err"].encode(), one["seconds"]))
        return tuple(ended)

    def release(self) -> None:
        """Let everything go; harmless twice."""
        self._released.set()
        self._let_go()

    def _let_go(self) -> None:
        holds, self._holds = self._holds, {}
        for hold in holds.values():
            hold.close()

    def _beat(self) -> None:
        """Heartbeats. Once the run is stopped, the steps that may be cut are cut, once."""
        told = False
        while not self._released.wait(_BEAT) if told else not self._pause():
            for hold in tuple(self._holds.values()):
                hold.beat()
                if self.stop.is_set() and not told and not hold.lost:
                    threading.Thread(target=self._cut, args=(hold,), daemon=True).start()
            told = told or self.stop.is_set()

    def _pause(self) -> bool:
        """Wait for the next beat, or the stop, whichever is first; True once released."""
        self.stop.wait(_BEAT)
        return self._released.is_set()

    @staticmethod
    def _cut(hold: Hold) -> None:
        try:
            hold.ask("cancel", _SLACK)
        except VoxgateError:
            return
