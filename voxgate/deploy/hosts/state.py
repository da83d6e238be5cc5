"""The gate's view of the state on the hosts: last known good, journal and ledger, read strictly; and what is written there."""

from __future__ import annotations

import getpass
import os
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from voxgate.contracts.json_strict import loads
from voxgate.contracts.schemas import check
from voxgate.contracts.typed import WrongFormError
from voxgate.deploy.hosts.answers import State, long, object_in, state_of
from voxgate.deploy.hosts.done import read_done
from voxgate.deploy.hosts.journal import Journal, Phase, read_journal
from voxgate.deploy.hosts.speaking import Speech
from voxgate.errors import CommandUnknown, ContractError, MoveFailed, Unreachable, VoxgateError
from voxgate.model.estate import Estate, Host, Placement
from voxgate.model.evidence import Missing
from voxgate.model.fingerprints import Kept
from voxgate.model.release import PutBack, Release
from voxgate.moves.steps import PYTHON
from voxgate.redaction.shortening import beginning
from voxgate.survey.fields import get, members
from voxgate.survey.remedies import for_move
from voxgate.transport.ssh.connection import Connection
from voxgate.transport.ssh.connections import Connections

_DEADLINE = 20.0  # seconds for a host to read its state
_SAID = 500  # characters of why it could not

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class LastKnownGood:
    """The release that last passed the gate here, and the one before it. ``promoted_at`` is UTC, RFC 3339; ``content`` the digest
    of what was judged then (``survey.judged``), empty where none was kept.
    """

    release: Release
    previous: Release | None = None
    promoted_at: str = ""
    content: str = ""


Good = LastKnownGood | Missing | None


@dataclass(frozen=True, slots=True)
class Found:
    """What is written on one host about one service. ``boot`` is the host's boot now; ``git_locks`` are lock files of a git
    that is gone; ``ledger`` holds its last lines, as they are; ``put_back`` is what a failed deploy changed last, None where
    nothing is known of one. ``owner`` is what the gate that claimed it last says of itself, None where nothing could be read;
    ``held``: a gate has it at this moment. ``done`` is what was seen of the host when a deploy was done there, None where
    nothing was kept; ``others`` the same of hosts on which nothing is deployed, as far as this one keeps it, by name.
    """

    good: Good
    journal: Journal | Missing | None = None
    boot: str = ""
    git_locks: tuple[str, ...] = ()
    ledger: tuple[str, ...] = ()
    put_back: PutBack | None = None
    owner: Mapping[str, str] | None = None
    held: bool = False
    done: Kept | Missing | None = None
    others: Mapping[str, Kept | Missing] = field(default_factory=dict)

    @property
    def content(self) -> str:
        """The digest of what was judged good here last: when it was done, or when a deploy after that went back, which may have
        installed it anew, by another uv say. Empty where that is not known, and while something is deployed.
        """
        if not isinstance(self.journal, Journal) or not isinstance(self.good, LastKnownGood):
            return ""
        match self.journal.phase:
            case Phase.DONE:
                return self.good.content
            case Phase.ROLLED_BACK:
                return self.journal.content
            case Phase.ABANDONED if not self.journal.changed and self.journal.changed is not None:
                return self.journal.content
        return ""

    @property
    def begun(self) -> Found:
        """The same once something is deployed: what the journal said before is over."""
        return replace(self, journal=None)


def placements_of(estate: Estate, host: Host) -> tuple[Placement, ...]:
    """Every service on one host."""
    return tuple(placement for placement in estate.placements if placement.host.name == host.name)


def hosts_with_state(estate: Estate) -> tuple[Host, ...]:
    """The hosts on which anything is deployed, in the estate's order."""
    names = {placement.host.name for placement in estate.placements}
    return tuple(host for host in estate.hosts if host.name in names)


def hosts_without_state(estate: Estate) -> tuple[Host, ...]:
    """All others: a database's, say. What is kept of these is kept elsewhere."""
    names = {host.name for host in hosts_with_state(estate)}
    return tuple(host for host in estate.hosts if host.name not in names)


def checkouts(placements: tuple[Placement, ...]) -> dict[str, str]:
    """Service to its folder, as a host is asked about them."""
    return {placement.service.name: placement.service.folder for placement in placements}


def read_all(connections: Connections, estate: Estate, *, ledger: int = 0, done: bool = False) -> dict[str, Found]:
    """By placement id: what is written there; ``ledger`` lines of each ledger, and what was kept at the last ``done`` only where
    that is said. Nothing is claimed and nothing changed.
    """
    others = [host.name for host in hosts_without_state(estate)] if done else []

    def ask(connection: Connection) -> dict[str, Found]:
        mine = placements_of(estate, connection.host)
        request = {"op": "read", "services": checkouts(mine), "ledger": ledger, "done": done, "others": others}
        return found_of(_call(connection, request, state_of(checkouts(mine), ledger, others)), mine)

    found: dict[str, Found] = {}
    for name, said in connections.each(hosts_with_state(estate), ask).items():
        if isinstance(said, VoxgateError):
            kind = "unreachable" if isinstance(said, Unreachable) else "failed"
            missing = Missing(kind, said.line, name, said.hint)
            found |= {placement.id: Found(missing, missing) for placement in placements_of(estate, estate.host(name))}
        else:
            found |= said
    return found


