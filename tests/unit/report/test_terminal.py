"""The closing: what a person reads at the end, on any terminal and on none."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console

from voxgate.model.verdict import Judgement, MoveRecord, RunOutcome, RunVerdict, Verdict
from voxgate.report.terminal.closing import EXIT_MEANING, closing, console_for
from voxgate.report.terminal.wrapping import hanging, shortened

PAGE = Path("/reports/latest/allure-report/index.html")


def said(outcome: RunOutcome, width: int = 120, *, terminal: bool = False, encoding: str = "utf-8", full: bool = False) -> str:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding, write_through=True)
    console = Console(file=stream, width=width, highlight=False, force_terminal=terminal)
    closing(outcome, console=console, report_path=PAGE, full=full)
    return raw.getvalue().decode(encoding)


def test_a_good_run_ends_with_done_and_the_report(done: RunOutcome) -> None:
    lines = said(done).splitlines()
    assert lines[-2].startswith("DONE  lab: 4 services are released")
    assert lines[-1] == f"exit 0  → {EXIT_MEANING[0]}"
    assert f"report  {PAGE}" in lines
    assert "✗" not in said(done)


def test_what_the_releases_bring_who_served_and_what_changed_is_told(told: RunOutcome) -> None:
    text, full = said(told, 160), said(told, 160, full=True)
    assert "\n          53 commits, 23 files, 2 packages, new in .env.example: LOG_LEVEL\n" in full
    assert "\n          takes 1 commit back, 1 file, 0 packages\n" in full
    assert "\n          53 commits, without 2 commits that ran and are not in it, 23 files, 0 packages (a lock " in full
    assert "Subject" not in text
    assert "53 commits" not in text  # the first lines of the run told it
    assert "\nfleet     5 of 6 workers served at the lowest, 1 call cut\n" in text
    assert "\nfleet     on the way back 4 of 6 workers served at the lowest, 0 calls cut\n" in text
    assert "\nfleet     2 units were away, each for 1.2 to 1.5 s\nbackend   1 unit was away, 1 not seen up again\n" in text
    assert "\ndialler   nobody dialled: sip-1 voxdialler.service: 6.2 s\n" in text
    since = (
        "\nsince 2026-11-22T08-00-00Z-lab-11aa (look, violated): 1 no longer holds; 2 hold again; fleet requires LOG_LEVEL now; "
    )
    assert since in text
    assert "\n            000000000000 Subject 9 (Ada) https://forge/9\n            and 43 more commits\n" in full
    assert "what ran is no ancestor of it: commits that ran are not in it" in full
    alike = replace(told, compared=None, rolled=None, rolled_back=None, gaps=())
    assert not [
        line
        for line in said(alike).splitlines()
        if line.startswith("since ") or "served" in line or "away" in line or "dialled" in line
    ]


def test_the_table_counts_what_holds_where(rolled_back: RunOutcome) -> None:
    table = said(rolled_back).partition("\n           data ")
    rows = {line.split()[0]: line for line in (table[1] + table[2]).splitlines()[1:9] if line.strip()}
    assert rows["data"].split() == ["data", "api-1", "fleet-1", "fleet-2", "sip-1", "estate"]
    assert rows["fleet"].split() == ["fleet", "·", "·", "21/21", "20/21", "✗1", "·", "0/1", "✗1"]
    assert rows["dialler"].split() == ["dialler", "·", "·", "·", "·", "9/10", "○1", "1/1"]
    assert rows["platform"].split() == ["platform", "3/3", "3/3", "3/3", "3/3", "2/3", "?1", "1/1"]


def test_each_cause_is_what_was_found_what_to_do_and_what_follows(rolled_back: RunOutcome) -> None:
    text = said(rolled_back, width=300)
    assert "\n  → put DEEPGRAM_API_KEY into /opt/vox-agents/.env on fleet-2, then sudo systemctl restart voxcore@2\n" in text
    assert "  + 2 follow from it: all-workers-are-up, capacity-adds-up\n" in text
    assert "? sip-1: could not look (denied): /run/docker.sock" in text
    assert "  + 1 rule is blind for it: only-livekit-in-containers\n" in text
    assert "○ not judged: tick-loop-is-alive[sip-1-voxdialler]" in text
    assert (
        "✗ fleet: health on fleet-2: voxcore@2.service is failed: exit status 1; fleet-2: voxcore@2.service is failed/fail"
        in text
    )
    assert text.index("✗ fleet: health on fleet-2") < text.index("? sip-1")
    assert text.index("? sip-1") < text.index("platform"), "the causes come first, then the table"
    assert "after the rollback: holds, 83 of 83 hold" in text


@pytest.mark.parametrize("width", [60, 80, 100, 120])
def test_nothing_is_wider_than_the_terminal_and_no_word_is_broken(rolled_back: RunOutcome, width: int) -> None:
    text = said(rolled_back, width)
    assert all(len(line) <= width for line in text.splitlines() if "report  " not in line), text
    for word in ("DEEPGRAM_API_KEY", "/opt/vox-agents/.env", "vox_agents/settings.py:41", "/run/docker.sock:"):
        assert word in text


@pytest.mark.parametrize("width", [40, 60, 80, 140])
def test_a_command_stays_one_to_copy(width: int) -> None:
    command = "`uv run voxgate enrol api-1 --estate lab | ssh YOU@198.51.100.21 sudo bash`"
    text = f"it is somebody's, who may change it at any time: {command}, and look again; or `ls -l /x`"
    lines = hanging(text, "  → ", width)
    assert any(command in line for line in lines)
    assert any("`ls -l /x`" in line for line in lines)
    assert " ".join(" ".join(lines).split()) == f"→ {text}"
    assert all(len(line) <= width for line in lines if command not in line)


def test_a_terminal_without_unicode_gets_ascii(rolled_back: RunOutcome) -> None:
    text = said(rolled_back, encoding="ascii")
    assert "20/21 x1" in text
    assert "-> put DEEPGRAM_API_KEY" in text


def test_without_a_terminal_there_are_no_escape_codes(rolled_back: RunOutcome) -> None:
    assert "\x1b" not in said(rolled_back)
    assert "\x1b[" in said(rolled_back, terminal=True)


def test_a_partial_look_does_not_count_what_was_not_asked_for(looked: RunOutcome) -> None:
    text = said(replace(looked, missing=tuple(f"rule-{n}" for n in range(70))))
    assert "not judged" not in text
    assert "10/10" in text


def test_an_incomplete_look_does(looked: RunOutcome) -> None:
    text = said(replace(looked, missing=("rule-1[sip-1]",), verdict=RunVerdict.INCOMPLETE, exit_status=2))
    assert "○ not judged: rule-1[sip-1]" in text
    assert "INCOMPLETE" in text


def test_a_refused_run_is_a_line_without_a_table(looked: RunOutcome) -> None:
    refused = replace(
        looked,
        verdict=RunVerdict.REFUSED,
        exit_status=10,
        judgements=(),
        services=(),
        summary="backend: no such tag",
        seconds=0.4,
    )
    assert said(refused).splitlines() == [
        "",
        f"report  {PAGE}",
        "REFUSED  lab: backend: no such tag (0.4s)",
        "exit 10  → refused: no host was touched",
    ]


def test_the_hint_of_a_refusal_stands_on_a_line_of_its_own_below_what_was_counted(looked: RunOutcome) -> None:
    """However long the line above it is."""
    summary = f"would stop it: {', '.join(f'rule-{n}[fleet-1]' for n in range(12))}\n  hint: mend it first"
    refused = replace(
        looked, verdict=RunVerdict.REFUSED, exit_status=10, judgements=(), services=(), summary=summary, seconds=4.4
    )
    lines = said(refused).splitlines()
    assert lines[-2] == "  hint: mend it first"
    assert lines[-3].endswith("rule-11[fleet-1] (4.4s)")


def test_the_seconds_of_a_kind_of_move_are_those_in_which_it_was_made(done: RunOutcome) -> None:
    """Not those between a first look at the health and the last one, a minute later."""
    moves = (
        MoveRecord("backend", "api-1", "health", 10.0, 5.0),
        MoveRecord("backend", "api-2", "health", 12.0, 4.0),
        MoveRecord("backend", "api-1", "health", 70.0, 0.5),
    )
    assert "\nbackend   health 6.5s; 60.5s in all on api-1, api-2\n" in said(replace(done, moves=moves), full=True)
    assert "60.5s in all" not in said(replace(done, moves=moves))  # each was told when it was made


def test_what_is_the_same_in_many_places_is_said_once(looked: RunOutcome) -> None:
    bad = tuple(
        Judgement(f"x[{n}]", "x", "x", "r", Verdict.VIOLATED, "dialler", "sip-1", "found it", "mend it") for n in range(40)
    )
    text = said(replace(looked, judgements=bad, verdict=RunVerdict.VIOLATED, exit_status=1))
    assert text.count("found it") == 1
    assert "  + the same on 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, and 29 more" in text


def test_a_very_long_finding_is_cut_short(looked: RunOutcome) -> None:
    bad = replace(looked.judgements[0], verdict=Verdict.VIOLATED, found="word " * 1000, advice="mend")
    text = said(replace(looked, judgements=(bad,)))
    assert "(all of it is in the report)" in " ".join(text.split())
    assert len(text) < 1500


def test_markup_in_findings_is_text(looked: RunOutcome) -> None:
    bad = replace(looked.judgements[0], verdict=Verdict.VIOLATED, found="got [bold]x[/bold] :smile: [/]", advice="see [link]")
    assert "got [bold]x[/bold] :smile: [/]" in said(replace(looked, judgements=(bad,)))


def test_many_hosts_get_a_row_a_service(done: RunOutcome) -> None:
    hosts = tuple(f"fleet-{n}" for n in range(60))
    judgements = tuple(
        Judgement(
            f"up[{host}]", "up", "up", "r", Verdict.VIOLATED if host == "fleet-7" else Verdict.HOLDS, "fleet", host, "x", "y"
        )
        for host in hosts
    )
    text = said(replace(done, hosts=hosts, judgements=judgements, moves=(), services=()))
    assert re.search(r"fleet +59/60 ✗1 +fleet-7 0/1 ✗1", text)


def test_a_pipe_is_120_columns_or_what_columns_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    assert console_for(io.StringIO()).width == 120
    monkeypatch.setenv("COLUMNS", "90")
    assert console_for(io.StringIO()).width == 90


@pytest.mark.parametrize("terminal", [False, True])
def test_nothing_that_was_found_moves_the_terminal(rolled_back: RunOutcome, *, terminal: bool) -> None:
    fake = "\x1b[2K\r\x1b[1A\x1b[32mDONE\x1b[0m\nDONE  lab: done\u2028\u202e\x07\x9b31m\u200b"
    judgements = tuple(
        replace(one, found=fake, advice=fake) if one.verdict is Verdict.VIOLATED else one for one in rolled_back.judgements
    )
    moves = tuple(replace(one, error=fake, hint=fake) if one.error else one for one in rolled_back.moves)
    text = said(replace(rolled_back, judgements=judgements, moves=moves, notes=(fake,)), terminal=terminal)
    plain = re.sub(r"\x1b\[[0-9;]*m", "", text) if terminal else text
    assert all(line.isprintable() for line in plain.split("\n")), plain
    assert not [line for line in plain.split("\n") if line.startswith("DONE")]
    assert "\\x1b[2K" in plain


@pytest.mark.parametrize("width", [72, 100])
def test_no_wide_letter_has_the_terminal_break_a_line(rolled_back: RunOutcome, width: int) -> None:
    """What goes on at the terminal's edge begins a line there, and could be a verdict's."""
    fake = "\u901a\u8a71\u4e2d " * 9 + "DONE  lab: everything holds (312 of 312 hold, 41.2s) " * 2
    judgements = tuple(
        replace(one, found=fake, advice=fake) if one.verdict is Verdict.VIOLATED else one for one in rolled_back.judgements
    )
    outcome = replace(rolled_back, judgements=judgements, notes=(fake,), summary=fake)
    stream = io.StringIO()
    words = {one.id: [fake] for one in judgements}
    console = Console(file=stream, width=width, highlight=False, legacy_windows=False)
    closing(outcome, console=console, report_path=None, words=words)
    lines = stream.getvalue().splitlines()
    assert any("\u901a" in line for line in lines)
    assert not [line for line in lines if cell_len(line) > width]


VERDICT = "DONE..lab:.everything.holds.(312.of.312.hold,.41.2s)"


@pytest.mark.parametrize("width", [72, 100])
@pytest.mark.parametrize(
    "fake",
    [
        "/srv/" + "x" * 59 + f"{VERDICT:.<100}" * 3,
        f"`{'x' * 63} DONE  lab: everything holds (312 of 312 hold, 41.2s) {'x' * 200}`",
        "`" + "x" * 68 + "\u901a" * 60,
    ],
    ids=["a-long-word", "what-looks-like-a-command", "wide-letters"],
)
def test_no_word_of_a_host_begins_a_row_at_the_terminal_s_edge(rolled_back: RunOutcome, width: int, fake: str) -> None:
    """A path, a process's title: without a blank, or as a command that is not to be broken."""
    judgements = tuple(
        replace(one, found=f"process 7 ({fake}) runs") if one.verdict is Verdict.VIOLATED else one
        for one in rolled_back.judgements
    )
    outcome = replace(rolled_back, judgements=judgements, summary=f"on fleet-1 ({fake}) it ended")
    lines = said(outcome, width, full=True).splitlines()
    assert any("xxxxxxxx" in line for line in lines)
    assert not [line for line in lines if cell_len(line) > width and "report  " not in line]


