"""The builder's command line: who asks for what."""

from __future__ import annotations

import os
import re
import signal
import sys
from typing import Any, List, NoReturn, Tuple

from voxgate.moves.builder.base import KINDS, Bad, folder_of, seen
from voxgate.moves.builder.build import Build
from voxgate.moves.builder.installing import alone, install, prove, tools

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
COMMIT = re.compile(r"[0-9a-f]{40}")
UMASK = 0o022  # what a builder makes is written by nobody else
PROVING = 115  # seconds for a proof: who asked for it waits for 120


def asked_for(words: List[str]) -> Tuple[str, str, str]:
    """Kind, folder and commit. The folder comes as a name: a Python with its path among its words would be one that runs what
    lies there, to whoever looks meanwhile. Raises Bad.
    """
    kind, name, commit = words if len(words) == len(("kind", "name", "commit")) else ("", "", "")
    if kind not in KINDS or not NAME.fullmatch(name) or not COMMIT.fullmatch(commit):
        raise Bad("no such build: %s" % " ".join(words))
    return kind, folder_of(name), commit


def given_up(number: int, _: Any) -> NoReturn:
    """Nobody waits for us any more: end, with whatever we started, and let the lock go."""
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(128 + number)


def main(argv: List[str]) -> int:
    """One of the four; the exit status."""
    os.umask(UMASK)
    what, *words = [word for word in argv if word != "--offline"]
    if what in ("prove", "tools"):
        signal.signal(signal.SIGALRM, given_up)
        signal.alarm(PROVING)
    try:
        if what == "build" and NAME.fullmatch(" ".join(words)):
            # The first process of its namespace hears no signal that it does not ask for.
            signal.signal(signal.SIGTERM, lambda number, _: os._exit(128 + number))
            Build(" ".join(words)).whole()
            return 0
        kind, folder, commit = asked_for(words)
        with alone(folder):
            if what in ("prove", "tools"):
                return {"prove": prove, "tools": tools}[what](kind, folder, commit)
            return install(kind, folder, commit, offline="--offline" in argv)
    except (Bad, OSError, RecursionError) as error:
        print("error: %s" % seen(str(error)), file=sys.stderr)
        return 70
