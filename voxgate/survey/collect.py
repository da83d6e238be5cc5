"""Collecting: the probe once on each host, every endpoint and every database asked, all at the same time."""

from __future__ import annotations

import hashlib
import json
import time
from collections import Counter
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from voxgate.errors import CommandUnknown, ContractError, Unreachable, VoxgateError, known_error
from voxgate.model.answers import Answer, DatabaseView
from voxgate.model.evidence import DistFact, HostEvidence, Missing, known
from voxgate.model.installed import INSTALL_PROBE
from voxgate.model.look import Look, Question
from voxgate.survey.balancing import call_questions
from voxgate.survey.codings import seen, size_of
from voxgate.survey.document import check_edge
from voxgate.survey.earlier import EARLIER
from voxgate.survey.findings import each_by_itself
from voxgate.survey.host_documents import host_evidence
from voxgate.survey.keeping import UNPACKED
from voxgate.survey.probing import Told, ask_probe, unparsable
from voxgate.survey.questions import ends_asked, questions_of
from voxgate.survey.sites import HIDDEN, entrance_of, site_questions, sites_of
from voxgate.transport.at_once import at_once
from voxgate.transport.clients import http
from voxgate.transport.clients.database import new_name, see
from voxgate.transport.ssh.failures import NotBegun

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from voxgate.model.database import Database
    from voxgate.model.estate import Estate, Host, Placement
    from voxgate.transport.ssh.connection import Connection
    from voxgate.transport.ssh.connections import Connections

T = TypeVar("T")

DEADLINE = 50.0  # the probe waits for its turn for 25, and gives up on its slowest part after 20
SLACK = 4096  # bytes by which a wrong answer may be longer than the right one, and still be read whole
SITE_DEADLINE = 60.0  # seconds for all of a site; one that answers at all takes a small part of it
PATIENCE = 8  # questions to one address that may be too slow, before the rest are not asked
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
    services = [_row(row, row.units if units is None else [one for one in row.units if one in units]) for row in placements]
    limits = {} if only is None else {"only": sorted(only)}
    here = [store.unit for store in estate.stores if store.host == host.name]
    stores = {"stores": here} if here else {}
    folders = sorted({service.folder for service in estate.services})
    ends = {"ends": ends_asked(estate, host, only)} if asked == "whole" else {}
    return json.dumps(
        {"format": 1, "services": services, "asked": asked, "folders": folders, **limits, **stores, **ends}
    ).encode()


