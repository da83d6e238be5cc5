"""The shape of an answer: the JSON Schema of documents with the same fields and types, whatever their values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Schema = Mapping[str, Any]


def shape(document: Any) -> dict[str, Any]:
    """``{"type": "object", "required": [..], "properties": {..}}`` of what was answered: types of the values, not the values."""
    match document:
        case None:
            return {"type": "null"}
        case bool():
            return {"type": "boolean"}
        case int():
            return {"type": "integer"}
        case float():
            return {"type": "number"}
        case str():
            return {"type": "string"}
        case list():
            parts = {str(sorted(one.items())): one for one in map(shape, document)}
            return {"type": "array"} | ({"items": next(iter(parts.values()))} if len(parts) == 1 else {})
    fields = {name: shape(document[name]) for name in sorted(document)}
    return {"type": "object", "required": sorted(fields), "properties": fields}


def shape_of_metrics(types: Mapping[str, str]) -> dict[str, Any]:
    """The same of metrics: each has its type, ``counter`` or ``gauge``."""
    return {
        "type": "object",
        "required": sorted(types),
        "properties": {name: {"const": types[name]} for name in sorted(types)},
    }
