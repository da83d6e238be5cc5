"""What the rules about the hosts say at the edge of what is in order: doors, files, clocks, accounts, what else runs there.

The words are compared in docs/MESSAGES.md, whole.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from voxgate.model.estate import Listener
from voxgate.model.evidence import Missing, ProcessFact, SocketFact, known
from voxgate.model.kept_file import KeptFile
from voxgate.model.look import Evidence, Look
from voxgate.model.surroundings import SecretFileFact
from voxgate.model.web_servers import MadeOfFact, RouteFact, SiteFact

from .conftest import Case
from .test_at_the_edge import held, not_seen
from .test_each_message import API, DATA, FLEET, SIP, of_estate, services
from .test_judging import ANY, OTHER, WORKER, main_pid, process, starter, with_listener, with_process
from .test_judging import moved as moved_to

LOST = Missing("failed", "nobody knows")
ROUND = 1_800_000_000.0
DOORS, CLOCK, NODE, STORES = "only-expected-listeners", "clock-is-right", "no-node-runs", "stores-are-private"
BUILD, RUNS, ROUTES, SECRETS = (
    "dist-is-this-build",
    "nginx-runs-its-config",
    "console-routes-are-known",
    "secret-files-are-roots-alone",
)
NGINX, HAPROXY = "nginx-files-are-the-kept", "haproxy-files-are-the-kept"
FIRST, LAST = 32768, 60999  # ports that the kernel picks for clients in the lab


def clocks(case: Case, ahead: float = 0.0, late: float = 0.0) -> Case:
    """Every host says a round time at once, in both looks; one of them another, and it began to look so late."""

    def at(look: Look) -> Look:
        exact: dict[str, Any] = {"time": ROUND, "took": 0.0, "answered": ROUND, "asked": ROUND}
        hosts = {name: replace(look.host(name), **exact) for name in look.hosts}
        hosts[FLEET] = replace(look.host(FLEET), **exact | {"time": ROUND + ahead, "asked": ROUND - late})
        return replace(look, hosts=hosts)

    both = Evidence(at(case.evidence.first), at(case.evidence.second), case.evidence.remotes)
    return replace(case, evidence=replace(case.evidence, first=both.first, second=both.second))


def hosts_of(case: Case, *names: str) -> Case:
    """An estate of these hosts alone."""
    return of_estate(case, hosts=tuple(one for one in case.estate.hosts if one.name in names))


def runs(case: Case, host: str, *rows: Mapping[str, Any]) -> Case:
    """Programs more that nobody knows."""
    like = process(case, FLEET, WORKER, unit="x.service", command="x", argv=("x",), exe="/usr/bin/x", container="", runs=())
    more = [replace(like, pid=4000 + number, **row) for number, row in enumerate(rows)]
    return case.host(host, processes=(*known(case.of(host).processes), *more))


def may_run(case: Case, *names: str) -> Case:
    """The estate lets these run everywhere."""
    return of_estate(case, programs={"all": names})


def built(case: Case, *paths: str, late: float = 0.0) -> Case:
    """These files of the build were changed; it was touched so long after it was published."""
    fact = known(case.of(API).dists["console"])
    files = {**fact.files, **dict.fromkeys(paths, (1, "0" * 64))}
    return case.of_service(API, "dists", "console", files=files, published=1000.0, changed=1000.0 + late)


def by_hand(case: Case, row: ProcessFact, port: int, first: int | None = None) -> Case:
    """Somebody has a port of UDP open in both looks, or another one in the first."""
    was, now = (SocketFact(ANY, one, None, None, (row.pid,), uid=row.uid) for one in (first or port, port))
    return moved_to(case, was, now, row)


def somebody(case: Case, unit: str = "", **parts: Any) -> ProcessFact:
    """A program that is of no unit of the system's."""
    return process(
        case, FLEET, WORKER, unit=unit, command="python3", argv=("python3",), exe="/usr/bin/python3", cwd="/", runs=(),
        **{"uid": 1004, **parts},
    )  # fmt: skip


