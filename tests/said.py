"""A progress for tests: what a gate notes is kept, and no move may begin."""

from __future__ import annotations

from dataclasses import dataclass, field

from voxgate.model.verdict import MoveRecord


@dataclass(slots=True)
class Said:
    """What a gate says."""

    notes: list[str] = field(default_factory=list)

    def begin(self, service: str, host: str, move: str) -> None:
        """Nothing begins here."""
        raise AssertionError((service, host, move))

    def end(self, record: MoveRecord) -> None:
        """Nothing ends here."""
        raise AssertionError(record)

    def note(self, text: str) -> None:
        """Kept."""
        self.notes.append(text)
