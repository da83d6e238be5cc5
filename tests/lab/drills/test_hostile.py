"""Drills: one host is somebody else's, or broken, and answers what it likes. It is lost; all others come back."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import lab
from lab import hosts
from tests.lab.drills.drilling import Drill, Gate, goods, other, recovered, run, states

FLOOD = Path(__file__).with_name("flood.py")


def test_garbage_on_the_way_back(drill: Drill, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run is interrupted, and goes back; one host of two says what is no answer. The other is put back, restarted and well
    all the same; the verdict says which host was lost, and the next run mends that one.
    """
    before = goods()
    drill.point = "restart:done:fleet:TERM:6"
    monkeypatch.setenv("VOXGATE_GARBLE", "fleet-2:back-checkout")
    drill.exit_status, gate = run(tmp_path, *other("fleet"), "-p", "tests.lab.drills.garble", point=drill.point)
    monkeypatch.delenv("VOXGATE_GARBLE")
    verdict = gate.verdict
    drill.outcome = verdict["summary"]
    if drill.exit_status != 13 or "fleet-2" not in drill.outcome or "INTERNALERROR" in gate.said:
        drill.flaws.append(f"exit {drill.exit_status}, {drill.outcome}: {gate.end}")
    back = [one for one in verdict["moves"] if one["rollback"] and one["move"] in {"restart", "health"} and not one["error"]]
    if {(one["host"], one["move"]) for one in back} < {("fleet-1", "restart"), ("fleet-1", "health")}:
        drill.flaws.append(f"fleet-1 was not restarted: {back}")
    recovered(drill, tmp_path)
    drill.check(before)


def test_a_mistake_of_the_gates_own(drill: Drill, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The gate's own code fails once the moves are done: it goes back, writes its verdict, says one line, and keeps the
    traceback in the run's folder.
    """
    before = goods()
    drill.point = "a mistake in the look"
    monkeypatch.setenv("VOXGATE_MISTAKEN", "look")
    drill.exit_status, gate = run(tmp_path, *other("dialler"), "-p", "tests.lab.drills.mistaken")
    verdict = gate.verdict
    drill.outcome, drill.states = verdict["summary"], states()
    kept = next((tmp_path / "reports").glob("*/unforeseen.log"), None)
    if kept is None or "a mistake for the drill" not in kept.read_text():
        drill.flaws.append("its traceback is nowhere")
    if (drill.exit_status, verdict["verdict"]) != (13, "broken") or "INTERNALERROR" in gate.said or "Traceback" in gate.said:
        drill.flaws.append(f"exit {drill.exit_status}, {verdict['verdict']}: {gate.end}")
    if drill.states["dialler-sip-1"] != "rolled-back done":
        drill.flaws.append(f"it did not go back: {drill.states['dialler-sip-1']}")
    drill.check(before)


@pytest.fixture
def flooded() -> Iterator[list[subprocess.Popen[bytes]]]:
    """What asks until its stdin is closed."""
    started: list[subprocess.Popen[bytes]] = []
    yield started
    for one in started:
        one.communicate(timeout=30)


def test_an_account_keeps_systemd_from_answering(
    drill: Drill, tmp_path: Path, flooded: list[subprocess.Popen[bytes]]
) -> None:
    """The service's account of one host asks systemd by the system's bus, faster than that answers, from the dialler's stop on:
    whoever is not root hears nothing any more. The dialler is started all the same, seen up and judged.
    """
    drill.point = "restart:begun:dialler, the bus of sip-1 full from there on"
    gate = Gate.start(tmp_path, *other("dialler"), point="restart:begun:dialler:NONE")
    gate.reached()
    as_vox = ["setpriv", "--reuid=vox", "--regid=vox", "--clear-groups", "python3", "-c", FLOOD.read_text()]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    flooded.append(subprocess.Popen(hosts.entered("sip-1", as_vox), env=hosts.ENVIRONMENT, **pipes))
    assert flooded[0].stdout is not None
    assert flooded[0].stdout.readline() == b"asking\n"
    drill.exit_status = gate.wait()
    drill.outcome = gate.verdict["summary"]
    if drill.exit_status != 0:
        drill.flaws.append(f"exit {drill.exit_status}, {drill.outcome}: {gate.end}")
    if lab.exec("sip-1", ["systemctl", "is-active", "voxdialler"]).stdout.strip() != "active":
        drill.flaws.append("the dialler does not run")
    drill.check()
