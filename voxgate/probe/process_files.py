"""NO_FILE WORDS_READ What the kernel says of one process: its variables and what it has mapped to run."""

from __future__ import annotations

import os
import re
from typing import Any, Callable, Iterable

from voxgate.probe.base import ENVIRONMENT
from voxgate.probe.reading import content, rows_of

WORDS_READ = 8 * 1024 * 1024  # of a process's arguments: more than the kernel gives any (6 MiB, however large its stack may be)
TO_RUN = re.compile(rb"^[0-9a-f]+-[0-9a-f]+ ..x. [0-9a-f]+ ([0-9a-f]+:[0-9a-f]+) ([0-9]+) +(/.*)$", re.MULTILINE)


def mapped_to_run(pid: int) -> list[tuple[str, str, str]] | None:
    """The files that a process has mapped to run code of, each with its device and inode as the kernel writes them; None if it is
    gone.
    """
    try:
        rows = set(TO_RUN.findall(content(f"/proc/{pid}/maps")))
    except (FileNotFoundError, ProcessLookupError):
        return None
    return [(device.decode(), inode.decode(), os.fsdecode(path.replace(b"\\012", b"\n"))) for device, inode, path in rows]


def unless_denied(read: Callable[[int], Iterable[Any] | None], pid: str) -> Iterable[Any]:
    """What of a process can be read: nothing of another account's where the probe is not root, as also its program is not."""
    try:
        return read(int(pid)) or ()
    except PermissionError:
        return ()


NO_FILE = re.compile(r"/memfd:libffi|/dev/zero|/SYSV")


def environment(pid: int) -> list[str] | None:
    """The variables a process was started with, as it has them; None if it is gone."""
    try:
        found = content(f"/proc/{pid}/environ", ENVIRONMENT)
        return [os.fsdecode(part) for part in found.split(b"\0") if b"=" in part]
    except (FileNotFoundError, ProcessLookupError):
        return None


def executable_maps(pid: int) -> set[str] | None:
    """The files that a process has mapped to run code of, None if it is gone."""
    try:
        rows = (line.rstrip("\n").split(None, 5) for line in rows_of(f"/proc/{pid}/maps"))
        return {row[5] for row in rows if len(row) == 6 and "x" in row[1] and row[5][0] == "/" and not NO_FILE.match(row[5])}
    except (FileNotFoundError, ProcessLookupError):
        return None
