"""Live progress: whole lines from many threads, a moving region only where there is a terminal."""

from __future__ import annotations

import io
import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from rich.console import Console

from voxgate.model.verdict import MoveRecord
from voxgate.redaction.cutting import Redactor
from voxgate.report.terminal.progress import Progress


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        """The moment."""
        return self.now


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """True: that is all."""
        return True


def record(move: str = "restart", detail: str = "", error: str = "") -> MoveRecord:
    return MoveRecord("fleet", "fleet-1", move, 0.0, 2.1, detail, error)


def test_without_a_terminal_each_move_is_one_plain_line() -> None:
    stream, clock = io.StringIO(), Clock()
    with Progress(Console(file=stream, width=60), clock=clock) as progress:
        progress.begin("fleet", "fleet-1", "restart")
        clock.now += 12.3
        progress.end(record(detail="voxcore@2"))
        progress.note("fleet-1: drained 0 calls")
    assert stream.getvalue().splitlines() == [
        "  12.3s  fleet-1    fleet    restart   voxcore@2  2.1s",
        "  12.3s  fleet-1: drained 0 calls",
    ]


def _deploy(progress: Progress, *, fails: str = "") -> None:
    """Two hosts of the fleet and the backend, as the engine makes the moves."""

    def made(service: str, host: str, move: str, detail: str, started: float, seconds: float = 0.5) -> None:
        progress.begin(service, host, move)
        error = "it does not come up" if detail.startswith(fails or "-") and move == "health" else ""
        progress.end(MoveRecord(service, host, move, started, seconds, "" if error else detail, error))

    places = (("backend", "api-1"), ("fleet", "fleet-1"), ("fleet", "fleet-2"))
    for number, move in enumerate(("fetch", "checkout")):
        for service, host in places:
            made(service, host, move, f"vox-{service}-1", float(number))
    for service, host in places:
        made(service, host, "install", "uv sync", 3.0)
    made("backend", "api-1", "restart", "voxbridge", 4.0)
    made("backend", "api-1", "health", "voxbridge answers 200", 4.5)
    for number, host in enumerate(("fleet-1", "fleet-1", "fleet-1", "fleet-2", "fleet-2", "fleet-2")):
        unit, started = f"voxcore@{number % 3 + 1}", 5.0 + number
        made("fleet", host, "restart", f"{unit}, 2 calls up" if number == 1 else unit, started)
        made("fleet", host, "health", f"{unit} answers 200", started + 0.5)
        if not number:
            made("fleet", host, "canary", f"{unit} judged, 7 rules hold", started + 1.0)


def test_what_goes_well_alike_is_one_line() -> None:
    stream = io.StringIO()
    with Progress(Console(file=stream, width=60), clock=Clock()) as progress:
        _deploy(progress)
        progress.note("all are up")
    assert [line.split(maxsplit=1)[1] for line in stream.getvalue().splitlines()] == [
        "api-1      backend  fetch, checkout, install vox-backend-1; uv sync  3.5s",
        "fleet-1, fleet-2 fleet    fetch, checkout, install vox-fleet-1; uv sync  3.5s",
        "api-1      backend  restart, health voxbridge answers 200  1.0s",
        "fleet-1    fleet    restart, health, canary voxcore@1 answers 200; voxcore@1 judged, 7 rules hold  1.5s",
        "fleet-1, fleet-2 fleet    restart, health voxcore@2, 2 calls up; voxcore@2, voxcore@3, voxcore@1: answers 200  5.0s",
        "all are up",
    ]
    assert progress.lines == 6


def test_what_fails_is_said_at_once_after_what_went_well() -> None:
    stream = io.StringIO()
    with Progress(Console(file=stream, width=60), clock=Clock()) as progress:
        _deploy(progress, fails="voxbridge")
        lines = stream.getvalue().splitlines()
    said = "   0.0s  api-1      backend  health    0.5s  ✗ it does not come up"
    assert lines[lines.index(said) - 1] == "   0.0s  api-1      backend  restart   voxbridge  0.5s"


