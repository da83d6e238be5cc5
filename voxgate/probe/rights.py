"""Who may read or change a file besides its owner: by its group, an access list, or as anybody."""

from __future__ import annotations

import os
import stat
import struct
from contextlib import suppress
from typing import Iterable

from voxgate.probe.accounts import NOBODY, account, group_members, uid_of
from voxgate.probe.base import SHOWN
from voxgate.probe.folder import Folder

ACL = "system.posix_acl_access"
ACL_USER, ACL_GROUP_OWNER, ACL_GROUP, ACL_MASK = 0x02, 0x04, 0x08, 0x10
MAY_READ, MAY_WRITE, MAY_RUN = 4, 2, 1


def may_besides(found: os.stat_result, access: bytes, right: int) -> set[str]:
    """The accounts that have a right to a file besides its owner and root: by the group's rights, or by an access list (``man 5
    acl``). Where everybody has it, the mode says it.
    """
    names: set[str] = set()
    entries = list(struct.iter_unpack("<HHI", access[4:])) if len(access) % 8 == 4 else []
    mask = next((rights for tag, rights, _ in entries if tag == ACL_MASK), right)
    for tag, rights, number in entries or [(ACL_GROUP_OWNER, stat.S_IMODE(found.st_mode) >> 3, 0)]:
        if rights & mask & right and tag == ACL_USER:
            names.add(account(number))
        elif rights & mask & right and tag in {ACL_GROUP_OWNER, ACL_GROUP}:
            names.update(group_members(found.st_gid if tag == ACL_GROUP_OWNER else number))
    return names - {"root", account(found.st_uid)}


def access_list(path: str) -> bytes:
    """The access list of a file, no link at its end followed; empty for none."""
    with suppress(OSError):
        return os.getxattr(path, ACL, follow_symlinks=False)
    return b""


OF_A_STRANGERS = 3  # a folder of an account's own takes no more than this part of what is left for others


def names_left(left: int, above: os.stat_result) -> int:
    """Of how many names a folder is looked into, where so many may be in all: an account hides no other's by those in its own."""
    return max(0, left if above.st_uid == 0 else left // OF_A_STRANGERS)


class Writers:
    """What others than root and the account that deploys could change of a service's code, each with who could: the first of it.
    Who may write into a folder can put another file in the place of any that lies there, however deep: one without files holds
    no code. ``prefix`` is where the paths of ``enter`` and ``see`` begin.
    """

    def __init__(self, owner: str, prefix: str = "") -> None:
        self.names, self.prefix = {"root", owner}, prefix
        self.numbers = frozenset({0, uid_of(owner)} - {NOBODY})
        self.found: list[list[str]] = []
        self.folders: dict[str, str] = {}
        self.known: dict[tuple[int, int, bytes], str] = {}

    def see(self, folder: Folder, name: str, path: str, row: os.stat_result) -> None:
        """One file, where it lies."""
        if row.st_uid in self.numbers and not row.st_mode & 0o022:
            return
        if not stat.S_ISLNK(row.st_mode):
            self.note(self.prefix + path, self.who(row, f"/proc/self/fd/{folder.fd}/{name}"))

    def enter(self, folder: Folder, path: str) -> None:
        """One folder that is held; its path has a slash at its end, and is empty for the first."""
        row = os.fstat(folder.fd)
        if row.st_uid not in self.numbers or row.st_mode & 0o022:
            self.folders[path] = self.who(row, f"/proc/self/fd/{folder.fd}/.")

    def walked(self, paths: Iterable[str]) -> None:
        """These files lie there: the folders on the way to them count."""
        loose = {path: who for path, who in self.folders.items() if who}
        for path in sorted(loose) and paths:
            for place in [one for one in loose if path.startswith(one.replace("__pycache__/", ""))]:
                self.note((self.prefix + place).rstrip("/") or ".", loose.pop(place))

    def around(self, folder: str) -> None:
        """The folders on the way to one. From one like /tmp nobody takes away what is another's."""
        for place in (os.path.abspath(folder), os.path.realpath(folder)):
            parts = place.strip("/").split("/")
            for above in ["/", *("/" + "/".join(parts[:count]) for count in range(1, len(parts)))]:
                row = os.stat(above)
                if not row.st_mode & stat.S_ISVTX:
                    self.note(above, self.who(row, above))

    def note(self, path: str, who: str) -> None:
        """Keep what somebody else could change."""
        if who and len(self.found) < SHOWN and [path, who] not in self.found:
            self.found.append([path, who])

    def who(self, row: os.stat_result, place: str) -> str:
        """Who else could change it, in words; empty for nobody."""
        if row.st_uid not in self.numbers:
            return f"belongs to {account(row.st_uid)}"
        if row.st_mode & 0o002:
            return "can be changed by everybody"
        if not row.st_mode & 0o020:
            return ""
        key = (row.st_uid, row.st_gid, access_list(place))
        if key not in self.known:
            names = may_besides(row, key[-1], MAY_WRITE) - self.names
            self.known[key] = f"can be changed by {told_names(names)}" if names else ""
        return self.known[key]


def told_names(names: Iterable[str]) -> str:
    """The first of some accounts, and that there are more."""
    rows = sorted(names)
    return ", ".join(rows[:3]) + (f" and {len(rows) - 3} more" if len(rows) > 3 else "")
