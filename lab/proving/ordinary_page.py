"""What is published of the ordinary things: docs/ORDINARY.md, made from their headers, and ``matrix.json`` of a run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from lab import places
from lab.proving.ordinary import Ordinary, all_ordinary
from voxgate.contracts.schemas import check

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from lab.proving.trying import Trial

FORMAT = 1
PAGE = places.ROOT / "docs" / "ORDINARY.md"
HEAD = """\
# Ordinary life

Made by `make docs`; do not edit. The twin of [the faults](FAULTS.md): what is rightly on hosts, and must stay green.
`make ordinary` puts all of it on the lab at once and looks: all must hold. Where the estate must say something, each entry is
then left out, and exactly what is declared must be red, so that no entry is idle and none covers more than its own thing.
`uv run lab ordinary NAME` tries one alone; `uv run lab break NAME` and `uv run lab mend` do it by hand.
An estate of another shape (no console, two databases of one server that two diallers of one host work on, stores outside, fleet
and SIP on one host) is deployed to and judged by `tests/lab/test_shapes.py`.
"""


def page(things: Sequence[Ordinary] | None = None) -> str:
    """The whole page."""
    things = all_ordinary() if things is None else things
    plain = [thing for thing in things if not thing.entry]
    said = [thing for thing in things if thing.entry]
    lines = [HEAD, f"## {len(plain)} things that hold as they are", "", "| thing | on | what it is | met |", "|---|---|---|---|"]
    lines += [f"| `{thing.name}` | {thing.host} | {thing.about} | {thing.common} |" for thing in plain]
    lines += ["", f"## {len(said)} things that the estate says", ""]
    for thing in said:
        red = ", ".join((*thing.without, *(f"{one} (blind)" for one in thing.blind)))
        lines += [f"### {thing.name}", "", f"{thing.about} On {thing.host}; met: {thing.common}. Without the entry: {red}."]
        lines += ["", "```toml", thing.entry, "```", ""]
    return "\n".join(lines).rstrip() + "\n"


def publish() -> None:
    """The page in docs/."""
    PAGE.write_text(page(), "utf-8")


def write(trials: Sequence[Trial], started: str, seconds: float, trouble: str, path: Path) -> None:
    """What came of a run (schemas/ordinary-matrix.schema.json): whole, or not at all."""
    made = {
        "format": FORMAT,
        "started": started,
        "seconds": round(seconds, 1),
        "whole": {trial.thing.name for trial in trials} == {thing.name for thing in all_ordinary()},
        "trouble": trouble,
        "ordinary": [_row(trial) for trial in sorted(trials, key=lambda one: one.thing.name)],
    }
    check("ordinary-matrix", made, where=path.name)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".new")
    draft.write_text(json.dumps(made, indent=1, ensure_ascii=False) + "\n", "utf-8")
    draft.replace(path)


def _row(trial: Trial) -> dict[str, Any]:
    return {
        "name": trial.thing.name,
        "about": trial.thing.about,
        "common": trial.thing.common,
        "host": trial.thing.host,
        "entry": trial.thing.entry,
        "holds": trial.is_proved,
        "trouble": trial.trouble,
        "differences": trial.differences,
        "without": {one: finding.verdict for one, finding in trial.seen.items()},
        "found": {one: finding.found for one, finding in trial.seen.items()},
    }
