"""Each assertion of the rules is seen failing, with its own message: what there is to be seen, and what a run of the tests saw.

A rule of ``suites/`` mostly ends with one assertion, and finds many things before it. So two kinds of things must be seen: each
``assert`` that has a message, and each text of which messages are made (what is found, and what is done about it) in the words of
a rule that was violated, or that could not be judged. What says too little to be told from others (``FEWEST`` letters) is not
among them.
"""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path
from types import CodeType

from voxgate.contracts.catalogue import FOLDER
from voxgate.errors import VoxgateError
from voxgate.model.estate import Estate
from voxgate.model.invariant import Expected
from voxgate.plugin.invariants import ARROW, PARTED, entries_of
from voxgate.plugin.words import Words, words_of

FEWEST = 6
NAMED = 1  # cases of each that the page names
LONGEST = 150  # letters of a case's name
HINT = "hint: make the rule say it, in a case of tests/unit/suites/test_each_message.py; what nothing can is dead"
INTRODUCTION = """\
Made by `make assertions`, and as of its last run; do not edit. Each assertion of the rules in `suites/`, and each text that
their messages are made of, was seen in a judgement that is violated or blind. Here is in how many, and one test that shows it
with few others. CI makes the same check at the end of the unit tests, and what was never seen fails it. `{}` is filled in."""

_HOLE = re.compile(r"\{\d?\}")


@dataclass(frozen=True, slots=True)
class Assertion:
    """One thing that has to be seen in a violation. ``parts`` is what its text says between what is filled in; an assertion has
    none, and is known by its ``lines``.
    """

    file: str
    function: str
    text: str
    lines: range
    parts: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """As it stands in lists: without a line, which changes."""
        return f"{self.file}::{self.function}: {self.text}"

    def is_in(self, said: str) -> bool:
        """True if a line of what was ``said`` has all of its parts, one behind the other."""
        return bool(self.parts) and any(self._is_in(line) for line in said.splitlines())

    def _is_in(self, line: str) -> bool:
        at = 0
        for part in self.parts:
            if (found := line.find(part, at)) < 0:
                return False
            at = found + len(part)
        return True


@dataclass(slots=True)
class Seen:
    """Which cases turned what red: the id of an assertion to how many judgements showed it, and to the tests that show it with
    the fewest others, each behind how many there are in all.
    """

    counts: dict[str, int] = field(default_factory=dict)
    cases: dict[str, list[tuple[int, str]]] = field(default_factory=dict)

    def note(self, error: BaseException) -> None:
        """Keep of which assertions and texts a violation is, or what could not be judged, and in which test that is."""
        places = [(code.co_filename, line) for code, line in _went_through(error) if Path(code.co_filename).parent == FOLDER]
        if not places or not isinstance(error, AssertionError | VoxgateError):
            return
        file, line = places[-1]
        said = f"{error.line}\n{error.hint}" if isinstance(error, VoxgateError) else str(error)
        said += "".join(f"\n{entry.about}" for entry in entries_of(error))
        case = os.environ.get("PYTEST_CURRENT_TEST", "").removeprefix("tests/unit/").rpartition(" ")[0][:LONGEST]
        found = _matching(Path(file).name, line if isinstance(error, AssertionError) else 0, said)
        self.add({one: (1, [(len(found), case)]) for one in found})

    def add(self, other: Mapping[str, tuple[int, Sequence[tuple[int, str]]]]) -> None:
        """What another process saw, too. The same few cases are kept, whoever ran them first."""
        for one, (count, cases) in other.items():
            self.counts[one] = self.counts.get(one, 0) + count
            self.cases[one] = sorted({*self.cases.get(one, ()), *((number, case) for number, case in cases)})[:NAMED]

    def plain(self) -> dict[str, tuple[int, list[tuple[int, str]]]]:
        """In a form that goes from one process to another."""
        return {one: (count, self.cases[one]) for one, count in self.counts.items()}


SEEN = Seen()
"""What this process saw."""


def judged(error: BaseException, about: Expected | None = None, estate: Estate | None = None, day: date = date.min) -> Words:
    """The words of a judgement, which is noted."""
    SEEN.note(error)
    return words_of(error, about, estate, day)


def assertions() -> tuple[Assertion, ...]:
    """All of them, as they stand in ``suites/``."""
    return tuple(one for path in sorted(FOLDER.glob("test_*.py")) for one in of_file(path.name))


@cache
def of_file(name: str) -> tuple[Assertion, ...]:
    """Those of one file of ``suites/``, by lines; a text that a function has twice, once."""
    tree = ast.parse((FOLDER / name).read_text("utf-8"))
    found: dict[str, Assertion] = {}
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef) and function.name != "__str__":
            for one in sorted(_of_function(name, function), key=lambda one: one.lines.start):
                found.setdefault(one.id, one)
    return tuple(sorted(found.values(), key=lambda one: one.lines.start))


