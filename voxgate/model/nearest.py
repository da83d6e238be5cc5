"""What somebody probably meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(word: str, known: Iterable[str]) -> str:
    """The one of ``known`` that is most like ``word``; empty where none is."""
    return next(iter(difflib.get_close_matches(word, list(known), n=1)), "")
