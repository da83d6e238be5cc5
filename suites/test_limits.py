"""Limits and company: what the kernel grants a service's process, and who else is where it is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from voxgate.errors import Blind
from voxgate.model.advice import quoted
from voxgate.model.evidence import known
from voxgate.plugin import invariant, say_all, say_each
from voxgate.survey.commands import edit_where, end, look_again, restart
from voxgate.survey.findings import is_started_by_its_unit

if TYPE_CHECKING:
    from voxgate.model.estate import Estate, PlacedUnit
    from voxgate.model.look import Evidence

_TO_ALL = ("/etc/systemd/system.conf", "/etc/systemd/system.conf.d")
_BY_DEFAULT = ("open files", "processes", "stack size", "address space", "data size", "file size", "cpu time", "pids.max")
_OF_SLICE = re.compile(r".* of (\S+\.slice) in (/.*)", re.DOTALL)


@invariant(per="unit", faults=("slice-limits-the-workers", "limits-by-default", "worker-goes-last"), threats=("limits",))
def test_process_gets_what_its_unit_says(unit: PlacedUnit, estate: Estate, evidence: Evidence) -> None:
    """A worker that may open 64 files, has a twentieth of a processor or runs only when no other wants to is up in every look,
    and cuts calls under load. What the kernel grants the unit's processes is read from the kernel: limits, nice and policy of
    each thread, processors, turn at the disks, the cgroups up to the host's own root; and of their slices what lies on the disk.
    None of it is less than a service gets that nobody limits, but for what the unit's own files say. Not seen: what limits the
    host as a whole, also by its hypervisor; cgroups of version 1; the processors of all, where system.conf takes them away.
    """
    where, name = unit.host.name, unit.unit
    host = evidence.second.host(where)
    rows = [one for one in known(host.runtimes[unit.service.name]).processes if one.unit == name]
    if not rows and any(one.unit == name for one in known(host.processes)):
        raise Blind("none of its processes was looked into", where=f"{where} {name}", hint=look_again(estate))
    wrong: dict[str, str] = {}
    for one in rows:
        for less in one.less:
            in_slice = _OF_SLICE.fullmatch(less)
            if in_slice:
                wrong[less] = f"`systemctl revert {quoted(in_slice[1])}`, then {restart(name)}"
            else:
                again = f"where systemd gives it to all, {edit_where('-rl ^Default', *_TO_ALL)}, `systemctl daemon-reexec`; "
                by_default = any(less.startswith(f"{word} ") for word in _BY_DEFAULT)
                wrong[f"process {one.pid} of {name} has {less}"] = f"{again if by_default else ''}{restart(name)}"
    assert not wrong, say_each(where, list(wrong.items()))


@invariant(
    per="unit", guards="evidence", faults=("company-in-a-workers-cgroup", "company-looks-into-a-worker"), threats=("limits",)
)
def test_unit_has_only_its_own_processes(unit: PlacedUnit, evidence: Evidence) -> None:
    """What is in a unit's cgroup is taken for the unit: its listener, its connections to the database, its share. So each process
    there is the unit's main process, or was started by it or by what that started; and no other process looks into one of them,
    from where it could be changed. Not seen: what such a process did before it ended, or lets go on in the main process itself.
    """
    host = evidence.second.host(unit.host.name)
    there = [one for one in known(host.processes) if one.unit == unit.unit]
    strangers = [one for one in there if not is_started_by_its_unit(host, one)]
    said = [f"process {one.pid} ({one.command}) of {one.user} is in {unit.unit}, which did not start it" for one in strangers]
    do = [end(one.pid for one in strangers)] if strangers else []
    rows = [one for one in known(host.runtimes[unit.service.name]).processes if one.unit == unit.unit and one.traced_by]
    said += [f"process {one.pid} of {unit.unit} is traced by process {one.traced_by}" for one in rows]
    do += [f"{end(one.traced_by for one in rows)}, then {restart(unit.unit)}"] if rows else []
    assert not said, say_all(unit.host.name, said, "; ".join(do))
