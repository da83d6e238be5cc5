"""What a release may not bring is refused by the mirror's word, before any host is held; and why: real repositories."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.unit.forges import ALONE, LAB, NAMES, Forge, git
from voxgate.deploy.gate import Gate
from voxgate.deploy.hosts.state import Found, LastKnownGood
from voxgate.deploy.planning.plan import Plan
from voxgate.deploy.planning.remotes import Remotes
from voxgate.deploy.planning.trees import must_be_deployable
from voxgate.deploy.run_context import Options
from voxgate.errors import Refused
from voxgate.model.evidence import Missing
from voxgate.model.release import Release

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 123456\n"


INSTALLED = [
    ("backend", ".env"),
    ("backend", ".env/a"),
    ("backend", ".venv/bin/python"),
    ("backend", ".VENV/x"),
    ("backend", ".ruff_cache/x"),
    ("console", ".env"),
    ("console", "dist/index.html"),
    ("console", "Dist/index.html"),
    ("console", "builds/0123/index.html"),
    ("console", "node_modules/x/index.js"),
    ("console", ".dist.next"),
]


@pytest.mark.parametrize(("service", "path"), INSTALLED)
def test_a_release_that_brings_what_is_the_installation_s_is_refused(
    forge: Callable[[str], Forge], service: str, path: str
) -> None:
    here = forge(service)
    (here.work / path).parent.mkdir(parents=True, exist_ok=True)
    (here.work / path).write_text("A=1\n")
    bad = here.release()
    name = path.partition("/")[0]
    found = here.refused()
    assert found.where == f"{service}={bad}"
    assert found.what == f"the commit has {name}, which is the installation's"
    # Its own hint helps, on the next commit.
    assert f"git rm -r --cached {name}," in found.hint
    git(here.work, "rm", "-r", "-q", "--cached", name)
    good = here.commit()
    assert here.plan().targets[0].release == good


def test_neither_is_it_gone_back_to(forge: Callable[[str], Forge]) -> None:
    here = forge("console")
    (here.work / "dist").mkdir()
    (here.work / "dist" / "index.html").write_text("x")
    bad = here.release()
    git(here.work, "rm", "-r", "-q", "dist")
    good = here.commit()
    found = here.refused(Options(rollback=(f"console={bad.tag}",)), good=good)
    assert found.where == f"console={bad}"
    assert here.refused(good=bad).where == f"last known good: console={bad}"


@pytest.mark.parametrize(
    ("service", "path"),
    [
        ("backend", ".env.example"),
        ("backend", "src/.env"),
        ("backend", "dist/x"),
        ("console", "src/dist/x"),
        ("console", ".venv2"),
    ],
)
def test_what_only_sounds_like_it_is_the_release_s(forge: Callable[[str], Forge], service: str, path: str) -> None:
    here = forge(service)
    (here.work / path).parent.mkdir(parents=True, exist_ok=True)
    (here.work / path).write_text("A=1\n")
    good = here.release()
    assert here.plan().targets[0].release == good


def test_a_last_known_good_with_a_settings_file_is_left_by_the_hint(forge: Callable[[str], Forge], tmp_path: Path) -> None:
    """A host that had it deployed is not lost: the files stay, and a person says that there is no way back."""
    here = forge("backend")
    (here.work / ".env").write_text("A=from the commit\n")
    bad = here.release()
    git(here.work, "rm", "-q", "--cached", ".env")
    good = here.commit()
    found = here.refused(good=bad)
    assert found.where.startswith("last known good: ")
    assert here.plan(Options(deploy=("backend",), no_way_back=True), good=bad).targets[0].release == good
    assert here.said.notes == [f"no way back, accepted: {found.line}"]
    for helped in (False, True):
        host = tmp_path / f"host-{helped}"
        git(tmp_path, "clone", "-q", str(here.work), str(host))
        git(host, "checkout", "-q", "--force", "--detach", bad.commit)
        (host / ".env").write_text("A=the host's own\n")
        if helped:
            command = found.hint.partition(": ")[2].partition(", which")[0]
            assert command == "git -C /opt/vox-backend rm -r -q --cached .env"
            git(host, *command.split()[3:])
        git(host, "checkout", "-q", "--force", "--detach", good.commit)
        assert (host / ".env").exists() is helped


def test_a_submodule_is_refused(forge: Callable[[str], Forge]) -> None:
    here = forge("backend")
    git(here.work, "update-index", "--add", "--cacheinfo", f"160000,{here.releases[0].commit},libs/a b")
    bad = here.commit()
    found = here.refused()
    assert found.line == f"backend={bad}: libs/a b is a submodule: a deploy would leave its folder empty"
    assert "git rm 'libs/a b'" in found.hint


def test_a_pointer_is_not_taken_for_the_content(forge: Callable[[str], Forge]) -> None:
    here = forge("backend")
    (here.work / "README").write_bytes(b"It begins so:\n" + POINTER)
    (here.work / "long").write_bytes(POINTER + b"x" * 1000)
    (here.work / "link").symlink_to(os.fsdecode(POINTER.splitlines()[0]))
    whole = here.release()
    assert here.plan().targets[0].release == whole
    for name in ("model.bin", "voices/b.wav"):
        (here.work / name).parent.mkdir(exist_ok=True)
        (here.work / name).write_bytes(POINTER.replace(b"123456", str(len(name)).encode()))
    bad = here.release()
    found = here.refused()
    assert found.line.startswith(f"backend={bad}: model.bin is in Git LFS: ")
    assert "2 in all" in found.line


@pytest.mark.parametrize(
    ("attribute", "text"),
    [
        ("eol=crlf", "echo 1\n"),
        ("text=auto eol=crlf", "echo 1\n"),
        ("ident", "# $Id$\n"),
        ("working-tree-encoding=UTF-16LE", "1\n"),
    ],
)
def test_a_file_that_git_writes_otherwise_than_it_is_is_refused(
    forge: Callable[[str], Forge], tmp_path: Path, attribute: str, text: str
) -> None:
    """A deploy would find a file that is not the release's, and go back."""
    here = forge("backend")
    (here.work / "tools").mkdir()
    (here.work / "tools/.gitattributes").write_text(f"*.cmd {attribute}\n")
    (here.work / "tools/run.cmd").write_text(text, "utf-16-le" if "UTF-16" in attribute else "utf-8")
    bad = here.release()
    there = tmp_path / "host"
    git(tmp_path, "clone", "-q", str(here.work), str(there))
    assert git(here.work, "rev-parse", "HEAD:tools/run.cmd") != git(there, "hash-object", "--no-filters", "tools/run.cmd")
    found = here.refused()
    assert found.line.startswith(f"backend={bad}: tools/run.cmd is {attribute.rpartition(' ')[2]} in .gitattributes: ")
    assert "1 in all" in found.line
    # Its own hint helps.
    git(here.work, "rm", "-q", "tools/.gitattributes")
    git(here.work, "add", "--renormalize", ".")
    good = here.release()
    assert here.plan().targets[0].release == good


