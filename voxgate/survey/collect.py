"""Collecting: the probe once on each host, every endpoint and every database asked, all at the same time."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from voxgate.contracts import json_strict, schemas
from voxgate.errors import CommandUnknown, ContractError, Unreachable, VoxgateError
from voxgate.model.answers import Answer, DatabaseView
from voxgate.model.evidence import DistFact, HostEvidence, Missing, known
from voxgate.model.look import Look, Question
from voxgate.survey.questions import HIDDEN, outside_of, questions_of, site_questions, sites_of
from voxgate.survey.reading import MEND, host_evidence
from voxgate.transport import http
from voxgate.transport.at_once import at_once
from voxgate.transport.database import see

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from voxgate.model.estate import Database, Estate, Host, Placement
    from voxgate.model.service import Service
    from voxgate.transport.connection import Connection
    from voxgate.transport.connections import Connections
    from voxgate.transport.session import Completed

PROBE = Path(__file__).with_name("probe.py")
INSTALLED = ("sudo", "-n", "/usr/local/sbin/voxgate-probe")
# Without an installed copy the program itself comes first on stdin, its length before it, and the request after it.
LOADER = (
    "import sys; s = sys.stdin.buffer; n = int(s.readline()); p = s.read(n); "
    "exec(compile(p, 'voxgate-probe', 'exec'), {'__name__': '__main__', 'PROGRAM': p})"
)
OVER_STDIN = ("python3", "-I", "-S", "-c", LOADER)
DEADLINE = 30.0  # the probe gives up on its slowest part after 20
LIMIT = 8 * 1024 * 1024
SLACK = 4096  # bytes by which a wrong answer may be longer than the right one, and still be read whole
PER_SERVICE = {
    "checkouts": "python static",
    "venvs": "python",
    "env_files": "python",
    "dists": "static",
    "packages": "python",
    "leaks": "python",
    "runtimes": "python",
    "stores": "python",
}
NO_SUDO = ("password is required", "not allowed", "may not run sudo", "not in the sudoers", "terminal is required")


@cache
def program() -> bytes:
    """The probe as this voxgate has it."""
    return PROBE.read_bytes()


def request_of(
    estate: Estate,
    host: Host,
    *,
    asked: str = "whole",
    only: Collection[str] | None = None,
    units: Sequence[str] | None = None,
) -> bytes:
    """What the probe is asked on a host: the services that stand there, and nothing else. ``asked``: ``brief`` is only what
    moves, ``words`` what ``units`` say of themselves; ``only`` names the services at which a whole look is.
    """
    placements = [placement for placement in estate.placements if placement.host == host]
    services = [
        _row(row.service, row.units if units is None else [one for one in row.units if one in units]) for row in placements
    ]
    limits = {} if only is None else {"only": sorted(only)}
    here = [store.unit for store in estate.stores if store.host == host.name]
    stores = {"stores": here} if here else {}
    return json.dumps({"format": 1, "services": services, "asked": asked, **limits, **stores}).encode()


def _row(service: Service, units: Sequence[str]) -> dict[str, object]:
    return {
        "name": service.name,
        "folder": service.folder,
        "kind": service.kind.value,
        "owner": service.owner,
        "user": service.user,
        "unit": service.unit,
        "units": list(units),
        "pinned": service.pinned,
        "required_settings": list(service.required_settings),
    }


def survey(
    connections: Connections,
    estate: Estate,
    deadline: float = DEADLINE,
    *,
    brief: bool = False,
    only: Collection[str] | None = None,
) -> dict[str, HostEvidence | Missing]:
    """One look at each host, all at once; a host that was not seen is a Missing. ``deadline`` in seconds a host; ``brief``
    reads only what moves (units, processes, sockets, engines); ``only`` as in ``take_look``.
    """
    outcomes = connections.each(estate.hosts, lambda one: _see(one, estate, deadline, brief=brief, only=only))
    return {name: missing(name, outcome) if isinstance(outcome, VoxgateError) else outcome for name, outcome in outcomes.items()}


def _see(
    connection: Connection, estate: Estate, deadline: float, *, brief: bool, only: Collection[str] | None
) -> HostEvidence | Missing:
    """One host: run the probe, believe nothing."""
    host = connection.host
    request = request_of(estate, host, asked="brief" if brief else "whole", only=only)
    asked = time.time()
    completed = run_probe(connection, request, deadline)
    return read_answer(completed, estate, host, {"asked": asked, "answered": time.time()}, brief=brief)


def run_probe(connection: Connection, request: bytes, deadline: float) -> Completed:
    """The probe on one host, as it is there: installed, or sent with the request. Raises as ``Connection.run``."""
    if connection.host.probe == "stdin":
        stdin = b"%d\n%b%b" % (len(program()), program(), request)
        return connection.run(OVER_STDIN, stdin=stdin, deadline=deadline, limit=LIMIT)
    return connection.run(INSTALLED, stdin=request, deadline=deadline, limit=LIMIT)


def read_answer(
    completed: Completed, estate: Estate, host: Host, gate: dict[str, float] | None = None, *, brief: bool = False
) -> HostEvidence | Missing:
    """What a probe's end means: evidence if its document is whole, strict, by schema, and of our own probe. ``gate`` are the
    times on the gate's own clock between which it was run; they are kept with the document.
    """
    document = read_document(completed, host)
    if isinstance(document, Missing):
        return document
    try:
        schemas.check("evidence", document, where=host.name)
        if not brief:
            _check_complete(document, estate, host)
    except ContractError as error:
        return _unparsable(error, host)
    return host_evidence(host.name, {**document, "gate": gate or {}})


def read_document(completed: Completed, host: Host) -> dict[str, Any] | Missing:
    """What our own probe printed, strict JSON; its members are not looked at yet."""
    if completed.exit_status not in {0, 2} or not completed.stdout:
        return _not_run(completed, host)
    try:
        document = json_strict.loads(completed.stdout, where=host.name, limit=LIMIT)
    except ContractError as error:
        return _unparsable(error, host)
    return _foreign(document, host) or dict(document)


def _unparsable(error: ContractError, host: Host) -> Missing:
    return Missing("unparsable", f"the probe's document {error.what}: {error.why}", host.name)


def _foreign(document: object, host: Host) -> Missing | None:
    """Why a document is not evidence although it is strict JSON: another probe's, or a refusal. None if it may be."""
    found = document if isinstance(document, dict) else {}
    probe = found.get("probe")
    theirs = probe.get("sha256") if isinstance(probe, dict) else None
    ours = hashlib.sha256(program()).hexdigest()
    if theirs != ours:
        why = f"the probe on this host is not ours: {str(theirs)[:12]} there, {ours[:12]} here"
        return Missing("denied", why, host.name, MEND)
    if "error" in found:
        return Missing("failed", f"the probe refused: {str(found['error'])[:200]}", host.name)
    return None


