"""What a repository, or a build of it, brings stops no deploy after it, and takes nobody's memory: by git and sh themselves."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from voxgate.errors import CommandUnknown
from voxgate.model.release import Release
from voxgate.model.service import Kind, Role, Service
from voxgate.moves import steps
from voxgate.transport import local
from voxgate.transport.clients.git_asking import LIMITED

WHO = {f"GIT_{role}_{part}": "t" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")}


def git(folder: Path, *words: str) -> str:
    """Git, there."""
    ran = subprocess.run(["git", "-C", folder, *words], env={**os.environ, **WHO}, check=True, capture_output=True, text=True)
    return ran.stdout.strip()


def repository(folder: Path) -> str:
    """One with one commit, which is returned."""
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    git(folder, "commit", "-q", "--allow-empty", "-m", "one")
    return git(folder, "rev-parse", "HEAD")


def test_no_name_of_a_tag_or_branch_keeps_a_host_from_fetching(tmp_path: Path) -> None:
    remote, here = tmp_path / "remote", tmp_path / "here"
    repository(remote)
    git(remote, "tag", "-m", "x", "x")
    git(remote, "branch", "b")
    git(tmp_path, "clone", "-q", str(remote), str(here))
    git(remote, "tag", "-d", "x")
    git(remote, "branch", "-D", "b")
    git(remote, "tag", "-m", "y", "x/y")
    git(remote, "branch", "b/c")
    git(remote, "commit", "-q", "--allow-empty", "-m", "two")
    service = Service("backend", "vox-backend", Role.API, Kind.PYTHON, str(here), "deploy")
    done = local.run(steps.fetch(service).argv, deadline=60)
    assert (done.exit_status, done.stderr) == (0, b"")
    assert git(here, "tag", "--list") == "x/y"
    assert git(here, "rev-parse", "refs/remotes/origin/main") == git(remote, "rev-parse", "main")


def test_a_host_takes_main_and_tags_alone_and_keeps_nothing_of_a_fetch_that_was_cut_short(tmp_path: Path) -> None:
    """Whoever may push a branch has no say in a deploy. A git that was killed left gigabytes behind, each time."""
    remote, here = tmp_path / "remote", tmp_path / "here"
    repository(remote)
    git(tmp_path, "clone", "-q", str(remote), str(here))
    git(remote, "checkout", "-q", "-b", "other")
    git(remote, "commit", "-q", "--allow-empty", "-m", "other")
    git(remote, "checkout", "-q", "main")
    git(remote, "commit", "-q", "--allow-empty", "-m", "two")
    left, at_work = (here / ".git/objects/pack" / name for name in ("tmp_pack_left", "tmp_pack_now"))
    for path in (left, at_work):
        path.write_text("x")
    os.utime(left, (1, 1))
    service = Service("backend", "vox-backend", Role.API, Kind.PYTHON, str(here), "deploy")
    done = local.run(steps.fetch(service).argv, deadline=60)
    assert (done.exit_status, done.stderr) == (0, b"")
    assert [path.exists() for path in (left, at_work)] == [False, True]
    assert (
        git(here, "for-each-ref", "--format=%(refname)", "refs/remotes") == "refs/remotes/origin/HEAD\nrefs/remotes/origin/main"
    )
    assert git(here, "rev-parse", "origin/main") == git(remote, "rev-parse", "main")
    assert "other" in git(remote, "branch", "--list")


@pytest.mark.parametrize("less", ["", "ulimit -v 1000000; ulimit -f 1000; "])
def test_no_few_bytes_of_a_remote_take_all_memory_or_the_disk(less: str) -> None:
    """A delta of two kilobytes becomes a file of four gigabytes in whoever reads it. Where there is less already, it stays."""
    done = local.run(["sh", "-c", f"{less}{LIMITED}\nulimit -v; ulimit -f"], deadline=60)
    wanted = "1000000 1000" if less else "2097152 4194304"
    assert (done.exit_status, done.stdout.decode().split(), done.stderr) == (0, wanted.split(), b"")


@pytest.mark.parametrize("name", ["a\nb", "a\\b", "-n", " a ", "\n"])
def test_what_a_build_calls_its_files_makes_no_other_build_of_it(tmp_path: Path, name: str) -> None:
    here = tmp_path / "here"
    release = Release("console", repository(here))
    built = here / "builds/.next"
    built.mkdir(parents=True)
    (built / "index.html").write_text("x")
    (built / name).write_text("y")
    service = Service("console", "vox-console", Role.API, Kind.STATIC, str(here), "deploy")
    asked = [steps.intact_build(service, release), steps.way_back_is_here(service, release)]
    assert local.run(steps.install(service, release)[1].argv, deadline=60).exit_status == 0
    assert [local.run(one.argv, deadline=60).exit_status for one in asked] == [0, 0]
    (here / "builds" / release.commit / "more\n").touch()
    assert 0 not in [local.run(one.argv, deadline=60).exit_status for one in asked]


def test_what_a_program_says_without_end_takes_no_memory() -> None:
    with pytest.raises(CommandUnknown, match="said more than 64 MB"):
        local.run(["head", "-c", str(80 << 20), "/dev/zero"], deadline=60)


def test_what_a_program_is_given_and_says_is_whole() -> None:
    given = os.urandom(3 << 20)
    done = local.run(["sh", "-c", "tee /dev/stderr"], deadline=60, stdin=given, stopped=lambda: False)
    assert (done.exit_status, done.stdout, done.stderr) == (0, given, given)
    done = local.run(["sh", "-c", "exec <&-; echo it wants none"], deadline=60, stdin=given)
    assert (done.exit_status, done.stdout) == (0, b"it wants none\n")


@pytest.mark.parametrize("killed", [True, False])
def test_what_a_checkout_left_that_was_cut_short_goes_on_the_way_back(tmp_path: Path, killed: bool) -> None:  # noqa: FBT001
    here = tmp_path / "here"
    repository(here)
    (here / "a").write_text("1")
    (here / "same").write_text("1")
    git(here, "add", "--all")
    git(here, "commit", "-qm", "old")
    old = Release("backend", git(here, "rev-parse", "HEAD"))
    (here / "a").write_text("2")
    (here / "more").mkdir()
    (here / "more/b").write_text("2")
    (here / ".env.example").write_text("X=")
    git(here, "add", "--all")
    git(here, "commit", "-qm", "new")
    new = Release("backend", git(here, "rev-parse", "HEAD"))
    if killed:  # what a checkout of the new one has written, and the index that it had not
        git(here, "reset", "-q", "--mixed", old.commit)
    (here / ".env").write_text("X=1")
    (here / "strange").write_text("of somebody's")
    before = (here / "same").stat().st_ctime_ns
    service = Service("backend", "vox-backend", Role.API, Kind.PYTHON, str(here), "deploy")
    assert local.run(steps.put_in_place(service, old, new).argv, deadline=60).exit_status == 0
    assert sorted(path.name for path in here.iterdir()) == [".env", ".git", "a", "same", "strange"]
    assert (git(here, "rev-parse", "HEAD"), (here / "a").read_text()) == (old.commit, "1")
    assert (here / "same").stat().st_ctime_ns == before


@pytest.mark.parametrize("name", [".env", ".ENV.local", ".venv/x", "builds/y"])
def test_no_commit_that_a_journal_names_takes_what_is_the_installations(tmp_path: Path, name: str) -> None:
    here = tmp_path / "here"
    old = Release("backend", repository(here))
    (here / name).parent.mkdir(exist_ok=True)
    (here / name).write_text("X=1")
    git(here, "add", "--force", name)
    git(here, "commit", "-qm", "evil")
    evil = Release("backend", git(here, "rev-parse", "HEAD"))
    git(here, "reset", "-q", "--mixed", old.commit)
    service = Service("backend", "vox-backend", Role.API, Kind.PYTHON, str(here), "deploy")
    for wanted in (evil, Release("backend", "f" * 40)):
        assert local.run(steps.put_in_place(service, old, wanted).argv, deadline=60).exit_status == 0
        assert ((here / name).read_text(), git(here, "rev-parse", "HEAD")) == ("X=1", old.commit)
