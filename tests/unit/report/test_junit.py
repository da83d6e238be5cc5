"""JUnit: the run's properties, and reports that are fit to be read."""

from __future__ import annotations

from typing import Any

import pytest

from voxgate.model.verdict import RunOutcome
from voxgate.redaction.cutting import Redactor
from voxgate.report.junit import scrub, suite_properties


def report(longrepr: Any, **more: Any) -> pytest.TestReport:
    return pytest.TestReport("x", ("x.py", 1, "x"), {}, "failed", longrepr, "call", **more)


def test_the_file_says_what_went_where(rolled_back: RunOutcome) -> None:
    said = dict(suite_properties(rolled_back))
    assert said["voxgate.verdict"] == "rolled back"
    commit = "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567"
    assert said["voxgate.fleet.tried"] == f"vox-agents-2026.11.22-1 {commit}"
    assert said["voxgate.fleet.from"] == said["voxgate.fleet.running"] == f"vox-agents-2026.11.20-2 {commit[::-1]}"
    assert said["voxgate.exit_status"] == "11"


def test_reports_lose_their_secrets() -> None:
    one = report(
        "found mongodb://u:canary@h",
        sections=[("Captured stdout call", "JWT_SECRET=canary")],
        user_properties=[("voxgate.found", "canary"), ("n", 1)],
    )
    scrub(one, Redactor(["canary"]))
    assert "canary" not in str(vars(one))
    assert one.user_properties[1] == ("n", 1)


def test_a_skip_stays_a_skip() -> None:
    one = report(("x.py", 3, "Skipped: canary"))
    scrub(one, Redactor(["canary"]))
    assert one.longrepr == ("x.py", 3, "Skipped: [cut]")


def test_a_traceback_without_secrets_stays_as_it_is() -> None:
    class Trace:
        def toterminal(self, writer: Any) -> None:
            writer.line("plain")

    trace: Any = Trace()
    one = report(trace)
    scrub(one, Redactor())
    assert one.longrepr is trace
