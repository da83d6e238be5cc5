"""What changed between two runs of one estate: what fell, what was mended, what is judged now and was not, which releases."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from voxgate.errors import VoxgateError
from voxgate.model.counting import counted
from voxgate.model.verdict import Judgement, Ran, RunOutcome, RunVerdict, Verdict
from voxgate.report.folder import runs_of
from voxgate.report.verdict import verdict_file

_GOOD = {RunVerdict.DONE, RunVerdict.HOLDS}


@dataclass(frozen=True, slots=True)
class Changes:
    """Since ``baseline``. ``fallen`` do not hold now and did then, or were waived or not judged then; ``mended`` the other way;
    ``waived`` are waived now and were not then; ``gone`` and ``new`` are ids; ``releases`` maps a service to what ran then and
    what runs now.
    """

    baseline: str
    fallen: tuple[Judgement, ...] = ()
    mended: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    new: tuple[str, ...] = ()
    releases: tuple[tuple[str, str, str], ...] = ()
    waived: tuple[Judgement, ...] = ()

    def lines(self) -> Iterator[str]:
        """Each change in a line; none where nothing changed."""
        for service, then, now in self.releases:
            yield f"release of {service}: {then} -> {now}"
        for one in self.fallen:
            yield f"{one.verdict.value}: {one.id}: {one.found}"
        for one in self.waived:
            yield f"waived until {one.ends}: {one.id}: {one.found}"
        for identity in self.mended:
            yield f"holds again: {identity}"
        if self.gone:
            yield f"no longer judged: {', '.join(self.gone)}"
        if self.new:
            yield f"judged now and not then: {counted(len(self.new), 'invariant')}"


def changes(now: RunOutcome, then: RunOutcome | None) -> Changes:
    """What changed since ``then``; without it everything that does not hold is a change."""
    before = {one.id: one.verdict for one in then.judgements} if then else {}
    bad = [one for one in now.judgements if not one.verdict.is_green]
    judged = {one.id for one in now.judgements}
    holds = {one.id for one in now.judgements if one.verdict is Verdict.HOLDS}
    return Changes(
        baseline=then.run if then else "",
        fallen=tuple(one for one in bad if before.get(one.id, Verdict.HOLDS).is_green),
        mended=tuple(sorted(key for key, verdict in before.items() if verdict is not Verdict.HOLDS and key in holds)),
        # Rules about a deploy are judged after one only.
        gone=tuple(sorted(set(before) - judged)) if then and not then.deploy else (),
        new=tuple(sorted(judged - set(before))) if then else (),
        releases=_releases(now, then) if then else (),
        waived=tuple(one for one in now.judgements if one.verdict is Verdict.WAIVED is not before.get(one.id)),
    )


def _releases(now: RunOutcome, then: RunOutcome) -> tuple[tuple[str, str, str], ...]:
    """Services of which another release runs now."""
    before, after = ({one.service: one.running for one in run.services} for run in (then, now))
    return tuple(
        (name, _named(before[name]), _named(running))
        for name, running in after.items()
        if name in before and before[name] != running
    )


def _named(release: Ran | None) -> str:
    return (release and release.name) or "nothing"


def baseline(estate: str, *roots: Path, but: str = "") -> RunOutcome | None:
    """The newest whole run of an estate that is done or holds, in any of ``roots``, but for the run ``but``."""
    runs = sorted((path for root in roots for path in runs_of(root, estate) if path.name != but), key=lambda path: path.name)
    for path in reversed(runs):
        try:
            outcome = verdict_file.read(path / "verdict.json")
        except VoxgateError:  # still being made, or of another version
            continue
        if outcome.estate == estate and outcome.verdict in _GOOD and not outcome.partial:
            return outcome
    return None
