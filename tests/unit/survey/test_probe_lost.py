"""Whether what is sent to a place comes there, by the kernel's own count."""

from __future__ import annotations

import socket
import time

import pytest

from tests.built import probe


def test_what_comes_there_is_told_and_what_is_refused_came_there_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "SENT_WITHIN", 30.0)
    with socket.create_server(("127.0.0.1", 0), backlog=64) as well, socket.create_server(("127.0.0.1", 0)) as closed:
        places = [well.getsockname(), closed.getsockname()]
        closed.close()
        began = time.monotonic()
        assert probe.resent(places) == dict.fromkeys(places, (probe.SENT_TIMES, 0))
        assert time.monotonic() - began < 20


def test_where_the_first_packet_is_lost_it_is_sent_again() -> None:
    """A listener that takes nobody drops what comes once its queue is full, as a filter does."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        waiting = [socket.socket() for _ in range(3)]
        for one in waiting:
            one.settimeout(0)
            one.connect_ex(full.getsockname())
        tried, again = probe.resent([full.getsockname()])[full.getsockname()]
        for one in waiting:
            one.close()
    assert tried == again == probe.SENT_TIMES


def test_what_is_no_address_is_not_tried_and_there_is_an_end_to_it() -> None:
    assert probe.resent([("fleet-1", 80), ("", 0), ("::1", 0)])["fleet-1", 80] == (0, 0)
    assert probe.resent([]) == {}
    many = [(f"127.0.1.{number}", 9) for number in range(1, 201)]
    assert sum(tried for tried, _ in probe.resent(many).values()) <= probe.SENT_AT_ONCE
