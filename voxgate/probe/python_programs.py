"""Which programs are Python, or have it beside, whatever they are called."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress

from voxgate.probe.base import FILES_AT_MOST, Trouble
from voxgate.probe.elf import dynamic_names
from voxgate.probe.mounts import Space
from voxgate.probe.process_files import NO_FILE, Mapped

# What Python's program calls, or is: since 3.8, and where it is PyPy.
PYTHON_MAIN = (b"Py_BytesMain\0", b"pypy_main_startup\0")
LOADER = b"_rtld_global\0"  # what starts any program that it is given
LIBRARY = b"libpython"  # what a program names that is linked with Python
LIBRARIES = ("/usr/lib/", "/usr/lib64/", "/lib/", "/lib64/")


class Programs:
    """Programs and libraries by what they are, each file read once. For one look."""

    def __init__(self) -> None:
        self.files: dict[tuple[int, int, tuple[bytes, ...]], bytes] = {}
        self.of_root: set[tuple[str, str]] = set()

    def names_of(self, way: str, sought: tuple[bytes, ...], inode: int | None = None) -> bytes:
        """Which of these a program or library has among its dynamic names; none for what is no regular file. Raises OSError, also
        where it is not the file of that number.
        """
        fd = os.open(way, os.O_PATH | os.O_CLOEXEC)
        try:
            found = the_one(os.fstat(fd), inode, way)
            if not stat.S_ISREG(found.st_mode):
                return b""
            key = (found.st_dev, found.st_ino, sought)
            if key not in self.files:
                if len(self.files) >= FILES_AT_MOST:
                    raise Trouble("failed", f"over {FILES_AT_MOST} files are mapped to be run")
                file = os.open(f"/proc/self/fd/{fd}", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
                try:
                    names = dynamic_names(file)
                finally:
                    os.close(file)
                self.files[key] = b"".join(name for name in sought if name in names)
            return self.files[key]
        finally:
            os.close(fd)

    def kind_of(self, pid: str) -> str:
        """What the program of a process is: ``python``, which names what starts it; ``roots`` for any other that root alone can
        change, but the loader, which starts what it is given; empty for the rest, and for what cannot be read.
        """
        exe = f"/proc/{pid}/exe"
        try:
            names = self.names_of(exe, (*PYTHON_MAIN, LOADER))
            if any(name in names for name in PYTHON_MAIN):
                return "python"
            roots = LOADER not in names and is_roots(exe)
        except (PermissionError, FileNotFoundError):
            return ""
        return "roots" if roots else ""

    def python_in(self, pid: str, space: Space, rows: list[Mapped], kind: str) -> str:
        """``whole`` where a library that a process has mapped makes it Python. A program of root's own that may use Python beside
        is not: it has root's Python ``beside``, as long as all that it has mapped is root's. One that is linked with Python (an
        editor, a debugger) may have loaded what an account ``added`` to it. Empty without any Python.
        """
        beside = strange = False
        for row in rows:
            key = (row.device, row.inode)
            # Where its path has another file by now, or none, the kernel still has the mapping itself.
            for way, inode in ((f"{space.base}{row.path}", int(row.inode)), (f"/proc/{pid}/map_files/{row.place}", None)):
                try:
                    if key not in self.of_root and ((space.ours and row.path.startswith(LIBRARIES)) or is_roots(way, inode)):
                        self.of_root.add(key)
                    if kind and key in self.of_root:
                        beside = beside or "/libpython" in row.path
                        break
                    strange = True
                    if self.names_of(way, PYTHON_MAIN, inode):
                        return "whole"
                    break
                except (OSError, ValueError):
                    strange = strange or not NO_FILE.match(row.path)
        if not beside or not strange:
            return "beside" if beside else ""
        with suppress(OSError):
            return "added" if self.names_of(f"/proc/{pid}/exe", (LIBRARY,)) else "whole"
        return "whole"


def is_roots(path: str, inode: int | None = None) -> bool:
    """True for a file that is root's, and that nobody else may change. Raises OSError, also for one of another number."""
    found = the_one(os.stat(path), inode, path)
    return found.st_uid == 0 and not found.st_mode & 0o022


def the_one(found: os.stat_result, inode: int | None, path: str) -> os.stat_result:
    """The same, where it is the file of that number. Raises FileNotFoundError for another."""
    if inode not in {None, found.st_ino}:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
    return found


def is_python(program_path: str) -> bool:
    """True for Python by the name of its program, and for a server of Python's applications."""
    name = program_path.rpartition("/")[2]
    return name.startswith(("python", "pypy")) or "wsgi" in name
