"""The way there, and what of a way back is asked of hosts: which steps, in which order, and what the deploy says of them."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from tests.executor import Executor, Progress, targets
from voxgate.deploy.moving import engine, sampler
from voxgate.deploy.moving.engine import Deployment, Pace, State
from voxgate.deploy.moving.rolling import Capacity, Sample
from voxgate.deploy.planning.plan import Plan, Target
from voxgate.errors import Interrupted, MoveFailed, VoxgateError
from voxgate.model.answers import Answer
from voxgate.model.evidence import Missing
from voxgate.model.look import Question
from voxgate.model.verdict import MoveRecord
from voxgate.moves.steps import Step
from voxgate.transport.ssh.remote_command import Completed


class Hands(Executor):
    """Hands that end their steps as told: by what a step says of itself, its status and its words."""

    def __init__(self, *, back: bool = False, **ends: tuple[int, bytes]) -> None:
        super().__init__(lambda *_: None, back=back)
        self.ends = {name.replace("_", " "): end for name, end in ends.items()}
        self.pauses = 0

    def attempt(self, host: str, step: Step) -> Completed:
        """As told."""
        status, words = self.ends.get(step.says.replace("-", " "), (0, b""))
        self.done.append((host, step.says))
        return Completed(status, words, b"", 0.0)

    look = attempt

    def do(self, task: Any, phase: Any, steps: Sequence[Step]) -> tuple[Completed, ...]:
        """As told; one that fails ends the move."""
        assert phase
        ended = []
        for step in steps:
            ended.append(self.attempt(task.placement.host.name, step))
            if ended[-1].exit_status != 0:
                raise MoveFailed(f"{step.says} failed", where=task.placement.host.name)
        return tuple(ended)

    def pause(self) -> None:
        """Counted."""
        self.pauses += 1
        assert self.pauses < 100


class Told(Progress):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.begun: list[tuple[object, ...]] = []
        self.ended: list[MoveRecord] = []

    def begin(self, *what: object) -> None:
        """Kept."""
        self.begun.append(what)

    def end(self, record: MoveRecord) -> None:
        """Kept."""
        self.ended.append(record)


def deployment(hands: Executor, *given: Target, progress: Progress | None = None, pace: Pace | None = None) -> Deployment:
    return Deployment(Plan(given), hands, progress or Progress(), pace or Pace())  # type: ignore[arg-type]


def fresh(name: str) -> Target:
    """A release that is on no host yet."""
    return replace(targets(name)[0], is_on_hosts=False)


def test_a_release_is_fetched_checked_out_installed_and_restarted_and_each_is_told() -> None:
    hands, told = Hands(git_fetch=(0, b"x\n new\x1b tags \n")), Told()
    target = fresh("backend")
    made = deployment(hands, target, progress=told)
    assert (made.reached, made.failure) == (0, None)
    made.reach(State.FETCHED)
    assert hands.done == [("api-1", "git fetch")]
    assert made.reached == State.FETCHED
    made.reach(State.HEALTHY)
    made.reach(State.HEALTHY)
    assert hands.done == [
        ("api-1", "git fetch"),
        ("api-1", "git checkout"),
        ("api-1", "uv sync"),
        ("api-1", "voxbridge?"),
        ("api-1", "restart voxbridge"),
    ]
    assert (made.reached, made.failure) == (State.HEALTHY, None)
    assert [(one.move, one.detail, one.error, one.rollback) for one in made.records] == [
        ("fetch", str(target.release), "", False),
        ("checkout", str(target.release), "", False),
        ("install", "uv sync", "", False),
        ("restart", "voxbridge", "", False),
        ("health", "voxbridge up", "", False),
    ]
    assert told.begun == [("backend", "api-1", one.move) for one in made.records]
    assert tuple(told.ended) == made.records
    assert made.capacity == Capacity(1)


def test_what_a_step_says_of_itself_is_told_in_a_word_or_two() -> None:
    hands = Hands(uv_sync=(0, b"more\nUsing CPython\t3.11\n\n"))
    made = deployment(hands, fresh("backend"))
    made.reach(State.INSTALLED)
    assert made.records[-1].detail == "uv sync (Using CPython?3.11)"
    long = deployment(Hands(uv_sync=(0, b"y" * 200)), fresh("backend"))
    long.reach(State.INSTALLED)
    assert long.records[-1].detail == f"uv sync ({'y' * 120})"


def test_what_is_on_the_hosts_is_neither_fetched_nor_asked_of_a_registry() -> None:
    hands = Hands()
    (target,) = targets("backend")
    deployment(hands, target).reach(State.INSTALLED)
    assert hands.done == [("api-1", "git cat-file"), ("api-1", "git checkout"), ("api-1", "uv sync")]


def test_a_release_that_the_host_does_not_have_is_said() -> None:
    (target,) = targets("backend")
    made = deployment(Hands(git_cat_file=(1, b"")), target)
    with pytest.raises(MoveFailed) as caught:
        made.reach(State.HEALTHY)
    assert caught.value.line == f"api-1: {target.release} is not on the host: git has no such commit"
    assert made.failure is caught.value
    assert made.reached == State.FETCHED
    assert [(one.move, one.error) for one in made.records] == [("checkout", caught.value.line)]
    with pytest.raises(MoveFailed):
        made.reach(State.INSTALLED)
    assert len(made.records) == 1, "what failed is not tried again"


def test_a_console_whose_build_is_whole_on_the_host_is_not_built_again() -> None:
    (target,) = targets("console")
    hands = Hands()
    made = deployment(hands, target)
    made.reach(State.INSTALLED)
    assert made.records[-1].detail == "kept build"
    assert [says for _, says in hands.done] == ["git cat-file", "git checkout", "check build"]
    again = Hands(check_build=(1, b""))
    deployment(again, target).reach(State.INSTALLED)
    assert [says for _, says in again.done][2:] == ["check build", "npm ci, npm run build", "manifest"]


def test_a_console_of_which_it_cannot_be_asked_what_it_serves_is_published() -> None:
    (target,) = targets("console")
    target = replace(target, undo={one.id: frozenset() for one in target.placements})

    class Blind(Hands):
        """Hands that cannot see what is served."""

        def attempt(self, host: str, step: Step) -> Completed:
            """But all else."""
            if step.says == "readlink dist":
                raise VoxgateError("the connection is gone")
            return super().attempt(host, step)

        look = attempt

    for hands, is_published in (
        (Blind(back=True), True),
        (Hands(back=True), False),
        (Hands(back=True, readlink_dist=(1, b"")), True),
    ):
        deployment(hands, target).reach(State.HEALTHY)
        assert ("switch dist" in [says for _, says in hands.done]) is is_published


def test_who_was_left_behind_on_a_way_back_is_named_by_service() -> None:
    hands = Hands(back=True)
    made = deployment(hands, *targets("backend", "fleet"))
    assert made.failed == frozenset()
    one = next(placement for placement in made.plan.placements if placement.id == "fleet-fleet-2")
    made.leave_behind(one, MoveFailed("first", where="fleet-2"))
    made.leave_behind(one, MoveFailed("second", where="fleet-2"))
    assert made.failed == {"fleet"}
    with pytest.raises(MoveFailed, match="fleet-2: first"):
        made.reach(State.HEALTHY)
    assert {host for host, _ in hands.done} == {"api-1", "fleet-1"}


def test_what_was_noted_after_the_last_move_stops_it_too() -> None:
    made = deployment(Hands(), *targets("backend"))
    made.reach(State.HEALTHY)
    error = MoveFailed("could not be noted")
    made.fail(error)
    assert made.failure is error
    assert made.reached == State.RESTARTED


def test_a_move_of_a_run_that_was_stopped_is_not_begun() -> None:
    told = Told()

    class Stopped(Hands):
        """Hands of a run that is stopped once it checked out."""

        def check(self) -> None:
            """Once that is done."""
            if ("api-1", "git checkout") in self.done:
                raise Interrupted("the run was interrupted")

    made = deployment(Stopped(), fresh("backend"), progress=told)
    with pytest.raises(Interrupted):
        made.reach(State.HEALTHY)
    assert [move for _, _, move in told.begun] == ["fetch", "checkout"]


def test_what_ends_the_process_in_the_middle_of_a_move_is_told_as_interrupted() -> None:
    class Ended(Hands):
        """A second signal."""

        def do(self, task: Any, phase: Any, steps: Sequence[Step]) -> tuple[Completed, ...]:
            """Never done."""
            raise KeyboardInterrupt(task, phase, steps)

    made = deployment(Ended(), fresh("backend"))
    with pytest.raises(KeyboardInterrupt):
        made.reach(State.FETCHED)
    (record,) = made.records
    assert (record.error, record.detail, record.hint) == ("interrupted", "", "")


def fleet(monkeypatch: pytest.MonkeyPatch, *calls: int | None) -> list[int]:
    """How many calls each worker of the fleet says that it has, from question to question; returns how many were asked, each."""
    left, asked = list(calls), list[int]()

    def ask(_: object, questions: Sequence[Question], *, deadline: float) -> dict[Question, Answer]:
        assert deadline == 3.0
        asked.append(len(questions))
        now = left.pop(0) if len(left) > 1 else left[0]
        body = b'{"status": "ok"}' if now is None else b'{"status": "ok", "worker_calls": %d}' % now
        return {one: Answer(one.host, one.port, one.path, 200, {}, body, 0.1, 0.0) for one in questions}

    monkeypatch.setattr(engine, "ask", ask)
    monkeypatch.setattr(sampler, "ask", lambda _, questions, **__: dict.fromkeys(questions, Missing("missing", "x")))
    return asked


def test_a_busy_worker_is_waited_for_as_long_as_it_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    hands = Hands()
    asked = fleet(monkeypatch, 2, 2, 0)
    target = fresh("fleet")
    one = replace(target, placements=target.placements[:1])
    made = deployment(hands, one, pace=Pace(drain=1000.0, most=2))
    made.reach(State.HEALTHY)
    assert hands.pauses == 2
    assert asked == [3, 3, 3, 1]
    assert made.capacity.calls_cut == 0
    assert [record.detail for record in made.records if record.move == "restart"] == ["voxcore@1", "voxcore@2", "voxcore@3"]


def test_calls_that_are_cut_are_counted_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    hands = Hands()
    fleet(monkeypatch, 2, 1, 1)
    target = fresh("fleet")
    made = deployment(hands, replace(target, placements=target.placements[:1]), pace=Pace(drain=0.0, most=1))
    made.reach(State.HEALTHY)
    assert hands.pauses == 0
    assert made.capacity.calls_cut == 4
    assert [record.detail for record in made.records if record.move == "restart"] == [
        "voxcore@1, 2 calls up", "voxcore@2, 1 call up", "voxcore@3, 1 call up",
    ]  # fmt: skip


def test_on_a_way_back_no_call_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    hands = Hands(back=True)
    fleet(monkeypatch, 2)
    made = deployment(hands, *targets("fleet"), pace=Pace(drain=1000.0, most=3))
    made.reach(State.HEALTHY)
    assert hands.pauses == 0
    assert made.capacity.calls_cut == 12
    assert made.capacity.most == 3


def test_workers_without_a_page_are_asked_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = fleet(monkeypatch, 2)
    target = fresh("fleet")
    service = replace(target.service, health=None)
    there = tuple(replace(one, service=service) for one in target.placements[:1])
    hands = Hands()
    deployment(hands, replace(target, service=service, placements=there)).reach(State.HEALTHY)
    assert asked == []
    assert [says for _, says in hands.done if says.startswith("restart")] == [f"restart voxcore@{n}" for n in (1, 2, 3)]


def test_of_units_that_were_not_restarted_only_those_are_kept_out(monkeypatch: pytest.MonkeyPatch) -> None:
    fleet(monkeypatch, None)
    (target,) = targets("fleet")
    first, second = target.placements
    undo: dict[str, frozenset[str] | None] = {first.id: frozenset({"code", "voxcore@2.service"}), second.id: frozenset()}
    hands = Hands(back=True)
    made = deployment(hands, replace(target, undo=undo), pace=Pace(most=3))
    made.reach(State.HEALTHY)
    assert [one for one in hands.done if one[1].startswith(("restart", "git checkout"))] == [
        ("fleet-1", "git checkout"), ("fleet-1", "restart voxcore@2"),
    ]  # fmt: skip
    hands.done.clear()
    tasks = made.restart_kept({"fleet", "backend"})
    assert sorted(one for one in hands.done if one[1].startswith("restart")) == [
        ("fleet-1", "restart voxcore@1"), ("fleet-1", "restart voxcore@3"),
        *(("fleet-2", f"restart voxcore@{n}") for n in (1, 2, 3)),
    ]  # fmt: skip
    assert [one.placement.id for one in tasks] == [first.id, second.id]
    assert made.restart_kept({"backend"}) == []


def test_no_more_than_sixteen_hosts_are_worked_on_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    pools: list[int] = []

    class Noted(ThreadPoolExecutor):
        """Notes how many may work in it."""

        def __init__(self, max_workers: int, thread_name_prefix: str) -> None:
            pools.append(max_workers)
            super().__init__(max_workers, thread_name_prefix)

    monkeypatch.setattr(engine, "ThreadPoolExecutor", Noted)
    deployment(Hands(), fresh("backend")).reach(State.INSTALLED)
    assert pools == [16, 16, 16]


def test_who_served_is_told_from_the_first_sample_of_a_roll_to_the_last_of_what_was_restarted_after_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fleet(monkeypatch, None)
    began = [100.0, 130.5]
    made_for: list[object] = []

    class Sampled(SimpleNamespace):
        """Two samples."""

        def __enter__(self) -> None:
            self.samples = (Sample(0.0, ("a",), ()), Sample(2.0, (), ("a",)))

        def __exit__(self, *_: object) -> None:
            """All of it was seen."""

    def sampler_of(connections: object, estate: object) -> Sampled:
        made_for.append((connections, estate))
        return Sampled(started=began.pop(0))

    monkeypatch.setattr(engine, "Sampler", sampler_of)
    backend, target = targets("backend", "fleet")
    undo: dict[str, frozenset[str] | None] = {one.id: frozenset({"voxcore@1.service"}) for one in target.placements}
    hands = Hands(back=True)
    made = deployment(hands, backend, replace(target, undo=undo), pace=Pace(most=2))
    made.reach(State.HEALTHY)
    assert made.capacity == Capacity(2, (Sample(0.0, ("a",), ()), Sample(2.0, (), ("a",))), 0, 100.0)
    made.restart_kept({"fleet"})
    assert [one.at for one in made.capacity.samples] == [0.0, 2.0, 30.5, 32.5]
    assert (made.capacity.began, made_for) == (100.0, [(hands, hands.estate)] * 2)


def test_a_way_back_that_restarts_no_worker_samples_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "Sampler", lambda *_: pytest.fail("nobody is restarted"))
    (target,) = targets("fleet")
    made = deployment(Hands(back=True), replace(target, undo={one.id: frozenset({"code"}) for one in target.placements}))
    made.reach(State.HEALTHY)
    assert made.capacity == Capacity(1)
    assert made.turns == ()
