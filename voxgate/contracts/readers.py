"""Who reads what: of each contract the readers of its parts. What is lost there breaks them."""

from __future__ import annotations

from collections.abc import Mapping

ANSWER = ""
"""That it is answered at all: path, status and content type."""

READERS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "backend-health": {
        ANSWER: ("nginx", "gate", "console", "monitors"),
        "$": ("gate",),
        "$.status": ("gate", "console", "monitors"),
        "$.version": ("gate", "console"),
        "$.checks": ("gate", "console", "monitors"),
    },
    "worker-health": {
        ANSWER: ("HAProxy", "gate"),
        "$": ("gate",),
        "$.worker_calls": ("gate", "monitors"),
        "$.worker_max": ("gate", "monitors"),
    },
    "fleet-health": {ANSWER: ("HAProxy", "gate", "monitors"), "$": ("gate", "monitors")},
    "dialler-health": {ANSWER: ("gate", "monitors"), "$": ("gate",), "$.ticks": ("gate", "monitors")},
    "dialler-metrics": {ANSWER: ("gate", "monitors"), "$": ("monitors",), "$.voxdialler_ticks_total": ("gate", "monitors")},
    "backend-api": {ANSWER: ("nginx", "console"), "$": ()},
    "registry-entry": {ANSWER: ("fleet",), "$": ("fleet",)},
    "dialler-tick": {ANSWER: ("dialler",), "$": ("dialler",)},
    "dialler-process": {ANSWER: ("dialler",), "$": ("dialler",)},
    "dialled-call": {ANSWER: ("dialler", "backend"), "$": ("dialler", "backend")},
}
"""By the contract's name, then by the part: ``$.checks`` and all below it. nginx and HAProxy read no body: only if, and with
which status, it is answered.
"""

_LONGEST = 200  # letters of a part: none that is known has so many, and a release calls its fields as it likes


def readers(contract: str, part: str) -> tuple[str, ...]:
    """Who reads that part: ``$.checks.redis``, or ``ANSWER``. Empty where nobody is known to."""
    parts = READERS.get(contract, {"$": ("gate",), ANSWER: ("gate",)})
    part = part[:_LONGEST]
    while part not in parts and part:
        cut = max(part.rfind("."), part.rfind("["))
        part = part[:cut] if cut > 0 else ANSWER
    return parts.get(part, ())
