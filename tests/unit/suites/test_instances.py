"""Two databases on one SIP host, each with its dialler: instances of one unit, one checkout, a port and a ``.env`` each."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from voxgate.cli.first_estate import Asked, _bare, _found, _joined
from voxgate.contracts import estate_file
from voxgate.contracts.estates import FOLDER, load_estate
from voxgate.deploy.moving.dialling import is_of_units, not_held_by, other_diallers
from voxgate.errors import EstateError
from voxgate.model.answers import Answer, DatabaseClient
from voxgate.model.estate import Estate
from voxgate.model.evidence import EnvFileFact, HostEvidence, ProcessFact, known
from voxgate.model.look import Look, Question
from voxgate.survey.collect import request_of
from voxgate.survey.questions import questions_of
from voxgate.survey.settings import digits_of

from .conftest import Case
from .test_all_at_once import page_says

SIP, OLD, TEMPLATE = "sip-1", "voxdialler.service", "voxdialler@.service"
VOX, OTHER = "voxdialler@vox.service", "voxdialler@other.service"
PID, PORT = 7777, 8091
RULES = ("exactly-one-dialler-per-database", "database-sees-one-dialler", "dialler-is-on-the-sip-host")
SECOND = f'\n[databases.other]\ndialler = "sip-1"\nuri = "mongodb://127.0.0.1:27017/other"\nvia = "data"\nport = {PORT}\n'


def loaded(folder: Path, more: str = SECOND) -> Estate:
    """The lab with a second database on its SIP host."""
    (folder / "units").mkdir(exist_ok=True)
    (folder / "services.toml").write_text((FOLDER / "services.toml").read_text("utf-8").replace(OLD, TEMPLATE), "utf-8")
    unit = (FOLDER / "units" / OLD).read_text("utf-8").replace("/.env", "/.env.%i")
    (folder / "units" / TEMPLATE).write_text(unit, "utf-8")
    (folder / "lab.toml").write_text((FOLDER / "lab.toml").read_text("utf-8") + more, "utf-8")
    return load_estate("lab", folder)


@pytest.fixture
def two(green: Case, tmp_path: Path) -> Case:
    """The lab's evidence, with a second dialler beside the first."""
    estate = replace(loaded(tmp_path), keys=green.estate.keys)
    digest = next(iter(estate.service("dialler").unit_files.values()))
    main = known(green.of(SIP).units)[OLD].main_pid

    def seen(look: Look) -> Look:
        hosts = {**look.hosts, SIP: host_with_two(look.host(SIP), main, digest)}
        view = look.database("vox")
        theirs = [one for one in view.clients if one.app_name == "vox-dialler"]
        more = tuple(DatabaseClient(one.address, one.port + 1000, one.app_name, "") for one in theirs)
        whole = replace(view, clients=(*view.clients, *more))
        answers = dict(look.answers)
        for question, answer in look.answers.items():
            if question.host == SIP and question.port == 8090 and isinstance(answer, Answer):
                answers[replace(question, port=PORT)] = replace(answer, port=PORT, body=of_process(answer.body))
        return replace(look, hosts=hosts, databases={"vox": whole, "other": replace(whole, database="other")}, answers=answers)

    return Case(estate, replace(green.evidence, first=seen(green.evidence.first), second=seen(green.evidence.second)))


def of_process(body: bytes) -> bytes:
    """A page as the second dialler has it; metrics are no JSON."""
    try:
        said = json.loads(body)
    except ValueError:
        return body
    return json.dumps({**said, "pid": PID, "database": "other"}).encode()


def host_with_two(host: HostEvidence, main: int, digest: str) -> HostEvidence:
    """The SIP host with both."""
    units = dict(known(host.units))
    fact = units.pop(OLD)
    files = {f"/etc/systemd/system/{TEMPLATE}": digest}
    for name, pid in ((VOX, str(main)), (OTHER, str(PID))):
        links = tuple(link.replace(OLD, name) for link in fact.links)
        properties = {key: value.replace(OLD, name) for key, value in fact.properties.items()}
        properties |= {"MainPID": pid, "FragmentPath": next(iter(files))}
        units[name] = replace(fact, name=name, links=links, files=files, properties=properties)
    first = [replace(one, unit=VOX) if one.unit == OLD else one for one in known(host.processes)]
    second = [replace(one, unit=OTHER, pid=PID) for one in first if one.pid == main]
    facts: dict[str, Any] = {"units": units, "processes": (*first, *second)}
    for field in ("connections", "listeners"):
        rows = known(getattr(host, field))
        more = [replace(one, pids=(PID,), port=PORT if one.port == 8090 else one.port + 1000) for one in rows if main in one.pids]
        facts[field] = (*rows, *more)
    return replace(host, **facts, **of_service(host))


