"""/opt may be a link to another volume: what runs there is what the service runs, and what is wrong is seen by either path."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.built import probe
from tests.running import WAITS, running

from .conftest import service

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")

PYTHON = "/usr/bin/python3"
MAPS = f"import ctypes, sys; ctypes.CDLL(sys.argv[1]); {WAITS}"
BIND = 'mount --bind "$0" "$1" && cd "$1" && shift && exec "$@"'
UNIT = "voxbridge.service"


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder in which only root makes links."""
    with tempfile.TemporaryDirectory(prefix="voxgate-", dir="/var/lib") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture
def folder(place: Path) -> Path:
    """A service's folder as a request names it: below a link that leads to where it really is."""
    real = place / "volume" / "opt" / "vox-backend"
    (real / ".venv" / "bin").mkdir(parents=True)
    (real / ".venv" / "pyvenv.cfg").write_text("home = /usr/bin\n")
    (real / ".venv" / "bin" / "python").symlink_to(PYTHON)
    (real / ".env").write_text("")
    (real / "deep").mkdir()
    (place / "other").mkdir()
    (place / "opt").symlink_to(real.parent)
    return place / "opt" / real.name


@pytest.fixture
def library() -> Path:
    """A library of this machine's."""
    return next(path for path in sorted(Path("/usr/lib").glob("*/libz.so.1")))


def told_of(folder: Path, pid: int) -> dict[str, Any]:
    """What the probe tells of a process of the service's unit."""
    row = {"pid": pid, "unit": UNIT, "argv": ["python"], "exe": "", "uid": 0, "started": 0.0, "cgroup": "/"}
    found: dict[str, Any] = probe.runtime(service(folder), probe.Job(lambda: [row]), probe.Job(dict))["processes"][str(pid)]
    return found


def runs(pid: int, folder: Path) -> list[str]:
    """Which services' code a look finds that the process runs."""
    found: list[str] = probe.process(str(pid), probe.Cgroups(), 0.0, probe.Marks(frozenset({str(folder)})))["runs"]
    return found


def test_its_own_libraries_are_no_others(folder: Path, place: Path, library: Path) -> None:
    """The kernel calls what is mapped by where it really lies."""
    (folder / ".venv" / "lib").mkdir()
    shutil.copy(library, folder / ".venv" / "lib" / "own.so")
    shutil.copy(library, place / "other" / "strange.so")
    with running(PYTHON, "-I", "-c", MAPS, f"{folder}/.venv/lib/own.so", uid=0) as pid:
        assert told_of(folder, pid)["elsewhere"] == []
    with running(PYTHON, "-I", "-c", MAPS, f"{place}/other/strange.so", uid=0) as pid:
        assert told_of(folder, pid)["elsewhere"] == [f"{place}/other/strange.so"]


def test_what_is_mounted_for_one_process_alone_is_seen(folder: Path, place: Path) -> None:
    real = os.path.realpath(folder)
    (place / "other" / "app.py").touch()
    with running(
        "unshare", "--mount", "sh", "-c", BIND, str(place / "other"), f"{folder}/deep", PYTHON, "-c", WAITS, uid=0
    ) as pid:
        assert probe.mounted_apart(pid, str(folder)) == [f"{real}/deep"]
    with running(PYTHON, "-c", WAITS, uid=0) as pid:
        assert probe.mounted_apart(pid, str(folder)) == []


def test_what_lies_below_a_later_mount_is_not_what_is_seen(place: Path) -> None:
    """The folder mounted over itself, which is no other place; then another thing over the folder that it lies in."""
    for name in ("opt/app", "evil/app"):
        (place / name).mkdir(parents=True)
    over = 'mount --bind "$0/opt/app" "$0/opt/app" && mount --bind "$0/evil" "$0/opt" && exec "$@"'
    folder = os.path.realpath(place / "opt" / "app")
    with running("unshare", "--mount", "sh", "-c", over, str(place), PYTHON, "-c", WAITS, uid=0) as pid:
        assert probe.mounted_apart(pid, folder) == [folder]
        beneath = {row.point for row in probe.mounts_of(pid) if row.point.startswith(str(place.resolve()))}
        assert beneath == {str(Path(folder).parent), folder}


