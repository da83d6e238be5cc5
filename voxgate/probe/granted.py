"""What the kernel grants a process, where that is less than a service gets that nobody limits."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from functools import lru_cache
from typing import Iterable, Iterator

from voxgate.probe.base import SHOWN
from voxgate.probe.boot import unit_text
from voxgate.probe.cgroups import CGROUPS, cgroup_lines
from voxgate.probe.dpkg import vouched_for
from voxgate.probe.limits import system_call
from voxgate.probe.process_files import threads_of
from voxgate.probe.reading import content
from voxgate.probe.text import files_in
from voxgate.probe.unit_folders import UNIT_FOLDERS, folders_beside

KEYS_OF_LIMITS = {
    "Max cpu time": "LimitCPU", "Max file size": "LimitFSIZE", "Max data size": "LimitDATA", "Max stack size": "LimitSTACK",
    "Max resident set": "LimitRSS", "Max processes": "LimitNPROC", "Max open files": "LimitNOFILE",
    "Max address space": "LimitAS", "Max file locks": "LimitLOCKS", "Max pending signals": "LimitSIGPENDING",
}  # fmt: skip
# Of these systemd itself has more than what it starts: by default that gets so much.
BY_DEFAULT = {"Max open files": 1024, "Max stack size": 8 * 1024 * 1024}
ROW_OF_LIMIT = re.compile(r"^(Max [a-z ]+?) {2,}(\S+) +(\S+)", re.MULTILINE)
SAID_OF_LIMITS = re.compile(
    r"^[ \t]*(Limit[A-Z]+|Nice|CPU\w+|IO\w+|OOMScoreAdjust|Memory\w+|TasksMax|Allowed\w+|StartupCPU\w+|StartupIO\w+|BlockIO\w+)"
    r"[ \t]*=[ \t]*(.*?)[ \t]*$", re.MULTILINE,
)  # fmt: skip
NO_LIMITS = re.compile(
    r"\w+Accounting|Memory(?:Min|Low|Pressure\w+|KSM|DenyWriteExecute|ZSwap\w+)|CPUQuotaPeriodSec|IODeviceLatency\w+"
)
IOPRIO_GET = {"x86_64": 252, "aarch64": 31, "armv7l": 315, "i686": 290, "ppc64le": 274, "s390x": 283, "riscv64": 31}
BEST_EFFORT, IDLE_CLASS, USUAL_PRIORITY = 2, 3, 4
BATCH_POLICY, IDLE_POLICY = 3, 5
USUAL_WEIGHT = 100
TASKS_AT_LEAST = 512
OF_CGROUPS = {
    "cpu.max": "CPUQuota", "cpu.weight": "CPUWeight", "cpu.idle": "CPUWeight", "memory.high": "MemoryHigh",
    "memory.max": "MemoryMax", "pids.max": "TasksMax", "io.max": "IO", "io.weight": "IOWeight", "cpuset.cpus": "AllowedCPUs",
    "cgroup.freeze": "",
}  # fmt: skip


def less_than_usual(pid: str, cgroup: str, files: Iterable[str]) -> list[str]:
    """What a process is granted that is less than usual, each with what it has: limits of the kernel, share of the processors, of
    the disks and of the memory, by itself or by any cgroup that it is in. What the unit's own ``files`` say of it is usual. Of
    slices what lies on the disk counts, too: systemd tells the kernel what it can, and the rest waits.
    """
    said = {key: value for path in files for key, value in SAID_OF_LIMITS.findall(unit_text(path))}
    found = [*of_limits(pid, said), *of_threads(pid, said), *of_process(pid, said), *of_cgroups(pid, cgroup, said)]
    for slice_name in slices_of(cgroup):
        found += of_slice(slice_name)
    return found[:SHOWN]


@lru_cache(maxsize=None)
def usual_limits() -> dict[str, float]:
    """The limits that a service has which nobody limits: those of process 1, but where it gave itself more."""
    return {**limits_of("1"), **{name: min(limits_of("1").get(name, value), value) for name, value in BY_DEFAULT.items()}}


def limits_of(pid: str, *, hard: bool = False) -> dict[str, float]:
    """The soft limits of a process, or the hard ones."""
    rows = ROW_OF_LIMIT.findall(content(f"/proc/{pid}/limits").decode("ascii", "replace"))
    return {row[0]: float("inf") if row[1 + hard] == "unlimited" else float(row[1 + hard]) for row in rows}


def amount(value: float) -> str:
    """A limit in words."""
    return "unlimited" if value == float("inf") else f"{value:.0f}"


def of_limits(pid: str, said: dict[str, str]) -> Iterator[str]:
    """The limits of a process that are below what it should have."""
    mine, most = limits_of(pid), limits_of("1", hard=True)  # where the host is a container, it cannot give more
    for name, usual in usual_limits().items():
        if name not in KEYS_OF_LIMITS or name not in mine:
            continue
        wanted = usual
        if KEYS_OF_LIMITS[name] in said:
            soft = said[KEYS_OF_LIMITS[name]].partition(":")[0]
            wanted = float("inf") if soft == "infinity" else float(soft) if soft.isdigit() else 0.0
        wanted = min(wanted, most.get(name, wanted))
        if mine[name] < wanted:
            yield f"{name[4:]} {amount(mine[name])}, not {amount(wanted)}"


def of_threads(pid: str, said: dict[str, str]) -> Iterator[str]:
    """How its threads are scheduled, where that is behind all others."""
    with suppress(FileNotFoundError, ProcessLookupError):
        names = threads_of(pid)
        nice, idle = 0, 0
        for name in names:
            with suppress(FileNotFoundError, ProcessLookupError):
                row = content(f"/proc/{pid}/task/{name}/stat").rpartition(b")")[2].split()
                nice, idle = max(nice, int(row[16])), idle + (int(row[38]) in {BATCH_POLICY, IDLE_POLICY})
        if nice > 0 and said.get("Nice") != str(nice):
            yield f"nice {nice}"
        if idle and not said.get("CPUSchedulingPolicy"):
            yield f"{idle} of {len(names)} threads run only when no other wants to (SCHED_IDLE, SCHED_BATCH)"


def of_process(pid: str, said: dict[str, str]) -> Iterator[str]:
    """Its processors, its turn at the disks, and how soon it is killed for memory."""
    with suppress(OSError):
        usual, mine = os.sched_getaffinity(1), os.sched_getaffinity(int(pid))
        if mine < usual and not {"CPUAffinity", "AllowedCPUs"} & said.keys():
            yield f"{len(mine)} of {len(usual)} processors"
    with suppress(OSError):
        turn = system_call(IOPRIO_GET.get(os.uname().machine, -1), 1, int(pid))
        kind, level = turn >> 13, turn & 7
        if turn >= 0 and not {"IOSchedulingClass", "IOSchedulingPriority", "Nice", "CPUSchedulingPolicy"} & said.keys():
            if kind == IDLE_CLASS:
                yield "disks only when no other wants them (ionice idle)"
            elif kind == BEST_EFFORT and level > USUAL_PRIORITY:
                yield f"disks after the others (ionice {level})"
    with suppress(FileNotFoundError, ProcessLookupError):
        score = int(content(f"/proc/{pid}/oom_score_adj"))
        if score > 0 and said.get("OOMScoreAdjust") != str(score):
            yield f"killed for memory before others (oom_score_adj {score})"


def of_cgroups(pid: str, cgroup: str, said: dict[str, str]) -> Iterator[str]:
    """What its cgroups have, from its unit's up to the host's own root, which whoever runs the host limits."""
    with suppress(FileNotFoundError, ProcessLookupError):
        whole = cgroup_lines(pid).get("", "")
        if not whole.endswith(cgroup):
            return  # systemd keeps another hierarchy here
        top = f"{CGROUPS}{whole[: len(whole) - len(cgroup)]}"
        own = True
        while cgroup.strip("/"):
            for name, key in OF_CGROUPS.items():
                if own and key and any(one.startswith(key) for one in said):
                    continue
                with suppress(OSError):
                    value = content(f"{top}{cgroup}/{name}").decode("ascii", "replace").strip()
                    if is_limit(name, value):
                        yield f"{name} of {cgroup.rpartition('/')[2]} is {' '.join(value.split())[:80]}"
            cgroup, own = cgroup.rpartition("/")[0], False


def is_limit(name: str, value: str) -> bool:
    """True where a file of a cgroup's says less than what it says where nobody limits."""
    first = value.split()[-1 if name == "io.weight" else 0] if value.split() else ""
    if name in {"cpu.weight", "io.weight"}:
        return first.isdigit() and int(first) < USUAL_WEIGHT
    if name == "pids.max":
        return first.isdigit() and int(first) < TASKS_AT_LEAST
    if name in {"cpu.idle", "cgroup.freeze"}:
        return first == "1"
    return bool(first) and first != "max"


