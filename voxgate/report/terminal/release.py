"""What was deployed, on the terminal: from what to what and what it brings, the moves, who served meanwhile, what changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.text import Text

from voxgate.model.run_facts import away
from voxgate.model.verdict import MoveRecord, RunOutcome
from voxgate.report.terminal.wrapping import hanging
from voxgate.report.told import served_lines, since_done_lines, since_words

_NAME = 10  # columns of a service's name, and of what stands below it

COMMITS = 10
"""Commits and packages of a release that are told by name with ``-v``; verdict.json has more."""


def releases(outcome: RunOutcome, width: int, *, full: bool) -> Iterator[Text]:
    """For each service that was deployed what it came from, what was tried, what runs now; where ``full`` also what that brings,
    by name.
    """
    tried = [one for one in outcome.services if one.tried]
    for one in tried:
        came, runs = (release.name if release else "" for release in (one.before, one.running))
        about = f"from {came or 'nothing'}, tried {one.about.name}, running {runs or 'nobody knows: look at its hosts'}"
        yield from _named(one.service, about, width)
        if one.content and full:
            why = f": {one.content.why}" if one.content.why else ""
            yield from (Text(line) for line in hanging(f"{one.content.line}{why}", " " * _NAME, width, commands=False))
            for said in one.content.lines(COMMITS):
                yield from (Text(line, "dim") for line in hanging(said, " " * (_NAME + 2), width, commands=False))
    if tried:
        yield Text()


def served(outcome: RunOutcome, width: int, *, brief: bool = False) -> Iterator[Text]:
    """Who served while this run changed the fleet, for how long units were away (not if ``brief``), and how long a dialler did
    not dial.
    """
    said = [("fleet", line) for line in served_lines(outcome)]
    said += [] if brief else away(outcome.gaps)
    said += [("dialler", f"nobody dialled: {gap.line}") for gap in outcome.undialled]
    for service, line in said:
        yield from _named(service, line, width)
    if said:
        yield Text()


def since(outcome: RunOutcome, width: int) -> Iterator[Text]:
    """What differs from the run before, in one sentence; nothing where nothing does."""
    if said := since_words(outcome):
        yield from (Text(line, "bold") for line in hanging(said, "since ", width, commands=False))


def since_done(outcome: RunOutcome, width: int, *, brief: bool = False) -> Iterator[Text]:
    """What hosts have otherwise than at the last done: how much, and (not if ``brief``) what nobody explains; nothing where
    nothing changed.
    """
    for number, said in enumerate(since_done_lines(outcome.changes, brief=brief)):
        lines = hanging(said, "  " if number else "since done ", width, commands=False)
        yield from (Text(line, "yellow" if number else "bold") for line in lines)


def _named(service: str, said: str, width: int) -> Iterator[Text]:
    """A service in bold, and what is said of it beside it."""
    for number, line in enumerate(hanging(said, f"{service:<{_NAME - 1}} ", width, commands=False)):
        text = Text(line)
        if number == 0:
            text.stylize("bold", 0, len(service))
        yield text


def moved(moves: Sequence[MoveRecord], violated: str, width: int) -> Iterator[Text]:
    """One line a service: where, and the seconds in which each kind of move was made on any host; ``violated`` is the sign of one
    that failed.
    """
    for service, rollback in dict.fromkeys((move.service, move.rollback) for move in moves):
        mine = [move for move in moves if (move.service, move.rollback) == (service, rollback)]
        hosts = ", ".join(dict.fromkeys(move.host for move in mine))
        parts = []
        for kind in dict.fromkeys(move.move for move in mine):
            same = [move for move in mine if move.move == kind]
            mark = f" {violated}" if any(move.error for move in same) else ""
            parts.append(f"{kind} {_busy(same):.1f}s{mark}")
        line = f"{'rollback: ' if rollback else ''}{', '.join(parts)}; {_span(mine):.1f}s in all on {hosts}"
        yield from _named(service, line, width)
    if moves:
        yield Text()


def _busy(moves: Sequence[MoveRecord]) -> float:
    """Seconds in which at least one of them was made: what was done at once counts once, and what lay between not at all."""
    seconds, until = 0.0, float("-inf")
    for move in sorted(moves, key=lambda move: move.started):
        ends = move.started + move.seconds
        seconds += max(0.0, ends - max(until, move.started))
        until = max(until, ends)
    return seconds


def _span(moves: Sequence[MoveRecord]) -> float:
    """Seconds from the first start to the last end."""
    return max(move.started + move.seconds for move in moves) - min(move.started for move in moves)
