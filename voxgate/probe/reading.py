"""What the kernel and small files say, never past a limit."""

from __future__ import annotations

import errno
import os
from typing import IO, Iterator

from voxgate.probe.base import KERNEL_FILE, ROWS_AT_MOST, Trouble


def taken(file: IO[bytes], at_most: int, path: str) -> bytes:
    """All that an open file holds. Raises Trouble if that is more than ``at_most`` bytes."""
    pieces: list[bytes] = []
    left = at_most
    while piece := file.read(min(1 << 16, left + 1)):
        pieces.append(piece)
        left -= len(piece)
        if left < 0:
            raise Trouble("failed", f"{path}: over {at_most} bytes")
    return b"".join(pieces)


def content(path: str, at_most: int = KERNEL_FILE) -> bytes:
    """All that a file holds, the kernel's too. Raises Trouble if that is more than ``at_most`` bytes."""
    with open(path, "rb") as file:
        return taken(file, at_most, path)


def rows_of(path: str) -> Iterator[str]:
    """The rows of a table of the kernel's, one at a time. Raises Trouble if there are more than ``ROWS_AT_MOST``."""
    with open(path, encoding="utf-8", errors="surrogateescape", newline="\n") as file:  # a name may hold \r
        for count, line in enumerate(file):
            if count >= ROWS_AT_MOST:
                raise Trouble("failed", f"{path}: over {ROWS_AT_MOST} rows")
            yield line


TOO_LONG = "(a path that is too long)"  # in its place: of more than a page the kernel tells none


def link_of(path: str) -> str | None:
    """Where a link points, None if that cannot be read."""
    try:
        return words_of_link(path)
    except OSError:
        return None


def words_of_link(path: str, at: int | None = None) -> str:
    """The same; of one that is held (``at``) the path is empty. Raises OSError."""
    try:
        return os.readlink(path, dir_fd=at)
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG:
            raise
        return TOO_LONG
