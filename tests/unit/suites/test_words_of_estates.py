"""What an estate names may be there; whatever stands beside it, or is more than it names, is found as ever."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from tests.unit.suites.conftest import Case
from voxgate.model.estate import JobEntry
from voxgate.model.surroundings import JobFact

SIP, FOLDER = "sip-1", "/opt/vox-dialler"
RED = {"one-copy-only[sip-1]"}
NIGHTLY = "/etc/cron.d/recordings"


def with_job(green: Case, where: str, runs: tuple[str, ...], jobs: Mapping[str, tuple[JobEntry, ...]]) -> Case:
    """One job on the SIP host, and what the estate says of jobs."""
    return replace(green.host(SIP, jobs=(JobFact(where, "root", runs),)), estate=replace(green.estate, jobs=jobs))


@pytest.mark.parametrize(
    ("place", "entry", "where", "runs", "red"),
    [
        ("sip", NIGHTLY, NIGHTLY, ("rsync",), set()),
        ("all", NIGHTLY, NIGHTLY, ("rsync",), set()),
        ("sip-1", "/etc/cron.d/rec*", NIGHTLY, ("rsync",), set()),
        ("sip", "backup.timer", "backup.timer starts backup.service", ("rsync",), set()),
        ("sip", "backup.service", "backup.timer starts backup.service", ("rsync",), set()),
        ("fleet", NIGHTLY, NIGHTLY, ("rsync",), RED),
        ("fleet-1", NIGHTLY, NIGHTLY, ("rsync",), RED),
        ("sip", NIGHTLY, f"{NIGHTLY}2", ("rsync",), RED),
        ("sip", NIGHTLY, NIGHTLY, ("git", "rsync"), RED),
        ("sip", NIGHTLY, NIGHTLY, (FOLDER, "rsync"), RED),
        ("sip", "backup.timer", "backup.service", ("rsync",), RED),
        ("sip", "backup.timer", "other.timer starts backup.service", ("rsync",), RED),
    ],
)
def test_a_job_that_is_named_may_run_what_is_named(
    green: Case, place: str, entry: str, where: str, runs: tuple[str, ...], red: set[str]
) -> None:
    assert set(with_job(green, where, runs, {place: (JobEntry(entry, ("rsync",)),)}).judge()) == red


@pytest.mark.parametrize(
    ("said", "runs", "red"),
    [
        ((FOLDER,), (FOLDER,), set()),
        ((FOLDER, "rsync"), (FOLDER, "rsync"), set()),
        (("/opt/vox-dialle",), (FOLDER,), RED),
        ((FOLDER, "git"), (FOLDER, "git"), RED),
        ((FOLDER, "pip3.13"), (FOLDER, "pip3.13"), RED),
        ((FOLDER, "uv"), (FOLDER, "uv"), RED),
    ],
)
def test_no_job_brings_code_to_a_service_whatever_the_estate_says(
    green: Case, said: tuple[str, ...], runs: tuple[str, ...], red: set[str]
) -> None:
    assert set(with_job(green, NIGHTLY, runs, {"sip": (JobEntry(NIGHTLY, said),)}).judge()) == red
