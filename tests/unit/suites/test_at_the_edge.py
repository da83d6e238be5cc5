"""What a rule says at the edge of what is in order, and how it says it where there are several ways.

The words are compared in docs/MESSAGES.md, whole.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from voxgate.model.estate import Available, Containers, Store
from voxgate.model.evidence import ContainerFact, MadeFact, Missing, known
from voxgate.model.look import Look, Question
from voxgate.model.surroundings import CopyFact, DiskFact, JobFact, MemoryFact

from .conftest import Case
from .test_access import rule
from .test_all_at_once import page_says
from .test_calls import first_worker, through
from .test_each_message import API, FLEET, before, containers, livekit, of_estate, remote
from .test_judging import OTHER, WORKER, with_process

LOST = Missing("failed", "nobody knows")
ROUND = 1_800_000_000.0
AGGREGATES = [Question(host, 8101, "/health/fleet") for host in (FLEET, OTHER)]


def restarted(case: Case, age: float) -> Case:
    """Systemd started a worker again, two times by now, the last so many seconds ago."""

    def twice(one: Case) -> Case:
        return one.unit(FLEET, WORKER, properties={"NRestarts": "2"})

    return twice(before(case, twice)).host(FLEET, time=ROUND).process(FLEET, WORKER, started=ROUND - age)


def of_code(case: Case, age: float) -> Case:
    """The code of a host's workers was changed so many seconds before their processes were started."""
    for word in ("checkouts", "venvs", "packages"):
        case = case.of_service(FLEET, word, "fleet", changed=ROUND)
    for number in (1, 2, 3):
        case = case.process(FLEET, f"voxcore@{number}.service", started=ROUND + age)
    return case


def one_more(case: Case, active: str, enabled: str, *links: str) -> Case:
    """A unit more of the fleet's template."""
    units = known(case.of(FLEET).units)
    state, sub = active.split("/")
    said = {"ActiveState": state, "SubState": sub, "UnitFileState": enabled}
    fact = units[WORKER]
    more = replace(fact, name="voxcore@9.service", properties={**fact.properties, **said}, links=links)
    return case.host(FLEET, units={**units, more.name: more})


def ended(case: Case, state: str, result: str = "exit-code") -> Case:
    """A worker's unit is in a state."""
    active, _, sub = state.partition("/")
    return case.unit(FLEET, WORKER, properties={"ActiveState": active, "SubState": sub, "Result": result})


def with_disk(case: Case, **parts: int) -> Case:
    """One disk, of which just as much is free as must be, but for these; so of the memory."""
    disk = replace(DiskFact("/data", 2000 << 20, 100 << 20, 2000, 100), **parts)  # type: ignore[arg-type]
    return case.fact(FLEET, "room", disks=(disk,), memory=MemoryFact(2000 << 20, 100 << 20))


def clock_of(case: Case, seconds: float) -> Case:
    """A host's clock is ahead."""

    def ahead(one: Case) -> Case:
        return one.host(FLEET, time=known(one.of(FLEET).time) + seconds)

    return ahead(before(case, ahead))


def slow(case: Case, seconds: float) -> Case:
    """Both looks at a host took so long to begin."""

    def late(one: Case) -> Case:
        host = one.of(FLEET)
        return one.host(FLEET, asked=known(host.answered) - known(host.took) - seconds)

    return late(before(case, late))


def alone(case: Case) -> Case:
    """No clock of another host was seen."""
    for name in (one.name for one in case.estate.hosts if one.name != FLEET):
        case = case.host(name, answered=LOST)
    return case


def sudo(case: Case, *commands: str, **parts: Any) -> Case:
    """The login account may run these, too."""
    rules = tuple(replace(rule(one, ""), **parts) for one in commands)
    return case.fact(FLEET, "sudo", rules=(*known(case.of(FLEET).sudo).rules, *rules))


def held(case: Case, command: str, holder: str) -> Case:
    """Another account has that."""
    return case.fact(FLEET, "sudo", others=(*known(case.of(FLEET).sudo).others, rule(command, holder)))


MADE = MadeFact((), ("run",), ("run",), ("/srv/x:/x",), ("cap=NET_ADMIN",), as_image=True)
AGENT = ContainerFact("docker", "a" * 64, "agent", "vector/vector:1", "running", "Up", "vector", MADE)
NAMED = Containers(
    "vector", ("vector/vector",), pins={"vector/vector": "vector/vector:1"}, mounts=MADE.mounts, rights=MADE.rights
)


