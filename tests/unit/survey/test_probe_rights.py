"""Who besides root and the account that deploys could change what runs; real users, groups, modes and access lists."""

from __future__ import annotations

import os
import pwd
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.built import probe

from .conftest import service

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")

ANOTHER = pwd.getpwnam("games")  # an account that has a group for itself
SITE = ".venv/lib/python3.12/site-packages"


def listed(path: Path, *, write: bool) -> None:
    """An access list by which another may read a file, and write it where that is said."""
    mine = 7 if write else 5
    rows = [(1, 7, -1), (2, mine, ANOTHER.pw_uid), (4, 5, -1), (16, mine, -1), (32, 5, -1)]
    os.setxattr(path, "system.posix_acl_access", struct.pack("<I", 2) + b"".join(struct.pack("<HHi", *row) for row in rows))


def owned(path: Path) -> None:
    os.chown(path, ANOTHER.pw_uid, 0)


def group(path: Path) -> None:
    os.chown(path, 0, ANOTHER.pw_gid)
    path.chmod(0o775 if path.is_dir() else 0o664)


def opened(path: Path) -> None:
    path.chmod(0o777 if path.is_dir() else 0o666)


def of_nobodys_group(path: Path) -> None:
    os.chown(path, 0, 61234)
    path.chmod(0o664)


BY: dict[str, tuple[Callable[[Path], None], str]] = {
    "owner": (owned, "belongs to games"),
    "group": (group, "can be changed by games"),
    "all": (opened, "can be changed by everybody"),
    "list": (lambda path: listed(path, write=True), "can be changed by games"),
}


@pytest.mark.parametrize("what", ["app/main.py", "app/deep", "app", ".git", ".git/config", ".git/hooks", "app/__pycache__"])
@pytest.mark.parametrize("by", BY)
def test_what_of_a_checkout_others_could_change_is_told(checkout: Path, what: str, by: str) -> None:
    assert probe.checkout(service(checkout))["loose"] == []
    change, said = BY[by]
    change(checkout / what)
    assert probe.checkout(service(checkout))["loose"] == [[what, said]]


@pytest.mark.parametrize("what", ["fastapi/__init__.py", "fastapi", ".", "../.."])
@pytest.mark.parametrize("by", BY)
def test_what_of_an_environment_others_could_change_is_told(checkout: Path, what: str, by: str) -> None:
    site = checkout / SITE
    (site / "fastapi/__init__.py").write_text("A = 1\n")
    assert probe.packages(service(checkout))["loose"] == []
    change, said = BY[by]
    change(site / what)
    assert probe.packages(service(checkout))["loose"] == [[os.path.normpath(f"{SITE}/{what}"), said]]


@pytest.mark.parametrize("what", ["builds/two/index.html", "builds/two/assets", "builds/two", "builds", "builds/two.sha256"])
@pytest.mark.parametrize("by", BY)
def test_what_of_a_build_others_could_change_is_told(site: Path, what: str, by: str) -> None:
    assert probe.dist(service(site, kind="static"))["loose"] == []
    change, said = BY[by]
    change(site / what)
    assert probe.dist(service(site, kind="static"))["loose"] == [[what, said]]


@pytest.mark.parametrize("by", BY)
def test_who_could_put_another_folder_in_the_place_of_the_service_s_is_told(checkout: Path, by: str) -> None:
    change, said = BY[by]
    change(checkout.parent)
    checkout.parent.chmod(checkout.parent.stat().st_mode | 0o005)
    assert probe.checkout(service(checkout))["loose"] == [[str(checkout.parent), said]]


def test_what_only_the_account_that_deploys_could_change_is_its_own(checkout: Path) -> None:
    """Also by a group that it is in alone, or nobody is in; and who may only read."""
    owned(checkout / "app/main.py")
    group(checkout / "app")
    listed(checkout / "run.sh", write=False)
    of_nobodys_group(checkout / "uv.lock")
    (checkout / "tmp").mkdir()
    opened(checkout / "tmp")  # no code lies in it
    assert probe.checkout(service(checkout, owner="games"))["loose"] == []
    assert {path for path, _ in probe.checkout(service(checkout))["loose"]} == {"app", "app/main.py"}


def test_an_account_that_is_not_there_owns_nothing(checkout: Path) -> None:
    owned(checkout / "app/main.py")
    assert probe.checkout(service(checkout, owner="no-such-account"))["loose"] == [["app/main.py", "belongs to games"]]
