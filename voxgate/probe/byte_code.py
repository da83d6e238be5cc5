"""Byte code against the source that it is said to be of."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import stat
import struct
import sys
import time
from contextlib import suppress
from typing import Any, Iterator

from voxgate.probe.accounts import as_caller
from voxgate.probe.base import DEADLINE, SMALL_FILE, Trouble
from voxgate.probe.bases import python_flaw
from voxgate.probe.cache import HashCache, changes_unseen, is_written_to
from voxgate.probe.folder import Folder
from voxgate.probe.marshalled import CODE_FIELDS, Marshalled
from voxgate.probe.programs import run
from voxgate.probe.request import Service
from voxgate.probe.ways import interpreter_of

PYC = re.compile(r"(.+?)\.(?!opt-)[a-z]+-[0-9]+(?:\.opt-([0-9]{1,9}))?\.pyc", re.ASCII)
OPTIMIZED_AT_MOST = 2  # Python is started with more, and names its files so, but it makes the same
UNTAGGED = re.compile(r"[^.]*\.pyc", re.ASCII | re.DOTALL)  # a module of the folder itself, which needs no source
PYC_DRAFT = re.compile(r".+\.pyc\.[0-9]+", re.ASCII)
PYC_HEAD = 16
READER = 2  # counts up with how byte code is read: what an earlier reader found the same is compared again
DRAFT = 60.0  # seconds: Python writes byte code beside its place, and then renames it
COMPARED_AT_ONCE = 4 * 1024 * 1024  # of sources
# What makes byte code of the sources. It never sees the byte code that it is compared with: whoever forged that has no word in
# what comes back. A source may be made to hurt whoever compiles it: never in this process, never as root. And nothing
# else runs as the user that compiles, each time another one: code of the folder, which a look has run as nobody, is none of it.
COMPILE = """
import base64, importlib.util, marshal, struct, sys
given = sys.stdin.buffer
print(importlib.util.MAGIC_NUMBER.hex(), "old" if sys.version_info < (3, 11) else "new")
while head := given.read(8):
    size, level = struct.unpack("<II", head)
    source = given.read(size)
    try:
        code = marshal.dumps(compile(source, "x", "exec", dont_inherit=True, optimize=level))
    except Exception:
        code = b""
    print(base64.b64encode(code).decode() or "-")
