"""The gate's own view of a remote, over a real sshd."""

from __future__ import annotations

import fcntl
import os
import socket
import subprocess
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from voxgate.deploy.on_host.commands import GIT
from voxgate.deploy.planning.plan import Request, resolve
from voxgate.errors import ContractError, Refused, Unreachable
from voxgate.model.advice import commands_in
from voxgate.model.estate import Estate
from voxgate.model.evidence import Missing
from voxgate.model.release import Release, RemoteView
from voxgate.model.service import Kind, Role, Service
from voxgate.transport.clients.git import Mirror
from voxgate.transport.clients.git_asking import environment_of, last_words, unreachable
from voxgate.transport.clients.git_view import view

from .conftest import Ground, host

SERVICE = Service("backend", "vox-backend", Role.API, Kind.PYTHON, "/opt/vox-backend", "deploy")
TAG = "vox-backend-2026.06.22-1"


@dataclass(slots=True)
class Remote:
    """A bare repository behind sshd, and a clone to work in."""

    estate: Estate
    cache: Path
    work: Path

    def git(self, *arguments: str) -> str:
        """Run git in the clone."""
        who = {f"GIT_{role}_{part}": "t" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")}
        ran = subprocess.run(
            ["git", "-C", self.work, *arguments], env={**os.environ, **who}, capture_output=True, check=True, text=True
        )
        return ran.stdout.strip()

    def commit(self, name: str, text: str) -> str:
        """A commit on main, pushed."""
        made = self.commit_here(name, text)
        self.git("push", "-q", "origin", "HEAD:main")
        return made

    def commit_here(self, name: str, text: str) -> str:
        """A commit where the clone stands, that nobody else has."""
        (self.work / name).write_text(text)
        self.git("add", "-A")
        self.git("commit", "-qm", name)
        return self.git("rev-parse", "HEAD")

    def tag(self, name: str, commit: str, *, annotated: bool = True, force: bool = False) -> None:
        """A tag, pushed."""
        self.git("tag", *(["-f"] if force else []), *(["-a", "-m", name] if annotated else []), name, commit)
        self.git("push", "-qf", "origin", name)

    @property
    def mirror(self) -> Mirror:
        """The gate's mirror of it."""
        return Mirror.of(self.estate, SERVICE, self.cache)


@pytest.fixture
def remote(ground: Ground) -> Remote:
    server = ground.sshd()
    bare, work = ground.folder / "vox-backend.git", ground.folder / "work"
    subprocess.run(["git", "init", "-q", "--bare", "--initial-branch=main", bare], check=True)
    subprocess.run(["git", "clone", "-q", bare, work], check=True, capture_output=True)
    user = host(0).user
    estate = ground.estate(host(server.port))
    return Remote(replace(estate, repositories=f"ssh://{user}@127.0.0.1:{server.port}{ground.folder}"), ground.folder / "c", work)


def test_main_tags_and_tree_are_the_remote_s(remote: Remote) -> None:
    first = remote.commit("a", "1")
    (remote.work / "dir").mkdir()
    second = remote.commit("dir/b c", "2")
    remote.tag(TAG, first)
    remote.tag("vox-backend-2026.06.22-2", second)
    remote.tag("vox-backend-2026.06.22-10", second)
    remote.tag("vox-backend-2026.06.23-1", second, annotated=False)
    remote.tag("vox-agents-2026.06.22-1", second)
    remote.tag("v1", second)
    remote.tag("vox-backend-2026.02.31-1", second)
    mirror = remote.mirror
    mirror.fetch()
    assert mirror.main() == second
    tags = mirror.release_tags()
    assert list(tags.items()) == [
        (TAG, first),
        ("vox-backend-2026.06.22-2", second),
        ("vox-backend-2026.06.22-10", second),
    ]
    blob = remote.git("rev-parse", f"{second}:dir/b c")
    assert mirror.tree(second) == {"a": ("100644", remote.git("rev-parse", f"{second}:a")), "dir/b c": ("100644", blob)}
    assert mirror.read(second, "a") == b"1"
    assert mirror.is_ancestor(first, second)
    assert not mirror.is_ancestor(second, first)
    with pytest.raises(ContractError):
        mirror.is_ancestor("0" * 40, first)
    with pytest.raises(ContractError, match=r"'--help' is no commit id"):
        mirror.tree("--help")


def test_a_commit_beside_main_is_not_on_main(remote: Remote) -> None:
    first = remote.commit("a", "1")
    remote.git("checkout", "-qb", "side")
    (remote.work / "b").write_text("2")
    remote.git("add", "-A")
    remote.git("commit", "-qm", "beside")
    side = remote.git("rev-parse", "HEAD")
    remote.tag(TAG, side)
    mirror = remote.mirror
    mirror.fetch()
    assert mirror.release_tags() == {TAG: side}
    assert mirror.on_main([first, side, "0" * 40, "x"]) == {first}
    assert not mirror.is_ancestor(side, mirror.main())


def test_the_newest_is_by_main_s_own_order(remote: Remote) -> None:
    """Also where a later day stands on an older commit, and where a release was tagged on a branch before it was merged."""
    first, second = remote.commit("a", "1"), remote.commit("b", "2")
    remote.tag("vox-backend-2026.06.25-1", first)
    remote.tag(TAG, second)
    found = view(remote.estate, SERVICE, remote.cache)
    assert isinstance(found, RemoteView)
    assert found.on_main == {first, second}
    assert (found.newest, found.line) == (frozenset({second}), frozenset({first, second}))
    assert resolve(Request("backend"), SERVICE, found).commit == second

    remote.git("checkout", "-qb", "side")
    evil = remote.commit_here("c", "evil")
    remote.git("revert", "--no-edit", evil)
    remote.git("checkout", "-q", "-B", "main", second)
    remote.git("merge", "-q", "--no-ff", "-m", "merged", "side")
    remote.git("push", "-q", "origin", "HEAD:main")
    merged = remote.git("rev-parse", "HEAD")
    remote.tag("vox-backend-2026.06.26-1", evil)
    found = view(remote.estate, SERVICE, remote.cache)
    assert isinstance(found, RemoteView)
    assert (found.newest, found.line) == (frozenset({evil}), frozenset({first, second}))
    with pytest.raises(Refused, match="not on main's own line"):
        resolve(Request("backend"), SERVICE, found)

    remote.tag("vox-backend-2026.06.25-2", merged)
    found = view(remote.estate, SERVICE, remote.cache)
    assert isinstance(found, RemoteView)
    assert (found.newest, found.line) == (frozenset({merged}), frozenset({first, second, merged}))
    assert resolve(Request("backend"), SERVICE, found).tag == "vox-backend-2026.06.25-2"


def test_moved_and_deleted_tags_are_followed_and_main_too(remote: Remote) -> None:
    first, second = remote.commit("a", "1"), remote.commit("a", "2")
    remote.tag(TAG, first)
    remote.tag("vox-backend-2026.06.22-2", first)
    mirror = remote.mirror
    mirror.fetch()
    remote.tag(TAG, second, force=True)
    remote.git("push", "-q", "origin", ":refs/tags/vox-backend-2026.06.22-2")
    remote.git("push", "-qf", "origin", f"{first}:main")
    mirror.fetch()
    assert mirror.release_tags() == {TAG: second}
    assert mirror.main() == first


def test_a_view_is_all_of_it(remote: Remote) -> None:
    commit = remote.commit("a", "1")
    remote.tag(TAG, commit)
    found = view(remote.estate, SERVICE, remote.cache, Release("backend", commit, TAG))
    assert isinstance(found, RemoteView)
    assert (found.main, dict(found.tags), set(found.on_main)) == (commit, {TAG: commit}, {commit})
    assert found.tree is not None
    assert list(found.tree) == ["a"]
    assert view(remote.estate, SERVICE, remote.cache).release is None  # type: ignore[union-attr]


def test_a_tag_is_pushed_once(remote: Remote) -> None:
    first, second = remote.commit("a", "1"), remote.commit("a", "2")
    mirror = remote.mirror
    mirror.fetch()
    mirror.push_tag(TAG, first, "deployed by voxgate")
    assert mirror.release_tags() == {TAG: first}
    assert remote.git("ls-remote", "origin", f"refs/tags/{TAG}^{{}}").split()[0] == first
    with pytest.raises(Refused, match=rf"did not take the tag {TAG}: it is there already"):
        mirror.push_tag(TAG, second, "again")
    assert mirror.release_tags() == {TAG: first}
    # The other gate that has not seen the tag loses too, and keeps no tag of its own.
    other = Mirror.of(remote.estate, SERVICE, remote.cache / "other")
    other.fetch()
    other._git("update-ref", "-d", f"refs/tags/{TAG}")
    with pytest.raises(Refused, match=r"it is there already"):
        other.push_tag(TAG, second, "late")
    assert other.release_tags() == {}
    for odd in ("v1", "--force", "vox-agents-2026.06.22-1", "x; reboot"):
        with pytest.raises(Refused, match=r"is no release tag"):
            mirror.push_tag(odd, first, "no")
    with pytest.raises(ContractError):
        mirror.push_tag("vox-backend-2026.06.22-9", "0" * 40, "no")


def test_a_remote_that_refuses_a_push_says_why(remote: Remote) -> None:
    commit = remote.commit("a", "1")
    hook = remote.work.parent / "vox-backend.git" / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho no tags today\nexit 1\n")
    hook.chmod(0o755)
    remote.mirror.fetch()
    with pytest.raises(Refused, match=r"pre-receive hook declined"):
        remote.mirror.push_tag(TAG, commit, "x")
    assert remote.mirror.release_tags() == {}


def test_what_is_wrong_with_a_remote_is_one_line(remote: Remote, tmp_path: Path) -> None:
    with pytest.raises(ContractError, match=r"the repository has no branch main"):
        remote.mirror.fetch()
    with pytest.raises(ContractError, match=r"the mirror has no refs/heads/main"):
        remote.mirror.main()
    gone = replace(remote.estate, repositories=f"{remote.estate.repositories}/nowhere")
    with pytest.raises(Unreachable, match=r"^ssh://[^\n]*: the remote cannot be asked: [^\n]+$"):
        Mirror.of(gone, SERVICE, tmp_path).fetch()
    empty = tmp_path / "empty"
    empty.write_text("")
    with pytest.raises(Unreachable, match=r"Host key verification failed|host key is known") as caught:
        Mirror.of(replace(remote.estate, known_hosts=str(empty)), SERVICE, tmp_path).fetch()
    assert "ssh-keyscan" in caught.value.hint
    assert empty.read_text() == ""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "stranger"], check=True)
    with pytest.raises(Unreachable, match=r"Permission denied"):
        Mirror.of(replace(remote.estate, identity=str(tmp_path / "stranger")), SERVICE, tmp_path).fetch()
    found = view(gone, SERVICE, tmp_path)
    assert isinstance(found, Missing)
    assert (found.kind, found.where) == ("unreachable", gone.repository_url(SERVICE))


