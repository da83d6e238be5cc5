"""Drills: one host is somebody else's, or broken, and answers what it likes. It is lost; all others come back."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import lab
from lab import hosts
from tests.lab.drills.drilling import Drill, Gate, goods, other, recovered, run, states, until_it_answers

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


def test_an_account_keeps_systemd_from_answering(drill: Drill, tmp_path: Path, flooded: list[subprocess.Popen[bytes]]) -> None:
    """The service's account of one host asks systemd by the system's bus, faster than that answers, once the dialler is stopped:
    whoever is not root hears nothing any more, and nothing is started. The gate has it started all the same, and touches nothing
    more: so the dialler is up once that ends, and a person is needed for the deploy alone.
    """
    before = goods()
    drill.point = "restart:done:dialler, stopped, and the bus of sip-1 full from there on"
    gate = Gate.start(tmp_path, *other("dialler"), point="restart:done:dialler:STOP")
    gate.reached()
    as_vox = ["setpriv", "--reuid=vox", "--regid=vox", "--clear-groups", "python3", "-c", FLOOD.read_text()]
    argv = hosts.entered("sip-1", as_vox)
    flooded.append(subprocess.Popen(argv, env=hosts.ENVIRONMENT, stdin=subprocess.PIPE, stdout=subprocess.PIPE))
    assert flooded[0].stdout is not None
    assert flooded[0].stdout.readline() == b"asking\n"
    gate.process.send_signal(signal.SIGCONT)
    drill.exit_status = gate.wait(500)
    drill.outcome = gate.verdict["summary"]
    if drill.exit_status != 13:
        drill.flaws.append(f"exit {drill.exit_status}, {drill.outcome}: {gate.end}")
    flooded.pop().communicate(timeout=30)
    lab.exec("sip-1", ["systemctl", "kill", "dbus.service"])  # what waits there to be answered takes many minutes
    until_systemd_answers("sip-1")
    until_it_answers("http://198.51.100.41:8090/health")
    assert run(tmp_path / "clear", "--clear", "dialler", "--reason", "it is over")[0] == 0
    status, gate = run(tmp_path / "again", "--deploy", f"dialler={before['dialler-sip-1']}")
    drill.flaws += [] if status == 0 else [gate.end]
    drill.check(before)


def until_systemd_answers(host: str) -> None:
    """What waited to be answered is."""
    until = time.monotonic() + 300
    while lab.exec(host, ["runuser", "-u", "deploy", "--", "timeout", "5", "systemctl", "show", "--property=Version"]).returncode:
        assert time.monotonic() < until, host
