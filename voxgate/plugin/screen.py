"""What pytest itself prints of a run that is neither brief nor full: no more than a screen has room for beside the gate's own."""

from __future__ import annotations

from typing import Any

import pytest

from voxgate.report.terminal.closing import SCREEN

_OWN = 8
"""Its lines beside the signs of tests: the first and the last, how many were collected, where JUnit's file is, blank ones."""

_SIGNS = 72
"""Signs of tests in a line."""


class Screen:
    """Registered as a plugin: the platform and its plugins are left out, and the signs of all tests stand together."""

    def __init__(self, config: pytest.Config) -> None:
        """Nothing is folded yet."""
        self._config = config

    def fold(self) -> None:
        """What the options say: before pytest has printed anything."""
        option = self._config.option
        if option.verbose <= 0:
            # Our closing says each failure in two lines; pytest's own sections would say it twice. -v brings them back.
            option.tbstyle, option.reportchars, option.no_header = "no", "", True

    @pytest.hookimpl(trylast=True)
    def pytest_sessionstart(self) -> None:
        """No line for each file."""
        reporter: Any = self._config.pluginmanager.getplugin("terminalreporter")
        if reporter is not None and self._config.option.verbose <= 0:
            reporter.showfspath = False

    def room(self, judged: int, said: int) -> int:
        """Lines that are left for a closing, where so many tests were judged, and so many lines said of moves."""
        return SCREEN - _OWN - (judged + _SIGNS - 1) // _SIGNS - said
