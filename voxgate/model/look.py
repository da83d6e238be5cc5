"""One look at a whole estate: the hosts, what they answered over HTTP, what their databases see."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from voxgate.errors import Blind, OutsideLook
from voxgate.model.answers import Answer, DatabaseView
from voxgate.model.evidence import HostEvidence, Missing, known
from voxgate.model.fingerprints import HostChanges
from voxgate.model.release import RemoteView
from voxgate.model.work import Work


@dataclass(frozen=True, slots=True)
class Question:
    """One HTTP request of the look: ``address`` is where on the host it goes (loopback by default), IPv6 without brackets;
    ``tls`` the name that is asked for by TLS, empty for plain HTTP. What is sent has no body, whatever the ``method``.
    """

    host: str
    port: int
    path: str
    address: str = "127.0.0.1"
    headers: tuple[tuple[str, str], ...] = ()
    tls: str = ""
    method: str = "GET"


@dataclass(frozen=True, slots=True)
class Look:
    """One moment: a survey of every host and every answer, taken together. ``taken`` is epoch seconds on the gate's clock."""

    taken: float
    hosts: Mapping[str, HostEvidence | Missing]
    answers: Mapping[Question, Answer | Missing]
    databases: Mapping[str, DatabaseView | Missing]

    @property
    def counts_from(self) -> float:
        """When the last page was asked for, epoch seconds: from then on a second look is waited for, as what moves must have had
        the time to. Who was asked later than a second after the others holds nobody up.
        """
        pages = (one for one in self.answers.values() if isinstance(one, Answer) and not one.trouble)
        return max((one.asked for one in pages if self.taken < one.asked <= self.taken + 1.0), default=self.taken)

    @property
    def day(self) -> date:
        """The day of it, in UTC."""
        return datetime.fromtimestamp(self.taken, UTC).date()

    def host(self, name: str) -> HostEvidence:
        """The evidence of one host. Blind if that host was not seen."""
        if name not in self.hosts:
            what = "this host is not part of the look"
            raise OutsideLook(what, where=name)
        return known(self.hosts[name])

    def answer(self, question: Question) -> Answer:
        """What was answered. Blind if the question was never asked, or if the way to it (not the service) failed."""
        if question not in self.answers:
            what = f"{question.method} :{question.port}{question.path} was not asked"
            raise OutsideLook(what, where=question.host)
        return known(self.answers[question])

    def database(self, name: str) -> DatabaseView:
        """What one database sees. Blind if it did not say, or did not say all."""
        if name not in self.databases:
            what = "this database was not asked"
            raise OutsideLook(what, where=name)
        return known(self.databases[name])


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that is judged: two looks, before and after the bake, and what the remote says of each service. ``works`` are other
    gates that were at work meanwhile, by their hosts' own word. ``changes`` is what of each host that was seen is not as it was
    when a deploy was done last, by name.
    """

    first: Look
    second: Look
    remotes: Mapping[str, RemoteView | Missing]
    works: tuple[Work, ...] = ()
    changes: Mapping[str, HostChanges] = field(default_factory=dict)

    def remote(self, service: str) -> RemoteView:
        """What the remote says of a service. Blind if it could not be asked."""
        if service not in self.remotes:
            what = "the remote was not asked about this service"
            raise OutsideLook(what, where=service)
        return known(self.remotes[service])

    def changed(self, name: str) -> HostChanges:
        """What changed on a host since done. Blind if it was not seen, or nothing was compared."""
        self.second.host(name)
        if name not in self.changes:
            raise Blind("what changed since done is no part of this evidence", where=name, hint="look again: make verify")
        return self.changes[name]
