"""Who gets another's rights without sudo: real programs with bits and capabilities, real sockets."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import struct
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.built import probe

from .conftest import service

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")

GAMES = pwd.getpwnam("games")  # an account that has a group for itself
SHADOW = probe.grp.getgrnam("shadow").gr_gid


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where somebody puts programs; files there give rights."""
    with tempfile.TemporaryDirectory(prefix="voxgate-", dir="/var/lib") as folder:
        Path(folder).chmod(0o755)
        (Path(folder) / "in").mkdir()
        monkeypatch.setattr(probe, "PROGRAM_PLACES", {folder: 1})
        monkeypatch.setattr(probe, "ROOTS_SOCKETS", ())
        monkeypatch.setattr(probe, "PLACES_OF_ROOTS", (folder,))  # this machine may have an engine
        monkeypatch.setattr(probe, "CACHE", f"{folder}/cache")
        yield Path(folder)


def told(folder: Path) -> list[tuple[str, str, str]]:
    """Who may what by whose rights, paths from the folder on."""
    rows = probe.raised([service(folder, user="games")])
    return [(row["user"], row["as"], row["command"].replace(f"{folder}/", "")) for row in rows]


def program(path: Path, mode: int, uid: int = 0, gid: int = 0) -> Path:
    """A shell with these rights."""
    shutil.copy("/bin/true", path)
    os.chown(path, uid, gid)
    path.chmod(mode)
    return path


def able(path: Path, *bits: int, mode: int = 0o755, inherited: bool = False) -> None:
    """A program with these capabilities."""
    words = [sum(1 << bit % 32 for bit in bits if bit // 32 == half) for half in (0, 1)]
    pairs = [(0, word) if inherited else (word, 0) for word in words]
    program(path, mode)
    os.setxattr(path, "security.capability", struct.pack("<5I", 0x02000001, *pairs[0], *pairs[1]))


def listed(path: Path) -> None:
    """A setuid program of root's and root's group that an access list lets one account run."""
    program(path, 0o4700)
    rows = ((1, 7, -1), (2, 5, GAMES.pw_uid), (4, 0, -1), (16, 5, -1), (32, 0, -1))
    os.setxattr(path, "system.posix_acl_access", struct.pack("<I", 2) + b"".join(struct.pack("<HHi", *row) for row in rows))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: program(path, 0o4755), ("everybody", "root", "setuid x")),
        (lambda path: program(path, 0o4711), ("everybody", "root", "setuid x")),
        (lambda path: program(path, 0o4755, GAMES.pw_uid), ("everybody", "games", "setuid x")),
        (lambda path: program(path, 0o2755, 0, SHADOW), ("everybody", "shadow", "setgid x")),
        (lambda path: program(path, 0o2755, 0, GAMES.pw_gid), ("everybody", "games", "setgid x")),
        (lambda path: program(path, 0o4750, 0, GAMES.pw_gid), ("%games", "root", "setuid x")),
        (listed, ("games", "root", "setuid x")),
        (lambda path: able(path, 7), ("everybody", "root", "capability setuid x")),
        (lambda path: able(path, 2, 13), ("everybody", "root", "capability dac_read_search x")),
        (lambda path: able(path, 39), ("everybody", "root", "capability bpf x")),
        (lambda path: able(path, 1, inherited=True), ("everybody", "root", "capability dac_override x")),
    ],
    ids=["root", "run-only", "service", "shadow", "services-group", "by-group", "by-list", "setuid", "read", "bpf", "inherited"],
)
@pytest.mark.parametrize("name", ["x", "in/x"])
def test_a_program_that_gives_rights_is_told(
    place: Path, make: Callable[[Path], object], said: tuple[str, str, str], name: str
) -> None:
    assert told(place) == []
    make(place / name)
    assert told(place) == [(*said[:2], said[2].replace(" x", f" {name}"))]


@pytest.mark.parametrize(
    "make",
    [
        lambda path: program(path, 0o755),
        lambda path: program(path, 0o4700),
        lambda path: program(path, 0o4750),  # root's own group
        lambda path: program(path, 0o4755, pwd.getpwnam("sync").pw_uid),
        lambda path: program(path, 0o2755, 0, pwd.getpwnam("news").pw_gid),
        lambda path: program(path, 0o2745, 0, SHADOW),
        lambda path: able(path, 13, 10),  # of networks alone
        lambda path: path.symlink_to("/usr/bin/passwd"),
        lambda path: (path.mkdir(), path.chmod(0o6777)),
    ],
    ids=["no-bit", "roots-alone", "roots-group", "another", "another-group", "not-by-its-group", "networks", "link", "folder"],
)
def test_what_gives_nobody_more_is_not_told(place: Path, make: Callable[[Path], object]) -> None:
    make(place / "x")
    assert told(place) == []


def test_what_the_root_of_an_accounts_own_namespace_gives_counts_only_there(place: Path) -> None:
    """Any account has such a namespace, and may give its files capabilities there: so no host is red by it."""
    path = place / "in/x"
    program(path, 0o755, GAMES.pw_uid)
    gives = f"import os; os.setxattr({str(path)!r}, 'security.capability', {struct.pack('<5I', 0x02000001, 1 << 7, 0, 0, 0)!r})"
    subprocess.run(["unshare", "-Ur", "/usr/bin/python3", "-I", "-c", gives], user=GAMES.pw_uid, check=True)
    assert len(os.getxattr(path, "security.capability")) == 24
    assert told(place) == []


def test_where_only_root_comes_to_nobody_uses_a_program(place: Path) -> None:
    """As with the copy of a whole disk that a backup makes."""
    program(place / "in/x", 0o4755)
    (place / "in").chmod(0o700)
    assert told(place) == []
    os.chown(place / "in", GAMES.pw_uid, 0)
    assert told(place) == [("everybody", "root", "setuid in/x")]


