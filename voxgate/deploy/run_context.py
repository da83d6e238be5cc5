"""What one run works with: the estate, its connections, the claim on its hosts, and how this run shall go about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from voxgate.deploy.hosts.claim import Claim
from voxgate.deploy.hosts.executor import Executor
from voxgate.deploy.hosts.state import Author, Found, Good, goods_of
from voxgate.deploy.moving.engine import Canary, Deployment, Pace
from voxgate.deploy.planning.plan import Plan, Target
from voxgate.deploy.progress import Progress
from voxgate.deploy.stop import Stop
from voxgate.errors import VoxgateError
from voxgate.model.estate import Estate
from voxgate.model.look import Look
from voxgate.survey.keeping import Cutter
from voxgate.transport.ssh.connections import Connections


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line asks for. ``bake`` and ``wait`` in seconds; ``deploy`` and ``rollback`` as typed; ``standing`` are
    ids of what may stay violated, for a ``reason``; ``breaking`` lets in what breaks who reads a service's answers.
    """

    deploy: tuple[str, ...] = ()
    rollback: tuple[str, ...] = ()
    recover: bool = False
    bake: float | None = None
    wait: float = 0.0
    no_way_back: bool = False
    breaking: bool = False
    standing: tuple[str, ...] = ()
    reason: str = ""
    pace: Pace = field(default_factory=Pace)

    @property
    def changes(self) -> bool:
        """True where hosts may be changed, and so must be claimed first."""
        return bool(self.deploy or self.rollback) or self.recover


@dataclass(slots=True)
class RunContext:
    """One run's tools. ``found`` is what was written on the hosts when they were claimed; ``away`` are the hosts that a recovery
    goes without, and why; ``contents`` the digests of what was judged last, by placement id, ``seen`` that look itself.
    ``cutter`` takes the secrets out of what one host is told of another.
    """

    estate: Estate
    connections: Connections
    progress: Progress
    options: Options
    author: Author
    stop: Stop = field(default_factory=Stop)
    cutter: Cutter | None = None
    found: Mapping[str, Found] = field(default_factory=dict)
    away: dict[str, VoxgateError] = field(default_factory=dict)
    contents: Mapping[str, str] = field(default_factory=dict)
    seen: Look | None = None
    _claim: Claim | None = None

    @property
    def goods(self) -> dict[str, Good]:
        """The last known good by placement id."""
        return goods_of(self.found)

    @property
    def claim(self) -> Claim:
        """The hosts, held by this run. RuntimeError before ``take``."""
        if self._claim is None:
            msg = "nothing is claimed"
            raise RuntimeError(msg)
        return self._claim

    @property
    def claimed(self) -> bool:
        """True while hosts are held."""
        return self._claim is not None

    def take(self, *, whole: bool = True) -> bool:
        """Claim every host, and read what is written there; True if another gate had to be waited for. Where it need not be
        ``whole``, hosts that cannot be claimed are ``away``. Raises Refused.
        """
        self._claim = Claim(self.connections, self.author, self.stop, self.cutter)
        try:
            self.found = self._claim.take(self.options.wait, self.progress.note, whole=whole)
            self.away |= self._claim.away
        except BaseException:
            self.release()
            raise
        return self._claim.waited

    def release(self) -> None:
        """Let all hosts go; harmless twice."""
        if self._claim is not None:
            self._claim.release()
            self._claim = None

    def deployment(self, targets: tuple[Target, ...], *, back: bool, canary: Canary | None = None) -> Deployment:
        """The moves of these targets, there or back; ``canary`` judges what was restarted first."""
        executor = Executor(self.estate, self.connections, self.claim, self.stop, back)
        return Deployment(Plan(targets), executor, self.progress, self.options.pace, canary)
