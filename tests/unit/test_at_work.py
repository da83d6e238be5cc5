"""Who is at work: what the hosts say before a look and after it."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import datetime

import pytest

from tests.said import Said
from voxgate.contracts.estates import load_estate
from voxgate.deploy.hosts.journal import Journal, Phase
from voxgate.deploy.hosts.state import Author, Found
from voxgate.deploy.judging.at_work import LONGEST, overdue, say_who_works, works_of
from voxgate.deploy.run_context import Options, RunContext
from voxgate.model.evidence import Missing
from voxgate.model.release import Release
from voxgate.model.work import Work, said_of
from voxgate.transport.ssh.connections import Connections

ESTATE = load_estate("lab")
NEW = Release("backend", "a" * 40, "vox-backend-2026.06.24-1")
NOW = time.time()


def ago(seconds: float) -> str:
    """A moment, as hosts say it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(NOW - seconds))


def owner(services: str = "backend", run: str = "r-2", since: float = 60) -> dict[str, str]:
    return Author(run, "ci@vm", "b-7", ago(since), services).document()


def journal(phase: Phase, run: str = "r-2") -> Journal:
    return Journal(phase, run, NEW, None, "systemctl restart voxbridge", "begun", "b")


REST = Found(None, journal(Phase.DONE, "r-1"), owner=owner(run="r-1", since=9000))


def moving(before: dict[str, Found], after: dict[str, Found]) -> set[str]:
    """The placements that move; ``held`` ones besides are told, and move nothing."""
    one, other = ({key: given.get(key, REST) for key in ALL} for given in (before, after))
    return {f"{work.service}-{work.host}" for work in works_of(one, other, ESTATE, NOW) if work.moves}


API = "backend-api-1"
ALL = [one.id for one in ESTATE.placements]


def test_at_rest_nobody_is_at_work() -> None:
    rest = dict.fromkeys(ALL, REST)
    assert works_of(rest, rest, ESTATE, NOW) == ()


@pytest.mark.parametrize("when", ["before", "after", "both"])
def test_a_gate_that_holds_the_hosts_is_at_work_on_what_it_deploys(when: str) -> None:
    held = {key: replace(REST, owner=owner(), held=True) for key in ALL}
    held[API] = replace(held[API], journal=journal(Phase.RESTART))
    before, after = (held if when in {name, "both"} else dict.fromkeys(ALL, REST) for name in ("before", "after"))
    found = works_of(before, after, ESTATE, NOW)
    assert {one.host for one in found if not one.moves} == {"api-1", "fleet-1", "fleet-2", "sip-1"}
    assert [f"{one.service}-{one.host}" for one in found if one.moves] == [API]
    said = "ci@vm since {}, build b-7, run r-2: backend on api-1, restart, systemctl restart voxbridge begun"
    assert said_of(found) == (f"a deploy is at work: {said.format(ago(60))}",)


def test_what_it_says_that_it_deploys_moves_before_its_journal_is_begun() -> None:
    assert moving({}, {API: replace(REST, owner=owner(), held=True)}) == {API}
    assert moving({}, {API: replace(REST, owner=owner(""), held=True)}) == set()


def test_an_open_journal_that_it_mends_moves_too() -> None:
    left = replace(REST, owner=owner(""), journal=journal(Phase.RESTART, "r-0"), held=True)
    assert moving({API: left}, {API: left}) == {API}
    torn = replace(left, journal=Missing("unparsable", "half of it"))
    assert moving({API: torn}, {API: torn}) == {API}


def test_one_that_came_and_went_in_between_moved_what_it_deployed() -> None:
    assert moving({}, {API: replace(REST, owner=owner())}) == {API}
    assert moving({}, {API: replace(REST, journal=journal(Phase.ROLLED_BACK))}) == {API}


def test_a_journal_that_a_dead_gate_left_is_nobody_at_work() -> None:
    left = replace(REST, journal=journal(Phase.RESTART))
    assert moving({API: left}, {API: left}) == set()


def test_a_host_of_which_nothing_was_read_says_nothing() -> None:
    missing = Missing("unreachable", "no route")
    assert moving({API: Found(missing, missing)}, {}) == set()
    assert moving({}, {API: Found(missing, missing)}) == set()


def test_who_does_not_say_what_it_deploys_may_move_all_of_it() -> None:
    held = {key: replace(REST, owner={}, held=True) for key in ALL}
    assert moving(held, held) == set(ALL)


def test_longer_than_any_deploy_takes_it_excuses_nothing_and_is_said() -> None:
    held = {key: replace(REST, owner=owner(since=LONGEST + 60), journal=journal(Phase.RESTART), held=True) for key in ALL}
    found = works_of(held, held, ESTATE, NOW)
    assert found
    assert not any(one.moves for one in found)
    (line,) = overdue(found, NOW)
    assert f"ci@vm says to be at work, longer than any deploy takes: since {ago(LONGEST + 60)}, run r-2" in line


