"""What services left for each other, judged by the contracts as the look has it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from voxgate.model.answers import Record
from voxgate.model.database import Pace
from voxgate.model.evidence import Missing, known
from voxgate.model.look import Question
from voxgate.model.surroundings import EntryFact

from .conftest import Case

REGISTRY, RECORDS = "registry-entries-keep-the-contract", "dialler-records-keep-the-contract"
FLEET, OTHER, UNIT = f"{REGISTRY}[fleet-fleet-1]", f"{REGISTRY}[fleet-fleet-2]", f"{RECORDS}[sip-1-voxdialler]"
MOMENT = {"$date": "1970-01-01T00:00:00Z"}
TICK: dict[str, Any] = {"host": "(text)", "pid": 486, "at": MOMENT, "tick": 12}
PROCESS: dict[str, Any] = {"_id": "sip-1/486", "host": "(text)", "pid": 486, "at": MOMENT, "ticks": 12}
CALL: dict[str, Any] = {"state": "placed", "trunk": "(text)", "placed_at": MOMENT, "placed_by": 486}


def with_store(green: Case, **parts: Any) -> Case:
    """Something else where the first fleet host's registry is."""
    stores = {one.setting: one for one in known(green.of("fleet-1").stores["fleet"])}
    stores["REDIS_URL"] = replace(stores["REDIS_URL"], **parts)
    return green.host("fleet-1", stores={"fleet": tuple(stores.values())})


def with_entry(green: Case, lives: int = 2500, holds: str = "JSON", **fields: Any) -> Case:
    """Another entry of the first worker; a field of None is not there."""
    store = next(one for one in known(green.of("fleet-1").stores["fleet"]) if one.setting == "REDIS_URL")
    first, *others = store.entries
    said = {key: value for key, value in {**json.loads(first.said), **fields}.items() if value is not None}
    entry = EntryFact(first.worker, lives, holds, json.dumps(said) if holds == "JSON" else "")
    return with_store(green, entries=(entry, *others))


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"calls": "(text)"}, "breaks the contract registry-entry: $.calls: '(text)' is not of type 'integer'"),
        ({"max": None}, "breaks the contract registry-entry: $: 'max' is a required property"),
        ({"commit": "(text)"}, "breaks the contract registry-entry: $.commit: '(text)' does not match"),
        ({"region": "(text)"}, "breaks the contract registry-entry: $: Additional properties are not allowed"),
        ({"id": "fleet-1/2"}, "in Redis vox:workers:fleet-1/1 says that it is fleet-1/2"),
        ({"lives": -1}, "never runs out: it leads calls to a worker that is dead"),
        ({"lives": 3_600_000}, "runs out in 3600 s only, 30 are the most"),
        ({"holds": "no text"}, "vox:workers:fleet-1/1 is no text"),
        ({"lives": -2, "holds": "gone"}, "there is no vox:workers:fleet-1/1, and voxcore@1.service says that it is well"),
    ],
)
def test_an_entry_that_nobody_can_read_is_violated(green: Case, parts: dict[str, Any], said: str) -> None:
    found = with_entry(green, **parts).judge()
    assert list(found) == [FLEET]
    assert found[FLEET][0] == "violated"
    assert said in found[FLEET][1]


def test_a_worker_that_is_busy_or_registered_for_longer_is_well(green: Case) -> None:
    assert with_entry(green, lives=30_000, calls=1).judge() == {}


@pytest.mark.parametrize("unread", ["refused: NOAUTH", "timeout"])
def test_a_redis_that_does_not_tell_is_blind(green: Case, unread: str) -> None:
    found = with_store(green, entries=(), unread=unread).judge([REGISTRY])
    assert found == {FLEET: ("blind", found[FLEET][1])}
    assert f"REDIS_URL leads to a Redis that does not tell the workers' entries: {unread}" in found[FLEET][1]


def test_what_the_probe_could_not_tell_is_blind_and_of_that_host_alone(green: Case) -> None:
    lost = Missing("denied", "may not read .env", "fleet-1")
    assert {one: how for one, (how, _) in green.host("fleet-1", stores={"fleet": lost}).judge([REGISTRY]).items()} == {
        FLEET: "blind"
    }


@pytest.mark.parametrize("outcome", ["refused", "timeout"])
def test_a_redis_that_is_not_there_is_anothers_to_say(green: Case, outcome: str) -> None:
    assert with_store(green, entries=(), outcome=outcome).judge([REGISTRY]) == {}


