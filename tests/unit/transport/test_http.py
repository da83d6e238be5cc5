"""HTTP through the tunnel and directly: what is the service's fault, what is the way's, and what it costs."""

from __future__ import annotations

import gzip
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from itertools import islice, product
from typing import Any

import pytest

from voxgate.contracts.estates import load_estate
from voxgate.contracts.schemas import FOLDER
from voxgate.errors import UNFORESEEN
from voxgate.model.answers import Answer
from voxgate.model.estate import Host
from voxgate.model.evidence import DistFact, Missing
from voxgate.model.look import Question
from voxgate.survey import collect
from voxgate.survey.host_documents import host_evidence
from voxgate.transport.clients.http import Patience, ask
from voxgate.transport.ssh.connections import Connections

from .conftest import Ground, Opened, free_port, host

Behaviour = Callable[[socket.socket, bytes], None]


@contextmanager
def service(behave: Behaviour, family: socket.AddressFamily = socket.AF_INET) -> Iterator[int]:
    """A server on loopback that reads a request's head and then does as it is told."""
    address = "::1" if family is socket.AF_INET6 else "127.0.0.1"

    def serve(peer: socket.socket) -> None:
        with peer, suppress(OSError):
            head = b""
            while b"\r\n\r\n" not in head and (data := peer.recv(4096)):
                head += data
            behave(peer, head)

    def accept() -> None:
        with suppress(OSError):
            while True:
                peer = listener.accept()[0]
                threading.Thread(target=serve, args=(peer,), daemon=True).start()

    with closing(socket.create_server((address, 0), family=family, backlog=128)) as listener:
        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(5)


def says(text: bytes) -> Behaviour:
    def behave(peer: socket.socket, _: bytes) -> None:
        peer.sendall(text)

    return behave


def repeats(first: bytes, again: bytes, pause: float = 0.0) -> Behaviour:
    def behave(peer: socket.socket, _: bytes) -> None:
        peer.sendall(first)
        while True:
            peer.sendall(again)
            time.sleep(pause)

    return behave


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-A: 1\r\nX-A: 2\r\n\r\nhi"


def one(
    connections: Connections, port: int, *, path: str = "/", deadline: float = 5.0, limit: int = 1024, **more: object
) -> Answer | Missing:
    question = Question("one", port, path, **more)  # type: ignore[arg-type]
    return ask(connections, [question], deadline=deadline, limit=limit)[question]


def trouble(connections: Connections, port: int, **more: object) -> str:
    answer = one(connections, port, **more)  # type: ignore[arg-type]
    assert isinstance(answer, Answer), answer
    return answer.trouble


def test_an_answer_is_all_of_it(connections: Connections) -> None:
    began = time.time()
    with service(says(OK)) as port:
        answer = one(connections, port, path="/health?x=%20y")
    assert isinstance(answer, Answer)
    assert (answer.host, answer.port, answer.path) == ("one", port, "/health?x=%20y")
    assert (answer.status, answer.body, answer.trouble) == (200, b"hi", "")
    assert answer.headers == {"content-length": "2", "x-a": "1, 2"}
    assert began <= answer.asked <= time.time()
    assert 0 < answer.seconds < 20