def test_the_hint_of_a_remote_without_an_answer_asks_it_as_the_gate_does(remote: Remote) -> None:
    """Typed as it stands: with the estate's key and known hosts, not with those of whoever is awake."""
    bare = ["git", "ls-remote", remote.mirror.url]
    stranger = {"GIT_SSH_COMMAND": "ssh -o BatchMode=yes", **os.environ}
    assert subprocess.run(bare, env=stranger, capture_output=True, timeout=30, check=False).returncode != 0
    (command,) = commands_in(unreachable(remote.mirror.url, "no answer", environment_of(remote.estate)).hint)
    asked = subprocess.run(["bash", "-c", command.text], capture_output=True, text=True, timeout=30, check=False)
    assert (asked.returncode, asked.stderr) == (0, "")
    for url in ("https://forge/x.git", "https://user@forge/x.git", "/srv/x.git"):
        assert "SSH" not in unreachable(url, "no answer", environment_of(remote.estate)).hint


@pytest.mark.parametrize("there", ["a folder for shared connections", ""])
def test_a_remote_is_asked_by_a_connection_of_its_own(remote: Remote, tmp_path: Path, there: str) -> None:
    """A shared one may be to somebody else by now, stays after the gate with what it holds open, and without its folder there is
    none at all.
    """
    folder = tmp_path / "shared"
    if there:
        folder.mkdir()
    config = tmp_path / "config"
    config.write_text(
        f"Host *\n ControlMaster auto\n ControlPath {folder}/%C\n ControlPersist 10m\n RemoteCommand false\n"
        f" PermitLocalCommand yes\n LocalCommand touch {tmp_path}/local\n ForwardAgent yes\n"
        " LocalForward 127.0.0.1:1 127.0.0.1:2\n ExitOnForwardFailure yes\n"
    )
    commit = remote.commit("a", "1")
    mirror = Mirror.of(replace(remote.estate, ssh_config=str(config)), SERVICE, remote.cache)
    mirror.fetch()
    assert mirror.main() == commit
    assert [*folder.glob("*"), *tmp_path.glob("local")] == []