def agents(case: Case, *rows: ContainerFact, named: bool = True) -> Case:
    """Containers beside livekit's, where the estate names one agent."""
    case = of_estate(case, agents={"sip": (NAMED,)}) if named else case
    return containers(case, *livekit(case), *rows)


def made(**parts: Any) -> ContainerFact:
    """The agent's container, made otherwise."""
    return replace(AGENT, made=replace(MADE, **parts))


def taken(case: Case, now: int, then: int, said: int, **words: Any) -> Case:
    """The first worker of the fleet has so many calls now, and had so many then; the sum is said to be another."""
    question = Question(FLEET, 8101, "/health")
    case = before(case, lambda b: page_says(b, question, worker_calls=then))
    case = page_says(case, question, worker_calls=now)
    for one in AGGREGATES:
        case = page_says(case, one, **{"worker_calls": said, "fleet_available": 6 - said, **words})
    return case


def not_asked_before(case: Case, said: int) -> Case:
    """In the first look one worker could not be asked."""
    look = case.evidence.first
    answers = {**look.answers, Question(OTHER, 8101, "/health"): LOST}
    case = replace(case, evidence=replace(case.evidence, first=replace(look, answers=answers)))
    for one in AGGREGATES:
        case = page_says(case, one, worker_calls=said, fleet_available=6 - said)
    return case


def any_free(case: Case, calls: int, *, available: object) -> Case:
    """The estate says that fleet_available is true while one is free; the first worker has all of the calls."""
    return of_estate(taken(case, calls, calls, calls, fleet_available=available), available=Available.ANY)


def registered(case: Case, **words: Any) -> Case:
    """A worker more is in the aggregate's list."""
    for one in AGGREGATES:
        said = json.loads(known_body(case, one)).get("workers", [])
        case = page_says(case, one, workers=[*said, "gone/1"])
    return of_estate(case, **words) if words else case


def known_body(case: Case, question: Question) -> bytes:
    body: bytes = case.evidence.second.answer(question).body
    return body


def outside(case: Case) -> Case:
    """Redis is outside of the estate."""
    stores = (one for one in case.estate.stores if one.name != "redis")
    return registered(case, stores=(*stores, Store("redis", 6379, addresses=("r.example",))))


def called(case: Case, wanted: Callable[[Question], bool], **parts: Any) -> Case:
    """Calls are answered so."""

    def changed(look: Look) -> Look:
        found = {one: replace(known(answer), **parts) for one, answer in look.answers.items() if wanted(one)}
        return replace(look, answers={**look.answers, **found})

    return case.look(changed)


def sent(case: Case, tried: int, again: int, status: str = "UP") -> Case:
    """Of what is sent to a worker some is lost."""
    first, *rest = known(case.of(API).haproxy).servers
    return case.fact(API, "haproxy", servers=(replace(first, sent=(tried, again), status=status), *rest))


def job(case: Case, where: str, user: str, *runs: str) -> Case:
    return case.host(FLEET, jobs=(JobFact(where, user, runs),))


def copies(case: Case, *paths: str) -> Case:
    """Copies of the dialler are there."""
    return case.fact(FLEET, "copies", found=tuple(CopyFact(path, "checkout", ("vox-dialler",), ()) for path in paths))


def more_files(case: Case, host: str, service: str, *paths: str) -> Case:
    """Files that are in no commit."""
    tree = known(case.of(host).checkouts[service]).tree
    return case.of_service(host, "checkouts", service, tree={**tree, **dict.fromkeys(paths, ("100644", "0" * 40))})


def with_module(case: Case) -> Case:
    """The commit has a module of another repository, which no host has."""
    tree = known(case.evidence.remotes["fleet"]).tree
    assert tree is not None
    return remote(case, "fleet", tree={**tree, "sub": ("160000", "1" * 40)})


def not_seen(case: Case, host: str) -> Case:
    """A host could not be looked at."""
    return case.look(lambda look: replace(look, hosts={**look.hosts, host: LOST}))


def server(case: Case, **parts: Any) -> Case:
    """HAProxy tells otherwise of a worker."""
    first, *rest = known(case.of(API).haproxy).servers
    return case.fact(API, "haproxy", servers=(replace(first, **parts), *rest))


AGENTS = "/opt/agent/a.so"


def preloaded(case: Case, *, named: bool, **parts: Any) -> Case:
    """A library of an agent's is loaded into every program, or into a worker alone, and the estate names it or not."""
    if parts:
        case = case.runtime(FLEET, "fleet", **parts)
    else:
        case = case.of_service(FLEET, "runtimes", "fleet", preload=True, preloads=(AGENTS,))
    return of_estate(case, preload={"fleet": (AGENTS,)}) if named else case


