"""Allure after the tests: the deploy, what is missing, the rollback, the surroundings."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from voxgate.model.estate import Estate
from voxgate.model.verdict import Judgement, RunOutcome, Verdict
from voxgate.redaction.cutting import Redactor
from voxgate.report.allure import run as allure_run
from voxgate.report.allure.files import label_of, results, write_item
from voxgate.report.allure.run import complete
from voxgate.report.allure.sink import history_id
from voxgate.report.tally import place

PLAIN = Redactor()
STATUS = {Verdict.HOLDS: "passed", Verdict.VIOLATED: "failed", Verdict.BLIND: "broken"}


def written(folder: Path, outcome: RunOutcome, estate: Estate | None = None, **more: Any) -> list[dict[str, Any]]:
    """The results of a run, as the tests would have written them, completed."""
    for judgement in outcome.judgements:
        write_item(folder, result_of(outcome, judgement), PLAIN)
    complete(folder, outcome, PLAIN, estate=estate, **more)
    return [result for _path, result in results(folder)]


def result_of(outcome: RunOutcome, judgement: Judgement) -> Any:
    status, start = STATUS[judgement.verdict], outcome.started + 30
    result = allure_run._result(outcome, judgement.id, place(judgement), status, start=start)
    result.description = judgement.reason
    if judgement.found:
        result.statusDetails = allure_run._said_of(judgement)
    return result


def properties(folder: Path) -> dict[str, str]:
    lines = (folder / "environment.properties").read_text().splitlines()
    return {key.replace("\\", ""): value for key, _is, value in (line.partition(" = ") for line in lines)}


def test_each_deploy_is_a_result_with_its_moves_as_steps(rolled_back: RunOutcome, estate: Estate, tmp_path: Path) -> None:
    found = {one["fullName"]: one for one in written(tmp_path, rolled_back, estate)}
    fleet = found["deploy:fleet"]
    assert fleet["name"] == "fleet: vox-agents-2026.11.22-1 (from vox-agents-2026.11.20-2)"
    assert fleet["status"] == "failed"
    assert label_of(fleet, "kind") == "deploy"
    assert [step["name"] for step in fleet["steps"]] == ["fleet-1 · 8.7 s", "fleet-2 · 15.2 s"]
    broken = [step for step in fleet["steps"][1]["steps"] if step["status"] == "failed"]
    assert [step["name"] for step in broken] == ["health voxcore@2 · 4.2 s"]
    assert fleet["statusDetails"]["message"].endswith("→ journalctl -u voxcore@2 -n 20")
    assert [one["url"].partition("/oriserve1")[2] for one in fleet["links"]] == [
        "/vox-agents/commits/0a1b2c3d4e5f60718293a4b5c6d7e8f901234567",
        "/vox-agents/src/vox-agents-2026.11.22-1",
    ]
    assert found["deploy:backend"]["status"] == "passed"


def test_the_moves_stand_before_every_invariant_of_their_service(done: RunOutcome, estate: Estate, tmp_path: Path) -> None:
    found = written(tmp_path, done, estate)
    containers = [json.loads(path.read_bytes()) for path in tmp_path.glob("*-container.json")]
    fleet = next(one for one in containers if one["name"].startswith("fleet:"))
    wanted = {one["uuid"] for one in found if label_of(one, "suite") == "fleet"}
    assert set(fleet["children"]) == wanted
    assert len(wanted) == 43
    assert [before["name"] for before in fleet["befores"]] == ["fleet-1 · 8.7 s", "fleet-2 · 13.8 s"]


def test_what_was_never_judged_is_a_broken_result(rolled_back: RunOutcome, tmp_path: Path) -> None:
    missing = {one["fullName"]: one for one in written(tmp_path, rolled_back)}["tick-loop-is-alive[sip-1-voxdialler]"]
    assert missing["status"] == "broken"
    assert (label_of(missing, "kind"), label_of(missing, "suite")) == ("missing", "dialler")
    assert "never judged" in missing["statusDetails"]["message"]


def test_a_skipped_result_gives_way_to_the_missing_one(rolled_back: RunOutcome, tmp_path: Path) -> None:
    skipped = result_of(rolled_back, replace(rolled_back.judgements[0], id=rolled_back.missing[0]))
    skipped.status = "skipped"
    write_item(tmp_path, skipped, PLAIN)
    found = [one for one in written(tmp_path, rolled_back) if one["historyId"] == history_id(rolled_back.missing[0])]
    assert [one["status"] for one in found] == ["broken"]


def test_what_was_not_asked_for_is_not_missing(looked: RunOutcome, tmp_path: Path) -> None:
    found = written(tmp_path, replace(looked, missing=("capacity-adds-up",)))
    assert len(found) == len(looked.judgements)


def test_the_rollback_has_a_suite_and_a_history_of_its_own(rolled_back: RunOutcome, tmp_path: Path) -> None:
    found = written(tmp_path, rolled_back)
    after = [one for one in found if label_of(one, "suite") == "after the rollback"]
    assert len(after) == len(rolled_back.rollback)
    assert not {one["historyId"] for one in after} & {one["historyId"] for one in found if one not in after}


def test_moves_of_the_rollback_are_a_result_of_their_own(done: RunOutcome, estate: Estate, tmp_path: Path) -> None:
    back = tuple(replace(move, rollback=True, started=move.started + 60) for move in done.moves if move.service == "fleet")
    found = {one["fullName"]: one for one in written(tmp_path, replace(done, moves=done.moves + back), estate)}
    assert found["rollback:fleet"]["name"] == "fleet: back to vox-agents-2026.11.20-2"
    assert len(found["deploy:fleet"]["steps"][0]["steps"]) == 8


def test_surroundings_say_what_went_where(rolled_back: RunOutcome, tmp_path: Path) -> None:
    written(tmp_path, rolled_back, facts={"boot id fleet-1": "9a0cf3a2"})
    said = properties(tmp_path)
    assert list(said)[:3] == ["verdict", "estate", "backend"]
    assert said["verdict"] == "rolled back"
    assert said["fleet"] == "vox-agents-2026.11.20-2"
    assert said["fleet tried"] == "vox-agents-2026.11.22-1"
    assert said["fleet commit"] == "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567"[::-1], "that of the release that runs"
    assert said["boot id fleet-1"] == "9a0cf3a2"
    errors = json.loads(next(tmp_path.glob("*-globals.json")).read_bytes())["errors"]
    assert errors[0]["message"].startswith("rolled back, exit status 11: 2 invariants are violated")


def test_a_good_deploy_says_what_runs_and_what_ran_before(done: RunOutcome, tmp_path: Path) -> None:
    written(tmp_path, done)
    said = properties(tmp_path)
    assert (said["fleet"], said["fleet from"]) == ("vox-agents-2026.11.22-1", "vox-agents-2026.11.20-2")
    assert not list(tmp_path.glob("*-globals.json")), "nothing went wrong"


def test_the_jenkins_build_is_named(looked: RunOutcome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUILD_URL", "https://jenkins/job/gate/41/")
    monkeypatch.setenv("BUILD_NUMBER", "41")
    monkeypatch.setenv("JOB_NAME", "gate")
    written(tmp_path, looked)
    said = json.loads((tmp_path / "executor.json").read_bytes())
    assert (said["buildName"], said["buildOrder"], said["buildUrl"]) == ("gate #41", 41, "https://jenkins/job/gate/41/")


def test_without_jenkins_there_is_no_executor(looked: RunOutcome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BUILD_URL", raising=False)
    written(tmp_path, looked)
    assert not (tmp_path / "executor.json").exists()


def test_pictures_are_attached_to_the_run(looked: RunOutcome, tmp_path: Path) -> None:
    picture = tmp_path / "estate.svg"
    picture.write_text("<svg/>")
    folder = tmp_path / "results"
    folder.mkdir()
    written(folder, looked, pictures=[picture, tmp_path / "none.svg"])
    attached = json.loads(next(folder.glob("*-globals.json")).read_bytes())["attachments"]
    assert [one["name"] for one in attached] == ["estate.svg"]
    assert (folder / attached[0]["source"]).read_text() == "<svg/>"


def test_half_a_result_of_a_worker_that_died_is_passed_over(looked: RunOutcome, tmp_path: Path) -> None:
    (tmp_path / "x-result.json").write_text('{"uuid": "x", ')
    assert len(written(tmp_path, looked)) == len(looked.judgements)


def test_papers_go_to_the_result_that_they_are_about_and_are_cut(rolled_back: RunOutcome, tmp_path: Path) -> None:
    about, other = rolled_back.judgements[0].id, rolled_back.judgements[1].id
    after = f"rollback:{rolled_back.rollback[0].id}"
    diagnostics = {
        about: [("journal", "started with mongodb://vox:hunter2@data/vox"), ("status", "● failed")],
        after: [("status", "○")],
    }
    for judgement in rolled_back.judgements:
        write_item(tmp_path, result_of(rolled_back, judgement), PLAIN)
    complete(tmp_path, rolled_back, Redactor(), diagnostics=diagnostics)
    found = {one["fullName"]: one.get("attachments", []) for _path, one in results(tmp_path)}
    texts = {key: [(tmp_path / one["source"]).read_text() for one in rows] for key, rows in found.items()}
    assert texts[about] == ["started with mongodb://[cut]@data/vox", "● failed"]
    assert [one["name"] for one in found[about]] == ["journal", "status"]
    assert (texts[other], texts[after]) == ([], ["○"])


def test_what_a_release_brings_is_a_plain_text_of_its_deploy(told: RunOutcome, tmp_path: Path) -> None:
    """Markup in a subject stays text: it is in no description, and no HTML is made of it."""
    first = told.services[0]
    assert first.content
    evil = replace(first.content.brought.shown[0], subject="<img src=x onerror=alert(1)>", author="JWT_SECRET=canary")
    content = replace(first.content, brought=replace(first.content.brought, shown=(evil,)))
    written(tmp_path, replace(told, services=(replace(first, content=content), *told.services[1:])))
    found = {one["fullName"]: one for _path, one in results(tmp_path)}
    deploy = found["deploy:backend"]
    (paper,) = deploy["attachments"]
    assert (paper["name"], paper["type"]) == ("what is in it", "text/plain")
    text = (tmp_path / paper["source"]).read_text()
    assert text.startswith("53 commits, 23 files, 2 packages")
    assert "000000000000 <img src=x onerror=alert(1)> (JWT_SECRET=[cut]" in text
    assert "canary" not in text
    assert deploy["description"].endswith(". It brings: 53 commits, 23 files, 2 packages, new in .env.example: LOG_LEVEL")
    assert "<img" not in json.dumps({key: value for key, value in deploy.items() if key != "attachments"})


def test_surroundings_say_who_served_who_ran_it_and_what_changed(told: RunOutcome, tmp_path: Path) -> None:
    written(tmp_path, told)
    said = properties(tmp_path)
    assert (said["how"], said["by"], said["build"]) == ("deploy and rollback", told.by, told.build)
    assert said["fleet served"] == "5 of 6 workers served at the lowest, 1 call cut"
    assert said["fleet served on the way back"] == "4 of 6 workers served at the lowest, 0 calls cut"
    assert said["nobody dialled"].startswith("sip-1 voxdialler.service: 6.2 s; ")
    assert said["since"].startswith("2026-11-22T08-00-00Z-lab-11aa (look, violated): 1 no longer holds")
