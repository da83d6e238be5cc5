"""Voxgate as a person starts it: a look, a part of one, and pytest with its plugins and nothing to do."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.places import Place
from bench.processes import gate, run
from voxgate.errors import VoxgateError

EMPTY = "def test_nothing() -> None:\n    pass\n"


def looked(estate: str, *words: str, reports: Path | None = None) -> dict[str, Any]:
    """One look at an estate; its verdict.json. Raises VoxgateError where it does not hold: a look at what is red is another."""
    with tempfile.TemporaryDirectory() as folder:
        target = reports or Path(folder)
        run(gate("--estate", estate, "--reports", str(target), "--html", "never", *words))
        content: dict[str, Any] = json.loads((target / "latest" / "verdict.json").read_text())
    return content


def judged(verdict: dict[str, Any]) -> int:
    """How many judgements a verdict has."""
    return sum(number for verdict_word, number in verdict["counts"].items() if verdict_word != "missing")


def look(place: Place, *words: str) -> Callable[[], int]:
    """A look, as work for a way."""
    return lambda: judged(looked(str(place.estate_file), *words))


def bare() -> int:
    """Pytest with voxgate's plugins and one empty test, no estate. Judges nothing."""
    with tempfile.TemporaryDirectory() as folder:
        test = Path(folder) / "test_empty.py"
        test.write_text(EMPTY)
        said = run(gate("-q", "-p", "no:cacheprovider", str(test)))
        if "1 passed" not in said:
            raise VoxgateError("an empty test did not pass", why=said[-500:])
    return 0
