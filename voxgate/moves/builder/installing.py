"""What the deploy account asks for: install, prove, tools."""

from __future__ import annotations

import fcntl
import os
import subprocess
from contextlib import contextmanager, suppress
from typing import Iterator

from voxgate.moves.builder.asking import asked
from voxgate.moves.builder.base import OURS, Bad, name_of, read, where, write
from voxgate.moves.builder.handing import hand_over
from voxgate.moves.builder.ingredients import ingredients, state_of
from voxgate.moves.builder.of_home import brought
from voxgate.moves.builder.releases import export, repository


@contextmanager
def alone(folder: str) -> Iterator[None]:
    """One build of a service at a time: whoever comes second waits."""
    descriptor = os.open(where(name_of(folder), "in", "lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, OURS)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def install(kind: str, folder: str, commit: str, *, offline: bool) -> int:
    """Build and hand over. Raises Bad."""
    name = name_of(folder)
    tree = where(name, "in", "tree")
    given = brought(kind, name)
    export(folder, commit, name)
    handed, made_of = where(name, "in", "handed.json"), ""
    if kind == "python":
        made_of = ingredients(tree, folder)
        known = read(handed)
        if made_of and known == {"made_of": made_of, "state": state_of(os.path.join(folder, ".venv"))}:
            say("as it was: the lock is the same")
            return 0
        with suppress(FileNotFoundError):
            os.unlink(handed)
    repository(folder, commit, name)
    status, note = asked("install", kind, commit, name, offline=offline, given=given)
    if status == 0:
        hand_over(name, folder, kind)
        if kind == "python" and ingredients(tree, folder):
            state = state_of(os.path.join(folder, ".venv"))
            write(handed, {"made_of": ingredients(tree, folder), "state": state})
        say(note)
    return status


def prove(kind: str, folder: str, commit: str) -> int:
    """True (0) if it could be installed again from what is here."""
    name = name_of(folder)
    if subprocess.run(["git", "-C", folder, "cat-file", "-e", commit + "^{commit}"], check=False).returncode != 0:
        raise Bad("git does not have the commit")
    export(folder, commit, name)
    repository(folder, commit, name)
    return asked("prove", kind, commit, name, offline=True, given=brought(kind, name))[0]


def tools(kind: str, folder: str, commit: str) -> int:
    """True (0) if the build's own programs run where it runs. Raises Bad for one that no build may get."""
    name = name_of(folder)
    status, note = asked("tools", kind, commit, name, offline=True, given=brought(kind, name))
    say(note)
    return status


def say(text: str) -> None:
    """One line on stdout, if there is anything to say."""
    if text:
        print(text)
