"""The cell: mount, PID and network namespaces in which the whole lab lives, and the cable from it to the machine."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from lab import cgroup, estate, places
from lab.commands import last_line, run, until
from voxgate.errors import VoxgateError

CABLE = "voxgate-lab"  # the machine's end of it


@dataclass(frozen=True, slots=True)
class Cell:
    """A running cell: the PID of its first process, and what it was built from."""

    pid: int
    started: int  # ticks since boot: tells the process from a later one with its number
    fingerprint: str
    cache: str
    ready: bool = False
    network: int = 0  # the network namespace that its cable leads to; 0: one of an older lab, nobody knows

    @property
    def root(self) -> Path:
        """The cell's file tree as seen from the machine."""
        return Path(f"/proc/{self.pid}/root")

    @property
    def alive(self) -> bool:
        """Whether the recorded process is still that process."""
        return start_ticks(self.pid) == self.started

    def tree(self, host: str) -> Path:
        """A host's file tree as seen from the machine."""
        return self.root / str(places.CELL_HOSTS / host / "root").lstrip("/")

    def inside(self, *argv: str) -> list[str]:
        """The command that runs `argv` in the cell."""
        return ["nsenter", f"--target={self.pid}", "--mount", "--net", "--pid", "--", *argv]

    def save(self) -> None:
        """Record it, so that other commands and a later `up` find it."""
        draft = places.STATE.with_suffix(".new")
        draft.write_text(json.dumps(asdict(self)))
        draft.replace(places.STATE)


def start_ticks(pid: int) -> int:
    """When the process started, in ticks since boot; -1 where there is none."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
    except (OSError, IndexError, ValueError):
        return -1


def current() -> Cell | None:
    """The lab that runs on this machine, if one does."""
    return _recorded(places.STATE)


def _recorded(state: Path) -> Cell | None:
    """The lab that this file is about, if it runs."""
    try:
        said = json.loads(state.read_text())
        found = Cell(**said)
    except (OSError, ValueError, TypeError):
        return None
    return found if found.alive else None


def network() -> int:
    """The network namespace that we are in."""
    return Path("/proc/self/ns/net").stat().st_ino


def in_the_way() -> str:
    """The name of another lab that is up in this network, as VOXGATE_LAB says it; nothing where there is none."""
    for state in sorted(places.RUN.parent.glob("voxgate-lab*/state.json")):
        if state != places.STATE and (other := _recorded(state)) and other.network == network():
            return state.parent.name.removeprefix("voxgate-lab").removeprefix("-") or "the plain one"
    return ""


def must_be_alone() -> None:
    """A lab's addresses are fixed, so a second one in the same network would take the first one's cable. And a lab that is up in
    another network cannot be reached from here.
    """
    if other := in_the_way():
        raise VoxgateError(
            "another lab is up in this network",
            where=f"lab {other}",
            hint="uv run lab run --isolated NAME CMD gives a second one a network of its own; or take the first one down",
        )
    running = current()
    if running and running.network not in {0, network()}:
        raise VoxgateError(
            "it is up in another network namespace, so nothing of it can be reached from here",
            where="lab",
            hint="work where it was raised (lab run --isolated, ip netns exec); or uv run lab down, and up here",
        )


def needed() -> Cell:
    """The lab that runs; none is an error."""
    found = current()
    if found is None:
        raise VoxgateError("the lab is not up", where="lab", hint="make gate builds and boots it; or make lab-up")
    return found


def start(fingerprint: str) -> Cell:
    """Start the cell and connect it to the machine."""
    _refuse_foreign_route()
    argv = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child=KILL", "--propagation=private"]
    argv += [sys.executable, "-I", "-S", str(places.ROOT / "lab" / "warden.py")]
    log = places.log("cell")
    with log.open("wb") as sink:
        warden = subprocess.Popen(
            cgroup.joined("cell", argv),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=sink,
            start_new_session=True,
            cwd="/",
        )
    pid = _answer(warden, log)
    cell = Cell(pid, start_ticks(pid), fingerprint, str(places.cache()), network=network())
    cell.save()
    _connect(cell)
    return cell


def stop(*, reaped: float = 0) -> None:
    """Take the lab down: every process, mount, interface and cgroup of it, whatever state it is in."""
    with suppress(FileNotFoundError):
        places.STATE.unlink()
    cgroup.remove(reaped=reaped)
    if in_the_way():
        return  # the cable is the other lab's
    if _is_cabled():
        with suppress(VoxgateError):  # the kernel may be just removing it
            run(["ip", "link", "delete", CABLE])
    until(lambda: not _is_cabled(), deadline=10, where=CABLE, what="the interface does not go away")


def _answer(warden: subprocess.Popen[bytes], log: Path) -> int:
    """The PID the warden says when the cell stands."""
    if warden.stdout is None:
        raise AssertionError
    with warden.stdout as pipe:
        readable, _, _ = select.select([pipe], [], [], 20)
        said = pipe.readline() if readable else b""
    if not said.strip().isdigit():
        raise VoxgateError(
            "the lab's namespaces cannot be made",
            where="unshare",
            why=last_line(log.read_text(errors="replace")),
            hint="the lab needs root with CAP_SYS_ADMIN and CAP_NET_ADMIN (a container: --privileged); "
            "`--evidence DIR` and real estates work without it",
        )
    return int(said)


def _is_cabled() -> bool:
    # Not /sys/class/net: that shows the network namespace of whoever mounted it, which need not be ours.
    return any(line.split(":")[0].strip() == CABLE for line in Path("/proc/net/dev").read_text().splitlines())


def _connect(cell: Cell) -> None:
    """A cable from the machine to the cell's bridge, with the machine's address on it."""
    six = Path("/proc/net/if_inet6").exists()
    mine = [f"address add {estate.NETWORK}.{estate.GATE}/24 dev {CABLE}"]
    if six:
        mine.append(f"address add {estate.NETWORK6}{estate.GATE}/64 dev {CABLE} nodad")
    mine.append(f"link set {CABLE} up")
    run(["ip", "link", "add", CABLE, "type", "veth", "peer", "name", "machine", "netns", str(cell.pid)])
    run(cell.inside("ip", "link", "set", "machine", "master", "lab", "up"))
    run(["ip", "-batch", "-"], stdin="\n".join(mine) + "\n")


def _refuse_foreign_route() -> None:
    for line in run(["ip", "-4", "route", "show", "root", f"{estate.NETWORK}.0/24"]).splitlines():
        raise VoxgateError(
            f"{estate.NETWORK}.0/24 is routed already",
            where="this machine's network",
            why=line.strip(),
            hint="the lab's hosts have addresses there: remove that route",
        )


def daemonised(group: str, argv: list[str], log: Path, env: dict[str, str]) -> None:
    """Start `argv` in the group, in a session of its own, holding nothing of the caller."""
    with log.open("ab") as sink:
        subprocess.Popen(
            cgroup.joined(group, argv),
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=sink,
            start_new_session=True,
            cwd="/",
            env={**os.environ, **env},
        )
