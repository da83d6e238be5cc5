"""Holding a host: its one owner while this gate lives; everything that is changed there goes by it."""

from __future__ import annotations

import json
import queue
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from voxgate.contracts.json_strict import loads
from voxgate.contracts.typed import WrongFormError
from voxgate.deploy.hosts import answers
from voxgate.deploy.hosts.answers import Holder, Reply
from voxgate.deploy.hosts.speaking import Speech
from voxgate.errors import CommandUnknown, MoveFailed, Refused, VoxgateError, unforeseen
from voxgate.moves.steps import PYTHON
from voxgate.redaction.shortening import beginning
from voxgate.survey.remedies import for_move
from voxgate.transport.ssh.connection import Connection
from voxgate.transport.ssh.failures import NotBegun

T = TypeVar("T")

_LOADER = "import os,sys\nn=int(sys.argv[1])\nb=b''\nwhile len(b)<n: b+=os.read(0,n-len(b)) or exit()\nexec(b)"
BEAT = 2.0  # seconds between two heartbeats
_SAID = 500  # characters of why a host refuses
_SPARE_BEATS = 100  # heartbeats that may be answered beyond those that were sent
_SILENCE = 20.0  # as on the host: whoever hears nothing for so long is alone
_LEAST = 0.1  # seconds for a line, however much else was printed before

_Question = queue.SimpleQueue[Reply | VoxgateError]
"""One request on its way: it gets one answer."""


class HeldElsewhere(Refused):
    """Another gate works here."""


class TakenOver(MoveFailed):
    """Another gate had this host meanwhile: this one is fenced off."""


class Hold:
    """The owner process on one host: requests go in from any thread, one thread of ours hears the answers."""

    def __init__(self, connection: Connection) -> None:
        """Start it. Raises CommandUnknown or Unreachable."""
        self.host = connection.host
        self._speech = Speech()
        source = self._speech.source({"op": "serve"})
        self._process = connection.start((PYTHON, "-I", "-c", _LOADER, str(len(source))))
        with suppress(CommandUnknown):  # whoever hears it says why it reads no more
            self._process.write(source)
        self._lock = threading.Lock()
        self._beating = threading.Lock()
        self._waiting: dict[int, _Question] = {}
        self._last = 0
        self._beats = _SPARE_BEATS  # that may still be answered
        self._lost: VoxgateError | None = None
        threading.Thread(target=self._hear, name=f"hold-{self.host.name}", daemon=True).start()

    @property
    def lost(self) -> bool:
        """True once the owner is gone, or cannot be heard: its lock is free then, or will be in a moment."""
        return self._lost is not None

    @property
    def why_lost(self) -> VoxgateError | None:
        """Why, None while it is held."""
        return self._lost

    def ask(self, op: str, deadline: float, read: Callable[[object], T], **words: Any) -> T:
        """One request and its answer, as ``read`` reads it.

        Raises CommandUnknown if no answer came, or none of the form: then the host is lost. MoveFailed if the host says no
        (fenced off, disk full), HeldElsewhere.
        """
        question: _Question = queue.SimpleQueue()
        with self._lock:
            if self._lost is not None:
                raise self._lost
            self._last += 1
            number = self._last
            self._waiting[number] = question
        self._process.write(json.dumps({"id": number, "op": op, **words}).encode("utf-8") + b"\n")
        try:
            answer = question.get(timeout=deadline)
        except queue.Empty:
            raise CommandUnknown(f"no answer to {op} within {deadline:g} s", where=self.host.name) from None
        if isinstance(answer, VoxgateError):
            raise answer
        try:
            return self._read(answer, read)
        except WrongFormError as error:
            raise self._lose(_no_answer(self.host.name, f"to {op}: {error}")) from None

    def beat(self) -> None:
        """Say that we live, and ask whether the other side does; not again while the host does not take it."""
        if self.lost or not self._beating.acquire(blocking=False):
            return
        try:
            with self._lock:
                self._beats += 1
            self._process.write(b'{"id": 0}\n')
        except VoxgateError as error:
            self._lose(error)
        finally:
            self._beating.release()

    def close(self) -> None:
        """Let go: the owner ends, and the lock with it."""
        self._process.close()

    def _read(self, answer: Reply, read: Callable[[object], T]) -> T:
        where = self.host.name
        match answer.kind:
            case "held":
                raise held_elsewhere(where, answers.holder(answer.said))
            case "fenced":
                hint = "another gate took over; this one may change nothing any more"
                raise TakenOver("the host refuses this gate", where=where, why=_said(answer), hint=hint)
            case "error":
                hint = for_move(said := _said(answer), self.host)
                raise MoveFailed("the host could not do or note it", where=where, why=said, hint=hint)
            case _:
                return read(answer.said)

    def _hear(self) -> None:
        """Hand each answer to who waits for it, until the owner is gone, or says what is none: whatever it is, it is this
        host's trouble alone.
        """
        try:
            while True:
                answer = self._next()
                question = self._question_of(answer)
                if question is not None:
                    question.put(answer)
        except VoxgateError as error:
            self._lose(error)
        except Exception as error:  # noqa: BLE001 - see above
            self._lose(unforeseen(error, self.host.name))

    def _question_of(self, answer: Reply) -> _Question | None:
        """What it answers, None for a heartbeat. Raises CommandUnknown for what answers without end."""
        with self._lock:
            question = self._waiting.pop(answer.id, None)
            self._beats -= question is None
        if self._beats < 0:
            raise _no_answer(self.host.name, "more often than it was asked")
        return question

    def _next(self) -> Reply:
        """The next line that is the owner's. What else is printed is noise, and does not keep the host ours."""
        until = time.monotonic() + _SILENCE
        while True:
            said = self._speech.hear(self._process.read_line(max(_LEAST, until - time.monotonic())), self.host.name)
            if said is not None:
                try:
                    return answers.reply(loads(said, where=self.host.name))
                except WrongFormError as error:
                    raise _no_answer(self.host.name, str(error)) from None

    def _lose(self, error: VoxgateError) -> VoxgateError:
        """From here on it is lost; returns the error that says so."""
        why = error.why or (f"nothing heard for {_SILENCE:g} s" if "said nothing" in error.what else "its channel ended")
        hint = error.hint or for_move(why, self.host)
        lost = CommandUnknown("this host was lost: what ran there is unknown", where=self.host.name, why=why, hint=hint)
        if isinstance(error, NotBegun):
            lost = error
        with self._lock:
            self._lost = self._lost or lost
            waiting, self._waiting = self._waiting, {}
        for question in waiting.values():
            question.put(lost)
        self._process.close()
        return self._lost


def _said(answer: Reply) -> str:
    return beginning(answers.long(answer.said), _SAID)


def _no_answer(where: str, why: str) -> CommandUnknown:
    return CommandUnknown("the host says what is no answer", where=where, why=f"it answers what no gate's part does: {why}")


def held_elsewhere(host: str, said: Holder) -> HeldElsewhere:
    """Who holds it, since when, from which build, and what it is doing: in one line."""
    owner, journal = said.owner, said.journal
    build = f", build {owner['build']}" if owner.get("build") else ""
    doing = ""
    if "run" in owner and journal.get("run") == owner["run"]:
        doing = f", at {journal.get('service')} {journal.get('phase')} {journal.get('step', '')}".rstrip()
    why = f"{owner.get('by', 'somebody')} since {owner.get('since', '?')}{build}, run {owner.get('run', '?')}{doing}"
    hint = "wait for it: --wait SECONDS; nothing needs to be unlocked, the lock is gone when that gate is"
    return HeldElsewhere("another gate is at work", where=host, why=why, hint=hint)
