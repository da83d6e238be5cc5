"""Who brought what an estate does not know, and since when, where a look does not tell: asked of its host, for a comment.

Each host is asked twice, as the account that logs in: which of its settings name a thing, then of each file the newest change and
the package. Nothing is judged by the answers: what a host does not tell, or tells of something else, is left out.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from voxgate.errors import VoxgateError, visible
from voxgate.model.entry import Entry
from voxgate.model.evidence import HostEvidence, Missing
from voxgate.survey.origin import day, first_of, rules_of
from voxgate.transport.ssh.connection import Connection
from voxgate.transport.ssh.connections import Connections

DEADLINE = 20.0
ASKED_AT_MOST = 200
"""Things, and files, that one host is asked about: with more, the others have no such comment."""

_SETTINGS = {
    "sshd": ("/etc/ssh/sshd_config", "/etc/ssh/sshd_config.d"),
    "environment": ("/etc/systemd/system.conf", "/etc/systemd/system.conf.d", "/usr/lib/systemd/system.conf.d"),
    "console": ("/etc/nginx", "/etc/haproxy"),
    "preload": ("/etc/ld.so.preload",),
}
"""Where that stands which a word of an estate is about."""
LISTED_AT_MOST = 500
"""Packages that one host tells of."""
_LOG = "/var/log/dpkg.log"
_REMOVED = '$0 >= s && ($3 == "remove" || $3 == "purge") { print $4 }'
_PACKAGE = re.compile(r"[a-z0-9][a-z0-9+.-]{0,100}")
_PLAIN = re.compile(r"/[^\n\0*?\[\\]{1,1000}")  # what dpkg takes for a path, not for a pattern
_SOCKETS = ("systemctl", "list-sockets", "--all", "--full", "--plain", "--no-legend", "--no-pager")


@dataclass(frozen=True, slots=True)
class _Behind:
    """What may tell of an entry: files, a word that settings have in these places (with this value, where there is one), a port
    that systemd itself waits at.
    """

    files: tuple[str, ...] = ()
    word: str = ""
    places: tuple[str, ...] = ()
    port: str = ""
    value: str = ""


def who_brought(entries: Sequence[Entry], host: HostEvidence, connection: Connection) -> list[str]:
    """Of each entry of one host ``/etc/sudoers.d/ops, since 2026-11-29``, without a path that the entry has; empty
    where nothing is known. Raises VoxgateError where the host cannot be asked.
    """
    behind = [_behind(entry, host) for entry in entries]
    named = _naming(behind, connection)
    files = [(*one.files, *named.get(one, ())) for one in behind]
    told = _of_files({path for one in files for path in one}, connection)
    return [
        "; ".join(told[path] if path in _said(entry) else f"{path}, {told[path]}" for path in dict.fromkeys(one) if path in told)
        for entry, one in zip(entries, files, strict=True)
    ]


def _said(entry: Entry) -> tuple[str, ...]:
    """The paths that an entry itself begins with."""
    return (first_of(entry).partition(": ")[0], _setting(entry)[1].partition(" ")[0])


def _behind(entry: Entry, host: HostEvidence) -> _Behind:
    word, name = entry.place[0], first_of(entry)
    places = _SETTINGS.get(word, ())
    if word == "boot" and not isinstance(host.boot, Missing):
        kind = name.partition("@")[0] + "@"
        starts = [one for one in host.boot.services.values() if one.name == name or ("@" in name and one.name.startswith(kind))]
        return _Behind(tuple(path for one in starts for path in one.foreign if path.rpartition("/")[2] != name) or (name,))
    if word == "listeners" and name == "init.scope" and isinstance(entry.value, Mapping):
        return _Behind(port=re.sub(r"\D", "", str(entry.value[name])))
    if word == "sudo":
        return _Behind(tuple(dict.fromkeys(one.file for one in rules_of(entry, host) if one.file)))
    if word == "keys" and not isinstance(host.keys, Missing):
        return _Behind(tuple(dict.fromkeys(one.file for one in host.keys.keys if one.fingerprint == name)))
    if word == "sshd":
        setting, value = _setting(entry)
        word = value.partition(" ")[0]
        said = setting.rpartition(" ")[2] if setting.startswith("match ") else setting
        return _Behind((word,), said, places, value="" if setting.startswith("match ") else word)
    if word == "clients" and isinstance(entry.value, tuple) and isinstance(entry.value[0], Mapping):
        return _Behind((str(entry.value[0].get("program", "")),))
    if word == "console":
        return _Behind(word=name.rpartition("//")[2], places=places)
    return _Behind((name.partition(": ")[0],), name, places)


def _setting(entry: Entry) -> tuple[str, str]:
    """The setting or the ``Match`` line that an entry of ``[sshd]`` names, and the first value of it."""
    if isinstance(entry.value, Mapping):
        name, value = next(iter(entry.value.items()), ("", ""))
        return name, str(value[0]) if isinstance(value, tuple) and value else str(value)
    return entry.place[-1], first_of(entry)


def _naming(behind: Iterable[_Behind], connection: Connection) -> dict[_Behind, tuple[str, ...]]:
    """The files of settings that name a thing, but for lines that are comments; of a port the file of the unit of its socket."""
    worded = (
        one for one in behind if (one.places and one.word and visible(one.word + one.value) == one.word + one.value) or one.port
    )
    asked = list(dict.fromkeys(worded))[:ASKED_AT_MOST]
    if not asked:
        return {}
    said = connection.run("; printf '\\0'; ".join(map(_question, asked)), deadline=DEADLINE).stdout.decode(errors="replace")
    return {
        one: tuple(path for path in rows.split("\n") if _PLAIN.fullmatch(path) and (one.port or path.startswith(one.places)))[:3]
        for one, rows in zip(asked, said.split("\0"), strict=False)
    }


def _question(one: _Behind) -> str:
    """A line for a shell that says the files, one on a line."""
    if one.port:
        unit = rf"""{shlex.join(_SOCKETS)} | awk '$1 ~ /:{one.port}$/ {{ print $2; exit }}'"""
        return f"""u=$({unit}); [ -z "$u" ] || systemctl show --property FragmentPath --value -- "$u" """
    word, value = (re.sub(r"[][\\.^$*+?(){}|]", r"\\\g<0>", text) for text in (one.word, one.value))
    said = f'{word}[[:space:]=]+"?{value}' if value else word
    line = f"^[^#]*([^#A-Za-z0-9.*_/-]|^){said}([^A-Za-z0-9._/-]|$)"
    return f"grep -RslEi -e {shlex.quote(line)} -- {shlex.join(one.places)}"


def _of_files(files: Iterable[str], connection: Connection) -> dict[str, str]:
    """Of each file that is there the package that brought it, where one did, and since when it is what it is."""
    paths = _plain(files)
    if not paths:
        return {}
    words, brought = shlex.join(paths), _as_noted(paths)
    line = (
        f"stat --format='%Z %n' -- {words}; stat --dereference --format='%Z %n' -- {words};"
        f" printf '\\0'; command -v dpkg-query && dpkg-query --search -- {shlex.join(sorted(brought))}"
    )
    times, _, packages = connection.run(line, deadline=DEADLINE).stdout.decode(errors="replace").partition("\0")
    changed: dict[str, float] = {}
    for moment, _, path in (row.partition(" ") for row in times.split("\n")):
        if path in paths and moment.isascii() and moment.isdigit() and len(moment) < len("1e9") * 5:
            changed[path] = max(changed.get(path, 0.0), float(moment))
    owner = _owners(packages, brought)
    found = {}
    for path, since in changed.items():
        whose = f"package {owner[path]}, " if path in owner else ""
        found[path] = f"{whose}since {day(since)}"
    return found


def _plain(files: Iterable[str]) -> list[str]:
    return sorted({path for path in files if _PLAIN.fullmatch(path)})[:ASKED_AT_MOST]


def _as_noted(paths: Iterable[str]) -> dict[str, str]:
    """Each path by the names under which dpkg may have noted it."""
    return {name: path for path in paths for name in {path, path.removeprefix("/usr"), f"/usr{path}"}}


def _owners(said: str, noted: Mapping[str, str]) -> dict[str, str]:
    """The package of each path, by the rows of ``dpkg-query --search``."""
    owner: dict[str, str] = {}
    for names, _, path in (row.rpartition(": ") for row in said.split("\n")):
        name = names.partition(",")[0].partition(":")[0]
        if path in noted and _PACKAGE.fullmatch(name):
            owner[noted[path]] = name
    return owner


@dataclass(frozen=True, slots=True)
class Packages:
    """What dpkg did since a moment, by its own word: the package of each file that was asked about and whose package it put there
    since then, the packages that it took away, and all that it put there since then.
    """

    brought: Mapping[str, str] = field(default_factory=dict)
    removed: tuple[str, ...] = ()
    anew: tuple[str, ...] = ()


def packages_since(files: Iterable[str], moment: float, connection: Connection) -> Packages:
    """The same of a host; ``moment`` is by its own clock (epoch seconds). A package's list of files is as old as the package is
    there, so who edits one of these files by hand is none. Raises VoxgateError where the host cannot be asked.
    """
    noted = _as_noted(_plain(files))
    since = f"{max(0.0, moment):.0f}"
    search = f"dpkg-query --search -- {shlex.join(sorted(noted))}" if noted else ":"
    log = f's=$(date -d @{since} "+%F %T") && awk -v s="$s" {shlex.quote(_REMOVED)} {shlex.quote(_LOG)}'
    line = (
        f"cd /var/lib/dpkg/info && find . -name '*.list' -newermt @{since} -printf '%f\\n' | head -n {LISTED_AT_MOST};"
        f" printf '\\0'; {search}; printf '\\0'; {log}"
    )
    said = connection.run(f"{{ {line}; }} 2>/dev/null", deadline=DEADLINE).stdout.decode(errors="replace").split("\0")
    lists, owners, removed = (*said, "", "", "")[:3]
    anew = {row.removesuffix(".list").partition(":")[0] for row in lists.split("\n")}
    owner = _owners(owners, noted)
    gone = sorted({row.partition(":")[0] for row in removed.split("\n")[:LISTED_AT_MOST]})
    came = {path: name for path, name in owner.items() if name in anew}
    return Packages(came, *(tuple(one for one in sorted(names) if _PACKAGE.fullmatch(one)) for names in (gone, anew)))


def ask_each(rows: Sequence[tuple[str, Entry]], hosts: Mapping[str, HostEvidence], connections: Connections) -> list[str]:
    """``who_brought`` of entries, each with its host; of one that cannot be asked, or was not seen, nothing."""
    found = [""] * len(rows)
    for name in dict.fromkeys(host for host, _ in rows if host in hosts):
        numbers = [number for number, (host, _) in enumerate(rows) if host == name]
        try:
            told = who_brought([rows[number][1] for number in numbers], hosts[name], connections[name])
        except VoxgateError:
            continue
        for number, words in zip(numbers, told, strict=True):
            found[number] = words
    return found
