"""The commands that hints have typed, by what they are for. Of what a host says only numbers and quoted words come into one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxgate.errors import Blind
from voxgate.model.advice import quoted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from voxgate.model.estate import Estate, Host, Placement
    from voxgate.model.look import Evidence
    from voxgate.model.service import Service

RELOADED = "systemctl daemon-reload"
NGINX_RELOADED = "`nginx -t && systemctl reload nginx`"
NGINX_RESTARTED = "`nginx -t && systemctl restart nginx`"


def deploy_first(estate: Estate) -> str:
    """All services, where none of them ever passed: one alone would find the others missing."""
    return f"`make gate ESTATE={quoted(estate.name)}`"


def deploy_again(service: Service, estate: Estate, evidence: Evidence) -> str:
    """The very release that must be there, once more: without its tag the newest one would be deployed, by whoever is awake."""
    try:
        release = evidence.remote(service.name).release
    except Blind:
        release = None
    tag = f" TAG={quoted(release.tag)}" if release is not None and release.tag else ""
    return f"`make gate ESTATE={quoted(estate.name)} SERVICE={service.name}{tag}`"


def releases_of(estate: Estate) -> str:
    """Which may be deployed."""
    return f"`make releases ESTATE={quoted(estate.name)}` lists what may be deployed"


def enrol(host: Host, estate: Estate) -> str:
    """Put the unit files and rights of a host there, as they must be."""
    return f"`uv run voxgate enrol {host.name} --estate {quoted(estate.name)} | ssh YOU@{host.address} sudo bash`"


def why(*units: str) -> str:
    """What units said last."""
    return f"`journalctl -n 50 --no-pager {' '.join(f'-u {quoted(unit)}' for unit in units)}` says why"


def restart(*units: str) -> str:
    """Restart them."""
    return f"`systemctl restart {quoted(*units)}`"


def listening(port: int) -> str:
    """Who listens on a port."""
    return f"`ss -ltnp 'sport = :{port}'` says who listens there"


def end(pids: Iterable[int]) -> str:
    """End processes."""
    return f"`kill {' '.join(map(str, sorted(set(pids))))}`"


def as_owner(placement: Placement, *words: str) -> str:
    """What is done in a service's folder, by the account that it belongs to: root would follow the links of that account's."""
    return f"`sudo -u {placement.host.user or 'ACCOUNT'} {quoted(*words)}`"
