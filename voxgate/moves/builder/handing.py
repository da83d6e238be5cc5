"""Handing over: what was built becomes the service's as data, and nothing of it is run."""

from __future__ import annotations

import os
import shutil
import stat
from contextlib import suppress
from typing import Any, Optional, Set

from voxgate.moves.builder.base import CLOSED, KINDS, OPEN, OURS, READ, Bad, folder_at, where
from voxgate.moves.builder.folders import clear, make_folder, remove
from voxgate.moves.builder.links import link
from voxgate.moves.builder.renewed import renewed

STATIC_NEXT = "builds/.next"
FILES = 300_000  # of one folder that is handed over
BYTES = 4 << 30  # of all its files
SPARE = 64 << 20  # bytes that stay free on the host
DEEP = 64  # folders in each other
CHUNK = 1 << 20  # bytes that are copied at once
DRAFT = ".voxgate-draft"


class Hand:
    """Copies what was built into its place as data: what is equal there already stays untouched, but for a distribution that was
    installed anew; what is gone there goes.
    """

    def __init__(self) -> None:
        self.renewed: Set[str] = set()
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
        spare = max(0, disk.f_bavail * disk.f_frsize - SPARE)
        if self.more > spare:
            raise Bad("%d MB were built, and the disk has %d MB to spare" % (self.more >> 20, spare >> 20))
        self.files = self.bytes = 0
        self.renewed = renewed(source, place, path)
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
            mode = OPEN if found.st_mode & stat.S_IXUSR else CLOSED
            if at not in self.renewed and same(new, name, place, found.st_size, mode):
                return
            clear(name, place, keep=stat.S_ISREG)
            with suppress(FileNotFoundError):
                os.unlink(DRAFT, dir_fd=place)
            draft = os.open(DRAFT, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, OURS, dir_fd=place)
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
