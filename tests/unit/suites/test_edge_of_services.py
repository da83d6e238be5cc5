"""What the rules about the services and their processes say at the edge of what is in order.

The words are compared in docs/MESSAGES.md, whole.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from voxgate.model.estate import Containers, Estate, Store
from voxgate.model.evidence import known
from voxgate.model.release import PutBack
from voxgate.model.surroundings import EndFact

from .conftest import Case
from .test_all_at_once import page_says
from .test_at_the_edge import LOST, MADE, called, not_seen, restarted, sent, taken
from .test_calls import through
from .test_each_message import (
    API,
    DIALLER,
    FLEET,
    METRICS,
    SIP,
    TICKS,
    before,
    containers,
    livekit,
    many_workers,
    mute,
    of_estate,
    remote,
    services,
    worker_pages,
)  # fmt: skip
from .test_judging import OTHER, WORKER, with_process
from .test_whose_answers import end, turned

ANSWERS, BACKEND, THROUGH = "answers-come-from-the-unit", "voxbridge.service", 80
ONE, HOME, LIVES = "exactly-one-dialler-per-database", "dialler-is-on-the-sip-host", "tick-loop-is-alive"
AWAY: dict[str, Any] = {"outcome": "refused", "status": 0, "pid": 0, "holders": ()}
DROPPED = "/etc/systemd/system/voxdialler.service.d/x.conf"
BIT = 1 / 1024  # of a second: times are added to others without a rest


def began(case: Case, early: float) -> Case:
    """The dialler's page says that it began so long before the kernel started its process."""
    said = json.loads(case.evidence.second.answer(TICKS).body)["started_at"]
    return case.process(SIP, DIALLER, started=datetime.fromisoformat(said).timestamp() + early)


def child_of(case: Case, unit: str) -> Case:
    """Another process of a unit, which the first one started just now."""
    rows = known(case.of(SIP).processes)
    first = next(one for one in rows if one.unit == unit)
    return case.host(SIP, processes=(*rows, replace(first, pid=4000, ppid=first.pid, started=first.started + 5000)))


def unit_gone(case: Case, name: str) -> Case:
    """A host of whose units this is none."""
    return case.host(SIP, units={key: row for key, row in known(case.of(SIP).units).items() if key != name})


def more_units(case: Case, host: str, name: str, **properties: str) -> Case:
    """A unit of the dialler's more."""
    like = known(case.of(SIP).units)[DIALLER]
    said = {"ActiveState": "inactive", "SubState": "dead", "UnitFileState": "disabled", "MainPID": "0"}
    fact = replace(like, name=name, links=(), properties={**like.properties, **said, **properties})
    return case.host(host, units={**known(case.of(host).units), name: fact})


def ticks(case: Case, now: float, then: float) -> Case:
    """The dialler's ticks in its health."""
    return page_says(before(case, lambda b: page_says(b, TICKS, ticks=then)), TICKS, ticks=now)


def last_tick(case: Case, age: float) -> Case:
    """The dialler's last tick was so long ago, and its interval is one of two seconds; the host says its time at once."""
    asked = case.evidence.second.answer(TICKS).asked
    said = datetime.fromtimestamp(1_800_000_000, tz=None).astimezone().isoformat()
    case = case.host(SIP, time=1_800_000_000 + age, answered=float(asked), took=0.0)
    return page_says(case, TICKS, last_tick_at=said, tick_interval_seconds=2)


def counted(case: Case, then: float | None, now: float | None) -> Case:
    """Its metrics count so many ticks, or none at all."""

    def said(one: Case, count: float | None) -> Case:
        lines = one.evidence.second.answer(METRICS).body.decode().splitlines()
        own = [f"voxdialler_ticks_total {count:g}"] if count is not None else []
        rest = [line for line in lines if not line.startswith("voxdialler_ticks_total ")]
        at = next(n for n, line in enumerate(rest) if line.startswith("# TYPE voxdialler_ticks_total")) + 1
        return one.answer(METRICS, body="\n".join([*rest[:at], *own, *rest[at:], ""]).encode())

    return said(before(case, lambda b: said(b, then)), now)


