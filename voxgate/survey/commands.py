"""The commands that hints have typed, by what they are for. Of what a host says only numbers and quoted words come into one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from voxgate.errors import Blind
from voxgate.model.advice import quoted
from voxgate.model.evidence import EnvFileFact, HostEvidence, Missing
from voxgate.survey.findings import is_anybodys, is_started_by_its_unit

if TYPE_CHECKING:
    from collections.abc import Iterable

    from voxgate.model.estate import Estate, Host, Placement
    from voxgate.model.evidence import ProcessFact
    from voxgate.model.look import Evidence
    from voxgate.model.service import Service

RELOADED = "systemctl daemon-reload"
_OF_SYSTEMD = ("/etc/systemd/system/", "/run/systemd/system/", "/usr/lib/systemd/system/", "/usr/local/lib/systemd/system/")
_CALLS_ITSELF = re.compile(
    r"process ([0-9]{1,10}) of \S+ calls itself [\w-]+, and (?:runs as|is in|is not what its unit started)"
)
_RUNS_APART = re.compile(r".* \(pid ([0-9]{1,10})\) has a PID namespace of its own", re.DOTALL)
OF_ROOT = frozenset({"", "/opt", "/srv", "/root", "/usr/src", "/usr/local", "/usr/local/src", "/var/www"})
"""Folders in which nobody but root puts anything."""
_OF_DISTRIBUTIONS = ("/usr/bin/", "/usr/sbin/", "/usr/lib/", "/usr/libexec/")
_AS_IT_IS, _ESCAPED = re.compile(r"([*?\[\\])"), r"\\\1"  # what find would take for a pattern
NGINX_RELOADED = "`nginx -t && systemctl reload nginx`"
HAPROXY_RELOADED = "`haproxy -c -f /etc/haproxy/haproxy.cfg && systemctl reload haproxy`"
NGINX_RESTARTED = "`nginx -t && systemctl restart nginx`"


def deploy_first(estate: Estate) -> str:
    """All services, where none of them ever passed: one alone would find the others missing."""
    return f"`make gate ESTATE={quoted(estate.name)}`"


def deploy_again(service: Service, estate: Estate, evidence: Evidence) -> str:
    """The very release that must be there, once more: without its tag the newest one would be deployed, by whoever is awake."""
    try:
        release = evidence.remote(service.name).release
    except Blind:
        release = None
    tag = f" TAG={quoted(release.tag)}" if release is not None and release.tag else ""
    return f"`make gate ESTATE={quoted(estate.name)} SERVICE={service.name}{tag}`"


def releases_of(estate: Estate) -> str:
    """Which may be deployed."""
    return f"`make releases ESTATE={quoted(estate.name)}` lists what may be deployed"


def enrol(host: Host, estate: Estate) -> str:
    """Put the unit files and rights of a host there, as they must be."""
    return f"`uv run voxgate enrol {host.name} --estate {quoted(estate.name)} | ssh YOU@{host.address} sudo bash`"


def stop(processes: Iterable[ProcessFact], host: HostEvidence) -> str:
    """Stop strangers: by their unit what has one of its own, anything else by its number. No unit goes that does things for
    others, as cron and sshd do, nor one that the gate knows and that did not start the stranger.
    """
    its = {} if isinstance(host.units, Missing) else host.units
    units: set[str] = set()
    pids: list[int] = []
    for one in processes:
        its_own = one.unit.endswith(".service") and not one.container and not is_anybodys(one.unit)
        if its_own and (one.unit not in its or is_started_by_its_unit(host, one)):
            units.add(one.unit)
        else:
            pids.append(one.pid)
    return "; ".join(filter(None, (no_more(units) if units else "", end(pids) if pids else "")))


def why(*units: str) -> str:
    """What units said last."""
    return f"`journalctl -n 50 --no-pager {' '.join(f'-u {quoted(unit)}' for unit in units)}` says why"


def look_again(estate: Estate) -> str:
    """A look that something came into: the next one sees it."""
    return f"it may have changed meanwhile; look again: `make verify ESTATE={quoted(estate.name)}`"


def restart(*units: str) -> str:
    """Restart them."""
    return f"`systemctl restart {quoted(*units)}`"


def loaded_anew(*units: str) -> str:
    """Have systemd read its files again, and start by them."""
    return f"`{RELOADED}; systemctl restart {quoted(*units)}`"


def listening(port: int) -> str:
    """Who listens on a port, and whether the kernel leads it elsewhere."""
    return f"`ss -ltnp 'sport = :{port}'` says who listens there, `iptables -t nat -S` who leads it elsewhere"


def no_more(units: Iterable[str], files: Iterable[str] = ()) -> str:
    """Stop units that nobody needs, for good; with their files, where all of these lie in systemd's own folders, which are
    root's.
    """
    stopped, gone = sorted(set(units)), sorted(set(files))
    parts = [f"systemctl disable --now {quoted(*stopped)}"] if stopped else []
    if gone and all(map(is_of_systemd, gone)):
        parts += [f"rm {quoted(*gone)}", RELOADED]
    return f"`{'; '.join(parts)}`" if parts else ""


def is_of_systemd(path: str) -> bool:
    """True for a file in one of the folders that systemd has for root's units."""
    return path.startswith(_OF_SYSTEMD) and ".." not in path.split("/")


