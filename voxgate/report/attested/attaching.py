"""A run attached to its releases on Bitbucket: the verdict as build status of the commit, the page among the downloads."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from os.path import lexists
from pathlib import Path

from voxgate.contracts.manifest import read_below
from voxgate.errors import VoxgateError
from voxgate.model.estate import Estate
from voxgate.model.release import Release
from voxgate.model.service import Service
from voxgate.model.verdict import RunOutcome, RunVerdict, ServiceOutcome
from voxgate.report.attested.attesting import ATTESTATION, SIGNATURE
from voxgate.report.folder import ReportFolder
from voxgate.transport.clients.bitbucket import OWN, Bitbucket, BuildStatus

_LIMIT = 256 * 1024 * 1024  # bytes of a file that is attached
_STATES = {RunVerdict.DONE: "SUCCESSFUL", RunVerdict.REFUSED: "STOPPED", RunVerdict.INCOMPLETE: "STOPPED"}


def attach(
    outcome: RunOutcome, folder: Path, estate: Estate, forge: Bitbucket, environ: Mapping[str, str] = os.environ
) -> Iterator[str]:
    """Upload the page to the repository of each service that was deployed, and of one that is done its attestation; then say the
    verdict on its commit. Yields a line for each. Raises VoxgateError for a run that deployed nothing, and in a build for one
    that another build made; ContractError where a link or a pipe is in the place of a file, as whoever made the folder chose what
    it leads to; ForgeError where Bitbucket does not take it.
    """
    build = environ.get("BUILD_URL", "")
    if build and outcome.build and outcome.build != build:
        hint = "this build left no run: a word of it was typed wrong"
        raise VoxgateError("this run is of another build", where=outcome.run, why=outcome.build, hint=hint)
    moved = [one for one in outcome.services if one.tried and one.tried.commit]
    if not moved:
        raise VoxgateError("this run deployed nothing", where=outcome.run, hint="attach a run of make gate")
    for one in moved:
        repository, commit = estate.service(one.service).repository, str(one.about.commit)
        url = environ.get("BUILD_URL") or estate.commit_url(estate.service(one.service), commit)
        page = ReportFolder(folder).html
        if lexists(page):
            url = forge.upload(repository, read_below(folder, str(page.relative_to(folder)), _LIMIT), page_name(outcome, one))
            yield f"{repository}: the report is at {url}"
        status = status_of(outcome, one, url)
        if outcome.verdict is RunVerdict.DONE:  # what is done elsewhere may be asked for by this
            release = Release(one.service, commit, (one.running or one.about).tag)
            name = attestation_name(outcome.estate, estate.service(one.service), release)
            for file in (ATTESTATION, SIGNATURE):
                if lexists(folder / file):
                    said = forge.upload(repository, read_below(folder, file, _LIMIT), f"{name}{file.removeprefix(ATTESTATION)}")
                    yield f"{repository}: attested, {said}"
        forge.state(repository, commit, status)
        yield f"{repository}@{commit[:12]}: {status.state}, {status.description}"


def attestation_name(estate: str, service: Service, release: Release) -> str:
    """``vox-agents-0a1b2c3d4e5f-staging.attestation.json``: by the commit, as a release may get its tag later."""
    return f"{service.repository}-{release.commit[:12]}-{estate}.attestation.json"


def page_name(outcome: RunOutcome, service: ServiceOutcome) -> str:
    """``vox-agents-2026.11.22-1-production.html``: one a release and estate, the newest run of it stays."""
    return f"{service.about.name}-{outcome.estate}.html"


def status_of(outcome: RunOutcome, service: ServiceOutcome, url: str) -> BuildStatus:
    """The verdict in Bitbucket's words. Only a deploy that is done is a success."""
    return BuildStatus(
        key=f"{OWN}-{outcome.estate}",
        state=_STATES.get(outcome.verdict, "FAILED"),
        name=f"voxgate: {service.service} on {outcome.estate}",
        url=url,
        description=f"{outcome.verdict.value}: {outcome.summary.splitlines()[0] if outcome.summary else ''}"[:255],
    )
