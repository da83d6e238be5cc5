"""A rule names all that it found on a subject, not the first: however many strangers there are on a host, one look is enough."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from tests.unit.suites.conftest import Case
from voxgate.model.estate import Listener
from voxgate.model.evidence import ContainerFact, Missing, ProcessFact, SocketFact, known
from voxgate.model.look import Look, Question
from voxgate.model.surroundings import BootFact, CopiesFact, CopyFact, DiskFact, JobFact, KeyFact, MemoryFact, StarterFact
from voxgate.model.waiver import Waiver
from voxgate.plugin import say_all
from voxgate.plugin.words import words_of
from voxgate.survey.findings import is_loopback, is_public

SIP, FLEET, API, WORKER = "sip-1", "fleet-1", "api-1", "voxcore@1.service"


def listening(green: Case) -> Case:
    """Two units more that listen, one by UDP, and somebody who holds nothing that can be seen."""
    rows = known(green.of(SIP).processes)
    agents = [replace(rows[0], pid=4000 + n, unit=f"{name}.service", container="") for n, name in enumerate(("snmpd", "vector"))]
    host = green.of(SIP)
    ports = [SocketFact("10.0.0.1", port, None, None, pids) for port, pids in ((8686, (4001,)), (9999, ()))]
    return green.host(
        SIP,
        processes=(*rows, *agents),
        listeners=(*known(host.listeners), *ports),
        datagrams=(*known(host.datagrams), SocketFact("127.0.0.1", 161, None, None, (4000,))),
    )


def booting(green: Case) -> Case:
    """Two units more at boot, and a program that makes units."""
    boot = known(green.of(SIP).boot)
    assert isinstance(boot, BootFact)
    more = {
        name: StarterFact(name, "/by", at_boot=True, foreign=(f"/etc/systemd/system/{name}",))
        for name in ("agent-a.service", "agent-b.service")
    }
    return green.fact(SIP, "boot", services={**boot.services, **more}, generators=("/etc/systemd/system-generators/x",))


def strays(green: Case) -> list[ProcessFact]:
    """Two processes of the fleet's code that no unit of it has."""
    like = next(one for one in known(green.of(FLEET).processes) if one.unit == WORKER)
    return [replace(like, pid=pid, unit="x.service") for pid in (5001, 5002)]


def changed(green: Case) -> dict[str, tuple[str, str]]:
    """The tree with one file changed and another gone."""
    tree = dict(known(green.of(FLEET).checkouts["fleet"]).tree)
    first, second = sorted(tree)[:2]
    del tree[first]
    tree[second] = (tree[second][0], "0" * 40)
    return tree


MORE = {"x.py": ("100644", "0" * 40), "y.py": ("100644", "0" * 40)}
COPIES = (
    CopyFact("/srv/a", "checkout", ("vox-dialler",), ()),
    CopyFact("/srv/b", "checkout", ("vox-dialler",), ()),
    CopyFact("/x", "unreadable", (), ()),
)
DOUBT = "process 7 (chronyd) of vox calls itself so"


def started(green: Case) -> Iterator[ProcessFact]:
    """Two of node, and a program in somebody's home."""
    row = replace(known(green.of(API).processes)[0], user="root", command="x", container="")
    yield replace(row, pid=4001, command="node", argv=("node", "a.js"))
    yield replace(row, pid=4002, exe="/usr/bin/node")
    yield replace(row, pid=4003, exe="/home/x/y")


def boxes() -> tuple[ContainerFact, ...]:
    """Two containers that are nobody's."""
    return tuple(ContainerFact("docker", name * 64, name, f"{name}:1", "running", "Up", "") for name in "ab")


def contained(green: Case) -> Iterator[ContainerFact]:
    """Livekit's, the first with a path of the host in it."""
    first, *rest = known(green.of(SIP).engines).containers
    assert first.made is not None
    yield replace(first, made=replace(first.made, mounts=("/host:/host",)))
    yield from rest


def of_data(green: Case) -> Case:
    """Two stores that do not listen, and somebody else in the place of one of them."""
    sockets = known(green.of("data").listeners)
    ssh = next(one for one in sockets if one.port == 22)
    others = tuple(one for one in sockets if one.port not in {6379, 27017})
    return green.host("data", listeners=(*others, replace(ssh, address="10.0.0.1", port=6379)))


def page_says(green: Case, question: Question, **words: Any) -> Case:
    """A page of the second look with other members."""
    document = json.loads(green.evidence.second.answer(question).body)
    return green.answer(question, body=json.dumps({**document, **words}).encode())


