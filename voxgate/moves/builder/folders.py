"""Folders: made, emptied and removed, however deep and whatever a build left in them. No link is followed."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from typing import Any, List, Optional, Tuple

from voxgate.moves.builder.base import OPEN, Bad, folder_at


def make_folder(name: str, place: int) -> None:
    """A folder in its place, with the mode of one."""
    clear(name, place, keep=stat.S_ISDIR)
    with suppress(FileExistsError):
        os.mkdir(name, OPEN, dir_fd=place)
    if stat.S_IMODE(os.stat(name, dir_fd=place, follow_symlinks=False).st_mode) != OPEN:
        os.chmod(name, OPEN, dir_fd=place)


def clear(name: str, place: int, keep: Any = None) -> None:
    """Remove what has the name, unless it is of the kind that is wanted there."""
    try:
        found = os.stat(name, dir_fd=place, follow_symlinks=False)
    except FileNotFoundError:
        return
    if keep is None or not keep(found.st_mode):
        remove(name, place)


def remove(name: str, place: int, *, but_roots_byte_code: bool = False) -> None:
    """A file, a link, or a folder with all below it, however deep and whatever its modes; no link is followed. One folder is
    open at a time. Byte code that root's Python left may stay, with the folders that it is in: we cannot remove it, and a look
    compares it. Raises OSError for what cannot be removed.
    """
    here = os.dup(place)
    way: List[Tuple[str, int, int]] = []
    left, stays = [[name]], [False]
    try:
        while True:
            if left[-1]:
                one = left[-1].pop()
                found = os.stat(one, dir_fd=here, follow_symlinks=False)
                if but_roots_byte_code and one == "__pycache__" and found.st_uid == 0 != os.geteuid():
                    stays[-1] = True
                    continue
                if not stat.S_ISDIR(found.st_mode):
                    os.unlink(one, dir_fd=here)
                    continue
                usable(one, here, found)
                row = os.fstat(here)
                way.append((one, row.st_dev, row.st_ino))
                here = step(here, one)
                left.append(os.listdir(here))
                stays.append(False)
            elif way:
                left.pop()
                kept = stays.pop()
                one, *was = way.pop()
                here = step(here, "..")
                row = os.fstat(here)
                if [row.st_dev, row.st_ino] != was:
                    raise Bad("%s was moved while it was removed" % one)
                stays[-1] = stays[-1] or kept
                if not kept:
                    os.rmdir(one, dir_fd=here)
            else:
                return
    finally:
        os.close(here)


def step(here: int, name: str) -> int:
    """Go to a folder beside; the one left is closed."""
    there = folder_at(name, here)
    os.close(here)
    return there


def usable(name: str, place: Optional[int], found: os.stat_result) -> None:
    """A folder that its owner can list and change, a file that he can read and write."""
    need = stat.S_IRWXU if stat.S_ISDIR(found.st_mode) else stat.S_IRUSR | stat.S_IWUSR
    if found.st_mode & need != need and found.st_uid == os.geteuid():
        os.chmod(name, stat.S_IMODE(found.st_mode) | need, dir_fd=place)


def empty(folder: str) -> None:
    """Nothing is left in it, and it is usable."""
    os.chmod(folder, OPEN)
    top = folder_at(folder)
    for one in os.listdir(top):
        remove(one, top)
    os.close(top)
