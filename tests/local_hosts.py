"""Hosts that are folders of this machine: on each runs the gate's own part, as it travels, and each command is run here."""

from __future__ import annotations

import fcntl
import json
import os
import select
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from voxgate.contracts.estates import load_estate
from voxgate.deploy.hosts.claim import Claim
from voxgate.deploy.hosts.state import Author
from voxgate.deploy.on_host.built import program
from voxgate.errors import CommandUnknown, Unreachable, VoxgateError
from voxgate.model.estate import Estate, Host
from voxgate.transport.ssh.connection import LIMIT, Connection
from voxgate.transport.ssh.connections import Connections
from voxgate.transport.ssh.remote_command import Completed

_ROOM = 64 * 1024
ESTATE = load_estate("lab")
WITH_STATE = ["api-1", "fleet-1", "fleet-2", "sip-1"]
ME, OTHER = Author("r1", "me@vm", "b-1", "2026-06-22T10:00:00Z"), Author("r2", "other@vm", "b-2", "2026-06-22T11:00:00Z")
SOON = 60.0

Gates = Callable[..., Claim]
"""Makes a gate: by its author and its stop."""


def silent(line: str) -> None:
    """Nothing is to be said."""
    raise AssertionError(line)


def wait_for(condition: Callable[[], bool]) -> None:
    """Until it is so."""
    until = time.monotonic() + SOON
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


def open_below(folder: Path) -> list[str]:
    """The files in it that are open here."""
    return sorted(path.resolve().name for path in Path("/proc/self/fd").iterdir() if path.resolve().is_relative_to(folder))


def program_of_folders() -> bytes:
    """The gate's part, whose state is where its environment says."""
    return program().replace(b'"/var/lib/voxgate"', b'os.environ["STATE"]')


class Process:
    """What ``Connection.start`` gives, of a process here."""

    def __init__(self, name: str, argv: Sequence[str], state: Path) -> None:
        env = {**os.environ, "STATE": str(state)}
        self.name = name
        self.popen = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env, start_new_session=True)
        self._heard = b""

    def write(self, data: bytes, deadline: float = 5.0) -> None:
        """As ``Running.write``."""
        assert deadline
        assert self.popen.stdin is not None
        try:
            self.popen.stdin.write(data)
            self.popen.stdin.flush()
        except (OSError, ValueError) as error:
            raise CommandUnknown("its outcome is unknown", where=self.name, why="it ended") from error

    def read_line(self, deadline: float) -> str:
        """As ``Running.read_line``."""
        assert self.popen.stdout is not None
        until = time.monotonic() + deadline
        while b"\n" not in self._heard:
            if not select.select([self.popen.stdout], [], [], max(0.0, until - time.monotonic()))[0]:
                raise CommandUnknown(f"its outcome is unknown: it said nothing within {deadline:g} s", where=self.name)
            more = os.read(self.popen.stdout.fileno(), _ROOM)
            if not more:
                raise CommandUnknown("its outcome is unknown: it ended", where=self.name, why="it said nothing")
            self._heard += more
        line, _, self._heard = self._heard.partition(b"\n")
        return line.decode()

    def close(self) -> None:
        """As ``Running.close``: it sees the end of its stdin."""
        assert self.popen.stdin is not None
        try:
            self.popen.stdin.close()
        except OSError:
            return

    def kill(self) -> None:
        """Lost, from one moment to the next."""
        self.popen.kill()
        self.popen.wait()


class Line(Connection):
    """A connection to one of them."""

    def __init__(self, host: Host, state: Path) -> None:
        self.host, self.state, self.is_alive = host, state, True
        self.started: list[Process] = []
        self.ran: list[tuple[str, ...]] = []

    @property
    def alive(self) -> bool:
        """As it is told."""
        return self.is_alive

    def run(self, command: Sequence[str] | str, *, stdin: bytes = b"", deadline: float = 30.0, limit: int = LIMIT) -> Completed:
        """Here."""
        assert limit
        argv = ("/bin/sh", "-c", command) if isinstance(command, str) else tuple(command)
        self.ran.append(argv)
        env = {**os.environ, "STATE": str(self.state)}
        ended = subprocess.run(argv, input=stdin, capture_output=True, check=False, timeout=deadline, env=env)
        return Completed(ended.returncode, ended.stdout, ended.stderr, 0.0)

    def start(self, command: Sequence[str] | str, *, deadline: float = 10.0, limit: int = LIMIT) -> Any:
        """Here."""
        assert deadline
        assert limit
        self.started.append(Process(self.host.name, tuple(command), self.state))
        return self.started[-1]

    def close(self) -> None:
        """As one that was lost."""
        self.is_alive = False
        for one in self.started:
            one.close()


class Hosts(Connections):
    """The connections to an estate whose hosts are folders. ``down`` are those that cannot be reached, and why."""

    def __init__(self, estate: Estate, folder: Path) -> None:
        """Each host has a folder of its own."""
        super().__init__(estate)
        self.folder = folder
        self.down: dict[str, VoxgateError] = {}
        self.lines: list[Line] = []
        self._others = {*threading.enumerate()}

    def _connect(self, host: Host) -> Connection:
        if host.name in self.down:
            raise self.down[host.name]
        self.state(host.name).mkdir(exist_ok=True)
        self.lines.append(Line(host, self.state(host.name)))
        return self.lines[-1]

    def state(self, host: str) -> Path:
        """The gate's state there."""
        return self.folder / host

    def read(self, host: str, service: str, name: str) -> Any:
        """One file of it."""
        return json.loads((self.state(host) / service / name).read_text())

    def ledger(self, host: str, service: str) -> list[dict[str, Any]]:
        """Its ledger."""
        return [json.loads(line) for line in (self.state(host) / service / "ledger.jsonl").read_text().splitlines()]

    def owners(self, host: str) -> list[Process]:
        """The owner processes that were started there, in order."""
        return [one for line in self.lines if line.host.name == host for one in line.started]

    def lose(self, host: str, why: str = "") -> None:
        """The owner there is gone; with ``why`` the host is, too."""
        self.owners(host)[-1].kill()
        if why:
            self.down[host] = Unreachable("no connection", where=host, why=why)

    def end(self) -> None:
        """All that still runs."""
        started = [one for line in self.lines for one in line.started]
        for one in started:
            one.kill()
        for thread in {*threading.enumerate()} - self._others:
            if thread.name.startswith("hold-"):
                thread.join(SOON)
        for one in started:
            one.close()
            if one.popen.stdout is not None:
                one.popen.stdout.close()


@contextmanager
def taken(hosts: Hosts, author: Author, host: str = "sip-1", service: str = "dialler") -> Iterator[None]:
    """One service is another process's, which says that it is this one."""
    hosts.open([ESTATE.host(host)])
    (hosts.state(host) / service).mkdir(exist_ok=True)
    (hosts.state(host) / service / "owner.lock").touch()
    with (hosts.state(host) / service / "owner.lock").open("r+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.truncate()
        lock.write(json.dumps(author.document()))
        lock.flush()
        yield
