"""The operations of an OpenAPI document (3.x): what each needs of who asks, and what it answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

METHODS = ("get", "put", "post", "delete", "patch")


def operations(document: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Each operation, ``GET /api/ping``: ``needs`` (``query tenant``, ``body``), and of its good answer ``status``, ``type`` and
    ``schema``, with the document's components beside it for its references.
    """
    return {
        f"{method.upper()} {path}": _operation(one, shared, document)
        for path, item in _fields(document, "paths").items()
        if isinstance(item, Mapping)
        for shared in (_parameters(item),)
        for method in METHODS
        if isinstance(one := item.get(method), Mapping)
    }


def _operation(one: Mapping[str, Any], shared: list[Any], document: Mapping[str, Any]) -> dict[str, Any]:
    needs = [
        f"{parameter.get('in')} {parameter.get('name')}"
        for parameter in (*shared, *_parameters(one))
        if isinstance(parameter, Mapping) and parameter.get("required") is True and parameter.get("in") != "path"
    ]
    if _fields(one, "requestBody").get("required") is True:
        needs.append("body")
    status, answer = next(iter(_good(one)), ("200", {}))
    kind, content = next(iter(_fields(answer, "content").items()), ("", {}))
    schema = _fields(content, "schema")
    beside = {"components": document["components"]} if "components" in document and schema else {}
    return {"needs": sorted(needs), "status": int(status), "type": kind, "schema": {**schema, **beside}}


def _good(one: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for status, answer in sorted(_fields(one, "responses").items()):
        if status.startswith("2") and status.isdecimal() and isinstance(answer, Mapping):
            yield status, answer


def _parameters(one: Mapping[str, Any]) -> list[Any]:
    found = one.get("parameters")
    return found if isinstance(found, list) else []


def _fields(one: Any, name: str) -> Mapping[str, Any]:
    found = one.get(name) if isinstance(one, Mapping) else None
    return found if isinstance(found, Mapping) else {}
