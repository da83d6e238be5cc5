"""Promotion on real hosts: what is not let in touches nothing and stands in the ledgers, and what was done elsewhere goes."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.lab.conftest import ROOT, GateRun, head_of, ledger, run_gate
from tests.lab.serving import restarted, running

NEWEST = "vox-backend-2026.06.24-1"
FROZEN = '[promotion]\nfreezes = [{ from = 2020-01-01, until = 2099-01-01, reason = "moving house" }]\n'


@pytest.fixture
def gate(deployed: GateRun, tmp_path: Path) -> Callable[..., GateRun]:
    """The gate on the same hosts as another estate, ``after``, with a rule: ``gate(FROZEN, "--deploy", "backend")``."""
    assert deployed.status == 0

    def run(rule: str, *arguments: str) -> GateRun:
        text = re.sub(r'^name = "lab"$', 'name = "after"', (ROOT / "hosts/lab.toml").read_text("utf-8"), flags=re.MULTILINE)
        estate = tmp_path / "after.toml"
        estate.write_text(f"{text}\n{rule}", "utf-8")
        return run_gate(["--estate", str(estate), "--html", "never", *arguments], tmp_path / "reports")

    return run


def test_what_is_not_let_in_touches_nothing_and_stands_in_ledger_and_report(gate: Callable[..., GateRun]) -> None:
    before, head = running(), head_of("api-1", "vox-backend")
    run = gate(FROZEN, "--deploy", "backend")
    assert run.status == 10, run.said
    assert "after lets this deploy not in: frozen until 2099-01-01, moving house" in " ".join(run.said.split())
    assert "it opens at no time within a year" in " ".join(run.said.split())
    assert "moving house" in run.verdict["summary"]
    assert run.verdict["verdict"] == "refused"
    assert (restarted(before), head_of("api-1", "vox-backend")) == ([], head)
    last = ledger("api-1", "backend")[-1]
    assert (last["event"], "moving house" in last["reason"], last["tag"]) == ("refused", True, NEWEST)
    plan = gate(FROZEN, "--deploy", "backend", "--plan")
    assert "promotion of this deploy would be refused" in plan.said
    told = gate(FROZEN, "--history", "-q")
    assert (told.status, "moving house" in told.said) == (0, True), told.said


def test_an_override_is_done_and_stands_in_ledger_and_report(gate: Callable[..., GateRun]) -> None:
    run = gate(FROZEN, "--deploy", "backend", "--override-promotion", "--reason", "calls drop")
    assert run.status == 0, run.said
    assert any("promotion overridden (calls drop): frozen until" in note for note in run.verdict["notes"])
    events = [one for one in ledger("api-1", "backend") if one["run"] == run.folder.name]
    assert [one["event"] for one in events] == ["overridden", "begun", "promoted", "verdict", "attested"]
    assert "calls drop" in events[0]["reason"]


def test_a_rollback_is_always_let_in(gate: Callable[..., GateRun]) -> None:
    run = gate(FROZEN, "--rollback", "backend=vox-backend-2026.06.24-1")
    assert "lets this deploy not in" not in run.said


def test_only_what_was_done_on_the_estate_before_goes(
    gate: Callable[..., GateRun], deployed: GateRun, key: Path, tmp_path: Path
) -> None:
    assert deployed.status == 0
    asked = ("--deploy", "backend", "--require-attested", "lab=7", "--signers", str(key.with_name("signers")))
    run = gate("", *asked)
    assert (run.status, "no attested run says that" in run.said) == (10, True), run.said
    done = run_gate(["--estate", "lab", "--html", "never", "--deploy", "backend", "--sign-key", str(key)], tmp_path / "before")
    assert done.status == 0, done.said
    run = gate("", *asked, "--attested", str(tmp_path / "before"))
    assert (run.status, run.verdict["verdict"]) == (0, "done"), run.said
    assert ledger("api-1", "backend")[-1]["event"] == "attested"
