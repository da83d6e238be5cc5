"""Each way in which two schemas can differ: its kind, its place, its words, and whom it breaks; and how much is compared."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from voxgate.contracts import differing
from voxgate.contracts.differing import Room, differences
from voxgate.contracts.releases_answers import Answers, Told, answers_of, compared, read_answers
from voxgate.errors import ContractError, Refused

Schema = dict[str, Any]
INT, TEXT = {"type": "integer"}, {"type": "string"}


def fields(required: list[str] | None = None, **properties: Any) -> Schema:
    """An object of these fields."""
    return {"properties": properties, "required": required or []}


WAYS: dict[str, tuple[Schema, Schema, list[str]]] = {
    "nothing": (INT, {"type": ["integer"]}, []),
    "more types": (INT, {"type": ["integer", "null"]}, ["lost x $: is integer or null, was integer; breaks gate"]),
    "a number is an integer too": (INT, {"type": "number"}, ["lost x $: is number, was integer; breaks gate"]),
    "fewer types": ({"type": "number"}, INT, ["stricter x $: is integer, was number; breaks gate"]),
    "another type": (INT, {**TEXT, "minLength": 1}, ["changed x $: is string, was integer; breaks gate"]),
    "one type more and one less": (
        {"type": ["integer", "null"], "minimum": 1}, {"type": ["integer", "string"], "minimum": 2},
        ["changed x $: is integer or string, was integer or null; breaks gate", "stricter x $: minimum is 2, was 1; breaks gate"],
    ),
    "any type": (INT, {}, ["lost x $: is anything, was integer; breaks gate"]),
    "a type that is no word": (INT, {"type": 7}, ["lost x $: is anything, was integer; breaks gate"]),
    "one value": ({}, {"const": 1}, ["stricter x $: is one value, was anything; breaks gate"]),
    "another value": ({"const": 1}, {"const": 2}, ["changed x $: is 2, was 1; breaks gate"]),
    "any value": ({"type": "integer", "const": 1}, INT, ["lost x $: is any value, was 1; breaks gate"]),
    "a value of several": ({"enum": [2, 1]}, {"enum": [1]}, ["stricter x $: is 1, was 1 or 2; breaks gate"]),
    "more values": ({"enum": [1]}, {"enum": [1, 2]}, ["lost x $: is 1 or 2, was 1; breaks gate"]),
    "other values": ({"enum": [1, 2]}, {"enum": [2, 3]}, ["changed x $: is 2 or 3, was 1 or 2; breaks gate"]),
    "the same values": ({"enum": [1, 2]}, {"enum": [2, 1]}, []),
    "values where none were said": ({}, {"enum": ["a"]}, ["stricter x $: is 'a', was any value; breaks gate"]),
    "values that are no list": ({"enum": "a"}, {"enum": ["a"]}, ["stricter x $: is 'a', was any value; breaks gate"]),
    "a lower bound": ({"minimum": 1}, {"minimum": 2}, ["stricter x $: minimum is 2, was 1; breaks gate"]),
    "a lower bound that is lower": ({"minItems": 2}, {"minItems": 1}, ["lost x $: minItems is 1, was 2; breaks gate"]),
    "a new lower bound": ({}, {"minLength": 1}, ["stricter x $: minLength is 1, was none; breaks gate"]),
    "no lower bound": ({"minLength": 1}, {}, ["lost x $: minLength is none, was 1; breaks gate"]),
    "an upper bound": ({"maximum": 2}, {"maximum": 1}, ["stricter x $: maximum is 1, was 2; breaks gate"]),
    "an upper bound that is higher": ({"maximum": 1}, {"maximum": 2}, ["lost x $: maximum is 2, was 1; breaks gate"]),
    "no upper bound": ({"maxItems": 1}, {}, ["lost x $: maxItems is none, was 1; breaks gate"]),
    "a new form": ({}, {"pattern": "^a"}, ["stricter x $: pattern is ^a, was none; breaks gate"]),
    "no form": ({"format": "date"}, {}, ["lost x $: format is none, was date; breaks gate"]),
    "another form": ({"pattern": "a" * 90}, {"pattern": "b"}, [f"changed x $: pattern is b, was {'a' * 80}; breaks gate"]),
    "other choices": ({"anyOf": [INT]}, {"anyOf": [TEXT]}, [
        "changed x $: anyOf is [{'type': 'string'}], was [{'type': 'integer'}]; breaks gate",
    ]),
    "nothing at all": ({"properties": {"a": True}}, {"properties": {"a": False}}, [
        "stricter x $.a: not is {}, was none; breaks gate",
    ]),
    "items of another form": ({"items": INT}, {"items": TEXT}, ["changed x $[]: is string, was integer; breaks gate"]),
    "items of any form": ({"items": INT}, {}, ["lost x $[]: its items may be anything now; breaks gate"]),
    "items of one form": ({}, {"items": INT}, ["stricter x $[]: its items were anything; breaks gate"]),
    "a field that is gone": (fields(["a"], a=INT), fields(), ["lost x $.a: is gone; breaks gate"]),
    "a field that is described no more": (fields(a=INT), fields(), ["lost x $.a: is not described any more; breaks gate"]),
    "a field that is needed and not described": (fields(["a"]), fields(), ["lost x $.a: is gone; breaks gate"]),
    "a new field": (fields(), fields(a=INT), ["added x $.a: is new"]),
    "a new field that must be there": (fields(), fields(["a"], a=INT), [
        "stricter x $.a: is new, and must be there; breaks gate",
    ]),
    "a new field that must be there and is not described": (fields(), fields(["a"]), [
        "stricter x $.a: is new, and must be there; breaks gate",
    ]),
    "many values": ({}, {"enum": ["x" * 300, "y"]}, [f"stricter x $: is '{'x' * 199}, was any value; breaks gate"]),
    "the same values, one of them twice": ({"enum": [1, 1]}, {"enum": [1]}, []),
    "a field that may be missing": (fields(["a"], a=INT), fields(a=INT), ["lost x $.a: may be missing; breaks gate"]),
    "a field that must be there": (fields(a=INT), fields(["a"], a=INT), ["stricter x $.a: must be there; breaks gate"]),
    "a field of another form, and one that is new": (fields(b=INT, a=INT), fields(b=TEXT, a=INT, c=INT), [
        "changed x $.b: is string, was integer; breaks gate", "added x $.c: is new",
    ]),
    "other fields are refused": ({}, {"additionalProperties": False}, [
        "stricter x $: other fields are refused; breaks gate",
    ]),
    "other fields are refused that were of one form": ({"additionalProperties": INT}, {"additionalProperties": False}, [
        "stricter x $: other fields are refused; breaks gate",
    ]),
    "other fields are of one form": ({}, {"additionalProperties": INT}, [
        "stricter x $: other fields are of one form now; breaks gate",
    ]),
    "other fields may be there": ({"additionalProperties": False}, {"additionalProperties": INT}, [
        "lost x $: other fields may be there, or be anything; breaks gate",
    ]),
    "other fields may be anything": ({"additionalProperties": INT}, {}, [
        "lost x $: other fields may be there, or be anything; breaks gate",
    ]),
    "other fields are of another form": ({"additionalProperties": INT}, {"additionalProperties": TEXT}, [
        "changed x $.*: is string, was integer; breaks gate",
    ]),
    "behind a reference": (
        {"$defs": {"a/~b": INT}, "items": {"$ref": "#/$defs/a~1~0b"}},
        {"$defs": {"a/~b": TEXT}, "items": {"$ref": "#/$defs/a~1~0b"}},
        ["changed x $[]: is string, was integer; breaks gate"],
    ),
    "behind a reference to nothing": ({"items": {"$ref": "#/a/b"}}, {"items": {}}, []),
    "behind a reference to what is no schema": ({"a": [1], "items": {"$ref": "#/a"}}, {"items": {}}, []),
    "behind one that leads elsewhere": ({"items": {"$ref": "https://x"}}, {"items": {}}, []),
    "behind one that leads round and round": (
        {"$ref": "#/a", "a": {"$ref": "#/a"}}, INT, ["stricter x $: is integer, was anything; breaks gate"],
    ),
    "behind one that leads to itself": ({"$ref": "#"}, {"$ref": "#/"}, []),
}  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_a_schema_by_which_the_gate_judges(way: str) -> None:
    old, new, lines = WAYS[way]
    assert [" ".join(one.line.split()) for one in differences("x", old, new, judged=True)] == lines


ANSWERED: dict[str, tuple[Schema, Schema, list[str]]] = {
    "a narrower type": ({"type": "number"}, INT, ["stricter x $: is integer, was number"]),
    "another type": (INT, TEXT, ["changed x $: is string, was integer; breaks gate"]),
    "items of one form": ({}, {"items": INT}, []),
    "other fields are of one form": ({}, {"additionalProperties": INT}, ["stricter x $.*: is integer, was anything"]),
    "a new field that is always there": (fields(), fields(["a"], a=INT), ["added x $.a: is new"]),
}


def test_what_changes_breaks_the_gate_beside_its_readers_where_it_judges() -> None:
    """Who reads a part of a contract of which the gate reads nothing else."""
    for judged, whom in ((True, ("gate", "fleet")), (False, ("fleet",))):
        (change,) = differences("registry-entry", {"const": 1}, {"const": 2}, judged=judged)
        assert (change.kind, change.breaks) == ("changed", whom)
    (change,) = differences("worker-health", {"const": 1}, {"const": 2}, judged=True)
    assert change.breaks == ("gate",)


@pytest.mark.parametrize("way", ANSWERED)
def test_the_shape_of_an_answer_may_be_narrower(way: str) -> None:
    old, new, lines = ANSWERED[way]
    assert [" ".join(one.line.split()) for one in differences("x", old, new, judged=False)] == lines


def test_what_has_no_end_is_compared_to_a_depth(monkeypatch: pytest.MonkeyPatch) -> None:
    """A schema may name itself."""
    monkeypatch.setattr(differing, "_DEEPEST", 3)
    itself = {"$ref": "#/$defs/one"}
    old, new = (
        {"$defs": {"one": {"minimum": number, "items": itself, "properties": {"a": itself}}}, **itself} for number in (1, 2)
    )
    parts = {one.part for one in differences("x", old, new, judged=True)}
    assert max(part.count("[]") + part.count(".a") for part in parts) == 3
    assert len(parts) == 2**4 - 1


def test_what_is_compared_together_shares_one_room() -> None:
    """Each pair of parts takes its letters, and some more."""
    old, new = {"minimum": 1}, {"minimum": 2}
    takes = 500 + len("$") + len(str(old)) + len(str(new))
    room = Room(2 * takes)
    for left in (takes, 0):
        assert len(differences("x", old, new, judged=True, room=room)) == 1
        assert room.left == left
    with pytest.raises(ContractError) as caught:
        differences("x", old, new, judged=True, room=room)
    assert caught.value.line == "is more than is compared: references to parts that have such references themselves"


@pytest.mark.parametrize(("old", "new"), [({"properties": 1}, {}), ({"minimum": "1"}, {"minimum": 2}), ([], {})])
def test_what_is_no_schema_is_refused(old: Any, new: Any) -> None:
    with pytest.raises(ContractError, match=r"^x: is no JSON Schema: "):
        differences("x", old, new, judged=True)


def test_an_answer_that_needs_less_and_one_that_had_no_status() -> None:
    old = Answers(
        "backend", {"GET /a": Told("backend-api", {}, 200, "text/html", ("a", "b")), "redis x": Told("registry-entry", {})}
    )
    new = Answers("backend", {"GET /a": Told("backend-api", {}, 200, "", ("b", "c")), "redis x": Told("registry-entry", {}, 204)})
    assert [" ".join(one.line.split()) for one in compared(old, new)] == [
        "changed GET /a: type is none, was text/html; breaks nginx, console",
        "stricter GET /a: must be told c; breaks nginx, console",
        "added GET /a: need not be told a",
        "changed redis x: status is 204, was none; breaks fleet",
    ]


def test_answers_are_kept_as_they_are_and_a_file_that_is_none_says_so(tmp_path: Path) -> None:
    path = tmp_path / "contract.json"
    kept = Answers("backend", {"GET /a": Told("backend-api", {"type": "object"}, 200, "text/html", ("a",)), "x": Told("y", {})})
    path.write_text(kept.text)
    assert read_answers(path) == kept
    assert kept.text.startswith('{\n  "answers": {\n    "GET /a": {\n      "contract": "backend-api",\n')
    assert '"x": {\n      "contract": "y",\n      "schema": {}\n    }' in kept.text
    path.unlink()
    with pytest.raises(Refused) as caught:
        read_answers(path)
    assert caught.value.line == f"{path}: the answers cannot be read: No such file or directory"
    assert caught.value.hint == "voxgate contract --save FILE writes it"
    with pytest.raises(ContractError, match=r"^x: "):
        answers_of(b"{}", "x")
