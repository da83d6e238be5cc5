"""What all unit tests have in common: none is red because the machine is busy, and which assertions they turn red is kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests import assertions
from tests.unit.forges import forge
from voxgate.plugin import without_pytest

__all__ = ["forge"]

settings.register_profile("voxgate", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("voxgate")

PAGE = Path(__file__).resolve().parents[2] / "docs" / "ASSERTIONS.md"


OF_A_PART = ("keyword", "markexpr", "deselect", "ignore", "ignore_glob", "lf", "stepwise")
"""Options of pytest's by which only some of the tests run."""

PATCHED = pytest.StashKey[pytest.MonkeyPatch]()
WRONG = pytest.StashKey[list[str]]()


def pytest_configure(config: pytest.Config) -> None:
    """Whoever judges in this process is seen."""
    config.stash[PATCHED] = patch = pytest.MonkeyPatch()
    patch.setattr(without_pytest, "words_of", assertions.judged)


def pytest_unconfigure(config: pytest.Config) -> None:
    """As before."""
    config.stash[PATCHED].undo()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--assertions",
        choices=("check", "write"),
        help="at the end of a run of all unit tests: fail if an assertion of a rule was never seen failing; write: and the page",
    )


def pytest_testnodedown(node: Any) -> None:
    """A worker of xdist ended: what it saw counts."""
    assertions.SEEN.add(getattr(node, "workeroutput", {}).get("assertions", {}))


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """All is seen, unless only a part of the tests was run, or one of them failed anyway."""
    config = session.config
    if hasattr(config, "workeroutput"):
        config.workeroutput["assertions"] = assertions.SEEN.plain()
        return
    options = config.option
    if not options.assertions or session.exitstatus or any(getattr(options, name, None) for name in OF_A_PART):
        return
    wrong = assertions.unseen(assertions.SEEN)
    if options.assertions == "write":
        PAGE.write_text(assertions.page(assertions.SEEN), "utf-8")
    if wrong:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        config.stash[WRONG] = wrong


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """What was not seen, one a line."""
    wrong = config.stash.get(WRONG, None)
    if wrong:
        terminalreporter.section("assertions of rules")
        terminalreporter.write_line("\n".join([*wrong, assertions.HINT]), red=True)
