"""Deadlines: one moment that a whole piece of work must not outlive, whatever its steps are."""

from __future__ import annotations

import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment on the monotonic clock, and the seconds it was away when it was set (for the words of an error)."""

    at: float
    seconds: float

    @classmethod
    def after(cls, seconds: float) -> Deadline:
        """The moment ``seconds`` from now."""
        return cls(time.monotonic() + seconds, seconds)

    @property
    def remaining(self) -> float:
        """Seconds left, never below zero."""
        return max(0.0, self.at - time.monotonic())

    @property
    def passed(self) -> bool:
        """True once no time is left."""
        return self.remaining <= 0.0

    def __str__(self) -> str:
        """As an error says it: ``5 s``, ``0.5 s``."""
        return f"{self.seconds:g} s"
