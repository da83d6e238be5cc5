"""What others say is checked against a schema in linear time, whatever they say."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from voxgate.contracts import schemas
from voxgate.errors import ContractError

GOOD = {"status": "ok", "worker_calls": 0, "worker_max": 4, "fleet_available": 4}


class Number(int):
    """A number that counts how often one is compared."""

    compared = 0

    def __eq__(self, other: object) -> bool:
        Number.compared += 1
        return int(self) == other

    __hash__ = int.__hash__


def test_items_of_many_kinds_are_not_compared_each_with_each() -> None:
    """A worker may say up to 1 MB, and all that the gate does waits for the judge."""
    many = 500
    Number.compared = 0
    found = schemas.faults("fleet-health", {**GOOD, "workers": ["api-1/1", *map(Number, range(many))]})
    assert len(found) == many  # none of them is a text
    assert Number.compared <= 4 * many


def test_what_a_service_says_too_much_of_is_one_fault() -> None:
    """Each fault is text: of a page full of them there would be many times as much."""
    found = schemas.faults("fleet-health", {**GOOD, "workers": [1] * 10_001})
    assert len(found) == 1
    assert "is too long" in schemas.best_fault("fleet-health", {**GOOD, "workers": [1] * 10_001}).message  # type: ignore[union-attr]
    whole = {**GOOD, "workers": [f"fleet-1/{number}" for number in range(10_000)]}
    assert schemas.faults("fleet-health", whole) == ()
    assert len(schemas.faults("fleet-health", {**GOOD, "workers": [1, 2]})) == 2


def test_each_list_in_what_a_service_says_has_an_end() -> None:
    def lists(part: Any) -> Iterator[Any]:
        if isinstance(part, dict):
            yield from [part] if "array" in str(part.get("type")) else []
        for one in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
            yield from lists(one)

    said = [one for name in schemas.names() if name.endswith("-health") for one in lists(schemas.schema(name))]
    assert said
    assert [one for one in said if "maxItems" not in one] == []


@pytest.mark.parametrize(
    ("items", "unique"),
    [
        ("[]", True),
        ('["a/1", "a/2"]', True),
        ('["a/1", "a/1"]', False),
        ("[1, 1.0]", False),
        ("[1, true]", True),
        ("[0, false]", True),
        ('[1, "1"]', True),
        ('[null, 0, false, ""]', True),
        ("[100000000000000000000, 1e20]", False),
        ("[0.5, 0.50]", False),
        ("[-0.0, 0]", False),
        ("[[1], [1.0]]", False),
        ("[[1], [true]]", True),
        ('[{"a": 1, "b": [2]}, {"b": [2.0], "a": 1}]', False),
        ('[{"a": 1}, {"a": true}]', True),
        ('[{"a": "1"}, {"a": 1}]', True),
        ('["x", 0, 1, "x"]', False),
    ],
)
def test_items_are_the_same_where_json_says_so(items: str, unique: bool) -> None:  # noqa: FBT001
    workers: Any = json.loads(items)
    said = [one for one in schemas.faults("fleet-health", {**GOOD, "workers": workers}) if "non-unique" in one]
    assert said == ([] if unique else [f"$.workers: {workers!r} has non-unique elements"])


@pytest.mark.parametrize("end", ["", "\n"])
def test_the_end_of_a_pattern_is_the_end_of_the_text(end: str) -> None:
    said = {"format": 1, "service": "fleet", "tag": None, "promoted_at": "2026-06-22T08:00:00Z", "run": "r", "previous": None}
    assert len(schemas.faults("last-known-good", said | {"commit": f"{'a' * 40}{end}"})) == len(end)


def test_of_the_faults_of_a_page_so_many_are_told() -> None:
    """Each takes its time, and a service says how many there are; all that the gate does waits for the judge."""
    page = json.loads((schemas.FOLDER / "examples/backend-health/valid-plain.json").read_text())
    page["checks"] = {f"k{number}": 1 for number in range(80_000)}
    assert len(schemas.faults("backend-health", page)) == schemas.FAULTS


def test_a_document_that_breaks_its_schema_is_told_whole_and_in_order() -> None:
    page = {**GOOD, "workers": ["api-1/1", 7], "worker_calls": -1, "status": "x" * 300}
    assert schemas.faults("fleet-health", {**GOOD, "workers": []}) == ()
    assert [line[:55] for line in schemas.faults("fleet-health", page)] == [
        "$.status: 'ok' was expected",
        "$.worker_calls: -1 is less than the minimum of 0",
        "$.workers[1]: 7 is not of type 'string'",
    ]
    with pytest.raises(ContractError) as caught:
        schemas.check("fleet-health", {**GOOD, "workers": [], "worker_calls": -1}, where="there")
    assert caught.value.line == "there: breaks the schema fleet-health: $.worker_calls: -1 is less than the minimum of 0"
    schemas.check("fleet-health", {**GOOD, "workers": []}, where="there")


def test_a_long_word_of_a_service_is_cut() -> None:
    page = {**GOOD, "workers": [], "fleet_available": "x" * 300}
    (line,) = schemas.faults("fleet-health", page)
    assert line == "$.fleet_available: '"
    with pytest.raises(ContractError) as caught:
        schemas.check("fleet-health", page)
    assert caught.value.why == "$.fleet_available: '"
    assert schemas.flaw_of({"type": "x" * 300}) == "$.type: '"


def test_what_is_no_schema_is_a_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(schemas, "FOLDER", tmp_path)
    (tmp_path / "listed.schema.json").write_text("[]")
    (tmp_path / "odd.schema.json").write_text('{"type": 1}')
    assert schemas.names() == ("listed", "odd")
    for name, line in (
        ("gone", "gone.schema.json: no such schema: No such file or directory"),
        ("listed", "listed.schema.json: not a valid schema: it is no object"),
    ):
        with pytest.raises(ContractError) as caught:
            schemas.schema(name)
        assert caught.value.line == line
    assert schemas.flaw("odd").startswith("$.type: 1 is not ")
    assert schemas.flaw_of({"type": "string"}) == ""


BROKEN: tuple[Any, ...] = (
    *({"type": "strin"}, {"properties": {"a": {"type": 1}}}, {"items": [1]}, {"required": "a"}, {"pattern": 1}, {"enum": 1}),
    *({"$defs": {"a": {"minimum": "1"}}}, {"allOf": []}, {"properties": {"x": 3}}, 3, {"$ref": 1}, {"$anchor": "1 x"}),
    *({"$id": "a#b"}, {"dependentRequired": {"a": [1]}}, {"definitions": {"a": {"type": 5}}}, {"dependencies": {"a": 3}}),
    *({"contentSchema": {"type": 3}}, {"title": 3}, {"format": 1}, {"unevaluatedItems": 3}, {"if": {"type": 2}}),
    *({"prefixItems": []}, {"maxLength": -1}, {"multipleOf": 0}, {"uniqueItems": 1}, {"$recursiveAnchor": 1}),
    *({"items": {"anyOf": [{"not": {"then": {"maxItems": 1.5}}}]}}, {"$vocabulary": {"a": 1}}, {"contentEncoding": []}),
)
SOUND: tuple[Any, ...] = (
    True,
    {},
    {"x-own": 3},
    {"items": False},
    {"$ref": "#/$defs/a", "$defs": {"a": True}},
    {"const": {"type": 3}},
)


@pytest.mark.parametrize("document", [*BROKEN, *SOUND], ids=json.dumps)
def test_a_schema_is_valid_where_jsonschema_says_so(document: Any) -> None:
    """In one schema, 2020-12's vocabularies say of each keyword what they say apart."""
    try:
        Draft202012Validator.check_schema(document)
    except SchemaError as error:
        wanted = f"{error.json_path}: {error.message}"
    else:
        wanted = ""
    assert schemas.flaw_of(document) == wanted
    assert bool(wanted) == (document in BROKEN)
