"""Estates of other shapes: fewer services, several roles on one host. All load, all that is there is judged, and nothing else."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from voxgate.contracts.catalogue import read_catalogue
from voxgate.contracts.estates import FOLDER, load_estate
from voxgate.deploy.planning.plan import next_tag, read_requests
from voxgate.errors import EstateError, Refused
from voxgate.model.answers import Answer
from voxgate.model.estate import Estate
from voxgate.model.evidence import HostEvidence, Missing, SocketFact, known
from voxgate.model.invariant import expected
from voxgate.model.look import Look, Question
from voxgate.model.service import Service
from voxgate.model.surroundings import EndsFact
from voxgate.survey.collect import request_of
from voxgate.survey.questions import questions_of
from voxgate.survey.sites import api_asked

from .conftest import Case

LAB = (FOLDER / "lab.toml").read_text("utf-8")
ALL = ("backend", "fleet", "dialler", "console")


def without(text: str, *tables: str) -> str:
    """The estate's file without these tables."""
    for table in tables:
        text = re.sub(rf"^\[{re.escape(table)}\].*?(?=^\[|\Z)", "", text, flags=re.MULTILINE | re.DOTALL)
    return text


def loaded(folder: Path, text: str, services: str | None = None) -> Estate:
    """That file, loaded; ``services`` is a file of a team's own."""
    folder.mkdir(exist_ok=True)
    if services is None:
        shutil.copy(FOLDER / "services.toml", folder)
    else:
        (folder / "services.toml").write_text(services, "utf-8")
    if "[hosts.sip-1]" not in text:
        text = text.replace('called_from = "sip-1"', "")
    (folder / "lab.toml").write_text(text, "utf-8")
    return load_estate("lab", folder)


def having(*services: str) -> str:
    """The lab's file, with these services alone."""
    return LAB.replace("[estate]\n", f"[estate]\nservices = {json.dumps(services)}\n", 1)


SHAPES: dict[str, tuple[tuple[str, ...], str]] = {
    "no console": (("backend", "fleet", "dialler"), without(having("backend", "fleet", "dialler"), "console")),
    "no dialler": (("backend", "fleet", "console"), without(having("backend", "fleet", "console"), "databases.vox")),
    "no fleet": (
        ("backend", "dialler", "console"),
        without(having("backend", "dialler", "console"), "hosts.fleet-1", "hosts.fleet-2", "fleet").replace(
            'seen_from = "fleet-1"', 'seen_from = "data"'
        ),
    ),
    "fleet alone": (
        ("fleet",),
        without(having("fleet"), "hosts.api-1", "hosts.sip-1", "databases.vox", "containers", "containers.commands", "console"),
    ),
    "the console alone": (
        ("console",),
        without(
            having("console"),
            "hosts.fleet-1", "hosts.fleet-2", "hosts.sip-1", "hosts.data", "databases.vox", "containers", "containers.commands",
            "console", "fleet", "stores",
        )
        + '\n[console]\nseen_from = "api-1"\n[stores]\nredis = { address = "cache.example", port = 6379 }\n',
    ),
    "the dialler alone": (
        ("dialler",),
        without(having("dialler"), "hosts.fleet-1", "hosts.fleet-2", "hosts.api-1", "console", "fleet"),
    ),
}  # fmt: skip


def on(green: Case, estate: Estate) -> Case:
    """The lab's evidence, as a look at that estate would have it: nothing of what it has not."""
    hosts = {host.name for host in estate.hosts}
    gone = [one for one in green.estate.services if one not in estate.services]

    def seen(look: Look) -> Look:
        found = {name: bare(look.host(name), gone) for name in look.hosts if name in hosts}
        databases = {one.name: look.database(one.name) for one in estate.databases}
        called = {one.app_name or one.repository for one in gone}
        left = {
            name: replace(view, clients=tuple(one for one in view.clients if one.app_name not in called))
            for name, view in databases.items()
        }
        asker = {green.estate.seen_from: estate.seen_from}  # who asks for the console from outside
        answers = {replace(asked, host=asker.get(asked.host) or asked.host): one for asked, one in look.answers.items()}
        through = zip(through_nginx(green.estate), through_nginx(estate), strict=False)
        answers |= {new: look.answers[old] for old, new in through if old in look.answers}
        return replace(look, hosts=found, databases=left, answers={**answers, **look.answers})

    evidence = replace(
        green.evidence,
        first=seen(green.evidence.first),
        second=seen(green.evidence.second),
        remotes={one.name: green.evidence.remotes[one.name] for one in estate.services},
    )
    return Case(replace(estate, keys=green.estate.keys), evidence)


