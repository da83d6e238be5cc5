"""What is kept of a file between looks is kept only of a file that cannot change without a sign."""

from __future__ import annotations

import mmap
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from tests.built import probe
from tests.late import writing_late
from tests.running import STRANGER

from .conftest import service

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root keeps any")


def hash_now(folder: Path, uid: int = 0) -> str:
    """The hash of ``module.py``, by a look of its own, read with the rights of an account."""
    cache = probe.HashCache("packages", service(folder))
    with probe.Folder(str(folder)) as held, probe.seeing_as(uid):
        digest: str = cache.digest(held, "module.py", "module.py", (folder / "module.py").stat())
    cache.keep()
    return digest


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one module, which was hashed once."""
    monkeypatch.setattr(probe, "CACHE", str(tmp_path / "cache"))
    (tmp_path / "vox-one").mkdir()
    return tmp_path / "vox-one"


def test_who_mapped_a_file_changes_none_that_is_kept(folder: Path) -> None:
    """He writes to a page that he has written to before, and that is not on the disk yet: no time of the file tells of it."""
    with (folder / "module.py").open("w+b") as file:
        file.write(b"good" * 1024)
        file.flush()
        with mmap.mmap(file.fileno(), 4096) as mapped:
            mapped[0] = ord("g")
            made = os.fstat(file.fileno()).st_ctime
            while time.time() - made <= 2.5:  # longer than the clock is coarse by which files are stamped
                time.sleep(0.05)
            before = hash_now(folder)
            mapped[0:4] = b"evil"
            assert hash_now(folder) != before


def test_a_write_that_comes_late_changes_nothing_that_is_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel moves the file's times when it begins, and what is to be written comes when its writer likes."""
    module = folder / "module.py"
    module.write_bytes(b"good" * 1024)
    os.chown(module, STRANGER, STRANGER)
    monkeypatch.setattr(probe, "SETTLED", -1.0)
    with writing_late(module, b"evil" * 1024) as come:
        before, found = hash_now(folder), module.stat()
        come()
        now = module.stat()
        assert module.read_bytes() == b"evil" * 1024
        assert (now.st_mtime_ns, now.st_ctime_ns, now.st_size) == (found.st_mtime_ns, found.st_ctime_ns, found.st_size)
        assert hash_now(folder) != before


def test_how_long_a_file_is_read_makes_it_no_settled_one(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes within the tick of its time, behind what was read already, moves none; its owner may have the host busy then."""
    module = folder / "module.py"
    module.write_bytes(b"good")
    moment, reader = [module.stat().st_ctime + 1], probe.fingerprint_of

    def slow(file: IO[bytes], algorithm: str) -> object:
        moment[0] += 2 * probe.SETTLED
        return reader(file, algorithm)

    monkeypatch.setattr(probe.time, "time", lambda: moment[0])
    with monkeypatch.context() as patch:
        patch.setattr(probe, "fingerprint_of", slow)
        first = hash_now(folder)
    monkeypatch.setattr(probe, "fingerprint_of", lambda *_: (0, "00"))
    assert hash_now(folder) != first


def test_of_who_asks_another_account_s_file_is_kept_as_well(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether somebody writes to it is asked with root's rights, and what nobody writes to is read once."""
    module = folder / "module.py"
    module.write_bytes(b"good")
    os.chown(module, STRANGER - 1, STRANGER - 1)
    module.chmod(0o644)
    for place in (folder, *folder.parents):
        place.chmod(place.stat().st_mode | 0o055)
    monkeypatch.setattr(probe, "SETTLED", -1.0)
    first = hash_now(folder, STRANGER)
    with monkeypatch.context() as again:
        again.setattr(probe, "fingerprint_of", lambda *_: (0, "nobody reads it again"))
        assert hash_now(folder, STRANGER) == first
    module.write_bytes(b"evil")
    with module.open("r+b"):
        other = hash_now(folder, STRANGER)
    monkeypatch.setattr(probe, "fingerprint_of", lambda *_: (0, "00"))
    assert hash_now(folder, STRANGER) not in {first, other}


def test_what_is_old_is_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "module.py").write_bytes(b"good")
    monkeypatch.setattr(probe, "SETTLED", -1.0)
    first = hash_now(folder)
    monkeypatch.setattr(probe, "fingerprint_of", lambda *_: (0, "nobody reads it again"))
    assert hash_now(folder) == first


@pytest.fixture
def swapping(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The file system of that folder counts as one on which two files exchange what stands in them, as XFS is."""
    rows = [line.partition(" - ")[::2] for line in Path("/proc/self/mountinfo").read_text("utf-8").splitlines()]
    device = folder.stat().st_dev
    mine = {of.split()[0] for mount, of in rows if os.makedev(*map(int, mount.split()[2].split(":"))) == device}
    assert mine
    monkeypatch.setattr(probe, "SETTLED", -1.0)
    monkeypatch.setattr(probe, "SWAPPING", tuple(mine))
    probe.swapping_devices.cache_clear()
    yield
    probe.swapping_devices.cache_clear()


@pytest.mark.usefixtures("swapping")
def test_where_two_files_exchange_what_stands_in_them_no_hash_is_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By XFS_IOC_SWAPEXT an account does that with two files of its own: size, times and number of both stay as they were. What
    root alone may write to is kept.
    """
    module = folder / "module.py"
    module.write_bytes(b"good")
    kept = hash_now(folder)
    os.chown(module, 1, 1)
    assert hash_now(folder) == kept
    read: list[str] = []

    def reading(file: IO[bytes], _algorithm: str) -> tuple[int, str]:
        read.append(Path(f"/proc/self/fd/{file.fileno()}").readlink().name)
        return 0, "00"

    monkeypatch.setattr(probe, "fingerprint_of", reading)
    hash_now(folder)
    hash_now(folder)
    assert read == ["module.py"] * 2
    os.chown(module, 0, 0)
    hash_now(folder)
    hash_now(folder)
    assert read == ["module.py"] * 3


def test_how_long_a_page_may_wait_is_the_kernels_word(monkeypatch: pytest.MonkeyPatch) -> None:
    assert probe.written_back() >= 2.0
    for said, wanted in (
        ({"writeback": "500", "expire": "3000"}, 70.0),
        ({"writeback": "0", "expire": "3000"}, 3600.0),
        ({}, 3600.0),
    ):
        monkeypatch.setattr(probe, "content", lambda path, said=said: said.get(path.split("_")[-2], "").encode())
        assert probe.written_back() == wanted