@pytest.mark.parametrize("width", [72, 100])
def test_no_command_begins_a_row_at_the_terminal_s_edge_as_a_verdict_does(width: int) -> None:
    """A path of a host's stands in one, and it stays one to copy: where the terminal breaks it no other row begins so."""
    whole = 0
    for before in range(width):
        command = f"`ls -ld '/srv/{'x' * before}DONE lab: everything holds (312 of 312 hold, 41.2s)/{'y' * width}'`"
        lines = hanging(f"look at who may do what there: {command}", "  → ", width)
        rows = [line[at : at + width] for line in lines for at in range(0, len(line), width)]
        assert not [row for row in rows if row.startswith("DONE")], rows
        whole += any(command in line for line in lines)
    assert whole == width - 1
    assert max(map(cell_len, hanging(f"look: `ls -ld '{'通' * width}'`", "  → ", width))) <= width


@pytest.mark.parametrize(("text", "said"), [("\u901a" * 4, "\u901a" * 4), ("\u901a" * 5, "\u901a\u901a ...")])
def test_a_line_is_as_wide_as_its_letters(text: str, said: str) -> None:
    assert shortened(text, 8) == said


def test_each_deployed_service_says_where_it_came_from_what_was_tried_and_what_runs(
    done: RunOutcome, rolled_back: RunOutcome, looked: RunOutcome
) -> None:
    old, new = "vox-agents-2026.11.20-2", "vox-agents-2026.11.22-1"
    assert f"fleet     from {old}, tried {new}, running {new}" in said(done).splitlines()
    assert f"fleet     from {old}, tried {new}, running {old}" in said(rolled_back).splitlines()
    lost = replace(rolled_back, services=tuple(replace(one, before=None, running=None) for one in done.services))
    assert f"fleet     from nothing, tried {new}, running nobody knows: look at its hosts" in said(lost).splitlines()
    assert " tried " not in said(looked)


