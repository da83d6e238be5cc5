"""The door to pytest (entry point ``pytest11``): options and markers, wherever pytest runs.

All else (``voxgate.plugin.hooks``) is loaded only where a run is about an estate: without ``--estate`` and its like this is a
plain pytest, and costs nothing.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from importlib import import_module
from pathlib import Path

import pytest

from voxgate.plugin.options import TESTINFRA, VALUED, add_options, is_asked

HOOKS = "voxgate.plugin.hooks"

_MARKERS = (
    "backend: what must be true of the backend",
    "console: what must be true of the console",
    "fleet: what must be true of the fleet",
    "dialler: what must be true of the dialler",
    "platform: what must be true of hosts and containers",
    "contract: what the schemas promise; needs no host",
    "release: what must be true of the checked-out release",
    "deploy: the moves of a deploy; judged only when there is one",
    "invariant: one rule; set by @invariant, never by hand",
    "on(role, host): on which hosts a check of your own runs; set by @on, never by hand",
)


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """The options; and where pytest took the value of one for a path to collect, a start that does not."""
    _let_testinfra_first(pluginmanager)
    add_options(parser, hosts=not pluginmanager.has_plugin(TESTINFRA))
    config: pytest.Config | None = pluginmanager.get_plugin("pytestconfig")
    if config is not None:
        _start_where_meant(config)


def _let_testinfra_first(pluginmanager: pytest.PytestPluginManager) -> None:
    """Testinfra's own plugin has a ``--hosts`` too, which means the same. It cannot share one that is there already, we can."""
    if not pluginmanager.has_plugin(TESTINFRA) and not pluginmanager.is_blocked(TESTINFRA):
        with suppress(ImportError):
            pluginmanager.register(import_module("testinfra.plugin"), TESTINFRA)


def as_one_word(arguments: list[str]) -> list[str]:
    """``--estate NAME`` as ``--estate=NAME``, and so on for each option of ours that takes a value, up to ``--``."""
    joined: list[str] = []
    left = iter(arguments)
    for word in left:
        if word == "--":
            return [*joined, word, *left]
        value = next(left, None) if word in VALUED else None
        joined.append(word if value is None else f"{word}={value}")
    return joined


def _start_where_meant(config: pytest.Config) -> None:
    """Pytest looks for its project before it knows our options, and takes the value of ``--evidence /elsewhere/evidence`` for a
    path to collect: it then reads the configuration that it finds there. Where that happened, start once more with option and
    value in one word, which cannot be mistaken. Nothing was done yet, and no output is captured.
    """
    arguments = [os.fspath(word) for word in config.invocation_params.args]
    here = config.invocation_params.dir
    joined = as_one_word(arguments)
    if joined == arguments or (config.inipath is not None and config.inipath.parent in (here, *here.parents)):
        return
    apart = {word.partition("=")[2] for word in joined if word not in arguments}
    command = sys.orig_argv[: len(sys.orig_argv) - len(arguments)]
    if not any(Path(value).exists() for value in apart) or [*command, *arguments] != sys.orig_argv:
        return  # the command line is not ours to give again: pytest.main(...), a worker of xdist
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(sys.executable, [sys.executable, *command[1:], *joined])  # noqa: S606 - this very command, no shell


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """The rest of the plugin, where it is asked for."""
    if is_asked(early_config.known_args_namespace):
        early_config.pluginmanager.import_plugin(HOOKS)


def pytest_configure(config: pytest.Config) -> None:
    """The markers of the suites."""
    for line in _MARKERS:
        config.addinivalue_line("markers", line)