def _row(placement: Placement, units: Sequence[str]) -> dict[str, object]:
    service, envs = placement.service, [one.name for one in placement.env_files]
    return {
        **({} if envs == [".env"] else {"envs": envs}),
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
    found = {name: missing(name, outcome) if isinstance(outcome, VoxgateError) else outcome for name, outcome in outcomes.items()}
    return each_by_itself(found)


def remarks(hosts: Mapping[str, HostEvidence | Missing]) -> list[str]:
    """What a reader of the verdict must know of how the hosts were seen, a line each."""
    seen = [host for host in hosts.values() if isinstance(host, HostEvidence)]
    unsigned = [host.name for host in seen if not host.signed_by]
    beside = "a login prints something beside the probe's answer, which does no harm"
    said = [f"{host.name}: {beside}: {host.noise}" for host in seen if host.noise]
    said += [line for host in seen for line in _restarts_pending(host)]
    earlier = {host.name: EARLIER[host.probe] for host in seen if host.probe in EARLIER}
    if earlier:
        hosts_of = ", ".join(f"{name} ({version})" for name, version in earlier.items())
        said.append(
            f"an earlier release's probe, which cannot tell everything: {hosts_of}; `make probe-update`, or `{INSTALL_PROBE}`"
        )
    if unsigned:
        said.append(f"not signed, the word of the deploy account alone (probe = stdin): {', '.join(unsigned)}")
    return said


def _restarts_pending(host: HostEvidence) -> list[str]:
    """Which services still run what a package has replaced since, and of what."""
    found = {name: fact for name, fact in host.runtimes.items() if not isinstance(fact, Missing)}
    paths = {name: sorted({path for one in fact.processes for path in one.replaced}) for name, fact in found.items()}
    return [
        f"{host.name}: restart pending: the {name} still runs what a package has replaced since: {', '.join(replaced)}"
        f", until it is restarted, as by its next deploy"
        for name, replaced in paths.items()
        if replaced
    ]


def _see(
    connection: Connection, estate: Estate, deadline: float, *, brief: bool, only: Collection[str] | None
) -> HostEvidence | Missing:
    """One host: run the probe, believe nothing."""
    request = request_of(estate, connection.host, asked="brief" if brief else "whole", only=only)
    told = ask_probe(connection, request, deadline)
    if isinstance(told, Missing):
        return told
    return read_answer(told, estate, connection.host, {"asked": told.asked, "answered": told.answered}, brief=brief)


def read_answer(
    told: Told, estate: Estate, host: Host, gate: dict[str, float] | None = None, *, brief: bool = False
) -> HostEvidence | Missing:
    """What a document is: evidence if it tells what was asked; a section that is of another form is lost, that section alone.
    ``gate`` are the times on the gate's own clock between which it was asked for; they are kept with the document, and so is who
    signed it and what else was printed.
    """
    beside: dict[str, object] = {**(gate or {}), "signed_by": told.proof.key if told.proof else "", "noise": told.noise}
    try:
        check_edge(told.document, host.name)
        if not brief:
            _check_complete(told.document, estate, host)
    except ContractError as error:
        return unparsable(error, host)
    return replace(host_evidence(host.name, {**told.document, "gate": beside}), proof=told.proof)


def _check_complete(document: dict[str, Any], estate: Estate, host: Host) -> None:
    """Raise ContractError if a service that was asked about is not told, or one that was not asked about is. A section that
    is lost as a whole says so itself.
    """
    placements = [placement for placement in estate.placements if placement.host == host]
    for section, kinds in PER_SERVICE.items():
        placed = [one for one in placements if one.service.kind.value in kinds]
        asked = {one.service.name for one in placed}
        if section == "env_files":
            asked = {file.key for one in placed for file in one.env_files}
        outcome = document["sections"].get(section)
        told = outcome.get("value", {}) if isinstance(outcome, dict) else None
        if isinstance(told, dict) and set(told) != asked:
            why = f"{section}: {sorted(asked)} asked, {sorted(told)} told"
            raise ContractError("is not complete", where=host.name, why=why)


def missing(name: str, error: VoxgateError) -> Missing:
    """A host that gave no answer at all."""
    match error:
        case Unreachable():
            kind = "unreachable"
        case NotBegun():
            kind = "failed"
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

    Nothing is raised for what a host, a service or a database does or fails to do: what nobody foresaw in the asking of one is
    a Missing of that one, and leaves its traceback.
    """
    taken = time.time()
    connections.open(estate.hosts)
    hosts: dict[str, HostEvidence | Missing] = {}
    answers: dict[Question, Answer | Missing] = {}
    views: dict[str, DatabaseView | Missing] = {}

    def look_at_hosts() -> None:
        hosts.update(survey(connections, estate, brief=brief, only=only))
        for placement, dist in sites_of(estate, hosts).items():
            name, service = placement.host.name, placement.service.name
            host = known(hosts[name])
            ask = partial(_ask_for_site, connections, estate, placement, host, dist)
            found = _or_missing(f"{name} {service}", ask)
            if isinstance(found, Missing):  # nothing of the site was asked: so what stands there is not known to be served
                hosts[name] = replace(host, dists={**host.dists, service: found})
            else:
                answers.update(found)
        if not brief and (only is None or "fleet" in only):
            calls = _or_missing("calls", lambda: http.ask(connections, call_questions(estate, hosts)))
            answers.update({} if isinstance(calls, Missing) else calls)

    def look_at_endpoints() -> None:
        answers.update(http.ask(connections, (*questions_of(estate), *extra_questions)))

    names = {database.name: new_name() for database in estate.databases}

    def look_at(database: Database) -> None:
        beside = {name for place, name in names.items() if place != database.name}
        ask = partial(see, connections, database, name=names[database.name], beside=beside, records=not brief)
        views[database.name] = _or_missing(database.name, ask)

    parts: list[Callable[[], None]] = [look_at_hosts, look_at_endpoints]
    parts += [partial(look_at, database) for database in estate.databases]
    for outcome in at_once(parts, lambda part: part(), limit=len(parts)).values():
        if isinstance(outcome, BaseException):
            raise outcome
    spent = Counter[tuple[str, str]]()
    return Look(taken, hosts, {question: _unread(question, answer, spent) for question, answer in answers.items()}, views)


def _or_missing(where: str, ask: Callable[[], T | Missing]) -> T | Missing:
    """What was found by asking one thing, or why nothing was: it stops no other."""
    try:
        return ask()
    except Exception as error:  # noqa: BLE001 - of whatever kind
        return missing(where, known_error(error, where))


def _unread(question: Question, answer: Answer | Missing, spent: Counter[tuple[str, str]] | None = None) -> Answer | Missing:
    """An answer as it is kept: of what nobody may be given, should somebody be, the hash alone, of what a browser would see, and
    never the content. ``spent`` is how many bytes of each place were unpacked for that: once they are too many, it is the hash of
    what came, which is no page's.
    """
    hidden = question.path in HIDDEN or question.path.endswith(".map")
    if isinstance(answer, Missing) or not hidden or not answer.body:
        return answer
    spent, place = Counter() if spent is None else spent, (question.host, question.address)
    if spent[place] > UNPACKED:
        return replace(answer, body=b"", digest=hashlib.sha256(answer.body).hexdigest())
    spent[place] += size_of(answer)
    return replace(answer, body=b"", digest=seen(answer))


def _ask_for_site(
    connections: Connections, estate: Estate, placement: Placement, host: HostEvidence, dist: DistFact
) -> dict[Question, Answer | Missing]:
    """Every file of a site, of the size that it has on the host: which is believed up to a limit (``reading_services``)."""
    entrance = entrance_of(estate, placement)
    if placement.service.site is None or entrance is None:
        return {}
    largest = max((size for size, _ in dist.files.values()), default=0)
    questions = site_questions(host, placement.service.site, dist.files, entrance, placement.service.deep_links)
    limit = max(http.LIMIT, largest + SLACK)
    return http.ask(connections, questions, limit=limit, patience=http.Patience.of(SITE_DEADLINE, PATIENCE))
