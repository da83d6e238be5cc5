"""What stood before a deploy: what of it stops one, what may stay, and what is worse afterwards."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.said import Said
from voxgate.contracts.estates import load_estate
from voxgate.deploy.gate import Gate
from voxgate.deploy.hosts.state import Found, LastKnownGood
from voxgate.deploy.judging.standing import SHOWN, Standing, lines_of, must_be_meant, named, refused
from voxgate.deploy.planning.plan import Plan, Target
from voxgate.deploy.run_context import Options
from voxgate.errors import Refused
from voxgate.model.release import Release
from voxgate.model.verdict import Judgement, RunOutcome, RunVerdict, Verdict

ESTATE = load_estate("lab")
NEW = {one.name: Release(one.name, "b" * 40, f"{one.repository}-2026.06.24-1") for one in ESTATE.services}


def plan(*services: str) -> Plan:
    """A deploy of these."""
    return Plan(
        tuple(
            Target(ESTATE.service(name), NEW[name], tuple(one for one in ESTATE.placements if one.service.name == name), {})
            for name in services
        )
    )


def said(key: str, service: str | None, host: str | None, verdict: Verdict = Verdict.VIOLATED) -> Judgement:
    return Judgement(key, key, key, "why", verdict, service, host, "found")


STRANGER = said("only-expected-listeners[fleet-1]", None, "fleet-1")
WORKER = said("unit-is-active[fleet-1-voxcore@2]", "fleet", "fleet-1")
NODE = said("no-node-runs[sip-1]", "console", "sip-1", Verdict.BLIND)
FLEET = said("fleet-runs-one-release", "fleet", None)
GOOD = said("unit-is-active[api-1-voxbridge]", "backend", "api-1", Verdict.HOLDS)
ALL = (STRANGER, WORKER, NODE, FLEET, GOOD)


@pytest.mark.parametrize(
    ("services", "stopping"),
    [
        (("backend",), (STRANGER, WORKER, NODE, FLEET)),
        (("fleet",), (STRANGER, NODE)),  # its own, on its own hosts and as such, it is there to mend; a stranger it is not
        (("console", "fleet"), (STRANGER, NODE)),  # a rule of the console about a host where it is not
    ],
)
def test_what_a_deploy_does_not_mend_stops_it(services: tuple[str, ...], stopping: tuple[Judgement, ...]) -> None:
    standing = Standing.of(ALL, plan(*services), (), "", back=False)
    assert standing.found == (STRANGER, WORKER, NODE, FLEET)
    assert standing.stopping(plan(*services)) == stopping
    allowed = Standing.of(ALL, plan(*services), [STRANGER.id, NODE.id, GOOD.id], "known", back=False)
    assert allowed.allowed == {STRANGER.id, NODE.id}  # what holds is not allowed to turn red meanwhile
    assert set(allowed.stopping(plan(*services))) == set(stopping) - {STRANGER, NODE}


def standing_gate(top: Path, options: Options, verdict: RunVerdict = RunVerdict.VIOLATED) -> tuple[Gate, Said]:
    """A gate that asks for a judgement of what it saw before its deploy, and is given ``ALL``."""
    progress = Said()

    def judge(folder: Path, **_: object) -> RunOutcome:
        assert folder == top / "evidence-before"
        return RunOutcome("r", "lab", verdict, 1, 0.0, 1.0, deploy=False, partial=False, summary="", judgements=ALL)

    gate = Gate(ESTATE, options, top / "evidence", "r1", progress, judge=judge)
    gate.context.found = {one.id: Found(LastKnownGood(NEW[one.service.name]), None, "b") for one in ESTATE.placements}
    return gate, progress


def test_what_does_not_hold_before_a_deploy_is_said_and_what_was_let_stand_is_noted(tmp_path: Path) -> None:
    gate, progress = standing_gate(tmp_path, Options(deploy=("backend",), standing=(STRANGER.id, NODE.id), reason="is known"))
    gate.stand(plan("backend"))
    assert gate.standing.found == (STRANGER, WORKER, NODE, FLEET)
    assert gate.notes == [f"let stand (is known): {NODE.id}, {STRANGER.id}"]
    assert len(progress.notes) == 4
    assert all(line.startswith("does not hold before the deploy: ") for line in progress.notes)


def test_where_nothing_was_let_stand_nothing_is_noted(tmp_path: Path) -> None:
    gate, _ = standing_gate(tmp_path, Options(deploy=("backend",)))
    gate.stand(plan("backend"))
    assert gate.notes == []


def test_what_could_not_all_be_judged_before_a_deploy_is_not_deployed(tmp_path: Path) -> None:
    gate, _ = standing_gate(tmp_path, Options(deploy=("backend",)), RunVerdict.INCOMPLETE)
    with pytest.raises(Refused, match="not all of the estate could be judged before a deploy"):
        gate.stand(plan("backend"))


def test_going_back_on_purpose_is_stopped_by_nothing() -> None:
    standing = Standing.of(ALL, plan("fleet"), (), "", back=True)
    assert standing.stopping(plan("fleet")) == ()
    assert standing.allowed == {STRANGER.id, NODE.id}  # what is its own must hold when it is done


def test_a_deploy_leaves_what_was_allowed_and_nothing_else() -> None:
    standing = Standing.of(ALL, plan("fleet"), [STRANGER.id], "known", back=False)
    judged = {one.id: one.verdict for one in standing.permitting(ALL)}
    assert judged[STRANGER.id] is Verdict.HOLDS
    assert judged[WORKER.id] is Verdict.VIOLATED


@pytest.mark.parametrize(
    ("before", "now", "wanted"),
    [
        ((STRANGER,), (STRANGER, GOOD), RunVerdict.HOLDS),
        ((STRANGER,), (STRANGER, WORKER), RunVerdict.VIOLATED),
        ((), (STRANGER,), RunVerdict.VIOLATED),  # nobody looked before: everything is worse
        ((STRANGER,), (STRANGER, NODE), RunVerdict.BLIND),
    ],
)
def test_after_a_way_back_only_what_is_worse_counts(
    before: tuple[Judgement, ...], now: tuple[Judgement, ...], wanted: RunVerdict
) -> None:
    standing = Standing.of(before, plan("fleet"), (), "", back=False)
    assert standing.against((RunVerdict.VIOLATED, now))[0] is wanted
    assert standing.against((RunVerdict.INCOMPLETE, (GOOD,)))[0] is RunVerdict.INCOMPLETE
    assert standing.still(now) == tuple(one.id for one in now if one in before)


def test_a_refusal_names_all_of_it_and_a_service_that_never_was_in_a_word() -> None:
    must = {"backend": None, "fleet": NEW["fleet"], "dialler": None, "console": NEW["console"]}
    dialler = said("unit-is-active[sip-1-voxdialler]", "dialler", "sip-1")
    line = refused((STRANGER, WORKER, dialler), plan("backend"), must, {"dialler": "held"}, ESTATE).text
    for word in (STRANGER.id, WORKER.id, "dialler was never deployed here", "SERVICE=all", "--clear dialler --reason TEXT"):
        assert word in line
    assert dialler.id not in line
    assert "backend" not in line
    assert lines_of((STRANGER, dialler), must) == [
        "dialler: no release of it ever passed the gate here, 1 rule does not hold",
        "only-expected-listeners[fleet-1] is violated: found",
    ]


def test_two_services_that_wait_for_a_deploy_are_told_to_go_together() -> None:
    """Each alone would be refused for the other, for ever: seen on a fleet whose environment was taken away, beside an edited
    build of the console.
    """
    dist = said("dist-is-this-build[console-api-1]", "console", "api-1")
    line = refused((WORKER, FLEET), plan("console"), NEW, {}, ESTATE).text
    both = "--deploy console=vox-frontend-2026.06.24-1 --deploy fleet=vox-agents-2026.06.24-1"
    assert f"what only a deploy mends goes along: `uv run pytest --estate lab {both}`; mend it first" in line
    for stopping, what in (((STRANGER,), "a stranger on a host"), ((NODE,), "the console, where it is not deployed")):
        assert "goes along" not in refused(stopping, plan("backend"), NEW, {}, ESTATE).text, what
    assert "goes along" not in refused((dist,), plan("fleet"), {**NEW, "console": None}, {}, ESTATE).text


@pytest.mark.parametrize(("more", "end"), [(0, "x24"), (1, "x24 and 1 more"), (7, "x24 and 7 more")])
def test_of_many_ids_the_first_are_named_and_the_others_counted(more: int, end: str) -> None:
    said = named([f"x{one}" for one in range(SHOWN + more)])
    assert said.startswith("x0, x1, ")
    assert said.endswith(f", {end}")


def test_of_one_service_on_one_host_a_few_are_told_and_the_others_named() -> None:
    workers = [said(f"process-is-the-venvs[fleet-1-voxcore@{number}]", "fleet", "fleet-1") for number in range(1, 7)]
    strangers = [said(f"rule-{number}[fleet-1]", None, "fleet-1") for number in range(1, 7)]
    lines = lines_of((*workers, *strangers, FLEET), NEW)
    assert lines[:3] == [f"{one.id} is violated: found" for one in workers[:3]]
    assert lines[3] == f"and 3 more of fleet there: {', '.join(one.id for one in workers[3:])}"
    assert lines[4:] == [f"{one.id} is violated: found" for one in (*strangers, FLEET)]


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (Options(deploy=("backend",), standing=("x",)), "without a reason"),
        (Options(deploy=("backend",), standing=("x",), reason=" "), "without a reason"),
        (Options(deploy=("backend",), standing=("x",), reason="y" * 501), "too long"),
        (Options(rollback=("backend",), standing=("x",), reason="y"), "only a deploy"),
        (Options(deploy=("backend",), standing=("only-expected-listeners[fleet-9]",), reason="y"), "no such invariant"),
    ],
)
def test_what_may_stand_is_named_by_its_id_for_a_reason(options: Options, why: str) -> None:
    with pytest.raises(Refused, match=why):
        must_be_meant(options, {STRANGER.id})


def test_a_typo_is_told_the_id_that_was_meant() -> None:
    with pytest.raises(Refused) as caught:
        must_be_meant(Options(deploy=("fleet",), standing=("only-expected-listener[fleet-1]",), reason="y"), {STRANGER.id})
    assert caught.value.hint == f"did you mean {STRANGER.id}?"
    must_be_meant(Options(deploy=("fleet",), standing=(STRANGER.id,), reason="y"), {STRANGER.id})
