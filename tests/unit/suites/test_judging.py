"""One fact is changed: exactly the invariants that it breaks turn violated, and none turns blind."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from voxgate.cli.draft import drafted
from voxgate.model.answers import DatabaseClient
from voxgate.model.estate import Listener
from voxgate.model.evidence import ContainerFact, HostEvidence, ProcessFact, SocketFact, known
from voxgate.model.look import Look, Question
from voxgate.model.release import PutBack
from voxgate.model.surroundings import CopiesFact, CopyFact, JobFact, KeyFact, MemoryFact, OtherFact, StarterFact, SudoRule
from voxgate.model.web_servers import ServerFact, SiteFact
from voxgate.survey.browsers import BROWSERS
from voxgate.survey.sites import entrance_of, page_ways

from .conftest import Case

DATA, API, FLEET, OTHER, SIP = "data", "api-1", "fleet-1", "fleet-2", "sip-1"
ANY = "0.0.0.0"  # noqa: S104 - found on a host, not bound here
WORKER = "voxcore@1.service"
SITE = Question(API, 80, "/")
HEALTH = Question(API, 8080, "/health")


def test_green_is_green(green: Case) -> None:
    assert green.judge() == {}


@pytest.mark.parametrize(
    ("changed", "since", "code", "held"),
    [
        (50.0, 40.0, -100.0, True),  # changed and put back while the process ran, which is newer than the code before
        (50.0, 40.0, 10.0, False),  # it was older than the code before, too
        (50.0, -10.0, -100.0, False),  # it was started when the code was not as before
        (61.0, 40.0, -100.0, False),  # changed once more, after all was put back
        (30.0, 40.0, -100.0, False),  # changed by somebody else, before the deploy
    ],
)
def test_a_change_that_was_put_back_is_judged_by_the_code_before(
    green: Case, changed: float, since: float, code: float, *, held: bool
) -> None:
    """Seconds from the start of the dialler; a deploy had all of it back at 60."""
    found = known(green.of(SIP).units)["voxdialler.service"]
    started = next(one.started for one in known(green.of(SIP).processes) if one.pid == found.main_pid)
    case = green.of_service(SIP, "checkouts", "dialler", changed=started + changed).host(SIP, time=started + 100.0)
    remotes = dict(case.evidence.remotes)
    back = PutBack(started + since, started + 60.0, started + code)
    remotes["dialler"] = replace(known(remotes["dialler"]), put_back={SIP: back})
    case = replace(case, evidence=replace(case.evidence, remotes=remotes))
    assert ("process-is-the-new-code[sip-1-voxdialler]" not in case.judge(["process-is-the-new-code"])) is held


@pytest.mark.parametrize(
    ("since", "until", "code"),
    [
        (40.0, 1e6, -1e5),  # it is not over
        (-1e5, 60.0, -2e5),  # it took more than a day
        (40.0, 60.0, 45.0),  # the code before was changed within
        (60.0, 40.0, -100.0),
    ],
)
def test_a_put_back_that_no_deploy_left_counts_for_nothing(green: Case, since: float, until: float, code: float) -> None:
    """Seconds from the start of the dialler, whose code was changed 50 s after it. The file is the deploy account's."""
    units = known(green.of(SIP).units)["voxdialler.service"]
    started = next(one.started for one in known(green.of(SIP).processes) if one.pid == units.main_pid)
    case = green.of_service(SIP, "checkouts", "dialler", changed=started + 50.0).host(SIP, time=started + 100.0)
    back = PutBack(started + since, started + until, started + code)
    remotes = {**case.evidence.remotes, "dialler": replace(known(case.evidence.remotes["dialler"]), put_back={SIP: back})}
    case = replace(case, evidence=replace(case.evidence, remotes=remotes))
    assert "process-is-the-new-code[sip-1-voxdialler]" in case.judge(["process-is-the-new-code"])


def later(green: Case, seconds: float) -> Case:
    """Every host's probe had to wait so long for its turn, in both looks; the pages were answered as ever."""

    def change(look: Look) -> Look:
        late = {"time": seconds, "asked": seconds, "answered": seconds}
        hosts = {
            name: replace(host, **{key: known(getattr(host, key)) + more for key, more in late.items()})
            for name, host in look.hosts.items()
            if isinstance(host, HostEvidence)
        }
        return replace(look, hosts=hosts)

    both = replace(green.evidence, first=change(green.evidence.first), second=change(green.evidence.second))
    return replace(green, evidence=both)


def test_a_look_that_waited_for_others_sees_no_dead_dialler_and_no_wrong_clock(green: Case) -> None:
    """Ten looks at once: each but the first was red, as the pages were older by then than the host's clock."""
    assert later(green, 20.0).judge(["tick-loop-is-alive", "clock-is-right"]) == {}


def test_where_one_look_was_slow_the_other_says_the_clock(green: Case) -> None:
    slow = green.host(FLEET, asked=known(green.of(FLEET).asked) - 10)
    assert slow.judge(["clock-is-right"]) == {}
    first = green.evidence.first
    host = first.host(FLEET)
    both = replace(first, hosts={**first.hosts, FLEET: replace(host, asked=known(host.asked) - 10)})
    blind = replace(slow, evidence=replace(slow.evidence, first=both)).judge(["clock-is-right"])
    assert {key: verdict for key, (verdict, _) in blind.items()} == {"clock-is-right[fleet-1]": "blind"}


def process(green: Case, host: str, like: str, **parts: Any) -> ProcessFact:
    """A new process, made after one of a unit."""
    found = next(one for one in known(green.of(host).processes) if one.unit == like)
    return replace(found, **{"pid": 4000, "unit": "other.service", **parts})


def with_process(green: Case, host: str, like: str, **parts: Any) -> Case:
    """One process more."""
    return green.host(host, processes=(*known(green.of(host).processes), process(green, host, like, **parts)))


def with_listener(green: Case, host: str, address: str, port: int, pid: int, *, apart: bool = False) -> Case:
    """One listening socket more."""
    return green.host(host, listeners=(*known(green.of(host).listeners), SocketFact(address, port, None, None, (pid,), apart)))


def with_datagram(green: Case, host: str, address: str, port: int, pid: int) -> Case:
    """One UDP socket more."""
    return green.host(host, datagrams=(*known(green.of(host).datagrams), SocketFact(address, port, None, None, (pid,))))


