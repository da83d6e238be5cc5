"""import-linter's contract ``doors``: who is outside of a room imports its doors, and nothing else that stands in it.

A room is a package inside one of voxgate's. ``rooms`` names each, and its doors: ``voxgate.deploy.judging: canary looks``. A room
that is not named, a door that nobody outside uses, and an import of what is no door break it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output

_DEPTH = 3  # voxgate.deploy.hosts


class DoorsContract(Contract):
    """As the module says; ``wrong`` of what it finds are its lines."""

    type_name = "doors"
    rooms = fields.ListField(subfield=fields.StringField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:  # noqa: FBT001 - import-linter's own form
        """Whether all is entered by its doors."""
        rooms: Any = self.rooms
        wrong = list(walls(graph, dict(_read(line) for line in rooms)))
        output.verbose_print(verbose, f"{len(rooms)} rooms")
        return ContractCheck(kept=not wrong, metadata={"wrong": wrong})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Each line of what is wrong."""
        for line in check.metadata["wrong"]:
            output.print_error(line)


def _read(line: str) -> tuple[str, frozenset[str]]:
    room, _, doors = line.partition(":")
    return room.strip(), frozenset(f"{room.strip()}.{door}" for door in doors.split())


def walls(graph: ImportGraph, rooms: dict[str, frozenset[str]]) -> Iterator[str]:
    """What is wrong, a line each."""
    packages = {name for name in graph.modules if name.count(".") == _DEPTH - 1 and graph.find_children(name)}
    for room in sorted(packages.symmetric_difference(rooms)):
        yield f"{room} is a room without a line in rooms" if room in packages else f"{room} is no room"
    for room in sorted(packages & rooms.keys()):
        used = set()
        for module in sorted({room, *graph.find_descendants(room)}):
            outside = [one for one in graph.find_modules_that_directly_import(module) if not one.startswith(f"{room}.")]
            if not outside:
                continue
            used.add(module)
            if module not in rooms[room]:
                yield f"{module} is no door of {room}, and {min(outside)} imports it"
        for door in sorted(rooms[room] - used):
            yield f"{door} is a door that nobody outside uses"
