"""``timeline.svg``: the moves of a deploy on each host over its seconds, and the fleet's workers while they are restarted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from voxgate.model.estate import Estate
from voxgate.model.verdict import Move, MoveRecord, RunOutcome
from voxgate.report import svg

_WIDTH = 1080.0
_MARGIN = 24.0
_LEFT = 176.0
_LANE = 24.0
_TOP = 78.0
_CHART = 64.0
_TICKS = 12
_STEPS = (0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600)
_SAME = 0.05
"""Seconds within which two changes are one: a worker that is up and the next that goes down at the same moment."""

_KINDS = tuple(move.value for move in Move)


def timeline_picture(outcome: RunOutcome, estate: Estate | None = None) -> str:
    """The moves as an SVG file; empty text for a run without moves. Expects an outcome without secrets."""
    if not outcome.moves:
        return ""
    began = min(move.started for move in outcome.moves)
    seconds = max(move.started + move.seconds for move in outcome.moves) - began
    scale = (_WIDTH - _LEFT - _MARGIN) / max(seconds, 0.1)
    shapes = [
        svg.text(_MARGIN, 38, f"deploy on {outcome.estate} · {seconds:.1f} s of moves", "title"),
        *_legend(outcome.moves),
    ]
    y = _TOP
    rows: list[str] = []
    for host, service, lanes in _lanes(outcome.moves):
        rows += _row(y, host, service, lanes, began, scale)
        y += len(lanes) * _LANE + 8
    shapes += [*_axis(seconds, scale, _TOP - 6, y), *rows]
    workers = _capacity(outcome.moves, estate)
    if workers:
        shapes += _chart(y + 30, workers, began, seconds, scale)
        y += 30 + _CHART + 12
    said = f"the moves of the deploy on {outcome.estate}, {seconds:.1f} seconds"
    return svg.picture(_WIDTH, y + 20, said, shapes)


def _lanes(moves: Sequence[MoveRecord]) -> Iterator[tuple[str, str, list[list[MoveRecord]]]]:
    """Each host's moves by service, on as many lanes as run at once."""
    ordered = sorted(moves, key=lambda move: (move.started, move.seconds))
    for host, service in dict.fromkeys((move.host, move.service) for move in ordered):
        lanes: list[list[MoveRecord]] = []
        for move in _merged([move for move in ordered if (move.host, move.service) == (host, service)]):
            free = next((lane for lane in lanes if lane[-1].started + lane[-1].seconds <= move.started + 0.001), None)
            if free is None:
                lanes.append([move])
            else:
                free.append(move)
        yield host, service, lanes


def _merged(moves: Sequence[MoveRecord]) -> list[MoveRecord]:
    """The moves of one service on one host in their order; those of a kind that run at once and go well are one."""
    found: list[MoveRecord] = []
    for move in moves:
        last = found[-1] if found else None
        alike = last is not None and (last.move, last.rollback, last.error) == (move.move, move.rollback, move.error)
        if last is not None and alike and not move.error and move.started < last.started + last.seconds - 0.001:
            ends = max(last.started + last.seconds, move.started + move.seconds)
            detail = f"{last.detail}, {move.detail}".strip(", ")
            found[-1] = replace(last, seconds=ends - last.started, detail=detail)
        else:
            found.append(move)
    return found


def _row(y: float, host: str, service: str, lanes: list[list[MoveRecord]], began: float, scale: float) -> Iterator[str]:
    """One service on one host."""
    yield svg.text(_MARGIN, y + 16, svg.shorten(host, 80), "strong", hint=host)
    yield svg.text(_MARGIN + 84, y + 16, svg.shorten(service, 62, 6.8), "dim", hint=service)
    for number, lane in enumerate(lanes):
        for move in lane:
            left, wide = _LEFT + (move.started - began) * scale, max(move.seconds * scale - 1, 2)
            kind = "failed" if move.error else move.move if move.move in _KINDS else "other"
            back = " back" if move.rollback else ""
            how = f"{move.move} {move.detail}, {move.seconds:.1f} s".replace(" ,", ",")
            hint = f"{'rollback: ' if move.rollback else ''}{how}{f': {move.error}' if move.error else ''}"
            top = y + number * _LANE
            yield svg.box(left, top, wide, _LANE - 3, kind + back, radius=3, hint=hint)
            said = f"{svg.SIGNS['violated']} {move.move}" if move.error else move.move
            fitting = next((word for word in (f"{said} {move.seconds:.1f} s", said) if svg.columns(word, 6) < wide), "")
            fitting = fitting or (svg.SIGNS["violated"] if move.error else "")
            if fitting:
                yield svg.text(left + 5 if wide > _LANE else left, top + 15, fitting, "small", hint=hint)


