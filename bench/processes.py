"""Processes of what is measured: each as a person starts it, and none whose end is not looked at."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from voxgate.errors import VoxgateError

ROOT = Path(__file__).resolve().parents[1]
RIVALS = ROOT / "bench" / "rivals"
DEADLINE = 580.0


def environment(**more: str) -> dict[str, str]:
    """Ours, with Python's byte code kept: a start that compiles everything anew measures the compiler."""
    left_out = {"PYTHONDONTWRITEBYTECODE", "VIRTUAL_ENV", "PYTEST_ADDOPTS"}
    return {**{name: value for name, value in os.environ.items() if name not in left_out}, **more}


def run(
    argv: Sequence[str],
    *,
    cwd: Path = ROOT,
    env: Mapping[str, str] | None = None,
    fine: Sequence[int] = (0,),
    deadline: float = DEADLINE,
) -> str:
    """One process and what it printed. Raises VoxgateError where it ends otherwise than it is ``fine``, with its last words."""
    done = subprocess.run(
        list(argv), cwd=cwd, env=environment(**(env or {})), capture_output=True, text=True, check=False, timeout=deadline
    )
    if done.returncode not in fine:
        words = (done.stdout[-3000:] + done.stderr[-2000:]).strip()
        raise VoxgateError(f"ended with {done.returncode}", where=" ".join(argv)[:300], why=words)
    return done.stdout + done.stderr


def gate(*words: str) -> list[str]:
    """Pytest with voxgate's plugins, as `uv run pytest` starts it."""
    return [sys.executable, "-m", "pytest", *words]


def rival(program: str) -> str:
    """A program of the environment that the other tools stand in. Raises VoxgateError where it is not there."""
    path = RIVALS / ".venv" / "bin" / program
    if not path.exists():
        raise VoxgateError("is not there", where=str(path), hint="`make bench` installs it")
    return str(path)
