"""Routes: what the console's web server does with each path is known."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from voxgate.model.advice import quoted
from voxgate.model.entry import Entry
from voxgate.model.evidence import known
from voxgate.plugin import invariant, say_all
from voxgate.survey.commands import NGINX_RELOADED, edit_where
from voxgate.survey.serving import NGINX, told

if TYPE_CHECKING:
    from voxgate.model.estate import Estate, Placement
    from voxgate.model.look import Evidence
    from voxgate.model.web_servers import RouteFact, SiteFact

CODE = re.compile(
    r"html|javascript|ecmascript|css|svg|xml|wasm", re.IGNORECASE
)  # in types that a browser runs, or shows as a page
HERE = ("127.0.0.1", "[::1]", "localhost")
SAME = re.compile(r"/|https://\S*|(?:http|\$scheme)://(?:\$host|\$server_name|\$http_host)\S*")
NAMED = re.compile(r"(?:= |~\*? |\^~ )?[/@^(\\.]\S{0,190}")  # what an estate may name


@invariant(
    per="placement",
    guards="secrets",
    services=("console",),
    faults=("console-script-beside", "console-by-network", "console-by-who-asks", "backend-api-proxied-nowhere"),
    threats=("served",),
)
def test_console_routes_are_known(placement: Placement, estate: Estate, evidence: Evidence) -> None:
    """What is asked for at the console's address is a file of the build, or the page; or it is passed on to a service of the
    estate, sent on to https, or refused. Nothing besides is code that browsers run in the console's name, nothing changes the
    page on its way, and nobody gets another one by who he is, whatever it is that tells him apart. So nginx's own configuration
    of the servers that serve the build has nothing else, but for the locations that the estate names (routes in [console]). Plain
    text and JSON of nginx's own are for machines. Not seen: what is behind a location that is named; where the API is led, on an
    estate without the backend; what another server before this one does.
    """
    where = placement.host.name
    host = evidence.second.host(where)
    has_api = any(one.proxied_health or one.proxied_api for one in estate.services)
    near = _near(placement, estate, evidence) if has_api else None
    wrong: dict[tuple[str, str], Entry | None] = {}
    for site in known(host.nginx).sites:
        for route in site.routes if _is_console(site, placement, estate) else ():
            what = "" if route.where in estate.routes else _wrong(route, near)
            if what:
                said = route.to if route.does in {"passes", "tells apart"} else route.where.rpartition(" ")[2]
                do = f"take it out: {edit_where(f'-rlF -- {quoted(said)}', NGINX)}, then {NGINX_RELOADED}"
                is_named = NAMED.fullmatch(route.where) is not None
                wrong[what, do] = Entry(("console", "routes"), (route.where,)) if is_named else None
    found, do = told(tuple(wrong))
    entries = [one for one in wrong.values() if one is not None]
    assert not wrong, say_all(where, found, do, estate=estate.name, entries=entries if len(entries) == len(wrong) else ())


def _is_console(site: SiteFact, placement: Placement, estate: Estate) -> bool:
    """True for a server that serves the build; not by the names of something else alone."""
    others = {one.lower() for one in estate.others}
    of_others = bool(site.names) and all(name.lower() in others for name in site.names)
    served = [row.to.rstrip("/") for row in site.routes if row.does == "serves"]
    return not of_others and f"{placement.service.folder}/dist" in served


def _near(placement: Placement, estate: Estate, evidence: Evidence) -> set[str]:
    """Every address and port of the estate that something may be passed on to: what is to listen on its hosts."""
    found: set[str] = set()
    for host in estate.hosts:
        look = evidence.second.hosts.get(host.name)
        own = getattr(look, "addresses", ())
        places = {host.address, host.name, *(own if isinstance(own, tuple) else ()), *(HERE if host == placement.host else ())}
        ports = {one.port for one in estate.listeners_on(host) if host == placement.host or not one.loopback}
        found |= {f"{f'[{place}]' if ':' in place and place[0] != '[' else place}:{port}" for place in places for port in ports}
    return found


def _wrong(route: RouteFact, near: set[str] | None) -> str:
    """Why a route is none of the console's; empty for one that is. Where nobody says what the API is, ``near`` is None."""
    match route.does:
        case "answers" if CODE.search(route.to):
            return f"nginx answers {route.where} itself, with {route.to}: that is no file of the build"
        case "passes" if near is not None and route.to not in near:
            return f"nginx passes {route.where} on to {route.to}, where nothing of the estate listens"
        case "sends" if not SAME.fullmatch(route.to):
            return f"nginx sends people from {route.where} on to {route.to}"
        case "changes" | "runs":
            return f"nginx makes something else of what is served at {route.where}, by {route.to}"
        case "tells apart":
            return f"nginx serves at {route.where} by who asks, told apart by {route.to}"
        case "more":
            return "nginx has more routes than are looked at"
        case _:
            return ""
