"""A record as its contract needs it, and no more: of which form each field is. What a field says stays where it was read."""

from __future__ import annotations

import re
from typing import Any, Mapping

SOME_TEXT, FOUR_DIGITS = "(text)", 9999
FIELDS_AT_MOST = 40
FIELD_NAME = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]{0,40}", re.ASCII)


def shape_of(record: Any, kept: Mapping[str, re.Pattern[str]]) -> Any:
    """A record with each value as one of its form: a text is ``(text)``, a list or an object an empty one, a number of over four
    digits one of four. Only a text that is all of the form that ``kept`` has for its field stays as it is. A field of a strange
    name is ``(field)``; of more than ``FIELDS_AT_MOST`` fields the first.
    """
    if not isinstance(record, dict):
        return form_of(record, None)
    fields = list(record.items())[:FIELDS_AT_MOST]
    named = [(key if isinstance(key, str) and FIELD_NAME.fullmatch(key) else "(field)", value) for key, value in fields]
    return {name: form_of(value, kept.get(name)) for name, value in named}


def form_of(value: Any, kept: re.Pattern[str] | None) -> Any:
    """One value as one of its form."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return max(-FOUR_DIGITS, min(int(value), FOUR_DIGITS))
    if isinstance(value, float):
        return 1.5
    if isinstance(value, str):
        return value if not value or (kept is not None and kept.fullmatch(value)) else SOME_TEXT
    return [] if isinstance(value, (list, tuple)) else {}
