"""Hosts that are folders of this machine, and gates that claim them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.local_hosts import ESTATE, ME, Gates, Hosts, program_of_folders
from voxgate.deploy.hosts import claim, speaking
from voxgate.deploy.hosts.claim import Claim
from voxgate.deploy.hosts.state import Author
from voxgate.deploy.on_host import files, looking, owner
from voxgate.deploy.stop import Stop


@pytest.fixture
def hosts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hosts]:
    """Of the lab's estate."""
    monkeypatch.setattr(speaking, "program", program_of_folders)
    monkeypatch.setattr(claim, "_PAUSE", 0.01)
    made = Hosts(ESTATE, tmp_path)
    yield made
    made.end()


@pytest.fixture
def gate(hosts: Hosts) -> Iterator[Gates]:
    """Makes a gate, which is gone in the end."""
    made: list[Claim] = []

    def one(author: Author = ME, stop: Stop | None = None) -> Claim:
        made.append(Claim(hosts, author, stop or Stop()))
        return made[-1]

    yield one
    for claimed in made:
        claimed.release()


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The state of this host."""
    made = tmp_path / "state"
    for module in (files, looking, owner):
        monkeypatch.setattr(module, "ROOT", str(made))
    return made


@pytest.fixture
def backend(root: Path) -> Path:
    """The backend's state."""
    return Path(files.folder_of("backend")) if root else root
