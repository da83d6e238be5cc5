"""Pages in docs/ that are made from the code: each is as it is made, or one line says which is not, and what makes it anew."""

from __future__ import annotations

import difflib
from pathlib import Path

import pytest


def must_be_as_made(path: Path, made: str) -> None:
    """Fails in one line where the page that stands there is another one."""
    found = path.read_text("utf-8")
    if found == made:
        return
    matching = difflib.SequenceMatcher(None, found.splitlines(), made.splitlines(), autojunk=False)
    changed = [code for code in matching.get_opcodes() if code[0] != "equal"]
    lines = sum(max(code[2] - code[1], code[4] - code[3]) for code in changed)
    first = changed[0][1] + 1 if changed else len(found.splitlines())
    pytest.fail(
        f"docs/{path.name} is not what its sources make, {lines} of its lines, the first is {first}: make docs", pytrace=False
    )
