"""What the kernel is told to lead elsewhere: rules of its packet filters, and its balancer."""

from __future__ import annotations

import errno
import os
import re
import socket
import struct
from typing import Any, Iterator

from voxgate.probe.base import SMALL_FILE, Trouble
from voxgate.probe.programs import last_words, run
from voxgate.probe.reading import content

NETFILTER, GET_RULES, ASK_FOR_ALL, NETLINK_ERROR, NETLINK_DONE = 12, 0x0A07, 0x301, 2, 3
RULES_BYTES = 16 * 1024 * 1024
FAMILIES = {1: "inet", 2: "ip", 3: "arp", 5: "netdev", 7: "bridge", 10: "ip6"}
OFTEN = 5  # times that the rules are asked for anew where they change meanwhile
NETWORK_HEADER, TRANSPORT_HEADER = 1, 2
PROTOCOL_OF_META, TCP = 16, 6
EQUAL, NOT, LESS, AT_MOST, MORE, AT_LEAST = range(6)
ANY_PORT = (0, 65535)
# Targets that lead nothing elsewhere on its way in; any other may.
STAYING = frozenset({
    "AUDIT", "CHECKSUM", "CLASSIFY", "CONNMARK", "CONNSECMARK", "CT", "DSCP", "HL", "IDLETIMER", "LED", "LOG", "MARK",
    "MASQUERADE", "NFLOG", "NOTRACK", "RATEEST", "REJECT", "SECMARK", "SET", "SNAT", "SYNPROXY", "TCPMSS", "TCPOPTSTRIP",
    "TOS", "TRACE", "TTL", "ULOG",
})  # fmt: skip
LEADING = frozenset({"redir", "tproxy", "dup", "fwd", "queue"})
TABLES_OF_OLD = (("/proc/net/ip_tables_names", "iptables-legacy-save"), ("/proc/net/ip6_tables_names", "ip6tables-legacy-save"))
ROW_OF_OLD = re.compile(r"^-A (\S+) (.*?)-[jg] (\S+)", re.MULTILINE)
CHAIN_OF_OLD = re.compile(r"^:(\S+)", re.MULTILINE)
PORTS_OF_OLD = re.compile(r"(?<!! )--dports? ([0-9,:]+)")
OTHER_PROTOCOL = re.compile(r"(?<!! )-p (?!tcp)\w")
ENDING = frozenset({"ACCEPT", "DROP", "RETURN"})
BALANCED = re.compile(r"^(TCP|UDP|SCTP|FWM)\s+(\S+)", re.MULTILINE)


def turns() -> list[dict[str, Any]]:
    """Each rule of the host's own network that leads what comes for a port of TCP somewhere else, and for which ports, as far as
    the rule itself says: nftables (which has iptables' rules too), the iptables of old, and the kernel's balancer (IPVS). What a
    rule does that is called otherwise than is known here counts as leading elsewhere.
    """
    found = [*of_nftables(), *of_tables_of_old()]
    if os.path.exists("/proc/net/ip_vs"):
        for kind, place in BALANCED.findall(content("/proc/net/ip_vs").decode("ascii", "replace")):
            port = place.rpartition(":")[2]
            one = (int(port, 16),) * 2 if kind != "FWM" and re.fullmatch(r"[0-9A-Fa-f]{4}", port) else ANY_PORT
            if kind in {"TCP", "FWM"}:
                found.append({"where": f"ipvs {kind} {place}", "does": "balances", "ports": [list(one)]})
    return found


def of_nftables() -> Iterator[dict[str, Any]]:
    """The same of nftables, as the kernel itself lists its rules: no program of the host is asked."""
    for _ in range(OFTEN):
        messages = list(rules_of_kernel())
        if None not in messages:
            break
    else:
        raise Trouble("failed", "the rules of nftables change all the time")
    for message in filter(None, messages):
        row = attributes(message[4:])
        rule = Read(row.get(4, b""))
        if rule.leads:
            table, chain, handle = word_in(row, 1), word_in(row, 2), number_in(row, 3)
            family = FAMILIES.get(message[0], str(message[0]))
            yield {"where": f"{family} {table} {chain} handle {handle}", "does": rule.does, "ports": [[rule.first, rule.last]]}


def rules_of_kernel() -> Iterator[bytes | None]:
    """The kernel's messages about its rules: none where it has no nftables, None where they changed while they were told. Raises
    Trouble where it will not tell.
    """
    try:
        asking = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETFILTER)
    except OSError as error:
        if error.errno in {errno.EPROTONOSUPPORT, errno.EAFNOSUPPORT}:
            return
        raise
    with asking:
        asking.settimeout(4)
        asking.send(struct.pack("=IHHIIBBH", 20, GET_RULES, ASK_FOR_ALL, 1, 0, 0, 0, 0))
        for said in said_by_kernel(asking):
            data = said
            while len(data) >= 16:
                length, kind, flags = struct.unpack_from("=IHH", data)
                if flags & 0x10:  # changed meanwhile
                    yield None
                if kind == NETLINK_DONE:
                    return
                if kind == NETLINK_ERROR:
                    number = -struct.unpack_from("=i", data, 16)[0]
                    if number in {errno.EINVAL, errno.EOPNOTSUPP, errno.ENOENT}:  # a kernel without it
                        return
                    raise Trouble("denied" if number == errno.EPERM else "failed", f"rules of nftables: {os.strerror(number)}")
                yield data[16:length]
                data = data[max(16, (length + 3) & ~3) :]


def said_by_kernel(asking: socket.socket) -> Iterator[bytes]:
    """What the kernel sends, and no program that may speak there too. Raises Trouble where it is too much."""
    left = RULES_BYTES
    while left >= 0:
        data, (sender, _) = asking.recvfrom(1 << 18)
        left -= len(data)
        if sender == 0:
            yield data
    raise Trouble("failed", f"over {RULES_BYTES} bytes of rules of nftables")


