"""What root opens where others have a say: regular files only, by no link of a stranger's, and what a stranger may not read
is not told to him.
"""

from __future__ import annotations

import json
import os
import pwd
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.built import PROBE, probe
from tests.running import held_shut

from .conftest import git, service

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
STRANGER = "daemon"
TOKEN = "SeCrEt-ToKeN-9"


def as_stranger(words: str) -> None:
    """What another account does, in a shell of its own."""
    home = {"PATH": probe.PATH, "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1"}
    subprocess.run(["sh", "-euc", words], user=STRANGER, group=STRANGER, extra_groups=[], env=home, check=True, cwd="/")


@pytest.fixture
def hidden(place: Path) -> Path:
    """A folder of root's that nobody else can come into."""
    folder = place / "hidden"
    folder.mkdir(mode=0o700)
    return folder


@pytest.fixture
def theirs(place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of the stranger's, where copies are looked for."""
    folder = place / "theirs"
    folder.mkdir()
    shutil.chown(folder, STRANGER, STRANGER)
    monkeypatch.setattr(probe, "COPY_ROOTS", (str(folder),))
    return folder


class Waiting:
    """A writer that waits at a pipe for a reader: whoever opens the pipe wakes it, and then it is gone."""

    def __init__(self, path: Path) -> None:
        os.mkfifo(path, 0o600)
        self.pid = os.fork()
        if self.pid == 0:
            os.open(path, os.O_WRONLY)
            os._exit(0)
        while self.state() != "S":
            time.sleep(0.001)

    def state(self) -> str:
        """S while it waits; R or Z from when it is woken on."""
        return Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0]


@pytest.fixture
def pipe(hidden: Path) -> Iterator[Waiting]:
    """Such a writer, at ``pipe`` in the hidden folder."""
    waiting = Waiting(hidden / "pipe")
    yield waiting
    os.kill(waiting.pid, 9)
    os.waitpid(waiting.pid, 0)


def test_whoever_opens_a_pipe_wakes_it(pipe: Waiting, hidden: Path) -> None:
    assert pipe.state() == "S"
    os.close(os.open(hidden / "pipe", os.O_RDONLY | os.O_NONBLOCK))
    assert pipe.state() != "S"


@pytest.mark.parametrize(
    "plant",
    [
        "mkdir -p .git/objects .git/refs; ln -s {hidden} .git/refs/a; echo 'ref: refs/a/pipe' >.git/HEAD",
        "mkdir -p .git/objects; cd .git; for i in HEAD config ../pyproject.toml; do ln -s {hidden}/pipe $i; done",
        "mkdir -p .git/objects; mkfifo uv.lock; ln -s {hidden} .git/objects/info; ln -s {hidden} .git/objects/pack",
        "ln -s {hidden}/pipe .git",
        "mkdir -p .git/objects/info; echo {hidden}/pipe >.git/objects/info/alternates; echo {hidden}/pipe >.git/commondir",
        "echo 'gitdir: {hidden}/pipe' >.git",
    ],
)
def test_no_pipe_is_opened_in_a_strangers_repository(
    checkout: Path, theirs: Path, hidden: Path, pipe: Waiting, plant: str
) -> None:
    as_stranger(f"mkdir {theirs}/x; cd {theirs}/x; {plant.format(hidden=hidden)}")
    probe.copies([service(checkout)])
    assert pipe.state() == "S"


@pytest.mark.parametrize("command", ["/bin/sh {hidden}/pipe", "sh {theirs}/job", "{theirs}/job", ". {theirs}/folder/pipe"])
def test_no_pipe_is_opened_that_a_job_names(theirs: Path, hidden: Path, pipe: Waiting, command: str) -> None:
    as_stranger(f"ln -s {hidden}/pipe {theirs}/job; ln -s {hidden} {theirs}/folder")
    assert probe.movers(command.format(hidden=hidden, theirs=theirs)) <= {"git"}
    assert pipe.state() == "S"


