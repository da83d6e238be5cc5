"""Recovery: each state of a journal has its one way out, over one host and over several."""

from __future__ import annotations

import json

import pytest

from voxgate.contracts.estates import load_estate
from voxgate.deploy.hosts.answers import State, Written
from voxgate.deploy.hosts.executor import Task
from voxgate.deploy.hosts.journal import Journal, Phase, document_of, read_journal
from voxgate.deploy.hosts.last_known_good import credible, way_back
from voxgate.deploy.hosts.state import Author, Found, LastKnownGood, found_of, good_document
from voxgate.deploy.recovery.policy import WayOut, decide, way_of
from voxgate.deploy.recovery.undoing import changes, nothing_was_changed
from voxgate.model.evidence import Missing
from voxgate.model.release import PutBack, Release

ESTATE = load_estate("lab")
OLD = Release("fleet", "a" * 40, "vox-agents-2026.06.22-1")
NEW = Release("fleet", "b" * 40, "vox-agents-2026.06.24-1")
GOOD = LastKnownGood(OLD, None, "2026-06-22T08:00:00Z")
FLEET = [placement for placement in ESTATE.placements if placement.service.name == "fleet"]
NOTHING = Found(GOOD)

TABLE = {
    Phase.CLAIMED: WayOut.ABANDON,
    Phase.FETCH: WayOut.ABANDON,
    Phase.CHECKOUT: WayOut.GO_BACK,
    Phase.INSTALL: WayOut.GO_BACK,
    Phase.RESTART: WayOut.GO_BACK,
    Phase.JUDGING: WayOut.JUDGE,
    Phase.PROMOTING: WayOut.PROMOTE,
    Phase.BACK_CHECKOUT: WayOut.GO_BACK,
    Phase.BACK_INSTALL: WayOut.GO_BACK,
    Phase.BACK_RESTART: WayOut.GO_BACK,
    Phase.BACK_JUDGING: WayOut.GO_BACK,
    Phase.DONE: WayOut.NOTHING,
    Phase.ROLLED_BACK: WayOut.NOTHING,
    Phase.ABANDONED: WayOut.NOTHING,
    Phase.CLEARED: WayOut.NOTHING,
    Phase.HELD: WayOut.HELD,
}


def found(phase: Phase, *, boot: str = "b", good: LastKnownGood | None = GOOD, run: str = "r1") -> Found:
    return Found(good, Journal(phase, run, NEW, OLD, boot=boot), "b")


def way(*hosts: Found) -> WayOut:
    """The decision over the two fleet hosts; a host that is not given has nothing open."""
    state = {placement.id: NOTHING for placement in ESTATE.placements}
    state |= {placement.id: one for placement, one in zip(FLEET, hosts, strict=False)}
    decisions = decide(ESTATE, state)
    return decisions[0].way if decisions else WayOut.NOTHING


def test_the_table_knows_every_state() -> None:
    assert set(TABLE) == set(Phase)


@pytest.mark.parametrize("phase", list(Phase))
def test_each_state_has_its_one_way_out(phase: Phase) -> None:
    assert way_of(phase) is TABLE[phase]
    assert way(found(phase)) is TABLE[phase]
    assert way(found(phase), found(phase)) is TABLE[phase]


@pytest.mark.parametrize("phase", list(Phase))
def test_after_a_boot_nothing_is_promoted_unjudged(phase: Phase) -> None:
    expected = WayOut.JUDGE if phase is Phase.PROMOTING else TABLE[phase]
    assert way(found(phase, boot="another")) is expected


@pytest.mark.parametrize(
    ("one", "two", "wanted"),
    [
        (Phase.PROMOTING, Phase.JUDGING, WayOut.JUDGE),  # one host alone may write what it likes
        (Phase.PROMOTING, Phase.PROMOTING, WayOut.PROMOTE),
        (Phase.PROMOTING, Phase.DONE, WayOut.PROMOTE),
        (Phase.RESTART, Phase.INSTALL, WayOut.GO_BACK),
        (Phase.CLAIMED, Phase.CHECKOUT, WayOut.GO_BACK),
        (Phase.CLAIMED, Phase.DONE, WayOut.ABANDON),
        (Phase.JUDGING, Phase.RESTART, WayOut.GO_BACK),
        (Phase.BACK_RESTART, Phase.RESTART, WayOut.GO_BACK),
        (Phase.ROLLED_BACK, Phase.BACK_JUDGING, WayOut.GO_BACK),
        (Phase.HELD, Phase.RESTART, WayOut.HELD),
    ],
)
def test_the_gravest_of_the_hosts_decides(one: Phase, two: Phase, wanted: WayOut) -> None:
    assert way(found(one), found(two)) is wanted
    assert way(found(two), found(one)) is wanted