def only_strangers(look: Look) -> Look:
    """The database with clients of nobody's in place of the dialler's."""
    view = look.database("vox")
    clients = tuple(
        replace(one, app_name="odd", address="203.0.113.9") if one.app_name == "vox-dialler" else one for one in view.clients
    )
    return replace(look, databases={"vox": replace(view, clients=clients)})


def workers_say(green: Case, **words: str) -> Case:
    """Every worker of the first fleet host says other things of itself."""
    for question, answer in green.evidence.second.answers.items():
        if question.host == FLEET and question.path == "/health" and not isinstance(answer, Missing):
            green = green.answer(question, body=json.dumps({**json.loads(answer.body), **words}).encode())
    return green


CASES: dict[str, tuple[Callable[[Case], Case], str, tuple[str, ...]]] = {
    "listeners": (
        listening,
        "only-expected-listeners[sip-1]",
        ("snmpd.service listens on UDP 127.0.0.1:161", "vector.service listens on 10.0.0.1:8686", "10.0.0.1:9999"),
    ),
    "boot": (booting, "boot-starts-only-what-is-known[sip-1]", ("agent-a.service", "agent-b.service", "system-generators/x")),
    "copies": (
        lambda g: g.host(SIP, copies=CopiesFact(3, COPIES)),
        "one-copy-only[sip-1]",
        ("/srv/a", "/srv/b", "/x"),
    ),
    "jobs": (
        lambda g: g.host(SIP, jobs=tuple(JobFact(f"/etc/cron.d/{n}", "root", ("git",)) for n in "ab")),
        "one-copy-only[sip-1]",
        ("/etc/cron.d/a", "/etc/cron.d/b"),
    ),
    "room": (
        lambda g: g.fact(
            SIP, "room", disks=(DiskFact("/", 100, 1, 100, 1), DiskFact("/var", 100, 1, 100, 100)), memory=MemoryFact(2**30, 1)
        ),
        "host-has-room[sip-1]",
        ("/ has 0 MB free", "/var has 0 MB free", "/ has 1 inodes free", "of memory"),
    ),
    "clock": (
        lambda g: g.fact(SIP, "clock", container=False, keepers=(), doubts=(DOUBT, "another")),
        "clock-is-right[sip-1]",
        (DOUBT, "another", "nothing keeps the clock in time"),
    ),
    "node": (
        lambda g: g.host(API, processes=(*known(g.of(API).processes), *started(g))),
        "no-node-runs[api-1]",
        (
            "process 4001 of root is node: node a.js",
            "process 4002 of root is node",
            "process 4003 of root is a program of its own",
        ),
    ),
    "keys": (
        lambda g: g.fact(SIP, "keys", keys=(*(KeyFact("deploy", "/k", "unreadable"),) * 2, KeyFact("root", "/r", "SHA256:x"))),
        "keys-are-known[sip-1]",
        ("/k lets unreadable log in as deploy (2 such lines)", "/r lets SHA256:x log in as root"),
    ),
    "containers": (
        lambda g: g.fact(SIP, "engines", containers=(*contained(g), *boxes()), traces=("/run/podman.sock",)),
        "only-livekit-in-containers[sip-1]",
        (
            "another container engine is here: /run/podman.sock",
            "container a of image a:1",
            "container b of image b:1",
            "/host:/host",
        ),
    ),
    "containers elsewhere": (
        lambda g: g.fact(FLEET, "engines", engines={"docker": "27"}, containers=boxes()),
        "only-livekit-in-containers[fleet-1]",
        ("container a of image a:1", "container b of image b:1", "a container engine is here: docker"),
    ),
    "what a process runs": (
        lambda g: g.runtime(FLEET, "fleet", gone=("/a (deleted)", "/b (deleted)"), elsewhere=("/c",), loader=("LD_PRELOAD",)),
        "process-is-the-venvs[fleet-1-voxcore@1]",
        ("/a (deleted)", "/b (deleted)", "runs code of /c", "LD_PRELOAD"),
    ),
    "processes of a service outside of its units": (
        lambda g: g.host(FLEET, processes=(*known(g.of(FLEET).processes), *strays(g))),
        "units-are-all-there-are[fleet-fleet-1]",
        ("process 5001 of", "process 5002 of"),
    ),
    "files of a tree": (
        lambda g: g.of_service(FLEET, "checkouts", "fleet", tree=changed(g)),
        "tree-is-the-commit[fleet-fleet-1]",
        ("is gone", "differs from the commit", "1 changed, 1 gone"),
    ),
    "foreign files": (
        lambda g: g.of_service(FLEET, "checkouts", "fleet", tree={**known(g.of(FLEET).checkouts["fleet"]).tree, **MORE}),
        "no-foreign-files[fleet-fleet-1]",
        ("/x.py is not in the commit", "/y.py is not in the commit", "2 such files"),
    ),
    "settings": (
        lambda g: g.of_service(FLEET, "env_files", "fleet", keys=(), mode="0644", owner="root"),
        "env-file-is-complete[fleet-fleet-1]",
        ("/opt/vox-agents/.env lacks DEEPGRAM_API_KEY", "belongs to root", "has mode 0644"),
    ),
    "settings that are newer": (
        lambda g: g.of_service(FLEET, "env_files", "fleet", changed=9e9),
        "env-file-is-complete[fleet-fleet-1]",
        ("newer than the process of voxcore@1.service", "newer than the process of voxcore@2.service"),
    ),
    "stores of a service": (
        lambda g: g.host(
            API,
            stores={
                **g.of(API).stores,
                "backend": tuple(replace(one, outcome="refused") for one in known(g.of(API).stores["backend"])),
            },
        ),
        "backend-reaches-its-stores[backend-api-1]",
        ("the address in MONGODB_URI could not", "the address in REDIS_URL could not", "the address in S3_ENDPOINT could not"),
    ),
    "stores of a host": (
        of_data,
        "stores-are-private[data]",
        ("mongod.service does not listen", "redis-server.service does not listen", "ssh.service listens on 10.0.0.1:6379"),
    ),
    "a unit": (
        lambda g: g.process(FLEET, WORKER, state="T").unit(
            FLEET, WORKER, properties={"UnitFileState": "disabled", "Transient": "yes"}
        ),
        "unit-is-active[fleet-1-voxcore@1]",
        ("is disabled", "is transient", "is halted"),
    ),
    "processes of old code": (
        lambda g: g.host(
            FLEET,
            processes=(*known(g.of(FLEET).processes), *(replace(one, unit=WORKER, started=1.0) for one in strays(g))),
        ),
        "process-is-the-new-code[fleet-1-voxcore@1]",
        ("process 5001 of voxcore@1.service is", "process 5002 of voxcore@1.service is"),
    ),
    "a unit's files as systemd has them": (
        lambda g: g.unit(FLEET, WORKER, changed=9e9, properties={"NeedDaemonReload": "yes", "DropInPaths": "/x.conf"}),
        "unit-file-is-the-expected[fleet-1-voxcore@1]",
        ("systemd made voxcore@1.service of", "systemd has an older", "before its unit file was changed"),
    ),
    "what a service's interpreter is": (
        lambda g: g.runtime(FLEET, "fleet", strange=("HOSTALIASES",), gone=("/a",)).of_service(
            FLEET, "runtimes", "fleet", preload=True, base=(("/b", "is changed"), ("/c", "is new"))
        ),
        "process-is-the-venvs[fleet-1-voxcore@1]",
        ("loads something first", "/b is changed", "/c is new"),
    ),
    "an environment": (
        lambda g: g.of_service(FLEET, "venvs", "fleet", sync_status=1, sync_said="would install x", installed={"y": "1"}),
        "venv-is-the-lock[fleet-fleet-1]",
        ("would install x", "holds y 1"),
    ),
    "a python": (
        lambda g: g.of_service(FLEET, "venvs", "fleet", python="3.9.1", system_site_packages=True),
        "python-is-3-12-or-newer[fleet-fleet-1]",
        ("is Python 3.9.1", "sees the system's packages"),
    ),
    "pins of workers": (
        lambda g: workers_say(g, pipecat="0.0.1"),
        "pipecat-is-pinned[fleet-fleet-1]",
        (":8101/health reports", ":8102/health reports", ":8103/health reports"),
    ),
    "livekit": (
        lambda g: g.fact(
            SIP, "engines", containers=tuple(replace(one, state="exited") for one in known(g.of(SIP).engines).containers)
        ),
        "livekit-is-healthy[sip-1]",
        ("livekit-livekit-1 is exited", "livekit-sip-1 is exited"),
    ),
    "ids of workers": (
        lambda g: workers_say(g, worker="w/1"),
        "each-worker-has-its-own-id",
        ("fleet-1-voxcore@2 and fleet-1-voxcore@1 both call", "fleet-1-voxcore@3 and fleet-1-voxcore@1 both call"),
    ),
    "a worker": (
        lambda g: workers_say(g, worker="w/9", service="other"),
        "all-workers-are-up[fleet-1-voxcore@1]",
        ("is answered by other", "is answered by worker w/9"),
    ),
    "releases of the fleet": (
        lambda g: workers_say(g, commit="f" * 40).of_service(FLEET, "venvs", "fleet", lock_sha256="0" * 64),
        "fleet-runs-one-release",
        ("voxcore@1 reports ffffffffffff", "voxcore@3 reports ffffffffffff", "have different locks"),
    ),
    "mounts in a tree": (
        lambda g: g.of_service(
            FLEET,
            "checkouts",
            "fleet",
            tree={
                **known(g.of(FLEET).checkouts["fleet"]).tree,
                "a": ("mount", "mounted"),
                "b": ("mount", "mounted"),
                "x.py": ("100644", "0"),
            },
        ),
        "no-foreign-files[fleet-fleet-1]",
        ("mounted on /opt/vox-agents/a", "mounted on /opt/vox-agents/b", "x.py is not in the commit"),
    ),
    "copies and jobs": (
        lambda g: g.host(SIP, copies=CopiesFact(3, COPIES), jobs=(JobFact("/etc/cron.d/a", "root", ("git",)),)),
        "one-copy-only[sip-1]",
        ("/srv/a", "/etc/cron.d/a"),
    ),
    "files of a build": (
        lambda g: g.of_service(
            API, "dists", "console", files={p: (s, "0" * 64) for p, (s, _) in known(g.of(API).dists["console"]).files.items()}
        ),
        "dist-is-this-build[console-api-1]",
        ("index.html is not as it was built", "assets/"),
    ),
    "another build, with another file": (
        lambda g: g.of_service(API, "dists", "console", target="builds/x", built={}, changed=9e9),
        "dist-is-this-build[console-api-1]",
        ("points to builds/x, not to the build of", "index.html is not as it was built", "after it was published"),
    ),
    "a build without its page": (
        lambda g: g.of_service(
            API,
            "dists",
            "console",
            files={p: (s, "0" * 64) for p, (s, _) in known(g.of(API).dists["console"]).files.items() if p != "index.html"},
        ),
        "nginx-serves-exactly-dist[console-api-1]",
        ("/opt/vox-frontend/dist has no index.html", "/assets/"),
    ),
    "a drop-in, and an older unit in the process": (
        lambda g: g.unit(
            FLEET, WORKER, changed=9e9, files={**known(g.of(FLEET).units)[WORKER].files, "/etc/a.conf": "0" * 64, "/b.conf": "1"}
        ),
        "unit-file-is-the-expected[fleet-1-voxcore@1]",
        ("/etc/a.conf also makes", "/b.conf also makes", "systemd made voxcore@1.service of", "before its unit file was changed"),
    ),
    "a unit that dies": (
        lambda g: g.unit(FLEET, WORKER, properties={"NRestarts": "7"}).process(FLEET, WORKER, started=9e9),
        "nothing-restarts-during-the-bake[fleet-1-voxcore@1]",
        ("its restart count went from 0 to 7", "started voxcore@1.service again, 7 times by now"),
    ),
    "no pin, and another version": (
        lambda g: g.of_service(FLEET, "venvs", "fleet", declared={"pipecat-ai": ">=1"}, installed={}),
        "pipecat-is-pinned[fleet-fleet-1]",
        ("asks for pipecat-ai>=1", "/.venv has pipecat-ai None, the lock is"),
    ),
    "an environment of nothing": (
        lambda g: g.of_service(FLEET, "packages", "fleet", distributions=0, bad=(("x.py", "is new"),), bad_count=1),
        "site-packages-are-intact[fleet-fleet-1]",
        ("holds no distribution at all", "x.py is new"),
    ),
    "nginx": (
        lambda g: g.fact(API, "nginx", doubts=("one calls itself so", "another"), status=1),
        "nginx-runs-its-config[console-api-1]",
        ("one calls itself so", "another", "nginx -t refuses"),
    ),
    "ticks": (
        lambda g: page_says(g, Question(SIP, 8090, "/health"), ticks=1, last_tick_at="2020-01-01T00:00:00+00:00").answer(
            Question(SIP, 8090, "/metrics"), body=b"x"
        ),
        "tick-loop-is-alive[sip-1-voxdialler]",
        ("ticks stand still at 1", "its last tick is", "/metrics: metrics are not well-formed"),
    ),
    "a dialler that is silent": (
        lambda g: g.answer(Question(SIP, 8090, "/health"), status=0, body=b"", trouble="connection refused").answer(
            Question(SIP, 8090, "/metrics"), status=0, body=b"", trouble="connection refused"
        ),
        "tick-loop-is-alive[sip-1-voxdialler]",
        ("GET :8090/health gave no answer", "GET :8090/metrics gave no answer"),
    ),
    "capacity": (
        lambda g: page_says(
            g, Question(FLEET, 8101, "/health/fleet"), worker_max=1, workers=["w/9"], worker_calls=9, fleet_available=7
        ),
        "capacity-adds-up[fleet-fleet-1]",
        ("worker_max 1, the 6", "other workers than live", "worker_max 1, the estate", "worker_calls 9", "fleet_available 7"),
    ),
    "clients of a database, and none of the dialler": (
        lambda g: replace(
            g, evidence=replace(g.evidence, first=only_strangers(g.evidence.first), second=only_strangers(g.evidence.second))
        ),
        "database-sees-one-dialler[vox]",
        ("203.0.113.9", "no connection of the dialler"),
    ),
    "secrets": (
        lambda g: g.of_service(FLEET, "leaks", "fleet", found=(("A_KEY", "git"), ("B_KEY", "dist"))),
        "no-secret-leaks[fleet-fleet-1]",
        ("A_KEY", "B_KEY"),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_all_of_them_stand_in_one_line(green: Case, case: str) -> None:
    change, key, words = CASES[case]
    verdict, found = change(green).judge()[key]
    assert verdict == "violated"
    assert [word for word in words if word not in found] == []


def test_what_several_were_found_is_one_line_each_of_them_once() -> None:
    said = AssertionError(say_all("h", ["a is wrong", "b\nis", "a is wrong", "c; d"], "mend it"))
    words = words_of(said, None, None, date(2026, 11, 28))
    assert (words.found, words.advice) == ("h: a is wrong; b\\nis; c, d", "mend it")


@pytest.mark.parametrize(("synchronised", "verdict"), [(True, "waived"), (None, "violated")])
def test_what_could_not_be_seen_stands_beside_what_was_found(green: Case, *, synchronised: bool | None, verdict: str) -> None:
    """So no waiver hides it: it covers the one, and not the other."""
    waiver = Waiver("clock-is-right", SIP, DOUBT, "it goes", "ops", green.evidence.second.day)
    case = green.fact(SIP, "clock", container=False, keepers=("chronyd",), doubts=(DOUBT,), synchronised=synchronised)
    judged = replace(case, estate=replace(green.estate, waived=(waiver,))).judge(["clock-is-right"])
    assert judged["clock-is-right[sip-1]"][0] == verdict
    assert ("the kernel does not say whether" in judged["clock-is-right[sip-1]"][1]) == (synchronised is None)


@pytest.mark.parametrize(
    ("address", "loopback", "public"),
    [
        ("127.0.0.1", True, False),
        ("::1", True, False),
        ("::ffff:127.0.0.1", True, False),
        ("::", False, False),
        ("0.0.0.0", False, False),  # noqa: S104 - read, not bound
        ("::ffff:8.8.8.8", False, True),
        ("::ffff:10.0.0.1", False, False),
        ("*", False, False),
    ],
)
def test_an_address_of_ipv4_in_ipv6_is_what_it_is(address: str, *, loopback: bool, public: bool) -> None:
    assert (is_loopback(address), is_public(address)) == (loopback, public)


@pytest.mark.parametrize("entry", ["cockpit.service", "init.scope"])
@pytest.mark.parametrize("runs", [False, True], ids=["not asked for yet", "running"])
def test_a_socket_of_systemds_is_its_services(green: Case, entry: str, runs: bool) -> None:  # noqa: FBT001
    """Whichever of the two the estate names, and whether anybody asked for it yet or not; on another port it is a stranger."""
    rows = known(green.of(SIP).processes)
    first = next(one for one in rows if one.pid == 1)
    service = replace(first, pid=4001, ppid=1, unit="cockpit.service")

    def said(port: int) -> Case:
        socket = SocketFact("10.0.0.1", port, None, None, (1, 4001) if runs else (1,))
        case = green.host(SIP, processes=(*rows, service), listeners=(*known(green.of(SIP).listeners), socket))
        more = {**(case.estate.listeners or {}), SIP: (Listener(entry, 9090),)}
        return replace(case, estate=replace(case.estate, listeners=more))

    assert said(9090).judge(["only-expected-listeners"]) == {}
    assert set(said(9091).judge(["only-expected-listeners"])) == {f"only-expected-listeners[{SIP}]"}
