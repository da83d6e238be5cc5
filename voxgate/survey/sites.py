"""How a static site is asked for: at which port, by which ways, under which names, for which files."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from voxgate.errors import ContractError
from voxgate.model.digits import port_in
from voxgate.model.evidence import DistFact, HostEvidence, Missing
from voxgate.model.front import HTTP, HTTPS
from voxgate.model.look import Question
from voxgate.model.where import Names
from voxgate.survey.browsers import BROWSERS, RETURNING, called
from voxgate.survey.findings import is_loopback

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from voxgate.model.estate import Estate, Placement
    from voxgate.model.front import Front
    from voxgate.model.service import Endpoint

SITE_ADDRESSES = ("127.0.0.1", "::1")
OWN_ADDRESSES = 4  # by more of them only the site's own address is asked for
QUESTIONS_AT_MOST = 20_000  # to one site: each of its lists has an end, but what they make together has none
WORDS_AT_MOST = 6 * 1024 * 1024  # characters of these questions: names of files and of servers, as the host says them
# What a web server must never hand out, each asked for as it would be by whoever looks for it.
STATUS = ("/server-status", "/nginx_status")  # numbers for operators: rightly served to the host itself, and to nobody else
HIDDEN = (
    "/.env", "/.git/HEAD", "/.git/config", "/.vite/manifest.json", "/package.json", "/package-lock.json", "/vite.config.js",
    "/src/main.js", "/node_modules/", "/builds/", "/dist/", "/assets/", "/index.html.map", "/assets../.env", "/%2e%2e/.env",
    "/assets/..%2f..%2f.env", *STATUS,
)  # fmt: skip
NO_PAGE = "voxgate-asks-for-what-is-not-there"
MAPPED = (".js", ".css")
GZIP = (("Accept-Encoding", "gzip"),)
WILDCARDS = {"0.0.0.0": False, "::": True}  # True for IPv6  # noqa: S104 - found on a host, not bound here
_DNS = re.compile(r"(?=.{1,253}$)[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*")


class Way(NamedTuple):
    """One way to ask for a page: from which host, at which address and port, with which headers, by TLS for which name."""

    asker: str
    address: str
    port: int
    headers: tuple[tuple[str, str], ...] = ()
    tls: str = ""

    def question(self, site: Endpoint, path: str) -> Question:
        """A file of the site, asked for in this way."""
        return self.asked(site_path(site, path))

    def asked(self, path: str) -> Question:
        """A path, asked for in this way."""
        return Question(self.asker, self.port, path, self.address, self.headers, self.tls)

    def __str__(self) -> str:
        """In words."""
        by = called(self.headers)
        shown = [(name, value) for name, value in self.headers if name == "Host" or (not by and name != "X-Forwarded-Proto")]
        said = [f"{name} {value}" if name == "Host" else value for name, value in shown]
        said = [*said, f"as {by}"] if by else said or ["plain"]
        return f"from {self.asker} by {self.address}, {', '.join(said)}{', TLS' if self.tls else ''}"


class Named(NamedTuple):
    """What nginx has under a name: as its configuration writes it, and whether any server of it serves files."""

    written: str
    serves: bool


@dataclass(frozen=True, slots=True)
class Entrance:
    """Where a host is asked for its site: at the service's own port by whatever name, or as the estate's ``front`` says.
    ``outside`` is who asks from outside and at which address, None where the estate does not say; ``others`` are names by which
    something else is served there.
    """

    host: str
    port: int
    outside: tuple[str, str] | None
    front: Front | None = None
    others: Names = field(default_factory=lambda: Names(()))

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """What each request says."""
        return self.front.headers if self.front else ()

    @property
    def tls(self) -> str:
        """The name that is asked for by TLS, empty where the host is asked by plain HTTP."""
        return self.front.name if self.front and self.front.served_by_tls else ""

    @property
    def leads_there(self) -> int | None:
        """The port on which people who type the bare name are sent on to the right one; None where there is none."""
        return HTTP if self.tls and self.port == HTTPS else None

    @property
    def main(self) -> Way:
        """The way in which people ask, as far as the estate says it: else by loopback."""
        if self.front is None or self.outside is None:
            return Way(self.host, SITE_ADDRESSES[0], self.port)
        return self.way(*self.outside, BROWSERS[0].headers)

    @property
    def public(self) -> Way:
        """The way by which it is seen what others than the host itself get, where the estate says one: else the main one."""
        return self.main if self.outside is None else self.way(*self.outside, BROWSERS[0].headers)

    def way(self, asker: str, address: str, headers: tuple[tuple[str, str], ...] = ()) -> Way:
        """A way in at an address, with more headers."""
        return Way(asker, address, self.port, (*self.headers, *headers), self.tls)


def entrance_of(estate: Estate, placement: Placement) -> Entrance | None:
    """Where a host is asked for the site of a service; None for a service that has none."""
    site, host = placement.service.site, placement.host
    if site is None:
        return None
    outside = (estate.seen_from, host.address) if estate.seen_from else None
    others = Names(tuple(one.lower() for one in estate.others))
    return Entrance(host.name, estate.front.own_port if estate.front else site.port, outside, estate.front, others)


def proxied(estate: Estate, placement: Placement) -> Question | None:
    """What is asked for the health of a service through the web server before it: on the port that people use."""
    endpoint = placement.service.proxied_health
    if endpoint is None:
        return None
    front = estate.front
    if front is None or estate.seen_from is None:
        return Question(placement.host.name, endpoint.port, endpoint.path)
    tls = front.name if front.served_by_tls else ""
    return Question(estate.seen_from, front.own_port, endpoint.path, placement.host.address, front.headers, tls)


def api_asked(estate: Estate, placement: Placement) -> tuple[tuple[Question, Question], ...]:
    """What of a service's API is asked for, each directly and as people's browsers ask, through the web server before it: a page
    of it, and one beside that which it has not, as the web server may lead one page alone there.
    """
    page, direct = placement.service.proxied_api, placement.service.health
    if page is None or direct is None:
        return ()
    host, front, asker = placement.host, estate.front, estate.seen_from
    headers = (*(front.headers if front else ()), *BROWSERS[0].headers)
    tls = front.name if front is not None and front.served_by_tls else ""
    where = (asker, host.address) if asker else (host.name, SITE_ADDRESSES[0])
    way = Way(*where, front.own_port if front and asker else page.port, headers, tls if asker else "")
    beside = page.path.rpartition("/")[0]
    paths = (page.path, f"{beside}/{NO_PAGE}") if beside else (page.path,)
    return tuple((Question(host.name, direct.port, path), way.asked(path)) for path in paths)


def balanced(estate: Estate) -> Question | None:
    """The console as it is found from outside where that is not at the hosts themselves; None where it is."""
    front = estate.front
    if front is None or estate.seen_from is None or not front.tls or (front.plain is None and front.at is None):
        return None
    return Question(estate.seen_from, front.port, "/", front.at or front.name, (("Host", front.authority),), front.name)


def site_path(site: Endpoint, path: str) -> str:
    """The URL path of one file of a site, quoted; ``""`` is the site's own address."""
    return f"{site.path.rstrip('/')}/{quote(path)}"


