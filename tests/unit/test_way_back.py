"""The way back: one host that fails, however it does, is left behind, and all others come back. So is a mistake of ours."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.executor import ESTATE, Executor, Progress, targets
from voxgate.deploy.hosts.state import LastKnownGood
from voxgate.deploy.moving import dialling, engine, sampler
from voxgate.deploy.moving.engine import Deployment, Pace, State
from voxgate.deploy.planning.plan import Plan, Target
from voxgate.errors import CommandUnknown, MoveFailed, Unforeseen, VoxgateError, unforeseen
from voxgate.model.answers import Answer
from voxgate.model.evidence import Missing
from voxgate.model.look import Question
from voxgate.model.release import Release
from voxgate.model.run_facts import Roll, gaps
from voxgate.model.verdict import Move
from voxgate.moves.health import Up
from voxgate.moves.steps import Step
from voxgate.plugin.tracing import keep_traces
from voxgate.redaction.cutting import Redactor
from voxgate.transport.ssh.remote_command import Completed


@pytest.fixture(autouse=True)
def _no_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """No worker says how many calls it has."""
    monkeypatch.setattr(engine, "ask", lambda _, questions, **__: dict.fromkeys(questions, Missing("missing", "not asked")))


def went(executor: Executor, *names: str) -> tuple[Deployment, VoxgateError]:
    deployment = Deployment(Plan(targets(*names)), executor, Progress(), Pace(most=3))  # type: ignore[arg-type]
    with pytest.raises(VoxgateError) as caught:
        deployment.reach(State.HEALTHY)
    return deployment, caught.value


def failing(host: str, when: str, error: Exception) -> Callable[[str, str], None]:
    def fail(name: str, what: str) -> None:
        if name == host and what == when:
            raise error

    return fail


def restarted(executor: Executor) -> set[str]:
    return {host for host, says in executor.done if says.startswith("restart ")}


MISTAKES = [
    CommandUnknown("this host was lost", where="fleet-1"),
    MoveFailed("the host could not do it", where="fleet-1"),
    KeyError("results"),
    RecursionError("too deep"),
    MemoryError(),
]


@pytest.mark.parametrize("error", MISTAKES, ids=lambda one: type(one).__name__)
@pytest.mark.parametrize("when", ["git cat-file", "back-checkout", "back-install", "back-restart", "health"])
def test_one_host_that_fails_on_the_way_back_stops_no_other(error: Exception, when: str) -> None:
    executor = Executor(failing("fleet-1", when, error))
    deployment, failure = went(executor, "backend", "fleet")
    assert failure.where == "fleet-1"
    assert {"api-1", "fleet-2"} <= restarted(executor)
    assert deployment.failure is failure
    assert isinstance(failure, Unforeseen) == (not isinstance(error, VoxgateError))
    if when != "health":
        assert "fleet-1" not in restarted(executor)


def test_one_unit_alone_that_was_seen_up_is_not_asked_again() -> None:
    assert health_asked("backend") == {"api-1": 1}


def test_what_came_up_first_is_asked_once_more_when_the_last_is_up() -> None:
    assert health_asked("fleet") == {"fleet-1": 6, "fleet-2": 6}


def health_asked(*names: str) -> dict[str, int]:
    """How often a deploy waits for a unit of each host."""
    seen: Counter[str] = Counter()
    executor = Executor(lambda host, what: seen.update([host] if what == "health" else []))
    Deployment(Plan(targets(*names)), executor, Progress(), Pace(most=3)).reach(State.HEALTHY)  # type: ignore[arg-type]
    return dict(seen)


def test_what_serves_with_the_same_release_is_let_be_once_it_failed_elsewhere() -> None:
    """The last known good does not come up on the first host: the workers that are up with it are not restarted into the same."""
    executor = Executor(failing("fleet-1", "health", MoveFailed("not healthy", where="fleet-1")), up=Up.YES)
    went(executor, "fleet")
    assert restarted(executor) == {"fleet-1"}


def test_who_serves_and_how_many_calls_are_cut_is_counted_on_the_way_back_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of six workers one is down from the beginning, as the deploy left it; each has a call when it is restarted."""
    executor = Executor(lambda *_: None)

    def answer(_: object, questions: Sequence[Question], **__: object) -> dict[Question, Answer]:
        body = b'{"status": "ok", "worker_calls": 1}'
        states = {one: 503 if (one.host, one.port) == ("fleet-1", 8101) else 200 for one in questions}
        return {one: Answer(one.host, one.port, one.path, status, {}, body, 0.1, 0.0) for one, status in states.items()}

    monkeypatch.setattr(engine, "ask", answer)
    monkeypatch.setattr(sampler, "ask", answer)
    deployment = Deployment(Plan(targets("fleet")), executor, Progress(), Pace(most=3))  # type: ignore[arg-type]
    deployment.reach(State.HEALTHY)
    assert deployment.capacity.roll == Roll(6, 5, 6)
    deployment.restart_kept({"fleet"})
    assert len(deployment.capacity.samples) >= 2


