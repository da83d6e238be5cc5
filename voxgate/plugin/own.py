"""What a check of a team's own says where it fails: its expression and the values, the host's last words, and why it is there."""

from __future__ import annotations

import ast
import inspect
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from voxgate.errors import VoxgateError
from voxgate.model.verdict import Verdict
from voxgate.plugin.words import Words
from voxgate.redaction.shortening import beginning

_ASSERT = "assert "
_LONGEST = 300
_REPR = " for CommandResult("
"""What testinfra puts behind its own words: all of a result, as Python shows it."""


def reason_of(item: pytest.Item) -> str:
    """Why the check is there: the first paragraph of its docstring, in one line; empty where it has none."""
    text = inspect.getdoc(getattr(item, "function", None)) or ""
    return " ".join(text.partition("\n\n")[0].split())


def words_of_own(item: pytest.Item, failure: pytest.ExceptionInfo[BaseException], words: Words) -> Words:
    """``words`` with what else a person asks then. Where the check says itself what to do (a second line with the arrow), or
    could not look, it has said what there is to say.
    """
    if (words.advice and words.verdict is Verdict.VIOLATED) or isinstance(failure.value, VoxgateError):
        return words
    statement = _statement(item, failure)
    if words.verdict is not Verdict.VIOLATED:
        return replace(words, found=f"{words.found}, at: {statement}" if statement else words.found)
    if words.found.startswith(_ASSERT):
        own, expression = "", f"{statement}: {_short(words.found.removeprefix(_ASSERT))}"
    else:  # it has words of its own, or testinfra has
        own, expression = (words.found.partition(_REPR)[0] if str(failure.value) else ""), statement
    found = "; ".join(part for part in (own, expression, *_heard(item)) if part)
    reason = reason_of(item)
    return replace(words, found=found, advice=f"it is there for this: {reason}" if reason else "")


def _statement(item: pytest.Item, failure: pytest.ExceptionInfo[BaseException]) -> str:
    """The line of the check's own file at which it failed, as it is written; empty where it was not in that file."""
    entries = [entry for entry in failure.traceback if Path(entry.path) == item.path]
    if not entries:
        return ""
    said = str(entries[-1].statement).strip()
    with suppress(SyntaxError):
        match ast.parse(said).body:
            case [ast.Assert(test=test)]:
                said = f"{_ASSERT}{ast.unparse(test)}"
    return _short(said)


def _short(text: str) -> str:
    """In one line, and not all of it where it is long."""
    said = " ".join(text.split())
    return said if len(said) <= _LONGEST else f"{beginning(said, _LONGEST)} ..."


def _heard(item: pytest.Item) -> list[str]:
    """What the last command that the check ran on its host wrote to stderr, and how it ended."""
    host: Any = getattr(item, "funcargs", {}).get("host")
    last = getattr(getattr(host, "backend", None), "last", None)
    if last is None or not (lines := last.stderr.strip().splitlines()):
        return []
    return [f"{last.command!s}: exit {last.rc}: {_short(lines[-1])}"]
