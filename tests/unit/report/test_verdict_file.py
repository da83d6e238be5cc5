"""verdict.json: by its schema, whole or not at all, and the same when it is read again."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from voxgate.contracts import schemas
from voxgate.errors import ContractError
from voxgate.model.content import Commits, Packages
from voxgate.model.run_facts import How
from voxgate.model.verdict import Judgement, Ran, RunOutcome, RunVerdict, Verdict
from voxgate.redaction.cutting import Redactor
from voxgate.report.verdict import verdict_file

PLAIN = Redactor()


@pytest.mark.parametrize("name", ["done", "rolled_back", "looked", "told"])
def test_a_run_reads_back_as_it_was(name: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    outcome: RunOutcome = request.getfixturevalue(name)
    path = tmp_path / "verdict.json"
    verdict_file.write(outcome, path, PLAIN)
    read = verdict_file.read(path)
    assert read.judgements == outcome.judgements
    assert (read.verdict, read.exit_status, read.services) == (outcome.verdict, outcome.exit_status, outcome.services)
    assert [move.error for move in read.moves] == [move.error for move in outcome.moves]
    assert read == verdict_file.cut(read, PLAIN), "writing what was read changes nothing"
    assert [file.name for file in tmp_path.iterdir()] == ["verdict.json"], "no half-written file stays"


def test_the_examples_of_the_schema_keep_it() -> None:
    for example in schemas.schema("verdict")["examples"]:
        assert schemas.faults("verdict", example) == ()


def test_counts_are_those_of_the_judgements(rolled_back: RunOutcome) -> None:
    counts = verdict_file.document(rolled_back, PLAIN)["counts"]
    assert counts == {"holds": 79, "violated": 2, "blind": 1, "waived": 0, "missing": 1}


def test_a_verdict_without_words_still_gets_written(looked: RunOutcome, tmp_path: Path) -> None:
    silent = replace(looked.judgements[0], verdict=Verdict.BLIND, found="", advice="")
    blind = replace(looked, judgements=(silent,), verdict=RunVerdict.BLIND, exit_status=1)
    verdict_file.write(blind, tmp_path / "verdict.json", PLAIN)
    assert verdict_file.read(tmp_path / "verdict.json").judgements[0].found == "(nothing was said)"


def test_a_refused_run_with_a_bad_tag_gets_written(looked: RunOutcome, tmp_path: Path) -> None:
    service = replace(looked.services[0], tried=Ran("x; reboot"))
    refused = replace(looked, verdict=RunVerdict.REFUSED, exit_status=10, services=(service,), judgements=())
    verdict_file.write(refused, tmp_path / "verdict.json", PLAIN)
    assert verdict_file.read(tmp_path / "verdict.json").services[0].tried == Ran("x; reboot")


def test_secrets_do_not_reach_it(looked: RunOutcome, tmp_path: Path) -> None:
    leaking = Judgement(
        id="x[y]",
        invariant="x",
        sentence="x",
        reason="why",
        verdict=Verdict.VIOLATED,
        found="mongodb://vox:canary-1@data/vox answered; JWT_SECRET=canary-2; given: canary-3",
    )
    path = tmp_path / "verdict.json"
    outcome = replace(looked, judgements=(leaking,), notes=("Authorization: Bearer canary-4",), summary="canary-3 failed")
    outcome = replace(outcome, verdict=RunVerdict.VIOLATED, exit_status=1)
    verdict_file.write(outcome, path, Redactor(["canary-3"]))
    assert "canary" not in path.read_text()


def test_what_the_gate_itself_named_is_cut_by_no_password_that_is_called_so(rolled_back: RunOutcome, tmp_path: Path) -> None:
    names = ("deploy", rolled_back.estate, "rolled back", "violated", "fleet-1", "verdict", "invariants", "voxgate", "backend")
    path = tmp_path / "verdict.json"
    verdict_file.write(rolled_back, path, Redactor.of({f"A{number}_TOKEN": name for number, name in enumerate(names)}))
    read = verdict_file.read(path)
    assert (read.verdict, read.estate, read.hosts) == (rolled_back.verdict, rolled_back.estate, rolled_back.hosts)
    assert [one.verdict for one in read.judgements] == [one.verdict for one in rolled_back.judgements]
    assert [one.host for one in read.judgements] == [one.host for one in rolled_back.judgements]


@pytest.mark.parametrize(
    ("change", "said"),
    [({"verdict": "fine"}, "fine"), ({"extra": 1}, "extra"), ({"started": "yesterday"}, "started"), ({"format": 1}, "7 was")],
)
def test_a_file_that_breaks_the_schema_is_refused(
    looked: RunOutcome, tmp_path: Path, change: dict[str, object], said: str
) -> None:
    path = tmp_path / "verdict.json"
    path.write_text(json.dumps({**verdict_file.document(looked, PLAIN), **change}))
    with pytest.raises(ContractError, match=said):
        verdict_file.read(path)


def test_a_file_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="cannot read the verdict"):
        verdict_file.read(tmp_path / "verdict.json")


def test_a_failed_write_leaves_the_old_file(looked: RunOutcome, tmp_path: Path) -> None:
    path = tmp_path / "verdict.json"
    verdict_file.write(looked, path, PLAIN)
    before = path.read_bytes()
    with pytest.raises(ContractError):
        verdict_file.write(replace(looked, run=""), path, PLAIN)
    assert path.read_bytes() == before


@pytest.mark.parametrize("verdict", list(RunVerdict))
@pytest.mark.parametrize("found", [Verdict.VIOLATED, Verdict.BLIND])
def test_a_green_verdict_beside_what_does_not_hold_is_neither_written_nor_read(
    looked: RunOutcome, tmp_path: Path, verdict: RunVerdict, found: Verdict
) -> None:
    green = verdict in {RunVerdict.HOLDS, RunVerdict.PARTIAL, RunVerdict.DONE}
    bad = replace(looked.judgements[0], verdict=found, found="haproxy is down")
    outcome = replace(looked, judgements=(bad, *looked.judgements[1:]), verdict=verdict, exit_status=0 if green else 1)
    path = tmp_path / "verdict.json"
    if not green:
        verdict_file.write(outcome, path, PLAIN)
        assert verdict_file.read(path).verdict is verdict
        with pytest.raises(ContractError, match="exit status 0"):
            verdict_file.write(replace(outcome, exit_status=0), path, PLAIN)
        return
    with pytest.raises(ContractError, match="contradicts itself"):
        verdict_file.write(outcome, path, PLAIN)
    path.write_text(json.dumps(verdict_file.document(outcome, PLAIN)))
    with pytest.raises(ContractError, match=r"contradicts itself.*does not hold"):
        verdict_file.read(path)


def test_what_was_let_stand_or_judged_again_is_no_contradiction(looked: RunOutcome) -> None:
    bad = replace(looked.judgements[0], verdict=Verdict.VIOLATED, found="haproxy is down")
    judgements = (bad, *looked.judgements[1:])
    allowed = replace(looked, judgements=judgements, verdict=RunVerdict.DONE, allowed=(bad.id,), reason="it is known")
    assert not allowed.contradiction
    assert replace(allowed, verdict=RunVerdict.HOLDS).contradiction
    mended = replace(
        looked, how=How.RECOVER, judgements=judgements, rollback=looked.judgements, rollback_verdict=RunVerdict.HOLDS
    )
    assert not mended.contradiction
    assert replace(mended, how=How.LOOK).contradiction, "a look mends nothing"
    assert replace(mended, verdict=RunVerdict.DONE).contradiction, "what is done was judged before it was"


def test_counts_that_are_not_those_of_the_judgements_are_refused(looked: RunOutcome, tmp_path: Path) -> None:
    content = verdict_file.document(looked, PLAIN)
    content["counts"]["violated"] = 1
    (tmp_path / "verdict.json").write_text(json.dumps(content))
    with pytest.raises(ContractError, match="does not count what it lists"):
        verdict_file.read(tmp_path / "verdict.json")


@pytest.mark.parametrize(
    ("verdict", "deployed", "came_from", "tried", "running"),
    [
        ("done", True, None, "new", "new"),
        ("rolled back", True, "old", "new", "old"),
        ("broken", True, "old", "new", None),
        ("holds", False, "old", None, "old"),
    ],
)
def test_the_format_before_is_still_read(
    done: RunOutcome,
    tmp_path: Path,
    verdict: str,
    *,
    deployed: bool,
    came_from: str | None,
    tried: str | None,
    running: str | None,
) -> None:
    """What it did not say is not known, and not guessed: what a deploy that was done came from, what runs after a broken one."""
    known = {None: None, "new": Ran("new", "a" * 40), "old": Ran("old", "b" * 40)}
    content = verdict_file.document(replace(done, judgements=(), moves=()), PLAIN)
    good = "new" if verdict == "done" else "old"
    asked = known["new"] if deployed else known["old"]
    row = {"service": "fleet", "hosts": ["fleet-1"], "deployed": deployed, **asdict(asked or Ran())}
    row["last_known_good"] = asdict(known[good] or Ran())
    content |= {"format": 4, "verdict": verdict, "exit_status": 0 if verdict in {"done", "holds"} else 11, "services": [row]}
    content["counts"] = dict.fromkeys(content["counts"], 0) | {"missing": len(content["missing"])}
    path = tmp_path / "verdict.json"
    path.write_text(json.dumps(content), "utf-8")
    (read,) = verdict_file.read(path).services
    assert (read.before, read.tried, read.running) == (known[came_from], known[tried], known[running])


def test_all_that_is_told_besides_is_read_again_as_it_was(told: RunOutcome, tmp_path: Path) -> None:
    path = tmp_path / "verdict.json"
    verdict_file.write(told, path, PLAIN)
    read = verdict_file.read(path)
    names = ("services", "how", "by", "build", "rolled", "rolled_back", "gaps", "compared")
    assert [getattr(read, name) for name in names] == [getattr(told, name) for name in names]
    assert (json.loads(path.read_text())["started"], json.loads(path.read_text())["ended"]) == (
        "2026-11-22T09:14:03.000Z",
        "2026-11-22T09:14:44.200Z",
    )


def test_a_repository_s_words_hold_no_secret_and_are_no_names_of_the_gate_s(told: RunOutcome, tmp_path: Path) -> None:
    """Subjects, authors and packages are cut; how the releases stand to each other is the gate's own word."""
    first = told.services[0]
    assert first.content
    commit = replace(first.content.brought.shown[0], subject="JWT_SECRET=canary-1", author="canary-2")
    package = replace(first.content.packages.shown[0], name="canary-2", now="canary-2")
    content = replace(first.content, brought=Commits(1, (commit,)), packages=Packages(1, (package,)), why="canary-2")
    path = tmp_path / "verdict.json"
    verdict_file.write(
        replace(told, services=(replace(first, content=content),)), path, Redactor(["canary-2", "forward", "deploy"])
    )
    assert "canary" not in path.read_text()
    read = verdict_file.read(path).services[0].content
    assert (read and read.way) == content.way