def with_site(green: Case, body: bytes, status: int, headers: dict[str, str] | None = None, *, serves: bool) -> Case:
    """One server of nginx more, by a name of its own, that answers so."""
    host, name = green.of(API), (("Host", "x.example"),)
    nginx = known(host.nginx)
    case = green.fact(API, "nginx", sites=(*nginx.sites, SiteFact(("80",), ("x.example",), serves)))
    site = case.estate.service("console").site
    assert site is not None
    entrance = entrance_of(case.estate, next(one for one in case.estate.placements if one.service.name == "console"))
    assert entrance is not None
    ways = [way for way in page_ways(case.of(API), entrance) if way.headers == name]
    like = case.evidence.second.answer(SITE)
    answer = replace(like, body=body, status=status, digest="", headers=headers or {})
    return case.look(lambda look: replace(look, answers={**look.answers, **{way.question(site, ""): answer for way in ways}}))


def main_pid(green: Case, host: str, unit: str) -> int:
    """A unit's main process."""
    return known(green.of(host).units)[unit].main_pid


def body(green: Case, question: Question, **parts: Any) -> Case:
    """A JSON answer with other members."""
    document = json.loads(green.evidence.second.answer(question).body)
    return green.answer(question, body=json.dumps({**document, **parts}).encode())


def server(green: Case, **parts: Any) -> tuple[ServerFact, ...]:
    """HAProxy's servers, the first of them changed."""
    rows = known(green.of(API).haproxy).servers
    return (replace(rows[0], **parts), *rows[1:])


FIRST = SudoRule("root", "!authenticate", "/usr/bin/systemctl restart voxcore@*")
VENDORS = "/usr/lib/systemd/system/service.d/10-x.conf"
MARK = "SHA256:" + "A" * 43

