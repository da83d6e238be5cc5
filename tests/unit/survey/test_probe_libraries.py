"""What of the system's a process has loaded is as a package of the distribution brought it; real libraries, real processes."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.built import probe
from tests.running import WAITS, running

from .conftest import service

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")

PYTHON = "/usr/bin/python3"
MAPS = f"import ctypes, sys; ctypes.CDLL(sys.argv[1]); {WAITS}"


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The system's libraries, one of them, and what dpkg has noted of it."""
    with tempfile.TemporaryDirectory(prefix="voxgate-", dir="/var/lib") as folder:
        top = Path(folder)
        top.chmod(0o755)
        for name in ("lib", "info", "app/.venv/bin"):
            (top / name).mkdir(parents=True)
        shutil.copy(next(iter(sorted(Path("/usr/lib").glob("*/libz.so.1")))), top / "lib/libz.so.1")
        (top / "app/.venv/pyvenv.cfg").write_text("home = /usr/bin\n")
        (top / "app/.venv/bin/python").symlink_to(PYTHON)
        (top / "app/.env").write_text("")
        digest = hashlib.md5((top / "lib/libz.so.1").read_bytes()).hexdigest()  # noqa: S324 - as dpkg has it
        (top / "info/zlib1g.md5sums").write_text(f"{'0' * 32}  usr/share/x\n{digest}  {folder[1:]}/lib/libz.so.1\n")
        monkeypatch.setattr(probe, "DPKG", folder)
        monkeypatch.setattr(probe, "LIBRARY_FOLDERS", (f"{folder}/lib/",))
        monkeypatch.setattr(probe, "CACHE", f"{folder}/cache")
        monkeypatch.setattr(probe, "SETTLED", -1.0)
        yield top


def flaws(place: Path, name: str = "libz.so.1") -> list[list[str]]:
    """What is told of a process that has loaded this."""
    with running(PYTHON, "-I", "-c", MAPS, f"{place}/lib/{name}", uid=0) as pid:
        row = {"pid": pid, "unit": "voxbridge.service", "argv": ["x"], "exe": "", "uid": 0, "started": 0.0, "cgroup": "/"}
        found: dict[str, Any] = probe.runtime(service(place / "app"), probe.Job(lambda: [row]), probe.Job(dict))
    return [row for row in found["base"] if row[0].startswith(f"{place}/lib/")]


def test_a_library_as_its_package_has_it_is_fine_and_hashed_once(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert flaws(place) == []
    monkeypatch.setattr(probe, "whole_md5_of", lambda _: "")
    assert flaws(place) == []


def test_a_library_that_was_changed_is_told_also_where_it_was_known(place: Path) -> None:
    path = place / "lib/libz.so.1"
    assert flaws(place) == []
    path.write_bytes(path.read_bytes() + b"x")
    for _ in range(2):
        assert flaws(place) == [[str(path), "is not as its package has it"]]


def test_a_library_that_no_package_has_is_told(place: Path) -> None:
    (place / "lib/libz.so.1").rename(place / "lib/x.so")
    assert flaws(place, "x.so") == [[f"{place}/lib/x.so", "is run, and no package of this host has it"]]


def test_where_there_is_no_dpkg_nobody_can_say(place: Path) -> None:
    (place / "info/zlib1g.md5sums").unlink()
    assert flaws(place) == []


def test_a_package_that_names_it_by_the_way_before_usr_was_merged_has_it_too(
    monkeypatch: pytest.MonkeyPatch, place: Path
) -> None:
    (place / "info/zlib1g.md5sums").write_text(f"{'a' * 32}  lib/x86/libz.so.1\n{'b' * 32}  usr/lib/x86/libz.so.1\n")
    assert probe.sums_of({"/usr/lib/x86/libz.so.1"})["/usr/lib/x86/libz.so.1"] == {"a" * 32, "b" * 32}


def test_what_this_machine_s_python_has_loaded_is_its_packages(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "DPKG", "/var/lib/dpkg")
    monkeypatch.setattr(probe, "LIBRARY_FOLDERS", ("/usr/lib/", "/lib/"))
    with running(PYTHON, "-c", f"import ssl, sqlite3, ctypes; {WAITS}", uid=0) as pid:
        loaded = probe.executable_maps(pid)
    assert len(loaded) > 5
    assert probe.library_flaws(service(place / "app"), loaded) == {}
