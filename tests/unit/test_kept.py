"""What a way back did not restart is restarted after all only where that is needed, and nothing else with it."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from tests.executor import Executor, Progress, targets
from voxgate.deploy.hosts import journal_writer
from voxgate.deploy.judging.standing import Standing
from voxgate.deploy.moving import engine
from voxgate.deploy.moving.engine import Deployment, Pace, State
from voxgate.deploy.planning.plan import Plan
from voxgate.deploy.recovery import recover
from voxgate.errors import VoxgateError
from voxgate.model.evidence import Missing
from voxgate.model.verdict import Judgement, RunVerdict, Verdict

HOLDS = (RunVerdict.HOLDS, ())


@pytest.fixture(autouse=True)
def _no_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """No worker says how many calls it has, and nothing is written on a host."""
    monkeypatch.setattr(engine, "ask", lambda _, questions, **__: dict.fromkeys(questions, Missing("missing", "not asked")))
    monkeypatch.setattr(journal_writer, "mark", lambda *_, **__: None)


def violated(*services: str | None) -> tuple[RunVerdict, tuple[Judgement, ...]]:
    """Something of each of these services does not hold."""
    found = [Judgement(f"x[{one}]", "x", "x", "x", Verdict.VIOLATED, one, found="wrong") for one in services]
    return RunVerdict.VIOLATED, tuple(found)


def restarted(*judged: Any) -> tuple[list[str], VoxgateError | None, RunVerdict, int]:
    """Which hosts' units are restarted, and what is true then; ``judged`` is what each judging comes to, the first one made."""
    executor = Executor(lambda *_: None)
    went = tuple(
        replace(one, undo={p.id: frozenset({"checkout"}) for p in one.placements}) for one in targets("backend", "fleet")
    )
    back = Deployment(Plan(went), executor, Progress(), Pace(most=3))  # type: ignore[arg-type]
    back.reach(State.HEALTHY)
    assert not [host for host, says in executor.done if says.startswith("restart ")]
    looks = iter(judged[1:])
    context: Any = SimpleNamespace(progress=Progress(), claim=None)
    failure, (verdict, _) = recover.restart_kept(context, back, None, judged[0], lambda: next(looks), Standing())
    hosts = sorted({host for host, says in executor.done if says.startswith("restart ")})
    return hosts, failure, verdict, len(judged) - 1 - len(list(looks))


def test_what_holds_is_let_be() -> None:
    assert restarted(HOLDS) == ([], None, RunVerdict.HOLDS, 0)


def test_what_was_wrong_for_a_moment_restarts_nothing() -> None:
    """A store that was slow while it was looked at: one more look, and no outage."""
    assert restarted(violated("backend"), HOLDS) == ([], None, RunVerdict.HOLDS, 1)


def test_only_the_service_that_stays_wrong_is_restarted() -> None:
    """The fleet, which went back without a restart too, goes on with its calls."""
    assert restarted(violated("backend"), violated("backend"), HOLDS) == (["api-1"], None, RunVerdict.HOLDS, 2)
    assert restarted(violated("fleet", "backend"), violated("fleet"), HOLDS) == (
        ["fleet-1", "fleet-2"],
        None,
        RunVerdict.HOLDS,
        2,
    )


def test_what_is_wrong_with_others_restarts_nothing() -> None:
    assert restarted(violated("console", None)) == ([], None, RunVerdict.VIOLATED, 0)


def test_what_did_not_hold_before_restarts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Standing, "against", lambda *_: HOLDS)
    assert restarted(violated("backend")) == ([], None, RunVerdict.VIOLATED, 0)