def told(case: Case, **parts: Any) -> Case:
    """The database tells otherwise of its dialler."""
    view = replace(case.evidence.second.database("vox"), **parts)
    return case.look(lambda look: replace(look, databases={"vox": view}))


def another_port(case: Case) -> Case:
    """The dialler's metrics are at a port of their own, where the host itself got no answer."""
    metrics = case.estate.service("dialler").metrics
    assert metrics is not None
    rows = known(case.of(SIP).ends).ends
    like = next(one for one in rows if one.unit == DIALLER)
    more = replace(like, port=9091, **AWAY)
    case = case.fact(SIP, "ends", ends=(*rows, more))
    return services(case, "dialler", metrics=replace(metrics, port=9091))


def another_database(case: Case) -> Case:
    """An estate with a second database, whose dialler is another host's."""
    (first,) = case.estate.databases
    return of_estate(case, databases=(first, replace(first, name="other")))


def twenty(case: Case, workers: int) -> Case:
    """A fleet whose first host has so many workers, each as the first; of another commit."""
    more = many_workers(case)
    more = of_estate(more, hosts=tuple(replace(one, workers=workers) if one.name == FLEET else one for one in more.estate.hosts))
    for question in worker_pages(more):
        more = page_says(more, question, commit="0" * 40)
    return more


def elsewhere(case: Case, name: str, *names: str, **parts: Any) -> Case:
    """A store is outside of the estate, and a host says by such names what its settings lead to."""
    stores = tuple(one for one in case.estate.stores if one.name != name)
    case = of_estate(case, stores=(*stores, Store(name, 6379, addresses=("r.example",))))
    for host, service in ((API, "backend"), (FLEET, "fleet")):
        rows = tuple(replace(one, names=names, **parts) for one in known(case.of(host).stores[service]))
        case = case.host(host, stores={**case.of(host).stores, service: rows})
    return case


def no_digits(case: Case) -> Case:
    """A probe that does not say by what settings are told from others."""
    return case.of_service(API, "env_files", "backend", digits=())


def put_back(case: Case, since: float) -> Case:
    """A failed deploy changed the dialler's code and put it back; it began so long after the process was started."""
    found = known(case.of(SIP).units)[DIALLER]
    start = round(next(one.started for one in known(case.of(SIP).processes) if one.pid == found.main_pid))
    case = case.process(SIP, DIALLER, started=start).of_service(SIP, "checkouts", "dialler", changed=start + 50.0)
    case = case.host(SIP, time=start + 100.0)
    return remote(case, "dialler", put_back={SIP: PutBack(start + since, start + 60.0, start - 100.0)})


def boxed_twice(case: Case) -> Case:
    """An agent of livekit's own image in another project, beside a container of livekit's with a right more."""
    image = case.estate.containers.images[0]
    first, *rest = livekit(case)
    assert first.made is not None
    agent = replace(first, id="b" * 64, name="agent", image=f"{image}:1", project="vector", made=MADE)
    named = Containers("vector", (image,), pins={image: f"{image}:1"}, mounts=MADE.mounts, rights=MADE.rights)
    wrong = replace(first, made=replace(first.made, rights=(*first.made.rights, "cap=ALL")))
    return containers(of_estate(case, agents={"sip": (named,)}), agent, wrong, *rest)


def without_servers(case: Case, host: str, address: str = "") -> Case:
    """HAProxy has none of a fleet host's workers; the host is reached at an address."""
    own = next(one.address for one in case.estate.hosts if one.name == host)
    rows = known(case.of(API).haproxy).servers
    case = case.fact(API, "haproxy", servers=tuple(one for one in rows if not one.address.startswith(f"{own}:")))
    hosts = tuple(replace(one, address=address or one.address) if one.name == host else one for one in case.estate.hosts)
    return of_estate(case, hosts=hosts)


def nothing_runs(estate: Estate) -> dict[str, Any]:
    """Nobody says that HAProxy listens."""
    return {place: tuple(one for one in rows if "haproxy" not in one.who) for place, rows in (estate.listeners or {}).items()}


