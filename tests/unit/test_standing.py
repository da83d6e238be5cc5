"""What stood before a deploy: what of it stops one, what may stay, and what is worse afterwards."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.said import Said
from voxgate.contracts.estates import load_estate
from voxgate.deploy.gate import Gate
from voxgate.deploy.hosts.state import Found, LastKnownGood
from voxgate.deploy.judging.standing import KEPT, SHOWN, Standing, Told, lines_of, must_be_meant, named, refused
from voxgate.deploy.planning.plan import Plan, Target
from voxgate.deploy.run_context import Options
from voxgate.errors import Refused
from voxgate.model.evidence import Missing
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
    assert (standing.reason, Standing.of(ALL, plan("fleet"), (), "calls drop", back=True).reason) == ("a rollback", "calls drop")


def test_of_an_estate_in_flames_a_journal_keeps_some_ids_and_the_same_each_time() -> None:
    found = [said(f"x[{number:03}]", None, None) for number in reversed(range(KEPT + 1))]
    kept = Standing.of(found, plan("fleet"), (), "", back=False).kept
    assert kept == [f"x[{number:03}]" for number in range(KEPT)]


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
    error = refused((STRANGER, WORKER, dialler), plan("backend"), must, {"dialler": "held"}, ESTATE)
    assert error.text == (
        "what does not hold now, and this deploy does not mend, would stop it: dialler was never deployed here; "
        f"{STRANGER.id}, {WORKER.id}\n"
        "  hint: deploy dialler too (SERVICE=all); mend it first (`make verify ESTATE=lab` says how); "
        "look at what is held, mend it, then --clear dialler --reason TEXT; "
        "or let it stand: --standing ID --reason TEXT, for each"
    )
    assert refused((dialler,), plan("backend"), must, {}, ESTATE).why == "dialler was never deployed here"
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
    untagged = {**NEW, "fleet": replace(NEW["fleet"], tag=None)}  # a commit that nobody could name in a command
    assert "goes along" not in refused((WORKER,), plan("console"), untagged, {}, ESTATE).text


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
    ("number", "told"), [(3, 3), (4, 4), (5, 3)], ids=["as many as are told", "one more, which is as long", "more"]
)
def test_a_line_that_would_name_one_more_tells_it(number: int, told: int) -> None:
    workers = [said(f"process-is-the-venvs[fleet-1-voxcore@{one}]", "fleet", "fleet-1") for one in range(1, number + 1)]
    rest = [f"and {number - told} more of fleet there: {named([one.id for one in workers[told:]])}"] if told < number else []
    assert lines_of(workers, NEW) == [*(f"{one.id} is violated: found" for one in workers[:told]), *rest]


def test_of_several_rules_of_a_service_that_was_never_here_it_is_counted_how_many() -> None:
    two = [said(f"x[{number}]", "dialler", "sip-1") for number in range(2)]
    never: dict[str, Release | Missing | None] = {"backend": None, "dialler": None}
    assert lines_of(two, never) == ["dialler: no release of it ever passed the gate here, 2 rules do not hold"]


def test_what_open_journals_say_stood_before_counts_of_the_estate_only_where_all_say_it() -> None:
    whole = said("estate-is-one[all]", None, None)
    one, other = (place for place in ESTATE.placements if place.service.name == "fleet")
    says, silent = frozenset({whole.id}), frozenset[str]()
    for words, stood in (((), False), (((one, says),), True), (((one, says), (other, silent)), False)):
        assert Told.by(words).stood(whole) is stood


STANDING = ("only-expected-listeners[fleet-9]",)
STANDS = f"--standing {STANDING[0]}"
NONE = f"--standing '{STANDING[0]}': there is no such invariant here\n  hint: did you mean {STRANGER.id}?"
ODD = "--standing 'x': there is no such invariant here\n  hint: an id as a look says it: only-expected-listeners[api-1]"
WHY = f'{STANDS}: without a reason nothing is left to stand\n  hint: --reason "why it may stay so"'
LONG = f"{STANDS}: the reason is too long for a line of the ledger: 501 characters, at most 500"
LOOK = f"{STANDS}: only a deploy may leave something violated\n  hint: --rollback goes back whatever stands"


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (Options(deploy=("backend",), standing=STANDING), WHY),
        (Options(deploy=("backend",), standing=STANDING, reason=" "), WHY),
        (Options(deploy=("backend",), standing=STANDING, reason="y" * 501), LONG),
        (Options(rollback=("backend",), standing=STANDING, reason="y"), LOOK),
        (Options(deploy=("backend",), standing=STANDING, reason="y"), NONE),
        (Options(deploy=("backend",), standing=(STRANGER.id, "x"), reason="y"), ODD),
        (Options(deploy=("backend",), standing=("x",), reason="y"), ODD),
    ],
)
def test_what_may_stand_is_named_by_its_id_for_a_reason(options: Options, text: str) -> None:
    with pytest.raises(Refused) as caught:
        must_be_meant(options, {STRANGER.id, "another-rule[all]"})
    assert caught.value.text == text


def test_what_is_named_as_a_look_says_it_may_stand() -> None:
    must_be_meant(Options(deploy=("fleet",), standing=(STRANGER.id,), reason="y" * 500), {STRANGER.id})
    ours = "test_ours.py::test_x"
    must_be_meant(Options(deploy=("fleet",), standing=(ours, f"{ours}[api-1]"), reason="y"), {STRANGER.id}, {ours})
    must_be_meant(Options(reason="of a rollback"), ())
