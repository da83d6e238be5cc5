"""The Jenkinsfiles' lint: it covers all of them, its rules exist, it can be red, and what stops it is one line."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.groovy import lint as groovy
from voxgate.errors import VoxgateError

PRESETS = groovy.RECIPE.cli.parent


def config() -> dict[str, Any]:
    """The rules, without their comments."""
    return dict(json.loads(re.sub(r"(?m)^\s*//.*$", "", groovy.CONFIG.read_text())))


def test_every_jenkinsfile_of_the_tree_is_linted() -> None:
    found = []
    for folder, folders, names in os.walk(groovy.ROOT):
        folders[:] = [name for name in folders if name not in {".git", ".venv", "reports", "node_modules"}]
        found += [Path(folder) / name for name in names if re.search(r"^Jenkinsfile|\.(groovy|jenkinsfile)$", name)]
    assert sorted(found) == sorted(groovy.jenkinsfiles())
    assert len(found) >= 4


def test_make_lint_lints_them() -> None:
    said = subprocess.run(
        ["make", "-n", "UV=/bin/true", "lint"], cwd=groovy.ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert "python -m tests.groovy.lint" in said


def test_the_lock_names_no_registry() -> None:
    wanted = json.loads((groovy.RECIPE.folder / "package.json").read_bytes())["dependencies"]
    lock = json.loads((groovy.RECIPE.folder / "package-lock.json").read_bytes())["packages"]
    assert lock[""]["dependencies"] == wanted
    packages = [one for name, one in lock.items() if name]
    assert len(packages) > 50
    assert all("resolved" not in one and "integrity" in one for one in packages)


def test_its_rules_are_rules_of_the_installed_lint() -> None:
    """A rule switched off under a name that is none would be switched off nowhere, in silence."""
    presets = groovy.installed() / PRESETS
    known = json.loads((presets / ".groovylintrc-all.json").read_bytes())["rules"]
    assert set(config()["rules"]) <= set(known)
    assert (presets / f".groovylintrc-{config()['extends']}.json").is_file()


def test_it_can_be_red(tmp_path: Path) -> None:
    good = (groovy.ROOT / "pipelines" / "Jenkinsfile.watch").read_text()
    slips = {
        "UnusedVariable": ("pipeline {", "def unused = 1\npipeline {"),
        "EmptyIfStatement": ("sh 'make setup'", "script { if (params.ESTATE) { } }"),
        "UnnecessaryGString": ("'make watch'", '"make watch"'),
        "LineLength": ("timestamps()", f"timestamps() // {'x' * 130}"),
        "TrailingWhitespace": ("options {", "options { "),
        "Indentation": ("            steps {", "          steps {"),
    }
    bad = good
    for old, new in slips.values():
        assert old in bad
        bad = bad.replace(old, new, 1)
    sources = {"good": good, "bad": bad, "broken": good.replace("stages {", "stages { (", 1)}
    for name, source in sources.items():
        (tmp_path / f"Jenkinsfile.{name}").write_text(source)
    found = groovy.lint(sorted(tmp_path.iterdir()))
    assert {one.rule for one in found if one.path.suffix == ".bad"} == set(slips)
    assert {(one.severity, one.rule) for one in found if one.path.suffix == ".broken"} == {("error", "NglParseError")}
    assert {one.path.suffix for one in found} == {".bad", ".broken"}


@dataclass(frozen=True, slots=True)
class Ended:
    """How a played process ended."""

    exit_status: int = 0
    stdout: bytes = b""
    stderr: bytes = b""


def played(ended: Ended, npm: Ended | None = None) -> Any:
    """Npm and the lint, played; npm succeeds by default."""

    def run(argv: Sequence[str], *, deadline: float, cwd: Path, env: Mapping[str, str] | None = None) -> Ended:
        assert deadline > 0
        assert env is not None or "--noserver" in argv
        if "ci" not in argv:
            return ended
        if npm is None:
            (cwd / PRESETS).mkdir(parents=True)
            (cwd / groovy.RECIPE.cli).touch()
        return npm or Ended()

    return run


@pytest.mark.parametrize(
    ("ended", "why"),
    [
        (Ended(0, b'{"status": 2, "error": {"msg": "Unable to use CodeNarc JSON result"}}', b"Unable"), "gave no report: Unable"),
        (Ended(2, b"", b"Error: Unsupported class\n\tat A.b(C:1)\n"), "gave no report: Error: Unsupported class$"),
        (Ended(0, b'{"files": {}}'), "did not read it: it said nothing"),
    ],
)
def test_a_lint_that_did_not_look_is_not_green(ended: Ended, why: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "java").touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(VoxgateError, match=why):
        groovy.lint([groovy.ROOT / "Jenkinsfile"], run=played(ended), cache=tmp_path / "cache")


def test_no_registry_is_one_line(tmp_path: Path) -> None:
    run = played(Ended(), npm=Ended(1, b"", b"npm error code ENOTFOUND\nnpm error network\n"))
    with pytest.raises(VoxgateError, match=r"npm could not install npm-groovy-lint: exit status 1: code ENOTFOUND network$"):
        groovy.installed(run=run, cache=tmp_path)


def test_no_java_and_no_file_are_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(VoxgateError, match="no such file"):
        groovy.lint([tmp_path / "Jenkinsfile"])
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(VoxgateError, match="no Java on this machine"):
        groovy.lint([groovy.ROOT / "Jenkinsfile"])
