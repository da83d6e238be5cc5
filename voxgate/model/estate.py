"""The estate: all hosts of one environment, and what stands on them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

from voxgate.model.access import BUILDER, Pairs, allowed_on
from voxgate.model.clients import ClientWord, is_in
from voxgate.model.database import Database
from voxgate.model.digits import natural_in
from voxgate.model.front import Front
from voxgate.model.kept_file import KeptFile
from voxgate.model.promotion import Promotion
from voxgate.model.service import Endpoint, EnvFile, Role, Service
from voxgate.model.waiver import MOST, MOST_DAYS, Waiver
from voxgate.model.where import Names, places_of, said_for


class Available(StrEnum):
    """What ``fleet_available`` means on this estate."""

    SLOTS = "slots"
    ANY = "any"


@dataclass(frozen=True, slots=True)
class Host:
    """A machine. ``address`` is what SSH connects to; ``workers`` counts the fleet's units on it."""

    name: str
    address: str
    roles: frozenset[Role]
    port: int = 22
    user: str = "deploy"
    workers: int = 0
    probe: str = "installed"

    def __str__(self) -> str:
        """Its name, as in every id and every line."""
        return self.name


def repository_of(image: str) -> str:
    """An image's repository: ``livekit/sip:v1.2@sha256:..`` -> ``livekit/sip``."""
    name = image.partition("@")[0]
    head, colon, tail = name.rpartition(":")
    return head if colon and "/" not in tail else name


@dataclass(frozen=True, slots=True)
class Containers:
    """What may run in containers, and nothing else may: the compose project and its images, on the SIP hosts; ``health``
    is where livekit answers there, ``answers`` where others do, by image. ``pins`` are the images as the estate writes them, with
    tag or digest; ``commands`` what runs where that is not the image's own; ``mounts`` the paths that may be put into one
    (``source:place``), ``rights`` what one may do besides.
    """

    project: str
    images: tuple[str, ...]
    health: Endpoint | None = None
    answers: Mapping[str, Endpoint] = field(default_factory=dict)
    pins: Mapping[str, str] = field(default_factory=dict)
    commands: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    mounts: tuple[str, ...] = ()
    rights: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Listener:
    """What may listen on a port besides the services: ``who`` is a unit, an image for what runs in a container (``*`` as in
    ``Names``), or ``kernel`` for what no process holds; ``loopback`` is True where only the host itself may connect; ``last``
    ends a range of ports, and port 0 stands for any.
    """

    who: str
    port: int
    loopback: bool = False
    protocol: str = "tcp"
    last: int | None = None


@dataclass(frozen=True, slots=True)
class JobEntry:
    """A job that an estate allows: the file or unit that it stands in (``*`` as in ``Names``), and all that it may run or touch
    of what code moves by: programs by name, folders of services by path.
    """

    where: str
    runs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Store:
    """A store of the services: which unit on which host, on which port, and nowhere else may it listen. One outside of the
    estate has ``addresses``, as the services' settings name it, in place of host and unit, which are empty.
    """

    name: str
    port: int
    host: str = ""
    unit: str = ""
    addresses: tuple[str, ...] = ()


def dialler_unit(service: Service, database: Database) -> str:
    """The unit that dials on a database: of a template the instance of the database's name."""
    return service.instance(database.name) if service.is_template else service.unit or ""


