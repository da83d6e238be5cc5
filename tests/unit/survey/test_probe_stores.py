"""What a setting's hosts are called: by a hash, by which who knows the name knows it; of a ``mongodb+srv`` name nothing else."""

from __future__ import annotations

import socket
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tests.built import probe

from .conftest import CANARY, service


def digest(name: str) -> str:
    return sha256(name.encode()).hexdigest()


def told(folder: Path, value: str, connections: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """What the probe says of one setting; the process 7 is the service's."""
    folder.mkdir(exist_ok=True)
    (folder / ".env").write_text(f"MONGODB_URI={value}\n")
    found = probe.Job(lambda: [{"pid": 7, "unit": "x.service"}, {"pid": 8, "unit": "y.service"}])
    sockets = probe.Job(lambda: {"connections": connections or []})
    asked = service(folder, units=["x.service"], required_settings=["MONGODB_URI"])
    row: dict[str, Any] = probe.stores(asked, found, sockets)["MONGODB_URI"]
    return row


@pytest.mark.parametrize(
    ("value", "names"),
    [
        ("mongodb://u:{}@127.0.0.1:27018,localhost/vox?x=1", ["127.0.0.1:27018", "localhost:27017"]),
        ("rediss://:{}@LOCALHOST.:6380/0", ["localhost:6380"]),
        ("https://localhost/{}", ["localhost:443"]),
        ("mongodb+srv://u:{}@Cluster0.abc.mongodb.net/vox", ["cluster0.abc.mongodb.net:27017"]),
        ("mongodb://u:{}@x@localhost/vox", []),
        ("mongodb://u:{}/@localhost/vox", []),
    ],
)
def test_the_hosts_of_a_setting_are_told_by_their_hash(place: Path, value: str, names: list[str]) -> None:
    row = told(place / "vox", value.format(CANARY))
    assert row["names"] == sorted(map(digest, names))
    assert CANARY not in str(row)


def test_a_name_of_a_service_record_counts_the_connections_to_its_port(place: Path) -> None:
    def row(pid: int, address: str, port: int) -> dict[str, Any]:
        return {"address": "10.0.0.1", "port": 4000, "pids": [pid], "remote_address": address, "remote_port": port}

    rows = [row(7, "203.0.113.1", 27017), row(7, "203.0.113.2", 27017), row(7, "203.0.113.1", 443), row(8, "203.0.113.3", 27017)]
    found = told(place / "vox", "mongodb+srv://cluster0.abc.mongodb.net/vox", rows)
    assert (found["outcome"], found["connections"], found["places"]) == ("not asked", 2, [])
    assert found["held"] == [["203.0.113.1", 27017], ["203.0.113.2", 27017]]


def test_a_name_of_a_service_record_is_asked_of_nobody(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(*words: object, **_: object) -> None:
        raise AssertionError(words)

    monkeypatch.setattr(socket, "getaddrinfo", asked)
    assert told(place / "vox", "mongodb+srv://cluster0.abc.mongodb.net/vox")["outcome"] == "not asked"
