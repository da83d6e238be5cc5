"""Text in lines of a width, for a terminal."""

from __future__ import annotations

import textwrap

from voxgate.errors import visible


def hanging(text: str, first: str, width: int, *, later: str | None = None) -> list[str]:
    """``text`` after ``first``, its later lines indented as far. Words are never broken: a command stays one to copy."""
    return textwrap.wrap(
        visible(text, "\n\t"),
        width=max(width, 40),
        initial_indent=first,
        subsequent_indent=" " * len(first) if later is None else later,
        break_long_words=False,
        break_on_hyphens=False,
    ) or [first.rstrip()]
