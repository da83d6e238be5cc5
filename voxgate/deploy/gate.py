"""The gate: connect, mend what was left open, deploy, look, and once everything was judged, promote or go back."""

from __future__ import annotations

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path

from voxgate.deploy.deciding.decision import Judged
from voxgate.deploy.deciding.outcomes import Known
from voxgate.deploy.deciding.recovered import recovered
from voxgate.deploy.deciding.settling import Settled, Settlement
from voxgate.deploy.hosts import journal_writer
from voxgate.deploy.hosts.chain import LINES, broken
from voxgate.deploy.hosts.journal import Phase
from voxgate.deploy.hosts.last_known_good import credible, way_back
from voxgate.deploy.hosts.state import Author, Found, hosts_with_state, read_all
from voxgate.deploy.judging.at_work import say_who_works
from voxgate.deploy.judging.canary import Canary, Judge, cannot_judge
from voxgate.deploy.judging.looks import Looks
from voxgate.deploy.judging.standing import Standing, lines_of, named, refused
from voxgate.deploy.moving.engine import Deployment, State
from voxgate.deploy.moving.rolling import Capacity, joined
from voxgate.deploy.planning.asked import must_be_allowed, planned, releases_must_be_deployable
from voxgate.deploy.planning.plan import Plan, check_requests, read_requests
from voxgate.deploy.planning.preflight import held_hosts, preflight
from voxgate.deploy.planning.promoting import Rules
from voxgate.deploy.planning.remotes import Remotes, must_run
from voxgate.deploy.progress import Progress
from voxgate.deploy.recovery.recover import Recovery
from voxgate.deploy.recovery.undoing import ages
from voxgate.deploy.run_context import Options, RunContext
from voxgate.errors import Refused, Unreachable, VoxgateError
from voxgate.model.content import Content
from voxgate.model.counting import counted
from voxgate.model.estate import Estate
from voxgate.model.evidence import Missing
from voxgate.model.fingerprints import HostChanges
from voxgate.model.look import Evidence
from voxgate.model.release import Release
from voxgate.model.run_facts import Gap, Roll, gaps
from voxgate.model.service import Service
from voxgate.model.verdict import MoveRecord, RunVerdict, ServiceOutcome
from voxgate.survey.keeping import Cutter
from voxgate.transport.clients.bitbucket import Bitbucket
from voxgate.transport.ssh.connection import Connection
from voxgate.transport.ssh.connections import Connections

__all__ = ["Gate", "Settled"]

_AHEAD = 600.0
"""Seconds by which the clock of the gate that promoted may have been ahead of this one's."""


