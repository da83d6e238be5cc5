"""The lab's own cgroup: every process of the lab is in it, so nothing of the lab can be lost or left behind.

On a machine with cgroup v1 or hybrid only the named systemd hierarchy and the unified one are used: these are what a
booted host needs. On pure v2 there is one tree; controllers are handed down where the machine allows it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

from lab import places
from lab.commands import until
from voxgate.errors import VoxgateError

NAME = places.NAME
MOUNT = Path("/sys/fs/cgroup")
ENTER = 'for f in $1; do echo $$ > "$f" || exit 1; done; shift; exec "$@"'


def trees() -> list[Path]:
    """The roots of the hierarchies in use."""
    if (MOUNT / "cgroup.controllers").exists():
        return [MOUNT]
    return [tree for tree in (MOUNT / "systemd", MOUNT / "unified") if tree.is_dir()]


def make(group: str) -> list[Path]:
    """Make the group and return the files a process writes itself into to join it."""
    found = trees()
    if not found:
        raise VoxgateError("no cgroup file system", where=str(MOUNT), hint="the lab needs cgroup v2 or hybrid")
    for tree in found:
        try:
            (tree / NAME).mkdir(exist_ok=True)
            _hand_down(tree)
            _hand_down(tree / NAME)
            (tree / NAME / group).mkdir(exist_ok=True)
        except OSError as denied:
            raise VoxgateError(
                "cannot make the lab's cgroup",
                where=str(tree),
                why=str(denied.strerror),
                hint="the lab needs root and a writable cgroup file system (a container: --privileged)",
            ) from denied
    return [tree / NAME / group / "cgroup.procs" for tree in found]


def joined(group: str, argv: list[str]) -> list[str]:
    """The command that joins the group first and is `argv` then."""
    return ["/bin/sh", "-c", ENTER, "sh", " ".join(str(file) for file in make(group)), *argv]


def processes(group: str = "") -> set[int]:
    """The processes in the group and all below it."""
    found: set[int] = set()
    for tree in trees():
        for folder, _, _ in os.walk(tree / NAME / group):
            with contextlib.suppress(OSError):
                found.update(int(line) for line in (Path(folder) / "cgroup.procs").read_text().split())
    return found


def remove(group: str = "", *, reaped: float = 0, deadline: float = 60) -> None:
    """Kill every process of the group and remove its folders; return when the processes are gone, not only killed.

    The machine's first process gets `reaped` seconds to take their exits: some look for these every few seconds only.
    """
    seen: set[int] = set()
    patience = time.monotonic() + reaped

    def gone() -> bool:
        alive = processes(group)
        seen.update(alive)
        for pid in alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return (
            not alive
            and not _dying(seen, patient=time.monotonic() < patience)
            and all(_removed(tree / NAME / group) for tree in trees())
        )

    until(gone, deadline=deadline, where=f"cgroup {NAME}/{group}".rstrip("/"), what="processes do not end")


def _dying(killed: set[int], *, patient: bool) -> bool:
    """Whether some of them are still there.

    One that only waits for its parent to notice counts while we are `patient`; a child of ours never does.
    """
    for pid in killed:
        with contextlib.suppress(OSError, ValueError):
            state, parent = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:2]
            if state != "Z" or int(parent) in killed or (patient and int(parent) != os.getpid()):
                return True
    return False


def _removed(top: Path) -> bool:
    for folder, _, _ in os.walk(top, topdown=False):
        try:
            Path(folder).rmdir()
        except FileNotFoundError:
            continue
        except OSError:
            return False
    return True


def _hand_down(folder: Path) -> None:
    """Let the groups below have the controllers; where the machine keeps them, the lab lives without."""
    listed = folder / "cgroup.controllers"
    if not listed.exists():
        return
    for controller in listed.read_text().split():
        with contextlib.suppress(OSError):
            (folder / "cgroup.subtree_control").write_text(f"+{controller}")
