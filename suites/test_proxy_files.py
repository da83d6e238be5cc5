"""Files of nginx and HAProxy: what a team keeps in hosts/proxies is what its proxies read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeVar

from voxgate.errors import Blind
from voxgate.model.advice import quoted
from voxgate.model.counting import counted
from voxgate.model.evidence import known
from voxgate.model.web_servers import HaproxyFact, NginxFact
from voxgate.plugin import invariant, say_each
from voxgate.survey.commands import HAPROXY_RELOADED, NGINX_RELOADED, look_again
from voxgate.survey.serving import NGINX

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from voxgate.model.estate import Estate, Host, Placement
    from voxgate.model.evidence import Missing
    from voxgate.model.kept_file import KeptFile
    from voxgate.model.look import Evidence
    from voxgate.model.web_servers import MadeOfFact

FOLDERS = {"nginx": (NGINX, NGINX_RELOADED), "HAProxy": ("/etc/haproxy", HAPROXY_RELOADED)}
Fact = TypeVar("Fact", bound=NginxFact | HaproxyFact)
MOST = 20  # files that are told one by one
# A file less there is no mistake in the configuration.
OF_PATTERNS = re.compile(r"/(?:conf\.d|(?:sites|modules)-enabled)/[^/]+\Z")


@invariant(
    per="placement",
    services=("console",),
    faults=("nginx-file-more", "nginx-line-changed"),
    threats=("served",),
)
def test_nginx_files_are_the_kept(placement: Placement, estate: Estate, evidence: Evidence) -> None:
    """Where hosts/proxies keeps files of a host's nginx, that reads them below /etc/nginx, byte for byte, and nothing else there
    but what is as its Debian package brought it. Where it keeps none, nothing is expected. Not seen: what of it the running
    nginx has read (nginx-runs-its-config); what is named there and is no configuration, as certificates, passwords, code; what
    is included from another folder.
    """
    host = placement.host
    wrong, unseen = _judged("nginx", evidence.second.host(host.name).nginx, estate, host)
    if unseen and not wrong:
        raise Blind(unseen, where=host.name, hint=look_again(estate))
    assert not wrong, say_each(host.name, [*wrong, (unseen, "")] if unseen else wrong)


@invariant(per="host_name", services=("fleet",), roles=("api",), faults=("haproxy-line-changed",), threats=("served",))
def test_haproxy_files_are_the_kept(host_name: str, estate: Estate, evidence: Evidence) -> None:
    """Where hosts/proxies keeps files of a host's HAProxy, it was told to read them (-f) below /etc/haproxy, byte for byte, and
    nothing else there but what is as its Debian package brought it. Where it keeps none, nothing is expected. Not seen: what of
    it the running HAProxy has read (haproxy-sees-all-workers); files that are named there: lists, maps, certificates, pages of
    errors.
    """
    host = estate.host(host_name)
    wrong, unseen = _judged("HAProxy", evidence.second.host(host_name).haproxy, estate, host)
    if unseen and not wrong:
        raise Blind(unseen, where=host_name, hint=look_again(estate))
    assert not wrong, say_each(host_name, [*wrong, (unseen, "")] if unseen else wrong)


def _judged(name: str, seen: Fact | Missing, estate: Estate, host: Host) -> tuple[list[tuple[str, str]], str]:
    """What of its configuration is not as it is kept, with what to do about it; and what of it is not known, empty where all is.
    Nothing where nothing is kept, whatever else is not known then.
    """
    folder, reloaded = FOLDERS[name]
    kept = estate.kept_files(host, folder)
    if not kept:
        return [], ""
    found = known(seen)
    if not (found.running if isinstance(found, HaproxyFact) else found.masters):
        own = f"hosts/proxies/{estate.name}/HOST/"
        do = f"`systemctl start {name.lower()}`; where a host has none, the files stand in {own} of those that have one"
        return [(f"no {name} runs that would read what hosts/proxies keeps", do)], ""
    rows = [] if found.made_of is None else list(_differing(name, kept, found.made_of, host))
    more = [(f"and {len(rows) - MOST} more", "")] if len(rows) > MOST else []
    return [*((what, f"{do}; {reloaded}") for what, do in rows[:MOST]), *more], _unseen(name, kept, found)


def _unseen(name: str, kept: Mapping[str, KeptFile], found: NginxFact | HaproxyFact) -> str:
    """What of its files is not known; empty where all is."""
    said = found.made_of
    if said is None:
        why = ", ".join(found.doubts) or "its probe is of an earlier voxgate: make probe-update"
        return f"nobody says which files {name} reads ({why})"
    shut = sorted(path for path, digest in said.files.items() if digest == "unreadable" and {*said.paths(path)} & kept.keys())
    if shut:
        return f"{name} reads {', '.join(shut)}, and the probe cannot"
    return f"{name} reads {counted(said.more, 'more file')} than are looked at" if said.more else ""


def _differing(name: str, kept: Mapping[str, KeptFile], said: MadeOfFact, host: Host) -> Iterator[tuple[str, str]]:
    """Each file that is read and is another than the kept one, or is kept by nobody, and each kept one that is not read; with
    what to do about it.
    """
    first = next(iter(kept.values()))
    folder = "/".join(first.path.split("/")[:3])
    root = first.place.removesuffix(first.path.removeprefix("/etc/"))
    read: set[str] = set()
    vouched = frozenset(said.vouched)
    for path, digest in said.files.items():
        names = [one for one in said.paths(path) if one in kept]
        read.update(names)
        for one in (kept[known_as] for known_as in names if digest != "unreadable"):
            if not one.may_be(digest):
                yield f"{path} is not the one in {one.place}", _brought(one, host)
        if not names and path.startswith(f"{folder}/") and path not in vouched:
            yield (
                f"{name} reads {path}, which hosts/proxies does not keep",
                _kept_or_gone(path, f"{root}{path.removeprefix('/etc/')}", host),
            )
    if said.more:
        return
    for one in (kept[path] for path in kept if path not in read):
        do = f"{_brought(one, host)}; what nothing includes is not read: include it, or keep it no more"
        yield f"{name} does not read {one.path}, which is kept in {one.place}", do


def _kept_or_gone(path: str, place: str, host: Host) -> str:
    """What to do about a file that nobody keeps: what others include by its name is not simply removed."""
    taken = f"mkdir -p {quoted(place.rpartition('/')[0])} && {_taken(path, place, host)}"
    if OF_PATTERNS.search(path):
        return f"`rm {quoted(path)}`; if it stays, on the gate: `{taken}` and commit it"
    return f"read it: `cat {quoted(path)}`; take out what includes it, or, if it stays, on the gate: `{taken}` and commit it"


def _brought(one: KeptFile, host: Host) -> str:
    """How to see what differs, and how a host gets a kept file, or the repository the host's."""
    at, path, place = f"ssh YOU@{host.address}", quoted(one.path), quoted(one.place)
    see = f"{at} {quoted(f'sudo cat {path}')} | diff {place} -"
    bring = f"{at} {quoted(f'sudo tee {path}')} <{place} >/dev/null"
    taken = _taken(one.path, one.place, host)
    stays = f"if it stays, on the gate: `{taken}` and commit it"
    return f"on the gate: `{see}` says what differs, `{bring}` puts the kept one there; {stays}"


def _taken(path: str, place: str, host: Host) -> str:
    """How the repository gets what a host has."""
    return f"ssh YOU@{host.address} {quoted(f'sudo cat {quoted(path)}')} >{quoted(place)}"
