"""What the kernel says of one process: its variables, what it has mapped to run."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from functools import lru_cache, partial
from typing import Any, Callable, Iterable, Iterator, NamedTuple

from voxgate.probe.accounts import c_library
from voxgate.probe.base import ENVIRONMENT, Trouble
from voxgate.probe.reading import content, link_of

WORDS_READ = 8 * 1024 * 1024  # of a process's arguments: more than the kernel gives any (6 MiB, however large its stack may be)
TO_RUN = re.compile(rb"^([0-9a-f]+-[0-9a-f]+) ..x. [0-9a-f]+ ([0-9a-f]+:[0-9a-f]+) ([0-9]+) +(/.*)$", re.MULTILINE)
NO_FILE = re.compile(r"/memfd:libffi|/dev/zero|/SYSV")


def living(pid: int | str) -> str:
    """The number by which the kernel tells what a process has: its own, or, where its first thread has ended and others go on,
    that of one of these: the first then has no program, no words, no maps and no files. Raises FileNotFoundError if it is gone.
    """
    try:
        os.readlink(f"/proc/{pid}/exe")
    except FileNotFoundError:
        for one in os.listdir(f"/proc/{pid}/task"):
            if link_of(f"/proc/{pid}/task/{one}/exe") is not None:
                return one
    except OSError:  # it may not be read: no more may a thread's
        pass
    return str(pid)


THREADS_AT_MOST = 2000  # of one process, each of which is read
KCMP = {"x86_64": 312, "aarch64": 272, "armv7l": 378, "i686": 349, "ppc64le": 354, "s390x": 343, "riscv64": 272}
SAME_FILES = 2  # what kcmp(2) is asked
LINKS_OF_ONE_THREAD = 3  # of the folder of threads: its own two, and one for each


def threads_of(pid: int | str) -> list[str]:
    """The threads of a process. Raises Trouble where they are too many, FileNotFoundError if it is gone."""
    names = os.listdir(f"/proc/{pid}/task")
    if len(names) > THREADS_AT_MOST:
        raise Trouble("failed", f"process {pid} has over {THREADS_AT_MOST} threads")
    return names


def threads_with_files_of_their_own(pid: str) -> Iterator[str]:
    """Those of its threads that have other files open than its first one, as the kernel compares them. Any thread may take what
    is open for itself, and what it opens then does not stand among its process's.
    """
    compare = comparing()
    if compare is None or os.stat(f"/proc/{pid}/task").st_nlink <= LINKS_OF_ONE_THREAD:
        return
    for one in os.listdir(f"/proc/{pid}/task"):
        if one != pid and compare(int(pid), int(one), SAME_FILES, 0, 0) != 0:
            yield one


@lru_cache(maxsize=None)
def comparing() -> Callable[..., int] | None:
    """kcmp(2), which the C library has no name for; None where the kernel was built without: no thread would be as another."""
    compare = partial(c_library().syscall, KCMP.get(os.uname().machine, -1))
    return compare if compare(os.getpid(), os.getpid(), SAME_FILES, 0, 0) == 0 else None


class Mapped(NamedTuple):
    """A file that a process has mapped to run code of: where in its memory, the file's device and inode as the kernel writes
    them, and its path.
    """

    place: str
    device: str
    inode: str
    path: str


def mapped_to_run(pid: int | str) -> list[Mapped] | None:
    """The files that a process has mapped to run code of, however else it may use them, each once; None if it is gone."""
    with suppress(FileNotFoundError, ProcessLookupError):
        found = {row[1:]: row[0] for row in reversed(TO_RUN.findall(content(f"/proc/{pid}/maps")))}
        return [
            Mapped(place.decode(), device.decode(), inode.decode(), os.fsdecode(path.replace(b"\\012", b"\n")))
            for (device, inode, path), place in found.items()
        ]
    return None


def executable_maps(pid: int | str) -> set[str] | None:
    """The paths of the same, None if it is gone."""
    rows = mapped_to_run(pid)
    return None if rows is None else {row.path for row in rows if not NO_FILE.match(row.path)}


def has_ended(pid: int | str) -> bool:
    """True where a process is gone, or dead and only not waited for. Of a link of one that ends just then the kernel says that it
    may not be read (EACCES), not that there is none.
    """
    try:
        fields = content(f"/proc/{pid}/stat").rpartition(b")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return True
    return fields[0] in {b"Z", b"X"} and int(fields[17]) <= 1


def unless_denied(read: Callable[[str], Iterable[Any] | None], pid: str) -> Iterable[Any]:
    """What of a process can be read: nothing of another account's where the probe is not root, as also its program is not."""
    try:
        return read(pid) or ()
    except PermissionError:
        return ()


def environment(pid: int | str) -> list[str] | None:
    """The variables a process was started with, as it has them; None if it is gone."""
    with suppress(FileNotFoundError, ProcessLookupError):
        found = content(f"/proc/{pid}/environ", ENVIRONMENT)
        return [os.fsdecode(part) for part in found.split(b"\0") if b"=" in part]
    return None
