"""How many there are, in words."""

from __future__ import annotations


def counted(count: int, one: str, several: str = "") -> str:
    """``1 day``, ``2 days``, ``0 days``. Where that is more than an s, ``several`` is the words for any other number than one:
    ``counted(n, "entry is", "entries are")``.
    """
    return f"{count} {one if count == 1 else several or f'{one}s'}"
