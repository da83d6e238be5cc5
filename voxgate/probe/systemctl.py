"""What systemd says of its units."""

from __future__ import annotations

import re
import shlex
import threading
import time
from contextlib import suppress
from typing import Any, Callable, Iterable

from voxgate.probe.base import DEADLINE, Job, Trouble
from voxgate.probe.programs import last_words, run
from voxgate.probe.turn import aside

PROPERTIES = (
    "Id", "LoadState", "LoadError", "ActiveState", "SubState", "Result", "UnitFileState", "MainPID", "InvocationID",
    "NRestarts", "ExecMainStartTimestampMonotonic", "ActiveEnterTimestampMonotonic", "FragmentPath", "DropInPaths",
    "NeedDaemonReload", "Transient", "ControlGroup", "User", "Type", "Restart", "ExecStart", "ExecMainCode",
    "ExecMainStatus", "StateChangeTimestampMonotonic",
    "WorkingDirectory",
    "EnvironmentFiles", "Environment", "WantedBy", "RequiredBy", "TriggeredBy",
)  # fmt: skip
UNIT_COMMANDS = (
    "ExecStart",
    "ExecStartPre",
    "ExecStartPost",
    "ExecCondition",
    "ExecReload",
    "ExecStop",
    "ExecStopPost",
    "ExecStopPre",
)
DRAWS = ("Wants", "Requires", "BindsTo", "Upholds", "OnSuccess", "OnFailure")
ASKED_OF_UNITS = tuple(dict.fromkeys((*PROPERTIES, *UNIT_COMMANDS, *DRAWS, "Unit")))
NAME_OF_UNIT = re.compile(r"(?!-)[A-Za-z0-9:_.@\\-]{1,255}", re.ASCII)


def said(*argv: str) -> str:
    """What a program printed. Raises Trouble if it did not end with 0."""
    ended = run(list(argv), DEADLINE - 1)
    if ended.status != 0:
        raise Trouble("failed", f"{argv[0]} {argv[1]} ended with {ended.status}: {last_words(ended.err, 1)}")
    return ended.out


class Locked:
    """A lock that nobody waits for at his turn: its holder may wait for that."""

    def __init__(self) -> None:
        self.lock = threading.Lock()

    def __enter__(self) -> None:
        with aside():
            self.lock.acquire()

    def __exit__(self, *_: object) -> None:
        self.lock.release()


class Shown:
    """What systemd says of units, each asked about once a look, however many parts of it want to know: systemd is alone on its
    host, and an answer costs it milliseconds. So does each start of systemctl: ``ahead`` names what other parts are known to
    want, by what is listed, and that is asked along with what is wanted first.
    """

    def __init__(self, ahead: Callable[[list[list[str]]], Iterable[str]] | None = None) -> None:
        self.lock, self.listing = Locked(), Locked()
        self.known: dict[str, dict[str, str]] = {}
        self.ahead = ahead
        self.units: list[list[str]] | None = None

    def listed(self) -> list[list[str]]:
        """The services, timers and paths that systemd has loaded: of each its name, and whether it is loaded and active."""
        with self.listing:
            if self.units is None:
                kinds = "--type=service,timer,path"
                text = said("systemctl", "list-units", "--all", kinds, "--plain", "--full", "--no-legend", "--no-pager")
                self.units = [words for words in map(str.split, text.splitlines()) if len(words) > 2]
            return self.units

    def rows(self, names: Iterable[str]) -> list[dict[str, str]]:
        """All of ``ASKED_OF_UNITS`` that each unit has, in the order of the names; what can be no unit's name is left out."""
        wanted = unit_names(names)
        with self.lock:
            new = [name for name in wanted if name not in self.known]
            if new and self.ahead and not self.known:
                with suppress(Trouble):  # what only others want is no reason for this to fail
                    more = unit_names([*new, *self.ahead(self.listed())])
                    self.known.update(zip(more, shown_rows(more)))  # noqa: B905 - strict= is of Python 3.10
                    new = []
            if new:
                self.known.update(zip(new, shown_rows(new)))  # noqa: B905 - the same
            return [self.known[name] for name in wanted]


def unit_names(names: Iterable[str]) -> list[str]:
    """Those of these that a unit can have, each once."""
    return [name for name in dict.fromkeys(names) if NAME_OF_UNIT.fullmatch(name) and "@." not in name]


def shown_rows(names: list[str]) -> list[dict[str, str]]:
    """What ``systemctl show`` says of each of these units. A command of several lines stands there as it is, and a blank one of
    it looks like the end of what is said of its unit: such a unit is asked about alone. All that is said then is its own.
    """
    text = said("systemctl", "show", f"--property={','.join(ASKED_OF_UNITS)}", "--", *names)
    found = unit_rows(text)
    if len(found) == len(names):
        return found
    if len(names) == 1:
        return unit_rows("\n".join(filter(None, text.splitlines())))
    half = len(names) // 2
    return [*shown_rows(names[:half]), *shown_rows(names[half:])]


def unit_rows(text: str) -> list[dict[str, str]]:
    """Its blocks of ``key=value`` lines; a key that stands in two lines has a value of two lines. A command that has lines, blank
    ones too, is one value: it ends with a brace.
    """
    found: list[dict[str, str]] = [{}]
    lines = iter(text.strip().split("\n"))
    for line in lines:
        if not line:
            found.append({})
            continue
        key, _, value = line.partition("=")
        if key in UNIT_COMMANDS and value.startswith("{ "):
            parts = [value]
            while not parts[-1].endswith(" }") and (more := next(lines, None)) is not None:
                parts.append(more)
            value = " ".join(parts)
        row = found[-1]
        row[key] = f"{row[key]}\n{value}" if key in row else value
    return found


def without_values(unit: dict[str, str]) -> dict[str, str]:
    """What may be said of a unit: of its environment the names, of its commands path, arguments and pid."""
    found = {key: unit[key] for key in PROPERTIES if key in unit}
    if "Environment" in found:
        found["EnvironmentNames"] = "\n".join(
            " ".join(names_of_environment(text)) for text in found.pop("Environment").split("\n")
        )
    if "ExecStart" in found:
        found["ExecStart"] = "\n".join(command_shown(text) if text else "" for text in found["ExecStart"].split("\n"))
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


def environments(shown: Shown, spoken: Job) -> dict[str, str]:
    """What ``Environment=`` of each service says that the units tell of, as it is: for comparing only, never shown."""
    return {unit.get("Id", ""): unit.get("Environment", "") for unit in shown.rows(spoken.value())}


def changed_state(found: dict[str, Any], unit: str) -> float:
    """When systemd last saw a unit change its state, epoch seconds: a reload is such a change."""
    stamp = found.get(unit, {}).get("properties", {}).get("StateChangeTimestampMonotonic", "0")
    return time.time() - time.clock_gettime(time.CLOCK_MONOTONIC) + int(stamp) / 1e6 if stamp.isdigit() and int(stamp) else 0.0
