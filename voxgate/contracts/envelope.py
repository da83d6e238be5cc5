"""DSSE (Dead Simple Signing Envelope, secure-systems-lab/dsse), the form in which cosign and in-toto read attestations."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any

from voxgate.contracts.json_strict import loads
from voxgate.errors import ContractError

TYPE = "application/vnd.in-toto+json"
LIMIT = 16 << 20
"""Bytes of an attestation, at most."""

_WHAT = "this is no attestation"


@dataclass(frozen=True, slots=True)
class Envelope:
    """A payload and its signature of DSSE; ``signature`` is empty where nobody signed, ``key`` is the fingerprint of who did."""

    payload: bytes
    key: str = ""
    signature: bytes = b""

    def encode(self) -> bytes:
        """The one way in which this is written, so that no byte of the file can be another."""
        signatures = [{"keyid": self.key, "sig": _base64(self.signature)}] if self.signature else []
        return canonical({"payload": _base64(self.payload), "payloadType": TYPE, "signatures": signatures})

    @property
    def signed(self) -> bytes:
        """What a signature of DSSE is made of: its pre-authentication encoding."""
        return pae(self.payload)


def pae(payload: bytes) -> bytes:
    """``DSSEv1 LEN(type) type LEN(payload) payload``."""
    return b"DSSEv1 %d %s %d %s" % (len(TYPE), TYPE.encode(), len(payload), payload)


def canonical(document: Any) -> bytes:
    """JSON in one way only: sorted keys, no blanks, ASCII, one line."""
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def decode(body: bytes, where: str = "") -> Envelope:
    """What ``encode`` made. Raises ContractError for anything that it would not make."""
    document = loads(body, where=where, limit=LIMIT)
    try:
        (one,) = document["signatures"] or [{"keyid": "", "sig": ""}]
        found = Envelope(_bytes(document["payload"]), str(one["keyid"]), _bytes(one["sig"]))
    except (KeyError, TypeError, IndexError, ValueError, AttributeError) as error:
        raise ContractError(_WHAT, where=where, why=f"it is no envelope of DSSE ({type(error).__name__})") from None
    if found.encode() != body:
        raise ContractError(_WHAT, where=where, why="it is not written as voxgate writes it")
    return found


def _base64(body: bytes) -> str:
    return base64.b64encode(body).decode()


def _bytes(text: Any) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError(str(error)) from None
