"""Diagnostics: what a person asks for first when a unit was found wanting - its status, its journal, what its endpoints
answered - and what the page shows of the surroundings.
"""

from __future__ import annotations

import platform
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress

from voxgate import __version__
from voxgate.deploy.gate import Gate
from voxgate.errors import VoxgateError
from voxgate.model.answers import Answer
from voxgate.model.estate import PlacedUnit
from voxgate.model.evidence import HostEvidence, Missing
from voxgate.model.look import Look, Question
from voxgate.model.verdict import Judgement
from voxgate.plugin.session import Session
from voxgate.redaction.cutting import Redactor
from voxgate.redaction.shortening import beginning
from voxgate.survey.diagnostics import UnitWords, hear
from voxgate.survey.questions import question_of

Diagnostic = tuple[str, str]
"""A name and a text: one attachment."""

_MOST = 40
"""Units that are asked in one run: where more are down, one host or the estate is the story, not each unit."""

_JOURNAL = "journal since its start"

_LAST = 5
"""Lines of a journal that stand on the terminal."""

_ROUTINE = re.compile(r"^\S+ systemd\[1\]: (?:(?:Starting|Started|Stopping) |\S+: (?:Consumed |Scheduled restart job))")
"""Lines of systemd's about a unit that say nothing of why it does not do its work; in a crash loop they are the last ones."""

_SHOWN = 4096
"""Letters of an answer's body that are shown."""


def diagnostics_of(
    session: Session, gate: Gate | None, judgements: Iterable[Judgement], *, prefix: str = ""
) -> dict[str, tuple[Diagnostic, ...]]:
    """The diagnostics of each judgement about a unit that does not hold, by ``prefix`` and the judgement's id.

    A gate asks the hosts once more, all at once; without one (a saved look) there are only the answers that were saved.
    """
    about = {one.id: one.subject.value for one in session.expected() if isinstance(one.subject.value, PlacedUnit)}
    wanting = {one.id: about[one.id] for one in judgements if not one.verdict.is_green and one.id in about}
    units = tuple({unit.id: unit for unit in wanting.values()}.values())[:_MOST]
    said = hear(gate.context.connections, gate.estate, units) if gate is not None and units else {}
    made = {unit.id: (*_words(unit, said), *(() if prefix else _answers(session, unit))) for unit in units}
    return {f"{prefix}{key}": made[unit.id] for key, unit in wanting.items() if made.get(unit.id)}


def last_lines(diagnostics: Sequence[Diagnostic], redactor: Redactor) -> tuple[str, ...]:
    """The last lines of the journal among some diagnostics that tell something, without secrets; empty where there is none."""
    for name, text in diagnostics:
        if name.startswith(_JOURNAL):
            lines = redactor.cut(text).splitlines()
            return tuple([line for line in lines if not _ROUTINE.match(line)][-_LAST:] or lines[-_LAST:])
    return ()


def facts_of(session: Session) -> dict[str, str]:
    """What the page shows of the surroundings: versions, and which boot of each host was looked at."""
    facts = {"voxgate": __version__, "python": platform.python_version()}
    with suppress(VoxgateError):
        for name, host in session.evidence.second.hosts.items():
            if isinstance(host, HostEvidence) and isinstance(host.boot_id, str):
                facts[f"boot.{name}"] = host.boot_id
    return facts


def _words(unit: PlacedUnit, said: Mapping[str, UnitWords | Missing]) -> Sequence[Diagnostic]:
    """Status and journal, or why there are none."""
    words = said.get(unit.id)
    match words:
        case None:
            return ()
        case Missing():
            return ((f"status and journal of {unit.id}", f"not to be had ({words.kind}): {words.why}"),)
        case _:
            journal = words.journal or "the journal has no line of it"
            return ((f"systemctl status, {unit.id}", words.status), (f"{_JOURNAL}, {unit.id}", journal))


def _answers(session: Session, unit: PlacedUnit) -> list[Diagnostic]:
    """What its endpoints answered in the second look."""
    try:
        look = session.evidence.second
    except VoxgateError:
        return []
    endpoints = (unit.service.health, unit.service.metrics)
    return [_answer(look, question_of(unit, endpoint)) for endpoint in endpoints if endpoint is not None]


def _answer(look: Look, question: Question) -> Diagnostic:
    """One answer as a person reads it."""
    name = f"GET :{question.port}{question.path}, {question.host}"
    answer = look.answers.get(question)
    if not isinstance(answer, Answer):
        return name, "not asked" if answer is None else f"not to be had ({answer.kind}): {answer.why}"
    if answer.trouble:
        return name, f"no answer: {answer.trouble}"
    head = "\n".join(f"{key}: {value}" for key, value in answer.headers.items())
    body = answer.body.decode("utf-8", "replace")
    more = f"\n... {len(body) - _SHOWN} letters more" if len(body) > _SHOWN else ""
    return name, f"{answer.status} after {answer.seconds:.3f} s\n{head}\n\n{beginning(body, _SHOWN)}{more}"
