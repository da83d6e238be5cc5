"""Who has the other end of a connection to a unit's own port: the answer is that process's, whatever it says of itself."""

from __future__ import annotations

import os
import re
import socket
import time
from typing import Any, Dict, Iterable, NamedTuple, Tuple

from voxgate.probe.accounts import caller, seeing_as
from voxgate.probe.cgroups import Cgroups, cgroup_lines, unit_of
from voxgate.probe.reading import content
from voxgate.probe.request import End
from voxgate.probe.sockets import ESTABLISHED, endpoint, socket_holders
from voxgate.probe.turns import turns

WITHIN = 5.0  # seconds for one question, as the gate's own has: slow is not silent
ALL_WITHIN = 10.0  # and for all of them: whoever takes it all leaves each other one a moment
A_MOMENT = 0.2
TOLD_WITHIN = ALL_WITHIN + 4.0  # the section, with a moment for each of twenty more
ACCEPTED_WITHIN = 1.0
PAUSE_OF_ENDS = 0.01
PAGE_AT_MOST = 1 << 16
PID_SAID = re.compile(rb'"pid"\s*:\s*([0-9]{1,10})\b')
STATUS_SAID = re.compile(rb"^HTTP/1\.[01] ([0-9]{3})\b")
ASKED_AT_MOST = 3
LOOPBACK = "127.0.0.1"


Connected = Dict[Tuple[str, str], Tuple[str, int]]


class Asked(NamedTuple):
    """A question that is begun: its connection, or why there is none."""

    end: End
    connection: socket.socket | None
    outcome: str


def ends(asked: list[End]) -> dict[str, Any]:
    """For each port of a unit: who has the other end of a connection to it, as the kernel has its sockets, and what is answered
    over that very connection; through a web server also whether a connection came to the unit's own port meanwhile. It is asked
    as the account by which the gate asks. ``turns`` are the rules that lead connections elsewhere.
    """
    until = time.monotonic() + ALL_WITHIN
    begun = [begin(end, until) for end in asked if not end.through]
    try:
        holders = accepted([one.connection for one in begun if one.connection])
        pids = {one.end: sorted(holders.get(port_of(one.connection), ())) for one in begun}
        units = {pid: unit_at(pid) for each in pids.values() for pid in each}
        rows = [{**told(one, until), "holders": [[pid, units[pid]] for pid in pids[one.end]], "reached": True} for one in begun]
    finally:
        for one in begun:
            if one.connection:
                one.connection.close()
    rows += [through(end, until) for end in asked if end.through]
    return {"ends": rows, "turns": turns()}


def unit_at(pid: int) -> str:
    """The unit that a process is in now, empty for none."""
    try:
        cgroups = Cgroups()
        return unit_of(cgroups.below_root(cgroup_lines(str(pid))).get(cgroups.hierarchy, "/"))
    except (FileNotFoundError, ProcessLookupError):
        return ""


def port_of(connection: socket.socket | None) -> int:
    """Our own port of a connection, 0 for none."""
    return int(connection.getsockname()[1]) if connection else 0


def time_left(until: float) -> float:
    """Seconds for one question, or for a part of it: a moment also where others took all there were."""
    return max(A_MOMENT, min(WITHIN, until - time.monotonic()))


def begin(end: End, until: float) -> Asked:
    """Connect, and say all of the question but its last line: whoever takes connections has this one by then, and waits."""
    with seeing_as(caller()):  # the kernel may lead an account's connections elsewhere, and those of others not
        connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        connection.bind((LOOPBACK, 0))  # a port that no other connection of this host has beside it
        connection.settimeout(time_left(until))
        connection.connect((LOOPBACK, end.through or end.port))
        connection.sendall(f"GET {end.path} HTTP/1.1\r\nHost: {LOOPBACK}\r\nConnection: close\r\n".encode())
    except OSError as error:
        connection.close()
        refused = isinstance(error, ConnectionRefusedError)
        return Asked(end, None, "refused" if refused else "timeout" if isinstance(error, socket.timeout) else "unreachable")
    return Asked(end, connection, "answered")


