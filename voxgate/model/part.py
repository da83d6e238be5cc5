"""A part of an estate: some of its hosts, looked at for themselves; parts are joined again by ``voxgate merge``."""

from __future__ import annotations

import re
from dataclasses import replace

from voxgate.errors import EstateError
from voxgate.model.counting import counted
from voxgate.model.estate import Estate
from voxgate.model.invariant import Invariant, Per, Subject

_SHARD = re.compile(r"([1-9]\d{0,3})/([1-9]\d{0,3})", re.ASCII)
_LOCAL = {Per.HOST, Per.PLACEMENT, Per.UNIT}


def part_of(estate: Estate, hosts: str | None, shard: str | None) -> frozenset[str] | None:
    """The names of the hosts that ``--hosts a,b`` or ``--shard 2/4`` mean, None where neither is given. Shards take hosts in
    turn, so that each gets some of every role. Raises EstateError for what no host is.
    """
    if hosts and shard:
        raise EstateError("say --hosts or --shard, not both")
    if hosts:
        names = [name.strip() for name in hosts.split(",") if name.strip()]
        known = {host.name for host in estate.hosts}
        if not names or not known.issuperset(names):
            strange = ", ".join(name for name in names if name not in known) or "nothing"
            raise EstateError(f"no such host: {strange}", where="--hosts", hint=f"{estate.name} has {', '.join(sorted(known))}")
        return frozenset(names)
    if not shard:
        return None
    found = _SHARD.fullmatch(shard)
    number, count = (int(found[1]), int(found[2])) if found else (1, 0)
    if not 1 <= number <= count <= len(estate.hosts):
        hint = f"2/4 is the second of four; {estate.name} has {counted(len(estate.hosts), 'host')}, each shard needs one"
        raise EstateError(f"{shard!r} is no shard", where="--shard", hint=hint)
    return frozenset(host.name for host in estate.hosts[number - 1 :: count])


def narrowed(estate: Estate, part: frozenset[str] | None) -> Estate:
    """The estate as far as the part goes: its hosts, and the databases that are asked through one of them. Who asks for the
    console from outside, or for a worker as callers do, does so for each part that has it.
    """
    if part is None:
        return estate
    databases = tuple(one for one in estate.databases if (one.via or one.dialler) in part)
    askers = {estate.seen_from, estate.called_from} - part
    beyond = tuple(host for host in estate.hosts if host.name in askers)
    hosts = tuple(host for host in estate.hosts if host.name in part)
    return replace(estate, hosts=hosts, databases=databases, beyond=beyond, whole=estate)


def is_within(rule: Invariant, subject: Subject, part: frozenset[str]) -> bool:
    """True for what a part can be judged by: rules on one host, one service on a host, one unit."""
    return rule.per in _LOCAL and subject.host in part
