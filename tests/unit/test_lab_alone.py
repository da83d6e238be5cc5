"""Two labs in one network: the second is refused, and takes nothing of the first. None is taken down without a word."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

from lab import cell, cli, places, raising
from voxgate.errors import VoxgateError

ROOT = Path(__file__).resolve().parents[2]
NOBODY = 2**22 + 1  # no process has it

STOPPED = """
import dataclasses, json, os, subprocess, sys
from pathlib import Path
from lab import cell, places
places.RUN = Path(sys.argv[1]) / "voxgate-lab-second"
places.STATE = places.RUN / "state.json"
subprocess.run(["ip", "link", "add", cell.CABLE, "type", "veth", "peer", "name", "end"], check=True)
first = cell.Cell(os.getpid(), cell.start_ticks(os.getpid()), "x", "y", True, cell.network())
(places.RUN.parent / "voxgate-lab-first/state.json").write_text(json.dumps(dataclasses.asdict(first)))
cell.stop()
print(cell._is_cabled())
(places.RUN.parent / "voxgate-lab-first/state.json").unlink()
cell.stop()
print(cell._is_cabled())
"""


def running(pid: int = 0, network: int | None = None, *, ready: bool = True) -> cell.Cell:
    """A lab whose first process is this one."""
    pid = pid or os.getpid()
    return cell.Cell(pid, cell.start_ticks(os.getpid()), "mark", "cache", ready, cell.network() if network is None else network)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which the labs of this machine stand; we are the second."""
    for name in ("voxgate-lab", "voxgate-lab-first", "voxgate-lab-second"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(places, "RUN", tmp_path / "voxgate-lab-second")
    monkeypatch.setattr(places, "STATE", places.RUN / "state.json")
    monkeypatch.setattr(places, "LOCK", places.RUN / "lock")
    return tmp_path


def put(run: Path, name: str, one: cell.Cell) -> None:
    """It runs."""
    (run / name / "state.json").write_text(json.dumps(asdict(one)), "utf-8")


@pytest.mark.parametrize(("folder", "name"), [("voxgate-lab-first", "lab first"), ("voxgate-lab", "lab the plain one")])
def test_a_second_lab_in_the_same_network_is_refused_before_anything_is_done(folder: str, name: str, run: Path) -> None:
    put(run, folder, running())
    said: list[str] = []
    with pytest.raises(VoxgateError, match=f"{name}: another lab is up in this network") as refused:
        raising.up(said.append)
    assert "lab run --isolated" in refused.value.hint
    assert said == []


@pytest.mark.parametrize("one", [running(NOBODY), running(network=1), running(network=0)])
def test_a_dead_lab_and_one_in_another_network_are_in_nobodys_way(one: cell.Cell, run: Path) -> None:
    put(run, "voxgate-lab-first", one)
    cell.must_be_alone()


def test_a_lab_in_another_network_is_not_called_up(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put(run, "voxgate-lab-second", running())
    assert (cli.main(["status", "--quiet"]), capsys.readouterr()) == (0, ("", ""))
    put(run, "voxgate-lab-second", running(network=1))
    assert cli.main(["status", "--quiet"]) == 1
    assert "it is up in another network namespace" in capsys.readouterr().err
    assert cli.main(["status"]) == 1
    (run / "voxgate-lab-second/state.json").unlink()
    assert cli.main(["status", "--quiet"]) == 1
    assert "the lab is not up\n  hint: make gate builds" in capsys.readouterr().err


def test_the_cable_of_the_other_lab_stays(run: Path) -> None:
    argv = ["unshare", "--net", sys.executable, "-c", STOPPED, str(run)]
    env = {**os.environ, "VOXGATE_LAB": "unit"}
    done = subprocess.run(argv, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.split() == ["True", "False"], done.stderr


class Terminal(io.StringIO):
    """A terminal at which somebody typed this."""

    def isatty(self) -> bool:
        """True: it is one."""
        return True


def test_what_is_lost_is_said_and_whoever_can_be_asked_is(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    raising._must_be_meant(running(), "it is from another recipe", said.append)
    assert [line.partition(":")[0] for line in said] == ["taking the old lab down", "lost with it"]
    raising._must_be_meant(running(ready=False), "it is half up", said.append)
    assert said[2:] == ["taking the old lab down: it is half up"]
    monkeypatch.setattr(sys, "stdout", Terminal())
    for typed in ("\n", "n\n", "what?\n"):
        monkeypatch.setattr(sys, "stdin", Terminal(typed))
        with pytest.raises(VoxgateError, match="it stays as it is"):
            raising._must_be_meant(running(), "it is from another recipe", said.append)
    monkeypatch.setattr(sys, "stdin", Terminal("y\n"))
    raising._must_be_meant(running(), "it is from another recipe", said.append)
