"""The names that a program or library exports."""

from __future__ import annotations

import os
import struct

from voxgate.probe.base import Trouble

NAMES_BYTES = 128 * 1024 * 1024


# Of programs of 32 and of 64 bits: how an address is written, where the place of the table of segments stands and where the size
# of a row and their count, that size; of a row its kind, its place in the file and in memory and its length; a row of the dynamic
# table.
FORMS = {1: ("<I", 28, 42, 32, "<III4xI", "<II"), 2: ("<Q", 32, 54, 56, "<I4xQQ8xQ", "<QQ")}


def dynamic_names(fd: int) -> bytes:
    """The names of an ELF file's dynamic symbols, nothing for what is no such file. What the file says of its own sizes is
    believed as far as the loader would, and memory lasts.
    """
    head = os.pread(fd, 64, 0)
    if len(head) < 64 or head[:4] != b"\x7fELF" or head[4] not in FORMS or head[5] != 1:
        return b""
    address_form, at_start, at_sizes, row_size, row_form, pair = FORMS[head[4]]
    start, size, count = struct.unpack_from(address_form, head, at_start)[0], *struct.unpack_from("<HH", head, at_sizes)
    if size != row_size or not 0 < count <= 1170 or start >= 1 << 62:  # no more are loaded: 64 KiB of them
        return b""
    table = os.pread(fd, size * count, start)
    rows = [struct.unpack_from(row_form, table, at) for at in range(0, len(table) - row_size + 1, size)]
    loads = [(address, offset, length) for kind, offset, address, length in rows if kind == 1]
    for kind, offset, _, length in rows:
        if kind == 2 and offset < 1 << 62:
            dynamic = os.pread(fd, min(length, 1 << 16), offset)
            step = struct.calcsize(pair)
            said = dict(struct.unpack_from(pair, dynamic, at) for at in range(0, len(dynamic) - step + 1, step))
            names, long = said.get(5, 0), said.get(10, 0)
            for address, place, span in loads:
                if address <= names < address + span and place + names - address < 1 << 62:
                    if long > NAMES_BYTES:
                        raise Trouble("failed", f"a mapped file has over {NAMES_BYTES} bytes of symbols' names")
                    return os.pread(fd, min(long, os.fstat(fd).st_size), place + names - address)
    return b""
