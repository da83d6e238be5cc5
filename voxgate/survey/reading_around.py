"""From the probe's document to what stands around a service, as strictly as the rest of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from voxgate.model.digits import natural_in
from voxgate.model.evidence import ContainerFact, EnginesFact, MadeFact
from voxgate.model.surroundings import (
    BootFact,
    ClockFact,
    CopyFact,
    DiskFact,
    HaproxyFact,
    JobFact,
    KeyFact,
    KeysFact,
    LeaksFact,
    NginxFact,
    PackagesFact,
    RoomFact,
    RuntimeFact,
    RuntimesFact,
    ServerFact,
    SiteFact,
    StarterFact,
    StoreFact,
    SudoFact,
    SudoRule,
)
from voxgate.survey.fields import (
    WrongFormError,
    at_most,
    flag,
    get,
    get_or,
    integer,
    items,
    members,
    named,
    natural,
    number,
    pair,
    port,
    text,
    texts,
    whole,
    whole_by_whole,
    wholes,
)

if TYPE_CHECKING:
    from collections.abc import Mapping


SITES_AT_MOST = 200  # servers of one nginx
NAMES_AT_MOST = 100  # of one of them: the page is asked for by each


def _pairs(rows: object) -> tuple[tuple[str, str], ...]:
    return tuple(pair(row, whole) for row in items(rows))


def packages(row: Mapping[str, Any]) -> PackagesFact:
    """One environment's files."""
    return PackagesFact(
        distributions=get(row, "distributions", natural),
        files=get(row, "files", natural),
        hashed=get(row, "hashed", natural),
        bad=get(row, "bad", _pairs),
        bad_count=get(row, "bad_count", natural),
        records=get(row, "records", whole),
        changed=get(row, "changed", number),
    )


def leaks(row: Mapping[str, Any]) -> LeaksFact:
    """One service's secrets in the open."""
    found = get(row, "found", lambda rows: tuple(pair(each, text) for each in items(rows)))
    return LeaksFact(get(row, "compared", wholes), get(row, "lines", natural), found, get_or(row, "since", number, 0.0))


def runtimes(row: Mapping[str, Any]) -> RuntimesFact:
    """One service's processes."""
    rows = get(row, "processes", members)
    found = tuple(_runtime(pid, each) for pid, each in rows.items())
    return RuntimesFact(
        processes=found,
        preload=get(row, "preload", flag),
        base=get(row, "base", _pairs),
        preloads=get_or(row, "preloads", wholes, ()),
        loose=get_or(row, "loose", wholes, ()),
    )


def _runtime(pid: str, row: object) -> RuntimeFact:
    number_of = natural_in(pid)
    if number_of is None:
        msg = "processes: a pid wanted"
        raise WrongFormError(msg)
    return RuntimeFact(
        pid=number_of,
        unit=get(row, "unit", whole),
        argv0=get(row, "argv0", whole),
        interpreter=get(row, "interpreter", flag),
        elsewhere=get(row, "elsewhere", wholes),
        gone=get(row, "gone", wholes),
        mounts=get(row, "mounts", wholes),
        loader=get(row, "loader", wholes),
        strange=get(row, "strange", wholes),
        replaced=get_or(row, "replaced", wholes, ()),
        loads=get_or(row, "loads", wholes, ()),
    )


def stores(row: Mapping[str, Any]) -> tuple[StoreFact, ...]:
    """The addresses in one service's settings."""
    return tuple(
        StoreFact(
            setting=key,
            outcome=get(each, "outcome", whole),
            connections=get(each, "connections", natural),
            places=get(each, "places", _places),
            held=get(each, "held", _places),
            names=get(each, "names", texts) if "names" in each else (),
        )
        for key, each in named(row).items()
    )


def _places(rows: object) -> tuple[tuple[str, int], ...]:
    """Addresses and ports."""
    found = []
    for row in items(rows):
        address, number_of = [*items(row), None, None][:2]
        found.append((whole(address), port(number_of)))
    return tuple(found)


def copies(row: object) -> tuple[CopyFact, ...]:
    """Checkouts beside the services' own."""
    get(row, "folders", natural)
    return tuple(
        CopyFact(get(each, "path", whole), get(each, "kind", whole), get(each, "names", wholes), get(each, "same", wholes))
        for each in get(row, "found", items)
    )


def jobs(rows: object) -> tuple[JobFact, ...]:
    """Everything that starts by itself."""
    return tuple(
        JobFact(get(row, "where", text), get(row, "user", text), get(row, "runs", texts), get_or(row, "changed", number, 0.0))
        for row in items(rows)
    )


def boot(row: object) -> BootFact:
    """What the next boot starts."""
    services = {name: _starter(name, each) for name, each in get(row, "services", named).items()}
    return BootFact(get(row, "target", whole), services, get(row, "generators", wholes))


