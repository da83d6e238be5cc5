"""The probe on the addresses that stand in a ``.env``: what is looked up, and what never is."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from tests.built import probe

NAMES = "localhost", "127.0.0.1", "store-1.example.com", "db_1", "xn--bcher-kva.example", "a.b.", "[::1]", "localhost:6379", "1a"
NO_NAMES = (
    "", ":p", "p:w", "a b", "a\nb", "-a", "a-", "a..b", ".a", "1234", "1.2.3", "0x7f.1.2.3.4x:", "a:0", "a:65536", "[::1", "::1",
    "p%40x", "p!", "p$w", "caf\xe9", "a" * 64, "a." * 200, "u:p@a", "a/b", "'a'",
)  # fmt: skip


def test_only_what_has_the_form_of_a_name_is_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def look_up(host: str, *_: Any, **__: Any) -> list[Any]:
        asked.append(host)
        raise OSError

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    assert [probe.reach("redis", place) for place in NO_NAMES] == [("unparsable", set())] * len(NO_NAMES)
    assert asked == []
    assert [probe.reach("redis", place)[0] for place in NAMES] == ["unresolved"] * len(NAMES)
    assert len(asked) == len(NAMES)


@pytest.mark.parametrize(
    ("value", "hosts"),
    [
        ("mongodb://u:p@one:1,two/vox?w=1", ["one:1", "two"]),
        ("mongodb://u:p@one/?ssl=true&appName=@vox@", ["one"]),
        ("redis://:p@one:6379/0", ["one:6379"]),
        ("https://one/a/b?c=d#e", ["one"]),
        ("mongodb://u:p%40ss@one", ["one"]),
        ("redis://u:p^w|x y@one", ["one"]),
        # A password that is not quoted: no piece of it is a place.
        ("mongodb://u:p@ss/w@host", [""]),
        ("mongodb://u:p@ss?w@host", [""]),
        ("mongodb://u:p@ss#w@host", [""]),
        ("mongodb://u:p@ss@host", [""]),
        ("mongodb://u:p/w@host", [""]),
        ("redis://:ss/w@host", [""]),
        ("redis://word/w@host", [""]),
        ("https://u:p@ss/w@host/x?y=z", [""]),
        ("redis://u:p@", [""]),
        ("redis://", [""]),
    ],
)
def test_no_piece_of_a_password_is_a_place(value: str, hosts: list[str]) -> None:
    assert probe.url_of(value) == (value.partition(":")[0], hosts)


def test_what_is_no_url_is_none() -> None:
    assert probe.url_of("") == probe.url_of("one:27017") == probe.url_of("/opt/x") == ("", [])
