"""How many there are is said in one place, so that no message says "1 days"."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.places import ROOT
from voxgate.model.counting import counted

SOURCES = sorted(path for folder in ("voxgate", "suites") for path in (ROOT / folder).rglob("*.py"))
NOUNS = (
    "attempts causes changes characters checks commits connections containers copies days differences entries faults"
    " files findings folders hosts hours invariants judgements lines minutes mounts packages parts processes questions"
    " releases rows rules samples secrets services settings things ticks units waivers ways words workers"
)
MANY = re.compile(rf" (?:more |such |other |live )?(?:others|{'|'.join(NOUNS.split())})\b")


@pytest.mark.parametrize(("count", "said"), [(0, "0 days"), (1, "1 day"), (2, "2 days")])
def test_one_is_one(count: int, said: str) -> None:
    assert counted(count, "day") == said


def test_what_has_a_plural_of_its_own() -> None:
    assert [counted(count, "entry is", "entries are") for count in (1, 2)] == ["1 entry is", "2 entries are"]


def written_out(path: Path) -> Iterator[str]:
    """Each number that may be one, before a plural. Limits are not one, nor is what a condition says is more."""
    tree = ast.parse(path.read_text("utf-8"))
    of_many = {
        id(part)
        for one in ast.walk(tree)
        if isinstance(one, ast.IfExp | ast.If) and re.search("[<>]", ast.unparse(one.test))
        for part in ast.walk(one)
        if isinstance(part, ast.JoinedStr)
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.JoinedStr) or id(node) in of_many:
            continue
        for number, text in zip(node.values, node.values[1:], strict=False):
            if isinstance(number, ast.FormattedValue) and isinstance(text, ast.Constant) and MANY.match(str(text.value)):
                name = ast.unparse(number.value)
                if not re.search(r"\b_?[A-Z][A-Z_]+\b", name):
                    yield f"{path.relative_to(ROOT)}:{number.lineno}: {name}{text.value!s}"


def test_no_number_stands_before_a_plural_that_is_written_out() -> None:
    assert [line for path in SOURCES for line in written_out(path)] == []
