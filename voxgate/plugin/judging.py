"""From pytest's reports to judgements: three verdicts, and nothing passes that was not run."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from _pytest.outcomes import Skipped

from voxgate.contracts.catalogue import find
from voxgate.model.invariant import Expected, Invariant, Per, Subject
from voxgate.model.verdict import Verdict
from voxgate.model.work import Work, said_of
from voxgate.plugin.invariants import ARROW
from voxgate.plugin.own import reason_of, words_of_own
from voxgate.plugin.session import Session
from voxgate.plugin.words import words_of
from voxgate.survey.movement import Movement

PROPERTY = "voxgate."
_RULE = pytest.StashKey[Invariant | None]()
LATER = "nothing needs to be done about it yet: look again when that deploy is done"
"""What there is to do about a finding beside a deploy: no hint of a rule is right then, least of all a restart."""


def rule_of(session: Session, item: pytest.Item) -> Invariant | None:
    """The catalogue's entry of a collected test, None for a plain one."""
    if _RULE not in item.stash:  # each phase of each test asks for it
        function = getattr(item, "originalname", None)
        is_one = function and item.get_closest_marker("invariant") is not None
        item.stash[_RULE] = find(session.catalogue, function, item.path.name) if function and is_one else None
    return item.stash[_RULE]


def plain_id(item: pytest.Item) -> str:
    """What a team's own test is called: its suite, its class where it has one, its name."""
    classes = [node.name for node in item.listchain() if isinstance(node, pytest.Class)]
    return "::".join((item.path.name, *classes, item.name))


def subject_of(session: Session, rule: Invariant, item: pytest.Item) -> Subject | None:
    """What a collected test is judged on, None for a placeholder that stands for nothing."""
    callspec = getattr(item, "callspec", None)
    wanted = callspec.id if callspec else ""
    return session.subjects(rule).get(wanted)


def services_in(session: Session, items: Iterable[pytest.Item]) -> frozenset[str] | None:
    """The services that the selected judgements are about; None where one of them is about a host or the estate as such."""
    names: set[str] = set()
    for item in items:
        rule = rule_of(session, item)
        subject = subject_of(session, rule, item) if rule else None
        if rule is not None and rule.per is Per.SCHEMA:
            continue
        if subject is None or subject.service is None:
            return None
        names.add(subject.service)
    return frozenset(names)


def annotate(
    session: Session, item: pytest.Item, call: pytest.CallInfo[Any], report: pytest.TestReport
) -> tuple[Verdict, str, str] | None:
    """Write the verdict into the report, so that it travels from a worker and into JUnit; show it in two lines.

    Returns the finding of this phase - verdict, what was found, what to do - if the phase failed.
    """
    finding: tuple[Verdict, str, str] | None = None
    rule = rule_of(session, item)
    subject = subject_of(session, rule, item) if rule else None
    said = {"id": rule.id_on(subject) if rule and subject else plain_id(item)}
    if subject is not None:
        said |= {"service": subject.service or "", "host": subject.host or ""}
    else:
        said |= {"reason": reason_of(item)}
        said |= {"host": str(item.callspec.params.get("host", "")) if hasattr(item, "callspec") else ""}
    if call.excinfo is not None and not call.excinfo.errisinstance((pytest.skip.Exception, pytest.xfail.Exception)):
        about = Expected(rule, subject) if rule is not None and subject is not None and report.when == "call" else None
        words = words_of(call.excinfo.value, about, session.estate, session.day)
        if rule is None:
            words = words_of_own(item, call.excinfo, words)
        verdict, found, advice = words.verdict, words.found, words.advice
        if report.when != "call":
            verdict = Verdict.BLIND
        if verdict is not Verdict.WAIVED and (works := in_movement(session, item, subject)):
            verdict, found, advice = Verdict.BLIND, f"{said_of(works)[0]}; seen beside it: {found}", LATER
            said |= {"moving": "yes"}
        finding = (verdict, found, advice)
        said |= {"verdict": verdict.value, "found": found, "advice": advice, "waivers": session.numbers_of(words.waivers)}
        if verdict is Verdict.WAIVED:  # a known issue: no failure of pytest's, and no pass
            shown = f"{'; '.join(one.accepted for one in words.waivers)}: {found}"
            path, line, _ = item.location
            finding = (verdict, shown, advice)
            report.outcome, report.longrepr = "skipped", (path, line or 0, shown)
        elif rule is not None:
            report.longrepr = f"{verdict}: {found}" + (f"\n{ARROW}{advice}" if advice else "")
    for kind, word in ((Elsewhere, "elsewhere"), (Empty, "empty")):
        if call.excinfo is not None and call.excinfo.errisinstance(kind):
            said |= {word: "yes"}
    report.user_properties = [
        *(pair for pair in report.user_properties if not str(pair[0]).startswith(PROPERTY)),
        *((PROPERTY + key, value) for key, value in said.items()),
    ]
    return finding


def in_movement(session: Session, item: pytest.Item, subject: Subject | None) -> tuple[Work, ...]:
    """Other gates at work, where what the test has read up to now may be their doing. A check of a team's own that looks at a
    host itself (``host``) is about that host.
    """
    if session.estate is None or not session.works:
        return ()
    if subject is not None:
        service, host, read = subject.service, subject.host, tuple(session.recorder.read)
        return Movement(session.estate, session.works).moved(service, host, read) if read else ()
    callspec = getattr(item, "callspec", None)
    looks = "host" in getattr(item, "fixturenames", ())
    host = str(callspec.params.get("host", "")) if callspec and looks else None
    return Movement(session.estate, session.works).moved(None, host, () if looks else session.recorder.read)


class Empty(Skipped):
    """Raised after a check that passed and asserts nothing: it is no rule that holds."""


class Elsewhere(Skipped):
    """Raised in a test of a part that turns out to need what other parts looked at: ``voxgate merge`` judges it."""
