"""What changed since done, as it is told: the page, the terminal, ``changes.json``. It has no part in the verdict."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from voxgate.model.estate import Estate
from voxgate.model.fingerprints import Change, HostChanges
from voxgate.model.run_facts import Gap
from voxgate.model.verdict import RunOutcome
from voxgate.redaction.cutting import Redactor
from voxgate.report.folder import ReportFolder
from voxgate.report.page.site import page
from voxgate.report.publish import publish
from voxgate.report.terminal.closing import closing
from voxgate.report.told import since_done_lines
from voxgate.report.verdict import verdict_file
from voxgate.report.verdict.since_done import changes_text

AT = "2026-11-22T08:00:00Z"
AGENT = Change("boot", "agent.service", "new", ("package agent, put there since then",))
CRON = Change("job", "/etc/cron.d/x", "new")
SAID = (HostChanges("api-1", "r1", AT, changes=(AGENT, CRON)), HostChanges("sip-1", "r1", AT))
HOSTILE = "</li><script>alert(1)</script>\u202e\x1b[31m\n"


def lines_of(outcome: RunOutcome, room: int | None = None) -> str:
    stream = io.StringIO()
    closing(outcome, console=Console(file=stream, width=120), report_path=None, room=room)
    return stream.getvalue()


def test_nothing_is_told_where_nothing_changed(done: RunOutcome, estate: Estate, tmp_path: Path) -> None:
    quiet = replace(done, changes=(HostChanges("api-1", "r1", AT),))
    assert since_done_lines(quiet.changes) == []
    assert lines_of(quiet) == lines_of(done)
    assert page(quiet, estate, ReportFolder(tmp_path)) == page(done, estate, ReportFolder(tmp_path))


def test_the_terminal_tells_how_many_and_what_nobody_explains() -> None:
    assert since_done_lines(SAID) == [
        "2 things changed on api-1, 1 of them unexplained: changes.json has all",
        f"unexplained-change: api-1: job /etc/cron.d/x is new, since {AT} (run r1)",
    ]
    many = HostChanges("api-1", "r1", AT, changes=(replace(CRON),) * 40, more=7)
    said = since_done_lines([many])
    assert said[0].startswith("47 things changed on api-1, 40 of them")
    assert (len(said), said[-1]) == (7, "unexplained-change: and 35 more")
    unknown = [HostChanges(f"fleet-{number}", note="no done is kept here: nothing to compare with") for number in range(9)]
    (line,) = since_done_lines(unknown)
    assert line.endswith("and 4 more: no done is kept here: nothing to compare with")


def test_it_is_in_the_closing_and_changes_no_verdict(done: RunOutcome) -> None:
    told = lines_of(replace(done, changes=SAID))
    assert "since done 2 things changed on api-1" in told
    assert told.splitlines()[-1] == lines_of(done).splitlines()[-1]


def test_where_there_is_no_room_the_table_goes_first_then_what_stands_beside_the_verdict(done: RunOutcome) -> None:
    """That something changed is said all the same."""
    gap = Gap("backend", "api-1", "voxbridge.service", 1.0, 1.7)
    outcome = replace(done, changes=SAID, gaps=(gap, replace(gap, service="dialler")))
    whole = lines_of(outcome)
    without_table = lines_of(outcome, room=whole.count("\n") - 1)
    told = ("backend   1 unit was away for 1.7 s\n", "  unexplained-change: ")
    assert all(line in text for line in told for text in (whole, without_table))
    assert "where   all holds everywhere\n" in without_table
    folded = lines_of(outcome, room=without_table.count("\n") - 1)
    kept = "".join(line for line in without_table.splitlines(keepends=True) if not line.startswith(told))
    assert folded == kept
    assert "since done 2 things changed" in folded


def test_the_page_tells_the_unexplained_first_and_each_reason(done: RunOutcome, estate: Estate, tmp_path: Path) -> None:
    said = page(replace(done, changes=SAID), estate, ReportFolder(tmp_path))
    assert "Changed since done" in said
    assert said.index("/etc/cron.d/x") < said.index("agent.service")
    assert "<strong>unexplained-change</strong>" in said
    assert "package agent, put there since then" in said


def test_no_word_of_a_host_is_more_than_a_word(done: RunOutcome, estate: Estate, tmp_path: Path) -> None:
    evil = HostChanges(
        "api-1", HOSTILE, HOSTILE, HOSTILE, (Change(HOSTILE, HOSTILE, "new", (HOSTILE,)), Change("job", HOSTILE, "new"))
    )
    outcome = replace(done, changes=(evil,))
    said = page(outcome, estate, ReportFolder(tmp_path))
    assert "<script" not in said
    for text in (said, lines_of(outcome), changes_text(outcome)):
        assert "\u202e" not in text
        assert "\x1b" not in text
    assert json.loads(changes_text(outcome))["hosts"]["api-1"]["changes"][1]["what"] == "unexplained-change"


def test_what_a_secret_is_goes_out_of_it(done: RunOutcome, estate: Estate, tmp_path: Path) -> None:
    """Wherever it is told: names and reasons are a host's words."""
    secret = "hunter2hunter2secret"
    redactor = Redactor.of({"ADMIN_PASSWORD": secret})
    change = Change("sudo", f"anna: (root) /bin/x {secret}", "new", (f"package {secret}",))
    outcome = replace(done, changes=(HostChanges("api-1", "r1", AT, f"a note {secret}", (change,)),))
    folder = ReportFolder(tmp_path)
    folder.allure_results.mkdir()
    publish(outcome, estate, folder, redactor, html=False)
    for path in (folder.page, folder.changes):
        assert "/bin/x" in path.read_text()
        assert secret not in path.read_text()
    assert secret not in lines_of(verdict_file.cut(outcome, redactor))


def test_the_file_has_all_of_it_and_none_is_written_where_nothing_was_compared(
    done: RunOutcome, estate: Estate, tmp_path: Path
) -> None:
    folder = ReportFolder(tmp_path)
    folder.allure_results.mkdir()
    publish(done, estate, folder, Redactor.of({}), html=False)
    assert not folder.changes.exists()
    publish(replace(done, changes=SAID), estate, folder, Redactor.of({}), html=False)
    document = json.loads(folder.changes.read_text())
    assert (document["format"], document["run"], document["estate"]) == (1, done.run, "lab")
    assert document["hosts"]["sip-1"] == {"run": "r1", "done": AT, "note": "", "changes": [], "more": 0}
    assert document["hosts"]["api-1"]["changes"] == [
        {"what": None, "kind": "boot", "name": "agent.service", "how": "new", "why": ["package agent, put there since then"]},
        {"what": "unexplained-change", "kind": "job", "name": "/etc/cron.d/x", "how": "new", "why": []},
    ]
    assert "changes.json" in folder.page.read_text()


@pytest.mark.parametrize("changes", [(), SAID])
def test_a_verdict_has_none_of_it(done: RunOutcome, changes: tuple[HostChanges, ...], tmp_path: Path) -> None:
    path = tmp_path / "verdict.json"
    verdict_file.write(replace(done, changes=changes), path, Redactor.of({}))
    assert "cron.d" not in path.read_text()
    assert verdict_file.cut(replace(done, changes=changes), Redactor.of({})).changes == changes
