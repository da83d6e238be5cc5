"""``estate.svg``: each host a box, its services with their releases and workers in it, and what holds there.

It shows what runs: after a way back that is what was judged again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from voxgate.model.counting import counted
from voxgate.model.estate import Estate, Host, Placement
from voxgate.model.verdict import Judgement, RunOutcome, RunVerdict, Verdict
from voxgate.report.pictures import svg
from voxgate.report.tally import ESTATE, PLATFORM, Tally, by_cell, by_subject, whole

_WIDTH = 1080.0
_MARGIN = 24.0
_GAP = 16.0
_HOST = 246.0
_ROW = 26.0
_RELEASE = 16.0
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
    release: str = ""

    @property
    def top(self) -> float:
        """How much room the service itself takes, with its release."""
        return _ROW + (_RELEASE if self.release else 0)

    @property
    def height(self) -> float:
        """How much room it takes."""
        return self.top + 4 + (len(self.chips) + _CHIPS - 1) // _CHIPS * (_ROW + 2)


@dataclass(frozen=True, slots=True)
class _Box:
    """A host, or the estate as a whole. ``gone`` says that nothing of it could be seen, and why, else empty."""

    name: str
    about: str
    rows: tuple[_Row, ...]
    gone: str = ""

    @property
    def height(self) -> float:
        """How high it must be."""
        return 58 + sum(row.height for row in self.rows) + 8


def estate_picture(outcome: RunOutcome, estate: Estate) -> str:
    """The estate as an SVG file: readable in light and dark, and without colours. Expects an outcome without secrets."""
    shown = outcome
    if outcome.rollback:
        shown = replace(outcome, judgements=outcome.rollback, missing=())
    seen = _Seen.of(shown)
    boxes = [_Box(host.name, _roles(host), tuple(seen.rows(host, estate)), seen.gone(host)) for host in estate.hosts]
    whole_estate = tuple(_Row(service, tally) for (service, host), tally in seen.cells.items() if host == ESTATE and tally.total)
    if whole_estate:
        boxes.append(_Box("whole estate", "no single host", whole_estate))
    shapes = list(_head(outcome, shown))
    columns = int((_WIDTH - 2 * _MARGIN + _GAP) // (_HOST + _GAP))
    y = _TOP
    for first in range(0, len(boxes), columns):
        band = boxes[first : first + columns]
        height = max(box.height for box in band)
        for number, box in enumerate(band):
            shapes += _drawn(_MARGIN + number * (_HOST + _GAP), y, height, box)
        y += height + _GAP
    shapes.append(_legend(y + 8))
    said = f"{estate.name}: {outcome.verdict.value}. {outcome.summary}"
    return svg.picture(_WIDTH, y + 28, said, shapes)


def _roles(host: Host) -> str:
    """What the host is for, and its address: that is how an operator knows it."""
    return f"{', '.join(sorted(role.value for role in host.roles))} · {host.address}"


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a run says of each place: counted once, however many hosts there are."""

    outcome: RunOutcome
    cells: dict[tuple[str, str], Tally]
    subjects: dict[str, Tally]
    by_host: dict[str, list[Judgement]]

    @classmethod
    def of(cls, outcome: RunOutcome) -> _Seen:
        """Count it."""
        by_host: dict[str, list[Judgement]] = {}
        for one in outcome.judgements:
            by_host.setdefault(one.host or "", []).append(one)
        return cls(outcome, by_cell(outcome), by_subject(outcome), by_host)

    def gone(self, host: Host) -> str:
        """Why nothing of a host was seen, in a few words; empty where something was."""
        judged = self.by_host.get(host.name, ())
        if not judged or any(one.verdict is not Verdict.BLIND for one in judged):
            return ""
        away = f"{host.name}: could not look (unreachable)"
        return "does not answer" if all(one.found.startswith(away) for one in judged) else "nothing could be seen"

    def rows(self, host: Host, estate: Estate) -> Iterator[_Row]:
        """The services of a host, each with its workers, and the platform."""
        for placement in estate.placements:
            if placement.host == host:
                name = placement.service.name
                tally = self.cells.get((name, host.name), Tally())
                yield _Row(name, tally, tuple(_chips(placement, self.subjects)), _release(name, self.outcome))
        yield _Row(PLATFORM, self.cells.get((PLATFORM, host.name), Tally()))


