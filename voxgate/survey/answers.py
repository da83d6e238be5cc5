"""Answers read: what an HTTP body says, and every way in which it is not what its contract promises."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from voxgate.contracts.json_strict import loads
from voxgate.contracts.schemas import faults
from voxgate.errors import ContractError
from voxgate.model.answers import Answer
from voxgate.model.look import Look, Question

_OK = 200
_SHORT = 16 * 1024
"""Bytes of a body whose reading is remembered."""


@dataclass(frozen=True, slots=True)
class Page:
    """One JSON answer: its document (empty if it is none), and ``problem``, empty if it keeps its contract."""

    answer: Answer
    document: Mapping[str, Any]
    problem: str

    @property
    def place(self) -> str:
        """Where it was asked: ``api-1 GET :8080/health``."""
        return f"{self.answer.host} GET :{self.answer.port}{self.answer.path}"


def read_page(look: Look, question: Question, schema: str | None) -> Page:
    """The answer to ``question``, judged by ``schema``. Raises Blind only if it was not asked or the way to it failed."""
    answer = look.answer(question)
    if answer.trouble:
        return Page(answer, {}, f"gave no answer: {answer.trouble}")
    read = _read if len(answer.body) <= _SHORT else _read.__wrapped__
    document, flaw, broken = read(answer.body, schema)
    if flaw:
        return Page(answer, {}, f"answers {answer.status}, and its body is {flaw}")
    found = document if isinstance(document, dict) else {}
    if answer.status != _OK:
        return Page(answer, found, f"answers {answer.status}{_status_words(found)}")
    kind = answer.headers.get("content-type", "")
    if kind.split(";")[0].strip().lower() != "application/json":
        return Page(answer, found, f"answers with type {kind or 'none'!r}, not application/json")
    if broken:
        more = f" (and {len(broken) - 1} more)" if len(broken) > 1 else ""
        return Page(answer, found, f"breaks the contract {schema}: {broken[0]}{more}")
    return Page(answer, found, "")


@lru_cache(maxsize=1 << 15)
def _read(body: bytes, schema: str | None) -> tuple[Any, str, tuple[str, ...]]:
    """What a body says, why it is no JSON, and how it breaks its contract. A dozen rules read each page, and the fleet's sum is
    over all of them: each is read once. Nobody changes what it says.
    """
    try:
        document = loads(body)
    except ContractError as error:
        return {}, error.line, ()
    return document, "", faults(schema, document) if schema else ()


def _status_words(document: Mapping[str, Any]) -> str:
    """What an unwell service says of itself: its status and the checks that are not ok, by name."""
    if not isinstance(document.get("status"), str):
        return ""
    checks = document.get("checks")
    unwell = sorted(f"{key} {value}" for key, value in checks.items() if value != "ok") if isinstance(checks, dict) else []
    return f" {document['status']!r}" + (f": {', '.join(unwell)}" if unwell else "")
