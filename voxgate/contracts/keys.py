"""Public keys: from a file as OpenSSH writes it to the fingerprint that OpenSSH shows."""

from __future__ import annotations

import base64
import binascii
import hashlib
from itertools import pairwise
from pathlib import Path

MARK = "SHA256:"
_KINDS = ("ssh-", "ecdsa-", "sk-")


def fingerprints(entry: str) -> tuple[str, ...]:
    """The fingerprints that an entry of an estate file means: itself, or those of each key in the file that it names.

    A file that cannot be read gives ``missing: PATH``, so that whoever compares keys knows that one is not known here.
    """
    if entry.startswith(MARK):
        return (entry,)
    path = Path(entry)
    try:
        path = path.expanduser()
        lines = path.read_text("utf-8").splitlines()
    except (OSError, ValueError, RuntimeError):  # no file, no text, or nobody's home
        return (f"missing: {path}",)
    found = tuple(mark for line in lines if (mark := fingerprint(line)) is not None)
    return found or (f"missing: {path}",)


def fingerprint(line: str) -> str | None:
    """The fingerprint of one line of a public key file or an authorized_keys file, None if it holds no key."""
    words = line.split()
    for kind, blob in pairwise(words):
        if kind.startswith(_KINDS):
            try:
                raw = base64.b64decode(blob, validate=True)
            except (binascii.Error, ValueError):
                return None
            return MARK + base64.b64encode(hashlib.sha256(raw).digest()).decode().rstrip("=")
    return None
