"""What is run without a person by other readers than systemd, and than cron at its times."""

from __future__ import annotations

import os
import re
import stat
from contextlib import suppress
from typing import Any, Iterator

from voxgate.probe.base import Trouble
from voxgate.probe.dpkg import vouched_for
from voxgate.probe.jobs import TABLES, spooled
from voxgate.probe.reading import content
from voxgate.probe.scripts import movers
from voxgate.probe.text import files_in, telling_lines
from voxgate.probe.ways import lines_on

# Each program in one of these folders is run when something comes to pass; of what lies below, too.
HOOKS = {
    "the network": (
        "/etc/network/if-pre-up.d", "/etc/network/if-up.d", "/etc/network/if-down.d", "/etc/network/if-post-down.d",
        "/etc/NetworkManager/dispatcher.d", "/usr/lib/NetworkManager/dispatcher.d", "/etc/networkd-dispatcher",
        "/usr/lib/networkd-dispatcher", "/etc/dhcp/dhclient-enter-hooks.d", "/etc/dhcp/dhclient-exit-hooks.d", "/etc/ppp/ip-up.d",
        "/etc/ppp/ip-down.d",
    ),
    "systemd, when the host stops or sleeps": (
        "/etc/systemd/system-shutdown", "/usr/lib/systemd/system-shutdown", "/etc/systemd/system-sleep",
        "/usr/lib/systemd/system-sleep",
    ),
    "packages of kernels": ("/etc/kernel/postinst.d", "/etc/kernel/preinst.d", "/etc/kernel/postrm.d", "/etc/kernel/prerm.d"),
}  # fmt: skip
# A file here has a program run where one of its rows says so.
ROWS = {
    "cron, at boot": (("/etc/crontab", "/etc/cron.d"), re.compile(r"^[ \t]*@reboot\s", re.IGNORECASE)),
    "udev": (
        ("/etc/udev/rules.d", "/run/udev/rules.d", "/usr/local/lib/udev/rules.d", "/usr/lib/udev/rules.d"),
        re.compile(r"\b(?:RUN|PROGRAM)\b|IMPORT\{program\}|SYSTEMD_(?:USER_)?WANTS"),
    ),
    "ifupdown": (
        ("/etc/network/interfaces", "/etc/network/interfaces.d"),
        re.compile(r"^[ \t]*(?:pre-up|up|post-up|pre-down|down|post-down)\s"),
    ),
    "HAProxy": (
        ("/etc/haproxy", "/etc/haproxy/conf.d"),
        re.compile(r"^[ \t]*(?:program\s+\S|external-check\s+command\s|lua-load\b|lua-load-per-thread\b)"),
    ),
    "supervisor": (
        ("/etc/supervisord.conf", "/etc/supervisor", "/etc/supervisor/conf.d", "/etc/supervisord.d"),
        re.compile(r"^[ \t]*\[(?:program|eventlistener|fcgi-program):"),
    ),
    "monit": (
        ("/etc/monit", "/etc/monit/conf.d", "/etc/monit/conf-enabled", "/etc/monit.d"),
        re.compile(r"^[^#]*\b(?:start|stop|restart|check)\s+program\b|^[^#]*\bexec\b", re.IGNORECASE),
    ),
    "apt": (("/etc/apt/apt.conf", "/etc/apt/apt.conf.d"), re.compile(r"(?:Pre|Post)-Invoke|Pre-Install-Pkgs", re.IGNORECASE)),
    "modprobe": (
        ("/etc/modprobe.d", "/run/modprobe.d", "/usr/local/lib/modprobe.d"),
        re.compile(r"^[ \t]*(?:install|remove)\s+\S+\s+(?!(?:/usr)?/s?bin/(?:true|false)\s*$)"),
    ),
}
WHOLE_WAY = re.compile(r"(?<![\w./-])/[\w./@+-]+", re.ASCII)
RC_LOCAL = "/etc/rc.local"
CORE_PATTERN = "/proc/sys/kernel/core_pattern"
STARTERS_AT_MOST = 200
HOOK_FOLDERS_BELOW = 20


def started_by_others(by_root: set[str] | None = None) -> list[dict[str, Any]]:
    """Each file by which something is run without a person, at boot or when something else comes to pass, and that no package of
    the distribution has brought as it is: ``where`` it is, ``by`` whom it is read, and whether it is run ``itself``, or says
    what is. What cron does at its times, and systemd at all, others say. ``by_root`` is told all of these files but the crontabs
    of other accounts, and what those that nobody vouches for start by whole paths.
    """
    itself, says = dict(programs()), dict(saying())
    found = {**says, **itself}
    vouched = vouched_for(set(found))
    if by_root is not None:
        by_root |= {path for path in found if path not in says or is_roots_table(path)}
        for path in itself.keys() - vouched:
            with suppress(Trouble):  # too long for a script: what it is, is told
                movers(path, started=by_root)
        for path in (path for path in says.keys() - vouched if is_roots_table(path)):
            telling = filter(ROWS[says[path]][1].search, lines_on(path))
            by_root |= {way for line in telling for way in WHOLE_WAY.findall(line)}
    rows = [{"where": path, "by": by, "itself": path in itself} for path, by in sorted(found.items()) if path not in vouched]
    if len(rows) > STARTERS_AT_MOST:
        raise Trouble("failed", f"over {STARTERS_AT_MOST} files have something run by itself")
    return rows


def is_roots_table(path: str) -> bool:
    """False for a crontab of another account's."""
    return os.path.dirname(path) not in TABLES or os.path.basename(path) == "root"


def programs() -> Iterator[tuple[str, str]]:
    """The programs that are run by their place alone."""
    if is_program(RC_LOCAL):
        yield RC_LOCAL, "rc-local.service, at boot"
    for by, folders in HOOKS.items():
        for folder in folders:
            paths = files_in(folder)
            below = [path for path in paths if os.path.isdir(path)][:HOOK_FOLDERS_BELOW]
            for path in [*paths, *(inner for one in below for inner in files_in(one))]:
                if is_program(path):
                    yield path, by
    with suppress(OSError):
        pattern = content(CORE_PATTERN).decode("utf-8", "replace")
        if pattern.startswith("|"):
            yield pattern[1:].split()[0] if pattern[1:].split() else "?", "the kernel, when a program crashes"


def saying() -> Iterator[tuple[str, str]]:
    """The files that have a program run by what they say."""
    for by, (places, row) in ROWS.items():
        for place in places:
            for path in files_in(place) if os.path.isdir(place) else [place]:
                if not os.path.isdir(path) and any(map(row.search, lines_on(path))):
                    yield path, by
    by, (_, row) = "cron, at boot", ROWS["cron, at boot"]
    for folder in TABLES:
        for path, _, text in spooled(folder):
            if any(map(row.search, telling_lines(text))):
                yield path, by


def is_program(path: str) -> bool:
    """True for a file that can be run, and is no mask."""
    with suppress(OSError):
        found = os.stat(path)
        return stat.S_ISREG(found.st_mode) and found.st_mode & 0o111 != 0 and found.st_size > 0
    return False
