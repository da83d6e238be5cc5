"""The probe as one file: its modules joined (``one_file``), so that it is sent, or installed, as one program.

Half of the processor time of a short look was spent on compiling that file. So its text stands in it as one string, which costs
nothing to read, and root keeps it compiled, for this very text and this very Python, where root alone can write. Its regular
expressions cannot be kept: each is compiled when it is used.
"""

from __future__ import annotations

import hashlib
import re
from functools import cache
from pathlib import Path

from voxgate.one_file import MARK, about, joined, parted

PACKAGE = Path(__file__).parent
_HEAD = """#!/usr/bin/python3 -IS
# {about}

import sys

sys.dont_write_bytecode = True
TEXT = r'''
"""
_END = "'''"
# Only root's own file in root's own folder is believed, whole, and only of this text and this Python. Where the program is
# imported, or comes from memory, it is compiled.
_TAIL = """'''


def compiled():
    from hashlib import sha256
    from marshal import dumps, loads
    from os import O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY, fdopen, fstat, geteuid, getpid, lstat, makedirs, open, rename

    def make():
        return compile("\\n" * {line} + TEXT, globals().get("__file__", "voxgate-probe"), "exec", dont_inherit=True)

    if __name__ != "__main__" or "PROGRAM" in globals() or geteuid() != 0:
        return make()
    folder = "/var/lib/voxgate-probe"
    path = "%s/program.%s.%x" % (folder, sha256(TEXT.encode()).hexdigest()[:32], sys.hexversion)
    try:
        makedirs(folder, mode=0o700, exist_ok=True)
        place = lstat(folder)
        if place.st_mode & 0o170022 != 0o040000 or place.st_uid != 0:
            return make()
        with fdopen(open(path, O_NOFOLLOW), "rb") as file:
            if (fstat(file.fileno()).st_mode & 0o170077, fstat(file.fileno()).st_uid) == (0o100000, 0):
                kept = file.read(1 << 24)
                if sha256(kept[32:]).digest() == kept[:32]:
                    return loads(kept[32:])
    except OSError:
        pass
    code = make()
    try:
        kept, draft = dumps(code), "%s.%d" % (path, getpid())
        with fdopen(open(draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600), "wb") as file:
            file.write(sha256(kept).digest() + kept)
        rename(draft, path)
    except OSError:
        pass
    return code


exec(compiled())
if __name__ == "__main__":
    # Not sys.exit: a thread that hangs in the kernel must not keep the program.
    os._exit(main())
"""
# Behind the imports of the modules, so that to each of them ``re.compile`` is this. What Python's own library compiles is not.
_SELDOM = """

class Seldom:
    def __init__(self, *given):
        self.given = given

    def __getattr__(self, name):
        if "made" not in self.__dict__:
            self.made = PATTERNS.compile(*self.given)
        self.__dict__[name] = getattr(self.made, name)
        return self.__dict__[name]


PATTERNS, re = re, SimpleNamespace(**{**vars(re), "compile": Seldom})


"""
_LINE = re.compile(r"\bin line ([0-9]{1,6}) of the probe\b")


@cache
def program() -> bytes:
    """The probe as it runs on a host: the same bytes for the same modules, whoever builds it."""
    said = about(PACKAGE).strip('"')
    head = _HEAD.replace("{about}", said.replace("\n", "\n# ").replace("# \n", "#\n"))
    return (head + text() + _TAIL.replace("{line}", str(head.count("\n") - 1))).encode()


@cache
def text() -> str:
    """The text of its modules, one after the other. Raises ValueError for one that cannot stand in a string."""
    imports, mark, modules = joined(PACKAGE).partition(MARK)
    whole = f"{imports.rstrip()}\nfrom types import SimpleNamespace\n{_SELDOM}{mark}{modules}"
    if _END in whole:
        msg = "three single quotes in a module of the probe: it cannot be joined"
        raise ValueError(msg)
    return whole


@cache
def digest() -> str:
    """The sha256 of these bytes, in hexadecimal digits."""
    return hashlib.sha256(program()).hexdigest()


def placed(words: str) -> str:
    """What this probe said of a mistake of its own, with the file and line of the package in the place of the built file's."""
    return _LINE.sub(lambda found: f"in {origin(int(found[1]))} of the probe", words)


def origin(line: int) -> str:
    """Where a line of the built file stands in the package, as ``keys.py:31``; a line of none as ``line 3``."""
    built = program().decode().splitlines()[:line]
    if _END in built:
        return f"line {line}"
    start = next((at for at in range(len(built), 0, -1) if built[at - 1].startswith(MARK)), 0)
    if not start:
        return f"line {line}"
    name = built[start - 1][len(MARK) :]
    return f"{name}:{parted((PACKAGE / name).read_text(encoding='utf-8')).before + line - start - 1}"
