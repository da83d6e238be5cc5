"""Settings and pace: what the estate says, what others have, how fast a dialler really is; by check digits and counters alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from voxgate.model.answers import Answer
from voxgate.model.database import Database, Pace
from voxgate.model.evidence import Missing, known
from voxgate.model.look import Question
from voxgate.survey.settings import digits_of

from .conftest import Case
from .test_typed import typed

SAID, SAME = "settings-are-what-the-estate-says", "settings-are-the-same-everywhere"
LEAD, PACE = "settings-lead-to-what-is-there", "dialler-keeps-its-pace[sip-1-voxdialler]"
METRICS = Question("sip-1", 8090, "/metrics")
HOME = {"backend": "api-1", "fleet": "fleet-1", "dialler": "sip-1"}


def with_setting(green: Case, host: str, service: str, setting: str, value: str) -> Case:
    """The same estate with another value in one ``.env``."""
    fact = known(green.of(host).env_files[service])
    rows = {name: digits for name, digits in fact.digits_of.items() if name.rstrip("/") != setting}
    for part in ("", "/"):
        rows |= {f"{setting}{part}": digits for digits in digits_of(setting, [value], part)}
    return green.of_service(host, "env_files", service, digits=tuple(f"{digits} {name}" for name, digits in rows.items()))


@pytest.mark.parametrize(
    ("service", "setting", "value", "said"),
    [
        ("backend", "MONGODB_URI", "mongodb://u:p@198.51.100.11:27017/vox_staging?w=1", "names another database than vox"),
        ("dialler", "MONGODB_URI", "mongodb://198.51.100.11:27017/", "names another database than vox"),
        ("dialler", "MONGODB_URI", "not an address", "names another database than vox"),
        ("dialler", "DIALLER_TICK_SECONDS", "0.1", "is not 1, the seconds of a tick"),
        ("dialler", "DIALLER_TICK_SECONDS", "10", "is not 1, the seconds of a tick"),
        ("dialler", "SIP_TRUNK_ID", "ST_production", "is not ST_lab, as the estate says"),
    ],
)
def test_a_setting_that_is_not_as_the_estate_says_is_violated(
    green: Case, service: str, setting: str, value: str, said: str
) -> None:
    found = with_setting(green, HOME[service], service, setting, value).judge([SAID])
    assert list(found) == [f"{SAID}[{service}-{HOME[service]}]"]
    (verdict, words) = found[f"{SAID}[{service}-{HOME[service]}]"]
    assert verdict == "violated"
    assert f"{setting} in /opt/vox-{service}/.env {said}" in words
    assert value.partition("://")[2] not in words or not value.partition("://")[2]


@pytest.mark.parametrize(
    ("service", "setting", "value"),
    [
        ("backend", "MONGODB_URI", "mongodb://vox:another@198.51.100.11:27017/vox?replicaSet=rs0"),
        ("dialler", "DIALLER_TICK_SECONDS", "1.0"),
        ("dialler", "DIALLER_TICK_SECONDS", "01"),
        ("fleet", "REDIS_URL", "redis://:a-password@198.51.100.11:6379/0"),
        ("fleet", "LIVEKIT_URL", "ws://198.51.100.41:7880/"),
    ],
)
def test_the_same_written_otherwise_is_the_same(green: Case, service: str, setting: str, value: str) -> None:
    assert with_setting(green, HOME[service], service, setting, value).judge([SAID, SAME]) == {}


def test_one_service_of_several_has_another_key(green: Case) -> None:
    found = with_setting(green, "api-1", "backend", "LIVEKIT_API_KEY", "APIanotherKey-0123456").judge([SAME])
    assert list(found) == [f"{SAME}[backend-api-1]"]
    assert (
        "LIVEKIT_API_KEY in /opt/vox-backend/.env is another than the fleet's on fleet-1 and"
        in found[f"{SAME}[backend-api-1]"][1]
    )


def test_of_two_hosts_with_two_keys_either_may_be_wrong(green: Case) -> None:
    found = with_setting(green, "fleet-2", "fleet", "OPENAI_API_KEY", "sk-of-another-account-012345").judge([SAME])
    assert list(found) == [f"{SAME}[fleet-fleet-1]", f"{SAME}[fleet-fleet-2]"]


def test_what_may_differ_may(green: Case) -> None:
    services = tuple(
        replace(one, differing_settings=("OPENAI_*",)) if one.name == "fleet" else one for one in green.estate.services
    )
    case = replace(green, estate=replace(green.estate, services=services))
    assert with_setting(case, "fleet-2", "fleet", "OPENAI_API_KEY", "sk-of-another-account-012345").judge([SAME]) == {}


def test_of_what_an_earlier_probe_does_not_tell_the_rule_is_blind(green: Case) -> None:
    case = green.of_service("sip-1", "env_files", "dialler", digits=())
    assert {key: verdict for key, (verdict, _) in case.judge([SAID, SAME]).items()} == {f"{SAID}[dialler-sip-1]": "blind"}


def test_a_host_that_was_not_seen_stops_no_other(green: Case) -> None:
    lost = Missing("unreachable", "no answer", "fleet-1")
    case = green.look(lambda look: replace(look, hosts={**look.hosts, "fleet-1": lost}))
    assert list(case.judge([SAME])) == [f"{SAME}[fleet-fleet-1]"]
    case = with_setting(case, "api-1", "backend", "LIVEKIT_API_SECRET", "another-secret-of-livekit")
    assert f"{SAME}[backend-api-1]" in case.judge([SAME])


@pytest.mark.parametrize(("service", "host"), [("fleet", "fleet-2"), ("dialler", "sip-1")])
def test_an_address_where_nobody_answers_is_violated(green: Case, service: str, host: str) -> None:
    rows = tuple(
        replace(one, outcome="refused") if one.setting == "LIVEKIT_URL" else one for one in known(green.of(host).stores[service])
    )
    facts: dict[str, Any] = {"stores": {**green.of(host).stores, service: rows}}
    found = green.host(host, **facts).judge([LEAD])
    assert list(found) == [f"{LEAD}[{service}-{host}]"]
    assert "the address in LIVEKIT_URL could not be reached from here: refused" in found[f"{LEAD}[{service}-{host}]"][1]


# --- the pace ---


def paced(green: Case, pace: Pace) -> Case:
    """The same estate with another pace."""
    (database,) = green.estate.databases
    other: Database = replace(database, pace=pace)
    return replace(green, estate=replace(green.estate, databases=(other,)))


def counting(green: Case, **counters: float) -> Case:
    """Other counters on the second page of metrics."""
    answer = green.evidence.second.answer(METRICS)
    lines = answer.body.decode().splitlines()
    names = {"ticks": "voxdialler_ticks_total", "calls": "voxdialler_calls_placed_total"}
    for what, value in counters.items():
        lines = [f"{names[what]} {value}" if line.startswith(f"{names[what]} ") else line for line in lines]
    return green.answer(METRICS, body=("\n".join(lines) + "\n").encode())


def ticks(green: Case) -> float:
    """How often it ticked by the second look."""
    lines = green.evidence.second.answer(METRICS).body.decode().splitlines()
    return float(next(line.split()[1] for line in lines if line.startswith("voxdialler_ticks_total ")))


def in_the_database(green: Case, recent: Any) -> Case:
    """Other records in the database itself, of a process that has been there for an hour."""
    view = known(green.evidence.second.databases["vox"])
    pace = green.estate.databases[0].pace
    case = paced(green, replace(pace, ticks_in="ticks.at") if pace.calls_in else pace).look(
        lambda look: replace(look, databases={"vox": replace(view, recent=recent)})
    )
    return case.process("sip-1", "voxdialler.service", started=known(green.of("sip-1").time) - 3600)


@pytest.mark.parametrize(
    ("pace", "said"),
    [
        (Pace(tick=2.0), "says that it ticks every 1 s, the estate says every 2 s"),
        (Pace(tick=100.0), "since its process began it made"),
    ],
)
def test_a_slower_pace_of_the_estate_is_violated(green: Case, pace: Pace, said: str) -> None:
    verdict, words = paced(green, pace).judge([PACE.partition("[")[0]])[PACE]
    assert verdict == "violated"
    assert said in words


def test_ticks_between_the_looks_are_counted(green: Case) -> None:
    first, second = (look.answer(METRICS) for look in (green.evidence.first, green.evidence.second))
    most = second.asked - first.asked
    found = counting(green, ticks=ticks(green) + 9 * (most + 2)).judge([PACE.partition("[")[0]])
    assert "between the looks it made" in found[PACE][1]


def test_calls_are_counted_where_a_most_is_said(green: Case) -> None:
    assert counting(green, calls=100_000).judge([PACE.partition("[")[0]])[PACE][0] == "violated"
    assert counting(paced(green, Pace()), calls=100_000).judge([PACE.partition("[")[0]]) == {}


@pytest.mark.parametrize(
    ("recent", "said"),
    [
        ({"ticks": (5, 15, 61), "calls": (0, 0, 0)}, ""),
        ({"ticks": (10, 30, 120), "calls": (0, 0, 0)}, "the database vox has 120 ticks of the last 60 s, 65 are the most"),
        ({"ticks": (5, 20, 80), "calls": (0, 0, 0)}, ""),  # a second dialler that was stopped ten seconds ago
        ({"ticks": (5, 15, 60), "calls": (0, 60, 80)}, "the database vox has 80 calls of the last 60 s, 60 are the most"),
    ],
)
def test_what_the_database_has_is_counted_whoever_wrote_it(green: Case, recent: Any, said: str) -> None:
    found = in_the_database(green, recent).judge([PACE.partition("[")[0]])
    assert said in found.get(PACE, ("", ""))[1]
    assert bool(found) == bool(said)


def test_what_a_process_before_this_one_wrote_counts_no_more(green: Case) -> None:
    case = in_the_database(green, {"ticks": (6, 150, 600), "calls": (0, 0, 0)})
    young = case.process("sip-1", "voxdialler.service", started=known(green.of("sip-1").time) - 6)
    assert counting(young, ticks=6).judge([PACE.partition("[")[0]]) == {}


@pytest.mark.parametrize("recent", [{}, {"ticks": (5, 15, 60)}, Missing("denied", "not authorized on vox", "vox")])
def test_a_database_that_does_not_tell_is_blind(green: Case, recent: Any) -> None:
    assert in_the_database(green, recent).judge([PACE.partition("[")[0]])[PACE][0] == "blind"
    assert in_the_database(paced(green, Pace()), recent).judge([PACE.partition("[")[0]]) == {}


@pytest.mark.parametrize(("readers", "red"), [((), False), (("deploy",), False), (("deploy", "www-data"), True)])
def test_secrets_are_read_by_their_owner_and_who_deploys_alone(green: Case, readers: tuple[str, ...], red: bool) -> None:  # noqa: FBT001
    found = green.of_service("api-1", "env_files", "backend", readers=readers).judge()
    assert list(found) == (["env-file-is-complete[backend-api-1]"] if red else [])
    assert not red or "can be read by www-data too" in found["env-file-is-complete[backend-api-1]"][1]


@pytest.mark.parametrize(
    ("mode", "readers", "said"),
    [
        ("0640", ("vox",), ""),
        ("0640", ("deploy", "vox"), ""),
        ("0600", (), "belongs to root"),
        ("0644", ("vox",), "belongs to root"),
        ("0640", ("vox", "www-data"), "can be read by www-data too"),
    ],
)
def test_settings_may_be_roots_where_their_service_may_read_them(
    green: Case, mode: str, readers: tuple[str, ...], said: str
) -> None:
    """So that it cannot write them: systemd's first process reads them, however long they are."""
    found = green.of_service("api-1", "env_files", "backend", owner="root", mode=mode, readers=readers).judge()
    assert list(found) == (["env-file-is-complete[backend-api-1]"] if said else [])
    assert not said or said in found["env-file-is-complete[backend-api-1]"][1]


