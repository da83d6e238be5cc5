"""Which links may be handed over: those that stay inside, and the interpreter."""

from __future__ import annotations

import os
import re
import stat
from contextlib import suppress

from voxgate.moves.builder.base import Bad
from voxgate.moves.builder.folders import clear

INTERPRETER = r"python[\d.]*"


def link(target: str, name: str, place: int, at: str) -> None:
    """One link: it stays inside, or is the interpreter, which is root's. The names by which an environment finds its
    interpreter and its library lead to nothing else.
    """
    if not is_good_link(target, at):
        raise Bad("%s leads to %s" % (at, target))
    with suppress(OSError):
        if os.readlink(name, dir_fd=place) == target:
            return
    clear(name, place)
    os.symlink(target, name, dir_fd=place)


def is_good_link(target: str, at: str) -> bool:
    """True for a link that leads nowhere else. Upwards it goes from its own folder only, which is a real one: ``..`` behind a
    name that is a link would lead from where that link leads.
    """
    if at == ".venv/lib64":
        return target == "lib"
    if re.fullmatch(r"\.venv/bin/" + INTERPRETER, at):
        return bool(re.fullmatch(INTERPRETER, target)) or (os.path.isabs(target) and is_roots(target))
    parts = [part for part in target.split("/") if part not in ("", ".")]
    up = next((number for number, part in enumerate(parts) if part != ".."), len(parts))
    # Of what is handed over, a link in its first folder may not go up at all.
    return not os.path.isabs(target) and ".." not in parts[up:] and up <= at.count("/") - 1


def is_roots(path: str) -> bool:
    """True for a program that root alone can change."""
    try:
        path = os.path.realpath(path)
        found = os.stat(path)
        while True:
            row = os.lstat(path)
            if row.st_uid != 0 or row.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
                return False
            if path == "/":
                return stat.S_ISREG(found.st_mode)
            path = os.path.dirname(path)
    except OSError:
        return False
