"""Looking often: what a monitor is told, and what changed since the estate last held."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from lab.hosts import must
from tests.lab.conftest import ROOT, Gate

Watch = Callable[..., tuple[int, str]]


@pytest.fixture
def watch(tmp_path: Path) -> Watch:
    """``voxgate watch``, from another folder as cron does: exit status and output."""

    def run(*arguments: str) -> tuple[int, str]:
        argv = [sys.executable, "-m", "voxgate.cli.main", "watch", "--estate", "lab", "--reports", str(tmp_path / "reports")]
        done = subprocess.run(
            [*argv, *arguments],
            cwd=tmp_path,
            env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "HOME": str(Path.home())},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.stderr == "", done.stderr
        return done.returncode, done.stdout

    return run


def test_a_fall_and_a_mend_are_told_once(watch: Watch, gate: Gate, tmp_path: Path) -> None:
    assert gate().status == 0  # in the same reports: what the watch compares with
    status, said = watch()
    assert status == 0, said
    assert said.startswith("VOXGATE OK - lab: ")
    assert "nothing changed since " in said
    must("fleet-2", ["systemctl", "stop", "voxcore@2"])
    try:
        status, said = watch()
        assert status == 2, said
        lines = said.splitlines()
        assert lines[0].startswith("VOXGATE CRITICAL - lab: ")
        assert any(line.startswith("violated: ") and "voxcore@2" in line for line in lines[2:])
        file = tmp_path / "voxgate.prom"
        status, said = watch("--format", "prometheus", "--output", str(file))
        assert (status, said) == (2, "")
        assert 'voxgate_verdict{estate="lab",verdict="violated"} 1.0' in file.read_text()
    finally:
        must("fleet-2", ["systemctl", "start", "voxcore@2"])
        must("fleet-2", ["systemctl", "is-active", "voxcore@2"])
    status, said = watch("--format", "json")
    document = json.loads(said)
    assert (status, document["level"], document["changed"]["fallen"]) == (0, "OK", []), said
    assert len(list((tmp_path / "reports" / "watch-lab").glob("20*"))) == 4
    assert len(list((tmp_path / "reports").glob("20*"))) == 1, "a watch pushes no report of a deploy out"


def test_an_estate_that_cannot_be_looked_at_is_unknown(watch: Watch) -> None:
    must("data", ["systemctl", "stop", "ssh"])
    try:
        status, said = watch()
    finally:
        must("data", ["systemctl", "start", "ssh"])
    assert status == 3, said
    assert said.startswith("VOXGATE UNKNOWN - lab: ")
