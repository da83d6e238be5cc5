"""What the times of a folder tell: that it was moved, or that something was put into it or taken out."""

from __future__ import annotations

import os
import struct
from contextlib import suppress

from voxgate.probe.accounts import c_library

BIRTH, HERE = 0x800, 0x100  # STATX_BTIME, AT_SYMLINK_NOFOLLOW
AT_ONCE = 2.0  # seconds between a folder's birth and the time of the folder above, which are of one moment


def moved_at(row: os.stat_result) -> float:
    """When a folder itself was last moved, or its rights were changed: then the kernel sets its ctime alone. 0 where what was
    done last is that something was put into it or taken out of it, which sets both: byte code does that too.
    """
    return row.st_ctime if row.st_ctime_ns != row.st_mtime_ns else 0.0


def born(name: str, at: int) -> float | None:
    """When a file was made, which nobody can set; None where the file system does not keep it."""
    import ctypes  # noqa: PLC0415 - needed here only

    found = ctypes.create_string_buffer(256)
    with suppress(AttributeError):  # an older C library
        if c_library().statx(at, os.fsencode(name), HERE, BIRTH, found) == 0 and struct.unpack_from("<I", found)[0] & BIRTH:
            seconds, parts = struct.unpack_from("<qI", found, 80)
            return float(seconds + parts / 1e9)
    return None


def changed_by_byte_code(row: os.stat_result, name: str, at: int) -> bool:
    """True where what was done last to a folder is that its ``__pycache__`` (``name``, seen from ``at``) was made in it, as the
    first import of a module does. Where nobody knows when that was made, it may be so.
    """
    if moved_at(row):
        return False
    made = born(name, at)
    return made is None or abs(row.st_ctime - made) <= AT_ONCE