@dataclass(frozen=True, slots=True)
class Placement:
    """One service on one host: what a move or an invariant is about. Its id is ``backend-api-1``. ``databases`` are those that
    it dials on there.
    """

    service: Service
    host: Host
    databases: tuple[Database, ...] = ()

    @property
    def id(self) -> str:
        """Stable and logical: service, then host."""
        return f"{self.service.name}-{self.host.name}"

    @property
    def units(self) -> tuple[str, ...]:
        """The units that must run here, all of them: full names."""
        if self.service.unit is None:
            return ()
        if self.databases:
            return tuple(dict.fromkeys(dialler_unit(self.service, database) for database in self.databases))
        if self.service.is_template:
            return tuple(self.service.instance(n) for n in range(1, self.host.workers + 1))
        return (self.service.unit,)

    @property
    def env_files(self) -> tuple[EnvFile, ...]:
        """The files that its settings stand in: one; of a template with an instance for each database one for each."""
        service = self.service
        if not (self.databases and service.is_template):
            return (EnvFile(service.name, ".env", self.units),)
        return tuple(EnvFile(f"{service.name}@{one.instance}", f".env.{one.instance}", (one.unit,)) for one in self.placed_units)

    @property
    def placed_units(self) -> tuple[PlacedUnit, ...]:
        """The same, each with its place; in the order in which they are restarted."""
        return tuple(PlacedUnit(self, unit) for unit in self.units)


@dataclass(frozen=True, slots=True)
class PlacedUnit:
    """One unit on one host. Its id is ``api-1-voxbridge`` or ``fleet-1-voxcore@3``."""

    placement: Placement
    unit: str

    @property
    def id(self) -> str:
        """Stable and logical: host, then unit without its suffix."""
        return f"{self.placement.host.name}-{self.unit.removesuffix('.service')}"

    @property
    def service(self) -> Service:
        """The service the unit belongs to."""
        return self.placement.service

    @property
    def host(self) -> Host:
        """The host it must run on."""
        return self.placement.host

    @property
    def number(self) -> int | None:
        """The worker's number, None for a unit that is no instance."""
        return None if self.placement.databases else natural_in(self.instance)

    @property
    def instance(self) -> str:
        """What stands behind its ``@``; empty for a unit that is no instance."""
        return self.unit.removesuffix(".service").partition("@")[2]

    @property
    def database(self) -> Database | None:
        """The database that it dials on, None for a unit that is no dialler."""
        return next((one for one in self.placement.databases if dialler_unit(self.service, one) == self.unit), None)

    def port_of(self, endpoint: Endpoint) -> int:
        """The port this very unit answers on: workers count up from the endpoint's base port, a dialler's is its database's."""
        if self.database is not None and self.database.port is not None:
            return self.database.port
        return endpoint.port + (self.number or 0)


