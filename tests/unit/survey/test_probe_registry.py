"""What a look tells of the workers' entries in Redis: their form and their end, never what else stands there. What is heard
from there is read as anybody's word.
"""

from __future__ import annotations

import json
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.built import probe
from voxgate.contracts import json_strict
from voxgate.contracts.schemas import FOLDER, faults, schema

from .conftest import service

HOST = socket.gethostname()
COMMIT = "0123456789abcdef0123456789abcdef01234567"
GOOD = {"id": f"{HOST}/1", "calls": 0, "max": 1, "commit": COMMIT}
LATE = 0.3


@contextmanager
def peer(answer: bytes) -> Iterator[tuple[int, list[bytes]]]:
    """Something that takes one question, gives that answer and keeps the line open: its port, and what it was asked."""
    asked: list[bytes] = []
    done = threading.Event()

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            asked.append(connection.recv(65536))
            connection.sendall(answer)
            done.wait(10)

    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1], asked
        done.set()
        thread.join()


def told(folder: Path, answer: bytes, *, unit: str = "voxcore@1.service") -> dict[str, Any]:
    """What the probe says of the Redis that gives that answer."""
    with peer(answer) as (port, asked):
        (folder / ".env").write_text(f"REDIS_URL=redis://127.0.0.1:{port}/0\n")
        mine, sockets = probe.Job(list), probe.Job(lambda: {"connections": []})
        row: dict[str, Any] = probe.stores(service(folder, units=[unit], required_settings=["REDIS_URL"]), mine, sockets)[
            "REDIS_URL"
        ]
    return {**row, "asked": asked[0]}


def bulk(text: str) -> bytes:
    return b"$%d\r\n%s\r\n" % (len(text.encode()), text.encode())


def entry(folder: Path, said: str, lives: int = 2500) -> dict[str, Any]:
    found: dict[str, Any] = told(folder, b"+PONG\r\n" + bulk(said) + b":%d\r\n" % lives)["entries"][f"{HOST}/1"]
    return found


def test_an_entry_that_is_right_is_told_as_it_is(place: Path) -> None:
    found = entry(place, json.dumps(GOOD))
    assert (json.loads(found["said"]), found["lives"], found["is"]) == (GOOD, 2500, "JSON")


@pytest.mark.parametrize("path", sorted((FOLDER / "examples/registry-entry").glob("*.json")), ids=lambda path: path.stem)
def test_what_is_told_is_judged_as_what_stands_there(place: Path, path: Path) -> None:
    """Each example, good or bad, breaks its contract in the same places when nothing but its form is known."""
    document = json_strict.loads(path.read_bytes(), where=path.name)
    document = document.get("document", document)
    there = [one.partition(": ")[0] for one in faults("registry-entry", document)]
    seen = [one.partition(": ")[0] for one in faults("registry-entry", json.loads(entry(place, json.dumps(document))["said"]))]
    assert seen == there


def test_a_form_that_stays_is_the_contracts() -> None:
    for name, pattern in probe.KEPT_OF_ENTRY.items():
        wanted = schema("registry-entry")["properties"][name]["pattern"]
        assert re.sub(r"\{1,\d+\}", "+", pattern.pattern) == wanted.strip("^$")


def test_nothing_else_leaves_the_host(place: Path) -> None:
    """Not a text of another form, not the name of a field that is somebody's number, not what is inside of a field."""
    said = {
        **GOOD,
        "commit": "+49 30 1234567",
        "max": 4915112345678,
        "caller": "+49 30 1234567",
        "+49301234567": 1,
        "to": ["Ms X"],
    }
    found = entry(place, json.dumps(said))
    assert json.loads(found["said"]) == {
        **GOOD, "commit": "(text)", "max": 9999, "caller": "(text)", "(field)": 1, "to": [],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "holds"),
    [
        (b"+PONG\r\n$0\r\n\r\n:-2\r\n", "gone"),
        (b"+PONG\r\n$0\r\n\r\n:-1\r\n", "no JSON"),
        (b"+PONG\r\n$5\r\nhello\r\n:7\r\n", "no JSON"),
        (b'+PONG\r\n$13\r\n{"a":1,"a":2}\r\n:7\r\n', "no JSON"),
        (b"+PONG\r\n$3\r\nNaN\r\n:7\r\n", "no JSON"),
        (b"+PONG\r\n$2\r\n\xff\xfe\r\n:7\r\n", "no JSON"),
        (b"+PONG\r\n-WRONGTYPE Operation against a key\r\n:7\r\n", "no text"),
        (b"+PONG\r\n$2001\r\n" + b"1" * 2001 + b"\r\n:7\r\n", "too long"),
        (b"+PONG\r\n$2000\r\n" + b"[" * 2000 + b"\r\n:7\r\n", "no JSON"),
    ],
)
def test_what_is_no_entry_is_told_by_a_word(place: Path, answer: bytes, holds: str) -> None:
    found = told(place, answer)["entries"][f"{HOST}/1"]
    assert (found["is"], found["said"]) == (holds, "")


