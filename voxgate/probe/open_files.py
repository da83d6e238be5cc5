"""Small files that everybody may read, where people put copies: a secret that stands in one is everybody's."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from typing import Callable, Iterator, NamedTuple

from voxgate.probe.accounts import as_caller
from voxgate.probe.base import Job, Trouble
from voxgate.probe.cache import HashCache
from voxgate.probe.folder import Folder, passing_over
from voxgate.probe.reading import taken
from voxgate.probe.request import Service

# Where copies of settings are made: by people, by backups, by what serves files. No look can read all of a disk.
OPEN_PLACES = (
    "/var/backups", "/var/tmp", "/tmp", "/dev/shm", "/home", "/root", "/etc", "/opt", "/srv", "/usr/local", "/var/www",  # noqa: S108 - searched, not used
    "/usr/share/nginx", "/mnt", "/media", "/var/log", "/backup", "/backups", "/data",
)  # fmt: skip
OPEN_DEPTH = 4  # folders below one of these
OPEN_SIZE = 1 << 17  # bytes: settings are small, also packed with others
OPEN_NAMES = 2000  # of each place, the uppermost ones
A_FOLDER_OF_FILES = 10  # names: to open one costs as much


class OpenFile(NamedTuple):
    """One of them, and what it is known again by."""

    path: str
    same: list[int]
    changed: float


def open_files(services: list[Service]) -> list[OpenFile]:
    """Those that who asks, and so everybody, may read on the whole way there; none in the services' own folders."""
    own = {os.path.realpath(service.folder) for service in services}
    found: list[OpenFile] = as_caller(lambda: [row for place in OPEN_PLACES for row in in_place(os.path.realpath(place), own)])
    return list({row.path: row for row in found}.values())


def in_place(place: str, own: set[str]) -> Iterator[OpenFile]:
    """The same in one place, from above. What a link leads to is not there."""
    names, waiting = 0, [(place, 0)]
    for path, depth in waiting:
        with suppress(OSError):
            if path in own or not os.lstat(path).st_mode & 0o001:
                continue
            names += A_FOLDER_OF_FILES
            if names > OPEN_NAMES:
                return
            with os.scandir(path) as rows:
                for row in rows:
                    names += 1
                    if names > OPEN_NAMES:
                        return
                    if row.is_dir(follow_symlinks=False):
                        waiting += [(f"{path.rstrip('/')}/{row.name}", depth + 1)] if depth < OPEN_DEPTH else []
                        continue
                    found = row.stat(follow_symlinks=False)
                    if stat.S_ISREG(found.st_mode) and found.st_mode & 0o004 and 0 < found.st_size <= OPEN_SIZE:
                        same = [found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns]
                        yield OpenFile(f"{path.rstrip('/')}/{row.name}", same, found.st_ctime)


def search_open(rows: Job, service: Service, mark: list[int], search: Callable[[bytes, str], bool]) -> None:
    """Give what stands in them to ``search``, which says whether a secret is there, with the rights of who asks. That none was is
    kept as long as the file is the same, and the secrets are (``mark``).
    """
    cache = HashCache("open", service)
    told = rows.value()

    def each() -> None:
        with Folder("/") as root:
            for path, same, changed in told:
                key = [*same, *mark, cache.asked_by]
                if cache.word(path, key) is not None:
                    continue
                with passing_over(OSError, Trouble), root.open(path) as file:
                    if not search(taken(file, OPEN_SIZE, path), path):
                        cache.note(path, key, changed, "none")

    as_caller(each)
    cache.keep()
