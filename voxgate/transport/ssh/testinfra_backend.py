"""A testinfra backend on an existing connection: a team's own checks cost no second SSH login and cannot lie about
sudo.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import testinfra.backend
import testinfra.host
from testinfra.backend.base import BaseBackend, CommandResult

from voxgate.errors import Blind

if TYPE_CHECKING:
    from voxgate.transport.ssh.connection import Connection
    from voxgate.transport.ssh.connections import Connections

NAME = "voxgate"
# Written to stderr by the first thing that sudo runs: in whatever language sudo refuses, this is missing then.
_SUDO_RAN = "voxgate:sudo-ran"


@dataclass(frozen=True, slots=True)
class Ran:
    """A command that a check ran: as the check said it, how it ended, and what it wrote to stderr."""

    command: str
    rc: int
    stderr: str


class VoxgateBackend(BaseBackend):  # type: ignore[misc] # testinfra tells no types
    """Runs testinfra's commands over a host's connection.

    A command whose outcome is unknown raises (CommandUnknown, Unreachable), and so does a refused sudo (Blind): neither
    becomes a plain False, as it would with testinfra's own backends.
    """

    NAME = NAME
    sudo_program = "/usr/bin/sudo"  # never another one that is first on somebody's path

    def __init__(
        self, host: str, *args: Any, connections: Connections | None = None, deadline: float = 30.0, **kwargs: Any
    ) -> None:
        """Make a backend for the host of that name. ``deadline`` in seconds is for each command."""
        self._connections = connections
        self._connection: Connection | None = None
        self._deadline = deadline
        self.last: Ran | None = None
        super().__init__(host, *args, **kwargs)

    @classmethod
    def on(cls, connection: Connection, deadline: float = 30.0) -> VoxgateBackend:
        """Make a backend on an open connection."""
        backend = cls(connection.host.name, deadline=deadline)
        backend._connection = connection
        return backend

    def get_sudo_command(self, command: str, sudo_user: str | None) -> str:
        """Never asking for a password, and leaving a sign that the command was begun."""
        signed = f"echo {_SUDO_RAN} >&2\n{command}"
        if sudo_user is None:
            return str(self.quote(f"{self.sudo_program} -n -- /bin/sh -c %s", signed))
        return str(self.quote(f"{self.sudo_program} -n -u %s -- /bin/sh -c %s", sudo_user, signed))

    def get_encoding(self) -> str:
        """UTF-8, without asking the host for it (testinfra starts a Python there to find out)."""
        return "utf-8"

    def run(self, command: str, *args: str, **_: Any) -> CommandResult:
        """Run a command, by sudo where testinfra wants that. Raises CommandUnknown, Unreachable, and Blind for a
        refused sudo.
        """
        line = self.get_command(command, *args)
        if self._connection is None:
            if self._connections is None:
                raise RuntimeError("voxgate:// hosts need connections=..., or host_for(connection)")
            self._connection = self._connections[self.hostname]
        completed = self._connection.run(line, deadline=self._deadline)
        stderr = completed.stderr
        for _number in range(line.count(_SUDO_RAN)):
            before, sign, after = stderr.partition(f"{_SUDO_RAN}\n".encode())
            if not sign:
                said = before.decode("utf-8", "replace").strip().splitlines()
                what = "sudo was refused, so this check saw nothing"
                hint = f"allow it in sudoers, or look without sudo: {self.quote(command, *args)}"
                raise Blind(what, where=self.hostname, why=said[-1] if said else "", hint=hint)
            stderr = before + after
        self.last = Ran(self.quote(command, *args), completed.exit_status, stderr.decode("utf-8", "replace"))
        return self.result(completed.exit_status, self.encode(line), completed.stdout, stderr)


def register() -> None:
    """Make ``voxgate://HOST`` known to testinfra (``testinfra.get_host("voxgate://api-1", connections=...)``)."""
    testinfra.backend.BACKENDS[NAME] = f"{VoxgateBackend.__module__}.{VoxgateBackend.__qualname__}"


def host_for(connection: Connection, deadline: float = 30.0) -> testinfra.host.Host:
    """The testinfra host that rides on ``connection``; ``deadline`` in seconds is for each of its commands."""
    register()
    backend = VoxgateBackend.on(connection, deadline)
    host = testinfra.host.Host(backend)
    backend.set_host(host)
    return host