def of_systemd(case: Case, *rules: Listener, unit: str = "", port: int = 9090) -> Case:
    """A socket that systemd opened, which a unit has by now or not; the estate says these of it."""
    rows = known(case.of(FLEET).processes)
    first = replace(next(one for one in rows if one.pid == 1), unit="init.scope")
    more = [process(case, FLEET, WORKER, unit=unit, cwd="/", runs=())] if unit else []
    case = case.host(FLEET, processes=(first, *(one for one in rows if one.pid != 1), *more))
    held_by = (1, *(one.pid for one in more))
    socket = SocketFact("10.0.0.1", port, None, None, held_by)
    case = case.host(FLEET, listeners=(*known(case.of(FLEET).listeners), socket))
    return of_estate(case, listeners={**(case.estate.listeners or {}), FLEET: rules})


def boxed_door(case: Case) -> Case:
    """A container has a door, and no engine says whose it is."""
    case = with_process(case, FLEET, WORKER, unit="", container="f" * 64, command="x")
    return case.fact(FLEET, "engines", engines={})


def store_on(case: Case, address: str) -> Case:
    """A store listens there, on a host that the internet reaches."""
    sockets = [replace(one, address=address) if one.port == 27017 else one for one in known(case.of(DATA).listeners)]
    return case.host(DATA, listeners=tuple(dict.fromkeys(sockets)), addresses=("8.8.8.8", "2600::1", "10.0.0.5"))


def site(case: Case, *rows: tuple[str, str, str], names: tuple[str, ...] = ("_",), to: str = "/opt/vox-frontend/dist") -> Case:
    """A server of nginx more that serves the build, or another folder, and does this."""
    routes = (RouteFact("server", "serves", to), *(RouteFact(*row) for row in rows))
    sites = (*known(case.of(API).nginx).sites, SiteFact(("80",), names, serves=True, routes=routes))
    return case.fact(API, "nginx", sites=sites)


def with_loopback(case: Case, host: str) -> Case:
    """The estate has something listen on a host, by loopback."""
    return of_estate(case, listeners={**(case.estate.listeners or {}), host: (Listener("x.service", 5555, loopback=True),)})


def key(case: Case, owner: str, group: str, *readers: str) -> Case:
    """A key of a certificate, and who may read it."""
    path = "/etc/letsencrypt/archive/vox/privkey1.pem"
    return case.host(API, secret_files=(SecretFileFact(path, owner, group, readers),))


A, B = "a" * 64, "b" * 64
SITE, MAIN, CONFIG, MORE = (
    "/etc/nginx/sites-enabled/vox",
    "/etc/nginx/nginx.conf",
    "/etc/haproxy/haproxy.cfg",
    "/etc/nginx/conf.d/more.conf",
)


def keeps(case: Case, files: Mapping[str, str], read: Mapping[str, str] | None, of: str = "nginx", **more: Any) -> Case:
    """An estate that keeps these files, and a proxy that reads those; None where nobody says which."""
    kept = tuple(KeptFile(path, sha, f"hosts/proxies/lab{path.removeprefix('/etc')}") for path, sha in files.items())
    made = MadeOfFact(read, **more) if read is not None else None
    return of_estate(case, proxies={API: kept}).fact(API, of, made_of=made)


def many(count: int) -> dict[str, str]:
    """So many files of nginx."""
    return {f"/etc/nginx/conf.d/{number:03}.conf": B for number in range(count)}


