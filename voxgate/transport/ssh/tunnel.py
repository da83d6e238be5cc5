"""A TCP connection made by the host on our behalf (direct-tcpip), used like a socket."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Self

import paramiko

from voxgate.errors import Unreachable

if TYPE_CHECKING:
    from voxgate.transport.ssh.wire import Wire


class Tunnel:
    """One such connection. Losing the way raises Unreachable; what the target itself does looks as on any socket."""

    def __init__(self, wire: Wire, channel: paramiko.Channel, where: str) -> None:
        """Wrap an open channel of ``wire``."""
        self._wire = wire
        self._channel = channel
        self._where = where
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def recv(self, size: int, timeout: float | None = None) -> bytes:
        """Up to ``size`` bytes, empty at the target's end. Raises TimeoutError after ``timeout`` seconds, Unreachable
        if the SSH connection is gone.
        """
        self._channel.settimeout(timeout)
        try:
            data = bytes(self._channel.recv(size))
        except TimeoutError:
            raise
        except (OSError, EOFError, paramiko.SSHException) as error:
            raise self._lost() from error
        if not data and not self._channel.eof_received and not self._closed and self._wire.is_lost():
            raise self._lost()
        return data

    def sendall(self, data: bytes, timeout: float | None = None) -> None:
        """Write all of ``data``. Raises TimeoutError, BrokenPipeError if the target is gone, Unreachable if the way is."""
        self._channel.settimeout(timeout)
        while data:
            try:
                sent = self._channel.send(data)
            except TimeoutError:
                raise
            except (OSError, EOFError, paramiko.SSHException) as error:
                if self._wire.is_lost():
                    raise self._lost() from error
                raise BrokenPipeError from error
            if sent == 0:
                raise BrokenPipeError
            data = data[sent:]

    def end_sending(self) -> None:
        """Tell the target that no more comes."""
        with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
            self._channel.shutdown_write()

    def close(self) -> None:
        """Close it; harmless twice, and wakes whoever waits in ``recv``."""
        self._closed = True
        with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
            self._channel.close()

    def _lost(self) -> Unreachable:
        what = "the SSH connection was lost"
        return Unreachable(what, where=self._where)
