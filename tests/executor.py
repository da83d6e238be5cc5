"""Hands of a deploy that do nothing but note it, for tests of what the engine does in which order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from voxgate.contracts.estates import load_estate
from voxgate.deploy.hosts.state import LastKnownGood
from voxgate.deploy.planning.plan import Target
from voxgate.model.estate import PlacedUnit
from voxgate.model.evidence import Missing
from voxgate.model.release import Release
from voxgate.model.verdict import MoveRecord
from voxgate.moves.health import Pulse, Up
from voxgate.moves.steps import Step
from voxgate.transport.ssh.remote_command import Completed

ESTATE = load_estate("lab")
OLD = {"backend": "vox-backend", "fleet": "vox-agents", "dialler": "vox-dialler", "console": "vox-frontend"}


class Executor:
    """Hands that note what they did, and fail on one host as they are told."""

    def __init__(self, fail: Callable[[str, str], None], *, back: bool = True, up: Up = Up.NOT_YET) -> None:
        self.estate, self.back, self.fail, self.is_up = ESTATE, back, fail, up
        self.done: list[tuple[str, str]] = []
        self.connections = self.claim = self
        self.author = None

    def check(self) -> None:
        """Never stopped."""

    def tidy(self, placement: Any) -> list[str]:
        """Nothing was left."""
        self.fail(placement.host.name, "tidy")
        return []

    def attempt(self, host: str, step: Step) -> Completed:
        """It is there."""
        self.fail(host, step.says)
        return Completed(0, b"", b"", 0.0)

    look = attempt

    def do(self, task: Any, phase: Any, steps: Sequence[Step]) -> tuple[Completed, ...]:
        """Note it."""
        self.fail(task.placement.host.name, str(phase))
        self.done += [(task.placement.host.name, step.says) for step in steps]
        return tuple(Completed(0, b"", b"", 0.0) for _ in steps)

    def answer(self, unit: PlacedUnit) -> Missing:
        """Not asked."""
        return Missing("missing", "x", unit.id)

    def up(self, unit: PlacedUnit, commit: str, answer: object) -> Pulse:
        """As told."""
        assert commit
        assert answer
        return Pulse(self.is_up if unit.host.name != "fleet-1" else Up.NOT_YET, "")

    def await_up(self, unit: PlacedUnit, commit: str) -> str:
        """It is up."""
        assert commit
        self.fail(unit.host.name, "health")
        return "up"

    def pause(self) -> None:
        """No time is lost."""


class Progress:
    """Says nothing."""

    def begin(self, *_: object) -> None:
        """Nothing."""

    def end(self, record: MoveRecord) -> None:
        """Nothing."""

    def note(self, line: str) -> None:
        """Nothing."""


def targets(*names: str) -> tuple[Target, ...]:
    found = []
    for name in names:
        placements = tuple(p for p in ESTATE.placements if p.service.name == name)
        release = Release(name, "a" * 40, f"{OLD[name]}-2026.06.22-1")
        before = {p.id: LastKnownGood(release) for p in placements}
        found.append(Target(ESTATE.service(name), release, placements, before, is_on_hosts=True))
    return tuple(found)
