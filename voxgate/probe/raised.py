"""Who gets another's rights without sudo: by a program with a setuid bit or capabilities, or by an engine's socket."""

from __future__ import annotations

import grp
import os
import pwd
import stat
import struct
from contextlib import suppress
from functools import lru_cache
from itertools import islice
from typing import Any, Iterable, Iterator

from voxgate.probe.accounts import account, group_members, group_name, uid_of
from voxgate.probe.base import Job
from voxgate.probe.believing import others_change
from voxgate.probe.cache import HashCache
from voxgate.probe.dpkg import vouched_for
from voxgate.probe.engines import called_as_engines
from voxgate.probe.request import Service
from voxgate.probe.rights import MAY_RUN, MAY_WRITE, access_list, may_besides, names_left
from voxgate.probe.sudo import POWERFUL, administrators, of_units

# Where programs lie, and where people put theirs: some folders deep. All of a disk would be too much for each look.
PROGRAM_PLACES = {
    "/usr/bin": 0, "/usr/sbin": 0, "/bin": 0, "/sbin": 0, "/usr/lib": 1, "/usr/lib64": 1, "/usr/libexec": 2, "/usr/local": 3,
    "/opt": 3, "/home": 3, "/srv": 3, "/var/backups": 2, "/var/www": 3,
    "/tmp": 3, "/var/tmp": 3, "/dev/shm": 3,  # noqa: S108 - searched, not used
    "/var/lib": 1, "/var/cache": 1, "/etc": 1, "/run": 1, "/": 0,
}  # fmt: skip
PROGRAM_NAMES = 3000  # of one place, the uppermost ones
A_FOLDER = 10  # names: to open one costs as much
# What distributions give others' rights, each for one thing that it does. Only as a package has it. Not doas: whom its rules let
# do what nobody here asks.
OF_DISTRIBUTIONS = """
su sudo sudoedit passwd chsh chfn gpasswd newgrp newuidmap newgidmap chage expiry unix_chkpwd unix_update ksu userhelper
pam_timestamp_check mount umount mount.nfs mount.cifs mount.ecryptfs_private mount.davfs ntfs-3g fusermount fusermount3
ping ping4 ping6 arping traceroute6.iputils mtr-packet fping dumpcap ssh-keysign dbus-daemon-launch-helper pkexec authbind
polkit-agent-helper-1 at crontab Xorg.wrap pppd usernetctl exim4 sendmail postdrop postqueue procmail lockfile maildrop dma
dma-mbox-create suexec suexec-custom suexec-pristine snap-confine chrome-sandbox bwrap firejail lxc-user-nic cockpit-session
qemu-bridge-helper vmware-user-suid-wrapper spice-client-glib-usb-acl-helper check_dhcp check_icmp check_ide_smart screen
utempter cgexec schroot sssd_pam krb5_child ldap_child proxy_child selinux_child p11_child systemd-detect-virt gst-ptp-helper
apps.plugin cgroup-network local-listeners perf.plugin freeipmi.plugin network-viewer.plugin debugfs.plugin
systemd-journal.plugin ebpf.plugin slabinfo.plugin ioping nfacct.plugin xenstat.plugin ndsudo
"""
GIVEN_RIGHTS = frozenset(OF_DISTRIBUTIONS.split())
CAPABILITY = "security.capability"
# By which a program reads or changes what is not its account's, or becomes another one (include/uapi/linux/capability.h).
MIGHTY = {
    0: "chown", 1: "dac_override", 2: "dac_read_search", 3: "fowner", 4: "fsetid", 6: "setgid", 7: "setuid", 8: "setpcap",
    16: "sys_module", 17: "sys_rawio", 18: "sys_chroot", 19: "sys_ptrace", 21: "sys_admin", 27: "mknod", 31: "setfcap",
    32: "mac_override", 33: "mac_admin", 39: "bpf", 40: "checkpoint_restore",
}  # fmt: skip
ROOTS_SOCKETS = (
    "/run/docker.sock", "/run/podman/podman.sock", "/run/containerd/containerd.sock", "/run/crio/crio.sock",
    "/var/lib/lxd/unix.socket", "/var/snap/lxd/common/lxd/unix.socket", "/var/lib/incus/unix.socket",
)  # fmt: skip
PLACES_OF_ROOTS = ("/run/", "/var/run/", "/var/lib/", "/var/snap/")
EVERYBODY = "everybody"