# What is changed; what must turn violated: invariant and subject.
CASES: dict[str, tuple[Callable[[Case], Case], set[str]]] = {
    "second-checkout": (
        lambda g: g.host(FLEET, copies=CopiesFact(1, (CopyFact("/srv/old", "checkout", ("vox-agents",), ()),))),
        {"one-copy-only[fleet-1]"},
    ),
    "copy-without-origin": (
        lambda g: g.host(API, copies=CopiesFact(1, (CopyFact("/home/x/y", "bare", (), ("backend",)),))),
        {"one-copy-only[api-1]"},
    ),
    "a-folder-that-root-cannot-read": (
        lambda g: g.host(API, copies=CopiesFact(1, (CopyFact("/home/x/mnt", "unreadable", (), ()),))),
        {"one-copy-only[api-1]"},
    ),
    "copy-of-another-project": (
        lambda g: g.host(API, copies=CopiesFact(1, (CopyFact("/srv/x", "checkout", ("dotfiles",), ()),))),
        set(),
    ),
    "cron-pulls": (lambda g: g.host(SIP, jobs=(JobFact("/etc/cron.d/x", "root", ("git",)),)), {"one-copy-only[sip-1]"}),
    "module-edited": (
        lambda g: g.of_service(FLEET, "packages", "fleet", bad=(("lib/x.py", "is not as it was installed"),), bad_count=1),
        {"site-packages-are-intact[fleet-fleet-1]"},
    ),
    "no-distribution": (
        lambda g: g.of_service(API, "packages", "backend", distributions=0, files=0),
        {"site-packages-are-intact[backend-api-1]"},
    ),
    "records-forged-on-one-host": (
        lambda g: g.of_service(FLEET, "packages", "fleet", records="0" * 64),
        {"fleet-runs-one-release"},
    ),
    "file-that-others-could-change": (
        lambda g: g.of_service(SIP, "checkouts", "dialler", loose=(("run.py", "belongs to nobody"),)),
        {"only-deploys-change-code[dialler-sip-1]"},
    ),
    "environment-that-others-could-change": (
        lambda g: g.of_service(SIP, "packages", "dialler", loose=((".venv", "can be changed by vox"),)),
        {"only-deploys-change-code[dialler-sip-1]"},
    ),
    "build-that-others-could-change": (
        lambda g: g.of_service(API, "dists", "console", loose=(("builds", "can be changed by www-data"),)),
        {"only-deploys-change-code[console-api-1]"},
    ),
    "folder-above-that-others-could-change": (
        lambda g: g.of_service(API, "checkouts", "console", loose=(("/opt", "can be changed by everybody"),)),
        {"only-deploys-change-code[console-api-1]"},
    ),
    "process-stands-in-another-tree": (
        lambda g: g.runtime(SIP, "dialler", stands="/usr/lib/vox"),
        {"process-is-the-venvs[sip-1-voxdialler]"},
    ),
    "library-that-is-not-its-packages": (
        lambda g: g.of_service(SIP, "runtimes", "dialler", base=(("/usr/lib/x/libssl.so.3", "is not as its package has it"),)),
        {"process-is-the-venvs[sip-1-voxdialler]"},
    ),
    "library-that-no-package-has": (
        lambda g: g.of_service(
            SIP, "runtimes", "dialler", base=(("/usr/lib/x/a.so", "is run, and no package of this host has it"),)
        ),
        {"process-is-the-venvs[sip-1-voxdialler]"},
    ),
    "secret-in-argv": (
        lambda g: g.of_service(API, "leaks", "backend", found=(("JWT_SECRET", "the arguments of process 7 (sh)"),)),
        {"no-secret-leaks[backend-api-1]"},
    ),
    "unit-edited": (
        lambda g: g.unit(SIP, "voxdialler.service", files={"/etc/systemd/system/voxdialler.service": "0" * 64}),
        {"unit-file-is-the-expected[sip-1-voxdialler]"},
    ),
    "unit-shadowed": (
        lambda g: g.unit(
            SIP,
            "voxdialler.service",
            files={
                **known(g.of(SIP).units)["voxdialler.service"].files,
                "/etc/systemd/system.control/voxdialler.service": "0" * 64,
            },
        ),
        {"unit-file-is-the-expected[sip-1-voxdialler]"},
    ),
    "drop-in-loaded-and-removed": (
        lambda g: g.unit(FLEET, WORKER, properties={"DropInPaths": "/run/systemd/system/voxcore@1.service.d/x.conf"}),
        {"unit-file-is-the-expected[fleet-1-voxcore@1]"},
    ),
    "unit-changed-after-the-start": (
        lambda g: g.unit(FLEET, WORKER, changed=g.evidence.second.taken),
        {"unit-file-is-the-expected[fleet-1-voxcore@1]"},
    ),
    "needs-daemon-reload": (
        lambda g: g.unit(FLEET, WORKER, properties={"NeedDaemonReload": "yes"}),
        {"unit-file-is-the-expected[fleet-1-voxcore@1]"},
    ),
    "vendor-drop-in-for-all": (
        lambda g: g.unit(
            FLEET,
            WORKER,
            files={**known(g.of(FLEET).units)[WORKER].files, VENDORS: "0" * 64},
            vouched=(VENDORS,),
        ),
        set(),
    ),
    "drop-in-for-all-of-nobody": (
        lambda g: g.unit(FLEET, WORKER, files={**known(g.of(FLEET).units)[WORKER].files, VENDORS: "0" * 64}),
        {"unit-file-is-the-expected[fleet-1-voxcore@1]"},
    ),
    "boot-starts-a-stranger": (
        lambda g: starter(g, SIP, "stats.service", foreign=("/usr/lib/systemd/system/stats.service",)),
        {"boot-starts-only-what-is-known[sip-1]"},
    ),
    "boot-by-another-reader": (
        lambda g: g.fact(SIP, "boot", others=(OtherFact("/etc/rc.local", "rc-local.service, at boot", itself=True),)),
        {"boot-starts-only-what-is-known[sip-1]"},
    ),
    "boot-starts-a-packages-own": (lambda g: starter(g, SIP, "stats.service"), set()),
    "boot-starts-the-dialler-elsewhere": (
        lambda g: starter(g, FLEET, "voxdialler.service", foreign=("/etc/systemd/system/voxdialler.service",)),
        {"boot-starts-only-what-is-known[fleet-1]"},
    ),
    "boot-starts-a-worker-too-many": (
        lambda g: starter(g, FLEET, "voxcore@4.service", foreign=("/etc/systemd/system/voxcore@.service",)),
        {"boot-starts-only-what-is-known[fleet-1]"},
    ),
    "boot-starts-a-listener-of-the-estate": (
        lambda g: starter(g, API, "haproxy.service", foreign=("/etc/systemd/system/haproxy.service",)),
        set(),
    ),
    "boot-starts-a-listener-changed": (
        lambda g: starter(g, API, "haproxy.service", foreign=("/etc/systemd/system/haproxy.service.d/x.conf",)),
        {"boot-starts-only-what-is-known[api-1]"},
    ),
    "boot-makes-units": (
        lambda g: g.fact(API, "boot", generators=("/etc/systemd/system-generators/x",)),
        {"boot-starts-only-what-is-known[api-1]"},
    ),
    "boot-leaves-a-worker-out": (
        lambda g: g.fact(
            FLEET, "boot", services={name: one for name, one in known(g.of(FLEET).boot).services.items() if name != WORKER}
        ),
        {"unit-is-active[fleet-1-voxcore@1]"},
    ),
    "boot-leaves-a-worker-to-a-timer": (
        lambda g: starter(g, FLEET, WORKER, at_boot=False),
        {"unit-is-active[fleet-1-voxcore@1]"},
    ),
    "process-halted": (lambda g: g.process(FLEET, WORKER, state="T"), {"unit-is-active[fleet-1-voxcore@1]"}),
    "container-halted": (
        lambda g: g.host(
            SIP, processes=tuple(replace(one, state="T") if one.container else one for one in known(g.of(SIP).processes))
        ),
        {"livekit-is-healthy[sip-1]"},
    ),
    "restarted-by-itself-just-now": (
        lambda g: restarts(g, "2"),
        {"nothing-restarts-during-the-bake[fleet-1-voxcore@1]"},
    ),
    "restarted-by-itself-long-ago": (
        lambda g: restarts(g, "2").host(FLEET, time=known(g.of(FLEET).time) + 86400),
        {"clock-is-right[fleet-1]"},
    ),
    "file-mounted-for-one-process": (
        lambda g: g.runtime(SIP, "dialler", mounts=("/opt/vox-dialler/vox_dialler/pacing.py",)),
        {"process-is-the-venvs[sip-1-voxdialler]"},
    ),
    "dialler-on-another-database": (
        lambda g: body(g, Question(SIP, 8090, "/health"), database="vox_staging"),
        {"exactly-one-dialler-per-database[vox]"},
    ),
    "the-gates-name-without-its-nonce": (
        lambda g: replace(
            g,
            evidence=replace(
                g.evidence,
                first=with_client(g.evidence.first, "127.0.0.1", "voxgate"),
                second=with_client(g.evidence.second, "127.0.0.1", "voxgate"),
            ),
        ),
        {"database-sees-one-dialler[vox]"},
    ),
    "other-interpreter": (
        lambda g: g.runtime(API, "backend", interpreter=False),
        {"process-is-the-venvs[api-1-voxbridge]"},
    ),
    "pythonpath": (lambda g: g.runtime(API, "backend", loader=("PYTHONPATH",)), {"process-is-the-venvs[api-1-voxbridge]"}),
    "variable-of-nobody": (lambda g: g.runtime(API, "backend", strange=("FOO",)), {"process-is-the-venvs[api-1-voxbridge]"}),
    "library-deleted": (
        lambda g: g.runtime(SIP, "dialler", gone=("/usr/lib/libssl.so.3 (deleted)",)),
        {"process-is-the-venvs[sip-1-voxdialler]"},
    ),
    "library-from-elsewhere": (
        lambda g: g.runtime(SIP, "dialler", elsewhere=("/srv/x.so",)),
        {"process-is-the-venvs[sip-1-voxdialler]"},
    ),
    "preload-for-all": (
        lambda g: g.of_service(SIP, "runtimes", "dialler", preload=True),
        {"process-is-the-venvs[sip-1-voxdialler]"},
    ),
    "udp-listener": (
        lambda g: with_datagram(g, FLEET, ANY, 5060, main_pid(g, FLEET, WORKER)),
        {"only-expected-listeners[fleet-1]"},
    ),
    "udp-of-nobody": (
        lambda g: g.host(FLEET, datagrams=(SocketFact(ANY, 51820, None, None, ()), SocketFact(ANY, 123, None, None, ()))),
        {"only-expected-listeners[fleet-1]"},
    ),
    "udp-of-a-client-in-a-unit": (lambda g: with_datagram(g, FLEET, ANY, 40000, main_pid(g, FLEET, WORKER)), set()),
    "listener-in-a-network-of-a-unit": (
        lambda g: with_listener(g, FLEET, ANY, 9999, main_pid(g, FLEET, WORKER), apart=True),
        {"only-expected-listeners[fleet-1]"},
    ),
    "resolver-in-a-network-of-a-unit": (
        lambda g: with_listener(g, FLEET, "127.0.0.11", 9999, main_pid(g, FLEET, WORKER), apart=True),
        set(),
    ),
    "unit-in-a-network-of-its-own": (lambda g: g.host(FLEET, apart=(main_pid(g, FLEET, WORKER),)), set()),
    "process-in-a-network-of-its-own": (
        lambda g: with_process(g, FLEET, WORKER, unit="", argv=("sh",), exe="/bin/dash", cwd="/", runs=()).host(
            FLEET, apart=(4000,)
        ),
        {"only-expected-listeners[fleet-1]"},
    ),
    "unknown-listener": (
        lambda g: with_listener(g, FLEET, ANY, 9999, 1),
        {"only-expected-listeners[fleet-1]"},
    ),
    "worker-on-anothers-port": (
        lambda g: with_listener(g, FLEET, ANY, 8102, main_pid(g, FLEET, WORKER)),
        {"only-expected-listeners[fleet-1]"},
    ),
    "listener-of-nobody": (
        lambda g: g.host(API, listeners=(*known(g.of(API).listeners), SocketFact("127.0.0.1", 8080, None, None, ()))),
        {"only-expected-listeners[api-1]"},
    ),
    "containerd-in-the-open": (
        lambda g: g.host(
            SIP,
            listeners=tuple(
                replace(one, address=ANY) if one.address == "127.0.0.1" else one for one in known(g.of(SIP).listeners)
            ),
        ),
        {"only-expected-listeners[sip-1]"},
    ),
    "redis-on-a-worker-host": (
        lambda g: with_listener(g, FLEET, "::", 6379, main_pid(g, FLEET, WORKER)),
        {"only-expected-listeners[fleet-1]", "stores-are-private[fleet-1]"},
    ),
    "redis-by-another-unit-at-home": (
        lambda g: with_listener(g, DATA, ANY, 6379, main_pid(g, DATA, "mongod.service")),
        {"only-expected-listeners[data]", "stores-are-private[data]"},
    ),
    "redis-on-the-internet": (
        lambda g: with_listener(g, DATA, "8.8.8.8", 6379, main_pid(g, DATA, "redis-server.service")),
        {"stores-are-private[data]"},
    ),
    "redis-on-every-address-of-a-host-on-the-internet": (
        lambda g: with_listener(g, DATA, ANY, 6379, main_pid(g, DATA, "redis-server.service")).host(
            DATA, addresses=("127.0.0.1", "10.0.0.5", "8.8.8.8")
        ),
        {"stores-are-private[data]"},
    ),
    "backend-says-redis-is-gone": (
        lambda g: body(g, HEALTH, checks={"redis": "unreachable"}),
        {"backend-reaches-its-stores[backend-api-1]", "backend-health-is-clean[api-1-voxbridge]"},
    ),
    "address-refused": (
        lambda g: g.host(
            API, stores={"backend": tuple(replace(one, outcome="refused") for one in known(g.of(API).stores["backend"]))}
        ),
        {"backend-reaches-its-stores[backend-api-1]"},
    ),
    "no-connection-to-the-database": (
        lambda g: g.host(
            API, stores={"backend": tuple(replace(one, connections=0) for one in known(g.of(API).stores["backend"]))}
        ),
        {"backend-reaches-its-stores[backend-api-1]"},
    ),
    "nginx-config-broken": (
        lambda g: g.fact(API, "nginx", status=1, flaws="/etc/nginx/nginx.conf:3"),
        {"nginx-runs-its-config[console-api-1]"},
    ),
    "nginx-not-reloaded": (
        lambda g: g.fact(API, "nginx", changed=g.evidence.second.taken),
        {"nginx-runs-its-config[console-api-1]"},
    ),
    "nginx-told-of-its-own-config": (
        lambda g: g.fact(API, "nginx", masters=("nginx: master process /usr/sbin/nginx -c /etc/nginx/nginx.conf",)),
        set(),
    ),
    "nginx-serves-a-page-by-another-name": (
        lambda g: with_site(g, b"old", 200, serves=False),
        {"nginx-serves-exactly-dist[console-api-1]"},
    ),
    "nginx-has-a-broken-console-by-name": (
        lambda g: with_site(g, b"", 404, serves=True),
        {"nginx-serves-exactly-dist[console-api-1]"},
    ),
    "nginx-has-an-api-by-name": (lambda g: with_site(g, b"", 404, serves=False), set()),
    "nginx-sends-a-name-to-https": (
        lambda g: with_site(g, b"", 301, {"location": "https://x.example/"}, serves=True),
        set(),
    ),
    "site-seen-by-the-host-alone": (
        lambda g: g.answer(Question(FLEET, 80, "/index.html", g.estate.host(API).address, BROWSERS[0].headers), status=403),
        {"nginx-serves-exactly-dist[console-api-1]"},
    ),
    "manifest-edited": (
        lambda g: g.of_service(API, "dists", "console", changed=g.evidence.second.taken),
        {"dist-is-this-build[console-api-1]"},
    ),
    "node-by-another-name": (
        lambda g: g.host(API, javascript=(main_pid(g, API, "nginx.service"),)),
        {"no-node-runs[api-1]"},
    ),
    "program-at-a-path-of-its-own": (
        lambda g: g.process(API, "nginx.service", exe="elsewhere:/usr/local/games/prog"),
        {"no-node-runs[api-1]"},
    ),
    "nginx-other-config": (
        lambda g: g.fact(API, "nginx", masters=("nginx: master process nginx -c /tmp/n.conf",)),
        {"nginx-runs-its-config[console-api-1]"},
    ),
    "two-nginx": (
        lambda g: g.fact(API, "nginx", masters=("nginx: master process nginx",) * 2),
        {"nginx-runs-its-config[console-api-1]"},
    ),
    "env-over-http": (
        lambda g: g.answer(Question(API, 80, "/.env"), status=200, body=b"A=1", digest=""),
        {"console-exposes-nothing[console-api-1]"},
    ),
    "git-over-http-by-its-hash": (
        lambda g: g.answer(Question(API, 80, "/.git/HEAD"), status=200, body=b"", digest="0" * 64),
        {"console-exposes-nothing[console-api-1]"},
    ),
    "listing-over-http": (
        lambda g: g.answer(Question(API, 80, "/assets/"), status=200, body=b"<a href=x>", digest=""),
        {"console-exposes-nothing[console-api-1]"},
    ),
    "index-may-be-cached": (
        lambda g: g.answer(SITE, headers={**g.evidence.second.answer(SITE).headers, "cache-control": "max-age=600"}),
        {"console-exposes-nothing[console-api-1]"},
    ),
    "haproxy-server-down": (lambda g: g.fact(API, "haproxy", servers=server(g, status="DOWN")), {"haproxy-sees-all-workers"}),
    "haproxy-server-unchecked": (
        lambda g: g.fact(API, "haproxy", servers=server(g, status="no check", checked=False)),
        {"haproxy-sees-all-workers"},
    ),
    "haproxy-server-without-weight": (
        lambda g: g.fact(API, "haproxy", servers=server(g, weight=0)),
        {"haproxy-sees-all-workers"},
    ),
    "nginx-serves-another-folder": (
        lambda g: g.fact(API, "nginx", roots=("/opt/vox-frontend/dist", "/opt/vox-backend/")),
        {"console-exposes-nothing[console-api-1]"},
    ),
    "nginx-serves-a-web-root-beside": (
        lambda g: g.fact(API, "nginx", roots=("/opt/vox-frontend/dist", "/var/www/letsencrypt")),
        {"console-exposes-nothing[console-api-1]"},
    ),
    "nginx-serves-a-file-beside": (
        lambda g: g.fact(API, "nginx", roots=("/opt/vox-frontend/dist", "/var/www/env.txt")),
        {"console-exposes-nothing[console-api-1]"},
    ),
    "nginx-climbs-out-of-the-build": (
        lambda g: g.fact(API, "nginx", roots=("/opt/vox-frontend/dist/../.git",)),
        {"console-exposes-nothing[console-api-1]"},
    ),
    "nginx-serves-what-a-visitor-names": (
        lambda g: g.fact(API, "nginx", roots=("/opt/vox-frontend/dist/$arg_file",)),
        {"console-exposes-nothing[console-api-1]"},
    ),
    "nginx-serves-parts-of-the-build": (
        lambda g: g.fact(
            API, "nginx", roots=("/opt/vox-frontend/dist/", "/opt/vox-frontend/dist/assets/$1", "/usr/share/nginx/html")
        ),
        set(),
    ),
    "sshd-takes-passwords-of-root": (
        lambda g: g.fact(API, "keys", settings={**known(g.of(API).keys).settings, "passwordauthentication": "no | yes"}),
        {"keys-are-known[api-1]"},
    ),
    "haproxy-server-missing": (lambda g: g.fact(API, "haproxy", servers=server(g)[1:]), {"haproxy-sees-all-workers"}),
    "haproxy-server-unknown": (
        lambda g: g.fact(API, "haproxy", servers=(*server(g), replace(server(g)[0], address="198.51.100.99:8101"))),
        {"haproxy-sees-all-workers"},
    ),
    "haproxy-not-reloaded": (
        lambda g: g.fact(API, "haproxy", changed=g.evidence.second.taken),
        {"haproxy-sees-all-workers"},
    ),
    "haproxy-called-so": (lambda g: g.fact(API, "haproxy", doubts=("process 9 ..",)), {"haproxy-sees-all-workers"}),
    "nginx-called-so": (lambda g: g.fact(API, "nginx", doubts=("process 9 ..",)), {"nginx-runs-its-config[console-api-1]"}),
    "clock-called-so": (lambda g: g.fact(FLEET, "clock", doubts=("process 9 ..",)), {"clock-is-right[fleet-1]"}),
    "sshd-called-so": (lambda g: g.fact(FLEET, "keys", doubts=("process 9 ..",)), {"keys-are-known[fleet-1]"}),
    "store-not-there": (
        lambda g: g.host(DATA, listeners=tuple(one for one in known(g.of(DATA).listeners) if one.port != 9000)),
        {"stores-are-private[data]"},
    ),
    "haproxy-gone": (lambda g: g.fact(API, "haproxy", running=False), {"haproxy-sees-all-workers"}),
    "disk-full": (
        lambda g: g.fact(DATA, "room", disks=tuple(replace(one, free=1) for one in known(g.of(DATA).room).disks)),
        {"host-has-room[data]"},
    ),
    "inodes-gone": (
        lambda g: g.fact(
            DATA, "room", disks=tuple(replace(one, inodes=100, inodes_free=1) for one in known(g.of(DATA).room).disks)
        ),
        {"host-has-room[data]"},
    ),
    "memory-gone": (lambda g: g.fact(DATA, "room", memory=MemoryFact(2**30, 1)), {"host-has-room[data]"}),
    "clock-off": (lambda g: g.host(FLEET, time=known(g.of(FLEET).time) + 20), {"clock-is-right[fleet-1]"}),
    "clock-behind": (lambda g: g.host(FLEET, time=known(g.of(FLEET).time) - 20), {"clock-is-right[fleet-1]"}),
    "clock-kept-by-nobody": (
        lambda g: g.fact(FLEET, "clock", container=False, keepers=()),
        {"clock-is-right[fleet-1]"},
    ),
    "clock-not-synchronised": (
        lambda g: g.fact(FLEET, "clock", container=False, keepers=("chronyd",), synchronised=False),
        {"clock-is-right[fleet-1]"},
    ),
    "sudo-wildcard": (
        lambda g: g.fact(FLEET, "sudo", rules=(*known(g.of(FLEET).sudo).rules, FIRST)),
        {"sudo-is-minimal[fleet-1]"},
    ),
    "sudo-of-anothers-unit": (
        lambda g: g.fact(FLEET, "sudo", rules=(replace(FIRST, command="/usr/bin/systemctl restart ssh.service"),)),
        {"sudo-is-minimal[fleet-1]"},
    ),
    "sudo-probe-with-arguments": (
        lambda g: g.fact(FLEET, "sudo", rules=(replace(FIRST, command="/usr/local/sbin/voxgate-probe"),)),
        {"sudo-is-minimal[fleet-1]"},
    ),
    "sudo-setenv": (
        lambda g: g.fact(
            FLEET, "sudo", rules=tuple(replace(one, options="setenv, !authenticate") for one in known(g.of(FLEET).sudo).rules)
        ),
        {"sudo-is-minimal[fleet-1]"},
    ),
    "docker-group": (lambda g: g.fact(SIP, "sudo", groups=("deploy", "docker")), {"sudo-is-minimal[sip-1]"}),
    "unknown-key": (
        lambda g: g.fact(API, "keys", keys=(*known(g.of(API).keys).keys, KeyFact("root", "/root/.ssh/authorized_keys", MARK))),
        {"keys-are-known[api-1]"},
    ),
    "known-key-of-another-account": (
        lambda g: g.fact(API, "keys", keys=tuple(replace(one, user="vox") for one in known(g.of(API).keys).keys)),
        {"keys-are-known[api-1]"},
    ),
    "sshd-takes-passwords": (
        lambda g: g.fact(API, "keys", settings={**known(g.of(API).keys).settings, "passwordauthentication": "yes"}),
        {"keys-are-known[api-1]"},
    ),
    "worker-under-another-name": (
        lambda g: with_process(g, FLEET, WORKER),
        {"units-are-all-there-are[fleet-fleet-1]"},
    ),
    "dialler-by-hand": (
        lambda g: with_process(g, SIP, "voxdialler.service", unit="", user="deploy"),
        {"units-are-all-there-are[dialler-sip-1]", "exactly-one-dialler-per-database[vox]"},
    ),
    "old-process-in-the-unit": (
        lambda g: with_process(g, FLEET, WORKER, unit=WORKER, started=1.0),
        {"process-is-the-new-code[fleet-1-voxcore@1]", "unit-has-only-its-own-processes[fleet-1-voxcore@1]"},
    ),
    "unit-disabled": (
        lambda g: g.unit(FLEET, WORKER, properties={"UnitFileState": "disabled"}),
        {"unit-is-active[fleet-1-voxcore@1]"},
    ),
    "unit-restarted": (
        lambda g: g.unit(FLEET, WORKER, properties={"NRestarts": "3"}),
        {"nothing-restarts-during-the-bake[fleet-1-voxcore@1]"},
    ),
    "runs-as-root": (
        lambda g: g.process(FLEET, WORKER, user="root", uid=0),
        {"runs-as-its-user[fleet-1-voxcore@1]"},
    ),
    "strangers-that-add-up": (
        lambda g: body(g, Question(FLEET, 8101, "/health/fleet"), workers=["fleet-9/1", "fleet-9/2"]),
        {"capacity-adds-up[fleet-fleet-1]"},
    ),
    "registry-counts-a-dead-worker": (
        lambda g: body(g, Question(FLEET, 8101, "/health/fleet"), worker_max=7, fleet_available=7),
        {"capacity-adds-up[fleet-fleet-1]"},
    ),
    "registry-counts-a-call-too-many": (
        lambda g: body(g, Question(FLEET, 8101, "/health/fleet"), worker_calls=1, fleet_available=5),
        {"capacity-adds-up[fleet-fleet-1]"},
    ),
    "foreign-client-of-the-database": (
        lambda g: replace(
            g,
            evidence=replace(
                g.evidence,
                first=with_client(g.evidence.first, "203.0.113.9", "mongosh"),
                second=with_client(g.evidence.second, "203.0.113.9", "mongosh"),
            ),
        ),
        {"database-sees-one-dialler[vox]"},
    ),
    "app-image": (
        lambda g: g.fact(
            SIP,
            "engines",
            containers=(
                *known(g.of(SIP).engines).containers,
                ContainerFact("docker", "f" * 64, "x", "vox/app:1", "created", "Created", "livekit"),
            ),
        ),
        {"only-livekit-in-containers[sip-1]"},
    ),
    "livekit-of-another-make": (
        lambda g: with_made(g, rights=("privileged",)),
        {"only-livekit-in-containers[sip-1]"},
    ),
    "livekit-with-the-host-in-it": (
        lambda g: with_made(g, mounts=("/:/host",)),
        {"only-livekit-in-containers[sip-1]"},
    ),
    "livekit-runs-something-else": (
        lambda g: with_made(g, command=("/bin/sh",)),
        {"only-livekit-in-containers[sip-1]"},
    ),
    "sip-mute": (
        lambda g: g.answer(Question(SIP, 5060, "/"), status=0, body=b"", trouble="no answer within 5 s"),
        {"livekit-is-healthy[sip-1]"},
    ),
    "sudo-for-another": (
        lambda g: g.fact(API, "sudo", others=(SudoRule("ALL", "", "ALL", "vox"),)),
        {"sudo-is-minimal[api-1]"},
    ),
    "probe-of-another": (
        lambda g: g.fact(API, "sudo", loose=("/usr/local/sbin/voxgate-probe",)),
        {"sudo-is-minimal[api-1]"},
    ),
    "root-runs-what-a-service-can-change": (
        lambda g: g.fact(API, "sudo", by_itself=("/home/vox/nightly",)),
        {"sudo-is-minimal[api-1]"},
    ),
    "sshd-older-than-its-files": (
        lambda g: g.fact(API, "keys", changed=known(g.of(API).keys).started + 1),
        {"keys-are-known[api-1]"},
    ),
    "something-mounted-in-a-folder": (
        lambda g: g.of_service(
            API, "checkouts", "backend", tree={**known(g.of(API).checkouts["backend"]).tree, ".venv/lib": ("special", "mounted")}
        ),
        {"no-foreign-files[backend-api-1]"},
    ),
    "second-remote": (
        lambda g: g.of_service(API, "checkouts", "backend", settings=("core.bare", "remote.evil.url")),
        {"remote-is-bitbucket[backend-api-1]"},
    ),
    "ssh-command-of-git": (
        lambda g: g.of_service(API, "checkouts", "backend", settings=("core.sshcommand",)),
        {"remote-is-bitbucket[backend-api-1]"},
    ),
    "hook-of-git-by-a-setting": (
        lambda g: g.of_service(API, "checkouts", "backend", settings=("core.bare", "gc.recentobjectshook")),
        {"remote-is-bitbucket[backend-api-1]"},
    ),
    "bundle-of-somebody-else": (
        lambda g: g.of_service(API, "checkouts", "backend", settings=("fetch.bundleuri",)),
        {"remote-is-bitbucket[backend-api-1]"},
    ),
    "hook-of-git": (
        lambda g: g.of_service(API, "checkouts", "backend", hooks=("post-checkout",)),
        {"remote-is-bitbucket[backend-api-1]"},
    ),
    "package-that-no-lock-names": (
        lambda g: g.of_service(SIP, "venvs", "dialler", installed={**known(g.of(SIP).venvs["dialler"]).installed, "pip": "25.0"}),
        {"venv-is-the-lock[dialler-sip-1]"},
    ),
    "module-put-back": (
        lambda g: g.of_service(SIP, "packages", "dialler", changed=9e9),
        {"process-is-the-new-code[sip-1-voxdialler]"},
    ),
    "python-of-no-package": (
        lambda g: g.of_service(SIP, "runtimes", "dialler", base=(("/srv/py", "belongs to no package of this host"),)),
        {"process-is-the-venvs[sip-1-voxdialler]"},
    ),
    "store-of-somebody-else": (
        lambda g: with_store(g, places=(("203.0.113.9", 6379),), held=(("203.0.113.9", 6379),)),
        {"backend-reaches-its-stores[backend-api-1]"},
    ),
    "store-of-somebody-else-too": (
        lambda g: with_store(
            g,
            places=(("198.51.100.11", 6379), ("203.0.113.9", 6379)),
            held=(("198.51.100.11", 6379), ("203.0.113.9", 6379)),
        ),
        {"backend-reaches-its-stores[backend-api-1]"},
    ),
    "livekit-mute": (
        lambda g: g.answer(Question(SIP, 7880, "/"), status=0, body=b"", trouble="no answer within 5 s"),
        {"livekit-is-healthy[sip-1]"},
    ),
}


