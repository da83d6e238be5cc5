"""What lies in a service's folder leads nowhere that who asks may not look: neither by what is told, nor by how it goes wrong."""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.built import probe

from .conftest import service

WHO = pwd.getpwnam("backup")
PYTHON = Path("/usr/bin/python3").resolve()
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


@pytest.fixture
def hidden() -> Iterator[Path]:
    """A folder that only root may look into, beside others that all may come to."""
    with tempfile.TemporaryDirectory(prefix="voxgate-", dir="/var/lib") as folder:
        Path(folder).chmod(0o755)
        place = Path(folder) / "hidden"
        place.mkdir(mode=0o700)
        (place / "python").write_text("#!/bin/sh\necho 3.1.2\n")
        (place / "python").chmod(0o755)
        (place / "link").symlink_to("very-secret-name")
        (place / "bin").symlink_to(PYTHON.parent)
        (place / "package").mkdir()
        (place / "package/__init__.py").touch()
        yield place


@pytest.fixture
def folder(hidden: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a service that belongs to who asks."""
    monkeypatch.setenv("SUDO_UID", str(WHO.pw_uid))
    folder = hidden.parent / "vox-backend"
    (folder / ".venv/bin").mkdir(parents=True)
    (folder / ".venv/pyvenv.cfg").write_text(f"home = {PYTHON.parent}\n")
    (folder / ".env").touch()
    (folder / ".venv/bin/python").symlink_to(PYTHON)
    for path in (folder, folder / ".venv", folder / ".venv/bin", *folder.rglob("*")):
        os.chown(path, WHO.pw_uid, WHO.pw_gid, follow_symlinks=False)
    return folder


def led(folder: Path, target: str) -> None:
    """The environment's Python is a link to that, as its owner makes it."""
    (folder / ".venv/bin/python").unlink()
    (folder / ".venv/bin/python").symlink_to(target)


def runtime(folder: Path) -> Any:
    """What is told of the runtime of a service none of whose processes run."""
    return probe.guarded(lambda: probe.runtime(service(folder), probe.Job(list), probe.Job(dict)))


def test_where_the_python_of_an_environment_leads_is_told_to_who_may_see_it(folder: Path) -> None:
    assert runtime(folder)["value"]["base"] == []
    assert probe.version_of(str(folder)).startswith("3.")
    led(folder, "python3")
    (folder / ".venv/bin/python3").symlink_to("/usr/bin/python3")
    assert runtime(folder)["value"]["base"] == []
    assert probe.version_of(str(folder)).startswith("3.")


@pytest.mark.parametrize("target", ["link", "python", "nothere/python", "nothing", "bin/python3", "../hidden"])
def test_no_path_or_link_is_told_by_the_python_of_an_environment(folder: Path, hidden: Path, target: str) -> None:
    led(folder, f"{hidden}/{target}" if target != "../hidden" else f"{hidden}/python/x")
    denied = {"error": {"kind": "denied", "text": f"{folder}/.venv/bin/python: Permission denied"}}
    assert runtime(folder) == denied
    assert probe.guarded(lambda: probe.version_of(str(folder))) == denied


def test_no_link_is_confirmed_by_the_home_of_an_environment(folder: Path, hidden: Path) -> None:
    told = []
    for name in ("bin", "nothing"):
        (folder / ".venv/pyvenv.cfg").write_text(f"home = {hidden}/{name}\n")
        told.append(runtime(folder)["value"]["base"])
    assert told == [[[f"{folder}/.venv/pyvenv.cfg", f"has another home than {PYTHON}"]]] * 2


OTHERS = """import json, sys; print(sys.base_prefix, json.__file__)"""


@pytest.mark.parametrize("way", ["first of two", "link", "relative", "carriage return"])
def test_no_other_standard_library_is_that_of_the_interpreter(folder: Path, way: str) -> None:
    """What Python itself takes for its home, in whatever way the file says it, is the home that is judged."""
    library = f"lib/{PYTHON.name}"
    evil = folder / "evil"
    shutil.copytree(f"/usr/{library}/json", evil / library / "json")
    for one in Path(f"/usr/{library}").glob("*"):
        with suppress(FileExistsError):
            (evil / library / one.name).symlink_to(one)
    os.chown(evil, WHO.pw_uid, WHO.pw_gid)
    (evil / "bin").symlink_to(PYTHON.parent)
    os.chown(evil / "bin", WHO.pw_uid, WHO.pw_gid, follow_symlinks=False)
    (folder / "usr").symlink_to("evil")
    rows = {"link": f"home = {evil}/bin\n", "relative": "home = usr/bin\n",
            "first of two": f"Home={folder}/evil/../evil/bin/../bin\nhome = {PYTHON.parent}\n",
            "carriage return": f"home = {evil}/bin\nversion = 3\rhome = {PYTHON.parent}\n"}  # fmt: skip
    (folder / ".venv/pyvenv.cfg").write_bytes(rows[way].encode())
    said = subprocess.run([folder / ".venv/bin/python", "-c", OTHERS], cwd=folder, capture_output=True, text=True, check=True)
    assert said.stdout.split()[0] not in {"/usr", "/"}
    told = runtime(folder)
    assert told["error"]["kind"] == "unparsable" if "error" in told else told["value"]["base"] == [
        [f"{folder}/.venv/pyvenv.cfg", f"has another home than {PYTHON}"]
    ]  # fmt: skip


def test_a_home_by_a_link_of_roots_is_the_interpreters(folder: Path) -> None:
    """As /bin is on each host, and what uv calls a Python by its minor version."""
    (folder.parent / "python").symlink_to(PYTHON.parent.parent)
    for home in ("/bin", f"{PYTHON.parent}/", f"{folder.parent}/python/bin"):
        (folder / ".venv/pyvenv.cfg").write_text(f"home = {home}\r\nuv = 0.9\r\n")
        assert runtime(folder)["value"]["base"] == []


def test_an_accounts_own_interpreter_is_at_home_by_a_link_to_all_of_it(folder: Path) -> None:
    """As uv has them: a link by the minor version to the folder by the whole one."""
    whole = folder / "uv/python/cpython-3.12.3-linux-x86_64-gnu"
    (whole / "bin").mkdir(parents=True)
    shutil.copy(PYTHON, whole / "bin/python3.12")
    (folder / "uv/python/cpython-3.12-linux-x86_64-gnu").symlink_to(whole.name)
    (folder / "other").mkdir()
    (folder / "other/bin").symlink_to(whole / "bin")
    for path in (folder / "uv", *folder.glob("uv/**/*"), folder / "other"):
        os.chown(path, WHO.pw_uid, WHO.pw_gid, follow_symlinks=False)
    led(folder, str(whole / "bin/python3.12"))
    homes = {f"{whole}/bin": 0, f"{folder}/uv/python/cpython-3.12-linux-x86_64-gnu/bin": 0, f"{folder}/other/bin": 1}
    for home, flaws in homes.items():
        (folder / ".venv/pyvenv.cfg").write_text(f"home = {home}\n")
        assert len(runtime(folder)["value"]["base"]) == flaws, home


@pytest.mark.parametrize("planted", ["zz", "zz/__init__.py"])
def test_no_file_is_confirmed_by_the_copy_of_a_package(
    folder: Path, hidden: Path, planted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe, "COPY_ROOTS", (str(hidden.parent / "bait"),))
    bait = hidden.parent / "bait/zz"
    bait.mkdir(parents=True)
    (bait / "__init__.py").touch()
    (folder / planted).parent.mkdir(exist_ok=True)
    told = []
    for name in ("package", "nothing"):
        (folder / planted).unlink(missing_ok=True)
        (folder / planted).symlink_to(hidden / name if planted == "zz" else hidden / name / "__init__.py")
        told.append(probe.copies([service(folder)])["found"])
    assert told[0] == told[1]


def test_no_hash_is_told_of_what_somebody_put_in_the_place_of_a_unit(folder: Path, hidden: Path) -> None:
    """Root linked a unit to a file in an account's folder; the account puts a link there."""
    unit, his = hidden.parent / "x.service", folder / "x.service"
    unit.symlink_to(his)
    his.write_text("[Service]\n")
    os.chown(his, WHO.pw_uid, WHO.pw_gid)
    assert probe.OnDisk.digest(str(unit)) == hashlib.sha256(b"[Service]\n").hexdigest()
    for name in ("python", "nothing"):
        his.unlink()
        his.symlink_to(hidden / name)
        assert probe.OnDisk.digest(str(unit)) == "unreadable"
    his.unlink()
    his.symlink_to("/dev/null")
    assert probe.OnDisk.digest(str(unit)) == "masked"
    his.unlink()
    assert probe.OnDisk.digest(str(unit)) == "broken"
    assert probe.OnDisk.digest(str(hidden / "python")) == hashlib.sha256((hidden / "python").read_bytes()).hexdigest()


def test_a_package_of_a_service_is_one_still(folder: Path) -> None:
    for name in ("vox", "tests", "none"):
        (folder / name).mkdir()
    (folder / "vox/__init__.py").touch()
    (folder / "tests/__init__.py").touch()
    assert probe.modules_in(str(folder)) == ["vox"]
    assert probe.modules_in(f"{folder}/nothing") == []
