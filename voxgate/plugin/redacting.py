"""Every way out of pytest, cut: ids, reports, the terminal, what tests print and log, ``junit.xml``. The same in the controller
and in its workers.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Generator, Iterable
from functools import partial
from typing import Any, TextIO

import pytest

from voxgate.redaction.cutting import Redactor
from voxgate.report.junit import scrub, scrub_file
from voxgate.report.terminal.stream import CutStream, unique_names


class CutLines(CutStream):
    """The same line by line: ``print("password:", word)`` writes a name and its value apart. A flush writes what there is."""

    def __init__(self, stream: TextIO, redactor: Redactor) -> None:
        """Write to ``stream``."""
        super().__init__(stream, redactor)
        self._begun = ""

    def write(self, text: str) -> int:
        """Write the lines that are whole."""
        lines, end, self._begun = (self._begun + text).rpartition("\n")
        if end:
            super().write(lines + end)
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """The same for many."""
        self.write("".join(lines))

    def flush(self) -> None:
        """Write the rest."""
        begun, self._begun = self._begun, ""
        if begun:
            super().write(begun)
        self._stream.flush()


class CutFormatter(logging.Formatter):
    """Another formatter's words, cut."""

    def __init__(self, inner: logging.Formatter, redactor: Redactor) -> None:
        """Format as ``inner`` does."""
        super().__init__()
        self._inner = inner
        self._redactor = redactor

    def format(self, record: logging.LogRecord) -> str:
        """One record."""
        return self._redactor.cut(self._inner.format(record))


class Sinks:
    """Registered as a plugin of its own, so that a plain pytest session without an estate is cut as well."""

    def __init__(self, config: pytest.Config, redactor: Redactor) -> None:
        """Nothing is done yet."""
        self._config = config
        self._redactor = redactor

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self) -> None:
        """The terminal's own file, the log's, and what tests print past pytest: once pytest has opened them."""
        reporter: Any = self._config.pluginmanager.getplugin("terminalreporter")
        if reporter is not None:
            reporter._tw._file = CutStream(reporter._tw._file, self._redactor)  # noqa: SLF001 - pytest has no other door
        logs: Any = self._config.pluginmanager.getplugin("logging-plugin")
        for name in ("log_file_handler", "log_cli_handler"):
            handler: logging.Handler | None = getattr(logs, name, None)
            if handler is not None and handler.formatter is not None:
                handler.setFormatter(CutFormatter(handler.formatter, self._redactor))
        match self._config.getoption("capture"):
            case "no":
                self._cut_streams()
            case "tee-sys":
                self._cut_tees()

    def _cut_streams(self) -> None:
        """Nothing is captured: what a test prints goes straight out."""
        for name in ("stdout", "stderr"):
            plain = getattr(sys, name)
            stream = CutLines(plain, self._redactor)
            setattr(sys, name, stream)
            self._config.add_cleanup(partial(setattr, sys, name, plain))
            self._config.add_cleanup(stream.flush)

    def _cut_tees(self) -> None:
        """What is captured also goes out at once."""
        manager: Any = self._config.pluginmanager.getplugin("capturemanager")
        captured = getattr(manager, "_global_capturing", None)
        for each in (getattr(captured, "out", None), getattr(captured, "err", None)):
            other = getattr(getattr(each, "tmpfile", None), "_other", None)
            if each is not None and other is not None:
                each.tmpfile._other = stream = CutLines(other, self._redactor)  # noqa: SLF001 - nor here
                self._config.add_cleanup(stream.flush)

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
