"""A look in the words of monitors: Nagios plugins, JSON, Prometheus' textfile collector."""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import UTC, datetime, time, timedelta
from enum import IntEnum

from prometheus_client import CollectorRegistry, Gauge, generate_latest

from voxgate.model.counting import counted
from voxgate.model.verdict import Judgement, RunOutcome, RunVerdict, Verdict
from voxgate.model.waiving import WAIVER, waived_in
from voxgate.report.tally import by_cell, whole
from voxgate.report.verdict.changes import Changes

SHOWN = 20
"""Lines that Nagios' long output gets at most."""


COUNTED = ("holds", "violated", "blind", "missing", "waived")
"""What is counted of the judgements."""


class Level(IntEnum):
    """The exit status that monitors know."""

    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3


def level(outcome: RunOutcome, mild: Collection[str]) -> Level:
    """CRITICAL if something is violated, WARNING if all of that is ``mild`` (names of invariants); UNKNOWN if we could not look
    or not everything was judged, but WARNING where all of that may be a deploy's doing: never OK unless all of it holds, or is
    waived.
    """
    bad = [one for one in outcome.judgements if not one.verdict.is_green]
    violated = [one for one in bad if one.verdict is Verdict.VIOLATED]
    if violated:
        return Level.WARNING if all(one.invariant in mild for one in violated) else Level.CRITICAL
    if bad and all(one.id in outcome.moving for one in bad) and not outcome.missing and outcome.verdict is RunVerdict.BLIND:
        return Level.WARNING
    good = outcome.verdict in {RunVerdict.HOLDS, RunVerdict.DONE}
    return Level.OK if good and not outcome.partial else Level.UNKNOWN


def nagios(outcome: RunOutcome, found: Level, changed: Changes) -> str:
    """Status line, performance data, and below it what changed."""
    tally = whole(outcome)
    bad = [one for one in outcome.judgements if not one.verdict.is_green]
    first = (
        f"{outcome.estate}: {tally.holds} of {counted(tally.total, 'invariant')} hold{waived_in(outcome.judgements)}"
        if tally.total
        else f"{outcome.estate}: nothing judged"
    )
    said = f", first: {bad[0].id}: {bad[0].found}" if bad else f", {outcome.summary}" if found is not Level.OK else ""
    if outcome.at_work:
        violated = next((f", first: {one.id}: {one.found}" for one in bad if one.verdict is Verdict.VIOLATED), "")
        now = f"{len(outcome.moving)} cannot be judged now, as " if outcome.moving else ""
        said = f"{violated}; {now}{'; '.join(outcome.at_work)}"
    counts = f"holds={tally.holds} violated={tally.violated} blind={tally.blind} missing={tally.missing} waived={tally.waived}"
    lines = [f"VOXGATE {found.name} - {_plain(first + said)} | {counts} seconds={outcome.seconds:.1f}s"]
    since = f"since {changed.baseline}" if changed.baseline else "(no earlier run that holds)"
    changed_lines = [_plain(line) for line in changed.lines()]
    lines += [f"changed {since}:" if changed_lines else f"nothing changed {since}", *changed_lines[:SHOWN]]
    if len(changed_lines) > SHOWN:
        lines.append(f"... and {len(changed_lines) - SHOWN} more")
    lines += [_plain(f"{one.id}: {'; '.join(w.accepted for w in one.waivers)}") for one in _waived(outcome)[:SHOWN]]
    lines += [_plain(note) for note in outcome.notes if note.startswith(WAIVER)]
    return "\n".join(lines) + "\n"


def _waived(outcome: RunOutcome) -> list[Judgement]:
    return [one for one in outcome.judgements if one.verdict is Verdict.WAIVED]


def _plain(text: str) -> str:
    """One line without the sign that ends a plugin's text."""
    return " ".join(text.split()).replace("|", "/")


def as_json(outcome: RunOutcome, found: Level, changed: Changes) -> str:
    """The same for a program."""
    tally = whole(outcome)
    document = {
        "estate": outcome.estate,
        "run": outcome.run,
        "verdict": outcome.verdict.value,
        "level": found.name,
        "status": int(found),
        "summary": outcome.summary,
        "counts": {name: getattr(tally, name) for name in COUNTED},
        "at_work": {"said": list(outcome.at_work), "moving": list(outcome.moving)},
        "bad": [
            {"id": one.id, "verdict": one.verdict.value, "found": one.found, "advice": one.advice}
            for one in outcome.judgements
            if not one.verdict.is_green
        ],
        "waived": [
            {"id": one.id, "found": one.found, "until": str(one.ends), "accepted": [waiver.accepted for waiver in one.waivers]}
            for one in _waived(outcome)
        ],
        "notes": [note for note in outcome.notes if note.startswith(WAIVER)],
        "changed": {
            "since": changed.baseline or None,
            "fallen": [one.id for one in changed.fallen],
            "mended": list(changed.mended),
            "waived": [one.id for one in changed.waived],
            "gone": list(changed.gone),
            "new": list(changed.new),
            "releases": [{"service": service, "then": then, "now": now} for service, then, now in changed.releases],
        },
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def prometheus(outcome: RunOutcome, found: Level, changed: Changes) -> str:
    """Text for the node exporter's textfile collector."""
    registry = CollectorRegistry()
    invariants = Gauge(
        "voxgate_invariants",
        "Invariants of the last look by verdict.",
        ["estate", "service", "host", "verdict"],
        registry=registry,
    )
    for (service, host), tally in by_cell(outcome).items():
        for verdict in COUNTED:
            invariants.labels(outcome.estate, service, host, verdict).set(getattr(tally, verdict))
    violations = Gauge(
        "voxgate_invariant", "1 for each invariant that does not hold.", ["estate", "id", "verdict"], registry=registry
    )
    for one in outcome.judgements:
        if not one.verdict.is_green:
            violations.labels(outcome.estate, one.id, one.verdict.value).set(1)
    waived = Gauge(
        "voxgate_waived_until_timestamp_seconds", "When what is waived counts again.", ["estate", "id"], registry=registry
    )
    for one in _waived(outcome):
        if one.ends is not None:
            waived.labels(outcome.estate, one.id).set(datetime.combine(one.ends + timedelta(days=1), time(), UTC).timestamp())
    verdicts = Gauge("voxgate_verdict", "1 for the verdict of the last look.", ["estate", "verdict"], registry=registry)
    for verdict in RunVerdict:
        verdicts.labels(outcome.estate, verdict.value).set(int(verdict is outcome.verdict))
    for name, about, value in (
        ("voxgate_level", "0 ok, 1 warning, 2 critical, 3 unknown.", float(found)),
        ("voxgate_run_timestamp_seconds", "When the last look began.", outcome.started),
        ("voxgate_run_seconds", "How long the last look took.", outcome.seconds),
        ("voxgate_changed", "What fell since the last run that held.", float(len(changed.fallen))),
        ("voxgate_deploys_at_work", "Other gates at work during the last look.", float(len(outcome.at_work))),
        ("voxgate_moving", "What could not be judged for that.", float(len(outcome.moving))),
    ):
        Gauge(name, about, ["estate"], registry=registry).labels(outcome.estate).set(value)
    return generate_latest(registry).decode()


FORMATS = {"nagios": nagios, "json": as_json, "prometheus": prometheus}
