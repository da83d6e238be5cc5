"""CI tries what needs a lab a part at a time: each has its turn, and each rule is seen red in each part."""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from lab.proving.commands import _things
from lab.proving.fault import all_faults, ids_of
from lab.proving.ordinary import all_ordinary
from lab.proving.script import rule_of
from lab.proving.turn import Turn
from tests.lab.sharing import ALWAYS, LONG, modules_of
from voxgate.errors import VoxgateError

ROOT = Path(__file__).resolve().parents[2]
DRILLS = "tests/lab/drills"
OTHERS = ("tests/lab", f"--ignore={DRILLS}")


@pytest.mark.parametrize("words", ["1/3", "3/3", ""])
def test_each_fault_has_its_turn_and_each_rule_is_seen_red_in_each(words: str) -> None:
    turn, faults = Turn.read(words), all_faults()
    shown = {fault: {(rule_of(one), verdict) for one, verdict in fault.declared(ids_of(fault)).items()} for fault in faults}
    mine = turn.of_faults(faults)
    assert set().union(*map(shown.__getitem__, mine)) == set().union(*shown.values())
    assert len(set(mine)) == len(mine)
    assert (len(mine) == len(faults)) == (turn.parts == 1)
    assert {fault for number in range(1, turn.parts + 1) for fault in Turn(number, turn.parts).of(faults)} == set(faults)


@pytest.mark.parametrize("words", ["0/3", "4/3", "1", "a/b", "1/3 ", "-1/3", "1/1000"])
def test_what_is_no_turn_is_said(words: str) -> None:
    with pytest.raises(VoxgateError, match=r"is no turn"):
        Turn.read(words)


def _collect(turn: str, *folder: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "pytest", *folder, "--collect-only", "-q", "-p", "no:cacheprovider"]
    env = {"PATH": "/usr/bin:/bin", "TURN": turn}
    return subprocess.run(argv, cwd=ROOT, env=env, capture_output=True, text=True, check=False)


def _collected(turn: str, *folder: str) -> list[str]:
    ended = _collect(turn, *folder)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return [line for line in ended.stdout.splitlines() if "::" in line]


def test_drills_have_their_turns_file_by_file() -> None:
    every, parts = _collected("", DRILLS), [_collected(f"{number}/3", DRILLS) for number in (1, 2, 3)]
    assert sorted({one for part in parts for one in part}) == sorted(every)
    files = {one.partition("::")[0] for one in every}
    for part in parts:
        assert {one.partition("::")[0] for one in part} == files
        assert len(part) < len(every) / 2


def test_modules_have_their_turns_and_a_deploy_from_beginning_to_end_has_each() -> None:
    every = {path.name for path in (ROOT / "tests" / "lab").glob("test_*.py")}
    parts = [modules_of(Turn(number, 3), every) for number in (1, 2, 3)]
    assert Counter(name for part in parts for name in part) == {name: 3 if name in ALWAYS else 1 for name in every}
    assert [len(part & set(LONG)) for part in parts] == [2, 2, 1]
    assert {Path(one.partition("::")[0]).name for one in _collected("2/3", *OTHERS)} == parts[1]
    assert modules_of(Turn(1, 1), every) == every


def test_ordinary_things_have_their_turns() -> None:
    every = all_ordinary()
    parts = [_things(argparse.Namespace(names=[""], turn=f"{number}/3")) for number in (1, 2, 3)]
    assert sorted(one.name for part in parts for one in part) == sorted(one.name for one in every)
    assert all(len(part) < len(every) / 2 for part in parts)
    assert _things(argparse.Namespace(names=[""], turn="")) == every
    assert _things(argparse.Namespace(names=[every[5].name], turn="1/3")) == every[5:6]


@pytest.mark.parametrize("folder", [(DRILLS,), OTHERS], ids=["drills", "others"])
def test_a_turn_that_is_none_is_a_line_for_tests_of_a_lab_too(folder: tuple[str, ...]) -> None:
    ended = _collect("4/3", *folder)
    said = ended.stdout + ended.stderr
    assert ended.returncode == pytest.ExitCode.USAGE_ERROR
    assert "ERROR: TURN=4/3: is no turn: it takes a number, and of how many parts\n" in said
    assert "INTERNALERROR" not in said