def test_whose_code_runs_by_a_mount_of_a_part_of_it_is_seen(folder: Path, place: Path) -> None:
    """A mount's table names what is mounted by where it lies on its volume."""
    (folder / "deep" / "main.py").write_text(WAITS)
    words = ("sh", "-c", BIND, f"{folder}/deep", str(place / "other"), PYTHON, "main.py")
    with running("unshare", "--mount", *words, uid=0) as pid:
        assert runs(pid, folder) == [str(folder)]
    with running(PYTHON, "-c", WAITS, cwd=place / "other", uid=0) as pid:
        assert runs(pid, folder) == []


def test_a_mount_of_a_part_of_it_is_seen_where_it_is_a_volume_of_its_own(place: Path) -> None:
    """Of such a folder a table of mounts names the volume alone."""
    own = place / "opt" / "own"
    own.mkdir(parents=True)
    code = f"""
import os, runpy, subprocess
names = runpy.run_path({probe.__file__!r})
os.mkdir({str(own / "deep")!r})
with open({str(own / "deep" / "main.py")!r}, "w") as file:
    file.write({WAITS!r})
argv = ["unshare", "--mount", "sh", "-c", {BIND!r}, {str(own / "deep")!r}, {str(place / "other")!r}, {PYTHON!r}, "main.py"]
child = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
child.stdout.read(1)
print(names["process"](str(child.pid), names["Cgroups"](), 0.0, names["Marks"](frozenset({{{str(own)!r}}})))["runs"])
child.kill()"""
    setup = f"mkdir -p {place}/other; mount -t tmpfs none {own}; exec {PYTHON} -I -c {shlex.quote(code)}"
    argv = ["unshare", "--mount", "--propagation", "private", "sh", "-euc", setup]
    assert subprocess.run(argv, check=True, capture_output=True, text=True, timeout=60).stdout == f"[{str(own)!r}]\n"


def test_a_job_that_names_it_by_either_path_touches_it(folder: Path, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = (str(folder), os.path.realpath(folder), f"{place}/other")
    monkeypatch.setattr(probe, "cron_jobs", lambda: [probe.Planned(f"/etc/cron.d/{at}", "root", f"cp {at} /x") for at in paths])
    for name in ("spooled_jobs", "user_units"):
        monkeypatch.setattr(probe, name, list)
    monkeypatch.setattr(probe, "unit_jobs", lambda *_: [])
    assert [row["runs"] for row in probe.jobs([service(folder)], None, None)] == [[str(folder)], [str(folder)], []]


def test_a_link_of_anothers_on_the_way_leads_to_nobody_s_code(folder: Path, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who may change a folder on the way would learn by one who runs what is in any other, and which jobs name it. It is not
    looked at then, whatever lies there: that is blind, and never green.
    """
    (place / "other" / "main.py").write_text(WAITS)
    (place / "theirs").mkdir()
    (place / "theirs" / "app").symlink_to(place / "other")
    asked = place / "theirs" / "app"
    monkeypatch.setattr(probe, "cron_jobs", lambda: [("/etc/cron.d/x", "root", f"cp -r {place}/other /x")])
    for name in ("spooled_jobs", "user_units"):
        monkeypatch.setattr(probe, name, list)
    monkeypatch.setattr(probe, "unit_jobs", lambda *_: [])
    with running(PYTHON, f"{place}/other/main.py", uid=0) as pid:
        assert runs(pid, asked) == [str(asked)], "by a link of root's it is the service's"
        os.chown(place / "theirs", 65534, 65534)
        for look in (
            lambda: runs(pid, asked),
            lambda: probe.jobs([service(asked)], None, None),
            lambda: probe.mounted_apart(pid, str(asked)),
            lambda: probe.mounted_in(str(asked)),
        ):
            with pytest.raises(probe.Trouble, match="theirs/app is a link, and others than root can change it"):
                look()
        assert runs(pid, place / "none") == []


def test_all_opt_on_a_volume_of_its_own_is_ours(folder: Path, place: Path) -> None:
    """By a mount as by a link: where a service lies there must be room."""
    code = f"""import runpy; disks = runpy.run_path({probe.__file__!r})["room"](folders=[{str(folder)!r}])["disks"]
print([row["ours"] for row in disks if row["path"] == {str(place / "volume")!r}])"""
    setup = (
        f"mount -t tmpfs none {place}/volume; mkdir -p {place}/volume/opt/vox-backend; exec {PYTHON} -I -c {shlex.quote(code)}"
    )
    argv = ["unshare", "--mount", "--propagation", "private", "sh", "-euc", setup]
    assert subprocess.run(argv, check=True, capture_output=True, text=True, timeout=60).stdout == "[True]\n"
