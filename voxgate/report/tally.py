"""Counting: how many invariants hold, by service and host, and by unit. The table and the pictures show the same numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from voxgate.model.verdict import Judgement, RunOutcome, RunVerdict, Verdict

PLATFORM = "platform"
"""The row of invariants that belong to no service."""

ESTATE = "estate"
"""The column of invariants that belong to no single host."""

_ID = re.compile(r"(?P<invariant>[^\[]+)(?:\[(?P<subject>.*)\])?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Tally:
    """How many hold, are violated, are blind, were not judged, are waived."""

    holds: int = 0
    violated: int = 0
    blind: int = 0
    missing: int = 0
    waived: int = 0

    @property
    def total(self) -> int:
        """All that was expected."""
        return self.holds + self.violated + self.blind + self.missing + self.waived

    @property
    def worst(self) -> str:
        """``violated`` before ``blind``, ``missing``, ``waived`` and ``holds``; ``none`` where nothing was expected."""
        for name in ("violated", "blind", "missing", "waived", "holds"):
            if getattr(self, name):
                return name
        return "none"

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.holds + other.holds,
            self.violated + other.violated,
            self.blind + other.blind,
            self.missing + other.missing,
            self.waived + other.waived,
        )


_ONE = {
    Verdict.HOLDS: Tally(holds=1),
    Verdict.VIOLATED: Tally(violated=1),
    Verdict.BLIND: Tally(blind=1),
    Verdict.WAIVED: Tally(waived=1),
}


def subject_of(identity: str) -> str:
    """What an id is about: ``fleet-1-voxcore@2`` of ``all-workers-are-up[fleet-1-voxcore@2]``, empty for the estate."""
    found = _ID.fullmatch(identity)
    return (found["subject"] or "") if found else ""


def invariant_of(identity: str) -> str:
    """The rule of an id: what stands before the bracket."""
    return identity.partition("[")[0]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a judgement belongs: a row, a column, and the subject's own name."""

    service: str
    host: str
    subject: str


def place(judgement: Judgement) -> Place:
    """Where a judgement belongs."""
    return Place(judgement.service or PLATFORM, judgement.host or ESTATE, subject_of(judgement.id))


def place_missing(identity: str, outcome: RunOutcome) -> Place:
    """Where a judgement that never came would belong, as far as its id and its siblings tell."""
    subject, invariant = subject_of(identity), invariant_of(identity)
    same_subject = [one for one in outcome.judgements if subject and subject_of(one.id) == subject]
    siblings = [*same_subject, *(one for one in outcome.judgements if one.invariant == invariant)]
    hosts = sorted((name for name in outcome.hosts if _names(subject, name)), key=len, reverse=True)
    named = [service.service for service in outcome.services if _names(subject, service.service)]
    service = next((name for name in [*named, *(one.service for one in siblings)] if name), None)
    return Place(service or PLATFORM, hosts[0] if hosts else ESTATE, subject)


def _names(subject: str, name: str) -> bool:
    """True if ``name`` stands in ``subject`` as a part of its own: ``fleet-1`` in ``backend-fleet-1``, not in ``fleet-12``."""
    return re.search(rf"(?<![A-Za-z0-9.]){re.escape(name)}(?![A-Za-z0-9.])", subject) is not None


def unjudged(outcome: RunOutcome) -> tuple[str, ...]:
    """What should have been judged and was not. Empty for a look at a part: there the rest was not asked for."""
    looked = not outcome.deploy and outcome.partial and outcome.verdict is not RunVerdict.INCOMPLETE
    return () if looked else outcome.missing


def _all(outcome: RunOutcome) -> Iterable[tuple[Place, Tally]]:
    """Each judgement and each missing one, with its place, once."""
    for judgement in outcome.judgements:
        yield place(judgement), _ONE[judgement.verdict]
    for identity in unjudged(outcome):
        yield place_missing(identity, outcome), Tally(missing=1)


def by_cell(outcome: RunOutcome) -> dict[tuple[str, str], Tally]:
    """Tallies by (service or ``platform``, host or ``estate``)."""
    cells: dict[tuple[str, str], Tally] = {}
    for where, one in _all(outcome):
        key = (where.service, where.host)
        cells[key] = cells.get(key, Tally()) + one
    return cells


def by_subject(outcome: RunOutcome) -> dict[str, Tally]:
    """Tallies by subject: ``fleet-1-voxcore@2``."""
    subjects: dict[str, Tally] = {}
    for where, one in _all(outcome):
        subjects[where.subject] = subjects.get(where.subject, Tally()) + one
    return subjects


def whole(outcome: RunOutcome) -> Tally:
    """The tally of the run."""
    return sum(by_cell(outcome).values(), Tally())
