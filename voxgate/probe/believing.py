"""Which process is the daemon that it is called, and which files nobody but root can change."""

from __future__ import annotations

import os
import re
import stat
from typing import Any, Iterable, NamedTuple

from voxgate.probe.accounts import account
from voxgate.probe.base import SMALL_FILE, Job, Trouble
from voxgate.probe.folder import Folder, opened_regular
from voxgate.probe.process_files import has_ended, living
from voxgate.probe.reading import taken


class Daemon(NamedTuple):
    """A daemon of the host's own whose word is taken: by which files, as which accounts and in which units it runs."""

    programs: tuple[str, ...]
    units: str
    accounts: tuple[str, ...] = ("root",)


DAEMONS = {
    "sshd": Daemon(("/usr/sbin/sshd",), r"sshd?(?:[-@].+)?"),
    "nginx": Daemon(("/usr/sbin/nginx",), r"nginx"),
    "haproxy": Daemon(("/usr/sbin/haproxy",), r"haproxy(?:[-@].+)?"),
    "dockerd": Daemon(("/usr/bin/dockerd", "/usr/sbin/dockerd"), r"docker"),
    "podman": Daemon(("/usr/bin/podman",), r"podman"),
    "chronyd": Daemon(("/usr/sbin/chronyd",), r"chronyd?", ("root", "_chrony", "chrony")),
    "ntpd": Daemon(("/usr/sbin/ntpd",), r"ntpd?|ntpsec|openntpd", ("root", "ntp", "ntpsec", "_ntp", "openntpd")),
    "systemd-timesyn": Daemon(
        ("/usr/lib/systemd/systemd-timesyncd", "/lib/systemd/systemd-timesyncd"), r"systemd-timesyncd", ("systemd-timesync",)
    ),
    "ptp4l": Daemon(("/usr/sbin/ptp4l",), r"ptp4l(?:@.+)?"),
    "phc2sys": Daemon(("/usr/sbin/phc2sys",), r"phc2sys(?:@.+)?"),
}


def called(name: str, found: Job) -> list[dict[str, Any]]:
    """The processes of a name. What is in a container is judged as such, and speaks for nothing on this host."""
    return [row for row in found.value() if row["command"] == name and not row["container"]]


def believed(name: str, claims: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[str]]:
    """Those of the processes that are the host's own daemon of that name, not something that calls itself so; and what speaks
    against each of the others, but for those that it started itself. Anybody chooses the name and the title of a process.
    Nobody but root chooses its account, its unit, and what lies in /usr.
    """
    good: list[dict[str, Any]] = []
    doubts: list[str] = []
    for row in sorted(claims, key=lambda one: bool(one["ppid"] != 1)):
        if row["ppid"] in {one["pid"] for one in good}:
            continue
        try:
            why = doubt(row, DAEMONS[name])
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended while we looked
        except PermissionError:
            if has_ended(row["pid"]):
                continue
            if os.geteuid() != 0:
                raise
            why = "runs a program that not even root can look at"
        if why:
            doubts.append(f"process {row['pid']} of {row['user']} calls itself {name}, and {why}")
        else:
            good.append(row)
    return good, doubts


def doubt(row: dict[str, Any], daemon: Daemon) -> str:
    """What speaks against a process being the daemon itself; empty if nothing does. Raises OSError if it is gone."""
    with Folder(f"/proc/{living(row['pid'])}") as its:  # held open: it stays this process's, whoever gets the number next
        with its.open("status") as file:
            status = dict(line.split(":\t", 1) for line in file.read().decode(errors="replace").split("\n") if ":\t" in line)
        root, exe = (os.stat(name, dir_fd=its.fd) for name in ("root", "exe"))
    users = {account(int(uid)) for uid in status["Uid"].split()}
    if len(users) > 1 or not users <= set(daemon.accounts):
        return f"runs as {' and '.join(sorted(users))}"
    if row["container"] or len(status.get("NSpid", "").split()) > 1 or not os.path.samestat(root, os.stat("/")):
        return "is in a container or under another root"
    programs = [path for path in daemon.programs if os.path.exists(path) and os.path.samestat(os.stat(path), exe)]
    if not programs:
        return f"runs another program than {' or '.join(daemon.programs)} is now"
    if place := others_change(programs[0]):
        return f"not only root can change {place}"
    if not re.fullmatch(rf"(?:{daemon.units})\.service", row["unit"]) or row["ppid"] != 1:
        return f"is not what its unit started: {row['unit'] or 'it is in none'}"
    return ""


