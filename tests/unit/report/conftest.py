"""Sample runs on the lab estate, as real as they get without a host: about a hundred judgements each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from voxgate.contracts.estates import load_estate
from voxgate.model.content import Commit, Commits, Content, Direction, Files, Package, Packages, Settings
from voxgate.model.estate import Estate
from voxgate.model.run_facts import Compared, Gap, How, Like, Roll
from voxgate.model.verdict import Judgement, MoveRecord, Ran, RunOutcome, RunVerdict, ServiceOutcome, Verdict

STARTED = 1795338843.0
COMMITS = {
    "backend": "6f1d2c3b4a5968778695a4b3c2d1e0f102132435",
    "fleet": "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567",
    "dialler": "91f0c2a4b6d8e0f1a3c5e7092b4d6f8091a2b3c4",
    "console": "c4d3b2a1908f7e6d5c4b3a29180716f5e4d3c2b1",
}
REASONS = {
    "head-is-the-release": "Whatever else is on the host, the commit it has checked out is what will run next.",
    "release-is-on-main": "A commit that is not on main was never reviewed as a release.",
    "tree-is-the-commit": "A file edited in place is code that nobody reviewed and the next deploy loses.",
    "remote-is-bitbucket": "A checkout that fetches from elsewhere can be given anything.",
    "venv-is-the-lock": "A package that is not in the lock was never tested with the rest.",
    "env-file-is-complete": "A service without a required setting starts and fails at its first call.",
    "unit-is-active": "A unit that is not running, or will not run after a reboot, does no work.",
    "process-is-the-new-code": "Old code in memory keeps running whatever the checkout says.",
    "nothing-restarts-during-the-bake": "A crash loop looks healthy between two crashes.",
    "all-workers-are-up": "One worker is one call slot: a missing worker is a call that is not made.",
    "worker-health-is-clean": "A worker that answers wrong takes calls and drops them.",
    "no-node-runs": "A development server on the API host serves code that no release has.",
    "only-livekit-in-containers": "Anything else in a container is a second, unseen deployment.",
    "clock-is-right": "Signed tokens and call times are wrong on a host with a wrong clock.",
    "exactly-one-dialler-per-database": "Two diallers on one database each pace as if alone, and over-dial real people.",
    "tick-loop-is-alive": "A dialler that does not tick answers health and dials nobody.",
    "capacity-adds-up": "The dialler paces by this number: too high and calls are made that nobody can take.",
    "contracts-are-valid": "A schema that cannot be read checks nothing.",
}


def judgement(invariant: str, subject: str, service: str | None, host: str | None, **found: object) -> Judgement:
    values: dict[str, object] = {
        "id": f"{invariant}[{subject}]" if subject else invariant,
        "invariant": invariant,
        "sentence": invariant.replace("-", " "),
        "reason": REASONS[invariant],
        "verdict": Verdict.HOLDS,
        "service": service,
        "host": host,
        "seconds": 0.0007,
    }
    return Judgement(**{**values, **found})  # type: ignore[arg-type]


def all_judgements(estate: Estate) -> Iterator[Judgement]:
    for place in estate.placements:
        service, host = place.service.name, place.host.name
        for invariant in ("head-is-the-release", "release-is-on-main", "tree-is-the-commit", "remote-is-bitbucket"):
            yield judgement(invariant, place.id, service, host)
        if place.units:
            yield judgement("venv-is-the-lock", place.id, service, host)
            yield judgement("env-file-is-complete", place.id, service, host)
    for unit in estate.placed_units:
        service, host = unit.service.name, unit.host.name
        for invariant in ("unit-is-active", "process-is-the-new-code", "nothing-restarts-during-the-bake"):
            yield judgement(invariant, unit.id, service, host)
        if unit.number:
            yield judgement("all-workers-are-up", unit.id, service, host)
            yield judgement("worker-health-is-clean", unit.id, service, host)
    for name in (host.name for host in estate.hosts):
        for invariant in ("no-node-runs", "only-livekit-in-containers", "clock-is-right"):
            yield judgement(invariant, name, None, name)
    yield judgement("exactly-one-dialler-per-database", "vox", "dialler", None)
    yield judgement("tick-loop-is-alive", "sip-1-voxdialler", "dialler", "sip-1")
    yield judgement("capacity-adds-up", "", "fleet", None)
    yield judgement("contracts-are-valid", "", None, None)


def all_moves(estate: Estate) -> Iterator[MoveRecord]:
    clock = STARTED + 0.8
    for name in ("backend", "fleet", "dialler", "console"):
        service = estate.service(name)
        last = clock
        for host in estate.hosts_of(service):
            at = clock
            for move, seconds in (("checkout", 0.9), ("install", 2.7 if name != "console" else 5.1)):
                yield MoveRecord(name, host.name, move, at, seconds, f"{service.repository}-2026.11.22-1")
                at += seconds
            clock_of_host = max(at, last)
            for number in range(1, host.workers + 1 if name == "fleet" else 2):
                unit = service.instance(number).removesuffix(".service") if name == "fleet" else service.unit or "dist"
                yield MoveRecord(name, host.name, "restart", clock_of_host, 0.6, unit.removesuffix(".service"))
                yield MoveRecord(name, host.name, "health", clock_of_host + 0.6, 1.1, unit.removesuffix(".service"))
                clock_of_host += 1.7
            last = clock_of_host
        clock = last


@pytest.fixture(scope="session")
def estate() -> Estate:
    return load_estate("lab")


@pytest.fixture(scope="session")
def done(estate: Estate) -> RunOutcome:
    """A deploy of all four services that is done."""
    services = tuple(
        ServiceOutcome(
            service=service.name,
            hosts=tuple(host.name for host in estate.hosts_of(service)),
            before=Ran(f"{service.repository}-2026.11.20-2", COMMITS[service.name][::-1]),
            tried=Ran(f"{service.repository}-2026.11.22-1", COMMITS[service.name]),
            running=Ran(f"{service.repository}-2026.11.22-1", COMMITS[service.name]),
        )
        for service in estate.services
    )
    judgements = tuple(all_judgements(estate))
    return RunOutcome(
        run="2026-11-22T09-14-03Z-lab-3fa2",
        estate="lab",
        verdict=RunVerdict.DONE,
        exit_status=0,
        started=STARTED,
        seconds=41.2,
        deploy=True,
        partial=False,
        summary=f"4 services are released, all {len(judgements)} invariants hold",
        hosts=tuple(host.name for host in estate.hosts),
        services=services,
        judgements=judgements,
        moves=tuple(all_moves(estate)),
        notes=("fleet: available workers never fell below 5 of 6 during the restart",),
        how=How.DEPLOY,
    )


@pytest.fixture(scope="session")
def told(done: RunOutcome) -> RunOutcome:
    """The deploy that is done with all that is told besides: what its releases bring, who ran it, who served, what changed."""
    commits = tuple(
        Commit(f"{number:040x}", f"Subject {number}", "Ada", 1795330000 + number, f"https://forge/{number}")
        for number in range(50)
    )
    packages = (Package("uv.lock", "httpx", "0.27.0", "0.28.1"), Package("uv.lock", "anyio", None, "4.9.0"))
    forward = Content(
        Direction.FORWARD,
        brought=Commits(53, commits),
        files=Files(2, 20, 1),
        packages=Packages(2, packages),
        settings=Settings(".env.example", ("LOG_LEVEL",)),
    )
    back = Content(Direction.BACK, taken=Commits(1, commits[:1]), files=Files(changed=1))
    apart = replace(
        forward, way=Direction.APART, taken=Commits(2, commits[:2]), packages=Packages(0, (), ("uv.lock: it is 9 MB",))
    )
    contents = (forward, back, Content(Direction.FIRST), apart)
    services = tuple(replace(one, content=content) for one, content in zip(done.services, contents, strict=True))
    like = Like("2026-11-21T09-14-03Z-lab-11aa", 12.5, Roll(6, 6))
    settings = (("fleet", ("LOG_LEVEL",), ("OLD_KEY",)),)
    return replace(
        done,
        services=tuple(replace(one, settings=("REDIS_URL",)) for one in services),
        how=How.BOTH,
        by="jenkins@agent-1",
        build="https://jenkins.example/job/gate/42/",
        rolled=Roll(6, 5, 1),
        rolled_back=Roll(6, 4),
        gaps=(
            Gap("fleet", "fleet-1", "voxcore@1.service", STARTED + 10, 1.5),
            Gap("fleet", "fleet-2", "voxcore@1.service", STARTED + 12, 1.25),
            Gap("backend", "api-1", "voxbridge.service", STARTED + 14, None),
            Gap("dialler", "sip-1", "voxdialler.service", STARTED + 20, 6.25),
            Gap("dialler", "sip-1", "voxdialler.service", STARTED + 40, None, rollback=True),
        ),
        compared=Compared("2026-11-22T08-00-00Z-lab-11aa", How.LOOK, "violated", ("a[b]",), ("c[d]", "e"), settings, like),
    )


@pytest.fixture(scope="session")
def rolled_back(done: RunOutcome) -> RunOutcome:
    """The same deploy with two invariants violated, one blind, one never judged, and the rollback that followed."""
    findings = {
        "all-workers-are-up[fleet-2-voxcore@2]": replace(
            named(done, "all-workers-are-up[fleet-2-voxcore@2]"),
            verdict=Verdict.VIOLATED,
            found="fleet-2: voxcore@2.service is failed/failed (exit status 1 after 0.4 s), wanted active/running; its last "
            "words: KeyError: 'DEEPGRAM_API_KEY' in vox_agents/settings.py:41",
            advice="put DEEPGRAM_API_KEY into /opt/vox-agents/.env on fleet-2, then sudo systemctl restart voxcore@2",
        ),
        "capacity-adds-up": replace(
            named(done, "capacity-adds-up"),
            verdict=Verdict.VIOLATED,
            found="fleet-1 and fleet-2: worker_max is 6, the live workers add up to 5",
            advice="it follows from the worker that is down: mend that first",
        ),
        "only-livekit-in-containers[sip-1]": replace(
            named(done, "only-livekit-in-containers[sip-1]"),
            verdict=Verdict.BLIND,
            found="sip-1: could not look (denied): /run/docker.sock: permission denied",
            advice="install the probe on sip-1: make probe HOST=sip-1",
        ),
    }
    missing = "tick-loop-is-alive[sip-1-voxdialler]"
    kept = tuple(findings.get(one.id, one) for one in done.judgements if one.id != missing)
    moves = list(done.moves)
    at = next(
        n for n, move in enumerate(moves) if move.detail == "voxcore@2" and move.host == "fleet-2" and move.move == "health"
    )
    moves[at] = replace(
        moves[at], seconds=4.2, error="voxcore@2.service is failed: exit status 1", hint="journalctl -u voxcore@2 -n 20"
    )
    return replace(
        done,
        verdict=RunVerdict.ROLLED_BACK,
        exit_status=11,
        summary="2 invariants are violated, 1 is blind, 1 was not judged: the last known good release runs again",
        judgements=kept,
        missing=(missing,),
        moves=tuple(moves),
        rollback=done.judgements,
        rollback_verdict=RunVerdict.HOLDS,
        run="2026-11-22T09-20-41Z-lab-91bc",
        services=tuple(replace(one, running=one.before) for one in done.services),
    )


@pytest.fixture(scope="session")
def looked(done: RunOutcome) -> RunOutcome:
    """A partial look at the dialler: nothing is changed, nothing is promoted."""
    judgements = tuple(one for one in done.judgements if one.service == "dialler")
    return replace(
        done,
        verdict=RunVerdict.HOLDS,
        deploy=False,
        how=How.LOOK,
        partial=True,
        seconds=3.4,
        summary=f"all {len(judgements)} invariants that were asked for hold",
        judgements=judgements,
        moves=(),
        notes=(),
        services=tuple(replace(one, before=one.running, tried=None) for one in done.services if one.service == "dialler"),
    )


def named(outcome: RunOutcome, identity: str) -> Judgement:
    """The judgement of that id."""
    return next(judgement for judgement in outcome.judgements if judgement.id == identity)
