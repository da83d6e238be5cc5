#!/usr/bin/python3 -I
"""The probe: one look at one host. Reads a JSON request on stdin, prints one JSON document of facts, changes nothing.

It is one file, needs nothing but Python >= 3.9 and its standard library, and takes no arguments, so that it can be
installed as the root-owned ``/usr/local/sbin/voxgate-probe`` and be allowed in sudoers by its exact name.

What it promises, also to someone who holds a stolen deploy account:
* It returns no file's content and no value of a ``.env``: names, modes, times, hashes. Values of the ``.env`` files
  that it can read are cut out of everything it prints.
* It follows no link inside of a service's folder. git and uv run as the owner of the folder, never as root.
* Every fact is a value, or an error of a kind (denied, missing, timeout, unparsable, failed). Nothing that one part
  meets stops another, and each part has a deadline.
"""
# ruff: noqa: PLR2004, S324
# One file that runs alone, as root: os and not pathlib, because only os can hold a folder open and follow no link.

from __future__ import annotations

import sys

sys.dont_write_bytecode = True
import hashlib
import json
import os
import pwd
import re
import shlex
import signal
import socket
import stat
import struct
import subprocess
import threading
import time
from functools import lru_cache, partial
from typing import IO, Any, Callable, Iterator, NamedTuple

FORMAT = 1
DEADLINE = 10.0  # seconds for a section
UV_DEADLINE = 20.0
ALARM = 45  # seconds: whatever happens, the probe is gone after this
FILES_AT_MOST = 50_000
BYTES_AT_MOST = 200 * 1024 * 1024
DEPTH_AT_MOST = 50  # each folder on the way is held open
SMALL_FILE = 4 * 1024 * 1024  # what is read as text
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


# ----------------------------------------------------------------------------------------------------------- request


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
SHAPES: dict[str, tuple[re.Pattern[str], str]] = {
    "name": (re.compile(r"[a-z][a-z0-9-]{0,31}", re.ASCII), "text"),
    "folder": (FOLDERS, "text"),
    "kind": (re.compile(r"python|static"), "text"),
    "owner": (ACCOUNT, "text"),
    "user": (ACCOUNT, "text or null"),
    "unit": (UNIT, "text or null"),
    "units": (UNIT, "list"),
    "pinned": (re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", re.ASCII), "text or null"),
    "required_settings": (re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}", re.ASCII), "list"),
}


def services_of(request: bytes, folders: re.Pattern[str] = FOLDERS) -> list[Service]:
    """The services that the request names. Raises Trouble for anything that is not exactly of the form."""
    try:
        document = json.loads(request)
    except (ValueError, RecursionError):
        raise Trouble("unparsable", "request refused: not JSON") from None
    if not isinstance(document, dict) or set(document) != {"format", "services"}:
        raise Trouble("failed", "request refused: it needs exactly format and services")
    if document["format"] != FORMAT:
        raise Trouble("failed", f"request refused: this probe speaks format {FORMAT}")
    rows = document["services"]
    if not isinstance(rows, list) or len(rows) > 50:
        raise Trouble("failed", "request refused: services must be a list of at most 50")
    services = [checked(row, folders) for row in rows]
    if len({service.name for service in services}) != len(services):
        raise Trouble("failed", "request refused: a service stands twice")
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


class Folder:
    """A folder held open, read without ever following a link: what is hashed lies in it, not behind it."""

    def __init__(self, path: str, below: Folder | None = None) -> None:
        self.path: str = path if below is None else f"{below.path}/{path}"
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            self.fd: int = os.open(path, flags, dir_fd=below.fd if below else None)
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
        """A regular file, opened for reading: no link, and nothing that would make us wait."""
        try:
            fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=self.fd)
        except OSError as error:
            error.filename = f"{self.path}/{name}"
            raise
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            os.close(fd)
            raise Trouble("failed", f"{self.path}/{name}: not a regular file")
        return open(fd, "rb")

    def text(self, name: str) -> str:
        """The content of a small UTF-8 file. Raises Trouble or OSError."""
        with self.open(name) as file:
            content = file.read(SMALL_FILE + 1)
        if len(content) > SMALL_FILE:
            raise Trouble("failed", f"{self.path}/{name}: over {SMALL_FILE} bytes")
        try:
            return content.decode()
        except UnicodeDecodeError:
            raise Trouble("unparsable", f"{self.path}/{name}: not UTF-8") from None

    def walk(self, left_out: Callable[[str, str, bool], bool], prefix: str = "") -> Iterator[tuple[Folder, str, str]]:
        """Each file below: the open folder it lies in, its name there, its path from here. ``left_out`` is asked with
        the path of the folder, the name, and whether it is a folder.
        """
        if prefix.count("/") > DEPTH_AT_MOST:
            raise Trouble("failed", f"{self.path}: over {DEPTH_AT_MOST} folders deep")
        with os.scandir(self.fd) as entries:
            rows = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
        for name, is_folder in rows:
            if left_out(prefix, name, is_folder):
                continue
            if is_folder:
                with Folder(name, self) as below:
                    yield from below.walk(left_out, f"{prefix}{name}/")
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


