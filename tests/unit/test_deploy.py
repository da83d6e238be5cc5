"""The pure parts of a deploy: tags, requests, plans, health, the decision."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxgate.contracts.estates import load_estate
from voxgate.deploy.deciding.decision import Judged, deploy_status, judge_run, look_status, look_verdict
from voxgate.deploy.hosts.state import LastKnownGood
from voxgate.deploy.planning.plan import Request, how_of, make_plan, next_tag, read_requests, resolve
from voxgate.deploy.planning.preflight import builders
from voxgate.errors import Refused
from voxgate.model.answers import Answer
from voxgate.model.evidence import Missing
from voxgate.model.release import Release, RemoteView, Tag
from voxgate.model.run_facts import How
from voxgate.model.verdict import Judgement, RunVerdict, Verdict
from voxgate.moves.health import Up, pulse

ESTATE = load_estate("lab")
BACKEND = ESTATE.service("backend")
A, B, C = "a" * 40, "b" * 40, "c" * 40
REMOTE = RemoteView(
    "backend",
    "git@forge:vox-backend.git",
    B,
    {"vox-backend-2026.06.22-1": A, "vox-backend-2026.06.22-10": B, "vox-backend-2026.06.30-1": C},
    frozenset({A, B}),
)


@pytest.mark.parametrize("text", ["vox-backend-2026.06.22-1", "vox-frontend-2028.02.29-12"])
def test_a_tag_reads_and_writes_the_same(text: str) -> None:
    assert str(Tag.parse(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "x; reboot", "vox-backend-2026.13.01-1", "vox-backend-2026.02.30-1", "vox-backend-2026.06.22-0",
        "vox-backend-2026.06.22-1\n", "vox-backend-2026.06.22", "--force", "vox-backend-2026.06.22-01", "",
        "vox-backend-２０２６.06.22-1",  # noqa: RUF001 - digits that are no ASCII are meant
    ],
)  # fmt: skip
def test_what_is_no_tag_is_none(text: str) -> None:
    assert Tag.parse(text) is None


@given(st.text())
def test_any_text_is_a_tag_or_none(text: str) -> None:
    tag = Tag.parse(text)
    assert tag is None or str(tag) == text


FORM = "looks like vox-backend-YYYY.MM.DD-N"
NONE = "there is no such service"
ONE = "a tag is of one service\n  hint: one --deploy for each: --deploy backend=TAG"
ALL = "services: backend, fleet, dialler, console, all"


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (["backend=x; reboot"], f"backend='x; reboot': this is no release tag\n  hint: a tag {FORM}"),
        (["bakend"], f"--deploy 'bakend': {NONE}\n  hint: did you mean backend?"),
        (["all=vox-backend-2026.06.22-1"], f"--deploy 'all=vox-backend-2026.06.22-1': {ONE}"),
        (["backend,fleet=vox-backend-2026.06.22-1"], f"--deploy 'backend,fleet=vox-backend-2026.06.22-1': {ONE}"),
        (["backend,flet"], f"--deploy 'backend,flet': {NONE}: flet\n  hint: did you mean fleet?"),
        (["backend,"], f"--deploy 'backend,': {NONE}\n  hint: {ALL}"),
        (["backend,fleet", "backend=main"], "--deploy: backend is asked for twice, differently"),
        (
            ["backend=vox-agents-2026.06.22-1"],
            f"backend=vox-agents-2026.06.22-1: this tag is of another service: it is a release of vox-agents\n  hint: {FORM}",
        ),
        (["backend", "backend=main"], "--deploy: backend is asked for twice, differently"),
        (["backend="], "--deploy 'backend=': no tag after the equals sign\n  hint: --deploy backend is enough"),
        (["$(reboot)"], f"--deploy '$(reboot)': {NONE}\n  hint: {ALL}"),
    ],
)
def test_requests_that_cannot_be_meant_are_refused(texts: list[str], said: str) -> None:
    with pytest.raises(Refused) as caught:
        read_requests(texts, [], ESTATE)
    assert caught.value.text == said
    assert "\n" not in caught.value.line


def test_all_means_all_in_the_order_of_a_deploy() -> None:
    assert [one.service for one in read_requests(["all"], [], ESTATE)] == ["backend", "fleet", "dialler", "console"]
    assert read_requests(["fleet,backend=main"], [], ESTATE) == (Request("backend", "main"), Request("fleet", "main"))
    assert [one.back for one in read_requests([], ["backend,console"], ESTATE)] == [True, True]


def test_the_newest_release_is_the_newest_on_main_by_number() -> None:
    assert resolve(Request("backend"), BACKEND, REMOTE) == Release("backend", B, "vox-backend-2026.06.22-10")


def test_a_day_that_has_not_come_is_nobody_s_newest() -> None:
    remote = replace(REMOTE, tags={**REMOTE.tags, "vox-backend-2099.01.01-1": A})
    with pytest.raises(Refused, match=r"the day of vox-backend-2099.01.01-1 has not come"):
        resolve(Request("backend"), BACKEND, remote)
    assert resolve(Request("backend", "vox-backend-2099.01.01-1"), BACKEND, remote).commit == A
    for today, comes in (date(2026, 6, 20), False), (date(2026, 6, 21), True):
        try:
            assert resolve(Request("backend"), BACKEND, REMOTE, today).commit == B
            assert comes
        except Refused:
            assert not comes


def test_a_release_that_main_has_left_behind_is_not_the_newest_whatever_its_day() -> None:
    remote = replace(REMOTE, tags={**REMOTE.tags, "vox-backend-2026.06.24-1": A}, newest=frozenset({B}))
    assert resolve(Request("backend"), BACKEND, remote) == Release("backend", B, "vox-backend-2026.06.22-10")


def test_what_came_by_a_merge_is_deployed_by_its_name_only() -> None:
    remote = replace(REMOTE, newest=frozenset({B}), line=frozenset({A}))
    with pytest.raises(Refused, match=r"vox-backend-2026.06.22-10 is not on main's own line"):
        resolve(Request("backend"), BACKEND, remote)
    assert resolve(Request("backend", "vox-backend-2026.06.22-10"), BACKEND, remote).commit == B


def test_main_is_its_head_with_the_tag_it_has() -> None:
    assert resolve(Request("backend", "main"), BACKEND, REMOTE) == Release("backend", B, "vox-backend-2026.06.22-10")
    tags = {f"vox-backend-2026.06.{day}": B for day in ("24-9", "24-10", "23-1")} | {"vox-backend-2026.06.30-1": C, "stable": B}
    assert resolve(Request("backend", "main"), BACKEND, replace(REMOTE, tags=tags)).tag == "vox-backend-2026.06.24-10"
    assert resolve(Request("backend", "main"), BACKEND, replace(REMOTE, tags={"stable": B})) == Release("backend", B, None)


@pytest.mark.parametrize(
    ("tag", "said"),
    [
        (
            "vox-backend-2026.06.30-1",
            (
                f"this release is not on main: {C[:12]} is not an ancestor of main at {REMOTE.url}\n"
                "  hint: merge it first; code moves only one way"
            ),
        ),
        (
            "vox-backend-2026.06.22-2",
            f"the remote has no such tag: {REMOTE.url}\n  hint: did you mean vox-backend-2026.06.22-1?",
        ),
        ("vox-backend-1999.12.31-7777777777777", f"the remote has no such tag: {REMOTE.url}\n  hint: an annotated tag, pushed"),
    ],
)
def test_a_tag_that_is_not_on_main_is_refused(tag: str, said: str) -> None:
    with pytest.raises(Refused) as caught:
        resolve(Request("backend", tag), BACKEND, REMOTE)
    assert caught.value.text == f"backend={tag}: {said}"


def test_a_plan_knows_the_way_back() -> None:
    known = LastKnownGood(Release("backend", A, "vox-backend-2026.06.22-1"))
    plan = make_plan(ESTATE, [Request("backend")], {"backend": REMOTE}, {"backend-api-1": known})
    assert plan.targets[0].way_back == known.release


@pytest.mark.parametrize(
    ("remote", "state"),
    [(Missing("unreachable", "no route"), None), (REMOTE, Missing("unparsable", "torn"))],
    ids=["remote silent", "state unreadable"],
)
def test_a_plan_that_cannot_be_made_is_refused(remote: RemoteView | Missing, state: Missing | None) -> None:
    with pytest.raises(Refused):
        make_plan(ESTATE, [Request("backend")], {"backend": remote}, {"backend-api-1": state})


def test_previous_is_the_release_before_the_last_known_good() -> None:
    before = Release("backend", A, "vox-backend-2026.06.22-1")
    known = LastKnownGood(Release("backend", B, "vox-backend-2026.06.22-10"), before)
    plan = make_plan(ESTATE, [Request("backend", "previous")], {"backend": REMOTE}, {"backend-api-1": known})
    assert plan.targets[0].release == before


def test_there_is_no_previous_before_the_first_nor_where_hosts_know_two() -> None:
    said = "its hosts do not know one\n  hint: name one: TAG={}-YYYY.MM.DD-N"
    with pytest.raises(Refused) as caught:
        make_plan(ESTATE, [Request("backend", "previous")], {"backend": REMOTE}, {"backend-api-1": None})
    assert caught.value.text == f"backend: there is no release to go back to: {said.format('vox-backend')}"
    first, second, third = (Release("fleet", commit, f"vox-agents-2026.06.22-{n}") for n, commit in enumerate((A, B, C), 1))
    goods = {"fleet-fleet-1": LastKnownGood(third, first), "fleet-fleet-2": LastKnownGood(third, second)}
    with pytest.raises(Refused) as caught:
        make_plan(ESTATE, [Request("fleet", "previous", back=True)], {}, goods)
    assert caught.value.text == f"fleet: there is no release to go back to: {said.format('vox-agents')}"


def test_what_is_good_on_one_host_only_is_gone_back_to_and_what_is_on_all_is_not() -> None:
    """A host that knows none yet is brought where the others are."""
    release = Release("fleet", B, "vox-agents-2026.06.22-1")
    remote = RemoteView("fleet", "the forge", B, {str(release): B}, frozenset({B}))
    request = Request("fleet", str(release), back=True)
    goods = {"fleet-fleet-1": LastKnownGood(release), "fleet-fleet-2": None}
    (target,) = make_plan(ESTATE, [request], {"fleet": remote}, goods).targets
    assert (target.release, target.is_on_hosts, target.how) == (release, True, "rollback")
    with pytest.raises(Refused) as caught:
        make_plan(ESTATE, [request], {"fleet": remote}, dict.fromkeys(goods, LastKnownGood(release)))
    assert caught.value.text == f"fleet: {release} is what is last known good already\n  hint: --deploy puts it there again"


def test_the_next_tag_counts_on_from_the_day() -> None:
    assert str(next_tag(BACKEND, REMOTE.tags, date(2026, 6, 22))) == "vox-backend-2026.06.22-11"
    assert str(next_tag(BACKEND, REMOTE.tags, date(2026, 6, 23))) == "vox-backend-2026.06.23-1"


def answer(status: int = 200, body: bytes = b"", trouble: str = "") -> Answer:
    return Answer("api-1", 8080, "/health", status, {}, body, 0.1, 0.0, trouble)


OK = b'{"status": "ok", "commit": "' + A.encode() + b'"}'
RUNNING = {"ActiveState": "active", "SubState": "running", "NRestarts": "0"}


@pytest.mark.parametrize(
    ("state", "said", "up"),
    [
        (RUNNING, answer(body=OK), Up.YES),
        (RUNNING, answer(503, b'{"status": "degraded", "checks": {"redis": "refused"}}'), Up.NOT_YET),
        (RUNNING, answer(body=OK.replace(b"aaaa", b"bbbb")), Up.NOT_YET),
        (RUNNING, answer(body=b"<html>"), Up.NOT_YET),
        (RUNNING, answer(body=b"[]"), Up.NOT_YET),
        (RUNNING, answer(0, trouble="connection refused"), Up.NOT_YET),
        (RUNNING, Missing("unreachable", "the SSH connection is gone"), Up.NOT_YET),
        ({"ActiveState": "failed", "Result": "exit-code"}, answer(body=OK), Up.NEVER),
        ({"ActiveState": "activating", "SubState": "auto-restart", "NRestarts": "2"}, answer(body=OK), Up.NEVER),
        ({}, answer(0, trouble="connection refused"), Up.NOT_YET),
    ],
)
def test_a_pulse_is_up_only_when_all_is_well(state: dict[str, str], said: Answer | Missing, up: Up) -> None:
    assert pulse(state, said, A).up is up


@pytest.mark.parametrize(
    "page",
    [{"status": "x" * 900_000}, {"status": "ok", "checks": {"y" * 900_000: 1}}, {"checks": {str(n): n for n in range(30_000)}}],
)
def test_a_page_has_as_many_words_as_a_line_has_room_for(page: dict[str, object]) -> None:
    found = pulse(RUNNING, answer(503, json.dumps(page).encode()), A)
    assert found.up is Up.NOT_YET
    assert len(found.said) < 500


def judged(*verdicts: Verdict, expected: int | None = None, interrupted: str = "", selected: bool = False) -> Judged:
    made = [Judgement(f"i[{n}]", "i", "i", "r", verdict) for n, verdict in enumerate(verdicts)]
    ids = [f"i[{n}]" for n in range(len(verdicts) if expected is None else expected)]
    return Judged(ids, made, interrupted, selected)


H, V, X = Verdict.HOLDS, Verdict.VIOLATED, Verdict.BLIND


@pytest.mark.parametrize(
    ("case", "verdict"),
    [
        (judged(H, H), RunVerdict.HOLDS),
        (judged(H, V, X), RunVerdict.VIOLATED),
        (judged(H, X), RunVerdict.BLIND),
        (judged(H, expected=2), RunVerdict.INCOMPLETE),
        (judged(H, H, interrupted="SIGTERM"), RunVerdict.INCOMPLETE),
        (judged(), RunVerdict.INCOMPLETE),
        (Judged(["i[0]"], [Judgement("i[0]", "i", "i", "r", H)], plain=["test_ours.py::test_x"]), RunVerdict.INCOMPLETE),
        (
            Judged([], [Judgement("test_ours.py::test_x[api-1]", "x", "x", "r", H)], plain=["test_ours.py::test_x"]),
            RunVerdict.HOLDS,
        ),
    ],
)
def test_only_everything_judged_and_holding_holds(case: Judged, verdict: RunVerdict) -> None:
    assert judge_run(case) is verdict


def test_a_chosen_part_is_a_partial_look_and_no_deploy() -> None:
    part = judged(H, expected=3, selected=True)
    assert look_verdict(part) is RunVerdict.HOLDS
    assert judge_run(part) is RunVerdict.INCOMPLETE
    assert len(part.missing) == 2


def test_a_look_that_is_not_good_never_exits_with_0() -> None:
    assert (look_status(RunVerdict.BLIND, 0), look_status(RunVerdict.BLIND, 1), look_status(RunVerdict.BLIND, 2)) == (7, 7, 2)
    assert (look_status(RunVerdict.VIOLATED, 0), look_status(RunVerdict.VIOLATED, 1)) == (1, 1)
    assert look_status(RunVerdict.INCOMPLETE, 2) == 2
    assert look_status(RunVerdict.HOLDS, 0) == 0


@pytest.mark.parametrize(
    ("verdict", "back", "holds", "status"),
    [
        (RunVerdict.VIOLATED, True, True, 11), (RunVerdict.BLIND, True, True, 11), (RunVerdict.INCOMPLETE, True, True, 12),
        (RunVerdict.VIOLATED, True, False, 13), (RunVerdict.VIOLATED, False, False, 13),
    ],
)  # fmt: skip
def test_the_exit_status_says_what_became_of_the_hosts(verdict: RunVerdict, back: bool, holds: bool, status: int) -> None:  # noqa: FBT001
    assert deploy_status(verdict, changed_back=back, back_holds=holds)[1] == status


def test_going_back_needs_no_remote_and_leads_somewhere_else() -> None:
    backend = [placement for placement in ESTATE.placements if placement.service.name == "backend"]
    first, second = (Release("backend", commit, f"vox-backend-2026.06.22-{n}") for commit, n in ((A, 1), (B, 10)))
    state = {placement.id: LastKnownGood(second, first) for placement in backend}
    (request,) = read_requests([], ["backend"], ESTATE)
    plan = make_plan(ESTATE, [request], {"backend": Missing("failed", "the forge is down")}, state)
    assert (plan.targets[0].release, plan.targets[0].is_on_hosts) == (first, True)
    (named,) = read_requests([], [f"backend={first.tag}"], ESTATE)
    assert make_plan(ESTATE, [named], {"backend": REMOTE}, state).targets[0].is_on_hosts
    (same,) = read_requests([], [f"backend={second.tag}"], ESTATE)
    with pytest.raises(Refused, match="last known good already"):
        make_plan(ESTATE, [same], {"backend": REMOTE}, state)


@pytest.mark.parametrize(
    ("deploy", "rollback", "said"),
    [
        (["backend"], ["backend"], "--rollback: backend is asked for twice, differently"),
        (
            [],
            ["backend=main"],
            "--rollback 'backend=main': the head of main is nothing to go back to\n  hint: --deploy, or a tag",
        ),
        ([], ["bakend"], f"--rollback 'bakend': {NONE}\n  hint: did you mean backend?"),
        ([], ["backend="], "--rollback 'backend=': no tag after the equals sign\n  hint: --rollback backend is enough"),
    ],
)
def test_requests_that_cannot_be_meant_together_are_refused(deploy: list[str], rollback: list[str], said: str) -> None:
    with pytest.raises(Refused) as caught:
        read_requests(deploy, rollback, ESTATE)
    assert caught.value.text == said


def test_what_is_asked_for_twice_the_same_is_asked_for_once() -> None:
    assert read_requests(["fleet", "backend,fleet"], [], ESTATE) == (Request("backend"), Request("fleet"))
    assert read_requests([], ["backend"], ESTATE) == (Request("backend", "previous", back=True),)
    tag = "vox-backend-2026.06.22-1"
    assert read_requests([], [f"backend={tag}"], ESTATE) == (Request("backend", tag, back=True),)
    assert read_requests(["backend=previous"], [], ESTATE) == (Request("backend", "previous", back=True),)


@pytest.mark.parametrize(
    ("deploy", "rollback", "recover", "how"),
    [
        ([], [], False, How.LOOK),
        ([], [], True, How.RECOVER),
        (["backend"], [], False, How.DEPLOY),
        (["backend"], [], True, How.DEPLOY),
        (["backend=previous"], [], False, How.ROLLBACK),
        ([], ["backend", "fleet"], False, How.ROLLBACK),
        (["fleet"], ["backend"], False, How.BOTH),
    ],
)
def test_what_a_run_was_asked_for(deploy: list[str], rollback: list[str], recover: bool, how: How) -> None:  # noqa: FBT001
    assert how_of(read_requests(deploy, rollback, ESTATE), recover=recover) is how


def test_what_builds_the_same_in_many_places_is_said_once() -> None:
    placements = [one for one in ESTATE.placements if one.service.name in {"backend", "fleet", "console"}]
    built = {one: "node 24" if one.service.name == "console" else "uv 0.13.9" for one in placements}
    assert list(builders(placements, built)) == [
        "api-1, fleet-1, fleet-2: backend, fleet are built with uv 0.13.9",
        "api-1: console is built with node 24",
    ]
    assert list(builders(placements[:1], built)) == ["api-1: backend is built with uv 0.13.9"]