def test_whoever_counts_who_serves_stops_no_way_back(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RecursionError("too deep")

    monkeypatch.setattr(sampler, "ask", fail)
    deployment = Deployment(Plan(targets("fleet")), Executor(lambda *_: None), Progress(), Pace(most=3))  # type: ignore[arg-type]
    deployment.reach(State.HEALTHY)
    assert deployment.capacity.roll == Roll(6, None, 0)


def test_each_unit_is_noted_when_it_is_restarted_and_when_it_is_up_again() -> None:
    deployment = Deployment(Plan(targets("fleet")), Executor(lambda *_: None), Progress(), Pace())  # type: ignore[arg-type]
    deployment.reach(State.HEALTHY)
    found = gaps(deployment.turns)
    assert {gap.service for gap in found} == {"fleet"}
    assert len(found) == len({(gap.host, gap.unit) for gap in found}) > 1
    assert all(gap.seconds is not None for gap in found)


@pytest.mark.parametrize("back", [True, False])
def test_a_dialler_is_noted_when_it_is_stopped_and_when_it_is_up_again(monkeypatch: pytest.MonkeyPatch, *, back: bool) -> None:
    """Nobody else dials anywhere: that is looked at before the stop and after it."""
    executor = Executor(lambda *_: None, back=back)
    monkeypatch.setattr(dialling, "nobody_else_lives", lambda *_, **__: None)
    monkeypatch.setattr(dialling, "nobody_dials", lambda executor, _: executor.done.append(("sip-1", "gone")))
    deployment = Deployment(Plan(targets("dialler")), executor, Progress(), Pace())  # type: ignore[arg-type]
    deployment.reach(State.HEALTHY)
    stopped, up = deployment.turns
    assert (stopped.host, stopped.unit, stopped.up, stopped.rollback) == ("sip-1", "voxdialler.service", False, back)
    assert up.up
    (gap,) = gaps(deployment.turns)
    assert (gap.rollback, gap.stopped) == (back, stopped.at)
    assert gap.seconds == pytest.approx(up.at - stopped.at)
    done = [says for _, says in executor.done if says.startswith(("stop", "start", "gone"))]
    assert done == ["stop voxdialler", "gone", "start voxdialler"]
    told = [(str(one.move), one.detail, one.error) for one in deployment.records if one.move in {Move.RESTART, Move.HEALTH}]
    assert told == [("restart", "voxdialler", ""), ("health", "voxdialler up", "")]


@pytest.mark.parametrize("error", MISTAKES, ids=lambda one: type(one).__name__)
def test_on_the_way_there_the_first_failure_stops_the_deploy(error: Exception) -> None:
    executor = Executor(failing("fleet-1", "restart", error), back=False)
    deployment = Deployment(Plan(targets("fleet")), executor, Progress(), Pace(most=3))  # type: ignore[arg-type]
    with pytest.raises(VoxgateError):
        deployment.reach(State.HEALTHY)
    assert restarted(executor) == set()
    assert deployment.reached == State.INSTALLED
    assert {str(record.move) for record in deployment.records if record.error} == {"restart"}


def test_a_mistake_is_one_line_and_its_traceback_is_in_the_runs_folder_without_secrets(tmp_path: Path) -> None:
    end = keep_traces(tmp_path / "unforeseen.log", Redactor(["s3cr3t-Passw0rd"]))
    try:
        assert not (tmp_path / "unforeseen.log").exists()
        try:
            dict(os.environ).pop("s3cr3t-Passw0rd")
        except KeyError as error:
            said = unforeseen(error, "api-1")
    finally:
        end()
    assert said.line.startswith("api-1: the gate itself failed here: KeyError: ")
    assert "unforeseen.log" in said.hint
    kept = (tmp_path / "unforeseen.log").read_text()
    assert "Traceback (most recent call last)" in kept
    assert "test_way_back.py" in kept
    assert "s3cr3t" not in kept


class RealHands(Executor):
    """Hands that do each step, here."""

    def attempt(self, host: str, step: Step) -> Completed:
        """Really."""
        self.done.append((host, step.says))
        ended = subprocess.run(step.argv, capture_output=True, check=False)
        return Completed(ended.returncode, ended.stdout, ended.stderr, 0.0)

    look = attempt

    def do(self, task: Any, phase: Any, steps: Sequence[Step]) -> tuple[Completed, ...]:
        """Really."""
        assert phase
        return tuple(self.attempt(task.placement.host.name, step) for step in steps)


@pytest.mark.parametrize("is_now", ["nothing", "another build", "a folder", "the target"])
def test_a_console_that_serves_another_build_is_published_whatever_the_journal_knows(tmp_path: Path, is_now: str) -> None:
    """The checkout of a release that tracks dist took the link away: the journal knew only of code and packages, and no way
    back published it again.
    """
    release, dist = Release("console", "a" * 40, "vox-frontend-2026.06.22-1"), tmp_path / "dist"
    for commit in ("a" * 40, "b" * 40):
        (tmp_path / "builds" / commit).mkdir(parents=True)
        (tmp_path / "builds" / commit / "index.html").write_text(commit)
        digest = hashlib.sha256(commit.encode()).hexdigest()
        (tmp_path / "builds" / f"{commit}.sha256").write_text(f"{digest}  index.html\n")
    if is_now == "a folder":
        dist.mkdir()
    elif is_now != "nothing":
        dist.symlink_to(f"builds/{('a' if is_now == 'the target' else 'b') * 40}")
    service = replace(ESTATE.service("console"), folder=str(tmp_path))
    there = tuple(one for one in ESTATE.placements if one.service.name == "console")
    undo: dict[str, frozenset[str] | None] = {one.id: frozenset() for one in there}
    target = Target(service, release, there, {one.id: LastKnownGood(release) for one in there}, is_on_hosts=True, undo=undo)
    executor = RealHands(lambda *_: None)
    Deployment(Plan((target,)), executor, Progress(), Pace(most=3)).reach(State.HEALTHY)  # type: ignore[arg-type]
    assert dist.is_symlink()
    assert (dist / "index.html").read_text() == release.commit
    assert ((there[0].host.name, "switch dist") in executor.done) is (is_now != "the target")


@pytest.mark.parametrize(("wanted", "published"), [("a", True), ("b", False)])
def test_a_console_that_was_built_anew_under_what_is_served_is_published_anew(
    tmp_path: Path, wanted: str, *, published: bool
) -> None:
    """The release that runs was deployed again, and the deploy failed elsewhere before it was published: the files that are
    served are younger than the link to them, which else is somebody's change of them.
    """
    release, dist = Release("console", "a" * 40, "vox-frontend-2026.06.22-1"), tmp_path / "dist"
    build = tmp_path / "builds" / release.commit
    build.mkdir(parents=True)
    dist.symlink_to(f"builds/{release.commit}")
    link = os.lstat(dist).st_ino
    (build / "index.html").write_text("new")
    build.with_name(f"{release.commit}.sha256").write_text(f"{hashlib.sha256(b'new').hexdigest()}  index.html\n")
    service = replace(ESTATE.service("console"), folder=str(tmp_path))
    there = tuple(one for one in ESTATE.placements if one.service.name == "console")
    undo: dict[str, frozenset[str] | None] = {one.id: frozenset({"packages"}) for one in there}
    before = {one.id: LastKnownGood(release) for one in there}
    target = Target(service, release, there, before, is_on_hosts=True, wanted=replace(release, commit=wanted * 40), undo=undo)
    executor = RealHands(lambda *_: None)
    Deployment(Plan((target,)), executor, Progress(), Pace(most=3)).reach(State.HEALTHY)  # type: ignore[arg-type]
    assert ((there[0].host.name, "switch dist") in executor.done) is published
    assert (os.lstat(dist).st_ino != link) is published
    assert (dist / "index.html").read_text() == "new"
    assert os.lstat(dist).st_ctime_ns >= (build / "index.html").stat().st_ctime_ns or not published
