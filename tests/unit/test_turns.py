"""CI tries faults and drills a part at a time: each has its turn, and each rule is seen red in each part."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from lab.proving.fault import all_faults, ids_of
from lab.proving.script import rule_of
from lab.proving.turn import Turn
from voxgate.errors import VoxgateError

ROOT = Path(__file__).resolve().parents[2]


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


def _collect(turn: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "pytest", "tests/lab/drills", "--collect-only", "-q", "-p", "no:cacheprovider"]
    env = {"PATH": "/usr/bin:/bin", "TURN": turn}
    return subprocess.run(argv, cwd=ROOT, env=env, capture_output=True, text=True, check=False)


def _collected(turn: str) -> list[str]:
    ended = _collect(turn)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return [line for line in ended.stdout.splitlines() if "::" in line]


def test_drills_have_their_turns_file_by_file() -> None:
    every, parts = _collected(""), [_collected(f"{number}/3") for number in (1, 2, 3)]
    assert sorted({one for part in parts for one in part}) == sorted(every)
    files = {one.partition("::")[0] for one in every}
    for part in parts:
        assert {one.partition("::")[0] for one in part} == files
        assert len(part) < len(every) / 2


def test_a_turn_that_is_none_is_a_line_for_the_drills_too() -> None:
    ended = _collect("4/3")
    said = ended.stdout + ended.stderr
    assert ended.returncode == pytest.ExitCode.USAGE_ERROR
    assert "ERROR: TURN=4/3: is no turn: it takes a number, and of how many parts\n" in said
    assert "INTERNALERROR" not in said
