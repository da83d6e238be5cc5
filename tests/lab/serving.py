"""Who serves: the page, the backend, each worker, the fleet through HAProxy and the dialler's ticks, asked all the time.

A gate may take away what it works on, and nothing else. So beside a run each of them is asked a few times a second, by another
way than the gate's; what was not restarted must have answered each time. Numbers of each run: ``reports/drills/serving.json``.
"""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pymongo

import lab
from lab import hosts
from tests.lab.noting import note
from voxgate.contracts.estates import load_estate
from voxgate.model.estate import Placement

ESTATE = load_estate("lab")
DATABASE = "mongodb://198.51.100.11:27017/vox"
RESULT = Path(__file__).resolve().parents[2] / "reports" / "drills" / "serving.json"
EVERY = 0.6  # seconds between two questions to one: a worker that is restarted is away for longer
EVERY_OF_PAGE = 0.25  # the same to the page: it costs nginx nothing, and may be away for a moment
PATIENCE = 15.0  # seconds: the machine may be slow, and slow is not away
_WORDS = 500  # bytes of an answer that is not good
TICKS = 10.0  # seconds between two ticks of a dialler that nobody touched: it ticks once a second
PAGE, PROXY = "page", "fleet by HAProxy"
BESIDE = {"api-1": ("nginx.service", "haproxy.service")}
"""Units that the gate never restarts, and that the questions go through."""


def state_file(placement: Placement, name: str) -> str:
    """A state file of the gate's, read through the machine: no SSH, no process. Empty where there is none."""
    path = f"/proc/{hosts.leader(placement.host.name)}/root/var/lib/voxgate/{placement.service.name}/{name}"
    with suppress(OSError):
        return Path(path).read_text()
    return ""


def running() -> dict[str, str]:
    """Main process and invocation of every unit that the gate may restart, as systemd says them: by another way than its own."""
    return {key: said for key, said in _invocations().items() if key.split()[1] not in BESIDE.get(key.split()[0], ())}


def restarted(before: Mapping[str, str]) -> list[str]:
    """Units that are not the very processes of ``before``."""
    return [f"{unit} was restarted" for unit, said in running().items() if before[unit] != said]


def _invocations() -> dict[str, str]:
    """The same, with those of ``BESIDE``: ``host unit`` to ``pid invocation``. Nothing of a host that is off."""
    units: dict[str, list[str]] = {name: list(beside) for name, beside in BESIDE.items()}
    for placement in ESTATE.placements:
        units.setdefault(placement.host.name, []).extend(placement.units)
    shown = {}
    for host, names in units.items():
        if hosts.leader(host) is not None:
            said = lab.exec(host, ["systemctl", "show", "-p", "Id", "-p", "MainPID", "-p", "InvocationID", *names]).stdout
            for block in said.split("\n\n"):
                told = dict(line.split("=", 1) for line in block.split())
                shown[f"{host} {told['Id']}"] = f"{told['MainPID']} {told['InvocationID']}"
    return shown


def _subjects() -> dict[str, tuple[str, int, str]]:
    """Whom to ask: by the name of its unit, its address, port and path."""
    found = {}
    for unit in ESTATE.placed_units:
        health = unit.service.health
        if health is not None and unit.service.name in {"backend", "fleet"}:
            found[f"{unit.host.name} {unit.unit}"] = (unit.host.address, unit.port_of(health), health.path)
    api = ESTATE.host("api-1").address
    return {**found, PAGE: (api, 80, "/"), PROXY: (api, 8100, "/health")}


