"""What no other case says: each changes as little of a green look as makes a rule say it, in its own words.

``make unit`` fails for an assertion or a message of a rule that no test shows (tests/assertions.py). What has no test about its
subject that shows it has a case here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from voxgate.model.evidence import ContainerFact, known
from voxgate.model.look import Question
from voxgate.model.service import Role
from voxgate.model.surroundings import CopiesFact, CopyFact, JobFact, OtherFact, SudoRule
from voxgate.survey.questions import question_of
from voxgate.survey.sites import api_asked, proxied

from .conftest import Case
from .test_access import said
from .test_front import PLAIN, as_people, everywhere, shows
from .test_judging import HEALTH, SITE, WORKER, body, starter

API, DATA, FLEET, SIP = "api-1", "data", "fleet-1", "sip-1"
DIALLER = "voxdialler.service"
TICKS, METRICS = Question(SIP, 8090, "/health"), Question(SIP, 8090, "/metrics")
VIOLATED, BLIND = "violated", "blind"


def placed(case: Case, service: str) -> Any:
    """The first place of a service."""
    return next(one for one in case.estate.placements if one.service.name == service)


def remote(case: Case, service: str, **parts: Any) -> Case:
    """Another word of the remote."""
    remotes = {**case.evidence.remotes, service: replace(known(case.evidence.remotes[service]), **parts)}
    return replace(case, evidence=replace(case.evidence, remotes=remotes))


def before(case: Case, change: Callable[[Case], Case]) -> Case:
    """The same changed in the first look."""
    first = change(replace(case, evidence=replace(case.evidence, second=case.evidence.first))).evidence.second
    return replace(case, evidence=replace(case.evidence, first=first))


def of_estate(case: Case, **parts: Any) -> Case:
    """Another estate."""
    return replace(case, estate=replace(case.estate, **parts))


def containers(case: Case, *rows: ContainerFact) -> Case:
    """Other containers on the SIP host."""
    return case.fact(SIP, "engines", containers=rows)


def livekit(case: Case) -> tuple[ContainerFact, ...]:
    """Those that are there."""
    return known(case.of(SIP).engines).containers


def worker_pages(case: Case) -> list[Question]:
    """Where each worker answers."""
    units = [one for one in case.estate.placed_units if one.service.name == "fleet"]
    return [question_of(one, one.service.health) for one in units if one.service.health]


def mute(case: Case, questions: list[Question]) -> Case:
    """None of these is answered."""
    for question in questions:
        case = case.answer(question, status=0, body=b"", trouble="connection refused")
    return case


def total(case: Case) -> Question:
    """Where the sum over the fleet is asked for."""
    place = placed(case, "fleet")
    return question_of(place.placed_units[0], place.service.aggregate_health)


def many_workers(case: Case) -> Case:
    """An estate with so many workers that they are not all told."""
    hosts = tuple(replace(one, workers=25) if one.name == FLEET else one for one in case.estate.hosts)
    more = of_estate(case, hosts=hosts)
    like = case.evidence.second.answer(worker_pages(case)[0])
    answers = {**dict.fromkeys(worker_pages(more), like), **case.evidence.second.answers}
    return more.look(lambda look: replace(look, answers=answers))


def newer_worker(case: Case) -> Case:
    """All workers report another commit."""
    for question in worker_pages(case):
        case = body(case, question, commit="0" * 40)
    return case


def boxed(case: Case, **parts: Any) -> Case:
    """One of livekit's processes is in another container."""
    rows = known(case.of(SIP).processes)
    one = next(one for one in rows if one.container)
    return case.host(SIP, processes=(*rows, replace(one, **{"pid": 4000, **parts})))


def digest_pinned(case: Case) -> Case:
    """The estate names livekit's image by its digest."""
    wanted = case.estate.containers
    image = wanted.images[0]
    return of_estate(case, containers=replace(wanted, pins={image: f"{image}@sha256:{'0' * 64}"}))


