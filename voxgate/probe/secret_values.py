"""telling Which values and pieces of values are secrets."""

from __future__ import annotations

import re

PLAIN = re.compile(r"[\d.:,]+|[a-z]+(?:[-_./ ][a-z]+)*|[\w.-]+:\d+|true|false|yes|no", re.IGNORECASE | re.ASCII)


def telling(value: str) -> set[str]:
    """What of a value would give something away: the password of a URL; of other values those that are no plain word,
    number, path or address, and have at least 8 letters.
    """
    if "://" in value:
        return {word for word in passwords(value) if len(word) >= 6}
    return set() if len(value) < 8 or value.startswith("/") or PLAIN.fullmatch(value) else {value}


def passwords(value: str) -> set[str]:
    """The password inside of a URL, as it stands there and decoded."""
    found = re.search(r"://[^/@\s:]*:([^/@\s]+)@", value)
    text = found.group(1) if found else ""
    return {text, re.sub("%([0-9A-Fa-f]{2})", lambda code: chr(int(code.group(1), 16)), text)}
