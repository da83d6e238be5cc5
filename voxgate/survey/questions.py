"""The HTTP questions of a look that follow from the estate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxgate.model.look import Question
from voxgate.model.service import Role
from voxgate.survey.sites import HIDDEN, STATUS, api_asked, balanced, entrance_of, proxied

if TYPE_CHECKING:
    from collections.abc import Collection

    from voxgate.model.estate import Estate, Host, PlacedUnit
    from voxgate.model.service import Endpoint


def question_of(unit: PlacedUnit, endpoint: Endpoint) -> Question:
    """An endpoint that a unit answers itself, at its own port."""
    return Question(unit.host.name, unit.port_of(endpoint), endpoint.path)


def of_host(host: Host, endpoint: Endpoint) -> Question:
    """An endpoint that a host answers, whoever stands behind it."""
    return Question(host.name, endpoint.port, endpoint.path)


def ends_asked(estate: Estate, host: Host, only: Collection[str] | None = None) -> list[list[str | int]]:
    """At which pages of a host's units the probe asks who answers, each as unit, port, path, and the port of the web server that
    it is asked through, 0 for none. ``only`` names the services that are judged.
    """
    here = [unit for unit in estate.placed_units if unit.host == host and (only is None or unit.service.name in only)]
    return [row for unit in here for row in ends_of(unit, estate)]


def ends_of(unit: PlacedUnit, estate: Estate) -> list[list[str | int]]:
    """The same of one unit."""
    service = unit.service
    pages = {unit.port_of(one): one.path for one in (service.metrics, service.health) if one is not None}
    found: list[list[str | int]] = [[unit.unit, port, path, 0] for port, path in pages.items()]
    if service.health is not None and service.proxied_health is not None and estate.front is None:
        found.append([unit.unit, unit.port_of(service.health), service.proxied_health.path, service.proxied_health.port])
    return found


def questions_of(estate: Estate) -> tuple[Question, ...]:
    """Every question that follows from the estate: each unit's health and metrics, health and API through the proxy, and the
    fleet's sum, asked at the first worker of each host.
    """
    found: dict[Question, None] = {}
    for unit in estate.placed_units:
        service = unit.service
        first = unit.unit == unit.placement.units[0]
        endpoints = (service.health, service.metrics, service.aggregate_health if first else None)
        found.update((question_of(unit, endpoint), None) for endpoint in endpoints if endpoint is not None)
    for placement in estate.placements:
        if (question := proxied(estate, placement)) is not None:
            found[question] = None
        found.update((question, None) for pair in api_asked(estate, placement) for question in pair)
        if (entrance := entrance_of(estate, placement)) is not None:
            found.update((entrance.main.asked(path), None) for path in HIDDEN)
            found.update((entrance.public.asked(path), None) for path in STATUS)
    if (question := balanced(estate)) is not None:
        found[question] = None
    if estate.containers.health is not None:
        found.update((of_host(host, estate.containers.health), None) for host in estate.hosts_with(Role.SIP))
    for endpoint in estate.containers.answers.values():
        found.update((of_host(host, endpoint), None) for host in estate.hosts_with(Role.SIP))
    return tuple(found)
