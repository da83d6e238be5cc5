"""A user for one program alone: no account has its number, and nothing else runs as it."""

from __future__ import annotations

import os
import pwd
from contextlib import suppress
from typing import Iterator

from voxgate.probe.base import Trouble
from voxgate.probe.reading import rows_of

OF_16_BITS = {65534, 65535}  # nobody's, and what was once none
TRIES = 1000
STATUS = 1 << 16  # bytes of a process's status: what stands there of its users comes first


def uids_here() -> tuple[int, int]:
    """The first number that a user can have here, and the one behind the last, of the longest row of them: in a container there
    are few.
    """
    rows = [tuple(map(int, line.split())) for line in rows_of("/proc/self/uid_map")]
    first, _, length = max(rows, key=lambda row: row[-1])
    return first, first + length


def nobody_elses(numbers: tuple[int, int]) -> int:
    """A number for a user that there is not: no account has it, none was given it for containers of its own, no process runs as
    it. Who ran as the same one could take the place of what runs as it (ptrace, pidfd_getfd). It is found by chance in the upper
    half, so that nobody waits there: on most hosts these are two thousand million. Raises Trouble.
    """
    first, end = numbers
    middle = first + (end - first) // 2
    taken = OF_16_BITS.union(running_users())
    given = list(given_to_accounts())
    for _ in range(TRIES):
        number = middle + int.from_bytes(os.urandom(8), "little") % (end - middle)
        if number in taken or any(number in row for row in given):
            continue
        if is_no_account(number):
            return number
    raise Trouble("failed", "there is no number for a user that nothing else runs as")


def running_users() -> Iterator[int]:
    """Each number that a process runs as, or can become again."""
    for pid in filter(str.isdecimal, os.listdir("/proc")):
        yield from users_of(pid)


def users_of(pid: str | int) -> list[int]:
    """The same of one process; none if it is gone."""
    try:
        file = os.open(f"/proc/{pid}/status", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return []
    try:
        return list(map(int, os.read(file, STATUS).partition(b"\nUid:")[2].partition(b"\n")[0].split()))
    except OSError:
        return []
    finally:
        os.close(file)


def is_no_account(number: int) -> bool:
    """True for a number that only what was started apart has."""
    try:
        pwd.getpwuid(number)
    except KeyError:
        return number not in {0, *OF_16_BITS}
    return False


def given_to_accounts() -> Iterator[range]:
    """The numbers that accounts may use in user namespaces of theirs."""
    with suppress(OSError):
        for line in rows_of("/etc/subuid"):
            words = line.strip().split(":")
            if len(words) == 3 and words[1].isdecimal() and words[2].isdecimal():
                yield range(int(words[1]), int(words[1]) + int(words[2]))
