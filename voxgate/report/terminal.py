"""The closing on the terminal: what holds where, what does not and what to do, what was moved, the verdict."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from voxgate.errors import visible
from voxgate.model.digits import natural_in
from voxgate.model.verdict import Judgement, MoveRecord, RunOutcome, RunVerdict, Verdict
from voxgate.model.waiving import waived_in
from voxgate.report.tally import ESTATE, PLATFORM, Tally, by_cell, subject_of, unjudged, whole

PLAIN_WIDTH = 120
"""Columns where there is no terminal and nobody says otherwise: a Jenkins log."""

SHOWN = 25
"""Failures that are written out; the others are counted, and stand in the report."""

_LONGEST = 700
"""Characters of one finding on the terminal; the report has it all."""

_WIDE = 2
"""Columns of the narrowest sensible table: one for the service, one for the sums."""

EXIT_MEANING = {
    0: "everything that was asked for was judged and holds, or is waived",
    1: "at least one invariant is violated",
    2: "interrupted before everything was judged",
    3: "an error inside pytest or voxgate",
    4: "the command line or the configuration is wrong",
    5: "nothing was selected, so nothing was judged",
    6: "too many warnings",
    7: "blind: nothing that was seen is violated, and something could not be seen",
    10: "refused: no host was touched",
    11: "violated or blind: the last known good release runs again",
    12: "incomplete: the last known good release runs again",
    13: "broken: not done, and the last known good could not be put back: a person is needed",
}

_COLOURS = {
    RunVerdict.HOLDS: "green",
    RunVerdict.DONE: "green",
    RunVerdict.PARTIAL: "cyan",
    RunVerdict.VIOLATED: "red",
    RunVerdict.BLIND: "yellow",
    RunVerdict.INCOMPLETE: "yellow",
    RunVerdict.REFUSED: "yellow",
    RunVerdict.ROLLED_BACK: "red",
    RunVerdict.BROKEN: "red",
}


@dataclass(frozen=True, slots=True)
class Signs:
    """What stands for a verdict."""

    holds: str
    violated: str
    blind: str
    missing: str
    waived: str
    arrow: str
    none: str


_PICTURES = Signs("✓", "✗", "?", "○", "~", "→", "·")
_ASCII = Signs("ok", "x", "?", "o", "~", "->", ".")


def console_for(stream: TextIO) -> Console:
    """A console on ``stream``: as wide as the terminal, or as COLUMNS says, or 120 columns of plain lines."""
    if stream.isatty():
        return Console(file=stream, highlight=False, soft_wrap=False)
    width = natural_in(os.environ.get("COLUMNS", "")) or PLAIN_WIDTH
    return Console(file=stream, highlight=False, soft_wrap=False, width=width, legacy_windows=False)


def signs_for(console: Console) -> Signs:
    """Pictures where the console can show them, else plain ASCII."""
    return _ASCII if console.options.ascii_only else _PICTURES


def closing(outcome: RunOutcome, *, console: Console, report_path: Path, brief: bool = False) -> None:
    """Write the end of a run: the table, each failure in two lines, the moves, the notes, the report, the verdict. ``brief``
    leaves out the table and the moves that went well.

    The last line is the verdict. Expects an outcome without secrets (``verdict_file.cut``).
    """
    signs = signs_for(console)
    console.print()
    if not brief and (outcome.judgements or unjudged(outcome)):
        console.print(_table(outcome, signs, console))
        console.print()
    for line in _failures(outcome, signs, console.width):
        console.print(line, soft_wrap=True)
    moves = [move for move in outcome.moves if move.error or not brief]
    for line in _moves(moves, signs, console.width):
        console.print(line, soft_wrap=True)
    for line in _rollback(outcome, signs, console.width):
        console.print(line, soft_wrap=True)
    for note in outcome.notes:
        for said in _hanging(note, "note  ", console.width):
            console.print(Text(said, "dim"), soft_wrap=True)
    console.print(Text.assemble(("report  ", "dim"), str(report_path)), soft_wrap=True)
    for line in _verdict(outcome, signs, console.width):
        console.print(line, soft_wrap=True)


def _table(outcome: RunOutcome, signs: Signs, console: Console) -> Table:
    """Service by host. Where the hosts do not fit side by side, one row for each service and host that has a finding."""
    cells = by_cell(outcome)
    services = [name for name in _services(outcome) if any(key[0] == name for key in cells)]
    hosts = [*(name for name in outcome.hosts if any(key[1] == name for key in cells))]
    hosts += [ESTATE] if any(key[1] == ESTATE for key in cells) else []
    style = box.ASCII if console.options.ascii_only else box.SIMPLE_HEAD
    table = Table(box=style, pad_edge=False, show_edge=console.options.ascii_only)
    table.add_column("", style="bold", no_wrap=True)
    if not _fits(hosts, cells, signs, console.width):
        table.add_column("all hosts", no_wrap=True)
        table.add_column("where it does not hold", overflow="fold")
        for service in services:
            row = {host: cells[service, host] for host in hosts if (service, host) in cells}
            bad = [Text.assemble(f"{host} ", _cell(row[host], signs)) for host in row if row[host].worst != "holds"]
            table.add_row(service, _cell(sum(row.values(), Tally()), signs), Text("  ").join(bad))
        return table
    for host in hosts:
        table.add_column(host, no_wrap=True)
    for service in services:
        table.add_row(service, *(_cell(cells.get((service, host), Tally()), signs) for host in hosts))
    return table


def _services(outcome: RunOutcome) -> list[str]:
    """The rows: the run's services in their order, others that were judged, and the platform last."""
    known = [service.service for service in outcome.services]
    judged = [judgement.service for judgement in outcome.judgements if judgement.service]
    return [*dict.fromkeys([*known, *judged]), PLATFORM]


