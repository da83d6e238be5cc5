"""Fingerprints of what stands on a host, kept when a deploy is done, and what is another one in a later look. Pure."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

FORM = 1
"""Which facts are in them, and how: those of another form are not compared."""

UNSEEN = ""
"""In place of a digest: it could not be seen. What was not seen is not compared."""

ALL = "*"
"""The one name of a kind of which there are too many names: its digest is that of all of them."""

ROWS_AT_MOST = 400
"""Names of one kind; a host says how many there are."""

NAME_AT_MOST = 160
"""Characters of one name; a longer one ends with a digest of it."""

OF_SERVICES = frozenset({"checkout", "environment", "build", "settings", "process"})
"""Kinds whose rows are the same for each service that was asked about: one that is not there was not asked about."""

UNEXPLAINED = "unexplained-change"
"""What a change is called for which nobody gives a reason."""

Prints = Mapping[str, Mapping[str, str]]
"""Kind to name to digest. A kind that is not there was not seen."""


def digest_of(value: object) -> str:
    """Twelve characters (72 bits) that are the same for the same JSON, whatever the order of its members."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return base64.urlsafe_b64encode(hashlib.blake2b(text.encode(), digest_size=9).digest()).decode("ascii")


def name_of(text: str) -> str:
    """A name as it is kept: no longer than so many characters, and still its own."""
    if len(text) <= NAME_AT_MOST:
        return text
    return f"{text[: NAME_AT_MOST - 16]} .. {digest_of(text)}"


def bounded(rows: Mapping[str, str]) -> Mapping[str, str]:
    """The names of one kind, or one digest of all where there are too many."""
    return rows if len(rows) <= ROWS_AT_MOST else {ALL: _of_all(rows)}


def smaller(prints: Prints, most: int) -> Prints:
    """The same in no more than ``most`` characters of JSON, as good as it goes: of the largest kinds one digest each."""
    found = dict(prints)
    while len(json.dumps(found)) > most:
        largest = max(found, key=lambda kind: len(json.dumps(found[kind])), default="")
        if not largest or ALL in found[largest]:
            return {}
        found[largest] = {ALL: _of_all(found[largest])}
    return found


def _of_all(rows: Mapping[str, str]) -> str:
    return rows[ALL] if set(rows) == {ALL} else digest_of(sorted(rows.items()))


@dataclass(frozen=True, slots=True)
class Kept:
    """What a host keeps of the last *done*: the ``run``, when (UTC, RFC 3339), of which ``estate``, when that was by the clock of
    the host itself (epoch seconds), and the fingerprints.
    """

    run: str
    at: str
    estate: str
    clock: float
    prints: Prints = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as it was: ``how`` is ``new``, ``gone`` or ``changed``."""

    kind: str
    name: str
    how: str


@dataclass(frozen=True, slots=True)
class Change:
    """The same with its reasons: ``why`` are the candidates, each in a few words; with none of them nobody explains it."""

    kind: str
    name: str
    how: str
    why: tuple[str, ...] = ()

    @property
    def line(self) -> str:
        """``boot agent.service is new: package agent, installed since then``."""
        said = f"{self.kind} {self.name} is {self.how}"
        return f"{said}: {'; '.join(self.why)}" if self.why else said


@dataclass(frozen=True, slots=True)
class HostChanges:
    """What changed on one host since a run was done there: which, when (UTC). ``note`` says why nothing was compared; ``more`` is
    how many changes there are besides.
    """

    host: str
    run: str = ""
    at: str = ""
    note: str = ""
    changes: tuple[Change, ...] = ()
    more: int = 0

    @property
    def unexplained(self) -> tuple[Change, ...]:
        """Those that nobody explains."""
        return tuple(one for one in self.changes if not one.why)


def differences(then: Prints, now: Prints) -> Iterator[Difference]:
    """What is new, gone or changed, by kind and name; only of what was seen both times."""
    for kind in sorted(then.keys() & now.keys()):
        before, after = then[kind], now[kind]
        if ALL in before or ALL in after:
            unseen = UNSEEN in before.values() or UNSEEN in after.values()
            before, after = {ALL: _of_all(before)}, {ALL: _of_all(after)}
            if unseen:
                continue
        for name in sorted(before.keys() | after.keys()):
            old, new = before.get(name), after.get(name)
            asked = kind not in OF_SERVICES or None not in {old, new}
            if old != new and asked and UNSEEN not in {old, new}:
                yield Difference(kind, name, "new" if old is None else "gone" if new is None else "changed")
