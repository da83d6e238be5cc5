#!/usr/bin/python3 -IS
"""The probe: one look at one host. Reads a JSON request on stdin, prints one JSON document of facts, changes nothing but
a cache of its own: as root it keeps the hashes of installed packages in /var/lib/voxgate-probe.

It is one file, needs nothing but Python >= 3.9 and its standard library, and takes no arguments, so that it can be
installed as the root-owned ``/usr/local/sbin/voxgate-probe`` and be allowed in sudoers by its exact name.

What it promises, also to someone who holds a stolen deploy account:
* It returns no file's content and no value of a ``.env``: names, modes, times, hashes. Values of the ``.env`` files
  that it can read are cut out of everything it prints. What is asked of files because of such a value is asked with the
  rights of the account that calls: a value that it wrote itself makes it see nothing more.
* It follows no link inside of a service's folder. git runs as the owner of a service's folder, and in the very folder whose owner
  was asked for; uv, which starts what is installed there, as nobody. In a folder of anybody else's no program runs at all.
* It is one at a time, nice, idle at the disk, and bounded in memory, files and time; what it starts ends with it. Nothing is read
  past a limit: what is longer is an error, never a part taken for the whole.
* Every fact is a value, or an error of a kind (denied, missing, timeout, unparsable, failed). Nothing that one part
  meets stops another, and each part has a deadline.
"""
# ruff: noqa: PLR2004, S324
# One file that runs alone, as root: os and not pathlib, because only os can hold a folder open and follow no link.

from __future__ import annotations

import sys

sys.dont_write_bytecode = True
import base64
import csv
import errno
import fcntl
import filecmp
import fnmatch
import getopt
import glob
import grp
import hashlib
import json
import mmap
import os
import pwd
import re
import resource
import selectors
import shlex
import shutil
import signal
import socket
import stat
import struct
import subprocess
import threading
import time
from contextlib import ExitStack, contextmanager, suppress
from functools import lru_cache, partial
from itertools import chain, islice
from typing import IO, Any, Callable, Iterable, Iterator, NamedTuple, Sequence

FORMAT = 1
DEADLINE = 10.0  # seconds for a section
UV_DEADLINE = 20.0
ALARM = 45  # seconds: whatever happens, the probe is gone after this
FILES_AT_MOST = 50_000
NAMES_AT_MOST = 100_000  # in one folder
INSTALLED_AT_MOST = 400_000  # files of one environment
REQUEST = 1 << 20  # bytes
BYTES_AT_MOST = 200 * 1024 * 1024
DEPTH_AT_MOST = 50  # each folder on the way is held open
SMALL_FILE = 4 * 1024 * 1024  # what is read as text
KERNEL_FILE = 64 * 1024 * 1024  # what the kernel writes as one is read: a table of many rows
ENVIRONMENT = 8 * 1024 * 1024  # the variables of a process: its stack bounds them, and that can be widened
OUTPUT = 16 * 1024 * 1024  # what a program may say
ROWS_AT_MOST = 100_000
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Trouble(Exception):  # noqa: N818
    """A fact that cannot be told, and why, in words that hold no content of any file."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind
        self.text = text


# ---------------------------------------------------------------------------------------------------------- guarding


def guarded(function: Callable[[], Any]) -> dict[str, Any]:
    """The function's ``value``, or its ``error``. The words of unexpected errors are not shown: they may quote content."""
    try:
        return {"value": function()}
    except Trouble as trouble:
        kind, text = trouble.kind, trouble.text
    except PermissionError as error:
        kind, text = "denied", f"{error.filename or ''}: {error.strerror}".lstrip(": ")
    except FileNotFoundError as error:
        kind, text = "missing", f"{error.filename or ''}: {error.strerror}".lstrip(": ")
    except TimeoutError:
        kind, text = "timeout", "no answer in time"
    except OSError as error:
        kind, text = "failed", f"{error.filename or ''}: {error.strerror}".lstrip(": ")
    except Exception as error:  # noqa: BLE001 - nothing that one part meets may stop another
        line = error.__traceback__
        while line is not None and line.tb_next is not None:
            line = line.tb_next
        kind, text = "failed", f"{type(error).__name__} in line {line.tb_lineno if line else 0} of the probe"
    return {"error": {"kind": kind, "text": text}}


class Job(threading.Thread):
    """One fact, found in a thread of its own, given up after a deadline. The thread itself dies with the program."""

    def __init__(self, function: Callable[[], Any], deadline: float = DEADLINE) -> None:
        super().__init__(daemon=True)
        self.function, self.deadline, self.began = function, deadline, time.monotonic()
        self.seconds = 0.0
        self.outcome: dict[str, Any] | None = None
        self.start()

    def run(self) -> None:
        """What the thread does."""
        outcome = guarded(self.function)
        self.seconds = time.monotonic() - self.began
        self.outcome = outcome

    def result(self) -> dict[str, Any]:
        """Waits for the outcome until the deadline; then it is an error of kind timeout."""
        self.join(max(0.0, self.began + self.deadline - time.monotonic()))
        if self.outcome is not None:
            return self.outcome
        self.seconds = time.monotonic() - self.began
        return {"error": {"kind": "timeout", "text": f"not done after {self.deadline:.0f} s"}}

    def value(self) -> Any:
        """The value, or the same trouble for whoever needs it."""
        outcome = self.result()
        if "error" in outcome:
            raise Trouble(outcome["error"]["kind"], outcome["error"]["text"])
        return outcome["value"]


# ------------------------------------------------------------------------------------------------------------ limits

NICE, IDLE = 10, 3 << 13  # the last of the processor's, and the idle class of the disk's
IOPRIO_SET = {"x86_64": 251, "aarch64": 30, "armv7l": 314, "i686": 289, "ppc64le": 273, "s390x": 282, "riscv64": 30}
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
LIMITS = {
    resource.RLIMIT_DATA: 1 << 30, resource.RLIMIT_NOFILE: 4096, resource.RLIMIT_FSIZE: 256 << 20, resource.RLIMIT_CPU: 60,
    resource.RLIMIT_CORE: 0, resource.RLIMIT_NPROC: 8192, resource.RLIMIT_STACK: 8 << 20,
}  # fmt: skip
STACK = 2 * 1024 * 1024  # of each thread
LOCK = "/run/voxgate-probe.lock"  # root alone can put a file there
LOCK_DEADLINE = 8.0  # seconds: a gate waits for an answer for 30
ASKING = 3.0  # seconds for a request to come, whole: who asks slowly keeps the place of who asks
LEFT = 5.0  # seconds to end what a look left


def limit_ourselves() -> None:
    """Take nothing that the host needs, and nothing from whoever calls: his limits and ignored signals come with a call, and
    would make us blind, or hear of no child's end. The signals of a terminal are not heard, and where memory ends we go first.
    """
    os.chdir("/")
    os.umask(0o077)
    for number in (signal.SIGALRM, signal.SIGCHLD, signal.SIGTERM, signal.SIGHUP, signal.SIGXCPU):
        signal.signal(number, signal.SIG_DFL)
    for number in (signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    for which, most in LIMITS.items():
        hard = resource.getrlimit(which)[1]
        try:
            resource.setrlimit(which, (most, most))
        except ValueError:  # only root may raise the hard one, and not in each container
            resource.setrlimit(which, (hard, hard))
    threading.stack_size(STACK)
    os.setpriority(os.PRIO_PROCESS, 0, NICE)
    system_call(IOPRIO_SET.get(os.uname().machine, -1), 1, 0, IDLE)
    with suppress(OSError), open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
        file.write("1000")


def system_call(number: int, *words: int) -> int:
    """What Python has no name for; -1 where the kernel does not know it or refuses."""
    import ctypes  # noqa: PLC0415 - needed here only

    return int(ctypes.CDLL(None, use_errno=True).syscall(number, *map(ctypes.c_long, words))) if number >= 0 else -1


def control(option: int, value: int) -> None:
    """prctl(2)."""
    import ctypes  # noqa: PLC0415 - needed here only

    ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def supervised(work: Callable[[], int], deadline: int) -> int:
    """Do the work in a child, and end whatever it started and left, however it ended: by itself, by its alarm, or because we
    are told to. What leaves its parent becomes ours. Returns its exit status, or 128 and the signal.
    """
    control(PR_SET_CHILD_SUBREAPER, 1)
    child = os.fork()
    if child == 0:
        status = 1
        try:
            control(PR_SET_PDEATHSIG, signal.SIGKILL)
            status = work()
        finally:
            os._exit(status)  # a thread that hangs in the kernel must not keep the program
    for number in (signal.SIGALRM, signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, lambda *_: os.kill(child, signal.SIGKILL))
    signal.alarm(deadline)
    ended = os.waitpid(child, 0)[1]
    signal.alarm(0)
    end_what_is_left()
    return os.WEXITSTATUS(ended) if os.WIFEXITED(ended) else 128 + os.WTERMSIG(ended)


def end_what_is_left() -> None:
    """Kill each child, and each that becomes one as its parent dies, until there is none."""
    until = time.monotonic() + LEFT
    while time.monotonic() < until:
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        for pid in children_of(os.getpid()):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.005)


def children_of(parent: int) -> Iterator[int]:
    """The processes that a process is the parent of."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with suppress(OSError, IndexError), open(f"/proc/{pid}/stat", "rb") as file:
            if int(file.read(4096).rpartition(b")")[2].split()[1]) == parent:
                yield int(pid)


def alone() -> int | None:
    """Hold the place of the one look at this host, by a file descriptor; without root there is none. Raises Trouble if another
    look keeps it.
    """
    if os.geteuid() != 0:
        return None
    fd = os.open(LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    until = time.monotonic() + LOCK_DEADLINE
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                raise Trouble("timeout", f"another look at this host was not done after {LOCK_DEADLINE:.0f} s") from None
            time.sleep(0.02)
        else:
            return fd


# ----------------------------------------------------------------------------------------------------------- reading


def taken(file: IO[bytes], at_most: int, path: str) -> bytes:
    """All that an open file holds. Raises Trouble if that is more than ``at_most`` bytes."""
    pieces: list[bytes] = []
    left = at_most
    while piece := file.read(min(1 << 16, left + 1)):
        pieces.append(piece)
        left -= len(piece)
        if left < 0:
            raise Trouble("failed", f"{path}: over {at_most} bytes")
    return b"".join(pieces)


def content(path: str, at_most: int = KERNEL_FILE) -> bytes:
    """All that a file holds, the kernel's too. Raises Trouble if that is more than ``at_most`` bytes."""
    with open(path, "rb") as file:
        return taken(file, at_most, path)


def rows_of(path: str) -> Iterator[str]:
    """The rows of a table of the kernel's, one at a time. Raises Trouble if there are more than ``ROWS_AT_MOST``."""
    with open(path, encoding="utf-8", errors="surrogateescape", newline="\n") as file:  # a name may hold \r
        for count, line in enumerate(file):
            if count >= ROWS_AT_MOST:
                raise Trouble("failed", f"{path}: over {ROWS_AT_MOST} rows")
            yield line


# ----------------------------------------------------------------------------------------------------------- request


# What binds an answer to its request: a word that was never used before, and the host key that shall sign.
SEAL = {"nonce": re.compile(r"[0-9a-f]{64}", re.ASCII), "key": re.compile(r"SHA256:[A-Za-z0-9+/]{43}", re.ASCII)}


class Service(NamedTuple):
    """One service of the request, checked."""

    name: str
    folder: str
    kind: str
    owner: str
    user: str | None
    unit: str | None
    units: list[str]
    pinned: str | None
    required_settings: list[str]


FOLDERS = re.compile(r"/opt/(?!\.{1,2}$)[A-Za-z0-9._-]+", re.ASCII)
UNIT = re.compile(r"(?!-)[A-Za-z0-9:_.@\\-]{1,240}\.service", re.ASCII)
ACCOUNT = re.compile(r"[a-z_][a-z0-9_-]{0,31}", re.ASCII)
NAME = re.compile(r"[a-z][a-z0-9-]{0,31}", re.ASCII)
SHAPES: dict[str, tuple[re.Pattern[str], str]] = {
    "name": (NAME, "text"),
    "folder": (FOLDERS, "text"),
    "kind": (re.compile(r"python|static"), "text"),
    "owner": (ACCOUNT, "text"),
    "user": (ACCOUNT, "text or null"),
    "unit": (UNIT, "text or null"),
    "units": (UNIT, "list"),
    "pinned": (re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", re.ASCII), "text or null"),
    "required_settings": (re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}", re.ASCII), "list"),
}


ASKED = ("whole", "brief", "words")


def asked_for(request: bytes) -> str:
    """What is asked for: ``whole`` is everything, ``brief`` only what moves (for the first of two looks, of which the second
    reads the rest), ``words`` what units say of themselves.
    """
    document = json.loads(request)  # ``services_of`` found it good
    return str(document.get("asked", "whole"))


def only_of(request: bytes) -> frozenset[str] | None:
    """The services at which a whole look is: of others, and of the host as such, only what is seen of all at once. None: all."""
    only = json.loads(request).get("only")
    return None if only is None else frozenset(only)


def stores_of(request: bytes) -> list[str]:
    """The units of the stores that run on this host."""
    return list(json.loads(request).get("stores", []))


def watched(request: bytes) -> frozenset[str]:
    """The folders of all services of the estate: whose code a process runs is asked of each."""
    document = json.loads(request)
    return frozenset(document.get("folders", [])) | {row["folder"] for row in document["services"]}


def services_of(request: bytes, folders: re.Pattern[str] = FOLDERS) -> list[Service]:
    """The services that the request names. Raises Trouble for anything that is not exactly of the form."""
    try:
        document = json.loads(request)
    except (ValueError, RecursionError):
        raise Trouble("unparsable", "request refused: not JSON") from None
    if not isinstance(document, dict) or set(document) - {"asked", "only", "stores", "folders", *SEAL} != {"format", "services"}:
        raise Trouble("failed", "request refused: it needs exactly format and services")
    if not all(
        isinstance(text := document.get(key, ""), str) and (not text or form.fullmatch(text)) for key, form in SEAL.items()
    ):
        raise Trouble("failed", f"request refused: of another form: {', '.join(SEAL)}")
    if document.get("asked", "whole") not in ASKED:
        raise Trouble("failed", f"request refused: asked for is one of {', '.join(ASKED)}")
    if document["format"] != FORMAT:
        raise Trouble("failed", f"request refused: this probe speaks format {FORMAT}")
    rows = document["services"]
    if not isinstance(rows, list) or len(rows) > 50:
        raise Trouble("failed", "request refused: services must be a list of at most 50")
    services = [checked(row, folders) for row in rows]
    if len({service.name for service in services}) != len(services):
        raise Trouble("failed", "request refused: a service stands twice")
    for key, shape, what in (("only", NAME, "names"), ("stores", UNIT, "units"), ("folders", folders, "folders")):
        found = document.get(key, [])
        if not isinstance(found, list) or not all(isinstance(name, str) and shape.fullmatch(name) for name in found):
            raise Trouble("failed", f"request refused: {key} is a list of {what}")
    return services


def checked(row: Any, folders: re.Pattern[str]) -> Service:
    """One row of the request, each field of its shape."""
    if not isinstance(row, dict) or set(row) != set(SHAPES):
        raise Trouble("failed", f"request refused: a service needs exactly {', '.join(SHAPES)}")
    for key, (shape, form) in SHAPES.items():
        found, shape = row[key], folders if key == "folder" else shape  # noqa: PLW2901
        wanted = found if form == "list" else [] if found is None and form == "text or null" else [found]
        if not isinstance(wanted, list) or len(wanted) > 512:
            raise Trouble("failed", f"request refused: {key} has another form")
        if not all(isinstance(text, str) and shape.fullmatch(text) for text in wanted):
            raise Trouble("failed", f"request refused: {key} has another form")
    return Service(**row)


# ----------------------------------------------------------------------------------------------- reading a folder


def place_of(path: str, at: int) -> int:
    """What lies below an open folder, held as a place only (O_PATH): nothing is opened, and no link is followed on the way."""
    handle = os.dup(at)
    for part in filter(None, path.split("/")):
        above = handle
        try:
            handle = os.open(part, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=above)
        finally:
            os.close(above)
    return handle


def opened_regular(handle: int, path: str) -> int:
    """What is held as a place, opened for reading; the place is given up. To open a pipe or a device does something, so that it
    is a regular file is known before. Raises Trouble for anything else.
    """
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise Trouble("failed", f"{path}: not a regular file")
        return os.open(f"/proc/self/fd/{handle}", os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError as error:
        error.filename = path
        raise
    finally:
        os.close(handle)


def opened(path: str) -> int:
    """The same by a whole path, links followed: for paths of the system's, in which others may have put a link or a name. Files
    that the kernel makes up are none, to read one may do something too; nor is what a mount namespace of somebody's shows.
    """
    handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
    words = content(f"/proc/self/fdinfo/{handle}").split()
    if words[words.index(b"mnt_id:") + 1].decode() not in mounts_of_files():
        os.close(handle)
        raise Trouble("failed", f"{path}: not a regular file")
    return opened_regular(handle, path)


@lru_cache(maxsize=None)
def mounts_of_files() -> frozenset[str]:
    """The numbers of our mounts on which files are somebody's, and not made up by the kernel."""
    rows = [line.split(" - ", 1) for line in rows_of("/proc/self/mountinfo")]
    return frozenset(row[0].split()[0] for row in rows if len(row) == 2 and row[1].split()[0] not in NO_FILES)


class Folder:
    """A folder held open, read without ever following a link: what is hashed lies in it, not behind it."""

    def __init__(self, path: str, below: Folder | None = None, *, handle: int | None = None) -> None:
        """By its name in another, by a whole path, or as it is held as a place already."""
        self.path: str = path if below is None else f"{below.path.rstrip('/')}/{path}"
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NOFOLLOW
        try:
            self.fd: int = os.open("." if handle is not None else path, flags, dir_fd=below.fd if below else handle)
        except NotADirectoryError:
            raise Trouble("failed", f"{self.path}: not a folder (a link is not followed)") from None
        except OSError as error:
            error.filename = self.path
            raise

    def __enter__(self) -> Folder:  # noqa: PYI034 - Self is younger than Python 3.9
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.fd)

    def stat(self, name: str) -> os.stat_result | None:
        """What ``name`` is, links as links; None if it is not there."""
        try:
            return os.stat(name, dir_fd=self.fd, follow_symlinks=False)
        except (FileNotFoundError, NotADirectoryError):
            return None

    def open(self, name: str) -> IO[bytes]:
        """A regular file, opened for reading: by no link, also not in the middle of ``name``; all else is not opened."""
        try:
            handle = place_of(name, self.fd)
        except OSError as error:
            error.filename = f"{self.path}/{name}"
            raise
        return open(opened_regular(handle, f"{self.path}/{name}"), "rb")

    def text(self, name: str, errors: str = "strict") -> str:
        """The content of a small UTF-8 file. Raises Trouble or OSError."""
        with self.open(name) as file:
            found = taken(file, SMALL_FILE, f"{self.path}/{name}")
        try:
            return found.decode(errors=errors)
        except UnicodeDecodeError:
            raise Trouble("unparsable", f"{self.path}/{name}: not UTF-8") from None

    def walk(
        self, left_out: Callable[[str, str, bool], bool], prefix: str = "", *, denied: bool = False
    ) -> Iterator[tuple[Folder, str, str]]:
        """Each file below: the open folder it lies in, its name there, its path from here. ``left_out`` is asked with
        the path of the folder, the name, and whether it is a folder. ``denied``: a folder that may not be read is passed over.
        """
        if prefix.count("/") > DEPTH_AT_MOST:
            raise Trouble("failed", f"{self.path}: over {DEPTH_AT_MOST} folders deep")
        with os.scandir(self.fd) as entries:
            rows = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in islice(entries, NAMES_AT_MOST + 1)]
        if len(rows) > NAMES_AT_MOST:
            raise Trouble("failed", f"{self.path}: over {NAMES_AT_MOST} names in one folder")
        for name, is_folder in rows:
            if left_out(prefix, name, is_folder):
                continue
            if is_folder:
                try:
                    below = Folder(name, self)
                except PermissionError:
                    if not denied:
                        raise
                    continue
                with below:
                    yield from below.walk(left_out, f"{prefix}{name}/", denied=denied)
            else:
                yield self, name, prefix + name


def fingerprint(folder: Folder, name: str, algorithm: str = "sha256") -> tuple[int, str]:
    """The size of a file and the hash of its content; with ``sha1`` git's blob id."""
    with folder.open(name) as file:
        size = os.fstat(file.fileno()).st_size
        head = b"blob %d\0" % size if algorithm == "sha1" else b""
        digest = hashlib.new(algorithm, head)
        while piece := file.read(1 << 20):
            digest.update(piece)
    return size, digest.hexdigest()


@lru_cache(maxsize=None)
def account(uid: int) -> str:
    """The name of a user, its number where it has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def caller() -> int:
    """The account that asks: by sudo's own word where we are root."""
    return int(os.environ.get("SUDO_UID", "0")) if os.geteuid() == 0 else os.getuid()


SETGROUPS = {"x86_64": 116, "aarch64": 159, "armv7l": 206, "i686": 206, "ppc64le": 81, "s390x": 206, "riscv64": 159}


def as_caller(work: Callable[[], Any]) -> Any:
    """What the work gives with the rights on files of the account that asks: root sees nothing in its place. The kernel keeps
    these rights by thread, so the work is done in one of its own. Raises Trouble.
    """
    uid = caller()
    if os.geteuid() != 0 or uid == 0:
        return work()

    try:
        pwd.getpwuid(uid)
    except KeyError:
        raise Trouble("failed", f"who asks, {uid}, is no user of this host") from None

    def done() -> Any:
        with seeing_as(uid):
            return work()

    return Job(done, UV_DEADLINE).value()


# -------------------------------------------------------------------------------------------------------- programs


STARTED: list[subprocess.Popen[bytes]] = []  # what is still alive of it at the end goes with us


class Ended(NamedTuple):
    """How a program ended and what it said."""

    status: int
    out: str
    err: str


# git starts nothing and fetches nothing, whatever a repository's configuration says. Its own check of whose a repository is stays
# on: whoever owns a folder passes it by himself.
GIT = {
    "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "GIT_NO_LAZY_FETCH": "1", "GIT_ALLOW_PROTOCOL": "none",
    "GIT_PROTOCOL_FROM_USER": "0", "GIT_NO_REPLACE_OBJECTS": "1", "GIT_GRAFT_FILE": "/dev/null", "GIT_PAGER": "cat",
}  # fmt: skip
NO_CONFIGURATION = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null"}


def run(
    argv: list[str],
    deadline: float,
    folder: Folder | None = None,
    uid: int | None = None,
    given: bytes | None = None,
    more: dict[str, str] | None = None,
) -> Ended:
    """Run a program with a clean environment and ``more``, as the user ``uid`` if we are root, with ``given`` to read, in
    ``folder`` as it is held open: whatever has its path now. Raises Trouble if it cannot be started, or is not done after
    ``deadline`` seconds: then it and all that it started is killed.
    """
    person = pwd.getpwuid(os.geteuid() if uid is None else uid)
    environment = {
        "PATH": PATH, "HOME": person.pw_dir, "USER": person.pw_name, "LOGNAME": person.pw_name, "LC_ALL": "C.UTF-8",
        "NO_COLOR": "1", "UV_NO_PROGRESS": "1", "SYSTEMD_PAGER": "", "SYSTEMD_COLORS": "0", **(more or {}),
    }  # fmt: skip
    become: dict[str, Any] = {}
    if uid is not None and os.geteuid() == 0 and uid != 0:
        groups = os.getgrouplist(person.pw_name, person.pw_gid)
        become = {"user": uid, "group": person.pw_gid, "extra_groups": groups}
    try:
        process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL if given is None else subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, cwd=f"/proc/self/fd/{folder.fd}" if folder else "/", env=environment,
            start_new_session=True, **become,
        )  # fmt: skip
    except FileNotFoundError:
        raise Trouble("missing", f"{argv[0]} is not installed") from None
    STARTED.append(process)
    try:
        out, err = spoken_by(process, given or b"", deadline)
    except (subprocess.TimeoutExpired, Trouble) as error:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if isinstance(error, Trouble):
            raise Trouble("failed", f"{argv[0]} {argv[1]} {error.text}") from None
        raise Trouble("timeout", f"{argv[0]} {argv[1]} was not done after {deadline:.0f} s") from None
    finally:
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream:
                with suppress(OSError):
                    stream.close()
    return Ended(process.returncode, out.decode(errors="replace"), err.decode(errors="replace"))


def spoken_by(process: subprocess.Popen[bytes], given: bytes, deadline: float) -> tuple[bytes, bytes]:
    """What a program says until it ends, given what it reads. Raises Trouble where it says too much, TimeoutExpired."""
    until, at, size = time.monotonic() + deadline, 0, 0
    said: dict[Any, list[bytes]] = {process.stdout: [], process.stderr: []}
    with selectors.DefaultSelector() as waiting:
        for stream in said:
            waiting.register(stream, selectors.EVENT_READ)
        if process.stdin:
            os.set_blocking(process.stdin.fileno(), False)
            waiting.register(process.stdin, selectors.EVENT_WRITE)
        while waiting.get_map():
            ready = waiting.select(max(0.0, until - time.monotonic()))
            if not ready:
                raise subprocess.TimeoutExpired(process.args, deadline)
            for key, _ in ready:
                if key.fileobj is process.stdin:
                    with suppress(BrokenPipeError, BlockingIOError):
                        at += os.write(key.fd, given[at : at + (1 << 16)])
                        if at < len(given):
                            continue
                    waiting.unregister(process.stdin)
                    with suppress(OSError):
                        process.stdin.close()
                    continue
                piece = os.read(key.fd, 1 << 16)
                said[key.fileobj].append(piece)
                size += len(piece)
                if size > OUTPUT:
                    raise Trouble("failed", f"said more than {OUTPUT} bytes")
                if not piece:
                    waiting.unregister(key.fileobj)
    process.wait(max(0.01, until - time.monotonic()))
    return b"".join(said[process.stdout]), b"".join(said[process.stderr])


def as_owner(argv: list[str], folder: Folder, deadline: float, more: dict[str, str] | None = None) -> Ended:
    """Run a program in a folder as the folder's owner; as nobody where that is root: its code is not ours to trust."""
    if os.geteuid() != 0:
        return run(argv, deadline, folder, more=more)
    uid = os.fstat(folder.fd).st_uid
    try:
        return run(argv, deadline, folder, uid or pwd.getpwnam("nobody").pw_uid, more=more)
    except KeyError:
        raise Trouble("failed", f"{folder.path}: its owner {uid} is no user of this host") from None


def git(words: list[str], folder: Folder, deadline: float, more: dict[str, str] | None = None) -> Ended:
    """Ask git in a service's own folder, as its owner. Nobody, who reads what is root's, must be told where its repository is."""
    of_root = {} if os.fstat(folder.fd).st_uid else {"GIT_DIR": ".git"}
    return as_owner(["git", "--no-pager", *words], folder, deadline, {**GIT, **of_root, **(more or {})})


def last_words(text: str, lines: int = 6) -> str:
    """The last lines of what a program said, shortened."""
    return "\n".join(text.strip().splitlines()[-lines:])[-1500:]


# ----------------------------------------------------------------------------------------------------------- units

UNIT_FOLDERS = (
    "/etc/systemd/system.control", "/run/systemd/system.control", "/run/systemd/transient",
    "/run/systemd/generator.early", "/etc/systemd/system", "/etc/systemd/system.attached", "/run/systemd/system",
    "/run/systemd/system.attached", "/run/systemd/generator", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system",
    "/lib/systemd/system", "/run/systemd/generator.late",
)  # fmt: skip
PROPERTIES = (
    "Id", "LoadState", "LoadError", "ActiveState", "SubState", "Result", "UnitFileState", "MainPID", "InvocationID",
    "NRestarts", "ExecMainStartTimestampMonotonic", "ActiveEnterTimestampMonotonic", "FragmentPath", "DropInPaths",
    "NeedDaemonReload", "Transient", "ControlGroup", "User", "Type", "Restart", "ExecStart", "ExecMainCode",
    "ExecMainStatus", "StateChangeTimestampMonotonic",
    "WorkingDirectory",
    "EnvironmentFiles", "Environment", "WantedBy", "RequiredBy", "TriggeredBy",
)  # fmt: skip


class OnDisk:
    """The unit folders as they are now, whatever systemd has loaded: a stopped instance, a masked unit and a link made
    by hand are seen here. ``placed`` are the names that an administrator put or enabled: outside of the distribution's
    own folders.
    """

    def __init__(self) -> None:
        self.files: dict[str, list[str]] = {}
        self.drop_ins: dict[str, list[str]] = {}
        self.links: dict[str, list[str]] = {}
        self.placed: set[str] = set()
        for folder in dict.fromkeys(os.path.realpath(path) for path in UNIT_FOLDERS):
            try:
                names = sorted(os.listdir(folder))
            except (FileNotFoundError, NotADirectoryError):
                continue
            placed = not folder.startswith("/usr/lib/")
            for name in names:
                path = f"{folder}/{name}"
                if name.endswith(".service"):
                    self.note(self.files, name, path, placed=placed)
                elif name.endswith((".wants", ".requires", ".upholds")) and os.path.isdir(path):
                    for link in sorted(os.listdir(path)):
                        if link.endswith(".service"):
                            self.note(self.links, link, f"{path}/{link}", placed=placed)
                elif name.endswith("service.d") and os.path.isdir(path):
                    self.drop_ins.setdefault(name[:-2], []).extend(
                        f"{path}/{file}" for file in sorted(os.listdir(path)) if file.endswith(".conf")
                    )

    def note(self, kind: dict[str, list[str]], name: str, path: str, *, placed: bool) -> None:
        """Keep a path under a unit's name."""
        kind.setdefault(name, []).append(path)
        if placed:
            self.placed.add(name)

    def paths(self, unit: str) -> list[str]:
        """Every fragment and drop-in that may make this unit: its own, its template's, those of its name's beginnings."""
        stem = unit[: -len(".service")]
        names = [unit] + ([f"{stem.partition('@')[0]}@.service"] if "@" in stem else [])
        starts = [f"{stem[: at + 1]}.service" for at, letter in enumerate(stem.partition("@")[0]) if letter == "-"]
        found = [path for name in names for path in self.files.get(name, ())]
        return found + [path for name in [*names, *starts, "service"] for path in self.drop_ins.get(name, ())]

    @staticmethod
    def digest(path: str) -> str:
        """sha256 of a unit file as systemd would read it; ``masked``, ``broken`` for a link to nowhere."""
        if os.path.realpath(path) == "/dev/null":
            return "masked"
        try:
            fd = opened(path)
        except FileNotFoundError:
            return "broken"
        except PermissionError:
            return "unreadable"
        except Trouble:
            return "not a file"
        with open(fd, "rb") as file:
            return hashlib.sha256(file.read(SMALL_FILE)).hexdigest()


