"""Hosts for tests of a gate: they answer as they are told, and note what they were asked; and what is deployed on them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from voxgate.contracts.estates import load_estate
from voxgate.deploy.hosts.state import LastKnownGood
from voxgate.deploy.planning.plan import Plan, Target
from voxgate.errors import Unreachable, VoxgateError, known_error
from voxgate.model.estate import Estate, Host
from voxgate.model.release import Release
from voxgate.transport.ssh.remote_command import Completed

ESTATE = load_estate("lab")
OLD = {one.name: Release(one.name, "a" * 40, f"{one.repository}-2026.06.22-1") for one in ESTATE.services}
NEW = {one.name: Release(one.name, "b" * 40, f"{one.repository}-2026.06.24-1") for one in ESTATE.services}

Answer = Callable[[str, tuple[str, ...]], Completed]


def completed(status: int = 0, out: str = "", err: str = "") -> Completed:
    """How a command ended."""
    return Completed(status, out.encode(), err.encode(), 0.0)


def plan(*services: str, back: bool = False, good: Mapping[str, Release] | None = None) -> Plan:
    """A deploy of these, where ``good`` is last known good by service, OLD where nothing is said; ``back`` is one to OLD, which
    is on the hosts.
    """
    known = OLD if good is None else good
    targets = []
    for name in services:
        there = tuple(one for one in ESTATE.placements if one.service.name == name)
        before = {one.id: LastKnownGood(known[name]) if name in known else None for one in there}
        how = "rollback" if back else "deploy"
        targets.append(Target(ESTATE.service(name), (OLD if back else NEW)[name], there, before, is_on_hosts=back, how=how))
    return Plan(tuple(targets))


def ledger_of(*events: tuple[str, str]) -> tuple[str, ...]:
    """A ledger as a host of an earlier voxgate has it: what, in which run."""
    return tuple(
        json.dumps({"n": number, "event": event, "run": run, "at": f"2026-06-22T0{number}:00:00Z"})
        for number, (event, run) in enumerate(events, 1)
    )


@dataclass
class Line:
    """The connection to one host."""

    host: Host
    hosts: Hosts
    alive: bool = True

    def run(self, argv: Sequence[str], *, deadline: float) -> Completed:
        """What was said that it answers."""
        asked = (self.host.name, tuple(argv), deadline)
        self.hosts.asked.append(asked)
        return self.hosts.answer(self.host.name, tuple(argv))


@dataclass(repr=False)
class Hosts:
    """Connections to all hosts but those that are ``away``; each command is answered by ``answer``."""

    went: list[str] = field(default_factory=list)
    away: dict[str, Unreachable] = field(default_factory=dict)
    answer: Answer = lambda *_: completed()
    estate: Estate = ESTATE
    asked: list[tuple[str, tuple[str, ...], float]] = field(default_factory=list)

    def open(self, hosts: Iterable[Host]) -> dict[str, Any]:
        """Noted."""
        names = [one.name for one in hosts]
        self.went.append(f"open {' '.join(names)}")
        return {name: self.away.get(name) or Line(self.estate.host(name), self) for name in names}

    def __getitem__(self, name: str) -> Line:
        if name in self.away:
            raise self.away[name]
        return Line(self.estate.host(name), self)

    def each(self, hosts: Iterable[Host], function: Callable[[Any], Any]) -> dict[str, Any]:
        """One after the other."""
        found: dict[str, Any] = {}
        for host in hosts:
            try:
                found[host.name] = function(self[host.name])
            except VoxgateError as error:
                found[host.name] = known_error(error, host.name)
        return found

    def close(self) -> None:
        """Noted."""
        self.went.append("close")
