"""One look at an estate, for whoever wants its evidence and nothing else: no deploy, no verdict."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from voxgate.deploy.gate import Gate
from voxgate.deploy.run_context import Options
from voxgate.errors import VoxgateError
from voxgate.model.estate import Estate
from voxgate.model.look import Evidence
from voxgate.model.verdict import MoveRecord


def look_at(estate: Estate, folder: Path, *, bake: float | None = None, tell: Callable[[str], object] = str) -> Evidence:
    """Look as `pytest --estate NAME` does: new connections, both surveys, the remotes; saved in ``folder``. ``bake`` is the time
    between the two in seconds, as the estate says without it; ``tell`` is given each note. Raises VoxgateError.
    """
    gate = Gate(estate, Options(bake=bake), folder, "look", _Notes(tell))
    try:
        seen = gate.prepare()
    finally:
        gate.close()
    if seen is None:
        raise VoxgateError("the look was interrupted", where=estate.name)
    return seen


class _Notes:
    """A progress of which only the notes are told: a look makes no moves."""

    def __init__(self, tell: Callable[[str], object]) -> None:
        self._tell = tell

    def begin(self, service: str, host: str, move: str) -> None:
        """Nothing."""

    def end(self, record: MoveRecord) -> None:
        """Nothing."""

    def note(self, text: str) -> None:
        """Tell it."""
        self._tell(text)