def units(services: list[Service]) -> dict[str, Any]:
    """Wanted units, all instances of wanted templates, all services that run or failed or were placed by hand."""
    disk = OnDisk()
    wanted = {unit for service in services for unit in service.units}
    kinds = {service.unit for service in services if service.unit}
    templates = tuple(f"{unit.partition('@.')[0]}@" for unit in kinds if "@." in unit)
    wanted |= {unit for unit in kinds if "@." not in unit}
    listed = said("systemctl", "list-units", "--all", "--type=service", "--plain", "--full", "--no-legend", "--no-pager")
    for line in listed.splitlines():
        name, _load, active = [*line.split(), "", "", ""][:3]
        if active != "inactive" or name.startswith(templates):
            wanted.add(name)
    wanted |= disk.placed
    wanted |= {name for name in [*disk.files, *disk.links] if templates and name.startswith(templates)}
    names = sorted(name for name in wanted if name.endswith(".service") and "@." not in name)
    shown = said("systemctl", "show", f"--property={','.join(PROPERTIES)}", "--", *[n for n in names if UNIT.fullmatch(n)])
    properties = {block["Id"]: block for block in map(unit_properties, shown.strip().split("\n\n")) if "Id" in block}
    digests: dict[str, str] = {}
    found = {}
    vouched = vouched_for({path for name in {*names, *properties} for path in disk.paths(name)})
    for name in sorted({*names, *properties}):
        for path in disk.paths(name):
            digests.setdefault(path, disk.digest(path))
        found[name] = {
            "properties": properties.get(name, {}),
            "links": disk.links.get(name, []),
            "files": {path: digests[path] for path in disk.paths(name)},
            "vouched": [path for path in disk.paths(name) if path in vouched],
            "changed": max(map(changed_at, disk.paths(name)), default=0.0),
        }
    return found


def changed_at(path: str) -> float:
    """When a file, or the link to it, was last changed: epoch seconds, 0 if it is gone."""
    try:
        return os.stat(path, follow_symlinks=False).st_ctime
    except OSError:
        return 0.0


def said(*argv: str) -> str:
    """What a program printed. Raises Trouble if it did not end with 0."""
    ended = run(list(argv), DEADLINE - 1)
    if ended.status != 0:
        raise Trouble("failed", f"{argv[0]} {argv[1]} ended with {ended.status}: {last_words(ended.err, 1)}")
    return ended.out


def unit_properties(block: str) -> dict[str, str]:
    """One unit's ``key=value`` lines. Of the environment only the names; of commands path, arguments and pid."""
    found: dict[str, str] = {}
    for line in block.splitlines():
        key, _, value = line.partition("=")
        if key == "Environment":
            key, value = "EnvironmentNames", " ".join(names_of_environment(value))
        elif key == "ExecStart":
            value = command_shown(value) if value else ""
        found[key] = f"{found[key]}\n{value}" if key in found else value
    return found


def command_shown(value: str) -> str:
    """A command as ``systemctl show`` has it, without its times; ``[unread]`` for what is of another form."""
    path, _, rest = value.partition("path=")[2].partition(" ; argv[]=")
    argv, _, rest = rest.partition(" ; ignore_errors=")
    pid, mark, _ = rest.rpartition(" ; pid=")[2].partition(" ;")
    return f"{{ path={path} ; argv[]={argv} ; pid={pid} }}" if mark and re.fullmatch(r"[0-9]{1,20}", pid) else "[unread]"


def names_of_environment(value: str) -> list[str]:
    """The names set by ``Environment=``; never a value."""
    try:
        return [part.partition("=")[0] for part in shlex.split(value) if "=" in part]
    except ValueError:
        return ["[unread]"]


# ------------------------------------------------------------------------------------------------------------ boot

DPKG = "/var/lib/dpkg"
GENERATORS = tuple(f"{folder}/systemd/system-generators" for folder in ("/etc", "/usr/local/lib", "/usr/lib"))
RUNLEVELS = ("/etc/rc2.d", "/etc/rc3.d", "/etc/rc4.d", "/etc/rc5.d")
NEEDS = (".wants", ".requires", ".upholds")
NEEDED = re.compile(r"^[ \t]*(?:Wants|Requires|BindsTo|Upholds)[ \t]*=[ \t]*(.*)$", re.MULTILINE)
TRIGGERED = re.compile(r"^[ \t]*(?:Unit|Service)[ \t]*=[ \t]*(\S+)", re.MULTILINE)
ACCEPTING = re.compile(r"^[ \t]*Accept[ \t]*=[ \t]*(?:yes|true|on|1)[ \t]*$", re.MULTILINE | re.IGNORECASE)
KEYS_OF_UNIT = re.compile(r"^[ \t]*([A-Za-z]+)[ \t]*=", re.MULTILINE)
BROUGHT = re.compile(rb"^([0-9a-f]{32})  ((?:usr/)?lib/systemd/system\S+)$", re.MULTILINE)
CONFIGURED = re.compile(rb"^ (/etc/(?:init\.d|systemd)/\S+) ([0-9a-f]{32})$", re.MULTILINE)
# What a drop-in may say without becoming another program: when and how often, with how much, with how few rights.
TUNING = re.compile(
    r"Description|Documentation|After|Before|Wants|Requires|Conflicts|PartOf|OnFailure|Condition\w+|Assert\w+|StartLimit\w+"
    r"|DefaultDependencies|Restart\w*|Timeout\w+|Watchdog\w+|Limit\w+|Memory\w+|CPU\w+|IO\w+|Tasks\w+|Nice|OOM\w+|Slice|Delegate"
    r"|Environment|Log\w+|Syslog\w+|Standard(?:Output|Error)|Private\w+|Protect\w+|Restrict\w+|NoNewPrivileges|LockPersonality"
    r"|CapabilityBoundingSet|SystemCall\w+|IPAddress\w+|UMask|KillMode|KillSignal|SendSIGKILL|Accuracy\w+|RandomizedDelay\w+"
)
BY_SNAP = re.compile(r"/usr/bin/snap run (?:--\S+ )*[a-z0-9][a-z0-9.-]*")


def vouched_for(paths: set[str]) -> set[str]:
    """Those of the files that are as a package of the distribution brought them, by dpkg's own hashes. None where there is no
    dpkg: then nobody vouches for anything.
    """
    real = {path: resolved(path) for path in paths}
    known = dpkg_hashes()
    # Some packages link what systemd reads to a file that lies elsewhere.
    linked = {path for path in real.values() if "lib/systemd/system" not in path and not path.startswith(("/etc/", "/dev/"))}
    known = {**known, **dpkg_hashes_of(linked)} if linked else known
    return {path for path in paths if known.get(real[path], "") == md5_of(real[path])}


@lru_cache(maxsize=None)
def dpkg_hashes() -> dict[str, str]:
    """The hash of every file that a package brought for systemd, and of every configuration file: path to md5, as dpkg has it."""
    found: dict[str, str] = {}
    merged = os.path.islink("/lib")  # then what a package calls /lib/systemd lies in /usr/lib
    for path in files_in(f"{DPKG}/info"):
        if path.endswith(".md5sums"):
            with open(path, "rb") as file:
                content = file.read()
            for digest, brought in BROUGHT.findall(content) if b"lib/systemd/system" in content else ():
                name = os.fsdecode(brought)
                found[f"/usr/{name}" if merged and name.startswith("lib/") else f"/{name}"] = digest.decode()
    with suppress(FileNotFoundError), open(f"{DPKG}/status", "rb") as file:
        found.update((os.fsdecode(name), digest.decode()) for name, digest in CONFIGURED.findall(file.read()))
    return found


def dpkg_hashes_of(paths: set[str]) -> dict[str, str]:
    """The same for files anywhere."""
    found: dict[str, str] = {}
    names = {path: [os.fsencode(f"  {name}\n") for name in (path[1:], path[1:].removeprefix("usr/"))] for path in paths}
    for file in files_in(f"{DPKG}/info"):
        if file.endswith(".md5sums"):
            with open(file, "rb") as sums:
                content = sums.read()
            for path, lines in names.items():
                at = next((at for at in map(content.find, lines) if at >= 0), -1)
                if at >= 32:
                    found[path] = content[at - 32 : at].decode(errors="replace")
    return found


def md5_of(path: str) -> str:
    """Dpkg's hash of a regular file, ``gone`` for anything else."""
    try:
        with open(opened(path), "rb") as file:
            return hashlib.md5(file.read(SMALL_FILE)).hexdigest()
    except (OSError, Trouble):
        return "gone"


class Boot:
    """The unit folders as the next boot will find them: whatever systemd has loaded, and without /run, which is empty then."""

    def __init__(self) -> None:
        self.files: dict[str, str] = {}
        self.inside: dict[str, dict[str, str]] = {}
        self.same: dict[str, set[str]] = {}
        for folder in dict.fromkeys(os.path.realpath(path) for path in UNIT_FOLDERS):
            if folder.startswith("/run/"):
                continue
            for path in files_in(folder):
                name = os.path.basename(path)
                if name.endswith((*NEEDS, ".d")):
                    for inner in files_in(path):  # of one name the stronger folder's counts
                        self.inside.setdefault(name, {}).setdefault(os.path.basename(inner), inner)
                elif name not in self.files:
                    self.files[name] = path
                    self.same.setdefault(resolved(path), set()).add(name)

    def fragment(self, unit: str) -> str:
        """The file that makes a unit: its own, else its template's; empty for none."""
        return self.files.get(unit) or self.files.get(template_of(unit), "")

    def names(self, unit: str) -> list[str]:
        """Every name by which folders beside it speak to a unit: its own and its aliases', its template's, those of their
        beginnings, that of its kind.
        """
        found: list[str] = []
        for name in (unit, *sorted(self.same.get(resolved(self.files[unit]), ()) if unit in self.files else ())):
            stem, _, kind = name.rpartition(".")
            dashes = [at for at, letter in enumerate(stem.partition("@")[0]) if letter == "-"]
            found += [name, template_of(name), *(f"{stem[: at + 1]}.{kind}" for at in reversed(dashes)), kind]
        return list(dict.fromkeys(found))

    def beside(self, unit: str, ending: str) -> list[str]:
        """The files in the folders beside a unit, masked ones left out."""
        found: dict[str, str] = {}
        for name in self.names(unit):
            for inner, path in self.inside.get(f"{name}{ending}", {}).items():
                found.setdefault(inner, path)
        return [path for path in found.values() if not masked(path)]

    def paths(self, unit: str) -> list[str]:
        """What makes a unit, all of it: fragment and drop-ins."""
        drop_ins = [path for path in self.beside(unit, ".d") if path.endswith(".conf")]
        return [path for path in (self.fragment(unit), *drop_ins) if path]

    def needed(self, unit: str) -> dict[str, str]:
        """The units that a unit starts, and the link or file that says so."""
        found: dict[str, str] = {}
        for path in (path for ending in NEEDS for path in self.beside(unit, ending)):
            if os.path.islink(path):
                found.setdefault(os.path.basename(path), path)
        for path in self.paths(unit):
            for words in NEEDED.findall(unit_text(path)):
                for word in words.split():
                    found.setdefault(specified(word, unit), path)
        return found

    def triggered(self, unit: str) -> dict[str, str]:
        """The unit that a timer, a path or a socket starts when its time comes."""
        stem, _, kind = unit.rpartition(".")
        if kind not in {"timer", "path", "socket"}:
            return {}
        texts = {path: unit_text(path) for path in self.paths(unit)}
        said = {specified(word, unit): path for path, text in texts.items() for word in TRIGGERED.findall(text)}
        each = any(ACCEPTING.search(text) for text in texts.values())
        return said or {f"{stem}@.service" if each else f"{stem}.service": self.fragment(unit)}

    def closure(self, waiting: dict[str, str], known: Iterable[str] = ()) -> dict[str, str]:
        """What the units that wait lead to, themselves too, each with the link or file that says so; nothing that is known
        already, masked, or not there.
        """
        waiting, found = dict(waiting), {}
        while waiting:
            unit, by = waiting.popitem()
            path = self.fragment(unit)
            if unit in found or unit in known or not path or masked(path):
                continue
            found[unit] = by
            waiting.update(self.needed(unit))
        return found


def resolved(path: str) -> str:
    """Where a file of a folder that is no link really lies: most are no links either, and a look costs less than a way."""
    return os.path.realpath(path) if os.path.islink(path) else path


def template_of(unit: str) -> str:
    """``voxcore@.service`` for ``voxcore@3.service``, else the unit itself."""
    stem, _, kind = unit.rpartition(".")
    return f"{stem.partition('@')[0]}@.{kind}" if "@" in stem else unit


def specified(word: str, unit: str) -> str:
    """A unit's name as it stands in the file of another, whose name fills in what is left open."""
    stem = unit.rpartition(".")[0]
    prefix, _, instance = stem.partition("@")
    fills = {"%n": unit, "%N": stem, "%p": prefix, "%P": prefix, "%i": instance, "%I": instance, "%j": prefix.rpartition("-")[2]}
    return re.sub(r"%[a-zA-Z]", lambda found: fills.get(found.group(), found.group()), word)


def masked(path: str) -> bool:
    """True for a link to nowhere by intent, or an empty file: systemd starts nothing by it."""
    try:
        return resolved(path) == "/dev/null" or os.stat(path).st_size == 0
    except OSError:
        return False


def unit_text(path: str) -> str:
    """A unit file, its long lines made one; empty where there is none."""
    try:
        return re.sub(r"\\\n[ \t]*", " ", COMMENT.sub("", behind(path)))
    except OSError:
        return ""


def tunes_only(path: str) -> bool:
    """True for a drop-in by which a service remains the program that it is."""
    keys_said = KEYS_OF_UNIT.findall(unit_text(path))
    return os.path.dirname(path).endswith(".d") and all(map(TUNING.fullmatch, keys_said))


def of_snap(path: str) -> bool:
    """True for a service as snapd writes it, of a program that snapd confines."""
    commands = re.findall(r"^[ \t]*Exec\w+[ \t]*=[ \t]*(.*)$", unit_text(path), re.MULTILINE)
    return os.path.basename(path).startswith("snap.") and bool(commands) and all(map(BY_SNAP.fullmatch, map(str.strip, commands)))


def boot() -> dict[str, Any]:
    """What the next boot starts, read from the disk alone: each service that the default target leads to, or that a timer, a
    path or a socket then waits to start; the files that make it and that no package of the distribution vouches for; and
    programs that make units at boot, and scripts of old that are started, where nobody vouches for them.
    """
    disk = Boot()
    target = disk.files.get("default.target", "")
    if not target:
        raise Trouble("missing", "no default.target in any unit folder")
    first = os.path.basename(os.path.realpath(target))
    started = disk.closure({first: target})
    whole, newest = dict(started), started
    while newest:
        newest = disk.closure({name: by for unit in newest for name, by in disk.triggered(unit).items()}, whole)
        whole.update(newest)
    services = {unit: by for unit, by in whole.items() if unit.endswith(".service")}
    makers = [path for folder in GENERATORS for path in files_in(folder) if not masked(path)]
    scripts = {
        f"{os.path.basename(path)[3:]}.service": path
        for folder in RUNLEVELS
        for path in files_in(folder)
        if re.match(r"S\d\d", os.path.basename(path)) and f"{os.path.basename(path)[3:]}.service" not in disk.files
    }
    made_of = {unit: disk.paths(unit) for unit in services}
    vouched = vouched_for({*(path for paths in made_of.values() for path in paths), *makers, *scripts.values()})
    return {
        "target": first,
        "services": {
            **{
                unit: {"by": path, "at_boot": True, "foreign": [] if path in vouched else [path]}
                for unit, path in scripts.items()
            },
            **{
                unit: {
                    "by": by,
                    "at_boot": unit in started,
                    "foreign": [
                        path for path in made_of[unit] if path not in vouched and not tunes_only(path) and not of_snap(path)
                    ],
                }
                for unit, by in services.items()
            },
        },
        "generators": [path for path in makers if path not in vouched],
    }


# ------------------------------------------------------------------------------------------------------- processes

