"""Where a failed deploy goes back to, what the ledgers tell, and what a plan says: the pure parts."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace

import pytest

from voxgate.contracts.estates import load_estate
from voxgate.deploy.deciding.decision import Judged
from voxgate.deploy.deciding.outcomes import Known
from voxgate.deploy.deciding.settling import Settled, ways_back, why_not
from voxgate.deploy.hosts.journal import Journal, Phase
from voxgate.deploy.hosts.state import Found, Good, LastKnownGood
from voxgate.deploy.moving.engine import State
from voxgate.deploy.plan_text import history, history_lines, plan_lines
from voxgate.deploy.planning.plan import Plan, Target
from voxgate.deploy.planning.preflight import ways_back as needed
from voxgate.deploy.planning.remotes import must_run
from voxgate.deploy.recovery.recover import is_about, verdict_on
from voxgate.deploy.recovery.undoing import kept_units, undoing
from voxgate.model.content import Commit, Commits, Content, Direction, Files, Packages
from voxgate.model.evidence import Missing
from voxgate.model.installed import BUILDER
from voxgate.model.release import Release
from voxgate.model.verdict import Judgement, MoveRecord, RunVerdict, ServiceOutcome, Verdict, ran
from voxgate.moves import steps
from voxgate.moves.builder.main import asked_for

ESTATE = load_estate("lab")
OLD = Release("fleet", "a" * 40, "vox-agents-2026.06.22-1")
NEW = Release("fleet", "b" * 40, "vox-agents-2026.06.24-1")
FLEET = tuple(placement for placement in ESTATE.placements if placement.service.name == "fleet")
BOTH = frozenset(placement.id for placement in FLEET)


@dataclass
class Stopped:
    """A deploy that went as far as ``reached``, and changed something on the placements that are ``touched``."""

    plan: Plan
    touched: frozenset[str] = field(default=BOTH)
    reached: int = 0

    @property
    def found(self) -> dict[str, Found]:
        """What the journals say of it."""
        changed = {one.id: frozenset({"code"}) if one.id in self.touched else frozenset[str]() for one in FLEET}
        return {key: Found(None, Journal(Phase.CHECKOUT, "r1", NEW, OLD, changed=what)) for key, what in changed.items()}


def target(good: Release | None, release: Release = NEW) -> Target:
    known = LastKnownGood(good) if good else None
    return Target(ESTATE.service("fleet"), release, FLEET, {placement.id: known for placement in FLEET})


def sorted_(stopped: Stopped) -> dict[str, list[str]]:
    ways = ways_back(stopped, stopped.found)  # type: ignore[arg-type]
    kinds = {"untouched": ways.untouched, "stuck": ways.stuck, "same": ways.same, "back": ways.back}
    return {kind: [p.id for one in targets for p in one.placements] for kind, targets in kinds.items() if targets}


@pytest.mark.parametrize(
    ("stopped", "wanted"),
    [
        (Stopped(Plan((target(OLD),))), {"back": ["fleet-fleet-1", "fleet-fleet-2"]}),
        (
            Stopped(Plan((target(OLD),)), frozenset({"fleet-fleet-1"})),
            {"back": ["fleet-fleet-1"], "untouched": ["fleet-fleet-2"]},
        ),
        (Stopped(Plan((target(OLD),)), frozenset()), {"untouched": ["fleet-fleet-1", "fleet-fleet-2"]}),
        (Stopped(Plan((target(None),))), {"stuck": ["fleet-fleet-1", "fleet-fleet-2"]}),
        # The very release that was deployed: half done it is put in order, whole it is nowhere to go.
        (Stopped(Plan((target(NEW),)), reached=State.INSTALLED), {"back": ["fleet-fleet-1", "fleet-fleet-2"]}),
        (Stopped(Plan((target(NEW),)), reached=State.HEALTHY), {"same": ["fleet-fleet-1", "fleet-fleet-2"]}),
    ],
)
def test_a_way_back_covers_exactly_what_was_changed(stopped: Stopped, wanted: dict[str, list[str]]) -> None:
    assert sorted_(stopped) == wanted


def test_a_way_back_keeps_what_was_wanted_in_the_journal() -> None:
    stopped = Stopped(Plan((target(OLD),)))
    (back,) = ways_back(stopped, stopped.found).back  # type: ignore[arg-type]
    assert (back.release, back.wanted, back.is_on_hosts) == (OLD, NEW, True)
    assert (back.tasks[0].release, back.tasks[0].origin) == (NEW, OLD)


def test_a_unit_that_was_not_restarted_is_kept_running() -> None:
    first = FLEET[0]
    changed = {first.id: frozenset({"code", "packages", "voxcore@2.service"})}
    found = {key: Found(None, Journal(Phase.RESTART, "r1", NEW, OLD, changed=what)) for key, what in changed.items()}
    back = undoing(replace(target(OLD), placements=(first,)), found)
    assert back.kept(first) == ("voxcore@1.service", "voxcore@3.service")
    assert kept_units([back]) == ("fleet-1 voxcore@1", "fleet-1 voxcore@3")
    assert [back.undoes(first, what) for what in ("code", "packages", "dist")] == [True, True, False]


def test_a_way_back_is_proved_only_where_one_may_be_needed() -> None:
    assert set(needed(Plan((target(OLD),))).values()) == {OLD}
    assert not needed(Plan((target(NEW),)))
    assert not needed(Plan((target(None),)))


def test_no_builder_has_the_path_of_what_it_builds_among_its_words() -> None:
    """A look at the same time would find a Python that runs the service's code outside of its units."""
    for service in ESTATE.services:
        found = [*steps.install(service, OLD), *steps.offline(steps.install(service, OLD)), steps.way_back_is_here(service, OLD)]
        mine = [step.argv for step in found if step.argv[0] == BUILDER]
        assert mine
        assert not [argv for argv in mine if any("/opt/" in word for word in argv)]
        for argv in mine:
            assert asked_for([word for word in argv[2:] if word != "--offline"]) == (
                service.kind,
                service.folder,
                OLD.commit,
            )


