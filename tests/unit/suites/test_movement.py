"""Beside a deploy: what it moves cannot be judged, and everything else is what it always is."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from voxgate.contracts.catalogue import read_catalogue
from voxgate.model.evidence import SocketFact, known
from voxgate.model.invariant import expected
from voxgate.model.surroundings import SudoRule
from voxgate.model.verdict import Verdict
from voxgate.model.work import Work
from voxgate.plugin import without_pytest
from voxgate.plugin.facts_read import Recorder, watched
from voxgate.survey.movement import Movement

from .conftest import SAVED, Case
from .test_judging import API, DATA, FLEET, HEALTH, OTHER, SIP, SITE, with_process

ROOT = Path(__file__).resolve().parents[3]
HOSTS = {"backend": (API,), "console": (API,), "dialler": (SIP,), "fleet": (FLEET, OTHER)}
ANY = "0.0.0.0"  # noqa: S104 - found on a host, not bound here


def works(*services: str, moves: bool = True) -> tuple[Work, ...]:
    """A deploy of these services."""
    who = ("ci@vm", "2026-11-28T10:00:00Z", "r-1", "", "restart, systemctl restart begun")
    return tuple(Work(service, host, *who, moves=moves) for service in services for host in HOSTS[service])


def judged(case: Case, at_work: tuple[Work, ...], only: str = "") -> tuple[set[str], set[str]]:
    """Ids of what does not hold: what moves, and what does not. ``only`` is the one that is judged, by default all are."""
    moving, still = set[str](), set[str]()
    for one in expected(read_catalogue(), case.estate, (), deploying=frozenset()):
        if only and one.id != only:
            continue
        recorder = Recorder()
        red = without_pytest.judge(one, case.estate, watched(case.evidence, recorder))
        if red is None or red.verdict is not Verdict.HOLDS:
            movement = Movement(case.estate, at_work)
            found = movement.moved(one.subject.service, one.subject.host, recorder.facts)
            (moving if found else still).add(one.id)
    return moving, still


def stopped(unit: str, host: str, *pages: Any) -> Callable[[Case], Case]:
    """A unit that is being restarted: no process, no page, no connection."""

    def change(green: Case) -> Case:
        case = green.unit(host, unit, properties={"MainPID": "0", "ActiveState": "inactive", "SubState": "dead"})
        rows = tuple(one for one in known(case.of(host).processes) if one.unit != unit)
        case = case.host(host, processes=rows)
        for page in pages:
            case = case.answer(page, status=0, body=b"", trouble="connection refused")
        return case

    return change


def listening(host: str) -> Callable[[Case], Case]:
    """Something listens where nothing should."""
    return lambda g: g.host(host, listeners=(*known(g.of(host).listeners), SocketFact(ANY, 4444, None, None, (1,), apart=False)))


def sudo(host: str) -> Callable[[Case], Case]:
    """The deploy account may do more than it must."""
    return lambda g: g.fact(host, "sudo", rules=(*known(g.of(host).sudo).rules, SudoRule("root", "/bin/sh", "")))


def second_dialler(host: str) -> Callable[[Case], Case]:
    """A dialler by hand, on another host."""
    return lambda g: with_process(g, host, "ssh.service", runs=("/opt/vox-dialler",))


MOVES: dict[str, tuple[tuple[str, ...], Callable[[Case], Case]]] = {
    "the backend restarts": (("backend",), stopped("voxbridge.service", API, HEALTH)),
    "the dialler restarts": (("dialler",), stopped("voxdialler.service", SIP)),
    "a worker restarts": (("fleet",), stopped("voxcore@2.service", FLEET)),
    "the checkout is new": (("backend",), lambda g: g.of_service(API, "checkouts", "backend", head="f" * 40)),
    "the environment is being made": (("dialler",), lambda g: g.of_service(SIP, "venvs", "dialler", sync_status=1)),
    "a build is in its sandbox": (("backend",), lambda g: with_process(g, API, "nginx.service", container="a" * 64)),
    "the console's page is another": (("console",), lambda g: g.answer(SITE, body=b"other", digest="")),
    "a build of the console runs node": (("console",), lambda g: with_process(g, API, "nginx.service", command="node")),
    "something listens for a moment": (("fleet",), listening(OTHER)),
    "the database sees the old backend": (
        ("backend",),
        lambda g: g.look(
            lambda look: replace(look, databases={n: replace(known(v), clients=()) for n, v in look.databases.items()})
        ),
    ),
}


@pytest.mark.parametrize(("services", "change"), MOVES.values(), ids=MOVES)
def test_what_a_deploy_moves_is_its_doing(green: Case, services: tuple[str, ...], change: Callable[[Case], Case]) -> None:
    moving, still = judged(change(green), works(*services))
    assert moving
    assert still == set()


STAYS: dict[str, tuple[tuple[str, ...], Callable[[Case], Case], str]] = {
    "another service is down": (
        ("fleet", "dialler"),
        stopped("voxbridge.service", API, HEALTH),
        "unit-is-active[api-1-voxbridge]",
    ),
    "a worker is down beside the backend": (
        ("backend",),
        stopped("voxcore@2.service", FLEET),
        "unit-is-active[fleet-1-voxcore@2]",
    ),
    "a right of the deploy account": (("backend", "console"), sudo(API), "sudo-is-minimal[api-1]"),
    "something listens on another host": (("backend",), listening(FLEET), "only-expected-listeners[fleet-1]"),
    "a second dialler beside the backend": (("backend",), second_dialler(FLEET), "exactly-one-dialler-per-database[vox]"),
    "a second dialler beside the fleet": (("fleet",), second_dialler(DATA), "exactly-one-dialler-per-database[vox]"),
    "a setting that is not there": (
        ("dialler",),
        lambda g: g.of_service(SIP, "env_files", "dialler", keys=()),
        "env-file-is-complete[dialler-sip-1]",
    ),
    "the clock": (("fleet",), lambda g: g.host(FLEET, time=known(g.of(FLEET).time) + 20), "clock-is-right[fleet-1]"),
    "the other's page through the same nginx": (
        ("backend",),
        lambda g: g.answer(SITE, body=b"other", digest=""),
        "nginx-serves-exactly-dist[console-api-1]",
    ),
    "what starts at the next boot": (
        ("backend",),
        lambda g: g.unit(SIP, "voxdialler.service", properties={"UnitFileState": "disabled"}),
        "unit-is-active[sip-1-voxdialler]",
    ),
}


@pytest.mark.parametrize(("services", "change", "red"), STAYS.values(), ids=STAYS)
def test_what_it_does_not_move_stays_red(
    green: Case, services: tuple[str, ...], change: Callable[[Case], Case], red: str
) -> None:
    assert judged(change(green), works(*services), red) == (set(), {red})


def test_what_one_host_says_moves_nothing_on_another(green: Case) -> None:
    """A deploy is on all hosts of its service, and each says so itself."""
    case, red = green.of_service(OTHER, "checkouts", "fleet", head="f" * 40), "head-is-the-release[fleet-fleet-2]"
    (here, there) = works("fleet")
    assert judged(case, (here,), red) == (set(), {red})
    assert judged(case, (here, there), red) == ({red}, set())


def test_what_is_only_held_moves_nothing(green: Case) -> None:
    case, red = MOVES["the backend restarts"][1](green), "unit-is-active[api-1-voxbridge]"
    assert judged(case, works("backend", moves=False), red) == (set(), {red})


@pytest.fixture
def beside(tmp_path: Path) -> Path:
    """A saved look in which a worker's page is 503, and a deploy of the fleet was at work."""
    folder = shutil.copytree(SAVED, tmp_path / "evidence")
    answers = json.loads((folder / "second/answers.json").read_text())
    worker = next(one for one in answers["answers"] if one.get("port") == 8102 and one["host"] == FLEET)
    worker["status"] = 503
    (folder / "second/answers.json").write_text(json.dumps(answers))
    rows = [{name: getattr(work, name) for name in Work.__dataclass_fields__} for work in works("fleet")]
    (folder / "works.json").write_text(json.dumps({"format": 1, "works": rows}))
    return folder