def no_haproxy(case: Case) -> Case:
    """No HAProxy runs, and the estate names none."""
    return of_estate(case.fact(API, "haproxy", running=False), listeners=nothing_runs(case.estate))


def other_records(case: Case, **venv: Any) -> Case:
    """The packages are not those with which the release was judged good."""
    case = remote(case, "backend", judged={API: "0" * 64})
    return case.of_service(API, "venvs", "backend", **venv) if venv else case


def python(case: Case, version: str) -> Case:
    return case.of_service(FLEET, "venvs", "fleet", python=version)


def env_changed(case: Case, after: float) -> Case:
    """The settings of the dialler were changed so long after its process was started."""
    return case.process(SIP, DIALLER, started=1000.0).of_service(SIP, "env_files", "dialler", changed=1000.0 + after)


CASES: dict[str, tuple[Callable[[Case], Case], str]] = {
    "a page of before its process": (lambda g: began(g, 2.0 + BIT), ANSWERS),
    "a page of long after its process": (lambda g: began(g, -g.estate.service("dialler").start_deadline - BIT), ANSWERS),
    "nobody of the host": (lambda g: end(g, FLEET, WORKER, holders=()), ANSWERS),
    "others": (lambda g: end(g, FLEET, WORKER, holders=((7, "voxcore@1.service"), (8, ""), (9, WORKER))), ANSWERS),
    "another status than the gate's": (lambda g: end(g, SIP, DIALLER, status=503), ANSWERS),
    "no answer on the host": (lambda g: end(g, SIP, DIALLER, **AWAY), ANSWERS),
    "no answer on the host of a unit that was not there": (
        lambda g: before(end(g, SIP, DIALLER, **AWAY), lambda b: unit_gone(b, DIALLER)), ANSWERS,
    ),
    "no answer on the host of a unit that is gone": (lambda g: unit_gone(end(g, SIP, DIALLER, **AWAY), DIALLER), ANSWERS),
    "a web server that answers itself": (lambda g: end(g, API, BACKEND, through=THROUGH, reached=False), ANSWERS),
    "a port that is led elsewhere": (lambda g: turned(g, API, (8080, 8080)), ANSWERS),
    "the port of a web server that is led elsewhere": (lambda g: turned(g, API, (80, 80)), ANSWERS),
    "a worker's port that is led elsewhere where calls are shared out": (lambda g: turned(g, API, (8090, 8101)), ANSWERS),
    "all ports": (lambda g: turned(g, FLEET, (0, 65535), where="ip nat;flush OUTPUT handle 7"), ANSWERS),
    "a unit that was not asked": (
        lambda g: g.fact(SIP, "ends", ends=tuple(one for one in known(g.of(SIP).ends).ends if one.unit != DIALLER)), ANSWERS,
    ),
    "two diallers by their unit": (
        lambda g: with_process(g, SIP, DIALLER, unit=DIALLER, ppid=1), ONE,
    ),
    "a dialler's unit on another host": (
        lambda g: more_units(g, FLEET, DIALLER, ActiveState="active", SubState="running", MainPID="77"), ONE,
    ),
    "no dialler": (
        lambda g: g.host(SIP, processes=tuple(one for one in known(g.of(SIP).processes) if one.unit != DIALLER)), ONE,
    ),
    "a dialler of another database": (lambda g: page_says(g, TICKS, database="strange"), ONE),
    "a dialler that is not known": (lambda g: unit_gone(g, DIALLER), HOME),
    "a dialler's unit that failed elsewhere": (
        lambda g: more_units(g, FLEET, DIALLER, ActiveState="failed", SubState="failed"), HOME,
    ),
    "a dialler's unit that is enabled elsewhere": (lambda g: more_units(g, FLEET, DIALLER, UnitFileState="linked"), HOME),
    "ticks that stand still": (lambda g: ticks(g, 5, 5), LIVES),
    "ticks of another service": (lambda g: page_says(g, TICKS, service="vox-other"), LIVES),
    "a last tick that is just too old": (lambda g: last_tick(g, 5.0), LIVES),
    "no tick in the metrics": (lambda g: counted(g, None, None), LIVES),
    "ticks in the metrics from then on": (lambda g: counted(g, None, 0), LIVES),
    "a page before, and none now": (lambda g: before(g, lambda b: mute(b, [TICKS])), LIVES),
    "a pace of which the database does not tell": (lambda g: told(g, recent=LOST), "dialler-keeps-its-pace"),
    "a pace of which it does not tell, of one that is too fast": (
        lambda g: told(page_says(g, TICKS, tick_interval_seconds=0.1), recent=LOST), "dialler-keeps-its-pace",
    ),
    "records of which the database does not tell": (lambda g: told(g, records=LOST), "dialler-records-keep-the-contract"),
    "two databases, and a dialler that works on the other": (
        lambda g: page_says(another_database(g), TICKS, database="other"), ONE,
    ),
    "a setting of the account's git": (
        lambda g: g.of_service(API, "checkouts", "backend", settings=("account filter.x.clean",)), "remote-is-bitbucket",
    ),
    "a key that is another on one host": (
        lambda g: g.of_service(
            FLEET, "env_files", "fleet",
            digits=tuple(f"fff {row.partition(' ')[2]}" for row in known(g.of(FLEET).env_files["fleet"]).digits),
        ),
        "settings-are-the-same-everywhere",
    ),
    "uv that is not there": (
        lambda g: g.of_service(FLEET, "venvs", "fleet", sync_status=127, sync_said="uv: not found"), "venv-is-the-lock",
    ),
    "a Python that is too old": (lambda g: python(g, "3.11.9"), "python-is-3-12-or-newer"),
    "a Python of no number": (lambda g: python(g, "3"), "python-is-3-12-or-newer"),
    "records of a venv that is not known": (
        lambda g: other_records(g).host(API, venvs={**g.of(API).venvs, "backend": LOST}), "site-packages-are-intact",
    ),
    "settings that others read": (
        lambda g: g.of_service(SIP, "env_files", "dialler", readers=("joe", "www-data")), "env-file-is-complete",
    ),
    "settings as old as the process": (lambda g: env_changed(g, 0.0), "env-file-is-complete"),
    "no setting that is a secret": (lambda g: g.of_service(API, "leaks", "backend", compared=()), "no-secret-leaks"),
    "a journal that is not kept": (lambda g: g.of_service(FLEET, "leaks", "fleet", lines=0, since=0.0), "no-secret-leaks"),
    "a worker that says no number of calls": (
        lambda g: page_says(taken(g, 0, 0, 5), worker_pages(g)[0], worker_calls="many"), "capacity-adds-up",
    ),
    "a page of a worker that breaks its contract": (
        lambda g: page_says(g, worker_pages(g)[0], worker_max="6"), "all-workers-are-up",
    ),
    "pages of workers that break their contract": (
        lambda g: page_says(g, worker_pages(g)[0], worker_max="6"), "capacity-adds-up",
    ),
    "a host's workers that haproxy does not know": (lambda g: without_servers(g, FLEET), "haproxy-sees-all-workers"),
    "a host that is reached by IPv6, and whose workers haproxy does not know": (
        lambda g: without_servers(g, FLEET, "fd00::1"), "haproxy-sees-all-workers",
    ),
    "all begin late at one that is down": (lambda g: sent(g, 8, 8, "DOWN"), "haproxy-sees-all-workers"),
    "less than the half is free": (
        lambda g: g.runtime(SIP, "dialler", less=("open files 64, not 1024", "CPUQuota=5% of system.slice in /etc/x.conf")),
        "process-gets-what-its-unit-says",
    ),
    "no process was looked into": (
        lambda g: g.of_service(SIP, "runtimes", "dialler", processes=()), "process-gets-what-its-unit-says",
    ),
    "company": (
        lambda g: g.runtime(SIP, "dialler", traced_by=77).host(
            SIP, processes=(*known(g.of(SIP).processes), replace(known(g.of(SIP).processes)[0], pid=4000, ppid=1, unit=DIALLER))
        ),
        "unit-has-only-its-own-processes",
    ),
    "an agent of livekit's image": (boxed_twice, "only-livekit-in-containers"),
    "a store that is outside, of which the backend's probe says nothing": (
        lambda g: elsewhere(g, "redis"), "backend-reaches-its-stores",
    ),
    "a store that is outside, of which the fleet's probe says nothing": (
        lambda g: elsewhere(g, "redis"), "settings-lead-to-what-is-there",
    ),
    "one that is outside, and refuses": (lambda g: elsewhere(g, "redis", outcome="refused"), "settings-lead-to-what-is-there"),
    "settings of which the probe does not say enough": (no_digits, "settings-are-what-the-estate-says"),
    "started as a deploy began that was put back": (lambda g: put_back(g, 0.0), "process-is-the-new-code"),
    "restarted, and gone": (
        lambda g: restarted(g, 60.0).host(
            FLEET, processes=tuple(one for one in known(g.of(FLEET).processes) if one.unit != WORKER)
        ).unit(FLEET, WORKER, properties={"NRestarts": "3"}),
        "nothing-restarts-during-the-bake",
    ),
    "as old as its unit file": (
        lambda g: g.process(SIP, DIALLER, started=1000.0).unit(SIP, DIALLER, changed=1000.0), "unit-file-is-the-expected",
    ),
}  # fmt: skip

