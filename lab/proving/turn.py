"""A part of many proofs, where each has its turn: in as many turns as there are parts, all of them are tried.

CI has no time for all that needs a lab at each commit; a third of it, another one with each commit, shows sooner what a commit
broke than all of it once a week. ``make test`` and ``make proofs`` together try all.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from lab.proving.fault import ids_of
from lab.proving.script import rule_of
from voxgate.errors import VoxgateError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lab.proving.fault import Fault

Row = TypeVar("Row")
_WORDS = re.compile(r"([1-9][0-9]{0,2})/([1-9][0-9]{0,2})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Turn:
    """The ``number``-th of ``parts``, counted from one."""

    number: int
    parts: int

    @classmethod
    def read(cls, words: str) -> Turn:
        """``2/3``: the second of three; nothing is all. Raises VoxgateError for what is no turn."""
        found = _WORDS.fullmatch(words or "1/1")
        turn = cls(*map(int, found.groups())) if found else cls(2, 1)
        if turn.number > turn.parts:
            why = "it takes a number, and of how many parts"
            raise VoxgateError("is no turn", where=f"TURN={words}", why=why, hint="say 1/3, 2/3 or 3/3")
        return turn

    def of(self, rows: Sequence[Row]) -> list[Row]:
        """What has this turn: each ``parts``-th; all, where there are fewer than parts."""
        return list(rows) if len(rows) < self.parts else list(rows[self.number - 1 :: self.parts])

    def of_faults(self, faults: Sequence[Fault]) -> tuple[Fault, ...]:
        """The faults that have this turn, and of the others those that make a rule violated or blind which none of these does."""
        mine = self.of(faults)
        shown = {rule for fault in mine for rule in _rules(fault)}
        for fault in faults:
            if not shown.issuperset(rules := _rules(fault)):
                mine.append(fault)
                shown |= rules
        return tuple(mine)


def _rules(fault: Fault) -> set[tuple[str, str]]:
    return {(rule_of(one), verdict) for one, verdict in fault.declared(ids_of(fault)).items()}
