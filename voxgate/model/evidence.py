"""Evidence: what one look at the estate brought back, in plain nouns.

Everything here is what was *found*; what is wanted stands in the estate and the remote view. A fact that could not be
read is a ``Missing``: reading it through ``known`` raises ``Blind``, so that what was not seen can never count as good.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, TypeVar

from msgspec import Meta

from voxgate.errors import Blind
from voxgate.model.digits import natural_in
from voxgate.model.forms import (
    Address,
    ByKey,
    Key,
    Later,
    Natural,
    Number,
    Pid,
    Port,
    Sha256,
    Shown,
    Whole,
    addresses_only,
    begun,
    whole_only,
)
from voxgate.model.surroundings import (
    BootFact,
    ClockFact,
    CopiesFact,
    EndsFact,
    JobFact,
    KeysFact,
    LeaksFact,
    PackagesFact,
    RoomFact,
    RuntimesFact,
    SecretFileFact,
    StoreFact,
    SudoFact,
)
from voxgate.model.web_servers import HaproxyFact, NginxFact

T = TypeVar("T")

# Of what a host says of its site and its addresses no more is believed, as each file is asked for, by each address.
FILES_AT_MOST = 5000
FILE_AT_MOST, SITE_AT_MOST = 32 * 1024 * 1024, 128 * 1024 * 1024  # bytes of one file, and of all
ADDRESSES_AT_MOST = 200
VALUES = "Environment"  # the property of a unit that nobody is told: its values may be secrets
FOR_PEOPLE = frozenset({"ExecStart"})  # the one property of a unit that no rule reads: what is cut of it is missed by none

UnitFile = Annotated[str, Meta(pattern=r"^([0-9a-f]{64}|masked|broken|unreadable|not a file|open to others than root)\Z")]
Commit = Annotated[str, Meta(pattern=r"^[0-9a-f]{40}\Z")]
Mode = Annotated[str, Meta(pattern=r"^(100644|100755|120000|special)\Z")]
Blob = Annotated[str, Meta(pattern=r"^([0-9a-f]{40}|unreadable|mounted|)\Z")]
CheckDigits = Annotated[str, Meta(pattern=r"^[0-9a-f]{3} [A-Za-z_][A-Za-z0-9_]*/?\Z")]
SiteFile = Annotated[str, Meta(pattern=r"^([0-9a-f]{64}|link|special)\Z")]


@dataclass(frozen=True, slots=True)
class Missing:
    """Why a fact is not there. ``kind``: denied, missing, timeout, unparsable, failed, unreachable."""

    kind: str
    why: str
    where: str = ""
    hint: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "why", begun(self.why))


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

    name: Annotated[Whole, Key()]
    properties: Annotated[Mapping[Whole, Shown], Meta(extra_json_schema={"properties": {VALUES: False}})]
    links: tuple[Whole, ...]
    files: Mapping[Whole, UnitFile]
    changed: Number = 0.0
    vouched: tuple[Whole, ...] = ()
    package: Annotated[Whole, Later()] = ""

    def __post_init__(self) -> None:
        """Raises ValueError where something was cut out of a property that a rule may read, or one is told that must not be."""
        if VALUES in self.properties:
            raise ValueError("values of an environment are told")
        whole_only(value for key, value in self.properties.items() if key not in FOR_PEOPLE)

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
    folders of services whose code it runs, found before that. ``own_pids`` says that it has a PID namespace of its own.
    """

    pid: Pid
    ppid: Natural
    uid: Natural
    user: Whole
    started: Number
    command: Whole
    argv: tuple[Shown, ...]
    cgroup: Whole
    unit: Whole
    container: Whole
    exe: Whole | None
    cwd: Whole | None
    state: Annotated[str, Meta(pattern=r"^[A-Za-z]\Z")]
    runs: tuple[Whole, ...] = ()
    own_pids: Annotated[bool, Later()] = False


