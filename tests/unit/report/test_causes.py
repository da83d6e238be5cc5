"""What follows from what: on what the lab's own faults turned red, as a run of all of them found it."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from voxgate.contracts.catalogue import read_catalogue
from voxgate.contracts.estates import load_estate
from voxgate.contracts.schemas import names as schema_names
from voxgate.model.invariant import expected
from voxgate.model.verdict import Judgement, MoveRecord, RunOutcome, RunVerdict, Verdict
from voxgate.report.causes import order
from voxgate.report.causes.grouping import causes_of, what_follows
from voxgate.report.terminal.closing import CAUSES, closing

FOUND: dict[str, Any] = json.loads(Path(__file__).with_name("findings_of_faults.json").read_text("utf-8"))
SERVICES = frozenset({"backend", "console", "fleet", "dialler"})
SCREEN = 60
"""Lines that no run prints more of without -v."""


@pytest.fixture(scope="module")
def subjects() -> dict[str, Judgement]:
    """Every judgement of the lab, as it holds."""
    made = {}
    for one in expected(read_catalogue(), load_estate("lab"), schema_names(), deploying=SERVICES):
        rule, subject = one.invariant, one.subject
        made[one.id] = Judgement(one.id, rule.name, rule.sentence, rule.reason, Verdict.HOLDS, subject.service, subject.host)
    return made


def judged(fault: str, subjects: dict[str, Judgement]) -> tuple[Judgement, ...]:
    """All judgements of a look, with what the fault turned red."""
    red = {
        identity: replace(subjects[identity], verdict=Verdict(verdict), found=found, advice="mend it")
        for identity, verdict, found in FOUND[fault]["found"]
    }
    return tuple(red.get(identity, one) for identity, one in subjects.items())


def told(outcome: RunOutcome, **how: Any) -> list[str]:
    stream = io.StringIO()
    closing(outcome, console=Console(file=stream, width=120, highlight=False), report_path=Path("/reports"), **how)
    return stream.getvalue().splitlines()


@pytest.mark.parametrize("fault", FOUND)
def test_the_first_lines_name_the_cause(fault: str, looked: RunOutcome, subjects: dict[str, Judgement]) -> None:
    """Nothing is dropped: each finding is in one cause, and no more are told than a screen holds."""
    judgements = judged(fault, subjects)
    found = causes_of(judgements)
    ids = [one.id for cause in found for one in cause.findings]
    assert sorted(ids) == sorted(identity for identity, _verdict, _found in FOUND[fault]["found"])
    assert len(found) <= 3, [cause.label for cause in found]
    lines = told(replace(looked, judgements=judgements, verdict=RunVerdict.VIOLATED, exit_status=1))
    first = " ".join(" ".join(lines[1:4]).split())
    assert FOUND[fault]["names"] in first
    assert len(lines) <= SCREEN


def test_what_nobody_could_see_is_counted_and_not_listed(looked: RunOutcome, subjects: dict[str, Judgement]) -> None:
    judgements = judged("seeing-host-down", subjects)
    lines = told(replace(looked, judgements=judgements, verdict=RunVerdict.BLIND, exit_status=1))
    assert sum("could not look" in line for line in lines) == 1
    blind = [one.invariant for one in judgements if one.verdict is Verdict.BLIND]
    assert (len(blind), len(set(blind))) == (59, 37)
    assert any(line.startswith("  + 37 rules (59 judgements) are blind for it: ") for line in lines)
    full = told(replace(looked, judgements=judgements, verdict=RunVerdict.BLIND, exit_status=1), full=True)
    assert sum("could not look" in line for line in full) >= 59


def test_what_dies_between_the_looks_explains_its_pages(subjects: dict[str, Judgement]) -> None:
    """A crash loop was the fourth of seven lines: before it stood that nobody answers, and whether a store was down."""
    unit = "api-1-voxbridge"
    refused = "api-1: GET :8080/health (direct) gave no answer: connection refused"
    found = {
        f"backend-health-is-clean[{unit}]": refused,
        "backend-reaches-its-stores[backend-api-1]": refused,
        f"process-is-the-new-code[{unit}]": f"{refused}: it cannot say what it runs",
        f"nothing-restarts-during-the-bake[{unit}]": "api-1: voxbridge.service restarted between the two looks: its process",
    }
    (cause,) = causes_of([replace(subjects[one], verdict=Verdict.VIOLATED, found=said) for one, said in found.items()])
    assert [one.invariant for one in cause.leads] == ["nothing-restarts-during-the-bake"]
    assert what_follows(cause).startswith("3 follow from it: ")


def test_what_a_restart_in_the_middle_of_a_look_shows_follows_from_it(subjects: dict[str, Judgement]) -> None:
    """Seen on a unit that is killed again and again: the look came before its program was there, or after its end."""
    unit, beside = "api-1-voxbridge", "backend-api-1"
    found = {
        f"nothing-restarts-during-the-bake[{unit}]": "api-1: voxbridge.service restarted between the two looks",
        f"runs-as-its-user[{unit}]": "api-1: voxbridge.service runs as root, not as vox",
        f"process-is-the-venvs[{unit}]": "api-1: voxbridge.service runs /usr/lib/systemd/systemd-executor",
        f"process-is-the-new-code[{unit}]": "api-1: voxbridge.service has no main process",
        f"backend-reaches-its-stores[{beside}]": "api-1: no process of voxbridge.service has a connection to MONGODB_URI's",
    }
    red = {key: replace(subjects[key], verdict=Verdict.VIOLATED, found=said) for key, said in found.items()}
    (cause,) = causes_of(tuple(red.get(key, one) for key, one in subjects.items()))
    assert cause.findings[0].id == f"nothing-restarts-during-the-bake[{unit}]"
    assert {one.id for one in cause.findings} == set(red)


def test_a_dialler_that_does_not_come_up_is_one_cause(subjects: dict[str, Judgement]) -> None:
    unit = "sip-1-voxdialler"
    found = {
        "service-became-healthy[dialler-sip-1]": "sip-1: voxdialler.service: it dies as it starts",
        f"metrics-are-well-formed[{unit}]": "sip-1 GET :8090/metrics: connection refused",
        "database-sees-one-dialler[vox]": "vox: no connection of the dialler",
        "settings-lead-to-what-is-there[dialler-sip-1]": "sip-1: dialler: no connection",
    }
    red = {key: replace(subjects[key], verdict=Verdict.VIOLATED, found=said) for key, said in found.items()}
    (cause,) = causes_of(tuple(red.get(key, one) for key, one in subjects.items()))
    assert {one.id for one in cause.findings} == set(red)
    stranger = replace(red["database-sees-one-dialler[vox]"], found="vox: x at 203.0.113.9 is no process of this estate")
    now = red | {stranger.id: stranger}
    assert len(causes_of(tuple(now.get(key, one) for key, one in subjects.items()))) == 2, "somebody else is a cause of its own"


def test_rules_are_counted_as_rules(subjects: dict[str, Judgement]) -> None:
    """What is judged of each unit is one rule, however many units there are; each judgement is counted too."""
    why = "fleet-1: could not look (unreachable): no answer"
    units = [one for one in subjects.values() if one.invariant == "unit-is-active" and one.host == "fleet-1"]
    room = [one for one in subjects.values() if one.invariant == "host-has-room" and one.host == "fleet-1"]
    assert (len(units), len(room)) == (3, 1)
    for some, words in (
        (units + room, "2 rules (4 judgements) are blind for it: unit-is-active x3, host-has-room"),
        (units, "1 rule (3 judgements) is blind for it: unit-is-active x3"),
        (room, "1 rule is blind for it: host-has-room"),
    ):
        (cause,) = causes_of([replace(one, verdict=Verdict.BLIND, found=why) for one in some])
        assert what_follows(cause) == words


def test_a_host_without_power_takes_its_livekit_along(subjects: dict[str, Judgement]) -> None:
    """Three causes stood there, and two of them asked whether a store was down."""
    away = "sip-1: could not look (unreachable): no connection to 198.51.100.41:22: no answer within 10 s"
    bad = "GET :{}/health ({}) answers 503 'degraded': livekit unreachable"
    health = f"api-1: {bad.format(8080, 'direct')}; {bad.format(80, 'through nginx')}"
    lost = "fleet-1: the address in LIVEKIT_URL could not be reached from here: timeout"
    on_it = [one for one in subjects.values() if one.host == "sip-1"]
    blind = [replace(one, verdict=Verdict.BLIND, found=away, advice="is it on?") for one in on_it]
    found = {
        "backend-health-is-clean[api-1-voxbridge]": health,
        "backend-reaches-its-stores[backend-api-1]": health,
        "settings-lead-to-what-is-there[fleet-fleet-1]": lost,
    }
    seen = [replace(subjects[one], verdict=Verdict.VIOLATED, found=said, advice="a store?") for one, said in found.items()]
    (cause,) = causes_of([*seen, *blind])
    assert (cause.label, cause.blinds, cause.advice) == ("sip-1", True, "is it on?")
    rules = "backend-health-is-clean, backend-reaches-its-stores, settings-lead-to-what-is-there"
    assert what_follows(cause).endswith(f"; 3 follow from it: {rules}")
    other = replace(seen[0], found=f"{health}, mongodb refused")
    assert len(causes_of([other, *blind])) == 2
    here = [replace(one, found=away.replace("unreachable", "denied")) for one in blind]
    assert len(causes_of([*seen, *here])) == 3


def test_two_hosts_without_power_are_one_cause(subjects: dict[str, Judgement]) -> None:
    judgements = [
        replace(one, verdict=Verdict.BLIND, found=f"{one.host}: could not look (unreachable): no connection to 192.0.2.{n}:22")
        for n, one in enumerate(one for one in subjects.values() if one.host in {"fleet-1", "fleet-2"})
    ]
    (cause,) = causes_of(judgements)
    assert cause.label == "fleet-1, fleet-2"


def test_what_may_call_people_twice_stands_before_a_host_without_power(subjects: dict[str, Judgement]) -> None:
    down = judged("seeing-host-down", subjects)
    second = {one.id: one for one in judged("dialler-by-hand", subjects) if not one.verdict.is_green}
    found = causes_of([second.get(one.id, one) for one in down])
    assert found[0].label == "exactly one dialler per database [vox]"
    assert found[1].blinds


def test_of_two_diallers_the_right_one_is_not_stopped_for_what_both_did(subjects: dict[str, Judgement]) -> None:
    pace = subjects["dialler-keeps-its-pace[sip-1-voxdialler]"]
    fast = replace(pace, verdict=Verdict.VIOLATED, found="the database vox has 120 ticks of the last 60 s, 65 are the most")
    second = [one for one in judged("dialler-by-hand", subjects) if not one.verdict.is_green]
    (cause,) = causes_of([*second, fast])
    assert [one.invariant for one in cause.leads] == ["exactly-one-dialler-per-database"]
    assert [one.label for one in causes_of([fast])] == ["dialler keeps its pace [sip-1-voxdialler]"]


def test_a_stranger_beside_a_stopped_unit_is_a_cause_of_its_own(subjects: dict[str, Judgement]) -> None:
    """What only happens to be on the same host is never folded under what is stopped there."""
    stopped = {one.id: one for one in judged("unit-stopped", subjects) if not one.verdict.is_green}
    stranger = "only-expected-listeners[api-1]"
    stopped[stranger] = replace(
        subjects[stranger], verdict=Verdict.VIOLATED, found="api-1: process 77 (python3) listens on 0.0.0.0:9999"
    )
    labels = [cause.label for cause in causes_of(list(stopped.values()))]
    assert labels == ["unit is active [api-1-voxbridge]", "only expected listeners [api-1]"]


def test_a_unit_that_only_does_not_start_at_boot_explains_nothing(subjects: dict[str, Judgement]) -> None:
    health = "backend-health-is-clean[api-1-voxbridge]"
    active = "unit-is-active[api-1-voxbridge]"
    found = causes_of([
        replace(subjects[health], verdict=Verdict.VIOLATED, found="api-1 GET :8080/health answers 503 'degraded'"),
        replace(
            subjects[active],
            verdict=Verdict.VIOLATED,
            found="api-1: voxbridge.service is disabled: the next boot does not start it",
        ),
    ])  # fmt: skip
    assert len(found) == 2


def test_a_failed_move_has_what_the_deploys_own_rules_say_of_it(subjects: dict[str, Judgement]) -> None:
    move = MoveRecord("dialler", "sip-1", "checkout", 0.0, 1.0, error="git fetch failed: exit 128", hint="look at the key")
    (cause,) = causes_of(judged("deploy-checkout-refused", subjects), [move])
    assert (cause.label, cause.found, cause.advice) == (
        "dialler: checkout on sip-1",
        "git fetch failed: exit 128",
        "look at the key",
    )
    assert len(cause.follow) == 4


def test_a_unit_that_does_not_come_up_is_one_cause_with_its_move(looked: RunOutcome, subjects: dict[str, Judgement]) -> None:
    """With the unit's last words below it, and without what another host's unit has."""
    move = MoveRecord("dialler", "sip-1", "health", 0.0, 1.0, error="voxdialler did not come up", hint="look at it")
    judgements = judged("dialler-that-does-not-boot", subjects)
    (cause,) = causes_of(judgements, [move])
    assert (cause.label, len(cause.follow)) == ("dialler: health on sip-1", 10)
    assert cause.found == "voxdialler did not come up; sip-1: voxdialler.service is activating/auto-restart (exit-code)"
    assert cause.advice == "mend it"  # what is said of the unit itself
    words = {"unit-is-active[sip-1-voxdialler]": ("ModuleNotFoundError: No module named 'x'",)}
    outcome = replace(looked, judgements=judgements, moves=(move,), verdict=RunVerdict.ROLLED_BACK, exit_status=11)
    assert "    ModuleNotFoundError: No module named 'x'" in told(outcome, words=words)
    checkout = replace(move, move="checkout")
    assert len(causes_of(judgements, [checkout])) == 2
    worker = judged("worker-stopped", subjects)
    assert len(causes_of(worker, [move])) == 1 + len(causes_of(worker))


def test_a_way_back_that_fails_as_the_deploy_did_is_told_once() -> None:
    move = MoveRecord("dialler", "sip-1", "health", 0.0, 1.0, error="not healthy after 30 s", hint="look at it")
    back = replace(move, rollback=True, started=9.0)
    assert causes_of((), [move, back]) == causes_of((), [move])
    other = replace(back, error="does not listen")
    assert [cause.label for cause in causes_of((), [move, other])] == [
        "dialler: health on sip-1",
        "dialler: health on sip-1, going back",
    ]


def test_what_a_canary_found_and_what_was_not_begun_for_it_is_its_cause(subjects: dict[str, Judgement]) -> None:
    up, moved = "all-workers-are-up[fleet-1-voxcore@1]", "service-was-restarted[fleet-fleet-2]"
    error = f"the canary is not in order: {up} is violated: fleet-1 GET :8101/health breaks the contract"
    move = MoveRecord("fleet", "fleet-1", "canary", 0.0, 1.0, error=error, hint="look at it")
    bad = (
        replace(subjects[up], verdict=Verdict.VIOLATED, found="fleet-1 GET :8101/health breaks the contract"),
        replace(subjects[moved], verdict=Verdict.BLIND, found="fleet-2: no restart of fleet: the deploy stopped before it"),
    )
    (cause,) = causes_of(bad, [move])
    assert (cause.label, cause.found, cause.follow) == ("fleet: canary on fleet-1", error, bad)


def test_a_build_that_failed_was_not_published(subjects: dict[str, Judgement]) -> None:
    """What is published then is the build of before: nobody edited it, and to deploy the one that failed mends nothing. Nor was
    another service restarted then, which answers as the release of before.
    """
    move = MoveRecord("console", "api-1", "install", 0.0, 1.0, error="npm run build failed", hint="its own words say why")
    bad = (
        replace(subjects["release-was-installed[console-api-1]"], verdict=Verdict.VIOLATED, found="npm run build failed"),
        replace(subjects["dist-is-this-build[console-api-1]"], verdict=Verdict.VIOLATED, found="points to builds/a, not to b"),
        *(
            replace(subjects[f"{rule}[{subject}]"], verdict=Verdict.BLIND, found="api-1: not begun: the deploy stopped before it")
            for rule, subject in (("service-was-restarted", "backend-api-1"), ("service-became-healthy", "backend-api-1"))
        ),
        replace(subjects["backend-health-is-clean[api-1-voxbridge]"], verdict=Verdict.VIOLATED, found="it reports abc, not v-2"),
    )
    (cause,) = causes_of(bad, [move])
    assert (cause.label, sorted(cause.follow, key=bad.index)) == ("console: install on api-1", list(bad))


def test_more_causes_than_fit_are_named(looked: RunOutcome, subjects: dict[str, Judgement]) -> None:
    bad = [
        replace(one, verdict=Verdict.VIOLATED, found=f"{one.host}: {'abcdefghij'[n]} is wrong", advice="mend it")
        for n, one in enumerate([one for one in subjects.values() if one.invariant in {"sudo-is-minimal", "keys-are-known"}])
    ]
    lines = told(replace(looked, judgements=tuple(bad), verdict=RunVerdict.VIOLATED, exit_status=1))
    assert sum("is wrong" in line for line in lines) == CAUSES
    assert any(line.startswith(f"  and {len(bad) - CAUSES} more causes (-v tells them): ") for line in lines)


def test_a_units_last_words_stand_under_its_cause(looked: RunOutcome, subjects: dict[str, Judgement]) -> None:
    """Not under what has nothing to do with its work, and what they say moves no terminal."""
    judgements = judged("worker-stopped", subjects)
    words = {"unit-is-active[fleet-1-voxcore@2]": ("KeyError: 'DEEPGRAM_API_KEY'", "\x1b[32mDONE", "x" * 500)}
    outcome = replace(looked, judgements=judgements, verdict=RunVerdict.VIOLATED, exit_status=1)
    lines = told(outcome, words=words)
    assert "    KeyError: 'DEEPGRAM_API_KEY'" in lines
    assert "    \\x1b[32mDONE" in lines
    assert all(len(line) <= 120 for line in lines if "report" not in line)
    assert "DEEPGRAM" not in "\n".join(told(outcome, words={"keys-are-known[data]": ("DEEPGRAM",)}))


@pytest.mark.parametrize("fault", ["seeing-forge-down", "redis-stopped-by-hand", "nginx-stopped-by-hand"])
def test_what_is_away_elsewhere_has_no_words_of_those_who_miss_it(
    fault: str, looked: RunOutcome, subjects: dict[str, Judgement]
) -> None:
    words = dict.fromkeys(subjects, ("check redis: ok",))
    outcome = replace(looked, judgements=judged(fault, subjects), verdict=RunVerdict.VIOLATED, exit_status=1)
    assert "check redis" not in "\n".join(told(outcome, words=words))


def test_a_service_that_is_unwell_while_nginx_is_away_is_no_consequence_of_that(subjects: dict[str, Judgement]) -> None:
    """Nor does a database that is away for another reason follow from a store on another port."""
    unwell = "api-1: GET :8080/health (direct) answers 503 'degraded': s3 refused; GET :80/health (through nginx) gave no answer"
    far = "vox: could not look (unreachable): data 127.0.0.1:27017: connection refused"
    found = (
        ("backend-health-is-clean[api-1-voxbridge]", Verdict.VIOLATED, unwell),
        ("nginx-runs-its-config[console-api-1]", Verdict.VIOLATED, "api-1: 0 nginx run here, not one; nginx has no worker"),
        ("database-sees-one-dialler[vox]", Verdict.BLIND, far),
    )
    bad = [replace(subjects[identity], verdict=verdict, found=said) for identity, verdict, said in found]
    assert len(causes_of(bad)) == 3
    away = "data: redis-server.service does not listen on port 6379, where redis must be"
    store = replace(subjects["stores-are-private[data]"], verdict=Verdict.VIOLATED, found=away)
    assert len(causes_of([*bad[1:], store])) == 3


def test_what_follows_is_said_of_rules_that_there_are() -> None:
    known = {rule.name for rule in read_catalogue()}
    for rule, after in order.AFTER.items():
        assert {rule, *(one.rule for one in after)} <= known
    assert {*order.OF_A_MOVE, *order.OF_STRANGERS, *order.CALLS_PEOPLE, *order.AT_WORK} <= known


@pytest.mark.parametrize(
    "words",
    [
        "/srv/process 77 on fleet-1 is another copy (checkout) of vox-agents",
        "/srv/x process 77 on fleet-1, backup.service is another copy (checkout) of vox-agents",
        "process 5 (backup.service) listens on 127.0.0.1:9, and the estate does not say so",
        "process 5 of joe runs code: sh -c backup.service process 77",
    ],
)
def test_no_word_of_a_strangers_puts_what_another_did_below_his(subjects: dict[str, Judgement], words: str) -> None:
    """He has named the folder, the process, its words; who is named by the rule itself is one all the same."""
    mine, other, third = "one-copy-only[fleet-1]", "boot-starts-only-what-is-known[fleet-1]", "only-expected-listeners[fleet-1]"
    found = {
        mine: f"fleet-1: {words}",
        other: "fleet-1: backup.service starts at the next boot, by /etc/x",
        third: "fleet-1: process 77 (x) listens on 0.0.0.0:9999; backup.service listens on 0.0.0.0:1",
    }
    made = causes_of([replace(subjects[key], verdict=Verdict.VIOLATED, found=found[key]) for key in found])
    assert {tuple(sorted(one.id for one in cause.findings)) for cause in made} == {(mine,), tuple(sorted((other, third)))}


@pytest.mark.parametrize(
    ("verdict", "word"),
    [(Verdict.VIOLATED, "a"), (Verdict.VIOLATED, "a.service-"), (Verdict.BLIND, "@"), (Verdict.VIOLATED, "(")],
    ids=["a", "unit", "at", "bracket"],
)
def test_a_word_of_megabytes_takes_a_time_in_proportion(subjects: dict[str, Judgement], verdict: Verdict, word: str) -> None:
    """As root of one host may have it tell: the name of an account, say. It would hold up what is said of all others."""
    key = "exactly-one-dialler-per-database[vox]"
    (cause,) = causes_of([replace(subjects[key], verdict=verdict, found=word * (4_000_000 // len(word)))])
    assert cause.leads[0].id == key
