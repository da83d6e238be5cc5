"""Why something is not as it was when a deploy was done: the candidates. Pure; none of them is a proof.

What explains a change: a release of its service since then, a package that dpkg put there since then, an entry of the estate or a
file of the repository (hosts/units, hosts/proxies) that says so, another probe that looked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from voxgate.model.content import listed
from voxgate.model.digits import natural_in
from voxgate.model.fingerprints import Change, Difference, name_of
from voxgate.model.where import Names
from voxgate.survey.brought import Packages
from voxgate.survey.fingerprints import Row

if TYPE_CHECKING:
    from voxgate.model.estate import Estate, Host

CHANGES_AT_MOST = 300
"""Of one host; of more it is told how many there are."""

_OF_RELEASES = frozenset({"checkout", "environment", "build", "process", "program"})
_OF_PACKAGES = frozenset({"unit file", "boot", "job", "program", "listener", "web server", "balancer", "sudo", "container"})
_NAMED = 5
_PEOPLE = 1000  # the first number of people, by Debian
_NO_SHELLS = ("/usr/sbin/nologin", "/sbin/nologin", "/usr/bin/false", "/bin/false")
_UNITS = "/etc/systemd/system"
_PROXIES = {"web server": "/etc/nginx", "balancer": "/etc/haproxy"}
_AS_KEPT = "as in hosts/proxies"


def files_of(found: Iterable[Difference], rows: Mapping[str, Iterable[Row]]) -> list[str]:
    """The files that may tell whose these things are."""
    wanted = {(one.kind, one.name) for one in found}
    return [path for each in rows.values() for row in each if (row.kind, name_of(row.name)) in wanted for path in row.files]


def explained(
    found: Iterable[Difference],
    rows: Mapping[str, Iterable[Row]],
    estate: Estate,
    host: Host,
    packages: Packages,
    released: Mapping[str, str],
) -> tuple[Change, ...]:
    """Each with its candidates. ``released`` says of a service, and of its units, which release came to that host since then,
    in words.
    """
    now: dict[tuple[str, str], list[Row]] = {}
    for row in (row for each in rows.values() for row in each):
        now.setdefault((row.kind, name_of(row.name)), []).append(row)
    found = list(found)
    another = ["another probe looked then: this one may see more"] if any(one.kind == "probe" for one in found) else []
    kept = {kind for kind in _PROXIES if _is_all_kept(kind, found, rows.get(kind, ()), estate, host)}
    return tuple(
        Change(
            one.kind,
            one.name,
            one.how,
            tuple(dict.fromkeys([*_why(one, rows_of_it, estate, host, packages, released), *as_kept, *another])),
        )
        for one in found
        for rows_of_it in [now.get((one.kind, one.name), ())]
        for as_kept in [[_AS_KEPT] if one.kind in kept and one.name != "doubts" else []]
    )


def _is_all_kept(kind: str, found: Iterable[Difference], rows: Iterable[Row], estate: Estate, host: Host) -> bool:
    """True where the whole configuration of nginx or HAProxy is as hosts/proxies has it, but for what lies elsewhere and did not
    change: then that is why anything of it is another now, or gone.
    """
    folder = _PROXIES[kind]
    changed = {one.name for one in found if one.kind == kind}
    own, elsewhere = list[Row](), False
    for row in rows:
        if row.name.startswith(f"{folder}/"):
            own.append(row)
        elif row.name.startswith("/"):
            elsewhere = elsewhere or name_of(row.name) in changed
    return bool(own) and not elsewhere and all(_proxy_file(row, estate, host) for row in own)


def _why(
    one: Difference,
    rows: Iterable[Row],
    estate: Estate,
    host: Host,
    packages: Packages,
    released: Mapping[str, str],
) -> list[str]:
    why = []
    for row in rows:
        why += [released[name] for name in row.names if one.kind in _OF_RELEASES and name in released]
        why += [f"package {packages.brought[path]}, put there since then" for path in row.files if path in packages.brought]
        # Of a container the estate says the image's name: what another image of that name does is not said.
        said = entry_of(row, estate, host) if one.kind != "container" or one.how == "new" else ""
        why += [said] if said else []
    if one.how == "gone" and one.kind in _OF_PACKAGES and packages.removed:
        why.append(f"packages removed since then: {listed(packages.removed, _NAMED)}")
    if one.kind == "account" and packages.anew and any(_is_a_service_s(row) for row in rows):
        why.append(f"packages put there since then: {listed(packages.anew, _NAMED)}")
    return why


def _is_a_service_s(row: Row) -> bool:
    """True for an account as packages make them: of a number that no person has, and nobody logs in by it."""
    numbers, _, rest = str(row.parts).partition(" ")
    number = natural_in(numbers.partition(":")[0])
    return number is not None and 0 < number < _PEOPLE and any(f" {shell} " in f" {rest} " for shell in _NO_SHELLS)


def entry_of(row: Row, estate: Estate, host: Host) -> str:
    """What of the estate says that a thing is rightly there; empty where nothing does."""
    says = _ENTRIES.get(row.kind)
    return says(row, estate, host) if says else ""


def _boot(row: Row, estate: Estate, host: Host) -> str:
    if any(name in estate.boots(host) for name in row.names):
        return "[boot] of the estate"
    ours = any(unit.unit in row.names and unit.host.name == host.name for unit in estate.placed_units)
    return "a service's own unit" if ours else ""


def _listener(row: Row, estate: Estate, host: Host) -> str:
    protocol, _, port, *who = row.names
    number = natural_in(port) or 0
    allowed = [
        Names((one.who,))
        for one in estate.listeners_on(host)
        if one.protocol == protocol and (one.port == 0 or one.port <= number <= (one.last or one.port))
    ]
    may = bool(who) and all(any(name in names for names in allowed) for name in who)
    return "[listeners] of the estate, or a service's own" if may else ""


def _job(row: Row, estate: Estate, host: Host) -> str:
    return "[jobs] of the estate" if estate.may_run(host, row.names) else ""


def _account(row: Row, estate: Estate, host: Host) -> str:
    named = {*estate.may_log_in(host), *estate.may_by_sudo(host)}
    return "the estate names it in [keys] or [sudo]" if set(row.names) & named else ""


def _key(row: Row, estate: Estate, host: Host) -> str:
    account, fingerprint = row.names
    return "[keys] of the estate" if fingerprint in estate.may_log_in(host).get(account, ()) else ""


def _sudo(row: Row, estate: Estate, host: Host) -> str:
    holder, command = row.names or ("", "")
    may = any(said == command or said.endswith(f" {command}") for said in estate.may_by_sudo(host).get(holder, ()) if command)
    return "[sudo] of the estate" if may else ""


def _unit_file(row: Row, estate: Estate, host: Host) -> str:
    if row.names in estate.drop_ins(host):
        return "[units] of the estate"
    here = (one.service for one in estate.placements if one.host.name == host.name)
    wanted = {(f"{_UNITS}/{place}", sha256) for service in here for place, sha256 in service.unit_files.items()}
    return "as in hosts/units" if row.names in wanted else ""


def _proxy_file(row: Row, estate: Estate, host: Host) -> str:
    digest, *paths = row.names or ("",)
    known = estate.kept_files(host, _PROXIES[row.kind])
    kept = next((known[path] for path in paths if path in known), None)
    return _AS_KEPT if kept is not None and kept.may_be(digest) else ""


def _site(row: Row, estate: Estate, host: Host) -> str:
    is_others = row.names and set(row.names) <= set(estate.others)
    return "[console] of the estate" if is_others else _proxy_file(row, estate, host)


def _container(row: Row, estate: Estate, host: Host) -> str:
    allowed = [(one.project, image) for one in (*estate.agents_on(host), estate.containers) for image in one.images]
    return "the estate's own containers" if row.names in allowed else ""


_ENTRIES: Mapping[str, Callable[[Row, Estate, Host], str]] = {
    "boot": _boot,
    "listener": _listener,
    "job": _job,
    "account": _account,
    "key": _key,
    "sudo": _sudo,
    "unit file": _unit_file,
    "web server": _site,
    "balancer": _proxy_file,
    "container": _container,
}