def of_service(host: HostEvidence) -> dict[str, Any]:
    """What a whole look tells besides; a brief one does not."""
    if not isinstance(host.env_files, Mapping) or "dialler" not in host.env_files:
        return {}
    env = host.env_files["dialler"]
    files = {key: fact for key, fact in host.env_files.items() if key != "dialler"}
    digits = replace(known(env), digits=tuple(of_other(known(env))))
    found: dict[str, Any] = {"env_files": {**files, "dialler@vox": env, "dialler@other": digits}}
    boot, sudo, runtime = known(host.boot), known(host.sudo), known(host.runtimes["dialler"])
    starter = boot.services[OLD]
    services = {name: row for name, row in boot.services.items() if name != OLD}
    found["boot"] = replace(boot, services={**services, VOX: starter, OTHER: starter})
    rules = [replace(row, command=row.command.replace(OLD, name)) for row in sudo.rules for name in (VOX, OTHER)]
    found["sudo"] = replace(sudo, rules=tuple(dict.fromkeys(rules)))
    processes = [replace(one, unit=VOX) for one in runtime.processes]
    second = [replace(one, unit=OTHER, pid=PID) for one in processes]
    ends = known(host.ends)
    (old,) = (one for one in ends.ends if one.unit == OLD)
    here = [replace(old, unit=VOX), replace(old, unit=OTHER, port=PORT, pid=PID, holders=((PID, OTHER),))]
    ((pid, _),) = old.holders
    found["ends"] = replace(ends, ends=(replace(here[0], holders=((pid, VOX),)), here[1]))
    found["runtimes"] = {**host.runtimes, "dialler": replace(runtime, processes=(*processes, *second))}
    return found


def of_other(env: EnvFileFact) -> Iterator[str]:
    """The check digits of the second dialler's settings: its own database."""
    (right,) = digits_of("MONGODB_URI", ["mongodb://x/other"], "/")
    yield from (f"{right} MONGODB_URI/" if row.endswith("MONGODB_URI/") else row for row in env.digits)


def test_two_diallers_on_one_host_are_judged_each_for_its_database(two: Case) -> None:
    assert two.judge() == {}


def test_a_dialler_that_works_on_the_others_database_is_told_for_both(two: Case) -> None:
    case = page_says(two, Question(SIP, PORT, "/health"), database="vox")
    place = f"sip-1 GET :{PORT}/health says that it works on the database vox"
    assert case.judge(["exactly-one-dialler-per-database"]) == {
        "exactly-one-dialler-per-database[vox]": ("violated", f"{place}, and is the dialler of other"),
        "exactly-one-dialler-per-database[other]": ("violated", f"{place}, not on other, which is its own"),
    }


def test_each_is_asked_about_by_its_unit_its_port_and_its_settings(two: Case) -> None:
    (row,) = json.loads(request_of(two.estate, two.estate.host(SIP)))["services"]
    assert (row["unit"], row["units"], row["envs"]) == (TEMPLATE, [VOX, OTHER], [".env.vox", ".env.other"])
    asked = {question.port for question in questions_of(two.estate) if question.path == "/metrics"}
    assert asked == {8090, PORT}
    who = {(one.who, one.port) for one in two.estate.listeners_on(two.estate.host(SIP))}
    assert who >= {(VOX, 8090), (OTHER, PORT)}
    assert "envs" not in request_of(load_estate("lab"), load_estate("lab").host(SIP)).decode()


def test_a_first_estate_has_both_as_their_instances_are_called(two: Case, tmp_path: Path) -> None:
    """Each with the port on which it answers; a name that was guessed does not stand beside them."""
    hosts = ("api=198.51.100.21", "sip=198.51.100.41")
    bare = tuple(_bare(Asked("mine", hosts), two.estate.services))
    estate = replace(two.estate, hosts=tuple(one for one in two.estate.hosts if one.name in {"api-1", SIP}))
    entries = _joined(tuple(_found(estate, two.evidence.second)), bare)
    document = tomllib.loads(estate_file.with_entries("", entries, "mine.toml"))
    assert document["databases"] == {
        "other": {"dialler": SIP, "uri_env": "VOXGATE_MONGODB_URI_OTHER", "port": PORT},
        "vox": {"dialler": SIP, "uri_env": "VOXGATE_MONGODB_URI_VOX", "port": 8090},
    }


