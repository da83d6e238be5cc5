"""A host that sends more than anybody asked for is lost, at once, and alone: it has neither the gate's memory nor its time."""

from __future__ import annotations

import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import paramiko
import pytest
from paramiko.common import AUTH_SUCCESSFUL, OPEN_SUCCEEDED, cMSG_CHANNEL_DATA, cMSG_EXT_INFO, cMSG_KEXINIT
from paramiko.kex_gex import c_MSG_KEXDH_GEX_GROUP
from paramiko.kex_group14 import c_MSG_KEXDH_REPLY
from paramiko.packet import Packetizer

from voxgate.deploy.hosts import claim as claim_of_all
from voxgate.deploy.hosts.holding import Hold
from voxgate.deploy.hosts.state import Author
from voxgate.deploy.stop import Stop
from voxgate.errors import CommandUnknown, Unreachable
from voxgate.transport.ssh import wire
from voxgate.transport.ssh.connection import Connection

from .conftest import Ground, Opened, free_port, host, key

MEGABYTE = 1024 * 1024
SOON = 10.0
BUFFERS = 16 * MEGABYTE  # what two kernels may keep of what one sent and the other did not read


class _AnyKey(paramiko.ServerInterface):
    """Lets everybody in, opens every session, and says yes to every command."""

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:  # noqa: ARG002
        return AUTH_SUCCESSFUL

    def get_allowed_auths(self, username: str) -> str:  # noqa: ARG002
        return "publickey"

    def check_channel_request(self, kind: str, chanid: int) -> int:  # noqa: ARG002
        return OPEN_SUCCEEDED

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:  # noqa: ARG002
        return True


class Hostile:
    """A host of its own, on loopback: what it does with its one visitor is the test's."""

    def __init__(self, ground: Ground, act: Callable[[Hostile, socket.socket], None]) -> None:
        self.key = key(ground.folder / f"hostile-{free_port()}")
        self.sent = 0
        self.begun = threading.Event()
        self.over = threading.Event()
        self.ended = threading.Event()
        self._act = act
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def pin(self) -> str:
        """Its line of known_hosts."""
        return f"[127.0.0.1]:{self.port} {' '.join(Path(f'{self.key}.pub').read_text().split()[:2])}\n"

    def log_in(self, peer: socket.socket) -> paramiko.Transport:
        """Let the visitor in."""
        transport = paramiko.Transport(peer)
        transport.add_server_key(paramiko.Ed25519Key.from_private_key_file(str(self.key)))
        transport.start_server(server=_AnyKey())
        return transport

    def flood(self, send: Callable[[bytes], object], piece: bytes, most: int) -> None:
        """Send the same until nobody takes it, or ``most`` bytes went."""
        while self.sent < most:
            send(piece)
            self.sent += len(piece)

    def close(self) -> None:
        """Take no visitor, and wait for the one there is to go."""
        self.over.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(SOON)

    def _serve(self) -> None:
        with suppress(OSError, EOFError, paramiko.SSHException):
            peer = self._listener.accept()[0]
            with peer:
                self._act(self, peer)
        self.ended.set()


Hostiles = Callable[[Callable[[Hostile, socket.socket], None]], Hostile]


@pytest.fixture
def hostile(ground: Ground) -> Iterator[Hostiles]:
    """``hostile(act)``: a host that lets a visitor in and then does ``act``."""
    made: list[Hostile] = []

    def make(act: Callable[[Hostile, socket.socket], None]) -> Hostile:
        made.append(Hostile(ground, act))
        return made[-1]

    yield make
    for one in made:
        one.close()


def _visited(ground: Ground, opened: Opened, one: Hostile) -> Connection:
    return opened(ground.estate(host(one.port), known=one.pin), 30.0)["one"]


def _before_a_key(head: bytes, piece: bytes) -> Callable[[Hostile, socket.socket], None]:
    def act(self: Hostile, peer: socket.socket) -> None:
        peer.sendall(head)
        self.flood(peer.sendall, piece, 400 * MEGABYTE)

    return act


@pytest.mark.parametrize(
    ("head", "piece"),
    [
        (b"SSH-2.0-x\r\n" + struct.pack(">I", 0xFFFFFFF4), bytes(65536)),
        (b"", b"a greeting that does not end"),
        (b"SSH-2.0-x\r\n", struct.pack(">IBB", 32764, 4, 2) + bytes(32762)),
    ],
    ids=["a-packet-of-four-gigabytes", "an-endless-greeting", "packets-that-say-nothing"],
)
def test_a_host_that_showed_no_key_takes_no_memory(
    ground: Ground, opened: Opened, hostile: Hostiles, head: bytes, piece: bytes
) -> None:
    one = hostile(_before_a_key(head, piece))
    began = time.monotonic()
    with pytest.raises(Unreachable):
        _visited(ground, opened, one)
    assert time.monotonic() - began < 20, "it was listened to until the deadline"
    assert one.ended.wait(SOON)
    assert one.sent < 64 * MEGABYTE + BUFFERS


