"""Allure while tests run: pytest, allure-pytest and xdist as they are, our sink between them and the files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from allure_commons import model2
from allure_commons.reporter import AllureReporter

from voxgate.model.estate import Estate
from voxgate.model.invariant import Expected, Invariant, Per, Subject
from voxgate.report.allure.files import label_of, results
from voxgate.report.allure.sink import CONTRACTS, card_for, history_id, quicken

CONFTEST = """
import pytest
from voxgate.model.verdict import Verdict
from voxgate.report.allure.sink import Card, attach_facts, install, label_item, state_finding
from voxgate.report.junit import scrub
from voxgate.redaction.cutting import Redactor

REDACTOR = Redactor(["canary-exact"])

@pytest.hookimpl(tryfirst=True)
def pytest_configure(config):
    config.add_cleanup(install(REDACTOR))

@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item):
    if "ours" not in item.name:
        name = item.originalname.removeprefix("test_").replace("_", "-")
        subject = item.callspec.id if hasattr(item, "callspec") else ""
        label_item(Card(
            id=f"{name}[{subject}]" if subject else name, title=f"{name} · {subject}", reason="Because canary-exact.",
            suites=("lab", "fleet", "fleet-1"), target="fleet-1", tags=("fleet",), links=(("vox-agents@0a1b", "https://b/c"),),
        ))
    return (yield)

@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if call.excinfo is not None and "ours" not in item.name and call.excinfo.typename != "Skipped":
        violated = isinstance(call.excinfo.value, AssertionError) and report.when == "call"
        state_finding(Verdict.VIOLATED if violated else Verdict.BLIND, str(call.excinfo.value).splitlines()[0], "mend it")
    scrub(report, REDACTOR)
    return report

@pytest.fixture(scope="session")
def estate():
    return "lab"

@pytest.fixture
def broken():
    raise RuntimeError("no way: mongodb://u:canary-url@h/d")

@pytest.fixture
def facts():
    return attach_facts
"""

SUITE = """
import os, pytest

@pytest.mark.parametrize("value", [("password=canary-param",), ("x",)], ids=["fleet-1-voxcore@1", "fleet-1-voxcore@2"])
def test_holds(value, estate, facts):
    print("JWT_SECRET=canary-stdout")
    facts("unit", {"active": "active/running", "env": {"S3_SECRET_KEY": "canary-fact"}})

def test_is_violated(estate):
    token = "canary-exact"
    assert token == "x", "found Authorization: Bearer canary-bearer where nothing must be"

def test_is_blind(broken):
    pass

def test_raises():
    raise KeyError("api_key='canary-key'")

@pytest.mark.skip(reason="canary-exact")
def test_is_skipped():
    pass

def test_ours(estate):
    assert "canary-exact" == "x"

def test_crashes():
    if os.environ.get("PYTEST_XDIST_WORKER"):
        os._exit(3)
