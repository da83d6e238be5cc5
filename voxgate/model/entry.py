"""An entry of an estate: what a person writes into it where a thing is rightly there. Rules hint at it; ``draft`` writes it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from voxgate.errors import visible

Value = str | int | bool | tuple["Value", ...] | Mapping[str, "Value"]

OF_PATTERNS = frozenset({"boot", "clients", "jobs", "listeners", "preload", "programs"})
"""The words of an estate in which ``*`` stands for other characters."""

_OF_A_DOMAIN = re.compile(r"\*(?:\.[a-z0-9-]+){2,}")
"""Names of one domain, as a web server serves them: the only ones with ``*`` that are what was found."""

_BARE = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class Entry:
    """``value`` at ``place``: ``Entry(("boot", "sip-1"), ("agent.service",), "agent.service starts at the next boot")``. A tuple
    is a list, that others may add to. ``about`` is what was found, in words: a comment beside it, that may be cut where it is
    long; ``origin`` stands behind it whole: whose it is, since when, which rule asks.
    """

    place: tuple[str, ...]
    value: Value
    about: str = ""
    origin: str = ""

    @property
    def table(self) -> str:
        """The table that it stands in, as its head in the file: ``[boot]``."""
        return f"[{'.'.join(map(toml_key, self.place[:-1]))}]"

    @property
    def line(self) -> str:
        """Its line in that table: ``sip-1 = ["agent.service"]``."""
        return f"{toml_key(self.place[-1])} = {toml(self.value)}"


def is_plain(entry: Entry) -> bool:
    """True for one that allows what was found and no more, and shows all that it says. Who names what is found (a file, a unit, a
    client) may put ``*`` into it, or what nobody sees, or what turns the direction of writing.
    """
    said = f"{entry.table} {entry.line}"
    if visible(said) != said:
        return False
    if entry.place == ("console", "others") and isinstance(entry.value, tuple):
        return all("*" not in str(one) or _OF_A_DOMAIN.fullmatch(str(one)) for one in entry.value)
    return not (entry.place[0] in OF_PATTERNS and "*" in said)


def joined(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """The same with one entry for each place: lists are put together, and tables. Of other values the first stands."""
    found: dict[tuple[str, ...], list[Value]] = {}
    for one in entries:
        found.setdefault(one.place, []).append(one.value)
    return tuple(Entry(place, _all(values)) for place, values in found.items())


def _all(values: Sequence[Value]) -> Value:
    """One value for all of them, in a time in proportion: a host says how many there are."""
    first = values[0]
    if isinstance(first, tuple):
        each: dict[str, Value] = {}
        for value in (value for one in values if isinstance(one, tuple) for value in one):
            each.setdefault(toml(value), value)
        return tuple(each.values())
    if isinstance(first, Mapping):
        members: dict[str, list[Value]] = {}
        for key, value in (row for one in values if isinstance(one, Mapping) for row in one.items()):
            members.setdefault(key, []).append(value)
        return {key: _all(rows) for key, rows in members.items()}
    return first


def toml_key(name: str) -> str:
    """A key as TOML writes it."""
    return name if _BARE.fullmatch(name) else toml(name)


def toml(value: Value) -> str:
    """A value as TOML writes it, in one line."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{toml_key(key)} = {toml(one)}" for key, one in value.items()) + " }"
    if isinstance(value, tuple):
        return f"[{', '.join(map(toml, value))}]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")  # which JSON takes as it is
