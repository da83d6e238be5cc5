"""Drills: the gate dies while a release is being built; the build is systemd's child, not the gate's, and ends all the same."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.lab.conftest import on_host
from tests.lab.drills.drilling import Drill, Gate, goods, recovered
from tests.lab.hostile import building, on_main

SLOW = "import time; time.sleep(300)"
PLACES = {"console": ("api-1", "vox-frontend"), "dialler": ("sip-1", "vox-dialler")}


def state(host: str, unit: str) -> str:
    """``activating`` while it builds."""
    return on_host(host, "systemctl", "show", "--value", "--property=ActiveState", unit)


def until(host: str, unit: str, *wanted: str, deadline: float = 60) -> None:
    """Wait for one of these."""
    ends = time.monotonic() + deadline
    while (now := state(host, unit)) not in wanted:
        assert time.monotonic() < ends, f"{unit} is {now}"
        time.sleep(0.1)


@pytest.mark.parametrize("service", PLACES)
@pytest.mark.parametrize("how", ["killed", "stopped"])
def test_in_the_middle_of_a_build(drill: Drill, tmp_path: Path, service: str, how: str) -> None:
    """Killed: the hosts notice, and end the build. Stopped: the gate ends it, and goes back itself."""
    before, (host, repository) = goods(), PLACES[service]
    unit = f"voxgate-build@{repository}.service"
    with on_main(repository, building(repository, SLOW)):
        gate = Gate.start(tmp_path, "--deploy", f"{service}=main")
        until(host, unit, "activating")
        if how == "killed":
            gate.process.kill()
        else:
            gate.process.terminate()
        until(host, unit, "inactive", "failed")
        gate.wait()
    drill.point = f"building:{how}"
    recovered(drill, tmp_path)
    drill.check(before)