class Serving:
    """Beside a run: ``with Serving("name") as serving: ...``, then ``serving.flaws()``."""

    def __init__(self, name: str) -> None:
        """Nothing is asked yet."""
        self._name = name
        self._stop = threading.Event()
        self._asked: dict[str, list[tuple[float, str]]] = {}
        self._threads = [threading.Thread(target=self._ask, args=one, daemon=True) for one in _subjects().items()]

    def __enter__(self) -> Self:
        """Begin to ask."""
        self._since = datetime.now(UTC)
        self._before, self._journals = _invocations(), _journals()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Ask no more."""
        self._stop.set()
        for thread in self._threads:
            thread.join(PATIENCE + 5)

    def _ask(self, subject: str, where: tuple[str, int, str]) -> None:
        asked, every = self._asked.setdefault(subject, []), EVERY_OF_PAGE if subject == PAGE else EVERY
        while not self._stop.is_set():
            began = time.monotonic()
            asked.append((began, _trouble(*where)))
            self._stop.wait(max(0.0, began + every - time.monotonic()))

    def flaws(self) -> list[str]:
        """What went away though nobody touched it, until now; the numbers are written down.

        Touched is a unit that is another process than before, and what is behind it. A unit that the gate's journal says nothing
        new about must be the very process that it was, unless its host was booted.
        """
        now, journals = _invocations(), _journals()
        same = {key for key, said in self._before.items() if now.get(key) == said}
        away = {key: round(gap, 2) for key, asked in sorted(self._asked.items()) if (gap := _longest(asked))}
        ways = {f"{host} {unit}" for host, units in BESIDE.items() for unit in units}
        workers = {key for key in now if "voxcore@" in key}
        untouched = same | ({PAGE} if ways <= same else set()) | ({PROXY} if ways | workers <= same else set())
        gone = sorted(untouched & set(away))
        flaws = [f"{key} was not touched, and away for {away[key]} s: {self._words(key)}" for key in gone]
        gaps = _between_ticks(self._since)
        dialler = next(key for key in now if "voxdialler" in key)
        pid = now[dialler].split()[0]
        if dialler in same and gaps.get(pid, 0.0) > TICKS:
            flaws.append(f"{dialler} was not touched, and did not tick for {gaps[pid]:.1f} s")
        other = sorted(set(self._before) - same)
        flaws += [f"{key} was restarted, and nothing was deployed there" for key in other if self._is_let_be(key, journals)]
        counts = {key: len(asked) for key, asked in sorted(self._asked.items())}
        said = {"name": self._name, "asked": counts, "away": away, "restarted": other, "ticks": gaps, "flaws": flaws}
        note(RESULT, "runs", said)
        return flaws

    def _words(self, subject: str) -> str:
        return next(trouble for _, trouble in self._asked[subject] if trouble)

    def _is_let_be(self, key: str, journals: Mapping[str, str]) -> bool:
        """True where the gate had nothing to do with a unit: its journal is as it was, and its host was not booted."""
        host, unit = key.split()
        mine = [one.id for one in ESTATE.placements if one.host.name == host and unit in one.units]
        booted = self._journals[f"boot {host}"] != journals[f"boot {host}"]
        return bool(mine) and not booted and all(self._journals[one] == journals[one] for one in mine)


def _journals() -> dict[str, str]:
    """Each placement's journal, and each host's boot."""
    said = {f"boot {host.name}": "" for host in ESTATE.hosts}
    for host in ESTATE.hosts:
        with suppress(OSError):  # it is off
            first = Path(f"/proc/{hosts.leader(host.name)}/stat").read_text()
            said[f"boot {host.name}"] = first.rpartition(")")[2].split()[19]
    return {**said, **{one.id: state_file(one, "journal.json") for one in ESTATE.placements}}


def _trouble(address: str, port: int, path: str) -> str:
    """Why there is no 200, empty where there is one. A connection of its own for each question."""
    connection = http.client.HTTPConnection(address, port, timeout=PATIENCE)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        said = answer.read(_WORDS).decode("utf-8", "replace")  # which store the backend misses, for instance
    except (OSError, http.client.HTTPException) as error:
        return f"{type(error).__name__}: {error}"
    finally:
        connection.close()
    return "" if answer.status == http.client.OK else f"answered {answer.status}: {said}"


def _longest(asked: list[tuple[float, str]]) -> float:
    """The longest time in seconds from the first question without an answer to the next that had one."""
    longest, since = 0.0, None
    for at, trouble in asked:
        if trouble and since is None:
            since = at
        elif not trouble and since is not None:
            longest, since = max(longest, at - since), None
    return max(longest, asked[-1][0] - since + EVERY) if since is not None else longest


def _between_ticks(since: datetime) -> dict[str, float]:
    """The longest time in seconds between two ticks, by the pid of the dialler."""
    times: dict[str, list[datetime]] = {}
    client: pymongo.MongoClient[Mapping[str, Any]] = pymongo.MongoClient(DATABASE, serverSelectionTimeoutMS=5000)
    with client:
        for tick in client.get_default_database()["ticks"].find({"at": {"$gte": since.replace(tzinfo=None)}}):
            times.setdefault(str(tick["pid"]), []).append(tick["at"])
    return {
        pid: round(max(((two - one).total_seconds() for one, two in pairwise(sorted(each))), default=0.0), 2)
        for pid, each in times.items()
    }
