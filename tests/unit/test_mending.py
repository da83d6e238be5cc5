"""What an earlier run left open is mended: what is written on which host, said and judged, in which order, and how it ends."""

from __future__ import annotations

import pytest

from tests.mended import (
    ALL,
    API,
    API_BACK,
    BACK,
    BAD,
    FLEET,
    FLEET_BACK,
    GREEN,
    HELD,
    HOLDS,
    JUDGE,
    KEPT,
    ONE,
    RESTARTED,
    TWO,
    UNKNOWN,
    WAIVED,
    WORSE,
    WORSE_API,
    Case,
    Left,
    at,
    closed,
    done,
    fleet,
    found,
    left_behind,
    went,
    without_restart,
)
from tests.story import failing, judging, no_calls, run_on, said, written
from voxgate.deploy.hosts.journal import Phase
from voxgate.deploy.hosts.state import Found
from voxgate.deploy.recovery.recover import Recovery
from voxgate.model.verdict import RunVerdict, Verdict

_no_calls = pytest.fixture(autouse=True)(no_calls)

TORN = "; ".join(f"fleet-{n} has a journal that cannot be read (torn)" for n in (1, 2))
NOTHING_CHANGED = "abandoned: nothing was changed"
AT_ONCE: dict[str, Case] = {
    "what changed nothing is abandoned, and what git left locked is removed wherever it is": (
        Left(fleet(Phase.CLAIMED, ()), GREEN, locked={ONE: "git was locked", API: "git was locked there"}),
        RunVerdict.HOLDS,
        f"recovered: fleet {NOTHING_CHANGED}; all of it holds",
        [
            found(at("claimed"), NOTHING_CHANGED),
            f"tidy: {API}",
            "says git was locked there",
            f"tidy: {ONE}",
            "says git was locked",
            f"abandoned r1 a>b: {FLEET} ({at('claimed')})",
        ],
    ),
    "of what does not hold only what is worse than before is named": (
        Left(fleet(Phase.CLAIMED, (), standing={BAD.id}), (*GREEN, BAD, WORSE_API)),
        RunVerdict.VIOLATED,
        f"recovered: fleet {NOTHING_CHANGED}; the estate is violated: {WORSE_API.id}",
        [found(at("claimed"), NOTHING_CHANGED), f"abandoned r1 a>b: {FLEET} ({at('claimed')})"],
    ),
    "what could not be seen is no violation, and what is waived holds": (
        Left(fleet(Phase.CLAIMED, ()), (WAIVED, said(Verdict.BLIND, "backend"))),
        RunVerdict.BLIND,
        f"recovered: fleet {NOTHING_CHANGED}; the estate is blind: x[backend]",
        [found(at("claimed"), NOTHING_CHANGED), f"abandoned r1 a>b: {FLEET} ({at('claimed')})"],
    ),
    "what holds by a waiver is said so": (
        Left(fleet(Phase.CLAIMED, ()), (*GREEN, WAIVED)),
        RunVerdict.HOLDS,
        f"recovered: fleet {NOTHING_CHANGED}; all of it holds, 1 waived until 2026-12-20",
        [found(at("claimed"), NOTHING_CHANGED), f"abandoned r1 a>b: {FLEET} ({at('claimed')})"],
    ),
    "what was judged good is promoted before it is judged once more": (
        Left({**fleet(Phase.PROMOTING), **written(API, Phase.PROMOTING)}, (*GREEN, BAD)),
        RunVerdict.VIOLATED,
        f"recovered: backend finish promoting; fleet finish promoting; the estate is violated: {BAD.id}",
        [
            found(at("promoting", "api-1"), "finish promoting (vox-backend-2026.06.24-1)", "backend"),
            found(at("promoting"), "finish promoting (vox-agents-2026.06.24-1)"),
            "tag (backend vox-backend-2026.06.24-1)",
            *done(API, "vox-backend-2026.06.24-1"),
            "tag (fleet vox-agents-2026.06.24-1)",
            *done(FLEET, "vox-agents-2026.06.24-1"),
        ],
    ),
    "a first deploy that was left half done": (
        Left(fleet(Phase.CHECKOUT, good=None), GREEN),
        RunVerdict.BROKEN,
        f"not in order: fleet: {at('checkout')} -> nothing to go back to",
        [
            found(at("checkout"), "nothing to go back to"),
            f"abandoned r1 ->b: {FLEET} ({at('checkout')}; nothing to go back to)",
        ],
    ),
    "a first deploy of which nobody can read what it was": (
        Left({key: Found(None, UNKNOWN, "b") for key in (ONE, TWO)}, GREEN),
        RunVerdict.BROKEN,
        f"not in order: fleet: {TORN} -> nothing to go back to",
        [found(TORN, "nothing to go back to")],
    ),
    "what is held waits for a person, and what is beside it is closed": (
        Left({**fleet(Phase.HELD), **written(API, Phase.CHECKOUT)}, GREEN),
        RunVerdict.BROKEN,
        f"not in order: backend: {at('checkout', 'api-1')} -> {API_BACK}; {HELD}",
        [
            found(at("checkout", "api-1"), API_BACK, "backend"),
            f"says found: {HELD}",
            *went(API),
            *closed(API, at("checkout", "api-1")),
        ],
    ),
    "where nobody knows what was good nothing is touched": (
        Left(fleet(Phase.CHECKOUT, good=UNKNOWN), GREEN),
        RunVerdict.INCOMPLETE,
        "mended what can be: fleet left as it is until all can be known; make recover does the rest",
        [found(f"{at('checkout')}; what was last known good is not known (torn)", "left as it is until all can be known")],
    ),
}
JUDGE_ALL = "judge (backend vox-backend-2026.06.22-1, fleet vox-agents-2026.06.22-1)"
WENT_BACK: dict[str, Case] = {
    "what was half done goes back": (
        Left(fleet(Phase.CHECKOUT), GREEN),
        RunVerdict.HOLDS,
        f"recovered: fleet {BACK}; all of it holds",
        [found(at("checkout"), FLEET_BACK), *went(FLEET), *closed(FLEET, at("checkout"))],
    ),
    "where not all is judged nothing is closed": (
        Left(fleet(Phase.CHECKOUT), GREEN, missing=["y", "z"]),
        RunVerdict.INCOMPLETE,
        "mended, but not closed: 2 invariants were not judged; make recover does the rest",
        [found(at("checkout"), FLEET_BACK), *went(FLEET)],
    ),
    "where the judging is interrupted nothing is closed": (
        Left(fleet(Phase.CHECKOUT), GREEN, interrupted="SIGTERM"),
        RunVerdict.INCOMPLETE,
        "mended, but not closed: SIGTERM; make recover does the rest",
        [found(at("checkout"), FLEET_BACK), *went(FLEET)],
    ),
    "a placement that cannot be tidied is left behind, and its service is held": (
        Left(fleet(Phase.CHECKOUT), GREEN, fail=failing(("fleet-2", "tidy"))),
        RunVerdict.BROKEN,
        "not in order: fleet-2: no tidy",
        [
            found(at("checkout"), FLEET_BACK),
            "regain",
            "read",
            f"tidy: {ONE}",
            *(f"{phase} r1 a>b: {ONE}" for phase in ("back-checkout", "back-install", "back-restart")),
            f"held r1 a>b: {FLEET} (fleet-2: no tidy)",
        ],
    ),
    "a move that fails is what is said, and its service is held": (
        Left(fleet(Phase.CHECKOUT), GREEN, fail=failing(("fleet-2", "back-install"))),
        RunVerdict.BROKEN,
        "not in order: fleet-2: no back-install",
        [found(at("checkout"), FLEET_BACK), *left_behind(), f"held r1 a>b: {FLEET} (fleet-2: no back-install)"],
    ),
    "a journal that cannot be written is what is said, and all is held": (
        Left(fleet(Phase.CHECKOUT), GREEN, fail=failing(("fleet-2", "back-judging"))),
        RunVerdict.BROKEN,
        "not in order: fleet-2: the journal could not be written: fleet-2: no back-judging",
        [
            found(at("checkout"), FLEET_BACK),
            *went(FLEET)[:-1],
            f"back-judging r1 a>b: {ONE}",
            f"held r1 a>b: {FLEET} (fleet-2: the journal could not be written: fleet-2: no back-judging)",
        ],
    ),
    "of two failures the first is said": (
        Left(
            {**fleet(Phase.CHECKOUT), **written(API, Phase.CHECKOUT)},
            GREEN,
            fail=failing(("fleet-2", "tidy"), ("api-1", "back-judging")),
        ),
        RunVerdict.BROKEN,
        "not in order: fleet-2: no tidy",
        [
            found(at("checkout", "api-1"), API_BACK, "backend"),
            found(at("checkout"), FLEET_BACK),
            "regain",
            "read",
            f"tidy: {API}, {ONE}",
            *(f"{phase} r1 a>b: {API}, {ONE}" for phase in ("back-checkout", "back-install", "back-restart")),
            f"held r1 a>b: {ALL} (fleet-2: no tidy)",
        ],
    ),
    "what stood before, as the journal says, stands still": (
        Left(fleet(Phase.CHECKOUT, standing={BAD.id}), (*GREEN, BAD)),
        RunVerdict.VIOLATED,
        f"recovered: fleet {BACK}; it is as before, and does not hold: {BAD.id}",
        [
            found(at("checkout"), FLEET_BACK),
            *went(FLEET),
            f"rolled-back r1 a>b: {ONE} ({at('checkout')}; as before, and still standing: {BAD.id})",
            *closed(TWO, f"{at('checkout')}; as before, and still standing: {BAD.id}"),
        ],
    ),
    "what is worse than before is held, beside what stands as it stood": (
        Left({**fleet(Phase.CHECKOUT, standing={BAD.id}), **written(API, Phase.CHECKOUT)}, (*GREEN, BAD, WORSE_API)),
        RunVerdict.BROKEN,
        f"not in order: the last known good is violated too: {WORSE_API.id}: wrong",
        [
            found(at("checkout", "api-1"), API_BACK, "backend"),
            found(at("checkout"), FLEET_BACK),
            *went(ALL),
            f"held r1 a>b: {API} (the last known good is violated too: {WORSE_API.id}: wrong)",
            f"rolled-back r1 a>b: {ONE} ({at('checkout', 'api-1')}; {at('checkout')}; as before, and still standing: {BAD.id})",
            *closed(TWO, f"{at('checkout', 'api-1')}; {at('checkout')}; as before, and still standing: {BAD.id}"),
        ],
    ),
    "a service whose end cannot be written leaves no other one open": (
        Left({**fleet(Phase.CHECKOUT), **written(API, Phase.CHECKOUT)}, (*GREEN, WORSE_API), fail=failing(("api-1", "held"))),
        RunVerdict.BROKEN,
        "not in order: api-1: the journal could not be written: api-1: no held",
        [
            found(at("checkout", "api-1"), API_BACK, "backend"),
            found(at("checkout"), FLEET_BACK),
            *went(ALL),
            *closed(FLEET, f"{at('checkout', 'api-1')}; {at('checkout')}"),
        ],
    ),
    "what was not restarted, and held when it was judged once more, is let be": (
        Left(fleet(Phase.CHECKOUT, {"code"}), (*GREEN, BAD), [HOLDS]),
        RunVerdict.HOLDS,
        f"recovered: fleet {BACK}; all of it holds",
        [found(at("checkout"), FLEET_BACK), *without_restart(), JUDGE, *closed(FLEET, at("checkout"))],
    ),
    "only what does not hold is restarted after all": (
        Left({**fleet(Phase.CHECKOUT, {"code"}), **written(API, Phase.CHECKOUT, {"code"})}, (*GREEN, BAD), [WORSE, HOLDS]),
        RunVerdict.HOLDS,
        f"recovered: backend {BACK}; fleet {BACK}; all of it holds",
        [
            found(at("checkout", "api-1"), API_BACK, "backend"),
            found(at("checkout"), FLEET_BACK),
            "regain",
            "read",
            f"says not restarted, as the deploy did not: api-1 voxbridge, {KEPT}",
            f"tidy: {ALL}",
            f"back-checkout r1 a>b: {ALL}",
            f"back-judging r1 a>b: {ALL}",
            JUDGE_ALL,
            RESTARTED,
            f"back-restart r1 a>b: {FLEET}",
            f"back-judging r1 a>b: {FLEET}",
            JUDGE_ALL,
            *closed(ALL, f"{at('checkout', 'api-1')}; {at('checkout')}"),
        ],
    ),
    "what cannot be restarted after all is held": (
        Left(fleet(Phase.CHECKOUT, {"code"}), (*GREEN, BAD), [WORSE, HOLDS], fail=failing(("fleet-2", "back-restart"))),
        RunVerdict.BROKEN,
        "not in order: fleet-2: no back-restart",
        [
            found(at("checkout"), FLEET_BACK),
            *without_restart(),
            JUDGE,
            RESTARTED,
            f"back-restart r1 a>b: {FLEET}",
            JUDGE,
            f"held r1 a>b: {FLEET} (fleet-2: no back-restart)",
        ],
    ),
    "a host that booted since is restarted whatever was changed": (
        Left(fleet(Phase.CHECKOUT, {"code"}, boot="a"), GREEN, lost=["fleet-2"]),
        RunVerdict.BROKEN,
        "not in order: fleet-2: fleet was not put back: the host is lost",
        [
            found("; ".join(f"{at('checkout', host)}, the host was booted since" for host in ("fleet-1", "fleet-2")), FLEET_BACK),
            *went(ONE),
        ],
    ),
    "of a host that is away nothing is closed": (
        Left(fleet(Phase.CHECKOUT), GREEN, away=["fleet-2"]),
        RunVerdict.BROKEN,
        "not in order: fleet-2: a host was lost on the way back, which stays open",
        [found(at("checkout", "fleet-1"), FLEET_BACK), *went(ONE)],
    ),
}


