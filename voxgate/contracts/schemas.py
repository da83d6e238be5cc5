"""The schemas in ``schemas/`` (JSON Schema 2020-12), read once, checked strictly."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from itertools import islice
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import SchemaError, ValidationError, best_match
from jsonschema.protocols import Validator
from jsonschema.validators import extend

from voxgate.contracts.json_strict import loads
from voxgate.contracts.places import bundled
from voxgate.errors import ContractError

FOLDER = bundled("schemas")
FAULTS = 500
"""Ways in which one document breaks its schema that are told."""

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


def flaw(name: str) -> str:
    """Why the schema of that name is no valid 2020-12 schema, empty if it is one."""
    try:
        Draft202012Validator.check_schema(schema(name))
    except SchemaError as error:
        return f"{error.json_path}: {error.message[:200]}"
    return ""


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
    return tuple(f"{_path(error)}: {error.message[:160]}" for error in found)


def best_fault(name: str, document: Any) -> ValidationError | None:
    """The most telling way in which ``document`` breaks the schema, None if it keeps it."""
    fault: ValidationError | None = best_match(_validator(name).iter_errors(document))
    return fault


def check(name: str, document: Any, *, where: str = "") -> None:
    """Raises ContractError, naming the path of the best match, if ``document`` breaks the schema ``name``."""
    error = best_fault(name, document)
    if error is not None:
        what = f"breaks the schema {name}"
        raise ContractError(what, where=where, why=f"{_path(error)}: {error.message[:200]}")
