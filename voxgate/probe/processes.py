"""Every process of the host."""

from __future__ import annotations

import os
import re
import time
from typing import Any, Iterator

from voxgate.probe.accounts import account
from voxgate.probe.base import Trouble
from voxgate.probe.cgroups import Cgroups, cgroup_lines, container_of, unit_of
from voxgate.probe.marks import Marks
from voxgate.probe.mounts import unhidden
from voxgate.probe.process_files import WORDS_READ, living
from voxgate.probe.reading import content, link_of
from voxgate.probe.turn import aside
from voxgate.probe.whose_code import code_run_by

KERNEL_THREAD = 0x00200000
PROCESSES_AT_MOST = 20_000
WORDS_SHOWN = 1 << 16
ARGUMENTS_AT_MOST = 64 * 1024 * 1024
EFFECTIVE = re.compile(rb"^Uid:\t\d+\t(\d+)", re.MULTILINE)
PASSES_AT_MOST = 200  # through /proc: the last is the one in which nothing is gone that was listed
PAUSE = 0.002  # seconds between two of them
OWN_PIDS = re.compile(rb"^NSpid:\t\d+\t", re.MULTILINE)  # a number in its own namespace behind ours
SUPERVISOR: list[int] = []  # the process that waits for this one


def processes(folders: frozenset[str] = frozenset()) -> list[dict[str, Any]]:
    """Every process but kernel threads and the dead, and which of these folders it runs code of. Raises Trouble if some are
    hidden from us, or go on as others before they can be looked at.
    """
    unhidden()
    cgroups, marks = Cgroups(), Marks(folders)
    booted = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
    found: list[dict[str, Any]] = []
    said = 0
    gone: set[str] = set()
    for pid in listed(gone):
        row = process_if_there(pid, cgroups, booted, marks)
        if row is None or link_of(f"/proc/{pid}/exe") is None:  # dead by now: what was read of it may be a part
            gone.add(pid)
        if row:
            found.append(row)
            said += sum(map(len, row["argv"]))
        if len(found) > PROCESSES_AT_MOST or said > ARGUMENTS_AT_MOST:
            raise Trouble("failed", f"over {PROCESSES_AT_MOST} processes, or {ARGUMENTS_AT_MOST} letters of arguments")
    seen = {row["pid"] for row in found}
    if not {1, os.getpid()} <= seen:
        raise Trouble("denied", "/proc hides processes from us (hidepid)")
    # What we start ourselves (git, uv, systemctl) comes and goes, and stands in the folders of services: it is left out.
    mine = descendants(found, {*(SUPERVISOR or [os.getpid()])}) - {os.getpid()}
    return [row for row in found if row["pid"] not in mine]


def listed(gone: set[str]) -> Iterator[str]:
    """The numbers of all processes, again and again, each once as long as it is there, until none is ``gone`` that was new in a
    pass: one that goes on in a child all the time, under another number, is found in a later one. Raises Trouble where that has
    no end.
    """
    known: set[str] = set()
    for _ in range(PASSES_AT_MOST):
        now = list(filter(str.isdigit, os.listdir("/proc")))
        gone.clear()
        yield from (pid for pid in now if pid not in known)
        if not gone:
            return
        known = set(now)
        with aside():
            time.sleep(PAUSE)
    raise Trouble("failed", "processes go on as others all the time, faster than they can be looked at (forkstat, execsnoop)")


def process_if_there(pid: str, cgroups: Cgroups, booted: float, marks: Marks | None = None) -> dict[str, Any] | None:
    """As ``process``, None also for one that ended while we looked. Raises Trouble for one that is there and cannot be read."""
    for _ in range(2):  # a number that is given to a new process right away is read the second time
        try:
            return process(pid, cgroups, booted, marks or Marks(frozenset()))
        except (FileNotFoundError, ProcessLookupError):
            try:
                os.kill(int(pid), 0)
            except ProcessLookupError:
                return None
            except PermissionError:
                continue
    raise Trouble("denied", f"process {pid} is there and cannot be read: something hides it")


def process(pid: str, cgroups: Cgroups, booted: float, marks: Marks) -> dict[str, Any] | None:
    """One process; None for a kernel thread or a dead one."""
    head, _, tail = content(f"/proc/{pid}/stat").rpartition(b")")
    fields = tail.split()
    if int(fields[6]) & KERNEL_THREAD or (fields[0] in {b"Z", b"X"} and int(fields[17]) <= 1):
        return None
    at, program = pid, link_of(f"/proc/{pid}/exe")
    if program is None:
        at = living(pid)
        program = link_of(f"/proc/{at}/exe")
    cwd = link_of(f"/proc/{at}/cwd")
    status = content(f"/proc/{at}/status")
    uid = int((EFFECTIVE.search(status) or [b"", b""])[1])
    with open(f"/proc/{at}/cmdline", "rb") as file:
        words = file.read(WORDS_SHOWN)
    argv = [os.fsdecode(part) for part in words.rstrip(b"\0").split(b"\0")[:64]]
    lines = cgroups.below_root(cgroup_lines(at))
    cgroup = lines.get(cgroups.hierarchy, "/")
    command = os.fsdecode(head.partition(b"(")[2])
    try:
        if len(words) == WORDS_SHOWN:
            words = content(f"/proc/{at}/cmdline", WORDS_READ)
        runs = code_run_by(at, uid, program or command, cwd or "", os.fsdecode(words.rstrip(b"\0")), marks)
    except Trouble:  # too much to be read: then it may run any, and the others are still seen
        runs = sorted(marks.folders)
    return {
        "pid": int(pid),
        "ppid": int(fields[1]),
        "uid": uid,
        "user": account(uid),
        "state": fields[0].decode(),
        "started": round(booted + int(fields[19]) / os.sysconf("SC_CLK_TCK"), 3),
        "command": command,
        "argv": argv if argv != [""] else [],
        "cgroup": cgroup,
        "unit": unit_of(cgroup),
        "container": container_of(lines),
        "own_pids": OWN_PIDS.search(status) is not None,
        "exe": None if program is None else marks.paths.told(at, program),
        "cwd": cwd,
        "runs": runs,
    }


def descendants(rows: list[dict[str, Any]], pids: set[int]) -> set[int]:
    """The processes themselves, their children, and theirs. Who is older than what has its parent's number now is none of its:
    the rows are not of one moment.
    """
    below: dict[int, list[int]] = {}
    began = {row["pid"]: row["started"] for row in rows}
    for row in rows:
        if began.get(row["ppid"], row["started"]) <= row["started"]:
            below.setdefault(row["ppid"], []).append(row["pid"])
    found, waiting = set(pids), list(pids)
    while waiting:
        more = [pid for pid in below.get(waiting.pop(), ()) if pid not in found]
        found.update(more)
        waiting += more
    return found
