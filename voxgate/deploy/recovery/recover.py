"""Recovery, carried out: what an earlier run left open is brought to the end that the policy decided, and is judged."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from voxgate.deploy.hosts import journal_writer
from voxgate.deploy.hosts.executor import Task
from voxgate.deploy.hosts.journal import Journal, Phase
from voxgate.deploy.hosts.last_known_good import way_back
from voxgate.deploy.hosts.state import LastKnownGood, read_all
from voxgate.deploy.judging.since_done import keep
from voxgate.deploy.judging.standing import Standing, Told, named
from voxgate.deploy.moving.engine import Deployment, State
from voxgate.deploy.planning.plan import Target
from voxgate.deploy.recovery.policy import Decision, WayOut, decide
from voxgate.deploy.recovery.undoing import kept_units, undoing
from voxgate.deploy.run_context import RunContext
from voxgate.errors import MoveFailed, VoxgateError
from voxgate.model.estate import Placement
from voxgate.model.release import Release
from voxgate.model.service import Service
from voxgate.model.verdict import Judgement, RunVerdict, Verdict

Judged = tuple[RunVerdict, tuple[Judgement, ...]]
Judge = Callable[[Mapping[str, Release]], Judged]
Tag = Callable[[Service, Release], Release]
_Said = tuple[Sequence[Task], Phase, str]  # what is written of whom, and why


class HostLost(MoveFailed):
    """A host could not be put back because it is not there: its journal is open, and the next run mends it."""


def put_back(context: RunContext, targets: Sequence[Target]) -> tuple[Deployment | None, VoxgateError | None]:
    """Put back on these targets what was changed there, as their journals say, by the same moves; say why that failed, if it
    did. Hosts that were lost are claimed again first; one that stays lost is left out: its journal is open, and the next run
    mends it.
    """
    context.claim.regain(context.estate.hosts, context.progress.note)
    lost = context.claim.lost
    found = read_all(context.connections, context.estate)
    failure: VoxgateError | None = None
    kept = []
    for target in targets:
        there = tuple(placement for placement in target.placements if placement.host.name not in lost)
        if len(there) < len(target.placements):
            away = ", ".join(placement.host.name for placement in target.placements if placement not in there)
            hint = "make recover, when it is back"
            failure = HostLost(f"{target.service.name} was not put back", where=away, why="the host is lost", hint=hint)
        if there:
            kept.append(undoing(replace(target, placements=there), found))
    if not kept:
        return None, failure
    if running := kept_units(kept):
        context.progress.note(f"not restarted, as the deploy did not: {', '.join(running)}")
    back = context.deployment(tuple(kept), back=True)
    for placement in (placement for target in kept for placement in target.placements):
        try:
            tidy(context, [placement])
        except VoxgateError as error:
            back.leave_behind(placement, error)
    try:
        back.reach(State.HEALTHY)
    except VoxgateError as error:
        failure = failure or error
    done = [task for task in back.plan.tasks if task.placement.service.name not in back.failed]
    not_noted = _note_judging(context, back, done)
    return back, failure or not_noted


def _note_judging(context: RunContext, back: Deployment, tasks: Sequence[Task]) -> VoxgateError | None:
    """Note that these are to be judged. A service of which one host cannot is one that did not go back; the others did."""
    errors = []
    for name in dict.fromkeys(task.placement.service.name for task in tasks):
        mine = [task for task in tasks if task.placement.service.name == name]
        error = first_error([partial(journal_writer.mark, context.claim, mine, Phase.BACK_JUDGING)])
        if error is not None:
            errors.append(error)
            back.leave_behind(mine[0].placement, error)
    return errors[0] if errors else None


def tidy(context: RunContext, placements: Iterable[Placement]) -> None:
    """Remove, and say, what a git that was killed left locked. Raises as ``Claim.tidy``."""
    for placement in placements:
        for line in context.claim.tidy(placement):
            context.progress.note(line)


def first_error(acts: Iterable[Callable[[], object]]) -> VoxgateError | None:
    """Do each of them, whatever comes of the others: what one host cannot note or remove keeps no other open. Why the first of
    those failed that did.
    """
    errors = []
    for act in acts:
        try:
            act()
        except VoxgateError as error:
            errors.append(error)
    return errors[0] if errors else None


def restart_kept(
    context: RunContext,
    back: Deployment | None,
    failure: VoxgateError | None,
    judged: Judged,
    judge: Callable[[], Judged],
    standing: Standing,
) -> tuple[VoxgateError | None, Judged]:
    """Where a service that went back without a restart is violated, and was not before (a process that took up what was there
    for a moment), it is judged once more: a store that was slow is no reason to restart who asked it. If it is violated still,
    its units are restarted after all, and nobody else's, and judged again. What could not go back stays as it is, and holds up
    nobody else's. Returns what is true then.
    """
    if back is None or not _violated(back, judged, standing):
        return failure, judged
    judged = judge()
    if not (violated := _violated(back, judged, standing)):
        return failure, judged
    names = ", ".join(sorted(violated))
    context.progress.note(f"{names}: it does not hold without a restart: what was not restarted is restarted after all")
    try:
        not_done = _note_judging(context, back, back.restart_kept(violated))
    except VoxgateError as error:
        not_done = error
    return failure or not_done, judge()


def _violated(back: Deployment, judged: Judged, standing: Standing) -> frozenset[str]:
    """The services that went back, are violated, were not before, and have units that were not restarted."""
    verdict, judgements = standing.against(judged)
    found = {one.service for one in judgements if one.verdict is Verdict.VIOLATED and verdict is RunVerdict.VIOLATED}
    return frozenset(
        one.service.name for one in back.plan.targets if one.service.name in found - back.failed and kept_units([one])
    )


def close_back(
    context: RunContext,
    targets: Sequence[Target],
    failure: VoxgateError | None,
    judged: Judged,
    reason: str,
    standing: Standing,
    failed: frozenset[str] = frozenset(),
) -> VoxgateError | None:
    """Close what was put back, and say why not all is in order, if it is not. ``reason``: why they went back, for the
    ledger; ``failed`` are the services of which a move failed. Everything is judged against what was before (``standing``).
    Rolled back: its moves went well, and nothing of it is worse than before, whatever else is wrong with the estate.
    Held, until a person clears it: its moves failed, or it is worse. Open, for the next run: a host was lost, or it could not be
    judged.
    """
    verdict, judgements = standing.against(judged)
    if lost := _lost(context, failure):
        return failure or lost
    contents = judged_good(context, judged[1])
    held = [target for target in targets if failure is not None and (not failed or target.service.name in failed)]
    said: list[_Said] = []
    if failure is not None:
        said.append(([task for target in held for task in target.tasks], Phase.HELD, failure.line))
    targets = [target for target in targets if target not in held]
    if still := standing.still(judged[1]):
        reason = f"{reason}; as before, and still standing: {named(still)}"
    if verdict is RunVerdict.HOLDS:
        refused = _close(
            context, [*said, ([task for target in targets for task in target.tasks], Phase.ROLLED_BACK, reason)], contents
        )
        return failure or refused
    if verdict is not RunVerdict.VIOLATED:
        refused = _close(context, said, contents)
        return failure or refused or VoxgateError(f"the last known good is {verdict} too")
    what = "what was put back is not what is violated"
    for target in targets:
        match verdict_on(target, judgements):
            case Verdict.VIOLATED:
                what = "the last known good is violated too"
                said.append((target.tasks, Phase.HELD, _violation(what, judgements, target).line))
            case Verdict.HOLDS:
                said.append((target.tasks, Phase.ROLLED_BACK, reason))
            case Verdict.BLIND:
                pass
    refused = _close(context, said, contents)
    return failure or refused or _violation(what, judgements)


def _close(context: RunContext, said: Iterable[_Said], contents: Mapping[str, str]) -> VoxgateError | None:
    """Write the last lines of these, and say what of it failed first: what one host cannot write leaves nobody else's open."""
    mark, good = partial(journal_writer.mark, context.claim), {Phase.ROLLED_BACK: contents}
    return first_error(partial(mark, tasks, phase, reason=why, contents=good.get(phase)) for tasks, phase, why in said)


