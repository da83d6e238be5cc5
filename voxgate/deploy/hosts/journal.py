"""The journal: what a deploy is doing on a host right now, as written there before and after each step. Pure reading."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from voxgate.contracts.json_strict import loads
from voxgate.contracts.schemas import check
from voxgate.errors import ContractError
from voxgate.model.estate import Placement
from voxgate.model.evidence import Missing
from voxgate.model.release import Release
from voxgate.model.verdict import Move

EVERYTHING = "everything"
"""In a journal's list of changes: nobody knows which there were."""

MOST_REASON = 1000
"""Characters of a reason, at most: the ledger is read from its end, a few kilobytes at a time."""


class Phase(StrEnum):
    """How far a deploy is on a host. The first part is on its way, the second on its way back, the third is closed."""

    CLAIMED = "claimed"
    FETCH = "fetch"
    CHECKOUT = "checkout"
    INSTALL = "install"
    RESTART = "restart"
    JUDGING = "judging"
    PROMOTING = "promoting"

    BACK_CHECKOUT = "back-checkout"
    BACK_INSTALL = "back-install"
    BACK_RESTART = "back-restart"
    BACK_JUDGING = "back-judging"

    DONE = "done"
    ROLLED_BACK = "rolled-back"
    ABANDONED = "abandoned"
    CLEARED = "cleared"
    HELD = "held"

    @property
    def closed(self) -> bool:
        """True where nothing is left to do. A held host is closed too, but by no means in order."""
        return self in _CLOSED

    @property
    def back(self) -> bool:
        """True on the way back."""
        return self.value.startswith("back-")


_CLOSED = frozenset({Phase.DONE, Phase.ROLLED_BACK, Phase.ABANDONED, Phase.CLEARED, Phase.HELD})
_PHASES = {
    (Move.FETCH, False): Phase.FETCH,
    (Move.CHECKOUT, False): Phase.CHECKOUT, (Move.CHECKOUT, True): Phase.BACK_CHECKOUT,
    (Move.INSTALL, False): Phase.INSTALL, (Move.INSTALL, True): Phase.BACK_INSTALL,
    (Move.RESTART, False): Phase.RESTART, (Move.RESTART, True): Phase.BACK_RESTART,
}  # fmt: skip


def phase_of(move: Move, *, back: bool) -> Phase:
    """The phase in which a move's steps are done. Health is looked at, not done: it has none."""
    return _PHASES[move, back]


@dataclass(frozen=True, slots=True)
class Journal:
    """One journal. ``release`` is what the deploy wanted here, ``origin`` what was last known good when it began; ``boot`` is
    the host's boot in which it was written; ``step`` and ``status`` (begun, done, failed) name the last step. ``changed`` is
    what the deploy's steps changed here up to now (see ``Step.changes``), None where that is not known; ``standing`` are the
    ids of what did not hold before it; ``content`` is the digest of what was judged good before it, and once it went back, of
    what was then; empty where that is not known.
    """

    phase: Phase
    run: str
    release: Release
    origin: Release | None
    step: str = ""
    status: str = "done"
    boot: str = ""
    at: str = ""
    by: str = ""
    build: str = ""
    reason: str = ""
    changed: frozenset[str] | None = None
    standing: frozenset[str] = frozenset()
    content: str = ""

    @property
    def said(self) -> str:
        """Where it stands, in a few words."""
        return f"{self.phase}, {self.step} {self.status}" if self.step else str(self.phase)


def document_of(journal: Journal) -> dict[str, Any]:
    """What the host writes; it adds time, boot, epoch, step and status itself."""
    return {
        "format": 1,
        "service": journal.release.service,
        "phase": journal.phase.value,
        "run": journal.run,
        "release": _release_document(journal.release),
        "from": _release_document(journal.origin) if journal.origin else None,
        "by": journal.by,
        "build": journal.build,
        "reason": journal.reason,
    }


def _release_document(release: Release) -> dict[str, str | None]:
    return {"tag": release.tag, "commit": release.commit}


def read_journal(text: str | None, placement: Placement) -> Journal | Missing | None:
    """A journal, believed only if it is whole and about this service; None where there never was one."""
    if text is None:
        return None
    where = f"{placement.host.name}: /var/lib/voxgate/{placement.service.name}/journal.json"
    try:
        document = loads(text.encode("utf-8"), where=where)
        check("journal", document, where=where)
    except ContractError as error:
        return Missing("unparsable", error.line, where)
    if document["service"] != placement.service.name:
        return Missing("unparsable", f"it is about {document['service']}", where)
    origin = document["from"]
    service = placement.service.name
    changed = document.get("changed", [EVERYTHING])
    return Journal(
        Phase(document["phase"]),
        document["run"],
        _release(service, document["release"]),
        _release(service, origin) if origin else None,
        **{name: document[name] for name in ("step", "status", "boot", "at", "by", "build", "reason")},
        changed=None if EVERYTHING in changed else frozenset(changed),
        standing=frozenset(document.get("standing", ())),
        content=document.get("content", ""),
    )


def _release(service: str, said: Mapping[str, Any]) -> Release:
    return Release(service, said["commit"], said["tag"])
