"""Tracebacks of what nobody foresaw: in a file of the run's folder, secrets cut, and nowhere else."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from voxgate.errors import UNFORESEEN

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from voxgate.redaction.cutting import Redactor


class _Cut(logging.Formatter):
    """A record with its traceback, cut as all that is written is."""

    def __init__(self, redactor: Redactor) -> None:
        """With the time before each."""
        super().__init__("%(asctime)s %(message)s")
        self._redactor = redactor

    def format(self, record: logging.LogRecord) -> str:
        """The whole record."""
        return self._redactor.cut(super().format(record))


def keep_traces(path: Path, redactor: Redactor) -> Callable[[], None]:
    """From here on they go to ``path``, which is made with the first. Returns what ends it."""
    handler = logging.FileHandler(path, encoding="utf-8", errors="backslashreplace", delay=True)
    handler.setFormatter(_Cut(redactor))
    logger = logging.getLogger(UNFORESEEN)
    logger.propagate = False
    logger.addHandler(handler)

    def end() -> None:
        logger.removeHandler(handler)
        handler.close()

    return end
