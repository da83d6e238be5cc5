"""The end of a recovery: green is only what was judged and holds, whatever had to be mended."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.said import Said
from voxgate.contracts.estates import load_estate
from voxgate.deploy.deciding.decision import Judged
from voxgate.deploy.gate import Gate, Settled
from voxgate.deploy.hosts.journal import Journal, Phase
from voxgate.deploy.hosts.state import Found, LastKnownGood
from voxgate.deploy.recovery.policy import Decision, WayOut
from voxgate.deploy.recovery.recover import Recovery
from voxgate.deploy.run_context import Options
from voxgate.errors import Unreachable, VoxgateError
from voxgate.model.release import Release
from voxgate.model.verdict import Exit, Judgement, RunVerdict, Verdict

ESTATE = load_estate("lab")
OLD = Release("backend", "a" * 40, "vox-backend-2026.06.22-1")
NEW = Release("backend", "b" * 40, "vox-backend-2026.06.24-1")


def judged(verdict: Verdict) -> Judged:
    """Two rules, one of which is ``verdict``."""
    rows = [("haproxy-is-up[api-1]", verdict), ("unit-is-active[api-1-voxbridge]", Verdict.HOLDS)]
    judgements = tuple(Judgement(key, key.partition("[")[0], "X.", "why", said, host="api-1", found="x") for key, said in rows)
    return Judged([one.id for one in judgements], judgements)


def settled(
    folder: Path,
    way: WayOut,
    said: Judged,
    standing: frozenset[str] = frozenset(),
    *,
    away: tuple[str, ...] = (),
    not_mended: VoxgateError | None = None,
) -> Settled:
    """How a recovery ends that had this one decision to carry out, and has done so."""
    gate = Gate(ESTATE, Options(recover=True), folder / "evidence", "r2", Said())
    mine = tuple(one for one in ESTATE.placements if one.service.name == "backend")
    journal = Journal(Phase.DONE, "r1", NEW, OLD, boot="b", standing=standing)
    gate.context.found = {one.id: Found(LastKnownGood(OLD), journal, "b") for one in ESTATE.placements}
    decision = Decision(way, "backend", mine, NEW, NEW, "r1", "api-1 was left by run r1")
    gate._recovery = Recovery(gate.context, (decision,), lambda _, release: release)
    gate.context.away |= {name: Unreachable("no route", where=name) for name in away}
    gate._not_mended = not_mended
    assert gate.settles
    return gate.settle(said)


@pytest.mark.parametrize("way", [WayOut.ABANDON, WayOut.PROMOTE])
@pytest.mark.parametrize(
    ("found", "verdict", "status"),
    [
        (Verdict.HOLDS, RunVerdict.HOLDS, 0),
        (Verdict.VIOLATED, RunVerdict.VIOLATED, 1),
        (Verdict.BLIND, RunVerdict.BLIND, 7),
    ],
)
def test_a_recovery_is_green_only_where_all_holds(
    tmp_path: Path, way: WayOut, found: Verdict, verdict: RunVerdict, status: int
) -> None:
    """Nothing had to be judged to close what was abandoned, or was promoted: the estate is judged all the same."""
    ended = settled(tmp_path, way, judged(found))
    assert (ended.verdict, ended.exit_status) == (verdict, status)
    assert ("all of it holds" in ended.summary) is (status == 0)
    assert ("haproxy-is-up[api-1]" in ended.summary) is (status != 0)


def test_what_did_not_hold_before_either_is_said_and_is_not_green(tmp_path: Path) -> None:
    ended = settled(tmp_path, WayOut.ABANDON, judged(Verdict.VIOLATED), frozenset({"haproxy-is-up[api-1]"}))
    assert (ended.verdict, ended.exit_status) == (RunVerdict.VIOLATED, 1)
    assert "it is as before, and does not hold: haproxy-is-up[api-1]" in ended.summary


@pytest.mark.parametrize("way", [WayOut.ABANDON, WayOut.PROMOTE, WayOut.WAITS, WayOut.NOTHING])
@pytest.mark.parametrize("found", list(Verdict))
def test_a_recovery_without_a_host_is_never_green(tmp_path: Path, way: WayOut, found: Verdict) -> None:
    """Also where that host was there again when the estate was looked at."""
    ended = settled(tmp_path, way, judged(found), away=("fleet-2",))
    if found is Verdict.VIOLATED:
        assert (ended.verdict, ended.exit_status) == (RunVerdict.VIOLATED, 1)
        return
    assert (ended.verdict, ended.exit_status) == (RunVerdict.INCOMPLETE, Exit.INCOMPLETE)
    assert "without fleet-2" in ended.summary


@pytest.mark.parametrize("way", list(WayOut))
@pytest.mark.parametrize("release", [NEW, None])
def test_what_must_run_after_a_recovery_is_of_the_services_that_it_mended(
    tmp_path: Path, way: WayOut, release: Release | None
) -> None:
    """What was abandoned, or is held for a person, runs what ran: the last known good says it."""
    gate = Gate(ESTATE, Options(recover=True), tmp_path / "evidence", "r2", Said())
    decision = Decision(way, "backend", (), release, NEW, "r1", "api-1 was left by run r1")
    mended = way in {WayOut.GO_BACK, WayOut.JUDGE, WayOut.PROMOTE, WayOut.WAITS}
    found = Recovery(gate.context, (decision,), lambda _, release: release).releases
    assert found == ({"backend": NEW} if mended and release else {})


@pytest.mark.parametrize("way", list(WayOut))
def test_what_a_recovery_has_in_hand_is_said_by_what_was_decided(tmp_path: Path, way: WayOut) -> None:
    gate = Gate(ESTATE, Options(recover=True), tmp_path / "evidence", "r2", Said())
    beside = Decision(WayOut.ABANDON, "fleet", (), NEW, NEW, "r1", "fleet-1 was left by run r1")
    recovery = Recovery(
        gate.context, (beside, Decision(way, "backend", (), OLD, NEW, "r1", "api-1 was left")), lambda _, one: one
    )
    assert recovery.is_open is (way in {WayOut.GO_BACK, WayOut.JUDGE})
    assert recovery.held == ({"backend": "api-1 was left"} if way is WayOut.HELD else {})
    assert recovery.stuck == (("backend",) if way is WayOut.STUCK else ())
    assert recovery.waits is (way is WayOut.WAITS)
    recovery.closed = True
    assert not recovery.is_open


@pytest.mark.parametrize("found", list(Verdict))
def test_what_could_not_be_mended_is_broken_whatever_was_judged(tmp_path: Path, found: Verdict) -> None:
    ended = settled(tmp_path, WayOut.PROMOTE, judged(found), not_mended=VoxgateError("does not hold", where="api-1"))
    assert (ended.verdict, ended.exit_status) == (RunVerdict.BROKEN, Exit.BROKEN)
    assert ended.summary.startswith("nothing was deployed: what an earlier run left is not in order: ")
    assert "does not hold" in ended.summary


def test_what_waits_is_not_green(tmp_path: Path) -> None:
    assert settled(tmp_path, WayOut.WAITS, judged(Verdict.HOLDS)).exit_status == Exit.INCOMPLETE


HEAD = Judgement(
    "head-is-the-release[backend-api-1]", "head-is-the-release", "X.", "why", Verdict.VIOLATED, "backend", "api-1", found="x"
)
ELSEWHERE = Judgement(
    "only-expected-listeners[api-1]", "only-expected-listeners", "X.", "why", Verdict.VIOLATED, None, "api-1", found="x"
)
WHOLE = Judgement("estate-is-one[all]", "estate-is-one", "X.", "why", Verdict.VIOLATED, found="x")


@pytest.mark.parametrize(
    ("about", "says", "forgiven"),
    [
        (HEAD, {"fleet-fleet-1"}, False),
        (ELSEWHERE, {"fleet-fleet-1"}, False),
        (WHOLE, {"fleet-fleet-1"}, False),
        (HEAD, {"backend-api-1"}, True),
        (ELSEWHERE, {"backend-api-1"}, True),
        (WHOLE, {"backend-api-1", "fleet-fleet-1"}, True),
    ],
)
def test_what_a_journal_says_stood_before_decides_for_no_other_host(
    tmp_path: Path, about: Judgement, says: set[str], *, forgiven: bool
) -> None:
    """The account that deploys on one host writes the journal there."""
    gate = Gate(ESTATE, Options(recover=True), tmp_path / "evidence", "r2", Said())
    placements = [one for one in ESTATE.placements if one.id in {"backend-api-1", "fleet-fleet-1"}]
    gate.context.found = {
        one.id: Found(
            LastKnownGood(OLD),
            Journal(Phase.BACK_JUDGING, "r1", NEW, OLD, boot="b", standing=frozenset({about.id} if one.id in says else ())),
            "b",
        )
        for one in placements
    }
    decisions = tuple(Decision(WayOut.GO_BACK, one.service.name, (one,), OLD, NEW, "r1", "left") for one in placements)
    standing = Recovery(gate.context, decisions, lambda _, release: release).standing
    verdict, _ = standing.against((RunVerdict.VIOLATED, (about,)))
    assert verdict is (RunVerdict.HOLDS if forgiven else RunVerdict.VIOLATED)
    assert standing.still([about]) == ((about.id,) if forgiven else ())