def words_now(row: dict[str, Any]) -> list[str]:
    """The words of a process that was found to be believed, read after that."""
    with open(f"/proc/{row['pid']}/cmdline", "rb") as file:
        return list(map(os.fsdecode, file.read(SMALL_FILE).rstrip(b"\0").split(b"\0")))


def loose_files(who: str, files: Iterable[str]) -> list[str]:
    """Those of the files that a daemon reads that not only root can change, in words."""
    return [f"{who} reads {path}, and not only root can change {place}" for path in files if (place := others_change(path))]


def led(path: str) -> tuple[int, str]:
    """A file or folder, opened as a place only (O_PATH), by a way on which a link is followed only where nobody but root could
    have put it; and the first place on the way that others than root can change, empty for none. Raises Trouble for any
    other link, OSError where nothing is there.
    """
    at, where, loose, links = os.open("/", os.O_PATH | os.O_CLOEXEC), "", "", 0
    rest = path.split("/")
    try:
        while True:
            found = os.fstat(at)
            if not loose and (found.st_uid != 0 or found.st_mode & 0o022):
                loose = where or "/"
            while rest and rest[0] in {"", "."}:
                rest.pop(0)
            if not rest:
                return os.dup(at), loose
            part = rest.pop(0)
            below = os.open(part, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=at)
            if not stat.S_ISLNK(os.fstat(below).st_mode):
                os.close(at)
                at, where = below, os.path.dirname(where) if part == ".." else f"{where}/{part}"
                continue
            target, owner = os.readlink("", dir_fd=below), os.fstat(below).st_uid
            os.close(below)
            links += 1
            if loose or owner != 0 or links > 40:
                raise Trouble("failed", f"{path}: {where}/{part} is a link, and others than root can change it")
            rest = [*target.split("/"), *rest]
            if target.startswith("/"):
                os.close(at)
                at, where = os.open("/", os.O_PATH | os.O_CLOEXEC), ""
    except OSError as error:
        error.filename = path
        raise
    finally:
        os.close(at)


def others_change(path: str) -> str:
    """The first place on the way to a file, itself too, that others than root can change: where it is not there, also one in
    which they could make it. Empty for none.
    """
    try:
        handle, loose = led(path)
    except (FileNotFoundError, NotADirectoryError):
        return others_change(os.path.dirname(path)) if path.strip("/") else ""
    except Trouble as trouble:
        return trouble.text
    os.close(handle)
    return loose


def text_led(path: str) -> str:
    """The content of a small regular file of anybody's, read as root: by no link that others could have made, and nothing is
    opened that is no file. Raises Trouble or OSError.
    """
    with open(opened_regular(led(path)[0], path), "rb") as file:
        return taken(file, SMALL_FILE, path).decode(errors="surrogateescape")


def changed_led(path: str) -> float:
    """When a file was last changed, by no link that others could have made: else one of an account's tells that another's file is
    there, and when it changed. Epoch seconds; 0 where it is gone, or there is such a link.
    """
    try:
        handle = led(path)[0]
    except (OSError, Trouble):
        return 0.0
    try:
        return os.fstat(handle).st_ctime
    finally:
        os.close(handle)


def placed(folder: str) -> tuple[os.stat_result, str]:
    """A folder and where it really lies. Raises OSError where it is not there; Trouble where a link leads to it that others than
    root could have made: who made it would learn whose code runs in any folder, and which jobs name it.
    """
    handle = led(folder)[0]
    try:
        return os.fstat(handle), os.readlink(f"/proc/self/fd/{handle}")
    finally:
        os.close(handle)


def really(folder: str) -> str:
    """Where it really lies; where nothing is there, as it is called. Raises Trouble."""
    try:
        return placed(folder)[1]
    except OSError:
        return folder
