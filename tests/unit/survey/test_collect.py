"""What the end of a probe means, what is asked of whom, and a look that loses nothing of what failed."""

from __future__ import annotations

import copy
import hashlib
import json
import time
from collections import Counter
from dataclasses import replace
from ipaddress import ip_address
from typing import Any

import brotli
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.built import probe
from voxgate.contracts.estates import load_estate
from voxgate.contracts.schemas import FOLDER
from voxgate.errors import UNFORESEEN, CommandUnknown, ContractError, Unreachable
from voxgate.model.answers import Answer
from voxgate.model.estate import Estate, Host
from voxgate.model.evidence import DistFact, HostEvidence, Missing, Proof, SocketFact, known
from voxgate.model.front import Front
from voxgate.model.installed import install_probe
from voxgate.model.look import Question
from voxgate.model.web_servers import SiteFact
from voxgate.probe.built import digest, program
from voxgate.survey import codings, collect
from voxgate.survey.balancing import call_questions
from voxgate.survey.browsers import BROWSERS, RETURNING
from voxgate.survey.host_documents import host_evidence
from voxgate.survey.probing import Told
from voxgate.survey.questions import questions_of
from voxgate.survey.sites import HIDDEN, NO_PAGE, STATUS, Entrance, site_path, site_questions, sites_of
from voxgate.transport.clients import http
from voxgate.transport.ssh.remote_command import Completed

from .conftest import KeyPair

GOOD: dict[str, Any] = json.loads((FOLDER / "examples/evidence/valid-fleet.json").read_text())
GOOD["probe"]["sha256"] = digest()
BY_LOOPBACK = Entrance("api-1", 80, None)


@pytest.fixture
def estate() -> Estate:
    return load_estate("lab")


@pytest.fixture
def fleet(estate: Estate) -> Host:
    return estate.host("fleet-1")


def told(document: dict[str, Any]) -> Told:
    return Told(document, Proof(b"{}", b"-", "SHA256:x"), "")


def test_a_whole_document_is_evidence(estate: Estate, fleet: Host) -> None:
    evidence = collect.read_answer(told(GOOD), estate, fleet)
    assert isinstance(evidence, HostEvidence)
    assert (evidence.name, evidence.signed_by, evidence.noise) == ("fleet-1", "SHA256:x", "")


@pytest.mark.parametrize("section", ["checkouts", "venvs", "env_files"])
def test_a_service_that_is_not_told_is_unparsable(estate: Estate, fleet: Host, section: str) -> None:
    document = copy.deepcopy(GOOD)
    document["sections"][section]["value"] = {}
    found = collect.read_answer(told(document), estate, fleet)
    assert isinstance(found, Missing)
    assert f"{section}: ['fleet'] asked, [] told" in found.why


def test_a_section_of_another_form_is_lost_alone(estate: Estate, fleet: Host) -> None:
    """All else is told; and no value of it is said, which may be a secret. Judged again from its file it says the same."""
    document = copy.deepcopy(GOOD)
    del document["sections"]["engines"]
    document["sections"]["room"]["value"] = {"disks": "hunter2-is-my-password"}
    document["sections"]["later"] = {"value": 1}
    document["probe"]["sha256"] = "1" * 64
    found = collect.read_answer(told(document), estate, fleet)
    assert isinstance(found, HostEvidence)
    whole = collect.read_answer(told(GOOD), estate, fleet)
    assert isinstance(whole, HostEvidence)
    for seen in (found, host_evidence("fleet-1", found.document)):
        assert seen.engines == Missing("unparsable", "engines: neither a value nor an error", "fleet-1", install_probe())
        assert seen.processes == whole.processes
        assert isinstance(seen.room, Missing)
        assert seen.room.why == "room: memory: not there"
        assert "hunter2" not in seen.room.why