def slices_of(cgroup: str) -> list[str]:
    """The slices that a cgroup lies in, the root's too."""
    return ["-.slice", *(part for part in cgroup.split("/") if part.endswith(".slice"))]


@lru_cache(maxsize=None)
def of_slice(name: str) -> tuple[str, ...]:
    """What the unit files of a slice limit that no package brought, each with its file."""
    found = []
    for folder in dict.fromkeys(os.path.realpath(path) for path in UNIT_FOLDERS):
        paths = [f"{folder}/{name}"] if os.path.lexists(f"{folder}/{name}") else []
        paths += [path for one in folders_beside(name) for path in files_in(f"{folder}/{one}.d") if path.endswith(".conf")]
        for path in paths:
            rows = [f"{key}={value}" for key, value in SAID_OF_LIMITS.findall(unit_text(path)) if is_limited(key, value)]
            if rows and path not in vouched_for({path}):
                found.append(f"{', '.join(rows)[:80]} of {name} in {path}")
    return tuple(found)


def is_limited(key: str, value: str) -> bool:
    """True for a row of a slice's file that takes something away."""
    if NO_LIMITS.fullmatch(key) or value in {"", "infinity", "100%"}:
        return False
    if key.endswith("Weight"):
        return value == "idle" or (value.isdigit() and int(value) < USUAL_WEIGHT)
    return True
