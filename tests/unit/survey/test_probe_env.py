"""Whoever could have written a ``.env`` learns by it nothing that he may not read: root answers no guess."""

from __future__ import annotations

import ctypes
import mmap
import os
import pwd
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.built import probe
from tests.running import held_shut

from .conftest import CANARY, env_of, probed, service

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
DEPLOY, VOX = pwd.getpwnam("daemon"), pwd.getpwnam("games")  # two accounts that are on each host
ROOT, NOBODY = pwd.getpwnam("root"), pwd.getpwnam("nobody")
GUESS = f"G_0='JWT_SECRET=\"{CANARY[:4]}'\nG_1='JWT_SECRET=\"{CANARY[:5]}'\n"


@pytest.fixture(autouse=True)
def _asked_by_deploy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUDO_UID", str(DEPLOY.pw_uid))


@pytest.fixture
def folder(place: Path) -> Path:
    """A service's folder as it is on a host: deploy's, with a ``.env`` of the service's account."""
    folder = place / "vox-agents"
    folder.mkdir()
    written(folder / ".env", f'JWT_SECRET="{CANARY}"\n', VOX)
    os.chown(folder, DEPLOY.pw_uid, DEPLOY.pw_gid)
    return folder


def written(path: Path, text: str, owner: pwd.struct_passwd, mode: int = 0o600) -> None:
    """A file of somebody's."""
    path.write_text(text)
    path.chmod(mode)
    os.chown(path, owner.pw_uid, owner.pw_gid)


def leaks(folder: Path, *others: probe.Service, spoken: Callable[[], dict[str, Any]] = dict, **changes: Any) -> list[list[str]]:
    """What is found of the values of this folder's ``.env``."""
    jobs = [probe.Job(list), probe.Job(dict), probe.Job(spoken)]
    found: list[list[str]] = probe.leaks(service(folder, **changes), list(others), *jobs)["found"]
    return found


def test_no_guess_is_confirmed_of_a_file_that_the_guesser_may_not_read(folder: Path, place: Path) -> None:
    """Deploy moves the service's ``.env`` aside, and puts guesses at its letters in its place."""
    (folder / ".env").rename(folder / "x")
    written(folder / ".env", GUESS, DEPLOY)
    logs = folder / "logs"
    logs.mkdir()
    written(logs / "calls", GUESS, VOX, 0o644)
    os.chown(logs, VOX.pw_uid, VOX.pw_gid)
    logs.chmod(0o700)
    kept = folder / "kept"
    kept.mkdir()
    written(kept / "calls", GUESS, VOX, 0o644)
    kept.chmod(0o744)  # its names can be read, and what they are cannot
    site = place / "vox-frontend"
    (site / "builds/one").mkdir(parents=True)
    written(site / "builds/one/hidden", GUESS, VOX, 0o640)
    assert leaks(folder, service(site, name="console", kind="static")) == []


PRIVATE = """-----BEGIN PRIVATE KEY-----
q83vEjRWeJq7zN3uASNFZ4mrze8BI0VniavN7wEjRWc=
ab3Dx_=1
deadbeef01deadbeef=JBSWY3DPEHPK3PXP==
JBSWY3DPEHPK3PXP=changeme-not
VOX_API_KEY_2=0123-secret-4567
http_proxy=
OAUTH2=x
"""


