"""The folder of a run: its name, the link to the latest, and what is tidied away."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from voxgate.errors import VoxgateError
from voxgate.model.verdict import RunOutcome, RunVerdict
from voxgate.redaction.cutting import Redactor
from voxgate.report.folder import ReportFolder, kind_of
from voxgate.report.verdict import verdict_file

NOW = datetime(2026, 11, 22, 9, 14, 3, tzinfo=UTC)


def test_a_run_is_named_after_its_moment_and_estate(tmp_path: Path) -> None:
    folder = ReportFolder.create(tmp_path / "reports", NOW, "lab")
    assert re.fullmatch(r"2026-11-22T09-14-03Z-lab-[0-9a-f]{4}", folder.run)
    assert folder.evidence.is_dir()
    assert folder.allure_results.is_dir()
    assert folder.history == tmp_path / "reports" / "history-lab.jsonl"


def test_a_run_that_could_not_be_reported_is_not_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("voxgate.report.folder._ROOM", 1 << 60)
    with pytest.raises(VoxgateError, match="no room for a report"):
        ReportFolder.create(tmp_path, NOW, "lab")


def test_two_runs_in_one_second_do_not_meet(tmp_path: Path) -> None:
    runs = {ReportFolder.create(tmp_path, NOW, "lab").run for _ in range(8)}
    assert len(runs) == 8


def test_latest_follows_the_run_that_was_published(tmp_path: Path) -> None:
    first, second = (ReportFolder.create(tmp_path, NOW + timedelta(seconds=n), "lab") for n in (0, 1))
    first.publish()
    second.publish()
    assert (tmp_path / "latest").resolve() == second.path
    assert (tmp_path / "latest").readlink() == Path(second.run)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_a_folder_named_latest_is_said_in_one_line_and_left_alone(tmp_path: Path) -> None:
    folder = ReportFolder.create(tmp_path, NOW, "lab")
    (tmp_path / "latest").mkdir()
    (tmp_path / "latest" / "mine.txt").touch()
    with pytest.raises(VoxgateError, match="cannot point latest to this run"):
        folder.publish()
    assert (tmp_path / "latest" / "mine.txt").exists()
    assert not list(tmp_path.glob(".latest*"))


def test_old_runs_go_and_the_latest_stays(tmp_path: Path) -> None:
    folders = [ReportFolder.create(tmp_path, NOW + timedelta(days=2 * n), "lab") for n in range(25)]
    folders[0].publish()
    (tmp_path / "mine").mkdir()
    gone = folders[-1].prune()
    assert len(gone) == 4
    left = {path.name for path in tmp_path.iterdir()}
    assert folders[0].run in left, "latest points to it"
    assert {folder.run for folder in folders[5:]} <= left
    assert "mine" in left


def test_a_deploy_that_goes_on_keeps_its_folder_however_many_look_meanwhile(tmp_path: Path, looked: RunOutcome) -> None:
    dead = ReportFolder.create(tmp_path, NOW - timedelta(days=2), "lab")
    deploying = ReportFolder.create(tmp_path, NOW, "lab")
    looks = [written(tmp_path, looked, at) for at in range(1, 24)]
    gone = looks[-1].prune()
    assert dead.run in gone
    assert deploying.path.is_dir()
    assert {look.run for look in looks[:3]} <= set(gone)


def test_an_estate_with_odd_letters_makes_a_name_without_them(tmp_path: Path) -> None:
    assert "-a-b-" in ReportFolder.create(tmp_path, NOW, "a/b").run


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(VoxgateError, match="cannot make the report's folder"):
        ReportFolder.create(tmp_path / "file" / "reports", NOW, "lab")


def written(tmp_path: Path, outcome: RunOutcome, at: int) -> ReportFolder:
    """A run of that minute, with its verdict."""
    folder = ReportFolder.create(tmp_path, NOW + timedelta(minutes=at), "lab")
    verdict_file.write(outcome, folder.verdict, Redactor())
    folder.publish()
    return folder


def test_neither_looks_nor_refusals_push_a_deploy_out(tmp_path: Path, looked: RunOutcome) -> None:
    """What a summary says is no member of the verdict."""
    lying = replace(looked, summary='x\n  "deploy": true,\n  "verdict": "refused",')
    deployed = replace(looked, deploy=True, verdict=RunVerdict.ROLLED_BACK, exit_status=11)
    refused = replace(deployed, verdict=RunVerdict.REFUSED, exit_status=10)
    recovered = replace(looked, verdict=RunVerdict.BROKEN, exit_status=13)
    outcomes = [deployed, recovered, looked, refused, *[lying, refused] * 3]
    runs = [written(tmp_path, outcome, at) for at, outcome in enumerate(outcomes)]
    assert [kind_of(run.path) for run in runs] == ["deploy", "deploy", "look", "refusal", *["look", "refusal"] * 3]
    assert ((tmp_path / "latest").resolve(), (tmp_path / "latest-deploy").resolve()) == (runs[-1].path, runs[1].path)
    gone = runs[-1].prune(kept=2)
    assert set(gone) == {runs[n].run for n in (2, 3, 4, 5)}
