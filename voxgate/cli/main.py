"""``voxgate init | contract | draft | enrol | probe | builder | attach | attest | approve | watch | merge``."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from voxgate import __version__
from voxgate.cli.approve import approve, folder_of
from voxgate.cli.attest import verify
from voxgate.cli.draft import draft
from voxgate.cli.enrol import enrol, update
from voxgate.cli.first_estate import Asked, first_estate
from voxgate.cli.init import init
from voxgate.cli.merge import folders_of, merge
from voxgate.cli.watch import watch
from voxgate.contracts.estates import load_estate, named_estate
from voxgate.contracts.places import project
from voxgate.errors import Refused, VoxgateError
from voxgate.model.verdict import Exit
from voxgate.moves.builder import built as builder
from voxgate.probe import built as probe
from voxgate.redaction.cutting import Redactor
from voxgate.report.attested.attaching import attach
from voxgate.report.monitors import FORMATS, Level
from voxgate.report.terminal.stream import CutStream
from voxgate.report.verdict import verdict_file
from voxgate.transport.clients.bitbucket import Bitbucket

EXAMPLES = """\
examples:
  voxgate init ../our-hosts --estate production   a folder for your own estates and checks
  voxgate draft --estate production               what the estate may say of all that is unknown on its hosts, as TOML
  voxgate draft --estate production --host api=10.0.0.5 --host fleet=10.0.0.6 --host sip=10.0.0.7 --host data=10.0.0.8
  voxgate enrol api-1 --estate production | ssh YOU@10.0.0.5 sudo bash
  voxgate contract backend --at http://127.0.0.1:8080 --start "uv run uvicorn vox_backend.app:app --port 8080" --env test.env
  voxgate contract diff schemas-of-before schemas  what became stricter, was lost or added, and whom that breaks
  voxgate attach                                  the newest run of reports/ to its releases on Bitbucket
  voxgate attest verify reports/latest --signers hosts/signers    whether a run is what it says, offline
  voxgate approve backend=vox-backend-2026.06.24-1 --estate production --sign-key ~/.ssh/id_ed25519 --reason "looked at it"
  voxgate watch --estate production               one line for Nagios, exit status 0, 1, 2 or 3
  voxgate watch --estate production --format prometheus --output /var/lib/node_exporter/voxgate.prom
  voxgate merge shard-1/reports/latest shard-2/reports/latest