def test_what_a_distribution_gives_rights_is_not_told_and_its_name_alone_gives_none(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(place / "su", 0o4755)
    assert told(place) == [("everybody", "root", "setuid su")]
    monkeypatch.setattr(probe, "PROGRAM_PLACES", {"/usr/bin": 0})
    monkeypatch.setattr(probe, "SETTLED", -1.0)
    found = {path for path, _ in probe.programs_of_others()}
    assert "/usr/bin/passwd" in found
    assert [command for *_, command in told(place) if command.endswith(("/su", "/passwd", "/mount", "/chsh"))] == []
    monkeypatch.setattr(probe, "vouched_for", lambda _: set())  # what was found is kept
    assert [command for *_, command in told(place) if command.endswith(("/su", "/passwd", "/mount", "/chsh"))] == []


def test_a_program_that_gives_rights_by_rules_of_its_own_is_told(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whom /etc/doas.conf lets be root without a password nobody here asks."""
    monkeypatch.setattr(probe, "vouched_for", lambda paths: paths)
    for name in ("su", "doas"):
        program(place / name, 0o4755)
    assert told(place) == [("everybody", "root", "setuid doas")]


def test_no_place_is_walked_without_an_end(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(20):
        (place / f"{number:02}").mkdir()
        program(place / f"{number:02}/x", 0o4755)
    assert len(told(place)) == 20
    monkeypatch.setattr(probe, "PROGRAM_NAMES", 100)
    assert len(told(place)) < 20


def test_no_account_hides_what_lies_beside_its_own_folder(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three thousand files in its home, and nobody looked into the homes behind that."""
    monkeypatch.setattr(probe, "PROGRAM_PLACES", {str(place): 1})
    monkeypatch.setattr(probe, "PROGRAM_NAMES", 300)
    for number in range(8):
        (place / f"{number}").mkdir()
        program(place / f"{number}/x", 0o4755)
    flood = place / "flood"
    flood.mkdir()
    os.chown(flood, GAMES.pw_uid, 0)
    for number in range(400):
        (flood / f"{number}").touch()
    assert len(told(place)) == 8


def test_what_is_gone_or_hidden_by_its_account_hides_nothing_beside_it(place: Path) -> None:
    """Files come and go there; and on one an account can mount a file system of its own (FUSE), where root may not look."""
    for number in range(20):
        program(place / "in" / f"{number:02}", 0o4755)
    names = [one.name for one in os.scandir(place / "in")]
    looked = probe.programs_of_others()
    assert next(looked)[0] == f"{place}/in/{names[0]}"
    for name in names[1:-1]:
        (place / "in" / name).unlink()
    assert [path for path, _ in looked] == [f"{place}/in/{names[-1]}"]
    assert probe.as_distributed({"/nowhere/su"}, [service(place)]) == set()


def test_who_may_use_an_engine_s_socket_is_told(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = place / "docker.sock"
    monkeypatch.setattr(probe, "ROOTS_SOCKETS", (str(path), str(place / "none")))
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        for mode, gid, who in ((0o600, 0, []), (0o660, 0, []), (0o660, SHADOW, []), (0o660, GAMES.pw_gid, ["games"])):
            os.chown(path, 0, gid)
            path.chmod(mode)
            assert [holder for holder, *_ in told(place)] == who
        path.chmod(0o666)
        assert told(place) == [("everybody", "root", "socket docker.sock")]


def test_who_may_use_an_engine_s_socket_at_another_place_is_told(place: Path) -> None:
    """As that of docker's own containerd, or of k3s: where root alone can have made it. Of any other the engines tell."""
    path = place / "k3s" / "containerd" / "containerd.sock"
    path.parent.mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        path.chmod(0o666)
        assert told(place) == []
        listener.listen()
        assert told(place) == [("everybody", "root", "socket k3s/containerd/containerd.sock")]
        path.chmod(0o600)
        assert told(place) == []
        path.chmod(0o666)
        os.chown(path.parent, GAMES.pw_uid, GAMES.pw_gid)
        assert told(place) == []


def test_an_account_that_has_a_service_s_number_is_that_service(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    people = [*pwd.getpwall(), pwd.struct_passwd(("eve", "x", GAMES.pw_uid, 3000, "", "/", "/bin/sh"))]
    monkeypatch.setattr(probe.pwd, "getpwall", lambda: people)
    assert told(place) == [("eve", "games", f"uid {GAMES.pw_uid}")]


def test_no_folder_that_is_exchanged_makes_a_program_one_of_the_distributions(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever owns the folder shows root a link to the real one for as long as a package is asked; and that would be kept."""
    real = shutil.which("su")
    assert real is not None
    planted, shown = place / "in", place / "shown"
    shown.mkdir()
    (shown / "su").symlink_to(os.path.realpath(real))
    for folder in (planted, shown):
        os.chown(folder, GAMES.pw_uid, GAMES.pw_gid)
    program(planted / "su", 0o4755, GAMES.pw_uid)
    monkeypatch.setattr(probe, "SETTLED", -1.0)
    asked = probe.vouched_for

    def exchanged(paths: set[str]) -> set[str]:
        planted.rename(place / "aside")
        shown.rename(planted)
        try:
            found: set[str] = asked(paths)
            return found
        finally:
            planted.rename(shown)
            (place / "aside").rename(planted)

    with monkeypatch.context() as patch:
        patch.setattr(probe, "vouched_for", exchanged)
        assert told(place) == [("everybody", "games", "setuid in/su")]
    assert told(place) == [("everybody", "games", "setuid in/su")]
