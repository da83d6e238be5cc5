"""A run attached to its releases: what goes where, and in which words."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from voxgate.contracts.estates import load_estate
from voxgate.deploy.planning.green import require_green
from voxgate.deploy.planning.plan import Target
from voxgate.errors import ContractError, ForgeError, Refused, VoxgateError
from voxgate.model.release import Release
from voxgate.model.verdict import RunOutcome, RunVerdict
from voxgate.report.attested.attaching import attach, status_of
from voxgate.transport.clients.bitbucket import OWN, Bitbucket, BuildStatus

LAB = load_estate("lab")


class Memory(Bitbucket):
    """A workspace that only remembers."""

    said: list[tuple[Any, ...]]

    def state(self, repository: str, commit: str, status: BuildStatus) -> None:
        """A status."""
        self.said.append((repository, commit, status))

    def upload(self, repository: str, content: bytes, name: str) -> str:
        """A file."""
        self.said.append((repository, content, name))
        return f"https://forge/{repository}/{name}"


@pytest.fixture
def memory() -> Memory:
    class One(Memory):
        pass

    One.said = []
    return One("oriserve1", "token")


def test_every_deployed_release_gets_page_and_status(done: RunOutcome, tmp_path: Path, memory: Memory) -> None:
    (tmp_path / "allure-report").mkdir()
    (tmp_path / "allure-report" / "index.html").write_text("x")
    lines = list(attach(done, tmp_path, LAB, memory, {}))
    moved = [one for one in done.services if one.deployed]
    assert len(lines) == len(memory.said) == 2 * len(moved)
    for number, service in enumerate(moved):
        page, status = memory.said[2 * number : 2 * number + 2]
        repository = LAB.service(service.service).repository
        assert page == (repository, b"x", f"{service.about.tag}-lab.html")
        assert status[:2] == (repository, service.about.commit)
        assert status[2].url == f"https://forge/{repository}/{service.about.tag}-lab.html"
        assert status[2].state == "SUCCESSFUL"
        assert status[2].key == f"{OWN}-lab"


def test_what_is_done_is_attested_there_too(done: RunOutcome, rolled_back: RunOutcome, tmp_path: Path, memory: Memory) -> None:
    for name in ("attestation.json", "attestation.json.sig"):
        (tmp_path / name).write_text("attested")
    list(attach(done, tmp_path, LAB, memory, {}))
    names = [said[2] for said in memory.said if said[1] == b"attested"]
    (first, *_) = [one for one in done.services if one.deployed]
    stem = f"{LAB.service(first.service).repository}-{str(first.about.commit)[:12]}-lab.attestation.json"
    assert names[:2] == [stem, f"{stem}.sig"]
    memory.said.clear()
    list(attach(rolled_back, tmp_path, LAB, memory, {}))
    assert not [said for said in memory.said if said[1] == b"attested"]


@pytest.mark.parametrize("place", ["allure-report", "allure-report/index.html", "attestation.json", "attestation.json.sig"])
def test_nobody_s_folder_leads_to_a_file_that_is_not_in_it(done: RunOutcome, tmp_path: Path, memory: Memory, place: str) -> None:
    """Who gives a run to be attached would have a file of the gate's own account put among the downloads."""
    elsewhere, run = tmp_path / "elsewhere", tmp_path / "run"
    elsewhere.mkdir()
    for name in ("index.html", "id_ed25519"):
        (elsewhere / name).write_text("secret")
    (run / place).parent.mkdir(parents=True)
    (run / place).symlink_to(elsewhere if place == "allure-report" else elsewhere / "id_ed25519")
    with pytest.raises(ContractError, match="this file cannot be read"):
        list(attach(done, run, LAB, memory, {}))
    assert not [said for said in memory.said if said[1] == b"secret"]


def test_without_a_page_the_build_is_the_link(done: RunOutcome, tmp_path: Path, memory: Memory) -> None:
    list(attach(done, tmp_path, LAB, memory, {"BUILD_URL": "https://ci/7/"}))
    assert {said[2].url for said in memory.said} == {"https://ci/7/"}


def test_the_run_of_another_build_is_not_this_one_s(done: RunOutcome, tmp_path: Path, memory: Memory) -> None:
    """A tag that was typed wrong leaves no run: the newest one is of an earlier build."""
    earlier = replace(done, build="https://ci/6/")
    with pytest.raises(VoxgateError, match="of another build"):
        list(attach(earlier, tmp_path, LAB, memory, {"BUILD_URL": "https://ci/7/"}))
    assert not memory.said
    list(attach(earlier, tmp_path, LAB, memory, {"BUILD_URL": "https://ci/6/"}))
    list(attach(earlier, tmp_path, LAB, memory, {}))
    assert len(memory.said) == 2 * len(done.services)


def test_only_done_is_a_success(done: RunOutcome) -> None:
    for verdict in RunVerdict:
        state = status_of(replace(done, verdict=verdict), done.services[0], "u").state
        assert (state == "SUCCESSFUL") == (verdict is RunVerdict.DONE), verdict


def test_a_look_has_nothing_to_attach(done: RunOutcome, tmp_path: Path, memory: Memory) -> None:
    looked = replace(done, services=tuple(replace(one, tried=None) for one in done.services))
    with pytest.raises(VoxgateError, match="deployed nothing"):
        list(attach(looked, tmp_path, LAB, memory))


@pytest.mark.parametrize(
    ("said", "passes", "why"),
    [
        ([BuildStatus("ci", "SUCCESSFUL", "CI")], True, ""),
        ([BuildStatus("ci", "FAILED", "CI")], False, "CI is FAILED"),
        ([], False, "no build"),
        ([BuildStatus("voxgate-lab", "SUCCESSFUL", "gate")], False, "no build"),
        (ForgeError("Bitbucket refused", why="401"), False, "401"),
    ],
)
def test_a_deploy_needs_a_green_build(said: Any, passes: bool, why: str) -> None:  # noqa: FBT001 - a table
    class Asked(Bitbucket):
        def statuses(self, repository: str, commit: str) -> tuple[BuildStatus, ...]:
            assert (repository, commit) == ("vox-backend", "a" * 40)
            if isinstance(said, Exception):
                raise said
            return tuple(said)

    service = LAB.service("backend")
    target = Target(service, Release("backend", "a" * 40, "vox-backend-2026.06.22-1"), (), {})
    if passes:
        require_green([target], Asked("ws", "t"))
        return
    with pytest.raises(Refused, match=why):
        require_green([target], Asked("ws", "t"))
