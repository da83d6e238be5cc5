"""Keys and planted secrets: made once, kept in the cache, so that known_hosts and reports stay comparable over runs."""

from __future__ import annotations

import json
import os
import secrets
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab import places
from lab.commands import run

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from lab.estate import Host

GATE = "voxgate"


@dataclass(frozen=True, slots=True)
class Key:
    """An ed25519 key pair, as text."""

    private: str
    public: str


@dataclass(frozen=True, slots=True)
class Keys:
    """The gate's login key, each host's own host key, and the key each host fetches with."""

    login: Key
    host: dict[str, Key]
    fetch: dict[str, Key]

    @property
    def may_fetch(self) -> str:
        """The forge's authorized_keys."""
        return "".join(key.public for key in (self.login, *self.fetch.values()))


def ensure(hosts: Iterable[Host]) -> Keys:
    """Make what is missing; write the login key and known_hosts where the estate file says they are."""
    folder = places.cache() / "keys"
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    names = [host.name for host in hosts]
    login = _pair(places.identity(), f"{GATE} login")
    keys = Keys(
        login,
        {name: _pair(folder / f"host-{name}", f"root@{name}") for name in names},
        {name: _pair(folder / f"fetch-{name}", f"deploy@{name}") for name in names},
    )
    _write(places.known_hosts(), known_hosts(hosts, keys), 0o644)
    _hand_over()
    return keys


def known_hosts(hosts: Iterable[Host], keys: Keys) -> str:
    """The host keys by address."""
    lines = []
    for host in hosts:
        kind, key = keys.host[host.name].public.split()[:2]
        lines.append(f"{host.address},{host.address6} {kind} {key}\n")
    return "".join(lines)


def planted(hosts: Iterable[Host], known: Iterable[str]) -> dict[str, dict[str, str]]:
    """A secret for each setting of each host that is not in `known`: the same value wherever one name is used."""
    path = places.canaries()
    said: dict[str, dict[str, str]] = {}
    with suppress(OSError, ValueError):
        said = json.loads(path.read_text())
    values = {key: value for settings in said.values() for key, value in settings.items()}
    public = set(known)
    for host in hosts:
        names = {name for service in host.services for name in service.settings} - public
        if host.role == "data":
            names = {"S3_ACCESS_KEY", "S3_SECRET_KEY"}
        said[host.name] = {name: values.setdefault(name, f"canary-{secrets.token_urlsafe(18)}") for name in sorted(names)}
    _write(path, json.dumps(said, indent=2) + "\n", 0o600)
    _hand_over()
    return said


def _pair(path: Path, comment: str) -> Key:
    public = path.with_name(path.name + ".pub")
    if not (path.exists() and public.exists()):
        path.unlink(missing_ok=True)
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", path])
    return Key(path.read_text(), public.read_text())


def _write(path: Path, text: str, mode: int) -> None:
    draft = path.with_name(path.name + ".new")
    draft.touch(mode=mode)
    draft.chmod(mode)
    draft.write_text(text)
    draft.replace(path)


def _hand_over() -> None:
    """Under sudo, give what the gate reads to the user who called it."""
    uid, gid = (int(os.environ.get(name, "0")) for name in ("SUDO_UID", "SUDO_GID"))
    if os.geteuid() != 0 or uid == 0:
        return
    public = places.identity().with_name(places.identity().name + ".pub")
    for path in (
        places.cache().parent,
        places.cache(),
        places.identity(),
        public,
        places.known_hosts(),
        places.canaries(),
    ):
        if path.exists():
            os.chown(path, uid, gid)
