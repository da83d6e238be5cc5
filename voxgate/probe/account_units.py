"""Units of accounts' own systemd, which lingers after a login."""

from __future__ import annotations

import os
import pwd
import re
from contextlib import suppress
from typing import Callable, Iterator

from voxgate.probe.accounts import at_home, home_of, seeing_as, uid_of
from voxgate.probe.base import Trouble
from voxgate.probe.planned import Planned
from voxgate.probe.spelling import LONGEST_ROW, valued
from voxgate.probe.text import names_in
from voxgate.probe.unit_folders import ENDINGS, commands_in, specified
from voxgate.probe.ways import paths_in, unit_lines_on

OF_A_UNIT = re.compile(r"""(?:^|[\s"'])([A-Za-z_]\w*)=([^\s"']{0,4096})""", re.ASCII)
ESCAPE = re.compile(r"\\(?:x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|([0-3][0-7]{2}))")
NO_HOMES = {"/", "/bin", "/dev", "/nonexistent", "/run/sshd", "/sbin", "/usr/bin", "/usr/games", "/usr/sbin"}  # of a distribution
OF_A_HOME = (".config/systemd/user", ".config/systemd/user.control", ".local/share/systemd/user")
OF_A_RUN = ("transient", "user", "user.control", "generator", "generator.early", "generator.late")  # of what lies in memory
OF_EVERYBODY = ("/etc/systemd/user", "/etc/xdg/systemd/user", "/run/systemd/user", "/usr/local/lib/systemd/user",
                "/usr/local/share/systemd/user")  # fmt: skip


def user_units() -> Iterator[Planned]:
    """Units of the users' own systemd, which lingers after a login, with what is dropped in, and those that it was told of while
    it runs; and the users' other ways to start something.
    """
    people = {(one.pw_dir, one.pw_name, one.pw_uid) for one in pwd.getpwall()}
    homes = sorted((home, user) for home, user, _ in people if home.startswith("/") and home not in NO_HOMES)
    folders = [(f"{home}/{part}", user) for home, user in homes for part in OF_A_HOME]
    present = set(names_in("/run/user"))
    told = sorted((uid, user) for _, user, uid in people if str(uid) in present)
    folders += [(f"/run/user/{uid}/systemd/{part}", user) for uid, user in told for part in OF_A_RUN]
    for folder, user in [*folders, *((folder, "every user") for folder in OF_EVERYBODY)]:
        uid = 0 if user == "every user" else uid_of(user)
        files = {path: as_may_be_seen(path, uid, unit_lines_on) for path in unit_files(folder, uid)}
        settings = {name: value for lines in files.values() for line in lines for name, value in set_by(line)}
        known = {} if user == "every user" else known_of(user)
        units = {path: os.path.basename(os.path.dirname(path)[:-2] if path.endswith(".conf") else path) for path in files}
        stands = {units[path]: place for path, lines in files.items() for line in lines if (place := stands_by(line))}
        for path, lines in files.items():
            place = at_home(specified(stands.get(units[path], ""), units[path], known), user)
            yield Planned(path, user, as_systemd_starts(commands_in(lines), units[path], settings, known), place)


def set_by(line: str) -> list[tuple[str, str]]:
    """The variables that a row of a unit file sets."""
    key, _, said = line.partition("=")
    return OF_A_UNIT.findall(said) if key.strip() == "Environment" else []


def stands_by(line: str) -> str:
    """The folder in which a unit is started, by a row of its file; empty for any other row."""
    key, _, said = line.partition("=")
    return said.strip().removeprefix("-") if key.strip() == "WorkingDirectory" else ""


def known_of(user: str) -> dict[str, str]:
    """What an account's own systemd puts in its units for these, as it is where the account does not move it (XDG)."""
    home, uid = home_of(user), uid_of(user)
    told = {"h": home, "E": f"{home}/.config", "S": f"{home}/.local/state", "C": f"{home}/.cache", "t": f"/run/user/{uid}"}
    told |= {"u": user, "U": str(uid), "T": "/tmp", "V": "/var/tmp", "%": "%"}  # noqa: S108 - read, not used
    return {f"%{sign}": word for sign, word in told.items()}


def as_systemd_starts(text: str, unit: str, settings: dict[str, str], known: dict[str, str]) -> str:
    """The commands of a unit, and below them the same where letters are written as numbers, and its name, a variable of its or
    what is ``known`` of its account stands for a word. Raises Trouble where that is too long.
    """
    if text.count("%") * max(map(len, (unit, *known.values()))) > LONGEST_ROW:
        raise Trouble("failed", f"a unit: over {LONGEST_ROW} letters with its name where that is meant")
    plain = ESCAPE.sub(lambda found: chr(int(found[1] or found[2] or found[3], 8 if found[3] else 16)), text)
    return "\n".join(dict.fromkeys((text, valued(specified(plain, unit, known), settings))))


def unit_files(folder: str, uid: int) -> Iterator[str]:
    """The files of units in a folder, of whatever kind they are, and what is dropped in to one, as an account sees them."""
    for path in as_may_be_seen(folder, uid, paths_in):
        if path.endswith(".d"):
            yield from (one for one in as_may_be_seen(path, uid, paths_in) if one.endswith(".conf"))
        elif path.endswith(ENDINGS):
            yield path


def as_may_be_seen(path: str, uid: int, read: Callable[[str], list[str]]) -> list[str]:
    """What an account reads there; nothing where it may not, since then its own systemd reads nothing either. Raises OSError
    where not even root may look: that is a file system of the account's own.
    """
    try:
        with seeing_as(uid):
            return read(path)
    except PermissionError:
        with suppress(FileNotFoundError, NotADirectoryError):
            os.lstat(path)
        return []
