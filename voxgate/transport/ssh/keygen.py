"""What OpenSSH's ``ssh-keygen -Y`` signs and verifies: files, by SSH keys of people and machines, each for one purpose."""

from __future__ import annotations

import base64
import hashlib
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

import paramiko
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from voxgate.errors import CommandUnknown, ContractError, Refused, VoxgateError, visible
from voxgate.redaction.shortening import beginning
from voxgate.transport.local import LocalCompleted, run
from voxgate.transport.ssh.login import agent_of, public_blob
from voxgate.transport.surroundings import environment

LONGEST = 16 * 1024
"""Bytes of a signature, at most."""

_DEADLINE = 30.0
_HEAD, _FOOT = b"-----BEGIN SSH SIGNATURE-----", b"-----END SSH SIGNATURE-----"
_WIDTH = 70
_GOOD = re.compile(r'Good "[^"\n]*" signature (?:for (?P<who>[^\n]+) )?with \S+ key (?P<key>SHA256:[A-Za-z0-9+/]{43})')
_HINT = "a private key without a passphrase, or its .pub with the key in the agent (ssh-add)"
_CURVES: tuple[tuple[int, type[hashes.HashAlgorithm]], ...] = ((256, hashes.SHA256), (384, hashes.SHA384), (521, hashes.SHA512))


@dataclass(frozen=True, slots=True)
class Signer:
    """Whose signature it is: the key's fingerprint, and the name by which a file of signers knows it; empty without one."""

    key: str
    name: str = ""


def sign(message: bytes, key: str, namespace: str) -> bytes:
    """The SSH signature of ``message`` by the key of a file, for one purpose (``namespace``). The file is a private key without a
    passphrase, or a public key whose private half an agent holds.

    Raises Refused, in one line, where that cannot be.
    """
    path = Path(key).expanduser()
    if not path.is_file():
        raise Refused("there is no such key", where=str(path), hint=_HINT)
    done = _run(["ssh-keygen", "-Y", "sign", "-q", "-n", namespace, "-f", str(path)], message)
    if done.exit_status != 0 or not done.stdout.startswith(_HEAD):
        raise Refused("this key does not sign", where=str(path), why=_last(done), hint=_HINT)
    return armored(_unarmored(done.stdout, str(path)))


def verify(message: bytes, signature: bytes, namespace: str, signers: Path | None, where: str = "") -> Signer:
    """Who signed ``message`` for ``namespace``. With ``signers``, a file as ssh-keygen(1) describes below ALLOWED SIGNERS, it
    must be one of them, with a key that is valid now; without, nobody says whose key it is.

    Raises ContractError, in one line, for any other signature, also for one that is written in another way than here.
    """
    if armored(_unarmored(signature, where)) != signature:
        raise ContractError("the signature is not written as it was made", where=where)
    with tempfile.TemporaryDirectory(prefix="voxgate-") as folder:
        file = Path(folder) / "signature"
        file.write_bytes(signature)
        if signers is None:
            done = _run(["ssh-keygen", "-Y", "check-novalidate", "-n", namespace, "-s", str(file)], message)
            return Signer(_good(done, where)["key"])
        if not signers.is_file():
            raise Refused("there is no such file of signers", where=str(signers), hint="lines as ssh-keygen(1) has them")
        known = _run(["ssh-keygen", "-Y", "find-principals", "-s", str(file), "-f", str(signers)], b"")
        names = known.stdout.decode("utf-8", "replace").splitlines()
        if known.exit_status != 0 or not names:
            why = f"its key is none of {signers.name}"
            raise ContractError("nobody who is known signed it", where=where, why=why)
        name = names[0].partition(",")[0]
        argv = ["ssh-keygen", "-Y", "verify", "-n", namespace, "-s", str(file), "-f", str(signers), "-I", name]
        return Signer(_good(_run(argv, message), where)["key"], visible(name)[:200])


def _good(done: LocalCompleted, where: str) -> re.Match[str]:
    said = _GOOD.search(done.stdout.decode("utf-8", "replace"))
    if done.exit_status != 0 or said is None:
        raise ContractError("the signature is not good", where=where, why=_last(done))
    return said


def _run(argv: list[str], given: bytes) -> LocalCompleted:
    """ssh-keygen, which asks nobody: it has no terminal, and no window either."""
    try:
        return run(argv, deadline=_DEADLINE, stdin=given, env={**environment(ssh=True), "SSH_ASKPASS_REQUIRE": "never"})
    except CommandUnknown as error:
        hint = "install openssh-client"
        raise VoxgateError("nothing can be signed or verified", where="ssh-keygen", why=error.line, hint=hint) from None