"""


def closed_by_root(found: os.stat_result) -> bool:
    """True for what root made for nobody else to read: byte code that no service imports, where root has a strict umask."""
    return found.st_uid == 0 and not found.st_mode & 0o077


class ByteCodes:
    """Byte code of a folder against the source that it is said to be of. An import believes byte code whose header names the
    source's time and size, or says that nothing be compared: so its code must be what the service's own Python makes of
    that source. What no import takes (of another Python, of an older source, of none) is nothing. Compared once for each ctime,
    and for each Python.
    """

    def __init__(self, service: Service, cache: HashCache) -> None:
        self.service, self.cache = service, cache
        self.python = os.path.realpath(sys.executable)
        with suppress(OSError):
            self.python = interpreter_of(service.folder)
        row = os.stat(self.python)
        self.by = [READER, row.st_dev, row.st_ino, row.st_size, row.st_ctime_ns]
        self.waiting: list[tuple[str, list[Any], float, bytes, bytes]] = []
        self.size = 0
        self.bad: list[str] = []

    def takes(self, folder: Folder, name: str, path: str) -> bool:
        """True for byte code, now or soon to be compared; False for what is no byte code and has no business here. Nor has what
        an import takes for a module of this very folder.
        """
        if UNTAGGED.fullmatch(name):
            return False
        found = folder.stat(name)
        if found is None:
            return True  # it was just replaced
        match = PYC.fullmatch(name)
        if not match or not stat.S_ISREG(found.st_mode):
            draft = PYC_DRAFT.fullmatch(name) and time.time() - found.st_ctime < DRAFT
            return bool(draft) or (name.endswith(".pyc") and stat.S_ISREG(found.st_mode))
        beside = f"../{match.group(1)}.py"
        origin = folder.stat(beside)
        if origin is None or not stat.S_ISREG(origin.st_mode):
            return True
        if not changes_unseen(found, origin) and self.is_known(path, self.key(found, origin)):
            return True
        try:
            with folder.open(name) as of_code, folder.open(beside) as of_source:
                # Either may have been replaced, and the folder moved: what is kept is kept for the very two that are read.
                found, origin = os.fstat(of_code.fileno()), os.fstat(of_source.fileno())
                unsure = changes_unseen(found, origin) or is_written_to(of_code, of_source)
                code, source = of_code.read(SMALL_FILE), of_source.read(SMALL_FILE)
        except PermissionError:
            self.bad += [] if closed_by_root(found) else [path]
            return True
        key = self.key(found, origin)
        if unsure:  # then what stands in them is a part of what they are known by
            key.append(hashlib.sha256(b"%d " % len(code) + code + source).hexdigest())
            if self.is_known(path, key):
                return True
        _, flags, seconds, size = struct.unpack("<IIII", code[:PYC_HEAD].ljust(PYC_HEAD, b"\0"))
        if not flags & 1 and (seconds, size) != (int(origin.st_mtime) & 0xFFFFFFFF, origin.st_size & 0xFFFFFFFF):
            return True
        row = struct.pack("<II", len(source), min(int(match.group(2) or 0), OPTIMIZED_AT_MOST)) + source
        self.waiting.append((path, key, max(found.st_ctime, origin.st_ctime), code, row))
        self.size += len(row)
        return True

    def found_by(self, walk: Iterator[None]) -> list[str]:
        """Byte code that is not of the source beside it. The walk through the folder, which gives each to ``takes``, has the
        rights of who asks, and stops wherever ``enough`` waits: that is compared with our own rights.
        """
        done = object()
        while as_caller(lambda: next(walk, done)) is not done:
            self.compare()
        return self.others()

    def enough(self) -> bool:
        """True where so much waits that it has to be compared before more is read."""
        return self.size > COMPARED_AT_ONCE

    def is_known(self, path: str, key: list[Any]) -> bool:
        """True for what was compared before; then it is noted what that said."""
        word = self.cache.word(path, key)
        if word is not None:
            self.note(path, word)
        return word is not None

    def key(self, *both: os.stat_result) -> list[Any]:
        """By what byte code and its source, compared by this Python, are known again."""
        rows = [[row.st_dev, row.st_ino, row.st_size, row.st_mtime_ns, row.st_ctime_ns] for row in both]
        return [*rows[0], *rows[1], *self.by, self.cache.asked_by]

    def note(self, path: str, word: str) -> None:
        """Keep what is bad."""
        if word != "same":
            self.bad.append(path)

    def compare(self) -> None:
        """All that waits, with what the service's own Python makes of the sources; what ours makes, where that is not believed.
        Raises Trouble where there is no answer, or no Python to be believed that can read the byte code.
        """
        rows, self.waiting, self.size = self.waiting, [], 0
        if not rows:
            return
        flaw = python_flaw(self.service, self.python)
        argv = [sys.executable if flaw else self.python, "-I", "-S", "-B", "-W", "ignore", "-c", COMPILE]
        given = b"".join(row[-1] for row in rows)
        ended = run(argv, DEADLINE, given=given, apart=True)
        said = ended.out.split()
        if ended.status != 0 or len(said) != len(rows) + 2 or said[1] not in CODE_FIELDS:
            raise Trouble("failed", f"{self.service.folder}: its byte code could not be compared: {ended.status}")
        for (path, key, changed, code, _), made in zip(rows, said[2:]):  # noqa: B905 - Python 3.9 has no strict
            foreign = code[:4].hex() != said[0]
            if foreign and flaw:
                raise Trouble("failed", f"{self.service.folder}/{path}: its own Python would have to compare it, and {flaw}")
            word = "same" if foreign or self.alike(code[PYC_HEAD:], base64.b64decode(made), CODE_FIELDS[said[1]]) else "other"
            self.cache.note(path, key, changed, word)
            self.note(path, word)

    @staticmethod
    def alike(code: bytes, made: bytes, fields: str) -> bool:
        """True if both stand for the same code."""
        known: dict[Any, int] = {}
        try:
            return Marshalled(made, fields, known).whole() == Marshalled(code, fields, known).whole()
        except ValueError:
            return False

    def others(self) -> list[str]:
        """Byte code that is not of the source beside it."""
        self.compare()
        self.cache.keep()
        return sorted(self.bad)
