"""What is told, read by its type: as which noun, in which words it is refused, and which JSON Schema the type is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

import pytest

from voxgate.contracts.typed import WrongFormError, read, schemas
from voxgate.model.forms import ByKey, Key, Later, Natural, Number, Sha256, Whole, Wire


@dataclass(frozen=True, slots=True)
class Leaf:
    """A row at a name, said
    in two lines.
    """

    name: Annotated[str, Key()]
    at: Annotated[Natural, Wire("where")]
    told: str = ""
    more: Annotated[Number, Later()] = 7


@dataclass(frozen=True, slots=True)
class Counted:
    """A row at a number."""

    number: Annotated[int, Key()]
    text: Whole


@dataclass(frozen=True, slots=True)
class Plain:
    """A row that has no key of its own."""

    default: int


@dataclass(frozen=True, slots=True)
class Tree:
    """All of them, in each way in which they can stand."""

    leaves: Annotated[tuple[Leaf, ...], ByKey()]
    counted: Annotated[tuple[Counted, ...], ByKey()]
    plain: Annotated[tuple[Plain, ...], ByKey()]
    sums: Annotated[tuple[int, ...], ByKey()]
    rows: tuple[Plain | None, ...]
    pair: tuple[int, str]
    by: Mapping[str, Leaf]
    deep: Mapping[str, Mapping[str, Leaf]]
    hashes: Mapping[Sha256, Annotated[int, Later()]]
    one: Annotated[Plain, Later()] | None


@dataclass(frozen=True, slots=True)
class Odd:
    """Nobody could say which of the two a row is."""

    one: Leaf | Plain


LEAF = {"where": 1, "told": "x"}
TOLD = {
    "leaves": {"a": LEAF, "b": {"where": 2, "told": "", "more": 0.5}},
    "counted": {"7": {"text": "t"}},
    "plain": {"z": {"default": 1}},
    "sums": {"z": 3},
    "rows": [{"default": 1}, None],
    "pair": [1, "x"],
    "by": {"k": LEAF},
    "deep": {"k": {"l": LEAF}},
    "hashes": {"a" * 64: 1},
    "one": None,
}
MEANT = Tree(
    leaves=(Leaf("a", 1, "x"), Leaf("b", 2, "", 0.5)),
    counted=(Counted(7, "t"),),
    plain=(Plain(1),),
    sums=(3,),
    rows=(Plain(1), None),
    pair=(1, "x"),
    by={"k": Leaf("k", 1, "x")},
    deep={"k": {"l": Leaf("l", 1, "x")}},
    hashes={"a" * 64: 1},
    one=None,
)


def test_rows_are_read_with_the_keys_at_which_they_stand() -> None:
    assert read(TOLD, Tree) == MEANT
    assert read({**TOLD, "one": {"default": 3}}, Tree).one == Plain(3)


@pytest.mark.parametrize("more", [{"at": 9}, {"name": "c"}, {"else": 1}])
def test_neither_a_key_nor_the_name_of_a_field_that_has_another_is_told_by_a_row(more: dict[str, object]) -> None:
    """A row says neither at which key it stands, nor by our own name what it has to tell by another."""
    assert read({**TOLD, "leaves": {"a": {**LEAF, **more}}}, Tree).leaves == (Leaf("a", 1, "x"),)


REFUSED: dict[str, tuple[dict[str, object], str]] = {
    "another object": ({"leaves": 1}, "leaves[0]: object wanted, null found"),
    "a list of rows": ({"leaves": [LEAF]}, "leaves[0]: object wanted, null found"),
    "a row that is none": ({"leaves": {"a": 1}}, "leaves[0]: object wanted, int found"),
    "a row at a number that is none": ({"counted": {"7": 3}}, "counted[0]: object wanted, int found"),
    "a number of a key that is none": ({"counted": {"x": {"text": "t"}}}, "counted: a number wanted as the key of each"),
    "members that are missing": ({"leaves": {"a": {}}}, "leaves: told: not there"),
    "a member by our own name": ({"leaves": {"a": {"at": 3, "told": ""}}}, "leaves: where: not there"),
    "a member that has a default": ({"by": {"k": {"where": 1}}}, "by: told: not there"),
    "a number below its least": ({"leaves": {"a": {**LEAF, "where": -1}}}, "leaves[0].at: int >= 0 wanted"),
    "another type": ({"leaves": {"a": {**LEAF, "where": "x"}}}, "leaves[0].at: int wanted, str found"),
    "what a secret was cut out of": (
        {"counted": {"7": {"text": "a [cut]"}}}, "counted[0].text: a value of .env was cut out of it",
    ),
    "no list": ({"rows": 3}, "rows: array wanted, int found"),
    "a row of a list": ({"rows": [None, {}]}, "rows: default: not there"),
    "a pair of one": ({"pair": [1]}, "pair: array of length 2 wanted, 1 found"),
    "a row at any key": ({"by": {"k": 3}}, "by[...]: object wanted, int found"),
    "no rows at all": ({"by": 3}, "by: object wanted, int found"),
    "a key of another form": ({"hashes": {"x": 1}}, r"hashes: str matching regex '^[0-9a-f]{64}\\Z' wanted"),
    "what may be missing": ({"one": {}}, "one: default: not there"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_not_of_the_form_is_refused_by_its_place_and_its_value_is_not_quoted(what: str) -> None:
    other, words = REFUSED[what]
    with pytest.raises(WrongFormError) as caught:
        read({**TOLD, **other}, Tree)
    assert str(caught.value) == words


def test_a_value_alone_is_refused_without_a_place() -> None:
    assert read("x", Whole) == "x"
    with pytest.raises(WrongFormError, match=r"^int wanted, str found$"):
        read("x", int)
    with pytest.raises(WrongFormError, match=r"^object wanted, array found$"):
        read([], Tree)


def test_a_member_that_is_missing_is_named_also_where_nothing_else_is_there() -> None:
    with pytest.raises(WrongFormError) as caught:
        read({name: value for name, value in TOLD.items() if name not in {"rows", "pair"}}, Tree)
    assert str(caught.value) == "pair: not there"


def test_a_type_that_nothing_can_be_read_by_is_a_mistake_of_ours_whatever_is_told() -> None:
    """It is learned before the first value is looked at: by one thread, while the others wait."""
    with pytest.raises(TypeError):
        read({}, Odd)


def test_the_schema_of_a_type_is_as_a_document_has_it() -> None:
    leaf, row = {"$ref": "#/$defs/Leaf"}, {"$ref": "#/$defs/Plain"}
    made, defined = schemas({"tree": Tree, "leaves": Annotated[tuple[Leaf, ...], ByKey()], "number": Number, "text": Whole})
    assert made == {
        "tree": {"$ref": "#/$defs/Tree"},
        "leaves": {"type": "object", "additionalProperties": leaf},
        "number": {"type": "number"},
        "text": {"type": "string"},
    }
    assert list(defined) == ["Tree", "Leaf", "Counted", "Plain"]
    assert defined["Leaf"] == {
        "type": "object",
        "description": "A row at a name, said in two lines.",
        "properties": {
            "where": {"type": "integer", "minimum": 0, "maximum": 2**53},
            "told": {"type": "string"},
            "more": {"type": "number"},
        },
        "required": ["told", "where"],
        "additionalProperties": False,
    }
    assert defined["Plain"] == {
        "type": "object",
        "description": "A row that has no key of its own.",
        "properties": {"default": {"type": "integer"}},
        "required": ["default"],
        "additionalProperties": False,
    }
    assert defined["Tree"]["properties"] == {
        "leaves": {"type": "object", "additionalProperties": leaf},
        "counted": {"type": "object", "additionalProperties": {"$ref": "#/$defs/Counted"}},
        "plain": {"type": "object", "additionalProperties": row},
        "sums": {"type": "object", "additionalProperties": {"type": "integer"}},
        "rows": {"type": "array", "items": {"anyOf": [row, {"type": "null"}]}},
        "pair": {
            "type": "array",
            "minItems": 2,
            "maxItems": 2,
            "prefixItems": [{"type": "integer"}, {"type": "string"}],
            "items": False,
        },
        "by": {"type": "object", "additionalProperties": leaf},
        "deep": {"type": "object", "additionalProperties": {"type": "object", "additionalProperties": leaf}},
        "hashes": {
            "type": "object",
            "propertyNames": {"pattern": "^[0-9a-f]{64}$"},
            "additionalProperties": {"type": "integer"},
        },
        "one": {"anyOf": [row, {"type": "null"}]},
    }
    assert defined["Tree"]["required"] == sorted(TOLD)
