"""The canary: what a deploy restarted first, judged by itself before anything else is restarted."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Protocol

from voxgate.deploy.judging.since_done import by_host, changes_since
from voxgate.deploy.judging.standing import Standing
from voxgate.deploy.run_context import RunContext
from voxgate.errors import Interrupted, MoveFailed, VoxgateError
from voxgate.model.counting import counted
from voxgate.model.estate import PlacedUnit, Placement
from voxgate.model.evidence import Missing
from voxgate.model.look import Evidence
from voxgate.model.part import narrowed
from voxgate.model.release import RemoteView
from voxgate.model.verdict import Judgement, RunOutcome, Verdict
from voxgate.redaction.shortening import beginning
from voxgate.survey.collect import take_look
from voxgate.survey.keeping import Cutter
from voxgate.survey.questions import question_of
from voxgate.survey.saving import save

REGISTRY = "capacity-adds-up"
"""The rule by which a worker that does not stay registered is found: it is of a host, and holds throughout a roll."""

_LONGEST = 400
"""Characters of what was found that the reason has: the ledgers of all hosts get it."""


class Judge(Protocol):
    """Judges a saved look in a process of its own; ``part`` names the hosts that it is of, where these are not all. Raises
    VoxgateError if that left no verdict, Interrupted once ``stopped`` says so.
    """

    def __call__(
        self, folder: Path, *, part: frozenset[str] | None = None, stopped: Callable[[], bool] | None = None
    ) -> RunOutcome:
        """What it came to."""
        ...


def cannot_judge(folder: Path, **_: object) -> RunOutcome:
    """Nobody said how: nothing is known, and nothing holds."""
    raise VoxgateError("a saved look cannot be judged here", where=str(folder))


@dataclass(slots=True)
class Canary:
    """How the canaries of one deploy are judged: ``standing`` is what did not hold before it, ``remotes`` says what must run,
    beside ``folder`` the looks are kept, and ``cutter`` takes the secrets out of them; ``tried`` are the releases, by service.
    """

    context: RunContext
    standing: Standing
    remotes: Callable[[], Mapping[str, RemoteView | Missing]]
    judge: Judge
    folder: Path
    cutter: Cutter | None = None
    tried: Mapping[str, str] = field(default_factory=dict)
    _looks: int = field(default=0, init=False)

    def __call__(self, placement: Placement, units: Sequence[PlacedUnit]) -> str:
        """Look at one host, and judge ``units`` there, or with none of them all of the host; in words what holds. Raises
        MoveFailed for what does not hold or cannot be judged, Interrupted once the run is stopped.
        """
        self._looks += 1
        folder, part = self.folder.with_name(f"evidence-canary-{self._looks}"), frozenset({placement.host.name})
        try:
            save(self._look(placement, part, only_the_service=bool(units)), folder, self.cutter)
            outcome = self.judge(folder, part=part, stopped=self.context.stop.is_set)
        except Interrupted:
            raise
        except VoxgateError as error:
            raise MoveFailed(
                "the canary could not be judged", where=placement.host.name, why=error.line, hint=error.hint
            ) from None
        return verdict_on(outcome, placement, units, self.standing)

    def _look(self, placement: Placement, part: frozenset[str], *, only_the_service: bool) -> Evidence:
        """Two looks at the host; of the others what their units of this service answer, since the registry is of them all."""
        estate, health = self.context.estate, placement.service.health
        others = [one for one in estate.placed_units if one.service == placement.service and one.host != placement.host]
        pages = [question_of(one, health) for one in others] if health is not None else []
        look = partial(take_look, self.context.connections, narrowed(estate, part), pages)
        first = look(brief=True)
        if self.context.stop.wait(max(0.0, first.counts_from + estate.look - time.time())):
            raise Interrupted("the run was interrupted", why="nothing more is begun")
        second = look(only={placement.service.name} if only_the_service else None)
        changes = by_host(changes_since(self.context, second, self.tried)) if estate.changes else {}
        return Evidence(first, second, self.remotes(), changes=changes)


def verdict_on(outcome: RunOutcome, placement: Placement, units: Sequence[PlacedUnit], standing: Standing) -> str:
    """What a judged look says of ``units``, or with none of them of the whole host. What a person let stand is no reason against
    it, nor is what did not hold before of more than a unit; a unit was restarted, and has to be in order now. Raises MoveFailed.
    """
    restarted = {unit.id for unit in units or placement.placed_units}
    about = restarted if units else {*restarted, placement.id, placement.host.name}
    mine = [one for one in outcome.judgements if _is_about(one.id, placement, about)]
    stands = standing.allowed | {key for key in standing.ids if _subject(key) not in restarted}
    wrong = [one for one in mine if not one.verdict.is_green and one.id not in stands]
    lost = [key for key in outcome.missing if _is_about(key, placement, about)]
    if wrong:
        raise _not_in_order(placement, wrong)
    if lost or not mine:
        why = f"{lost[0]} was not judged" if lost else "nothing of it was judged"
        raise MoveFailed("the canary could not be judged", where=placement.host.name, why=why)
    who = ", ".join(unit.unit.removesuffix(".service") for unit in units) or "the whole host"
    left = sum(not one.verdict.is_green for one in mine)
    waived = sum(one.verdict is Verdict.WAIVED for one in mine)
    said = f"{who} judged, {counted(len(mine) - left - waived, 'rule holds', 'rules hold')}"
    return said + (f", {waived} waived" if waived else "") + (f", {left} stand as before" if left else "")


def _not_in_order(placement: Placement, wrong: Sequence[Judgement]) -> MoveFailed:
    """The first of them in one line: what is violated comes before what could not be seen."""
    first = min(wrong, key=lambda one: one.verdict is not Verdict.VIOLATED)
    more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
    why = f"{first.id} is {first.verdict}: {beginning(first.found, _LONGEST)}{more}"
    return MoveFailed("the canary is not in order", where=placement.host.name, why=why, hint=first.advice)


def _is_about(key: str, placement: Placement, about: set[str]) -> bool:
    return _subject(key) in about or key == f"{REGISTRY}[{placement.id}]"


def _subject(key: str) -> str:
    """What an invariant's id is judged on: ``[fleet-1-voxcore@1]`` without its brackets."""
    return key.partition("[")[2].removesuffix("]")
