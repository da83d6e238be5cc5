"""From the probe's document to what stands around a service, as strictly as the rest of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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
    flag,
    get,
    integer,
    items,
    members,
    natural,
    number,
    pair,
    port,
    text,
    text_by_text,
    texts,
)

if TYPE_CHECKING:
    from collections.abc import Mapping


def _pairs(rows: object) -> tuple[tuple[str, str], ...]:
    return tuple(pair(row, text) for row in items(rows))


def packages(row: Mapping[str, Any]) -> PackagesFact:
    """One environment's files."""
    return PackagesFact(
        distributions=get(row, "distributions", natural),
        files=get(row, "files", natural),
        hashed=get(row, "hashed", natural),
        bad=get(row, "bad", _pairs),
        bad_count=get(row, "bad_count", natural),
        records=get(row, "records", text),
        changed=get(row, "changed", number),
    )


def leaks(row: Mapping[str, Any]) -> LeaksFact:
    """One service's secrets in the open."""
    return LeaksFact(get(row, "compared", texts), get(row, "lines", natural), get(row, "found", _pairs))


def runtimes(row: Mapping[str, Any]) -> RuntimesFact:
    """One service's processes."""
    rows = get(row, "processes", members)
    found = tuple(_runtime(pid, each) for pid, each in rows.items())
    return RuntimesFact(found, get(row, "preload", flag), get(row, "base", _pairs))


def _runtime(pid: str, row: object) -> RuntimeFact:
    if not pid.isascii() or not pid.isdigit():
        msg = "processes: a pid wanted"
        raise WrongFormError(msg)
    return RuntimeFact(
        pid=int(pid),
        unit=get(row, "unit", text),
        argv0=get(row, "argv0", text),
        interpreter=get(row, "interpreter", flag),
        elsewhere=get(row, "elsewhere", texts),
        gone=get(row, "gone", texts),
        mounts=get(row, "mounts", texts),
        loader=get(row, "loader", texts),
        strange=get(row, "strange", texts),
    )


def stores(row: Mapping[str, Any]) -> tuple[StoreFact, ...]:
    """The addresses in one service's settings."""
    return tuple(
        StoreFact(
            setting=key,
            outcome=get(each, "outcome", text),
            connections=get(each, "connections", natural),
            places=get(each, "places", _places),
            held=get(each, "held", _places),
        )
        for key, each in row.items()
    )


def _places(rows: object) -> tuple[tuple[str, int], ...]:
    """Addresses and ports."""
    found = []
    for row in items(rows):
        address, number_of = [*items(row), None, None][:2]
        found.append((text(address), port(number_of)))
    return tuple(found)


def copies(row: object) -> tuple[CopyFact, ...]:
    """Checkouts beside the services' own."""
    get(row, "folders", natural)
    return tuple(
        CopyFact(get(each, "path", text), get(each, "kind", text), get(each, "names", texts), get(each, "same", texts))
        for each in get(row, "found", items)
    )


def jobs(rows: object) -> tuple[JobFact, ...]:
    """Everything that starts by itself."""
    return tuple(JobFact(get(row, "where", text), get(row, "user", text), get(row, "runs", texts)) for row in items(rows))


def boot(row: object) -> BootFact:
    """What the next boot starts."""
    services = {name: _starter(name, each) for name, each in get(row, "services", members).items()}
    return BootFact(get(row, "target", text), services, get(row, "generators", texts))


def _starter(name: str, row: object) -> StarterFact:
    return StarterFact(name, get(row, "by", text), get(row, "at_boot", flag), get(row, "foreign", texts))


def nginx(row: object) -> NginxFact:
    """What nginx says of itself."""
    return NginxFact(
        masters=get(row, "masters", texts),
        status=get(row, "status", integer),
        flaws=get(row, "flaws", text),
        changed=get(row, "changed", number),
        roots=get(row, "roots", texts),
        config=get(row, "config", text),
        sites=tuple(
            SiteFact(get(each, "listens", texts), get(each, "names", texts), get(each, "serves", flag))
            for each in get(row, "sites", items)
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
    )


def _server(row: object) -> ServerFact:
    return ServerFact(
        backend=get(row, "backend", text),
        name=get(row, "name", text),
        address=get(row, "address", text),
        status=get(row, "status", text),
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
        path=get(row, "path", text),
        size=get(row, "bytes", natural),
        free=get(row, "free", natural),
        inodes=get(row, "inodes", natural),
        inodes_free=get(row, "inodes_free", natural),
    )


def clock(row: object) -> ClockFact:
    """The clock's keepers."""
    synchronised = get(row, "synchronised", lambda value: None if value is None else flag(value))
    return ClockFact(synchronised, get(row, "keepers", texts), get(row, "container", flag), get(row, "doubts", texts))


def sudo(row: object) -> SudoFact:
    """What the account that looks may do."""
    user = get(row, "user", text)
    return SudoFact(
        user=user,
        groups=get(row, "groups", texts),
        rules=tuple(_rule(each, user) for each in get(row, "rules", items)),
        others=tuple(_rule(each, get(each, "user", text)) for each in get(row, "others", items)),
        loose=get(row, "loose", texts),
    )


def _rule(row: object, holder: str) -> SudoRule:
    return SudoRule(get(row, "as", text), get(row, "options", text), get(row, "command", text), holder)


def keys(row: object) -> KeysFact:
    """Who may log in."""
    found = tuple(
        KeyFact(get(each, "user", text), get(each, "file", text), get(each, "fingerprint", text))
        for each in get(row, "keys", items)
    )
    return KeysFact(
        settings=get(row, "settings", text_by_text),
        keys=found,
        started=get(row, "started", number),
        changed=get(row, "changed", number),
        doubts=get(row, "doubts", texts),
    )


def engines(row: object) -> EnginesFact:
    """Container engines, and what they have."""
    return EnginesFact(
        engines=get(row, "engines", text_by_text),
        containers=get(row, "containers", lambda rows: tuple(_container(each) for each in items(rows))),
        traces=get(row, "traces", texts),
    )


def _container(row: object) -> ContainerFact:
    return ContainerFact(
        engine=get(row, "engine", text),
        id=get(row, "id", text),
        name=get(row, "name", text),
        image=get(row, "image", text),
        state=get(row, "state", text),
        status=get(row, "status", text),
        project=get(row, "project", text),
        made=get(row, "made", lambda value: None if value is None else _made(value)),
    )


def _made(row: object) -> MadeFact:
    return MadeFact(
        digests=get(row, "digests", texts),
        command=get(row, "command", texts),
        own_command=get(row, "own_command", texts),
        mounts=get(row, "mounts", texts),
        rights=get(row, "rights", texts),
    )