"""


def run_suite(folder: Path, *flags: str) -> tuple[dict[str, dict[str, Any]], subprocess.CompletedProcess[str]]:
    """The suite in a pytest of its own; its results by name."""
    (folder / "conftest.py").write_text(CONFTEST)
    (folder / "test_suite.py").write_text(SUITE)
    argv = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:testinfra", "--alluredir=out", *flags]
    outer = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    env = {**outer, "PYTHONPATH": str(Path(__file__).parents[3])}
    ended = subprocess.run(argv, cwd=folder, env=env, capture_output=True, text=True, timeout=120, check=False)
    return {result["fullName"]: result for _path, result in results(folder / "out")}, ended


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, dict[str, Any]], Path, str]:
    folder = tmp_path_factory.mktemp("sink")
    found, ended = run_suite(folder, "-vv", "--showlocals", "--junitxml=junit.xml")
    assert ended.returncode == 1, ended.stdout + ended.stderr
    return found, folder, ended.stdout


def test_results_go_by_their_logical_id(ran: tuple[dict[str, dict[str, Any]], Path, str]) -> None:
    found, _folder, _said = ran
    one = found["holds[fleet-1-voxcore@1]"]
    assert one["status"] == "passed"
    assert one["name"] == "holds · fleet-1-voxcore@1"
    assert one["historyId"] == one["testCaseId"] == history_id("holds[fleet-1-voxcore@1]")
    assert "parameters" not in one, "parametrize values are noise, and may be secrets"
    assert one["description"] == "Because [cut]."
    assert one["titlePath"] == ["fleet", "fleet-1"]


def test_labels_say_where_the_finding_is(ran: tuple[dict[str, dict[str, Any]], Path, str]) -> None:
    one = ran[0]["holds[fleet-1-voxcore@1]"]
    said = {label["name"]: label["value"] for label in one["labels"]}
    assert said["parentSuite"] == said["epic"] == "lab"
    assert (said["suite"], said["subSuite"], said["target"], said["tag"]) == ("fleet", "fleet-1", "fleet-1", "fleet")
    assert not {"host", "thread", "package"} & set(said)
    assert not [name for name in said if name.startswith("voxgate.")]
    assert one["links"] == [{"type": "link", "url": "https://b/c", "name": "vox-agents@0a1b"}]


@pytest.mark.parametrize(
    ("name", "status"), [("is-violated", "failed"), ("is-blind", "broken"), ("raises", "broken"), ("is-skipped", "skipped")]
)
def test_status_follows_the_verdict(ran: tuple[dict[str, dict[str, Any]], Path, str], name: str, status: str) -> None:
    one = ran[0][name]
    assert one["status"] == status
    assert status == "skipped" or one["statusDetails"]["message"].endswith("\n→ mend it")


def test_a_teams_own_test_stays_as_it_is(ran: tuple[dict[str, dict[str, Any]], Path, str]) -> None:
    assert ran[0]["test_suite#test_ours"]["status"] == "failed"


def test_only_fixtures_that_tell_something_are_kept(ran: tuple[dict[str, dict[str, Any]], Path, str]) -> None:
    _found, folder, _said = ran
    containers = [json.loads(path.read_bytes()) for path in (folder / "out").glob("*-container.json")]
    assert [before["name"] for one in containers for before in one["befores"]] == ["broken"]


def test_facts_are_attached(ran: tuple[dict[str, dict[str, Any]], Path, str]) -> None:
    found, folder, _said = ran
    attachment = next(one for one in found["holds[fleet-1-voxcore@1]"]["attachments"] if one["name"] == "unit")
    body = json.loads((folder / "out" / attachment["source"]).read_bytes())
    assert body == {"active": "active/running", "env": {"S3_SECRET_KEY": "[cut]"}}


def test_no_canary_anywhere(ran: tuple[dict[str, dict[str, Any]], Path, str]) -> None:
    _found, folder, said = ran
    files = [*(folder / "out").iterdir(), folder / "junit.xml"]
    assert len(files) > 8
    for path in files:
        assert b"canary" not in path.read_bytes(), path.name
    assert "canary-url" not in said, "the terminal reads the same reports"
    assert "canary-bearer" not in said


def test_the_same_with_workers_and_a_crash(tmp_path: Path) -> None:
    found, ended = run_suite(tmp_path, "-n2", "--max-worker-restart=0", "--clean-alluredir")
    assert ended.returncode != 0
    assert "crashes" not in found, "a test that took its worker down leaves no result: the controller writes one"
    assert found["is-violated"]["status"] == "failed"
    assert len(found) >= 3


def test_cards_of_the_catalogue(estate: Estate) -> None:
    rule = Invariant("unit-is-active", "test_units.py", "Why.", Per.UNIT, marks=("release",), severity="blocker")
    unit = next(unit for unit in estate.placed_units if unit.host.name == "fleet-1")
    card = card_for(Expected(rule, Subject(unit.id, unit, "fleet", "fleet-1")), estate, "a" * 40)
    assert card.id == "unit-is-active[fleet-1-voxcore@1]"
    assert card.title == "unit is active · fleet-1-voxcore@1"
    assert card.suites == ("lab", "fleet", "fleet-1")
    assert card.tags == ("release", "fleet")
    assert card.links == (("vox-agents@aaaaaaaaaaaa", f"https://bitbucket.org/oriserve1/vox-agents/commits/{'a' * 40}"),)
    schema = Invariant("schema-is-valid", "test_contracts.py", "Why.", Per.SCHEMA, marks=("contract",))
    assert card_for(Expected(schema, Subject("verdict", "verdict")), None).suites == (CONTRACTS, CONTRACTS, "verdict")


def test_label_of_a_result_without_labels() -> None:
    assert label_of({}, "suite") == ""


class Listener:
    """As much of allure-pytest's as is asked for: what it reports to."""

    def __init__(self) -> None:
        self.allure_logger: Any = AllureReporter()  # type: ignore[no-untyped-call]


def test_a_fixture_finds_a_test_at_once_among_all_that_share_it() -> None:
    """allure-pytest asks for each test of each fixture whether it is known: in a list, that is by their square."""
    listener = Listener()
    listener.allure_logger.start_group("fixture", model2.TestResultContainer(uuid="fixture"))
    quicken(listener)
    children = listener.allure_logger.get_item("fixture").children
    for number in range(3):
        listener.allure_logger.update_group("fixture", children=f"test-{number}")
        quicken(listener)
    assert listener.allure_logger.get_item("fixture").children is children
    assert children == ["test-0", "test-1", "test-2"]
    assert "test-1" in children
    assert "test-3" not in children
    quicken(None)  # a run without Allure
