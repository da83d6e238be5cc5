"""Hashes kept between looks, in a file that root alone can write."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import stat
import time
from contextlib import suppress
from functools import lru_cache
from typing import IO, Any

from voxgate.probe.accounts import caller, seeing_as, seen_as
from voxgate.probe.base import Trouble
from voxgate.probe.folder import Folder, fingerprint_of
from voxgate.probe.places import folder_called, name_of
from voxgate.probe.reading import content, rows_of
from voxgate.probe.request import Service
from voxgate.probe.text import files_in

CACHE = "/var/lib/voxgate-probe"
KNOWN_FOLDERS = f"{CACHE}/folders.json"  # of the whole host
CACHE_BYTES = 64 * 1024 * 1024  # of all files of it together
CACHE_KINDS = ("packages", "tree", "code", "base", "journal", "project", "open", "raised", "libraries")


def written_back() -> float:
    """Seconds after which what was written to a file is on its disk, as this kernel is set, and as much again for a busy disk."""
    try:
        every, oldest = (int(content(f"/proc/sys/vm/dirty_{name}_centisecs")) for name in ("writeback", "expire"))
    except (OSError, ValueError):
        return 3600.0
    return 2 * (every + oldest) / 100 if every else 3600.0


# A file that was changed later than this may be changed again without a new time: within a tick of the kernel's clock, and by who
# mapped it, whose first write to a page that is on the disk is the only one that is noticed.
SETTLED = 2.0 + written_back()


SWAPPING = ("xfs",)  # kinds of file systems on which who may write to two files exchanges their contents, and moves no time


@lru_cache(maxsize=None)
def swapping_devices() -> frozenset[int]:
    """The devices of ours with such a file system."""
    rows = [row.partition(" - ")[::2] for row in rows_of("/proc/self/mountinfo")]
    return frozenset(os.makedev(*map(int, mount.split()[2].split(":"))) for mount, of in rows if of.partition(" ")[0] in SWAPPING)


def changes_unseen(*files: os.stat_result) -> bool:
    """True where one of these may hold something else with no sign of it: it lies on one of these, and is not root's alone."""
    devices = swapping_devices()  # none on most hosts
    return bool(devices) and any(one.st_dev in devices and (one.st_uid != 0 or one.st_mode & 0o022) for one in files)


def is_written_to(*files: IO[bytes]) -> bool:
    """True where others than root have one of these open to write to it. A write that was begun before may come into it at any
    time, as its writer can have the kernel wait for what is to be written: no time of the file tells of that.
    """
    return any(map(has_writer, files))


def has_writer(file: IO[bytes]) -> bool:
    """The same of one file: by a lease that the kernel gives only where nobody has it open so. It is given back at once."""
    found = os.fstat(file.fileno())
    if found.st_uid == 0 and not found.st_mode & 0o022:
        return False
    try:
        fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except BlockingIOError:
        return True
    except PermissionError:  # another account's
        return seen_as() == 0 or as_root(file)
    except OSError:  # there are no leases here
        return False
    return False


def as_root(file: IO[bytes]) -> bool:
    """The same, asked with root's rights; True where they cannot be had."""
    try:
        with seeing_as(0):
            return has_writer(file)
    except Trouble:
        return True


LINKED = "\0links of "  # before a path, where no path begins so


class HashCache:
    """The hashes of a folder's files, kept between looks in a file that only root can write. A file counts as unchanged if
    device, inode, size, mtime and ctime are as they were: nobody but the kernel's clock sets a ctime, and what is not on the disk
    yet is not kept, nor what changes without one. Without root nothing is, and everything is read each time.
    """

    def __init__(self, kind: str, service: Service, algorithm: str = "sha256") -> None:
        self.path = f"{CACHE}/{kind}.{name_of(service.folder)}.json"
        self.algorithm = algorithm
        self.kept: dict[str, list[Any]] = {}
        self.seen: dict[str, list[Any]] = {}
        self.read = 0
        # Before any file was looked at: what was not settled by then is not kept, however long it is read.
        self.began = time.time()
        self.asked_by = caller()  # what is known of a file is kept from whoever may not read it: each finds out by himself
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
        if self.began - changed > SETTLED:
            self.seen[path] = [*key, word]

    def digest(self, folder: Folder, name: str, path: str, found: os.stat_result) -> str:
        """The sha256 of a file as RECORD writes it; another algorithm's in plain hexadecimal. Raises OSError, also where who asks
        may not read the file, as far as we look with his rights.
        """
        key = [found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns, self.asked_by]
        kept = not changes_unseen(found)
        known = self.word(path, key) if kept else None
        if known is not None:
            return known
        self.read += 1
        with folder.open(name) as file:
            kept = kept and os.path.samestat(os.fstat(file.fileno()), found) and not is_written_to(file)
            digest = fingerprint_of(file, self.algorithm)[1]
        if self.algorithm == "sha256":
            digest = base64.urlsafe_b64encode(bytes.fromhex(digest)).decode().rstrip("=")
        if kept:
            self.note(path, key, found.st_ctime, digest)
        return digest

    def has_links(self, path: str, found: os.stat_result) -> bool:
        """True for a file that other names lead to, or led to in an earlier look: as uv links them from its cache. Each of these
        made or removed elsewhere moves its ctime. Another file in its place, or a written one, is none.
        """
        key = [found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns]
        if found.st_nlink == 1 and self.kept.get(LINKED + path) != key:
            return False
        self.seen[LINKED + path] = key
        return True

    def keep(self) -> None:
        """Write what is known now, whole or not at all. That it cannot be kept is no trouble."""
        if not self.mine or self.seen == self.kept:
            return
        written_whole(self.path, json.dumps(self.seen, separators=(",", ":")))


def written_whole(path: str, text: str) -> None:
    """Write a file of the cache, whole or not at all, where it is not too large."""
    if len(text) > CACHE_BYTES // 4:
        return
    draft = f"{path}.{os.getpid()}"
    try:
        fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with open(fd, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(draft, path)
    except OSError:
        with suppress(OSError):
            os.unlink(draft)


def prune() -> None:
    """Remove from the cache what is of no folder that is there, drafts that nobody finished, and the oldest of what is too much:
    it cannot be made to grow by asking.
    """
    if os.geteuid() != 0 or not HashCache.trusted():
        return
    kept, programs = [], []
    with suppress(OSError):
        for path in files_in(CACHE):
            kind, _, name = os.path.basename(path).partition(".")
            found = os.stat(path, follow_symlinks=False)
            of_service = kind in CACHE_KINDS and name.endswith(".json") and os.path.isdir(folder_called(name[:-5]))
            if of_service or path == KNOWN_FOLDERS:
                kept.append((found.st_mtime, found.st_size, path))
            elif kind == "program" and name.count(".") == 1:
                programs.append((found.st_mtime, path))
            else:
                os.unlink(path)
        for _, path in sorted(programs)[:-1]:  # this program compiled, and what an earlier one left
            os.unlink(path)
        size = sum(row[1] for row in kept)
        for _, bytes_of, path in sorted(kept):
            if size > CACHE_BYTES:
                os.unlink(path)
                size -= bytes_of
