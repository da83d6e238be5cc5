"""Where a word of an estate counts (every host, those of a role, those of a name), and what an entry with ``*`` stands for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from voxgate.model.estate import Host

T = TypeVar("T")

EVERYWHERE = "all"
"""The key that means every host of the estate. A role's name means its hosts, also where a host is called so."""


def said_for(host: Host, table: Mapping[str, Iterable[T]]) -> tuple[T, ...]:
    """All that a table by place says for a host: under ``all``, each of its roles, its name, a pattern of it. Each entry once."""
    return tuple(dict.fromkeys(entry for key in places_of(host, table) for entry in table[key]))


def places_of(host: Host, table: Iterable[str]) -> tuple[str, ...]:
    """The keys of such a table that mean a host: ``all``, each of its roles, its name, and names with ``*`` that are its."""
    plain = (EVERYWHERE, *sorted(host.roles), host.name)
    keys = dict.fromkeys(table)
    return tuple(dict.fromkeys([*(key for key in plain if key in keys), *(key for key in keys if is_called(host, key))]))


def is_called(host: Host, pattern: str) -> bool:
    """True if ``*`` stands in the pattern, and the host's name is of it."""
    return "*" in pattern and end_of_match(pattern, host.name) is not None


@dataclass(frozen=True)
class Names:
    """Names and paths as an estate writes them, where ``*`` stands for any run of characters without a slash:
    ``"datadog-agent-trace.service" in Names(("datadog-agent*.service",))``.
    """

    entries: tuple[str, ...]

    def __contains__(self, name: object) -> bool:
        """True for a name that an entry says, whole."""
        return isinstance(name, str) and any(one == name or ("*" in one and _is_path_of(one, name)) for one in self.entries)


def _is_path_of(entry: str, name: str) -> bool:
    """True if each folder's part of a name is of the same part of an entry."""
    parts, wanted = name.split("/"), entry.split("/")
    return len(parts) == len(wanted) and None not in map(end_of_match, wanted, parts)


def end_of_match(pattern: str, text: str) -> int | None:
    """Where in a text that is of a pattern (``*`` for any run of characters) all is found that the pattern says: the text's
    length, or where what a ``*`` at the end stands for begins; None for a text that is not of it. It takes a time in proportion
    to the text, whoever wrote that.
    """
    first, *rest = pattern.split("*")
    if not rest:
        return len(text) if text == pattern else None
    if not text.startswith(first):
        return None
    at = len(first)
    for part in rest[:-1]:
        found = text.find(part, at)
        if found < 0:
            return None
        at = found + len(part)
    if not rest[-1]:
        return at
    return len(text) if text.endswith(rest[-1]) and len(text) - len(rest[-1]) >= at else None
