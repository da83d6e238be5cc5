"""The gate: what an earlier run left is mended before a deploy, whom it believes, and how it ends."""

from __future__ import annotations

import time
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from tests.gates import CONTENT, Scene, outcome
from tests.gates import scene as scene  # noqa: PLC0414 - a fixture
from tests.hosts import ESTATE, NEW, OLD
from tests.unit.test_gate_order import (
    BECOMES,
    BEGUN,
    CLAIMED,
    DEPLOY,
    JUDGING,
    MOVED,
    PROVED,
    RECOVER,
    SEEN,
    WAS,
    left,
    refused,
)
from voxgate.deploy import gate as module
from voxgate.deploy.deciding.decision import Judged
from voxgate.deploy.deciding.settling import Settled
from voxgate.deploy.hosts.journal import Journal, Phase
from voxgate.deploy.hosts.state import LastKnownGood
from voxgate.deploy.moving.rolling import Capacity
from voxgate.deploy.run_context import Options
from voxgate.errors import Refused
from voxgate.model.evidence import Missing
from voxgate.model.release import Release
from voxgate.model.run_facts import Roll, Turn
from voxgate.model.verdict import Exit, Judgement, MoveRecord, RunVerdict, Verdict, ran

GOOD = Judgement("unit-is-active[fleet-1-voxcore@1]", "x", "x", "x", Verdict.HOLDS, "fleet", "fleet-1", "x")
RED = replace(GOOD, verdict=Verdict.VIOLATED)
FLEET = [one.id for one in ESTATE.placements if one.service.name == "fleet"]


def without_tidying(scene: Scene) -> list[str]:
    """What went, but for what is tidied up, and what hosts keep of a look."""
    return [
        line for line in scene.order if not line.startswith("tidy ") and not (line.startswith("mark ") and line.endswith(" "))
    ]


def test_what_is_held_is_not_deployed_over(scene: Scene) -> None:
    left(scene, "backend", Phase.HELD, reason="the way back failed")
    error = refused(scene, DEPLOY)
    assert error.what == "backend must be looked at by a person first"
    assert error.hint == "look at it, mend it, then: --clear backend --reason TEXT"
    assert scene.order == CLAIMED


def test_what_is_held_of_another_service_stops_nothing(scene: Scene) -> None:
    left(scene, "fleet", Phase.HELD)
    gate = scene.made(DEPLOY)
    gate.prepare()
    assert gate.deployment is not None


def test_what_was_left_untouched_is_closed_and_then_all_is_seen_anew(scene: Scene) -> None:
    left(scene, "fleet", Phase.FETCH)
    gate = scene.made(DEPLOY)
    gate.prepare()
    closed = [f"mark {one} abandoned, ledger abandoned" for one in FLEET]
    again = ["read 200 lines done", "plan", f"allowed: {BECOMES}", "look brief", "look", *PROVED[3:]]
    assert without_tidying(scene) == [*CLAIMED, *closed, *again, *MOVED[MOVED.index(BEGUN) :], *SEEN]
    (line,) = gate.notes
    assert line.startswith("found: fleet: ")
    assert line.endswith("-> abandoned: nothing was changed")
    assert scene.progress.notes[0] == line


def test_a_mere_recovery_mends_and_judges_what_is_there(scene: Scene) -> None:
    left(scene, "fleet", Phase.FETCH)
    gate = scene.made(RECOVER)
    gate.prepare()
    assert gate.settles
    assert without_tidying(scene)[4:] == [
        *(f"mark {one} abandoned, ledger abandoned" for one in FLEET),
        *SEEN,
    ]
    ended = gate.settle(Judged([GOOD.id], [GOOD]))
    assert (ended.verdict, ended.exit_status) == (RunVerdict.HOLDS, 0)
    assert ended.summary.startswith("recovered: fleet abandoned: nothing was changed")


