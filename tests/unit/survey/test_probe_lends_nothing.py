"""The probe lends nobody its rights: no program runs in a folder of a stranger's, and none in another folder than was asked."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from tests.built import probe

from .conftest import git, service

FOUND = {"path", "kind", "names", "same"}


def planted(copy: Path, marker: Path) -> None:
    """A copy whose configuration starts a program wherever git lets it, and whose first commit only the remote has."""
    program = copy.parent / "planted.sh"
    program.write_text(f"#!/bin/sh\nid -u >>{marker}\nexit 1\n")
    program.chmod(0o755)
    for key, value in {
        "core.fsmonitor": str(program),
        "core.hooksPath": str(copy.parent),
        "core.sshCommand": str(program),
        "core.pager": str(program),
        "core.alternateRefsCommand": str(program),
        "alias.rev-list": f"!{program}",
        "protocol.ext.allow": "always",
        "core.repositoryFormatVersion": "1",
        "extensions.partialClone": "away",
        "remote.away.url": f"ext::{program}",
        "remote.away.promisor": "true",
        "remote.away.fetch": "+refs/heads/*:refs/remotes/away/*",
    }.items():
        git(copy, "config", key, value)
    first = git(copy, "rev-list", "--max-parents=0", "HEAD").strip()
    (copy / ".git/objects" / first[:2] / first[2:]).unlink()
    if os.geteuid() == 0:  # a stranger's, who may write there: git notes that it fetched
        subprocess.run(["chown", "-R", "daemon", str(copy)], check=True)


@pytest.fixture
def second(checkout: Path, place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone of the checkout, with a commit of its own, all of its objects by themselves."""
    monkeypatch.setattr(probe, "COPY_ROOTS", (str(place),))
    git(checkout, "commit", "-q", "--allow-empty", "-m", "two")
    shutil.copytree(checkout / ".git", place / "second/.git")
    git(place / "second", "checkout", "-q", "HEAD", "app/main.py")
    return place / "second"


def told(checkout: Path) -> dict[str, dict[str, Any]]:
    """What is found beside the checkout itself, projects left out."""
    rows = probe.copies([service(checkout)])["found"]
    assert all(set(row) == FOUND for row in rows)
    return {Path(row["path"]).name: row for row in rows if row["kind"] != "project"}


def test_a_program_that_a_copy_plants_does_not_run(checkout: Path, second: Path) -> None:
    out = second.parent / "out"
    out.mkdir()
    out.chmod(0o777)
    planted(second, out / "ran")
    assert set(told(checkout)) == {"second"}
    assert list(out.iterdir()) == []


def test_a_copy_is_known_without_its_first_commit_by_what_it_has_checked_out(checkout: Path, second: Path) -> None:
    planted(second, second.parent / "ran")
    assert told(checkout)["second"]["same"] == ["backend"]


@pytest.mark.parametrize("version", ["1", "2"])
def test_a_copy_in_packs_is_known(checkout: Path, second: Path, version: str) -> None:
    git(second, "commit", "-q", "--allow-empty", "-m", "on its own way")
    git(second, "-c", f"pack.indexVersion={version}", "repack", "-adq")
    git(second, "remote", "remove", "origin")
    git(second, "update-ref", "-d", "refs/heads/gone")
    assert told(checkout)["second"]["same"] == ["backend"]


def test_a_shallow_copy_and_a_borrowing_one_are_known(checkout: Path, second: Path) -> None:
    shutil.rmtree(second)
    git(second.parent, "clone", "-q", "--depth=1", f"file://{checkout}", "shallow")
    git(second.parent, "clone", "-q", "--shared", str(checkout), "borrowing")
    assert {name: row["same"] for name, row in told(checkout).items()} == {"shallow": ["backend"], "borrowing": ["backend"]}


def test_another_project_is_no_copy(checkout: Path, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "COPY_ROOTS", (str(place),))
    other = place / "other"
    other.mkdir()
    git(other, "init", "-q")
    git(other, "commit", "-q", "--allow-empty", "-m", "one")
    git(other, "repack", "-adq")
    assert {name: row["same"] for name, row in told(checkout).items()} == {"other": []}


