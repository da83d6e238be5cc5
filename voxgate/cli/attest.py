"""``voxgate attest verify DIR``: whether a run is what it says, offline."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Sequence
from pathlib import Path

from voxgate.contracts.estates import load_estate, named_estate
from voxgate.contracts.places import project, suites_of
from voxgate.contracts.statement import Resource
from voxgate.errors import Refused
from voxgate.model.estate import Estate
from voxgate.model.verdict import RunOutcome, RunVerdict
from voxgate.plugin.rejudging import judge_as_it_is
from voxgate.plugin.session import Session
from voxgate.report.attested.attesting import configuration_of
from voxgate.report.attested.verifying import Verifier
from voxgate.report.terminal.stream import CutStream
from voxgate.report.verdict import verdict_file


def verify(folder: Path, signers: Path | None, estate: str | None, out: CutStream, ledger: Path | None = None) -> int:
    """Say a line for each thing that is verified; 0 if all of it is as it must be, 1 if not. ``estate`` is a name or a file, by
    default the one that the run was of; ``ledger`` is one that was brought from a host.

    Raises Refused where there is nothing to verify.
    """
    if not folder.is_dir():
        raise Refused("there is no such run", where=str(folder), hint="give a run's folder: reports/latest")
    folder, root = folder.resolve(), project()

    def configuration(outcome: RunOutcome) -> Sequence[Resource]:
        return configuration_of(_chosen(estate, outcome.estate), suites_of(root), root)

    def expected(outcome: RunOutcome) -> tuple[Collection[str], Collection[str]]:
        session = Session(_chosen(estate, outcome.estate), folder / "evidence", root=root)
        session.deploying = session.recorded.services
        if outcome.verdict not in {RunVerdict.HOLDS, RunVerdict.DONE}:  # which nothing is that was looked at in part
            session.part = session.recorded.part
        session.joined = session.recorded.joined
        said = {*outcome.missing, *(one.id for one in outcome.judgements)}
        # Of a part of the hosts nobody knows before it is judged what needs the others: what was left out is seen by that.
        ids = [one.id for one in session.expected() if not session.is_part or one.id in said]
        return ids, session.plain()

    with tempfile.TemporaryDirectory(prefix="voxgate-") as reports:

        def judge(look: Path) -> RunOutcome:
            source = _chosen(estate, _estate_of(folder)).source
            return judge_as_it_is(look, source, root, Path(reports) / look.name)

        wrong = 0
        for check in Verifier(signers, configuration, expected, judge, ledger).checks(folder):
            out.write(f"{check.line}\n")
            wrong += bool(check.why)
    out.write(f"{'not as it says' if wrong else 'as it says'}: {folder.name}\n")
    return 1 if wrong else 0


def _chosen(said: str | None, named: str) -> Estate:
    """The estate that a person said, else that of the name in the run."""
    return load_estate(said) if said else named_estate(named)


def _estate_of(folder: Path) -> str:
    return verdict_file.read(folder / "verdict.json").estate
