"""Publishing: everything beside the verdict, and nothing that could change it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from voxgate.model.estate import Estate
from voxgate.model.verdict import RunOutcome
from voxgate.redaction.cutting import Redactor
from voxgate.report import publish as publishing
from voxgate.report.folder import ReportFolder
from voxgate.report.publish import Beside, publish


@pytest.fixture
def folder(tmp_path: Path) -> ReportFolder:
    return ReportFolder.create(tmp_path, datetime.now(UTC), "lab")


def test_a_deploy_leaves_pictures_results_and_the_page(done: RunOutcome, estate: Estate, folder: ReportFolder) -> None:
    assert publish(done, estate, folder, Redactor(), html=True) == []
    assert folder.picture.is_file()
    assert folder.timeline.is_file()
    assert folder.html.is_file()
    assert folder.history.is_file()


def test_a_look_leaves_no_timeline_and_no_page(looked: RunOutcome, estate: Estate, folder: ReportFolder) -> None:
    assert publish(looked, estate, folder, Redactor(), html=False) == []
    assert folder.picture.is_file()
    assert not folder.timeline.exists()
    assert not folder.html.exists()


def test_what_cannot_be_made_is_a_line_each(
    done: RunOutcome, estate: Estate, folder: ReportFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def boom(*_given: object, **_named: object) -> None:
        raise ZeroDivisionError("boom\nmore")

    monkeypatch.setattr(publishing, "estate_picture", boom)
    monkeypatch.setattr(publishing, "make_page", boom)
    assert publish(done, estate, folder, Redactor(), html=True) == [
        "no estate.svg: ZeroDivisionError: boom",
        "no allure-report: ZeroDivisionError: boom",
    ]
    assert folder.timeline.is_file()


def test_no_canary_in_anything(done: RunOutcome, estate: Estate, folder: ReportFolder) -> None:
    moves = tuple(
        replace(move, error="JWT_SECRET=canary-1", hint="canary-2", detail="mongodb://u:canary-3@h") for move in done.moves
    )
    judged = tuple(replace(one, reason="canary-2") for one in done.judgements)
    leaking = replace(done, moves=moves, judgements=judged, summary="canary-2", notes=("Bearer canary-44444",))
    publish(leaking, estate, folder, Redactor(["canary-2"]), Beside(facts={"x": "canary-2"}), html=False)
    files = [path for path in folder.path.rglob("*") if path.is_file()]
    assert len(files) > 5
    for path in files:
        assert b"canary-" not in path.read_bytes(), path.name
