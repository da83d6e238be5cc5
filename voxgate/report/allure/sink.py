"""Allure while tests run: one choke point through which every result goes, and what a test says about itself.

allure-pytest makes its file logger in its own ``pytest_configure``, from the name ``AllureFileLogger`` in its plugin module.
``install`` puts ours there before that. Everything that Allure writes then passes ``Sink``: secrets are cut, names and
history follow the logical id instead of pytest's, and what is noise to a release manager is left out.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from hashlib import md5
from pathlib import Path
from typing import Any

import allure
import allure_commons
import allure_pytest.plugin
from allure_commons.logger import AllureFileLogger
from allure_commons.model2 import Label

from voxgate.model.counting import counted
from voxgate.model.estate import Estate
from voxgate.model.invariant import Expected
from voxgate.model.verdict import Verdict
from voxgate.redaction.cutting import Redactor
from voxgate.redaction.shortening import beginning
from voxgate.report.allure.files import write_item
from voxgate.report.tally import ESTATE, PLATFORM

CONTRACTS = "contracts"
"""The suite of invariants that judge schemas and need no host."""

_PRIVATE = "voxgate."
"""Labels that carry words to the sink, and never reach a file."""

_NOISE = frozenset({"host", "thread", "package", "language", "framework"})
"""Labels of allure-pytest that say where the gate runs, not where the finding is."""

STATUS = {Verdict.HOLDS: "passed", Verdict.VIOLATED: "failed", Verdict.BLIND: "broken", Verdict.WAIVED: "skipped"}
"""Allure's word for a verdict; what is waived is a known issue besides."""

_DYNAMIC: Any = allure.dynamic  # allure says no types

_LARGEST = 256 * 1024
"""Bytes of one attachment: evidence for an eye, not an archive."""


@dataclass(frozen=True, slots=True)
class Card:
    """What Allure shows of one judgement. ``id`` is logical and stable: history follows it."""

    id: str
    title: str
    reason: str
    suites: tuple[str, str, str]
    severity: str = "critical"
    target: str = ""
    tags: tuple[str, ...] = ()
    links: tuple[tuple[str, str], ...] = ()


def card_for(expected: Expected, estate: Estate | None, commit: str | None = None) -> Card:
    """The card of an expected judgement; ``commit`` is the one its service must run, for the link."""
    rule, subject = expected.invariant, expected.subject
    service = subject.service
    suite = service or (CONTRACTS if "contract" in rule.marks else PLATFORM)
    links: tuple[tuple[str, str], ...] = ()
    if estate is not None and service is not None and commit:
        url = estate.commit_url(estate.service(service), commit)
        links = ((f"{estate.service(service).repository}@{commit[:12]}", url),) if url else ()
    return Card(
        id=expected.id,
        title=f"{rule.sentence} · {subject.id}" if subject.id else rule.sentence,
        reason=rule.reason,
        suites=(estate.name if estate is not None else CONTRACTS, suite, subject.host or subject.id or ESTATE),
        severity=rule.severity,
        target=subject.host or "",
        tags=tuple(dict.fromkeys([*rule.marks, *([service] if service else [])])),
        links=links,
    )


def install(redactor: Redactor) -> Callable[[], None]:
    """Make allure-pytest write through our sink. Call it before allure-pytest's ``pytest_configure``, in every process.

    Returns what takes it back: give it to ``config.add_cleanup``.
    """
    before = allure_pytest.plugin.AllureFileLogger
    allure_pytest.plugin.AllureFileLogger = partial(Sink, redactor=redactor)

    def take_back() -> None:
        allure_pytest.plugin.AllureFileLogger = before

    return take_back


def label_item(card: Card) -> None:
    """Say what the running test is about. To be called in any phase of it, best in setup; without Allure it does nothing."""
    parent, suite, sub_suite = card.suites
    labels = {
        "epic": parent,
        "parentSuite": parent,
        "suite": suite,
        "subSuite": sub_suite,
        "severity": card.severity,
        "target": card.target,
        f"{_PRIVATE}id": card.id,
        f"{_PRIVATE}title": card.title,
        f"{_PRIVATE}reason": card.reason,
    }
    for name, value in labels.items():
        if value:
            _DYNAMIC.label(name, value)
    for tag in card.tags:
        _DYNAMIC.tag(tag)
    for name, url in card.links:
        _DYNAMIC.link(url, name=name)


def state_finding(verdict: Verdict, found: str = "", advice: str = "") -> None:
    """Say how the running test was judged, so that Allure and the gate never differ. To be called while it still runs, at
    the latest in ``pytest_runtest_makereport``.
    """
    _DYNAMIC.label(f"{_PRIVATE}verdict", verdict.value)
    words = f"{found}\n→ {advice}" if advice else found
    if words:
        _DYNAMIC.label(f"{_PRIVATE}found", words)


