"""The gate: connect, mend what was left open, deploy, look, and once everything was judged, promote or go back."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path

from voxgate.deploy import marks
from voxgate.deploy.at_work import say_who_works
from voxgate.deploy.breaking import must_break_nobody
from voxgate.deploy.canary import Canary, Judge, cannot_judge
from voxgate.deploy.chain import LINES, broken
from voxgate.deploy.contents import contents_of
from voxgate.deploy.decision import Judged
from voxgate.deploy.engine import Deployment, State
from voxgate.deploy.green import require_green
from voxgate.deploy.journal import Phase
from voxgate.deploy.mending import Mending
from voxgate.deploy.outcomes import Known
from voxgate.deploy.plan import Plan, check_requests, make_plan, read_requests
from voxgate.deploy.preflight import held_hosts, must_be_seen, preflight
from voxgate.deploy.progress import Progress
from voxgate.deploy.promoting import Rules
from voxgate.deploy.recovered import recovered
from voxgate.deploy.recovery import credible, way_back
from voxgate.deploy.remotes import Remotes, must_be_judgeable, must_run
from voxgate.deploy.rolling import Capacity, joined
from voxgate.deploy.settling import Settled, Settlement
from voxgate.deploy.site import Orders, Site
from voxgate.deploy.standing import Standing, lines_of, named, refused
from voxgate.deploy.state import Author, Found, hosts_with_state, read_all
from voxgate.deploy.trees import must_be_deployable, must_spare_hosts
from voxgate.deploy.undoing import ages
from voxgate.errors import Refused, Unreachable, VoxgateError
from voxgate.model.content import Content
from voxgate.model.counting import counted
from voxgate.model.estate import Estate
from voxgate.model.evidence import Missing
from voxgate.model.look import Evidence, Look
from voxgate.model.release import Release
from voxgate.model.run_facts import Gap, Roll, gaps
from voxgate.model.service import Service
from voxgate.model.verdict import Judgement, MoveRecord, RunVerdict, ServiceOutcome
from voxgate.model.work import Work
from voxgate.survey.collect import remarks, take_look
from voxgate.survey.judged import digests_of
from voxgate.survey.keeping import Cutter
from voxgate.survey.saving import save
from voxgate.transport.bitbucket import Bitbucket
from voxgate.transport.connection import Connection
from voxgate.transport.connections import Connections

__all__ = ["Gate", "Settled"]

_AHEAD = 600.0
"""Seconds by which the clock of the gate that promoted may have been ahead of this one's."""

Wait = Callable[[float], bool]


