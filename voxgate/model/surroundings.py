"""What stands around a service on its host: packages, secrets, jobs, proxies, room, clock, rights. All of it as found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated

from msgspec import Meta

from voxgate.model.forms import ByKey, Key, Later, Natural, Number, Pid, Port, Sha256, Shown, Whole, Wire

Outcome = Annotated[str, Meta(pattern=r"^(reached|not asked|refused|timeout|unresolved|unreachable|silent|unparsable)\Z")]
Place = tuple[Whole, Port]


@dataclass(frozen=True, slots=True)
class PackagesFact:
    """Every file of a virtual environment against the RECORD of the distribution that owns it. ``bad`` holds the first of
    ``bad_count`` paths and what is wrong with each; ``records`` is one hash over all RECORDs; ``hashed`` counts the files that
    were read in this look, the others were as the probe's own cache knows them; ``changed`` is the newest change (ctime, epoch
    seconds) of any file that is no byte code, or that a folder was moved; ``loose`` as in ``CheckoutFact``.
    """

    distributions: Natural
    files: Natural
    hashed: Natural
    bad: tuple[tuple[Whole, Shown], ...]
    bad_count: Natural
    records: Sha256
    changed: Number
    loose: Annotated[tuple[tuple[Whole, Shown], ...], Later()] = ()


@dataclass(frozen=True, slots=True)
class LeaksFact:
    """Where values of ``.env`` stand in the open, by key and place, never by value. ``compared`` are the keys whose values
    were looked for; ``lines`` the lines of the units' journal that were read; where there are none, ``since`` is when the oldest
    entry of the journal was written (epoch seconds, 0 for none).
    """

    compared: tuple[Whole, ...]
    lines: Natural
    found: tuple[tuple[Shown, Shown], ...]
    since: Annotated[Number, Later()] = 0.0


@dataclass(frozen=True, slots=True)
class RuntimeFact:
    """What one process of a service really runs. ``interpreter`` is True for the venv's own program; ``elsewhere`` and
    ``gone`` are files that it runs code of, from neither venv nor system, or deleted under it; ``replaced`` are such
    that a package brought anew since the process was started; ``loads`` what LD_PRELOAD names; ``loader`` and ``strange`` name
    variables: those that change what is loaded, and those that neither unit nor ``.env`` gave it; ``mounts`` are places of the
    service's folder at which it sees something else than the probe does. ``less`` is what it is granted that is less than a
    service gets which nobody limits, apart from what its unit's files say; ``traced_by`` the process that can change it, or 0;
    ``stands`` the folder that it stands in, where that is gone, or holds another copy of the service's packages; else empty.
    """

    pid: Annotated[Pid, Key()]
    unit: Whole
    argv0: Whole
    interpreter: bool
    elsewhere: tuple[Whole, ...]
    gone: tuple[Whole, ...]
    mounts: tuple[Whole, ...]
    loader: tuple[Whole, ...]
    strange: tuple[Whole, ...]
    replaced: Annotated[tuple[Whole, ...], Later()] = ()
    loads: Annotated[tuple[Whole, ...], Later()] = ()
    less: Annotated[tuple[Whole, ...], Later()] = ()
    traced_by: Annotated[Natural, Later()] = 0
    stands: Annotated[Whole, Later()] = ""


@dataclass(frozen=True, slots=True)
class RuntimesFact:
    """All processes of a service's units; ``preload`` is True where ``/etc/ld.so.preload`` changes every program, by the
    libraries ``preloads``; ``loose`` what others than root can change of what is loaded so; ``base`` are the first paths of the
    interpreter below the environment, and of the system's libraries that are run, that nobody vouches for, and what is wrong with
    each.
    """

    processes: Annotated[tuple[RuntimeFact, ...], ByKey()]
    preload: bool
    base: tuple[tuple[Whole, Shown], ...] = ()
    preloads: Annotated[tuple[Whole, ...], Later()] = ()
    loose: Annotated[tuple[Whole, ...], Later()] = ()


@dataclass(frozen=True, slots=True)
class EntryFact:
    """The entry of a worker (``<host>/<N>``, as its key has it) in the registry: ``lives`` milliseconds until it runs out, -1 for
    never, -2 where there is none; ``said`` its shape as JSON, empty where it ``holds`` something else: what it is then.
    """

    worker: Annotated[Whole, Key()]
    lives: Annotated[int, Meta(ge=-2, le=2**53)]
    holds: Annotated[str, Wire("is"), Meta(pattern=r"^(JSON|gone|no text|too long|no JSON)\Z")]
    said: Annotated[Whole, Meta(max_length=4000)]


@dataclass(frozen=True, slots=True)
class StoreFact:
    """How far the host came to the address that a setting holds: reached, refused, timeout, unresolved, unreachable, silent,
    unparsable, or ``not asked`` for a database; ``connections`` that the service's own processes hold to it. ``places`` are the
    addresses and ports that the setting's hosts stand for there, ``held`` those that are connected to, ``names`` the sha256 of
    each ``host:port`` that the setting has. ``entries`` are those that a Redis has of this host's workers, where it was asked for
    them, and ``unread`` why it was asked and nothing could be read.
    """

    setting: Annotated[Whole, Key()]
    outcome: Outcome
    connections: Natural
    places: tuple[Place, ...] = ()
    held: tuple[Place, ...] = ()
    names: Annotated[tuple[Sha256, ...], Later()] = ()
    entries: Annotated[tuple[EntryFact, ...], ByKey(), Later()] = ()
    unread: Annotated[Shown, Later()] = ""


@dataclass(frozen=True, slots=True)
class EndFact:
    """A connection that the probe made to a ``port`` of a unit, or ``through`` the port of a web server to that (0: by itself).
    ``holders`` are the processes that have its other end, each with its unit, empty where no process of the host has; ``status``
    and ``pid`` what was answered over it, 0 where it does not say; ``reached`` is False where the web server answered, and
    nothing came to the unit.
    """

    unit: Whole
    port: Port
    through: Natural
    outcome: Annotated[str, Meta(pattern=r"^(answered|refused|timeout|unreachable|silent)\Z")]
    holders: tuple[tuple[Pid, Whole], ...]
    status: Natural
    pid: Natural
    reached: bool


@dataclass(frozen=True, slots=True)
class TurnFact:
    """A rule of the kernel's that leads connections elsewhere: where it stands, what it does, and for which ports, from the first
    to the last, as far as it says so itself.
    """

    where: Whole
    does: Whole
    ports: tuple[tuple[Natural, Natural], ...]


@dataclass(frozen=True, slots=True)
class EndsFact:
    """Who answers at the units' ports, and what leads connections elsewhere."""

    ends: tuple[EndFact, ...]
    turns: tuple[TurnFact, ...]


