"""``voxgate contract diff OLD NEW``: what became stricter, was lost, was added, and whom that breaks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from voxgate.contracts.differing import ADDED, LOST, Change, differences
from voxgate.contracts.json_strict import loads
from voxgate.contracts.openapi import operations
from voxgate.contracts.readers import ANSWER, READERS, readers
from voxgate.contracts.releases_answers import LIMIT, Answers, Told, compared, read_answers
from voxgate.errors import Refused
from voxgate.model.counting import counted
from voxgate.promises.running import Out

_SCHEMA = ".schema.json"
_HINT = "schemas (JSON Schema), answers (voxgate contract --save FILE), OpenAPI documents, or folders of them"

Contracts = Mapping[str, Mapping[str, Any] | Answers]


def contract_diff(old: str, new: str, out: Out) -> int:
    """1 if a difference breaks somebody, else 0. Raises Refused for what is no contract."""
    one, two = _contracts(Path(old)), _contracts(Path(new))
    if len(one) == len(two) == 1 and not (Path(old).is_dir() or Path(new).is_dir()):
        (was,), (now,) = one, two
        one = {now: one[was]}
    found = [change for name in sorted({*one, *two}) for change in _between(name, one.get(name), two.get(name))]
    for change in found:
        out.write(f"  {change.line}\n")
    breaks = sorted({who for change in found for who in change.breaks})
    word = f"BREAKS {', '.join(breaks)}" if breaks else "BREAKS NOBODY"
    out.write(f"{word}  {counted(len(found), 'difference')} between {old} and {new}\n")
    return 1 if breaks else 0


def _between(name: str, was: Mapping[str, Any] | Answers | None, now: Mapping[str, Any] | Answers | None) -> list[Change]:
    if was is None:
        return [Change(ADDED, name, ANSWER, "is new")]
    if now is None:
        return [Change(LOST, name, ANSWER, "is gone", readers(name, ANSWER))]
    if isinstance(was, Answers) and isinstance(now, Answers):
        return compared(was, now)
    if isinstance(was, Answers) or isinstance(now, Answers):
        raise Refused("one is a schema, the other is answers", where=name, hint=_HINT)
    return differences(name, was, now, judged=True)


def _contracts(path: Path) -> Contracts:
    """What stands there, by name."""
    if not path.is_dir():
        name, found = _contract(path)
        return {name: found}
    found_all = dict(_contract(one) for one in sorted(path.glob("*.json")))
    if not found_all:
        raise Refused("there is no contract in it", where=str(path), hint=_HINT)
    return found_all


def _contract(path: Path) -> tuple[str, Mapping[str, Any] | Answers]:
    try:
        document = loads(path.read_bytes(), where=str(path), limit=LIMIT)
    except OSError as error:
        raise Refused("cannot be read", where=str(path), why=error.strerror or "", hint=_HINT) from None
    match document:
        case {"answers": dict()}:
            answers = read_answers(path)
            return f"answers of {answers.service}", answers
        case {"openapi": str()}:
            told = {key: Told("backend-api", one["schema"], one["status"], one["type"], tuple(one["needs"])) for key, one in
                    operations(document).items()}  # fmt: skip
            return "openapi", Answers("backend", told)
        case {"$schema": str()} | {"type": str() | list()}:
            named = str(document.get("$id", "")).rpartition("/")[2].removesuffix(_SCHEMA)
            return named if named in READERS else path.name.removesuffix(_SCHEMA), document
    raise Refused("is no contract", where=str(path), hint=_HINT)
