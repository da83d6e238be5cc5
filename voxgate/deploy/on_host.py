"""The state of the gate on one host, read and written there. Standard library only, Python >= 3.9, one file.

Runs on the host as the deploy user: the gate sends this source and one request over the connection's stdin. State lives in
``/var/lib/voxgate/<service>/``. A JSON file is replaced by write, fsync, rename, so a reader sees the old or the new one and
never a half; the ledger grows by one whole line an event.
"""

import json
import os
import sys
from typing import Any, Dict

ROOT = "/var/lib/voxgate"


def _folder(service: str) -> str:
    """The service's folder, made where it is missing. The name is one of the gate's own, checked all the same."""
    if not service.isalpha():
        raise ValueError("no service name: %r" % service)
    path = os.path.join(ROOT, service)
    os.makedirs(path, mode=0o755, exist_ok=True)
    return path


def _sync(path: str) -> None:
    """Make a folder's entries durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _replace(folder: str, name: str, document: Dict[str, Any]) -> None:
    """Write a JSON file whole or not at all."""
    part = os.path.join(folder, "." + name + ".part")
    with open(part, "w", encoding="utf-8") as file:
        json.dump(document, file, sort_keys=True)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    os.rename(part, os.path.join(folder, name))
    _sync(folder)


def _append(folder: str, event: Dict[str, Any]) -> None:
    """One line of the ledger. A torn last line (power cut) is closed first, so that it can hurt no other."""
    path = os.path.join(folder, "ledger.jsonl")
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        size = os.fstat(descriptor).st_size
        torn = size and os.pread(descriptor, 1, size - 1) != b"\n"
        line = json.dumps(event, sort_keys=True).encode("utf-8") + b"\n"
        os.write(descriptor, (b"\n" if torn else b"") + line)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read(request: Dict[str, Any]) -> Dict[str, Any]:
    """The last known good of each service: the document, or None where there is none yet."""
    found: Dict[str, Any] = {}
    for service in request["services"]:
        path = os.path.join(ROOT, service, "last-known-good.json")
        try:
            with open(path, encoding="utf-8") as file:
                found[service] = file.read(65536)
        except FileNotFoundError:
            found[service] = None
    return {"services": found, "root": os.path.isdir(ROOT) and os.access(ROOT, os.W_OK)}


def promote(request: Dict[str, Any]) -> Dict[str, Any]:
    """Write the last known good, then the ledger's line: a kill between the two loses a line, never the truth."""
    folder = _folder(request["service"])
    _replace(folder, "last-known-good.json", request["record"])
    _append(folder, request["event"])
    return {}


def note(request: Dict[str, Any]) -> Dict[str, Any]:
    """One line of the ledger, nothing else."""
    _append(_folder(request["service"]), request["event"])
    return {}


def main(request: Dict[str, Any]) -> None:
    """Answer one request: ``{"ok": ...}`` or ``{"error": text}`` on stdout, exit status 0 in both cases."""
    try:
        answer: Dict[str, Any] = {"ok": {"read": read, "promote": promote, "note": note}[request["op"]](request)}
    except (OSError, ValueError, KeyError) as error:
        answer = {"error": "%s: %s" % (type(error).__name__, error)}
    json.dump(answer, sys.stdout)