# -------------------------------------------------------------------------------------------------------- programs


STARTED: list[subprocess.Popen[bytes]] = []  # what is still alive of it at the end goes with us


class Ended(NamedTuple):
    """How a program ended and what it said."""

    status: int
    out: str
    err: str


def run(argv: list[str], deadline: float, folder: str | None = None, uid: int | None = None) -> Ended:
    """Run a program with a clean environment, as the user ``uid`` if we are root. Raises Trouble if it cannot be
    started, or is not done after ``deadline`` seconds: then it and all that it started is killed.
    """
    person = pwd.getpwuid(os.geteuid() if uid is None else uid)
    environment = {
        "PATH": f"{PATH}:{person.pw_dir}/.local/bin:{person.pw_dir}/.cargo/bin" if uid else PATH,
        "HOME": person.pw_dir, "USER": person.pw_name, "LOGNAME": person.pw_name, "LC_ALL": "C.UTF-8", "NO_COLOR": "1",
        "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": folder or "", "UV_NO_PROGRESS": "1",
        "SYSTEMD_PAGER": "", "SYSTEMD_COLORS": "0",
    }  # fmt: skip
    become: dict[str, Any] = {}
    if uid is not None and os.geteuid() == 0 and uid != 0:
        groups = os.getgrouplist(person.pw_name, person.pw_gid)
        become = {"user": uid, "group": person.pw_gid, "extra_groups": groups}
    try:
        process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=folder,
            env=environment, start_new_session=True, **become,
        )  # fmt: skip
    except FileNotFoundError:
        raise Trouble("missing", f"{argv[0]} is not installed") from None
    STARTED.append(process)
    try:
        out, err = process.communicate(timeout=deadline)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        raise Trouble("timeout", f"{argv[0]} {argv[1]} was not done after {deadline:.0f} s") from None
    return Ended(process.returncode, out.decode(errors="replace"), err.decode(errors="replace"))


def as_owner(argv: list[str], folder: str, deadline: float) -> Ended:
    """Run a program in a folder as the folder's owner; as nobody where that is root: its code is not ours to trust."""
    uid = os.stat(folder, follow_symlinks=False).st_uid
    if os.geteuid() != 0:
        return run(argv, deadline, folder)
    try:
        return run(argv, deadline, folder, uid or pwd.getpwnam("nobody").pw_uid)
    except KeyError:
        raise Trouble("failed", f"{folder}: its owner {uid} is no user of this host") from None


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
    "ExecMainStatus", "WorkingDirectory", "EnvironmentFiles", "Environment", "WantedBy", "RequiredBy", "TriggeredBy",
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
            fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            return "broken"
        except PermissionError:
            return "unreadable"
        with open(fd, "rb") as file:
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                return "not a file"
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
    for name in sorted({*names, *properties}):
        for path in disk.paths(name):
            digests.setdefault(path, disk.digest(path))
        found[name] = {
            "properties": properties.get(name, {}),
            "links": disk.links.get(name, []),
            "files": {path: digests[path] for path in disk.paths(name)},
        }
    return found


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
            kept = re.search(r"path=(.*?) ; argv\[\]=(.*?) ; ignore_errors=.* ; pid=(\d+) ;", value)
            value = "{{ path={} ; argv[]={} ; pid={} }}".format(*kept.groups()) if kept else "[unread]" if value else ""
        found[key] = f"{found[key]}\n{value}" if key in found else value
    return found


