"""A waiver: one violation that an estate accepts in writing, until a day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from voxgate.model.where import end_of_match

MOST_DAYS = 90
"""How many days ahead of a look a waiver may end, where ``[estate]`` says nothing else."""

MOST = 10
"""How many an estate may have, where ``[estate]`` says nothing else."""


@dataclass(frozen=True, slots=True)
class Waiver:
    """``rule`` is an invariant's name; ``subject`` what stands in the brackets of its id, empty for the estate as a whole;
    ``found`` the whole text of one thing that was found there. In both ``*`` stands for any run of characters, in ``found`` for
    none that holds ``: `` but at its end: behind one stand words that a process may choose. ``until`` is the last day (UTC) on
    which it counts.
    """

    rule: str
    subject: str
    found: str
    reason: str
    by: str
    until: date

    @property
    def name(self) -> str:
        """As an id: ``only-expected-listeners[fleet-*]``."""
        return f"{self.rule}[{self.subject}]" if self.subject else self.rule

    @property
    def accepted(self) -> str:
        """Until when, why and by whom."""
        return f"waived until {self.until}: {self.reason} ({self.by})"

    def is_about(self, rule: str, subject: str) -> bool:
        """True if it is about that rule on that subject."""
        return self.rule == rule and end_of_match(self.subject, subject) is not None

    def fits(self, finding: str, host: str | None) -> bool:
        """True if that is the whole of what was found, with or without the host before it."""
        return any(_is_what(self.found, text) for text in (finding, f"{host}: {finding}"))

    def has_ended(self, day: date) -> bool:
        """True if it counts no more on ``day``."""
        return day > self.until

    def counts(self, day: date, days: int) -> bool:
        """True if it counts on ``day``, where none may end more than ``days`` later."""
        return not self.has_ended(day) and self.until <= day + timedelta(days=days)


def _is_what(found: str, text: str) -> bool:
    end = end_of_match(found, text)
    return end is not None and text.count(": ", 0, end) == found.count(": ")
