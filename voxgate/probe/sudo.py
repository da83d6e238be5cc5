"""What accounts may do as somebody else."""

from __future__ import annotations

import grp
import os
import pwd
import re
import stat
from contextlib import suppress
from typing import Any, Iterable, Iterator

from voxgate.probe.accounts import account, all_accounts, group_name
from voxgate.probe.base import DEADLINE, Job, Trouble
from voxgate.probe.programs import run
from voxgate.probe.request import ACCOUNT, Service
from voxgate.probe.rights import MAY_WRITE, access_list, may_besides
from voxgate.probe.text import files_in, lines_of
from voxgate.probe.ways import LINKS_AT_MOST


def sudo(services: list[Service], found: Job, planned: Job, given: Job | None = None, more: Job | None = None) -> dict[str, Any]:
    """What the account that looks may do as somebody else, as sudo itself works it out, and its groups; what others may, that
    log in or run something here, now or by a job (``planned``), or that is ``given`` without sudo; what of the programs that
    may be run as root somebody else could replace, and ``more`` that root runs; and all accounts.
    """
    caller = os.environ.get("SUDO_USER") if os.geteuid() == 0 else account(os.getuid())
    if not caller or not ACCOUNT.fullmatch(caller):
        raise Trouble("missing", "nobody called the probe by sudo: whose rules?")
    rules = rules_of(caller)
    groups = groups_named(caller)
    others: list[dict[str, Any]] = []
    mine = {name for row in services for name in (row.user, row.owner) if name} - {caller, "root"}
    if os.geteuid() == 0:
        by_jobs: set[str] = set()
        with suppress(Trouble):  # then the jobs are not seen, and that is told
            by_jobs = {row["user"] for row in planned.value()}
        for name in sorted((mine | others_here(found.value(), by_jobs)) - {caller, "root"}):
            others += [{"user": name, "groups": groups_named(name), **rule} for rule in rules_of(name)]
    from_files([(caller, groups, rule) for rule in rules] + [(one["user"], one["groups"], one) for one in others])
    others += powers(caller, mine | (of_units(found.value()) if os.geteuid() == 0 else set())) + (
        given.value() if given is not None else []
    )
    programs = {rule["command"].split()[0] for rule in (*rules, *others) if rule["command"].startswith("/")}
    if not isinstance(globals().get("PROGRAM"), bytes):
        programs.add(os.path.abspath(__file__))
    loose = sorted({path for program_path in programs for path in loose_of(program_path)})
    said = {"user": caller, "groups": groups, "rules": rules, "others": others, "loose": loose}
    said["by_itself"] = more.value() if more is not None else []
    return {**said, "accounts": all_accounts()}


SUDOERS, SUDOERS_AT_MOST = "/etc/sudoers", 100  # files that are read where sudo does not say of which a rule is


def from_files(rules: list[tuple[str, list[str], dict[str, Any]]]) -> None:
    """Into each rule its file, and when that was last changed. An older sudo than 1.9.14 does not say it: then it is the last
    file that names the account, or a group of its. None where that is not known, as of a rule of a directory's.
    """
    words: dict[str, set[str]] = {}
    for user, groups, rule in rules:
        if "file" not in rule and os.geteuid() == 0:
            if not words:
                for path in [SUDOERS, *files_in(f"{SUDOERS}.d")][:SUDOERS_AT_MOST]:
                    with suppress(OSError, Trouble):
                        words[path] = {word for line in lines_of(path) for word in re.split(r"[\s,=]+", line)}
            named = {user, *(f"%{group}" for group in groups)}
            if naming := [path for path in words if words[path] & named]:
                rule["file"] = naming[-1]
        if "file" in rule:
            with suppress(OSError):
                rule["changed"] = os.stat(rule["file"]).st_ctime


def rules_of(user: str) -> list[dict[str, str]]:
    """What sudo lets an account do. Raises Trouble where it gives no answer, or cannot be asked by such a name."""
    if user.startswith(("-", "#")):  # sudo could take it for an option, or for the number of another
        raise Trouble("failed", f"sudo cannot be asked about an account named {user}")
    asked = ["sudo", "-n", "-ll", "-U", user] if os.geteuid() == 0 else ["sudo", "-n", "-ll"]
    ended = run(asked, DEADLINE - 1)
    if ended.status != 0 and not re.search("not allowed to run sudo|unknown user", ended.out + ended.err):
        raise Trouble("failed", f"sudo -l ended with {ended.status}")
    return sudo_rules(ended.out)


def groups_named(user: str) -> list[str]:
    """The groups that an account is in, by each name that one has; none of an account that is not there."""
    try:
        numbers = set(os.getgrouplist(user, pwd.getpwnam(user).pw_gid))
    except KeyError:
        return []
    return sorted({*map(group_name, numbers), *(group.gr_name for group in grp.getgrall() if group.gr_gid in numbers)})