LD = {"loads": (AGENTS,), "strange": ("LD_PRELOAD",), "loader": ("LD_PRELOAD",), "elsewhere": (AGENTS,)}
RESTARTS = {"NRestarts": "some"}
HEALTH_OF_WORKER = Question(FLEET, 8101, "/health")


CASES: dict[str, tuple[Callable[[Case], Case], str]] = {
    "restarted ten minutes ago": (lambda g: restarted(g, 600.0), "nothing-restarts-during-the-bake"),
    "as old as its code": (lambda g: of_code(g, 0.0), "process-is-the-new-code"),
    "failed": (lambda g: ended(g, "failed/failed"), "unit-is-active"),
    "stopped": (lambda g: ended(g, "inactive/dead", "success"), "unit-is-active"),
    "no link was looked for": (lambda g: g.host(FLEET, boot=LOST), "unit-is-active"),
    "no process and no link was looked for": (
        lambda g: g.host(FLEET, boot=replace(LOST, why="no list"), processes=LOST),
        "unit-is-active",
    ),
    "stopped, and no process was looked for": (
        lambda g: ended(g.host(FLEET, processes=LOST), "inactive/dead", "success"),
        "unit-is-active",
    ),
    "one more that runs": (lambda g: one_more(g, "active/running", "disabled"), "units-are-all-there-are"),
    "one more that has failed": (lambda g: one_more(g, "failed/failed", "disabled"), "units-are-all-there-are"),
    "one more that is enabled": (lambda g: one_more(g, "inactive/dead", "enabled"), "units-are-all-there-are"),
    "one more with a link": (lambda g: one_more(g, "inactive/dead", "static", "/etc/x"), "units-are-all-there-are"),
    "a disk with a byte too little": (lambda g: with_disk(g, free=(100 << 20) - 1), "host-has-room"),
    "a disk with an inode too little": (lambda g: with_disk(g, inodes_free=99), "host-has-room"),
    "a clock that is ahead": (lambda g: clock_of(g, 1.9), "clock-is-right"),
    "a clock that nobody keeps, and a slow look": (
        lambda g: slow(g.fact(FLEET, "clock", keepers=(), container=False), 3.5),
        "clock-is-right",
    ),
    "a look that is slow": (lambda g: slow(g, 3.5), "clock-is-right"),
    "a clock beside none": (alone, "clock-is-right"),
    "a clock beside none of which the kernel says nothing": (
        lambda g: alone(g.fact(FLEET, "clock", synchronised=None, container=False, keepers=("chronyd",))),
        "clock-is-right",
    ),
    "a host of which it is not known when it was asked": (lambda g: g.host(OTHER, asked=LOST), "clock-is-right"),
    "the build of a service that is elsewhere": (
        lambda g: sudo(g, "/usr/bin/systemctl restart voxgate-build@vox-dialler.service"),
        "sudo-is-minimal",
    ),
    "a build that is reloaded": (lambda g: sudo(g, "/bin/systemctl start voxgate-build@vox-agents.service"), "sudo-is-minimal"),
    "a command of two files": (
        lambda g: sudo(sudo(g, "/bin/a", file="/etc/sudoers.d/b"), "/bin/b", file="/etc/sudoers.d/a"),
        "sudo-is-minimal",
    ),
    "in a group that is root": (lambda g: held(g, "group docker", "anna"), "sudo-is-minimal"),
    "a program with a bit": (lambda g: held(g, "setuid /opt/x/y", "everybody"), "sudo-is-minimal"),
    "a socket of everybody's": (lambda g: held(g, "socket /run/x y.sock", "everybody"), "sudo-is-minimal"),
    "sshd that read its files a second too early": (
        lambda g: g.fact(FLEET, "keys", started=1.0, changed=2.0),
        "keys-are-known",
    ),
    "an estate that names no keys": (lambda g: of_estate(g, keys=None), "keys-are-known"),
    "a container where none is": (
        lambda g: with_process(g, FLEET, WORKER, unit="", container="f" * 64, command="x"),
        "only-livekit-in-containers",
    ),
    "an agent with more mounted": (
        lambda g: agents(g, made(mounts=(*MADE.mounts, "/etc:/e"), rights=(*MADE.rights, "pid=host"))),
        "only-livekit-in-containers",
    ),
    "an agent of another version": (
        lambda g: agents(g, replace(AGENT, image="vector/vector:2")), "only-livekit-in-containers",
    ),
    "an agent that is there twice": (
        lambda g: agents(g, AGENT, replace(AGENT, id="b" * 64, name="other")), "only-livekit-in-containers",
    ),
    "an agent that is called as a service": (
        lambda g: agents(g, replace(AGENT, name="vox-backend-1")), "only-livekit-in-containers",
    ),
    "an agent that sees a service's folder": (
        lambda g: agents(g, made(mounts=("/opt/vox-dialler:/d",))), "only-livekit-in-containers",
    ),
    "an agent that nobody names": (lambda g: agents(g, AGENT, named=False), "only-livekit-in-containers"),
    "an agent that nobody names, with a command": (
        lambda g: agents(g, made(command=("sh", "-c", "x y"), as_image=False), named=False), "only-livekit-in-containers",
    ),
    "an agent of no project": (lambda g: agents(g, replace(AGENT, project=""), named=False), "only-livekit-in-containers"),
    "livekit of another project": (
        lambda g: containers(g, replace(livekit(g)[0], project="vector"), *livekit(g)[1:]), "only-livekit-in-containers",
    ),
    "a stranger in livekit's project": (
        lambda g: agents(g, replace(AGENT, project="livekit"), named=False), "only-livekit-in-containers",
    ),
    "livekit twice": (
        lambda g: containers(g, *livekit(g), replace(livekit(g)[0], id="e" * 64, name="again")), "only-livekit-in-containers",
    ),
    "one of livekit's is gone": (lambda g: containers(g, *livekit(g)[1:]), "only-livekit-in-containers"),
    "two calls more than were": (lambda g: taken(g, 2, 0, 4), "capacity-adds-up"),
    "a call less than were": (lambda g: taken(g, 2, 4, 0), "capacity-adds-up"),
    "a call that no worker has": (lambda g: taken(g, 1, 1, 2), "capacity-adds-up"),
    "two calls, and a worker that was not asked": (lambda g: not_asked_before(g, 2), "capacity-adds-up"),
    "none is free, and it says so": (lambda g: any_free(g, 6, available=True), "capacity-adds-up"),
    "one is free, and it says none": (lambda g: any_free(g, 5, available=False), "capacity-adds-up"),
    "as many as are free, where it is yes or no": (lambda g: any_free(g, 5, available=1), "capacity-adds-up"),
    "true, where it is a number": (lambda g: taken(g, 5, 5, 5, fleet_available=True), "capacity-adds-up"),
    "a dead one, and redis outside": (outside, "capacity-adds-up"),
    "a dead one": (registered, "capacity-adds-up"),
    "a configuration as old as haproxy": (
        lambda g: g.fact(API, "haproxy", started=ROUND, changed=ROUND), "haproxy-sees-all-workers",
    ),
    "haproxy that leads nothing there": (lambda g: g.fact(API, "haproxy", led_to=("other",)), "haproxy-sees-all-workers"),
    "a quarter begins late": (lambda g: sent(g, 12, 3), "haproxy-sees-all-workers"),
    "two of four begin late": (lambda g: sent(g, 4, 2), "haproxy-sees-all-workers"),
    "all begin late": (lambda g: sent(g, 8, 8), "haproxy-sees-all-workers"),
    "most begin late at one that is down": (lambda g: sent(g, 8, 7, "DOWN"), "haproxy-sees-all-workers"),
    "calls through haproxy that fail": (lambda g: called(g, through, status=503), "haproxy-sees-all-workers"),
    "calls through haproxy that are answered otherwise": (
        lambda g: called(g, through, status=403), "haproxy-sees-all-workers",
    ),
    "calls through haproxy that break off": (
        lambda g: called(g, through, status=0, trouble="no route to host"), "haproxy-sees-all-workers",
    ),
    "a call at a worker that breaks off": (
        lambda g: called(g, first_worker, status=0, trouble="connection refused"), "haproxy-sees-all-workers",
    ),
    "a call at a worker that begins one": (lambda g: called(g, first_worker, status=299), "haproxy-sees-all-workers"),
    "a call at a worker that is led elsewhere": (lambda g: called(g, first_worker, status=300), "haproxy-sees-all-workers"),
    "a call that no page is for": (lambda g: called(g, first_worker, status=404), "haproxy-sees-all-workers"),
    "another head": (lambda g: g.of_service(API, "checkouts", "backend", head="0" * 40), "head-is-the-release"),
    "another origin": (lambda g: g.of_service(API, "checkouts", "backend", origin="git@x:y"), "remote-is-bitbucket"),
    "a module that nothing runs": (lambda g: more_files(g, API, "console", "x.py"), "no-foreign-files"),
    "a text beside": (lambda g: more_files(g, API, "backend", "x.txt"), "no-foreign-files"),
    "a copy in a copy": (lambda g: copies(g, "/srv/a", "/srv/a/b", "/srv/ab", "/home/anna/c"), "one-copy-only"),
    "a timer that pulls": (lambda g: job(g, "pull.timer starts pull.service", "root", "git"), "one-copy-only"),
    "a service that pulls": (lambda g: job(g, "pull.service", "root", "git"), "one-copy-only"),
    "a socket whose service pulls": (lambda g: job(g, "x.socket starts pull.service", "vox", "git"), "one-copy-only"),
    "a fleet host that was not seen, for haproxy": (lambda g: not_seen(g, OTHER), "haproxy-sees-all-workers"),
    "a fleet host that was not seen": (lambda g: not_seen(g, OTHER), "fleet-runs-one-release"),
    "a worker of which no check is told": (lambda g: server(g, status="no check"), "haproxy-sees-all-workers"),
    "a worker that is not checked": (lambda g: server(g, checked=False), "haproxy-sees-all-workers"),
    "a tree of no release": (lambda g: remote(g, "backend", release=None), "tree-is-the-commit"),
    "files of no release": (lambda g: remote(g, "backend", release=None), "no-foreign-files"),
    "a library in every program": (lambda g: preloaded(g, named=False), "process-is-the-venvs"),
    "a library of which nothing is told": (
        lambda g: g.of_service(FLEET, "runtimes", "fleet", preload=True, preloads=()), "process-is-the-venvs",
    ),
    "a library that others can change": (
        lambda g: g.of_service(FLEET, "runtimes", "fleet", loose=(AGENTS,)), "process-is-the-venvs",
    ),
    "a library in one worker": (lambda g: preloaded(g, named=False, **LD), "process-is-the-venvs"),
    "a variable beside a library that the estate names": (
        lambda g: preloaded(
            g, named=True, **{**LD, "strange": ("LD_PRELOAD", "LD_AUDIT", "COLOUR"), "loader": ("LD_PRELOAD", "LD_AUDIT")}
        ),
        "process-is-the-venvs",
    ),
    "a path and a colour": (
        lambda g: g.runtime(FLEET, "fleet", strange=("PATH", "ENV", "PYTHONPATH", "COLOUR")), "process-is-the-venvs",
    ),
    "no page of a worker": (
        lambda g: g.answer(HEALTH_OF_WORKER, status=0, body=b"", trouble="connection refused"), "process-is-the-new-code",
    ),
    "a page of another commit": (lambda g: page_says(g, HEALTH_OF_WORKER, commit="0" * 40), "process-is-the-new-code"),
    "a count of restarts that is none": (
        lambda g: before(g, lambda b: b.unit(FLEET, WORKER, properties=RESTARTS)).unit(FLEET, WORKER, properties=RESTARTS),
        "nothing-restarts-during-the-bake",
    ),
    "somebody's table": (lambda g: job(g, "/var/spool/cron/crontabs/anna", "anna", "pip"), "one-copy-only"),
    "a file of the system's": (lambda g: job(g, "/etc/cron.d/x", "root", "npm"), "one-copy-only"),
    "a file at home": (lambda g: job(g, "/home/anna/.config/x", "anna", "uv"), "one-copy-only"),
    "a job that deploys": (lambda g: job(g, "/etc/cron.d/x", "root", "git", "/opt/vox-agents"), "one-copy-only"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_what_is_over_the_edge_is_said(green: Case, name: str) -> None:
    change, said_by = CASES[name]
    assert change(green).judge([said_by])


def test_of_one_tree_twenty_files_are_named(green: Case) -> None:
    """Where more are wrong, all of it is."""
    names = [f"x{number:02}.txt" for number in range(21)]
    ((_, found),) = more_files(green, API, "backend", *names).judge(["no-foreign-files"]).values()
    assert found.count("is not in the commit") == 20
    assert found.endswith("; 21 such files")
    tree = dict(known(green.of(API).checkouts["backend"]).tree)
    wanted = {**tree, **dict.fromkeys(names, ("100644", "0" * 40))}
    ((_, found),) = remote(green, "backend", tree=wanted).judge(["tree-is-the-commit"]).values()
    assert found.count(" is gone") == 20
    assert found.endswith("; 0 changed, 21 gone")