def test_no_pipe_is_opened_that_a_unit_or_a_mapping_leads_to(theirs: Path, hidden: Path, pipe: Waiting) -> None:
    as_stranger(f"ln -s {hidden} {theirs}/folder; ln -s {hidden}/pipe {theirs}/x.service")
    assert probe.OnDisk.digest(f"{theirs}/x.service") == "unreadable"
    assert probe.OnDisk.digest(f"{hidden}/pipe") == "not a file"
    assert probe.lines_of(f"{theirs}/x.service") == []
    assert probe.md5_of(f"{theirs}/x.service") == "gone"
    assert not probe.names_modules(os.getpid(), "0-0", f"{theirs}/folder/pipe")
    assert pipe.state() == "S"


def test_what_a_mapping_names_is_read_by_no_link(theirs: Path) -> None:
    """Where the mapping itself cannot be opened: a link that stands in its path now leads out of the process's root."""
    node = theirs / "node"
    node.mkdir()
    shutil.copy("/bin/true", node / "real")
    as_stranger(f"ln -s {node} {theirs}/link")
    opened = []
    for path in (f"{node}/real", f"{theirs}/link/real"):
        try:
            os.close(probe.mapped_file(os.getpid(), "0-0", path))
            opened.append(path)
        except (OSError, probe.Trouble):
            continue
    assert opened == [f"{node}/real"]


def test_what_the_kernel_makes_up_is_no_script_of_a_strangers(theirs: Path) -> None:
    """A file of /proc counts as a regular one; to read the kernel's log there takes from it."""
    as_stranger(f"ln -s /proc/self/mounts {theirs}/x.service")
    assert probe.lines_of(f"{theirs}/x.service") == []
    assert probe.lines_on(f"{theirs}/x.service") == []
    with probe.Reached("/proc/self/mounts") as place, pytest.raises(probe.Trouble):
        probe.start_of(place)
    assert probe.lines_of("/etc/passwd")


def secret_repository(hidden: Path, checkout: Path) -> None:
    """A repository of root's, with a token in its configuration; and a file with a token of 40 digits."""
    shutil.copytree(checkout / ".git", hidden / "repository")
    (hidden / "repository/config").write_text(f'[remote "origin"]\n\turl = https://root:pw@vault/{TOKEN}\n')
    (hidden / "token").write_text(git(checkout, "rev-parse", "HEAD"))


@pytest.mark.parametrize(
    "plant",
    [
        "ln -s {hidden}/repository .git",
        "ln -s {theirs}/way/repository .git; ln -s {hidden} {theirs}/way",
        "echo 'gitdir: {hidden}/repository' >.git",
        "git init -q; echo {hidden}/repository >.git/commondir; rm .git/config",
        "git init -q; rm -r .git/objects; ln -s {hidden}/repository/objects .git/objects",
        "git init -q; echo {hidden}/repository/objects >.git/objects/info/alternates",
        "git init -q; for i in {pairs}; do ln -s {hidden}/repository/objects/$i .git/objects; done",
        "git init -q; rm .git/HEAD; ln -s {hidden}/token .git/HEAD",
        "git init -q; ln -s {hidden} .git/refs/a; echo 'ref: refs/a/token' >.git/HEAD",
    ],
)
def test_nothing_is_told_of_where_a_strangers_repository_leads(checkout: Path, theirs: Path, hidden: Path, plant: str) -> None:
    secret_repository(hidden, checkout)
    pairs = " ".join(f"{first:02x}" for first in range(256))
    as_stranger(f"mkdir {theirs}/x; cd {theirs}/x; {plant.format(hidden=hidden, theirs=theirs, pairs=pairs)}")
    found = probe.copies([service(checkout)])["found"]
    assert TOKEN not in json.dumps(found)
    assert all(row["same"] == [] for row in found), found


