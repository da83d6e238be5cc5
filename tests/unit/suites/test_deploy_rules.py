"""The rules about a deploy's own moves, each assertion of them: they are judged of what the gate did, not of a look."""

from __future__ import annotations

from typing import Any

import pytest

from tests import assertions
from voxgate.deploy.moving.rolling import Capacity, Sample
from voxgate.errors import Blind
from voxgate.model.verdict import MoveRecord, Verdict
from voxgate.plugin import without_pytest

from .conftest import Case

MOVES = {
    "checkout": "test_release_was_checked_out",
    "install": "test_release_was_installed",
    "restart": "test_service_was_restarted",
    "health": "test_service_became_healthy",
}
FIRST = Sample(at=0.0, serving=("a", "b", "c"), down=(), unknown=())


def said(function: str, **given: Any) -> tuple[Verdict, str, str]:
    """How a rule of the deploy comes out, with its words."""
    try:
        getattr(without_pytest.suite("test_deploy.py"), function)(**given)
    except (AssertionError, Blind) as error:
        words = assertions.judged(error)
        return words.verdict, words.found, words.advice
    return Verdict.HOLDS, "", ""


def move(name: str, **parts: Any) -> MoveRecord:
    """A move of the backend."""
    return MoveRecord("backend", "api-1", name, 0.0, 1.0, **parts)


@pytest.mark.parametrize("name", MOVES)
def test_a_move_is_judged_by_how_it_went(green: Case, name: str) -> None:
    placement = next(one for one in green.estate.placements if one.service.name == "backend")
    for moves, wanted in (
        ((move(name),), (Verdict.HOLDS, "", "")),
        ((move(name, error="uv failed", hint="look"),), (Verdict.VIOLATED, "uv failed", "look")),
        ((move(name, error="a", hint="x"), move(name, error="b", hint="y")), (Verdict.VIOLATED, "a", "x")),
        ((move(name, error="uv failed"),), (Verdict.VIOLATED, "uv failed", "mend it, and deploy again")),
        ((), (Verdict.BLIND, f"api-1: there was no {name} of backend: the deploy stopped before it", "")),
    ):
        assert said(MOVES[name], placement=placement, moves=moves) == wanted


@pytest.mark.parametrize(("name", "also"), [("checkout", "fetch"), ("health", "canary")])
def test_a_move_that_fails_before_it_is_its_failure(green: Case, name: str, also: str) -> None:
    placement = next(one for one in green.estate.placements if one.service.name == "backend")
    failed = (move(name), move(also, error="not so"))
    assert said(MOVES[name], placement=placement, moves=failed)[:2] == (Verdict.VIOLATED, "not so")
    assert said(MOVES[name], placement=placement, moves=(move(also),))[0] is Verdict.BLIND, "it went well, and nothing came of it"


def rolled(green: Case, *samples: Sample, most: int = 1) -> tuple[Verdict, str, str]:
    """How a roll of the fleet comes out."""
    service = green.estate.service("fleet")
    return said("test_rolling_restart_kept_serving", service=service, capacity=Capacity(most, samples))


def test_a_roll_that_nobody_sampled_is_blind(green: Case) -> None:
    verdict, found, _ = rolled(green)
    assert (verdict, found) == (
        Verdict.BLIND,
        "fleet: nobody sampled who served: the deploy stopped before the fleet was rolled",
    )
    late = Sample(at=11.0, serving=("a", "b", "c"), down=(), unknown=())
    assert rolled(green, FIRST, late)[:2] == (Verdict.BLIND, "fleet: nobody knows who served: no sample for 11 s")
    in_time = Sample(at=10.0, serving=("a", "b", "c"), down=(), unknown=())
    assert rolled(green, FIRST, in_time)[0] is Verdict.HOLDS


def test_a_roll_takes_no_more_down_than_may_be(green: Case) -> None:
    one = Sample(at=3.0, serving=("b", "c"), down=("a",), unknown=())
    two = Sample(at=5.0, serving=("c",), down=("a", "b"), unknown=())
    assert rolled(green, FIRST, one)[0] is Verdict.HOLDS
    verdict, found, advice = rolled(green, FIRST, one, two)
    assert (verdict, found) == (Verdict.VIOLATED, "5 s into the roll 2 workers were down at once: a, b")
    assert advice.startswith("at most 1 may be: what else stopped them? on each fleet host: ")
    assert rolled(green, FIRST, one, two, most=2)[0] is Verdict.HOLDS
    assert rolled(green, FIRST, one, most=0)[1] == "3 s into the roll 1 worker was down at once: a"
