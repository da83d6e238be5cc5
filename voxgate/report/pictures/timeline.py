"""``timeline.svg``: the moves of a deploy on each host over its seconds, and the fleet's workers while they are restarted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from voxgate.deploy.moving.rolling import Capacity
from voxgate.model.counting import counted
from voxgate.model.verdict import Move, MoveRecord, RunOutcome
from voxgate.report.pictures import svg

_WIDTH = 1080.0
_MARGIN = 24.0
_LEFT = 176.0
_LANE = 24.0
_TOP = 78.0
_CHART = 64.0
_TICKS = 12
_STEPS = (0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600)

_KINDS = tuple(move.value for move in Move)


def timeline_picture(outcome: RunOutcome, capacity: Capacity | None = None) -> str:
    """The moves as an SVG file, below them the workers that served as they were sampled; empty text for a run without moves.
    Expects an outcome without secrets.
    """
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
    if capacity is not None and capacity.samples:
        shapes += _chart(y + 30, capacity, began, seconds, scale)
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


def _chart(y: float, capacity: Capacity, began: float, seconds: float, scale: float) -> Iterator[str]:
    """How many workers served, from sample to sample; a sample that nobody knows leaves a gap, and every other one is a dot."""
    most = max(len(one.serving) + len(one.down) + len(one.unknown) for one in capacity.samples)
    runs: list[list[tuple[float, int]]] = [[]]
    for sample in capacity.samples:
        if sample.unknown:
            runs.append([])
        else:
            x = _LEFT + min(max(capacity.began + sample.at - began, 0.0), seconds) * scale
            runs[-1].append((x, len(sample.serving)))
    known = [count for run in runs for _x, count in run]
    yield svg.text(_MARGIN, y + 14, "workers", "strong")
    lowest = f"lowest {min(known)} of {most}" if known else "not known"
    yield svg.text(_MARGIN, y + 30, lowest, "dim small")
    yield svg.text(_MARGIN, y + 46, counted(len(capacity.samples), "sample"), "dim small")
    yield svg.text(_LEFT - 8, y + 8, str(most), "dim small", anchor="end")
    yield svg.text(_LEFT - 8, y + _CHART, "0", "dim small", anchor="end")
    for run in filter(None, runs):
        drawn = [(x, y + _CHART - count / most * _CHART) for x, count in _steps(run)]
        yield svg.path([*drawn, (drawn[-1][0], y + _CHART), (drawn[0][0], y + _CHART)], "area")
        yield svg.path(drawn, "edge")
        for x, count in run:
            hint = f"{count} of {most} served"
            yield svg.box(x - 1.5, y + _CHART - count / most * _CHART - 1.5, 3, 3, "bar", radius=1.5, hint=hint)


def _steps(run: list[tuple[float, int]]) -> Iterator[tuple[float, int]]:
    """What was seen last is drawn until something else was seen."""
    for (x, count), (_x, before) in zip(run, [run[0], *run], strict=False):
        yield x, before
        yield x, count
