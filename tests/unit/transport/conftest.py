"""A real OpenSSH server on loopback, with keys of its own, for every test of the transport."""

from __future__ import annotations

import contextlib
import getpass
import os
import random
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from voxgate.model.estate import Containers, Estate, Host
from voxgate.model.service import Role
from voxgate.transport.ssh.connection import Connection
from voxgate.transport.ssh.connections import Connections

_HANDED_OUT: set[int] = set()
SSHD = shutil.which("sshd", path="/usr/sbin:/usr/local/sbin:/usr/bin") or ""


def key(path: Path, kind: str = "ed25519", passphrase: str = "") -> Path:
    """Make a key pair."""
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-C", path.name, "-f", path], check=True)
    return path


def free_port() -> int:
    """A port that nobody listens on, below those that the kernel hands out by itself, and never the same twice."""
    while True:
        port = random.randrange(20000, 32000)  # noqa: S311
        with socket.socket() as sock, contextlib.suppress(OSError):
            sock.bind(("127.0.0.1", port))
            if port not in _HANDED_OUT:
                _HANDED_OUT.add(port)
                return port


@dataclass(slots=True)
class Sshd:
    """One running sshd."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes]
    kinds: tuple[str, ...]

    def public(self, kind: str = "ed25519") -> str:
        """Type and key, as in known_hosts."""
        return " ".join((self.folder / f"host_{kind}.pub").read_text().split()[:2])

    def pins(self, *kinds: str) -> str:
        """Lines of known_hosts for this server."""
        return "".join(f"[127.0.0.1]:{self.port} {self.public(kind)}\n" for kind in kinds or self.kinds)

    def sessions(self) -> list[int]:
        """The pids of the server's children: one a connection."""
        out = subprocess.run(["pgrep", "-P", str(self.process.pid)], capture_output=True, check=False).stdout
        return [int(word) for word in out.split()]

    def cut(self) -> None:
        """Kill every connection, as a crash of the host would."""
        for pid in self.sessions():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def stop(self) -> None:
        """End the server and its connections."""
        self.cut()
        self.process.terminate()
        self.process.wait(5)


@dataclass(slots=True)
class Ground:
    """A folder with the client's key, and servers started in it."""

    folder: Path
    identity: Path
    servers: list[Sshd] = field(default_factory=list)

    def sshd(self, *options: str, kinds: tuple[str, ...] = ("ed25519",), before: Callable[[], None] = lambda: None) -> Sshd:
        """Start a server that takes the client's key; ``options`` are lines of sshd_config that win; ``before`` is done once its
        own keys are made.
        """
        number = len(self.servers)
        folder = self.folder / f"sshd-{number}"
        folder.mkdir()
        port = free_port()
        keys = [key(folder / f"host_{kind}", kind) for kind in kinds]
        before()
        lines = [
            *options,
            f"Port {port}",
            "ListenAddress 127.0.0.1",
            *(f"HostKey {path}" for path in keys),
            f"AuthorizedKeysFile {self.identity}.pub",
            "StrictModes no",
            "UsePAM no",
            "PasswordAuthentication no",
            "PermitRootLogin yes",
            "MaxStartups 100",
            "PidFile none",
            f"SetEnv HOME={folder}",  # without the shell's own start files of whoever runs the tests
        ]
        (folder / "sshd_config").write_text("\n".join(lines) + "\n")
        log = (folder / "log").open("wb")
        process = subprocess.Popen(
            [SSHD, "-D", "-e", "-f", folder / "sshd_config"], stdin=subprocess.DEVNULL, stderr=log, stdout=log
        )
        log.close()
        server = Sshd(folder, port, process, kinds)
        self.servers.append(server)
        until = time.monotonic() + 5
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
            except OSError:
                assert process.poll() is None, (folder / "log").read_text()
                assert time.monotonic() < until, "sshd does not listen"
                time.sleep(0.01)
            else:
                return server

    def known_hosts(self, text: str) -> str:
        """Write a known_hosts file."""
        path = self.folder / "known_hosts"
        path.write_text(text)
        return str(path)

    def estate(self, *hosts: Host, known: str | None = None, config: str = "", identity: str | None = "") -> Estate:
        """An estate of these hosts that pins every server started so far, unless told otherwise."""
        path = self.folder / "ssh_config"
        path.write_text(config)
        return Estate(
            name="loop",
            hosts=hosts,
            services=(),
            databases=(),
            repositories="",
            containers=Containers("", ()),
            identity=str(self.identity) if identity == "" else identity,
            known_hosts=self.known_hosts("".join(server.pins() for server in self.servers) if known is None else known),
            ssh_config=str(path),
        )


def host(port: int, name: str = "one", address: str = "127.0.0.1", user: str | None = None) -> Host:
    """A host on loopback."""
    return Host(name, address, frozenset({Role.API}), port=port, user=getpass.getuser() if user is None else user)


@pytest.fixture(scope="session")
def shared_ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """Ground whose servers live for the whole run."""
    yield from _ground(tmp_path_factory.mktemp("transport"))


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Ground]:
    """Ground of one test."""
    yield from _ground(tmp_path)


def _ground(folder: Path) -> Iterator[Ground]:
    if not SSHD:
        pytest.fail("there is no sshd: apt-get install openssh-server")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    made = Ground(folder, key(folder / "id"))
    try:
        yield made
    finally:
        for server in made.servers:
            server.stop()


@pytest.fixture(scope="session")
def server(shared_ground: Ground) -> Sshd:
    """One server for all tests that do not hurt it."""
    return shared_ground.sshd()


@pytest.fixture
def connections(shared_ground: Ground, server: Sshd) -> Iterator[Connections]:
    """Connections to an estate of one host, ``one``."""
    with Connections(shared_ground.estate(host(server.port)), connect_deadline=5) as made:
        yield made


@pytest.fixture
def connection(connections: Connections) -> Connection:
    """An open connection."""
    return connections["one"]


Opened = Callable[..., Connections]


@pytest.fixture
def opened() -> Iterator[Opened]:
    """``opened(estate)``: connections that are closed when the test ends."""
    made: list[Connections] = []

    def make(estate: Estate, deadline: float = 5.0) -> Connections:
        made.append(Connections(estate, connect_deadline=deadline))
        return made[-1]

    yield make
    for connections in made:
        connections.close()
