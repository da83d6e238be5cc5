"""One look: all sections at once, cut, printed."""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import socket
import sys
import threading
import time
from functools import partial
from typing import Any, Callable

from voxgate.probe.base import ALARM, DEADLINE, FORMAT, REQUEST, UV_DEADLINE, Job, Trouble, guarded
from voxgate.probe.boot import boot
from voxgate.probe.cache import prune
from voxgate.probe.checkouts import checkout
from voxgate.probe.clock import clock
from voxgate.probe.copies import SEARCH, accounts_of, copies
from voxgate.probe.dists import dist
from voxgate.probe.ends import TOLD_WITHIN, ends
from voxgate.probe.engines import engines
from voxgate.probe.env_files import env_file
from voxgate.probe.haproxy import haproxy
from voxgate.probe.javascript import javascript
from voxgate.probe.jobs import asked_soon, jobs
from voxgate.probe.keys import keys
from voxgate.probe.leaks import SECRETS_AT_MOST, leaks
from voxgate.probe.limits import ASKING, LEFT, LOCK_DEADLINE, alone, counted, limit_ourselves, supervised
from voxgate.probe.nginx import nginx
from voxgate.probe.open_files import open_files
from voxgate.probe.packages import packages
from voxgate.probe.places import FOLDERS
from voxgate.probe.processes import SUPERVISOR, processes
from voxgate.probe.raised import raised
from voxgate.probe.reading import link_of
from voxgate.probe.redaction import Cutter, names_in_use, secrets
from voxgate.probe.request import End, Service, asked_for, by_env, ends_of, only_of, services_of, stores_of, told_as, watched
from voxgate.probe.room import room
from voxgate.probe.roots_runs import open_to_services
from voxgate.probe.runtimes import runtime
from voxgate.probe.secret_files import secret_files
from voxgate.probe.signing import framed
from voxgate.probe.sockets import sockets
from voxgate.probe.stores import stores
from voxgate.probe.sudo import sudo
from voxgate.probe.systemctl import Shown, environments
from voxgate.probe.unit_folders import OnDisk
from voxgate.probe.units import units
from voxgate.probe.venvs import venv
from voxgate.probe.words import words

SECTIONS = (
    "units", "processes", "sockets", "engines", "checkouts", "venvs", "env_files", "dists", "packages", "leaks", "runtimes",
    "stores", "copies", "jobs", "boot", "nginx", "haproxy", "room", "clock", "sudo", "keys", "javascript",
    "secret_files", "ends",
)  # fmt: skip
LATER = {"seconds": 0.0, "error": {"kind": "missing", "text": "not part of a brief look"}}


def brief_look(services: list[Service], folders: frozenset[str] = frozenset()) -> dict[str, Any]:
    """What moves, at once; every other section says that it was not asked for."""
    found = Job(partial(processes, folders))
    begun = {"units": Job(partial(units, services, Job(OnDisk), Shown())), "processes": found, "sockets": Job(sockets)}
    begun["engines"] = Job(lambda: engines(found))
    told = {name: {**job.result(), "seconds": round(job.seconds, 4)} for name, job in begun.items()}
    return {**dict.fromkeys(SECTIONS, LATER), **told}


def not_asked() -> None:
    """Stands for what a look at some services leaves out."""
    raise Trouble("missing", "not asked for: this look is at other services")


