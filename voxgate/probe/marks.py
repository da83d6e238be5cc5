"""The folders whose code is watched, found again wherever a process comes to them, whatever they are called there."""

from __future__ import annotations

import os
import re
import stat
from contextlib import suppress
from functools import partial
from typing import Iterator

from voxgate.probe.base import DEPTH_AT_MOST, FILES_AT_MOST, Trouble
from voxgate.probe.believing import led, placed
from voxgate.probe.folder import place_of
from voxgate.probe.mounts import Mount, Space, mount_ids, mount_of, mounts_of, seen_at
from voxgate.probe.program_paths import ProgramPaths
from voxgate.probe.python_programs import Programs
from voxgate.probe.reading import content, link_of, words_of_link


class Marks:
    """The folders whose code is watched, by what they are and not by what they are called: device and inode are the same by every
    way, link and bind mount. A process is asked where it really is, in its own mounts and under its own root. For one look.
    """

    def __init__(self, folders: frozenset[str]) -> None:
        self.folders = sorted(folders)
        self.own = link_of("/proc/self/ns/mnt")
        self.marks: dict[tuple[int, int], str] = {}
        self.roots: dict[tuple[str, str], str] = {}  # a folder by its file system and place in that
        self.known: dict[tuple[tuple[str | None, int, int], str], frozenset[str]] = {}
        self.spaces: set[tuple[str | None, int, int]] = set()
        self.searched: dict[tuple[object, ...], frozenset[str]] = {}
        self.sites: dict[tuple[object, ...], list[str]] = {}
        self.programs = Programs()
        self.paths = ProgramPaths()
        self.inner: dict[tuple[int, int], str] | None = None
        mounts = (mounts_of("self") or []) if folders else []
        for folder in self.folders:
            with suppress(OSError):
                found, path = placed(folder)
                self.marks[found.st_dev, found.st_ino] = folder
                self.roots[seen_at(path, mounts)] = folder
        self.tops = frozenset(self.marks)
        # What stands in a table where a part of one may be mounted; of a volume of its own the table names that alone.
        self.signs = [b" %b /" % device.encode() if place == "/" else b"/%b/" % os.fsencode(place.rpartition("/")[2])
                      for device, place in self.roots]  # fmt: skip
        self.mark_mounted("self", mounts)

    def space_of(self, pid: str) -> Space:
        """The mounts that a process sees. What is mounted there from within a folder is in that folder."""
        space = link_of(f"/proc/{pid}/ns/mnt")
        if space in {None, self.own}:
            return Space(ours=space == self.own, base="", key=(space, 0, 0))
        key = (space, 0, 0)
        with suppress(OSError):
            root = os.stat(f"/proc/{pid}/root")
            key = (space, root.st_dev, root.st_ino)
        if key not in self.spaces:
            self.spaces.add(key)
            with suppress(OSError):
                table = content(f"/proc/{pid}/mountinfo")
                if any(sign in table for sign in self.signs):
                    self.mark_mounted(pid, mounts_of(pid) or [])
        return Space(ours=False, base=f"/proc/{pid}/root{'/..' * DEPTH_AT_MOST}", key=key)

    def mark_mounted(self, pid: str, mounts: list[Mount]) -> None:
        """Marks what is mounted from within a folder, as it lies there: where it is mounted another thing may lie over it, or the
        path be too long. Only what is not there any more is looked for where a process's table has it.
        """
        for row in mounts:
            for (device, place), folder in self.roots.items():
                top = place.rstrip("/")
                if row.device == device and row.root.startswith(f"{top}/") and row.root != place:
                    with suppress(OSError, Trouble):
                        found = inside(folder, row.root[len(top) :]) or mounted_at(pid, row)
                        self.marks[found.st_dev, found.st_ino] = folder

    def above(self, space: Space, place: str) -> frozenset[str]:
        """The folders that a folder lies in, or is: by its path as the kernel tells it, in which there is no link."""
        known = self.known.get((space.key, place))
        if known is None:
            here = None
            with suppress(OSError, ValueError):
                found = os.stat(f"{space.base}{place}" or "/")
                here = self.marks.get((found.st_dev, found.st_ino))
            known = frozenset({here} if here else ()) | (
                self.above(space, os.path.dirname(place)) if len(place) > 1 else set()
            )  # fmt: skip
            self.known[space.key, place] = known
        return known

    def around(self, pid: str, path: str) -> Iterator[str]:
        """The folders that a folder lies in, or is, found by going up from it: where its mount is gone, no path leads to it. If
        the process's table does not have that mount, its top may be any folder that lies in a watched one.
        """
        before = None
        for depth in range(DEPTH_AT_MOST * 4):
            found = os.stat(f"{path}/{'../' * depth}")
            here = (found.st_dev, found.st_ino)
            if here == before:
                break
            before = here
            if here in self.marks:
                yield self.marks[here]
        if before and any(device == before[0] for device, _ in self.marks) and not os.path.samestat(found, os.stat("/")):
            at = os.open(path, os.O_PATH | os.O_CLOEXEC)
            try:
                if mount_of(at) not in mount_ids(pid):
                    yield from {self.folders_within()[before]} if before in self.folders_within() else ()
            finally:
                os.close(at)

    def folders_within(self) -> dict[tuple[int, int], str]:
        """All that lies in the folders and is one. Looked for once, and only if there is a mount that no table has."""
        if self.inner is None:
            self.inner = {}
            for folder in self.folders:
                for top, names, _ in os.walk(folder):
                    for name in names:
                        with suppress(OSError):
                            found = os.lstat(f"{top}/{name}")
                            self.inner[found.st_dev, found.st_ino] = folder
                    if len(self.inner) > FILES_AT_MOST:
                        raise Trouble("failed", f"over {FILES_AT_MOST} folders in {folder}")
        return self.inner

    def on_the_way(self, pid: str, path: str, start: int = -1) -> set[str]:
        """The folders that a process comes through, or to, that opens a path."""
        found: set[str] = set()
        at = self.end_of(pid, path, found, start)
        if at >= 0:
            os.close(at)
        return found

    def end_of(self, pid: str, path: str, found: set[str], start: int = -1) -> int:
        """Where a process comes to that opens a path, -1 if that leads nowhere: by its links, under its own root, from where it
        stands or from another place. What is on the way is added to what was found. Nothing is opened but as a place (O_PATH).
        """
        root = f"/proc/{pid}/root"
        place = partial(os.open, flags=os.O_PATH | os.O_CLOEXEC)
        at, links = -1, 0
        rest = path.split("/")[::-1]
        try:
            at = place(root) if path.startswith("/") else place(f"/proc/{pid}/cwd") if start < 0 else os.dup(start)
            while rest and links <= 40:
                part = rest.pop()
                if part in {"", "."} or (part == ".." and is_root(at, root)):
                    continue
                below = os.open(part, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=at)
                here = os.fstat(below)
                if stat.S_ISLNK(here.st_mode):
                    target = words_of_link("", below)
                    os.close(below)
                    links += 1
                    if part in {"self", "thread-self"} and re.fullmatch(r"\d+(?:/task/\d+)?", target):
                        below = place(f"/proc/{pid}")  # for us that is another
                    elif len(os.fsencode(target)) != here.st_size:  # one of the kernel's own: it leads where no path has to
                        below = self.end_of_kernels(pid, part, at, target, found)
                    else:
                        rest += target.split("/")[::-1]
                        below = place(root) if target.startswith("/") else os.dup(at)
                elif (here.st_dev, here.st_ino) in self.marks:
                    found.add(self.marks[here.st_dev, here.st_ino])
                os.close(at)
                at = below
            if not rest:
                end, at = at, -1
                return end
        except OSError:  # it leads nowhere, or the process is gone
            return -1
        finally:
            if at >= 0:
                os.close(at)
        return -1

    def end_of_kernels(self, pid: str, name: str, at: int, target: str, found: set[str]) -> int:
        """The place that a link of the kernel's own leads to, and the folders around it."""
        below = os.open(name, os.O_PATH | os.O_CLOEXEC, dir_fd=at)
        try:
            if stat.S_ISDIR(os.fstat(below).st_mode):
                found.update(self.around(pid, f"/proc/self/fd/{below}"))
            else:
                found.update(self.above(self.space_of(pid), os.path.dirname(target)))
        except (OSError, Trouble):
            os.close(below)
            raise
        return below


