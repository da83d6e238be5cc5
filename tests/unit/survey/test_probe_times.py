"""What was put in the place of code, run, and taken back, is told by the times of folders, which the kernel alone sets."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.built import probe
from tests.running import WAITS, running

from .conftest import service

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")

SITE = ".venv/lib/python3.12/site-packages"


def later(folder: Path) -> float:
    """Wait until files can tell from now."""
    clock, now = folder.parent / "clock", time.time()
    while not clock.exists() or clock.stat().st_ctime <= now:
        clock.write_text("")
    return now


def swapped(path: Path) -> None:
    """Another folder stands there for a while, and the first one is put back."""
    path.rename(f"{path}.good")
    shutil.copytree(f"{path}.good", path)
    shutil.rmtree(path)
    Path(f"{path}.good").rename(path)


def changed_in_tree(folder: Path) -> float:
    return float(probe.checkout(service(folder))["changed"])


def changed_in_environment(folder: Path) -> float:
    with probe.Folder(str(folder / ".venv")) as home:
        return float(max(probe.packages(service(folder))["changed"], probe.site_packages(home)[1]))


@pytest.fixture
def compiled(checkout: Path) -> Path:
    """A checkout whose packages were imported once, by somebody who may write there: byte code lies beside each module."""
    site = checkout / SITE
    (site / "fastapi" / "inner").mkdir()
    for folder in (site, site / "fastapi", site / "fastapi/inner"):
        (folder / "x.py").write_text("A = 1\n")
        (folder / "__pycache__").mkdir()
    return checkout


@pytest.mark.parametrize("what", ["app", "app/deep"])
def test_a_folder_of_the_tree_that_was_swapped_and_put_back_is_a_change(checkout: Path, what: str) -> None:
    now = later(checkout)
    assert changed_in_tree(checkout) <= now
    swapped(checkout / what)
    assert changed_in_tree(checkout) > now


@pytest.mark.parametrize("what", ["fastapi", "fastapi/inner", ".", "..", "../..", "../../.."])
def test_a_folder_of_the_environment_that_was_swapped_and_put_back_is_a_change(compiled: Path, what: str) -> None:
    now = later(compiled)
    assert changed_in_environment(compiled) <= now
    swapped(Path(os.path.normpath(compiled / SITE / what)))
    assert changed_in_environment(compiled) > now


@pytest.mark.parametrize("what", ["fastapi", "."])
def test_a_module_that_was_put_beside_others_and_taken_away_is_a_change(
    compiled: Path, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Byte code that lies there has not made that change: it was there before."""
    monkeypatch.setattr(probe, "AT_ONCE", 0.0)
    now = later(compiled)
    (compiled / SITE / what / "extra.py").write_text("B = 1\n")
    (compiled / SITE / what / "extra.py").unlink()
    assert changed_in_environment(compiled) > now


@pytest.mark.parametrize(("folder", "changed"), [("app/deep", changed_in_tree), (f"{SITE}/fastapi", changed_in_environment)])
def test_an_import_is_no_change(checkout: Path, folder: str, changed: Callable[[Path], float]) -> None:
    now = later(checkout)
    (checkout / folder / "__pycache__").mkdir()
    (checkout / folder / "__pycache__" / "x.cpython-312.pyc").write_bytes(b"")
    assert changed(checkout) <= now


def stands(folder: Path, cwd: Path, work: Callable[[], Any] = lambda: None) -> str:
    """What the probe tells of where a process stands that was started in a folder, once that work was done."""
    (folder / "app/__init__.py").write_text("")
    with running("/usr/bin/python3", "-c", WAITS, cwd=cwd) as pid:
        work()
        row = {"pid": pid, "unit": "voxbridge.service", "argv": ["python"], "exe": "", "uid": 0, "started": 0.0, "cgroup": "/"}
        found = probe.runtime(service(folder), probe.Job(lambda: [row]), probe.Job(dict))
        return str(found["processes"][str(pid)]["stands"])


def test_who_was_started_in_another_tree_of_that_name_stands_there_still(checkout: Path) -> None:
    other = checkout.parent / "other"

    def back() -> None:
        checkout.rename(other)
        Path(f"{checkout}.good").rename(checkout)

    (checkout / "app/__init__.py").write_text("")
    shutil.copytree(checkout, f"{checkout}.good", symlinks=True)
    assert stands(checkout, checkout, back) == str(other)


def test_who_stands_in_a_folder_that_is_gone_is_told(checkout: Path) -> None:
    other = checkout.parent / "other"
    other.mkdir()
    assert stands(checkout, other, other.rmdir) == f"{other} (deleted)"


@pytest.mark.parametrize("where", [".", "app", ".."])
def test_who_stands_in_the_folder_or_somewhere_else_by_himself_is_not_told(checkout: Path, where: str) -> None:
    assert stands(checkout, checkout / where) == ""
