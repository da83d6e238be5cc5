"""The matrix as a picture: a row for each fault, a column for each invariant, what was declared and what was seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lab.proving.script import rule_of
from voxgate.report.pictures import svg

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

CELL = 17.0
NAMES = 280.0
MARGIN = 24.0
HEADS = 250.0
TOP = 84.0
KINDS = {"violated": "violated", "blind": "blind", "waived": "waived", "differs": "missing"}


def picture(document: dict[str, Any]) -> str:
    """``matrix.json`` as an SVG file, readable in light and dark, and without colours."""
    rows, columns = document["faults"], document["invariants"]
    width = NAMES + len(columns) * CELL + 2 * MARGIN + HEADS * 0.55
    proved = sum(row["proved"] for row in rows)
    runs = f", in {document['runs']} runs" if document["runs"] > 1 else ""
    said = f"{proved} of {len(rows)} faults proved on {len(columns)} invariants, in {document['seconds'] / 60:.0f} minutes{runs}"
    shapes = [
        svg.text(MARGIN, 38, "Each invariant, seen to fail", "title"),
        svg.text(MARGIN, 60, f"{said} · {document['started'][:10]} · on real systemd hosts, one fault at a time", "dim small"),
    ]
    top = TOP + HEADS * 0.72
    for number, name in enumerate(columns):
        shapes.append(_head(MARGIN + NAMES + number * CELL, top - 6, name))
    y = top
    group = ""
    for row in rows:
        if row["name"].partition("-")[0] != group:
            group = row["name"].partition("-")[0]
            y += 6
        shapes += _row(row, columns, y)
        y += CELL
    shapes.append(_legend(y + 26))
    return svg.picture(width, y + 48, said, shapes)


def _head(x: float, y: float, name: str) -> str:
    """A column's name, leaning."""
    place = svg.text(0, 0, name, "small")
    return f'<g transform="translate({x + CELL * 0.7:g} {y:g}) rotate(-50)">{place}</g>'


def _row(row: dict[str, Any], columns: Sequence[str], y: float) -> Iterator[str]:
    """One fault: a cell for each invariant that it touched."""
    sign, kind = ("✓", "t-holds") if row["proved"] else ("✗", "t-violated")
    hint = f"{row['about']} ({row['host']})"
    yield svg.text(MARGIN, y + 12.5, f"{sign} {row['name']}", f"small {kind}", hint=hint)
    cells = by_rule(row)
    for number, name in enumerate(columns):
        x = MARGIN + NAMES + number * CELL
        if name in cells:
            state, hint = cells[name]
            yield svg.box(x, y, CELL - 2, CELL - 2, KINDS[state], radius=3, hint=f"{row['name']}: {hint}")
            mark = svg.SIGNS.get(state, "≠")
            yield svg.text(x + CELL / 2 - 1, y + 12, mark, f"small t-{KINDS[state]}", anchor="middle", hint=f"{hint}")
        else:
            yield svg.box(x, y, CELL - 2, CELL - 2, "none", radius=3)


def by_rule(row: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """For each invariant that a fault touched: violated, blind, waived, or differs from what was declared; and on what."""
    found: dict[str, tuple[str, str]] = {}
    touched = sorted({*row["declared"], *row["seen"]})
    for rule in dict.fromkeys(rule_of(one) for one in touched):
        mine = [one for one in touched if rule_of(one) == rule]
        same = all(row["declared"].get(one) == row["seen"].get(one) for one in mine)
        verdicts = {str(row["declared"].get(one)) for one in mine}
        state = next((one for one in ("violated", "blind", "waived") if one in verdicts), "differs") if same else "differs"
        found[rule] = state, f"{state}: {', '.join(mine)}"
    return found


def _legend(y: float) -> str:
    """What the signs mean."""
    said = " · ".join(f"{svg.SIGNS[state]} {state} as declared" for state in ("violated", "blind", "waived"))
    said += " · ≠ otherwise than declared"
    return svg.text(MARGIN, y, f"{said} · grey: held, as declared", "dim small")
