"""From the probe's document to evidence: what a service has on its host, its checkout, venv, settings and build."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from voxgate.model.evidence import CheckoutFact, DistFact, EnvFileFact, VenvFact
from voxgate.survey.fields import flag, get, integer, members, natural, number, pair, text, text_by_text, texts

if TYPE_CHECKING:
    from collections.abc import Mapping


def _blobs(rows: object) -> dict[str, tuple[str, str]]:
    return {path: pair(row, text) for path, row in members(rows).items()}


def _sizes(rows: object) -> dict[str, tuple[int, str]]:
    return {path: pair(row, natural) for path, row in members(rows).items()}


def checkout(row: Mapping[str, Any]) -> CheckoutFact:
    """What git has there."""
    return CheckoutFact(
        head=get(row, "head", text),
        detached=get(row, "detached", flag),
        origin=get(row, "origin", text),
        owner=get(row, "owner", text),
        tree=get(row, "tree", _blobs),
        changed=get(row, "changed", number),
        settings=get(row, "settings", texts),
        hooks=get(row, "hooks", texts),
    )


def venv(row: Mapping[str, Any]) -> VenvFact:
    """What is installed, declared and locked."""
    return VenvFact(
        python=get(row, "python", text),
        base_python=get(row, "base_python", text),
        system_site_packages=get(row, "system_site_packages", flag),
        sync_status=get(row, "sync_status", integer),
        sync_said=get(row, "sync_said", text),
        installed=get(row, "installed", text_by_text),
        declared=get(row, "declared", text_by_text),
        locked=get(row, "locked", text_by_text),
        lock_sha256=get(row, "lock_sha256", text),
        changed=get(row, "changed", number),
    )


def env_file(row: Mapping[str, Any]) -> EnvFileFact:
    """What of the settings may be known: names, never values."""
    return EnvFileFact(
        kind=get(row, "kind", text),
        mode=get(row, "mode", text),
        owner=get(row, "owner", text),
        keys=get(row, "keys", texts),
        empty=get(row, "empty", texts),
        placeholder=get(row, "placeholder", texts),
        changed=get(row, "changed", number),
    )


def dist(row: Mapping[str, Any]) -> DistFact:
    """The published build."""
    return DistFact(
        target=get(row, "target", text),
        files=get(row, "files", _sizes),
        built=get(row, "built", lambda value: None if value is None else text_by_text(value)),
        changed=get(row, "changed", number),
        published=get(row, "published", number),
    )
