"""Health: when a restarted unit counts as up. Pure judgement of one look at it; the engine polls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from voxgate.contracts.json_strict import loads
from voxgate.errors import ContractError
from voxgate.model.answers import Answer
from voxgate.model.digits import natural_in
from voxgate.model.evidence import Missing
from voxgate.redaction.shortening import beginning

_CRASH_LOOP = 2
"""Restarts by systemd itself: it counts anew at each restart by hand, so two after ours mean that it dies as it starts."""
_ROOM = 200  # letters of a page's own words


class Up(Enum):
    """What one look at a restarted unit says."""

    YES = auto()
    NOT_YET = auto()
    NEVER = auto()


@dataclass(frozen=True, slots=True)
class Pulse:
    """One look: the state, and what was seen, in words."""

    up: Up
    said: str


def read_state(text: bytes) -> Mapping[str, str]:
    """The ``Key=Value`` lines of ``systemctl show``."""
    pairs = (line.partition("=") for line in text.decode("utf-8", "replace").splitlines())
    return {key: value for key, equals, value in pairs if equals}


def pulse(state: Mapping[str, str], answer: Answer | Missing, commit: str) -> Pulse:
    """Judge one look. Never again (NEVER) where systemd gave up or the process dies as it starts; else by its answer:
    200, ``status`` ok, and the release's commit.
    """
    active = f"{state.get('ActiveState', 'unknown')}/{state.get('SubState', 'unknown')}"
    restarts = natural_in(state.get("NRestarts", ""))
    if state.get("ActiveState") == "failed":
        return Pulse(Up.NEVER, f"systemd gave up on it: failed, {state.get('Result', 'unknown')}")
    if restarts is not None and restarts >= _CRASH_LOOP:
        return Pulse(Up.NEVER, f"it dies as it starts: {restarts} automatic restarts, {active}")
    if isinstance(answer, Missing):
        return Pulse(Up.NOT_YET, f"{active}, not asked: {answer.why}")
    if answer.trouble:
        return Pulse(Up.NOT_YET, f"{active}, no answer on :{answer.port}{answer.path}: {answer.trouble}")
    try:
        body: Any = loads(answer.body)
    except ContractError as error:
        return Pulse(Up.NOT_YET, f"answers {answer.status}, {error.line}")
    said = body if isinstance(body, dict) else {}
    if answer.status != 200 or said.get("status") != "ok":  # noqa: PLR2004 - the one status of health
        return Pulse(Up.NOT_YET, f"answers {answer.status}, status {_short(repr(said.get('status')))}{_short(_unwell(said))}")
    if said.get("commit") != commit:
        return Pulse(Up.NOT_YET, f"reports commit {str(said.get('commit'))[:12]}, not {commit[:12]}")
    return Pulse(Up.YES, f"answers 200, {active}")


def _short(text: str) -> str:
    """A page's own words: as many as a line has room for."""
    return text if len(text) <= _ROOM else f"{beginning(text, _ROOM)}.."


def _unwell(body: Mapping[str, Any]) -> str:
    """Which of its checks it calls not ok, by name."""
    checks = body.get("checks")
    if not isinstance(checks, dict):
        return ""
    unwell = sorted(str(name) for name, value in checks.items() if value != "ok")
    return f", not ok: {', '.join(unwell)}" if unwell else ""
