"""The probe as one file: each line leads back to its module, and root keeps it compiled."""

from __future__ import annotations

import hashlib
import json
import marshal
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from voxgate.one_file import MARK, modules
from voxgate.probe import built
from voxgate.survey.host_documents import host_evidence


def test_each_line_leads_back_to_the_line_of_its_module() -> None:
    lines = built.program().decode().splitlines()
    marks = {line[len(MARK) :] for line in lines if line.startswith(MARK)}
    assert marks == {path.name for path in modules(built.PACKAGE)}
    seen = 0
    for at, line in enumerate(lines, 1):
        name, _, number = built.origin(at).partition(":")
        if line.strip() and number and not line.startswith(MARK):
            assert (built.PACKAGE / name).read_text("utf-8").splitlines()[int(number) - 1] == line
            seen += 1
    assert seen > 4000
    assert built.origin(2) == "line 2"
    assert built.origin(len(lines)) == f"line {len(lines)}"


def test_a_mistake_of_the_probes_is_said_of_the_file_where_it_stands() -> None:
    there = "def clock(found: Job) -> dict[str, Any]:"
    line = 1 + built.program().decode().splitlines().index(there)
    document = {
        "probe": {"sha256": built.digest()},
        "sections": {"clock": {"seconds": 0, "error": {"kind": "failed", "text": f"TypeError in line {line} of the probe"}}},
    }
    place = f"clock.py:{1 + (built.PACKAGE / 'clock.py').read_text().splitlines().index(there)}"
    assert f"TypeError in {place} of the probe" in str(host_evidence("one", document).clock)
    document["probe"] = {"sha256": "another"}
    assert f"TypeError in line {line} of the probe" in str(host_evidence("one", document).clock)


COUNTS = """
import re, runpy, sys
import base64, csv, fnmatch, glob, json, shlex, shutil, socket, subprocess
compiled, real = [], re.compile
re.compile = lambda *given: compiled.append(given) or real(*given)
found = runpy.run_path(sys.argv[1])
before = len(compiled)
assert found["UNIT"].fullmatch("a.service") and not found["UNIT"].fullmatch("a")
assert found["UNIT"].pattern.startswith("(?!-)")
print(before, len(compiled) - before)
"""


def test_only_what_a_look_uses_of_its_expressions_is_compiled(installed: Path) -> None:
    """Of more than a hundred a short look uses a few, and each costs a tenth of a millisecond."""
    ended = subprocess.run([sys.executable, "-c", COUNTS, installed], capture_output=True, timeout=60, check=True, text=True)
    at_start, once = map(int, ended.stdout.split())
    assert at_start < 20
    assert once == 1


FOLDER = b"/var/lib/voxgate-probe"
NOBODY = 65534


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The program as it is installed, with a folder of its own for what it keeps."""
    path = tmp_path / "probe"
    assert built.program().count(FOLDER) >= 2
    path.write_bytes(built.program().replace(FOLDER, str(tmp_path / "kept").encode()))
    return path


def said_by(path: Path) -> str:
    """What it says of a request that is none."""
    ended = subprocess.run([sys.executable, "-IS", path], input=b"nonsense", capture_output=True, timeout=60, check=False)
    return f"{ended.stdout.decode()}{ended.stderr.decode()}"


def kept_by(path: Path) -> Path:
    """The one file in which it keeps itself compiled."""
    return next((path.parent / "kept").glob("program.*"))


def test_root_keeps_it_compiled_and_compiles_it_anew_where_it_changed(installed: Path) -> None:
    assert "not JSON" in said_by(installed)
    first = kept_by(installed)
    was = first.stat()
    assert (was.st_mode & 0o7777, was.st_uid) == (0o600, 0)
    assert "not JSON" in said_by(installed)
    assert (first.stat().st_ino, first.stat().st_mtime_ns) == (was.st_ino, was.st_mtime_ns)
    installed.write_bytes(installed.read_bytes().replace(b"not JSON", b"no JSON"))
    assert "no JSON" in said_by(installed)
    assert kept_by(installed).name != first.name, "of an earlier program nothing is left"


def test_a_mistake_is_said_of_the_same_line_whether_it_was_kept_or_not(installed: Path) -> None:
    right = "        document = json.loads(request)\n"
    source = installed.read_text("utf-8")
    assert source.count(right) == 1
    line = source[: source.index(right)].count("\n") + 1
    installed.write_text(source.replace(right, "        document = 1 / 0\n"), "utf-8")
    for _ in range(2):
        assert f"ZeroDivisionError in line {line} of the probe" in said_by(installed)


def _of_another(kept: Path) -> None:
    os.chown(kept, NOBODY, NOBODY)


def _behind_a_link(kept: Path) -> None:
    kept.rename(kept.with_name("elsewhere"))
    kept.symlink_to("elsewhere")


@pytest.mark.parametrize(
    "spoil",
    [
        _of_another,
        _behind_a_link,
        lambda kept: kept.chmod(0o620),
        lambda kept: kept.parent.chmod(0o777),
        lambda kept: os.chown(kept.parent, NOBODY, NOBODY),
        lambda kept: kept.write_bytes(kept.read_bytes()[:-1]),
        lambda kept: kept.write_bytes(b""),
    ],
    ids=["account", "link", "writable", "folder writable", "folder's account", "cut", "empty"],
)
def test_what_others_could_have_kept_is_not_run(installed: Path, spoil: Callable[[Path], None]) -> None:
    said_by(installed)
    kept = kept_by(installed)
    code = marshal.dumps(compile("print('planted')", "planted", "exec"))
    kept.write_bytes(hashlib.sha256(code).digest() + code)
    assert "planted" in said_by(installed), "root's own file is run"
    spoil(kept)
    said = said_by(installed)
    assert "planted" not in said
    assert "not JSON" in said


def test_it_runs_from_its_modules_too() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "voxgate.probe"], input=b"nonsense", capture_output=True, timeout=60, check=False,
        cwd=built.PACKAGE.parents[1],
    )  # fmt: skip
    document = json.loads(ended.stdout)
    assert (ended.returncode, document["error"]["text"]) == (2, "request refused: not JSON")
    assert document["probe"]["sha256"] == built.digest()
