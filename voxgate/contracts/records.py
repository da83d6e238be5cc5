"""What services leave in stores for each other: where, and by which contract; of a record as much as its contract needs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cache
from typing import Any

from voxgate.contracts.schemas import schema
from voxgate.probe.shape import shape_of

ENTRY = "registry-entry"
LONGEST_LIFE = 30_000  # milliseconds: who looks at a worker that long after its end is led to nobody
CALLS = "calls"
RECORDS = {"ticks": "dialler-tick", "diallers": "dialler-process"}
"""Where the dialler writes of itself in its database, each collection with the contract of its documents."""
WRITTEN = {**RECORDS, CALLS: "dialled-call"}
"""Wherever it writes there."""

_MOMENT = {"$date": "1970-01-01T00:00:00Z"}


def fields_of(contract: str) -> tuple[str, ...]:
    """The fields that a contract knows."""
    return tuple(sorted(_fields(contract)))


def masked(contract: str, record: Mapping[str, Any]) -> dict[str, Any]:
    """A document of MongoDB as its contract can judge it, with nothing of what it says: the fields that the contract knows, each
    value as one of its form (``shape_of``), a moment as one moment. Of texts those stay that are all of the form, or one of the
    words, that the contract has for the field.
    """
    known = {key: record[key] for key in fields_of(contract) if key in record}
    found: dict[str, Any] = shape_of(known, _kept(contract))
    return {**found, **{key: _MOMENT for key, value in known.items() if isinstance(value, datetime)}}


def _fields(contract: str) -> dict[str, Any]:
    return {name: said for part in _parts(schema(contract)) for name, said in part.get("properties", {}).items()}


def _parts(said: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """A schema, and what it says for some cases: of a field its first word counts, which is that for all of them."""
    for part in ("then", "else"):
        if part in said:
            yield from _parts(said[part])
    yield said


@cache
def _kept(contract: str) -> dict[str, re.Pattern[str]]:
    """The form that a contract has for a text, where it has one."""
    found = {}
    for name, said in _fields(contract).items():
        if "pattern" in said:
            found[name] = re.compile(said["pattern"].removeprefix("^").removesuffix("$"), re.ASCII)
        elif words := [word for word in said.get("enum", ()) if isinstance(word, str)]:
            found[name] = re.compile("|".join(map(re.escape, words)))
    return found
