"""The result: ``matrix.json``, and the picture and page in docs/ that are made of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from lab import places
from lab.proving.page import page
from lab.proving.picture import picture
from voxgate.contracts.catalogue import read_catalogue
from voxgate.contracts.schemas import check

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from lab.proving.run import Proof

FORMAT = 1
DOCS = places.ROOT / "docs"


def document(proofs: Sequence[Proof], started: str, seconds: float, trouble: str, *, whole: bool) -> dict[str, Any]:
    """What ``matrix.json`` says (schemas/faults-matrix.schema.json)."""
    return {
        "format": FORMAT,
        "started": started,
        "seconds": round(seconds, 1),
        "whole": whole,
        "trouble": trouble,
        "invariants": [one.name for one in read_catalogue() if one.suite != "test_contracts.py"],
        "faults": [_row(proof) for proof in proofs],
    }


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
