"""``voxgate merge``: parts of an estate, looked at by themselves, become one look, one verdict, one report."""

from __future__ import annotations

import os
import secrets
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from voxgate.contracts.estates import named_estate
from voxgate.contracts.places import project, suites_of
from voxgate.errors import ContractError, VoxgateError
from voxgate.model.estate import Estate
from voxgate.model.look import Evidence
from voxgate.model.verdict import Exit
from voxgate.plugin.session import write_recorded
from voxgate.redaction.cutting import Redactor
from voxgate.report.attested.attesting import attest, configuration_of
from voxgate.report.terminal.stream import CutStream
from voxgate.report.verdict import verdict_file
from voxgate.survey.joining import disagreements, join
from voxgate.survey.saving import load, save
from voxgate.transport.local import run
from voxgate.transport.surroundings import environment

DEADLINE = 900.0


def folders_of(word: str) -> list[str]:
    """The folders in one word of the command line: itself, or those that spaces part in it, as ``make`` gives them."""
    return [word] if word and Path(word).exists() else word.split()


def merge(parts: Sequence[Path], reports: Path, *, html: str, out: CutStream) -> int:
    """Join the evidence of ``parts`` (folders of runs) and judge all of it anew, without any connection. Returns what pytest
    returns. A part that cannot be read, hosts that nobody looked at, another release: the run is incomplete and says so.

    Raises VoxgateError if there is nothing to join, for parts of two estates, and for one host in two parts.
    """
    looks: dict[str, Evidence] = {}
    lost: list[str] = []
    estates: set[str] = set()
    for number, part in enumerate(parts, 1):
        folder = part.resolve()
        try:
            estates.add(verdict_file.read(folder / "verdict.json").estate)
            name = f"{folder.name} (part {number})" if folder.name in looks else folder.name
            looks[name] = load(folder / "evidence")
        except ContractError as error:
            lost.append(f"part {part} cannot be read: {error.line}")
    if not looks:
        raise VoxgateError("there is no part to join", why="; ".join(lost), hint="give folders of runs: reports/<run>")
    if len(estates) > 1:
        raise VoxgateError("these are parts of different estates", why=", ".join(sorted(estates)))
    estate = named_estate(estates.pop())
    reports.mkdir(parents=True, exist_ok=True)
    folder = reports.resolve() / f".merge-{secrets.token_hex(4)}"
    try:
        joined = join(looks)
        save(joined, folder, Redactor())
        seen = frozenset(joined.second.hosts)
        part_of_it = None if seen.issuperset(host.name for host in estate.hosts) else seen
        reasons = (*lost, *disagreements(estate, looks))
        write_recorded(folder, estate.name, None, Redactor(), part=part_of_it, joined=reasons)
        return _judge(folder, estate, reports, html, out)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _judge(folder: Path, estate: Estate, reports: Path, html: str, out: CutStream) -> int:
    """Judge the joined look in a pytest of its own; its evidence goes into its run."""
    argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--html", html]
    argv += [f"--estate={estate.source}", f"--evidence={folder}", f"--reports={reports.resolve()}"]
    done = run(argv, deadline=DEADLINE, cwd=project(), env=environment(build=True))
    out.write(done.stdout.decode("utf-8", "replace") + done.stderr.decode("utf-8", "replace"))
    here = (reports / "latest").resolve() / "evidence"
    if done.exit_status in {0, 1, Exit.BLIND} and here.is_dir() and not any(here.iterdir()):
        here.rmdir()
        folder.rename(here)
        out.write("".join(f"{line}\n" for line in _attested(here.parent, estate)))
    return done.exit_status


def _attested(run: Path, estate: Estate) -> list[str]:
    """Attest the joined run, whose evidence lies in it only now. Returns a line for what could not be done."""
    try:
        suites = suites_of(project())
        return attest(run, configuration_of(estate, suites, project()), os.environ.get("VOXGATE_SIGN_KEY", ""))[1]
    except VoxgateError as error:
        return [f"the run is not attested: {error.line}"]
