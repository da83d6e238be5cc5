"""A deploy is settled: what is written on which host, said and judged, in which order, and what the run comes to."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from tests.settled import BAD, End, again, asked, first, left
from tests.story import NEW, OLD, failing, fine, no_calls, said, wanting
from voxgate.deploy.hosts.journal import Phase
from voxgate.deploy.judging.standing import Standing
from voxgate.errors import VoxgateError
from voxgate.model.verdict import Exit, RunVerdict, Verdict
from voxgate.model.waiver import Waiver

_no_calls = pytest.fixture(autouse=True)(no_calls)

ONE, TWO, API = "fleet-fleet-1", "fleet-fleet-2", "backend-api-1"
FLEET, ALL = f"{ONE}, {TWO}", f"{API}, {ONE}, {TWO}"
STATUS = {RunVerdict.DONE: 0, **{RunVerdict[one]: Exit[one] for one in ("ROLLED_BACK", "INCOMPLETE", "BROKEN")}}
WHY = f"judged violated: {BAD.id}"
GREEN = fine("backend", "fleet")
HOLDS = (RunVerdict.HOLDS, GREEN)
WORSE = (RunVerdict.VIOLATED, (*GREEN, BAD))
WAIVER = Waiver("x", "fleet-fleet-2", "wrong", "known", "me", date(2026, 12, 20))
WAIVED = said(Verdict.WAIVED, "fleet", "fleet-2", waivers=(WAIVER,))
KNOWN = Standing(frozenset({BAD.id}), allowed=frozenset({BAD.id, "x[backend]"}), reason="is known")
FAILED = VoxgateError("did not come up", where="fleet-2")
UNITS = {"voxcore@1.service", "voxcore@2.service", "voxcore@3.service"}


FIRST = ["regain", "read"]
JUDGE = "judge (fleet vox-agents-2026.06.22-1)"


def went(where: str, releases: str = "vox-agents-2026.06.22-1", *more: str) -> list[str]:
    """The moves of a way back that goes well, and what is said before them."""
    moves = [f"{phase} r2 a>b: {where}" for phase in ("back-checkout", "back-install", "back-restart", "back-judging")]
    return [f"says going back: {releases}", *FIRST, *more, f"tidy: {where}", *moves]


def closed(where: str, why: str = WHY, change: str = "a>b") -> list[str]:
    """These are rolled back, with what was judged good there."""
    return [f"rolled-back r2 {change} content digest of {key}: {key} ({why})" for key in where.split(", ")]


def done(where: str, why: str = "", day: str = "24-1") -> list[str]:
    tags = {"backend": f"vox-backend-2026.06.{day}", "fleet": f"vox-agents-2026.06.{day}"}
    words = f" ({why})" if why else ""
    return [f"done r2 a>b good {tags[key.partition('-')[0]]} digest of {key}: {key}{words}" for key in where.split(", ")]


Case = tuple[End, RunVerdict, str, list[str]]
BOTH = "vox-backend-2026.06.24-1, vox-agents-2026.06.24-1"
TAGS = [f"tag ({tag} of r2)" for tag in BOTH.split(", ")]
STANDS = f"still standing, allowed (is known): {BAD.id}"
PROMOTED: dict[str, Case] = {
    "what holds is promoted on all hosts": (
        End(wanting("backend", "fleet"), judgements=GREEN),
        RunVerdict.DONE,
        f"done: {BOTH}",
        [f"promoting r2 a>b: {ALL}", *TAGS, *done(ALL)],
    ),
    "going back on purpose is said so": (
        End(asked("rollback", "backend", "fleet"), judgements=(*GREEN, WAIVED)),
        RunVerdict.DONE,
        f"done: back on {BOTH}, 1 waived until 2026-12-20",
        [f"promoting r2 a>b: {ALL}", *TAGS, *done(ALL, "1 waived until 2026-12-20")],
    ),
    "one that goes back beside one that goes on is not": (
        End((*asked("rollback", "backend"), *asked("deploy", "fleet")), judgements=GREEN),
        RunVerdict.DONE,
        f"done: {BOTH}",
        [f"promoting r2 a>b: {ALL}", *TAGS, *done(ALL)],
    ),
    "a head of main gets its tag, and what may stand is said, here and in the ledgers": (
        End(
            [replace(wanting("fleet")[0], release=replace(NEW["fleet"], tag=None))],
            judgements=(*GREEN, BAD, WAIVED),
            standing=KNOWN,
        ),
        RunVerdict.DONE,
        f"done: vox-agents-2026.06.25-1, 1 waived until 2026-12-20; {STANDS}",
        [
            f"promoting r2 a>b: {FLEET}",
            "tag (main@bbbbbbbbbbbb of r2)",
            *done(FLEET, f"1 waived until 2026-12-20; {STANDS}", "25-1"),
        ],
    ),
    "where one host does not write it nothing is tagged": (
        End(wanting("fleet"), judgements=GREEN, fail=failing(("fleet-2", "promoting"))),
        RunVerdict.BROKEN,
        "everything holds, but fleet-2: the journal could not be written: fleet-2: no promoting: make recover finishes it",
        [f"promoting r2 a>b: {ONE}"],
    ),
    "what one host did not close the next run does": (
        End(wanting("fleet"), judgements=GREEN, fail=failing(("fleet-2", "done")), seen="no look"),
        RunVerdict.BROKEN,
        "everything holds, but fleet-2: the journal could not be written: fleet-2: no done: make recover finishes it",
        [f"promoting r2 a>b: {FLEET}", TAGS[1], *done(ONE)],
    ),
}
NOTHING = [*FIRST, "says nothing was changed, so nothing goes back and nothing is restarted: fleet-1 fleet, fleet-2 fleet"]
NOT_CHANGED: dict[str, Case] = {
    "a failure before anything was changed": (
        End(wanting("fleet"), left(Phase.CLAIMED, ONE, TWO, changed=()), failure=FAILED),
        RunVerdict.ROLLED_BACK,
        "not done: fleet-2: did not come up; nothing was changed",
        [*NOTHING, f"tidy: {FLEET}", f"abandoned r2 a>b: {FLEET} (fleet-2: did not come up)"],
    ),
    "an interruption before anything was changed": (
        End(wanting("fleet"), left(Phase.CLAIMED, ONE, TWO, changed=()), GREEN, interrupted="SIGTERM"),
        RunVerdict.INCOMPLETE,
        "not done: SIGTERM; nothing was changed",
        [*NOTHING, f"tidy: {FLEET}", f"abandoned r2 a>b: {FLEET} (SIGTERM)"],
    ),
    "one host does not write that it was abandoned": (
        End(wanting("fleet"), left(Phase.CLAIMED, ONE, TWO, changed=()), fail=failing(("fleet-2", "abandoned"))),
        RunVerdict.BROKEN,
        f"not done: {WHY}; nothing was changed",
        [*NOTHING, f"tidy: {FLEET}", f"abandoned r2 a>b: {ONE} ({WHY})"],
    ),
    "what git left locked is not removed": (
        End(wanting("fleet"), left(Phase.CLAIMED, ONE, TWO, changed=()), fail=failing(("fleet-2", "tidy"))),
        RunVerdict.BROKEN,
        f"not done: {WHY}; nothing was changed",
        [*NOTHING, f"tidy: {ONE}"],
    ),
}
AS_BEFORE = f"as before; still standing: {BAD.id}"
KEPT = ", ".join(f"fleet-{n} voxcore@{m}" for n in (1, 2) for m in (1, 2, 3))
BACK: dict[str, Case] = {
    "only what was changed goes back": (
        End(
            wanting("fleet"),
            {**left(Phase.JUDGING, ONE, changed={"code", "packages", *UNITS}), **left(Phase.CLAIMED, TWO, changed=())},
            looks=[HOLDS],
        ),
        RunVerdict.ROLLED_BACK,
        f"not done ({WHY}); back on vox-agents-2026.06.22-1, judged again: holds",
        [
            *FIRST,
            "says nothing was changed, so nothing goes back and nothing is restarted: fleet-2 fleet",
            f"tidy: {TWO}",
            f"abandoned r2 a>b: {TWO} ({WHY})",
            *went(ONE),
            JUDGE,
            *closed(ONE),
        ],
    ),
    "a stop, although all holds": (
        End(wanting("fleet"), left(Phase.JUDGING, ONE, TWO), GREEN, [HOLDS], stopped=True),
        RunVerdict.INCOMPLETE,
        "not done (interrupted); back on vox-agents-2026.06.22-1, judged again: holds",
        [*FIRST, *went(FLEET), JUDGE, *closed(FLEET, "interrupted")],
    ),
    "a stop of which more is known": (
        End(wanting("fleet"), left(Phase.JUDGING, ONE, TWO), GREEN, [HOLDS], stopped=True, interrupted="SIGTERM"),
        RunVerdict.INCOMPLETE,
        "not done (SIGTERM); back on vox-agents-2026.06.22-1, judged again: holds",
        [*FIRST, *went(FLEET), JUDGE, *closed(FLEET, "SIGTERM")],
    ),
    "a move that failed, although all holds": (
        End(wanting("fleet"), left(Phase.JUDGING, ONE, TWO), GREEN, [HOLDS], failure=FAILED),
        RunVerdict.ROLLED_BACK,
        "not done (fleet-2: did not come up); back on vox-agents-2026.06.22-1, judged again: holds",
        [*FIRST, *went(FLEET), JUDGE, *closed(FLEET, "fleet-2: did not come up")],
    ),
    "what stood before stands still, and is not called good": (
        End(
            wanting("fleet"),
            left(Phase.JUDGING, ONE, TWO),
            looks=[(RunVerdict.VIOLATED, (*GREEN, BAD, WAIVED))],
            standing=KNOWN,
            failure=FAILED,
        ),
        RunVerdict.ROLLED_BACK,
        f"not done ({FAILED.line}); back on {OLD['fleet']}, judged again: violated, 1 waived until 2026-12-20, {AS_BEFORE}",
        [
            *FIRST,
            *went(FLEET),
            JUDGE,
            f"rolled-back r2 a>b: {ONE} ({FAILED.line}; as before, and still standing: {BAD.id})",
            *closed(TWO, f"{FAILED.line}; as before, and still standing: {BAD.id}"),
        ],
    ),
    "what was not restarted, and does not hold, is restarted after all": (
        End(wanting("fleet"), left(Phase.JUDGING, ONE, TWO, changed={"code"}), looks=[WORSE, WORSE, HOLDS]),
        RunVerdict.ROLLED_BACK,
        f"not done ({WHY}); back on vox-agents-2026.06.22-1, judged again: holds",
        [
            *FIRST,
            "says going back: vox-agents-2026.06.22-1",
            *FIRST,
            f"says not restarted, as the deploy did not: {KEPT}",
            f"tidy: {FLEET}",
            f"back-checkout r2 a>b: {FLEET}",
            f"back-judging r2 a>b: {FLEET}",
            JUDGE,
            JUDGE,
            "says fleet: it does not hold without a restart: what was not restarted is restarted after all",
            f"back-restart r2 a>b: {FLEET}",
            f"back-judging r2 a>b: {FLEET}",
            JUDGE,
            *closed(FLEET),
        ],
    ),
}
TWICE = "vox-backend-2026.06.22-1, vox-agents-2026.06.22-1"
JUDGE_ALL = "judge (backend vox-backend-2026.06.22-1, fleet vox-agents-2026.06.22-1)"
FAILS = f"not done ({WHY}), and the way back failed: "
NOT_BACK: dict[str, Case] = {
    "a move that fails holds its service alone": (
        End(
            wanting("backend", "fleet"),
            left(Phase.JUDGING, API, ONE, TWO),
            looks=[HOLDS],
            fail=failing(("fleet-2", "back-install")),
        ),
        RunVerdict.BROKEN,
        f"{FAILS}fleet-2: no back-install",
        [
            *FIRST,
            *went(ALL, TWICE)[:-2],
            f"back-restart r2 a>b: {API}, {ONE}",
            f"back-judging r2 a>b: {API}",
            JUDGE_ALL,
            f"held r2 a>b: {FLEET} (fleet-2: no back-install)",
            *closed(API),
        ],
    ),
    "what is worse than before holds its service alone": (
        End(wanting("backend", "fleet"), left(Phase.JUDGING, API, ONE, TWO), looks=[WORSE]),
        RunVerdict.BROKEN,
        f"{FAILS}the last known good is violated too: {BAD.id}: wrong",
        [
            *FIRST,
            *went(ALL, TWICE),
            JUDGE_ALL,
            *closed(API),
            f"held r2 a>b: {FLEET} (the last known good is violated too: {BAD.id}: wrong)",
        ],
    ),
    "of what is not violated itself, and was not seen, nothing is closed": (
        End(wanting("backend"), left(Phase.JUDGING, API), looks=[(RunVerdict.VIOLATED, (*fine("fleet"), BAD))]),
        RunVerdict.BROKEN,
        f"{FAILS}what was put back is not what is violated: {BAD.id}: wrong",
        [*FIRST, *went(API, "vox-backend-2026.06.22-1"), "judge (backend vox-backend-2026.06.22-1)"],
    ),
    "what could not be seen stays open": (
        End(wanting("fleet"), left(Phase.JUDGING, ONE, TWO), looks=[(RunVerdict.BLIND, (said(Verdict.BLIND, "fleet"),))]),
        RunVerdict.BROKEN,
        f"{FAILS}the last known good is blind too",
        [*FIRST, *went(FLEET), JUDGE],
    ),
    "what was not judged to its end stays open": (
        End(wanting("fleet"), left(Phase.JUDGING, ONE, TWO), looks=[(RunVerdict.INCOMPLETE, GREEN)]),
        RunVerdict.BROKEN,
        f"{FAILS}the last known good is incomplete too",
        [*FIRST, *went(FLEET), JUDGE],
    ),
    "one host does not write that it went back": (
        End(wanting("fleet"), left(Phase.JUDGING, ONE, TWO), looks=[HOLDS], fail=failing(("fleet-2", "rolled-back"))),
        RunVerdict.BROKEN,
        f"{FAILS}fleet-2: the journal could not be written: fleet-2: no rolled-back",
        [*FIRST, *went(FLEET), JUDGE, *closed(ONE)],
    ),
    "one host does not write that it was abandoned, which holds nobody else": (
        End(
            wanting("backend", "fleet"),
            {**left(Phase.JUDGING, API), **left(Phase.CLAIMED, ONE, TWO, changed=())},
            looks=[HOLDS],
            fail=failing(("fleet-2", "abandoned")),
        ),
        RunVerdict.BROKEN,
        f"{FAILS}fleet-2: the journal could not be written: fleet-2: no abandoned",
        [
            *NOTHING,
            f"tidy: {FLEET}",
            f"abandoned r2 a>b: {ONE} ({WHY})",
            *went(API, "vox-backend-2026.06.22-1"),
            "judge (backend vox-backend-2026.06.22-1)",
            *closed(API),
        ],
    ),
    "a host that stays lost": (
        End(wanting("fleet"), left(Phase.JUDGING, ONE, TWO), looks=[HOLDS], lost={"fleet-1", "fleet-2"}, regains={"fleet-1"}),
        RunVerdict.BROKEN,
        f"{FAILS}fleet-2: fleet was not put back: the host is lost",
        ["regain", "says fleet-1: was lost, is held again", "read", *went(ONE), JUDGE],
    ),
    "all hosts stay lost": (
        End(wanting("fleet"), left(Phase.JUDGING, ONE, TWO), looks=[HOLDS], lost={"fleet-1", "fleet-2"}),
        RunVerdict.BROKEN,
        f"{FAILS}fleet-1, fleet-2: fleet was not put back: the host is lost",
        [*FIRST, "says going back: vox-agents-2026.06.22-1", *FIRST, JUDGE],
    ),
    "a lost host on which nothing was changed is not tidied": (
        End(
            wanting("fleet"),
            {**left(Phase.JUDGING, ONE), **left(Phase.CLAIMED, TWO, changed=())},
            looks=[HOLDS],
            lost={"fleet-2"},
            fail=failing(("fleet-2", "tidy")),
        ),
        RunVerdict.BROKEN,
        f"{FAILS}fleet-2: a host was lost on the way back, which stays open",
        [*FIRST, f"{NOTHING[2].partition(': ')[0]}: fleet-2 fleet", f"abandoned r2 a>b: {TWO} ({WHY})", *went(ONE), JUDGE],
    ),
}
NOWHERE = f"not done ({WHY}), and nothing to go back to for "
STAYS: dict[str, Case] = {
    "a first deploy, beside what goes back": (
        End((*first("backend"), *wanting("fleet")), left(Phase.JUDGING, API, ONE, TWO), looks=[HOLDS]),
        RunVerdict.BROKEN,
        f"{NOWHERE}backend: its first deploy here",
        [*FIRST, f"abandoned r2 ->b: {API} ({WHY}; nothing to go back to)", *went(FLEET), JUDGE, *closed(FLEET)],
    ),
    "two first deploys": (
        End(first("backend", "fleet"), left(Phase.JUDGING, API, ONE, TWO)),
        RunVerdict.BROKEN,
        f"{NOWHERE}backend, fleet: its first deploy here",
        [*FIRST, f"abandoned r2 ->b: {ALL} ({WHY}; nothing to go back to)"],
    ),
    "what runs was deployed once more": (
        End(again("fleet"), left(Phase.JUDGING, ONE, TWO)),
        RunVerdict.BROKEN,
        f"{NOWHERE}fleet: what runs is the last known good itself",
        [*FIRST, f"abandoned r2 b>b: {FLEET} ({WHY}; nothing to go back to)"],
    ),
    "what runs was deployed once more, and not judged to its end": (
        End(again("fleet"), left(Phase.JUDGING, ONE, TWO), GREEN, [HOLDS], interrupted="SIGTERM"),
        RunVerdict.INCOMPLETE,
        "not done (SIGTERM); back on vox-agents-2026.06.24-1, judged again: holds",
        [*FIRST, f"back-judging r2 b>b: {FLEET}", "judge (fleet vox-agents-2026.06.24-1)", *closed(FLEET, "SIGTERM", "b>b")],
    ),
    "what runs was deployed once more, beside what goes back": (
        End((*wanting("backend"), *again("fleet")), left(Phase.JUDGING, API, ONE, TWO), looks=[HOLDS]),
        RunVerdict.ROLLED_BACK,
        f"not done ({WHY}); back on vox-backend-2026.06.22-1, vox-agents-2026.06.24-1, judged again: holds",
        [
            *FIRST,
            f"back-judging r2 b>b: {FLEET}",
            *went(API, "vox-backend-2026.06.22-1"),
            "judge (backend vox-backend-2026.06.22-1, fleet vox-agents-2026.06.24-1)",
            *closed(API),
            *closed(FLEET, change="b>b"),
        ],
    ),
}


@pytest.mark.parametrize(
    ("end", "verdict", "summary", "story"),
    [pytest.param(*case, id=name) for name, case in {**PROMOTED, **NOT_CHANGED, **BACK, **NOT_BACK, **STAYS}.items()],
)
def test_a_deploy_is_settled(end: End, verdict: RunVerdict, summary: str, story: list[str]) -> None:
    settled, told, _ = end.settle()
    assert (settled.verdict, settled.exit_status, settled.summary) == (verdict, STATUS[verdict], summary)
    assert told == story
    look, judgements = end.looks[-1] if end.looks else (None, ())
    assert (settled.rollback_verdict, settled.rollback) == (look, judgements)


def test_a_tag_that_was_pushed_is_noted_and_what_no_host_keeps_too() -> None:
    """What was seen cannot be read here: the deploy is done all the same."""
    main = replace(NEW["fleet"], tag=None)
    settled, _, settlement = End([replace(wanting("fleet")[0], release=main)], judgements=GREEN, seen="no look").settle()
    assert settled.verdict is RunVerdict.DONE
    assert settlement.tagged == {"fleet": replace(main, tag="vox-agents-2026.06.25-1")}
    tagged, kept = settlement.notes
    assert tagged == "tagged fleet"
    assert kept.startswith("no host keeps what was seen of it: ")


def test_one_host_that_says_no_keeps_no_other_open() -> None:
    untouched = {**left(Phase.CLAIMED, API, changed=()), **left(Phase.CLAIMED, ONE, TWO, changed=())}
    settled, told, _ = End(wanting("backend", "fleet"), untouched, fail=failing(("api-1", "tidy"))).settle()
    assert settled.verdict is RunVerdict.BROKEN
    assert f"abandoned r2 a>b: {FLEET} ({WHY})" in told
