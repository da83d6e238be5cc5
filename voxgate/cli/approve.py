"""``voxgate approve SERVICE=TAG``: a signed note that a release may go on an estate."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from voxgate.contracts.approvals import FOLDER, NAMESPACE, SIGNATURE, Approval
from voxgate.contracts.manifest import sha256
from voxgate.deploy.hosts.journal import MOST_REASON
from voxgate.deploy.planning.plan import check_requests, read_requests
from voxgate.deploy.planning.remotes import Remotes
from voxgate.errors import Refused
from voxgate.model.estate import Estate
from voxgate.model.release import Release
from voxgate.model.service import Service
from voxgate.report.terminal.stream import CutStream
from voxgate.report.verdict.verdict_file import replace_file
from voxgate.transport.ssh.keygen import sign, verify

MOST_DAYS = 30
"""For which an approval may count, at most."""


def approve(estate: Estate, words: Sequence[str], key: str, reason: str, days: int, folder: Path, out: CutStream) -> int:
    """Sign a note for each release (``SERVICE=TAG``, asked of the remote for its commit) into ``folder``; says which.

    Raises Refused for what cannot be meant, and where the remote does not know the release.
    """
    if not reason.strip() or len(reason) > MOST_REASON:
        raise Refused("an approval needs a reason, in a line", where="--reason", hint='--reason "what was looked at"')
    if not 1 <= days <= MOST_DAYS:
        raise Refused("an approval counts for some days", where=f"--days {days}", hint=f"1 to {MOST_DAYS}")
    requests = read_requests(words, (), estate)
    remotes = Remotes(estate)
    remotes.ask()
    for service, release in check_requests(estate, requests, remotes.views):
        path = write(estate, service, release, key, reason.strip(), days, folder)
        out.write(f"{service.name} {release} ({release.commit[:12]}) may go on {estate.name}: {path}\n")
    out.write(f"commit what is new in {folder.name}/, or bring it to where the gate runs\n")
    return 0


def write(estate: Estate, service: Service, release: Release, key: str, reason: str, days: int, folder: Path) -> Path:
    """One note and its signature. Returns where it is. Raises Refused for a key that does not sign."""
    until = (datetime.now(UTC) + timedelta(days=days)).isoformat(timespec="seconds")
    note = Approval(estate.name, service.name, release.tag or "", release.commit, reason, until)
    body = note.encode()
    signature = sign(body, key, NAMESPACE)
    whose = sha256(verify(body, signature, NAMESPACE, None).key.encode())[:8]  # two people's notes are two files
    path = folder / f"{note.file_name}-{whose}.json"
    folder.mkdir(parents=True, exist_ok=True)
    replace_file(path, body)
    replace_file(path.with_name(path.name + SIGNATURE), signature)
    return path


def folder_of(root: Path) -> Path:
    """Where the gate looks for them in a project."""
    return root / FOLDER
