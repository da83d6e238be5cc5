"""``[promotion]`` of an estate file: what is read, and what is refused when it is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from voxgate.errors import EstateError
from voxgate.model.promotion import AGE, DAYS, Freeze, Promotion, Window


def with_dates(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document with the days of its freezes as text, which is how a schema knows them: TOML has a type for days."""
    table = document.get("promotion")
    rows = table.get("freezes") if isinstance(table, dict) else None
    if not isinstance(table, dict) or not isinstance(rows, list):
        return dict(document)
    freezes = [{key: _text(value) for key, value in row.items()} if isinstance(row, dict) else row for row in rows]
    return {**document, "promotion": {**table, "freezes": freezes}}


def _text(value: object) -> object:
    return value.isoformat() if isinstance(value, date) and not isinstance(value, datetime) else value


def promotion_of(table: Mapping[str, Any] | None, estate: str, path: Path) -> Promotion | None:
    """The rule of an estate, None where it has none. Raises EstateError for what cannot be meant."""
    if table is None:
        return None
    where = f"{path.name} [promotion]"
    made = Promotion(
        source=table.get("from", ""),
        age=table.get("days", AGE),
        zone=table.get("zone", "UTC"),
        windows=tuple(_window(row, f"{where[:-1]}.windows.{number}]") for number, row in enumerate(table.get("windows", ()))),
        freezes=tuple(_freeze(row, f"{where[:-1]}.freezes.{number}]") for number, row in enumerate(table.get("freezes", ()))),
        approvals=table.get("approvals", 0),
        approvers=tuple(table.get("approvers", ())),
        inputs=tuple(table.get("inputs", ())),
        signers=str((path.parent / Path(table["signers"]).expanduser()).absolute()) if "signers" in table else "",
    )
    _judge(made, estate, where)
    return made


def _judge(made: Promotion, estate: str, where: str) -> None:
    try:
        ZoneInfo(made.zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise EstateError(f"there is no zone {made.zone!r}", where=where, hint='as "Europe/Berlin", or "UTC"') from None
    if made.source == estate:
        raise EstateError(f"from = {made.source!r} is this estate itself", where=where, hint="name the one before it")
    if made.approvals > (may := len({*made.approvers, *made.inputs})):
        what = f"approvals = {made.approvals}, and {may} may approve"
        raise EstateError(what, where=where, hint="approvers = names in the file of signers; inputs = accounts of Jenkins")
    if (made.approvers or made.inputs) and not made.approvals:
        raise EstateError("approvals is not said, and so nobody is asked", where=where, hint="approvals = 1")
    if (made.source or made.approvers) and not made.signers:
        hint = 'signers = "signers": a file beside this one, with lines as ssh-keygen(1) has ALLOWED SIGNERS'
        raise EstateError("without signers nobody knows whose word counts", where=where, hint=hint)


def _window(row: Mapping[str, Any], where: str) -> Window:
    begins, ends = (_minute(row[key]) for key in ("from", "until"))
    if begins >= ends:
        hint = "one that goes over midnight is two"
        raise EstateError(f"until {row['until']} is not after from {row['from']}", where=where, hint=hint)
    return Window(frozenset(DAYS.index(day) for day in row.get("days", DAYS)), begins, ends)


def _minute(text: str) -> int:
    """Of a day; no later one than 24:00 is of the form."""
    hours, _, minutes = text.partition(":")
    return int(hours) * 60 + int(minutes)


def _freeze(row: Mapping[str, Any], where: str) -> Freeze:
    try:
        first, last = (date.fromisoformat(row[key]) for key in ("from", "until"))
    except ValueError as error:
        raise EstateError(f"{row['from']} or {row['until']} is no day", where=where, why=str(error)) from None
    if first > last:
        raise EstateError(f"until {last} is before from {first}", where=where)
    return Freeze(first, last, row["reason"])
