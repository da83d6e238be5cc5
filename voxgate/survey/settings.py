"""What the settings of services say, without a value: by check digits, as the probe makes them.

Two values with the same digits are nearly always the same (one in 4096 is not), and from the digits no value can be told. So
what the estate says is compared by its digits, and hosts and services with one another by theirs.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, NamedTuple

from voxgate.model.entry import Entry
from voxgate.model.evidence import Missing, known
from voxgate.probe.env_files import check_digits_of
from voxgate.survey.commands import edit_settings, restart

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from voxgate.model.database import Database
    from voxgate.model.estate import Estate, Placement
    from voxgate.model.look import Evidence
    from voxgate.model.service import EnvFile


NAMED = 2  # places, before they are counted


class Unlike(NamedTuple):
    """A setting that is not what it must be, in words; what to do; and what an estate may say so that it may be so."""

    said: str
    do: str
    entry: Entry | None = None


@dataclass(frozen=True, slots=True)
class _Setting:
    """One setting as it stands somewhere."""

    placement: Placement
    file: EnvFile
    digits: str

    @property
    def place(self) -> str:
        """Whose it is, and where."""
        return f"the {self.placement.service.name}'s on {self.placement.host.name}"


def digits_of(setting: str, values: Iterable[str], part: str = "") -> frozenset[str]:
    """The check digits of each value that a setting may have; of the last part of an address with ``part`` ``/``."""
    found = (check_digits_of({setting: value}) for value in values)
    return frozenset(one[setting + part] for one in found if setting + part in one)


def not_as_said(placement: Placement, estate: Estate, evidence: Evidence) -> tuple[list[Unlike], list[str]]:
    """The settings of a service on a host that are not as the estate says: its database, the dialler's tick, what ``values`` say.
    Second, those of which the host's probe does not tell enough. Raises Blind where nothing is known of them.
    """
    host, service = evidence.second.host(placement.host.name), placement.service
    wrong: list[Unlike] = []
    unseen: list[str] = []
    for file in placement.env_files:
        fact, path = known(host.env_files[file.key]), f"{service.folder}/{file.name}"
        for setting, part, right, said in _wanted(placement, file, estate):
            if setting not in fact.keys or setting in {*fact.empty, *fact.placeholder}:
                continue  # another rule's
            found = fact.digits_of.get(setting + part)
            if found is None and not fact.digits:
                unseen.append(f"the probe does not say by what {setting} in {path} is told from another")
            elif found not in right:
                settings = edit_settings(service, file.name, host)
                do = f"set it: {settings}, then {restart(*file.units)}; or mend what the estate says"
                wrong.append(Unlike(f"{setting} in {path} {said}", do))
    return wrong, unseen


def _wanted(placement: Placement, file: EnvFile, estate: Estate) -> Iterator[tuple[str, str, frozenset[str], str]]:
    """Each setting of which something is said: its name, which part of it, the right digits, and what else it is in words."""
    service = placement.service
    own = [one.database for one in placement.placed_units if one.unit in file.units and one.database is not None]
    databases: Iterable[Database] = own or estate.databases
    if service.database is not None and databases:
        names = [one.called for one in databases]
        right = digits_of(service.database, (f"x://x/{name}" for name in names), "/")
        yield service.database, "/", right, f"names another database than {' or '.join(names)}"
    if service.tick is not None and own:
        ticks = [one.pace.tick for one in own]
        said = f"is not {' or '.join(f'{tick:g}' for tick in ticks)}, the seconds of a tick that the estate says"
        yield service.tick, "", digits_of(service.tick, map(str, ticks)), said
    for setting, values in service.values.items():
        yield setting, "", digits_of(setting, values), f"is not {' or '.join(values)}, as the estate says"


def not_as_elsewhere(placement: Placement, estate: Estate, evidence: Evidence) -> list[Unlike]:
    """The settings of a service on a host that are others than most services and hosts have under that name. What names a
    database has a rule of its own, and so has what services.toml or the estate says; a dialler's are compared with those of
    other services alone, as each database has its own. Raises Blind where nothing is known of its own.
    """
    service, path = placement.service, placement.service.folder
    for file in placement.env_files:
        known(evidence.second.host(placement.host.name).env_files[file.key])
    everywhere = _everywhere(estate, evidence)
    wrong = []
    for setting, rows in everywhere.items():
        services = {one.placement.service.name for one in rows}
        if len(services) == 1 and service.name in services and any(one.placement.databases for one in rows):
            continue
        counts = Counter(one.digits for one in rows)
        usual = {digits for digits, count in counts.items() if count == max(counts.values())}
        for own in (one for one in rows if one.placement == placement and usual != {one.digits}):
            others = [one for one in rows if one.digits in usual - {own.digits}]
            said = f"{setting} in {path}/{own.file.name} is another than {_names(others)}"
            settings = edit_settings(service, own.file.name, evidence.second.host(placement.host.name))
            do = f"which is right? set it: {settings}, then {restart(*own.file.units)}"
            wrong.append(Unlike(said, do, Entry(("services", service.name, "differing_settings"), (setting,), said)))
    return wrong


def _names(others: list[_Setting]) -> str:
    """The first two of them, and how many more."""
    names = list(dict.fromkeys(one.place for one in others))
    rest = names[NAMED:]
    return f"{' and '.join(names[:NAMED])}{f' and {len(rest)} more' if rest else ''}"


def _everywhere(estate: Estate, evidence: Evidence) -> dict[str, list[_Setting]]:
    """Each setting that more than one place has, with all of them that were seen."""
    found: dict[str, list[_Setting]] = {}
    for placement in estate.placements:
        host, service = evidence.second.hosts.get(placement.host.name), placement.service
        if host is None or isinstance(host, Missing):
            continue  # blind for itself; the others are compared
        for file in placement.env_files if service.required_settings else ():
            fact = host.env_files.get(file.key)
            if fact is None or isinstance(fact, Missing):
                continue
            digits = fact.digits_of
            for setting in service.required_settings:
                apart = setting in {service.database, service.tick} or setting in service.values
                differs = any(fnmatchcase(setting, pattern) for pattern in service.differing_settings)
                if setting in digits and not apart and not differs:
                    found.setdefault(setting, []).append(_Setting(placement, file, digits[setting]))
    return {setting: rows for setting, rows in found.items() if len(rows) > 1}