def test_no_row_of_a_file_that_he_may_not_read_is_told_as_a_name(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Deploy moves a private file of another account's into the place of ``.env``: the last row of a key ends with ``=`` too."""
    written(folder / ".env", PRIVATE, VOX)
    plain = {"VOX_API_KEY_2", "http_proxy", "OAUTH2"}
    fact = probe.env_file(service(folder))
    assert set(fact["keys"]) == plain | {probe.NO_NAME}
    found = probe.leaks(service(folder), [], probe.Job(list), probe.Job(dict), probe.Job(dict))
    assert set(found["compared"]) <= plain | {probe.NO_NAME}
    monkeypatch.setenv("SUDO_UID", str(VOX.pw_uid))
    assert len(probe.env_file(service(folder))["keys"]) == 7


def test_the_names_of_ordinary_settings_are_told(folder: Path) -> None:
    names = {
        *("LIVEKIT_API_SECRET", "S3_BUCKET", "A", "AWS_S3_2FA_KEY_V2", "UVICORN__PORT", "_X", "no_proxy", "TZ", "PYTHONOPTIMIZE"),
        *("DATABASE_URL_2024", "apiBaseUrl", "MAX_4XX", "VOXCORE_MAX_CONCURRENT_CALLS_PER_TENANT"),
    }
    written(folder / ".env", "".join(f"{name}=1\n" for name in sorted(names)), VOX)
    assert set(probe.env_file(service(folder))["keys"]) == names


def test_no_guess_of_the_group_root_is_confirmed(folder: Path) -> None:
    """The groups that root has are not those of who asks."""
    (folder / ".env").rename(folder / "x")
    os.chown(folder / "x", 0, 0)
    (folder / "x").chmod(0o640)
    written(folder / ".env", GUESS, DEPLOY)
    assert leaks(folder) == []


def test_a_secret_in_a_file_that_can_be_read_is_found(folder: Path, place: Path) -> None:
    written(folder / "notes.txt", f"it is {CANARY}\n", DEPLOY)
    site = place / "vox-frontend"
    (site / "builds/one").mkdir(parents=True)
    written(site / "builds/one/main.js", CANARY, VOX, 0o644)
    found = leaks(folder, service(site, name="console", kind="static"))
    assert found == [["JWT_SECRET", f"{site}/builds/one/main.js"], ["JWT_SECRET", "notes.txt"]]


@pytest.fixture
def public(place: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place where people put copies, which everybody may look into; the service's folder lies in it."""
    monkeypatch.setattr(probe, "OPEN_PLACES", (str(place),))
    monkeypatch.setattr(probe, "CACHE", str(place / "cache"))
    monkeypatch.setattr(probe, "SETTLED", -1.0)
    (place / "backups/old").mkdir(parents=True)
    written(folder / "app.log", "nothing\n", DEPLOY, 0o644)
    return place / "backups"


def copied(folder: Path, spoken: Callable[[], dict[str, Any]] = dict) -> list[str]:
    """Where secrets of its ``.env`` stand in files that others may read."""
    own = service(folder, user=VOX.pw_name, owner=DEPLOY.pw_name)
    jobs = [probe.Job(list), probe.Job(dict), probe.Job(spoken), probe.Job(lambda: probe.open_files([own]))]
    return [where for key, where in probe.leaks(own, [], *jobs)["found"] if key == "JWT_SECRET"]


@pytest.mark.parametrize("name", ["vox.env", "old/settings.bak", "old/.x"])
def test_a_copy_of_the_settings_that_everybody_may_read_is_found(folder: Path, public: Path, name: str) -> None:
    assert copied(folder) == []
    written(public / name, (folder / ".env").read_text(), VOX, 0o644)
    for _ in range(2):  # it is not forgotten
        assert copied(folder) == [str(public / name)]


def test_settings_that_are_packed_or_quoted_with_others_are_found_and_new_ones_too(folder: Path, public: Path) -> None:
    written(public / "a", f"export JWT={CANARY}; x\0\n", VOX, 0o604)
    assert copied(folder) == [str(public / "a")]
    written(public / "a", "export JWT=other\n", VOX, 0o644)
    written(public / "b", "0123-another-4567\n", VOX, 0o644)
    assert copied(folder) == []
    written(folder / ".env", 'JWT_SECRET="0123-another-4567"\n', VOX)  # what was searched for others is searched for these
    assert copied(folder) == [str(public / "b")]


def test_a_copy_that_not_everybody_may_read_is_nobodys(folder: Path, public: Path) -> None:
    written(public / "mine", CANARY, VOX)
    written(public / "group", CANARY, VOX, 0o640)
    written(public / "old/shut", CANARY, VOX, 0o644)
    (public / "old").chmod(0o700)
    (public / "link").symlink_to("mine")
    os.mkfifo(public / "pipe", 0o666)
    written(public / "large", CANARY + "x" * probe.OPEN_SIZE, VOX, 0o644)
    assert copied(folder) == []


def test_no_copy_of_the_settings_is_hidden_by_a_lease(folder: Path, public: Path) -> None:
    written(public / "a", CANARY, VOX, 0o644)
    with held_shut(public / "a", uid=VOX.pw_uid):
        assert "error" in probe.guarded(lambda: copied(folder))


@pytest.mark.parametrize("by", ["group", "list", "a folder's group"])
def test_a_copy_that_some_may_read_is_found_but_for_who_could_guess(folder: Path, public: Path, by: str) -> None:
    """Who asks may be none of these: so it is searched for what root or the service's account wrote alone."""
    path = public / "old/settings.bak"
    written(path, CANARY, ROOT, 0o600)
    if by == "list":
        rows = [(1, 6, -1), (2, 4, NOBODY.pw_uid), (4, 0, -1), (16, 4, -1), (32, 0, -1)]
        os.setxattr(path, probe.ACL, struct.pack("<I", 2) + b"".join(struct.pack("<HHi", *row) for row in rows))
    else:
        os.chown(path, 0, BUILD.pw_gid)
        path.chmod(0o640)
    if by == "a folder's group":
        os.chown(public / "old", 0, BUILD.pw_gid)
        (public / "old").chmod(0o750)
    assert copied(folder, lambda: started(600, folder)) == [str(path)]
    os.chown(folder / ".env", DEPLOY.pw_uid, DEPLOY.pw_gid)
    assert copied(folder, lambda: started(600, folder)) == []


def test_what_is_known_to_hold_no_secret_is_not_read_again(folder: Path, public: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(public / "a", "x\n", VOX, 0o644)
    read: list[str] = []
    taken = probe.taken

    def noted(file: Any, at_most: int, path: str) -> Any:
        read.append(path)
        return taken(file, at_most, path)

    monkeypatch.setattr(probe, "taken", noted)
    for _ in range(2):
        assert copied(folder) == []
    assert read.count(str(public / "a")) == 1


@pytest.mark.parametrize("by", ["a mapping", "a folder that is exchanged"])
def test_nothing_that_can_change_without_a_sign_is_known_to_hold_no_secret(
    folder: Path, public: Path, by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who mapped a file in memory writes to it and moves no time; who exchanges folders has another file read than was listed."""
    place = Path(tempfile.mkdtemp(dir="/dev/shm")) if by == "a mapping" else public / "mine"
    monkeypatch.setattr(probe, "OPEN_PLACES", (str(place),))
    place.mkdir(exist_ok=True)
    place.chmod(0o755)
    copy, text = place / "notes", CANARY if by != "a mapping" else "x" * len(CANARY)
    written(copy, text, VOX, 0o644)
    try:
        if by == "a mapping":
            with copy.open("r+b") as file, mmap.mmap(file.fileno(), 0) as mapped:
                mapped[0] = ord("x")
                was = copy.stat()
                assert copied(folder) == []
                mapped[:] = CANARY.encode()
                now = copy.stat()
                assert (now.st_mtime_ns, now.st_ctime_ns) == (was.st_mtime_ns, was.st_ctime_ns)
        else:
            (public / "other").mkdir()
            (public / "other").chmod(0o755)
            written(public / "other/notes", "x" * len(CANARY), VOX, 0o644)
            listed = probe.open_files

            def exchanged(services: list[Any]) -> Any:
                found = listed(services)
                place.rename(public / "aside")
                (public / "other").rename(place)
                return found

            with monkeypatch.context() as patch:
                patch.setattr(probe, "open_files", exchanged)
                assert copied(folder) == []
            place.rename(public / "other")
            (public / "aside").rename(place)
        assert copied(folder) == [str(copy)]
    finally:
        if by == "a mapping":
            shutil.rmtree(place)


def test_no_place_is_searched_without_an_end(folder: Path, public: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(30):
        (public / f"{number:02}").mkdir()
        written(public / f"{number:02}" / "x", "x", VOX, 0o644)
    rows = probe.open_files([service(folder)])
    assert sum(one.path.endswith("/x") for one in rows) == 30
    monkeypatch.setattr(probe, "OPEN_NAMES", 250)
    assert 0 < len(probe.open_files([service(folder)])) < 30


def test_no_account_hides_a_copy_by_the_names_in_its_own_folder(public: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = public / "place"
    monkeypatch.setattr(probe, "OPEN_NAMES", 300)
    for number in range(8):
        (place / f"{number}").mkdir(parents=True)
        written(place / f"{number}" / "x", "x", VOX, 0o644)
    (place / "flood").mkdir()
    os.chown(place / "flood", VOX.pw_uid, 0)
    for number in range(400):
        (place / f"flood/{number}").touch()
    assert len([one for one in probe.in_place(str(place), set(), set()) if one.path.endswith("/x")]) == 8


def test_a_file_that_is_gone_hides_no_copy_beside_it(public: Path) -> None:
    """Files come and go in such places; one can also be where not even root may look (FUSE)."""
    place = public / "place"
    place.mkdir()
    for number in range(20):
        written(place / f"{number:02}", "x", VOX, 0o644)
    names = [one.name for one in os.scandir(place)]
    looked = probe.in_place(str(place), set(), set())
    assert next(looked).path == str(place / names[0])
    for name in names[1:-1]:
        (place / name).unlink()
    assert [one.path for one in looked] == [str(place / names[-1])]


def test_the_rights_of_who_asks_end_with_the_question(folder: Path) -> None:
    secret = folder / ".env"

    def seen() -> list[str]:
        lines = Path("/proc/thread-self/status").read_text().splitlines()
        return [line.split()[-1] for line in lines if line.startswith(("Uid:", "Gid:", "Groups:"))]

    before = seen()
    assert probe.as_caller(seen) == [str(DEPLOY.pw_uid), *[str(DEPLOY.pw_gid)] * 2]
    with pytest.raises(probe.Trouble, match="Permission denied"):
        probe.as_caller(secret.read_text)
    assert secret.read_text()
    assert seen() == before


@contextmanager
def swapping(one: Path, other: Path) -> Iterator[Callable[[], None]]:
    """Two files change their names all the time, at once (RENAME_EXCHANGE). Gives what waits until it was done once more."""
    kernel, stop, done = ctypes.CDLL(None, use_errno=True), threading.Event(), threading.Condition()

    def swap() -> None:
        while not stop.wait(0.005):
            with done:
                assert kernel.renameat2(-100, os.fsencode(one), -100, os.fsencode(other), 2) == 0
                done.notify_all()

    def swapped() -> None:
        with done:
            assert done.wait(5)

    swapper = threading.Thread(target=swap)
    swapper.start()
    try:
        yield swapped
    finally:
        stop.set()
        swapper.join()


JOURNALCTL = """#!/bin/sh
since=0
for word; do case $word in --since=@*) since=${word#--since=@} ;; esac done
case "$*" in
*--unit=voxcore@3.service) ;;
*) [ "${since%.*}" -gt "$(stat -c %Y "$0.says")" ] || cat "$0.says" ;;
esac
"""


@pytest.fixture
def said(place: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, float], None]:
    """Puts a text into the journal, of so many seconds ago; a unit voxcore@3 never wrote any."""
    monkeypatch.setattr(probe, "CACHE", str(place / "cache"))
    monkeypatch.setattr(probe, "PATH", f"{place}:{probe.PATH}")
    program, text_of = place / "journalctl", place / "journalctl.says"
    program.write_text(JOURNALCTL)
    program.chmod(0o755)

    def says(text: str, ago: float) -> None:
        text_of.write_text(text)
        os.utime(text_of, (time.time() - ago,) * 2)

    return says


def started(ago: float, folder: Path, *names: str) -> dict[str, Any]:
    """What systemd says of the service's own units that were started so many seconds ago, in a folder."""
    at = str(int((time.monotonic() - ago) * 1e6))
    row = {"ExecMainStartTimestampMonotonic": at, "InvocationID": "a" * 32, "WorkingDirectory": str(folder), "User": VOX.pw_name}
    return {name: {"properties": row} for name in names or ("voxbridge.service",)}


BUILD = pwd.getpwnam("bin")  # an account that runs what it is given, and lets others move what it wrote
SSHD = {"properties": {"WorkingDirectory": "/", "User": BUILD.pw_name, "EnvironmentFiles": "/etc/x/.env (ignore_errors=no)"}}


@pytest.mark.parametrize(
    ("owner", "properties", "searched"),
    [
        (VOX, {"User": "games", "WorkingDirectory": "{folder}"}, None),
        (VOX, {"User": str(VOX.pw_uid), "ExecStart": "{{ path={folder}/.venv/bin/python ; argv[]=x ; }}"}, None),
        (VOX, {"User": "games", "EnvironmentFiles": "/x/y (ignore_errors=no)\n{folder}/.env (ignore_errors=yes)"}, None),
        (ROOT, {"User": "games", "WorkingDirectory": "{folder}"}, None),
        (ROOT, {}, None),
        (BUILD, {"User": "games", "WorkingDirectory": "{folder}"}, ["--unit=voxbridge.service"]),
        (BUILD, {"WorkingDirectory": "{folder}"}, ["--unit=voxbridge.service"]),
        (NOBODY, {"User": "nobody", "WorkingDirectory": "{folder}"}, ["--unit=voxbridge.service"]),
        (NOBODY, {"User": "gone-since", "WorkingDirectory": "{folder}"}, ["--unit=voxbridge.service"]),
        (DEPLOY, {"User": "daemon", "WorkingDirectory": "{folder}"}, ["--unit=voxbridge.service"]),
        (VOX, {"User": "games", "WorkingDirectory": "/", "EnvironmentFiles": "{folder}/.env2 (ignore_errors=no)"}, []),
    ],
)
def test_whoever_writes_env_himself_learns_nothing_of_the_journal(
    folder: Path, owner: pwd.struct_passwd, properties: dict[str, str], searched: list[str] | None
) -> None:
    """Nor who has another account write it and moves it here: the journal is searched for root's words and the service's."""
    written(folder / ".env", "A=Accepted publickey\n", owner)
    shown = {key: value.format(folder=folder) for key, value in properties.items()}
    asked = service(folder, units=["voxbridge.service", "ssh.service"])
    units = {"voxbridge.service": {"properties": shown}, "ssh.service": SSHD}
    assert probe.guesses(asked, env_of(folder), units) == searched


def test_who_is_root_himself_has_all_of_the_journal_searched(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SUDO_UID")
    for owner in (ROOT, DEPLOY):
        written(folder / ".env", "A=Accepted publickey\n", owner)
        assert probe.guesses(service(folder), env_of(folder), {}) is None


def test_a_guess_that_a_build_wrote_is_not_confirmed(folder: Path, said: Callable[[str, float], None]) -> None:
    """Deploy moves what another account wrote for it into the place of ``.env``."""
    said("vault unseal token=Qx7rT9z-hidden-1\n", 100)
    (folder / ".env").rename(folder / "aside")
    written(folder / ".env", 'K_TOKEN="token=Qx7r"\n', BUILD)
    build = {"properties": {"User": BUILD.pw_name, "ExecStart": "{ path=/usr/local/libexec/voxgate-build ; argv[]=x ; }"}}
    names = ["voxcore@3.service", "voxgate-build@vox-agents.service"]
    spoken = {**started(3600, folder, names[0]), names[1]: build}
    assert leaks(folder, spoken=lambda: spoken, units=names) == []
    (folder / "aside").replace(folder / ".env")
    said(f"connecting with {CANARY}\n", 100)
    assert leaks(folder, spoken=lambda: spoken, units=names) == [["JWT_SECRET", "the journal since its start"]]


def test_no_file_takes_the_place_of_the_one_that_was_read(folder: Path, place: Path, said: Callable[[str, float], None]) -> None:
    """Deploy swaps its own ``.env`` for the service's while it is looked at: its values with the other's owner are nobody's."""
    said("the guess 482914-x in the journal\n", 100)
    written(place / "mine", "GUESS_SECRET=482914-x\n", DEPLOY)
    with swapping(folder / ".env", place / "mine") as swapped:

        def units() -> dict[str, Any]:
            swapped()
            return started(3600, folder, "voxcore@3.service")

        for _ in range(40):
            assert leaks(folder, spoken=units, units=["voxcore@3.service"]) == []


def with_list(path: Path) -> None:
    """Give deploy the right to write by an access list."""
    rows = [(1, 6, -1), (2, 6, DEPLOY.pw_uid), (4, 0, -1), (16, 6, -1), (32, 0, -1)]
    entries = b"".join(struct.pack("<HHI", tag, rights, who & 0xFFFFFFFF) for tag, rights, who in rows)
    os.setxattr(path, "system.posix_acl_access", struct.pack("<I", 2) + entries)


@pytest.mark.parametrize(
    ("change", "could"),
    [
        (lambda _: None, False),
        (lambda path: os.chown(path, DEPLOY.pw_uid, -1), True),
        (lambda path: path.chmod(0o660), True),
        (lambda path: path.chmod(0o606), True),
        (with_list, True),
        (lambda path: path.with_name("other").hardlink_to(path), True),
        (lambda path: path.chmod(0o640), False),
    ],
    ids=["nobody", "owner", "group", "others", "access-list", "another-name", "read-only"],
)
def test_who_could_have_written_it(folder: Path, change: Callable[[Path], None], could: bool) -> None:  # noqa: FBT001
    change(folder / ".env")
    assert env_of(folder).written_by(DEPLOY.pw_uid) is could


def test_what_was_searched_for_a_later_start_hides_nothing_before_it(folder: Path, said: Callable[[str, float], None]) -> None:
    """Deploy restarts one worker and asks for it alone; the secret in the journal is older."""
    said(f"connecting with {CANARY}\n", 1800)
    assert leaks(folder, spoken=lambda: started(600, folder)) == []
    assert leaks(folder, spoken=lambda: started(3600, folder)) == [["JWT_SECRET", "the journal since its start"]]


def test_what_was_searched_of_some_units_is_not_what_others_wrote(folder: Path, said: Callable[[str, float], None]) -> None:
    """Of a ``.env`` that deploy could write its own units' journal is searched, and each unit's is another one."""
    (folder / ".env").chmod(0o660)
    said(f"connecting with {CANARY}\n", 1800)
    names = ["voxcore@3.service", "voxcore@1.service"]

    def units() -> dict[str, Any]:
        return started(3600, folder, *names)

    found = [leaks(folder, spoken=units, units=names[:1]), leaks(folder, spoken=units, units=names)]
    assert found == [[], [["JWT_SECRET", "the journal since its start"]]]


def test_a_gap_in_what_was_searched_is_searched(folder: Path, said: Callable[[str, float], None]) -> None:
    """What was noted before all units were started anew is of no use for an earlier start."""
    said("nothing\n", 0)
    note, now = probe.HashCache("journal", service(folder)), time.time()
    note.seen = {"searched": [*env_of(folder).mark(), "all", now - 9000, now - 7200]}
    note.keep()
    assert leaks(folder, spoken=lambda: started(600, folder)) == []
    said(f"connecting with {CANARY}\n", 1800)
    assert leaks(folder, spoken=lambda: started(3600, folder)) == [["JWT_SECRET", "the journal since its start"]]


def shown(folder: Path, *words: str) -> list[str]:
    """The words of a process as root shows them to deploy."""
    found: list[str] = probe.Cutter(probe.secrets([service(folder)], "")).clean({"argv": list(words)})["argv"]
    return found


def test_no_path_is_confirmed_that_the_guesser_may_not_see(folder: Path, place: Path) -> None:
    hidden = place / "priv"
    hidden.mkdir(mode=0o700)
    for path in (hidden / "Notes-x9Z", folder / "Notes-x9Z"):
        path.touch()
    (hidden / "open").mkdir(mode=0o755)
    (folder / "way").symlink_to(hidden)
    paths = [f"{hidden}/Notes-x9Z", f"{hidden}/Nothere-x9Z", "/usr/bin/env"]
    inside = ["way/Notes-x9Z", "way/Nothere-x9Z", "./Notes-x9Z"]
    lines = [f"A{at}_SECRET={path}" for at, path in enumerate(paths)] + [f"B{at}={path}" for at, path in enumerate(inside)]
    written(folder / ".env", "\n".join(lines), DEPLOY)
    assert shown(folder, *paths, *inside) == ["[cut]", "[cut]", "/usr/bin/env", "[cut]", "[cut]", "./Notes-x9Z"]


def test_what_root_holds_open_is_no_way_to_a_path(folder: Path, place: Path) -> None:
    (place / "priv").mkdir(mode=0o700)
    (place / "priv/open").mkdir(mode=0o755)
    (place / "priv/open/Notes-x9Z").touch()
    with probe.Folder(str(place / "priv/open")) as held:
        path = f"/proc/self/fd/{held.fd}/Notes-x9Z"
        written(folder / ".env", f"A_SECRET={path}\n", DEPLOY)
        assert Path(path).exists()
        assert probe.secrets([service(folder)], "") == [path]


def test_a_whole_look_takes_the_rights_of_who_asks(folder: Path, place: Path) -> None:
    (place / "priv").mkdir(mode=0o700)
    (place / "priv/Notes-x9Z").touch()
    written(folder / ".env", f"A_SECRET={place}/priv/Notes-x9Z\n", DEPLOY)
    with subprocess.Popen([sys.executable, "-c", "input()", f"{place}/priv/Notes-x9Z"], stdin=subprocess.PIPE) as child:
        document = probed([service(folder)])
        child.communicate(b"\n")
    row = next(row for row in document["sections"]["processes"]["value"] if row["pid"] == child.pid)
    assert row["argv"][3:] == ["[cut]"]


@pytest.mark.parametrize("made", ["link", "folder"])
def test_no_value_behind_a_link_is_confirmed_that_the_guesser_may_not_read(folder: Path, place: Path, made: str) -> None:
    hidden = place / "priv"
    hidden.mkdir(mode=0o700)
    written(hidden / ".env", "PIN_CODE=482914\n", VOX, 0o644)
    if made == "link":
        (folder / ".env").unlink()
        (folder / ".env").symlink_to(hidden / ".env")
    else:
        (folder / ".env").unlink()
        folder.rmdir()
        folder.symlink_to(hidden)
    assert shown(folder, "482913", "482914", "482915") == ["482913", "482914", "482915"]
    hidden.chmod(0o755)  # who may read it learns nothing by it
    assert shown(folder, "482913", "482914", "482915") == ["482913", "[cut]", "482915"]


def test_no_line_of_a_secret_leaves_its_host(tmp_path: Path) -> None:
    """A journal has a private key line by line, whether its ends of lines stand in ``.env`` or are written there."""
    first, second = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC", "VJTUt9Us8cKjMzEfYfjiWA4R4+M2bS1G"
    for ends in ("\n", "\\\\n"):
        text = ends.join(["-----BEGIN PRIVATE KEY-----", first, second, "-----END PRIVATE KEY-----"])
        (tmp_path / ".env").write_text(f'SIP_PEM="{text}"\nGREETING="hello\nall of you"\n')
        cutter = probe.Cutter(probe.secrets([service(tmp_path)], ""))
        told = cutter.clean({"journal": [f"Nov 1 x[7]: {first}", f"{second} ended", "all of you"]})["journal"]
        assert told == ["Nov 1 x[7]: [cut]", "[cut] ended", "all of you"]


def digits(folder: Path, text: str, *required: str) -> dict[str, str]:
    """What is told of the values of an ``.env``, by name."""
    written(folder / ".env", text, VOX)
    rows = probe.env_file(service(folder, required_settings=list(required)))["digits"]
    return {name: found for found, _, name in (row.partition(" ") for row in rows)}


def test_a_value_is_told_from_another_by_three_digits_alone(folder: Path) -> None:
    names = ("JWT_SECRET", "PIN", "MONGODB_URI", "TICK", "TRUNK")
    text = f"JWT_SECRET={CANARY}-and-more\nPIN=1234\nMONGODB_URI=mongodb://u:{CANARY}@H:1/vox?x\nTICK=1\nTRUNK=a\nMODEL=x\n"
    found = digits(folder, text, *names)
    assert set(found) == {"JWT_SECRET", "MONGODB_URI", "MONGODB_URI/", "TICK", "TRUNK"}  # a short secret could be guessed by it
    assert {len(one) for one in found.values()} == {3}
    same = text.replace(f"u:{CANARY}@H:1/vox?x", "another@h:1/vox/").replace("TICK=1", "TICK='1.0'")
    assert digits(folder, same, *names) == found
    other = text.replace("/vox?x", "/other").replace("TRUNK=a", "TRUNK=b")
    changed = {name for name, one in digits(folder, other, *names).items() if one != found[name]}
    assert changed == {"MONGODB_URI", "MONGODB_URI/", "TRUNK"}


def test_of_an_address_with_an_unquoted_password_no_part_stands_alone(folder: Path) -> None:
    assert "MONGODB_URI/" not in digits(folder, f"MONGODB_URI=mongodb://u:a/{CANARY}@h/vox\n", "MONGODB_URI")


def test_who_may_read_it_by_a_group_or_a_list_is_told(folder: Path) -> None:
    env, games = folder / ".env", pwd.getpwnam("games")
    written(env, "A=1\n", VOX)

    def readers() -> list[str]:
        found: list[str] = probe.env_file(service(folder))["readers"]
        return found

    assert readers() == []
    os.chown(env, NOBODY.pw_uid, games.pw_gid)
    env.chmod(0o640)
    assert readers() == ["games"]
    env.chmod(0o600)
    assert readers() == []
    rows = [(1, 6, -1), (2, 4, DEPLOY.pw_uid), (4, 0, -1), (8, 4, games.pw_gid), (16, 4, -1), (32, 0, -1)]
    listed = struct.pack("<I", 2) + b"".join(struct.pack("<HHi", *row) for row in rows)
    os.setxattr(env, "system.posix_acl_access", listed)
    assert readers() == [DEPLOY.pw_name, "games"]
    env.chmod(0o600)  # takes the list's rights away, as the hint says
    assert readers() == []
