"""Small files that others may read, where people put copies: a secret that stands in one is theirs."""

from __future__ import annotations

import os
from contextlib import suppress
from itertools import islice
from typing import Callable, Iterable, Iterator, NamedTuple

from voxgate.probe.accounts import as_caller
from voxgate.probe.base import Trouble
from voxgate.probe.cache import HashCache, changes_unseen, is_written_to
from voxgate.probe.folder import Folder, passing_over
from voxgate.probe.reading import taken
from voxgate.probe.request import Service
from voxgate.probe.rights import MAY_READ, access_list, may_besides, names_left

# Where copies of settings are made: by people, by backups, by what serves files. No look can read all of a disk.
OPEN_PLACES = (
    "/var/backups", "/var/tmp", "/tmp", "/dev/shm", "/home", "/root", "/etc", "/opt", "/srv", "/usr/local", "/var/www",  # noqa: S108 - searched, not used
    "/usr/share/nginx", "/mnt", "/media", "/var/log", "/backup", "/backups", "/data",
)  # fmt: skip
OPEN_DEPTH = 4  # folders below one of these
OPEN_SIZE = 1 << 17  # bytes: settings are small, also packed with others
OPEN_NAMES = 2000  # of each place, the uppermost ones
READER_OF_OPEN = 1  # counts up with how they are looked at: what an earlier reader found without a secret is searched again
A_FOLDER_OF_FILES = 10  # names: to open one costs as much


class OpenFile(NamedTuple):
    """One of them, and what it is known again by; whether everybody may read it, or some by a group or an access list."""

    path: str
    same: list[int]
    changed: float
    is_everybodys: bool


def open_files(services: list[Service]) -> list[OpenFile]:
    """Those that others may read than root and the accounts that run a service or deploy; none in the services' own folders. As
    root also what some may read, which who asks may be none of.
    """
    own = {os.path.realpath(service.folder) for service in services}
    trusted = {name for service in services for name in (service.user, service.owner) if name}
    found = [row for place in OPEN_PLACES for row in in_place(os.path.realpath(place), own, trusted)]
    return list({row.path: row for row in found}.values())


def in_place(place: str, own: set[str], trusted: set[str]) -> Iterator[OpenFile]:
    """The same in one place, from above. What a link leads to is not there."""
    left, waiting = OPEN_NAMES, [(place, 0, True)]
    for path, depth, above in waiting:
        with suppress(OSError):
            folder = os.lstat(path)
            mode = folder.st_mode
            if path in own or not mode & 0o011 or left <= A_FOLDER_OF_FILES:
                continue
            everybodys = above and bool(mode & 0o001)
            with os.scandir(path) as entries:
                rows = list(islice(entries, names_left(left - A_FOLDER_OF_FILES, folder)))
            left -= A_FOLDER_OF_FILES + len(rows)
            for row in rows:
                with suppress(OSError):  # it is gone, or lies under a file system of somebody's own: that hides no other
                    if depth < OPEN_DEPTH and row.is_dir(follow_symlinks=False):
                        waiting.append((row.path, depth + 1, everybodys))
                    elif row.is_file(follow_symlinks=False):
                        found = row.stat(follow_symlinks=False)
                        if 0 < found.st_size <= OPEN_SIZE and found.st_mode & 0o044:
                            all_may = everybodys and bool(found.st_mode & 0o004)
                            if all_may or may_besides(found, access_list(row.path), MAY_READ) - trusted:
                                yield OpenFile(row.path, same_as_is(found), found.st_ctime, all_may)


def same_as_is(found: os.stat_result) -> list[int]:
    """What a file is known again by."""
    return [found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns]


def search_open(
    rows: Iterable[OpenFile], service: Service, mark: list[int], search: Callable[[bytes, str], bool], *, as_root: bool
) -> None:
    """Give what stands in them to ``search``, which says whether a secret is there: of what everybody may read with the rights of
    who asks; ``as_root`` of what some may read, where nobody could guess so. That none was is kept as long as the file is the
    same, and the secrets are (``mark``): of the very file that was listed, where nobody can write to it without a sign.
    """
    cache = HashCache("open", service)
    told = list(rows)

    def each(*, everybodys: bool) -> None:
        with Folder("/") as root:
            for path, same, changed, all_may in told:
                key = [READER_OF_OPEN, *same, *mark, cache.asked_by]
                if all_may is not everybodys or cache.word(path, key) is not None:
                    continue
                with passing_over(OSError, Trouble), root.open(path) as file:
                    found = os.fstat(file.fileno())
                    may_be_kept = same_as_is(found) == same and not changes_unseen(found) and not is_written_to(file)
                    if not search(taken(file, OPEN_SIZE, path), path) and may_be_kept:
                        cache.note(path, key, changed, "none")

    as_caller(lambda: each(everybodys=True))
    if as_root:
        each(everybodys=False)
    cache.keep()
