"""Whose a thing is that an estate does not know, and since when, as far as a look tells: for the comment beside its entry."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from voxgate.model.entry import Entry
from voxgate.model.estate import repository_of
from voxgate.model.evidence import ContainerFact, HostEvidence, Missing, ProcessFact
from voxgate.model.surroundings import SudoRule

_SINCE = re.compile(r"(?:^|, |; )since ([0-9]{4}-[0-9]{2}-[0-9]{2})(?:;|$)")
UNITS = ("boot", "listeners")
"""The words of an estate that name units."""


def origin_of(entry: Entry, host: HostEvidence) -> str:
    """``package prometheus-node-exporter, since 2026-11-28``: who brought it, and since when; empty where the look
    does not tell. An entry of several things is taken by its first.
    """
    word, name = entry.place[0], first_of(entry)
    if word in UNITS:
        return _of_unit(name, host) or _of_containers(
            [one for one in _containers(host) if repository_of(one.image) == name], host
        )
    if word == "keys":
        account = next(iter(entry.value), "") if isinstance(entry.value, Mapping) else entry.place[-1]
        keys = () if isinstance(host.keys, Missing) else host.keys.keys
        mine = [one for one in keys if one.user == account and one.fingerprint == name]
        since = _changed(one.changed for one in mine)
        return ", ".join(filter(None, (mine[0].file, since))) if mine else ""
    if word == "sudo":
        found = next((one for one in rules_of(entry, host) if one.file), None)
        return f"{found.file}, since {day(found.changed)}" if found and found.changed else ""
    if word == "agents" and isinstance(entry.value, tuple) and isinstance(entry.value[0], Mapping):
        image, project = entry.value[0].get("image"), entry.value[0].get("project")
        return _of_containers([one for one in _containers(host) if (one.image, one.project) == (image, project)], host)
    if word == "jobs":
        where = name.partition(": ")[0]
        jobs = () if isinstance(host.jobs, Missing) else host.jobs
        return _of_unit(where, host) or _changed(one.changed for one in jobs if one.where == where)
    if word == "programs":
        return _of_unit(name, host) or _running([one for one in _processes(host) if (one.exe or "") == name])
    if word == "clients" and isinstance(entry.value, tuple) and entry.value and isinstance(entry.value[0], Mapping):
        said = entry.value[0]
        unit, program, account = (str(said.get(key, "")) for key in ("unit", "program", "account"))
        return _of_unit(unit, host) or _running(
            [one for one in _processes(host) if program and (one.exe, one.user) == (program, account)]
        )
    return ""


def rules_of(entry: Entry, host: HostEvidence) -> tuple[SudoRule, ...]:
    """The rules of sudo on a host that an entry of ``[sudo]`` is for: of the account and with the command that it names."""
    if isinstance(host.sudo, Missing) or not isinstance(entry.value, Mapping):
        return ()
    rules = (*host.sudo.rules, *host.sudo.others)
    said = [(holder, command) for holder, commands in entry.value.items() if isinstance(commands, tuple) for command in commands]
    return tuple(one for one in rules if any(one.holder == holder and str(of).endswith(one.command) for holder, of in said))


def first_of(entry: Entry) -> str:
    """The first name that an entry says: of a list its first word, of a table its first key, below the account its first word."""
    value = entry.value
    if entry.place[0] == "keys" and isinstance(value, Mapping):
        value = next(iter(value.values()), "")
    if isinstance(value, Mapping):
        return str(next(iter(value), ""))
    return str(value[0]) if isinstance(value, tuple) and value else str(value)


def _of_unit(name: str, host: HostEvidence) -> str:
    """The package that brought a unit, where one did, and since when its files are what they are."""
    found = None if isinstance(host.units, Missing) else host.units.get(name)
    if found is None or not found.files or not found.changed:
        return ""
    if found.package:
        return f"package {found.package}, since {day(found.changed)}"
    return f"since {day(found.changed)}"


def _of_containers(containers: Iterable[ContainerFact], host: HostEvidence) -> str:
    """Since when what is in them runs."""
    ids = {one.id[:12] for one in containers}
    rows = [one for one in _processes(host) if ids and one.container[:12] in ids]
    return f"{_running(rows)}, by docker compose" if rows else ""


def _running(rows: list[ProcessFact]) -> str:
    """The units of what runs, and since when."""
    if not rows:
        return ""
    units = ", ".join(sorted({one.unit for one in rows if one.unit}))
    return f"{f'of {units}, ' if units else ''}runs since {day(min(one.started for one in rows))}"


def _changed(times: Iterable[float]) -> str:
    """Since when a file is what it is."""
    newest = max(times, default=0.0)
    return f"since {day(newest)}" if newest else ""


def _processes(host: HostEvidence) -> tuple[ProcessFact, ...]:
    return () if isinstance(host.processes, Missing) else host.processes


def _containers(host: HostEvidence) -> tuple[ContainerFact, ...]:
    return () if isinstance(host.engines, Missing) else host.engines.containers


def said_of_all(entries: Sequence[Entry]) -> tuple[list[Entry], str]:
    """The same without the day since when most of them are as they are, and that day, to be said once; "" where there is none."""
    days = Counter(found[1] for one in entries for found in [_SINCE.search(one.origin)] if found)
    common, count = next(iter(days.most_common(1)), ("", 0))
    if count * 2 <= len(entries):
        return list(entries), ""
    since = re.compile(rf"(?:^|, )since {common}$")
    return [
        replace(one, origin="; ".join(filter(None, (since.sub("", part) for part in one.origin.split("; "))))) for one in entries
    ], common


def day(moment: float) -> str:
    """A day, UTC; a number that is none, as a host may say, stays one."""
    try:
        return time.strftime("%Y-%m-%d", time.gmtime(moment))
    except (ValueError, OverflowError, OSError):
        return f"{moment:g}"
