"""How a run ends that deployed nothing, and mended what an earlier one left open."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from voxgate.deploy.deciding.decision import FAILED, Judged, judge_run, look_status
from voxgate.deploy.deciding.settling import Settled
from voxgate.deploy.judging.standing import named
from voxgate.deploy.recovery.recover import Recovery
from voxgate.errors import VoxgateError
from voxgate.model.counting import counted
from voxgate.model.release import Release
from voxgate.model.verdict import Exit, Judgement, RunVerdict
from voxgate.model.waiving import waived_in

LookAndJudge = Callable[[Mapping[str, Release]], tuple[RunVerdict, tuple[Judgement, ...]]]


def recovered(
    recovery: Recovery, not_mended: VoxgateError | None, judged: Judged, look_and_judge: LookAndJudge, away: Collection[str]
) -> Settled:
    """Close what was mended, by what was judged; ``not_mended`` is why it could not be, ``away`` are hosts that were left out."""
    verdict = judge_run(judged)
    if not_mended is not None:
        summary = f"nothing was deployed: what an earlier run left is not in order: {not_mended.line}"
        return Settled(RunVerdict.BROKEN, Exit.BROKEN, summary)
    if recovery.held or recovery.stuck:
        found = "; ".join(decision.line for decision in recovery.decisions)
        recovery.close((verdict, tuple(judged.judgements)), look_and_judge)
        return Settled(RunVerdict.BROKEN, Exit.BROKEN, f"not in order: {found}")
    if verdict is RunVerdict.INCOMPLETE:
        why = judged.interrupted or f"{counted(len(judged.missing), 'invariant was', 'invariants were')} not judged"
        return Settled(verdict, Exit.INCOMPLETE, f"mended, but not closed: {why}; make recover does the rest")
    failure = recovery.close((verdict, tuple(judged.judgements)), look_and_judge)
    if failure is not None:
        return Settled(RunVerdict.BROKEN, Exit.BROKEN, f"not in order: {failure.line}")
    if recovery.after_all is not None:
        again, judgements = recovery.after_all
        summary = f"what was left to be judged does not hold, and went back ({recovery.summary}); judged again: {again}"
        return Settled(RunVerdict.ROLLED_BACK, Exit.ROLLED_BACK, summary, judgements, again)
    return _by_the_last(recovery, verdict, judged, away)


def _by_the_last(recovery: Recovery, verdict: RunVerdict, judged: Judged, away: Collection[str]) -> Settled:
    """What was left open is closed. Whether all is in order only the last judgement says, whatever had to be mended."""
    final, judgements = recovery.judged or (verdict, tuple(judged.judgements))
    rest = (judgements, final) if recovery.judged and judgements != tuple(judged.judgements) else ((), None)
    if recovery.waits and final is not RunVerdict.VIOLATED:
        left = f", without {', '.join(away)}" if away else ""
        summary = f"mended what can be{left}: {recovery.summary or 'nothing was open'}; make recover does the rest"
        return Settled(RunVerdict.INCOMPLETE, Exit.INCOMPLETE, summary, *rest)
    summary = f"recovered: {recovery.summary}"
    if final is RunVerdict.HOLDS:
        return Settled(final, 0, f"{summary}; all of it holds{waived_in(judgements)}", *rest)
    still = recovery.standing.still(judgements)
    worse = [one.id for one in judgements if not one.verdict.is_green and one.id not in still]
    if still and not worse:
        return Settled(final, look_status(final, FAILED), f"{summary}; it is as before, and does not hold: {named(still)}", *rest)
    return Settled(final, look_status(final, FAILED), f"{summary}; the estate is {final}: {named(worse)}", *rest)
