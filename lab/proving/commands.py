"""The commands about what is put on the lab: `lab break`, `lab mend`, `lab faults`, `lab test-faults`, `lab ordinary`; and the
power switches `lab off`, `lab on`.
"""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

from lab import cell, hosts, machine, places
from lab.proving import breaking, entries, matrix, ordinary, ordinary_page
from lab.proving.fault import all_faults, find, ids_of
from lab.proving.script import by_name, judged_ids
from lab.proving.turn import Turn
from voxgate.errors import VoxgateError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from lab.proving.ordinary import Ordinary
    from lab.proving.proof import Proof
    from lab.proving.trying import Trial

REPORTS = places.ROOT / "reports"


def add_parsers(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add these commands to the command line."""
    one = commands.add_parser("break", help="break a host by one fault (lab faults lists them), or put one ordinary thing on it")
    one.add_argument("name", metavar="NAME")
    one = commands.add_parser("mend", help="take away one of them, or all that are in the lab")
    one.add_argument("name", metavar="NAME", nargs="?")
    one = commands.add_parser("faults", help="list the faults: what each breaks, and where")
    one.add_argument("--write", action="store_true", help="write docs/FAULTS.md anew")
    one = commands.add_parser("test-faults", help="prove that each invariant can fail: all faults, or the named ones")
    one.add_argument("names", metavar="FAULT", nargs="*")
    one.add_argument("--turn", default="", metavar="2/3", help="that part of them, and at least one for each rule")
    one = commands.add_parser("ordinary", help="prove that all holds with what is ordinary on hosts: all of it, or what is named")
    one.add_argument("names", metavar="NAME", nargs="*")
    one.add_argument("--turn", default="", metavar="2/3", help="that part of it")
    one.add_argument("--write", action="store_true", help="write docs/ORDINARY.md anew, and try nothing")
    leave = "put them on the lab and leave them there, as many as can stand together; try nothing (uv run lab mend)"
    one.add_argument("--leave", action="store_true", help=leave)
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
            breaking.inject(by_name(asked.name))
            say(f"{asked.name} is in the lab; uv run lab mend")
        case "mend":
            cell.needed()
            if asked.name:
                breaking.mend(by_name(asked.name))
            mended = [asked.name] if asked.name else breaking.mend_all()
            say(f"mended: {', '.join(mended)}" if mended else "nothing is broken")
        case "off":
            hosts.kill_host(asked.host)
        case "on":
            hosts.boot_host(asked.host)
        case "ordinary" if asked.write:
            ordinary_page.publish()
        case "ordinary" if asked.leave:
            with machine.locked(places.LOCK, say):
                return _leave(asked, say)
        case _:
            with machine.locked(places.LOCK, say):
                return _prove(asked, say) if asked.command == "test-faults" else _try(asked, say)
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

    names = [name for name in asked.names if name]  # make says an empty word for none
    faults = tuple(find(name) for name in names) or Turn.read(asked.turn).of_faults(all_faults())
    if asked.turn and not names:
        say(f"turn {asked.turn}: {len(faults)} of {len(all_faults())} faults")
    for fault in faults:
        fault.declared(ids_of(fault))  # a header that names nothing is said before anything is broken
    _mended_whatever_comes()
    began, started = time.monotonic(), run.stamp()
    proofs: list[Proof] = []
    trouble = "was interrupted"
    path = REPORTS / "faults" / "matrix.json"
    try:
        run.prove(faults, proofs, say)
        trouble = run.whole_look(path.parent / "last-look")
    except VoxgateError as error:
        trouble = error.line
    finally:
        seconds = time.monotonic() - began
        made = matrix.document(proofs, started, seconds, trouble, matrix.earlier(path) if names or asked.turn else None)
        matrix.write(made, path)
    if made["whole"] and not trouble:
        matrix.publish(made)
    proved = sum(proof.proved for proof in proofs)
    say(f"{proved} of {len(faults)} faults proved in {seconds:.0f} s; {path}")
    return _ended(trouble, len(faults) - proved, say)


def _try(asked: argparse.Namespace, say: Callable[[str], None]) -> int:
    from lab.proving import run, trying  # noqa: PLC0415 - as above

    things = _things(asked)
    for thing in things:
        thing.declared(judged_ids(entries.lab_with([thing])))
    _mended_whatever_comes()
    began, started = time.monotonic(), run.stamp()
    trials: list[Trial] = []
    trouble = "was interrupted"
    path = REPORTS / "ordinary" / "matrix.json"
    try:
        trying.try_all(things, trials, say)
        trouble = ""
    except VoxgateError as error:
        trouble = error.line
    finally:
        seconds = time.monotonic() - began
        ordinary_page.write(trials, started, seconds, trouble, path)
    held = sum(trial.is_proved for trial in trials)
    say(f"{held} of {len(things)} ordinary things hold, in {seconds:.0f} s; {path}")
    return _ended(trouble, len(things) - held, say)


def _leave(asked: argparse.Namespace, say: Callable[[str], None]) -> int:
    from lab.proving import trying  # noqa: PLC0415 - as above

    cell.needed()
    there, lost = trying.put(max(trying.grouped(_things(asked)), key=len))
    for line in lost:
        say(line)
    say(f"{len(there)} ordinary things are in the lab; uv run lab mend")
    return 1 if lost else 0


def _things(asked: argparse.Namespace) -> tuple[Ordinary, ...]:
    names = [name for name in asked.names if name]
    return tuple(ordinary.find(name) for name in names) or tuple(Turn.read(asked.turn).of(ordinary.all_ordinary()))


def _mended_whatever_comes() -> None:
    """Also where a shell started us with Ctrl-C ignored: what was put on the lab is taken away."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupted)


def _ended(trouble: str, lost: int, say: Callable[[str], None]) -> int:
    if trouble:
        say(f"and then: {trouble}")
    return 1 if trouble or lost else 0
