"""What the end of a probe means. Whoever has the deploy account may print what he likes: none of it is evidence."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.built import PROBE, probe
from voxgate.contracts.estates import load_estate
from voxgate.contracts.schemas import FOLDER
from voxgate.model.estate import Host
from voxgate.model.evidence import Missing
from voxgate.model.installed import install_probe
from voxgate.probe.built import digest
from voxgate.redaction.cutting import Redactor
from voxgate.survey import probing
from voxgate.survey.collect import request_of
from voxgate.survey.probing import Asked, Told
from voxgate.transport.ssh.remote_command import Completed

from .conftest import KeyPair, made_pair

GOOD: dict[str, Any] = json.loads((FOLDER / "examples/evidence/valid-fleet.json").read_text())
GOOD["probe"]["sha256"] = digest()
LAB = load_estate("lab")
FLEET = LAB.host("fleet-1")
REQUEST = request_of(LAB, FLEET)


def asked_of(pair: KeyPair, host: Host = FLEET, request: bytes = REQUEST) -> Asked:
    return probing.asked_of(host, request, pair.public)


def told(stdout: bytes, asked: Asked, status: int = 0, stderr: bytes = b"") -> Told | Missing:
    return probing.read_told(Completed(status, stdout, stderr, 0.1), asked)


def why_not(stdout: bytes, asked: Asked, status: int = 0, stderr: bytes = b"") -> Missing:
    found = told(stdout, asked, status, stderr)
    assert isinstance(found, Missing)
    assert found.where == "fleet-1"
    return found


def test_a_signed_answer_is_told_with_its_proof(each_pair: KeyPair) -> None:
    asked = asked_of(each_pair)
    found = told(each_pair.framed(GOOD, asked.request), asked)
    assert isinstance(found, Told)
    assert found.document["sections"] == GOOD["sections"]
    assert found.proof is not None
    assert (found.proof.request, found.proof.key, found.noise) == (asked.request, each_pair.fingerprint, "")


def test_each_question_has_a_nonce_of_its_own(pair: KeyPair) -> None:
    asked = {asked_of(pair).nonce for _ in range(20)}
    assert len(asked) == 20
    assert all(probe.SEAL["nonce"].fullmatch(nonce) for nonce in asked)


@pytest.mark.parametrize("before", [b"", b"Welcome to fleet-1!\n", b"no newline", b"{}\n" * 1000, b"\xff\x1b[31mviolated"])
@pytest.mark.parametrize("behind", [b"", b"bye\n"])
def test_what_is_printed_beside_it_is_noise(pair: KeyPair, before: bytes, behind: bytes) -> None:
    asked = asked_of(pair)
    found = told(before + pair.framed(GOOD, asked.request) + behind, asked)
    assert isinstance(found, Told)
    assert bool(found.noise) == bool(before + behind)
    assert found.noise.isprintable()
    assert found.noise.isascii()
    assert len(found.noise) <= 130


@pytest.mark.parametrize(
    ("status", "stderr", "kind"),
    [
        (1, b"sudo: a password is required\n", "denied"),
        (1, b"Sorry, user deploy is not allowed to execute '/usr/local/sbin/voxgate-probe' as root on h.\n", "denied"),
        (1, b"deploy is not in the sudoers file.\n", "denied"),
        (1, b"sudo: /usr/local/sbin/voxgate-probe: command not found\n", "missing"),
        (127, b"sh: 1: /usr/bin/sudo: not found\n", "missing"),
        (127, b"bash: line 1: /usr/bin/sudo: No such file or directory\n", "missing"),
        (1, b"", "failed"),
        (0, b"", "failed"),
        (137, b"Killed", "failed"),
    ],
)
def test_no_document_is_a_missing_that_says_how_to_mend_it(pair: KeyPair, status: int, stderr: bytes, kind: str) -> None:
    found = why_not(b"", asked_of(pair), status, stderr)
    assert found.kind == kind
    if kind == "denied":
        rule = 'deploy ALL=(root) NOPASSWD: /usr/local/sbin/voxgate-probe ""'
        assert found.hint == f"`echo '{rule}' | sudo tee -a /etc/sudoers.d/zz-voxgate`"
    elif b"/usr/bin/sudo" in stderr:
        assert found.hint == "as root: `apt-get install -y sudo`"
    else:
        command = "`uv run voxgate probe | ssh YOU@198.51.100.31 sudo install -o root -g root -m 0755 /dev/stdin"
        assert found.hint == f"{command} /usr/local/sbin/voxgate-probe`"


@pytest.mark.parametrize(
    ("said", "why", "hint"),
    [
        (b"sudo: sorry, you must have a tty to run sudo\n", "you must have a tty", "-tty`, typed in one (ssh -t)"),
        (
            b"We trust you ..\n" * 40 + b"sudo: a password is required\n",
            "sudo: a password is required",
            "NOPASSWD: /usr/local/sbin",
        ),
        (b"sudo: unable to resolve host h: x\nsudo: a password is required\n", "sudo: a password is required", "NOPASSWD: "),
        (b"sudo: /etc/sudoers.d/x is world writable\n", "x is world writable", "visudo -c"),
        (b"sudo: /usr/bin/sudo must be owned by uid 0 and have the setuid bit set\n", "setuid bit", "ls -l /usr/bin/sudo"),
        (b"tput: no $TERM\nSorry, user deploy may not run sudo on h.\n", "may not run sudo on h", "NOPASSWD: "),
    ],
)
def test_sudo_s_own_reason_is_told_with_what_mends_it(pair: KeyPair, said: bytes, why: str, hint: str) -> None:
    found = why_not(b"", asked_of(pair), 1, said)
    assert found.kind == "denied"
    assert why in found.why
    assert len(found.why) < 200
    assert hint in found.hint
    assert Redactor().cut(found.hint) == found.hint


@pytest.mark.parametrize("cut", [2, 100, 5000])
def test_a_document_cut_short_is_unparsable(pair: KeyPair, cut: int) -> None:
    asked = asked_of(pair)
    assert why_not(pair.framed(GOOD, asked.request)[:-cut], asked).kind == "unparsable"


def test_an_answer_of_yesterday_is_none_of_today(pair: KeyPair) -> None:
    earlier, asked = asked_of(pair), asked_of(pair)
    replayed = pair.framed(GOOD, earlier.request)
    assert why_not(replayed, asked).kind == "denied"
    for nonce in (earlier.nonce, asked.nonce):  # with the nonce of today before it, too
        found = why_not(replayed.replace(earlier.nonce.encode(), nonce.encode(), 1), asked)
        assert found.kind == "denied"
    assert found.why == "the probe's document answers another question than the gate's"


def test_an_answer_to_fewer_questions_is_none(pair: KeyPair) -> None:
    """A wrapper asks the real probe, of which it keeps nonce and key, for a brief look or for no service at all."""
    asked = asked_of(pair)
    changes: list[dict[str, object]] = [{"asked": "brief"}, {"services": []}, {"only": []}]
    for other in changes:
        request = json.dumps({**json.loads(asked.request), **other}).encode()
        found = why_not(pair.framed(GOOD, request), asked)
        assert (found.kind, found.why) == ("denied", "the probe's document answers another question than the gate's")


def test_one_word_changed_is_not_signed(each_pair: KeyPair) -> None:
    asked = asked_of(each_pair)
    whole = each_pair.framed(GOOD, asked.request)
    assert b'"active"' in whole
    found = why_not(whole.replace(b'"active"', b'"failed"', 1), asked)
    assert found.kind == "denied"
    assert "is not signed by the host: the signature is of something else" in found.why
    assert "deploy account" in found.hint


def test_a_key_of_deploys_own_signs_nothing(pair: KeyPair, tmp_path: Path) -> None:
    asked, own = asked_of(pair), made_pair(tmp_path, "ed25519")
    found = why_not(own.framed(GOOD, asked.request), asked)
    assert found.kind == "denied"
    assert "another key signed it" in found.why


def test_no_signature_says_what_the_probe_said_of_it(pair: KeyPair) -> None:
    asked = asked_of(pair)
    text = pair.framed(GOOD, asked.request).split(b"\n", 1)[1].split(b"-----BEGIN")[0]
    for said, why in (
        (b"", "there is no SSH signature"),
        (b"unsigned: /usr/bin/ssh-keygen is not installed", "is not installed"),
    ):
        found = why_not(b"voxgate-evidence 1 %b %d %d\n%b%b" % (asked.nonce.encode(), len(text), len(said), text, said), asked)
        assert found.kind == "denied"
        assert why in found.why
        assert found.hint


@pytest.mark.parametrize("stdout", [b"[]", b"null", b'{"format":1}', b"\xff", b"Welcome!\n", json.dumps(GOOD).encode()])
def test_what_has_no_frame_is_denied(pair: KeyPair, stdout: bytes) -> None:
    assert why_not(stdout, asked_of(pair)).kind == "denied"


def test_another_probe_is_denied_with_the_command_that_mends_it(pair: KeyPair) -> None:
    asked = asked_of(pair)
    document = {**GOOD, "probe": {**GOOD["probe"], "sha256": "0" * 64}}
    for stdout in (pair.framed(document, asked.request), json.dumps(document).encode()):  # an older one knows of no frame
        found = why_not(stdout, asked)
        assert found.kind == "denied"
        assert found.why.startswith("the probe on this host is not ours: 000000000000 there, ")
        assert found.hint == install_probe(asked.host.address)


def test_an_earlier_releases_probe_is_believed(pair: KeyPair, monkeypatch: pytest.MonkeyPatch) -> None:
    """One of the list, and no other."""
    monkeypatch.setattr(probing, "EARLIER", {"1" * 64: "0.1.0"})
    asked = asked_of(pair)
    old = {**GOOD, "probe": {**GOOD["probe"], "sha256": "1" * 64, "request": hashlib.sha256(asked.request).hexdigest()}}
    assert isinstance(told(pair.framed(old, asked.request), asked), Told)
    other = {**old, "probe": {**old["probe"], "sha256": "2" * 64}}
    assert "is not ours" in why_not(pair.framed(other, asked.request), asked).why


def test_a_refusal_is_a_missing(pair: KeyPair) -> None:
    asked = asked_of(pair)
    document = {"format": 1, "probe": GOOD["probe"], "error": {"kind": "failed", "text": "request refused: folder"}}
    assert "request refused" in why_not(pair.framed(document, asked.request), asked, 2).why


def test_without_root_the_answer_is_taken_unsigned(pair: KeyPair) -> None:
    asked = asked_of(pair, replace(FLEET, probe="stdin"))
    found = told(b"hello\n" + pair.framed(GOOD, asked.request), asked)
    assert isinstance(found, Told)
    assert (found.proof, found.noise) == (None, "hello")


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300), st.booleans(), st.integers(0, 10**6), st.integers(0, 10**4))
def test_nothing_that_is_printed_raises(pair: KeyPair, noise: bytes, framed: bool, length: int, rest: int) -> None:  # noqa: FBT001
    asked = asked_of(pair)
    head = b"voxgate-evidence 1 %b %d %d\n" % (asked.nonce.encode(), length, rest) if framed else b""
    assert isinstance(told(noise + head + noise, asked), Missing)


# --- the probe's own part, with the real ssh-keygen ---


def test_the_probe_signs_what_the_gate_takes(each_pair: KeyPair, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = asked_of(each_pair)
    monkeypatch.setattr(probe, "HOST_KEYS", (str(each_pair.path),))
    text = json.dumps({**GOOD, "probe": {**GOOD["probe"], "request": hashlib.sha256(asked.request).hexdigest()}}).encode()
    found = told(probe.framed(asked.request, text), asked)
    assert isinstance(found, Told), found
    assert found.proof is not None


def test_a_host_key_is_found_where_sshd_config_names_it(pair: KeyPair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "sshd_config"
    config.write_text(f"# HostKey /none\nhostkey = /nowhere\nHostKey {pair.path}\nMatch User x\n")
    monkeypatch.setattr(probe, "HOST_KEYS", ())
    monkeypatch.setattr(probe, "SSHD_CONFIGS", (str(config),))
    assert list(probe.host_keys()) == [str(pair.path)]


def test_a_key_that_others_may_write_is_not_signed_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pair = made_pair(tmp_path, "ed25519")
    monkeypatch.setattr(probe, "HOST_KEYS", (str(pair.path),))
    asked = asked_of(pair)
    assert list(probe.host_keys()) == [str(pair.path)]
    tmp_path.chmod(0o777)
    assert list(probe.host_keys()) == []
    found = why_not(probe.framed(asked.request, b"{}"), asked)
    assert found.why.startswith("the probe's document is not signed by the host: no host key file of root's here holds SHA256:")


def test_no_ssh_keygen_is_said(pair: KeyPair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "HOST_KEYS", (str(pair.path),))
    monkeypatch.setattr(probe, "SSH_KEYGEN", "/usr/bin/no-ssh-keygen")
    asked = asked_of(pair)
    found = why_not(probe.framed(asked.request, b"{}"), asked)
    assert "/usr/bin/no-ssh-keygen is not installed" in found.why


def test_whoever_asks_by_hand_gets_the_document_alone(pair: KeyPair) -> None:
    assert probe.framed(b'{"format":1,"services":[]}', b"{}") == b"{}\n"
    assert probe.framed(b"no JSON", b"{}") == b"{}\n"
    assert probe.framed(b"[1]", b"{}") == b"{}\n"


@pytest.mark.parametrize(
    "seal", [{"nonce": "x"}, {"nonce": 1}, {"nonce": "a" * 63}, {"key": "/etc/shadow"}, {"key": ["SHA256:"]}]
)
def test_a_seal_of_another_form_is_refused(seal: dict[str, object]) -> None:
    with pytest.raises(probe.Trouble, match="request refused"):
        probe.services_of(json.dumps({"format": 1, "services": [], **seal}).encode())


def test_a_probe_whose_caller_ignored_its_children_still_knows_how_they_ended() -> None:
    """With SIGCHLD ignored every child seems to end with 0: the caller would choose what root's probe believes."""
    argv = [sys.executable, "-I", "-c", _CHILD, str(PROBE)]
    ignored = "".join(f"signal.signal(signal.{name}, signal.SIG_IGN); " for name in ("SIGCHLD", "SIGALRM"))
    script = f"import os, signal; {ignored}os.execv({sys.executable!r}, {argv!r})"
    ended = subprocess.run([sys.executable, "-c", script], input=b"[]", capture_output=True, check=True)
    assert ended.stdout.splitlines()[-1] == b"False False"


_CHILD = """
import runpy, signal, sys
names = runpy.run_path(sys.argv[1])["main"].__globals__
def answer(*_):
    print(*(signal.getsignal(one) == signal.SIG_IGN for one in (signal.SIGCHLD, signal.SIGALRM)), flush=True)
    return 0
names["answer"] = answer
names["main"]()
"""
