"""A large estate from a small one's evidence: all of it holds. What is played of a host is signed as the host would sign it."""

from __future__ import annotations

import json
from pathlib import Path

import paramiko
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from bench.many import SAVED, multiplied, renamed
from bench.player import answered
from tests.unit.suites.conftest import Case
from voxgate.contracts.estates import load_estate
from voxgate.model.evidence import Missing
from voxgate.survey import probing
from voxgate.survey.collect import read_answer, request_of
from voxgate.survey.saving import load
from voxgate.transport.ssh.remote_command import Completed


def test_an_estate_of_six_fleet_hosts_holds(tmp_path: Path) -> None:
    case = Case(load_estate(str(_made(tmp_path))), load(tmp_path / "evidence"))
    assert [host.name for host in case.estate.hosts if host.workers] == [f"fleet-{number}" for number in range(1, 7)]
    assert case.judge() == {}


def _made(folder: Path) -> Path:
    multiplied(folder, 6)
    return folder / "hosts" / "lab.toml"


def test_only_that_host_is_renamed() -> None:
    assert renamed("fleet-2 fleet-2-3 fleet-20 198.51.100.32:8101 198.51.100.321", 7) == (
        "fleet-7 fleet-7-3 fleet-20 10.40.0.8:8101 198.51.100.321"
    )


def test_what_is_played_is_that_hosts_own_signed_answer_to_this_question(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_bytes(Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
    key = paramiko.Ed25519Key.from_private_key_file(str(path))
    estate = load_estate("lab")
    host = estate.host("fleet-1")
    public = paramiko.Ed25519Key(data=key.asbytes())
    asked = probing.asked_of(host, request_of(estate, host), public)
    recorded = json.loads((SAVED / "second" / "hosts" / "fleet-1.json").read_text())
    said = answered(recorded, key, asked.request, 1_900_000_000.0)
    told = probing.read_told(Completed(0, said, b"", 0.1), asked)
    assert not isinstance(told, Missing), told
    evidence = read_answer(told, estate, host)
    assert not isinstance(evidence, Missing), evidence
    assert told.document["host"]["time"] == 1_900_000_000.0
    again = probing.read_told(Completed(0, said, b"", 0.1), probing.asked_of(host, request_of(estate, host), public))
    assert isinstance(again, Missing), "of another question"
