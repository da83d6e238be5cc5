"""Promotion: what an estate takes, from where, when, and who must have approved it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
AGE = 14
"""Days for which what was done elsewhere counts, where the estate says nothing else."""

_AHEAD = 370
"""Days in which the next open time is looked for."""

_MIDNIGHT = 24 * 60


@dataclass(frozen=True, slots=True)
class Window:
    """When deploys are let in: on these days (0 is Monday), between two minutes of the day, the last one not among them."""

    days: frozenset[int]
    begins: int
    ends: int

    def on(self, day: date, zone: ZoneInfo) -> tuple[datetime, datetime] | None:
        """Its moments on a day of that zone, UTC; None where it is not open then."""
        if day.weekday() not in self.days:
            return None
        begins, ends = (_moment(day, minute, zone) for minute in (self.begins, self.ends))
        return (begins, ends) if begins < ends else None


@dataclass(frozen=True, slots=True)
class Freeze:
    """Days on which nothing is let in, the last one among them, and why."""

    first: date
    last: date
    reason: str


@dataclass(frozen=True, slots=True)
class Promotion:
    """The rule of an estate. ``source`` is the estate on which the same commit must have been done, at most ``age`` days ago,
    empty for none; without ``windows`` it is always open but on frozen days, by the calendar of ``zone``. ``approvals`` are how
    many of the ``approvers`` must have signed a note, or said yes in Jenkins (``inputs``, its accounts). ``signers`` is a file as
    ssh-keygen wants it, empty where the estate names none.
    """

    source: str = ""
    age: int = AGE
    zone: str = "UTC"
    windows: tuple[Window, ...] = ()
    freezes: tuple[Freeze, ...] = ()
    approvals: int = 0
    approvers: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    signers: str = ""

    def shut(self, now: datetime) -> str:
        """Why nothing is let in at that moment; empty where it is open."""
        day = now.astimezone(self._zone).date()
        if freeze := self._frozen(day):
            return f"frozen until {freeze.last}, {freeze.reason}"
        if not self.windows or any(begins <= now < ends for begins, ends in self._moments(day)):
            return ""
        local = now.astimezone(self._zone)
        return f"no window is open on {DAYS[local.weekday()]} at {local:%H:%M} {self.zone}"

    def opens(self, now: datetime) -> datetime | None:
        """The next moment from ``now`` on at which it is open, in its zone; None where that is more than a year away."""
        today = now.astimezone(self._zone).date()
        for number in range(_AHEAD):
            day = today + timedelta(days=number)
            if self._frozen(day):
                continue
            for begins, ends in self._moments(day):
                if ends > now:
                    return max(begins, now).astimezone(self._zone)
        return None

    def _frozen(self, day: date) -> Freeze | None:
        return max((one for one in self.freezes if one.first <= day <= one.last), key=lambda one: one.last, default=None)

    def _moments(self, day: date) -> Iterator[tuple[datetime, datetime]]:
        """From when to when it is open on a day, in order."""
        windows = self.windows or (Window(frozenset(range(7)), 0, _MIDNIGHT),)
        yield from sorted(moments for window in windows if (moments := window.on(day, self._zone)))

    @property
    def _zone(self) -> ZoneInfo:
        return ZoneInfo(self.zone)


def _moment(day: date, minute: int, zone: ZoneInfo) -> datetime:
    """A minute of a day as that zone's clocks show it first. What they leave out in spring is where they go on."""
    day, minute = (day + timedelta(days=1), 0) if minute == _MIDNIGHT else (day, minute)
    return datetime.combine(day, time(minute // 60, minute % 60), zone).astimezone(UTC)
