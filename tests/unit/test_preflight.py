"""Preflight: what is asked of which host before anything is touched, and what is said where it is not as it must be."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.hosts import ESTATE, NEW, OLD, Hosts, completed, plan
from voxgate.deploy.planning import preflight
from voxgate.deploy.planning.plan import Plan
from voxgate.deploy.planning.preflight import builders, held_hosts, must_be_seen
from voxgate.errors import CommandUnknown, Refused, Unforeseen, Unreachable, VoxgateError
from voxgate.model.answers import DatabaseView
from voxgate.model.database import Database
from voxgate.model.estate import Placement
from voxgate.model.evidence import Missing
from voxgate.moves import steps
from voxgate.moves.builder.built import digest
from voxgate.moves.steps import Step
from voxgate.transport.ssh.remote_command import Completed


def asked_of(place: Placement) -> dict[str, Step]:
    """What may be asked of one place, in words."""
    service = place.service
    asked = {
        "checkout": steps.is_checkout(service),
        "build": steps.builds_are_possible(service, digest(), service.build_sha256),
        "folders": steps.is_ready(service),
    }
    for release in (OLD[service.name], NEW[service.name]):
        asked[f"tools for {release}"] = steps.tools_are_here(service, release)
        asked[f"way back to {release}"] = steps.way_back_is_here(service, release)
    return asked | ({"rights": steps.is_allowed(place.units)} if place.units else {})


PLACES = {
    f"{place.id}: {name}": (place.host.name, step.argv, step.deadline)
    for place in ESTATE.placements
    for name, step in asked_of(place).items()
}
WHAT = {asked: name for name, asked in PLACES.items()}
BEFORE, AFTER = OLD["backend"], NEW["backend"]


def hosts(refusing: str = "", ended: Completed | Exception | None = None) -> Hosts:
    """Hosts on which all is as it must be, but one thing of the backend."""

    def answer(host: str, argv: tuple[str, ...]) -> Completed:
        (name,) = (name for name, (there, words, _) in PLACES.items() if (there, words) == (host, argv))
        if name == f"backend-api-1: {refusing}":
            if isinstance(ended, Exception):
                raise ended
            return ended or completed(1)
        return completed(out=f" uv of {host}\x1b \n") if ": tools" in name else completed()

    return Hosts(answer=answer)


def looked(there: Hosts, made: Plan, *, no_way_back: bool = False) -> tuple[list[str], list[str]]:
    """What was asked, sorted, as most is asked at once; and what was said."""
    said: list[str] = []
    preflight.preflight(there, ESTATE, made, no_way_back=no_way_back, say=said.append)  # type: ignore[arg-type]
    names = [WHAT[one] for one in there.asked]
    ways = [name for name in names if ": way back" in name]
    assert names[len(names) - len(ways) :] == ways, "a way back is proved by all the rest"
    return sorted(names), said


def refused(there: Hosts, made: Plan, *, no_way_back: bool = False) -> VoxgateError:
    """Why it is not begun."""
    with pytest.raises(VoxgateError) as caught:
        looked(there, made, no_way_back=no_way_back)
    return caught.value


def test_each_place_is_asked_for_all_that_its_moves_need() -> None:
    names, said = looked(hosts(), plan("backend", "console"))
    assert names == [
        "backend-api-1: build",
        "backend-api-1: checkout",
        "backend-api-1: folders",
        "backend-api-1: rights",
        f"backend-api-1: tools for {AFTER}",
        f"backend-api-1: way back to {BEFORE}",
        "console-api-1: build",
        "console-api-1: checkout",
        "console-api-1: folders",
        f"console-api-1: tools for {NEW['console']}",
        f"console-api-1: way back to {OLD['console']}",
    ]
    assert said == ["api-1: backend, console are built with uv of api-1\\x1b"]


def test_every_host_of_a_service_is_asked() -> None:
    names, said = looked(hosts(), plan("fleet"))
    assert [name for name in names if "rights" in name or "checkout" in name] == [
        f"fleet-{host}: {what}" for host in ("fleet-1", "fleet-2") for what in ("checkout", "rights")
    ]
    assert said == [f"{host}: fleet is built with uv of {host}\\x1b" for host in ("fleet-1", "fleet-2")]


@pytest.mark.parametrize(
    ("made", "ways"),
    [
        (plan("backend"), [BEFORE]),
        (plan("backend", good={}), []),
        (plan("backend", good=NEW), []),  # deployed again: there is nothing else to go back to
        (plan("backend", back=True, good=NEW), [BEFORE, AFTER]),  # what is gone back to, and what then is the way back
        (plan("backend", back=True, good={}), [BEFORE]),
    ],
)
def test_what_may_have_to_be_put_back_must_be_there(made: Plan, ways: list[object]) -> None:
    names, _ = looked(hosts(), made)
    assert [name for name in names if "way back" in name] == [f"backend-api-1: way back to {one}" for one in ways]


@pytest.mark.parametrize(("hosts_of_it", "said"), [(5, "x-1, x-2, x-3, x-4, x-5"), (6, "x-1, x-2, x-3, x-4, x-5, and 1 more")])
def test_of_many_hosts_with_one_builder_the_first_are_named(hosts_of_it: int, said: str) -> None:
    place = ESTATE.placements[0]
    many = [replace(place, host=replace(place.host, name=f"x-{number}")) for number in range(1, hosts_of_it + 1)]
    assert list(builders(many, dict.fromkeys(many, "uv 0.13.9"))) == [f"{said}: backend is built with uv 0.13.9"]
    assert list(builders(many, {})) == []


BUILD = "uv run voxgate enrol api-1 --estate NAME | ssh YOU@198.51.100.21 sudo bash (account, builder, folders)"
THERE = ESTATE.service("backend").folder


@pytest.mark.parametrize(
    ("refusing", "ended", "line", "hint"),
    [
        (
            "checkout",
            completed(128, err="fatal: not a git repository"),
            f"api-1: {THERE} is no checkout of vox-backend: fatal: not a git repository",
            "git clone it once, as deploy; from then on the gate brings the code",
        ),
        ("build", completed(1), "api-1: no release of backend can be built here: it said nothing", BUILD),
        (
            "build",
            completed(1, err="error: No space left on device"),
            "api-1: no release of backend can be built here: error: No space left on device",
            BUILD,
        ),
        (
            f"tools for {AFTER}",
            completed(1, err="error: No space left on device"),
            "api-1: no release of backend can be built here: error: No space left on device",
            "make room there, of bytes and of inodes: `df -h /var/lib/voxgate`; `df -i /var/lib/voxgate`",
        ),
        ("rights", completed(1, err="no"), "api-1: backend could not be restarted here: no", ""),
        ("folders", completed(1, out="no"), "api-1: backend cannot be deployed here: no", ""),
        (
            f"way back to {BEFORE}",
            completed(1, err="no such commit"),
            f"api-1: there is no way back to {BEFORE} of backend: no such commit",
            "put it there (git fetch, uv sync, a build), or accept it: --no-way-back",
        ),
        (
            "folders",
            Unreachable("the SSH connection is gone", where="api-1", hint="reopen it"),
            "api-1: folders could not be asked: api-1: the SSH connection is gone",
            "reopen it",
        ),
    ],
)
def test_what_is_not_as_it_must_be_is_refused_with_what_mends_it(
    refusing: str, ended: Completed | Exception, line: str, hint: str
) -> None:
    error = refused(hosts(refusing, ended), plan("backend"))
    assert (type(error), error.line, error.hint) == (Refused, line, hint)


def test_what_sudo_says_is_mended_by_its_own_words_whatever_was_asked() -> None:
    said = "sudo does not allow: /usr/bin/systemctl restart voxbridge.service"
    of_rights, of_build = (refused(hosts(what, completed(1, err=said)), plan("backend")) for what in ("rights", "build"))
    assert of_rights.why == of_build.why == said
    assert of_rights.hint == of_build.hint != BUILD
    assert "voxbridge.service" in of_rights.hint


def test_a_build_s_own_unit_is_one_that_the_account_may_restart() -> None:
    unit = ESTATE.service("backend").build_unit
    said = f"sudo does not allow: /usr/bin/systemctl restart {unit}"
    assert unit in refused(hosts("build", completed(1, err=said)), plan("backend")).hint


def test_without_a_way_back_it_goes_on_where_a_person_accepts_that() -> None:
    away = completed(1, err="no such commit")
    _, said = looked(hosts(f"way back to {BEFORE}", away), plan("backend"), no_way_back=True)
    assert said == [
        "api-1: backend is built with uv of api-1\\x1b",
        f"no way back, accepted: api-1: there is no way back to {BEFORE} of backend: no such commit",
    ]
    error = refused(hosts("folders", away), plan("backend"), no_way_back=True)
    assert error.line == "api-1: backend cannot be deployed here: no such commit"


@pytest.mark.parametrize(("refusing", "where"), [("folders", "folders of backend-api-1"), (f"way back to {BEFORE}", "preflight")])
def test_a_mistake_of_ours_is_never_accepted(refusing: str, where: str) -> None:
    error = refused(hosts(refusing, KeyError("x")), plan("backend"), no_way_back=True)
    assert isinstance(error, Unforeseen)
    assert error.where == where


VIEW = DatabaseView.__new__(DatabaseView)
LOST = Missing("failed", "not authorized", "vox", "give it a role")


@pytest.mark.parametrize(("services", "asked"), [(("backend",), []), (("dialler",), ["vox"]), (("backend", "dialler"), ["vox"])])
def test_the_databases_are_asked_who_dials_where_the_dialler_is_deployed(
    monkeypatch: pytest.MonkeyPatch, services: tuple[str, ...], asked: list[str]
) -> None:
    seen: list[str] = []

    def see(_: object, database: Database, *, records: bool) -> DatabaseView:
        assert not records
        seen.append(database.name)
        return VIEW

    monkeypatch.setattr(preflight, "see", see)
    looked(hosts(), plan(*services))
    assert seen == asked


def test_a_dialler_that_could_not_be_started_again_is_not_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "see", lambda *_, **__: LOST)
    error = refused(hosts(), plan("dialler"), no_way_back=True)
    assert error.text == (
        "vox: the database does not say who dials on it: the dialler could not be started again: not authorized\n"
        "  hint: give it a role"
    )


def test_a_host_that_was_not_seen_before_stops_a_deploy() -> None:
    seen = {"api-1": Missing("timeout", "no answer within 30 s", "api-1", "look at its load")}
    with pytest.raises(Refused) as caught:
        must_be_seen(seen)
    assert caught.value.text == (
        "api-1: this host could not be judged after a deploy: no answer within 30 s\n  hint: look at its load"
    )
    must_be_seen({})


def test_what_is_held_is_told_with_how_it_is_let_go() -> None:
    assert held_hosts({"fleet": "fleet-1 is held", "backend": "x"}).text == (
        "fleet must be looked at by a person first: fleet-1 is held\n"
        "  hint: look at it, mend it, then: --clear fleet --reason TEXT"
    )


def test_what_was_not_answered_is_no_answer() -> None:
    """A deadline, a signal: nobody knows."""
    error = refused(hosts("checkout", CommandUnknown("was not done within 10 s", where="api-1")), plan("backend"))
    assert error.line == "api-1: git rev-parse could not be asked: api-1: was not done within 10 s"