deploying and looking are pytest's: pytest --help, or make
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. An error is a line and a hint on stderr; no secret passes stdout or stderr."""
    asked = _parser().parse_args(argv)
    redactor = Redactor.of(os.environ)
    out = CutStream(sys.stdout, redactor)
    try:
        return _said(asked, out)
    except VoxgateError as error:
        if asked.command == "watch":  # a monitor reads stdout, and a gate that cannot look is no good news
            out.write(f"VOXGATE UNKNOWN - {asked.estate}: {error.line}\n{error.hint}\n")
            return Level.UNKNOWN
        CutStream(sys.stderr, redactor).write(f"voxgate: {error.text}\n")
        return Exit.REFUSED if isinstance(error, Refused) else 1
    except KeyboardInterrupt:
        return Level.UNKNOWN if asked.command == "watch" else 130


def _said(asked: argparse.Namespace, out: CutStream) -> int:
    """The command; a folder or file that cannot be used is one line as any mistake."""
    try:
        if asked.command == "contract":
            return _contract(asked, out)
        if asked.command == "attest":
            signers, ledger = (Path(name) if name else None for name in (asked.signers, asked.ledger))
            return verify(Path(asked.run), signers, asked.estate, out, ledger)
        if asked.command == "approve":
            estate, folder = load_estate(asked.estate), folder_of(project())
            return approve(estate, asked.releases, asked.sign_key, asked.reason, asked.days, folder, out)
        return _run(asked, out)
    except OSError as error:
        why = error.strerror or str(error)
        raise VoxgateError(f"{asked.command} cannot go on", where=str(error.filename or ""), why=why) from None


def _contract(asked: argparse.Namespace, out: CutStream) -> int:
    """``contract``, or ``contract diff OLD NEW``."""
    from voxgate.cli import contract as contracts  # noqa: PLC0415 - clients of stores, which no other command needs
    from voxgate.cli.contract_diff import contract_diff  # noqa: PLC0415 - the same

    if asked.service == "diff":
        if len(asked.two) != 2:  # noqa: PLR2004
            raise Refused("diff is of two contracts", hint="voxgate contract diff OLD NEW")
        return contract_diff(asked.two[0], asked.two[1], out)
    if asked.two:
        raise Refused("one service is asked at a time", why=asked.two[0])
    given = {key: getattr(asked, key) for key in ("service", "at", "start", "env", "junit", "allure", "save", "patience")}
    return contracts.contract(contracts.Asked(**given, only=tuple(asked.only)), os.environ, out)


def _run(asked: argparse.Namespace, out: CutStream) -> int:
    """The command that was asked for."""
    match asked.command:
        case "init":
            return init(Path(asked.folder), asked.estate, out)
        case "draft":
            saved = Path(asked.evidence) if asked.evidence else None
            redactor = Redactor.of(os.environ)
            say = CutStream(sys.stderr, redactor)
            if asked.host:
                known = {key: getattr(asked, key) for key in ("user", "known_hosts", "ssh_config", "identity")}
                return first_estate(Asked(asked.estate, tuple(asked.host), **known), Path.cwd() / "hosts", say, redactor)
            return draft(load_estate(asked.estate), saved, write=asked.write, out=out, say=say, redactor=redactor)
        case "enrol":
            estate = load_estate(asked.estate)
            return (
                update(estate, asked.hosts, out)
                if asked.update
                else enrol(estate, asked.hosts, check=asked.check, out=out, raw=sys.stdout)
            )
        case "probe":
            sys.stdout.buffer.write(probe.program())  # as it is: the gate compares its bytes
            return 0
        case "builder":
            sys.stdout.buffer.write(builder.program())  # the same
            return 0
        case "attach":
            folder = Path(asked.run).resolve()
            outcome = verdict_file.read(folder / "verdict.json")
            estate = named_estate(outcome.estate)
            for line in attach(outcome, folder, estate, Bitbucket.of(estate.workspace)):
                out.write(f"{line}\n")
            return 0
        case "watch":
            return watch(load_estate(asked.estate), Path(asked.reports), asked.format, asked.output, out)
        case _:
            parts = [Path(part) for word in asked.parts for part in folders_of(word)]
            return merge(parts, Path(asked.reports), html=asked.html, out=out)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="voxgate",
        description="What is done with runs of the gate.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"voxgate {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    one = commands.add_parser("init", help="make a folder for your own estates and checks; what is there already is kept")
    one.add_argument("folder", nargs="?", default=".", metavar="DIR", help="default: the current folder")
    one.add_argument("--estate", default="staging", metavar="NAME", help="the estate to begin with (default: staging)")
    one = commands.add_parser("contract", help="ask a running service for all that it promises; no estate, no SSH, no root")
    one.add_argument(
        "service",
        nargs="?",
        default="",
        metavar="SERVICE",
        help="backend, fleet, dialler or console; default: as contract.toml says",
    )
    one.add_argument(
        "two", nargs="*", metavar="OLD NEW", help="with `diff` as SERVICE: two contracts, what differs and whom it breaks"
    )
    one.add_argument("--at", default="", metavar="URL", help="where it answers: http://127.0.0.1:8080")
    one.add_argument("--start", default="", metavar="COMMAND", help="start it so, ask, and stop it; also without what it needs")
    one.add_argument("--env", default="", metavar="FILE", help="its settings for --start, as in .env (else: of the environment)")
    one.add_argument("--junit", default="", metavar="FILE", help="write what was found as JUnit XML")
    one.add_argument("--allure", default="", metavar="DIR", help="write what was found as results of Allure")
    one.add_argument("--save", default="", metavar="FILE", help="keep what it answers, for `diff` and for the next release")
    one.add_argument("--patience", default="", metavar="N", help="each time limit is N times as long (or VOXGATE_PATIENCE=N)")
    one.add_argument("--only", action="append", default=[], metavar="PROMISE", help="ask for this promise only; repeatable")
    one = commands.add_parser("draft", help="look, and print what the estate may say of all that is unknown on its hosts")
    _takes_an_estate(one)
    one.add_argument("--evidence", metavar="DIR", help="a saved look instead: reports/RUN/evidence")
    one.add_argument("--write", action="store_true", help="put it into the estate's file")
    one.add_argument(
        "--host", action="append", metavar="ROLE=ADDRESS", help="write a first file hosts/NAME.toml from such hosts; repeatable"
    )
    one.add_argument("--user", default="deploy", help="with --host: the account that logs in (default: deploy)")
    one.add_argument(
        "--known-hosts", default="~/.ssh/known_hosts", metavar="FILE", help="with --host: where host keys are pinned"
    )
    one.add_argument("--ssh-config", default="", metavar="FILE", help="with --host: an ssh configuration of its own")
    one.add_argument("--identity", default="", metavar="FILE", help="with --host: a private key of its own")
    one = commands.add_parser("enrol", help="print what root types on a host to make it ready, or check what is done already")
    _takes_an_estate(one)
    one.add_argument("hosts", nargs="*", metavar="HOST", help="a host of the estate; with --check: all of them, if none is named")
    one.add_argument(
        "--update", action="store_true", help="bring this voxgate's probe and builder to all hosts, by ssh as [estate] admin"
    )
    one.add_argument("--check", action="store_true", help="log in as the gate does, and say what is done and what is not")
    commands.add_parser("probe", help="print the probe, to install it on a host: the README says how")
    commands.add_parser("builder", help="print the program that builds releases on a host, to install it there: the same")
    _add_signing(commands)
    one = commands.add_parser("watch", help="look without deploying; say what changed since the last run that held")
    _takes_an_estate(one)
    one.add_argument("--format", choices=sorted(FORMATS), default="nagios", help="default: nagios")
    one.add_argument("--output", metavar="FILE", help="write there in one step, as the textfile collector needs it")
    one.add_argument("--reports", default="reports", metavar="DIR", help="where the runs are (default: reports)")
    one = commands.add_parser("merge", help="join runs of --shard or --hosts into one verdict and one report")
    one.add_argument("parts", nargs="+", metavar="DIR", help="a run's folder, as reports/latest of each shard")
    one.add_argument("--reports", default="reports", metavar="DIR", help="where the joined run is put (default: reports)")
    one.add_argument("--html", choices=("always", "never"), default="always", help="make the Allure page (default: always)")
    return parser


def _add_signing(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """What takes a run elsewhere, and what is signed."""
    one = commands.add_parser("attach", help="put a run's report and verdict to its releases on Bitbucket (BITBUCKET_TOKEN)")
    one.add_argument("run", nargs="?", default="reports/latest", metavar="RUN", help="default: reports/latest")
    one = commands.add_parser("attest", help="verify a run's attestation: signature, digests, and the verdict by its evidence")
    one.add_argument("action", choices=["verify"], help="a line for each thing that is verified; exit status 0 or 1")
    one.add_argument("run", nargs="?", default="reports/latest", metavar="RUN", help="default: reports/latest")
    signers = os.environ.get("VOXGATE_SIGNERS") or None
    one.add_argument("--signers", default=signers, metavar="FILE", help="who may sign, as ssh-keygen(1) has ALLOWED SIGNERS")
    one.add_argument("--ledger", metavar="FILE", help="a host's ledger.jsonl, which must go on from this run, and name it")
    one.add_argument("--estate", metavar="NAME", help="the estate as it was judged by: a name, or a file (default: the run's)")
    one = commands.add_parser("approve", help="sign a note that a release may go on an estate with [promotion] approvers")
    one.add_argument("releases", nargs="+", metavar="SERVICE=TAG", help="as --deploy of pytest takes them")
    _takes_an_estate(one)
    one.add_argument("--sign-key", required=True, metavar="FILE", help="your SSH key, or the .pub of one in the agent")
    one.add_argument("--reason", required=True, metavar="TEXT", help="what you looked at")
    one.add_argument("--days", type=int, default=3, metavar="N", help="for how long it counts (default: 3, at most 30)")


def _takes_an_estate(parser: argparse.ArgumentParser) -> None:
    default = os.environ.get("VOXGATE_ESTATE")
    parser.add_argument("--estate", required=default is None, default=default, metavar="NAME", help="a name, or a file")


if __name__ == "__main__":
    sys.exit(main())
