"""What a deploy takes, near and far, and for how long nobody dials: by its own verdict.json, over some deploys in a row."""

from __future__ import annotations

import json
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.measuring import Spread, slope
from bench.places import FORGE, Place, made
from bench.processes import gate, run
from bench.relay import relaying

ONE = "backend"
"""The service that is deployed over a distance: it has one host, so that its moves follow one another."""


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


def measure_far(round_trips: Sequence[float], rounds: int, say: Callable[[str], None]) -> dict[str, Any]:
    """The newest release of one service once more, at each round trip time (milliseconds): in each round all distances are gone
    through. A relay that delays stands before the sshd of each host and of the forge.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        addresses = [*(host.address for host in made(folder / "near").estate.hosts), FORGE]
        with relaying([(address, 22) for address in addresses]) as (relay, ports):
            far = made(folder / "far", {address: ports[address, 22] for address in addresses})
            found: dict[float, list[dict[str, Any]]] = defaultdict(list)
            for number in range(1, rounds + 1):
                for distance in round_trips:
                    relay.delay = distance / 2000
                    found[distance].append(deployed(far, ONE))
                    say(f"  {number}/{rounds}  {distance:4.0f} ms  a deploy of {ONE}  {found[distance][-1]['seconds']:.1f} s")
    return {"rounds": rounds, "service": ONE, **by_distance(found)}


def by_distance(found: Mapping[float, Sequence[Mapping[str, Any]]]) -> dict[str, Any]:
    """Of verdicts at each distance in milliseconds: the seconds at each, and the slope through the quickest of each, of all of
    it and of the longest move of each kind, as round trips; None of one distance alone.
    """
    at = [{"ms": ms, "seconds": Spread.of(one["seconds"] for one in verdicts).row()} for ms, verdicts in found.items()]
    spans = {ms: [_longest(one["moves"]) for one in verdicts] for ms, verdicts in found.items()}
    moves = dict.fromkeys(move for each in spans.values() for one in each for move in one)
    return {
        "at": at,
        "round_trips": _trips({ms: [one["seconds"] for one in verdicts] for ms, verdicts in found.items()}),
        "moves": {move: _trips({ms: [one[move] for one in each] for ms, each in spans.items()}) for move in moves},
    }


def _trips(seconds: Mapping[float, Sequence[float]]) -> float | None:
    points = [(ms / 1000, min(each)) for ms, each in seconds.items()]
    return round(slope(points), 1) if len(points) > 1 else None


def deployed(place: Place, service: str = "all") -> dict[str, Any]:
    """One deploy of all, or of one service; its verdict. Raises VoxgateError where it is not done."""
    with tempfile.TemporaryDirectory() as folder:
        run(gate("--estate", str(place.estate_file), "--deploy", service, "--reports", folder, "--html", "never", "-q"))
        content: dict[str, Any] = json.loads((Path(folder) / "latest" / "verdict.json").read_text())
    return content


def summed(verdicts: list[dict[str, Any]]) -> dict[str, Any]:
    """Of some verdicts: seconds, the moves' seconds, and the dialler's gaps. A move of a deploy is from the first host that
    began it to the last that ended it; where moves of services overlap, so do these.
    """
    spans: dict[str, list[float]] = defaultdict(list)
    for verdict in verdicts:
        for move, span in _spans(verdict["moves"]).items():
            spans[move].append(span)
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


def _spans(moves: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """Seconds of each move, from the first host that began it to the last that ended it."""
    by: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for row in moves:
        by[row["move"]].append((row["started"], row["started"] + row["seconds"]))
    return {move: max(end for _, end in times) - min(begin for begin, _ in times) for move, times in by.items()}


def _longest(moves: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """Seconds of the longest move of each kind."""
    found: dict[str, float] = {}
    for row in moves:
        found[row["move"]] = max(row["seconds"], found.get(row["move"], 0.0))
    return found