CASES: dict[str, tuple[Callable[[Case], Case], str]] = {
    "clocks a second apart": (lambda g: clocks(g, 1.0), CLOCK),
    "a clock and a look a little too late": (lambda g: clocks(g, 0.0, 3.25), CLOCK),
    "an account that is root by its number": (lambda g: held(g, "uid 0", "toor"), "sudo-is-minimal"),
    "a group may, and an account of a service is in it": (
        lambda g: in_group(g, "vox"), "sudo-is-minimal",
    ),
    "an estate that does not say where its stores are": (lambda g: of_estate(g, stores=()), STORES),
    "a store on all addresses": (lambda g: store_on(g, "::"), STORES),
    "a store on all addresses of IPv4": (lambda g: store_on(g, ANY), STORES),
    "two files of a build": (lambda g: built(g, "x.js", "y.js"), BUILD),
    "a file of a build": (lambda g: built(g, "x.js"), BUILD),
    "a build that was touched": (lambda g: built(g, late=0.5), BUILD),
    "workers as much too old as can be told": (lambda g: g.fact(API, "nginx", changed=0.05, workers=(0.0,)), RUNS),
    "two servers of node": (
        lambda g: runs(
            g, FLEET, {"command": "node", "argv": ("node", "a.js")}, {"unit": "y.service", "exe": "/opt/node (deleted)"}
        ),
        NODE,
    ),
    "node in a login, and in a container": (
        lambda g: runs(g, FLEET, {"command": "node", "unit": "session-1.scope"}, {"command": "bun", "container": "f" * 64}), NODE,
    ),
    "node where the console is served, which the estate names": (
        lambda g: may_run(runs(g, API, {"command": "node"}), "x.service", "/usr/bin/x"), NODE,
    ),
    "programs that lie elsewhere": (
        lambda g: runs(g, API, {"exe": "/srv/x"}, {"exe": "/home/joe/y", "unit": ""}, {"exe": "memfd:z (deleted)"}), NODE,
    ),
    "an estate that does not say what may listen": (lambda g: of_estate(g, listeners=None), DOORS),
    "a container, and no engine": (boxed_door, DOORS),
    "somebody's door, that moves": (lambda g: by_hand(g, somebody(g), 40001, 40000), DOORS),
    "somebody's door": (lambda g: by_hand(g, somebody(g), 40000), DOORS),
    "somebody's first door": (lambda g: by_hand(g, somebody(g, "cron.service"), FIRST), DOORS),
    "somebody's door, that moves to the last and from the first": (lambda g: by_hand(g, somebody(g), LAST, FIRST), DOORS),
    "somebody's door below": (lambda g: by_hand(g, somebody(g, "agent.service"), FIRST - 1), DOORS),
    "nobody's door, that moves": (
        lambda g: moved_to(g, *(SocketFact(ANY, port, None, None, (), uid=1004) for port in (40000, 40001))), DOORS,
    ),
    "a door of loopback at the first port of clients": (
        lambda g: with_listener(g, FLEET, "127.0.0.1", FIRST, main_pid(g, FLEET, WORKER)), DOORS,
    ),
    "a door of loopback at the last port of clients": (
        lambda g: with_listener(g, FLEET, "127.0.0.1", LAST, main_pid(g, FLEET, WORKER)), DOORS,
    ),
    "a socket of systemd's": (of_systemd, DOORS),
    "a socket of systemd's beside what is no service": (lambda g: of_systemd(g, Listener("x/y", 9090)), DOORS),
    "a socket of systemd's that another has": (lambda g: of_systemd(g, Listener("a.service", 9090), unit="b.service"), DOORS),
    "a door where systemd may listen": (
        lambda g: of_estate(
            with_listener(g, FLEET, "10.0.0.1", 9090, main_pid(g, FLEET, WORKER)),
            listeners={**(g.estate.listeners or {}), FLEET: (Listener("init.scope", 9090),)},
        ),
        DOORS,
    ),
    "a process of number two": (
        lambda g: with_listener(
            g.host(FLEET, processes=(*known(g.of(FLEET).processes), somebody(g, "y.service", pid=2))), FLEET, "10.0.0.1", 9090, 2
        ),
        DOORS,
    ),
    "code, and a port of nobody": (
        lambda g: site(
            g, ("= /config.js", "answers", "application/javascript"), ("/api/", "passes", "127.0.0.1:8079"),
            ("/x", "passes", "198.51.100.31:8080"), ("/y", "sends", "http://evil.example"),
        ),
        ROUTES,
    ),
    "what changes the page": (
        lambda g: site(g, ("/", "changes", "sub_filter"), ("/z", "runs", "js_content"), ("^~ /w", "answers", "image/svg+xml")),
        ROUTES,
    ),
    "who asks": (lambda g: site(g, ("server", "tells apart", "$http_user_agent"), ("server", "more", "")), ROUTES),
    "a route beside one that the estate names": (
        lambda g: of_estate(
            site(g, ("/a", "passes", "127.0.0.1:3000"), ("/b", "passes", "127.0.0.1:3000")), routes=("/a",)
        ),
        ROUTES,
    ),
    "a port of loopback of another host": (
        lambda g: site(with_loopback(g, SIP), ("/a", "passes", f"{g.estate.host(SIP).address}:5555")), ROUTES,
    ),
    "two names, one of which is something else's": (
        lambda g: of_estate(
            site(g, ("/a", "passes", "127.0.0.1:3000"), names=("docs.vox.example", "_")), others=("docs.vox.example",)
        ),
        ROUTES,
    ),
    "no name": (lambda g: site(g, ("/a", "passes", "127.0.0.1:3000"), names=()), ROUTES),
    "an API of which one page is named": (
        lambda g: site(services(g, "backend", proxied_health=None), ("/a", "passes", "127.0.0.1:3000")), ROUTES,
    ),
    "a key that all read": (lambda g: key(g, "root", "root", "everybody"), SECRETS),
    "a key that the web server reads": (lambda g: key(g, "root", "www-data", "www-data"), SECRETS),
    "a key of the web server's": (lambda g: key(g, "www-data", "root", "www-data"), SECRETS),
    "a key of Debian's that a service reads": (lambda g: key(g, "root", "ssl-cert", "postgres", "vox"), SECRETS),
    "a key of Debian's that all read": (lambda g: key(g, "root", "ssl-cert", "everybody"), SECRETS),
    "a key of Debian's, and another's": (lambda g: key(g, "postgres", "ssl-cert", "postgres"), SECRETS),
    "another line, and a file more": (lambda g: keeps(g, {SITE: A}, {SITE: B, MORE: B, "/etc/x": B}), NGINX),
    "a file that all include": (lambda g: keeps(g, {SITE: A}, {SITE: A, MAIN: B}), NGINX),
    "a file that is not read": (lambda g: keeps(g, {SITE: A, MAIN: A}, {MAIN: A}), NGINX),
    "files that nobody tells": (lambda g: keeps(g, {SITE: A}, None), NGINX),
    "files that nobody tells, and why": (
        lambda g: keeps(g, {SITE: A}, None).fact(API, "nginx", doubts=("it is not sure",)), NGINX,
    ),
    "a file that is shut": (lambda g: keeps(g, {SITE: A, MAIN: A}, {SITE: "unreadable", MAIN: A}), NGINX),
    "a file that is shut, and another line": (lambda g: keeps(g, {SITE: A, MAIN: A}, {SITE: "unreadable", MAIN: B}), NGINX),
    "files that were not looked at": (lambda g: keeps(g, {SITE: A}, {MAIN: A}, vouched=(MAIN,), more=1), NGINX),
    "no nginx that would read them": (lambda g: keeps(g, {SITE: A}, None).fact(API, "nginx", masters=()), NGINX),
    "another line of HAProxy's": (lambda g: keeps(g, {CONFIG: A}, {CONFIG: B}, "haproxy"), HAPROXY),
    "a file of HAProxy's that is shut": (lambda g: keeps(g, {CONFIG: A}, {CONFIG: "unreadable"}, "haproxy"), HAPROXY),
    "one that is shut, and a file more": (
        lambda g: keeps(g, {CONFIG: A}, {CONFIG: "unreadable", "/etc/haproxy/x.cfg": B}, "haproxy"), HAPROXY,
    ),
    "no HAProxy that would read them": (
        lambda g: keeps(g, {CONFIG: A}, None, "haproxy").fact(API, "haproxy", running=False), HAPROXY,
    ),
    "a link to another file": (lambda g: keeps(g, {"/etc/nginx/a": A}, {SITE: B}, links={SITE: "/etc/nginx/a"}), NGINX),
}  # fmt: skip


