"""Pinned host keys: the estate's known_hosts file, and the comparison that lets a connection go on or stops it.

Only this file counts. An unknown or changed key stops the connection; nothing is ever added to it from here.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import time
from dataclasses import dataclass
from pathlib import Path

from voxgate.errors import Unreachable
from voxgate.transport.ssh import host_certificate

_DEFAULT_PORT = 22
_RSA_ALGORITHMS = ("rsa-sha2-512", "rsa-sha2-256")
_CERTIFIED = ("ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", *_RSA_ALGORITHMS)
_FIELDS = 3


def fingerprint(blob: bytes) -> str:
    """The key's fingerprint as OpenSSH prints it: ``SHA256:...``."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


@dataclass(frozen=True, slots=True)
class Pin:
    """One line of the file. ``marker`` is empty, ``@revoked`` or ``@cert-authority``; ``blob`` the public key."""

    names: tuple[str, ...]
    kind: str
    blob: bytes
    line: int
    marker: str = ""

    def is_for(self, name: str) -> bool:
        """True if the line names ``name`` (a host, or ``[host]:port``), as sshd(8) matches patterns and hashes."""
        found = False
        for pattern in self.names:
            if pattern.startswith("|1|"):
                found = found or _hash_matches(pattern, name)
            elif pattern.startswith("!"):
                if host_certificate.is_meant(pattern[1:], name):
                    return False
            else:
                found = found or host_certificate.is_meant(pattern, name)
        return found


@dataclass(frozen=True, slots=True)
class Pinned:
    """What the file says of one host: its keys (empty if it is unknown), those that were revoked, and those that may sign
    certificates of its keys.
    """

    name: str
    port: int
    path: str
    keys: tuple[Pin, ...]
    revoked: tuple[Pin, ...]
    authorities: tuple[Pin, ...] = ()

    @property
    def algorithms(self) -> tuple[str, ...]:
        """The host key algorithms to ask the server for, so that it shows the key that is pinned, or a certificate where an
        authority is; empty for any.
        """
        kinds = dict.fromkeys(pin.kind for pin in self.keys)
        plain = tuple(name for kind in kinds for name in (_RSA_ALGORITHMS if kind == "ssh-rsa" else (kind,)))
        return (*(f"{name}{host_certificate.ENDING}" for name in _CERTIFIED if self.authorities), *plain)

    def check(self, blob: bytes, kind: str, where: str, certificate: bytes | None = None) -> None:
        """Return if the server's key is pinned, or it has shown a certificate of it by an authority that is. Raises Unreachable
        if it is unknown, changed or revoked, or the certificate does not count.
        """
        found = self._read(certificate, where) if certificate is not None else None
        for one in (blob, found.authority if found else b""):
            if any(pin.blob == one for pin in self.revoked):
                raise Unreachable(
                    "the host key is REVOKED",
                    where=where,
                    why=f"{kind if one == blob else 'authority'} {fingerprint(one)} is marked @revoked in {self.path}",
                )
        if any(pin.blob == blob and pin.kind == kind for pin in self.keys):
            return
        if found is not None:
            self._check_certificate(found, blob, where)
            return
        if self.keys:
            pinned = ", ".join(f"{pin.kind} {fingerprint(pin.blob)} (line {pin.line})" for pin in self.keys)
            what = "the host key has CHANGED"
            raise Unreachable(
                what,
                where=where,
                why=f"pinned is {pinned}, the host shows {kind} {fingerprint(blob)}",
                hint="somebody may stand in between; if the host was rebuilt: "
                f"on the gate: `ssh-keygen -R '{self._entry}' -f {self.path}`, then `{self._scan}`",
            )
        what = "the host key is unknown"
        raise Unreachable(
            what,
            where=where,
            why=f"{self.path} has no entry for {self._entry}; the host shows {kind} {fingerprint(blob)}",
            hint=f"on the gate: `{self._scan}`, after comparing the fingerprint with the one on the host's own console "
            "(`ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub`)",
        )

    def _read(self, certificate: bytes, where: str) -> host_certificate.Certificate:
        try:
            return host_certificate.read(certificate)
        except host_certificate.BadCertificateError as error:
            raise Unreachable("the host's certificate does not count", where=where, why=str(error)) from error

    def _check_certificate(self, found: host_certificate.Certificate, blob: bytes, where: str) -> None:
        """By an authority for this host, for its name, and good now."""
        try:
            host_certificate.check(found, blob, self.name, [pin.blob for pin in self.authorities], time.time())
        except host_certificate.BadCertificateError as error:
            lines = ", ".join(f"{fingerprint(pin.blob)} (line {pin.line})" for pin in self.authorities)
            raise Unreachable(
                "the host's certificate does not count",
                where=where,
                why=f"{error}; {fingerprint(found.authority)} signed it, @cert-authority for {self._entry} is {lines or 'none'}",
                hint="on the host: ssh-keygen -Lf the file that HostCertificate in its sshd_config names; sign its key anew,"
                f" for {self.name}",
            ) from error

    @property
    def _entry(self) -> str:
        return _entry(self.name, self.port)

    @property
    def _scan(self) -> str:
        port = "" if self.port == _DEFAULT_PORT else f"-p {self.port} "
        return f"ssh-keyscan {port}{self.name} >> {self.path}"