def test_an_offline_installation_asks_no_registry() -> None:
    python = steps.offline(steps.install(ESTATE.service("backend"), OLD))
    assert python[0].argv[1:3] == ("install", "python")
    assert python[0].argv[-1] == "--offline"
    static = [step.argv for step in steps.offline(steps.install(ESTATE.service("console"), OLD))]
    assert "--offline" in static[0]
    assert "--offline" not in static[1]


def line(event: str, run: str, n: int, **more: str) -> str:
    return json.dumps(
        {"event": event, "run": run, "n": n, "tag": NEW.tag, "commit": NEW.commit, "at": f"2026-06-24T0{n}:00:00Z", **more}
    )


def test_the_history_is_one_line_a_deploy() -> None:
    ledger = (
        line("begun", "r1", 1, by="ci@here", build="b-7", **{"from": "vox-agents-2026.06.22-1"}),
        line("promoted", "r1", 2),
        line("verdict", "r1", 3, verdict="done", digest="d" * 64),
        "torn {",
        '{"event": "promoted", "mended": "r1"}',
        '["no", "object"]',
        line("begun", "r2", 4, by="me@there"),
        line("rolled-back", "r3", 5, mended="r2", reason="killed"),
        line("begun", "r4", 6),
    )
    found = {placement.id: Found(None, ledger=ledger) for placement in FLEET}
    entries = history(ESTATE, found)
    assert [entry.run for entry in entries] == ["r1", "r2", "r4"]
    assert entries[0].hosts == ("fleet-1", "fleet-2")
    assert (entries[0].outcome, entries[0].verdict, entries[0].build) == ("done", "done", "b-7")
    assert entries[1].outcome == "rolled back by r3"
    assert entries[2].outcome == "open"
    assert len(history_lines(entries)) == 4


def test_no_ledger_and_no_path_writes_a_line_of_its_own_or_moves_the_terminal() -> None:
    fake = "\x1b[2K\x1b[1A\r\x1b[32mpromoted\x1b[0m\nvox-evil"
    ledger = (
        line("begun", f"r1{fake}", 1, by=fake, build=fake, how=fake, **{"from": fake}),
        line("rolled-back", f"r1{fake}", 2, reason=fake, mended=fake),
    )
    table = history_lines(history(ESTATE, {placement.id: Found(None, ledger=ledger) for placement in FLEET}))
    assert all(row.isprintable() for row in table), table
    assert "\\x1b[2K" in table[-1]
    there = {p.id: Found(LastKnownGood(OLD), git_locks=(f"/opt/{fake}",)) for p in FLEET}
    assert all(row.isprintable() for row in plan_lines(ESTATE, Plan((target(OLD),)), (), there, 1, {}))


