"""Everything that starts by itself, and which programs that move code it runs."""

from __future__ import annotations

import os
import re
import stat
from contextlib import suppress
from itertools import chain
from typing import Any, Iterable, Iterator

from voxgate.probe.account_units import OF_EVERYBODY, user_units
from voxgate.probe.accounts import account, at_home, home_of, seeing_as, uid_of
from voxgate.probe.base import PATH, SMALL_FILE, Job, Trouble
from voxgate.probe.believing import changed_led, really
from voxgate.probe.folder import Folder, NoFile
from voxgate.probe.planned import Planned, few_enough, is_of_shell
from voxgate.probe.reading import taken
from voxgate.probe.request import Service
from voxgate.probe.scripts import WORD, movers
from voxgate.probe.shell_words import PASSED_OVER
from voxgate.probe.spelling import valued
from voxgate.probe.systemctl import DRAWS, UNIT_COMMANDS, Shown
from voxgate.probe.text import files_in, names_in, telling_lines
from voxgate.probe.unit_folders import UNIT_FOLDERS
from voxgate.probe.ways import lines_on

ROW_OF_SETTING = re.compile(r"""\s*(["']?)([A-Za-z_]\w*)\1\s*=(.*)""", re.ASCII)
TABLES = ("/var/spool/cron/crontabs", "/var/spool/cron", "/var/spool/cron/tabs")  # of Debian, of Fedora and Arch, of SUSE
OF_AT = ("/var/spool/cron/atjobs", "/var/spool/at", "/var/spool/atjobs")
SEARCHED_BY_PATH = 20_000  # places where a word of one row could be a program
SHELLS_OF_CRON = re.compile(r"(?:/usr)?/bin/(?:ba|da|k|z|rba)?sh")  # all of these read a row as it is read here
ROOTS_FILES = ("/etc/rc.local", "/etc/crontab", "/etc/anacrontab", "/etc/cron.", *(f"{folder}/" for folder in OF_EVERYBODY))


def jobs(services: list[Service], disk: Job, shown: Shown, by_root: set[str] | None = None) -> list[dict[str, Any]]:
    """Everything on this host that starts by itself, and which of the programs that move code it runs: crontabs, timers,
    paths, units placed by hand (``disk`` are the unit folders), at jobs, users' own units. Scripts are followed. No command is
    told, only the movers in it. ``by_root`` is told the files by which root starts something, and the programs that it starts.
    """
    called = {really(service.folder): service.folder for service in services}  # /opt may be a link: both are named
    units = {row.unit.partition("@")[0] + "@" * ("@" in row.unit) for row in services if row.unit}
    folders = (*dict.fromkeys((*called.values(), *called)), *sorted(one.removesuffix(".service") for one in units))
    planned = list(few_enough(chain(cron_jobs(), spooled_jobs(), user_units())))
    rows = [(one._replace(text=at_home(one.text, one.user)), folders) for one in planned]
    # What runs at a service's folder is judged by its process; here only what comes and goes, or waits for the next boot.
    rows += [(one, () if runs else folders) for one, runs in unit_jobs(services, disk, shown)]
    found = []
    for (where, user, text, stands), named in rows:
        begun: set[str] | None = set() if uid_of(user) == 0 else None
        # An account's own words lead no further than its own eyes; those of root's files are root's, whoever they run as. Homes
        # of accounts may lie in /etc and /usr too.
        with seeing_as(uid_of(user) if where.startswith("/") and not where.startswith(ROOTS_FILES) else 0):
            runs = movers(text, named, stands=(stands or home_of(user),), of_shell=is_of_shell(where, text), started=begun)
        if by_root is not None and begun is not None:
            by_root |= begun | ({where} if where.startswith("/") else set())
        told = sorted({called.get(one, one) for one in runs})
        changed = changed_led(where) if where.startswith("/") else 0.0
        found.append({"where": where, "user": user, "runs": told, "changed": changed})
    return found


