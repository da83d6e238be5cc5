"""Words that only chance writes: generated keys and tokens, wherever they stand and whatever they are called.

Commits and sums are hexadecimal, ids of systemd and the kernel too: one case of letters. A generated secret mixes both cases
and digits at almost every step; a word that a person wrote (``ThreadPoolExecutor``, a path, a run's id) changes seldom.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise

_PUBLIC = (
    r"(?P<public>SHA256:[A-Za-z0-9+/]{1,43}(?![A-Za-z0-9+/])|sha\d{3}-[A-Za-z0-9+/_-]{1,86}(?![A-Za-z0-9+/_-])"
    r"|AAAA[A-Za-z0-9+/]{12,})"
)
"""Fingerprints of keys, integrity sums and public SSH keys are no secrets. They are passed over whole: in base64 a word would
begin anew behind each slash.
"""

_WORD = re.compile(r"(?<![A-Za-z0-9_-])(?:" + _PUBLIC + r"|(?=[a-z0-9_-]*[A-Z])(?=[A-Z0-9_-]*[a-z])[A-Za-z0-9_-]{16,})")

_BASE64 = re.compile(
    r"(?<![A-Za-z0-9+/_.=:-])(?!AAAA)(?![A-Za-z0-9]*(?![A-Za-z0-9+/]))(?=[a-z0-9+/]*[A-Z])(?=[A-Z0-9+/]*[a-z])[A-Za-z0-9+/]{24,}+={0,2}(?![\w./=+-])"
)
"""A key in base64, whose ``/`` and ``+`` part it into words that are too short to tell. A path has no such letters in a row."""

_WINDOWS = ((16, 7), (14, 6))
"""So many letters and digits in a row, with so many changes among lower case, upper case and digits: the second is for
words with digits only. A generated word of 24 passes in 99 of 100 cases, a name in a program in none of thousands."""

_HUMPS = re.compile(r"[a-z]*(?:[A-Z][a-z]{2,})+\d{0,2}")
"""Words written together, ``ExecMainStartTimestampMonotonic``: chance does not let two small letters follow each capital one."""

_DIGITS = 2
_EACH_CASE = 3


_HASH = 8
"""Letters of the hash in the name of a built asset: ``LoginPage-B1x9QzAa.js``."""

_ASSET = re.compile(
    r"\.(?:[cm]?js|css|map|json|html|wasm|svg|png|jpe?g|gif|webp|avif|ico|woff2?|[ot]tf|eot|mp[34]|webm|ogg|wav|txt|xml"
    r"|webmanifest)\b"
)


def cut_random(text: str, mark: Callable[[str], str]) -> str:
    """``text`` with every such word replaced by what ``mark`` says of it."""
    text = _WORD.sub(lambda found: found[0] if _stays(found) else mark(found[0]), text)
    return _BASE64.sub(lambda found: mark(found[0]) if _is_base64(found[0]) else found[0], text)


def _is_base64(text: str) -> bool:
    """True where it changes at two of five steps: of chance all but one in a hundred do, of 100,000 files' paths none."""
    kinds = _kinds_of([letter for letter in text if letter.isalnum()])
    changes = sum(a != b for a, b in pairwise(kinds))
    return changes * 5 >= (len(kinds) - 1) * 2 and min(kinds.count("l"), kinds.count("u")) >= _EACH_CASE


def _stays(found: re.Match[str]) -> bool:
    """True for what is public, and for what no chance wrote: a built asset is a name and a short hash of its content."""
    word = found[0]
    if found["public"] or not is_random(word):
        return True
    if len(word) <= _HASH + 1 or word[-_HASH - 1] != "-" or is_random(word[: -_HASH - 1]):
        return False
    return _ASSET.match(found.string, found.end()) is not None


def is_random(word: str) -> bool:
    """True for a word that only chance writes."""
    if _HUMPS.fullmatch(word):
        return False
    plain = [letter for letter in word if letter.isalnum()]
    (size, changes), (short, fewer) = _WINDOWS
    if _changes_often(plain, size, changes):
        return True
    return sum(letter.isdigit() for letter in plain) >= _DIGITS and len(plain) > size and _changes_often(plain, short, fewer)


def _changes_often(plain: list[str], size: int, changes: int) -> bool:
    """True if any ``size`` in a row change that often, and have several letters of each case."""
    kinds = _kinds_of(plain)
    changed = [a != b for a, b in pairwise(kinds)]
    return any(
        sum(changed[start : start + size - 1]) >= changes
        and min(kinds[start : start + size].count("l"), kinds[start : start + size].count("u")) >= _EACH_CASE
        for start in range(len(kinds) - size + 1)
    )


def _kinds_of(plain: list[str]) -> list[str]:
    return ["d" if letter.isdigit() else "u" if letter.isupper() else "l" for letter in plain]
