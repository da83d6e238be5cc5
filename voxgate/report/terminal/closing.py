"""The closing on the terminal: the causes of what does not hold and what to do, what holds where, what was moved, the verdict."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import TextIO

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from voxgate.errors import visible
from voxgate.model.content import listed
from voxgate.model.counting import counted
from voxgate.model.digits import natural_in
from voxgate.model.verdict import Judgement, RunOutcome, RunVerdict, Verdict
from voxgate.model.waiving import waived_in
from voxgate.report.causes.grouping import SHOWN, Cause, causes_of, what_follows
from voxgate.report.causes.order import AT_WORK
from voxgate.report.tally import ESTATE, PLATFORM, Tally, by_cell, subject_of, unjudged, whole
from voxgate.report.terminal.release import moved, releases, served, since, since_done
from voxgate.report.terminal.wrapping import hanging as _hanging
from voxgate.report.terminal.wrapping import shortened

PLAIN_WIDTH = 120
"""Columns where there is no terminal and nobody says otherwise: a Jenkins log."""

SCREEN = 60
"""Lines that no run prints more of without ``-v``."""

CAUSES = 5
"""Causes that are written out; the others are named."""


@dataclass(frozen=True, slots=True)
class _Fold:
    """How much is told: what stands beside the verdict or only that there is some, the table or only where it does not hold, the
    last words of all units or of the first cause's, how many causes, how many waivers, how many notes.
    """

    beside: bool = True
    table: bool = True
    words: bool = True
    causes: int = CAUSES
    waived: int = SHOWN
    notes: int | None = None


_FOLDS = (
    _Fold(),
    _Fold(table=False),
    _Fold(beside=False, table=False),
    _Fold(beside=False, table=False, words=False),
    _Fold(beside=False, table=False, words=False, causes=3, waived=3),
    _Fold(beside=False, table=False, words=False, causes=3, waived=3, notes=3),
    _Fold(beside=False, table=False, words=False, causes=1, waived=1, notes=1),
)
"""From all to the least; the first that there is room for is taken. Causes that are not written out are named."""

_LONGEST, _ALL = 300, 700
"""Characters of one finding on the terminal, and of one with ``-v``; the report has it all."""

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


def closing(
    outcome: RunOutcome,
    *,
    console: Console,
    report_path: Path | None,
    brief: bool = False,
    full: bool = False,
    words: Mapping[str, Sequence[str]] | None = None,
    room: int | None = None,
) -> None:
    """Write the end of a run: the causes of what does not hold, the table, what was deployed, the notes, the report, the verdict.
    ``brief`` leaves out the table, ``full`` says each finding that follows from a cause too, each kind of move and what a release
    brings; that and the moves were told when they were made. ``words`` are the last lines of a unit's journal, by the id of a
    judgement that is about it. ``room`` is how many lines there are: what is needed least is folded, as far as it must be.

    The last line is the verdict. Expects an outcome and words without secrets (``verdict_file.cut``).
    """

    def told(fold: _Fold) -> None:
        telling = _Telling(signs_for(console), console.width, full, words or {}, fold)
        _close(outcome, console, report_path, telling, brief=brief)

    for fold in _FOLDS if room is not None and not full else ():
        with console.capture() as said:
            told(fold)
        if said.get().count("\n") <= (room or 0):
            break
    else:
        fold = _FOLDS[0 if room is None or full else -1]
    told(fold)


def _close(outcome: RunOutcome, console: Console, report_path: Path | None, telling: _Telling, *, brief: bool) -> None:
    signs, width, full = telling.signs, telling.width, telling.full
    console.print()
    for line in telling.failures(outcome):
        console.print(line, soft_wrap=True)
    if not brief and (outcome.judgements or unjudged(outcome)):
        if telling.fold.table:
            console.print(_table(outcome, signs, console))
            console.print()
        else:
            console.print(_not_holding(outcome, signs), soft_wrap=True)
    parts: list[Iterable[Text]] = [
        releases(outcome, width, full=full),
        moved(outcome.moves if full else (), signs.violated, width),
    ]
    less = not telling.fold.beside
    parts += [() if brief else served(outcome, width, brief=less), telling.rollback(outcome)]
    parts += [_notes(outcome, width, telling.fold.notes)]
    parts += [since(outcome, width), since_done(outcome, width, brief=less)]
    for line in chain.from_iterable(parts):
        console.print(line, soft_wrap=True)
    if report_path is not None:
        console.print(Text.assemble(("report  ", "dim"), str(report_path)), soft_wrap=True)
    for line in _verdict(outcome, signs, width):
        console.print(line, soft_wrap=True)


def _notes(outcome: RunOutcome, width: int, most: int | None) -> Iterator[Text]:
    for note in outcome.notes[:most]:
        yield from (Text(said, "dim") for said in _hanging(note, "note  ", width))
    if most is not None and (more := len(outcome.notes[most:])):
        yield Text(f"note  and {counted(more, 'more note')} (-v tells them)", "dim")


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


def _not_holding(outcome: RunOutcome, signs: Signs) -> Text:
    """The table in a line: where it does not hold."""
    bad = [(service, host, tally) for (service, host), tally in by_cell(outcome).items() if tally.worst != "holds"]
    told = [Text.assemble(f"{service} {host} ", _cell(tally, signs)) for service, host, tally in bad[:SHOWN]]
    told += [Text(f"and {len(bad) - SHOWN} more")] if len(bad) > SHOWN else []
    return Text.assemble(("where   ", "dim"), Text("; ").join(told) if told else "all holds everywhere")


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


@dataclass(frozen=True, slots=True)
class _Telling:
    """How what does not hold is told: with which signs, how wide, how fully, and with which last words of units."""

    signs: Signs
    width: int
    full: bool
    words: Mapping[str, Sequence[str]]
    fold: _Fold = field(default_factory=_Fold)

    def failures(self, outcome: RunOutcome) -> Iterator[Text]:
        """Each cause: what was found where, what to do, what follows from it. Then what nobody judged, and what is waived."""
        causes = causes_of(outcome.judgements, outcome.moves)
        yield from self._causes(causes)
        missing = unjudged(outcome)
        if missing:
            said = f"not judged: {listed(missing, SHOWN)}"
            yield from (Text(line, "yellow") for line in _hanging(said, f"{self.signs.missing} ", self.width, commands=False))
        waived = [judgement for judgement in outcome.judgements if judgement.verdict is Verdict.WAIVED]
        most = self.fold.waived
        for judgement in waived[:most]:
            yield from _waived(judgement, self.signs, self.width)
        if len(waived) > most:
            yield Text(f"  and {len(waived) - most} more are waived: the report has them", "bold")
        if causes or missing or waived:
            yield Text()

    def rollback(self, outcome: RunOutcome) -> Iterator[Text]:
        """What was judged after the rollback: one line if it holds, its causes if not."""
        if outcome.rollback_verdict is None:
            return
        holds = sum(judgement.verdict is Verdict.HOLDS for judgement in outcome.rollback)
        colour = _COLOURS[outcome.rollback_verdict]
        yield Text.assemble(
            ("after the rollback: ", "bold"),
            (f"{outcome.rollback_verdict.value}, {holds} of {len(outcome.rollback)} hold{waived_in(outcome.rollback)}", colour),
        )
        yield from self._causes(causes_of(outcome.rollback), words=False)
        yield Text()

    def _causes(self, causes: Sequence[Cause], *, words: bool = True) -> Iterator[Text]:
        """``words`` says whether the first cause has its unit's last words also where they are folded."""
        shown = causes if self.full else causes[: self.fold.causes]
        for cause in shown:
            yield from self._cause(cause, words=self.fold.words or (words and cause is shown[0]))
        if rest := causes[len(shown) :]:
            said = f"and {counted(len(rest), 'more cause')} (-v tells them): {listed([cause.label for cause in rest], SHOWN)}"
            yield from (Text(line, "bold") for line in _hanging(said, "  ", self.width, commands=False))

    def _cause(self, cause: Cause, *, words: bool) -> Iterator[Text]:
        sign, colour = self._sign(cause.verdict)
        longest = _ALL if self.full else _LONGEST
        yield from _two_lines(f"{sign} {cause.label}", cause.found, cause.advice, colour, self.signs, self.width, longest)
        for line in self._last_words(cause) if words else ():
            yield Text(f"    {line}", "dim")
        if said := what_follows(cause):
            yield from (Text(line, "dim") for line in _hanging(said, "  + ", self.width, commands=False))
        for judgement in (*cause.leads[not cause.blinds :], *cause.follow) if self.full else ():
            for text in self._finding(judgement):
                yield Text("    ").append_text(text)

    def _finding(self, judgement: Judgement) -> Iterator[Text]:
        sign, colour = self._sign(judgement.verdict)
        label = _label(sign, judgement)
        yield from _two_lines(label, judgement.found, judgement.advice, colour, self.signs, self.width - 4)

    def _sign(self, verdict: Verdict) -> tuple[str, str]:
        violated = verdict is Verdict.VIOLATED
        return (self.signs.violated, "red") if violated else (self.signs.blind, "yellow")

    def _last_words(self, cause: Cause) -> Iterator[str]:
        """The last lines of the unit's own journal, where it is a unit that does not do its work for what the cause says of its
        own service on its own host. What is away elsewhere says nothing in the journal of those who miss it.
        """
        of = {(one.service, one.host) for one in cause.leads or cause.follow}
        for one in cause.findings if not cause.blinds else ():
            mine = not of.isdisjoint({(one.service, one.host), (one.service, None)})
            if mine and one.invariant in AT_WORK and one.id in self.words:
                for line in self.words[one.id]:
                    yield shortened(visible(line), self.width - 4)
                return


