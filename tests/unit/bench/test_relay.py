"""The relay, with real sockets: what comes goes on whole, in order, and not before its time."""

from __future__ import annotations

import hashlib
import socket
import socketserver
import threading
import time
from collections.abc import Iterator

import pytest

from bench.distance import spoken
from bench.relay import relaying

LATE = 30.0


class _Echo(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        while data := self.request.recv(65536):
            self.request.sendall(data)


@pytest.fixture
def echo() -> Iterator[tuple[str, int]]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Echo) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield "127.0.0.1", server.server_address[1]
        server.shutdown()
        thread.join()


def send(came: socket.socket, data: bytes) -> None:
    came.sendall(data)
    came.shutdown(socket.SHUT_WR)


def received(came: socket.socket, length: int) -> bytes:
    data = b""
    while len(data) < length and (more := came.recv(65536)):
        data += more
    return data


def test_an_answer_comes_not_before_a_round_trip_and_each_one_costs_another(echo: tuple[str, int]) -> None:
    with relaying([echo]) as (relay, ports):
        relay.delay = 0.05
        with socket.create_connection(("127.0.0.1", ports[echo]), LATE) as came:
            began = time.monotonic()
            for _ in range(3):
                came.sendall(b"ping")
                assert received(came, 4) == b"ping"
            assert time.monotonic() - began >= 0.3
        assert relay.carried == 24
        assert relay.turns == [(echo, 2)], "what follows an answer is one more turn, the first question is none"


def test_much_goes_through_whole_in_order_and_its_end_too(echo: tuple[str, int]) -> None:
    sent = bytes(range(256)) * 40_000
    with relaying([echo]) as (relay, ports):
        relay.delay = 0.001
        with socket.create_connection(("127.0.0.1", ports[echo]), LATE) as came:
            threading.Thread(target=send, args=(came, sent)).start()
            found = received(came, len(sent) + 1)
    assert hashlib.sha256(found).digest() == hashlib.sha256(sent).digest()


def test_what_was_spoken_is_told_by_host() -> None:
    turns = [(("198.51.100.11", 22), 4), (("198.51.100.10", 22), 7), (("198.51.100.10", 22), 9)]
    assert spoken(turns, {"198.51.100.11": "data"}) == {"connections": 3, "turns": {"forge": 9, "data": 4}}


def test_where_nobody_listens_the_connection_ends() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        nobody = gone.getsockname()
    with relaying([nobody]) as (_, ports), socket.create_connection(("127.0.0.1", ports[nobody]), LATE) as came:
        assert came.recv(1) == b""