def cron_jobs() -> Iterator[Planned]:
    """Each line of each crontab, and each program that cron runs by its folder."""
    yield from (Planned("/etc/rc.local", "root", line) for line in lines_on("/etc/rc.local"))  # a script: its A=1 is no setting
    for path in ["/etc/crontab", "/etc/anacrontab", *files_in("/etc/cron.d")]:
        for line, settings in with_settings(lines_on(path)):
            words = line.split(None, 6)
            user = words[5] if len(words) > 6 and not line.startswith("@") else "root"
            yield Planned(path, user, as_started(command_of(line, path), settings, user), home_in(settings))
    for folder in TABLES:
        for path, _, text in spooled(folder):
            for line, settings in with_settings(telling_lines(text)):
                user = os.path.basename(path)
                yield Planned(path, user, as_started(command_of(line, path), settings, user), home_in(settings))
    for folder in ("hourly", "daily", "weekly", "monthly", "yearly"):
        for path in files_in(f"/etc/cron.{folder}"):
            yield Planned(path, "root", path)


def home_in(settings: dict[str, str]) -> str:
    """Where cron starts a row, if the crontab says that."""
    return os.path.normpath(os.path.join("/", settings["HOME"])) if settings.get("HOME") else ""


def command_of(line: str, path: str) -> str:
    """What a row of a crontab starts: without its times, the account, the name of a job. What stands behind a ``%`` is what the
    command reads: a line of its own, so that no comment goes on there. Behind a backslash it is itself.
    """
    if path == "/etc/rc.local":
        return line
    times = 3 if path == "/etc/anacrontab" else 5 + (not path.startswith("/var/spool/"))
    if line.lstrip().startswith("@"):
        times -= 4 if path != "/etc/anacrontab" else 0
    words = line.split(None, times)
    return re.sub(r"\\?%", lambda found: found[0][1:] or "\n", words[-1]) if len(words) > times else line


def with_settings(lines: Iterable[str]) -> Iterator[tuple[str, dict[str, str]]]:
    """The rows of a crontab that start something, each with what the rows ``NAME=value`` above it have set."""
    settings: dict[str, str] = {}
    for line in lines:
        row = ROW_OF_SETTING.fullmatch(line)
        if row is None:
            yield line, settings
        else:
            settings[row[2]] = row[3].strip()[1:-1] if row[3].strip()[:1] in {"'", '"'} else row[3].strip()


def as_started(line: str, settings: dict[str, str], user: str) -> str:
    """What cron has started by a row: with the values of its variables where they are named, the programs that are found by its
    ``PATH``, and in a first line its ``SHELL``, where these are not the usual ones. One that is called as what only tells or
    names something is told by its path before all of the row: there it may be anything.
    """
    home = home_in(settings) or home_of(user)
    text = at_home(valued(line, settings), user, home)
    said = settings["PATH"].split(":") if settings.get("PATH") else []
    folders = [os.path.normpath(os.path.join(home, path)) for path in said if path not in PATH.split(":")]
    words = set(WORD.findall(text)) if folders else set()
    if len(folders) * len(words) > SEARCHED_BY_PATH:
        raise Trouble("failed", f"a row of a crontab: its PATH has {len(folders)} folders")
    with seeing_as(uid_of(user)):
        found = sorted(path for folder in folders for word in words if "/" not in word and runnable(path := f"{folder}/{word}"))
    found = [f"{path} {text}" if os.path.basename(path) in PASSED_OVER else path for path in found]
    shell = [] if SHELLS_OF_CRON.fullmatch(settings.get("SHELL", "/bin/sh")) else [f"#!{settings['SHELL']}"]
    return "\n".join([*shell, text, *found])


def runnable(path: str) -> bool:
    """True for a program, as far as whoever looks now can see it."""
    with suppress(OSError):
        found = os.stat(path)
        return stat.S_ISREG(found.st_mode) and found.st_mode & 0o111 != 0
    return False


def spooled_jobs() -> Iterator[Planned]:
    """The jobs of at; whose they are is their file's owner."""
    for folder in OF_AT:
        for path, owner, text in spooled(folder):
            if not path.endswith("/.SEQ"):
                yield Planned(path, account(owner), text)


