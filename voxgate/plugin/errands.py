"""Errands on the command line: ``--plan``, ``--history``, ``--clear``. Nothing is judged; lines are printed, and that is all."""

from __future__ import annotations

import pytest

from voxgate.deploy import errands
from voxgate.deploy.gate import Gate
from voxgate.errors import Refused, VoxgateError
from voxgate.model.verdict import Exit
from voxgate.report.redaction import Redactor


def is_errand(config: pytest.Config) -> bool:
    """True where the command line asks for one."""
    return bool(config.getoption("plan") or config.getoption("history") or config.getoption("clear"))


def run_errand(config: pytest.Config, gate: Gate) -> int:
    """Do it and print what it says; the exit status."""
    try:
        if config.getoption("clear"):
            lines = errands.clear(gate, config.getoption("clear"), config.getoption("reason"))
        elif config.getoption("history"):
            lines = errands.tell_history(gate)
        else:
            lines = errands.plan(gate)
    except Refused as error:
        lines, status = [f"refused: {error.text}"], int(Exit.REFUSED)
    except VoxgateError as error:
        lines, status = [error.text], int(Exit.BROKEN)
    else:
        status = 0
    print("\n" + (gate.cutter or Redactor()).cut("\n".join(lines)))  # noqa: T201 - this is its output
    return status
