"""The four services: what each is, and where it is installed and answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import NamedTuple

OPT = "/opt"
"""Where services usually stand, each in a folder of it."""

BUILD_TEMPLATE = "voxgate-build@.service"


class Role(StrEnum):
    """What a host is for."""

    API = "api"
    FLEET = "fleet"
    SIP = "sip"
    DATA = "data"


class Kind(StrEnum):
    """How a service is installed."""

    PYTHON = "python"
    STATIC = "static"


def build_name(folder: str) -> str:
    """What a build is told instead of a folder: the name of one of /opt; of one elsewhere its path with ``--`` for each slash
    (``srv--voice--backend``), which no folder of a service has in its name.
    """
    top, _, name = folder.rpartition("/")
    return name if top == OPT else folder.strip("/").replace("/", "--")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a service answers HTTP: a port of its host, a path, and the schema of the body (a name in ``schemas/``)."""

    port: int
    path: str
    schema: str | None = None


class EnvFile(NamedTuple):
    """A file that settings of a service stand in: how the evidence calls it, its name in the service's folder, and the units that
    it is for.
    """

    key: str
    name: str
    units: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Service:
    """One of the four. ``unit`` is a unit name, a template (``voxcore@.service``), or None for the console. ``unit_files``
    maps its unit file and drop-ins, as paths below ``/etc/systemd/system``, to the sha256 of what they must be; ``web_roots`` are
    folders that nginx may serve besides the site's, ``deep_links`` paths that its page shows by itself, ``proxied_api`` is a page
    of an API that people's browsers ask; ``stores`` maps each setting that is a store's address to the store's name in the
    estate. Its ``.env`` holds the ``required_settings``, and may hold the ``optional_settings`` (patterns: ``LOG_*``).
    ``differing_settings`` (patterns too) may be others on each host than elsewhere; ``values`` are what a setting may be, where
    that is said; ``database`` is the setting that names its database, ``tick`` the one that says how long a dialler waits.
    ``calls`` is where a worker takes a call, ``balanced_calls`` where it is asked for one through HAProxy; ``build_sha256`` is of
    the unit file that builds its releases, which is called ``build_file``.
    """

    name: str
    repository: str
    role: Role
    kind: Kind
    folder: str
    owner: str
    user: str | None = None
    unit: str | None = None
    pinned: str | None = None
    app_name: str | None = None
    health: Endpoint | None = None
    proxied_health: Endpoint | None = None
    proxied_api: Endpoint | None = None
    aggregate_health: Endpoint | None = None
    metrics: Endpoint | None = None
    calls: Endpoint | None = None
    balanced_calls: Endpoint | None = None
    site: Endpoint | None = None
    web_roots: tuple[str, ...] = ()
    deep_links: tuple[str, ...] = ()
    start_deadline: float = 30.0
    required_settings: tuple[str, ...] = ()
    optional_settings: tuple[str, ...] = ()
    differing_settings: tuple[str, ...] = ()
    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    database: str | None = None
    tick: str | None = None
    unit_files: Mapping[str, str] = field(default_factory=dict, hash=False)
    stores: Mapping[str, str] = field(default_factory=dict, hash=False)
    build_sha256: str = ""

    @property
    def is_template(self) -> bool:
        """True where one host runs several instances of the unit."""
        return self.unit is not None and "@." in self.unit

    @property
    def build_unit(self) -> str:
        """The unit that builds its releases, in a sandbox: by the name of its folder, which is where it builds."""
        return f"voxgate-build@{self.build_name}.service"

    @property
    def build_name(self) -> str:
        """What a build is told instead of its folder."""
        return build_name(self.folder)

    @property
    def build_file(self) -> str:
        """The unit file that its build unit is made of: one for all that stand in /opt, one of its own elsewhere."""
        return self.build_unit if "--" in self.build_name else BUILD_TEMPLATE

    def instance(self, number: int | str) -> str:
        """The unit name of worker ``number``, or of an instance by its name: ``voxcore@3.service``."""
        if self.unit is None or not self.is_template:
            msg = f"{self.name} has no unit template"
            raise ValueError(msg)
        return self.unit.replace("@.", f"@{number}.")

    def knows_setting(self, name: str) -> bool:
        """True for a setting that its ``.env`` must or may hold."""
        return name in self.required_settings or any(fnmatchcase(name, pattern) for pattern in self.optional_settings)

    def owns_unit(self, unit: str) -> bool:
        """True if ``unit`` is the service's unit or an instance of its template, whatever the instance's name."""
        if self.unit is None:
            return False
        return fnmatchcase(unit, self.unit.replace("@.", "@*.")) if self.is_template else unit == self.unit
