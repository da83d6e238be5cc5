"""Evidence in a folder of plain JSON: written after a look, read again to judge offline and by xdist workers.

``first/`` and ``second/``, one for each look:

* ``look.json``: when it was taken
* ``hosts/NAME.json``: the probe's document as it came, or why there is none; beside it the ``.request`` that it answers, and
  the ``.sig`` by which the host's own key signed it: where nothing had to be cut, the document without ``gate`` and with no
  blank around ``,`` and ``:`` is what was signed (``ssh-keygen -Y verify``)
* ``answers.json``: every HTTP answer; a body that is no short text stands in ``bodies/``, once, by its sha256
* ``databases.json``: what each database sees

``remotes.json``: what the remote says of each service. ``works.json``: other gates that were at work meanwhile. ``changes.json``:
what of each host is not as it was when a deploy was done last.

What is saved is cut first: whatever looks like a secret is not written, and so never judged by, reported or archived. What is
cut is numbered, the same everywhere in a folder: two paths, keys or series that differ by it alone stay two. Of a body that
lost something the sha256 of what came is kept beside it, so that a comparison by bytes still judges what was served; where all
bodies of a host are too much to be looked into, it is all that is kept of one.
"""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import asdict
from functools import cache, partial
from typing import TYPE_CHECKING, Any, TypeVar

from voxgate.contracts import json_strict
from voxgate.contracts.typed import WrongFormError
from voxgate.errors import ContractError
from voxgate.model.answers import Answer, Certificate, DatabaseClient, DatabaseView, Record
from voxgate.model.digits import is_moment
from voxgate.model.evidence import HostEvidence, Missing
from voxgate.model.fingerprints import Change, HostChanges
from voxgate.model.look import Evidence, Look, Question
from voxgate.model.release import PutBack, Release, RemoteView
from voxgate.model.work import Work
from voxgate.survey.fields import (
    flag,
    get,
    items,
    members,
    natural,
    number,
    pair,
    port,
    text,
    text_by_text,
    text_or_none,
    texts,
    wrong,
)
from voxgate.survey.findings import is_loopback
from voxgate.survey.host_documents import host_evidence
from voxgate.survey.keeping import LIMIT, Keep

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from voxgate.survey.keeping import Cutter

FORMAT = 1
LOOKS = ("first", "second")

T = TypeVar("T")


def save(evidence: Evidence, folder: Path, cutter: Cutter | None = None) -> None:
    """Write all of it, cut by ``cutter``, replacing what an earlier run left. Raises ContractError if the folder cannot be
    written.
    """
    keep = Keep(folder / "bodies", cutter and cutter.telling_apart())
    try:
        for name in (*LOOKS, "bodies"):
            shutil.rmtree(folder / name, ignore_errors=True)
        (folder / "bodies").mkdir(parents=True)
        for name, look in zip(LOOKS, (evidence.first, evidence.second), strict=True):
            _save_look(look, folder / name, keep)
        remotes = {name: keep.part(_or_missing(view, _remote_row), name) for name, view in evidence.remotes.items()}
        keep.write(folder / "remotes.json", {"format": FORMAT, "remotes": remotes})
        keep.write(folder / "works.json", {"format": FORMAT, "works": [asdict(work) for work in evidence.works]})
        changes = {name: asdict(one) for name, one in evidence.changes.items()}
        keep.write(folder / "changes.json", {"format": FORMAT, "changes": changes})
    except OSError as error:
        raise ContractError("cannot save the evidence", where=str(folder), why=error.strerror or str(error)) from None


def load(folder: Path) -> Evidence:
    """What ``save`` wrote. Raises ContractError, in one line, for a file that is not there or not of the form."""
    first, second = (_load_look(folder / name, folder / "bodies") for name in LOOKS)
    remotes = _read(folder / "remotes.json", "remotes", lambda rows: _by_name(rows, _remote))
    path = folder / "works.json"  # an earlier voxgate's evidence has none
    works = _read(path, "works", lambda rows: tuple(_work(row) for row in items(rows))) if path.exists() else ()
    path = folder / "changes.json"  # nor this
    changes = _read(path, "changes", _changes) if path.exists() else {}
    return Evidence(first, second, remotes, works, changes)