def names_of_environment(value: str) -> list[str]:
    """The names set by ``Environment=``; never a value."""
    try:
        return [part.partition("=")[0] for part in shlex.split(value) if "=" in part]
    except ValueError:
        return ["[unread]"]


# ------------------------------------------------------------------------------------------------------- processes

HEX_ID = re.compile(r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")
NAMED_CONTAINER = re.compile(r"/(?:lxc(?:\.payload)?[./]|machine-|systemd-nspawn@)([^/]+?)(?:\.scope|\.service)?(?=/|$)")
KERNEL_THREAD = 0x00200000


def cgroup_lines(pid: str) -> dict[str, str]:
    """Controller to path of one process: ``""`` for cgroup v2, ``name=systemd`` for what systemd keeps on v1."""
    with open(f"/proc/{pid}/cgroup", encoding="utf-8", errors="surrogateescape") as file:
        rows = [line.rstrip("\n").split(":", 2) for line in file]
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
    none. An engine's own monitor (conmon) is not in the container that it watches.
    """
    for path in lines.values():
        for part in path.split("/"):
            found = None if "conmon-" in part else HEX_ID.search(part)
            if found:
                return found.group()
        named = NAMED_CONTAINER.search(path)
        if named:
            return named.group(1)
    return ""


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


def processes() -> list[dict[str, Any]]:
    """Every process but kernel threads and the dead. Raises Trouble if some are hidden from us."""
    cgroups = Cgroups()
    booted = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            row = process(pid, cgroups, booted)
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended while we looked
        if row:
            found.append(row)
    seen = {row["pid"] for row in found}
    if not {1, os.getpid()} <= seen:
        raise Trouble("denied", "/proc hides processes from us (hidepid)")
    return found


def process(pid: str, cgroups: Cgroups, booted: float) -> dict[str, Any] | None:
    """One process; None for a kernel thread or a dead one."""
    with open(f"/proc/{pid}/stat", "rb") as file:
        head, _, tail = file.read().rpartition(b")")
    fields = tail.split()
    if int(fields[6]) & KERNEL_THREAD or (fields[0] in {b"Z", b"X"} and int(fields[17]) <= 1):
        return None
    with open(f"/proc/{pid}/status", encoding="utf-8", errors="surrogateescape") as file:
        status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
    uid = int(status["Uid"].split()[1])
    with open(f"/proc/{pid}/cmdline", "rb") as file:
        argv = [os.fsdecode(part) for part in file.read(1 << 16).rstrip(b"\0").split(b"\0")[:64]]
    lines = cgroups.below_root(cgroup_lines(pid))
    cgroup = lines.get(cgroups.hierarchy, "/")
    return {
        "pid": int(pid),
        "ppid": int(fields[1]),
        "uid": uid,
        "user": account(uid),
        "started": round(booted + int(fields[19]) / os.sysconf("SC_CLK_TCK"), 3),
        "command": os.fsdecode(head.partition(b"(")[2]),
        "argv": argv if argv != [""] else [],
        "cgroup": cgroup,
        "unit": unit_of(cgroup),
        "container": container_of(lines),
        "own_pids": len(status.get("NSpid", "").split()) > 1,
        "exe": link_of(f"/proc/{pid}/exe"),
        "cwd": link_of(f"/proc/{pid}/cwd"),
    }


def link_of(path: str) -> str | None:
    """Where a link points, None if that cannot be read."""
    try:
        return os.readlink(path)
    except OSError:
        return None


# --------------------------------------------------------------------------------------------------------- sockets

ESTABLISHED, LISTEN = "01", "0A"


def sockets() -> dict[str, Any]:
    """Listening and established TCP sockets, with the processes that have them open; denied if those cannot be read."""
    # First the tables, then who holds them: a socket made in between would else seem to be nobody's.
    rows = []
    for path in ("/proc/net/tcp", "/proc/net/tcp6"):
        if path.endswith("tcp") or os.path.exists(path):  # a kernel may be without IPv6
            with open(path, encoding="ascii") as table:
                rows += [line.split() for line in table][1:]
    holders = socket_holders()
    listeners, connections = [], []
    for row in rows:
        address, port = endpoint(row[1])
        local = {"address": address, "port": port, "pids": sorted(holders.get(row[9], ()))}
        if row[3] == LISTEN:
            listeners.append({**local, "remote_address": None, "remote_port": None})
        elif row[3] == ESTABLISHED:
            far, far_port = endpoint(row[2])
            connections.append({**local, "remote_address": far, "remote_port": far_port})
    return {"listeners": listeners, "connections": connections}


def socket_holders() -> dict[str, set[int]]:
    """Inode of every open socket to the processes that have it open."""
    holders: dict[str, set[int]] = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with os.scandir(f"/proc/{pid}/fd") as entries:
                targets = [link_of(entry.path) or "" for entry in entries]
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended while we looked
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

LEFT_OUT_FOLDERS = {
    ".git", ".venv", "node_modules", "dist", "builds", ".ruff_cache", ".pytest_cache", ".mypy_cache",
}  # fmt: skip
LEFT_OUT_FILES = {".env", ".git", "dist"}  # .git is a file in a worktree, dist the published link


def outside_of_tree(prefix: str, name: str, is_folder: bool) -> bool:  # noqa: FBT001
    """True for what may lie in a checkout beside the commit's files. Deeper down only byte code may."""
    if is_folder and name == "__pycache__":
        return True
    return not prefix and name in (LEFT_OUT_FOLDERS if is_folder else LEFT_OUT_FILES)


def checkout(service: Service) -> dict[str, Any]:
    """HEAD and origin as git says them, and every file of the tree by its content, whatever git thinks of it."""
    git = Job(lambda: head_and_origin(service.folder))
    tree: dict[str, list[str]] = {}
    total, changed = 0, 0.0
    with Folder(service.folder) as root:
        owner = account(os.fstat(root.fd).st_uid)
        for folder, name, path in root.walk(outside_of_tree):
            found = os.stat(name, dir_fd=folder.fd, follow_symlinks=False)
            total += found.st_size
            if len(tree) >= FILES_AT_MOST or total > BYTES_AT_MOST:
                raise Trouble("failed", f"{service.folder}: over {FILES_AT_MOST} files or {BYTES_AT_MOST} bytes")
            tree[path] = blob(folder, name, found)
            changed = max(changed, found.st_ctime)
        head = root.stat(".git/HEAD")
        changed = max(changed, head.st_ctime if head else 0.0)
    return {**git.value(), "owner": owner, "tree": tree, "changed": changed}


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
    """Three words of git, asked as the folder's owner."""
    head = as_owner(["git", "rev-parse", "HEAD", "--symbolic-full-name", "HEAD"], folder, DEADLINE - 1)
    lines = head.out.split()
    if head.status != 0 or len(lines) != 2 or not re.fullmatch(r"[0-9a-f]{40}", lines[0]):
        raise Trouble("failed", f"git rev-parse HEAD ended with {head.status}: {last_words(head.err, 1)}")
    origin = as_owner(["git", "ls-remote", "--get-url", "origin"], folder, DEADLINE - 1)
    if origin.status != 0:
        raise Trouble("failed", f"git ls-remote --get-url origin: {last_words(origin.err, 1)}")
    return {"head": lines[0], "detached": lines[1] == "HEAD", "origin": origin.out.strip()}


# ----------------------------------------------------------------------------------------------------------- venvs

SYNC = ["uv", "sync", "--locked", "--no-dev", "--check", "--offline"]
SPECIFICATION = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^]]*\])?\s*(.*?)\s*")


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
            lines = [line.partition("=") for line in home.text("pyvenv.cfg").splitlines()]
            config = {key.strip().lower(): value.strip() for key, _, value in lines}
            installed, changed = site_packages(home)
    python = config.get("version_info") or config.get("version")
    if not python or "home" not in config:
        raise Trouble("unparsable", f"{service.folder}/.venv/pyvenv.cfg: no version or no home")
    return {
        "python": ".".join(python.split(".")[:3]),
        "base_python": config["home"],
        "system_site_packages": config.get("include-system-site-packages", "").lower() == "true",
        "installed": installed,
        "declared": declared(project),
        "locked": locked(lock),
        "lock_sha256": digest,
        "changed": changed,
        **sync.value(),
    }