def look(
    services: list[Service],
    only: frozenset[str] | None = None,
    stores_here: list[str] | None = None,
    folders: frozenset[str] = frozenset(),
    asked: list[End] | None = None,
) -> dict[str, Any]:
    """All sections at once; ``only`` as in ``only_of``, ``stores_here`` the units of the stores on this host, ``folders`` as in
    ``watched``, ``asked`` as in ``ends_of``.
    """
    stores_here = stores_here or []

    def each(function: Callable[[Service], Any], kinds: str, deadline: float = DEADLINE) -> dict[str, Job]:
        return {
            row.name: Job(partial(function, row) if only is None or row.name in only else not_asked, deadline)
            for row in services
            if row.kind in kinds
        }

    def of_host(function: Callable[[], Any], deadline: float = DEADLINE) -> Job:
        return Job(function if only is None else not_asked, deadline)

    disk = Job(OnDisk)
    shown = Shown(partial(asked_soon, disk)) if only is None else Shown()
    whole: dict[str, Job] = {"units": Job(partial(units, services, disk, shown))}
    parts = {"venvs": each(venv, "python", UV_DEADLINE)}
    found = whole["processes"] = Job(partial(processes, folders))
    parts["checkouts"] = each(checkout, "python static")
    whole["sockets"] = Job(sockets)
    whole["engines"] = Job(lambda: engines(found))
    parts["env_files"] = {
        told_as(one): Job(partial(env_file, one) if only is None or row.name in only else not_asked, DEADLINE)
        for row in services
        if row.kind in "python"
        for one in by_env(row)
    }
    parts["dists"] = each(dist, "static")
    parts["packages"] = each(packages, "python", UV_DEADLINE)
    spoken, known = whole["units"], Job(partial(environments, shown, whole["units"]))
    public = Job(partial(open_files, services), UV_DEADLINE)  # as those that wait for it
    parts["leaks"] = each(lambda row: leaks(row, services, found, known, spoken, public), "python", UV_DEADLINE)
    parts["runtimes"] = each(lambda row: runtime(row, found, spoken), "python")
    parts["stores"] = each(lambda row: stores(row, found, whole["sockets"]), "python")
    whole["copies"] = of_host(lambda: copies(services, accounts_of(stores_here, services, found)), SEARCH + 2)
    by_root: set[str] = set()
    whole["jobs"] = of_host(partial(jobs, services, disk, shown, by_root))
    whole["boot"] = Job(partial(boot, by_root, frozenset(unit for row in services for unit in row.units)))
    whole["nginx"] = Job(partial(nginx, found))
    whole["haproxy"] = Job(partial(haproxy, found))
    whole["secret_files"] = of_host(partial(secret_files, found))
    ours = frozenset([*stores_here, *(unit for row in services for unit in row.units)])
    whole["room"] = of_host(partial(room, ours, found, [row.folder for row in services]))
    whole["clock"] = Job(partial(clock, found))
    whole["javascript"] = Job(partial(javascript, found))
    given = of_host(partial(raised, services, found))
    # These two wait for jobs, and where systemd hangs those have all of their own time: they are told without them.
    loose = of_host(partial(open_to_services, services, by_root, (whole["jobs"], whole["boot"])), UV_DEADLINE)
    whole["sudo"] = of_host(partial(sudo, services, found, whole["jobs"], given, loose), UV_DEADLINE)
    whole["keys"] = of_host(partial(keys, found, spoken))
    sections: dict[str, Any] = {}
    for name, job in whole.items():
        outcome = job.result()
        sections[name] = {"seconds": round(job.seconds, 4), **outcome}
    for name, begun in parts.items():
        value = {service: job.result() for service, job in begun.items()}
        sections[name] = {"seconds": round(max((job.seconds for job in begun.values()), default=0.0), 4), "value": value}
    # Last: the gate asks for the same pages while the rest is looked at, and a connection that it has made is none of ours.
    last = Job(partial(ends, asked or []), TOLD_WITHIN)
    outcome = last.result()
    sections["ends"] = {"seconds": round(last.seconds, 4), **outcome}
    return sections


def host() -> dict[str, Any]:
    """Which machine this is, which boot of it, and its clock. None for what cannot be read."""

    def first_word(path: str) -> str | None:
        try:
            with open(path, encoding="ascii") as file:
                return file.read(100).split()[0]
        except (OSError, ValueError, IndexError):
            return None

    uptime = first_word("/proc/uptime")
    return {
        "hostname": socket.gethostname(),
        "boot_id": first_word("/proc/sys/kernel/random/boot_id"),
        "time": time.time(),
        "uptime": float(uptime) if uptime else None,
    }


