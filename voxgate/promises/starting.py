"""A service that is started here, with these settings and no others, asked, and stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import IO, Self

STOPPED_WITHIN = 10.0  # seconds from SIGTERM to the end
LAST = 5  # lines of its last words
WORDS_AT_MOST = 65536  # bytes of them that are read
KEPT = ("PATH", "HOME", "LANG", "TMPDIR", "USER", "VIRTUAL_ENV")
"""What of this process's environment a service gets beside its settings."""


class Started:
    """One process of a service, in a process group of its own; at the end of the ``with`` all of it is gone: asked to end, and
    killed after ``stops_within`` seconds.
    """

    def __init__(self, argv: Sequence[str], settings: Mapping[str, str], stops_within: float = STOPPED_WITHIN) -> None:
        self.stops_within = stops_within
        self._stopped: tuple[float | None] | None = None
        self._said: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the process
        beside = {name: os.environ[name] for name in KEPT if name in os.environ}
        self.process = subprocess.Popen(
            argv,
            env={**beside, "PYTHONUNBUFFERED": "1", **settings},
            stdin=subprocess.DEVNULL,
            stdout=self._said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None) -> None:
        self.stop()
        self._said.close()

    def ended(self) -> int | None:
        """Its exit status, None while it runs."""
        return self.process.poll()

    def ends_within(self, seconds: float) -> int | None:
        """Its exit status, None if it still runs after so many seconds."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def stop(self) -> float | None:
        """Ask it to end, and see to it: the seconds that it took, None if it had to be killed. Asked again it says the same."""
        if self._stopped is not None:
            return self._stopped[0]
        began = time.monotonic()
        if self.process.poll() is None:
            self._signal(signal.SIGTERM)
        took = None if self.ends_within(self.stops_within) is None else time.monotonic() - began
        self._signal(signal.SIGKILL)  # what it left behind of itself too
        self.process.wait()
        self._stopped = (took,)
        return took

    def words(self) -> str:
        """What it printed so far, from its end."""
        size = os.fstat(self._said.fileno()).st_size
        return os.pread(self._said.fileno(), WORDS_AT_MOST, max(0, size - WORDS_AT_MOST)).decode(errors="replace")

    def last_words(self) -> str:
        """Its last lines, in one."""
        return " | ".join(line.strip() for line in self.words().splitlines()[-LAST:] if line.strip()) or "it said nothing"

    def _signal(self, number: signal.Signals) -> None:
        try:
            os.killpg(self.process.pid, number)
        except ProcessLookupError:
            return
