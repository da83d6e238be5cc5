"""Plays many hosts on this machine: for each a network namespace with its workers' pages in it, and an sshd with a host key of
its own.

Run as root, in a mount namespace of its own (``unshare --mount --propagation private``), with the folder that ``scale`` made.
There ``sudo`` is a script that hands what it is asked to this process; so whatever the gate has its account run, nothing of
this machine runs, and the account is there in that namespace alone. A line ``ready`` is printed when all hosts can be reached;
it ends when its stdin ends.

What a host says is a recorded answer of a lab host's probe, under another name, of now, and signed by that host's key.
"""

from __future__ import annotations

import asyncio
import base64
import ctypes
import fcntl
import hashlib
import json
import os
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import paramiko

from voxgate.probe.built import digest
from voxgate.survey.probing import NAMESPACE

PORT, PLAY = 2022, 9
_NEWNET = 0x40000000
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _UP = 0x8913, 0x8914, 0x1
_LIBC = ctypes.CDLL(None, use_errno=True)
SUDO = f"#!/bin/bash\nexec 3<>/dev/tcp/127.0.0.1/{PLAY}\ncat >&3\ncat <&3\n"


def ssh_signature(key: paramiko.Ed25519Key, document: bytes) -> bytes:
    """What ``ssh-keygen -Y sign`` makes (PROTOCOL.sshsig), armoured."""

    def words(*parts: bytes) -> bytes:
        return b"".join(struct.pack(">I", len(part)) + part for part in parts)

    signed = b"SSHSIG" + words(NAMESPACE.encode(), b"", b"sha512", hashlib.sha512(document).digest())
    blob = b"SSHSIG" + struct.pack(">I", 1)
    blob += words(key.asbytes(), NAMESPACE.encode(), b"", b"sha512", key.sign_ssh_data(signed).asbytes())
    text = base64.b64encode(blob).decode()
    lines = [text[at : at + 70] for at in range(0, len(text), 70)]
    return "\n".join(["-----BEGIN SSH SIGNATURE-----", *lines, "-----END SSH SIGNATURE-----", ""]).encode()


def answered(recorded: dict[str, Any], key: paramiko.Ed25519Key, request: bytes, now: float) -> bytes:
    """The probe's answer to a request, from what was recorded: as the same host would say it at ``now``."""
    host, passed = recorded["host"], now - recorded["host"]["time"]
    document = {name: value for name, value in recorded.items() if name != "gate"}
    document["host"] = {**host, "time": now, "uptime": host["uptime"] + passed}
    ours = {"sha256": digest(), "request": hashlib.sha256(request).hexdigest(), "seconds": 0.0, "waited": 0.0}
    document["probe"] = {**recorded["probe"], **ours}
    text = json.dumps(document, separators=(",", ":")).encode()
    signature = ssh_signature(key, text)
    head = f"voxgate-evidence 1 {json.loads(request)['nonce']} {len(text)} {len(signature)}\n"
    return head.encode() + text + signature + b"\n"


class Host:
    """One of them: what it says and where it is."""

    def __init__(self, folder: Path, name: str, address: str) -> None:
        """Read what it says, and make its namespace; the calling thread is in that one then."""
        self.name, self.address, self.folder = name, address, folder
        self.key = paramiko.Ed25519Key.from_private_key_file(str(folder / name))
        self.said = {asked: json.loads((folder / f"{name}.{asked}.json").read_text()) for asked in ("brief", "whole")}
        self.pages: dict[str, dict[str, str]] = json.loads((folder / f"{name}.pages.json").read_text())
        _must(_LIBC.unshare(_NEWNET))
        self.network = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        _loopback_up()
        self.sockets = {port: _listening("127.0.0.1", port) for port in (PLAY, *map(int, self.pages))}

    async def play(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one question to the probe: its request is whole as soon as it is JSON."""
        request = b""
        while data := await reader.read(65536):
            request += data
            if request.endswith(b"}") and request.count(b"{") == request.count(b"}"):
                break
        asked = json.loads(request)["asked"]
        writer.write(answered(self.said[asked], self.key, request, time.time()) if asked in self.said else b"nothing\n")
        await writer.drain()
        writer.close()

    async def page(self, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one GET."""
        head = await reader.readuntil(b"\r\n\r\n")
        body = self.pages[str(port)].get(head.split()[1].decode())
        status = "200 OK" if body is not None else "404 Not Found"
        text = (body or "{}").encode()
        writer.write(
            f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nCache-Control: no-store\r\nConnection: close\r\n"
            f"Content-Length: {len(text)}\r\n\r\n".encode()
            + text
        )
        await writer.drain()
        writer.close()

    def log_in(self, came: socket.socket) -> None:
        """Start an sshd for one connection, in the host's own network; the calling thread must not be in that one after it."""
        argv = ["/usr/sbin/sshd", "-i", "-f", str(self.folder / "sshd_config"), "-h", str(self.folder / self.name)]
        _must(_LIBC.setns(self.network, _NEWNET))
        subprocess.Popen(argv, stdin=came.fileno(), stdout=came.fileno(), stderr=subprocess.DEVNULL)
        came.close()


def _must(status: int) -> None:
    if status != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _loopback_up() -> None:
    with socket.socket() as any_socket:
        request = struct.pack("16sH14s", b"lo", 0, b"")
        flags = struct.unpack("16sH14s", fcntl.ioctl(any_socket, _SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sH14s", b"lo", flags | _UP, b""))


def _listening(address: str, port: int) -> socket.socket:
    """A socket that listens, in the namespace that the thread is in."""
    found = socket.create_server((address, port), backlog=256)
    found.setblocking(False)  # noqa: FBT003 - the only way to say it
    return found


async def _play_all(hosts: list[Host], home: int) -> None:
    """Serve all of them until stdin ends."""
    servers = []
    for host in hosts:
        for port, found in host.sockets.items():
            if port == PLAY:
                servers.append(await asyncio.start_server(host.play, sock=found, limit=1 << 20))
            else:
                servers.append(await asyncio.start_server(_page_of(host, port), sock=found))
        asyncio.get_running_loop().create_task(_logins(host, home))
    print("ready", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


def _page_of(host: Host, port: int) -> Any:
    return lambda reader, writer: host.page(port, reader, writer)


async def _logins(host: Host, home: int) -> None:
    """Whoever comes to the host's SSH port gets an sshd."""
    loop = asyncio.get_running_loop()
    door = _listening(host.address, PORT)
    while True:
        came, _ = await loop.sock_accept(door)
        came.setblocking(True)  # noqa: FBT003 - the only way to say it
        host.log_in(came)
        _must(_LIBC.setns(home, _NEWNET))


def main(folder: Path) -> None:
    """Bind the stand-ins, make all hosts, serve."""
    for name, place in (("passwd", "/etc/passwd"), ("shadow", "/etc/shadow"), ("sudo", "/usr/bin/sudo")):
        subprocess.run(["mount", "--bind", str(folder / name), place], check=True)
    Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    hosts = [Host(folder, name, address) for name, address in json.loads((folder / "hosts.json").read_text()).items()]
    _must(_LIBC.setns(home, _NEWNET))
    asyncio.run(_play_all(hosts, home))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
