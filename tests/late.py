"""A write that was begun, and comes into its file when one likes."""

from __future__ import annotations

import ctypes
import fcntl
import mmap
import os
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

USERFAULTFD = {"x86_64": 323, "aarch64": 282}
API, REGISTER, COPY = 0xC018AA3F, 0xC020AA00, 0xC028AA03
MISSING = 1


@contextmanager
def writing_late(path: Path, text: bytes) -> Iterator[Callable[[], None]]:
    """A write of a page at most that was begun, and moved the file's times; it comes into the file as soon as what is given is
    called. An account does the same with a page of a file system of its own (FUSE), which it hands out when it likes.
    """
    library = ctypes.CDLL(None, use_errno=True)
    waits = library.syscall(USERFAULTFD[os.uname().machine], os.O_CLOEXEC)
    assert waits >= 0, os.strerror(ctypes.get_errno())
    fcntl.ioctl(waits, API, struct.pack("QQQ", 0xAA, 0, 0))
    page = mmap.mmap(-1, mmap.PAGESIZE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    place = ctypes.addressof(ctypes.c_char.from_buffer(page))
    fcntl.ioctl(waits, REGISTER, struct.pack("QQQQ", place, mmap.PAGESIZE, MISSING, 0))
    os.utime(path, (1, 1))
    with path.open("r+b", buffering=0) as file:
        writer = threading.Thread(target=lambda: library.write(file.fileno(), ctypes.c_void_p(place), len(text)))
        writer.start()
        while path.stat().st_mtime == 1:  # the kernel moves it first
            pass

        def come() -> None:
            given = ctypes.create_string_buffer(text, mmap.PAGESIZE)
            fcntl.ioctl(waits, COPY, struct.pack("QQQQq", place, ctypes.addressof(given), mmap.PAGESIZE, 0, 0))
            writer.join()

        try:
            yield come
        finally:
            if writer.is_alive():
                come()
            os.close(waits)