def test_what_was_not_judged_is_judged_before_a_deploy_and_promoted(scene: Scene) -> None:
    left(scene, "fleet", Phase.JUDGING)
    scene.outcomes["evidence-rollback"] = outcome(GOOD)
    gate = scene.made(DEPLOY)
    gate.prepare()
    went = without_tidying(scene)
    at = went.index("judge evidence-rollback")
    assert went[len(CLAIMED) : at] == SEEN
    assert went[at + 1 : at + 3] == [f"mark {one} done, ledger promoted" for one in FLEET]
    assert went[at + 3] == "read 200 lines done"
    assert went[at + 4 :][: len(PROVED)] == ["plan", f"allowed: {BECOMES}", "look brief", "look", PROVED[3]]
    assert JUDGING in went
    view = scene.saved["evidence-rollback"].remotes["fleet"]
    assert not isinstance(view, Missing)
    assert view.release == NEW["fleet"]
    assert gate.deployment is not None


def test_what_cannot_be_mended_ends_it_before_the_deploy(scene: Scene) -> None:
    left(scene, "fleet", Phase.JUDGING)
    for look in ("", "-2", "-3", "-4"):
        scene.outcomes[f"evidence-rollback{look}"] = outcome(RED, verdict=RunVerdict.VIOLATED)
    gate = scene.made(DEPLOY)
    assert gate.prepare() is not None
    assert "plan" not in scene.went
    assert gate.deployment is None
    assert gate.settles
    ended = gate.settle(Judged([GOOD.id], [GOOD]))
    assert (ended.verdict, ended.exit_status) == (RunVerdict.BROKEN, Exit.BROKEN)
    assert ended.summary.startswith("nothing was deployed: what an earlier run left is not in order: ")


def test_moves_of_a_recovery_are_told_before_those_of_the_deploy(scene: Scene) -> None:
    left(scene, "fleet", Phase.CHECKOUT, changed=frozenset({"code"}))
    scene.outcomes["evidence-rollback"] = outcome(GOOD)
    gate = scene.made(DEPLOY)
    gate.prepare()
    services = [one.service for one in gate.moves]
    assert services == sorted(services, reverse=True)
    assert {(one.service, one.rollback) for one in gate.moves} == {("fleet", True), ("backend", False)}


@pytest.mark.parametrize("other", [False, True])
def test_what_was_judged_good_is_promoted_with_the_tag_that_it_has_and_none_is_pushed(scene: Scene, *, other: bool) -> None:
    bare = replace(NEW["fleet"], tag=None)
    for key in FLEET:
        journal = Journal(Phase.PROMOTING, "r0", bare, OLD["fleet"], boot="b", changed=frozenset({"code"}))
        scene.found[key] = replace(scene.found[key], journal=journal)
    if other:
        view = scene.views["fleet"]
        assert not isinstance(view, Missing)
        scene.views["fleet"] = replace(view, tags={})
    gate = scene.made(RECOVER)
    gate.prepare()
    records = [one["record"]["tag"] for one in scene.documents if "record" in one]
    assert records == [None if other else NEW["fleet"].tag] * 2
    said = "fleet is done but was not tagged: --deploy fleet=main tags it" if other else f"fleet has its tag: {NEW['fleet']}"
    assert gate.notes[0] == said


def test_a_release_that_has_its_tag_is_nothing_to_note(scene: Scene) -> None:
    left(scene, "fleet", Phase.PROMOTING, changed=frozenset({"code"}))
    gate = scene.made(RECOVER)
    gate.prepare()
    assert [line.partition(":")[0] for line in gate.notes] == ["found"]


def apart(scene: Scene, **good: Any) -> str:
    """One host of the fleet has another last known good than the other."""
    mine = LastKnownGood(**{"release": NEW["fleet"], "promoted_at": "2026-06-24T08:00:00Z", **good})
    scene.found[FLEET[1]] = replace(scene.found[FLEET[1]], good=mine)
    return FLEET[1]


