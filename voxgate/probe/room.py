"""Free bytes and inodes of each file system, and memory."""

from __future__ import annotations

import os
import re
import stat
from contextlib import suppress
from typing import Any, Iterable, Iterator

from voxgate.probe.base import Job
from voxgate.probe.mounts import plain_path
from voxgate.probe.reading import rows_of
from voxgate.probe.text import files_in

OURS = ("/boot/", "/dev/", "/etc/", "/home/", "/opt/", "/root/", "/run/", "/tmp/", "/usr/", "/var/")  # noqa: S108 - looked at
NO_ROOM = {"autofs", "efivarfs", "squashfs", "erofs", "iso9660", "fuse.snapfuse", "fuse.squashfuse"}


def room(units: frozenset[str] = frozenset(), found: Job | None = None, folders: Iterable[str] = ()) -> dict[str, Any]:
    """Free bytes and inodes of each file system that something can be written to, and the memory. ``ours`` is a file system of
    the system's own folders, one that a service's of ``folders`` lies on, or one on which a process of these units, or of a
    container, has something open.
    """
    disks: dict[int, dict[str, Any]] = {}
    for path in places_to_write():
        try:
            place, room_there = os.stat(path), os.statvfs(path)
        except (FileNotFoundError, NotADirectoryError):
            continue
        # A kernel's own file system (proc, sysfs, ...) has no blocks; what is mounted on a file is another's.
        if not room_there.f_blocks or not stat.S_ISDIR(place.st_mode):
            continue
        disks.setdefault(place.st_dev, {
            "path": path, "bytes": room_there.f_blocks * room_there.f_frsize, "free": room_there.f_bavail * room_there.f_frsize,
            "inodes": room_there.f_files, "inodes_free": room_there.f_favail, "ours": is_ours(path),
        })  # fmt: skip
    for folder in folders:
        with suppress(OSError):
            disks.get(os.stat(folder).st_dev, {})["ours"] = True
    if not all(row["ours"] for row in disks.values()):
        for device in open_devices(units, found):
            if device in disks:
                disks[device]["ours"] = True
    rows = dict(line.split(":", 1) for line in rows_of("/proc/meminfo"))
    memory = {key: int(rows[name].split()[0]) * 1024 for key, name in (("total", "MemTotal"), ("available", "MemAvailable"))}
    return {"disks": list(disks.values()), "memory": memory}


def is_ours(path: str) -> bool:
    """True for a file system of the root, or in one of the folders that a system and its services write to."""
    return f"{path.rstrip('/')}/".startswith(OURS) or path == "/"


def open_devices(units: frozenset[str], found: Job | None) -> set[int]:
    """The file systems on which a process of these units, or of any container, has something open or stands; of all processes
    where these cannot be told apart.
    """
    pids = [row["pid"] for row in found.value() if row["unit"] in units or row["container"]] if found else []
    devices = set()
    for pid in pids:
        for path in (f"/proc/{pid}/cwd", *files_in(f"/proc/{pid}/fd")):
            with suppress(OSError):
                devices.add(os.stat(path).st_dev)
    return devices


def places_to_write() -> list[str]:
    """Where a file system is mounted to be written to, each path once, the shortest first. An overlay has no room of its own,
    but the layer below it has; only the host's root may be nothing else. What an account mounted by FUSE is its own program,
    which answers what it wants, or nothing: it is no room of the host's, nor is there a way to what it lies over (its own
    folder in /run/user, say).
    """
    found, covered = {"/"}, set[str]()
    for line in rows_of("/proc/self/mountinfo"):
        mount, _, system = line.partition(" - ")
        place, options = mount.split()[4:6]
        path = plain_path(place)
        kind, _, whole = [*system.split(), "", "", ""][:3]
        if kind.startswith("fuse") and re.search(r"(?:^|,)user_id=[1-9]", whole):
            covered.add(path)
            continue
        covered.discard(path)  # the later one lies over it
        if not {"ro"} & {*options.split(","), *whole.split(",")} and kind not in NO_ROOM and kind != "overlay":
            found.add(path)
    seen = (path for path in found if covered.isdisjoint(folders_to(path)))
    return sorted(seen, key=lambda path: (len(path), path))


def folders_to(path: str) -> Iterator[str]:
    """A path, and each folder on the way to it."""
    return (path[:at] for at in range(2, len(path) + 1) if path[at : at + 1] in {"", "/"})
