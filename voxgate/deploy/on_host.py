"""The gate's part on one host: its lock, its fence, its journal, its ledger, and the steps. Python >= 3.9, one file.

Runs there as the deploy user; the gate sends this source over the connection's stdin. State lives in
``/var/lib/voxgate/<service>/``: a JSON file is replaced by write, fsync, rename, so a reader sees the old or the new one
and never a half; the ledger grows by one whole, numbered line an event.

``serve`` is the owner: it holds a ``flock`` on each service for as long as it lives, and it lives as long as its stdin is
open and somebody speaks on it. So no lock can go stale, and a gate that sleeps too long wakes up without hands. Steps are
done here, one at a time for a service, under ``step.lock`` (which a step's own children hold too) and the claimed epoch.
"""

import fcntl
import json
import os
import select
import signal
import stat
import subprocess
import threading
import time
from contextlib import contextmanager, suppress
from typing import Any, Dict, Iterator, List, Optional, Set, Tuple

ROOT = "/var/lib/voxgate"
SILENCE = 20.0  # seconds without a word from the gate, after which it is gone, or asleep
STEP_WAIT = 45.0  # seconds to wait for a step that somebody else left running
KILL_AFTER = 5.0
LEAVE_AFTER = 300.0  # seconds for the last restart to end by itself and to be noted, once the gate is gone
NOT_BEGUN = {"exit": None, "out": "", "err": "", "why": "was not begun: the run was stopped", "seconds": 0.0}
PAUSE = 0.02
KEPT = 8192  # characters of a command's output
IN_PLACE = ("code", "packages")  # what a process may read while it runs
EVERYTHING = ["everything"]
OURS, OURS_ALONE = 0o700, 0o600  # whoever can open a lock can hold it, if only to read: so nobody else opens anything here
TICK = 0.05  # seconds by which the time of a file's change may be behind the clock
# No hook of a checkout runs in a deploy: what it starts would hold the step's lock for as long as it lives. What the forge
# sends is checked before it is kept.
GIT = {
    "GIT_CONFIG_COUNT": "3",
    "GIT_CONFIG_KEY_0": "gc.autoDetach",
    "GIT_CONFIG_VALUE_0": "false",
    "GIT_CONFIG_KEY_1": "core.hooksPath",
    "GIT_CONFIG_VALUE_1": "/dev/null",
    "GIT_CONFIG_KEY_2": "fetch.fsckObjects",
    "GIT_CONFIG_VALUE_2": "true",
    "GIT_TERMINAL_PROMPT": "0",
}


class Fenced(Exception):  # noqa: N818 - a word of the design
    """This gate may do nothing here (any more)."""


class Held(Exception):  # noqa: N818 - a word of the design
    """Another gate is at work: the document says which."""


def _folder(service: str) -> str:
    """The service's folder, made where it is missing. The name is one of the gate's own, checked all the same."""
    if not service.isalpha():
        raise ValueError("no service name: %r" % service)
    path = os.path.join(ROOT, service)
    os.makedirs(path, mode=OURS, exist_ok=True)
    return path


def _open(folder: str, name: str, flags: int) -> int:
    """A file of the gate's own, made where it is missing."""
    return os.open(os.path.join(folder, name), flags | os.O_CREAT, OURS_ALONE)


def _shut(folder: str) -> None:
    """No other account can open anything here, also where an earlier voxgate left it open."""
    for path in (ROOT, folder, *(os.path.join(folder, name) for name in os.listdir(folder))):
        with suppress(FileNotFoundError):  # a half-written file of another gate's, which has its name by now
            found, mode = os.lstat(path), OURS_ALONE if os.path.isfile(path) else OURS
            if found.st_uid == os.geteuid() and not stat.S_ISLNK(found.st_mode) and stat.S_IMODE(found.st_mode) != mode:
                os.chmod(path, mode)