NO_SHELLS = {"nologin", "false", "sync", "halt", "shutdown"}
ADMINS = {"sudo", "admin", "wheel"}  # whom a distribution makes its administrators: who they are is the estate's keys' matter


def administrators(but: Iterable[str] = ()) -> set[str]:
    """Who is in such a group, and may log in: a group of that name may be anybody's, and who runs a service (``but``) is none."""
    named = {name for group in grp.getgrall() if group.gr_name in ADMINS for name in group.gr_mem}
    return named - {one.pw_name for one in pwd.getpwall() if os.path.basename(one.pw_shell) in NO_SHELLS} - {*but}


def others_here(rows: list[dict[str, Any]], by_jobs: set[str]) -> set[str]:
    """The accounts that have a shell or run something, also ``by_jobs`` alone, whatever they are called, but for administrators
    who log in and have jobs of their own.
    """
    admins, people = administrators(), pwd.getpwall()
    shells = {one.pw_name for one in people if os.path.basename(one.pw_shell) not in NO_SHELLS or one.pw_name in by_jobs} - admins
    here = [row for row in rows if not row["container"]]
    by_hand = {row["user"] for row in here if not row["user"].isdigit()} - admins  # a number alone is of a user namespace
    return shells | of_units(rows) | by_hand


def of_units(rows: list[dict[str, Any]]) -> set[str]:
    """The accounts by which units of the host run."""
    return {row["user"] for row in rows if row["unit"] and not row["container"] and not row["unit"].startswith("user@")}


POWERFUL = {  # who is in one is root by a step
    "root", "docker", "podman", "lxd", "incus", "incus-admin", "libvirt", "disk", "shadow", "kmem", "microk8s", "snap_microk8s",
}  # fmt: skip


def powers(caller: str, mine: Iterable[str] = ()) -> list[dict[str, Any]]:
    """The accounts that are root without sudo, as rules: by the number 0, or by a group, whose commands are called ``uid 0`` and
    ``group docker``. Administrators may be in any, but for those that run services or units (``mine``), and ``caller`` tells its
    groups itself.
    """
    people, admins = pwd.getpwall(), administrators(mine)
    found = {(one.pw_name, "uid 0") for one in people if one.pw_uid == 0 and one.pw_name != "root"}
    others = {one.pw_name for one in people if one.pw_uid != 0} - admins - {caller}  # who has the number needs no group
    numbers = {group.gr_gid for group in grp.getgrall() if group.gr_name in POWERFUL}  # another name of one is that group
    for group in grp.getgrall():
        if group.gr_gid in numbers:
            own = {one.pw_name for one in people if one.pw_gid == group.gr_gid} if group.gr_name in POWERFUL else set()
            found |= {(name, f"group {group.gr_name}") for name in {*group.gr_mem, *own} & others}
    return [{"user": name, "groups": [], "as": "root", "options": "", "command": power} for name, power in sorted(found)]


def loose_of(path: str) -> Iterator[str]:
    """What of a way, each folder and what is at its end, somebody else than root can change: also where a link on it leads, as
    far as nobody else could have made that. Of what is not there, where it could be made.
    """
    at, rest, links, is_loose = "/", ["", *path.split("/")], 0, False
    while rest:
        part = rest.pop(0)
        place = os.path.dirname(at) if part == ".." else os.path.join(at, part) if part not in {"", "."} else at
        try:
            found = os.lstat(place)
        except (FileNotFoundError, NotADirectoryError):
            return
        if stat.S_ISLNK(found.st_mode):
            links += 1
            if links > LINKS_AT_MOST or is_loose:
                return
            target = os.readlink(place)
            at, rest = "/" if target.startswith("/") else at, [*target.split("/"), *rest]
            continue
        at = place
        writers = may_besides(found, access_list(place), MAY_WRITE) if found.st_mode & 0o020 else set()
        if (part or at == "/") and (found.st_uid != 0 or found.st_mode & 0o002 or writers):
            is_loose = True
            yield at


def sudo_rules(text: str) -> list[dict[str, str]]:
    """The rules of ``sudo -ll``: as whom, with which options, which command."""
    rules: list[dict[str, str]] = []
    rule = {"as": "", "options": ""}
    commands = False
    for line in text.splitlines():
        words = line.strip()
        key, colon, value = words.partition(":")
        if words.startswith(("Sudoers entry", "LDAP Role", "SSSD Role")):
            rule, commands = {"as": "", "options": ""}, False
            if words.startswith("Sudoers entry: /"):
                rule["file"] = value.strip()
        elif colon and key in {"RunAsUsers", "RunAsGroups", "Options"} and not commands:
            name = "options" if key == "Options" else "as"
            rule[name] = f"{rule[name]} {value.strip()}".strip()
        elif words == "Commands:":
            commands = True
        elif commands and words:
            rules.append({**rule, "command": words})
    return rules