def through_nginx(estate: Estate) -> list[Question]:
    """What is asked for the API as browsers ask, by loopback where the estate does not say from where."""
    return [question for one in estate.placements for _, question in api_asked(estate, one)]


def bare(host: HostEvidence, gone: Sequence[Service]) -> HostEvidence:
    """A host without units, processes and rights of these services."""

    def ours(name: str) -> bool:
        return not any(one.owns_unit(name) for one in gone)

    processes = tuple(one for one in known(host.processes) if ours(one.unit))
    lost = {one.pid for one in known(host.processes)} - {one.pid for one in processes}
    facts: dict[str, Any] = {
        "processes": processes,
        "units": {name: fact for name, fact in known(host.units).items() if ours(name)},
        "listeners": tuple(one for one in known(host.listeners) if not lost.intersection(one.pids)),
        "connections": tuple(one for one in known(host.connections) if not lost.intersection(one.pids)),
    }
    if not isinstance(host.boot, Missing):
        facts["boot"] = replace(host.boot, services={name: row for name, row in host.boot.services.items() if ours(name)})
    if not isinstance(host.sudo, Missing):
        words = [name for one in gone for name in (one.build_unit, (one.unit or "-").replace("@.service", "@")) if name]
        rules = tuple(row for row in host.sudo.rules if not any(word in row.command for word in words))
        facts["sudo"] = replace(host.sudo, rules=rules)
    return replace(host, **facts)


@pytest.mark.parametrize("shape", SHAPES)
def test_an_estate_with_fewer_services_is_judged_by_what_is_there(green: Case, tmp_path: Path, shape: str) -> None:
    services, text = SHAPES[shape]
    estate = loaded(tmp_path, text)
    assert tuple(one.name for one in estate.services) == services
    case = on(green, estate)
    assert case.judge() == {}
    asked = expected(read_catalogue(), estate, (), deploying=frozenset())
    assert {one.subject.service for one in asked} - {None} == set(services)


@pytest.mark.parametrize("shape", SHAPES)
def test_what_is_not_there_is_not_asked_for(tmp_path: Path, shape: str) -> None:
    services, text = SHAPES[shape]
    estate = loaded(tmp_path, text)
    gone = [one for one in load_estate("lab").services if one.name not in services]
    for host in estate.hosts:
        request = request_of(estate, host).decode()
        assert not [one.name for one in gone if f'"{one.name}"' in request or one.folder in request]
    ports = {one.port for one in questions_of(estate)}
    for service in gone:
        others = {two.port for one in estate.services for two in (one.health, one.proxied_health, one.site) if two is not None}
        assert not {service.health.port} & (ports - others) if service.health is not None else True


@pytest.mark.parametrize("shape", SHAPES)
def test_all_deploys_those_that_are_there(tmp_path: Path, shape: str) -> None:
    services, text = SHAPES[shape]
    estate = loaded(tmp_path, text)
    assert tuple(one.service for one in read_requests(("all",), (), estate)) == services
    for name in sorted(set(ALL) - set(services)):
        with pytest.raises(Refused) as caught:
            read_requests((name,), (), estate)
        assert "there is no such service" in caught.value.line


def test_a_services_file_may_have_fewer(green: Case, tmp_path: Path) -> None:
    text = without((FOLDER / "services.toml").read_text("utf-8"), "console")
    estate = loaded(tmp_path, without(LAB, "console"), text)
    assert [one.name for one in estate.services] == ["backend", "fleet", "dialler"]
    assert on(green, estate).judge() == {}


