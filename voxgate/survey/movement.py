"""Movement: which facts a deploy at work moves, and so which judgements may be its doing. Pure.

A rule that has read nothing that moves was not violated by the deploy, whatever it is about. What moves follows from the estate:

* what a service has on the host on which it is deployed: units, checkout, environment, packages, build; its pages, whoever
  asks for them, and what the remote's releases are compared with
* what a host has only once - processes, sockets, copies - for rules about that service or about the host as such: those about
  other services look for their own there
* what changed there since done, which tells of all of these
* what HAProxy says of the service, and what databases say of their clients, as a service that starts anew connects anew

Not moved are keys, sudo, clock, disk, boot, jobs, settings, nginx: a finding in these stays what it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from voxgate.model.estate import Placement
from voxgate.model.look import Question
from voxgate.survey.questions import question_of
from voxgate.survey.sites import api_asked, entrance_of, proxied

if TYPE_CHECKING:
    from voxgate.model.estate import Estate
    from voxgate.model.work import Work

Path = tuple[Any, ...]

OF_SERVICE = frozenset({"checkouts", "venvs", "dists", "packages", "leaks", "runtimes", "stores"})
"""What a host has of each service, by its name."""

OF_HOST = frozenset(
    {"units", "processes", "listeners", "datagrams", "connections", "apart", "engines", "copies", "javascript", "haproxy", "ends"}
)
"""What a host has once, and a deploy of a service changes."""


@dataclass(frozen=True, slots=True)
class Movement:
    """What moves on an estate while ``works`` go on."""

    estate: Estate
    works: tuple[Work, ...]

    def moved(self, service: str | None, host: str | None, read: Iterable[Path]) -> tuple[Work, ...]:
        """The works that may be why a judgement about ``service`` (None: about none of its own) and ``host`` does not hold, by
        the facts that it has ``read``. One that read none of the evidence saw its host with eyes of its own.
        """
        paths = tuple(read)
        known = {one.name for one in self.estate.services}
        moving = [work for work in self.works if work.moves and work.service in known]
        if not paths:
            return tuple(work for work in moving if work.host == host)
        pages = {page: placement.id for placement in self.estate.placements for page in _pages(self.estate, placement)}
        return tuple(work for work in moving if any(self._moves(work, service, host, path, pages) for path in paths))

    def _moves(self, work: Work, service: str | None, host: str | None, path: Path, pages: Mapping[Question, str]) -> bool:
        """True if the fact at ``path`` may be another one while ``work`` goes on, for a rule about ``service`` and ``host``;
        ``pages`` are the questions that a placement's units answer, or a proxy for them, with its id.
        """
        own, mine = service in {None, work.service}, self.estate.service(work.service)
        match path:
            case ("remotes", name, *_):
                return name == work.service and host in {None, work.host}  # what one host says is of no other
            case (_, "databases", _, *_):
                return mine.unit is not None
            case (_, "answers", Question() as question, *_) if question in pages:
                return pages[question] == f"{work.service}-{work.host}"
            case (_, "answers", Question(method="POST"), *_):
                return mine.calls is not None
            case (_, "answers", Question() as question, *_):
                here = question.host == work.host or question.address == self.estate.host(work.host).address
                entrance = entrance_of(self.estate, Placement(mine, self.estate.host(work.host)))
                return here and entrance is not None and question.port in {entrance.port, entrance.leads_there}
            case (_, "hosts", _, "haproxy", *_):
                return own
            case (_, "hosts", place, section, *rest) if place == work.host:
                if section in OF_SERVICE:
                    return bool(rest and rest[0] == work.service)
                if section == "units" and rest:
                    return own or mine.owns_unit(rest[0])
                return own and section in OF_HOST
            case _:
                return path[:2] == ("changes", work.host)


def _pages(estate: Estate, placement: Placement) -> set[Question]:
    """What the units of a service answer, and what a proxy answers for them."""
    service = placement.service
    endpoints = [one for one in (service.health, service.metrics, service.aggregate_health) if one is not None]
    found = {question_of(unit, endpoint) for unit in placement.placed_units for endpoint in endpoints}
    through = proxied(estate, placement)
    found |= {question for pair in api_asked(estate, placement) for question in pair}
    return found | ({through} if through is not None else set())
