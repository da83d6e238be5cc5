"""The Jenkinsfile's own steps, run as Jenkins runs them: its environment, its parameters, its way to abort a build."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.lab.conftest import ROOT, GateRun, head_of, known_good
from tests.pipelines import commands, parse, stages_of

PIPELINE = parse((ROOT / "Jenkinsfile").read_text())
WATCH = parse((ROOT / "pipelines" / "Jenkinsfile.watch").read_text())
GOOD, BAD = "vox-backend-2026.06.24-1", "vox-backend-2026.06.23-1"
TOKEN = "canary-jenkins-token"


class Build:
    """One build: a workspace's environment, the cookie by which Jenkins finds every process of it."""

    def __init__(self, number: int, **parameters: str) -> None:
        job = {"JOB_NAME": "voxgate/main", "BUILD_NUMBER": str(number), "BUILD_ID": str(number), "EXECUTOR_NUMBER": "0"}
        job |= {"BUILD_TAG": f"jenkins-voxgate-main-{number}", "BUILD_URL": f"https://ci.example/job/voxgate/{number}/"}
        job |= {"JENKINS_URL": "https://ci.example/", "WORKSPACE": str(ROOT), "CI": "true", "BITBUCKET_TOKEN": TOKEN}
        self.cookie = f"jenkins-node-cookie-{os.getpid()}-{number}"
        told = {"ESTATE": "lab", "SERVICE": "all", "TAG": ""} | parameters
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("VIRTUAL_ENV", "PYTEST", "MAKE"))}
        self.environment = {**kept, **job, **told, "JENKINS_NODE_COOKIE": self.cookie}

    def step(self, command: str, log: Path) -> subprocess.Popen[bytes]:
        """Start a ``sh`` step: a script of its own, no terminal, a log."""
        with log.open("wb") as stream:
            argv = ["sh", "-xec", command]
            return subprocess.Popen(
                argv,
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                start_new_session=True,
            )

    def run(self, command: str, log: Path, deadline: float = 300) -> int:
        """A step to its end."""
        with self.step(command, log) as process:
            return process.wait(deadline)

    def processes(self) -> list[int]:
        """Every process of the build, children before their parents, as Jenkins finds them: by the cookie."""
        found: dict[int, int] = {}
        for folder in Path("/proc").iterdir():
            if not folder.name.isdigit():
                continue
            try:
                if f"JENKINS_NODE_COOKIE={self.cookie}".encode() in (folder / "environ").read_bytes().split(b"\0"):
                    found[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            except (OSError, ValueError):
                continue
        return sorted(found, key=lambda pid: -_depth(pid, found))

    def abort(self) -> int:
        """What an abort does: SIGTERM to each process, children first, several times. Returns how many there were."""
        first = 0
        for _ in range(3):
            for pid in self.processes():
                first += 1
                try:
                    os.kill(pid, signal.SIGTERM)
                except ProcessLookupError:
                    continue
            time.sleep(0.3)  # Jenkins asks several times, a moment apart: no condition ends that
        return first


def _depth(pid: int, parents: dict[int, int]) -> int:
    depth = 0
    while pid in parents and depth < len(parents):
        pid, depth = parents[pid], depth + 1
    return depth


@pytest.fixture
def reports(deployed: GateRun, tmp_path: Path) -> Iterator[Path]:
    """What a build finds and leaves in the workspace, after a first deploy of everything; a developer's reports are put aside."""
    assert deployed.status == 0
    here, aside = ROOT / "reports", tmp_path / "aside"
    here.mkdir(exist_ok=True)
    aside.mkdir()
    for path in runs_in(here):
        shutil.move(path, aside / path.name)
    yield here
    for path in runs_in(here):
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    for path in aside.iterdir():
        shutil.move(path, here / path.name)


def runs_in(reports: Path) -> list[Path]:
    """Runs, their history and ``latest``; not what proofs write beside them, maybe now."""
    return [path for path in reports.iterdir() if path.name not in {"drills", "faults", "ordinary"}]


def verdict(reports: Path) -> dict[str, Any]:
    """What the newest run says."""
    run = GateRun(0, "", (reports / "latest").resolve())
    return run.verdict


def stage(title: str) -> list[str]:
    """The commands of one stage."""
    return commands(next(one for one in stages_of(PIPELINE) if one.title == title).one("steps"))


def test_a_build_deploys_and_carries_its_report(reports: Path, tmp_path: Path) -> None:
    build = Build(41, SERVICE="backend", TAG=GOOD)
    log = tmp_path / "log"
    for command in [*stage("Set up"), *stage("Gate")]:
        assert build.run(command, log) == 0, log.read_text()
    assert "\x1b[" not in log.read_text(), "colours in a log"
    said = verdict(reports)
    assert said["verdict"] == "done"
    executor = json.loads((reports / "latest" / "allure-results" / "executor.json").read_text())
    assert executor["buildUrl"] == "https://ci.example/job/voxgate/41/"
    for made in ("junit.xml", "allure-results", "allure-report/index.html", "verdict.json"):
        assert (reports / "latest" / made).exists(), made
    everything = b"".join(path.read_bytes() for path in reports.rglob("*") if path.is_file()) + log.read_bytes()
    assert TOKEN.encode() not in everything
    history = list(reports.glob("history-*"))
    assert build.run(stage("Set up")[1], log) == 0  # the next build begins with what is its own
    assert runs_in(reports) == history


def test_a_bad_release_fails_the_build_and_the_hosts_are_well(reports: Path, tmp_path: Path) -> None:
    build = Build(42, SERVICE="backend", TAG=BAD)
    log = tmp_path / "log"
    assert build.run(stage("Gate")[0], log) == 2, log.read_text()
    assert verdict(reports)["exit_status"] == 11
    for command in commands(PIPELINE.one("post").one("unsuccessful")):
        assert build.run(command, log) == 0, log.read_text()
    assert verdict(reports)["verdict"] == "holds"
    assert known_good("api-1", "backend")["tag"] == GOOD
    assert head_of("api-1", "vox-backend") == known_good("api-1", "backend")["commit"]


def has_come(moment: str, log: Path, reports: Path) -> bool:
    """True once the build is there: moves are in its log at once, and what is judged is saved before it is."""
    if moment == "judged":
        return any(reports.glob("20*/evidence/run.json"))
    return moment.encode() in log.read_bytes()


@pytest.mark.parametrize("moment", ["checkout", "restart", "judged"])
def test_an_aborted_build_tells_the_truth_and_recovers(moment: str, reports: Path, tmp_path: Path) -> None:
    build = Build(43, SERVICE="backend", TAG=BAD)
    log = tmp_path / "log"
    process = build.step(stage("Gate")[0], log)
    until = time.monotonic() + 120
    while not has_come(moment, log, reports) and process.poll() is None:
        assert time.monotonic() < until, log.read_text()
        time.sleep(0.02)
    assert build.abort() >= 3  # sh, make, uv, pytest, whatever git and ssh there are
    after = tmp_path / "after"
    for command in commands(PIPELINE.one("post").one("unsuccessful")):  # at once: the gate may still be going back
        assert build.run(command, after) == 0, log.read_text() + after.read_text()
    assert process.wait(60) != 0
    while build.processes():  # the aborted gate outlives its make: it still goes back, and says its verdict last
        assert time.monotonic() < until + 120, log.read_text()
        time.sleep(0.1)
    runs = sorted(path for path in reports.glob("20*"))
    aborted, newest = (json.loads((path / "verdict.json").read_text()) for path in (runs[0], runs[-1]))
    assert aborted["verdict"] not in {"done", "holds"}, aborted["summary"]
    assert aborted["exit_status"] >= 10
    assert newest["verdict"] == "holds"
    assert known_good("api-1", "backend")["tag"] == GOOD
    assert head_of("api-1", "vox-backend") == known_good("api-1", "backend")["commit"]


def test_the_watch_looks(reports: Path, tmp_path: Path) -> None:
    build = Build(44)
    log = tmp_path / "log"
    for command in commands(WATCH):
        assert build.run(command, log) == 0, log.read_text()
    assert "VOXGATE OK - lab: " in log.read_text()
    assert (reports / "watch-lab" / "latest" / "junit.xml").exists()
