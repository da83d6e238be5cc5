"""The options of the gate, as ``pytest --help`` shows them."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import pytest

from voxgate.deploy.engine import Pace
from voxgate.deploy.site import Orders

_LONGEST = 86400.0

LOOKING = """\
voxgate, looking: nothing is changed on any host
  pytest --estate staging                              judge all of it
  pytest --estate staging -m dialler                   judge a part of the suites; -k and names of files work as well
  pytest --estate staging -n 4 -q                      four processes, and only what does not hold
  pytest --estate production --shard 2/4               judge a part of the hosts; voxgate merge joins the parts
  pytest --evidence=reports/latest/evidence -vv        judge the last look once more, without any connection
options of a look"""
DEPLOYING = """\
voxgate, deploying: judged, and gone back from where anything does not hold
  pytest --estate staging --deploy all                 the newest release of all four services
  pytest --estate production --deploy fleet=vox-agents-2026.06.24-1 --drain 600
  pytest --estate production --rollback backend        the release before the last known good
  pytest --estate production --recover                 after a gate that was killed
options of a deploy"""
REPORTING = "voxgate, reporting (with -q the verdict and what does not hold, with -v each judgement; voxgate --help does more)"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Three groups, each with examples, each option with what it does."""
    _looking(parser.getgroup("voxgate-look", LOOKING))
    _deploying(parser.getgroup("voxgate-deploy", DEPLOYING))
    _reporting(parser.getgroup("voxgate-report", REPORTING))


def _looking(group: pytest.OptionGroup) -> None:
    """What is looked at, and how it is judged."""
    group.addoption(
        "--estate",
        metavar="NAME",
        default=os.environ.get("VOXGATE_ESTATE") or None,
        help="the estate to look at: hosts/NAME.toml (or the environment's VOXGATE_ESTATE)",
    )
    group.addoption(
        "--hosts",
        metavar="A,B",
        default=None,
        help="look at these hosts only: a partial run, joined with the others by `voxgate merge`",
    )
    group.addoption(
        "--shard",
        metavar="N/COUNT",
        default=None,
        help="look at the Nth of COUNT parts of the hosts, as one cell of a Jenkins matrix does",
    )
    group.addoption(
        "--bake",
        metavar="SECONDS",
        type=seconds,
        default=None,
        help="time between the two looks; default: the estate's `bake` after a deploy, its `look` otherwise",
    )
    group.addoption(
        "--evidence",
        metavar="DIR",
        default=None,
        help="judge a saved look again (reports/<run>/evidence), without any connection",
    )
    group.addoption(
        "--invariants",
        nargs="?",
        const="text",
        choices=("text", "markdown"),
        default=None,
        help="print the catalogue of invariants from the code, and judge nothing; markdown is the page docs/INVARIANTS.md",
    )


def _deploying(group: pytest.OptionGroup) -> None:
    """What is put on the hosts, and with how much care."""
    group.addoption(
        "--deploy",
        metavar="SERVICE[=TAG]",
        action="append",
        default=[],
        help="put a release on the hosts before judging: backend, fleet, dialler, console or all; TAG is a release tag on "
        "main, or main for its head; without TAG the newest release. Repeatable. Without --deploy nothing is changed",
    )
    group.addoption(
        "--rollback",
        metavar="SERVICE[=TAG]",
        action="append",
        default=[],
        help="put a release back that was on the hosts before (without TAG the last known good before the current one), by the "
        "same moves and the same judging, without forge and registry. Repeatable",
    )
    group.addoption(
        "--plan",
        action="store_true",
        help="print what --deploy or --rollback would do: hosts, order, commands, way back, unknowns; touches nothing",
    )
    group.addoption(
        "--recover",
        action="store_true",
        help="bring to its end what an earlier run left open (killed, cut off), and judge it; nothing else is deployed",
    )
    group.addoption(
        "--wait", metavar="SECONDS", type=seconds, default=0.0, help="how long to wait for another gate at work (default: 0)"
    )
    group.addoption(
        "--require-green-build",
        action="store_true",
        default=False,
        help="deploy only commits whose own CI on Bitbucket was green (token: BITBUCKET_TOKEN); anything else is refused",
    )
    group.addoption(
        "--drain",
        metavar="SECONDS",
        type=seconds,
        default=0.0,
        help="how long to wait, for each fleet host, until busy workers are idle; calls cut short are counted (default: 0)",
    )
    group.addoption(
        "--max-unavailable",
        metavar="N",
        type=workers,
        default=1,
        help="workers restarted together, on one host at a time (default: 1)",
    )
    group.addoption(
        "--no-way-back",
        action="store_true",
        help="deploy also where going back could not be proved to work without forge and registry",
    )
    group.addoption("--history", action="store_true", help="print what was deployed here, by whom, from the hosts' ledgers")
    group.addoption("--clear", metavar="SERVICE", default=None, help="let a held service go; with --reason, which is kept")
    group.addoption("--reason", metavar="TEXT", default="", help="why it is in order again, for the ledger")


def _reporting(group: pytest.OptionGroup) -> None:
    """Where what was found is told."""
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


def orders_of(config: pytest.Config) -> Orders:
    """What the command line asks for."""
    option = config.getoption
    return Orders(
        tuple(option("deploy")),
        tuple(option("rollback")),
        recover=option("recover"),
        bake=option("bake"),
        wait=option("wait"),
        no_way_back=option("no_way_back"),
        pace=Pace(drain=option("drain"), most=option("max_unavailable")),
    )


def is_deploy(config: pytest.Config) -> bool:
    """True where a release is to be put on hosts, there or back."""
    return bool(config.getoption("deploy") or config.getoption("rollback"))


def is_selected(config: pytest.Config) -> bool:
    """True if the user chose a part of the suites."""
    option = config.option
    chosen = [name for name in config.args if Path(name).resolve() != config.rootpath / "suites"]
    return bool(option.markexpr or option.keyword or option.deselect or option.ignore or chosen)


def workers(text: str) -> int:
    """A number of workers as typed. Raises ArgumentTypeError for what is no whole number from 1 on."""
    if not (text.isascii() and text.isdigit() and int(text)):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of workers from 1 on")
    return int(text)


def seconds(text: str) -> float:
    """A time as typed. Raises ArgumentTypeError, which pytest says in one line, for what is no length of time."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= _LONGEST:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds between 0 and {_LONGEST:g}")
    return value
