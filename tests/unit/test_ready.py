"""What a deploy would meet in its folders: tried by two real accounts, one that deploys and one that runs the service; and each
hint followed as it is written.
"""

from __future__ import annotations

import os
import pwd
import struct
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from voxgate.contracts.estates import load_estate
from voxgate.model.advice import commands_in
from voxgate.moves import ready, steps
from voxgate.survey import remedies
from voxgate.survey.remedies import for_move
from voxgate.transport.ssh import begin

DEPLOY, SERVICE = "daemon", "games"
HOST = load_estate("lab").host("api-1")


@dataclass(frozen=True)
class Place:
    """A checkout, and a folder of the gate's state, on a file system of their own."""

    top: Path

    @property
    def folder(self) -> Path:
        """The checkout."""
        return self.top / "opt/one"

    def tried(self, umask: int = 0o022, user: str = SERVICE) -> tuple[int, str]:
        """How the step ends for the account that deploys, by the very program that is sent to hosts."""
        argv = ["python3", "-I", "-c", steps._READY, str(self.folder), user, str(self.top / "state")]
        ended = subprocess.run(
            argv, user=DEPLOY, group=DEPLOY, extra_groups=[], umask=umask, capture_output=True, text=True, check=False, cwd="/",
            env={"PATH": begin.PATH, "LC_ALL": "C.UTF-8"},
        )  # fmt: skip
        assert ended.stdout == ""
        assert "Traceback" not in ended.stderr
        return ended.returncode, ended.stderr.strip()

    def root(self, script: str) -> None:
        """A line of root's."""
        subprocess.run(["sh", "-ec", script], cwd=self.top, check=True)

    def left(self) -> list[Path]:
        """What the trial left behind."""
        return list(self.top.rglob("tmp_obj*"))


@pytest.fixture
def place() -> Iterator[Place]:
    top = Path(tempfile.mkdtemp(prefix="voxgate-ready-"))
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=80m,mode=0755", "tmpfs", top], check=True)
    made = Place(top)
    try:
        made.root(
            "umask 022; git init -q opt/one; mkdir -p opt/one/pkg state; echo 1 >opt/one/pkg/a.py; echo x >'opt/one/it is.py'; "
            "cd opt/one; git add .; git -c user.name=x -c user.email=x@x commit -qm x; echo secret >.env; chmod 600 .env"
        )
        made.root(
            f"chown -R {DEPLOY}: opt/one state; chown {SERVICE}: opt/one/.env; chmod 700 state; chmod 640 opt/one/.git/config"
        )
        yield made
    finally:
        subprocess.run(["umount", "-l", top], check=True)
        top.rmdir()


def test_an_ordinary_folder_is_ready_and_nothing_is_left(place: Place) -> None:
    before = (place.folder.stat().st_ctime_ns, (place.folder / "pkg").stat().st_ctime_ns)
    assert place.tried() == (0, "")
    assert place.left() == []
    assert (place.folder.stat().st_ctime_ns, (place.folder / "pkg").stat().st_ctime_ns) == before


ORDINARY = {
    "closed to others, the service is in the group": (
        f"chgrp -R {SERVICE} opt/one; chmod 750 opt/one; chmod -R o= opt/one/pkg opt/one/.git"
    ),
    "git's own folder is no business of the service": "chmod 700 opt/one/.git; chmod 600 opt/one/.git/HEAD",
    "a link in the checkout to nowhere": "ln -s /nowhere opt/one/gone; chown -h daemon opt/one/gone",
    "a hook of root's": "install -m 0700 /dev/null opt/one/.git/hooks/post-checkout",
}


@pytest.mark.parametrize("kind", ORDINARY)
def test_what_teams_have_is_no_trouble(place: Place, kind: str) -> None:
    place.root(ORDINARY[kind])
    assert place.tried() == (0, "")