def raised(services: list[Service], found: Job | None = None) -> list[dict[str, Any]]:
    """What gives whoever may use it the rights of root, of a group that is root, or of an account that runs a service or deploys,
    as rules: ``setuid PROGRAM``, ``setgid PROGRAM``, ``capability setuid PROGRAM``, ``socket PATH``, ``uid NUMBER``. Nothing
    where the probe is not root.
    """
    if os.geteuid() != 0:
        return []
    names = {name for row in services for name in (row.user, row.owner) if name}
    numbers = {0: "root", **{uid_of(name): name for name in sorted(names) if account(uid_of(name)) == name}}
    rows = [row for path, one in programs_of_others() for row in given_by(path, one, numbers)]
    fine = as_distributed({path for path, _, _, _ in rows}, services)
    rows = [row for row in rows if row[0] not in fine]
    rules = [(holder, who, f"{what} {path}") for path, holder, who, what in rows]
    by_units = names | (of_units(found.value()) if found else set())
    rules += [(holder, "root", f"socket {path}") for path in engines_sockets() for holder in users_of_socket(path, by_units)]
    for one in pwd.getpwall():
        name = numbers.get(one.pw_uid)
        if one.pw_uid and name not in {None, one.pw_name}:
            rules.append((one.pw_name, str(name), f"uid {one.pw_uid}"))
    return [
        {"user": holder, "groups": [], "as": who, "options": "", "command": command}
        for holder, who, command in sorted(set(rules))
    ]  # fmt: skip


def programs_of_others() -> Iterator[tuple[str, os.stat_result]]:
    """Each file in these places that has a setuid or setgid bit, or that may be run and has capabilities; no link is followed. On
    a file system that was mounted without these they give nothing.
    """
    seen: set[tuple[int, int]] = set()
    for place, deep in PROGRAM_PLACES.items():
        left, waiting = PROGRAM_NAMES, [(os.path.realpath(place), 0)]
        for path, depth in waiting:
            with suppress(OSError):
                above = os.stat(path, follow_symlinks=False)
                if (above.st_dev, above.st_ino) in seen or not gives_something(path, above):
                    continue
                seen.add((above.st_dev, above.st_ino))
                with os.scandir(path) as entries:
                    rows = list(islice(entries, names_left(left - A_FOLDER, above)))
                left -= A_FOLDER + len(rows)
                for row in rows:
                    with suppress(OSError):  # it is gone, or lies under a file system of somebody's own: that hides no other
                        if depth < deep and row.is_dir(follow_symlinks=False):
                            waiting.append((row.path, depth + 1))
                        elif row.is_file(follow_symlinks=False):
                            found = row.stat(follow_symlinks=False)
                            if found.st_mode & 0o111 and (found.st_mode & 0o6000 or capabilities_of(row.path)):
                                yield row.path, found


def gives_something(path: str, above: os.stat_result) -> bool:
    """True for a folder in which a program may give rights: not where only root comes to, as with a copy of a whole disk."""
    if not stat.S_ISDIR(above.st_mode) or (above.st_uid == 0 and not above.st_mode & 0o011):
        return False
    return not gives_nothing(path, above.st_dev)


@lru_cache(maxsize=None)
def gives_nothing(path: str, _device: int) -> bool:
    """True for a folder of a file system that gives no rights by files."""
    return bool(os.statvfs(path).f_flag & os.ST_NOSUID)