def test_with_full_each_move_is_told_by_itself() -> None:
    stream = io.StringIO()
    with Progress(Console(file=stream, width=60), full=True) as progress:
        _deploy(progress)
    assert len(stream.getvalue().splitlines()) == 9 + 2 + 13


def test_nothing_is_held_back_for_longer_than_a_minute() -> None:
    stream = io.StringIO()
    with Progress(Console(file=stream, width=60)) as progress:
        for number in range(4):
            progress.end(MoveRecord("fleet", "fleet-1", "health", number * 31.0, 1.0, f"voxcore@{number} answers 200"))
        assert stream.getvalue().count("answers 200") == 1


def test_a_long_line_stays_one_line() -> None:
    stream = io.StringIO()
    with Progress(Console(file=stream, width=40)) as progress:
        progress.end(record(error="not healthy: " + "word " * 30))
    assert len(stream.getvalue().splitlines()) == 1


def test_what_still_runs_at_the_end_is_named() -> None:
    stream = io.StringIO()
    with Progress(Console(file=stream, width=120)) as progress:
        progress.begin("fleet", "fleet-1", "health")
        progress.begin("fleet", "fleet-1", "health")
        progress.end(record("health"))
    assert stream.getvalue().count("not finished") == 1


def test_seconds_go_on_when_it_is_entered_again() -> None:
    stream, clock = io.StringIO(), Clock()
    progress = Progress(Console(file=stream, width=120), clock=clock)
    with progress:
        clock.now += 5
    progress.note("between")
    with progress:
        clock.now += 5
        progress.note("again")
    assert [line.split()[0] for line in stream.getvalue().splitlines()] == ["5.0s", "10.0s"]


def test_lines_of_many_threads_stay_whole() -> None:
    stream = io.StringIO()
    with Progress(Console(file=stream, width=120), full=True) as progress, ThreadPoolExecutor(16) as pool:
        for number in range(200):
            pool.submit(progress.begin, "fleet", f"fleet-{number}", "restart")
            pool.submit(progress.end, MoveRecord("fleet", f"fleet-{number}", "restart", 0.0, 0.1, f"voxcore@{number}"))
    lines = [line for line in stream.getvalue().splitlines() if "not finished" not in line]
    assert len(lines) == 200
    assert all(re.fullmatch(r" +\d+\.\ds  fleet-\d+ +fleet    restart   voxcore@\d+  0\.1s", line) for line in lines)


def test_secrets_are_cut_here_too() -> None:
    stream = io.StringIO()
    with Progress(Console(file=stream, width=120), Redactor(["canary"])) as progress:
        progress.note("canary")
        progress.end(record(error="mongodb://u:canary@h"))
    assert "canary" not in stream.getvalue()


@pytest.mark.parametrize("kind", [io.StringIO, Terminal])
def test_a_region_moves_only_on_a_real_terminal(kind: type[io.StringIO]) -> None:
    """FORCE_COLOR, as Jenkins sets it, gives colours but no region."""
    stream = kind()
    console = Console(file=stream, width=100, force_terminal=True, force_interactive=True)
    with Progress(console) as progress:
        progress.begin("fleet", "fleet-1", "restart")
        console.print(progress._picture())
        progress.end(record(detail="voxcore@2"))
    assert ("\x1b[?25l" in stream.getvalue()) is (kind is Terminal)
    assert "voxcore@2" in stream.getvalue()


@pytest.mark.parametrize("width", [72, 100])
def test_no_word_of_a_host_begins_a_row_at_the_terminal_s_edge(width: int) -> None:
    """Where a terminal would break a line, it is broken: what goes on there stands below the words, behind the seconds."""
    fake = "DONE  lab: everything holds (312 of 312 hold, 41.2s)"
    stream = Terminal()
    with Progress(Console(file=stream, width=width, force_terminal=False)) as progress:
        for before in range(width):
            progress.end(record(error="x" * before + f" `{fake}` " + "y" * 300))
        progress.note("z" * 300 + f" `{fake}`")
    lines = stream.getvalue().splitlines()
    assert sum("DONE" in line for line in lines) > width
    assert not [line for line in lines if len(line) > width]
    assert all(line.startswith(" " * 9) for line in lines if line.lstrip().startswith("DONE"))
