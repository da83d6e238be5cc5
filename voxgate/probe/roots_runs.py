"""What root runs by itself, and which of it an account of a service's could change: that one would be root by the next run."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from typing import Iterable, Iterator

from voxgate.probe.accounts import NOBODY, account, uid_of
from voxgate.probe.base import PATH, SHOWN, Job
from voxgate.probe.request import Service
from voxgate.probe.rights import MAY_WRITE, access_list, may_besides
from voxgate.probe.text import files_in
from voxgate.probe.unit_folders import UNIT_FOLDERS

ROOTS_AT_MOST = 5000  # files that root runs
# Where root's programs, and what these load, are looked for by their names: who may put one there is root by the next run. On
# some hosts a group (Debian's staff) may do so in /usr/local.
LOOKED_INTO = (
    *PATH.split(":"), "/usr/lib", "/usr/local/lib", "/etc", "/etc/cron.d", "/etc/cron.hourly", "/etc/cron.daily",
    "/etc/cron.weekly", "/etc/cron.monthly", "/etc/ld.so.conf.d", "/etc/profile.d", "/etc/sudoers.d", "/etc/pam.d",
    "/etc/systemd/system", "/usr/local/lib/systemd/system",
)  # fmt: skip


def open_to_services(services: list[Service], begun: set[str], told: Iterable[Job]) -> list[str]:
    """The files and folders by which an account that runs a service or deploys, or everybody, could change what root runs by
    itself: ``begun``, as the jobs ``told`` name it, the unit files, and what it looks for by a name. Of administrators, and of
    accounts that have nothing to do with the services, nothing is said: on many hosts these may be root anyway.
    """
    for job in told:
        job.result()  # where one was not done, what it found until then
    paths = [*list(begun)[:ROOTS_AT_MOST], *of_units_on_disk()]
    paths += [f"{folder}/any" for folder in LOOKED_INTO if os.path.isdir(folder)]
    ways = Ways({name for row in services for name in (row.user, row.owner) if name} - {"root"})
    return sorted({place for path in paths for place in ways.to(path)})[:SHOWN]


def of_units_on_disk() -> Iterator[str]:
    """All that systemd reads of units of whatever kind, but in the distribution's own folder; and what somebody could put into
    each folder beside one.
    """
    for folder in dict.fromkeys(map(os.path.realpath, UNIT_FOLDERS)):
        for path in files_in(folder) if not folder.startswith("/usr/lib/") else ():
            yield from (*files_in(path), f"{path}/any") if os.path.isdir(path) else (path,)


class Ways:
    """Who of some accounts could change what lies at a path, each place looked at once. For one look."""

    def __init__(self, names: set[str]) -> None:
        self.names = names
        self.numbers = {uid_of(name) for name in names} - {0, NOBODY}
        self.known: dict[str, list[str]] = {}

    def to(self, path: str) -> list[str]:
        """The first place on the way to it, itself the last, that these accounts could change, each link followed as it is: what
        lies behind that is as they like. Of what is not there, the place where they could make it.
        """
        at = "/"
        found = self.at(at)
        for part in path.split("/"):
            if not found and part not in {"", "."}:
                at = os.path.dirname(os.path.realpath(at)) if part == ".." else os.path.join(at, part)
                found = self.at(at)
        return found

    def at(self, place: str) -> list[str]:
        """The same of one place, and of where a link there leads."""
        if place not in self.known:
            self.known[place] = []  # so a loop of links ends
            with suppress(OSError, ValueError):
                self.known[place] = self.changed_at(place)
        return self.known[place]

    def changed_at(self, place: str) -> list[str]:
        """The same, not looked at before. Raises OSError."""
        above = os.path.dirname(place)
        try:
            row = os.lstat(place)
        except FileNotFoundError:
            return [above] if self.may_add(above) else []
        if stat.S_ISLNK(row.st_mode):
            is_theirs = row.st_uid in self.numbers and self.may_add(above)
            return [place] if is_theirs else self.to(os.path.join(above, os.readlink(place)))
        # A masked unit is a link to /dev/null, into which everybody writes.
        is_kept = stat.S_ISREG(row.st_mode) or stat.S_ISDIR(row.st_mode)
        return [place] if is_kept and self.is_open(place, row) else []

    def may_add(self, folder: str) -> bool:
        """True for a folder like /tmp, into which one of them may put something."""
        row = os.stat(folder)
        return stat.S_ISDIR(row.st_mode) and bool(row.st_mode & stat.S_ISVTX) and self.may_write(folder, row)

    def is_open(self, path: str, row: os.stat_result) -> bool:
        """True where one of them could change it. From a folder like /tmp nobody takes away what is another's."""
        if row.st_uid in self.numbers:
            return True
        return not (stat.S_ISDIR(row.st_mode) and row.st_mode & stat.S_ISVTX) and self.may_write(path, row)

    def may_write(self, path: str, row: os.stat_result) -> bool:
        """True where the mode, or an access list, lets one of them."""
        if not row.st_mode & 0o022:
            return False
        return bool(row.st_mode & 0o002 or self.names & (may_besides(row, access_list(path), MAY_WRITE) | {account(row.st_uid)}))
