"""What root runs by itself, and which of it an account of a service's could change: that one would be root by the next run."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from typing import Iterable

from voxgate.probe.accounts import NOBODY, account, uid_of
from voxgate.probe.base import PATH, SHOWN, Job
from voxgate.probe.request import Service
from voxgate.probe.rights import MAY_WRITE, access_list, may_besides

ROOTS_AT_MOST = 5000  # files that root runs
# Where root's programs, and what these load, are looked for by their names: who may put one there is root by the next run. On
# some hosts a group (Debian's staff) may do so in /usr/local.
LOOKED_INTO = (
    *PATH.split(":"), "/usr/lib", "/usr/local/lib", "/etc", "/etc/cron.d", "/etc/cron.hourly", "/etc/cron.daily",
    "/etc/cron.weekly", "/etc/cron.monthly", "/etc/ld.so.conf.d", "/etc/profile.d", "/etc/sudoers.d", "/etc/pam.d",
    "/etc/systemd/system", "/usr/local/lib/systemd/system",
)  # fmt: skip


def open_to_services(services: list[Service], begun: set[str], told: Iterable[Job], folders: Job) -> list[str]:
    """The files and folders by which an account that runs a service or deploys, or everybody, could change what root runs by
    itself: ``begun``, as the jobs ``told`` name it, the unit files of ``folders``, and what it looks for by a name. Of
    administrators, and of accounts that have nothing to do with the services, nothing is said: on many hosts these may be root
    anyway.
    """
    for job in told:
        job.result()  # where one was not done, what it found until then
    paths = list(begun)[:ROOTS_AT_MOST]
    disk = folders.result().get("value")
    for named in (disk.files, disk.drop_ins) if disk else ():
        paths += [path for found in named.values() for path in found if not path.startswith("/usr/lib/")]
    paths += [f"{folder}/any" for folder in LOOKED_INTO if os.path.isdir(folder)]
    ways = Ways({name for row in services for name in (row.user, row.owner) if name} - {"root"})
    return sorted({place for path in paths for place in ways.to(path)})[:SHOWN]


class Ways:
    """Who of some accounts could change what lies at a path, each folder looked at once. For one look."""

    def __init__(self, names: set[str]) -> None:
        self.names = names
        self.numbers = {uid_of(name) for name in names} - {0, NOBODY}
        self.known: dict[str, list[str]] = {}

    def to(self, path: str) -> list[str]:
        """What these accounts could change of it, links followed: folders on the way, and the file."""
        found: list[str] = []
        with suppress(OSError, ValueError):
            found += self.through(os.path.dirname(path))
            row = os.lstat(path)
            if stat.S_ISLNK(row.st_mode):
                path = os.path.realpath(path)
                found += self.through(os.path.dirname(path))
                row = os.stat(path)
            if (stat.S_ISREG(row.st_mode) or stat.S_ISDIR(row.st_mode)) and self.is_open(path, row):
                found.append(path)  # a masked unit is a link to /dev/null, into which everybody writes
        return found

    def through(self, folder: str) -> list[str]:
        """The same of a folder and all above it, by its path and by where that really leads."""
        parts = folder.rstrip("/").split("/")
        return [one for count in range(1, len(parts) + 1) for one in self.at("/".join(parts[:count]) or "/")]

    def at(self, folder: str) -> list[str]:
        """The same of one folder, or of where a link in its place leads."""
        if folder not in self.known:
            self.known[folder] = []
            with suppress(OSError):
                row = os.lstat(folder)
                if stat.S_ISLNK(row.st_mode):
                    self.known[folder] = self.through(os.path.realpath(folder))
                elif self.is_open(folder, row):
                    self.known[folder] = [folder]
        return self.known[folder]

    def is_open(self, path: str, row: os.stat_result) -> bool:
        """True where one of them could change it. From a folder like /tmp nobody takes away what is another's."""
        if row.st_uid in self.numbers:
            return True
        if not row.st_mode & 0o022 or (stat.S_ISDIR(row.st_mode) and row.st_mode & stat.S_ISVTX):
            return False
        return bool(row.st_mode & 0o002 or self.names & (may_besides(row, access_list(path), MAY_WRITE) | {account(row.st_uid)}))
