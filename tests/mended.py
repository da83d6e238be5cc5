"""A recovery, for tests: what an earlier run left on hosts, and what comes of it once it is mended, judged and closed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from tests.story import NEVER, NEW, Fail, Look, fine, judging, run_on, said, written
from voxgate.deploy.deciding.decision import Judged
from voxgate.deploy.deciding.recovered import recovered
from voxgate.deploy.deciding.settling import Settled
from voxgate.deploy.hosts.journal import Journal, Phase
from voxgate.deploy.hosts.state import Found, LastKnownGood
from voxgate.deploy.recovery.recover import Recovery
from voxgate.errors import Unreachable
from voxgate.model.evidence import Missing
from voxgate.model.release import Release
from voxgate.model.service import Service
from voxgate.model.verdict import Exit, Judgement, RunVerdict, Verdict
from voxgate.model.waiver import Waiver

ONE, TWO, API = "fleet-fleet-1", "fleet-fleet-2", "backend-api-1"
FLEET, ALL = f"{ONE}, {TWO}", f"{API}, {ONE}, {TWO}"
STATUS = {
    RunVerdict.HOLDS: 0,
    RunVerdict.VIOLATED: 1,
    RunVerdict.BLIND: Exit.BLIND,
    RunVerdict.ROLLED_BACK: Exit.ROLLED_BACK,
    RunVerdict.INCOMPLETE: Exit.INCOMPLETE,
    RunVerdict.BROKEN: Exit.BROKEN,
}
BAD = said(Verdict.VIOLATED, "fleet", "fleet-1", "unit-is-up")
WORSE_API = said(Verdict.VIOLATED, "backend", "api-1", "unit-is-up")
GREEN = fine("backend", "fleet")
HOLDS = (RunVerdict.HOLDS, GREEN)
WORSE = (RunVerdict.VIOLATED, (*GREEN, BAD))
WAIVER = Waiver("x", "fleet-fleet-2", "wrong", "known", "me", date(2026, 12, 20))
WAIVED = said(Verdict.WAIVED, "fleet", "fleet-2", waivers=(WAIVER,))
UNKNOWN = Missing("unparsable", "torn")
RAN = LastKnownGood(NEW["fleet"])


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

    def comes_to(self, verdict: RunVerdict, summary: str, story: list[str]) -> None:
        """It is mended so, and not otherwise."""
        settled, told, _ = self.mend()
        assert (settled.verdict, settled.exit_status, settled.summary) == (verdict, STATUS[verdict], summary)
        assert told == story
        look, judgements = self.looks[-1] if self.looks and verdict is not RunVerdict.BROKEN else (None, ())
        assert (settled.rollback_verdict, settled.rollback) == (look, judgements)


def fleet(phase: Phase, changed: Collection[str] | None = None, **more: Any) -> dict[str, Found]:
    """Both hosts of the fleet came to this phase."""
    return {**written(ONE, phase, changed, **more), **written(TWO, phase, changed, **more)}


def untagged(found: dict[str, Found]) -> dict[str, Found]:
    """The same of a head of main that had no tag yet."""
    journals = {key: one.journal for key, one in found.items() if isinstance(one.journal, Journal)}
    main = replace(NEW["fleet"], tag=None)
    return {key: replace(found[key], journal=replace(journal, release=main)) for key, journal in journals.items()}


def at(phase: str, *hosts: str, run: str = "r1") -> str:
    """What was found on these hosts; else on those of the fleet."""
    return "; ".join(f"{host} was left at {phase} by run {run}" for host in hosts or ("fleet-1", "fleet-2"))


AGAIN = "judge again (vox-agents-2026.06.24-1)"
BACK = "go back to the last known good"
FLEET_BACK, API_BACK = f"{BACK} (vox-agents-2026.06.22-1)", f"{BACK} (vox-backend-2026.06.22-1)"
HELD = "fleet: fleet-1 is held after run r1; fleet-2 is held after run r1 -> held until a person clears it"
ANEW = "left at its judging, judged again, and does not hold"
KEPT = ", ".join(f"fleet-{n} voxcore@{m}" for n in (1, 2) for m in (1, 2, 3))
NOT_RESTARTED = f"says not restarted, as the deploy did not: {KEPT}"
RESTARTED = "says fleet: it does not hold without a restart: what was not restarted is restarted after all"
JUDGE = "judge (fleet vox-agents-2026.06.22-1)"


def found(what: str, way: str, service: str = "fleet") -> str:
    """What is said of one service."""
    return f"says found: {service}: {what} -> {way}"


def went(where: str, run: str = "r1") -> list[str]:
    """The moves of a way back that goes well."""
    moves = [f"{phase} {run} a>b: {where}" for phase in ("back-checkout", "back-install", "back-restart", "back-judging")]
    return ["regain", "read", f"tidy: {where}", *moves]


def left_behind(*, judging: bool = False) -> list[str]:
    """The same where the second host of the fleet fails before it is restarted, and so is not judged."""
    return [*went(FLEET)[:-2], f"back-restart r1 a>b: {ONE}", *([JUDGE] if judging else [])]


def without_restart() -> list[str]:
    """The same where only code was changed."""
    return ["regain", "read", NOT_RESTARTED, f"tidy: {FLEET}", f"back-checkout r1 a>b: {FLEET}", f"back-judging r1 a>b: {FLEET}"]


def closed(where: str, why: str, change: str = "r1 a>b") -> list[str]:
    """These are rolled back, with what was judged good there."""
    return [f"rolled-back {change} content digest of {key}: {key} ({why})" for key in where.split(", ")]


def done(where: str, tag: str, change: str = "r1 a>b") -> list[str]:
    """These are promoted to this release."""
    return [f"done {change} good {tag} digest of {key}: {key}" for key in where.split(", ")]


Case = tuple[Left, RunVerdict, str, list[str]]