def _fits(hosts: Sequence[str], cells: dict[tuple[str, str], Tally], signs: Signs, width: int) -> bool:
    """True if all hosts stand side by side in ``width`` columns."""
    first = max((len(service) for service, _host in cells), default=0) + _WIDE
    wanted = [
        max([len(host), *(_cell(tally, signs).cell_len for (_service, where), tally in cells.items() if where == host)])
        for host in hosts
    ]
    return first + sum(columns + _WIDE + 1 for columns in wanted) <= width


def _cell(tally: Tally, signs: Signs) -> Text:
    """``12/12``, or ``9/12 ✗2 ?1``."""
    if not tally.total:
        return Text(signs.none, "dim")
    text = Text(f"{tally.holds}/{tally.total}", "green" if tally.worst == "holds" else "")
    for count, sign, colour in (
        (tally.violated, signs.violated, "bold red"),
        (tally.blind, signs.blind, "bold yellow"),
        (tally.missing, signs.missing, "bold yellow"),
        (tally.waived, signs.waived, "cyan"),
    ):
        if count:
            text.append(f" {sign}{count}", colour)
    return text


def _failures(outcome: RunOutcome, signs: Signs, width: int) -> Iterator[Text]:
    """Each failure: what was found where, then what to do. Failed moves first: what follows comes from them."""
    failed_moves = [move for move in outcome.moves if move.error]
    for move in failed_moves:
        label = f"{signs.violated} {move.service}: {move.move} on {move.host}"
        yield from _two_lines(label, move.error, move.hint, "red", signs, width)
    bad = [judgement for judgement in outcome.judgements if not judgement.verdict.is_green]
    bad.sort(key=lambda judgement: judgement.verdict is Verdict.BLIND)
    for judgement in bad[:SHOWN]:
        yield from _failure(judgement, signs, width)
    if len(bad) > SHOWN:
        yield Text(f"  and {len(bad) - SHOWN} more, all in the report", "bold")
    missing = unjudged(outcome)
    for identity in missing[:SHOWN]:
        for line in _hanging(f"{identity} was not judged", f"{signs.missing} ", width):
            yield Text(line, "yellow")
    if len(missing) > SHOWN:
        yield Text(f"  and {len(missing) - SHOWN} more were not judged", "bold")
    waived = [judgement for judgement in outcome.judgements if judgement.verdict is Verdict.WAIVED]
    for judgement in waived:
        yield from _waived(judgement, signs, width)
    if failed_moves or bad or missing or waived:
        yield Text()


def _failure(judgement: Judgement, signs: Signs, width: int) -> Iterator[Text]:
    """One judgement that does not hold."""
    violated = judgement.verdict is Verdict.VIOLATED
    sign, colour = (signs.violated, "red") if violated else (signs.blind, "yellow")
    yield from _two_lines(_label(sign, judgement), judgement.found, judgement.advice, colour, signs, width)


def _waived(judgement: Judgement, signs: Signs, width: int) -> Iterator[Text]:
    """What is accepted: what was found, and below it until when, why and by whom."""
    accepted = "; ".join(waiver.accepted for waiver in judgement.waivers)
    yield from _two_lines(_label(signs.waived, judgement), judgement.found, accepted, "cyan", signs, width)