@dataclass(frozen=True)  # no slots: what is asked for by each rule is worked out once
class Estate:
    """All hosts of one environment. Built by ``contracts.estates.load_estate``, which refuses what cannot be meant.

    ``listeners``, ``boot`` (units that the next boot may start besides these, and files that may make them) and ``jobs`` are
    by place: ``all``, a role, a host's name; ``clients`` of the databases too, and by address or network outside of the estate.
    So are ``units`` (drop-ins by path and sha256), ``environment`` (variables), ``preload`` (libraries), ``programs`` (by path,
    or by unit where they are Node.js), ``agents`` (containers beside livekit), ``keys`` (account and fingerprint, or ``missing:
    PATH``), ``sudo`` (account or ``%group`` and command, besides those that a deploy needs) and ``sshd`` (``everyone`` or a
    ``Match`` line, and a setting). Listeners and keys are None where the file does not say. ``seen_from`` is the host that asks
    for the console as people do, from outside; ``beyond`` are hosts that a part (``whole``) has not, and asks through all the
    same; ``front`` is how people reach the console, None where the file does not say, ``others`` the names by which the same
    nginx serves something else, ``web_roots`` the folders that it may serve besides the build, ``routes`` the locations of its
    server that are something else. ``called_from`` asks HAProxy for workers as callers do. ``waived`` are violations that it
    accepts, ``waived_most`` at most, ``waived_days`` ahead at most; ``promotion`` is what it takes, from where and when.
    ``changes`` are where what changed since done is judged, ``proxies`` the files that hosts/proxies keeps, by host.
    """

    name: str
    hosts: tuple[Host, ...]
    services: tuple[Service, ...]
    databases: tuple[Database, ...]
    repositories: str
    containers: Containers
    commits: str = ""
    identity: str | None = None
    admin: str | None = None
    known_hosts: str = "~/.ssh/known_hosts"
    ssh_config: str | None = None
    available: Available = Available.SLOTS
    called_from: str | None = None
    bake: float = 60.0
    look: float = 5.0
    listeners: Mapping[str, tuple[Listener, ...]] | None = None
    stores: tuple[Store, ...] = ()
    keys: Pairs | None = None
    seen_from: str | None = None
    front: Front | None = None
    others: tuple[str, ...] = ()
    web_roots: tuple[str, ...] = ()
    routes: tuple[str, ...] = ()
    beyond: tuple[Host, ...] = ()
    whole: Estate | None = None
    boot: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    jobs: Mapping[str, tuple[JobEntry, ...]] = field(default_factory=dict)
    units: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    environment: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    preload: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    programs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    agents: Mapping[str, tuple[Containers, ...]] = field(default_factory=dict)
    clients: Mapping[str, tuple[ClientWord, ...]] = field(default_factory=dict)
    sudo: Pairs = field(default_factory=dict)
    sshd: Pairs = field(default_factory=dict)
    waived: tuple[Waiver, ...] = ()
    waived_days: int = MOST_DAYS
    waived_most: int = MOST
    promotion: Promotion | None = None
    changes: tuple[str, ...] = ()
    proxies: Mapping[str, tuple[KeptFile, ...]] = field(default_factory=dict)
    source: str = field(default="", compare=False)

    def host(self, name: str) -> Host:
        """The host of that name; KeyError if the estate has none."""
        return self._by_name[name]

    @cached_property
    def _by_name(self) -> Mapping[str, Host]:
        return {host.name: host for host in reversed((*self.hosts, *self.beyond))}

    def service(self, name: str) -> Service:
        """The service of that name; KeyError if there is none."""
        for service in self.services:
            if service.name == name:
                return service
        raise KeyError(name)

    def hosts_of(self, service: Service) -> tuple[Host, ...]:
        """Where a service runs, in the file's order. The dialler: the one host of each database."""
        if service.name == "dialler":
            diallers = {database.dialler for database in self.databases}
            return tuple(host for host in self.hosts if host.name in diallers)
        return tuple(host for host in self.hosts if service.role in host.roles)

    def hosts_with(self, role: Role) -> tuple[Host, ...]:
        """All hosts of a role, in the file's order."""
        return tuple(host for host in self.hosts if role in host.roles)

    def listeners_on(self, host: Host) -> tuple[Listener, ...]:
        """What may listen on a host: what the estate says for it, its stores, and each service's own endpoints."""
        said = [*said_for(host, self.listeners or {})]
        said += [Listener(store.unit, store.port) for store in self.stores if store.host == host.name]
        for unit in self._units_on.get(host.name, ()):
            endpoints = (unit.service.health, unit.service.metrics)
            said += [Listener(unit.unit, unit.port_of(endpoint)) for endpoint in endpoints if endpoint is not None]
        return tuple(dict.fromkeys(said))

    def boots(self, host: Host) -> Names:
        """What else the next boot of a host may start, besides services and stores: units by name, other files by path."""
        return Names(said_for(host, self.boot))

    def dialler_unit(self, database: Database) -> str:
        """The unit that dials on a database. KeyError if the estate has no dialler."""
        return dialler_unit(self.service("dialler"), database)

    def clients_on(self, host: Host) -> tuple[ClientWord, ...]:
        """Who may work on the databases from a host, besides the services."""
        return said_for(host, self.clients)

    def clients_at(self, address: str) -> tuple[ClientWord, ...]:
        """Who may work on the databases from an address outside of the estate."""
        return tuple(word for key, words in self.clients.items() if is_in(address, key) for word in words)

    def drop_ins(self, host: Host) -> frozenset[tuple[str, str]]:
        """What may be dropped in to the services' units on a host besides hosts/units: paths, each with its sha256."""
        return frozenset(said_for(host, self.units))

    def kept_files(self, host: Host, folder: str) -> dict[str, KeptFile]:
        """What hosts/proxies keeps of a folder of a host (``/etc/nginx``), by path."""
        return {one.path: one for one in self.proxies.get(host.name, ()) if one.path.startswith(f"{folder}/")}

    def variables(self, host: Host) -> frozenset[str]:
        """The variables that systemd may give to every service of a host, by name."""
        return frozenset(said_for(host, self.environment))

    def preloads(self, host: Host) -> Names:
        """The libraries that an agent may have loaded into every program of a host, by path."""
        return Names(said_for(host, self.preload))

    def foreign_programs(self, host: Host) -> Names:
        """What else may run on a host: programs outside of the system's folders by path, units that are Node.js by name."""
        return Names(said_for(host, self.programs))

    def agents_on(self, host: Host) -> tuple[Containers, ...]:
        """What may run in containers beside livekit, each of its own compose project and image."""
        return tuple(agent for place in places_of(host, self.agents) for agent in self.agents[place])

    def may_run(self, host: Host, names: Iterable[str]) -> frozenset[str]:
        """What the estate lets a job run or touch that goes by one of these names (files, units)."""
        known = [entry for entry in said_for(host, self.jobs) if any(name in Names((entry.where,)) for name in names)]
        return frozenset(one for entry in known for one in entry.runs)

    def may_by_sudo(self, host: Host) -> dict[str, frozenset[str]]:
        """What accounts and ``%groups`` may run as root on a host, besides what a deploy needs."""
        return allowed_on(host, self.sudo)

    def may_log_in(self, host: Host) -> dict[str, frozenset[str]]:
        """The fingerprints of the keys that may log in to a host, by account."""
        return allowed_on(host, self.keys or {})

    def sshd_may(self, host: Host) -> dict[str, frozenset[str]]:
        """The settings by which sshd may let in on a host besides by known keys, by whom they are for."""
        return allowed_on(host, self.sshd)

    def never_all(self, host: Host) -> frozenset[str]:
        """The accounts of a host that may never do everything: the one that logs in, those of the services, the builds'."""
        owners = (name for service in self.services for name in (service.owner, service.user) if name)
        return frozenset((host.user, BUILDER, *owners))

    @cached_property
    def placements(self) -> tuple[Placement, ...]:
        """Each service on each of its hosts."""
        return tuple(
            Placement(service, host, self._dialled(service, host)) for service in self.services for host in self.hosts_of(service)
        )

    def _dialled(self, service: Service, host: Host) -> tuple[Database, ...]:
        """The databases on which a service dials from a host."""
        return tuple(one for one in self.databases if service.name == "dialler" and one.dialler == host.name)

    @cached_property
    def placed_units(self) -> tuple[PlacedUnit, ...]:
        """Each unit that must run, on each host."""
        return tuple(unit for placement in self.placements for unit in placement.placed_units)

    @cached_property
    def _units_on(self) -> Mapping[str, list[PlacedUnit]]:
        found: dict[str, list[PlacedUnit]] = {}
        for unit in self.placed_units:
            found.setdefault(unit.host.name, []).append(unit)
        return found

    @property
    def workers(self) -> int:
        """Call slots of the whole fleet."""
        return sum(host.workers for host in self.hosts)

    def repository_url(self, service: Service) -> str:
        """Where hosts and gate fetch the service from."""
        return f"{self.repositories}/{service.repository}.git"

    def commit_url(self, service: Service, commit: str) -> str:
        """Where a person reads a commit; empty where the estate does not say."""
        return f"{self.commits}/{service.repository}/commits/{commit}" if self.commits else ""

    def tag_url(self, service: Service, tag: str) -> str:
        """Where a person reads what a tag holds; empty where the estate does not say."""
        return f"{self.commits}/{service.repository}/src/{tag}" if self.commits else ""

    @property
    def workspace(self) -> str:
        """The Bitbucket workspace of the repositories, as ``commits`` names it; empty where the estate does not say."""
        return self.commits.rstrip("/").rpartition("/")[2]
