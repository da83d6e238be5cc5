"""What a first look tells of the services themselves: where they live, and which repositories they are."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from voxgate.model.entry import Entry
from voxgate.model.estate import Estate
from voxgate.model.evidence import HostEvidence, Missing
from voxgate.model.look import Look
from voxgate.model.service import Service

_FOLDER = r"(?:/[A-Za-z0-9](?:-?[A-Za-z0-9._])*)+"
_BY_COMMAND = re.compile(rf"\{{ path=({_FOLDER})/\.venv/bin/")
_BY_SITE = re.compile(rf"({_FOLDER})/dist/?")
_REPOSITORY = re.compile(r".*/([a-z][a-z0-9]*(?:-[a-z0-9]+)*)\.git")


def moved(estate: Estate, seen: Look) -> Iterator[Entry]:
    """The folders of services that live elsewhere than services.toml says: by what their units run, or what nginx serves."""
    for service in estate.services:
        told = [folder for host in estate.hosts_of(service) for folder in _lives_in(service, seen.host(host.name))]
        if told and service.folder not in told:
            ((folder, _),) = Counter(told).most_common(1)
            about = f"as nginx serves the {service.name}" if service.unit is None else f"as {service.unit} has it"
            yield Entry(("services", service.name, "folder"), folder, about)


def _lives_in(service: Service, host: HostEvidence) -> Iterator[str]:
    if service.unit is None:
        roots = () if isinstance(host.nginx, Missing) or host.nginx is None else host.nginx.roots
        yield from (found[1] for root in roots if (found := _BY_SITE.fullmatch(root)))
    elif not isinstance(host.units, Missing):
        facts = [fact for name, fact in host.units.items() if service.owns_unit(name)]
        yield from (found[1] for fact in facts if (found := _BY_COMMAND.match(fact.properties.get("ExecStart", ""))))


def repositories(estate: Estate, seen: Look) -> Iterator[Entry]:
    """The repositories that are checked out where services live, of other names than services.toml says."""
    for service in estate.services:
        for host in estate.hosts_of(service):
            checkout = seen.host(host.name).checkouts.get(service.name)
            found = None if checkout is None or isinstance(checkout, Missing) else _REPOSITORY.fullmatch(checkout.origin)
            if found and found[1] != service.repository:
                yield Entry(("services", service.name, "repository"), found[1], f"as the checkout in {service.folder} has it")
                break
