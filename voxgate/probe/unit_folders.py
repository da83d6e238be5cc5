"""The unit folders as they are now, whatever systemd has loaded."""

from __future__ import annotations

import hashlib
import os
import re
from types import MappingProxyType
from typing import Iterable, Mapping

from voxgate.probe.base import SMALL_FILE, Trouble
from voxgate.probe.folder import NoFile
from voxgate.probe.ways import Reached, unit_lines_on

UNIT_FOLDERS = (
    "/etc/systemd/system.control", "/run/systemd/system.control", "/run/systemd/transient",
    "/run/systemd/generator.early", "/etc/systemd/system", "/etc/systemd/system.attached", "/run/systemd/system",
    "/run/systemd/system.attached", "/run/systemd/generator", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system",
    "/lib/systemd/system", "/run/systemd/generator.late",
)  # fmt: skip

LINKING = (".wants", ".requires", ".upholds")
UNIT_KINDS = ("service", "socket", "mount", "automount", "swap", "target", "path", "timer", "slice", "scope", "device")
ENDINGS = tuple(f".{kind}" for kind in UNIT_KINDS)  # of the files that systemd takes for units
MANY = re.compile(r".*[-@]\.[a-z]+|[a-z]+")  # units of one template, one beginning, one kind


def template_of(unit: str) -> str:
    """``voxcore@.service`` for ``voxcore@3.service``, else the unit itself."""
    stem, _, kind = unit.rpartition(".")
    return f"{stem.partition('@')[0]}@.{kind}" if "@" in stem else unit


def specified(word: str, unit: str, of_account: Mapping[str, str] = MappingProxyType({})) -> str:
    """A unit's name as it stands in the file of another, whose name fills in what is left open; or a word of its own file, where
    that is an account's with what systemd has for that one.
    """
    stem = unit.rpartition(".")[0]
    prefix, _, instance = stem.partition("@")
    fills = {"%n": unit, "%N": stem, "%p": prefix, "%P": prefix, "%i": instance, "%I": instance, "%j": prefix.rpartition("-")[2]}
    fills.update(of_account)
    return re.sub(r"%[a-zA-Z%]", lambda found: fills.get(found.group(), found.group()), word)


def folders_beside(unit: str) -> list[str]:
    """Every name, without ``.d``, whose folder speaks to a unit, the strongest first: its own, its template's, those of its
    beginnings up to a dash, that of its kind. As systemd looks for them.
    """
    stem, _, kind = unit.rpartition(".")
    prefix, is_instance, instance = stem.partition("@")
    starts = [prefix[: at + 1] for at, letter in enumerate(prefix) if letter == "-"][::-1]
    found = [unit, template_of(unit), *(f"{start}.{kind}" for start in starts)]
    if is_instance:
        found += [f"{start}@{one}.{kind}" for start in starts for one in (instance, "")]
    return list(dict.fromkeys([*found, kind]))


def commands_in(lines: Iterable[str]) -> str:
    """What a unit file of whatever kind has run, by its rows."""
    return "\n".join(line.partition("=")[2] for line in lines if line.lstrip().startswith("Exec"))


def commands_of(path: str) -> str:
    """The same of a unit file of root's; of one that cannot be read its path: then it may be anything."""
    try:
        return commands_in(unit_lines_on(path))
    except (PermissionError, Trouble):
        return path


class OnDisk:
    """The unit folders as they are now, whatever systemd has loaded: a stopped instance, a masked unit and a link made
    by hand are seen here. ``placed`` are the names that an administrator put or enabled, outside of the distribution's own
    folders: services, and whatever else runs something by its own file or by one dropped in. ``tuned`` are the services of one
    name with something dropped in there, ``commands_for_many`` what is run by what is dropped in there to more than one unit:
    their name, the path, and the commands.
    """

    def __init__(self) -> None:
        self.files: dict[str, list[str]] = {}
        self.drop_ins: dict[str, list[str]] = {}
        self.links: dict[str, list[str]] = {}
        self.placed: set[str] = set()
        self.tuned: set[str] = set()
        self.commands_for_many: list[tuple[str, str, str]] = []
        for folder in dict.fromkeys(os.path.realpath(path) for path in UNIT_FOLDERS):
            try:
                names = sorted(os.listdir(folder))
            except (FileNotFoundError, NotADirectoryError):
                continue
            placed = not folder.startswith("/usr/lib/")
            for name in names:
                path = f"{folder}/{name}"
                if name.endswith(".service"):
                    self.note(self.files, name, path, placed=placed)
                elif name.endswith(LINKING) and os.path.isdir(path):
                    for link in sorted(os.listdir(path)):
                        if link.endswith(".service"):
                            self.note(self.links, link, f"{path}/{link}", placed=placed)
                elif name.endswith(".d") and os.path.isdir(path):
                    self.note_dropped_in(name[:-2], path, placed=placed)
                elif placed and name.endswith(ENDINGS) and commands_of(path):
                    self.placed.add(name)

    def note_dropped_in(self, unit: str, folder: str, *, placed: bool) -> None:
        """Keep what is dropped in to a unit, or to several."""
        paths = [f"{folder}/{file}" for file in sorted(os.listdir(folder)) if file.endswith(".conf")]
        if unit.endswith("service"):
            self.drop_ins.setdefault(unit, []).extend(paths)
        for path in paths if placed else ():
            text = commands_of(path)
            if MANY.fullmatch(unit):
                self.commands_for_many += [(unit, path, text)] if text else []
                continue
            if unit.endswith(".service"):
                self.tuned.add(unit)
            if text:
                self.placed.add(unit)

    def note(self, kind: dict[str, list[str]], name: str, path: str, *, placed: bool) -> None:
        """Keep a path under a unit's name."""
        kind.setdefault(name, []).append(path)
        if placed:
            self.placed.add(name)

    def paths(self, unit: str) -> list[str]:
        """Every fragment and drop-in that may make this unit: its own, its template's, those of its name's beginnings."""
        found = [path for name in dict.fromkeys((unit, template_of(unit))) for path in self.files.get(name, ())]
        return found + [path for name in folders_beside(unit) for path in self.drop_ins.get(name, ())]

    @staticmethod
    def digest(path: str) -> str:
        """sha256 of a unit file as systemd would read it; ``masked``, ``broken`` for a link to nowhere. What somebody put in its
        way that he may not read himself is ``unreadable``: by a hash he could guess at it.
        """
        try:
            with Reached(path) as place:
                if place.path == "/dev/null":
                    return "masked"
                with open(place.opened(), "rb") as file:
                    return hashlib.sha256(file.read(SMALL_FILE)).hexdigest()
        except FileNotFoundError:
            return "broken"
        except PermissionError:
            return "unreadable"
        except NoFile:
            return "not a file"
