"""What a run says of itself in the ledgers of all that it deployed, and what stands there at its end."""

from __future__ import annotations

from voxgate.deploy.gate import Gate
from voxgate.deploy.hosts import journal_writer
from voxgate.deploy.hosts.chain import LINES
from voxgate.deploy.hosts.state import read_all
from voxgate.errors import VoxgateError
from voxgate.model.verdict import RunVerdict


def note_verdict(gate: Gate, verdict: RunVerdict, digest: str) -> None:
    """The verdict, and the digest of ``verdict.json``."""
    try:
        _note(gate, "verdict", verdict=verdict.value, digest=digest)
    except VoxgateError as error:
        gate.notes.append(f"the ledger has no verdict of this run: {error.line}")


def note_attested(gate: Gate, digest: str) -> None:
    """The last line of a run: the digest of its attestation. Raises VoxgateError."""
    _note(gate, "attested", digest=digest)


def _note(gate: Gate, event: str, **more: str) -> None:
    if gate.deployment is not None and gate.context.claimed:
        journal_writer.note(gate.context.claim, gate.deployment.plan.tasks, event, **more)


def last_lines(gate: Gate) -> dict[str, tuple[str, ...]]:
    """The last lines of these ledgers, by placement id; none for a run that deployed nothing."""
    if gate.deployment is None or not gate.context.claimed:
        return {}
    found = read_all(gate.context.connections, gate.estate, ledger=LINES)
    return {one.id: found[one.id].ledger for one in gate.deployment.plan.placements}
