"""Text in lines of a width, for a terminal."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator

from rich.cells import cell_len, set_cell_size

from voxgate.errors import visible
from voxgate.model.verdict import RunVerdict

_COMMAND = re.compile(r"`[^`\n]+`")
_BLANK = "\1"  # stands for a blank that no line may end at
_KEPT = "\2"  # begins a command: it is not broken
_SECOND = "\0"  # stands for the second column of a wide letter while lines are broken; nothing that is visible holds it
_VERDICT = re.compile("|".join(re.escape(one.value.upper()) for one in RunVerdict))  # how the line begins that people look for


def hanging(text: str, first: str, width: int, *, later: str | None = None, commands: bool = True) -> list[str]:
    """``text`` after ``first``, its later lines indented as far, none wider than ``width`` columns. A command (between backticks)
    is not broken: it stays one to copy, and one that is wider the terminal itself breaks at its edge, if no row would begin there
    as a verdict does. Text with words of a host's own has none (``commands`` is False). Of other words only those are broken that
    are wider than a line.
    """
    wide, later, width = visible(text, "\n\t"), " " * len(first) if later is None else later, max(width, 40)
    if commands:
        wide = _COMMAND.sub(lambda found: _KEPT + found[0].replace(" ", _BLANK), wide)
    if not wide.isascii():  # a letter of two columns is one for textwrap: the terminal itself would break the line, at its edge
        wide = "".join(letter + _SECOND * (cell_len(letter) - 1) for letter in wide)
    room = width - max(len(first), len(later))
    wide = re.sub(rf"\S{{{room + 1},}}", lambda found: found[0] if _KEPT in found[0] else " ".join(_pieces(found[0], room)), wide)
    lines = textwrap.wrap(
        wide, width=width, initial_indent=first, subsequent_indent=later, break_long_words=False, break_on_hyphens=False
    )
    lines = [re.sub(f"[{_KEPT}{_SECOND}]", "", line).replace(_BLANK, " ") for line in lines] or [first.rstrip()]
    if not commands:
        return lines
    indents = (first, *(later for _ in lines[1:]))
    return [one for indent, line in zip(indents, lines, strict=True) for one in _unforged(line, indent, later, width)]


def _unforged(line: str, indent: str, later: str, width: int) -> list[str]:
    """A line as it is, or broken where a row of it would begin at the terminal's edge as a verdict does; of letters that are not
    ASCII nobody says where that is.
    """
    said, rows = line.removeprefix(indent), (line[at:] for at in range(width, len(line), width))
    if cell_len(line) > width and (not said.isascii() or any(map(_VERDICT.match, rows))):
        return hanging(said, indent, width, later=later, commands=False)
    return [line]


def _pieces(word: str, room: int) -> Iterator[str]:
    """A word in pieces of so many columns; none begins with the second column of a letter."""
    while word:
        end = room - 1 if word[room : room + 1] == _SECOND else room
        yield word[:end]
        word = word[end:]


def shortened(text: str, columns: int) -> str:
    """A line that is no wider than so many columns: what is, ends with `` ...``."""
    if cell_len(text) <= columns:
        return text
    return f"{set_cell_size(text, max(columns - 4, 0)).rstrip()} ..."