def end(pids: Iterable[int]) -> str:
    """End processes."""
    return f"`kill {' '.join(map(str, sorted(set(pids))))}`"


def end_liars(doubts: Iterable[str], but: str = "") -> str:
    """End what calls itself what it is not, and what runs apart: only the probe's own words say by which number. ``but`` is what
    is to do about the other doubts.
    """
    told = tuple(doubts)
    liars = [int(found[1]) for one in told if (found := _CALLS_ITSELF.match(one))]
    apart = [int(found[1]) for one in told if (found := _RUNS_APART.fullmatch(one))]
    do = [end(liars)] if liars else []
    do += [end(apart).replace("kill", "kill -KILL")] if apart else []  # the first of a PID namespace heeds no other signal
    return "; ".join([*do, but] if but and len(liars) + len(apart) < len(told) else do)


def edit(path: str, owner: str | None = None) -> str:
    """Change a file by hand, as the account that it belongs to: root would follow what that account put in its place."""
    return f"`sudoedit {f'-u {quoted(owner)} ' if owner else ''}{quoted(path)}`"


def edit_settings(service: Service, name: str, host: HostEvidence | Missing | None) -> str:
    """Change a file of a service's settings by hand: as root where it is root's, else as the service's account."""
    files = host.env_files if isinstance(host, HostEvidence) else {}
    fact = files.get(f"{service.name}{name.removeprefix('.env').replace('.', '@', 1)}")
    return edit(f"{service.folder}/{name}", None if isinstance(fact, EnvFileFact) and fact.owner == "root" else service.user)


def edit_where(said: str, *places: str) -> str:
    """Change each file of root's own folders that says something: ``said`` is the end of grep's words, before the places."""
    return f"`sudoedit $(grep {said} {' '.join(places)})`"


def remove_whole(placement: Placement, name: str) -> str:
    """Take a folder out of a service's: by root where no other account has a say in the way there, as somebody's ``sudo pip
    install`` leaves in it what only root can take away.
    """
    words = ("rm", "-rf", "--one-file-system", f"{placement.service.folder}/{name}")
    return f"`{quoted(*words)}`" if placement.service.folder.rpartition("/")[0] in OF_ROOT else as_owner(placement, *words)


def given_to_root(path: str) -> str:
    """Make a program root's, by which the kernel takes its bits and its capabilities away. Others may have put a link on the way
    to it meanwhile, or in its place: it is looked for from a folder of root's, by no link, and changed where it was found.
    """
    if path.count("/") == 1 or path.startswith(_OF_DISTRIBUTIONS):
        return f"`chown -h root {quoted(path)}`"
    return f"`{_found_by_no_link(path)} -execdir chown -h root {{}} ';'`"


def made_owners(placement: Placement, paths: Iterable[str]) -> str:
    """Let nobody but root and the account that deploys change what lies in a service's folder, by whole paths. Who could change
    it until now, or that account, may have put a link on the way there meanwhile: root gives only what find comes to by no link,
    and what then is that account's own it closes itself. A file that not all may read (a service's settings) it may have moved
    there, to be given it.
    """
    folder, owner, files = placement.service.folder, placement.service.owner, list(paths)
    where = " -o ".join(f"-path {quoted(_AS_IT_IS.sub(_ESCAPED, one))}" for one in files)
    plain = "\\( -type d -o -perm -004 \\)"
    given = f"`find {quoted(folder)} -xdev \\( {where} \\) ! -type l {plain} -execdir chown -h {quoted(owner)} {{}} ';'`"
    return f"{given}; `sudo -u {quoted(owner)} chmod go-w {quoted(*files)}`"


