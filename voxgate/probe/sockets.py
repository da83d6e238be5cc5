"""Listeners, datagrams and connections, with the processes that have them open."""

from __future__ import annotations

import os
import re
import socket
import struct
from contextlib import suppress
from itertools import islice
from typing import Any

from voxgate.probe.base import Trouble
from voxgate.probe.mounts import unhidden
from voxgate.probe.process_files import has_ended, living, threads_with_files_of_their_own
from voxgate.probe.reading import content, link_of, rows_of

PROTOCOLS = ("tcp", "udp", "udplite")  # any account may open a door of each
ESTABLISHED, LISTEN = "01", "0A"
OPEN_AT_MOST = 500_000  # files that all processes have open
LOCAL_ADDRESS = re.compile(r"\|-- ([\d.]+)\n\s+/32 host LOCAL")


def sockets() -> dict[str, Any]:
    """Listening and established TCP sockets, and sockets of UDP and UDP-Lite without a peer with the account that opened them; of
    each the processes that have it open, denied if those cannot be read. Listeners and such sockets of every network namespace
    that a process is in, ``apart`` where it is not the host's own, and the processes there; the host's own addresses, and the
    ports that the kernel picks for clients.
    """
    own, others = network_namespaces()
    # First the tables, then who holds them: a socket made in between would else seem to be nobody's.
    tables = [(protocol, row, False) for protocol in PROTOCOLS for row in socket_rows(own, protocol)]
    for pids in others.values():
        tables += [(protocol, row, True) for protocol in PROTOCOLS for row in rows_of_any(pids, protocol)]
    holders = socket_holders()
    listeners, datagrams, connections = [], [], []
    for protocol, row, apart in tables:
        address, port = endpoint(row[1])
        far, far_port = endpoint(row[2])
        local = {"address": address, "port": port, "pids": sorted(holders.get(row[9], ()))}
        bound = {**local, "remote_address": None, "remote_port": None, "apart": apart}
        if protocol.startswith("udp") and far_port == 0:
            datagrams.append({**bound, "uid": int(row[7])})
        elif protocol == "tcp" and row[3] == LISTEN:
            listeners.append(bound)
        elif protocol == "tcp" and row[3] == ESTABLISHED and not apart:
            connections.append({**local, "remote_address": far, "remote_port": far_port, "apart": False})
    with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as file:
        first, last = map(int, file.read().split())
    return {
        "listeners": listeners, "datagrams": datagrams, "connections": connections, "addresses": own_addresses(),
        "ephemeral": [first, last], "apart": sorted(pid for pids in others.values() for pid in pids),
    }  # fmt: skip


def network_namespaces() -> tuple[str, dict[str, list[int]]]:
    """The /proc folder of the host's own network, which is ours and process 1's, and the processes in each other network."""
    own = os.readlink("/proc/self/ns/net")
    others: dict[str, list[int]] = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            name = link_of(f"/proc/{pid}/ns/net") or os.readlink(f"/proc/{living(pid)}/ns/net")
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended while we looked
        except PermissionError:
            if pid != "1" and not has_ended(pid):  # where the host is a container, not even its root may look at what started it
                raise
            continue
        if name != own:
            others.setdefault(name, []).append(int(pid))
    if 1 in {pid for pids in others.values() for pid in pids}:
        raise Trouble("failed", "the probe does not run in the host's own network")
    return "/proc/self", others


def socket_rows(folder: str, protocol: str) -> list[list[str]]:
    """The rows of the kernel's tables of a protocol, IPv4 and IPv6, as the network of a process has them; of TCP those that
    listen or are connected.
    """
    rows: list[list[str]] = []
    for path in (f"{folder}/net/{protocol}", f"{folder}/net/{protocol}6"):
        if "/udplite" in path and not is_spoken(path):
            continue
        if path.endswith(("/tcp", "/udp")) or os.path.exists(path):  # a kernel may be without IPv6, or UDP-Lite
            listed = rows_of(path)
            next(listed, None)  # the names of the columns
            rows += [row for row in map(str.split, listed) if protocol != "tcp" or row[3] in {LISTEN, ESTABLISHED}]
    return rows


NO_UDP_LITE = re.compile(rb"^UDPLITE6?: inuse 0$", re.MULTILINE)


def is_spoken(table: str) -> bool:
    """False where the kernel counts no socket of UDP-Lite for a table: to go through one costs it milliseconds."""
    try:
        return NO_UDP_LITE.search(content(f"{os.path.dirname(table)}/sockstat{'6' if table.endswith('6') else ''}")) is None
    except FileNotFoundError:
        return True


def rows_of_any(pids: list[int], protocol: str) -> list[list[str]]:
    """The same of a network that several processes are in, any of which may end meanwhile; none if all did."""
    for pid in pids:
        with suppress(OSError):
            return socket_rows(f"/proc/{pid}", protocol)
    return []


def own_addresses() -> list[str]:
    """Every address of the host's own network, loopback and link-local ones too."""
    found = set(LOCAL_ADDRESS.findall(content("/proc/net/fib_trie").decode("ascii")))
    if os.path.exists("/proc/net/if_inet6"):
        with open("/proc/net/if_inet6", encoding="ascii") as file:
            found |= {socket.inet_ntop(socket.AF_INET6, bytes.fromhex(line.split()[0])) for line in file}
    return sorted(found)


def socket_holders() -> dict[str, set[int]]:
    """Inode of every open socket to the processes that have it open, by whichever of their threads."""
    unhidden()
    holders: dict[str, set[int]] = {}
    left = OPEN_AT_MOST
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            targets = open_in(pid, left + 1) or open_in(living(pid), left + 1)
            for one in threads_with_files_of_their_own(pid):
                with suppress(FileNotFoundError, ProcessLookupError):
                    targets += open_in(f"{pid}/task/{one}", left + 1 - len(targets))
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended while we looked
        left -= len(targets)
        if left < 0:
            raise Trouble("failed", f"over {OPEN_AT_MOST} files are open")
        for target in targets:
            if target.startswith("socket:["):
                holders.setdefault(target[8:-1], set()).add(int(pid))
    return holders


def open_in(pid: str, at_most: int) -> list[str]:
    """What a process has open, as the kernel calls it."""
    with os.scandir(f"/proc/{pid}/fd") as entries:
        return [link_of(entry.path) or "" for entry in islice(entries, at_most)]


def endpoint(text: str) -> tuple[str, int]:
    """Address and port of ``/proc/net/tcp``; an IPv4 address inside of an IPv6 one is shown as IPv4."""
    words, _, port = text.partition(":")
    raw = b"".join(struct.pack("=I", int(words[at : at + 8], 16)) for at in range(0, len(words), 8))
    if len(raw) == 16 and raw.startswith(b"\0" * 10 + b"\xff\xff"):
        raw = raw[12:]
    return socket.inet_ntop(socket.AF_INET if len(raw) == 4 else socket.AF_INET6, raw), int(port, 16)
