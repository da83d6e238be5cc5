"""Processes of any kind that live as long as a test looks at them."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

STRANGER = 65534
WAITS = "import sys; print(end='.', flush=True); sys.stdin.read()"


@contextmanager
def running(*argv: str, cwd: Path | str = "/", uid: int = STRANGER, env: Mapping[str, str] | None = None) -> Iterator[int]:
    """A process that lives as long as the block, and says a dot as soon as it is what it was told to be."""
    with subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=cwd, user=uid, group=uid, extra_groups=[],
        env={"PATH": "/usr/bin:/bin", **(env or {})},
    ) as child:  # fmt: skip
        assert child.stdin is not None
        assert child.stdout is not None
        assert child.stdout.read(1) == b".", argv
        yield child.pid
        child.stdin.close()
        child.kill()


LEASES = f"""
import fcntl, os, signal
signal.signal(signal.SIGIO, signal.SIG_IGN)
def hold(path):
    fcntl.fcntl(os.open(path, os.O_RDWR), fcntl.F_SETLEASE, fcntl.F_WRLCK)
import sys
held = list(map(hold, sys.argv[1:]))
{WAITS}
"""


def held_shut(*paths: Path, uid: int = STRANGER) -> AbstractContextManager[int]:
    """Files that their owner holds leases on as long as the block: whoever opens one waits for him, or is refused."""
    return running("/usr/bin/python3", "-I", "-c", LEASES, *map(str, paths), uid=uid)


def without_its_first_thread(code: str = WAITS) -> str:
    """The same code of Python's, run by another thread as soon as the first one has ended."""
    return "\n".join((
        "import ctypes, os, threading",
        "def goes_on():",
        "    while os.path.exists('/proc/self/exe'):",
        "        pass",
        f"    exec({code!r}, {{}})",
        "threading.Thread(target=goes_on).start()",
        "ctypes.CDLL(None).pthread_exit(None)",
    ))  # fmt: skip
