"""Drills: the gate is asked to stop, raced, put to sleep, or nobody listens to it."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

from tests.lab.drills.drilling import RECOVER, Drill, Gate, goods, other, run, states

SIGNALS = [
    ("checkout:begun:backend:TERM", 12), ("install:begun:console:INT", 12), ("restart:begun:dialler:TERM", 12),
    ("restart:done:backend:INT+INT", 12), ("judging:done:any:TERM:2", 12), ("promoting:done:any:INT+INT", 0),
    ("restart:begun:backend:HUP", 12), ("claimed:done:any:TERM", 12),
]  # fmt: skip


@pytest.mark.parametrize(("point", "wanted"), SIGNALS, ids=[point for point, _ in SIGNALS])
def test_interrupted(drill: Drill, tmp_path: Path, point: str, wanted: int) -> None:
    """A signal, or two: the run ends by itself, back on the last known good, and says so; never a promotion after it."""
    before = goods()
    drill.point = point
    drill.exit_status, gate = run(tmp_path, *other("backend", "dialler", "console"), point=point)
    verdict = gate.verdict
    drill.outcome = verdict["summary"]
    drill.states = states()
    if drill.exit_status != wanted or verdict["exit_status"] != wanted:
        drill.flaws.append(f"exit {drill.exit_status}, verdict {verdict['exit_status']}, not {wanted}: {gate.end}")
    drill.check(before if wanted else {})


def test_interrupted_on_the_way_back(drill: Drill, tmp_path: Path) -> None:
    """The first signal of a run may come while it goes back: that is not cut short, and it ends as it would have."""
    before = goods()
    drill.point = "back-checkout:begun:dialler:TERM"
    drill.exit_status, gate = run(tmp_path, "--deploy", "dialler=vox-dialler-2026.06.23-1", point=drill.point)
    drill.outcome = gate.verdict["summary"]
    drill.states = states()
    if drill.exit_status != 11 or drill.states["dialler-sip-1"] != "rolled-back done":
        drill.flaws.append(f"exit {drill.exit_status}, {drill.states['dialler-sip-1']}: {gate.end}")
    drill.check(before)


def test_nobody_listens(drill: Drill, tmp_path: Path) -> None:
    """The terminal goes away in the midst of a deploy that goes wrong (a closed pipe): it goes back all the same, and says so
    in its verdict.
    """
    before = goods()
    drill.point = "stdout closed after its first move"
    gate = Gate.start(tmp_path, "--deploy", "dialler=vox-dialler-2026.06.23-1", piped=True)
    assert gate.process.stdout is not None
    while b"checkout" not in gate.process.stdout.readline():
        assert gate.process.poll() is None
    gate.process.stdout.close()
    drill.exit_status = gate.wait()
    drill.outcome = gate.verdict["summary"]
    if (drill.exit_status, gate.verdict["exit_status"]) != (11, 11):
        drill.flaws.append(f"exit {drill.exit_status}, verdict {gate.verdict['exit_status']}")
    drill.check(before)


def test_two_gates(drill: Drill, tmp_path: Path) -> None:
    """Exactly one works; the other says who holds it, and changes nothing."""
    first = Gate.start(tmp_path / "1", *other("backend"))
    second = Gate.start(tmp_path / "2", *other("backend"))
    ended = sorted([first.wait(), second.wait()])
    drill.exit_status = ended[1]
    loser = next(gate for gate in (first, second) if gate.process.returncode == 10)
    drill.outcome = next(line for line in loser.said.splitlines() if "another gate is at work" in line).strip()
    assert ended == [0, 10], first.said[-1500:] + second.said[-1500:]
    drill.check()


def test_a_gate_that_waits(drill: Drill, tmp_path: Path) -> None:
    """``--wait`` comes in when the other has ended, whatever way it ended."""
    first = Gate.start(tmp_path / "1", *other("console"), point="install:begun:console:STOP")
    first.reached()
    waiting = Gate.start(tmp_path / "2", *RECOVER)
    until = time.monotonic() + 15
    while "waiting: " not in waiting.said and time.monotonic() < until:
        time.sleep(0.1)
    first.process.kill()
    first.wait()
    drill.exit_status = waiting.wait()
    drill.found = waiting.found
    drill.outcome = waiting.verdict["summary"]
    assert drill.exit_status == 0, waiting.said[-2000:]
    assert "waiting: " in waiting.said
    drill.check()


def test_a_paused_gate(drill: Drill, tmp_path: Path) -> None:
    """It sleeps in the midst of a deploy, another one mends and deploys, it wakes up: it can change nothing any more."""
    drill.point = "restart:done:backend:STOP"
    zombie = Gate.start(tmp_path / "zombie", *other("backend", "console"), point=drill.point)
    zombie.reached()
    time.sleep(1)  # a nap: no condition tells it from a gate that is slow
    status, gate = run(tmp_path / "next", *other("backend"), "--wait", "60")
    drill.found = gate.found
    assert status == 0, gate.end
    mended, before = states(), goods()
    zombie.process.send_signal(signal.SIGCONT)
    drill.exit_status = zombie.wait()
    drill.outcome = zombie.verdict["summary"]
    if states() != mended:
        drill.flaws.append(f"the zombie changed the journals: {mended} -> {states()}")
    if drill.exit_status == 0:
        drill.flaws.append("the zombie called itself done")
    drill.check(before)
