#!/usr/bin/python3 -I
"""Building a release on its host, where it can do no harm. Python >= 3.9, one file, standard library only.

Installed as the root-owned ``/usr/local/libexec/voxgate-build``. What a release brings runs while it is built: build backends,
lifecycle scripts, the ``.pth`` files that uv starts with an environment's python. So the account that deploys runs none of it:

* ``install KIND NAME COMMIT [--offline]``, as the deploy account: put the commit's files where the build finds them, have
  systemd start ``voxgate-build@NAME.service`` and wait for it, then copy what came of it into ``/opt/NAME``, as data: files,
  folders, and links that stay inside. Nothing of it is run. Ends with 0, or says why not, in the build's own words.
* ``prove KIND NAME COMMIT``: the same as far as uv's dry run: 0 if all that the lock names is here.
* ``tools KIND NAME COMMIT``: 0 if the programs of a build run there, and which they are.
* ``build NAME``, by that unit alone, as ``voxbuild``: no home, no key, no other service, nothing outlives it.

In ``/var/lib/voxbuild/NAME`` the folder ``in`` is the deploy account's, and ``tree``, ``out`` and ``cache`` are the build's.
Inside of the sandbox ``tree`` is ``/opt/NAME``, so that what is built names its final place.
"""

import fcntl
import glob
import hashlib
import json
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
from contextlib import contextmanager, suppress
from typing import Any, Dict, Iterator, List, NoReturn, Optional, Tuple

read_toml: Any = None
with suppress(ImportError):  # before 3.11
    from tomllib import loads as read_toml

HOME = "/var/lib/voxbuild"
OPT = "/opt"
SYSTEMCTL = "/usr/bin/systemctl"
UV_SETTINGS = "/etc/uv/uv.toml"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
COMMIT = re.compile(r"[0-9a-f]{40}")
KINDS = {"python": ".venv", "static": "dist"}  # what is handed over
TOOLS = {"python": ["uv"], "static": ["node", "npm"]}
OF_A_HOME = (".local/bin", "bin", ".cargo/bin", ".nvm/versions/node/*/bin", ".local/share/fnm/node-versions/*/installation/bin",
             ".volta/bin", ".asdf/shims", ".local/share/mise/shims")  # fmt: skip
STATIC_NEXT = "builds/.next"
PROVING = 115  # seconds for a proof: who asked for it waits for 120
MISSING = 127  # as a shell tells of a program that is not there, or cannot be started
KEPT = 8192  # bytes of what a build said
FILES = 300_000
BYTES = 4 << 30
SPARE = 64 << 20  # bytes that stay free on the host
DEEP = 64
CHUNK = 1 << 20
OPEN, CLOSED = 0o755, 0o644  # folders and programs, and other files
DRAFT = ".voxgate-draft"
STATUSES = range(256)  # more would be cut to one of these: 256 is no 0
LOCAL = ("editable", "directory", "path")  # what a lock calls a source that it does not pin
INTERPRETER = r"python[\d.]*"
READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
# No hook of a checkout runs, nothing that git starts stays behind, and no setting of the account's (a filter) has a say.
GIT = {
    "GIT_CONFIG_COUNT": "2", "GIT_CONFIG_KEY_0": "gc.autoDetach", "GIT_CONFIG_VALUE_0": "false",
    "GIT_CONFIG_KEY_1": "core.hooksPath", "GIT_CONFIG_VALUE_1": "/dev/null", "GIT_TERMINAL_PROMPT": "0",
    "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1", "GIT_ATTR_NOSYSTEM": "1",
}  # fmt: skip


class Bad(Exception):  # noqa: N818 - the word for it
    """Why it cannot be done, in a line."""


def where(name: str, *more: str) -> str:
    """A path in the build's folder."""
    return os.path.join(HOME, name, *more)


def seen(text: str) -> str:
    """Text that moves no terminal: what is not printable becomes its escape."""
    return "".join(one if one.isprintable() or one in "\n\t" else ascii(one)[1:-1] for one in text.replace("\r\n", "\n"))


