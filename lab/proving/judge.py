"""Looking and judging within one process: the gate's own look, and the suites' own rules, without a pytest for each.

A look through pytest costs seconds for starting and collecting alone. That both say the same is tested (tests/lab), and a proof
ends with pytest's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from voxgate.contracts.catalogue import read_catalogue
from voxgate.contracts.estates import load_estate
from voxgate.contracts.schemas import names as schema_names
from voxgate.deploy.looking import look_at
from voxgate.model.invariant import expected
from voxgate.model.look import Evidence
from voxgate.model.verdict import Verdict
from voxgate.model.waiving import remarks
from voxgate.plugin import without_pytest
from voxgate.survey.collect import take_look
from voxgate.transport.ssh.connections import Connections

if TYPE_CHECKING:
    from pathlib import Path

    from voxgate.model.estate import Estate
    from voxgate.model.verdict import Judgement

RED = ("violated", "blind")


@dataclass(frozen=True, slots=True)
class Finding:
    """One judgement that does not hold: how, and what was found; ``judgement`` is all of it, where it was judged here."""

    verdict: str
    found: str
    judgement: Judgement | None = None


def look(estate: Estate, folder: Path, bake: float | None) -> Evidence:
    """The gate's own look, of which nothing is told; saved in ``folder``."""
    return look_at(estate, folder, bake=bake)


def glance(estate: Estate, before: Evidence) -> Evidence:
    """One more survey, with the last one of ``before`` as the first of the two: half the price of a look. The remotes are not
    asked again.
    """
    with Connections(estate) as connections:
        return Evidence(before.second, take_look(connections, estate), before.remotes)


def judge(estate: Estate, evidence: Evidence) -> dict[str, Finding]:
    """Everything that does not hold, by id."""
    return {one: finding for one, finding in judge_all(estate, evidence)[0].items() if finding.verdict in RED}


def judge_all(estate: Estate, evidence: Evidence) -> tuple[dict[str, Finding], tuple[str, ...]]:
    """Everything that does not hold or is waived, by id; and what a run says of the estate's waivers besides."""
    asked = expected(read_catalogue(), estate, schema_names(), deploying=frozenset())
    judged = [
        judgement
        for one in asked
        if one.invariant.suite != "test_contracts.py" and (judgement := without_pytest.judge(one, estate, evidence)) is not None
    ]
    found = {one.id: Finding(one.verdict.value, one.found, one) for one in judged if one.verdict is not Verdict.HOLDS}
    return dict(sorted(found.items())), tuple(remarks(estate.waived, evidence.second.day, judged))


def lab_estate() -> Estate:
    """The lab as an estate."""
    return load_estate("lab")
