"""What who asks may not read is a finding, and no hash of it confirms his guesses: root reads nothing in his place."""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import marshal
import os
import pwd
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.built import probe

from .conftest import ENV, service

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
DEPLOY, VOX, ROOT = pwd.getpwnam("daemon"), pwd.getpwnam("games"), pwd.getpwnam("root")
PYTHON = "/usr/bin/python3"
SITE = ".venv/lib/python3.12/site-packages"
CLOSED = "may not be read by who asks"


@pytest.fixture(autouse=True)
def _asked_by_deploy(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUDO_UID", str(DEPLOY.pw_uid))
    monkeypatch.setattr(probe, "CACHE", str(place / "cache"))
    monkeypatch.setattr(probe, "SETTLED", -1.0)
    monkeypatch.setattr(sys, "executable", PYTHON)


def given_to(owner: pwd.struct_passwd, *paths: Path) -> None:
    """These, and all below them, are somebody's."""
    for path in paths:
        for each in (path, *path.rglob("*")):
            os.chown(each, owner.pw_uid, owner.pw_gid, follow_symlinks=False)


def written(path: Path, text: str | bytes, owner: pwd.struct_passwd, mode: int = 0o600) -> Path:
    """A file of somebody's."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    path.chmod(mode)
    os.chown(path, owner.pw_uid, owner.pw_gid)
    return path


@pytest.fixture
def deployed(checkout: Path) -> Path:
    """A service's folder as it is on a host: deploy's, with a ``.env`` of the service's account."""
    given_to(DEPLOY, checkout)
    given_to(VOX, checkout / ".env")
    return checkout


def blob(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0%b" % (len(content), content), usedforsecurity=False).hexdigest()


def tree_of(folder: Path) -> dict[str, list[str]]:
    """Every file of a checkout, as it is told."""
    found: dict[str, list[str]] = probe.checkout(service(folder))["tree"]
    return found


def test_no_hash_is_told_of_a_file_that_may_not_be_read(deployed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Six digits are guessed in a second by whoever has their hash."""
    written(deployed / "pin", "482913\n", VOX)
    (deployed / ".env").rename(deployed / "env2")
    found = tree_of(deployed)
    assert {path: row for path, row in found.items() if row[1] == "unreadable"} == {
        "pin": ["100644", "unreadable"],
        "env2": ["100644", "unreadable"],
    }
    assert found["run.sh"] == ["100755", blob(b"#!/bin/sh\n")]
    monkeypatch.delenv("SUDO_UID")  # who is root himself may read all
    found = tree_of(deployed)
    assert (found["pin"][1], found["env2"][1]) == (blob(b"482913\n"), blob(ENV.encode()))


def test_a_folder_that_may_not_be_read_is_named_and_blinds_nothing(deployed: Path) -> None:
    before = tree_of(deployed)
    written(deployed / "logs/calls", "482913\n", VOX, 0o644)
    written(deployed / "kept/calls", "482913\n", VOX, 0o644)
    given_to(VOX, deployed / "logs", deployed / "kept")
    (deployed / "logs").chmod(0o700)
    (deployed / "kept").chmod(0o744)  # its names can be read, and what they are cannot
    closed = ["special", "unreadable"]
    assert tree_of(deployed) == {**before, "logs": closed, "kept/calls": closed}


def test_no_name_is_told_of_what_was_moved_into_the_place_of_hooks(deployed: Path) -> None:
    hooks = deployed / ".git/hooks"
    written(hooks / "pre-commit", "", DEPLOY, 0o755)
    given_to(DEPLOY, deployed / ".git")
    assert probe.head_and_origin(str(deployed))["hooks"] == ["pre-commit"]
    given_to(VOX, hooks)
    hooks.chmod(0o700)
    assert probe.head_and_origin(str(deployed))["hooks"] == ["unreadable"]


def test_a_published_file_that_may_not_be_read_has_no_hash(site: Path) -> None:
    given_to(DEPLOY, site)
    subject = service(site, kind="static")
    written(site / "builds/two/pin.txt", "482913\n", VOX)
    written(site / "builds/two/closed/x", "x", VOX)
    (site / "builds/two/closed").chmod(0o700)
    found = probe.dist(subject)
    assert {path: row for path, row in found["files"].items() if row[1] == "unreadable"} == {
        "pin.txt": [7, "unreadable"],
        "closed": [0, "unreadable"],
    }
    assert found["files"]["index.html"] == [16, hashlib.sha256(b"<html>new</html>").hexdigest()]
    given_to(VOX, site / "builds/two.sha256")
    (site / "builds/two.sha256").chmod(0o600)
    assert probe.dist(subject)["built"] is None


@pytest.mark.parametrize("name", ["uv.lock", "pyproject.toml", ".venv/pyvenv.cfg"])
def test_nothing_is_told_of_what_stands_in_the_place_of_a_lock(
    deployed: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """The service's ``.env`` may well be TOML: its hash would be told, and its values as what is installed."""
    monkeypatch.setattr(probe, "version_of", lambda *_: "3.12.3")
    monkeypatch.setattr(probe, "uv_sync", lambda _: {})
    assert probe.venv(service(deployed))["locked"] == {"vox-backend": "0.1.0", "pipecat-ai": "1.14.0"}
    written(deployed / ".env", 'home = "/secret"\nversion = "1"\n', VOX)
    (deployed / ".env").rename(deployed / name)
    with pytest.raises(probe.Trouble, match=f"{name}: Permission denied"):
        probe.venv(service(deployed))


@pytest.fixture
def environment(place: Path) -> Path:
    """A service's environment with one module, all of deploy's."""
    app = place / "app"
    written(app / ".venv/pyvenv.cfg", "home = /usr/bin\n", DEPLOY, 0o644)
    (app / ".venv/bin").mkdir()
    (app / ".venv/bin/python").symlink_to(PYTHON)
    written(app / SITE / "good.py", "A = 1\n", DEPLOY, 0o644)
    recorded(app, b"A = 1\n")
    given_to(DEPLOY, app)
    return app


def recorded(app: Path, content: bytes) -> None:
    """A RECORD by which this is in the module."""
    word = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")
    rows = f"good.py,sha256={word},{len(content)}\ngood-1.0.dist-info/RECORD,,\n"
    written(app / SITE / "good-1.0.dist-info/RECORD", rows, DEPLOY, 0o644)


def bad(app: Path) -> list[list[str]]:
    """What is wrong with an environment, by paths below site-packages."""
    inside = SITE.removeprefix(".venv/")
    return [[path.removeprefix(f"{inside}/"), wrong] for path, wrong in probe.packages(service(app))["bad"]]


def test_no_guess_in_a_record_is_confirmed(environment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor where root himself looked before: what is known of a file is known to who may read it."""
    secret = written(environment / SITE / "good.py", "482913\n", VOX)
    for guess in (b"482913\n", b"482914\n"):
        recorded(environment, guess)
        assert bad(environment) == [["good.py", CLOSED]]
        with monkeypatch.context() as by_hand:
            by_hand.delenv("SUDO_UID")
            assert bad(environment) == ([] if guess == b"482913\n" else [["good.py", "is not as it was installed"]])
        assert bad(environment) == [["good.py", CLOSED]]
    secret.chmod(0o644)
    recorded(environment, b"482913\n")
    assert bad(environment) == []


def test_what_may_not_be_read_of_an_environment_is_named_and_blinds_nothing(environment: Path) -> None:
    assert bad(environment) == []
    written(environment / SITE / "closed/x.py", "", VOX)
    (environment / SITE / "closed").chmod(0o700)
    written(environment / SITE / "_virtualenv.pth", "import _virtualenv", VOX)
    written(environment / SITE / "evil.py", "", DEPLOY, 0o644)
    record = environment / SITE / "good-1.0.dist-info/RECORD"
    stray = "belongs to no distribution"
    found = [["_virtualenv.pth", stray], ["closed", CLOSED], ["evil.py", stray]]
    assert sorted(bad(environment)) == found
    given_to(VOX, record)
    record.chmod(0o600)
    more = [["good-1.0.dist-info/RECORD", CLOSED], ["good-1.0.dist-info/RECORD", stray], ["good.py", stray]]
    assert sorted(bad(environment)) == sorted([*found, *more])


def byte_code(source: Path, code: str, owner: pwd.struct_passwd, mode: int = 0o644) -> Path:
    """Byte code of somebody's whose header says that it is of this source."""
    found = source.stat()
    head = importlib.util.MAGIC_NUMBER + struct.pack("<III", 0, int(found.st_mtime), found.st_size)
    cached = source.parent / "__pycache__" / f"{source.stem}.{sys.implementation.cache_tag}.pyc"
    return written(cached, head + marshal.dumps(compile(code, "x", "exec", dont_inherit=True)), owner, mode)


def in_tree(folder: Path) -> list[str]:
    """Byte code in a checkout that is not of its source."""
    return sorted(path for path in tree_of(folder) if "__pycache__" in path)


def in_environment(app: Path) -> list[str]:
    """Byte code in an environment that is not of its source."""
    return sorted(path for path, wrong in bad(app) if wrong == "is not the byte code of its source")


@pytest.mark.parametrize("guess", ["PIN = 482913\n", "PIN = 482914\n"])
def test_no_guess_in_byte_code_is_confirmed(deployed: Path, environment: Path, guess: str) -> None:
    """Whoever may not read the source learns not whether his byte code is of it, nor the other way round."""
    for folder, inside, named in ((deployed, ".", in_tree), (environment, SITE, in_environment)):
        secret, mine = folder / inside / "good.py", folder / inside / "mine.py"
        written(secret, "PIN = 482913\n", VOX)
        written(mine, guess, DEPLOY, 0o644)
        cached = [byte_code(secret, guess, DEPLOY), byte_code(mine, "PIN = 482913\n", VOX, 0o600)]
        assert named(folder) == [
            str(path.relative_to(folder)).removeprefix(".venv/lib/python3.12/site-packages/") for path in cached
        ]


def by_root(folder: Path) -> None:
    """Root once ran Python here, as it usually does."""
    byte_code(folder / "good.py", "A = 1\n", ROOT)


def by_root_of_a_strict_umask(folder: Path) -> None:
    """Root's files are for nobody else: no service takes them."""
    byte_code(folder / "good.py", "A = 1\n", ROOT, 0o600)


def all_by_root_of_a_strict_umask(folder: Path) -> None:
    """The folder too."""
    by_root_of_a_strict_umask(folder)
    (folder / "__pycache__").chmod(0o700)


@pytest.mark.parametrize("made", [by_root, by_root_of_a_strict_umask, all_by_root_of_a_strict_umask])
def test_byte_code_of_roots_own_is_no_finding(deployed: Path, environment: Path, made: Callable[[Path], None]) -> None:
    written(deployed / "good.py", "A = 1\n", DEPLOY, 0o644)
    made(deployed)
    assert in_tree(deployed) == []
    made(environment / SITE)
    assert bad(environment) == []


def test_byte_code_is_compared_with_the_rights_of_root_as_often_as_needed(
    deployed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The walk has the rights of who asks; what compiles has a user that only root can give, and only root keeps what it said."""
    monkeypatch.setattr(probe, "COMPARED_AT_ONCE", 20)
    started: list[Any] = []
    run = probe.run

    def noting(argv: list[str], *arguments: Any, **words: Any) -> Any:
        started.extend(argv[:1] if words.get("apart") else [])
        return run(argv, *arguments, **words)

    monkeypatch.setattr(probe, "run", noting)
    for at in range(10):
        byte_code(written(deployed / f"m{at}.py", f"A = {at}\n", DEPLOY, 0o644), f"A = {at or 7}\n", DEPLOY)
    forged = f"__pycache__/m0.{sys.implementation.cache_tag}.pyc"
    assert in_tree(deployed) == [forged]
    assert len(started) == 5
    assert in_tree(deployed) == [forged]  # by what was kept
    assert len(started) == 5


@pytest.mark.parametrize(("owner", "same"), [(VOX, []), (DEPLOY, ["vox-backend"])])
def test_no_word_is_confirmed_by_what_was_moved_into_a_locks_place(
    deployed: Path, place: Path, monkeypatch: pytest.MonkeyPatch, owner: pwd.struct_passwd, same: list[str]
) -> None:
    """His own lock is his guess; elsewhere a file of another's is called so."""
    monkeypatch.setattr(probe, "COPY_ROOTS", (str(place),))
    written(deployed / "uv.lock", "pin = 482913\n", DEPLOY, 0o644)
    written(place / "elsewhere/pyproject.toml", '[project]\nname = "other"\n', DEPLOY, 0o644)
    written(place / "elsewhere/uv.lock", "pin = 482913\n", owner)
    one = service(deployed)
    found = {row["path"]: row["same"] for row in probe.copies([one])["found"]}
    assert found.get(str(place / "elsewhere"), []) == [one.name for _ in same]
