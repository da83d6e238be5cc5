"""A run beside the last whole one of the same estate: what is newly red and newly green, which settings are newly required, and
how long the last one of its kind took.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from voxgate.contracts.json_strict import loads
from voxgate.model.run_facts import Compared, How, Like, Roll
from voxgate.model.verdict import RunOutcome, RunVerdict, Verdict
from voxgate.report.folder import head_of, runs_of
from voxgate.report.verdict.facts import roll_of
from voxgate.report.verdict.older import as_now
from voxgate.report.verdict.verdict_file import LIMIT

_CHANGES = frozenset({How.DEPLOY, How.ROLLBACK, How.BOTH})


@dataclass(frozen=True, slots=True)
class _Then:
    """What an earlier run says of this: by id if it was green in the end, by service what was required; which it moved."""

    run: str
    how: How
    verdict: RunVerdict
    seconds: float
    fleet: Roll | None
    green: Mapping[str, bool]
    settings: Mapping[str, frozenset[str]]
    moved: frozenset[str]


def compared(outcome: RunOutcome, root: Path) -> Compared | None:
    """The run beside the last whole one in ``root`` that was judged, None where there is none; of a run that went back it is told
    how all was in the end. How long it took is compared with the last one of its kind: a look, a recovery, or a deploy of
    the same services. Never raises: what cannot be read is as good as not there.
    """
    try:
        return _compared(outcome, root)
    except Exception:  # noqa: BLE001 - whatever lies in that folder decides nothing
        return None


def _compared(outcome: RunOutcome, root: Path) -> Compared | None:
    if not outcome.judgements:
        return None
    earlier = [path for path in runs_of(root, outcome.estate) if path.name < outcome.run]
    then = next(_whole(earlier), None)
    if then is None:
        return None
    moved = frozenset(one.service for one in outcome.services if one.tried)
    alike = None if outcome.partial else next((one for one in _whole(earlier, _kind(outcome.how)) if one.moved == moved), None)
    judged = [one for one in outcome.rollback or outcome.judgements if one.id not in outcome.moving]
    red = tuple(one.id for one in judged if not one.verdict.is_green and then.green.get(one.id, True))
    green = tuple(one.id for one in judged if one.verdict.is_green and not then.green.get(one.id, True))
    settings = []
    for one in outcome.services:
        now, before = frozenset(one.settings or ()), then.settings.get(one.service)
        if one.settings is not None and before is not None and now != before:
            settings.append((one.service, tuple(sorted(now - before)), tuple(sorted(before - now))))
    like = Like(alike.run, alike.seconds, alike.fleet) if alike else None
    return Compared(then.run, then.how, then.verdict.value, red, green, tuple(settings), like)


def _kind(how: How) -> str:
    return "deploy" if how in _CHANGES else how.value


def _whole(runs: list[Path], kind: str = "") -> Iterator[_Then]:
    """The whole runs that were judged, of that kind if one is named, the newest first."""
    for path in reversed(runs):
        head = head_of(path)
        if re.search(r'^  "partial": false,$', head, re.MULTILINE) is None:
            continue
        said = re.search(r'^  "how": "([a-z ]+)",$', head, re.MULTILINE)
        deploys = re.search(r'^  "deploy": true,$', head, re.MULTILINE)  # all that format 5 said
        how = said[1] if said else "deploy" if deploys else "look"
        if kind and not (how in set(How) and _kind(How(how)) == kind):
            continue
        with suppress(Exception):  # of another version, or cut short: the one before will do
            then = _read(path)
            if then.green and then.verdict is not RunVerdict.REFUSED:
                yield then


def _read(path: Path) -> _Then:
    """A verdict, as far as it is needed here: to check all of it by its schema takes seconds where an estate is large."""
    content: dict[str, Any] = as_now(loads((path / "verdict.json").read_bytes(), limit=LIMIT))
    rows = content["rollback"]["invariants"] or content["invariants"]
    services = content["services"]
    return _Then(
        run=path.name,
        how=How(content["how"]),
        verdict=RunVerdict(content["verdict"]),
        seconds=float(content["seconds"]),
        fleet=roll_of(content["fleet"]["there"]),
        green={str(row["id"]): Verdict(row["verdict"]).is_green for row in rows},
        settings={
            one["service"]: frozenset(one["required_settings"]) for one in services if one["required_settings"] is not None
        },
        moved=frozenset(one["service"] for one in services if one["tried"] is not None),
    )
