"""Certificates of host keys (PROTOCOL.certkeys of OpenSSH): whether one that a host shows is by an authority that is pinned for
it, for this very host, and good today. Stricter than ssh(1): one that names no host, or has an option, is none.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import paramiko

from voxgate.errors import ContractError
from voxgate.transport.ssh.sshsig import is_by

ENDING = "-cert-v01@openssh.com"
_HOST = 2
_NUMBERS = {"ssh-ed25519": 1, "ssh-rsa": 2}  # strings that the key is made of; curves have two
_FOREVER = 2**64 - 1


class BadCertificateError(Exception):
    """It does not count; the message says why."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a certificate says. ``key`` is the blob of the plain key in it, ``authority`` of the one that signed."""

    key: bytes
    kind: int
    names: tuple[str, ...]
    after: int
    before: int
    options: bytes
    authority: bytes
    signed: bytes
    signature: bytes


def read(blob: bytes) -> Certificate:
    """A certificate's parts, to its last byte. Raises BadCertificateError."""
    data = _Reader(blob)
    name = data.text()
    plain = name.removesuffix(ENDING)
    if plain == name:
        raise BadCertificateError("it is no certificate of a known form")
    data.string()  # the nonce
    key = [plain.encode(), *(data.string() for _ in range(_NUMBERS.get(plain, 2)))]
    data.number(8)  # the serial
    kind = data.number(4)
    data.string()  # what the authority calls it
    names = tuple(one.decode("utf-8", "replace") for one in _strings(data.string()))
    after, before = data.number(8), data.number(8)
    options, _, _ = data.string(), data.string(), data.string()
    authority = data.string()
    signed = blob[: data.at]
    signature = data.string()
    if data.at != len(blob):
        raise BadCertificateError("it is longer than it says")
    return Certificate(b"".join(map(_counted, key)), kind, names, after, before, options, authority, signed, signature)


def check(found: Certificate, key: bytes, name: str, authorities: Iterable[bytes], now: float) -> None:
    """Return if the certificate is of this ``key``, for the host ``name``, by one of the authorities (blobs), and good ``now``
    (epoch seconds). Raises BadCertificateError.
    """
    if found.key != key:
        raise BadCertificateError("it is of another key")
    if found.authority not in set(authorities):
        raise BadCertificateError("no authority that is pinned for this host signed it")
    # Before anything that it says is looked into: until then these are words of whoever stands there.
    try:
        signer = _key(found.authority)
        good = is_by(signer, found.signature, found.signed, name)
    except (ContractError, paramiko.SSHException, ValueError, IndexError) as error:
        raise BadCertificateError("its signature cannot be read") from error
    if not good:
        raise BadCertificateError("its signature is of something else")
    if found.kind != _HOST:
        raise BadCertificateError("it is one of a user, not of a host")
    if found.options:
        raise BadCertificateError("it has an option that nobody knows")
    if not any(is_meant(pattern, name) for pattern in found.names):
        raise BadCertificateError(f"it is for {', '.join(found.names) or 'no host in particular'}, not for {name}")
    if now < found.after or (found.before != _FOREVER and now >= found.before):
        raise BadCertificateError("it is not good today: ssh-keygen -Lf shows from when to when")


def is_meant(pattern: str, name: str) -> bool:
    """True if a pattern means a host, whatever its case: ``*`` and ``?`` as ssh(1) takes them. It takes a time in proportion to
    both.
    """
    text, reached = name.lower(), {0}
    for sign in pattern.lower():
        if sign == "*":
            reached = set(range(min(reached), len(text) + 1))
        else:
            reached = {at + 1 for at in reached if at < len(text) and sign in {"?", text[at]}}
        if not reached:
            return False
    return len(text) in reached


def _key(blob: bytes) -> paramiko.PKey:
    """A public key. Raises SSHException for a kind that signs nothing here (DSA, keys of hardware)."""
    kind = _Reader(blob).text()
    match kind:
        case "ssh-ed25519":
            return paramiko.Ed25519Key(data=blob)
        case "ssh-rsa":
            return paramiko.RSAKey(data=blob)
        case "ecdsa-sha2-nistp256" | "ecdsa-sha2-nistp384" | "ecdsa-sha2-nistp521":
            return paramiko.ECDSAKey(data=blob)
    msg = f"{kind} signs no certificates here"
    raise paramiko.SSHException(msg)


def _counted(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data


def _strings(data: bytes) -> list[bytes]:
    reader, found = _Reader(data), []
    while reader.at < len(data):
        found.append(reader.string())
    return found


class _Reader:
    """Reads a blob from its beginning, and nothing behind its end."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.at = 0

    def number(self, size: int) -> int:
        return int.from_bytes(self._taken(size), "big")

    def string(self) -> bytes:
        return self._taken(self.number(4))

    def text(self) -> str:
        return self.string().decode("ascii", "replace")

    def _taken(self, size: int) -> bytes:
        end = self.at + size
        if end > len(self._data):
            raise BadCertificateError("it is cut short")
        self.at, found = end, self._data[self.at : end]
        return found
