"""Bitbucket: a server on loopback speaks its API, in good and bad days."""

from __future__ import annotations

import gzip
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from tests.forge import TOKEN, Forge, serving
from voxgate.errors import ForgeError, Refused
from voxgate.transport.clients.bitbucket import Bitbucket, BuildStatus, red_or_running

COMMIT = "0123456789abcdef0123456789abcdef01234567"
GOOD = BuildStatus("voxgate-lab", "SUCCESSFUL", "voxgate on lab", "https://ci/1", "done")


@pytest.fixture
def forge() -> Iterator[Forge]:
    with serving() as found:
        yield found


def client(forge: Forge, pauses: list[float] | None = None, **more: Any) -> Bitbucket:
    pauses = [] if pauses is None else pauses
    return Bitbucket("ws", TOKEN, api=forge.url, **{"deadline": 30.0, "sleep": pauses.append, **more})


def test_a_status_is_set_and_the_same_key_overwrites(forge: Forge) -> None:
    client(forge).state("repo", COMMIT, BuildStatus("voxgate-lab", "INPROGRESS", "voxgate on lab"))
    client(forge).state("repo", COMMIT, GOOD)
    assert forge.asked[0][:2] == ("POST", f"/2.0/repositories/ws/repo/commit/{COMMIT}/statuses/build")
    assert [one["state"] for one in forge.statuses.values()] == ["SUCCESSFUL"]
    assert client(forge).statuses("repo", COMMIT) == (GOOD,)


def test_a_report_is_uploaded(forge: Forge) -> None:
    assert (
        client(forge).upload("repo", b"<html>\r\n\x00</html>", "a b.html") == "https://bitbucket.org/ws/repo/downloads/a%20b.html"
    )
    assert forge.downloads == {"a b.html": b"<html>\r\n\x00</html>"}


def test_a_download_is_had_from_where_it_lies_without_the_token(forge: Forge) -> None:
    client(forge).upload("repo", b"\x00one", "a b.json")
    assert client(forge).download("repo", "a b.json") == b"\x00one"
    asked, led = forge.asked[-2:]
    assert (asked[1], led[1]) == ("/2.0/repositories/ws/repo/downloads/a%20b.json", "/elsewhere/a%20b.json")
    assert "authorization" in asked[2]
    assert "authorization" not in led[2]
    with pytest.raises(ForgeError, match="404"):
        client(forge).download("repo", "none")


@pytest.mark.parametrize("where", ["http://127.0.0.1:9/x", "file:///etc/passwd", "ftp://x/y", "//127.0.0.1:9/x"])
def test_a_download_that_leads_to_no_https_is_not_followed(forge: Forge, where: str) -> None:
    forge.bad_days = [(302, {"location": where}, b"", 0)]
    with pytest.raises(ForgeError, match="leads to no https address"):
        client(forge).download("repo", "x")


def test_every_page_of_statuses_is_read(forge: Forge) -> None:
    forge.pages = 3
    forge.statuses = {"ci": {"key": "ci", "state": "SUCCESSFUL"}}
    assert len(client(forge).statuses("repo", COMMIT)) == 3


def test_a_page_elsewhere_is_not_followed(forge: Forge) -> None:
    forge.bad_days = [(200, {}, b'{"values": [], "next": "http://127.0.0.1:9/2.0/x"}', 0)]
    with pytest.raises(ForgeError, match="leads elsewhere"):
        client(forge).statuses("repo", COMMIT)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"values": [1]}', b'{"values": {}}', b"<html>"])
def test_an_answer_that_is_none_is_no_list(forge: Forge, body: bytes) -> None:
    forge.bad_days = [(200, {}, body, 0)]
    with pytest.raises(ForgeError):
        client(forge).statuses("repo", COMMIT)


@pytest.mark.parametrize("status", [200, 400])
def test_an_answer_of_any_depth_is_no_list(forge: Forge, status: int) -> None:
    forge.bad_days = [(status, {}, b"[" * 200_000, 0)]
    with pytest.raises(ForgeError):
        client(forge).statuses("repo", COMMIT)


def test_an_answer_that_nobody_can_unpack_is_a_bad_day(forge: Forge) -> None:
    forge.statuses = {"ci": {"key": "ci", "state": "SUCCESSFUL"}}
    forge.bad_days = [(200, {"content-encoding": "gzip"}, b"no gzip", 0)]
    assert len(client(forge).statuses("repo", COMMIT)) == 1


@pytest.mark.parametrize(
    ("headers", "body"),
    [({"content-encoding": "gzip"}, gzip.compress(b" " * (9 << 20))), ({}, b" " * (9 << 20)), ({"content-encoding": "br"}, b"x")],
    ids=["packed", "plain", "by another way"],
)
def test_an_answer_has_a_limit_packed_or_not(forge: Forge, headers: dict[str, str], body: bytes) -> None:
    forge.statuses = {"ci": {"key": "ci", "state": "SUCCESSFUL"}}
    forge.bad_days = [(200, headers, body, 0)]
    assert len(client(forge).statuses("repo", COMMIT)) == 1
    packed = gzip.compress(json.dumps({"values": [forge.statuses["ci"]]}).encode())
    forge.bad_days = [(200, {"content-encoding": "gzip"}, packed, 0)]
    assert len(client(forge).statuses("repo", COMMIT)) == 1


