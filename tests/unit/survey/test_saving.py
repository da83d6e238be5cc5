"""Evidence that was saved is the same evidence; a folder that is none is one line."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import resource
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voxgate.contracts.schemas import FOLDER
from voxgate.errors import ContractError
from voxgate.model.answers import Answer, Certificate, DatabaseClient, DatabaseView, Record
from voxgate.model.evidence import HostEvidence, Missing
from voxgate.model.fingerprints import Change, HostChanges
from voxgate.model.look import Evidence, Look, Question
from voxgate.model.release import Release, RemoteView
from voxgate.model.work import Work
from voxgate.redaction.cutting import Redactor
from voxgate.survey.codings import unpacked
from voxgate.survey.host_documents import host_evidence
from voxgate.survey.keeping import LOOKED_INTO
from voxgate.survey.saving import load, save

RECORDS = {"ticks": (Record(0.5, {"pid": 7, "at": {"$date": "1970-01-01T00:00:00Z"}}), Record(None, {})), "calls": ()}
GOOD: dict[str, Any] = json.loads((FOLDER / "examples/evidence/valid-fleet.json").read_text())
MISSING = Missing("unreachable", "no route", "sip-1", "is it on?")
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def answer(body: bytes) -> Answer:
    return Answer("api-1", 80, "/", 200, {"content-type": "text/html"}, body, 0.25, 1795338099.5)


CHANGES = (Change("job", "/etc/cron.d/x", "new"), Change("boot", "x.service", "gone", ("package x", "another")))


def evidence(*bodies: bytes) -> Evidence:
    answers: dict[Question, Answer | Missing] = {
        Question("api-1", 80, f"/{number}", "::1", (("Accept-Encoding", "gzip"),)): answer(body)
        for number, body in enumerate(bodies)
    }
    answers[Question("sip-1", 8090, "/health")] = MISSING
    shown = Certificate(("console.example",), 1795338000.5, 1795339000.5, "certificate has expired", "")
    named = Question("fleet-1", 443, "/", "192.0.2.1", (("Host", "console.example"),), "console.example")
    answers[named] = replace(answer(b"by TLS"), certificate=shown)
    client = DatabaseClient("198.51.100.41", 41000, "vox-dialler", "")
    databases: dict[str, DatabaseView | Missing] = {
        "vox": DatabaseView("vox", "8.2", (client,), "voxgate-0a", ("voxgate-0b",), {"calls": (0, 1, 2)}, RECORDS),
        "none": DatabaseView("none", "8.2", (client,), "voxgate-0a", (), MISSING, MISSING),
        "two": MISSING,
    }
    hosts: dict[str, HostEvidence | Missing] = {"fleet-1": host_evidence("fleet-1", GOOD), "sip-1": MISSING}
    tree = {"app.py": ("100644", COMMIT), "schön.txt": ("120000", COMMIT)}
    tags = {"vox-backend-2026.06.22-1": COMMIT}
    backend = RemoteView("backend", "git@h:x.git", COMMIT, tags, frozenset({COMMIT}), Release("backend", COMMIT), tree)
    fleet = RemoteView("fleet", "git@h:y.git", COMMIT, {}, frozenset())
    return Evidence(
        Look(1795338099.5, hosts, answers, databases),
        Look(1795338102.5, hosts, answers, databases),
        {"backend": backend, "fleet": fleet, "dialler": MISSING},
        (Work("fleet", "fleet-1", "ci@vm", "2026-11-28T10:00:00Z", "r-1", "b-7", "restart, a step begun", moves=False),),
        {one.host: one for one in (HostChanges("fleet-1", "r-1", "at", "", CHANGES, 3), HostChanges("sip-1", note="x"))},
    )


@pytest.mark.parametrize("body", [b"", b"{}", b"\r\n \xe2\x82\xac", b"\xff\x00\x1f\x8b", b"x" * 100_000, "\ud7ff\x00".encode()])
def test_saved_evidence_is_the_same_evidence(tmp_path: Path, body: bytes) -> None:
    before = evidence(body)
    save(before, tmp_path)
    after = load(tmp_path)
    assert after == before
    assert after.first.hosts["fleet-1"].document == GOOD  # type: ignore[union-attr]


@settings(max_examples=30, deadline=None)
@given(st.binary(max_size=50))
def test_every_body_comes_back(tmp_path_factory: pytest.TempPathFactory, body: bytes) -> None:
    folder = tmp_path_factory.mktemp("evidence")
    save(evidence(body), folder)
    assert load(folder).second.answers == evidence(body).second.answers


def test_a_large_body_is_stored_once(tmp_path: Path) -> None:
    save(evidence(b"x" * 100_000, b"x" * 100_000, b"short"), tmp_path)
    assert [path.stat().st_size for path in (tmp_path / "bodies").iterdir()] == [100_000]


def test_a_host_file_is_the_probes_document_as_it_came(tmp_path: Path) -> None:
    save(evidence(), tmp_path)
    assert json.loads((tmp_path / "first/hosts/fleet-1.json").read_text()) == GOOD


def test_what_an_earlier_run_left_is_gone(tmp_path: Path) -> None:
    save(evidence(), tmp_path)
    (tmp_path / "first/hosts/old.json").write_text("{}")
    (tmp_path / "notes.txt").write_text("mine")
    save(evidence(), tmp_path)
    assert load(tmp_path) == evidence()
    assert (tmp_path / "notes.txt").exists()


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_no_evidence_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="no saved evidence") as caught:
        load(tmp_path)
    assert "\n" not in caught.value.line
    assert "look.json" in caught.value.line


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", '{"format":1}', '{"format":2}', '{"format":1,"format":1}', "{\n" * 300])
def test_every_file_that_is_lost_or_spoilt_is_one_line_or_a_missing(tmp_path: Path, text: str) -> None:
    save(evidence(b"\xff"), tmp_path)
    for path in files(tmp_path):
        kept = path.read_bytes()
        path.write_text(text)
        try:
            found = load(tmp_path)
        except ContractError as error:
            line = error.line
            assert str(tmp_path) in line
            assert "\n" not in line
        else:
            assert path.parent.name == "hosts"
            assert isinstance(found.first.hosts["fleet-1"], Missing) or found != evidence(b"\xff")
        path.write_bytes(kept)
    assert load(tmp_path) == evidence(b"\xff")


def test_a_body_with_another_hash_is_refused(tmp_path: Path) -> None:
    save(evidence(b"\xff" * 100), tmp_path)
    next((tmp_path / "bodies").iterdir()).write_bytes(b"other")
    with pytest.raises(ContractError, match="another hash"):
        load(tmp_path)


def test_a_body_outside_of_the_folder_is_refused(tmp_path: Path) -> None:
    save(evidence(b"\xff" * 100), tmp_path)
    path = tmp_path / "first/answers.json"
    text = path.read_text()
    digest = next((tmp_path / "bodies").iterdir()).name
    path.write_text(text.replace(digest, "../../etc/passwd"))
    with pytest.raises(ContractError, match="a hash wanted"):
        load(tmp_path)


@pytest.mark.parametrize("taken", [1e300, 1e15, -1e15, 1e18])
def test_a_look_of_a_moment_that_no_calendar_has_is_refused(tmp_path: Path, taken: float) -> None:
    save(evidence(), tmp_path)
    path = tmp_path / "second/look.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "taken": taken}))
    with pytest.raises(ContractError, match="a moment that a calendar has"):
        load(tmp_path)


@pytest.mark.parametrize("what", ["a pipe", "a device", "a file without an end"])
def test_what_is_no_file_of_evidence_is_refused_and_not_waited_for(tmp_path: Path, what: str) -> None:
    """Who gives a folder to be judged has neither the gate's time nor its memory."""
    save(evidence(), tmp_path)
    path = tmp_path / "remotes.json"
    path.unlink()
    if what == "a pipe":
        os.mkfifo(path)
    elif what == "a device":
        path.symlink_to("/dev/zero")
    else:
        path.touch()
        os.truncate(path, 1 << 40)
    limit = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (8 << 30, limit[1]))
    try:
        with pytest.raises(ContractError, match=r"at most|no regular file"):
            load(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limit)


