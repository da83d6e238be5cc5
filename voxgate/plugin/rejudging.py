"""A saved look, judged by itself: before a deploy, of its canary, after a rollback, and of what an earlier run left."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from voxgate.errors import VoxgateError
from voxgate.model.verdict import RunOutcome
from voxgate.plugin.session import Session, write_recorded
from voxgate.report import verdict_file
from voxgate.transport.local import run
from voxgate.transport.surroundings import environment

_DEADLINE = 300.0


def judge_saved(
    folder: Path,
    session: Session,
    reports: Path,
    *,
    part: frozenset[str] | None = None,
    stopped: Callable[[], bool] | None = None,
) -> RunOutcome:
    """Judge the look in ``folder`` in a pytest of its own: the same suites, no connection, no option of this run. ``part``
    are the hosts that it is of, where these are not all.

    Raises VoxgateError if that left no verdict, Interrupted once ``stopped`` says so.
    """
    if session.estate is None:
        msg = "a saved look is of an estate"
        raise RuntimeError(msg)
    write_recorded(folder, session.estate.name, None, session.redactor, part=part)
    argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--html", "never"]
    argv += [f"--estate={session.estate.source}", f"--evidence={folder}", f"--reports={reports}"]
    done = run(argv, deadline=_DEADLINE, cwd=session.root, env=environment(build=True), stopped=stopped)
    try:
        return verdict_file.read(reports / "latest" / "verdict.json")
    except VoxgateError as error:
        said = session.redactor.cut(done.stdout.decode("utf-8", "replace")).strip().splitlines()[-1:]
        raise VoxgateError("a saved look could not be judged", why=f"{error.line}; {' '.join(said)}") from None
