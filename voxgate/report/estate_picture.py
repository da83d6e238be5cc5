"""``estate.svg``: each host a box, its services and workers in it, and what holds there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from voxgate.model.estate import Estate, Host, Placement
from voxgate.model.verdict import RunOutcome, RunVerdict
from voxgate.report import svg
from voxgate.report.tally import ESTATE, PLATFORM, Tally, by_cell, by_subject, whole

_WIDTH = 1080.0
_MARGIN = 24.0
_GAP = 16.0
_HOST = 246.0
_ROW = 26.0
_CHIP = 40.0
_CHIPS = 5
_TOP = 84.0

_KIND = {
    RunVerdict.HOLDS: "holds",
    RunVerdict.DONE: "holds",
    RunVerdict.PARTIAL: "holds",
    RunVerdict.VIOLATED: "violated",
    RunVerdict.BLIND: "blind",
    RunVerdict.INCOMPLETE: "missing",
    RunVerdict.REFUSED: "blind",
    RunVerdict.ROLLED_BACK: "violated",
    RunVerdict.BROKEN: "violated",
}


@dataclass(frozen=True, slots=True)
class _Row:
    """One line of a host's box: a service with its workers, or the platform."""

    name: str
    tally: Tally
    chips: tuple[tuple[str, Tally, str], ...] = ()

    @property
    def height(self) -> float:
        """How much room it takes."""
        return _ROW + 4 + (len(self.chips) + _CHIPS - 1) // _CHIPS * (_ROW + 2)


def estate_picture(outcome: RunOutcome, estate: Estate) -> str:
    """The estate as an SVG file: readable in light and dark, and without colours. Expects an outcome without secrets."""
    boxes = [(host.name, _roles(host), tuple(_rows(host, outcome, estate))) for host in estate.hosts]
    whole_estate = tuple(
        _Row(service, tally) for (service, host), tally in by_cell(outcome).items() if host == ESTATE and tally.total
    )
    if whole_estate:
        boxes.append(("whole estate", "no single host", whole_estate))
    shapes = list(_head(outcome))
    columns = int((_WIDTH - 2 * _MARGIN + _GAP) // (_HOST + _GAP))
    y = _TOP
    for first in range(0, len(boxes), columns):
        band = boxes[first : first + columns]
        height = max(_height(rows) for _name, _about, rows in band)
        for number, (name, about, rows) in enumerate(band):
            shapes += _box(_MARGIN + number * (_HOST + _GAP), y, height, name, about, rows)
        y += height + _GAP
    shapes.append(_legend(y + 8))
    said = f"{estate.name}: {outcome.verdict.value}. {outcome.summary}"
    return svg.picture(_WIDTH, y + 28, said, shapes)


def _roles(host: Host) -> str:
    """What the host is for, and its address: that is how an operator knows it."""
    return f"{', '.join(sorted(role.value for role in host.roles))} · {host.address}"


def _rows(host: Host, outcome: RunOutcome, estate: Estate) -> Iterator[_Row]:
    """The services of a host, each with its workers, and the platform."""
    cells, subjects = by_cell(outcome), by_subject(outcome)
    for placement in estate.placements:
        if placement.host == host:
            tally = cells.get((placement.service.name, host.name), Tally())
            yield _Row(placement.service.name, tally, tuple(_chips(placement, subjects)))
    yield _Row(PLATFORM, cells.get((PLATFORM, host.name), Tally()))


def _chips(placement: Placement, subjects: dict[str, Tally]) -> Iterator[tuple[str, Tally, str]]:
    """The workers of a fleet host: number, tally, unit."""
    if not placement.service.is_template:
        return
    for number, unit in enumerate(placement.units, start=1):
        yield str(number), subjects.get(f"{placement.host.name}-{unit.removesuffix('.service')}", Tally()), unit


def _height(rows: tuple[_Row, ...]) -> float:
    """How high a box must be."""
    return 58 + sum(row.height for row in rows) + 8


def _head(outcome: RunOutcome) -> Iterator[str]:
    """What this is, and the verdict."""
    kind = _KIND[outcome.verdict]
    word = outcome.verdict.value
    wide = svg.columns(word, 8.4) + 44
    yield svg.text(_MARGIN, 38, f"{outcome.estate} · {outcome.run}", "title")
    tally = whole(outcome)
    said = f"{tally.holds} of {tally.total} invariants hold · {outcome.summary}"
    yield svg.text(_MARGIN, 62, svg.shorten(said, _WIDTH - 2 * _MARGIN, 6.6), "dim", hint=said)
    yield svg.box(_WIDTH - _MARGIN - wide, 18, wide, 30, kind, radius=15)
    yield svg.text(_WIDTH - _MARGIN - wide / 2, 38, f"{svg.SIGNS[kind]}  {word}", f"strong t-{kind}", anchor="middle")


def _box(x: float, y: float, height: float, name: str, about: str, rows: tuple[_Row, ...]) -> Iterator[str]:
    """One host."""
    yield svg.box(x, y, _HOST, height, "box", radius=10)
    yield svg.text(x + 14, y + 24, svg.shorten(name, _HOST - 28), "strong", hint=name)
    yield svg.text(x + 14, y + 42, svg.shorten(about, _HOST - 28, 6), "dim small", hint=about)
    at = y + 56
    for row in rows:
        kind = row.tally.worst
        yield svg.box(x + 10, at, _HOST - 20, _ROW, kind)
        yield svg.text(x + 20, at + 18, svg.shorten(row.name, 110), f"t-{kind}")
        yield svg.text(x + _HOST - 20, at + 18, _said(row.tally), f"strong t-{kind}", anchor="end")
        for number, (label, tally, unit) in enumerate(row.chips):
            left = x + 10 + number % _CHIPS * (_CHIP + 7)
            top = at + _ROW + 4 + number // _CHIPS * (_ROW + 2)
            hint = f"{unit}: {_said(tally)}"
            yield svg.box(left, top, _CHIP, _ROW - 3, tally.worst, radius=5, hint=hint)
            said = f"{label} {svg.SIGNS[tally.worst]}"
            yield svg.text(left + _CHIP / 2, top + 16, said, f"small t-{tally.worst}", anchor="middle", hint=hint)
        at += row.height


def _said(tally: Tally) -> str:
    """``✓ 9/9``, or ``7/9 ✗1 ?1``."""
    if not tally.total:
        return "not judged here"
    bad = [
        f"{svg.SIGNS[name]}{getattr(tally, name)}" for name in ("violated", "blind", "missing", "waived") if getattr(tally, name)
    ]
    held = f"{tally.holds}/{tally.total}"
    return f"{held} {' '.join(bad)}" if bad else f"{svg.SIGNS['holds']} {held}"


def _legend(y: float) -> str:
    """What the signs mean."""
    signs = svg.SIGNS
    said = f"{signs['holds']} holds · {signs['violated']} violated · {signs['blind']} blind: we could not look"
    said += f" · {signs['missing']} not judged · {signs['waived']} waived: accepted in writing until a day"
    return svg.text(_MARGIN, y, f"{said} · small boxes are workers", "dim small")