def program() -> bytes:
    """This very program: handed over by whoever runs it from memory, else its own file."""
    given = globals().get("PROGRAM")
    if isinstance(given, bytes):
        return given
    with open(__file__, "rb") as file:
        return file.read()


def main(folders: re.Pattern[str] = FOLDERS) -> int:
    """Read the request, look, print. Exit status 0 for a document with facts, 2 for one with an error instead."""
    limit_ourselves()
    spent = time.process_time()  # to start at all
    return supervised(partial(answer, folders, spent), ALARM + round(LOCK_DEADLINE + ASKING + LEFT))


def answer(folders: re.Pattern[str], spent: float) -> int:
    """The same, in the process that may end at any time."""
    SUPERVISOR.append(os.getppid())  # whoever lists processes leaves it out
    signal.alarm(ALARM)
    came = time.monotonic()
    place = guarded(alone)  # before a word is read: else any number of us would wait for theirs
    began = time.monotonic()
    held, counts = place.get("value"), {} if "error" in place else guarded(counted)
    place = {**place, **counts}
    told = Job(lambda: sys.stdin.buffer.read(REQUEST + 1), ASKING).result()
    request: bytes = told.get("value", b"")
    asked = guarded(lambda: services_of(request, folders)) if "value" in told else told
    if told.get("error", {}).get("kind") == "timeout":
        asked = {"error": {"kind": "timeout", "text": f"request refused: it had no end after {ASKING:.0f} s"}}
    if "error" not in asked and "error" in place:
        asked = place
    document: dict[str, Any] = {"format": FORMAT}
    if "error" not in asked:
        signal.alarm(ALARM)
        told = guarded(lambda: told_of(asked["value"], request))
        asked = told if "error" in told else asked
        document = {**document, **told.get("value", {})}
    if "error" in asked:
        document["error"] = asked["error"]
    times = os.times()
    document["probe"] = {
        "sha256": hashlib.sha256(program()).hexdigest(),
        "request": hashlib.sha256(request).hexdigest(),
        "pid": os.getpid(),
        "uid": os.geteuid(),
        "python": ".".join(map(str, sys.version_info[:3])),
        "seconds": round(time.monotonic() - began, 4),
        "waited": round(began - came, 4),
        "cpu_seconds": round(spent + times.user + times.system + times.children_user + times.children_system, 4),
    }
    prune()
    printed = framed(request, json.dumps(document, separators=(",", ":")).encode())
    if held is not None:
        os.close(held)  # nobody waits for whoever does not read
    if counts.get("value") is not None and can_be_ended(sys.stdout.fileno()):
        os.close(counts["value"])  # nothing of it hangs
    sys.stdout.buffer.write(printed)
    sys.stdout.flush()
    return 2 if "error" in asked else 0


def can_be_ended(out: int) -> bool:
    """False where a part of the look still hangs in the kernel, or where to write to ``out`` may: to a file, which may lie on one
    of the caller's own file systems. Who does not read a pipe or a socket hangs nobody.
    """
    return (link_of(f"/proc/self/fd/{out}") or "").startswith(("pipe:", "socket:")) and not any(
        isinstance(one, Job) for one in threading.enumerate()
    )


def told_of(services: list[Service], request: bytes) -> dict[str, Any]:
    """What is asked for, with no secret in it. Raises Trouble where it cannot be told without."""
    asked_to = asked_for(request)
    document: dict[str, Any] = {"host": host()}
    if asked_to == "words":
        document["words"] = words(services)
    elif asked_to == "brief":
        document["sections"] = brief_look(services, watched(request))
    else:
        document["sections"] = look(services, only_of(request), stores_of(request), watched(request), ends_of(request))
    found = secrets(services, request.decode())
    if len(found) > SECRETS_AT_MOST:
        raise Trouble("failed", f"over {SECRETS_AT_MOST} secrets in .env files: what holds them cannot be cut")
    cut: dict[str, Any] = Cutter(found, names_in_use(document, services)).clean(document)
    return cut