def test_a_file_of_roots_that_a_stranger_moved_is_not_read(checkout: Path, theirs: Path) -> None:
    """Whoever owns a folder can move a file there that he may not read."""
    as_stranger(f"mkdir {theirs}/x; cd {theirs}/x; git init -q; rm .git/config .git/HEAD")
    (theirs / "x/.git/config").write_text(f'[remote "origin"]\n\turl = https://root:pw@vault/{TOKEN}\n')
    (theirs / "x/.git/HEAD").write_text(git(checkout, "rev-parse", "HEAD"))
    (theirs / "x/pyproject.toml").write_text(f'[project]\nname = "{TOKEN}"\n')
    for name in (".git/config", ".git/HEAD", "pyproject.toml"):
        (theirs / "x" / name).chmod(0o600)
    found = probe.copies([service(checkout)])["found"]
    assert TOKEN not in json.dumps(found)
    assert all(row["same"] == [] for row in found), found


def copied(checkout: Path, theirs: Path) -> None:
    """The stranger's clone of the checkout, without an origin, and one commit further."""
    shutil.copytree(checkout, theirs / "clone", symlinks=True, ignore=shutil.ignore_patterns(".venv", ".env", "uv.lock"))
    subprocess.run(["chown", "-hR", f"{STRANGER}:{STRANGER}", str(theirs / "clone")], check=True)
    as_stranger(
        f"cd {theirs}/clone; git remote remove origin; rm pyproject.toml; "
        "git -c user.name=x -c user.email=x@y commit -q --allow-empty -m further"
    )


def seen(checkout: Path) -> dict[str, str]:
    """The kinds of the copies that are the service's, by the name of their folder."""
    rows = probe.copies([service(checkout)])["found"]
    return {Path(row["path"]).name: row["kind"] for row in rows if row["same"] == ["backend"]}


@pytest.mark.parametrize(
    "words",
    [
        "mv clone/.git store; ln -s ../store clone/.git",
        "mv clone/.git store; echo 'gitdir: ../store' >clone/.git",
        "mv clone/.git store; echo 'gitdir: {theirs}/store' >clone/.git",
        "mv clone/.git/objects store; ln -s {theirs}/store clone/.git/objects",
        "mkdir store; mv clone/.git/objects/* store; ln -s {theirs}/store/* clone/.git/objects/",
        "mv clone/.git/objects store; mkdir -p clone/.git/objects/info; echo {theirs}/store >clone/.git/objects/info/alternates",
        "cd clone; git gc -q; mv .git/objects/pack ../store; ln -s ../../../store .git/objects/pack",
        "rm -r clone/.git/objects/*; mkdir clone/.git/objects/info; echo {ours} >clone/.git/objects/info/alternates",
    ],
)
def test_what_leads_to_his_own_folder_is_followed(checkout: Path, theirs: Path, words: str) -> None:
    copied(checkout, theirs)
    as_stranger(f"cd {theirs}; {words.format(theirs=theirs, ours=checkout / '.git/objects')}")
    assert "clone" in seen(checkout)