@dataclass(frozen=True, slots=True)
class CopyFact:
    """A checkout (also bare, also a worktree), a project folder or a Python package of a service, beside the services' own.
    ``names`` are the repositories or the project that it says it is; ``same`` the services of this host that share its first
    commit, its lock or that package.
    """

    path: Whole
    kind: Annotated[str, Meta(pattern=r"^(checkout|bare|worktree|project|package|unreadable)\Z")]
    names: tuple[Whole, ...]
    same: tuple[Whole, ...]


@dataclass(frozen=True, slots=True)
class CopiesFact:
    """What was found in ``folders`` folders."""

    folders: Natural
    found: tuple[CopyFact, ...]


@dataclass(frozen=True, slots=True)
class JobFact:
    """Something that starts by itself, and which programs that move code it runs, or which service's folder it names, itself or
    by its scripts. ``changed`` is the last change of a file that says so (epoch seconds, 0 where it is not known).
    """

    where: Shown
    user: Shown
    runs: tuple[Shown, ...]
    changed: Annotated[Number, Later()] = 0.0


@dataclass(frozen=True, slots=True)
class StarterFact:
    """One service that the next boot starts, or that a timer, a path or a socket then waits to start (not ``at_boot``). ``by``
    is the link or file that says so; ``foreign`` the files that make it and came with no package of the distribution.
    """

    name: Annotated[Whole, Key()]
    by: Whole
    at_boot: bool
    foreign: tuple[Whole, ...]


@dataclass(frozen=True, slots=True)
class OtherFact:
    """A file by which something is run without a person, and that came with no package: where it is, by whom it is read, and
    whether it is run ``itself``, or says what is.
    """

    where: Whole
    by: Whole
    itself: bool


@dataclass(frozen=True, slots=True)
class BootFact:
    """What the next boot starts, by the disk alone: from its ``target`` on. ``generators`` are programs that make units at boot
    and came with no package of the distribution; ``others`` what others than systemd run at boot, or otherwise by itself.
    """

    target: Annotated[Whole, Meta(min_length=1)]
    services: Mapping[Whole, StarterFact]
    generators: tuple[Whole, ...]
    others: Annotated[tuple[OtherFact, ...], Later()] = ()


