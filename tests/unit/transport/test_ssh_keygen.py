"""Signing by SSH keys as people have them, of each kind, in files and the agent: in OpenSSH's way, and plain for others."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.transport.test_sshsig import made
from voxgate.errors import ContractError, Refused
from voxgate.transport.ssh.keygen import armored, must_be_by_the_same, raw_signature, sign, verify

MESSAGE = b"DSSEv1 1 a 1 b"


@pytest.fixture
def agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An agent of its own."""
    socket = tmp_path / "agent"
    with subprocess.Popen(["ssh-agent", "-D", "-a", str(socket)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()  # it listens
        monkeypatch.setenv("SSH_AUTH_SOCK", str(socket))
        yield
        process.terminate()


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "ecdsa-384", "ecdsa-521", "rsa"])
def test_both_signatures_are_of_one_key(kind: str, tmp_path: Path) -> None:
    for number in range(4):  # paramiko does not read every ECDSA key
        _must_sign_both(str(made(tmp_path / f"{kind}-{number}", kind)))


def _must_sign_both(key: str) -> None:
    signature = sign(MESSAGE, key, "voxgate")
    signer = verify(MESSAGE, signature, "voxgate", None)
    name, raw = raw_signature(MESSAGE, key)
    assert name == signer.key
    must_be_by_the_same(signature, raw, MESSAGE)
    for other, message in ((raw[:-1] + bytes([raw[-1] ^ 1]), MESSAGE), (raw, MESSAGE + b"x"), (b"", MESSAGE)):
        with pytest.raises(ContractError, match="not good"):
            must_be_by_the_same(signature, other, message)
    with pytest.raises(ContractError, match="not good"):
        verify(MESSAGE, signature, "file", None)


@pytest.mark.usefixtures("agent")
@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_the_agent_signs_for_a_public_key(kind: str, tmp_path: Path) -> None:
    key = made(tmp_path / kind, kind)
    subprocess.run(["ssh-add", "-q", str(key)], check=True, env=os.environ)
    key.unlink()
    public = str(key.with_name(f"{key.name}.pub"))
    signature = sign(MESSAGE, public, "voxgate")
    name, raw = raw_signature(MESSAGE, public)
    assert name == verify(MESSAGE, signature, "voxgate", None).key
    must_be_by_the_same(signature, raw, MESSAGE)


def test_a_public_key_without_an_agent_signs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    key = made(tmp_path / "key", "ed25519")
    key.unlink()
    with pytest.raises(Refused, match="this key does not sign"):
        sign(MESSAGE, str(key.with_name("key.pub")), "voxgate")
    assert raw_signature(MESSAGE, str(key.with_name("key.pub"))) == ("", b"")


def test_a_signature_is_written_in_one_way(tmp_path: Path) -> None:
    """What ssh-keygen reads all the same is not taken: no byte of a signature may be another."""
    signature = sign(MESSAGE, str(made(tmp_path / "key", "ed25519")), "voxgate")
    lines = signature.splitlines(keepends=True)
    for other in (signature + b"\n", signature[:-1], lines[0] + b"".join(lines[1:-1]).replace(b"\n", b"") + b"\n" + lines[-1]):
        with pytest.raises(ContractError, match="not written as it was made"):
            verify(MESSAGE, other, "voxgate", None)
    with pytest.raises(ContractError, match="no SSH signature"):
        verify(MESSAGE, armored(b"x" * 20_000), "voxgate", None)


def test_signers_that_are_not_there_are_said(tmp_path: Path) -> None:
    signature = sign(MESSAGE, str(made(tmp_path / "key", "ed25519")), "voxgate")
    with pytest.raises(Refused, match="no such file of signers"):
        verify(MESSAGE, signature, "voxgate", tmp_path / "nowhere")
