"""The gate's side of the state on the hosts: last known good, and the ledger."""

from __future__ import annotations

import getpass
import os
import socket
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from voxgate.contracts.json_strict import loads
from voxgate.contracts.schemas import check
from voxgate.errors import ContractError, MoveFailed, Unreachable, VoxgateError
from voxgate.model.estate import Estate, Placement
from voxgate.model.evidence import Missing
from voxgate.model.release import Release
from voxgate.transport.connection import Connection
from voxgate.transport.connections import Connections

_SOURCE = Path(__file__).with_name("on_host.py")
_DEADLINE = 20.0


@dataclass(frozen=True, slots=True)
class LastKnownGood:
    """The release that last passed the gate here, and the one before it."""

    release: Release
    previous: Release | None = None


def read_all(connections: Connections, estate: Estate) -> Mapping[str, LastKnownGood | Missing | None]:
    """By placement id: the last known good, None where there never was one, Missing where it could not be read."""
    by_host: dict[str, list[Placement]] = {}
    for placement in estate.placements:
        by_host.setdefault(placement.host.name, []).append(placement)
    hosts = [host for host in estate.hosts if host.name in by_host]

    def ask(connection: Connection) -> Mapping[str, str | None]:
        names = [placement.service.name for placement in by_host[connection.host.name]]
        answer = _call(connection, {"op": "read", "services": names})
        return dict(answer["services"])

    found = connections.each(hosts, ask)
    state: dict[str, LastKnownGood | Missing | None] = {}
    for placement in estate.placements:
        said = found[placement.host.name]
        if isinstance(said, VoxgateError):
            kind = "unreachable" if isinstance(said, Unreachable) else "failed"
            state[placement.id] = Missing(kind, said.line, placement.host.name, said.hint)
        else:
            state[placement.id] = _read(said.get(placement.service.name), placement)
    return state


def _read(text: str | None, placement: Placement) -> LastKnownGood | Missing | None:
    """One last-known-good.json, believed only if it is whole and about this service."""
    if text is None:
        return None
    where = f"{placement.host.name}: /var/lib/voxgate/{placement.service.name}/last-known-good.json"
    try:
        document = loads(text.encode("utf-8"), where=where)
        check("last-known-good", document, where=where)
    except ContractError as error:
        hint = "look at it; the ledger beside it says what was promoted; remove it to begin anew"
        return Missing("unparsable", error.line, where, hint)
    if document["service"] != placement.service.name:
        return Missing("unparsable", f"it is about {document['service']}", where, "somebody copied it here")
    previous = document["previous"]
    return LastKnownGood(
        Release(placement.service.name, document["commit"], document["tag"]),
        Release(placement.service.name, previous["commit"], previous["tag"]) if previous else None,
    )


def promote(
    connections: Connections,
    placements: Sequence[Placement],
    releases: Mapping[str, Release],
    before: Mapping[str, LastKnownGood | Missing | None],
    run: str,
) -> None:
    """Move last-known-good of these placements to their services' releases. Raises MoveFailed naming who did not."""
    by_host: dict[str, list[Placement]] = {}
    for placement in placements:
        by_host.setdefault(placement.host.name, []).append(placement)

    def write(connection: Connection) -> None:
        for placement in by_host[connection.host.name]:
            release = releases[placement.service.name]
            event = ledger_event("promoted", release, run)
            record = _record(release, before.get(placement.id), run)
            _call(connection, {"op": "promote", "service": placement.service.name, "record": record, "event": event})

    written = connections.each([connections.estate.host(name) for name in by_host], write)
    failed = [f"{name}: {error.line}" for name, error in written.items() if isinstance(error, VoxgateError)]
    if failed:
        raise MoveFailed("last-known-good could not be written", where=failed[0].split(":")[0], why="; ".join(failed))


def _record(release: Release, before: LastKnownGood | Missing | None, run: str) -> dict[str, Any]:
    """The document. A release promoted again keeps the one before it: going back must lead elsewhere."""
    previous: Release | None = None
    if isinstance(before, LastKnownGood):
        previous = before.previous if before.release.commit == release.commit else before.release
    return {
        "format": 1,
        "service": release.service,
        "tag": release.tag,
        "commit": release.commit,
        "promoted_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "run": run,
        "previous": {"tag": previous.tag, "commit": previous.commit} if previous else None,
    }


def ledger_event(event: str, release: Release, run: str, **more: str) -> dict[str, Any]:
    """One line: what, when, which release, by whom, from which build."""
    return {
        "event": event,
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "service": release.service,
        "tag": release.tag,
        "commit": release.commit,
        "run": run,
        "by": f"{getpass.getuser()}@{socket.gethostname()}",
        "build": os.environ.get("BUILD_TAG", ""),
        **more,
    }


def note(connection: Connection, event: Mapping[str, Any]) -> None:
    """One line into the ledger of the event's service on that host."""
    _call(connection, {"op": "note", "service": event["service"], "event": dict(event)})


def _call(connection: Connection, request: dict[str, Any]) -> dict[str, Any]:
    """One request to ``on_host.py`` on the host. Raises MoveFailed with what it said."""
    source = _SOURCE.read_text(encoding="utf-8") + f"\nmain({request!r})\n"
    completed = connection.run(("python3", "-I", "-"), stdin=source.encode("utf-8"), deadline=_DEADLINE)
    where = connection.host.name
    if completed.exit_status != 0:
        why = completed.stderr.decode("utf-8", "replace").strip().splitlines()[-1:] or ["no word of why"]
        raise MoveFailed("the gate's state could not be read or written", where=where, why=why[0])
    answer = loads(completed.stdout, where=where)
    if "error" in answer:
        hint = "the deploy user must own /var/lib/voxgate"
        raise MoveFailed("the gate's state could not be read or written", where=where, why=answer["error"], hint=hint)
    return dict(answer["ok"])
