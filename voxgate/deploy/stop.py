"""The stop of a run: set by a signal, seen by every thread that works."""

from __future__ import annotations

import os
import select
import weakref

_MILLI = 1000  # of a second: a poll counts in them


class Stop:
    """What ``threading.Event`` is, but ``set`` takes no lock, so that a signal handler may call it: a second signal interrupts
    the first one's handler, or a thread that waits, and would wait for its own lock for ever.

    A pipe is open for as long as it lives; once something stands in it, it stands there for every thread that waits.
    """

    def __init__(self) -> None:
        """Not set."""
        self._set = False
        self._heard, self._said = os.pipe()
        os.set_blocking(self._said, False)
        for descriptor in (self._heard, self._said):
            weakref.finalize(self, os.close, descriptor).atexit = False  # threads may still wait on it then

    def set(self) -> None:
        """From here on the run is to stop; harmless twice."""
        if not self._set:
            self._set = True
            os.write(self._said, b"!")

    def is_set(self) -> bool:
        """True once the run is to stop."""
        return self._set

    def wait(self, seconds: float) -> bool:
        """Wait for the stop, at most for so long; True if it came."""
        poll = select.poll()
        poll.register(self._heard, select.POLLIN)
        poll.poll(max(0.0, seconds) * _MILLI)
        return self._set
