"""The plugin as any other: there wherever pytest runs, silent where nobody asks for it, the same from every folder."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from voxgate.contracts.places import bundled, project, suites_of
from voxgate.plugin.entry import as_one_word
from voxgate.plugin.options import VALUED

ROOT = Path(__file__).resolve().parents[2]
SAVED = ROOT / "tests/unit/evidence"
FEW = ("--html", "never", "-p", "no:cacheprovider", "-k", "clock-is-right or clock_is_right")


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A saved look of the lab, in a folder that has nothing to do with the project."""
    return shutil.copytree(SAVED, tmp_path / "elsewhere/evidence")


def ran(cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Pytest as a person starts it in ``cwd``."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "VOXGATE_"))}
    argv = [sys.executable, "-m", "pytest", *arguments]
    return subprocess.run(argv, cwd=cwd, env=env, capture_output=True, text=True, timeout=300, check=False)


def verdict(reports: Path) -> dict[str, Any]:
    """What a run came to."""
    return dict(json.loads((reports / "latest/verdict.json").read_text("utf-8")))


@pytest.mark.parametrize("cwd", ["project", "elsewhere"])
def test_a_value_apart_is_no_path_to_collect(cwd: str, saved: Path, tmp_path: Path) -> None:
    """Also where pytest, which looks for its project before it knows the option, finds the folder that is named."""
    folder = {"project": ROOT, "elsewhere": tmp_path}[cwd]
    done = ran(folder, "--estate", "lab", "--evidence", str(saved), "--reports", str(tmp_path / "reports"), *FEW)
    assert done.returncode == 0, done.stdout + done.stderr
    said = verdict(tmp_path / "reports")
    assert (said["verdict"], said["estate"], len(said["invariants"])) == ("holds", "lab", 5)
    (age,) = said["notes"]
    assert age.startswith("a saved look, taken 2026-")
    assert age in done.stdout


def test_a_run_prints_no_line_for_each_file_unless_it_is_asked_to(saved: Path, tmp_path: Path) -> None:
    """Nor what Python it is and where: 20 of 60 lines would be pytest's own."""
    asked = ("--estate", "lab", "--evidence", str(saved), "--reports", str(tmp_path / "reports"), *FEW)
    short, long = (ran(ROOT, *asked, *more).stdout.splitlines() for more in ((), ("-v",)))
    assert not any(line.startswith(("suites/", "rootdir:", "platform linux")) for line in short)
    assert "....." in "".join(short)
    assert sum(line.startswith("suites/") and "PASSED" in line for line in long) == 5
    assert any(line.startswith("rootdir:") for line in long)


def test_an_estate_may_be_a_file_and_workers_judge_by_it(saved: Path, tmp_path: Path) -> None:
    """One that stands in no project: the look is judged by it. A mistake in it is said of that file, not of the project's."""
    text = (ROOT / "hosts/lab.toml").read_text("utf-8")
    (tmp_path / "lab.toml").write_text(text)
    reports = tmp_path / "reports"
    done = ran(tmp_path, "--estate", "lab.toml", "--evidence", str(saved), "--reports", str(reports), "-n", "2", *FEW)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(verdict(reports)["invariants"]) == 5
    (tmp_path / "lab.toml").write_text(text.replace("[hosts.sip-1]", "[hosts.sip-9]"))
    broken = ran(tmp_path, "--estate", "./lab.toml", "--evidence", str(saved), "--reports", str(reports), *FEW)
    assert broken.returncode == 4
    assert "lab.toml [" in broken.stdout + broken.stderr
    missing = ran(tmp_path, "--estate", "/nowhere/x.toml")
    assert (missing.returncode, "/nowhere/x.toml: there is no such file" in missing.stdout + missing.stderr) == (4, True)


def test_elsewhere_and_unasked_it_is_a_plain_pytest(tmp_path: Path) -> None:
    """Nothing of the gate is loaded, warnings are warnings, and testinfra's own plugin keeps its options and its ``host``."""
    (tmp_path / "test_plain.py").write_text(
        "import sys, warnings\n"
        "def test_nothing_is_loaded():\n"
        "    loaded = {name for name in sys.modules if name.startswith(('voxgate.', 'paramiko', 'pymongo', 'rich.'))}\n"
        "    plugin = ('voxgate.plugin.' + name for name in ('entry', 'options', 'invariants'))\n"
        "    nouns = {'voxgate.errors', 'voxgate.model', 'voxgate.model.entry'}\n"
        "    assert loaded == {*nouns, 'voxgate.plugin', *plugin}\n"
        "def test_a_warning():\n"
        "    warnings.warn('only that')\n"
        "def test_of_testinfra(host):\n"
        "    assert host.file('/etc/passwd').exists\n"
    )
    done = ran(tmp_path, "--hosts", "local://", "-p", "no:cacheprovider")
    assert (done.returncode, "3 passed, 1 warning" in done.stdout) == (0, True), done.stdout + done.stderr
    told = ran(tmp_path, "--help")
    assert "--estate=NAME" in told.stdout
    assert "@pytest.mark.dialler" in ran(tmp_path, "--markers").stdout


def test_every_option_with_a_value_is_known_as_one() -> None:
    source = (ROOT / "voxgate/plugin/options.py").read_text("utf-8")
    options = {words.split('"')[1]: words for words in source.split("addoption(")[1:]}
    assert {name for name, words in options.items() if not re.search("store_true|nargs", words)} == set(VALUED)
    said = ["--estate", "lab", "-k", "x", "--plan", "--evidence=/a", "--bake", "3", "--", "--estate", "y"]
    assert as_one_word(said) == ["--estate=lab", "-k", "x", "--plan", "--evidence=/a", "--bake=3", "--", "--estate", "y"]
    assert as_one_word(["suites", "--evidence"]) == ["suites", "--evidence"]


def test_the_project_is_the_nearest_with_estates(tmp_path: Path) -> None:
    team = tmp_path / "team"
    (team / "hosts").mkdir(parents=True)
    (team / "suites/more").mkdir(parents=True)
    assert project(team / "suites/more") == ROOT  # no estate yet: the checkout is what there is
    (team / "hosts/ours.toml").write_text("")
    assert project(team / "suites/more") == team
    assert project(tmp_path, team) == team
    assert suites_of(team) == (bundled("suites"), team / "suites")
    assert suites_of(ROOT) == (bundled("suites"),)