FINE: dict[str, tuple[Callable[[Case], Case], str]] = {
    "a page of just before its process": (lambda g: began(g, 2.0), ANSWERS),
    "a page of just in time": (lambda g: began(g, -g.estate.service("dialler").start_deadline), ANSWERS),
    "a page that does not say when it began": (lambda g: page_says(g, TICKS, started_at=5), ANSWERS),
    "a page that says no time": (lambda g: page_says(g, TICKS, started_at="at noon"), ANSWERS),
    "a page of another process": (lambda g: page_says(began(g, 3600.0), TICKS, pid=1), ANSWERS),
    "a unit with another process": (lambda g: child_of(g, DIALLER), ANSWERS),
    "a web server that fails": (lambda g: end(g, API, BACKEND, through=THROUGH, reached=False, status=502), ANSWERS),
    "a web server that is silent": (lambda g: end(g, API, BACKEND, through=THROUGH, reached=False, outcome="silent"), ANSWERS),
    "no answer of a unit that is started anew": (
        lambda g: end(g, SIP, DIALLER, **AWAY).unit(SIP, DIALLER, properties={"InvocationID": "another"}), ANSWERS,
    ),
    "no answer of a unit that systemd starts again": (
        lambda g: end(before(g, lambda b: b.unit(SIP, DIALLER, properties={"NRestarts": "1"})), SIP, DIALLER, **AWAY).unit(
            SIP, DIALLER, properties={"NRestarts": "1"}
        ),
        ANSWERS,
    ),
    "no answer to anybody": (lambda g: end(mute(g, [TICKS]), SIP, DIALLER, **AWAY), ANSWERS),
    "no answer to the gate": (lambda g: mute(g, [TICKS]), ANSWERS),
    "a status that the gate had, too": (lambda g: end(g.answer(TICKS, status=503), SIP, DIALLER, status=503), ANSWERS),
    "a status that is the host's alone": (lambda g: g.answer(TICKS, status=503), ANSWERS),
    "no answer at another port than that of the page": (another_port, ANSWERS),
    "an end more than was asked for": (
        lambda g: g.fact(
            SIP, "ends", ends=(*known(g.of(SIP).ends).ends, EndFact(DIALLER, 9999, 0, "refused", (), 0, 0, reached=False))
        ),
        ANSWERS,
    ),
    "a drop-in that the estate names": (
        lambda g: of_estate(
            g.unit(
                SIP, DIALLER,
                files={**known(g.of(SIP).units)[DIALLER].files, DROPPED: "a" * 64}, properties={"DropInPaths": DROPPED},
            ),
            units={"sip": ((DROPPED, "a" * 64),)},
        ),
        "unit-file-is-the-expected",
    ),
    "other ports": (lambda g: turned(g, FLEET, (0, 8100), (8104, 65535)), ANSWERS),
    "ports of workers where no call is shared out": (lambda g: turned(g, SIP, (8101, 8103)), ANSWERS),
    "no answer of a dialler": (lambda g: mute(g, [TICKS]), ONE),
    "a dialler's unit that does nothing": (lambda g: more_units(g, FLEET, DIALLER), HOME),
    "a last tick that is just in time": (lambda g: last_tick(g, 5.0 - BIT), LIVES),
    "a first tick in the metrics": (lambda g: counted(g, 0, 1), LIVES),
    "a tick more": (lambda g: ticks(g, 6, 5), LIVES),
    "the oldest Python": (lambda g: python(g, "3.12"), "python-is-3-12-or-newer"),
    "a newer Python": (lambda g: python(g, "3.13.0"), "python-is-3-12-or-newer"),
    "records of packages that are not the lock's": (
        lambda g: other_records(g, sync_status=1), "site-packages-are-intact",
    ),
    "records of packages that the lock does not name": (
        lambda g: other_records(g, installed={"y": "1"}), "site-packages-are-intact",
    ),
    "settings that were changed before": (lambda g: env_changed(g, -0.5), "env-file-is-complete"),
    "a journal that was begun just now": (lambda g: g.of_service(FLEET, "leaks", "fleet", lines=0, since=1.0), "no-secret-leaks"),
    "a call that a worker has by now": (lambda g: called(g, through, status=409), "haproxy-sees-all-workers"),
    "no process to look into": (
        lambda g: g.of_service(SIP, "runtimes", "dialler", processes=()).host(
            SIP, processes=tuple(one for one in known(g.of(SIP).processes) if one.unit != DIALLER)
        ),
        "process-gets-what-its-unit-says",
    ),
    "started before a deploy that was put back": (lambda g: put_back(g, 1.0), "process-is-the-new-code"),
    "younger than its unit file": (
        lambda g: g.process(SIP, DIALLER, started=1000.5).unit(SIP, DIALLER, changed=1000.0), "unit-file-is-the-expected",
    ),
}  # fmt: skip


