"""What runs come to: each turn is compared with itself alone."""

from __future__ import annotations

import pytest

from bench.measuring import Run, Spread, Way, interleaved, once, percentile, ratios, slope


def test_a_spread_has_the_middle_and_both_ends() -> None:
    assert Spread.of([3.0, 1.0, 2.0]) == Spread(2.0, 1.0, 3.0, 3)
    assert Spread.of([1.0, 4.0]).row() == {"median": 2.5, "least": 1.0, "most": 4.0, "runs": 2}
    with pytest.raises(ValueError, match="nothing"):
        Spread.of([])


def test_ways_take_turns_and_the_first_time_is_not_counted() -> None:
    done: list[str] = []

    def way(name: str) -> Way:
        return Way(name, "", lambda: done.append(name) or 3)  # type: ignore[func-returns-value]

    runs = interleaved([way("a"), way("b")], 2, lambda _: None)
    assert done == ["a", "b", "a", "b", "a", "b"]
    assert {name: [run.judged for run in found] for name, found in runs.items()} == {"a": [3, 3], "b": [3, 3]}


def test_a_slow_minute_changes_no_ratio() -> None:
    runs = {
        "mine": [Run(3.0, 0, 0), Run(30.0, 0, 0)],
        "floor": [Run(1.0, 0, 0), Run(10.0, 0, 0)],
        "bare": [Run(0.5, 0, 0), Run(5.0, 0, 0)],
    }
    assert ratios(runs, "mine", "floor", "bare") == Spread(2.0, 2.0, 2.0, 2)


def test_processor_of_children_is_counted_where_they_were_waited_for() -> None:
    import subprocess  # noqa: PLC0415 - for this one
    import sys  # noqa: PLC0415

    busy = "import time\nwhile time.process_time() < 0.2: pass"
    run = once(Way("busy", "", lambda: subprocess.run([sys.executable, "-IS", "-c", busy], check=True).returncode))
    assert run.cpu >= 0.2


def test_a_percentile_is_a_number_that_was_seen() -> None:
    hundred = [float(number) for number in range(1, 101)]
    assert (percentile(hundred, 50), percentile(hundred, 99), percentile(hundred, 100)) == (50.0, 99.0, 100.0)
    assert percentile([7.0], 99) == 7.0
    with pytest.raises(ValueError, match="nothing"):
        percentile([], 50)


def test_round_trips_are_the_slope_of_seconds_over_distance() -> None:
    assert slope([(0.0, 2.0), (0.1, 2.9), (0.2, 3.8)]) == pytest.approx(9.0)
    with pytest.raises(ValueError, match="one place"):
        slope([(0.1, 1.0), (0.1, 2.0)])
