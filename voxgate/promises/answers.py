"""What a running service answers, gathered: of each answer its shape."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from voxgate.contracts.json_strict import loads
from voxgate.contracts.metrics import types_of
from voxgate.contracts.openapi import operations
from voxgate.contracts.records import ENTRY, RECORDS
from voxgate.contracts.releases_answers import Answers, Told
from voxgate.contracts.shapes_of_answers import shape, shape_of_metrics
from voxgate.errors import ContractError
from voxgate.model.answers import Answer
from voxgate.probe.registry import ENTRIES
from voxgate.promises.contract import Contract
from voxgate.promises.records import entry, newest

JSON = "application/json"


def gathered(contract: Contract) -> Answers:
    """All that it answers to those who ask, and leaves in stores whose settings are known. Raises AwayError, ContractError."""
    return Answers(contract.service.name, dict([*_pages(contract), *_operations(contract), *_records(contract)]))


def _pages(contract: Contract) -> Iterator[tuple[str, Told]]:
    service = contract.service
    for endpoint in (service.health, service.aggregate_health):
        if endpoint is not None:
            answer = contract.ask.ask(endpoint.path)
            yield f"GET {endpoint.path}", _told(endpoint.schema or "", answer)
    if service.metrics is not None:
        answer = contract.ask.ask(service.metrics.path)
        types = types_of(answer.body, answer.headers.get("content-type", ""))
        yield f"GET {service.metrics.path}", Told("dialler-metrics", shape_of_metrics(types), answer.status, _kind(answer))


def _operations(contract: Contract) -> Iterator[tuple[str, Told]]:
    """What the backend's own OpenAPI says it has, but for its health; what can be asked without a word is asked."""
    if contract.service.name != "backend":
        return
    document = contract.ask.page("/openapi.json", None).document
    for key, one in operations(document).items():
        method, _, path = key.partition(" ")
        if contract.service.health is not None and path == contract.service.health.path:
            continue
        said = Told("backend-api", one["schema"], one["status"], one["type"], tuple(one["needs"]))
        yield (
            key,
            _told("backend-api", contract.ask.ask(path)) if method == "GET" and not said.needs and "{" not in path else said,
        )


def _records(contract: Contract) -> Iterator[tuple[str, Told]]:
    own: Mapping[str, Any] = contract.page().document if contract.service.health else {}
    if contract.service.name == "fleet" and "REDIS_URL" in contract.settings:
        found = entry(contract.settings["REDIS_URL"], str(own.get("worker")))
        if found is not None:
            yield f"redis {ENTRIES}*", Told(ENTRY, shape(found.said))
    if contract.service.name == "dialler" and "MONGODB_URI" in contract.settings:
        for collection, name in RECORDS.items():
            record = newest(contract.settings["MONGODB_URI"], collection, int(own.get("pid", 0)))
            if record is not None:
                yield f"mongodb {collection}", Told(name, shape(record))


def _told(contract: str, answer: Answer) -> Told:
    document: Any = None
    with suppress(ContractError):
        document = loads(answer.body)
    return Told(contract, shape(document), answer.status, _kind(answer))


def _kind(answer: Answer) -> str:
    return answer.headers.get("content-type", "").partition(";")[0].strip().lower()