def in_group(case: Case, holder: str) -> Case:
    """A group may run something by the estate's word, and this account is in it."""
    rows = known(case.of(FLEET).sudo).others
    case = held(case, "/bin/a", holder)
    *_, own = known(case.of(FLEET).sudo).others
    case = case.fact(FLEET, "sudo", others=(*rows, replace(own, groups=("ops",))))
    return of_estate(case, sudo={"all": (("%ops", "/bin/a"),)})


FINE: dict[str, tuple[Callable[[Case], Case], str]] = {
    "clocks less than a second apart": (lambda g: clocks(g, 0.75), CLOCK),
    "a look that is just in time": (lambda g: clocks(g, 0.0, 3.0), CLOCK),
    "one look of two that was late": (
        lambda g: replace(g, evidence=replace(clocks(g, 0.0, 9.0).evidence, first=clocks(g).evidence.first)), CLOCK,
    ),
    "a host that is alone": (lambda g: hosts_of(g, FLEET), CLOCK),
    "a group may, and people are in it": (lambda g: in_group(g, "anna"), "sudo-is-minimal"),
    "a build that was published as it was": (built, BUILD),
    "workers that are a tick too old": (lambda g: g.fact(API, "nginx", changed=0.04, workers=(0.0,)), RUNS),
    "node in a unit that the estate names": (
        lambda g: may_run(runs(g, FLEET, {"command": "node", "argv": ("node",)}), "x.service"), NODE,
    ),
    "a program of node's that the estate names": (lambda g: may_run(runs(g, FLEET, {"command": "node"}), "/usr/bin/x"), NODE),
    "a program that the estate names": (lambda g: may_run(runs(g, API, {"exe": "/srv/x"}), "/srv/x"), NODE),
    "a unit by its own name at boot": (
        lambda g: of_estate(
            starter(g, SIP, "agent@1.service", foreign=("/etc/systemd/system/agent@1.service",)),
            listeners={**(g.estate.listeners or {}), SIP: (Listener("agent@1.service", 9090),)},
        ),
        "boot-starts-only-what-is-known",
    ),
    "a port for questions that a unit has": (lambda g: by_hand(g, somebody(g, "agent.service"), FIRST), DOORS),
    "the last of them": (lambda g: by_hand(g, somebody(g, "agent.service"), LAST), DOORS),
    "a port of nobody's, that moves, of a unit's account": (
        lambda g: moved_to(
            g, *(SocketFact(ANY, port, None, None, (), uid=process(g, FLEET, WORKER).uid) for port in (40000, 40001))
        ),
        DOORS,
    ),
    "ports of accounts that nobody tells": (
        lambda g: moved_to(g, *(SocketFact(ANY, port, None, None, ()) for port in (40000, 40001))), DOORS,
    ),
    "a port that moves, of another account": (
        lambda g: moved_to(
            g,
            SocketFact(ANY, 40000, None, None, (4000,), uid=1004),
            SocketFact(ANY, 40001, None, None, (4000,), uid=1005),
            somebody(g),
        ),
        DOORS,
    ),
    "a port that was none of a client's before": (lambda g: by_hand(g, somebody(g), 40001, 60), DOORS),
    "a socket of systemd's, which the estate names": (lambda g: of_systemd(g, Listener("init.scope", 9090)), DOORS),
    "a socket of systemd's for a service that the estate names": (
        lambda g: of_systemd(g, Listener("a.service", 9090)), DOORS,
    ),
    "a service that systemd's socket is for": (
        lambda g: of_systemd(g, Listener("init.scope", 9090), unit="a.service"), DOORS,
    ),
    "what is the estate's, and no code": (
        lambda g: site(
            g, ("= /lb", "answers", "text/plain"), ("/api/", "passes", "127.0.0.1:8080"), ("/a", "passes", "localhost:8080"),
            ("/b", "passes", "[fd56:766f:7867::21]:8080"), ("/c", "passes", "198.51.100.32:8102"), ("/d", "sends", "/"),
        ),
        ROUTES,
    ),
    "a port of its own loopback": (lambda g: site(with_loopback(g, API), ("/a", "passes", "127.0.0.1:5555")), ROUTES),
    "a port that a unit had before, and somebody else has now": (
        lambda g: moved_to(
            g,
            SocketFact(ANY, 40000, None, None, (4000,), uid=1005),
            SocketFact(ANY, 40001, None, None, (4001,), uid=1005),
            somebody(g, "agent.service"),
            somebody(g, pid=4001, uid=1005),
        ),
        DOORS,
    ),
    "an API of which nothing is said": (
        lambda g: site(services(g, "backend", proxied_health=None, proxied_api=None), ("/a", "passes", "127.0.0.1:3000")), ROUTES,
    ),
    "a site of something else": (lambda g: site(g, ("/a", "passes", "127.0.0.1:3000"), to="/var/www/docs"), ROUTES),
    "a site of something else by its name": (
        lambda g: of_estate(
            site(g, ("/a", "passes", "127.0.0.1:3000"), names=("DOCS.vox.example",)), others=("docs.vox.example",)
        ),
        ROUTES,
    ),
    "an estate one of whose hosts was not seen": (
        lambda g: not_seen(site(g, ("/c", "passes", "198.51.100.32:8102")), OTHER), ROUTES,
    ),
    "a key of root's": (lambda g: key(g, "root", "root"), SECRETS),
    "a key of Debian's": (lambda g: key(g, "root", "ssl-cert", "postgres"), SECRETS),
    "the kept files, and what a package brought": (
        lambda g: keeps(g, {SITE: A}, {MAIN: B, SITE: A, "/etc/x": B}, vouched=(MAIN,)), NGINX,
    ),
    "nothing is kept": (lambda g: keeps(g, {}, {SITE: B}), NGINX),
    "a link that is kept": (lambda g: keeps(g, {"/etc/nginx/a": A}, {SITE: A}, links={SITE: "/etc/nginx/a"}), NGINX),
    "a file that is shut and of nobody's": (lambda g: keeps(g, {SITE: A}, {SITE: A, "/etc/x": "unreadable"}), NGINX),
    "a file of which the first digits are told": (lambda g: keeps(g, {SITE: A}, {SITE: A[:3]}), NGINX),
}  # fmt: skip


