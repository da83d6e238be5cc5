"""Contracts: what the schemas promise, proved by examples. No host is needed."""

from __future__ import annotations

from pathlib import Path

from voxgate.contracts.json_strict import loads
from voxgate.contracts.schemas import FOLDER, faults, flaw, schema
from voxgate.plugin import invariant, say, say_all

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
    broken = {path.name: faults(schema_name, loads(path.read_bytes(), where=path.name)) for path in found}
    wrong = [f"{name} should pass {schema_name}: {said[0]}" for name, said in broken.items() if said]
    assert not wrong, say_all("", wrong, "mend it, or the schema")


@invariant(per="schema_name", guards="evidence", severity="normal")
def test_bad_examples_fail_for_their_reason(schema_name: str) -> None:
    """A changed type or a lost field is a violation named by its path: each bad example fails there, not somewhere."""
    found = examples(schema_name, "invalid")
    assert found, say(f"schemas/examples/{schema_name} has no invalid example", "add invalid-<why>.json")
    wrong = []
    for path in found:
        case = loads(path.read_bytes(), where=path.name)
        paths = {fault.partition(": ")[0] for fault in faults(schema_name, case["document"])}
        if paths != {case["reason"]}:
            fails = ", ".join(sorted(paths)) or "nothing"
            wrong.append(f"{path.name} should fail {schema_name} at {case['reason']}, it fails at {fails}")
    assert not wrong, say_all("", wrong, "mend the schema, or the example's reason")
