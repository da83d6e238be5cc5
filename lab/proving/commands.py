"""The commands about faults: `lab break`, `lab mend`, `lab faults`, `lab prove`, and the power switches `lab off`, `lab on`."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

from lab import cell, hosts, machine, places
from lab.proving import breaking, matrix
from lab.proving.fault import all_faults, find, judged_ids
from voxgate.errors import VoxgateError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from lab.proving.run import Proof

REPORTS = places.ROOT / "reports" / "faults"


def add_parsers(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add these commands to the command line."""
    one = commands.add_parser("break", help="break a host by one fault (lab faults lists them)")
    one.add_argument("name", metavar="FAULT")
    one = commands.add_parser("mend", help="mend one fault, or all that are in the lab")
    one.add_argument("name", metavar="FAULT", nargs="?")
    one = commands.add_parser("faults", help="list the faults: what each breaks, and where")
    one.add_argument("--write", action="store_true", help="write docs/FAULTS.md anew")
    one = commands.add_parser("prove", help="prove that each invariant can fail: all faults, or the named ones")
    one.add_argument("names", metavar="FAULT", nargs="*")
    for name, about in (("off", "cut a host's power"), ("on", "and boot it again")):
        one = commands.add_parser(name, help=about)
        one.add_argument("host", metavar="HOST")


def do(asked: argparse.Namespace, say: Callable[[str], None]) -> int:
    """Run one of them."""
    match asked.command:
        case "faults":
            if asked.write:
                matrix.publish_page()
            return _list()
        case "break":
            cell.needed()
            breaking.inject(find(asked.name))
            say(f"{asked.name} is in the lab; uv run lab mend")
        case "mend":
            cell.needed()
            if asked.name:
                breaking.mend(find(asked.name))
            mended = [asked.name] if asked.name else breaking.mend_all()
            say(f"mended: {', '.join(mended)}" if mended else "nothing is broken")
        case "off":
            hosts.kill_host(asked.host)
        case "on":
            hosts.boot_host(asked.host)
        case _:
            with machine.locked(places.LOCK, say):
                return _prove(asked, say)
    return 0


def _interrupted(number: int, _frame: object) -> None:
    raise KeyboardInterrupt(signal.Signals(number).name)


def _list() -> int:
    there = breaking.broken()
    for fault in all_faults():
        sign = "*" if fault.name in there else " "
        print(f"{sign} {fault.name:36} {fault.host:8} {fault.about}")  # noqa: T201
    return 0


def _prove(asked: argparse.Namespace, say: Callable[[str], None]) -> int:
    from lab.proving import run  # noqa: PLC0415 - the gate's own modules take a second, and only a proof needs them

    asked.names = [name for name in asked.names if name]  # make says an empty word for none
    faults = tuple(find(name) for name in asked.names) or all_faults()
    for fault in faults:
        fault.declared(judged_ids(fault))  # a header that names nothing is said before anything is broken
    for number in (signal.SIGINT, signal.SIGTERM):  # also where a shell started us with Ctrl-C ignored: what is broken is mended
        signal.signal(number, _interrupted)
    began, started = time.monotonic(), run.stamp()
    proofs: list[Proof] = []
    trouble = "was interrupted"
    path = REPORTS / "matrix.json"
    try:
        run.prove(faults, proofs, say)
        trouble = run.whole_look(REPORTS / "last-look")
    except VoxgateError as error:
        trouble = error.line
    finally:
        seconds = time.monotonic() - began
        made = matrix.document(proofs, started, seconds, trouble, matrix.earlier(path) if asked.names else None)
        matrix.write(made, path)
    if made["whole"] and not trouble:
        matrix.publish(made)
    proved = sum(proof.proved for proof in proofs)
    say(f"{proved} of {len(faults)} faults proved in {seconds:.0f} s; {path}")
    if trouble:
        say(f"and then: {trouble}")
    return 0 if proved == len(faults) and not trouble else 1
