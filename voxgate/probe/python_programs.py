"""Which programs are Python, or have it beside, whatever they are called."""

from __future__ import annotations

import os
import stat
from contextlib import suppress

from voxgate.probe.base import FILES_AT_MOST, Trouble
from voxgate.probe.elf import dynamic_names
from voxgate.probe.mounts import Space
from voxgate.probe.process_files import NO_FILE, Mapped

PYTHON_MAIN = b"Py_BytesMain\0"  # what Python's program calls, or is, since 3.8
LOADER = b"_rtld_global\0"  # what starts any program that it is given
LIBRARY = b"libpython"  # what a program names that is linked with Python
LIBRARIES = ("/usr/lib/", "/usr/lib64/", "/lib/", "/lib64/")


class Programs:
    """Programs and libraries by what they are, each file read once. For one look."""

    def __init__(self) -> None:
        self.files: dict[tuple[int, int, tuple[bytes, ...]], bytes] = {}
        self.of_root: set[tuple[str, str]] = set()

    def names_of(self, way: str, sought: tuple[bytes, ...], inode: int | None = None) -> bytes:
        """Which of these a program or library has among its dynamic names; none for what is no regular file, or not the one that
        is meant.
        """
        fd = os.open(way, os.O_PATH | os.O_CLOEXEC)
        try:
            found = os.fstat(fd)
            if not stat.S_ISREG(found.st_mode) or inode not in {None, found.st_ino}:
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
            names = self.names_of(exe, (PYTHON_MAIN, LOADER))
            if PYTHON_MAIN in names:
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
        for _, device, inode, path in rows:
            key = (device, inode)
            try:
                if key not in self.of_root and ((space.ours and path.startswith(LIBRARIES)) or is_roots(f"{space.base}{path}")):
                    self.of_root.add(key)
                if kind and key in self.of_root:
                    beside = beside or "/libpython" in path
                    continue
                strange = True
                if self.names_of(f"{space.base}{path}", (PYTHON_MAIN,), int(inode)):
                    return "whole"
            except (OSError, ValueError):  # it is gone: what runs of it is found by its place
                strange = strange or not NO_FILE.match(path)
        if not beside or not strange:
            return "beside" if beside else ""
        with suppress(OSError):
            return "added" if self.names_of(f"/proc/{pid}/exe", (LIBRARY,)) else "whole"
        return "whole"


def is_roots(path: str) -> bool:
    """True for a file that is root's, and that nobody else may change."""
    found = os.stat(path)
    return found.st_uid == 0 and not found.st_mode & 0o022


def is_python(program_path: str) -> bool:
    """True for Python by the name of its program, and for a server of Python's applications."""
    name = program_path.rpartition("/")[2]
    return name.startswith("python") or "wsgi" in name
