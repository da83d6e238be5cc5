"""What a run knows of each service, for the verdict: what it came from, what was tried and brings what, what runs now. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from voxgate.deploy.deciding.settling import Settled
from voxgate.deploy.planning.plan import Target
from voxgate.model.content import Content
from voxgate.model.estate import Estate
from voxgate.model.evidence import Missing
from voxgate.model.release import Release
from voxgate.model.verdict import Move, MoveRecord, Ran, RunVerdict, ServiceOutcome, ran


@dataclass(frozen=True, slots=True)
class Known:
    """All that decides it: what had to run before (``known``), what was deployed, the tags that heads of main got, what each
    release brings, every move, and what came of it (None where it was not settled).
    """

    known: Mapping[str, Release | Missing | None]
    targets: Sequence[Target] = ()
    tagged: Mapping[str, Release] = field(default_factory=dict)
    contents: Mapping[str, Content] = field(default_factory=dict)
    moves: Sequence[MoveRecord] = ()
    settled: Settled | None = None

    def outcomes(self, estate: Estate) -> tuple[ServiceOutcome, ...]:
        """One for each service of the estate."""
        targets = {target.service.name: target for target in self.targets}
        found = []
        for service in estate.services:
            name, before = service.name, self.known.get(service.name)
            good = ran(before) if isinstance(before, Release) else None
            tried = ran(self.tagged.get(name, targets[name].release)) if name in targets else None
            hosts = tuple(host.name for host in estate.hosts_of(service))
            content = self.contents.get(name) if tried else None
            running = self._running(good, tried)
            found.append(ServiceOutcome(name, hosts, good, tried, running, content, service.required_settings))
        return tuple(found)

    def _running(self, before: Ran | None, tried: Ran | None) -> Ran | None:
        """What runs now: None where a deploy was cut short, or could not be undone."""
        if tried is None or all(move.move == Move.FETCH for move in self.moves):
            return before
        if self.settled is not None and self.settled.verdict is RunVerdict.DONE:
            return tried
        return before if self.settled is not None and self.settled.rollback_verdict is RunVerdict.HOLDS else None
