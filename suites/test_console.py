"""Console: what nginx serves is the build of the release, byte for byte."""

from __future__ import annotations

import hashlib
import posixpath
import re
from typing import TYPE_CHECKING

from voxgate.errors import Blind
from voxgate.model.advice import quoted
from voxgate.model.counting import counted
from voxgate.model.digits import natural_in
from voxgate.model.entry import Entry
from voxgate.model.evidence import known
from voxgate.model.service import Role
from voxgate.plugin import invariant, say_all, say_each
from voxgate.survey.commands import (
    NGINX_RELOADED,
    NGINX_RESTARTED,
    deploy_again,
    deploy_first,
    edit,
    edit_where,
    end_liars,
    stop,
    why,
)
from voxgate.survey.keeping import unpacked
from voxgate.survey.sending import ELSEWHERE, seen_as, sent_on
from voxgate.survey.sites import HIDDEN, MAPPED, STATUS, entrance_of, leading_ways, named_sites, page_ways, site_path, site_ways

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from voxgate.model.answers import Answer
    from voxgate.model.estate import Estate, Placement
    from voxgate.model.evidence import DistFact, ProcessFact
    from voxgate.model.look import Evidence
    from voxgate.model.service import Endpoint
    from voxgate.survey.sites import Entrance, Named, Way

OK = 200
TYPES = {
    ".html": ("text/html",),
    ".js": ("text/javascript", "application/javascript"),
    ".css": ("text/css",),
    ".svg": ("image/svg+xml",),
    ".json": ("application/json",),
    ".png": ("image/png",),
    ".ico": ("image/x-icon", "image/vnd.microsoft.icon"),
    ".woff2": ("font/woff2",),
    ".txt": ("text/plain",),
}
PEOPLES = ("/home/", "/root/", "/tmp/", "/var/tmp/", "/dev/")  # noqa: S108 - found there, not used
PROGRAMS = ("/usr/", "/opt/", "/bin/", "/sbin/", "/lib/", "/lib64/", "/snap/", "/nix/")
CLOCK_TICK = 0.05  # seconds: a process's start is known by the kernel's ticks
# /.well-known/ is there to be seen (RFC 8615).
EXPOSED = re.compile(
    r"(^|/)(\.(?!well-known/)|package(-lock)?\.json$|vite\.config)|\.(map|sha256|env|key|pem|bak|orig|swp)$|~$|\.sql"
)
HASHED = re.compile(r"^assets/.+[-.][A-Za-z0-9_-]{8,}\.[a-z0-9]+$")
PACKAGED = ("/usr/share/nginx",)  # the pages that nginx's own package brings, for errors
CAPTURED = re.compile(r"\$(?:[1-9]|uri)(?![A-Za-z0-9_])|\$\{(?:[1-9]|uri)\}")  # decoded and normalised by nginx: no way up
MONTH = 30 * 24 * 3600


def dist_of(placement: Placement, evidence: Evidence) -> DistFact:
    """What stands in dist/."""
    return known(evidence.second.host(placement.host.name).dists[placement.service.name])


