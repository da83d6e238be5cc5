"""Who may do what on a host, as an estate says it: pairs of a name and what it may."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from voxgate.model.where import said_for

if TYPE_CHECKING:
    from voxgate.model.estate import Host

Pairs = Mapping[str, tuple[tuple[str, str], ...]]
"""By place: account to key, account or ``%group`` to command, setting of sshd to value."""

LOGIN = ""
"""The account that a host is looked at by, in ``[sudo] commands``, whatever it is called there."""
CERTIFIERS = "@cert-authority"
"""Stands among the accounts of ``[keys]`` for the keys that may sign certificates of users."""
PRINCIPAL = "principal:"
"""How a name in a certificate begins that lets its holder log in as an account, among the keys of that."""
ANY = "ALL"
WILD = re.compile(r"[*?\[\]!\\]")
"""What sudo takes for more than itself in a command."""
BUILDER = "voxbuild"
"""The account of all builds."""


EVERYONE = "everyone"
"""Whom sshd's settings are for that stand in no ``Match`` block."""
NEVER = {"permitemptypasswords": {"no"}, "hostbasedauthentication": {"no"}}
"""Settings of sshd whose other values no estate can allow."""
SECOND = ("kbdinteractiveauthentication", "passwordauthentication")
"""What lets in without a key: for everyone at most as a second factor beside one."""
METHODS = "authenticationmethods"
SETTINGS: dict[str, set[str]] = {
    **NEVER,
    **{key: {"no"} for key in (*SECOND, "gssapiauthentication", "kerberosauthentication")},
    **{key: {"none"} for key in ("authorizedkeyscommand", "authorizedprincipalscommand", "authorizedprincipalsfile")},
    "trustedusercakeys": {"none"},
    "permitrootlogin": {"no", "prohibit-password", "without-password", "forced-commands-only"},
    METHODS: {"any"},
}
"""What sshd takes besides the files of keys, by lower-case name, and the values that let in by these keys only."""


def allowed_on(host: Host, table: Pairs) -> dict[str, frozenset[str]]:
    """All that a table of pairs says for a host, by name."""
    found: dict[str, set[str]] = {}
    for name, what in said_for(host, table):
        found.setdefault(name or host.user, set()).add(what)
    return {name: frozenset(rows) for name, rows in found.items()}


def match_line(line: str) -> str:
    """A ``Match`` line of sshd's in one form, as the probe tells it; empty for what is none."""
    words = line.split()
    return " ".join(["match", *words[1:]]) if words and words[0].lower() == "match" else ""


def setting_line(line: str) -> str:
    """A setting of sshd's in one form: its name in lower case, one blank, its value."""
    name, _, value = line.strip().partition(" ")
    return f"{name.lower()} {' '.join(value.split())}"
