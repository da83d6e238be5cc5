"""Bitbucket in the life of a deploy: asked before it, told after it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.forge import TOKEN, Forge, serving
from tests.lab.conftest import ROOT, Gate, GateRun, head_of

GREEN = {"key": "pipelines-1", "state": "SUCCESSFUL", "name": "pipeline #1"}


@pytest.fixture
def forge(monkeypatch: pytest.MonkeyPatch) -> Iterator[Forge]:
    """A Bitbucket on loopback; what is run after this finds it and its token in the environment."""
    with serving() as found:
        monkeypatch.setenv("BITBUCKET_API", found.url)
        monkeypatch.setenv("BITBUCKET_TOKEN", TOKEN)
        monkeypatch.delenv("BUILD_URL", raising=False)
        yield found


def attach(run: GateRun) -> tuple[int, str]:
    """``voxgate attach``: its exit status and all it said."""
    argv = [sys.executable, "-m", "voxgate.cli.main", "attach", str(run.folder)]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60, env={**os.environ})
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("statuses", "why"),
    [
        ([], "no build was ever reported"),
        ([GREEN, {"key": "lint", "state": "FAILED", "name": "lint"}], "lint is FAILED"),
        ([{"key": "pipelines-2", "state": "INPROGRESS", "name": "pipeline #2"}], "pipeline #2 is INPROGRESS"),
    ],
)
def test_a_release_without_a_green_build_is_refused(statuses: list[dict[str, str]], why: str, forge: Forge, gate: Gate) -> None:
    forge.statuses = {one["key"]: one for one in statuses}
    before = head_of("api-1", "vox-backend")
    run = gate("--deploy", "backend=vox-backend-2026.06.22-1", "--require-green-build")
    assert run.status == 10
    assert why in run.said.replace("\n  ", " ")
    assert run.verdict["verdict"] == "refused"
    assert head_of("api-1", "vox-backend") == before
    assert TOKEN not in run.said


def test_without_an_answer_or_a_token_it_is_refused_too(forge: Forge, gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    forge.bad_days = [(401, {}, b"{}", 0)]
    run = gate("--deploy", "backend", "--require-green-build")
    assert (run.status, "401 Unauthorized" in run.said) == (10, True), run.said
    monkeypatch.delenv("BITBUCKET_TOKEN")
    run = gate("--deploy", "backend", "--require-green-build")
    assert (run.status, "no token" in run.said) == (10, True), run.said


def test_a_deploy_with_a_green_build_is_done_and_attached(forge: Forge, gate: Gate) -> None:
    forge.statuses = {"pipelines-1": dict(GREEN)}
    run = gate("--deploy", "backend", "--require-green-build", "--html", "always")
    assert run.status == 0, run.said
    forge.bad_days = [(429, {"Retry-After": "0"}, b"", 0), (503, {}, b"", 0)]
    status, said = attach(run)
    assert status == 0, said
    tried = next(one["tried"] for one in run.verdict["services"] if one["service"] == "backend")
    name = f"{tried['tag']}-lab.html"
    assert forge.downloads[name] == (run.folder / "allure-report" / "index.html").read_bytes()
    attested = f"vox-backend-{tried['commit'][:12]}-lab.attestation.json"
    assert forge.downloads[attested] == (run.folder / "attestation.json").read_bytes()
    stated = forge.statuses["voxgate-lab"]
    assert stated["state"] == "SUCCESSFUL"
    assert stated["url"].endswith(f"/vox-backend/downloads/{name}")
    assert tried["commit"] in forge.asked[-1][1]
    assert TOKEN not in said + run.said


def test_what_cannot_be_attached_is_one_line(forge: Forge, gate: Gate) -> None:
    looked = gate("-m", "dialler")
    status, said = attach(looked)
    assert (status, "deployed nothing" in said) == (1, True), said
    assert "Traceback" not in said