@dataclass(frozen=True, slots=True)
class SocketFact:
    """One socket. ``pids`` holds the processes that have it open, empty if none was found; remote is None where it waits for
    anybody. ``apart`` is True in a network namespace that is not the host's own. ``uid`` is the account that opened it, told of
    UDP.
    """

    address: Address
    port: Port
    remote_address: Address | None
    remote_port: Port | None
    pids: tuple[Pid, ...]
    apart: bool = False
    uid: Annotated[Natural | None, Later()] = None


@dataclass(frozen=True, slots=True)
class SocketsFact:
    """The sockets of a host, TCP and UDP, and what belongs to them: as ``HostEvidence`` has each of it."""

    listeners: tuple[SocketFact, ...]
    datagrams: tuple[SocketFact, ...]
    connections: tuple[SocketFact, ...]
    ephemeral: tuple[Port, Port]
    apart: tuple[Pid, ...]
    addresses: Annotated[tuple[Address, ...], Meta(max_length=ADDRESSES_AT_MOST)]

    def __post_init__(self) -> None:
        """Raises ValueError for an address that is none, and for a connection without a peer."""
        addresses_only(self.addresses)
        addresses_only({one.address for one in (*self.listeners, *self.datagrams, *self.connections)})
        if any(one.remote_address is None or one.remote_port is None for one in self.connections):
            raise ValueError("a connection has no other end")
        if any(one.remote_address is not None or one.remote_port is not None for one in (*self.listeners, *self.datagrams)):
            raise ValueError("what listens has another end")
        addresses_only({one.remote_address for one in self.connections if one.remote_address is not None})


@dataclass(frozen=True, slots=True)
class CheckoutFact:
    """One checkout, read by content. ``tree`` maps each path on disk (allow-listed folders aside) to (mode, blob id); what is
    neither file nor link has the mode ``special``, what the account that asks may not read the id ``unreadable``, and what
    something is mounted on the id ``mounted``. ``changed`` is the newest change (ctime, epoch seconds) of any file of it and of
    HEAD, or that a folder in it was moved; ``origin`` the fetch URL after rewriting; ``settings`` the names of all settings that
    git has there, those of the account or the system as ``account NAME``; ``hooks`` the programs that it runs by itself;
    ``loose`` the first paths, in it or whole, that others than root and the account that deploys could change, and who.
    """

    head: Commit
    detached: bool
    origin: Shown
    owner: Whole
    tree: Mapping[Whole, tuple[Mode, Blob]]
    changed: Number
    settings: tuple[Whole, ...] = ()
    hooks: tuple[Whole, ...] = ()
    loose: Annotated[tuple[tuple[Whole, Shown], ...], Later()] = ()


@dataclass(frozen=True, slots=True)
class VenvFact:
    """One virtual environment. ``sync_status`` is the exit status of ``uv sync --locked --check --offline`` (0 equal,
    1 drift, else it could not tell) and ``sync_said`` its words; ``installed`` maps distribution to version.
    """

    python: Whole
    base_python: Whole
    system_site_packages: bool
    sync_status: int
    sync_said: Shown
    installed: Mapping[Whole, Whole]
    declared: Mapping[Whole, Whole]
    locked: Mapping[Whole, Whole]
    lock_sha256: Sha256
    changed: Number


@dataclass(frozen=True, slots=True)
class EnvFileFact:
    """One ``.env``: key names only. ``kind`` is regular, link, folder, absent; ``empty`` and ``placeholder`` name keys.
    ``digits`` are the check digits of the required settings' values, by which one is told from another: ``3fa NAME``;
    ``readers`` are the accounts that may read it besides its owner and root, by a group or an access list.
    """

    kind: Annotated[str, Meta(pattern=r"^(regular|link|folder|special|absent)\Z")]
    mode: Annotated[str, Meta(pattern=r"^([0-7]{4}|)\Z")]
    owner: Whole
    keys: tuple[Whole, ...]
    empty: tuple[Whole, ...]
    placeholder: tuple[Whole, ...]
    changed: Number
    digits: Annotated[tuple[CheckDigits, ...], Later()] = ()
    readers: Annotated[tuple[Whole, ...], Later()] = ()

    @property
    def digits_of(self) -> dict[str, str]:
        """The check digits by the setting's name; of the path of an address alone by ``NAME/``."""
        return {name: digits for digits, _, name in (row.partition(" ") for row in self.digits)}