@pytest.mark.parametrize(
    ("status", "word", "hint"),
    [(401, "Token is invalid", "expired"), (403, "no", "scope"), (404, "gone", "pushed"), (400, "bad", "")],
)
def test_a_refusal_is_final(forge: Forge, status: int, word: str, hint: str) -> None:
    forge.bad_days = [(status, {}, json.dumps({"error": {"message": word}}).encode(), 0)] * 2
    with pytest.raises(ForgeError) as caught:
        client(forge).state("repo", COMMIT, GOOD)
    assert str(status) in caught.value.line
    assert word in caught.value.line
    assert hint in caught.value.hint
    assert TOKEN not in caught.value.text + repr(client(forge))
    assert len(forge.asked) == 1


def test_retry_after_is_kept(forge: Forge) -> None:
    pauses: list[float] = []
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=9), usegmt=True)
    forge.bad_days = [
        (429, {"Retry-After": "7"}, b"", 0),
        (429, {"Retry-After": later}, b"", 0),
        (503, {"Retry-After": "?"}, b"", 0),
    ]
    client(forge, pauses).state("repo", COMMIT, GOOD)
    assert pauses[0] == 7
    assert 6 < pauses[1] <= 9
    assert pauses[2] == 2
    assert forge.statuses


def test_bad_days_pass(forge: Forge) -> None:
    pauses: list[float] = []
    forge.bad_days = [(500, {}, b"", 0), (502, {}, b"<html>", 0), (0, {}, b"", 0), (200, {}, b"", 0.6)]
    client(forge, pauses, attempt=0.3).upload("repo", b"x" * 100_000, "r.html")
    assert pauses == [0.5, 1, 2, 4]
    assert len(forge.downloads["r.html"]) == 100_000


def test_a_bad_day_without_end_is_an_error_within_the_deadline(forge: Forge) -> None:
    forge.bad_days = [(503, {}, b"", 0)] * 100
    began = time.monotonic()
    with pytest.raises(ForgeError, match=r"503 Service Unavailable \(\d attempts within 2 s\)"):
        client(forge, deadline=2.0, sleep=time.sleep).state("repo", COMMIT, GOOD)
    assert time.monotonic() - began < 10


@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\nx-more: ", b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n"])
def test_an_answer_byte_by_byte_is_given_up(head: bytes) -> None:
    """Each byte comes before the deadline of one: a deploy that asks if a build is green would wait for hours."""
    given_up = threading.Event()

    def drip(listener: socket.socket) -> None:
        with suppress(OSError), listener.accept()[0] as peer:
            peer.recv(65536)
            peer.sendall(head)
            for _ in range(200):
                peer.sendall(b" ")
                given_up.wait(0.1)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=drip, args=(listener,), daemon=True)
        thread.start()
        forge = Bitbucket("ws", TOKEN, api=f"http://127.0.0.1:{listener.getsockname()[1]}", deadline=1.0, attempt=0.5)
        with pytest.raises(ForgeError, match="did not do it"):
            forge.statuses("repo", COMMIT)
        assert thread.is_alive(), "it was heard to its end"
        given_up.set()


def test_a_wish_beyond_the_deadline_is_not_waited_for(forge: Forge) -> None:
    forge.bad_days = [(429, {"Retry-After": "3600"}, b"", 0)]
    with pytest.raises(ForgeError, match="1 attempt within"):
        client(forge).state("repo", COMMIT, GOOD)


def test_nobody_there_is_an_error(forge: Forge) -> None:
    with pytest.raises(ForgeError, match="ConnectError"):
        Bitbucket("ws", TOKEN, api="http://127.0.0.1:9", deadline=1.0).state("repo", COMMIT, GOOD)


def test_the_token_comes_from_the_environment_only() -> None:
    with pytest.raises(Refused, match="no token"):
        Bitbucket.of("ws", {})
    with pytest.raises(Refused, match="no workspace"):
        Bitbucket.of("", {"BITBUCKET_TOKEN": TOKEN})
    assert TOKEN not in repr(Bitbucket.of("ws", {"BITBUCKET_TOKEN": TOKEN}))


def test_green_is_green_of_its_own_ci() -> None:
    green = BuildStatus("ci", "SUCCESSFUL", "CI")
    assert red_or_running([green, BuildStatus("voxgate-lab", "FAILED", "gate")]) == ""
    assert "no build" in red_or_running([GOOD])
    for state in ("FAILED", "INPROGRESS", "STOPPED", ""):
        assert red_or_running([green, BuildStatus("lint", state, "lint")]).startswith("lint is ")
