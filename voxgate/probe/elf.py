"""The names that a program or library exports."""

from __future__ import annotations

import os
import struct

from voxgate.probe.base import Trouble

NAMES_BYTES = 128 * 1024 * 1024


def dynamic_names(fd: int) -> bytes:
    """The names of an ELF file's dynamic symbols, nothing for what is no such file of 64 bits. What the file says of its own
    sizes is believed as far as the loader would, and memory lasts.
    """
    head = os.pread(fd, 64, 0)
    if len(head) < 64 or head[:6] != b"\x7fELF\x02\x01":
        return b""
    start, size, count = struct.unpack_from("<Q", head, 32)[0], *struct.unpack_from("<HH", head, 54)
    if size != 56 or not 0 < count <= 1170 or start >= 1 << 62:  # no more are loaded: 64 KiB of them
        return b""
    table = os.pread(fd, size * count, start)
    rows = [struct.unpack_from("<IIQQQQ", table, at) for at in range(0, len(table) - 55, size)]
    loads = [(address, offset, length) for kind, _, offset, address, _, length in rows if kind == 1]
    for kind, _, offset, _, _, length in rows:
        if kind == 2 and offset < 1 << 62:
            dynamic = os.pread(fd, min(length, 1 << 16), offset)
            said = dict(struct.unpack_from("<QQ", dynamic, at) for at in range(0, len(dynamic) - 15, 16))
            names, long = said.get(5, 0), said.get(10, 0)
            for address, place, span in loads:
                if address <= names < address + span and place + names - address < 1 << 62:
                    if long > NAMES_BYTES:
                        raise Trouble("failed", f"a mapped file has over {NAMES_BYTES} bytes of symbols' names")
                    return os.pread(fd, min(long, os.fstat(fd).st_size), place + names - address)
    return b""
