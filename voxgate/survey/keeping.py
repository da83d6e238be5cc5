"""What of an evidence folder reaches the disk: documents and bodies, with the secrets cut out of them first."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from voxgate.contracts import json_strict
from voxgate.errors import ContractError
from voxgate.survey.codings import coding_of, packed, unpacked

if TYPE_CHECKING:
    from pathlib import Path

    from voxgate.model.answers import Answer

LIMIT = 256 * 1024 * 1024  # bytes of a file that is read again: more than all that is kept comes to
PART = 24 * 1024 * 1024  # characters that are kept of one host, one remote or one database
ANSWERS = 48 * 1024 * 1024  # and of all that one host answers
READ_BY_PEOPLE = 4 * 1024 * 1024  # characters: a longer document has no line of its own for each value, which could be most of it
SHORT = 16 * 1024  # bytes: longer bodies are stored by their hash
IN_PLACE = 4 * 1024 * 1024  # bytes of the short ones of a host: what comes after them is stored so too
LOOKED_INTO = 16 * 1024 * 1024  # bytes of all bodies of a host, each counted once: to look for secrets takes its time
UNPACKED = 1024 * 1024 * 1024


class Cutter(Protocol):
    """Cuts secrets: out of text, bytes and JSON. Cutting twice is cutting once."""

    def telling_apart(self) -> Cutter:
        """One for what is judged: as long as it is kept, each secret has a mark of its own, so that no two facts become one."""

    def cut(self, text: str) -> str:
        """``text`` without them."""

    def cut_bytes(self, body: bytes) -> bytes:
        """``body`` without them."""

    def cut_document(self, document: Any) -> Any:
        """``document`` without them, in the same form."""


@dataclass(frozen=True, slots=True)
class Keep:
    """The one way to the disk: cut, then written."""

    bodies: Path
    cutter: Cutter | None
    cut_bodies: dict[tuple[str, str], tuple[bytes, str]] = field(default_factory=dict)
    spent: Counter[tuple[str, str]] = field(default_factory=Counter)

    def write(self, path: Path, document: object) -> None:
        """One document."""
        cut = document if self.cutter is None else self.cutter.cut_document(document)
        text = json.dumps(cut, allow_nan=False)
        if len(text) <= READ_BY_PEOPLE:
            text = json.dumps(cut, indent=1, allow_nan=False)
        path.write_text(f"{text}\n", encoding="utf-8")

    def cut_body(self, answer: Answer, by: str) -> tuple[bytes, str]:
        """The body that the host ``by`` answered, without its secrets, and the sha256 of what it was if it had any. A packed one
        is looked into: if there is one in it, it is kept as a packed body again. Of what is too much to be looked into nothing is
        kept but that sha256.
        """
        if self.cutter is None:
            return answer.body, answer.digest
        key = (hashlib.sha256(answer.body).hexdigest(), coding_of(answer))
        if key not in self.cut_bodies:
            self.cut_bodies[key] = self._cut(answer, by, self.cutter)
        body, digest = self.cut_bodies[key]
        return body, digest or answer.digest

    def _cut(self, answer: Answer, by: str, cutter: Cutter) -> tuple[bytes, str]:
        """The same of one that is looked into now."""
        unpacking, looking = (by, "unpacking"), (by, "looking")
        if self.spent[unpacking] > UNPACKED:
            return b"", hashlib.sha256(answer.body).hexdigest()
        plain = unpacked(answer)
        self.spent[unpacking] += len(plain)
        if self.spent[looking] + len(plain) > LOOKED_INTO:
            return b"", hashlib.sha256(plain).hexdigest()
        self.spent[looking] += len(plain)
        cut = _cut_json(plain, cutter)
        if cut == plain:
            return cutter.cut_bytes(answer.body), ""
        return packed(cut, coding_of(answer)), hashlib.sha256(plain).hexdigest()

    def part(self, row: dict[str, Any], where: str) -> dict[str, Any]:
        """A part of a file that is of one host, remote or database: as it is, or missing where it is more than is kept. Nobody
        could read the file again then, and nothing would be known of the others.
        """
        return row if (size := _size(row)) <= PART else _too_much(where, size)

    def answer(self, row: dict[str, Any], by: str) -> dict[str, Any]:
        """The same of one answer; ``by`` is the host that gave it, of which all answers together have a limit."""
        self.spent[by, "answering"] += _size(row)
        return row if (size := self.spent[by, "answering"]) <= ANSWERS else _too_much(by, size)

    def body(self, body: bytes, by: str) -> str | dict[str, str]:
        """Short text as it is; all else by its hash, stored once."""
        self.spent[by, "in place"] += len(body) if len(body) <= SHORT else 0
        if len(body) <= SHORT and self.spent[by, "in place"] <= IN_PLACE:
            try:
                return body.decode("utf-8")
            except UnicodeDecodeError:
                pass
        digest = hashlib.sha256(body).hexdigest()
        if not (self.bodies / digest).exists():
            (self.bodies / digest).write_bytes(body)
        return {"sha256": digest}


def _size(row: dict[str, Any]) -> int:
    """Its characters, as they are written."""
    return len(json.dumps(row))


def _too_much(where: str, size: int) -> dict[str, Any]:
    """In the place of what is not kept."""
    why = f"it says more than is kept, over {size >> 20} MB"
    return {"missing": {"kind": "failed", "why": why, "where": where, "hint": ""}}


def _cut_json(body: bytes, cutter: Cutter) -> bytes:
    """A body cut: as a document where it is one, so that it stays one, as text otherwise."""
    try:
        document = json_strict.loads(body)
    except ContractError:
        return cutter.cut_bytes(body)
    cut = cutter.cut_document(document)
    return body if cut == document else json.dumps(cut, ensure_ascii=False).encode()
