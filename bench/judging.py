"""Judging alone: no host, no network. Saved evidence of N fleet hosts, and what a judged test costs of the processor."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bench.many import multiplied
from bench.measuring import Run, Spread, Way, interleaved, once, slope
from bench.ours import judged
from bench.processes import gate, rival, run

EMPTY = """
import pytest

@pytest.mark.parametrize("number", range({tests}))
def test_nothing(number):
    assert number >= 0
"""
HOLDS_OR_NOT = (0, 1, 7)


def offline(folder: Path) -> int:
    """Judge the evidence of a large estate; how many tests that were."""
    with tempfile.TemporaryDirectory() as reports:
        words = ["--evidence", str(folder / "evidence"), "--estate", str(folder / "hosts" / "lab.toml"), "--html", "never"]
        run(gate(*words, "--reports", reports, "-q"), fine=HOLDS_OR_NOT)
        return judged(json.loads((Path(reports) / "latest" / "verdict.json").read_text()))


def stock(tests: int) -> int:
    """As many tests that only assert, by pytest alone: none of our plugins, no Allure."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "test_empty.py").write_text(EMPTY.format(tests=tests))
        words = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", "/dev/null", "--rootdir", folder, "--confcutdir", folder]
        run([rival("python"), *words, f"{folder}/test_empty.py"])
    return tests


def measure(sizes: Sequence[int], rounds: int, say: Callable[[str], None]) -> dict[str, Any]:
    """For each number of fleet hosts (of three workers each) the seconds of processor of judging it, and of as many empty
    tests.
    """
    found = []
    for size in sizes:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            multiplied(folder, size)
            mine = Way(f"{size} fleet hosts", "", lambda folder=folder: offline(folder))  # type: ignore[misc]
            first = once(mine)
            tests = first.judged
            ways = [mine, Way(f"{tests} empty tests", "", lambda tests=tests: stock(tests))]  # type: ignore[misc]
            say(f"  {size} fleet hosts: {tests} tests, {first.cpu:.2f} s of CPU")
            runs = interleaved(ways, rounds, say, warm=False)
        ours_runs, empty = (runs[way.name] for way in ways)
        found.append({"hosts": size, "tests": tests, **costs(ours_runs, empty, tests)})
    grows = slope((row["tests"], row["cpu"]["median"]) for row in found) * 1000 if len(found) > 1 else None
    return {"sizes": found, "ms_of_one_more_test": None if grows is None else round(grows, 3), "rounds": rounds}


def costs(mine: Sequence[Run], empty: Sequence[Run], tests: int) -> dict[str, Any]:
    """Seconds of processor of both, and of their difference milliseconds a test, turn by turn."""
    beyond = Spread.of((one.cpu - other.cpu) / tests * 1000 for one, other in zip(mine, empty, strict=True))
    cpu, bare = Spread.of(one.cpu for one in mine), Spread.of(one.cpu for one in empty)
    return {"cpu": cpu.row(), "bare_cpu": bare.row(), "ms_a_test": beyond.row()}
