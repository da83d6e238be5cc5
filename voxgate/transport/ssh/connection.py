"""One connection to one host: commands, long-lived processes and tunnels over it, many at once from many threads."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import paramiko

from voxgate.errors import CommandUnknown, Unreachable
from voxgate.transport.deadline import Deadline
from voxgate.transport.ssh.failures import ForwardingDenied, TargetRefused
from voxgate.transport.ssh.remote_command import Completed, RemoteCommand
from voxgate.transport.ssh.running import Running
from voxgate.transport.ssh.tunnel import Tunnel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voxgate.model.estate import Host
    from voxgate.transport.ssh.dial import Line

__all__ = ["Completed", "Connection", "Running", "Tunnel"]

LIMIT = 16 * 1024 * 1024
# sshd's MaxSessions is 10 by default; where it is less, the first refusal teaches us.
_SESSIONS = 10
_LEAVING = 2.0
_PAUSE = 0.05
_PULSE = 1.0
_PROHIBITED = 1
_GONE = "the SSH connection is gone"


class _Seats:
    """How many sessions may be open on the connection at once, as far as the server lets us."""

    def __init__(self) -> None:
        self._limit = _SESSIONS
        self._taken = 0  # asked for or open
        self._open = 0
        self._most = 1  # open together, ever: the server allows at least that
        self._left_at = 0.0
        self._changed = threading.Condition()

    def take(self, deadline: Deadline) -> bool:
        """Take a seat; False if none was free before the deadline."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._taken < self._limit, deadline.remaining):
                return False
            self._taken += 1
            return True

    def opened(self) -> None:
        """The server gave us the session."""
        with self._changed:
            self._open += 1
            self._most = max(self._most, self._open)
            self._limit = max(self._limit, self._most)

    def leave(self, *, opened: bool = True) -> None:
        """Give a seat back."""
        with self._changed:
            self._taken -= 1
            if opened:
                self._open -= 1
                self._left_at = time.monotonic()
            self._changed.notify()

    def refused(self) -> bool:
        """Give a seat back that the server refused, and wait a little. False where another try would be no better: nobody
        of us is seated, and the server had time to notice that the last one left.
        """
        with self._changed:
            self._taken -= 1
            self._limit = self._most
            others = self._taken > 0 or time.monotonic() - self._left_at < _LEAVING
            if others:
                self._changed.wait(_PAUSE)
            self._changed.notify()
            return others