def with_made(green: Case, **parts: Any) -> Case:
    """Livekit's first container, made of something else."""
    first, *others = known(green.of(SIP).engines).containers
    assert first.made is not None
    return green.fact(SIP, "engines", containers=(replace(first, made=replace(first.made, **parts)), *others))


def with_store(green: Case, **parts: Any) -> Case:
    """The backend's REDIS_URL, leading somewhere else."""
    facts = green.of(API).stores
    rows = tuple(replace(one, **parts) if one.setting == "REDIS_URL" else one for one in known(facts["backend"]))
    return green.host(API, stores={**facts, "backend": rows})


def starter(green: Case, host: str, name: str, **parts: Any) -> Case:
    """A service more that the next boot starts, or one otherwise."""
    services = known(green.of(host).boot).services
    one = services.get(name, StarterFact(name, "/etc/systemd/system/multi-user.target.wants/x", at_boot=True, foreign=()))
    return green.fact(host, "boot", services={**services, name: replace(one, **parts)})


def restarts(green: Case, count: str) -> Case:
    """A worker that systemd has started again by itself, so often, in both looks."""
    first = replace(green, evidence=replace(green.evidence, second=green.evidence.first))
    before = first.unit(FLEET, WORKER, properties={"NRestarts": count}).evidence.second
    after = green.unit(FLEET, WORKER, properties={"NRestarts": count}).evidence.second
    return replace(green, evidence=replace(green.evidence, first=before, second=after))


