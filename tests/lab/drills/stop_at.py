"""A plugin for drills: ends, pauses or interrupts the gate itself at a named point of its journal.

``VOXGATE_DRILL=phase:moment:service:signal``: once ``service`` (or ``any``) has its journal at ``phase``, written before the
step (``begun``) or after it (``done``). With ``all`` for the service, once every placement that is asked for is there.
"""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from voxgate.deploy.hosts.holding import Hold

_MOMENT = 0.3  # seconds from sending a step to being sure that its intent is written
_SLOW = 1.0
_ask = Hold.ask
_lock = threading.Lock()
_count = [0]


def pytest_configure() -> None:
    """Put ourselves between the gate and its hosts."""
    if os.environ.get("VOXGATE_DRILL"):
        Hold.ask = _watched  # type: ignore[method-assign]


def _watched(self: Hold, op: str, deadline: float, read: Callable[[object], Any], **words: Any) -> Any:
    phase, moment, service, name, *rest = os.environ["VOXGATE_DRILL"].split(":")
    journal = words.get("journal") or {}
    here = journal.get("phase") == phase and (service in {"any", "all"} or words.get("service") == service)
    if not here:
        return _ask(self, op, deadline, read, **words)
    wanted = int(rest[0]) if rest else 1
    if moment == "begun":
        if words.get("steps"):  # so that the command is still to come when its intent is written
            first = next(step for step in words["steps"] if "reset-failed" not in step["argv"])
            first["argv"] = ["sh", "-c", f'sleep {_SLOW}; exec "$@"', "sh", *first["argv"]]
        if _counted() == wanted:
            threading.Timer(_MOMENT, _strike, (name,)).start()
        return _ask(self, op, deadline, read, **words)
    answer = _ask(self, op, deadline, read, **words)
    if _counted() == wanted:
        _strike(name)
    return answer


def _counted() -> int:
    with _lock:
        _count[0] += 1
        return _count[0]


def _strike(name: str) -> None:
    """Leave word that the point was reached, and do it."""
    if told := os.environ.get("VOXGATE_DRILL_TOLD"):
        Path(told).write_text(json.dumps({"pid": os.getpid(), "signal": name}), encoding="utf-8")
    if name == "NONE":
        return
    for one in name.split("+"):
        os.kill(os.getpid(), signal.Signals[f"SIG{one}"])
