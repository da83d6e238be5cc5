"""A run beside the one before: verdicts that were really written, of several kinds, formats and fates."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from voxgate.model.run_facts import Compared, How, Like, Roll
from voxgate.model.verdict import Judgement, RunOutcome, RunVerdict, Verdict
from voxgate.redaction.cutting import Redactor
from voxgate.report.told import since_words
from voxgate.report.verdict import verdict_file
from voxgate.report.verdict.compared import compared

NOW = "2026-11-22T12-00-00Z-lab-3fa2"


def run_at(hour: int, estate: str = "lab") -> str:
    return f"2026-11-22T{hour:02}-00-00Z-{estate}-3fa2"


def judged(done: RunOutcome, *bad: int, verdict: Verdict = Verdict.VIOLATED) -> tuple[Judgement, ...]:
    """All judgements, those of these numbers not as they must be."""
    rows = enumerate(done.judgements)
    return tuple(replace(one, verdict=verdict, found="x") if number in bad else one for number, one in rows)


def kept(root: Path, outcome: RunOutcome, run: str) -> None:
    folder = root / run
    folder.mkdir()
    verdict_file.write(replace(outcome, run=run), folder / "verdict.json", Redactor())


@pytest.fixture
def look(told: RunOutcome) -> RunOutcome:
    """A whole look that holds."""
    return replace(
        told, deploy=False, how=How.LOOK, verdict=RunVerdict.HOLDS, moves=(), rolled=None, rolled_back=None, seconds=4.0
    )


def test_red_and_green_are_those_of_the_last_whole_run_and_seconds_those_of_the_last_of_its_kind(
    told: RunOutcome, look: RunOutcome, tmp_path: Path
) -> None:
    ids = [one.id for one in told.judgements]
    kept(tmp_path, replace(told, how=How.DEPLOY, rolled=Roll(6, 6)), run_at(8))
    violated = replace(look, verdict=RunVerdict.VIOLATED, exit_status=1)
    settings = tuple(replace(one, settings=("OLD", "REDIS_URL")) for one in look.services)
    kept(tmp_path, replace(violated, judgements=judged(told, 1, 2), services=settings), run_at(9))
    # None of these counts: a part, a refusal, another estate's, one that cannot be read, none of a run's, one that is later.
    kept(tmp_path, replace(look, partial=True), run_at(10))
    refused = replace(look, verdict=RunVerdict.REFUSED, exit_status=10, judgements=())
    kept(tmp_path, refused, run_at(10).replace("3fa2", "3fa3"))
    kept(tmp_path, look, run_at(10, "lab-2"))
    kept(tmp_path, look, run_at(11))
    (tmp_path / run_at(11) / "verdict.json").write_text('{\n  "partial": false,\n  "format": 7,\n')
    kept(tmp_path, look, run_at(13))
    (tmp_path / "latest").symlink_to(run_at(13))
    now = replace(told, run=NOW, how=How.ROLLBACK, judgements=judged(told, 2, 3), rolled=Roll(6, 5))
    found = compared(now, tmp_path)
    changed = tuple((one.service, (), ("OLD",)) for one in told.services)
    like = Like(run_at(8), told.seconds, Roll(6, 6))
    assert found == Compared(run_at(9), How.LOOK, "violated", (ids[3],), (ids[1],), changed, like)
    said = since_words(replace(now, compared=found))
    assert said.startswith(f"{run_at(9)} (look, violated): 1 no longer holds; 1 holds again; backend no longer requires OLD; ")
    assert said.endswith("; 5 of 6 workers, before 6 of 6 workers")


def test_what_is_as_it_was_is_not_said(look: RunOutcome, tmp_path: Path) -> None:
    kept(tmp_path, look, run_at(9))
    now = replace(look, run=NOW, seconds=look.seconds + 4.9)
    found = compared(now, tmp_path)
    assert found == Compared(run_at(9), How.LOOK, "holds", like=Like(run_at(9), look.seconds))
    assert since_words(replace(now, compared=found)) == ""
    slow = replace(now, seconds=look.seconds + 5.1, compared=found)
    assert since_words(slow) == f"{run_at(9)} (look, holds): 9 s, the last of its kind 4 s"


def test_what_was_put_back_counts_as_it_was_in_the_end(told: RunOutcome, look: RunOutcome, tmp_path: Path) -> None:
    """The release that was tried broke a rule; it went back, and holds: that it does so now is no news."""
    back = replace(told, verdict=RunVerdict.ROLLED_BACK, exit_status=11, judgements=judged(told, 1), rollback=told.judgements)
    kept(tmp_path, replace(back, rollback_verdict=RunVerdict.HOLDS), run_at(9))
    found = compared(replace(look, run=NOW), tmp_path)
    assert found
    assert (found.red, found.green, found.verdict) == ((), (), "rolled back")
    kept(tmp_path, look, run_at(10))
    now = compared(replace(back, run=NOW, rollback_verdict=RunVerdict.HOLDS), tmp_path)
    assert now
    assert now.red == (), "in the end all holds, as it did before"


def test_a_deploy_of_other_services_is_another_kind(told: RunOutcome, look: RunOutcome, tmp_path: Path) -> None:
    kept(tmp_path, told, run_at(8))
    one = replace(told.services[0], tried=None)
    now = compared(replace(told, run=NOW, services=(one, *told.services[1:])), tmp_path)
    assert now
    assert now.like is None
    part = compared(replace(look, run=NOW, partial=True), tmp_path)
    assert part
    assert part.like is None


def test_what_is_waived_is_green_and_what_only_moves_is_no_news(look: RunOutcome, tmp_path: Path) -> None:
    kept(tmp_path, look, run_at(9))
    blind = judged(look, 4, verdict=Verdict.BLIND)
    now = replace(look, run=NOW, judgements=blind, moving=(blind[4].id,), verdict=RunVerdict.BLIND, exit_status=7)
    found = compared(now, tmp_path)
    assert found
    assert found.red == ()
    seen = compared(replace(now, moving=()), tmp_path)
    assert seen
    assert seen.red == (blind[4].id,)


def test_a_rule_that_was_not_judged_then_is_newly_red(look: RunOutcome, tmp_path: Path) -> None:
    kept(tmp_path, replace(look, judgements=look.judgements[1:]), run_at(9))
    now = replace(look, run=NOW, judgements=judged(look, 0), verdict=RunVerdict.VIOLATED, exit_status=1)
    found = compared(now, tmp_path)
    assert found
    assert found.red == (look.judgements[0].id,)


def test_runs_of_earlier_formats_are_compared_too(told: RunOutcome, look: RunOutcome, tmp_path: Path) -> None:
    kept(tmp_path, replace(told, compared=None), run_at(8))
    path = tmp_path / run_at(8) / "verdict.json"
    content = json.loads(path.read_text()) | {"format": 5}
    for name in ("ended", "how", "by", "build", "fleet", "gaps", "compared"):
        del content[name]
    for service in content["services"]:
        del service["content"], service["required_settings"]
    path.write_text(json.dumps(content, indent=2))
    found = compared(replace(told, run=NOW), tmp_path)
    assert found == Compared(run_at(8), How.DEPLOY, "done", like=Like(run_at(8), told.seconds))
    kept(tmp_path, look, run_at(9))
    newer = compared(replace(told, run=NOW), tmp_path)
    assert newer
    assert (newer.run, newer.like and newer.like.run) == (run_at(9), run_at(8))


@pytest.mark.parametrize(
    "inside", [b"", b"\xff", b'{"partial": false}', b'{\n  "partial": false,\n  "how": "no way",\n}', b"[" * 99]
)
def test_whatever_lies_there_stops_no_run(look: RunOutcome, tmp_path: Path, inside: bytes) -> None:
    (tmp_path / run_at(9)).mkdir()
    (tmp_path / run_at(9) / "verdict.json").write_bytes(inside)
    assert compared(replace(look, run=NOW), tmp_path) is None
    assert compared(replace(look, run=NOW), tmp_path / "nothing") is None
    assert compared(replace(look, run=NOW, judgements=()), tmp_path) is None
