"""The roll over a fleet: who is restarted next, and how many served meanwhile. Pure: the engine looks and acts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Annotated

from voxgate.contracts.json_strict import loads
from voxgate.errors import ContractError
from voxgate.model.answers import Answer
from voxgate.model.estate import PlacedUnit
from voxgate.model.evidence import Missing
from voxgate.model.forms import Later
from voxgate.model.run_facts import Roll

MOST_CALLS = 1_000_000
"""Calls of a worker that are believed: of several that say numbers of 4300 digits nobody could write the sum."""


@dataclass(frozen=True, slots=True)
class Batch:
    """The workers to restart now, together. ``calls`` is what was up on them when they were chosen; empty: wait."""

    units: tuple[PlacedUnit, ...]
    calls: int = 0


def calls_of(answer: Answer | Missing) -> int | None:
    """A worker's own count of its calls, None where it does not say: it is down, or of a kind that has none."""
    if isinstance(answer, Missing) or answer.trouble:
        return None
    try:
        body = loads(answer.body)
    except ContractError:
        return None
    calls = body.get("worker_calls") if isinstance(body, dict) else None
    return min(calls, MOST_CALLS) if isinstance(calls, int) and not isinstance(calls, bool) and calls >= 0 else None


def serves(answer: Answer | Missing) -> bool | None:
    """Whether a worker takes calls: 200 and status ok. None where the way to it failed: nobody can say then."""
    if isinstance(answer, Missing):
        return None
    if answer.trouble or answer.status != 200:  # noqa: PLR2004 - the one status of health
        return False
    try:
        body = loads(answer.body)
    except ContractError:
        return False
    return isinstance(body, dict) and body.get("status") == "ok"


def next_batch(left: Sequence[PlacedUnit], calls: Mapping[str, int | None], most: int, *, drained: bool) -> Batch:
    """Who comes next of those that are ``left`` on this host, ``most`` at once: idle ones first, in order. Busy ones only
    once the drain is over (``drained``), those with the fewest calls first. A worker that does not say its calls has none
    to lose.
    """
    up = {unit.id: calls.get(unit.id) or 0 for unit in left}
    idle = [unit for unit in left if not up[unit.id]]
    if idle:
        return Batch(tuple(idle[:most]))
    if not drained:
        return Batch(())
    chosen = sorted(left, key=lambda unit: up[unit.id])[:most]
    return Batch(tuple(chosen), sum(up[unit.id] for unit in chosen))


@dataclass(frozen=True, slots=True)
class Sample:
    """One moment of the roll: seconds since it began, and which workers served (by id), which did not, which nobody knows."""

    at: float
    serving: tuple[str, ...]
    down: tuple[str, ...]
    unknown: tuple[str, ...] = ()

    def later(self, seconds: float) -> Sample:
        """The same moment, seen from ``seconds`` before."""
        return replace(self, at=self.at + seconds)


@dataclass(frozen=True, slots=True)
class Capacity:
    """What was sampled over a deploy of the fleet. ``most`` is how many may be down at once; ``began`` is when the first sample
    was taken, epoch seconds.
    """

    most: int = 1
    samples: tuple[Sample, ...] = ()
    calls_cut: int = 0
    began: Annotated[float, Later()] = 0.0

    @property
    def served_before(self) -> frozenset[str]:
        """The workers that served when it began: one that was down already is not the roll's doing."""
        return frozenset(self.samples[0].serving) if self.samples else frozenset()

    @property
    def worst(self) -> Sample | None:
        """The sample in which most of those that served before were down."""
        before = self.served_before
        return max(self.samples, key=lambda sample: len(before.intersection(sample.down)), default=None)

    @property
    def roll(self) -> Roll | None:
        """The same for the verdict; None where no fleet was rolled. A moment of which not all is known counts for nothing."""
        if not self.samples:
            return None
        workers = {name for sample in self.samples for name in (*sample.serving, *sample.down, *sample.unknown)}
        lowest = min((len(sample.serving) for sample in self.samples if not sample.unknown), default=None)
        return Roll(len(workers), lowest, self.calls_cut)

    @property
    def longest_gap(self) -> float:
        """Seconds between two samples in which nothing is known."""
        times = [sample.at for sample in self.samples if not sample.unknown]
        return max((later - earlier for earlier, later in pairwise(times)), default=0.0)


def joined(rolls: Iterable[Roll | None]) -> Roll | None:
    """Several rolls as one: the lowest of all, and all calls that were cut."""
    found = [roll for roll in rolls if roll is not None]
    lowest = min((roll.lowest for roll in found if roll.lowest is not None), default=None)
    return Roll(max(roll.workers for roll in found), lowest, sum(roll.calls_cut for roll in found)) if found else None
