"""The command `lab`: up, down, status, ssh, exec, run; break, mend, faults, test-faults, ordinary."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time

from lab import cell, estate, hosts, machine, places, raising
from lab.proving import commands as proving
from voxgate.errors import VoxgateError, visible

EXIT_ERROR = 1
EXIT_OFF = 3
_CALLED = {"apart": ["run", "--isolated"], "prove": ["test-faults"]}
"""How commands were called before, and now; the old names go with the first release."""


def main(argv: list[str] | None = None) -> int:
    """Run one command; an error is a line and a hint on stderr and exit status 1."""
    words = sys.argv[1:] if argv is None else argv
    if words and (now := _CALLED.get(words[0])):
        print(f"lab: `lab {words[0]}` is called `lab {' '.join(now)}` now", file=sys.stderr)  # noqa: T201
        words = [*now, *words[1:]]
    asked = _parser().parse_args(words)
    try:
        return _do(asked, words)
    except VoxgateError as error:
        print(f"lab: {error.text}", file=sys.stderr)  # noqa: T201
        return EXIT_ERROR
    except BrokenPipeError:  # whoever listened has heard enough: `lab status | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        print("lab: interrupted; the next `lab up` or `lab down` cleans up", file=sys.stderr)  # noqa: T201
        return 128 + signal.SIGINT


def _do(asked: argparse.Namespace, words: list[str]) -> int:
    match asked.command:
        case "up":
            machine.become_root(words)
            raising.up(Progress())
        case "down":
            machine.become_root(words)
            raising.down(Progress())
        case "status":
            return _status(quiet=asked.quiet)
        case "break" | "mend" | "faults" | "test-faults" | "ordinary" | "off" | "on":
            if asked.command != "faults" and not getattr(asked, "write", False):
                machine.become_root(words)
            return proving.do(asked, Progress())
        case "run":
            machine.become_root(words)
            _become(*_isolated(asked.isolated, asked.words))
        case "ssh":
            _become(_ssh(estate.host(asked.host), asked.words))
        case _:
            cell.needed()
            _become(hosts.entered(asked.host, asked.words or ["bash", "-l"]), hosts.ENVIRONMENT)
    return 0


class Progress:
    """Says what is being done, with the seconds since the start."""

    def __init__(self) -> None:
        self._start = time.monotonic()

    def __call__(self, line: str) -> None:
        """Say one line."""
        print(f"lab {time.monotonic() - self._start:6.1f} s  {visible(line)}", flush=True)  # noqa: T201


def _status(*, quiet: bool) -> int:
    """Say which hosts are on, and if they can be reached from here: else it is an error. ``quiet``: only that there is a
    lab in this network, without a word where there is.
    """
    running = cell.current()
    if quiet:
        cell.needed()
        cell.must_be_alone()
        return 0
    if running is None:
        print("lab: down")  # noqa: T201
        return EXIT_OFF
    print(f"lab: {'up' if running.ready else 'half up'}, recipe {running.fingerprint}")  # noqa: T201
    silent = []
    for host in estate.hosts():
        state = "on" if hosts.leader(host.name) else "off"
        if state == "on" and not raising.answers(host):
            state = "mute"
            silent.append(host.name)
        print(f"  {host.name:8} {host.address:15} {host.role:6} {state:4} {' '.join(host.units)}")  # noqa: T201
    cell.must_be_alone()
    if silent:
        why = "they are on, and nothing answers at port 22 of their addresses"
        raise VoxgateError("cannot be reached from here", where=", ".join(silent), why=why, hint="uv run lab down, then up")
    return 0


def _ssh(host: estate.Host, words: list[str]) -> list[str]:
    said = {
        "IdentityFile": places.identity(),
        "UserKnownHostsFile": places.known_hosts(),
        "IdentitiesOnly": "yes",
        "StrictHostKeyChecking": "yes",
        "LogLevel": "ERROR",
    }
    options = [word for name, value in said.items() for word in ("-o", f"{name}={value}")]
    return ["ssh", "-F", "none", *options, f"deploy@{host.address}", *words]


# The lab's addresses are fixed, so a second one needs a network of its own, and so does whoever works with it. Its forge has
# another history under the same name: a gate's mirrors of it are of no use to another lab's gate, which may fetch meanwhile.
_ISOLATED = """ip link set lo up && mkdir -p "$MIRRORS" && mount -t tmpfs -o mode=700 mirrors "$MIRRORS" || exit
trap : INT TERM
"$@"
ended=$?
trap '' INT TERM
"$0" -m lab.cli down
exit $ended"""


def _isolated(name: str, words: list[str]) -> tuple[list[str], dict[str, str]]:
    """A command beside a lab of its own, which is taken down after it; what it needs of the lab it raises itself."""
    if not name.isalnum():
        raise VoxgateError("a lab's name is letters and digits", where=repr(name))
    if not words:
        raise VoxgateError("no command", where=f"lab run --isolated {name}", hint="lab run --isolated NAME make faults")
    mirrors = str(places.cache().parent / "mirrors")
    command = ["unshare", "--net", "--mount", "sh", "-c", _ISOLATED, sys.executable, *words]
    return command, {"VOXGATE_LAB": name, "MIRRORS": mirrors}


def _become(words: list[str], env: dict[str, str] | None = None) -> None:
    sys.stdout.flush()
    os.execvpe(words[0], words, {**os.environ, **(env or {})})  # noqa: S606


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="lab", description="The embedded estate: real systemd hosts on this machine.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("up", help="build what is missing and boot all hosts; harmless when it is up")
    commands.add_parser("down", help="take it down: no process, mount, interface or cgroup is left")
    one = commands.add_parser("status", help="which hosts are on, and if they can be reached from here")
    one.add_argument("--quiet", action="store_true", help="say only that there is none in this network")
    for name, about in (
        ("ssh", "log in as deploy, or run a command"),
        ("exec", "a root shell inside a host, or a command"),
    ):
        one = commands.add_parser(name, help=about)
        one.add_argument("host", metavar="HOST")
        one.add_argument("words", nargs=argparse.REMAINDER, metavar="CMD")
    one = commands.add_parser("run", help="run a command with a second lab; then take that down")
    one.add_argument("--isolated", metavar="NAME", required=True, help="its name: it has a network namespace of its own")
    one.add_argument("words", nargs=argparse.REMAINDER, metavar="CMD")
    proving.add_parsers(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
