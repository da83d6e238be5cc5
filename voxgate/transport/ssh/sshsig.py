"""SSH signatures (SSHSIG, as ``ssh-keygen -Y sign`` makes them): verified here, against one key, by no other program."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from typing import TYPE_CHECKING

import paramiko

from voxgate.errors import ContractError

if TYPE_CHECKING:
    from collections.abc import Iterator

_ARMOR = re.compile(
    rb"\s*-----BEGIN SSH SIGNATURE-----\r?\n([A-Za-z0-9+/=\r\n]+)-----END SSH SIGNATURE-----\s*",
)
_MAGIC = b"SSHSIG"
_VERSION = (1).to_bytes(4, "big")
_FIELDS = 5
_PAIR = 2
_LENGTH = 4
_LONGEST = 16 * 1024
_HASHES = {b"sha256": hashlib.sha256, b"sha512": hashlib.sha512}
_RSA = frozenset({b"rsa-sha2-256", b"rsa-sha2-512"})  # never ssh-rsa, which is SHA-1
_WHAT = "is not signed by the host"


def verify(armored: bytes, message: bytes, namespace: str, key: paramiko.PKey, *, where: str = "") -> None:
    """Return if ``armored`` is a signature of ``message`` by ``key``, made for ``namespace`` and nothing else.

    Keys are ed25519, ECDSA and RSA (with SHA-2). Raises ContractError, in one line, for anything else.
    """
    blob = _unarmored(armored, where)
    if blob[: len(_MAGIC) + _LENGTH] != _MAGIC + _VERSION:
        raise _no("it is no SSH signature of version 1", where)
    fields = list(_strings(blob[len(_MAGIC) + _LENGTH :], where))
    if len(fields) != _FIELDS:
        raise _no("it is of another form", where)
    public, meant_for, reserved, digest, signature = fields
    if public != key.asbytes():
        raise _no("another key signed it than the one of this connection", where)
    if meant_for != namespace.encode():
        raise _no("it was signed for another purpose", where)
    if digest not in _HASHES:
        raise _no("its hash is neither sha256 nor sha512", where)
    signed = _MAGIC + b"".join(map(_string, (meant_for, reserved, digest, _HASHES[digest](message).digest())))
    if not is_by(key, signature, signed, where):
        raise _no("the signature is of something else", where)


def is_by(key: paramiko.PKey, signature: bytes, signed: bytes, where: str) -> bool:
    """True where ``key`` made this signature of ``signed``; never with SHA-1. Raises ContractError for one of another form."""
    parts, name = list(_strings(signature, where)), key.get_name().encode()
    if len(parts) != _PAIR or parts[0] not in (_RSA if name == b"ssh-rsa" else {name}):
        raise _no("the kind of the signature is not the key's", where)
    if name.startswith(b"ecdsa-") and len(list(_strings(parts[1], where))) != _PAIR:
        raise _no("it is of another form", where)
    try:
        return bool(key.verify_ssh_sig(signed, paramiko.Message(signature)))
    except Exception as error:  # noqa: BLE001 - whatever a library trips over in a forged one: it is no signature
        raise _no(f"it cannot be read: {type(error).__name__}", where) from None


def _unarmored(armored: bytes, where: str) -> bytes:
    found = _ARMOR.fullmatch(armored) if len(armored) <= _LONGEST else None
    if found is None:
        raise _no("there is no SSH signature", where)
    try:
        return base64.b64decode(b"".join(found[1].split()), validate=True)
    except (binascii.Error, ValueError):
        raise _no("the signature is no base64", where) from None


def _strings(data: bytes, where: str) -> Iterator[bytes]:
    """The strings that ``data`` is made of, to its last byte."""
    at = 0
    while at < len(data):
        end = at + _LENGTH + int.from_bytes(data[at : at + _LENGTH], "big")
        if at + _LENGTH > len(data) or end > len(data):
            raise _no("it is cut short", where)
        yield data[at + _LENGTH : end]
        at = end


def _string(data: bytes) -> bytes:
    return len(data).to_bytes(_LENGTH, "big") + data


def _no(why: str, where: str) -> ContractError:
    return ContractError(_WHAT, where=where, why=why)
