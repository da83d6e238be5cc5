"""What a run came to, as one outcome: put together of what its gate, its session and its judgements know."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from voxgate.deploy.deciding.decision import Judged
from voxgate.deploy.gate import Gate, Settled
from voxgate.deploy.planning.plan import how_of
from voxgate.model.run_facts import How
from voxgate.model.verdict import Exit, RunOutcome, RunVerdict
from voxgate.model.work import said_of
from voxgate.plugin.collector import Collector
from voxgate.plugin.session import Session
from voxgate.report.summary import Origin


@dataclass(slots=True, eq=False)
class Outcomes:
    """``run`` is the name of its folder; ``deploy`` is True where a release is to be put on hosts."""

    session: Session
    run: str
    gate: Gate | None
    collector: Collector
    deploy: bool
    started: float = field(default_factory=time.time)

    def nothing_known(self, summary: str) -> RunOutcome:
        """What is left to say where the decision itself failed."""
        return RunOutcome(
            run=self.run,
            estate=self.session.estate.name if self.session.estate else "",
            verdict=RunVerdict.BROKEN,
            exit_status=int(Exit.BROKEN),
            started=self.started,
            seconds=time.time() - self.started,
            deploy=self.deploy,
            partial=True,
            summary=summary,
            hosts=tuple(host.name for host in self.session.looked_at),
            moves=self.gate.moves if self.gate else (),
            notes=tuple(self.gate.notes) if self.gate else (),
            how=self._how,
        )

    def outcome(
        self, judged: Judged, verdict: RunVerdict, status: int, summary: str, settled: Settled | None = None
    ) -> RunOutcome:
        """All of it, for the verdict and the terminal."""
        estate, origin = self.session.estate, Origin.of(self.run, self.session.redactor)
        return RunOutcome(
            run=self.run,
            estate=estate.name if estate else "",
            verdict=verdict,
            exit_status=int(status),
            started=self.started,
            seconds=time.time() - self.started,
            deploy=self.deploy,
            partial=bool(judged.missing) or self.session.is_part,
            summary=summary,
            hosts=tuple(host.name for host in self.session.looked_at),
            services=self.gate.services(settled) if self.gate else self.session.outcomes(),
            judgements=tuple(judged.judgements),
            missing=judged.missing,
            moves=self.gate.moves if self.gate else self.session.recorded.moves,
            rollback=settled.rollback if settled else (),
            rollback_verdict=settled.rollback_verdict if settled else None,
            standing=self.gate.standing.found if self.gate else (),
            allowed=tuple(sorted(self.gate.standing.allowed)) if self.gate else (),
            reason=self.gate.standing.reason if self.gate else "",
            at_work=said_of(self.session.works),
            moving=self.collector.moving,
            how=self._how,
            by=origin.by,
            build=origin.build,
            rolled=self.gate.capacity.roll if self.gate else self.session.recorded.capacity.roll,
            rolled_back=self.gate.rolled_back if self.gate else None,
            gaps=self.gate.gaps if self.gate else (),
            notes=(*(self.gate.notes if self.gate else ()), *self.session.notes, *self.session.of_waivers(judged)),
            changes=self.gate.changes if self.gate else (),
        )

    @property
    def _how(self) -> How:
        return how_of(self.gate.requests, recover=self.gate.context.options.recover) if self.gate else How.LOOK