def found_of(said: State, placements: tuple[Placement, ...]) -> dict[str, Found]:
    """One host's state, by placement id."""
    if not placements:
        return {}
    found = {}
    (here,) = {placement.host.name for placement in placements}
    done = read_done(said.done, here)
    others = {name: kept for name, text in said.others.items() if (kept := read_done(text, here, of=name)) is not None}
    for placement in placements:
        one = said.services[placement.service.name]
        found[placement.id] = Found(
            _read_good(one.good, placement),
            read_journal(one.journal, placement),
            said.boot,
            one.git_locks,
            one.ledger,
            _read_put_back(one.put_back, placement),
            object_in(one.owner),
            one.held,
            done,
            others,
        )
    return found


def goods_of(found: Mapping[str, Found]) -> dict[str, Good]:
    """The last known good alone, by placement id."""
    return {key: one.good for key, one in found.items()}


def _read_good(text: str | None, placement: Placement) -> Good:
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
        document["promoted_at"],
        document.get("content", ""),
    )


def _read_put_back(text: str | None, placement: Placement) -> PutBack | None:
    """One put-back.json. One that is not whole says nothing: then a change counts as one."""
    try:
        document = loads((text or "").encode("utf-8"))
        check("put-back", document, where=placement.id)
    except ContractError:
        return None
    if document["service"] != placement.service.name:
        return None
    return PutBack(document["since"], document["until"], document["code"], document.get("seen"))


def now() -> str:
    """This moment, UTC, RFC 3339, as everything on the hosts says it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


@dataclass(frozen=True, slots=True)
class Author:
    """Who runs this gate: ``user@machine``, the build that started it, its run and since when; which services it deploys, if any,
    parted by blanks.
    """

    run: str
    by: str = field(default_factory=lambda: f"{getpass.getuser()}@{socket.gethostname()}")
    build: str = field(default_factory=lambda: os.environ.get("BUILD_TAG") or os.environ.get("BUILD_URL", ""))
    since: str = field(default_factory=now)
    services: str = ""

    def document(self) -> dict[str, str]:
        """As it stands in the owner lock."""
        return {"run": self.run, "by": self.by, "build": self.build, "since": self.since, "services": self.services}


def good_document(release: Release, before: Good, run: str, content: str = "") -> dict[str, Any]:
    """A last-known-good.json. A release promoted again keeps the one before it: going back must lead elsewhere."""
    previous: Release | None = None
    if isinstance(before, LastKnownGood):
        previous = before.previous if before.release.commit == release.commit else before.release
    return {
        "format": 1,
        "service": release.service,
        "tag": release.tag,
        "commit": release.commit,
        "promoted_at": now(),
        "run": run,
        "previous": {"tag": previous.tag, "commit": previous.commit} if previous else None,
        **({"content": content} if content else {}),
    }


def ledger_event(event: str, release: Release, author: Author, **more: str) -> dict[str, Any]:
    """One line: what, when, which release, by whom, from which build."""
    return {
        "event": event,
        "at": now(),
        "service": release.service,
        "tag": release.tag,
        "commit": release.commit,
        "run": author.run,
        "by": author.by,
        "build": author.build,
        **more,
    }


def _call(connection: Connection, request: dict[str, Any], read: Callable[[object], T]) -> T:
    """One question to the gate's part (``on_host``) there. Raises MoveFailed with what it said, CommandUnknown where that is no
    answer.
    """
    where, speech = connection.host.name, Speech()
    completed = connection.run((PYTHON, "-I", "-"), stdin=speech.source(request), deadline=_DEADLINE)
    said = speech.answer_in(completed.stdout, where)
    if completed.exit_status != 0 or said is None:
        *_, last = "no word of why", *completed.stderr.decode("utf-8", "replace").strip().splitlines()
        why = beginning(last, _SAID)
        raise MoveFailed("the gate's state could not be read", where=where, why=why, hint=for_move(why, connection.host))
    try:
        answer = members(loads(said, where=where))
        if set(answer) == {"error"}:
            why = beginning(long(answer["error"]), _SAID)
            raise MoveFailed("the gate's state could not be read", where=where, why=why, hint=for_move(why, connection.host))
        return get(answer, "ok", read)
    except WrongFormError as error:
        raise CommandUnknown("the gate's state could not be read", where=where, why=f"no answer: {error}") from None
