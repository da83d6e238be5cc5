"""What uv says of an environment, as the probe takes it: a real uv on real projects."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.built import probe
from tests.uv import UV

BACKEND = """import zipfile
from pathlib import Path

def build_editable(folder, settings=None, metadata=None):
    info = "vox_pace-0.1.0.dist-info"
    with zipfile.ZipFile(Path(folder) / "vox_pace-0.1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("vox_pace.pth", str(Path(__file__).parent))
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\\nName: vox-pace\\nVersion: 0.1.0\\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\\nGenerator: m\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr(f"{info}/RECORD", "")
    return "vox_pace-0.1.0-py3-none-any.whl"

build_wheel = build_editable
"""
MAKING = '[build-system]\nrequires = []\nbuild-backend = "making"\nbackend-path = ["."]\n'
PACE = f'[project]\nname = "vox-pace"\nversion = "0.1.0"\n{MAKING}'
ROOT = '[project]\nname = "vox"\nversion = "0"\nrequires-python = ">=3.11"\ndependencies = ["vox-pace"]\n'
ROOT += "[tool.uv]\npackage = false\n"
WORKSPACE = '[tool.uv.workspace]\nmembers = ["packages/*"]\n[tool.uv.sources]\nvox-pace = { workspace = true }\n'
MORE = "[project.optional-dependencies]\n"
A_PATH = '[tool.uv.sources]\nvox-pace = { path = "packages/vox-pace" }\n'


def uv(folder: Path, *words: str) -> tuple[int, str]:
    """What uv says there, without anything from elsewhere."""
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), "UV_PYTHON": sys.executable, "UV_PYTHON_DOWNLOADS": "never"}
    done = subprocess.run(
        [UV, *words, "--offline", "--no-cache"], cwd=folder, env=env, capture_output=True, text=True, check=False
    )
    return done.returncode, f"{done.stdout}\n{done.stderr}"


@pytest.fixture(params=[ROOT + WORKSPACE, ROOT + A_PATH, PACE + MORE], ids=["member", "path", "itself"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A project with a package of its own: a member of a workspace, a path, or the project itself."""
    home = tmp_path if request.param.startswith(PACE) else tmp_path / "packages" / "vox-pace"
    (home / "vox_pace").mkdir(parents=True)
    (home / "vox_pace" / "__init__.py").touch()
    (home / "making.py").write_text(BACKEND)
    (home / "pyproject.toml").write_text(PACE)
    (tmp_path / "pyproject.toml").write_text(request.param)
    for words in (["lock"], ["sync", "--locked"]):
        status, said = uv(tmp_path, *words)
        assert status == 0, said
    return tmp_path


def check(folder: Path) -> tuple[int, bool]:
    """How uv's own comparison ends, and whether the probe takes it for equal."""
    status, said = uv(folder, "sync", "--locked", "--no-dev", "--check")
    return status, probe.is_equal_but_for_times(said, str(folder))


def test_a_package_of_the_folder_is_not_outdated_by_a_checkout(folder: Path) -> None:
    assert check(folder)[0] == 0
    for project in folder.rglob("pyproject.toml"):
        os.utime(project)
    assert check(folder) == (1, True)


def test_a_package_that_nobody_locked_is_seen_beside_it(folder: Path) -> None:
    for project in folder.rglob("pyproject.toml"):
        os.utime(project)
    stranger = next(folder.glob(".venv/lib/python*/site-packages")) / "stranger-1.0.dist-info"
    stranger.mkdir()
    (stranger / "METADATA").write_text("Metadata-Version: 2.1\nName: stranger\nVersion: 1.0\n")
    (stranger / "RECORD").touch()
    assert check(folder) == (1, False)


def test_a_package_of_another_folder_is_no_package_of_this_one(folder: Path) -> None:
    for project in folder.rglob("pyproject.toml"):
        os.utime(project)
    said = uv(folder, "sync", "--locked", "--no-dev", "--check")[1]
    assert not probe.is_equal_but_for_times(said, f"{folder}/packages/other")
    assert not probe.is_equal_but_for_times(said.replace("Would install", "Would replace"), str(folder))


def test_a_package_that_is_gone_is_missed(folder: Path) -> None:
    for path in next(folder.glob(".venv/lib/python*/site-packages")).glob("vox_pace*"):
        if path.is_dir():
            for one in path.iterdir():
                one.unlink()
            path.rmdir()
        else:
            path.unlink()
    assert check(folder) == (1, False)