@pytest.mark.parametrize(
    ("there", "wanted"), [(Phase.PROMOTING, WayOut.PROMOTE), (Phase.DONE, WayOut.PROMOTE), (Phase.JUDGING, WayOut.JUDGE)]
)
def test_a_run_is_promoted_unjudged_only_where_no_host_says_otherwise(there: Phase, wanted: WayOut) -> None:
    """The journal of a host is its deploy account's: one that writes promoting promotes nothing on another host."""
    state = {placement.id: NOTHING for placement in ESTATE.placements}
    state["backend-api-1"] = found(Phase.PROMOTING)
    state["fleet-fleet-1"] = found(there)
    ways = {one.service: one.way for one in decide(ESTATE, state)}
    assert ways.pop("backend") is wanted
    assert set(ways.values()) == ({wanted} if there is not Phase.DONE else set())


@pytest.mark.parametrize("phase", [Phase.JUDGING, Phase.PROMOTING])
@pytest.mark.parametrize("forger", [0, 1])
def test_no_host_says_what_was_deployed_on_another(phase: Phase, forger: int) -> None:
    other = Release("fleet", "e" * 40, "vox-agents-2026.06.25-1")
    hosts = [found(phase), found(phase)]
    hosts[forger] = Found(GOOD, Journal(phase, "r1", other, OLD, boot="b"), "b")
    state = {placement.id: NOTHING for placement in ESTATE.placements}
    state |= {placement.id: one for placement, one in zip(FLEET, hosts, strict=True)}
    (decision,) = decide(ESTATE, state)
    assert (decision.way, decision.release) == (WayOut.GO_BACK, OLD)
    assert "do not agree on what was deployed" in decision.line


EVIL = Release("fleet", "e" * 40, "vox-agents-2026.06.25-1")
LATEST = "2026-06-25T12:00:00Z"


def believed(*goods: LastKnownGood | Missing | None, main: frozenset[str] | None) -> list[str]:
    """Of which fleet hosts the last known good is believed: its commit's first letter, a dash for none, a question mark."""
    state = {placement.id: NOTHING for placement in ESTATE.placements}
    state |= {placement.id: Found(good) for placement, good in zip(FLEET, goods, strict=True)}
    kept = credible(state, ESTATE, lambda service, _: main if service == "fleet" else None, LATEST)
    shown = (kept[placement.id].good for placement in FLEET)
    return [
        one.release.commit[0] if isinstance(one, LastKnownGood) else "?" if isinstance(one, Missing) else "-" for one in shown
    ]


MAIN = frozenset({OLD.commit, NEW.commit})
LATER = LastKnownGood(NEW, OLD, "2026-06-24T08:00:00Z")


@pytest.mark.parametrize(
    ("goods", "main", "wanted"),
    [
        # One commit on all hosts: nobody decides for another, whatever the mirror knows, and whatever clock promoted it.
        ((GOOD, GOOD), MAIN, "aa"),
        ((GOOD, GOOD), frozenset(), "aa"),
        ((GOOD, GOOD), None, "aa"),
        ((LastKnownGood(OLD, None, "2099-01-01T00:00:00Z"),) * 2, MAIN, "aa"),
        # Two: only what is on main, and not of the future, may be what all go back to.
        ((GOOD, LATER), MAIN, "ab"),
        ((GOOD, LastKnownGood(EVIL, OLD, "2026-06-24T08:00:00Z")), MAIN, "a?"),
        ((GOOD, LastKnownGood(NEW, OLD, "2099-01-01T00:00:00Z")), MAIN, "a?"),
        ((GOOD, LATER), None, "??"),
        # A host that is new follows the other one, but not to where main never was.
        ((None, GOOD), MAIN, "-a"),
        ((None, GOOD), None, "-a"),
        ((None, LastKnownGood(EVIL, None, "2026-06-24T08:00:00Z")), MAIN, "-?"),
        ((None, None), MAIN, "--"),
    ],
)
def test_one_host_decides_for_no_other_where_it_goes_back_to(
    goods: tuple[LastKnownGood | None, ...], main: frozenset[str] | None, wanted: str
) -> None:
    assert "".join(believed(*goods, main=main)) == wanted


