"""What a person reads of a fault: its cause in the first lines, what to do, and no more than a screen holds."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from lab.proving.following import flaws_of
from voxgate.model.verdict import Judgement, RunOutcome, RunVerdict, Verdict
from voxgate.report.causes.grouping import causes_of
from voxgate.report.terminal.closing import SCREEN, closing

if TYPE_CHECKING:
    from lab.proving.fault import Fault

AROUND = 8
"""Lines of pytest's own that stand around a closing."""
WIDTH = 120
LAST_WORDS = ("one", "two", "three", "four", "five")
"""As many as a unit's last words have on the terminal."""


def badly_told(fault: Fault, findings: Sequence[Judgement]) -> Iterator[str]:
    """What the terminal says otherwise than it must of what a fault turned red."""
    if not findings:
        return
    causes = causes_of(findings)
    lines = on_the_terminal(findings)
    first = " ".join(" ".join(lines[:3]).split())
    if fault.cause and " ".join(fault.cause.split()) not in first:
        yield f"the first lines do not say {fault.cause!r}: {first}"
    yield from too_much(lines, SCREEN - AROUND)
    yield from (f"nobody says what to do: {one.label}: {one.found}" for one in causes if not one.advice)
    yield from flaws_of(findings, dict(fault.fill))


def too_much(lines: Sequence[str], most: int = SCREEN) -> Iterator[str]:
    """Whether a run says more than a screen holds."""
    if len(lines) > most:
        yield f"the terminal is told {len(lines)} lines, more than {most}"


def on_the_terminal(findings: Sequence[Judgement]) -> list[str]:
    """What a run without -v tells at its end, with a unit's last words wherever there may be some."""
    blind = all(one.verdict is Verdict.BLIND for one in findings)
    outcome = RunOutcome(
        "run", "lab", RunVerdict.BLIND if blind else RunVerdict.VIOLATED, 7 if blind else 1, 0.0, 1.0,
        deploy=False, partial=False, summary="does not hold", hosts=tuple(sorted({one.host for one in findings if one.host})),
        judgements=tuple(findings),
    )  # fmt: skip
    stream = io.StringIO()
    console = Console(file=stream, width=WIDTH, highlight=False)
    closing(outcome, console=console, report_path=Path("reports/run"), words={one.id: LAST_WORDS for one in findings})
    return [line for line in stream.getvalue().splitlines() if line.strip()]