def inside(folder: str, path: str) -> os.stat_result | None:
    """What lies in a watched folder at a path in which there is no link; None where nothing does."""
    with suppress(OSError, Trouble):
        top = led(folder)[0]
        try:
            place = place_of(path, top)
        finally:
            os.close(top)
        try:
            return os.fstat(place)
        finally:
            os.close(place)
    return None


def mounted_at(pid: str, row: Mount) -> os.stat_result:
    """What a process sees at the place of a mount, under its own root: that very mount, and by no link, since it may have laid
    anything over it. Raises OSError, Trouble.
    """
    root = os.open(f"/proc/{pid}/root", os.O_PATH | os.O_CLOEXEC)
    try:
        place = place_of(row.point, root)
    finally:
        os.close(root)
    try:
        if mount_of(place) != row.number:
            raise Trouble("failed", f"process {pid} has laid another thing over what is mounted")
        return os.fstat(place)
    finally:
        os.close(place)


def is_root(at: int, root: str) -> bool:
    """True where ``..`` leads no further: at the root itself, not at the same folder mounted elsewhere."""
    if not os.path.samestat(os.fstat(at), os.stat(root)):
        return False
    top = os.open(root, os.O_PATH | os.O_CLOEXEC)
    try:
        return mount_of(at) == mount_of(top)
    finally:
        os.close(top)
