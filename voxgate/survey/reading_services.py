"""From the probe's document to evidence: what a service has on its host, its checkout, venv, settings and build."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from voxgate.model.evidence import CheckoutFact, DistFact, EnvFileFact, VenvFact
from voxgate.survey.fields import (
    WrongFormError,
    at_most,
    flag,
    get,
    integer,
    named,
    natural,
    number,
    pair,
    text,
    whole,
    whole_by_whole,
    wholes,
)

if TYPE_CHECKING:
    from collections.abc import Mapping


FILES_AT_MOST = 5000  # of a site
FILE_AT_MOST = 32 * 1024 * 1024  # bytes of one of them
SITE_AT_MOST = 128 * 1024 * 1024  # and of all


def _blobs(rows: object) -> dict[str, tuple[str, str]]:
    return {path: pair(row, whole) for path, row in named(rows).items()}


def _sizes(rows: object) -> dict[str, tuple[int, str]]:
    """The files of a site. Each is asked for, so what a host says of their number and size is believed up to a limit only."""
    found = {path: pair(row, natural) for path, row in at_most(FILES_AT_MOST, named(rows)).items()}
    largest, whole_site = max((size for size, _ in found.values()), default=0), sum(size for size, _ in found.values())
    if largest > FILE_AT_MOST or whole_site > SITE_AT_MOST:
        msg = f"one of {largest} bytes, {whole_site} in all: more than {FILE_AT_MOST} and {SITE_AT_MOST} are not asked for"
        raise WrongFormError(msg)
    return found


def checkout(row: Mapping[str, Any]) -> CheckoutFact:
    """What git has there."""
    return CheckoutFact(
        head=get(row, "head", whole),
        detached=get(row, "detached", flag),
        origin=get(row, "origin", text),  # compared with the estate's, in which nothing is cut
        owner=get(row, "owner", whole),
        tree=get(row, "tree", _blobs),
        changed=get(row, "changed", number),
        settings=get(row, "settings", wholes),
        hooks=get(row, "hooks", wholes),
    )


def venv(row: Mapping[str, Any]) -> VenvFact:
    """What is installed, declared and locked."""
    return VenvFact(
        python=get(row, "python", whole),
        base_python=get(row, "base_python", whole),
        system_site_packages=get(row, "system_site_packages", flag),
        sync_status=get(row, "sync_status", integer),
        sync_said=get(row, "sync_said", text),
        installed=get(row, "installed", whole_by_whole),
        declared=get(row, "declared", whole_by_whole),
        locked=get(row, "locked", whole_by_whole),
        lock_sha256=get(row, "lock_sha256", whole),
        changed=get(row, "changed", number),
    )


def env_file(row: Mapping[str, Any]) -> EnvFileFact:
    """What of the settings may be known: names, never values."""
    return EnvFileFact(
        kind=get(row, "kind", whole),
        mode=get(row, "mode", whole),
        owner=get(row, "owner", whole),
        keys=get(row, "keys", wholes),
        empty=get(row, "empty", wholes),
        placeholder=get(row, "placeholder", wholes),
        changed=get(row, "changed", number),
    )


def dist(row: Mapping[str, Any]) -> DistFact:
    """The published build."""
    return DistFact(
        target=get(row, "target", whole),
        files=get(row, "files", _sizes),
        built=get(row, "built", lambda value: None if value is None else whole_by_whole(value)),
        changed=get(row, "changed", number),
        published=get(row, "published", number),
    )
