"""What lies in the host's folders is kept between looks, and nothing that is put into one is hidden by that."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.built import probe
from tests.unit.survey.conftest import git, service

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


@pytest.fixture
def host(place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A host with a hundred folders in a depth of two, all of them older than what may still change unseen."""
    top = place / "host"
    for number in range(100):
        (top / f"user-{number // 10}" / f"work-{number}").mkdir(parents=True)
    (place / "kept").mkdir(mode=0o700)
    monkeypatch.setattr(probe, "COPY_ROOTS", (str(top),))
    monkeypatch.setattr(probe, "CACHE", str(place / "kept"))
    monkeypatch.setattr(probe, "KNOWN_FOLDERS", str(place / "kept" / "folders.json"))
    monkeypatch.setattr(probe, "FOLDER_SETTLED", -1.0)
    return top


def copies() -> list[str]:
    """What a look finds, by its path."""
    return [row["path"] for row in probe.copies([])["found"]]


def read_by(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths of the folders that a look reads."""
    read: list[str] = []
    reader = probe.read_in

    def noted(fd: int, found: os.stat_result, path: str, known: Any) -> Any:
        read.append(path)
        return reader(fd, found, path, known)

    with monkeypatch.context() as patch:
        patch.setattr(probe, "read_in", noted)
        assert probe.copies([])["folders"] == 111
    return read


def test_a_folder_that_is_as_it_was_is_not_read_again(host: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(read_by(monkeypatch)) == 111
    above = {f"{host}/user-{number}" for number in range(10)}
    assert set(read_by(monkeypatch)) == above, "they are listed, for how those in them are"
    (host / "user-3" / "work-31" / "notes").touch()
    assert set(read_by(monkeypatch)) - above <= {f"{host}/user-3/work-{one}" for one in range(30, 40)}, "made beside it"


def test_a_known_folder_is_no_other_under_a_packages_name(host: Path, checkout: Path) -> None:
    """Its code tells nothing where it lies; mounted elsewhere by a service's name it is a copy that runs, and is as it was."""
    (checkout / "vox_backend").mkdir()
    (checkout / "vox_backend/__init__.py").touch()
    (host / "user-3/work-31/serve.py").touch()
    (host / "user-3/work-31/deep").mkdir()
    asked = [service(checkout)]
    assert probe.copies(asked)["found"] == []
    second = host / "user-3/vox_backend"
    second.mkdir()
    assert probe.copies(asked)["found"] == []
    subprocess.run(["mount", "--bind", host / "user-3/work-31", second], check=True)
    try:
        assert [row["path"] for row in probe.copies(asked)["found"]] == [str(second)]
    finally:
        subprocess.run(["umount", second], check=True)


@pytest.mark.parametrize("deep", ["", "user-3", "user-3/work-31"])
def test_a_copy_that_is_put_into_a_kept_folder_is_found(host: Path, deep: str) -> None:
    assert copies() == copies() == []
    made = host / deep / "copy"
    was = made.parent.stat()
    made.mkdir()
    git(made, "init", "-q")
    os.utime(made.parent, ns=(was.st_atime_ns, was.st_mtime_ns))  # as old as its owner likes
    assert copies() == [str(made)]
    made.rename(host / "moved")
    assert copies() == [f"{host}/moved"]


def test_a_copy_that_is_moved_into_the_place_of_a_kept_folder_is_found(host: Path, place: Path) -> None:
    git(place, "init", "-q", str(place / "made"))
    os.utime(place / "made", ns=(1, 1))
    assert copies() == []
    (host / "user-3" / "work-31").rename(place / "away")
    (place / "made").rename(host / "user-3" / "work-31")
    assert copies() == [f"{host}/user-3/work-31"]


def test_what_is_kept_is_of_the_folder_that_was_read(host: Path, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody puts another folder into its place for as long as it is read, and takes that away again."""
    git(place, "init", "-q", str(host / "user-3" / "work-31" / "copy"))
    (place / "other" / "work-31").mkdir(parents=True)
    own, empty = host / "user-3", place / "other"
    looked = probe.looked_into

    def taken(path: str, known: Any, accounts: frozenset[int]) -> Any:
        if path != f"{own}/work-31":
            return looked(path, known, accounts)
        own.rename(place / "aside")
        empty.rename(own)
        found = looked(path, known, accounts)
        own.rename(empty)
        (place / "aside").rename(own)
        return found

    with monkeypatch.context() as patch:
        patch.setattr(probe, "looked_into", taken)
        assert copies() == []
    assert Path(probe.KNOWN_FOLDERS).exists()
    assert copies() == [f"{own}/work-31/copy"]


@pytest.mark.parametrize("deep", ["user-3", "user-3/work-31", "user-3/another"])
def test_what_comes_among_folders_that_are_kept_together_is_found(host: Path, deep: str) -> None:
    """A copy's name in one of them, in the one above, or in a new one beside them; and then all is known again."""
    assert copies() == copies() == []
    made = host / deep
    made.mkdir(exist_ok=True)
    (made / "pyproject.toml").write_text('name = "vox"\n')
    assert copies() == copies() == [str(made)]
    (made / "pyproject.toml").unlink()
    assert copies() == []


def test_a_new_folder_beside_many_costs_one_and_not_all(host: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store of recordings has one more with each call."""
    for number in range(2000):
        (host / "user-3" / f"call-{number}").mkdir()
    assert probe.copies([])["folders"] == 2111
    kept = json.loads(Path(probe.KNOWN_FOLDERS).read_text())
    assert len(kept["folders"]) < 50, "no row for each"
    assert len(kept["empty"]) == 10
    for number in range(200):
        (host / "user-3" / f"later-{number}").mkdir()
    read: list[str] = []
    reader = probe.read_in

    def noted(fd: int, found: os.stat_result, path: str, known: Any) -> Any:
        read.append(path)
        return reader(fd, found, path, known)

    monkeypatch.setattr(probe, "read_in", noted)
    assert probe.copies([])["folders"] == 2311
    assert 200 < len(read) < 750
    read.clear()
    assert probe.copies([])["folders"] == 2311
    assert len(read) <= 12, "the one above them is listed each time, and no other"
    for number in range(0, 2000, 5):
        (host / "user-3" / f"call-{number}" / "parts").mkdir()
    assert probe.copies([])["folders"] == probe.copies([])["folders"] == 2711
    read.clear()
    assert probe.copies([])["folders"] == 2711
    assert len(read) <= 12, "also where some of them have folders"


def test_a_host_with_too_many_folders_for_one_look_is_known_after_some(host: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git(host.parent, "init", "-q", str(host / "user-0" / "work-1" / "copy"))
    ended, reader = [], probe.read_in
    for _ in range(20):
        left = iter(range(50))
        monkeypatch.setattr(probe, "read_in", lambda *given, left=left: (next(left, None), reader(*given))[1])
        monkeypatch.setattr(probe.time, "monotonic", lambda left=left: 0.0 if left.__length_hint__() else 1e9)
        try:
            assert copies() == [f"{host}/user-0/work-1/copy"]
            break
        except probe.Trouble as trouble:
            ended.append((trouble.kind, trouble.text))
    else:
        raise AssertionError(ended)
    assert ended
    assert all(kind == "timeout" and "not all of them" in text for kind, text in ended)


def test_a_folder_is_known_soon_after_it_was_made(host: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not after a minute, as a file is, that somebody may have mapped: of a folder the kernel moves the time at once."""
    monkeypatch.undo()
    kept = host.parent / "kept"
    for name, value in (("COPY_ROOTS", (str(host),)), ("CACHE", str(kept)), ("KNOWN_FOLDERS", str(kept / "folders.json"))):
        monkeypatch.setattr(probe, name, value)
    newest = max(row.stat().st_ctime for row in (host, *host.rglob("*")))
    monkeypatch.setattr(probe.time, "time", lambda: newest + 1)
    assert len(read_by(monkeypatch)) == 111
    assert not Path(probe.KNOWN_FOLDERS).exists(), "the kernel's clock may stand for a moment"
    monkeypatch.setattr(probe.time, "time", lambda: newest + 3)
    assert len(read_by(monkeypatch)) == 111
    assert len(read_by(monkeypatch)) == 10


def test_what_is_put_in_while_a_folder_is_read_is_found_however_long_that_takes(
    host: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its time may stay as it was: the clock that files are stamped with stands for a moment. Many names take long to read."""
    monkeypatch.setattr(probe, "FOLDER_SETTLED", 2.0)
    newest = max(row.stat().st_ctime for row in (host, *host.rglob("*")))
    moment, reader = [newest + 0.001], probe.os.scandir

    def slow(fd: int) -> Any:
        moment[0] = newest + 5
        return reader(fd)

    looked = probe.looked_into

    def each(*asked: Any) -> Any:
        moment[0] = newest + 0.001
        return looked(*asked)

    with monkeypatch.context() as patch:
        patch.setattr(probe.time, "time", lambda: moment[0])
        patch.setattr(probe.os, "scandir", slow)
        patch.setattr(probe, "looked_into", each)
        assert copies() == []
    assert not Path(probe.KNOWN_FOLDERS).exists()


@pytest.mark.parametrize("why", ["of late", "a file system that says what it likes", "few", "not root's own"])
def test_what_could_change_unseen_is_not_kept(host: Path, why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if why == "of late":
        monkeypatch.setattr(probe, "FOLDER_SETTLED", 60.0)
    elif why == "few":
        monkeypatch.setattr(probe, "NEW_AT_LEAST", 200)
    elif why == "not root's own":
        Path(probe.CACHE).chmod(0o777)
    else:
        monkeypatch.setattr(probe, "TIMED", {"fuse"})
    assert copies() == []
    assert not Path(probe.KNOWN_FOLDERS).exists()
    assert len(read_by(monkeypatch)) == 111


def test_what_is_kept_is_pruned_by_nobody_and_is_root_s(host: Path) -> None:
    copies()
    probe.prune()
    assert oct(Path(probe.KNOWN_FOLDERS).stat().st_mode & 0o777) == "0o600"