def uv_sync(folder: str) -> dict[str, Any]:
    """Exit status and last words of uv's own comparison: 0 equal, 1 drift, anything else: it could not tell."""
    try:
        ended = as_owner(SYNC, folder, UV_DEADLINE - 1)
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
        match = SPECIFICATION.fullmatch(row)
        if match is None:
            raise Trouble("unparsable", "pyproject.toml: a dependency without a name")
        name, specification = normal(match.group(1)), match.group(2).replace(" ", "")
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
    r"change[-_ ]?me|replace[-_ ]?me|placeholder|<[^<>]*>|\{\{.*\}\}|\$\{.*\}"
    r"|^(?:x{3,}|todo\b.*|tbd|fixme|example|dummy|none|null|secret|password|your[-_ ].*|insert[-_ ].*|\.{3,}|-+|\?+)$",
    re.IGNORECASE,
)


SETTING = re.compile(
    r"""[ \t]*([A-Za-z_]\w*)[ \t]*=((?:[ \t]*(?:'[^']*'|"(?:\\.|[^"\\])*"))*)((?:\\.|[^\\\n])*)""", re.DOTALL | re.ASCII
)
QUOTED = re.compile(r"""'([^']*)'|"((?:\\.|[^"\\])*)\"""", re.DOTALL)