def services(case: Case, name: str, **parts: Any) -> Case:
    """A service as services.toml could have it; where it stands is made anew."""
    return of_estate(case, services=tuple(replace(one, **parts) if one.name == name else one for one in case.estate.services))


def nothing_listens(case: Case, host: str) -> Case:
    """Nobody is seen to listen."""
    return case.host(host, listeners=(), datagrams=())


# What is changed; the rule that says it; how it is judged; what it says.
CASES: dict[str, tuple[Callable[[Case], Case], str, str, str]] = {
    "backend-never-released": (
        lambda g: remote(g, "backend", release=None),
        "backend-health-is-clean",
        VIOLATED,
        "no release of the backend ever passed the gate",
    ),
    "nginx-asks-another-backend": (
        lambda g: body(g, known_question(proxied(g.estate, placed(g, "backend"))), pid=4711),
        "backend-health-is-clean",
        VIOLATED,
        "nginx asks process 4711, and :8080 is answered by",
    ),
    "backend-of-another-commit": (
        lambda g: body(g, HEALTH, commit="0" * 40),
        "backend-health-is-clean",
        VIOLATED,
        "reports 000000000000, not vox-",
    ),
    "api-by-another-page": (
        lambda g: g.answer(api_asked(g.estate, placed(g, "backend"))[0][1], body=b"<html>", digest=""),
        "backend-health-is-clean",
        VIOLATED,
        "answers otherwise than the backend itself: ",
    ),
    "backend-without-checks": (
        lambda g: body(g, HEALTH, checks={}),
        "backend-reaches-its-stores",
        VIOLATED,
        "says nothing of its stores",
    ),
    "starts-after-the-boot": (
        lambda g: starter(g, SIP, "stats.service", at_boot=False, foreign=("/etc/systemd/system/stats.service", "/etc/init.d/x")),
        "boot-starts-only-what-is-known",
        VIOLATED,
        "stats.service starts by itself after the next boot, by ",
    ),
    "read-by-a-supervisor": (
        lambda g: g.fact(SIP, "boot", others=(OtherFact("/etc/supervisor/x.conf", "supervisord", itself=False),)),
        "boot-starts-only-what-is-known",
        VIOLATED,
        "/etc/supervisor/x.conf has something run by itself (supervisord), and came with no package",
    ),
    "page-as-text": (
        lambda g: g.answer(SITE, headers={**g.evidence.second.answer(SITE).headers, "content-type": "text/plain"}),
        "nginx-serves-exactly-dist",
        VIOLATED,
        "has type text/plain",
    ),
    "console-never-released": (
        lambda g: remote(g, "console", release=None),
        "dist-is-this-build",
        VIOLATED,
        "no release of the console ever passed the gate",
    ),
    "build-without-manifest": (
        lambda g: g.of_service(API, "dists", "console", built=None),
        "dist-is-this-build",
        VIOLATED,
        "has no manifest of its build",
    ),
    "build-of-the-same-commit-that-was-not-judged": (
        lambda g: remote(g, "console", judged={API: "0" * 64}),
        "dist-is-this-build",
        VIOLATED,
        "its files are not those with which the release was judged good",
    ),
    "nginx-without-workers": (
        lambda g: g.fact(API, "nginx", workers=()),
        "nginx-runs-its-config",
        VIOLATED,
        "nginx has no worker",
    ),
    "engine-that-is-not-what-it-says": (
        lambda g: g.fact(FLEET, "engines", traces=("a socket at /run/podman/podman.sock",)),
        "only-livekit-in-containers",
        VIOLATED,
        "a container engine is here: a socket at /run/podman/podman.sock",
    ),
    "docker-is-mute": (
        lambda g: before(g.fact(SIP, "engines", engines={}), lambda b: b.fact(SIP, "engines", engines={})),
        "only-livekit-in-containers",
        BLIND,
        "the docker engine did not answer",
    ),
    "livekit-while-docker-is-mute": (
        lambda g: g.fact(SIP, "engines", engines={}),
        "livekit-is-healthy",
        BLIND,
        "the docker engine did not answer",
    ),
    "process-in-a-box-of-nobody": (
        lambda g: boxed(g, container="f" * 64),
        "only-livekit-in-containers",
        VIOLATED,
        "runs in a container that docker does not list",
    ),
    "container-of-which-nothing-is-known": (
        lambda g: containers(g, replace(livekit(g)[0], made=None), *livekit(g)[1:]),
        "only-livekit-in-containers",
        BLIND,
        "the engine did not say what container",
    ),
    "image-of-another-digest": (digest_pinned, "only-livekit-in-containers", VIOLATED, "is of another image than sha256:0000"),
    "livekit-unwell": (
        lambda g: g.answer(Question(SIP, 7880, "/"), status=503),
        "livekit-is-healthy",
        VIOLATED,
        "GET :7880/: livekit answers 503",
    ),
    "livekit-nowhere": (
        lambda g: of_estate(g, containers=replace(g.estate.containers, health=None)),
        "livekit-is-healthy",
        BLIND,
        "the estate does not say where livekit answers",
    ),
    "livekit-not-there": (
        lambda g: containers(g, *livekit(g)[1:]),
        "livekit-is-healthy",
        VIOLATED,
        "no container of livekit/",
    ),
    "livekit-replaced": (
        lambda g: before(g, lambda b: containers(b, replace(livekit(b)[0], id="e" * 64), *livekit(b)[1:])),
        "livekit-is-healthy",
        VIOLATED,
        "was replaced or restarted between the looks",
    ),
    "livekit-not-running-before": (
        lambda g: before(g, lambda b: containers(b, replace(livekit(b)[0], state="created"), *livekit(b)[1:])),
        "livekit-is-healthy",
        VIOLATED,
        "was replaced or restarted between the looks",
    ),
    "livekit-restarted": (
        lambda g: before(
            g,
            lambda b: b.host(
                SIP,
                processes=tuple(
                    replace(one, pid=one.pid + 90000) if one.container else one for one in known(b.of(SIP).processes)
                ),
            ),
        ),
        "livekit-is-healthy",
        VIOLATED,
        "was restarted between the looks: its process 9",
    ),
    "livekit-without-a-process": (
        lambda g: g.host(SIP, processes=tuple(one for one in known(g.of(SIP).processes) if not one.container)),
        "livekit-is-healthy",
        BLIND,
        "no process of this running container was seen",
    ),
    "dialler-in-a-container": (
        lambda g: containers(g, *livekit(g), replace(livekit(g)[0], id="e" * 64, name="Dialler", image="x/y")),
        "exactly-one-dialler-per-database",
        VIOLATED,
        "sip-1: container Dialler is a dialler",
    ),
    "dialler-on-a-host-that-is-none-of-sip": (
        lambda g: of_estate(
            g, hosts=tuple(replace(one, roles=one.roles - {Role.SIP}) if one.name == SIP else one for one in g.estate.hosts)
        ),
        "dialler-is-on-the-sip-host",
        VIOLATED,
        "it is no SIP host",
    ),
    "dialler-replaced-between-the-looks": (
        lambda g: before(g, lambda b: body(b, TICKS, pid=4711)),
        "tick-loop-is-alive",
        VIOLATED,
        "GET :8090/health: process 4711 became ",
    ),
    "metrics-of-before": (
        lambda g: g.answer(METRICS, body=g.evidence.first.answer(METRICS).body),
        "tick-loop-is-alive",
        VIOLATED,
        "GET :8090/metrics: voxdialler_ticks_total went from ",
    ),
    "metrics-unwell": (
        lambda g: g.answer(METRICS, status=500),
        "metrics-are-well-formed",
        VIOLATED,
        "GET :8090/metrics answers 500",
    ),
    "lock-that-uv-cannot-read": (
        lambda g: g.of_service(API, "venvs", "backend", sync_status=2),
        "venv-is-the-lock",
        BLIND,
        "uv could not tell whether the environment is the lock",
    ),
    "packages-that-are-not-the-locks": (
        lambda g: g.of_service(API, "venvs", "backend", sync_status=1, sync_said=" - x==1\n + y==2\n"),
        "venv-is-the-lock",
        VIOLATED,
        "/opt/vox-backend/.venv is not what uv.lock says: uv would change - x==1, + y==2",
    ),
    "pipecat-not-asked-for": (
        lambda g: g.of_service(FLEET, "venvs", "fleet", declared={}),
        "pipecat-is-pinned",
        VIOLATED,
        "pyproject.toml asks for pipecat-ai, not at all",
    ),
    "pipecat-locked-otherwise": (
        lambda g: g.of_service(FLEET, "venvs", "fleet", locked={**known(g.of(FLEET).venvs["fleet"]).locked, "pipecat-ai": "9.9"}),
        "pipecat-is-pinned",
        VIOLATED,
        "/opt/vox-agents/uv.lock has pipecat-ai 9.9, pyproject.toml ",
    ),
    "worker-that-says-nothing": (
        lambda g: mute(g, worker_pages(g)[:1]),
        "pipecat-is-pinned",
        VIOLATED,
        "gave no answer: connection refused: it cannot say what it runs",
    ),
    "settings-by-a-link": (
        lambda g: settings(g, kind="link"),
        "env-file-is-complete",
        VIOLATED,
        "/opt/vox-backend/.env is link, not a regular file",
    ),
    "setting-that-is-none": (
        lambda g: settings(g, placeholder=("MONGODB_URI",), empty=("REDIS_URL",)),
        "env-file-is-complete",
        VIOLATED,
        "/opt/vox-backend/.env: MONGODB_URI, REDIS_URL is empty or a placeholder",
    ),
    "environment-that-was-not-judged": (
        lambda g: remote(g, "backend", judged={API: "0" * 64}),
        "site-packages-are-intact",
        VIOLATED,
        "its RECORDs are not those with which the release was judged good: every file may be another",
    ),
    "settings-copied": (
        lambda g: g.of_service(API, "leaks", "backend", found=(("JWT_SECRET", "/var/backups/env"),)),
        "no-secret-leaks",
        VIOLATED,
        "the value of JWT_SECRET from /opt/vox-backend/.env stands in /var/backups/env",
    ),
    "nginx-mute-for-what-is-hidden": (
        lambda g: mute(g, [Question(API, 80, "/.env")]),
        "console-exposes-nothing",
        BLIND,
        "nginx gave no answer",
    ),
    "assets-that-are-not-kept": (
        lambda g: everywhere(g, lambda one: one.path.startswith("/assets/") and one.path != "/assets/", headers={}),
        "console-exposes-nothing",
        VIOLATED,
        "may not be kept: Cache-Control is not there",
    ),
    "workers-that-all-say-nothing": (
        lambda g: mute(g, worker_pages(g)),
        "each-worker-has-its-own-id",
        VIOLATED,
        "no worker of the fleet says who it is",
    ),
    "fleet-never-released": (
        lambda g: remote(g, "fleet", release=None),
        "fleet-runs-one-release",
        VIOLATED,
        "no release of the fleet ever passed the gate",
    ),
    "very-many-workers-of-another-commit": (
        lambda g: newer_worker(many_workers(g)),
        "fleet-runs-one-release",
        VIOLATED,
        ", and 8 more",
    ),
    "sum-that-nobody-says": (
        lambda g: mute(g, [total(g)]),
        "capacity-adds-up",
        VIOLATED,
        "gave no answer: connection refused",
    ),
    "one-worker-that-lives": (
        lambda g: mute(g, worker_pages(g)[1:]),
        "capacity-adds-up",
        VIOLATED,
        "the 1 live worker has 1",
    ),
    "fleet-that-answers-nowhere": (
        lambda g: services(g, "fleet", health=None),
        "each-worker-has-its-own-id",
        BLIND,
        "nobody says where it answers",
    ),
    "no-haproxy-at-all": (
        lambda g: of_estate(
            g.fact(API, "haproxy", running=False),
            listeners={
                name: tuple(one for one in rows if "haproxy" not in one.who) for name, rows in (g.estate.listeners or {}).items()
            },
        ),
        "haproxy-sees-all-workers",
        VIOLATED,
        "no HAProxy runs on any API host: nobody gives calls to the fleet",
    ),
    "very-many-workers-that-haproxy-does-not-know": (
        many_workers,
        "haproxy-sees-all-workers",
        VIOLATED,
        "has no server for ",
    ),
    "certificate-for-nobody": (
        lambda g: shows(as_people(g), names=()),
        "people-reach-the-console-by-https",
        VIOLATED,
        "has a certificate for no name, not for console.vox.example",
    ),
    "certificate-of-a-balancer-that-ended": (
        lambda g: shows(as_people(g, PLAIN), ends=g.evidence.second.taken - 100_000),
        "people-reach-the-console-by-https",
        VIOLATED,
        "has a certificate that ended 1 day ago",
    ),
    "nobody-listens": (
        lambda g: nothing_listens(g, FLEET),
        "only-expected-listeners",
        BLIND,
        "nobody could be seen to listen",
    ),
    "nobody-listens-where-stores-are": (
        lambda g: nothing_listens(g, DATA),
        "stores-are-private",
        BLIND,
        "nobody could be seen to listen",
    ),
    "root-under-a-name-of-no-account": (
        lambda g: g.fact(FLEET, "sudo", others=(SudoRule("root", "", "uid 0", holder="to or"),)),
        "sudo-is-minimal",
        VIOLATED,
        "to or",
    ),
    "rights-of-another-account": (
        lambda g: g.fact(FLEET, "sudo", user="somebody"),
        "sudo-is-minimal",
        BLIND,
        "another account was looked at",
    ),
    "key-that-cannot-be-read": (
        lambda g: of_estate(g, keys={"all": (("root", "missing: /x.pub"),)}),
        "keys-are-known",
        BLIND,
        "a key of the estate cannot be read here",
    ),
    "tag-that-moved": (
        lambda g: remote(g, "backend", tags=dict.fromkeys(known(g.evidence.remotes["backend"]).tags, "0" * 40)),
        "head-is-the-release",
        VIOLATED,
        " is 000000000000, not ",
    ),
    "setting-of-git-of-no-name": (
        lambda g: g.of_service(API, "checkouts", "backend", settings=("remote.evil$.url",)),
        "remote-is-bitbucket",
        VIOLATED,
        "remote.evil$.url is set",
    ),
    "copy-where-anybody-may-put-it": (
        lambda g: g.host(API, copies=CopiesFact(1, (CopyFact("/data/x/y", "bare", (), ("backend",)),))),
        "one-copy-only",
        VIOLATED,
        "/data/x/y is another copy (bare) of ",
    ),
    "job-of-an-account": (
        lambda g: g.host(SIP, jobs=(JobFact("/var/spool/cron/crontabs/joe", "joe", ("git",)),)),
        "one-copy-only",
        VIOLATED,
        "/var/spool/cron/crontabs/joe",
    ),
    "unit-without-its-file": (
        lambda g: g.unit(SIP, DIALLER, files={}),
        "unit-file-is-the-expected",
        VIOLATED,
        "/etc/systemd/system/voxdialler.service is not there",
    ),
    "unit-that-nobody-has-a-file-for": (
        lambda g: services(g, "dialler", unit_files={}),
        "unit-file-is-the-expected",
        BLIND,
        "nobody says what its unit file must be",
    ),
    "unit-file-that-is-shut": (
        lambda g: g.unit(SIP, DIALLER, files={f"/etc/systemd/system/{DIALLER}": "unreadable"}),
        "unit-file-is-the-expected",
        BLIND,
        "this unit file may not be read",
    ),
    "unit-masked": (
        lambda g: g.unit(SIP, DIALLER, properties={"LoadState": "masked"}),
        "unit-is-active",
        VIOLATED,
        "voxdialler.service is masked",
    ),
    "unit-that-systemd-cannot-read": (
        lambda g: g.unit(SIP, DIALLER, properties={"LoadState": "bad-setting"}),
        "unit-is-active",
        VIOLATED,
        "voxdialler.service is bad-setting",
    ),
    "unit-that-ended-badly": (
        lambda g: g.unit(SIP, DIALLER, properties={"Result": "watchdog"}),
        "unit-is-active",
        VIOLATED,
        "voxdialler.service runs, but its result is watchdog",
    ),
    "unit-of-no-state": (
        lambda g: g.unit(SIP, DIALLER, properties={"UnitFileState": ""}),
        "unit-is-active",
        VIOLATED,
        "voxdialler.service is not enabled: the next boot does not start it",
    ),
    "boot-to-a-target-of-nobody": (
        lambda g: g.fact(SIP, "boot", target="rescue.target", services={}),
        "unit-is-active",
        VIOLATED,
        "nothing leads from rescue.target to voxdialler.service on disk",
    ),
    "worker-too-many": (
        lambda g: g.host(
            FLEET,
            units={
                **known(g.of(FLEET).units),
                "voxcore@9.service": replace(known(g.of(FLEET).units)[WORKER], name="voxcore@9.service"),
            },
        ),
        "units-are-all-there-are",
        VIOLATED,
        "voxcore@9.service is not in the estate, which says ",
    ),
    "dialler-never-released": (
        lambda g: remote(g, "dialler", release=None),
        "process-is-the-new-code",
        VIOLATED,
        "no release of dialler ever passed the gate",
    ),
    "old-process-that-holds-the-port": (
        lambda g: body(g, TICKS, pid=4711),
        "process-is-the-new-code",
        VIOLATED,
        "is answered by process 4711, not by ",
    ),
    "process-of-which-nothing-is-known": (
        lambda g: g.runtime(SIP, "dialler", pid=4711),
        "process-is-the-venvs",
        BLIND,
        "its main process was not looked into",
    ),
    "preloaded-by-its-unit": (
        lambda g: g.runtime(SIP, "dialler", loader=("LD_PRELOAD",), loads=("/usr/lib/x.so",)),
        "process-is-the-venvs",
        VIOLATED,
        "was started with LD_PRELOAD",
    ),
}


