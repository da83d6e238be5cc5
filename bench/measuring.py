"""Runs of several ways to do a thing, one of each in turn, and what they come to: medians, spread, ratios.

A machine is never as quick as a minute ago. So the ways take turns (A B C A B C ..), and what counts is the ratio of two of
them in one run, never the seconds of two runs.
"""

from __future__ import annotations

import resource
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Way:
    """One way to do a thing. ``work`` does it once, and returns how many facts it judged (0: it judges nothing); what it
    raises ends the measuring. ``about`` is a line for the table.
    """

    name: str
    about: str
    work: Callable[[], int]


@dataclass(frozen=True, slots=True)
class Run:
    """One time: seconds by the clock, seconds of processor of all child processes that were waited for, and what was judged."""

    seconds: float
    cpu: float
    judged: int


@dataclass(frozen=True, slots=True)
class Spread:
    """Some numbers of one kind: the median, the least and the most of them, and how many there are."""

    median: float
    least: float
    most: float
    runs: int

    @classmethod
    def of(cls, numbers: Iterable[float]) -> Spread:
        """Of at least one number. ValueError without any."""
        found = sorted(numbers)
        if not found:
            msg = "a spread of nothing"
            raise ValueError(msg)
        return cls(round(statistics.median(found), 4), round(found[0], 4), round(found[-1], 4), len(found))

    def row(self) -> dict[str, Any]:
        """As it stands in bench.json."""
        return asdict(self)


def child_cpu() -> float:
    """Seconds of processor, of user and system, of all processes that this one started and waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def once(way: Way) -> Run:
    """One time, measured."""
    cpu, began = child_cpu(), time.perf_counter()
    judged = way.work()
    return Run(time.perf_counter() - began, child_cpu() - cpu, judged)


def interleaved(ways: Sequence[Way], rounds: int, say: Callable[[str], None], *, warm: bool = True) -> dict[str, list[Run]]:
    """All runs of each way, by its name; with ``warm``, each is done once before without being counted: what is cached is cached
    for everybody.
    """
    for way in ways if warm else ():
        once(way)
    runs: dict[str, list[Run]] = {way.name: [] for way in ways}
    for number in range(1, rounds + 1):
        for way in ways:
            run = once(way)
            runs[way.name].append(run)
            say(f"  {number}/{rounds}  {way.name:36} {run.seconds:7.2f} s  {run.cpu:6.2f} s of CPU  {run.judged or ''}")
    return runs


def rows(ways: Sequence[Way], runs: Mapping[str, Sequence[Run]]) -> list[dict[str, Any]]:
    """What bench.json has of each way."""
    return [
        {
            "name": way.name,
            "about": way.about,
            "judged": runs[way.name][-1].judged,
            "seconds": Spread.of(run.seconds for run in runs[way.name]).row(),
            "cpu": Spread.of(run.cpu for run in runs[way.name]).row(),
        }
        for way in ways
    ]


def ratios(runs: Mapping[str, Sequence[Run]], name: str, *beside: str) -> Spread:
    """How many times as long one way took as some others together, turn by turn: each turn is compared with itself alone."""
    turns = zip(runs[name], *(runs[other] for other in beside), strict=True)
    return Spread.of(mine.seconds / sum(other.seconds for other in others) for mine, *others in turns)


def percentile(numbers: Sequence[float], percent: float) -> float:
    """The number that so many in a hundred are not above, the nearest one that was seen. ValueError without any."""
    if not numbers:
        msg = "a percentile of nothing"
        raise ValueError(msg)
    found = sorted(numbers)
    return found[min(len(found) - 1, max(0, -(-len(found) * percent // 100).__trunc__() - 1))]


def slope(points: Iterable[tuple[float, float]]) -> float:
    """By how much y grows with x, by least squares. ValueError where all x are one."""
    found = list(points)
    x_mean = statistics.fmean(x for x, _ in found)
    y_mean = statistics.fmean(y for _, y in found)
    spread = sum((x - x_mean) ** 2 for x, _ in found)
    if not spread:
        msg = "a slope of one place"
        raise ValueError(msg)
    return sum((x - x_mean) * (y - y_mean) for x, y in found) / spread
