"""The host's own key signs what was seen."""

from __future__ import annotations

import base64
import glob
import hashlib
import json
import os
import stat
from typing import Iterator

from voxgate.probe.base import DEADLINE, Trouble, guarded
from voxgate.probe.keys import key_in
from voxgate.probe.programs import last_words, run
from voxgate.probe.request import SEAL
from voxgate.probe.text import lines_of

NAMESPACE = "evidence@voxgate.example"
SSH_KEYGEN = "/usr/bin/ssh-keygen"
HOST_KEYS = tuple(f"/etc/ssh/ssh_host_{kind}_key" for kind in ("ed25519", "ecdsa", "rsa"))
SSHD_CONFIGS = ("/etc/ssh/sshd_config", "/etc/ssh/sshd_config.d/*.conf")


def framed(request: bytes, document: bytes) -> bytes:
    """The document as it is printed: alone for whoever asks by hand; behind a line with the request's nonce and two lengths,
    and before its signature, for a gate. Without a signature the reason stands in its place.
    """
    seal = seal_of(request)
    if not seal["nonce"]:
        return document + b"\n"
    signature = b""
    if seal["key"]:
        outcome = guarded(lambda: signed(document, seal["key"]))
        signature = str(outcome.get("value") or f"unsigned: {outcome['error']['text']}").encode(errors="replace")
    head = f"voxgate-evidence 1 {seal['nonce']} {len(document)} {len(signature)}\n"
    return head.encode() + document + signature + b"\n"


def seal_of(request: bytes) -> dict[str, str]:
    """The nonce and the key of a request, empty where it has none of the form: one that is refused is answered too."""
    try:
        told = json.loads(request)
        return {key: text if form.fullmatch(text := str(told.get(key, ""))) else "" for key, form in SEAL.items()}
    except (ValueError, RecursionError, AttributeError):
        return dict.fromkeys(SEAL, "")


def signed(document: bytes, mark: str) -> str:
    """An SSH signature of it, by the host key of that fingerprint. Raises Trouble where none of root's files holds it."""
    path = next((path for path in host_keys() if mark_of_key(f"{path}.pub") == mark), None)
    if path is None:
        raise Trouble("missing", f"no host key file of root's here holds {mark} (with its .pub beside it)")
    ended = run([SSH_KEYGEN, "-Y", "sign", "-n", NAMESPACE, "-f", path], DEADLINE, given=document)
    if ended.status != 0 or not ended.out.startswith("-----BEGIN SSH SIGNATURE-----"):
        raise Trouble("failed", f"ssh-keygen does not sign: {last_words(ended.err, 1) or 'it says nothing'}")
    return ended.out


def host_keys() -> Iterator[str]:
    """The files of host keys, as far as they are root's alone."""
    for path in host_key_files():
        if roots_alone(path) and roots_alone(f"{path}.pub"):
            yield path


def host_key_files() -> list[str]:
    """The files of host keys, the usual and those that root's sshd_config names, by their real paths."""
    named = [path for pattern in SSHD_CONFIGS for path in sorted(glob.glob(pattern)) if roots_alone(path)]
    lines = (line.replace("=", " ", 1).split(None, 2) for path in named for line in lines_of(path))
    told = [words_said[1].strip('"') for words_said in lines if len(words_said) > 1 and words_said[0].lower() == "hostkey"]
    return list(dict.fromkeys(os.path.realpath(found) for found in (*HOST_KEYS, *told)))


def roots_alone(path: str) -> bool:
    """True for a file that is there, and that nobody but root (or who runs this) could put there: nor any folder above it."""
    while True:
        try:
            found = os.lstat(path)
        except OSError:
            return False
        shared = found.st_mode & 0o022 and not (stat.S_ISDIR(found.st_mode) and found.st_mode & stat.S_ISVTX)  # /tmp is sticky
        if found.st_uid not in {0, os.geteuid()} or shared or stat.S_ISLNK(found.st_mode):
            return False
        if path == "/":
            return True
        path = os.path.dirname(path)


def mark_of_key(path: str) -> str:
    """The fingerprint of the first public key in a file, empty where there is none."""
    blob = next((key_in(line) for line in lines_of(path)), b"")
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=") if blob else ""
