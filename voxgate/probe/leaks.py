"""Where a secret stands that others can read."""

from __future__ import annotations

import os
import re
import signal
import stat
import subprocess
import time
from contextlib import suppress
from typing import IO, Any, Callable

from voxgate.probe.accounts import NOBODY, as_caller, caller, uid_of
from voxgate.probe.base import BYTES_AT_MOST, PATH, SHOWN, SMALL_FILE, Job, Trouble
from voxgate.probe.cache import HashCache
from voxgate.probe.checkouts import outside_of
from voxgate.probe.env_files import Env
from voxgate.probe.folder import Folder
from voxgate.probe.open_files import search_open
from voxgate.probe.programs import STARTED
from voxgate.probe.request import ENV, ENVS_AT_MOST, Service, by_env
from voxgate.probe.secret_values import telling
from voxgate.probe.systemctl import said
from voxgate.probe.turn import aside
from voxgate.probe.words import is_callers, runs_in

JOURNAL_BYTES = 64 * 1024 * 1024  # in one look
JOURNAL_STEP = 6 * 3600.0  # seconds of it that are noted as searched at once
JOURNAL_OVERLAP = 60.0  # what was written a little late
CLOCK_WAS_SET = 30.0  # seconds: of a clock that was set back some hour comes twice
SECRET_AT_MOST = 4096
SECRETS_AT_MOST = 1000  # each is looked for at each letter


def leaks(
    service: Service, services: list[Service], found: Job, known: Job, spoken: Job, public: Job | None = None
) -> dict[str, Any]:  # fmt: skip
    """The same as ``leaks_of``, of all files that the service's settings stand in."""
    told = [leaks_of(one, services, found, known, spoken, public) for one in by_env(service)]
    hits = {tuple(hit) for one in told for hit in one["found"]}
    return {
        "compared": sorted({key for one in told for key in one["compared"]}),
        "lines": sum(one["lines"] for one in told),
        "since": max((one["since"] for one in told), default=0.0),
        "found": [list(hit) for hit in sorted(hits)][:SHOWN],
    }


def leaks_of(
    service: Service, services: list[Service], found: Job, known: Job, spoken: Job, public: Job | None = None
) -> dict[str, Any]:  # fmt: skip
    """Where a secret of the service's ``.env`` stands that all can read: by the name of its key, never its value. Files are
    searched as the account that asks: of one that it may not read itself, nobody's guess is confirmed to it. ``public`` are
    those of ``open_files``.
    """
    with Folder(service.folder) as root:
        env = Env(root, service.envs[0])
    keys: dict[bytes, str] = {}
    for key, value in env.settings().items():
        keys.update({word.encode(errors="surrogateescape"): env.told(key) for word in telling(value, key)})
    if not keys:
        return {"compared": [], "lines": 0, "since": 0.0, "found": []}
    if len(keys) > SECRETS_AT_MOST:
        raise Trouble("failed", f"{env.path}: over {SECRETS_AT_MOST} secrets")
    pattern = re.compile(b"|".join(map(re.escape, sorted(keys, key=len, reverse=True))))
    hits: set[tuple[str, str]] = set()

    def search(content: bytes, where: str) -> bool:
        new = {(keys[match], where) for match in set(pattern.findall(content))}
        hits.update(new)
        return bool(new)

    for row in found.value():
        words = " ".join(row["argv"]).encode(errors="surrogateescape")
        search(words, f"the arguments of process {row['pid']} ({row['command']})")
    for unit, text in known.value().items():
        search(text.encode(errors="surrogateescape"), f"Environment= of {unit}")
    lines = journal(
        service, env, spoken.value(), lambda content: search(content, "the journal since its start"), lambda: not hits
    )
    as_caller(lambda: search_files(service, services, search))
    if public is not None:
        whole = guesses(service, env, spoken.value()) is None
        search_open(public.value(), service, env.mark(), search, as_root=whole)
    return {
        "compared": sorted(set(keys.values())),
        "lines": lines,
        "since": 0.0 if lines else oldest_entry(),
        "found": [list(hit) for hit in sorted(hits)][:SHOWN],
    }


def oldest_entry() -> float:
    """When the oldest entry of the journal was written, epoch seconds; 0 where there is none at all. Old files are rotated away:
    what a service said before is not there any more, and that is no silence.
    """
    first = said("journalctl", "--quiet", "--no-pager", "--output=json", "--output-fields=PRIORITY", "--lines=+1")
    found = re.search(r'"__REALTIME_TIMESTAMP" ?: ?"([0-9]{1,18})"', first)
    return int(found[1]) / 1e6 if found else 0.0


def search_files(service: Service, services: list[Service], search: Callable[[bytes, str], object]) -> None:
    """Give what lies in the service's tree, and what the sites of this host show, to ``search``."""
    with Folder(service.folder) as root:
        read_all(root, outside_of(service), "", search)
    for other in services:
        if other.kind == "static":
            with Folder(other.folder) as root:
                if root.stat("builds") is not None:
                    with Folder("builds", root) as builds:
                        read_all(builds, lambda _prefix, _name, _is_folder: False, f"{other.folder}/builds/", search)


