"""At work: which other gates held what is looked at, by what its hosts say before the look and after it."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime

from voxgate.deploy.hosts.journal import Journal
from voxgate.deploy.hosts.state import Found
from voxgate.deploy.run_context import RunContext
from voxgate.model.estate import Estate
from voxgate.model.evidence import Missing
from voxgate.model.work import Work, said_of

LONGEST = 6 * 3600.0
"""Seconds that a gate may be at work: CI gives it two and a half hours. What says so for longer excuses nothing any more."""

_CLOCKS = 600.0  # seconds by which a host's clock may be before ours


def say_who_works(context: RunContext, after: Mapping[str, Found], notes: list[str]) -> tuple[Work, ...]:
    """Other gates at work since this one read the state of the hosts, which is now as in ``after``. Each is said when it is first
    seen; who says so for too long is added to ``notes``.
    """
    now = time.time()
    known = (
        {one.run for one in works_of(context.found, context.found, context.estate, now)} if after is not context.found else set()
    )
    found = works_of(context.found, after, context.estate, now)
    for line in said_of([one for one in found if one.run not in known]):
        context.progress.note(line)
    notes += [line for line in overdue(found, now) if line not in notes]
    return found


def works_of(before: Mapping[str, Found], after: Mapping[str, Found], estate: Estate, now: float) -> tuple[Work, ...]:
    """Every service on every host that a gate held before the look or after it, or that one had in between. What says that it is
    at work for longer than any gate is moves nothing: see ``overdue``.
    """
    found = []
    for placement in estate.placements:
        one, other = before[placement.id], after[placement.id]
        if one.held or other.held or _was_claimed(one, other):
            found.append(_work(placement.service.name, placement.host.name, one, other, now))
    return tuple(found)


def overdue(works: tuple[Work, ...], now: float) -> tuple[str, ...]:
    """A line for each gate that says that it is at work for longer than any is."""
    late = {one.run: one for one in works if _is_late(one.since, now)}
    hint = "look for who holds /var/lib/voxgate/*/owner.lock there: what does not hold is judged as if nobody were at work"
    said = "says to be at work, longer than any deploy takes"
    return tuple(f"{one.host}: {one.by or 'somebody'} {said}: since {one.since}, run {one.run}; {hint}" for one in late.values())


def _was_claimed(before: Found, after: Found) -> bool:
    """True where a gate came and went between the two: another one claimed it last, or its journal went on."""
    was_read = before.owner is not None and after.owner is not None
    return was_read and (before.owner != after.owner or before.journal != after.journal)


def _work(service: str, host: str, before: Found, after: Found, now: float) -> Work:
    """The gate that has it now, else the one that had it. An earlier gate's open journal is this one's to mend."""
    seen = before if before.held and not after.held else after
    owner = seen.owner or {}
    since = owner.get("since", "")[:40]
    journals = [one.journal for one in (before, after)]
    still_open = any(isinstance(one, Missing) or (isinstance(one, Journal) and not one.phase.closed) for one in journals)
    named = "services" not in owner or service in owner["services"].split()
    moves = (named or still_open or before.journal != after.journal) and not _is_late(since, now)
    last = seen.journal if isinstance(seen.journal, Journal) else None
    doing = last.said if last is not None and not last.phase.closed else ""
    return Work(service, host, owner.get("by", ""), since, owner.get("run", ""), owner.get("build", ""), doing, moves)


def _is_late(since: str, now: float) -> bool:
    """True for a moment that is longer ago than any deploy takes, is still to come, or is none; a gate that has just locked the
    host has not said yet since when.
    """
    age = math.inf
    with suppress(ValueError, OverflowError):
        age = now - datetime.fromisoformat(since).timestamp()
    return since != "" and not -_CLOCKS < age < LONGEST
