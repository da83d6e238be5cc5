"""What a release is besides its commit is kept when it is judged good, and compared with what is there later."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.unit.suites.conftest import SAVED, Case
from tests.unit.suites.conftest import green as green  # noqa: PLC0414 - a fixture
from tests.unit.test_history import HERE, Here, asked
from tests.unit.test_history import host as host  # noqa: PLC0414 - a fixture
from tests.unit.test_on_host import Host
from voxgate.contracts.estates import load_estate
from voxgate.deploy.hosts import journal_writer
from voxgate.deploy.hosts.answers import State, Written
from voxgate.deploy.hosts.journal import Phase
from voxgate.deploy.hosts.state import Found, LastKnownGood, found_of
from voxgate.deploy.planning.plan import Plan
from voxgate.deploy.planning.remotes import Remotes
from voxgate.deploy.recovery.recover import judged_good
from voxgate.deploy.run_context import RunContext
from voxgate.model.evidence import Missing, known
from voxgate.model.release import RemoteView
from voxgate.model.verdict import Judgement, Verdict
from voxgate.survey.judged import digest_of, digests_of
from voxgate.survey.saving import load, save

ESTATE = load_estate("lab")
DIGEST = "d" * 64
(PLACED,) = (one for one in ESTATE.placements if one.id == HERE)


def written(host: Host) -> Found:
    """What stands on the host about the backend, as a gate reads it."""
    texts = {name: (host.root / "backend" / f"{name}.json").read_text() for name in ("last-known-good", "journal")}
    one = Written(texts["last-known-good"], texts["journal"], None, None, held=False, ledger=(), git_locks=())
    return found_of(State("b", writable=True, services={"backend": one}), (PLACED,))[HERE]


def test_it_counts_from_the_promotion_until_something_is_deployed(host: Host) -> None:
    plan, claim = asked("--deploy", None), Here(host, "r1")
    journal_writer.mark(claim, plan.tasks, Phase.CLAIMED)
    journal_writer.promote(claim, plan.tasks, {}, {}, {HERE: DIGEST})
    found = written(host)
    assert found.content == DIGEST
    assert found.begun.content == ""
    for phase in (Phase.CLAIMED, Phase.JUDGING, Phase.ROLLED_BACK):
        journal_writer.mark(claim, plan.tasks, phase)
        assert isinstance(known(written(host).good), LastKnownGood)
        assert written(host).content == ""


AFTER = "e" * 64
NOTHING_KNOWN: dict[str, Any] = {"code": None, "seen": None, "standing": []}


def promoted_and_begun(host: Host) -> tuple[Plan, Here]:
    """A release was judged good, and another deploy is begun."""
    plan = asked("--deploy", None)
    journal_writer.promote(Here(host, "r1"), plan.tasks, {}, {}, {HERE: DIGEST})
    claim, before = Here(host, "r2"), {HERE: {**NOTHING_KNOWN, "content": written(host).content}}
    journal_writer.mark(claim, plan.tasks, Phase.CLAIMED, before=before)
    assert written(host).content == ""
    return plan, claim


def test_what_went_back_is_compared_with_what_was_judged_then(host: Host) -> None:
    plan, claim = promoted_and_begun(host)
    journal_writer.mark(claim, plan.tasks, Phase.BACK_JUDGING)
    journal_writer.mark(claim, plan.tasks, Phase.ROLLED_BACK, contents={HERE: AFTER})
    assert written(host).content == AFTER


def test_what_was_red_when_it_went_back_is_compared_with_what_was_good_before(host: Host) -> None:
    plan, claim = promoted_and_begun(host)
    journal_writer.mark(claim, plan.tasks, Phase.ROLLED_BACK, contents={})
    assert written(host).content == DIGEST


def test_a_deploy_that_changed_nothing_leaves_what_was_judged_good(host: Host) -> None:
    plan, claim = promoted_and_begun(host)
    journal_writer.mark(claim, plan.tasks, Phase.ABANDONED, reason="the forge is down")
    assert written(host).content == DIGEST


def test_of_what_a_person_cleared_nothing_is_known(host: Host) -> None:
    plan, claim = promoted_and_begun(host)
    for phase in (Phase.HELD, Phase.CLEARED):
        journal_writer.mark(claim, plan.tasks, phase)
        assert written(host).content == ""


@pytest.mark.parametrize("red", ["service", "another host", "another service", "nothing"])
def test_what_is_red_is_not_called_good_by_being_seen_once_more(red: str) -> None:
    context = RunContext.__new__(RunContext)
    context.estate, context.contents = ESTATE, {one.id: AFTER for one in ESTATE.placements}
    where = {"service": ("backend", "api-1"), "another host": ("backend", "sip-1"), "another service": ("fleet", "fleet-1")}
    service, name = where.get(red, (None, None))
    verdict = Verdict.HOLDS if red == "nothing" else Verdict.VIOLATED
    kept = judged_good(context, [Judgement("i[0]", "i", "i", "r", verdict, service, name)])
    assert (HERE in kept) == (red != "service")
    assert len(kept) == len(ESTATE.placements) - (red in {"service", "another service"})


def test_where_nothing_was_seen_nothing_is_kept(host: Host) -> None:
    plan, claim = asked("--deploy", None), Here(host, "r1")
    journal_writer.promote(claim, plan.tasks, {}, {}, {})
    assert "content" not in json.loads((host.root / "backend" / "last-known-good.json").read_text())
    assert written(host).content == ""


@pytest.mark.parametrize("content", ["x", DIGEST.upper(), DIGEST + "\n", 1])
def test_what_is_no_digest_is_not_believed(host: Host, content: object) -> None:
    journal_writer.promote(Here(host, "r1"), asked("--deploy", None).tasks, {}, {}, {HERE: content})  # type: ignore[dict-item]
    assert isinstance(written(host).good, Missing)


def test_it_comes_into_the_evidence_by_host_and_stays_there(
    green: Case, host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, claim = asked("--deploy", None), Here(host, "r1")
    journal_writer.promote(claim, plan.tasks, {}, {}, {HERE: DIGEST})
    silent: dict[str, Any] = {one.name: Missing("failed", "silent") for one in ESTATE.services}
    monkeypatch.setattr(Remotes, "views", {**silent, "backend": RemoteView("backend", "u", "m", {}, frozenset())})
    found = {one.id: Found(None) for one in ESTATE.placements} | {HERE: written(host)}
    seen = Remotes(ESTATE).with_releases(dict.fromkeys(silent), found)
    assert known(seen["backend"]).judged == {"api-1": DIGEST}
    assert isinstance(seen["fleet"], Missing)
    kept = {**green.evidence.remotes, "backend": replace(known(green.evidence.remotes["backend"]), judged={"api-1": DIGEST})}
    save(replace(green.evidence, remotes=kept), tmp_path / "evidence")
    assert known(load(tmp_path / "evidence").remotes["backend"]).judged == {"api-1": DIGEST}


def test_each_part_of_it_is_in_the_digest(green: Case) -> None:
    told = digests_of(green.estate, green.evidence.second)
    assert set(told) == {one.id for one in green.estate.placements}
    assert len({told[one.id] for one in green.estate.placements if one.service.name == "fleet"}) == 1
    (console,) = (one for one in green.estate.placements if one.service.name == "console")
    dist = known(green.of("api-1").dists["console"])
    path, (size, sha256) = next(iter(dist.files.items()))
    others = (
        {**dist.files, path: (size, DIGEST)},
        {**{one: row for one, row in dist.files.items() if one != path}, f"{path}x": (size, sha256)},
        {one: row for one, row in dist.files.items() if one != path},
    )
    digests = {digest_of(console, green.of_service("api-1", "dists", "console", files=files).of("api-1")) for files in others}
    assert len(digests | {told[console.id]}) == 4
    assert digest_of(console, green.host("api-1", dists={}).of("api-1")) == ""


@pytest.mark.parametrize(
    ("service", "host_name", "sync", "red"),
    [
        ("dialler", "sip-1", 0, {"site-packages-are-intact[dialler-sip-1]"}),
        ("dialler", "sip-1", 2, {"site-packages-are-intact[dialler-sip-1]"}),
        ("dialler", "sip-1", 1, set()),  # then its packages are others, which is told as such
        ("console", "api-1", 0, {"dist-is-this-build[console-api-1]"}),
    ],
)
def test_what_is_not_what_was_judged_good_is_violated(
    green: Case, service: str, host_name: str, sync: int, red: set[str]
) -> None:
    (placed,) = (one for one in green.estate.placements if one.service.name == service)
    case = green if service == "console" else green.of_service(host_name, "venvs", service, sync_status=sync)
    for judged, wanted in ((digest_of(placed, green.of(host_name)), set()), (DIGEST, red)):
        view = replace(known(green.evidence.remotes[service]), judged={host_name: judged})
        other = replace(case, evidence=replace(case.evidence, remotes={**case.evidence.remotes, service: view}))
        assert set(other.judge(["site-packages-are-intact", "dist-is-this-build"])) == wanted


def test_evidence_of_before_is_read(green: Case) -> None:
    assert "judged" not in (SAVED / "remotes.json").read_text()
    assert known(green.evidence.remotes["backend"]).judged == {}


def judged_otherwise(case: Case, host: str, service: str) -> Case:
    """The gate knows that what was judged good there was another."""
    view = replace(known(case.evidence.remotes[service]), judged={host: "0" * 64})
    return replace(case, evidence=replace(case.evidence, remotes={**case.evidence.remotes, service: view}))


RECORDS = "its RECORDs are not those with which the release was judged good"


def test_an_environment_that_is_not_the_locks_is_told_by_the_rule_about_that_alone(green: Case) -> None:
    """What it was once judged with says nothing more, and where nobody can tell whether it is the lock's it counts."""
    rule, name = "site-packages-are-intact", "site-packages-are-intact[backend-api-1]"
    other = judged_otherwise(green, "api-1", "backend")
    assert RECORDS in other.judge([rule])[name][1]
    package, version = next(iter(known(other.of("api-1").venvs["backend"]).installed.items()))
    installed = {**known(other.of("api-1").venvs["backend"]).installed, package: f"{version}.post1"}
    assert other.of_service("api-1", "venvs", "backend", installed=installed).judge([rule]) == {}
    assert other.of_service("api-1", "venvs", "backend", sync_status=1).judge([rule]) == {}
    unseen = {**other.of("api-1").venvs, "backend": Missing("timeout", "took too long")}
    assert RECORDS in other.host("api-1", venvs=unseen).judge([rule])[name][1]


@pytest.mark.parametrize(("count", "such"), [(1, False), (2, True)])
def test_files_of_a_build_are_counted_where_there_are_several(green: Case, count: int, such: bool) -> None:  # noqa: FBT001
    files = known(green.of("api-1").dists["console"]).files
    changed = {path: (size, "0" * 64) for path, (size, _) in [*files.items()][:count]}
    found = green.of_service("api-1", "dists", "console", files={**files, **changed}).judge(["dist-is-this-build"])
    said = found["dist-is-this-build[console-api-1]"][1]
    assert "is not as it was built" in said
    assert (f"{count} such files" in said) == such
