"""Drills: releases that are bad, one or all, and a way back that fails."""

from __future__ import annotations

import signal
from pathlib import Path

import httpx
import pytest

import lab
from tests.lab.drills.drilling import (
    RECOVER,
    SERVICE_OF,
    Drill,
    goods,
    other,
    run,
    states,
    until_it_answers,
)
from tests.lab.hostile import edited, on_main
from tests.lab.serving import ESTATE, restarted, running


def test_a_bad_release_left_at_its_judging(drill: Drill, tmp_path: Path) -> None:
    """The gate dies as it was about to judge what does not hold: the next run judges it, goes back, and says both."""
    before = goods()
    drill.point = "judging:done:fleet:KILL:2, of a release that does not hold on fleet-2"
    with on_main("vox-agents", edited("bodies.py", "entry.max,", 'str(entry.max) if entry.id[6] == "2" else entry.max,')):
        status, gate = run(tmp_path, "--deploy", "fleet=main", point="judging:done:fleet:KILL:2")
        assert status == -signal.SIGKILL, gate.end
        drill.states = states()
        drill.exit_status, gate = run(tmp_path / "recover", *RECOVER)
    drill.found, drill.outcome = gate.found, gate.verdict["summary"]
    if (drill.exit_status, gate.verdict["verdict"], gate.verdict["rollback"]["verdict"]) != (11, "rolled back", "holds"):
        drill.flaws.append(f"it ended with {drill.exit_status}: {gate.end}")
    drill.check(before)


def test_one_bad_release_among_all(drill: Drill, tmp_path: Path) -> None:
    """All are deployed, three of them once more as they are, and one is bad: that one goes back, and all of it is in order."""
    before = goods()
    drill.point = "all again, and a bad backend"
    again = [f"{SERVICE_OF[key]}={tag}" for key, tag in before.items() if SERVICE_OF[key] != "backend"]
    words = [
        "--deploy",
        "backend=vox-backend-2026.06.23-1",
        *(word for one in dict.fromkeys(again) for word in ("--deploy", one)),
    ]
    drill.exit_status, gate = run(tmp_path, *words)
    drill.outcome = gate.verdict["summary"]
    if drill.exit_status != 11:
        drill.flaws.append(f"it ended with {drill.exit_status}: {gate.end}")
    drill.check(before)


_NEVER_REGISTERS = edited("registry.py", "set(PREFIX + entry.id, value, px=TTL_MILLISECONDS)", "ping()")
_OPENS_A_DOOR = edited(
    "serve.py", "    await Draining", '    _ = await asyncio.start_server(print, "", port + 900)\n    await Draining'
)
CANARIES = {
    "it never registers": (_NEVER_REGISTERS, "capacity-adds-up[fleet-fleet-1]", 1),
    "it opens a door": (_OPENS_A_DOOR, "only-expected-listeners[fleet-1]", 3),
}


@pytest.mark.parametrize("wrong", CANARIES)
def test_a_release_that_starts_and_is_wrong(drill: Drill, tmp_path: Path, wrong: str) -> None:
    """It answers 200, its page keeps the contract, and it is wrong all the same: the canary is judged, and no worker behind it is
    ever restarted. What is of the worker is seen at the first one, what is of the host once that is whole.
    """
    before, units = goods(), running()
    files, rule, touched = CANARIES[wrong]
    drill.point = f"{wrong}, on every worker"
    with on_main("vox-agents", files):
        drill.exit_status, gate = run(tmp_path, "--deploy", "fleet=main")
    drill.outcome = gate.verdict["summary"]
    if drill.exit_status != 11 or f"the canary is not in order: {rule} is violated" not in drill.outcome:
        drill.flaws.append(f"it ended with {drill.exit_status}: {gate.end}")
    if (went := restarted(units)) != [f"fleet-1 voxcore@{n}.service was restarted" for n in range(1, touched + 1)]:
        drill.flaws.append(f"not the canary alone: {went}")
    drill.check(before)


_DROP_IN = "/run/systemd/system/voxbridge.service.d/drill.conf"
_BREAK = f"""mkdir -p {Path(_DROP_IN).parent}
printf '[Service]\\nExecStart=\\nExecStart=/bin/false\\n' > {_DROP_IN}
systemctl daemon-reload"""
# systemd refuses a start after five within ten seconds, whoever asks for it: a person has to forgive those first.
_MEND = f"rm {_DROP_IN}; systemctl daemon-reload; systemctl reset-failed voxbridge; systemctl restart voxbridge"


def test_a_failed_way_back_is_held(drill: Drill, tmp_path: Path) -> None:
    """Nothing can start the backend, neither the new release nor the last known good: a person must look, and say why it is
    in order again. Until then nothing is deployed.
    """
    before = goods()
    drill.point = "the unit cannot start"
    assert lab.exec("api-1", ["sh", "-ec", _BREAK]).returncode == 0
    try:
        drill.exit_status, gate = run(tmp_path, *other("backend"))
        drill.outcome = gate.verdict["summary"]
        refused, second = run(tmp_path / "refused", "--deploy", "console")
    finally:
        assert lab.exec("api-1", ["sh", "-ec", _MEND]).returncode == 0
    until_it_answers("http://198.51.100.21:8080/health")
    if (drill.exit_status, refused) != (13, 10) or "--clear backend --reason" not in second.said:
        drill.flaws.append(f"{drill.exit_status} and {refused}: {gate.end} {second.said[-1200:]}")
    assert states()["backend-api-1"].startswith("held")
    assert run(tmp_path / "clear", "--clear", "backend")[0] == 10
    assert run(tmp_path / "clear", "--clear", "backend", "--reason", "drop-in removed")[0] == 0
    status, gate = run(tmp_path / "again", *RECOVER)
    drill.flaws += [] if status == 0 else [gate.end]
    drill.check(before)


def test_a_bad_release_goes_back(drill: Drill, tmp_path: Path) -> None:
    """Each of the four is bad in its own way; the roll stops at the canary, and the way back covers what was touched."""
    before = goods()
    bad = [
        f"{one.service.name}={one.service.repository}-2026.06.23-1"
        for one in {p.service.name: p for p in ESTATE.placements}.values()
    ]
    drill.point = "bad releases"
    drill.exit_status, gate = run(tmp_path, *(word for one in bad for word in ("--deploy", one)))
    drill.outcome = gate.verdict["summary"]
    if drill.exit_status != 11:
        drill.flaws.append(f"it ended with {drill.exit_status}: {gate.end}")
    drill.check(before)


def test_a_busy_worker_comes_last(drill: Drill, tmp_path: Path) -> None:
    """Idle workers are restarted first; a call that is still up when the drain is over is counted, and said."""
    drill.point = "a call on fleet-1's first worker"
    address = ESTATE.host("fleet-1").address
    httpx.post(f"http://{address}:8101/calls", json={"seconds": 300}, timeout=5).raise_for_status()
    drill.exit_status, gate = run(tmp_path, *other("fleet"), "--drain", "5")
    verdict = gate.verdict
    drill.outcome = f"{verdict['summary']}; {'; '.join(verdict['notes'])}"
    order = [one["detail"] for one in verdict["moves"] if (one["host"], one["move"]) == ("fleet-1", "restart")]
    if [words.split(",")[0] for words in order] != ["voxcore@2", "voxcore@3", "voxcore@1"]:
        drill.flaws.append(f"order: {order}")
    if drill.exit_status != 0 or not any("1 call was up" in note for note in verdict["notes"]):
        drill.flaws.append(f"{drill.exit_status}: {gate.end}")
    drill.check()
