"""What a deploy would meet in its folders: tried by two real accounts, one that deploys and one that runs the service; and each
hint followed as it is written.
"""

from __future__ import annotations

import json
import os
import pwd
import struct
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace

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
    "hooks that are root's, in a folder of root's": "chown -R root: opt/one/.git/hooks; chmod 755 opt/one/.git/hooks",
    "git's objects alone are no business of the service": "chmod 700 opt/one/.git/objects",
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


ASKED = """import json, os, sys
print(json.dumps([[os.access(one, os.R_OK), os.access(one, os.X_OK)] for one in sys.argv[1:]]))
"""


def test_what_an_account_may_is_what_the_kernel_lets_it(place: Place) -> None:
    """Each way in which a folder can be somebody's, and open to somebody: asked of the kernel by that account itself."""
    games, daemon = (pwd.getpwnam(name) for name in (SERVICE, DEPLOY))
    kinds: list[tuple[int, int, int, bytes]] = [
        (uid, gid, mode, b"")
        for uid in (0, games.pw_uid, daemon.pw_uid)
        for gid in (0, games.pw_gid)
        for mode in (0o000, 0o700, 0o400, 0o100, 0o070, 0o040, 0o010, 0o007, 0o004, 0o001, 0o077, 0o707, 0o770, 0o755)
    ]
    mine, others = (ready.OWNER, 7, NOBODY_S), (ready.OTHER, 5, NOBODY_S)
    named = [(ready.NAMED, allows, games.pw_uid) for allows in (0, 1, 4, 5)]
    groups = [(ready.NAMED_GROUP, allows, games.pw_gid) for allows in (0, 1, 4, 5)]
    for mask in (0, 1, 4, 7):
        for one in (*named, *groups, (ready.NAMED, 7, daemon.pw_uid), (ready.NAMED_GROUP, 7, daemon.pw_gid)):
            for gid in (0, games.pw_gid):
                listed = rows(mine, *([one] if one[0] == ready.NAMED else []), (ready.GROUP, 0, NOBODY_S),
                              *([one] if one[0] == ready.NAMED_GROUP else []), (ready.MASK, mask, NOBODY_S), others)  # fmt: skip
                kinds.append((daemon.pw_uid, gid, 0o700, listed))
    paths = []
    for number, (uid, gid, mode, listed) in enumerate(kinds):
        paths.append(place.top / f"kind-{number}")
        paths[-1].mkdir()
        os.chown(paths[-1], uid, gid)
        paths[-1].chmod(mode)
        if listed:
            os.setxattr(paths[-1], ready.ACL, listed)
    account = ready.account_of(SERVICE)
    assert account == (games.pw_uid, os.getgrouplist(SERVICE, games.pw_gid))
    argv = ["python3", "-I", "-c", ASKED, *map(str, paths)]
    said = subprocess.run(argv, user=SERVICE, group=SERVICE, extra_groups=account[1], capture_output=True, check=True).stdout
    allowed = [ready.allowed(account, str(path)) for path in paths]
    assert [[bool(one & ready.READ), bool(one & ready.ENTER)] for one in allowed] == json.loads(said)
    assert {ready.allowed((0, [0]), str(path)) for path in paths} == {ready.READ | ready.ENTER}


def test_whose_a_file_is_is_said_by_name_or_by_number(tmp_path: Path) -> None:
    (tmp_path / "x").touch(mode=0o640)
    os.chown(tmp_path / "x", pwd.getpwnam(SERVICE).pw_uid, 0)
    assert ready.said_of(str(tmp_path / "x")) == f"{tmp_path}/x, 0640 of {SERVICE}"
    os.chown(tmp_path / "x", 123_456_789, 0)
    assert ready.said_of(str(tmp_path / "x")) == f"{tmp_path}/x, 0640 of 123456789"
    assert list(ready.above("/opt/one/x")) == ["/opt/one", "/opt", "/"]
    assert list(ready.above("/")) == []
    assert ready.entries(str(tmp_path / "x"), ready.ACL) == ready.entries("/nowhere", ready.ACL) == []


MB = 1 << 20


@pytest.mark.parametrize(
    ("free", "files", "names", "wrong"),
    [
        (64 * MB, 10, 1000, ""),
        (64 * MB - 4096, 10, 1000, "has 63 MB and 1000 files to spare"),
        (65 * MB, 10, 999, "has 65 MB and 999 files to spare"),
        (64 * MB, 0, 0, ""),  # a file system that counts none
        (64 * MB, 1, 0, "has 64 MB and 0 files to spare"),
    ],
)
def test_so_much_room_must_be_there(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    free: int,
    files: int,
    names: int,
    wrong: str,
) -> None:
    disk = SimpleNamespace(f_bavail=free // 4096, f_frsize=4096, f_files=files, f_favail=names)
    monkeypatch.setattr(os, "statvfs", lambda path: disk if path == str(tmp_path) else None)
    if wrong:
        with pytest.raises(SystemExit) as caught:
            ready.made(str(tmp_path))
        assert caught.value.code == 3
        assert capsys.readouterr().err == f"error: No space left on device: '{tmp_path}' {wrong}\n"
        assert list(tmp_path.iterdir()) == []
    else:
        sizes: list[int] = []
        monkeypatch.setattr(os, "fsync", lambda descriptor: sizes.append(os.fstat(descriptor).st_size))
        assert ready.made(str(tmp_path)) == str(tmp_path / f"tmp_obj_voxgate_{os.getpid()}")
        assert sizes == [4096], "room that is promised is none before the disk has taken it"
        assert [path.read_text() for path in tmp_path.iterdir()] == ["x" * 4096]


def test_what_is_checked_out_is_each_file_that_is_there_and_each_folder_on_the_way(place: Place) -> None:
    made = (
        "mkdir -p a/b away/x led empty; touch a/b/c d away/x/y led/z; ln -s d link; git add a d link away led; rm -r d away led; "
        "ln -s empty led; git rm -q --cached pkg/a.py; touch new"
    )
    place.root(f"chown -R root: opt/one; cd opt/one; {made}")
    found = ready.tracked(str(place.folder))
    assert [sorted(each) for each in found] == [
        sorted(f"{place.folder}/{name}" for name in ("a/b/c", "it is.py")),
        sorted([str(place.folder), f"{place.folder}/a", f"{place.folder}/a/b"]),
    ]


def test_where_no_account_runs_it_nobody_has_to_read_it(place: Place) -> None:
    place.root("chmod 640 opt/one/pkg/a.py; chmod 700 opt/one")
    assert place.tried(user="") == (0, "")
    assert place.left() == []