HEX_ID = re.compile(r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")
NAMED_CONTAINER = re.compile(r"/(?:lxc(?:\.payload)?[./]|machine-|systemd-nspawn@)([^/]+?)(?:\.scope|\.service)?(?=/|$)")
USERS_OWN = re.compile(r"/_?user@[^/]*\.service(?=/|$)")
CGROUPS = "/sys/fs/cgroup"
KERNEL_THREAD = 0x00200000
WORDS_READ = 2 * 1024 * 1024  # of a process's arguments: as many as the kernel gives one by default
SLASHES = re.compile(r"/(?:\./|/)+")
PROCESSES_AT_MOST = 20_000
ARGUMENTS_AT_MOST = 64 * 1024 * 1024
MOUNTS_AT_MOST = 20_000
MOUNTED_BELOW_AT_MOST = 200  # mounts in a service's folder
SUPERVISOR = 0  # the process that waits for this one


def cgroup_lines(pid: str) -> dict[str, str]:
    """Controller to path of one process: ``""`` for cgroup v2, ``name=systemd`` for what systemd keeps on v1."""
    rows = [line.rstrip("\n").split(":", 2) for line in rows_of(f"/proc/{pid}/cgroup")]
    return {row[1]: row[2] for row in rows if len(row) == 3}


def unit_of(path: str) -> str:
    """The service a cgroup belongs to, by systemd's own rule: slices are skipped, the next part is the unit. What a
    user's own systemd started belongs to ``user@UID.service``.
    """
    for part in path.strip("/").split("/"):
        if not part.endswith(".slice"):
            part = part.removeprefix("_")  # noqa: PLW2901 - systemd escapes names of its own kind
            return part if part.endswith(".service") else ""
    return ""


def container_of(lines: dict[str, str]) -> str:
    """The container a process is in, by any of its cgroups: an id of 64 digits, or an LXC or nspawn name; empty for
    none. An engine's own monitor (conmon) is not in the container that it watches. Below a user's own systemd, or in a folder
    that is not root's, an account calls its cgroups what it wants.
    """
    for controller, full in lines.items():
        path = USERS_OWN.split(full, 1)[0]
        parts = path.split("/")
        for at, part in enumerate(parts):
            found = None if "conmon-" in part else HEX_ID.search(part)
            if found and made_by_root(controller, "/".join(parts[:at])):
                return found.group()
        named = NAMED_CONTAINER.search(path)
        if named:
            return named.group(1)
    return ""


def made_by_root(controller: str, path: str) -> bool:
    """False where a cgroup is seen to be another's than root's: whoever owns it makes others in it."""
    kept = controller.partition("=")[2] or controller or "unified"
    folder = CGROUPS if os.path.exists(f"{CGROUPS}/cgroup.controllers") else f"{CGROUPS}/{kept}"
    try:
        return os.stat(f"{folder}{path}").st_uid == 0
    except OSError:
        return True


class Cgroups:
    """Which hierarchy systemd keeps, and where this host's own root is in it: both as process 1 has them."""

    def __init__(self) -> None:
        first = cgroup_lines("1")
        kept = first.get("name=systemd", "")
        self.hierarchy = "name=systemd" if kept.endswith("/init.scope") or "" not in first else ""
        self.roots = {
            name: path[: -len("/init.scope")] if path.endswith("/init.scope") else path.rstrip("/")
            for name, path in first.items()
        }

    def below_root(self, lines: dict[str, str]) -> dict[str, str]:
        """The same paths as seen from this host's own root."""
        cut = {}
        for name, path in lines.items():
            root = self.roots.get(name, "")
            cut[name] = path[len(root) :] or "/" if path == root or path.startswith(f"{root}/") else path
        return cut


def processes(folders: frozenset[str] = frozenset()) -> list[dict[str, Any]]:
    """Every process but kernel threads and the dead, and which of these folders it runs code of. Raises Trouble if some are
    hidden from us.
    """
    unhidden()
    cgroups, marks = Cgroups(), Marks(folders)
    booted = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
    found: list[dict[str, Any]] = []
    said = 0
    for pid in filter(str.isdigit, os.listdir("/proc")):
        row = process_if_there(pid, cgroups, booted, marks)
        if row:
            found.append(row)
            said += sum(map(len, row["argv"]))
        if len(found) > PROCESSES_AT_MOST or said > ARGUMENTS_AT_MOST:
            raise Trouble("failed", f"over {PROCESSES_AT_MOST} processes, or {ARGUMENTS_AT_MOST} letters of arguments")
    seen = {row["pid"] for row in found}
    if not {1, os.getpid()} <= seen:
        raise Trouble("denied", "/proc hides processes from us (hidepid)")
    # What we start ourselves (git, uv, systemctl) comes and goes, and stands in the folders of services: it is left out.
    mine = descendants(found, {SUPERVISOR or os.getpid()}) - {os.getpid()}
    return [row for row in found if row["pid"] not in mine]


def unhidden() -> None:
    """Raises Trouble where something is mounted over a process in /proc: what is read there is not the process."""
    for row in mounts_of("self") or ():
        if re.match(r"/proc/\d+(?:/|$)", row.point):
            raise Trouble("denied", f"something is mounted over {row.point}: it hides a process")


def process_if_there(pid: str, cgroups: Cgroups, booted: float, marks: Marks | None = None) -> dict[str, Any] | None:
    """As ``process``, None also for one that ended while we looked. Raises Trouble for one that is there and cannot be read."""
    for _ in range(2):  # a number that is given to a new process right away is read the second time
        try:
            return process(pid, cgroups, booted, marks or Marks(frozenset()))
        except (FileNotFoundError, ProcessLookupError):
            try:
                os.kill(int(pid), 0)
            except ProcessLookupError:
                return None
            except PermissionError:
                continue
    raise Trouble("denied", f"process {pid} is there and cannot be read: something hides it")


class Mount(NamedTuple):
    """One row of a process's mount table: where, and which folder of which file system lies there."""

    point: str
    device: str
    root: str


def mounts_of(pid: int | str) -> list[Mount] | None:
    """What a process sees mounted, the later over the earlier; None if it is gone."""
    try:
        rows = [line.split(" ", 5) for line in islice(rows_of(f"/proc/{pid}/mountinfo"), MOUNTS_AT_MOST + 1)]
    except (FileNotFoundError, ProcessLookupError):
        return None
    if len(rows) > MOUNTS_AT_MOST:
        raise Trouble("failed", f"process {pid} sees over {MOUNTS_AT_MOST} mounts")
    plain = partial(re.sub, r"\\([0-7]{3})", lambda code: chr(int(code.group(1), 8)))
    return [Mount(plain(row[4]), row[2], plain(row[3])) for row in rows]


def seen_at(path: str, mounts: list[Mount]) -> tuple[str, str]:
    """Which place of which file system a process with these mounts finds at a path."""
    over = [row for row in mounts if f"{path}/".startswith(f"{row.point.rstrip('/')}/")]
    if not over:
        return "", ""
    top = max(reversed(over), key=lambda row: len(row.point))
    return top.device, f"{top.root.rstrip('/')}{path[len(top.point.rstrip('/')) :]}" or "/"


def mounted_apart(pid: int, folder: str) -> list[str] | None:
    """The places in a folder at which a process sees something else than we do; None if it is gone."""
    theirs, ours, root = mounts_of(pid), mounts_of("self"), link_of(f"/proc/{pid}/root")
    if theirs is None or ours is None or root is None:
        return None
    points = {folder, *(row.point for row in (*theirs, *ours) if row.point.startswith(f"{folder}/"))}
    if len(points) > MOUNTED_BELOW_AT_MOST:
        raise Trouble("failed", f"{folder}: over {MOUNTED_BELOW_AT_MOST} mounts in it")
    found = sorted(point for point in points if seen_at(point, theirs) != seen_at(point, ours))
    return found if root == "/" else [root, *found]


def process(pid: str, cgroups: Cgroups, booted: float, marks: Marks) -> dict[str, Any] | None:
    """One process; None for a kernel thread or a dead one."""
    head, _, tail = content(f"/proc/{pid}/stat").rpartition(b")")
    fields = tail.split()
    if int(fields[6]) & KERNEL_THREAD or (fields[0] in {b"Z", b"X"} and int(fields[17]) <= 1):
        return None
    status = dict(line.rstrip("\n").split(":\t", 1) for line in rows_of(f"/proc/{pid}/status") if ":\t" in line)
    uid = int(status["Uid"].split()[1])
    with open(f"/proc/{pid}/cmdline", "rb") as file:
        words = file.read(WORDS_READ).rstrip(b"\0")
    argv = [os.fsdecode(part) for part in words[: 1 << 16].split(b"\0")[:64]]
    lines = cgroups.below_root(cgroup_lines(pid))
    cgroup = lines.get(cgroups.hierarchy, "/")
    command, exe, cwd = os.fsdecode(head.partition(b"(")[2]), link_of(f"/proc/{pid}/exe"), link_of(f"/proc/{pid}/cwd")
    try:
        runs = code_run_by(pid, uid, exe or command, cwd or "", os.fsdecode(words), marks)
    except Trouble:  # too much to be read: then it may run any, and the others are still seen
        runs = sorted(marks.folders)
    return {
        "pid": int(pid),
        "ppid": int(fields[1]),
        "uid": uid,
        "user": account(uid),
        "state": fields[0].decode(),
        "started": round(booted + int(fields[19]) / os.sysconf("SC_CLK_TCK"), 3),
        "command": command,
        "argv": argv if argv != [""] else [],
        "cgroup": cgroup,
        "unit": unit_of(cgroup),
        "container": container_of(lines),
        "own_pids": len(status.get("NSpid", "").split()) > 1,
        "exe": exe,
        "cwd": cwd,
        "runs": runs,
    }


class Marks:
    """The folders whose code is watched, by what they are and not by what they are called: device and inode are the same by every
    way, link and bind mount. A process is asked where it really is, in its own mounts and under its own root. For one look.
    """

    def __init__(self, folders: frozenset[str]) -> None:
        self.folders = sorted(folders)
        self.own = link_of("/proc/self/ns/mnt")
        self.marks: dict[tuple[int, int], str] = {}
        self.roots: dict[tuple[str, str], str] = {}  # a folder by its file system and place in that
        self.known: dict[tuple[str | None, str], frozenset[str]] = {}
        self.spaces: set[str | None] = set()
        self.programs: dict[tuple[int, int], bytes] = {}
        self.of_root: set[tuple[str, str]] = set()
        mounts = (mounts_of("self") or []) if folders else []
        for folder in self.folders:
            with suppress(OSError):
                found = os.stat(folder)
                self.marks[found.st_dev, found.st_ino] = folder
                self.roots[seen_at(folder, mounts)] = folder
        self.names = [os.fsencode(place.rpartition("/")[2]) for _, place in self.roots]

    def space_of(self, pid: str) -> tuple[str | None, str]:
        """The mounts that a process sees, and the path by which we come to where they begin. What is mounted there from within a
        folder is in that folder.
        """
        space = link_of(f"/proc/{pid}/ns/mnt")
        base = "" if space in {None, self.own} else f"/proc/{pid}/root{'/..' * DEPTH_AT_MOST}"
        if space not in self.spaces:
            self.spaces.add(space)
            table = b""
            with suppress(OSError):
                table = content(f"/proc/{pid}/mountinfo")
            if any(b"/%b/" % name in table for name in self.names):
                for row in mounts_of(pid) or ():
                    for (device, place), folder in self.roots.items():
                        if row.device == device and row.root.startswith(f"{place}/"):
                            with suppress(OSError):
                                found = os.stat(f"{base}{row.point}")
                                self.marks[found.st_dev, found.st_ino] = folder
        return space, base

    def above(self, space: str | None, base: str, place: str) -> frozenset[str]:
        """The folders that a folder lies in, or is: by its path as the kernel tells it, in which there is no link."""
        known = self.known.get((space, place))
        if known is None:
            here = None
            with suppress(OSError, ValueError):
                found = os.stat(f"{base}{place}" or "/")
                here = self.marks.get((found.st_dev, found.st_ino))
            known = frozenset({here} if here else ()) | (
                self.above(space, base, os.path.dirname(place)) if len(place) > 1 else set()
            )
            self.known[space, place] = known
        return known

    def around(self, path: str) -> Iterator[str]:
        """The folders that a folder lies in, or is, found by going up from it: where its mount is gone, no path leads to it."""
        before = None
        for depth in range(DEPTH_AT_MOST * 4):
            found = os.stat(f"{path}/{'../' * depth}")
            here = (found.st_dev, found.st_ino)
            if here == before:
                return
            before = here
            if here in self.marks:
                yield self.marks[here]

    def on_the_way(self, pid: str, path: str) -> Iterator[str]:
        """The folders that a process comes through, or to, that opens a path: by its links, under its own root. Nothing is opened
        on the way but as a place (O_PATH).
        """
        root = f"/proc/{pid}/root"
        place = partial(os.open, flags=os.O_PATH | os.O_CLOEXEC)
        at, links = -1, 0
        rest = path.split("/")[::-1]
        try:
            at = place(root if path.startswith("/") else f"/proc/{pid}/cwd")
            while rest and links <= 40:
                part = rest.pop()
                if part in {"", "."} or (part == ".." and os.path.samestat(os.fstat(at), os.stat(root))):
                    continue
                below = os.open(part, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=at)
                found = os.fstat(below)
                if stat.S_ISLNK(found.st_mode):
                    target = os.readlink("", dir_fd=below)
                    os.close(below)
                    links += 1
                    if part in {"self", "thread-self"} and re.fullmatch(r"\d+(?:/task/\d+)?", target):
                        below = place(f"/proc/{pid}")  # for us that is another
                    elif len(os.fsencode(target)) != found.st_size:  # one of the kernel's own: it leads where no path has to
                        below = place(part, dir_fd=at)
                        if stat.S_ISDIR(os.fstat(below).st_mode):
                            yield from self.around(f"/proc/self/fd/{below}")
                        else:
                            yield from self.above(*self.space_of(pid), os.path.dirname(target))
                    else:
                        rest += target.split("/")[::-1]
                        below = place(root) if target.startswith("/") else os.dup(at)
                elif (found.st_dev, found.st_ino) in self.marks:
                    yield self.marks[found.st_dev, found.st_ino]
                os.close(at)
                at = below
        except OSError:  # it leads nowhere, or the process is gone
            return
        finally:
            if at >= 0:
                os.close(at)

    def names_in(self, way: str, inode: int | None = None) -> bytes:
        """The dynamic names of a program or library, nothing for what is no regular file, or not the one that is meant."""
        fd = os.open(way, os.O_PATH | os.O_CLOEXEC)
        try:
            found = os.fstat(fd)
            if not stat.S_ISREG(found.st_mode) or inode not in {None, found.st_ino}:
                return b""
            key = (found.st_dev, found.st_ino)
            if key not in self.programs:
                if len(self.programs) >= FILES_AT_MOST:
                    raise Trouble("failed", f"over {FILES_AT_MOST} files are mapped to be run")
                file = os.open(f"/proc/self/fd/{fd}", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
                try:
                    names = dynamic_names(file)
                finally:
                    os.close(file)
                self.programs[key] = b"".join(name for name in (PYTHON_MAIN, LOADER) if name in names)
            return self.programs[key]
        finally:
            os.close(fd)

    def kind_of(self, pid: str) -> str:
        """What the program of a process is: ``python``, which names what starts it; ``roots`` for any other that root alone can
        change, but the loader, which starts what it is given; empty for the rest, and for what cannot be read.
        """
        exe = f"/proc/{pid}/exe"
        try:
            names = self.names_in(exe)
            return "python" if PYTHON_MAIN in names else "roots" if LOADER not in names and self.is_roots(exe) else ""
        except (PermissionError, FileNotFoundError):
            return ""

    def uses_python(self, space: str | None, base: str, rows: list[tuple[str, str, str]], kind: str) -> bool:
        """True where a library that a process has mapped is Python. A program of root's own that may use Python beside (an
        editor, a debugger) is not Python, as long as the library is root's.
        """
        for device, inode, path in rows:
            key = (device, inode)
            if kind == "roots" and key in self.of_root:
                continue
            with suppress(OSError, ValueError):  # it is gone: what runs of it is found by its place
                if (space == self.own and path.startswith(LIBRARIES)) or self.is_roots(f"{base}{path}"):
                    self.of_root.add(key)
                    if kind == "roots":
                        continue
                if PYTHON_MAIN in self.names_in(f"{base}{path}", int(inode)):
                    return True
        return False

    @staticmethod
    def is_roots(path: str) -> bool:
        """True for a file that is root's, and that nobody else may change."""
        found = os.stat(path)
        return found.st_uid == 0 and not found.st_mode & 0o022


PYTHON_MAIN = b"Py_BytesMain\0"  # what Python's program calls, or is, since 3.8
LOADER = b"_rtld_global\0"  # what starts any program that it is given
LIBRARIES = ("/usr/lib/", "/usr/lib64/", "/lib/", "/lib64/")
TO_RUN = re.compile(rb"^[0-9a-f]+-[0-9a-f]+ ..x. [0-9a-f]+ ([0-9a-f]+:[0-9a-f]+) ([0-9]+) +(/.*)$", re.MULTILINE)
PIECES = re.compile(r"[\s'\":;,=()\[\]{}<>|&]+")
LONGEST_PATH = 4095


def code_run_by(pid: str, uid: int, program_path: str, cwd: str, words: str, marks: Marks) -> list[str]:
    """The folders of which a process runs the code, whatever it is called: its program lies there, or what it was called by; or
    it has mapped a file of it that may be run. So does Python that stands there, or was given a path that leads there, by a
    word or by a variable of its own. Decided here, by what is: what the document says of it may be cut. What root runs of its
    own programs is not asked what it has mapped.
    """
    if not marks.folders:
        return []
    if not link_of(f"/proc/{pid}/exe"):  # its first thread has ended, and others go on: each has what is the process's
        with suppress(OSError):
            pid = next((one for one in os.listdir(f"/proc/{pid}/task") if link_of(f"/proc/{one}/exe")), pid)
            words = os.fsdecode(content(f"/proc/{pid}/cmdline", WORDS_READ).rstrip(b"\0"))
            program_path, cwd = link_of(f"/proc/{pid}/exe") or program_path, link_of(f"/proc/{pid}/cwd") or cwd
    called = words.partition("\0")[0]
    told, places = [], [program_path, called]
    space, base = marks.space_of(pid)
    found = set(marks.above(space, base, os.path.dirname(program_path))) if program_path.startswith("/") else set()
    kind = marks.kind_of(pid)
    rows: list[tuple[str, str, str]] = []
    if not (uid == 0 and space == marks.own and kind in {"python", "roots"}):
        rows = list(unless_denied(mapped_to_run, pid))
        places += [path for _, _, path in rows]
        for place in {os.path.dirname(path) for _, _, path in rows}:
            found |= marks.above(space, base, place)
    if is_python(program_path) or kind == "python" or marks.uses_python(space, base, rows, kind):
        variables = list(unless_denied(environment, pid))
        given = [text for text in variables if text.startswith(("PYTHON", "VIRTUAL_ENV="))]
        told = [f"{SLASHES.sub('/', text)}/" for text in (*words.split("\0"), *given)]
        places.append(f"{cwd}/")
        with suppress(OSError):
            found.update(marks.around(f"/proc/{pid}/cwd"))
        ways = set(words.split("\0"))
        for text in (*ways, *given):
            ways |= {piece for piece in PIECES.split(text) if "/" in piece} | {text.partition("=")[2]}
        if "/" not in called:  # Python looks for itself as the shell does
            path = next((text[5:] for text in variables if text.startswith("PATH=")), "")
            ways |= {f"{folder}/{called}" for folder in path.split(":")}
        for way in ways:
            if 0 < len(way) <= LONGEST_PATH:
                found.update(marks.on_the_way(pid, way))
    return sorted(
        folder for folder in marks.folders
        if folder in found or any(path.startswith(f"{folder}/") for path in places) or any(f"{folder}/" in text for text in told)
    )  # fmt: skip


def mapped_to_run(pid: int) -> list[tuple[str, str, str]] | None:
    """The files that a process has mapped to run code of, each with its device and inode as the kernel writes them; None if it is
    gone.
    """
    try:
        rows = set(TO_RUN.findall(content(f"/proc/{pid}/maps")))
    except (FileNotFoundError, ProcessLookupError):
        return None
    return [(device.decode(), inode.decode(), os.fsdecode(path.replace(b"\\012", b"\n"))) for device, inode, path in rows]


def unless_denied(read: Callable[[int], Iterable[Any] | None], pid: str) -> Iterable[Any]:
    """What of a process can be read: nothing of another account's where the probe is not root, as also its program is not."""
    try:
        return read(int(pid)) or ()
    except PermissionError:
        return ()


def is_python(program_path: str) -> bool:
    """True for Python by the name of its program."""
    return program_path.rpartition("/")[2].startswith("python")


def link_of(path: str) -> str | None:
    """Where a link points, None if that cannot be read."""
    try:
        return os.readlink(path)
    except OSError:
        return None


# --------------------------------------------------------------------------------------------------------- sockets

ESTABLISHED, LISTEN = "01", "0A"
OPEN_AT_MOST = 500_000  # files that all processes have open
LOCAL_ADDRESS = re.compile(r"\|-- ([\d.]+)\n\s+/32 host LOCAL")


def sockets() -> dict[str, Any]:
    """Listening and established TCP sockets, and UDP sockets without a peer, with the processes that have them open; denied if
    those cannot be read. Listeners and UDP sockets of every network namespace that a process is in, ``apart`` where it is not
    the host's own, and the processes there; the host's own addresses, and the ports that the kernel picks for clients.
    """
    own, others = network_namespaces()
    # First the tables, then who holds them: a socket made in between would else seem to be nobody's.
    tables = [(protocol, row, False) for protocol in ("tcp", "udp") for row in socket_rows(own, protocol)]
    for pids in others.values():
        tables += [(protocol, row, True) for protocol in ("tcp", "udp") for row in rows_of_any(pids, protocol)]
    holders = socket_holders()
    listeners, datagrams, connections = [], [], []
    for protocol, row, apart in tables:
        address, port = endpoint(row[1])
        far, far_port = endpoint(row[2])
        local = {"address": address, "port": port, "pids": sorted(holders.get(row[9], ()))}
        bound = {**local, "remote_address": None, "remote_port": None, "apart": apart}
        if protocol == "udp" and far_port == 0:
            datagrams.append(bound)
        elif protocol == "tcp" and row[3] == LISTEN:
            listeners.append(bound)
        elif protocol == "tcp" and row[3] == ESTABLISHED and not apart:
            connections.append({**local, "remote_address": far, "remote_port": far_port, "apart": False})
    with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as file:
        first, last = map(int, file.read().split())
    return {
        "listeners": listeners, "datagrams": datagrams, "connections": connections, "addresses": own_addresses(),
        "ephemeral": [first, last], "apart": sorted(pid for pids in others.values() for pid in pids),
    }  # fmt: skip


def network_namespaces() -> tuple[str, dict[str, list[int]]]:
    """The /proc folder of the host's own network, which is ours and process 1's, and the processes in each other network."""
    own = os.readlink("/proc/self/ns/net")
    others: dict[str, list[int]] = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            name = os.readlink(f"/proc/{pid}/ns/net")
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended while we looked
        except PermissionError:
            if pid != "1":  # where the host is a container, not even its root may look at what started it
                raise
            continue
        if name != own:
            others.setdefault(name, []).append(int(pid))
    if 1 in {pid for pids in others.values() for pid in pids}:
        raise Trouble("failed", "the probe does not run in the host's own network")
    return "/proc/self", others


def socket_rows(folder: str, protocol: str) -> list[list[str]]:
    """The rows of the kernel's tables of a protocol, IPv4 and IPv6, as the network of a process has them; of TCP those that
    listen or are connected.
    """
    rows: list[list[str]] = []
    for path in (f"{folder}/net/{protocol}", f"{folder}/net/{protocol}6"):
        if path.endswith(protocol) or os.path.exists(path):  # a kernel may be without IPv6
            listed = rows_of(path)
            next(listed, None)  # the names of the columns
            rows += [row for row in map(str.split, listed) if protocol != "tcp" or row[3] in {LISTEN, ESTABLISHED}]
    return rows


def rows_of_any(pids: list[int], protocol: str) -> list[list[str]]:
    """The same of a network that several processes are in, any of which may end meanwhile; none if all did."""
    for pid in pids:
        with suppress(OSError):
            return socket_rows(f"/proc/{pid}", protocol)
    return []


def own_addresses() -> list[str]:
    """Every address of the host's own network, loopback and link-local ones too."""
    found = set(LOCAL_ADDRESS.findall(content("/proc/net/fib_trie").decode("ascii")))
    if os.path.exists("/proc/net/if_inet6"):
        with open("/proc/net/if_inet6", encoding="ascii") as file:
            found |= {socket.inet_ntop(socket.AF_INET6, bytes.fromhex(line.split()[0])) for line in file}
    return sorted(found)


def socket_holders() -> dict[str, set[int]]:
    """Inode of every open socket to the processes that have it open."""
    unhidden()
    holders: dict[str, set[int]] = {}
    left = OPEN_AT_MOST
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with os.scandir(f"/proc/{pid}/fd") as entries:
                targets = [link_of(entry.path) or "" for entry in islice(entries, left + 1)]
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended while we looked
        left -= len(targets)
        if left < 0:
            raise Trouble("failed", f"over {OPEN_AT_MOST} files are open")
        for target in targets:
            if target.startswith("socket:["):
                holders.setdefault(target[8:-1], set()).add(int(pid))
    return holders


def endpoint(text: str) -> tuple[str, int]:
    """Address and port of ``/proc/net/tcp``; an IPv4 address inside of an IPv6 one is shown as IPv4."""
    words, _, port = text.partition(":")
    raw = b"".join(struct.pack("=I", int(words[at : at + 8], 16)) for at in range(0, len(words), 8))
    if len(raw) == 16 and raw.startswith(b"\0" * 10 + b"\xff\xff"):
        raw = raw[12:]
    return socket.inet_ntop(socket.AF_INET if len(raw) == 4 else socket.AF_INET6, raw), int(port, 16)


# ------------------------------------------------------------------------------------------------------- checkouts

LEFT_OUT_FOLDERS = {".git", ".ruff_cache", ".pytest_cache", ".mypy_cache"}
LEFT_OUT_FILES = {".env", ".git"}  # .git is a file in a worktree
INSTALLED_FOLDERS = {"python": {".venv"}, "static": {"node_modules", "dist", "builds"}}
INSTALLED_FILES: dict[str, set[str]] = {"python": set(), "static": {"dist"}}  # dist is the published link


def outside_of(service: Service) -> Callable[[str, str, bool], bool]:
    """True for what may lie in this service's checkout beside the commit's files: what its own installation puts there. In a
    Python service a folder of another kind's can be imported. Byte code may lie there too, but is looked into.
    """
    folders = LEFT_OUT_FOLDERS | INSTALLED_FOLDERS[service.kind]
    files = LEFT_OUT_FILES | INSTALLED_FILES[service.kind]
    return lambda prefix, name, is_folder: not prefix and name in (folders if is_folder else files)


def checkout(service: Service) -> dict[str, Any]:
    """HEAD and origin as git says them, and every file of the tree by its content, whatever git thinks of it."""
    git = Job(lambda: head_and_origin(service.folder))
    codes = ByteCodes(service, HashCache("tree", service))
    tree: dict[str, list[str]] = {}
    total, changed = 0, 0.0
    with Folder(service.folder) as root:
        owner = account(os.fstat(root.fd).st_uid)
        for folder, name, path in root.walk(outside_of(service)):
            if "__pycache__/" in path and codes.takes(folder, name, path):
                continue
            found = os.stat(name, dir_fd=folder.fd, follow_symlinks=False)
            total += found.st_size
            if len(tree) >= FILES_AT_MOST or total > BYTES_AT_MOST:
                raise Trouble("failed", f"{service.folder}: over {FILES_AT_MOST} files or {BYTES_AT_MOST} bytes")
            tree[path] = blob(folder, name, found)
            changed = max(changed, found.st_ctime)
        tree.update({path: ["special", ""] for path in codes.others()})
        head = root.stat(".git/HEAD")
        changed = max(changed, head.st_ctime if head else 0.0)
    return {**git.value(), "owner": owner, "tree": tree, "changed": changed}


PYC = re.compile(r"(.+?)\.[a-z]+-[0-9]+(?:\.opt-([12]))?\.pyc", re.ASCII)
PYC_DRAFT = re.compile(r".+\.pyc\.[0-9]+", re.ASCII)
PYC_HEAD = 16
DRAFT = 60.0  # seconds: Python writes byte code beside its place, and then renames it
COMPARED_AT_ONCE = 4 * 1024 * 1024  # of sources
# What makes byte code of the sources. It never sees the byte code that it is compared with: whoever forged that has no word in
# what comes back. A source may be made to hurt whoever compiles it: never in this process, never as root.
COMPILE = """
import base64, importlib.util, marshal, struct, sys
given = sys.stdin.buffer
print(importlib.util.MAGIC_NUMBER.hex(), "old" if sys.version_info < (3, 11) else "new")
while head := given.read(8):
    size, level = struct.unpack("<II", head)
    source = given.read(size)
    try:
        code = marshal.dumps(compile(source, "x", "exec", dont_inherit=True, optimize=level))
    except Exception:
        code = b""
    print(base64.b64encode(code).decode() or "-")
"""
# The fields of a code object as marshal writes them: a number, an object, and the file's name, which is no part of what it does.
CODE_FIELDS = {"old": "nnnnnnoooooo.ono", "new": "nnnnnooooo.oonoo"}
NESTED_AT_MOST = 100


class Marshalled:
    """What marshal wrote, read without making anything of it: ``whole`` is a number, and two texts that stand for the same
    have the same one as long as they share ``known``. How often an object is written out, and where it is only referred to,
    differs from one Python process to the next; that is all that may differ. Takes a time in proportion to the text.
    """

    def __init__(self, text: bytes, fields: str, known: dict[Any, int]) -> None:
        self.text, self.fields, self.known = text, fields, known
        self.at = 0
        self.referred: list[int | None] = []

    def whole(self) -> int:
        """Raises ValueError for what marshal does not write."""
        number = self.item(0)
        if self.at != len(self.text):
            raise ValueError("there is more")
        return number

    def take(self, size: int) -> bytes:
        """The next bytes."""
        start, self.at = self.at, self.at + size
        if size < 0 or self.at > len(self.text):
            raise ValueError("it ends too early")
        return self.text[start : self.at]

    def number(self) -> int:
        """The next four bytes as a number."""
        return int.from_bytes(self.take(4), "little", signed=True)

    def item(self, depth: int) -> int:
        """The next object."""
        byte = self.take(1)[0]
        kind = chr(byte & 0x7F)
        if kind == "r":
            index = self.number()
            number = self.referred[index] if 0 <= index < len(self.referred) else None
            if number is None:
                raise ValueError("it refers to nothing")
            return number
        place = len(self.referred) if byte & 0x80 else -1
        if place >= 0:
            self.referred.append(None)
        key = self.plain(kind) or self.nested(kind, depth + 1)
        number = self.known.setdefault(key, len(self.known))
        if place >= 0:
            self.referred[place] = number
        return number

    def plain(self, kind: str) -> tuple[Any, ...]:
        """An object that holds no other, empty for another kind."""
        if kind in "zZaA":  # a text is one, whichever way it is written
            text = self.take(self.take(1)[0] if kind in "zZ" else self.number())
            return ("u" if text.isascii() else kind, text)
        if kind in "uts":
            return ("s" if kind == "s" else "u", self.take(self.number()))
        if kind in "NTFS.":
            return (kind,)
        if kind in "igy":
            return (kind, self.take({"i": 4, "g": 8, "y": 16}[kind]))
        if kind == "l":
            size = self.number()
            return (kind, size, self.take(2 * abs(size)))
        return ()

    def nested(self, kind: str, depth: int) -> tuple[Any, ...]:
        """An object of others."""
        if depth > NESTED_AT_MOST:
            raise ValueError("it is nested too deep")
        if kind == "c":
            fields = [(field, self.take(4) if field == "n" else self.item(depth)) for field in self.fields]
            return (kind, *(value for field, value in fields if field != "."))
        if kind not in "()>:":
            raise ValueError("no constant is of that kind")
        size = 3 if kind == ":" else self.take(1)[0] if kind == ")" else self.number()
        if not 0 <= size <= len(self.text):
            raise ValueError("no object has so many")
        rows = [self.item(depth) for _ in range(size)]
        return (">", *sorted(rows)) if kind == ">" else (":" if kind == ":" else "(", *rows)


class ByteCodes:
    """Byte code of a folder against the source that it is said to be of. An import believes byte code whose header names the
    source's time and size, or says that nothing be compared: so its code must be what the service's own Python makes of
    that source. What no import takes (of another Python, of an older source, of none) is nothing. Compared once for each ctime,
    and for each Python.
    """

    def __init__(self, service: Service, cache: HashCache) -> None:
        self.service, self.cache = service, cache
        python = os.path.realpath(f"{service.folder}/.venv/bin/python")
        self.python = python if os.path.exists(python) else os.path.realpath(sys.executable)
        row = os.stat(self.python)
        self.by = [row.st_dev, row.st_ino, row.st_size, row.st_ctime_ns]
        self.waiting: list[tuple[str, list[Any], float, bytes, bytes]] = []
        self.size = 0
        self.bad: list[str] = []

    def takes(self, folder: Folder, name: str, path: str) -> bool:
        """True for byte code, now or soon to be compared; False for what is no byte code and has no business here."""
        found = folder.stat(name)
        if found is None:
            return True  # it was just replaced
        match = PYC.fullmatch(name)
        if not match or not stat.S_ISREG(found.st_mode):
            draft = PYC_DRAFT.fullmatch(name) and time.time() - found.st_ctime < DRAFT
            return bool(draft) or (name.endswith(".pyc") and stat.S_ISREG(found.st_mode))
        beside = f"../{match.group(1)}.py"
        origin = folder.stat(beside)
        if origin is None or not stat.S_ISREG(origin.st_mode):
            return True
        key = [found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns, origin.st_size,
               origin.st_mtime_ns, origin.st_ctime_ns, *self.by]  # fmt: skip
        word = self.cache.word(path, key)
        if word is not None:
            self.note(path, word)
            return True
        with folder.open(name) as file:
            code = file.read(SMALL_FILE)
        _, flags, seconds, size = struct.unpack("<IIII", code[:PYC_HEAD].ljust(PYC_HEAD, b"\0"))
        if not flags & 1 and (seconds, size) != (int(origin.st_mtime) & 0xFFFFFFFF, origin.st_size & 0xFFFFFFFF):
            return True
        with folder.open(beside) as file:
            source = file.read(SMALL_FILE)
        row = struct.pack("<II", len(source), int(match.group(2) or 0)) + source
        self.waiting.append((path, key, max(found.st_ctime, origin.st_ctime), code, row))
        self.size += len(row)
        if self.size > COMPARED_AT_ONCE:
            self.compare()
        return True

    def note(self, path: str, word: str) -> None:
        """Keep what is bad."""
        if word != "same":
            self.bad.append(path)

    def compare(self) -> None:
        """All that waits, with what the service's own Python makes of the sources; what ours makes, where that is not believed.
        Raises Trouble where there is no answer, or no Python to be believed that can read the byte code.
        """
        rows, self.waiting, self.size = self.waiting, [], 0
        if not rows:
            return
        flaw = python_flaw(self.service, self.python)
        argv = [sys.executable if flaw else self.python, "-I", "-S", "-B", "-W", "ignore", "-c", COMPILE]
        given = b"".join(row[-1] for row in rows)
        ended = run(argv, DEADLINE, uid=stranger(argv[0], self.service.folder), given=given)
        said = ended.out.split()
        if ended.status != 0 or len(said) != len(rows) + 2 or said[1] not in CODE_FIELDS:
            raise Trouble("failed", f"{self.service.folder}: its byte code could not be compared: {ended.status}")
        for (path, key, changed, code, _), made in zip(rows, said[2:]):  # noqa: B905 - Python 3.9 has no strict
            foreign = code[:4].hex() != said[0]
            if foreign and flaw:
                raise Trouble("failed", f"{self.service.folder}/{path}: its own Python would have to compare it, and {flaw}")
            word = "same" if foreign or self.alike(code[PYC_HEAD:], base64.b64decode(made), CODE_FIELDS[said[1]]) else "other"
            self.cache.note(path, key, changed, word)
            self.note(path, word)

    @staticmethod
    def alike(code: bytes, made: bytes, fields: str) -> bool:
        """True if both stand for the same code."""
        known: dict[Any, int] = {}
        try:
            return Marshalled(made, fields, known).whole() == Marshalled(code, fields, known).whole()
        except ValueError:
            return False

    def others(self) -> list[str]:
        """Byte code that is not of the source beside it."""
        self.compare()
        self.cache.keep()
        return sorted(self.bad)


def stranger(program_path: str, folder: str) -> int:
    """Who runs a program of which nothing is believed: nobody, or where nobody may not reach it, the folder's owner."""
    if os.geteuid() != 0:
        return os.geteuid()
    nobody = pwd.getpwnam("nobody").pw_uid
    at = program_path
    while at != "/":
        at = os.path.dirname(at)
        if not os.stat(at).st_mode & 0o001:
            return os.stat(folder, follow_symlinks=False).st_uid or nobody
    return nobody


def blob(folder: Folder, name: str, found: os.stat_result) -> list[str]:
    """Git's mode and id of one file as it is on disk. A file that may not be read has the id ``unreadable``."""
    if stat.S_ISLNK(found.st_mode):
        target = os.fsencode(os.readlink(name, dir_fd=folder.fd))
        return ["120000", hashlib.sha1(b"blob %d\0" % len(target) + target).hexdigest()]
    if not stat.S_ISREG(found.st_mode):
        return ["special", ""]
    mode = "100755" if found.st_mode & 0o100 else "100644"
    try:
        return [mode, fingerprint(folder, name, "sha1")[1]]
    except PermissionError:
        return [mode, "unreadable"]


def head_and_origin(folder: str) -> dict[str, Any]:
    """Three words of git, asked as the folder's owner, by whose configuration too: that is what the next fetch goes by."""
    with Folder(folder) as root:
        head = git(["rev-parse", "HEAD", "--symbolic-full-name", "HEAD"], root, DEADLINE - 1)
        lines = head.out.split()
        if head.status != 0 or len(lines) != 2 or not re.fullmatch(r"[0-9a-f]{40}", lines[0]):
            raise Trouble("failed", f"git rev-parse HEAD ended with {head.status}: {last_words(head.err, 1)}")
        origin = git(["ls-remote", "--get-url", "origin"], root, DEADLINE - 1)
        if origin.status != 0:
            raise Trouble("failed", f"git ls-remote --get-url origin: {last_words(origin.err, 1)}")
        config = git(["config", "--list", "--name-only", "-z"], root, DEADLINE - 1)
        if config.status != 0:
            raise Trouble("failed", f"git config --list: {last_words(config.err, 1)}")
        return {
            "head": lines[0],
            "detached": lines[1] == "HEAD",
            "origin": origin.out.strip(),
            "settings": sorted({key for key in config.out.split("\0") if key}),
            "hooks": hooks(root),
        }


def hooks(root: Folder) -> list[str]:
    """The programs that git runs by itself in this repository: whatever git takes for one; its own samples it does not."""
    if root.stat(".git/hooks") is None:
        return []
    with Folder(".git", root) as place, Folder("hooks", place) as found:
        rows = {name: found.stat(name) for name in os.listdir(found.fd) if not name.endswith(".sample")}
    return sorted(name for name, row in rows.items() if row and (stat.S_ISLNK(row.st_mode) or row.st_mode & 0o111))


# ----------------------------------------------------------------------------------------------------------- venvs

# No cache: who could write it could say what the interpreter is. What uv needs for a moment has room in memory, not on a disk.
SYNC = ["env", "TMPDIR=/dev/shm", "uv", "sync", "--locked", "--no-dev", "--check", "--offline", "--no-cache"]
DISTRIBUTION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*", re.ASCII)


def normal(name: str) -> str:
    """A distribution's name in its one form (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def venv(service: Service) -> dict[str, Any]:
    """The virtual environment: what it is made of, what is in it, and what uv says of it against the lock."""
    sync = Job(lambda: uv_sync(service.folder), UV_DEADLINE)
    with Folder(service.folder) as root:
        project, lock = toml(root, "pyproject.toml"), toml(root, "uv.lock")
        digest = fingerprint(root, "uv.lock")[1]
        with Folder(".venv", root) as home:
            config = pyvenv(home)
            installed, changed = site_packages(home)
    if "home" not in config:
        raise Trouble("unparsable", f"{service.folder}/.venv/pyvenv.cfg: no home")
    return {
        "python": version_of(f"{service.folder}/.venv/bin/python", service.folder),
        "base_python": config["home"],
        "system_site_packages": config.get("include-system-site-packages", "").lower() == "true",
        "installed": installed,
        "declared": declared(project),
        "locked": locked(lock),
        "lock_sha256": digest,
        "changed": changed,
        **sync.value(),
    }


def version_of(python: str, folder: str) -> str:
    """The version of an interpreter, by its own word: pyvenv.cfg says what was there when it was written."""
    argv = [os.path.realpath(python), "-I", "-S", "-B", "-c", "import sys; print(*sys.version_info[:3], sep='.')"]
    ended = run(argv, DEADLINE, uid=stranger(argv[0], folder))
    if ended.status != 0 or not re.fullmatch(r"\d+\.\d+\.\d+", ended.out.strip()):
        raise Trouble("failed", f"{folder}/.venv/bin/python does not say its version: it ended with {ended.status}")
    return ended.out.strip()


def uv_sync(folder: str) -> dict[str, Any]:
    """Exit status and last words of uv's own comparison: 0 equal, 1 drift, anything else: it could not tell. Asked as nobody, who
    owns nothing: uv starts the environment's python, and with it whatever a ``.pth`` file there says.
    """
    if os.geteuid() != 0:
        return {"sync_status": 126, "sync_said": "only root can have it asked by nobody"}
    try:
        with Folder(folder) as root:
            ended = run(SYNC, UV_DEADLINE - 1, root, pwd.getpwnam("nobody").pw_uid)
    except Trouble as trouble:
        return {"sync_status": {"missing": 127, "timeout": 124}.get(trouble.kind, 126), "sync_said": trouble.text}
    return {"sync_status": ended.status, "sync_said": last_words(f"{ended.out}\n{ended.err}")}


def toml(folder: Folder, name: str) -> dict[str, Any]:
    """A TOML file of the project. Raises Trouble."""
    try:
        import tomllib  # noqa: PLC0415 - not in Python < 3.11, where the rest of the probe still works
    except ImportError:
        raise Trouble("missing", "the host's Python is older than 3.11: it reads no TOML") from None
    try:
        return tomllib.loads(folder.text(name))
    except (ValueError, RecursionError):
        raise Trouble("unparsable", f"{folder.path}/{name}: not TOML") from None


def declared(project: dict[str, Any]) -> dict[str, str]:
    """Name to version specification (``==1.14.0``) of the project's own dependencies."""
    rows = project.get("project", {}).get("dependencies", [])
    found: dict[str, str] = {}
    for row in rows:
        text = row.strip()
        match = DISTRIBUTION.match(text)
        if match is None or "\n" in text:
            raise Trouble("unparsable", "pyproject.toml: a dependency without a name")
        rest = text[match.end() :].strip()
        rest = rest.partition("]")[2] if rest.startswith("[") and "]" in rest else rest  # its extras
        name, specification = normal(match.group()), rest.replace(" ", "")
        found[name] = f"{found[name]} | {specification}" if name in found else specification
    return found


def locked(lock: dict[str, Any]) -> dict[str, str]:
    """Name to version of every package of the lock; several versions of one are all told."""
    found: dict[str, str] = {}
    for row in lock.get("package", []):
        name, version = normal(row["name"]), str(row.get("version", ""))
        found[name] = f"{found[name]} | {version}" if name in found else version
    return found


def site_packages(home: Folder) -> tuple[dict[str, str], float]:
    """What is installed by its dist-info folders, and the newest change (epoch seconds) of the environment. A folder
    that holds byte code tells nothing by its own time: an import moved it; dist-info and the files beside it do tell.
    """
    changed = os.stat("pyvenv.cfg", dir_fd=home.fd, follow_symlinks=False).st_ctime
    installed: dict[str, str] = {}
    with Folder("lib", home) as lib:
        pythons = [name for name in os.listdir(lib.fd) if name.startswith("python3")]
        if len(pythons) != 1:
            raise Trouble("failed", f"{lib.path}: {len(pythons)} Pythons in one environment")
        with Folder(pythons[0], lib) as python, Folder("site-packages", python) as site:
            with os.scandir(site.fd) as entries:
                names = [(entry.name, entry.stat(follow_symlinks=False)) for entry in entries]
            for name, found in names:
                if not (stat.S_ISDIR(found.st_mode) and site.stat(f"{name}/__pycache__")) and name != "__pycache__":
                    changed = max(changed, found.st_ctime)
                if name.endswith(".dist-info"):
                    package, _, version = name[: -len(".dist-info")].rpartition("-")
                    key = normal(package)
                    installed[key] = f"{installed[key]} | {version}" if key in installed else version
            if site.stat("__pycache__") is None:
                changed = max(changed, os.fstat(site.fd).st_ctime)
    return installed, changed


# ------------------------------------------------------------------------------------------------------- env files

KINDS = {stat.S_IFREG: "regular", stat.S_IFLNK: "link", stat.S_IFDIR: "folder"}
PLACEHOLDER = re.compile(
    r"change[-_ ]?me|replace[-_ ]?me|placeholder|<[^<>]*>"
    r"|^(?:x{3,}|todo\b.*|tbd|fixme|example|dummy|none|null|secret|password|your[-_ ].*|insert[-_ ].*|\.{3,}|-+|\?+)$",
    re.IGNORECASE,
)


SETTING = re.compile(r"[ \t]*([A-Za-z_][A-Za-z0-9_]*)[ \t]*=")
BLANKS = re.compile(r"[ \t]*")
TO_QUOTE = re.compile(r"[^\"\\]*(\"|\\[\s\S]|\Z)")
TO_END = re.compile(r"[^\n\\]*(\\[\s\S]|[\s\S]|\Z)")


def settings(text: str) -> dict[str, str]:
    """Keys and values as systemd's EnvironmentFile reads them: comments, quotes, escapes, lines that continue. Each letter is
    looked at once or twice, and nothing is kept for the way back: a file may be all backslashes.
    """
    found: dict[str, str] = {}
    at = 0
    while at < len(text):
        line = SETTING.match(text, at)
        if line:
            pieces: list[str] = []
            at = line.end()
            while (end := quoted(text, at, pieces)) > at:
                at = end
            end = end_of_line(text, at)
            found[line.group(1)] = "".join(pieces) + unescaped(text[at:end], r"\s\S").strip()
            at = end
        at = text.find("\n", at) + 1 or len(text)
    return found


def quoted(text: str, at: int, pieces: list[str]) -> int:
    """Where the quoted text ends that stands here, and itself into ``pieces``; the same place where none stands."""
    blanks = BLANKS.match(text, at)
    start = blanks.end() if blanks else at
    if text.startswith("'", start):
        end = text.find("'", start + 1)
        if end >= 0:
            pieces.append(text[start + 1 : end])
    elif text.startswith('"', start):
        end = start + 1
        while step := TO_QUOTE.match(text, end):
            end = step.end()
            if step.group(1) == '"':
                pieces.append(unescaped(text[start + 1 : end - 1], '\n"\\\\`$'))
                return end
            if not step.group(1):
                break
        end = -1
    else:
        return at
    return end + 1 if end >= 0 else at


def end_of_line(text: str, at: int) -> int:
    """Where a line ends that goes on behind an escaped end."""
    while step := TO_END.match(text, at):
        if len(step.group(1)) < 2:
            return step.start(1)  # a line's end, the text's, or a backslash before that
        at = step.end()
    return at


def is_placeholder(value: str) -> bool:
    """True for what stands where a value is still to be put."""
    if PLACEHOLDER.search(value):
        return True
    ways = (("{{", "}}"), ("${", "}"))
    return any(end in line.partition(start)[2] for line in value.split("\n") for start, end in ways if start in line)


def unescaped(text: str, letters: str) -> str:
    """Text without the backslashes before ``letters``; an escaped end of line is nothing at all."""
    return re.sub(f"\\\\([{letters}])", lambda found: found.group(1).strip("\n"), text)


class Env:
    """A service's ``.env``, read once: what stands in it and what the file is are of one descriptor, so of one file, whatever
    has its name a moment later. No link is followed, and nothing but a file is opened. Raises OSError, Trouble.
    """

    def __init__(self, folder: Folder) -> None:
        self.path = f"{folder.path}/.env"
        self.content = b""
        try:
            place = os.open(".env", os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder.fd)
            try:
                self.found = os.fstat(place)  # before it is read: what is written meanwhile makes it another than was noted
                if stat.S_ISREG(self.found.st_mode):
                    with open(f"/proc/self/fd/{place}", "rb") as file:
                        self.content = taken(file, SMALL_FILE, self.path)
            finally:
                os.close(place)
        except OSError as error:
            error.filename = self.path
            raise

    def settings(self) -> dict[str, str]:
        """Its keys and values. Raises Trouble where it is no file or no text."""
        if not stat.S_ISREG(self.found.st_mode):
            raise Trouble("failed", f"{self.path}: not a regular file")
        try:
            return settings(self.content.decode())
        except UnicodeDecodeError:
            raise Trouble("unparsable", f"{self.path}: not UTF-8") from None

    def written_by(self, uid: int) -> bool:
        """True where this account could have written what stands in it: it is its own, or others than its owner may write it
        (the mask of an access list stands where the group's rights do), or it has another name elsewhere, or none any more.
        """
        return self.found.st_uid == uid or bool(self.found.st_mode & 0o022) or self.found.st_nlink != 1

    def mark(self) -> list[int]:
        """What it is known again by."""
        return [self.found.st_dev, self.found.st_ino, self.found.st_size, self.found.st_mtime_ns, self.found.st_ctime_ns]


def env_file(service: Service) -> dict[str, Any]:
    """The ``.env`` of a service: what kind of file it is, and the names of its keys. Never a value."""
    absent = {"kind": "absent", "mode": "", "owner": "", "keys": [], "empty": [], "placeholder": [], "changed": 0.0}
    with Folder(service.folder) as root:
        if root.stat(".env") is None:
            return absent
        env = Env(root)
    fact = {
        **absent,
        "kind": KINDS.get(stat.S_IFMT(env.found.st_mode), "special"),
        "mode": f"{stat.S_IMODE(env.found.st_mode):04o}",
        "owner": account(env.found.st_uid),
        "changed": env.found.st_ctime,
    }
    if fact["kind"] == "regular":
        pairs = env.settings()
        fact["keys"] = sorted(pairs)
        fact["empty"] = sorted(key for key, value in pairs.items() if not value.strip())
        fact["placeholder"] = sorted(key for key, value in pairs.items() if is_placeholder(value.strip()))
    return fact


# ----------------------------------------------------------------------------------------------------------- dists


def dist(service: Service) -> dict[str, Any]:
    """What is published: where the link points, each file below it, and what the build itself said they must be; when the
    last of these was changed, and when the link was made. Nothing is listed where the link leaves ``builds/``: then its target
    says enough.
    """
    with Folder(service.folder) as root:
        found = root.stat("dist")
        if found is None:
            raise Trouble("missing", f"{service.folder}/dist: not there")
        if not stat.S_ISLNK(found.st_mode):
            with Folder("dist", root) as published:
                return {"target": "", "files": sizes(published)[0], "built": None, "changed": 0.0, "published": found.st_ctime}
        target = os.readlink("dist", dir_fd=root.fd)
        inside = os.path.relpath(os.path.join(service.folder, target), service.folder).split("/")
        if len(inside) != 2 or inside[0] != "builds":
            return {"target": target, "files": {}, "built": None, "changed": 0.0, "published": found.st_ctime}
        with Folder("builds", root) as builds:
            with Folder(inside[1], builds) as published:
                files, changed = sizes(published)
            name = f"{inside[1]}.sha256"
            written = builds.stat(name)
            built = manifest(builds.text(name)) if written else None
            changed = max(changed, written.st_ctime if written else 0.0)
    return {"target": target, "files": files, "built": built, "changed": changed, "published": found.st_ctime}


def sizes(folder: Folder) -> tuple[dict[str, list[Any]], float]:
    """Size and sha256 of each file below, and their newest change; a link has ``link`` for its hash: it is not followed."""
    found: dict[str, list[Any]] = {}
    changed = 0.0
    for below, name, path in folder.walk(lambda _prefix, _name, _is_folder: False):
        row = os.stat(name, dir_fd=below.fd, follow_symlinks=False)
        if len(found) >= FILES_AT_MOST or row.st_size > BYTES_AT_MOST:
            raise Trouble("failed", f"{folder.path}: too many or too large files")
        changed = max(changed, row.st_ctime)
        if stat.S_ISREG(row.st_mode):
            found[path] = list(fingerprint(below, name))
        else:
            found[path] = [0, "link" if stat.S_ISLNK(row.st_mode) else "special"]
    return found, changed


def manifest(text: str) -> dict[str, str]:
    """What ``sha256sum`` wrote: path to hash, paths without a leading ``./``."""
    found = {}
    for line in text.splitlines():
        match = re.fullmatch(r"([0-9a-f]{64}) [ *](?:\./)?(.+)", line)
        if match is None:
            raise Trouble("unparsable", "the build's manifest is not of the form of sha256sum")
        found[match.group(2)] = match.group(1)
    return found


# --------------------------------------------------------------------------------------------------------- engines

# Where an engine is asked, the process that must run for it, and what its own sockets are called.
ENGINES = {
    "docker": ("/run/docker.sock", "dockerd", ("docker", "containerd")),
    "podman": ("/run/podman/podman.sock", "podman", ("podman",)),
}
ENGINE_COMMANDS = {
    "dockerd", "containerd", "podman", "crio", "conmon", "buildkitd", "lxd", "lxc-start", "lxcfs", "incusd",
    "systemd-nspawn", "kubelet",
}  # fmt: skip
ENGINE_SOCKETS = re.compile(r"/(?:docker|podman|containerd|crio|cri-dockerd|lxd|incus|buildkit)[^/]*/?[^/]*\.sock(?:et)?$")
# LXD comes with Ubuntu, asleep: systemd listens in its place. It holds something where an instance lies on the disk.
ASLEEP = re.compile(r"/(?:lxd|incus)[^/]*/?[^/]*\.sock(?:et)?$")
INSTANCES = tuple(
    f"{home}/{kind}"
    for home in ("/var/snap/lxd/common/lxd", "/var/lib/lxd", "/var/lib/incus")
    for kind in ("containers", "virtual-machines")
)
LISTENING = 0x00010000


def engines(found: Job) -> dict[str, Any]:
    """The container engines that answer and all they hold, and traces of any that do not. A stopped engine is not woken:
    only one whose process runs is asked. Raises Trouble where one that runs may not be asked.
    """
    rows = found.value()
    answered: dict[str, str] = {}
    containers: list[dict[str, Any]] = []
    traces: list[str] = []
    mine: set[int] = set()  # the processes of the engines that answered
    for engine, (path, command, _sockets) in ENGINES.items():
        running, doubts = believed(command, called(command, found)) if os.geteuid() == 0 else (called(command, found), [])
        traces += doubts
        if not running or not os.path.exists(path):
            continue
        try:
            listener, version, listed = ask_engine(engine, path)
        except PermissionError:
            raise Trouble("denied", f"{path}: {engine} may not be asked") from None
        except (OSError, ValueError, LookupError, TypeError, AttributeError):
            traces.append(f"{engine} gave no answer by {path}")
            continue
        if listener not in {1, *(row["pid"] for row in running)}:
            traces.append(f"{path} is listened on by something that is not {command}")
            continue
        answered[engine] = version
        containers += listed
        # A socket that systemd opened has process 1 for its listener: then the engine is the one of the packaged unit.
        unit = f"{engine}.service" if listener == 1 else None
        mine |= {row["pid"] for row in running if listener == row["pid"] or unit == row["unit"]}
    traces.extend(unexplained(rows, mine, {row["id"] for row in containers}, set(answered)))
    return {"engines": answered, "containers": containers, "traces": sorted(traces)}


def ask_engine(engine: str, path: str) -> tuple[int, str, list[dict[str, Any]]]:
    """The process that opened the socket, the engine's version, all its containers."""
    listener, version = http_get(path, "/version")
    _, listed = http_get(path, "/containers/json?all=1")
    return listener, str(version["Version"]), [{**container(engine, row), "made": made_of(path, row)} for row in listed]


def http_get(path: str, target: str) -> tuple[int, Any]:
    """One JSON document over a unix socket, and the process that listens on it. HTTP/1.0: the answer ends with the connection."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(4.0)
        connection.connect(path)
        listener = listener_of(connection)
        connection.sendall(f"GET {target} HTTP/1.0\r\nHost: localhost\r\nAccept: application/json\r\n\r\n".encode())
        answer = answer_of(connection)
    head, _, body = answer.partition(b"\r\n\r\n")
    if head.split(b" ")[1:2] != [b"200"]:
        raise ValueError
    return listener, json.loads(body)


def answer_of(connection: socket.socket) -> bytes:
    """All that comes until the other side ends, at most for a few seconds. Raises ValueError if that is too much or too slow."""
    pieces: list[bytes] = []
    left, until = SMALL_FILE, time.monotonic() + 4.0
    while piece := connection.recv(1 << 16):
        pieces.append(piece)
        left -= len(piece)
        if left < 0 or len(pieces) > ROWS_AT_MOST or time.monotonic() > until:
            raise ValueError
    return b"".join(pieces)


def container(engine: str, row: dict[str, Any]) -> dict[str, str]:
    """One container as its engine lists it."""
    labels = row.get("Labels") or {}
    project = labels.get("com.docker.compose.project") or labels.get("io.podman.compose.project") or ""
    name = (row.get("Names") or [""])[0].lstrip("/")
    return {
        "engine": engine, "id": str(row["Id"]), "name": name, "image": str(row["Image"]), "state": str(row["State"]),
        "status": str(row["Status"]), "project": project,
    }  # fmt: skip


def made_of(path: str, row: dict[str, Any]) -> dict[str, Any] | None:
    """What a container was made of, by the engine's own words: an image's name and a label can be given to anything. None
    where the engine does not say: it may just have been removed.
    """
    try:
        said_of = http_get(path, f"/containers/{row['Id']}/json")[1]
        image = http_get(path, f"/images/{said_of['Image']}/json")[1]
        own = image.get("Config") or {}
        volumes = own.get("Volumes") or {}
        mounts = [(one.get("Name") or one.get("Source") or "", one["Destination"]) for one in said_of.get("Mounts") or []
                  if one.get("Type") != "volume" or one["Destination"] not in volumes]  # fmt: skip
        command = [said_of["Path"], *said_of["Args"]]
        own_command = [*(own.get("Entrypoint") or []), *(own.get("Cmd") or [])]
        return {
            "digests": sorted({image["Id"], *(name.rpartition("@")[2] for name in image.get("RepoDigests") or [])}),
            "command": command,
            "own_command": own_command,
            "as_image": command == own_command,
            "mounts": sorted(f"{source}:{place}" for source, place in mounts),
            "rights": sorted(rights_of(said_of["HostConfig"])),
        }
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return None


def rights_of(settings_said: dict[str, Any]) -> Iterator[str]:
    """What a container may do on its host that a plain one may not. The host's network is not among it: livekit has it."""
    if settings_said.get("Privileged"):
        yield "privileged"
    for key in ("PidMode", "IpcMode", "UTSMode", "UsernsMode"):
        if settings_said.get(key) not in {None, "", "private", "shareable", "none"}:
            yield f"{key[:-4].lower()}={settings_said[key]}"
    yield from (f"cap={one.upper().removeprefix('CAP_')}" for one in settings_said.get("CapAdd") or [])
    yield from (f"device={one.get('PathOnHost')}" for one in settings_said.get("Devices") or [])
    yield from (f"devices={one}" for one in settings_said.get("DeviceCgroupRules") or [])
    yield from (f"volumes-from={one}" for one in settings_said.get("VolumesFrom") or [])
    yield from (one for one in settings_said.get("SecurityOpt") or [] if not one.startswith("no-new-privileges"))
    if settings_said.get("MaskedPaths") == [] and not settings_said.get("Privileged"):
        yield "systempaths=unconfined"


def unexplained(rows: list[dict[str, Any]], mine: set[int], ids: set[str], answered: set[str]) -> Iterator[str]:
    """Signs of containers that no engine that answered accounts for."""
    below = descendants(rows, mine)
    for row in rows:
        why = ""
        if row["container"]:
            why = "" if row["container"] in ids else f"is in container {row['container'][:12]}, which no engine lists"
        elif row["own_pids"]:
            why = "has a PID namespace of its own"
        elif row["command"].startswith("containerd-shim"):  # the kernel keeps 15 letters of a name
            why = "" if row["uid"] == 0 and ids & set(row["argv"]) else "holds a container that no engine lists"
        elif row["command"] == "containerd":  # docker's own is not its child everywhere
            why = "" if row["uid"] == 0 and "docker" in answered else "runs, and no engine answered"
        elif row["command"] in ENGINE_COMMANDS and row["pid"] not in below:
            why = "runs, and did not answer"
        if why:
            yield f"{row['command']} (pid {row['pid']}) {why}"
    explained = tuple(word for engine in answered for word in ENGINES[engine][2])
    for path in listening_engines():
        # Only a daemon of the system's is explained by the one that answered: a user's own is another.
        of_system = path.startswith(("/run/", "/var/run/")) and not others_change(os.path.dirname(path))
        if not (of_system and any(word in path for word in explained)):
            yield f"{path} is listened on, and no engine answered"


def listening_engines() -> Iterator[str]:
    """Unix sockets of this network that an engine would listen on, and something does."""
    found = {}
    listed = rows_of("/proc/net/unix")
    next(listed, None)  # the names of the columns
    for row in (line.split(None, 7) for line in listed):
        path = row[7].strip() if len(row) == 8 else ""
        if int(row[3], 16) & LISTENING and ENGINE_SOCKETS.search(path):
            found[path] = row[6]
    asleep = {path for path in found if ASLEEP.search(path)} if not any(names_in(folder) for folder in INSTANCES) else set()
    holders = socket_holders() if asleep else {}
    for path, inode in found.items():
        if path not in asleep or holders.get(inode) != {1}:
            yield path


def descendants(rows: list[dict[str, Any]], pids: set[int]) -> set[int]:
    """The processes themselves, their children, and theirs."""
    below: dict[int, list[int]] = {}
    for row in rows:
        below.setdefault(row["ppid"], []).append(row["pid"])
    found, waiting = set(pids), list(pids)
    while waiting:
        more = [pid for pid in below.get(waiting.pop(), ()) if pid not in found]
        found.update(more)
        waiting += more
    return found


# -------------------------------------------------------------------------------------------------------- packages

CACHE = "/var/lib/voxgate-probe"
INSTALLING = 300.0  # seconds: RECORD is the last that an installer writes of a distribution
SETTLED = 2.0  # seconds: a file that was changed later than this may be changed again without a new time
ENVIRONMENT_FILES = re.compile(
    r"\.gitignore|\.lock|CACHEDIR\.TAG|pyvenv\.cfg|bin/(?:activate(?:\.[a-z0-9]+|_this\.py)?|(?:deactivate|pydoc)\.bat)", re.ASCII
)
ENVIRONMENT_LINKS = re.compile(r"lib64|bin/python[0-9.]*", re.ASCII)
CACHE_BYTES = 64 * 1024 * 1024  # of all files of it together
CACHE_KINDS = ("packages", "tree", "code", "base", "journal")
RECORDED_AT_MOST = 1_000_000  # rows of all RECORDs of an environment
BYTE_CODE = re.compile(r"(.*/)?__pycache__/([^/]+)\.[a-z]+-[0-9]+(?:\.opt-[12])?\.pyc")
SHOWN = 20


class HashCache:
    """The hashes of a folder's files, kept between looks in a file that only root can write. A file counts as unchanged if
    device, inode, size, mtime and ctime are as they were: nobody but the kernel's clock sets a ctime. Without root nothing
    is kept, and everything is read each time.
    """

    def __init__(self, kind: str, service: Service, algorithm: str = "sha256") -> None:
        self.path = f"{CACHE}/{kind}.{os.path.basename(service.folder)}.json"
        self.algorithm = algorithm
        self.kept: dict[str, list[Any]] = {}
        self.seen: dict[str, list[Any]] = {}
        self.read = 0
        self.mine = os.geteuid() == 0 and self.trusted()
        if self.mine:
            with suppress(OSError, ValueError, Trouble):
                self.kept = json.loads(content(self.path, CACHE_BYTES))

    @staticmethod
    def trusted() -> bool:
        """The folder is there, is root's own, and nobody else may write in it."""
        try:
            os.makedirs(CACHE, mode=0o700, exist_ok=True)
            found = os.stat(CACHE, follow_symlinks=False)
        except OSError:
            return False
        return stat.S_ISDIR(found.st_mode) and found.st_uid == 0 and not found.st_mode & 0o022

    def word(self, path: str, key: list[Any]) -> str | None:
        """What is known of a file, None where it is another one by now."""
        row = self.kept.get(path)
        if not isinstance(row, list) or row[:-1] != key:
            return None
        self.seen[path] = row
        return str(row[-1])

    def note(self, path: str, key: list[Any], changed: float, word: str) -> None:
        """Keep what was found, of what is settled."""
        if time.time() - changed > SETTLED:
            self.seen[path] = [*key, word]

    def digest(self, folder: Folder, name: str, path: str, found: os.stat_result) -> str:
        """The sha256 of a file as RECORD writes it; another algorithm's in plain hexadecimal."""
        key = [found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns]
        known = self.word(path, key)
        if known is not None:
            return known
        self.read += 1
        digest = fingerprint(folder, name, self.algorithm)[1]
        if self.algorithm == "sha256":
            digest = base64.urlsafe_b64encode(bytes.fromhex(digest)).decode().rstrip("=")
        self.note(path, key, found.st_ctime, digest)
        return digest

    def keep(self) -> None:
        """Write what is known now, whole or not at all. That it cannot be kept is no trouble."""
        if not self.mine or self.seen == self.kept:
            return
        text = json.dumps(self.seen, separators=(",", ":"))
        if len(text) > CACHE_BYTES // 4:
            return
        draft = f"{self.path}.{os.getpid()}"
        try:
            fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            with open(fd, "w", encoding="utf-8") as file:
                file.write(text)
            os.replace(draft, self.path)
        except OSError:
            with suppress(OSError):
                os.unlink(draft)


def prune(folders: str = "/opt") -> None:
    """Remove from the cache what is of no folder that is there, drafts that nobody finished, and the oldest of what is too much:
    it cannot be made to grow by asking.
    """
    if os.geteuid() != 0 or not HashCache.trusted():
        return
    kept = []
    with suppress(OSError):
        for path in files_in(CACHE):
            kind, _, name = os.path.basename(path).partition(".")
            found = os.stat(path, follow_symlinks=False)
            if kind in CACHE_KINDS and name.endswith(".json") and os.path.isdir(f"{folders}/{name[:-5]}"):
                kept.append((found.st_mtime, found.st_size, path))
            else:
                os.unlink(path)
        size = sum(row[1] for row in kept)
        for _, bytes_of, path in sorted(kept):
            if size > CACHE_BYTES:
                os.unlink(path)
                size -= bytes_of


def packages(service: Service) -> dict[str, Any]:
    """Every file of the environment, against the RECORD of the distribution that owns it. What has no owner, is not as
    recorded or is gone is named; byte code belongs to the module that it is of.
    """
    cache = HashCache("packages", service)
    codes = ByteCodes(service, HashCache("code", service))
    bad: list[list[str]] = []
    changed = 0.0
    with Folder(service.folder) as root, Folder(".venv", root) as home:
        of_record: dict[str, list[str]] = {}
        owned, records, site = recorded(home, bad, of_record)
        there: set[str] = set()
        born: dict[str, float] = {}
        found: list[str] = []
        for folder, name, path in home.walk(lambda _prefix, _name, _is_folder: False):
            row = os.stat(name, dir_fd=folder.fd, follow_symlinks=False)
            there.add(path)
            if len(there) > INSTALLED_AT_MOST:
                raise Trouble("failed", f"{home.path}: over {INSTALLED_AT_MOST} files")
            if path.endswith(".pyc"):
                codes.takes(folder, name, path)
            else:
                # uv may link files from its cache: each link made or removed elsewhere moves the ctime of all of them.
                changed = max(changed, row.st_ctime if row.st_nlink == 1 else row.st_mtime)
                born[path] = row.st_ctime
            if path in owned:
                wrong = as_recorded(cache, folder, name, path, row, owned[path])
            elif stat.S_ISLNK(row.st_mode):
                wrong = "" if ENVIRONMENT_LINKS.fullmatch(path) else "a link that no distribution owns"
            else:
                found.append(path)
                continue
            if wrong:
                bad.append([path, wrong])
        bad += [[path, "gone"] for path in sorted(owned.keys() - there) if not path.endswith(".pyc")]
        for path in found:
            wrong = stray(home, path, owned, site)
            if wrong:
                bad.append([path, wrong])
        bad += changed_later(of_record, born)
        bad += [[path, "is not the byte code of its source"] for path in codes.others()]
    cache.keep()
    return {
        "changed": changed,
        "distributions": len(records), "files": len(there), "hashed": cache.read,
        "bad": bad[:SHOWN], "bad_count": len(bad),
        "records": hashlib.sha256("\n".join(sorted(records)).encode()).hexdigest(),
    }  # fmt: skip


def changed_later(of_record: dict[str, list[str]], born: dict[str, float]) -> Iterator[list[str]]:
    """Each RECORD that is much younger than the oldest file of its distribution: the installer writes it last, and at once."""
    for record, paths in of_record.items():
        times = [born[path] for path in paths if path in born]
        if record in born and times and born[record] - min(times) > INSTALLING:
            yield [record, "was changed after its distribution was installed"]


def recorded(home: Folder, bad: list[list[str]], of_record: dict[str, list[str]]) -> tuple[dict[str, set[str]], list[str], str]:
    """Path to the hashes that any RECORD has for it (none for RECORD itself), each RECORD's own hash, site-packages; and the
    paths of each RECORD, into ``of_record``.
    """
    owned: dict[str, set[str]] = {}
    records = []
    left = RECORDED_AT_MOST
    with Folder("lib", home) as lib:
        pythons = [name for name in os.listdir(lib.fd) if name.startswith("python3")]
        if len(pythons) != 1:
            raise Trouble("failed", f"{lib.path}: {len(pythons)} Pythons in one environment")
        with Folder(pythons[0], lib) as python, Folder("site-packages", python) as site:
            place = f"lib/{pythons[0]}/site-packages"
            for info in sorted(name for name in os.listdir(site.fd) if name.endswith(".dist-info")):
                try:
                    with Folder(info, site) as folder:
                        text = folder.text("RECORD")
                except (FileNotFoundError, Trouble):
                    bad.append([f"{place}/{info}", "has no RECORD"])
                    continue
                records.append(f"{info} {hashlib.sha256(text.encode()).hexdigest()}")
                left -= text.count("\n")
                if left < 0:
                    raise Trouble("failed", f"{site.path}: over {RECORDED_AT_MOST} rows of RECORDs")
                for row in csv.reader(text.splitlines()):
                    path = os.path.normpath(f"{place}/{row[0]}" if row else "..")
                    hashes = owned.setdefault(path, set())
                    of_record.setdefault(f"{place}/{info}/RECORD", []).append(path)
                    if len(row) > 1 and row[1].startswith("sha256="):
                        hashes.add(row[1][len("sha256=") :].rstrip("="))
    return owned, records, place


def as_recorded(cache: HashCache, folder: Folder, name: str, path: str, found: os.stat_result, hashes: set[str]) -> str:
    """What is wrong with a file that a distribution owns, empty for nothing."""
    if not stat.S_ISREG(found.st_mode):
        return "is no regular file"
    if not hashes:
        return "" if path.endswith((".dist-info/RECORD", ".pyc")) else "has no hash in RECORD"
    return "" if cache.digest(folder, name, path, found) in hashes else "is not as it was installed"


def stray(home: Folder, path: str, owned: dict[str, set[str]], site: str) -> str:
    """Why a file that no distribution owns must not be there, empty if it may."""
    if ENVIRONMENT_FILES.fullmatch(path):
        return ""
    code = BYTE_CODE.fullmatch(path)
    if code and f"{code.group(1) or ''}{code.group(2)}.py" in owned:
        return ""
    if path in {f"{site}/_virtualenv.py", f"{site}/_virtualenv.pth"} and of_uv(path, home.text(path)):
        return ""
    return "belongs to no distribution"


VIRTUALENV_PTH = "import _virtualenv"
# How uv's _virtualenv.py begins and ends; both stand there once, so there is one text between them.
VIRTUALENV_PY = (
    '"""Patches that are applied at runtime to the virtual environment."""\n', "\nsys.meta_path.insert(0, _Finder())\n",
)  # fmt: skip


def of_uv(path: str, text: str) -> bool:
    """True for a file that uv itself puts into an environment: the whole of it as it stands in uv's program, and no part."""
    if path.endswith(".pth"):
        return text == VIRTUALENV_PTH
    first, last = VIRTUALENV_PY
    if not (text.startswith(first) and text.endswith(last) and text.count(first) == text.count(last) == 1):
        return False
    program = shutil.which("uv", path=PATH)
    if program is None:
        return False
    with open(program, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return content.find(text.encode()) >= 0


# ----------------------------------------------------------------------------------------------------------- leaks

PLAIN = re.compile(r"[\d.:,]+|[a-z]+(?:[-_./ ][a-z]+)*|[\w.-]+:\d+|true|false|yes|no", re.IGNORECASE | re.ASCII)
JOURNAL_BYTES = 64 * 1024 * 1024  # in one look
JOURNAL_STEP = 6 * 3600.0  # seconds of it that are noted as searched at once
JOURNAL_OVERLAP = 60.0  # what was written a little late
SECRET_AT_MOST = 4096
SECRETS_AT_MOST = 1000  # each is looked for at each letter


def telling(value: str) -> set[str]:
    """What of a value would give something away: the password of a URL; of other values those that are no plain word,
    number, path or address, and have at least 8 letters.
    """
    if "://" in value:
        return {word for word in passwords(value) if len(word) >= 6}
    return set() if len(value) < 8 or value.startswith("/") or PLAIN.fullmatch(value) else {value}


def environments() -> dict[str, str]:
    """What ``Environment=`` of each loaded service says, as it is: for comparing only, never shown."""
    text = said("systemctl", "show", "--property=Id,Environment", "--", "*.service")
    blocks = [dict(line.partition("=")[::2] for line in block.splitlines()) for block in text.strip().split("\n\n")]
    return {block.get("Id", ""): block.get("Environment", "") for block in blocks}


def leaks(service: Service, services: list[Service], found: Job, known: Job, spoken: Job) -> dict[str, Any]:
    """Where a secret of the service's ``.env`` stands that all can read: by the name of its key, never its value. Files are
    searched as the account that asks: of one that it may not read itself, nobody's guess is confirmed to it.
    """
    with Folder(service.folder) as root:
        env = Env(root)
    keys: dict[bytes, str] = {}
    for key, value in env.settings().items():
        keys.update({word.encode(errors="surrogateescape"): key for word in telling(value)})
    if not keys:
        return {"compared": [], "lines": 0, "found": []}
    if len(keys) > SECRETS_AT_MOST:
        raise Trouble("failed", f"{service.folder}/.env: over {SECRETS_AT_MOST} secrets")
    pattern = re.compile(b"|".join(map(re.escape, sorted(keys, key=len, reverse=True))))
    hits: set[tuple[str, str]] = set()

    def search(content: bytes, where: str) -> None:
        hits.update((keys[match], where) for match in set(pattern.findall(content)))

    for row in found.value():
        words = " ".join(row["argv"]).encode(errors="surrogateescape")
        search(words, f"the arguments of process {row['pid']} ({row['command']})")
    for unit, text in known.value().items():
        search(text.encode(errors="surrogateescape"), f"Environment= of {unit}")
    lines = journal(
        service, env, spoken.value(), lambda content: search(content, "the journal since its start"), lambda: not hits
    )
    as_caller(lambda: search_files(service, services, search))
    return {"compared": sorted(set(keys.values())), "lines": lines, "found": [list(hit) for hit in sorted(hits)][:SHOWN]}


def search_files(service: Service, services: list[Service], search: Callable[[bytes, str], None]) -> None:
    """Give what lies in the service's tree, and what the sites of this host show, to ``search``."""
    with Folder(service.folder) as root:
        read_all(root, outside_of(service), "", search)
    for other in services:
        if other.kind == "static":
            with Folder(other.folder) as root:
                if root.stat("builds") is not None:
                    with Folder("builds", root) as builds:
                        read_all(builds, lambda _prefix, _name, _is_folder: False, f"{other.folder}/builds/", search)


def journal(
    service: Service, env: Env, spoken: dict[str, Any], search: Callable[[bytes], None], clean: Callable[[], bool]
) -> int:
    """Give all that anybody wrote into the journal since the service was started to ``search``; how many lines its own units
    wrote of late. As root it is noted from when to when nothing was found, and in what, for as long as ``.env`` is the same, so
    that each part is read once. Where the account that asks could have written ``.env`` itself, only what its own units wrote
    is searched: else it could guess at what root reads, letter by letter.
    """
    shown = [spoken[name]["properties"] for name in service.units if name in spoken]
    starts = [
        int(row["ExecMainStartTimestampMonotonic"]) for row in shown if row.get("ExecMainStartTimestampMonotonic", "0") != "0"
    ]
    runs = sorted(f"_SYSTEMD_INVOCATION_ID={row['InvocationID']}" for row in shown if row.get("InvocationID"))
    if not starts or not runs:
        return 0
    now = time.time()
    only = guesses(service, env, spoken)
    since = now - time.clock_gettime(time.CLOCK_MONOTONIC) + min(starts) / 1e6 - 1
    note, mark = HashCache("journal", service), [*env.mark(), *sorted(only or ["all"])]
    row = note.kept.get("searched")
    first, done = row[-2:] if isinstance(row, list) and row[:-2] == mark else (now, 0.0)
    # How long ago the boot was moves with the clock: by less than a start is searched before itself.
    if not first - 1 <= since <= done:  # another start was asked for, or there is a gap: nothing of it is known
        first = done = since
    at, left = min(max(since, done - JOURNAL_OVERLAP), now), JOURNAL_BYTES
    while at < now and only != []:
        upto = min(at + JOURNAL_STEP, now)
        left = journal_between(at, upto, left, search, only)
        if clean():
            note.seen = {"searched": [*mark, first, upto]}
            note.keep()
        at = upto
    return said("journalctl", "--quiet", "--no-pager", "--output=cat", "--lines=20", *runs).count("\n")


def guesses(service: Service, env: Env, spoken: dict[str, Any]) -> list[str] | None:
    """None where all of the journal may be searched for what stands in a service's ``.env``: the account that asks has not
    written it, and cannot. Else the units whose journal may be.
    """
    uid = caller()
    if os.geteuid() != 0 or not env.written_by(uid):
        return None
    return [
        f"--unit={name}"
        for name in service.units
        if name in spoken and is_callers(spoken[name]["properties"], service.folder, uid)
    ]


def journal_between(at: float, upto: float, left: int, search: Callable[[bytes], None], only: list[str] | None = None) -> int:
    """Read one part of the journal, at most so many bytes; how many are left then. Raises Trouble if it is longer."""
    span = (f"--since=@{at:.6f}", f"--until=@{upto + 1:.6f}")
    reader = subprocess.Popen(
        ["journalctl", "--quiet", "--no-pager", "--output=cat", *span, *(only or ())],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True,
        env={"PATH": PATH, "LC_ALL": "C.UTF-8", "SYSTEMD_PAGER": "", "SYSTEMD_COLORS": "0"},
    )  # fmt: skip
    STARTED.append(reader)
    rest, stream = b"", reader.stdout
    while stream is not None and (piece := stream.read(1 << 20)):
        search(rest + piece)
        rest, left = piece[-SECRET_AT_MOST:], left - len(piece)
        if left < 0:
            os.killpg(reader.pid, signal.SIGKILL)
            reader.wait()
            day = time.strftime("%Y-%m-%d %H:%M", time.gmtime(at))
            raise Trouble("failed", f"the journal since {day} UTC is over {JOURNAL_BYTES} bytes: it was not searched to its end")
    if reader.wait() != 0:
        raise Trouble("failed", f"journalctl ended with {reader.returncode}")
    return left


def read_all(
    folder: Folder, left_out: Callable[[str, str, bool], bool], where: str, search: Callable[[bytes, str], None]
) -> None:
    """Give the content of each small regular file below to ``search``, of those that may be read."""
    total = 0
    for below, name, path in folder.walk(left_out, denied=True):
        try:
            row = os.stat(name, dir_fd=below.fd, follow_symlinks=False)
        except PermissionError:
            continue
        if stat.S_ISREG(row.st_mode) and row.st_size <= SMALL_FILE:
            total += row.st_size
            if total > BYTES_AT_MOST:
                raise Trouble("failed", f"{folder.path}: over {BYTES_AT_MOST} bytes")
            with suppress(PermissionError), below.open(name) as file:
                search(file.read(SMALL_FILE), where + path)


# ----------------------------------------------------------------------------------------------------------- words

WORDS_LINES = 200


def words(services: list[Service]) -> dict[str, Any]:
    """What each unit says of itself, for a person who asks why: by unit, in lines."""
    told = {name: Job(partial(words_of, name, service.folder)) for service in services for name in service.units}
    return {name: job.result() for name, job in told.items()}


def is_callers(properties: dict[str, str], folder: str, uid: int) -> bool:
    """True for a unit that runs what stands in this folder, which is of the account that asks. A request is that account's word:
    root reads it no journal but of what it itself has put here.
    """
    program_path = re.match(r"\{ path=(/\S+) ; ", properties.get("ExecStart", ""))
    places = [program_path.group(1) if program_path else "", f"{properties.get('WorkingDirectory', '')}/"]
    row = os.lstat(folder)
    return stat.S_ISDIR(row.st_mode) and row.st_uid == uid and any(place.startswith(f"{folder}/") for place in places)


def words_of(unit: str, folder: str) -> dict[str, list[str]]:
    """Its status, which all may read; and its journal since it was started, or of the whole boot where that start was not the
    only one. Root reads it to nobody whose unit it is not.
    """
    show = said("systemctl", "show", "--property=InvocationID,NRestarts,ExecStart,WorkingDirectory", "--", unit)
    properties = dict(line.partition("=")[::2] for line in show.splitlines())
    mute = os.geteuid() == 0 and not is_callers(properties, folder, caller())
    started = properties.get("InvocationID", "")
    once = properties.get("NRestarts", "0") == "0" and re.fullmatch(r"[0-9a-f]{32}", started)
    mine = [f"_SYSTEMD_INVOCATION_ID={started}", "+", f"INVOCATION_ID={started}"] if once else ["--boot", f"--unit={unit}"]
    shape = ("--quiet", "--no-pager", "--output=short-iso", "--no-hostname", f"--lines={WORDS_LINES}")
    # 3 is what status says of a unit that is not active
    status = run(["systemctl", "status", "--no-pager", "--full", "--lines=0", "--", unit], DEADLINE - 1)
    return {
        "status": (status.out or status.err).splitlines()[:WORDS_LINES],
        "journal": [f"not told: nothing of {folder} runs in it"] if mute else said("journalctl", *shape, *mine).splitlines(),
    }


# -------------------------------------------------------------------------------------------------------- runtimes

GIVEN = re.compile(
    r"PATH|LANG|LC_[A-Z]+|USER|LOGNAME|HOME|SHELL|TZ|INVOCATION_ID|JOURNAL_STREAM|SYSTEMD_EXEC_PID|MANAGERPID(?:FDID)?"
    r"|NOTIFY_SOCKET|WATCHDOG_(?:PID|USEC)|MAINPID|LISTEN_(?:PID|PIDFDID|FDS|FDNAMES)|FDSTORE|MEMORY_PRESSURE_(?:WATCH|WRITE)"
    r"|(?:RUNTIME|STATE|CACHE|LOGS|CONFIGURATION|CREDENTIALS)_DIRECTORY|SYSTEMD_[A-Z_]+|TERM"
)
LOADER_NAMES = re.compile(
    r"LD_.*|PYTHON(?:PATH|HOME|STARTUP|USERBASE|PLATLIBDIR|EXECUTABLE|PYCACHEPREFIX|INSPECT|BREAKPOINT|CASEOK)|GCONV_PATH"
)
NO_FILE = re.compile(r"/memfd:libffi|/dev/zero|/SYSV")


def runtime(service: Service, found: Job, spoken: Job) -> dict[str, Any]:
    """What each process of the service's units runs: the venv's interpreter or another, code mapped from elsewhere or from
    a file that is gone, and variables that neither the unit nor ``.env`` gave it. Names only.
    """
    home = f"{service.folder}/.venv"
    program = os.path.realpath(f"{home}/bin/python")
    system = (f"{home}/", f"{os.path.dirname(os.path.dirname(program))}/lib/", "/usr/lib/", "/usr/lib64/", "/lib/", "/lib64/")
    with Folder(service.folder) as root:
        given = set(Env(root).settings())
    shown = spoken.value()
    rows = {}
    for row in found.value():
        if row["unit"] not in service.units:
            continue
        variables = environment(row["pid"])
        names = None if variables is None else {text.partition("=")[0] for text in variables}
        unit = shown.get(row["unit"], {}).get("properties", {}).get("EnvironmentNames", "").split()
        mapped, apart = executable_maps(row["pid"]), mounted_apart(row["pid"], service.folder)
        if mapped is None or names is None or apart is None:
            continue  # it ended while we looked
        rows[str(row["pid"])] = {
            "unit": row["unit"],
            "argv0": row["argv"][0] if row["argv"] else "",
            "interpreter": row["exe"] == program,
            "elsewhere": sorted(p for p in mapped if p != program and not p.startswith(system) and not p.endswith(" (deleted)")),
            "gone": sorted(p for p in mapped if p.endswith(" (deleted)")),
            "mounts": apart,
            "loader": sorted(name for name in names if LOADER_NAMES.fullmatch(name)),
            "strange": sorted(name for name in names - given - set(unit) if not GIVEN.fullmatch(name)),
        }
    with Folder(f"{service.folder}/.venv") as venv_folder:
        config = pyvenv(venv_folder)
    base = base_flaws(service, program, config.get("home", ""))
    preload = os.path.exists("/etc/ld.so.preload") and os.path.getsize("/etc/ld.so.preload") > 0
    return {"processes": rows, "preload": preload, "base": base[:SHOWN]}


UV_PYTHON = re.compile(r"(/.+/uv/python/cpython-[\w.+-]+)/bin/python3[\w.]*", re.ASCII)
STARTERS = ("sitecustomize.py", "usercustomize.py")


def base_flaws(service: Service, program: str, home: str) -> list[list[str]]:
    """What is wrong below a virtual environment: the interpreter and its standard library are the distribution's, file by file as
    its packages have them, or uv's own; and the environment names the folder of that very interpreter for its home.
    """
    bad: list[list[str]] = []
    if os.path.realpath(home) != os.path.dirname(program):
        bad.append([f"{service.folder}/.venv/pyvenv.cfg", f"has another home than {program}"])
    return bad + program_flaws(service, program)


def python_flaw(service: Service, program: str) -> str:
    """Why a Python is not believed: it is not as its package or uv has it, others than root can change it, or nobody cannot run
    it, and who owns the folder could answer in its place. Empty for one that is believed, as the one is that we run by ourselves.
    """
    if program == os.path.realpath(sys.executable):
        return ""
    if os.geteuid() == 0 and stranger(program, service.folder) != pwd.getpwnam("nobody").pw_uid:
        return f"nobody cannot run {program}"
    place = others_change(program)
    if place:
        return f"not only root can change {place}"
    of_uv_itself = UV_PYTHON.fullmatch(program)
    if of_uv_itself:
        for at, folders, files in os.walk(of_uv_itself.group(1)):
            for name in ("", *folders, *files):
                found = os.stat(f"{at}/{name}", follow_symlinks=False)
                if found.st_uid != 0 or (found.st_mode & 0o022 and not stat.S_ISLNK(found.st_mode)):
                    return f"not only root can change {at}/{name}"
    return next((f"{path} {why}" for path, why in program_flaws(service, program)), "")


def program_flaws(service: Service, program: str) -> list[list[str]]:
    """The same of an interpreter and its standard library alone."""
    bad: list[list[str]] = []
    of_uv_itself = UV_PYTHON.fullmatch(program)
    if of_uv_itself:
        for folder in glob.glob(f"{glob.escape(of_uv_itself.group(1))}/lib/python3*"):
            for name in STARTERS:
                bad += [[path, "runs at each start"] for path in (f"{folder}/{name}", f"{folder}/site-packages/{name}")
                        if os.path.lexists(path)]  # fmt: skip
        return bad
    sums = package_sums()
    if not sums:  # no dpkg: then it must at least be the system's, and root's alone
        loose = [] if program.startswith("/usr/") else [program]
        return [[path, "is not the system's alone"] for path in [*loose, *loose_of(program)]]
    if program not in sums:
        return [[program, "belongs to no package of this host"]]
    cache = HashCache("base", service, "md5")
    name = os.path.basename(program)
    library = f"/usr/lib/{name}"
    with Folder(os.path.dirname(program)) as programs:
        bad += as_packaged(cache, programs, name, program, sums)
    if os.path.isdir(library):
        with Folder(library) as root:
            for at, file, path in root.walk(lambda _prefix, below, is_folder: is_folder and below == "__pycache__"):
                bad += as_packaged(cache, at, file, f"{library}/{path}", sums)
    cache.keep()
    archive = f"/usr/lib/{name.replace('.', '')}.zip"
    return bad + ([[archive, "stands before the standard library"]] if os.path.lexists(archive) else [])


def as_packaged(cache: HashCache, folder: Folder, name: str, path: str, sums: dict[str, str]) -> list[list[str]]:
    """What is wrong with one file of the distribution's Python: nothing, in a list of one otherwise."""
    found = folder.stat(name)
    if found is None or (not name.endswith((".py", ".so", ".pth")) and path not in sums):
        return []
    if stat.S_ISLNK(found.st_mode):
        target = os.path.realpath(path)
        if name not in STARTERS or target not in sums or not os.path.isfile(target):
            return [[path, "leads to what no package has"]] if name in STARTERS else []
        with Folder(os.path.dirname(target)) as behind_it:
            return as_packaged(cache, behind_it, os.path.basename(target), target, sums)
    if path not in sums:
        return [[path, "belongs to no package of this host"]]
    return [] if cache.digest(folder, name, path, found) == sums[path] else [[path, "is not as its package has it"]]


def package_sums() -> dict[str, str]:
    """The md5 of each file of the Python packages, as dpkg has noted it; empty where there is no dpkg."""
    sums: dict[str, str] = {}
    for path in glob.glob("/var/lib/dpkg/info/*python3*.md5sums"):
        for line in lines_of(path):
            digest, _, name = line.partition("  ")
            sums[f"/{name}"] = digest
    with suppress(OSError), open("/var/lib/dpkg/status", encoding="utf-8", errors="replace") as file:
        sums.update(dict(re.findall(r"^ (/etc/python3\S*) ([0-9a-f]{32})$", file.read(), re.MULTILINE)))
    # a merged /usr: what a package has in /lib is found in /usr/lib
    return {(f"/usr{path}" if path.startswith(("/lib/", "/bin/")) else path): digest for path, digest in sums.items()}


def pyvenv(home: Folder) -> dict[str, str]:
    """The lines of pyvenv.cfg."""
    lines = [line.partition("=") for line in home.text("pyvenv.cfg").splitlines()]
    return {key.strip().lower(): value.strip() for key, _, value in lines}


def environment(pid: int) -> list[str] | None:
    """The variables a process was started with, as it has them; None if it is gone."""
    try:
        found = content(f"/proc/{pid}/environ", ENVIRONMENT)
        return [os.fsdecode(part) for part in found.split(b"\0") if b"=" in part]
    except (FileNotFoundError, ProcessLookupError):
        return None


def executable_maps(pid: int) -> set[str] | None:
    """The files that a process has mapped to run code of, None if it is gone."""
    try:
        rows = (line.rstrip("\n").split(None, 5) for line in rows_of(f"/proc/{pid}/maps"))
        return {row[5] for row in rows if len(row) == 6 and "x" in row[1] and row[5][0] == "/" and not NO_FILE.match(row[5])}
    except (FileNotFoundError, ProcessLookupError):
        return None


# ------------------------------------------------------------------------------------------------------ javascript

NAMES_BYTES = 128 * 1024 * 1024
MODULES = b"napi_module_register\0"  # what Node.js, bun and deno export under this name to their native modules


def javascript(found: Job) -> list[int]:
    """The processes that run a JavaScript engine for servers, whatever their program is called: itself, or a library of it,
    names the function that every native module of Node.js calls.
    """
    known: dict[tuple[str, str], bool] = {}
    pids = []
    for row in found.value():
        try:
            rows = [line.split(None, 5) for line in rows_of(f"/proc/{row['pid']}/maps") if " r-xp " in line or " rwxp " in line]
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended while we looked
        for place, _, _, device, inode, *_path in rows:
            if inode == "0":
                continue
            if (device, inode) not in known:
                if len(known) >= FILES_AT_MOST:
                    raise Trouble("failed", f"over {FILES_AT_MOST} files are mapped to be run")
                known[device, inode] = names_modules(row["pid"], place, _path[0].strip() if _path else "")
            if known[device, inode]:
                pids.append(row["pid"])
                break
    return pids


def names_modules(pid: int, place: str, path: str) -> bool:
    """True if a mapped file names it among its dynamic symbols. The mapping itself is opened: the path may hold another now."""
    try:
        fd = mapped_file(pid, place, path)
    except (OSError, Trouble):
        return False
    try:
        return MODULES in dynamic_names(fd)
    finally:
        os.close(fd)


def mapped_file(pid: int, place: str, path: str) -> int:
    """A file that a process has mapped, opened; where the kernel does not give the mapping, what has its path now, found from
    the process's root on by no link: one that is there now may lead out of it. Raises Trouble or OSError.
    """
    with suppress(OSError):
        return opened_regular(os.open(f"/proc/{pid}/map_files/{place}", os.O_PATH | os.O_CLOEXEC), path)
    root = os.open(f"/proc/{pid}/root", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        return opened_regular(place_of(path, root), path)
    finally:
        os.close(root)


def dynamic_names(fd: int) -> bytes:
    """The names of an ELF file's dynamic symbols, nothing for what is no such file of 64 bits. What the file says of its own
    sizes is believed as far as the loader would, and memory lasts.
    """
    head = os.pread(fd, 64, 0)
    if len(head) < 64 or head[:6] != b"\x7fELF\x02\x01":
        return b""
    start, size, count = struct.unpack_from("<Q", head, 32)[0], *struct.unpack_from("<HH", head, 54)
    if size != 56 or not 0 < count <= 1170 or start >= 1 << 62:  # no more are loaded: 64 KiB of them
        return b""
    table = os.pread(fd, size * count, start)
    rows = [struct.unpack_from("<IIQQQQ", table, at) for at in range(0, len(table) - 55, size)]
    loads = [(address, offset, length) for kind, _, offset, address, _, length in rows if kind == 1]
    for kind, _, offset, _, _, length in rows:
        if kind == 2 and offset < 1 << 62:
            dynamic = os.pread(fd, min(length, 1 << 16), offset)
            said = dict(struct.unpack_from("<QQ", dynamic, at) for at in range(0, len(dynamic) - 15, 16))
            names, long = said.get(5, 0), said.get(10, 0)
            for address, place, span in loads:
                if address <= names < address + span and place + names - address < 1 << 62:
                    if long > NAMES_BYTES:
                        raise Trouble("failed", f"a mapped file has over {NAMES_BYTES} bytes of symbols' names")
                    return os.pread(fd, min(long, os.fstat(fd).st_size), place + names - address)
    return b""


# ---------------------------------------------------------------------------------------------------------- stores

PORTS = {"redis": 6379, "rediss": 6379, "http": 80, "https": 443, "ws": 80, "wss": 443, "mongodb": 27017}
REACH = 2.0
LONGEST_PLACE = 260
LAST_PORT = 65535
PLACES_AT_MOST = 20


def stores(service: Service, found: Job, open_sockets: Job) -> dict[str, Any]:
    """For each required setting that is an address: whether this host reaches it, and how many connections the service's
    own processes hold to it. A database is not connected to: it counts its clients. Of the setting nothing is told but the
    addresses and the port that its hosts stand for here (``places``), and which of them is connected to (``held``).
    """
    with Folder(service.folder) as root:
        values = Env(root).settings()
    mine = {row["pid"] for row in found.value() if row["unit"] in service.units}
    connections = [row for row in open_sockets.value()["connections"] if mine & set(row["pids"])]
    rows = {}
    for key in service.required_settings:
        scheme, hosts = url_of(values.get(key, ""))
        if scheme not in PORTS:
            continue
        outcomes, held = set(), 0
        places: set[tuple[str, int]] = set()
        ends: set[tuple[str, int]] = set()
        if len(hosts) > PLACES_AT_MOST:
            raise Trouble("failed", f"{key} names over {PLACES_AT_MOST} hosts")
        for place in hosts:
            outcome, resolved = reach(scheme, place)
            outcomes.add(outcome)
            places |= resolved
            mine_there = [row for row in connections if (row["remote_address"], row["remote_port"]) in resolved]
            held += len(mine_there)
            ends |= {(row["remote_address"], row["remote_port"]) for row in mine_there}
        best = next((word for word in ("reached", "not asked") if word in outcomes), min(outcomes))
        rows[key] = {"outcome": best, "connections": held, "places": sorted(map(list, places)), "held": sorted(map(list, ends))}
    return rows


URL = re.compile(r"([a-z+]+)://([^/?#]*)(.*)", re.ASCII | re.DOTALL)
OPTION = re.compile(r"[A-Za-z]\w*=[^/?#]*", re.ASCII)
HOST_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?"
PLACE = re.compile(
    r"(?:\[([0-9A-Fa-f:.]{2,45})\]|"
    rf"((?:(?:{HOST_LABEL}\.)*(?=[0-9_-]*[A-Za-z]){HOST_LABEL}|(?:[0-9]{{1,3}}\.){{3}}[0-9]{{1,3}})\.?))"
    r"(?::([0-9]{1,5}))?", re.ASCII,
)  # fmt: skip


def url_of(value: str) -> tuple[str, list[str]]:
    """The scheme of a setting, empty where it is no URL, and its ``host:port`` s. Where a password that is not quoted may have
    cut the URL in another place (a second ``@``, or one behind the host), there is one place that is none: a piece of a secret
    is asked of no name server.
    """
    match = URL.fullmatch(value)
    if match is None:
        return "", []
    scheme, authority, rest = match.groups()
    path, _, query = rest.partition("?")
    if authority.count("@") > 1 or "@" in (path if all(map(OPTION.fullmatch, query.split("&"))) else rest):
        return scheme, [""]
    hosts = authority.rpartition("@")[2]
    return scheme, hosts.split(",") if scheme == "mongodb" else [hosts]


def reach(scheme: str, place: str) -> tuple[str, set[tuple[str, int]]]:
    """How far a connection to ``host:port`` comes, and what the name stands for. Only what has the form of a host's name or
    address is looked up.
    """
    match = PLACE.fullmatch(place) if len(place) <= LONGEST_PLACE else None
    if match is None or not 0 < int(match.group(3) or PORTS[scheme]) <= LAST_PORT:
        return "unparsable", set()
    port = int(match.group(3) or PORTS[scheme])
    try:
        rows = socket.getaddrinfo(match.group(1) or match.group(2), port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return "unresolved", set()
    resolved = {(str(row[4][0]), port) for row in rows}
    if scheme == "mongodb":
        return "not asked", resolved
    outcome = "unresolved"
    for family, kind, protocol, _, address in rows:
        try:
            with socket.socket(family, kind, protocol) as connection:
                connection.settimeout(REACH)
                connection.connect(address)
                if scheme == "redis":
                    connection.sendall(b"PING\r\n")
                    if connection.recv(64)[:1] not in {b"+", b"-"}:
                        outcome = "silent"
                        continue
                return "reached", resolved
        except ConnectionRefusedError:
            outcome = "refused"
        except (TimeoutError, socket.timeout):
            outcome = "timeout"
        except OSError:
            outcome = "unreachable"
    return outcome, resolved


# ---------------------------------------------------------------------------------------------------------- copies

COPY_ROOTS = ("/",)
# What the kernel makes up; and snapd's images, of which there are many, each sealed by its publisher.
NO_FILES = {
    "proc", "sysfs", "cgroup", "cgroup2", "devpts", "mqueue", "debugfs", "tracefs", "securityfs", "pstore", "bpf", "configfs",
    "hugetlbfs", "fusectl", "binfmt_misc", "autofs", "rpc_pipefs", "nsfs", "efivarfs", "selinuxfs", "fuse.lxcfs",
}  # fmt: skip
FOLDERS_AT_MOST = 250_000
SIGNS = {".git", "pyproject.toml", "package.json"}
BARE = {"HEAD", "objects", "refs"}
TELLING = {*SIGNS, *BARE, "__init__.py", "uv.lock", "package-lock.json"}
UNREADABLE = "unreadable"
LEADS_AWAY = "(its repository is not its owner's)"
COPIES_AT_MOST = 200
PROJECT_NAME = re.compile(r"""^[ \t]*(?:name[ \t]*=|"name"[ \t]*:)[ \t]*["']([A-Za-z0-9._@/-]{1,100})["']""", re.MULTILINE)


HASHED = re.compile(r"(/.+)/\.npm/_cacache/(?:content-v2/sha\d+|index-v5)/[0-9a-f]{2}/[0-9a-f]{2}")
STEPS_AT_MOST = 200  # to a folder whose path is longer than the kernel takes: what lies deeper is not searched, and told


def copies(services: list[Service], accounts: frozenset[int] = frozenset()) -> dict[str, Any]:
    """Every checkout on this host besides the services' own, bare ones and worktrees too, by path and origin; every project
    folder by the name in its project file; every copy of a service's Python package. What an engine keeps for containers
    is the engines' matter, and a folder of one of ``accounts``, by which the stores run, is a store's data.
    """
    own = {service.folder for service in services}
    modules = {name: service.name for service in services for name in modules_in(service.folder)}
    found: list[dict[str, Any]] = []
    count = 0
    with ExitStack() as held:
        known: list[Ours] = []
        for path, names in folders_to_search(own, accounts):
            count += 1
            if UNREADABLE in names:
                found.append({"path": path[:LONGEST_PATH], "kind": UNREADABLE, "names": [], "same": []})
            elif path not in own and (names & SIGNS or (names >= BARE and not path.endswith("/.git"))):
                with suppress(OSError, Trouble), held_by_steps(path) as folder:  # gone, or moved, meanwhile
                    rows = list(copy_in(folder, names))
                    known = known or [Ours(row, held) for row in services if rows and os.path.isdir(row.folder)]
                    same = same_as(folder, names, known) if rows else []
                    found += [{**row, "same": same} for row in rows]
            parent, _, name = path.rpartition("/")
            if name in modules and "__init__.py" in names and parent not in own:
                found.append({"path": path, "kind": "package", "names": [name], "same": [modules[name]]})
            if len(found) > COPIES_AT_MOST:
                raise Trouble("failed", f"over {COPIES_AT_MOST} checkouts and projects: not all of them were looked at")
    return {"folders": count, "found": found}


def accounts_of(stores: list[str], services: list[Service], found: Job) -> frozenset[int]:
    """The accounts that the stores' units run by, and nobody else has code by; none where the processes cannot be told: then
    all is searched.
    """
    rows = found.result().get("value", []) if stores else []
    people = {person.pw_name: person.pw_uid for person in pwd.getpwall()}
    others = {people.get(name) for service in services for name in (service.owner, service.user or service.owner)} | {0}
    return frozenset({row["uid"] for row in rows if row["unit"] in stores} - others)


def folders_to_search(own: set[str], accounts: frozenset[int]) -> Iterator[tuple[str, set[str]]]:
    """Each folder where a copy may lie, and the telling names in it; no link is followed. Somebody may move folders meanwhile:
    what is read in one is read in what ``held_by_steps`` finds there. Of one that root cannot look into, or that lies too
    deep, the name is ``UNREADABLE``.
    """
    homes = {(person.pw_dir, person.pw_uid) for person in pwd.getpwall()}
    left = {f"{folder}/{name}" for folder in own for name in (".venv", "node_modules", "dist", "builds", ".git")}
    left |= {"/var/lib/docker", "/var/lib/containerd", "/var/lib/containers", "/run/containerd", "/run/docker"}
    left |= {f"/var/lib/voxbuild/{os.path.basename(folder)}/{part}" for folder in own for part in ("in/tree", "tree", "cache")}
    left |= made_up()
    waiting = [path for path in COPY_ROOTS if os.path.isdir(path) and not os.path.islink(path)]
    for _ in range(FOLDERS_AT_MOST):
        if not waiting:
            return
        path = waiting.pop()
        try:
            names, below = looked_into(path, left, accounts, homes)
            waiting += below
        except (FileNotFoundError, NotADirectoryError):
            continue
        except (OSError, Trouble):
            if os.geteuid() != 0:  # then most of a host cannot be looked into, and the whole is no answer
                raise
            names = {UNREADABLE}
        yield path, names
    if waiting:
        raise Trouble("failed", f"over {FOLDERS_AT_MOST} folders: not all of them were searched")


def looked_into(path: str, left: set[str], accounts: frozenset[int], homes: set[tuple[str, int]]) -> tuple[set[str], list[str]]:
    """The telling names in a folder, and the folders in it that are searched too. Raises Trouble or OSError."""
    names, below = set(), []
    with ExitStack() as held, scanned(path, held) as entries:
        for entry in entries:
            if entry.name in TELLING:
                names.add(entry.name)
            if not entry.is_dir(follow_symlinks=False):
                continue
            inner = f"{path.rstrip('/')}/{entry.name}"
            if inner in left or is_cached(inner, entry, homes):
                continue
            if not accounts or entry.stat(follow_symlinks=False).st_uid not in accounts:
                below.append(inner)
    return names, below


def scanned(path: str, held: ExitStack) -> Any:
    """What ``os.scandir`` gives for a folder, however long its path is. Raises Trouble where it is too long for us."""
    try:
        return os.scandir(path)
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG:
            raise
    if path.count("/") > STEPS_AT_MOST:
        raise Trouble("failed", "a folder that lies too deep")
    return os.scandir(held.enter_context(held_by_steps(path)).fd)


def is_cached(path: str, entry: os.DirEntry[str], homes: set[tuple[str, int]]) -> bool:
    """True for one of the 65,000 folders, named by hashes, of npm's cache in the home of the account that it belongs to: as long
    as there is no folder in it.
    """
    match = HASHED.fullmatch(path)
    if match is None:
        return False
    found = entry.stat(follow_symlinks=False)
    return (match.group(1), found.st_uid) in homes and found.st_nlink == 2


def made_up() -> set[str]:
    """Where file systems without files of anybody's are mounted: by root, who alone can, but for those of FUSE."""
    rows = [line.split(" - ", 1) for line in rows_of("/proc/self/mountinfo")]
    mounts = [(row[0].split()[4].encode().decode("unicode_escape"), row[1].split()) for row in rows if len(row) == 2]
    return {"/proc"} | {
        path
        for path, (kind, *_, options) in mounts
        if (kind in NO_FILES and (not kind.startswith("fuse.") or "user_id=0" in options.split(",")))
        or (kind == "squashfs" and path.startswith("/snap/"))
    }


def modules_in(folder: str) -> list[str]:
    """The Python packages that lie at the top of a folder: without its name a copy of one does not run."""
    return [name for name in names_in(folder) if os.path.isfile(f"{folder}/{name}/__init__.py") and name != "tests"]


def held_by_steps(path: str) -> Folder:
    """A folder held open, found from the root on step by step: no link is followed on the whole way."""
    at = Folder("/")
    for part in filter(None, path.split("/")):
        with at:
            at = Folder(part, at)
    return at


COMMIT = re.compile(r"(?<![0-9a-f])[0-9a-f]{40}(?![0-9a-f])")
STORES_AT_MOST = 64
PACKS_AT_MOST = 1000
TIPS_AT_MOST = 1000


class Elsewhere(Trouble):
    """Something of somebody's leads to what is not his, or to nothing, which is not told apart: root looks at neither for him."""

    def __init__(self, path: str, leads: os.stat_result | None = None) -> None:
        super().__init__("failed", f"{path}: leads to no folder of its owner's")
        self.leads = (leads.st_dev, leads.st_ino) if leads else None


def entered(name: str, at: Folder, held: ExitStack) -> Folder:
    """A folder in a repository, or the one that a link in its place leads to. Raises Trouble or OSError."""
    found = at.stat(name)
    if found is None or not stat.S_ISLNK(found.st_mode):
        return held.enter_context(Folder(name, at))
    handle = place_of(name, at.fd)
    try:
        return followed(os.readlink("", dir_fd=handle), at, at, os.fstat(handle).st_uid, held)
    finally:
        os.close(handle)


def followed(path: str, base: Folder, at: Folder, owner: int, held: ExitStack) -> Folder:
    """The folder that a link or file of ``owner``'s, which lies in ``at``, says by its way from ``base``: where it is his own; or
    where root says it, in a folder that nobody else can put something into. Raises Elsewhere for any other, Trouble or OSError.
    """
    try:
        handle, _ = led(os.path.join(base.path, path))
    except (OSError, Trouble):
        raise Elsewhere(at.path) from None
    try:
        here, there = os.fstat(at.fd), os.fstat(handle)
        if here.st_uid != 0 or here.st_mode & 0o022 if owner == 0 else there.st_uid != owner:
            raise Elsewhere(at.path, there)
        return held.enter_context(Folder(os.readlink(f"/proc/self/fd/{handle}"), handle=handle))
    finally:
        os.close(handle)


def own_text(name: str, at: Folder) -> tuple[str, int]:
    """What a small file of a folder says, and whose it is. It is its folder's owner's, or anybody may read it: others' could have
    been moved there by who may not. Raises Trouble or OSError.
    """
    with at.open(name) as file:
        found = os.fstat(file.fileno())
        if found.st_uid != os.fstat(at.fd).st_uid and not found.st_mode & 0o004:
            raise Trouble("denied", f"{at.path}/{name}: another account's")
        return taken(file, SMALL_FILE, f"{at.path}/{name}").decode(errors="surrogateescape"), found.st_uid


class Objects:
    """The objects of a repository, by its files alone: git would do what the repository's configuration says."""

    def __init__(self, repository: Folder, held: ExitStack) -> None:
        self.stores: list[Folder] = []
        self.others: set[tuple[int, int] | None] = set()  # stores that it names, and that are not its owner's
        self.add(partial(entered, "objects", repository, held))
        for store in self.stores:  # it grows meanwhile
            with suppress(OSError, Trouble):
                info = entered("info", store, held)
                text, owner = own_text("alternates", info)
                for line in text.splitlines():
                    if line and not line.startswith("#") and "\0" not in line:
                        self.add(partial(followed, line, store, info, owner, held))

    def add(self, find: Callable[[], Folder]) -> None:
        """One more store; one that is not there gives nothing, nor one that is there already."""
        if len(self.stores) + len(self.others) >= STORES_AT_MOST:
            return
        try:
            store = find()
        except Elsewhere as elsewhere:
            self.others.add(elsewhere.leads)
        except (OSError, Trouble):
            return
        else:
            if not any(os.path.sameopenfile(store.fd, other.fd) for other in self.stores):
                self.stores.append(store)

    def borrows_of(self, other: Objects) -> bool:
        """True if it names a store of the other's: then it may have any of its objects."""
        return any((found.st_dev, found.st_ino) in self.others for found in (os.fstat(store.fd) for store in other.stores))

    def any_of(self, ids: set[str]) -> bool:
        """True if one of these is there: by itself, or in a pack."""
        return bool(ids) and any(self.has(store, ids) for store in self.stores)

    def has(self, store: Folder, ids: set[str]) -> bool:
        """True if a store has one of them."""
        for one in ids:
            with suppress(OSError, Trouble), ExitStack() as held:
                if entered(one[:2], store, held).stat(one[2:]):
                    return True
        with suppress(OSError, Trouble), ExitStack() as held:
            packs = entered("pack", store, held)
            with os.scandir(packs.fd) as entries:
                names = [entry.name for entry in islice(entries, NAMES_AT_MOST) if entry.name.endswith(".idx")]
            if len(names) > PACKS_AT_MOST:
                raise Trouble("failed", f"{packs.path}: over {PACKS_AT_MOST} packs")
            for name in names:
                with suppress(OSError, Trouble), packs.open(name) as index:
                    if any(in_pack(index.fileno(), bytes.fromhex(one)) for one in ids):
                        return True
        return False


def in_pack(fd: int, wanted: bytes) -> bool:
    """True if a pack's index, of either version, has an object: a table of how many begin with up to each byte, then names."""
    table, row, skipped = (8, 20, 0) if os.pread(fd, 8, 0) == b"\xfftOc\0\0\0\2" else (0, 24, 4)
    counts = struct.unpack(">256I", os.pread(fd, 1024, table).ljust(1024, b"\0"))
    low, high = counts[wanted[0] - 1] if wanted[0] else 0, counts[wanted[0]]
    while low < high:
        middle = (low + high) // 2
        name = os.pread(fd, 20, table + 1024 + middle * row + skipped)
        if name == wanted:
            return True
        low, high = (middle + 1, high) if name < wanted else (low, middle)
    return False


def repository_of(folder: Folder, held: ExitStack) -> Folder:
    """The repository of a checkout, a worktree or a bare one. Raises Trouble or OSError."""
    found = folder.stat(".git")
    if found is None:
        place = folder
    elif stat.S_ISREG(found.st_mode):
        text, owner = own_text(".git", folder)
        place = followed(leads_to(text), folder, folder, owner, held)
    else:
        place = entered(".git", folder, held)
    if place.stat("commondir") is None:
        return place
    text, owner = own_text("commondir", place)
    return followed(leads_to(f"gitdir:{text}"), place, place, owner, held)


def leads_to(text: str) -> str:
    """The path that a ``.git`` which is a file names. Raises Trouble where it names none."""
    path = text[len("gitdir:") :].strip() if text.startswith("gitdir:") else ""
    if not path or "\0" in path:
        raise Trouble("unparsable", "a .git names no repository")
    return path


def locks_of(folder: Folder, names: Iterable[str]) -> set[str]:
    """The hashes of the locks in a folder: a copy's is the same."""
    found = set()
    for name in {"uv.lock", "package-lock.json"}.intersection(names):
        with suppress(OSError, Trouble):
            found.add(fingerprint(folder, name)[1])
    return found


class Ours:
    """What a copy of a service's project shares with it, whatever it is called: commits, a lock."""

    def __init__(self, service: Service, held: ExitStack) -> None:
        self.name = service.name
        self.firsts: set[str] = set()
        self.objects: Objects | None = None
        root = held.enter_context(Folder(service.folder))
        self.locks = locks_of(root, ("uv.lock", "package-lock.json"))
        with suppress(OSError, Trouble):
            self.objects = Objects(repository_of(root, held), held)
            ended = git(["rev-list", "--max-parents=0", "--all"], root, 3.0, NO_CONFIGURATION)
            self.firsts = set(COMMIT.findall(ended.out)) if ended.status == 0 else set()


def same_as(folder: Folder, names: set[str], known: list[Ours]) -> list[str]:
    """The services of whose project a folder is a copy: it has the first commit, or what it has checked out is one of theirs, or
    the lock is the same. It is only read: by root, who runs nothing there and believes nothing.
    """
    locks = locks_of(folder, names)
    found = {one.name for one in known if locks & one.locks}
    with suppress(OSError, Trouble), ExitStack() as held:
        repository = repository_of(folder, held) if names & {".git", "objects"} else None
        if repository:
            objects, tips = Objects(repository, held), tips_of(repository)
            found |= {one.name for one in known if one.objects and (objects.borrows_of(one.objects) or one.objects.any_of(tips))}
            found |= {one.name for one in known if objects.any_of(one.firsts)}
    return sorted(found)


def tips_of(repository: Folder) -> set[str]:
    """The commits that a repository names: of one that is shallow the first is not there."""
    texts = []
    with suppress(OSError, Trouble):
        texts.append(own_text("HEAD", repository)[0])
    branch = re.fullmatch(r"ref: (refs(?:/(?!\.)[\w.+@-]+)+)\n?", texts[0]) if texts else None
    for name in ("shallow", "packed-refs", *(branch.groups() if branch else ())):
        with suppress(OSError, Trouble):
            texts.append(own_text(name, repository)[0])
    return {match.group() for text in texts for match in islice(COMMIT.finditer(text), TIPS_AT_MOST)}


def copy_in(folder: Folder, names: set[str]) -> Iterator[dict[str, Any]]:
    """What a folder is a copy of, judged by what lies in it."""
    kind = "bare" if names >= BARE else ""
    if ".git" in names:
        kind = "worktree"
        found = folder.stat(".git")
        if found is not None and not stat.S_ISREG(found.st_mode):
            kind = "checkout"
    if kind:
        names_told = sorted(origins(folder, kind))
        if kind != "worktree" or names_told:  # uv's cache has an empty file of that name, against searches from below
            yield {"path": folder.path, "kind": kind, "names": names_told}
    if any(part in f"{folder.path}/" for part in ("/node_modules/", "/site-packages/", "/usr/share/nodejs/")):
        return
    for file in {"pyproject.toml", "package.json"} & names:
        try:
            project = PROJECT_NAME.search(own_text(file, folder)[0])
        except (OSError, Trouble):
            continue
        if project:
            yield {"path": folder.path, "kind": "project", "names": [project.group(1)]}


def origins(folder: Folder, kind: str) -> set[str]:
    """The last part of each URL in a repository's configuration: the names of the repositories it is a copy of."""
    try:
        if kind == "worktree":  # or a submodule: it says where its repository is
            return {os.path.basename(leads_to(own_text(".git", folder)[0]).split("/.git")[0])}
        with ExitStack() as held:
            text, _ = own_text("config", repository_of(folder, held))
    except Elsewhere:
        return {LEADS_AWAY}
    except (OSError, Trouble):
        return set()
    urls = re.findall(r"^[ \t]*url[ \t]*=[ \t]*(\S+)", text, re.MULTILINE)
    return {re.sub(r"\.git$", "", url.rstrip("/")).rpartition("/")[2].rpartition(":")[2] for url in urls}


# ------------------------------------------------------------------------------------------------------------ jobs

MOVERS = re.compile(r"(?<![\w./%-])(?:/[\w./-]*/)?(git|rsync|pip3?(?:\.\d+)?|uvx?|npm|npx)(?![\w./-])", re.ASCII)
MOVER_NAMES = ("git", "rsync", "pip", "pip3", "uv", "uvx", "npm", "npx")
WORD = re.compile(r"[\w./@+-]+", re.ASCII)
INTERPRETED = re.compile(
    r"(?:^|[\s;&|/(])(?:sh|bash|dash|ash|ksh|zsh|busybox|python[\d.]*|perl|ruby|node|source|\.)\s+(?:-\S+\s+)*([\w./@+-]+)",
    re.MULTILINE,
)
COMMENT = re.compile(r"^[ \t]*#(?!!).*$", re.MULTILINE)
SCRIPT_DEPTH = 3
SCRIPTS_AT_MOST = 5000  # files that one job may name
SCRIPT_BYTES = 1 << 20
LONGEST_PATH = 4096  # of the kernel's: no file is called by more
WORDS_AT_MOST = 20_000  # each may be a file's name
JOBS_AT_MOST = 5000
JOBS_BYTES = 8 * 1024 * 1024  # what all jobs are, together
UNIT_COMMANDS = ("ExecStart", "ExecStartPre", "ExecStartPost", "ExecCondition", "ExecReload", "ExecStop", "ExecStopPost")


def jobs(services: list[Service]) -> list[dict[str, Any]]:
    """Everything on this host that starts by itself, and which of the programs that move code it runs: crontabs, timers,
    paths, units placed by hand, at jobs, users' own units. Scripts are followed. No command is told, only the movers in it.
    """
    folders = tuple(service.folder for service in services)
    planned = list(few_enough(chain(cron_jobs(), spooled_jobs(), user_units())))
    rows = [(where, user, at_home(text, user), folders) for where, user, text in planned]
    # What runs at a service's folder is judged by its process; here only what comes and goes, or waits for the next boot.
    rows += [(where, user, text, () if runs else folders) for where, user, text, runs in unit_jobs(services)]
    found = []
    for where, user, text, named in rows:
        # An account's own words lead no further than its own eyes; those of root's files are root's, whoever they run as.
        with seeing_as(uid_of(user) if where.startswith("/") and not where.startswith(("/etc/", "/usr/")) else 0):
            runs = movers(text, named, stands=(home_of(user),))
        found.append({"where": where, "user": user, "runs": sorted(runs)})
    return found


def few_enough(planned: Iterable[tuple[str, str, str]]) -> Iterator[tuple[str, str, str]]:
    """The jobs one by one. Raises Trouble where they are too many to be looked at."""
    left = JOBS_BYTES
    for count, row in enumerate(planned):
        left -= len(row[2])
        if count >= JOBS_AT_MOST or left < 0:
            raise Trouble("failed", f"over {JOBS_AT_MOST} jobs, or {JOBS_BYTES} letters of them")
        yield row


@lru_cache(maxsize=4096)
def home_of(user: str) -> str:
    """Where an account's jobs begin."""
    try:
        return pwd.getpwnam(user).pw_dir
    except KeyError:
        return "/"


NOBODY = 65534


def uid_of(user: str) -> int:
    """An account's number; nobody's for one that is not there."""
    try:
        return int(user) if user.isascii() and user.isdigit() else pwd.getpwnam(user).pw_uid
    except KeyError:
        return NOBODY


@lru_cache(maxsize=4096)
def groups_of(uid: int) -> tuple[int, ...]:
    """An account's groups, its own first."""
    try:
        person = pwd.getpwuid(uid)
    except KeyError:
        return (NOBODY,)
    return tuple(dict.fromkeys((person.pw_gid, *os.getgrouplist(person.pw_name, person.pw_gid))))


def seen_as() -> int:
    """The account whose rights this thread has to files."""
    import ctypes  # noqa: PLC0415 - needed here only

    return int(ctypes.CDLL(None).setfsuid(-1)) & 0xFFFFFFFF  # no account has that number: nothing is set


@contextmanager
def seeing_as(uid: int) -> Iterator[None]:
    """Meanwhile this thread, and no other, may look where an account may, by the kernel's own judgement of user, groups, modes
    and lists. Where the probe is not root, it is who it is. Raises Trouble where that cannot be.
    """
    before = seen_as()
    if os.geteuid() != 0 or uid == before:
        yield
        return
    groups = os.getgroups()  # of this thread, as the kernel has them
    see_with(uid, groups_of(uid)[0], groups_of(uid))
    try:
        yield
    finally:
        see_with(before, groups_of(before)[0], groups)


def see_with(uid: int, gid: int, groups: Sequence[int]) -> None:
    """Take an account's rights to files. Of the C library's calls for groups each changes all threads: the kernel is asked."""
    import ctypes  # noqa: PLC0415 - needed here only

    library, numbers = ctypes.CDLL(None), (ctypes.c_uint32 * len(groups))(*groups)
    failed = system_call(SETGROUPS.get(os.uname().machine, -1), len(groups), ctypes.addressof(numbers))
    library.setfsgid(ctypes.c_uint32(gid))
    library.setfsuid(ctypes.c_uint32(uid))
    if failed or seen_as() != uid:
        library.setfsuid(ctypes.c_uint32(NOBODY))
        raise Trouble("failed", f"the rights of {account(uid)} cannot be taken: what it may read is not known")


def at_home(text: str, user: str) -> str:
    """A command line with the account's home put in where a shell would."""
    text = re.sub(r"(?<![\w./~])~(?=[/\s]|$)|\$HOME\b|\$\{HOME\}", lambda _: home_of(user), text)
    return re.sub(r"(?<![\w./~])~([a-z_][a-z0-9_-]*)(?=[/\s]|$)", lambda found: home_of(found.group(1)), text)


def movers(
    text: str, folders: tuple[str, ...] = (), depth: int = 0, seen: set[str] | None = None, stands: tuple[str, ...] = ()
) -> set[str]:
    """The movers that a command line or a script runs, also through the scripts that it names, relative ones from where it
    ``stands``; and the folders of services that it names: whatever is done there by itself is not done by the gate.
    """
    seen = set() if seen is None else seen
    text = COMMENT.sub("", text)
    found = set(MOVERS.findall(text)) | {folder for folder in folders if re.search(re.escape(folder) + r"(?![\w.-])", text)}
    if depth < SCRIPT_DEPTH:
        read = set(INTERPRETED.findall(text))
        words_said = set(WORD.findall(text)) | read
        if len(words_said) > WORDS_AT_MOST:
            raise Trouble("failed", f"a job of over {WORDS_AT_MOST} words")
        for word in words_said:
            for path in paths_of(word, depth, stands if depth == 0 or "/" in word or word in read else ()):
                if path in seen:
                    continue
                seen.add(path)
                if len(seen) > SCRIPTS_AT_MOST:
                    raise Trouble("failed", f"a job names over {SCRIPTS_AT_MOST} files")
                found |= run_by(path, folders, depth, seen, is_read=word in read, stands=stands)
    return found


def paths_of(word: str, depth: int, stands: tuple[str, ...]) -> list[str]:
    """The files that a word of a command may mean."""
    if len(word) >= LONGEST_PATH:
        return []
    if word.startswith("/"):
        return [word]
    found = [shutil.which(word, path=PATH)] if depth == 0 and "/" not in word else []
    near = [os.path.normpath(f"{folder}/{word}") for folder in stands]
    return [path for path in [*found, *near] if path is not None and os.path.isfile(path)]


def run_by(
    path: str, folders: tuple[str, ...], depth: int, seen: set[str], *, is_read: bool = False, stands: tuple[str, ...] = ()
) -> set[str]:
    """The movers that a program runs: itself, by whatever name, or what its script says. A text is a script where it can be
    run, or where an interpreter is told to read it, with or without a first line that says so.
    """
    real = os.path.realpath(path)
    try:
        found, head = start_of(real)
    except PermissionError:
        return run_unread(real)
    except (OSError, Trouble):
        return set()
    if head.startswith(b"\x7fELF"):
        return {name for name in MOVER_NAMES if same_program(real, name)}
    runs = is_read or found.st_mode & 0o111 or head.startswith(b"#!") or real.endswith((".sh", ".py", ".pl", ".rb"))
    if b"\0" in head[:4096] or not runs:
        return set()
    if len(head) > SCRIPT_BYTES:
        raise Trouble("failed", f"{path}: a script of over {SCRIPT_BYTES} bytes")
    here = (*dict.fromkeys((*stands, os.path.dirname(real))),)
    # Root's job that comes to the words of another goes on with that one's eyes.
    whose = seen_as() or (NOBODY if found.st_mode & 0o022 else found.st_uid)
    with seeing_as(whose):
        return movers(at_home(head.decode(errors="replace"), account(found.st_uid)), folders, depth + 1, seen, here)


def run_unread(path: str) -> set[str]:
    """The mover that a program is which an account may run and not read: of such a one is said no more."""
    try:
        fd = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return set()
    try:
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode) or not found.st_mode & 0o111:
            return set()
        with seeing_as(0):
            return {name for name in MOVER_NAMES if same_program(f"/proc/self/fd/{fd}", name)}
    finally:
        os.close(fd)


def start_of(path: str) -> tuple[os.stat_result, bytes]:
    """What a regular file is, and its first part, of a script one byte more than may be. Raises Trouble for anything else."""
    with open(opened(path), "rb") as file:
        head = file.read(4096)
        return os.fstat(file.fileno()), head if b"\0" in head else head + file.read(SCRIPT_BYTES + 1 - len(head))


def same_program(path: str, name: str) -> bool:
    """True if a file is the program of that name, or a copy of it."""
    program = shutil.which(name, path=PATH)
    if program is None:
        return False
    try:
        with open(opened(path), "rb") as file:
            found, wanted = os.fstat(file.fileno()), os.stat(program)
            if os.path.samestat(found, wanted):
                return True
            held = f"/proc/self/fd/{file.fileno()}"
            return found.st_size == wanted.st_size and filecmp.cmp(held, program, shallow=False)
    except (OSError, Trouble):
        return False


def lines_of(path: str) -> list[str]:
    """The lines of a small file that is there, comments left out."""
    try:
        return [line for line in behind(path).splitlines() if line.strip() and not line.lstrip().startswith("#")]
    except (FileNotFoundError, NotADirectoryError):
        return []


def files_in(folder: str) -> list[str]:
    """The paths in a folder, none if it is not there."""
    try:
        return sorted(f"{folder}/{name}" for name in os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return []


def cron_jobs() -> Iterator[tuple[str, str, str]]:
    """Each line of each crontab, and each program that cron runs by its folder."""
    for path in ["/etc/crontab", "/etc/anacrontab", *files_in("/etc/cron.d"), "/etc/rc.local"]:
        for line in lines_of(path):
            if not re.match(r"\s*[A-Za-z_]+\s*=", line):
                words = line.split(None, 6)
                yield path, words[5] if len(words) > 6 and not line.startswith("@") else "root", line
    for folder in ("/var/spool/cron/crontabs", "/var/spool/cron"):
        for path in files_in(folder):
            for line in lines_of(path) if os.path.isfile(path) else ():
                if not re.match(r"\s*[A-Za-z_]+\s*=", line):
                    yield path, os.path.basename(path), line
    for folder in ("hourly", "daily", "weekly", "monthly", "yearly"):
        for path in files_in(f"/etc/cron.{folder}"):
            yield path, "root", path


def spooled_jobs() -> Iterator[tuple[str, str, str]]:
    """The jobs of at; whose they are is their file's owner."""
    for folder in ("/var/spool/cron/atjobs", "/var/spool/at"):
        for path in files_in(folder):
            if os.path.isfile(path) and not path.endswith("/.SEQ"):
                yield path, account(os.stat(path).st_uid), "\n".join(lines_of(path))


def user_units() -> Iterator[tuple[str, str, str]]:
    """Units of the users' own systemd, which lingers after a login, and their other ways to start something."""
    homes = {(one.pw_dir, one.pw_name) for one in pwd.getpwall() if one.pw_dir.startswith(("/home/", "/root", "/var/", "/srv/"))}
    parts = (".config/systemd/user", ".local/share/systemd/user")
    folders = [(f"{home}/{part}", user) for home, user in sorted(homes) for part in parts]
    for folder, user in [*folders, ("/etc/systemd/user", "every user"), ("/usr/local/lib/systemd/user", "every user")]:
        uid = 0 if user == "every user" else uid_of(user)
        for path in as_may_be_seen(folder, uid, files_in):
            if path.endswith(".service"):
                lines = as_may_be_seen(path, uid, lines_of)
                yield path, user, "\n".join(line.partition("=")[2] for line in lines if line.lstrip().startswith("Exec"))


def as_may_be_seen(path: str, uid: int, read: Callable[[str], list[str]]) -> list[str]:
    """What an account reads there; nothing where it may not, since then its own systemd reads nothing either. Raises OSError
    where not even root may look: that is a file system of the account's own.
    """
    try:
        with seeing_as(uid):
            return read(path)
    except PermissionError:
        with suppress(FileNotFoundError, NotADirectoryError):
            os.lstat(path)
        return []


def unit_jobs(services: list[Service]) -> Iterator[tuple[str, str, str, bool]]:
    """What timers and path units start, and what runs, or will, by a unit that did not come with the distribution; True for
    what has a process of its own now, and no timer.
    """
    disk = OnDisk()
    own = {unit for service in services for unit in service.units} | {service.unit for service in services}
    starters = {name for folder in UNIT_FOLDERS for name in names_in(folder) if name.endswith((".timer", ".path"))}
    listed = said("systemctl", "list-units", "--all", "--type=timer,path", "--plain", "--full", "--no-legend", "--no-pager")
    starters |= {line.split()[0] for line in listed.splitlines() if line.split()}
    starters = {name for name in starters if "@." not in name and not name.startswith("-")}
    started: dict[str, str] = {}
    if starters:
        for block in blocks_of("Id,Unit,ActiveState,UnitFileState", sorted(starters)):
            alive = block.get("ActiveState") in {"active", "activating"} or block.get("UnitFileState", "").startswith("enabled")
            if alive and block.get("Unit"):
                started[block["Unit"]] = block["Id"]
    placed = {name for name in disk.placed if "@." not in name and not name.startswith("-")} - own
    drawn = drawn_in({*started, *started.values()}, placed, disk.placed)
    started.update({name: by for name, by in drawn.items() if name not in started and name not in own and "@." not in name})
    names = sorted({*started, *placed})
    if not names:
        return
    for block in blocks_of(",".join(("Id", "User", "ActiveState", "UnitFileState", "MainPID", *UNIT_COMMANDS)), names):
        name = block.get("Id", "")
        alive = block.get("ActiveState") not in {"inactive", None} or block.get("UnitFileState") in {"enabled", "enabled-runtime"}
        if name in started or (alive and name not in own):
            commands = "\n".join(
                re.sub(r"^\{ path=|argv\[\]=|; ignore_errors=.*", " ", block.get(key, "")) for key in UNIT_COMMANDS
            )
            where = f"{started[name]} starts {name}" if name in started else name
            runs = name not in started and block.get("MainPID", "0") != "0"
            yield where, block.get("User") or "root", commands, runs


DRAWS = ("Wants", "Requires", "BindsTo", "Upholds", "OnSuccess", "OnFailure")


def drawn_in(started: set[str], maybe: set[str], placed: set[str]) -> dict[str, str]:
    """Services that an administrator placed and that start along with, or after, what starts: by the unit that draws them in.
    Of ``maybe`` only what is enabled or alive does: a unit that nothing draws in does nothing.
    """
    found: dict[str, str] = {}
    waiting = started | maybe
    for _ in range(5):
        if not waiting:
            break
        properties = ",".join(("Id", "ActiveState", "UnitFileState", *DRAWS))
        blocks, waiting = blocks_of(properties, sorted(waiting)), set()
        for block in blocks:
            name = block.get("Id", "")
            alive = block.get("ActiveState") != "inactive" or block.get("UnitFileState", "").startswith("enabled")
            if not (name in started or name in found or alive):
                continue
            for other in " ".join(block.get(key, "") for key in DRAWS).split():
                if other not in found and other in placed and UNIT.fullmatch(other):
                    found[other] = name
                    waiting.add(other)
    return found


def names_in(folder: str) -> list[str]:
    """The names in a folder, none if it is not there."""
    return [os.path.basename(path) for path in files_in(folder)]


def blocks_of(properties: str, names: list[str]) -> list[dict[str, str]]:
    """``systemctl show`` of units, one dictionary for each."""
    text = said("systemctl", "show", f"--property={properties}", "--", *names)
    found = []
    for block in text.strip().split("\n\n"):
        row: dict[str, str] = {}
        for line in block.splitlines():
            key, _, value = line.partition("=")
            row[key] = f"{row[key]}\n{value}" if key in row else value
        found.append(row)
    return found


# --------------------------------------------------------------------------------------------------------- believing


class Daemon(NamedTuple):
    """A daemon of the host's own whose word is taken: by which files, as which accounts and in which units it runs."""

    programs: tuple[str, ...]
    units: str
    accounts: tuple[str, ...] = ("root",)


DAEMONS = {
    "sshd": Daemon(("/usr/sbin/sshd",), r"sshd?(?:[-@].+)?"),
    "nginx": Daemon(("/usr/sbin/nginx",), r"nginx"),
    "haproxy": Daemon(("/usr/sbin/haproxy",), r"haproxy(?:[-@].+)?"),
    "dockerd": Daemon(("/usr/bin/dockerd", "/usr/sbin/dockerd"), r"docker"),
    "podman": Daemon(("/usr/bin/podman",), r"podman"),
    "chronyd": Daemon(("/usr/sbin/chronyd",), r"chronyd?", ("root", "_chrony", "chrony")),
    "ntpd": Daemon(("/usr/sbin/ntpd",), r"ntpd?|ntpsec|openntpd", ("root", "ntp", "ntpsec", "_ntp", "openntpd")),
    "systemd-timesyn": Daemon(
        ("/usr/lib/systemd/systemd-timesyncd", "/lib/systemd/systemd-timesyncd"), r"systemd-timesyncd", ("systemd-timesync",)
    ),
    "ptp4l": Daemon(("/usr/sbin/ptp4l",), r"ptp4l(?:@.+)?"),
    "phc2sys": Daemon(("/usr/sbin/phc2sys",), r"phc2sys(?:@.+)?"),
}


def called(name: str, found: Job) -> list[dict[str, Any]]:
    """The processes of a name. What is in a container is judged as such, and speaks for nothing on this host."""
    return [row for row in found.value() if row["command"] == name and not row["container"]]


def believed(name: str, claims: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[str]]:
    """Those of the processes that are the host's own daemon of that name, not something that calls itself so; and what speaks
    against each of the others, but for those that it started itself. Anybody chooses the name and the title of a process.
    Nobody but root chooses its account, its unit, and what lies in /usr.
    """
    good: list[dict[str, Any]] = []
    doubts: list[str] = []
    for row in sorted(claims, key=lambda one: bool(one["ppid"] != 1)):
        if row["ppid"] in {one["pid"] for one in good}:
            continue
        try:
            why = doubt(row, DAEMONS[name])
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended while we looked
        if why:
            doubts.append(f"process {row['pid']} of {row['user']} calls itself {name}, and {why}")
        else:
            good.append(row)
    return good, doubts


def doubt(row: dict[str, Any], daemon: Daemon) -> str:
    """What speaks against a process being the daemon itself; empty if nothing does. Raises OSError if it is gone."""
    with Folder(f"/proc/{row['pid']}") as its:  # held open: it stays this process's, whoever gets the number next
        with its.open("status") as file:
            status = dict(line.split(":\t", 1) for line in file.read().decode(errors="replace").split("\n") if ":\t" in line)
        root, exe = (os.stat(name, dir_fd=its.fd) for name in ("root", "exe"))
    users = {account(int(uid)) for uid in status["Uid"].split()}
    if len(users) > 1 or not users <= set(daemon.accounts):
        return f"runs as {' and '.join(sorted(users))}"
    if row["container"] or len(status.get("NSpid", "").split()) > 1 or not os.path.samestat(root, os.stat("/")):
        return "is in a container or under another root"
    programs = [path for path in daemon.programs if os.path.exists(path) and os.path.samestat(os.stat(path), exe)]
    if not programs:
        return f"runs another program than {' or '.join(daemon.programs)} is now"
    if place := others_change(programs[0]):
        return f"not only root can change {place}"
    if not re.fullmatch(rf"(?:{daemon.units})\.service", row["unit"]) or row["ppid"] != 1:
        return f"is not what its unit started: {row['unit'] or 'it is in none'}"
    return ""


def words_now(row: dict[str, Any]) -> list[str]:
    """The words of a process that was found to be believed, read after that."""
    with open(f"/proc/{row['pid']}/cmdline", "rb") as file:
        return list(map(os.fsdecode, file.read(SMALL_FILE).rstrip(b"\0").split(b"\0")))


def loose_files(who: str, files: Iterable[str]) -> list[str]:
    """Those of the files that a daemon reads that not only root can change, in words."""
    return [f"{who} reads {path}, and not only root can change {place}" for path in files if (place := others_change(path))]


def led(path: str) -> tuple[int, str]:
    """A file or folder, opened as a place only (O_PATH), by a way on which a link is followed only where nobody but root could
    have put it; and the first place on the way that others than root can change, empty for none. Raises Trouble for any
    other link, OSError where nothing is there.
    """
    at, where, loose, links = os.open("/", os.O_PATH | os.O_CLOEXEC), "", "", 0
    rest = path.split("/")
    try:
        while True:
            found = os.fstat(at)
            if not loose and (found.st_uid != 0 or found.st_mode & 0o022):
                loose = where or "/"
            while rest and rest[0] in {"", "."}:
                rest.pop(0)
            if not rest:
                return os.dup(at), loose
            part = rest.pop(0)
            below = os.open(part, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=at)
            if not stat.S_ISLNK(os.fstat(below).st_mode):
                os.close(at)
                at, where = below, os.path.dirname(where) if part == ".." else f"{where}/{part}"
                continue
            target, owner = os.readlink("", dir_fd=below), os.fstat(below).st_uid
            os.close(below)
            links += 1
            if loose or owner != 0 or links > 40:
                raise Trouble("failed", f"{path}: {where}/{part} is a link, and others than root can change it")
            rest = [*target.split("/"), *rest]
            if target.startswith("/"):
                os.close(at)
                at, where = os.open("/", os.O_PATH | os.O_CLOEXEC), ""
    except OSError as error:
        error.filename = path
        raise
    finally:
        os.close(at)


def others_change(path: str) -> str:
    """The first place on the way to a file, itself too, that others than root can change: where it is not there, also one in
    which they could make it. Empty for none.
    """
    try:
        handle, loose = led(path)
    except (FileNotFoundError, NotADirectoryError):
        return others_change(os.path.dirname(path)) if path.strip("/") else ""
    except Trouble as trouble:
        return trouble.text
    os.close(handle)
    return loose


def text_led(path: str) -> str:
    """The content of a small regular file of anybody's, read as root: by no link that others could have made, and nothing is
    opened that is no file. Raises Trouble or OSError.
    """
    with open(opened_regular(led(path)[0], path), "rb") as file:
        return taken(file, SMALL_FILE, path).decode(errors="surrogateescape")


# ----------------------------------------------------------------------------------------------- nginx and haproxy


ROOT = re.compile(r"""(?:^|[;{])[ \t\r]*(?:root|alias)\s+["']?([^\s;"']+)""", re.MULTILINE)
CONFIGURATION = re.compile(r"^# configuration file (/.+):\n", re.MULTILINE)
NGINX_INCLUDE = re.compile(r"""(?:^|[\s;{}])include\s+["']?([^\s;"']+)""")
NGINX_WORD = re.compile(
    r"""#[^\n]*|[{};]|"([^"\\]*(?:\\.[^"\\]*)*)"|'([^'\\]*(?:\\.[^'\\]*)*)'"""
    r"""|((?:\\.|\$\{[^}\s]{0,99}\}|[^\s{};"'\\])(?:\\.|\$\{[^}\s]{0,99}\}|[^\s{};\\])*)""",
    re.DOTALL,
)


NGINX = "/usr/sbin/nginx"
NGINX_CONFIG = "/etc/nginx/nginx.conf"


def nginx(found: Job) -> dict[str, Any]:
    """Whether nginx runs, what it says of its configuration on disk, when that was changed, since when its workers run. It is
    not asked where not only root can change that: it would load what stands there. ``doubts`` say that, and what calls itself
    nginx and is not.
    """
    rows = called("nginx", found)
    none = {"masters": [], "status": 0, "flaws": "", "changed": 0.0, "workers": [], "roots": [], "config": "", "sites": []}
    if not rows:
        return {**none, "doubts": []}
    if os.geteuid() != 0:
        raise Trouble("denied", "nginx -t needs root")
    masters, doubts = believed("nginx", rows)
    files = list(dict.fromkeys(nginx_files(NGINX_CONFIG)))
    loose = loose_files("nginx", files)
    if masters and not loose:
        loose = nginx_loose(files, run([NGINX, "-V"], DEADLINE - 1).err)
    if not masters or loose:
        return {**none, "masters": [words_now(row)[0][:200] for row in masters], "doubts": doubts + loose}
    ended = run([NGINX, "-T"], DEADLINE - 1)
    _, *dumped = CONFIGURATION.split(ended.out)
    texts = {dumped[at]: dumped[at + 1] for at in range(0, len(dumped), 2)}
    files = list(texts) or [
        path for folder, _, names in os.walk("/etc/nginx") for path in [folder, *(f"{folder}/{name}" for name in names)]
    ]
    files += sorted({os.path.dirname(path) for path in files})
    flaw = re.search(r" in (/\S+:\d+)", ended.err) if ended.status else None
    config = re.search(r"^nginx: (?:the )?configuration file (/\S+) ", ended.err, re.MULTILINE)
    workers = [
        row["started"]
        for row in rows
        if row["ppid"] in {master["pid"] for master in masters}
        and row["argv"][:1]
        and row["argv"][0].startswith("nginx: worker process")
        and "shutting down" not in row["argv"][0]
    ]
    return {
        "masters": [words_now(row)[0][:200] for row in masters],
        "status": ended.status,
        "flaws": flaw.group(1) if flaw else "",
        "changed": max((os.stat(path).st_ctime for path in files if os.path.exists(path)), default=0.0),
        "workers": sorted(workers),
        "roots": sorted(set(ROOT.findall(COMMENT.sub("", ended.out)))),
        "config": config.group(1) if config else "",
        "sites": nginx_sites(texts),
        "doubts": doubts,
    }


def nginx_files(path: str, depth: int = 0) -> Iterator[str]:
    """The files that nginx's configuration consists of, each with the folder that it may find more in; of one that not only
    root can change nothing is read.
    """
    yield from (path, os.path.dirname(path))
    if depth > SCRIPT_DEPTH * 3 or others_change(path):
        return
    for pattern in NGINX_INCLUDE.findall("\n".join(lines_of(path))):
        place = os.path.join(os.path.dirname(NGINX_CONFIG), pattern)
        yield from glob.glob(os.path.dirname(place)) or [os.path.dirname(place)]
        for included in sorted(glob.glob(place)):
            yield from nginx_files(included, depth + 1)


NGINX_OPENS = re.compile(r"access_log|error_log|pid|load_module|[a-z_]+_temp_path|[a-z_]+_cache_path")
NGINX_BUILT = re.compile(r"--((?:error-log|pid|http-[a-z-]+-temp|http-log)-path|prefix)=(\S+)")


def nginx_loose(files: list[str], says: str) -> list[str]:
    """Where `nginx -T`, as root, would open, make or give away what others than root chose, in words: it opens each log and the
    file of its number, makes folders and gives them to its workers, and runs modules. A log of the workers' own is good in a
    folder that is root's. ``says`` is `nginx -V`: what it was built to open.
    """
    built = dict(NGINX_BUILT.findall(says))
    prefix = built.pop("prefix", "/usr/share/nginx")
    opened = dict.fromkeys(("/var/log/nginx/error.log", *built.values()), "")
    for file in files:
        if os.path.isfile(file):
            for words_said, _, _ in nginx_blocks(nginx_statements({file: behind(file)}, file, "/", SCRIPT_DEPTH * 3)):
                if len(words_said) > 1 and NGINX_OPENS.fullmatch(words_said[0]):
                    opened[words_said[1]] = words_said[0]
    doubts = []
    for name, directive in opened.items():
        if name in {"off", "stderr"} or name.startswith(("syslog:", "memory:")) or "$" in name:
            continue
        path = os.path.join(prefix, name)
        place = others_change(path) if directive == "load_module" else others_choose(path)
        if place:
            doubts.append(f"nginx opens {path}, and not only root can change {place}")
    return doubts


def others_choose(path: str, depth: int = 0) -> str:
    """The first place by which others than root choose what is opened or made at a path: a folder on the way to it, or where a
    link of root's leads. Whose the file itself is does not matter. Empty for none.
    """
    folder = os.path.dirname(path)
    place = others_change(folder)
    if place == "/var/log" and folder.startswith("/var/log/") and of_syslog(os.stat(place)):
        way = [folder[:at] for at in range(len("/var/log/"), len(folder) + 1) if folder[at : at + 1] in {"", "/"}]
        place = next((one for one in way if os.path.lexists(one) and not roots_folder(os.lstat(one))), "")
    if place or not os.path.islink(path):
        return place
    return path if depth > 20 else others_choose(os.path.join(os.path.dirname(path), os.readlink(path)), depth + 1)


def of_syslog(row: os.stat_result) -> bool:
    """True for root's folder that the daemon of the logs may write in too, as Ubuntu has /var/log."""
    alone = set(group_members(row.st_gid)) <= {"syslog"}
    return row.st_uid == 0 and not row.st_mode & 0o002 and group_name(row.st_gid) == "syslog" and alone


def roots_folder(row: os.stat_result) -> bool:
    """True for a folder, no link, that root alone may change."""
    return stat.S_ISDIR(row.st_mode) and row.st_uid == 0 and not row.st_mode & 0o022


def nginx_sites(texts: dict[str, str]) -> list[dict[str, Any]]:
    """Each server of the configuration: where it listens, by which names it is asked for, whether it serves files."""
    main = next(iter(texts), "")
    sites = []
    for words, block, given in nginx_blocks(nginx_statements(texts, main, os.path.dirname(main))):
        if words == ["server"]:
            said = [row for row, _, _ in nginx_blocks(block)]
            sites.append({
                "listens": [row[1] for row in said if row[0] == "listen" and len(row) > 1] or ["80"],
                "names": sorted({name for row in said if row[0] == "server_name" for name in row[1:]}),
                "serves": given or any(row[0] in {"root", "alias"} for row in said),
            })  # fmt: skip
    return sites


def nginx_statements(texts: dict[str, str], path: str, home: str, depth: int = 0) -> list[tuple[list[str], list[Any]]]:
    """A file's statements, each its words and the statements of its block; what it includes stands in its place."""
    top: list[tuple[list[str], list[Any]]] = []
    open_blocks = [top]
    words: list[str] = []
    for found in NGINX_WORD.finditer(texts.get(path, "")):
        word = found.group()
        if word == "{":
            open_blocks[-1].append((words, []))
            open_blocks.append(open_blocks[-1][-1][1])
            words = []
        elif word == "}":
            if len(open_blocks) > 1:
                open_blocks.pop()
            words = []
        elif word == ";":
            if words[:1] == ["include"] and len(words) > 1 and depth < SCRIPT_DEPTH * 3:
                pattern = os.path.join(home, words[1])
                for name in sorted(name for name in texts if fnmatch.fnmatchcase(name, pattern)):
                    open_blocks[-1].extend(nginx_statements(texts, name, home, depth + 1))
            elif words:
                open_blocks[-1].append((words, []))
            words = []
        elif not word.startswith("#"):
            words.append(next(text for text in found.groups() if text is not None))
    return top


def nginx_blocks(rows: list[Any], given: bool = False) -> Iterator[tuple[list[str], list[Any], bool]]:  # noqa: FBT001, FBT002
    """Every statement, those of blocks too; True where a block around it says what files are served."""
    given = given or any(words[:1] == ["root"] for words, _ in rows)
    for words, block in rows:
        if words:
            yield words, block, given
        yield from nginx_blocks(block, given)


def haproxy(found: Job) -> dict[str, Any]:
    """Whether HAProxy runs, and each server of it as it says itself, by its socket. ``doubts`` are what calls itself HAProxy and
    is not, files of its configuration that not only root can change, and a socket on which another listens: nothing is taken
    from there.
    """
    rows = called("haproxy", found)
    masters, doubts = believed("haproxy", rows)
    files = list(dict.fromkeys(path for row in masters for path in haproxy_files(words_now(row))))
    loose = loose_files("HAProxy", files)
    nothing = {"running": bool(masters), "started": 0.0, "changed": 0.0, "servers": [], "doubts": doubts + loose}
    if not masters or loose:
        return nothing
    text = "\n".join(line for file in files if not os.path.isdir(file) for line in lines_of(file))
    sockets_said = re.findall(r"^[ \t]*stats[ \t]+socket[ \t]+(/\S+)", text, re.MULTILINE)
    if not sockets_said:
        raise Trouble("missing", "HAProxy has no stats socket on a path: it cannot be asked")
    mine = {row["pid"] for row in masters}
    mine |= {row["pid"] for row in rows if row["ppid"] in mine}
    answer = haproxy_says(sockets_said[0], mine)
    if answer is None:
        return {**nothing, "doubts": [*doubts, f"{sockets_said[0]} is listened on by something that is not HAProxy"]}
    table = list(csv.DictReader(answer.removeprefix("# ").splitlines()))
    if not table or "svname" not in table[0]:
        raise Trouble("unparsable", "HAProxy's answer to `show stat` is no table")
    return {
        "running": True,
        "started": max(row["started"] for row in rows if row["pid"] in mine),
        "changed": max((os.stat(path).st_ctime for path in files if os.path.exists(path)), default=0.0),
        "servers": [
            {"backend": row["pxname"], "name": row["svname"], "address": row.get("addr") or "", "status": row["status"] or "",
             "checked": bool(row.get("check_status")),
                "weight": int(row["weight"]) if (row.get("weight") or "").isdigit() and row.get("act") == "1" else 0}
            for row in table
            if row["svname"] not in {"FRONTEND", "BACKEND"}
        ],
        "doubts": doubts,
    }  # fmt: skip


def haproxy_files(words_said: list[str]) -> Iterator[str]:
    """The files that a HAProxy was told to read, and the folders that it was told to look into."""
    configs = [words_said[at + 1] for at, word in enumerate(words_said[:-1]) if word == "-f"] or ["/etc/haproxy/haproxy.cfg"]
    for path in configs:
        if not path.startswith("/"):
            raise Trouble("unparsable", "HAProxy was started with a file (-f) that has no whole path")
        yield path
        if os.path.isdir(path):
            yield from files_in(path)


def haproxy_says(path: str, mine: set[int]) -> str | None:
    """HAProxy's answer to `show stat`; None where the socket is another's."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(4.0)
        try:
            connection.connect(path)
        except OSError as error:
            raise Trouble("denied" if isinstance(error, PermissionError) else "failed", f"{path}: {error.strerror}") from None
        if listener_of(connection) not in mine:
            return None
        connection.sendall(b"show stat\n")
        try:
            return answer_of(connection).decode(errors="replace")
        except ValueError:
            raise Trouble("failed", f"{path}: too long an answer, or too slow") from None


def listener_of(connection: socket.socket) -> int:
    """The process that listens where we connected to, as the kernel knows it."""
    return int(struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0])


# -------------------------------------------------------------------------------------------------------- platform

UNSYNCHRONISED = 5  # TIME_ERROR of adjtimex(2)
TIMEKEEPERS = ("chronyd", "ntpd", "systemd-timesyn", "ptp4l", "phc2sys")


NO_ROOM = {"autofs", "efivarfs", "squashfs", "erofs", "iso9660", "fuse.snapfuse", "fuse.squashfuse"}


def room() -> dict[str, Any]:
    """Free bytes and inodes of each file system that something can be written to, and the memory."""
    disks: dict[int, dict[str, Any]] = {}
    for path in places_to_write():
        try:
            place, found = os.stat(path), os.statvfs(path)
        except (FileNotFoundError, NotADirectoryError):
            continue
        # A kernel's own file system (proc, sysfs, ...) has no blocks; what is mounted on a file is another's.
        if not found.f_blocks or not stat.S_ISDIR(place.st_mode):
            continue
        disks.setdefault(place.st_dev, {
            "path": path, "bytes": found.f_blocks * found.f_frsize, "free": found.f_bavail * found.f_frsize,
            "inodes": found.f_files, "inodes_free": found.f_favail,
        })  # fmt: skip
    rows = dict(line.split(":", 1) for line in rows_of("/proc/meminfo"))
    memory = {key: int(rows[name].split()[0]) * 1024 for key, name in (("total", "MemTotal"), ("available", "MemAvailable"))}
    return {"disks": list(disks.values()), "memory": memory}


def places_to_write() -> list[str]:
    """Where a file system is mounted to be written to, each path once, the shortest first. An overlay has no room of its own,
    but the layer below it has; only the host's root may be nothing else. What an account mounted by FUSE is its own program,
    which answers what it wants, or nothing: it is no room of the host's.
    """
    found = {"/"}
    for line in rows_of("/proc/self/mountinfo"):
        mount, _, system = line.partition(" - ")
        path, options = mount.split()[4:6]
        kind, _, whole = [*system.split(), "", "", ""][:3]
        if kind.startswith("fuse") and re.search(r"(?:^|,)user_id=[1-9]", whole):
            continue
        if not {"ro"} & {*options.split(","), *whole.split(",")} and kind not in NO_ROOM and kind != "overlay":
            found.add(re.sub(r"\\([0-7]{3})", lambda code: chr(int(code.group(1), 8)), path))
    return sorted(found, key=lambda path: (len(path), path))


def clock(found: Job) -> dict[str, Any]:
    """Whether the kernel says that its clock is synchronised, who keeps it so, and whether it is the machine's below; ``doubts``
    are what calls itself a keeper of the time and is not.
    """
    import ctypes  # noqa: PLC0415 - needed here only

    buffer = ctypes.create_string_buffer(512)
    state = ctypes.CDLL(None, use_errno=True).adjtimex(buffer)
    told = {name: believed(name, called(name, found)) for name in TIMEKEEPERS}
    container = os.path.exists("/run/systemd/container") or os.path.exists("/.dockerenv")
    return {
        "synchronised": None if state < 0 else state != UNSYNCHRONISED,
        "keepers": sorted(name for name, (rows, _) in told.items() if rows),
        "container": container,
        "doubts": [text for _, doubts in told.values() for text in doubts],
    }


def sudo(services: list[Service], found: Job) -> dict[str, Any]:
    """What the account that looks may do as somebody else, as sudo itself works it out, and its groups; what others may, that
    log in or run something here; and what of the programs that may be run as root somebody else could replace.
    """
    caller = os.environ.get("SUDO_USER") if os.geteuid() == 0 else account(os.getuid())
    if not caller or not ACCOUNT.fullmatch(caller):
        raise Trouble("missing", "nobody called the probe by sudo: whose rules?")
    rules = rules_of(caller)
    person = pwd.getpwnam(caller)
    groups = sorted({group_name(gid) for gid in os.getgrouplist(caller, person.pw_gid)})
    programs = {rule["command"].split()[0] for rule in rules if rule["command"].startswith("/")}
    if not isinstance(globals().get("PROGRAM"), bytes):
        programs.add(os.path.abspath(__file__))
    others: list[dict[str, str]] = []
    if os.geteuid() == 0:
        mine = {name for row in services for name in (row.user, row.owner) if name} - {caller, "root"}
        for name in sorted((mine | others_here(found.value())) - {caller, "root"}):
            others += [{"user": name, **rule} for rule in rules_of(name)]
    loose = sorted({path for program_path in programs for path in loose_of(program_path)})
    return {"user": caller, "groups": groups, "rules": rules, "others": others, "loose": loose}


def rules_of(user: str) -> list[dict[str, str]]:
    """What sudo lets an account do."""
    asked = ["sudo", "-n", "-ll", "-U", user] if os.geteuid() == 0 else ["sudo", "-n", "-ll"]
    ended = run(asked, DEADLINE - 1)
    if ended.status != 0 and not re.search("not allowed to run sudo|unknown user", ended.out + ended.err):
        raise Trouble("failed", f"sudo -l ended with {ended.status}")
    return sudo_rules(ended.out)


NO_SHELLS = {"nologin", "false", "sync", "halt", "shutdown"}
ADMINS = {"sudo", "admin", "wheel"}  # whom a distribution makes its administrators: who they are is the estate's keys' matter


def others_here(rows: list[dict[str, Any]]) -> set[str]:
    """The accounts that have a shell or run something, but for the administrators who only log in."""
    admins = {name for group in grp.getgrall() if group.gr_name in ADMINS for name in group.gr_mem}
    shells = {one.pw_name for one in pwd.getpwall() if os.path.basename(one.pw_shell) not in NO_SHELLS} - admins
    at_work = {row["user"] for row in rows if row["unit"] and not row["unit"].startswith("user@") and not row["container"]}
    return {name for name in shells | at_work if ACCOUNT.fullmatch(name)}


def loose_of(path: str) -> Iterator[str]:
    """The program, and each folder on the way to it, that somebody else than root can change."""
    for start in dict.fromkeys((path, os.path.realpath(path))):
        at = start
        while True:
            try:
                found = os.stat(at)
            except FileNotFoundError:
                break
            writers = [one for one in group_members(found.st_gid) if one != "root"] if found.st_mode & 0o020 else []
            if found.st_uid != 0 or found.st_mode & 0o002 or writers:
                yield at
            if at == "/":
                break
            at = os.path.dirname(at)


@lru_cache(maxsize=None)
def group_members(gid: int) -> tuple[str, ...]:
    """Who is in a group."""
    try:
        named = grp.getgrgid(gid).gr_mem
    except KeyError:
        named = []
    return (*named, *(one.pw_name for one in pwd.getpwall() if one.pw_gid == gid))


def group_name(gid: int) -> str:
    """The name of a group, its number where it has none."""
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)


def sudo_rules(text: str) -> list[dict[str, str]]:
    """The rules of ``sudo -ll``: as whom, with which options, which command."""
    rules: list[dict[str, str]] = []
    rule = {"as": "", "options": ""}
    commands = False
    for line in text.splitlines():
        words = line.strip()
        key, colon, value = words.partition(":")
        if words.startswith(("Sudoers entry", "LDAP Role", "SSSD Role")):
            rule, commands = {"as": "", "options": ""}, False
        elif colon and key in {"RunAsUsers", "RunAsGroups", "Options"} and not commands:
            name = "options" if key == "Options" else "as"
            rule[name] = f"{rule[name]} {value.strip()}".strip()
        elif words == "Commands:":
            commands = True
        elif commands and words:
            rules.append({**rule, "command": words})
    return rules


KEYS_AT_MOST = 5000
KEY_TYPE = re.compile(r"(?:ssh|ecdsa|sk-ssh|sk-ecdsa)-[A-Za-z0-9@.-]+", re.ASCII)
KEYS_AT_MOST = 500  # of one file: more lines than that are no keys
SSHD_SAYS = (
    "authorizedkeysfile", "authorizedkeyscommand", "trustedusercakeys", "permitrootlogin", "passwordauthentication",
    "kbdinteractiveauthentication", "hostbasedauthentication", "permitemptypasswords",
)  # fmt: skip
SSHD_CONFIG = "/etc/ssh/sshd_config"
SSHD_LETTERS = "46DdeqE:b:c:f:g:h:k:o:p:u:"  # the options of a listener
SSHD_TITLE = re.compile(r"sshd: \S+ ?(.*?) ?\[listener\] \d+ of \d+-\d+ startups")
SSHD_SETTING = re.compile(r"([A-Za-z]+)[ =]+([A-Za-z0-9_./%,:@+~-][A-Za-z0-9_./%,:@+~ -]{0,200})", re.ASCII)


class Started(NamedTuple):
    """What a listening sshd was told beside its defaults: the file that it reads, and settings (``Key=value``)."""

    config: str = SSHD_CONFIG
    settings: tuple[str, ...] = ()


def keys(found: Job, spoken: Job) -> dict[str, Any]:
    """Who may log in: the fingerprint of every authorized key of every account, and what else sshd takes: as it was started,
    whoever comes from wherever. ``started`` is when it last read its files, 0 if it reads them for each login. ``doubts`` are
    processes that call themselves a listening sshd and are not the host's, which are not asked; and files of its
    configuration that not only root can change: then nothing is said of its settings.
    """
    if os.geteuid() != 0:
        raise Trouble("denied", "authorized keys of others are root's to read")
    claims = [row for row in found.value() if claims_to_listen(row)]
    listeners, doubts = believed("sshd", claims)
    ways = list(dict.fromkeys(sshd_started(words_now(row)[0]) for row in listeners)) or [Started()]
    told: dict[str, set[str]] = {}
    files: dict[str, float] = {}
    loose: dict[str, str] = {}
    for way in ways:
        for key, value in matched(way.config, files, loose):
            told.setdefault(key, set()).add(value)
    doubts += [f"sshd reads {path}, and not only root can change {place}" for path, place in loose.items()]
    for way in () if loose else ways:
        for key, value in sshd_says(way):
            told.setdefault(key, set()).add(value)
    patterns = sorted({word for value in told.get("authorizedkeysfile", {".ssh/authorized_keys"}) for word in value.split()})
    rows = list(islice((row for person in pwd.getpwall() for row in keys_of(person, patterns)), KEYS_AT_MOST + 1))
    if len(rows) > KEYS_AT_MOST:
        raise Trouble("failed", f"over {KEYS_AT_MOST} authorized keys")
    reloaded = {row["unit"]: changed_state(spoken.value(), row["unit"]) for row in listeners}
    return {
        "settings": {key: " | ".join(sorted(told.get(key, ()))) for key in SSHD_SAYS},
        "keys": rows,
        "started": min((max(row["started"], reloaded[row["unit"]]) for row in listeners), default=0.0),
        "changed": max(files.values(), default=0.0),
        "doubts": doubts,
    }


def claims_to_listen(row: dict[str, Any]) -> bool:
    """True for a process that says it is the sshd that waits for logins, as one does by its title. One in a container waits for
    no login of this host's.
    """
    title = " ".join(row["argv"])
    return not row["container"] and "[listener]" in title and (row["command"] == "sshd" or title.startswith("sshd"))


def sshd_says(way: Started) -> Iterator[tuple[str, str]]:
    """What sshd itself says of its settings, for us and for root. It is told what ``sshd_started`` let through, nothing else."""
    caller = os.environ.get("SUDO_USER", "root")
    for user in dict.fromkeys((caller if ACCOUNT.fullmatch(caller) else "root", "root")):
        options = [word for setting in way.settings for word in ("-o", setting)]
        asked = ["/usr/sbin/sshd", "-T", "-f", way.config, *options, "-C", f"user={user},host=localhost,addr=127.0.0.1"]
        ended = run(asked, DEADLINE - 1)
        if ended.status != 0:
            place = re.search(r"(/\S+)[: ]+line (\d+)", ended.err)
            raise Trouble("failed", f"sshd -T ended with {ended.status}{f': {place[1]} line {place[2]}' if place else ''}")
        for line in ended.out.splitlines():
            key, _, value = line.partition(" ")
            yield key, value


def sshd_started(title: str) -> Started:
    """What a listening sshd was started with, read from its own title as getopt reads it. Only what says who may log in is
    kept, and only in its plain form. Raises Trouble for an option that no listener has, or a word that cannot be told apart.
    """
    found = SSHD_TITLE.fullmatch(title)
    if found is None:
        raise Trouble("unparsable", "sshd does not say by its title how it was started")
    config, settings_said = SSHD_CONFIG, []
    for option, value in sshd_options(found.group(1).split()):
        setting = SSHD_SETTING.fullmatch(value)
        if option == "-f":
            config = value
        elif option == "-o" and setting is None:
            raise Trouble("unparsable", "sshd was started with a setting (-o) that the probe cannot read")
        elif option == "-o" and setting and setting[1].lower() in {*SSHD_SAYS, "challengeresponseauthentication"}:
            settings_said.append(f"{setting[1]}={setting[2]}")
    if not re.fullmatch(r"/[A-Za-z0-9_./@+-]{1,200}", config, re.ASCII):
        raise Trouble("unparsable", "sshd was started with a file (-f) that has no plain path")
    return Started(config, tuple(settings_said))


def sshd_options(words_said: list[str]) -> list[tuple[str, str]]:
    """The options in a listener's words, each with its value. Raises Trouble where they are not all such."""
    options: list[tuple[str, str]] = []
    while words_said:
        try:
            more, words_said = getopt.getopt(words_said, SSHD_LETTERS)
        except getopt.GetoptError:
            raise Trouble("unparsable", "sshd was started with an option that the probe does not know") from None
        options += more
        if words_said and options and options[-1][0] == "-o" and "=" not in options[-1][1]:
            options[-1] = (
                "-o",
                f"{options[-1][1]} {words_said.pop(0)}",
            )  # the title does not tell `-o "Key value"` from two words
        elif words_said:
            raise Trouble("unparsable", "sshd was started with a word that is no option")
    return options


def changed_state(shown: dict[str, Any], unit: str) -> float:
    """When systemd last saw a unit change its state, epoch seconds: a reload is such a change."""
    stamp = shown.get(unit, {}).get("properties", {}).get("StateChangeTimestampMonotonic", "0")
    return time.time() - time.clock_gettime(time.CLOCK_MONOTONIC) + int(stamp) / 1e6 if stamp.isdigit() and int(stamp) else 0.0


def matched(
    path: str, files: dict[str, float], loose: dict[str, str], depth: int = 0, *, inside: bool = False
) -> Iterator[tuple[str, str]]:
    """What sshd's configuration says for some logins only (Match), by lower-case name; and the change of each of its files,
    into ``files``: also of a folder that it includes, from which a file may be gone. A file that not only root can change is
    not read: it goes into ``loose``, with the place where others can.
    """
    if path in files or path in loose or depth > 16 or not os.path.lexists(path):
        return
    if place := others_change(path):
        loose[path] = place
        return
    files[path] = os.stat(path).st_ctime
    for line in lines_of(path):
        words_said = re.match(r"([A-Za-z]+)\s*(=?)", line.strip())
        if words_said is None:
            continue
        rest = line.strip()[words_said.end() :].strip()
        key, value = words_said.group(1).lower(), before_comment(rest).strip('"')
        if key == "match":
            inside = value.lower() != "all"
        elif key == "include":
            for included in included_by(value, files, loose):
                yield from matched(included, files, loose, depth + 1, inside=inside)
        elif inside and key in {*SSHD_SAYS, "challengeresponseauthentication"}:
            yield key.replace("challengeresponse", "kbdinteractive"), value


def included_by(value: str, files: dict[str, float], loose: dict[str, str]) -> Iterator[str]:
    """The files that an Include of sshd's names, and their folders into ``files`` and ``loose`` as in ``matched``."""
    for pattern in shlex.split(value):
        place = pattern if pattern.startswith("/") else f"/etc/ssh/{pattern}"
        for folder in glob.glob(os.path.dirname(place)) or [os.path.dirname(place)]:
            if folder == "/etc/ssh":
                continue
            if os.path.isdir(folder):
                files[folder] = os.stat(folder).st_ctime
            if whose := others_change(folder):  # what is not in it now may be in it when sshd looks
                loose[folder] = whose
        yield from sorted(glob.glob(place))


def before_comment(text: str) -> str:
    """What stands before the first # that follows a blank, without the blanks."""
    at = next((at for at in range(1, len(text)) if text[at] == "#" and text[at - 1].isspace()), len(text))
    return text[:at].rstrip() if at < len(text) else text


def keys_of(person: pwd.struct_passwd, patterns: list[str]) -> Iterator[dict[str, str]]:
    """Every key by which an account may log in. What cannot be read as the file of keys that it should be, a link of the
    account's own among it, is one key that nobody knows.
    """
    for pattern in patterns:
        if pattern == "none":
            continue
        path = pattern.replace("%h", person.pw_dir).replace("%u", person.pw_name).replace("%U", str(person.pw_uid))
        path = path if path.startswith("/") else f"{person.pw_dir}/{path}"
        marks: set[str] = set()
        try:
            lines = [line for line in text_led(path).splitlines() if line.strip() and not line.lstrip().startswith("#")]
        except (FileNotFoundError, NotADirectoryError):
            continue
        except (OSError, Trouble):
            lines = ["?"]
        for line in lines:
            blob = key_in(line) or key_in(behind_options(line))
            marks.add("SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=") if blob else "unreadable")
            if len(marks) > KEYS_AT_MOST:
                marks = {"unreadable"}
                break
        for mark in sorted(marks):
            yield {"user": person.pw_name, "file": path, "fingerprint": mark}


def key_in(line: str) -> bytes:
    """The key that a line begins with, empty where it is none: its type stands before it, and once more in it."""
    words_said = line.split(None, 2)
    if len(words_said) < 2 or not KEY_TYPE.fullmatch(words_said[0]):
        return b""
    try:
        blob = base64.b64decode(words_said[1], validate=True)
    except ValueError:
        return b""
    name = words_said[0].encode()
    return blob if blob[4 : 4 + len(name)] == name and blob[:4] == struct.pack(">I", len(name)) else b""


def behind_options(line: str) -> str:
    """The line behind its options, as sshd passes over them: to the first blank that is in no quotes."""
    line, quoted, at = line.lstrip(), False, 0
    while at < len(line) and (quoted or line[at] not in " \t"):
        if line[at] == "\\" and line[at + 1 : at + 2] == '"':
            at += 1
        elif line[at] == '"':
            quoted = not quoted
        at += 1
    return line[at:]


# --------------------------------------------------------------------------------------------------------- cutting

# Words for people, of which nothing is judged. The gate refuses to judge by anything else that something was cut of.
FREE_TEXT = {"argv", "ExecStart", "sync_said", "text", "journal", "traces", "own_command"}
FREE_LISTS = {"command", "status"}  # else a process's name, or the one word of a server's state
CUT = "[cut]"
HASH = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
USER_OF_URL = re.compile(r"(?<=://)(?!git@)[^/@\s]+@")
# Each word in one way only: of what could be read in two, a long value would be tried in all ways of all of its words.
WORDS = re.compile(r"[a-z]+\d?(?:[-_./: ](?:[a-z]+\d?|v\d{2,4}|\d{1,4}))*")
SAYS_SECRET = re.compile(r"secret|token|pass|pwd|key|credential|auth|pin|dsn", re.IGNORECASE)
LENGTH_AT_MOST = 2000


def secrets(services: list[Service], request: str) -> list[str]:
    """Every value of every ``.env`` that could give something away, and the password within one that is a URL. Short
    values, paths of this host and what the gate itself named are none; nor are plain words, numbers, addresses and paths of
    the repository, unless the setting's name says that it is a secret: a provider ``livekit`` must not make its image another.
    What is a path is asked as whoever calls, and so is what a link leads to: else a value of his own would tell him.
    """
    texts: list[tuple[str, str | None]] = []
    for service in services:
        content = None
        with suppress(OSError), ExitStack() as held:
            try:
                root = held.enter_context(Folder(service.folder))
            except Trouble:  # a link itself
                pass
            else:
                env = Env(root)
                content = None if stat.S_ISLNK(env.found.st_mode) else env.content.decode(errors="surrogateescape")
            texts.append((service.folder, content))
    found: set[str] = as_caller(lambda: {value for row in texts for value in values_of(*row)}) if texts else set()
    return sorted((v for v in found if len(v) >= 6 and v not in request), key=len, reverse=True)


def values_of(folder: str, content: str | None) -> Iterator[str]:
    """The values to be cut of what stands in a folder's ``.env``; None where a link leads there, which is followed."""
    if content is None:
        with suppress(OSError):
            content = behind(os.path.realpath(f"{folder}/.env"))
    for key, value in settings(content or "").items():
        found = passwords(value)
        plain = PLAIN.fullmatch(value) or WORDS.fullmatch(value) or within(folder, value)
        if SAYS_SECRET.search(key) or not plain:
            found.add(value)
        yield from (v for v in found if not (v.startswith("/") and is_there(v)))


def within(folder: str, value: str) -> bool:
    """True for the path of something in a folder."""
    return ".." not in value and is_there(f"{folder}/{value}")


def is_there(path: str) -> bool:
    """True where something has this path, for whoever may go all of the way: what the kernel's own links in /proc lead to is
    looked for by its name.
    """
    folder, name = os.path.split(path)
    return "\0" not in path and os.path.lexists(os.path.join(os.path.realpath(folder), name))


def behind(path: str) -> str:
    """The content of a regular file, links followed: it is only used to be cut out. Nothing but a file is ever opened."""
    try:
        fd = opened(path)
    except Trouble:
        return ""
    with open(fd, "rb") as file:
        return taken(file, SMALL_FILE, path).decode(errors="surrogateescape")


def passwords(value: str) -> set[str]:
    """The password inside of a URL, as it stands there and decoded."""
    found = re.search(r"://[^/@\s:]*:([^/@\s]+)@", value)
    text = found.group(1) if found else ""
    return {text, re.sub("%([0-9A-Fa-f]{2})", lambda code: chr(int(code.group(1), 16)), text)}


class Cutter:
    """Cuts secrets out of a document. In free text every one; in names and paths only what is no plain or short word: a
    setting ``recordings`` must not make the file ``recordings.py`` another file, nor ``haproxy`` a command; and what ``names``
    says that something here is called is none. The mark stands nowhere else: what already says so gets another.
    """

    def __init__(self, found: list[str], names: frozenset[str] = frozenset()) -> None:
        self.free = self.pattern(found)
        self.strict = self.pattern([
            v for v in found if len(v) >= 12 and not WORDS.fullmatch(v) and not names.issuperset(v.strip("/").split("/"))
        ])  # fmt: skip

    @staticmethod
    def pattern(found: list[str]) -> re.Pattern[str] | None:
        """Any of them, the longest first."""
        return re.compile("|".join(map(re.escape, found))) if found else None

    def text(self, text: str, *, free: bool = False) -> str:
        """One string, cut, and fit for UTF-8."""
        if HASH.fullmatch(text):
            pattern = self.free if self.free and self.free.fullmatch(text) else None
        else:
            pattern = self.free if free else self.strict
        if pattern is not None or CUT[:4] in text:
            text = CUT.join(part.replace(CUT[:4], f"{CUT[:4]}!") for part in (pattern.split(text) if pattern else [text]))
        if "://" in text:
            text = USER_OF_URL.sub(f"{CUT}@", text)
        if not text.isascii():
            text = text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
        return text if len(text) <= LENGTH_AT_MOST else f"{text[:LENGTH_AT_MOST]} {'[...]' if free else CUT}"

    @staticmethod
    def is_free(key: str, row: Any) -> bool:
        """True for words that somebody wrote. A command is a process's name, and of a container what it was told to run."""
        return key in FREE_TEXT or (key in FREE_LISTS and isinstance(row, list))

    def clean(self, value: Any, *, free: bool = False) -> Any:
        """The same document with every string of it cut, keys too."""
        if isinstance(value, str):
            return self.text(value, free=free)
        if isinstance(value, dict):
            return {self.text(key): self.clean(row, free=free or self.is_free(key, row)) for key, row in value.items()}
        if isinstance(value, list):
            return [self.clean(row, free=free) for row in value]
        return value


def names_in_use(document: dict[str, Any], services: list[Service]) -> frozenset[str]:
    """What units, accounts, commands and folders are called here: all can read that, so a setting that holds it is no secret."""
    told = document.get("sections", {})
    found = {*told.get("units", {}).get("value", {})}
    paths = [row.folder for row in services]
    for row in told.get("processes", {}).get("value", []):
        found |= {row["user"], row["command"]}
        paths += [row["exe"] or "", row["cwd"] or "", row["cgroup"]]
    return frozenset({*found, *(part for path in paths for part in path.split("/"))})


# --------------------------------------------------------------------------------------------------------- signing

NAMESPACE = "evidence@voxgate.example"
SSH_KEYGEN = "/usr/bin/ssh-keygen"
HOST_KEYS = tuple(f"/etc/ssh/ssh_host_{kind}_key" for kind in ("ed25519", "ecdsa", "rsa"))
SSHD_CONFIGS = ("/etc/ssh/sshd_config", "/etc/ssh/sshd_config.d/*.conf")


def framed(request: bytes, document: bytes) -> bytes:
    """The document as it is printed: alone for whoever asks by hand; behind a line with the request's nonce and two lengths,
    and before its signature, for a gate. Without a signature the reason stands in its place.
    """
    seal = seal_of(request)
    if not seal["nonce"]:
        return document + b"\n"
    signature = b""
    if seal["key"]:
        outcome = guarded(lambda: signed(document, seal["key"]))
        signature = str(outcome.get("value") or f"unsigned: {outcome['error']['text']}").encode(errors="replace")
    head = f"voxgate-evidence 1 {seal['nonce']} {len(document)} {len(signature)}\n"
    return head.encode() + document + signature + b"\n"


def seal_of(request: bytes) -> dict[str, str]:
    """The nonce and the key of a request, empty where it has none of the form: one that is refused is answered too."""
    try:
        told = json.loads(request)
        return {key: text if form.fullmatch(text := str(told.get(key, ""))) else "" for key, form in SEAL.items()}
    except (ValueError, RecursionError, AttributeError):
        return dict.fromkeys(SEAL, "")


def signed(document: bytes, mark: str) -> str:
    """An SSH signature of it, by the host key of that fingerprint. Raises Trouble where none of root's files holds it."""
    path = next((path for path in host_keys() if mark_of_key(f"{path}.pub") == mark), None)
    if path is None:
        raise Trouble("missing", f"no host key file of root's here holds {mark} (with its .pub beside it)")
    ended = run([SSH_KEYGEN, "-Y", "sign", "-n", NAMESPACE, "-f", path], DEADLINE, given=document)
    if ended.status != 0 or not ended.out.startswith("-----BEGIN SSH SIGNATURE-----"):
        raise Trouble("failed", f"ssh-keygen does not sign: {last_words(ended.err, 1) or 'it says nothing'}")
    return ended.out


def host_keys() -> Iterator[str]:
    """The files of host keys, the usual and those that root's sshd_config names, as far as they are root's alone."""
    named = [path for pattern in SSHD_CONFIGS for path in sorted(glob.glob(pattern)) if roots_alone(path)]
    lines = (line.replace("=", " ", 1).split(None, 2) for path in named for line in lines_of(path))
    told = [words_said[1].strip('"') for words_said in lines if len(words_said) > 1 and words_said[0].lower() == "hostkey"]
    for path in dict.fromkeys(os.path.realpath(found) for found in (*HOST_KEYS, *told)):
        if roots_alone(path) and roots_alone(f"{path}.pub"):
            yield path


def roots_alone(path: str) -> bool:
    """True for a file that is there, and that nobody but root (or who runs this) could put there: nor any folder above it."""
    while True:
        try:
            found = os.lstat(path)
        except OSError:
            return False
        shared = found.st_mode & 0o022 and not (stat.S_ISDIR(found.st_mode) and found.st_mode & stat.S_ISVTX)  # /tmp is sticky
        if found.st_uid not in {0, os.geteuid()} or shared or stat.S_ISLNK(found.st_mode):
            return False
        if path == "/":
            return True
        path = os.path.dirname(path)


def mark_of_key(path: str) -> str:
    """The fingerprint of the first public key in a file, empty where there is none."""
    blob = next((key_in(line) for line in lines_of(path)), b"")
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=") if blob else ""


# ------------------------------------------------------------------------------------------------------------ main


SECTIONS = (
    "units", "processes", "sockets", "engines", "checkouts", "venvs", "env_files", "dists", "packages", "leaks", "runtimes",
    "stores", "copies", "jobs", "boot", "nginx", "haproxy", "room", "clock", "sudo", "keys", "javascript",
)  # fmt: skip
LATER = {"seconds": 0.0, "error": {"kind": "missing", "text": "not part of a brief look"}}


def brief_look(services: list[Service], folders: frozenset[str] = frozenset()) -> dict[str, Any]:
    """What moves, at once; every other section says that it was not asked for."""
    found = Job(partial(processes, folders))
    begun = {"units": Job(partial(units, services)), "processes": found, "sockets": Job(sockets)}
    begun["engines"] = Job(lambda: engines(found))
    told = {name: {**job.result(), "seconds": round(job.seconds, 4)} for name, job in begun.items()}
    return {**dict.fromkeys(SECTIONS, LATER), **told}


def not_asked() -> None:
    """Stands for what a look at some services leaves out."""
    raise Trouble("missing", "not asked for: this look is at other services")


def look(
    services: list[Service],
    only: frozenset[str] | None = None,
    stores_here: list[str] | None = None,
    folders: frozenset[str] = frozenset(),
) -> dict[str, Any]:
    """All sections at once; ``only`` as in ``only_of``, ``stores_here`` the units of the stores on this host, ``folders`` as in
    ``watched``.
    """
    stores_here = stores_here or []

    def each(function: Callable[[Service], Any], kinds: str, deadline: float = DEADLINE) -> dict[str, Job]:
        return {
            row.name: Job(partial(function, row) if only is None or row.name in only else not_asked, deadline)
            for row in services
            if row.kind in kinds
        }

    def of_host(function: Callable[[], Any]) -> Job:
        return Job(function if only is None else not_asked)

    whole: dict[str, Job] = {"units": Job(partial(units, services))}
    parts = {"venvs": each(venv, "python", UV_DEADLINE)}
    found = whole["processes"] = Job(partial(processes, folders))
    parts["checkouts"] = each(checkout, "python static")
    whole["sockets"] = Job(sockets)
    whole["engines"] = Job(lambda: engines(found))
    parts["env_files"] = each(env_file, "python")
    parts["dists"] = each(dist, "static")
    parts["packages"] = each(packages, "python", UV_DEADLINE)
    spoken, known = whole["units"], Job(environments)
    parts["leaks"] = each(lambda row: leaks(row, services, found, known, spoken), "python", UV_DEADLINE)
    parts["runtimes"] = each(lambda row: runtime(row, found, spoken), "python")
    parts["stores"] = each(lambda row: stores(row, found, whole["sockets"]), "python")
    whole["copies"] = of_host(lambda: copies(services, accounts_of(stores_here, services, found)))
    whole["jobs"] = of_host(partial(jobs, services))
    whole["boot"] = Job(boot)
    whole["nginx"] = Job(partial(nginx, found))
    whole["haproxy"] = Job(partial(haproxy, found))
    whole["room"] = of_host(room)
    whole["clock"] = Job(partial(clock, found))
    whole["javascript"] = Job(partial(javascript, found))
    whole["sudo"] = of_host(partial(sudo, services, found))
    whole["keys"] = of_host(partial(keys, found, spoken))
    sections: dict[str, Any] = {}
    for name, job in whole.items():
        outcome = job.result()
        sections[name] = {"seconds": round(job.seconds, 4), **outcome}
    for name, begun in parts.items():
        value = {service: job.result() for service, job in begun.items()}
        sections[name] = {"seconds": round(max((job.seconds for job in begun.values()), default=0.0), 4), "value": value}
    return sections


def host() -> dict[str, Any]:
    """Which machine this is, which boot of it, and its clock. None for what cannot be read."""

    def first_word(path: str) -> str | None:
        try:
            with open(path, encoding="ascii") as file:
                return file.read(100).split()[0]
        except (OSError, ValueError, IndexError):
            return None

    uptime = first_word("/proc/uptime")
    return {
        "hostname": socket.gethostname(),
        "boot_id": first_word("/proc/sys/kernel/random/boot_id"),
        "time": time.time(),
        "uptime": float(uptime) if uptime else None,
    }


def program() -> bytes:
    """This very program: handed over by whoever runs it from memory, else its own file."""
    given = globals().get("PROGRAM")
    if isinstance(given, bytes):
        return given
    with open(__file__, "rb") as file:
        return file.read()


def main(folders: re.Pattern[str] = FOLDERS) -> int:
    """Read the request, look, print. Exit status 0 for a document with facts, 2 for one with an error instead."""
    limit_ourselves()
    spent = time.process_time()  # to start at all
    return supervised(partial(answer, folders, spent), ALARM + round(LOCK_DEADLINE + ASKING + LEFT))


def answer(folders: re.Pattern[str], spent: float) -> int:
    """The same, in the process that may end at any time."""
    global SUPERVISOR  # noqa: PLW0603 - whoever lists processes leaves it out
    SUPERVISOR = os.getppid()
    signal.alarm(ALARM)
    began = time.monotonic()
    place = guarded(alone)  # before a word is read: else any number of us would wait for theirs
    held = place.get("value")
    told = Job(lambda: sys.stdin.buffer.read(REQUEST + 1), ASKING).result()
    request: bytes = told.get("value", b"")
    asked = guarded(lambda: services_of(request, folders)) if "value" in told else told
    if told.get("error", {}).get("kind") == "timeout":
        asked = {"error": {"kind": "timeout", "text": f"request refused: it had no end after {ASKING:.0f} s"}}
    if "error" not in asked and "error" in place:
        asked = place
    document: dict[str, Any] = {"format": FORMAT}
    if "error" not in asked:
        signal.alarm(ALARM)
        told = guarded(lambda: told_of(asked["value"], request))
        asked = told if "error" in told else asked
        document = {**document, **told.get("value", {})}
    if "error" in asked:
        document["error"] = asked["error"]
    times = os.times()
    document["probe"] = {
        "sha256": hashlib.sha256(program()).hexdigest(),
        "request": hashlib.sha256(request).hexdigest(),
        "pid": os.getpid(),
        "uid": os.geteuid(),
        "python": ".".join(map(str, sys.version_info[:3])),
        "seconds": round(time.monotonic() - began, 4),
        "cpu_seconds": round(spent + times.user + times.system + times.children_user + times.children_system, 4),
    }
    prune()
    printed = framed(request, json.dumps(document, separators=(",", ":")).encode())
    if held is not None:
        os.close(held)  # nobody waits for whoever does not read
    sys.stdout.buffer.write(printed)
    sys.stdout.flush()
    return 2 if "error" in asked else 0


def told_of(services: list[Service], request: bytes) -> dict[str, Any]:
    """What is asked for, with no secret in it. Raises Trouble where it cannot be told without."""
    asked_to = asked_for(request)
    document: dict[str, Any] = {"host": host()}
    if asked_to == "words":
        document["words"] = words(services)
    elif asked_to == "brief":
        document["sections"] = brief_look(services, watched(request))
    else:
        document["sections"] = look(services, only_of(request), stores_of(request), watched(request))
    found = secrets(services, request.decode())
    if len(found) > SECRETS_AT_MOST:
        raise Trouble("failed", f"over {SECRETS_AT_MOST} secrets in .env files: what holds them cannot be cut")
    cut: dict[str, Any] = Cutter(found, names_in_use(document, services)).clean(document)
    return cut


if __name__ == "__main__":
    os._exit(main())
