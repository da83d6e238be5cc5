"""The host's accounts, and looking at files with the rights of one of them."""

from __future__ import annotations

import grp
import os
import pwd
import re
from contextlib import contextmanager, suppress
from functools import lru_cache
from typing import Any, Callable, Iterator, Sequence

from voxgate.probe.base import UV_DEADLINE, Job, Trouble
from voxgate.probe.limits import system_call


@lru_cache(maxsize=None)
def account(uid: int) -> str:
    """The name of a user, its number where it has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def caller() -> int:
    """The account that asks: by sudo's own word where we are root."""
    return int(os.environ.get("SUDO_UID", "0")) if os.geteuid() == 0 else os.getuid()


SETGROUPS = {"x86_64": 116, "aarch64": 159, "armv7l": 206, "i686": 206, "ppc64le": 81, "s390x": 206, "riscv64": 159}


def as_caller(work: Callable[[], Any]) -> Any:
    """What the work gives with the rights on files of the account that asks: root sees nothing in its place. The kernel keeps
    these rights by thread, so the work is done in one of its own. Raises Trouble.
    """
    uid = caller()
    if os.geteuid() != 0 or uid == 0:
        return work()

    try:
        pwd.getpwuid(uid)
    except KeyError:
        raise Trouble("failed", f"who asks, {uid}, is no user of this host") from None

    def done() -> Any:
        with seeing_as(uid):
            return work()

    return Job(done, UV_DEADLINE).value()


@lru_cache(maxsize=4096)
def home_of(user: str) -> str:
    """Where an account's jobs begin."""
    try:
        return pwd.getpwnam(user).pw_dir
    except KeyError:
        return "/"


NOBODY = 65534


def uid_of(user: str) -> int:
    """An account's number; nobody's for one that is not there."""
    try:
        return int(user) if user.isascii() and user.isdigit() else pwd.getpwnam(user).pw_uid
    except KeyError:
        return NOBODY


@lru_cache(maxsize=4096)
def groups_of(uid: int) -> tuple[int, ...]:
    """An account's groups, its own first."""
    try:
        person = pwd.getpwuid(uid)
    except KeyError:
        return (NOBODY,)
    return tuple(dict.fromkeys((person.pw_gid, *os.getgrouplist(person.pw_name, person.pw_gid))))


@lru_cache(maxsize=None)
def c_library() -> Any:
    """What asks the kernel for what Python does not: of a thread whose rights are another's each step asks whose."""
    import ctypes  # noqa: PLC0415 - needed here only

    return ctypes.CDLL(None)


def seen_as() -> int:
    """The account whose rights this thread has to files."""
    return int(c_library().setfsuid(-1)) & 0xFFFFFFFF  # no account has that number: nothing is set


@contextmanager
def seeing_as(uid: int) -> Iterator[None]:
    """Meanwhile this thread, and no other, may look where an account may, by the kernel's own judgement of user, groups, modes
    and lists. Where the probe is not root, it is who it is. Raises Trouble where that cannot be.
    """
    before = seen_as()
    if os.geteuid() != 0 or uid == before:
        yield
        return
    groups = os.getgroups()  # of this thread, as the kernel has them
    see_with(uid, groups_of(uid)[0], groups_of(uid))
    try:
        yield
    finally:
        see_with(before, groups_of(before)[0], groups)


def see_with(uid: int, gid: int, groups: Sequence[int]) -> None:
    """Take an account's rights to files. Of the C library's calls for groups each changes all threads: the kernel is asked. An
    account has no capability: one that is left would open what the kernel shows of others' processes. Raises Trouble.
    """
    import ctypes  # noqa: PLC0415 - needed here only

    library, numbers = c_library(), (ctypes.c_uint32 * len(groups))(*groups)
    able = capable(all_of_ours=True)  # who has none could not take another's rights
    failed = system_call(SETGROUPS.get(os.uname().machine, -1), len(groups), ctypes.addressof(numbers))
    library.setfsgid(ctypes.c_uint32(gid))
    library.setfsuid(ctypes.c_uint32(uid))
    able = (uid == 0 or capable(all_of_ours=False)) and able
    if failed or not able or seen_as() != uid:
        capable(all_of_ours=True)  # without them it would stay that account
        library.setfsuid(ctypes.c_uint32(NOBODY))
        capable(all_of_ours=False)
        raise Trouble("failed", f"the rights of {account(uid)} cannot be taken: what it may read is not known")


CAPABILITIES = 0x20080522  # the form of the kernel's that has two words of each set


def capable(*, all_of_ours: bool) -> bool:
    """Let this thread have the capabilities that it may have, or none; it may have them again. False where that is not so now."""
    import ctypes  # noqa: PLC0415 - needed here only

    library = c_library()
    head = (ctypes.c_uint32 * 2)(CAPABILITIES, 0)  # 0: this thread
    sets = (ctypes.c_uint32 * 6)()  # of each word: those that count, those that may, those that a program would get
    if not hasattr(library, "capset") or library.capget(head, sets):
        return False
    wanted = (sets[1], sets[4]) if all_of_ours else (0, 0)
    sets[0], sets[3] = wanted
    return not library.capset(head, sets) and not library.capget(head, sets) and (sets[0], sets[3]) == wanted


def at_home(text: str, user: str, home: str = "") -> str:
    """A command line with the account's home, or what it has for one, put in where a shell would."""
    text = re.sub(r"(?<![\w./~])~(?=[/\s]|$)|\$HOME\b|\$\{HOME\}", lambda _: home or home_of(user), text)
    return re.sub(r"(?<![\w./~])~([a-z_][a-z0-9_-]*)(?=[/\s]|$)", lambda found: home_of(found.group(1)), text)


@lru_cache(maxsize=None)
def group_members(gid: int) -> tuple[str, ...]:
    """Who is in a group, by whatever name of it: the kernel knows its number alone."""
    named = [name for group in grp.getgrall() if group.gr_gid == gid for name in group.gr_mem]
    with suppress(KeyError):  # of a directory's groups not all are listed
        named += grp.getgrgid(gid).gr_mem
    return tuple(dict.fromkeys([*named, *(one.pw_name for one in pwd.getpwall() if one.pw_gid == gid)]))


ACCOUNTS_AT_MOST = 2000


def all_accounts() -> list[list[str]]:
    """The accounts of this host, each with its number, group, home, shell and further groups, as one text."""
    people = pwd.getpwall()[:ACCOUNTS_AT_MOST]
    further: dict[str, list[str]] = {}
    for group in grp.getgrall():
        for name in group.gr_mem:
            further.setdefault(name, []).append(group.gr_name)
    return [
        [one.pw_name, " ".join([f"{one.pw_uid}:{one.pw_gid}", one.pw_dir, one.pw_shell, *sorted(further.get(one.pw_name, ()))])]
        for one in people
    ]


def group_name(gid: int) -> str:
    """The name of a group, its number where it has none."""
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)