@dataclass(frozen=True, slots=True)
class DiskFact:
    """One file system, bytes and inodes; ``inodes`` 0 where it has no fixed number of them. ``ours`` is False for one that is no
    folder of the system's, and on which no service, store or container has anything open.
    """

    path: Whole
    size: Annotated[Natural, Wire("bytes")]
    free: Natural
    inodes: Natural
    inodes_free: Natural
    ours: Annotated[bool, Later()] = True


@dataclass(frozen=True, slots=True)
class MemoryFact:
    """Bytes."""

    total: Natural
    available: Natural


@dataclass(frozen=True, slots=True)
class RoomFact:
    """The file systems that can be written to, and the memory."""

    disks: tuple[DiskFact, ...]
    memory: MemoryFact


@dataclass(frozen=True, slots=True)
class ClockFact:
    """``synchronised`` by the kernel's word, None if it gave none; ``keepers`` are the programs that keep the time;
    ``container`` is True where the clock is that of the machine below; ``doubts`` what calls itself a keeper and is none.
    """

    synchronised: bool | None
    keepers: tuple[Whole, ...]
    container: bool
    doubts: tuple[Shown, ...] = ()


@dataclass(frozen=True, slots=True)
class SudoRule:
    """One command of ``sudo -l``: as whom, with which options; ``holder`` is who may run it, ``groups`` are another account's;
    ``file`` is where it stands, empty where that is not known, ``changed`` that file's last change (epoch seconds, or 0).
    """

    user: Annotated[Whole, Wire("as")]
    options: Whole
    command: Whole
    holder: Annotated[Whole, Wire("user"), Later()] = ""
    groups: Annotated[tuple[Whole, ...], Later()] = ()
    file: Annotated[Shown, Later()] = field(default="", compare=False)
    changed: Annotated[Number, Later()] = field(default=0.0, compare=False)


@dataclass(frozen=True, slots=True)
class SudoFact:
    """What the account that looks may do as others, and its groups; ``others`` is what further accounts may, that log in or run
    something; ``loose`` are programs, and folders on the way to them, that not only root can change; ``by_itself`` the same of
    what root runs by itself, as far as accounts that run a service or deploy can change it. ``accounts`` are all of the host's,
    each with its number, group, home, shell and further groups in a text; empty where an earlier probe does not tell.
    """

    user: Whole
    groups: tuple[Whole, ...]
    rules: tuple[SudoRule, ...]
    others: tuple[SudoRule, ...] = ()
    loose: tuple[Whole, ...] = ()
    by_itself: Annotated[tuple[Whole, ...], Later()] = ()
    accounts: Annotated[tuple[tuple[Whole, Shown], ...], Later()] = ()

    def __post_init__(self) -> None:
        """A rule that names no holder is of the account that looks."""
        rules = tuple(rule if rule.holder else replace(rule, holder=self.user) for rule in self.rules)
        object.__setattr__(self, "rules", rules)


@dataclass(frozen=True, slots=True)
class KeyFact:
    """One authorized key; ``fingerprint`` as ``ssh-keygen -l`` shows it, or ``unreadable``; ``changed`` is its file's last
    change (epoch seconds, 0 where an earlier probe does not say it).
    """

    user: Whole
    file: Whole
    fingerprint: Annotated[str, Meta(pattern=r"^(SHA256:[A-Za-z0-9+/]{43}|principal:.{1,64}|unreadable)\Z")]
    changed: Annotated[Number, Later()] = 0.0


@dataclass(frozen=True, slots=True)
class KeysFact:
    """Every authorized key of every account, and what else sshd takes (its settings, by lower-case name, `` | `` between what
    differs by who comes); ``started`` is when it last read its files, 0 where it does for each login, ``changed`` their newest
    change; ``doubts`` what calls itself a listening sshd and is none, and files of its configuration that others can change.
    """

    settings: Mapping[Whole, Whole]
    keys: tuple[KeyFact, ...]
    started: Number = 0.0
    changed: Number = 0.0
    doubts: tuple[Shown, ...] = ()


@dataclass(frozen=True, slots=True)
class SecretFileFact:
    """A file of secrets that root alone reads: a private key, or the words that open one, of nginx's or HAProxy's, or what a
    build is given. Its owner and group, and the accounts besides root that may read it, ``everybody`` where it is so.
    """

    path: Whole
    owner: Whole
    group: Whole
    readers: tuple[Whole, ...]