@invariant(
    per="placement",
    guards="releases",
    services=("console",),
    faults=(
        "console-asset-truncated",
        "console-old-root",
        "console-other-name",
        "console-seen-by-the-gate-only",
        "console-elsewhere-by-https",
    ),
    severity="blocker",
    threats=("served",),
)
def test_nginx_serves_exactly_dist(placement: Placement, estate: Estate, evidence: Evidence) -> None:
    """Under a single-page fallback every wrong path is 200 and HTML, so a status proves nothing: each file of the build is
    compared by bytes and type, over IPv4 and IPv6, by loopback and by the host's own addresses, plain and compressed, from the
    host itself and from another, and / is index.html, by whichever name it is asked for. Where the estate says what people type
    (url in [console]), it is asked as they ask: on that port, by that name, by TLS.
    """
    found = dist_of(placement, evidence)
    where, site, entrance = placement.host.name, placement.service.site, entrance_of(estate, placement)
    assert site is not None and entrance is not None
    host = evidence.second.host(where)
    known(host.addresses)
    known(host.nginx)
    if entrance.outside is None:
        hint = f'[console] seen_from = "..." in hosts/{estate.name}.toml'
        raise Blind("the estate does not say from where people see the console", where=where, hint=hint)
    if entrance.front is not None:
        known(host.listeners)
    index = found.files.get("index.html")
    wrong: dict[tuple[str, str, str], list[Way]] = {}
    others: dict[str, Entry] = {}
    right: dict[str, Answer] = {}
    elsewhere: set[str] = set()
    said: list[Answer] = []
    for path, (_, sha256) in {**({"": index} if index else {}), **found.files}.items():
        for way in site_ways(host, entrance):
            answer = evidence.second.answer(way.question(site, path))
            for what, do in _wrong_file(answer, path, sha256):
                wrong.setdefault((path, what, do), []).append(way)
                said.append(answer)
    for way in page_ways(host, entrance) if index else ():
        named = named_sites(host, way.port, entrance).get(dict(way.headers).get("Host", ""))
        answer = evidence.second.answer(way.question(site, ""))
        right.update({named.written: answer} if named else {})
        for what, do in _wrong_page(answer, index[1] if index else "", named, entrance):
            wrong.setdefault(("", what, do), []).append(way)
            if named is None:
                said.append(answer)
            else:
                others[named.written] = Entry(("console", "others"), (named.written.lower(),), "another page")
                elsewhere.add(_served(answer))
    rows = [(f"GET :{ways[0].port}/{path} ({_by(ways)}) {what}", do) for (path, what, do), ways in wrong.items()]
    rows += [] if index else [(f"{placement.service.folder}/dist has no index.html", "deploy the release again")]
    # Who asks by no name may get a site that is another's, by its name too.
    nobody = [one for one in said if one.trouble or one.status != OK or _served(one) not in elsewhere]
    url = sent_on(said, estate) or seen_as(nobody, {one: right[one] for one in right.keys() - others}, estate)
    # Entries are offered where they are all that there is to it: beside another finding they would hide that.
    assert not rows, _told(where, rows, estate, (*url, *others.values()) if url or not said else ())


NGINX = "/etc/nginx"
OTHER_SERVER = (
    f"nginx has a server of its own for that name or address: {edit_where('-rlw server_name', NGINX)}, then {NGINX_RELOADED}"
)
MOST = 20  # findings of one rule that are told one by one: a wrong folder has as many as it has files


def _told(where: str, rows: Sequence[tuple[str, str]], estate: Estate, entries: Iterable[Entry]) -> str:
    """All that was found, what to do about each, and what the estate may say instead."""
    found = [what for what, _ in rows]
    found = [*found[:MOST], *([f"and {len(found) - MOST} more"] if len(found) > MOST else [])]
    return say_all(where, found, "; ".join(dict.fromkeys(do for _, do in rows)), estate=estate.name, entries=entries)


def _by(ways: Sequence[Way]) -> str:
    """The first of the ways in which it is so, and how many more there are."""
    return f"{ways[0]}" + (f", and {counted(len(ways) - 1, 'more way')}" if len(ways) > 1 else "")


def _served(answer: Answer) -> str:
    """The sha256 of what a browser sees."""
    return answer.digest or hashlib.sha256(unpacked(answer)).hexdigest()


def _wrong_file(answer: Answer, path: str, sha256: str) -> Iterator[tuple[str, str]]:
    """What is wrong with one answer to the question for a file, and what to do about it."""
    if answer.trouble:
        yield f"gave no answer: {answer.trouble}", "`systemctl status --no-pager nginx`; a firewall? `iptables -L -n`"
        return
    if answer.status != OK:
        look = edit_where("-rlwE 'root|allow|deny'", NGINX)
        yield f"answers {answer.status}", f"is its root dist/, and may everybody ask for it? {look}, then {NGINX_RELOADED}"
        return
    served = _served(answer)
    if served != sha256:
        yield (
            f"is not the file in dist/: {len(unpacked(answer))} bytes with sha256 {served[:12]}, not {sha256[:12]}",
            f"nginx serves another folder, or an old file: {edit_where('-rlw root', NGINX)}, then {NGINX_RELOADED}",
        )
        return
    suffix = "." + (path or "index.html").rpartition(".")[2]
    kind = answer.headers.get("content-type", "").split(";")[0].strip().lower()
    if suffix in TYPES and kind not in TYPES[suffix]:
        look = edit_where("-rlw types", NGINX)
        yield f"has type {kind or 'none'}", f"nginx must serve {suffix} as {TYPES[suffix][0]}: {look}, then {NGINX_RELOADED}"


