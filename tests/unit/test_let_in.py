"""Why a deploy is not let in, whole: all of it at once, and what would have it let in."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from tests.gates import Scene
from tests.gates import scene as scene  # noqa: PLC0414 - a fixture
from tests.unit.test_promotion import Keys, run_of, signed
from tests.unit.test_promotion import keys as keys  # noqa: PLC0414 - a fixture
from voxgate.contracts.approvals import FOLDER, Approval
from voxgate.contracts.approvals import NAMESPACE as APPROVAL
from voxgate.contracts.estates import load_estate
from voxgate.deploy.planning.promoting import Bundle, Rules
from voxgate.deploy.run_context import Options
from voxgate.errors import MoveFailed, Refused
from voxgate.model.promotion import Freeze, Promotion, Window
from voxgate.model.release import Release
from voxgate.model.verdict import RunVerdict
from voxgate.transport.ssh.keygen import sign

ESTATE = load_estate("lab")
BACKEND, CONSOLE = ESTATE.service("backend"), ESTATE.service("console")
ASKED = [
    (BACKEND, Release("backend", "b" * 40, "vox-backend-2026.06.24-1")),
    (CONSOLE, Release("console", "c" * 40, "vox-frontend-2026.06.24-1")),
]
NOW = datetime(2026, 12, 2, 17, 0, tzinfo=UTC)  # a Wednesday
OFFICE = (Window(frozenset(range(4)), 9 * 60, 16 * 60),)
WAYS = 'or --override-promotion --reason "why"; a rollback and a recovery are always let in'
NEVER = (Freeze(date(2026, 1, 1), date(2030, 1, 1), "sold"),)

REFUSED: dict[str, tuple[Promotion, str, str]] = {
    "shut": (
        Promotion(windows=OFFICE), "no window is open on wed at 17:00 UTC", f"it opens Thu 2026-12-03 09:00 UTC; {WAYS}",
    ),
    "shut for ever": (
        Promotion(freezes=NEVER), "frozen until 2030-01-01, sold", f"it opens at no time within a year; {WAYS}",
    ),
    "of two nobody said yes": (
        Promotion(approvals=2, inputs=("a", "b")),
        "backend vox-backend-2026.06.24-1: approved by 0 of 2; console vox-frontend-2026.06.24-1: approved by 0 of 2",
        f"`uv run voxgate approve` signs a note; {WAYS}",
    ),
    "all of it": (
        Promotion(source="staging", age=1, windows=OFFICE, approvals=1, inputs=("a",)),
        ("no window is open on wed at 17:00 UTC; "
        "backend vox-backend-2026.06.24-1: x: nobody knows whose word counts; "
        "backend vox-backend-2026.06.24-1: approved by 0 of 1; "
        "console vox-frontend-2026.06.24-1: x: nobody knows whose word counts; "
        "console vox-frontend-2026.06.24-1: approved by 0 of 1"),
        ("it opens Thu 2026-12-03 09:00 UTC; what was done on staging within 1 day is let in; "
        f"`uv run voxgate approve` signs a note; {WAYS}"),
    ),
}  # fmt: skip


def rules(promotion: Promotion, said_yes: str = "") -> Rules:
    """The rule, where one attestation is found."""
    return Rules(promotion, lambda *_: [Bundle("x", b"", b"")], Path("/nowhere"), said_yes)


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_not_let_in_is_told_all_that_is_wrong_and_each_way_in(what: str) -> None:
    promotion, why, hint = REFUSED[what]
    error = rules(promotion).refusal(ESTATE, ASKED, NOW)
    assert error is not None
    assert (error.line, error.hint) == (f"lab lets this deploy not in: {why}", hint)


def test_who_said_yes_in_jenkins_counts_where_the_estate_names_him_and_is_named() -> None:
    one, two = (Promotion(approvals=number, inputs=("a", "b")) for number in (1, 2))
    assert rules(one, "a").refusal(ESTATE, ASKED, NOW) is None
    assert rules(one, "c").refusal(ESTATE, ASKED, NOW) is not None
    error = rules(two, "a").refusal(ESTATE, ASKED[:1], NOW)
    assert error is not None
    assert error.why == "backend vox-backend-2026.06.24-1: approved by 1 of 2 (a)"


SECOND = timedelta(seconds=1)
LATE = "it was done on staging 7 days ago, at most 7 may be"


@pytest.mark.parametrize(
    ("ended", "why"),
    [
        ([timedelta(days=-7)], ""),
        ([timedelta(days=-7) - SECOND], LATE),
        ([timedelta(minutes=10)], ""),
        ([timedelta(minutes=10) + SECOND], "run r1 on staging ends in the future"),
        # Of several that let nothing in the first, which is the newest, is why.
        ([timedelta(hours=1), timedelta(days=-8)], "run r1 on staging ends in the future"),
        ([timedelta(days=-7) - SECOND, timedelta(hours=1)], LATE),
        ([timedelta(hours=1), timedelta(days=-7)], ""),
    ],
)
def test_a_run_counts_for_so_many_days_by_clocks_that_are_ten_minutes_apart(keys: Keys, ended: list[timedelta], why: str) -> None:
    release = ASKED[0][1]
    gate, rule = keys.key("gate"), Promotion(source="staging", age=7, signers=keys.knows("gate"))
    bundles = [signed(run_of(release.commit, ended=NOW + one), gate) for one in ended]
    error = Rules(rule, lambda *_: bundles, Path("/nowhere")).refusal(ESTATE, ASKED[:1], NOW)
    assert (error.why if error else "") == (f"backend {release}: {why}" if why else "")


def test_of_a_run_that_was_not_done_it_is_said_what_it_was_and_who_is_not_known_is_told_first(keys: Keys) -> None:
    release = ASKED[0][1]
    gate, rule = keys.key("gate"), Promotion(source="staging", age=7, signers=keys.knows("gate"))
    back = signed(run_of(release.commit, verdict=RunVerdict.ROLLED_BACK, ended=NOW), gate)
    strange = signed(run_of(release.commit, ended=NOW), keys.key("stranger"))
    for bundles, why in (
        ([back, strange], "run r1 on staging was rolled back"),
        ([strange, back], "a run: nobody who is known signed it: its key is none of signers"),
    ):
        error = Rules(rule, lambda *_, found=bundles: found, Path("/nowhere")).refusal(ESTATE, ASKED[:1], NOW)
        assert error is not None
        assert error.why == f"backend {release}: {why}"


def test_a_note_counts_until_the_moment_that_it_names(keys: Keys, tmp_path: Path) -> None:
    notes, release = tmp_path / FOLDER, ASKED[0][1]
    notes.mkdir()
    body = Approval("lab", "backend", str(release), release.commit, "looked at it", NOW.isoformat()).encode()
    (notes / "x.json").write_bytes(body)
    (notes / "x.json.sig").write_bytes(sign(body, keys.key("anna"), APPROVAL))
    rule = Rules(Promotion(approvals=1, approvers=("anna",), signers=keys.knows("anna")), lambda *_: (), notes)
    assert rule.refusal(ESTATE, ASKED[:1], NOW) is None
    error = rule.refusal(ESTATE, ASKED[:1], NOW + SECOND)
    assert error is not None
    assert error.why == f"backend {release}: approved by 0 of 1"


@pytest.mark.parametrize("taken", [True, False])
def test_a_refusal_says_where_no_ledger_has_it(scene: Scene, *, taken: bool) -> None:
    sold = Promotion(freezes=(Freeze(date(2020, 1, 1), date(2099, 1, 1), "sold"),))
    if not taken:
        scene.failing["mark backend-api-1 ledger refused"] = MoveFailed("no room", where="api-1")
    gate = scene.made(Options(deploy=("backend",)), promotion=rules(sold))
    with pytest.raises(Refused) as caught:
        gate.prepare()
    why = "" if taken else "; in no ledger: api-1: the journal could not be written: api-1: no room"
    assert caught.value.text == (
        f"lab lets this deploy not in: frozen until 2099-01-01, sold{why}\n  hint: it opens at no time within a year; {WAYS}"
    )