def attributes(data: bytes) -> dict[int, bytes]:
    """The attributes of a netlink message, the last of each kind."""
    return dict(each_attribute(data))


def each_attribute(data: bytes) -> Iterator[tuple[int, bytes]]:
    """All of them, in their order."""
    while len(data) >= 4:
        length, kind = struct.unpack_from("=HH", data)
        yield kind & 0x3FFF, data[4:length]
        data = data[max(4, (length + 3) & ~3) :]


def word_in(row: dict[int, bytes], key: int) -> str:
    """A word of netlink's, empty where there is none."""
    return row.get(key, b"").partition(b"\0")[0].decode("utf-8", "replace")


def value_in(row: dict[int, bytes], key: int) -> int:
    """A value that something is compared with, as a number."""
    return int.from_bytes(attributes(row.get(key, b"")).get(1, b""), "big")


def number_in(row: dict[int, bytes], key: int) -> int:
    """A number of netlink's, -1 where there is none."""
    return int.from_bytes(row[key], "big") if key in row else -1


class Read:
    """One rule, read expression by expression: what it does, and for which ports of TCP (``first`` to ``last``)."""

    def __init__(self, expressions: bytes) -> None:
        self.loaded: dict[int, str] = {}
        self.first, self.last = ANY_PORT
        self.does = ""
        self.other = False
        reads = {
            "payload": self.payload, "meta": self.meta, "cmp": self.compared, "range": self.ranged, "match": self.match,
            "nat": self.nat, "target": self.target,
        }  # fmt: skip
        for _, element in each_attribute(expressions):
            parts = attributes(element)
            name = word_in(parts, 1)
            if name in LEADING:
                self.does = name
            elif name in reads:
                reads[name](attributes(parts.get(2, b"")))

    @property
    def leads(self) -> bool:
        """True where it leads something of TCP elsewhere."""
        return bool(self.does) and not self.other and self.first <= self.last

    def payload(self, data: dict[int, bytes]) -> None:
        """A part of the packet, read or written."""
        at = (number_in(data, 2), number_in(data, 3), number_in(data, 4))
        if 5 in data:
            self.does = self.does or ("rewrites" if at[0] in {NETWORK_HEADER, TRANSPORT_HEADER} else "")
        else:
            what = {(TRANSPORT_HEADER, 2, 2): "port", (NETWORK_HEADER, 9, 1): "protocol"}
            self.loaded[number_in(data, 1)] = what.get(at, "")

    def meta(self, data: dict[int, bytes]) -> None:
        """What the kernel knows of the packet, read."""
        if 1 in data:
            self.loaded[number_in(data, 1)] = "protocol" if number_in(data, 2) == PROTOCOL_OF_META else ""

    def compared(self, data: dict[int, bytes]) -> None:
        """What was read, against one value."""
        said, how, value = self.loaded.get(number_in(data, 1), ""), number_in(data, 2), value_in(data, 3)
        self.other |= said == "protocol" and how == EQUAL and value != TCP
        if said == "port":
            self.within({EQUAL: value, MORE: value + 1, AT_LEAST: value}.get(how, 0),
                        {EQUAL: value, LESS: value - 1, AT_MOST: value}.get(how, self.last))  # fmt: skip

    def ranged(self, data: dict[int, bytes]) -> None:
        """What was read, against two values."""
        if self.loaded.get(number_in(data, 1)) == "port" and number_in(data, 2) == EQUAL:
            self.within(value_in(data, 3), value_in(data, 4))

    def match(self, data: dict[int, bytes]) -> None:
        """A match of iptables: its ports are those of who asks, then ours, and which of them are meant the other way round."""
        kind, said = word_in(data, 1), data.get(3, b"")
        self.other |= kind in {"udp", "icmp", "icmp6", "sctp"}
        if kind == "tcp" and len(said) >= 12 and not said[11] & 2:
            self.within(*struct.unpack_from("=HH", said, 4))

    def nat(self, data: dict[int, bytes]) -> None:
        """Another address: of where it goes, or of who asks."""
        self.does = "dnat" if number_in(data, 1) == 1 else self.does

    def target(self, data: dict[int, bytes]) -> None:
        """A target of iptables."""
        name = word_in(data, 1)
        self.does = self.does or (name if name not in STAYING else "")

    def within(self, first: int, last: int) -> None:
        """Of no other ports than these."""
        self.first, self.last = max(self.first, first), min(self.last, last)


def of_tables_of_old() -> Iterator[dict[str, Any]]:
    """The same of the iptables that the kernel had before, where it has one of these tables."""
    for names, program in TABLES_OF_OLD:
        if not os.path.exists(names) or not content(names, SMALL_FILE).split():
            continue
        ended = run([program], 5.0)
        if ended.status != 0:
            raise Trouble("failed", f"{program} ended with {ended.status}: {last_words(ended.err, 1)}")
        chains = set(CHAIN_OF_OLD.findall(ended.out)) | ENDING
        for chain, said, target in ROW_OF_OLD.findall(ended.out):
            if target in STAYING or target in chains or OTHER_PROTOCOL.search(said):
                continue
            found = PORTS_OF_OLD.search(said)
            ports = [ports_of_old(one) for one in found[1].split(",")] if found else [ANY_PORT]
            yield {"where": f"{program[: -len('-save')]} {chain}", "does": target, "ports": [list(one) for one in ports]}


def ports_of_old(said: str) -> tuple[int, int]:
    """A port, or a range of them, whose ends may be left out."""
    first, between, last = said.partition(":")
    return int(first or 0), int(last or (65535 if between else first))
