"""Drills: the gate is killed at every state, and the next run finds the hosts in order or mends them."""

from __future__ import annotations

import random
import signal
import time
from pathlib import Path

import pytest

from tests.lab.drills.drilling import RECOVER, SERVICE_OF, Drill, Gate, goods, other, record, recovered, run, states
from tests.lab.serving import ESTATE, restarted, running

SERVICES = ("backend", "fleet", "dialler", "console")
FORWARD = [
    ("claimed", "done"), ("fetch", "begun"), ("fetch", "done"),
    ("checkout", "begun"), ("checkout", "done"), ("install", "begun"), ("install", "done"),
    ("judging", "done"), ("promoting", "done"), ("done", "done"),
]  # fmt: skip


def count(*services: str) -> int:
    """On how many places these services stand; without any, all four."""
    return sum(placement.service.name in (services or SERVICES) for placement in ESTATE.placements)


def back_points() -> list[str]:
    """Every state of the way back, in the order in which they come."""
    both = ("begun", "done")
    return [
        *(f"back-checkout:{moment}:all:KILL:{count()}" for moment in both),
        # The console's build is kept: there is nothing to install.
        *(f"back-install:{moment}:all:KILL:{count('backend', 'fleet', 'dialler')}" for moment in both),
        *(f"back-restart:{moment}:{service}:KILL" for service in SERVICES for moment in both),
        f"back-judging:done:all:KILL:{count()}",
        f"rolled-back:done:all:KILL:{count()}",
    ]


@pytest.mark.parametrize(("phase", "moment"), FORWARD, ids=[f"{phase}-{moment}" for phase, moment in FORWARD])
def test_killed_on_the_way(drill: Drill, tmp_path: Path, phase: str, moment: str) -> None:
    """All four services at once, all at the same state; the next run abandons, goes back, judges again, or promotes. Nothing was
    restarted yet, and whatever it does, it restarts nothing.
    """
    before, units = goods(), running()
    drill.point = f"{phase}:{moment}:all:KILL:{count()}"
    status, gate = run(tmp_path, *other(*SERVICES), point=drill.point)
    assert status == -signal.SIGKILL, gate.end
    recovered(drill, tmp_path)
    judged_good = phase in {"judging", "promoting", "done"}
    drill.flaws += [] if judged_good else restarted(units)
    if judged_good:
        drill.flaws += [f"{key} was good, and was not promoted" for key, tag in before.items() if goods()[key] == tag]
    drill.check({} if judged_good else before)


@pytest.mark.parametrize("moment", ["begun", "done"])
@pytest.mark.parametrize("service", SERVICES)
def test_killed_while_restarting(drill: Drill, tmp_path: Path, service: str, moment: str) -> None:
    """One service alone, killed around its first restart."""
    before = goods()
    drill.point = f"restart:{moment}:{service}:KILL"
    status, gate = run(tmp_path, *other(service), point=drill.point)
    assert status == -signal.SIGKILL, gate.end
    recovered(drill, tmp_path)
    drill.check(before)


def test_killed_on_the_way_back(drill: Drill, tmp_path: Path) -> None:
    """The recovery is killed too, again and again, at each of its states in turn; the last one comes through."""
    before = goods()
    drill.point = "restart:done:console:KILL"  # the last of all: the others were restarted
    assert run(tmp_path, *other(*SERVICES), point=drill.point)[0] == -signal.SIGKILL
    for point in back_points():
        began = time.monotonic()
        status, gate = run(tmp_path / "back", *RECOVER, point=point)
        one = Drill(f"{drill.name} at {point}", point, gate.found, states(), "killed", status)
        one.seconds = round(time.monotonic() - began, 1)
        record(one)
        assert status == -signal.SIGKILL, gate.end
    recovered(drill, tmp_path)
    drill.check(before)


@pytest.mark.parametrize("number", range(4))
def test_killed_at_a_random_moment(drill: Drill, tmp_path: Path, number: int) -> None:
    """Wherever it is."""
    before = goods()
    seconds = random.uniform(1.0, 14.0)  # noqa: S311 - no secret
    gate = Gate.start(tmp_path, *other("backend", "dialler", "console"))
    time.sleep(seconds)  # the point of the drill: no condition, any moment
    gate.process.kill()
    gate.wait()
    drill.point = f"after {seconds:.2f} s"
    recovered(drill, tmp_path)
    drill.check({key: tag for key, tag in before.items() if SERVICE_OF[key] == "fleet"})
