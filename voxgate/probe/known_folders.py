"""What lies in the host's folders, kept between looks: to see that a folder is as it was costs a third of reading it."""

from __future__ import annotations

import json
import os
import re
import time
from contextlib import suppress
from typing import Any

from voxgate.probe.base import Trouble
from voxgate.probe.cache import CACHE_BYTES, KNOWN_FOLDERS, SETTLED, HashCache, written_whole
from voxgate.probe.reading import content, rows_of

SIGNS = {".git", "pyproject.toml", "package.json"}
BARE = {"HEAD", "objects", "refs"}
TELLING = {*SIGNS, *BARE, "__init__.py", "uv.lock", "package-lock.json"}
HASHED = re.compile(r"/.+/(?:\.npm/_cacache/(?:content-v2/sha\d+|index-v5)/[0-9a-f]{2}|\.git/objects)/[0-9a-f]{2}")
# Kinds of file systems of the kernel's own on this very host, where what is put into a folder, or taken away, always moves its
# ctime, which the kernel's clock alone sets. Of any other (FUSE, of a network) each folder is read each time.
TIMED = {"ext2", "ext3", "ext4", "xfs", "f2fs", "tmpfs", "overlay"}
KEPT_AT_MOST = 100_000  # folders
NEW_AT_LEAST = 50  # folders, and one of fifty: for fewer the file is not written anew


class KnownFolders:
    """The telling names in a folder and the folders in it, each with its inode, by the folder's own device, inode and ctime. What
    changed of late is not kept: it may change again with no new time. Without root nothing is kept. For one look.
    """

    def __init__(self) -> None:
        self.mine = os.geteuid() == 0 and HashCache.trusted()
        self.kept: dict[str, list[Any]] = {}
        self.seen: dict[str, list[Any]] = {}
        self.new = 0
        self.timed: set[int] = set()
        if self.mine:
            with suppress(OSError, ValueError, Trouble):
                self.kept = json.loads(content(KNOWN_FOLDERS, CACHE_BYTES))
            rows = [row.partition(" - ")[::2] for row in rows_of("/proc/self/mountinfo")]
            named = [mount.split()[2].split(":") for mount, of in rows if of.partition(" ")[0] in TIMED]
            self.timed = {os.makedev(int(major), int(minor)) for major, minor in named}

    def of(self, found: os.stat_result) -> tuple[set[str], dict[str, int]] | None:
        """What lies in this very folder; None where it has to be read."""
        key = f"{found.st_dev}.{found.st_ino}.{found.st_ctime_ns}"
        row = self.kept.get(key)
        if row is None:
            return None
        self.seen[key] = row
        return set(row[0].split()), row[1]

    def note(self, found: os.stat_result, names: set[str], below: dict[str, int]) -> None:
        """Keep what was read in this folder; ``found`` is how it was before."""
        if found.st_dev in self.timed and time.time() - found.st_ctime > SETTLED and len(self.seen) < KEPT_AT_MOST:
            self.seen[f"{found.st_dev}.{found.st_ino}.{found.st_ctime_ns}"] = [" ".join(sorted(names)), below]
            self.new += 1

    def keep(self) -> None:
        """Write what is known now, where enough of it is new."""
        if self.mine and self.new > NEW_AT_LEAST + len(self.seen) // 50:
            written_whole(KNOWN_FOLDERS, json.dumps(self.seen, separators=(",", ":")))


def read_in(fd: int, path: str, known: KnownFolders) -> tuple[set[str], dict[str, int]]:
    """The telling names in a folder that is held, and the names of the folders in it that are searched too, each with its inode.
    What is kept of it is its own, wherever its path leads by now. Raises OSError.
    """
    names, below, may_be_kept = set(), {}, known.mine
    found = os.fstat(fd)
    with os.scandir(fd) as entries:
        for entry in entries:
            name = entry.name
            if name in TELLING:
                names.add(name)
            if not entry.is_dir(follow_symlinks=False):
                continue
            if len(name) == 2 and HASHED.fullmatch(f"{path}/{name}"):
                may_be_kept = False  # by what lies in its folders
                try:
                    if is_hashed(entry, fd):
                        continue
                except (FileNotFoundError, NotADirectoryError):  # one that is gone meanwhile hides no other
                    continue
            below[name] = entry.inode()
    if may_be_kept:
        known.note(found, names, below)
    return names, below


def is_hashed(entry: os.DirEntry[str], at: int) -> bool:
    """True for one of the 65,000 folders, named by hashes, of npm's cache, or of the 256 of a repository's objects, in which
    nothing tells of a copy: it does not count as searched.
    """
    if entry.stat(follow_symlinks=False).st_nlink != 2:  # there is a folder in it
        return False
    fd = os.open(entry.name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=at)
    try:
        return TELLING.isdisjoint(os.listdir(fd))
    finally:
        os.close(fd)
