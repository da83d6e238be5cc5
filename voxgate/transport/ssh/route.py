"""How a host is reached: the estate's words first, then the person's ``~/.ssh/config``, as ssh(1) would go: it is asked (``ssh
-G``), and only where there is none the file is read here.

Honoured of the configuration: HostName, Port, User, IdentityFile, IdentitiesOnly, IdentityAgent (``none`` only),
HostKeyAlias, ProxyJump (several hops too), ProxyCommand, Include, Host and Match blocks. Known hosts are always the
estate's.
"""

from __future__ import annotations

import getpass
import glob
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import paramiko

from voxgate.errors import CommandUnknown, Unreachable
from voxgate.model.digits import port_in
from voxgate.transport.ssh import client_config as ssh_config

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voxgate.model.estate import Estate, Host
    from voxgate.transport.ssh.client_config import Options

_DEFAULT_PORT = 22
_DEEPEST = 8
paramiko.config.invoke = ssh_config.MatchExec  # type: ignore[attr-defined]
_JUMP = re.compile(r"(?:ssh://)?(?:(?P<user>[^@]+)@)?(?:\[(?P<six>[^\]]+)\]|(?P<host>[^:\[\]]+))(?::(?P<port>[0-9]{1,5}))?/?")
_DEFAULT_IDENTITIES = ("~/.ssh/id_ed25519", "~/.ssh/id_ecdsa", "~/.ssh/id_rsa")


@dataclass(frozen=True, slots=True)
class Hop:
    """One machine on the way, and the machine or command before it. Equal hops may share one connection.

    ``key_name`` is the name its key is pinned under; ``identities`` are key files in the order they are tried.
    """

    name: str
    address: str
    port: int
    user: str
    key_name: str
    identities: tuple[str, ...]
    agent: bool = True
    identities_only: bool = False
    command: str | None = None
    via: Hop | None = None

    def __str__(self) -> str:
        """``deploy@198.51.100.21``, with the port where it is not 22."""
        port = "" if self.port == _DEFAULT_PORT else f":{self.port}"
        return f"{self.user}@{self.address}{port}"


@dataclass(frozen=True, slots=True)
class Routes:
    """The ways of one estate: its own words, and the program that is asked about the configuration; where there is none, the
    text of the configuration file, read once.
    """

    identity: str | None
    text: str
    file: str | None = None
    ssh: str | None = None

    @classmethod
    def of(cls, estate: Estate) -> Routes:
        """By ``estate.ssh_config`` or ``~/.ssh/config``. Raises Unreachable if it is there but cannot be read."""
        given = estate.ssh_config
        path = Path(given or "~/.ssh/config").expanduser()
        ssh = ssh_config.program()
        try:
            if ssh is not None and (given or path.exists()):
                path.read_bytes()
            text = "" if ssh or (given is None and not path.exists()) else "\n".join(_lines(path, 0))
            paramiko.SSHConfig.from_text(text)
        except (OSError, paramiko.ConfigParseError) as error:
            raise Unreachable("the SSH configuration cannot be read", where=str(path), why=str(error)) from error
        return cls(estate.identity, text, str(path) if given else None, ssh)

    def address_of(self, host: Host) -> str:
        """The address or name that SSH connects to for a host: another one than the estate's where that is an alias."""
        return str(self._options(host.address, host.name, None, host.user)["hostname"])

    def to(self, host: Host) -> Hop:
        """The way to a host of the estate. Raises Unreachable if the configuration has no usable answer."""
        port = None if host.port == _DEFAULT_PORT else host.port
        options = self._options(host.address, host.name, port, host.user)
        return _hop(
            host.name,
            options,
            host.name,
            identities=(self.identity,) if self.identity else _identities(options),
            via=self._before(options, host.name, frozenset({host.address})),
        )

    def _options(self, name: str, where: str, port: int | None, user: str | None) -> Options:
        """What the configuration says of ``name``. Port and user win where they are given, as on ssh(1)'s command line."""
        if self.ssh is not None:
            return ssh_config.asked(self.ssh, name, where, file=self.file, port=port, user=user)
        given = [f"Host {name}", *([f"Port {port}"] if port else []), *([f"User {user}"] if user else []), "Host *"]
        try:
            return paramiko.SSHConfig.from_text("\n".join([*given, self.text])).lookup(name)
        except (paramiko.ConfigParseError, paramiko.CouldNotCanonicalize, ValueError, CommandUnknown) as error:
            what = f"the SSH configuration of {name} cannot be used"
            raise Unreachable(what, where=where, why=str(error)) from error

    def _before(self, options: Options, where: str, seen: frozenset[str]) -> Hop | None:
        """The last of the hops that ProxyJump names, each reached through the one before it; None without any.

        The first is reached as its own configuration says; ``seen`` are the names that lead here.
        """
        jumps = options.get("proxyjump", "none")
        if jumps.lower() == "none":
            return None
        hop: Hop | None = None
        for jump in jumps.split(","):
            hop = self._jump(jump.strip(), where, hop, seen)
        return hop

    def _jump(self, jump: str, where: str, before: Hop | None, seen: frozenset[str]) -> Hop:
        found = _JUMP.fullmatch(jump)
        if found is None:
            raise Unreachable("ProxyJump names no host", where=where, why=repr(jump))
        name = found["six"] or found["host"]
        options = self._options(name, where, int(found["port"]) if found["port"] else None, found["user"])
        via = before
        if before is None:
            if name in seen:
                raise Unreachable("ProxyJump goes in a circle", where=where, why=f"{jump} leads to itself")
            # A jump host that matches the same ``Host *`` block would jump through itself; ssh(1) goes straight to it.
            own = _JUMP.fullmatch(options.get("proxyjump", "none").partition(",")[0].strip())
            itself = own is not None and (own["six"] or own["host"]) in {name, options["hostname"]}
            via = None if itself else self._before(options, where, seen | {name})
        identities = (*_identities(options), *((self.identity,) if self.identity else ()))
        return _hop(name, options, where, identities=identities, via=via, commanded=before is None)


