"""``changes.json``: what hosts have otherwise than when a deploy was done last, with the candidates for why; no verdict."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from voxgate.model.fingerprints import UNEXPLAINED, Change, HostChanges
from voxgate.model.verdict import RunOutcome
from voxgate.redaction.cutting import Redactor


def without_secrets(changes: Sequence[HostChanges], redactor: Redactor) -> tuple[HostChanges, ...]:
    """The same with what a host said cut."""
    return tuple(
        replace(
            one,
            run=redactor.cut_string(one.run),
            at=redactor.cut_string(one.at),
            note=redactor.cut_string(one.note),
            changes=tuple(_cut(change, redactor) for change in one.changes),
        )
        for one in changes
    )


def _cut(change: Change, redactor: Redactor) -> Change:
    return replace(change, name=redactor.cut_string(change.name), why=tuple(redactor.cut_string(said) for said in change.why))


def changes_text(outcome: RunOutcome) -> str:
    """The file; empty where no host was compared. Expects an outcome without secrets."""
    if not outcome.changes:
        return ""
    hosts = {one.host: _host(one) for one in outcome.changes}
    document = {"format": 1, "run": outcome.run, "estate": outcome.estate, "hosts": hosts}
    return json.dumps(document, indent=1) + "\n"


def _host(one: HostChanges) -> dict[str, Any]:
    rows = [
        {"what": None if row.why else UNEXPLAINED, "kind": row.kind, "name": row.name, "how": row.how, "why": [*row.why]}
        for row in one.changes
    ]
    return {"run": one.run, "done": one.at, "note": one.note, "changes": rows, "more": one.more}
