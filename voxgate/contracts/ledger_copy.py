"""``ledger.json`` of a run's folder: what the ledgers of the hosts said at its end, line by line, with nothing secret in it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence

from voxgate.contracts.json_strict import loads
from voxgate.contracts.ledger_lines import Line, lines_of
from voxgate.errors import ContractError

NAME = "ledger.json"
LIMIT = 64 << 20  # bytes of the copy
_FORMAT = 1  # of the copy; one of another is refused


def as_copy(ledgers: Mapping[str, Sequence[str]], cut: Callable[[str], str]) -> bytes:
    """Ledgers by placement id, as they are kept. Of a line with a secret in it there is only what the chain needs."""
    rows = {
        key: [text if cut(text) == text else {"n": line.n, "sha256": line.digest, "prev": line.before}
              for text in texts for line in lines_of([text])]
        for key, texts in ledgers.items()
    }  # fmt: skip
    return json.dumps({"format": _FORMAT, "ledgers": rows}, indent=1).encode() + b"\n"


def read_copy(body: bytes, where: str = NAME) -> dict[str, list[Line]]:
    """What ``as_copy`` made. Raises ContractError for anything else."""
    document = loads(body, where=where, limit=LIMIT)
    try:
        if document["format"] != _FORMAT:
            raise ContractError("this is a copy of ledgers of another format", where=where)
        return {str(key): [_line(row) for row in rows] for key, rows in document["ledgers"].items()}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ContractError("this is no copy of ledgers", where=where, why=type(error).__name__) from None


def _line(row: object) -> Line:
    if isinstance(row, str):
        (found,) = lines_of([row])
        return found
    match row:
        case {"n": int(n), "sha256": str(digest), "prev": str() | None as before}:
            return Line(n, digest, before, {})
        case _:
            raise ValueError("a line wanted")