def without_a_word() -> list[str]:
    """Assertions that no rule ends with: they have no message, and tell the type checker only what the estate's form promises.
    ``file:line: condition``.
    """
    return [
        f"{path.name}:{node.lineno}: {ast.unparse(node.test)}"
        for path in sorted(FOLDER.glob("test_*.py"))
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Assert) and node.msg is None
    ]


def unseen(seen: Seen) -> list[str]:
    """What no test of a run saw failing, a line each."""
    return [
        f"suites/{one.file}:{one.lines.start}: never seen failing, in {one.function}: {one.text}"
        for one in assertions()
        if one.id not in seen.counts
    ]


def page(seen: Seen) -> str:
    """The table of all of them."""
    every = assertions()
    lines = [
        "# Each assertion, seen red",
        "",
        INTRODUCTION,
        "",
        f"{sum(1 for one in every if one.id in seen.counts)} of {len(every)} were seen.",
    ]
    for file in dict.fromkeys(one.file for one in every):
        lines += ["", f"## {file.removeprefix('test_').removesuffix('.py').replace('_', ' ')}", ""]
        lines += ["| in | what fails, or is said | seen | for example by |", "|---|---|---|---|"]
        for one in every:
            if one.file == file:
                cases = ", ".join(f"`{_cell(case)}`" for _, case in seen.cases.get(one.id, ()))
                lines.append(f"| `{one.function}` | `{_cell(one.text)}` | {seen.counts.get(one.id, 0)} | {cases} |")
    return "\n".join(lines) + "\n"


def _went_through(error: BaseException) -> Iterator[tuple[CodeType, int]]:
    """The functions that an error came through, and the line in each; no source is read for it."""
    at = error.__traceback__
    while at is not None:
        yield at.tb_frame.f_code, at.tb_lineno
        at = at.tb_next


def _cell(text: str) -> str:
    """A text within a table, as code."""
    return text.replace("`", "'").replace("|", "\\|")


@cache
def _matching(file: str, line: int, said: str) -> tuple[str, ...]:
    """The ids of what a violation shows: its assertion by the line, and the texts that it says."""
    plain = _plain(said.replace(ARROW, ""))
    return tuple(one.id for one in of_file(file) if (not one.parts and line in one.lines) or one.is_in(plain))


def _of_function(file: str, function: ast.FunctionDef) -> Iterator[Assertion]:
    """Its assertions, and the texts in it."""
    apart: set[ast.AST] = {node for passed in _passed_by(function) for node in ast.walk(passed)}
    for node in ast.walk(function):
        if node in apart:
            continue
        lines = range(getattr(node, "lineno", 0), (getattr(node, "end_lineno", 0) or 0) + 1)
        if isinstance(node, ast.Assert) and node.msg is not None:
            yield Assertion(file, function.name, f"assert {ast.unparse(node.test)}", lines)
        pieces = list(_pieces(node))
        parts = tuple(filter(None, (piece.strip() if len(pieces) == 1 else piece for piece in pieces)))
        if sum(letter.isalpha() for part in parts for letter in part) >= FEWEST and any(" " in part for part in parts):
            yield Assertion(file, function.name, "{}".join(pieces).strip(), lines, parts)


def _passed_by(function: ast.FunctionDef) -> Iterator[ast.AST]:
    """What holds no message: decorators, docstrings, what is compared, what names a fact that is read once, functions within
    (they have their own turn), and the parts of a text, which is taken as a whole.
    """
    yield from function.decorator_list
    for node in ast.walk(function):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield node.value
        if isinstance(node, ast.FunctionDef) and node is not function:
            yield node
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "once":
            yield node
        if isinstance(node, ast.Compare | ast.MatchValue):
            yield node
        if isinstance(node, ast.JoinedStr):
            for value in node.values:
                if isinstance(value, ast.Constant):
                    yield value
                elif isinstance(value, ast.FormattedValue) and value.format_spec is not None:
                    yield value.format_spec


def _pieces(node: ast.AST) -> Iterable[str]:
    """What a text says between what is filled in; nothing for what is none."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [_plain(one) for one in _HOLE.split(node.value.replace("{{}}", "{0}"))]
    if not isinstance(node, ast.JoinedStr):
        return []
    pieces = [""]
    for value in node.values:
        if isinstance(value, ast.Constant):
            pieces[-1] += _plain(str(value.value))
        else:
            pieces.append("")
    return pieces


def _plain(text: str) -> str:
    """As it may stand among others: what is found holds no sign that parts findings."""
    return text.replace(PARTED, ", ")
