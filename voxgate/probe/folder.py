"""A folder held open and read without following a link."""

from __future__ import annotations

import hashlib
import os
import stat
from contextlib import contextmanager
from functools import lru_cache
from itertools import islice
from typing import IO, Callable, Iterator

from voxgate.probe.base import DEPTH_AT_MOST, NAMES_AT_MOST, SMALL_FILE, Trouble
from voxgate.probe.reading import content, rows_of, taken


class NoFile(Trouble):
    """What is no regular file, or one that the kernel makes up."""

    def __init__(self, path: str) -> None:
        super().__init__("failed", f"{path}: not a regular file")


def place_of(path: str, at: int) -> int:
    """What lies below an open folder, held as a place only (O_PATH): nothing is opened, and no link is followed on the way."""
    handle = os.dup(at)
    for part in filter(None, path.split("/")):
        above = handle
        try:
            handle = os.open(part, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=above)
        finally:
            os.close(above)
    return handle


def opened_regular(handle: int, path: str) -> int:
    """What is held as a place, opened for reading; the place is given up. To open a pipe or a device does something, so that it
    is a regular file is known before. Raises Trouble for anything else.
    """
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise NoFile(path)
        return os.open(f"/proc/self/fd/{handle}", os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError as error:
        error.filename = path
        raise
    finally:
        os.close(handle)


def opened(path: str) -> int:
    """The same by a whole path, links followed: for paths of the system's, in which others may have put a link or a name. Files
    that the kernel makes up are none, to read one may do something too; nor is what a mount namespace of somebody's shows.
    """
    return opened_on_disk(os.open(path, os.O_PATH | os.O_CLOEXEC), path)


def opened_on_disk(handle: int, path: str) -> int:
    """The same of what is held as a place, which is given up."""
    words = content(f"/proc/self/fdinfo/{handle}").split()
    if words[words.index(b"mnt_id:") + 1].decode() not in mounts_of_files():
        os.close(handle)
        raise NoFile(path)
    return opened_regular(handle, path)


@lru_cache(maxsize=None)
def mounts_of_files() -> frozenset[str]:
    """The numbers of our mounts on which files are somebody's, and not made up by the kernel."""
    rows = [line.split(" - ", 1) for line in rows_of("/proc/self/mountinfo")]
    return frozenset(row[0].split()[0] for row in rows if len(row) == 2 and row[1].split()[0] not in NO_FILES)


@contextmanager
def passing_over(*kinds: type[Exception]) -> Iterator[None]:
    """What is gone, or cannot be read, is passed over (or errors of these kinds): but no file that its owner holds a lease on.
    The kernel opens that for nobody, and root does not wait as long as he likes: anything could be hidden so. Raises
    BlockingIOError.
    """
    try:
        yield
    except BlockingIOError:
        raise
    except Exception as error:
        if not isinstance(error, kinds or (OSError, Trouble)):
            raise


class Folder:
    """A folder held open, read without ever following a link: what is hashed lies in it, not behind it."""

    def __init__(self, path: str, below: Folder | None = None, *, handle: int | None = None) -> None:
        """By its name in another, by a whole path, or as it is held as a place already."""
        self.path: str = path if below is None else f"{below.path.rstrip('/')}/{path}"
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NOFOLLOW
        try:
            self.fd: int = os.open("." if handle is not None else path, flags, dir_fd=below.fd if below else handle)
        except NotADirectoryError:
            raise Trouble("failed", f"{self.path}: not a folder (a link is not followed)") from None
        except OSError as error:
            error.filename = self.path
            raise

    def __enter__(self) -> Folder:  # noqa: PYI034 - Self is younger than Python 3.9
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.fd)

    def stat(self, name: str) -> os.stat_result | None:
        """What ``name`` is, links as links; None if it is not there."""
        try:
            return os.stat(name, dir_fd=self.fd, follow_symlinks=False)
        except (FileNotFoundError, NotADirectoryError):
            return None

    def open(self, name: str) -> IO[bytes]:
        """A regular file, opened for reading: by no link, also not in the middle of ``name``; all else is not opened."""
        try:
            handle = place_of(name, self.fd)
        except OSError as error:
            error.filename = f"{self.path}/{name}"
            raise
        return open(opened_regular(handle, f"{self.path}/{name}"), "rb")

    def text(self, name: str, errors: str = "strict") -> str:
        """The content of a small UTF-8 file. Raises Trouble or OSError."""
        with self.open(name) as file:
            found = taken(file, SMALL_FILE, f"{self.path}/{name}")
        try:
            return found.decode(errors=errors)
        except UnicodeDecodeError:
            raise Trouble("unparsable", f"{self.path}/{name}: not UTF-8") from None

    def walk(
        self,
        left_out: Callable[[str, str, bool], bool],
        prefix: str = "",
        *,
        denied: Callable[[Folder, str, str], None] | None = None,
        enter: Callable[[Folder, str], None] | None = None,
    ) -> Iterator[tuple[Folder, str, str]]:
        """Each file below: the open folder it lies in, its name there, its path from here. ``left_out`` is asked with
        the path of the folder, the name, and whether it is a folder. ``denied`` is told in the same way of each folder that may
        not be read, and that is passed over; else it is an error. ``enter`` is told of each folder that is held, this one
        too, and its path from here, with a slash at its end where it has one.
        """
        entered = enter or (lambda _folder, _path: None)
        entered(self, prefix)
        # One loop, and no generator in another for each folder on the way: an environment has thousands of files.
        way: list[tuple[Folder, str, Iterator[tuple[str, bool]]]] = [(self, prefix, self.rows(prefix))]
        try:
            while way:
                at, before, rows = way[-1]
                for name, is_folder in rows:
                    if left_out(before, name, is_folder):
                        continue
                    if not is_folder:
                        yield at, name, before + name
                        continue
                    try:
                        below = Folder(name, at)
                    except PermissionError:
                        if denied is None:
                            raise
                        denied(at, name, before + name)
                        continue
                    entered(below, f"{before}{name}/")
                    way.append((below, f"{before}{name}/", iter(())))  # from here on it is closed, whatever happens
                    way[-1] = (below, f"{before}{name}/", below.rows(f"{before}{name}/"))
                    break
                else:
                    way.pop()
                    if at is not self:
                        os.close(at.fd)
        finally:
            for below, _, _ in way[1:]:
                os.close(below.fd)

    def rows(self, prefix: str) -> Iterator[tuple[str, bool]]:
        """Each name in it, and whether that is a folder. Raises Trouble where it lies too deep or has too many, OSError."""
        if prefix.count("/") > DEPTH_AT_MOST:
            raise Trouble("failed", f"{self.path}: over {DEPTH_AT_MOST} folders deep")
        with os.scandir(self.fd) as entries:
            rows = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in islice(entries, NAMES_AT_MOST + 1)]
        if len(rows) > NAMES_AT_MOST:
            raise Trouble("failed", f"{self.path}: over {NAMES_AT_MOST} names in one folder")
        return iter(rows)


UNREADABLE = "unreadable"  # stands for what may not be read


def fingerprint(folder: Folder, name: str, algorithm: str = "sha256") -> tuple[int, str]:
    """The size of a file and the hash of its content; with ``sha1`` git's blob id."""
    with folder.open(name) as file:
        return fingerprint_of(file, algorithm)


def fingerprint_of(file: IO[bytes], algorithm: str) -> tuple[int, str]:
    """The same of an open file."""
    size = os.fstat(file.fileno()).st_size
    head = b"blob %d\0" % size if algorithm == "sha1" else b""
    digest = hashlib.new(algorithm, head)
    while piece := file.read(1 << 20):
        digest.update(piece)
    return size, digest.hexdigest()


# What the kernel makes up; and snapd's images, of which there are many, each sealed by its publisher.
NO_FILES = {
    "proc", "sysfs", "cgroup", "cgroup2", "devpts", "mqueue", "debugfs", "tracefs", "securityfs", "pstore", "bpf", "configfs",
    "hugetlbfs", "fusectl", "binfmt_misc", "autofs", "rpc_pipefs", "nsfs", "efivarfs", "selinuxfs", "fuse.lxcfs",
}  # fmt: skip
