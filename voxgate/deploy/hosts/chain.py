"""The chain of the ledgers that hosts have (``contracts.ledger_lines``): where it is broken. Pure reading."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from voxgate.contracts.ledger_lines import flaws, lines_of
from voxgate.deploy.hosts.journal import Journal
from voxgate.deploy.hosts.state import Found

LINES = 200
"""Lines of each ledger that a run reads."""

_ROOM = 1024
"""Bytes of a line by which a host reckons how far back it reads."""


def is_whole(texts: Sequence[str], most: int) -> bool:
    """True where a host that was asked for ``most`` lines has no others."""
    return len(texts) < most and sum(len(text) + 1 for text in texts) < _ROOM * most


def broken(found: Mapping[str, Found], most: int) -> list[str]:
    """What is wrong with the ledgers, a line each, by placement id; of each at most ``most`` lines were asked for. What the
    journal says that was closed must stand in the ledger: its line is written first.
    """
    said = []
    for key, one in found.items():
        lines = list(lines_of(one.ledger))
        wrong = list(flaws(lines, whole=is_whole(one.ledger, most)))
        journal = one.journal
        if isinstance(journal, Journal) and journal.phase.closed:
            runs = {line.event.get(name) for line in lines for name in ("run", "mended")}
            if journal.run not in runs:
                wrong.append(f"it does not tell how run {journal.run} ended, which its journal knows: its last lines are gone")
        said += [f"the ledger of {key} was cut or edited: {why}" for why in wrong]
    return said
