"""``voxgate draft --host``: a first estate from addresses, by what is seen on the hosts; and what it guesses says so."""

from __future__ import annotations

import io
import tomllib
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from tests.unit.suites.conftest import Case
from voxgate.cli import first_estate
from voxgate.cli.draft import drafted
from voxgate.cli.first_estate import Asked
from voxgate.cli.first_look import must_have_seen
from voxgate.cli.first_services import moved, repositories
from voxgate.cli.init import example_of, init
from voxgate.contracts import estate_file
from voxgate.contracts.estates import load_estate, services_of
from voxgate.errors import EstateError, VoxgateError
from voxgate.model.entry import Entry
from voxgate.model.evidence import Missing, known
from voxgate.redaction.cutting import Redactor
from voxgate.report.terminal.stream import CutStream
from voxgate.survey.origin import said_of_all

HOSTS = ("data=198.51.100.11", "api=198.51.100.21", "fleet=198.51.100.31", "fleet=198.51.100.32", "sip=198.51.100.41")
SERVICES = services_of(Path("hosts"))
ASKED = Asked("mine", HOSTS, known_hosts="/known")


def written(asked: Asked, folder: Path, case: Case | None = None) -> tuple[Case | None, dict[str, object]]:
    """The file by the saved look, whose first host has another name here, and that look as one of the estate in it."""
    bare = tuple(first_estate._bare(asked, SERVICES))
    estate = first_estate._loaded(folder, asked.name, bare)
    found: tuple[Entry, ...] = ()
    if case is not None:
        looks = [
            replace(look, hosts={"data-1" if name == "data" else name: host for name, host in look.hosts.items()})
            for look in (case.evidence.first, case.evidence.second)
        ]
        found = tuple(first_estate._found(estate, looks[1]))
        estate = first_estate._loaded(folder, asked.name, first_estate._joined(found, bare))
        case = Case(estate, replace(case.evidence, first=looks[0], second=looks[1]))
    text = estate_file.with_entries("", first_estate._joined(found, bare), "mine.toml")
    return case, tomllib.loads(text)


def test_what_is_seen_is_in_it(green: Case, tmp_path: Path) -> None:
    """Workers, repositories, stores, containers: as the lab's own file has them."""
    _, document = written(ASKED, tmp_path, green)
    lab = tomllib.loads(Path("hosts/lab.toml").read_text("utf-8"))
    assert document["hosts"] == {
        {"data": "data-1"}.get(name, name): {key: value for key, value in host.items() if key in {"address", "roles", "workers"}}
        for name, host in lab["hosts"].items()
    }
    assert document["estate"] == {
        "name": "mine",
        "repositories": lab["estate"]["repositories"],
        "user": "deploy",
        "known_hosts": "/known",
    }
    assert document["stores"] == {name: {**store, "host": "data-1"} for name, store in lab["stores"].items()}
    ours, theirs = document["containers"], lab["containers"]
    assert isinstance(ours, dict)
    assert sorted(ours.pop("images")) == sorted(theirs.pop("images"))
    assert ours == theirs
    assert document["databases"] == {"vox": {"dialler": "sip-1", "uri_env": "VOXGATE_MONGODB_URI", "via": "data-1"}}


def test_what_else_is_there_is_drafted_on_top(green: Case, tmp_path: Path) -> None:
    """Listeners, boot and keys: an estate with them knows all that is on the hosts."""
    case, _ = written(ASKED, tmp_path, green)
    assert case is not None
    found = drafted(case.estate, case.evidence)
    assert {one.place[0] for one in found.entries} == {"listeners", "boot", "keys"}
    text = estate_file.with_entries(Path(case.estate.source).read_text("utf-8"), found.entries, "mine.toml")
    Path(case.estate.source).write_text(text)
    asked_where_it_is = {"listeners", "boot", "keys"}
    again = drafted(load_estate(case.estate.source), case.evidence)
    assert [one for one in again.entries if one.place[0] in asked_where_it_is] == []


NO_CONSOLE = {"console": Missing("missing", "checkouts of console: /opt/vox-frontend: not there")}


def test_a_service_whose_folder_is_nowhere_is_not_there(green: Case, tmp_path: Path) -> None:
    """Nor is what an estate says of it. One that is there and could not be read is."""
    seen = green.of("api-1").checkouts
    _, document = written(ASKED, tmp_path, green.host("api-1", checkouts={**seen, **NO_CONSOLE}))
    assert document["estate"]["services"] == ["backend", "fleet", "dialler"]  # type: ignore[index]
    assert "console" not in document
    denied = {**seen, "console": replace(NO_CONSOLE["console"], kind="denied")}
    _, document = written(ASKED, tmp_path, green.host("api-1", checkouts=denied))
    assert "services" not in document["estate"]  # type: ignore[operator]
    assert document["console"] == {"seen_from": "data-1"}


