"""Where a word of an estate counts (every host, those of a role, one by its name), and what an entry with ``*`` stands for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from voxgate.model.estate import Host

T = TypeVar("T")

EVERYWHERE = "all"
"""The key that means every host of the estate. A role's name means its hosts, also where a host is called so."""


def said_for(host: Host, table: Mapping[str, Iterable[T]]) -> tuple[T, ...]:
    """All that a table by place says for a host: under ``all``, under each of its roles, under its name. Each entry once."""
    return tuple(dict.fromkeys(entry for key in places_of(host) for entry in table.get(key, ())))


def places_of(host: Host) -> tuple[str, ...]:
    """The keys of such a table that mean a host: ``all``, each of its roles, its name."""
    return tuple(dict.fromkeys((EVERYWHERE, *sorted(host.roles), host.name)))


@dataclass(frozen=True)
class Names:
    """Names and paths as an estate writes them, where ``*`` stands for any run of characters without a slash:
    ``"datadog-agent-trace.service" in Names(("datadog-agent*.service",))``.
    """

    entries: tuple[str, ...]

    @cached_property
    def _meant(self) -> re.Pattern[str]:
        return re.compile("|".join("[^/]*".join(map(re.escape, entry.split("*"))) for entry in self.entries) or r"(?!)")

    def __contains__(self, name: object) -> bool:
        """True for a name that an entry says, whole."""
        return isinstance(name, str) and self._meant.fullmatch(name) is not None
