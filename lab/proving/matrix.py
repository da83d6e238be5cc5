"""The result: ``matrix.json``, the picture of it, and the page about the faults."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from lab.proving.fault import all_faults, judged_ids, rule_of
from voxgate.contracts.catalogue import read_catalogue

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from lab.proving.run import Proof

FORMAT = 1


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
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".new")
    draft.write_text(json.dumps(made, indent=1, ensure_ascii=False) + "\n", "utf-8")
    draft.replace(path)


def publish(made: dict[str, Any]) -> None:
    """The picture and the page in docs/."""