class _Uuids(list[str]):
    """The tests of a fixture. allure-pytest looks for each in the list before it adds it: of a fixture that thirty thousand tests
    share, that is by their square.
    """

    def __init__(self, known: Iterable[str] = ()) -> None:
        """Those that there are."""
        super().__init__(known)
        self._known = set(self)

    def __contains__(self, uuid: object) -> bool:
        return uuid in self._known

    def append(self, uuid: str) -> None:
        """One more."""
        self._known.add(uuid)
        super().append(uuid)


def quicken(listener: Any) -> None:
    """Let allure-pytest's listener find a test at once among those of a fixture that many share. None: without Allure."""
    reporter: Any = getattr(listener, "allure_logger", None)
    for uuid in list(getattr(reporter, "_items", ())):
        item = reporter.get_item(uuid)
        if type(getattr(item, "children", None)) is list:
            item.children = _Uuids(item.children)


def attach_facts(name: str, facts: Any) -> None:
    """Attach what the running test was judged on: text as it is, anything else as JSON. Too much of it is cut short."""
    if isinstance(facts, str):
        body, kind = facts, allure.attachment_type.TEXT
    else:
        body, kind = json.dumps(facts, indent=2, ensure_ascii=False, default=str), allure.attachment_type.JSON
    if len(body) > _LARGEST:
        more = counted(len(body) - _LARGEST, "more character")
        body, kind = f"{beginning(body, _LARGEST)}\n... {more}", allure.attachment_type.TEXT
    allure.attach(body, name, kind)


class Sink(AllureFileLogger):
    """allure-pytest's file logger, with one way out for everything it writes."""

    def __init__(self, report_dir: str, clean: bool = False, *, redactor: Redactor) -> None:  # noqa: FBT001, FBT002
        """Ignore ``clean``: under xdist every worker would wipe what the others wrote. A run's folder is new anyway."""
        del clean
        super().__init__(report_dir, clean=False)  # type: ignore[no-untyped-call]
        self._folder = Path(report_dir).absolute()
        self._redactor = redactor

    @allure_commons.hookimpl
    def report_result(self, result: Any) -> None:
        """Write one result."""
        write_item(self._folder, tidy(result), self._redactor)

    @allure_commons.hookimpl
    def report_container(self, container: Any) -> None:
        """Write a fixture's container only if it tells something: it failed, or it has steps or attachments."""
        fixtures = [*container.befores, *container.afters]
        container.befores = [one for one in container.befores if _tells(one)]
        container.afters = [one for one in container.afters if _tells(one)]
        if any(_tells(one) for one in fixtures):
            write_item(self._folder, container, self._redactor)

    @allure_commons.hookimpl
    def report_globals(self, globals_item: Any) -> None:
        """Write what belongs to the run."""
        write_item(self._folder, globals_item, self._redactor)

    @allure_commons.hookimpl
    def report_attached_file(self, source: str, file_name: str) -> None:
        """Copy a file, cut."""
        (self._folder / file_name).write_bytes(self._redactor.cut_bytes(Path(source).read_bytes()))

    @allure_commons.hookimpl
    def report_attached_data(self, body: str | bytes, file_name: str) -> None:
        """Write an attachment, cut."""
        raw = body.encode("utf-8", "replace") if isinstance(body, str) else body
        (self._folder / file_name).write_bytes(self._redactor.cut_bytes(raw))


def _tells(fixture: Any) -> bool:
    """True for a fixture that a reader should see."""
    return bool(fixture.status in {"failed", "broken"} or fixture.steps or fixture.attachments)


def tidy(result: Any) -> Any:
    """The result under its logical id: title, reason, verdict and finding as the labels brought them; no parametrize noise."""
    said = {label.name.removeprefix(_PRIVATE): label.value for label in result.labels if label.name.startswith(_PRIVATE)}
    if "id" not in said:  # a team's own test: as allure-pytest has it
        return result
    labels = [label for label in result.labels if label.name not in _NOISE and not label.name.startswith(_PRIVATE)]
    result.labels = list({(label.name, label.value): label for label in labels}.values())
    result.name = said["title"]
    result.description = said.get("reason")
    result.fullName = said["id"]
    result.testCaseId = result.historyId = history_id(said["id"])
    result.parameters = []
    result.titlePath = [label.value for name in ("suite", "subSuite") for label in result.labels if label.name == name]
    verdict = said.get("verdict")
    if verdict is not None:
        result.status = STATUS[Verdict(verdict)]
    if verdict == Verdict.WAIVED.value:
        result.labels.append(Label(name="kind", value=Verdict.WAIVED.value))
    if "found" in said and result.statusDetails is not None:
        result.statusDetails.message = said["found"]
        result.statusDetails.known = True if verdict == Verdict.WAIVED.value else None
        if (result.statusDetails.trace or "").strip().endswith(said["found"].strip()):  # nothing but the same words
            result.statusDetails.trace = None
    return result


def history_id(identity: str) -> str:
    """What Allure follows over runs: from the logical id alone, whatever host or worker process it came from."""
    return md5(identity.encode(), usedforsecurity=False).hexdigest()
