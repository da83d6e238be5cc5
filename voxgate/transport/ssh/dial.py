"""Making one connection: socket (or jump, or proxy command), handshake, host key, login - all before one deadline."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import paramiko
from paramiko.ssh_exception import IncompatiblePeer

from voxgate.errors import Unreachable
from voxgate.model.advice import quoted
from voxgate.transport.ssh.login import log_in
from voxgate.transport.ssh.wire import Wire
from voxgate.transport.surroundings import environment

if TYPE_CHECKING:
    from voxgate.transport.deadline import Deadline
    from voxgate.transport.ssh.known_hosts import KnownHosts, Pinned
    from voxgate.transport.ssh.route import Hop

KEEPALIVE = 5
# Unanswered bytes end the connection after this long; else a vanished host hangs everybody for a quarter of an hour.
_SILENCE_MS = 20_000


@dataclass(slots=True)
class Line:
    """A verified, logged-in transport, the key that the server showed for it (pinned, or certified by one that is), and the proxy
    command that carries it, if one does.
    """

    wire: Wire
    proxy: subprocess.Popen[bytes] | None = None
    host_key: paramiko.PKey | None = None

    def end(self) -> None:
        """Close it and everything that belongs to it; harmless twice."""
        self.wire.end()
        if self.proxy is not None:
            _end_proxy(self.proxy)


@dataclass(slots=True)
class Dialler:
    """Opens lines. Jump hosts are opened once and shared by all hosts behind them."""

    known: KnownHosts
    _jumps: dict[Hop, Line] = field(default_factory=dict)
    _locks: dict[Hop, threading.Lock] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def dial(self, hop: Hop, where: str, deadline: Deadline) -> Line:
        """A new line to ``hop``. Raises Unreachable, in one line, whatever went wrong and wherever on the way."""
        sock, proxy = self._socket(hop, where, deadline)
        pinned = self.known.of(hop.key_name, hop.port)
        wire = Wire(sock, pinned.algorithms)
        line = Line(wire, proxy)
        try:
            line.host_key = _shake_hands(wire, where, pinned, deadline)
            log_in(wire, hop, where, deadline)
            wire.set_keepalive(KEEPALIVE)
        except (paramiko.SSHException, EOFError, OSError) as error:
            line.end()
            raise _lost(hop, where, error, deadline) from error
        except BaseException:
            line.end()
            raise
        return line

    def end(self) -> None:
        """Close the jump hosts' lines."""
        with self._lock:
            lines = list(self._jumps.values())
            self._jumps.clear()
        for line in lines:
            line.end()

    def _socket(
        self, hop: Hop, where: str, deadline: Deadline
    ) -> tuple[socket.socket | paramiko.Channel, subprocess.Popen[bytes] | None]:
        if hop.via is not None:
            return self._through(hop.via, hop, where, deadline), None
        if hop.command is not None:
            return _command_socket(hop.command, where)
        return _tcp_socket(hop, where, deadline), None

    def _through(self, via: Hop, hop: Hop, where: str, deadline: Deadline) -> paramiko.Channel:
        jump = self._jump(via, where, deadline)
        try:
            return jump.wire.channel("direct-tcpip", (hop.address, hop.port), deadline.remaining)
        except (paramiko.SSHException, EOFError, OSError) as error:
            why = error.text if isinstance(error, paramiko.ChannelException) else str(error)
            raise Unreachable(
                f"jump host {via} does not reach {hop.address}:{hop.port}", where=where, why=why or type(error).__name__
            ) from error

    def _jump(self, via: Hop, where: str, deadline: Deadline) -> Line:
        with self._lock:
            lock = self._locks.setdefault(via, threading.Lock())
        if not lock.acquire(timeout=deadline.remaining):
            raise Unreachable(f"jump host {via} gave no connection within {deadline}", where=where)
        try:
            line = self._jumps.get(via)
            if line is None or not line.wire.is_active():
                if line is not None:
                    line.end()
                line = self._jumps[via] = self.dial(via, f"{where} (jump host {via.name})", deadline)
            return line
        finally:
            lock.release()