def test_where_hosts_disagree_the_last_one_counts_and_it_is_said(scene: Scene) -> None:
    apart(scene)
    scene.made(Options(deploy=("fleet",), bake=0.0)).prepare()
    line = next(line for line in scene.progress.notes if "disagree" in line)
    assert line == (
        f"fleet: its hosts disagree on last-known-good ({FLEET[0]}: {OLD['fleet']}, {FLEET[1]}: {NEW['fleet']}): "
        f"{NEW['fleet']}, promoted last, counts"
    )


@pytest.mark.parametrize(("ahead", "believed"), [(600, True), (601, False)])
def test_no_host_decides_for_others_by_a_date_to_come(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, ahead: int, *, believed: bool
) -> None:
    now = 1_782_900_000.0
    clock = SimpleNamespace(time=lambda: now, strftime=time.strftime, gmtime=time.gmtime)
    monkeypatch.setattr(module, "time", clock)
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now + ahead))
    key = apart(scene, promoted_at=at)
    gate = scene.made(RECOVER)
    gate.prepare()
    why = f"{NEW['fleet']} is another one than on other hosts, and it was promoted in the future, {at}"
    assert gate.notes == ([] if believed else [f"the last known good of {key} counts for nothing: {why}"])


def test_what_no_host_may_decide_refuses_a_deploy_or_is_accepted(scene: Scene) -> None:
    key = apart(scene, promoted_at="2099-01-01T00:00:00Z")
    asked = Options(deploy=("fleet",), bake=0.0)
    why = f"{NEW['fleet']} is another one than on other hosts, and it was promoted in the future, 2099-01-01T00:00:00Z"
    assert refused(scene, asked).line == f"{key}: last-known-good cannot be read: {why}"
    assert not any("accepted" in line for line in scene.progress.notes)
    gate = scene.made(replace(asked, no_way_back=True))
    gate.prepare()
    assert f"no way back, accepted: {key}: {why}" in scene.progress.notes
    assert gate.deployment is not None
    (target,) = gate.deployment.plan.targets
    assert target.before == {FLEET[0]: scene.found[FLEET[0]].good, key: None}


def test_what_is_no_host_s_to_decide_but_cannot_be_read_is_not_accepted(scene: Scene) -> None:
    """Nobody knows what to go back to then: a person looks at it."""
    torn = Missing("unparsable", "half of it", "fleet-2: last-known-good.json")
    scene.found[FLEET[1]] = replace(scene.found[FLEET[1]], good=torn)
    error = refused(scene, Options(deploy=("fleet",), no_way_back=True))
    assert error.line == "fleet-2: last-known-good.json: last-known-good cannot be read: half of it"


def test_a_ledger_that_was_cut_is_noted_once(scene: Scene) -> None:
    left(scene, "fleet", Phase.FETCH)
    scene.found["backend-api-1"] = replace(scene.found["backend-api-1"], ledger=())
    gate = scene.made(DEPLOY)
    gate.prepare()
    (line,) = (line for line in gate.notes if "cut or edited" in line)
    why = "it does not tell how run r1 ended, which its journal knows: its last lines are gone"
    assert line == f"the ledger of backend-api-1 was cut or edited: {why}"


class Part:
    """A deployment, as far as it is told of."""

    def __init__(self, name: str, at: float, cut: int, roll: Roll | None = None) -> None:
        self.records = (MoveRecord("fleet", name, "restart", at, at + 1),)
        self.turns = (Turn("fleet", name, "x.service", at, up=False), Turn("fleet", name, "x.service", at + 2, up=True))
        self.capacity: Any = SimpleNamespace(roll=roll, calls_cut=cut)
        self.plan = SimpleNamespace(targets=())
        self.failure = None