def test_attributes_that_change_no_byte_are_as_good_as_none(forge: Callable[[str], Forge]) -> None:
    here = forge("backend")
    rows = (
        "* text=auto",
        "*.sh text eol=lf",
        "*.png binary",
        "*.bin -text eol=crlf",
        "*.ipynb filter=strip",
        "*.md -ident linguist-docs",
    )
    (here.work / ".gitattributes").write_text("\n".join(rows) + "\n")
    for name in ("a.sh", "b.png", "c.bin", "d.ipynb", "ü b.md"):
        (here.work / name).write_text("1\n")
    assert here.release() == here.plan().targets[0].release


def test_a_name_that_nobody_can_write_down_is_refused(forge: Callable[[str], Forge]) -> None:
    here = forge("backend")
    folder = os.fsencode(here.work) + b"/it's"
    Path(os.fsdecode(folder)).mkdir()
    Path(os.fsdecode(folder + b"/a\xff\n.py")).write_text("1\n")
    bad = here.release()
    found = here.refused()
    assert found.where == f"backend={bad}"
    assert found.what == "the name of a file is not UTF-8"
    # The hint, as it stands, in bash.
    command = found.hint.partition(": ")[2].replace("NAME", "b.py")
    subprocess.run(["bash", "-c", command], cwd=here.work, check=True, env={**os.environ, **ALONE})
    good = here.commit()
    assert here.plan().targets[0].release == good
    # Where it runs all the same, this service alone is not seen, and why can be written down.
    remotes = Remotes(here.estate)
    remotes.ask()
    releases = {one.name: None for one in LAB.services} | {"backend": bad}
    seen = remotes.with_releases(releases, {one.id: Found(None) for one in LAB.placements})["backend"]
    assert isinstance(seen, Missing)
    assert "git mv" in seen.hint
    assert f"{seen.why}{seen.hint}".encode()


def test_what_is_named_in_any_script_is_fine(forge: Callable[[str], Forge]) -> None:
    here = forge("backend")
    (here.work / "bücher 日本.py").write_text("1\n")
    good = here.release()
    assert here.plan().targets[0].release == good


def plan_of_the_fleet(here: Forge, options: Options, *goods: LastKnownGood | None) -> Plan:
    """The plan of a gate that read these on the fleet's hosts."""
    gate = Gate(here.estate, options, here.folder / "evidence", "r1", here.said)
    gate._remotes.ask()
    fleet = [one.id for one in here.estate.placements if one.service.name == "fleet"]
    found = {one.id: Found(None) for one in here.estate.placements}
    gate._believe(found | {key: Found(good) for key, good in zip(fleet, goods, strict=True)})
    return gate.plan()


