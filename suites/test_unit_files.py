"""Unit files: what systemd runs is what the repository says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxgate.errors import Blind
from voxgate.model.advice import quoted
from voxgate.model.entry import Entry
from voxgate.model.evidence import known
from voxgate.plugin import invariant, say_each
from voxgate.survey.commands import enrol, loaded_anew
from voxgate.survey.findings import unit_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from voxgate.model.estate import Estate, PlacedUnit
    from voxgate.model.look import Evidence

UNITS = "/etc/systemd/system"
HASH = 64  # characters of a SHA-256: what is shorter says why there is none


@invariant(per="unit", guards="releases", faults=("unit-drop-in", "unit-edited", "unit-drop-in-for-all"))
def test_unit_file_is_the_expected(unit: PlacedUnit, estate: Estate, evidence: Evidence) -> None:
    """A drop-in, or a file of the same name in a stronger folder, changes what runs without a trace in any repository. The
    unit's files are those in hosts/units/, byte for byte, no more and no less, but for drop-ins that the estate names by their
    hash; and the process was started by them.
    """
    where, name = unit.host.name, unit.unit
    wanted = {f"{UNITS}/{path}": sha256 for path, sha256 in unit.service.unit_files.items()}
    if not wanted:
        raise Blind(
            "nobody says what its unit file must be", where=f"{where} {name}", hint=f"add hosts/units/{unit.service.unit}"
        )
    found = unit_of(evidence.second, unit)
    # Drop-ins that a distribution has for every service are its own only as it brought them.
    vendors = {path for path in found.vouched if "/service.d/" in path}
    files = {path: digest for path, digest in found.files.items() if path not in vendors}
    wanted |= dict(estate.drop_ins(unit.host) & files.items())
    unread = sorted(path for path, digest in files.items() if digest == "unreadable")
    if unread:
        raise Blind("this unit file may not be read", where=f"{where} {', '.join(unread)}", hint=f"`ls -l {quoted(*unread)}`")
    more = {path: digest for path, digest in files.items() if path not in wanted}
    said = [f"{path} also makes {name}" for path in more]
    said += [
        f"{path} is not the one in hosts/units/" + (f": it is {digest}" if len(digest) < HASH else "")
        for path, digest in files.items()
        if path in wanted and digest != wanted[path]
    ]
    said += [f"{path} is not there" for path in sorted(wanted.keys() - files.keys())]
    reload = loaded_anew(name)
    do = _as_in_the_repository(unit, estate, more, wanted, files)  # once: it names all of them
    wrong = [(what, do) for what in said]
    loaded = {found.properties.get("FragmentPath", ""), *found.properties.get("DropInPaths", "").split()}
    if (loaded ^ files.keys()) - vendors:
        wrong.append((f"systemd made {name} of {', '.join(sorted(loaded - {''})) or 'nothing'}", reload))
    if found.properties.get("NeedDaemonReload") != "no":
        wrong.append((f"systemd has an older {name} than the disk", reload))
    main = next((one for one in known(evidence.second.host(where).processes) if one.pid == found.main_pid), None)
    if main is not None and main.started <= found.changed:
        wrong.append((f"{name} was started {found.changed - main.started:.1f} s before its unit file was changed", reload))
    entries = [
        Entry(("units", where), {path: digest}, f"for {name}")
        for path, digest in more.items()
        if path.endswith(".conf") and len(digest) == HASH
    ]
    assert not wrong, say_each(where, wrong, estate=estate.name, entries=entries)


def _as_in_the_repository(
    unit: PlacedUnit, estate: Estate, more: Iterable[str], wanted: Mapping[str, str], files: Mapping[str, str]
) -> str:
    """What to do about unit files that are not those of hosts/units."""
    away = f"what the estate does not name goes away: `rm {quoted(*more)}`" if more else ""
    differ = any(files.get(path) != digest for path, digest in wanted.items())
    again = f"its unit file again: {enrol(unit.host, estate)}" if differ else ""
    return "; ".join(filter(None, (away, again, loaded_anew(unit.unit))))