def told(one: Asked, until: float) -> dict[str, Any]:
    """End the question, and what of the answer is compared: its status, and the process that it says it is of."""
    outcome, said = one.outcome, b""
    if one.connection:
        end = time.monotonic() + time_left(until)
        try:
            one.connection.sendall(b"\r\n")
            while len(said) < PAGE_AT_MOST:
                one.connection.settimeout(max(0.001, end - time.monotonic()))
                if time.monotonic() > end:
                    raise TimeoutError
                piece = one.connection.recv(PAGE_AT_MOST)
                if not piece:
                    break
                said += piece
        except OSError:
            outcome = "silent"
    status, pid = STATUS_SAID.search(said), PID_SAID.search(said)
    if not status and outcome == "answered":
        outcome = "silent"
    return {
        "unit": one.end.unit, "port": one.end.port, "through": one.end.through, "outcome": outcome,
        "status": int(status[1]) if status else 0, "pid": int(pid[1]) if pid else 0,
    }  # fmt: skip


def accepted(connections: Iterable[socket.socket]) -> dict[int, set[int]]:
    """All who have the other ends, by our own ports: nobody, where no process of this host has. A connection may wait a moment
    until it is accepted.
    """
    ports = {port_of(one) for one in connections}
    until = time.monotonic() + ACCEPTED_WITHIN
    inodes: dict[int, str] = {}
    while ports:
        inodes = {far: inode for _, far, state, inode in rows_to(ports) if state == ESTABLISHED}
        if time.monotonic() > until or (inodes.keys() == ports and "0" not in inodes.values()):
            break
        time.sleep(PAUSE_OF_ENDS)
    # Of all that are there by now: another may have it beside the unit's, and answer.
    holders = socket_holders() if inodes else {}
    return {port: holders.get(inode, set()) for port, inode in inodes.items() if inode != "0"}


def rows_to(ports: set[int]) -> list[tuple[int, int, str, str]]:
    """The rows of TCP whose other end is one of these ports of ours: of each its own port, that one, its state and its inode. A
    connection from elsewhere may come from a port of the same number.
    """
    ended = {f":{port:04X}" for port in ports}
    found = []
    for path in ("/proc/self/net/tcp", "/proc/self/net/tcp6"):
        if not os.path.exists(path):
            continue
        for line in content(path).decode("ascii", "replace").splitlines()[1:]:
            row = line.split()
            if row[2][-5:] in ended and endpoint(row[2])[0] == LOOPBACK:
                found.append((endpoint(row[1])[1], int(row[2][-4:], 16), row[3], row[9]))
    return found


def through(end: End, until: float) -> dict[str, Any]:
    """Ask a web server for a page of a unit's, and see whether a connection to the unit comes of it. One that the web server
    keeps open is one. What others ask at this moment cannot be told from what we ask. Where none is seen it is asked again: the
    kernel tells its connections one after the other, and one that comes meanwhile may be left out.
    """
    for _ in range(ASKED_AT_MOST):
        before = connected_to(end.port)
        asked = begin(end, until)
        row = told(asked, until)
        if asked.connection:
            asked.connection.close()
        reached = came_since(before, connected_to(end.port))
        if reached or row["outcome"] != "answered" or time.monotonic() > until:
            break
    return {**row, "holders": [], "reached": reached}


def came_since(before: Connected, after: Connected) -> bool:
    """True where one is there that was not, that is open, or that has ended again: the kernel takes the ports of one that has
    ended for the next between the same two, and then its wait begins anew.
    """
    return any(pair not in before or state == ESTABLISHED or wait > before[pair][1] for pair, (state, wait) in after.items())


def connected_to(port: int) -> Connected:
    """All connections that this host has with a port of it, from either side, those that have just ended too: their states, and
    for how long the kernel still waits with each.
    """
    found = {}
    mark = f":{port:04X}"
    for path in ("/proc/self/net/tcp", "/proc/self/net/tcp6"):
        if not os.path.exists(path):
            continue
        for line in content(path).decode("ascii", "replace").splitlines()[1:]:
            row = line.split()
            if (row[1][-5:] == mark or row[2][-5:] == mark) and row[3] != "0A":
                found[(row[1], row[2])] = (row[3], int(row[5].partition(":")[2], 16))
    return found
