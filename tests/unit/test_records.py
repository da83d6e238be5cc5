"""What is known of a record is enough for its contract: masked, it is judged as it stands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from bson import json_util
from hypothesis import given
from hypothesis import strategies as st

from voxgate.contracts import json_strict
from voxgate.contracts.records import ENTRY, WRITTEN, fields_of, masked
from voxgate.contracts.schemas import FOLDER, faults, schema

EXAMPLES = [(name, path) for name in WRITTEN.values() for path in sorted((FOLDER / "examples" / name).glob("*.json"))]
KEPT = {
    "type", "pattern", "enum", "const", "required", "properties", "if", "then", "additionalProperties", "minimum", "minLength",
    "format", "title", "description", "$schema", "$id",
}  # fmt: skip
TEXTS = st.text(min_size=1).filter(lambda text: text not in {"(text)", "due", "placed"} and not text.isspace())


@pytest.mark.parametrize(("name", "path"), EXAMPLES, ids=[f"{name}-{path.stem}" for name, path in EXAMPLES])
def test_a_masked_record_breaks_its_contract_where_the_record_does(name: str, path: Path) -> None:
    document = json_strict.loads(path.read_bytes(), where=path.name)
    document = document.get("document", document)
    of_mongodb = json_util.loads(path.read_text("utf-8"), json_options=json_util.JSONOptions(tz_aware=False))
    found = masked(name, of_mongodb.get("document", of_mongodb))
    assert [one.partition(": ")[0] for one in faults(name, found)] == [one.partition(": ")[0] for one in faults(name, document)]


@given(st.sampled_from(sorted(WRITTEN.values())), st.data())
def test_no_text_of_a_record_is_left(name: str, data: st.DataObject) -> None:
    """But a word or a form that the contract itself has for the field."""
    record = {key: data.draw(TEXTS) for key in (*fields_of(name), "to", "name")}
    found = masked(name, record)
    assert found.keys() <= set(fields_of(name))
    assert {key for key, value in found.items() if value != "(text)"} <= {"_id", "state"}


@pytest.mark.parametrize("name", [ENTRY, *WRITTEN.values()])
def test_a_contract_of_records_says_nothing_that_a_form_does_not_tell(name: str) -> None:
    """Where one needs more (a largest number, a longest text), what is told of a record must say it too."""

    def words(said: Any) -> set[str]:
        if not isinstance(said, dict):
            return set()
        found = set(said) | {word for key, value in said.items() if key != "properties" for word in words(value)}
        return found | {word for field in said.get("properties", {}).values() for word in words(field)}

    assert words(schema(name)) <= KEPT

    def least(said: Any) -> list[int]:
        if not isinstance(said, dict):
            return []
        own = [said[key] for key in ("minimum", "minLength") if key in said]
        return own + [number for value in said.values() for number in least(value)]

    assert set(least(schema(name))) <= {0, 1}
