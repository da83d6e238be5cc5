"""Allure after the tests, from the controller: the deploy as steps, what was never judged, the rollback, the surroundings."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from uuid import uuid4

from allure_commons.model2 import (
    Label,
    Link,
    StatusDetails,
    TestBeforeResult,
    TestResult,
    TestResultContainer,
    TestStepResult,
)

from voxgate.model.estate import Estate
from voxgate.model.verdict import Judgement, MoveRecord, RunOutcome, ServiceOutcome, Verdict
from voxgate.redaction.cutting import Redactor
from voxgate.report.allure.files import label_of, results, write_item
from voxgate.report.allure.sink import STATUS, history_id
from voxgate.report.allure.surroundings import surround
from voxgate.report.tally import Place, invariant_of, place, place_missing, unjudged

DEPLOY = "deploy"
"""The suite of the moves, and the label by which the page knows them."""

ROLLBACK = "rollback:"
"""What stands before the id of a judgement that was made after the rollback."""


def complete(
    folder: Path,
    outcome: RunOutcome,
    redactor: Redactor,
    *,
    estate: Estate | None = None,
    facts: Mapping[str, str] | None = None,
    pictures: Sequence[Path] = (),
    diagnostics: Mapping[str, Sequence[tuple[str, str]]] | None = None,
) -> None:
    """Add to Allure's results all that the tests themselves cannot say. Call it once, when the outcome stands.

    ``facts`` go to the environment of the report (boot ids, versions); ``pictures`` are attached to the run, ``diagnostics``
    (name and text) to the result of the id under which they stand.
    """
    _deploy(folder, outcome, redactor, estate)
    _missing(folder, outcome, redactor)
    _rollback(folder, outcome, redactor)
    _attach(folder, {**(diagnostics or {}), **_contents(outcome)}, redactor)
    surround(folder, outcome, redactor, facts or {}, pictures)


def deploy_container(
    folder: Path, moves: Sequence[MoveRecord], redactor: Redactor, *, name: str, children: Iterable[str]
) -> None:
    """Put the moves before the results with the uuids ``children``: each host a set-up step, its moves with their seconds."""
    container = TestResultContainer(
        uuid=str(uuid4()),
        name=name,
        children=list(children),
        befores=[_step(TestBeforeResult, host, mine) for host, mine in _by_host(moves)],
    )
    if container.children and container.befores:
        write_item(folder, container, redactor)


def _deploy(folder: Path, outcome: RunOutcome, redactor: Redactor, estate: Estate | None) -> None:
    """One result for each service that was moved, and its moves before each of its invariants."""
    uuids: dict[str, list[str]] = {}
    for _path, result in results(folder):
        uuids.setdefault(label_of(result, "suite"), []).append(str(result.get("uuid", "")))
    for service, rollback in dict.fromkeys((move.service, move.rollback) for move in outcome.moves):
        mine = [move for move in outcome.moves if (move.service, move.rollback) == (service, rollback)]
        about = next((one for one in outcome.services if one.service == service), None)
        title = _title(service, about, rollback=rollback)
        write_item(folder, _deploy_result(outcome, mine, title, _links(estate, about, rollback=rollback)), redactor)
        if not rollback:
            deploy_container(folder, mine, redactor, name=title, children=uuids.get(service, ()))


def _title(service: str, about: ServiceOutcome | None, *, rollback: bool) -> str:
    """``fleet: vox-agents-2026.11.22-1 (from vox-agents-2026.11.20-2)``."""
    if about is None:
        return f"{service}: {'rollback' if rollback else 'deploy'}"
    before = (about.before and about.before.name) or "nothing"
    return f"{service}: back to {before}" if rollback else f"{service}: {about.about.name or '?'} (from {before})"


def _links(estate: Estate | None, about: ServiceOutcome | None, *, rollback: bool) -> list[Link]:
    """The commit that was put on the hosts, and its tag, where a person reads them."""
    if estate is None or about is None:
        return []
    release = about.before if rollback else about.about
    if release is None or not release.commit:
        return []
    commit, tag = release.commit, release.tag
    service = estate.service(about.service)
    found = {f"{service.repository}@{commit[:12]}": estate.commit_url(service, commit)}
    if tag:
        found[tag] = estate.tag_url(service, tag)
    return [Link(type="link", url=url, name=name) for name, url in found.items() if url]


def _deploy_result(outcome: RunOutcome, moves: Sequence[MoveRecord], title: str, links: list[Link]) -> TestResult:
    """The moves of one service as one result: a step for each host, in it a step for each move."""
    failed = [move for move in moves if move.error]
    service, rollback = moves[0].service, moves[0].rollback
    suite = "rollback" if rollback else DEPLOY
    identity = f"{suite}:{service}"
    return TestResult(
        uuid=str(uuid4()),
        name=title,
        fullName=identity,
        historyId=history_id(identity),
        testCaseId=history_id(identity),
        status="failed" if failed else "passed",
        statusDetails=_details(_said(failed[0]), failed[0].hint) if failed else None,
        description=_sentence(outcome, moves),
        steps=[_step(TestStepResult, host, mine) for host, mine in _by_host(moves)],
        labels=[*_labels(outcome.estate, suite, service, "blocker"), Label("kind", DEPLOY)],
        links=links,
        titlePath=[suite, service],
        start=_first(moves),
        stop=_last(moves),
    )


def _sentence(outcome: RunOutcome, moves: Sequence[MoveRecord]) -> str:
    """What was done in all: ``checkout, install, restart, health on fleet-1, fleet-2 in 15.2 s``; and what was brought."""
    content = next((one.content for one in outcome.services if one.service == moves[0].service), None)
    brings = f". It brings: {content.line}" if content and not moves[0].rollback else ""
    kinds = ", ".join(dict.fromkeys(move.move for move in moves))
    hosts = ", ".join(dict.fromkeys(move.host for move in moves))
    return f"{kinds} on {hosts} in {(_last(moves) - _first(moves)) / 1000:.1f} s{brings}"


def _step(kind: type, host: str, moves: Sequence[MoveRecord]) -> object:
    """One host's moves as one step, each with its time."""
    steps = [
        TestStepResult(
            name=f"{move.move} {move.detail} · {move.seconds:.1f} s".replace("  ", " "),
            status="failed" if move.error else "passed",
            statusDetails=_details(move.error, move.hint) if move.error else None,
            start=round(move.started * 1000),
            stop=round((move.started + move.seconds) * 1000),
        )
        for move in moves
    ]
    return kind(
        name=f"{host} · {(_last(moves) - _first(moves)) / 1000:.1f} s",
        status="failed" if any(move.error for move in moves) else "passed",
        steps=steps,
        start=_first(moves),
        stop=_last(moves),
    )