def test_the_request_is_as_asked(connections: Connections, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    heads: list[bytes] = []

    def keep(peer: socket.socket, head: bytes) -> None:
        heads.append(head)
        peer.sendall(OK)

    with service(keep) as port:
        assert trouble(connections, port, path="/a//b?c=1") == ""
        assert trouble(connections, port, headers=(("Host", "vox.example"), ("Accept-Encoding", "gzip"), ("X-Q", "1"))) == ""
    plain, given = (head.decode().lower() for head in heads)
    assert plain.startswith("get /a//b?c=1 http/1.1\r\n")
    assert f"host: 127.0.0.1:{port}\r\n" in plain
    assert "accept-encoding: identity\r\n" in plain
    assert "host: vox.example\r\n" in given
    assert given.count("host:") == 1
    assert "accept-encoding: gzip\r\n" in given
    assert "identity" not in given
    assert "x-q: 1\r\n" in given


def test_a_body_is_kept_as_it_came(connections: Connections) -> None:
    packed = gzip.compress(b"hello" * 100)
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
    with service(says(head + f"{len(packed):x}\r\n".encode() + packed + b"\r\n0\r\n\r\n")) as port:
        answer = one(connections, port, headers=(("accept-encoding", "gzip"),))
    assert isinstance(answer, Answer)
    assert (answer.body, answer.trouble, answer.headers["content-encoding"]) == (packed, "", "gzip")


def test_a_redirect_is_an_answer(connections: Connections) -> None:
    with service(says(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n")) as port:
        answer = one(connections, port)
    assert isinstance(answer, Answer)
    assert (answer.status, answer.trouble) == (302, "")


def test_ipv6_is_asked_by_its_address(connections: Connections) -> None:
    with service(says(OK), socket.AF_INET6) as port:
        assert trouble(connections, port, address="::1") == ""
        assert trouble(connections, port, address="127.0.0.1") == "connection refused"


def test_refused_is_the_service_s_answer(connections: Connections) -> None:
    answer = one(connections, free_port())
    assert isinstance(answer, Answer)
    assert (answer.status, answer.body, answer.trouble) == (0, b"", "connection refused")


@pytest.mark.parametrize(
    ("behaviour", "said"),
    [
        (
            repeats(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", b"x", 0.1),
            r"the body was not complete within 0.6 s",
        ),
        (repeats(b"HTTP/1.1 200 OK\r\n", b"X-More: x\r\n", 0.1), r"no answer within 0.6 s"),
        (repeats(b"", b"", 0.1), r"no answer within 0.6 s"),
        (repeats(b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0.1), r"no answer within 0.6 s"),
    ],
    ids=["drips its body", "never ends its headers", "says nothing", "says only continue"],
)
def test_slowness_costs_the_deadline_and_no_more(connections: Connections, behaviour: Behaviour, said: str) -> None:
    with service(behaviour) as port:
        began = time.monotonic()
        assert trouble(connections, port, deadline=0.6).startswith(said)
        assert 0.5 < time.monotonic() - began < 8


@pytest.mark.parametrize(
    ("behaviour", "said"),
    [
        (repeats(b"HTTP/1.1 200 OK\r\nContent-Length: 209715200\r\n\r\n", b"x" * 65536), "larger than 1024 bytes"),
        (repeats(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 65536), "larger than 1024 bytes"),
        (repeats(b"HTTP/1.1 200 OK\r\n", b"X-More: " + b"x" * 4000 + b"\r\n"), "not HTTP: "),
        (says(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"), "not HTTP: "),
        (says(b"SSH-2.0-OpenSSH_9.2\r\n"), "not HTTP: "),
        (says(b""), "not HTTP: "),
    ],
    ids=["200 MB", "endless", "endless headers", "closes early", "speaks ssh", "hangs up"],
)
def test_nonsense_is_trouble_at_once(connections: Connections, behaviour: Behaviour, said: str) -> None:
    with service(behaviour) as port:
        began = time.monotonic()
        answer = one(connections, port)
        assert isinstance(answer, Answer)
        assert said in answer.trouble
        assert len(answer.body) <= 1024
        assert time.monotonic() - began < 20


def test_all_are_asked_at_once(ground: Ground, opened: Opened) -> None:
    server = ground.sshd()
    hosts = [host(server.port, f"h{number}") for number in range(4)]
    connections = opened(ground.estate(*hosts))
    connections.open(hosts)

    def slowly(peer: socket.socket, _: bytes) -> None:
        time.sleep(0.4)
        peer.sendall(OK)

    with service(slowly) as port:
        questions = [Question(f"h{number % 4}", port, f"/{number}") for number in range(40)]
        began = time.monotonic()
        answers = ask(connections, questions)
        seconds = time.monotonic() - began
    assert list(answers) == questions
    assert all(isinstance(answer, Answer) and answer.status == 200 for answer in answers.values())
    assert seconds < 8


def test_a_failed_way_is_missing(ground: Ground, opened: Opened) -> None:
    server, closed = ground.sshd(), ground.sshd("AllowTcpForwarding no")
    hosts = [host(server.port, "good"), host(closed.port, "closed"), host(free_port(), "down")]
    connections = opened(ground.estate(*hosts))
    with service(says(OK)) as port:
        answers = {question.host: answer for question, answer in ask(connections, _each(hosts, port)).items()}
        assert isinstance(answers["good"], Answer)
        denied, down = answers["closed"], answers["down"]
        assert isinstance(denied, Missing)
        assert isinstance(down, Missing)
        assert (denied.kind, denied.where) == ("denied", "closed")
        assert "AllowTcpForwarding" in denied.hint
        assert (down.kind, down.where) == ("unreachable", "down")
        assert down.why.endswith("connection refused")
        server.cut()
        lost = ask(connections, _each(hosts[:1], port))[Question("good", port, "/")]
        assert isinstance(lost, Missing)
        assert lost.kind == "unreachable"


def _each(hosts: list[Host], port: int) -> list[Question]:
    return [Question(one_host.name, port, "/") for one_host in hosts]


def test_a_way_that_breaks_while_asking_is_missing(ground: Ground, opened: Opened) -> None:
    server = ground.sshd()
    connections = opened(ground.estate(host(server.port)))
    connections["one"]

    def cut(peer: socket.socket, _: bytes) -> None:
        peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        server.cut()
        peer.recv(1)

    with service(cut) as port:
        answer = one(connections, port)
    assert isinstance(answer, Missing)
    assert (answer.kind, answer.where) == ("unreachable", "one")


def test_directly(ground: Ground, opened: Opened) -> None:
    connections = opened(ground.estate(host(free_port()), host(free_port(), "two", address="no-such.invalid")))
    refused = free_port()
    with service(says(OK)) as port:
        questions = [Question("one", port, "/"), Question("one", refused, "/"), Question("two", port, "/")]
        good, closed, nowhere = ask(connections, questions, direct=True).values()
        assert ask(connections, questions[:1], direct={"one"})[questions[0]].status == 200  # type: ignore[union-attr]
        assert isinstance(ask(connections, questions[:1], direct={"two"})[questions[0]], Missing)
    assert isinstance(good, Answer)
    assert (good.status, good.body) == (200, b"hi")
    assert isinstance(closed, Answer)
    assert closed.trouble == "connection refused"
    assert isinstance(nowhere, Missing)
    assert nowhere.kind == "unreachable"


def test_an_address_that_is_an_alias_of_ssh_is_asked_by_what_it_stands_for(ground: Ground, opened: Opened) -> None:
    """From another host, which knows no such name, and directly; what is saved is the estate's own word."""
    server = ground.sshd()
    config = "Host web-alias\n  HostName 127.0.0.1\n"
    two = host(server.port, "two", address="web-alias")
    connections = opened(ground.estate(host(server.port), two, config=config))
    heard: list[bytes] = []

    def answer(connection: socket.socket, request: bytes) -> None:
        heard.append(request)
        connection.sendall(OK)

    with service(answer) as port:
        question = Question("one", port, "/", "web-alias")
        for direct in (False, True):
            found = ask(connections, [question], direct=direct)[question]
            assert isinstance(found, Answer)
            assert (found.status, found.trouble) == (200, "")
    assert [b"Host: 127.0.0.1" in request for request in heard] == [True, True]


def test_a_name_and_a_path_with_an_umlaut_are_asked_for(connections: Connections) -> None:
    heads: list[bytes] = []

    def keep(peer: socket.socket, head: bytes) -> None:
        heads.append(head)
        peer.sendall(OK)

    with service(keep) as port:
        assert trouble(connections, port, path="/ü?x=%20&y=ä", headers=(("Host", "bücher.example"),)) == ""
        assert trouble(connections, port, address="127.0.0.1", headers=(("Host", "a\r\nX-Evil: 1"),)).startswith("not HTTP")
    heads = [head for head in heads if head]  # the second was connected, and asked nothing
    assert len(heads) == 1
    assert heads[0].startswith(b"GET /%C3%BC?x=%20&y=%C3%A4 HTTP/1.1\r\n")
    assert "host: bücher.example\r\n".encode() in heads[0].lower()


@pytest.mark.parametrize(
    ("more", "unforeseen"),
    [
        ({"headers": (("Host", "\udcff"),)}, True),
        ({"path": "/\udcff"}, True),
        ({"address": "\udcff"}, False),
        ({"path": "/\0"}, False),
        ({"path": "/" + "x" * 70000}, False),
    ],
    ids=["half a character as a name", "as a path", "as an address", "a NUL", "too long"],
)
def test_a_question_that_nobody_can_ask_stops_no_other(
    connections: Connections, more: dict[str, Any], caplog: pytest.LogCaptureFixture, *, unforeseen: bool
) -> None:
    with service(says(OK)) as port:
        good = Question("one", port, "/")
        bad = replace(good, **more)
        for direct in (False, True):
            caplog.clear()
            found = ask(connections, [bad, good], direct=direct)
            answer, lost = found[good], found[bad]
            assert isinstance(answer, Answer)
            assert answer.status == 200
            assert isinstance(lost, Missing)
            assert (lost.kind, lost.where) == ("failed", "one")
            assert lost.why.startswith("one: the gate itself failed here: Unicode" if unforeseen else "that cannot be asked: ")
            assert [record.name for record in caplog.records if record.exc_info] == [UNFORESEEN] * unforeseen


@pytest.mark.parametrize("address", ["a" * 300, "..", "x..y", "\0", "b\0c"])
def test_what_is_no_address_is_not_reached(ground: Ground, opened: Opened, address: str) -> None:
    connections = opened(ground.estate(host(free_port(), address=address), host(free_port(), "two")))
    with service(says(OK)) as port:
        lost, good = ask(connections, [Question("one", port, "/"), Question("two", port, "/")], direct=True).values()
    assert isinstance(good, Answer)
    assert good.status == 200
    assert isinstance(lost, Missing)
    assert (lost.kind in {"unreachable", "failed"}, lost.where) == (True, "one")


def test_all_bodies_together_have_a_limit(connections: Connections) -> None:
    with service(says(OK)) as port:
        questions = [Question("one", port, f"/{number}") for number in range(6)]
        each = len("Content-Length2X-A1X-A2hi")  # headers are as good a place
        found = ask(connections, questions, sum_limit=3 * each).values()
    assert sum(isinstance(answer, Answer) and answer.body == b"hi" for answer in found) == 3
    lost = [answer for answer in found if isinstance(answer, Missing)]
    assert [answer.why for answer in lost] == [f"all that was answered is over {3 * each} bytes: the rest was not taken"] * 3


def test_headers_have_a_limit(connections: Connections) -> None:
    head = b"HTTP/1.1 200 OK\r\nX-A: " + b"a" * 40_000 + b"\r\nContent-Length: 2\r\n\r\nhi"
    with service(says(head)) as port:
        found = one(connections, port)
    assert isinstance(found, Answer)
    assert (found.trouble, found.headers) == ("the headers are larger than 32768 bytes", {})


@pytest.mark.parametrize(
    "line", [b"X-A:" + b" " * 90_000 + b"\0", b"X-A:" + b"\t " * 45_000 + b"a\0b"], ids=["no value", "half a value"]
)
def test_no_line_of_an_answer_takes_a_time_of_its_square(connections: Connections, line: bytes) -> None:
    """While one is matched nothing else of the gate goes on, no heartbeat of its hold on a host either."""
    with service(says(b"HTTP/1.1 200 OK\r\n" + line + b"\r\n\r\n")) as port:
        began = time.process_time()
        found = trouble(connections, port, deadline=60.0)
        assert time.process_time() - began < 3
    assert found.startswith("not HTTP: illegal header line")
    assert len(found) <= 300


def test_as_many_headers_as_there_may_be_are_heard_at_once(connections: Connections) -> None:
    letters = b"abcdefghijklmnopqrstuvwxyz0123456789"
    names = [bytes(name) for name in islice(product(letters, repeat=3), 10_000)]
    head = b"HTTP/1.1 200 OK\r\n" + b"".join(name + b": \t\r\n" for name in names)
    with service(says(head + b"content-length:\t 2 \t\r\nx-y:a b \t c\r\n\r\nhi")) as port:
        began = time.process_time()
        answer = one(connections, port, deadline=60.0)
        assert time.process_time() - began < 1.5
    assert isinstance(answer, Answer)
    assert (answer.status, answer.body, answer.trouble, len(answer.headers)) == (200, b"hi", "", 10_002)
    assert (answer.headers["content-length"], answer.headers["x-y"]) == ("2", "a b \t c")


def test_an_address_that_is_silent_ends_the_patience_with_it_alone(connections: Connections) -> None:
    asked: list[bytes] = []

    def silent(peer: socket.socket, head: bytes) -> None:
        asked.append(head)
        peer.recv(1)

    with service(silent) as port, service(says(OK)) as good:
        questions = [Question("one", port, f"/{number}") for number in range(2000)]
        others = [Question("one", good, f"/{number}") for number in range(50)]
        began = time.monotonic()
        answers = ask(connections, [*questions, *others], deadline=0.5, patience=Patience.of(60, 8))
        assert time.monotonic() - began < 30, "it was asked to its end"
    assert len(asked) < 150
    found = [answers[question] for question in questions]
    assert {one.kind for one in found if isinstance(one, Missing)} == {"timeout"}
    assert any(isinstance(one, Answer) and one.trouble == "no answer within 0.5 s" for one in found)
    assert all(isinstance(answers[question], Answer) for question in others)


def test_many_questions_end_at_one_moment(connections: Connections) -> None:
    """None of them is too slow; all of them together are."""

    def slow(peer: socket.socket, _: bytes) -> None:
        time.sleep(0.2)
        peer.sendall(OK)

    with service(slow) as port:
        questions = [Question("one", port, f"/{number}") for number in range(2000)]
        began = time.monotonic()
        answers = ask(connections, questions, patience=Patience.of(1.0, 8))
        assert time.monotonic() - began < 20
    assert isinstance(answers[questions[0]], Answer)
    assert answers[questions[-1]] == Missing("timeout", "it was not asked: the others took 1 s", "one")


def test_a_site_that_is_silent_costs_a_look_a_moment(connections: Connections, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collect, "SITE_DEADLINE", 1.0)
    estate = load_estate("lab")
    console, document = estate.service("console"), json.loads((FOLDER / "examples/evidence/valid-fleet.json").read_text())
    seen = replace(host_evidence("one", document), addresses=("127.0.0.1",))
    dist = DistFact("builds/x", {f"assets/{number}.js": (1, "x") for number in range(900)}, {}, 0.0, 0.0)

    def hang_up_late(*_: object) -> None:
        time.sleep(0.4)

    with service(hang_up_late) as port:
        assert console.site is not None
        service_ = replace(console, site=replace(console.site, port=port))
        placement = replace(estate.placements[0], service=service_, host=connections.estate.hosts[0])
        began = time.monotonic()
        answers = collect._ask_for_site(connections, replace(estate, seen_from=None), placement, seen, dist)
        assert time.monotonic() - began < 30
    assert len(answers) > 900
    assert any(isinstance(answer, Missing) and answer.kind == "timeout" for answer in answers.values())