@pytest.mark.parametrize(("member", "value"), [("format", 2), ("host", {"hostname": 7}), ("sections", []), ("probe", None)])
def test_a_document_that_breaks_the_schema_is_unparsable(estate: Estate, fleet: Host, member: str, value: object) -> None:
    found = collect.read_answer(told({**GOOD, member: value}), estate, fleet)
    assert isinstance(found, Missing)
    assert (found.kind, member in found.why) == ("unparsable", True)


def test_an_earlier_probe_is_named_with_what_brings_ours(estate: Estate, fleet: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    old = {**GOOD["probe"], "sha256": "1" * 64}
    monkeypatch.setattr(collect, "EARLIER", {"1" * 64: "0.1.0"})
    found = collect.read_answer(told({**GOOD, "probe": old}), estate, fleet)
    assert isinstance(found, HostEvidence)
    said = f"an earlier release's probe, which cannot tell everything: fleet-1 (0.1.0); `make probe-update`, or {install_probe()}"
    assert said in collect.remarks({"fleet-1": found})


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
    """A connection on which one command has one outcome: of an error, or of a probe that says GOOD and signs it."""

    def __init__(self, host: Host, pair: KeyPair, outcome: Exception | None) -> None:
        self.host = host
        self.host_key = pair.public
        self.outcome = outcome
        self.pair = pair
        self.asked: tuple[tuple[str, ...], bytes] = ((), b"")

    def run(self, argv: tuple[str, ...], *, stdin: bytes, **_: float) -> Completed:
        """The one outcome."""
        self.asked = (argv, stdin)
        if self.outcome is not None:
            raise self.outcome
        request = stdin[stdin.rindex(b'{"format": 1, "services"') :]
        return Completed(0, self.pair.framed(GOOD, request), b"", 0.1)


class Connections:
    """Each host's one connection; what it raises is its outcome, as with the real ones."""

    def __init__(self, estate: Estate, pair: KeyPair, outcome: Exception | None = None) -> None:
        self.all = {host.name: Connection(host, pair, outcome) for host in estate.hosts}

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
def test_a_host_that_does_not_answer_is_a_missing(estate: Estate, pair: KeyPair, error: Exception, kind: str) -> None:
    found = collect.survey(Connections(estate, pair, error), estate)  # type: ignore[arg-type]
    assert {(name, row.kind, row.where) for name, row in found.items() if isinstance(row, Missing)} == {
        (host.name, kind, host.name) for host in estate.hosts
    }


def test_the_installed_probe_gets_the_request_alone_and_over_stdin_the_program_comes_first(estate: Estate, pair: KeyPair) -> None:
    connections = Connections(estate, pair)
    found = collect.survey(connections, estate)  # type: ignore[arg-type]
    argv, stdin = connections.all["fleet-1"].asked
    assert argv == ("/usr/bin/sudo", "-n", "/usr/local/sbin/voxgate-probe")
    assert json.loads(stdin)["services"][0]["name"] == "fleet"
    assert json.loads(stdin)["key"] == pair.fingerprint
    assert isinstance(found["fleet-1"], Missing)  # each said the same, and signed it with the same key
    hosts = tuple(replace(host, probe="stdin") for host in estate.hosts)
    connections = Connections(replace(estate, hosts=hosts), pair)
    found = collect.survey(connections, replace(estate, hosts=hosts))  # type: ignore[arg-type]
    argv, stdin = connections.all["fleet-1"].asked
    assert argv[:4] == ("/usr/bin/python3", "-I", "-S", "-c")
    length, _, rest = stdin.partition(b"\n")
    assert rest[: int(length)] == program()
    assert "key" not in json.loads(rest[int(length) :])
    seen = found["fleet-1"]
    assert isinstance(seen, HostEvidence)
    assert not seen.signed_by
    assert "not signed, the word of the deploy account alone (probe = stdin): fleet-1" in collect.remarks({"fleet-1": seen})


def test_hosts_with_one_key_cannot_be_told_apart(estate: Estate, pair: KeyPair) -> None:
    fleet = [host for host in estate.hosts if host.name in {"fleet-1", "fleet-2"}]
    found = collect.survey(Connections(estate, pair), replace(estate, hosts=tuple(fleet)))  # type: ignore[arg-type]
    assert {name: (row.kind, row.why) for name, row in found.items() if isinstance(row, Missing)} == {
        one: ("denied", f"it has the same host key as {other}: nobody can say which of them signed")
        for one, other in (("fleet-1", "fleet-2"), ("fleet-2", "fleet-1"))
    }


def test_every_endpoint_of_the_estate_is_asked_once(estate: Estate) -> None:
    questions = questions_of(estate)
    assert len(set(questions)) == len(questions)
    assert {(row.host, row.port, row.path) for row in questions} == {
        ("api-1", 8080, "/health"),
        ("api-1", 80, "/health"),
        *((host, port, path) for host, port in (("api-1", 8080), ("fleet-1", 80)) for path in ("/api/ping", f"/api/{NO_PAGE}")),
        *((f"fleet-{host}", 8100 + worker, "/health") for host in (1, 2) for worker in (1, 2, 3)),
        ("fleet-1", 8101, "/health/fleet"),
        ("fleet-2", 8101, "/health/fleet"),
        ("sip-1", 8090, "/health"),
        ("sip-1", 8090, "/metrics"),
        ("sip-1", 7880, "/"),
        ("sip-1", 5060, "/"),
        *(("api-1", 80, path) for path in HIDDEN),
        *(("fleet-1", 80, path) for path in STATUS),
    }


def test_a_site_is_asked_for_every_file_on_every_way(estate: Estate) -> None:
    site = estate.service("console").site
    assert site is not None
    own = ("127.0.0.1", "192.0.2.9", "::1", "fe80::1")
    sites = (SiteFact(("80",), ("*.x.example", "~^y", "_"), serves=True), SiteFact(("[::]:8443",), ("z.example",), serves=True))
    found = host_evidence("api-1", GOOD)
    host = replace(found, addresses=own, nginx=replace(known(found.nginx), sites=sites))
    outside = ("fleet-1", "198.51.100.21")
    questions = site_questions(host, site, {"a b/ü#.js": (1, "x")}, Entrance("api-1", 80, outside), ["/calls/7"])
    assert len(questions) == len(set(questions)) == 2 * (2 * 2 + 1 + 1) + 2 * (2 + 1 + 1) + 1 + (3 + 1 + 1)
    assert Question("api-1", 80, "/", "192.0.2.9") in questions
    for browser in BROWSERS:
        assert Question(*outside[:1], 80, "/", outside[1], browser.headers) in questions
    returning = (*BROWSERS[1].headers, *RETURNING)
    assert {one.path for one in questions if one.headers == returning} == {"/", "/calls/7"}
    assert Question("api-1", 80, "/", "::1", (("Host", "voxgate.x.example"),)) in questions
    assert {row.path for row in questions} == {"/", "/a%20b/%C3%BC%23.js", "/a%20b/%C3%BC%23.js.map", "/calls/7"}
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

    def ask(_: object, questions: tuple[Question, ...], *, limit: int = 0, **__: object) -> dict[Question, Missing]:
        limits.append(limit)
        return dict.fromkeys(questions, Missing("denied", "no forwarding"))

    monkeypatch.setattr(collect, "survey", lambda *_, **__: {"api-1": seen})
    monkeypatch.setattr(collect, "see", lambda _, database, **__: Missing("unreachable", database.name))
    monkeypatch.setattr(http, "ask", ask)
    way = Way(estate)
    extra = Question("data", 1, "/x")
    look = collect.take_look(way, estate, (extra,))  # type: ignore[arg-type]
    site = estate.service("console").site
    assert site is not None
    assert set(look.answers) == {
        *questions_of(estate),
        *site_questions(seen, site, dist.files, Entrance("api-1", 80, ("fleet-1", estate.host("api-1").address)), ["/calls/7"]),
        *call_questions(estate, {"api-1": seen}),
        extra,
    }
    assert look.databases == {"vox": Missing("unreachable", "vox")}
    assert look.hosts == {"api-1": seen}
    assert way.opened == [host.name for host in estate.hosts]
    assert max(limits) > 2 * http.LIMIT


def test_a_mistake_of_ours_costs_its_one_thing_and_leaves_its_traceback(
    estate: Estate, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    seen = replace(host_evidence("api-1", GOOD), dists={"console": DistFact("builds/x", {"a": (1, "x")}, None, 1.0, 2.0)})
    monkeypatch.setattr(collect, "survey", lambda *_, **__: {"api-1": seen})
    monkeypatch.setattr(collect, "see", lambda *_, **__: 1 // 0)
    monkeypatch.setattr(collect, "site_questions", lambda *_: dict[str, object]()["site"])
    monkeypatch.setattr(http, "ask", lambda _, questions, **__: dict.fromkeys(questions, Missing("denied", "")))
    look = collect.take_look(Way(estate), estate)  # type: ignore[arg-type]
    assert set(look.answers) == {*questions_of(estate), *call_questions(estate, look.hosts)}
    database, site = look.databases["vox"], look.host("api-1").dists["console"]
    assert isinstance(database, Missing)
    assert isinstance(site, Missing)
    assert (database.kind, database.where, "ZeroDivisionError" in database.why) == ("failed", "vox", True)
    assert (site.kind, site.where, "KeyError" in site.why) == ("failed", "api-1 console", True)
    assert look.host("api-1").units == seen.units
    assert sorted(str(record.exc_info and record.exc_info[0]) for record in caplog.records if record.name == UNFORESEEN) == [
        "<class 'KeyError'>",
        "<class 'ZeroDivisionError'>",
    ]


@pytest.mark.parametrize(
    "listen", ["80", "*:80", "[::]:80", "192.0.2.1", "80:²", "٨٠", "9" * 5000, "unix:/run/x", ":", "80:80:99999"]
)
def test_a_site_of_any_listen_and_any_name_has_questions(estate: Estate, listen: str) -> None:
    seen = with_sites([{"listens": [listen], "names": ["bücher.example", "*.ü"], "serves": True}], ["192.0.2.7", "::1"])
    site = estate.service("console").site
    assert site is not None
    asked = site_questions(seen, site, {"ü.js": (1, "x")}, BY_LOOPBACK)
    assert {one.address for one in asked} == {"127.0.0.1", "::1", "192.0.2.7"}
    named = {value for one in asked for name, value in one.headers if name == "Host"}
    assert named == (set() if listen == "unix:/run/x" else {"bücher.example", "voxgate.ü"})


WORD = st.text(max_size=12) | st.text("0123456789:.[]*~²٣ü%", max_size=12)


@settings(deadline=None)
@given(
    st.lists(st.fixed_dictionaries({"listens": st.lists(WORD), "names": st.lists(WORD), "serves": st.booleans()}), max_size=3),
    st.lists(WORD | st.ip_addresses().map(str), max_size=3),
    st.dictionaries(WORD, st.just((1, "x")), max_size=3),
)
def test_no_words_of_a_host_stop_the_questions_to_its_site(
    sites: list[dict[str, Any]], addresses: list[str], files: dict[str, tuple[int, str]]
) -> None:
    site = load_estate("lab").service("console").site
    assert site is not None
    for question in site_questions(with_sites(sites, addresses), site, files, BY_LOOPBACK):
        assert ip_address(question.address)
        assert question.path.isascii()


def test_a_host_cannot_have_its_site_asked_without_end(estate: Estate) -> None:
    """Each of its lists is within its own limit."""
    sites = [{"listens": ["80"], "names": [f"n{one}-{other}" for other in range(100)], "serves": True} for one in range(200)]
    seen = with_sites(sites, [f"192.0.2.{number}" for number in range(1, 200)])
    site = estate.service("console").site
    assert site is not None
    for host, files in (seen, 1), (with_sites([], ["192.0.2.1", "192.0.2.2"]), 5000):
        began = time.thread_time()
        with pytest.raises(ContractError, match="cannot be asked for in 20000 questions"):
            site_questions(host, site, {f"{number}.js": (1, "x") for number in range(files)}, BY_LOOPBACK)
        assert time.thread_time() - began < 4  # of the processor: without its limit it is a minute
    assert (
        len(site_questions(with_sites([], []), site, {f"{number}.js": (1, "x") for number in range(3000)}, BY_LOOPBACK)) < 20_000
    )
    long = [{"listens": ["80"], "names": ["n" * 400_000 + str(one)], "serves": True} for one in range(10)]
    with pytest.raises(ContractError, match="in 20000 questions of 6 MB"):
        site_questions(with_sites(long, ["192.0.2.1"]), site, {}, BY_LOOPBACK)
    with pytest.raises(ContractError, match="in 20000 questions of 6 MB"):
        site_questions(with_sites([], []), site, {f"{one}{'n' * 4000}": (1, "x") for one in range(1000)}, BY_LOOPBACK)


def with_sites(sites: list[dict[str, Any]], addresses: list[str]) -> HostEvidence:
    """A host whose nginx and whose network say this, read as a probe's document is."""
    document = copy.deepcopy(GOOD)
    document["sections"]["sockets"]["value"]["addresses"] = addresses
    said = {"masters": [], "status": 0, "flaws": "", "changed": 1.0, "roots": [], "config": "", "workers": [], "doubts": []}
    document["sections"]["nginx"] = {"value": {**said, "sites": sites}}
    return host_evidence("api-1", document)


def test_what_nobody_may_be_given_is_not_kept() -> None:
    given = Answer("api-1", 80, "/.env", 200, {}, b"SECRET=1", 0.1, 1.0)
    kept = collect._unread(Question("api-1", 80, "/.env"), given)
    assert isinstance(kept, Answer)
    assert (kept.body, kept.digest) == (b"", hashlib.sha256(b"SECRET=1").hexdigest())
    assert collect._unread(Question("api-1", 80, "/health"), given) is given
    packed = replace(given, headers={"content-encoding": "br"}, body=brotli.compress(b"SECRET=1"))
    assert collect._unread(Question("api-1", 80, "/.env"), packed) == replace(kept, headers=packed.headers)


def test_what_nobody_may_be_given_is_not_unpacked_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some bytes are 64 MB of it, and root of a host may give each question others. Here they are 1 kB, and 10 of them room."""
    unpacked: list[bytes] = []

    def noted(answer: Answer) -> bytes:
        unpacked.append(answer.body)
        return answer.body * 100

    monkeypatch.setattr(collect, "UNPACKED", 10_000)
    monkeypatch.setattr(codings, "unpacked", noted)
    spent = Counter[tuple[str, str]]()
    for host, body in [*(("api-1", b"%09d\n" % number) for number in range(50)), *[("api-2", b"same here\n")] * 50]:
        given = Answer(host, 80, "/.env", 200, {"content-encoding": "gzip"}, body, 0.1, 1.0)
        kept = collect._unread(Question(host, 80, "/.env"), given, spent)
        assert isinstance(kept, Answer)
        assert kept.body == b""
        assert kept.digest in {hashlib.sha256(body * 100).hexdigest(), hashlib.sha256(body).hexdigest()}
    assert len(unpacked) <= 12
    plain = Answer("api-1", 80, "/.env", 200, {}, b"SECRET=1", 0.1, 1.0)
    kept = collect._unread(Question("api-1", 80, "/.env"), plain, spent)
    assert isinstance(kept, Answer)
    assert kept.digest == hashlib.sha256(b"SECRET=1").hexdigest()


def test_what_many_questions_are_answered_with_is_unpacked_once() -> None:
    """16 MB from some hundred bytes, for each file of a site: 20,000 of them at most."""
    began, body = time.process_time(), brotli.compress(bytes(16 * 1024 * 1024), quality=4)
    for number in range(500):
        given = Answer("api-1", 80, f"/assets/{number}.js", 200, {"content-encoding": "br"}, body, 0.1, 1.0)
        assert len(codings.seen(given)) == 64
    assert time.process_time() - began < 5


def test_a_request_for_some_services_is_one_that_the_probe_takes(estate: Estate) -> None:
    request = collect.request_of(estate, estate.host("api-1"), only={"dialler", "backend"})
    assert [row.name for row in probe.services_of(request)] == ["backend", "console"]
    assert probe.only_of(request) == frozenset({"backend", "dialler"})


FRONT = Front("console.example", 443, tls=True)
ANY = "0.0.0.0"  # noqa: S104 - found on a host, not bound here


def asked_at(
    estate: Estate, *listening: tuple[str, int], front: Front = FRONT, address: str = "198.51.100.21"
) -> set[tuple[str, int, str]]:
    """Where a host that listens so is asked for its page, and by TLS for which name."""
    listeners = tuple(SocketFact(one, port, None, None, (1,)) for one, port in listening)
    host = replace(host_evidence("api-1", GOOD), addresses=("127.0.0.1", "::1", "192.0.2.9", "2001:db8::9"), listeners=listeners)
    host = replace(host, nginx=replace(known(host.nginx), sites=()))
    site = estate.service("console").site
    assert site is not None
    questions = site_questions(host, site, {}, Entrance("api-1", front.own_port, ("fleet-1", address), front))
    assert all(("Host", "console.example") in one.headers for one in questions)
    return {(one.address, one.port, one.tls) for one in questions if one.path == "/"}


def test_people_s_port_is_asked_where_something_listens_on_it(estate: Estate) -> None:
    name = "console.example"
    outside = ("198.51.100.21", 443, name)
    assert asked_at(estate, (ANY, 443)) == {("127.0.0.1", 443, name), ("192.0.2.9", 443, name), outside}
    six = {("::1", 443, name), ("2001:db8::9", 443, name)}
    four = {("127.0.0.1", 443, name), ("192.0.2.9", 443, name)}
    assert asked_at(estate, (ANY, 443), ("::", 443)) == {*four, *six, outside}
    assert asked_at(estate, ("::", 443)) == {*four, *six, outside}  # a socket of both kinds
    assert asked_at(estate, ("::", 443), address="2001:db8::9") == {*six, ("2001:db8::9", 443, name)}
    assert asked_at(estate, ("192.0.2.9", 443)) == {("192.0.2.9", 443, name), outside}
    assert asked_at(estate, ("127.0.0.1", 8443)) == {outside}
    assert asked_at(estate, ("192.0.2.9", 443), ("127.0.0.1", 80)) == {("192.0.2.9", 443, name), ("127.0.0.1", 80, ""), outside}
    plain = replace(FRONT, plain=8080)
    assert asked_at(estate, ("127.0.0.1", 8080), (ANY, 80), front=plain) == {
        ("127.0.0.1", 8080, ""),
        ("198.51.100.21", 8080, ""),
    }


def test_what_is_asked_for_beside_the_pages_is_asked_as_people_ask(estate: Estate) -> None:
    as_people = {(one.host, one.address, one.port, one.path, one.tls) for one in questions_of(replace(estate, front=FRONT))}
    for path in ("/health", *HIDDEN):
        assert ("fleet-1", "198.51.100.21", 443, path, "console.example") in as_people
    assert not {one for one in as_people if one[2] == 80}
    behind = questions_of(replace(estate, front=replace(FRONT, plain=8080)))
    told = (("Host", "console.example"), ("X-Forwarded-Proto", "https"))
    assert Question("fleet-1", 8080, "/health", "198.51.100.21", told) in behind
    assert Question("fleet-1", 443, "/", "console.example", told[:1], "console.example") in behind
