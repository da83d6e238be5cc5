"""What a run did to those who were served meanwhile, and how it differs from the run before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from voxgate.model.counting import counted


class How(StrEnum):
    """What a run was asked for."""

    LOOK = "look"
    DEPLOY = "deploy"
    ROLLBACK = "rollback"
    BOTH = "deploy and rollback"
    RECOVER = "recover"


@dataclass(frozen=True, slots=True)
class Roll:
    """The fleet while it was rolled, there or back: how many workers it has, the fewest of them that served at any moment that
    was seen whole (None where none was), and calls that were up on workers when these were restarted.
    """

    workers: int
    lowest: int | None
    calls_cut: int = 0

    @property
    def line(self) -> str:
        """``5 of 6 workers served at the lowest, 0 calls cut``."""
        lowest = (
            f"{self.lowest} of {counted(self.workers, 'worker')}"
            if self.lowest is not None
            else f"nobody knows how many of {self.workers}"
        )
        return f"{lowest} served at the lowest, {counted(self.calls_cut, 'call')} cut"

    @property
    def short(self) -> str:
        """``5 of 6 workers``, and the calls that were cut, if any."""
        lowest = "?" if self.lowest is None else self.lowest
        return f"{lowest} of {counted(self.workers, 'worker')}" + (
            f" and {counted(self.calls_cut, 'call')} cut" if self.calls_cut else ""
        )


DIALLER = "dialler"
"""The service of which a gap is the time in which nobody dials."""


@dataclass(frozen=True, slots=True)
class Gap:
    """The time in which a unit of a service was away: from its stop (epoch seconds) to its being up again; ``seconds`` is None
    where this run did not see it up again. ``rollback``: the way back had stopped it, or started it again.
    """

    service: str
    host: str
    unit: str
    stopped: float
    seconds: float | None
    rollback: bool = False

    @property
    def line(self) -> str:
        """``sip-1 voxdialler.service: 6.2 s``."""
        said = "not seen up again" if self.seconds is None else f"{self.seconds:.1f} s"
        return f"{self.host} {self.unit}: {said}" + (" (way back)" if self.rollback else "")


@dataclass(frozen=True, slots=True)
class Turn:
    """A unit as a deploy saw it turn: about to be stopped, or ``up`` again, ``at`` an epoch second."""

    service: str
    host: str
    unit: str
    at: float
    up: bool
    rollback: bool = False


def gaps(turns: Iterable[Turn]) -> tuple[Gap, ...]:
    """The gaps between them: each from the first stop that no other went before to the next time it is up."""
    found: list[Gap] = []
    down: dict[tuple[str, str], Turn] = {}
    for turn in sorted(turns, key=lambda one: one.at):
        key = (turn.host, turn.unit)
        if not turn.up:
            down.setdefault(key, turn)
        elif (since := down.pop(key, None)) is not None:
            back = since.rollback or turn.rollback
            found.append(Gap(turn.service, turn.host, turn.unit, since.at, max(turn.at - since.at, 0.0), back))
    found += [Gap(one.service, one.host, one.unit, one.at, None, one.rollback) for one in down.values()]
    return tuple(sorted(found, key=lambda one: one.stopped))


def away(found: Iterable[Gap]) -> Iterator[tuple[str, str]]:
    """Each service but the dialler of which a unit was away, and for how long, in a few words: ``6 units were away, each for 1.3
    to 1.5 s``.
    """
    by: dict[str, list[Gap]] = {}
    for gap in found:
        if gap.service != DIALLER:
            by.setdefault(gap.service, []).append(gap)
    for service, rows in by.items():
        units = len({(gap.host, gap.unit) for gap in rows})
        told = sorted(gap.seconds for gap in rows if gap.seconds is not None)
        said = counted(units, "unit was away", "units were away")
        if told and f"{told[0]:.1f}" != f"{told[-1]:.1f}":
            said += f", each for {told[0]:.1f} to {told[-1]:.1f} s"
        elif told:
            said += f"{', each' if units > 1 else ''} for {told[0]:.1f} s"
        lost = len(rows) - len(told)
        yield service, said + (f", {lost} not seen up again" if lost else "")


@dataclass(frozen=True, slots=True)
class Like:
    """The last run of the same kind (look, or deploy): how long it took, and who served while it rolled the fleet."""

    run: str
    seconds: float
    fleet: Roll | None = None


@dataclass(frozen=True, slots=True)
class Compared:
    """A run beside the last whole one of the same estate, ``run``. ``red`` are ids that do not hold now and did then, or were not
    judged then; ``green`` do hold now and did not then. ``settings`` are by service: those that the estate requires now and did
    not then, and those that it required then. ``like`` is None where there was no run of the same kind.
    """

    run: str
    how: How
    verdict: str
    red: tuple[str, ...] = ()
    green: tuple[str, ...] = ()
    settings: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = ()
    like: Like | None = None

    def words(self, seconds: float, fleet: Roll | None) -> Iterator[str]:
        """What differs, each in a few words: none where nothing does. How long it took is told where the last run of the same
        kind took another time, by a quarter and by 5 s; who served, where that differs.
        """
        if self.red:
            yield counted(len(self.red), "no longer holds", "no longer hold")
        if self.green:
            yield counted(len(self.green), "holds again", "hold again")
        for service, new, gone in self.settings:
            if new:
                yield f"{service} requires {', '.join(new)} now"
            if gone:
                yield f"{service} no longer requires {', '.join(gone)}"
        if self.like and abs(seconds - self.like.seconds) >= max(5.0, self.like.seconds / 4):
            yield f"{seconds:.0f} s, the last of its kind {self.like.seconds:.0f} s"
        if self.like and self.like.fleet and fleet and self.like.fleet != fleet:
            yield f"{fleet.short}, before {self.like.fleet.short}"
