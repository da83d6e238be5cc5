"""What is ordinary on a host and looked at closely: packages that were upgraded, file systems of others, agents' libraries."""

from __future__ import annotations

import ast
import hashlib
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.built import probe
from tests.unit.survey.conftest import service
from tests.unit.survey.test_probe_around import as_root, c_library


@pytest.fixture
def packaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A library, and a dpkg that has it of a package that was installed a moment ago."""
    library = tmp_path / "libx.so.3"
    shutil.copy(c_library(), library)
    (tmp_path / "dpkg/info").mkdir(parents=True)
    monkeypatch.setattr(probe, "DPKG", str(tmp_path / "dpkg"))
    noted(tmp_path)
    return tmp_path


def noted(packaged: Path) -> None:
    digest = hashlib.md5((packaged / "libx.so.3").read_bytes()).hexdigest()  # noqa: S324 - dpkg's
    (packaged / "dpkg/info/libx3:amd64.md5sums").write_text(f"{digest}  {str(packaged / 'libx.so.3')[1:]}\n")


def test_what_a_package_brought_since_is_replaced_by_it(packaged: Path) -> None:
    library, notes = str(packaged / "libx.so.3"), packaged / "dpkg/info/libx3:amd64.md5sums"
    since = notes.stat().st_ctime
    assert probe.replaced_since({library, "/usr/lib/libother.so"}, since - 1) == {library}
    assert probe.replaced_since({library}, since + 1) == set(), "the process is younger than the package"
    Path(library).write_bytes(b"another")
    assert probe.replaced_since({library}, since - 1) == set(), "what is there now is not the package's"
    Path(library).unlink()
    assert probe.replaced_since({library}, since - 1) == set()
    assert probe.replaced_since(set(), 0.0) == set()


@pytest.fixture
def running(packaged: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that has the library mapped, and its name is gone meanwhile."""
    code = f"import ctypes, sys; ctypes.CDLL({str(packaged / 'libx.so.3')!r}); print(flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        shutil.copy(packaged / "libx.so.3", packaged / "libx.so.3.dpkg-new")
        (packaged / "libx.so.3.dpkg-new").rename(packaged / "libx.so.3")
        yield process
        process.kill()


def test_a_library_that_a_package_replaced_is_told_apart_from_one_that_is_gone(
    packaged: Path, running: subprocess.Popen[bytes]
) -> None:
    mapped = probe.executable_maps(running.pid)
    gone = {path for path in mapped if path.endswith(probe.DELETED)}
    assert gone == {f"{packaged / 'libx.so.3'}{probe.DELETED}"}
    before = (packaged / "dpkg/info/libx3:amd64.md5sums").stat().st_ctime - 1
    paths = {path[: -len(probe.DELETED)] for path in gone}
    assert probe.replaced_since(paths, before) == paths
    (packaged / "libx.so.3").write_bytes(b"another")
    assert probe.replaced_since(paths, before) == set()


