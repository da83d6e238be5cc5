"""Drills: the gate is killed at every state, and the next run finds the hosts in order or mends them."""

from __future__ import annotations

import random
import signal
import time
from pathlib import Path

import pytest

from tests.lab.drills.drilling import (
    ESTATE,
    RECOVER,
    SERVICE_OF,
    Drill,
    Gate,
    goods,
    other,
    record,
    recovered,
    restarted,
    run,
    running,
    states,
)

SERVICES = ("backend", "fleet", "dialler", "console")
GROUPS = (("backend", "dialler", "console"), ("fleet",))
FORWARD = [
    ("claimed", "done"), ("fetch", "begun"), ("fetch", "done"),
    ("checkout", "begun"), ("checkout", "done"), ("install", "begun"), ("install", "done"),
    ("judging", "done"), ("promoting", "done"), ("done", "done"),
]  # fmt: skip


def count(group: tuple[str, ...]) -> int:
    """On how many places these services stand."""
    return sum(placement.service.name in group for placement in ESTATE.placements)


def back_points(group: tuple[str, ...]) -> list[str]:
    """Every state of the way back, in the order in which they come."""
    both = ("begun", "done")
    built = tuple(service for service in group if service != "console")  # its build is kept: there is nothing to install
    return [
        *(f"back-checkout:{moment}:all:KILL:{count(group)}" for moment in both),
        *(f"back-install:{moment}:all:KILL:{count(built)}" for moment in both),
        *(f"back-restart:{moment}:{service}:KILL" for service in group for moment in both),
        f"back-judging:done:all:KILL:{count(group)}",
        f"rolled-back:done:all:KILL:{count(group)}",
    ]


@pytest.mark.parametrize(("phase", "moment"), FORWARD, ids=[f"{phase}-{moment}" for phase, moment in FORWARD])
@pytest.mark.parametrize("group", GROUPS, ids="-".join)
def test_killed_on_the_way(drill: Drill, tmp_path: Path, group: tuple[str, ...], phase: str, moment: str) -> None:
    """Several services at once, all at the same state; the next run abandons, goes back, judges again, or promotes. Nothing was
    restarted yet, and whatever it does, it restarts nothing.
    """
    before, units = goods(), running()
    drill.point = f"{phase}:{moment}:all:KILL:{count(group)}"
    status, gate = run(tmp_path, *other(*group), point=drill.point)
    assert status == -signal.SIGKILL, gate.said[-2000:]
    recovered(drill, tmp_path)
    judged_good = phase in {"judging", "promoting", "done"}
    drill.flaws += [] if judged_good else restarted(units)
    moved = {key: tag for key, tag in before.items() if SERVICE_OF[key] in group}
    if judged_good:
        drill.flaws += [f"{key} was good, and was not promoted" for key, tag in moved.items() if goods()[key] == tag]
    drill.check({} if judged_good else before)


@pytest.mark.parametrize("moment", ["begun", "done"])
@pytest.mark.parametrize("service", SERVICES)
def test_killed_while_restarting(drill: Drill, tmp_path: Path, service: str, moment: str) -> None:
    """One service alone, killed around its first restart."""
    before = goods()
    drill.point = f"restart:{moment}:{service}:KILL"
    status, gate = run(tmp_path, *other(service), point=drill.point)
    assert status == -signal.SIGKILL, gate.said[-2000:]
    recovered(drill, tmp_path)
    drill.check(before)


@pytest.mark.parametrize("group", GROUPS, ids="-".join)
def test_killed_on_the_way_back(drill: Drill, tmp_path: Path, group: tuple[str, ...]) -> None:
    """The recovery is killed too, again and again, at each of its states in turn; the last one comes through."""
    before = goods()
    units = sum(len(placement.units) for placement in ESTATE.placements if placement.service.name == group[-1])
    drill.point = f"restart:done:{group[-1]}:KILL:{max(1, units)}"  # all of them were restarted, or switched
    assert run(tmp_path, *other(*group), point=drill.point)[0] == -signal.SIGKILL
    for point in back_points(group):
        began = time.monotonic()
        status, gate = run(tmp_path / "back", *RECOVER, point=point)
        one = Drill(f"{drill.name} at {point}", point, gate.found, states(), "killed", status)
        one.seconds = round(time.monotonic() - began, 1)
        record(one)
        assert status == -signal.SIGKILL, gate.said[-2000:]
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