def test_no_word_of_a_ledger_widens_the_rows_of_all_the_others() -> None:
    """Each row is as wide as the widest, and a host has some thousand of them."""
    ledger = (line("begun", "r1", 1, by="x" * 200_000, build="\x1b" * 20_000), *(line("begun", f"r{n}", 2) for n in range(50)))
    table = history_lines(history(ESTATE, {FLEET[0].id: Found(None, ledger=ledger)}))
    assert len(table) == 51
    assert max(map(len, table)) < 10_000


def test_a_plan_says_what_the_release_brings() -> None:
    commits = tuple(Commit(f"{number:040x}", f"Subject {number}", "Ada", 0) for number in range(30))
    content = Content(
        Direction.FORWARD, brought=Commits(30, commits), files=Files(2), packages=Packages(0, (), ("uv.lock: \x1b[2K",))
    )
    there = {p.id: Found(LastKnownGood(OLD)) for p in FLEET}
    lines = plan_lines(ESTATE, Plan((target(OLD),)), (), there, 1, {"fleet": content})
    at = next(number for number, one in enumerate(lines) if one.startswith("fleet "))
    assert [one.strip() for one in lines[at + 1 : at + 3]] == [
        "30 commits, 2 files, 0 packages (a lock could not be read)",
        "000000000000 Subject 0 (Ada)",
    ]
    assert [one.strip() for one in lines[at + 22 : at + 25]] == [
        "and 10 more commits",
        "files: 2 added, 0 changed, 0 deleted",
        "not read: uv.lock: \\x1b[2K",
    ]


def test_a_plan_says_commands_order_way_back_and_what_is_unknown() -> None:
    text = "\n".join(plan_lines(ESTATE, Plan((target(OLD),)), (), {p.id: Found(LastKnownGood(OLD)) for p in FLEET}, 1, {}))
    assert "vox-agents-2026.06.22-1 -> vox-agents-2026.06.24-1 on fleet-1, fleet-2" in text
    assert f"git -C /opt/vox-agents checkout --quiet --force --detach {NEW.commit} --" in text
    assert (
        text.index("restart voxcore@1.service")
        < text.index("restart voxcore@3.service")
        < text.rindex("restart voxcore@1.service")
    )
    units = [f"restart voxcore@{number}.service" for number in (1, 2, 3)]
    canary = ("fleet-1    (canary: judged alone", "fleet-1    (canary: judged as a whole", "fleet-2    /usr/bin/sudo")
    said = text[text.index("3. restart") :]
    wanted = [units[0], canary[0], units[1], units[2], *canary[1:]]
    places = [said.index(words) for words in wanted]
    assert places == sorted(places), said
    assert "way back\n   fleet     vox-agents-2026.06.22-1" in text
    assert "unknown\n   fleet: which workers have calls" in text


@pytest.mark.parametrize(
    ("service", "host", "blamed"),
    [("fleet", "fleet-1", True), ("backend", "api-1", False), ("", "fleet-2", True), ("", "api-1", False), ("", "", True)],
)
def test_only_what_is_itself_to_blame_is_held(service: str, host: str, blamed: bool) -> None:  # noqa: FBT001
    judgement = Judgement("x", "x", "X.", "why", Verdict.VIOLATED, service or None, host or None, "found", "", 0.0)
    assert is_about(judgement, target(OLD)) is blamed


def said(verdict: Verdict, service: str, host: str = "fleet-1") -> Judgement:
    return Judgement("x", "x", "X.", "why", verdict, service or None, host, "found", "", 0.0)


@pytest.mark.parametrize(
    ("judgements", "wanted"),
    [
        ((said(Verdict.HOLDS, "fleet"), said(Verdict.VIOLATED, "backend", "api-1")), Verdict.HOLDS),
        ((said(Verdict.HOLDS, "fleet"), said(Verdict.BLIND, "fleet"), said(Verdict.VIOLATED, "fleet")), Verdict.VIOLATED),
        # What was not seen of it, or not judged at all, is no way back that holds, although the violation is another's.
        ((said(Verdict.HOLDS, "fleet"), said(Verdict.BLIND, "fleet"), said(Verdict.VIOLATED, "backend", "api-1")), Verdict.BLIND),
        ((said(Verdict.VIOLATED, "backend", "api-1"), said(Verdict.HOLDS, "")), Verdict.BLIND),
    ],
)
def test_only_what_was_seen_to_hold_is_rolled_back(judgements: tuple[Judgement, ...], wanted: Verdict) -> None:
    assert verdict_on(target(OLD), judgements) is wanted


