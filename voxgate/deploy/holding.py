"""Holding a host: its one owner while this gate lives; everything that is changed there goes by it."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from voxgate.contracts.json_strict import loads
from voxgate.deploy.state import SOURCE
from voxgate.errors import CommandUnknown, ContractError, MoveFailed, Refused, VoxgateError
from voxgate.transport.connection import Connection

_LOADER = "import os,sys\nn=int(sys.argv[1])\nb=b''\nwhile len(b)<n: b+=os.read(0,n-len(b)) or exit()\nexec(b)"
BEAT = 2.0
_SILENCE = 20.0  # as on the host: whoever hears nothing for so long is alone


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

    @property
    def why_lost(self) -> VoxgateError | None:
        """Why, None while it is held."""
        return self._lost

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
        why = error.why or (f"nothing heard for {_SILENCE:g} s" if "said nothing" in error.what else "its channel ended")
        lost = CommandUnknown("this host was lost: what ran there is unknown", where=self.host.name, why=why)
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