def _axis(seconds: float, scale: float, top: float, bottom: float) -> Iterator[str]:
    """Seconds, in steps that a person counts in."""
    step = next((step for step in _STEPS if seconds / step <= _TICKS), 2 * _STEPS[-1])
    for number in range(int(seconds / step) + 1):
        x = _LEFT + number * step * scale
        yield svg.line(x, top, x, bottom)
        yield svg.text(x, top - 5, f"{number * step:g} s", "dim small", anchor="middle")


def _legend(moves: Sequence[MoveRecord]) -> Iterator[str]:
    """The colours that were used."""
    kinds = [kind for kind in _KINDS if any(move.move == kind and not move.error for move in moves)]
    kinds += ["failed"] if any(move.error for move in moves) else []
    x = _WIDTH - _MARGIN
    if any(move.rollback for move in moves):
        x -= 96
        yield svg.text(x, 38, "dashed: rollback", "dim small")
    for kind in reversed(kinds):
        x -= svg.columns(kind, 6.2) + 30
        yield svg.box(x, 28, 12, 12, kind, radius=3)
        yield svg.text(x + 18, 38, kind, "small")


def _capacity(moves: Sequence[MoveRecord], estate: Estate | None) -> list[tuple[float, int]]:
    """How many fleet workers were available when: down from the start of a worker's restart to the end of its health check.

    (moment, workers) from the first change on; empty without a fleet, and where the moves name no single workers.
    """
    if estate is None or not estate.workers:
        return []
    changes: list[tuple[float, int]] = []
    mine = [move for move in moves if move.service == "fleet" and move.detail and not move.rollback]
    for move in mine:
        if move.move != Move.RESTART:
            continue
        worker = _worker(move)
        up = [
            other.started + other.seconds
            for other in mine
            if other.move == Move.HEALTH and _worker(other) == worker and other.started >= move.started and not other.error
        ]
        changes += [(move.started, -1), *([(min(up), 1)] if up else [])]
    available = estate.workers
    found: list[tuple[float, int]] = []
    for moment, change in sorted(changes):
        available += change
        if found and moment - found[-1][0] < _SAME:
            found[-1] = (found[-1][0], available)
        else:
            found.append((moment, available))
    return found


def _worker(move: MoveRecord) -> tuple[str, str]:
    """Which worker a move is about: its host, and the first word of the detail."""
    return move.host, move.detail.split(" ", 1)[0]


def _chart(y: float, changes: list[tuple[float, int]], began: float, seconds: float, scale: float) -> Iterator[str]:
    """The available workers over time, as steps."""
    start = changes[0][1] + 1
    most = max(1, start, *(count for _moment, count in changes))
    points, now = [(_LEFT, start)], start
    for moment, count in changes:
        x = _LEFT + (moment - began) * scale
        points += [(x, now), (x, count)]
        now = count
    right = _LEFT + seconds * scale
    drawn = [(x, y + _CHART - count / most * _CHART) for x, count in [*points, (right, now)]]
    yield svg.text(_MARGIN, y + 14, "workers", "strong")
    yield svg.text(_MARGIN, y + 30, f"lowest {min(count for _moment, count in changes)} of {most}", "dim small")
    yield svg.text(_LEFT - 8, y + 8, str(most), "dim small", anchor="end")
    yield svg.text(_LEFT - 8, y + _CHART, "0", "dim small", anchor="end")
    yield svg.path([*drawn, (right, y + _CHART), (_LEFT, y + _CHART)], "area")
    yield svg.path(drawn, "edge")
