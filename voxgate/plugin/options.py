"""The options of the gate, as ``pytest --help`` shows them. Imported wherever pytest runs, so it imports nothing of voxgate."""

from __future__ import annotations

import argparse
import os

import pytest

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


VALUED = (
    *("--estate", "--evidence", "--reports", "--hosts", "--shard", "--bake", "--deploy", "--rollback", "--wait", "--drain"),
    *("--max-unavailable", "--clear", "--reason", "--standing", "--html", "--sign-key"),
    *("--require-attested", "--attested", "--signers"),
)
"""Options that always take a value."""

TESTINFRA = "pytest11.testinfra"
"""What pytest calls testinfra's plugin, which has a ``--hosts`` of its own."""

_ASKING = (
    *("estate", "evidence", "deploy", "rollback", "plan", "recover", "history", "releases", "clear", "invariants"),
    *("standing", "shard", "bake", "wait", "drain", "no_way_back", "breaking", "require_green_build", "reason"),
    *("require_attested", "attested", "override_promotion"),
)


def is_asked(option: argparse.Namespace) -> bool:
    """True where this run is about an estate: anything else is a plain pytest."""
    return any(getattr(option, name, None) for name in _ASKING) or getattr(option, "max_unavailable", 1) != 1


def add_options(parser: pytest.Parser, *, hosts: bool) -> None:
    """Three groups, each with examples, each option with what it does. ``hosts`` False: ``--hosts`` is there already."""
    _looking(parser.getgroup("voxgate-look", LOOKING), hosts=hosts)
    _deploying(parser.getgroup("voxgate-deploy", DEPLOYING))
    _reporting(parser.getgroup("voxgate-report", REPORTING))


def _looking(group: pytest.OptionGroup, *, hosts: bool) -> None:
    """What is looked at, and how it is judged."""
    group.addoption(
        "--estate",
        metavar="NAME",
        default=os.environ.get("VOXGATE_ESTATE") or None,
        help="the estate to look at: hosts/NAME.toml, or a file's path (or the environment's VOXGATE_ESTATE)",
    )
    if hosts:
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
        choices=("text", "markdown", "threats"),
        default=None,
        help="print the catalogue of invariants from the code, and judge nothing; markdown and threats are pages of docs/",
    )


def _deploying(group: pytest.OptionGroup) -> None:
    """What is put on the hosts, and with how much care."""
    group.addoption(
        "--deploy",
        metavar="SERVICE[=TAG]",
        action="append",
        default=[],
        help="put a release on the hosts before judging: backend, fleet, dialler, console, several of them parted by commas, or "
        "all; TAG is a release tag on main, or main for its head; without TAG the newest release. Repeatable. Without --deploy "
        "nothing is changed",
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
        "--require-attested",
        metavar="ESTATE[=DAYS]",
        default=None,
        help="deploy only commits that were done on that estate, as a signed attestation says, at most DAYS ago (default: 14); "
        "needs --signers. [promotion] in the estate asks for the same always",
    )
    group.addoption(
        "--attested",
        metavar="DIR",
        action="append",
        default=[],
        help="where such attestations are: a run's folder, a folder of runs, or of files as `make attach` names them; "
        "repeatable. The reports, and with BITBUCKET_TOKEN the release's downloads, are asked as well",
    )
    group.addoption(
        "--signers",
        metavar="FILE",
        default=os.environ.get("VOXGATE_SIGNERS") or None,
        help="whose signatures count, as ssh-keygen(1) describes below ALLOWED SIGNERS (or the environment's VOXGATE_SIGNERS)",
    )
    group.addoption(
        "--override-promotion",
        action="store_true",
        default=False,
        help="deploy although [promotion] or --require-attested does not let it in; with --reason, which is kept in the ledger",
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
    group.addoption(
        "--breaking",
        action="store_true",
        help="deploy also a release whose contract.json breaks somebody who reads what the last known good answers",
    )
    group.addoption("--history", action="store_true", help="print what was deployed here, by whom, from the hosts' ledgers")
    group.addoption(
        "--releases",
        action="store_true",
        help="print what may be deployed here: releases on main, and which of them is on which host",
    )
    group.addoption("--clear", metavar="SERVICE", default=None, help="let a held service go; with --reason, which is kept")
    group.addoption(
        "--standing",
        metavar="ID",
        action="append",
        default=[],
        help="deploy although this does not hold, and leave it so (an invariant's id as a look says it); with --reason, which "
        "is kept. Repeatable. What is not named here stops a deploy that does not mend it",
    )
    group.addoption("--reason", metavar="TEXT", default="", help="why it is in order again, or may stay so, for the ledger")


def _reporting(group: pytest.OptionGroup) -> None:
    """Where what was found is told."""
    group.addoption(
        "--reports",
        metavar="DIR",
        default=None,
        help="where runs are reported (default: reports/ of the project, the folder with hosts/)",
    )
    group.addoption(
        "--html",
        choices=("auto", "always", "never"),
        default="auto",
        help="make the Allure page: auto makes it for a deploy, and for a look that found something wrong",
    )
    group.addoption(
        "--sign-key",
        metavar="FILE",
        default=os.environ.get("VOXGATE_SIGN_KEY") or None,
        help="sign the run's attestation with this SSH key: a private key's file, or a .pub whose key the agent has (or the "
        "environment's VOXGATE_SIGN_KEY); `voxgate attest verify` checks it",
    )
    group.addoption(
        "--summary",
        action="store_true",
        help="print the run's summary.md at the end: a few lines of Markdown for a chat or for release notes",
    )


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
