"""Fingerprints of what a look saw: the same for the same host, however it is told; another for each thing that is another."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxgate.model.evidence import ContainerFact, HostEvidence, MadeFact, Missing, SocketFact, known
from voxgate.model.fingerprints import (
    ALL,
    NAME_AT_MOST,
    ROWS_AT_MOST,
    UNSEEN,
    Difference,
    Prints,
    bounded,
    differences,
    digest_of,
    name_of,
    smaller,
)
from voxgate.model.surroundings import CopyFact, JobFact, KeyFact, OtherFact, StarterFact, SudoRule, TurnFact
from voxgate.model.web_servers import RouteFact, ServerFact, SiteFact
from voxgate.survey.fingerprints import Row, prints_of, rows_of

from .conftest import Case

API, SIP = "api-1", "sip-1"
TEXT = st.text(max_size=12)


def prints(host: HostEvidence) -> Prints:
    return prints_of(rows_of(host))


def told(green: Case, other: Case, name: str) -> list[tuple[str, str, str]]:
    """What of a host is another in the other case."""
    return [(one.kind, one.name, one.how) for one in differences(prints(green.of(name)), prints(other.of(name)))]


def with_row(fact: str, host: str, field: str, *more: Any) -> Callable[[Case], Case]:
    """A case with more rows in a part of a fact."""
    return lambda green: green.fact(host, fact, **{field: (*getattr(known(getattr(green.of(host), fact)), field), *more)})


def with_file(green: Case) -> Case:
    unit = known(green.of(API).units)["voxbridge.service"]
    return green.unit(API, unit.name, files={**unit.files, "/etc/systemd/system/voxbridge.service.d/x.conf": "0" * 64})


def with_boot(green: Case) -> Case:
    services = known(green.of(API).boot).services
    agent = StarterFact("agent.service", "/by", at_boot=True, foreign=("/etc/systemd/system/agent.service",))
    return green.fact(API, "boot", services={**services, "agent.service": agent})


def with_listener(green: Case, port: int = 9000, address: str = "0.0.0.0") -> Case:  # noqa: S104
    return green.host(API, listeners=(*known(green.of(API).listeners), SocketFact(address, port, None, None, (17,))))


def with_tree(green: Case) -> Case:
    tree = known(green.of(API).checkouts["backend"]).tree
    return green.of_service(API, "checkouts", "backend", tree={**tree, "x.py": ("100644", "0" * 40)})


def with_digits(green: Case) -> Case:
    digits = known(green.of(API).env_files["backend"]).digits
    other = tuple(one.replace("063 LIVEKIT_API_KEY", "064 LIVEKIT_API_KEY") for one in digits)
    return green.of_service(API, "env_files", "backend", digits=other)


ACCOUNTS = (("root", "0:0 /root /bin/bash"), ("deploy", "1000:1000 /home/deploy /bin/bash"))
SETTINGS = ("settings", "backend: values, by check digits", "changed")
CHANGES: Mapping[str, tuple[str, Callable[[Case], Case], tuple[str, str, str]]] = {
    "tree": (API, with_tree, ("checkout", "backend: files", "changed")),
    "head": (
        API,
        lambda g: g.of_service(API, "checkouts", "backend", head="0" * 40),
        ("checkout", "backend: HEAD", "changed"),
    ),
    "hook": (
        API,
        lambda g: g.of_service(API, "checkouts", "backend", hooks=("post-merge",)),
        ("checkout", "backend: git's settings", "changed"),
    ),
    "writer": (
        API,
        lambda g: g.of_service(API, "checkouts", "backend", loose=(("x.py", "www-data"),)),
        ("checkout", "backend: writers", "changed"),
    ),
    "package": (
        API,
        lambda g: g.of_service(API, "venvs", "backend", installed={"h11": "0.17"}),
        ("environment", "backend: packages", "changed"),
    ),
    "records": (
        API,
        lambda g: g.of_service(API, "packages", "backend", records="0" * 64),
        ("environment", "backend: files", "changed"),
    ),
    "build": (
        API,
        lambda g: g.of_service(API, "dists", "console", target="builds/x"),
        ("build", "console: files", "changed"),
    ),
    "value": (API, with_digits, SETTINGS),
    "mode": (API, lambda g: g.of_service(API, "env_files", "backend", mode="0644"), ("settings", "backend: file", "changed")),
    "setting": (
        API,
        lambda g: g.of_service(API, "env_files", "backend", keys=("X",)),
        ("settings", "backend: names", "changed"),
    ),
    "preload": (
        API,
        lambda g: g.of_service(API, "runtimes", "backend", preload=True),
        ("process", "backend: interpreter and libraries", "changed"),
    ),
    "mount": (API, lambda g: g.runtime(API, "backend", mounts=("/opt/x",)), ("process", "backend: what it runs", "changed")),
    "drop-in": (API, with_file, ("unit file", "/etc/systemd/system/voxbridge.service.d/x.conf", "new")),
    "boot": (API, with_boot, ("boot", "agent.service", "new")),
    "target": (API, lambda g: g.fact(API, "boot", target="rescue.target"), ("boot", "default target", "changed")),
    "udev": (
        API,
        with_row("boot", API, "others", OtherFact("/etc/udev/rules.d/x.rules", "udev", itself=False)),
        ("boot", "/etc/udev/rules.d/x.rules", "new"),
    ),
    "cron": (
        API,
        lambda g: g.host(API, jobs=(*known(g.of(API).jobs), JobFact("/etc/cron.d/x", "root", ()))),
        ("job", "/etc/cron.d/x", "new"),
    ),
    "edited": (
        API,
        lambda g: g.host(
            API, jobs=tuple(replace(one, changed=7.0 * (one.where == "/etc/cron.daily/dpkg")) for one in known(g.of(API).jobs))
        ),
        ("job", "/etc/cron.daily/dpkg", "changed"),
    ),
    "second row": (
        API,
        lambda g: g.host(API, jobs=(*known(g.of(API).jobs), JobFact("/etc/crontab", "vox", ("git",)))),
        ("job", "/etc/crontab", "changed"),
    ),
    "program": (
        API,
        lambda g: g.process(API, "voxbridge.service", exe="/tmp/python"),  # noqa: S108
        ("program", "voxbridge.service", "changed"),
    ),
    "listener": (API, with_listener, ("listener", "tcp 0.0.0.0:9000", "new")),
    "nat": (
        API,
        with_row("ends", API, "turns", TurnFact("ip nat prerouting handle 7", "leads", ((80, 80),))),
        ("packet filter", "ip nat prerouting", "new"),
    ),
    "site": (
        API,
        with_row("nginx", API, "sites", SiteFact(("81",), ("x.example",), serves=True)),
        ("web server", "x.example at 81", "new"),
    ),
    "server": (
        API,
        with_row("haproxy", API, "servers", ServerFact("workers", "x", "10.0.0.9:1", "UP", checked=True, weight=1)),
        ("balancer", "workers/x", "new"),
    ),
    "sudo": (
        API,
        with_row("sudo", API, "others", SudoRule("root", "", "/bin/sh", "anna")),
        ("sudo", "anna: (root) /bin/sh", "new"),
    ),
    "account": (
        API,
        lambda g: g.fact(API, "sudo", accounts=(*ACCOUNTS, ("anna", "1001:1001 /home/anna /bin/bash docker"))),
        ("account", "anna", "new"),
    ),
    "key": (
        API,
        with_row("keys", API, "keys", KeyFact("anna", "/home/anna/.ssh/authorized_keys", f"SHA256:{'A' * 43}")),
        ("key", f"anna: SHA256:{'A' * 43}", "new"),
    ),
    "sshd": (
        API,
        lambda g: g.fact(API, "keys", settings={**known(g.of(API).keys).settings, "permitrootlogin": "yes"}),
        ("login", "permitrootlogin", "changed"),
    ),
    "container": (
        SIP,
        with_row("engines", SIP, "containers", ContainerFact("docker", "f" * 64, "x", "x:1", "running", "Up", "")),
        ("container", "x", "new"),
    ),
    "copy": (API, with_row("copies", API, "found", CopyFact("/srv/x", "checkout", (), ())), ("copy", "/srv/x", "new")),
    "clock": (API, lambda g: g.fact(API, "clock", keepers=("/x",)), ("clock", "keepers", "changed")),
    "probe": (API, lambda g: g.host(API, probe="0" * 64), ("probe", "voxgate-probe", "changed")),
}


@pytest.mark.parametrize("name", CHANGES)
def test_each_thing_that_is_another_is_told_alone(green: Case, name: str) -> None:
    host, change, wanted = CHANGES[name]
    green = green.fact(host, "sudo", accounts=ACCOUNTS)
    assert told(green, change(green), host) == [wanted]
    kind, thing, how = wanted
    back = {"new": "gone", "gone": "new", "changed": "changed"}[how]
    assert told(change(green), green, host) == [(kind, thing, back)]


def test_each_kind_is_among_them(green: Case) -> None:
    told = green.fact(API, "sudo", accounts=ACCOUNTS)
    assert {kind for _, _, (kind, _, _) in CHANGES.values()} == set(prints(told.of(API)))
    assert "account" not in prints(green.of(API)), "an earlier probe does not tell"


def test_the_same_evidence_has_the_same_fingerprints(green: Case) -> None:
    for name in green.evidence.second.hosts:
        once, again = prints(green.of(name)), json.loads(json.dumps(prints(green.of(name))))
        assert list(differences(once, again)) == []
        assert once == again


def mixed(value: Any, rng: random.Random) -> Any:
    """The same facts, each collection in another order."""
    if isinstance(value, tuple) and value and not isinstance(value[0], str | int | float):
        return tuple(rng.sample(value, len(value)))
    if isinstance(value, dict):
        return dict(rng.sample(list(value.items()), len(value)))
    return value


@given(st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(green: Case, rng: random.Random) -> None:
    host = green.of(SIP)
    parts = ("jobs", "processes", "listeners", "datagrams", "units", "checkouts")
    other = replace(host, **{name: mixed(getattr(host, name), rng) for name in parts})
    for name in ("sudo", "keys", "boot", "engines", "nginx", "haproxy"):
        fact = known(getattr(host, name))
        fields = {field: mixed(getattr(fact, field), rng) for field in fact.__dataclass_fields__}
        other = replace(other, **{name: replace(fact, **fields)})
    assert list(differences(prints(host), prints(other))) == []


def test_what_moves_in_ordinary_life_is_in_none(green: Case) -> None:
    """Another boot, other pids, times, counters, free room, states of containers, a port that the kernel picks, a filter loaded
    anew.
    """
    host = green.of(SIP)
    engines, picked = known(host.engines), known(host.ephemeral)[0]
    moved = {one.pid: one.pid + 1000 for one in known(host.processes)}

    def sockets(rows: tuple[SocketFact, ...]) -> tuple[SocketFact, ...]:
        ports = (row.port if row.port < picked else row.port + 1 for row in rows)
        pids = (tuple(moved.get(pid, pid) for pid in row.pids) for row in rows)
        return tuple(replace(row, port=port, pids=pid) for row, port, pid in zip(rows, ports, pids, strict=True))

    units = {
        name: replace(
            one, properties={**one.properties, "MainPID": str(moved.get(one.main_pid, 0)), "NRestarts": "7"}, changed=9.0
        )
        for name, one in known(host.units).items()
    }
    runtimes = {
        name: replace(known(one), processes=tuple(replace(row, pid=moved[row.pid]) for row in known(one).processes))
        for name, one in host.runtimes.items()
    }
    other = replace(
        host,
        boot_id="other",
        time=9.0,
        uptime=1.0,
        processes=tuple(
            replace(one, pid=moved[one.pid], started=9.0, container=one.container and f"0{one.container}")
            for one in known(host.processes)
        ),
        listeners=sockets(known(host.listeners)),
        datagrams=(SocketFact("0.0.0.0", picked + 5, None, None, (), uid=0),),  # noqa: S104
        units=units,
        runtimes=runtimes,
        engines=replace(
            engines,
            containers=tuple(replace(one, id=f"0{one.id}", state="exited", status="Up 2 days") for one in engines.containers),
        ),
        keys=replace(known(host.keys), started=9.0),
        checkouts={name: replace(known(one), changed=9.0) for name, one in host.checkouts.items()},
        connections=(),
        answered=1.0,
    )
    assert list(differences(prints(host), prints(other))) == []
    turns = [(TurnFact(f"ip nat x handle {handle}", "leads", ((80, 80),)),) for handle in (3, 4)]
    one, two = (prints(replace(host, ends=replace(known(host.ends), turns=rows))) for rows in turns)
    assert list(differences(one, two)) == []


def test_a_tag_that_means_another_image_by_now_is_told(green: Case) -> None:
    engines = known(green.of(SIP).engines)
    first, *rest = engines.containers
    assert isinstance(first.made, MadeFact)
    other = replace(first, made=replace(first.made, digests=("sha256:0",)))
    changed = green.fact(SIP, "engines", containers=(other, *rest))
    assert told(green, changed, SIP) == [("container", first.name, "changed")]


@pytest.mark.parametrize("name", ["boot", "jobs", "sudo", "keys", "units", "processes", "engines", "ends", "nginx", "copies"])
def test_what_was_not_seen_is_not_compared(green: Case, name: str) -> None:
    blind = green.host(API, **{name: Missing("denied", "x")})
    assert told(green, blind, API) == []
    assert told(blind, green, API) == []


@pytest.mark.parametrize("name", ["checkouts", "venvs", "packages", "env_files", "dists", "runtimes"])
def test_a_service_that_was_not_asked_about_is_not_gone(green: Case, name: str) -> None:
    facts = getattr(green.of(API), name)
    for other in (green.host(API, **{name: {}}), green.host(API, **{name: dict.fromkeys(facts, Missing("failed", "x"))})):
        assert told(green, other, API) == []
        assert told(other, green, API) == []


def test_no_value_of_a_setting_is_in_it_nor_more_than_check_digits(green: Case) -> None:
    """Of a value its three check digits are all that is known: with other ones the same digest comes of the same rows."""
    rows = [row for row in rows_of(green.of(API))["settings"] if "values" in row.name]
    assert [row.parts for row in rows] == [sorted(known(green.of(API).env_files["backend"]).digits)]


NAMES = st.dictionaries(TEXT, st.sampled_from([UNSEEN, "a" * 12, "b" * 12]), max_size=6)
PRINTS = st.dictionaries(st.sampled_from(["boot", "job", "checkout"]), NAMES, max_size=3)


@given(PRINTS, PRINTS)
def test_differences_are_told_once_and_the_other_way_round_too(one: Prints, two: Prints) -> None:
    there, back = list(differences(one, two)), list(differences(two, one))
    turned = {"new": "gone", "gone": "new", "changed": "changed"}
    assert [Difference(row.kind, row.name, turned[row.how]) for row in there] == back
    assert len({(row.kind, row.name) for row in there}) == len(there)
    assert list(differences(one, one)) == []


def test_of_too_many_names_there_is_one_digest(green: Case) -> None:
    """A host says how many there are: what is kept of it has an end, and is compared all the same."""
    many = {f"x{number}": digest_of(number) for number in range(ROWS_AT_MOST + 1)}
    assert set(bounded(many)) == {ALL}
    few = {name: many[name] for name in list(many)[:-1]}
    assert [one.name for one in differences({"job": bounded(many)}, {"job": bounded(few)})] == [ALL]
    assert list(differences({"job": bounded(many)}, {"job": many})) == []
    assert list(differences({"job": bounded(many)}, {"job": {**few, "x": UNSEEN}})) == []


def test_all_of_it_fits(green: Case) -> None:
    """Of the largest kinds one digest each is kept, and the others as they are."""
    whole = prints(green.of(API))
    small = smaller(whole, 3000)
    assert len(json.dumps(small)) <= 3000
    assert small.keys() == whole.keys()
    assert list(differences(whole, small)) == []
    assert smaller(whole, 10) == {}


@pytest.mark.parametrize("name", ["x" * 500, "\u202e" * 500, "\ud800" * 500])
def test_a_long_name_is_cut_and_stays_its_own(name: str) -> None:
    assert len(name_of(name)) <= NAME_AT_MOST
    assert name_of(name) != name_of(f"{name}x")
    assert name_of(name) == name_of(str(name))


@given(st.lists(st.tuples(TEXT, TEXT), max_size=8))
def test_whatever_a_host_calls_things_is_kept(rows: list[tuple[str, str]]) -> None:
    found = prints_of({"job": [Row("job", name, [user]) for name, user in rows]})
    assert json.loads(json.dumps(found)) == found
    assert set(found["job"]) == {name for name, _ in rows}


def test_routes_of_a_site_are_part_of_it(green: Case) -> None:
    first, *rest = known(green.of(API).nginx).sites
    route = RouteFact("/x", "passes", "http://10.0.0.9")
    other = green.fact(API, "nginx", sites=(replace(first, routes=(*first.routes, route)), *rest))
    assert [(kind, how) for kind, _, how in told(green, other, API)] == [("web server", "changed")]
