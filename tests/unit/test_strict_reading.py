"""Strict reading: what two readers could read differently is refused, in one line, at no cost."""

from __future__ import annotations

import json
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.openmetrics import exposition as openmetrics

from voxgate.contracts.json_strict import LIMIT, loads, read_file
from voxgate.contracts.metrics import read_metrics, types_of
from voxgate.errors import ContractError

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
OPEN = "# HELP ticks Ticks.\n# TYPE ticks counter\nticks_total 3\n# EOF\n"
GOOD = "# HELP ticks_total Ticks.\n# TYPE ticks_total counter\nticks_total 3\n"

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b'{"a": 1, "a": 2}', "stands twice"),
        (b'{"a": NaN}', "NaN is no JSON"),
        (b'{"a": -Infinity}', "-Infinity is no JSON"),
        (b"[" * 100_000, "nested deeper"),
        (b'{"a":' * 65 + b"1" + b"}" * 65, "nested deeper"),
        (b"[" * 65 + b"]" * 65, "nested deeper"),
        (b" " * (LIMIT + 1), "at most"),
        (b"{} {}", "Extra data"),
        (b"", "Expecting value"),
        (b'"\xff"', "decode"),
        (b"9" * 5000, "digit"),
    ],
)
def test_what_is_not_strict_is_refused(body: bytes, why: str) -> None:
    with pytest.raises(ContractError) as caught:
        loads(body, where="there")
    assert why in caught.value.line
    assert caught.value.line.startswith("there: ")


def test_a_document_is_as_deep_and_as_large_as_may_be() -> None:
    deepest = b"[[], " + b"[" * 63 + b"]" * 64
    assert json.dumps(loads(deepest)).encode() == deepest
    assert loads(b"[" + b"[]," * 100 + b"{}]") == [[]] * 100 + [{}]  # many beside each other
    assert loads(b"[1]", limit=3) == [1]
    with pytest.raises(ContractError) as caught:
        loads(b"[1]", where="x", limit=2)
    assert caught.value.line == "x: not strict JSON: 3 bytes, at most 2 are read"


def test_a_long_word_on_what_is_not_strict_is_cut() -> None:
    with pytest.raises(ContractError) as caught:
        loads(json.dumps({"a" * 300: 1}).encode()[:-1] + b', "%s": 1}' % (b"a" * 300))
    assert caught.value.why == "key '"


def test_a_file_of_others_is_read_one_byte_beyond_what_may_be(tmp_path: Path) -> None:
    """So whoever reads it sees that there is more; and waits for nobody."""
    (tmp_path / "file").write_bytes(b"12345")
    assert [read_file(tmp_path / "file", limit) for limit in (3, 4, 5, 9)] == [b"1234", b"12345", b"12345", b"12345"]
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="it is no regular file"):
        read_file(tmp_path / "pipe")


def test_brackets_inside_of_strings_are_no_depth() -> None:
    assert loads(json.dumps({"a": "[" * 500 + '\\"'}).encode()) == {"a": "[" * 500 + '\\"'}


@given(json_values)
def test_what_json_writes_is_read_back(value: Any) -> None:
    assert loads(json.dumps(value).encode()) == value


@given(st.binary(max_size=200))
def test_any_bytes_are_a_document_or_one_line(body: bytes) -> None:
    try:
        loads(body)
    except ContractError as error:
        assert "\n" not in error.line  # noqa: PT017


def test_no_number_of_metrics_takes_a_time_of_its_square() -> None:
    page = "".join(f"# HELP a{one}_total x\n# TYPE a{one}_total counter\na{one}_total 1\n" for one in range(60_000))
    began = time.process_time()
    assert len(read_metrics(page.encode(), TEXT)) == 60_000
    assert time.process_time() - began < 10


_NATIVES = "# TYPE h histogram\n# HELP h x\n{}\n# EOF\n"
_NATIVE = "count:1,sum:1,schema:1,zero_threshold:1,zero_count:1,"


@pytest.mark.parametrize(
    ("page", "kind"),
    [
        (_NATIVES.format(f"h {{{_NATIVE}{'a' * 200_000}}}"), OPENMETRICS),
        ("{" + "=," * 300_000 + "} 1\n", TEXT),
        (_NATIVES.format("\n".join(f'h{{a="{number}"}} {{{_NATIVE}{"a" * 400}}}' for number in range(2000))), OPENMETRICS),
    ],
    ids=["a histogram", "labels", "many histograms"],
)
def test_no_line_of_metrics_takes_a_time_of_its_square(page: str, kind: str) -> None:
    """Whose account serves them says how long they are; while one line is matched nothing else of the gate goes on."""
    began = time.process_time()
    with suppress(ContractError):
        read_metrics(page.encode(), kind)
    assert time.process_time() - began < 8


