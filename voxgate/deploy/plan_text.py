"""The plan as text, and nothing touched: what a deploy would do, and what was ever done here. Pure: lines from what was read."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from voxgate.contracts.json_strict import loads
from voxgate.deploy.hosts.state import Found
from voxgate.deploy.planning.plan import Plan, Target
from voxgate.deploy.recovery.policy import Decision
from voxgate.errors import ContractError, visible
from voxgate.model.content import Content
from voxgate.model.estate import Estate
from voxgate.model.evidence import Missing
from voxgate.model.service import Kind
from voxgate.moves import steps
from voxgate.redaction.shortening import beginning

_COMMITS = 20  # and packages, of each release in a plan
_LONGEST = 1000  # letters of a word of a ledger that are told: rows are as wide as the widest, and a host says how wide that is

_CLOSING = {
    "promoted": "done",
    "rolled-back": "rolled back",
    "abandoned": "abandoned",
    "held": "held",
    "cleared": "cleared",
    "refused": "refused",
}
"""How a deploy ended: the ledger's words, as old as it is, and the same as a verdict says it."""


def plan_lines(
    estate: Estate,
    plan: Plan,
    decisions: Sequence[Decision],
    found: Mapping[str, Found],
    most: int,
    contents: Mapping[str, Content],
) -> list[str]:
    """What would be done on which host, in order, with the exact commands; what it brings to each service (``contents``); the way
    back; what is not known now.
    """
    lines = [f"plan for {estate.name}: nothing is touched", ""]
    lines += [f"first     {decision.line}" for decision in decisions]
    for target in plan.targets:
        hosts = ", ".join(placement.host.name for placement in target.placements)
        lines.append(f"{target.service.name:<9} {target.way_back or 'nothing'} -> {target.release} on {hosts}")
        if content := contents.get(target.service.name):
            lines += [f"{'':<9} {content.line}", *(f"{'':<12} {line}" for line in content.lines(_COMMITS))]
    lines += ["", "1. fetch, everywhere at once, then checkout; nothing is changed before all of it is fetched"]
    lines += _commands(plan, lambda target: () if target.is_on_hosts else (steps.fetch(target.service),))
    lines += _commands(plan, lambda target: (steps.put_in_place(target.service, target.release),))
    lines += ["", "2. install, everywhere at once; nothing is restarted before all of it is there"]
    lines += _commands(plan, lambda target: steps.install(target.service, target.release))
    lines.append(
        "   (each exports the commit, runs sudo -n /usr/bin/systemctl restart voxgate-build@REPOSITORY, copies what is built)"
    )
    lines += ["", "3. restart, one after the other, each healthy before the next"]
    for target in plan.targets:
        lines += _restarts(target, most)
    lines += ["", "4. look at every host twice, judge; then move last-known-good, or go back", "", "way back"]
    for target in plan.targets:
        back = target.way_back
        said = f"{back}, proved in preflight to need neither forge nor registry" if back else "none: its first deploy here"
        if back and back.commit == target.release.commit:
            said = f"none: {back} is what runs, and is deployed again"
        lines.append(f"   {target.service.name:<9} {said}")
    lines.append("   only what was changed goes back: a unit that was not restarted is not restarted")
    lines += ["", "unknown", *(f"   {line}" for line in _unknowns(plan, found) or ["nothing"])]
    return [visible(line) for line in lines]


def _commands(plan: Plan, todo: Callable[[Target], Sequence[steps.Step]]) -> list[str]:
    return [
        _line(placement.host.name, step) for target in plan.targets for placement in target.placements for step in todo(target)
    ]


def _line(host: str, step: steps.Step) -> str:
    """One command as it is sent, its script's lines joined for the eye."""
    return f"   {host:<10} " + " ; ".join(part.strip() for part in shlex.join(step.argv).splitlines() if part.strip())


def _restarts(target: Target, most: int) -> list[str]:
    lines = []
    if target.service.kind is not Kind.STATIC:
        lines.append("   (before each, where the unit is not inactive: /usr/bin/sudo -n /usr/bin/systemctl reset-failed UNIT)")
    for placement in target.placements:
        restarts = [line for unit in placement.units for line in _restart(target, placement.host.name, unit)]
        if target.service.kind is Kind.STATIC:
            restarts.append(_line(placement.host.name, steps.publish(target.service, target.release)))
        if placement is target.placements[0]:
            restarts = _with_canary(target, restarts)
        lines += restarts
    if target.service.name == "fleet":
        lines.append(f"   (the idle ones of a host first, {most} at a time)")
    return lines


def _restart(target: Target, host: str, unit: str) -> list[str]:
    if target.service.name != "dialler":
        return [_line(host, steps.systemctl("restart", unit))]
    return [
        _line(host, steps.systemctl("stop", unit)),
        f"   {host:<10} (its cgroup empty, no dialler on any host, none in the database's view)",
        _line(host, steps.systemctl("start", unit)),
    ]