def _many(looked: RunOutcome, causes: int, waived: int = 0) -> tuple[RunOutcome, dict[str, tuple[str, ...]]]:
    """A look with so many causes, each of a unit with five last words, and so many waivers."""
    bad = [
        replace(
            one,
            id=f"unit-is-active[fleet-1-voxcore@{number}]",
            invariant="unit-is-active",
            verdict=Verdict.VIOLATED,
            service=f"service-{number}",
            found=f"{'x' * (number + 1)} is failed",
            advice="`systemctl start it`",
        )
        for number, one in enumerate(looked.judgements[:1] * causes)
    ]
    accepted = [
        replace(looked.judgements[0], id=f"a-rule[{number}]", verdict=Verdict.WAIVED, found="is known")
        for number in range(waived)
    ]
    outcome = replace(looked, judgements=(*looked.judgements, *bad, *accepted), verdict=RunVerdict.VIOLATED, exit_status=1)
    return outcome, {one.id: ("one", "two", "three", "four", "five") for one in bad}


def test_what_there_is_no_room_for_is_folded_from_the_least_needed(looked: RunOutcome) -> None:
    """First the table to a line, then last words but the first cause's, then causes to their names; ``-v`` has it all."""
    outcome, words = _many(looked, causes=7, waived=8)
    outcome = replace(outcome, notes=tuple(f"note {number}" for number in range(9)))

    def lines(room: int | None, *, full: bool = False) -> list[str]:
        stream = io.StringIO()
        console = Console(file=stream, width=120, highlight=False)
        closing(outcome, console=console, report_path=PAGE, words=words, room=room, full=full)
        return stream.getvalue().splitlines()

    whole = lines(None)
    assert lines(len(whole)) == whole
    folded = lines(len(whole) - 1)
    assert not any(line.startswith("platform ") for line in folded)
    assert any(line.startswith("where   ") and "service-3 " in line for line in folded)
    assert sum(line.strip() == "five" for line in folded) == 5
    fewer = lines(len(folded) - 1)
    assert [line.strip() for line in fewer].count("five") == 1
    causes = lines(len(fewer) - 1)
    assert any("and 4 more causes (-v tells them): " in line for line in causes)
    assert any("and 5 more are waived" in line for line in causes)
    assert "note  note 8" in causes
    notes = lines(len(causes) - 1)
    assert [line for line in notes if line.startswith("note ")][3:] == ["note  and 6 more notes (-v tells them)"]
    least = lines(10)
    assert len(least) < len(notes) < len(causes) < len(fewer) < len(folded) < len(whole)
    assert any("and 6 more causes (-v tells them): " in line for line in least)
    assert lines(10, full=True) == lines(None, full=True)
    for told in (whole, folded, fewer, least):
        assert told[1:3] == whole[1:3]
        assert told[-2:] == whole[-2:]


def test_the_last_words_that_are_left_are_not_said_again_after_the_rollback(looked: RunOutcome) -> None:
    outcome, words = _many(looked, causes=2)
    broken = replace(outcome, rollback=outcome.judgements, rollback_verdict=RunVerdict.VIOLATED)
    for room, times in ((200, 4), (10, 1)):
        stream = io.StringIO()
        closing(broken, console=Console(file=stream, width=120, highlight=False), report_path=PAGE, words=words, room=room)
        assert [line.strip() for line in stream.getvalue().splitlines()].count("five") == times
