"""A remote process that lives as long as its channel: what holds a lock, or samples while others work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from voxgate.transport.deadline import Deadline

if TYPE_CHECKING:
    from collections.abc import Callable

    from voxgate.transport.ssh.remote_command import Completed, RemoteCommand


class Running:
    """A started command. One thread reads it; ``write``, ``alive`` and ``close`` may be used from any."""

    def __init__(self, session: RemoteCommand, done: Callable[[], None]) -> None:
        """Wrap a session; ``done`` is called once, when it is closed."""
        self._session = session
        self._done: Callable[[], None] | None = done

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def alive(self) -> bool:
        """True while the channel is open: False once the process ended, the connection was lost or it was closed."""
        return not self._session.ended

    @property
    def errors(self) -> str:
        """What it said on stderr so far, as far as it was heard (reading a line hears it)."""
        return bytes(self._session.stderr).decode("utf-8", "replace")

    def read_line(self, deadline: float) -> str:
        """Its next line, without the newline. Raises CommandUnknown if it ends first, or says none in ``deadline``
        seconds; NotBegun where the account's shell did not come to it.

        Either way the process is given up: the channel is closed.
        """
        until = Deadline.after(deadline)
        heard, seen = self._session.stdout, 0

        def is_whole() -> bool:
            nonlocal seen
            before, seen = seen, len(heard)
            return heard.find(b"\n", before) >= 0

        in_time = self._session.pump(until, until=is_whole)
        end = heard.find(b"\n")
        if end < 0:
            said = self.errors.strip().splitlines()
            if not self._session.begun:
                raise self._session.overdue(until)
            if in_time:
                raise self._session.unknown("ended", said[-1] if said else "it said nothing")
            raise self._session.unknown(f"said nothing within {until}", said[-1] if said else "")
        line = bytes(heard[:end])
        del heard[: end + 1]
        return line.decode("utf-8", "replace")

    def write(self, data: bytes, deadline: float = 5.0) -> None:
        """Send ``data`` to its stdin. Raises CommandUnknown if it ended, or does not read within ``deadline`` seconds."""
        self._session.send(data, Deadline.after(deadline))

    def finish(self, deadline: float) -> Completed:
        """End its stdin and wait for its own end. Raises CommandUnknown as ``Connection.run`` does."""
        until = Deadline.after(deadline)
        try:
            if not self._session.pump(until, stdin=b""):
                raise self._session.overdue(until)
            return self._session.outcome()
        finally:
            self.close()

    def close(self) -> None:
        """Close the channel; harmless twice. The process sees its stdin end."""
        self._session.close()
        done, self._done = self._done, None
        if done is not None:
            done()
