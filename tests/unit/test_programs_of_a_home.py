"""uv, node and npm that only the account that deploys has: a build gets a copy, where nobody else could have put them there."""

from __future__ import annotations

import os
import shutil
import struct
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.built import builder, probe

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
NOBODY = 65534
OURS = next(one for one in ("/var", "/run") if os.access(one, os.W_OK))  # where mistakes are tried, /var cannot be written


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home, a way to which nobody else can change anything on, and the service ``one``; for all there is no program."""
    with tempfile.TemporaryDirectory(prefix="voxgate-home-", dir=OURS) as folder:
        top = Path(folder)
        for one in ("spool/one/in", "home", "bin"):
            (top / one).mkdir(parents=True)
        monkeypatch.setattr(builder, "HOME", f"{top}/spool")
        monkeypatch.setattr(builder, "PATH", f"{top}/bin")
        monkeypatch.setenv("HOME", f"{top}/home")
        yield top / "home"


def program(path: Path, says: str = "/bin/true") -> Path:
    """A program that is a file of its own."""
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(says, path)
    return path


def node(home: Path, version: str) -> Path:
    """Node with its npm, as nvm leaves them."""
    top = home / f".nvm/versions/node/v{version}"
    program(top / "bin/node")
    npm = top / "lib/node_modules/npm"
    (npm / "bin").mkdir(parents=True)
    for name in ("npm", "npx"):
        (npm / "bin" / f"{name}-cli.js").write_text(f"#!/usr/bin/env node\n// of {version}\n")
        (npm / "bin" / f"{name}-cli.js").chmod(0o755)
        (top / "bin" / name).symlink_to(f"../lib/node_modules/npm/bin/{name}-cli.js")
    (npm / "package.json").write_text('{"name": "npm"}')
    (npm / "node_modules/.bin").mkdir(parents=True)
    (npm / "node_modules/.bin/semver").symlink_to("../semver/bin/semver.js")
    return top


def given(home: Path) -> Path:
    """Where a build finds its copies."""
    return home.parent / "spool/one/in/tools"


@pytest.mark.parametrize("at", [".local/bin/uv", "bin/uv", ".cargo/bin/uv"])
def test_a_build_gets_a_copy_of_uv(home: Path, at: str) -> None:
    path = program(home / at)
    assert builder.brought("python", "one") == {"uv": str(path)}
    copy = given(home) / "bin/uv"
    assert copy.read_bytes() == path.read_bytes()
    assert (copy.stat().st_mode & 0o777, copy.stat().st_uid) == (0o755, os.geteuid())
    assert copy.stat().st_ino != path.stat().st_ino
    assert shutil.which("uv", path=builder.path_of("one")) == str(copy)


def test_a_copy_is_that_of_today(home: Path) -> None:
    """It is left alone while it is the same, follows an update, and goes where root installed one for all."""
    path = program(home / ".local/bin/uv")
    builder.brought("python", "one")
    was = (given(home) / "bin/uv").stat()
    builder.brought("python", "one")
    assert (given(home) / "bin/uv").stat().st_ctime_ns == was.st_ctime_ns
    program(path, "/bin/false")
    builder.brought("python", "one")
    assert (given(home) / "bin/uv").read_bytes() == Path("/bin/false").read_bytes()
    program(home.parent / "bin/uv")
    assert builder.brought("python", "one") == {}
    assert not given(home).exists()


def test_a_link_of_root_s_into_the_home_leads_to_a_copy(home: Path) -> None:
    path = program(home / ".local/share/pipx/venvs/uv/bin/uv")
    (home.parent / "bin/uv").symlink_to(path)
    assert builder.brought("python", "one") == {"uv": str(path)}


@pytest.mark.parametrize(
    ("default", "taken"), [("", "24.10.0"), ("22", "22.9.1"), ("v22.8.0\n", "22.8.0"), ("lts/*", "24.10.0"), ("2", "24.10.0")]
)
def test_node_and_npm_are_those_that_nvm_takes(home: Path, default: str, taken: str) -> None:
    for version in ("22.8.0", "22.9.1", "24.9.0", "24.10.0"):
        node(home, version)
    if default:
        (home / ".nvm/alias").mkdir()
        (home / ".nvm/alias/default").write_text(default)
    top = home / f".nvm/versions/node/v{taken}"
    assert builder.brought("static", "one") == {
        "node": f"{top}/bin/node", "npm": f"{top}/lib/node_modules/npm/bin/npm-cli.js",
    }  # fmt: skip
    tools = given(home)
    assert (tools / "bin/npm").read_text() == f"#!/usr/bin/env node\n// of {taken}\n"
    assert os.access(tools / "bin/npx", os.X_OK)
    assert (tools / "bin/npm").resolve().is_relative_to(tools)
    assert (tools / "lib/node_modules/npm/node_modules/.bin/semver").is_symlink()
    before = len([*Path("/proc/self/fd").iterdir()])
    builder.brought("static", "one")
    assert (tools / "bin/npm").resolve().is_relative_to(tools), "also where it was there already"
    assert len([*Path("/proc/self/fd").iterdir()]) == before + 2, "those that it copies from, and no other one"


@pytest.mark.parametrize("who", ["its file", "its folder", "another's", "a list", "npm's file"])
def test_what_others_can_change_no_build_gets(home: Path, who: str) -> None:
    path = program(home / ".local/bin/uv")
    top = node(home, "24.0.0")
    if who == "its file":
        path.chmod(0o777)
    elif who == "its folder":
        path.parent.chmod(0o777)
    elif who == "another's":
        os.chown(path.parent.parent, NOBODY, NOBODY)
    elif who == "a list":
        rows = [(1, 7, 0xFFFFFFFF), (2, 7, NOBODY), (4, 5, 0xFFFFFFFF), (16, 7, 0xFFFFFFFF), (32, 5, 0xFFFFFFFF)]
        acl = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *row) for row in rows)
        os.setxattr(path.parent, "system.posix_acl_access", acl)
    else:
        (top / "lib/node_modules/npm/package.json").chmod(0o666)
    with pytest.raises(builder.Bad, match=rf"is there for this account alone, in .*: others can change {OURS}/"):
        builder.brought("static" if who == "npm's file" else "python", "one")
    assert not (given(home) / "bin/uv").exists()
    assert not (given(home) / "bin/npm").exists()


def test_what_the_account_s_own_group_may_write_is_its_own(home: Path) -> None:
    """As a umask of 002 leaves it, where each account has a group of its own."""
    assert builder.own_group() == 0, "root's"
    path = program(home / ".local/bin/uv")
    path.parent.chmod(0o775)
    assert builder.brought("python", "one") == {"uv": str(path)}
    os.chown(path.parent, 0, 1)
    with pytest.raises(builder.Bad, match="others can change"):
        builder.brought("python", "one")


@pytest.mark.parametrize("kind", ["a script", "a shim", "no npm"])
def test_what_only_leads_to_a_program_is_none(home: Path, kind: str) -> None:
    """It would lead to where a build sees nothing."""
    if kind == "a script":
        program(home / ".asdf/shims/node").write_text("#!/bin/sh\nexec asdf exec node\n")
    elif kind == "a shim":
        program(home / ".volta/bin/volta-shim")
        (home / ".volta/bin/node").symlink_to("volta-shim")
    else:
        program(home / ".local/bin/node")
        program(home / ".local/bin/npm")
    with pytest.raises(builder.Bad, match=rf"(node|npm) is there for this account alone, in {OURS}/.*: that "):
        builder.brought("static", "one")


def test_a_program_that_is_nowhere_is_not_brought(home: Path) -> None:
    assert builder.brought("python", "one") == builder.brought("static", "one") == {}
    assert list(home.iterdir()) == []


def test_a_look_asks_the_same_uv_and_none_that_others_could_have_put_there(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "PATH", f"{home.parent}/bin")
    monkeypatch.setattr(probe, "home_of", lambda _: str(home))
    with probe.own_uv() as held:
        assert held is None
    path = program(home / ".local/bin/uv")
    with probe.own_uv() as held:
        assert os.path.samestat(os.fstat(held), path.stat())
    for of in (path, path.parent):
        was = of.stat().st_mode
        of.chmod(0o777)
        with probe.own_uv() as held:
            assert held is None, of
        of.chmod(was)
    program(home.parent / "bin/uv")
    with probe.own_uv() as held:
        assert held is None, "there is one for all"


def test_uv_of_a_home_runs_as_a_stranger_who_sees_no_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "PATH", f"{home.parent}/bin:/usr/bin:/bin")
    monkeypatch.setattr(probe, "home_of", lambda _: str(home))
    monkeypatch.setattr(probe, "SYNC", ["-u"])
    program(home / ".local/bin/uv", "/usr/bin/id")
    home.chmod(0o700)
    with tempfile.TemporaryDirectory(dir=home) as folder:
        said = probe.uv_sync(folder)
    assert said["sync_status"] == 0
    assert int(said["sync_said"]) not in {0, os.geteuid()}
