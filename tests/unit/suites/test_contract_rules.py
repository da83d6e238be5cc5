"""The rules about schemas and their examples, each assertion of them, on a folder of schemas that is not as it must be."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from voxgate.contracts import schemas
from voxgate.contracts.catalogue import read_catalogue
from voxgate.model.invariant import expected
from voxgate.model.verdict import Verdict
from voxgate.plugin import without_pytest

from .conftest import Case

DIALECT = "https://json-schema.org/draft/2020-12/schema"
GOOD = {"$schema": DIALECT, "title": "a number", "type": "object", "properties": {"n": {"type": "integer"}}}
VALID, INVALID = {"n": 1}, {"document": {"n": "1"}, "reason": "$.n"}


@pytest.fixture
def judged(green: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Mapping[str, str]]:
    """Judge a schema and its examples, that are the only ones there: rule to what it found."""
    for module in (schemas, without_pytest.suite("test_contracts.py")):
        monkeypatch.setattr(module, "FOLDER", tmp_path)

    def judge(name: str, document: Any, valid: Any = VALID, invalid: Any = INVALID) -> Mapping[str, str]:
        (tmp_path / f"{name}.schema.json").write_text(json.dumps(document), "utf-8")
        (tmp_path / "examples" / name).mkdir(parents=True)
        for kind, example in (("valid", valid), ("invalid", invalid)):
            if example is not None:
                (tmp_path / "examples" / name / f"{kind}-one.json").write_text(json.dumps(example), "utf-8")
        found = {}
        for one in expected(read_catalogue(), green.estate, (name,), deploying=frozenset()):
            if one.invariant.suite == "test_contracts.py":
                came = without_pytest.judge(one, green.estate, green.evidence)
                assert came is not None
                if came.verdict is not Verdict.HOLDS:
                    assert came.verdict is Verdict.VIOLATED
                    found[came.invariant] = came.found
        return found

    return judge


def test_a_good_one_holds(judged: Callable[..., Mapping[str, str]]) -> None:
    assert judged("holds", GOOD) == {}


@pytest.mark.parametrize(
    ("name", "parts", "said"),
    [
        ("no-schema", {"title": 7}, "schemas/no-schema is no valid schema: $.title: 7 is not of type 'string'"),
        ("old", {"$schema": "http://json-schema.org/draft-07/schema#"}, "schemas/old: http://json-schema.org/draft-07/schema#"),
        ("untitled", {"title": ""}, "schemas/untitled has no title"),
    ],
)
def test_a_schema_that_is_none(judged: Callable[..., Mapping[str, str]], name: str, parts: dict[str, Any], said: str) -> None:
    assert judged(name, {**GOOD, **parts})["schema-is-valid"] == said


@pytest.mark.parametrize(
    ("name", "examples", "rule", "said"),
    [
        ("none-good", {"valid": None}, "good-examples-pass", "schemas/examples/none-good has no valid example"),
        (
            "bad-good",
            {"valid": {"n": "1"}},
            "good-examples-pass",
            "valid-one.json should pass bad-good: $.n: '1' is not of type 'integer'",
        ),
        ("none-bad", {"invalid": None}, "bad-examples-fail-for-their-reason", "schemas/examples/none-bad has no invalid example"),
        (
            "good-bad",
            {"invalid": {"document": {"n": 1}, "reason": "$.n"}},
            "bad-examples-fail-for-their-reason",
            "invalid-one.json should fail good-bad at $.n, it fails at nothing",
        ),
        (
            "else-bad",
            {"invalid": {"document": {"n": "1"}, "reason": "$.m"}},
            "bad-examples-fail-for-their-reason",
            "invalid-one.json should fail else-bad at $.m, it fails at $.n",
        ),
    ],
)
def test_an_example_that_shows_nothing(
    judged: Callable[..., Mapping[str, str]], name: str, examples: dict[str, Any], rule: str, said: str
) -> None:
    assert judged(name, GOOD, **examples) == {rule: said}