def test_where_nobody_knows_what_to_go_back_to_it_waits() -> None:
    """It is not closed, as it would be where nothing ever was known good: the next run may know."""
    unknown = Found(Missing("failed", "nobody can say"), Journal(Phase.RESTART, "r1", NEW, OLD, boot="b"), "b")
    assert way(unknown, unknown) is WayOut.WAITS
    assert way(unknown, found(Phase.RESTART)) is WayOut.GO_BACK


@pytest.mark.parametrize("phase", list(Phase))
def test_a_host_that_is_away_keeps_no_other_from_its_way_out(phase: Phase) -> None:
    """What must be judged, or was by what the lost host says too, waits for it. All else is mended."""
    lost = Found(Missing("unreachable", "no route"), Missing("unreachable", "no route"))
    state = {placement.id: NOTHING for placement in ESTATE.placements}
    state |= {FLEET[0].id: found(phase), FLEET[1].id: lost}
    decisions = decide(ESTATE, state, {FLEET[1].host.name})
    expected = WayOut.WAITS if TABLE[phase] in {WayOut.JUDGE, WayOut.PROMOTE} else TABLE[phase]
    assert [one.way for one in decisions] == ([] if expected is WayOut.NOTHING else [expected])
    assert all(one.placements == (FLEET[0],) for one in decisions)


def test_a_host_without_a_state_keeps_only_what_must_be_judged() -> None:
    for phase, wanted in ((Phase.JUDGING, WayOut.WAITS), (Phase.PROMOTING, WayOut.PROMOTE), (Phase.RESTART, WayOut.GO_BACK)):
        state = {placement.id: NOTHING for placement in ESTATE.placements} | {FLEET[0].id: found(phase)}
        assert [one.way for one in decide(ESTATE, state, {"data"})] == [wanted]


def test_one_host_booted_since_is_proof_against_promoting() -> None:
    assert way(found(Phase.PROMOTING), found(Phase.PROMOTING, boot="another")) is WayOut.JUDGE


def test_another_runs_promotion_proves_nothing() -> None:
    assert way(found(Phase.PROMOTING, run="r1"), found(Phase.JUDGING, run="r2")) is WayOut.JUDGE


def test_a_half_written_journal_counts_as_half_changed() -> None:
    torn = Found(GOOD, Missing("unparsable", "no JSON"), "b")
    assert way(torn) is WayOut.GO_BACK
    assert "cannot be read" in decide(ESTATE, {p.id: NOTHING for p in ESTATE.placements} | {FLEET[0].id: torn})[0].line


def test_without_a_last_known_good_there_is_no_way_back() -> None:
    state = {p.id: Found(None) for p in ESTATE.placements} | {FLEET[0].id: found(Phase.RESTART, good=None)}
    assert decide(ESTATE, state)[0].way is WayOut.STUCK


GO_BACK = "go back to the last known good (vox-agents-2026.06.22-1)"
LATER_LINE = (
    "its hosts disagree on last-known-good (fleet-1: vox-agents-2026.06.22-1, fleet-2: vox-agents-2026.06.24-1): "
    "vox-agents-2026.06.24-1, promoted last, counts"
)