MISTAKES = {
    "a role that nobody has": (without(LAB, "hosts.fleet-1", "hosts.fleet-2"), "no host for the fleet", "services = ["),
    "a dialler's database and no dialler": (having("backend", "fleet", "console"), "no service is the dialler", "[databases]"),
    "a service that is none": (having("backend", "web"), "is none of", ""),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_shape_that_cannot_be_meant_is_refused(tmp_path: Path, mistake: str) -> None:
    text, said, hint = MISTAKES[mistake]
    with pytest.raises(EstateError) as caught:
        loaded(tmp_path, text.replace('seen_from = "fleet-1"', 'seen_from = "data"'))
    assert said in caught.value.line
    assert hint in caught.value.hint


OUTSIDE = """
[stores]
redis = { address = "cache.example", port = 6379 }
mongodb = { address = "Cluster0.abc.mongodb.net", port = 27017 }
s3 = { address = "s3.eu-central-1.amazonaws.com", port = 443 }
"""
NAMES = {
    "MONGODB_URI": "cluster0.abc.mongodb.net:27017",
    "REDIS_URL": "cache.example:6379",
    "S3_ENDPOINT": "s3.eu-central-1.amazonaws.com:443",
}


def naming(case: Case, **names: str) -> Case:
    """The backend's settings name these hosts."""
    found = known(case.of("api-1").stores["backend"])
    told = {**NAMES, **names}
    rows = tuple(
        replace(one, names=(sha256(told[one.setting].encode()).hexdigest(),)) if told.get(one.setting) else one for one in found
    )
    return case.host("api-1", stores={**case.of("api-1").stores, "backend": rows})


def test_stores_outside_of_the_estate_are_known_by_the_name_that_a_setting_has(green: Case, tmp_path: Path) -> None:
    case = on(green, loaded(tmp_path, without(LAB, "stores") + OUTSIDE))
    assert naming(case).judge(["backend-reaches-its-stores", "stores-are-private"]) == {}
    for other in ("cluster1.abc.mongodb.net:27017", "cluster0.abc.mongodb.net:27018"):
        found = naming(case, MONGODB_URI=other).judge(["backend-reaches-its-stores"])
        assert {key: verdict for key, (verdict, _) in found.items()} == {"backend-reaches-its-stores[backend-api-1]": "violated"}
        assert "cluster1" not in str(found)
    assert {verdict for verdict, _ in naming(case, MONGODB_URI="").judge(["backend-reaches-its-stores"]).values()} == {"blind"}


def test_a_store_outside_has_no_unit_and_forbids_no_port(green: Case, tmp_path: Path) -> None:
    """Nginx listens on 443 of a host that uses S3 proper."""
    estate = loaded(tmp_path, without(LAB, "stores") + OUTSIDE)
    assert not [one for one in estate.stores if one.host or one.unit]
    pid = known(green.of("api-1").units)["nginx.service"].main_pid
    opened = SocketFact("198.51.100.21", 443, None, None, (pid,))
    case = on(green, estate).host("api-1", listeners=(*known(green.of("api-1").listeners), opened))
    assert case.judge(["stores-are-private"]) == {}


STORES = {
    "a host and an address": 'redis = { host = "data", unit = "redis.service", address = "x", port = 1 }',
    "neither": "redis = { port = 6379 }",
    "no unit": 'redis = { host = "data", port = 6379 }',
    "an address that is a URL": 'redis = { address = "redis://x", port = 6379 }',
    "no address": "redis = { address = [], port = 6379 }",
}


@pytest.mark.parametrize("store", STORES)
def test_a_store_stands_on_a_host_or_outside(tmp_path: Path, store: str) -> None:
    with pytest.raises(EstateError) as caught:
        loaded(tmp_path, without(LAB, "stores") + f"\n[stores]\n{STORES[store]}\n")
    assert "stores.redis" in caught.value.line


def test_a_database_outside_is_asked_from_the_gate(tmp_path: Path) -> None:
    srv = LAB.replace("mongodb://127.0.0.1:27017/vox", "mongodb+srv://cluster0.abc.mongodb.net/vox")
    with pytest.raises(EstateError) as caught:
        loaded(tmp_path, srv)
    assert "leave out via" in caught.value.hint
    (database,) = loaded(tmp_path, re.sub(r'^via = "data"$', "", srv, flags=re.MULTILINE)).databases
    assert (database.called, database.via) == ("vox", None)


ONE = """
[hosts.one]
address = "198.51.100.11"
roles = ["api", "fleet", "sip", "data"]
workers = 3
"""


def test_one_host_may_have_all_the_roles(tmp_path: Path) -> None:
    text = without(LAB, *(f"hosts.{name}" for name in ("data", "api-1", "fleet-1", "fleet-2", "sip-1")))
    for name in ("data", "fleet-1", "sip-1"):
        text = text.replace(f'"{name}"', '"one"')
    estate = loaded(tmp_path, text + ONE)
    assert [one.id for one in estate.placements] == [f"{name}-one" for name in ALL]
    request = json.loads(request_of(estate, estate.host("one")))
    assert [row["name"] for row in request["services"]] == list(ALL)
    assert request["stores"] == ["redis-server.service", "mongod.service", "s3.service"]
    asked = expected(read_catalogue(), estate, (), deploying=frozenset())
    whole = expected(read_catalogue(), load_estate("lab"), (), deploying=frozenset())
    assert {one.invariant.name for one in asked} == {one.invariant.name for one in whole}
    assert len({one.id for one in asked}) == len(asked)


def test_api_and_sip_may_be_one_host(tmp_path: Path) -> None:
    text = without(LAB, "hosts.sip-1").replace('roles = ["api"]', 'roles = ["api", "sip"]').replace('"sip-1"', '"api-1"')
    estate = loaded(tmp_path, text)
    (host,) = [one for one in estate.hosts if one.name == "api-1"]
    assert {one.service.name for one in estate.placements if one.host == host} == {"backend", "dialler", "console"}
    who = {one.who for one in estate.listeners_on(host)}
    assert who >= {"nginx.service", "haproxy.service", "livekit/sip", "voxbridge.service", "voxdialler.service"}


def test_a_team_s_own_repositories_and_folders(tmp_path: Path) -> None:
    """Names and tags follow from services.toml; a folder is one of /opt."""
    text = (FOLDER / "services.toml").read_text("utf-8")
    for mine, theirs in (("vox-backend", "acme2-voice-api"), ("vox-agents", "agents"), ("vox-dialler", "acme-dialler")):
        text = text.replace(f'repository = "{mine}"', f'repository = "{theirs}"').replace(f"/opt/{mine}", f"/opt/run-{theirs}")
    estate = loaded(tmp_path, LAB, text)
    backend, fleet = estate.service("backend"), estate.service("fleet")
    assert (backend.folder, backend.build_unit) == ("/opt/run-acme2-voice-api", "voxgate-build@run-acme2-voice-api.service")
    assert estate.repository_url(fleet) == "git@198.51.100.10:oriserve1/agents.git"
    assert '"folder": "/opt/run-acme2-voice-api"' in request_of(estate, estate.host("api-1")).decode()
    tags = {"acme2-voice-api-2026.06.24-1": "a" * 40, "vox-backend-2026.06.25-1": "a" * 40}
    assert str(next_tag(backend, tags, date(2026, 6, 24))) == "acme2-voice-api-2026.06.24-2"
    (request,) = read_requests(("backend=acme2-voice-api-2026.06.24-1",), (), estate)
    assert request.service == "backend"
    with pytest.raises(Refused) as caught:
        read_requests(("backend=vox-backend-2026.06.24-1",), (), estate)
    assert "release of vox-backend" in caught.value.line


@pytest.mark.parametrize(
    ("service", "host", "rule"),
    [
        ("backend", "api-1", "backend-health-is-clean[api-1-voxbridge]"),
        ("dialler", "sip-1", "tick-loop-is-alive[sip-1-voxdialler]"),
        ("fleet", "fleet-1", "all-workers-are-up[fleet-1-voxcore@1]"),
    ],
)
def test_a_page_is_of_the_repository_that_services_toml_names(green: Case, service: str, host: str, rule: str) -> None:
    def saying(look: Look) -> Look:
        """Its pages say another repository."""
        answers = {
            asked: replace(answer, body=json.dumps({**json.loads(answer.body), "service": "acme-voice"}).encode())
            for asked, answer in look.answers.items()
            if asked.host == host and asked.path == "/health" and isinstance(answer, Answer)
        }
        return replace(look, answers={**look.answers, **answers})

    name, _, _ = rule.partition("[")
    other = replace(
        green, evidence=replace(green.evidence, first=saying(green.evidence.first), second=saying(green.evidence.second))
    )
    named = tuple(replace(one, repository="acme-voice") if one.name == service else one for one in green.estate.services)
    estate = replace(green.estate, services=named)
    assert rule not in green.judge([name])
    assert "answered by acme-voice" in other.judge([name])[rule][1]
    assert "not by acme-voice" in replace(green, estate=estate).judge([name])[rule][1]
    assert rule not in replace(other, estate=estate).judge([name])


MANY, LIKE = 20, 3
"""Workers of one host, and which of the saved ones the further ones are like."""


def with_their_ends(host: HostEvidence, like: str) -> EndsFact | Missing:
    """Who answers at the further ones' ports: they do."""
    if isinstance(host.ends, Missing):
        return host.ends
    (old,) = (one for one in host.ends.ends if one.unit == like)
    further = []
    for number in range(LIKE + 1, MANY + 1):
        name, pid = f"voxcore@{number}.service", 50_000 + number
        further.append(replace(old, unit=name, port=8100 + number, holders=((pid, name),), pid=pid))
    return replace(host.ends, ends=(*host.ends.ends, *further))


def with_many_workers(host: HostEvidence) -> HostEvidence:
    """That fleet host with ``MANY`` workers: the further ones are the third, by other numbers, ports and pids."""
    units, processes = dict(known(host.units)), list(known(host.processes))
    listeners, connections = list(known(host.listeners)), list(known(host.connections))
    runtimes = host.runtimes["fleet"]
    like = units[f"voxcore@{LIKE}.service"]
    (old,) = (one for one in processes if one.pid == like.main_pid)
    told = () if isinstance(runtimes, Missing) else runtimes.processes  # of a first look nothing
    like_it = [one for one in told if one.pid == old.pid]
    further = []
    for number in range(LIKE + 1, MANY + 1):
        name, pid = f"voxcore@{number}.service", 50_000 + number
        properties = {key: value.replace(str(old.pid), str(pid)) for key, value in like.properties.items()}
        links = tuple(link.replace(like.name, name) for link in like.links)
        units[name] = replace(like, name=name, links=links, properties={**properties, "InvocationID": f"{number:032x}"})
        cgroup = old.cgroup.replace(like.name, name)
        processes.append(replace(old, pid=pid, unit=name, cgroup=cgroup, argv=(*old.argv[:-1], str(number))))
        further += [replace(one, pid=pid, unit=name) for one in like_it]
        listeners += [replace(one, port=8100 + number, pids=(pid,)) for one in listeners if one.port == 8100 + LIKE]
        connections += [replace(one, port=one.port + number, pids=(pid,)) for one in connections if one.pids == (old.pid,)]
    fleet = runtimes if isinstance(runtimes, Missing) else replace(runtimes, processes=(*told, *further))
    boot = host.boot
    if not isinstance(boot, Missing):
        starter = boot.services[like.name]
        more = {f"voxcore@{n}.service": replace(starter, name=f"voxcore@{n}.service") for n in range(LIKE + 1, MANY + 1)}
        boot = replace(boot, services={**boot.services, **more})
    return replace(
        host,
        boot=boot,
        units=units,
        processes=tuple(processes),
        listeners=tuple(listeners),
        connections=tuple(connections),
        ends=with_their_ends(host, like.name),
        runtimes={**host.runtimes, "fleet": fleet},
    )


def many_seen(look: Look, estate: Estate) -> Look:
    """The lab's look at an estate whose ``fleet-1`` has so many."""
    workers = [f"{unit.host.name}/{unit.instance}" for unit in estate.placed_units if unit.instance]
    slots = {"worker_max": len(workers), "fleet_available": len(workers), "workers": workers}
    fleet, answers = look.host("fleet-1"), dict(look.answers)
    for asked, answer in look.answers.items():
        page = json.loads(known(answer).body) if asked.path.startswith("/health") else {}
        if asked.path == "/health/fleet":
            answers[asked] = replace(known(answer), body=json.dumps({**page, **slots}).encode())
        elif asked.host == "fleet-1" and asked.port == 8100 + LIKE:
            for number in range(LIKE + 1, MANY + 1):
                who = {**page, "worker": f"fleet-1/{number}", "pid": 50_000 + number}
                told = replace(known(answer), port=8100 + number, body=json.dumps(who).encode())
                answers[replace(asked, port=8100 + number)] = told
    api = look.host("api-1")
    if not isinstance(proxy := api.haproxy, Missing):  # it is asked in the second look alone
        (like,) = (one for one in proxy.servers if one.name == f"fleet-1-{LIKE}")
        more = [replace(like, name=f"fleet-1-{n}", address=f"198.51.100.31:{8100 + n}") for n in range(LIKE + 1, MANY + 1)]
        api = replace(api, haproxy=replace(proxy, servers=(*proxy.servers, *more)))
    hosts = {**look.hosts, "fleet-1": with_many_workers(fleet), "api-1": api}
    return replace(look, hosts=hosts, answers=answers)


def test_twenty_workers_stand_on_one_host(green: Case, tmp_path: Path) -> None:
    """Each is judged, and they add up; without one of them it is told which."""
    estate = replace(loaded(tmp_path, LAB.replace("workers = 3", f"workers = {MANY}", 1)), keys=green.estate.keys)
    assert [len([one for one in estate.placed_units if one.host.name == name]) for name in ("fleet-1", "fleet-2")] == [MANY, 3]
    first, second = many_seen(green.evidence.first, estate), many_seen(green.evidence.second, estate)
    case = replace(green, estate=estate, evidence=replace(green.evidence, first=first, second=second))
    assert case.judge() == {}
    (one,) = (unit for unit in estate.placed_units if unit.id == "fleet-1-voxcore@17")
    (asked,) = (
        question for question in second.answers if (question.host, question.port, question.path) == ("fleet-1", 8117, "/health")
    )
    found = case.answer(asked, status=503).judge(["all-workers-are-up"])
    assert list(found) == [f"all-workers-are-up[{one.id}]"]
