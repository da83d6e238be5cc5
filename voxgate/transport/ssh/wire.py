"""paramiko's Transport with the few things it lacks; beside ``packets`` the only place that touches its inner parts.

What is added: a failed channel tells its own reason also when many are opened at once, a signal that ended a remote
command is heard, everybody who waits on a channel is woken without polling, a request to run a command waits for no
answer (one round trip less), host key algorithms are exactly those asked for, its log says nothing, and what a server sends has
limits: in a packet, on a channel, without having been asked, and while and as often as it exchanges keys anew.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import paramiko
from paramiko.common import (
    MSG_CHANNEL_DATA,
    MSG_CHANNEL_EXTENDED_DATA,
    MSG_CHANNEL_REQUEST,
    MSG_CHANNEL_WINDOW_ADJUST,
    cMSG_CHANNEL_REQUEST,
)

from voxgate.transport.ssh.packets import Packets

if TYPE_CHECKING:
    from collections.abc import Sequence

_LOG = "voxgate.transport.ssh"
_CIPHERS = ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "aes128-ctr", "aes256-ctr")
# A transport that dies closes its channels a moment before it calls itself dead.
_DYING = 0.5
_EXTENSIONS = 64  # names in one message of them
_NEW_KEYS = 10.0  # seconds in which keys are exchanged anew: until then nothing can be said, whatever deadline it has
# Exchanges of keys that a connection has room for at any time, and the seconds after which it has room for one more.
_EXCHANGES, _SPACING = 32, 5.0
# Here the server chooses the group: of 8192 bits each exchange takes Python 2.5 seconds, and nothing else goes on meanwhile.
_OF_THE_SERVERS_GROUP = "diffie-hellman-group-exchange-"
_LENGTH = 4  # bytes that a length takes
_CLOSE = 97
_ENDS = {96, _CLOSE}  # that a side says no more, that the channel is closed
_ON_CHANNEL = frozenset({93, 94, 95, 96, 98})  # window, data, extended data, end of file, request


class Bell(threading.Event):
    """Rings when anything happened on a channel. paramiko clears its events by itself; this one only by ``rearm``."""

    def clear(self) -> None:
        """Nothing: one of two streams being empty says nothing about the other."""

    def rearm(self) -> None:
        """Wait for the next ring."""
        super().clear()


@dataclass(slots=True)
class Ear:
    """What is heard about one channel that paramiko keeps to itself."""

    bell: Bell = field(default_factory=Bell)
    signal: str = ""


class Wire(paramiko.Transport):
    """One SSH transport, with what the module says added."""

    def __init__(self, sock: socket.socket | paramiko.Channel, host_keys: Sequence[str]) -> None:
        """Take a connected socket; ``host_keys`` are the algorithms the server may show its key by, empty for any."""
        super().__init__(sock, packetizer_class=Packets)
        self.clear_to_send_timeout = _NEW_KEYS
        self._late: dict[int, int] = {}
        self._host_keys = tuple(host_keys)
        self._opening = threading.local()
        self._refusals: dict[int, paramiko.ChannelException] = {}
        self._ears: dict[int, Ear] = {}
        self._order = threading.RLock()
        self._closed_there: set[int] = set()
        self._exchanges, self._since = 0, time.monotonic()
        self._channel_handler_table: Mapping[int, Callable[[paramiko.Channel, paramiko.Message], None]] = {
            **paramiko.Transport._channel_handler_table,  # type: ignore[attr-defined] # noqa: SLF001
            MSG_CHANNEL_DATA: self._hear_data,
            MSG_CHANNEL_EXTENDED_DATA: self._hear_extended_data,
            MSG_CHANNEL_REQUEST: self._hear_request,
            MSG_CHANNEL_WINDOW_ADJUST: self._hear_window,
        }
        if logging.getLogger(_LOG).level == logging.NOTSET:  # whoever wants to read it sets a level
            logging.getLogger(_LOG).setLevel(logging.CRITICAL + 1)
        self.set_log_channel(_LOG)
        options = self.get_security_options()
        options.ciphers = _CIPHERS
        options.kex = tuple(one for one in options.kex if not one.startswith(_OF_THE_SERVERS_GROUP))

    @property
    def preferred_keys(self) -> Sequence[str]:
        """The algorithms of what is pinned and no others; paramiko would add certificates, which nobody vouches for then."""
        plain = super().preferred_keys
        wanted = self._host_keys or tuple(name for name in plain if "-cert-" not in name)
        return tuple(name for name in wanted if name in plain)

    def channel(self, kind: str, target: tuple[str, int] | None, timeout: float) -> paramiko.Channel:
        """Open a channel; ``target`` for direct-tcpip only.

        Raises ChannelException with the server's own code and words if *this* channel was refused, SSHException,
        OSError or EOFError if the transport is dead, TimeoutError after ``timeout`` seconds without an answer.
        """
        self._opening.number = None
        try:
            return self.open_channel(kind, target, ("127.0.0.1", 0), timeout=timeout)
        except (paramiko.SSHException, EOFError, OSError) as error:
            refusal = self._refusals.pop(self._opening.number, None) if self._opening.number is not None else None
            if refusal is not None:
                raise refusal from None
            if str(error).startswith("Timeout"):
                raise TimeoutError(str(error)) from error
            raise

    def ear(self, channel: paramiko.Channel) -> Ear:
        """Listen to a channel: its bell rings on data, room to write, end and close."""
        ear = Ear()
        self._ears[channel.chanid] = ear
        channel.in_buffer.set_event(ear.bell)
        channel.in_stderr_buffer.set_event(ear.bell)
        return ear

    def forget(self, channel: paramiko.Channel) -> None:
        """Stop listening."""
        self._ears.pop(channel.chanid, None)

    def ask_to_run(self, channel: paramiko.Channel, command: bytes) -> None:
        """Ask for a command without waiting for the answer: a refusal closes the channel, which is heard anyway."""
        message = paramiko.Message()
        message.add_byte(cMSG_CHANNEL_REQUEST)
        message.add_int(channel.remote_chanid)
        message.add_string(b"exec")
        message.add_boolean(True)  # noqa: FBT003 - the protocol's want-reply
        message.add_string(command)
        self._send_user_message(message)

    def is_lost(self) -> bool:
        """True if the transport is dead, or dies within the moment after a channel ended in silence."""
        if self.is_active():
            self.join(_DYING)
        return not self.is_active()

    def end(self) -> None:
        """Close, and wait for the thread, so that nothing of it is left when the interpreter ends."""
        with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
            self.sock.shutdown(socket.SHUT_RDWR)  # wakes the thread, which would sit in recv for a while else
        self.close()
        self.sock.close()
        if self.is_alive() and self is not threading.current_thread():
            self.join(2.0)

    def _send_user_message(self, data: paramiko.Message) -> None:
        """Never a word on a channel after its close: two threads may race there, and OpenSSH hangs up on who does it. A server
        that begins to exchange keys anew and does not end it is lost: each further word would wait for it again.
        """
        said = data.asbytes()
        kind, remote = said[0], int.from_bytes(said[1:5], "big")
        with self._order:
            if kind in _ON_CHANNEL and remote in self._closed_there:
                return
            if kind == _CLOSE:
                self._closed_there.add(remote)
            self._packets.asked()
            try:
                super()._send_user_message(data)  # type: ignore[misc]
            except paramiko.SSHException:
                self.close()
                if kind not in _ENDS:
                    raise
            except (EOFError, OSError):
                if kind not in _ENDS:  # where all is lost, this channel is closed too, and who closes has more to do
                    raise

    def _parse_channel_open_success(self, message: paramiko.Message) -> None:
        message.get_int()
        self._closed_there.discard(message.get_int())  # the server counts its channels anew
        message.rewind()
        super()._parse_channel_open_success(message)  # type: ignore[misc]

    # What paramiko calls, in its own thread (but for _next_channel, which the opening thread calls).

    def _next_channel(self) -> int:
        number: int = super()._next_channel()  # type: ignore[misc]
        self._opening.number = number
        return number

    def _parse_channel_open_failure(self, message: paramiko.Message) -> None:
        number, code, words = message.get_int(), message.get_int(), message.get_text()
        if number in self._inner(self).channel_events:  # whoever asked for it still waits
            self._refusals[number] = paramiko.ChannelException(code, words)
        message.rewind()
        super()._parse_channel_open_failure(message)  # type: ignore[misc]

    def _negotiate_keys(self, message: paramiko.Message) -> None:
        self._exchanges += 1
        if self._exchanges > _EXCHANGES + (time.monotonic() - self._since) / _SPACING:
            msg = f"it began {self._exchanges} exchanges of keys"
            raise paramiko.SSHException(msg)
        super()._negotiate_keys(message)  # type: ignore[misc]

    def _parse_ext_info(self, message: paramiko.Message) -> None:
        if message.get_int() > _EXTENSIONS:  # each would be read, whether it is there or not
            msg = "it announced too many extensions"
            raise paramiko.SSHException(msg)
        message.rewind()
        super()._parse_ext_info(message)  # type: ignore[misc]

    def _unlink_channel(self, number: int) -> None:
        super()._unlink_channel(number)  # type: ignore[misc]
        self._late.pop(number, None)

    def _hear_data(self, channel: paramiko.Channel, message: paramiko.Message) -> None:
        if self._is_wanted(channel, message, _LENGTH):
            self._inner(channel)._feed(message)  # noqa: SLF001

    def _hear_extended_data(self, channel: paramiko.Channel, message: paramiko.Message) -> None:
        if self._is_wanted(channel, message, 2 * _LENGTH):
            self._inner(channel)._feed_extended(message)  # noqa: SLF001

    def _is_wanted(self, channel: paramiko.Channel, message: paramiko.Message, beside: int) -> bool:
        """True for what a reader will want; False for what was on its way as we closed the channel. Raises SSHException where the
        server sends more than we gave it room for.
        """
        size, closed, number = len(message.get_remainder()) - beside, channel.closed, channel.chanid
        if closed:
            held = self._late[number] = self._late.get(number, 0) + size
        else:
            held = len(channel.in_buffer) + len(channel.in_stderr_buffer) + size
        if held > self.default_window_size:
            msg = f"it sent more than the {self.default_window_size} bytes that a channel has room for"
            raise paramiko.SSHException(msg)
        self._packets.wanted(len(message.asbytes()))
        return not closed

    @property
    def _packets(self) -> Packets:
        return cast("Packets", self.packetizer)

    def _hear_request(self, channel: paramiko.Channel, message: paramiko.Message) -> None:
        if message.get_text() == "exit-signal":
            message.get_boolean()
            if (ear := self._ears.get(channel.chanid)) is not None:
                ear.signal = message.get_text()
        message.rewind()
        message.get_int()  # the channel's number, which paramiko had read before it called
        self._inner(channel)._handle_request(message)  # noqa: SLF001

    def _hear_window(self, channel: paramiko.Channel, message: paramiko.Message) -> None:
        self._inner(channel)._window_adjust(message)  # noqa: SLF001
        if (ear := self._ears.get(channel.chanid)) is not None:
            ear.bell.set()

    @staticmethod
    def _inner(channel: paramiko.Channel | paramiko.Transport) -> Any:
        return channel  # as Any: paramiko's stubs leave its inner parts out
