"""``voxgate enrol``: make a host ready for the gate. It prints what root types there, or checks what is done already."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import TextIO

from voxgate.contracts.estates import unit_paths
from voxgate.errors import EstateError, VoxgateError
from voxgate.model.estate import Estate, Host
from voxgate.moves import enrolment
from voxgate.report.stream import CutStream
from voxgate.transport.connections import Connections

DEADLINE = 60.0


def enrol(estate: Estate, names: list[str], *, check: bool, out: CutStream, raw: TextIO) -> int:
    """The script for one host (``enrol HOST | ssh YOU@HOST sudo bash``), or with ``check`` what is done on some, or all. It ends
    with 0, or with 1 where something is left to do. The script goes to ``raw`` as it is: programs in it are packed, and
    nothing in it is a secret. Raises VoxgateError.
    """
    hosts = [_host(estate, name) for name in names] or list(estate.hosts)
    files = {name: path.read_bytes() for name, path in unit_paths(Path(estate.source).parent / "units", estate.services).items()}
    if not check:
        if len(hosts) != 1:
            known = ", ".join(host.name for host in hosts)
            raise VoxgateError("one host at a time", where="enrol", hint=f"voxgate enrol HOST --estate {estate.name}: {known}")
        raw.write(enrolment.script(estate, hosts[0], files))
        return 0
    left = 0
    with Connections(estate) as connections:
        for host in hosts:
            left += _check(estate, host, files, connections, out)
    return 1 if left else 0


def _check(estate: Estate, host: Host, files: dict[str, bytes], connections: Connections, out: CutStream) -> int:
    """Say of each need of a host whether it is done; how many are not."""
    wanted = enrolment.needs(estate, host, files)
    try:
        done = connections[host.name].run(enrolment.checks(estate, host, files), deadline=DEADLINE)
    except VoxgateError as error:
        out.write(f"{host.name}: {error.line}\n" + (f"  {error.hint}\n" if error.hint else ""))
        return 1
    said = done.stdout.decode(errors="replace").split()
    if len(said) != len(wanted):
        raise VoxgateError("was told something else than what was asked", where=host.name, why=f"{len(said)} answers")
    out.write(f"{host.name} ({host.address})\n")
    for need, state in zip(wanted, said, strict=True):
        out.write(f"  {'done   ' if state == 'done' else 'not yet'}  {need.about}\n")
    left = sum(state != "done" for state in said)
    if left:
        out.write(f"  {left} left: uv run voxgate enrol {host.name} --estate {estate.name} | ssh YOU@{host.address} sudo bash\n")
    return left


def _host(estate: Estate, name: str) -> Host:
    known = [host.name for host in estate.hosts]
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"hosts: {', '.join(known)}"
        raise EstateError("is no host of this estate", where=f"enrol {name}", hint=hint)
    return estate.host(name)
