"""Platform: the hosts themselves have room, the right time, and no door that nobody knows."""

from __future__ import annotations

import re
from collections import Counter
from statistics import median
from typing import TYPE_CHECKING

from voxgate.errors import Blind
from voxgate.model.access import CERTIFIERS
from voxgate.model.advice import quoted
from voxgate.model.evidence import HostEvidence, Missing, known
from voxgate.plugin import invariant, say_all, say_each
from voxgate.survey.access import (
    BY_FILE,
    FOR,
    beyond_keys,
    by_holder,
    entries_of_keys,
    entries_of_sshd,
    entries_of_sudo,
    lets,
    may,
    power_of,
    sets_environment,
    told,
)
from voxgate.survey.commands import edit, edit_where, end_liars, given_to_root, listening, look_again, stop, why
from voxgate.survey.findings import by_id, holder_of, is_loopback, is_public, is_started_by_its_unit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from voxgate.model.estate import Estate, Store
    from voxgate.model.evidence import ProcessFact
    from voxgate.model.look import Evidence
    from voxgate.model.surroundings import KeyFact, SudoRule

FREE = 0.05  # of each file system, its inodes and the memory
SKEW = 1.0  # seconds between hosts
_STATUS = {"chronyd": "chronyc tracking", "ntpd": "ntpq -pn", "systemd-timesyn": "timedatectl timesync-status"}
UNSURE = 3.0  # seconds: a look that took longer to begin says too little of a clock
VERBS = ("restart", "start", "stop", "reset-failed")
PROBE = '/usr/local/sbin/voxgate-probe ""'
PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*", re.ASCII)
ROOTS = {
    "root", "sudo", "wheel", "admin", "docker", "podman", "lxd", "incus", "incus-admin", "libvirt", "disk", "shadow", "kmem",
    "microk8s", "snap_microk8s",
}  # fmt: skip
_WORD = re.compile(r"[A-Za-z0-9]{1,50}")  # a setting's name
TOLD = 5  # addresses of the internet at which one socket is open
BIND = "stop it, or bind it to the private address"
WILDCARDS = {"0.0.0.0", "::"}  # noqa: S104 - found on a host, not bound here


@invariant(per="host_name", faults=("disk-full", "disk-of-a-store-full", "inodes-gone"))
def test_host_has_room(host_name: str, evidence: Evidence) -> None:
    """A full disk stops the journal, the database and the next deploy at once, so each file system has room that the system, a
    service or a store writes to; without memory the kernel picks a process and kills it.
    """
    found = known(evidence.second.host(host_name).room)
    disks = [disk for disk in found.disks if disk.ours]
    tight = [
        f"{disk.path} has {disk.free / 2**20:.0f} MB free of {disk.size / 2**20:.0f} MB"
        for disk in disks
        if disk.free < FREE * disk.size
    ]
    do = [f"make room in {disk.path}: {_large(disk.path)}" for disk in disks if disk.free < FREE * disk.size]
    tight += [
        f"{disk.path} has {disk.inodes_free} inodes free of {disk.inodes}"
        for disk in disks
        if disk.inodes_free < FREE * disk.inodes
    ]
    do += [
        f"`du -x --inodes -d 3 {quoted(disk.path)} | sort -n | tail` says where very many files are"
        for disk in disks
        if disk.inodes_free < FREE * disk.inodes
    ]
    if found.memory.available < FREE * found.memory.total:
        tight.append(f"{found.memory.available / 2**20:.0f} MB of memory are available of {found.memory.total / 2**20:.0f} MB")
        do.append("`systemd-cgtop -m -b -n 1 | head` says who takes memory")
    assert not tight, say_all(host_name, tight, "; ".join(do))


def _large(path: str) -> str:
    """What is large on a file system, and what may go from the one that the journal is on."""
    journal = "`journalctl --vacuum-size=100M`, `apt-get clean`; " if path in {"/", "/var", "/var/log"} else ""
    return f"{journal}`du -xah -d 3 {quoted(path)} | sort -h | tail` says what is large"


