"""Entries written into an estate's file: where each comes to stand, with what beside it, and what stays as it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from voxgate.contracts.estate_file import accepted, lay_beside, replace, with_entries
from voxgate.contracts.estates import FOLDER
from voxgate.errors import EstateError
from voxgate.model.entry import Entry

LAB = (FOLDER / "lab.toml").read_text("utf-8")
ROWS = ("a" * 60, "b" * 60, "c" * 60)

FITS = f'a = ["{"x" * 60}", "{"y" * 60}", "{"z" * 16}"] # found\n'
FITS_NOT = "a = [\n" + "".join(f'    "{one}", # found\n' for one in ("x" * 60, "y" * 60, "z" * 17)) + "]\n"

WRITTEN: dict[str, tuple[str, list[Entry], str]] = {
    "nothing": ("a = 1", [], "a = 1\n"),
    "nothing into nothing": ("", [], ""),
    "a value": ("", [Entry(("a",), 1, "found", "here")], "a = 1 # found (here)\n"),
    "a value without a word": ("", [Entry(("a",), "x", "")], 'a = "x"\n'),
    "a value of which only the origin is said": ("", [Entry(("a",), 1, "", "here")], "a = 1 # here\n"),
    "a value that is there": ("a = 2 # mine\n", [Entry(("a",), 1, "found")], "a = 2 # mine\n"),
    "a list": ("", [Entry(("a",), ("x", "y"), "found")], 'a = ["x", "y"] # found\n'),
    "a list without a word": ("", [Entry(("a",), ("x", "y"), "")], 'a = ["x", "y"]\n'),
    "two entries of one list": (
        "", [Entry(("a",), ("x",), "one"), Entry(("a",), ("y",), "two")],
        'a = [\n    "x", # one\n    "y", # two\n]\n',
    ),
    "two entries of one list that say the same": (
        "", [Entry(("a",), ("x",), "one"), Entry(("a",), ("y",), "one")], 'a = ["x", "y"] # one\n',
    ),
    "an item twice": ("", [Entry(("a",), ("x", "x"), "one"), Entry(("a",), ("x",), "two")], 'a = ["x"] # one\n'),
    "a list that is there": (
        'a = ["x"] # mine\n', [Entry(("a",), ("x", "y"), "found")], 'a = ["x",\n    "y", # found\n] # mine\n',
    ),
    "a list that is there, without a word": ('a = ["x"]\n', [Entry(("a",), ("y",), "")], 'a = ["x", "y"]\n'),
    "a list that has it": ('a = ["x"]\n', [Entry(("a",), ("x",), "found")], 'a = ["x"]\n'),
    "a list that is too long for a line": (
        "", [Entry(("a",), ROWS, "found")], "a = [\n" + "".join(f'    "{one}", # found\n' for one in ROWS) + "]\n",
    ),
    "a list of rows": (
        "", [Entry(("a",), ({"x": 1}, {"y": "z"}), "found")], 'a = [\n    { x = 1 }, # found\n    { y = "z" }, # found\n]\n',
    ),
    "a list that just fits into a line": ("", [Entry(("a",), ("x" * 60, "y" * 60, "z" * 16), "found")], FITS),
    "a list that does not fit by one letter": (
        "", [Entry(("a",), ("x" * 60, "y" * 60, "z" * 17), "found")], FITS_NOT,
    ),
    "one item that is too long for a line": ("", [Entry(("a",), ("x" * 200,), "found")], 'a = ["' + "x" * 200 + '"] # found\n'),
    "an empty list": ("", [Entry(("a",), (), "found")], "a = []\n"),
    "a list of lists": ("", [Entry(("a",), (("x", "y"),), "found")], 'a = [\n    ["x", "y"], # found\n]\n'),
    "a value, and a list of the same name": ("", [Entry(("a",), 1, "one"), Entry(("a",), ("x",), "two")], "a = 1 # one\n"),
    "an empty table in a table in a line": ("a = {c = 2}\n", [Entry(("a", "b"), {}, "found")], "a = {c = 2,b = {}}\n"),
    "one row": ("", [Entry(("a",), ({"x": 1},), "found")], "a = [\n    { x = 1 }, # found\n]\n"),
    "a table": ("", [Entry(("a", "b"), 1, "found")], "[a]\nb = 1 # found\n"),
    "a table that is there": ("[a]\nc = 2\n", [Entry(("a",), {"b": 1, "c": 3}, "found")], "[a]\nc = 2\nb = 1 # found\n"),
    "a table in a line": ("a = {c = 2}\n", [Entry(("a", "b"), 1, "found")], "a = {c = 2,b = 1}\n"),
    "a list in a table in a line": ("a = {c = 2}\n", [Entry(("a", "b"), ("x",), "found")], 'a = {c = 2,b = ["x"]}\n'),
    "a table in a table in a line": ("a = {c = 2}\n", [Entry(("a", "b", "d"), 1, "found")], "a = {c = 2,b = {d = 1}}\n"),
    "an empty table": ("", [Entry(("a",), {}, "found")], "[a]\n"),
    "a long word": ("", [Entry(("a",), 1, "x" * 201, "y")], f"a = 1 # {'x' * 200}.. (y)\n"),
    "a word that just fits": ("", [Entry(("a",), 1, "x" * 200)], f"a = 1 # {'x' * 200}\n"),
    "a word of two lines": ("", [Entry(("a",), 1, "x\ny = 2", "\x1b[2J")], "a = 1 # x\\ny = 2 (\\x1b[2J)\n"),
}  # fmt: skip


@pytest.mark.parametrize("what", WRITTEN)
def test_entries_stand_where_they_belong_and_nothing_else_is_changed(what: str) -> None:
    before, entries, after = WRITTEN[what]
    assert with_entries(before, entries, "x.toml") == after


@pytest.mark.parametrize(
    ("before", "entry", "why"),
    [
        ("a = 1", Entry(("a",), ("x",), ""), "a is no list"),
        ("a = 1", Entry(("a", "b"), 1, ""), "a is no table"),
        ("a = [1]", Entry(("a",), {}, ""), "a is no table"),
    ],
)
def test_an_entry_that_does_not_fit_beside_what_is_said_is_refused(before: str, entry: Entry, why: str) -> None:
    with pytest.raises(EstateError) as caught:
        with_entries(before, [entry], "x.toml")
    assert caught.value.line == f"x.toml: cannot be added to: {why}"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The lab's file, with nothing beside it."""
    (tmp_path / "lab.toml").write_text(LAB, "utf-8")
    return tmp_path / "lab.toml"


