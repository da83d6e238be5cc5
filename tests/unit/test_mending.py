"""What an earlier run left open is mended: what is written on which host, said and judged, in which order, and how it ends."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any

import pytest

from tests.mended import Left
from tests.story import NEW, failing, fine, no_calls, said, written
from voxgate.deploy.hosts.journal import Journal, Phase
from voxgate.deploy.hosts.state import Found, LastKnownGood
from voxgate.model.evidence import Missing
from voxgate.model.verdict import Exit, RunVerdict, Verdict

_no_calls = pytest.fixture(autouse=True)(no_calls)

ONE, TWO, API = "fleet-fleet-1", "fleet-fleet-2", "backend-api-1"
FLEET, ALL = f"{ONE}, {TWO}", f"{API}, {ONE}, {TWO}"
STATUS = {
    RunVerdict.HOLDS: 0,
    RunVerdict.VIOLATED: 1,
    RunVerdict.BLIND: Exit.BLIND,
    RunVerdict.ROLLED_BACK: Exit.ROLLED_BACK,
    RunVerdict.INCOMPLETE: Exit.INCOMPLETE,
    RunVerdict.BROKEN: Exit.BROKEN,
}
BAD = said(Verdict.VIOLATED, "fleet", "fleet-1", "unit-is-up")
WORSE_API = said(Verdict.VIOLATED, "backend", "api-1", "unit-is-up")
GREEN = fine("backend", "fleet")
HOLDS = (RunVerdict.HOLDS, GREEN)
WORSE = (RunVerdict.VIOLATED, (*GREEN, BAD))
UNKNOWN = Missing("unparsable", "torn")
RAN = LastKnownGood(NEW["fleet"])


def fleet(phase: Phase, changed: Collection[str] | None = None, **more: Any) -> dict[str, Found]:
    """Both hosts of the fleet came to this phase."""
    return {**written(ONE, phase, changed, **more), **written(TWO, phase, changed, **more)}


def untagged(found: dict[str, Found]) -> dict[str, Found]:
    """The same of a head of main that had no tag yet."""
    journals = {key: one.journal for key, one in found.items() if isinstance(one.journal, Journal)}
    main = replace(NEW["fleet"], tag=None)
    return {key: replace(found[key], journal=replace(journal, release=main)) for key, journal in journals.items()}


def at(phase: str, *hosts: str, run: str = "r1") -> str:
    """What was found on these hosts; else on those of the fleet."""
    return "; ".join(f"{host} was left at {phase} by run {run}" for host in hosts or ("fleet-1", "fleet-2"))


AGAIN = "judge again (vox-agents-2026.06.24-1)"
BACK = "go back to the last known good"
FLEET_BACK, API_BACK = f"{BACK} (vox-agents-2026.06.22-1)", f"{BACK} (vox-backend-2026.06.22-1)"
HELD = "fleet: fleet-1 is held after run r1; fleet-2 is held after run r1 -> held until a person clears it"
ANEW = "left at its judging, judged again, and does not hold"
KEPT = ", ".join(f"fleet-{n} voxcore@{m}" for n in (1, 2) for m in (1, 2, 3))
NOT_RESTARTED = f"says not restarted, as the deploy did not: {KEPT}"
RESTARTED = "says fleet: it does not hold without a restart: what was not restarted is restarted after all"
JUDGE = "judge (fleet vox-agents-2026.06.22-1)"


def found(what: str, way: str, service: str = "fleet") -> str:
    return f"says found: {service}: {what} -> {way}"


def went(where: str, run: str = "r1") -> list[str]:
    """The moves of a way back that goes well."""
    moves = [f"{phase} {run} a>b: {where}" for phase in ("back-checkout", "back-install", "back-restart", "back-judging")]
    return ["regain", "read", f"tidy: {where}", *moves]


def left_behind(*, judging: bool = False) -> list[str]:
    """The same where the second host of the fleet fails before it is restarted, and so is not judged."""
    return [*went(FLEET)[:-2], f"back-restart r1 a>b: {ONE}", *([JUDGE] if judging else [])]


def without_restart() -> list[str]:
    """The same where only code was changed."""
    return ["regain", "read", NOT_RESTARTED, f"tidy: {FLEET}", f"back-checkout r1 a>b: {FLEET}", f"back-judging r1 a>b: {FLEET}"]


def closed(where: str, why: str, change: str = "r1 a>b") -> list[str]:
    """These are rolled back, with what was judged good there."""
    return [f"rolled-back {change} content digest of {key}: {key} ({why})" for key in where.split(", ")]


def done(where: str, tag: str) -> list[str]:
    return [f"done r1 a>b good {tag} digest of {key}: {key}" for key in where.split(", ")]


Case = tuple[Left, RunVerdict, str, list[str]]
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
            f"held r1 a>b: {FLEET} (fleet-2: no tidy)",
            *closed(API, f"{at('checkout', 'api-1')}; {at('checkout')}"),
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
    "what was not restarted, and held when it was judged once more, is let be": (
        Left(fleet(Phase.CHECKOUT, {"code"}), (*GREEN, BAD), [HOLDS]),
        RunVerdict.HOLDS,
        f"recovered: fleet {BACK}; all of it holds",
        [found(at("checkout"), FLEET_BACK), *without_restart(), JUDGE, *closed(FLEET, at("checkout"))],
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
    [pytest.param(*case, id=name) for name, case in {**AT_ONCE, **WENT_BACK, **JUDGED}.items()],
)
def test_what_was_left_is_mended(left: Left, verdict: RunVerdict, summary: str, story: list[str]) -> None:
    settled, told, _ = left.mend()
    assert (settled.verdict, settled.exit_status, settled.summary) == (verdict, STATUS[verdict], summary)
    assert told == story
    look, judgements = left.looks[-1] if left.looks and verdict is not RunVerdict.BROKEN else (None, ())
    assert (settled.rollback_verdict, settled.rollback) == (look, judgements)