def _waived(judgement: Judgement, signs: Signs, width: int) -> Iterator[Text]:
    """What is accepted: what was found, and below it until when, why and by whom."""
    accepted = "; ".join(waiver.accepted for waiver in judgement.waivers)
    yield from _two_lines(_label(signs.waived, judgement), judgement.found, accepted, "cyan", signs, width)


def _label(sign: str, judgement: Judgement) -> str:
    subject = subject_of(judgement.id)
    return f"{sign} {judgement.sentence}" + (f" [{subject}]" if subject else "")


def _two_lines(label: str, found: str, advice: str, colour: str, signs: Signs, width: int, longest: int = _ALL) -> Iterator[Text]:
    """``label: found`` and ``→ advice``; what is too long goes on below its own beginning, broken between words."""
    said = " ".join(found.split())
    if len(said) > longest:
        said = f"{said[:longest].rsplit(' ', 1)[0]} ... (all of it is in the report)"
    later = " " * (len(label.split(" ", 1)[0]) + 1)
    lines = _hanging(f"{label}: {said}" if said else label, "", width, later=later, commands=False)
    for number, line in enumerate(lines):
        text = Text(line)
        if number == 0:
            text.stylize(f"bold {colour}", 0, min(len(label), len(line)))
        yield text
    for line in _hanging(" ".join(advice.split()), f"  {signs.arrow} ", width) if advice.strip() else ():
        yield Text(line, "cyan")


def _verdict(outcome: RunOutcome, signs: Signs, width: int) -> Iterator[Text]:
    """The verdict, what it counts, the exit status and what that means."""
    colour = _COLOURS[outcome.verdict]
    tally = whole(outcome)
    word = outcome.verdict.value.upper()
    meaning = EXIT_MEANING.get(outcome.exit_status, "")
    counts = f"{tally.holds} of {tally.total} hold, " if tally.total else ""
    summary, _, hint = outcome.summary.partition("\n")
    said = f"{word}  {outcome.estate}: {summary} ({counts}{outcome.seconds:.1f}s)"
    for number, line in enumerate(_hanging(said, "", width, later="  ", commands=False)):
        text = Text(line, colour)
        if number == 0:
            text.stylize(f"bold reverse {colour}", 0, len(word))
        yield text
    yield from (Text(line, "cyan") for line in _hanging(hint.strip(), "  ", width, later="    ")) if hint.strip() else ()
    status = f"exit {outcome.exit_status}  {signs.arrow} {meaning}" if meaning else f"exit {outcome.exit_status}"
    yield from (Text(line, "dim") for line in _hanging(status, "", width, later="  "))
