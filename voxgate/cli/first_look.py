"""The first look at hosts of which nothing is known but addresses: with a probe of ours, or without one and root."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from voxgate.errors import VoxgateError
from voxgate.model.estate import Estate
from voxgate.model.evidence import HostEvidence, Missing
from voxgate.model.look import Look
from voxgate.survey.collect import take_look
from voxgate.transport.ssh.connections import Connections

_OPTIONS = {
    "has no entry for": "say `--known-hosts FILE`, where their keys are pinned already",
    "there is no key to try": "say `--identity FILE`, the key that deploy takes",
}
"""Where no host could be looked at for a word of its error: the option that says what was missing."""


def first_look(estate: Estate) -> tuple[Look, list[str]]:
    """What is there, and which hosts have no probe of ours: these are asked once more, without root. Raises VoxgateError for a
    host that cannot be looked at at all.
    """
    with Connections(estate) as connections:
        seen = take_look(connections, estate)
    lost = [name for name, host in seen.hosts.items() if (why := _not_seen(host)) and why.kind != "unreachable"]
    if lost:
        hosts = tuple(replace(host, probe="stdin") if host.name in lost else host for host in estate.hosts)
        again = replace(estate, hosts=hosts)
        with Connections(again) as connections:
            seen = take_look(connections, again)
    must_have_seen(seen)
    return seen, lost


def must_have_seen(seen: Look) -> None:
    """Each host answered with its processes. Raises VoxgateError for those that did not: nothing could be found there."""
    lost = {name: why for name, host in seen.hosts.items() if (why := _not_seen(host)) is not None}
    if lost:
        kinds: dict[str, list[Missing]] = {}  # what differs by host alone is of one kind
        for one in lost.values():
            kinds.setdefault(one.why.partition(":")[0], []).append(one)
        hints = [_OPTIONS[word] for word in _OPTIONS if any(word in one.why for one in lost.values())]
        hints += [f"{some[0].hint}{_more(some)}" for some in kinds.values() if some[0].hint]
        raise VoxgateError(
            "could not be looked at",
            where=", ".join(lost),
            why="; ".join(f"{some[0].why}{_more(some)}" for some in kinds.values()),
            hint="; or ".join(hints) or "is its address right, and does deploy log in there? README, On your own hosts, 1",
        )


def _more(some: Sequence[Missing]) -> str:
    """Of several that differ by host alone the first is told."""
    others = len({one.why + one.hint for one in some}) - 1
    return f" (and {others} more like it)" if others else ""


def _not_seen(host: HostEvidence | Missing) -> Missing | None:
    """Why nothing of a host could be found, None where it was seen."""
    found = host if isinstance(host, Missing) else host.processes
    return found if isinstance(found, Missing) else None
