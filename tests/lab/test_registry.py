"""The registry of the workers is asked in a real Redis, as the setting says: behind a password, as a user of few rights, in
another database than the first.
"""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator

import pytest

from lab import estate
from tests.built import probe
from tests.lab.conftest import on_host

PORT, PASSWORD, DATABASE = "6390", "p@ss w/ord", "3"
WORKERS = [f"{socket.gethostname()}/{number}" for number in (1, 2, 3)]
CLI = ("redis-cli", "-p", PORT, "--no-auth-warning", "-a", PASSWORD)
GOOD = {"id": WORKERS[0], "calls": 0, "max": 1, "commit": "0123456789abcdef0123456789abcdef01234567"}


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A Redis of its own on the data host: an entry, something that is none, and a worker of whom there is nothing."""
    options = {"bind": "0.0.0.0", "protected-mode": "no", "requirepass": PASSWORD, "save": "", "dir": "/tmp"}  # noqa: S104, S108 - on the lab
    words = [word for key, value in options.items() for word in (f"--{key}", value)]
    on_host("data", "redis-server", "--port", PORT, "--daemonize", "yes", *words)
    try:
        until = time.monotonic() + 10
        while on_host("data", "sh", "-c", f"redis-cli -p {PORT} ping 2>&1 || true").startswith("Could not"):
            assert time.monotonic() < until
        on_host("data", *CLI, "-n", DATABASE, "set", f"{probe.ENTRIES}{WORKERS[0]}", json.dumps(GOOD), "px", "60000")
        on_host("data", *CLI, "-n", DATABASE, "lpush", f"{probe.ENTRIES}{WORKERS[1]}", "x")
        for user, rights in (("reads", ("+getrange", "+pttl")), ("other", ("+get",))):
            on_host("data", *CLI, "acl", "setuser", user, "on", ">s3:cret", "~vox:*", "+select", "+ping", *rights)
        yield next(f"{host.address}:{PORT}" for host in estate.hosts() if host.name == "data")
    finally:
        on_host("data", "sh", "-c", f"redis-cli -p {PORT} --no-auth-warning -a '{PASSWORD}' shutdown nosave || true")


@pytest.mark.parametrize(
    ("login", "place", "unread"),
    [
        (":p%40ss%20w%2Ford@", "/3", ""),
        (":p%40ss%20w%2Ford@", "/?db=3", ""),
        ("reads:s3%3Acret@", "/3", ""),
        ("other:s3%3Acret@", "/3", "refused: NOPERM"),
        (":another@", "/3", "refused: NOAUTH"),
        ("", "/3", "refused: NOAUTH"),
    ],
)
def test_a_redis_tells_its_entries_to_whoever_may_read_them(address: str, login: str, place: str, unread: str) -> None:
    asked = probe.Registry(f"redis://{login}{address}{place}", [f"voxcore@{number}.service" for number in (1, 2, 3)])
    assert probe.reach("redis", address, asked)[0] == "reached"
    assert asked.unread == unread
    if unread:
        assert asked.entries == {}
        return
    first, second, third = (asked.entries[name] for name in WORKERS)
    assert (json.loads(first["said"]), 0 < first["lives"] <= 60_000) == (GOOD, True)
    assert (second["is"], second["lives"], third["is"]) == ("no text", -1, "gone")