def folder_at(path: str, below: Optional[int] = None) -> int:
    """A folder held open, no link followed at its end."""
    return os.open(path, READ | os.O_DIRECTORY, dir_fd=below)


def write(path: str, document: Dict[str, Any]) -> None:
    """A JSON file, whole or not at all."""
    with open(path + ".part", "w", encoding="utf-8") as file:
        json.dump(document, file, sort_keys=True)
    os.rename(path + ".part", path)


def read(path: str) -> Dict[str, Any]:
    """A JSON object of somebody's, {} where it is none."""
    try:
        with open(os.open(path, READ), "rb") as file:
            document = json.loads(file.read(1 << 16)) if stat.S_ISREG(os.fstat(file.fileno()).st_mode) else {}
    except (OSError, ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


# ------------------------------------------------------------------------------------------------- as the deploy account


def export(folder: str, commit: str, name: str) -> None:
    """The commit's files as they would be checked out, in a folder of their own."""
    tree, index = where(name, "in", "tree"), where(name, "in", "index")
    clear("tree", folder_at(where(name, "in")))
    with suppress(FileNotFoundError):
        os.unlink(index)
    os.mkdir(tree)
    git = ["git", "-C", folder]
    env = dict(os.environ, GIT_INDEX_FILE=index, **GIT)
    for words in (["read-tree", commit], ["checkout-index", "--all", "--quiet", "--prefix=%s/" % tree]):
        ended = subprocess.run([*git, *words], env=env, stderr=subprocess.PIPE, check=False)
        if ended.returncode != 0:
            raise Bad("git %s: %s" % (words[0], ended.stderr.decode("utf-8", "replace").strip()[-300:]))


def repository(folder: str, commit: str, name: str) -> None:
    """The release's tree is a repository of its own, with this one commit and its tags: what a build asks of git (a version, a
    stamp, where hooks are) it asks there, and what it writes into it is gone with the tree.
    """
    tree = where(name, "in", "tree")
    env = dict(os.environ, **GIT)

    def git(words: List[str], given: bytes = b"") -> bytes:
        ended = subprocess.run(["git", *words], env=env, input=given, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        if ended.returncode != 0:
            raise Bad("git %s: %s" % (" ".join(words[2:4]), ended.stderr.decode("utf-8", "replace").strip()[-300:]))
        return ended.stdout

    here, there = ["-C", folder], ["-C", tree]
    shown = ["for-each-ref", "--format=%(objectname) %(refname)", "--points-at", commit, "refs/tags"]
    tags = git([*here, *shown])
    objects = git([*here, "rev-list", "--objects", "--no-object-names", commit + "^{tree}"])
    wanted = b"".join([objects, commit.encode() + b"\n", *(line.split()[0] + b"\n" for line in tags.splitlines())])
    git([*there, "init", "--quiet", "--template="])
    git([*there, "index-pack", "--stdin"], git([*here, "pack-objects", "--stdout", "--quiet", "--threads=1"], wanted))
    for path, content in (("shallow", commit.encode() + b"\n"), ("HEAD", commit.encode() + b"\n"), ("packed-refs", tags)):
        with open(os.path.join(tree, ".git", path), "wb") as file:
            file.write(content)
    os.rename(where(name, "in", "index"), os.path.join(tree, ".git", "index"))


def start(name: str) -> None:
    """Run the unit to its end. What an earlier run left of it ends first, and if we are ended, so is it."""
    unit = "voxgate-build@%s.service" % name

    def end(number: int, _: Any) -> NoReturn:
        subprocess.run(["sudo", "-n", SYSTEMCTL, "stop", unit], check=False)
        os._exit(128 + number)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    argv = ["sudo", "-n", SYSTEMCTL, "restart", unit]
    child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True)
    _, err = child.communicate()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    if child.returncode != 0:
        words = " ".join(err.decode("utf-8", "replace").split())[:300]
        raise Bad("%s: %s" % (" ".join(argv), words or "exit %d" % child.returncode))


def outcome(name: str) -> Tuple[int, str, str]:
    """How the build ended, a word about it, and the last of what it said. All of it may be any text."""
    result = read(where(name, "out", "result.json"))
    said = ""
    with suppress(OSError), open(os.open(where(name, "out", "said"), READ), "rb") as file:
        if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            file.seek(max(0, os.fstat(file.fileno()).st_size - KEPT))
            said = seen(file.read(KEPT).decode("utf-8", "replace"))
    status, note = result.get("exit"), result.get("note")
    if type(status) is not int or status not in STATUSES:
        raise Bad("the build left no result; it said: %s" % (said.strip()[-300:] or "nothing"))
    # The note goes to stdout, which may be of any locale; stderr escapes what it cannot write.
    note = seen(" ".join(str(note or "").split())[:200]).encode("ascii", "backslashreplace").decode("ascii")
    return status, note, said


class Hand:
    """Copies what was built into its place as data: what is equal there already stays untouched, what is gone there goes."""

    def __init__(self) -> None:
        self.files = 0
        self.bytes = 0
        self.more = 0

    def weigh(self, source: int, place: Optional[int], path: str, deep: int = 0) -> None:
        """Count all of it before any of it is copied: what is too much is refused with nothing touched. ``bytes`` are of all
        files, ``more`` of those that the place does not have. Raises Bad, and OSError.
        """
        names = os.listdir(source)
        self.files += len(names)
        if self.files > FILES or deep > DEEP or DRAFT in names:
            raise Bad("%s: over %d files, or %d deep, or a name of ours" % (path, FILES, DEEP))
        for name in names:
            found = os.stat(name, dir_fd=source, follow_symlinks=False)
            try:
                there = None if place is None else os.stat(name, dir_fd=place, follow_symlinks=False)
            except FileNotFoundError:
                there = None
            if stat.S_ISREG(found.st_mode):
                self.bytes += found.st_size
                if there is None or not stat.S_ISREG(there.st_mode) or there.st_size != found.st_size:
                    self.more += found.st_size
                if self.bytes > BYTES:
                    raise Bad("over %d bytes were built" % BYTES)
            elif stat.S_ISDIR(found.st_mode):
                below = folder_at(name, source)
                beside = folder_at(name, place) if there is not None and stat.S_ISDIR(there.st_mode) else None
                try:
                    self.weigh(below, beside, "%s/%s" % (path, name), deep + 1)
                finally:
                    os.close(below)
                    if beside is not None:
                        os.close(beside)

    def whole(self, source: int, place: int, path: str) -> None:
        """All that was built, if it is not too much. Raises Bad, and OSError."""
        self.weigh(source, place, path)
        disk = os.statvfs(place)
        free = disk.f_bavail * disk.f_frsize
        if self.more and free - self.more < SPARE:
            raise Bad("%d MB were built, and the disk has %d MB to spare" % (self.more >> 20, max(0, free - SPARE) >> 20))
        self.files = self.bytes = 0
        self.over(source, place, path)

    def over(self, source: int, place: int, path: str, deep: int = 0) -> None:
        """One folder, and all below it. Raises Bad, and OSError."""
        names = set(os.listdir(source))
        self.files += len(names)
        if self.files > FILES or deep > DEEP or DRAFT in names:
            raise Bad("%s: over %d files, or %d deep, or a name of ours" % (path, FILES, DEEP))
        for name in sorted(set(os.listdir(place)) - names):
            remove(name, place, but_roots_byte_code=True)
        for name in sorted(names):
            found = os.stat(name, dir_fd=source, follow_symlinks=False)
            at = "%s/%s" % (path, name)
            if stat.S_ISDIR(found.st_mode):
                make_folder(name, place)
                below, there = folder_at(name, source), folder_at(name, place)
                try:
                    self.over(below, there, at, deep + 1)
                finally:
                    os.close(below)
                    os.close(there)
            elif stat.S_ISLNK(found.st_mode):
                link(os.readlink(name, dir_fd=source), name, place, at)
            elif stat.S_ISREG(found.st_mode):
                self.file(source, place, name, at)
            else:
                raise Bad("%s is neither a file nor a folder nor a link" % at)

    def file(self, source: int, place: int, name: str, at: str) -> None:
        """One file. A changed one is written beside and renamed, so that who reads sees the old one or the new one."""
        with open(os.open(name, READ, dir_fd=source), "rb") as new:
            found = os.fstat(new.fileno())
            if not stat.S_ISREG(found.st_mode):
                raise Bad("%s changed while it was read" % at)
            self.bytes += found.st_size
            if self.bytes > BYTES:
                raise Bad("over %d bytes were built" % BYTES)
            mode = OPEN if found.st_mode & 0o100 else CLOSED
            if same(new, name, place, found.st_size, mode):
                return
            clear(name, place, keep=stat.S_ISREG)
            with suppress(FileNotFoundError):
                os.unlink(DRAFT, dir_fd=place)
            draft = os.open(DRAFT, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600, dir_fd=place)
            try:
                with open(draft, "wb") as file:
                    new.seek(0)
                    shutil.copyfileobj(new, file, CHUNK)
                    file.flush()
                    os.fchmod(draft, mode)
                    os.utime(draft, ns=(found.st_mtime_ns, found.st_mtime_ns))
                os.rename(DRAFT, name, src_dir_fd=place, dst_dir_fd=place)
            except OSError:
                os.unlink(DRAFT, dir_fd=place)
                raise


def same(new: Any, name: str, place: int, size: int, mode: int) -> bool:
    """True if the file is there as it shall be: ours alone, and equal byte for byte."""
    try:
        found = os.stat(name, dir_fd=place, follow_symlinks=False)
    except FileNotFoundError:
        return False
    if not stat.S_ISREG(found.st_mode) or (found.st_size, stat.S_IMODE(found.st_mode), found.st_nlink) != (size, mode, 1):
        return False
    if found.st_uid != os.geteuid():
        return False
    with open(os.open(name, READ, dir_fd=place), "rb") as old:
        while True:
            one, other = new.read(CHUNK), old.read(CHUNK)
            if one != other:
                return False
            if not one:
                return True


def link(target: str, name: str, place: int, at: str) -> None:
    """One link: it stays inside, or is the interpreter, which is root's. The names by which an environment finds its
    interpreter and its library lead to nothing else.
    """
    if not is_good_link(target, at):
        raise Bad("%s leads to %s" % (at, target))
    with suppress(OSError):
        if os.readlink(name, dir_fd=place) == target:
            return
    clear(name, place)
    os.symlink(target, name, dir_fd=place)


def is_good_link(target: str, at: str) -> bool:
    """True for a link that leads nowhere else. Upwards it goes from its own folder only, which is a real one: ``..`` behind a
    name that is a link would lead from where that link leads.
    """
    if at == ".venv/lib64":
        return target == "lib"
    if re.fullmatch(r"\.venv/bin/" + INTERPRETER, at):
        return bool(re.fullmatch(INTERPRETER, target)) or (os.path.isabs(target) and is_roots(target))
    parts = [part for part in target.split("/") if part not in ("", ".")]
    up = next((number for number, part in enumerate(parts) if part != ".."), len(parts))
    # Of what is handed over, a link in its first folder may not go up at all.
    return not os.path.isabs(target) and ".." not in parts[up:] and up <= at.count("/") - 1


def is_roots(path: str) -> bool:
    """True for a program that root alone can change."""
    try:
        path = os.path.realpath(path)
        found = os.stat(path)
        while True:
            row = os.lstat(path)
            if row.st_uid != 0 or row.st_mode & 0o022:
                return False
            if path == "/":
                return stat.S_ISREG(found.st_mode)
            path = os.path.dirname(path)
    except OSError:
        return False


def make_folder(name: str, place: int) -> None:
    """A folder in its place, with the mode of one."""
    clear(name, place, keep=stat.S_ISDIR)
    with suppress(FileExistsError):
        os.mkdir(name, OPEN, dir_fd=place)
    if stat.S_IMODE(os.stat(name, dir_fd=place, follow_symlinks=False).st_mode) != OPEN:
        os.chmod(name, OPEN, dir_fd=place)


def clear(name: str, place: int, keep: Any = None) -> None:
    """Remove what has the name, unless it is of the kind that is wanted there."""
    try:
        found = os.stat(name, dir_fd=place, follow_symlinks=False)
    except FileNotFoundError:
        return
    if keep is None or not keep(found.st_mode):
        remove(name, place)


def remove(name: str, place: int, *, but_roots_byte_code: bool = False) -> None:
    """A file, a link, or a folder with all below it, however deep and whatever its modes; no link is followed. One folder is
    open at a time. Byte code that root's Python left may stay, with the folders that it is in: we cannot remove it, and a look
    compares it. Raises OSError for what cannot be removed.
    """
    here, way = os.dup(place), []  # type: int, List[Tuple[str, int, int]]
    left, stays = [[name]], [False]
    try:
        while True:
            if left[-1]:
                one = left[-1].pop()
                found = os.stat(one, dir_fd=here, follow_symlinks=False)
                if but_roots_byte_code and one == "__pycache__" and found.st_uid == 0 != os.geteuid():
                    stays[-1] = True
                    continue
                if not stat.S_ISDIR(found.st_mode):
                    os.unlink(one, dir_fd=here)
                    continue
                usable(one, here, found)
                row = os.fstat(here)
                way.append((one, row.st_dev, row.st_ino))
                here = step(here, one)
                left.append(os.listdir(here))
                stays.append(False)
            elif way:
                left.pop()
                kept = stays.pop()
                one, *was = way.pop()
                here = step(here, "..")
                row = os.fstat(here)
                if [row.st_dev, row.st_ino] != was:
                    raise Bad("%s was moved while it was removed" % one)
                stays[-1] = stays[-1] or kept
                if not kept:
                    os.rmdir(one, dir_fd=here)
            else:
                return
    finally:
        os.close(here)


def step(here: int, name: str) -> int:
    """Go to a folder beside; the one left is closed."""
    there = folder_at(name, here)
    os.close(here)
    return there


def usable(name: str, place: Optional[int], found: os.stat_result) -> None:
    """A folder that its owner can list and change, a file that he can read and write."""
    need = 0o700 if stat.S_ISDIR(found.st_mode) else 0o600
    if found.st_mode & need != need and found.st_uid == os.geteuid():
        os.chmod(name, stat.S_IMODE(found.st_mode) | need, dir_fd=place)


def hand_over(name: str, folder: str, kind: str) -> None:
    """What was built, into the service's folder. Raises Bad."""
    place = folder_at(folder)
    if kind == "static":
        make_folder("builds", place)
        make_folder(".next", folder_at("builds", place))
        target = folder_at(os.path.join(folder, STATIC_NEXT))
    else:
        make_folder(".venv", place)
        target = folder_at(".venv", place)
    try:
        source = folder_at(where(name, "tree", KINDS[kind]))
    except OSError as error:
        raise Bad("the build left no folder %s: %s" % (KINDS[kind], error.strerror)) from None
    Hand().whole(source, target, KINDS[kind])


def state_of(path: str) -> str:
    """All of a folder as the kernel tells it, in one hash: any write, any rename moves a ctime. "" where it is not there."""
    whole = hashlib.sha256()
    if not os.path.isdir(path) or os.path.islink(path):
        return ""
    for top, folders, names in os.walk(path):
        folders.sort()
        for one in sorted([*names, *folders]):
            at = os.path.join(top, one)
            row = os.lstat(at)
            said = (row.st_mode, row.st_uid, row.st_nlink if stat.S_ISREG(row.st_mode) else 0, row.st_ino, row.st_size,
                    row.st_mtime_ns, row.st_ctime_ns)  # fmt: skip
            whole.update(("%s %r\n" % (at, said)).encode("utf-8", "surrogateescape"))
    return whole.hexdigest()


def ingredients(tree: str, folder: str) -> str:
    """What an environment is made of, in one hash; "" where it is made of more than the lock pins, or cannot be told."""
    whole = hashlib.sha256()
    for path in (os.path.join(tree, "uv.lock"), os.path.join(tree, "pyproject.toml"), os.path.join(tree, "uv.toml"),
                 os.path.join(tree, ".python-version"), UV_SETTINGS):  # fmt: skip
        try:
            with open(os.open(path, READ), "rb") as file:
                if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    return ""
                content = file.read()
        except FileNotFoundError:
            whole.update(b"- ")
            continue
        except OSError:  # a link, for one
            return ""
        if path.endswith("uv.lock") and has_local(content):
            return ""
        whole.update(b"%d " % len(content) + content)
    for program in (shutil.which("uv", path=PATH) or "", os.path.realpath(os.path.join(folder, ".venv/bin/python"))):
        with suppress(OSError):
            row = os.stat(program)
            whole.update(("%s %d %d %d" % (program, row.st_ino, row.st_size, row.st_mtime_ns)).encode())
    return whole.hexdigest()


def has_local(lock: bytes) -> bool:
    """True if a lock names a source that it does not pin, however the key is written; or if nobody can read it."""
    if read_toml is None:
        # Any mention, and any escape that may be one: it is built once too often then.
        return bool(re.search(rb"\b(%s)\b|\\" % "|".join(LOCAL).encode(), lock))
    try:
        todo: List[Any] = [read_toml(lock.decode("utf-8"))]
    except (ValueError, RecursionError):
        return True
    while todo:
        one = todo.pop()
        if isinstance(one, dict):
            if not one.keys().isdisjoint(LOCAL):
                return True
            todo += one.values()
        elif isinstance(one, list):
            todo += one
    return False


@contextmanager
def alone(folder: str) -> Iterator[None]:
    """One build of a service at a time: whoever comes second waits."""
    descriptor = os.open(where(os.path.basename(folder), "in", "lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def install(kind: str, folder: str, commit: str, *, offline: bool) -> int:
    """Build and hand over. Raises Bad."""
    name, tree = os.path.basename(folder), where(os.path.basename(folder), "in", "tree")
    export(folder, commit, name)
    handed, made_of = where(name, "in", "handed.json"), ""
    if kind == "python":
        made_of = ingredients(tree, folder)
        known = read(handed)
        if made_of and known == {"made_of": made_of, "state": state_of(os.path.join(folder, ".venv"))}:
            say("as it was: the lock is the same")
            return 0
        with suppress(FileNotFoundError):
            os.unlink(handed)
    repository(folder, commit, name)
    status, note = asked("install", kind, commit, name, offline=offline)
    if status == 0:
        hand_over(name, folder, kind)
        if kind == "python" and ingredients(tree, folder):
            state = state_of(os.path.join(folder, ".venv"))
            write(handed, {"made_of": ingredients(tree, folder), "state": state})
        say(note)
    return status


def prove(kind: str, folder: str, commit: str) -> int:
    """True (0) if it could be installed again from what is here."""
    name = os.path.basename(folder)
    if subprocess.run(["git", "-C", folder, "cat-file", "-e", commit + "^{commit}"], check=False).returncode != 0:
        raise Bad("git does not have the commit")
    export(folder, commit, name)
    repository(folder, commit, name)
    return asked("prove", kind, commit, name, offline=True)[0]


def tools(kind: str, folder: str, commit: str) -> int:
    """True (0) if the build's own programs run where it runs. One that only this account has is told with its folder."""
    home = os.path.expanduser("~")
    for name in TOOLS[kind]:
        found = os.path.realpath(shutil.which(name, path=PATH) or "/")
        homes = [path for one in OF_A_HOME for path in sorted(glob.glob(os.path.join(home, one, name))) if found == "/"]
        for at in [*homes, *([found] if found.startswith((home + "/", "/home/", "/root/")) else [])]:
            if os.access(at, os.X_OK):
                raise Bad("%s is there for this account alone, in %s: builds run as voxbuild, who sees no home"
                          % (name, os.path.dirname(at)))  # fmt: skip
    status, note = asked("tools", kind, commit, os.path.basename(folder), offline=True)
    say(note)
    return status


def asked(what: str, kind: str, commit: str, name: str, *, offline: bool) -> Tuple[int, str]:
    """Have the unit do it: its status and its note. What it said goes to stderr where it failed."""
    write(where(name, "in", "request.json"), {"do": what, "kind": kind, "commit": commit, "offline": offline})
    start(name)
    status, note, said = outcome(name)
    if status != 0:
        # Of a failed build backend uv tells at length, and what the backend itself said stands between these two.
        print(re.split(r"\n\s*hint:", said.rpartition("[stderr]")[2])[0], file=sys.stderr)
    return status, note


def say(text: str) -> None:
    """One line on stdout, if there is anything to say."""
    if text:
        print(text)


# ------------------------------------------------------------------------------------------- in the sandbox, as voxbuild


class Build:
    """One build: its programs, one after the other, each with its output in the file ``said``."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.tree = os.path.join(OPT, name)
        self.out = where(name, "out")
        self.request = read(where(name, "in", "request.json"))
        self.notes: List[str] = []
        cache = where(name, "cache")
        self.env = {
            **os.environ, "PATH": PATH, "HOME": "/tmp/home", "LC_ALL": "C.UTF-8", "NO_COLOR": "1", "CI": "true",  # noqa: S108
            "UV_CACHE_DIR": cache + "/uv", "UV_LINK_MODE": "copy", "UV_NO_PROGRESS": "1", "UV_PYTHON_DOWNLOADS": "never",
            "UV_PYTHON_PREFERENCE": "only-system", "npm_config_cache": cache + "/npm",
        }  # fmt: skip

    def prepare(self) -> None:
        """Nothing of an earlier build is left but the caches, which are usable: what it planted, it planted for itself."""
        for path in (self.tree, self.out):
            empty(path)
        mend(where(self.name, "cache"))
        os.makedirs(self.env["HOME"], exist_ok=True)
        shutil.copytree(where(self.name, "in", "tree"), self.tree, symlinks=True, dirs_exist_ok=True)

    def run(self, *argv: str) -> int:
        """One program in the tree."""
        with open(os.path.join(self.out, "said"), "ab") as said:
            try:
                ended = subprocess.run(
                    argv, cwd=self.tree, env=self.env, stdin=subprocess.DEVNULL, stdout=said, stderr=said, check=False
                )
            except OSError as error:
                words = (
                    "is not installed for all accounts of this host" if isinstance(error, FileNotFoundError) else error.strerror
                )
                said.write(("error: %s %s\n" % (argv[0], words)).encode())
                return MISSING
        return ended.returncode if ended.returncode >= 0 else 128 - ended.returncode  # as a shell tells of a signal

    def said(self) -> str:
        """What was said so far."""
        with open(os.path.join(self.out, "said"), encoding="utf-8", errors="replace") as file:
            return file.read(1 << 20)

    def tools(self) -> int:
        """The programs of a build, each tried, with what it says of its version and where it is."""
        for name in TOOLS[self.request["kind"]]:
            self.forget()
            status = self.run(name, "--version")
            if status != 0:
                return status
            version = (self.said().split("\n")[0].split() or ["?"])[:2]
            self.notes.append("%s %s in %s" % (name, version[-1].lstrip("v"), shutil.which(name, path=PATH)))
        return 0

    def forget(self) -> None:
        """What was said by a program that is tried in another way."""
        with open(os.path.join(self.out, "said"), "wb"):
            pass

    def python(self) -> int:
        """uv, without any code of a package where wheels are all there is."""
        more = ["--offline"] if self.request["offline"] else []
        sync = ["uv", "sync", "--locked", "--no-dev", *more]
        status = self.run(*sync, "--no-build")
        if status != 0 and re.search(r"--no-build|[Bb]uilding source distributions is disabled", self.said()):
            names = set(re.findall(r"[Dd]istribution `([\w.-]+)", self.said()))
            self.forget()
            status = self.run(*sync)
            names |= set(re.findall(r"^\s*Built ([\w.-]+)", self.said(), re.MULTILINE))
            self.notes.append("builds %s from source" % (", ".join(sorted(names)) or "a package"))
        return status

    def dry(self) -> int:
        """Whether uv would have to download anything. Its dry run ends with 0 then too: it only says so. Of a package of the
        release's own it knows only once it is built, so such a release is installed, here where nobody runs it.
        """
        with open(os.path.join(self.tree, "uv.lock"), "rb") as file:
            if has_local(file.read()):
                return self.python()
        status = self.run("uv", "sync", "--locked", "--offline", "--dry-run", "--no-dev")
        missing = [line for line in self.said().splitlines() if "Would download" in line]
        return status or (3 if missing else 0)

    def static(self) -> int:
        """npm, without the scripts of packages where none has any."""
        with open(os.path.join(self.tree, "package-lock.json"), encoding="utf-8") as file:
            packages = json.load(file).get("packages", {})
        names = sorted(
            path.rpartition("node_modules/")[2] or "the release"
            for path, row in packages.items()
            if row.get("hasInstallScript") and "linux" in row.get("os", ["linux"])
        )
        more = ["--offline"] if self.request["offline"] else []
        if names:
            self.notes.append("runs install scripts of %s" % ", ".join(names))
        else:
            more.append("--ignore-scripts")
        status = self.run("npm", "ci", "--no-audit", "--no-fund", "--loglevel=error", *more)
        return status or self.run("npm", "run", "build")

    def whole(self) -> None:
        """All of it; its outcome is in ``result.json``."""
        if self.request["do"] == "tools":
            empty(self.out)
        else:
            self.prepare()
        work = {
            ("tools", "python"): self.tools,
            ("tools", "static"): self.tools,
            ("install", "python"): self.python,
            ("prove", "python"): self.dry,
            ("install", "static"): self.static,
        }
        status = work[self.request["do"], self.request["kind"]]()
        write(os.path.join(self.out, "result.json"), {"exit": status, "note": "; ".join(self.notes)})


def empty(folder: str) -> None:
    """Nothing is left in it, and it is usable."""
    os.chmod(folder, OPEN)
    top = folder_at(folder)
    for one in os.listdir(top):
        remove(one, top)
    os.close(top)


def mend(cache: str) -> None:
    """A build may have taken itself the right to its cache, or left a pipe there: whoever reads it would fail or wait for ever.
    A cache that cannot be walked is emptied.
    """

    def fail(error: OSError) -> NoReturn:
        raise error

    os.chmod(cache, OPEN)
    try:
        for name in ("uv", "npm"):
            clear(name, folder_at(cache), keep=stat.S_ISDIR)
        for top, folders, names in os.walk(cache, onerror=fail):
            for path in [os.path.join(top, one) for one in folders + names]:
                found = os.lstat(path)
                if stat.S_ISDIR(found.st_mode) or stat.S_ISREG(found.st_mode):
                    usable(path, None, found)
                elif not stat.S_ISLNK(found.st_mode):
                    os.unlink(path)
    except (OSError, RecursionError):
        empty(cache)


def asked_for(words: List[str]) -> Tuple[str, str, str]:
    """Kind, folder and commit. The folder comes as a name: a Python with its path among its words would be one that runs what
    lies there, to whoever looks meanwhile. Raises Bad.
    """
    kind, name, commit = words if len(words) == len(("kind", "name", "commit")) else ("", "", "")
    if kind not in KINDS or not NAME.fullmatch(name) or not COMMIT.fullmatch(commit):
        raise Bad("no such build: %s" % " ".join(words))
    return kind, "%s/%s" % (OPT, name), commit


def given_up(number: int, _: Any) -> NoReturn:
    """Nobody waits for us any more: end, with whatever we started, and let the lock go."""
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(128 + number)


def main(argv: List[str]) -> int:
    """One of the four; the exit status."""
    os.umask(0o022)
    if argv[0] in ("prove", "tools"):
        signal.signal(signal.SIGALRM, given_up)
        signal.alarm(PROVING)
    what, words = argv[0], [word for word in argv[1:] if word != "--offline"]
    try:
        if what == "build" and NAME.fullmatch(words[0]):
            # The first process of its namespace hears no signal that it does not ask for.
            signal.signal(signal.SIGTERM, lambda number, _: os._exit(128 + number))
            Build(words[0]).whole()
            return 0
        kind, folder, commit = asked_for(words)
        with alone(folder):
            if what in ("prove", "tools"):
                return {"prove": prove, "tools": tools}[what](kind, folder, commit)
            return install(kind, folder, commit, offline="--offline" in argv)
    except (Bad, OSError, RecursionError) as error:
        print("error: %s" % seen(str(error)), file=sys.stderr)
        return 70


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
