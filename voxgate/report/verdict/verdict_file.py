"""``verdict.json``: a run in full, for machines and for whoever comes later. Schema: ``schemas/verdict.schema.json``."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from voxgate import __version__
from voxgate.contracts import schemas
from voxgate.contracts.json_strict import loads, read_file
from voxgate.errors import ContractError
from voxgate.model.digits import is_moment
from voxgate.model.run_facts import How
from voxgate.model.verdict import Judgement, MoveRecord, Ran, RunOutcome, RunVerdict, ServiceOutcome, Verdict
from voxgate.model.waiver import Waiver
from voxgate.redaction.cutting import Redactor
from voxgate.report.verdict.content import content_of, content_row
from voxgate.report.verdict.facts import compared_of, compared_row, gap_of, gap_row, roll_of, roll_row
from voxgate.report.verdict.older import FORMAT, as_now
from voxgate.report.verdict.since_done import without_secrets

_OWN = frozenset({
    "voxgate", "run", "estate", "verdict", "started", "ended", "how", "hosts", "host", "service", "move", "commit", "way",
    "until",
})  # fmt: skip
"""What the gate itself named, or compared with the form of it."""

LIMIT = 64 * 1024 * 1024
"""Bytes that are read back at most: an estate of 1000 hosts stays far below."""


def document(outcome: RunOutcome, redactor: Redactor) -> dict[str, Any]:
    """The run as JSON, by the schema, with nothing secret in it."""
    raw = {
        "format": FORMAT,
        "voxgate": __version__,
        "run": outcome.run,
        "estate": outcome.estate,
        "verdict": outcome.verdict.value,
        "exit_status": outcome.exit_status,
        "summary": outcome.summary,
        "started": _moment(outcome.started),
        "ended": _moment(outcome.started + outcome.seconds),
        "seconds": round(outcome.seconds, 3),
        "how": outcome.how.value,
        "by": outcome.by,
        "build": outcome.build,
        "deploy": outcome.deploy,
        "partial": outcome.partial,
        "hosts": list(outcome.hosts),
        "services": [_service(service) for service in outcome.services],
        "counts": _counts(outcome),
        "invariants": [_judgement(judgement) for judgement in outcome.judgements],
        "missing": list(outcome.missing),
        "moves": [_move(move) for move in outcome.moves],
        "rollback": {
            "verdict": outcome.rollback_verdict.value if outcome.rollback_verdict else None,
            "invariants": [_judgement(judgement) for judgement in outcome.rollback],
        },
        "standing": {
            "invariants": [_judgement(judgement) for judgement in outcome.standing],
            "allowed": list(outcome.allowed),
            "reason": outcome.reason,
        },
        "at_work": {"said": list(outcome.at_work), "moving": list(outcome.moving)},
        "fleet": {"there": roll_row(outcome.rolled), "back": roll_row(outcome.rolled_back)},
        "gaps": [gap_row(gap) for gap in outcome.gaps],
        "compared": compared_row(outcome.compared),
        "notes": list(outcome.notes),
    }
    return {key: value if key in _OWN else _cut(value, redactor) for key, value in raw.items()}


def _moment(epoch: float) -> str:
    """UTC, by the format of the schema."""
    return datetime.fromtimestamp(epoch, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _cut(value: Any, redactor: Redactor) -> Any:
    """The values of it cut, whatever they stand under: the keys are the schema's, and what the gate itself called things is no
    secret, whoever's password is called so too.
    """
    match value:
        case str():
            return redactor.cut_string(value)
        case dict():
            return {key: row if key in _OWN else _cut(row, redactor) for key, row in value.items()}
        case list():
            return [_cut(row, redactor) for row in value]
        case _:
            return value


def write(outcome: RunOutcome, path: Path, redactor: Redactor) -> None:
    """Write the run to ``path``: whole or not at all, on the disk when this returns.

    Raises ContractError if what would be written breaks its own schema, or contradicts itself: a gate that cannot say its
    verdict must not open.
    """
    _must_agree(outcome, path)
    content = document(outcome, redactor)
    schemas.check("verdict", content, where=str(path))
    replace_file(path, json.dumps(content, indent=2, ensure_ascii=False).encode() + b"\n")


def replace_file(path: Path, body: bytes) -> None:
    """Put ``body`` at ``path`` in one step: a reader sees the old file or the new one, also after a power cut."""
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    try:
        with fresh.open("wb") as stream:
            stream.write(body)
            stream.flush()
            os.fsync(stream.fileno())
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def read(path: Path) -> RunOutcome:
    """The run that ``write`` wrote. Raises ContractError if the file cannot be read, breaks its schema or contradicts itself."""
    try:
        content = loads(read_file(path, LIMIT), where=str(path), limit=LIMIT)
    except OSError as error:
        raise ContractError("cannot read the verdict", where=str(path), why=error.strerror or str(error)) from None
    content = as_now(content)
    schemas.check("verdict", content, where=str(path))
    try:
        outcome = _outcome(content)
        tells_time = _has_moments(outcome)
    except (ValueError, OverflowError):
        tells_time = False
    if not tells_time:
        raise ContractError("the verdict names a moment that no calendar has", where=str(path))
    _must_agree(outcome, path)
    if content["counts"] != _counts(outcome):
        raise ContractError("the verdict contradicts itself", where=str(path), why="it does not count what it lists")
    return outcome


def _has_moments(outcome: RunOutcome) -> bool:
    """True where each time that it tells is one of a calendar: when something began, and when it ended."""
    told = [(outcome.started, outcome.seconds), *((one.started, one.seconds) for one in outcome.moves)]
    told += [(one.stopped, one.seconds or 0.0) for one in outcome.gaps]
    return all(is_moment(began) and is_moment(began + seconds) for began, seconds in told)


def _must_agree(outcome: RunOutcome, path: Path) -> None:
    """Raises ContractError for a verdict that its own judgements do not allow."""
    if why := outcome.contradiction:
        raise ContractError("the verdict contradicts itself", where=str(path), why=why)


def _counts(outcome: RunOutcome) -> dict[str, int]:
    """How many judgements there are of each verdict, and how many never came."""
    counts = {verdict.value: sum(1 for judgement in outcome.judgements if judgement.verdict is verdict) for verdict in Verdict}
    return {**counts, "missing": len(outcome.missing)}


def cut(outcome: RunOutcome, redactor: Redactor) -> RunOutcome:
    """The same run with nothing secret in it: what every other sink is given."""
    return replace(_outcome(document(outcome, redactor)), changes=without_secrets(outcome.changes, redactor))


def _outcome(content: dict[str, Any]) -> RunOutcome:
    """The run back from its JSON."""
    rollback, standing = content["rollback"], content["standing"]
    return RunOutcome(
        run=content["run"],
        estate=content["estate"],
        verdict=RunVerdict(content["verdict"]),
        exit_status=content["exit_status"],
        started=datetime.fromisoformat(content["started"]).timestamp(),
        seconds=float(content["seconds"]),
        deploy=content["deploy"],
        partial=content["partial"],
        summary=content["summary"],
        hosts=tuple(content["hosts"]),
        services=tuple(_read_service(service) for service in content["services"]),
        judgements=tuple(_read_judgement(judgement) for judgement in content["invariants"]),
        missing=tuple(content["missing"]),
        moves=tuple(_read_move(move) for move in content["moves"]),
        rollback=tuple(_read_judgement(judgement) for judgement in rollback["invariants"]),
        rollback_verdict=RunVerdict(rollback["verdict"]) if rollback["verdict"] else None,
        notes=tuple(content["notes"]),
        standing=tuple(_read_judgement(judgement) for judgement in standing["invariants"]),
        allowed=tuple(standing["allowed"]),
        reason=standing["reason"],
        at_work=tuple(content["at_work"]["said"]),
        moving=tuple(content["at_work"]["moving"]),
        how=How(content["how"]),
        by=content["by"],
        build=content["build"],
        rolled=roll_of(content["fleet"]["there"]),
        rolled_back=roll_of(content["fleet"]["back"]),
        gaps=tuple(gap_of(gap) for gap in content["gaps"]),
        compared=compared_of(content["compared"]),
    )


def _service(service: ServiceOutcome) -> dict[str, Any]:
    """One service: what it came from, what was tried, what runs now."""
    return {
        "service": service.service,
        "hosts": list(service.hosts),
        "from": _ran(service.before),
        "tried": _ran(service.tried),
        "running": _ran(service.running),
        "content": content_row(service.content),
        "required_settings": None if service.settings is None else list(service.settings),
    }


def _ran(release: Ran | None) -> dict[str, str | None] | None:
    return None if release is None else {"tag": release.tag, "commit": release.commit}


def _judgement(judgement: Judgement) -> dict[str, Any]:
    """One invariant on one subject. A verdict that is not *holds* is never without words."""
    holds = judgement.verdict is Verdict.HOLDS
    return {
        "id": judgement.id,
        "invariant": judgement.invariant,
        "sentence": judgement.sentence,
        "reason": judgement.reason,
        "verdict": judgement.verdict.value,
        "service": judgement.service,
        "host": judgement.host,
        "found": "" if holds else judgement.found or "(nothing was said)",
        "advice": "" if holds else judgement.advice,
        "seconds": round(judgement.seconds, 6),
        "waivers": [_waiver(waiver) for waiver in judgement.waivers],
    }


def _waiver(waiver: Waiver) -> dict[str, str]:
    """One waiver, as the estate has it."""
    fields = {name: getattr(waiver, name) for name in ("rule", "subject", "found", "reason", "by")}
    return {**fields, "until": waiver.until.isoformat()}


def _move(move: MoveRecord) -> dict[str, Any]:
    """One move, its start as seconds of the epoch, so that a timeline needs no parsing."""
    return {
        "service": move.service,
        "host": move.host,
        "move": move.move,
        "started": round(move.started, 3),
        "seconds": round(move.seconds, 3),
        "detail": move.detail,
        "error": move.error,
        "hint": move.hint,
        "rollback": move.rollback,
    }


def _read_service(content: dict[str, Any]) -> ServiceOutcome:
    """One service back from its JSON."""
    before, tried, running = (Ran(**told) if (told := content[key]) else None for key in ("from", "tried", "running"))
    settings = None if content["required_settings"] is None else tuple(content["required_settings"])
    brings = content_of(content["content"])
    return ServiceOutcome(content["service"], tuple(content["hosts"]), before, tried, running, brings, settings)


def _read_judgement(content: dict[str, Any]) -> Judgement:
    """One judgement back from its JSON."""
    waivers = tuple(Waiver(**{**one, "until": date.fromisoformat(one["until"])}) for one in content["waivers"])
    values = {**content, "verdict": Verdict(content["verdict"]), "seconds": float(content["seconds"]), "waivers": waivers}
    return Judgement(**values)


def _read_move(content: dict[str, Any]) -> MoveRecord:
    """One move back from its JSON."""
    return MoveRecord(**{**content, "started": float(content["started"]), "seconds": float(content["seconds"])})
