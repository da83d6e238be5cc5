"""The path of a process's program, as the host has it."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from typing import Iterator

from voxgate.probe.mounts import Mount, mount_of, mounts_of, seen_at
from voxgate.probe.process_files import has_ended
from voxgate.probe.reading import link_of

ELSEWHERE = "elsewhere:"  # before a path at which the host has another file, or none: no folder of the host's begins so
GONE = " (deleted)"  # behind a path, as the kernel has it
TABLES_AT_MOST = 500  # of mounts that are read for this in one look


class ProgramPaths:
    """Programs by the paths that the host has for them: what an account sees mounted in a namespace of its own is called by it as
    it likes. For one look.
    """

    def __init__(self) -> None:
        self.files: dict[str, tuple[int, int] | None] = {}
        self.known: dict[tuple[object, ...], str] = {}
        self.own: list[Mount] | None = None
        self.tables: dict[str | None, list[Mount]] = {}

    def told(self, pid: str, path: str) -> str:
        """The path of a process's program, ``path`` as the kernel tells it, where the host has that very file there, or had it
        until it was removed; else another path at which the host has it. Where there is none, it is ``elsewhere:`` and the path;
        so too where not even root can look at it, on a file system of an account's own. Raises OSError if the process is gone.
        """
        try:
            found = os.stat(f"/proc/{pid}/exe")
        except PermissionError:
            if has_ended(pid):
                raise ProcessLookupError(errno.ESRCH, os.strerror(errno.ESRCH)) from None
            return f"{ELSEWHERE}{path}"
        program = (found.st_dev, found.st_ino)
        if path not in self.files:
            self.files[path] = identity(path)
        if self.files[path] == program:
            return path
        # The same file is the host's, whoever runs it; and it is not, for all who see the same mounts.
        space = link_of(f"/proc/{pid}/ns/mnt")
        known = self.known.get((path, program)) or self.known.get((path, program, space))
        if known is None:
            known = next(self.others(pid, space, path, program), f"{ELSEWHERE}{path}")
            self.known[(path, program, space) if known.startswith(ELSEWHERE) else (path, program)] = known
        return known

    def others(self, pid: str, space: str | None, path: str, program: tuple[int, int]) -> Iterator[str]:
        """The paths at which the host has it, or had it, by the mount that it lies on."""
        if self.own is None:
            self.own = mounts_of("self") or []
        at = os.open(f"/proc/{pid}/exe", os.O_PATH | os.O_CLOEXEC)
        try:
            mount = mount_of(at)
        finally:
            os.close(at)
        if any(row.number == mount for row in self.own):
            yield path
        bare = path.removesuffix(GONE)
        if space not in self.tables and len(self.tables) < TABLES_AT_MOST:
            self.tables[space] = mounts_of(pid) or []
        for row in self.tables.get(space, ()):
            if row.number != mount or not f"{bare}/".startswith(f"{row.point.rstrip('/')}/"):
                continue
            place = f"{row.root.rstrip('/')}{bare[len(row.point.rstrip('/')) :]}"
            if bare != path and seen_at(bare, self.own) == (row.device, place):
                yield path
            for own in self.own:
                if own.device == row.device and place.startswith(f"{own.root.rstrip('/')}/"):
                    found = f"{own.point.rstrip('/')}{place[len(own.root.rstrip('/')) :]}"
                    if identity(found) == program:
                        yield found


def identity(path: str) -> tuple[int, int] | None:
    """The device and the number of what the host has at a path, None for nothing."""
    with suppress(OSError):
        found = os.stat(path)
        return found.st_dev, found.st_ino
    return None
