"""Following a path: from where an account could have put something on it, on with that account's eyes too."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress

from voxgate.probe.accounts import NOBODY, account, caller, group_members, seeing_as, seen_as, uid_of
from voxgate.probe.base import SMALL_FILE, Trouble
from voxgate.probe.folder import NoFile, opened_on_disk
from voxgate.probe.reading import taken
from voxgate.probe.text import telling_lines, unit_lines

AS_PLACE = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
LINKS_AT_MOST = 40
CHOOSERS_AT_MOST = 4  # of one folder: of more than that, what all may see


class Reached:
    """What a path leads to, held as a place only (O_PATH). A step is made, and a link followed, by what its words are, and only
    where all may go that could have chosen it: beside who we see as, those who could change a folder on the way before it. So
    nobody leads root to what he may not see himself. Raises OSError, which names the path as it was asked for.
    """

    def __init__(self, path: str) -> None:
        self.asked, self.path, self.me = path, "", seen_as()
        self.eyes: frozenset[int] = frozenset()  # beside our own
        if "\0" in path:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), path)
        self.handle = os.open("/", AS_PLACE)
        try:
            self.walk()
        except OSError as error:
            os.close(self.handle)
            error.filename = path
            raise
        except Trouble:
            os.close(self.handle)
            raise

    def walk(self) -> None:
        """All steps; a link's words are the next ones."""
        rest, links = self.asked.split("/"), 0
        while rest:
            part = rest.pop(0)
            if part in {"", "."}:
                continue
            below = self.below(part)
            if not stat.S_ISLNK(os.fstat(below).st_mode):
                os.close(self.handle)
                self.handle = below
                self.path = os.path.dirname(self.path) if part == ".." else f"{self.path.rstrip('/')}/{part}"
                continue
            try:
                target = self.leads_to(below)
            finally:
                os.close(below)
            links += 1
            if links > LINKS_AT_MOST:
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
            rest = [*target.split("/"), *rest]
            if target.startswith("/"):
                self.handle, above = os.open("/", AS_PLACE), self.handle
                os.close(above)
                self.path = ""
        self.path = self.path or "/"

    def below(self, part: str) -> int:
        """The next step."""
        found = os.fstat(self.handle)
        if not (found.st_mode & stat.S_ISVTX and found.st_uid == 0 and roots_among_all(part, self.handle, found)):
            self.eyes |= choosers(found, self.handle) - {self.me}
        for uid in self.eyes:
            with seeing_as(uid):
                os.stat(part, dir_fd=self.handle, follow_symlinks=False)  # who may not go into a folder learns nothing of it
        return os.open(part, AS_PLACE, dir_fd=self.handle)

    def leads_to(self, link: int) -> str:
        """The words of a link: of one that the kernel makes up not everybody may know them."""
        for uid in self.eyes:
            with seeing_as(uid):
                os.readlink("", dir_fd=link)
        return os.readlink("", dir_fd=link)

    def opened(self) -> int:
        """The regular file that it is, for reading: as all may. Raises NoFile for anything else, OSError."""
        for uid in self.eyes:
            with seeing_as(uid):
                os.close(opened_on_disk(os.dup(self.handle), self.asked))
        return opened_on_disk(os.dup(self.handle), self.asked)

    def names(self) -> list[str]:
        """What lies in the folder that it is, as all may know it. Raises OSError."""
        found: list[str] = []
        for uid in self.eyes or {self.me}:
            with seeing_as(uid):
                fd = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=self.handle)
                try:
                    found = os.listdir(fd)
                finally:
                    os.close(fd)
        return found

    def whose_words(self) -> int:
        """With whose eyes to go on with what stands in the file: who could have written it, or led here; nobody's for several."""
        could = {self.me, *self.eyes, *choosers(os.fstat(self.handle), self.handle)} - {0}
        return NOBODY if len(could) > 1 else could.pop() if could else 0

    def __enter__(self) -> Reached:  # noqa: PYI034 - Self is younger than Python 3.9
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.handle)


def lines_on(path: str) -> list[str]:
    """The lines of a small file that is there, comments left out, as all may read it that could have led to it."""
    return telling_lines(text_on(path))


def unit_lines_on(path: str) -> list[str]:
    """The same of a unit file, as systemd reads it."""
    return unit_lines(text_on(path))


def text_on(path: str) -> str:
    """The content of such a file; empty where there is none."""
    try:
        with Reached(path) as place, open(place.opened(), "rb") as file:
            return taken(file, SMALL_FILE, path).decode(errors="surrogateescape")
    except (FileNotFoundError, NotADirectoryError, NoFile):
        return ""


def paths_in(folder: str) -> list[str]:
    """The paths in a folder, as all may know them that could have led to it; none if it is not there."""
    try:
        with Reached(folder) as place:
            return sorted(f"{folder}/{name}" for name in place.names())
    except (FileNotFoundError, NotADirectoryError):
        return []


def leads_callers_eyes(path: str) -> str:
    """Where a path leads, links followed, for who asks and for all that could have led it there. Raises OSError for a way that
    one of them may not go, or that leads nowhere; it names the path as it was asked for.
    """
    with seeing_as(caller()), Reached(path) as place:
        return place.path


def interpreter_of(folder: str) -> str:
    """Where the Python of a folder's environment lies. Raises OSError as above."""
    return leads_callers_eyes(f"{folder}/.venv/bin/python")


def choosers(row: os.stat_result, handle: int) -> frozenset[int]:
    """Who besides root chooses what lies in a folder, or stands in a file, that is held; nobody, who sees what all see, for more
    than a few.
    """
    could = {row.st_uid}
    if row.st_mode & 0o020:
        names = set(group_members(row.st_gid)) - {account(row.st_uid)}
        if len(names) >= CHOOSERS_AT_MOST or has_list(handle):
            could.add(NOBODY)
        else:
            could |= set(map(uid_of, names))
    return frozenset((could | {NOBODY} if row.st_mode & 0o002 else could) - {0})


def has_list(handle: int) -> bool:
    """True where more accounts have rights than the mode says: then it shows the most that any of them has as the group's."""
    with suppress(OSError):
        return bool(os.getxattr(f"/proc/self/fd/{handle}", "system.posix_acl_access"))
    return False


def roots_among_all(part: str, at: int, above: os.stat_result) -> bool:
    """True for a folder of root's in one like /tmp: nobody else takes it away or brings it there, that would need his own."""
    try:
        row = os.stat(part, dir_fd=at, follow_symlinks=False)
    except OSError:
        return False
    return stat.S_ISDIR(row.st_mode) and row.st_uid == 0 and not row.st_mode & 0o022 and row.st_dev == above.st_dev