def with_units(case: Case, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Case:
    """Other units."""
    return case.host(SIP, units=change(dict(known(case.of(SIP).units))))


def third(units: dict[str, Any], **properties: str) -> dict[str, Any]:
    """A third instance, that no database has."""
    fact = units[OTHER]
    name = "voxdialler@third.service"
    return {**units, name: replace(fact, name=name, links=(), properties={**fact.properties, "MainPID": "0", **properties})}


def process_of(case: Case) -> ProcessFact:
    """The second dialler."""
    return next(one for one in known(case.of(SIP).processes) if one.pid == PID)


FAULTS: dict[str, tuple[Callable[[Case], Case], set[str]]] = {
    "the second is not there": (
        lambda g: g.host(SIP, processes=tuple(one for one in known(g.of(SIP).processes) if one.pid != PID)),
        {"exactly-one-dialler-per-database[other]"},
    ),
    "two processes in one unit": (
        lambda g: g.host(SIP, processes=(*known(g.of(SIP).processes), replace(process_of(g), pid=7778))),
        {"exactly-one-dialler-per-database[other]"},
    ),
    "the second works on the first's database": (
        lambda g: g.answer(Question(SIP, PORT, "/health"), body=of_process(b"{}").replace(b"other", b"vox")),
        {"exactly-one-dialler-per-database[other]", "exactly-one-dialler-per-database[vox]"},
    ),
    "a third runs": (
        lambda g: with_units(g, lambda units: third(units, MainPID="7779")),
        {
            "exactly-one-dialler-per-database[vox]", "exactly-one-dialler-per-database[other]",
            "dialler-is-on-the-sip-host[sip-1]",
        },
    ),
    "a third is enabled": (
        lambda g: with_units(g, lambda units: third(units, ActiveState="inactive", SubState="dead", UnitFileState="enabled")),
        {"dialler-is-on-the-sip-host[sip-1]"},
    ),
    "one of them lost its unit": (
        lambda g: with_units(g, lambda units: {name: fact for name, fact in units.items() if name != OTHER}),
        {"dialler-is-on-the-sip-host[sip-1]", "database-sees-one-dialler[vox]", "database-sees-one-dialler[other]"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_exactly_one_for_each_stays_the_rule(two: Case, name: str) -> None:
    change, wanted = FAULTS[name]
    assert set(change(two).judge(RULES)) == wanted


def test_one_of_them_lacks_a_setting(two: Case) -> None:
    env = known(two.of(SIP).env_files["dialler@other"])
    bad = {**two.of(SIP).env_files, "dialler@other": replace(env, keys=tuple(key for key in env.keys if key != "MONGODB_URI"))}
    found = two.host(SIP, env_files=bad).judge(["env-file-is-complete"])
    assert "/opt/vox-dialler/.env.other lacks MONGODB_URI" in found["env-file-is-complete[dialler-sip-1]"][1]


def test_the_second_on_a_server_where_its_database_is_not_is_a_stranger(two: Case) -> None:
    """Both are known where they share a server, and only there."""

    def apart(look: Look) -> Look:
        view = look.database("other")
        left = tuple(one for one in view.clients if one.app_name != "vox-dialler")
        return replace(look, databases={**look.databases, "other": replace(view, clients=left)})

    evidence = replace(two.evidence, first=apart(two.evidence.first), second=apart(two.evidence.second))
    found = replace(two, evidence=evidence).judge(["database-sees-one-dialler"])
    assert "voxdialler@vox.service on sip-1" in found["database-sees-one-dialler[vox]"][1]


def test_the_restart_of_one_is_not_kept_by_the_other(two: Case) -> None:
    """By root's probe, and by the server's own list: the other database's dialler is none of this one's."""
    vox, other = (one for one in two.estate.placed_units if one.service.name == "dialler")
    homes = other_diallers(two.estate, vox)
    assert homes == {(SIP, OTHER)}
    seen = two.of(SIP)
    main = known(seen.units)[VOX].main_pid
    assert [is_of_units(seen, pid, homes) for pid in (PID, main, 1)] == [True, False, False]
    clients = [one for one in two.evidence.second.database("vox").clients if one.app_name == "vox-dialler"]
    left = not_held_by(clients, {SIP: seen}, homes)
    assert left
    assert len(left) < len(clients)
    assert not two_ports(seen) & {one.port for one in left}
    assert not not_held_by(left, {SIP: seen}, other_diallers(two.estate, other))


def two_ports(seen: HostEvidence) -> set[int]:
    """The ports of the second dialler's connections."""
    return {one.port for one in known(seen.connections) if PID in one.pids}


MISTAKES = {
    "one port for two": (SECOND.replace(f"port = {PORT}\n", ""), "answer on one port of sip-1"),
    "the port of services.toml": (SECOND.replace(str(PORT), "8090"), "answer on one port of sip-1"),
    "the same port twice": (SECOND + SECOND.replace("other", "third"), "answer on one port of sip-1"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_diallers_that_would_be_in_each_others_way_are_refused(tmp_path: Path, mistake: str) -> None:
    more, said = MISTAKES[mistake]
    with pytest.raises(EstateError) as caught:
        loaded(tmp_path, more)
    assert said in caught.value.line


def test_a_unit_that_is_no_template_dials_on_one_database(tmp_path: Path) -> None:
    (tmp_path / "services.toml").write_text((FOLDER / "services.toml").read_text("utf-8"), "utf-8")
    (tmp_path / "lab.toml").write_text((FOLDER / "lab.toml").read_text("utf-8") + SECOND, "utf-8")
    with pytest.raises(EstateError) as caught:
        load_estate("lab", tmp_path)
    assert "cannot dial on two databases" in caught.value.line
    assert TEMPLATE in caught.value.hint
