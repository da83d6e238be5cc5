"""The lab's services have the pipeline of the templates, and it is run as it stands, on an agent that knows no host: what keeps
the contract is green, and each way of breaking it is red in its own Contract stage, for the reason named.

Jenkins itself is in no registry: what is run are the stages of the Jenkinsfile, each ``sh`` step as it stands.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from lab import history
from tests.lab import breaking
from tests.lab.agent import Agent, Workspace, agent
from tests.lab.breaking import Way

BY_REPOSITORY = {
    one: [way for way in breaking.ALL if way.repository == one] for one in dict.fromkeys(way.repository for way in breaking.ALL)
}
STAGES = ["Install", "Lint", "Test", "Build", "Contract"]


@pytest.fixture(scope="module")
def builder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Agent]:
    """The agent, for all of them."""
    with agent(tmp_path_factory.mktemp("agent")) as found:
        yield found


@pytest.fixture(scope="module")
def ready(builder: Agent, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Workspace]:
    """The head of a service's main, after its own pipeline was green: once for each service."""

    @cache
    def made(repository: str) -> Workspace:
        folder = tmp_path_factory.mktemp(repository)
        history.make(repository, folder / "bare")
        subprocess.run(["git", "clone", "--quiet", str(folder / "bare"), str(folder / "checkout")], check=True, timeout=60)
        workspace = builder.take(repository, folder / "checkout")
        ran = workspace.pipeline()
        assert [one.status for one in ran] == [0] * len(ran), f"{ran[-1].title}: {ran[-1].command}\n{ran[-1].said}"
        assert list(dict.fromkeys(one.title for one in ran)) == STAGES
        return workspace

    return made


@pytest.mark.parametrize("repository", BY_REPOSITORY)
def test_every_stage_passes(ready: Callable[[str], Workspace], repository: str) -> None:
    built = ready(repository)
    made = "dist/index.html" if built.repository == "vox-frontend" else ".venv/bin/python"
    assert built.sh(f"test -e {made}").returncode == 0
    assert 'failures="0"' in built.read("contract.xml")


@pytest.mark.parametrize("way", breaking.ALL, ids=str)
def test_a_broken_contract_is_red_in_its_own_pipeline(ready: Callable[[str], Workspace], way: Way) -> None:
    built = ready(way.repository)
    try:
        if way.old:
            source = built.read(way.file)
            assert source.count(way.old) >= 1, f"{way.file} has no {way.old!r}"
            built.write(way.file, source.replace(way.old, way.new, 1))
        else:
            built.write(way.file, way.new)
        if way.repository == "vox-frontend":
            (command,) = built.stage("Build")
            done = built.sh(command)
            assert done.returncode == 0, done.stdout + done.stderr
        (command,) = built.stage("Contract")
        done = built.sh(f"{command} --only '{way.promise}'")
    finally:
        assert built.sh("git checkout --quiet -- . && git clean --quiet --force").returncode == 0
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"  BROKEN  {way.promise} " in done.stdout
    said = done.stdout.partition(f"BROKEN  {way.promise} ")[2].partition("promised:")[0]
    assert way.seen in said, said


@pytest.mark.parametrize("repository", BY_REPOSITORY)
def test_each_service_has_ten_ways_and_more(repository: str) -> None:
    assert len({(way.promise, way.seen) for way in BY_REPOSITORY[repository]}) >= 10


def test_the_agent_knows_no_host(builder: Agent) -> None:
    assert builder.run(["bash", "-c", "exec 3<>/dev/tcp/198.51.100.21/22"]).returncode != 0
    assert not Path(builder.must(["sh", "-c", "ls -d /home/deploy/.ssh/id_* 2>/dev/null || true"]).strip()).name
