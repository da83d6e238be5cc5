"""What an environment is made of, and whether anybody touched it since: where both are as they were, nothing is built."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import stat
from contextlib import suppress
from typing import Any, List

from voxgate.moves.builder.base import READ, name_of, path_of

read_toml: Any = None
with suppress(ImportError):  # before 3.11
    from tomllib import loads as read_toml
UV_SETTINGS = "/etc/uv/uv.toml"
LOCAL = ("editable", "directory", "path")  # what a lock calls a source that it does not pin


def state_of(path: str) -> str:
    """All of a folder as the kernel tells it, in one hash: any write, any rename moves a ctime. "" where it is not there."""
    whole = hashlib.sha256()
    if not os.path.isdir(path) or os.path.islink(path):
        return ""
    for top, folders, names in os.walk(path):
        folders.sort()
        for one in sorted([*names, *folders]):
            at = os.path.join(top, one)
            row = os.lstat(at)
            said = (row.st_mode, row.st_uid, row.st_nlink if stat.S_ISREG(row.st_mode) else 0, row.st_ino, row.st_size,
                    row.st_mtime_ns, row.st_ctime_ns)  # fmt: skip
            whole.update(("%s %r\n" % (at, said)).encode("utf-8", "surrogateescape"))
    return whole.hexdigest()


def ingredients(tree: str, folder: str) -> str:
    """What an environment is made of, in one hash; "" where it is made of more than the lock pins, or cannot be told."""
    whole = hashlib.sha256()
    for path in (os.path.join(tree, "uv.lock"), os.path.join(tree, "pyproject.toml"), os.path.join(tree, "uv.toml"),
                 os.path.join(tree, ".python-version"), UV_SETTINGS):  # fmt: skip
        try:
            with open(os.open(path, READ), "rb") as file:
                if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    return ""
                content = file.read()
        except FileNotFoundError:
            whole.update(b"- ")
            continue
        except OSError:  # a link, for one
            return ""
        if path.endswith("uv.lock") and has_local(content):
            return ""
        whole.update(b"%d " % len(content) + content)
    uv = shutil.which("uv", path=path_of(name_of(folder))) or ""
    for program in (uv, os.path.realpath(os.path.join(folder, ".venv/bin/python"))):
        with suppress(OSError):
            row = os.stat(program)
            whole.update(("%s %d %d %d" % (program, row.st_ino, row.st_size, row.st_mtime_ns)).encode())
    return whole.hexdigest()


def has_local(lock: bytes) -> bool:
    """True if a lock names a source that it does not pin, however the key is written; or if nobody can read it."""
    if read_toml is None:
        # Any mention, and any escape that may be one: it is built once too often then.
        return bool(re.search(rb"\b(%s)\b|\\" % "|".join(LOCAL).encode(), lock))
    try:
        todo: List[Any] = [read_toml(lock.decode("utf-8"))]
    except (ValueError, RecursionError):
        return True
    while todo:
        one = todo.pop()
        if isinstance(one, dict):
            if not one.keys().isdisjoint(LOCAL):
                return True
            todo += one.values()
        elif isinstance(one, list):
            todo += one
    return False