def with_client(look: Any, address: str, name: str) -> Any:
    """A database that sees one client more."""
    view = look.database("vox")
    return replace(look, databases={"vox": replace(view, clients=(*view.clients, DatabaseClient(address, 40000, name, "")))})


@pytest.mark.parametrize("name", CASES)
def test_a_changed_fact_turns_exactly_its_invariants(green: Case, name: str) -> None:
    change, wanted = CASES[name]
    found = change(green).judge()
    assert {key: verdict for key, (verdict, _) in found.items()} == dict.fromkeys(wanted, "violated"), found


@pytest.mark.parametrize("count", ["²", "9" * 5000, "", "-1"])
def test_a_count_of_restarts_that_is_no_number_is_blind(green: Case, count: str) -> None:
    verdicts = {verdict for verdict, _ in restarts(green, count).judge().values()}
    assert verdicts == {"blind"}


@pytest.mark.parametrize("python", ["3." + "9" * 5000, "3.²", "²"])
def test_a_version_of_python_that_is_no_number_is_judged(green: Case, python: str) -> None:
    verdicts = green.of_service(API, "venvs", "backend", python=python).judge().values()
    assert {verdict for verdict, _ in verdicts} <= {"violated"}


def test_what_the_estate_allows_may_listen(green: Case) -> None:
    pid = main_pid(green, FLEET, WORKER)
    case = with_listener(green, FLEET, "127.0.0.1", 9000 + 1, pid)
    assert "only-expected-listeners[fleet-1]" in case.judge()
    listeners = {**(green.estate.listeners or {}), "fleet": (Listener(WORKER, 9001, loopback=True),)}
    assert replace(case, estate=replace(green.estate, listeners=listeners)).judge() == {}


