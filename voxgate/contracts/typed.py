"""A type is the whole declaration of what is told: a value is read by it, and its JSON Schema is made of it.

msgspec does both, by the annotations of frozen dataclasses (``model.forms``). What it does not know is said by marks: a field
that is the ``Key`` at which its row stands, one that has another name on the ``Wire``, and rows that are an object ``ByKey``.
"""

from __future__ import annotations

import re
import threading
import types
from collections.abc import Callable, Mapping
from dataclasses import is_dataclass
from functools import cache
from typing import Annotated, Any, TypeGuard, Union, cast, get_args, get_origin, get_type_hints

import msgspec

from voxgate.model.digits import natural_in
from voxgate.model.forms import FAR, WHOLE, ByKey, Key, Later, Wire

_Shape = Callable[[Any], Any]
_PLACE = re.compile(r" - at (?:`key` in )?`\$\.?([^`]*)`\Z")
_EXPECTED = re.compile(r"Expected (.*?)(?:, got (.*))?")


class WrongFormError(Exception):
    """A value is not of the promised form; the message says which and where, and never quotes the value."""


def read(value: object, kind: Any) -> Any:
    """The value as a noun of that type. Raises WrongFormError, which names the place and never the value."""
    shape = _known(kind)
    try:
        return msgspec.convert(shape(value) if shape else value, kind)
    except (msgspec.ValidationError, RecursionError) as error:
        raise WrongFormError(_words(error)) from None


_LEARNING = threading.Lock()


@cache
def _learned(kind: Any) -> _Shape | None:
    msgspec.json.Decoder(kind)  # by it msgspec learns the type, and all that are inside of it
    return _shape(kind)


def _known(kind: Any) -> _Shape | None:
    """The shape of a type that msgspec has learned. Each host is read by a thread of its own, and one that meets a type which
    another is still learning reads memory that is not written yet: the whole process would be gone.
    """
    with _LEARNING:
        return _learned(kind)


def _words(error: Exception) -> str:
    """What msgspec says: place first, and in the case of what was cut that it was."""
    said = str(error)
    at, what = "".join(_PLACE.findall(said)), _PLACE.sub("", said).replace("`", "")
    if repr(WHOLE) in what:  # as msgspec writes an expression
        what = "a value of .env was cut out of it"
    if wanted := _EXPECTED.fullmatch(what):
        what = f"{wanted[1]} wanted" + (f", {wanted[2]} found" if wanted[2] else "")
    return f"{at}: {what}" if at else what


# --- from a document's shape to a type's ---


@cache
def _shape(kind: Any) -> _Shape | None:
    """What brings a value of a document into the shape of the type, None where it has it already. What is of another form is left
    as it is, for msgspec to say so.
    """
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _listed(kind) if any(isinstance(mark, ByKey) for mark in _marks(kind)) else _shape(inner[0])
    if origin in {Union, types.UnionType}:
        return next((shape for shape in map(_shape, inner) if shape), None)
    if origin is tuple:
        return _each(_shape(inner[0]))
    if origin in {Mapping, dict}:
        return _keyed(inner[1])
    return _row(kind) if _is_noun(kind) else None


def _is_noun(kind: Any) -> TypeGuard[type]:
    """True for a dataclass; a mark is one of these, and none itself."""
    return isinstance(kind, type) and is_dataclass(kind)


def _each(shape: _Shape | None) -> _Shape | None:
    return None if shape is None else lambda value: [shape(one) for one in value] if isinstance(value, list) else value


def _keyed(kind: Any) -> _Shape | None:
    """Rows at keys: each with its own key, where it has a field for it."""
    shape, name = _shape(kind), _key(kind)
    if shape is None:  # of a row it never is
        return None

    is_number = name is not None and get_type_hints(kind)[name] is int

    def one(key: str, row: Any) -> Any:
        if name is not None and isinstance(row, dict):
            row = {**row, name: _number(key) if is_number else key}
        return shape(row)

    return lambda value: {key: one(key, row) for key, row in value.items()} if isinstance(value, dict) else value


def _listed(kind: Any) -> _Shape:
    """Rows at keys, which the type has as a tuple."""
    (rows, *_) = get_args(kind)
    at_keys = _keyed(get_args(rows)[0])
    return lambda value: list((at_keys(value) if at_keys else value).values()) if isinstance(value, dict) else [None]