def test_hosts_of_some_roles_alone_are_found_as_well(green: Case, tmp_path: Path) -> None:
    """No fleet, no dialler: what is asked of these is asked of nobody."""
    _, document = written(replace(ASKED, hosts=("api=198.51.100.21",)), tmp_path, green)
    assert document["estate"]["services"] == ["backend", "console"]  # type: ignore[index]
    assert document["databases"] == {}


def test_stores_on_no_host_of_the_estate_stand_as_the_settings_have_them(green: Case, tmp_path: Path) -> None:
    """Only what a setting writes just so: of a name there is the hash alone."""
    named = {
        one.setting: sha256(f"{address}:{port}".encode()).hexdigest()
        for one in known(green.of("api-1").stores["backend"])
        for address, port in (*one.held, *one.places)
    }
    rows = tuple(
        replace(one, names=("0" * 64 if one.setting == "REDIS_URL" else named[one.setting],))
        for one in known(green.of("api-1").stores["backend"])
    )
    case = green.host("api-1", stores={**green.of("api-1").stores, "backend": rows})
    _, document = written(replace(ASKED, hosts=HOSTS[1:]), tmp_path, case)
    assert document["stores"] == {
        "mongodb": {"address": "198.51.100.11", "port": 27017},
        "s3": {"address": "198.51.100.11", "port": 9000},
    }


def test_what_no_estate_may_say_of_one_thing_keeps_no_other_out(tmp_path: Path) -> None:
    """As a worker that somebody called nought, or a store in a unit of a name that systemd has and no estate."""
    bare = tuple(first_estate._bare(ASKED, SERVICES))
    estate_file.lay_beside(Path("hosts"), tmp_path)
    odd = [
        *(
            Entry(("stores", "redis", key), value)
            for key, value in (("host", "data-1"), ("unit", "a\\x20b.service"), ("port", 6379))
        ),
        Entry(("hosts", "fleet-1", "workers"), 0),
        Entry(("containers", "project"), ""),
    ]
    good = [
        *(
            Entry(("stores", "mongodb", key), value)
            for key, value in (("host", "data-1"), ("unit", "m.service"), ("port", 27017))
        ),
        Entry(("hosts", "fleet-2", "workers"), 3),
    ]
    said = io.StringIO()
    say = CutStream(said, Redactor())
    assert first_estate._accepted(tmp_path, "mine", [*odd, *good], bare, say) == tuple(good)
    assert [line.partition("say it: ")[2].partition("]")[0] for line in said.getvalue().splitlines()] == [
        "[stores.redis", "[hosts.fleet-1", "[containers"
    ]  # fmt: skip
    assert first_estate._accepted(tmp_path, "mine", good, bare, say) == tuple(good)


def test_what_is_guessed_says_so(tmp_path: Path) -> None:
    """Of nothing but addresses: it loads, and each guess is marked."""
    bare = tuple(first_estate._bare(ASKED, SERVICES))
    text = estate_file.with_entries("", bare, "mine.toml")
    assert {line.split(" = ")[0] for line in text.splitlines() if "# guessed: " in line} == {
        "repositories",
        "workers",
        "dialler",
        "seen_from",
        "project",
    }
    estate = first_estate._loaded(tmp_path, "mine", bare)
    assert [host.name for host in estate.hosts] == ["data-1", "api-1", "fleet-1", "fleet-2", "sip-1"]


def test_one_host_may_have_several_roles(tmp_path: Path) -> None:
    asked = replace(ASKED, hosts=("api+sip=10.0.0.5", "fleet+data=10.0.0.6"))
    _, document = written(asked, tmp_path)
    assert document["hosts"] == {
        "api-1": {"address": "10.0.0.5", "roles": ["api", "sip"]},
        "fleet-1": {"address": "10.0.0.6", "roles": ["fleet", "data"], "workers": 1},
    }


@pytest.mark.parametrize("host", ["10.0.0.5", "api=", "api+nope=10.0.0.5", "web=10.0.0.5", ""])
def test_what_is_no_host_is_one_line(host: str) -> None:
    with pytest.raises(EstateError, match="is no host: roles are api, fleet, sip, data"):
        tuple(first_estate._bare(replace(ASKED, hosts=(host,)), SERVICES))


def test_a_file_that_is_there_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("mine")
    with pytest.raises(EstateError, match="there is such an estate already") as caught:
        first_estate.first_estate(ASKED, tmp_path, CutStream(io.StringIO(), Redactor.of({})), Redactor.of({}))
    assert (tmp_path / "mine.toml").read_text() == "mine"
    assert "take another name" in caught.value.hint


