"""The schemas in ``schemas/`` (JSON Schema 2020-12), read once, checked strictly."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from itertools import islice
from typing import Any
from urllib.parse import urljoin

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError, best_match
from jsonschema.protocols import Validator
from jsonschema.validators import extend
from jsonschema_specifications import REGISTRY

from voxgate.contracts.json_strict import loads
from voxgate.contracts.places import bundled
from voxgate.errors import ContractError
from voxgate.redaction.shortening import beginning

FOLDER = bundled("schemas")
FAULTS = 500
"""Ways in which one document breaks its schema that are told."""

_SAID = 200  # characters of the one way in which a document breaks its schema
_SAID_OF_EACH = 160  # characters of each, where all are told

_END = re.compile(r"(?<!\\)\$$")


def _is_integer(_checker: object, instance: object) -> bool:
    """An integer is written as one: jsonschema takes 1.0, and bool is an int in Python; both are refused."""
    return isinstance(instance, int) and not isinstance(instance, bool)


def _plain(item: Any) -> Any:
    """The same with each whole number written as one: 1.0 is 1, as JSON Schema counts; true is not 1."""
    if isinstance(item, float) and item.is_integer():
        return int(item)
    if isinstance(item, list):
        return [_plain(one) for one in item]
    if isinstance(item, dict):
        return {key: _plain(value) for key, value in item.items()}
    return item


def _is_too_long(instance: Any, schema: Any) -> bool:
    """True for an array of which ``maxItems`` says all that is to be said: a service chooses how many it has."""
    return isinstance(instance, list) and len(instance) > schema.get("maxItems", len(instance))


def _items(validator: Validator, items: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
    """``items``, of an array that is not too long."""
    if not _is_too_long(instance, schema):
        yield from Draft202012Validator.VALIDATORS["items"](validator, items, instance, schema)


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(_END.sub(r"\\Z", pattern))


def _pattern(validator: Validator, pattern: str, instance: Any, _schema: Any) -> Iterator[ValidationError]:
    """``pattern``, in which ``$`` is the very end, as JSON Schema has it: for Python it is also before a last line's end."""
    if validator.is_type(instance, "string") and not _compiled(pattern).search(instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")  # the words of jsonschema


def _unique_items(validator: Validator, unique: bool, instance: Any, schema: Any) -> Iterator[ValidationError]:  # noqa: FBT001
    """``uniqueItems`` by one set of texts. jsonschema compares each with each where the items are of many kinds: a service could
    hold a judge up for an hour with one page. The hash of a text is salted, that of a number is anybody's to choose.
    """
    if not unique or not validator.is_type(instance, "array") or _is_too_long(instance, schema):
        return
    if len({json.dumps(_plain(one), sort_keys=True) for one in instance}) < len(instance):
        yield ValidationError(f"{instance!r} has non-unique elements")  # the words of jsonschema


_STRICT: type[Draft202012Validator] = extend(  # type: ignore[no-untyped-call]
    Draft202012Validator,
    validators={"items": _items, "pattern": _pattern, "uniqueItems": _unique_items},
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine("integer", _is_integer),
)


def names() -> tuple[str, ...]:
    """The names of all schemas: ``backend-health`` for ``schemas/backend-health.schema.json``."""
    return tuple(sorted(path.name.removesuffix(".schema.json") for path in FOLDER.glob("*.schema.json")))


@cache
def schema(name: str) -> dict[str, Any]:
    """The schema of that name, as it stands. Raises ContractError if there is none. That each is a valid one is an
    invariant (schema-is-valid), judged in every run: checking it at every start would cost each look its time.
    """
    path = FOLDER / f"{name}.schema.json"
    try:
        document = loads(path.read_bytes(), where=path.name)
    except OSError as error:
        raise ContractError("no such schema", where=path.name, why=str(error.strerror)) from None
    if not isinstance(document, dict):
        raise ContractError("not a valid schema", where=path.name, why="it is no object")
    return document


@cache
def _of_schemas() -> Validator:
    """The validator of 2020-12's own schema, its seven vocabularies in one: by ``check_schema`` each subschema goes through
    all of them and their references, which was a tenth of the processor time of a look.
    """
    own: Any = Draft202012Validator.META_SCHEMA
    whole: dict[str, Any] = {"type": own["type"], "properties": dict(own["properties"]), "$defs": {}}
    for part in own["allOf"]:
        vocabulary: Any = REGISTRY.contents(urljoin(own["$id"], part["$ref"]))
        whole["properties"] |= vocabulary["properties"]
        whole["$defs"] |= vocabulary.get("$defs", {})
    return Draft202012Validator(_in_one(whole))


def _in_one(item: Any) -> Any:
    """The same with each reference to another vocabulary, or to the schema of all, as one to what stands here."""
    match item:
        case {"$dynamicRef": "#meta", **rest}:
            return {"$ref": "#", **_in_one(rest)}
        case {"$ref": str(where), **rest}:
            return {"$ref": f"#{where.partition('#')[2]}", **_in_one(rest)}
        case dict():
            return {key: _in_one(value) for key, value in item.items()}
        case list():
            return [_in_one(one) for one in item]
        case _:
            return item


def flaw(name: str) -> str:
    """Why the schema of that name is no valid 2020-12 schema, empty if it is one."""
    return flaw_of(schema(name))


def flaw_of(document: Any) -> str:
    """The same of a schema that is given."""
    error = best_match(_of_schemas().iter_errors(document))
    return f"{error.json_path}: {beginning(error.message, _SAID)}" if error is not None else ""


@cache
def _validator(name: str) -> Validator:
    """The strict validator of a schema, formats checked."""
    return _STRICT(schema(name), format_checker=FormatChecker())


def _path(error: ValidationError) -> str:
    """Where in the document: ``$.workers[3].id``."""
    return error.json_path


def faults(name: str, document: Any) -> tuple[str, ...]:
    """The ways in which ``document`` breaks the schema, each as ``$.path: what``; empty if it does not. Of more than ``FAULTS``
    the first ones: a service says how many there are, and each takes its time.
    """
    errors = islice(_validator(name).iter_errors(document), FAULTS)
    found = sorted(errors, key=lambda error: (list(map(str, error.path)), error.message))
    return tuple(f"{_path(error)}: {beginning(error.message, _SAID_OF_EACH)}" for error in found)


def best_fault(name: str, document: Any) -> ValidationError | None:
    """The most telling way in which ``document`` breaks the schema, None if it keeps it."""
    fault: ValidationError | None = best_match(_validator(name).iter_errors(document))
    return fault


def check(name: str, document: Any, *, where: str = "") -> None:
    """Raises ContractError, naming the path of the best match, if ``document`` breaks the schema ``name``."""
    error = best_fault(name, document)
    if error is not None:
        what = f"breaks the schema {name}"
        raise ContractError(what, where=where, why=f"{_path(error)}: {beginning(error.message, _SAID)}")