def spooled(folder: str) -> Iterator[tuple[str, int, str]]:
    """The files in a folder of jobs: the path, the owner and the text of each. A link is none, for cron and at neither:
    who may write into the folder would have root read what it leads to.
    """
    with suppress(FileNotFoundError, NotADirectoryError), Folder(os.path.realpath(folder)) as root:
        for name in sorted(os.listdir(root.fd)):
            with suppress(FileNotFoundError, NoFile), root.open(name) as file:
                text = taken(file, SMALL_FILE, f"{folder}/{name}").decode(errors="surrogateescape")
                yield f"{folder}/{name}", os.fstat(file.fileno()).st_uid, text


def unit_jobs(services: list[Service], folders: Job, shown: Shown) -> Iterator[tuple[Planned, bool]]:
    """What timers and path units start, and what runs, or will, by a unit that did not come with the distribution, of whatever
    kind; True for what has a process of its own now, and no timer. What is dropped in to units of no one name stands for itself.
    """
    disk = folders.value()
    own = {unit for service in services for unit in service.units} | {service.unit for service in services}
    yield from ((Planned(path, "root", text), False) for unit, path, text in disk.commands_for_many if unit not in own)
    started: dict[str, str] = {}
    for block in shown.rows(sorted(starters_of(shown.listed()))):
        alive = block.get("ActiveState") in {"active", "activating"} or block.get("UnitFileState", "").startswith("enabled")
        if alive and block.get("Unit"):
            started[block["Unit"]] = block["Id"]
    placed = {name for name in disk.placed if "@." not in name and not name.startswith("-")} - own
    drawn = drawn_in({*started, *started.values()}, placed, disk.placed, shown)
    started.update({name: by for name, by in drawn.items() if name not in started and name not in own and "@." not in name})
    for block in shown.rows(sorted({*started, *placed})):
        name = block.get("Id", "")
        alive = block.get("ActiveState") not in {"inactive", None} or block.get("UnitFileState") in {"enabled", "enabled-runtime"}
        if name in started or (alive and name not in own):
            commands = "\n".join(
                re.sub(r"^\{ path=|argv\[\]=|; ignore_errors=.*", " ", block.get(key, "")) for key in UNIT_COMMANDS
            )
            where = f"{started[name]} starts {name}" if name in started else name
            runs = name not in started and block.get("MainPID", "0") != "0"
            user, stands = block.get("User") or "root", block.get("WorkingDirectory", "").lstrip("!-")
            yield Planned(where, user, commands, stands if stands.startswith("/") else ""), runs


def starters_of(listed: list[list[str]]) -> set[str]:
    """The timers and paths that systemd has loaded, or that lie in a unit folder."""
    found = {name for folder in UNIT_FOLDERS for name in names_in(folder)} | {name for name, *_ in listed}
    return {name for name in found if name.endswith((".timer", ".path")) and "@." not in name and not name.startswith("-")}


def asked_soon(disk: Job, listed: list[list[str]]) -> set[str]:
    """What ``unit_jobs`` will want to know about, as far as that is known before: most timers start the service of their name."""
    known, placed = starters_of(listed), set(disk.value().placed)
    active = {f"{name.rpartition('.')[0]}.service" for name, _, state, *_ in listed if name in known and state == "active"}
    return known | active | placed


def drawn_in(started: set[str], maybe: set[str], placed: set[str], shown: Shown) -> dict[str, str]:
    """Units that run something, that an administrator placed and that start along with, or after, what starts: by the unit that
    draws them in. Of ``maybe`` only what is enabled or alive does: a unit that nothing draws in does nothing.
    """
    found: dict[str, str] = {}
    waiting = started | maybe
    for _ in range(5):
        if not waiting:
            break
        blocks, waiting = shown.rows(sorted(waiting)), set()
        for block in blocks:
            name = block.get("Id", "")
            alive = block.get("ActiveState") != "inactive" or block.get("UnitFileState", "").startswith("enabled")
            if not (name in started or name in found or alive):
                continue
            for other in " ".join(block.get(key, "") for key in DRAWS).split():
                if other not in found and other in placed and not other.startswith("-"):
                    found[other] = name
                    waiting.add(other)
    return found
