"""Text in lines of a width, for a terminal."""

from __future__ import annotations

import re
import textwrap

from rich.cells import cell_len, set_cell_size

from voxgate.errors import visible

_COMMAND = re.compile(r"`[^`\n]+`")
_BLANK = "\1"  # stands for a blank that no line may end at
_SECOND = "\0"  # stands for the second column of a wide letter while lines are broken; nothing that is visible holds it


def hanging(text: str, first: str, width: int, *, later: str | None = None) -> list[str]:
    """``text`` after ``first``, its later lines indented as far, none wider than ``width`` columns. Neither a word nor a command
    (between backticks) is broken: it stays one to copy, and what alone is wider the terminal breaks itself.
    """
    wide = _COMMAND.sub(lambda found: found[0].replace(" ", _BLANK), visible(text, "\n\t"))
    if not wide.isascii():  # a letter of two columns is one for textwrap: the terminal itself would break the line, at its edge
        wide = "".join(letter + _SECOND * (cell_len(letter) - 1) for letter in wide)
    lines = textwrap.wrap(
        wide,
        width=max(width, 40),
        initial_indent=first,
        subsequent_indent=" " * len(first) if later is None else later,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [line.replace(_SECOND, "").replace(_BLANK, " ") for line in lines] or [first.rstrip()]


def shortened(text: str, columns: int) -> str:
    """A line that is no wider than so many columns: what is, ends with `` ...``."""
    if cell_len(text) <= columns:
        return text
    return f"{set_cell_size(text, max(columns - 4, 0)).rstrip()} ..."
