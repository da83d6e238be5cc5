"""Asking the unit for a build, and reading what came of it: all of that may be any text."""

from __future__ import annotations

import os
import re
import signal
import stat
import subprocess
import sys
from contextlib import suppress
from typing import Any, Dict, NoReturn, Tuple

from voxgate.moves.builder.base import READ, Bad, end_of, read, seen, where, write

SYSTEMCTL = "/usr/bin/systemctl"
KEPT = 8192  # bytes of what a build said
NOTE = 200  # characters of its word about how it ended
STATUSES = range(256)  # more would be cut to one of these: 256 is no 0


def start(name: str) -> None:
    """Run the unit to its end. What an earlier run left of it ends first, and if we are ended, so is it."""
    unit = "voxgate-build@%s.service" % name

    def end(number: int, _: Any) -> NoReturn:
        subprocess.run(["sudo", "-n", SYSTEMCTL, "stop", unit], check=False)
        os._exit(128 + number)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    argv = ["sudo", "-n", SYSTEMCTL, "restart", unit]
    child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True)
    _, err = child.communicate()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    if child.returncode != 0:
        words = " ".join(end_of(err.decode("utf-8", "replace")).split())
        raise Bad("%s: %s" % (" ".join(argv), words or "exit %d" % child.returncode))


def outcome(name: str) -> Tuple[int, str, str]:
    """How the build ended, a word about it, and the last of what it said. All of it may be any text."""
    result = read(where(name, "out", "result.json"))
    said = ""
    with suppress(OSError), open(os.open(where(name, "out", "said"), READ), "rb") as file:
        if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            file.seek(max(0, os.fstat(file.fileno()).st_size - KEPT))
            cut = file.tell() > 0
            said = seen(file.read(KEPT).decode("utf-8", "replace"))
            said = said.partition("\n")[2] if cut else said  # nobody recognizes half a secret
    status, note = result.get("exit"), result.get("note")
    if type(status) is not int or status not in STATUSES:
        raise Bad("the build left no result; it said: %s" % (end_of(said) or "nothing"))
    # The note goes to stdout, which may be of any locale; stderr escapes what it cannot write.
    note = seen(" ".join(str(note or "").split())[:NOTE]).encode("ascii", "backslashreplace").decode("ascii")
    return status, note, said


def asked(what: str, kind: str, commit: str, name: str, *, offline: bool, given: Dict[str, str]) -> Tuple[int, str]:
    """Have the unit do it: its status and its note. What it said goes to stderr where it failed. ``given`` is where the programs
    came from that a copy is there of.
    """
    request = {"do": what, "kind": kind, "commit": commit, "offline": offline, "given": given}
    write(where(name, "in", "request.json"), request)
    start(name)
    status, note, said = outcome(name)
    if status != 0:
        # Of a failed build backend uv tells at length, and what the backend itself said stands between these two.
        print(re.split(r"\n\s*hint:", said.rpartition("[stderr]")[2])[0], file=sys.stderr)
    return status, note