@pytest.fixture
def ended(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A gate that went back for an earlier run, deployed, and went back again; and how it settled."""
    gate: Any = scene.made(DEPLOY)
    settled = Settled(RunVerdict.ROLLED_BACK, 11, "back", rollback_verdict=RunVerdict.HOLDS)

    class Settlement:
        def __init__(self, *words: object) -> None:
            assert words == (gate.context, gate.deployment, gate._remotes, gate.looks.take_and_judge, gate.standing)
            self.back, self.notes = Part("back", 30.0, 2, Roll(6, 4, 2)), ["tagged it"]

        def settle(self, judged: object) -> Settled:
            assert judged == "judged"
            return settled

    monkeypatch.setattr(module, "Settlement", Settlement)
    gate._recovery = SimpleNamespace(back=Part("before", 10.0, 0, Roll(6, 5, 0)), decisions=(), held={})
    gate.deployment = Part("there", 20.0, 1, Roll(6, 3, 1))
    return gate


def test_all_that_was_carried_out_is_told_in_its_order(ended: Any) -> None:
    assert [one.host for one in ended.moves] == ["before", "there"]
    ended.settle("judged")
    assert [one.host for one in ended.moves] == ["before", "there", "back"]
    assert [(one.host, one.seconds) for one in ended.gaps] == [("before", 2.0), ("there", 2.0), ("back", 2.0)]
    assert ended.capacity is ended.deployment.capacity
    assert ended.rolled_back == Roll(6, 4, 2)


def test_calls_that_were_cut_are_noted_there_and_back(ended: Any) -> None:
    assert ended.settle("judged").verdict is RunVerdict.ROLLED_BACK
    assert ended.notes == ["3 calls were up on workers when these were restarted", "tagged it"]
    assert ended.settles


def test_where_none_was_cut_nothing_is_noted_of_it(ended: Any) -> None:
    ended.deployment, ended._recovery = Part("there", 20.0, -2), None
    ended.settle("judged")
    assert ended.notes == ["tagged it"]


def test_without_a_deploy_nobody_was_rolled(scene: Scene) -> None:
    gate = scene.made(Options())
    assert gate.capacity == Capacity()
    assert gate.services(None)[0].before is None
    with pytest.raises(RuntimeError, match="there is nothing to settle"):
        gate.settle(Judged([], []))


def test_what_is_known_of_each_service_is_told(scene: Scene) -> None:
    gate = scene.made(DEPLOY)
    gate.prepare()
    done = Settled(RunVerdict.DONE, 0, "done")
    backend, fleet, *_ = gate.services(done)
    assert (backend.before, backend.tried, backend.running, backend.content) == (ran(WAS), ran(BECOMES), ran(BECOMES), CONTENT)
    assert (fleet.before, fleet.tried, fleet.running) == (ran(OLD["fleet"]), None, ran(OLD["fleet"]))
    assert gate.services(None)[0].running is None
    tagged = Release("backend", BECOMES.commit, "vox-backend-2026.06.25-1")
    gate._settlement = SimpleNamespace(tagged={"backend": tagged}, back=None)  # type: ignore[assignment]
    assert gate.services(done)[0].running == ran(tagged)


def test_it_lets_go_of_the_hosts_before_it_hangs_up(scene: Scene) -> None:
    gate = scene.made(DEPLOY)
    gate.prepare()
    scene.went.clear()
    gate.close()
    gate.close()
    assert scene.went == ["release", "close", "close"]
    assert not gate.context.claimed


def test_a_deploy_names_what_it_deploys_to_whoever_waits_for_it(scene: Scene) -> None:
    assert scene.made(Options(deploy=("fleet", "backend"))).context.author.services == "backend fleet"
    gate = scene.made(DEPLOY)
    assert gate.connection("api-1").host.name == "api-1"
    assert (gate.context.author.run, *gate.deploying) == ("r2", "backend")


def test_a_gate_that_nobody_told_how_judges_nothing(scene: Scene) -> None:
    gate = module.Gate(ESTATE, DEPLOY, scene.folder / "evidence", "r2", scene.progress)
    scene.gate = gate
    with pytest.raises(Refused) as caught:
        gate.prepare()
    assert caught.value.line == (
        f"lab: the estate could not be judged before a deploy: {scene.folder}/evidence-before: a saved look cannot be judged here"
    )
