"""CONTRIBUTING.md is true: what it names is there, and ``make quick`` runs the tests of what is changed."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from tests.quick import chosen

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


def test_what_is_changed_is_tested_by_what_names_it() -> None:
    assert chosen(["tests/unit/test_make.py"], UNIT) == ["tests/unit/test_make.py"]
    assert "tests/unit/test_trees.py" in chosen(["voxgate/deploy/gate.py"], UNIT)
    assert "tests/unit/test_building.py" in chosen(["voxgate/moves/building.py"], UNIT)
    of_probe = chosen(["voxgate/probe/dpkg.py"], UNIT)
    assert {"tests/unit/survey/test_probe_boot.py", "tests/unit/survey/test_built_probe.py"} <= set(of_probe)
    assert "tests/unit/suites/test_judging.py" in chosen(["suites/test_console.py"], UNIT)
    assert "tests/unit/test_security.py" in chosen(["SECURITY.md"], UNIT)
    assert chosen(["Jenkinsfile"], UNIT) == []


def test_no_module_of_voxgates_is_tested_by_none() -> None:
    """Else ``make quick`` would be green whatever was done to it."""
    modules = subprocess.run(
        ["git", "ls-files", "voxgate/*.py"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    untested = {path for path in modules if not path.endswith("__init__.py") and not chosen([path], UNIT)}
    assert untested <= {"voxgate/cli/template/suites/test_ours.py"}, sorted(untested)
