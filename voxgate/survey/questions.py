"""The HTTP questions of a look: which there are follows from the estate, and for a static site from what is on disk."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from voxgate.errors import ContractError
from voxgate.model.digits import port_in
from voxgate.model.evidence import DistFact, HostEvidence, Missing
from voxgate.model.look import Question
from voxgate.model.service import Role
from voxgate.survey.findings import is_loopback

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from voxgate.model.estate import Estate, Host, PlacedUnit, Placement
    from voxgate.model.service import Endpoint

SITE_ADDRESSES = ("127.0.0.1", "::1")
OWN_ADDRESSES = 4  # by more of them only the site's own address is asked for
QUESTIONS_AT_MOST = 20_000  # to one site: each of its lists has an end, but what they make together has none
HTTP_PORT = 80
# What a web server must never hand out, each asked for as it would be by whoever looks for it.
HIDDEN = (
    "/.env", "/.git/HEAD", "/.git/config", "/.vite/manifest.json", "/package.json", "/package-lock.json", "/vite.config.js",
    "/src/main.js", "/node_modules/", "/builds/", "/dist/", "/assets/", "/index.html.map", "/assets../.env", "/%2e%2e/.env",
    "/assets/..%2f..%2f.env", "/server-status", "/nginx_status",
)  # fmt: skip
MAPPED = (".js", ".css")
GZIP = (("Accept-Encoding", "gzip"),)
SITE_HEADERS: tuple[tuple[tuple[str, str], ...], ...] = ((), GZIP)


Outside = tuple[str, str]


class Way(NamedTuple):
    """One way to ask for a page: from which host, at which address, with which headers."""

    asker: str
    address: str
    headers: tuple[tuple[str, str], ...] = ()

    def question(self, site: Endpoint, path: str) -> Question:
        """A file of the site, asked for in this way."""
        return Question(self.asker, site.port, site_path(site, path), self.address, self.headers)

    def __str__(self) -> str:
        """In words."""
        said = [f"{name} {value}" if name == "Host" else value for name, value in self.headers] or ["plain"]
        return f"from {self.asker} by {self.address}, {', '.join(said)}"


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


def site_ways(host: HostEvidence, outside: Outside | None = None) -> tuple[Way, ...]:
    """Each way to ask for a file of a site: by loopback, plain and with gzip; plain by each of the host's own addresses, as a
    web server may serve those something else; and from outside, as it may serve loopback alone.
    """
    ways = [Way(host.name, address, headers) for address in SITE_ADDRESSES for headers in SITE_HEADERS]
    ways += [Way(host.name, address) for address in _reached(host)[:OWN_ADDRESSES]]
    return (*ways, *((Way(*outside),) if outside else ()))


def page_ways(host: HostEvidence, port: int, outside: Outside | None = None) -> Iterator[Way]:
    """The ways in which the site's own address alone is asked for besides: by the other addresses of the host, and by each
    name that its web server knows, on every address that it may have a server of its own for.
    """
    places = [(host.name, address) for address in (*SITE_ADDRESSES, *_reached(host))] + ([outside] if outside else [])
    for address in _reached(host)[OWN_ADDRESSES:]:
        yield Way(host.name, address)
    for name in named_sites(host, port):
        for place in places:
            yield Way(*place, (("Host", name),))


def named_sites(host: HostEvidence, port: int) -> dict[str, bool]:
    """Each name that a server of nginx on that port is asked for by, and whether any of these serves files. A name with ``*``
    stands for one that it fits; one that is a regular expression cannot be asked for: what is served there, its roots say.
    """
    found: dict[str, bool] = {}
    for one in () if isinstance(host.nginx, Missing) else host.nginx.sites:
        if any(_port_of(listen) == port for listen in one.listens):
            for name in one.names:
                asked = name.replace("*", "voxgate").lstrip(".")
                if asked and not name.startswith("~") and "$" not in name:
                    found[asked] = found.get(asked, False) or one.serves
    return found


def _port_of(listen: str) -> int | None:
    """The port of ``80``, ``*:80``, ``[::]:80``, ``192.0.2.1`` (that is 80); None for a socket's path."""
    if listen.startswith("unix:"):
        return None
    last = listen.rpartition("]")[2].rpartition(":")[2]
    found = port_in(last)
    return HTTP_PORT if found is None else found


def _reached(host: HostEvidence) -> tuple[str, ...]:
    """The host's own addresses that others can connect to."""
    own = () if isinstance(host.addresses, Missing) else host.addresses
    return tuple(sorted(one for one in own if not is_loopback(one) and not one.startswith("fe80:")))


def site_questions(
    host: HostEvidence, site: Endpoint, files: Mapping[str, tuple[int, str]], outside: Outside | None = None
) -> tuple[Question, ...]:
    """The site's own address and each of its files, in every way; and the source map that each of them might have. Raises
    ContractError where the host would have more asked than any site of ours needs.
    """
    found = tuple(islice(_of_site(host, site, files, outside), QUESTIONS_AT_MOST + 1))
    if len(found) > QUESTIONS_AT_MOST:
        why = f"{len(files)} files, {len(named_sites(host, site.port))} names, {len(_reached(host))} addresses"
        raise ContractError(f"its site cannot be asked for in {QUESTIONS_AT_MOST} questions", where=host.name, why=why)
    return found


def _of_site(
    host: HostEvidence, site: Endpoint, files: Mapping[str, tuple[int, str]], outside: Outside | None
) -> Iterator[Question]:
    ways = site_ways(host, outside)
    for path in ("", *files):
        for way in ways:
            yield way.question(site, path)
    for way in page_ways(host, site.port, outside):
        yield way.question(site, "")
    for path in files:
        if path.endswith(MAPPED):
            yield Question(host.name, site.port, site_path(site, f"{path}.map"))


def outside_of(estate: Estate, host: Host) -> Outside | None:
    """The host that asks from outside, and the address by which it does; None where the estate does not say."""
    return (estate.seen_from, host.address) if estate.seen_from else None


def sites_of(estate: Estate, hosts: Mapping[str, HostEvidence | Missing]) -> dict[Placement, DistFact]:
    """The static sites that the survey could read."""
    found: dict[Placement, DistFact] = {}
    for placement in estate.placements:
        evidence = hosts.get(placement.host.name)
        dist = evidence.dists.get(placement.service.name) if isinstance(evidence, HostEvidence) else None
        if placement.service.site is not None and isinstance(dist, DistFact):
            found[placement] = dist
    return found
