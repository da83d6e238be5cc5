"""What units say of themselves: read from whatever a host tells."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxgate.contracts.estates import load_estate
from voxgate.errors import Unreachable
from voxgate.model.estate import PlacedUnit
from voxgate.model.evidence import Missing
from voxgate.survey.diagnostics import UnitWords, words_in

UNIT: PlacedUnit = next(one for one in load_estate("lab").placed_units if one.id == "fleet-1-voxcore@2")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
)


def told(row: object) -> dict[str, Any]:
    return {"words": {"voxcore@2.service": row, "voxcore@1.service": {"value": {"status": ["of another"], "journal": []}}}}


def test_status_and_journal_are_texts_of_that_unit() -> None:
    row = {"value": {"status": ["● voxcore@2", "  Active: failed"], "journal": ["no setting REDIS_URL"]}}
    assert words_in(told(row), UNIT) == UnitWords("● voxcore@2\n  Active: failed", "no setting REDIS_URL")


def test_what_the_probe_could_not_read_is_missing_with_its_reason() -> None:
    found = words_in(told({"error": {"kind": "failed", "text": "journalctl --quiet ended with 1"}}), UNIT)
    assert isinstance(found, Missing)
    assert found.why == "journalctl --quiet ended with 1"


def test_a_host_that_is_gone_is_missing() -> None:
    found = words_in(Unreachable("no answer", where="fleet-1", why="timed out"), UNIT)
    assert isinstance(found, Missing)
    assert found.kind == "unreachable"


@pytest.mark.parametrize("document", [{}, {"words": []}, {"words": {}}, told(None), told([]), told({"value": "text"})])
def test_what_is_no_answer_is_missing(document: dict[str, Any]) -> None:
    assert isinstance(words_in(document, UNIT), Missing)


@given(JSON)
def test_nothing_that_a_host_tells_raises(row: object) -> None:
    assert isinstance(words_in(told(row), UNIT), UnitWords | Missing)
