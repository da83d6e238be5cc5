"""The gate: connect, deploy, look, and once everything was judged, promote or go back."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from voxgate.deploy import state as host_state
from voxgate.deploy.decision import Judged, deploy_status, judge_run
from voxgate.deploy.engine import Deployment, State
from voxgate.deploy.plan import Plan, Target, make_plan, next_tag, read_requests
from voxgate.deploy.progress import Progress
from voxgate.deploy.remotes import Remotes, must_run
from voxgate.deploy.state import LastKnownGood
from voxgate.errors import Refused, Unreachable, VoxgateError
from voxgate.model.estate import Estate
from voxgate.model.evidence import Missing
from voxgate.model.look import Evidence
from voxgate.model.release import Release, RemoteView
from voxgate.model.verdict import Judgement, MoveRecord, RunVerdict, ServiceOutcome
from voxgate.survey.collect import survey, take_look
from voxgate.survey.saving import save
from voxgate.transport.connection import Connection
from voxgate.transport.connections import Connections

Rejudge = Callable[[Path], tuple[RunVerdict, tuple[Judgement, ...]]]


@dataclass(frozen=True, slots=True)
class Settled:
    """What came of a deploy: its verdict and exit status, in one sentence, and the judgement of the way back if it was gone."""

    verdict: RunVerdict
    exit_status: int
    summary: str
    rollback: tuple[Judgement, ...] = ()
    rollback_verdict: RunVerdict | None = None


class Gate:
    """One run against one estate. Lives in the controller only; workers read the evidence it saved."""

    def __init__(
        self, estate: Estate, asked: Sequence[str], evidence: Path, run: str, bake: float | None, progress: Progress
    ) -> None:
        """Read what is asked for; nothing is opened yet. Raises Refused for a request that cannot be meant."""
        self.estate = estate
        self.requests = read_requests(asked, estate)
        self.deployment: Deployment | None = None
        self.back: Deployment | None = None
        self.notes: list[str] = []
        self._evidence_folder = evidence
        self._run = run
        self._bake = bake
        self._progress = progress
        self._connections = Connections(estate)
        self._remotes = Remotes(estate)
        self._views: Mapping[str, RemoteView | Missing] = {}
        self._state: Mapping[str, LastKnownGood | Missing | None] = {}
        self._tagged: dict[str, Release] = {}

    @property
    def deploying(self) -> frozenset[str]:
        """Names of the services that this run deploys."""
        return frozenset(request.service for request in self.requests)

    @property
    def moves(self) -> tuple[MoveRecord, ...]:
        """Every move so far, the way back included."""
        return tuple(record for part in (self.deployment, self.back) if part for record in part.records)

    def connection(self, host: str) -> Connection:
        """The one connection to a host. Raises Unreachable."""
        return self._connections[host]

    def prepare(self) -> Evidence:
        """Connect, deploy what is asked for, look twice, save. A deploy that fails is looked at all the same.

        Raises Refused if nothing was touched because it may not be.
        """
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="remotes") as pool:
            asked = pool.submit(self._remotes.ask)
            opened = self._connections.open(self.estate.hosts)
            self._state = host_state.read_all(self._connections, self.estate)
            self._views = asked.result()
        releases: dict[str, Release] = {}
        if self.requests:
            dead = [error for error in opened.values() if isinstance(error, Unreachable)]
            if dead:
                raise Refused("a host cannot be reached", where=dead[0].where, why=dead[0].why or dead[0].what, hint=dead[0].hint)
            self._preflight()
            plan = make_plan(self.estate, self.requests, self._views, self._state)
            releases = {target.service.name: target.release for target in plan.targets}
            for target in plan.targets:
                self._progress.note(f"{target.service.name}: {target.way_back or 'nothing'} -> {target.release}")
            self.deployment = Deployment(plan, self.estate, self._connections, self._progress)
            with suppress(VoxgateError):  # recorded: whoever asks for a state gets it again
                self.deployment.reach(State.HEALTHY)
        return self._look(releases, self._evidence_folder)

    def _preflight(self) -> None:
        """Look before anything is touched: a deploy that could not be judged afterwards is not begun. Raises Refused."""
        for name, seen in survey(self._connections, self.estate).items():
            if isinstance(seen, Missing):
                raise Refused("this host could not be judged after a deploy", where=name, why=seen.why, hint=seen.hint)

    def _look(self, releases: Mapping[str, Release], folder: Path) -> Evidence:
        """Two looks with the bake between them, and the remotes' word; saved."""
        first = take_look(self._connections, self.estate)
        bake = self._bake if self._bake is not None else (self.estate.bake if self.requests else self.estate.look)
        threading.Event().wait(max(0.0, first.taken + bake - time.time()))  # the window itself is what is observed
        second = take_look(self._connections, self.estate)
        views = self._remotes.with_releases(self._views, must_run(self.estate, releases, self._state))
        evidence = Evidence(first, second, views)
        save(evidence, folder)
        return evidence

    def settle(self, judged: Judged, rejudge: Rejudge) -> Settled:
        """After the judging of a deploy: promote if and only if everything expected was judged and holds, else go back."""
        if self.deployment is None:
            msg = "there is no deploy to settle"
            raise RuntimeError(msg)
        verdict = judge_run(judged)
        if verdict is RunVerdict.HOLDS and self.deployment.failure is None:
            return self._promote(self.deployment.plan)
        return self._go_back(self.deployment, judged, rejudge)

    def _promote(self, plan: Plan) -> Settled:
        """Tag what has no tag yet, then move last-known-good on every host of every target."""
        releases = {target.service.name: self._tag(target) for target in plan.targets}
        try:
            host_state.promote(self._connections, plan.placements, releases, self._state, self._run)
        except VoxgateError as error:
            summary = f"everything holds, but {error.line}: deploy the same releases again"
            return Settled(RunVerdict.BROKEN, 13, summary)
        named = ", ".join(str(release) for release in releases.values())
        return Settled(RunVerdict.DONE, 0, f"done: {named}")

    def _tag(self, target: Target) -> Release:
        """The release with its tag: a head of main gets the next tag of the day, pushed."""
        release = target.release
        view = self._views[target.service.name]
        if release.tag is not None or isinstance(view, Missing):
            return release
        tag = str(next_tag(target.service, view.tags, datetime.now(UTC).date()))
        try:
            self._remotes.mirrors[target.service.name].push_tag(tag, release.commit, f"{tag}: passed the gate, run {self._run}")
        except VoxgateError as error:
            self.notes.append(f"{target.service.name} is done but was not tagged: {error.line}")
            return release
        self.notes.append(f"tagged {target.service.name}: {tag} is {release.commit[:12]}, pushed")
        self._tagged[target.service.name] = replace(release, tag=tag)
        return self._tagged[target.service.name]

    def _go_back(self, deployment: Deployment, judged: Judged, rejudge: Rejudge) -> Settled:
        """Put the last known good back on everything that was touched, by the same moves, and judge it again."""
        why = judge_run(judged)
        if why is RunVerdict.HOLDS:  # every invariant holds, yet a move failed: the failure is the violation
            why = RunVerdict.VIOLATED
        stuck, targets = _ways_back(deployment)
        if stuck:
            names = ", ".join(target.service.name for target in stuck)
            self._progress.note(f"no last known good to go back to: {names}")
        if targets:
            self._progress.note("going back: " + ", ".join(str(target.release) for target in targets))
            self.back = Deployment(Plan(targets), self.estate, self._connections, self._progress, back=True)
            with suppress(VoxgateError):
                self.back.reach(State.HEALTHY)
        if stuck:
            summary = f"not done, and nothing to go back to for {names}: this was its first deploy here"
            return Settled(RunVerdict.BROKEN, 13, summary)
        if not targets:
            summary = "not done; the last known good is what is running, so there is nothing to put back"
            _, status = deploy_status(why, changed_back=True, back_holds=True)
            return Settled(why, status, summary)
        folder = self._evidence_folder.with_name("evidence-rollback")
        self._look({target.service.name: target.release for target in targets}, folder)
        back_verdict, rejudged = rejudge(folder)
        failed = self.back.failure if self.back else None
        holds = back_verdict is RunVerdict.HOLDS and failed is None
        verdict, status = deploy_status(why, changed_back=failed is None, back_holds=holds)
        named = ", ".join(str(target.release) for target in targets)
        summary = f"not done; back on {named}, judged again: {back_verdict}"
        if failed is not None:
            summary = f"not done, and the way back failed: {failed.line}"
        elif not holds:
            summary = f"not done, and the last known good is {back_verdict} too: {named}"
        return Settled(verdict, status, summary, rejudged, back_verdict)

    def services(self, settled: Settled | None) -> tuple[ServiceOutcome, ...]:
        """What this run knows of each service, for the verdict."""
        targets = {t.service.name: t for t in self.deployment.plan.targets} if self.deployment else {}
        known = must_run(self.estate, {}, self._state) if self._state else {}
        done = settled is not None and settled.verdict is RunVerdict.DONE
        outcomes = []
        for service in self.estate.services:
            before = known.get(service.name)
            good = before if isinstance(before, Release) else None
            target = targets.get(service.name)
            release = self._tagged.get(service.name, target.release) if target else good
            if target and done:
                good = release
            outcomes.append(
                ServiceOutcome(
                    service.name,
                    tuple(host.name for host in self.estate.hosts_of(service)),
                    release.tag if release else None,
                    release.commit if release else None,
                    good.tag if good else None,
                    good.commit if good else None,
                    deployed=target is not None,
                )
            )
        return tuple(outcomes)

    def close(self) -> None:
        """Close every connection."""
        self._connections.close()


def _ways_back(deployment: Deployment) -> tuple[tuple[Target, ...], tuple[Target, ...]]:
    """Of the touched targets: those with no way back, and those to go back, each with its release. A target whose last
    known good is what was deployed is neither.
    """
    stuck, back = [], []
    for target in deployment.plan.targets:
        placements = tuple(one for one in target.placements if one.id in deployment.touched)
        if not placements:
            continue
        good = target.way_back
        if good is None:
            stuck.append(target)
        elif good.commit != target.release.commit:
            back.append(replace(target, release=good, placements=placements))
    return tuple(stuck), tuple(back)
