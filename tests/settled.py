"""A deploy that is over, for tests: what it left on hosts, and what comes of it once it is settled."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from tests.story import NEVER, Fail, Hosts, Look, judging, run_on, said, wanting, written
from voxgate.deploy.deciding.decision import Judged
from voxgate.deploy.deciding.settling import Settled, Settlement
from voxgate.deploy.hosts.journal import Phase
from voxgate.deploy.hosts.state import Found, LastKnownGood
from voxgate.deploy.judging.standing import Standing
from voxgate.deploy.moving.engine import State
from voxgate.deploy.planning.plan import Target
from voxgate.errors import VoxgateError
from voxgate.model.release import Release
from voxgate.model.verdict import Judgement, Verdict

BAD = said(Verdict.VIOLATED, "fleet", "fleet-1", "unit-is-up")


@dataclass
class Tags:
    """A remote that gives a release without a tag the next of the day."""

    hosts: Hosts

    def tag(self, service: Any, release: Release, run: str) -> tuple[Release, str]:
        """Also said in the story."""
        self.hosts.tell("tag", why=f"{release} of {run}")
        if release.tag:
            return release, ""
        return replace(release, tag=f"{service.repository}-2026.06.25-1"), f"tagged {service.name}"


@dataclass
class End:
    """A deploy of ``targets`` that is over, what was left on hosts, what was judged, and what is judged from there on."""

    targets: Sequence[Target]
    found: Mapping[str, Found] = field(default_factory=dict)
    judgements: Sequence[Judgement] = (BAD,)
    looks: Sequence[Look] = ()
    standing: Standing = field(default_factory=Standing)
    fail: Fail = NEVER
    failure: VoxgateError | None = None
    interrupted: str = ""
    stopped: bool = False
    lost: Collection[str] = ()
    regains: Collection[str] = ()
    seen: Any = None

    def settle(self) -> tuple[Settled, list[str], Settlement]:
        """What came of it, the story, and who settled it."""
        run, hosts = run_on(self.found, self.fail, lost=self.lost, regains=self.regains)
        run.contents, run.seen = {key: f"digest of {key}" for key in run.found}, self.seen
        went = run.deployment(tuple(self.targets), back=False)
        with suppress(VoxgateError):
            went.reach(State.HEALTHY)
        if self.failure:
            went.fail(self.failure)
        hosts.forget()
        if self.stopped:
            run.stop.set()
        remotes: Any = Tags(hosts)
        settlement = Settlement(run, went, remotes, judging(hosts, *self.looks), self.standing)
        judged = Judged([one.id for one in self.judgements], tuple(self.judgements), self.interrupted)
        return settlement.settle(judged), hosts.story, settlement


def first(*names: str) -> tuple[Target, ...]:
    """A first deploy of these."""
    return tuple(replace(one, before=dict.fromkeys(one.before)) for one in wanting(*names))


def again(*names: str) -> tuple[Target, ...]:
    """What runs is deployed once more."""
    return tuple(replace(one, before=dict.fromkeys(one.before, LastKnownGood(one.release))) for one in wanting(*names))


def asked(how: str, *names: str) -> tuple[Target, ...]:
    """The same by this option."""
    return tuple(replace(one, how=how) for one in wanting(*names))


def left(phase: Phase, *keys: str, changed: Collection[str] | None = None) -> dict[str, Found]:
    """What this run left on these: where nothing is said, anything may have been changed."""
    return {key: one for name in keys for key, one in written(name, phase, changed, run="r2").items()}
