"""Every way out of pytest, cut: ids, reports, the terminal, ``junit.xml``. The same in the controller and in its workers."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from voxgate.report.junit import scrub, scrub_file
from voxgate.report.redaction import Redactor
from voxgate.report.stream import CutStream, unique_names


class Sinks:
    """Registered as a plugin of its own, so that a plain pytest session without an estate is cut as well."""

    def __init__(self, config: pytest.Config, redactor: Redactor) -> None:
        """Nothing is done yet."""
        self._config = config
        self._redactor = redactor

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self) -> None:
        """The terminal's own file, once pytest has opened it."""
        reporter: Any = self._config.pluginmanager.getplugin("terminalreporter")
        if reporter is not None:
            reporter._tw._file = CutStream(reporter._tw._file, self._redactor)  # noqa: SLF001 - pytest has no other door

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Ids: they go to the terminal, to JUnit, to Allure and between processes."""
        cut = unique_names([item.name for item in items], self._redactor.for_names())
        for item, name in zip(items, cut, strict=True):
            if name != item.name:
                item._nodeid = item.nodeid.removesuffix(item.name) + name  # type: ignore[attr-defined]  # noqa: SLF001
                item.name = name

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """What a test said, also with --showlocals, and what was captured while it ran."""
        report = yield
        scrub(report, self._redactor)
        return report

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_make_collect_report(self) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        """What went wrong while tests were collected."""
        report = yield
        scrub(report, self._redactor)
        return report

    @pytest.hookimpl(tryfirst=True)
    def pytest_terminal_summary(self) -> None:
        """``junit.xml``, once it is written: whatever came into it by another way."""
        path = self._config.option.xmlpath
        if path and not hasattr(self._config, "workerinput"):
            scrub_file(path, self._redactor)