def judged_good(context: RunContext, judgements: Sequence[Judgement]) -> dict[str, str]:
    """The digests of what was judged last, of the placements of which all is green: what is red stands as it stood before, and
    must not be called good by having been seen once more.
    """
    red = {(one.service, one.host) for one in judgements if not one.verdict.is_green}
    there = {one.id: (one.service.name, one.host.name) for one in context.estate.placements}
    return {key: content for key, content in context.contents.items() if there[key] not in red}


def _lost(context: RunContext, failure: VoxgateError | None) -> VoxgateError | None:
    """What keeps a way back from being closed: a host was lost, or was never there."""
    if isinstance(failure, HostLost):
        return failure
    names = context.claim.lost | context.away.keys()
    what, hint = "a host was lost on the way back, which stays open", "make recover, when it is back"
    return HostLost(what, where=min(names), hint=hint) if names else None


def _violation(what: str, judgements: Sequence[Judgement], target: Target | None = None) -> VoxgateError:
    """An error with the first that is violated as its why; of ``target``, the first that is about it."""
    found = (one for one in judgements if one.verdict is Verdict.VIOLATED and (target is None or is_about(one, target)))
    first = next(found)
    return VoxgateError(what, why=f"{first.id}: {first.found}")


def verdict_on(target: Target, judgements: Sequence[Judgement]) -> Verdict:
    """The gravest of what is about it. Blind, too, where nothing of the service itself was judged."""
    mine = [one for one in judgements if is_about(one, target)]
    for verdict in (Verdict.VIOLATED, Verdict.BLIND):
        if any(one.verdict is verdict for one in mine):
            return verdict
    return Verdict.HOLDS if any(one.service == target.service.name for one in mine) else Verdict.BLIND


