"""Prometheus text metrics, read strictly: what a lenient parser lets through is refused here."""

from __future__ import annotations

import math
from collections.abc import Mapping

from prometheus_client.parser import text_string_to_metric_families

from voxgate.errors import ContractError

_CONTENT_TYPES = ("text/plain", "application/openmetrics-text")


def read_metrics(body: bytes, content_type: str, *, where: str = "") -> Mapping[str, float]:
    """Each series (``name`` or ``name{label="value",...}``) and its value.

    Raises ContractError for a wrong content type, an empty body, a family without HELP or TYPE, a counter without
    ``_total``, a series that stands twice, a negative or NaN counter, or text the format does not know.
    """
    what = "metrics are not well-formed"
    if content_type.split(";", maxsplit=1)[0].strip() not in _CONTENT_TYPES:
        raise ContractError(what, where=where, why=f"content type {content_type!r}")
    try:
        text = body.decode("utf-8")
        families = list(text_string_to_metric_families(text))
    except Exception as error:  # noqa: BLE001 - the parser raises many kinds on garbage; each means the same here
        raise ContractError(what, where=where, why=f"{type(error).__name__}: {error}"[:200]) from None
    if not families:
        raise ContractError(what, where=where, why="no metric in it")
    series: dict[str, float] = {}
    for family in families:
        if family.type == "unknown" or not family.documentation:
            raise ContractError(what, where=where, why=f"{family.name} has no HELP or TYPE")
        if (
            family.type == "counter"
            and f"# TYPE {family.name}_total counter" not in text
            and (f"# TYPE {family.name} counter" not in text or content_type.startswith("text/plain"))
        ):
            raise ContractError(what, where=where, why=f"counter {family.name} does not end in _total")
        for sample in family.samples:
            labels = ",".join(f'{key}="{value}"' for key, value in sorted(sample.labels.items()))
            key = f"{sample.name}{{{labels}}}" if labels else sample.name
            if key in series:
                raise ContractError(what, where=where, why=f"series {key} stands twice")
            if family.type == "counter" and (sample.value < 0 or math.isnan(sample.value)):
                raise ContractError(what, where=where, why=f"counter {key} is {sample.value}")
            series[key] = sample.value
    return series