def _release(service: str, outcome: RunOutcome) -> str:
    """Which release of a service runs."""
    about = next((one for one in outcome.services if one.service == service), None)
    if about is None:
        return ""
    return about.running.name or "none" if about.running else "which release runs is not known"


def _chips(placement: Placement, subjects: dict[str, Tally]) -> Iterator[tuple[str, Tally, str]]:
    """The workers of a fleet host: number, tally, unit."""
    if not placement.service.is_template:
        return
    for number, unit in enumerate(placement.units, start=1):
        yield str(number), subjects.get(f"{placement.host.name}-{unit.removesuffix('.service')}", Tally()), unit


def _head(outcome: RunOutcome, shown: RunOutcome) -> Iterator[str]:
    """What this is, and the verdict; ``shown`` has the judgements of what runs."""
    kind = _KIND[outcome.verdict]
    word = outcome.verdict.value
    wide = svg.columns(word, 8.4) + 44
    yield svg.text(_MARGIN, 38, f"{outcome.estate} · {outcome.run}", "title")
    tally = whole(shown)
    when = "judged again, after going back: " if shown is not outcome else ""
    said = f"{when}{tally.holds} of {counted(tally.total, 'invariant')} hold · {outcome.summary}"
    yield svg.text(_MARGIN, 62, svg.shorten(said, _WIDTH - 2 * _MARGIN, 6.6), "dim", hint=said)
    yield svg.box(_WIDTH - _MARGIN - wide, 18, wide, 30, kind, radius=15)
    yield svg.text(_WIDTH - _MARGIN - wide / 2, 38, f"{svg.SIGNS[kind]}  {word}", f"strong t-{kind}", anchor="middle")


def _drawn(x: float, y: float, height: float, box: _Box) -> Iterator[str]:
    """One host. One of which nothing was seen is grey, its frame is broken, and it says so."""
    yield svg.box(x, y, _HOST, height, "box gone" if box.gone else "box", radius=10)
    yield svg.text(x + 14, y + 24, svg.shorten(box.name, _HOST - 28), "strong", hint=box.name)
    about, hint, kind = box.about, box.about, "dim small"
    if box.gone:
        said, kind = f"{svg.SIGNS['violated']} {box.gone}", "strong small t-violated"
        about, hint = f"{said} · {box.about.rpartition(' · ')[2]}", f"{said} · {box.about}"
    yield svg.text(x + 14, y + 42, svg.shorten(about, _HOST - 28, 6), kind, hint=hint)
    at = y + 56
    for row in box.rows:
        kind = "none" if box.gone else row.tally.worst
        yield svg.box(x + 10, at, _HOST - 20, row.top, kind)
        yield svg.text(x + 20, at + 18, svg.shorten(row.name, 110), f"t-{kind}")
        yield svg.text(x + _HOST - 20, at + 18, _said(row.tally), f"strong t-{kind}", anchor="end")
        if row.release:
            yield svg.text(x + 20, at + 34, svg.shorten(row.release, _HOST - 40, 6), f"small t-{kind}", hint=row.release)
        for number, (label, tally, unit) in enumerate(row.chips):
            left = x + 10 + number % _CHIPS * (_CHIP + 6.5)
            top = at + row.top + 4 + number // _CHIPS * (_ROW + 2)
            hint = f"{unit}: {_said(tally)}"
            kind = "none" if box.gone else tally.worst
            yield svg.box(left, top, _CHIP, _ROW - 3, kind, radius=5, hint=hint)
            said = f"{label} {svg.SIGNS[tally.worst]}"
            yield svg.text(left + _CHIP / 2, top + 16, said, f"small t-{kind}", anchor="middle", hint=hint)
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
