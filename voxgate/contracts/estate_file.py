"""Entries, written into an estate's file: what stands there stays as it is, comments and order too."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import Array, InlineTable

from voxgate.contracts.estates import load_estate
from voxgate.errors import EstateError, visible
from voxgate.model.entry import Entry, Value, toml, toml_key

COMMENT_AT_MOST = 200
"""Characters of what was found, in a comment beside an entry: the look that is kept says all."""

LINE_AT_MOST = 160
"""Characters of a list in one line, with its comment; a longer one has a line for each item."""


def with_entries(text: str, entries: Iterable[Entry], where: str) -> str:
    """An estate's file with these entries in it, each with what it is about as a comment. What is there already is not said
    again, and no value is changed. Raises EstateError where ``text`` is no TOML, or an entry does not fit beside what it says.
    """
    try:
        document = tomlkit.parse(text)
        for place, value, comments in _in_lines(entries):
            _put(document, place, value, comments)
        made = tomlkit.dumps(document)
        return f"{made}\n" if made and not made.endswith("\n") else made
    except (TOMLKitError, TypeError, AttributeError) as error:
        raise EstateError("cannot be added to", where=where, why=visible(str(error))) from None


def accepted(path: Path, entries: Sequence[Entry]) -> tuple[list[Entry], list[tuple[Entry, EstateError]]]:
    """Those of the entries with which the file is an estate as it must be, and the others, each with what is wrong then. One that
    is refused keeps no other out. Raises EstateError where the file is none even without them.
    """
    text = path.read_text("utf-8")
    with suppress(EstateError), _judged(path, with_entries(text, entries, path.name)):
        return list(entries), []
    with _judged(path, text):
        good: list[Entry] = []
    bad: list[tuple[Entry, EstateError]] = []
    for one in entries:
        try:
            with _judged(path, with_entries(text, [*good, one], path.name)):
                good.append(one)
        except EstateError as error:
            bad.append((one, error))
    return good, bad


def replace(path: Path, text: str) -> None:
    """Put ``text`` in the file's place, if it is an estate as it must be. Raises EstateError otherwise, and changes nothing."""
    with _judged(path, text) as draft:
        if path.exists():
            shutil.copymode(path, draft)
        draft.replace(path)


@contextmanager
def _judged(path: Path, text: str) -> Iterator[Path]:
    """``text`` as a file beside ``path``, found to be an estate as it must be. Raises EstateError otherwise."""
    with tempfile.TemporaryDirectory(prefix=".voxgate-", dir=path.parent) as folder:
        draft = Path(folder) / path.name
        draft.write_text(text, "utf-8")
        lay_beside(path.parent, Path(folder))
        load_estate(str(draft))
        yield draft


def lay_beside(folder: Path, draft: Path) -> None:
    """Give an estate in the folder ``draft`` what an estate in ``folder`` is read with: services and unit files."""
    for beside in ("services.toml", "units"):
        if (folder / beside).exists():
            (draft / beside).symlink_to((folder / beside).resolve())


def _in_lines(entries: Iterable[Entry]) -> list[tuple[tuple[str, ...], Value, list[str]]]:
    """Where each value stands, with a comment for each item of a list: what comes to one list comes at once."""
    found: dict[tuple[str, ...], tuple[Value, list[str]]] = {}
    for entry in entries:
        comment = _comment(entry.about, entry.origin)
        for place, value in _places(entry.place, entry.value):
            there, comments = found.get(place, ((), []))
            if isinstance(value, tuple) and isinstance(there, tuple):
                found[place] = ((*there, *value), comments + [comment] * len(value))
            else:
                found.setdefault(place, (value, [comment]))
    return [(place, value, comments) for place, (value, comments) in found.items()]


def _places(place: tuple[str, ...], value: Value) -> Iterator[tuple[tuple[str, ...], Value]]:
    """What is no table, below a place."""
    if isinstance(value, Mapping) and value:
        for name, one in value.items():
            yield from _places((*place, name), one)
    else:
        yield place, value


def _put(document: Any, place: Sequence[str], value: Value, comments: Sequence[str]) -> None:
    """``value`` at ``place``: what is a list or a table there is added to, anything else stays."""
    table = document
    for key in place[:-1]:
        table = _there(table, key, Mapping, tomlkit.inline_table if isinstance(table, InlineTable) else tomlkit.table)
    key, in_line = place[-1], isinstance(table, InlineTable)
    match value:
        case tuple():
            is_new = key not in table
            _add(_there(table, key, Array, tomlkit.array), key, zip(value, comments, strict=True), is_new=is_new, bare=in_line)
        case Mapping():
            _there(table, key, Mapping, tomlkit.inline_table if in_line else tomlkit.table)
        case _ if key not in table:
            table[key] = value
            (comment,) = comments
            if comment and not in_line:
                table[key].comment(comment)


def _add(there: Array, key: str, items: Iterable[tuple[Value, str]], *, is_new: bool, bare: bool) -> None:
    """What a list has not yet: a new one in a line where that is enough, else each on a line of its own with its comment."""
    rows: list[tuple[Value, str]] = []
    for item, comment in items:
        if item not in there.unwrap() and item not in (one for one, _ in rows):
            rows.append((item, comment))
    said = {comment for _, comment in rows}
    in_one = is_new and not bare and len(said) == 1 and _fits(key, rows)
    for item, comment in rows:
        _append(there, item, "" if bare or in_one else comment)
    if in_one and any(said):
        there.comment(*said)


def _fits(key: str, rows: Sequence[tuple[Value, str]]) -> bool:
    """True for plain values with one comment: a single one, and those that fit into one line with it."""
    if any(isinstance(item, Mapping | tuple) for item, _ in rows):
        return False
    *others, (last, comment) = rows
    line = f"{toml_key(key)} = {toml((*(item for item, _ in others), last))} # {comment}"
    return not others or len(line) <= LINE_AT_MOST


def _there(table: Any, key: str, kind: type, make: Callable[[], object]) -> Any:
    """What stands under ``key``, made where nothing does. Raises TypeError where it is of another kind."""
    if key not in table:
        table[key] = make()
    if not isinstance(table[key], kind):
        msg = f"{key} is no {'list' if kind is Array else 'table'}"
        raise TypeError(msg)
    return table[key]


def _append(array: Array, item: Value, comment: str) -> None:
    """One more, on a line of its own with its comment; without one, behind the others."""
    if comment:
        array.add_line(_plain(item), comment=comment, indent="    ")
    else:
        array.append(_plain(item))


def _plain(value: Value) -> Any:
    match value:
        case tuple():
            return [_plain(one) for one in value]
        case Mapping():
            return tomlkit.value(toml(value))  # as people write it
    return value


def _comment(about: str, origin: str) -> str:
    """In one line, whatever stands in it."""
    about, origin = visible(about), visible(origin)
    if len(about) > COMMENT_AT_MOST:
        about = f"{about[:COMMENT_AT_MOST]}.."
    return f"{about} ({origin})" if about and origin else about or origin
