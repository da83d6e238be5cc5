"""Evidence: what one look at the estate brought back, in plain nouns.

Everything here is what was *found*; what is wanted stands in the estate and the remote view. A fact that could not be
read is a ``Missing``: reading it through ``known`` raises ``Blind``, so that what was not seen can never count as good.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from voxgate.errors import Blind
from voxgate.model.digits import natural_in
from voxgate.model.surroundings import (
    BootFact,
    ClockFact,
    CopyFact,
    HaproxyFact,
    JobFact,
    KeysFact,
    LeaksFact,
    NginxFact,
    PackagesFact,
    RoomFact,
    RuntimesFact,
    StoreFact,
    SudoFact,
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Missing:
    """Why a fact is not there. ``kind``: denied, missing, timeout, unparsable, failed, unreachable."""

    kind: str
    why: str
    where: str = ""
    hint: str = ""


def known(fact: T | Missing) -> T:
    """The fact's value. Raises Blind if it could not be read."""
    if isinstance(fact, Missing):
        what = f"could not look ({fact.kind})"
        raise Blind(what, where=fact.where, why=fact.why, hint=fact.hint)
    return fact


_CUT = re.compile(r"\[cut(?:-\d+)?\]")


def uncut(text: str, where: str) -> str:
    """The text. Raises Blind if something was cut out of it: what a rule looks for in it may have been that."""
    if _CUT.search(text):
        raise Blind("a part of it was cut out as a secret", where=where, why=text, hint="keep the values of .env out of names")
    return text


@dataclass(frozen=True, slots=True)
class UnitFact:
    """One unit as systemd has it. ``properties`` is ``systemctl show`` (of Environment only the names, as
    ``EnvironmentNames``; empty for a mere alias, and for a file that systemd does not know); ``links`` are the links in
    .wants/.requires/.upholds folders that name it on disk (so what the next boot starts); ``files`` maps each unit file or
    drop-in on disk to its sha256 (or ``masked``, ``broken``, ``unreadable``, ``open to others than root``); ``vouched`` are those
    of them that are as a package of the distribution brought them; ``changed`` is their newest change (epoch seconds),
    ``package`` the name of the one that brought the first of them, empty where none is known.
    """

    name: str
    properties: Mapping[str, str]
    links: tuple[str, ...]
    files: Mapping[str, str]
    changed: float = 0.0
    vouched: tuple[str, ...] = ()
    package: str = ""

    @property
    def load(self) -> str:
        """``loaded``, ``not-found``, ``masked``, ..."""
        return self.properties.get("LoadState", "")

    @property
    def active(self) -> str:
        """``active/running`` for a healthy service."""
        return f"{self.properties.get('ActiveState', '')}/{self.properties.get('SubState', '')}"

    @property
    def enabled(self) -> str:
        """``enabled``, ``enabled-runtime``, ``disabled``, ``static``, ... (UnitFileState)."""
        return self.properties.get("UnitFileState", "")

    @property
    def main_pid(self) -> int:
        """The main process, 0 if there is none."""
        return natural_in(self.properties.get("MainPID", "")) or 0


@dataclass(frozen=True, slots=True)
class ProcessFact:
    """One process. ``started`` is wall-clock epoch seconds; ``unit`` the systemd unit of its cgroup, empty for none;
    ``container`` the id of the container its cgroup belongs to, empty for none. ``exe`` and ``cwd`` are None if not readable;
    ``exe`` is the path at which the host has that very file, else ``elsewhere:`` and the path that the process sees; ``state``
    is the kernel's letter for what it does. ``argv`` is for people, as something may have been cut out of it; ``runs`` are the
    folders of services whose code it runs, found before that.
    """

    pid: int
    ppid: int
    uid: int
    user: str
    started: float
    command: str
    argv: tuple[str, ...]
    cgroup: str
    unit: str
    container: str
    exe: str | None
    cwd: str | None
    state: str
    runs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SocketFact:
    """One socket. ``pids`` holds the processes that have it open, empty if none was found; remote is None where it waits for
    anybody. ``apart`` is True in a network namespace that is not the host's own.
    """

    address: str
    port: int
    remote_address: str | None
    remote_port: int | None
    pids: tuple[int, ...]
    apart: bool = False


@dataclass(frozen=True, slots=True)
class CheckoutFact:
    """One checkout, read by content. ``tree`` maps each path on disk (allow-listed folders aside) to (mode, blob id); what is
    neither file nor link has the mode ``special``, what the account that asks may not read the id ``unreadable``, and what
    something is mounted on the id ``mounted``. ``changed`` is the newest change (ctime, epoch seconds) of any file of it and of
    HEAD; ``origin`` the fetch URL after rewriting; ``settings`` the names of all settings that git has there, those of the
    account or the system as ``account NAME``; ``hooks`` the programs that it runs by itself.
    """

    head: str
    detached: bool
    origin: str
    owner: str
    tree: Mapping[str, tuple[str, str]]
    changed: float
    settings: tuple[str, ...] = ()
    hooks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class VenvFact:
    """One virtual environment. ``sync_status`` is the exit status of ``uv sync --locked --check --offline`` (0 equal,
    1 drift, else it could not tell) and ``sync_said`` its words; ``installed`` maps distribution to version.
    """

    python: str
    base_python: str
    system_site_packages: bool
    sync_status: int
    sync_said: str
    installed: Mapping[str, str]
    declared: Mapping[str, str]
    locked: Mapping[str, str]
    lock_sha256: str
    changed: float