def journal(
    service: Service, env: Env, spoken: dict[str, Any], search: Callable[[bytes], object], clean: Callable[[], bool]
) -> int:
    """Give all that anybody wrote into the journal since the service was started to ``search``; how many lines its own units
    wrote of late. As root it is noted from when to when nothing was found, and in what, for as long as ``.env`` is the same and
    nobody sets the clock, so that each part is read once. Where the account that asks could have written ``.env`` itself, or put
    another account's file in its place, only what its own units wrote is searched: else it could guess at what root reads, letter
    by letter.
    """
    shown = [spoken[name]["properties"] for name in service.units if name in spoken]
    starts = [
        int(row["ExecMainStartTimestampMonotonic"]) for row in shown if row.get("ExecMainStartTimestampMonotonic", "0") != "0"
    ]
    runs = sorted(f"_SYSTEMD_INVOCATION_ID={row['InvocationID']}" for row in shown if row.get("InvocationID"))
    if not starts or not runs:
        return 0
    now = time.time()
    only = guesses(service, env, spoken)
    booted = now - time.clock_gettime(time.CLOCK_MONOTONIC)
    since = booted + min(starts) / 1e6 - 1
    note, mark = HashCache("journal", service), [*env.mark(), *sorted(only or ["all"])]
    key = " ".join(["searched", *(name for name in service.envs if name != ENV)])
    row = note.kept.get(key)
    by_clock, first, done = row[-3:] if isinstance(row, list) and row[:-3] == mark else (booted, now, 0.0)
    # How long ago the boot was moves with the clock: by less than a start is searched before itself.
    if not first - 1 <= since <= done or abs(booted - by_clock) > CLOCK_WAS_SET:
        # Another start was asked for, there is a gap, or what is called by those hours is not what was: nothing of it is known.
        first = done = since
    at, left = min(max(since, done - JOURNAL_OVERLAP), now), JOURNAL_BYTES
    while at < now and only != []:
        upto = min(at + JOURNAL_STEP, now)
        left = journal_between(at, upto, left, search, only)
        if clean():
            note.seen = {**others_of(note, key), key: [*mark, booted, first, upto]}
            note.keep()
        at = upto
    return said("journalctl", "--quiet", "--no-pager", "--output=cat", "--lines=20", *runs).count("\n")


def others_of(note: HashCache, key: str) -> dict[str, Any]:
    """What is noted of the service's other files, of which there are only so many."""
    return {name: row for name, row in [*note.kept.items()][:ENVS_AT_MOST] if name not in {key, "searched"}}


def guesses(service: Service, env: Env, spoken: dict[str, Any]) -> list[str] | None:
    """None where all of the journal may be searched for what stands in a service's ``.env``: root or the service's own account
    has written it, and the account that asks cannot. Else the units whose journal may be: what any other account wrote may be
    moved here, and then it is whoever moved it who guesses.
    """
    uid = caller()
    if os.geteuid() != 0 or uid == 0:
        return None
    if env.found.st_uid in {0, *accounts_that_run(service, spoken)} and not env.written_by(uid):
        return None
    return [
        f"--unit={name}"
        for name in service.units
        if name in spoken and is_callers(spoken[name]["properties"], service.folder, uid)
    ]


def accounts_that_run(service: Service, spoken: dict[str, Any]) -> set[int]:
    """Who runs a service, by systemd's own word. A request may name any unit for the service's: only one that runs what stands
    in the folder, or has its variables of the ``.env`` there, has a say. Nobody has none: anything may run as nobody.
    """
    files = re.compile(rf"^{re.escape(service.folder)}/\.env(?:\.[A-Za-z0-9_-]+)? \(", re.MULTILINE)
    rows = [spoken[name]["properties"] for name in service.units if name in spoken]
    users = {row.get("User", "") for row in rows if runs_in(row, service.folder) or files.search(row.get("EnvironmentFiles", ""))}
    return {uid_of(user) for user in users if user} - {NOBODY}


def journal_between(at: float, upto: float, left: int, search: Callable[[bytes], object], only: list[str] | None = None) -> int:
    """Read one part of the journal, at most so many bytes; how many are left then. Raises Trouble if it is longer."""
    span = (f"--since=@{at:.6f}", f"--until=@{upto + 1:.6f}")
    reader = subprocess.Popen(
        ["journalctl", "--quiet", "--no-pager", "--output=cat", *span, *(only or ())],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True,
        env={"PATH": PATH, "LC_ALL": "C.UTF-8", "SYSTEMD_PAGER": "", "SYSTEMD_COLORS": "0"},
    )  # fmt: skip
    STARTED.append(reader)
    rest, stream = b"", reader.stdout
    while stream is not None and (piece := read_of(stream)):
        search(rest + piece)
        rest, left = piece[-SECRET_AT_MOST:], left - len(piece)
        if left < 0:
            os.killpg(reader.pid, signal.SIGKILL)
            reader.wait()
            day = time.strftime("%Y-%m-%d %H:%M", time.gmtime(at))
            raise Trouble("failed", f"the journal since {day} UTC is over {JOURNAL_BYTES} bytes: it was not searched to its end")
    with aside():
        reader.wait()
    if reader.returncode != 0:
        raise Trouble("failed", f"journalctl ended with {reader.returncode}")
    return left


def read_of(stream: IO[bytes]) -> bytes:
    """A piece of what a program writes."""
    with aside():
        return stream.read(1 << 20)


def read_all(
    folder: Folder, left_out: Callable[[str, str, bool], bool], where: str, search: Callable[[bytes, str], object]
) -> None:
    """Give the content of each small regular file below to ``search``, of those that may be read."""
    total = 0
    for below, name, path in folder.walk(left_out, denied=lambda *_: None):
        try:
            row = os.stat(name, dir_fd=below.fd, follow_symlinks=False)
        except PermissionError:
            continue
        if stat.S_ISREG(row.st_mode) and row.st_size <= SMALL_FILE:
            total += row.st_size
            if total > BYTES_AT_MOST:
                raise Trouble("failed", f"{folder.path}: over {BYTES_AT_MOST} bytes")
            with suppress(PermissionError), below.open(name) as file:
                search(file.read(SMALL_FILE), where + path)