@pytest.mark.parametrize(
    ("address", "port", "said"),
    [("127.0.0.1", 40_000, "loopback:0"), ("127.0.0.1", 9001, "loopback:9001"), ("10.0.0.1", 40_000, 40_000)],
    ids=["one that the kernel picked", "its own", "a door"],
)
def test_a_port_of_loopback_that_is_another_at_each_start_is_drafted_as_any(
    green: Case, address: str, port: int, said: str | int
) -> None:
    case = with_listener(green, FLEET, address, port, main_pid(green, FLEET, WORKER))
    (entry,) = drafted(case.estate, case.evidence).entries
    assert (entry.place, entry.value) == (("listeners", FLEET), {WORKER: (said,)})


@pytest.mark.parametrize("port", [40_000, 9001])
def test_no_entry_lets_every_account_s_jobs_listen_where_they_like(green: Case, port: int) -> None:
    """In a unit that starts what anybody likes an entry is for one port."""
    row = process(green, FLEET, WORKER, unit="cron.service", command="python3", argv=("python3",), cwd="/", runs=())
    case = green.host(FLEET, processes=(*known(green.of(FLEET).processes), row))
    case = with_listener(case, FLEET, "127.0.0.1", port, row.pid)
    (entry,) = drafted(case.estate, case.evidence).entries
    assert entry.value == {"cron.service": (f"loopback:{port}",)}


