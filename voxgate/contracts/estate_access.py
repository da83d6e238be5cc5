"""What an estate file says of accounts: whose keys log in, what they may run as root, what sshd may take besides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from voxgate.contracts.keys import fingerprints
from voxgate.errors import EstateError
from voxgate.model.access import (
    ANY,
    CERTIFIERS,
    EVERYONE,
    LOGIN,
    NEVER,
    PRINCIPAL,
    SETTINGS,
    WILD,
    Pairs,
    match_line,
    setting_line,
)
from voxgate.model.nearest import nearest
from voxgate.model.where import EVERYWHERE

if TYPE_CHECKING:
    from pathlib import Path

    from voxgate.model.estate import Estate

Rows = dict[str, tuple[tuple[str, str], ...]]


def keys_of(document: dict[str, Any] | None, cache: Path) -> Rows | None:
    """``[keys]``: an account's list counts everywhere, a table of accounts where its key says. Each key is a fingerprint, or
    ``missing: PATH``.
    """
    if document is None:
        return None
    found: dict[str, list[tuple[str, str]]] = {}
    for key, entry in document.items():
        where, table = (key, entry) if isinstance(entry, dict) else (EVERYWHERE, {key: entry})
        rows = found.setdefault(where, [])
        rows += [(user, mark) for user, entries in table.items() for one in entries for mark in _marks(one, cache)]
    return {where: tuple(rows) for where, rows in found.items()}


def _marks(entry: str, cache: Path) -> tuple[str, ...]:
    """What one entry means: a principal is itself."""
    return (entry,) if entry.startswith(PRINCIPAL) else fingerprints(entry.replace("{cache}", str(cache)))


def sudo_of(document: dict[str, Any]) -> Rows:
    """``[sudo]``: account to commands by place; ``commands`` are the login account's, everywhere."""
    tables = {key: entry for key, entry in document.items() if isinstance(entry, dict)}
    found = {key: [(who, one) for who, entries in table.items() for one in entries] for key, table in tables.items()}
    found.setdefault(EVERYWHERE, []).extend((LOGIN, one) for one in document.get("commands", ()))
    return {where: tuple(rows) for where, rows in found.items() if rows}


def sshd_of(document: dict[str, Any]) -> Rows:
    """``[sshd]`` by place: lines of settings, for everyone or of a ``Match`` block."""
    return {
        where: tuple(
            (match_line(key), setting_line(one)) if match_line(key) else (EVERYONE, setting_line(f"{key} {one}"))
            for key, entry in table.items()
            for one in ([entry] if isinstance(entry, str) else entry)
        )
        for where, table in document.items()
    }


def judge_access(estate: Estate, file: str) -> None:
    """Raises EstateError for rights that nobody may be given by an entry."""
    for where, rows in (estate.keys or {}).items():
        for user, mark in rows:
            if user == CERTIFIERS and mark.startswith(PRINCIPAL):
                raise EstateError("a principal is no key", where=f"{file} [keys.{where}]", why=f"{mark} signs no certificate")
    _judge_sudo(estate.sudo, estate, file)
    for where, rows in estate.sshd.items():
        for _, line in rows:
            key, _, value = line.partition(" ")
            _judge_setting(key, value, f"{file} [sshd.{where}]")


def _judge_sudo(table: Pairs, estate: Estate, file: str) -> None:
    """The accounts that deploy, serve and build may never do everything, and what they may is exact."""
    exact = {account for host in estate.hosts for account in estate.never_all(host)}
    for where, rows in table.items():
        for who, command in rows:
            account = who or "the login account"
            plain = command.partition(") ")[2] if command.startswith("(") else command
            if who and who not in exact:
                continue
            if plain == ANY:
                what = f'{account} can never be "ALL"'
                why = "it deploys, serves or builds: whoever steals it would be root"
                raise EstateError(what, where=f"{file} [sudo.{where}]", why=why, hint="name the whole commands that it needs")
            if plain.startswith("group "):
                what = f"{account} can never be in the {plain}"
                why = "it deploys, serves or builds: whoever steals it would be root"
                raise EstateError(what, where=f"{file} [sudo.{where}]", why=why, hint="take it out of the group")
            if WILD.search(plain):
                what = f"{plain!r} is no exact command"
                why = f"{account} deploys, serves or builds: a wildcard also matches what follows"
                raise EstateError(what, where=f"{file} [sudo.{where}]", why=why, hint="name each whole command")


def _judge_setting(key: str, value: str, where: str) -> None:
    """A setting that the rule asks for, and no value of it that lets in without a key or a name."""
    if key not in SETTINGS:
        near = nearest(key, SETTINGS)
        hint = f"did you mean {near!r}?" if near else f"judged are: {', '.join(sorted(SETTINGS))}"
        raise EstateError(f"{key!r} is no setting of sshd that is judged", where=where, hint=hint)
    if key in NEVER and value.lower() not in NEVER[key]:
        raise EstateError(f"{key} can never be {value!r}", where=where, why="it lets in without a key that anybody knows")
