"""What accounts may do and how sshd lets them in, against what an estate says: all that is beyond it, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxgate.model.access import ANY, CERTIFIERS, EVERYONE, METHODS, NEVER, SECOND, SETTINGS, WILD, match_line
from voxgate.model.entry import Entry

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from voxgate.model.surroundings import KeyFact, SudoRule

FOR = "for "
"""How the name of an account begins for which sshd itself was asked, where it makes something else of its files."""
_AS_ROOT = {"root", "ALL", "#0", ""}


def command_of(rule: SudoRule) -> str:
    """A rule as ``[sudo]`` names it: the command, and as whom where that is not root."""
    as_root = any(word.strip(",") in _AS_ROOT for word in rule.user.split() or [""])
    return rule.command if as_root else f"({rule.user}) {rule.command}"


def may(rule: SudoRule, allowed: Mapping[str, Collection[str]], *, alone: bool) -> bool:
    """True where the estate lets an account run this: by its name, or by a group of its unless ``alone``. What it lets it run
    with an environment of its choice is everything, and must be allowed as that.
    """
    names = [rule.holder, *(() if alone else (f"%{group}" for group in rule.groups))]
    commands = {one for name in names for one in allowed.get(name, ())}
    if commands & {ANY, f"({rule.user}) {ANY}"}:
        return True
    return not sets_environment(rule) and bool(commands & {rule.command, f"({rule.user}) {rule.command}"})


def sets_environment(rule: SudoRule) -> bool:
    """True where who runs it may choose variables, and so what is loaded into it."""
    return "setenv" in rule.options.replace("!setenv", "")


def is_exact(rule: SudoRule) -> bool:
    """True for one command as root, with its own arguments and environment: what an account that deploys or serves may have."""
    return rule.user == "root" and rule.command.startswith("/") and not (WILD.search(rule.command) or sets_environment(rule))


def by_holder(rules: Iterable[SudoRule]) -> dict[str, list[SudoRule]]:
    """Rules by the account that has them, each once."""
    found: dict[str, list[SudoRule]] = {}
    for rule in dict.fromkeys(rules):
        found.setdefault(rule.holder, []).append(rule)
    return found


def told(holder: str, rules: Iterable[SudoRule]) -> str:
    """``nagios may run `/usr/bin/a` as root, `/usr/bin/b` as root with setenv``; what makes an account root without sudo too."""
    rows = list(rules)
    said = [_POWERS[power].format(one.command.partition(" ")[2], one.user) for one in rows if (power := power_of(one))]
    commands = [
        f"`{one.command}` as {one.user or 'root'}{' with setenv' if sets_environment(one) else ''}"
        for one in rows
        if not power_of(one)
    ]
    if commands:
        said.append(f"may run {', '.join(commands)}")
    return f"{holder} {' and '.join(said)}"


_POWERS = {
    "uid": "is {1} by another name (uid {0})",
    "group": "is in the group {0}, which is root",
    "setuid": "may be {1} by {0}, which has a setuid bit",
    "setgid": "may be in the group {1} by {0}, which has a setgid bit",
    "capability": "may do as root by a capability: {0}",
    "socket": "may use {0}, which is root",
}
BY_FILE = ("setuid", "setgid", "capability")
"""The powers that a program gives whoever may run it."""


def power_of(rule: SudoRule) -> str:
    """``uid``, ``group``, .. for what gives an account another's rights without sudo, empty for a rule of sudo's."""
    kind = rule.command.partition(" ")[0]
    return kind if kind in _POWERS else ""


def beyond_keys(settings: Mapping[str, str], allowed: Mapping[str, Collection[str]]) -> dict[str, list[str]]:
    """What sshd takes besides known keys and beyond the words of the estate: lines of settings, by whom they are for."""
    scopes = {EVERYONE: [f"{key} {value}" for key in SETTINGS for value in settings.get(key, "").split(" | ") if value]}
    scopes |= {key: value.split(" | ") for key, value in settings.items() if match_line(key)}
    found = {scope: _odd(lines, allowed.get(scope, ()), for_all=scope == EVERYONE) for scope, lines in scopes.items()}
    named = {line for scope in scopes for line in allowed.get(scope, ())}
    told = {line for lines in found.values() for line in lines}
    for key in (one for one in settings if one.startswith(FOR)):  # what sshd makes of all of it for one account
        found[key] = sorted({one for one in settings[key].split(" | ") if not _is_fine(one)} - named - told)
    return {scope: lines for scope, lines in found.items() if lines}


def _odd(lines: Collection[str], named: Collection[str], *, for_all: bool) -> list[str]:
    """The lines of one scope that let in by more than known keys and that the estate does not name. A block with one that it
    names must be all that it names: without its other lines it is another block.
    """
    methods = [line for line in lines if line.startswith(f"{METHODS} ")]
    with_key = bool(methods) and all(_asks_for_key(line.partition(" ")[2]) for line in methods)
    changed = [line for line in lines if not _is_fine(line) and not (for_all and line == f"{METHODS} any")]
    if for_all:
        bare = [f"{key} yes" for key in SECOND if f"{key} yes" in lines and not with_key]
        if any(line.startswith(f"{METHODS} ") for line in named):
            changed += [line for line in methods if line not in changed]
        return sorted({*(line for line in changed if line not in named), *bare})
    return sorted(set(lines)) if changed and (set(changed) - set(named) or set(named) - set(lines)) else []


def _is_fine(line: str) -> bool:
    """True for a setting by which known keys let in, and nothing else. ``any`` method in a block takes back what all must do."""
    key, _, value = line.partition(" ")
    if key == METHODS:
        return _asks_for_key(value)
    return key not in SETTINGS or value.lower() in SETTINGS[key]


def _asks_for_key(methods: str) -> bool:
    """True where each way of ``AuthenticationMethods`` has a key in it."""
    return all("publickey" in way.split(",") for way in methods.lower().split())


def entries_of_sshd(place: str, beyond: Mapping[str, Iterable[str]]) -> list[Entry]:
    """What ``[sshd]`` says to allow what ``beyond_keys`` found, as far as it can: setting to values, a ``Match`` line to the
    settings of its block.
    """
    found: dict[str, list[str]] = {}
    for scope, lines in beyond.items():
        for key, _, value in (line.partition(" ") for line in lines):
            if key in SETTINGS and not scope.startswith(FOR) and (key not in NEVER or value.lower() in NEVER[key]):
                name, said = (key, value) if scope == EVERYONE else (scope, f"{key} {value}")
                found.setdefault(name, []).append(said)
    return [Entry(("sshd", place), {name: tuple(values)}) for name, values in found.items()]


def lets(key: KeyFact) -> str:
    """A key or a principal, and whom it lets in, in words."""
    if key.user == CERTIFIERS:
        return f"{key.file} lets {key.fingerprint} sign certificates of users"
    return f"{key.file} lets {key.fingerprint} log in as {key.user}"


def entries_of_keys(place: str, strange: Iterable[KeyFact]) -> list[Entry]:
    """What ``[keys]`` says to let these keys log in, as far as they could be read."""
    known = (key for key in strange if key.fingerprint != "unreadable")
    return [Entry(("keys", place), {key.user: (key.fingerprint,)}) for key in known]


def entries_of_sudo(place: str, rules: Mapping[str, Iterable[SudoRule]], never: Collection[str]) -> list[Entry]:
    """What ``[sudo]`` says to allow these rules, as far as it can: what deploys or serves may have exact commands only."""
    return [
        Entry(("sudo", place), {holder: (command_of(one),)})
        for holder, rows in rules.items()
        for one in rows
        if (is_exact(one) if holder in never else not sets_environment(one)) and power_of(one) != "uid"
    ]
