"""What may be deployed: the releases on main, and which of them runs where. Pure: lines from what was read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from voxgate.deploy.hosts.state import Found, LastKnownGood
from voxgate.errors import visible
from voxgate.model.estate import Estate
from voxgate.model.evidence import HostEvidence, Missing
from voxgate.model.release import RemoteView, Tag
from voxgate.model.service import Service

MOST = 10
"""Releases of a service that are told, the newest; and all that anything is said of."""


def release_lines(
    estate: Estate,
    views: Mapping[str, RemoteView | Missing],
    found: Mapping[str, Found],
    seen: Mapping[str, HostEvidence | Missing],
) -> tuple[list[str], bool]:
    """For each service its releases on main, the newest first, with what is on which host, what is last known good there, and
    what was before it; and if all of it could be told. ``views`` are the remotes', ``found`` what is written on the hosts,
    ``seen`` the hosts themselves.
    """
    lines: list[str] = []
    whole = True
    for service in estate.services:
        said, unknown = _said_of(estate, service, found, seen)
        view = views[service.name]
        if isinstance(view, Missing):
            unknown.append(f"the remote could not be asked: {view.why}")
            rows = [("", commit[:12], ", ".join(words)) for commit, words in said.items()]
        else:
            rows = list(_rows(view, said))
        width = len(max((tag for tag, commit, _ in rows if commit), key=len, default=""))
        for number, (tag, commit, words) in enumerate(rows):
            lines.append(f"{'' if number else service.name:<9} {tag:<{width}}  {commit:<12}  {words}".rstrip())
        if not rows:
            lines.append(f"{service.name:<9} no release is on main yet")
        lines += [f"{'':<9} not known: {line}" for line in unknown]
        whole = whole and not unknown
    return [visible(line) for line in lines], whole


def _rows(view: RemoteView, said: Mapping[str, list[str]]) -> Iterator[tuple[str, str, str]]:
    """Tag, commit and words of each release on main; then what is on hosts and is none, and how many tags are not on main."""
    tags = sorted((tag for text in view.tags if (tag := Tag.parse(text))), reverse=True)
    on_main = [tag for tag in tags if view.tags[str(tag)] in view.on_main]
    for number, tag in enumerate(on_main):
        commit = view.tags[str(tag)]
        if number < MOST or commit in said:
            yield str(tag), commit[:12], ", ".join(said.get(commit, ()))
    known = {view.tags[str(tag)] for tag in on_main}
    for commit, words in said.items():
        if commit not in known:
            yield "no release on main", commit[:12], ", ".join(words)
    if others := len(tags) - len(on_main):
        yield f"{others} more: not on main, may not be deployed", "", ""


def _said_of(
    estate: Estate, service: Service, found: Mapping[str, Found], seen: Mapping[str, HostEvidence | Missing]
) -> tuple[dict[str, list[str]], list[str]]:
    """By commit what there is to say of it; and what could not be told."""
    hosts: dict[str, dict[str, list[str]]] = {}
    unknown: list[str] = []
    for placement in estate.placements:
        if placement.service.name != service.name:
            continue
        name = placement.host.name
        host, good = seen[name], found[placement.id].good
        checkout = (
            host if isinstance(host, Missing) else host.checkouts.get(service.name, Missing("missing", "no checkout", name))
        )
        if isinstance(checkout, Missing):
            unknown.append(f"what is on {name}: {checkout.why}")
        else:
            hosts.setdefault(checkout.head, {}).setdefault("on", []).append(name)
        if isinstance(good, Missing):
            unknown.append(f"what is last known good on {name}: {good.why}")
        elif isinstance(good, LastKnownGood):
            hosts.setdefault(good.release.commit, {}).setdefault("last known good on", []).append(name)
            if good.previous:
                hosts.setdefault(good.previous.commit, {}).setdefault("before it on", []).append(name)
    return {commit: [f"{word} {' '.join(names)}" for word, names in words.items()] for commit, words in hosts.items()}, unknown