@pytest.mark.parametrize(
    ("hosts", "run", "line"),
    [
        ([found(Phase.CLAIMED)], "r1", "fleet-1 was left at claimed by run r1 -> abandoned: nothing was changed"),
        # Of two runs the first host's is named; a host on which nothing is open says nothing.
        (
            [found(Phase.RESTART, run="r3"), found(Phase.INSTALL)],
            "r3",
            f"fleet-1 was left at restart by run r3; fleet-2 was left at install by run r1 -> {GO_BACK}",
        ),
        (
            [found(Phase.DONE, run="r3"), found(Phase.INSTALL)],
            "r1",
            f"fleet-2 was left at install by run r1 -> {GO_BACK}",
        ),
        (
            [
                Found(
                    GOOD,
                    Journal(Phase.RESTART, "r1", NEW, OLD, step="restart voxcore@1", status="begun", boot="a", reason="x"),
                    "b",
                )
            ],
            "r1",
            f"fleet-1 was left at restart, restart voxcore@1 begun by run r1, the host was booted since (x) -> {GO_BACK}",
        ),
        (
            [found(Phase.HELD, boot="another")],
            "r1",
            "fleet-1 is held after run r1 -> held until a person clears it",
        ),
        (
            [Found(GOOD, Missing("unparsable", "no JSON"), "b")],
            "",
            f"fleet-1 has a journal that cannot be read (no JSON) -> {GO_BACK}",
        ),
        # That hosts disagree on what is good is said where one goes back to it.
        (
            [found(Phase.INSTALL), found(Phase.DONE, good=LATER)],
            "r1",
            f"fleet-1 was left at install by run r1; {LATER_LINE} -> go back to the last known good (vox-agents-2026.06.24-1)",
        ),
        (
            [found(Phase.JUDGING), found(Phase.DONE, good=LATER)],
            "r1",
            "fleet-1 was left at judging by run r1 -> judge again (vox-agents-2026.06.24-1)",
        ),
        (
            [found(Phase.RESTART, good=None), Found(Missing("failed", "torn"))],
            "r1",
            f"fleet-1 was left at restart by run r1; what was last known good is not known (torn) -> {WayOut.WAITS.value}",
        ),
    ],
)
def test_what_was_found_and_what_is_decided_is_said_in_a_line(hosts: list[Found], run: str, line: str) -> None:
    state = {placement.id: NOTHING for placement in ESTATE.placements}
    state |= {placement.id: one for placement, one in zip(FLEET, hosts, strict=False)}
    (decision,) = decide(ESTATE, state)
    assert (decision.line, decision.run) == (f"fleet: {line}", run)


def test_hosts_that_disagree_follow_the_last_promotion_and_say_so() -> None:
    later = LastKnownGood(NEW, OLD, "2026-06-24T08:00:00Z")
    release, line = way_back({"fleet-1": GOOD, "fleet-2": later})
    assert release == NEW
    assert "disagree" in line
    assert way_back({"fleet-1": GOOD, "fleet-2": None})[0] == OLD
    assert way_back({"fleet-1": GOOD, "fleet-2": GOOD}) == (OLD, "")
    assert way_back({"fleet-1": None}) == (None, "")


@pytest.mark.parametrize("phase", list(Phase))
def test_a_journal_reads_as_it_was_written(phase: Phase) -> None:
    journal = Task(FLEET[0], NEW, OLD).journal(phase, Author("r1", "me@here", "b-1", "now"), "why")
    changed = ["code", "voxcore@1.service"]
    told = (
        document_of(journal)
        | {"changed": changed, "since": 1.5, "code": None}
        | {"at": "2026-06-22T08:00:00Z", "boot": "b", "epoch": 1, "step": "", "status": "done"}
    )
    read = read_journal(json.dumps(told), FLEET[0])
    assert isinstance(read, Journal)
    assert (read.phase, read.release, read.origin, read.run, read.reason) == (phase, NEW, OLD, "r1", "why")
    assert read.changed == frozenset(changed)


@pytest.mark.parametrize(
    ("one", "wanted"),
    [
        (Journal(Phase.FETCH, "r1", NEW, OLD, boot="b", changed=frozenset()), frozenset()),
        (Journal(Phase.INSTALL, "r1", NEW, OLD, boot="b", changed=frozenset({"code"})), frozenset({"code"})),
        (Journal(Phase.RESTART, "r1", NEW, OLD, boot="b", changed=frozenset({"dist"})), frozenset({"dist"})),
        # What nobody wrote down, or what was started anew on what was there for a moment, is put back whole.
        (Journal(Phase.INSTALL, "r1", NEW, OLD, boot="b"), None),
        (Journal(Phase.INSTALL, "r1", NEW, OLD, boot="another", changed=frozenset({"code"})), None),
        (Journal(Phase.INSTALL, "r1", NEW, OLD, boot="another", changed=frozenset({"packages"})), None),
        (Journal(Phase.RESTART, "r1", NEW, OLD, boot="another", changed=frozenset({"dist"})), frozenset({"dist"})),
        (Missing("unparsable", "no JSON"), None),
        (None, None),
    ],
)
def test_what_was_changed_is_what_the_journal_says(one: Journal | Missing | None, wanted: frozenset[str] | None) -> None:
    assert changes(Found(GOOD, one, "b")) == wanted
    assert nothing_was_changed(Found(GOOD, one, "b")) is (wanted == frozenset())


