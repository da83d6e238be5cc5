"""Free bytes and inodes of each file system, and memory."""

from __future__ import annotations

import os
import re
import stat
from typing import Any

from voxgate.probe.reading import rows_of

NO_ROOM = {"autofs", "efivarfs", "squashfs", "erofs", "iso9660", "fuse.snapfuse", "fuse.squashfuse"}


def room() -> dict[str, Any]:
    """Free bytes and inodes of each file system that something can be written to, and the memory."""
    disks: dict[int, dict[str, Any]] = {}
    for path in places_to_write():
        try:
            place, found = os.stat(path), os.statvfs(path)
        except (FileNotFoundError, NotADirectoryError):
            continue
        # A kernel's own file system (proc, sysfs, ...) has no blocks; what is mounted on a file is another's.
        if not found.f_blocks or not stat.S_ISDIR(place.st_mode):
            continue
        disks.setdefault(place.st_dev, {
            "path": path, "bytes": found.f_blocks * found.f_frsize, "free": found.f_bavail * found.f_frsize,
            "inodes": found.f_files, "inodes_free": found.f_favail,
        })  # fmt: skip
    rows = dict(line.split(":", 1) for line in rows_of("/proc/meminfo"))
    memory = {key: int(rows[name].split()[0]) * 1024 for key, name in (("total", "MemTotal"), ("available", "MemAvailable"))}
    return {"disks": list(disks.values()), "memory": memory}


def places_to_write() -> list[str]:
    """Where a file system is mounted to be written to, each path once, the shortest first. An overlay has no room of its own,
    but the layer below it has; only the host's root may be nothing else. What an account mounted by FUSE is its own program,
    which answers what it wants, or nothing: it is no room of the host's.
    """
    found = {"/"}
    for line in rows_of("/proc/self/mountinfo"):
        mount, _, system = line.partition(" - ")
        path, options = mount.split()[4:6]
        kind, _, whole = [*system.split(), "", "", ""][:3]
        if kind.startswith("fuse") and re.search(r"(?:^|,)user_id=[1-9]", whole):
            continue
        if not {"ro"} & {*options.split(","), *whole.split(",")} and kind not in NO_ROOM and kind != "overlay":
            found.add(re.sub(r"\\([0-7]{3})", lambda code: chr(int(code.group(1), 8)), path))
    return sorted(found, key=lambda path: (len(path), path))