class Gate:
    """One run against one estate. Lives in the controller only; workers read the evidence it saved."""

    def __init__(
        self,
        estate: Estate,
        options: Options,
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
        self.requests = read_requests(options.deploy, options.rollback, estate)
        self.deployment: Deployment | None = None
        self.notes: list[str] = []
        self.contents: Mapping[str, Content] = {}
        self.changes: tuple[HostChanges, ...] = ()
        author = Author(run, services=" ".join(sorted(self.deploying)))
        self.context = RunContext(estate, Connections(estate), progress, options, author, cutter=cutter)
        self._judge, self.cutter, self._builds, self.promotion = judge, cutter, builds, promotion
        self._opened: Mapping[str, Connection | Unreachable] = {}
        self._remotes = Remotes(estate)
        self.looks = Looks(self.context, self._remotes, evidence, judge, self.notes)
        self._recovery: Recovery | None = None
        self._not_mended: VoxgateError | None = None
        self._settlement: Settlement | None = None
        self._not_believed: frozenset[str] = frozenset()
        self.standing = Standing()

    @property
    def deploying(self) -> frozenset[str]:
        """Names of the services that this run deploys."""
        return frozenset(request.service for request in self.requests)

    @property
    def _deployments(self) -> tuple[Deployment, ...]:
        """All that was carried out so far: back for an earlier run, there, and back."""
        parts = (self._recovery and self._recovery.back, self.deployment, self._settlement and self._settlement.back)
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
        """The times in which units were away for this run."""
        return gaps(turn for part in self._deployments for turn in part.turns)

    @property
    def settles(self) -> bool:
        """True where something must be decided once everything was judged: this is no mere look."""
        return self.deployment is not None or (self._recovery is not None and bool(self._recovery.decisions or self.context.away))

    def connection(self, host: str) -> Connection:
        """The one connection to a host. Raises Unreachable."""
        return self.context.connections[host]

    def stop(self) -> None:
        """This run was interrupted: nothing more is begun, what may be cut short is, and nothing is promoted."""
        self.context.stop.set()

    def prepare(self, only: frozenset[str] | None = None) -> Evidence | None:
        """Connect, mend, deploy what is asked for, look twice, save. A deploy that fails is looked at all the same, one that
        was interrupted is not (None). A mere look is at the services in ``only``, None for all.

        Raises Refused if nothing was touched because it may not be.
        """
        self.connect()
        if not self.context.options.changes:
            say_who_works(self.context, self.context.found, self.notes)
        releases: dict[str, Release] = {}
        if self.context.options.changes:
            asked = check_requests(self.estate, self.requests, self._remotes.views) if self.requests else ()
            self._must_reach_enough()
            releases_must_be_deployable(asked, self._remotes)
            self._take()
            if self.promotion and (said := self.promotion.judge(self.estate, asked, self.context.claim)):
                self.notes.append(said)
            releases = self._mend()
        if self.requests and self._not_mended is None and not self.context.stop.is_set():
            self._deploy()
        if self.context.stop.is_set():
            return None
        if self.deployment is not None:
            releases = {target.service.name: target.release for target in self.deployment.plan.targets}
        only = None if self.context.options.changes else only
        evidence = self.looks.take(releases, self.looks.folder, self.context.stop.wait, only)
        if self.context.stop.is_set():
            return None
        self.changes = tuple(evidence.changes.values()) if evidence else ()
        if self._remotes.silent:
            why = next(iter(self._remotes.silent.values()))
            self.notes.append(f"judged by what the remotes said last, they do not answer now: {why}")
        return evidence

    def connect(self) -> None:
        """Open all hosts, begin the first look at what runs, and read what is written there. The remotes are asked meanwhile, and
        need not have answered yet.
        """
        self._remotes.ask(stale=self.context.options.recover)
        self._opened = self.context.connections.open(self.estate.hosts)
        if self.requests or not self.context.options.changes:
            self.looks.glance()
        if not self.context.options.changes:
            self.read()

    def read(self) -> None:
        """Read what is written on the hosts."""
        self._believe(read_all(self.context.connections, self.estate, ledger=LINES, done=True))

    def _believe(self, found: Mapping[str, Found]) -> None:
        """Keep what was found, but for what no host may say for others."""
        latest = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + _AHEAD))
        self.context.found = credible(found, self.estate, self._remotes.on_main, latest)
        self.notes += [line for line in broken(found, LINES) if line not in self.notes]
        self._not_believed = frozenset(key for key, one in self.context.found.items() if one.good is not found[key].good)

    def plan(self) -> Plan:
        """What is asked for, as the remotes and the hosts stand. Raises Refused."""
        options, say, goods = self.context.options, self.context.progress.note, dict(self.context.goods)
        for key in sorted(self._not_believed if options.no_way_back else ()):
            if isinstance(good := goods[key], Missing):
                say(f"no way back, accepted: {key}: {good.why}")
                goods[key] = None
        found = planned(
            self.estate, self.requests, self._remotes, goods, say, no_way_back=options.no_way_back, breaking=options.breaking
        )
        self.contents = found.contents
        return found.plan

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
        self.context.away |= away

    def _take(self) -> None:
        """Claim what is there, and say what is not."""
        if self.context.take(whole=bool(self.requests)):
            self._remotes.ask(stale=self.context.options.recover)  # another gate was at work meanwhile
            self.looks.forget_glance()
        self._believe(self.context.found)
        for key in sorted(self._not_believed):
            if isinstance(good := self.context.found[key].good, Missing):
                self.notes.append(f"the last known good of {key} counts for nothing: {good.why}")
        for name, error in self.context.away.items():
            line = f"{name} is left out, what is open there stays open: {error.line}"
            self.notes.append(line)
            self.context.progress.note(line)

    def _mend(self) -> dict[str, Release]:
        """Bring to its end what was left open. A run that deploys judges that first, by itself; one that only recovers is
        judged as it is. Raises Refused where a person must look first; where what was mended does not hold, nothing more is
        deployed.
        """
        self._recovery = Recovery.of(self.context, self._tag)
        mine = {service: found for service, found in self._recovery.held.items() if service in self.deploying}
        if mine:
            raise held_hosts(mine)
        self._recovery.act()
        self._not_mended = self._recovery.not_closed if self.requests else None
        if self.requests and self._recovery.is_open:
            failure = self._recovery.close(self.looks.take_and_judge(self._recovery.releases), self.looks.take_and_judge)
            self._not_mended = failure
        if self._recovery.decisions:
            self.notes += [f"found: {decision.line}" for decision in self._recovery.decisions]
        if self.requests and self._recovery.decisions:
            self.read()
            self.looks.forget_glance()
        return self._recovery.releases

    def _deploy(self) -> None:
        """Plan, preflight, journal, moves."""
        plan = self.plan()
        must_be_allowed(self.estate, plan, self._remotes, self.context.goods, self._builds)
        say = self.context.progress.note
        seen = self.looks.before()
        with ThreadPoolExecutor(max_workers=1) as pool:  # it starts builds on the hosts, which a look would see
            no_way_back = self.context.options.no_way_back
            others = pool.submit(preflight, self.context.connections, self.estate, plan, no_way_back=no_way_back, say=say)
            self.stand(plan)
        others.result()
        if self.context.stop.is_set():
            return
        if stopping := self.standing.stopping(plan):
            held = self._recovery.held if self._recovery else {}
            raise refused(stopping, plan, must_run(self.estate, {}, self.context.goods), held, self.estate)
        for target in plan.targets:
            content = self.contents[target.service.name]
            say(f"{target.service.name}: {target.way_back or 'nothing'} -> {target.release}: {content.line}")
            if disagree := way_back(target.before)[1]:
                say(f"{target.service.name}: {disagree}")
        must = must_run(self.estate, {target.service.name: target.release for target in plan.targets}, self.context.goods)
        anew = {one.id: self.context.found[one.id].begun for one in plan.placements}
        remotes = partial(self._remotes.with_releases, must, {**self.context.found, **anew})
        tried = {target.service.name: str(target.release) for target in plan.targets}
        canary = Canary(self.context, self.standing, remotes, self._judge, self.looks.folder, self.cutter, tried)
        self.deployment = self.context.deployment(plan.targets, back=False, canary=canary)
        try:
            changed = ages(plan.placements, seen.hosts, self.context.found)
            kept, found = self.standing.kept, self.context.found
            before = {one: {**when, "standing": kept, "content": found[one].content} for one, when in changed.items()}
            journal_writer.mark(self.context.claim, plan.tasks, Phase.CLAIMED, before=before)
        except VoxgateError as error:
            with suppress(VoxgateError):
                journal_writer.mark(self.context.claim, plan.tasks, Phase.ABANDONED, reason="could not be begun everywhere")
            self.deployment = None
            raise Refused("a deploy could not be noted, and was not begun", where=error.where, why=error.line) from None
        with suppress(VoxgateError):  # recorded: whoever asks for a state gets it again
            self.deployment.reach(State.HEALTHY)
        if self.deployment.failure is None:
            try:
                journal_writer.mark(self.context.claim, plan.tasks, Phase.JUDGING)
            except VoxgateError as error:
                self.deployment.fail(error)

    def stand(self, plan: Plan) -> None:
        """Judge what was seen before anything is touched; say what does not hold, and keep it (``standing``). Raises Refused
        where it cannot be judged.
        """
        try:
            outcome = self._judge(self.looks.folder_before)
        except VoxgateError as error:
            raise Refused("the estate could not be judged before a deploy", where=self.estate.name, why=error.line) from None
        if outcome.verdict is RunVerdict.INCOMPLETE:
            why = str(outcome.verdict)
            raise Refused("not all of the estate could be judged before a deploy", where=self.estate.name, why=why)
        options, back = self.context.options, all(request.back for request in self.requests)
        self.standing = Standing.of(outcome.judgements, plan, options.standing, options.reason, back=back)
        for line in lines_of(self.standing.found, must_run(self.estate, {}, self.context.goods)):
            self.context.progress.note(f"does not hold before the deploy: {line}")
        if self.standing.allowed:
            self.notes.append(f"let stand ({self.standing.reason}): {named(sorted(self.standing.allowed))}")

    def _tag(self, service: Service, release: Release) -> Release:
        """What an earlier run had no time to promote, with the tag that it has. None is pushed: that it was judged good is the
        hosts' word.
        """
        tagged, said = self._remotes.has_tag(service, release)
        if said:
            self.notes.append(said)
        return tagged

    def settle(self, judged: Judged) -> Settled:
        """After the judging: promote if and only if everything expected was judged and holds, else go back."""
        if self.deployment is not None:
            self._settlement = Settlement(self.context, self.deployment, self._remotes, self.looks.take_and_judge, self.standing)
            settled = self._settlement.settle(judged)
            if cut := sum(part.capacity.calls_cut for part in self._deployments):
                self.notes.append(f"{counted(cut, 'call was', 'calls were')} up on workers when these were restarted")
            self.notes += self._settlement.notes
            return settled
        if self._recovery is None:
            msg = "there is nothing to settle"
            raise RuntimeError(msg)
        return recovered(self._recovery, self._not_mended, judged, self.looks.take_and_judge, self.context.away)

    def services(self, settled: Settled | None) -> tuple[ServiceOutcome, ...]:
        """What this run knows of each service."""
        targets = self.deployment.plan.targets if self.deployment else ()
        known = must_run(self.estate, {}, self.context.goods) if self.context.found else {}
        tagged = self._settlement.tagged if self._settlement else {}
        return Known(known, targets, tagged, self.contents, self.moves, settled).outcomes(self.estate)

    def close(self) -> None:
        """Let go of the hosts, and close every connection."""
        self.context.release()
        self.context.connections.close()
