"""Who serves beside a drill: what counts as away."""

from __future__ import annotations

import pytest

from tests.lab.serving import EVERY, SLOW_STORE, longest_away


@pytest.mark.parametrize(
    ("answers", "away"),
    [
        (["", "", ""], 0.0),
        (["", SLOW_STORE, ""], 0.0),  # a store was slow once, the process answered
        (["", SLOW_STORE, SLOW_STORE, ""], 2.0),
        (["", "refused", ""], 1.0),
        (["", SLOW_STORE, "refused", ""], 2.0),
        ([SLOW_STORE, "", SLOW_STORE, ""], 0.0),
        (["", SLOW_STORE], EVERY),  # nobody saw that it came back
        (["", "refused"], EVERY),
        ([], 0.0),
    ],
)
def test_how_long_it_was_away(answers: list[str], away: float) -> None:
    assert longest_away([(float(at), trouble) for at, trouble in enumerate(answers)]) == away
