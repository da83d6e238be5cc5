"""A saved look is judged on the way of a deploy without a pytest: it says the same, and leaves to pytest what is pytest's."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import warnings
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from voxgate.contracts.catalogue import read_catalogue
from voxgate.contracts.estates import FOLDER, load_estate
from voxgate.errors import ContractError, VoxgateError
from voxgate.model.invariant import Per, expected
from voxgate.model.verdict import Judgement, RunOutcome, Verdict
from voxgate.plugin import rejudging, without_pytest
from voxgate.plugin.rejudging import judge_saved
from voxgate.plugin.session import Session, read_recorded
from voxgate.plugin.without_pytest import NEEDS_PYTEST
from voxgate.survey.saving import load

SAVED = Path(__file__).resolve().parent / "evidence"
WORK = dict.fromkeys(("service", "host", "by", "since", "run", "build", "doing"), "x") | {"moves": True}


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    return shutil.copytree(SAVED, tmp_path / "evidence-before")


def told(outcome: RunOutcome) -> dict[str, Judgement]:
    """What was judged, without how long it took."""
    return {one.id: Judgement(**{name: getattr(one, name) for name in FIELDS}) for one in outcome.judgements}


FIELDS = ("id", "invariant", "sentence", "reason", "verdict", "service", "host", "found", "advice", "waivers")


def waiving(saved: Path, folder: Path) -> Path:
    """The file of an estate that accepts in writing what boot starts on fleet-1."""
    page = saved / "second/hosts/fleet-1.json"
    document = json.loads(page.read_text("utf-8"))
    starts = {"by": "/by", "at_boot": True, "foreign": ["/etc/systemd/system/agent.service"]}
    document["sections"]["boot"]["value"]["services"]["agent.service"] = starts
    page.write_text(json.dumps(document))
    file = folder / "lab.toml"
    entry = (
        "\n[[waived]]\nrule = 'boot-starts-only-what-is-known'\nsubject = 'fleet-1'\nreason = 'it goes in spring'\nby = 'ops'\n"
        "found = 'agent.service starts at the next boot, by /by, and /etc/systemd/system/agent.service came with no package'\n"
        f"until = {datetime.now(UTC).date() + timedelta(days=30)}\n"
    )
    file.write_text((FOLDER / "lab.toml").read_text("utf-8") + entry)
    return file


@pytest.mark.parametrize("part", [None, frozenset({"fleet-1"})], ids=["whole", "part"])
def test_both_ways_say_the_same(
    saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: frozenset[str] | None
) -> None:
    """Of a look with good, violated and blind ones: each id, verdict, finding and hint, and what is missing."""
    page = saved / "second/hosts/fleet-1.json"
    document = json.loads(page.read_text("utf-8"))
    document["sections"]["clock"] = {"seconds": 0.0, "error": {"kind": "denied", "text": "nobody may look"}}
    document["sections"]["units"]["value"]["voxcore@1.service"]["properties"]["ActiveState"] = "failed"
    page.write_text(json.dumps(document))
    session = Session(load_estate(str(waiving(saved, tmp_path))), None)
    plainly = judge_saved(saved, session, tmp_path / "plainly", part=part)
    monkeypatch.setattr(rejudging, "_without_pytest", lambda *_: ["sh", "-c", f"exit {NEEDS_PYTEST}"])
    by_pytest = judge_saved(saved, session, tmp_path / "by-pytest", part=part)
    assert told(plainly) == told(by_pytest)
    assert {one.verdict for one in plainly.judgements} == set(Verdict)
    assert (plainly.verdict, plainly.missing, plainly.partial, plainly.summary) == (
        *(by_pytest.verdict, by_pytest.missing, by_pytest.partial, by_pytest.summary),
    )


def test_a_warning_in_a_rule_is_blind_as_in_pytest(monkeypatch: pytest.MonkeyPatch) -> None:
    def warns(estate: object) -> None:
        warnings.warn("old", DeprecationWarning, stacklevel=1)

    monkeypatch.setattr(without_pytest, "_function", lambda _: warns)
    estate = load_estate("lab")
    rule = next(one for one in expected(read_catalogue(), estate, (), deploying=frozenset()) if one.invariant.per is Per.ESTATE)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # as in a process without pytest
        judged = without_pytest.judge(rule, estate, load(SAVED))
    assert judged is not None
    assert (judged.verdict, judged.found) == (Verdict.BLIND, "could not be judged: DeprecationWarning: old")


def test_without_assertions_nothing_is_judged(saved: Path, tmp_path: Path) -> None:
    argv = [sys.executable, "-O", "-m", without_pytest.MODULE, str(saved), str(tmp_path / "verdict.json"), "lab", "2026-11-28"]
    assert subprocess.run(argv, check=False, timeout=60).returncode == NEEDS_PYTEST
    assert not (tmp_path / "verdict.json").exists()


def test_a_team_s_own_checks_are_judged_too(saved: Path, tmp_path: Path) -> None:
    """Nobody but pytest can run them."""
    project = tmp_path / "project"
    shutil.copytree(Path(__file__).resolve().parents[2] / "hosts", project / "hosts")
    (project / "suites").mkdir()
    (project / "suites/test_ours.py").write_text(
        "def test_nothing_is_right(estate):\n    assert estate.name == 'x', 'it is not'\n"
    )
    outcome = judge_saved(saved, Session(load_estate("lab"), None, root=project), tmp_path / "reports")
    ours = next(one for one in outcome.judgements if one.invariant == "test_ours.py::test_nothing_is_right")
    assert (ours.verdict, ours.found) == (Verdict.VIOLATED, "it is not; assert estate.name == 'x'")


def test_what_happened_beside_another_gate_is_left_to_pytest(saved: Path, tmp_path: Path) -> None:
    """It knows what of a look was in movement."""
    (saved / "works.json").write_text(json.dumps({"format": 1, "works": [WORK | {"service": "fleet", "host": "fleet-1"}]}))
    outcome = judge_saved(saved, Session(load_estate("lab"), None), tmp_path / "reports")
    assert outcome.at_work


def test_a_folder_that_is_no_look_is_said_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(VoxgateError) as caught:
        judge_saved(tmp_path / "nothing", Session(load_estate("lab"), None), tmp_path / "reports")
    assert caught.value.line.startswith("a saved look could not be judged: ")
    assert caught.value.line.endswith(
        f"; {tmp_path}/nothing/first/look.json: this is no saved evidence: No such file or directory"
    )


FULL = {
    "estate": "lab",
    "part": ["api-1"],
    "joined": ["why"],
    "day": "2026-11-30",
    "services": ["fleet"],
    "reached": 2,
    "failure": {"what": "a", "where": "b", "why": "c", "hint": "d"},
    "capacity": {"most": 1, "samples": [{"at": 0.5, "serving": ["a"], "down": [], "unknown": []}], "calls_cut": 0, "began": 1.0},
    "moves": [
        {"service": "fleet", "host": "fleet-1", "move": "fetch", "started": 1.0, "seconds": 2.0, "detail": "", "error": "",
         "hint": "", "rollback": False}
    ],
}  # fmt: skip


@pytest.mark.parametrize("value", [5, -1, 1e300, 1e999, "x", "2026-13-01", [[]], [1], [{}], {"a": 1}], ids=repr)
@pytest.mark.parametrize("key", [key for key in FULL if key != "estate"])
def test_what_is_no_record_of_a_deploy_is_said_in_one_line(tmp_path: Path, key: str, value: object) -> None:
    """Who gives a run's folder to be judged again, or verified, wrote it. Whatever stands there, it is read or it is a line."""
    path = tmp_path / "run.json"
    path.write_text(json.dumps(FULL))
    found = read_recorded(tmp_path)
    assert (found.services, found.reached, found.part) == (frozenset({"fleet"}), 2, frozenset({"api-1"}))
    assert (found.moves[0].move, found.capacity.samples[0].serving, str(found.day)) == ("fetch", ("a",), "2026-11-30")
    assert found.failure is not None
    assert found.failure.line == "b: a: c"
    path.write_text(json.dumps({**FULL, key: value}))
    if key == "reached" and value in (5, -1):
        assert read_recorded(tmp_path).reached == value
        return
    with pytest.raises(ContractError) as caught:
        read_recorded(tmp_path)
    assert caught.value.where == str(path)


@pytest.mark.parametrize("place", ["moves", "samples", "began"])
def test_a_deploy_of_a_moment_that_no_calendar_has_is_said_in_one_line(tmp_path: Path, place: str) -> None:
    document = json.loads(json.dumps(FULL))
    if place == "moves":
        document["moves"][0]["started"] = 1e300
    elif place == "samples":
        document["capacity"]["samples"][0]["at"] = 1e300
    else:
        document["capacity"]["began"] = -1e300
    (tmp_path / "run.json").write_text(json.dumps(document))
    with pytest.raises(ContractError, match="a moment that no calendar has"):
        read_recorded(tmp_path)
