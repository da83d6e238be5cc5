"""What a run is told to have done beside its verdict, in words that every report shares: who served, what changed."""

from __future__ import annotations

from voxgate.model.verdict import RunOutcome


def served_lines(outcome: RunOutcome) -> list[str]:
    """Who served while the fleet was rolled there, and on the way back."""
    rolls = ((outcome.rolled, ""), (outcome.rolled_back, "on the way back "))
    return [f"{word}{roll.line}" for roll, word in rolls if roll]


def since_words(outcome: RunOutcome) -> str:
    """``2026-11-22T08-00-00Z-lab-11aa (look, holds): 1 newly red``; empty where nothing differs, or there is no run before."""
    then = outcome.compared
    words = "; ".join(then.words(outcome.seconds, outcome.rolled)) if then else ""
    return f"{then.run} ({then.how}, {then.verdict}): {words}" if then and words else ""
