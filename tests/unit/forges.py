"""Forges for tests: real repositories of the services, each release a commit on main with a tag."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from tests.said import Said
from voxgate.contracts.estates import load_estate
from voxgate.deploy.gate import Gate
from voxgate.deploy.hosts.state import Found, LastKnownGood
from voxgate.deploy.planning.plan import Plan
from voxgate.deploy.run_context import Options
from voxgate.errors import Refused
from voxgate.model.estate import Estate
from voxgate.model.release import Release

LAB = load_estate("lab")
NAMES = {"backend": "vox-backend", "console": "vox-frontend", "fleet": "vox-agents"}
WHO = {f"GIT_{role}_{part}": "t" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")}
ALONE = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}


def git(folder: Path, *arguments: str | bytes) -> str:
    argv = ["git", "-C", folder, *arguments]
    return subprocess.run(argv, env={**os.environ, **WHO, **ALONE}, capture_output=True, check=True, text=True).stdout.strip()


@dataclass(slots=True)
class Forge:
    """A repository of a service, with its remote; each release is a commit on main with a tag."""

    service: str
    folder: Path
    releases: list[Release] = field(default_factory=list)
    said: Said = field(default_factory=Said)

    @property
    def estate(self) -> Estate:
        """The lab's, with the remotes here."""
        return replace(LAB, repositories=str(self.folder), commits="https://bitbucket.org/vox")

    @property
    def work(self) -> Path:
        """The clone to work in."""
        return self.folder / "work"

    def release(self) -> Release:
        """What stands in the clone, on main, with a tag."""
        git(self.work, "add", "-A", "--force")
        return self.commit()

    def commit(self) -> Release:
        """What stands in the index, on main, with a tag."""
        tag = f"{NAMES[self.service]}-2026.06.22-{len(self.releases) + 1}"
        git(self.work, "commit", "-q", "--allow-empty", "-m", tag)
        git(self.work, "tag", "-a", "-m", tag, tag)
        git(self.work, "push", "-q", "origin", "HEAD:main", tag)
        self.releases.append(Release(self.service, git(self.work, "rev-parse", "HEAD"), tag))
        return self.releases[-1]

    def plan(self, options: Options | None = None, good: Release | None = None) -> Plan:
        """The plan of a gate on this estate, where ``good`` is last known good."""
        return self.gate(options, good).plan()

    def gate(self, options: Options | None = None, good: Release | None = None) -> Gate:
        """The gate, which has asked the remotes and read the hosts."""
        options = options or Options(deploy=(self.service,))
        gate = Gate(self.estate, options, self.folder / "evidence", "r1", self.said)
        gate._remotes.ask()
        known = LastKnownGood(good, None, "2026-06-22T08:00:00Z") if good else None
        gate.context.found = {one.id: Found(known) for one in self.estate.placements}
        return gate

    def refused(self, options: Options | None = None, good: Release | None = None) -> Refused:
        """Why there is no plan, in one line."""
        with pytest.raises(Refused) as caught:
            self.plan(options, good)
        assert "\n" not in caught.value.line
        assert caught.value.hint
        return caught.value


@pytest.fixture
def forge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Forge]:
    """Makes one of them. All services have a remote."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for service in LAB.services:
        subprocess.run(["git", "init", "-q", "--bare", "-b", "main", tmp_path / f"{service.repository}.git"], check=True)

    def make(service: str) -> Forge:
        made = Forge(service, tmp_path)
        git(tmp_path, "clone", "-q", str(tmp_path / f"{NAMES[service]}.git"), str(made.work))
        (made.work / "app.py").write_text("1\n")
        made.release()
        return made

    return make