def site_ways(host: HostEvidence, entrance: Entrance) -> tuple[Way, ...]:
    """Each way to ask for a file of a site: by loopback, plain and with gzip; plain by each of the host's own addresses, as a
    web server may serve those something else; and from outside, as it may serve loopback alone, in a browser's words. Where the
    estate says how people reach it, these are the addresses on which something listens there.
    """
    own = _own(host, entrance.port, entrance)
    ways = [entrance.way(host.name, one, headers) for one in own if one in SITE_ADDRESSES for headers in ((), GZIP)]
    ways += [entrance.way(host.name, one) for one in own if one not in SITE_ADDRESSES][:OWN_ADDRESSES]
    return (*ways, *((entrance.public,) if entrance.outside else ()))


def people_ask(site: Endpoint, entrance: Entrance, deep_links: Sequence[str]) -> tuple[tuple[Way, str], ...]:
    """As whom the page is asked for besides, and by which path, each from where people are: by the other browsers; by one that
    was there before, and has an older page; and by that one for what the page's program shows by itself (``deep_links``).
    """
    asker, address = entrance.public[:2]
    again = entrance.way(asker, address, (*BROWSERS[1].headers, *RETURNING))
    first = [entrance.way(asker, address, one.headers) for one in BROWSERS[1:]]
    return (*((way, site_path(site, "")) for way in (*first, again)), *((again, path) for path in deep_links))


def page_ways(host: HostEvidence, entrance: Entrance) -> Iterator[Way]:
    """The ways in which the site's own address alone is asked for besides: by the other addresses of the host, and by each
    name that its web server knows, on every address that it may have a server of its own for.
    """
    own = _own(host, entrance.port, entrance)
    places = [(host.name, one) for one in own] + ([entrance.outside] if entrance.outside else [])
    for address in [one for one in own if one not in SITE_ADDRESSES][OWN_ADDRESSES:]:
        yield entrance.way(host.name, address)
    for name in named_sites(host, entrance.port, entrance):
        tls = entrance.tls and (name if _DNS.fullmatch(name) else entrance.tls)
        for place in places:
            yield Way(*place, entrance.port, (("Host", name),), tls)
    if entrance.leads_there is not None:
        for name in named_sites(host, entrance.leads_there, entrance):
            for address in _own(host, entrance.leads_there, entrance):
                yield Way(host.name, address, entrance.leads_there, (("Host", name),))


def leading_ways(host: HostEvidence, entrance: Entrance) -> tuple[Way, ...]:
    """The ways in which people ask who type the bare name: by plain HTTP, on each address on which something listens for it."""
    port = entrance.leads_there
    return () if port is None else tuple(Way(host.name, one, port, entrance.headers) for one in _own(host, port, entrance))


