"""The small mistakes of ``make mutants``: each is one change of a text that Python can read, and each is tried in a clone."""

from __future__ import annotations

import ast
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.mutants import WHERE, Mutant, Tried, mutants, page
from tests.quick import git

ROOT = Path(__file__).resolve().parents[2]
SOURCE = '''
@on(at=7)
def f(a: int = 1) -> str:
    """What it promises."""
    if TYPE_CHECKING:
        b = 2
    assert a is not None
    for one in range(a):
        if one < a and b:  # ö
            continue
    return f"{a == b}"
'''

PATH = "lab/here/there.py"
MODULE = "def is_less(a, b, most=9):\n    return a < b\n"
TEST = "from lab.here.there import is_less\n\ndef test_less():\n    assert not is_less(1, 1)\n"


def test_each_mistake_is_one_and_is_told_as_what_it_changes() -> None:
    found = {(one.line, one.kind, one.diff(SOURCE)) for one in mutants("x.py", SOURCE)}
    condition = "        if one < a and b:  # ö"
    assert found == {
        (3, "constant +1", "-def f(a: int = 1) -> str:\n+def f(a: int = (2)) -> str:"),
        (3, "constant -1", "-def f(a: int = 1) -> str:\n+def f(a: int = (0)) -> str:"),
        (9, "comparison turned", f"-{condition}\n+        if (one <= a) and b:  # ö"),
        (9, "and / or", f"-{condition}\n+        if (one < a or b):  # ö"),
        (9, "condition negated", f"-{condition}\n+        if (not (one < a and b)):  # ö"),
        (10, "statement removed", "-            continue\n+            pass"),
        (11, "value not returned", '-    return f"{a == b}"\n+    return None'),
    }


def test_each_file_with_a_mistake_can_be_read() -> None:
    path = git("ls-files", *WHERE)[0]
    text = (ROOT / path).read_text("utf-8")
    made = [one.made(text) for one in mutants(path, text)]
    assert made
    for one in made:
        ast.parse(one)


@pytest.fixture
def folder() -> Iterator[Path]:
    """Not below /tmp: where mistakes are tried, that is another one."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        yield Path(name)


def a_mistake(folder: Path, test: str, kind: str) -> tuple[Mutant, Tried]:
    """One of a project that has one module and its ``test``."""
    for path, text in {"pyproject.toml": "", "lab/__init__.py": "", PATH: MODULE, "tests/unit/test_there.py": test}.items():
        (folder / "project" / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / "project" / path).write_text(text, "utf-8")
    return next(one for one in mutants(PATH, MODULE) if one.kind == kind), Tried(folder, folder / "project")


@pytest.mark.parametrize(
    ("kind", "outcome"),
    [("comparison turned", "killed by tests/unit/test_there.py::test_less"), ("constant +1", "survived")],
)
def test_a_mistake_is_seen_where_a_test_of_its_file_fails(folder: Path, kind: str, outcome: str) -> None:
    one, tried = a_mistake(folder, TEST, kind)
    assert tried.outcome(one) == outcome
    assert (tried.clone / PATH).read_text("utf-8") == MODULE
    assert one.diff(MODULE) in page(1, [(one, one.diff(MODULE), "survived")])


def test_what_fails_without_the_mistake_says_nothing(folder: Path) -> None:
    fails = "from lab.here.there import is_less\n\ndef test_less():\n    assert is_less(1, 1)\n"
    one, tried = a_mistake(folder, fails, "comparison turned")
    assert tried.outcome(one) == "survived"
    one, tried = a_mistake(folder, "import nothing_of_that_name\nimport lab.here.there\n", "comparison turned")
    assert tried.outcome(one) == "nobody can say: without it there is an error, too"