def _hop(
    name: str,
    options: Options,
    where: str,
    *,
    identities: tuple[str, ...],
    via: Hop | None,
    commanded: bool = True,
) -> Hop:
    """The hop that the configuration describes; ``commanded`` is False where another hop leads to it."""
    said = options.get("port", str(_DEFAULT_PORT))
    port = port_in(said)
    if port is None:
        raise Unreachable("the SSH configuration has no usable port", where=where, why=repr(said))
    command = options.get("proxycommand")
    return Hop(
        name=name,
        address=options["hostname"],
        port=port,
        user=options.get("user") or getpass.getuser(),
        key_name=options.get("hostkeyalias", options["hostname"]),
        identities=identities,
        agent=options.get("identityagent", "").lower() != "none",
        identities_only=options.get("identitiesonly", "").lower() == "yes",
        command=command if command and via is None and commanded else None,
        via=via,
    )


def _identities(options: Options) -> tuple[str, ...]:
    """The key files of the configuration, or those that ssh(1) tries by itself, as far as they are there."""
    given = options.get("identityfile")
    if given:
        return tuple(path for path in given if path.lower() != "none")
    return tuple(path for path in _DEFAULT_IDENTITIES if Path(path).expanduser().exists())


def _lines(path: Path, depth: int) -> Iterator[str]:
    """The file's lines with every Include in place, since paramiko knows no Include."""
    block = "Host *"
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        word, _, rest = line.strip().replace("=", " ", 1).partition(" ")
        match word.lower():
            case "host" | "match":
                block = line
                yield line
            case "include" if depth <= _DEEPEST:
                for pattern in rest.replace('"', " ").split():
                    for included in sorted(glob.glob(_absolute(pattern))):  # noqa: PTH207 - patterns may be absolute
                        yield from _lines(Path(included), depth + 1)
                yield block  # what follows belongs to the block that the Include stands in
            case _:
                yield line


def _absolute(pattern: str) -> str:
    """Where a relative Include points to: ssh(1) takes it from ~/.ssh."""
    path = Path(pattern).expanduser()
    return str(path if path.is_absolute() else Path("~/.ssh").expanduser() / path)
