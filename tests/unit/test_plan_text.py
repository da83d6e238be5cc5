"""A plan, whole; and what the ledgers tell of every deploy, line by line, as a table."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace

import pytest

from tests.pages import must_be_as_made
from tests.planned import PAGE, PLAN, page
from voxgate.contracts.estates import load_estate
from voxgate.deploy.hosts.state import Found
from voxgate.deploy.plan_text import Entry, history, history_lines, plan_lines
from voxgate.deploy.planning.plan import Plan
from voxgate.moves import steps

ESTATE = load_estate("lab")


def test_the_page_of_a_plan_is_as_it_is_printed() -> None:
    must_be_as_made(PAGE, page())


@pytest.mark.parametrize(("workers", "alone"), [(1, False), (2, True), (3, True)])
def test_the_first_worker_of_several_is_said_to_be_judged_alone(workers: int, *, alone: bool) -> None:
    target = PLAN.targets[1]
    first, other = target.placements
    there = replace(first, host=replace(first.host, workers=workers))
    lines = plan_lines(ESTATE, Plan((replace(target, placements=(there, other)),)), (), {}, 1, {})
    of_it = [one.removeprefix("   fleet-1    ") for one in lines[lines.index(RESTARTS) :] if one.startswith("   fleet-1 ")]
    restarts = [shlex.join(steps.systemctl("restart", f"voxcore@{number}.service").argv) for number in range(1, workers + 1)]
    canary = ["(canary: judged alone, before the second is touched)"] if alone else []
    whole = "(canary: judged as a whole, before any other host is touched)"
    assert of_it == [*restarts[:1], *canary, *restarts[1:], whole]


RESTARTS = "3. restart, one after the other, each healthy before the next"


def line(event: str, run: str, **more: object) -> str:
    """One line of a ledger."""
    return json.dumps({"event": event, "run": run, **more})


BEGUN = {"at": "2026-06-24T10:00:00Z", "how": "deploy", "from": "vox-agents-2026.06.23-1", "by": "me@here", "build": "b-7"}
FIRST = (
    line("begun", "r1", **BEGUN, tag="vox-agents-2026.06.24-1", commit="b" * 40),
    line("overridden", "r1", reason="sold"),
    line("overridden", "r1", reason="said twice"),
    line("promoted", "r1", reason="as asked"),
    line("verdict", "r1", verdict="done", digest="d" * 64),
)
SECOND = (
    line("begun", "r2", at="2026-06-23T10:00:00Z", commit="c" * 40, tag=""),
    line("verdict", "r2", verdict="blind", digest="e" * 64),
    line("held", "r2"),
    line("verdict", "r2", verdict="violated", digest="f" * 64),
    line("cleared", "r9", mended="r2", reason="by hand"),
)
NOISE = ("{", "[]", '"x"', line("begun", ""), json.dumps({"run": "r8"}), json.dumps({"event": 1, "run": "r8"}), "x" * 9)


def test_each_deploy_is_one_entry_oldest_first_and_what_nobody_can_read_is_none() -> None:
    """Of a fleet on two hosts one says more; of another one no tag was kept, and another run mended it."""
    found = {
        "fleet-fleet-1": Found(None, ledger=(*NOISE, *FIRST)),
        "fleet-fleet-2": Found(None, ledger=(*FIRST[:1], line("rolled-back", "r1"), *NOISE, *SECOND)),
        "backend-api-1": Found(None, ledger=(line("begun", "r1", at="2026-06-25", tag="vox-backend-2026.06.25-1"),)),
    }
    assert history(ESTATE, found) == [
        Entry(
            at="2026-06-23T10:00:00Z",
            service="fleet",
            hosts=("fleet-2",),
            how="",
            origin="",
            release="c" * 12,
            outcome="held, cleared by r9",
            verdict="violated",
            by="",
            build="",
            run="r2",
            digest="f" * 64,
            reason="by hand",
        ),
        Entry(
            at="2026-06-24T10:00:00Z",
            service="fleet",
            hosts=("fleet-1", "fleet-2"),
            how="deploy",
            origin="vox-agents-2026.06.23-1",
            release="vox-agents-2026.06.24-1",
            outcome="done, rolled back",
            verdict="done",
            by="me@here",
            build="b-7",
            run="r1",
            digest="d" * 64,
            reason="sold",
        ),
        Entry("2026-06-25", "backend", ("api-1",), "", "", "vox-backend-2026.06.25-1", "open", "", "", "", "r1", "", ""),
    ]


def test_a_history_is_a_table_in_which_nothing_is_left_out() -> None:
    found = {"fleet-fleet-1": Found(None, ledger=FIRST), "fleet-fleet-2": Found(None, ledger=(*FIRST, *SECOND))}
    assert history_lines(history(ESTATE, found)) == [
        (
            "when                  service  hosts            how     from                     to                       outcome"
            "              verdict   by       build  report sha256  reason"
        ),
        (
            "2026-06-23T10:00:00Z  fleet    fleet-2          -       -                        cccccccccccc             held,"
            " cleared by r9  violated           -      ffffffffffff   by hand"
        ),
        (
            "2026-06-24T10:00:00Z  fleet    fleet-1,fleet-2  deploy  vox-agents-2026.06.23-1  vox-agents-2026.06.24-1  done"
            "                 done      me@here  b-7    dddddddddddd   sold; as asked"
        ),
    ]
    assert history_lines([]) == [
        "when  service  hosts  how  from  to  outcome  verdict  by  build  report sha256  reason",
    ]
