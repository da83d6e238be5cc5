"""Verdicts: of one invariant, of one move, of the run."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from enum import IntEnum, StrEnum
from typing import Annotated

from voxgate.model.content import Content
from voxgate.model.entry import Entry
from voxgate.model.fingerprints import HostChanges
from voxgate.model.forms import Later
from voxgate.model.release import Release
from voxgate.model.run_facts import DIALLER, Compared, Gap, How, Roll
from voxgate.model.waiver import Waiver


class Verdict(StrEnum):
    """Of one invariant. *Waived* is violated, and accepted in writing until a day; what nobody could see never is."""

    HOLDS = "holds"
    VIOLATED = "violated"
    BLIND = "blind"
    WAIVED = "waived"

    @property
    def is_green(self) -> bool:
        """True if it keeps no gate shut."""
        return self in {Verdict.HOLDS, Verdict.WAIVED}


class RunVerdict(StrEnum):
    """Of a run. A look that found nothing wrong ``holds``; one at some hosts only is ``partial`` then; only a deploy can be
    ``done``.
    """

    HOLDS = "holds"
    PARTIAL = "partial"
    DONE = "done"
    VIOLATED = "violated"
    BLIND = "blind"
    INCOMPLETE = "incomplete"
    REFUSED = "refused"
    ROLLED_BACK = "rolled back"
    BROKEN = "broken"


_GREEN = frozenset({RunVerdict.HOLDS, RunVerdict.PARTIAL, RunVerdict.DONE})


class Exit(IntEnum):
    """The exit status of a look that is blind and of a deploy that is not done; pytest's own 0-6 keep their meaning."""

    BLIND = 7
    REFUSED = 10
    ROLLED_BACK = 11
    INCOMPLETE = 12
    BROKEN = 13


class Move(StrEnum):
    """One step of a deploy on one host."""

    FETCH = "fetch"
    CHECKOUT = "checkout"
    INSTALL = "install"
    RESTART = "restart"
    HEALTH = "health"
    CANARY = "canary"


@dataclass(frozen=True, slots=True)
class MoveRecord:
    """One move as it went. ``started`` and ``seconds`` in seconds (wall clock epoch; duration); ``error`` empty if it went well;
    ``rollback`` marks a move that puts the last known good release back.
    """

    service: str
    host: str
    move: str
    started: float
    seconds: float
    detail: Annotated[str, Later()] = ""
    error: Annotated[str, Later()] = ""
    hint: Annotated[str, Later()] = ""
    rollback: Annotated[bool, Later()] = False


@dataclass(frozen=True, slots=True)
class Judgement:
    """One invariant on one subject. ``reason`` is why the rule exists; ``found`` and ``advice`` are empty if it holds.
    ``entries`` are what the estate may say so that it holds; only who judges without pytest knows them, and no file has them.
    ``waivers`` are the estate's that cover something of what was found, also where that is violated all the same.
    """

    id: str
    invariant: str
    sentence: str
    reason: str
    verdict: Verdict
    service: str | None = None
    host: str | None = None
    found: str = ""
    advice: str = ""
    seconds: float = 0.0
    entries: tuple[Entry, ...] = field(default=(), compare=False)
    waivers: tuple[Waiver, ...] = ()

    @property
    def ends(self) -> date | None:
        """The last day on which all of it is waived, None where it is not."""
        return min((one.until for one in self.waivers), default=None) if self.verdict is Verdict.WAIVED else None


@dataclass(frozen=True, slots=True)
class Ran:
    """A release as a run names it: its tag, None for a head of main that has none, and its commit; each None if not known."""

    tag: str | None = None
    commit: str | None = None

    @property
    def name(self) -> str:
        """What a person calls it, empty where nothing is known."""
        return self.tag or (self.commit or "")[:12]


def ran(release: Release) -> Ran:
    """The same of a release."""
    return Ran(release.tag, release.commit)


@dataclass(frozen=True, slots=True)
class ServiceOutcome:
    """What a run knows of one service: the release it came ``before``, the one that was ``tried`` (None where nothing was
    deployed), and the one that is ``running`` now (None where nobody knows: a deploy was cut short, or could not be undone).
    ``content`` is what the tried one brings, ``settings`` are those that the estate requires; each None if not known.
    """

    service: str
    hosts: tuple[str, ...]
    before: Ran | None
    tried: Ran | None = None
    running: Ran | None = None
    content: Content | None = None
    settings: tuple[str, ...] | None = None

    @property
    def deployed(self) -> bool:
        """True if the run was to put a release there."""
        return self.tried is not None

    @property
    def about(self) -> Ran:
        """The release that the run is about: the one that was tried, else the one that runs."""
        return self.tried or self.running or Ran()


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """A whole run, as ``verdict.json`` says it. ``missing`` are expected judgements that never came. ``standing`` is what did not
    hold before a deploy; ``allowed`` names what of it a person let stand, for the ``reason``. ``at_work`` are other gates that
    were at work meanwhile, a line each; ``moving`` names what is blind for that. ``changes`` is what hosts have otherwise than at
    the last done there: it is told beside the verdict, and stands in no ``verdict.json``.
    """

    run: str
    estate: str
    verdict: RunVerdict
    exit_status: int
    started: float
    seconds: float
    deploy: bool
    partial: bool
    summary: str
    hosts: tuple[str, ...] = ()
    services: tuple[ServiceOutcome, ...] = ()
    judgements: tuple[Judgement, ...] = ()
    missing: tuple[str, ...] = ()
    moves: tuple[MoveRecord, ...] = ()
    rollback: tuple[Judgement, ...] = field(default=())
    rollback_verdict: RunVerdict | None = None
    notes: tuple[str, ...] = ()
    standing: tuple[Judgement, ...] = ()
    allowed: tuple[str, ...] = ()
    reason: str = ""
    at_work: tuple[str, ...] = ()
    moving: tuple[str, ...] = ()
    how: How = How.LOOK
    by: str = ""
    build: str = ""
    rolled: Roll | None = None
    rolled_back: Roll | None = None
    gaps: tuple[Gap, ...] = ()
    compared: Compared | None = None
    changes: tuple[HostChanges, ...] = ()

    @property
    def undialled(self) -> tuple[Gap, ...]:
        """The times in which a dialler did not dial."""
        return tuple(gap for gap in self.gaps if gap.service == DIALLER)

    @property
    def contradiction(self) -> str:
        """Why its judgements, or its verdict, do not allow what it says; empty where they do. What was mended and judged again
        counts as it was then; of what was only looked at, or is done, what was judged first. No run is green, and no exit status
        0, beside anything that does not hold and that nobody let stand.
        """
        if self.verdict not in _GREEN:
            return f"it is {self.verdict}, with exit status 0" if self.exit_status == 0 else ""
        first = self.verdict is RunVerdict.DONE or self.how is How.LOOK
        last = self.judgements if first else self.rollback or self.judgements
        allowed = self.allowed if self.verdict is RunVerdict.DONE else ()
        if nobody := [one.id for one in last if one.verdict is Verdict.WAIVED and not one.waivers]:
            return f"{nobody[0]} is waived, and nobody says by whom"
        bad = [one.id for one in last if not one.verdict.is_green and one.id not in allowed]
        return f"it is {self.verdict}, and {bad[0]} does not hold, one of {len(bad)}" if bad else ""
