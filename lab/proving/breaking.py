"""Breaking and mending: the three functions of a fault, run where they belong. What is broken now is on record."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import threading
import time
from pathlib import Path

from lab import estate, hosts, places
from lab.proving.entries import files_of
from lab.proving.script import MACHINE, Script, by_name, is_name
from voxgate.errors import VoxgateError

DEADLINE = 60  # seconds for one function
SETTLES = 20  # seconds until what was injected, or mended, is seen to be so
POLL = 0.1
_NOTING = threading.Lock()
WORDS = Path(__file__).with_name("words.sh")
PUT_BACK = """
kept=$(mktemp -p /run)
cat >"$kept"
cmp -s "$kept" "$1" || { cat "$kept" >"$1"; systemctl reload "$2"; }
rm "$kept"
"""
PAGES = Path(__file__).with_name("pages.py")


def inject(script: Script) -> None:
    """Break it, and return when it has landed. Raises VoxgateError where it cannot be broken: then it was mended again."""
    _note(script.name, there=True)
    for name in script.keeps:
        _put_back(name)
    ended = _call(script, "inject")
    if ended.returncode != 0 or not _settles(script, landed=True):
        why = _last(ended) if ended.returncode else f"it is not seen within {SETTLES} s"
        _call(script, "mend")
        _note(script.name, there=False)
        raise VoxgateError("did not land", where=script.name, why=why)


def _put_back(name: str) -> None:
    """Give API hosts the files of ``nginx`` or ``haproxy`` as they are kept: whoever followed a hint before left what works as
    well, and not the same bytes.
    """
    files = files_of(name)
    for host in (one.name for one in estate.hosts() if one.role == "api"):
        for place, said in files.items():
            hosts.must(host, ["sh", "-euc", PUT_BACK, "sh", f"/etc/{place}", name], said)


def has_landed(script: Script) -> bool:
    """Whether it is broken right now, asked by another path than the gate's."""
    return _call(script, "landed").returncode == 0


def mend(script: Script) -> None:
    """Put it right, and return when it is seen no more: what was mended by hand is mended. Raises VoxgateError otherwise."""
    ended = _call(script, "mend")
    if not _settles(script, landed=False):
        why = _last(ended) if ended.returncode else f"it is still seen after {SETTLES} s"
        raise VoxgateError("is not mended", where=script.name, why=why, hint="uv run lab down; then lab up, and deploy")
    _note(script.name, there=False)


def is_mended_by_hand(script: Script) -> bool:
    """Whether somebody else put it right: it is seen no more. Then it is off the record."""
    if not _settles(script, landed=False):
        return False
    _note(script.name, there=False)
    return True


def sweep(script: Script) -> None:
    """Take away what is left where somebody else put it right: its ``left``, if it has one."""
    if "\nleft()" in script.script:
        ended = _call(script, "left")
        if ended.returncode != 0:
            raise VoxgateError("what was left of it is not taken away", where=script.name, why=_last(ended))


def broken() -> set[str]:
    """The names of the faults that are in the lab now."""
    try:
        return set(places.broken().read_text().split())
    except OSError:
        return set()


def mend_all() -> list[str]:
    """Mend every script on record, and return their names. One that is no more, as it has another name now, is struck off."""
    names = sorted(broken())
    for name in names:
        if is_name(name):
            mend(by_name(name))
        else:
            _note(name, there=False)
    return [name for name in names if is_name(name)]


def _note(name: str, *, there: bool) -> None:
    """Keep on record which faults are in the lab."""
    with _NOTING:
        names = {*broken(), name} if there else broken() - {name}
        places.RUN.mkdir(mode=0o755, exist_ok=True)
        draft = places.broken().with_suffix(".new")
        draft.write_text("".join(f"{one}\n" for one in sorted(names)))
        draft.replace(places.broken())  # whoever reads it meanwhile finds the one before, whole


def _settles(script: Script, *, landed: bool) -> bool:
    until = time.monotonic() + SETTLES
    while has_landed(script) is not landed:
        if time.monotonic() > until:
            return False
        time.sleep(POLL)
    return True


def _call(script: Script, function: str) -> subprocess.CompletedProcess[str]:
    """Run one function of a fault as root: on its host, or here."""
    kept = f"FAULT={shlex.quote(str(places.RUN / 'fault'))}" if script.host == MACHINE else ""  # labs side by side have one each
    text = f"{WORDS.read_text()}\n{kept}\nPAGES={shlex.quote(PAGES.read_text())}\n{script.script}\n{function}\n"
    argv = ["bash", "-euc", text]
    if script.host != MACHINE:
        try:
            return hosts.execute(script.host, argv, deadline=DEADLINE)
        except VoxgateError as error:
            if "no end after" in error.what:  # its words would be the whole script
                raise VoxgateError(f"{function} does not end", where=script.name, why=f"{DEADLINE} s") from None
            raise
    env = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    try:
        return subprocess.run(argv, env=env, capture_output=True, text=True, timeout=DEADLINE, check=False, cwd=places.ROOT)
    except subprocess.TimeoutExpired:
        raise VoxgateError(f"{function} does not end", where=script.name, why=f"{DEADLINE} s") from None


def _last(ended: subprocess.CompletedProcess[str]) -> str:
    lines = (ended.stderr or ended.stdout).strip().splitlines()
    return lines[-1] if lines else f"it ended with {ended.returncode}"
