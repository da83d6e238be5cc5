"""What a process sees mounted, and where it sees something else than we do."""

from __future__ import annotations

import re
from contextlib import suppress
from itertools import islice
from typing import NamedTuple

from voxgate.probe.base import Trouble
from voxgate.probe.believing import really
from voxgate.probe.reading import link_of, rows_of

MOUNTS_AT_MOST = 20_000
MOUNTED_BELOW_AT_MOST = 200  # mounts in a service's folder


def unhidden() -> None:
    """Raises Trouble where something is mounted over a process in /proc: what is read there is not the process."""
    for row in mounts_of("self") or ():
        if re.match(r"/proc/\d+(?:/|$)", row.point):
            raise Trouble("denied", f"something is mounted over {row.point}: it hides a process")


class Mount(NamedTuple):
    """One row of a process's mount table: where, and which folder of which file system lies there; its number here, and that of
    the mount that it was made on.
    """

    point: str
    device: str
    root: str
    number: str = ""
    parent: str = ""


class Space(NamedTuple):
    """What a process sees mounted: whether that is what we see, the path by which we come to where its mounts begin, and what
    tells it from others. Of one namespace a process sees what lies under its own root.
    """

    ours: bool
    base: str
    key: tuple[str | None, int, int]


def mounts_of(pid: int | str) -> list[Mount] | None:
    """What a process sees mounted, the later over the earlier; None if it is gone."""
    try:
        rows = [line.split(" ", 5) for line in islice(rows_of(f"/proc/{pid}/mountinfo"), MOUNTS_AT_MOST + 1)]
    except (FileNotFoundError, ProcessLookupError):
        return None
    if len(rows) > MOUNTS_AT_MOST:
        raise Trouble("failed", f"process {pid} sees over {MOUNTS_AT_MOST} mounts")
    return [Mount(plain_path(row[4]), row[2], plain_path(row[3]), row[0], row[1]) for row in rows]


def plain_path(text: str) -> str:
    """A path as a table of mounts has it, without the numbers in which blanks and ends of lines stand there."""
    return re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), text)


def mount_ids(pid: int | str) -> set[str]:
    """The numbers of the mounts that a process sees; none if it is gone."""
    with suppress(FileNotFoundError, ProcessLookupError):
        return {line.partition(" ")[0] for line in rows_of(f"/proc/{pid}/mountinfo")}
    return set()


def mount_of(fd: int) -> str:
    """The number of the mount that an open file or place lies on."""
    return next((line.split()[1] for line in rows_of(f"/proc/self/fdinfo/{fd}") if line.startswith("mnt_id:")), "")


def seen_at(path: str, mounts: list[Mount]) -> tuple[str, str]:
    """Which place of which file system a process with these mounts finds at a path: on the way it comes from a mount to those
    that were made on it. What lies below a later one stands in the table too, and is not seen.
    """
    there = {row.number for row in mounts}
    # Whose parent is not in the table stands on what the process has for its root.
    made_on = {(row.parent if row.parent in there and row.parent != row.number else "", row.point): row for row in mounts}
    top, number = None, ""
    parts = path.split("/")[1:]
    for point in ("/", *(f"/{'/'.join(parts[:count])}" for count in range(1, len(parts) + 1))):
        while (row := made_on.pop((number, point), None)) is not None:
            top, number = row, row.number
    if top is None:
        return "", ""
    return top.device, f"{top.root.rstrip('/')}{path[len(top.point.rstrip('/')) :]}" or "/"


def mounted_in(folder: str) -> set[str]:
    """What is mounted in a folder, by its path from there, in our own view."""
    top = f"{really(folder)}/"
    found = {row.point[len(top) :] for row in mounts_of("self") or () if row.point.startswith(top)}
    if len(found) > MOUNTED_BELOW_AT_MOST:
        raise Trouble("failed", f"{folder}: over {MOUNTED_BELOW_AT_MOST} mounts in it")
    return found


def mounted_apart(pid: int | str, folder: str) -> list[str] | None:
    """The places in a folder at which a process sees something else than we do; None if it is gone."""
    theirs, ours, root = mounts_of(pid), mounts_of("self"), link_of(f"/proc/{pid}/root")
    if theirs is None or ours is None or root is None:
        return None
    top = really(folder)  # a table of mounts knows no links
    points = {top, *(row.point for row in (*theirs, *ours) if row.point.startswith(f"{top}/"))}
    if len(points) > MOUNTED_BELOW_AT_MOST:
        raise Trouble("failed", f"{folder}: over {MOUNTED_BELOW_AT_MOST} mounts in it")
    found = sorted(point for point in points if seen_at(point, theirs) != seen_at(point, ours))
    return found if root == "/" else [root, *found]