GOOD, BETTER = (Entry(("boot", "all"), (f"{name}.service",), "found") for name in ("good", "better"))
BAD = Entry(("boot", "nowhere"), ("x.service",), "found")


def test_one_that_is_refused_keeps_no_other_out(path: Path) -> None:
    assert accepted(path, [GOOD, BETTER]) == ([GOOD, BETTER], [])
    assert accepted(path, []) == ([], [])
    good, ((entry, error),) = accepted(path, [GOOD, BAD, BETTER])
    assert (good, entry) == ([GOOD, BETTER], BAD)
    assert error.line == "lab.toml [boot]: 'nowhere' is no role and no host of this estate"
    assert path.read_text("utf-8") == LAB
    assert list(path.parent.iterdir()) == [path]
    path.write_text(LAB.replace('roles = ["api"]', 'roles = ["apy"]'), "utf-8")
    with pytest.raises(EstateError, match="is none of"):
        accepted(path, [GOOD])


def test_a_file_is_replaced_by_an_estate_alone_and_keeps_its_mode(path: Path) -> None:
    path.chmod(0o640)
    made = with_entries(LAB, [GOOD], "lab.toml")
    replace(path, made)
    assert (path.read_text("utf-8"), path.stat().st_mode & 0o777) == (made, 0o640)
    with pytest.raises(EstateError):
        replace(path, with_entries(LAB, [BAD], "lab.toml"))
    assert path.read_text("utf-8") == made
    assert list(path.parent.iterdir()) == [path]
    path.unlink()
    replace(path, LAB)
    assert path.read_text("utf-8") == LAB


def test_a_draft_is_read_with_what_is_beside_the_file(path: Path, tmp_path: Path) -> None:
    (path.parent / "services.toml").symlink_to(FOLDER / "services.toml")
    (tmp_path / "draft").mkdir()
    lay_beside(path.parent, tmp_path / "draft")
    assert [(one.name, one.readlink()) for one in (tmp_path / "draft").iterdir()] == [("services.toml", FOLDER / "services.toml")]
