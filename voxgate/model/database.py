"""The databases of an estate, each with its one dialler and how fast that may dial."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from voxgate.model.digits import port_in

MONGODB = 27017  # the port of a server whose URI says none


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a dialler may dial: ``tick`` seconds from one tick to the next, and at most ``calls`` a minute, if that is said.
    ``ticks_in`` and ``calls_in`` are where the database itself has them: the collection with a document for each, and the field
    that holds its time, as ``ticks.at``.
    """

    tick: float = 1.0
    calls: float | None = None
    ticks_in: str | None = None
    calls_in: str | None = None

    @property
    def records(self) -> Mapping[str, tuple[str, str]]:
        """``ticks`` and ``calls``, each with its collection and field, as far as they are said."""
        found = {"ticks": self.ticks_in, "calls": self.calls_in}
        return {what: (place.rpartition(".")[0], place.rpartition(".")[2]) for what, place in found.items() if place}


@dataclass(frozen=True, slots=True)
class Database:
    """One database and its one dialler. ``uri`` is as seen from host ``via`` (or from the gate, without one);
    ``uri_env`` names the gate's environment variable that holds it where it carries a secret. ``port`` is where its dialler
    answers, where that is not as services.toml says; ``pace`` how fast it may dial. ``seen_as`` are the addresses by which the
    server sees the estate's hosts, where these are not their own (a gateway translates them).
    """

    name: str
    dialler: str
    uri: str | None = None
    uri_env: str | None = None
    via: str | None = None
    port: int | None = None
    seen_as: tuple[str, ...] = ()
    pace: Pace = Pace()

    @property
    def server_port(self) -> int:
        """Where its server listens, as its URI says."""
        authority = (self.uri or "").partition("://")[2].partition("/")[0].partition(",")[0]
        return port_in(authority.rpartition("]")[2].rpartition(":")[2]) or MONGODB

    @property
    def called(self) -> str:
        """Its name on the server: as its URI says, where that is known here, else as the estate calls it."""
        path = (self.uri or "").partition("://")[2].partition("/")[2].partition("?")[0]
        return path or self.name