def given_to(account: str, path: str) -> str:
    """Give a file in a service's folder to an account: by no link, where others than root may put that there."""
    if path.rsplit("/", 2)[0] in OF_ROOT:
        return f"`chown -h {quoted(account, path)}`"
    return f"`{_found_by_no_link(path)} -execdir chown -h {quoted(account)} {{}} ';'`"


def closed_to_others(paths: Iterable[str]) -> str:
    """Let nobody but its owner read each of these files. Whose folder one lies in may put a link on the way to it, or in its
    place: it is looked for from a folder of root's, and opened, by no link.
    """
    code = "import os, sys; at = os.open(sys.argv[1], os.O_NOFOLLOW | os.O_NONBLOCK); os.fchmod(at, os.fstat(at).st_mode & 0o700)"
    return "; ".join(f"`{_found_by_no_link(one)} -execdir python3 -ISc {quoted(code)} {{}} ';'`" for one in paths)


def unmounted(path: str) -> str:
    """Take away what is mounted at a path that an account has chosen. Of the folders on the way that account may make links until
    then, and where something is mounted it may have nothing by then: so neither is followed, as umount would.
    """
    folder, _, name = path.rpartition("/")
    if folder in OF_ROOT:
        return f"`umount {quoted(path)}`"
    code = (
        "import ctypes, os, sys; os.fchdir(os.open(sys.argv[1], os.O_NOFOLLOW | os.O_DIRECTORY)); "
        "sys.exit(ctypes.CDLL(None).umount2(os.fsencode(sys.argv[2]), 8))"
    )
    return f"`{_found_by_no_link(folder, 'd')} -execdir python3 -ISc {quoted(code)} {{}} {quoted(name)} ';'`"


def let_through(folder: str) -> str:
    """Let every account go through a folder that others than root may have put there, and swap: found and opened by no link."""
    if folder.rpartition("/")[0] in OF_ROOT:
        return f"`sudo chmod o+x {quoted(folder)}`"
    flags = "os.O_NOFOLLOW | os.O_DIRECTORY"
    code = f"import os, sys; at = os.open(sys.argv[1], {flags}); os.fchmod(at, os.fstat(at).st_mode & 0o7777 | 1)"
    return f"`sudo {_found_by_no_link(folder, 'd')} -execdir python3 -ISc {quoted(code)} {{}} ';'`"


def _found_by_no_link(path: str, kind: str = "f") -> str:
    """What finds one file, or folder (``d``), from the uppermost folder on its way, which is root's, a link too."""
    parts = path.split("/")
    way = [quoted(_AS_IT_IS.sub(_ESCAPED, "/".join(parts[:count]))) for count in range(2, len(parts) + 1)]
    only = " -o ".join(f"-path {one}" for one in way[:-1])
    only = f"\\( {only} -o -prune \\) " if only else ""
    return f"find -H {quoted('/' + parts[1])} {only}-path {way[-1]} -type {kind}"


def remove_files(placement: Placement, paths: Iterable[str]) -> str:
    """Take files out of a service's folder, by their paths in it. Root made some of them, as what is run by sudo leaves byte code
    in folders of root's; so root removes them, by find, which follows no link on the way.
    """
    folder = placement.service.folder
    files = [f"{folder}/{path}" for path in paths]
    if folder.rpartition("/")[0] not in OF_ROOT:
        return as_owner(placement, "rm", "--", *files)
    gone = " -o ".join(f"-path {quoted(_AS_IT_IS.sub(_ESCAPED, file))} -delete" for file in files)
    return f"`find -H {quoted(folder)} -xdev {gone}`"


def as_owner(placement: Placement, *words: str) -> str:
    """What is done in a service's folder, by the account that it belongs to: root would follow the links of that account's."""
    return f"`sudo -u {placement.host.user or 'ACCOUNT'} {quoted(*words)}`"
