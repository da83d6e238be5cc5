"""The probe's document as a whole: which sections it has, by the types of ``HostEvidence``, its edge, and its JSON Schema.

``python -m voxgate.survey.document`` prints the schema, which is kept in ``schemas/evidence.schema.json``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from types import UnionType
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from msgspec import Meta

from voxgate.contracts import typed
from voxgate.errors import ContractError
from voxgate.model.evidence import HostEvidence, Missing, SocketsFact
from voxgate.model.forms import Later, Natural, Number, Pid, Sha256, Whole

FORMAT = 1
SOCKETS = tuple(field.name for field in fields(SocketsFact))  # one section, several facts
OF_HOST: Mapping[str, Any] = {"boot_id": Whole, "time": Number, "uptime": Number}
OF_GATE = frozenset({"asked", "answered", "took"})  # what the gate itself notes, and what the probe says of itself
KINDS = ("denied", "missing", "timeout", "unparsable", "failed")

Seconds = Annotated[float, Meta(ge=0, le=1e300)]


@dataclass(frozen=True, slots=True)
class ProbeHead:
    """The probe itself. ``request`` is the sha256 of the very bytes that it answers; ``pid`` is the witness in the list of
    processes; ``seconds`` are wall-clock, from its turn on, for which it waited; ``cpu_seconds`` include its children.
    """

    sha256: Sha256
    request: Sha256
    pid: Pid
    uid: Natural
    python: Annotated[str, Meta(pattern=r"^3\.[0-9]+\.[0-9]+\Z")]
    seconds: Seconds
    cpu_seconds: Seconds
    waited: Annotated[Seconds, Later()] = 0.0


@dataclass(frozen=True, slots=True)
class HostHead:
    """``time`` is the host's clock (epoch seconds), ``uptime`` seconds; null is what could not be read."""

    hostname: str
    boot_id: str | None
    time: Number
    uptime: Number | None


@dataclass(frozen=True, slots=True)
class Edge:
    """What stands around the sections."""

    format: Annotated[int, Meta(ge=FORMAT, le=FORMAT)]
    probe: ProbeHead
    host: HostHead
    sections: dict[str, Any]


@cache
def sections() -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """The sections by their names, with their types: those that are one fact, and those with one fact for each service."""
    single: dict[str, Any] = {"sockets": SocketsFact}
    each: dict[str, Any] = {}
    for name, hint in get_type_hints(HostEvidence, include_extras=True).items():
        if name in SOCKETS or name in OF_HOST or name in OF_GATE:
            continue
        if get_origin(hint) is UnionType and Missing in get_args(hint):
            (single[name],) = (one for one in get_args(hint) if one is not Missing)
        elif get_args(hint)[1:] and Missing in get_args(get_args(hint)[1]):
            (each[name],) = (one for one in get_args(get_args(hint)[1]) if one is not Missing)
    return single, each


def check_edge(document: Mapping[str, Any], where: str) -> None:
    """Raises ContractError if what stands around the sections is of another form."""
    try:
        typed.read({key: value for key, value in document.items() if key != "gate"}, Edge)
    except typed.WrongFormError as error:
        raise ContractError("is of another form", where=where, why=str(error)) from None


def schema() -> dict[str, Any]:
    """The JSON Schema of a document, made of the types."""
    single, each = sections()
    edge = {"probe": ProbeHead, "host": HostHead}
    made, defined = typed.schemas({**single, **each, **edge})
    error = {
        "type": "object",
        "additionalProperties": False,
        "required": ["kind", "text"],
        "properties": {"kind": {"enum": list(KINDS)}, "text": {"type": "string"}},
    }
    whole = {name: _outcome(made[name], timed=True) for name in single}
    whole |= {name: _outcome(_by_service(made[name]), timed=True) for name in each}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://voxgate.example/schemas/evidence.schema.json",
        "title": "What the probe says of one host: every fact is a value, or the error that kept it from being one",
        "$comment": "Made of the types in voxgate/model by `make docs`.",
        "type": "object",
        "additionalProperties": False,
        "required": ["format", "probe", "host", "sections"],
        "properties": {
            "format": {"const": FORMAT},
            **{name: made[name] for name in edge},
            "sections": {
                "type": "object",
                "additionalProperties": False,
                "required": sorted(whole),
                "properties": dict(sorted(whole.items())),
            },
        },
        "$defs": dict(sorted({**defined, "error": error}.items())),
    }


def _by_service(fact: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": _outcome(fact, timed=False)}


def _outcome(value: dict[str, Any], *, timed: bool) -> dict[str, Any]:
    """A value, or an error; of a section the seconds that it took, wall-clock."""
    members = {"value": value, "error": {"$ref": "#/$defs/error"}}
    return {
        "type": "object",
        "additionalProperties": False,
        **({"required": ["seconds"]} if timed else {}),
        "oneOf": [{"required": ["value"]}, {"required": ["error"]}],
        "properties": {**({"seconds": {"type": "number", "minimum": 0}} if timed else {}), **members},
    }


if __name__ == "__main__":
    print(json.dumps(schema(), indent=1))  # noqa: T201 - a command's answer