def _by_host(moves: Sequence[MoveRecord]) -> list[tuple[str, list[MoveRecord]]]:
    """The moves of each host, hosts in the order in which they were begun."""
    hosts = dict.fromkeys(move.host for move in sorted(moves, key=lambda move: move.started))
    return [(host, [move for move in moves if move.host == host]) for host in hosts]


def _missing(folder: Path, outcome: RunOutcome, redactor: Redactor) -> None:
    """A broken result for each judgement that never came: a crash, a skip or a selection leaves none, and not run is not
    passed. A skipped result of the same id gives way to it.
    """
    left = {result.get("historyId"): path for path, result in results(folder)}
    for identity in unjudged(outcome):
        if (path := left.get(history_id(identity))) is not None:
            path.unlink()
        found = f"{identity} was expected and never judged: its test did not run to the end"
        result = _result(outcome, identity, place_missing(identity, outcome), "broken", start=outcome.started + outcome.seconds)
        result.statusDetails = _details(found, "look at the terminal's end and at junit.xml for what ended the run")
        result.labels.append(Label("kind", "missing"))
        write_item(folder, result, redactor)


def _rollback(folder: Path, outcome: RunOutcome, redactor: Redactor) -> None:
    """What was judged once more after the rollback: a suite of its own, with a history of its own."""
    for judgement in outcome.rollback:
        where = place(judgement)
        result = _result(outcome, judgement.id, where, STATUS[judgement.verdict], start=outcome.started + outcome.seconds)
        identity = f"{ROLLBACK}{judgement.id}"
        result.historyId = result.testCaseId = history_id(identity)
        result.fullName = identity
        result.labels = _labels(outcome.estate, "after the rollback", where.service, "critical")
        result.description = judgement.reason
        result.stop = result.start + round(judgement.seconds * 1000)
        if judgement.verdict is not Verdict.HOLDS:
            result.statusDetails = _said_of(judgement)
        write_item(folder, result, redactor)


