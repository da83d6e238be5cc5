"""What systemd says of its units."""

from __future__ import annotations

import re
import shlex
import time
from typing import Any

from voxgate.probe.base import DEADLINE, Trouble
from voxgate.probe.programs import last_words, run

PROPERTIES = (
    "Id", "LoadState", "LoadError", "ActiveState", "SubState", "Result", "UnitFileState", "MainPID", "InvocationID",
    "NRestarts", "ExecMainStartTimestampMonotonic", "ActiveEnterTimestampMonotonic", "FragmentPath", "DropInPaths",
    "NeedDaemonReload", "Transient", "ControlGroup", "User", "Type", "Restart", "ExecStart", "ExecMainCode",
    "ExecMainStatus", "StateChangeTimestampMonotonic",
    "WorkingDirectory",
    "EnvironmentFiles", "Environment", "WantedBy", "RequiredBy", "TriggeredBy",
)  # fmt: skip


def said(*argv: str) -> str:
    """What a program printed. Raises Trouble if it did not end with 0."""
    ended = run(list(argv), DEADLINE - 1)
    if ended.status != 0:
        raise Trouble("failed", f"{argv[0]} {argv[1]} ended with {ended.status}: {last_words(ended.err, 1)}")
    return ended.out


def unit_properties(block: str) -> dict[str, str]:
    """One unit's ``key=value`` lines. Of the environment only the names; of commands path, arguments and pid."""
    found: dict[str, str] = {}
    for line in block.splitlines():
        key, _, value = line.partition("=")
        if key == "Environment":
            key, value = "EnvironmentNames", " ".join(names_of_environment(value))
        elif key == "ExecStart":
            value = command_shown(value) if value else ""
        found[key] = f"{found[key]}\n{value}" if key in found else value
    return found


def command_shown(value: str) -> str:
    """A command as ``systemctl show`` has it, without its times; ``[unread]`` for what is of another form."""
    path, _, rest = value.partition("path=")[2].partition(" ; argv[]=")
    argv, _, rest = rest.partition(" ; ignore_errors=")
    pid, mark, _ = rest.rpartition(" ; pid=")[2].partition(" ;")
    return f"{{ path={path} ; argv[]={argv} ; pid={pid} }}" if mark and re.fullmatch(r"[0-9]{1,20}", pid) else "[unread]"


def names_of_environment(value: str) -> list[str]:
    """The names set by ``Environment=``; never a value."""
    try:
        return [part.partition("=")[0] for part in shlex.split(value) if "=" in part]
    except ValueError:
        return ["[unread]"]


def environments() -> dict[str, str]:
    """What ``Environment=`` of each loaded service says, as it is: for comparing only, never shown."""
    text = said("systemctl", "show", "--property=Id,Environment", "--", "*.service")
    blocks = [dict(line.partition("=")[::2] for line in block.splitlines()) for block in text.strip().split("\n\n")]
    return {block.get("Id", ""): block.get("Environment", "") for block in blocks}


def blocks_of(properties: str, names: list[str]) -> list[dict[str, str]]:
    """``systemctl show`` of units, one dictionary for each."""
    text = said("systemctl", "show", f"--property={properties}", "--", *names)
    found = []
    for block in text.strip().split("\n\n"):
        row: dict[str, str] = {}
        for line in block.splitlines():
            key, _, value = line.partition("=")
            row[key] = f"{row[key]}\n{value}" if key in row else value
        found.append(row)
    return found


def changed_state(shown: dict[str, Any], unit: str) -> float:
    """When systemd last saw a unit change its state, epoch seconds: a reload is such a change."""
    stamp = shown.get(unit, {}).get("properties", {}).get("StateChangeTimestampMonotonic", "0")
    return time.time() - time.clock_gettime(time.CLOCK_MONOTONIC) + int(stamp) / 1e6 if stamp.isdigit() and int(stamp) else 0.0