def _replace(folder: str, name: str, text: str) -> None:
    """Write a file whole or not at all, and durably."""
    part = os.path.join(folder, "." + name + ".part")
    with open(_open(folder, "." + name + ".part", os.O_WRONLY | os.O_TRUNC), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.rename(part, os.path.join(folder, name))
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _text(folder: str, name: str) -> Optional[str]:
    """A state file as it is, None where there is none."""
    try:
        with open(os.path.join(folder, name), encoding="utf-8", errors="replace") as file:
            return file.read(65536)
    except FileNotFoundError:
        return None


def _lines(folder: str, most: int) -> List[str]:
    """The last lines of the ledger."""
    try:
        with open(os.path.join(folder, "ledger.jsonl"), "rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - 1024 * most))
            return file.read().decode("utf-8", "replace").splitlines()[-most:]
    except FileNotFoundError:
        return []


def _about(event: Dict[str, Any]) -> Tuple[Any, ...]:
    """What tells an event from another: whose deploy it is about, whoever writes it."""
    return event.get("event"), event.get("mended") or event.get("run"), event.get("commit")


def _last_event(folder: str) -> Dict[str, Any]:
    """The last line of the ledger that is one of ours: an object with a number; empty where there is none."""
    for line in reversed(_lines(folder, 64)):
        try:
            said = json.loads(line)
        except ValueError:
            continue
        if isinstance(said, dict) and type(said.get("n")) is int:
            return said
    return {}


def _append(folder: str, event: Dict[str, Any]) -> None:
    """One line of the ledger, numbered on. A torn last line (power cut) is closed first, so that it can hurt no other; the
    same event of the same run is not written twice: whoever mends a kill may do the same thing again.
    """
    last = _last_event(folder)
    if event.get("event") != "note" and _about(last) == _about(event):
        return
    descriptor = _open(folder, "ledger.jsonl", os.O_RDWR | os.O_APPEND)
    try:
        size = os.fstat(descriptor).st_size
        torn = size and os.pread(descriptor, 1, size - 1) != b"\n"
        whole = json.dumps(dict(event, n=last.get("n", 0) + 1), sort_keys=True).encode("utf-8") + b"\n"
        text = (b"\n" if torn else b"") + whole
        if os.write(descriptor, text) != len(text):
            os.ftruncate(descriptor, size)
            raise OSError("no room for a line of the ledger in %s" % folder)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _at_work(folder: str) -> str:
    """Whose step still runs on a service, by its journal, and which: ``owner.lock`` names whoever asks by now."""
    journal = _text(folder, "journal.json")
    try:
        said = json.loads(journal or "{}")
        owner = {"by": said["by"], "run": said["run"], "build": said["build"], "since": said["at"]}
    except (ValueError, KeyError, TypeError):
        owner = {}
    return json.dumps({"owner": json.dumps(owner), "journal": journal})


def _epoch(folder: str) -> Optional[int]:
    """The epoch of the last claim; 0 before the first one. None where what is written is no number: the next one is then
    taken from the clock, which is past every epoch that was counted up from 0.
    """
    text = _text(folder, "epoch")
    try:
        return int(text or "0")
    except ValueError:
        return None


def _carried(folder: str, journal: Dict[str, Any]) -> Dict[str, Any]:
    """What the journal of the same deploy says of its changes: which, since when, how old the code was and what did not hold
    before. Where a way back finds no such word (an earlier voxgate's journal, a torn one), anything may have been changed.
    """
    try:
        said = json.loads(_text(folder, "journal.json") or "{}")
    except ValueError:
        said = {}
    if isinstance(said, dict) and said.get("run") == journal["run"] and "changed" in said:
        return {key: said[key] for key in ("changed", "since", "code", "seen", "standing") if key in said}
    return {"changed": EVERYTHING if journal["phase"].startswith("back-") else []}


def _note_put_back(folder: str, journal: Dict[str, Any]) -> None:
    """The code was changed and is as it was: whoever finds a process older than the last change must know. Said only where it
    is known how old the code was before.
    """
    if "since" in journal and journal.get("code"):
        said = {key: journal[key] for key in ("service", "since", "code", "seen") if journal.get(key)}
        said.update(format=1, until=time.time())
        _replace(folder, "put-back.json", json.dumps(said, sort_keys=True) + "\n")


def _boot() -> str:
    """Tells one boot of this host from the next."""
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        return file.read().strip()


def _git_locks(folder: str) -> List[str]:
    """Lock files that a killed git left in a checkout; empty while a git of ours still works there."""
    found = []
    for top, _, names in os.walk(os.path.join(folder, ".git")):
        found += [os.path.join(top, name) for name in names if name.endswith(".lock")]
    for pid in [name for name in os.listdir("/proc") if name.isdigit()] if found else []:
        try:
            with open("/proc/%s/comm" % pid, encoding="utf-8") as file:
                if file.read().startswith("git") and os.readlink("/proc/%s/cwd" % pid).startswith(folder):
                    return []
        except OSError:
            continue
    return found


def _held() -> Set[str]:
    """The locks below our root that somebody holds: as the kernel says of the files that processes of this account have open.
    Nobody asks by trying: whoever holds a lock to see if it is free is in the way of the gate that claims it then.
    """
    held, root = set(), os.path.realpath(ROOT) + os.sep
    for pid in [name for name in os.listdir("/proc") if name.isdigit()]:
        folder = "/proc/%s" % pid
        try:
            numbers = os.listdir(folder + "/fd") if os.stat(folder).st_uid == os.geteuid() else []
        except OSError:
            continue
        for number in numbers:
            with suppress(OSError):  # closed by now
                path = os.readlink("%s/fd/%s" % (folder, number))
                if path.startswith(root) and path.endswith(".lock"):
                    with open("%s/fdinfo/%s" % (folder, number), encoding="ascii") as file:
                        if any(line.startswith("lock:") and " FLOCK " in line and " WRITE " in line for line in file):
                            held.add(path[len(root) :])
    return held


def read(request: Dict[str, Any]) -> Dict[str, Any]:
    """What is written about each service (a map of name to checkout folder), nothing judged, nothing changed. ``held``: a gate
    has it, or a step still runs that a gate began.
    """
    found: Dict[str, Any] = {}
    held = _held()
    for service, checkout in request["services"].items():
        folder = os.path.join(ROOT, service)
        found[service] = {
            "good": _text(folder, "last-known-good.json"),
            "journal": _text(folder, "journal.json"),
            "put_back": _text(folder, "put-back.json"),
            "owner": _text(folder, "owner.lock"),
            "held": bool(held & {service + "/owner.lock", service + "/step.lock"}),
            "ledger": _lines(folder, request.get("ledger", 0)) if request.get("ledger") else [],
            "git_locks": _git_locks(checkout),
        }
    return {"services": found, "boot": _boot(), "writable": os.access(ROOT, os.W_OK)}


class Owner:
    """Holds the services of this host for one gate, and does its steps."""

    def __init__(self, word: str) -> None:
        self.word = word
        self.locks: Dict[str, int] = {}
        self.epochs: Dict[str, int] = {}
        self.running: Dict[str, Tuple["subprocess.Popen[bytes]", bool]] = {}  # what may be cut short; True on the way back
        self.closing = False
        self.stopped = False
        self.cut: Set[str] = set()
        self.speech = threading.Lock()
        self.threads: List[threading.Thread] = []

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
                    raise Held(_at_work(_folder(service))) from None
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
        _replace(folder, "epoch", "%d\n" % self.epochs[service])

    def _take(self, service: str, owner: Dict[str, Any]) -> None:
        folder = _folder(service)
        _shut(folder)
        descriptor = _open(folder, "owner.lock", os.O_RDWR)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            said = {name: _text(folder, file) for name, file in (("owner", "owner.lock"), ("journal", "journal.json"))}
            raise Held(json.dumps(said)) from None
        self.locks[service] = descriptor
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(owner).encode("utf-8"), 0)
        os.fsync(descriptor)

    @contextmanager
    def _alone(self, service: str) -> Iterator[Tuple[str, int]]:
        """Nobody else does a step of this service; a step that was left running is waited for. Yields folder and lock."""
        folder = _folder(service)
        descriptor = _open(folder, "step.lock", os.O_RDWR)
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
        """What is being done here right now, and what one deploy has changed up to now: that is carried on from journal to
        journal, whichever run writes it. Returns what was written.
        """
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        document = dict(_carried(folder, request["journal"]), **request["journal"])
        if changes and changes not in document["changed"]:
            document["changed"] = document["changed"] + [changes]
        if changes in IN_PLACE and "since" not in document:
            document["since"] = time.time() - TICK
        document.update(more, at=now, boot=_boot(), epoch=self.epochs[request["service"]])
        _replace(folder, "journal.json", json.dumps(document, sort_keys=True) + "\n")
        return document

    def do(self, request: Dict[str, Any]) -> Dict[str, Any]:
        """Steps, one after the other until one fails: intent, command, outcome."""
        results: List[Dict[str, Any]] = []
        with self._fenced(request) as (folder, lock):
            self.cut.discard(request["service"])
            back = request["journal"]["phase"].startswith("back-")
            for step in request["steps"]:
                if self.closing or (self.stopped and not back):
                    results.append(dict(NOT_BEGUN))
                    break
                self._journal(folder, request, step.get("changes", ""), step=step["says"], status="begun")
                results.append(self._run(request["service"], step, lock, back=back))
                good = results[-1]["exit"] == 0
                self._journal(folder, request, step=step["says"], status="done" if good else "failed")
                if not good:
                    break
        return {"results": results}

    def _run(self, service: str, step: Dict[str, Any], lock: int, *, back: bool) -> Dict[str, Any]:
        """One command. ``exit`` is None where it did not end by itself: its outcome is unknown."""
        began = time.monotonic()
        child = subprocess.Popen(
            step["argv"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            pass_fds=(lock,),  # killed with us or not: whoever comes next waits for it
            env=dict(os.environ, **GIT),
        )
        if not step.get("finish"):
            self.running[service] = (child, back)
        why = ""
        try:
            out, err = child.communicate(timeout=step["deadline"])
        except subprocess.TimeoutExpired:
            why = "was not done within %d s" % step["deadline"]
            self._end(child, signal.SIGKILL)
            out, err = self._last_words(child)
        finally:
            self.running.pop(service, None)
        if service in self.cut:
            why = "was cut short"
        elif not why and child.returncode < 0:
            why = "was killed by signal %d" % -child.returncode
        said = [text.decode("utf-8", "replace")[-KEPT:] for text in (out, err)]
        seconds = time.monotonic() - began
        return {"exit": None if why else child.returncode, "out": said[0], "err": said[1], "why": why, "seconds": seconds}

    @staticmethod
    def _last_words(child: "subprocess.Popen[bytes]") -> Tuple[bytes, bytes]:
        """What a killed command said. Root's cannot be killed, and it is waited for no longer: it still holds ``step.lock``,
        so whoever comes next waits for it.
        """
        try:
            return child.communicate(timeout=KILL_AFTER)
        except subprocess.TimeoutExpired as late:
            return late.stdout or b"", late.stderr or b""

    @staticmethod
    def _end(child: "subprocess.Popen[bytes]", number: int) -> None:
        with suppress(OSError):  # gone, or root's: systemctl ends by itself
            os.killpg(child.pid, number)

    def cancel(self, _request: Dict[str, Any]) -> Dict[str, Any]:
        """End what runs now and may be ended; whoever waits for it hears so. From here on nothing is begun but the way back,
        which is not cut short while the gate is there.
        """
        self.stopped = True
        children = {name: child for name, (child, back) in dict(self.running).items() if self.closing or not back}
        self.cut.update(children)
        for number, patience in ((signal.SIGTERM, KILL_AFTER), (signal.SIGKILL, 0.0)):
            for child in children.values():
                self._end(child, number)
            until = time.monotonic() + patience
            while time.monotonic() < until and any(child.poll() is None for child in children.values()):
                time.sleep(PAUSE)
        return {"cut": sorted(children)}

    def mark(self, request: Dict[str, Any]) -> Dict[str, Any]:
        """A state without a command: first the last known good, then the ledger's line, then the journal that says so. Only a
        deploy's beginning stands in the journal first: what dies between the two is closed by whoever reads that.
        """
        with self._fenced(request) as (folder, _):
            event, journal = request.get("event"), request.get("journal")
            if request.get("record"):
                _replace(folder, "last-known-good.json", json.dumps(request["record"], sort_keys=True) + "\n")
            late = event if event and journal and event.get("event") == "begun" else None
            if event and not late:
                _append(folder, event)
            if journal:
                written = self._journal(folder, request, step="", status="done")
                if journal["phase"] == "back-judging":
                    _note_put_back(folder, written)
            if late:
                _append(folder, late)
        return {}

    def tidy(self, request: Dict[str, Any]) -> Dict[str, Any]:
        """Remove what a killed git left locked in a checkout that is ours alone now."""
        with self._fenced(request):
            left = _git_locks(request["checkout"])
            for path in left:
                os.unlink(path)
        return {"removed": left}

    def answer(self, request: Dict[str, Any]) -> None:
        """One request, one line back."""
        words: Dict[str, Any] = {"id": request["id"]}
        try:
            work = {"claim": self.claim, "do": self.do, "mark": self.mark, "cancel": self.cancel, "tidy": self.tidy}
            words["ok"] = work[request["op"]](request)
        except Held as other:
            words["held"] = json.loads(str(other))
        except Fenced as fence:
            words["fenced"] = str(fence)
        except Exception as error:  # noqa: BLE001 - whatever it is, who asked must hear it
            words["error"] = "%s: %s" % (type(error).__name__, error)
        self.say(words)

    def say(self, words: Dict[str, Any]) -> None:
        """One whole line. A gate that is gone hears nothing; what was done is in the journal."""
        with self.speech:
            try:
                _print(self.word, words)
            except OSError:
                self.closing = True

    def serve(self) -> None:
        """Work until the gate is gone: its channel closed, or nothing heard from it for too long."""
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        heard, rest = time.monotonic(), b""
        while not self.closing and time.monotonic() - heard < SILENCE:
            if not select.select([0], [], [], 1.0)[0]:
                continue
            data = os.read(0, 1 << 16)
            if not data:
                break
            heard = time.monotonic()
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                request = json.loads(line)
                if request["id"] == 0:
                    self.say({"id": 0})
                    continue
                self.threads.append(threading.Thread(target=self.answer, args=(request,), daemon=True))
                self.threads[-1].start()
        self.closing = True
        self.cancel({})
        until = time.monotonic() + LEAVE_AFTER
        for thread in self.threads:
            thread.join(max(0.0, until - time.monotonic()))


def _print(word: str, words: Dict[str, Any]) -> None:
    """One line, all of it, behind the gate's own word: what a startup file prints has none."""
    left = ("%s %s\n" % (word, json.dumps(words))).encode("utf-8")
    while left:
        left = left[os.write(1, left) :]


def main(request: Dict[str, Any]) -> None:
    """Answer one question, ``{"ok": ...}`` or ``{"error": text}`` on stdout, or serve until the gate is gone."""
    if request["op"] == "serve":
        Owner(request["mark"]).serve()
        return
    try:
        answer: Dict[str, Any] = {"ok": read(request)}
    except (OSError, ValueError, KeyError) as error:
        answer = {"error": "%s: %s" % (type(error).__name__, error)}
    _print(request["mark"], answer)
