"""Whose code a process runs, whatever it and the way there are called."""

from __future__ import annotations

import os
import re
import stat
from contextlib import suppress
from functools import partial
from typing import Iterator

from voxgate.probe.base import DEPTH_AT_MOST, FILES_AT_MOST, LONGEST_PATH, Trouble
from voxgate.probe.elf import dynamic_names
from voxgate.probe.mounts import mounts_of, seen_at
from voxgate.probe.process_files import WORDS_READ, environment, mapped_to_run, unless_denied
from voxgate.probe.reading import content, link_of

SLASHES = re.compile(r"/(?:\./|/)+")


class Marks:
    """The folders whose code is watched, by what they are and not by what they are called: device and inode are the same by every
    way, link and bind mount. A process is asked where it really is, in its own mounts and under its own root. For one look.
    """

    def __init__(self, folders: frozenset[str]) -> None:
        self.folders = sorted(folders)
        self.own = link_of("/proc/self/ns/mnt")
        self.marks: dict[tuple[int, int], str] = {}
        self.roots: dict[tuple[str, str], str] = {}  # a folder by its file system and place in that
        self.known: dict[tuple[str | None, str], frozenset[str]] = {}
        self.spaces: set[str | None] = set()
        self.programs: dict[tuple[int, int], bytes] = {}
        self.of_root: set[tuple[str, str]] = set()
        mounts = (mounts_of("self") or []) if folders else []
        for folder in self.folders:
            with suppress(OSError):
                found = os.stat(folder)
                self.marks[found.st_dev, found.st_ino] = folder
                self.roots[seen_at(folder, mounts)] = folder
        self.names = [os.fsencode(place.rpartition("/")[2]) for _, place in self.roots]

    def space_of(self, pid: str) -> tuple[str | None, str]:
        """The mounts that a process sees, and the path by which we come to where they begin. What is mounted there from within a
        folder is in that folder.
        """
        space = link_of(f"/proc/{pid}/ns/mnt")
        base = "" if space in {None, self.own} else f"/proc/{pid}/root{'/..' * DEPTH_AT_MOST}"
        if space not in self.spaces:
            self.spaces.add(space)
            table = b""
            with suppress(OSError):
                table = content(f"/proc/{pid}/mountinfo")
            if any(b"/%b/" % name in table for name in self.names):
                for row in mounts_of(pid) or ():
                    for (device, place), folder in self.roots.items():
                        if row.device == device and row.root.startswith(f"{place}/"):
                            with suppress(OSError):
                                found = os.stat(f"{base}{row.point}")
                                self.marks[found.st_dev, found.st_ino] = folder
        return space, base

    def above(self, space: str | None, base: str, place: str) -> frozenset[str]:
        """The folders that a folder lies in, or is: by its path as the kernel tells it, in which there is no link."""
        known = self.known.get((space, place))
        if known is None:
            here = None
            with suppress(OSError, ValueError):
                found = os.stat(f"{base}{place}" or "/")
                here = self.marks.get((found.st_dev, found.st_ino))
            known = frozenset({here} if here else ()) | (
                self.above(space, base, os.path.dirname(place)) if len(place) > 1 else set()
            )
            self.known[space, place] = known
        return known

    def around(self, path: str) -> Iterator[str]:
        """The folders that a folder lies in, or is, found by going up from it: where its mount is gone, no path leads to it."""
        before = None
        for depth in range(DEPTH_AT_MOST * 4):
            found = os.stat(f"{path}/{'../' * depth}")
            here = (found.st_dev, found.st_ino)
            if here == before:
                return
            before = here
            if here in self.marks:
                yield self.marks[here]

    def on_the_way(self, pid: str, path: str) -> Iterator[str]:
        """The folders that a process comes through, or to, that opens a path: by its links, under its own root. Nothing is opened
        on the way but as a place (O_PATH).
        """
        root = f"/proc/{pid}/root"
        place = partial(os.open, flags=os.O_PATH | os.O_CLOEXEC)
        at, links = -1, 0
        rest = path.split("/")[::-1]
        try:
            at = place(root if path.startswith("/") else f"/proc/{pid}/cwd")
            while rest and links <= 40:
                part = rest.pop()
                if part in {"", "."} or (part == ".." and os.path.samestat(os.fstat(at), os.stat(root))):
                    continue
                below = os.open(part, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=at)
                found = os.fstat(below)
                if stat.S_ISLNK(found.st_mode):
                    target = os.readlink("", dir_fd=below)
                    os.close(below)
                    links += 1
                    if part in {"self", "thread-self"} and re.fullmatch(r"\d+(?:/task/\d+)?", target):
                        below = place(f"/proc/{pid}")  # for us that is another
                    elif len(os.fsencode(target)) != found.st_size:  # one of the kernel's own: it leads where no path has to
                        below = place(part, dir_fd=at)
                        if stat.S_ISDIR(os.fstat(below).st_mode):
                            yield from self.around(f"/proc/self/fd/{below}")
                        else:
                            yield from self.above(*self.space_of(pid), os.path.dirname(target))
                    else:
                        rest += target.split("/")[::-1]
                        below = place(root) if target.startswith("/") else os.dup(at)
                elif (found.st_dev, found.st_ino) in self.marks:
                    yield self.marks[found.st_dev, found.st_ino]
                os.close(at)
                at = below
        except OSError:  # it leads nowhere, or the process is gone
            return
        finally:
            if at >= 0:
                os.close(at)

    def names_in(self, way: str, inode: int | None = None) -> bytes:
        """The dynamic names of a program or library, nothing for what is no regular file, or not the one that is meant."""
        fd = os.open(way, os.O_PATH | os.O_CLOEXEC)
        try:
            found = os.fstat(fd)
            if not stat.S_ISREG(found.st_mode) or inode not in {None, found.st_ino}:
                return b""
            key = (found.st_dev, found.st_ino)
            if key not in self.programs:
                if len(self.programs) >= FILES_AT_MOST:
                    raise Trouble("failed", f"over {FILES_AT_MOST} files are mapped to be run")
                file = os.open(f"/proc/self/fd/{fd}", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
                try:
                    names = dynamic_names(file)
                finally:
                    os.close(file)
                self.programs[key] = b"".join(name for name in (PYTHON_MAIN, LOADER) if name in names)
            return self.programs[key]
        finally:
            os.close(fd)

    def kind_of(self, pid: str) -> str:
        """What the program of a process is: ``python``, which names what starts it; ``roots`` for any other that root alone can
        change, but the loader, which starts what it is given; empty for the rest, and for what cannot be read.
        """
        exe = f"/proc/{pid}/exe"
        try:
            names = self.names_in(exe)
            return "python" if PYTHON_MAIN in names else "roots" if LOADER not in names and self.is_roots(exe) else ""
        except (PermissionError, FileNotFoundError):
            return ""

    def uses_python(self, space: str | None, base: str, rows: list[tuple[str, str, str]], kind: str) -> bool:
        """True where a library that a process has mapped is Python. A program of root's own that may use Python beside (an
        editor, a debugger) is not Python, as long as the library is root's.
        """
        for device, inode, path in rows:
            key = (device, inode)
            if kind == "roots" and key in self.of_root:
                continue
            with suppress(OSError, ValueError):  # it is gone: what runs of it is found by its place
                if (space == self.own and path.startswith(LIBRARIES)) or self.is_roots(f"{base}{path}"):
                    self.of_root.add(key)
                    if kind == "roots":
                        continue
                if PYTHON_MAIN in self.names_in(f"{base}{path}", int(inode)):
                    return True
        return False

    @staticmethod
    def is_roots(path: str) -> bool:
        """True for a file that is root's, and that nobody else may change."""
        found = os.stat(path)
        return found.st_uid == 0 and not found.st_mode & 0o022


PYTHON_MAIN = b"Py_BytesMain\0"  # what Python's program calls, or is, since 3.8
LOADER = b"_rtld_global\0"  # what starts any program that it is given
LIBRARIES = ("/usr/lib/", "/usr/lib64/", "/lib/", "/lib64/")
PIECES = re.compile(r"[\s'\":;,=()\[\]{}<>|&]+")


def code_run_by(pid: str, uid: int, program_path: str, cwd: str, words: str, marks: Marks) -> list[str]:
    """The folders of which a process runs the code, whatever it is called: its program lies there, or what it was called by; or
    it has mapped a file of it that may be run. So does Python that stands there, or was given a path that leads there, by a
    word or by a variable of its own. Decided here, by what is: what the document says of it may be cut. What root runs of its
    own programs is not asked what it has mapped.
    """
    if not marks.folders:
        return []
    if not link_of(f"/proc/{pid}/exe"):  # its first thread has ended, and others go on: each has what is the process's
        with suppress(OSError):
            pid = next((one for one in os.listdir(f"/proc/{pid}/task") if link_of(f"/proc/{one}/exe")), pid)
            words = os.fsdecode(content(f"/proc/{pid}/cmdline", WORDS_READ).rstrip(b"\0"))
            program_path, cwd = link_of(f"/proc/{pid}/exe") or program_path, link_of(f"/proc/{pid}/cwd") or cwd
    called = words.partition("\0")[0]
    told, places = [], [program_path, called]
    space, base = marks.space_of(pid)
    found = set(marks.above(space, base, os.path.dirname(program_path))) if program_path.startswith("/") else set()
    kind = marks.kind_of(pid)
    rows: list[tuple[str, str, str]] = []
    if not (uid == 0 and space == marks.own and kind in {"python", "roots"}):
        rows = list(unless_denied(mapped_to_run, pid))
        places += [path for _, _, path in rows]
        for place in {os.path.dirname(path) for _, _, path in rows}:
            found |= marks.above(space, base, place)
    if is_python(program_path) or kind == "python" or marks.uses_python(space, base, rows, kind):
        variables = list(unless_denied(environment, pid))
        given = [text for text in variables if text.startswith(("PYTHON", "VIRTUAL_ENV="))]
        told = [f"{SLASHES.sub('/', text)}/" for text in (*words.split("\0"), *given)]
        places.append(f"{cwd}/")
        with suppress(OSError):
            found.update(marks.around(f"/proc/{pid}/cwd"))
        ways = set(words.split("\0"))
        for text in (*ways, *given):
            ways |= {piece for piece in PIECES.split(text) if "/" in piece} | {text.partition("=")[2]}
        if "/" not in called:  # Python looks for itself as the shell does
            path = next((text[5:] for text in variables if text.startswith("PATH=")), "")
            ways |= {f"{folder}/{called}" for folder in path.split(":")}
        for way in ways:
            if 0 < len(way) < LONGEST_PATH:
                found.update(marks.on_the_way(pid, way))
    return sorted(
        folder for folder in marks.folders
        if folder in found or any(path.startswith(f"{folder}/") for path in places) or any(f"{folder}/" in text for text in told)
    )  # fmt: skip


def is_python(program_path: str) -> bool:
    """True for Python by the name of its program."""
    return program_path.rpartition("/")[2].startswith("python")
