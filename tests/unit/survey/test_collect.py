"""What the end of a probe means, what is asked of whom, and a look that loses nothing of what failed."""

from __future__ import annotations

import copy
import hashlib
import json
from dataclasses import replace
from typing import Any

import pytest

from voxgate.contracts.estates import load_estate
from voxgate.contracts.schemas import FOLDER
from voxgate.errors import CommandUnknown, Unreachable
from voxgate.model.answers import Answer
from voxgate.model.estate import Estate, Host
from voxgate.model.evidence import DistFact, HostEvidence, Missing, known
from voxgate.model.look import Question
from voxgate.model.surroundings import SiteFact
from voxgate.survey import collect, probe
from voxgate.survey.questions import HIDDEN, questions_of, site_path, site_questions, sites_of
from voxgate.survey.reading import host_evidence
from voxgate.transport import http
from voxgate.transport.session import Completed

GOOD: dict[str, Any] = json.loads((FOLDER / "examples/evidence/valid-fleet.json").read_text())
GOOD["probe"]["sha256"] = hashlib.sha256(collect.program()).hexdigest()


@pytest.fixture
def estate() -> Estate:
    return load_estate("lab")


@pytest.fixture
def fleet(estate: Estate) -> Host:
    return estate.host("fleet-1")


def ended(document: object = b"", status: int = 0, stderr: bytes = b"") -> Completed:
    return Completed(status, document if isinstance(document, bytes) else json.dumps(document).encode(), stderr, 0.1)


def test_a_whole_document_is_evidence(estate: Estate, fleet: Host) -> None:
    evidence = collect.read_answer(ended(GOOD), estate, fleet)
    assert isinstance(evidence, HostEvidence)
    assert evidence.name == "fleet-1"


@pytest.mark.parametrize(
    ("status", "stderr", "kind"),
    [
        (1, b"sudo: a password is required\n", "denied"),
        (1, b"Sorry, user deploy is not allowed to execute '/usr/local/sbin/voxgate-probe' as root on h.\n", "denied"),
        (1, b"deploy is not in the sudoers file.\n", "denied"),
        (1, b"sudo: /usr/local/sbin/voxgate-probe: command not found\n", "missing"),
        (127, b"sh: 1: sudo: not found\n", "missing"),
        (1, b"", "failed"),
        (0, b"", "failed"),
        (137, b"Killed", "failed"),
    ],
)
def test_no_document_is_a_missing_that_says_how_to_mend_it(
    estate: Estate, fleet: Host, status: int, stderr: bytes, kind: str
) -> None:
    found = collect.read_answer(ended(b"", status, stderr), estate, fleet)
    assert isinstance(found, Missing)
    assert (found.kind, found.where) == (kind, "fleet-1")
    assert "sudo install -o root -g root -m 0755 voxgate/survey/probe.py /usr/local/sbin/voxgate-probe" in found.hint


@pytest.mark.parametrize("cut", [1, 100, 5000])
def test_a_document_cut_short_is_unparsable(estate: Estate, fleet: Host, cut: int) -> None:
    found = collect.read_answer(ended(json.dumps(GOOD).encode()[:-cut]), estate, fleet)
    assert isinstance(found, Missing)
    assert found.kind == "unparsable"


@pytest.mark.parametrize("text", [b"[]", b"null", b'{"format":1,"format":1}', b'{"a":NaN}', b"\xff", b"Welcome to fleet-1!\n"])
def test_what_is_no_document_is_a_missing(estate: Estate, fleet: Host, text: bytes) -> None:
    assert isinstance(collect.read_answer(ended(text), estate, fleet), Missing)


def test_another_probe_is_denied_with_the_command_that_mends_it(estate: Estate, fleet: Host) -> None:
    document = {**GOOD, "probe": {**GOOD["probe"], "sha256": "0" * 64}}
    found = collect.read_answer(ended(document), estate, fleet)
    assert isinstance(found, Missing)
    assert found.kind == "denied"
    assert "000000000000 there" in found.why
    assert found.hint.startswith("sudo install")


def test_a_refusal_is_a_missing(estate: Estate, fleet: Host) -> None:
    document = {"format": 1, "probe": GOOD["probe"], "error": {"kind": "failed", "text": "request refused: folder"}}
    found = collect.read_answer(ended(document, 2), estate, fleet)
    assert isinstance(found, Missing)
    assert "request refused" in found.why


@pytest.mark.parametrize("section", ["checkouts", "venvs", "env_files"])
def test_a_service_that_is_not_told_is_unparsable(estate: Estate, fleet: Host, section: str) -> None:
    document = copy.deepcopy(GOOD)
    document["sections"][section]["value"] = {}
    found = collect.read_answer(ended(document), estate, fleet)
    assert isinstance(found, Missing)
    assert f"{section}: ['fleet'] asked, [] told" in found.why