def test_ssh_s_own_words_come_before_git_s_general_ones() -> None:
    general = "fatal: Could not read from remote repository."
    rights = "Please make sure you have the correct access rights\nand the repository exists."
    said = "Welcome to the forge\nunix_listener: cannot bind to path /x/y: No such file or directory"
    assert last_words(f"{said}\n{general}\n\n{rights}\n".encode()).startswith("unix_listener: cannot bind")
    assert last_words(f"Welcome\nssh: Could not resolve hostname x\n{general}\n".encode()) == "ssh: Could not resolve hostname x"
    assert last_words(f"{general}\n\n{rights}\n".encode()) == general
    assert last_words(b"") == "git said nothing"


def test_a_hanging_remote_costs_the_deadline_and_leaves_no_process(remote: Remote, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        hanging = replace(remote.estate, repositories=f"ssh://x@127.0.0.1:{port}/r")
        began = time.monotonic()
        with pytest.raises(Unreachable, match=r"no answer within 1 s"):
            Mirror.of(hanging, SERVICE, tmp_path).fetch(1.0)
        assert time.monotonic() - began < 10
    left = subprocess.run(["pgrep", "-f", f"ssh.* -p {port} "], capture_output=True, check=False).stdout
    assert left == b""


def test_a_killed_fetch_does_not_lock_the_mirror(remote: Remote) -> None:
    remote.commit("a", "1")
    mirror = remote.mirror
    mirror.fetch()
    for name in ("packed-refs.lock", "refs/heads/main.lock", "refs/tags/x.lock"):
        (mirror.path / name).touch()
    commit = remote.commit("a", "2")
    mirror.fetch()
    assert mirror.main() == commit


def test_two_gates_take_turns_at_one_mirror(remote: Remote) -> None:
    commit = remote.commit("a", "1")
    mirror = remote.mirror
    mirror.fetch()
    with mirror.path.with_suffix(".lock").open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(Unreachable, match=r"another gate held the mirror for 0.3 s"):
            mirror.fetch(0.3)
        threading.Timer(0.3, lambda: fcntl.flock(file, fcntl.LOCK_UN)).start()
        mirror.fetch(5.0)
    assert mirror.main() == commit


def test_git_is_given_the_estate_s_words_only(ground: Ground) -> None:
    plain = environment_of(replace(ground.estate(), identity=None, ssh_config=None, known_hosts="~/k"))
    assert "-i" not in plain["GIT_SSH_COMMAND"].split()
    assert "-F" not in plain["GIT_SSH_COMMAND"].split()
    assert f'UserKnownHostsFile="{Path("~/k").expanduser()}"' in plain["GIT_SSH_COMMAND"]
    assert plain["GIT_TERMINAL_PROMPT"] == "0"


def malformed(remote: Remote, good: str) -> str:
    """A commit on the remote's main whose tree has an entry ``.git``."""
    blob = remote.git("rev-parse", f"{good}:a")
    rows = b"".join(b"100644 %s\0" % name + bytes.fromhex(blob) for name in (b".git", b"a"))
    argv = ["git", "-C", str(remote.work), "hash-object", "-t", "tree", "--literally", "-w", "--stdin"]
    raw = subprocess.run(argv, input=rows, capture_output=True, check=True)
    evil = remote.git("commit-tree", "-p", good, "-m", "evil", raw.stdout.decode().strip())
    remote.git("push", "-q", "origin", f"{evil}:main")
    return evil


def test_a_malformed_object_is_not_kept(remote: Remote) -> None:
    good = remote.commit("a", "1")
    remote.mirror.fetch()
    malformed(remote, good)
    with pytest.raises(ContractError, match="no sound object") as found:
        remote.mirror.fetch()
    assert "dotgit" in found.value.line.lower()
    assert remote.mirror.main() == good


def test_nothing_is_left_of_a_fetch_that_failed(remote: Remote) -> None:
    """Whoever may push a tag has it fail for as long as he likes, after whatever he likes: each look would leave that again."""
    good = remote.commit("a", "1")
    remote.git("checkout", "-q", "--orphan", "other")
    remote.commit_here("!large", "x" * 1_000_000)
    remote.commit_here(".gitmodules", '[submodule "a"]\n\tpath = a\n\turl = --upload-pack=x\n')
    remote.git("tag", "-a", "-m", "t", "t")
    remote.git("push", "-q", "origin", "t")
    for _ in range(2):
        with pytest.raises(ContractError, match="no sound object") as found:
            remote.mirror.fetch()
    assert "gitmodulesurl" in found.value.line.lower()
    assert [path for path in (remote.mirror.path / "objects").rglob("*") if path.is_file()] == []
    remote.git("push", "-q", "origin", ":refs/tags/t")
    remote.mirror.fetch()
    assert remote.mirror.main() == good


def test_what_the_remote_has_no_more_goes_in_time(remote: Remote, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("voxgate.transport.clients.git._PACKS", 4)
    gone = []
    for number in range(4):
        remote.commit("a", str(number))
        remote.git("checkout", "-q", "-b", f"b{number}")
        gone.append(remote.commit_here("b", str(number)))
        remote.git("push", "-q", "origin", f"HEAD:refs/tags/t{number}")
        remote.git("checkout", "-q", "main")
        remote.mirror.fetch()
        assert remote.mirror.has(gone[-1])
        remote.git("push", "-q", "origin", f":refs/tags/t{number}")
    good = remote.commit("a", "last")
    remote.mirror.fetch()
    assert (remote.mirror.main(), remote.mirror.has(good), any(map(remote.mirror.has, gone))) == (good, True, False)
    assert len([*remote.mirror.path.glob("objects/pack/*.pack")]) == 1


def test_a_host_keeps_no_malformed_object_either(remote: Remote, tmp_path: Path) -> None:
    evil = malformed(remote, remote.commit("a", "1"))
    subprocess.run(["git", "init", "-q", "--bare", tmp_path / "host"], check=True)
    environ = {**os.environ, **GIT, **environment_of(remote.estate)}
    argv = ["git", "-C", str(tmp_path / "host"), "fetch", "-q", remote.mirror.url, "main"]
    done = subprocess.run(argv, env=environ, capture_output=True, check=False)
    assert b"hasDotgit" in done.stderr
    asked = ["git", "-C", str(tmp_path / "host"), "cat-file", "-e", evil]
    assert (done.returncode, subprocess.run(asked, capture_output=True, check=False).returncode != 0) == (128, True)


def planted_hook(path: Path, mark: Path) -> None:
    """Every hook that a fetch or a push could run."""
    for name in ("reference-transaction", "pre-push", "post-update", "fsmonitor-watchman"):
        hook = path / "hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\ntouch {mark}\n")
        hook.chmod(0o755)


def planted_config(path: Path, mark: Path) -> None:
    with (path / "config").open("a") as file:
        file.write(f"\tsshCommand = touch {mark}\n\tfsmonitor = touch {mark}\n[credential]\n\thelper = !touch {mark}\n")


def other_objects(path: Path, mark: Path) -> None:
    elsewhere = mark.parent / "objects"
    (path / "objects").rename(elsewhere)
    (path / "objects" / "info").mkdir(parents=True)
    (path / "objects" / "info" / "alternates").write_text(f"{elsewhere}\n")


def link_to_objects(path: Path, mark: Path) -> None:
    elsewhere = mark.parent / "objects"
    (path / "objects").rename(elsewhere)
    (path / "objects").symlink_to(elsewhere)


def anothers(path: Path, _: Path) -> None:
    os.chown(path, 65534, -1)


def worktree_config(path: Path, mark: Path) -> None:
    (path / "config.worktree").write_text(f"[core]\n\tfsmonitor = touch {mark}\n")


def grafted(path: Path, _: Path) -> None:
    (path / "info").mkdir()
    (path / "info" / "grafts").write_text("")


def writable(path: Path, _: Path) -> None:
    path.parent.chmod(0o777)


STRANGE = [planted_hook, planted_config, other_objects, link_to_objects, worktree_config, grafted, writable]


@pytest.mark.parametrize("plant", [*STRANGE, *([anothers] if os.geteuid() == 0 else [])])
def test_a_mirror_that_is_not_as_it_was_made_is_made_anew(remote: Remote, plant: Any, tmp_path: Path) -> None:
    commit = remote.commit("a", "1")
    remote.mirror.fetch()
    mark = tmp_path / "planted" / "ran"
    mark.parent.mkdir()
    plant(remote.mirror.path, mark)
    with pytest.raises(ContractError, match="not as it was made"):
        remote.mirror.main()
    remote.mirror.fetch()
    assert remote.mirror.main() == commit
    remote.mirror.push_tag(TAG, commit, "m")
    assert not mark.exists()
    assert sorted(path.name for path in remote.mirror.path.iterdir()) == ["HEAD", "config", "objects", "refs"]


def test_no_other_protocol_than_the_estate_s_is_spoken(remote: Remote, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mark = tmp_path / "ran"
    (tmp_path / "home").mkdir()
    base = remote.mirror.url.rpartition("/")[0]
    (tmp_path / "home" / ".gitconfig").write_text(
        f'[url "ext::touch {mark} "]\n\tinsteadOf = {base}\n[protocol]\n\tallow = always\n'
    )
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    with pytest.raises(Unreachable, match="transport 'ext' not allowed"):
        remote.mirror.fetch()
    assert not mark.exists()