@invariant(per="host_name", faults=("clock-not-synchronised", "clock-called-so"))
def test_clock_is_right(host_name: str, estate: Estate, evidence: Evidence) -> None:
    """Ticks, call times and journals of several hosts are only worth something on one clock. It is kept in time, and less
    than a second away from the other hosts', as far as these were seen.
    """
    found = known(evidence.second.host(host_name).clock)
    wrong, unseen, do = [*found.doubts], [], [end_liars(found.doubts, "look at what calls itself so: `ps -ef`")]
    if not found.container and not found.keepers:
        wrong.append("nothing keeps the clock in time")
        do.append("`apt-get install -y systemd-timesyncd`, `systemctl enable --now systemd-timesyncd`")
    elif not found.container and found.synchronised is None:
        unseen.append("the kernel does not say whether the clock is synchronised")
    elif not found.container and not found.synchronised:
        wrong.append(f"the clock is not synchronised, although {found.keepers[0]} runs")
        do.append(f"{_status(found.keepers)} says why")
    least, most = _offset(evidence, host_name)
    others = [
        _offset(evidence, host.name)[0] for host in estate.hosts if host.name != host_name and _says_when(evidence, host.name)
    ]
    if not others and len(estate.hosts) > 1:
        unseen.append("the clock could not be compared: no other host was seen")
    right = median([least, *others])
    away = max(least - right, right - most)
    if away >= SKEW:
        wrong.append(f"its clock is {away:.1f} s away from the other hosts'")
        do.append(f"{_status(found.keepers)} says why")
    if most - least > UNSURE:
        unseen.append(f"the clock could not be compared: the look took {most - least:.1f} s to begin")
    if unseen and not wrong:
        raise Blind("; ".join(unseen), where=host_name, hint=look_again(estate))
    assert not wrong, say_all(host_name, [*wrong, *unseen], "; ".join(dict.fromkeys(filter(None, do))))


def _status(keepers: Sequence[str]) -> str:
    """What tells how the time is kept, where such a program keeps it."""
    return next((f"`{told}`" for name, told in _STATUS.items() if name in keepers), "`timedatectl`")


def _says_when(evidence: Evidence, name: str) -> bool:
    """Whether a host was seen, with its clock. Raises OutsideLook for one that is no part of this look."""
    found = evidence.second.hosts.get(name) or evidence.second.host(name)
    return isinstance(found, HostEvidence) and not any(
        isinstance(one, Missing) for one in (found.time, found.took, found.answered, found.asked)
    )


def _offset(evidence: Evidence, name: str) -> tuple[float, float]:
    """The least and the most that a host's clock may be before the gate's: its word came after it was asked, and the probe
    ended before it had answered. Both looks say so, and where one of them was slow the other may say more.
    """
    seen, first = [evidence.second.host(name)], evidence.first.hosts.get(name)
    if isinstance(first, HostEvidence):
        seen.append(first)
    found = [(known(one.time) + known(one.took) - known(one.answered), known(one.time) - known(one.asked)) for one in seen]
    return max(least for least, _ in found), min(most for _, most in found)


def _taken_away(holder: str, rule: SudoRule) -> str:
    """What ends a power that an account has without sudo."""
    kind, _, name = rule.command.partition(" ")
    path = quoted(name[name.index("/") :] if "/" in name else name)
    if kind == "group":
        return f"`gpasswd -d {quoted(holder, name)}`"
    if kind in BY_FILE:
        return given_to_root(name[name.index("/") :])
    if kind == "socket":
        return f"`find {path} -prune -type s -exec chmod o-rwx {{}} ';'`; `ls -l {path}` says whose it is besides"
    return _out_of_accounts(holder)


def _out_of_accounts(name: str) -> str:
    """Take an account away that is root by its number: userdel would take root's own home and processes for its."""
    if not PLAIN_NAME.fullmatch(name):
        return "take its line out: `vipw`, `vipw -s`"
    return f"`sed -i '/^{name}:/d' /etc/passwd /etc/shadow`"