@pytest.fixture
def elsewhere(checkout: Path, place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout that lies on another volume; by which path the service has it, the test says."""
    monkeypatch.setattr(probe, "COPY_ROOTS", (str(place),))
    (place / "volume").mkdir()
    (checkout / "vox").mkdir()
    (checkout / "vox/__init__.py").touch()
    (place / "opt").mkdir()
    return checkout.rename(place / "volume" / checkout.name)


def test_a_folder_behind_a_link_is_one_copy(elsewhere: Path, place: Path) -> None:
    link = place / "opt" / elsewhere.name
    link.symlink_to(elsewhere)
    assert probe.copies([service(link)])["found"] == []
    shutil.copytree(elsewhere, place / "volume/second")
    assert str(place / "volume/second") in {row["path"] for row in probe.copies([service(link)])["found"]}


@as_root
@pytest.mark.parametrize("whole", [False, True], ids=["its folder", "all of opt"])
def test_a_folder_that_is_mounted_is_one_copy(elsewhere: Path, place: Path, *, whole: bool) -> None:
    here = place / "opt" / elsewhere.name
    source, target = (elsewhere.parent, here.parent) if whole else (elsewhere, here)
    target.mkdir(exist_ok=True)
    code = (
        f"import runpy; p = runpy.run_path({probe.__file__!r}); p['copies'].__globals__['COPY_ROOTS'] = ({str(place)!r},);"
        f" one = p['Service'](*{tuple(service(here))!r}); print(sorted({{row['path'] for row in p['copies']([one])['found']}}))"
    )
    argv = ["unshare", "--mount", "--propagation", "private", "sh", "-c"]
    argv.append(f"mount --bind {source} {target} && exec {sys.executable} -I -c {shlex.quote(code)}")
    assert ast.literal_eval(subprocess.run(argv, capture_output=True, check=True, text=True, timeout=60).stdout) == []
    shutil.copytree(elsewhere, place / "second")
    found = ast.literal_eval(subprocess.run(argv, capture_output=True, check=True, text=True, timeout=60).stdout)
    assert str(place / "second") in found
    assert not [path for path in found if "/second" not in path]


@pytest.mark.parametrize(
    ("path", "ours"),
    [("/", True), ("/var", True), ("/var/lib/mongodb", True), ("/opt", True), ("/home", True), ("/tmp", True),  # noqa: S108
     ("/mnt/backup", False), ("/media/usb", False), ("/srv", False), ("/backup", False), ("/variant", False)],
)  # fmt: skip
def test_a_file_system_of_the_systems_folders_is_ours(path: str, *, ours: bool) -> None:
    assert probe.is_ours(path) is ours


@pytest.mark.parametrize(
    ("row", "units", "seen"),
    [
        ({"unit": "mongod.service", "container": ""}, {"mongod.service"}, True),
        ({"unit": "docker.service", "container": "abc"}, set(), True),
        ({"unit": "restic.service", "container": ""}, {"mongod.service"}, False),
    ],
)
def test_so_is_one_on_which_something_of_ours_is_open(
    tmp_path: Path, row: dict[str, str], units: set[str], *, seen: bool
) -> None:
    with (tmp_path / "data").open("w"):
        found = probe.Job(lambda: [{**row, "pid": os.getpid()}])
        assert (tmp_path.stat().st_dev in probe.open_devices(frozenset(units), found)) is seen


def test_the_libraries_of_the_loader_are_told_by_whole_paths(monkeypatch: pytest.MonkeyPatch) -> None:
    assert probe.libraries("/opt/a/libx.so:/opt/b/$LIB/liby.so  libz.so\n") == ["/opt/a/libx.so", "/opt/b/$LIB/liby.so", "?"]
    assert probe.libraries("") == []
    with pytest.raises(probe.Trouble):
        probe.libraries("/a/b.so " * 200)


def test_a_library_that_others_can_change_is_loose(tmp_path: Path) -> None:
    library = tmp_path / "libx.so"
    library.touch()
    library.chmod(0o666)
    assert str(library) in list(probe.loose_libraries([str(library), "/no/such.so", "?"]))


def test_since_when_the_journal_is_kept_is_told_of_all_instances(monkeypatch: pytest.MonkeyPatch) -> None:
    """A journal that was emptied is told by the service as a whole, too: else it counts as one that is not kept."""
    told = iter([{"compared": ["A"], "lines": 0, "since": since, "found": []} for since in (5.0, 0.0)])
    monkeypatch.setattr(probe, "by_env", lambda _service: ["one", "two"])
    monkeypatch.setattr(probe, "leaks_of", lambda *_: next(told))
    assert probe.leaks(None, [], None, None, None) == {"compared": ["A"], "lines": 0, "since": 5.0, "found": []}


@pytest.mark.parametrize(
    ("said", "since"),
    [
        ('{"__CURSOR":"s=1","__REALTIME_TIMESTAMP":"1764350000123456","PRIORITY":"6"}\n', 1764350000.123456),
        ("", 0.0),
        ("{}", 0.0),
    ],
)
def test_the_oldest_entry_of_the_journal_says_from_when_on_it_is_kept(
    monkeypatch: pytest.MonkeyPatch, said: str, since: float
) -> None:
    monkeypatch.setattr(probe, "said", lambda program, *_: said if program == "journalctl" else "")
    assert probe.oldest_entry() == pytest.approx(since)
