"""The owner of a host's services: their locks, their fence, and the steps of one gate."""

from __future__ import annotations

import fcntl
import json
import os
import time
from contextlib import contextmanager
from typing import Any, Dict, Iterator, List, Optional, Tuple

from voxgate.deploy.on_host.commands import PAUSE, Commands
from voxgate.deploy.on_host.files import DONE, ROOT, folder_of, keep_of_others, open_file, replace, shut, text_of
from voxgate.deploy.on_host.journal import at_work, note_put_back, write_journal
from voxgate.deploy.on_host.ledger import append
from voxgate.deploy.on_host.looking import git_locks, read

STEP_WAIT = 45.0  # seconds to wait for a step that somebody else left running
NOT_BEGUN = {"exit": None, "out": "", "err": "", "why": "was not begun: the run was stopped", "seconds": 0.0}


class Fenced(Exception):  # noqa: N818 - a word of the design
    """This gate may do nothing here (any more)."""


class Held(Exception):  # noqa: N818 - a word of the design
    """Another gate is at work: the document says which."""


def _epoch(folder: str) -> Optional[int]:
    """The epoch of the last claim; 0 before the first one. None where what is written is no number: the next one is then
    taken from the clock, which is past every epoch that was counted up from 0.
    """
    text = text_of(folder, "epoch")
    try:
        return int(text or "0")
    except ValueError:
        return None


class Owner:
    """Holds the services of this host for one gate, and does its steps."""

    def __init__(self) -> None:
        self.locks: Dict[str, int] = {}
        self.epochs: Dict[str, int] = {}
        self.commands = Commands()
        self.closing = False
        self.stopped = False

    def claim(self, request: Dict[str, Any]) -> Dict[str, Any]:
        """Take all services or none; raise their epochs once no step of a former owner runs; say what was found. Who comes
        back after having lost the host names the epochs it had: if there was anybody in between, it may not.
        """
        try:
            for service in request["services"]:
                self._take(service, request["owner"])
            for service in request["services"]:
                try:
                    with self._alone(service) as (folder, _):
                        self._raise_epoch(folder, service, request.get("epochs", {}))
                except TimeoutError:
                    raise Held(at_work(folder_of(service))) from None
        except BaseException:
            for descriptor in self.locks.values():
                os.close(descriptor)
            self.locks.clear()
            raise
        return dict(read(request), epochs=self.epochs)

    def _raise_epoch(self, folder: str, service: str, had: Dict[str, int]) -> None:
        last = _epoch(folder)
        if had.get(service, last) != last:
            raise Fenced("%s was another gate's meanwhile: epoch %s" % (service, last))
        self.epochs[service] = int(time.time()) if last is None else last + 1
        replace(folder, "epoch", "%d\n" % self.epochs[service])

    def _take(self, service: str, owner: Dict[str, Any]) -> None:
        folder = folder_of(service)
        shut(folder)
        descriptor = open_file(folder, "owner.lock", os.O_RDWR)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            said = {name: text_of(folder, file) for name, file in (("owner", "owner.lock"), ("journal", "journal.json"))}
            raise Held(json.dumps(said)) from None
        self.locks[service] = descriptor
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(owner).encode("utf-8"), 0)
        os.fsync(descriptor)

    @contextmanager
    def _alone(self, service: str) -> Iterator[Tuple[str, int]]:
        """Nobody else does a step of this service; a step that was left running is waited for. Yields folder and lock."""
        folder = folder_of(service)
        descriptor = open_file(folder, "step.lock", os.O_RDWR)
        try:
            until = time.monotonic() + STEP_WAIT
            while True:
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > until:
                        raise TimeoutError("a step of an earlier gate still runs after %d s" % STEP_WAIT) from None
                    time.sleep(PAUSE)
            yield folder, descriptor
        finally:
            os.close(descriptor)

    @contextmanager
    def _fenced(self, request: Dict[str, Any]) -> Iterator[Tuple[str, int]]:
        """As ``_alone``, for the gate that owns the service, and no earlier one."""
        service = request["service"]
        with self._alone(service) as (folder, lock):
            ours, now = self.epochs.get(service), _epoch(folder)
            if service not in self.locks or ours != now or self.closing:
                raise Fenced("%s is not this gate's any more: epoch %s, now %s" % (service, ours, now))
            yield folder, lock

    def _journal(self, folder: str, request: Dict[str, Any], changes: str = "", **more: Any) -> Dict[str, Any]:
        return write_journal(folder, request["journal"], changes, epoch=self.epochs[request["service"]], **more)

    def _note(self, folder: str, request: Dict[str, Any], step: Dict[str, Any], status: str) -> None:
        """What becomes of a step, in the journal. Raises OSError, but of one that is owed."""
        try:
            self._journal(folder, request, step.get("changes", ""), step=step["says"], status=status)
        except OSError:
            if not step.get("owed"):
                raise

    def do(self, request: Dict[str, Any]) -> Dict[str, Any]:
        """Steps, one after the other until one fails: intent, command, outcome. Nothing is begun that cannot be noted, but for
        what is owed: what it changes stands in the journal already.
        """
        results: List[Dict[str, Any]] = []
        with self._fenced(request) as (folder, lock):
            self.commands.cut.discard(request["service"])
            back = request["journal"]["phase"].startswith("back-")
            for step in request["steps"]:
                if self.closing or (self.stopped and not back):
                    results.append(dict(NOT_BEGUN))
                    break
                self._note(folder, request, step, "begun")
                results.append(self.commands.run(request["service"], step, lock, back=back))
                good = results[-1]["exit"] == 0
                self._note(folder, request, step, "done" if good else "failed")
                if not good:
                    break
        return {"results": results}

    def cancel(self, _request: Dict[str, Any]) -> Dict[str, Any]:
        """End what runs now and may be ended; whoever waits for it hears so. From here on nothing is begun but the way back,
        which is not cut short while the gate is there.
        """
        self.stopped = True
        return {"cut": self.commands.cut_short(back=self.closing)}

    def mark(self, request: Dict[str, Any]) -> Dict[str, Any]:
        """A state without a command: first the last known good, then the ledger's line, then the journal that says so. Only a
        deploy's beginning stands in the journal first: what dies between the two is closed by whoever reads that. What was
        seen of the host when it was done is the host's, whichever of its services the gate says it by; ``others`` are hosts
        without a service.
        """
        with self._fenced(request) as (folder, _):
            event, journal = request.get("event"), request.get("journal")
            if request.get("done"):
                replace(ROOT, DONE, request["done"] + "\n")
                keep_of_others(request["others"])
            if request.get("record"):
                replace(folder, "last-known-good.json", json.dumps(request["record"], sort_keys=True) + "\n")
            late = event if event and journal and event.get("event") == "begun" else None
            if event and not late:
                append(folder, event)
            if journal:
                written = self._journal(folder, request, step="", status="done")
                if journal["phase"] == "back-judging":
                    note_put_back(folder, written)
            if late:
                append(folder, late)
        return {}

    def tidy(self, request: Dict[str, Any]) -> Dict[str, Any]:
        """Remove what a killed git left locked in a checkout that is ours alone now."""
        with self._fenced(request):
            left = git_locks(request["checkout"])
            for path in left:
                os.unlink(path)
        return {"removed": left}
