"""Drills: several people at once, each with a gate of his own."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests.lab.drills.drilling import NEW, OLD, ROOT, SERVICE_OF, Drill, Gate, goods, journals, other, run

WATCHERS, AT_ONCE = 10, 3
"""Watchers in all, one after the other for as long as the deploy goes on; and how many of them look at the same moment, beside
two looks and the deploy: what a machine with two processors bears.
"""


class Watcher:
    """One ``voxgate watch`` of somebody's monitor, with a folder of its own."""

    def __init__(self, folder: Path) -> None:
        argv = [sys.executable, "-m", "voxgate.cli.main", "watch", "--estate", "lab", "--format", "json"]
        argv += ["--reports", str(folder)]
        self.process = subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def said(self) -> dict[str, Any]:
        """What it says to its monitor, once it is done."""
        text = self.process.communicate(timeout=200)[0].decode("utf-8", "replace")
        document = dict(json.loads(text))
        assert document["status"] == self.process.returncode, text
        return document


def flaws_of(who: str, bad: list[dict[str, Any]], moving: list[str]) -> list[str]:
    """What is called violated, and what would have somebody restart what the deploy restarts."""
    flaws = [f"{who}: violated: {one['id']}: {one['found']}" for one in bad if one["verdict"] == "violated"]
    return flaws + [f"{who}: {one['advice']}" for one in bad if one["id"] in moving and "systemctl" in one["advice"]]


def until_it_restarts(gate: Gate) -> None:
    """The deploy has begun to restart what it deploys."""
    while not any(one["phase"] == "restart" for one in journals().values()) and gate.process.poll() is None:
        time.sleep(0.05)


def test_ten_watchers_two_looks_and_a_deploy_at_once(drill: Drill, tmp_path: Path) -> None:
    """The deploy is done, and nobody beside it cries for help: what moves is blind, and they say who moves it."""
    drill.point = "none: ten watchers and two looks beside a deploy of backend and fleet"
    before, words = goods(), other("backend", "fleet")
    gate = Gate.start(tmp_path, *words)
    begun: list[Watcher] = []
    looks: list[Gate] = []
    for number in range(WATCHERS):
        while sum(one.process.poll() is None for one in begun) >= AT_ONCE:
            time.sleep(0.05)
        if number == AT_ONCE:
            until_it_restarts(gate)
            looks = [Gate.start(tmp_path / f"look-{one}") for one in range(2)]
        begun.append(Watcher(tmp_path / f"watch-{number}"))
    watched = [one.said() for one in begun]
    ended = [one.wait() for one in looks]
    drill.exit_status = gate.wait()
    drill.outcome = gate.verdict["summary"]
    if drill.exit_status != 0:
        drill.flaws.append(f"the deploy ended with {drill.exit_status}: {gate.end}")
    for number, one in enumerate(watched):
        drill.flaws += flaws_of(f"watcher {number} ({one['level']})", one["bad"], one["at_work"]["moving"])
    for number, (status, look) in enumerate(zip(ended, looks, strict=True)):
        bad = [one for one in look.verdict["invariants"] if one["verdict"] != "holds"]
        drill.flaws += flaws_of(f"look {number} ({status})", bad, look.verdict["at_work"]["moving"])
        if "a deploy is at work" not in look.said.partition("collected")[2].partition("report ")[0]:
            drill.flaws.append(f"look {number} does not say first that a deploy is at work: {look.said[-800:]}")
    levels = [one["level"] for one in watched]
    drill.found = [f"watchers -> {' '.join(levels)}", f"looks -> {' '.join(map(str, ended))}"]
    warned = [one for one in watched if one["level"] == "WARNING" and one["at_work"]["moving"]]
    if not warned or not all(gate.verdict["run"] in one["at_work"]["said"][0] for one in warned):
        drill.flaws.append(f"no watcher says WARNING, and which run is at work: {levels}")
    status, after = run(tmp_path / "after")
    if status != 0 or after.verdict["at_work"]["said"]:
        drill.flaws.append(f"afterwards: {status}: {after.said[-1500:]}")
    moved = {key: tag for key, tag in before.items() if SERVICE_OF[key] in {"backend", "fleet"}}
    drill.check({key: tag.replace(OLD, NEW) if tag.endswith(OLD) else tag.replace(NEW, OLD) for key, tag in moved.items()})
