"""The journal of a service: what is being done there, and what one deploy has changed up to now."""

from __future__ import annotations

import json
import time
from typing import Any, Dict

from voxgate.deploy.on_host.files import replace, text_of

IN_PLACE = ("code", "packages")  # what a process may read while it runs
EVERYTHING = ["everything"]
TICK = 0.05  # seconds by which the time of a file's change may be behind the clock


def at_work(folder: str) -> str:
    """Whose step still runs on a service, by its journal, and which: ``owner.lock`` names whoever asks by now."""
    journal = text_of(folder, "journal.json")
    try:
        said = json.loads(journal or "{}")
        owner = {"by": said["by"], "run": said["run"], "build": said["build"], "since": said["at"]}
    except (ValueError, KeyError, TypeError):
        owner = {}
    return json.dumps({"owner": json.dumps(owner), "journal": journal})


def _carried(folder: str, journal: Dict[str, Any]) -> Dict[str, Any]:
    """What the journal of the same deploy says of its changes: which, since when, how old the code was, what did not hold before
    and what was judged good. Where a way back finds no such word (an earlier voxgate's journal, a torn one), anything may have
    been changed.
    """
    try:
        said = json.loads(text_of(folder, "journal.json") or "{}")
    except ValueError:
        said = {}
    if isinstance(said, dict) and said.get("run") == journal["run"] and "changed" in said:
        return {key: said[key] for key in ("changed", "since", "code", "seen", "standing", "content") if key in said}
    return {"changed": EVERYTHING if journal["phase"].startswith("back-") else []}


def write_journal(folder: str, journal: Dict[str, Any], changes: str, *, epoch: int, **more: Any) -> Dict[str, Any]:
    """What is being done here right now, and what one deploy has changed up to now: that is carried on from journal to
    journal, whichever run writes it. Returns what was written.
    """
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    document = dict(_carried(folder, journal), **journal)
    if changes and changes not in document["changed"]:
        document["changed"] = document["changed"] + [changes]
    if changes in IN_PLACE and "since" not in document:
        document["since"] = time.time() - TICK
    document.update(more, at=now, boot=boot_id(), epoch=epoch)
    replace(folder, "journal.json", json.dumps(document, sort_keys=True) + "\n")
    return document


def note_put_back(folder: str, journal: Dict[str, Any]) -> None:
    """The code was changed and is as it was: whoever finds a process older than the last change must know. Said only where it
    is known how old the code was before.
    """
    if "since" in journal and journal.get("code"):
        said = {key: journal[key] for key in ("service", "since", "code", "seen") if journal.get(key)}
        said.update(format=1, until=time.time())
        replace(folder, "put-back.json", json.dumps(said, sort_keys=True) + "\n")


def boot_id() -> str:
    """Tells one boot of this host from the next."""
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        return file.read().strip()
