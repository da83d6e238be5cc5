"""The HTTP questions of a look: which there are follows from the estate, and for a static site from what is on disk."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from voxgate.model.estate import Role
from voxgate.model.evidence import DistFact, HostEvidence, Missing
from voxgate.model.look import Question
from voxgate.survey.findings import is_loopback

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voxgate.model.estate import Endpoint, Estate, Host, PlacedUnit, Placement

SITE_ADDRESSES = ("127.0.0.1", "::1")
OWN_ADDRESSES = 4
# What a web server must never hand out, each asked for as it would be by whoever looks for it.
HIDDEN = (
    "/.env", "/.git/HEAD", "/.git/config", "/.vite/manifest.json", "/package.json", "/package-lock.json", "/vite.config.js",
    "/src/main.js", "/node_modules/", "/builds/", "/dist/", "/assets/", "/index.html.map", "/assets../.env", "/%2e%2e/.env",
    "/assets/..%2f..%2f.env", "/server-status", "/nginx_status",
)  # fmt: skip
MAPPED = (".js", ".css")
GZIP = (("Accept-Encoding", "gzip"),)
SITE_HEADERS: tuple[tuple[tuple[str, str], ...], ...] = ((), GZIP)


def question_of(unit: PlacedUnit, endpoint: Endpoint) -> Question:
    """An endpoint that a unit answers itself, at its own port."""
    return Question(unit.host.name, unit.port_of(endpoint), endpoint.path)


def of_placement(placement: Placement, endpoint: Endpoint) -> Question:
    """An endpoint that a host answers for a service, whichever unit may stand behind it."""
    return Question(placement.host.name, endpoint.port, endpoint.path)


def of_host(host: Host, endpoint: Endpoint) -> Question:
    """An endpoint that a host answers, whoever stands behind it."""
    return Question(host.name, endpoint.port, endpoint.path)


def questions_of(estate: Estate) -> tuple[Question, ...]:
    """Every question that follows from the estate: each unit's health and metrics, health through the proxy, and the
    fleet's sum, asked at the first worker of each host.
    """
    found: dict[Question, None] = {}
    for unit in estate.placed_units:
        service = unit.service
        first = unit.unit == unit.placement.units[0]
        endpoints = (service.health, service.metrics, service.aggregate_health if first else None)
        found.update((question_of(unit, endpoint), None) for endpoint in endpoints if endpoint is not None)
    for placement in estate.placements:
        if placement.service.proxied_health is not None:
            found[of_placement(placement, placement.service.proxied_health)] = None
        if placement.service.site is not None:
            found.update((Question(placement.host.name, placement.service.site.port, path), None) for path in HIDDEN)
    if estate.containers.health is not None:
        found.update((of_host(host, estate.containers.health), None) for host in estate.hosts_with(Role.SIP))
    for endpoint in estate.containers.answers.values():
        found.update((of_host(host, endpoint), None) for host in estate.hosts_with(Role.SIP))
    return tuple(found)


def site_path(site: Endpoint, path: str) -> str:
    """The URL path of one file of a site, quoted; ``""`` is the site's own address."""
    return f"{site.path.rstrip('/')}/{quote(path)}"


def site_ways(host: HostEvidence) -> tuple[tuple[str, tuple[tuple[str, str], ...]], ...]:
    """The address and the headers of each way to ask for a file of a site: by loopback, plain and with gzip, and plain by
    each of the host's own addresses that somebody is connected to: a web server may serve those something else.
    """
    own = () if isinstance(host.connections, Missing) else (one.address for one in host.connections)
    outside = sorted({address for address in own if not is_loopback(address) and not address.startswith("fe80:")})
    loopback = tuple((address, headers) for address in SITE_ADDRESSES for headers in SITE_HEADERS)
    return (*loopback, *((address, ()) for address in outside[:OWN_ADDRESSES]))


def site_questions(host: HostEvidence, site: Endpoint, files: Mapping[str, tuple[int, str]]) -> tuple[Question, ...]:
    """The site's own address and each of its files, in every way; and the source map that each of them might have."""
    whole = tuple(
        Question(host.name, site.port, site_path(site, path), address, headers)
        for path in ("", *files)
        for address, headers in site_ways(host)
    )
    maps = tuple(f"{path}.map" for path in files if path.endswith(MAPPED))
    return whole + tuple(Question(host.name, site.port, site_path(site, path)) for path in maps)


def sites_of(estate: Estate, hosts: Mapping[str, HostEvidence | Missing]) -> dict[Placement, DistFact]:
    """The static sites that the survey could read."""
    found: dict[Placement, DistFact] = {}
    for placement in estate.placements:
        evidence = hosts.get(placement.host.name)
        dist = evidence.dists.get(placement.service.name) if isinstance(evidence, HostEvidence) else None
        if placement.service.site is not None and isinstance(dist, DistFact):
            found[placement] = dist
    return found