@pytest.mark.parametrize(
    ("judged", "wanted"),
    [
        (Judged({"x"}, (said(Verdict.HOLDS, "fleet"), said(Verdict.VIOLATED, "fleet"))), "judged violated: x"),
        (Judged({"x"}, (said(Verdict.BLIND, "fleet"), said(Verdict.BLIND, ""))), "judged blind: x and 1 more"),
        (Judged({"x", "y", "z"}, (said(Verdict.HOLDS, "fleet"),)), "judged incomplete: y and 1 more"),
        (Judged({"x"}, (said(Verdict.HOLDS, "fleet"),), interrupted="SIGTERM"), "judged incomplete"),
    ],
)
def test_why_a_deploy_goes_back_is_said_by_name(judged: Judged, wanted: str) -> None:
    assert why_not(judged) == wanted


def test_hosts_that_know_one_commit_agree_whatever_they_call_it() -> None:
    untagged = Release("fleet", NEW.commit, None)
    goods = {placement.id: None for placement in ESTATE.placements}
    known = goods | {FLEET[0].id: LastKnownGood(untagged), FLEET[1].id: LastKnownGood(NEW)}
    assert must_run(ESTATE, {}, known)["fleet"] == NEW
    other = goods | {FLEET[0].id: LastKnownGood(OLD), FLEET[1].id: LastKnownGood(NEW)}
    said = must_run(ESTATE, {}, other)["fleet"]
    assert isinstance(said, Missing)
    assert "disagree" in said.why


def test_a_host_that_is_away_takes_no_other_along() -> None:
    """What must run on the others they say themselves; before a deploy each must say it, and who cannot be read is not away."""
    goods: dict[str, Good] = {placement.id: None for placement in ESTATE.placements}
    away, denied = Missing("unreachable", "no answer"), Missing("failed", "no such file")
    known = goods | {FLEET[0].id: away, FLEET[1].id: LastKnownGood(NEW)}
    assert must_run(ESTATE, {}, known, looking=True)["fleet"] == NEW
    assert must_run(ESTATE, {}, known)["fleet"] == away
    assert must_run(ESTATE, {}, known | {FLEET[0].id: denied}, looking=True)["fleet"] == denied
    assert must_run(ESTATE, {}, known | {FLEET[1].id: away}, looking=True)["fleet"] == away


def known_of(settled: Settled | None, *moves: str, rollback: bool = False) -> ServiceOutcome:
    """What a run knows of the fleet after these moves of its deploy from OLD to NEW."""
    rows = tuple(MoveRecord("fleet", "fleet-1", move, 0.0, 1.0, rollback=rollback) for move in moves)
    found = Known({"fleet": OLD}, (target(OLD),), moves=rows, settled=settled).outcomes(ESTATE)
    (fleet,) = (one for one in found if one.service == "fleet")
    assert (fleet.before, fleet.tried) == (ran(OLD), ran(NEW))
    return fleet


@pytest.mark.parametrize(
    ("settled", "running"),
    [
        (Settled(RunVerdict.DONE, 0, "done"), NEW),
        (Settled(RunVerdict.ROLLED_BACK, 11, "back", rollback_verdict=RunVerdict.HOLDS), OLD),
        (Settled(RunVerdict.BROKEN, 13, "broken", rollback_verdict=RunVerdict.VIOLATED), None),
        (Settled(RunVerdict.BROKEN, 13, "broken"), None),
        (None, None),
    ],
)
def test_what_runs_after_a_deploy_is_known_where_it_was_settled(settled: Settled | None, running: Release | None) -> None:
    assert known_of(settled, "fetch", "checkout", "restart").running == (running and ran(running))


def test_what_was_only_fetched_changed_nothing() -> None:
    assert known_of(None, "fetch").running == known_of(None).running == ran(OLD)


def test_of_a_service_that_is_not_deployed_what_ran_runs() -> None:
    (backend, *_) = Known({"backend": replace(OLD, service="backend")}, settled=None).outcomes(ESTATE)
    assert (backend.service, backend.tried, backend.content) == ("backend", None, None)
    assert backend.running == backend.before == ran(OLD)
    assert {one.running for one in Known({"fleet": Missing("lost", "no ledger")}).outcomes(ESTATE)} == {None}
