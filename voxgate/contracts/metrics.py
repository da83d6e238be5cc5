"""Prometheus and OpenMetrics text, each by its own rules, read strictly: what a lenient parser lets through is refused here."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping

from prometheus_client import Metric, parser
from prometheus_client.openmetrics import parser as openmetrics

from voxgate.errors import ContractError
from voxgate.redaction.shortening import beginning

_FORMATS: Mapping[str, Callable[[str], Iterable[Metric]]] = {
    "text/plain": parser.text_string_to_metric_families,
    "application/openmetrics-text": openmetrics.text_string_to_metric_families,
}

_LONGEST = 500
"""Bytes of one line: for a line its readers take a time of the square, and while one of them matches nothing else goes on."""

_SAID = 200  # characters of why metrics cannot be read

_COUNTER = re.compile(r"# TYPE (\S+) counter")


def read_metrics(body: bytes, content_type: str, *, where: str = "") -> Mapping[str, float]:
    """Each series (``name`` or ``name{label="value",...}``) and its value.

    Raises ContractError for a wrong content type, an empty body, a family without HELP or TYPE, a counter without
    ``_total``, a series that stands twice, a negative or NaN counter, or text that this content type's format does not know.
    """
    return _read(body, content_type, where)[0]


def types_of(body: bytes, content_type: str, *, where: str = "") -> Mapping[str, str]:
    """The type of each metric by the name that a query says: ``{"voxdialler_ticks_total": "counter"}``. Raises ContractError as
    ``read_metrics`` does.
    """
    return _read(body, content_type, where)[1]


def _read(body: bytes, content_type: str, where: str) -> tuple[dict[str, float], dict[str, str]]:
    what = "metrics are not well-formed"
    kind = content_type.partition(";")[0].strip()
    if kind not in _FORMATS or max(map(len, body.split(b"\n"))) > _LONGEST:
        why = f"a line of more than {_LONGEST} bytes" if kind in _FORMATS else f"content type {content_type!r}"
        raise ContractError(what, where=where, why=why)
    try:
        text = body.decode("utf-8")
        families = list(_FORMATS[kind](text))
    except Exception as error:  # noqa: BLE001 - the parser raises many kinds on garbage; each means the same here
        raise ContractError(what, where=where, why=beginning(f"{type(error).__name__}: {error}", _SAID)) from None
    if not families:
        raise ContractError(what, where=where, why="no metric in it")
    series: dict[str, float] = {}
    types: dict[str, str] = {}
    counters = set(_COUNTER.findall(text))
    for family in families:
        if family.type == "unknown" or not family.documentation:
            raise ContractError(what, where=where, why=f"{family.name} has no HELP or TYPE")
        # OpenMetrics names a counter's family without it, and its reader asks for it at each sample.
        if family.type == "counter" and kind == "text/plain" and f"{family.name}_total" not in counters:
            raise ContractError(what, where=where, why=f"counter {family.name} does not end in _total")
        for sample in family.samples:
            labels = ",".join(f'{key}="{value}"' for key, value in sorted((sample.labels or {}).items()))
            key = f"{sample.name}{{{labels}}}" if labels else sample.name
            if key in series:
                raise ContractError(what, where=where, why=f"series {key} stands twice")
            if family.type == "counter" and (sample.value < 0 or math.isnan(sample.value)):
                raise ContractError(what, where=where, why=f"counter {key} is {sample.value}")
            series[key] = sample.value
            types[sample.name] = family.type
    return series, types
