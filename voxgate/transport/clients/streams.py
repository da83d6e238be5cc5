"""The ways to what answers HTTP - through a host's SSH connection, directly, by TLS over either - as httpcore wants them."""

from __future__ import annotations

import contextlib
import socket
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httpcore

from voxgate.errors import Unreachable
from voxgate.transport.ssh.failures import TargetRefused

if TYPE_CHECKING:
    import ssl

    from voxgate.model.answers import Certificate
    from voxgate.model.look import Question
    from voxgate.transport.clients.tls import Pipe, Trust
    from voxgate.transport.deadline import Deadline
    from voxgate.transport.ssh.connections import Connections

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class _Stream(httpcore.NetworkStream):
    """A pipe that ends at one moment, however little of it each read takes."""

    def __init__(self, pipe: Pipe, deadline: Deadline) -> None:
        self._pipe = pipe
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002 - see the class
        if self._deadline.passed:
            raise httpcore.ReadTimeout
        return self._pipe.recv(max_bytes, self._deadline.remaining)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002 - see the class
        if buffer:
            self._pipe.sendall(buffer, self._deadline.remaining)

    def close(self) -> None:
        self._pipe.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        raise NotImplementedError  # it begins with TLS, or has none


@dataclass(slots=True)
class Backend(httpcore.NetworkBackend):
    """Connects for one question: by the host's own SSH connection, or ``direct``; by TLS where the question says so, and then
    ``certificate`` is what was shown.

    Directly, refused is the service's doing; no way, no name or silence is the way's.
    """

    connections: Connections
    question: Question
    deadline: Deadline
    trust: Trust | None = None
    direct: bool = False
    certificate: Certificate | None = field(default=None, init=False)

    def connect_tcp(self, *_: object, **__: object) -> httpcore.NetworkStream:
        """Raises Unreachable, TargetRefused, ForwardingDenied, ssl.SSLError."""
        if self.trust is None or not self.question.tls:
            return _Stream(self._connect(), self.deadline)
        tls, self.certificate = self.trust.enter(self._connect, self.question.tls, self.deadline)
        return _Stream(tls, self.deadline)

    def _connect(self) -> Pipe:
        if not self.direct:
            return self.connections[self.question.host].open(self.address, self.question.port, self.deadline.remaining)
        own = self.connections.estate.host(self.question.host).address
        return self._directly(self.connections.address_of(own) if self.question.address in _LOOPBACK else self.address)

    @property
    def address(self) -> str:
        """What is connected to: the question's own address, or what an alias of SSH stands for. Raises Unreachable."""
        return self.connections.address_of(self.question.address)

    def _directly(self, address: str) -> Pipe:
        where = f"{self.question.host} {address}:{self.question.port}"
        try:
            sock = socket.create_connection((address, self.question.port), max(self.deadline.remaining, 0.001))
        except ConnectionRefusedError as error:
            raise TargetRefused("connection refused", where=where) from error
        except OSError as error:
            what = f"no connection within {self.deadline}" if isinstance(error, TimeoutError) else "no connection"
            raise Unreachable(what, where=where, why=error.strerror or str(error)) from error
        except ValueError as error:  # a name of 300 letters, an empty label, a NUL
            raise Unreachable("no connection", where=where, why=f"that is no address: {error}") from error
        return _Socket(sock)


@dataclass(slots=True)
class _Socket:
    """A plain socket with a timeout for each call."""

    sock: socket.socket

    def recv(self, size: int, timeout: float) -> bytes:
        self.sock.settimeout(timeout)
        return self.sock.recv(size)

    def sendall(self, data: bytes, timeout: float) -> None:
        self.sock.settimeout(timeout)
        self.sock.sendall(data)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self.sock.close()
