"""``[[waived]]``: what may be accepted in writing, what is refused when it is loaded, and what it makes of what was found."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from voxgate.contracts.catalogue import read_catalogue
from voxgate.contracts.estates import FOLDER, load_estate
from voxgate.deploy.deciding.decision import Judged, judge_run, look_summary, look_verdict
from voxgate.deploy.judging.canary import verdict_on
from voxgate.deploy.judging.standing import Standing
from voxgate.deploy.planning.plan import Plan, Target
from voxgate.errors import Blind, EstateError, MoveFailed
from voxgate.model.invariant import Expected, Subject, expected
from voxgate.model.release import Release
from voxgate.model.verdict import Judgement, RunOutcome, RunVerdict, Verdict
from voxgate.model.waiver import Waiver
from voxgate.model.waiving import remarks, rule_on, waived_in
from voxgate.plugin import say_all
from voxgate.plugin.words import words_of

LAB = (FOLDER / "lab.toml").read_text("utf-8")
TODAY = date(2026, 11, 28)
ENTRY = {
    "rule": "only-expected-listeners",
    "subject": "fleet-*",
    "found": "vector.service listens on 0.0.0.0:8686, and the estate does not say so",
    "reason": "until the new agent is there",
    "by": "ops@example.com",
    "until": "2026-12-20",
}
VECTOR = Waiver(**{**ENTRY, "until": date(2026, 12, 20)})  # type: ignore[arg-type]
FOUND = VECTOR.found
STRANGER = "miner.service listens on 0.0.0.0:8686, and the estate does not say so"


def table(**other: str | None) -> str:
    """One entry of the file; None leaves a key out."""
    rows = {key: value for key, value in {**ENTRY, **other}.items() if value is not None}
    said = (f"{key} = {value if key == 'until' else repr(value)}\n" for key, value in rows.items())
    return "\n[[waived]]\n" + "".join(said)


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., tuple[Waiver, ...]]:
    shutil.copy(FOLDER / "services.toml", tmp_path)

    def load(*entries: str, estate: str = "") -> tuple[Waiver, ...]:
        (tmp_path / "lab.toml").write_text(LAB.replace("[estate]\n", f"[estate]\n{estate}\n", 1) + "".join(entries))
        return load_estate("lab", tmp_path, today=TODAY).waived

    return load


def test_an_entry_is_read_with_its_day_as_toml_has_it_or_as_text(read: Callable[..., tuple[Waiver, ...]]) -> None:
    assert read(table()) == read(table(until="'2026-12-20'")) == (VECTOR,)


MISTAKES: dict[str, tuple[dict[str, str | None], str, str]] = {
    "no such rule": (
        {"rule": "only-expected-listener"},
        "there is no rule 'only-expected-listener'",
        "'only-expected-listeners'",
    ),
    "no reason": ({"reason": None}, "missing key 'reason'", ""),
    "an empty reason": ({"reason": "  "}, "[waived.0.reason]: is empty", ""),
    "nobody": ({"by": None}, "missing key 'by'", ""),
    "no end": ({"until": None}, "missing key 'until'", ""),
    "nothing found": ({"found": None}, "missing key 'found'", ""),
    "anything at all": ({"found": "*"}, "says nothing of what was found", "write the whole"),
    "anything on a port": ({"found": "*80*:*"}, "says nothing of what was found", "write the whole"),
    "no subject": ({"subject": None}, "a waiver needs its subject", 'subject = "api-1"'),
    "an unknown key": ({"unitl": "x"}, "unknown key 'unitl'", "did you mean 'until'?"),
    "no day": ({"until": "'2026-02-30'"}, "2026-02-30 is no day", ""),
    "a moment": ({"until": "2026-12-20T10:00:00"}, "[waived.0.until]", ""),
    "too far ahead": ({"until": "2027-02-27"}, "until = 2027-02-27 is more than 90 days ahead", "2027-02-26 at most"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_what_cannot_be_meant_is_refused_in_one_line(read: Callable[..., tuple[Waiver, ...]], mistake: str) -> None:
    other, said, hint = MISTAKES[mistake]
    with pytest.raises(EstateError) as caught:
        read(table(**other))
    assert "lab.toml [waived" in caught.value.line
    assert said in caught.value.line
    assert hint in caught.value.hint
    assert "\n" not in caught.value.line


RULES = {one.name: one for one in read_catalogue()}
MAY = {
    *("all-workers-are-up", "each-worker-has-its-own-id", "haproxy-sees-all-workers", "unit-is-active"),
    *("boot-starts-only-what-is-known", "only-expected-listeners", "only-livekit-in-containers", "keys-are-known"),
    "process-gets-what-its-unit-says",
    *("haproxy-files-are-the-kept", "nginx-files-are-the-kept", "what-changed-since-done-is-explained"),
    *("clock-is-right", "host-has-room", "no-node-runs", "nginx-runs-its-config", "people-reach-the-console-by-https"),
}


def test_each_rule_may_be_waived_but_for_what_it_guards() -> None:
    """What a rule is about decides, and nothing else: each that guards nothing names all that it finds."""
    assert {one.name for one in RULES.values() if one.guards is None} == MAY
    assert {one.name for one in RULES.values() if one.waivable} == MAY


@pytest.mark.parametrize("rule", sorted(RULES.keys() - MAY))
def test_what_people_releases_and_secrets_depend_on_cannot_be_waived(read: Callable[..., tuple[Waiver, ...]], rule: str) -> None:
    """Refused in one line, with the reason of the rule."""
    with pytest.raises(EstateError) as caught:
        read(table(rule=rule))
    assert caught.value.line.startswith(f"lab.toml [waived.0]: {rule} cannot be waived, as it guards {RULES[rule].guards}: ")
    assert caught.value.why.split()[:4] == RULES[rule].reason.split()[:4]


@pytest.mark.parametrize("subject", ["sip-1-voxdialler", "sip-*", "*"])
def test_nothing_of_a_dialler_can_be_waived(read: Callable[..., tuple[Waiver, ...]], subject: str) -> None:
    with pytest.raises(EstateError) as caught:
        read(table(rule="unit-is-active", subject=subject))
    assert "unit-is-active[sip-1-voxdialler] cannot be waived, as it is about a dialler: two over-dial" in caught.value.line
    assert read(table(rule="unit-is-active", subject="fleet-*"))


OURS = '''
from voxgate.plugin import invariant, say, say_all
@invariant(per="host_name")
def test_ours(host_name, evidence):
    """It is ours. We know why."""
    BODY
def helper(found):
    assert not found, say_all("", found, "stop it")
def first(found):
    assert found, say("nothing", "start it")
'''
ALL, ONE = 'assert not found, say_all("", found, "do")', 'assert not found, say("x", "do")'
NAMES_ALL = {
    "one assertion at the end": (ALL, True),
    "another before it": (f"{ALL}\n    {ALL}", False),
    "one that names one thing": (ONE, False),
    "without a word": ("assert host_name", False),
    "something after it": (f"{ALL}\n    print()", False),
    "on both ways": (f"if host_name:\n        {ALL}\n    else:\n        helper([])", True),
    "on one way another": (f"if host_name:\n        {ALL}\n    else:\n        {ONE}", False),
    "on one way before it": (f"if host_name:\n        {ONE}\n    {ALL}", False),
    "in a loop": (f"for found in [[]]:\n        {ALL}", False),
    "by a function at the end": ("helper([])", True),
    "by a function before it": (f"first([])\n    {ALL}", False),
    "by a function of a function": ("def within():\n        first([])\n    within()\n    helper([])", False),
    "nothing": ("print()", False),
}


@pytest.mark.parametrize("how", NAMES_ALL)
def test_a_rule_of_a_team_may_be_waived_where_it_names_all(tmp_path: Path, how: str) -> None:
    """What is asserted before would hide what comes after it, behind a waiver."""
    body, may = NAMES_ALL[how]
    for folder in ("hosts", "suites"):
        (tmp_path / folder).mkdir()
    (tmp_path / "suites/test_own.py").write_text(OURS.replace("BODY", body))
    (tmp_path / "hosts/lab.toml").write_text(LAB + table(rule="ours", subject="api-1"))
    if may:
        assert load_estate("lab", tmp_path / "hosts", today=TODAY).waived
        return
    with pytest.raises(EstateError) as caught:
        load_estate("lab", tmp_path / "hosts", today=TODAY)
    assert "ours cannot be waived, as it stops at the first thing that it finds: It is ours" in caught.value.line
    assert "say_all(where, found, do)" in caught.value.hint


def test_the_longest_and_the_most_are_settings_with_an_end(read: Callable[..., tuple[Waiver, ...]]) -> None:
    assert read(table(until="2027-02-26"))
    assert read(table(until="2027-03-20"), estate="waived_days = 120")
    with pytest.raises(EstateError, match="until = 2026-12-20 is more than 14 days ahead"):
        read(table(), estate="waived_days = 14")
    many = [table(found=f"agent-{n}.service listens on 0.0.0.0:1, and the estate does not say so") for n in range(11)]
    assert len(read(*many[:10])) == 10
    with pytest.raises(EstateError, match="11 waivers, at most 10 may be"):
        read(*many)
    assert len(read(*many, estate="waived_most = 11")) == 11
    for setting in ("waived_days = 181", "waived_days = 0", "waived_most = 31"):
        with pytest.raises(EstateError, match=r"\[estate\.waived_"):
            read(table(), estate=setting)


def test_one_that_has_ended_still_loads(read: Callable[..., tuple[Waiver, ...]]) -> None:
    """It is red, and says so; a file that nobody can load says less."""
    assert read(table(until="2020-01-01"))


def rule_by(*waivers: Waiver, found: tuple[str, ...] = (FOUND,), day: date = TODAY) -> tuple[Verdict, str]:
    ruling = rule_on(found, "fleet-1", waivers, day, 90)
    return ruling.verdict, "; ".join(ruling.findings)


def test_the_whole_of_what_was_found_must_be_written() -> None:
    assert rule_by(VECTOR) == (Verdict.WAIVED, FOUND)
    assert rule_by(replace(VECTOR, found=f"fleet-1: {FOUND}"))[0] is Verdict.WAIVED
    assert rule_by(replace(VECTOR, found=FOUND.replace(" 0.0.0.0:", " *:")))[0] is Verdict.WAIVED
    for other in ("vector.service", FOUND[:-1], FOUND[1:], f"{FOUND}; x", FOUND.replace("8686", "868?"), FOUND.upper()):
        assert rule_by(replace(VECTOR, found=other))[0] is Verdict.VIOLATED


def test_a_stranger_beside_it_is_not_covered_and_comes_first() -> None:
    verdict, said = rule_by(VECTOR, found=(FOUND, STRANGER))
    assert verdict is Verdict.VIOLATED
    assert said == f"{STRANGER}; waived until 2026-12-20: {FOUND}"
    other = replace(VECTOR, found=STRANGER)
    assert rule_by(VECTOR, other, found=(FOUND, STRANGER))[0] is Verdict.WAIVED


def test_a_waiver_covers_one_thing_of_a_subject() -> None:
    """A pattern that also fits a stranger lets nobody in behind the one that was meant."""
    broad = replace(VECTOR, found="*.service listens on 0.0.0.0:8686, and the estate does not say so")
    assert rule_by(broad)[0] is Verdict.WAIVED
    verdict, said = rule_by(broad, found=(FOUND, STRANGER))
    assert verdict is Verdict.VIOLATED
    assert said.count("(the waiver of this fits 2 things that were found, and covers one: write what it is)") == 2
    assert rule_by(broad, VECTOR, found=(FOUND, STRANGER))[0] is Verdict.VIOLATED


@pytest.mark.parametrize(
    ("day", "verdict", "said"),
    [
        (date(2026, 12, 20), Verdict.WAIVED, FOUND),  # its last day
        (date(2026, 12, 21), Verdict.VIOLATED, f"{FOUND} (the waiver of this ended on 2026-12-20)"),
        (
            date(2026, 9, 20),
            Verdict.VIOLATED,
            f"{FOUND} (the waiver of this ends on 2026-12-20, more than 90 days after 2026-09-20)",
        ),
    ],
)
def test_it_counts_until_its_day_and_says_when_it_ended(day: date, verdict: Verdict, said: str) -> None:
    assert rule_by(VECTOR, day=day) == (verdict, said)


def test_one_that_was_written_anew_counts_beside_the_old_one() -> None:
    old = replace(VECTOR, until=date(2026, 11, 1))
    ruling = rule_on((FOUND,), "fleet-1", (old, VECTOR), TODAY, 90)
    assert (ruling.verdict, ruling.waivers) == (Verdict.WAIVED, (VECTOR,))


ESTATE = replace(load_estate("lab"), waived=(VECTOR,))
ABOUT = Expected(RULES["only-expected-listeners"], Subject("fleet-1", "fleet-1", None, "fleet-1"))


def test_a_judgement_knows_what_is_waived_of_it() -> None:
    error = AssertionError(say_all("fleet-1", [FOUND], "stop it"))
    words = words_of(error, ABOUT, ESTATE, TODAY)
    assert (words.verdict, words.found, words.advice) == (Verdict.WAIVED, f"fleet-1: {FOUND}", "stop it")
    assert words.waivers == (VECTOR,)
    elsewhere = Expected(ABOUT.invariant, Subject("sip-1", "sip-1", None, "sip-1"))
    other_rule = Expected(RULES["host-has-room"], ABOUT.subject)
    for about in (elsewhere, other_rule, None):
        assert words_of(error, about, ESTATE, TODAY).verdict is Verdict.VIOLATED


def test_text_of_a_strangers_own_is_no_way_in() -> None:
    """Who chooses his name cannot part what was found into things that are known."""
    known = "process 7 (agent) listens on 0.0.0.0:9, and the estate does not say so"
    estate = replace(ESTATE, waived=(VECTOR, replace(VECTOR, found=known)))
    words = words_of(AssertionError(say_all("fleet-1", [f"{known}; {FOUND}"], "stop it")), ABOUT, estate, TODAY)
    assert (words.verdict, words.found) == (Verdict.VIOLATED, f"fleet-1: {known}, {FOUND}")
    both = words_of(AssertionError(say_all("fleet-1", [known, FOUND], "stop it")), ABOUT, estate, TODAY)
    assert both.verdict is Verdict.WAIVED


def test_no_word_of_a_strangers_own_stands_where_another_s_name_does() -> None:
    """Whoever chooses his words cannot say in them whom the waiver is about: a ``*`` before them ends before them."""
    mine = "process 7 of deploy is node: node /srv/tool.js"
    waiver = replace(VECTOR, found="process * of deploy is node: node /srv/tool.js*")
    assert rule_by(waiver, found=(mine,))[0] is Verdict.WAIVED
    assert rule_by(waiver, found=(f"{mine} --at http://x: all",))[0] is Verdict.WAIVED
    for stranger in ("node: x of deploy is node: node /srv/tool.js", "node /x of deploy is node: node /srv/tool.js"):
        assert rule_by(waiver, found=(f"process 7 of vox is node: {stranger}",))[0] is Verdict.VIOLATED
    home = replace(VECTOR, found="process * of deploy is a program of its own: /srv/tool")
    path = "/home/vox/a of deploy is a program of its own: /srv/tool"
    assert rule_by(home, found=(f"process 7 of vox is a program of its own: {path}",))[0] is Verdict.VIOLATED


def test_no_text_of_a_host_makes_a_waiver_take_time() -> None:
    """A host may say a megabyte where a name is meant."""
    waiver = replace(VECTOR, found="process * (a) * listens on 0.0.0.0:*, and the estate does not say *so")
    stranger = "process " + " (a) listens on 0.0.0.0:, and the estate does not say" * 20_000
    assert rule_by(waiver, found=(stranger,))[0] is Verdict.VIOLATED


def test_what_could_not_be_seen_is_never_waived() -> None:
    assert words_of(Blind(FOUND), ABOUT, ESTATE, TODAY).verdict is Verdict.BLIND
    assert words_of(OSError(FOUND), ABOUT, ESTATE, TODAY).verdict is Verdict.BLIND


def test_nothing_of_a_dialler_is_waived_whatever_a_rule_allows() -> None:
    rule = RULES["unit-is-active"]
    estate = replace(ESTATE, waived=(replace(VECTOR, rule=rule.name, subject="*"),))
    found = {
        one.subject.service: words_of(AssertionError(f"{one.subject.host}: {FOUND}"), one, estate, TODAY).verdict
        for one in expected([rule], ESTATE, (), deploying=frozenset())
    }
    assert found == {"backend": Verdict.WAIVED, "fleet": Verdict.WAIVED, "dialler": Verdict.VIOLATED}


def test_what_is_said_of_the_waivers_themselves() -> None:
    """A week before the end in every run; that one covers nothing after a whole look only."""
    room = replace(VECTOR, rule="host-has-room", until=TODAY + timedelta(days=7))
    last = "the waiver of host-has-room[fleet-*] ends on 2026-12-05, in 7 days: until the new agent is there (ops@example.com)"
    assert list(remarks((VECTOR, room), TODAY, None)) == [last]
    assert list(remarks((room,), TODAY - timedelta(days=1), None)) == []
    assert [line.rpartition(", ")[2][:6] for line in remarks((room,), room.until, None)] == ["today:"]
    unused = (
        "the waiver of only-expected-listeners[fleet-*] until 2026-12-20 covers nothing that was found: take it out;"
        " until the new agent is there (ops@example.com)"
    )
    full = replace(judged(Verdict.WAIVED, "host-has-room[fleet-1]"), waivers=(room,))
    assert list(remarks((VECTOR, room), TODAY, (full, GOOD))) == [unused, last]
    assert list(remarks((VECTOR,), TODAY, (judged(Verdict.WAIVED),))) == []


def test_what_could_not_be_seen_does_not_say_that_it_is_not_needed() -> None:
    """Of its own rule and subject; whatever else is blind says nothing of it."""
    blind = replace(judged(Verdict.BLIND), invariant=VECTOR.rule)
    assert list(remarks((VECTOR,), TODAY, (blind,))) == []
    for other in (replace(blind, id="only-expected-listeners[sip-1]"), replace(blind, invariant="host-has-room")):
        assert len(list(remarks((VECTOR,), TODAY, (other,)))) == 1


def judged(verdict: Verdict, key: str = "only-expected-listeners[fleet-1]", host: str | None = "fleet-1") -> Judgement:
    waivers = (VECTOR,) if verdict is Verdict.WAIVED else ()
    found = "" if verdict is Verdict.HOLDS else FOUND
    return Judgement(key, key, key, "why", verdict, None, host, found, waivers=waivers)


GOOD = judged(Verdict.HOLDS, "clock-is-right[fleet-1]")


def test_a_look_with_it_holds_and_says_until_when() -> None:
    both = (judged(Verdict.WAIVED), GOOD)
    came = Judged([one.id for one in both], both)
    assert judge_run(came) is RunVerdict.HOLDS
    assert look_summary(came, look_verdict(came), ["fleet-1"], 0) == "1 of 2 invariants hold, 1 waived until 2026-12-20"
    part = look_summary(came, look_verdict(came, part=True), ["fleet-1"], 0)
    assert part.startswith("1 of 2 invariants of fleet-1 hold, 1 waived until 2026-12-20; ")
    later = replace(both[0], waivers=(replace(VECTOR, until=date(2026, 12, 24)),))
    assert waived_in([both[0], later]) == ", 2 waived, the first until 2026-12-20"
    assert judge_run(Judged([], (*both, judged(Verdict.BLIND, "x")))) is RunVerdict.BLIND


def test_nobody_says_that_it_is_waived_without_saying_by_whom() -> None:
    outcome = RunOutcome("r", "lab", RunVerdict.HOLDS, 0, 1.0, 1.0, deploy=False, partial=False, summary="x")
    assert not replace(outcome, judgements=(judged(Verdict.WAIVED),)).contradiction
    assert replace(outcome, judgements=(replace(judged(Verdict.WAIVED), waivers=()),)).contradiction


FLEET = Plan(
    (
        Target(
            ESTATE.service("fleet"),
            Release("fleet", "b" * 40, "vox-agents-2026.06.24-1"),
            tuple(one for one in ESTATE.placements if one.service.name == "fleet"),
            {},
        ),
    )
)


def test_it_stops_no_deploy_and_is_nothing_that_stood_before() -> None:
    """So what is violated there afterwards is worse than before: something else was found."""
    standing = Standing.of((judged(Verdict.WAIVED), GOOD), FLEET, (), "", back=False)
    assert standing.stopping(FLEET) == ()
    assert standing.found == ()
    assert standing.against((RunVerdict.HOLDS, (judged(Verdict.WAIVED),)))[0] is RunVerdict.HOLDS
    assert standing.against((RunVerdict.VIOLATED, (judged(Verdict.VIOLATED),)))[0] is RunVerdict.VIOLATED
    assert standing.still((judged(Verdict.WAIVED),)) == ()


def test_a_canary_beside_it_is_in_order() -> None:
    placement = FLEET.targets[0].placements[0]
    outcome = RunOutcome("r", "lab", RunVerdict.HOLDS, 0, 1.0, 1.0, deploy=False, partial=True, summary="x")
    well = replace(outcome, judgements=(judged(Verdict.WAIVED), GOOD))
    assert verdict_on(well, placement, (), Standing()) == "the whole host judged, 1 rule holds, 1 waived"
    with pytest.raises(MoveFailed, match="not in order"):
        verdict_on(replace(well, judgements=(judged(Verdict.VIOLATED), GOOD)), placement, (), Standing())
