"""Numbers that came from outside."""

from __future__ import annotations

import re

_NATURAL = re.compile(r"[0-9]{1,10}")
_PORTS = 65536
_EARLIEST, _LATEST = -62_135_596_800.0, 253_402_300_799.0  # the first and the last second that a calendar has


def natural_in(text: str) -> int | None:
    """The number that ``text`` is, written in one to ten digits of ASCII; None for anything else. ``str.isdigit`` takes signs
    that ``int`` does not, and ``int`` none of over 4300 digits.
    """
    return int(text) if _NATURAL.fullmatch(text) else None


def port_in(text: str) -> int | None:
    """The port that ``text`` is, None for anything else."""
    found = natural_in(text)
    return found if found is not None and found < _PORTS else None


def is_moment(seconds: float) -> bool:
    """True for seconds of the epoch that a calendar has."""
    return _EARLIEST <= seconds < _LATEST
