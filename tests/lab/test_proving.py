"""A proof of faults judges within its own process. That must say what pytest says: here on one and the same look."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from lab.proving import breaking
from lab.proving.fault import find, ids_of
from lab.proving.judge import judge, lab_estate
from voxgate.survey.saving import load

if TYPE_CHECKING:
    from tests.lab.conftest import Gate, GateRun

VIOLATES, BLINDS = "console-extra-file", "seeing-probe-missing"


@pytest.fixture
def _broken() -> Iterator[None]:
    """Two faults at once, one of each kind, mended whatever happens."""
    try:
        breaking.inject(find(VIOLATES))
        breaking.inject(find(BLINDS))
        yield
    finally:
        breaking.mend_all()


@pytest.mark.usefixtures("_broken")
def test_a_proof_judges_as_pytest_does(deployed: GateRun, gate: Gate) -> None:
    """Each id and each verdict, of a look with violated and blind ones; and it is what the faults declare."""
    assert deployed.status == 0, deployed.said
    run = gate()
    by_pytest = {one: verdict for one, verdict in run.judged.items() if verdict != "holds"}
    found = judge(lab_estate(), load(run.folder / "evidence"))
    assert {one: finding.verdict for one, finding in found.items()} == by_pytest
    assert by_pytest == {**find(BLINDS).declared(ids_of()), **find(VIOLATES).declared(ids_of())}
