"""Diagnostics: what units say of themselves, for a person who asks why one was found wanting. Nothing is judged by them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from voxgate.errors import VoxgateError
from voxgate.model.evidence import Missing
from voxgate.survey.collect import missing, request_of
from voxgate.survey.probing import ask_probe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voxgate.model.estate import Estate, PlacedUnit
    from voxgate.transport.ssh.connection import Connection
    from voxgate.transport.ssh.connections import Connections

DEADLINE = 10.0


@dataclass(frozen=True, slots=True)
class UnitWords:
    """What ``systemctl status`` shows, and the journal since the unit was started (of the whole boot where systemd started it
    more than once), its last 200 lines. Values of ``.env`` were cut out on the host.
    """

    status: str
    journal: str


def hear(
    connections: Connections, estate: Estate, units: Sequence[PlacedUnit], deadline: float = DEADLINE
) -> dict[str, UnitWords | Missing]:
    """The words of each unit by its id, or why there are none; one question a host, all hosts at once."""
    hosts = {unit.host.name: unit.host for unit in units}

    def ask(connection: Connection) -> dict[str, Any] | Missing:
        names = [unit.unit for unit in units if unit.host == connection.host]
        request = request_of(estate, connection.host, asked="words", units=names)
        told = ask_probe(connection, request, deadline)
        return told if isinstance(told, Missing) else told.document

    told = connections.each(hosts.values(), ask)
    return {unit.id: words_in(told[unit.host.name], unit) for unit in units}


def words_in(told: dict[str, Any] | Missing | VoxgateError, unit: PlacedUnit) -> UnitWords | Missing:
    """One unit's part of what its host told, whatever that is."""
    if isinstance(told, VoxgateError):
        return missing(unit.host.name, told)
    if isinstance(told, Missing):
        return told
    words = told.get("words")
    row = words.get(unit.unit) if isinstance(words, dict) else None
    if not isinstance(row, dict):
        return Missing("unparsable", f"the probe says nothing of {unit.unit}", unit.host.name)
    if isinstance(error := row.get("error"), dict):
        return Missing("failed", str(error.get("text", "")), unit.host.name)
    value = row.get("value")
    if not isinstance(value, dict):
        return Missing("unparsable", f"the probe says nothing of {unit.unit}", unit.host.name)
    return UnitWords(_lines(value.get("status")), _lines(value.get("journal")))


def _lines(told: object) -> str:
    """Lines as one text; anything else is none."""
    return "\n".join(str(line) for line in told) if isinstance(told, list) else ""