@invariant(
    per="host_name",
    guards="evidence",
    faults=(
        "sudo-wildcard",
        "sudo-all",
        "sudo-for-a-service",
        "sudo-probe-of-deploy",
        "account-of-number-zero",
        "service-in-group-docker",
        "shell-with-a-setuid-bit",
        "tar-with-a-capability",
        "engine-open-to-all",
    ),
    threats=("rights",),
)
def test_sudo_is_minimal(host_name: str, estate: Estate, evidence: Evidence) -> None:
    """Whoever steals the deploy account has what sudo gives it. `systemctl restart voxcore@*` also restarts
    `voxcore@1 ssh.service`: exact commands only, of this host's own units, no group that is root by another name. Any other
    account that has a shell or runs something may what the estate lets that very account, administrators aside; none but root
    has its number, or is in a group like docker, unseen; nobody has another's rights by a program's bits or capabilities, an
    engine's socket or its number, but by what distributions bring; and what runs as root only root can change: by sudo, and by
    itself (crontabs, units, hooks, what they start) no account of a service's. Not seen: what such a program runs or reads.
    """
    host = estate.host(host_name)
    found = known(evidence.second.host(host_name).sudo)
    if found.user != host.user:
        hint = f"who logs in there stands in hosts/{estate.name}.toml, as user"
        raise Blind("another account was looked at", where=host_name, why=f"{found.user}, not {host.user}", hint=hint)
    units = [unit.unit for unit in estate.placed_units if unit.host == host]
    systemctl = [f"{folder}/systemctl {verb} {unit}" for folder in ("/usr/bin", "/bin") for verb in VERBS for unit in units]
    builds = {one.service.build_unit for one in estate.placements if one.host == host}
    systemctl += [
        f"{folder}/systemctl {verb} {unit}" for folder in ("/usr/bin", "/bin") for verb in ("restart", "stop") for unit in builds
    ]
    own, may_by_sudo, never = {PROBE, *systemctl}, estate.may_by_sudo(host), estate.never_all(host)
    own |= may_by_sudo.get(found.user, frozenset())
    beyond = [one for one in found.rules if one.command not in own or one.user != "root" or sets_environment(one)]
    beyond += [one for one in found.others if not may(one, may_by_sudo, alone=one.holder in never)]
    rules = by_holder(one for one in beyond if not one.command.startswith("!"))  # such a one takes away
    rich = sorted(ROOTS & set(found.groups))
    wrong, do = [told(*each) for each in rules.items()], []
    powers = [(holder, one) for holder, rows in rules.items() for one in rows if power_of(one)]
    by_sudo = [one for one in beyond if not power_of(one)]
    if by_sudo and rules:
        do.append(f"put # before it in sudoers (no file may be left empty): {_lines_of(by_sudo)}")
    for holder, one in powers:
        do.append(_taken_away(holder, one))
    if rich:
        wrong.append(f"{found.user} is in the group {', '.join(rich)}, which is root")
        do += [f"`gpasswd -d {found.user} {group}`" for group in rich]
    if found.by_itself:
        wrong.append(f"root runs by itself what accounts of services can change: {', '.join(found.by_itself)}")
        where = f"`namei -l {quoted(*found.by_itself)}` says whose it is"
        do.append(f"{where}: what root runs lies where only root changes anything, or runs as its owner")
    if found.loose:
        wrong.append(f"{', '.join(found.loose)} can be changed by others than root, and is run as root")
        # From above, one after the other, and no link: who owns one of them could put one into it until then.
        shut = "-prune ! -type l -exec chown -h root:root {} ';' -exec chmod go-w {} ';'"
        do.append(f"`find {quoted(*sorted(found.loose))} {shut}`")
    entries = entries_of_sudo(host_name, rules, never)
    assert not wrong, say_all(host_name, wrong, "; ".join(do), estate=estate.name, entries=entries)


def _lines_of(rules: Sequence[SudoRule]) -> str:
    """Where these rules stand, and what edits a file of sudo's and keeps sudo working."""
    files = sorted({one.file for one in rules if one.file.startswith("/")})
    if files:
        return "; ".join(f"`visudo -f {quoted(file)}`" for file in files)
    return "`grep -rnE '^[^#]' /etc/sudoers /etc/sudoers.d` shows the lines, `visudo -f FILE` edits them"


@invariant(
    per="host_name",
    faults=(
        "key-unknown",
        "key-behind-its-options",
        "sshd-takes-passwords",
        "sshd-by-an-option",
        "sshd-for-some",
        "sshd-put-back",
        "sshd-called-so",
    ),
    threats=("rights",),
)
def test_keys_are_known(host_name: str, estate: Estate, evidence: Evidence) -> None:
    """A key that nobody knows is somebody who can come back. Every authorized key of every account is in the estate file,
    and every key that signs certificates of users; and sshd takes nothing but these, and what the estate says of it: as it was
    started, from whatever address, and as its files are now. Nothing else calls itself sshd, and only root can change what it
    reads.
    """
    if estate.keys is None:
        raise Blind("the estate does not say who may log in", where=host_name, hint=f"add [keys] to hosts/{estate.name}.toml")
    host = estate.host(host_name)
    known_here = estate.may_log_in(host)
    lost = sorted(mark for marks in known_here.values() for mark in marks if mark.startswith("missing: "))
    if lost:
        where = f"hosts/{estate.name}.toml [keys]"
        hint = "a fingerprint in its place needs no file: `ssh-keygen -lf FILE`, where it can be read"
        raise Blind("a key of the estate cannot be read here", where=where, why=", ".join(lost), hint=hint)
    found = known(evidence.second.host(host_name).keys)
    strange = [key for key in found.keys if key.fingerprint not in known_here.get(key.user, ())]
    beyond = beyond_keys(found.settings, estate.sshd_may(host))
    wrong, do = [*found.doubts], []
    if wrong:
        loose = "where sshd was upgraded, `systemctl restart ssh`; where others can change a file, chown root and chmod go-w"
        do.append(end_liars(found.doubts, loose))
    if strange:
        wrong += [f"{said} ({n} such lines)" if n > 1 else said for said, n in Counter(map(lets, strange)).items()]
        do.append(f"remove these lines: {'; '.join(dict.fromkeys(map(_line_of, strange)))}")
    if beyond:
        wrong += [f"sshd has {line} (for {scope.removeprefix(FOR)})" for scope, lines in beyond.items() for line in lines]
        do.append(f"take it out: {_set_in(beyond)}, then `sshd -t && systemctl restart ssh`")
    if 0 < found.started < found.changed:
        wrong.append(f"sshd read its configuration {found.changed - found.started:.1f} s before that was last changed")
        do.append("what it takes is what stood there then: `sshd -t && systemctl restart ssh`")
    entries = [*entries_of_keys(host_name, strange), *entries_of_sshd(host_name, beyond)]
    assert not wrong, say_all(host_name, wrong, "; ".join(do), estate=estate.name, entries=entries)