@dataclass(frozen=True, slots=True)
class KnownHosts:
    """The file, read once. A file that is not there pins nothing."""

    path: str
    pins: tuple[Pin, ...]

    @classmethod
    def read(cls, path: str) -> KnownHosts:
        """Read ``path`` (``~`` is expanded). Lines that are no entries are skipped, as OpenSSH does. Raises Unreachable
        if the file is there but cannot be read.
        """
        file = Path(path)
        try:
            file = file.expanduser()
            text = file.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return cls(str(file), ())
        except OSError as error:
            raise Unreachable("known_hosts cannot be read", where=str(file), why=error.strerror or str(error)) from error
        except (ValueError, RuntimeError) as error:  # no path at all, or in the home of nobody
            raise Unreachable("known_hosts cannot be read", where=repr(path), why=str(error)) from error
        pins = (_pin(number, line) for number, line in enumerate(text.splitlines(), 1))
        return cls(str(file), tuple(pin for pin in pins if pin is not None))

    def of(self, name: str, port: int) -> Pinned:
        """What is pinned for a host; an entry without the port counts where there is none with it, as in OpenSSH."""
        name = name.lower()
        mine = [pin for pin in self.pins if pin.is_for(_entry(name, port))]
        if port != _DEFAULT_PORT and not any(pin.marker != "@revoked" for pin in mine):
            mine += [pin for pin in self.pins if pin.is_for(name)]
        keys, revoked, authorities = (
            tuple(pin for pin in mine if pin.marker == marker) for marker in ("", "@revoked", "@cert-authority")
        )
        return Pinned(name, port, self.path, keys, revoked, authorities)


def _entry(name: str, port: int) -> str:
    return name if port == _DEFAULT_PORT else f"[{name}]:{port}"


def _pin(number: int, line: str) -> Pin | None:
    words = line.split()
    marker = words.pop(0) if words and words[0].startswith("@") else ""
    if len(words) < _FIELDS or words[0].startswith("#"):
        return None
    try:
        blob = base64.b64decode(words[2], validate=True)
    except (binascii.Error, ValueError):
        return None
    return Pin(tuple(words[0].split(",")), words[1], blob, number, marker)


def _hash_matches(pattern: str, name: str) -> bool:
    try:
        salt, digest = (base64.b64decode(part) for part in pattern.removeprefix("|1|").split("|"))
    except (binascii.Error, ValueError):
        return False
    return hmac.compare_digest(hmac.new(salt, name.encode(), hashlib.sha1).digest(), digest)