def test_a_clock_is_compared_with_those_that_were_seen_of_the_estate(green: Case) -> None:
    def judged(case: Case) -> tuple[str, str]:
        return case.judge([CLOCK])["clock-is-right[fleet-1]"]

    alone = "fleet-1: the clock could not be compared: no other host was seen"
    assert judged(not_seen(hosts_of(green, FLEET, OTHER), OTHER)) == ("blind", alone)
    outside = green.look(lambda look: replace(look, hosts={name: look.hosts[name] for name in look.hosts if name != OTHER}))
    assert judged(outside) == ("blind", "fleet-2: this host is not part of the look")


def test_twenty_files_are_named_and_no_more(green: Case) -> None:
    said = "which hosts/proxies does not keep"
    for count, more in ((20, ""), (21, "; and 1 more")):
        ((_, found),) = keeps(green, {SITE: A}, {SITE: A, **many(count)}).judge([NGINX]).values()
        assert (found.count(said), found.rpartition(said)[2]) == (20, more)


@pytest.mark.parametrize("name", CASES)
def test_what_is_over_the_edge_is_said(green: Case, name: str) -> None:
    change, said_by = CASES[name]
    assert change(green).judge([said_by])


@pytest.mark.parametrize("name", FINE)
def test_what_is_just_in_order_is(green: Case, name: str) -> None:
    change, said_by = FINE[name]
    assert change(green).judge([said_by]) == {}