def _set_in(beyond: Mapping[str, Sequence[str]]) -> str:
    """What edits the files in which these settings of sshd stand, as it was started too."""
    names = sorted({word for lines in beyond.values() for line in lines for word in line.split()[:1] if _WORD.fullmatch(word)})
    said = f"-rliE '^[^#]*({'|'.join(names) or 'match'})'"
    return edit_where(said, "/etc/ssh/sshd_config", "/etc/ssh/sshd_config.d", "/etc/default/ssh")


def _line_of(key: KeyFact) -> str:
    """What edits the file of a key, as the account whose it is; and which line of it has that fingerprint."""
    owner = "" if key.user == CERTIFIERS or key.file.startswith(("/etc/", "/root/")) else key.user
    return f"{edit(key.file, owner)} (`ssh-keygen -lf {quoted(key.file)}` has the fingerprints of its lines)"


@invariant(per="host_name", guards="secrets", faults=("store-elsewhere", "store-in-the-open", "store-on-the-internet"))
def test_stores_are_private(host_name: str, estate: Estate, evidence: Evidence) -> None:
    """An open Redis or MongoDB is read by strangers within hours. They listen where the estate says so, by the unit that it
    says, nowhere else, and never on an address of the internet.
    """
    if not estate.stores:
        raise Blind(
            "the estate does not say where its stores are", where=host_name, hint=f"add [stores] to hosts/{estate.name}.toml"
        )
    host = evidence.second.host(host_name)
    sockets, containers = known(host.listeners), by_id(known(host.engines).containers)
    processes = {one.pid: one for one in known(host.processes)}
    if not any(one.pids for one in sockets):
        raise Blind(
            "nobody could be seen to listen", where=host_name, why="not even sshd, by which we came", hint=look_again(estate)
        )
    held = {(holder_of(processes[pid], containers), one.port) for one in sockets for pid in one.pids if pid in processes}
    lost = [one for one in estate.stores if one.host == host_name and (one.unit, one.port) not in held]
    wrong = [
        (
            f"{one.unit} does not listen on port {one.port}, where {one.name} must be",
            f"{why(one.unit)}; `systemctl restart {one.unit}`",
        )
        for one in lost
    ]
    astray = []
    own = {*known(host.addresses), estate.host(host_name).address}
    # How many sockets and addresses there are a host says, and one that has them both open is told by the first of each.
    public = {one: [each for each in _opened(one, own) if is_public(each)][:TOLD] for one in {each.address for each in sockets}}
    for socket in dict.fromkeys(sockets):
        holders = {holder_of(processes[pid], containers) for pid in socket.pids if pid in processes} or {"nobody"}
        for store in (one for one in estate.stores if not one.addresses):
            if socket.port != store.port and store.unit not in holders:
                continue
            place = f"{min(holders)} listens on {socket.address}:{socket.port}"
            at_home = host_name == store.host and holders == {store.unit} and socket.port == store.port
            if not at_home and not is_loopback(socket.address):
                what = f"{place}, where {store.name} must not be: it is {store.unit} on {store.host}"
                mine = (processes[pid] for pid in socket.pids if pid in processes)
                do = stop((one for one in mine if not _is_stores(one, store, host)), host)
                astray.append((what, do or f"{BIND}: {listening(socket.port)}"))
            astray += [
                (
                    f"{place}: {store.name} is open to the internet{f' by {opened}' if opened != socket.address else ''}",
                    f"{BIND}: {listening(socket.port)}",
                )
                for opened in public[socket.address]
            ]
    wrong += astray
    assert not wrong, say_each(host_name, wrong)


def _is_stores(process: ProcessFact, store: Store, host: HostEvidence) -> bool:
    """True for what the unit of a store runs, and for what a container does: neither is stopped for one port more."""
    return bool(process.container) or (process.unit == store.unit and is_started_by_its_unit(host, process))


def _opened(address: str, own: set[str]) -> list[str]:
    """The addresses that a socket answers on: of a wildcard all of the host's that it stands for."""
    if address not in WILDCARDS:
        return [address]
    return sorted(one for one in own if address == "::" or ":" not in one)
