"""What answered the gate itself: HTTP endpoints, and databases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from voxgate.model.evidence import Missing


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a server showed to say who it is: for which ``names``, good from ``begins`` to ``ends`` (epoch seconds). ``flaw`` is
    why the gate does not accept it for the name that it asked for, in OpenSSL's words, empty where it does; ``unread`` why it
    could not be judged.
    """

    names: tuple[str, ...] = ()
    begins: float = 0.0
    ends: float = 0.0
    flaw: str = ""
    unread: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer. ``path`` is as asked; header names are lower case; ``seconds`` until the body was complete.

    ``trouble`` is empty for a complete answer. Otherwise the service itself gave none (refused, reset, too slow, too large,
    not HTTP) and ``trouble`` says so in words: that is a finding about the service. If only the *way* to it failed (SSH,
    forwarding denied), the look holds a Missing instead. ``digest`` is empty, but for a body that secrets were cut out of
    before it was saved, or that was too much to be looked into for them: then it is the sha256 of what came, unpacked.
    ``certificate`` is None where it was not asked by TLS, or no certificate came.
    """

    host: str
    port: int
    path: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float
    asked: float
    trouble: str = ""
    digest: str = ""
    certificate: Certificate | None = None


@dataclass(frozen=True, slots=True)
class DatabaseClient:
    """One connection as the database sees it."""

    address: str
    port: int
    app_name: str
    user: str


RECENT = (5, 15, 60)
"""Seconds back from a look, for each of which it is counted how often a dialler ticked and called."""


@dataclass(frozen=True, slots=True)
class Record:
    """A document of a collection, in the form by which its contract judges it and with nothing of what it says; ``age`` is how
    many seconds ago it was written for the last time, as far as it says so itself, None where it does not.
    """

    age: float | None
    said: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class DatabaseView:
    """Every connection to one database server, and the server's own words that the list is whole. ``asker`` is the name that
    the gate gave itself for this one question, ``beside`` those of its questions to other databases at the same time.
    ``recent`` is how many ``ticks`` and ``calls`` of the last seconds (``RECENT``) the database itself has, as far as the estate
    says where: a count for each of these times; ``records`` then the newest of each collection that the dialler writes.
    """

    database: str
    server: str
    clients: tuple[DatabaseClient, ...]
    asker: str
    beside: tuple[str, ...] = ()
    recent: Mapping[str, tuple[int, ...]] | Missing = field(default_factory=dict)
    records: Mapping[str, tuple[Record, ...]] | Missing = field(default_factory=dict)
