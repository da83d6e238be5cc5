"""What voxgate costs, counted and not timed: modules that a start imports, files that a judged test writes, bytes of a question.
Each limit is what it was when it was last looked at: it may be lowered, and what raises one has to be worth it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.quick import ROOT
from voxgate.contracts.estates import load_estate
from voxgate.survey.collect import request_of

MODULES = 835
"""Modules that an estate's run imports besides pytest's own."""

FILES = 2.0
"""Files of a run's folder for each judged test."""

OF_A_RUN = 20
"""Files of a run's folder that are there however many tests there are."""

ASKED = 2048
"""Bytes of a question to a probe, on the largest host of the lab."""


def imported(module: str) -> set[str]:
    """What importing a module brings that pytest had not brought."""
    code = f"import pytest, sys; had = set(sys.modules); import {module}; print(*set(sys.modules) - had)"
    return set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())


def test_every_pytest_imports_nothing_but_the_options() -> None:
    found = imported("voxgate.plugin.entry")
    assert {name for name in found if not name.startswith("voxgate")} <= sys.stdlib_module_names
    assert len(found) <= 10, found


def test_a_run_about_an_estate_imports_so_many_modules_and_no_more() -> None:
    assert len(imported("voxgate.plugin.hooks")) <= MODULES


def test_what_libraries_bring_for_others_is_left_out() -> None:
    """Of paramiko what runs a command of its configuration's, of httpx its own command line."""
    found = {name.partition(".")[0] for name in imported("voxgate.plugin.hooks")}
    assert {"paramiko", "httpx"} <= found
    assert not found & {"invoke", "click"}


def test_a_judged_test_writes_so_many_files_and_no_more(tmp_path: Path) -> None:
    evidence = ["--evidence", "tests/unit/evidence", "--reports", str(tmp_path), "--html", "never", "-q", "-m", "dialler"]
    argv = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *evidence]
    said = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
    folder = tmp_path / "latest"
    counts = json.loads((folder / "verdict.json").read_text())["counts"]
    judged = sum(number for verdict, number in counts.items() if verdict != "missing")
    assert judged > 20, said.stdout
    assert len([path for path in folder.resolve().rglob("*") if path.is_file()]) <= FILES * judged + OF_A_RUN


def test_a_question_to_a_probe_is_short() -> None:
    estate = load_estate("lab")
    assert max(len(request_of(estate, host)) for host in estate.hosts) <= ASKED
