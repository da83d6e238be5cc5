"""Pinned host keys: the right one passes, everything else stops the connection with words that help."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from voxgate.errors import Unreachable
from voxgate.transport.ssh.known_hosts import KnownHosts, fingerprint

from .conftest import Ground, Opened, Sshd, host, key

if TYPE_CHECKING:
    from pathlib import Path


def refusal(opened: Opened, ground: Ground, server: Sshd, known: str) -> Unreachable:
    with pytest.raises(Unreachable) as caught:
        opened(ground.estate(host(server.port), known=known))["one"]
    assert "\n" not in caught.value.line
    return caught.value


def shown(server: Sshd, kind: str = "ed25519") -> str:
    """The fingerprint as ssh-keygen has it."""
    path = server.folder / f"host_{kind}.pub"
    return subprocess.run(["ssh-keygen", "-lf", path], capture_output=True, check=True, text=True).stdout.split()[1]


@pytest.mark.parametrize("path", ["~nosuchuser/known_hosts", "x\0y"])
def test_a_file_that_can_be_nowhere_is_one_line(path: str) -> None:
    with pytest.raises(Unreachable, match="known_hosts cannot be read"):
        KnownHosts.read(path)


def test_a_pinned_key_passes(ground: Ground, opened: Opened) -> None:
    server = ground.sshd()
    assert opened(ground.estate(host(server.port)))["one"].run("true").exit_status == 0


def test_an_unknown_key_stops(ground: Ground, opened: Opened) -> None:
    server = ground.sshd()
    error = refusal(opened, ground, server, "")
    assert error.line.startswith("one: the host key is unknown: ")
    assert shown(server) in error.why
    assert f"ssh-keyscan -p {server.port} 127.0.0.1 >> {ground.folder / 'known_hosts'}" in error.hint
    assert "fingerprint" in error.hint


def test_a_missing_file_pins_nothing(ground: Ground, opened: Opened) -> None:
    server = ground.sshd()
    estate = ground.estate(host(server.port))
    (ground.folder / "known_hosts").unlink()
    with pytest.raises(Unreachable, match=r"the host key is unknown"):
        opened(estate)["one"]


def test_a_changed_key_stops(ground: Ground, opened: Opened, tmp_path: Path) -> None:
    server = ground.sshd()
    other = key(tmp_path / "other").with_suffix(".pub").read_text().split()[:2]
    error = refusal(opened, ground, server, f"[127.0.0.1]:{server.port} {' '.join(other)}\n")
    assert "CHANGED" in error.line
    assert shown(server) in error.line
    assert len(re.findall(r"SHA256:[\w+/]{43}", error.line)) == 2
    assert "ssh-keygen -R" in error.hint


def test_a_key_of_another_kind_than_pinned_stops(ground: Ground, opened: Opened, tmp_path: Path) -> None:
    server = ground.sshd()
    rsa = key(tmp_path / "other", "rsa").with_suffix(".pub").read_text().split()[:2]
    error = refusal(opened, ground, server, f"[127.0.0.1]:{server.port} {' '.join(rsa)}\n")
    assert "no key of the kind that is pinned (rsa-sha2-512, rsa-sha2-256)" in error.line


@pytest.mark.parametrize("pinned", ["ed25519", "ecdsa", "rsa"])
def test_the_pinned_kind_is_asked_for(ground: Ground, opened: Opened, pinned: str) -> None:
    server = ground.sshd(kinds=("rsa", "ecdsa", "ed25519"))
    estate = ground.estate(host(server.port), known=server.pins(pinned))
    assert opened(estate)["one"].run("true").exit_status == 0


def test_a_revoked_key_stops(ground: Ground, opened: Opened) -> None:
    server = ground.sshd()
    error = refusal(opened, ground, server, f"@revoked * {server.public()}\n{server.pins()}")
    assert "REVOKED" in error.line


@pytest.mark.parametrize("form", ["[127.0.0.1]:{port}", "other,[127.0.0.*]:{port}", "[127.0.0.?]:{port},!x", "127.0.0.1"])
def test_every_form_of_an_entry_is_understood(ground: Ground, opened: Opened, form: str) -> None:
    server = ground.sshd()
    known = f"# a comment\n\nnot an entry\n{form.format(port=server.port)} {server.public()} root@here\n"
    assert opened(ground.estate(host(server.port), known=known))["one"].alive


def test_a_negated_entry_does_not_count(ground: Ground, opened: Opened) -> None:
    server = ground.sshd()
    error = refusal(opened, ground, server, f"!127.0.0.1,![127.0.0.1]:{server.port},* {server.public()}\n")
    assert "unknown" in error.line


def test_hashed_entries_are_understood(ground: Ground, opened: Opened) -> None:
    server = ground.sshd()
    estate = ground.estate(host(server.port))
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", estate.known_hosts], check=True, capture_output=True)
    text = (ground.folder / "known_hosts").read_text()
    assert text.startswith("|1|")
    assert "127.0.0.1" not in text
    assert opened(estate)["one"].alive


def test_the_fingerprint_is_openssh_s(server: Sshd, tmp_path: Path) -> None:
    path = tmp_path / "known_hosts"
    path.write_text(f"h {server.public()}\n")
    (pin,) = KnownHosts.read(str(path)).of("H", 22).keys
    assert fingerprint(pin.blob) == shown(server)
    assert KnownHosts.read(str(path)).of("h", 22).algorithms == ("ssh-ed25519",)
    assert KnownHosts.read(str(path)).of("i", 22).keys == ()