def is_about(judgement: Judgement, target: Target) -> bool:
    """True if a judgement is of this service, or of one of its hosts as such, or of the estate as such."""
    if judgement.service:
        return judgement.service == target.service.name
    return not judgement.host or judgement.host in {placement.host.name for placement in target.placements}


def _nowhere(target: Target) -> str:
    """Why what was judged again, and does not hold, does not go back."""
    why = "is the last known good itself" if target.way_back else "there is nothing to go back to"
    return f"judged again, does not hold, and {why}"


@dataclass(slots=True)
class Recovery:
    """What is being mended: decided, then acted on (``act``), then judged, then closed (``close``). ``failure`` is of the way
    back, ``not_closed`` of what a host could not note or remove, which holds up no other. ``judged`` is the judgement that it was
    closed by; ``after_all`` the second one, of what was judged again, did not hold, and went back.
    """

    context: RunContext
    decisions: tuple[Decision, ...]
    tag: Tag
    back: Deployment | None = None
    failure: VoxgateError | None = None
    not_closed: VoxgateError | None = None
    judged: Judged | None = None
    after_all: Judged | None = None
    closed: bool = False

    @classmethod
    def of(cls, context: RunContext, tag: Tag) -> Recovery:
        """Decide from what was found, and say each decision in a line. ``tag`` gives a release that passed its tag."""
        recovery = cls(context, decide(context.estate, context.found, context.away), tag)
        for decision in recovery.decisions:
            context.progress.note(f"found: {decision.line}")
        return recovery

    @property
    def held(self) -> dict[str, str]:
        """Services that a person must look at first, each with what was found."""
        return {one.service: one.found for one in self.decisions if one.way is WayOut.HELD}

    @property
    def stuck(self) -> tuple[str, ...]:
        """Services that were left half done, with nothing to go back to."""
        return tuple(one.service for one in self.decisions if one.way is WayOut.STUCK)

    @property
    def waits(self) -> bool:
        """True where something was left as it was found: a host is away, or nobody knows what was last known good."""
        return bool(self.context.away) or any(one.way is WayOut.WAITS for one in self.decisions)

    @property
    def is_open(self) -> bool:
        """True where something must be judged before it can be closed."""
        return not self.closed and any(one.way in {WayOut.GO_BACK, WayOut.JUDGE} for one in self.decisions)

    @property
    def releases(self) -> dict[str, Release]:
        """What must be running now of the services that were mended."""
        mended = {WayOut.GO_BACK, WayOut.JUDGE, WayOut.PROMOTE, WayOut.WAITS}
        return {one.service: one.release for one in self.decisions if one.way in mended and one.release is not None}

    @property
    def standing(self) -> Standing:
        """What did not hold before the deploys that are mended, as their journals say."""
        found = [(placement, self.context.found[placement.id].journal) for one in self.decisions for placement in one.placements]
        return Told.by((placement, journal.standing) for placement, journal in found if isinstance(journal, Journal))

    @property
    def summary(self) -> str:
        """What was mended, in a sentence."""
        return "; ".join(f"{one.service} {one.way.value}" for one in self.decisions)

    def act(self) -> None:
        """All but the judging: tidy up, abandon, finish promoting, go back. What fails of it is kept."""
        locked = [one for one in self.context.estate.placements if self.context.found[one.id].git_locks]
        self.not_closed = first_error(
            [*(partial(tidy, self.context, [one]) for one in locked), *(partial(self._act_on, one) for one in self.decisions)]
        )
        targets = self._targets(WayOut.GO_BACK)
        if targets:
            self.back, self.failure = put_back(self.context, targets)

    def _act_on(self, decision: Decision) -> None:
        match decision.way:
            case WayOut.ABANDON | WayOut.STUCK:
                nowhere = "" if decision.way is WayOut.ABANDON else "; nothing to go back to"
                journal_writer.mark(self.context.claim, self._tasks(decision), Phase.ABANDONED, reason=decision.found + nowhere)
            case WayOut.PROMOTE:
                self._promote(decision)
            case WayOut.GO_BACK | WayOut.JUDGE | WayOut.HELD | WayOut.WAITS | WayOut.NOTHING:
                pass

    def _promote(self, decision: Decision) -> None:
        service, release = self.context.estate.service(decision.service), decision.wanted
        tagged = {service.name: self.tag(service, release)} if release else {}
        journal_writer.promote(self.context.claim, self._tasks(decision), self.context.goods, tagged, self.context.contents)

    def close(self, judged: Judged, judge: Judge) -> VoxgateError | None:
        """Close what was judged: what went back is rolled back, what was judged again is promoted, or goes back as well.

        Returns why it did not end well. A look that judged only a part closes nothing: the next run mends it.
        """
        if judged[0] is RunVerdict.INCOMPLETE:
            return VoxgateError("not everything was judged", hint="nothing is closed: make recover, once more")
        failure = self.failure
        if targets := self._targets(WayOut.GO_BACK):
            anew = partial(judge, self.releases)
            self.failure, judged = restart_kept(self.context, self.back, self.failure, judged, anew, self.standing)
            left = "; ".join(one.found for one in self.decisions if one.way is WayOut.GO_BACK)
            failed = self.back.failed if self.back else frozenset()
            failure = close_back(self.context, targets, self.failure, judged, left, self.standing, failed) or failure
        again = self._targets(WayOut.JUDGE)
        if again and judged[0] is RunVerdict.HOLDS:
            good = [one for one in self.decisions if one.way is WayOut.JUDGE]
            not_promoted = first_error(partial(self._promote, one) for one in good)
            for line in () if not_promoted else keep(self.context):
                self.context.progress.note(line)
            failure = not_promoted or failure
        elif again:
            failure = self._back_after_all(again, judge) or failure
        self.closed, self.judged = True, judged
        return failure or self.not_closed

    def _back_after_all(self, targets: tuple[Target, ...], judge: Judge) -> VoxgateError | None:
        """What was left at its judging was judged again, and does not hold."""
        same = [target for target in targets if target.wanted and target.release.commit == target.wanted.commit]
        others = [target for target in targets if target not in same]
        if not others:
            mark = partial(journal_writer.mark, self.context.claim)
            not_closed = first_error(partial(mark, one.tasks, Phase.ABANDONED, reason=_nowhere(one)) for one in same)
            return not_closed or VoxgateError(f"{same[0].service.name} {_nowhere(same[0])}")
        tasks = [task for target in same for task in target.tasks]
        not_noted = first_error([partial(journal_writer.mark, self.context.claim, tasks, Phase.BACK_JUDGING)])
        self.back, failure = put_back(self.context, others)
        anew = partial(judge, {target.service.name: target.release for target in targets})
        failure, self.after_all = restart_kept(self.context, self.back, failure, anew(), anew, self.standing)
        reason = "left at its judging, judged again, and does not hold"
        failed = self.back.failed if self.back else frozenset()
        return close_back(self.context, targets, failure, self.after_all, reason, self.standing, failed) or not_noted

    def _tasks(self, decision: Decision) -> list[Task]:
        if decision.wanted is None:
            return []
        origin = self._origins(decision)
        return [Task(placement, decision.wanted, origin, decision.run) for placement in decision.placements]

    def _origins(self, decision: Decision) -> Release | None:
        goods = [self.context.goods[placement.id] for placement in decision.placements]
        return next((good.release for good in goods if isinstance(good, LastKnownGood)), None)

    def _targets(self, way: WayOut) -> tuple[Target, ...]:
        """The targets of a way back, in the order of a deploy."""
        targets = []
        for one in self.decisions:
            if one.way is not way:
                continue
            service = self.context.estate.service(one.service)
            mine = [p for p in self.context.estate.placements if p.service.name == one.service]
            before = {p.id: good if isinstance(good := self.context.goods[p.id], LastKnownGood) else None for p in mine}
            release = way_back(before)[0] or one.wanted
            if release is not None:
                target = Target(service, release, one.placements, before, is_on_hosts=True, wanted=one.wanted, run=one.run)
                targets.append(target)
        return tuple(targets)
