"""The lab beside other tools: the floor, pytest alone, our look, a part of it, and what others need for a few of the same
facts.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench import facts, floor, measuring, ours, places
from bench.measuring import Way, interleaved
from bench.others import Rivals

FLOOR, BARE, LOOK, DIALLER = "floor", "bare pytest", "look", "look -m dialler"
NOT_LOOKED_AT = {
    FLOOR: "judges nothing: it only fetches",
    BARE: "judges nothing",
    DIALLER: "rules about other services alone, and about hosts as such",
}
OTHERS = (
    "who listens and connects, code and packages against lock and tag, `.env` and where its values leak, what starts at boot, "
    "sudo, keys, jobs, containers, what the database sees, whether anything restarted between two looks; nothing is signed"
)


def measure(rounds: int, say: Callable[[str], None]) -> dict[str, Any]:
    """All of them in turn, and the ratios that the targets are about."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        place = places.made(folder)
        document = facts.read(place, folder / "facts.json")
        ways = [
            Way(FLOOR, "one `ssh` a host with the probe, all at once", lambda: floor.ask_all(place)),
            Way(BARE, "pytest with voxgate's plugins and one empty test", ours.bare),
            Way(LOOK, "all of it: two looks, judged, reported, attested", ours.look(place)),
            Way(DIALLER, "the rules about the dialler alone", ours.look(place, "-m", "dialler")),
            *Rivals(place, document, folder / "facts.json").ways(),
        ]
        runs = interleaved(ways, rounds, say)
    found = measuring.rows(ways, runs)
    beyond = measuring.Spread.of(one.seconds - bare.seconds for one, bare in zip(runs[DIALLER], runs[BARE], strict=True))
    return {
        "rounds": rounds,
        "ways": [
            {**row, "floors": measuring.ratios(runs, row["name"], FLOOR).row(), "blind_to": NOT_LOOKED_AT.get(row["name"], "")}
            for row in found
        ],
        "look_of_floor_and_bare": measuring.ratios(runs, LOOK, FLOOR, BARE).row(),
        "dialler_beyond_bare": beyond.row(),
    }