def settings(text: str) -> dict[str, str]:
    """Keys and values as systemd's EnvironmentFile reads them: comments, quotes, escapes, lines that continue."""
    found: dict[str, str] = {}
    at = 0
    while at < len(text):
        line = SETTING.match(text, at)
        if line:
            quoted = [single or unescaped(double, '\n"\\\\`$') for single, double in QUOTED.findall(line.group(2))]
            found[line.group(1)] = "".join(quoted) + unescaped(line.group(3), r"\s\S").strip()
            at = line.end()
        at = text.find("\n", at) + 1 or len(text)
    return found


def unescaped(text: str, letters: str) -> str:
    """Text without the backslashes before ``letters``; an escaped end of line is nothing at all."""
    return re.sub(f"\\\\([{letters}])", lambda found: found.group(1).strip("\n"), text)


def env_file(service: Service) -> dict[str, Any]:
    """The ``.env`` of a service: what kind of file it is, and the names of its keys. Never a value."""
    absent = {"kind": "absent", "mode": "", "owner": "", "keys": [], "empty": [], "placeholder": [], "changed": 0.0}
    with Folder(service.folder) as root:
        found = root.stat(".env")
        if found is None:
            return absent
        fact = {
            **absent,
            "kind": KINDS.get(stat.S_IFMT(found.st_mode), "special"),
            "mode": f"{stat.S_IMODE(found.st_mode):04o}",
            "owner": account(found.st_uid),
            "changed": found.st_ctime,
        }
        if fact["kind"] == "regular":
            pairs = settings(root.text(".env"))
            fact["keys"] = sorted(pairs)
            fact["empty"] = sorted(key for key, value in pairs.items() if not value.strip())
            fact["placeholder"] = sorted(key for key, value in pairs.items() if PLACEHOLDER.search(value.strip()))
    return fact


