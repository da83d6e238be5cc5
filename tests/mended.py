"""A recovery, for tests: what an earlier run left on hosts, and what comes of it once it is mended, judged and closed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tests.story import NEVER, Fail, Look, judging, run_on
from voxgate.deploy.deciding.decision import Judged
from voxgate.deploy.deciding.recovered import recovered
from voxgate.deploy.deciding.settling import Settled
from voxgate.deploy.hosts.state import Found
from voxgate.deploy.recovery.recover import Recovery
from voxgate.errors import Unreachable
from voxgate.model.release import Release
from voxgate.model.service import Service
from voxgate.model.verdict import Judgement


@dataclass
class Left:
    """What an earlier run left on hosts, what is judged once it is mended as far as it can be, and what from there on.
    ``missing`` are ids that are not judged; ``away`` hosts that the recovery goes without.
    """

    found: Mapping[str, Found]
    judgements: Sequence[Judgement]
    looks: Sequence[Look] = ()
    fail: Fail = NEVER
    missing: Collection[str] = ()
    interrupted: str = ""
    away: Collection[str] = ()
    lost: Collection[str] = ()
    locked: Mapping[str, str] = field(default_factory=dict)
    seen: Any = None

    def mend(self) -> tuple[Settled, list[str], Recovery]:
        """What came of it, the story, and what was mended."""
        run, hosts = run_on(self.found, self.fail, lost=self.lost)
        hosts.locked = dict(self.locked)
        run.found = {key: replace(one, git_locks=("lock",) if key in self.locked else ()) for key, one in run.found.items()}
        run.contents, run.seen = {key: f"digest of {key}" for key in run.found}, self.seen
        run.away |= {name: Unreachable("no route", where=name) for name in self.away}

        def tag(service: Service, release: Release) -> Release:
            hosts.tell("tag", why=f"{service.name} {release}")
            return replace(release, tag=release.tag or f"{service.repository}-2026.06.25-1")

        recovery = Recovery.of(run, tag)
        recovery.act()
        judged = Judged([*(one.id for one in self.judgements), *self.missing], tuple(self.judgements), self.interrupted)
        return recovered(recovery, None, judged, judging(hosts, *self.looks), run.away), hosts.story, recovery
