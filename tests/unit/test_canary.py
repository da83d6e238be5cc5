"""The canary: what is restarted first is judged before anything else is restarted; what does not hold ends the roll there."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext, suppress
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.executor import ESTATE, Executor, Progress, targets
from voxgate.contracts.catalogue import read_catalogue
from voxgate.deploy.judging.canary import REGISTRY, Canary, Judge, verdict_on
from voxgate.deploy.judging.standing import Standing
from voxgate.deploy.moving import engine
from voxgate.deploy.moving.engine import Deployment, Pace, State
from voxgate.deploy.planning.plan import Plan, Target
from voxgate.deploy.stop import Stop
from voxgate.errors import CommandUnknown, Interrupted, MoveFailed, VoxgateError
from voxgate.model.estate import PlacedUnit, Placement
from voxgate.model.evidence import Missing
from voxgate.model.invariant import Per
from voxgate.model.look import Evidence, Look
from voxgate.model.verdict import Judgement, RunOutcome, RunVerdict, Verdict
from voxgate.plugin.rejudging import judge_saved
from voxgate.plugin.session import Session
from voxgate.survey.questions import question_of
from voxgate.survey.saving import load
from voxgate.transport.local import run

SAVED = Path(__file__).resolve().parent / "evidence"
FLEET = targets("fleet")[0]
FIRST = FLEET.placements[0]
ONE, TWO, _ = FIRST.placed_units
UNITS = [unit.id for placement in FLEET.placements for unit in placement.placed_units]


@pytest.fixture(autouse=True)
def _nobody_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """No worker says how many calls it has, and nobody samples who serves."""
    monkeypatch.setattr(engine, "ask", lambda _, questions, **__: dict.fromkeys(questions, Missing("missing", "not asked")))
    monkeypatch.setattr(engine, "Sampler", lambda *_: nullcontext())


def rolled(target: Target, most: int = 3, red: str = "") -> tuple[list[str], VoxgateError | None]:
    """What was restarted and judged, in order; ``red`` is what of it does not hold."""
    went: list[str] = []
    executor = Executor(lambda *_: None, back=False)

    def judge(placement: Placement, units: Sequence[PlacedUnit]) -> str:
        went.extend(restarts(executor))
        went.append(f"judge-{units[0].id if units else placement.host.name}")
        if went[-1] == red:
            raise MoveFailed("the canary is not in order", where=placement.host.name)
        return "holds"

    deployment = Deployment(Plan((target,)), executor, Progress(), Pace(most=most), judge)  # type: ignore[arg-type]
    with suppress(VoxgateError):
        deployment.reach(State.HEALTHY)
    return [*went, *restarts(executor)], deployment.failure


def restarts(executor: Executor) -> list[str]:
    """What was restarted since this was asked last."""
    done = [
        f"{host}-{says.removeprefix('restart ').removesuffix('.service')}" for host, says in executor.done if "restart" in says
    ]
    executor.done.clear()
    return done


def of(*units: int) -> Target:
    """The fleet, with so many workers on each host."""
    kept = FLEET.placements[: len(units)]
    hosts = [replace(one.host, workers=count) for one, count in zip(kept, units, strict=True)]
    return replace(FLEET, placements=tuple(replace(one, host=host) for one, host in zip(kept, hosts, strict=True)))


def twice(target: Target) -> Target:
    """A service of one host, on two."""
    one = target.placements[0]
    return replace(target, placements=(one, replace(one, host=replace(one.host, name="api-2"))))


@pytest.mark.parametrize(
    ("target", "most", "wanted"),
    [
        (of(3, 2), 1, f"{UNITS[0]} judge-{UNITS[0]} {UNITS[1]} {UNITS[2]} judge-fleet-1 {UNITS[3]} {UNITS[4]}"),
        (of(3, 2), 3, f"{UNITS[0]} judge-{UNITS[0]} {UNITS[1]} {UNITS[2]} judge-fleet-1 {UNITS[3]} {UNITS[4]}"),
        (of(1, 2), 1, f"{UNITS[0]} judge-fleet-1 {UNITS[3]} {UNITS[4]}"),
        (of(3), 1, f"{UNITS[0]} judge-{UNITS[0]} {UNITS[1]} {UNITS[2]}"),
        (of(1), 1, UNITS[0]),  # nothing is left to be spared
        (targets("backend")[0], 1, "api-1-voxbridge"),
        (twice(targets("backend")[0]), 1, "api-1-voxbridge judge-api-1 api-2-voxbridge"),
    ],
    ids=["two hosts", "three at once", "a host with one", "one host", "one worker", "another service", "that on two hosts"],
)
def test_what_was_restarted_first_is_judged_before_the_rest(target: Target, most: int, wanted: str) -> None:
    went, failure = rolled(target, most)
    assert " ".join(went) == wanted
    assert failure is None


@pytest.mark.parametrize(
    ("red", "touched"),
    [(f"judge-{UNITS[0]}", UNITS[:1]), ("judge-fleet-1", UNITS[:3])],
    ids=["the first worker", "the first host"],
)
def test_a_canary_that_is_not_in_order_ends_the_roll(red: str, touched: list[str]) -> None:
    went, failure = rolled(of(3, 3), 3, red)
    assert [one for one in went if not one.startswith("judge-")] == touched
    assert failure is not None
    assert failure.line == "fleet-1: the canary is not in order"


def said(key: str, verdict: Verdict = Verdict.VIOLATED) -> Judgement:
    return Judgement(key, key.partition("[")[0], "s", "why", verdict, None, None, "found", "do this")


def outcome(*judgements: Judgement, missing: tuple[str, ...] = ()) -> RunOutcome:
    run = RunOutcome("r", "lab", RunVerdict.PARTIAL, 0, 0.0, 0.0, deploy=False, partial=True, summary="")
    return replace(run, judgements=judgements, missing=missing)


UP = said(f"all-workers-are-up[{ONE.id}]")
WELL = said(f"unit-is-active[{ONE.id}]", Verdict.HOLDS)
OTHER = said(f"process-is-the-new-code[{TWO.id}]")
DOOR = said("only-expected-listeners[fleet-1]", Verdict.BLIND)
SUM = said(f"{REGISTRY}[{FIRST.id}]")
ELSEWHERE = said("only-expected-listeners[fleet-2]")


@pytest.mark.parametrize(
    ("units", "judged", "standing", "wanted"),
    [
        ((ONE,), (WELL, UP), Standing(), f"{UP.id} is violated: found"),
        ((ONE,), (WELL, DOOR, UP, SUM), Standing(), f"{UP.id} is violated: found (and 1 more)"),
        ((ONE,), (WELL, SUM), Standing(), f"{SUM.id} is violated: found"),
        ((ONE,), (WELL, OTHER, DOOR, ELSEWHERE), Standing(), ""),  # another worker's rules, and the host's, come later
        ((), (WELL, OTHER), Standing(), f"{OTHER.id} is violated: found"),
        ((), (WELL, DOOR, ELSEWHERE), Standing(), f"{DOOR.id} is blind: found"),
        ((), (DOOR, OTHER), Standing(), f"{OTHER.id} is violated: found (and 1 more)"),
        # What did not hold before is no reason, but of a unit: that was restarted, and this deploy is there to mend it.
        ((ONE,), (WELL, SUM), Standing(frozenset({SUM.id})), ""),
        ((), (WELL, DOOR, SUM), Standing(frozenset({DOOR.id, SUM.id})), ""),
        ((ONE,), (WELL, UP), Standing(frozenset({UP.id})), f"{UP.id} is violated: found"),
        ((ONE,), (WELL, UP), Standing(frozenset({UP.id}), allowed=frozenset({UP.id})), ""),
        ((ONE,), (), Standing(), "nothing of it was judged"),
        ((ONE,), (OTHER,), Standing(), "nothing of it was judged"),
    ],
)
def test_a_canary_is_judged_by_its_own_rules(
    units: Sequence[PlacedUnit], judged: Sequence[Judgement], standing: Standing, wanted: str
) -> None:
    if not wanted:
        assert " judged, 1 rule holds" in verdict_on(outcome(*judged), FIRST, units, standing)
        return
    with pytest.raises(MoveFailed) as caught:
        verdict_on(outcome(*judged), FIRST, units, standing)
    assert caught.value.why == wanted
    assert caught.value.line.startswith("fleet-1: the canary ")
    assert caught.value.hint == ("do this" if "found" in wanted else "")


def test_a_rule_that_was_not_judged_is_no_rule_that_holds() -> None:
    lost = outcome(WELL, missing=(ELSEWHERE.id, UP.id))
    with pytest.raises(MoveFailed, match=r"could not be judged: all-workers-are-up\[fleet-1-voxcore@1\] was not judged"):
        verdict_on(lost, FIRST, (ONE,), Standing())
    assert "1 rule holds" in verdict_on(outcome(WELL, missing=(ELSEWHERE.id,)), FIRST, (ONE,), Standing())


def test_the_rule_about_the_registry_is_there() -> None:
    rule = next(one for one in read_catalogue() if one.name == REGISTRY)
    assert (rule.per, rule.services) == (Per.PLACEMENT, ("fleet",))


def seen(page: bytes = b"") -> Evidence:
    """The lab as it was saved, seen as a canary is: fleet-1, and of fleet-2 what its workers answer. ``page`` is what the first
    worker answers in the second look.
    """
    evidence, health = load(SAVED), FLEET.service.health
    assert health is not None
    asked = {question_of(unit, health) for placement in FLEET.placements for unit in placement.placed_units}
    one = question_of(ONE, health)

    def part(look: Look) -> Look:
        answers = {key: said for key, said in look.answers.items() if key.host == "fleet-1" or key in asked}
        return replace(look, hosts={"fleet-1": look.hosts["fleet-1"]}, answers=answers)

    first, second = part(evidence.first), part(evidence.second)
    if page:
        second = replace(second, answers={**second.answers, one: replace(second.answer(one), body=page)})
    return replace(evidence, first=first, second=second)


def canary_of(folder: Path, monkeypatch: pytest.MonkeyPatch, evidence: Evidence, judge: Judge) -> Canary:
    monkeypatch.setattr(Canary, "_look", lambda *_, **__: evidence)
    return Canary(SimpleNamespace(stop=Stop()), Standing(), dict, judge, folder / "evidence")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("error", "wanted"),
    [
        (VoxgateError("a saved look could not be judged", why="no verdict", hint="look"), MoveFailed),
        (Interrupted("the run was interrupted"), Interrupted),
    ],
)
def test_what_cannot_be_judged_goes_no_further(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: VoxgateError, wanted: type[VoxgateError]
) -> None:
    def judge(*_: Any, **__: Any) -> RunOutcome:
        raise error

    with pytest.raises(wanted) as caught:
        canary_of(tmp_path, monkeypatch, seen(), judge)(FIRST, (ONE,))
    assert error.line in caught.value.line
    assert caught.value.hint == error.hint


def test_a_canary_is_judged_by_the_suites_themselves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a process of its own: the registry too, although the other host was not looked at."""
    judged: list[RunOutcome] = []

    def judge(folder: Path, **more: Any) -> RunOutcome:
        judged.append(judge_saved(folder, Session(ESTATE, None), tmp_path / folder.name, **more))
        return judged[-1]

    assert canary_of(tmp_path, monkeypatch, seen(), judge)(FIRST, (ONE,)) == "voxcore@1 judged, 11 rules hold"
    about = {one.invariant for one in judged[-1].judgements if one.id.endswith((f"[{ONE.id}]", f"[{FIRST.id}]"))}
    assert about >= {REGISTRY, "all-workers-are-up", "process-is-the-new-code", "unit-is-active"}
    canary = canary_of(tmp_path, monkeypatch, seen(b'{"status": "ok"}'), judge)
    with pytest.raises(MoveFailed, match=r"all-workers-are-up\[fleet-1-voxcore@1\] is violated: fleet-1 GET :8101/health breaks"):
        canary(FIRST, (ONE,))


@pytest.mark.parametrize("when", ["at once", "later"])
def test_a_stop_cuts_the_judging(tmp_path: Path, when: str) -> None:
    """It takes as long as a team's own checks do: its processes end with it, or this would wait for what holds the pipe."""
    child = tmp_path / "child"
    script = f"sleep 600 & echo $! >{child}; wait"
    with pytest.raises(Interrupted):
        run(["sh", "-c", script], deadline=600, stopped=lambda: when == "at once" or child.exists())


def test_what_is_not_stopped_comes_to_its_end() -> None:
    done = run(["sh", "-c", "sleep 0.5; echo out; cat"], deadline=60, stdin=b"in", stopped=lambda: False)
    assert done.stdout == b"out\nin"
    with pytest.raises(CommandUnknown, match="was not done after"):
        run(["sleep", "600"], deadline=0.5, stopped=lambda: False)
