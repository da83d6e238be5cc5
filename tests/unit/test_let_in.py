"""Why a deploy is not let in, whole: all of it at once, and what would have it let in."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from voxgate.contracts.estates import load_estate
from voxgate.deploy.planning.promoting import Bundle, Rules
from voxgate.model.promotion import Freeze, Promotion, Window
from voxgate.model.release import Release

ESTATE = load_estate("lab")
BACKEND, CONSOLE = ESTATE.service("backend"), ESTATE.service("console")
ASKED = [
    (BACKEND, Release("backend", "b" * 40, "vox-backend-2026.06.24-1")),
    (CONSOLE, Release("console", "c" * 40, "vox-frontend-2026.06.24-1")),
]
NOW = datetime(2026, 12, 2, 17, 0, tzinfo=UTC)  # a Wednesday
OFFICE = (Window(frozenset(range(4)), 9 * 60, 16 * 60),)
WAYS = 'or --override-promotion --reason "why"; a rollback and a recovery are always let in'
NEVER = (Freeze(date(2026, 1, 1), date(2030, 1, 1), "sold"),)

REFUSED: dict[str, tuple[Promotion, str, str]] = {
    "shut": (
        Promotion(windows=OFFICE), "no window is open on wed at 17:00 UTC", f"it opens Thu 2026-12-03 09:00 UTC; {WAYS}",
    ),
    "shut for ever": (
        Promotion(freezes=NEVER), "frozen until 2030-01-01, sold", f"it opens at no time within a year; {WAYS}",
    ),
    "of two nobody said yes": (
        Promotion(approvals=2, inputs=("a", "b")),
        "backend vox-backend-2026.06.24-1: approved by 0 of 2; console vox-frontend-2026.06.24-1: approved by 0 of 2",
        f"`uv run voxgate approve` signs a note; {WAYS}",
    ),
    "all of it": (
        Promotion(source="staging", age=1, windows=OFFICE, approvals=1, inputs=("a",)),
        ("no window is open on wed at 17:00 UTC; "
        "backend vox-backend-2026.06.24-1: x: nobody knows whose word counts; "
        "backend vox-backend-2026.06.24-1: approved by 0 of 1; "
        "console vox-frontend-2026.06.24-1: x: nobody knows whose word counts; "
        "console vox-frontend-2026.06.24-1: approved by 0 of 1"),
        ("it opens Thu 2026-12-03 09:00 UTC; what was done on staging within 1 day is let in; "
        f"`uv run voxgate approve` signs a note; {WAYS}"),
    ),
}  # fmt: skip


def rules(promotion: Promotion, said_yes: str = "") -> Rules:
    """The rule, where one attestation is found."""
    return Rules(promotion, lambda *_: [Bundle("x", b"", b"")], Path("/nowhere"), said_yes)


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_not_let_in_is_told_all_that_is_wrong_and_each_way_in(what: str) -> None:
    promotion, why, hint = REFUSED[what]
    error = rules(promotion).refusal(ESTATE, ASKED, NOW)
    assert error is not None
    assert (error.line, error.hint) == (f"lab lets this deploy not in: {why}", hint)


def test_who_said_yes_in_jenkins_counts_where_the_estate_names_him_and_is_named() -> None:
    one, two = (Promotion(approvals=number, inputs=("a", "b")) for number in (1, 2))
    assert rules(one, "a").refusal(ESTATE, ASKED, NOW) is None
    assert rules(one, "c").refusal(ESTATE, ASKED, NOW) is not None
    error = rules(two, "a").refusal(ESTATE, ASKED[:1], NOW)
    assert error is not None
    assert error.why == "backend vox-backend-2026.06.24-1: approved by 1 of 2 (a)"
