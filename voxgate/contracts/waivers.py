"""``[[waived]]`` of an estate file: what is read, and what is refused when it is loaded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from voxgate.contracts.catalogue import read_catalogue
from voxgate.contracts.places import project, suites_of
from voxgate.errors import EstateError
from voxgate.model.estate import Estate
from voxgate.model.invariant import Invariant, Per, subjects
from voxgate.model.nearest import nearest
from voxgate.model.waiver import Waiver

_LEAST = 3
"""Letters that must stand together in what was found: a waiver of anything is none."""

_MEND = "mend it, or undo it: what guards diallers, releases, secrets, people or the evidence cannot be waived"
_END = "end it with one assertion that names all that was found: assert not found, say_all(where, found, do)"


def with_days(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document with the dates of its waivers as text, which is how a schema knows them: TOML has a type for days."""
    rows = document.get("waived")
    if not isinstance(rows, list):
        return dict(document)
    return {**document, "waived": [_with_day(row) if isinstance(row, dict) else row for row in rows]}


def _with_day(row: Mapping[str, Any]) -> dict[str, Any]:
    until = row.get("until")
    return {**row, "until": until.isoformat()} if isinstance(until, date) and not isinstance(until, datetime) else dict(row)


def read_waivers(rows: Sequence[Mapping[str, Any]], file: str) -> tuple[Waiver, ...]:
    """The waivers as nouns. Raises EstateError for a day that no calendar has."""
    waivers = []
    for number, row in enumerate(rows):
        try:
            until = date.fromisoformat(row["until"])
        except ValueError as error:
            raise EstateError(f"{row['until']} is no day", where=f"{file} [waived.{number}]", why=str(error)) from None
        waivers.append(Waiver(**{"subject": "", **row, "until": until}))
    return tuple(waivers)


def judge_waivers(estate: Estate, path: Path, today: date) -> None:
    """Raises EstateError for a waiver that may not be: of a rule that there is not, or that cannot be waived; of anything at all;
    with too far an end; and for more of them than the estate may have.
    """
    if not estate.waived:
        return
    if len(estate.waived) > estate.waived_most:
        what = f"{len(estate.waived)} waivers, at most {estate.waived_most} may be"
        raise EstateError(what, where=f"{path.name} [waived]", hint="mend what the oldest of them are about")
    rules = {one.name: one for one in read_catalogue(*suites_of(project(path.parent, Path.cwd())))}
    last = today + timedelta(days=estate.waived_days)
    for number, waiver in enumerate(estate.waived):
        where = f"{path.name} [waived.{number}]"
        _judge_rule(waiver, rules, estate, where)
        if not any(len(word) >= _LEAST for part in waiver.found.split("*") for word in part.split()):
            hint = "write the whole of what a look says that it found; * for what is another each time"
            raise EstateError(f"found = {waiver.found!r} says nothing of what was found", where=where, hint=hint)
        if waiver.until > last:
            what = f"until = {waiver.until} is more than {estate.waived_days} days ahead"
            raise EstateError(what, where=where, hint=f"{last} at most; write it anew when somebody has looked again")


def _judge_rule(waiver: Waiver, rules: Mapping[str, Invariant], estate: Estate, where: str) -> None:
    rule = rules.get(waiver.rule)
    if rule is None:
        near = nearest(waiver.rule, rules)
        hint = f"did you mean {near!r}?" if near else "pytest --invariants lists the rules"
        raise EstateError(f"there is no rule {waiver.rule!r}", where=where, hint=hint)
    if not rule.waivable:
        why = rule.reason.partition(". ")[0].replace("\n", " ").rstrip(".")
        raise EstateError(
            f"{rule.name} cannot be waived, as {rule.kept}", where=where, why=why, hint=_MEND if rule.guards else _END
        )
    if (rule.per is Per.ESTATE) != (not waiver.subject):
        what = "the estate as a whole has no subject" if waiver.subject else "a waiver needs its subject"
        hint = "leave subject out" if waiver.subject else 'what stands in the brackets of the id: subject = "api-1"'
        raise EstateError(f"{rule.name}: {what}", where=where, hint=hint)
    for subject in subjects(rule, estate, ()):
        if subject.service == "dialler" and waiver.is_about(rule.name, subject.id):
            what = f"{rule.id_on(subject)} cannot be waived, as it is about a dialler"
            raise EstateError(what, where=where, why="two over-dial real people, and one that stands dials nobody", hint=_MEND)
