"""One remote process: its channel, both streams drained together, and how it ended - or that nobody knows."""

from __future__ import annotations

import contextlib
import secrets
import shlex
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import paramiko

from voxgate.errors import CommandUnknown
from voxgate.redaction.shortening import beginning
from voxgate.transport.ssh.begin import Opening, command_line, not_begun

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from voxgate.model.estate import Host
    from voxgate.transport.deadline import Deadline
    from voxgate.transport.ssh.wire import Wire

_CHUNK = 1 << 20
_NO_STATUS = -1
_SHOWN = 80
_FULL = 0.02


@dataclass(frozen=True, slots=True)
class Completed:
    """A command that ended by itself, with its own exit status. ``seconds`` from the request to the end. ``noise`` is what
    somebody else printed before it began: the account's startup files.
    """

    exit_status: int
    stdout: bytes
    stderr: bytes
    seconds: float
    noise: bytes = b""


class RemoteCommand:
    """A command on an open channel. Used by one thread at a time; ``close`` may come from any."""

    def __init__(self, wire: Wire, channel: paramiko.Channel, command: Sequence[str] | str, host: Host, limit: int) -> None:
        """Ask the host to run ``command`` at once. ``limit`` is bytes of each stream kept before it is too much."""
        self.command = command if isinstance(command, str) else shlex.join(command)
        self.stdout = bytearray()  # what was said and not yet read
        self.stderr = bytearray()
        self._wire = wire
        self._channel = channel
        self._host = host
        self._where = host.name
        self._limit = limit
        mark = f"voxgate-{secrets.token_hex(8)}"
        self._out, self._err = Opening(mark), Opening(mark)
        self._began = time.monotonic()
        self._ear = wire.ear(channel)
        channel.settimeout(0.0)
        wire.ask_to_run(channel, command_line(command, mark).encode())

    @property
    def ended(self) -> bool:
        """True once the channel is closed, by either side."""
        return bool(self._channel.closed)

    @property
    def begun(self) -> bool:
        """True once the command itself runs, or ran: the account's shell came to it."""
        return self._out.over

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
        if not self.begun:
            status = self._channel.exit_status
            self.close()
            return not_begun(self._host, None if status == _NO_STATUS else status, self._noise())
        why = "its outcome is unknown, and it was not run again"
        if self._channel.exit_status != _NO_STATUS:
            why = f"it ended with {self._channel.exit_status}, but something it left behind holds its output open"
        return self.unknown(f"was not done within {deadline}", why)

    def outcome(self) -> Completed:
        """How it ended. Raises CommandUnknown unless the host itself told an exit status, NotBegun where it never began."""
        status = self._channel.exit_status
        if status != _NO_STATUS and not self._ear.signal:
            if not self.begun:
                raise not_begun(self._host, status, self._noise())
            seconds = time.monotonic() - self._began
            return Completed(status, bytes(self.stdout), bytes(self.stderr), seconds, bytes(self._out.noise))
        if self._ear.signal:
            raise self.unknown(f"killed by SIG{self._ear.signal}", self._last_words())
        if self._wire.is_lost():
            raise self.unknown("was running when the connection was lost", "its outcome is unknown, it was not run again")
        raise self.unknown("ended without an exit status", self._last_words())

    def unknown(self, what: str, why: str = "") -> CommandUnknown:
        """The error, and the channel closed: whatever the command does from here on, nobody waits for it."""
        self.close()
        shown = self.command if len(self.command) <= _SHOWN else f"{beginning(self.command, _SHOWN)}..."
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
        for ready, receive, opening, kept, name in (
            (self._channel.recv_ready, self._channel.recv, self._out, self.stdout, "stdout"),
            (self._channel.recv_stderr_ready, self._channel.recv_stderr, self._err, self.stderr, "stderr"),
        ):
            while ready():
                try:
                    kept.extend(opening.behind(receive(_CHUNK)))
                except (OSError, EOFError, paramiko.SSHException):
                    break  # dead while telling that we read: the channel's end says so in a moment
                if max(len(kept), len(opening.noise)) > self._limit:
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

    def _noise(self) -> bytes:
        """What was printed where nothing began: a refusal's words are on stderr."""
        return bytes(self._out.noise + b"\n" + self._err.noise)

    def _last_words(self) -> str:
        lines = bytes(self.stderr).decode("utf-8", "replace").strip().splitlines()
        return lines[-1] if lines else ""
