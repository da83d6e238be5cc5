"""What a look reads of the gate's own state: nothing is judged, nothing changed."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Any, Dict, List, Set

from voxgate.deploy.on_host.files import DONE, ROOT, done_of, text_of, text_of_host
from voxgate.deploy.on_host.journal import boot_id
from voxgate.deploy.on_host.ledger import last_lines


def git_locks(folder: str) -> List[str]:
    """Lock files that a killed git left in a checkout; empty while a git of ours still works there."""
    found = []
    for top, _, names in os.walk(os.path.join(folder, ".git")):
        found += [os.path.join(top, name) for name in names if name.endswith(".lock")]
    for pid in [name for name in os.listdir("/proc") if name.isdigit()] if found else []:
        with suppress(OSError), open("/proc/%s/comm" % pid, "rb") as file:  # a name may be of any bytes
            if file.read().startswith(b"git") and os.readlink("/proc/%s/cwd" % pid).startswith(folder):
                return []
    return found


def held_locks() -> Set[str]:
    """The locks below our root that somebody holds: as the kernel says of the files that processes of this account have open.
    Nobody asks by trying: whoever holds a lock to see if it is free is in the way of the gate that claims it then.
    """
    held, root = set(), os.path.realpath(ROOT) + os.sep
    for pid in [name for name in os.listdir("/proc") if name.isdigit()]:
        folder = "/proc/%s" % pid
        try:
            numbers = os.listdir(folder + "/fd") if os.stat(folder).st_uid == os.geteuid() else []
        except OSError:
            continue
        for number in numbers:
            with suppress(OSError):  # closed by now
                path = os.readlink("%s/fd/%s" % (folder, number))
                if path.startswith(root) and path.endswith(".lock"):
                    with open("%s/fdinfo/%s" % (folder, number), encoding="ascii") as file:
                        if any(line.startswith("lock:") and " FLOCK " in line and " WRITE " in line for line in file):
                            held.add(path[len(root) :])
    return held


def read(request: Dict[str, Any]) -> Dict[str, Any]:
    """What is written about each service (a map of name to checkout folder), nothing judged, nothing changed. ``held``: a gate
    has it, or a step still runs that a gate began. ``done``: what of this host was seen at the last done, where it is asked for;
    ``others``: the same of the hosts that are asked for by name, as far as it is kept here.
    """
    found: Dict[str, Any] = {}
    held = held_locks()
    for service, checkout in request["services"].items():
        folder = os.path.join(ROOT, service)
        found[service] = {
            "good": text_of(folder, "last-known-good.json"),
            "journal": text_of(folder, "journal.json"),
            "put_back": text_of(folder, "put-back.json"),
            "owner": text_of(folder, "owner.lock"),
            "held": bool(held & {service + "/owner.lock", service + "/step.lock"}),
            "ledger": last_lines(folder, request["ledger"]) if request.get("ledger") else [],
            "git_locks": git_locks(checkout),
        }
    done = text_of_host(DONE) if request.get("done") else None
    others = {host: text_of_host(done_of(host)) for host in request.get("others", ())}
    return {"services": found, "boot": boot_id(), "writable": os.access(ROOT, os.W_OK), "done": done, "others": others}