# --- writing ---


def _save_look(look: Look, folder: Path, keep: Keep) -> None:
    (folder / "hosts").mkdir(parents=True)
    keep.write(folder / "look.json", {"format": FORMAT, "taken": look.taken})
    for name, host in look.hosts.items():
        document = keep.part(_or_missing(host, _document), name)
        keep.write(folder / "hosts" / f"{name}.json", {"format": FORMAT, **document})
        if isinstance(host, HostEvidence) and host.proof is not None:  # names, hashes and a signature: nothing to cut
            (folder / "hosts" / f"{name}.request").write_bytes(host.proof.request)
            (folder / "hosts" / f"{name}.sig").write_bytes(host.proof.signature)
    answers = []
    for question, answer in look.answers.items():
        by = _answered_by(question, look)
        row = _or_missing(answer, partial(_answer_row, by=by, keep=keep))
        answers.append({"question": _question_row(question), **keep.answer(row, by)})
    keep.write(folder / "answers.json", {"format": FORMAT, "answers": answers})
    databases = {name: keep.part(_or_missing(view, _database_row), name) for name, view in look.databases.items()}
    keep.write(folder / "databases.json", {"format": FORMAT, "databases": databases})


def _document(host: HostEvidence) -> dict[str, Any]:
    """What the probe said. Raises ContractError for evidence that came from no probe: it could not be read again."""
    if not host.document:
        raise ContractError("cannot save the evidence", where=host.name, why="it holds no document of a probe")
    return dict(host.document)


def _or_missing(fact: T | Missing, row: Callable[[T], dict[str, Any]]) -> dict[str, Any]:
    if isinstance(fact, Missing):
        return {"missing": {"kind": fact.kind, "why": fact.why, "where": fact.where, "hint": fact.hint}}
    return row(fact)


def _question_row(question: Question) -> dict[str, Any]:
    return {
        "host": question.host,
        "port": question.port,
        "path": question.path,
        "address": question.address,
        "headers": [list(header) for header in question.headers],
        **({"tls": question.tls} if question.tls else {}),
        **({"method": question.method} if question.method != "GET" else {}),
    }


def _answered_by(question: Question, look: Look) -> str:
    """Who answers: the host itself, also at its own addresses, or whoever is at the address that is asked from it."""
    host = look.hosts.get(question.host)
    own = host.addresses if isinstance(host, HostEvidence) else ()
    is_own = is_loopback(question.address) or (not isinstance(own, Missing) and question.address in own)
    return question.host if is_own or not question.address else question.address


def _answer_row(answer: Answer, by: str, keep: Keep) -> dict[str, Any]:
    body, digest = keep.cut_body(answer, by)
    return {
        "host": answer.host,
        "port": answer.port,
        "path": answer.path,
        "status": answer.status,
        "headers": dict(answer.headers),
        "body": keep.body(body, by),
        "digest": digest,
        "seconds": answer.seconds,
        "asked": answer.asked,
        "trouble": answer.trouble,
        **({"certificate": asdict(answer.certificate)} if answer.certificate else {}),
    }


def _database_row(view: DatabaseView) -> dict[str, Any]:
    clients = [{"address": row.address, "port": row.port, "app_name": row.app_name, "user": row.user} for row in view.clients]
    names = {"asker": view.asker, "beside": list(view.beside)}
    recent = {"recent": _or_missing(view.recent, dict)} if view.recent else {}
    records = {"records": _or_missing(view.records, _records_row)} if view.records else {}
    return {"database": view.database, "server": view.server, "clients": clients, **names, **recent, **records}