def _label(sign: str, judgement: Judgement) -> str:
    subject = subject_of(judgement.id)
    return f"{sign} {judgement.sentence}" + (f" [{subject}]" if subject else "")


def _two_lines(label: str, found: str, advice: str, colour: str, signs: Signs, width: int) -> Iterator[Text]:
    """``label: found`` and ``→ advice``; what is too long goes on below its own beginning, broken between words."""
    said = " ".join(found.split())
    if len(said) > _LONGEST:
        said = f"{said[:_LONGEST].rsplit(' ', 1)[0]} ... (all of it is in the report)"
    lines = _hanging(f"{label}: {said}" if said else label, "", width, later=" " * (len(label.split(" ", 1)[0]) + 1))
    for number, line in enumerate(lines):
        text = Text(line)
        if number == 0:
            text.stylize(f"bold {colour}", 0, min(len(label), len(line)))
        yield text
    for line in _hanging(" ".join(advice.split()), f"  {signs.arrow} ", width) if advice.strip() else ():
        yield Text(line, "cyan")


def _hanging(text: str, first: str, width: int, *, later: str | None = None) -> list[str]:
    """``text`` after ``first``, its later lines indented as far. Words are never broken: a command stays one to copy."""
    return textwrap.wrap(
        visible(text, "\n\t"),
        width=max(width, 40),
        initial_indent=first,
        subsequent_indent=" " * len(first) if later is None else later,
        break_long_words=False,
        break_on_hyphens=False,
    ) or [first.rstrip()]


def _moves(moves: Sequence[MoveRecord], signs: Signs, width: int) -> Iterator[Text]:
    """One line a service: where, and the seconds of each kind of move from its first start to its last end."""
    for service, rollback in dict.fromkeys((move.service, move.rollback) for move in moves):
        mine = [move for move in moves if (move.service, move.rollback) == (service, rollback)]
        hosts = ", ".join(dict.fromkeys(move.host for move in mine))
        parts = []
        for kind in dict.fromkeys(move.move for move in mine):
            same = [move for move in mine if move.move == kind]
            mark = f" {signs.violated}" if any(move.error for move in same) else ""
            parts.append(f"{kind} {_span(same):.1f}s{mark}")
        line = f"{'rollback: ' if rollback else ''}{', '.join(parts)}; {_span(mine):.1f}s in all on {hosts}"
        for number, text in enumerate(_hanging(line, f"{service:<9} ", width)):
            moved = Text(text)
            if number == 0:
                moved.stylize("bold", 0, len(service))
            yield moved
    if moves:
        yield Text()


def _span(moves: Sequence[MoveRecord]) -> float:
    """Seconds from the first start to the last end."""
    return max(move.started + move.seconds for move in moves) - min(move.started for move in moves)


def _rollback(outcome: RunOutcome, signs: Signs, width: int) -> Iterator[Text]:
    """What was judged after the rollback: one line if it holds, each failure if not."""
    if outcome.rollback_verdict is None:
        return
    bad = [judgement for judgement in outcome.rollback if not judgement.verdict.is_green]
    holds = sum(judgement.verdict is Verdict.HOLDS for judgement in outcome.rollback)
    colour = _COLOURS[outcome.rollback_verdict]
    yield Text.assemble(
        ("after the rollback: ", "bold"),
        (f"{outcome.rollback_verdict.value}, {holds} of {len(outcome.rollback)} hold{waived_in(outcome.rollback)}", colour),
    )
    for judgement in bad[:SHOWN]:
        yield from _failure(judgement, signs, width)
    yield Text()


def _verdict(outcome: RunOutcome, signs: Signs, width: int) -> Iterator[Text]:
    """The verdict, what it counts, the exit status and what that means."""
    colour = _COLOURS[outcome.verdict]
    tally = whole(outcome)
    word = outcome.verdict.value.upper()
    meaning = EXIT_MEANING.get(outcome.exit_status, "")
    counts = f"{tally.holds} of {tally.total} hold, " if tally.total else ""
    said = f"{word}  {outcome.estate}: {outcome.summary} ({counts}{outcome.seconds:.1f}s)"
    for number, line in enumerate(_hanging(said, "", width, later="  ")):
        text = Text(line, colour)
        if number == 0:
            text.stylize(f"bold reverse {colour}", 0, len(word))
        yield text
    status = f"exit {outcome.exit_status}  {signs.arrow} {meaning}" if meaning else f"exit {outcome.exit_status}"
    yield from (Text(line, "dim") for line in _hanging(status, "", width, later="  "))
