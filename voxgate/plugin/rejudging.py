"""A saved look, judged by itself: before a deploy, of its canary, after a rollback, and of what an earlier run left."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from voxgate.deploy.judging.canary import Judge
from voxgate.errors import VoxgateError
from voxgate.model.verdict import RunOutcome
from voxgate.plugin.session import Session, write_recorded
from voxgate.plugin.without_pytest import MODULE, NEEDS_PYTEST
from voxgate.redaction.cutting import Redactor
from voxgate.report.verdict import verdict_file
from voxgate.transport.local import LocalCompleted, run
from voxgate.transport.surroundings import environment

_DEADLINE = 300.0


def judge_of(session: Session, reports: Path) -> Judge:
    """Who judges the saved looks of a run, each with a verdict of its own below ``reports``: none may read another's."""

    def judge(folder: Path, *, part: frozenset[str] | None = None, stopped: Callable[[], bool] | None = None) -> RunOutcome:
        return judge_saved(folder, session, reports / folder.name.removeprefix("evidence-"), part=part, stopped=stopped)

    return judge


def judge_saved(
    folder: Path,
    session: Session,
    reports: Path,
    *,
    part: frozenset[str] | None = None,
    stopped: Callable[[], bool] | None = None,
) -> RunOutcome:
    """Judge the look in ``folder`` in a process of its own: the same suites, no connection, no option of this run. ``part``
    are the hosts that it is of, where these are not all. Where a team brings checks of its own, that is a pytest.

    Raises VoxgateError if that left no verdict, Interrupted once ``stopped`` says so.
    """
    if session.estate is None:
        msg = "a saved look is of an estate"
        raise RuntimeError(msg)
    write_recorded(folder, session.estate.name, None, session.redactor, part=part, day=session.day)
    start = partial(run, deadline=_DEADLINE, cwd=session.root, env=environment(build=True), stopped=stopped)
    argv, verdict = _without_pytest(folder, session, reports, part), reports / "verdict.json"
    is_plain = len(session.folders) == 1 and not session.plain()  # no check but voxgate's own
    done = start(argv) if is_plain else None
    if done is None or done.exit_status == NEEDS_PYTEST:
        argv, verdict = _pytest(folder, session.estate.source, reports), reports / "latest" / "verdict.json"
        done = start(argv)
    return _left(verdict, done, session.redactor)


def judge_as_it_is(folder: Path, source: str, root: Path, reports: Path) -> RunOutcome:
    """Judge the look in ``folder`` by all suites of the project ``root``, in a pytest of its own that reports below ``reports``:
    nothing is written beside the look. ``source`` is the estate's file. Raises VoxgateError if that left no verdict.
    """
    done = run(_pytest(folder, source, reports), deadline=_DEADLINE, cwd=root, env=environment(build=True))
    return _left(reports / "latest" / "verdict.json", done, Redactor.of(os.environ))


def _left(verdict: Path, done: LocalCompleted, redactor: Redactor) -> RunOutcome:
    """The verdict that a judging left. Raises VoxgateError."""
    try:
        return verdict_file.read(verdict)
    except VoxgateError as error:
        said = redactor.cut((done.stdout + done.stderr).decode("utf-8", "replace")).strip().splitlines()[-1:]
        raise VoxgateError("a saved look could not be judged", why=f"{error.line}; {' '.join(said)}") from None


def _without_pytest(folder: Path, session: Session, reports: Path, part: frozenset[str] | None) -> list[str]:
    """The command that judges by voxgate's own rules alone; ``reports`` is made."""
    reports.mkdir(parents=True, exist_ok=True)
    source, day = session.estate.source if session.estate else "", session.day.isoformat()
    return [sys.executable, "-m", MODULE, str(folder), str(reports / "verdict.json"), source, day, *sorted(part or ())]


def _pytest(folder: Path, source: str, reports: Path) -> list[str]:
    """The command that judges by all suites."""
    options = ["-q", "-p", "no:cacheprovider", "--html", "never", f"--reports={reports}"]
    return [sys.executable, "-m", "pytest", *options, f"--estate={source}", f"--evidence={folder}"]
