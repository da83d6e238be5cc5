"""SSH signatures: what real keys signed is taken, and nothing that differs from it by a byte."""

from __future__ import annotations

import base64
import subprocess
from pathlib import Path

import paramiko
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from hypothesis import given, settings
from hypothesis import strategies as st

from voxgate.errors import ContractError
from voxgate.transport.ssh import sshsig

from .conftest import key

NAMESPACE = "evidence@voxgate.example"
MESSAGE = b'{"format":1,"sections":{}}'
KINDS = {"ed25519": [], "ecdsa": ["-b", "256"], "ecdsa-384": ["-b", "384"], "ecdsa-521": ["-b", "521"], "rsa": ["-b", "2048"]}
HEAD, FOOT = b"-----BEGIN SSH SIGNATURE-----\n", b"-----END SSH SIGNATURE-----\n"


def made(path: Path, kind: str) -> Path:
    """A key of that kind, once."""
    if not path.exists():
        argv = ["ssh-keygen", "-q", "-t", kind.partition("-")[0], *KINDS[kind], "-N", "", "-C", "", "-f", str(path)]
        subprocess.run(argv, check=True)
    return path


def signed(path: Path, message: bytes = MESSAGE, *options: str, namespace: str = NAMESPACE) -> bytes:
    """What ssh-keygen makes of it."""
    argv = ["ssh-keygen", "-Y", "sign", "-n", namespace, "-f", str(path), *options]
    return subprocess.run(argv, input=message, capture_output=True, check=True).stdout


def public(path: Path) -> paramiko.PKey:
    """The key as a connection has it."""
    name, blob = path.with_name(f"{path.name}.pub").read_text().split()[:2]
    return paramiko.PKey.from_type_string(name, base64.b64decode(blob))


def armored(blob: bytes) -> bytes:
    return HEAD + base64.encodebytes(blob) + FOOT


def blob_of(signature: bytes) -> bytes:
    return base64.b64decode(b"".join(signature.removeprefix(HEAD).removesuffix(FOOT).split()))


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One key of each kind."""
    folder = tmp_path_factory.mktemp("keys")
    return {kind: made(folder / kind, kind) for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("digest", ["sha256", "sha512"])
def test_what_the_key_signed_is_signed(keys: dict[str, Path], kind: str, digest: str) -> None:
    for message in (MESSAGE, b"", b"\0\n" * 40_000):
        sshsig.verify(signed(keys[kind], message, "-O", f"hashalg={digest}"), message, NAMESPACE, public(keys[kind]))


@pytest.mark.parametrize("kind", KINDS)
def test_one_byte_changed_anywhere_is_no_signature(keys: dict[str, Path], kind: str) -> None:
    blob, known = blob_of(signed(keys[kind])), public(keys[kind])
    sshsig.verify(armored(blob), MESSAGE, NAMESPACE, known)
    for at in range(len(blob)):
        other = bytearray(blob)
        other[at] ^= (1, 0x80)[at % 2]
        with pytest.raises(ContractError):
            sshsig.verify(armored(bytes(other)), MESSAGE, NAMESPACE, known)
    for at in (0, len(MESSAGE) // 2, len(MESSAGE) - 1):
        other = bytearray(MESSAGE)
        other[at] ^= 1
        with pytest.raises(ContractError, match="of something else"):
            sshsig.verify(armored(blob), bytes(other), NAMESPACE, known)


@pytest.mark.parametrize("kind", KINDS)
def test_cut_short_or_longer_is_no_signature(keys: dict[str, Path], kind: str) -> None:
    blob, known = blob_of(signed(keys[kind])), public(keys[kind])
    for other in [*(blob[:length] for length in range(len(blob))), blob + b"\0", blob + b"\0\0\0\0", blob + blob]:
        with pytest.raises(ContractError):
            sshsig.verify(armored(other), MESSAGE, NAMESPACE, known)


@pytest.mark.parametrize("kind", KINDS)
def test_another_key_of_the_same_kind_is_no_signature(keys: dict[str, Path], kind: str, tmp_path: Path) -> None:
    signature = signed(made(tmp_path / "other", kind))
    with pytest.raises(ContractError, match="another key signed it"):
        sshsig.verify(signature, MESSAGE, NAMESPACE, public(keys[kind]))


def test_a_signature_for_another_purpose_is_none(keys: dict[str, Path]) -> None:
    with pytest.raises(ContractError, match="for another purpose"):
        sshsig.verify(signed(keys["ed25519"], namespace="file"), MESSAGE, NAMESPACE, public(keys["ed25519"]))


def test_sha1_of_an_rsa_key_is_no_signature(keys: dict[str, Path]) -> None:
    blob, known = blob_of(signed(keys["rsa"])), paramiko.RSAKey.from_private_key_file(str(keys["rsa"]))
    at = blob.rindex(b"rsa-sha2-512") - 8  # the string that holds kind and signature begins there
    data = b"SSHSIG" + blob[10:at][len(known.asbytes()) + 4 :]
    raw = known.key.sign(data, padding.PKCS1v15(), hashes.SHA1())  # type: ignore[union-attr] # noqa: S303 - it is what must not do
    weak = b"".join(len(part).to_bytes(4, "big") + part for part in (b"ssh-rsa", raw))
    forged = blob[:at] + len(weak).to_bytes(4, "big") + weak
    with pytest.raises(ContractError, match="the kind of the signature"):
        sshsig.verify(armored(forged), MESSAGE, NAMESPACE, public(keys["rsa"]))


@pytest.mark.parametrize(
    "text",
    [b"", b"SSHSIG", HEAD, HEAD + FOOT, HEAD + b"====\n" + FOOT, b"x" + HEAD + b"AAAA\n" + FOOT, HEAD + b"A" * 20_000 + FOOT],
)
def test_what_is_no_signature_is_none(keys: dict[str, Path], text: bytes) -> None:
    with pytest.raises(ContractError):
        sshsig.verify(text, MESSAGE, NAMESPACE, public(keys["ed25519"]))


@settings(deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_are_no_signature(blob: bytes) -> None:
    known = paramiko.ECDSAKey.generate()
    for text in (blob, armored(blob), armored(b"SSHSIG\0\0\0\1" + blob)):
        with pytest.raises(ContractError):
            sshsig.verify(text, MESSAGE, NAMESPACE, known)


def test_the_key_of_a_connection_is_the_one_that_was_pinned(tmp_path: Path) -> None:
    """``key`` makes what sshd shows; the type that paramiko gives it can verify."""
    path = key(tmp_path / "host")
    sshsig.verify(signed(path), MESSAGE, NAMESPACE, public(path))