def _row(kind: type) -> _Shape:
    """One row: its fields, each in its shape and by its name. What has a default in the type, for those who make one by hand,
    must be told all the same, but for what is marked as ``Later``.
    """
    hints = get_type_hints(kind, include_extras=True)
    renamed = {wire: name for name, hint in hints.items() if (wire := _wire(hint))}
    shapes = {name: shape for name, hint in hints.items() if (shape := _shape(hint))}
    hidden, wanted = set(renamed.values()), _must(kind)

    def row(value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        if not wanted <= value.keys():
            msg = f"{min(wanted - value.keys())}: not there"
            raise WrongFormError(msg)
        if renamed:
            value = {renamed.get(key, key): one for key, one in value.items() if key in renamed or key not in hidden}
        return {key: _at(key, shapes.get(key), one) for key, one in value.items()} if shapes else value

    return row


def _at(place: str, shape: _Shape | None, value: Any) -> Any:
    """One field in its shape. The message of what is wrong with it begins with its name."""
    try:
        return shape(value) if shape else value
    except WrongFormError as error:
        msg = f"{place}: {error}"
        raise WrongFormError(msg) from None


def _must(kind: type) -> frozenset[str]:
    """The members, by their names in a document, without which a row is none."""
    hints = get_type_hints(kind, include_extras=True)
    told = {name: hint for name, hint in hints.items() if not any(isinstance(mark, Key | Later) for mark in _marks(hint))}
    return frozenset(_wire(hint) or name for name, hint in told.items())


def _marks(hint: Any) -> tuple[Any, ...]:
    return hint.__metadata__ if get_origin(hint) is Annotated else ()


def _wire(hint: Any) -> str | None:
    return next((mark.name for mark in _marks(hint) if isinstance(mark, Wire)), None)


def _key(kind: Any) -> str | None:
    """The name of the field of a row that is its key."""
    hints = get_type_hints(kind, include_extras=True) if _is_noun(kind) else {}
    return next((name for name, hint in hints.items() if any(isinstance(mark, Key) for mark in _marks(hint))), None)


def _number(key: str) -> int:
    """The number that a key is."""
    found = natural_in(key)
    if found is None:
        raise WrongFormError("a number wanted as the key of each")
    return found


# --- and to its schema ---


def schemas(kinds: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The JSON Schema (2020-12) of each of these types as a document has it, and the definitions that they refer to."""
    made, defined = msgspec.json.schema_components(kinds.values(), ref_template="#/$defs/{name}")
    for kind in _all(kinds.values()):
        if kind.__name__ in defined:
            _as_told(defined[kind.__name__], kind)
    found = {name: _by_key(one, kind) for (name, kind), one in zip(kinds.items(), made, strict=True)}
    return cast("dict[str, Any]", _plain(found)), cast("dict[str, Any]", _plain(defined))


def _all(kinds: Any) -> set[type]:
    """Every dataclass among these types and inside of them."""
    found: set[type] = set()
    for kind in kinds:
        if _is_noun(kind):
            found |= {kind} | _all(get_type_hints(kind, include_extras=True).values())
        else:
            found |= _all(get_args(kind))
    return found


def _as_told(definition: dict[str, Any], kind: type) -> None:
    """A definition as a document has it: by the names of the wire, without the key, and nothing else beside."""
    hints = get_type_hints(kind, include_extras=True)
    members = definition["properties"]
    definition.pop("title", None)
    definition["description"] = " ".join(str(kind.__doc__).split())
    key = _key(kind)
    told = {name: _wire(hint) or name for name, hint in hints.items() if name != key}
    definition["properties"] = {told[name]: _by_key(members[name], hints[name]) for name in told}
    definition["required"] = sorted(_must(kind))
    definition["additionalProperties"] = False


def _by_key(schema: dict[str, Any], hint: Any) -> dict[str, Any]:
    """The schema of a field whose rows stand at keys."""
    if any(isinstance(mark, ByKey) for mark in _marks(hint)):
        return {"type": "object", "additionalProperties": schema["items"]}
    return schema


def _plain(schema: Any) -> Any:
    """The same, in JSON's own words: no default (it says what the gate takes, not what is told), the end of a text as ``$``. That
    nothing was cut out of a text, and that a number is finite, is no matter of JSON's.
    """
    if isinstance(schema, list):
        return [_plain(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    said: dict[str, Any] = {}
    for key, value in schema.items():
        if key == "properties":
            said[key] = {name: _plain(one) for name, one in value.items()}
        elif key == "pattern" and value != WHOLE:
            said[key] = value.replace(r"\Z", "$")
        elif key not in {"default", "pattern"} and not (key in {"minimum", "maximum"} and abs(value) == FAR):
            said[key] = _plain(value)
    return said
