"""Settling a deploy: promote if everything was judged and holds, else put the last known good back, and judge that."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from voxgate.deploy.deciding.decision import Judged, deploy_status, judge_run
from voxgate.deploy.hosts import journal_writer
from voxgate.deploy.hosts.journal import Phase
from voxgate.deploy.hosts.state import Found, read_all
from voxgate.deploy.judging.since_done import keep
from voxgate.deploy.judging.standing import Standing, named
from voxgate.deploy.moving.engine import Deployment, State
from voxgate.deploy.planning.plan import Plan, Target
from voxgate.deploy.planning.remotes import Remotes
from voxgate.deploy.recovery.recover import close_back, first_error, put_back, restart_kept, tidy
from voxgate.deploy.recovery.undoing import nothing_was_changed
from voxgate.deploy.run_context import RunContext
from voxgate.errors import VoxgateError
from voxgate.model.release import Release
from voxgate.model.run_facts import How
from voxgate.model.verdict import Exit, Judgement, RunVerdict
from voxgate.model.waiving import waived_in

LookAndJudge = Callable[[Mapping[str, Release]], tuple[RunVerdict, tuple[Judgement, ...]]]


@dataclass(frozen=True, slots=True)
class Settled:
    """What came of a deploy: its verdict and exit status, in one sentence, and the judgement of the way back if it was gone."""

    verdict: RunVerdict
    exit_status: int
    summary: str
    rollback: tuple[Judgement, ...] = ()
    rollback_verdict: RunVerdict | None = None


@dataclass(frozen=True, slots=True)
class WaysBack:
    """The targets of a failed deploy: untouched ones, on which nothing was changed, are abandoned; ``stuck`` have nothing to go
    back to; ``same`` have only what was deployed, all of it, so that going back would lead nowhere else.
    """

    untouched: tuple[Target, ...] = ()
    stuck: tuple[Target, ...] = ()
    same: tuple[Target, ...] = ()
    back: tuple[Target, ...] = ()


def ways_back(deployment: Deployment, found: Mapping[str, Found]) -> WaysBack:
    """Sort the targets, each cut to the placements on which anything was changed, as ``found`` in their journals. Going back
    to the very release that was deployed is a way back only while its moves are not all done: then it puts a half-done host in
    order.
    """
    sorted_: dict[str, list[Target]] = {"untouched": [], "stuck": [], "same": [], "back": []}
    for target in deployment.plan.targets:
        rest = tuple(one for one in target.placements if nothing_was_changed(found[one.id]))
        touched = tuple(one for one in target.placements if one not in rest)
        if rest:
            sorted_["untouched"].append(replace(target, placements=rest))
        if not touched:
            continue
        good = target.way_back
        if good is None:
            sorted_["stuck"].append(replace(target, placements=touched))
            continue
        back = replace(target, release=good, wanted=target.release, placements=touched, is_on_hosts=True)
        whole = deployment.reached >= State.HEALTHY
        sorted_["same" if good.commit == target.release.commit and whole else "back"].append(back)
    return WaysBack(**{name: tuple(targets) for name, targets in sorted_.items()})


def why_not(judged: Judged) -> str:
    """What was judged, and the first id that shut the gate: by name only, since the ledgers of all hosts get it."""
    verdict = judge_run(judged)
    shut = [one.id for one in judged.judgements if one.verdict.value == verdict.value] or list(judged.missing)
    more = f" and {len(shut) - 1} more" if len(shut) > 1 else ""
    return f"judged {verdict}: {shut[0]}{more}" if shut else f"judged {verdict}"


class Settlement:
    """The end of one deploy."""

    def __init__(
        self,
        context: RunContext,
        deployment: Deployment,
        remotes: Remotes,
        judge: LookAndJudge,
        standing: Standing,
    ) -> None:
        """Nothing is decided yet. ``standing`` is what did not hold before the deploy."""
        self.back: Deployment | None = None
        self.tagged: dict[str, Release] = {}
        self.notes: list[str] = []
        self._context = context
        self._deployment = deployment
        self._remotes = remotes
        self._judge = judge
        self._standing = standing

    def settle(self, judged: Judged) -> Settled:
        """Promote only if nothing was interrupted, every move went well, and everything expected was judged and holds, but for
        what a person allowed to stand.
        """
        if self._context.stop.is_set() and not judged.interrupted:
            judged = replace(judged, interrupted="interrupted")
        left = [one.id for one in judged.judgements if one.id in self._standing.allowed and not one.verdict.is_green]
        judged = replace(judged, judgements=self._standing.permitting(judged.judgements))
        if judge_run(judged) is RunVerdict.HOLDS and self._deployment.failure is None:
            return self._promote(self._deployment.plan, left, judged.judgements)
        return self._go_back(judged)

    def _promote(self, plan: Plan, left: Sequence[str], judgements: Sequence[Judgement]) -> Settled:
        """Say on every host that it was judged good; from here on it is finished, by this run or by the next. Then tag what
        has no tag yet, and move last-known-good. ``left`` are ids of what stands as it stood, and may.
        """
        standing = f"still standing, allowed ({self._standing.reason}): {named(left)}" if left else ""
        waived = waived_in(judgements)
        noted = "; ".join([*([waived.removeprefix(", ")] if waived else []), *([standing] if standing else [])])
        try:
            journal_writer.mark(self._context.claim, plan.tasks, Phase.PROMOTING)
            for target in plan.targets:
                release, said = self._remotes.tag(target.service, target.release, self._context.author.run)
                if said:
                    self.notes.append(said)
                    self.tagged[target.service.name] = release
            journal_writer.promote(
                self._context.claim, plan.tasks, self._context.goods, self.tagged, self._context.contents, reason=noted
            )
        except VoxgateError as error:
            summary = f"everything holds, but {error.line}: make recover finishes it"
            return Settled(RunVerdict.BROKEN, Exit.BROKEN, summary)
        self.notes += keep(self._context)
        releases = ", ".join(str(self.tagged.get(target.service.name, target.release)) for target in plan.targets)
        back = "back on " if plan.targets and all(target.how == How.ROLLBACK for target in plan.targets) else ""
        return Settled(RunVerdict.DONE, 0, f"done: {back}{releases}{waived}" + (f"; {standing}" if standing else ""))

    def _go_back(self, judged: Judged) -> Settled:
        """Put back everything that was changed, and nothing else, by the same moves, and judge it again."""
        why = judge_run(judged)
        if why is RunVerdict.HOLDS:  # every invariant holds, yet a move failed: the failure is the violation
            why = RunVerdict.VIOLATED
        reason = judged.interrupted or (self._deployment.failure.line if self._deployment.failure else why_not(judged))
        self._context.claim.regain(self._context.estate.hosts, self._context.progress.note)
        ways = ways_back(self._deployment, read_all(self._context.connections, self._context.estate))
        if ways.untouched:
            names = ", ".join(f"{one.host.name} {one.service.name}" for target in ways.untouched for one in target.placements)
            self._context.progress.note(f"nothing was changed, so nothing goes back and nothing is restarted: {names}")
        # What was deployed again runs already: it has nowhere to go, but is in order if all is once the others are back.
        again = ways.same if ways.back or why is RunVerdict.INCOMPLETE else ()
        not_closed, failure = self._abandon(ways, again, reason), None
        if ways.back:
            self._context.progress.note("going back: " + ", ".join(str(target.release) for target in ways.back))
            self.back, failure = put_back(self._context, ways.back)
        settled = self._judge_back(why, reason, (*ways.back, *again), failure, not_closed)
        nowhere = [target.service.name for target in (*ways.stuck, *(() if again else ways.same))]
        if nowhere:
            known = "its first deploy here" if ways.stuck else "what runs is the last known good itself"
            summary = f"not done ({reason}), and nothing to go back to for {', '.join(nowhere)}: {known}"
            return replace(settled, verdict=RunVerdict.BROKEN, exit_status=Exit.BROKEN, summary=summary)
        return settled

    def _judge_back(
        self,
        why: RunVerdict,
        reason: str,
        targets: tuple[Target, ...],
        failure: VoxgateError | None,
        not_closed: VoxgateError | None,
    ) -> Settled:
        """Look and judge on the last known good; then close the journals. ``failure`` is of the way back, ``not_closed`` of what
        does not go back: that holds nothing of what went back well, and yet not all is in order.
        """
        if not targets:
            verdict, status = deploy_status(why, changed_back=not_closed is None, back_holds=not_closed is None)
            return Settled(verdict, status, f"not done: {reason}; nothing was changed")
        anew = partial(self._judge, {target.service.name: target.release for target in targets})
        failure, judged = restart_kept(self._context, self.back, failure, anew(), anew, self._standing)
        back_verdict, rejudged = judged
        failed = self.back.failed if self.back else frozenset()
        failure = close_back(self._context, targets, failure, judged, reason, self._standing, failed) or not_closed
        releases = ", ".join(str(target.release) for target in targets)
        summary = f"not done ({reason}); back on {releases}, judged again: {back_verdict}{waived_in(rejudged)}"
        if still := self._standing.still(rejudged):
            summary += f", as before; still standing: {named(still)}"
        if failure is not None:
            summary = f"not done ({reason}), and the way back failed: {failure.line}"
        verdict, status = deploy_status(why, changed_back=failure is None, back_holds=failure is None)
        return Settled(verdict, status, summary, rejudged, back_verdict)

    def _abandon(self, ways: WaysBack, again: tuple[Target, ...], reason: str) -> VoxgateError | None:
        """Close what was not touched, and what has nowhere to go back to; what is judged ``again`` stays open until then."""
        mark, nowhere = partial(journal_writer.mark, self._context.claim), f"{reason}; nothing to go back to"

        def leave(target: Target) -> None:
            lost = self._context.claim.lost
            tidy(self._context, (one for one in target.placements if one.host.name not in lost))
            mark(target.tasks, Phase.ABANDONED, reason=reason)

        same = partial(mark, phase=Phase.BACK_JUDGING) if again else partial(mark, phase=Phase.ABANDONED, reason=nowhere)
        return first_error(
            [
                *(partial(leave, target) for target in ways.untouched),
                *(partial(mark, target.tasks, Phase.ABANDONED, reason=nowhere) for target in ways.stuck),
                *(partial(same, target.tasks) for target in ways.same),
            ]
        )