def _contents(outcome: RunOutcome) -> dict[str, Sequence[tuple[str, str]]]:
    """What each release brings, as a plain text of the result of its deploy: somebody else's words, and no markup."""
    services = [(one.service, one.content) for one in outcome.services if one.content]
    texts = {service: "\n".join([content.line, *content.lines()]) + "\n" for service, content in services}
    return {f"{DEPLOY}:{service}": [("what is in it", text)] for service, text in texts.items()}


def _attach(folder: Path, diagnostics: Mapping[str, Sequence[tuple[str, str]]], redactor: Redactor) -> None:
    """Put texts to the results that they are about."""
    wanted = {history_id(identity): texts for identity, texts in diagnostics.items()}
    for path, result in results(folder):
        texts = wanted.get(str(result.get("historyId")), ())
        for name, text in texts:
            source = f"{uuid4()}-attachment.txt"
            (folder / source).write_bytes(redactor.cut_bytes(text.encode("utf-8", "replace")))
            attachments = result.setdefault("attachments", [])
            attachments.append({"name": redactor.cut(name), "source": source, "type": "text/plain"})
        if texts:
            fresh = path.with_suffix(".tmp")
            fresh.write_text(json.dumps(result, ensure_ascii=False), "utf-8")
            fresh.replace(path)


def _result(outcome: RunOutcome, identity: str, where: Place, status: str, *, start: float) -> TestResult:
    """A result that no test wrote."""
    sentence = invariant_of(identity).replace("-", " ")
    return TestResult(
        uuid=str(uuid4()),
        name=f"{sentence} · {where.subject}" if where.subject else sentence,
        fullName=identity,
        historyId=history_id(identity),
        testCaseId=history_id(identity),
        status=status,
        labels=_labels(outcome.estate, where.service, where.host, "critical"),
        titlePath=[where.service, where.host],
        start=round(start * 1000),
        stop=round(start * 1000),
    )


def _labels(estate: str, suite: str, sub_suite: str, severity: str) -> list[Label]:
    """The labels by which the report is sorted."""
    values = {"epic": estate, "parentSuite": estate, "suite": suite, "subSuite": sub_suite, "severity": severity}
    return [Label(name, value) for name, value in values.items()]


def _details(found: str, advice: str) -> StatusDetails:
    """What was found, and what to do."""
    return StatusDetails(message=f"{found}\n→ {advice}" if advice else found)


def _said(move: MoveRecord) -> str:
    """A failed move in one line."""
    return f"{move.move} on {move.host} failed after {move.seconds:.1f} s: {move.error}"


def _said_of(judgement: Judgement) -> StatusDetails:
    """A judgement's finding and advice; who waived it first."""
    if judgement.verdict is not Verdict.WAIVED:
        return _details(judgement.found, judgement.advice)
    accepted = "; ".join(waiver.accepted for waiver in judgement.waivers)
    return StatusDetails(known=True, message=f"{accepted}: {judgement.found}")


def _first(moves: Sequence[MoveRecord]) -> int:
    """When the first one began, epoch milliseconds."""
    return round(min(move.started for move in moves) * 1000)


def _last(moves: Sequence[MoveRecord]) -> int:
    """When the last one ended, epoch milliseconds."""
    return round(max(move.started + move.seconds for move in moves) * 1000)