def _after_login(flood: Callable[[Hostile, paramiko.Transport, socket.socket, paramiko.Channel], None]) -> Callable[..., None]:
    def act(self: Hostile, peer: socket.socket) -> None:
        transport = self.log_in(peer)
        try:
            channel = transport.accept(SOON)
            assert channel is not None
            flood(self, transport, peer, channel)
        finally:
            transport.close()

    return act


def _one_long_packet(self: Hostile, transport: paramiko.Transport, peer: socket.socket, channel: paramiko.Channel) -> None:
    peer.sendall(struct.pack(">I", 0x7FFFFFF0))
    self.flood(peer.sendall, bytes(65536), 400 * MEGABYTE)


def _nothing_at_all(self: Hostile, transport: paramiko.Transport, _: socket.socket, channel: paramiko.Channel) -> None:
    def send(piece: bytes) -> None:
        if not transport.is_active():
            raise EOFError
        transport.send_ignore(len(piece))

    self.flood(send, bytes(32000), 400 * MEGABYTE)


def _more_than_there_is_room(self: Hostile, transport: paramiko.Transport, _: socket.socket, channel: paramiko.Channel) -> None:
    def send(piece: bytes) -> None:
        message = paramiko.Message()
        message.add_byte(cMSG_CHANNEL_DATA)
        message.add_int(channel.remote_chanid)
        message.add_string(piece)
        transport._send_message(message)  # type: ignore[attr-defined]

    self.flood(send, bytes(32000), 400 * MEGABYTE)


def _a_crowd_of_extensions(self: Hostile, transport: paramiko.Transport, _: socket.socket, channel: paramiko.Channel) -> None:
    message = paramiko.Message()
    message.add_byte(cMSG_EXT_INFO)
    message.add_int(0xFFFFFFFF)
    transport._send_message(message)  # type: ignore[attr-defined]
    transport.join(SOON)


@pytest.mark.parametrize("flood", [_one_long_packet, _nothing_at_all, _more_than_there_is_room, _a_crowd_of_extensions])
def test_a_host_that_floods_behind_its_key_is_lost(
    ground: Ground, opened: Opened, hostile: Hostiles, flood: Callable[..., None]
) -> None:
    one = hostile(_after_login(flood))
    connection = _visited(ground, opened, one)
    with suppress(CommandUnknown, Unreachable):
        connection.start("whatever")  # nobody reads it
    assert one.ended.wait(SOON)
    assert one.sent < 64 * MEGABYTE + BUFFERS
    assert not connection.alive


def test_a_command_given_up_is_no_way_to_go_on(ground: Ground, opened: Opened, hostile: Hostiles) -> None:
    one = hostile(_after_login(_more_than_there_is_room))
    connection = _visited(ground, opened, one)
    with pytest.raises((CommandUnknown, Unreachable)):
        connection.run("whatever", deadline=SOON, limit=1024)
    assert one.ended.wait(SOON)
    assert one.sent < 64 * MEGABYTE + BUFFERS
    assert not connection.alive


def _keys_without_end(self: Hostile, transport: paramiko.Transport, _: socket.socket, channel: paramiko.Channel) -> None:
    """It begins to exchange keys anew, and never comes to the end of it."""
    transport._parse_kex_init = lambda _: self.over.wait()  # type: ignore[attr-defined]
    transport._send_kex_init()  # type: ignore[attr-defined]
    self.begun.set()
    self.over.wait()


def _after_a_heartbeat(self: Hostile, transport: paramiko.Transport, peer: socket.socket, channel: paramiko.Channel) -> None:
    heard = b""
    while b'{"id": 0}' not in heard:
        heard = heard[-20:] + channel.recv(65536)
    _keys_without_end(self, transport, peer, channel)