@pytest.mark.parametrize(
    "path",
    [
        "_cacache/index-v5/00",
        ".npm/_cacache/index-v5/00",
        ".npm/_cacache/content-v2/sha512/00/11/deeper",
        ".git",
        "a/.git",
        "/".join(["x" * 200] * 22),
    ],
)
def test_no_copy_is_hidden_by_its_path(checkout: Path, theirs: Path, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    copied(checkout, theirs)
    home = pwd.getpwnam(STRANGER)
    monkeypatch.setattr(pwd, "getpwall", lambda: [pwd.struct_passwd((*home[:5], str(theirs), home[6]))])
    top = os.open(theirs, os.O_RDONLY)
    at = os.dup(top)
    *parts, name = path.split("/")
    for part in parts:
        os.mkdir(part, dir_fd=at)
        os.chown(part, home.pw_uid, home.pw_gid, dir_fd=at)
        below = os.open(part, os.O_RDONLY, dir_fd=at)
        os.close(at)
        at = below
    os.rename("clone", name, src_dir_fd=top, dst_dir_fd=at)
    os.close(at)
    os.close(top)
    assert name in seen(checkout)


def test_no_copy_is_hidden_by_a_lease(checkout: Path, theirs: Path) -> None:
    """Its owner has the kernel refuse whoever opens what tells of it: then that is said."""
    copied(checkout, theirs)
    clone = theirs / "clone"
    assert seen(checkout) == {"clone": "checkout"}
    told = [path for path in (clone / ".git").rglob("*") if path.name in {"HEAD", "config", "packed-refs", "main", "master"}]
    for paths in ([clone / ".git/config"], [path for path in told if "logs" not in path.parts]):
        with held_shut(*paths, uid=pwd.getpwnam(STRANGER).pw_uid):
            rows = probe.copies([service(checkout)])["found"]
        assert {"path": str(clone), "kind": "unreadable", "names": [], "same": []} in rows
    as_stranger(f"cd {clone}; rm -rf .git; echo '[project]' >pyproject.toml; echo 'name = \"vox-backend\"' >>pyproject.toml")
    with held_shut(clone / "pyproject.toml", uid=pwd.getpwnam(STRANGER).pw_uid):
        assert [row["kind"] for row in probe.copies([service(checkout)])["found"] if row["path"] == str(clone)] == ["unreadable"]


def test_no_job_is_hidden_by_a_lease(theirs: Path) -> None:
    as_stranger(f"echo 'git pull' >{theirs}/job; chmod 700 {theirs}/job; cp $(command -v git) {theirs}/tool")
    for command in (f"sh {theirs}/job", f"{theirs}/job", f"{theirs}/tool pull"):
        assert probe.movers(command) == {"git"}
        with held_shut(theirs / "job", theirs / "tool", uid=pwd.getpwnam(STRANGER).pw_uid):
            assert "error" in probe.guarded(lambda command=command: probe.movers(command))


def test_without_the_secrets_behind_a_lease_nothing_is_told(theirs: Path) -> None:
    """What cannot be cut out of a look is not shown; nor is a link in its place a way round."""
    as_stranger(
        f"mkdir {theirs}/app {theirs}/link; echo 'API_SECRET=a8f3kq92lsd0' >{theirs}/app/.env; ln -s ../app/.env {theirs}/link"
    )
    for folder in (theirs / "app", theirs / "link"):
        assert probe.secrets([service(folder)], "") == ["a8f3kq92lsd0"]
        with held_shut(theirs / "app/.env", uid=pwd.getpwnam(STRANGER).pw_uid):
            assert "error" in probe.guarded(lambda folder=folder: probe.secrets([service(folder)], ""))


WALK = """
import json, sys
names = {"__name__": "probe"}
exec(compile(open(sys.argv[1], "rb").read(), "probe", "exec"), names)
names["COPY_ROOTS"] = (sys.argv[2],)
print(json.dumps(names["guarded"](lambda: names["copies"]([]))))
"""


def test_one_folder_that_cannot_be_read_is_named_and_hides_no_other(checkout: Path, theirs: Path) -> None:
    """As a file system of a user's own, where the kernel refuses root."""
    copied(checkout, theirs)
    as_stranger(f"cd {theirs}; mkdir -p a/closed z; chmod 700 a/closed")
    argv = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", sys.executable, "-I", "-c", WALK, str(PROBE), str(theirs)]
    outcome: dict[str, Any] = json.loads(subprocess.run(argv, capture_output=True, check=True).stdout)
    rows = {row["path"]: row["kind"] for row in outcome["value"]["found"]}
    assert rows[f"{theirs}/a/closed"] == "unreadable"
    assert rows[f"{theirs}/clone"] == "checkout"
