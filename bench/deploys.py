"""What a deploy takes, and for how long nobody dials: by its own verdict.json, over some deploys in a row."""

from __future__ import annotations

import json
import tempfile
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.measuring import Spread
from bench.places import Place, made
from bench.processes import gate, run


def measure(rounds: int, say: Callable[[str], None]) -> dict[str, Any]:
    """The newest release of all four once more (warm: nothing is to be installed), and of each move how long it took."""
    with tempfile.TemporaryDirectory() as name:
        place = made(Path(name))
        found = []
        for number in range(1, rounds + 1):
            found.append(deployed(place))
            say(f"  {number}/{rounds}  a deploy of all  {found[-1]['seconds']:.1f} s")
    return summed(found)


def ready(say: Callable[[str], None]) -> None:
    """Deploy all to the lab: whoever measures asks what runs there, and a lab that just came up runs nothing. Raises VoxgateError
    where it is not done.
    """
    with tempfile.TemporaryDirectory() as name:
        say(f"  a deploy of all, in {deployed(made(Path(name)))['seconds']:.0f} s: what is measured is there")


def deployed(place: Place) -> dict[str, Any]:
    """One deploy of all; its verdict. Raises VoxgateError where it is not done."""
    with tempfile.TemporaryDirectory() as folder:
        run(gate("--estate", str(place.estate_file), "--deploy", "all", "--reports", folder, "--html", "never", "-q"))
        content: dict[str, Any] = json.loads((Path(folder) / "latest" / "verdict.json").read_text())
    return content


def summed(verdicts: list[dict[str, Any]]) -> dict[str, Any]:
    """Of some verdicts: seconds, the moves' seconds, and the dialler's gaps. A move of a deploy is from the first host that
    began it to the last that ended it; where moves of services overlap, so do these.
    """
    spans: dict[str, list[float]] = defaultdict(list)
    for verdict in verdicts:
        by: dict[str, list[tuple[float, float]]] = defaultdict(list)
        for row in verdict["moves"]:
            by[row["move"]].append((row["started"], row["started"] + row["seconds"]))
        for move, times in by.items():
            spans[move].append(max(end for _, end in times) - min(begin for begin, _ in times))
    away: dict[str, list[float]] = defaultdict(list)
    for gap in (gap for verdict in verdicts for gap in verdict["gaps"] if gap["seconds"] is not None):
        away[gap["service"]].append(gap["seconds"])
    gaps = away.pop("dialler", [])
    return {
        "deploys": len(verdicts),
        "judged": sum(number for word, number in verdicts[-1]["counts"].items() if word != "missing"),
        "seconds": Spread.of(verdict["seconds"] for verdict in verdicts).row(),
        "moves": {move: Spread.of(found).row() for move, found in spans.items()},
        "gaps": Spread.of(gaps).row() if gaps else None,
        "away": {service: Spread.of(found).row() for service, found in away.items()},
    }