def named_sites(host: HostEvidence, port: int, entrance: Entrance) -> dict[str, Named]:
    """Each name that a server of nginx on that port is asked for by. A name with ``*`` stands for one that it fits; one that is a
    regular expression cannot be asked for: what is served there, its roots say. The console's own name is none of them, nor what
    the estate says is something else.
    """
    found: dict[str, Named] = {}
    for one in () if isinstance(host.nginx, Missing) else host.nginx.sites:
        if any(_port_of(listen) == port for listen in one.listens):
            for name in one.names:
                asked = name.replace("*", "voxgate").lstrip(".")
                if asked and not name.startswith("~") and "$" not in name and not _is_said(name, asked, entrance):
                    found[asked] = Named(name, one.serves or (asked in found and found[asked].serves))
    return found


def _is_said(name: str, asked: str, entrance: Entrance) -> bool:
    """True for the name that people use, and for one of something else."""
    own = entrance.front.name if entrance.front else ""
    return asked.lower() == own or name.lower() in entrance.others


def _port_of(listen: str) -> int | None:
    """The port of ``80``, ``*:80``, ``[::]:80``, ``192.0.2.1`` (that is 80); None for a socket's path."""
    if listen.startswith("unix:"):
        return None
    last = listen.rpartition("]")[2].rpartition(":")[2]
    found = port_in(last)
    return HTTP if found is None else found


def _own(host: HostEvidence, port: int, entrance: Entrance) -> tuple[str, ...]:
    """The addresses at which the host is asked: loopback first, then those that others can connect to. Where the estate says how
    people reach the site, only those on which something listens: one that nobody uses may be closed.
    """
    every = (*SITE_ADDRESSES, *_reached(host))
    if entrance.front is None or isinstance(host.listeners, Missing):
        return every
    found = {one.address for one in host.listeners if one.port == port}
    wide = {WILDCARDS[one] for one in found & WILDCARDS.keys()}
    if wide == {True} and all(":" in one for one in found) and entrance.outside and ":" not in entrance.outside[1]:
        wide |= {False}  # one socket takes both kinds: the kernel does not tell, but people come by the other one
    return tuple(one for one in every if one in found or (":" in one) in wide)


def _reached(host: HostEvidence) -> tuple[str, ...]:
    """The host's own addresses that others can connect to."""
    own = () if isinstance(host.addresses, Missing) else host.addresses
    return tuple(sorted(one for one in own if not is_loopback(one) and not one.startswith("fe80:")))


def site_questions(
    host: HostEvidence,
    site: Endpoint,
    files: Mapping[str, tuple[int, str]],
    entrance: Entrance,
    deep_links: Sequence[str] = (),
) -> tuple[Question, ...]:
    """The site's own address and each of its files, in every way; what people ask for besides; and the source map that each file
    might have. Raises ContractError where the host would have more asked than any site of ours needs.
    """
    found: list[Question] = []
    left = WORDS_AT_MOST
    for one in islice(_of_site(host, site, files, entrance, deep_links), QUESTIONS_AT_MOST + 1):
        found.append(one)
        left -= len(one.path) + sum(len(value) for _, value in one.headers) + len(one.tls)
        if left < 0:
            break
    if len(found) > QUESTIONS_AT_MOST or left < 0:
        why = f"{len(files)} files, {len(named_sites(host, entrance.port, entrance))} names, {len(_reached(host))} addresses"
        what = f"its site cannot be asked for in {QUESTIONS_AT_MOST} questions of {WORDS_AT_MOST >> 20} MB"
        raise ContractError(what, where=host.name, why=why)
    return tuple(dict.fromkeys(found))


def _of_site(
    host: HostEvidence, site: Endpoint, files: Mapping[str, tuple[int, str]], entrance: Entrance, deep_links: Sequence[str]
) -> Iterator[Question]:
    yield from (way.asked(path) for way, path in people_ask(site, entrance, deep_links))
    ways = site_ways(host, entrance)
    for path in ("", *files):
        for way in ways:
            yield way.question(site, path)
    for way in page_ways(host, entrance):
        yield way.question(site, "")
    for way in leading_ways(host, entrance):
        yield way.question(site, "")
        yield from (way.asked(path) for path in HIDDEN)
    for path in files:
        if path.endswith(MAPPED):
            yield entrance.main.question(site, f"{path}.map")


def sites_of(estate: Estate, hosts: Mapping[str, HostEvidence | Missing]) -> dict[Placement, DistFact]:
    """The static sites that the survey could read."""
    found: dict[Placement, DistFact] = {}
    for placement in estate.placements:
        evidence = hosts.get(placement.host.name)
        dist = evidence.dists.get(placement.service.name) if isinstance(evidence, HostEvidence) else None
        if placement.service.site is not None and isinstance(dist, DistFact):
            found[placement] = dist
    return found
