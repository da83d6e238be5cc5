"""The lines of a ledger: each has the sha256 of the line before it, so what was cut out or edited shows.

Whoever can write a ledger can also make all of it anew; that shows where its lines stand elsewhere: in an attested run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from voxgate.contracts.json_strict import loads
from voxgate.contracts.manifest import sha256
from voxgate.errors import ContractError


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a ledger: its number, its sha256, that of the line before it (None in a ledger that is older than this), and
    what it says.
    """

    n: int
    digest: str
    before: str | None
    event: Mapping[str, Any]


def lines_of(texts: Sequence[str]) -> Iterator[Line]:
    """The lines of ours, in order; a foreign one is passed over, as whoever writes the next line does."""
    for text in texts:
        try:
            said = loads(text.encode("utf-8"))
        except (ContractError, UnicodeEncodeError):
            continue
        number = said.get("n") if isinstance(said, dict) else None
        if isinstance(number, int) and not isinstance(number, bool):
            before = said.get("prev")
            yield Line(number, sha256(text.encode("utf-8")), before if isinstance(before, str) else None, said)


def flaws(lines: Sequence[Line], *, whole: bool) -> Iterator[str]:
    """Where a chain is broken, in words. ``whole``: its first line is the ledger's."""
    last: Line | None = None
    chained = False
    for line in lines:
        if line.before is None:
            if chained:
                yield f"line {line.n} has no hash of the one before it: an earlier voxgate wrote it, or somebody else"
        elif last is None:
            if whole and (line.n > 1 or line.before):
                yield f"the lines before {line.n} are gone"
        elif line.before != last.digest:
            between = f"{last.n + 1}" + (f" to {line.n - 1}" if line.n > last.n + 2 else "")
            yield (
                f"line {last.n} is not what was written, or something before line {line.n} is gone"
                if line.n <= last.n + 1
                else f"line {between} is gone"
            )
        chained, last = chained or line.before is not None, line