class Gate:
    """One run against one estate. Lives in the controller only; workers read the evidence it saved."""

    def __init__(
        self,
        estate: Estate,
        orders: Orders,
        evidence: Path,
        run: str,
        progress: Progress,
        *,
        judge: Judge = cannot_judge,
        cutter: Cutter | None = None,
        builds: Bitbucket | None = None,
        promotion: Rules | None = None,
    ) -> None:
        """Read what is asked for; nothing is opened yet. ``judge`` judges a saved look by itself; ``cutter`` takes the secrets
        out of what is saved; ``builds`` is asked if a release's own build was green, ``promotion`` if it is let in.

        Raises Refused for a request that cannot be meant.
        """
        self.estate = estate
        self.requests = read_requests(orders.deploy, orders.rollback, estate)
        self.deployment: Deployment | None = None
        self.notes: list[str] = []
        self.contents: Mapping[str, Content] = {}
        author = Author(run, services=" ".join(sorted(self.deploying)))
        self.site = Site(estate, Connections(estate), progress, orders, author, cutter=cutter)
        self._evidence_folder = evidence
        self._judge, self.cutter, self._builds, self.promotion = judge, cutter, builds, promotion
        self._opened: Mapping[str, Connection | Unreachable] = {}
        self._remotes = Remotes(estate)
        self._mending: Mending | None = None
        self._not_mended: VoxgateError | None = None
        self._settlement: Settlement | None = None
        self._looks = 0
        self._not_believed: frozenset[str] = frozenset()
        self._glance: Future[Look] | None = None
        self.standing = Standing()

    @property
    def deploying(self) -> frozenset[str]:
        """Names of the services that this run deploys."""
        return frozenset(request.service for request in self.requests)

    @property
    def _deployments(self) -> tuple[Deployment, ...]:
        """All that was carried out so far: back for an earlier run, there, and back."""
        parts = (self._mending and self._mending.back, self.deployment, self._settlement and self._settlement.back)
        return tuple(part for part in parts if part)

    @property
    def moves(self) -> tuple[MoveRecord, ...]:
        """Every move so far, the ways back included."""
        return tuple(record for part in self._deployments for record in part.records)

    @property
    def capacity(self) -> Capacity:
        """Who served while this run rolled the fleet."""
        return self.deployment.capacity if self.deployment else Capacity()

    @property
    def rolled_back(self) -> Roll | None:
        """The fleet while it was rolled on the way back."""
        return joined(part.capacity.roll for part in self._deployments if part is not self.deployment)

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """The times in which a dialler did not dial for this run."""
        return gaps(turn for part in self._deployments for turn in part.turns)

    @property
    def settles(self) -> bool:
        """True where something must be decided once everything was judged: this is no mere look."""
        return self.deployment is not None or (self._mending is not None and bool(self._mending.decisions or self.site.away))

    def connection(self, host: str) -> Connection:
        """The one connection to a host. Raises Unreachable."""
        return self.site.connections[host]

    def stop(self) -> None:
        """This run was interrupted: nothing more is begun, what may be cut short is, and nothing is promoted."""
        self.site.stop.set()

    def prepare(self, only: frozenset[str] | None = None) -> Evidence | None:
        """Connect, mend, deploy what is asked for, look twice, save. A deploy that fails is looked at all the same, one that
        was interrupted is not (None). A mere look is at the services in ``only``, None for all.

        Raises Refused if nothing was touched because it may not be.
        """
        self.connect()
        if not self.site.orders.changes:
            say_who_works(self.site, self.site.found, self.notes)
        releases: dict[str, Release] = {}
        if self.site.orders.changes:
            asked = check_requests(self.estate, self.requests, self._remotes.views) if self.requests else ()
            self._must_reach_enough()
            for service, release in asked:
                must_be_deployable(service, release, self._remotes.mirrors[service.name])
            self._take()
            if self.promotion and (said := self.promotion.judge(self.estate, asked, self.site.claim)):
                self.notes.append(said)
            releases = self._mend()
        if self.requests and self._not_mended is None and not self.site.stop.is_set():
            self._deploy()
        if self.site.stop.is_set():
            return None
        if self.deployment is not None:
            releases = {target.service.name: target.release for target in self.deployment.plan.targets}
        only = None if self.site.orders.changes else only
        evidence = self._look(releases, self._evidence_folder, self.site.stop.wait, only)
        if self.site.stop.is_set():
            return None
        if self._remotes.silent:
            why = next(iter(self._remotes.silent.values()))
            self.notes.append(f"judged by what the remotes said last, they do not answer now: {why}")
        return evidence

    def connect(self) -> None:
        """Open all hosts and read what is written there. The remotes are asked meanwhile, and need not have answered yet."""
        self._remotes.ask(stale=self.site.orders.recover)
        self._opened = self.site.connections.open(self.estate.hosts)
        if not self.site.orders.changes:
            self.read()
        if self.requests:
            pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="glance")
            self._glance = pool.submit(take_look, self.site.connections, self.estate, brief=True)
            pool.shutdown(wait=False)

    def read(self) -> None:
        """Read what is written on the hosts."""
        self._believe(read_all(self.site.connections, self.estate, ledger=LINES))

    def _believe(self, found: Mapping[str, Found]) -> None:
        """Keep what was found, but for what no host may say for others."""
        latest = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + _AHEAD))
        self.site.found = credible(found, self.estate, self._remotes.on_main, latest)
        self.notes += [line for line in broken(found, LINES) if line not in self.notes]
        self._not_believed = frozenset(key for key, one in self.site.found.items() if one.good is not found[key].good)

    def plan(self) -> Plan:
        """What is asked for, as the remotes and the hosts stand. Raises Refused."""
        if self.requests and all(request.back for request in self.requests):
            self._remotes.remember()
        orders, say, goods = self.site.orders, self.site.progress.note, dict(self.site.goods)
        for key in sorted(self._not_believed if orders.no_way_back else ()):
            if isinstance(good := goods[key], Missing):
                say(f"no way back, accepted: {key}: {good.why}")
                goods[key] = None
        plan = make_plan(self.estate, self.requests, self._remotes.views, goods)
        must_spare_hosts(plan, self._remotes.mirrors, no_way_back=orders.no_way_back, say=say)
        must_break_nobody(plan, self._remotes.mirrors, breaking=orders.breaking, say=say)
        self.contents = contents_of(plan, self.estate, self._remotes.mirrors)
        return plan

    def must_reach_all(self) -> None:
        """Raises Refused, in one line, where a host of the estate is not there."""
        dead = [error for error in self._opened.values() if isinstance(error, Unreachable)]
        if dead:
            raise Refused("a host cannot be reached", where=dead[0].where, why=dead[0].why or dead[0].what, hint=dead[0].hint)

    def _must_reach_enough(self) -> None:
        """A deploy needs all hosts. A recovery mends what it reaches, if that is anything. Raises Refused."""
        away = {name: error for name, error in self._opened.items() if isinstance(error, Unreachable)}
        if self.requests or away.keys() >= {host.name for host in hosts_with_state(self.estate)}:
            self.must_reach_all()
        self.site.away |= away

    def _take(self) -> None:
        """Claim what is there, and say what is not."""
        if self.site.take(whole=bool(self.requests)):
            self._remotes.ask(stale=self.site.orders.recover)  # another gate was at work meanwhile
            self._glance = None
        self._believe(self.site.found)
        for key in sorted(self._not_believed):
            if isinstance(good := self.site.found[key].good, Missing):
                self.notes.append(f"the last known good of {key} counts for nothing: {good.why}")
        for name, error in self.site.away.items():
            self.notes.append(f"{name} is left out, what is open there stays open: {error.line}")
            self.site.progress.note(self.notes[-1])

    def _mend(self) -> dict[str, Release]:
        """Bring to its end what was left open. A run that deploys judges that first, by itself; one that only recovers is
        judged as it is. Raises Refused where a person must look first; where what was mended does not hold, nothing more is
        deployed.
        """
        self._mending = Mending.of(self.site, self._tag)
        mine = {service: found for service, found in self._mending.held.items() if service in self.deploying}
        if mine:
            raise held_hosts(mine)
        self._mending.act()
        if self.requests and self._mending.is_open:
            failure = self._mending.close(self._look_and_judge(self._mending.releases), self._look_and_judge)
            self._not_mended = failure
        if self._mending.decisions:
            self.notes += [f"found: {decision.line}" for decision in self._mending.decisions]
        if self.requests and self._mending.decisions:
            self.read()
            self._glance = None  # it is of what was before
        return self._mending.releases

    def _deploy(self) -> None:
        """Plan, preflight, journal, moves."""
        plan = self.plan()
        must_be_judgeable(self.estate, plan, self._remotes.views, self.site.goods)
        if self._builds is not None:
            require_green(plan.targets, self._builds)
        say = self.site.progress.note
        seen = self.look_before()
        with ThreadPoolExecutor(max_workers=1) as pool:  # it starts builds on the hosts, which a look would see
            no_way_back = self.site.orders.no_way_back
            others = pool.submit(preflight, self.site.connections, self.estate, plan, no_way_back=no_way_back, say=say)
            self.stand(plan)
        others.result()
        if self.site.stop.is_set():
            return
        if stopping := self.standing.stopping(plan):
            held = self._mending.held if self._mending else {}
            raise refused(stopping, plan, must_run(self.estate, {}, self.site.goods), held, self.estate)
        for target in plan.targets:
            content = self.contents[target.service.name]
            say(f"{target.service.name}: {target.way_back or 'nothing'} -> {target.release}: {content.line}")
            if disagree := way_back(target.before)[1]:
                say(f"{target.service.name}: {disagree}")
        must = must_run(self.estate, {target.service.name: target.release for target in plan.targets}, self.site.goods)
        anew = {one.id: self.site.found[one.id].begun for one in plan.placements}
        remotes = partial(self._remotes.with_releases, must, {**self.site.found, **anew})
        canary = Canary(self.site, self.standing, remotes, self._judge, self._evidence_folder, self.cutter)
        self.deployment = self.site.deployment(plan.targets, back=False, canary=canary)
        try:
            changed = ages(plan.placements, seen.hosts, self.site.found)
            before = {key: {**when, "standing": self.standing.kept} for key, when in changed.items()}
            marks.mark(self.site.claim, plan.tasks, Phase.CLAIMED, before=before)
        except VoxgateError as error:
            with suppress(VoxgateError):
                marks.mark(self.site.claim, plan.tasks, Phase.ABANDONED, reason="could not be begun everywhere")
            self.deployment = None
            raise Refused("a deploy could not be noted, and was not begun", where=error.where, why=error.line) from None
        with suppress(VoxgateError):  # recorded: whoever asks for a state gets it again
            self.deployment.reach(State.HEALTHY)
        if self.deployment.failure is None:
            try:
                marks.mark(self.site.claim, plan.tasks, Phase.JUDGING)
            except VoxgateError as error:
                self.deployment.fail(error)

    def look_before(self) -> Look:
        """Look at the whole estate before anything is touched, and save it. Raises Refused where not all can be seen."""
        first = self._glance.result() if self._glance else take_look(self.site.connections, self.estate, brief=True)
        self.site.stop.wait(max(0.0, first.counts_from + self.estate.look - time.time()))
        second = take_look(self.site.connections, self.estate)
        must_be_seen(second.hosts)
        must = must_run(self.estate, {}, self.site.goods)
        views = self._remotes.with_releases(must, self.site.found)
        save(Evidence(first, second, views, self._works()), self._folder_before, self.cutter)
        return second

    def stand(self, plan: Plan) -> None:
        """Judge what was seen before anything is touched; say what does not hold, and keep it (``standing``). Raises Refused
        where it cannot be judged.
        """
        try:
            outcome = self._judge(self._folder_before)
        except VoxgateError as error:
            raise Refused("the estate could not be judged before a deploy", where=self.estate.name, why=error.line) from None
        if outcome.verdict is RunVerdict.INCOMPLETE:
            why = str(outcome.verdict)
            raise Refused("not all of the estate could be judged before a deploy", where=self.estate.name, why=why)
        orders, back = self.site.orders, all(request.back for request in self.requests)
        self.standing = Standing.of(outcome.judgements, plan, orders.standing, orders.reason, back=back)
        for line in lines_of(self.standing.found, must_run(self.estate, {}, self.site.goods)):
            self.site.progress.note(f"does not hold before the deploy: {line}")
        if self.standing.allowed:
            self.notes.append(f"let stand ({self.standing.reason}): {named(sorted(self.standing.allowed))}")

    @property
    def _folder_before(self) -> Path:  # where that look is kept
        return self._evidence_folder.with_name("evidence-before")

    def _tag(self, service: Service, release: Release) -> Release:
        """What an earlier run had no time to promote, with the tag that it has. None is pushed: that it was judged good is the
        hosts' word.
        """
        tagged, said = self._remotes.has_tag(service, release)
        if said:
            self.notes.append(said)
        return tagged

    def _look(
        self, releases: Mapping[str, Release], folder: Path, wait: Wait, only: frozenset[str] | None = None
    ) -> Evidence | None:
        """Two looks with the bake between them, and the remotes' word; saved. None where ``wait`` was told to stop."""
        bake = self.site.orders.bake
        if bake is None:
            bake = self.estate.bake if self.site.orders.changes else self.estate.look
        first = take_look(self.site.connections, self.estate, brief=True)
        if wait(max(0.0, first.counts_from + bake - time.time())):  # the window itself is what is observed
            return None
        second = take_look(self.site.connections, self.estate, only=only)
        self.site.contents = digests_of(self.estate, second)
        found = read_all(self.site.connections, self.estate) if self.site.claimed else self.site.found
        views = self._remotes.with_releases(must_run(self.estate, releases, self.site.goods, looking=True), found)
        evidence = Evidence(first, second, views, self._works())
        save(evidence, folder, self.cutter)
        self.notes += [line for line in remarks(second.hosts) if line not in self.notes]
        return evidence

    def _works(self) -> tuple[Work, ...]:
        """Other gates at work since the state of the hosts was read; a gate that has claimed them has them alone."""
        if self.site.claimed:
            return ()
        return say_who_works(self.site, read_all(self.site.connections, self.estate), self.notes)

    def _look_and_judge(self, releases: Mapping[str, Release]) -> tuple[RunVerdict, tuple[Judgement, ...]]:
        """Look, and judge in a process of its own: the way back, and what an earlier run left."""
        self._looks += 1
        name = "evidence-rollback" if self._looks == 1 else f"evidence-rollback-{self._looks}"
        folder = self._evidence_folder.with_name(name)
        self._look(releases, folder, threading.Event().wait)  # a way back is judged whatever comes
        outcome = self._judge(folder)
        return outcome.verdict, outcome.judgements

    def settle(self, judged: Judged) -> Settled:
        """After the judging: promote if and only if everything expected was judged and holds, else go back."""
        if self.deployment is not None:
            self._settlement = Settlement(self.site, self.deployment, self._remotes, self._look_and_judge, self.standing)
            settled = self._settlement.settle(judged)
            if cut := sum(part.capacity.calls_cut for part in self._deployments):
                self.notes.append(f"{counted(cut, 'call was', 'calls were')} up on workers when these were restarted")
            self.notes += self._settlement.notes
            return settled
        if self._mending is None:
            msg = "there is nothing to settle"
            raise RuntimeError(msg)
        return recovered(self._mending, self._not_mended, judged, self._look_and_judge, self.site.away)

    def services(self, settled: Settled | None) -> tuple[ServiceOutcome, ...]:
        """What this run knows of each service."""
        targets = self.deployment.plan.targets if self.deployment else ()
        known = must_run(self.estate, {}, self.site.goods) if self.site.found else {}
        tagged = self._settlement.tagged if self._settlement else {}
        return Known(known, targets, tagged, self.contents, self.moves, settled).outcomes(self.estate)

    def close(self) -> None:
        """Let go of the hosts, and close every connection."""
        self.site.release()
        self.site.connections.close()
