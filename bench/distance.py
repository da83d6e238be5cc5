"""The same over a distance: a relay that delays stands before each host's sshd and the forge's, and all that goes by SSH goes
by it.

The slope of time over distance is the number of round trips that follow one another: it says what a far estate costs, on whatever
machine it is measured.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench import facts, floor, ours, places
from bench.measuring import Run, Spread, Way, once, slope
from bench.others import Rivals
from bench.relay import relaying

FLOOR, LOOK, DIALLER = "floor", "look", "look -m dialler"
TESTINFRA = "testinfra, ssh ControlPath"


def measure(
    round_trips: Sequence[float], rival_trips: Sequence[float], rounds: int, say: Callable[[str], None]
) -> dict[str, Any]:
    """Seconds of each way at each round trip time (milliseconds), and round trips in a row. In each round all distances are gone
    through, so that a slow minute is one of all; ``rival_trips`` are those at which testinfra, which takes long, is asked too.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        near = places.made(folder / "near")
        document = facts.read(near, folder / "facts.json")
        addresses = [*(host.address for host in near.estate.hosts), places.FORGE]
        with relaying([(address, 22) for address in addresses]) as (relay, ports):
            far = places.made(folder / "far", {address: ports[address, 22] for address in addresses})
            rival = Rivals(far, document, folder / "facts.json").testinfra("ssh")
            ways = [
                Way(FLOOR, "", lambda: floor.ask_all(far)),
                Way(LOOK, "", ours.look(far)),
                Way(DIALLER, "", ours.look(far, "-m", "dialler")),
                Way(TESTINFRA, "", rival),
            ]
            runs: dict[str, dict[float, list[Run]]] = {way.name: {} for way in ways}
            once(ways[0])
            seen: dict[str, dict[str, Any]] = {}
            for number in range(1, rounds + 1):
                for distance in round_trips:
                    relay.delay = distance / 2000
                    for way in ways:
                        if way.name == TESTINFRA and distance not in rival_trips:
                            continue
                        before = len(relay.turns)
                        run = once(way)
                        seen[way.name] = spoken(relay.turns[before:], {host.address: host.name for host in near.estate.hosts})
                        runs[way.name].setdefault(distance, []).append(run)
                        say(f"  {number}/{rounds}  {distance:4.0f} ms  {way.name:28} {run.seconds:7.2f} s")
    measured = [way for way in ways if runs[way.name]]
    return {"rounds": rounds, "ways": [row(way.name, runs[way.name], seen[way.name]) for way in measured]}


def spoken(turns: Sequence[tuple[tuple[str, int], int]], names: Mapping[str, str]) -> dict[str, Any]:
    """How many connections there were, and on each host's the most turns, by name; what is no host is the forge."""
    most: dict[str, int] = {}
    for (address, _), count in turns:
        name = names.get(address, "forge")
        most[name] = max(count, most.get(name, 0))
    return {"connections": len(turns), "turns": dict(sorted(most.items(), key=lambda item: -item[1]))}


def row(name: str, runs: dict[float, list[Run]], seen: dict[str, Any]) -> dict[str, Any]:
    """One way: its seconds at each distance, the slope through the quickest run of each, as round trips; ``seen`` as of
    ``spoken``.
    """
    at = [{"ms": distance, "seconds": Spread.of(run.seconds for run in found).row()} for distance, found in runs.items()]
    points = [(distance / 1000, min(run.seconds for run in found)) for distance, found in runs.items()]
    trips = round(slope(points), 1) if len(points) > 1 else None
    return {"name": name, "at": at, "round_trips": trips, **seen}