@pytest.mark.parametrize(
    ("answer", "unread"),
    [
        (b"-NOAUTH Authentication required.\r\n" * 3, "refused: NOAUTH"),
        (b"+PONG\r\n-NOPERM User vox has no permissions\r\n:7\r\n", "refused: NOPERM"),
        (b"+PONG\r\n$-1\r\n:-2\r\n", "it does not speak as Redis does"),
        (b"+PONG\r\n$99999999\r\n", "it does not speak as Redis does"),
        (b"+PONG\r\n:1" + b"0" * 400 + b"\r\n", "it does not speak as Redis does"),
        (b"+PONG\r\n" + b"x" * 600, "it does not speak as Redis does"),
        (b"+PONG\r\n$2\r\n{}\r\n+OK\r\n", "it does not speak as Redis does"),
        (b"+PONG\r\n$2\r\n{}\r\n", "timeout"),
        (b"+PONG\r\n", "timeout"),
    ],
)
def test_what_cannot_be_read_is_said_and_the_rest_stays(
    place: Path, monkeypatch: pytest.MonkeyPatch, answer: bytes, unread: str
) -> None:
    monkeypatch.setattr(probe, "ASKING_REDIS", LATE)
    row = told(place, answer)
    assert (row["unread"], row["entries"], row["outcome"]) == (unread, {}, "reached")


def test_it_asks_as_the_setting_says_and_each_word_is_one(place: Path) -> None:
    """The login goes to the very host that the setting names, quoted by its length; the database may stand in two places."""
    key = f"vox:workers:{HOST}/12".encode()
    question = [b"GETRANGE", key, b"0", b"2000"], [b"PTTL", key]
    assert probe.Registry("redis://h", ["voxcore@12.service"]).words == b"".join(map(probe.spoken_as_redis, question))
    assert probe.spoken_as_redis([b"AUTH", b"a\r\nFLUSHALL"]) == b"*2\r\n$4\r\nAUTH\r\n$11\r\na\r\nFLUSHALL\r\n"
    for url, first in (
        ("redis://:p%40ss%0d%0a@h:1/3", [[b"AUTH", b"p@ss\r\n"], [b"SELECT", b"3"]]),
        ("redis://vox:p@h/?db=4", [[b"AUTH", b"vox", b"p"], [b"SELECT", b"4"]]),
        ("redis://[::1]:6379/0", []),
        ("redis://vox@h/0", []),
    ):
        found = probe.Registry(url, ["voxcore@12.service"])
        assert found.words == b"".join(map(probe.spoken_as_redis, (*first, *question))), url
        assert found.before == len(first)


def test_another_server_of_a_cluster_is_not_asked(place: Path) -> None:
    row = told(place, b"+PONG\r\n-MOVED 7 10.0.0.1:6379\r\n-MOVED 7 10.0.0.1:6379\r\n")
    assert (row["entries"], row["unread"], row["outcome"]) == ({}, "", "reached")


def test_a_service_of_no_workers_is_asked_for_none(place: Path) -> None:
    row = told(place, b"-NOAUTH\r\n", unit="voxbridge.service")
    assert (row["asked"], row["entries"], row["unread"], row["outcome"]) == (b"PING\r\n", {}, "", "reached")