def test_what_it_calls_itself_is_shown_as_it_is_and_not_at_any_length() -> None:
    held = {key: replace(REST, owner=owner() | {"by": "x\n\x1b[31mVOXGATE OK" + "y" * 150}, held=True) for key in ALL}
    (line,) = said_of(works_of(held, held, ESTATE, NOW))
    assert "x\\n\\x1b[31mVOXGATE OK" in line
    assert len(line) < 310


# The ids hold no moment: two workers that collect a second apart would have two tests.
@pytest.mark.parametrize(
    "since", ["2999-01-01T00:00:00Z", "yesterday", "9" * 400, ago(-3600)], ids=["later", "a word", "long", "in an hour"]
)
def test_a_moment_that_cannot_be_excuses_nothing(since: str) -> None:
    held = {key: replace(REST, owner={**owner(), "since": since}, held=True) for key in ALL}
    assert moving(held, held) == set()
    assert overdue(works_of(held, held, ESTATE, NOW), NOW)


def held_since(seconds: float) -> dict[str, Found]:
    return {key: replace(REST, owner=owner(since=seconds), held=True) for key in ALL}


@pytest.mark.parametrize(("seconds", "late"), [(6 * 3600 - 1, False), (6 * 3600, True), (-599, False), (-600, True), (0, False)])
def test_a_gate_is_at_work_from_now_until_the_longest_that_one_is(seconds: float, *, late: bool) -> None:
    """Of clocks that are ten minutes apart, at most."""
    now = datetime.fromisoformat(ago(0)).timestamp()
    found = works_of(held_since(seconds), held_since(seconds), ESTATE, now)
    assert [one.moves for one in found if one.service == "backend"] == [not late]
    hint = "look for who holds /var/lib/voxgate/*/owner.lock there: what does not hold is judged as if nobody were at work"
    line = f"api-1: ci@vm says to be at work, longer than any deploy takes: since {ago(seconds)}, run r-2; {hint}"
    assert overdue(found, now) == ((line,) if late else ())


def test_of_a_moment_that_is_no_moment_not_all_is_told() -> None:
    held = {key: replace(REST, owner={**owner(), "since": "x" * 41}, held=key == API) for key in ALL}
    (work,) = works_of(held, held, ESTATE, NOW)
    assert work.since == "x" * 40


def test_a_gate_that_has_just_locked_a_host_says_nothing_yet_and_may_move_all() -> None:
    locked = {key: replace(REST, owner=None, held=key == API) for key in ALL}
    (work,) = works_of(locked, locked, ESTATE, NOW)
    assert work == Work("backend", "api-1", "", "", "", "", "", moves=True)
    assert overdue((replace(work, since="x"),), NOW)[0].startswith("api-1: somebody says to be at work")


def test_who_has_it_now_is_told_else_who_had_it() -> None:
    before = replace(REST, owner=owner(run="r-1"), held=True, journal=journal(Phase.RESTART))
    after = replace(REST, owner=owner(run="r-2"), held=True, journal=journal(Phase.INSTALL))
    gone = replace(after, held=False)

    def told(one: Found, other: Found) -> tuple[str, str]:
        rest = dict.fromkeys(ALL, REST)
        (work,) = works_of({**rest, API: one}, {**rest, API: other}, ESTATE, NOW)
        return work.run, work.doing.partition(",")[0]

    assert told(before, after) == ("r-2", "install")
    assert told(before, gone) == ("r-1", "restart")
    assert told(replace(before, held=False), gone) == ("r-2", "install")
    assert told(before, replace(after, journal=journal(Phase.DONE))) == ("r-2", "")
    assert told(before, replace(after, journal=None)) == ("r-2", "")


def context(found: dict[str, Found]) -> tuple[RunContext, Said]:
    said = Said()
    return RunContext(ESTATE, Connections(ESTATE), said, Options(), Author("r-9"), found=found), said


def test_each_gate_is_said_when_it_is_first_seen() -> None:
    notes: list[str] = []
    rest, held = dict.fromkeys(ALL, REST), held_since(60)
    line = f"a deploy is at work: ci@vm since {ago(60)}, build b-7, run r-2: backend on api-1"
    run, said = context(held)
    found = say_who_works(run, run.found, notes)
    assert (said.notes, [one.service for one in found if one.moves]) == ([line], ["backend"])
    say_who_works(run, dict(held), notes)
    assert said.notes == [line], "it was said before the look"
    run, said = context(rest)
    say_who_works(run, held, notes)
    assert said.notes == [line]
    run, said = context(rest)
    assert say_who_works(run, rest, notes) == ()
    assert (said.notes, notes) == ([], [])


def test_who_says_so_for_too_long_is_noted_once() -> None:
    notes: list[str] = []
    held = held_since(LONGEST + 60)
    run, _ = context(held)
    say_who_works(run, run.found, notes)
    say_who_works(run, dict(held), notes)
    assert len(notes) == 1
    assert notes[0].startswith("api-1: ci@vm says to be at work, longer than any deploy takes")
