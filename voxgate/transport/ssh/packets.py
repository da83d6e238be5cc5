"""paramiko's Packetizer with the limits it lacks: a host says how long its packets are, and how many it sends.

Whoever stands at the other end may send whatever he likes, also before he showed a key. So no packet is longer than OpenSSH's own
limit, the words before the first packet have an end, and so has all that nobody asked for. Nor does it choose how long we write:
behind a jump host or a ProxyCommand no TCP of ours notices that nobody takes it.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import paramiko
from paramiko.packet import Packetizer

if TYPE_CHECKING:
    import socket

    from typing_extensions import Buffer

PACKET_AT_MOST = 256 * 1024
# What exchanges keys is read by a time of the square of its numbers' lengths: 5 seconds for one of the length of a packet. Real
# ones, certificates too, are of some thousand bytes.
EXCHANGED_AT_MOST = 35_000
_EXCHANGE = range(20, 50)  # kinds of messages
_BESIDE = 64  # bytes that are read with a packet: its code of authentication
GREETING_AT_MOST = 64 * 1024
UNASKED_AT_MOST = 64 * 1024 * 1024
UNASKED_MESSAGES = 100_000
# What we say on a channel brings us answers: that it is open, room to write, how it ended.
_ANSWERS, _ANSWERED = 8, 512
SILENCE = 20.0  # seconds in which nothing of what we write is taken: the way is dead, as TCP_USER_TIMEOUT has it
_SMALL = 64  # bytes: data in smaller pieces costs more to read than it brings


class Packets(Packetizer):
    """One transport's packets. Read by one thread; ``asked`` is said by whoever holds the transport's order."""

    def __init__(self, socket: socket.socket) -> None:
        """Nothing was read yet."""
        super().__init__(socket)
        self._way = socket
        self._greeted = 0
        self._questions = 0
        self._unasked = 0
        self._unasked_messages = 0

    def read_all(self, n: int, check_rekey: bool = False) -> bytes:  # noqa: FBT001, FBT002 - paramiko's form
        """So many bytes. Raises SSHException before it takes any, where they are more than a packet has."""
        if not 0 <= n <= PACKET_AT_MOST + _BESIDE:
            msg = f"a packet of {n} bytes was announced: over {PACKET_AT_MOST}, or none at all"
            raise paramiko.SSHException(msg)
        return bytes(super().read_all(n, check_rekey))

    def read_message(self) -> tuple[int, paramiko.Message]:
        """The next message. Raises SSHException where too much came that nobody asked for, or one of keys is too long."""
        kind, message = super().read_message()
        if kind in _EXCHANGE and (size := len(message.asbytes())) > EXCHANGED_AT_MOST:
            msg = f"it exchanges keys by a message of {size} bytes, over {EXCHANGED_AT_MOST}"
            raise paramiko.SSHException(msg)
        self._unasked += len(message.asbytes())
        self._unasked_messages += 1
        answers = self._questions * _ANSWERS
        if self._unasked > UNASKED_AT_MOST + self._questions * _ANSWERED or self._unasked_messages > UNASKED_MESSAGES + answers:
            msg = f"it sent {self._unasked} bytes in {self._unasked_messages} messages that nobody asked for"
            raise paramiko.SSHException(msg)
        return kind, message

    def write_all(self, out: Buffer) -> None:
        """Write so many bytes. Raises EOFError, and nothing goes either way from then on, where for a while none is taken:
        everybody who writes to this host waits for this one.
        """
        rest, taken_at = bytes(out), time.monotonic()
        while rest:
            try:
                taken = self._way.send(rest)
            except (TimeoutError, BlockingIOError):
                if self.closed or time.monotonic() - taken_at > SILENCE:
                    self.close()
                    raise EOFError from None
                continue
            except (OSError, paramiko.SSHException):
                raise EOFError from None
            if not taken:  # a channel that is closed says no more than that
                raise EOFError
            rest, taken_at = rest[taken:], time.monotonic()

    def asked(self) -> None:
        """Something was said on a channel: a few answers to it will come."""
        self._questions += 1

    def wanted(self, size: int) -> None:
        """The last message was ``size`` bytes that a channel had room for."""
        self._unasked -= size
        if size >= _SMALL:
            self._unasked_messages -= 1

    def _read_timeout(self, timeout: float) -> bytes:
        """A piece of what the server says before its first packet. Raises SSHException where that has no end."""
        piece: bytes = super()._read_timeout(timeout)  # type: ignore[misc]
        self._greeted += len(piece)
        if self._greeted > GREETING_AT_MOST:
            msg = f"its greeting is over {GREETING_AT_MOST} bytes"
            raise paramiko.SSHException(msg)
        return piece