def _wrong_page(answer: Answer, index: str, named: Named | None, entrance: Entrance) -> Iterator[tuple[str, str]]:
    """What is wrong with the page that is seen by another name, or another address of the host."""
    has_files = named is None or named.serves
    if answer.trouble and (has_files or entrance.front is None):
        yield f"gave no answer: {answer.trouble}", "`systemctl status --no-pager nginx`; a firewall? `iptables -L -n`"
    elif answer.status in ELSEWHERE and answer.headers.get("location", "").startswith("https://"):
        return  # the same page, but for the lock in the address
    elif (answer.status == OK or has_files) and (answer.status, _served(answer)) != (OK, index):
        name = f" as {named.written}" if named else ""
        yield f"answers{name} {answer.status} and {len(unpacked(answer))} bytes that are not dist/index.html", OTHER_SERVER


@invariant(
    per="placement",
    guards="releases",
    services=("console",),
    faults=("console-dist-edited", "console-manifest-edited", "console-old-build"),
    severity="blocker",
    threats=("times",),
)
def test_dist_is_this_build(placement: Placement, estate: Estate, evidence: Evidence) -> None:
    """dist/ points to the build of the release's commit, and no file of it was changed, added or lost since it was built. Its
    manifest lies beside it, and who can write the one can write the other: so neither was touched since it was published.
    """
    found = dist_of(placement, evidence)
    where = f"{placement.host.name}: {placement.service.folder}/dist"
    release = evidence.remote(placement.service.name).release
    wrong, again = [], f"nobody edits a build: {deploy_again(placement.service, estate, evidence)}"
    if release is None:
        wrong.append(("no release of the console ever passed the gate", deploy_first(estate)))
    elif found.target != f"builds/{release.commit}":
        wrong.append((f"points to {found.target or 'nothing'}, not to the build of {release} ({release.commit[:12]})", again))
    if found.built is None:
        wrong.append(("has no manifest of its build", again))
    now = {path: sha256 for path, (_, sha256) in found.files.items()}
    changed = sorted({path for path, _ in now.items() ^ dict(found.built).items()}) if found.built is not None else []
    wrong += [(f"{path} is not as it was built", again) for path in changed[:MOST]]
    wrong += [(f"{len(changed)} such files", again)] if len(changed) > 1 else []
    late = found.changed - found.published
    if late > 0:
        wrong.append((f"a file of the build, or its manifest, was changed {late:.1f} s after it was published", again))
    assert not wrong, say_each(where, wrong)


@invariant(
    per="host_name",
    services=("console",),
    faults=("console-node-runs", "console-node-renamed", "console-node-installed"),
)
def test_no_node_runs(host_name: str, estate: Estate, evidence: Evidence) -> None:
    """The console is static files. A node process is a development server, or somebody's experiment, on a live host, under
    whatever name its program lies in whatever folder; so is, where the console is served, a program that lies in somebody's
    home or in a folder for passing things.
    """
    engines = set(known(evidence.second.host(host_name).javascript))
    host = estate.host(host_name)
    is_served, allowed = Role.API in host.roles, estate.foreign_programs(host)
    said: list[str] = []
    strays: list[ProcessFact] = []
    entries: list[Entry] = []
    seen = evidence.second.host(host_name)
    for one in known(seen.processes):
        program = (one.exe or "").removesuffix(" (deleted)")
        by = f"process {one.pid} of {one.user}"
        if one.pid in engines or _is_node(one.command) or _is_node(program.rpartition("/")[2]):
            # Off the hosts that serve the console it may be for something else; there it never is.
            if not is_served and (one.unit in allowed or program in allowed):
                continue
            said.append(f"{by} is node: {' '.join(one.argv)[:200]}")
            name = one.unit if one.unit.endswith(".service") and not one.container else ""
        elif is_served and program and not one.container and not program.startswith(PROGRAMS) and program not in allowed:
            said.append(f"{by} is a program of its own: {one.exe}")
            name = program if program.startswith("/") and not program.startswith(PEOPLES) else ""
        else:
            continue
        strays.append(one)
        if name and not (is_served and name == one.unit):
            about = by if name == program else said[-1]  # the entry itself has the program
            entries.append(Entry(("programs", host_name), (name,), about))
    assert not said, say_all(
        host_name,
        said,
        f"{stop(strays, seen)}; the console needs no server but nginx, and what an API host runs lies in /usr or /opt",
        estate=estate.name,
        entries=entries,
    )