def test_a_document_that_breaks_the_schema_is_unparsable(estate: Estate, fleet: Host) -> None:
    document = copy.deepcopy(GOOD)
    del document["sections"]["engines"]
    found = collect.read_answer(ended(document), estate, fleet)
    assert isinstance(found, Missing)
    assert found.kind == "unparsable"
    assert "engines" in found.why


def test_every_request_is_one_that_the_probe_takes(estate: Estate) -> None:
    asked = {host.name: probe.services_of(collect.request_of(estate, host)) for host in estate.hosts}
    assert {name: [row.name for row in rows] for name, rows in asked.items()} == {
        "data": [],
        "api-1": ["backend", "console"],
        "fleet-1": ["fleet"],
        "fleet-2": ["fleet"],
        "sip-1": ["dialler"],
    }
    assert asked["fleet-1"][0].units == [f"voxcore@{number}.service" for number in (1, 2, 3)]


class Connection:
    """A connection on which one command has one outcome."""

    def __init__(self, host: Host, outcome: Completed | Exception) -> None:
        self.host = host
        self.outcome = outcome
        self.asked: tuple[tuple[str, ...], bytes] = ((), b"")

    def run(self, argv: tuple[str, ...], *, stdin: bytes, **_: float) -> Completed:
        """The one outcome."""
        self.asked = (argv, stdin)
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


class Connections:
    """Each host's one connection; what it raises is its outcome, as with the real ones."""

    def __init__(self, estate: Estate, outcome: Completed | Exception) -> None:
        self.all = {host.name: Connection(host, outcome) for host in estate.hosts}

    def each(self, hosts: tuple[Host, ...], function: Any) -> dict[str, object]:
        """What came of each host."""
        found: dict[str, object] = {}
        for host in hosts:
            try:
                found[host.name] = function(self.all[host.name])
            except (Unreachable, CommandUnknown) as error:
                found[host.name] = error
        return found


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (Unreachable("no connection", where="x", why="timed out", hint="is it on?"), "unreachable"),
        (CommandUnknown("'sudo' was not done within 30 s", where="x"), "timeout"),
        (CommandUnknown("'sudo' ended without an exit status", where="x"), "unparsable"),
    ],
)
def test_a_host_that_does_not_answer_is_a_missing(estate: Estate, error: Exception, kind: str) -> None:
    found = collect.survey(Connections(estate, error), estate)  # type: ignore[arg-type]
    assert {(name, row.kind, row.where) for name, row in found.items() if isinstance(row, Missing)} == {
        (host.name, kind, host.name) for host in estate.hosts
    }


def test_the_installed_probe_gets_the_request_alone_and_over_stdin_the_program_comes_first(estate: Estate) -> None:
    connections = Connections(estate, ended(GOOD))
    collect.survey(connections, estate)  # type: ignore[arg-type]
    argv, stdin = connections.all["fleet-1"].asked
    assert argv == ("sudo", "-n", "/usr/local/sbin/voxgate-probe")
    assert json.loads(stdin)["services"][0]["name"] == "fleet"
    hosts = tuple(replace(host, probe="stdin") for host in estate.hosts)
    connections = Connections(replace(estate, hosts=hosts), ended(GOOD))
    collect.survey(connections, replace(estate, hosts=hosts))  # type: ignore[arg-type]
    argv, stdin = connections.all["fleet-1"].asked
    assert argv[:4] == ("python3", "-I", "-S", "-c")
    length, _, rest = stdin.partition(b"\n")
    assert rest[: int(length)] == collect.program()
    assert json.loads(rest[int(length) :])["format"] == 1


def test_every_endpoint_of_the_estate_is_asked_once(estate: Estate) -> None:
    questions = questions_of(estate)
    assert len(set(questions)) == len(questions)
    assert {(row.host, row.port, row.path) for row in questions} == {
        ("api-1", 8080, "/health"),
        ("api-1", 80, "/health"),
        *((f"fleet-{host}", 8100 + worker, "/health") for host in (1, 2) for worker in (1, 2, 3)),
        ("fleet-1", 8101, "/health/fleet"),
        ("fleet-2", 8101, "/health/fleet"),
        ("sip-1", 8090, "/health"),
        ("sip-1", 8090, "/metrics"),
        ("sip-1", 7880, "/"),
        ("sip-1", 5060, "/"),
        *(("api-1", 80, path) for path in HIDDEN),
    }


