"""The templates for the service repositories: their stages run on a host's Python and Node, against the lab's own sources."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from lab.history import LEFT_OUT
from lab.hosts import execute, must
from tests.lab.conftest import ROOT
from tests.pipelines import commands, parse, stages_of

HOST = "api-1"
PYTHON = {"vox-backend", "vox-agents", "vox-dialler"}


def packed(source: Path) -> bytes:
    """A source tree as a tar file."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        tar.add(source, arcname=".", filter=lambda one: None if Path(one.name).name in LEFT_OUT else one)
    return stream.getvalue()


@pytest.mark.parametrize("repository", [*sorted(PYTHON), "vox-frontend"])
def test_every_stage_of_the_template_passes(repository: str) -> None:
    template = ROOT / "pipelines" / ("Jenkinsfile.python" if repository in PYTHON else "Jenkinsfile.console")
    folder, cache = f"/srv/pipeline-{repository}", f"/var/lib/voxbuild/{repository}/cache"
    agent = ["runuser", "-u", "voxbuild", "--"]  # an account that only builds, as the templates' agents have one
    surroundings = [f"HOME={folder}", "CI=1", f"UV_CACHE_DIR={cache}/uv", f"npm_config_cache={cache}/npm"]
    try:
        must(HOST, ["install", "-d", "-o", "voxbuild", folder])
        must(HOST, [*agent, "tar", "-x", "-C", folder], packed(ROOT / "lab" / "services" / repository))
        ran = []
        for stage in stages_of(parse(template.read_text())):
            if stage.title == "Contract":  # a host is no build agent, and has no voxgate to call: `make contract-ways` runs it
                continue
            for command in commands(stage.one("steps")):
                line = [*agent, "env", *surroundings, "sh", "-euc", f"cd {folder}; {command}"]
                done = execute(HOST, line, deadline=180)
                assert done.returncode == 0, f"{stage.title}: {command}\n{done.stdout}{done.stderr}"
                ran.append(stage.title)
        assert list(dict.fromkeys(ran)) == ["Install", "Lint", "Test", "Build"]
        built = "dist/index.html" if repository == "vox-frontend" else ".venv/bin/python"
        must(HOST, ["test", "-e", f"{folder}/{built}"])
    finally:
        must(HOST, ["rm", "-rf", folder])
