"""CONTRIBUTING.md is true: what it names is there, and ``make quick`` runs the tests of what is changed."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

from tests.pages import must_be_as_made
from tests.quick import NUMBERS, ONE_FILE, beyond, chosen

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
UNIT = {path.relative_to(ROOT).as_posix(): path.read_text("utf-8") for path in (ROOT / "tests/unit").rglob("test_*.py")}


def test_every_path_and_target_that_it_names_is_there() -> None:
    paths = {word for word in re.findall(r"`([\w./-]+)`", TEXT) if "/" in word and "NAME" not in word}
    assert len(paths) > 15
    assert [path for path in sorted(paths) if not (ROOT / path).exists()] == []
    targets = set(re.findall(r"`make ([a-z-]+)", TEXT))
    known = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    assert targets <= known


def test_the_lints_before_a_commit_are_those_of_make() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    lint = makefile.partition("\nlint:")[2].partition("\n\n")[0]
    wanted = {line.removeprefix("\t@$(RUN) ") for line in lint.splitlines() if line.startswith("\t@$(RUN) ")}
    (local,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))["repos"]
    assert {hook["entry"].removeprefix("uv run --locked --quiet ") for hook in local["hooks"]} == wanted


def test_the_settings_that_it_names_are_those_of_services() -> None:
    part = TEXT.partition("## A required setting")[2].partition("\n## ")[0]
    named = {word for word in re.findall(r"`([a-z_]+)`", part) if word != "lab"}
    known = {key for row in tomllib.loads((ROOT / "hosts/services.toml").read_text("utf-8")).values() for key in row}
    assert named <= known, named - known


def test_what_is_changed_is_tested_by_what_names_it() -> None:
    assert chosen(["tests/unit/test_make.py"], UNIT) == ["tests/unit/test_make.py"]
    assert "tests/unit/test_trees.py" in chosen(["voxgate/deploy/gate.py"], UNIT)
    assert "tests/unit/test_contents.py" in chosen(["voxgate/deploy/gate.py"], UNIT), "by what it shares with others"
    assert "tests/unit/test_contents.py" in chosen(["tests/unit/forges.py"], UNIT)
    assert "tests/unit/test_building.py" in chosen(["voxgate/moves/builder/links.py"], UNIT)
    of_probe = chosen(["voxgate/probe/dpkg.py"], UNIT)
    assert {"tests/unit/survey/test_probe_boot.py", "tests/unit/survey/test_built_probe.py"} <= set(of_probe)
    assert "tests/unit/suites/test_judging.py" in chosen(["suites/test_console.py"], UNIT)
    assert "tests/unit/test_judged_good.py" in chosen(["suites/test_environment.py"], UNIT), "it names a rule of that file"
    assert "tests/unit/test_security.py" in chosen(["SECURITY.md"], UNIT)
    assert chosen(["Jenkinsfile"], UNIT) == []


def test_what_uses_a_module_is_beyond_its_own_tests() -> None:
    read_by, own = beyond("voxgate/contracts/typed.py", UNIT), chosen(["voxgate/contracts/typed.py"], UNIT)
    assert own == ["tests/unit/hosts/test_bounds.py", "tests/unit/test_answers.py", "tests/unit/test_forms.py", NUMBERS]
    assert "tests/unit/survey/test_evidence_reading.py" in read_by


def test_each_test_that_is_named_for_a_package_is_there() -> None:
    named = {test for tests in ONE_FILE.values() for test in tests}
    assert named <= UNIT.keys()


def test_no_module_of_voxgates_is_tested_by_none() -> None:
    """Else ``make quick`` would be green whatever was done to it."""
    modules = subprocess.run(
        ["git", "ls-files", "voxgate/*.py"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    untested = {path for path in modules if not path.endswith("__init__.py") and set(chosen([path], UNIT)) <= {NUMBERS}}
    assert untested <= {"voxgate/cli/template/suites/test_ours.py"}, sorted(untested)


def test_a_page_that_is_not_as_made_is_one_line(tmp_path: Path) -> None:
    page = tmp_path / "PAGE.md"
    page.write_text("one\ntwo\nthree\n")
    must_be_as_made(page, "one\ntwo\nthree\n")
    for made, said in (
        ("one\n2\nthree\n", "1 of its lines, the first is 2"),
        ("one\ntwo\nand\nthree\n", "1 of its lines, the first is 3"),
        ("two\nthree", "1 of its lines, the first is 1"),
        ("one\ntwo\nthree", "0 of its lines, the first is 3"),
    ):
        with pytest.raises(pytest.fail.Exception, match=f"^docs/PAGE.md is not what its sources make, {said}: make docs$"):
            must_be_as_made(page, made)