def test_evidence_that_came_from_no_probe_is_not_saved(tmp_path: Path) -> None:
    look = Look(1.0, {"x": host_evidence("x", {})}, {}, {})
    with pytest.raises(ContractError, match="no document of a probe"):
        save(Evidence(look, look, {}), tmp_path)


class Cuts:
    """A cutter that knows one word."""

    def telling_apart(self) -> Cuts:
        """There is but one."""
        return self

    def cut(self, text: str) -> str:
        """Text."""
        return text.replace("canary", "[cut]")

    def cut_bytes(self, body: bytes) -> bytes:
        """Bytes."""
        return body.replace(b"canary", b"[cut]")

    def cut_document(self, document: Any) -> Any:
        """A document."""
        return json.loads(self.cut(json.dumps(document)))


@pytest.mark.parametrize(
    "body", [b"a canary", b'{"a": "canary"}', b'{"a": "canary", "a": 1}', b"\xff canary", b"canary" * 10_000]
)
def test_no_secret_is_saved_and_bytes_are_judged_as_they_came(tmp_path: Path, body: bytes) -> None:
    save(evidence(body), tmp_path, Cuts())
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and b"canary" in path.read_bytes()]
    found = load(tmp_path).second.answers[Question("api-1", 80, "/0", "::1", (("Accept-Encoding", "gzip"),))]
    assert isinstance(found, Answer)
    assert found.digest == hashlib.sha256(body).hexdigest()
    assert b"[cut]" in found.body