def ran(folder: Path, tmp_path: Path, *words: str) -> tuple[int, str, dict[str, Any]]:
    """Judge it, in a pytest as a person starts it: exit status, output, verdict."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "VOXGATE_"))}
    reports = tmp_path / "reports"
    argv = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--html", "never", "--evidence", str(folder)]
    argv += ["--reports", str(reports), "-m", "fleet", *words]
    done = subprocess.run(argv, cwd=ROOT, env=env, capture_output=True, text=True, timeout=300, check=False)
    return done.returncode, done.stdout, json.loads((reports / "latest/verdict.json").read_text())


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_a_look_beside_a_deploy_is_blind_and_restarts_nothing(beside: Path, tmp_path: Path, workers: tuple[str, ...]) -> None:
    status, said, verdict = ran(beside, tmp_path, *workers)
    bad = [one for one in verdict["invariants"] if one["verdict"] != "holds"]
    line = "a deploy is at work: ci@vm since 2026-11-28T10:00:00Z, run r-1: fleet on fleet-1, restart, systemctl restart begun"
    assert (status, verdict["verdict"]) == (7, "blind")
    assert verdict["at_work"] == {"said": [line], "moving": [one["id"] for one in bad]}
    assert "all-workers-are-up[fleet-1-voxcore@2]" in verdict["at_work"]["moving"]
    assert all(one["found"].startswith(f"{line}; seen beside it: ") for one in bad)
    assert not any("systemctl" in one["advice"] or "restart" in one["advice"] for one in bad)
    assert line in verdict["summary"]
    assert line.partition(", run")[0] in " ".join(said.split())


def test_the_same_look_with_nobody_at_work_is_violated(beside: Path, tmp_path: Path) -> None:
    (beside / "works.json").unlink()
    status, _, verdict = ran(beside, tmp_path)
    assert (status, verdict["verdict"], verdict["at_work"]) == (1, "violated", {"said": [], "moving": []})