def _last(done: LocalCompleted) -> str:
    lines = (done.stderr or done.stdout).decode("utf-8", "replace").strip().splitlines()
    return beginning(visible(lines[-1]), 200) if lines else "it says nothing"


def armored(blob: bytes) -> bytes:
    """The one way in which a signature is written."""
    text = base64.b64encode(blob)
    lines = [text[at : at + _WIDTH] for at in range(0, len(text), _WIDTH)]
    return b"\n".join((_HEAD, *lines, _FOOT)) + b"\n"


def _unarmored(signature: bytes, where: str) -> bytes:
    body = signature.strip()
    if len(body) > LONGEST or not (body.startswith(_HEAD) and body.endswith(_FOOT)):
        raise ContractError("there is no SSH signature", where=where)
    try:
        return base64.b64decode(b"".join(body[len(_HEAD) : -len(_FOOT)].split()), validate=True)
    except ValueError:
        raise ContractError("the signature is no base64", where=where) from None


def raw_signature(message: bytes, key: str) -> tuple[str, bytes]:
    """The key's fingerprint and its plain signature of ``message``, as DSSE wants it: ed25519, ECDSA (DER) or RSA (PKCS #1 v1.5
    with SHA-256). Empty where the key makes none such (a key on a token).
    """
    path = Path(key).expanduser()
    public = public_blob(path)
    agent = agent_of() if public else None
    try:
        held = next((one for one in (agent.get_keys() if agent else ()) if one.asbytes() == public), None)
        if held is None:
            return _by_file(message, path)
        said = held.sign_ssh_data(message, "rsa-sha2-256" if held.get_name() == "ssh-rsa" else None)
        return held.fingerprint, _plain(said if isinstance(said, bytes) else said.asbytes())
    except (paramiko.SSHException, UnsupportedAlgorithm, OSError, TypeError, ValueError):
        return "", b""
    finally:
        if agent is not None:
            agent.close()


def _by_file(message: bytes, path: Path) -> tuple[str, bytes]:
    """The same by a private key's file. paramiko refuses every second ECDSA key of ssh-keygen's."""
    content = path.read_bytes()
    load = serialization.load_ssh_private_key if b"OPENSSH PRIVATE KEY" in content else serialization.load_pem_private_key
    key = load(content, None)
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    digest = hashlib.sha256(base64.b64decode(public.split()[1])).digest()
    name = f"SHA256:{base64.b64encode(digest).decode().rstrip('=')}"
    match key:
        case ed25519.Ed25519PrivateKey():
            return name, key.sign(message)
        case rsa.RSAPrivateKey():
            return name, key.sign(message, padding.PKCS1v15(), hashes.SHA256())
        case ec.EllipticCurvePrivateKey():
            return name, key.sign(message, ec.ECDSA(_hash_of(key.curve)))
        case _:
            return "", b""


def _hash_of(curve: ec.EllipticCurve) -> hashes.HashAlgorithm:
    """The hash that goes with a curve in SSH. Raises ValueError for one that SSH does not have."""
    for bits, kind in _CURVES:
        if bits == curve.key_size:
            return kind()
    msg = "a curve that SSH does not have"
    raise ValueError(msg)


def _plain(blob: bytes) -> bytes:
    """A signature of the SSH protocol as everybody else writes it."""
    message = paramiko.Message(blob)
    name, signature = message.get_text(), message.get_binary()
    if name.startswith("ecdsa-"):
        parts = paramiko.Message(signature)
        return encode_dss_signature(parts.get_mpint(), parts.get_mpint())
    return signature if name in {"ssh-ed25519", "rsa-sha2-256"} else b""


def must_be_by_the_same(ssh_signature: bytes, raw: bytes, message: bytes, where: str = "") -> None:
    """Raises ContractError unless the key of an SSH signature made the plain signature ``raw`` of ``message`` too."""
    blob = paramiko.Message(_unarmored(ssh_signature, where))
    blob.get_bytes(len("SSHSIG") + 4)
    public = blob.get_binary()
    name = paramiko.Message(public).get_text()
    try:
        key = serialization.load_ssh_public_key(name.encode() + b" " + base64.b64encode(public))
        match key:
            case ed25519.Ed25519PublicKey():
                key.verify(raw, message)
            case rsa.RSAPublicKey():
                key.verify(raw, message, padding.PKCS1v15(), hashes.SHA256())
            case ec.EllipticCurvePublicKey():
                key.verify(raw, message, ec.ECDSA(_hash_of(key.curve)))
            case _:
                raise ContractError("the envelope is signed by a key of another kind", where=where)
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        raise ContractError("the envelope's own signature is not good", where=where) from None
