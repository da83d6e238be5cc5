"""Invariants: one rule each, and what each is judged on. The expected set follows from estate and catalogue alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from voxgate.model.database import Database
from voxgate.model.estate import Estate, PlacedUnit, Placement
from voxgate.model.service import Role, Service
from voxgate.model.where import places_of


class Need(StrEnum):
    """What a rule may need of an estate: that it says what may run in containers, that people reach the console by https, or on
    which hosts what changed since done is judged.
    """

    CONTAINERS = "containers"
    HTTPS = "https"
    CHANGES = "changes"


class Guards(StrEnum):
    """What a rule may be about that nobody may accept otherwise, not even in writing."""

    DIALLERS = "diallers"
    RELEASES = "releases"
    SECRETS = "secrets"
    PEOPLE = "people"
    EVIDENCE = "evidence"


class Threat(StrEnum):
    """Kinds of disguises that a rule may be there for: docs/THREATS.md has what each is."""

    PACE = "pace"
    ANSWERS = "answers"
    TIMES = "times"
    STARTS = "starts"
    SETTINGS = "settings"
    SERVED = "served"
    RIGHTS = "rights"
    LIMITS = "limits"


class Per(StrEnum):
    """What an invariant is judged on, once each. The value is the name of the test's parameter."""

    ESTATE = "estate"
    HOST = "host_name"
    SERVICE = "service"
    PLACEMENT = "placement"
    UNIT = "unit"
    DATABASE = "database"
    SCHEMA = "schema_name"


Value: TypeAlias = Estate | str | Service | Placement | PlacedUnit | Database


@dataclass(frozen=True, slots=True)
class Subject:
    """One thing that is judged: its stable id (empty for the estate as a whole), and whose it is."""

    id: str
    value: Value
    service: str | None = None
    host: str | None = None


@dataclass(frozen=True, slots=True)
class Invariant:
    """One rule, as its test says it. ``services`` empty means all, and so does ``roles`` of what is judged on each host; what is
    about the estate as a whole needs one host of these. ``needs`` are parts of an estate without which there is nothing to be
    judged. ``deploy`` is True if only a deploy can be judged by it.

    ``marks`` are pytest markers of the rule as such; ``faults`` name what must turn it red. ``guards`` is what it is about where
    no estate may accept a violation in writing; ``names_all`` is True if it names all that it finds at once; ``threats`` are the
    kinds of disguises that it is there for.
    """

    name: str
    suite: str
    reason: str
    per: Per
    services: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    severity: str = "critical"
    deploy: bool = False
    roles: frozenset[Role] = frozenset()
    needs: frozenset[Need] = frozenset()
    guards: Guards | None = None
    names_all: bool = False
    threats: tuple[Threat, ...] = ()

    @property
    def sentence(self) -> str:
        """The name, read aloud."""
        return self.name.replace("-", " ")

    @property
    def waivable(self) -> bool:
        """True if an estate may accept a violation in writing: each may be, but for why it is not (``kept``)."""
        return not self.kept

    @property
    def kept(self) -> str:
        """Why no estate may accept a violation in writing; empty where it may. Behind the first of several assertions, whatever
        would fail after it is not seen: a waiver of the one would hide the other.
        """
        if self.guards is not None:
            return f"it guards {self.guards}"
        return "" if self.names_all else "it stops at the first thing that it finds"

    def id_on(self, subject: Subject) -> str:
        """``head-is-the-release[backend-api-1]``; no brackets for the estate as a whole."""
        return f"{self.name}[{subject.id}]" if subject.id else self.name


@dataclass(frozen=True, slots=True)
class Expected:
    """One judgement that must come."""

    invariant: Invariant
    subject: Subject

    @property
    def id(self) -> str:
        """The invariant on its subject."""
        return self.invariant.id_on(self.subject)


def subjects(invariant: Invariant, estate: Estate | None, schemas: Sequence[str]) -> tuple[Subject, ...]:
    """Everything ``invariant`` is judged on. Without an estate only schemas are there to be judged. A rule about services that an
    estate has not is judged on nothing there.
    """
    if invariant.per is Per.SCHEMA:
        return tuple(Subject(name, name) for name in schemas)
    if estate is None:
        return ()
    if invariant.services and not any(service.name in invariant.services for service in estate.services):
        return ()
    if Need.HTTPS in invariant.needs and not (estate.front and estate.front.tls):
        return ()
    if Need.CONTAINERS in invariant.needs and not estate.containers.images:
        return ()
    found = _subjects(invariant.per, estate)
    if Need.CHANGES in invariant.needs:
        found = [one for one in found if one.host and places_of(estate.host(one.host), estate.changes)]
    if invariant.roles:
        everywhere = frozenset(role for host in estate.hosts for role in host.roles)
        found = [one for one in found if (estate.host(one.host).roles if one.host else everywhere) & invariant.roles]
    if invariant.services:
        found = [subject for subject in found if subject.service is None or subject.service in invariant.services]
    if len(invariant.services) == 1:
        only = invariant.services[0]
        found = [Subject(subject.id, subject.value, only, subject.host) for subject in found]
    return tuple(found)


def _subjects(per: Per, estate: Estate) -> list[Subject]:
    """All subjects of a kind, in the estate's order."""
    match per:
        case Per.ESTATE:
            return [Subject("", estate)]
        case Per.HOST:
            return [Subject(host.name, host.name, None, host.name) for host in estate.hosts]
        case Per.SERVICE:
            return [Subject(service.name, service, service.name) for service in estate.services]
        case Per.PLACEMENT:
            return [Subject(one.id, one, one.service.name, one.host.name) for one in estate.placements]
        case Per.UNIT:
            return [Subject(one.id, one, one.service.name, one.host.name) for one in estate.placed_units]
        case Per.DATABASE:
            return [Subject(one.name, one, None, one.dialler) for one in estate.databases]
        case Per.SCHEMA:
            return []


def expected(
    catalogue: Sequence[Invariant], estate: Estate | None, schemas: Sequence[str], *, deploying: frozenset[str]
) -> tuple[Expected, ...]:
    """Every judgement that must come before the gate may open. Rules about a deploy are expected of the services in
    ``deploying`` only.
    """
    return tuple(
        Expected(invariant, subject)
        for invariant in catalogue
        for subject in subjects(invariant, estate, schemas)
        if not invariant.deploy or subject.service in deploying
    )