def test_a_sample_without_labels_is_read_as_any() -> None:
    """Of a native histogram the reader has none, not even an empty set."""
    page = _NATIVES.format("h {count:1,sum:1,schema:1,zero_threshold:1,zero_count:1}")
    assert list(read_metrics(page.encode(), OPENMETRICS)) == ["h"]


def test_good_metrics_are_read() -> None:
    assert read_metrics(GOOD.encode(), TEXT) == {"ticks_total": 3.0}


def test_a_counter_may_be_none_and_a_gauge_anything() -> None:
    assert read_metrics(GOOD.replace("3", "0").encode(), TEXT) == {"ticks_total": 0.0}
    assert read_metrics(OPEN.replace("3", "0").encode(), OPENMETRICS) == {"ticks_total": 0.0}
    gauge = GOOD.replace("counter", "gauge").replace("3", "-3")
    assert read_metrics(gauge.encode(), TEXT) == {"ticks_total": -3.0}
    assert types_of(gauge.encode(), TEXT) == {"ticks_total": "gauge"}
    assert types_of(OPEN.encode(), OPENMETRICS) == {"ticks_total": "counter"}


def test_a_line_of_metrics_is_as_long_as_one_may_be() -> None:
    longest = "# HELP ticks_total " + "x" * (500 - len("# HELP ticks_total "))
    page = GOOD.replace("# HELP ticks_total Ticks.", longest)
    assert read_metrics(page.encode(), TEXT) == {"ticks_total": 3.0}
    with pytest.raises(ContractError) as caught:
        read_metrics(page.replace("xxx", "xxxx", 1).encode(), TEXT, where="there")
    assert caught.value.line == "there: metrics are not well-formed: a line of more than 500 bytes"


def test_each_format_is_read_by_its_own_rules() -> None:
    """What prometheus_client itself writes of the same registry, for either."""
    registry = CollectorRegistry()
    Counter("ticks", "Ticks.", registry=registry).inc(3)
    Gauge("calls", "Calls.", ["state"], registry=registry).labels("open").set(2)
    wanted = {"ticks_total": 3.0, 'calls{state="open"}': 2.0}
    for write, kind in ((generate_latest, CONTENT_TYPE_LATEST), (openmetrics.generate_latest, openmetrics.CONTENT_TYPE_LATEST)):
        found = read_metrics(write(registry), kind)
        assert {key: value for key, value in found.items() if not key.endswith("_created")} == wanted
    with pytest.raises(ContractError, match="well-formed"):
        read_metrics(generate_latest(registry), openmetrics.CONTENT_TYPE_LATEST)


@pytest.mark.parametrize(
    ("body", "kind", "why"),
    [
        (GOOD, "text/html", "content type"),
        ("", TEXT, "no metric"),
        (GOOD + "ticks_total 4\n", TEXT, "stands twice"),
        (GOOD.replace("3", "-3"), TEXT, "is -3"),
        (GOOD.replace("3", "-0.5"), TEXT, "counter ticks_total is -0.5"),
        (GOOD.replace("3", "NaN"), TEXT, "is nan"),
        ("# TYPE ticks_total counter\nticks_total 3\n", TEXT, "no HELP"),
        ("ticks_total 3\n", TEXT, "no HELP"),
        (GOOD.replace("ticks_total", "ticks"), TEXT, "_total"),
        ("<html>", TEXT, "not well-formed"),
        (OPEN.replace("# EOF\n", ""), OPENMETRICS, "EOF"),
        (OPEN.replace("ticks_total 3", "ticks 3"), OPENMETRICS, "not well-formed"),
        (OPEN.replace("3", "-3"), OPENMETRICS, "not well-formed"),
        ("# TYPE ticks counter\nticks_total 3\n# EOF\n", OPENMETRICS, "no HELP"),
    ],
)
def test_bad_metrics_are_refused(body: str, kind: str, why: str) -> None:
    with pytest.raises(ContractError) as caught:
        read_metrics(body.encode(), kind)
    assert why in caught.value.line


@given(st.binary(max_size=300), st.text(max_size=20))
def test_any_metrics_are_series_or_one_line(body: bytes, kind: str) -> None:
    for content_type in (kind, TEXT, OPENMETRICS):
        try:
            read_metrics(body, content_type)
        except ContractError as error:
            assert error.what  # noqa: PT017
