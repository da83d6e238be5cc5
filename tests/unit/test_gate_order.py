"""The gate: what it does in which order, what it says, and where it ends, from the first connection to what is to be judged."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.gates import Scene, outcome
from tests.gates import scene as scene  # noqa: PLC0414 - a fixture
from tests.hosts import ESTATE, NEW, OLD
from voxgate.deploy.hosts.journal import Journal, Phase
from voxgate.deploy.hosts.state import LastKnownGood
from voxgate.deploy.run_context import Options
from voxgate.errors import CommandUnknown, MoveFailed, Refused, Unreachable, VoxgateError
from voxgate.model.evidence import Missing
from voxgate.model.release import RemoteView
from voxgate.model.verdict import Judgement, RunVerdict, Verdict

OPEN = "open data api-1 fleet-1 fleet-2 sip-1"
WAS, BECOMES = OLD["backend"], NEW["backend"]
DEPLOY = Options(deploy=("backend",), bake=0.0)
RECOVER = Options(recover=True, bake=0.0)
BEGUN = "mark backend-api-1 claimed, ledger begun"
JUDGING = "mark backend-api-1 judging"
MOVES = [f"do backend-api-1 {phase} {BECOMES}" for phase in ("fetch", "checkout", "install", "restart")]
ASKED = ["ask the remotes", OPEN, "look brief", f"deployable {BECOMES}"]
CLAIMED = [*ASKED, "claim all, wait 0"]
PROVED = ["plan", f"allowed: {BECOMES}", "look", f"preflight: {BECOMES}", "judge evidence-before"]
MOVED = [*CLAIMED, *PROVED, BEGUN, *MOVES, "up api-1-voxbridge", JUDGING]
SEEN = ["look brief", "read", "look"]
STRANGER = Judgement("only-expected-listeners[fleet-1]", "x", "x", "x", Verdict.VIOLATED, None, "fleet-1", "port 9")
WORKER = Judgement("unit-is-active[fleet-1-voxcore@1]", "x", "x", "x", Verdict.VIOLATED, "fleet", "fleet-1", "failed")
LOST = Unreachable("no route", where="fleet-1", why="it is down", hint="look at its network")


def left(scene: Scene, service: str, phase: Phase, **more: Any) -> None:
    """An earlier run left this open, on all hosts of a service."""
    for one in ESTATE.placements:
        if one.service.name == service:
            journal = Journal(phase, "r0", NEW[service], OLD[service], boot="b", **{"changed": frozenset(), **more})
            scene.found[one.id] = replace(scene.found[one.id], journal=journal)


def refused(scene: Scene, options: Options, **more: Any) -> Refused:
    """Why nothing was touched."""
    gate = scene.made(options, **more)
    with pytest.raises(Refused) as caught:
        gate.prepare()
    assert gate.deployment is None
    assert not any(line.startswith("do ") for line in scene.went)
    return caught.value


def test_a_look_reads_what_is_written_before_it_and_who_is_at_work_after_it(scene: Scene) -> None:
    gate = scene.made(Options())
    evidence = gate.prepare()
    assert scene.order == ["ask the remotes", OPEN, "look brief", "read 200 lines done", "look", "read"]
    assert list(scene.saved) == ["evidence"]
    assert evidence is scene.saved["evidence"]
    assert {name: view.release for name, view in evidence.remotes.items() if isinstance(view, RemoteView)} == OLD
    assert [one.host for one in gate.changes] == [one.name for one in ESTATE.hosts]
    assert (gate.settles, gate.moves, gate.gaps, gate.rolled_back) == (False, (), (), None)
    assert not gate.context.claimed


def test_what_is_judged_alone_is_looked_at_alone_but_after_a_deploy(scene: Scene) -> None:
    scene.made(Options()).prepare(frozenset({"fleet", "backend"}))
    assert scene.order[-2] == "look backend fleet"
    scene.went.clear()
    scene.made(DEPLOY).prepare(frozenset({"backend"}))
    assert scene.order[-1] == "look"


def test_a_deploy_is_proved_then_noted_then_moved_then_looked_at(scene: Scene) -> None:
    gate = scene.made(DEPLOY)
    evidence = gate.prepare()
    assert scene.order == [*MOVED, *SEEN]
    assert scene.progress.notes == [f"backend: {WAS} -> {BECOMES}: the first deploy here: there is nothing to compare it with"]
    assert sorted(scene.saved) == ["evidence", "evidence-before"]
    before, view = scene.saved["evidence-before"].remotes["backend"], evidence and evidence.remotes["backend"]
    assert isinstance(before, RemoteView)
    assert isinstance(view, RemoteView)
    assert (before.release, view.release) == (WAS, BECOMES)
    assert (gate.settles, gate.notes) == (True, [])
    assert [str(one.move) for one in gate.moves] == ["fetch", "checkout", "install", "restart", "health"]
    assert gate.deployment is not None
    assert gate.deployment.failure is None


def test_a_fleet_is_judged_by_its_canaries_on_the_way(scene: Scene) -> None:
    """By what must run now; nothing that was judged good before counts for what is deployed."""
    holds = replace(WORKER, verdict=Verdict.HOLDS)
    scene.outcomes |= {f"evidence-canary-{number}": outcome(holds) for number in (1, 2)}
    gate = scene.made(Options(deploy=("fleet",), bake=0.0))
    gate.prepare()
    assert gate.deployment is not None
    assert gate.deployment.failure is None
    seen = [line.removeprefix("judge ") for line in scene.order if line.startswith(("judge ", "up "))]
    workers = [f"up fleet-{host}-voxcore@{number}" for host in (1, 2) for number in (1, 2, 3)]
    rolled = [workers[0], "evidence-canary-1", *workers[1:3], "evidence-canary-2", *workers[3:]]
    assert seen[: len(rolled) + 1] == ["evidence-before", *rolled]
    views = {look: scene.saved[look].remotes["fleet"] for look in ("evidence-before", "evidence-canary-1", "evidence")}
    told = {look: (view.release, view.judged) for look, view in views.items() if isinstance(view, RemoteView)}
    good = {"fleet-1": "d" * 64, "fleet-2": "d" * 64}
    assert told["evidence-before"] == (OLD["fleet"], good)
    assert told["evidence-canary-1"] == (NEW["fleet"], {})


def test_the_journal_of_a_deploy_keeps_what_was_before_it(scene: Scene) -> None:
    scene.outcomes["evidence-before"] = outcome(
        replace(WORKER, id="unit-is-active[api-1-voxbridge]", service="backend", host="api-1")
    )
    scene.made(DEPLOY).prepare()
    begun = scene.documents[0]
    assert begun["journal"]["standing"] == ["unit-is-active[api-1-voxbridge]"]
    assert begun["journal"]["content"] == "d" * 64
    seen = scene.saved["evidence-before"].second.host("api-1")
    facts: list[Any] = [seen.checkouts["backend"], seen.venvs["backend"], seen.packages["backend"]]
    assert begun["journal"]["code"] == begun["journal"]["seen"] == max(one.changed for one in facts)
    assert (begun["event"]["event"], begun["event"]["from"], begun["event"]["how"]) == ("begun", str(WAS), "deploy")


def test_a_deploy_that_waited_for_another_gate_asks_and_looks_anew(scene: Scene) -> None:
    scene.waited = True
    scene.made(replace(DEPLOY, wait=5.0)).prepare()
    again = ["claim all, wait 5", "ask the remotes", "plan", f"allowed: {BECOMES}", "look brief", "look"]
    assert scene.order[4:10] == again


def test_what_a_person_accepts_comes_to_where_it_is_asked(scene: Scene) -> None:
    scene.made(replace(DEPLOY, no_way_back=True, breaking=True), builds="the forge").prepare()
    said = ["plan without a way back that breaks", f"allowed: {BECOMES}, the forge"]
    assert scene.order[5:9] == [*said, "look", f"preflight: {BECOMES} without a way back"]


def test_a_recovery_looks_only_once_it_has_mended_and_asks_no_silent_remote(scene: Scene) -> None:
    gate = scene.made(RECOVER)
    gate.prepare()
    assert scene.order == ["ask the remotes, old will do", OPEN, "deployable ", "claim what is there, wait 0", *SEEN]
    assert not gate.settles
    scene.went.clear()
    scene.waited = True
    scene.made(RECOVER).prepare()
    assert [line for line in scene.order if "remotes" in line] == ["ask the remotes, old will do"] * 2


@pytest.mark.parametrize("at", ["look brief", *MOVED[3:]])
def test_once_it_is_stopped_nothing_more_is_begun(scene: Scene, at: str) -> None:
    scene.stop_at = at
    gate = scene.made(DEPLOY)
    assert gate.prepare() is None
    through = at in {"look brief", f"deployable {BECOMES}", "claim all, wait 0"}
    last = "claim all, wait 0" if through else "judge evidence-before" if at in PROVED else at
    last = JUDGING if at == "up api-1-voxbridge" else last  # all is moved: it is only not judged
    assert scene.order == MOVED[: MOVED.index(last) + 1]
    assert gate.settles == (at in {BEGUN, *MOVED[MOVED.index(BEGUN) :]})
    assert gate.changes == ()


@pytest.mark.parametrize("at", SEEN)
def test_a_look_that_is_stopped_is_none(scene: Scene, at: str) -> None:
    gate = scene.made(RECOVER)
    scene.stop_at = at
    assert gate.prepare() is None
    assert gate.changes == ()
    assert ("evidence" in scene.saved) == (at != "look brief")


def test_a_deploy_needs_every_host(scene: Scene) -> None:
    """The first that is not there is told, with what mends it."""
    scene.hosts.away |= {"sip-1": Unreachable("gone", where="sip-1", hint="wait"), "fleet-1": LOST}
    error = refused(scene, DEPLOY)
    assert error.text == "fleet-1: a host cannot be reached: it is down\n  hint: look at its network"
    assert scene.order == ["ask the remotes", OPEN, "look brief"]
    scene.hosts.away["fleet-1"] = Unreachable("no route", where="fleet-1")
    scene.hosts.away["sip-1"] = Unreachable("gone", where="sip-1")
    assert refused(scene, DEPLOY).line == "fleet-1: a host cannot be reached: no route"


def test_a_recovery_goes_without_a_host_and_says_so(scene: Scene) -> None:
    scene.hosts.away |= {"fleet-1": LOST, "sip-1": Unreachable("gone", where="sip-1")}
    gate = scene.made(RECOVER)
    gate.prepare()
    said = [
        "fleet-1 is left out, what is open there stays open: fleet-1: no route: it is down",
        "sip-1 is left out, what is open there stays open: sip-1: gone",
    ]
    assert gate.notes == said
    assert scene.progress.notes == said
    assert gate.settles


def test_of_a_host_on_which_nothing_is_deployed_it_is_said_too(scene: Scene) -> None:
    scene.hosts.away["data"] = Unreachable("no route", where="data")
    gate = scene.made(RECOVER)
    gate.prepare()
    assert scene.progress.notes == ["data is left out, what is open there stays open: data: no route"]
    assert gate.settles


@pytest.mark.parametrize(("there", "goes"), [("data", False), ("sip-1", True)])
def test_a_recovery_needs_one_host_on_which_anything_is_deployed(scene: Scene, there: str, *, goes: bool) -> None:
    away = [one.name for one in ESTATE.hosts if one.name != there]
    scene.hosts.away = {name: Unreachable("no route", where=name) for name in away}
    if goes:
        scene.made(RECOVER).prepare()
        assert "claim what is there, wait 0" in scene.went
    else:
        assert refused(scene, RECOVER).line == "api-1: a host cannot be reached: no route"


def test_what_stands_and_is_not_mended_stops_it_before_anything_is_noted(scene: Scene) -> None:
    scene.outcomes["evidence-before"] = outcome(STRANGER, verdict=RunVerdict.VIOLATED)
    error = refused(scene, DEPLOY)
    assert error.text == (
        "what does not hold now, and this deploy does not mend, would stop it: only-expected-listeners[fleet-1]\n"
        "  hint: mend it first (`make verify ESTATE=lab` says how); or let it stand: --standing ID --reason TEXT, for each"
    )
    assert scene.progress.notes == ["does not hold before the deploy: only-expected-listeners[fleet-1] is violated: port 9"]
    assert scene.order == [*CLAIMED, *PROVED]


def test_what_stands_of_a_held_service_is_told_with_how_it_is_let_go(scene: Scene) -> None:
    left(scene, "fleet", Phase.HELD)
    scene.outcomes["evidence-before"] = outcome(WORKER, verdict=RunVerdict.VIOLATED)
    assert "; look at what is held, mend it, then --clear fleet --reason TEXT; " in refused(scene, DEPLOY).hint


def test_what_a_person_lets_stand_stops_nothing_and_is_noted(scene: Scene) -> None:
    scene.outcomes["evidence-before"] = outcome(STRANGER, verdict=RunVerdict.VIOLATED)
    gate = scene.made(replace(DEPLOY, standing=(STRANGER.id,), reason="is known"))
    gate.prepare()
    assert scene.order == [*MOVED, *SEEN]
    assert gate.notes == [f"let stand (is known): {STRANGER.id}"]


def test_going_back_on_purpose_is_stopped_by_nothing_that_stands(scene: Scene) -> None:
    scene.outcomes["evidence-before"] = outcome(STRANGER, verdict=RunVerdict.VIOLATED)
    good = LastKnownGood(BECOMES, WAS, "2026-06-24T08:00:00Z")
    scene.found["backend-api-1"] = replace(scene.found["backend-api-1"], good=good)
    gate = scene.made(Options(rollback=("backend",), bake=0.0))
    gate.prepare()
    assert gate.settles
    assert "deployable " in scene.order
    assert f"do backend-api-1 restart {WAS}" in scene.order
    assert gate.notes == [f"let stand (a rollback): {STRANGER.id}"]


@pytest.mark.parametrize(
    ("said", "line"),
    [
        (VoxgateError("no verdict", where="x"), "lab: the estate could not be judged before a deploy: x: no verdict"),
        (
            outcome(verdict=RunVerdict.INCOMPLETE),
            "lab: not all of the estate could be judged before a deploy: incomplete",
        ),
    ],
)
def test_what_could_not_be_judged_before_is_not_deployed(scene: Scene, said: Any, line: str) -> None:
    scene.outcomes["evidence-before"] = said
    assert refused(scene, DEPLOY).line == line
    assert BEGUN not in scene.went


@pytest.mark.parametrize(
    "at", [f"deployable {BECOMES}", "claim all, wait 0", "plan", f"allowed: {BECOMES}", f"preflight: {BECOMES}"]
)
def test_whoever_says_no_ends_it_there(scene: Scene, at: str) -> None:
    scene.failing[at] = Refused("no", where=at)
    assert refused(scene, DEPLOY).line == f"{at}: no"
    assert BEGUN not in scene.went
    assert ("release" in scene.went) == (at == "claim all, wait 0")


def test_a_host_that_was_not_seen_before_ends_it(scene: Scene) -> None:
    scene.seen["sip-1"] = Missing("timeout", "no answer", "sip-1")
    assert refused(scene, DEPLOY).line == "sip-1: this host could not be judged after a deploy: no answer"
    assert scene.order == [*CLAIMED, *PROVED[:3]]


@pytest.mark.parametrize("again", [False, True])
def test_a_deploy_that_cannot_be_noted_is_not_begun(scene: Scene, *, again: bool) -> None:
    scene.failing[BEGUN] = MoveFailed("no room", where="api-1")
    closed = "mark backend-api-1 abandoned, ledger abandoned"
    if again:
        scene.failing[closed] = MoveFailed("no room", where="api-1")
    error = refused(scene, DEPLOY)
    assert error.line == (
        "api-1: a deploy could not be noted, and was not begun: api-1: the journal could not be written: api-1: no room"
    )
    assert scene.order == [*CLAIMED, *PROVED, BEGUN, closed]
    assert scene.documents[-1]["journal"]["reason"] == "could not be begun everywhere"


@pytest.mark.parametrize("at", MOVES)
def test_a_deploy_that_fails_is_looked_at_all_the_same(scene: Scene, at: str) -> None:
    scene.failing[at] = MoveFailed("it cannot be done", where="api-1")
    gate = scene.made(DEPLOY)
    assert gate.prepare() is not None
    went = MOVED[: MOVED.index(at) + 1]
    assert scene.order == [*went, *SEEN]
    assert gate.deployment is not None
    assert gate.deployment.failure is scene.failing[at]


def test_a_deploy_whose_judging_could_not_be_noted_has_failed(scene: Scene) -> None:
    scene.failing[JUDGING] = CommandUnknown("was lost", where="api-1")
    gate = scene.made(DEPLOY)
    gate.prepare()
    assert scene.order == [*MOVED, *SEEN]
    assert gate.deployment is not None
    assert gate.deployment.failure is not None
    assert gate.deployment.failure.line == "api-1: the journal could not be written: api-1: was lost"


class Rules:
    """Who is let in."""

    def __init__(self, scene: Scene, said: str) -> None:
        self.scene, self.said = scene, said

    def judge(self, estate: object, asked: Any, claim: object) -> str:
        """As it was said."""
        assert self.scene.gate is not None
        assert (estate, claim) == (ESTATE, self.scene.gate.context.claim)
        self.scene.note(f"promotion of {', '.join(str(release) for _, release in asked)}")
        return self.said


@pytest.mark.parametrize("said", ["", "promotion overridden (it burns): not from staging"])
def test_promotion_is_asked_once_the_hosts_are_held(scene: Scene, said: str) -> None:
    gate = scene.made(DEPLOY, promotion=Rules(scene, said))
    gate.prepare()
    assert scene.order == [*CLAIMED, f"promotion of {BECOMES}", *MOVED[len(CLAIMED) :], *SEEN]
    assert gate.notes == ([said] if said else [])


def test_what_an_old_word_of_the_remotes_decided_is_noted(scene: Scene) -> None:
    scene.silent = {"fleet": "no answer within 60 s", "backend": "x"}
    gate = scene.made(RECOVER)
    gate.prepare()
    assert gate.notes == ["judged by what the remotes said last, they do not answer now: no answer within 60 s"]