def known_question(question: Question | None) -> Question:
    """A question that there is."""
    assert question is not None
    return question


def settings(case: Case, **parts: Any) -> Case:
    """Another ``.env`` of the backend."""
    (file,) = placed(case, "backend").env_files
    return case.of_service(API, "env_files", file.key, **parts)


@pytest.mark.parametrize("name", CASES)
def test_a_rule_says_it_in_its_own_words(green: Case, name: str) -> None:
    change, rule, verdict, words = CASES[name]
    found = change(green).judge([rule]).values()
    assert [text for came, text in found if came == verdict and words in text], list(found)


def registered_and_dead(case: Case) -> Case:
    """The first worker answers nothing, and its entry in Redis is still counted."""
    return mute(case, worker_pages(case)[:1])


def registered_elsewhere(case: Case) -> Case:
    """The same, and the registry is no host's of the estate."""
    stores = tuple(
        replace(one, host="", unit="", addresses=("192.0.2.9:6379",)) if one.name == "redis" else one
        for one in case.estate.stores
    )
    return of_estate(registered_and_dead(case), stores=stores)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (registered_and_dead, "dead, and still registered; on data: `redis-cli --scan --pattern '*fleet-1/1'` finds it"),
        (registered_elsewhere, "what does the registry of the fleet say? a dead worker is still in it, or a live one is not"),
    ],
)
def test_who_is_registered_and_dead_is_taken_out_where_that_can_be_done(
    green: Case, change: Callable[[Case], Case], words: str
) -> None:
    assert words in said(change(green), "capacity-adds-up[fleet-fleet-1]")[1]