@pytest.mark.parametrize("torn", ["", "\xff", "gitdir: \0", "gitdir: .", "gitdir: /proc/self/fd", "x" * 5_000_000])
def test_a_repository_that_lies_stops_nothing(checkout: Path, second: Path, torn: str) -> None:
    third = second.parent / "third"
    third.mkdir()
    (third / ".git").write_text(torn, errors="surrogateescape")
    (second / ".git/commondir").write_text("." if torn else "/nowhere")
    (second / ".git/objects/info").mkdir(exist_ok=True)
    (second / ".git/objects/info/alternates").write_text(".\n/dev/null\n\0\n" * 1000)
    (second / ".git/objects/pack/pack-x.idx").write_bytes(b"\xfftOc\0\0\0\2" + b"\xff" * 2000)
    assert "second" in told(checkout)


def test_git_is_asked_in_the_folder_whose_owner_was_asked_for(
    checkout: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody swaps the folder for a link to another repository between the two: what is told is of the folder itself."""
    wanted, other, run = git(checkout, "rev-parse", "HEAD").strip(), place / "other", probe.run
    git(place, "clone", "-q", str(checkout), "other")
    git(other, "commit", "-q", "--allow-empty", "-m", "of somebody else")
    git(other, "remote", "set-url", "origin", "git@evil.example:x/y.git")

    def swapped(*words: Any, **more: Any) -> probe.Ended:
        if not checkout.is_symlink():
            checkout.rename(place / "moved")
            checkout.symlink_to(other)
        return run(*words, **more)

    monkeypatch.setattr(probe, "run", swapped)
    fact = probe.head_and_origin(str(checkout))
    assert checkout.is_symlink()
    assert (fact["head"], fact["origin"]) == (wanted, "git@198.51.100.10:oriserve1/vox-backend.git")


def test_a_program_becomes_whoever_owns_the_folder_that_it_runs_in(place: Path) -> None:
    if os.geteuid() != 0:  # nobody can be become: it runs as who we are
        with probe.Folder(str(place)) as folder:
            assert probe.as_owner(["id", "-u"], folder, 5).out.split() == [str(os.geteuid())]
        return
    mine, theirs = place / "mine", place / "theirs"
    mine.mkdir()
    theirs.mkdir()
    uid = pwd.getpwnam("daemon").pw_uid
    os.chown(theirs, uid, -1)
    stop = threading.Event()

    def swap() -> None:
        while not stop.is_set():
            mine.rename(place / "aside")
            theirs.rename(mine)
            mine.rename(theirs)
            (place / "aside").rename(mine)

    swapper = threading.Thread(target=swap)
    swapper.start()
    seen = set()
    tried, until = 0, time.monotonic() + 30
    try:
        while tried < 100 and time.monotonic() < until:  # between two moves there is no such folder: that is no try
            try:
                with probe.Folder(str(mine)) as folder:
                    seen.add(tuple(probe.as_owner(["sh", "-c", "id -u; stat -c %u ."], folder, 5).out.split()))
            except FileNotFoundError:
                continue
            tried += 1
    finally:
        stop.set()
        swapper.join()
    nobody = str(pwd.getpwnam("nobody").pw_uid)
    assert seen <= {(nobody, "0"), (str(uid), str(uid))}
    assert seen


def test_no_program_of_an_accounts_own_stands_in_for_git(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, str]] = []
    start = subprocess.Popen

    def noted(*words: Any, **more: Any) -> Any:
        asked.append(more["env"])
        return start(*words, **more)

    monkeypatch.setattr(subprocess, "Popen", noted)
    probe.head_and_origin(str(checkout))
    assert len(asked) == 1
    for environment in asked:
        assert environment["PATH"] == probe.PATH
        assert not any("safe.directory" in value for value in environment.values())
        assert environment["GIT_NO_LAZY_FETCH"] == "1"
        assert environment["GIT_ALLOW_PROTOCOL"] == "none"
