"""What lies in the host's folders, kept between looks: to see that a folder is as it was costs a third of reading it."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections import defaultdict
from contextlib import suppress
from typing import AbstractSet, Any, Dict, Iterable, Set, Tuple

from voxgate.probe.base import Trouble
from voxgate.probe.cache import CACHE_BYTES, KNOWN_FOLDERS, HashCache, written_whole
from voxgate.probe.reading import content, rows_of

SIGNS = {".git", "pyproject.toml", "package.json"}
BARE = {"HEAD", "objects", "refs"}
TELLING = {*SIGNS, *BARE, "uv.lock", "package-lock.json"}
ANY_CODE = "*.py"  # stands for all that Python imports, in a folder that is called as a service's package
CODE_ENDS = (".py", ".pyc", ".so")
HASHED = re.compile(r"/.+/(?:\.npm/_cacache/(?:content-v2/sha\d+|index-v5)/[0-9a-f]{2}|\.git/objects)/[0-9a-f]{2}")
# Kinds of file systems of the kernel's own on this very host, where what is put into a folder, or taken away, always moves its
# ctime, which the kernel's clock alone sets. Of any other (FUSE, of a network) each folder is read each time.
TIMED = {"ext2", "ext3", "ext4", "xfs", "f2fs", "tmpfs", "overlay"}
KEPT_AT_MOST = 300_000  # rows
NEW_AT_LEAST = 50  # folders, and one of fifty: for fewer the file is not written anew
EMPTY_AT_LEAST = 2  # of one folder: a row for all of them is worth it
# Seconds: what is put into a folder moves its ctime at once, by the kernel's clock. Nobody maps a folder, as one may a file.
FOLDER_SETTLED = 2.0
RANGE = 8  # bits of an inode: folders whose inodes lie together were made together, and change together


LookedInto = Tuple[Set[str], Dict[str, int], os.stat_result]


class Above:
    """A folder while those in it are looked into: ``left`` wait that are not in it. ``empty`` are inode and ctime of those in
    which nothing tells, and no folder is.
    """

    def __init__(self, found: os.stat_result, left: int) -> None:
        self.found = found
        self.left = left
        self.empty: list[tuple[int, int]] = []


class KnownFolders:
    """The telling names in a folder and the folders in it, each with its inode, by the folder's own device, inode and ctime. What
    changed of late is not kept: it may change again with no new time. Without root nothing is kept. For one look.

    A store of recordings has hundreds of thousands of folders with nothing that tells in them. Those of one folder are kept
    together, some 200 in one hash of their inodes and ctimes, so that neither the file nor the next look grows with each.

    ``packages`` are the names of the services' packages. Python runs one without an ``__init__.py`` too, so in a folder of such a
    name any code tells. What was kept for others is not believed.
    """

    def __init__(self, packages: AbstractSet[str] = frozenset()) -> None:
        self.packages = packages
        self.mine = os.geteuid() == 0 and HashCache.trusted()
        self.kept: dict[str, list[Any]] = {}
        self.seen: dict[str, list[Any]] = {}
        self.kept_empty: dict[str, dict[str, str]] = {}
        self.inodes: set[int] = set()  # of all that have a row: most of many empty ones have none
        self.seen_empty: dict[str, dict[str, str]] = {}
        self.above: list[Above] = []
        self.new = self.passed = 0
        self.began = 0.0  # when the folder that is looked into was about to be looked into
        self.timed: set[int] = set()
        if self.mine:
            with suppress(OSError, ValueError, Trouble, KeyError):
                known = json.loads(content(KNOWN_FOLDERS, CACHE_BYTES))
                if known["packages"] == sorted(packages):
                    self.kept, self.kept_empty = known["folders"], known["empty"]
                    self.inodes = {int(row.split(".", 2)[1]) for rows in (self.kept, self.kept_empty) for row in rows}
            rows = [row.partition(" - ")[::2] for row in rows_of("/proc/self/mountinfo")]
            named = [mount.split()[2].split(":") for mount, of in rows if of.partition(" ")[0] in TIMED]
            self.timed = {os.makedev(int(major), int(minor)) for major, minor in named}

    def of(self, found: os.stat_result) -> tuple[set[str], dict[str, int]] | None:
        """What lies in this very folder; None where it has to be read."""
        key = as_it_is(found)
        row = self.kept.get(key)
        if row is None or whichever(found) in self.kept_empty or found.st_dev not in self.timed:
            return None
        if any(row) or not self.is_empty(found):
            self.seen[key] = row
        return set(row[0].split()), row[1]

    def note(self, found: os.stat_result, names: set[str], below: dict[str, int]) -> None:
        """Keep what was read in this folder; ``found`` is how it was before. What is put into it while it is read moves its time,
        however long that takes: it was settled before.
        """
        if found.st_dev in self.timed and self.began - found.st_ctime > FOLDER_SETTLED and self.has_room():
            self.new += 1
            if names or below or not self.is_empty(found):
                self.seen[as_it_is(found)] = [" ".join(sorted(names)), below]

    def has_room(self) -> bool:
        """True while more can be kept."""
        return len(self.seen) + len(self.seen_empty) < KEPT_AT_MOST

    def is_empty(self, found: os.stat_result) -> bool:
        """A folder with nothing in it: True if it is kept together with those beside it."""
        if not self.above or self.above[-1].found.st_dev != found.st_dev:
            return False
        self.above[-1].empty.append((found.st_ino, found.st_ctime_ns))
        return True

    def empty_ones(self, found: os.stat_result, below: dict[str, tuple[int, int]]) -> set[str]:
        """Which of the folders in this one, each with inode and ctime, are as they were when nothing was in them."""
        kept = self.kept_empty.get(whichever(found), {}) if found.st_dev in self.timed else {}
        rows = below.values()
        known = {row for row in rows if row[0] in self.inodes and self.has_row(found.st_dev, *row)}
        ranges = in_ranges(row for row in rows if row not in known) if known else in_ranges(rows)
        same = {number: rows for number, rows in ranges.items() if kept.get(number) == hash_of(rows)}
        if same:
            self.seen_empty[whichever(found)] = {number: kept[number] for number in same}
        inodes = {inode for members in same.values() for inode, _ in members}
        names = {name for name, (inode, _) in below.items() if inode in inodes} - self.packages
        self.passed += len(names)
        return names

    def has_row(self, device: int, inode: int, changed: int) -> bool:
        """True for a folder that is kept by itself, or has such in it that are kept together: then it is not empty."""
        return f"{device}.{inode}.{changed}" in self.kept or f"{device}.{inode}" in self.kept_empty

    def begin(self, found: os.stat_result, left: int) -> None:
        """The folders in this one come next, while more than ``left`` wait."""
        self.above.append(Above(found, left))

    def done(self, left: int) -> None:
        """So many wait: where none of a folder's own is among them, what was empty in it is kept together."""
        while self.above and left <= self.above[-1].left:
            one = self.above.pop()
            if len(one.empty) < EMPTY_AT_LEAST:
                self.seen.update({f"{one.found.st_dev}.{inode}.{changed}": ["", {}] for inode, changed in one.empty})
            elif self.has_room():
                self.seen.pop(as_it_is(one.found), None)
                rows = self.seen_empty.setdefault(whichever(one.found), {})
                rows.update({number: hash_of(members) for number, members in in_ranges(one.empty).items() if number not in rows})

    def keep(self, *, ended_early: bool = False) -> None:
        """Write what is known now, where enough of it is new. Of a search that ended early all of it is, and what it did not come
        to stays known.
        """
        self.done(0)
        known = len(self.seen) + self.passed
        if not self.mine or self.new <= (0 if ended_early else NEW_AT_LEAST + known // 50):
            return
        kept = {"folders": self.seen, "empty": self.seen_empty}
        if ended_early and len(self.kept) + len(self.kept_empty) + len(self.seen) + len(self.seen_empty) <= 2 * KEPT_AT_MOST:
            kept = {"folders": {**self.kept, **self.seen}, "empty": {**self.kept_empty, **self.seen_empty}}
        written_whole(KNOWN_FOLDERS, json.dumps({"packages": sorted(self.packages), **kept}, separators=(",", ":")))


def as_it_is(found: os.stat_result) -> str:
    """A folder as it is now."""
    return f"{found.st_dev}.{found.st_ino}.{found.st_ctime_ns}"


def whichever(found: os.stat_result) -> str:
    """A folder, however it is."""
    return f"{found.st_dev}.{found.st_ino}"


def in_ranges(folders: Iterable[tuple[int, int]]) -> dict[str, list[tuple[int, int]]]:
    """Inodes with their ctimes, by the range that the inode is in."""
    found: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
    for one in folders:
        found[one[0] >> RANGE].append(one)
    return {str(number): members for number, members in found.items()}


def hash_of(members: list[tuple[int, int]]) -> str:
    """One hash of inodes and ctimes, whatever their order."""
    return hashlib.sha256(repr(sorted(members)).encode()).hexdigest()[:32]


def read_in(fd: int, found: os.stat_result, path: str, known: KnownFolders) -> LookedInto:
    """The telling names in a folder that is held, ``found`` so, the names of the folders in it that are searched too, each with
    its inode, and the folder itself. What is kept of it is its own, wherever its path leads by now. Raises OSError.
    """
    names, below, may_be_kept = set(), {}, known.mine
    is_called_so = path.rpartition("/")[2] in known.packages
    asked = whichever(found) in known.kept_empty
    folders: list[os.DirEntry[str]] = []
    with os.scandir(fd) as entries:
        for entry in entries:
            name = entry.name
            if name in TELLING or (is_called_so and name.endswith(CODE_ENDS)):
                names.add(name if name in TELLING else ANY_CODE)
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
            if asked:
                folders.append(entry)
        beside = on_device(folders, found.st_dev)
    empty = known.empty_ones(found, beside) if beside else set()
    if empty:
        below = {name: inode for name, inode in below.items() if name not in empty}
    elif may_be_kept:
        known.note(found, names, below)
    return names, below, found


def on_device(folders: list[os.DirEntry[str]], device: int) -> dict[str, tuple[int, int]]:
    """The name of each folder, with its inode and ctime, but for one that is gone, or where something else is mounted."""
    found = {}
    for one in folders:
        try:
            row = one.stat(follow_symlinks=False)
        except FileNotFoundError:
            continue
        if row.st_dev == device:
            found[one.name] = (row.st_ino, row.st_ctime_ns)
    return found


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
