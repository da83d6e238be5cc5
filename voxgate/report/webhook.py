"""A webhook: what a run came to, at an address that the environment names, as JSON with a ``text`` that Slack shows.

The address is a secret: whoever has it may write there. It is in no message of this module, and the redactor knows it.
"""

from __future__ import annotations

import html
import json
import os
import ssl
import threading
from collections.abc import Mapping
from datetime import date
from typing import Any

import httpx

from voxgate import __version__
from voxgate.model.verdict import Ran, RunOutcome, RunVerdict
from voxgate.redaction.cutting import WEBHOOK, Redactor
from voxgate.report.causes.grouping import causes_of
from voxgate.report.summary import CAUSES, Origin, message

FORMAT = 1
"""Raised where a member is taken away or means something else; a new member may come at any time."""

_DEADLINE = 5.0
_LONGEST = 1000  # characters of one string
_ENDS = {RunVerdict.DONE: "done", RunVerdict.ROLLED_BACK: "rolled back", RunVerdict.BROKEN: "broken"}
_CLOSED = frozenset({RunVerdict.HOLDS, RunVerdict.PARTIAL, RunVerdict.VIOLATED, RunVerdict.BLIND})


def tell(
    outcome: RunOutcome,
    redactor: Redactor,
    *,
    mended: bool,
    day: date,
    environ: Mapping[str, str] = os.environ,
    deadline: float = _DEADLINE,
) -> str:
    """Tell the address in VOXGATE_WEBHOOK of the run, where one is given and the run is worth it (``event_of``): once, within
    ``deadline`` seconds in all. Expects an outcome without secrets (``verdict_file.cut``). Returns a line about what went wrong,
    empty if nothing did. Never raises, and never says the address.
    """
    address = environ.get(WEBHOOK, "").strip()
    if not address:
        return ""
    try:
        event = event_of(outcome, mended=mended, day=day)
        why = _post(address, document(outcome, Origin.of(outcome.run, redactor, environ), event, day), deadline) if event else ""
    except Exception as error:  # noqa: BLE001 - whatever it is, it is a line and no verdict
        why = type(error).__name__
    return f"{WEBHOOK} was not told of this run: {why}" if why else ""


def event_of(outcome: RunOutcome, *, mended: bool, day: date) -> str:
    """What of a run is worth telling, empty for nothing: ``done``, ``rolled back``, ``broken``, ``recovered`` (``mended``: it
    closed what an earlier run left open), or ``waiver ended``: something is red that was accepted until before ``day``.
    """
    if outcome.verdict in _ENDS:
        return _ENDS[outcome.verdict]
    if outcome.deploy and outcome.rollback_verdict is not None:  # incomplete, and gone back
        return _ENDS[RunVerdict.ROLLED_BACK]
    if mended and outcome.verdict in _CLOSED:
        return "recovered"
    return "waiver ended" if ended_in(outcome, day) else ""


def ended_in(outcome: RunOutcome, day: date) -> tuple[str, ...]:
    """Ids of what does not hold, and was accepted until before ``day``."""
    bad = (one for one in outcome.judgements if not one.verdict.is_green)
    return tuple(one.id for one in bad if any(waiver.has_ended(day) for waiver in one.waivers))


def document(outcome: RunOutcome, origin: Origin, event: str, day: date) -> dict[str, Any]:
    """What is sent."""
    causes = causes_of(outcome.judgements, outcome.moves)
    return {
        "text": html.escape(message(outcome, origin, event), quote=False),
        "voxgate": __version__,
        "format": FORMAT,
        "event": event,
        "run": outcome.run,
        "estate": outcome.estate,
        "verdict": outcome.verdict.value,
        "exit_status": outcome.exit_status,
        "summary": outcome.summary[:_LONGEST],
        "started": round(outcome.started, 3),
        "seconds": round(outcome.seconds, 3),
        "services": [
            {"service": one.service, "from": _ran(one.before), "tried": _ran(one.tried), "running": _ran(one.running)}
            for one in outcome.services
        ],
        "causes": [
            {"verdict": one.verdict.value, "what": one.label, "found": one.found[:_LONGEST], "to_do": one.advice[:_LONGEST]}
            for one in causes[:CAUSES]
        ],
        "more_causes": len(causes[CAUSES:]),
        "waivers_ended": list(ended_in(outcome, day)),
        "by": origin.by,
        "build": origin.build,
    }


def _ran(release: Ran | None) -> dict[str, str | None] | None:
    return None if release is None else {"tag": release.tag, "commit": release.commit}


def _post(address: str, content: Mapping[str, Any], deadline: float) -> str:
    """Why it was not taken, empty if it was."""
    if not _is_https(address):
        return "it is no https address"
    body, said = json.dumps(content).encode(), list[str]()
    # A thread, because names are looked up and answers dripped without any deadline; it ends with the gate.
    sending = threading.Thread(target=lambda: said.append(_send(address, body, deadline)), daemon=True)
    sending.start()
    sending.join(deadline)
    return said[0] if said else f"no answer within {deadline:g} s"


def _is_https(address: str) -> bool:
    try:
        url = httpx.URL(address)
    except httpx.InvalidURL:
        return False
    return url.scheme == "https" and bool(url.host)


def _send(address: str, body: bytes, timeout: float) -> str:
    """The same, for as long as it takes."""
    headers = {"content-type": "application/json", "user-agent": f"voxgate/{__version__}"}
    try:
        with httpx.Client(timeout=timeout) as client, client.stream("POST", address, content=body, headers=headers) as answer:
            return "" if answer.is_success else f"it answered {answer.status_code}"
    except httpx.TimeoutException:
        return f"no answer within {timeout:g} s"
    except Exception as error:  # noqa: BLE001 - whatever it is, it is a line and no verdict
        return _kind_of(error)


def _kind_of(error: BaseException) -> str:
    """What went wrong, without words that may hold the address."""
    last = error
    while (cause := last.__cause__ or last.__context__) is not None:
        last = cause
    words = last.reason if isinstance(last, ssl.SSLError) else last.strerror if isinstance(last, OSError) else ""
    return f"{type(error).__name__}: {words}" if words else type(error).__name__
