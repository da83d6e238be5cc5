"""Whether the addresses in a service's settings are reached, and how many connections it holds."""

from __future__ import annotations

import hashlib
import re
import socket
from functools import partial
from typing import Any

from voxgate.probe.base import Job, Trouble
from voxgate.probe.env_files import Env
from voxgate.probe.folder import Folder
from voxgate.probe.registry import Registry
from voxgate.probe.request import Service
from voxgate.probe.turn import aside

BY_SERVICE_RECORD = "mongodb+srv"
PORTS = {
    "redis": 6379, "rediss": 6379, "http": 80, "https": 443, "ws": 80, "wss": 443, "mongodb": 27017, BY_SERVICE_RECORD: 27017,
}  # fmt: skip
REACH = 2.0
LONGEST_PLACE = 260
LAST_PORT = 65535
PLACES_AT_MOST = 20


def stores(service: Service, found: Job, open_sockets: Job) -> dict[str, Any]:
    """For each required setting that is an address: whether this host reaches it, and how many connections the service's
    own processes hold to it. A database is not connected to: it counts its clients. Of the setting nothing is told but the
    addresses and the port that its hosts stand for here (``places``), which of them is connected to (``held``), and the
    sha256 of each ``host:port`` of it (``names``), by which who knows the name knows that it is that one. What a
    ``mongodb+srv`` name stands for no call of the system's says: there every connection to its port counts. Of a Redis that
    is reached, and of a service whose units are numbered, also what the registry has of these (``entries``).
    """
    with Folder(service.folder) as root:
        values = Env(root, service.envs[0]).settings()
    mine = {row["pid"] for row in found.value() if row["unit"] in service.units}
    connections = [row for row in open_sockets.value()["connections"] if mine & set(row["pids"])]
    rows = {}
    for key in service.required_settings:
        scheme, hosts = url_of(values.get(key, ""))
        if scheme not in PORTS:
            continue
        registry = Registry(values[key], service.units)
        outcomes, held = set(), 0
        places: set[tuple[str, int]] = set()
        ends: set[tuple[str, int]] = set()
        if len(hosts) > PLACES_AT_MOST:
            raise Trouble("failed", f"{key} names over {PLACES_AT_MOST} hosts")
        names = {name for name in map(partial(hash_of_name, scheme), hosts) if name}
        for place in hosts:
            if scheme == BY_SERVICE_RECORD:  # its name has no address of its own
                outcome = "not asked" if host_and_port(scheme, place) else "unparsable"
                resolved = {(row["remote_address"], port) for row in connections if (port := row["remote_port"]) == PORTS[scheme]}
            else:
                outcome, resolved = reach(scheme, place, registry)
                places |= resolved
            outcomes.add(outcome)
            mine_there = [row for row in connections if (row["remote_address"], row["remote_port"]) in resolved]
            held += len(mine_there)
            ends |= {(row["remote_address"], row["remote_port"]) for row in mine_there}
        best = next((word for word in ("reached", "not asked") if word in outcomes), min(outcomes))
        rows[key] = {
            "outcome": best, "connections": held, "places": sorted(map(list, places)), "held": sorted(map(list, ends)),
            "names": sorted(names), "entries": registry.entries, "unread": registry.unread,
        }  # fmt: skip
    return rows


URL = re.compile(r"([a-z+]+)://([^/?#]*)(.*)", re.ASCII | re.DOTALL)
OPTION = re.compile(r"[A-Za-z]\w*=[^/?#]*", re.ASCII)
HOST_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?"
PLACE = re.compile(
    r"(?:\[([0-9A-Fa-f:.]{2,45})\]|"
    rf"((?:(?:{HOST_LABEL}\.)*(?=[0-9_-]*[A-Za-z]){HOST_LABEL}|(?:[0-9]{{1,3}}\.){{3}}[0-9]{{1,3}})\.?))"
    r"(?::([0-9]{1,5}))?", re.ASCII,
)  # fmt: skip


def url_of(value: str) -> tuple[str, list[str]]:
    """The scheme of a setting, empty where it is no URL, and its ``host:port`` s. Where a password that is not quoted may have
    cut the URL in another place (a second ``@``, or one behind the host), there is one place that is none: a piece of a secret
    is asked of no name server.
    """
    match = URL.fullmatch(value)
    if match is None:
        return "", []
    scheme, authority, rest = match.groups()
    path, _, query = rest.partition("?")
    if authority.count("@") > 1 or "@" in (path if all(map(OPTION.fullmatch, query.split("&"))) else rest):
        return scheme, [""]
    hosts = authority.rpartition("@")[2]
    return scheme, hosts.split(",") if scheme == "mongodb" else [hosts]


def host_and_port(scheme: str, place: str) -> tuple[str, int] | None:
    """Host and port of ``host:port``, None for what has not that form."""
    match = PLACE.fullmatch(place) if len(place) <= LONGEST_PLACE else None
    if match is None or not 0 < int(match.group(3) or PORTS[scheme]) <= LAST_PORT:
        return None
    return match.group(1) or match.group(2), int(match.group(3) or PORTS[scheme])


def hash_of_name(scheme: str, place: str) -> str:
    """The sha256 of ``host:port``, in small letters and without a last dot; empty for what has not that form."""
    found = host_and_port(scheme, place)
    return hashlib.sha256(f"{found[0].lower().rstrip('.')}:{found[1]}".encode()).hexdigest() if found else ""


def reach(scheme: str, place: str, registry: Registry | None = None) -> tuple[str, set[tuple[str, int]]]:
    """How far a connection to ``host:port`` comes, and what the name stands for. Only what has the form of a host's name or
    address is looked up. A Redis that is reached is asked for what ``registry`` asks, at once.
    """
    found = host_and_port(scheme, place)
    if found is None:
        return "unparsable", set()
    host, port = found
    try:
        with aside():
            rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return "unresolved", set()
    resolved = {(str(row[4][0]), port) for row in rows}
    if scheme == "mongodb":
        return "not asked", resolved
    outcome = "unresolved"
    for family, kind, protocol, _, address in rows:
        try:
            with aside(), socket.socket(family, kind, protocol) as connection:
                connection.settimeout(REACH)
                connection.connect(address)
                if scheme == "redis" and not (registry or Registry("", ())).is_told(connection):
                    outcome = "silent"
                    continue
                return "reached", resolved
        except ConnectionRefusedError:
            outcome = "refused"
        except (TimeoutError, socket.timeout):
            outcome = "timeout"
        except OSError:
            outcome = "unreachable"
    return outcome, resolved