def test_the_example_of_init_is_nobodys_estate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever made a folder of his own, and has it written then, moves no file away first; what he changed in it stays."""
    monkeypatch.setattr(first_estate, "first_look", lambda _: pytest.fail("it looks"))
    init(tmp_path, "mine", CutStream(io.StringIO(), Redactor.of({})))
    with pytest.raises(pytest.fail.Exception, match="it looks"):
        first_estate.first_estate(ASKED, tmp_path / "hosts", CutStream(io.StringIO(), Redactor.of({})), Redactor.of({}))
    (tmp_path / "hosts/mine.toml").write_text(example_of("mine") + "# mine\n")
    with pytest.raises(EstateError, match="there is such an estate already"):
        first_estate.first_estate(ASKED, tmp_path / "hosts", CutStream(io.StringIO(), Redactor.of({})), Redactor.of({}))


def test_all_hosts_that_cannot_be_looked_at_are_named(green: Case) -> None:
    case = green.host("api-1", processes=Missing("unreachable", "no route to host"))
    look = case.host("sip-1", processes=Missing("denied", "the host key is unknown", hint="pin it")).evidence.second
    said = "api-1, sip-1: could not be looked at: no route to host; the host key is unknown"
    with pytest.raises(VoxgateError, match=f"^{said}$") as caught:
        must_have_seen(look)
    assert caught.value.hint == "pin it"


def test_hosts_that_say_the_same_are_told_once_with_the_option_that_helps(green: Case) -> None:
    case = green
    for host in green.estate.hosts:
        why = f"the host key is unknown: /k has no entry for {host.address}"
        case = case.host(host.name, processes=Missing("unreachable", why, hint=f"scan {host.address}"))
    with pytest.raises(VoxgateError) as caught:
        must_have_seen(case.evidence.second)
    first, *others = (case.estate.host(name).address for name in case.evidence.second.hosts)
    more = f"(and {len(others)} more like it)"
    assert caught.value.why == f"the host key is unknown: /k has no entry for {first} {more}"
    assert caught.value.hint == f"say `--known-hosts FILE`, where their keys are pinned already; or scan {first} {more}"


def test_a_day_that_most_entries_have_is_said_once() -> None:
    common = "/etc/a, since 2026-01-02; of b.service, runs since 2026-01-02; rule"
    entries = [Entry(("boot", "all"), (name,), origin=common) for name in "ab"]
    other = Entry(("boot", "all"), ("c",), origin="package c, since 2026-01-03; rule")
    rows, day = said_of_all([*entries, other])
    assert day == "2026-01-02"
    assert [one.origin for one in rows] == ["/etc/a; of b.service, runs since 2026-01-02; rule"] * 2 + [other.origin]
    assert said_of_all([entries[0], other]) == ([entries[0], other], "")
    assert said_of_all([]) == ([], "")


@pytest.mark.parametrize(
    ("hosts", "services", "lacking"),
    [
        (("api=10.0.0.5",), ["backend", "console"], "fleet, sip"),
        (("api=10.0.0.5", "fleet=10.0.0.6", "data=10.0.0.7"), ["backend", "fleet", "console"], "sip"),
        (("sip=10.0.0.8",), ["dialler"], "api, fleet"),
    ],
)
def test_of_the_services_it_has_those_that_have_a_host(
    tmp_path: Path, hosts: tuple[str, ...], services: list[str], lacking: str
) -> None:
    bare = tuple(first_estate._bare(replace(ASKED, hosts=hosts), SERVICES))
    text = estate_file.with_entries("", bare, "mine.toml")
    assert tomllib.loads(text)["estate"]["services"] == services
    assert f"guessed: no host of role {lacking} was given" in text
    assert [one.name for one in first_estate._loaded(tmp_path, "mine", bare).services] == services


def test_where_services_live_and_what_they_are_is_found(green: Case, tmp_path: Path) -> None:
    """By what their units run, what nginx serves, and what is checked out there."""
    case = green.unit(
        "api-1", "voxbridge.service", properties={"ExecStart": "{ path=/srv/voice/api/.venv/bin/python ; argv[]=x }"}
    )
    case = case.unit("sip-1", "voxdialler.service", properties={"ExecStart": "{ path=/usr/bin/env ; argv[]=x }"})
    case = case.fact("api-1", "nginx", roots=("/var/www/letsencrypt", "/data/web/console/dist"))
    case = case.of_service("api-1", "checkouts", "backend", origin="git@forge:acme/acme-voice-api.git")
    bare = tuple(first_estate._bare(ASKED, SERVICES))
    estate = first_estate._loaded(tmp_path, "mine", bare)
    look = replace(case.evidence.second, hosts={**case.evidence.second.hosts, "data-1": case.of("data")})
    assert tuple(moved(estate, replace(green.evidence.second, hosts={**look.hosts, "api-1": green.of("api-1")}))) == ()
    found = tuple(moved(estate, look))
    assert [(one.place, one.value) for one in found] == [
        (("services", "backend", "folder"), "/srv/voice/api"),
        (("services", "console", "folder"), "/data/web/console"),
    ]
    estate = first_estate._loaded(tmp_path, "mine", (*bare, *found))
    (named,) = repositories(estate, look)
    assert (named.place, named.value) == (("services", "backend", "repository"), "acme-voice-api")
    text = estate_file.with_entries("", (*first_estate._found(estate, look), *bare, *found, named), "mine.toml")
    assert tomllib.loads(text)["services"] == {
        "backend": {"folder": "/srv/voice/api", "repository": "acme-voice-api"},
        "console": {"folder": "/data/web/console"},
    }