@dataclass(frozen=True, slots=True)
class EnvFileFact:
    """One ``.env``: key names only. ``kind`` is regular, link, folder, absent; ``empty`` and ``placeholder`` name keys."""

    kind: str
    mode: str
    owner: str
    keys: tuple[str, ...]
    empty: tuple[str, ...]
    placeholder: tuple[str, ...]
    changed: float


@dataclass(frozen=True, slots=True)
class DistFact:
    """What nginx must serve: where the link points, and (size, sha256) of each file below it. ``target`` is empty where
    dist is a folder, not a link; ``files`` is empty where the link leaves ``builds/``.

    ``built`` is the manifest written right after the build, outside of the served folder: path to sha256. ``changed`` is the
    newest change of any of these files (ctime, epoch seconds, the kernel's), ``published`` when the link was made.
    """

    target: str
    files: Mapping[str, tuple[int, str]]
    built: Mapping[str, str] | None
    changed: float
    published: float


@dataclass(frozen=True, slots=True)
class MadeFact:
    """What a container was made of. ``digests`` are its image's id and what registries know it by; ``command`` what it runs and
    ``own_command`` what its image says, for people; ``as_image`` is True where they are the same; ``mounts`` are ``source:place``
    of what is put into it, volumes of its own image aside; ``rights`` what it may do that a plain container may not.
    """

    digests: tuple[str, ...]
    command: tuple[str, ...]
    own_command: tuple[str, ...]
    mounts: tuple[str, ...]
    rights: tuple[str, ...]
    as_image: bool


@dataclass(frozen=True, slots=True)
class ContainerFact:
    """One container of any state, as its engine lists it; ``made`` is None where the engine does not say more."""

    engine: str
    id: str
    name: str
    image: str
    state: str
    status: str
    project: str
    made: MadeFact | None = None


@dataclass(frozen=True, slots=True)
class EnginesFact:
    """The container engines of a host: those that answered (name and version), and everything they hold.

    ``traces`` are signs of an engine that did not answer by its socket: a socket file, a running engine process.
    """

    engines: Mapping[str, str]
    containers: tuple[ContainerFact, ...]
    traces: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Proof:
    """Who vouches for a probe's document: the request that it answers, and the SSH signature of the document's bytes by the host
    key of that fingerprint.
    """

    request: bytes
    signature: bytes
    key: str


@dataclass(frozen=True, slots=True)
class HostEvidence:
    """One look at one host. Each fact is a value or a Missing. ``listeners`` and ``connections`` are TCP, ``datagrams``
    UDP sockets without a peer, ``ephemeral`` the first and the last port that the kernel picks for clients, ``apart`` the
    processes in a network namespace of their own, ``addresses`` all that the host has, loopback too; ``javascript`` are
    the processes that run Node.js or its like. ``time`` is the host's clock, epoch seconds, read between ``asked`` (when
    the probe had its turn) and ``answered`` on the gate's clock, ``took`` seconds before the probe ended. ``document`` is
    what the probe said, as it said it: what is saved, and read again when evidence is judged offline. ``signed_by`` is
    the host key that signed it (none for a probe without root: it is the deploy account's word then), ``proof`` how;
    ``probe`` is the sha256 of the program that told all of it;
    ``noise`` what somebody else printed beside it, which nobody read.
    """

    name: str
    boot_id: str | Missing
    time: float | Missing
    uptime: float | Missing
    units: Mapping[str, UnitFact] | Missing
    processes: tuple[ProcessFact, ...] | Missing
    listeners: tuple[SocketFact, ...] | Missing
    datagrams: tuple[SocketFact, ...] | Missing
    connections: tuple[SocketFact, ...] | Missing
    ephemeral: tuple[int, int] | Missing
    apart: tuple[int, ...] | Missing
    addresses: tuple[str, ...] | Missing
    checkouts: Mapping[str, CheckoutFact | Missing]
    venvs: Mapping[str, VenvFact | Missing]
    env_files: Mapping[str, EnvFileFact | Missing]
    dists: Mapping[str, DistFact | Missing]
    engines: EnginesFact | Missing
    packages: Mapping[str, PackagesFact | Missing]
    leaks: Mapping[str, LeaksFact | Missing]
    runtimes: Mapping[str, RuntimesFact | Missing]
    stores: Mapping[str, tuple[StoreFact, ...] | Missing]
    copies: tuple[CopyFact, ...] | Missing
    jobs: tuple[JobFact, ...] | Missing
    javascript: tuple[int, ...] | Missing
    boot: BootFact | Missing
    nginx: NginxFact | Missing
    haproxy: HaproxyFact | Missing
    room: RoomFact | Missing
    clock: ClockFact | Missing
    sudo: SudoFact | Missing
    keys: KeysFact | Missing
    asked: float | Missing
    answered: float | Missing
    took: float | Missing
    signed_by: str = ""
    probe: str = ""
    noise: str = ""
    document: Mapping[str, object] = field(default_factory=dict, compare=False, repr=False)
    proof: Proof | None = field(default=None, compare=False, repr=False)
