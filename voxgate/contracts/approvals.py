"""Approvals: signed notes that a release may go on an estate. A file for each, with its SSH signature beside it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from voxgate.contracts.json_strict import loads
from voxgate.contracts.manifest import read_file
from voxgate.errors import ContractError

NAMESPACE = "voxgate-approval"
"""For what a note is signed: a gate's signature of a run approves nothing."""

FOLDER = "approvals"
SIGNATURE = ".sig"
MOST = 500
"""Notes that are read of a folder, the newest names first."""

_LIMIT = 64 << 10  # bytes of a note, and of its signature
_SHORT = 12  # letters of a commit in a file's name
_FORMAT = 1  # of a note; one of another is refused


@dataclass(frozen=True, slots=True)
class Approval:
    """That a commit of a service may be deployed on an estate, until a moment (UTC, RFC 3339), and why."""

    estate: str
    service: str
    tag: str
    commit: str
    reason: str
    until: str

    def encode(self) -> bytes:
        """As it is signed."""
        return json.dumps({"format": _FORMAT, **asdict(self)}, indent=1, sort_keys=True).encode() + b"\n"

    @property
    def ends(self) -> datetime:
        """Until when it counts. Raises ValueError or OverflowError for what is no moment."""
        return datetime.fromisoformat(self.until).astimezone(UTC)

    @property
    def file_name(self) -> str:
        """What its file begins with."""
        return re.sub(r"[^A-Za-z0-9._-]", "-", f"{self.estate}-{self.service}-{self.tag or self.commit[:_SHORT]}")


def notes_in(folder: Path) -> Iterator[tuple[Path, bytes, bytes]]:
    """The notes in a folder with their signatures, as they lie there; what has none, or cannot be read, is left out."""
    paths = sorted(folder.glob("*.json"), reverse=True)[:MOST] if folder.is_dir() else []
    for path in paths:
        with suppress(ContractError):
            yield path, read_file(path, _LIMIT), read_file(path.with_name(path.name + SIGNATURE), _LIMIT)


def read_approval(body: bytes, where: str = "") -> Approval:
    """A note. Raises ContractError for anything else, also for one that ends at no moment."""
    document = loads(body, where=where, limit=_LIMIT)
    try:
        if document.pop("format") != _FORMAT or not all(isinstance(value, str) for value in document.values()):
            raise ContractError("this is no approval", where=where, why="its form is another")
        found = Approval(**document)
        _ = found.ends
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
        raise ContractError("this is no approval", where=where, why=type(error).__name__) from None
    return found
