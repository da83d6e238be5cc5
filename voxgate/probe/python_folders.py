"""Where Python comes to from a folder that it searches: by links with names that it can import, and by rows of ``.pth`` files."""

from __future__ import annotations

import os
import re
import stat
from contextlib import suppress
from itertools import islice
from typing import Iterator

from voxgate.probe.accounts import seeing_as
from voxgate.probe.base import LONGEST_PATH, NAMES_AT_MOST, Trouble
from voxgate.probe.folder import NoFile, opened_regular
from voxgate.probe.marks import Marks
from voxgate.probe.python_words import PIECES
from voxgate.probe.reading import link_of, taken

CODE = (".py", ".pyc", ".so")
SEARCHED_NAMES_AT_MOST = 1_000_000  # in one folder, some 0.5 us each: Python may well stand where very many recordings lie
LED_AT_MOST = 5000  # links of one folder, or ways that its files name
ROWS_FILE = 1 << 20
LINE_END = re.compile(r"[\r\n]")
BYTE_ORDER = b"\xef\xbb\xbf"
SYSTEMS = re.compile(rb"include-system-site-packages[ \t]*=[ \t]*true", re.IGNORECASE)
DISTRIBUTIONS = ("/usr/", "/bin/", "/sbin/", "/lib/")  # root made all that lies there