# ----------------------------------------------------------------------------------------------------------- dists


def dist(service: Service) -> dict[str, Any]:
    """What is published: where the link points, each file below it, and what the build itself said they must be.
    Nothing is listed where the link leaves ``builds/``: then its target says enough.
    """
    with Folder(service.folder) as root:
        found = root.stat("dist")
        if found is None:
            raise Trouble("missing", f"{service.folder}/dist: not there")
        if not stat.S_ISLNK(found.st_mode):
            with Folder("dist", root) as published:
                return {"target": "", "files": sizes(published), "built": None}
        target = os.readlink("dist", dir_fd=root.fd)
        inside = os.path.relpath(os.path.join(service.folder, target), service.folder).split("/")
        if len(inside) != 2 or inside[0] != "builds":
            return {"target": target, "files": {}, "built": None}
        with Folder("builds", root) as builds:
            with Folder(inside[1], builds) as published:
                files = sizes(published)
            name = f"{inside[1]}.sha256"
            built = manifest(builds.text(name)) if builds.stat(name) else None
    return {"target": target, "files": files, "built": built}


def sizes(folder: Folder) -> dict[str, list[Any]]:
    """Size and sha256 of each file below; a link has ``link`` for its hash: it is not followed."""
    found: dict[str, list[Any]] = {}
    for below, name, path in folder.walk(lambda _prefix, _name, _is_folder: False):
        row = os.stat(name, dir_fd=below.fd, follow_symlinks=False)
        if len(found) >= FILES_AT_MOST or row.st_size > BYTES_AT_MOST:
            raise Trouble("failed", f"{folder.path}: too many or too large files")
        if stat.S_ISREG(row.st_mode):
            found[path] = list(fingerprint(below, name))
        else:
            found[path] = [0, "link" if stat.S_ISLNK(row.st_mode) else "special"]
    return found


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
LISTENING = 0x00010000


def engines(found: Job) -> dict[str, Any]:
    """The container engines that answer and all they hold, and traces of any that do not. A stopped engine is not woken:
    only one whose process runs is asked. Raises Trouble where one that runs may not be asked.
    """
    rows = found.value()
    answered: dict[str, str] = {}
    containers: list[dict[str, str]] = []
    traces: list[str] = []
    mine: set[int] = set()  # the processes of the engines that answered
    for engine, (path, command, _sockets) in ENGINES.items():
        running = [row for row in rows if row["command"] == command and not row["container"]]
        if not running or not os.path.exists(path):
            continue
        try:
            listener, version, listed = ask_engine(engine, path)
        except PermissionError:
            raise Trouble("denied", f"{path}: {engine} may not be asked") from None
        except (OSError, ValueError, LookupError, TypeError, AttributeError):
            traces.append(f"{engine} gave no answer by {path}")
            continue
        answered[engine] = version
        containers += listed
        # A socket that systemd opened has process 1 for its listener: then the engine is the one of the packaged unit.
        unit = f"{engine}.service" if listener == 1 else None
        mine |= {row["pid"] for row in running if listener == row["pid"] or unit == row["unit"]}
    traces.extend(unexplained(rows, mine, {row["id"] for row in containers}, set(answered)))
    return {"engines": answered, "containers": containers, "traces": sorted(traces)}


def ask_engine(engine: str, path: str) -> tuple[int, str, list[dict[str, str]]]:
    """The process that opened the socket, the engine's version, all its containers."""
    listener, version = http_get(path, "/version")
    _, listed = http_get(path, "/containers/json?all=1")
    return listener, str(version["Version"]), [container(engine, row) for row in listed]


