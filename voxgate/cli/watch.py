"""``voxgate watch``: one look at an estate, said to a monitor."""

from __future__ import annotations

import fcntl
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from voxgate.contracts.catalogue import read_catalogue
from voxgate.contracts.places import project, suites_of
from voxgate.errors import VoxgateError
from voxgate.model.estate import Estate
from voxgate.report.monitors import FORMATS, level
from voxgate.report.terminal.stream import CutStream
from voxgate.report.verdict import verdict_file
from voxgate.report.verdict.changes import baseline, changes
from voxgate.transport.local import run

DEADLINE = 600.0
MILD = frozenset({"normal", "minor", "trivial"})


def watch(estate: Estate, reports: Path, form: str, output: str | None, out: CutStream) -> int:
    """Look, compare with the last run that held, write it in ``form``; the exit status is a monitor's: 0, 1, 2, 3.

    Its runs stand in ``reports/watch-ESTATE``, so that looking often pushes no deploy's report out. Raises VoxgateError if
    another watch is looking, or if the look left no verdict.
    """
    folder = (reports / f"watch-{estate.name}").resolve()
    folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder):
        argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--html", "never", f"--estate={estate.source}"]
        argv += [f"--reports={folder}"]
        began = time.time()
        gate = {**os.environ, "PYTEST_ADDOPTS": "", "VOXGATE_ESTATE": ""}  # it is the gate itself that looks
        done = run(argv, deadline=DEADLINE, cwd=project(), env=gate)
        said = done.stdout.decode("utf-8", "replace").strip().splitlines()
        words = said[-1] if said else ""
        try:
            outcome = verdict_file.read(folder / "latest" / "verdict.json")
        except VoxgateError as error:
            raise VoxgateError("the look left no verdict", where=estate.name, why=words or error.line) from None
        if outcome.started < began - 1:
            raise VoxgateError("the look left no verdict", where=estate.name, why=words or f"exit {done.exit_status}")
        changed = changes(outcome, baseline(estate.name, reports, folder, but=outcome.run))
    mild = {one.name for one in read_catalogue(*suites_of(project())) if one.severity in MILD}
    found = level(outcome, mild)
    text = FORMATS[form](outcome, found, changed)
    if output:
        verdict_file.replace_file(Path(output).resolve(), text.encode())
        os.chmod(output, 0o644)  # noqa: PTH101 - a collector of another user reads it
    else:
        out.write(text)
    return int(found)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One watch of an estate at a time: cron must not pile them up. Raises VoxgateError."""
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise VoxgateError("another watch is looking", where=str(folder), hint="look less often, or wait for it") from None
        yield
