"""One question to the probe of one host: sent with a word of its own, answered in a frame that the host's own key signed.

Between the gate and root's probe stands the deploy account: its shell, its startup files, whoever else has it. Nothing that it
can print is evidence: a document is believed only if it answers this very request and bears a signature by the host key of
this very connection, which only root can make. What else was printed is kept as noise, and never read.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from voxgate.contracts import json_strict
from voxgate.errors import ContractError
from voxgate.model.evidence import Missing, Proof
from voxgate.model.installed import install_probe
from voxgate.probe.built import digest, program
from voxgate.probe.places import NAMED_BY_ROOT
from voxgate.redaction.shortening import beginning
from voxgate.survey.earlier import EARLIER
from voxgate.transport.ssh import sshsig, sudo
from voxgate.transport.ssh.known_hosts import fingerprint

if TYPE_CHECKING:
    import paramiko

    from voxgate.model.estate import Host
    from voxgate.transport.ssh.connection import Connection
    from voxgate.transport.ssh.remote_command import Completed

INSTALLED = ("/usr/bin/sudo", "-n", "/usr/local/sbin/voxgate-probe")
# Without an installed copy the program itself comes first on stdin, its length before it, and the request after it.
LOADER = (
    "import sys; s = sys.stdin.buffer; n = int(s.readline()); p = s.read(n); "
    "exec(compile(p, 'voxgate-probe', 'exec'), {'__name__': '__main__', 'PROGRAM': p})"
)
OVER_STDIN = ("/usr/bin/python3", "-I", "-S", "-c", LOADER)
LIMIT = 8 * 1024 * 1024
NAMESPACE = "evidence@voxgate.example"
_NOISE = 120  # characters of what somebody else printed, as far as it is shown


@dataclass(frozen=True, slots=True)
class Asked:
    """One question as it was sent: the host, the request's bytes, its nonce, and the key that must sign the answer. Without a
    key (``probe = "stdin"``: no root) the answer is the deploy account's word.
    """

    host: Host
    request: bytes
    nonce: str
    key: paramiko.PKey | None


@dataclass(frozen=True, slots=True)
class Told:
    """A document of our own probe, strict JSON, proved as far as it can be; its members are not looked at yet. ``asked`` and
    ``answered`` are when the command began and ended, epoch seconds on the gate's clock.
    """

    document: dict[str, Any]
    proof: Proof | None
    noise: str
    asked: float = 0.0
    answered: float = 0.0


def asked_of(host: Host, request: bytes, host_key: paramiko.PKey) -> Asked:
    """The request with a nonce that was never used, and the key that must sign."""
    key = None if host.probe == "stdin" else host_key
    nonce = secrets.token_hex(32)
    seal = {"nonce": nonce, **({"key": fingerprint(key.asbytes())} if key else {})}
    return Asked(host, json.dumps({**json.loads(request), **seal}).encode(), nonce, key)


def ask_probe(connection: Connection, request: bytes, deadline: float) -> Told | Missing:
    """The probe on one host, as it is there: installed, or sent with the request. Raises as ``Connection.run``."""
    asked = asked_of(connection.host, request, connection.host_key)
    argv: tuple[str, ...] = INSTALLED
    stdin = asked.request
    if asked.key is None:
        argv, stdin = OVER_STDIN, b"%d\n%b%b" % (len(program()), program(), asked.request)
    # Reading and proving what came takes as long as the others leave time for: none of it is the way there and back.
    began = time.time()
    completed = connection.run(argv, stdin=stdin, deadline=deadline, limit=LIMIT)
    ended = time.time()
    told = read_told(completed, asked)
    return told if isinstance(told, Missing) else replace(told, asked=began, answered=ended)


def read_told(completed: Completed, asked: Asked) -> Told | Missing:
    """What the end of a probe means: its document if it is whole, signed where it must be, an answer to what was asked, strict
    JSON, and of our own probe.
    """
    name = asked.host.name
    head = re.compile(rb"voxgate-evidence 1 %b ([0-9]{1,8}) ([0-9]{1,5})\n" % asked.nonce.encode())
    found = head.search(completed.stdout)
    if found is None:
        return _no_frame(completed, asked)
    at, length, rest = found.end(), int(found[1]), int(found[2])
    text, signature = completed.stdout[at : at + length], completed.stdout[at + length : at + length + rest]
    if len(text) + len(signature) < length + rest:
        return Missing(
            "unparsable", "the probe's document was cut short", name, f"if it is so again: {install_probe(asked.host.address)}"
        )
    try:
        if asked.key is not None:
            _must_be_signed(signature, text, asked.key, name)
        document = json_strict.loads(text, where=name, limit=LIMIT)
    except ContractError as error:
        if error.what.startswith("is not signed"):
            return Missing("denied", f"the probe's document {error.what}: {error.why}", name, error.hint)
        return unparsable(error, asked.host)
    proof = Proof(asked.request, signature, fingerprint(asked.key.asbytes())) if asked.key else None
    around = completed.noise + completed.stdout[: found.start()] + completed.stdout[at + length + rest :]
    return _foreign(document, asked) or Told(dict(document), proof, shown(around))


def shown(noise: bytes) -> str:
    """What somebody else printed, in one short line without any character that a terminal would act on."""
    text = ascii(" ".join(noise.decode(errors="replace").split()))[1:-1]
    return text if len(text) <= _NOISE else f"{beginning(text, _NOISE)}..."


def unparsable(error: ContractError, host: Host) -> Missing:
    """A document that is not of the form."""
    return Missing(
        "unparsable",
        f"the probe's document {error.what}: {error.why}",
        host.name,
        f"if it is so again: {install_probe(host.address)}",
    )


def _must_be_signed(signature: bytes, text: bytes, key: paramiko.PKey, where: str) -> None:
    """Raises ContractError, with what would mend it, unless the host's own key signed these bytes."""
    if signature.startswith(b"unsigned: "):
        what, why = "is not signed by the host", shown(signature.removeprefix(b"unsigned: "))
        hint = (
            f"on the host, as root: /usr/bin/ssh-keygen (OpenSSH >= 8.1), and the host key {key.get_name()} that is pinned, as a "
            "file of root's that an HostKey of sshd_config names, its .pub beside it"
        )
        raise ContractError(what, where=where, why=why, hint=hint)
    try:
        sshsig.verify(signature, text, NAMESPACE, key, where=where)
    except ContractError as error:
        hint = "somebody between the gate and root's probe writes what he likes: look at what runs as the deploy account"
        raise ContractError(error.what, where=where, why=error.why, hint=hint) from None


