"""Contracts: what the schemas promise, proved by examples. No host is needed."""

from __future__ import annotations

from pathlib import Path

from voxgate.contracts.json_strict import loads
from voxgate.contracts.schemas import FOLDER, faults, flaw, schema
from voxgate.plugin import invariant, say

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def examples(name: str, kind: str) -> list[Path]:
    """The example files of a schema: ``valid-*.json`` or ``invalid-*.json``."""
    return sorted((FOLDER / "examples" / name).glob(f"{kind}-*.json"))


@invariant(per="schema_name", guards="evidence", severity="normal")
def test_schema_is_valid(schema_name: str) -> None:
    """A schema that is none checks nothing: each is JSON Schema 2020-12 and says so."""
    document = schema(schema_name)
    broken = flaw(schema_name)
    assert not broken, say(f"schemas/{schema_name} is no valid schema: {broken}", "mend it")
    assert document.get("$schema") == DIALECT, say(f"schemas/{schema_name}: {document.get('$schema')}", f"say {DIALECT}")
    assert document.get("title"), say(f"schemas/{schema_name} has no title", "say what it promises")


@invariant(per="schema_name", guards="evidence", severity="normal")
def test_good_examples_pass(schema_name: str) -> None:
    """The schema takes what the services really send, also with a field of tomorrow."""
    found = examples(schema_name, "valid")
    assert found, say(f"schemas/examples/{schema_name} has no valid example", "add valid-<what>.json")
    for path in found:
        broken = faults(schema_name, loads(path.read_bytes(), where=path.name))
        assert not broken, say(f"{path.name} should pass {schema_name}: {broken[0] if broken else ''}", "mend one of them")


@invariant(per="schema_name", guards="evidence", severity="normal")
def test_bad_examples_fail_for_their_reason(schema_name: str) -> None:
    """A changed type or a lost field is a violation named by its path: each bad example fails there, not somewhere."""
    found = examples(schema_name, "invalid")
    assert found, say(f"schemas/examples/{schema_name} has no invalid example", "add invalid-<why>.json")
    for path in found:
        case = loads(path.read_bytes(), where=path.name)
        paths = {fault.partition(": ")[0] for fault in faults(schema_name, case["document"])}
        assert paths == {case["reason"]}, say(
            f"{path.name} should fail {schema_name} at {case['reason']}, it fails at {', '.join(sorted(paths)) or 'nothing'}",
            "mend the schema, or the example's reason",
        )
