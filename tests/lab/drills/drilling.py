"""What drills are made of: a gate as a process that dies at a named point, and what must be true of the hosts after it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pymongo

import lab
from tests.lab.noting import note
from tests.lab.serving import DATABASE, ESTATE, Serving, state_file
from voxgate.contracts.ledger_lines import flaws as chain_flaws
from voxgate.contracts.ledger_lines import lines_of

ROOT = Path(__file__).resolve().parents[3]
RESULT = ROOT / "reports" / "drills" / "drills.json"
SERVICE_OF = {placement.id: placement.service.name for placement in ESTATE.placements}
OLD, NEW = "2026.06.22-1", "2026.06.24-1"
RECOVER = ("--recover", "--wait", "120")
"""As ``make recover`` has it: a step that the dead gate began holds the lock until that step itself has ended."""

CLOSED = {"done", "rolled-back", "abandoned", "cleared"}


@dataclass
class Gate:
    """One run of the gate."""

    process: subprocess.Popen[bytes]
    folder: Path
    log: Path
    told: Path

    @classmethod
    def start(cls, folder: Path, *words: str, point: str = "", piped: bool = False) -> Gate:
        """Start it; ``point`` is where it ends by its own hand (see ``stop_at``); ``piped``: it talks to us, not to its log."""
        folder.mkdir(parents=True, exist_ok=True)
        told = folder / "told.json"
        told.unlink(missing_ok=True)
        argv = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--estate", "lab", "--html", "never", "--bake", "1.3"]
        argv += ["--reports", str(folder / "reports"), *words]
        if point:
            argv[3:3] = ["-p", "tests.lab.drills.stop_at"]
        env = {**os.environ, "VOXGATE_DRILL": point, "VOXGATE_DRILL_TOLD": str(told), "PYTEST_ADDOPTS": ""}
        log = folder / f"gate-{time.time_ns()}.log"
        with log.open("wb") as sink:
            to = subprocess.PIPE if piped else sink
            process = subprocess.Popen(argv, stdout=to, stderr=sink, cwd=ROOT, env=env, start_new_session=True)
        return cls(process, folder, log, told)

    def wait(self, deadline: float = 300) -> int:
        """Its exit status; negative for a signal."""
        try:
            return self.process.wait(deadline)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise

    def reached(self, deadline: float = 300) -> None:
        """Wait until it is at its point."""
        until = time.monotonic() + deadline
        while not self.told.exists():
            assert self.process.poll() is None, f"it ended with {self.process.returncode} before its point: {self.said[-1500:]}"
            assert time.monotonic() < until, f"it did not come to its point within {deadline:g} s: {self.said[-2500:]}"
            time.sleep(0.01)

    @property
    def said(self) -> str:
        """Everything it printed."""
        return self.log.read_text(errors="replace")

    @property
    def end(self) -> str:
        """How it ended: first what was red, as of a long log often one line is kept, then the end of what it said."""
        told = self.said
        red: list[str] = []
        with suppress(OSError, ValueError):
            verdict = self.verdict
            rows = [*verdict["standing"]["invariants"], *verdict["invariants"]] if verdict["run"] in told else []
            red = [f"{one['id']}: {one['found']}" for one in rows if one["verdict"] in {"violated", "blind"}]
        return "\n".join([*([" | ".join(red[:3])] if red else []), told[-2500:]])

    @property
    def found(self) -> list[str]:
        """What it said it found, and decided."""
        lines = [line.split("found: ", 1)[1] for line in self.said.splitlines() if "s  found: " in line]
        return [line.rstrip() for line in lines]

    @property
    def verdict(self) -> dict[str, Any]:
        """Its verdict.json."""
        return dict(json.loads((self.folder / "reports" / "latest" / "verdict.json").read_text()))


def run(folder: Path, *words: str, point: str = "", deadline: float = 300) -> tuple[int, Gate]:
    """A gate from beginning to end."""
    gate = Gate.start(folder, *words, point=point)
    return gate.wait(deadline), gate


def journals() -> dict[str, dict[str, Any]]:
    """Every journal, by placement id."""
    return {p.id: json.loads(text) for p in ESTATE.placements if (text := state_file(p, "journal.json"))}


def goods() -> dict[str, str]:
    """The tag that is last known good, by placement id."""
    return {p.id: json.loads(state_file(p, "last-known-good.json"))["tag"] for p in ESTATE.placements}


def states() -> dict[str, str]:
    """Where each service stands, in a word: ``restart begun``."""
    return {key: f"{one['phase']} {one['status']}" for key, one in journals().items()}


def other(*services: str) -> list[str]:
    """--deploy for each service, of the good release that it is not on."""
    now = goods()
    words = []
    for service in services:
        placement = next(p for p in ESTATE.placements if p.service.name == service)
        tag = OLD if now[placement.id].endswith(NEW) else NEW
        words += ["--deploy", f"{service}={placement.service.repository}-{tag}"]
    return words


def ledger_flaws() -> list[str]:
    """Numbers that are missing or twice, deploys that were begun and never closed, or closed without a promotion or a why."""
    flaws = []
    for placement in ESTATE.placements:
        texts = state_file(placement, "ledger.jsonl").splitlines()
        lines = [json.loads(line) for line in texts]
        flaws += [f"{placement.id}: {why}" for why in chain_flaws(list(lines_of(texts)), whole=True)]
        numbers = [one["n"] for one in lines if "n" in one]
        if numbers != list(range(1, len(numbers) + 1)):
            flaws.append(f"{placement.id}: {numbers}")
        shut = [one for one in lines if one["event"] in {"rolled-back", "abandoned", "held"}]
        flaws += [f"{placement.id}: {one['n']} without a reason" for one in shut if not one.get("reason")]
        begun = ""
        for one in lines:
            match one["event"]:
                case "begun" if begun:
                    flaws.append(f"{placement.id}: {begun} was never closed")
                case "begun":
                    begun = one["run"]
                case "promoted" | "rolled-back" | "abandoned" | "held" | "cleared" if begun in {
                    one["run"],
                    one.get("mended", ""),
                }:
                    begun = ""
        if begun:
            flaws.append(f"{placement.id}: {begun} is not closed")
    return flaws


def twice(since: datetime) -> list[str]:
    """Dialler processes whose ticks overlap: two at once."""
    client: pymongo.MongoClient[Mapping[str, Any]] = pymongo.MongoClient(DATABASE, serverSelectionTimeoutMS=5000)
    spans: dict[tuple[str, int], list[datetime]] = {}
    with client:
        for tick in client.get_default_database()["ticks"].find({"at": {"$gte": since.replace(tzinfo=None)}}):
            spans.setdefault((tick["host"], tick["pid"]), []).append(tick["at"])
    ordered = sorted((min(times), max(times), who) for who, times in spans.items())
    return [f"{one[2]} until {one[1]:%T.%f}, {two[2]} from {two[0]:%T.%f}" for one, two in pairwise(ordered) if two[0] < one[1]]


_LEFT = """for s in /var/lib/voxgate/*/; do for l in owner step; do
  [ ! -e "$s$l.lock" ] || flock --nonblock "$s$l.lock" true || echo "$s$l.lock is held"; done; done
for p in /proc/[0-9]*; do tr '\\0' ' ' < "$p/cmdline" 2>/dev/null | grep -sE '^(/usr/bin/)?python3 -I -c' ; done
find /opt/vox-*/.git -name '*.lock'; true"""


def left_behind() -> list[str]:
    """Locks that are held, owners that live, locks of a git, on any host."""
    names = sorted({placement.host.name for placement in ESTATE.placements})
    return [f"{name}: {line}" for name in names for line in lab.exec(name, ["sh", "-c", _LEFT]).stdout.splitlines()]


def until_nothing_is_left(deadline: float = 30) -> list[str]:
    """The same, once what was dying is dead."""
    until = time.monotonic() + deadline
    while (left := left_behind()) and time.monotonic() < until:
        time.sleep(0.5)
    return left


def until_it_answers(*urls: str) -> None:
    """What was booted or started anew is up again."""
    until = time.monotonic() + 60
    for url in urls:
        while True:
            with suppress(httpx.HTTPError):
                if httpx.get(url, timeout=3).status_code == httpx.codes.OK:
                    break
            assert time.monotonic() < until, url
            time.sleep(0.2)


@dataclass
class Drill:
    """One drill and what came of it."""

    name: str
    point: str
    found: list[str] = field(default_factory=list)
    states: dict[str, str] = field(default_factory=dict)
    outcome: str = ""
    exit_status: int | None = None
    seconds: float = 0.0
    flaws: list[str] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)
    since: datetime = field(default_factory=lambda: datetime.now(UTC))
    serving: Serving | None = None

    def check(self, good: Mapping[str, str] | None = None) -> None:
        """After a drill: everything closed and as it was (or as ``good`` says), nothing left, never two diallers, and what was
        not touched was there all the time.
        """
        now = goods()
        self.flaws += [f"{k}: last known good is {now[k]}, not {v}" for k, v in (good or {}).items() if now[k] != v]
        self.flaws += [f"{key} is left at {one['phase']}" for key, one in journals().items() if one["phase"] not in CLOSED]
        self.flaws += ledger_flaws()
        self.flaws += until_nothing_is_left()
        self.flaws += [f"two diallers: {one}" for one in twice(self.since)]
        self.flaws += self.serving.flaws() if self.serving else []
        self.seconds = round(time.monotonic() - self.began, 1)
        record(self)
        assert not self.flaws, self.flaws


def record(drill: Drill) -> None:
    """Add it to the result; a later run of the same drill takes the place of an earlier one."""
    said = {k: v for k, v in vars(drill).items() if k not in {"began", "since", "serving"}}
    said["found"], said["decision"] = ([line.partition(" -> ")[part] for line in drill.found] for part in (0, 2))
    note(RESULT, "drills", said)


def recovered(drill: Drill, folder: Path) -> Gate:
    """The next run: it says what it found, and ends well."""
    drill.states = states()
    status, gate = run(folder / "recover", *RECOVER)
    drill.found += gate.found
    drill.exit_status, drill.outcome = status, gate.verdict["summary"]
    if status != 0:
        drill.flaws.append(f"recover ended with {status}: {gate.end}")
    return gate


def ends_otherwise_than_done(drill: Drill, gate: Gate, tmp_path: Path) -> None:
    """The gate under the drill ends, and not as done; the run after it brings the hosts in order."""
    ended = gate.wait()
    outcome = gate.verdict["summary"]
    if ended == 0:
        drill.flaws.append("it called itself done")
    recovered(drill, tmp_path)
    drill.outcome, drill.exit_status = f"{outcome} | next run: {drill.outcome}", ended
