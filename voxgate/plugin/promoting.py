"""What the command line and the estate ask of a deploy, as rules of promotion; and where attestations are found."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from voxgate.contracts.approvals import FOLDER
from voxgate.contracts.envelope import LIMIT
from voxgate.contracts.manifest import read_file
from voxgate.deploy.hosts.journal import MOST_REASON
from voxgate.deploy.planning.promoting import Bundle, Rules
from voxgate.errors import ContractError, Refused, VoxgateError
from voxgate.model.estate import Estate
from voxgate.model.promotion import Promotion
from voxgate.model.release import Release
from voxgate.model.service import Service
from voxgate.plugin.session import Session
from voxgate.report.attested.attaching import attestation_name
from voxgate.report.attested.attesting import ATTESTATION
from voxgate.report.folder import runs_of
from voxgate.transport.clients.bitbucket import TOKEN, Bitbucket
from voxgate.transport.ssh.keygen import LONGEST

YES = "VOXGATE_APPROVED_BY"
"""The account that said yes in Jenkins' input: in a build of Jenkins, and nowhere else, it counts."""


def rules_of(config: pytest.Config, session: Session, estate: Estate, environ: Mapping[str, str] = os.environ) -> Rules | None:
    """The rules for a deploy, None where there are none. Raises Refused for what cannot be meant."""
    promotion = _asked(config.getoption("require_attested"), estate)
    override, reason = config.getoption("override_promotion"), config.getoption("reason")
    _must_be_meant(promotion, reason, override=override, deploys=bool(config.getoption("deploy")))
    if promotion is None:
        return None
    if signers := config.getoption("signers"):
        promotion = replace(promotion, signers=str(Path(signers).expanduser().absolute()))
    if promotion.source and not promotion.signers:
        hint = "--signers FILE, VOXGATE_SIGNERS, or signers in [promotion]"
        where = f"--require-attested {promotion.source}"
        raise Refused("without signers nobody knows whose attestation it is", where=where, hint=hint)
    reports = Path(config.getoption("reports") or session.root / "reports")
    folders = (*(Path(name) for name in config.getoption("attested")), reports)
    bundles = partial(_bundles, folders, estate, environ)
    yes = environ.get(YES, "").strip() if environ.get("BUILD_URL") else ""
    return Rules(promotion, bundles, session.root / FOLDER, yes, override, reason)


def _asked(word: str | None, estate: Estate) -> Promotion | None:
    """The estate's rule, with what ``--require-attested ESTATE[=DAYS]`` asks for besides."""
    if not word:
        return estate.promotion
    name, equals, days = word.partition("=")
    if not name or name == estate.name or (equals and not (days.isascii() and days.isdigit() and 0 < int(days) <= 365)):  # noqa: PLR2004
        hint = "--require-attested staging, or --require-attested staging=7 for at most 7 days ago"
        raise Refused("that is no other estate, or no number of days", where=f"--require-attested {word}", hint=hint)
    asked = replace(estate.promotion or Promotion(), source=name)
    return replace(asked, age=int(days)) if days else asked


def _must_be_meant(promotion: Promotion | None, reason: str, *, override: bool, deploys: bool) -> None:
    """Raises Refused for an override that nobody can mean."""
    if not override:
        return
    where = "--override-promotion"
    if promotion is None or not deploys:
        raise Refused("there is nothing to override", where=where, hint="it is for a deploy on an estate with [promotion]")
    if not reason.strip():
        raise Refused("without a reason nothing is overridden", where=where, hint='--reason "why it cannot wait"')
    if len(reason) > MOST_REASON // 2:
        why = f"{len(reason)} characters, at most {MOST_REASON // 2}"
        raise Refused("the reason is too long for a line of the ledger", where=where, why=why)


def _bundles(
    folders: tuple[Path, ...], estate: Estate, environ: Mapping[str, str], source: str, service: Service, release: Release
) -> Iterator[Bundle]:
    """Attestations of ``source``: of runs in these folders, or lying there as they are attached; then those at the release on
    Bitbucket, where a token is.
    """
    for folder in folders:
        runs = [folder, *reversed(runs_of(folder, source))]
        named = [folder / attestation_name(source, service, release)]
        for path in (*(run / ATTESTATION for run in runs), *named):
            with suppress(ContractError):
                yield Bundle(str(path), read_file(path, LIMIT), read_file(path.with_name(f"{path.name}.sig"), LONGEST))
    if environ.get(TOKEN) and estate.workspace:
        with suppress(VoxgateError):
            forge, name = Bitbucket.of(estate.workspace, environ), attestation_name(source, service, release)
            body, signature = (forge.download(service.repository, f"{name}{end}") for end in ("", ".sig"))
            if len(body) <= LIMIT and len(signature) <= LONGEST:
                yield Bundle(f"{service.repository}: {name}", body, signature)