def _starter(name: str, row: object) -> StarterFact:
    return StarterFact(name, get(row, "by", whole), get(row, "at_boot", flag), get(row, "foreign", wholes))


def nginx(row: object) -> NginxFact:
    """What nginx says of itself."""
    return NginxFact(
        masters=get(row, "masters", wholes),
        status=get(row, "status", integer),
        flaws=get(row, "flaws", text),
        changed=get(row, "changed", number),
        roots=get(row, "roots", wholes),
        config=get(row, "config", whole),
        sites=tuple(
            SiteFact(get(each, "listens", wholes), at_most(NAMES_AT_MOST, get(each, "names", wholes)), get(each, "serves", flag))
            for each in at_most(SITES_AT_MOST, get(row, "sites", items))
        ),
        workers=get(row, "workers", lambda rows: tuple(number(each) for each in items(rows))),
        doubts=get(row, "doubts", texts),
    )


def haproxy(row: object) -> HaproxyFact:
    """HAProxy and its servers."""
    return HaproxyFact(
        running=get(row, "running", flag),
        started=get(row, "started", number),
        changed=get(row, "changed", number),
        servers=tuple(_server(each) for each in get(row, "servers", items)),
        doubts=get(row, "doubts", texts),
        led_to=get(row, "led_to", wholes) if "led_to" in members(row) else None,
    )


def _server(row: object) -> ServerFact:
    return ServerFact(
        backend=get(row, "backend", whole),
        name=get(row, "name", whole),
        address=get(row, "address", whole),
        status=get(row, "status", whole),
        checked=get(row, "checked", flag),
        weight=get(row, "weight", natural),
    )


def room(row: object) -> RoomFact:
    """Disks and memory."""
    memory = get(row, "memory", members)
    disks = tuple(_disk(each) for each in get(row, "disks", items))
    return RoomFact(disks, get(memory, "total", natural), get(memory, "available", natural))


def _disk(row: object) -> DiskFact:
    return DiskFact(
        path=get(row, "path", whole),
        size=get(row, "bytes", natural),
        free=get(row, "free", natural),
        inodes=get(row, "inodes", natural),
        inodes_free=get(row, "inodes_free", natural),
        ours=get_or(row, "ours", flag, default=True),
    )


def clock(row: object) -> ClockFact:
    """The clock's keepers."""
    synchronised = get(row, "synchronised", lambda value: None if value is None else flag(value))
    return ClockFact(synchronised, get(row, "keepers", wholes), get(row, "container", flag), get(row, "doubts", texts))


def sudo(row: object) -> SudoFact:
    """What the account that looks may do."""
    user = get(row, "user", whole)
    return SudoFact(
        user=user,
        groups=get(row, "groups", wholes),
        rules=tuple(_rule(each, user) for each in get(row, "rules", items)),
        others=tuple(_rule(each, get(each, "user", whole), get(each, "groups", wholes)) for each in get(row, "others", items)),
        loose=get(row, "loose", wholes),
    )


def _rule(row: object, holder: str, groups: tuple[str, ...] = ()) -> SudoRule:
    return SudoRule(
        get(row, "as", whole),
        get(row, "options", whole),
        get(row, "command", whole),
        holder,
        groups,
        get_or(row, "file", text, default=""),
        get_or(row, "changed", number, default=0.0),
    )


def keys(row: object) -> KeysFact:
    """Who may log in."""
    found = tuple(
        KeyFact(
            get(each, "user", whole),
            get(each, "file", whole),
            get(each, "fingerprint", whole),
            get_or(each, "changed", number, 0.0),
        )
        for each in get(row, "keys", items)
    )
    return KeysFact(
        settings=get(row, "settings", whole_by_whole),
        keys=found,
        started=get(row, "started", number),
        changed=get(row, "changed", number),
        doubts=get(row, "doubts", texts),
    )


def engines(row: object) -> EnginesFact:
    """Container engines, and what they have."""
    return EnginesFact(
        engines=get(row, "engines", whole_by_whole),
        containers=get(row, "containers", lambda rows: tuple(_container(each) for each in items(rows))),
        traces=get(row, "traces", texts),
    )


def _container(row: object) -> ContainerFact:
    return ContainerFact(
        engine=get(row, "engine", whole),
        id=get(row, "id", whole),
        name=get(row, "name", whole),
        image=get(row, "image", whole),
        state=get(row, "state", whole),
        status=get(row, "status", text),
        project=get(row, "project", whole),
        made=get(row, "made", lambda value: None if value is None else _made(value)),
    )


def _made(row: object) -> MadeFact:
    return MadeFact(
        digests=get(row, "digests", wholes),
        command=get(row, "command", texts),
        own_command=get(row, "own_command", texts),
        as_image=get(row, "as_image", flag),
        mounts=get(row, "mounts", wholes),
        rights=get(row, "rights", wholes),
    )
