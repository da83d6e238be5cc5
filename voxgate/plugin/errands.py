"""Errands: ``--plan``, ``--history``, ``--releases``, ``--clear``. Nothing is judged; lines are printed, and that is all."""

from __future__ import annotations

import pytest

from voxgate.deploy import errands
from voxgate.deploy.gate import Gate
from voxgate.errors import Refused, VoxgateError
from voxgate.model.verdict import Exit
from voxgate.redaction.cutting import Redactor


def is_errand(config: pytest.Config) -> bool:
    """True where the command line asks for one."""
    return any(config.getoption(name) for name in ("plan", "history", "releases", "clear"))


def _must_be_one(config: pytest.Config) -> None:
    """Raises Refused where more is asked for than an errand does: what is left out silently is believed to be done."""
    names = ("clear", "history", "releases", "plan", "recover", "deploy", "rollback")
    asked = [f"--{name}" for name in names if config.getoption(name)]
    # A plan is one of a deploy or of a rollback: those two go with it.
    if len(asked) > 1 and (asked[0] != "--plan" or "--recover" in asked):
        raise Refused("one errand at a time", where=" ".join(asked), hint="the one, then the other")


def run_errand(config: pytest.Config, gate: Gate) -> int:
    """Do it and print what it says; the exit status."""
    status = 0
    try:
        _must_be_one(config)
        if config.getoption("clear"):
            lines = errands.clear(gate, config.getoption("clear"), config.getoption("reason"))
        elif config.getoption("history"):
            lines, whole = errands.tell_history(gate)
            status = 0 if whole else int(Exit.BLIND)
        elif config.getoption("releases"):
            lines, whole = errands.tell_releases(gate)
            status = 0 if whole else int(Exit.BLIND)
        else:
            lines = errands.plan(gate)
    except Refused as error:
        lines, status = [f"refused: {error.text}"], int(Exit.REFUSED)
    except VoxgateError as error:
        lines, status = [error.text], int(Exit.BROKEN)
    print("\n" + (gate.cutter or Redactor()).cut("\n".join(lines)))  # noqa: T201 - this is its output
    return status
