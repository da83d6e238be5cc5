"""Errands: what a plan, the history, the releases and a clearing ask of the hosts, and what they say; and what a run notes of
itself in the ledgers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.gates import CONTENT, Scene, outcome
from tests.gates import scene as scene  # noqa: PLC0414 - a fixture
from tests.hosts import ESTATE, NEW, OLD, ledger_of
from tests.unit.test_gate_order import BECOMES, DEPLOY, OPEN, STRANGER, WAS, WORKER, left
from voxgate.deploy import errands, ledgers, looking
from voxgate.deploy.gate import Gate
from voxgate.deploy.hosts.journal import MOST_REASON, Phase
from voxgate.deploy.moving.engine import Pace
from voxgate.deploy.planning.releases import release_lines
from voxgate.deploy.run_context import Options, RunContext
from voxgate.errors import MoveFailed, Refused, Unreachable, VoxgateError
from voxgate.model.evidence import Missing
from voxgate.model.verdict import RunVerdict

LOST = Missing("unreachable", "no route to host", "api-1")
LOOKED = ["ask the remotes", OPEN, "look brief", "read 200 lines done", "plan", "look", "read", "judge evidence-before"]


def refused(errand: Callable[[], object]) -> Refused:
    """Why it is not done."""
    with pytest.raises(Refused) as caught:
        errand()
    return caught.value


def since(lines: list[str], word: str) -> list[str]:
    """The lines from the one that is this."""
    return lines[lines.index(word) :]


def test_a_plan_is_one_of_something(scene: Scene) -> None:
    error = refused(lambda: errands.plan(scene.made(Options())))
    assert error.text == "--plan: a plan of what?\n  hint: say what would be deployed: --deploy SERVICE[=TAG]"
    assert scene.went == []


def test_a_plan_touches_nothing_and_says_what_would_be_done(scene: Scene) -> None:
    lines = errands.plan(scene.made(DEPLOY))
    assert scene.order == LOOKED
    assert lines[:4] == [
        "plan for lab: nothing is touched",
        "",
        f"backend   {WAS} -> {BECOMES} on api-1",
        f"          {CONTENT.line}",
    ]
    assert since(lines, "unknown") == ["unknown", "   nothing", "", "does not hold now", "   nothing"]
    assert scene.documents == []


def test_a_plan_of_a_fleet_says_how_many_are_restarted_at_once(scene: Scene) -> None:
    pace = replace(Options().pace, most=2)
    assert "   (the idle ones of a host first, 2 at a time)" in errands.plan(scene.made(Options(deploy=("fleet",), pace=pace)))


def test_a_plan_says_what_would_stop_it_and_what_would_be_mended_first(scene: Scene) -> None:
    left(scene, "fleet", Phase.HELD)
    left(scene, "dialler", Phase.FETCH)
    scene.outcomes["evidence-before"] = outcome(STRANGER, WORKER, verdict=RunVerdict.VIOLATED)
    lines = errands.plan(scene.made(DEPLOY))
    assert [line.split(":")[0] for line in lines[2:4]] == ["first     fleet", "first     dialler"]
    stands = since(lines, "does not hold now")
    assert stands[:4] == [
        "does not hold now",
        f"   {STRANGER.id} is violated: port 9",
        f"   {WORKER.id} is violated: failed",
        "",
    ]
    (said,) = stands[4:]
    assert said.startswith(
        "this deploy would be refused: what does not hold now, and this deploy does not mend, would stop it: "
        f"{STRANGER.id}, {WORKER.id}\n  hint: what only a deploy mends goes along: "
    )
    assert "; look at what is held, mend it, then --clear fleet --reason TEXT; " in said
    assert "--clear dialler" not in said


def test_of_what_a_deploy_mends_a_plan_says_no_more_than_that_it_does_not_hold(scene: Scene) -> None:
    mine = replace(WORKER, id="unit-is-active[api-1-voxbridge]", service="backend", host="api-1")
    scene.outcomes["evidence-before"] = outcome(mine, verdict=RunVerdict.VIOLATED)
    lines = errands.plan(scene.made(DEPLOY))
    assert since(lines, "does not hold now") == ["does not hold now", f"   {mine.id} is violated: failed"]


class Rules:
    """Who would be let in."""

    def __init__(self, error: Refused | None, *, override: bool) -> None:
        self.error, self.override = error, override
        self.asked: list[str] = []

    def refusal(self, estate: object, asked: Any) -> Refused | None:
        """As it was said."""
        assert estate is ESTATE
        self.asked += [f"{service.name} {release}" for service, release in asked]
        return self.error


NO = Refused("it was never done elsewhere", where="backend", hint="deploy it to staging")


@pytest.mark.parametrize(
    ("error", "override", "said"),
    [
        (NO, False, [f"promotion of this deploy would be refused: {NO.text}"]),
        (NO, True, [f"promotion of this deploy would be overridden: {NO.text}"]),
        (None, False, []),
    ],
)
def test_a_plan_says_if_it_would_be_let_in(scene: Scene, error: Refused | None, said: list[str], *, override: bool) -> None:
    rules: Any = Rules(error, override=override)
    lines = errands.plan(scene.made(DEPLOY, promotion=rules))
    assert since(lines, "does not hold now")[2:] == (["", *said] if said else [])
    assert rules.asked == [f"backend {BECOMES}"]


def test_what_is_gone_back_to_was_let_in_once(scene: Scene) -> None:
    good = scene.found["backend-api-1"]
    known = replace(good.good, release=BECOMES, previous=WAS)  # type: ignore[type-var]
    scene.found["backend-api-1"] = replace(good, good=known)
    rules: Any = Rules(NO, override=False)
    lines = errands.plan(scene.made(Options(rollback=("backend",)), promotion=rules))
    assert rules.asked == []
    assert not any("promotion" in line for line in lines)


def test_a_plan_is_refused_as_the_deploy_would_be(scene: Scene) -> None:
    scene.hosts.away["sip-1"] = Unreachable("no route", where="sip-1")
    assert refused(lambda: errands.plan(scene.made(DEPLOY))).line == "sip-1: a host cannot be reached: no route"
    scene.hosts.away.clear()
    scene.outcomes["evidence-before"] = VoxgateError("no verdict")
    assert "could not be judged before a deploy" in refused(lambda: errands.plan(scene.made(DEPLOY))).line


def test_the_history_is_read_and_nothing_else(scene: Scene) -> None:
    lines, whole = errands.tell_history(scene.made(Options()))
    assert scene.order == ["read 500 lines"]
    assert whole
    assert [line.split()[1] for line in lines[1:]] == ["backend", "fleet", "dialler", "console"]


@pytest.mark.parametrize("unread", [False, True])
def test_that_nothing_was_ever_deployed_is_said_by_hosts_that_were_heard(scene: Scene, *, unread: bool) -> None:
    for key, one in scene.found.items():
        scene.found[key] = replace(one, ledger=(), journal=None)
    if unread:
        scene.found["backend-api-1"] = replace(scene.found["backend-api-1"], good=LOST, journal=LOST, boot="")
        scene.found["console-api-1"] = replace(scene.found["console-api-1"], good=None, boot="")
    found = errands.tell_history(scene.made(Options()))
    if unread:
        lost = ["not read: backend-api-1: no route to host", "not read: console-api-1: "]
        assert found == (["nothing is known of what was deployed here", *lost], False)
    else:
        assert found == (["nothing was ever deployed here"], True)


def test_a_history_that_was_cut_is_not_whole(scene: Scene) -> None:
    scene.found["sip-1"] = replace(scene.found["backend-api-1"], ledger=ledger_of(("begun", "r0")))
    lines, whole = errands.tell_history(scene.made(Options()))
    assert not whole
    assert lines[-1] == (
        "the ledger of sip-1 was cut or edited: it does not tell how run r1 ended, which its journal knows: "
        "its last lines are gone"
    )


def test_the_releases_are_told_by_the_remotes_the_hosts_and_what_is_written_there(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(errands, "survey", lambda there, estate: scene.seen if (there, estate) == (scene.hosts, ESTATE) else {})
    found = errands.tell_releases(scene.made(Options()))
    assert scene.order == ["ask the remotes", "read"]
    assert found == release_lines(ESTATE, scene.views, scene.found, scene.seen)
    assert found[1]


@pytest.mark.parametrize(
    ("service", "reason", "text"),
    [
        ("flet", "x", "--clear 'flet': there is no such service\n  hint: did you mean fleet?"),
        ("x", "x", "--clear 'x': there is no such service\n  hint: services: backend, fleet, dialler, console"),
        ("fleet", " ", '--clear fleet: without a reason nothing is cleared\n  hint: --reason "what was mended"'),
        (
            "fleet",
            "x" * (MOST_REASON + 1),
            "--clear fleet: the reason is too long for a line of the ledger: 1001 characters, at most 1000",
        ),
    ],
)
def test_what_cannot_be_meant_by_a_clearing_is_refused_before_any_host_is_asked(
    scene: Scene, service: str, reason: str, text: str
) -> None:
    assert refused(lambda: errands.clear(scene.made(Options()), service, reason)).text == text
    assert scene.went == []


CLAIMED = ["ask the remotes", OPEN, "look brief", "read 200 lines done", "claim all, wait 0"]


@pytest.mark.parametrize("phase", [Phase.HELD, Phase.BACK_CHECKOUT, Phase.BACK_JUDGING])
def test_what_is_held_is_let_go_with_the_reason_in_the_ledger(scene: Scene, phase: Phase) -> None:
    left(scene, "fleet", phase)
    left(scene, "dialler", Phase.HELD)
    lines = errands.clear(scene.made(Options()), "fleet", f" {'y' * (MOST_REASON - 2)} ")
    marks = [f"mark fleet-{host} cleared, ledger cleared" for host in ("fleet-1", "fleet-2")]
    assert scene.order == [*CLAIMED, *marks]
    assert lines == [
        f"fleet is cleared on fleet-1, fleet-2: {'y' * (MOST_REASON - 2)}",
        "deploy it again: nothing was promoted",
    ]
    for document in scene.documents:
        assert document["event"]["reason"] == "y" * (MOST_REASON - 2)
        assert document["event"]["mended"] == document["journal"]["run"] == "r0"
        assert document["journal"]["release"]["tag"] == NEW["fleet"].tag
        assert document["event"]["from"] == str(OLD["fleet"])


def test_a_reason_of_just_the_length_is_taken(scene: Scene) -> None:
    left(scene, "fleet", Phase.HELD)
    assert errands.clear(scene.made(Options()), "fleet", "y" * MOST_REASON)


@pytest.mark.parametrize("phase", [Phase.DONE, Phase.RESTART, Phase.JUDGING, Phase.CLEARED])
def test_what_is_not_held_is_not_let_go(scene: Scene, phase: Phase) -> None:
    left(scene, "fleet", phase)
    scene.found["fleet-fleet-1"] = replace(scene.found["fleet-fleet-1"], journal=LOST)
    error = refused(lambda: errands.clear(scene.made(Options()), "fleet", "mended"))
    assert error.text == "--clear fleet: fleet is not held\n  hint: make history tells what was done"
    assert scene.documents == []


def test_nothing_is_let_go_where_a_host_is_not_there(scene: Scene) -> None:
    left(scene, "fleet", Phase.HELD)
    scene.hosts.away["data"] = Unreachable("no route", where="data")
    assert "a host cannot be reached" in refused(lambda: errands.clear(scene.made(Options()), "fleet", "mended")).line
    assert "claim all, wait 0" not in scene.went


def deployed(scene: Scene) -> Gate:
    """A deploy that waits for its verdict."""
    gate = scene.made(DEPLOY)
    gate.prepare()
    scene.went.clear()
    scene.documents.clear()
    return gate


def test_a_run_notes_its_verdict_and_its_attestation_where_it_deployed(scene: Scene) -> None:
    gate = deployed(scene)
    ledgers.note_verdict(gate, RunVerdict.DONE, "d" * 64)
    ledgers.note_attested(gate, "e" * 64)
    assert scene.order == ["mark backend-api-1 ledger verdict", "mark backend-api-1 ledger attested"]
    one, other = (document["event"] for document in scene.documents)
    assert (one["verdict"], one["digest"], other["digest"]) == ("done", "d" * 64, "e" * 64)
    assert ledgers.last_lines(gate) == {"backend-api-1": scene.found["backend-api-1"].ledger}
    assert scene.order[2:] == ["read 200 lines"]


def test_who_deployed_nothing_or_let_go_notes_nothing(scene: Scene) -> None:
    look = scene.made(Options(recover=True, bake=0.0))
    look.prepare()
    let_go = deployed(scene)
    let_go.close()
    scene.went.clear()
    for gate in (look, let_go):
        ledgers.note_verdict(gate, RunVerdict.DONE, "d" * 64)
        ledgers.note_attested(gate, "e" * 64)
        assert ledgers.last_lines(gate) == {}
    assert scene.went == []


def test_a_ledger_that_takes_no_verdict_is_noted_and_of_an_attestation_it_is_raised(scene: Scene) -> None:
    gate = deployed(scene)
    scene.failing = dict.fromkeys(
        ["mark backend-api-1 ledger verdict", "mark backend-api-1 ledger attested"], MoveFailed("no room", where="api-1")
    )
    ledgers.note_verdict(gate, RunVerdict.DONE, "d" * 64)
    said = "api-1: the journal could not be written: api-1: no room"
    assert gate.notes == [f"the ledger has no verdict of this run: {said}"]
    with pytest.raises(MoveFailed) as caught:
        ledgers.note_attested(gate, "e" * 64)
    assert caught.value.line == said


def test_a_look_for_whoever_wants_its_evidence_ends_its_connections(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    scene.found["backend-api-1"] = replace(scene.found["backend-api-1"], held=True, owner={"by": "ci@vm", "run": "r9"})

    def made(estate: Any, options: Options, folder: Any, run: str, progress: Any) -> Gate:
        assert (estate, options, folder, run) == (ESTATE, Options(bake=0.0), scene.folder / "evidence", "look")
        scene.gate = Gate(estate, options, folder, run, progress)
        return scene.gate

    monkeypatch.setattr(looking, "Gate", made)
    evidence = looking.look_at(ESTATE, scene.folder / "evidence", bake=0.0, tell=told.append)
    assert evidence is scene.saved["evidence"]
    assert scene.order == ["ask the remotes", OPEN, "look brief", "read 200 lines done", "look", "read", "close"]
    assert told == ["a deploy is at work: ci@vm since ?, run r9: backend on api-1"]
    scene.went.clear()
    scene.stop_at = "look"
    with pytest.raises(VoxgateError, match="lab: the look was interrupted"):
        looking.look_at(ESTATE, scene.folder / "evidence", bake=0.0, tell=told.append)
    assert scene.order[-1] == "close"


def test_nothing_is_claimed_before_it_is_taken_nor_once_it_could_not_be(scene: Scene) -> None:
    context: RunContext = scene.made(DEPLOY).context
    assert not context.claimed
    with pytest.raises(RuntimeError, match="nothing is claimed"):
        context.claim  # noqa: B018 - asked for
    context.release()
    scene.failing["claim all, wait 0"] = KeyboardInterrupt()  # type: ignore[assignment]
    with pytest.raises(KeyboardInterrupt):
        context.take()
    assert scene.order == ["claim all, wait 0", "release"]
    assert not context.claimed


@pytest.mark.parametrize("waited", [False, True])
def test_who_claims_says_if_another_was_waited_for_and_who_is_away(scene: Scene, *, waited: bool) -> None:
    scene.waited = waited
    context = scene.made(Options(deploy=("backend",), wait=7.0)).context
    lost = Unreachable("no route", where="sip-1")
    scene.hosts.away["sip-1"] = lost
    assert context.take(whole=False) is waited
    assert scene.order == ["claim what is there, wait 7"]
    assert (context.claimed, context.away, context.found) == (True, {"sip-1": lost}, scene.found)
    assert context.goods == {key: one.good for key, one in scene.found.items()}


@pytest.mark.parametrize("back", [False, True])
def test_moves_go_there_or_back_with_the_runs_own_stop_and_pace(scene: Scene, *, back: bool) -> None:
    pace = replace(Options().pace, drain=3.0)
    context = scene.made(replace(DEPLOY, pace=pace)).context
    context.take()
    made = context.deployment((), back=back, canary=(canary := lambda *_: "holds"))
    assert (made._executor.back, made._pace, made._canary, made.plan.targets) == (back, pace, canary, ())
    assert context.deployment((), back=back)._canary is None


def test_who_asks_for_nothing_waits_for_nobody_and_accepts_nothing() -> None:
    assert Options() == Options(
        deploy=(),
        rollback=(),
        recover=False,
        bake=None,
        wait=0.0,
        no_way_back=False,
        breaking=False,
        standing=(),
        reason="",
        pace=Pace(drain=0.0, most=1),
    )


@pytest.mark.parametrize(
    ("options", "changes"),
    [
        (Options(), False),
        (Options(deploy=("x",)), True),
        (Options(rollback=("x",)), True),
        (Options(recover=True), True),
        (Options(bake=1.0, wait=1.0, no_way_back=True, breaking=True, standing=("x",)), False),
    ],
)
def test_a_run_may_change_hosts_where_it_is_asked_to(options: Options, *, changes: bool) -> None:
    assert options.changes is changes