@dataclass(frozen=True, slots=True)
class DistFact:
    """What nginx must serve: where the link points, and (size, sha256) of each file below it. ``target`` is empty where
    dist is a folder, not a link; ``files`` is empty where the link leaves ``builds/``.

    ``built`` is the manifest written right after the build, outside of the served folder: path to sha256. ``changed`` is the
    newest change of any of these files (ctime, epoch seconds, the kernel's), ``published`` when the link was made; ``loose`` as
    in ``CheckoutFact``.
    """

    target: Whole
    files: Mapping[Whole, tuple[Natural, SiteFile]]
    built: Mapping[Whole, Sha256] | None
    changed: Number
    published: Number
    loose: Annotated[tuple[tuple[Whole, Shown], ...], Later()] = ()

    def __post_init__(self) -> None:
        """Raises ValueError for more than is asked for: what a host says of sizes is believed up to a limit only."""
        sizes = [size for size, _ in self.files.values()]
        if len(sizes) > FILES_AT_MOST or max(sizes, default=0) > FILE_AT_MOST or sum(sizes) > SITE_AT_MOST:
            msg = f"more than {FILES_AT_MOST} files, {FILE_AT_MOST} bytes in one, or {SITE_AT_MOST} in all, are not asked for"
            raise ValueError(msg)


@dataclass(frozen=True, slots=True)
class MadeFact:
    """What a container was made of. ``digests`` are its image's id and what registries know it by; ``command`` what it runs and
    ``own_command`` what its image says, for people; ``as_image`` is True where they are the same; ``mounts`` are ``source:place``
    of what is put into it, volumes of its own image aside; ``rights`` what it may do that a plain container may not.
    """

    digests: tuple[Whole, ...]
    command: tuple[Shown, ...]
    own_command: tuple[Shown, ...]
    mounts: tuple[Whole, ...]
    rights: tuple[Whole, ...]
    as_image: bool


@dataclass(frozen=True, slots=True)
class ContainerFact:
    """One container of any state, as its engine lists it; ``made`` is None where the engine does not say more."""

    engine: Whole
    id: Whole
    name: Whole
    image: Whole
    state: Whole
    status: Shown
    project: Whole
    made: MadeFact | None = None


@dataclass(frozen=True, slots=True)
class EnginesFact:
    """The container engines of a host: those that answered (name and version), and everything they hold.

    ``traces`` are signs of an engine that did not answer by its socket: a socket file, a running engine process.
    """

    engines: Mapping[Whole, Whole]
    containers: tuple[ContainerFact, ...]
    traces: tuple[Shown, ...]


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
    stores: Mapping[str, Annotated[tuple[StoreFact, ...], ByKey()] | Missing]
    copies: CopiesFact | Missing
    jobs: tuple[JobFact, ...] | Missing
    javascript: tuple[int, ...] | Missing
    boot: BootFact | Missing
    nginx: NginxFact | Missing
    haproxy: HaproxyFact | Missing
    secret_files: tuple[SecretFileFact, ...] | Missing
    room: RoomFact | Missing
    clock: ClockFact | Missing
    sudo: SudoFact | Missing
    keys: KeysFact | Missing
    ends: EndsFact | Missing
    asked: float | Missing
    answered: float | Missing
    took: float | Missing
    signed_by: str = ""
    probe: str = ""
    noise: str = ""
    document: Mapping[str, object] = field(default_factory=dict, compare=False, repr=False)
    proof: Proof | None = field(default=None, compare=False, repr=False)
