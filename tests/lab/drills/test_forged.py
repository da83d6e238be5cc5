"""Drills: a deploy account writes the gate's state on its host. It decides for no other host, and nothing is called green."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import lab
from tests.lab.drills.drilling import RECOVER, Drill, goods, journals, other, recovered, run
from tests.lab.serving import restarted, running

# A host's power switch starts processes that outlive it.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


def as_deploy(host: str, script: str) -> None:
    """What the account does there."""
    assert lab.exec(host, ["runuser", "-u", "deploy", "--", "sh", "-ec", script]).returncode == 0, script


@contextmanager
def stopped(host: str, unit: str) -> Iterator[None]:
    """Something of the estate is down meanwhile."""
    assert lab.exec(host, ["systemctl", "stop", unit]).returncode == 0
    try:
        yield
    finally:
        assert lab.exec(host, ["systemctl", "start", unit]).returncode == 0


def killed(folder: Path, *words: str, point: str) -> None:
    """A gate that dies there."""
    status, gate = run(folder, *words, point=point)
    assert status == -signal.SIGKILL, gate.end


def phase(service: str, is_now: str, shall: str) -> str:
    """A script that writes another phase into a journal."""
    path = f"/var/lib/voxgate/{service}/journal.json"
    return f"""sed -i 's/"phase": "{is_now}"/"phase": "{shall}"/' {path} && grep -q '"phase": "{shall}"' {path}"""


def test_a_recovery_beside_a_violation(drill: Drill, tmp_path: Path) -> None:
    """A journal says that a deploy was left before anything was changed, and HAProxy is down: abandoned, and not green."""
    before = goods()
    drill.point = "claimed written on api-1, haproxy stopped"
    was = journals()["backend-api-1"]["phase"]
    as_deploy("api-1", phase("backend", was, "claimed"))
    with stopped("api-1", "haproxy"):
        drill.exit_status, gate = run(tmp_path, *RECOVER)
    drill.found, drill.outcome = gate.found, gate.verdict["summary"]
    if drill.exit_status != 1 or gate.verdict["verdict"] != "violated" or "all of it holds" in drill.outcome:
        drill.flaws.append(f"exit {drill.exit_status}, {gate.verdict['verdict']}: {drill.outcome}")
    recovered(drill, tmp_path)
    drill.check(before)


def test_one_host_says_that_it_was_judged_good(drill: Drill, tmp_path: Path) -> None:
    """The gate is killed before it judges; one host of the fleet writes that it is being promoted, and HAProxy is down: judged
    again, and back on both.
    """
    before = goods()
    drill.point = "judging:done:all:KILL:2, promoting written on fleet-2, haproxy stopped"
    killed(tmp_path, *other("fleet"), point="judging:done:all:KILL:2")
    as_deploy("fleet-2", phase("fleet", "judging", "promoting"))
    with stopped("api-1", "haproxy"):
        drill.exit_status, gate = run(tmp_path / "stopped", *RECOVER)
    drill.found, drill.outcome = gate.found, gate.verdict["summary"]
    if drill.exit_status == 0 or not any("judge again" in line for line in gate.found):
        drill.flaws.append(f"exit {drill.exit_status}, {gate.found}: {drill.outcome}")
    # HAProxy is of the fleet: without it nobody can say that what was put back is in order, and a person looks.
    drill.flaws += [] if goods() == before else ["it was promoted"]
    assert run(tmp_path / "clear", "--clear", "fleet", "--reason", "HAProxy is back")[0] == 0
    recovered(drill, tmp_path)
    drill.check(before)


_KNOWN = "/var/lib/voxgate/fleet/last-known-good.json"


def test_one_host_says_where_all_go_back_to(drill: Drill, tmp_path: Path) -> None:
    """The gate is killed while it restarts; one host names a commit as promoted last that main never was. The other goes back to
    its own.
    """
    before, evil = goods(), "e" * 40
    drill.point = f"install:done:fleet:KILL, {evil[:12]} of 2099 written on fleet-2"
    units = running()
    killed(tmp_path, *other("fleet"), point="install:done:all:KILL:2")
    script = f"""cp {_KNOWN} /tmp/kept && sed -Ei 's/"commit": "[0-9a-f]+"/"commit": "{evil}"/
        s/"promoted_at": "20../"promoted_at": "2099/' {_KNOWN} && grep -q 2099 {_KNOWN} && grep -q {evil} {_KNOWN}"""
    as_deploy("fleet-2", script)
    status, gate = run(tmp_path / "forged", *RECOVER)
    drill.found, drill.outcome, drill.exit_status = gate.found, gate.verdict["summary"], status
    back = {(one["host"], one["detail"]) for one in gate.verdict["moves"] if one["rollback"] and one["move"] == "checkout"}
    noted = any("fleet-fleet-2" in note and "in the future" in note for note in gate.verdict["notes"])
    if status != 0 or not noted or back != {("fleet-1", before["fleet-fleet-1"]), ("fleet-2", before["fleet-fleet-1"])}:
        drill.flaws.append(f"exit {status}, {back}, {gate.verdict['notes']}: {gate.end}")
    drill.flaws += restarted(units)
    as_deploy("fleet-2", f"cat /tmp/kept >{_KNOWN}; rm /tmp/kept")
    recovered(drill, tmp_path)
    drill.check(before)


def test_a_recovery_without_a_host(drill: Drill, tmp_path: Path) -> None:
    """The gate is killed, and one host is down when the next run recovers: the others are mended, the run is not green, and the
    run after it, with that host, mends the rest.
    """
    before = goods()
    drill.point = "install:done:backend and fleet:KILL, fleet-2 off"
    killed(tmp_path, *other("backend", "fleet"), point="install:done:all:KILL:3")
    lab.kill_host("fleet-2")
    try:
        drill.exit_status, gate = run(tmp_path / "without", *RECOVER)
        drill.found, drill.outcome = gate.found, gate.verdict["summary"]
    finally:
        lab.boot_host("fleet-2")
    back = {(one["host"], one["move"]) for one in gate.verdict["moves"] if one["rollback"] and not one["error"]}
    if drill.exit_status not in {12, 13} or not back >= {("api-1", "checkout"), ("fleet-1", "checkout")}:
        drill.flaws.append(f"exit {drill.exit_status}, {back}: {gate.end}")
    recovered(drill, tmp_path)
    drill.check(before)
