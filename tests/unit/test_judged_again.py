"""What an earlier run left at its judging is judged again: what is written on which host, said and judged, and how it ends."""

from __future__ import annotations

import pytest

from tests.mended import (
    AGAIN,
    ALL,
    ANEW,
    API,
    API_BACK,
    BACK,
    BAD,
    FLEET,
    GREEN,
    HOLDS,
    JUDGE,
    ONE,
    RAN,
    RESTARTED,
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
    untagged,
    went,
    without_restart,
)
from tests.story import failing, no_calls, written
from voxgate.deploy.hosts.journal import Phase
from voxgate.model.verdict import RunVerdict

_no_calls = pytest.fixture(autouse=True)(no_calls)

GONE = "what was left to be judged does not hold, and went back"
NO_LOOK = "AttributeError: 'str' object has no attribute 'hosts'"
JUDGED: dict[str, Case] = {
    "what holds is promoted, and what was seen is kept": (
        Left(untagged(fleet(Phase.JUDGING)), GREEN, seen="no look"),
        RunVerdict.HOLDS,
        "recovered: fleet judge again; all of it holds",
        [
            found(at("judging"), "judge again (main@bbbbbbbbbbbb)"),
            "tag (fleet main@bbbbbbbbbbbb)",
            *done(FLEET, "vox-agents-2026.06.25-1"),
            f"says no host keeps what was seen of it: the gate itself failed here: {NO_LOOK}",
        ],
    ),
    "what does not hold goes back": (
        Left(fleet(Phase.JUDGING), (*GREEN, BAD), [HOLDS]),
        RunVerdict.ROLLED_BACK,
        f"{GONE} (fleet judge again); judged again: holds",
        [found(at("judging"), AGAIN), *went(FLEET), JUDGE, *closed(FLEET, ANEW)],
    ),
    "what does not hold after that either is held": (
        Left(fleet(Phase.JUDGING), (*GREEN, BAD), [WORSE]),
        RunVerdict.BROKEN,
        f"not in order: the last known good is violated too: {BAD.id}: wrong",
        [
            found(at("judging"), AGAIN),
            *went(FLEET),
            JUDGE,
            f"held r1 a>b: {FLEET} (the last known good is violated too: {BAD.id}: wrong)",
        ],
    ),
    "what fails on its way back is held": (
        Left(fleet(Phase.JUDGING), (*GREEN, BAD), [HOLDS], fail=failing(("fleet-2", "back-install"))),
        RunVerdict.BROKEN,
        "not in order: fleet-2: no back-install",
        [found(at("judging"), AGAIN), *left_behind(judging=True), f"held r1 a>b: {FLEET} (fleet-2: no back-install)"],
    ),
    "what fails on its way back is held alone": (
        Left(
            {**fleet(Phase.JUDGING), **written(API, Phase.JUDGING)},
            (*GREEN, BAD),
            [HOLDS],
            fail=failing(("fleet-2", "back-install")),
        ),
        RunVerdict.BROKEN,
        "not in order: fleet-2: no back-install",
        [
            found(at("judging", "api-1"), "judge again (vox-backend-2026.06.24-1)", "backend"),
            found(at("judging"), AGAIN),
            *went(ALL)[:-2],
            f"back-restart r1 a>b: {API}, {ONE}",
            f"back-judging r1 a>b: {API}",
            "judge (backend vox-backend-2026.06.22-1, fleet vox-agents-2026.06.22-1)",
            f"held r1 a>b: {FLEET} (fleet-2: no back-install)",
            *closed(API, ANEW),
        ],
    ),
    "no host is there to go back on": (
        Left(fleet(Phase.JUDGING), (*GREEN, BAD), [WORSE], lost=["fleet-1", "fleet-2"]),
        RunVerdict.BROKEN,
        "not in order: fleet-1, fleet-2: fleet was not put back: the host is lost",
        [found(at("judging"), AGAIN), "regain", "read", JUDGE],
    ),
    "what was not restarted is restarted after all": (
        Left(fleet(Phase.JUDGING, {"code"}), (*GREEN, BAD), [WORSE, WORSE, HOLDS]),
        RunVerdict.ROLLED_BACK,
        f"{GONE} (fleet judge again); judged again: holds",
        [
            found(at("judging"), AGAIN),
            *without_restart(),
            JUDGE,
            JUDGE,
            RESTARTED,
            f"back-restart r1 a>b: {FLEET}",
            f"back-judging r1 a>b: {FLEET}",
            JUDGE,
            *closed(FLEET, ANEW),
        ],
    ),
    "what is the last known good itself has nowhere to go": (
        Left(fleet(Phase.JUDGING, good=RAN), (*GREEN, BAD)),
        RunVerdict.BROKEN,
        "not in order: fleet judged again, does not hold, and is the last known good itself",
        [
            found(at("judging"), AGAIN),
            f"abandoned r1 b>b: {FLEET} (judged again, does not hold, and is the last known good itself)",
        ],
    ),
    "what is the last known good itself under another name has nowhere to go either": (
        Left(untagged(fleet(Phase.JUDGING, good=RAN)), (*GREEN, BAD)),
        RunVerdict.BROKEN,
        "not in order: fleet judged again, does not hold, and is the last known good itself",
        [
            found(at("judging"), "judge again (main@bbbbbbbbbbbb)"),
            f"abandoned r1 b>b: {FLEET} (judged again, does not hold, and is the last known good itself)",
        ],
    ),
    "a first deploy has nothing to go back to": (
        Left({**fleet(Phase.JUDGING, good=RAN), **written(API, Phase.JUDGING, good=None)}, (*GREEN, BAD)),
        RunVerdict.BROKEN,
        "not in order: backend judged again, does not hold, and there is nothing to go back to",
        [
            found(at("judging", "api-1"), "judge again (vox-backend-2026.06.24-1)", "backend"),
            found(at("judging"), AGAIN),
            f"abandoned r1 ->b: {API} (judged again, does not hold, and there is nothing to go back to)",
            f"abandoned r1 b>b: {FLEET} (judged again, does not hold, and is the last known good itself)",
        ],
    ),
    "a first deploy that holds is promoted": (
        Left(written(API, Phase.JUDGING, good=None), GREEN),
        RunVerdict.HOLDS,
        "recovered: backend judge again; all of it holds",
        [
            found(at("judging", "api-1"), "judge again (vox-backend-2026.06.24-1)", "backend"),
            "tag (backend vox-backend-2026.06.24-1)",
            *done(API, "vox-backend-2026.06.24-1", "r1 ->b"),
        ],
    ),
    "what is the last known good itself is judged with what goes back": (
        Left({**fleet(Phase.JUDGING, good=RAN), **written(API, Phase.JUDGING)}, (*GREEN, BAD), [HOLDS]),
        RunVerdict.ROLLED_BACK,
        f"{GONE} (backend judge again; fleet judge again); judged again: holds",
        [
            found(at("judging", "api-1"), "judge again (vox-backend-2026.06.24-1)", "backend"),
            found(at("judging"), AGAIN),
            f"back-judging r1 b>b: {FLEET}",
            *went(API),
            "judge (backend vox-backend-2026.06.22-1, fleet vox-agents-2026.06.24-1)",
            *closed(API, ANEW),
            *closed(FLEET, ANEW, "r1 b>b"),
        ],
    ),
    "what another run left goes back first": (
        Left({**fleet(Phase.JUDGING), **written(API, Phase.CHECKOUT, {"code"}, run="r0")}, (*GREEN, WORSE_API), [HOLDS]),
        RunVerdict.HOLDS,
        f"recovered: backend {BACK}; fleet judge again; all of it holds",
        [
            found(at("checkout", "api-1", run="r0"), API_BACK, "backend"),
            found(at("judging"), AGAIN),
            "regain",
            "read",
            "says not restarted, as the deploy did not: api-1 voxbridge",
            f"tidy: {API}",
            f"back-checkout r0 a>b: {API}",
            f"back-judging r0 a>b: {API}",
            "judge (backend vox-backend-2026.06.22-1, fleet vox-agents-2026.06.24-1)",
            *closed(API, at("checkout", "api-1", run="r0"), "r0 a>b"),
            "tag (fleet vox-agents-2026.06.24-1)",
            *done(FLEET, "vox-agents-2026.06.24-1"),
        ],
    ),
}


@pytest.mark.parametrize(
    ("left", "verdict", "summary", "story"),
    [pytest.param(*case, id=name) for name, case in JUDGED.items()],
)
def test_what_was_left_at_its_judging_is_judged_again(left: Left, verdict: RunVerdict, summary: str, story: list[str]) -> None:
    left.comes_to(verdict, summary, story)
