"""Somebody else's words cut to a length. A secret is known by its whole shape: half a URL with a password in it, without the
``@`` behind it, is one that nothing recognizes any more. So secrets go first, and what is cut then is cut between two words.
"""

from __future__ import annotations

import re

from voxgate.redaction.cutting import Redactor

_AROUND = 4000
"""Letters that are looked at beyond those that are kept: as long as a secret may be that begins or ends among these."""

_SHAPES = Redactor()
_BETWEEN = re.compile(r"[\s\"'<>]")


def beginning(text: str, most: int) -> str:
    """The beginning of it: ``most`` letters, without secrets where it is longer than that."""
    if len(text) <= most:
        return text
    read = text if len(text) <= most + _AROUND else _without_last(text[: most + _AROUND])
    said = _SHAPES.cut(read)
    return said if len(said) <= most else _without_last(said[:most])


def ending(text: str, most: int) -> str:
    """The same of its end."""
    if len(text) <= most:
        return text
    read = text if len(text) <= most + _AROUND else _without_first(text[-most - _AROUND :])
    said = _SHAPES.cut(read)
    return said if len(said) <= most else _without_first(said[-most:])


def _without_last(text: str) -> str:
    """Without the last word, of which nobody knows how it goes on; one word alone stays."""
    ends = [found.end() for found in _BETWEEN.finditer(text)]
    return text[: ends[-1]].rstrip() or text if ends else text


def _without_first(text: str) -> str:
    """The same at the beginning."""
    found = _BETWEEN.search(text)
    return text[found.start() :].lstrip() or text if found else text
