"""A host's answers: the one form, or that host is lost. Whatever JSON comes, nothing else ever happens."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from voxgate.contracts.json_strict import loads
from voxgate.contracts.typed import WrongFormError
from voxgate.deploy.hosts import answers
from voxgate.deploy.hosts.holding import held_elsewhere
from voxgate.deploy.hosts.speaking import Speech
from voxgate.errors import CommandUnknown, ContractError

SERVICES = ("backend", "console")
WRITTEN = {
    "good": None,
    "journal": "{}",
    "put_back": None,
    "owner": "{}",
    "held": False,
    "ledger": [],
    "git_locks": ["/opt/x/.git/index.lock"],
}
STATE = {"services": dict.fromkeys(SERVICES, WRITTEN), "boot": "b", "writable": True, "done": None, "others": {"data": "x"}}
DONE = {"exit": 0, "out": "x", "err": "", "why": "", "seconds": 0.25}
FAILED = {**DONE, "exit": 1}
UNKNOWN = {**DONE, "exit": None, "why": "was cut short"}
READERS: dict[str, tuple[Callable[[object], object], dict[str, Any]]] = {
    "reply": (answers.reply, {"id": 7, "ok": {}}),
    "nothing": (answers.nothing, {}),
    "state": (answers.state_of(SERVICES, 3, ["data"]), STATE),
    "claimed": (answers.claimed(SERVICES, 0, ["data"]), {**STATE, "epochs": {"backend": 1, "console": 2}}),
    "ended": (answers.ended(3), {"results": [DONE, UNKNOWN]}),
    "texts": (answers.texts_in("removed"), {"removed": ["/a", "/b"]}),
    "holder": (answers.holder, {"owner": '{"by": "me", "run": "r"}', "journal": None}),
}
HUGE = st.integers(2**53, 2**4000) | st.integers(-(2**200), -1) | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | HUGE | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
FUZZ = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def places(value: object, path: tuple[object, ...] = ()) -> Iterator[tuple[object, ...]]:
    """Every place in a document."""
    yield path
    rows = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, row in rows:
        yield from places(row, (*path, key))


def put(document: Any, path: tuple[Any, ...], value: object) -> Any:
    """The document with another value in one place."""
    if not path:
        return value
    whole = copy.deepcopy(document)
    inner = whole
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return whole


@pytest.mark.parametrize("name", READERS)
def test_the_one_form_is_read(name: str) -> None:
    read, good = READERS[name]
    read(good)


@pytest.mark.parametrize("name", READERS)
@FUZZ
@given(value=JSON)
def test_any_json_at_all_is_of_the_form_or_is_not(name: str, value: object) -> None:
    read, _ = READERS[name]
    with suppress(WrongFormError):
        read(value)


@pytest.mark.parametrize("name", READERS)
@FUZZ
@given(data=st.data())
def test_any_json_in_any_place_is_of_the_form_or_is_not(name: str, data: st.DataObject) -> None:
    read, good = READERS[name]
    path = data.draw(st.sampled_from(list(places(good))))
    with suppress(WrongFormError):
        read(put(good, path, data.draw(JSON)))


@pytest.mark.parametrize("name", [name for name in READERS if name != "nothing"])
def test_a_member_less_or_more_is_not_of_the_form(name: str) -> None:
    read, good = READERS[name]
    for key in good:
        with pytest.raises(WrongFormError):
            read({other: value for other, value in good.items() if other != key})
    with pytest.raises(WrongFormError):
        read({**good, "more": 1})


def test_a_line_is_a_heartbeat_s_or_an_answer_of_one_kind() -> None:
    assert answers.reply({"id": 0}) == answers.Reply(0)
    assert answers.reply({"id": 0, "ok": 1}) == answers.Reply(0, "ok", 1)
    for kind in ("ok", "held", "fenced", "error"):
        assert answers.reply({"id": 7, kind: "said"}) == answers.Reply(7, kind, "said")
    for wrong in ({"id": 7}, {"id": 1, "ok": {}, "held": {}}, {"id": -1, "ok": {}}, {"id": False}, {"id": 0.0}):
        with pytest.raises(WrongFormError):
            answers.reply(wrong)


@pytest.mark.parametrize(
    ("read", "wrong"),
    [
        (answers.nothing, {"more": 1}),
        (answers.state_of(SERVICES, 3, ["data"]), STATE | {"writable": 1}),
        (answers.state_of(SERVICES, 3, ["data"]), STATE | {"others": {"data": 1}}),
        (answers.state_of(("backend",), 3), STATE | {"others": {}}),
    ],
)
def test_what_is_of_another_kind_is_not_of_the_form(read: Callable[[object], object], wrong: object) -> None:
    with pytest.raises(WrongFormError):
        read(wrong)


def test_of_a_file_s_object_texts_and_numbers_are_told_and_of_each_two_hundred_letters() -> None:
    said = {"run": "r1", "n": 7, "done": True, "rows": [1], "half": 1.5, "none": None, "long": "x" * 201}
    assert answers.object_in(json.dumps(said)) == {"run": "r1", "n": "7", "long": "x" * 200}
    assert answers.object_in("[1]") == answers.object_in("{") == answers.object_in(None) == {}


@pytest.mark.parametrize(
    "results",
    [[], [DONE], [DONE, FAILED, DONE], [FAILED, DONE, DONE], [UNKNOWN, DONE, DONE], [DONE] * 4,
     [{**DONE, "exit": True}], [{**DONE, "exit": 2**64}],
     [{**DONE, "exit": 0.0}, DONE, DONE], [{**FAILED, "seconds": -1}], [{**FAILED, "seconds": 10**400}], [{**UNKNOWN, "why": ""}],
     [{**FAILED, "why": "and why"}], [{**FAILED, "out": "x" * 10**6}], [{**FAILED, "err": None}]],
)  # fmt: skip
def test_steps_that_cannot_have_ended_so_are_no_answer(results: object) -> None:
    """A list that is too short would count as done."""
    with pytest.raises(WrongFormError):
        answers.ended(3)({"results": results})


def test_steps_end_all_well_or_at_the_first_that_does_not() -> None:
    read = answers.ended(2)
    assert [one.exit for one in read({"results": [DONE, DONE]})] == [0, 0]
    assert [one.exit for one in read({"results": [DONE, FAILED]})] == [0, 1]
    assert [one.exit for one in read({"results": [UNKNOWN]})] == [None]


@FUZZ
@given(st.text(max_size=50) | JSON.map(json.dumps), st.none() | JSON.map(json.dumps))
def test_whoever_holds_a_host_is_told_in_one_line(owner: str, journal: str | None) -> None:
    error = held_elsewhere("api-1", answers.holder({"owner": owner, "journal": journal}))
    assert error.where == "api-1"


@pytest.mark.parametrize(
    "text",
    ["1e999", "-1e999", '{"a": 1e400}', '"\\ud800"', '{"\\udfff": 1}', "[" * 65 + "]" * 65, "9" * 5000, '{"a":1,"a":2}', "NaN"],
)
def test_json_that_breaks_what_comes_after_it_is_none(text: str) -> None:
    with pytest.raises(ContractError):
        loads(text.encode())


def test_whole_characters_of_two_halves_are_json() -> None:
    assert loads(b'"\\ud83d\\ude00"') == "\U0001f600"


def test_no_end_of_empty_lines_is_no_answer() -> None:
    """A host that keeps its channel busy with nothing does not stay held."""
    speech = Speech()
    with pytest.raises(CommandUnknown, match="no answer"):
        all(speech.hear("", "api-1") is None for _ in range(1_000_000))


def test_only_what_begins_with_the_word_is_heard() -> None:
    speech = Speech()
    assert speech.hear("Welcome!", "x") is None
    assert speech.hear(f"no newline{speech.mark} {{}}", "x") == b"{}"
    assert speech.answer_in(f"hello\n{speech.mark} [1]\nbye".encode(), "x") == b"[1]"
    assert speech.answer_in(b"hello", "x") is None
    assert f"'mark': '{speech.mark}'".encode() in speech.source({"op": "serve"})
    with pytest.raises(CommandUnknown, match="fills its channel"):
        speech.hear("x" * 300_000, "x")