def test_format_five_is_still_read(told: RunOutcome, tmp_path: Path) -> None:
    """What it did not say is not known, and not guessed."""
    content = verdict_file.document(told, PLAIN) | {"format": 5}
    for name in ("ended", "how", "by", "build", "fleet", "gaps", "compared"):
        del content[name]
    for service in content["services"]:
        del service["content"], service["required_settings"]
    path = tmp_path / "verdict.json"
    path.write_text(json.dumps(content), "utf-8")
    bare = tuple(replace(one, content=None, settings=None) for one in told.services)
    known = replace(told, services=bare, how=How.DEPLOY, by="", build="", rolled=None, rolled_back=None, gaps=(), compared=None)
    assert verdict_file.read(path) == verdict_file.cut(known, PLAIN)


def test_format_six_is_still_read(told: RunOutcome, tmp_path: Path) -> None:
    """It told of the dialler alone for how long it was away."""
    known = replace(told, gaps=told.undialled)
    content = verdict_file.document(known, PLAIN) | {"format": 6}
    for gap in content["gaps"]:
        del gap["service"]
    path = tmp_path / "verdict.json"
    path.write_text(json.dumps(content), "utf-8")
    assert verdict_file.read(path) == verdict_file.cut(known, PLAIN)
    assert known.gaps


def test_more_names_than_are_told_are_refused(told: RunOutcome, tmp_path: Path) -> None:
    content = verdict_file.document(told, PLAIN)
    content["services"][0]["content"]["brought"]["shown"] *= 2
    (tmp_path / "verdict.json").write_text(json.dumps(content))
    with pytest.raises(ContractError, match=r"brought\.shown"):
        verdict_file.read(tmp_path / "verdict.json")
