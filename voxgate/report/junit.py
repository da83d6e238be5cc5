"""JUnit: what ``junit.xml`` says of the run as a whole, and reports without secrets for all who read reports."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from _pytest.junitxml import xml_key

from voxgate.model.verdict import RunOutcome
from voxgate.redaction.cutting import Redactor

_WORDS = frozenset({"voxgate.found", "voxgate.advice"})


def suite_properties(outcome: RunOutcome) -> list[tuple[str, str]]:
    """What went where, and the verdict: the properties of the whole file."""
    values = [
        ("voxgate.run", outcome.run),
        ("voxgate.estate", outcome.estate),
        ("voxgate.verdict", outcome.verdict.value),
        ("voxgate.exit_status", str(outcome.exit_status)),
    ]
    for one in outcome.services:
        for word, release in (("from", one.before), ("tried", one.tried), ("running", one.running)):
            if release and release.commit:
                values += [(f"voxgate.{one.service}.{word}", f"{release.tag or 'main'} {release.commit}")]
    return values


def add_suite_properties(config: pytest.Config, outcome: RunOutcome) -> None:
    """Put them into the ``junit.xml`` of this session. To be called before it is written: sessionfinish, tryfirst."""
    xml = config.stash.get(xml_key, None)
    if xml is not None:
        for name, value in suite_properties(outcome):
            xml.add_global_property(name, value)


def without_file(config: pytest.Config, path: Path) -> None:
    """Say nothing of the ``junit.xml`` at ``path``, which will be gone. One that was asked for elsewhere is written as ever."""
    xml = config.stash.get(xml_key, None)
    if xml is not None and Path(config.option.xmlpath) == path:
        del config.stash[xml_key]
        config.pluginmanager.unregister(xml)


def scrub(report: pytest.TestReport | pytest.CollectReport, redactor: Redactor) -> None:
    """Cut secrets out of a report before anyone reads it: terminal, JUnit, Allure and the controller all read reports.

    A traceback with a secret in it becomes plain text; one without stays as it is, with its colours and styles.
    """
    if isinstance(report.longrepr, tuple):  # a skip: path, line, reason
        path, line, reason = report.longrepr
        report.longrepr = (path, line, redactor.cut(reason))
    elif (cut := redactor.cut(report.longreprtext)) != report.longreprtext:
        report.longrepr = cut
    report.sections = [(name, redactor.cut(text)) for name, text in report.sections]
    if isinstance(report, pytest.TestReport):
        report.user_properties = [
            (name, _cut_property(name, value, redactor) if isinstance(value, str) else value)
            for name, value in report.user_properties
        ]


def _cut_property(name: str, value: str, redactor: Redactor) -> str:
    """What a test said of itself: words are text, its id and its verdict are names."""
    if name in _WORDS:
        return redactor.cut(value)
    return redactor.for_names().cut(value) if name.startswith("voxgate.") else redactor.cut_string(value)


def scrub_file(path: str, redactor: Redactor) -> None:
    """Cut what is left in a written ``junit.xml``: each text and attribute of it. A file that is not there stays away; one
    that is no XML is cut as text.
    """
    file = Path(path)
    if not file.is_file():
        return
    try:
        tree = ET.parse(file)  # noqa: S314 - pytest wrote it a moment ago
    except ET.ParseError:
        file.write_bytes(redactor.cut_bytes(file.read_bytes()))
        return
    for element in tree.iter():
        element.text, element.tail = (text and redactor.cut(text) for text in (element.text, element.tail))
        for name, value in element.attrib.items():
            element.set(name, redactor.cut_string(value))
    tree.write(file, encoding="utf-8", xml_declaration=True)
