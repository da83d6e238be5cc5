"""What a run is told to have done beside its verdict, in words that every report shares: who served, what changed."""

from __future__ import annotations

from collections.abc import Sequence

from voxgate.model.content import listed
from voxgate.model.counting import counted
from voxgate.model.fingerprints import UNEXPLAINED, HostChanges
from voxgate.model.verdict import RunOutcome

UNEXPLAINED_SHOWN = 5
"""Unexplained changes that are told by name in lines; the page and changes.json have all."""


def served_lines(outcome: RunOutcome) -> list[str]:
    """Who served while the fleet was rolled there, and on the way back."""
    rolls = ((outcome.rolled, ""), (outcome.rolled_back, "on the way back "))
    return [f"{word}{roll.line}" for roll, word in rolls if roll]


def since_words(outcome: RunOutcome) -> str:
    """``2026-11-22T08-00-00Z-lab-11aa (look, holds): 1 newly red``; empty where nothing differs, or there is no run before."""
    then = outcome.compared
    words = "; ".join(then.words(outcome.seconds, outcome.rolled)) if then else ""
    return f"{then.run} ({then.how}, {then.verdict}): {words}" if then and words else ""


def since_done_lines(changes: Sequence[HostChanges], *, brief: bool = False) -> list[str]:
    """How much is not as it was at the last done, then the first of what nobody explains, then hosts that were not compared;
    ``brief``: only the first of these.
    """
    changed = [one for one in changes if one.changes]
    unexplained = [(one, change) for one in changed for change in one.unexplained]
    said = []
    if changed:
        count = sum(len(one.changes) + one.more for one in changed)
        where = listed([one.host for one in changed], UNEXPLAINED_SHOWN)
        said.append(f"{counted(count, 'thing')} changed on {where}, {len(unexplained)} of them unexplained: changes.json has all")
    if brief:
        return said
    for host, change in unexplained[:UNEXPLAINED_SHOWN]:
        said.append(f"{UNEXPLAINED}: {host.host}: {change.line}, since {host.at} (run {host.run})")
    if len(unexplained) > UNEXPLAINED_SHOWN:
        said.append(f"{UNEXPLAINED}: and {len(unexplained) - UNEXPLAINED_SHOWN} more")
    notes: dict[str, list[str]] = {}
    for one in changes:
        if one.note:
            notes.setdefault(one.note, []).append(one.host)
    return said + [f"{listed(hosts, UNEXPLAINED_SHOWN)}: {note}" for note, hosts in list(notes.items())[:2]]