def _with_canary(target: Target, restarts: Sequence[str]) -> list[str]:
    """The restarts of the first host, and where they are judged before it goes on."""
    first = target.placements[0]
    canary = f"   {first.host.name:<10} (canary: judged"
    alone, whole = f"{canary} alone, before the second is touched)", f"{canary} as a whole, before any other host is touched)"
    beside = [alone] if target.service.name == "fleet" and len(first.units) > 1 else []
    return [*restarts[:1], *beside, *restarts[1:], *([whole] if len(target.placements) > 1 else [])]


def _unknowns(plan: Plan, found: Mapping[str, Found]) -> list[str]:
    lines = []
    for placement in plan.placements:
        one = found.get(placement.id)
        if one is None or isinstance(one.good, Missing):
            lines.append(f"{placement.id}: last known good cannot be read")
        elif isinstance(one.journal, Missing):
            lines.append(f"{placement.id}: the journal cannot be read: {one.journal.why}")
        lines += [f"{placement.id}: {path} would be removed if its git is gone" for path in (one.git_locks if one else ())]
    if any(target.service.name == "fleet" for target in plan.targets):
        lines.append("fleet: which workers have calls, and so their order")
    return lines


@dataclass(frozen=True, slots=True)
class Entry:
    """One deploy or rollback of one service, over all its hosts; ``how`` is empty in a ledger that is older than this word."""

    at: str
    service: str
    hosts: tuple[str, ...]
    how: str
    origin: str
    release: str
    outcome: str
    verdict: str
    by: str
    build: str
    run: str
    digest: str
    reason: str


def history(estate: Estate, found: Mapping[str, Found]) -> list[Entry]:
    """All deploys that the ledgers tell of, oldest first; a line that cannot be read is left out and counted nowhere."""
    gathered: dict[tuple[str, str], list[tuple[str, Mapping[str, str]]]] = {}
    for placement in estate.placements:
        for event in _events(found[placement.id].ledger if placement.id in found else ()):
            run = str(event.get("mended") or event.get("run", ""))
            gathered.setdefault((placement.service.name, run), []).append((placement.host.name, event))
    entries = [_entry(service, run, events) for (service, run), events in gathered.items()]
    return sorted(entries, key=lambda entry: entry.at)


def _events(lines: Iterable[str]) -> list[Mapping[str, str]]:
    events: list[Mapping[str, str]] = []
    for line in lines:
        try:
            event = loads(line.encode("utf-8"))
        except ContractError:
            continue
        if isinstance(event, dict) and isinstance(event.get("event"), str) and event.get("run"):
            events.append(event)
    return events


def _entry(service: str, run: str, events: Sequence[tuple[str, Mapping[str, str]]]) -> Entry:
    """One deploy from its lines."""
    first = events[0][1]
    ends = [event for _, event in events if event["event"] in _CLOSING]
    verdicts = [event for _, event in events if event["event"] == "verdict"]
    last = ends[-1] if ends else {}
    over = [event for _, event in events if event["event"] == "overridden"][:1]
    mended = f" by {last['run']}" if last.get("mended") else ""
    return Entry(
        at=str(first.get("at", "")),
        service=service,
        hosts=tuple(dict.fromkeys(host for host, _ in events)),
        how=next((str(event["how"]) for _, event in events if event.get("how")), ""),
        origin=str(first.get("from", "")),
        release=str(first.get("tag") or str(first.get("commit", ""))[:12]),
        outcome=", ".join(dict.fromkeys(_CLOSING[event["event"]] for event in ends)) + mended if ends else "open",
        verdict=str(verdicts[-1].get("verdict", "")) if verdicts else "",
        by=str(first.get("by", "")),
        build=str(first.get("build", "")),
        run=run,
        digest=str(verdicts[-1].get("digest", "")) if verdicts else "",
        reason="; ".join(str(event["reason"]) for event in (*over, last) if event.get("reason")),
    )


def history_lines(entries: Sequence[Entry]) -> list[str]:
    """As a table. What stands in a ledger is a host's own word: it writes no line and moves no column of it."""
    head = ("when", "service", "hosts", "how", "from", "to", "outcome", "verdict", "by", "build", "report sha256", "reason")
    told = [
        (e.at, e.service, ",".join(e.hosts), e.how or "-", e.origin or "-", e.release, e.outcome, e.verdict or "-", e.by,
         e.build or "-", e.digest[:12] or "-", e.reason)
        for e in entries
    ]  # fmt: skip
    rows = [tuple(beginning(visible(beginning(word, _LONGEST)), _LONGEST) for word in row) for row in told]
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    return ["  ".join(word.ljust(width) for word, width in zip(row, widths, strict=True)).rstrip() for row in (head, *rows)]