def test_a_host_that_exchanges_keys_without_end_is_lost(
    ground: Ground, opened: Opened, hostile: Hostiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is said meanwhile waits for it, whatever its own deadline: a heartbeat, which others wait for too."""
    monkeypatch.setattr(wire, "_NEW_KEYS", 0.5, raising=False)
    one = hostile(_after_login(_keys_without_end))
    connection = _visited(ground, opened, one)
    running = connection.start("whatever")
    assert one.begun.wait(SOON)
    with pytest.raises(CommandUnknown, match="reads no more"):
        for _ in iter(lambda: running.write(b"x"), "never"):
            pass  # it may hear a moment later that keys are exchanged
    assert not connection.alive
    with pytest.raises(Unreachable):
        connection.run("whatever")


def _always_new_keys(self: Hostile, transport: paramiko.Transport, _: socket.socket, channel: paramiko.Channel) -> None:
    """It exchanges keys anew, comes to the end of it each time, and begins again."""
    channel.recv(1)  # until then its own thread has to answer
    while transport.is_active() and self.sent < 300:
        transport.renegotiate_keys()
        self.sent += 1


def test_a_host_that_exchanges_keys_again_and_again_is_lost(ground: Ground, opened: Opened, hostile: Hostiles) -> None:
    one = hostile(_after_login(_always_new_keys))
    connection = _visited(ground, opened, one)
    # Held to the end: its channel is closed with it, and a server of paramiko's that exchanges keys meanwhile does neither.
    running = connection.start("whatever")
    with suppress(CommandUnknown, Unreachable):
        running.write(b"x")
    assert one.ended.wait(6 * SOON)
    assert 16 < one.sent < 50
    assert not connection.alive


def _exchanging(self: Hostile, peer: socket.socket, way: str, *said: paramiko.Message) -> None:
    """It can exchange keys in that way alone, and says this, whatever it hears."""
    peer.sendall(b"SSH-2.0-x\r\n")
    reading = peer.makefile("rb")
    reading.readline()
    packets = Packetizer(peer)
    hello = paramiko.Message()
    hello.add_byte(cMSG_KEXINIT)
    hello.add_bytes(bytes(16))
    both = [[name] for name in ("aes128-ctr", "hmac-sha2-256", "none") for _ in range(2)]
    for names in ([way], ["ssh-ed25519"], *both, [], []):
        hello.add_list(names)
    hello.add_boolean(False)  # noqa: FBT003 - the protocol's
    hello.add_int(0)
    for message in (hello, *said):
        packets.send_message(message)
    while reading.read(1):
        pass


def _a_group_of_its_own(self: Hostile, peer: socket.socket) -> None:
    """It chooses the largest group that there may be."""
    group = paramiko.Message()
    group.add_byte(c_MSG_KEXDH_GEX_GROUP)
    group.add_mpint((1 << 8191) + 1)
    group.add_mpint(3)
    _exchanging(self, peer, "diffie-hellman-group-exchange-sha256", group)


def _a_number_without_end(self: Hostile, peer: socket.socket) -> None:
    """Its part of the secret is as long as a packet may be."""
    reply = paramiko.Message()
    reply.add_byte(c_MSG_KEXDH_REPLY)
    reply.add_string(b"")
    reply.add_string(b"\1" * 250_000)
    reply.add_string(b"")
    _exchanging(self, peer, "diffie-hellman-group14-sha256", reply)


@pytest.mark.parametrize(
    ("act", "words"), [(_a_group_of_its_own, "no common SSH algorithm"), (_a_number_without_end, "over 35000")]
)
def test_a_host_that_showed_no_key_chooses_no_numbers_that_take_long(
    ground: Ground, opened: Opened, hostile: Hostiles, act: Callable[[Hostile, socket.socket], None], words: str
) -> None:
    """An exchange in a group of 8192 bits takes Python some seconds, in which no other thread goes on; to read a number of 256 kB
    takes it as long.
    """
    one = hostile(act)
    began = time.process_time()
    with pytest.raises(Unreachable, match=words):
        _visited(ground, opened, one)
    assert time.process_time() - began < 1.0


# Notes each heartbeat in a file.
HEARING = """
import re, os, sys
for stream in (sys.stdout, sys.stderr):
    print(re.search(r"voxgate-[0-9a-f]{16}", os.environ["SSH_ORIGINAL_COMMAND"])[0], file=stream, flush=True)
heard = open(sys.argv[1], "ab", buffering=0)
for line in iter(sys.stdin.buffer.readline, b""):
    heard.write(b"." * (line == b'{"id": 0}\\n'))
"""


def test_a_host_that_takes_no_heartbeat_keeps_none_from_the_others(
    ground: Ground, opened: Opened, hostile: Hostiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a gate is not heard for twenty seconds its part ends: one host would end the deploy, or the way back, of all."""
    monkeypatch.setattr(claim_of_all, "BEAT", 0.05)
    heard, script = tmp_path / "heard", tmp_path / "hearing.py"
    heard.touch()
    script.write_text(HEARING)
    good = ground.sshd(f"ForceCommand {sys.executable} -I {script} {heard}")
    bad = hostile(_after_login(_after_a_heartbeat))
    connections = opened(ground.estate(host(bad.port, "bad"), host(good.port, "good"), known=f"{bad.pin}{good.pins()}"))
    claim = claim_of_all.Claim(connections, Author("r1"), Stop())
    try:
        for name in ("bad", "good"):
            claim._holds[name] = Hold(connections[name])
        assert bad.begun.wait(SOON)
        before, until = heard.stat().st_size, time.monotonic() + SOON
        while heard.stat().st_size < before + 20 and time.monotonic() < until:
            claim.stop.wait(0.02)
        assert heard.stat().st_size >= before + 20
    finally:
        connections.close()
        claim.release()


def test_what_an_ordinary_host_sends_has_room(connection: Connection) -> None:
    for _ in range(12):  # given up in the middle of it, again and again: what was on its way is no flood
        with pytest.raises(CommandUnknown, match="said more than"):
            connection.run("exec cat /dev/zero", limit=100_000)
    said = connection.run("head -c 90000000 /dev/zero", limit=100_000_000)
    assert len(said.stdout) == 90_000_000
    lines = connection.run("i=0; while [ $i -lt 3000 ]; do echo $i; i=$((i+1)); done", deadline=20)
    assert len(lines.stdout.split()) == 3000
    assert connection.alive