def test_what_differs_by_what_is_cut_alone_stays_two_and_is_called_the_same_everywhere(tmp_path: Path) -> None:
    paths = ("assets/q7Zt2LxV9mRb4KwYc8Hd.js", "assets/gssEqlOhJkPJp8Xly7QyW6xcrkUa.js")
    whole = evidence()
    answers: dict[Question, Answer | Missing] = {Question("api-1", 80, f"/{path}"): answer(path.encode()) for path in paths[::-1]}
    remotes: dict[str, RemoteView | Missing] = {
        "console": RemoteView("console", "git@h:x.git", COMMIT, {}, frozenset(), None, dict.fromkeys(paths, ("100644", COMMIT)))
    }
    look = Look(1.0, whole.second.hosts, answers, {})
    save(Evidence(look, look, remotes), tmp_path, Redactor())
    found = load(tmp_path)
    view = found.remotes["console"]
    assert isinstance(view, RemoteView)
    assert view.tree is not None
    assert {f"/{path}" for path in view.tree} == {question.path for question in found.second.answers}
    assert len(view.tree) == len(paths)
    for question, one in found.first.answers.items():
        assert isinstance(one, Answer)
        assert one.body.decode() == question.path[1:]
        assert found.second.answer(question).body == one.body
    assert not [path for path in tmp_path.rglob("*.json") if "q7Zt2" in path.read_text() or "gssEql" in path.read_text()]


def test_a_packed_body_is_looked_into(tmp_path: Path) -> None:
    plain = b"x" * 100 + b"canary"
    packed = Answer("api-1", 80, "/", 200, {"content-encoding": "gzip"}, gzip.compress(plain), 0.1, 1.0)
    look = Look(1.0, {}, {Question("api-1", 80, "/"): packed}, {})
    save(Evidence(look, look, {}), tmp_path, Cuts())
    found = load(tmp_path).first.answers[Question("api-1", 80, "/")]
    assert isinstance(found, Answer)
    assert unpacked(found) == plain.replace(b"canary", b"[cut]")
    assert found.digest == hashlib.sha256(plain).hexdigest()


class Looks(Cuts):
    """One that says what it was given to look into."""

    def __init__(self) -> None:
        self.bodies: list[int] = []

    def cut_bytes(self, body: bytes) -> bytes:
        """Bytes."""
        self.bodies.append(len(body))
        return body


def test_what_a_host_serves_is_looked_into_once_and_up_to_a_limit(tmp_path: Path) -> None:
    """64 KB unpack to 64 MB, and a site may be asked for 20,000 files: whoever serves them would have the gate for an hour. What
    another host serves is looked into all the same.
    """
    plain = [bytes([number]) * 5_000_000 for number in b"abcdefgh"]
    served = [("api-1", f"/{number}", body) for number, body in enumerate([*plain, plain[0]])] + [("api-2", "/", b"good")]
    packed = {"content-encoding": "gzip"}
    answers: dict[Question, Answer | Missing] = {
        Question(host, 80, path): Answer(host, 80, path, 200, packed, gzip.compress(body, mtime=0), 0.1, 1.0)
        for host, path, body in served
    }
    looks = Looks()
    save(Evidence(Look(1.0, {}, {}, {}), Look(1.0, {}, answers, {}), {}), tmp_path, looks)
    assert sum(size for size in looks.bodies if size == len(plain[0])) <= LOOKED_INTO
    for (host, path, body), one in zip(served, load(tmp_path).second.answers.values(), strict=True):
        assert isinstance(one, Answer)
        assert one.digest == hashlib.sha256(body).hexdigest() if not one.body else unpacked(one) == body, (host, path)
        assert bool(one.body) == (host == "api-2" or path in {"/0", "/1", "/2", "/8"})


