"""What may be asked for on the command line, which release is meant by it, and what is refused, in which words."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from voxgate.contracts.estates import load_estate
from voxgate.deploy.hosts.state import Good, LastKnownGood
from voxgate.deploy.planning.plan import Request, Target, check_requests, how_of, make_plan, next_tag, read_requests, resolve
from voxgate.errors import Mistyped, Refused
from voxgate.model.evidence import Missing
from voxgate.model.release import Release, RemoteView
from voxgate.model.run_facts import How

ESTATE = load_estate("lab")
BACKEND = ESTATE.service("backend")
TAGS = {f"vox-backend-2026.06.{day}-1": f"{day}" * 20 for day in (22, 23, 24)}
OLD, MID, NEW = (Release("backend", commit, tag) for tag, commit in TAGS.items())
URL = "git@198.51.100.10:oriserve1/vox-backend.git"
VIEW = RemoteView("backend", URL, NEW.commit, TAGS, frozenset(TAGS.values()))
TODAY = date(2026, 6, 24)
HERE = "backend-api-1"


READ: dict[str, tuple[list[str], list[str], list[tuple[str, str, bool]]]] = {
    "one": (["backend"], [], [("backend", "", False)]),
    "two, in the order of a deploy": (["console,fleet"], [], [("fleet", "", False), ("console", "", False)]),
    "the head of main": (["backend=main"], [], [("backend", "main", False)]),
    "a tag": ([f"backend={NEW}"], [], [("backend", str(NEW), False)]),
    "the one before": (["backend=previous"], [], [("backend", "previous", True)]),
    "back": ([], ["backend"], [("backend", "previous", True)]),
    "back to a tag": ([], [f"backend={OLD}"], [("backend", str(OLD), True)]),
    "both ways": (["fleet"], ["backend"], [("backend", "previous", True), ("fleet", "", False)]),
    "twice the same": (["backend,backend", "backend"], [], [("backend", "", False)]),
    "nothing": ([], [], []),
}


@pytest.mark.parametrize("what", READ)
def test_what_is_asked_for_is_read(what: str) -> None:
    deploy, rollback, wanted = READ[what]
    assert read_requests(deploy, rollback, ESTATE) == tuple(Request(*one) for one in wanted)


def test_all_is_every_service() -> None:
    names = [service.name for service in ESTATE.services]
    assert [one.service for one in read_requests(["all"], [], ESTATE)] == names
    assert {one.wanted for one in read_requests(["all=main"], [], ESTATE)} == {"main"}
    assert {(one.wanted, one.back) for one in read_requests([], ["all"], ESTATE)} == {("previous", True)}


REFUSED: dict[str, tuple[list[str], list[str], str, str]] = {
    "no tag": (["backend="], [], "--deploy 'backend=': no tag after the equals sign", "--deploy backend is enough"),
    "back to main": (
        [], ["backend=main"], "--rollback 'backend=main': the head of main is nothing to go back to", "--deploy, or a tag",
    ),
    "misspelt": (["bakend"], [], "--deploy 'bakend': there is no such service", "did you mean backend?"),
    "none": (
        ["x"], [], "--deploy 'x': there is no such service", "services: backend, fleet, dialler, console, all",
    ),
    "one of two": (["fleet,bakend"], [], "--deploy 'fleet,bakend': there is no such service: bakend", "did you mean backend?"),
    "a tag for two": (
        [f"backend,fleet={NEW}"], [], f"--deploy 'backend,fleet={NEW}': a tag is of one service",
        "one --deploy for each: --deploy backend=TAG",
    ),
    "a tag for all": (
        [], [f"all={NEW}"], f"--rollback 'all={NEW}': a tag is of one service", "one --rollback for each: --rollback backend=TAG",
    ),
    "twice": (["backend", "backend=main"], [], "--deploy: backend is asked for twice, differently", ""),
    "both ways": (["backend"], ["backend"], "--rollback: backend is asked for twice, differently", ""),
    "no form of a tag": (
        ["backend=v1"], [], "backend='v1': this is no release tag", "a tag looks like vox-backend-YYYY.MM.DD-N",
    ),
    "another's tag": (
        [f"fleet={NEW}"], [], f"fleet={NEW}: this tag is of another service: it is a release of vox-backend",
        "looks like vox-agents-YYYY.MM.DD-N",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_meant_is_refused_in_a_line_with_a_hint(what: str) -> None:
    deploy, rollback, line, hint = REFUSED[what]
    with pytest.raises(Refused) as caught:
        read_requests(deploy, rollback, ESTATE)
    assert (caught.value.line, caught.value.hint) == (line, hint)


@pytest.mark.parametrize(
    ("back", "recover", "how"),
    [([], False, How.LOOK), ([], True, How.RECOVER), ([False], True, How.DEPLOY), ([True, True], False, How.ROLLBACK),
     ([True, False], True, How.BOTH)],
)  # fmt: skip
def test_what_a_run_is_called(back: list[bool], recover: bool, how: How) -> None:  # noqa: FBT001
    assert how_of([Request("backend", back=one) for one in back], recover=recover) is how


MEANT: dict[str, tuple[str, RemoteView, Release]] = {
    "the newest": ("", VIEW, NEW),
    "the newest on main": ("", replace(VIEW, on_main=frozenset({OLD.commit, MID.commit})), MID),
    "the newest of the day that main's line has last": ("", replace(VIEW, newest=frozenset({OLD.commit, MID.commit})), MID),
    "where main has none of the newest": ("", replace(VIEW, newest=frozenset({"0" * 40})), NEW),
    "the newest of main's own line": ("", replace(VIEW, line=frozenset({NEW.commit})), NEW),
    "one of tomorrow, as it is tomorrow somewhere": ("", replace(VIEW, tags={"vox-backend-2026.06.25-1": NEW.commit}),
                                                     replace(NEW, tag="vox-backend-2026.06.25-1")),
    "the tenth of a day is newer than the ninth": (
        "", replace(VIEW, tags={f"vox-backend-2026.06.24-{n}": NEW.commit for n in (10, 9)}),
        replace(NEW, tag="vox-backend-2026.06.24-10"),
    ),
    "the head of main": ("main", VIEW, NEW),
    "the head of main by its last tag": (
        "main", replace(VIEW, tags={**TAGS, "vox-backend-2026.06.24-2": NEW.commit, "x": NEW.commit}),
        replace(NEW, tag="vox-backend-2026.06.24-2"),
    ),
    "the head of main without a tag": ("main", replace(VIEW, main="0" * 40), Release("backend", "0" * 40, None)),
    "a tag": (str(MID), VIEW, MID),
}  # fmt: skip


@pytest.mark.parametrize("what", MEANT)
def test_which_release_is_meant(what: str) -> None:
    wanted, view, release = MEANT[what]
    assert resolve(Request("backend", wanted), BACKEND, view, TODAY) == release


SAID = "whose tag is it? If it is meant, name it: TAG=..."
NOT_MEANT: dict[str, tuple[str, RemoteView, type[Exception], str, str]] = {
    "a tag that is nearly one": (
        "vox-backend-2026.06.24-2", VIEW, Mistyped, f"backend=vox-backend-2026.06.24-2: the remote has no such tag: {URL}",
        "did you mean vox-backend-2026.06.24-1?",
    ),
    "a tag that is none": (
        "vox-backend-2026.06.24-2", replace(VIEW, on_main=frozenset()), Mistyped,
        f"backend=vox-backend-2026.06.24-2: the remote has no such tag: {URL}", "an annotated tag, pushed",
    ),
    "a tag beside main": (
        str(MID), replace(VIEW, on_main=frozenset({NEW.commit})), Refused,
        f"backend={MID}: this release is not on main: 232323232323 is not an ancestor of main at {URL}",
        "merge it first; code moves only one way",
    ),
    "no release": (
        "", replace(VIEW, on_main=frozenset()), Refused, "vox-backend: there is no release on main yet",
        "TAG=main deploys the head of main and tags it when it is done",
    ),
    "one of a day that has not come": (
        "", replace(VIEW, tags={"vox-backend-2026.06.26-1": NEW.commit}), Refused,
        "vox-backend: the day of vox-backend-2026.06.26-1 has not come: today is 2026.06.24", SAID,
    ),
    "one that main never was": (
        "", replace(VIEW, line=frozenset({OLD.commit})), Refused,
        f"vox-backend: {NEW} is not on main's own line: 242424242424 came to main by a merge, and main itself never stood there",
        SAID,
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", NOT_MEANT)
def test_a_release_that_may_not_be_deployed_is_refused(what: str) -> None:
    wanted, view, kind, line, hint = NOT_MEANT[what]
    with pytest.raises(Refused) as caught:
        resolve(Request("backend", wanted), BACKEND, view, TODAY)
    assert (type(caught.value), caught.value.line, caught.value.hint) == (kind, line, hint)


def test_what_is_asked_of_the_remotes_is_checked_before_any_host_is_held() -> None:
    """What goes back is no matter of theirs."""
    lost = Missing("failed", "no route", hint="is it up?")
    requests = (Request("backend", str(MID)), Request("fleet", "previous", back=True))
    assert check_requests(ESTATE, requests, {"backend": VIEW, "fleet": lost}) == ((BACKEND, MID),)
    with pytest.raises(Refused) as caught:
        check_requests(ESTATE, requests, {"backend": lost})
    assert (caught.value.line, caught.value.hint) == ("vox-backend: the remote could not be asked: no route", "is it up?")


def planned(wanted: str, good: Good, *, back: bool = False, service: str = "backend") -> Target:
    """The one target of a plan."""
    state = {one.id: good for one in ESTATE.placements}
    (target,) = make_plan(ESTATE, [Request(service, wanted, back)], {"backend": VIEW}, state).targets
    return target


def test_a_plan_says_what_goes_where_and_how() -> None:
    placements = tuple(one for one in ESTATE.placements if one.service == BACKEND)
    good = LastKnownGood(MID, OLD)
    there = {"placements": placements, "before": {HERE: good}}
    assert planned("", good) == Target(BACKEND, NEW, **there, how="deploy")  # type: ignore[arg-type]
    assert planned(str(MID), good).release == MID, "what is there already may be deployed again"
    back = Target(BACKEND, OLD, **there, is_on_hosts=True, how="rollback")  # type: ignore[arg-type]
    assert planned("previous", good, back=True) == planned(str(OLD), good, back=True) == back


NOT_PLANNED: dict[str, tuple[str, Good, str, str]] = {
    "a state that cannot be read": (
        "", Missing("denied", "permission denied", "api-1 /var/lib", "who owns it?"),
        "api-1 /var/lib: last-known-good cannot be read: permission denied", "who owns it?",
    ),
    "a host that knows none before": (
        "previous", LastKnownGood(NEW), "backend: there is no release to go back to: its hosts do not know one",
        "name one: TAG=vox-backend-YYYY.MM.DD-N",
    ),
    "a host that knows nothing": (
        "previous", None, "backend: there is no release to go back to: its hosts do not know one",
        "name one: TAG=vox-backend-YYYY.MM.DD-N",
    ),
    "back to what is there": (
        str(NEW), LastKnownGood(NEW), f"backend: {NEW} is what is last known good already", "--deploy puts it there again",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", NOT_PLANNED)
def test_what_cannot_be_planned_is_refused(what: str) -> None:
    wanted, good, line, hint = NOT_PLANNED[what]
    with pytest.raises(Refused) as caught:
        planned(wanted, good, back=True)
    assert (caught.value.line, caught.value.hint) == (line, hint)


def test_hosts_that_know_different_releases_go_back_to_none_and_one_that_lags_is_put_back() -> None:
    old, new = (Release("fleet", one.commit, one.tag.replace("backend", "agents")) for one in (OLD, NEW) if one.tag)
    view = replace(VIEW, service="fleet", tags={str(one): one.commit for one in (old, new)})
    ids = [one.id for one in ESTATE.placements if one.service.name == "fleet"]
    goods = (LastKnownGood(new, old), LastKnownGood(old, new))
    state: dict[str, Good] = dict(zip(ids, goods, strict=True))
    with pytest.raises(Refused, match="there is no release to go back to"):
        make_plan(ESTATE, [Request("fleet", "previous", back=True)], {}, state)
    (target,) = make_plan(ESTATE, [Request("fleet", str(new), back=True)], {"fleet": view}, state).targets
    assert target.release == new
    state[ids[1]] = None
    assert make_plan(ESTATE, [Request("fleet", str(new), back=True)], {"fleet": view}, state).targets[0].release == new


def test_the_next_tag_of_a_day_is_one_more_than_the_greatest() -> None:
    assert str(next_tag(BACKEND, TAGS, date(2026, 6, 25))) == "vox-backend-2026.06.25-1"
    tags = {**TAGS, "vox-backend-2026.06.24-10": "0" * 40, "vox-backend-2026.06.24-9": "0" * 40, "vox-backend-2026.06.24-x": ""}
    assert str(next_tag(BACKEND, tags, TODAY)) == "vox-backend-2026.06.24-11"
