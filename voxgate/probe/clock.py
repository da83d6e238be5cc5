"""Whether the clock is synchronised, and by whom."""

from __future__ import annotations

import os
from typing import Any

from voxgate.probe.base import Job
from voxgate.probe.believing import believed, called

UNSYNCHRONISED = 5  # TIME_ERROR of adjtimex(2)
TIMEKEEPERS = ("chronyd", "ntpd", "systemd-timesyn", "ptp4l", "phc2sys")


def clock(found: Job) -> dict[str, Any]:
    """Whether the kernel says that its clock is synchronised, who keeps it so, and whether it is the machine's below; ``doubts``
    are what calls itself a keeper of the time and is not.
    """
    import ctypes  # noqa: PLC0415 - needed here only

    buffer = ctypes.create_string_buffer(512)
    state = ctypes.CDLL(None, use_errno=True).adjtimex(buffer)
    told = {name: believed(name, called(name, found)) for name in TIMEKEEPERS}
    container = os.path.exists("/run/systemd/container") or os.path.exists("/.dockerenv")
    return {
        "synchronised": None if state < 0 else state != UNSYNCHRONISED,
        "keepers": sorted(name for name, (rows, _) in told.items() if rows),
        "container": container,
        "doubts": [text for _, doubts in told.values() for text in doubts],
    }
