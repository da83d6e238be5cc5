"""The path of a process's program, as the host has it."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Iterator

from voxgate.probe.mounts import Mount, mount_of, mounts_of, seen_at

ELSEWHERE = "elsewhere:"  # before a path at which the host has another file, or none: no folder of the host's begins so
GONE = " (deleted)"  # behind a path, as the kernel has it
TABLES_AT_MOST = 500  # of mounts that are read for this in one look


class ProgramPaths:
    """Programs by the paths that the host has for them: what an account sees mounted in a namespace of its own is called by it as
    it likes. For one look.
    """

    def __init__(self) -> None:
        self.files: dict[str, tuple[int, int] | None] = {}
        self.own: list[Mount] | None = None
        self.tables = 0

    def told(self, pid: str, path: str) -> str:
        """The path of a process's program, ``path`` as the kernel tells it, where the host has that very file there, or had it
        until it was removed; else another path at which the host has it. Where there is none, it is ``elsewhere:`` and the path.
        Raises OSError if the process is gone.
        """
        program = os.stat(f"/proc/{pid}/exe")
        if path not in self.files:
            self.files[path] = identity(path)
        if self.files[path] == (program.st_dev, program.st_ino):
            return path
        return next(self.others(pid, path, (program.st_dev, program.st_ino)), f"{ELSEWHERE}{path}")

    def others(self, pid: str, path: str, program: tuple[int, int]) -> Iterator[str]:
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
        self.tables += 1
        bare = path.removesuffix(GONE)
        rows = (mounts_of(pid) or ()) if self.tables <= TABLES_AT_MOST else ()
        for row in rows:
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