def test_what_is_held_counts_as_changed() -> None:
    """Whatever its journal says: a person was told to look at it."""
    held = Found(GOOD, Journal(Phase.HELD, "r1", NEW, OLD, boot="b", changed=frozenset()), "b")
    assert (changes(held), nothing_was_changed(held)) == (frozenset(), False)


def test_a_change_that_was_put_back_makes_no_code_younger() -> None:
    back = PutBack(since=100.0, until=120.0, code=50.0)
    assert [back.age(changed) for changed in (40.0, 99.9, 100.0, 110.0, 120.0, 120.1)] == [40.0, 99.9, 50.0, 50.0, 50.0, 120.1]


def test_what_an_earlier_deploy_put_back_makes_no_code_younger_either() -> None:
    """The second one that failed changed no file: the last change is still the first one's, as it was seen before the second."""
    back = PutBack(since=100.0, until=120.0, code=50.0, seen=80.0)
    assert [back.age(changed) for changed in (79.9, 80.0, 80.1, 110.0, 120.1)] == [79.9, 50.0, 80.1, 50.0, 120.1]
    assert PutBack(since=100.0, until=120.0, code=50.0, seen=110.0).age(121.0) == 121.0


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 1}', "\x00" * 40])
def test_a_journal_that_is_none_is_missing(text: str) -> None:
    assert isinstance(read_journal(text, FLEET[0]), Missing)


LONG = "vox-agents-2026.06.22-" + "1" * 65_000


@pytest.mark.parametrize(
    "wrong",
    [{"tag": LONG}, {"previous": {"tag": LONG, "commit": "a" * 40}}, {"promoted_at": f"2026-06-22T08:00:00.{'1' * 65_000}Z"}],
)
def test_what_is_last_known_good_on_one_host_makes_no_journal_of_another_too_long(wrong: dict[str, object]) -> None:
    """It stands in the journals of all hosts, and of a file there so much is read."""
    for more in ({}, wrong):
        text = json.dumps(good_document(NEW, GOOD, "r1") | more)
        said = State("b", writable=True, services={"fleet": Written(text, None, None, None, held=False, ledger=(), git_locks=())})
        known = found_of(said, (FLEET[0],))[FLEET[0].id].good
        assert isinstance(known, Missing if more else LastKnownGood)


@pytest.mark.parametrize(
    "wrong", [{"run": LONG}, {"release": {"tag": LONG, "commit": "a" * 40}}, {"from": {"tag": LONG, "commit": "a" * 40}}]
)
def test_no_journal_of_one_host_makes_that_of_another_too_long(wrong: dict[str, object]) -> None:
    """What is mended is named on all its hosts by the run that began it."""
    told = document_of(Task(FLEET[0], NEW, OLD).journal(Phase.RESTART, Author("r1")))
    told |= {"at": "2026-06-22T08:00:00Z", "boot": "b", "epoch": 1, "step": "", "status": "done"}
    assert isinstance(read_journal(json.dumps(told), FLEET[0]), Journal)
    assert isinstance(read_journal(json.dumps(told | wrong), FLEET[0]), Missing)


def test_what_one_run_left_goes_one_way() -> None:
    """Killed while it told its hosts to judge: one service is at its judging, the other not yet."""
    api = [placement for placement in ESTATE.placements if placement.host.name == "api-1"]
    state = {placement.id: NOTHING for placement in ESTATE.placements}
    state |= {api[0].id: found(Phase.JUDGING), api[1].id: found(Phase.RESTART)}
    assert {one.service: one.way for one in decide(ESTATE, state)} == {"backend": WayOut.GO_BACK, "console": WayOut.GO_BACK}
    state[api[0].id] = found(Phase.JUDGING, run="r2")
    assert {one.service: one.way for one in decide(ESTATE, state)} == {"backend": WayOut.JUDGE, "console": WayOut.GO_BACK}
