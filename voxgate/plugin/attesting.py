"""What a run says of itself at its very end, when nothing of its folder changes any more."""

from __future__ import annotations

from voxgate.contracts.ledger_copy import NAME, as_copy
from voxgate.contracts.statement import NAMESPACE
from voxgate.deploy.gate import Gate
from voxgate.deploy.ledgers import last_lines, note_attested
from voxgate.errors import VoxgateError
from voxgate.plugin.session import Session
from voxgate.report.attested.attesting import attest, configuration_of
from voxgate.report.folder import ReportFolder
from voxgate.transport.ssh.keygen import sign


def must_sign(key: str | None) -> None:
    """Raises Refused, before anything is opened, for a key that does not sign: afterwards it is too late."""
    if key:
        sign(b"", key, NAMESPACE)


def attested(session: Session, gate: Gate | None, report: ReportFolder, key: str | None) -> list[str]:
    """Attest the run's folder. Returns a line for each thing that could not be done: none of them changes a verdict. A saved look
    that is judged again is no run of its own: its evidence lies elsewhere.
    """
    if gate is None or session.estate is None:
        return []
    try:
        if ledgers := last_lines(gate):
            (report.path / NAME).write_bytes(as_copy(ledgers, session.redactor.cut))
        configuration = configuration_of(session.estate, session.folders, session.root)
        digest, lines = attest(report.path, configuration, key or "")
        note_attested(gate, digest)
    except (VoxgateError, OSError) as error:
        said = error.line if isinstance(error, VoxgateError) else f"{error.filename}: {error.strerror}"
        return [f"the run is not attested, or its ledgers do not say so: {said}"]
    return lines
