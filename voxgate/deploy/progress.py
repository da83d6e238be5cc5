"""What a deploy tells while it runs. The report layer shows it; the deploy only speaks."""

from __future__ import annotations

from typing import Protocol

from voxgate.model.verdict import MoveRecord


class Progress(Protocol):
    """Told from several threads at once."""

    def begin(self, service: str, host: str, move: str) -> None:
        """A move begins on a host."""

    def end(self, record: MoveRecord) -> None:
        """A move ended, well or not: ``record.error`` tells."""

    def note(self, text: str) -> None:
        """Something worth a line."""
