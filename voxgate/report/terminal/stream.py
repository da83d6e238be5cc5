"""The terminal, cut: a text file that lets no secret through, and names of tests without any."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from typing import IO, Any, TextIO

from voxgate.redaction.cutting import Redactor


class CutStream:
    """A text file that cuts each piece as it is written. All else is the file's own."""

    def __init__(self, stream: TextIO, redactor: Redactor) -> None:
        """Write to ``stream``."""
        self._stream = stream
        self._redactor = redactor

    def write(self, text: str) -> int:
        """Write ``text`` without its secrets; returns the length of what was given, as its caller expects. A terminal that is
        gone ends nothing.
        """
        try:
            self._stream.write(self._redactor.cut_on_terminal(text))
        except OSError:
            silence(self._stream)
        return len(text)

    def flush(self) -> None:
        """As ``write``: whoever listened may be gone."""
        try:
            self._stream.flush()
        except OSError:
            silence(self._stream)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def silence(stream: IO[str]) -> None:
    """From here on what is written to ``stream`` goes nowhere, also what is still in its buffer, and nothing of it fails: its
    reader is gone (a closed pipe or terminal) or its disk is full, and a deploy is still to be put in order.
    """
    with suppress(OSError, ValueError):  # no file of the system is behind it
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def unique_names(names: Sequence[str], redactor: Redactor) -> list[str]:
    """Each name cut, in order. Those that differed by their secrets alone are numbered: two tests are never one."""
    taken = set(names)
    cut: list[str] = []
    for name in names:
        wanted = found = redactor.cut(name)
        number = 1
        while wanted != name and found in taken:
            number += 1
            found = f"{wanted[:-1]}-{number}]" if wanted.endswith("]") else f"{wanted}-{number}"
        taken.add(found)
        cut.append(found)
    return cut
