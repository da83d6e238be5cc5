"""The lab's services have the pipeline of the templates, and it is run as it stands, on an agent that knows no host: what keeps
the contract is green, and each way of breaking it is red in its own Contract stage, for the reason named.

Jenkins itself is in no registry: what is run are the stages of the Jenkinsfile, each ``sh`` step as it stands.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from lab import history
from tests.lab import breaking
from tests.lab.agent import Agent, Stage, Workspace, agent
from tests.lab.breaking import Branch, Way

REPOSITORIES = tuple(dict.fromkeys(branch.repository for branch in breaking.ALL))
WAYS = [(branch, way) for branch in breaking.ALL for way in branch.ways]
STAGES = ["Install", "Lint", "Test", "Build", "Contract"]
AT_ITS_WORD = {"VOXGATE_PATIENCE": "1"}


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


@pytest.fixture(scope="module")
def judged(ready: Callable[[str], Workspace]) -> Callable[[Branch], Stage]:
    """The Contract stage of a branch, behind the Build of what is built at all: once for each branch."""

    @cache
    def made(branch: Branch) -> Stage:
        workspace = ready(branch.repository)
        try:
            for way in branch.ways:
                source = workspace.read(way.file) if way.old else ""
                assert way.old in source, f"{way}: {way.file} has no {way.old!r}"
                workspace.write(way.file, source.replace(way.old, way.new, 1) if way.old else way.new)
            if branch.repository == "vox-frontend":
                (command,) = workspace.stage("Build")
                assert workspace.sh(command).returncode == 0
            (command,) = workspace.stage("Contract")
            done = workspace.sh(command, AT_ITS_WORD if branch.at_its_word else None)
            return Stage("Contract", command, done.returncode, done.stdout + done.stderr)
        finally:
            assert workspace.sh("git checkout --quiet -- . && git clean --quiet --force").returncode == 0

    return made


@pytest.mark.parametrize("repository", REPOSITORIES)
def test_every_stage_passes(ready: Callable[[str], Workspace], repository: str) -> None:
    built = ready(repository)
    made = "dist/index.html" if built.repository == "vox-frontend" else ".venv/bin/python"
    assert built.sh(f"test -e {made}").returncode == 0
    assert 'failures="0"' in built.read("contract.xml")


@pytest.mark.parametrize(("branch", "way"), WAYS, ids=[str(way) for _, way in WAYS])
def test_a_broken_contract_is_red_in_its_own_pipeline(judged: Callable[[Branch], Stage], branch: Branch, way: Way) -> None:
    stage = judged(branch)
    assert stage.status == 1, stage.said
    assert way.promise in _broken(stage), stage.said
    said = stage.said.partition(f"BROKEN  {way.promise} ")[2].partition("promised:")[0]
    assert way.seen in said, said


@pytest.mark.parametrize("branch", [one for one in breaking.ALL if not one.at_its_word], ids=str)
def test_what_nobody_broke_is_kept(judged: Callable[[Branch], Stage], branch: Branch) -> None:
    meant = {way.promise for way in branch.ways}
    assert not [name for name in _broken(judged(branch)) - meant if not name.startswith(branch.also)], judged(branch).said


@pytest.mark.parametrize("repository", REPOSITORIES)
def test_each_service_has_ten_ways_and_more(repository: str) -> None:
    assert len({(way.promise, way.seen) for _, way in WAYS if way.repository == repository}) >= 10


def test_the_agent_knows_no_host(builder: Agent) -> None:
    assert builder.run(["bash", "-c", "exec 3<>/dev/tcp/198.51.100.21/22"]).returncode != 0
    assert not Path(builder.must(["sh", "-c", "ls -d /home/deploy/.ssh/id_* 2>/dev/null || true"]).strip()).name


def _broken(stage: Stage) -> set[str]:
    return set(re.findall(r"^  BROKEN  (\S+)", stage.said, re.MULTILINE))
