"""Numbers as words and rows of Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def table(head: Sequence[str], rows: Sequence[Sequence[str]], words: int = 1) -> str:
    """A table; the first columns, so many, are text, the others stand at the right."""
    lines = [_row(head), _row(["---" if at < words else "---:" for at in range(len(head))])]
    return "\n".join([*lines, *(_row(row) for row in rows)])


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def seconds(spread: Mapping[str, Any]) -> str:
    """``2.41 s (2.30..2.88)``."""
    return f"{number(spread['median'])} s ({number(spread['least'])}..{number(spread['most'])})"


def plain(spread: Mapping[str, Any], unit: str = "") -> str:
    """The same of any unit."""
    return f"{number(spread['median'])}{unit} ({number(spread['least'])}..{number(spread['most'])})"


def number(value: float) -> str:
    """Three digits that mean something."""
    if value == 0:
        return "0"
    if abs(value) >= 100:  # noqa: PLR2004 - three digits
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"  # noqa: PLR2004 - three digits


def met(value: float, limit: float, why: str = "") -> str:
    """Whether a target is met, and where it is not, ``why``."""
    if value <= limit:
        return "**met**"
    return f"not met: {why}" if why else "not met"
