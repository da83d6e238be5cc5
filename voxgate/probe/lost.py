"""Whether what is sent to another host comes there: connections, and how often the kernel had to send the first packet again."""

from __future__ import annotations

import ipaddress
import selectors
import socket
import struct
import time

from voxgate.probe.turn import aside

SENT_TIMES = 8  # connections to each place
SENT_AT_ONCE = 400  # connections of all
SENT_WITHIN = 1.3  # seconds: the kernel sends the first packet again after one
TOTAL_RETRANS = 100  # where that number stands in the kernel's struct tcp_info


def resent(places: list[tuple[str, int]]) -> dict[tuple[str, int], tuple[int, int]]:
    """Of each place how many connections were tried there, and of how many the first packet was sent again. The kernels do that
    between them: no process of either host has a part in it, and a connection that is refused came there, too. Whoever listens
    sees connections that end at once.
    """
    tries = min(SENT_TIMES, SENT_AT_ONCE // max(1, len(places)))
    opened = [(place, one) for place in places for one in (begun(place) for _ in range(tries)) if one is not None]
    with selectors.DefaultSelector() as waiting:
        for _, one in opened:
            waiting.register(one, selectors.EVENT_WRITE)
        until = time.monotonic() + SENT_WITHIN
        while waiting.get_map() and (left := until - time.monotonic()) > 0:
            with aside():
                ready = waiting.select(left)
            for key, _ in ready:
                waiting.unregister(key.fileobj)
    found = dict.fromkeys(places, (0, 0))
    for place, one in opened:
        with one:
            count, again = found[place]
            found[place] = (count + 1, again + bool(sent_again(one)))
    return found


def begun(place: tuple[str, int]) -> socket.socket | None:
    """A connection that is on its way; None where none can be."""
    try:
        family = socket.AF_INET6 if ipaddress.ip_address(place[0]).version == 6 else socket.AF_INET
        one = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    except (ValueError, OSError):
        return None
    one.connect_ex(place)
    return one


def sent_again(one: socket.socket) -> int:
    """How many packets of a connection the kernel sent a second time."""
    told = one.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, TOTAL_RETRANS + 4)
    return int(struct.unpack_from("=I", told, TOTAL_RETRANS)[0]) if len(told) >= TOTAL_RETRANS + 4 else 0
