"""One remote process: its channel, both streams drained together, and how it ended - or that nobody knows."""

from __future__ import annotations

import contextlib
import shlex
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import paramiko

from voxgate.errors import CommandUnknown

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from voxgate.transport.deadline import Deadline
    from voxgate.transport.wire import Wire

_CHUNK = 1 << 20
_NO_STATUS = -1
_SHOWN = 80
_FULL = 0.02


@dataclass(frozen=True, slots=True)
class Completed:
    """A command that ended by itself, with its own exit status. ``seconds`` from the request to the end."""

    exit_status: int
    stdout: bytes
    stderr: bytes
    seconds: float


def command_line(command: Sequence[str] | str) -> str:
    """The one place where remote words are quoted. A ``str`` is a shell's line already, and passes as it is."""
    return command if isinstance(command, str) else shlex.join(command)


class Session:
    """A command on an open channel. Used by one thread at a time; ``close`` may come from any."""

    def __init__(self, wire: Wire, channel: paramiko.Channel, command: str, where: str, limit: int) -> None:
        """Ask the host to run ``command`` at once. ``limit`` is bytes of each stream kept before it is too much."""
        self.command = command
        self.stdout = bytearray()  # what was said and not yet read
        self.stderr = bytearray()
        self._wire = wire
        self._channel = channel
        self._where = where
        self._limit = limit
        self._began = time.monotonic()
        self._ear = wire.ear(channel)
        channel.settimeout(0.0)
        wire.ask_to_run(channel, command.encode())

    @property
    def ended(self) -> bool:
        """True once the channel is closed, by either side."""
        return bool(self._channel.closed)

    def pump(self, deadline: Deadline, *, stdin: bytes | None = None, until: Callable[[], bool] = lambda: False) -> bool:
        """Feed ``stdin`` (then end it; None leaves it open) and take what comes, until ``until()`` or the channel's
        end.

        False if the deadline came first. Raises CommandUnknown where a stream grows beyond the limit.
        """
        rest = None if stdin is None else memoryview(stdin)
        while True:
            self._ear.bell.rearm()
            ended = self.ended  # read first: all that was said before the end is in the buffers then
            self._take()
            if rest is not None and not ended:
                rest = self._feed(rest)
            if ended or until():
                return True
            if deadline.passed:
                return False
            self._ear.bell.wait(deadline.remaining)

    def overdue(self, deadline: Deadline) -> CommandUnknown:
        """The error of a command that was not done in time."""
        why = "its outcome is unknown, and it was not run again"
        if self._channel.exit_status != _NO_STATUS:
            why = f"it ended with {self._channel.exit_status}, but something it left behind holds its output open"
        return self.unknown(f"was not done within {deadline}", why)

    def outcome(self) -> Completed:
        """How it ended. Raises CommandUnknown unless the host itself told an exit status."""
        status = self._channel.exit_status
        if status != _NO_STATUS and not self._ear.signal:
            return Completed(status, bytes(self.stdout), bytes(self.stderr), time.monotonic() - self._began)
        if self._ear.signal:
            raise self.unknown(f"killed by SIG{self._ear.signal}", self._last_words())
        if self._wire.is_lost():
            raise self.unknown("was running when the connection was lost", "its outcome is unknown, it was not run again")
        raise self.unknown("ended without an exit status", self._last_words())

    def unknown(self, what: str, why: str = "") -> CommandUnknown:
        """The error, and the channel closed: whatever the command does from here on, nobody waits for it."""
        self.close()
        shown = self.command if len(self.command) <= _SHOWN else f"{self.command[:_SHOWN]}..."
        return CommandUnknown(f"{shown!r} {what}", where=self._where, why=why)

    def send(self, data: bytes, deadline: Deadline) -> None:
        """Write all of ``data`` to its stdin. Raises CommandUnknown if it ended or does not read it in time.

        May be called beside a thread that pumps: it never touches the bell, which is the reader's.
        """
        view = memoryview(data)
        while view:
            if self.ended:
                raise self.unknown("ended, and reads no more")
            try:
                view = view[self._channel.send(bytes(view[:_CHUNK])) :]
            except TimeoutError:
                if deadline.passed:
                    raise self.unknown(f"did not read its input within {deadline}") from None
                time.sleep(_FULL)  # its window is full
            except (OSError, EOFError, paramiko.SSHException):
                raise self.unknown("ended, and reads no more") from None

    def close(self) -> None:
        """Close the channel; harmless twice. The remote process sees its stdin end and its output go nowhere."""
        with contextlib.suppress(OSError, EOFError, paramiko.SSHException):  # dead transport, dead channel
            self._channel.close()
        self._wire.forget(self._channel)

    def end_input(self) -> None:
        """Close its stdin."""
        with contextlib.suppress(OSError, EOFError, paramiko.SSHException):  # dead transport, dead channel
            self._channel.shutdown_write()

    def _take(self) -> None:
        for ready, receive, kept, name in (
            (self._channel.recv_ready, self._channel.recv, self.stdout, "stdout"),
            (self._channel.recv_stderr_ready, self._channel.recv_stderr, self.stderr, "stderr"),
        ):
            while ready():
                try:
                    kept.extend(receive(_CHUNK))
                except (OSError, EOFError, paramiko.SSHException):
                    break  # dead while telling that we read: the channel's end says so in a moment
                if len(kept) > self._limit:
                    raise self.unknown(f"said more than {self._limit} bytes on {name}", "it was not waited for")

    def _feed(self, stdin: memoryview) -> memoryview | None:
        """Send what the host takes now; None once all was sent and stdin is closed."""
        try:
            while stdin and (sent := self._channel.send(bytes(stdin[:_CHUNK]))):
                stdin = stdin[sent:]
        except TimeoutError:
            return stdin
        except (OSError, EOFError, paramiko.SSHException):
            return None  # it ended without reading all of it: its exit status says what that means
        self.end_input()
        return None

    def _last_words(self) -> str:
        lines = bytes(self.stderr).decode("utf-8", "replace").strip().splitlines()
        return lines[-1] if lines else ""