def _is_node(name: str) -> bool:
    """True for a program that is Node.js by its file's name, or one of the servers built with it."""
    return name.removesuffix(" (deleted)") in {"node", "nodejs", "node.exe", "bun", "deno"}


@invariant(per="placement", services=("console",), faults=("nginx-config-broken", "nginx-not-reloaded", "nginx-called-so"))
def test_nginx_runs_its_config(placement: Placement, evidence: Evidence) -> None:
    """After a failed reload nginx goes on with the old configuration, is active, and does not come back from the next
    restart. What is on disk must be valid, and what runs must have been started from it.
    """
    where = placement.host.name
    found = known(evidence.second.host(where).nginx)
    loose = "where others can change a file, chown root and chmod go-w"
    wrong = [(doubt, f"{end_liars(found.doubts, loose)}; {NGINX_RESTARTED}") for doubt in found.doubts]
    if len(found.masters) != 1:
        wrong.append(
            (
                f"{len(found.masters)} nginx run here, not one",
                f"`systemctl status --no-pager nginx`; {NGINX_RESTARTED}",
            )
        )
    if found.status != 0:
        flaws = f" at {found.flaws}" if found.flaws else ""
        place = found.flaws.rpartition(":")[0]
        mend = f"mend it: {edit(place)}" if place.startswith("/etc/nginx/") and ".." not in place else "mend it"
        wrong.append((f"nginx -t refuses the configuration{flaws}", f"`nginx -t` says why; {mend}; then {NGINX_RELOADED}"))
    for master in found.masters:
        words = master.split()
        told = {words[at + 1] for at, word in enumerate(words[:-1]) if word == "-c"}
        if any(word.startswith(("-p", "-c")) and word != "-c" for word in words) or not told <= {found.config}:
            wrong.append((f"nginx runs another configuration than {found.config}: {master}", NGINX_RESTARTED))
    if not found.workers:
        wrong.append(("nginx has no worker", f"{why('nginx')}; {NGINX_RESTARTED}"))
    old = found.changed - min(found.workers, default=found.changed)
    if old >= CLOCK_TICK:
        what = f"nginx's workers are {old:.1f} s older than its configuration: they serve another one"
        wrong.append((what, NGINX_RELOADED))
    assert not wrong, say_each(where, wrong)