def test_a_redis_by_tls_is_not_asked(green: Case) -> None:
    assert with_store(green, entries=()).judge([REGISTRY]) == {}


def test_a_worker_that_is_not_well_needs_no_entry(green: Case) -> None:
    gone = with_entry(green, lives=-2, holds="gone")
    assert gone.answer(Question("fleet-1", 8101, "/health"), trouble="connection refused").judge([REGISTRY]) == {}


def with_records(green: Case, records: Any, pace: Pace | None = None) -> Case:
    """Other records in the database, of a process that has been there for an hour."""
    view, (database,) = known(green.evidence.second.databases["vox"]), green.estate.databases
    case = green.look(lambda look: replace(look, databases={"vox": replace(view, records=records)}))
    case = case.process("sip-1", "voxdialler.service", started=known(green.of("sip-1").time) - 3600)
    return case if pace is None else replace(case, estate=replace(case.estate, databases=(replace(database, pace=pace),)))


@pytest.mark.parametrize(
    ("collection", "record", "age", "said"),
    [
        ("ticks", {**TICK, "pid": "(text)"}, 0.5, "dialler-tick: $.pid: '(text)' is not of type 'integer'"),
        ("ticks", {**TICK, "tick": 1.5}, 0.5, "dialler-tick: $.tick: 1.5 is not of type 'integer'"),
        ("ticks", {**TICK, "at": "(text)"}, 30.0, "dialler-tick: $.at: '(text)' is not of type 'object'"),
        (
            "ticks",
            {key: value for key, value in TICK.items() if key != "host"},
            0.5,
            "dialler-tick: $: 'host' is a required property",
        ),
        ("diallers", {**PROCESS, "ticks": "(text)"}, 0.5, "dialler-process: $.ticks: '(text)' is not of type 'integer'"),
        ("diallers", {**PROCESS, "at": "(text)"}, None, "dialler-process: $.at: '(text)' is not of type 'object'"),
        ("diallers", {**PROCESS, "_id": {}}, 0.5, "dialler-process: $['_id']: {} is not of type 'string'"),
        ("calls", {**CALL, "placed_by": "(text)"}, 20.0, "dialled-call: $.placed_by: '(text)' is not of type 'integer'"),
        ("calls", {**CALL, "state": "(text)"}, 20.0, "dialled-call: $.state: '(text)' is not one of ['due', 'placed']"),
        ("calls", {"state": "placed"}, 20.0, "dialled-call: $: 'placed_at' is a required property, $: 'placed_by' is a required"),
    ],
)
def test_a_record_that_nobody_can_read_is_violated(
    green: Case, collection: str, record: dict[str, Any], age: float | None, said: str
) -> None:
    found = with_records(green, {collection: (Record(age, record),)}).judge([RECORDS])
    assert list(found) == [UNIT]
    assert found[UNIT][0] == "violated"
    assert f"vox.{collection}: its newest records break the contract {said}" in found[UNIT][1]


@pytest.mark.parametrize(
    ("collection", "record", "age"),
    [
        ("ticks", {**TICK, "pid": "(text)"}, 3600.0),  # of the release before this one
        ("ticks", {**TICK, "pid": "(text)"}, None),
        ("diallers", {**PROCESS, "_id": "sip-1/85", "at": "(text)"}, None),
        ("calls", {"state": "(text)"}, 5.0),  # not placed yet: whoever put it there says what else it may be
        ("calls", {"state": "due"}, 5.0),
        ("calls", CALL, 5.0),
        ("calls", {**CALL, "placed_by": "(text)"}, 7200.0),
    ],
)
def test_what_this_process_did_not_write_is_not_its_own(
    green: Case, collection: str, record: dict[str, Any], age: float | None
) -> None:
    assert with_records(green, {collection: (Record(age, record),)}).judge([RECORDS]) == {}


def test_an_empty_database_is_well(green: Case) -> None:
    assert with_records(green, {"ticks": (), "diallers": (), "calls": ()}).judge([RECORDS]) == {}
    assert with_records(green, {"calls": ()}).judge([RECORDS]) == {}


@pytest.mark.parametrize("told", [{}, Missing("denied", "not authorized on vox", "vox")])
def test_a_database_that_does_not_tell_its_records_is_blind_where_it_is_asked(green: Case, told: Any) -> None:
    assert with_records(green, told).judge([RECORDS])[UNIT][0] == "blind"
    assert with_records(green, told, Pace()).judge([RECORDS]) == {}
