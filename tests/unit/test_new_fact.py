"""CONTRIBUTING.md's walk: a fact that nobody looked at is a line of the probe, a field of its type, and a rule."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from voxgate.contracts import schemas
from voxgate.survey.document import schema

ROOT = Path(__file__).resolve().parents[2]
READS = """
import json
from voxgate.model.evidence import Missing
from voxgate.probe.clock import clock
from voxgate.probe.base import Job
from voxgate.survey.document import schema
from voxgate.survey.host_documents import host_evidence

told = clock(Job(list))
seen = [host_evidence("h", {"sections": {"clock": {"value": {**told, **more}}}}).clock for more in ({}, {"kernel": 7})]
said = {"told": told["kernel"], "read": seen[0].kernel, "wrong": seen[1].why, "schema": schema()["$defs"]["ClockFact"]}
print(json.dumps(said))
"""


def changed(folder: Path, path: str, before: str, after: str) -> None:
    text = (folder / path).read_text("utf-8")
    assert text.count(before) == 1
    (folder / path).write_text(text.replace(before, after), "utf-8")


def test_a_new_fact_is_told_read_and_in_the_schema_by_two_lines(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "voxgate", tmp_path / "voxgate", ignore=shutil.ignore_patterns("__pycache__"))
    container = '        "container": container,\n'
    changed(tmp_path, "voxgate/probe/clock.py", container, f'{container}        "kernel": os.uname().release,\n')
    field = "    container: bool\n    doubts"
    changed(tmp_path, "voxgate/model/surroundings.py", field, "    container: bool\n    kernel: Whole\n    doubts")
    told = subprocess.run([sys.executable, "-c", READS], cwd=tmp_path, check=True, capture_output=True, timeout=60)
    found = json.loads(told.stdout)
    assert found["read"] == found["told"] != ""
    assert found["wrong"] == "clock: kernel: str wanted, int found"
    assert found["schema"]["properties"]["kernel"] == {"type": "string"}
    assert "kernel" in found["schema"]["required"]


def test_the_schema_is_made_of_the_types() -> None:
    """``make docs`` writes it."""
    assert json.loads((ROOT / "schemas/evidence.schema.json").read_text("utf-8")) == schema()
    assert schemas.flaw("evidence") == ""


@pytest.mark.parametrize("section", ["clock", "sudo", "runtimes", "stores", "boot", "units"])
def test_what_is_told_of_a_section_is_all_named(section: str) -> None:
    """A member that no type has is a mistake: nobody would read it."""
    document = json.loads((ROOT / "schemas/examples/evidence/valid-fleet.json").read_text("utf-8"))
    assert schemas.best_fault("evidence", document) is None
    value = document["sections"][section]["value"]
    row = value
    while isinstance(row, dict) and row and all(isinstance(one, dict) for one in row.values()):
        row = next(iter(row.values()))
    row["nobody_reads_it"] = 1
    assert schemas.best_fault("evidence", document) is not None