def http_get(path: str, target: str) -> tuple[int, Any]:
    """One JSON document over a unix socket, and the process that listens on it. HTTP/1.0: the answer ends with the connection."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(4.0)
        connection.connect(path)
        listener = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0]
        connection.sendall(f"GET {target} HTTP/1.0\r\nHost: localhost\r\nAccept: application/json\r\n\r\n".encode())
        answer = b""
        while piece := connection.recv(1 << 16):
            answer += piece
            if len(answer) > SMALL_FILE:
                raise ValueError
    head, _, body = answer.partition(b"\r\n\r\n")
    if head.split(b" ")[1:2] != [b"200"]:
        raise ValueError
    return listener, json.loads(body)


def container(engine: str, row: dict[str, Any]) -> dict[str, str]:
    """One container as its engine lists it."""
    labels = row.get("Labels") or {}
    project = labels.get("com.docker.compose.project") or labels.get("io.podman.compose.project") or ""
    name = (row.get("Names") or [""])[0].lstrip("/")
    return {
        "engine": engine, "id": str(row["Id"]), "name": name, "image": str(row["Image"]), "state": str(row["State"]),
        "status": str(row["Status"]), "project": project,
    }  # fmt: skip


def unexplained(rows: list[dict[str, Any]], mine: set[int], ids: set[str], answered: set[str]) -> Iterator[str]:
    """Signs of containers that no engine that answered accounts for."""
    below = descendants(rows, mine)
    for row in rows:
        why = ""
        if row["container"]:
            why = "" if row["container"] in ids else f"is in container {row['container'][:12]}, which no engine lists"
        elif row["command"].startswith("containerd-shim"):  # the kernel keeps 15 letters of a name
            why = "" if ids & set(row["argv"]) else "holds a container that no engine lists"
        elif row["command"] == "containerd":  # docker's own is not its child everywhere
            why = "" if "docker" in answered else "runs, and no engine answered"
        elif row["command"] in ENGINE_COMMANDS and row["pid"] not in below:
            why = "runs, and did not answer"
        elif row["own_pids"]:
            why = "has a PID namespace of its own"
        if why:
            yield f"{row['command']} (pid {row['pid']}) {why}"
    explained = tuple(word for engine in answered for word in ENGINES[engine][2])
    for path in listening_engines():
        if not any(word in path for word in explained):
            yield f"{path} is listened on, and no engine answered"


def listening_engines() -> Iterator[str]:
    """Unix sockets of this network that an engine would listen on, and something does."""
    with open("/proc/net/unix", encoding="utf-8", errors="surrogateescape") as table:
        rows = [line.split(None, 7) for line in table][1:]
    for row in rows:
        path = row[7].strip() if len(row) == 8 else ""
        if int(row[3], 16) & LISTENING and ENGINE_SOCKETS.search(path):
            yield path


def descendants(rows: list[dict[str, Any]], pids: set[int]) -> set[int]:
    """The processes themselves, their children, and theirs."""
    found = set(pids)
    while more := {row["pid"] for row in rows if row["ppid"] in found} - found:
        found |= more
    return found


# --------------------------------------------------------------------------------------------------------- cutting

FREE_TEXT = {
    "argv",
    "ExecStart",
    "sync_said",
    "text",
    "status",
    "image",
    "name",
    "traces",
    "target",
    "origin",
    "command",
}
HASH = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
USER_OF_URL = re.compile(r"(?<=://)(?!git@)[^/@\s]+@")
WORDS = re.compile(r"[a-z]+(?:[-_./ ][a-z]+)*")
LENGTH_AT_MOST = 2000


def secrets(services: list[Service], request: str) -> list[str]:
    """Every value of every ``.env`` that could give something away, and the password within one that is a URL. Short
    values, paths of this host and what the gate itself named are none.
    """
    found: set[str] = set()
    for service in services:
        try:
            text = behind(f"{service.folder}/.env")
        except OSError:
            continue
        for value in settings(text).values():
            found |= {value, *passwords(value)}
    return sorted(
        (v for v in found if len(v) >= 6 and v not in request and not (v.startswith("/") and os.path.exists(v))),
        key=len, reverse=True,
    )  # fmt: skip


def behind(path: str) -> str:
    """The content of a regular file, links followed: it is only used to be cut out. Nothing but a file is ever opened."""
    handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            return ""
        with open(f"/proc/self/fd/{handle}", "rb") as file:
            return file.read(SMALL_FILE).decode(errors="surrogateescape")
    finally:
        os.close(handle)


def passwords(value: str) -> set[str]:
    """The password inside of a URL, as it stands there and decoded."""
    found = re.search(r"://[^/@\s:]*:([^/@\s]+)@", value)
    text = found.group(1) if found else ""
    return {text, re.sub("%([0-9A-Fa-f]{2})", lambda code: chr(int(code.group(1), 16)), text)}


class Cutter:
    """Cuts secrets out of a document. In free text every one; in names and paths only what is no plain short word: a
    setting ``recordings`` must not make the file ``recordings.py`` another file.
    """

    def __init__(self, found: list[str]) -> None:
        self.free = self.pattern(found)
        self.strict = self.pattern([v for v in found if len(v) >= 12 and not WORDS.fullmatch(v)])

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
        if pattern is not None:
            text = pattern.sub("[cut]", text)
        if "://" in text:
            text = USER_OF_URL.sub("[cut]@", text)
        if not text.isascii():
            text = text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
        return text if len(text) <= LENGTH_AT_MOST else f"{text[:LENGTH_AT_MOST]} [...]"

    def clean(self, value: Any, *, free: bool = False) -> Any:
        """The same document with every string of it cut, keys too."""
        if isinstance(value, str):
            return self.text(value, free=free)
        if isinstance(value, dict):
            return {self.text(key): self.clean(row, free=free or key in FREE_TEXT) for key, row in value.items()}
        if isinstance(value, list):
            return [self.clean(row, free=free) for row in value]
        return value


# ------------------------------------------------------------------------------------------------------------ main


def look(services: list[Service]) -> dict[str, Any]:
    """All sections at once."""

    def each(function: Callable[[Service], Any], kinds: str, deadline: float = DEADLINE) -> dict[str, Job]:
        return {row.name: Job(partial(function, row), deadline) for row in services if row.kind in kinds}

    whole: dict[str, Job] = {"units": Job(partial(units, services))}
    parts = {"venvs": each(venv, "python", UV_DEADLINE)}
    whole["processes"] = Job(processes)
    parts["checkouts"] = each(checkout, "python static")
    whole["sockets"] = Job(sockets)
    whole["engines"] = Job(lambda: engines(whole["processes"]))
    parts["env_files"] = each(env_file, "python")
    parts["dists"] = each(dist, "static")
    sections: dict[str, Any] = {}
    for name, job in whole.items():
        outcome = job.result()
        sections[name] = {"seconds": round(job.seconds, 4), **outcome}
    for name, jobs in parts.items():
        value = {service: job.result() for service, job in jobs.items()}
        sections[name] = {"seconds": round(max((job.seconds for job in jobs.values()), default=0.0), 4), "value": value}
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
    signal.alarm(ALARM)
    began = time.monotonic()
    request = sys.stdin.buffer.read(1 << 20)
    asked = guarded(lambda: services_of(request, folders))
    document: dict[str, Any] = {"format": FORMAT}
    if "error" in asked:
        document["error"] = asked["error"]
    else:
        document |= {"host": host(), "sections": look(asked["value"])}
        document = Cutter(secrets(asked["value"], request.decode())).clean(document)
    times = os.times()
    document["probe"] = {
        "sha256": hashlib.sha256(program()).hexdigest(),
        "pid": os.getpid(),
        "uid": os.geteuid(),
        "python": ".".join(map(str, sys.version_info[:3])),
        "seconds": round(time.monotonic() - began, 4),
        "cpu_seconds": round(times.user + times.system + times.children_user + times.children_system, 4),
    }
    sys.stdout.write(json.dumps(document, separators=(",", ":")) + "\n")
    sys.stdout.flush()
    for child in STARTED:
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)
    return 2 if "error" in asked else 0


if __name__ == "__main__":
    # Not sys.exit: a thread that hangs in the kernel must not keep the program.
    os._exit(main())
