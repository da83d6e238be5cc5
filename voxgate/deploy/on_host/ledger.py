"""The ledger of a service: one whole, numbered line an event, with the sha256 of the line before it; none is ever taken away."""

from __future__ import annotations

import hashlib
import json
import os
from typing import Any, Dict, List, Tuple

from voxgate.deploy.on_host.files import open_file


def last_lines(folder: str, most: int) -> List[str]:
    """The last lines of the ledger."""
    try:
        with open(os.path.join(folder, "ledger.jsonl"), "rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - 1024 * most))
            return file.read().decode("utf-8", "replace").splitlines()[-most:]
    except FileNotFoundError:
        return []


def _about(event: Dict[str, Any]) -> Tuple[Any, ...]:
    """What tells an event from another: whose deploy it is about, whoever writes it."""
    return event.get("event"), event.get("mended") or event.get("run"), event.get("commit")


def _last_event(folder: str) -> Tuple[Dict[str, Any], str]:
    """The last line of the ledger that is one of ours, an object with a number, and its sha256; empty where there is none."""
    for line in reversed(last_lines(folder, 64)):
        try:
            said = json.loads(line)
        except ValueError:
            continue
        if isinstance(said, dict) and type(said.get("n")) is int:
            return said, hashlib.sha256(line.encode("utf-8", "replace")).hexdigest()
    return {}, ""


def append(folder: str, event: Dict[str, Any]) -> None:
    """One line of the ledger, numbered on. A torn last line (power cut) is closed first, so that it can hurt no other; the
    same event of the same run is not written twice: whoever mends a kill may do the same thing again.
    """
    last, digest = _last_event(folder)
    if event.get("event") != "note" and _about(last) == _about(event):
        return
    descriptor = open_file(folder, "ledger.jsonl", os.O_RDWR | os.O_APPEND)
    try:
        size = os.fstat(descriptor).st_size
        torn = size and os.pread(descriptor, size, size - 1) != b"\n"
        whole = json.dumps(dict(event, n=last.get("n", 0) + 1, prev=digest), sort_keys=True).encode("utf-8") + b"\n"
        text = (b"\n" if torn else b"") + whole
        if os.write(descriptor, text) != len(text):
            os.ftruncate(descriptor, size)
            raise OSError("no room for a line of the ledger in %s" % folder)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