def test_one_host_decides_for_no_other_where_a_deploy_goes_back_to(forge: Callable[[str], Forge]) -> None:
    """A commit that main never was, one of the future, and simply another one than on the other host."""
    here = forge("fleet")
    old, new = here.releases[0], here.release()
    git(here.work, "checkout", "-q", "-b", "side")
    git(here.work, "commit", "-q", "--allow-empty", "-m", "evil")
    evil = Release("fleet", git(here.work, "rev-parse", "HEAD"), "vox-agents-2026.06.25-1")
    git(here.work, "push", "-q", "origin", "side")
    good = LastKnownGood(old, None, "2026-06-22T08:00:00Z")
    options, anyhow = Options(deploy=("fleet",)), Options(deploy=("fleet",), no_way_back=True)
    for forged, why in (
        (LastKnownGood(evil, old, "2026-06-24T08:00:00Z"), "is not on main"),
        (LastKnownGood(new, old, "2099-01-01T00:00:00Z"), "promoted in the future"),
    ):
        with pytest.raises(Refused, match=why):
            plan_of_the_fleet(here, options, good, forged)
        assert plan_of_the_fleet(here, anyhow, good, forged).targets[0].way_back == old
    other = LastKnownGood(new, old, "2026-06-24T08:00:00Z")
    with pytest.raises(Refused, match="disagree"):
        plan_of_the_fleet(here, options, good, other)
    assert plan_of_the_fleet(here, anyhow, good, other).targets[0].way_back == new
    # What all hosts say is theirs alone, also after main was written anew; and one that is new follows the others.
    assert plan_of_the_fleet(here, options, good, good).targets[0].way_back == old
    assert plan_of_the_fleet(here, options, good, None).targets[0].way_back == old
    agreed = LastKnownGood(evil, None, "2026-06-22T08:00:00Z")
    assert plan_of_the_fleet(here, options, agreed, agreed).targets[0].way_back == evil


def tags_at(here: Forge, service: str) -> set[str]:
    """The tags of a service at the forge."""
    return set(git(here.folder / f"{NAMES[service]}.git", "tag").split())


def test_no_host_has_a_tag_pushed(forge: Callable[[str], Forge]) -> None:
    """A forged journal, left at its promoting, makes the head of main, which nobody judged, no release. A recovery gives one
    the tag that it has, and pushes none.
    """
    here = forge("backend")
    tagged = here.releases[0]
    (here.work / "app.py").write_text("2\n")
    git(here.work, "commit", "-qam", "x")
    git(here.work, "push", "-q", "origin", "HEAD:main")
    head = Release("backend", git(here.work, "rev-parse", "HEAD"), None)
    before = tags_at(here, "backend")
    gate = Gate(here.estate, Options(recover=True), here.folder / "evidence", "r2", here.said)
    gate._remotes.ask()
    service = here.estate.service("backend")
    assert gate._tag(service, head) == head
    assert gate._tag(service, replace(tagged, tag=None)) == tagged
    assert tags_at(here, "backend") == before
    assert gate.notes[0] == "backend is done but was not tagged: --deploy backend=main tags it"


def test_what_is_not_on_main_is_never_tagged(forge: Callable[[str], Forge]) -> None:
    """Also a commit that a plain tag of somebody's brought into the mirror; the head of main, which a deploy judged, is."""
    here = forge("backend")
    git(here.work, "checkout", "-q", "-b", "side")
    git(here.work, "commit", "-q", "--allow-empty", "-m", "evil")
    git(here.work, "tag", "foo")
    git(here.work, "push", "-q", "origin", "side", "foo")
    evil = Release("backend", git(here.work, "rev-parse", "HEAD"), None)
    git(here.work, "checkout", "-q", "main")
    git(here.work, "commit", "-q", "--allow-empty", "-m", "good")
    git(here.work, "push", "-q", "origin", "HEAD:main")
    good = Release("backend", git(here.work, "rev-parse", "HEAD"), None)
    remotes, service = Remotes(here.estate), here.estate.service("backend")
    remotes.ask()
    before = tags_at(here, "backend")
    assert remotes.tag(service, evil, "r1") == (evil, f"backend is done but was not tagged: {evil.commit[:12]} is not on main")
    assert tags_at(here, "backend") == before
    done, said = remotes.tag(service, good, "r1")
    assert tags_at(here, "backend") == before | {done.tag}
    assert said.endswith("pushed")


