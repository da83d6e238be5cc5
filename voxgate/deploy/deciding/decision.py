"""The decision, as a pure function: what a run is, from what must be judged and what was."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from voxgate.model.counting import counted
from voxgate.model.verdict import Exit, Judgement, RunVerdict, Verdict
from voxgate.model.waiving import waived_in

FAILED = 1  # pytest's exit status where a test failed


@dataclass(frozen=True, slots=True)
class Judged:
    """What came of the judging. ``expected`` are the ids that must be judged; ``plain`` are a team's own tests, each of
    which must be judged on something (``test_ours.py::test_x``); ``interrupted`` says what ended it early,
    empty if nothing did; ``selected`` is True if the user chose a part (-m, -k, paths).
    """

    expected: Collection[str]
    judgements: Sequence[Judgement]
    interrupted: str = ""
    selected: bool = False
    plain: Collection[str] = ()

    @property
    def missing(self) -> tuple[str, ...]:
        """Expected ids without a judgement, in order."""
        came = {judgement.id for judgement in self.judgements}
        functions = {one.partition("[")[0] for one in came}
        return tuple(sorted({*(set(self.expected) - came), *(set(self.plain) - functions)}))

    def count(self, verdict: Verdict) -> int:
        """How many judgements are ``verdict``."""
        return sum(judgement.verdict is verdict for judgement in self.judgements)


def judge_run(judged: Judged) -> RunVerdict:
    """The verdict over the judgements alone, before anything is done about it: ``holds`` only if every expected
    invariant was judged and holds, or is waived. A violation is named before blindness, and both before what is missing.
    """
    if judged.count(Verdict.VIOLATED):
        return RunVerdict.VIOLATED
    if judged.count(Verdict.BLIND):
        return RunVerdict.BLIND
    if judged.missing or judged.interrupted or not judged.judgements:
        return RunVerdict.INCOMPLETE
    return RunVerdict.HOLDS


def look_verdict(judged: Judged, *, part: bool = False) -> RunVerdict:
    """The verdict of a look without a deploy: a selection is judged as what it is, not as incomplete. Of a ``part`` of the
    hosts nothing better can be said than that it is one.
    """
    verdict = judge_run(judged)
    if verdict is RunVerdict.HOLDS and part:
        return RunVerdict.PARTIAL
    if verdict is RunVerdict.INCOMPLETE and judged.selected and judged.judgements and not judged.interrupted:
        return RunVerdict.PARTIAL if part else RunVerdict.HOLDS
    return verdict


def look_summary(judged: Judged, verdict: RunVerdict, hosts: Sequence[str], elsewhere: int, at_work: Sequence[str] = ()) -> str:
    """One sentence for a look at ``hosts``; ``elsewhere`` counts what a part could not be judged by; ``at_work`` are other gates
    that were at work meanwhile, a line each.
    """
    said = _look_summary(judged, verdict, hosts, elsewhere)
    return f"{said}; {'; '.join(at_work)}" if at_work else said


def _look_summary(judged: Judged, verdict: RunVerdict, hosts: Sequence[str], elsewhere: int) -> str:
    """The same of the look alone."""
    part = f", a partial look: {len(judged.missing)} of {len(judged.expected)} were not asked" if judged.missing else ""
    match verdict:
        case RunVerdict.PARTIAL:
            left = f", {elsewhere} more need the whole estate" if elsewhere else ""
            said = _holding(judged, f" of {', '.join(hosts)}")
            return f"{said}{left}; `uv run voxgate merge` joins the parts"
        case RunVerdict.HOLDS:
            return f"{_holding(judged)}{part}"
        case RunVerdict.INCOMPLETE:
            why = judged.interrupted or f"{len(judged.missing)} of {counted(len(judged.expected), 'invariant')} not judged"
            return f"not everything was judged: {why}"
        case _:
            return f"{verdict}{part}"


def _holding(judged: Judged, of: str = "") -> str:
    """``all 211 invariants hold``; ``209 of 211 invariants hold, 2 waived until 2026-12-20``."""
    count, waived = len(judged.judgements), judged.count(Verdict.WAIVED)
    many = f"{count - waived} of {count}" if waived or count == 1 else f"all {count}"
    what, hold = ("invariant", "holds") if count == 1 else ("invariants", "hold")
    return f"{many} {what}{of} {hold}{waived_in(judged.judgements)}"


def look_status(verdict: RunVerdict, pytest_status: int) -> int:
    """The exit status of a look: pytest's own, but never 0 unless all that was looked at holds, and its 1 (something failed) told
    apart: 1 where anything is violated, 7 where nothing is, and something could not be seen.
    """
    if verdict in {RunVerdict.HOLDS, RunVerdict.PARTIAL}:
        return pytest_status
    if verdict is RunVerdict.BLIND and pytest_status in {0, FAILED}:
        return Exit.BLIND
    return pytest_status or FAILED


def deploy_status(judged: RunVerdict, *, changed_back: bool, back_holds: bool) -> tuple[RunVerdict, int]:
    """The verdict and exit status of a deploy that is not done. ``changed_back``: the last known good was put back, or
    is what runs already; ``back_holds``: and the gate judged it, and all of it holds.
    """
    if not (changed_back and back_holds):
        return RunVerdict.BROKEN, Exit.BROKEN
    if judged is RunVerdict.INCOMPLETE:
        return RunVerdict.INCOMPLETE, Exit.INCOMPLETE
    return RunVerdict.ROLLED_BACK, Exit.ROLLED_BACK