def _records_row(found: Mapping[str, tuple[Record, ...]]) -> dict[str, Any]:
    return {name: [{"age": one.age, "said": dict(one.said)} for one in rows] for name, rows in found.items()}


def _remote_row(view: RemoteView) -> dict[str, Any]:
    release = view.release
    return {
        "service": view.service,
        "url": view.url,
        "main": view.main,
        "tags": dict(view.tags),
        "on_main": sorted(view.on_main),
        "release": release and {"service": release.service, "commit": release.commit, "tag": release.tag},
        "tree": None if view.tree is None else {path: list(entry) for path, entry in view.tree.items()},
        "put_back": {
            host: [number for number in (one.since, one.until, one.code, one.seen) if number is not None]
            for host, one in view.put_back.items()
        },
        "judged": dict(view.judged),
    }


# --- reading ---


def _read(path: Path, key: str | None, read: Callable[[object], T]) -> T:
    """One file (of it the member ``key``), read. Raises ContractError."""
    try:
        content = json_strict.read_file(path, LIMIT)
    except OSError as error:
        what = "this is no saved evidence"
        raise ContractError(what, where=str(path), why=error.strerror or str(error)) from None
    document = json_strict.loads(content, where=str(path), limit=LIMIT)
    try:
        get(document, "format", _format)
        return read(document) if key is None else get(document, key, read)
    except WrongFormError as error:
        raise ContractError("this is no saved evidence", where=str(path), why=str(error)) from None


def _format(value: object) -> None:
    if natural(value) != FORMAT:
        raise wrong(f"{FORMAT}", value)


def _moment(value: object) -> float:
    found = number(value)
    if not is_moment(found):
        raise wrong("a moment that a calendar has", value)
    return found


def _load_look(folder: Path, bodies: Path) -> Look:
    hosts: dict[str, HostEvidence | Missing] = {}
    body = cache(partial(_stored, bodies))  # each once, however often it was served
    for path in sorted((folder / "hosts").glob("*.json")):
        hosts[path.stem] = _read_host(path)
    return Look(
        taken=_read(folder / "look.json", "taken", _moment),
        hosts=hosts,
        answers=dict(_read(folder / "answers.json", "answers", lambda rows: [_answer(row, body) for row in items(rows)])),
        databases=_read(folder / "databases.json", "databases", lambda rows: _by_name(rows, _database)),
    )


def _read_host(path: Path) -> HostEvidence | Missing:
    def read(document: object) -> HostEvidence | Missing:
        return _missing(document) or host_evidence(path.stem, document)

    return _read(path, None, read)


def _missing(row: object) -> Missing | None:
    """The Missing that a row is, None if it is a value."""
    if "missing" not in members(row):
        return None
    found = get(row, "missing", members)
    return Missing(*(get(found, key, text) for key in ("kind", "why", "where", "hint")))


def _by_name(rows: object, read: Callable[[object], T]) -> dict[str, T | Missing]:
    return {name: _missing(row) or read(row) for name, row in members(rows).items()}


def _answer(row: object, stored: Callable[[str], bytes]) -> tuple[Question, Answer | Missing]:
    asked = get(row, "question", members)
    headers = get(asked, "headers", lambda rows: tuple(pair(each, text) for each in items(rows)))
    where = get(asked, "host", text), get(asked, "port", port), get(asked, "path", text), get(asked, "address", text)
    tls, method = (get(asked, key, text) if key in asked else "" for key in ("tls", "method"))
    question = Question(*where, headers, tls, method or "GET")
    missing = _missing(row)
    if missing is not None:
        return question, missing
    return question, Answer(
        host=get(row, "host", text),
        port=get(row, "port", port),
        path=get(row, "path", text),
        status=get(row, "status", natural),
        headers=get(row, "headers", text_by_text),
        body=get(row, "body", lambda body: _body(body, stored)),
        seconds=get(row, "seconds", number),
        asked=get(row, "asked", number),
        trouble=get(row, "trouble", text),
        digest=get(row, "digest", text),
        certificate=get(row, "certificate", _certificate) if "certificate" in members(row) else None,
    )


