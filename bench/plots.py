"""The pictures of docs/PERFORMANCE.md: bars with their spread, and lines with their points. Each number is beside its mark, so
that they read without colours too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from voxgate.report.pictures import svg

MARGIN = 24.0
WIDTH = 860.0
NAMES = 240.0
BAR = 18.0
ROW = 30.0
KINDS = ("health", "restart", "checkout", "install", "fetch")
PLOT = 250.0
DOT = 8.0
LABEL = 200.0


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: a name, its length and between what the runs were, all in one unit."""

    name: str
    value: float
    least: float
    most: float
    said: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One line: a name and its points, in the order of x."""

    name: str
    points: tuple[tuple[float, float], ...]


def bars(title: str, about: str, rows: Sequence[Bar], unit: str) -> str:
    """Bars below one another, the shortest value not sorted: they stand as they are given."""
    room = WIDTH - NAMES - 2 * MARGIN - LABEL
    scale = room / max((row.most for row in rows), default=1.0)
    shapes = _head(title, about)
    y = 84.0
    for row in rows:
        x = MARGIN + NAMES
        shapes.append(svg.text(x - 10, y + BAR * 0.75, row.name, "small", anchor="end"))
        shapes.append(svg.box(x, y, max(row.value * scale, 1), BAR, "restart" if row.said else "health", radius=3))
        middle = y + BAR / 2
        shapes.append(svg.box(x + row.least * scale, middle - 1, (row.most - row.least) * scale, 2, "bar", radius=1))
        said = f"{row.value:.3g} {unit}{f' · {row.said}' if row.said else ''}"
        shapes.append(svg.text(x + row.most * scale + 8, y + BAR * 0.75, said, "small"))
        y += ROW
    return svg.picture(WIDTH, y + 16, f"{title}: " + ", ".join(f"{row.name} {row.value:.3g} {unit}" for row in rows), shapes)


def lines(title: str, about: str, rows: Sequence[Line], x_unit: str, y_unit: str) -> str:
    """Lines from zero, each named at its end; the names keep apart where the ends do not."""
    points = [point for row in rows for point in row.points]
    right = max((x for x, _ in points), default=1.0) or 1.0
    high = max((y for _, y in points), default=1.0) or 1.0
    left, top, width = MARGIN + 40, 84.0, WIDTH - 2 * MARGIN - 40 - LABEL

    def place(x: float, y: float) -> tuple[float, float]:
        return left + x / right * width, top + PLOT - y / high * PLOT

    shapes = _head(title, about)
    for part in range(5):
        y = high * part / 4
        at = place(0, y)[1]
        shapes += [svg.line(left, at, left + width, at), svg.text(left - 8, at + 4, f"{y:.3g}", "dim small", anchor="end")]
    for x in dict.fromkeys(x for x, _ in points):
        shapes.append(svg.text(place(x, 0)[0], top + PLOT + 18, f"{x:g}", "dim small", anchor="middle"))
    shapes.append(svg.text(left + width, top + PLOT + 36, x_unit, "dim small", anchor="end"))
    labels: list[tuple[float, float, str, str]] = []
    for row, kind in zip(rows, KINDS, strict=False):
        places = [place(x, y) for x, y in row.points]
        shapes += [svg.line(*one, *other) for one, other in pairwise(places)]
        shapes += [svg.box(x - DOT / 2, y - DOT / 2, DOT, DOT, kind, radius=DOT / 2) for x, y in places]
        labels.append((*places[-1], f"{row.name} {row.points[-1][1]:.3g} {y_unit}", kind))
    lowest = top + PLOT + ROW
    for x, y, said, kind in sorted(labels, key=lambda label: -label[1]):
        lowest = min(y, lowest - 16)
        shapes += [svg.box(x + 12, lowest - 4, DOT, DOT, kind, radius=DOT / 2), svg.text(x + 26, lowest + 4, said, "small")]
    return svg.picture(WIDTH, top + PLOT + 56, f"{title}: " + ", ".join(said for _, _, said, _ in labels), shapes)


def _head(title: str, about: str) -> list[str]:
    return [svg.text(MARGIN, 38, title, "title"), svg.text(MARGIN, 60, about, "dim small")]
