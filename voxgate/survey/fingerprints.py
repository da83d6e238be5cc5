"""What one look saw of a host as fingerprints: what stays as it is in ordinary life, without pids, starts, counters, free ports.
The times in them are of files that people write: when their inode was changed last.

A row is one thing with all that makes it what it is. Its digest is kept where a deploy is done; its files and names say in a
later look who may have changed it. Of settings only what evidence has: names, and three digits of a hash.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from voxgate.model.evidence import HostEvidence, Missing, ProcessFact
from voxgate.model.fingerprints import UNSEEN, Prints, bounded, digest_of, name_of
from voxgate.survey.findings import by_id, holder_of, is_anybodys

if TYPE_CHECKING:
    from voxgate.model.evidence import SocketFact
    from voxgate.model.surroundings import RuntimeFact
    from voxgate.model.web_servers import MadeOfFact

T = TypeVar("T")

_HANDLE = re.compile(r" handle \d+$")
_PASSING = ("/run/",)  # unit files that the next boot does not find
_OF_UNITS = ("/usr/lib/systemd/system", "/etc/systemd/system")


@dataclass(frozen=True, slots=True)
class Row:
    """One thing of a ``kind``: ``parts`` is JSON of what makes it what it is, None where it was not seen. ``files`` are where it
    comes from, as far as that is known; ``names`` what an estate would call it.
    """

    kind: str
    name: str
    parts: object
    files: tuple[str, ...] = ()
    names: tuple[str, ...] = ()


def rows_of(host: HostEvidence) -> dict[str, list[Row]]:
    """All that is compared of a host, by kind. A kind of which nothing could be seen is not there."""
    found: dict[str, list[Row]] = {}
    for kind, rows in _KINDS.items():
        seen = rows(host)
        if seen is not None:
            found[kind] = list(seen)
    return found


def prints_of(rows: Mapping[str, Iterable[Row]]) -> Prints:
    """The fingerprints of such rows. Several rows of one name are one."""
    found = {}
    for kind, each in rows.items():
        named: dict[str, list[str]] = {}
        for row in each:
            named.setdefault(name_of(row.name), []).append(UNSEEN if row.parts is None else digest_of(row.parts))
        found[kind] = bounded({name: _of_several(digests) for name, digests in named.items()})
    return found


def _of_several(digests: list[str]) -> str:
    if UNSEEN in digests:
        return UNSEEN
    return digests[0] if len(digests) == 1 else digest_of(sorted(digests))


def _known(fact: T | Missing) -> T | None:
    return None if isinstance(fact, Missing) else fact


def _checkouts(host: HostEvidence) -> Iterator[Row]:
    for service, said in sorted(host.checkouts.items()):
        one = _known(said)
        parts: dict[str, object] = {
            "HEAD": one and [one.head, one.owner, one.origin],
            "files": one and {path: [*row] for path, row in one.tree.items()},
            "git's settings": one and [sorted(one.settings), sorted(one.hooks)],
            "writers": one and sorted([*row] for row in one.loose),
        }
        yield from (Row("checkout", f"{service}: {name}", value, names=(service,)) for name, value in parts.items())


def _environments(host: HostEvidence) -> Iterator[Row]:
    for service, said in sorted(host.venvs.items()):
        one = _known(said)
        made = one and [one.python, one.base_python, one.system_site_packages, {**one.installed}, one.lock_sha256]
        python = (f"{one.base_python}/python{'.'.join(one.python.split('.')[:2])}",) if one else ()
        yield Row("environment", f"{service}: packages", made, python, (service,))
    for service, packages in sorted(host.packages.items()):
        two = _known(packages)
        files = two and [two.records, sorted([*row] for row in two.bad), two.bad_count]
        yield Row("environment", f"{service}: files", files, names=(service,))
        yield Row("environment", f"{service}: writers", two and sorted([*row] for row in two.loose), names=(service,))


def _builds(host: HostEvidence) -> Iterator[Row]:
    for service, said in sorted(host.dists.items()):
        one = _known(said)
        made = one and [one.target, {path: [*row] for path, row in one.files.items()}, one.built and {**one.built}]
        yield Row("build", f"{service}: files", made, names=(service,))
        yield Row("build", f"{service}: writers", one and sorted([*row] for row in one.loose), names=(service,))


def _settings(host: HostEvidence) -> Iterator[Row]:
    for service, said in sorted(host.env_files.items()):
        one = _known(said)
        file = one and [one.kind, one.mode, one.owner, sorted(one.readers)]
        yield Row("settings", f"{service}: file", file, names=(service,))
        names = one and [sorted(one.keys), sorted(one.empty), sorted(one.placeholder)]
        yield Row("settings", f"{service}: names", names, names=(service,))
        digits = one and sorted(one.digits)
        yield Row("settings", f"{service}: values, by check digits", digits, names=(service,))


def _runtimes(host: HostEvidence) -> Iterator[Row]:
    """Of the processes of units the main ones: what they start comes and goes."""
    units = _known(host.units)
    main = {one.main_pid for one in (units or {}).values()}
    for service, said in sorted(host.runtimes.items()):
        one = _known(said)
        base = one and [one.preload, sorted([*row] for row in one.base), sorted(one.preloads), sorted(one.loose)]
        yield Row("process", f"{service}: interpreter and libraries", base, names=(service,))
        runs = one and sorted(_runs(row) for row in one.processes if row.pid in main)
        yield Row("process", f"{service}: what it runs", None if units is None else runs, names=(service,))


def _runs(one: RuntimeFact) -> list[object]:
    several = (one.elsewhere, one.mounts, one.loader, one.strange, one.loads)
    return [one.unit, one.argv0, one.interpreter, *map(sorted, several)]


def _unit_files(host: HostEvidence) -> Iterator[Row] | None:
    units = _known(host.units)
    if units is None:
        return None
    vouched = {name: frozenset(one.vouched) for name, one in units.items()}
    files = {path: said for name, one in units.items() for path, said in one.files.items() if path not in vouched[name]}
    return (Row("unit file", path, said, (path,), (path, said)) for path, said in files.items() if not path.startswith(_PASSING))


def _boot(host: HostEvidence) -> list[Row] | None:
    boot = _known(host.boot)
    if boot is None:
        return None
    rows = [Row("boot", "default target", boot.target)]
    for name, one in boot.services.items():
        kind = f"{name.partition('@')[0]}@.service" if "@" in name else name
        rows.append(Row("boot", name, [one.at_boot, sorted(one.foreign)], _files_of(name, host, one.foreign), (name, kind)))
    rows += [Row("boot", path, "makes units", (path,), (path,)) for path in boot.generators]
    return rows + [Row("boot", one.where, [one.by, one.itself], (one.where,), (one.where,)) for one in boot.others]


def _files_of(unit: str, host: HostEvidence, more: Iterable[str] = ()) -> tuple[str, ...]:
    """Where a unit may lie: as the look says, else as units are called."""
    kind = f"{unit.partition('@')[0]}@.service" if "@" in unit else unit
    fact = (_known(host.units) or {}).get(unit)
    return tuple(dict.fromkeys([*more, *(fact.files if fact else ()), *(f"{folder}/{kind}" for folder in _OF_UNITS)]))


def _jobs(host: HostEvidence) -> Iterator[Row] | None:
    jobs = _known(host.jobs)
    if jobs is None:
        return None
    return (
        Row(
            "job",
            one.where,
            [one.user, sorted(one.runs), one.changed],
            (one.where,) if one.where.startswith("/") else _files_of(one.where.partition(" ")[0], host),
            (one.where,),
        )
        for one in jobs
    )


def _programs(host: HostEvidence) -> list[Row] | None:
    """The main processes of what starts at boot: what else runs comes and goes."""
    units, boot, processes = _known(host.units), _known(host.boot), _known(host.processes)
    if units is None or boot is None or processes is None:
        return None
    lasting, running = {name for name, one in boot.services.items() if one.at_boot}, {one.pid: one for one in processes}
    found = []
    for name, unit in units.items():
        main = running.get(unit.main_pid)
        if name in lasting and main is not None:
            files = _files_of(name, host, (main.exe,) if main.exe else ())  # of an interpreter the unit says whose it is
            found.append(Row("program", name, [main.exe, main.user], files, (name,)))
    return found


def _listeners(host: HostEvidence) -> list[Row] | None:
    """Doors of TCP and UDP, by address and port. A port that the kernel picks is another each time: such a door is known by who
    has it, and one of UDP is none.
    """
    sockets, datagrams, picked = _known(host.listeners), _known(host.datagrams), _known(host.ephemeral)
    processes, engines = _known(host.processes), _known(host.engines)
    if sockets is None or datagrams is None or picked is None or processes is None or engines is None:
        return None
    running, containers = {one.pid: one for one in processes}, by_id(engines.containers)

    def row(protocol: str, one: SocketFact) -> Row | None:
        holders = [running[pid] for pid in one.pids if pid in running]
        who = sorted({_lasting(holder_of(each, containers), each) for each in holders} - {"init.scope"})
        passing = picked[0] <= one.port <= picked[1]
        if passing and protocol == "udp":
            return None
        place = f"{one.address}, a port that the kernel picks, of {', '.join(who)}" if passing else f"{one.address}:{one.port}"
        files = tuple(dict.fromkeys(each.exe for each in holders if each.exe))
        apart = " in a network of its own" if one.apart else ""
        names = (protocol, one.address, str(one.port), *who)
        return Row("listener", f"{protocol} {place}{apart}", who, files, names)

    rows = [row("tcp", one) for one in sockets] + [row("udp", one) for one in datagrams]
    return [one for one in rows if one is not None]


def _lasting(holder: str, process: ProcessFact) -> str:
    """Who has it, by a name that the next start of it has too."""
    if holder.startswith("process ") or holder.endswith(".scope"):
        return f"{process.user}'s {process.exe or process.command}"
    if holder.startswith("container "):
        return "a container"
    return f"{holder.partition('@')[0]}@.service" if "@" in holder and is_anybodys(holder) else holder


def _filters(host: HostEvidence) -> Iterator[Row] | None:
    ends = _known(host.ends)
    if ends is None:
        return None
    return (
        Row("packet filter", _HANDLE.sub("", one.where), [one.does, sorted([*row] for row in one.ports)]) for one in ends.turns
    )


def _web_server(host: HostEvidence) -> list[Row] | None:
    nginx = _known(host.nginx)
    if nginx is None:
        return None
    files = (nginx.config,) if nginx.config else ()
    rows = [Row("web server", "folders", sorted(nginx.roots), files), Row("web server", "doubts", sorted(nginx.doubts), files)]
    rows += [Row("web server", "nginx's files", nginx.changed, files)] if files else []
    for one in nginx.sites:
        routes = sorted([route.where, route.does, route.to] for route in one.routes)
        name = f"{', '.join(one.names) or 'any name'} at {', '.join(one.listens)}"
        rows.append(Row("web server", name, [sorted(one.names), sorted(one.listens), one.serves, routes], files, one.names))
    return [*rows, *_made_of("web server", nginx.made_of)]


def _made_of(kind: str, said: MadeOfFact | None) -> Iterator[Row]:
    """The files that a configuration is made of, but for those that are as a package brought them."""
    if said is not None:
        yield from (Row(kind, path, digest, (path,), (digest, *said.paths(path))) for path, digest in said.own.items())


def _balancer(host: HostEvidence) -> list[Row] | None:
    haproxy = _known(host.haproxy)
    if haproxy is None:
        return None
    files = ("/etc/haproxy/haproxy.cfg",)
    led = None if haproxy.led_to is None else sorted(haproxy.led_to)
    rows = [Row("balancer", "doubts", sorted(haproxy.doubts), files), Row("balancer", "leads to", led, files)]
    rows += [Row("balancer", "HAProxy's files", haproxy.changed, files)] if haproxy.changed else []
    rows += [Row("balancer", f"{one.backend}/{one.name}", [one.address, one.checked], files) for one in haproxy.servers]
    return [*rows, *_made_of("balancer", haproxy.made_of)]


def _sudo(host: HostEvidence) -> list[Row] | None:
    sudo = _known(host.sudo)
    if sudo is None:
        return None
    rows = [Row("sudo", f"groups of {sudo.user}", sorted(sudo.groups))]
    rows += [Row("sudo", f"{path} can be changed by others", "loose", (path,)) for path in (*sudo.loose, *sudo.by_itself)]
    for one in (*sudo.rules, *sudo.others):
        files = (one.file,) if one.file else ()
        name = f"{one.holder}: ({one.user}) {one.command}"
        rows.append(Row("sudo", name, [one.options, sorted(one.groups)], files, (one.holder, one.command)))
    return rows


def _accounts(host: HostEvidence) -> list[Row] | None:
    sudo = _known(host.sudo)
    if sudo is None or not sudo.accounts:
        return None
    return [Row("account", name, said, names=(name,)) for name, said in sudo.accounts]


def _keys(host: HostEvidence) -> list[Row] | None:
    keys = _known(host.keys)
    if keys is None:
        return None
    return [Row("key", f"{one.user}: {one.fingerprint}", one.file, (one.file,), (one.user, one.fingerprint)) for one in keys.keys]


def _logins(host: HostEvidence) -> list[Row] | None:
    keys = _known(host.keys)
    if keys is None:
        return None
    files = ("/etc/ssh/sshd_config",)
    return [
        Row("login", "doubts", sorted(keys.doubts), files),
        Row("login", "sshd's files", keys.changed, files),
        *(Row("login", name, value, files, (name, value)) for name, value in keys.settings.items()),
    ]


def _containers(host: HostEvidence) -> list[Row] | None:
    engines = _known(host.engines)
    if engines is None:
        return None
    rows = [
        Row("container", f"engine {name}", version, (f"/usr/bin/{name}d", f"/usr/bin/{name}"))
        for name, version in engines.engines.items()
    ]
    rows += [Row("container", f"sign of an engine: {one}", "sign") for one in engines.traces]
    for one in engines.containers:
        made = one.made
        parts = made and [sorted(made.digests), [*made.command], sorted(made.mounts), sorted(made.rights), made.as_image]
        rows.append(Row("container", one.name, [one.engine, one.image, one.project, parts], names=(one.project, one.image)))
    return rows


def _copies(host: HostEvidence) -> list[Row] | None:
    copies = _known(host.copies)
    if copies is None:
        return None
    return [Row("copy", one.path, [one.kind, sorted(one.names), sorted(one.same)], (one.path,)) for one in copies.found]


def _clock(host: HostEvidence) -> list[Row] | None:
    clock = _known(host.clock)
    return None if clock is None else [Row("clock", "keepers", [sorted(clock.keepers), sorted(clock.doubts)])]


def _probe(host: HostEvidence) -> list[Row] | None:
    return [Row("probe", "voxgate-probe", host.probe)] if host.probe else None


_KINDS: Mapping[str, Callable[[HostEvidence], Iterable[Row] | None]] = {
    "checkout": _checkouts,
    "environment": _environments,
    "build": _builds,
    "settings": _settings,
    "process": _runtimes,
    "unit file": _unit_files,
    "boot": _boot,
    "job": _jobs,
    "program": _programs,
    "listener": _listeners,
    "packet filter": _filters,
    "web server": _web_server,
    "balancer": _balancer,
    "sudo": _sudo,
    "account": _accounts,
    "key": _keys,
    "login": _logins,
    "container": _containers,
    "copy": _copies,
    "clock": _clock,
    "probe": _probe,
}
"""What is compared, by the word that it is told with."""
