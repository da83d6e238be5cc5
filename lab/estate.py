"""The lab's hosts as its estate file says them, and the forge beside them."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from typing import Any

from lab.places import ROOT, UNITS
from voxgate.errors import VoxgateError

NETWORK = "198.51.100"
NETWORK6 = "fd56:766f:7867::"
GATE = 1  # the machine's own end of the network
WORKSPACE = "oriserve1"
OLDER, NEWER = "bookworm", "trixie"
OLDER_ROLES = ("data",)


@dataclass(frozen=True, slots=True)
class Service:
    """One of the four: what a host needs to know to be prepared for it."""

    name: str
    repository: str
    role: str
    folder: str
    unit: str = ""
    settings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Host:
    """One machine of the lab."""

    name: str
    number: int
    role: str
    workers: int = 0
    services: tuple[Service, ...] = field(default=())

    @property
    def release(self) -> str:
        """Its Debian: the probe lives on two, systemd 252 with Python 3.11 and 257 with 3.13."""
        return OLDER if self.role in OLDER_ROLES else NEWER

    @property
    def address(self) -> str:
        """The IPv4 address."""
        return f"{NETWORK}.{self.number}"

    @property
    def address6(self) -> str:
        """The IPv6 address."""
        return f"{NETWORK6}{self.number}"

    @property
    def units(self) -> tuple[str, ...]:
        """The instances of the services' units that this host runs."""
        return tuple(unit for service in self.services for unit in self._instances(service.unit))

    @property
    def unit_files(self) -> tuple[str, ...]:
        """The unit files these instances come from."""
        return tuple(service.unit for service in self.services if service.unit)

    def _instances(self, unit: str) -> tuple[str, ...]:
        if "@." in unit:
            return tuple(unit.replace("@.", f"@{number}.") for number in range(1, self.workers + 1))
        return (unit,) if unit else ()


def services() -> tuple[Service, ...]:
    """The four services of hosts/services.toml."""
    return tuple(
        Service(
            name=name,
            repository=said["repository"],
            role=said["role"],
            folder=said["folder"],
            unit=said.get("unit", ""),
            settings=tuple(said.get("required_settings", ())),
        )
        for name, said in _toml("services.toml").items()
    )


def hosts() -> tuple[Host, ...]:
    """All hosts of the lab: those of hosts/lab.toml, and the forge."""
    known = services()
    found = [Host("forge", 10, "forge")]
    for name, said in _toml("lab.toml")["hosts"].items():
        network, _, number = said["address"].rpartition(".")
        if network != NETWORK:
            raise VoxgateError(
                f"the lab has no address {said['address']}",
                where=f"hosts/lab.toml, hosts.{name}",
                hint=f"give it one in {NETWORK}.0/24",
            )
        role = said["roles"][0]
        found.append(Host(name, int(number), role, said.get("workers", 0), tuple(s for s in known if s.role in said["roles"])))
    return tuple(found)


def host(name: str) -> Host:
    """One host by its name."""
    known = hosts()
    for one in known:
        if one.name == name:
            return one
    raise VoxgateError(f"no host {name!r}", where="lab", hint=f"there are {', '.join(h.name for h in known)}")


def unit_text(name: str) -> str:
    """A unit file of the contract."""
    return (UNITS / name).read_text()


def _toml(name: str) -> dict[str, Any]:
    path = ROOT / "hosts" / name
    try:
        return tomllib.loads(path.read_text())
    except (OSError, tomllib.TOMLDecodeError) as bad:
        raise VoxgateError("cannot be read", where=f"hosts/{name}", why=str(bad)) from bad
