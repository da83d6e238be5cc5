"""What differs between two schemas, and whom it breaks.

A schema says what may be answered. So it is *stricter* where the new one refuses what the old one took (a release that answers as
it always did is refused then), and something is *lost* where it takes what the old one refused: readers meet what they never met.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from voxgate.contracts.readers import readers
from voxgate.contracts.shapes_of_answers import Schema
from voxgate.errors import ContractError, visible

STRICTER, LOST, CHANGED, ADDED = "stricter", "lost", "changed", "added"
_TYPES = {"string", "number", "integer", "object", "array", "boolean", "null"}
_LOWER = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_UPPER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_EXACT = ("pattern", "format", "uniqueItems", "multipleOf")
_WHOLE = (
    "anyOf",
    "oneOf",
    "allOf",
    "not",
    "if",
    "then",
    "else",
    "prefixItems",
    "contains",
    "dependentRequired",
    "patternProperties",
)
_DEEPEST = 40  # levels: a schema may name itself
_LONGEST = 1000  # letters of a reference that is followed
_WHY = 100  # letters of what Python says of what is no schema
_VALUES = 200  # letters of the values that may be, in one line
_VALUE = 80  # letters of one
_A_PAIR = 500  # letters for which each pair of parts counts at least
_ALL = 64 << 20
"""Letters that are compared at most: a few references to what has references itself are more parts than any memory holds, and a
release says which there are.
"""


@dataclass(slots=True)
class Room:
    """How much may still be compared."""

    left: int = _ALL

    def take(self, letters: int) -> None:
        """Raises ContractError where it is not enough."""
        self.left -= letters
        if self.left < 0:
            raise ContractError("is more than is compared", why="references to parts that have such references themselves")


@dataclass(frozen=True, slots=True)
class Change:
    """One difference: its kind, the contract and the part (``$.checks``, empty for the answer itself), and whom it breaks."""

    kind: str
    contract: str
    part: str
    what: str
    breaks: tuple[str, ...] = ()

    @property
    def line(self) -> str:
        """``lost      backend-health $.checks: is not promised any more; breaks gate, console``, in one line."""
        where = " ".join(word for word in (self.contract, self.part) if word)
        whom = f"; breaks {', '.join(self.breaks)}" if self.breaks else ""
        return visible(f"{self.kind:<9} {where}: {self.what}{whom}")


def differences(contract: str, old: Schema, new: Schema, *, judged: bool, room: Room | None = None) -> list[Change]:
    """All that differs. ``judged``: they are schemas by which the gate judges, so what is stricter breaks the gate's verdict on a
    release that kept the old one. Else they are the shapes of answers, and nobody minds a narrower one. ``room`` is shared by all
    that is compared together. Raises ContractError for what is no schema, and for what is too much.
    """
    try:
        return list(_differ(_Pair(contract, old, new, judged, room or Room()), "$", old, new, 0))
    except (AttributeError, TypeError) as error:  # a list where fields are wanted, a bound that is no number
        raise ContractError("is no JSON Schema", where=contract, why=str(error)[:_WHY]) from None


@dataclass(frozen=True, slots=True)
class _Pair:
    contract: str
    old: Schema
    new: Schema
    judged: bool
    room: Room

    def stricter(self, part: str, what: str) -> Change:
        return Change(STRICTER, self.contract, part, what, ("gate",) if self.judged else ())

    def lost(self, part: str, what: str) -> Change:
        return Change(LOST, self.contract, part, what, readers(self.contract, part))

    def changed(self, part: str, what: str) -> Change:
        whom = readers(self.contract, part)
        return Change(CHANGED, self.contract, part, what, whom if "gate" in whom or not self.judged else ("gate", *whom))


def _differ(pair: _Pair, part: str, old: Any, new: Any, depth: int) -> Iterator[Change]:
    one, two = _resolved(pair.old, old), _resolved(pair.new, new)
    pair.room.take(_A_PAIR + len(part) + len(str(one)) + len(str(two)))
    if one == two or depth > _DEEPEST:
        return
    types = _types(one), _types(two)
    if types[0] != types[1]:
        yield _of_types(pair, part, *types)
        if not types[0] & types[1]:
            return
    yield from _of_values(pair, part, one, two)
    yield from _of_bounds(pair, part, one, two)
    yield from _of_fields(pair, part, one, two, depth)
    if "items" in one and "items" in two:
        yield from _differ(pair, f"{part}[]", one["items"], two["items"], depth + 1)
    elif "items" in one:
        yield pair.lost(f"{part}[]", "its items may be anything now")
    elif "items" in two and pair.judged:
        yield pair.stricter(f"{part}[]", "its items were anything")


def _resolved(whole: Schema, one: Any) -> Schema:
    """Behind its local references. A schema may be a boolean: ``true`` takes all, ``false`` nothing."""
    for _ in range(_DEEPEST):
        if isinstance(one, bool):
            return {} if one else {"not": {}}
        if not str(one.get("$ref", "")).startswith("#/"):
            return dict(one)
        found: Any = whole
        for word in str(one["$ref"])[2:_LONGEST].split("/"):
            name = word.replace("~1", "/").replace("~0", "~")
            found = found.get(name, {}) if isinstance(found, Mapping) else {}
        one = found if isinstance(found, (Mapping, bool)) else {}
    return {}


def _types(one: Schema) -> frozenset[str]:
    """The types that it takes; an integer is a number too."""
    said = one.get("type")
    if said is None and "const" in one:
        return frozenset()  # its value says it
    found = {said} if isinstance(said, str) else set(said) if isinstance(said, list) else set(_TYPES)
    return frozenset(found | ({"integer"} if "number" in found else set()))


def _of_types(pair: _Pair, part: str, old: frozenset[str], new: frozenset[str]) -> Change:
    said = f"is {_or(new)}, was {_or(old)}"
    if old.issubset(new):
        return pair.lost(part, said)
    return pair.stricter(part, said) if new.issubset(old) else pair.changed(part, said)


def _or(types: frozenset[str]) -> str:
    shown = types - ({"integer"} if "number" in types else set())
    return "anything" if types == _TYPES else " or ".join(sorted(shown)) or "one value"


def _of_values(pair: _Pair, part: str, old: Schema, new: Schema) -> Iterator[Change]:
    """Values that are counted up: ``const`` and ``enum``."""
    one, two = _values(old), _values(new)
    if one == two:
        return
    said = f"is {_shown(two)}, was {_shown(one)}"
    if two is None or (one is not None and one.issubset(two)):
        yield pair.lost(part, said)
    elif one is None or two.issubset(one):
        yield pair.stricter(part, said)
    else:
        yield pair.changed(part, said)


def _values(one: Schema) -> frozenset[str] | None:
    if "const" in one:
        return frozenset([repr(one["const"])])
    return frozenset(map(repr, one["enum"])) if isinstance(one.get("enum"), list) else None


def _shown(values: frozenset[str] | None) -> str:
    return "any value" if values is None else " or ".join(sorted(values))[:_VALUES]


def _of_bounds(pair: _Pair, part: str, old: Schema, new: Schema) -> Iterator[Change]:
    """Bounds of values, and what must be the same to be so."""
    tighter: list[tuple[tuple[str, ...], Callable[[Any, Any], Any]]] = [(_LOWER, max), (_UPPER, min)]
    for names, tighter_of in tighter:
        for name in names:
            was, now = old.get(name), new.get(name)
            if was == now:
                continue
            said = f"{name} is {_none(now)}, was {_none(was)}"
            stricter = was is None or (now is not None and tighter_of(was, now) == now)
            yield pair.stricter(part, said) if stricter else pair.lost(part, said)
    for name in (*_EXACT, *_WHOLE):
        was, now = old.get(name), new.get(name)
        if was == now:
            continue
        tell = pair.stricter if was is None else pair.lost if now is None else pair.changed
        yield tell(part, f"{name} is {_none(now)}, was {_none(was)}")


def _none(value: Any) -> str:
    return "none" if value is None else str(value)[:_VALUE]


def _of_fields(pair: _Pair, part: str, old: Schema, new: Schema, depth: int) -> Iterator[Change]:
    one, two = old.get("properties", {}), new.get("properties", {})
    needed, needs = set(old.get("required", ())), set(new.get("required", ()))
    for name in sorted({*one, *two, *needed, *needs}):
        below = f"{part}.{name}"
        tell = partial(_of_field, pair, below, (name in one or name in needed, name in two or name in needs))
        yield from tell((name in needed, name in needs))
        if name in one and name in two:
            yield from _differ(pair, below, one[name], two[name], depth + 1)
    was, now = old.get("additionalProperties", True), new.get("additionalProperties", True)
    if was != now:
        if now is False or (was is True and pair.judged):
            yield pair.stricter(part, "other fields are refused" if now is False else "other fields are of one form now")
        elif was is False or now is True:
            yield pair.lost(part, "other fields may be there, or be anything")
        else:
            yield from _differ(pair, f"{part}.*", was, now, depth + 1)


def _of_field(pair: _Pair, part: str, there: tuple[bool, bool], needed: tuple[bool, bool]) -> Iterator[Change]:
    """A field that came, went, must be there now or may be missing; each as (old, new)."""
    if there == (True, False):
        yield pair.lost(part, "is gone" if needed[0] else "is not described any more")
    elif there == (False, True):
        if needed[1] and pair.judged:
            yield pair.stricter(part, "is new, and must be there")
        else:
            yield Change(ADDED, pair.contract, part, "is new")
    elif needed == (True, False):
        yield pair.lost(part, "may be missing")
    elif needed == (False, True):
        yield pair.stricter(part, "must be there")