def _check_complete(document: dict[str, Any], estate: Estate, host: Host) -> None:
    """Raise ContractError if a service that was asked about is not told, or one that was not asked about is."""
    placed = [placement.service for placement in estate.placements if placement.host == host]
    for section, kinds in PER_SERVICE.items():
        asked = {service.name for service in placed if service.kind.value in kinds}
        told = document["sections"][section].get("value", {})
        if set(told) != asked:
            why = f"{section}: {sorted(asked)} asked, {sorted(told)} told"
            raise ContractError("is not complete", where=host.name, why=why)


def _not_run(completed: Completed, host: Host) -> Missing:
    """Why there is no document at all."""
    said = " ".join(completed.stderr.decode(errors="replace").split())[:200]
    why = f"the probe ended with {completed.exit_status}: {said or 'and said nothing'}"
    if host.probe == "stdin":
        return Missing("missing" if "not found" in said else "failed", why, host.name, "the host needs python3 >= 3.9")
    hint = f'{MEND} and allow it in sudoers: {host.user} ALL=(root) NOPASSWD: {INSTALLED[-1]} ""'
    if any(words in said for words in NO_SUDO):
        return Missing("denied", f"sudo refused: {said}", host.name, hint)
    return Missing("missing" if "not found" in said else "failed", why, host.name, hint)


def missing(name: str, error: VoxgateError) -> Missing:
    """A host that gave no answer at all."""
    match error:
        case Unreachable():
            kind = "unreachable"
        case CommandUnknown() if "not done within" in error.what:
            kind = "timeout"
        case CommandUnknown():
            kind = "unparsable"
        case _:
            kind = "failed"
    why = f"{error.what}: {error.why}" if error.why else error.what
    return Missing(kind, why, name, error.hint)


def take_look(
    connections: Connections,
    estate: Estate,
    extra_questions: Sequence[Question] = (),
    *,
    brief: bool = False,
    only: Collection[str] | None = None,
) -> Look:
    """One look: hosts, endpoints and databases, everything at once; the files of a site once its host was seen. ``brief`` is
    for the first of two: what does not move is read once, by the second. ``only`` names the services that will be judged: of
    the others, and of the hosts as such, what takes long to read is left out, and says so.

    Nothing is raised for what a host, a service or a database does or fails to do.
    """
    taken = time.time()
    connections.open(estate.hosts)
    hosts: dict[str, HostEvidence | Missing] = {}
    answers: dict[Question, Answer | Missing] = {}
    views: dict[str, DatabaseView | Missing] = {}

    def look_at_hosts() -> None:
        hosts.update(survey(connections, estate, brief=brief, only=only))
        for placement, dist in sites_of(estate, hosts).items():
            answers.update(_ask_for_site(connections, estate, placement, known(hosts[placement.host.name]), dist))

    def look_at_endpoints() -> None:
        answers.update(http.ask(connections, (*questions_of(estate), *extra_questions)))

    def look_at(database: Database) -> None:
        views[database.name] = see(connections, database)

    parts: list[Callable[[], None]] = [look_at_hosts, look_at_endpoints]
    parts += [partial(look_at, database) for database in estate.databases]
    for outcome in at_once(parts, lambda part: part(), limit=len(parts)).values():
        if isinstance(outcome, BaseException):
            raise outcome
    return Look(taken, hosts, {question: _unread(question, answer) for question, answer in answers.items()}, views)


def _unread(question: Question, answer: Answer | Missing) -> Answer | Missing:
    """An answer as it is kept: of what nobody may be given, should somebody be, the hash alone, never the content."""
    hidden = question.path in HIDDEN or question.path.endswith(".map")
    if isinstance(answer, Missing) or not hidden or not answer.body:
        return answer
    return replace(answer, body=b"", digest=answer.digest or hashlib.sha256(answer.body).hexdigest())


def _ask_for_site(
    connections: Connections, estate: Estate, placement: Placement, host: HostEvidence, dist: DistFact
) -> dict[Question, Answer | Missing]:
    """Every file of a site, whatever its size."""
    if placement.service.site is None:
        return {}
    largest = max((size for size, _ in dist.files.values()), default=0)
    questions = site_questions(host, placement.service.site, dist.files, outside_of(estate, placement.host))
    return http.ask(connections, questions, limit=max(http.LIMIT, largest + SLACK))