class Connection:
    """One SSH connection, already verified and logged in. All methods may be called from several threads at once."""

    def __init__(self, host: Host, line: Line) -> None:
        """Take over an open line."""
        self.host = host
        self._line = line
        self._wire = line.wire
        self._seats = _Seats()

    def __repr__(self) -> str:
        return f"<Connection {self.host.name}{'' if self.alive else ' (gone)'}>"

    @property
    def host_key(self) -> paramiko.PKey:
        """The pinned key by which this host proved that it is itself. RuntimeError for a line that was never verified."""
        if self._line.host_key is None:
            msg = "this line showed no host key"
            raise RuntimeError(msg)
        return self._line.host_key

    @property
    def alive(self) -> bool:
        """True while the connection stands. A lost one never comes back by itself."""
        return bool(self._wire.is_active())

    def run(self, command: Sequence[str] | str, *, stdin: bytes = b"", deadline: float = 30.0, limit: int = LIMIT) -> Completed:
        """Run a command once and return how it ended, whatever its exit status is: in the one environment that
        ``begin.command_line`` describes; a ``str`` is a line for /bin/sh. ``deadline`` in seconds covers all of it.

        Raises CommandUnknown if its outcome is not known: a signal ended it, no exit status came, the deadline passed,
        the connection was lost, or a stream grew beyond ``limit`` bytes. Raises Unreachable if it was never sent.
        Raises NotBegun where the account's shell did not come to it. Nothing is ever run a second time. After a deadline the
        process may still be there: it has lost its stdin, stdout and stderr.
        """
        until = Deadline.after(deadline)
        session = self._session(command, until, limit)
        try:
            if not session.pump(until, stdin=stdin):
                raise session.overdue(until)
            return session.outcome()
        finally:
            session.close()
            self._seats.leave()

    def start(self, command: Sequence[str] | str, *, deadline: float = 10.0, limit: int = LIMIT) -> Running:
        """Start a process that lives until it ends, ``close``, or the connection is gone; its stdin stays open.

        ``deadline`` is for the start alone, in seconds. Raises CommandUnknown, or Unreachable if it was never sent.
        """
        return Running(self._session(command, Deadline.after(deadline), limit), self._seats.leave)

    def open(self, address: str, port: int, deadline: float = 5.0) -> Tunnel:
        """A TCP connection from the host to ``address:port`` (an IPv6 address without brackets).

        Raises TargetRefused if the target refuses or does not answer (the service's fault), ForwardingDenied if the
        server may not forward, Unreachable if the connection is gone (the way's fault).
        """
        until = Deadline.after(deadline)
        target = f"{address}:{port}" if ":" not in address else f"[{address}]:{port}"
        try:
            channel = self._wire.channel("direct-tcpip", (address, port), until.remaining)
        except paramiko.ChannelException as error:
            if error.code == _PROHIBITED:
                what = f"sshd does not forward to {target}"
                hint = (
                    "AllowTcpForwarding local, where it says another: `sudoedit $(grep -rliE '^[^#]*(forwarding|permitopen)' "
                    "/etc/ssh/sshd_config /etc/ssh/sshd_config.d)`, then `sshd -t && systemctl reload ssh`"
                )
                raise ForwardingDenied(what, where=self.host.name, why=error.text, hint=hint) from error
            raise TargetRefused(error.text.lower() or "refused", where=f"{self.host.name} {target}") from error
        except TimeoutError as error:
            # Silence may be the target's (its packets are dropped) or the host's: one that opens a session is not dead.
            if self._answers():
                raise TargetRefused(f"no connection within {until}", where=f"{self.host.name} {target}") from error
            raise self._gone(f"no answer within {until}") from error
        except (paramiko.SSHException, EOFError, OSError) as error:
            raise self._gone(str(error)) from error
        return Tunnel(self._wire, channel, self.host.name)

    def close(self) -> None:
        """Close the connection and all on it; harmless twice."""
        self._line.end()

    def _session(self, command: Sequence[str] | str, deadline: Deadline, limit: int) -> RemoteCommand:
        """Start ``command`` on a seat of its own, waiting for one while the server allows no more."""
        while True:
            if not self._seats.take(deadline):
                raise CommandUnknown(
                    f"no free SSH session within {deadline}",
                    where=self.host.name,
                    why="the command was not run",
                    hint="raise MaxSessions in its sshd_config",
                )
            try:
                channel = self._wire.channel("session", None, deadline.remaining)
            except paramiko.ChannelException as error:
                if self._seats.refused():
                    continue  # not a retry of the command: nothing was sent yet
                raise Unreachable("the server refuses sessions", where=self.host.name, why=error.text) from error
            except (paramiko.SSHException, EOFError, OSError) as error:
                self._seats.leave(opened=False)
                raise self._gone(f"no answer within {deadline}" if deadline.passed else str(error)) from error
            except BaseException:
                self._seats.leave(opened=False)
                raise
            self._seats.opened()
            return self._begin(channel, command, limit)

    def _begin(self, channel: paramiko.Channel, command: Sequence[str] | str, limit: int) -> RemoteCommand:
        try:
            return RemoteCommand(self._wire, channel, command, self.host, limit)
        except (paramiko.SSHException, EOFError, OSError) as error:
            channel.close()
            self._seats.leave()
            raise self._gone(str(error)) from error

    def _answers(self) -> bool:
        try:
            self._wire.channel("session", None, _PULSE).close()
        except paramiko.ChannelException:
            return True  # a refusal is an answer
        except (paramiko.SSHException, EOFError, OSError):
            return False
        return True

    def _gone(self, why: str) -> Unreachable:
        return Unreachable(_GONE, where=self.host.name, why=why, hint="nothing was run; reopen the host to go on")
