"""The byte code that a lab keeps of its services."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from lab.proving.byte_code import IMPORT_ALL


def imported(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", IMPORT_ALL, "vox"], cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    monkeypatch.delenv("PYTHONPYCACHEPREFIX", raising=False)
    made = tmp_path / "vox"
    made.mkdir()
    without = "raise SystemExit('no settings')"
    modules = {"__init__": "", "app": without, "web": "import vox.slot", "slot": "", "__main__": "1 / 0"}
    for name, text in modules.items():
        (made / f"{name}.py").write_text(text, "utf-8")
    return made


def test_each_module_is_kept_and_nothing_is_started(package: Path) -> None:
    done = imported(package.parent)
    assert (done.returncode, done.stderr) == (0, "")
    kept = {path.name.partition(".")[0]: path.stat().st_mode & 0o777 for path in (package / "__pycache__").iterdir()}
    assert kept == {"__init__": 0o644, "app": 0o644, "slot": 0o644, "web": 0o644}  # whoever serves may read it


def test_what_cannot_be_imported_is_no_success(package: Path) -> None:
    (package / "web.py").write_text("import vox.nowhere", "utf-8")
    assert "vox.nowhere" in imported(package.parent).stderr
    assert imported(package.parent).returncode != 0
