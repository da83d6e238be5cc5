"""The rooms of the house are entered by their doors: the contract of import-linter says what is not."""

from __future__ import annotations

import pytest
from grimp import ImportGraph

from tests.doors import walls

ROOM = "voxgate.deploy.hosts"
DOORS = {ROOM: frozenset({f"{ROOM}.journal"})}


@pytest.fixture
def graph() -> ImportGraph:
    """A room of two modules, of which one is imported from outside."""
    graph = ImportGraph()
    for name in ("voxgate", "voxgate.deploy", ROOM, f"{ROOM}.journal", f"{ROOM}.lines", "voxgate.deploy.gate"):
        graph.add_module(name)
    graph.add_import(importer="voxgate.deploy.gate", imported=f"{ROOM}.journal")
    graph.add_import(importer=f"{ROOM}.journal", imported=f"{ROOM}.lines")
    return graph


def test_a_room_that_is_entered_by_its_door_is_fine(graph: ImportGraph) -> None:
    assert list(walls(graph, DOORS)) == []


def test_an_import_of_what_is_no_door_is_told(graph: ImportGraph) -> None:
    graph.add_import(importer="voxgate.deploy.gate", imported=f"{ROOM}.lines")
    assert list(walls(graph, DOORS)) == [f"{ROOM}.lines is no door of {ROOM}, and voxgate.deploy.gate imports it"]


def test_the_package_itself_is_no_door(graph: ImportGraph) -> None:
    graph.add_import(importer="voxgate.deploy.gate", imported=ROOM)
    assert list(walls(graph, DOORS)) == [f"{ROOM} is no door of {ROOM}, and voxgate.deploy.gate imports it"]


def test_a_door_that_nobody_uses_is_told(graph: ImportGraph) -> None:
    graph.remove_import(importer="voxgate.deploy.gate", imported=f"{ROOM}.journal")
    assert list(walls(graph, DOORS)) == [f"{ROOM}.journal is a door that nobody outside uses"]


def test_each_room_has_a_line_and_each_line_a_room(graph: ImportGraph) -> None:
    assert list(walls(graph, {})) == [f"{ROOM} is a room without a line in rooms"]
    assert list(walls(graph, {**DOORS, "voxgate.deploy.attic": frozenset()})) == ["voxgate.deploy.attic is no room"]