@pytest.mark.parametrize(
    ("left", "verdict", "summary", "story"),
    [pytest.param(*case, id=name) for name, case in {**AT_ONCE, **WENT_BACK}.items()],
)
def test_what_was_left_is_mended(left: Left, verdict: RunVerdict, summary: str, story: list[str]) -> None:
    left.comes_to(verdict, summary, story)


def test_before_a_deploy_nothing_is_closed_by_what_was_not_judged_to_its_end() -> None:
    run, hosts = run_on(fleet(Phase.CHECKOUT))
    recovery = Recovery.of(run, lambda _, release: release)
    recovery.act()
    hosts.forget()
    failure = recovery.close((RunVerdict.INCOMPLETE, GREEN), judging(hosts))
    assert failure is not None
    assert (failure.line, failure.hint) == ("not everything was judged", "nothing is closed: make recover, once more")
    assert (hosts.story, recovery.is_open) == ([], True)
    assert recovery.close(HOLDS, judging(hosts)) is None
    assert (hosts.story, recovery.is_open) == ([f"rolled-back r1 a>b: {FLEET} ({at('checkout')})"], False)


ONE_SAYS_NO: dict[str, tuple[Left, list[str]]] = {
    "what changed nothing there cannot be abandoned": (
        Left({**written(API, Phase.CLAIMED, ()), **fleet(Phase.RESTART)}, GREEN, fail=failing(("api-1", "abandoned"))),
        [*went(FLEET), *closed(FLEET, at("restart"))],
    ),
    "what git left locked there cannot be removed": (
        Left(fleet(Phase.RESTART), GREEN, fail=failing(("api-1", "tidy")), locked={API: "git was locked"}),
        [*went(FLEET), *closed(FLEET, at("restart"))],
    ),
    "what was judged good there cannot be promoted": (
        Left({**written(API, Phase.PROMOTING, run="r0"), **fleet(Phase.RESTART)}, GREEN, fail=failing(("api-1", "done"))),
        [*went(FLEET), *closed(FLEET, at("restart"))],
    ),
    "nor what is judged good now": (
        Left({**written(API, Phase.JUDGING), **fleet(Phase.JUDGING)}, GREEN, fail=failing(("api-1", "done"))),
        done(FLEET, "vox-agents-2026.06.24-1"),
    ),
    "that it is to be judged cannot be noted there": (
        Left({**written(API, Phase.RESTART), **fleet(Phase.RESTART)}, GREEN, fail=failing(("api-1", "back-judging"))),
        [f"back-judging r1 a>b: {FLEET}", *closed(FLEET, f"{at('restart', 'api-1')}; {at('restart')}")],
    ),
    "what does not hold elsewhere is restarted after all": (
        Left(
            {**written(API, Phase.CHECKOUT, {"code"}), **fleet(Phase.CHECKOUT, {"code"})},
            (*GREEN, BAD),
            [WORSE, HOLDS],
            fail=failing(("api-1", "tidy")),
        ),
        [RESTARTED, f"back-restart r1 a>b: {FLEET}", *closed(FLEET, f"{at('checkout', 'api-1')}; {at('checkout')}")],
    ),
    "that it is held cannot be noted there": (
        Left({**written(API, Phase.RESTART), **fleet(Phase.RESTART)}, (*GREEN, WORSE_API), fail=failing(("api-1", "held"))),
        closed(FLEET, f"{at('restart', 'api-1')}; {at('restart')}"),
    ),
}


@pytest.mark.parametrize(("left", "story"), [pytest.param(*case, id=name) for name, case in ONE_SAYS_NO.items()])
def test_one_host_that_says_no_keeps_no_other_open(left: Left, story: list[str]) -> None:
    settled, told, _ = left.mend()
    assert settled.verdict is RunVerdict.BROKEN
    assert "api-1" in settled.summary
    assert [line for line in told if line in story] == story
