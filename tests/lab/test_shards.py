"""A large estate in parts: each is partial, together they are the whole, and what is lost is not passed over."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lab.conftest import ROOT, GateRun, run_gate


def merge(parts: list[Path], reports: Path) -> GateRun:
    """``voxgate merge``."""
    argv = [sys.executable, "-m", "voxgate.cli.main", "merge", *map(str, parts), "--reports", str(reports), "--html", "never"]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert "Traceback" not in done.stdout + done.stderr, done.stdout + done.stderr
    return GateRun(done.returncode, done.stdout + done.stderr, (reports / "latest").resolve())


@pytest.fixture(scope="module")
def parts(deployed: GateRun, tmp_path_factory: pytest.TempPathFactory) -> list[GateRun]:
    """Two shards, the second one by workers of xdist."""
    assert deployed.status == 0
    root = tmp_path_factory.mktemp("parts")
    plain = ["--estate", "lab", "--html", "never"]
    return [
        run_gate([*plain, "--shard", "1/2"], root / "1"),
        run_gate([*plain, "--shard", "2/2", "-n2"], root / "2"),
    ]


def test_each_part_is_partial(parts: list[GateRun]) -> None:
    for run in parts:
        assert run.status == 0, run.said
        assert run.verdict["verdict"] == "partial"
        assert run.verdict["partial"]
        assert run.verdict["missing"] == []
    assert not set(parts[0].judged) & set(parts[1].judged)


def test_together_they_are_the_whole(parts: list[GateRun], tmp_path: Path) -> None:
    run = merge([one.folder for one in parts], tmp_path)
    assert (run.status, run.verdict["verdict"], run.verdict["missing"]) == (0, "holds", []), run.said
    assert set(run.judged) > set(parts[0].judged) | set(parts[1].judged)
    assert any(key.startswith("exactly-one-dialler-per-database") for key in run.judged)
    assert all(one["running"]["tag"] for one in run.verdict["services"])
    again = run_gate([f"--evidence={run.folder}/evidence", "--html", "never"], tmp_path / "again")
    assert again.judged == run.judged, "the joined evidence is a saved look like any other"


def test_a_lost_part_makes_it_incomplete(parts: list[GateRun], tmp_path: Path) -> None:
    run = merge([parts[0].folder, tmp_path / "lost"], tmp_path / "reports")
    assert run.status != 0
    assert run.verdict["verdict"] == "incomplete"
    assert "no part looked at api-1, fleet-2" in run.verdict["summary"]
    assert any(key.startswith("exactly-one-dialler") for key in run.verdict["missing"])
    assert run.red == set()


def test_another_release_makes_it_incomplete(parts: list[GateRun], tmp_path: Path) -> None:
    folder = tmp_path / "other"
    subprocess.run(["cp", "-r", parts[1].folder, folder], check=True)
    remotes = folder / "evidence" / "remotes.json"
    document = json.loads(remotes.read_text())
    document["remotes"]["fleet"]["release"]["commit"] = "f" * 40
    remotes.write_text(json.dumps(document))
    run = merge([parts[0].folder, folder], tmp_path / "reports")
    assert run.status != 0
    assert run.verdict["verdict"] in {"incomplete", "violated", "blind"}
    assert run.verdict["verdict"] != "holds"


def test_the_same_part_twice_is_refused(parts: list[GateRun], tmp_path: Path) -> None:
    run = merge([parts[0].folder, parts[0].folder], tmp_path)
    assert run.status == 1
    assert "is in two parts" in run.said


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--shard", "1/2", "--deploy", "backend"], "only looked at"),
        (["--hosts", "api-9"], "no such host: api-9"),
        (["--shard", "9/9"], "is no shard"),
    ],
)
def test_what_cannot_be_a_part_is_refused(arguments: list[str], why: str, tmp_path: Path) -> None:
    run = run_gate(["--estate", "lab", *arguments], tmp_path)
    assert run.status in {4, 10}
    assert why in run.said
