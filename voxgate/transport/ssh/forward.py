"""A local port that leads to a host's own network, for libraries that insist on connecting by themselves.

A port on loopback is anybody's who has an account on this machine: so whoever connects is let through only where the kernel says
that the other end is our own account's. And what the host's side sends has a limit, whatever the library would take.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from voxgate.errors import VoxgateError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voxgate.transport.ssh.connection import Connection
    from voxgate.transport.ssh.tunnel import Tunnel

LIMIT = 64 * 1024 * 1024
_CHUNK = 65536
_JOIN = 2.0
_CONNECTIONS = Path("/proc/net/tcp")
_UID, _INODE = 7, 9  # words of its rows


@dataclass(slots=True)
class Forward:
    """An open forward: connect to ``address:port``. ``trouble`` holds why the last connection led nowhere, if one did; ``heard``
    is how many bytes came back, and may be set to nought where the limit is for what comes next.
    """

    port: int
    address: str = "127.0.0.1"
    trouble: VoxgateError | None = None
    heard: int = 0


@contextlib.contextmanager
def forward(connection: Connection, address: str, port: int, *, deadline: float = 5.0, limit: int = LIMIT) -> Iterator[Forward]:
    """Relay our own account's connections to a port on loopback to ``address:port`` as the host sees it, while the context
    lasts.

    ``deadline`` in seconds is for the host to reach its target; a connection that leads nowhere is closed, and
    ``trouble`` says why. So is one that brings more than ``limit`` bytes back, counted over all of them. Leaving closes every
    connection and waits for every thread.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        relay = _Relay(connection, (address, port), deadline, limit, Forward(listener.getsockname()[1]))
        acceptor = threading.Thread(target=relay.accept, args=(listener,), name="voxgate-forward", daemon=True)
        acceptor.start()
        try:
            yield relay.state
        finally:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)  # wakes accept
            acceptor.join(_JOIN)
            relay.close()


@dataclass(slots=True)
class _Relay:
    """All connections of one forward."""

    connection: Connection
    target: tuple[str, int]
    deadline: float
    limit: int
    state: Forward
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _open: list[tuple[socket.socket, Tunnel]] = field(default_factory=list)
    _threads: list[threading.Thread] = field(default_factory=list)
    _closed: bool = False

    def accept(self, listener: socket.socket) -> None:
        """Take connections until the listener is shut."""
        while True:
            try:
                local, peer = listener.accept()
            except OSError:
                return
            if _is_ours(peer, listener.getsockname()):
                self._spawn(local)
            else:
                local.close()

    def close(self) -> None:
        """Close what is open and wait for the threads."""
        with self._lock:
            self._closed = True
            open_ones, threads = list(self._open), list(self._threads)
        for local, tunnel in open_ones:
            _shut(local)
            tunnel.close()
        for thread in threads:
            thread.join(self.deadline + _JOIN)

    def _spawn(self, local: socket.socket) -> None:
        thread = threading.Thread(target=self._serve, args=(local,), name="voxgate-forward", daemon=True)
        with self._lock:
            self._threads = [one for one in self._threads if one.is_alive()] + [thread]
            thread.start()

    def _serve(self, local: socket.socket) -> None:
        """One connection: open its tunnel, carry one way here and the other in a thread of its own."""
        with local:
            try:
                tunnel = self.connection.open(*self.target, self.deadline)
            except VoxgateError as error:
                self.state.trouble = error
                return
            with tunnel:
                with self._lock:
                    if self._closed:
                        return
                    self._open.append((local, tunnel))
                back = threading.Thread(target=self._back, args=(tunnel, local), name="voxgate-forward", daemon=True)
                back.start()
                with contextlib.suppress(OSError, VoxgateError):
                    while data := local.recv(_CHUNK):
                        tunnel.sendall(data)
                    tunnel.end_sending()
                back.join()
                with self._lock:
                    self._open.remove((local, tunnel))

    def _back(self, tunnel: Tunnel, local: socket.socket) -> None:
        """From the target to us; its end ends the whole connection, since nothing more can come of it."""
        try:
            while data := tunnel.recv(_CHUNK):
                self._take(len(data))
                local.sendall(data)
        except VoxgateError as error:
            self.state.trouble = error
        except OSError:
            pass  # we closed it, or the library did
        _shut(local)

    def _take(self, size: int) -> None:
        """So many bytes came. Raises VoxgateError once they are too many."""
        with self._lock:
            self.state.heard += size
            if self.state.heard > self.limit:
                address, port = self.target
                what, why = "it says more than is taken", f"over {self.limit} bytes"
                raise VoxgateError(what, where=f"{self.connection.host.name} {address}:{port}", why=why)


def _is_ours(peer: tuple[str, int], here: tuple[str, int]) -> bool:
    """True if it is our own account that connected from ``peer``: the kernel's list says whose each connection is. Where there
    is no such list, or the connection is not in it any more, nobody knows.
    """
    ends = [_spelled(peer), _spelled(here)]
    with contextlib.suppress(OSError), _CONNECTIONS.open(encoding="ascii") as rows:
        for row in rows:
            words = row.split()
            if words[1:3] == ends:  # without an inode nobody has it any more, and root is named for nobody
                return words[_INODE] != "0" and int(words[_UID]) == os.geteuid()
    return False


def _spelled(end: tuple[str, int]) -> str:
    """An end of a connection as the kernel spells it."""
    return f"{int.from_bytes(socket.inet_aton(end[0]), sys.byteorder):08X}:{end[1]:04X}"


def _shut(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
