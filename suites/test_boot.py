"""What starts by itself: at boot, or later without a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from voxgate.model.advice import quoted
from voxgate.model.entry import Entry
from voxgate.model.evidence import known
from voxgate.model.where import Names
from voxgate.plugin import invariant, say_all
from voxgate.survey.commands import edit, is_of_systemd, no_more

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voxgate.model.estate import Estate
    from voxgate.model.look import Evidence

Row: TypeAlias = tuple[str, list[str]]
"""A unit, and files of it that no package brought."""


@invariant(
    per="host_name",
    faults=(
        "boot-starts-a-copy",
        "boot-starts-a-stranger",
        "boot-by-rc-local",
        "run-by-apt",
        "waived-and-a-stranger",
        "waived-until-yesterday",
    ),
    severity="blocker",
    threats=("starts",),
)
def test_boot_starts_only_what_is_known(host_name: str, estate: Estate, evidence: Evidence) -> None:
    """A second dialler that waits for the next boot is seen by nobody until then. All that the default target leads to, on disk
    and wherever it lies, is as the distribution brought it, or the estate names it: services, stores, listeners, [boot]. So is
    what others than systemd run by itself: rc.local, cron at boot, udev, the network's hooks, HAProxy, supervisors, apt.
    Not seen: what such a file runs, once the estate names it; what people's logins run; readers that are not these.
    """
    boot = known(evidence.second.host(host_name).boot)
    host = estate.host(host_name)
    extra = estate.boots(host)
    ours = {unit.unit for unit in estate.placed_units if unit.host == host}
    named = Names(tuple(one.who for one in estate.listeners_on(host)))
    found, entries, units, files = [], [], list[Row](), list[Row]()
    for name, fact in sorted(boot.services.items()):
        kind = f"{name.partition('@')[0]}@.service" if "@" in name else name
        if name in ours or name in extra or kind in extra:
            continue  # of a service's own unit the files are judged by themselves
        # Of what the estate names in passing, the unit itself may be anybody's; what changes it may not.
        own = {name, kind} if name in named or kind in named else set()
        foreign = [path for path in fact.foreign if path.rpartition("/")[2] not in own and path not in extra]
        if foreign:
            when = "at the next boot" if fact.at_boot else "by itself after the next boot"
            found.append(f"{name} starts {when}, by {fact.by}, and {', '.join(foreign)} came with no package")
            (units if any(path.rpartition("/")[2] in {name, kind} for path in foreign) else files).append((name, foreign))
            entries.append(Entry(("boot", host_name), (kind,), "" if fact.at_boot else f"by {fact.by}"))
    makers = [path for path in boot.generators if path not in extra]
    found += [f"{path} makes units at boot, and came with no package" for path in makers]
    entries += [Entry(("boot", host_name), (path,), f"{path} makes units at boot") for path in makers]
    others = [one for one in boot.others if one.where not in extra]
    found += [f"{one.where} has something run by itself ({one.by}), and came with no package" for one in others]
    entries += [Entry(("boot", host_name), (one.where,), f"read by {one.by}") for one in others]
    do = [_not_wanted(units, files, makers)] if units or files or makers else []
    gone = [f"`rm {quoted(one.where)}`" if one.itself else edit(one.where) for one in others]
    do += [f"what nobody needs there: {'; '.join(gone)}"] if others else []
    assert not found, say_all(
        host_name,
        found,
        "; ".join(do),
        estate=estate.name,
        entries=entries,
    )


def _not_wanted(units: Sequence[Row], files: Sequence[Row], makers: Sequence[str]) -> str:
    """What to do about what nobody needs: a unit that came with no package is stopped; of one that did (sshd may be it) only the
    ``files`` go that were added to it.
    """
    do = [no_more((name for name, _ in units), (path for _, paths in units for path in paths))] if units else []
    if any(not is_of_systemd(path) for _, paths in units for path in paths):
        do.append("remove its files")
    added = sorted({path for _, paths in files for path in paths})
    if added and all(map(is_of_systemd, added)):
        do.append(no_more((), added))
    elif added or makers:
        do.append("remove the files that are named")
    return f"what nobody needs: {'; '.join(do)}"
