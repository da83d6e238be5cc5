"""HAProxy, and its servers as it says itself."""

from __future__ import annotations

import csv
import os
import re
import socket
from typing import Any, Iterator

from voxgate.probe.base import Job, Trouble
from voxgate.probe.believing import believed, called, loose_files, words_now
from voxgate.probe.lost import resent
from voxgate.probe.made_of import files_told
from voxgate.probe.text import files_in, lines_of
from voxgate.probe.turn import aside
from voxgate.probe.unix_sockets import answer_of, listener_of

HAPROXY_SECTIONS = {
    "global", "defaults", "frontend", "backend", "listen", "peers", "resolvers", "userlist", "mailers", "cache", "program",
    "ring", "http-errors", "log-forward", "log-profile", "fcgi-app", "crt-store", "traces", "acme",
}  # fmt: skip


def haproxy(found: Job) -> dict[str, Any]:
    """Whether HAProxy runs, and each server of it as it says itself, by its socket. ``doubts`` are what calls itself HAProxy and
    is not, files of its configuration that not only root can change, and a socket on which another listens: nothing is taken
    from there.
    """
    rows = called("haproxy", found)
    masters, doubts = believed("haproxy", rows)
    files = list(dict.fromkeys(path for row in masters for path in haproxy_files(words_now(row))))
    loose = loose_files("HAProxy", files)
    nothing = {
        "running": bool(masters), "started": 0.0, "changed": 0.0, "servers": [], "led_to": [], "made_of": None,
        "doubts": doubts + loose,
    }  # fmt: skip
    if not masters or loose:
        return nothing
    text = "\n".join(line for file in files if not os.path.isdir(file) for line in lines_of(file))
    sockets_said = re.findall(r"^[ \t]*stats[ \t]+socket[ \t]+(/\S+)", text, re.MULTILINE)
    if not sockets_said:
        raise Trouble("missing", "HAProxy has no stats socket on a path: it cannot be asked")
    mine = {row["pid"] for row in masters}
    mine |= {row["pid"] for row in rows if row["ppid"] in mine}
    answer = haproxy_says(sockets_said[0], mine)
    if answer is None:
        return {**nothing, "doubts": [*doubts, f"{sockets_said[0]} is listened on by something that is not HAProxy"]}
    table = list(csv.DictReader(answer.removeprefix("# ").split("\n")))
    if not table or "svname" not in table[0]:
        raise Trouble("unparsable", "HAProxy's answer to `show stat` is no table")
    servers = [row for row in table if row["svname"] not in {"FRONTEND", "BACKEND"}]
    sent = resent(list(dict.fromkeys(haproxy_place(row) for row in servers if row.get("check_status"))))
    return {
        "running": True,
        "started": max(row["started"] for row in rows if row["pid"] in mine),
        "changed": max((os.stat(path).st_ctime for path in files if os.path.exists(path)), default=0.0),
        "servers": [
            {"backend": row["pxname"], "name": row["svname"], "address": row.get("addr") or "", "status": row["status"] or "",
             "checked": bool(row.get("check_status")),
                "weight": int(row["weight"]) if (row.get("weight") or "").isdigit() and row.get("act") == "1" else 0,
                "sent": list(sent.get(haproxy_place(row), (0, 0)))}
            for row in servers
        ],
        "led_to": haproxy_led_to(text),
        "made_of": files_told(files),
        "doubts": doubts,
    }  # fmt: skip


def haproxy_place(row: dict[str, str]) -> tuple[str, int]:
    """The address and port of a server; port 0 where it has none."""
    address, _, port = (row.get("addr") or "").rpartition(":")
    return address.strip("[]"), int(port) if re.fullmatch("[0-9]{1,5}", port) else 0


def haproxy_led_to(text: str) -> list[str]:
    """The backends that calls are led to: each that a frontend names which takes connections, and what takes them itself; ``*``
    where a name is made up for each request. Conditions are not weighed.
    """
    found: set[str] = set()
    kind, takes = "", False
    usual: list[str] = []  # what the defaults before a section say
    named: list[str] = []
    for row in [*(line.split() for line in text.split("\n")), ["global"]]:
        if row[:1] and row[0] in HAPROXY_SECTIONS:
            found.update([*named, *usual] if takes else [])
            kind, takes = row[0], False
            named = row[1:2] if kind == "listen" else []
            usual = [] if kind == "defaults" else usual
        elif row[:1] == ["bind"]:
            takes = kind in {"frontend", "listen"}
        elif row[:1] in (["default_backend"], ["use_backend"]) and len(row) > 1:
            name = row[1].strip("\"'")
            (usual if kind == "defaults" else named).append("*" if set("%$") & set(name) else name)
    return sorted(found)


def haproxy_files(words_said: list[str]) -> Iterator[str]:
    """The files that a HAProxy was told to read, and the folders that it was told to look into."""
    configs = [words_said[at + 1] for at, word in enumerate(words_said[:-1]) if word == "-f"] or ["/etc/haproxy/haproxy.cfg"]
    for path in configs:
        if not path.startswith("/"):
            raise Trouble("unparsable", "HAProxy was started with a file (-f) that has no whole path")
        yield path
        if os.path.isdir(path):
            yield from files_in(path)


def haproxy_says(path: str, mine: set[int]) -> str | None:
    """HAProxy's answer to `show stat`; None where the socket is another's."""
    with aside(), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(4.0)
        try:
            connection.connect(path)
        except OSError as error:
            raise Trouble("denied" if isinstance(error, PermissionError) else "failed", f"{path}: {error.strerror}") from None
        if listener_of(connection) not in mine:
            return None
        connection.sendall(b"show stat\n")
        try:
            return answer_of(connection).decode(errors="replace")
        except ValueError:
            raise Trouble("failed", f"{path}: too long an answer, or too slow") from None