def of_fleet(**more: Any) -> HostEvidence:
    """What the probe said, with members that nobody reads."""
    return host_evidence("fleet-1", {**GOOD, "sections": {**GOOD["sections"], **more}})


def test_no_document_of_a_host_makes_a_file_that_nobody_reads_again(tmp_path: Path) -> None:
    """In 8 MB there are millions of numbers, each of which had a line of its own, as far to the right as it is deep."""
    deep: Any = [1] * 3_000_000
    for _ in range(55):
        deep = [deep]
    before = evidence(b"x")
    before = replace(before, second=replace(before.second, hosts={**before.second.hosts, "fleet-1": of_fleet(deep=deep)}))
    save(before, tmp_path)
    assert load(tmp_path) == before


def test_a_site_of_many_small_files_is_read_again(tmp_path: Path) -> None:
    """Each is asked for in several ways; nothing about that is hostile."""
    files = [f"file {number} ".encode() * 1500 for number in range(50)]
    answers: dict[Question, Answer | Missing] = {
        Question("api-1", 80, f"/{number}", f"192.0.2.{way}"): answer(files[number % 50])
        for number in range(700)
        for way in range(8)
    }
    before = replace(evidence(), second=Look(1.0, {}, answers, {}))
    save(before, tmp_path)
    assert load(tmp_path) == before


def test_what_one_host_answers_is_kept_up_to_a_limit_and_what_others_do_all_the_same(tmp_path: Path) -> None:
    """Also where it is asked from another host, by its address."""
    wordy = replace(answer(b"x"), headers={f"x-{number}": "word " * 3000 for number in range(2)})
    health = Question("data", 8090, "/health")
    asked = [Question("data", 80, f"/{number}", "198.51.100.21") for number in range(2500)]
    answers: dict[Question, Answer | Missing] = {**dict.fromkeys(asked, wordy), health: answer(b"good")}
    save(replace(evidence(), second=Look(1.0, {}, answers, {})), tmp_path)
    found = load(tmp_path).second.answers
    assert found[health] == answer(b"good")
    assert found[asked[0]] == wordy
    assert isinstance(last := found[asked[-1]], Missing)
    assert (last.kind, last.where) == ("failed", "198.51.100.21")


def test_no_remote_and_no_database_keeps_the_others_from_being_read(tmp_path: Path) -> None:
    """A commit of 60 MB of names, a server with 20,000 clients that call themselves by what JSON writes in six letters."""
    before = evidence()
    tree = {f"{number:07d}": ("100644", COMMIT) for number in range(900_000)}
    backend = before.remotes["backend"]
    assert isinstance(backend, RemoteView)
    many = DatabaseView("vox", "8.2", (DatabaseClient("198.51.100.41", 41000, "\x01" * 800, ""),) * 20_000, "voxgate-0a")
    second = replace(before.second, databases={"vox": many, "other": DatabaseView("other", "8.2", (), "voxgate-0a")})
    save(replace(before, second=second, remotes={**before.remotes, "backend": replace(backend, tree=tree)}), tmp_path)
    after = load(tmp_path)
    assert isinstance(after.remotes["backend"], Missing)
    assert after.remotes["fleet"] == before.remotes["fleet"]
    assert isinstance(after.second.databases["vox"], Missing)
    assert after.second.databases["other"] == second.databases["other"]
    assert after.second.hosts == before.second.hosts


def test_nothing_is_changed_where_nothing_is_secret(tmp_path: Path) -> None:
    before = evidence(b"plain", gzip.compress(b"plain"))
    save(before, tmp_path, Cuts())
    assert load(tmp_path) == before
