"""Host certificates: one by a pinned authority, for this host and good today, is as a pinned key; no other is anything."""

from __future__ import annotations

import base64
import subprocess
import time
from pathlib import Path

import pytest

from voxgate.errors import Unreachable
from voxgate.transport.ssh import host_certificate
from voxgate.transport.ssh.sshsig import verify

from .conftest import Ground, Opened, Sshd, host, key

GOOD = ("-h", "-n", "127.0.0.1")


def certified(ground: Ground, ca: Path, *words: str, kind: str = "ed25519") -> Sshd:
    """A server that shows a certificate of its key."""
    folder = ground.folder / f"sshd-{len(ground.servers)}"

    def signed() -> None:
        public = folder / f"host_{kind}.pub"
        subprocess.run(["ssh-keygen", "-q", "-s", ca, "-I", "a host", *words, public], check=True, capture_output=True)

    return ground.sshd(f"HostCertificate {folder}/host_{kind}-cert.pub", kinds=(kind,), before=signed)


def pinned(ca: Path, names: str = "*") -> str:
    return f"@cert-authority {names} {ca.with_suffix('.pub').read_text()}"


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
@pytest.mark.parametrize("signer", ["ed25519", "ecdsa", "rsa"])
def test_a_host_is_known_by_its_certificate(ground: Ground, opened: Opened, tmp_path: Path, kind: str, signer: str) -> None:
    """And what it signs (evidence) by the key in that."""
    ca = key(tmp_path / "ca", signer)
    server = certified(ground, ca, *GOOD, kind=kind)
    connection = opened(ground.estate(host(server.port), known=pinned(ca, f"[127.0.0.1]:{server.port}")))["one"]
    assert connection.run("true").exit_status == 0
    message = b"evidence"
    words = ["ssh-keygen", "-q", "-Y", "sign", "-n", "voxgate", "-f", str(server.folder / f"host_{kind}")]
    signature = subprocess.run(words, input=message, capture_output=True, check=True).stdout
    verify(signature, message, "voxgate", connection.host_key)