def test_a_socket_of_systemds_is_told_as_such(green: Case) -> None:
    rows = known(green.of(FLEET).processes)
    first = replace(next(one for one in rows if one.pid == 1), unit="init.scope")
    case = green.host(FLEET, processes=(first, *(one for one in rows if one.pid != 1)))
    case = with_listener(case, FLEET, "10.0.0.1", 9090, 1)
    (entry,) = drafted(case.estate, case.evidence).entries
    assert entry.value == {"init.scope": (9090,)}
    assert entry.about.startswith("systemd itself, for a service that was not asked for yet")


def test_a_wildcard_allows_units_of_that_beginning_and_no_others(green: Case) -> None:
    pid = main_pid(green, FLEET, WORKER)
    case = with_listener(green, FLEET, "127.0.0.1", 9001, pid)
    for who, wanted in (("voxcor*.service", set()), ("voxcare*.service", {"only-expected-listeners[fleet-1]"})):
        listeners = {**(green.estate.listeners or {}), "fleet-1": (Listener(who, 9001),)}
        assert set(replace(case, estate=replace(green.estate, listeners=listeners)).judge()) == wanted


def test_a_folder_that_the_services_file_names_may_be_served(green: Case) -> None:
    case = green.fact(API, "nginx", roots=("/opt/vox-frontend/dist", "/var/www/letsencrypt"))
    services = tuple(replace(one, web_roots=("/var/www/letsencrypt",)) for one in case.estate.services)
    assert replace(case, estate=replace(case.estate, services=services)).judge() == {}


@pytest.mark.parametrize("address", [ANY, "::"])
@pytest.mark.parametrize(
    "unit",
    [
        "", "user@1000.service", "cron.service", "atd.service", "ssh.service", "exim4.service",
        "ssh@3-198.51.100.7:22-203.0.113.9:50122.service", "cron-joe-joe-0.service", "opensmtpd.service",
    ],
)  # fmt: skip
def test_a_client_port_that_somebody_holds_by_hand_all_the_time_is_a_door(green: Case, unit: str, address: str) -> None:
    """Also one that starts itself anew, or opens it by another address, between the looks."""
    row = process(green, FLEET, WORKER, unit=unit, command="python3", argv=("python3",), exe="/usr/bin/python3", cwd="/", runs=())
    door = SocketFact(ANY, 40000, None, None, (row.pid,))
    case = green.host(FLEET, processes=(*known(green.of(FLEET).processes), row), datagrams=(door,))
    assert case.judge() == {}
    first = case.evidence.first
    before = replace(door, address=address, pids=(row.pid - 1,))
    steady = {**first.hosts, FLEET: replace(first.host(FLEET), datagrams=(before,))}
    case = replace(case, evidence=replace(case.evidence, first=replace(first, hosts=steady)))
    assert set(case.judge()) == {"only-expected-listeners[fleet-1]"}


