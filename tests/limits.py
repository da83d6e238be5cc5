"""``docs/LIMITS.md``: the numbers that the rules and a deploy go by, each with what it is a number of.

So whoever meets one finds it: how large a folder may be, how long a host is waited for, how many findings are told. And none is
changed without a line of a page that is read before it lands.
"""

from __future__ import annotations

import ast
import importlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "LIMITS.md"
ROOMS = {
    "suites": "The rules",
    "voxgate/contracts": "Contracts: what is read of estates, releases, schemas and promotions",
    "voxgate/deploy": "A deploy",
    "voxgate/moves": "What a deploy runs on a host",
}
HEAD = """\
# Numbers

Made by `make docs`: the numbers that the rules and a deploy go by. None of them can be set; what a team may set stands in
[ESTATES.md](ESTATES.md).
"""
_PLAIN = (int, float, timedelta, range)


@dataclass(frozen=True, slots=True)
class Number:
    """One: where it stands, its name (several may stand together), its value as people read it, and the words beside it."""

    path: str
    name: str
    value: str
    words: str


def numbers() -> Iterator[Number]:
    """All that stand by themselves in a module of the rooms, but statuses of HTTP, which need no words."""
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            yield from _of(path.relative_to(ROOT))


def _of(path: Path) -> Iterator[Number]:
    text = (ROOT / path).read_text("utf-8")
    body = ast.parse(text).body
    for node, after in zip(body, [*body[1:], None], strict=True):
        if not (isinstance(node, ast.Assign) and _has_a_number(node.value)):
            continue
        names = [one.id for one in ast.walk(node.targets[0]) if isinstance(one, ast.Name)]
        module = importlib.import_module(".".join(path.with_suffix("").parts))
        values = [getattr(module, name) for name in names]
        words = _docstring(after) or _comment(text, node)
        if all(isinstance(value, _PLAIN) or _is_of_numbers(value) for value in values) and (words or not _are_statuses(values)):
            said = ", ".join(_said(value, octal="0o" in (ast.get_source_segment(text, node) or "")) for value in values)
            yield Number(path.as_posix(), ", ".join(names), said, words)


def _has_a_number(node: ast.expr) -> bool:
    return any(isinstance(one, ast.Constant) and type(one.value) in (int, float) for one in ast.walk(node))


def _is_of_numbers(value: object) -> bool:
    return isinstance(value, tuple) and all(isinstance(one, _PLAIN) for one in value)


def _are_statuses(values: list[object]) -> bool:
    return all(isinstance(value, int) and value in {*HTTPStatus} for value in values)


def _docstring(after: ast.stmt | None) -> str:
    is_one = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant) and isinstance(after.value.value, str)
    return ast.unparse(after).strip("\"'") if is_one and after is not None else ""


def _comment(text: str, node: ast.stmt) -> str:
    return text.splitlines()[(node.end_lineno or node.lineno) - 1].partition("  # ")[2]


def _said(value: object, *, octal: bool = False) -> str:
    match value:
        case int() if octal:
            return f"0{value:o}"
        case int() if 1 << 20 <= value < 1 << 50 and value % (1 << 20) == 0:
            return f"{value:,} ({value >> 20:,} Mi)"
        case int() | float():
            return f"{value:,}"
        case timedelta():
            return f"{value.total_seconds():,} s"
        case range():
            return f"{value.start} to {value.stop - 1}"
        case tuple():
            return ", ".join(_said(one) for one in value)
    raise TypeError(value)


def page() -> str:
    """A table for each room, in the order of its files."""
    lines = [HEAD]
    found = list(numbers())
    for room, title in ROOMS.items():
        lines += [f"## {title}", "", "| where | number | what |", "|---|---|---|"]
        for one in (one for one in found if Path(one.path).is_relative_to(room)):
            words = " ".join(one.words.replace("\\n", " ").split()).replace("|", "\\|")
            lines.append(f"| `{one.path.removeprefix(room + '/')}` `{one.name}` | {one.value} | {words} |")
        lines.append("")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(page())