def _shake_hands(wire: Wire, where: str, pinned: Pinned, deadline: Deadline) -> paramiko.PKey:
    """The server's key, once it is known to be pinned; what it shows when keys are exchanged anew is another matter."""
    wire.banner_timeout = wire.handshake_timeout = deadline.remaining
    try:
        wire.start_client(timeout=deadline.remaining)
    except IncompatiblePeer as error:
        what = "no common SSH algorithm"
        if pinned.algorithms and "host key" in str(error):
            what = f"the host has no key of the kind that is pinned ({', '.join(pinned.algorithms)})"
            if not pinned.keys:
                what = "the host shows no certificate, and only an authority (@cert-authority) is pinned for it"
        raise Unreachable(what, where=where, why=str(error)) from error
    if not wire.initial_kex_done:
        raise TimeoutError
    key = wire.get_remote_server_key()
    shown = key.public_blob.key_blob if key.public_blob is not None else None
    pinned.check(key.asbytes(), key.get_name(), where, shown)
    return key


def _lost(hop: Hop, where: str, error: Exception, deadline: Deadline) -> Unreachable:
    """A handshake or login that broke off, in words."""
    if deadline.passed or "timed out" in str(error).lower():
        why = f"{hop} accepts connections but does not answer as sshd"
        return Unreachable(f"no SSH answer within {deadline}", where=where, why=why, hint=_by_hand(hop))
    why = str(error) or "the server closed the connection"
    if "banner" in why:
        why = "the server closed the connection before it said that it speaks SSH (MaxStartups, or another service)"
    return Unreachable(f"no SSH connection to {hop}", where=where, why=why, hint=_by_hand(hop))


def _by_hand(hop: Hop) -> str:
    """What shows more, typed where the gate runs."""
    by_hand = f"`ssh -v -o ConnectTimeout=10 -p {hop.port} {quoted(hop.address)} true`"
    return f"is the host on, and does its firewall let this machine in? on the gate: {by_hand}"


def _tcp_socket(hop: Hop, where: str, deadline: Deadline) -> socket.socket:
    """A TCP connection to the first address that takes one; each gets its share of the time."""
    try:
        found = socket.getaddrinfo(hop.address, hop.port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as error:
        why = error.strerror if isinstance(error, socket.gaierror) else str(error)
        raise Unreachable(f"the name {hop.address} is not resolvable", where=where, why=why or "") from error
    failure = "no address"
    for left, (family, kind, number, _, address) in zip(range(len(found), 0, -1), found, strict=True):
        sock = socket.socket(family, kind, number)
        try:
            sock.settimeout(max(deadline.remaining / left, 0.01))
            sock.connect(address)
        except OSError as error:
            sock.close()
            failure = error.strerror or str(error)
            if isinstance(error, TimeoutError):
                failure = f"no answer within {deadline}"
            continue
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _SILENCE_MS)
        return sock
    what = f"no connection to {hop.address}:{hop.port}"
    raise Unreachable(what, where=where, why=failure.lower(), hint=_by_hand(hop))


def _command_socket(command: str, where: str) -> tuple[socket.socket, subprocess.Popen[bytes]]:
    """A ProxyCommand as a socket: the command has the other end as its stdin and stdout, as under ssh(1)."""
    ours, theirs = socket.socketpair()
    try:
        proxy = subprocess.Popen(
            ["/bin/sh", "-c", f"exec {command}"],
            stdin=theirs.fileno(), stdout=theirs.fileno(), stderr=subprocess.DEVNULL, start_new_session=True,
            env=environment(ssh=True),
        )  # fmt: skip
    except OSError as error:
        ours.close()
        raise Unreachable("the ProxyCommand does not start", where=where, why=str(error)) from error
    finally:
        theirs.close()
    return ours, proxy


def _end_proxy(proxy: subprocess.Popen[bytes]) -> None:
    """End a proxy command with all it started, and reap it."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(proxy.pid, number)
        try:
            proxy.wait(1.0)
        except subprocess.TimeoutExpired:
            continue
        return