def _foreign(document: object, asked: Asked) -> Missing | None:
    """Why a document is not evidence although it is strict JSON: another probe's, another question's, or a refusal. None if
    it may be.
    """
    found, host = document if isinstance(document, dict) else {}, asked.host
    probe = found.get("probe")
    theirs = probe if isinstance(probe, dict) else {}
    ours = digest()
    if theirs.get("sha256") not in {ours, *EARLIER}:
        why = f"the probe on this host is not ours: {str(theirs.get('sha256'))[:12]} there, {ours[:12]} here"
        return Missing("denied", why, host.name, install_probe(host.address))
    if theirs.get("request") != hashlib.sha256(asked.request).hexdigest():
        hint = "somebody between the gate and root's probe changes what is asked: look at what runs as the deploy account"
        return Missing("denied", "the probe's document answers another question than the gate's", host.name, hint)
    if "error" in found:
        said = beginning(str(found["error"]), 200)
        enrol = f"enrol it again: `uv run voxgate enrol {host.name} --estate NAME | ssh YOU@{host.address} sudo bash`"
        return Missing("failed", f"the probe refused: {said}", host.name, enrol if NAMED_BY_ROOT in said else "")
    return None


def _no_frame(completed: Completed, asked: Asked) -> Missing:
    """Why there is no document at all, or none that says which question it answers."""
    if completed.exit_status not in {0, 2} or not completed.stdout.strip():
        return _not_run(completed, asked.host)
    try:
        document = json_strict.loads(completed.stdout, where=asked.host.name, limit=LIMIT)
    except ContractError:
        document = None
    if isinstance(document, dict) and "probe" in document and (other := _foreign(document, asked)) is not None:
        return other  # an older probe: it does not know that it shall sign
    why = f"what was printed is no answer of the probe: {shown(completed.stdout)}"
    return Missing(
        "denied",
        why,
        asked.host.name,
        f"look at what runs as {asked.host.user}: `ps -fu {asked.host.user}`; then {install_probe(asked.host.address)}",
    )


def _not_run(completed: Completed, host: Host) -> Missing:
    """Why there is no document at all."""
    words = completed.stderr.decode(errors="replace")
    said = beginning(" ".join(words.split()), 200)
    why = f"the probe ended with {completed.exit_status}: {said or 'and said nothing'}"
    gone = "not found" in said or "No such file" in said
    if host.probe == "stdin":
        return Missing("missing" if gone else "failed", why, host.name, "the host needs /usr/bin/python3 >= 3.9")
    user = host.user or "ACCOUNT"
    allow = sudo.hint(f'{INSTALLED[-1]} ""', words, user)
    if sudo.is_missing(words):
        return Missing("missing", f"there is no sudo: {said}", host.name, allow)
    if refused := sudo.refusal(words):
        return Missing("denied", f"sudo refused: {refused}", host.name, allow)
    if "unable to execute" in words:
        return Missing(
            "missing",
            why,
            host.name,
            f"the probe needs /usr/bin/python3: `apt-get install -y python3`; then {install_probe(host.address)}",
        )
    return Missing("missing" if gone else "failed", why, host.name, install_probe(host.address))