@pytest.mark.parametrize(
    ("size", "count", "why"),
    [(1 << 20, 210, "211 files, 210 MB"), (0, 50_000, "50001 files, 0 MB"), (1 << 20, 190, "")],
)
def test_a_commit_that_is_more_than_a_look_can_judge_is_refused(
    forge: Callable[[str], Forge], size: int, count: int, why: str
) -> None:
    """One content under many names: git has it once, a host each time."""
    here = forge("backend")
    (here.folder / "one").write_bytes(b"\0" * size)
    blob = git(here.work, "hash-object", "-w", str(here.folder / "one"))
    rows = "".join(f"100644 blob {blob}\tn{number:05}\n" for number in range(count))
    argv = ["git", "-C", str(here.work), "mktree"]
    tree = subprocess.run(argv, input=rows, capture_output=True, check=True, text=True).stdout.strip()
    git(here.work, "read-tree", "--prefix=many/", tree)
    here.commit()
    if not why:
        here.plan()
        return
    found = here.refused()
    assert found.what == "the commit is more than a look can judge"
    assert found.why.startswith(f"{why}: a look compares less than 50000, of 200 MB at most")


class Mirrored:
    """What a mirror says of a commit of these paths, and this weight; ``converted`` are files with the attribute by which they
    are written otherwise.
    """

    def __init__(self, *paths: str, files: int = 1, size: int = 1, converted: dict[str, str] | None = None) -> None:
        self.paths, self.files, self.size, self.attributes = paths, files, size, converted or {}

    def weight(self, _: str) -> tuple[int, int]:
        """As it was said."""
        return self.files, self.size

    def tree(self, _: str) -> dict[str, tuple[str, str]]:
        """They are plain files."""
        return dict.fromkeys(self.paths, ("100644", "0" * 40))

    def lfs_pointers(self, _: str) -> list[str]:
        """None."""
        return []

    def converted(self, _: str) -> dict[str, str]:
        """As it was said."""
        return self.attributes


def of_the_backend(mirror: Any) -> None:
    """A release with what this mirror says of it must be deployable."""
    must_be_deployable(LAB.service("backend"), Release("backend", "a" * 40, "vox-backend-2026.06.24-1"), mirror)


def test_of_several_things_that_are_wrong_alike_the_first_is_told_with_what_mends_it() -> None:
    with pytest.raises(Refused) as caught:
        of_the_backend(Mirrored("app.py", ".venv/bin/python", ".env"))
    assert caught.value.text == (
        "backend=vox-backend-2026.06.24-1: the commit has .env, which is the installation's: "
        "a checkout would write over what the host has there, and the next one delete it\n"
        "  hint: git rm -r --cached .env, name it in .gitignore, merge, and deploy that"
    )
    with pytest.raises(Refused) as caught:
        of_the_backend(Mirrored("a", "b", converted={"b": "ident", "a": "eol=crlf"}))
    assert caught.value.text == (
        "backend=vox-backend-2026.06.24-1: a is eol=crlf in .gitattributes: "
        "a checkout writes other bytes than the commit has, and a look takes them for an edit (2 in all)\n"
        "  hint: take that attribute away, git add --renormalize . and commit"
    )


@pytest.mark.parametrize(
    ("files", "size", "fits"),
    [(49_999, 200 << 20, True), (50_000, 0, False), (0, (200 << 20) + 1, False)],
    ids=["both", "a file more", "a byte more"],
)
def test_a_look_judges_just_so_much(files: int, size: int, *, fits: bool) -> None:
    with nullcontext() if fits else pytest.raises(Refused, match="more than a look can judge"):
        of_the_backend(Mirrored(files=files, size=size))


def test_very_many_small_files_are_looked_into_in_one_pass(forge: Callable[[str], Forge]) -> None:
    """A commit may have tens of thousands of them, and all hosts are held while it is asked."""
    here, many = forge("backend"), 8_000
    blobs = b"".join(b"blob\nmark :%d\ndata 1000\n%01000d\n" % (number, number) for number in range(1, many + 1))
    (here.folder / "marks").touch()
    argv = ["git", "-C", str(here.work), "fast-import", "--quiet", f"--export-marks={here.folder / 'marks'}"]
    subprocess.run(argv, input=blobs, check=True)
    named = [line.split() for line in (here.folder / "marks").read_text().splitlines()]
    rows = "".join(f"100644 blob {blob}\tn{mark[1:]}\n" for mark, blob in named)
    argv = ["git", "-C", str(here.work), "mktree"]
    tree = subprocess.run(argv, input=rows, capture_output=True, check=True, text=True).stdout.strip()
    (here.work / "model.bin").write_bytes(POINTER)
    git(here.work, "add", "-A")
    git(here.work, "read-tree", "--prefix=many/", tree)
    release = here.commit()
    mirror = here.gate()._remotes.mirrors["backend"]
    mirror.fetch()
    began = time.process_time()
    assert mirror.lfs_pointers(release.commit) == ["model.bin"]
    assert time.process_time() - began < 1