def test_a_site_is_asked_for_every_file_on_every_way(estate: Estate) -> None:
    site = estate.service("console").site
    assert site is not None
    own = ("127.0.0.1", "192.0.2.9", "::1", "fe80::1")
    sites = (SiteFact(("80",), ("*.x.example", "~^y", "_"), serves=True), SiteFact(("[::]:8443",), ("z.example",), serves=True))
    found = host_evidence("api-1", GOOD)
    host = replace(found, addresses=own, nginx=replace(known(found.nginx), sites=sites))
    outside = ("fleet-1", "198.51.100.21")
    questions = site_questions(host, site, {"a b/ü#.js": (1, "x")}, outside)
    assert len(questions) == len(set(questions)) == 2 * (2 * 2 + 1 + 1) + 2 * (2 + 1 + 1) + 1
    assert Question("api-1", 80, "/", "192.0.2.9") in questions
    assert Question(*outside[:1], 80, "/", outside[1]) in questions
    assert Question("api-1", 80, "/", "::1", (("Host", "voxgate.x.example"),)) in questions
    assert {row.path for row in questions} == {"/", "/a%20b/%C3%BC%23.js", "/a%20b/%C3%BC%23.js.map"}
    assert Question("api-1", 80, "/", "::1", (("Accept-Encoding", "gzip"),)) in questions
    assert site_path(replace(site, path="/app/"), "index.html") == "/app/index.html"


def test_only_sites_that_were_seen_are_asked(estate: Estate) -> None:
    evidence = host_evidence("api-1", GOOD)
    dist = DistFact("builds/x", {"index.html": (1, "x")}, None, 1.0, 2.0)
    seen = replace(evidence, dists={"console": dist})
    assert list(sites_of(estate, {"api-1": seen}).values()) == [dist]
    assert sites_of(estate, {"api-1": replace(evidence, dists={"console": Missing("missing", "no dist")})}) == {}
    assert sites_of(estate, {"api-1": Missing("unreachable", "down")}) == {}
    assert sites_of(estate, {}) == {}


class Way:
    """What a look needs of the transport, and a failure at will."""

    def __init__(self, estate: Estate) -> None:
        self.estate = estate
        self.opened: list[str] = []

    def open(self, hosts: tuple[Host, ...]) -> None:
        """Remember."""
        self.opened += [host.name for host in hosts]


def test_a_look_holds_hosts_answers_sites_and_databases(estate: Estate, monkeypatch: pytest.MonkeyPatch) -> None:
    dist = DistFact("builds/x", {"index.html": (2 * http.LIMIT, "x")}, None, 1.0, 2.0)
    seen = replace(host_evidence("api-1", GOOD), dists={"console": dist})
    limits: list[int] = []

    def ask(_: object, questions: tuple[Question, ...], *, limit: int = 0) -> dict[Question, Missing]:
        limits.append(limit)
        return dict.fromkeys(questions, Missing("denied", "no forwarding"))

    monkeypatch.setattr(collect, "survey", lambda *_, **__: {"api-1": seen})
    monkeypatch.setattr(collect, "see", lambda _, database: Missing("unreachable", database.name))
    monkeypatch.setattr(http, "ask", ask)
    way = Way(estate)
    extra = Question("data", 1, "/x")
    look = collect.take_look(way, estate, (extra,))  # type: ignore[arg-type]
    site = estate.service("console").site
    assert site is not None
    assert set(look.answers) == {
        *questions_of(estate),
        *site_questions(seen, site, dist.files, ("fleet-1", estate.host("api-1").address)),
        extra,
    }
    assert look.databases == {"vox": Missing("unreachable", "vox")}
    assert look.hosts == {"api-1": seen}
    assert way.opened == [host.name for host in estate.hosts]
    assert max(limits) > 2 * http.LIMIT


def test_a_mistake_of_ours_is_not_swallowed(estate: Estate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collect, "survey", lambda *_, **__: {})
    monkeypatch.setattr(collect, "see", lambda *_: 1 // 0)
    monkeypatch.setattr(http, "ask", lambda *_, **__: {})
    with pytest.raises(ZeroDivisionError):
        collect.take_look(Way(estate), estate)  # type: ignore[arg-type]


def test_what_nobody_may_be_given_is_not_kept() -> None:
    given = Answer("api-1", 80, "/.env", 200, {}, b"SECRET=1", 0.1, 1.0)
    kept = collect._unread(Question("api-1", 80, "/.env"), given)
    assert isinstance(kept, Answer)
    assert (kept.body, kept.digest) == (b"", hashlib.sha256(b"SECRET=1").hexdigest())
    assert collect._unread(Question("api-1", 80, "/health"), given) is given


def test_a_request_for_some_services_is_one_that_the_probe_takes(estate: Estate) -> None:
    request = collect.request_of(estate, estate.host("api-1"), only={"dialler", "backend"})
    assert [row.name for row in probe.services_of(request)] == ["backend", "console"]
    assert probe.only_of(request) == frozenset({"backend", "dialler"})