@invariant(
    per="placement",
    guards="secrets",
    services=("console",),
    faults=("console-env-exposed", "console-cached-index"),
    threats=("served",),
)
def test_console_exposes_nothing(placement: Placement, estate: Estate, evidence: Evidence) -> None:
    """A .env, a .git, a source map or a listing on a web server is found by strangers within hours. An index that browsers
    keep holds people on the old release; an asset that they may not keep makes each page slow.
    """
    found = dist_of(placement, evidence)
    where, site, entrance = placement.host.name, placement.service.site, entrance_of(estate, placement)
    assert site is not None and entrance is not None
    dist, way = f"{placement.service.folder}/dist", entrance.main
    wrong = [
        (f"{dist} holds {path}", "take it out of the build, in its repository, and make a release of that")
        for path in sorted(found.files)
        if EXPOSED.search(path)
    ]
    public = (dist, *PACKAGED, *placement.service.web_roots, *estate.web_roots)
    roots = [root for root in known(evidence.second.host(where).nginx).roots if not _is_public(root, public)]
    wrong += [
        (
            f"nginx is told to serve {root}, which is not {dist}",
            f"take it out: {edit_where(f'-rlF -- {quoted(root)}', NGINX)}, then {NGINX_RELOADED}",
        )
        for root in roots
    ]
    entries = [Entry(("console", "web_roots"), (root,)) for root in roots if _is_path(root)]
    index = evidence.second.answer(way.question(site, ""))
    if not wrong and (index.trouble or index.status != OK):
        why, lines = index.trouble or f"{index.status}", [entry.line for entry in sent_on([index], estate)]
        hint = f"add to [console] in hosts/{estate.name}.toml: {lines[0]}" if lines else ""
        raise Blind("nginx serves nothing that it could be judged by", where=where, why=why, hint=hint)
    page = found.files["index.html"][1] if "index.html" in found.files else ""
    maps = tuple(site_path(site, f"{path}.map") for path in found.files if path.endswith(MAPPED))
    asked = [(way, path) for path in (*HIDDEN, *maps)]
    if entrance.front is not None:
        known(evidence.second.host(where).listeners)
        asked += [(other, path) for other in leading_ways(evidence.second.host(where), entrance) for path in HIDDEN]
    for one, path in asked:
        answer = evidence.second.answer(one.asked(path))
        if answer.trouble and one == way and not wrong:
            raise Blind("nginx gave no answer", where=f"{where} GET :{one.port}{path}", why=answer.trouble)
        if _is_another(answer, page) and path in STATUS:
            answer = evidence.second.answer(entrance.public.asked(path))
        if _is_another(answer, page):
            what = f"GET :{one.port}{path} is answered with {answer.status} and something that is not the page"
            wrong.append(
                (
                    what,
                    f"{_in_site(dist, 'deny it')}; and change whatever secret stood there",
                )
            )
    if index.status == OK and not index.trouble:
        wrong += [(f"GET :{way.port}/{path} {what}", do) for path, what, do in _kept(found, site, way, evidence, dist)]
    assert not wrong, _told(where, wrong, estate, entries if len(entries) == len(wrong) else ())


def _is_another(answer: Answer, page: str) -> bool:
    """True for an answer that is given, and is not the page with this sha256."""
    return answer.status // 100 == OK // 100 and (answer.digest or hashlib.sha256(unpacked(answer)).hexdigest()) != page


def _kept(found: DistFact, site: Endpoint, way: Way, evidence: Evidence, dist: str) -> Iterator[tuple[str, str, str]]:
    """Each file that browsers keep and may not, or may not keep and should: its path, what is so, what to do."""
    for path in ("", "index.html"):
        said = _caching(evidence.second.answer(way.question(site, path)))
        if not said & {"no-cache", "no-store", "max-age=0"}:
            what = f"may be kept by browsers: Cache-Control {', '.join(sorted(said)) or 'is not there'}"
            yield (
                path,
                what,
                _in_site(dist, 'add_header Cache-Control "no-cache" for index.html'),
            )
    for path in sorted(found.files):
        if HASHED.search(path):
            said = _caching(evidence.second.answer(way.question(site, path)))
            if "immutable" not in said or not any(_long(word) for word in said):
                what = f"may not be kept: Cache-Control {', '.join(sorted(said)) or 'is not there'}"
                yield (
                    path,
                    what,
                    _in_site(dist, 'add_header Cache-Control "public, max-age=31536000, immutable" for /assets/'),
                )


def _in_site(dist: str, what: str) -> str:
    """What to change where nginx is told to serve the build."""
    return f"{what}: {edit_where(f'-rlF -- {quoted(dist)}', NGINX)}, then {NGINX_RELOADED}"


def _is_path(root: str) -> bool:
    """True for a folder that an estate may name: one and the same for whoever asks."""
    return (
        root.startswith("/")
        and root.strip("/") != ""
        and not set("$ \t") & set(root)
        and posixpath.normpath(root) == root.rstrip("/")
    )


def _caching(answer: Answer) -> set[str]:
    """The words of Cache-Control."""
    return {word.strip().lower() for word in answer.headers.get("cache-control", "").split(",")} - {""}


def _long(word: str) -> bool:
    """True for a max-age of a month and more."""
    key, _, seconds = word.partition("=")
    return key == "max-age" and (natural_in(seconds) or 0) >= MONTH


def _is_public(root: str, public: tuple[str, ...]) -> bool:
    """True for a folder or file that is, or lies in, one that may be on the web, whatever a visitor asks for."""
    path = posixpath.normpath(CAPTURED.sub("x", root))
    return "$" not in path and any(path == one or path.startswith(f"{one}/") for one in public)
