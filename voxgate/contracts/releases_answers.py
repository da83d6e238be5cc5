"""What a release answers, kept as a file: of each answer its shape. And what two releases answer, compared."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from voxgate.contracts.differing import ADDED, CHANGED, LOST, STRICTER, Change, Room, differences
from voxgate.contracts.json_strict import loads
from voxgate.contracts.readers import ANSWER, readers
from voxgate.contracts.schemas import check
from voxgate.contracts.shapes_of_answers import Schema
from voxgate.errors import Refused

FILE = "contract.json"
"""Where a repository keeps what its release answers."""

LIMIT = 4 * 1024 * 1024  # bytes of a file


@dataclass(frozen=True, slots=True)
class Told:
    """One answer: by which contract it is read, its HTTP status and type (0 and empty for a record of a store), what must be said
    in the question, and its shape.
    """

    contract: str
    schema: Schema
    status: int = 0
    type: str = ""
    needs: tuple[str, ...] = ()

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> Told:
        """As a file has it."""
        return cls(**{**said, "needs": tuple(said.get("needs", ()))})

    @property
    def document(self) -> dict[str, Any]:
        """The same for a file."""
        return {key: value for key, value in asdict(self).items() if key == "schema" or value}


@dataclass(frozen=True, slots=True)
class Answers:
    """What one release of a service answers, by the question: ``GET /health``, ``redis vox:workers:*``."""

    service: str
    answers: Mapping[str, Told] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """As it is kept: sorted, so that a review shows what changed."""
        found = {"format": 1, "service": self.service, "answers": {key: one.document for key, one in self.answers.items()}}
        return json.dumps(found, indent=2, sort_keys=True) + "\n"


def read_answers(path: Path) -> Answers:
    """Raises Refused, with the file's name, for what is no file of answers."""
    try:
        content = path.read_bytes()
    except OSError as error:
        hint = "voxgate contract --save FILE writes it"
        raise Refused("the answers cannot be read", where=str(path), why=error.strerror or "", hint=hint) from None
    return answers_of(content, str(path))


def answers_of(content: bytes, where: str) -> Answers:
    """The same of a file's content. Raises ContractError for what is none."""
    document = loads(content, where=where, limit=LIMIT)
    check("answers", document, where=where)
    return Answers(document["service"], {key: Told.of(one) for key, one in document["answers"].items()})


def compared(old: Answers, new: Answers) -> list[Change]:
    """What the new release answers otherwise, and whom that breaks. Raises ContractError as ``differences`` does."""
    found, room = list[Change](), Room()
    for key in sorted({*old.answers, *new.answers}):
        was, now = old.answers.get(key), new.answers.get(key)
        if was is None or now is None:
            found.append(_gone(key, was) if was else Change(ADDED, key, ANSWER, "is new"))
        elif was != now:
            found += _between(key, was, now, room)
    return found


def _gone(key: str, was: Told) -> Change:
    return Change(LOST, key, ANSWER, "is answered no more", readers(was.contract, ANSWER))


def _between(key: str, was: Told, now: Told, room: Room) -> list[Change]:
    """Of one answer, named by its question, with the readers of the contract by which it is read."""
    whom = readers(was.contract, ANSWER)
    found = [
        Change(CHANGED, key, ANSWER, f"{name} is {two or 'none'}, was {one or 'none'}", whom)
        for name, one, two in (("status", was.status, now.status), ("type", was.type, now.type))
        if one != two
    ]
    found += [Change(STRICTER, key, ANSWER, f"must be told {need}", whom) for need in now.needs if need not in was.needs]
    found += [Change(ADDED, key, ANSWER, f"need not be told {need}") for need in was.needs if need not in now.needs]
    parts = differences(was.contract, was.schema, now.schema, judged=False, room=room)
    return found + [Change(one.kind, key, one.part, one.what, one.breaks) for one in parts]
