"""``--help`` and ``-q``: the first things that anybody tries."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from voxgate.model.verdict import MoveRecord, RunOutcome, RunVerdict
from voxgate.report.terminal.closing import closing
from voxgate.report.terminal.progress import Progress

ROOT = Path(__file__).resolve().parents[2]
OUTCOME = RunOutcome("r", "lab", RunVerdict.HOLDS, 0, 1.0, 2.0, deploy=False, partial=False, summary="all hold")
MOVE = MoveRecord("backend", "api-1", "restart", 1.0, 2.0)


@pytest.fixture(scope="module")
def helped() -> str:
    """What ``pytest --help`` prints."""
    argv = [sys.executable, "-m", "pytest", "--help"]
    return subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60).stdout


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["--max-unavailable", "0"], "'0' is not a whole number of workers"),
        (["--max-unavailable=-1"], "'-1' is not a whole number of workers"),
        (["--max-unavailable", "two"], "'two' is not a whole number of workers"),
        (["--drain", "nan"], "'nan' is not a number of seconds"),
    ],
)
def test_a_number_that_cannot_be_meant_is_refused(argv: list[str], said: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", *argv], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )
    assert (ended.returncode, said in ended.stderr) == (4, True), ended.stderr


def test_without_assertions_nothing_is_judged() -> None:
    argv = [sys.executable, "-O", "-m", "pytest", "-W", "ignore", "--estate", "lab"]
    ended = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode == 10
    assert "nothing can be judged without assertions" in ended.stdout + ended.stderr


def test_options_are_grouped_and_each_is_explained(helped: str) -> None:
    source = (ROOT / "voxgate" / "plugin" / "options.py").read_text()
    options = re.findall(r'addoption\(\s*"(--[a-z-]+)"', source)
    assert len(options) > 15
    where = [helped.index(f"voxgate, {group}") for group in ("looking", "deploying", "reporting")]
    assert where == sorted(where)
    for option in options:
        assert re.search(rf"^  {option}\b", helped, re.MULTILINE), option


def test_every_example_names_options_that_exist(helped: str) -> None:
    examples = re.findall(r"^  pytest (-.*)$", helped, re.MULTILINE)
    assert len(examples) >= 8
    known = set(re.findall(r"(?<![\w-])--?[a-zA-Z][a-z-]*", re.sub(r"^  pytest .*$", "", helped, flags=re.MULTILINE))) | {"-n"}
    for example in examples:
        for option in re.findall(r"(?<![\w-])--?[a-zA-Z][a-z-]*", example.partition("   ")[0]):
            assert option in known | {"-vv"}, (option, example)


def test_the_other_door_explains_itself_too() -> None:
    argv = [sys.executable, "-m", "voxgate.cli.main", "--help"]
    said = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60).stdout
    for command in ("attach", "watch", "merge", "examples:"):
        assert command in said


def test_quiet_says_what_does_not_hold_and_the_verdict() -> None:
    def said(*, brief: bool, outcome: RunOutcome = OUTCOME) -> str:
        stream = io.StringIO()
        closing(outcome, console=Console(file=stream, width=100), report_path=Path("/r"), brief=brief, full=not brief)
        return stream.getvalue()

    failed = replace(OUTCOME, moves=(MOVE, replace(MOVE, host="api-2", error="exit 1")))
    assert "api-1" in said(brief=False, outcome=failed)
    assert "api-1" not in said(brief=True, outcome=failed)
    assert "api-2" in said(brief=True, outcome=failed)
    assert "HOLDS" in said(brief=True)


def test_quiet_progress_says_only_what_failed() -> None:
    stream = io.StringIO()
    with Progress(Console(file=stream, width=100), brief=True) as progress:
        progress.end(MOVE)
        progress.end(replace(MOVE, error="exit 1"))
    assert stream.getvalue().count("restart") == 1