def test_twenty_workers_are_named_and_no_more(green: Case) -> None:
    """A page of messages has their beginning alone."""
    said = "reports 000000000000"
    for workers, more in ((17, ""), (18, ", and 1 more")):
        ((_, found),) = twenty(green, workers).judge(["fleet-runs-one-release"]).values()
        assert (found.count(said), found.rpartition(said)[2]) == (20, more)
    for workers, rest in ((23, " to backend "), (24, " and 1 more to backend ")):
        (judged,) = twenty(green, workers).judgements(["haproxy-sees-all-workers"])
        assert judged.advice.count(' check"') == 20
        assert judged.advice.rpartition(' check"')[2].startswith(rest)


def test_where_no_haproxy_runs_it_is_said_by_what_the_estate_has(green: Case) -> None:
    rule = "haproxy-sees-all-workers"
    away = green.fact(API, "haproxy", running=False)
    assert away.judge([rule]) == {rule: ("violated", "api-1: no HAProxy runs, and the estate says it does")}
    nobody = "no HAProxy runs on any API host: nobody gives calls to the fleet"
    assert no_haproxy(green).judge([rule]) == {rule: ("violated", nobody)}
    assert not_seen(no_haproxy(green), OTHER).judge([rule]) == {rule: ("blind", "could not look (failed): nobody knows")}


@pytest.mark.parametrize("name", CASES)
def test_what_is_over_the_edge_is_said(green: Case, name: str) -> None:
    change, said_by = CASES[name]
    assert change(green).judge([said_by])


@pytest.mark.parametrize("name", FINE)
def test_what_is_just_in_order_is(green: Case, name: str) -> None:
    change, said_by = FINE[name]
    assert change(green).judge([said_by]) == {}