def _certificate(row: object) -> Certificate:
    times = get(row, "begins", number), get(row, "ends", number)
    return Certificate(get(row, "names", texts), *times, get(row, "flaw", text), get(row, "unread", text))


def _body(body: object, stored: Callable[[str], bytes]) -> bytes:
    return body.encode("utf-8", "surrogatepass") if isinstance(body, str) else stored(get(body, "sha256", text))


def _stored(bodies: Path, digest: str) -> bytes:
    if not digest.isalnum():
        raise WrongFormError("a hash wanted")
    try:
        content = json_strict.read_file(bodies / digest, LIMIT)
    except OSError:
        raise WrongFormError(f"bodies/{digest} cannot be read") from None
    if hashlib.sha256(content).hexdigest() != digest:
        raise WrongFormError(f"bodies/{digest} has another hash")
    return content


def _database(row: object) -> DatabaseView:
    clients = tuple(_client(each) for each in get(row, "clients", items))
    beside = get(row, "beside", texts) if "beside" in members(row) else ()
    said = get(row, "recent", members) if "recent" in members(row) else {}
    recent = _missing(said) or {name: tuple(map(natural, items(row))) for name, row in said.items()}
    database, server, asker = (get(row, key, text) for key in ("database", "server", "asker"))
    told = get(row, "records", members) if "records" in members(row) else {}
    records = _missing(told) or {name: tuple(map(_record, items(rows))) for name, rows in told.items()}
    return DatabaseView(database, server, clients, asker, tuple(beside), recent, records)


def _record(row: object) -> Record:
    return Record(get(row, "age", lambda age: None if age is None else number(age)), get(row, "said", members))


def _client(row: object) -> DatabaseClient:
    return DatabaseClient(get(row, "address", text), get(row, "port", port), get(row, "app_name", text), get(row, "user", text))


def _remote(row: object) -> RemoteView:
    return RemoteView(
        service=get(row, "service", text),
        url=get(row, "url", text),
        main=get(row, "main", text),
        tags=get(row, "tags", text_by_text),
        on_main=frozenset(get(row, "on_main", texts)),
        release=get(row, "release", lambda found: None if found is None else _release(found)),
        tree=get(row, "tree", lambda found: None if found is None else _tree(found)),
        put_back=get(row, "put_back", _put_back) if "put_back" in members(row) else {},
        judged=get(row, "judged", text_by_text) if "judged" in members(row) else {},
    )


def _work(row: object) -> Work:
    said = {key: get(row, key, text) for key in ("service", "host", "by", "since", "run", "build", "doing")}
    return Work(**said, moves=get(row, "moves", flag))


def _changes(rows: object) -> dict[str, HostChanges]:
    return {name: _host_changes(name, row) for name, row in members(rows).items()}


def _host_changes(name: str, row: object) -> HostChanges:
    run, at, note = (get(row, key, text) for key in ("run", "at", "note"))
    return HostChanges(
        name, run, at, note, get(row, "changes", lambda each: tuple(map(_change, items(each)))), get(row, "more", natural)
    )


def _change(row: object) -> Change:
    kind, what, how = (get(row, key, text) for key in ("kind", "name", "how"))
    return Change(kind, what, how, tuple(get(row, "why", texts)))


def _release(row: object) -> Release:
    return Release(get(row, "service", text), get(row, "commit", text), get(row, "tag", text_or_none))


def _put_back(rows: object) -> dict[str, PutBack]:
    return {host: PutBack(*(number(one) for one in items(row))) for host, row in members(rows).items()}


def _tree(rows: object) -> dict[str, tuple[str, str]]:
    return {path: pair(row, text) for path, row in members(rows).items()}