def moved(green: Case, was: SocketFact, now: SocketFact, *rows: Any) -> Case:
    """One socket of UDP in each look, at different ports, with the processes that have it."""
    first = green.evidence.first
    looked = first.host(FLEET)
    before = replace(looked, datagrams=(was,), processes=(*known(looked.processes), *rows))
    case = green.host(FLEET, datagrams=(now,), processes=(*known(green.of(FLEET).processes), *rows))
    return replace(case, evidence=replace(case.evidence, first=replace(first, hosts={**first.hosts, FLEET: before})))


@pytest.mark.parametrize("unit", ["", "user@1000.service", "cron.service", "ssh.service"])
@pytest.mark.parametrize("number", [0, 1], ids=["one-process", "started-anew"])
def test_a_client_port_that_moves_between_the_looks_is_a_door_all_the_same(green: Case, unit: str, number: int) -> None:
    """By the account: whoever asks a question has one for a moment."""
    row = process(
        green, FLEET, WORKER, unit=unit, uid=1004, command="python3", argv=("python3",), exe="/usr/bin/python3", runs=()
    )
    anew = replace(row, pid=row.pid + number)
    was, now = (SocketFact(ANY, port, None, None, (pid,), uid=1004) for port, pid in ((40000, row.pid), (40001, anew.pid)))
    rows = {row.pid: row, anew.pid: anew}.values()
    judged = moved(green, was, now, *rows).judge()
    assert set(judged) == {"only-expected-listeners[fleet-1]"}
    assert "UDP 0.0.0.0:40001, after UDP 0.0.0.0:40000 in the first look" in judged["only-expected-listeners[fleet-1]"][1]
    assert moved(green, was, replace(now, uid=1005), *rows).judge() == {}, "of another account"
    assert moved(green, replace(was, port=60), now, *rows).judge() == {}, "what was before had no client port"


def test_a_client_port_that_moves_and_that_no_process_has_is_a_door_but_of_a_unit_s_account(green: Case) -> None:
    """It may be on its way from one process to another. Of a unit that asks all the time one was there a moment ago."""
    was, now = (SocketFact(ANY, port, None, None, (), uid=1004) for port in (40000, 40001))
    assert set(moved(green, was, now).judge()) == {"only-expected-listeners[fleet-1]"}
    account = process(green, FLEET, WORKER).uid
    assert moved(green, replace(was, uid=account), replace(now, uid=account)).judge() == {}


def test_what_the_estate_says_of_udp_may_be_there(green: Case) -> None:
    pid = main_pid(green, FLEET, WORKER)
    case = with_datagram(with_datagram(green, FLEET, ANY, 10500, pid), FLEET, "127.0.0.1", 323, pid)
    said = (Listener(WORKER, 10000, protocol="udp", last=20000), Listener(WORKER, 323, loopback=True, protocol="udp"))
    listeners = {**(green.estate.listeners or {}), "fleet": said}
    assert replace(case, estate=replace(green.estate, listeners=listeners)).judge() == {}
    tcp = {**listeners, "fleet": tuple(replace(one, protocol="tcp") for one in said)}
    assert set(replace(case, estate=replace(green.estate, listeners=tcp)).judge()) == {"only-expected-listeners[fleet-1]"}


def test_a_connection_without_a_name_is_its_process(green: Case) -> None:
    """A driver has just opened it: its first message is on the way. It must have come by the next look."""
    api = green.evidence.second.host(API)
    mine, other = main_pid(green, API, "voxbridge.service"), main_pid(green, API, "nginx.service")

    def nameless(pid: int, *, before: bool) -> Any:
        held = (*known(api.connections), SocketFact("198.51.100.21", 40000, "198.51.100.11", 27017, (pid,)))
        evidence = green.host(API, connections=held).evidence
        first = with_client(evidence.first, "198.51.100.21", "") if before else evidence.first
        return replace(green, evidence=replace(evidence, first=first, second=with_client(evidence.second, "198.51.100.21", "")))

    wanted = {"database-sees-one-dialler[vox]": "violated"}
    assert {key: verdict for key, (verdict, _) in nameless(mine, before=False).judge().items()} == {}
    for case in (nameless(mine, before=True), nameless(other, before=False)):
        assert {key: verdict for key, (verdict, _) in case.judge().items()} == wanted


@pytest.mark.parametrize(("path", "red"), [(".well-known/security.txt", set()), (".well-known/.env", {"violated"})])
def test_what_is_there_to_be_seen_is_not_exposed(green: Case, path: str, red: set[str]) -> None:
    fact = known(green.of(API).dists["console"])
    more = green.of_service(API, "dists", "console", files={**fact.files, path: (1, "0" * 64)})
    assert {verdict for verdict, _ in more.judge(["console-exposes-nothing"]).values()} == red


@pytest.mark.parametrize(
    ("was", "now", "seen"),
    [
        (b"voxdialler_calls_placed_total", b"voxdialler_placed_total", "'voxdialler_calls_placed_total' is a required property"),
        (
            b"# TYPE voxdialler_last_tick_timestamp_seconds gauge",
            b"# TYPE voxdialler_last_tick_timestamp_seconds histogram",
            "voxdialler_last_tick_timestamp_seconds",
        ),
    ],
)
def test_a_metric_that_dashboards_name_is_there_with_its_type(green: Case, was: bytes, now: bytes, seen: str) -> None:
    metrics = Question(SIP, 8090, "/metrics")
    body = green.evidence.second.answer(metrics).body
    assert was in body
    verdict, found = green.answer(metrics, body=body.replace(was, now)).judge()["metrics-are-well-formed[sip-1-voxdialler]"]
    assert verdict == "violated"
    assert seen in found


def test_of_livekits_containers_those_alone_go_that_are_not_as_they_must_be(green: Case) -> None:
    first, other = known(green.of(SIP).engines).containers
    assert other.made is not None
    rule, up = "only-livekit-in-containers[sip-1]", "`docker compose ls -a` says"
    beside = green.fact(SIP, "engines", traces=("/run/podman.sock",))
    assert f"nothing else: {up}" in beside.advice(rule)
    wrong = green.fact(
        SIP, "engines", containers=(first, replace(other, made=replace(other.made, as_image=False, command=("x",))))
    )
    assert f"nothing else: `docker rm -f {other.name}`; {up}" in wrong.advice(rule)