WRONG = {
    "for another host": (("-h", "-n", "other.example"), "it is for other.example, not for 127.0.0.1"),
    "for no host": (("-h",), "it is for no host in particular"),
    "of a user": (("-n", "127.0.0.1"), "it is one of a user"),
    "expired": (("-h", "-n", "127.0.0.1", "-V", "20200101:20200102"), "it is not good today"),
    "not yet": (("-h", "-n", "127.0.0.1", "-V", "+1d:+2d"), "it is not good today"),
    "with an option": (("-h", "-n", "127.0.0.1", "-O", "critical:x@y=z"), "it has an option"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_certificate_that_is_not_for_this_counts_for_nothing(ground: Ground, opened: Opened, tmp_path: Path, name: str) -> None:
    words, why = WRONG[name]
    ca = key(tmp_path / "ca")
    server = certified(ground, ca, *words)
    with pytest.raises(Unreachable, match=f"one: the host's certificate does not count: {why}") as caught:
        opened(ground.estate(host(server.port), known=pinned(ca)))["one"]
    assert "\n" not in caught.value.line


def test_another_authority_is_none(ground: Ground, opened: Opened, tmp_path: Path) -> None:
    ca, other = key(tmp_path / "ca"), key(tmp_path / "other")
    server = certified(ground, other, *GOOD)
    for known in (pinned(ca), pinned(ca) + pinned(other, "elsewhere.example")):
        with pytest.raises(Unreachable, match="no authority that is pinned for this host signed it"):
            opened(ground.estate(host(server.port), known=known))["one"]


def test_a_revoked_key_or_authority_is_none(ground: Ground, opened: Opened, tmp_path: Path) -> None:
    ca = key(tmp_path / "ca")
    server = certified(ground, ca, *GOOD)
    for revoked in (ca.with_suffix(".pub").read_text(), server.public()):
        with pytest.raises(Unreachable, match="the host key is REVOKED"):
            opened(ground.estate(host(server.port), known=f"@revoked * {revoked.strip()}\n{pinned(ca)}"))["one"]


def test_an_authority_pins_no_key_without_its_certificate(ground: Ground, opened: Opened, tmp_path: Path) -> None:
    """Nor is the authority's own key one of a host's; and who pins the key itself needs no certificate."""
    ca = key(tmp_path / "ca")
    plain = ground.sshd()
    with pytest.raises(Unreachable, match="the host shows no certificate"):
        opened(ground.estate(host(plain.port), known=pinned(ca)))["one"]
    assert opened(ground.estate(host(plain.port), known=pinned(ca) + plain.pins()))["one"].alive
    late = certified(ground, ca, "-h", "-n", "127.0.0.1", "-V", "20200101:20200102")
    assert opened(ground.estate(host(late.port), known=pinned(ca) + late.pins()))["one"].alive


def test_every_byte_of_a_certificate_counts(tmp_path: Path) -> None:
    """Changed, cut or longer, it is none; nothing else than that is raised."""
    ca, mine = key(tmp_path / "ca"), key(tmp_path / "mine")
    subprocess.run(["ssh-keygen", "-q", "-s", ca, "-I", "x", *GOOD, f"{mine}.pub"], check=True, capture_output=True)
    blob = base64.b64decode((tmp_path / "mine-cert.pub").read_text().split()[1])
    plain, authority = (base64.b64decode(path.with_suffix(".pub").read_text().split()[1]) for path in (mine, ca))

    def good(changed: bytes) -> bool:
        try:
            host_certificate.check(host_certificate.read(changed), plain, "127.0.0.1", [authority], time.time())
        except host_certificate.BadCertificateError:
            return False
        return True

    assert good(blob)
    assert not any(good(blob[:at] + bytes([blob[at] ^ 1]) + blob[at + 1 :]) for at in range(len(blob)))
    assert not any(good(blob[:at]) for at in range(len(blob)))
    assert not good(blob + b"\0")


def test_names_in_a_certificate_take_no_time_whoever_wrote_them(tmp_path: Path) -> None:
    """The authority's own key is no secret: anybody may put it under a certificate, and he has signed nothing with it."""
    ca, forger, mine = (key(tmp_path / name) for name in ("ca", "forger", "mine"))
    names = "*" * 60 + "!"
    subprocess.run(
        ["ssh-keygen", "-q", "-s", forger, "-I", "x", "-h", "-n", names, f"{mine}.pub"], check=True, capture_output=True
    )
    blob = base64.b64decode((tmp_path / "mine-cert.pub").read_text().split()[1])
    plain, authority, other = (base64.b64decode(path.with_suffix(".pub").read_text().split()[1]) for path in (mine, ca, forger))
    name = "api-1.internal.example.com"
    with pytest.raises(host_certificate.BadCertificateError, match="its signature is of something else"):
        host_certificate.check(host_certificate.read(blob.replace(other, authority)), plain, name, [authority], time.time())
    with pytest.raises(host_certificate.BadCertificateError, match="it is for "):
        host_certificate.check(host_certificate.read(blob), plain, name, [other], time.time())


@pytest.mark.parametrize(
    ("pattern", "name", "meant"),
    [
        ("API-1", "api-1", True),
        ("api-?", "api-1", True),
        ("api-?", "api-", False),
        ("api-?", "api-12", False),
        ("*", "", True),
        ("**", "api-1", True),
        ("*.example.com", "api-1.example.com", True),
        ("*.example.com", "example.com", False),
        ("a*-*1", "api-1-1", True),
        ("a*-*2", "api-1-1", False),
        ("[127.0.0.1]:22", "[127.0.0.1]:22", True),
        ("api-[12]", "api-1", False),
        ("", "", True),
        ("", "api-1", False),
    ],
)
def test_a_pattern_means_what_ssh_means_by_it(pattern: str, name: str, meant: bool) -> None:  # noqa: FBT001
    assert host_certificate.is_meant(pattern, name) is meant
