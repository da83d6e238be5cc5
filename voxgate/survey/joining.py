"""Looks at parts of an estate, joined to one look at the whole; and every reason why they are none together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from voxgate.errors import EstateError
from voxgate.model.counting import counted
from voxgate.model.estate import Estate
from voxgate.model.evidence import Missing
from voxgate.model.look import Evidence, Look
from voxgate.model.release import PutBack, RemoteView
from voxgate.survey.findings import each_by_itself

APART = timedelta(minutes=30)
"""Parts that were looked at further apart than this are no look at one estate."""


def join(parts: Mapping[str, Evidence]) -> Evidence:
    """All hosts, answers and databases of the parts (by their names) in one. Raises EstateError for none, and if two parts
    looked at one host: nobody could say which of them is true.
    """
    if not parts:
        raise EstateError("there is no part to join")
    seen: dict[str, str] = {}
    for name, part in parts.items():
        for host in part.second.hosts:
            if host in seen:
                raise EstateError(f"{host} is in two parts", where=f"{seen[host]}, {name}", hint="give each part once")
            seen[host] = name
    looks = list(parts.values())
    remotes: dict[str, RemoteView | Missing] = {}
    for part in sorted(looks, key=lambda one: one.second.taken):
        for service, view in part.remotes.items():
            remotes[service] = _better(remotes.get(service), view)
    remotes = {service: _of_hosts(view, service, looks) for service, view in remotes.items()}
    works = tuple(dict.fromkeys(work for part in looks for work in part.works))
    changes = {host: said for part in looks for host, said in part.changes.items() if host in part.second.hosts}
    return Evidence(_joined([one.first for one in looks]), _joined([one.second for one in looks]), remotes, works, changes)


def disagreements(estate: Estate, parts: Mapping[str, Evidence]) -> tuple[str, ...]:
    """Why the parts are no look at the whole: hosts that no part looked at, other releases, other times."""
    seen = {host for part in parts.values() for host in part.second.hosts}
    lost = [host.name for host in estate.hosts if host.name not in seen]
    found = [f"no part looked at {', '.join(lost)}"] if lost else []
    for service in estate.services:
        wanted = {
            name: view.release
            for name, part in parts.items()
            if isinstance(view := part.remotes.get(service.name), RemoteView) and view.release is not None
        }
        if len({release.commit for release in wanted.values()}) > 1:
            said = ", ".join(f"{release} in {name}" for name, release in wanted.items())
            found.append(f"the parts are of different releases of {service.name}: {said}")
        here = {one.host.name for one in estate.placements if one.service == service}
        without = [
            name for name, part in parts.items() if not here.isdisjoint(part.second.hosts) and _has_none(part, service.name)
        ]
        if wanted and without:
            said = ", ".join(f"{release} in {name}" for name, release in wanted.items())
            found.append(f"no release of {service.name} passed the gate in {', '.join(without)}, and {said} did")
    times = [part.second.taken for part in parts.values()]
    if times and max(times) - min(times) > APART.total_seconds():
        found.append(f"the parts were looked at {counted(round((max(times) - min(times)) / 60), 'minute')} apart")
    return tuple(found)


def _has_none(part: Evidence, service: str) -> bool:
    """True where the hosts of a part know of no release of a service."""
    view = part.remotes.get(service)
    return isinstance(view, RemoteView) and view.release is None


def _better(one: RemoteView | Missing | None, other: RemoteView | Missing) -> RemoteView | Missing:
    """The later view, but never one without a release over one that knows it."""
    if isinstance(one, RemoteView) and (isinstance(other, Missing) or (other.release is None and one.release is not None)):
        return one
    return other


def _of_hosts(view: RemoteView | Missing, service: str, parts: list[Evidence]) -> RemoteView | Missing:
    """The view with what each part had from its own hosts: what was judged good there, and what was put back."""
    if isinstance(view, Missing):
        return view
    put_back, judged = dict[str, PutBack](), dict[str, str]()
    for part in parts:
        own = part.remotes.get(service)
        if isinstance(own, RemoteView):
            put_back |= {host: one for host, one in own.put_back.items() if host in part.second.hosts}
            judged |= {host: one for host, one in own.judged.items() if host in part.second.hosts}
    return replace(view, put_back=put_back, judged=judged)


def _joined(looks: list[Look]) -> Look:
    """Several looks as one, taken when the last of them was. That two hosts have one key shows only in all of them together."""
    return Look(
        taken=max(look.taken for look in looks),
        hosts=each_by_itself({name: host for look in looks for name, host in look.hosts.items()}),
        answers={question: answer for look in looks for question, answer in look.answers.items()},
        databases={name: view for look in looks for name, view in look.databases.items()},
    )