WRONG: dict[str, tuple[str, str]] = {
    "files of somebody's umask": ("chmod 640 opt/one/pkg/a.py opt/one/.git/HEAD", f"{SERVICE} cannot read"),
    "folders of somebody's umask": ("chmod 750 opt/one/pkg", f"{SERVICE} cannot enter"),
    "the checkout is closed": ("chmod 700 opt/one", f"{SERVICE} cannot enter"),
    "HEAD alone": ("chmod 660 opt/one/.git/HEAD", f"{SERVICE} cannot read"),
    "a folder of root's": ("chown root: opt/one/pkg", "Permission denied"),
    "git's objects are root's": ("chown -R root: opt/one/.git/objects", "Permission denied"),
    "the state is root's": ("chown root: state", "Permission denied"),
    "no room": ("head -c 70000000 /dev/zero >fill", "No space left on device"),
    "no room at all": ("head -c 90000000 /dev/zero >fill || true", "No space left on device"),
    "read-only": ("mount -o remount,ro .", "Read-only file system"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_what_would_end_in_an_outage_is_told_with_a_hint_that_mends_it(
    place: Place, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remedies, "STATE", str(place.top / "state"))
    breaking, said = WRONG[kind]
    place.root(breaking)
    status, words = place.tried()
    assert status == 3
    assert words.startswith("error: ")
    assert said in words
    assert "\n" not in words
    assert place.left() == []
    hint = for_move(words, replace(HOST, user=DEPLOY), str(place.folder))
    if "make room" in hint:
        assert [one.text for one in commands_in(hint)] == [
            f"df {how} {place.top}/opt/one/.git/objects" + "" for how in ("-h", "-i")
        ]
        place.root(f"{'; '.join(one.text for one in commands_in(hint))} >/dev/null; rm fill")
    else:
        _follow(place, hint)
    assert place.tried() == (0, ""), hint


def _follow(place: Place, hint: str) -> None:
    """The hint as an administrator types it; here /opt and /var/lib are other folders, and the account has another name."""
    place.root(
        commands_in(hint)[0].text.replace("sudo -u", "runuser -u").replace(f"-u {DEPLOY}", f"-u {DEPLOY} --").replace("sudo ", "")
    )
    env = (place.folder / ".env").stat()
    assert (env.st_mode & 0o777, pwd.getpwuid(env.st_uid).pw_name) == (0o600, SERVICE)
    assert (place.folder / ".git/config").stat().st_mode & 0o777 == 0o640


def rows(*found: tuple[int, int, int]) -> bytes:
    """An access list as Linux keeps it: tag, permissions, id."""
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *one) for one in found)


NOBODY_S = 0xFFFFFFFF


def test_an_access_list_is_counted_as_the_kernel_does(place: Place) -> None:
    """Closed to others, and open to the service by name; what is made new is open to it as well, or to nobody."""
    games, daemon = (pwd.getpwnam(name).pw_uid for name in (SERVICE, DEPLOY))
    owner, group, others = (ready.OWNER, 7, NOBODY_S), (ready.GROUP, 0, NOBODY_S), (ready.OTHER, 0, NOBODY_S)
    named, mask = (ready.NAMED, 5, games), (ready.MASK, 5, NOBODY_S)
    os.setxattr(place.folder / "pkg", ready.ACL, rows(owner, named, group, mask, others))
    assert place.tried() == (0, "")
    os.setxattr(place.folder / "pkg", ready.ACL, rows(owner, (ready.NAMED, 7, daemon), group, mask, others))
    assert "cannot enter" in place.tried()[1]
    os.removexattr(place.folder / "pkg", ready.ACL)
    (place.folder / "pkg").chmod(0o755)
    os.setxattr(place.folder / ".git/objects", ready.DEFAULT, rows(owner, group, others))
    assert f"{SERVICE} cannot read {place.folder}/.git/objects/tmp_obj_voxgate" in place.tried()[1]
    os.removexattr(place.folder / ".git/objects", ready.DEFAULT)
    os.setxattr(place.folder, ready.DEFAULT, rows(owner, group, others))
    words = place.tried()[1]
    assert "could not read new files" in words
    assert for_move(words, HOST, str(place.folder)) == f"`sudo -u {HOST.user} setfacl -R -k {place.folder}`"
    os.setxattr(place.folder, ready.DEFAULT, rows(owner, named, group, mask, others))
    assert place.tried() == (0, "")


def test_an_umask_is_seen_where_it_counts(place: Place) -> None:
    """Under the moves' own umask the service reads what they make; under 027 it does not."""
    assert place.tried(umask=0o027)[1].startswith(f"error: {SERVICE} cannot read {place.folder}/.git/objects/tmp_obj_voxgate")


def test_the_service_s_account_must_be_there(place: Place) -> None:
    assert (
        place.tried(user="nobody-of-that-name")[1] == "error: there is no account nobody-of-that-name, as whom the service runs"
    )