class Search:
    """What one process finds. What lies in a folder is looked at with the rights of the account that the process has."""

    def __init__(self, marks: Marks, pid: str, uid: int) -> None:
        self.marks, self.pid, self.uid = marks, pid, uid
        self.space = marks.space_of(pid)

    def found_by(self, path: str, kind: str, start: int = -1) -> frozenset[str]:
        """The watched folders that a folder leads to. Its ``kind`` is ``started`` for where Python was started, or its script
        lies: there a link to a whole folder is how people come to it. It is ``told`` for what a variable names, ``site`` for an
        environment's, where Python reads ``.pth`` files.
        """
        at = self.marks.end_of(self.pid, path, set(), start)
        if at < 0:
            return frozenset()
        try:
            here = os.fstat(at)
            if not stat.S_ISDIR(here.st_mode):
                return frozenset()
            if self.space.ours and f"{link_of(f'/proc/self/fd/{at}')}/".startswith(DISTRIBUTIONS):
                return frozenset()
            key = (self.space.key, self.uid, kind, here.st_dev, here.st_ino)
            if key not in self.marks.searched:
                self.marks.searched[key] = frozenset(self.led_from(at, kind))
            return self.marks.searched[key]
        except OSError:  # it is gone, or the account may not look
            return frozenset()
        finally:
            os.close(at)

    def led_from(self, at: int, kind: str) -> set[str]:
        """What the links and rows of one folder lead to."""
        found: set[str] = set()
        links: list[str] = []
        tables: list[str] = []
        others: list[str] = []  # it may have mounted there what others link
        with seeing_as(self.uid):
            for one in all_in(at):
                if is_importable(one.name) and (not self.space.ours or one.is_symlink()):
                    (links if one.is_symlink() else others).append(one.name)
                if kind == "site" and is_table(one.name):
                    tables.append(one.name)
                if len(links) + len(tables) > LED_AT_MOST or len(others) > NAMES_AT_MOST:
                    raise Trouble("failed", f"Python searches a folder with over {LED_AT_MOST} links, or {NAMES_AT_MOST} modules")
        found |= self.mounted_among(others, at)
        for name in links:
            on_it: set[str] = set()
            end = self.marks.end_of(self.pid, name, on_it, at)
            if end >= 0:
                try:
                    if on_it and self.is_code(end, name, kind):
                        found |= on_it
                finally:
                    os.close(end)
        rows = list(islice((row for name in tables for row in self.rows_in(name, at)), LED_AT_MOST + 1))
        if len(rows) > LED_AT_MOST:
            raise Trouble("failed", f"an environment of Python's names over {LED_AT_MOST} ways")
        for row in rows:
            found |= self.marks.on_the_way(self.pid, row, at)
        return found

    def mounted_among(self, names: list[str], at: int) -> set[str]:
        """The watched folders that lie, or a part of which lies, in a folder under these names, as the process sees it."""
        found: set[str] = set()
        for name in names:
            with suppress(OSError):
                here = os.stat(name, dir_fd=at, follow_symlinks=False)
                found.update({self.marks.marks.get((here.st_dev, here.st_ino), "")} - {""})
        return found

    def is_code(self, end: int, name: str, kind: str) -> bool:
        """True where what a link leads to can be imported: a file of Python's, or a folder with one."""
        here = os.fstat(end)
        if not stat.S_ISDIR(here.st_mode):
            return name.endswith(CODE)
        if (here.st_dev, here.st_ino) in self.marks.tops:
            return kind != "started"
        with suppress(OSError), seeing_as(self.uid):
            return any(one.name.endswith(CODE) for one in all_in(end))
        return False

    def rows_in(self, name: str, at: int) -> Iterator[str]:
        """The ways that a file names which an environment's Python reads as it starts."""
        end = self.marks.end_of(self.pid, name, set(), at)
        if end < 0:
            return
        # Python's lines end in these two ways only; and it passes over what some editors put first.
        for row in LINE_END.split(os.fsdecode(self.read(end, name).removeprefix(BYTE_ORDER))):
            plain = name.endswith(".pth") and not row.startswith(("import ", "import\t"))
            for way in [row.rstrip()] if plain else [piece for piece in PIECES.split(row) if "/" in piece]:
                if 0 < len(way) < LONGEST_PATH and not way.startswith("#"):
                    yield way

    def read(self, end: int, name: str) -> bytes:
        """A small file held as a place, which is given up; nothing of what is none, or may not be read. Raises Trouble."""
        try:
            with seeing_as(self.uid), open(opened_regular(end, name), "rb") as file:
                return taken(file, ROWS_FILE, name)
        except BlockingIOError:
            raise Trouble("failed", f"{name}: its owner holds a lease on it") from None
        except (OSError, NoFile):
            return b""

    def has_systems(self, settings: str) -> bool:
        """True if an environment has the system's packages, and its account's, beside its own."""
        end = self.marks.end_of(self.pid, settings, set())
        return end >= 0 and SYSTEMS.search(self.read(end, settings)) is not None

    def through(self, path: str, start: int = -1) -> set[str] | None:
        """The watched folders on the way to a path's end, None where there is no such end."""
        found: set[str] = set()
        at = self.marks.end_of(self.pid, path, found, start)
        if at < 0:
            return None
        os.close(at)
        return found

    def sites_of(self, prefix: str, lib: str = "lib", kinds: tuple[str, ...] = ("site-packages",)) -> list[str]:
        """The folders of an environment, or of an account's own packages, in which Python looks for modules; ``lib`` is what its
        libraries' folder is called.
        """
        key = (self.space.key, self.uid, prefix, lib, kinds)
        if key in self.marks.sites and not prefix.startswith("/proc/"):
            return self.marks.sites[key]
        at = self.marks.end_of(self.pid, f"{prefix}/{lib}", set())
        names: list[str] = []
        if at >= 0:
            try:
                with suppress(OSError), seeing_as(self.uid):
                    names = [one.name for one in all_in(at) if one.name.startswith(("python3", "pypy3"))]
            finally:
                os.close(at)
        if len(names) > LED_AT_MOST:
            raise Trouble("failed", f"an environment of over {LED_AT_MOST} Pythons")
        self.marks.sites[key] = [f"{prefix}/{lib}/{name}/{kind}" for name in names for kind in kinds]
        return self.marks.sites[key]


def all_in(at: int) -> Iterator[os.DirEntry[str]]:
    """What lies in a folder that is held. Raises OSError; Trouble where it is too much: an account could hide anything there."""
    with os.scandir(f"/proc/self/fd/{at}") as entries:
        for count, one in enumerate(entries):
            if count >= SEARCHED_NAMES_AT_MOST:
                raise Trouble("failed", f"Python searches a folder with over {SEARCHED_NAMES_AT_MOST} names")
            yield one


def is_importable(name: str) -> bool:
    """True for a name that a module can have: of a folder, or of a file."""
    stem, dot, _ = name.partition(".")
    return stem.isidentifier() and (not dot or name.endswith(CODE))


def is_table(name: str) -> bool:
    """True for a file that says where an environment's modules lie; each build backend has a module for that too."""
    return name.endswith(".pth") or ("editable" in name and name.endswith(".py"))