def capabilities_of(path: str) -> list[str]:
    """The mighty ones of a file's capabilities, by name. Those that the root of a user namespace gave it, which any account has
    of its own, count only there: behind them stands his number.
    """
    with suppress(OSError, struct.error):
        said = os.getxattr(path, CAPABILITY, follow_symlinks=False)
        words = struct.unpack_from("<5I", said)
        if any(said[20:24]):
            return []
        whole = words[1] | words[2] | (words[3] | words[4]) << 32
        return [name for bit, name in MIGHTY.items() if whole >> bit & 1]
    return []


def given_by(path: str, found: os.stat_result, numbers: dict[int, str]) -> Iterator[tuple[str, str, str, str]]:
    """What one program gives: its path, to whom, whose rights, by what."""
    access = access_list(path) if found.st_mode & 0o010 else b""
    if found.st_mode & 0o001:
        holders = [EVERYBODY]
    elif access:
        holders = sorted(may_besides(found, access, MAY_RUN))
    else:
        others = set(group_members(found.st_gid)) - {"root"} if found.st_mode & 0o010 else set()
        holders = [f"%{group_name(found.st_gid)}"] if others else []
    for holder in holders:
        if found.st_mode & stat.S_ISUID and found.st_uid in numbers:
            yield path, holder, numbers[found.st_uid], "setuid"
        group = group_name(found.st_gid)
        own = {group_name(pwd.getpwnam(name).pw_gid) for name in numbers.values()}
        if found.st_mode & stat.S_ISGID and found.st_mode & 0o010 and group in POWERFUL | own:
            yield path, holder, group, "setgid"
        for name in capabilities_of(path):
            yield path, holder, "root", f"capability {name}"


def as_distributed(paths: set[str], services: list[Service]) -> set[str]:
    """Those of the programs to which distributions give rights, and that are as a package has them, in folders in which only root
    can show another one meanwhile. Kept as long as they are the same: to ask dpkg costs more than all else.
    """
    given = {path for path in paths if os.path.basename(path) in GIVEN_RIGHTS and not others_change(os.path.dirname(path))}
    if not services:
        return vouched_for(given)
    cache, named = HashCache("raised", services[0]), {}
    for path in given:
        with suppress(OSError):  # it is gone by now
            named[path] = os.stat(path, follow_symlinks=False)
    keys = {path: [one.st_dev, one.st_ino, one.st_size, one.st_mtime_ns, one.st_ctime_ns] for path, one in named.items()}
    known = {path for path in named if cache.word(path, keys[path])}
    asked = vouched_for(set(named) - known) if set(named) - known else set()
    for path in asked:
        cache.note(path, keys[path], named[path].st_ctime, "distributed")
    cache.keep()
    return known | asked


def engines_sockets() -> list[str]:
    """The sockets of engines of root's: at their usual places, and what listens in another folder where root alone can make one
    (docker's own containerd, k3s). Of those in any other folder the engines tell.
    """
    here = [path for path in called_as_engines() if path.startswith(PLACES_OF_ROOTS) and not path.startswith("/run/user/")]
    return sorted({*ROOTS_SOCKETS, *(path for path in here if not others_change(os.path.dirname(path)))})


def users_of_socket(path: str, mine: Iterable[str] = ()) -> set[str]:
    """Who may use an engine's socket besides root, administrators who run no service or unit (``mine``), and the members of a
    group that is known to be root.
    """
    try:
        row = os.stat(path)
    except OSError:
        return set()
    if not stat.S_ISSOCK(row.st_mode):
        return set()
    if row.st_mode & 0o002:
        return {EVERYBODY}
    names = may_besides(row, access_list(os.path.realpath(path)), MAY_WRITE) if row.st_mode & 0o020 else set()
    names |= {account(row.st_uid)} - {"root"}
    return names - administrators(mine) - {name for group in POWERFUL for name in members_of(group)}


def members_of(group: str) -> tuple[str, ...]:
    """Who is in a group of that name."""
    try:
        return group_members(grp.getgrnam(group).gr_gid)
    except KeyError:
        return ()
