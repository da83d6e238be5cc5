"""The options of the gate, as ``pytest --help`` shows them."""

from __future__ import annotations

import os

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """One group, each option with what it does."""
    group = parser.getgroup("voxgate", "voxgate: the deploy gate (pytest -m dialler --estate staging only looks)")
    group.addoption(
        "--estate",
        metavar="NAME",
        default=os.environ.get("VOXGATE_ESTATE") or None,
        help="the estate to look at: hosts/NAME.toml (or the environment's VOXGATE_ESTATE)",
    )
    group.addoption(
        "--deploy",
        metavar="SERVICE[=TAG]",
        action="append",
        default=[],
        help="put a release on the hosts before judging: backend, fleet, dialler, console or all; TAG is a release tag on "
        "main, or main for its head; without TAG the newest release. Repeatable. Without --deploy nothing is changed",
    )
    group.addoption(
        "--evidence",
        metavar="DIR",
        default=None,
        help="judge a saved look again (reports/<run>/evidence), without any connection",
    )
    group.addoption(
        "--bake",
        metavar="SECONDS",
        type=float,
        default=None,
        help="time between the two looks; default: the estate's `bake` after a deploy, its `look` otherwise",
    )
    group.addoption(
        "--reports",
        metavar="DIR",
        default=None,
        help="where runs are reported (default: reports/ of the project)",
    )
    group.addoption(
        "--html",
        choices=("auto", "always", "never"),
        default="auto",
        help="make the Allure page: auto makes it for a deploy, not for a look",
    )
