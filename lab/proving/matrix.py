"""The result: ``matrix.json``, and the picture and page in docs/ that are made of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from lab import places
from lab.proving.fault import all_faults
from lab.proving.page import page
from lab.proving.picture import picture
from voxgate.contracts.catalogue import read_catalogue
from voxgate.contracts.json_strict import loads
from voxgate.contracts.schemas import check
from voxgate.errors import ContractError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from lab.proving.proof import Proof

FORMAT = 1
LIMIT = 16 * 1024 * 1024
DOCS = places.ROOT / "docs"


def document(
    proofs: Sequence[Proof], started: str, seconds: float, trouble: str, earlier: dict[str, Any] | None
) -> dict[str, Any]:
    """What ``matrix.json`` says (schemas/faults-matrix.schema.json): what came of this run, and beside it the rows of an
    earlier one for faults that this one was not asked about.
    """
    known = [fault.name for fault in all_faults()]
    rows = {row["name"]: row for row in (earlier["faults"] if earlier else ()) if row["name"] in known}
    kept = len(rows.keys() - {proof.fault.name for proof in proofs})
    rows |= {proof.fault.name: _row(proof) for proof in proofs}
    return {
        "format": FORMAT,
        "started": started,
        "seconds": round(sum(sum(row["seconds"].values()) for row in rows.values()) if kept else seconds, 1),
        "whole": set(rows) == set(known),
        "runs": earlier["runs"] + 1 if earlier and kept else 1,
        "trouble": trouble,
        "invariants": [one.name for one in read_catalogue() if one.suite != "test_contracts.py"],
        "faults": [rows[name] for name in sorted(rows)],
    }


def earlier(path: Path) -> dict[str, Any] | None:
    """The matrix that stands there, None if there is none that can be read."""
    try:
        found = loads(path.read_bytes(), where=path.name, limit=LIMIT)
        check("faults-matrix", found, where=path.name)
    except (OSError, ContractError):
        return None
    return dict(found)


def _row(proof: Proof) -> dict[str, Any]:
    return {
        "name": proof.fault.name,
        "about": proof.fault.about,
        "host": proof.fault.host,
        "proved": proof.proved,
        "trouble": proof.trouble,
        "declared": proof.declared,
        "seen": {one: finding.verdict for one, finding in proof.seen.items()},
        "found": {one: finding.found for one, finding in proof.seen.items()},
        "seconds": proof.seconds,
    }


def write(made: dict[str, Any], path: Path) -> None:
    """Write it whole, or not at all."""
    check("faults-matrix", made, where=path.name)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".new")
    draft.write_text(json.dumps(made, indent=1, ensure_ascii=False) + "\n", "utf-8")
    draft.replace(path)


def publish(made: dict[str, Any]) -> None:
    """The picture in docs/, and the page."""
    (DOCS / "faults.svg").write_text(picture(made), "utf-8")
    publish_page()


def publish_page() -> None:
    """The page in docs/: it follows from the headers alone."""
    DOCS.mkdir(exist_ok=True)
    (DOCS / "FAULTS.md").write_text(page(), "utf-8")