def test_who_owns_settings_is_who_edits_them(green: Case) -> None:
    for owner, readers, edited in (("root", ("vox",), "sudoedit /opt"), ("vox", (), "sudoedit -u vox /opt")):
        case = green.of_service("api-1", "env_files", "backend", owner=owner, mode="0640", readers=readers, keys=())
        assert typed(case, "env-file-is-complete[backend-api-1]")[0] == f"{edited}/vox-backend/.env"


def test_a_second_look_waits_from_the_last_page_of_the_first(green: Case) -> None:
    """A page that is asked late in the first look, and early in the second, would stand still with nothing wrong."""
    first = green.evidence.first
    late = next(one for one in first.answers.values() if isinstance(one, Answer))

    def counts_from(after: float, **parts: Any) -> float:
        answers = {METRICS: replace(late, asked=first.taken + after, **parts)}
        return replace(first, answers=answers).counts_from - first.taken

    assert counts_from(0.4) == pytest.approx(0.4)
    assert counts_from(9.0) == 0.0  # nobody waits for one who is slow
    assert counts_from(0.4, trouble="refused") == 0.0


def test_what_over_dials_is_stopped_and_then_put_right(green: Case) -> None:
    """By its settings where these say it; where it says the right pace and has another, its code is not the release's."""
    first, second = (look.answer(METRICS) for look in (green.evidence.first, green.evidence.second))
    fast = ticks(green) + 9 * (second.asked - first.asked + 2)
    stop, edit, start = typed(paced(green, Pace(tick=60.0)), PACE)
    assert (stop, start) == ("systemctl stop voxdialler.service", "systemctl start voxdialler.service")
    assert edit == "sudoedit -u vox /opt/vox-dialler/.env"
    stop, again = typed(counting(green, ticks=fast), PACE)
    assert stop == "systemctl stop voxdialler.service"
    assert again.startswith("make gate ESTATE=lab SERVICE=dialler TAG=")
