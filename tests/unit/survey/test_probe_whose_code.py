"""Whose code a process runs is decided by what it is, by device and inode, and not by what it is called."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.built import probe
from tests.running import STRANGER, WAITS, running, without_its_first_thread

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")

PYTHON = "/usr/bin/python3"
SAYS = "#!/bin/sh\nprintf .\nread x\n"


@pytest.fixture
def folder(place: Path) -> Path:
    """A service's folder: its environment, a script, a package, a library that is no Python's."""
    folder = place / "opt" / "vox-dialler"
    (folder / ".venv" / "bin").mkdir(parents=True)
    (folder / ".venv" / "pyvenv.cfg").write_text("home = /usr/bin\n")
    (folder / ".venv" / "bin" / "python").symlink_to(PYTHON)
    (folder / "main.py").write_text(WAITS)
    (folder / "__main__.py").write_text(WAITS)
    (folder / "deep").mkdir()
    (folder / "deep" / "main.py").write_text(WAITS)
    for name in ("lab", "elsewhere"):
        (place / "opt" / name).mkdir()
    (place / "opt" / "elsewhere" / "other.py").write_text(WAITS)
    shutil.copy(Path(PYTHON).resolve(), place / "worker")
    (place / "link").symlink_to(folder)
    (place / "links").symlink_to("link/deep")
    return folder


def runs(pid: int, folder: Path) -> list[str]:
    """Which of these folders the probe says that a process runs code of."""
    marks = probe.Marks(frozenset({str(folder), f"{folder}-other", "/opt/vox-other"}))
    row = probe.process(str(pid), probe.Cgroups(), 0.0, marks)
    assert row is not None
    found: list[str] = row["runs"]
    return found


def test_a_python_of_another_making_is_one(folder: Path) -> None:
    """PyPy has names of its own. Here a Python that exports, and is called, what that does."""
    place = folder.parent.parent
    text = Path(PYTHON).resolve().read_bytes()
    ours, theirs = b"\0Py_BytesMain\0", b"\0pypy_main_startup\0"
    at = text.index(ours)
    (place / "tool").write_bytes(text[:at] + theirs + text[at + len(theirs) :])
    (place / "tool").chmod(0o755)
    (place / "v" / "lib" / "pypy3.9" / "site-packages").mkdir(parents=True)
    (place / "v" / "pyvenv.cfg").touch()
    (place / "v" / "lib" / "pypy3.9" / "site-packages" / "x.pth").write_text(f"{folder}\n")
    with running(str(place / "tool"), f"{folder}/main.py", cwd=folder.parent / "elsewhere") as pid:
        assert runs(pid, folder) == [str(folder)]
    (place / "v" / "bin").mkdir()
    (place / "tool").rename(place / "v" / "bin" / "tool")
    with running(str(place / "v" / "bin" / "tool"), "-c", WAITS, cwd=folder.parent / "elsewhere") as pid:
        assert runs(pid, folder) == [str(folder)]


Way = Callable[[Path, Path], tuple[str, ...]]
BIND = 'mkdir -p "$1" && mount --bind "$0" "$1" && cd "$1" && shift && exec "$@"'
LOADER = next(iter(sorted(map(str, Path("/lib64").glob("ld-linux*.so*")))), "/lib/ld-linux-aarch64.so.1")
WAYS: dict[str, tuple[str, Way]] = {
    # what the folder's own processes look like
    "its own": ("elsewhere", lambda _at, to: (f"{to}/.venv/bin/python", f"{to}/main.py")),
    "cwd": ("vox-dialler", lambda _at, _to: (PYTHON, "-c", WAITS)),
    "deep cwd": ("vox-dialler/deep", lambda _at, _to: (PYTHON, "-c", WAITS)),
    # A, B, C, E, F of the attack, and their kind
    "relative": (".", lambda _at, to: (f"{to.name}/.venv/bin/python", f"{to.name}/main.py")),
    "relative script": (".", lambda _at, to: (PYTHON, f"{to.name}/main.py")),
    "relative folder": (".", lambda _at, to: (PYTHON, to.name)),
    "link": ("elsewhere", lambda at, _to: (f"{at}/link/.venv/bin/python", f"{at}/link/main.py")),
    "link to a link": ("elsewhere", lambda at, _to: (PYTHON, f"{at}/links/main.py")),
    "called by a link": ("elsewhere", lambda at, _to: (f"{at}/link/.venv/bin/python", "-c", WAITS)),
    "copied Python": ("elsewhere", lambda at, to: (f"{at}/worker", f"{to}/main.py")),
    "copied Python by a link": ("elsewhere", lambda at, _to: (f"{at}/worker", f"{at}/links/../main.py")),
    "dots": ("elsewhere", lambda at, to: (PYTHON, f"{at}/opt/lab/../{to.name}/main.py")),
    "more dots": ("lab", lambda _at, to: (PYTHON, f".././lab/..//{to.name}/deep/../main.py")),
    "by its own root": ("elsewhere", lambda at, to: (PYTHON, f"/proc/self/root{at}/opt/lab/../{to.name}/main.py")),
    "by the root of another": (
        "elsewhere",
        lambda at, to: (PYTHON, "-c", WAITS, f"/proc/{os.getpid()}/root{at}/opt/lab/../{to.name}/x"),
    ),
    "its own cwd": (".", lambda _at, to: (PYTHON, f"/proc/self/cwd/{to.name}/main.py")),
    "a word with a sign": ("elsewhere", lambda at, _to: (PYTHON, "-c", WAITS, f"--app-dir={at}/link")),
    "in its program": ("elsewhere", lambda at, _to: (PYTHON, "-c", f"import sys; sys.path[:0] = ['{at}/links']; {WAITS}")),
    "the loader": ("elsewhere", lambda _at, to: (LOADER, str(Path(PYTHON).resolve()), f"{to}/main.py")),
    "behind many words": ("elsewhere", lambda at, _to: (PYTHON, *(["-W", "ignore"] * 300), f"{at}/links/main.py")),
    # H, and its kind
    "bound": ("elsewhere", lambda at, to: ("unshare", "-Urm", "sh", "-c", BIND, str(to), f"{at}/m4", PYTHON, "main.py")),
    "bound in part": (
        "elsewhere",
        lambda at, to: ("unshare", "-Urm", "sh", "-c", BIND, f"{to}/deep", f"{at}/m4", PYTHON, "main.py"),
    ),
    "bound, seen from elsewhere": (
        "elsewhere",
        lambda at, to: ("unshare", "-Urm", "sh", "-c", BIND.replace("cd", ":"), f"{to}", f"{at}/m4", PYTHON, f"{at}/m4/main.py"),
    ),
    "bound and let go": (
        "elsewhere",
        lambda at, to: (
            "unshare", "-Urm", "sh", "-c", BIND.replace("&& shift", '&& umount -l "$1" && shift'), str(to), f"{at}/m4", PYTHON,
            "deep/main.py",
        ),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WAYS)
def test_python_is_seen_by_every_way_to_the_folder(folder: Path, name: str) -> None:
    cwd, way = WAYS[name]
    place = folder.parent.parent
    place.chmod(0o777)
    with running(*way(place, folder), cwd=folder.parent / cwd) as pid:
        assert runs(pid, folder) == [str(folder)]


@pytest.mark.parametrize("variable", ["PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "PATH", "UVICORN_APP_DIR", "GUNICORN_CMD_ARGS"])
def test_python_is_seen_by_its_variables(folder: Path, variable: str) -> None:
    place = folder.parent.parent
    values = {
        "PYTHONPATH": f"/nowhere:{place}/links",
        "VIRTUAL_ENV": f"{place}/link/.venv",
        "PATH": f"/nowhere:{place}/link/.venv/bin:/usr/bin",
        "PYTHONHOME": "/usr:/usr",
        "UVICORN_APP_DIR": f"{place}/links",
        "GUNICORN_CMD_ARGS": f"--workers 1 --pythonpath {place}/link",
    }
    env = {variable: values[variable]}
    program = "python" if variable == "PATH" else PYTHON
    with running("/bin/sh", "-c", 'exec "$0" "$@"', program, "-c", WAITS, cwd=folder.parent / "elsewhere", env=env) as pid:
        assert runs(pid, folder) == ([] if variable == "PYTHONHOME" else [str(folder)])


def test_a_library_of_the_folder_is_seen_by_every_way_to_it(folder: Path, tmp_path: Path) -> None:
    """Whoever runs it: a program of the distribution's, started with it."""
    source = Path("/proc/self/maps").read_text()
    library = next(line.split()[-1] for line in source.splitlines() if "/libz.so" in line or "/libm.so" in line)
    shutil.copy(library, folder / "deep" / "speech.so")
    place = folder.parent.parent
    for path in (f"{folder}/deep/speech.so", f"{place}/links/speech.so"):
        with running("/bin/sh", "-c", "printf .; read x", cwd=folder.parent, env={"LD_PRELOAD": path}) as pid:
            assert runs(pid, folder) == [str(folder)]
    bind = BIND.replace('cd "$1"', 'LD_PRELOAD="$1/speech.so" && export LD_PRELOAD')
    place.chmod(0o777)
    argv = ("unshare", "-Urm", "sh", "-c", bind, f"{folder}/deep", f"{place}/m4", "sh", "-c", "printf .; read x")
    with running(*argv, cwd=folder.parent) as pid:
        assert runs(pid, folder) == [str(folder)]


def test_what_goes_on_when_its_first_thread_has_ended_is_seen(folder: Path) -> None:
    ends = without_its_first_thread()
    with running(PYTHON, "-c", ends, str(folder / "main.py"), cwd=folder.parent / "elsewhere") as pid:
        assert probe.link_of(f"/proc/{pid}/exe") is None
        assert runs(pid, folder) == [str(folder)]


def test_what_a_program_of_roots_own_was_called_by_is_a_word_alone(folder: Path) -> None:
    words = "exec -a $0 perl -e '$|=1; print \".\"; <STDIN>'"
    with running("/bin/bash", "-c", words, f"{folder}/.venv/bin/python", cwd=folder.parent) as pid:
        assert runs(pid, folder) == []


ORDINARY: dict[str, tuple[str, tuple[str, ...]]] = {
    "a shell in it": ("vox-dialler", ("/bin/sh", "-c", "printf .; read x")),
    "a shell that looks at it": ("elsewhere", ("/bin/sh", "-c", "printf .; read x", "{to}/main.py", "{at}/link")),
    "bash in it": ("vox-dialler/deep", ("/bin/bash", "-c", "printf .; read x")),
    "perl in it": ("vox-dialler", ("perl", "-e", "$|=1; print '.'; <STDIN>", "main.py")),
    "grep over it": ("vox-dialler", ("/bin/sh", "-c", "printf .; exec grep -r nothing - {to} {at}/link/")),
    "tar of it": ("vox-dialler", ("/bin/sh", "-c", "printf .; exec tar -cf /dev/null -T - -C {to} .")),
    "git in it": ("vox-dialler", ("/bin/sh", "-c", "printf .; exec git -C {to} hash-object --stdin")),
    "cat of it": ("vox-dialler", ("/bin/sh", "-c", "printf .; exec cat {to}/main.py -")),
    "Python beside it": ("elsewhere", (PYTHON, "{at}/opt/elsewhere/other.py", "{to}-second/x", "main.py", "--name=vox-dialler")),
    "Python where there is one of that name": ("lab", (PYTHON, "-c", WAITS, "vox-dialler", "x/vox-dialler/y")),
    "a copied program in it": ("vox-dialler", ("{at}/tool", "-c", "printf .; read x")),
    "a build's own tree": ("lab", ("unshare", "-Urm", "sh", "-c", BIND, "{at}/tree", "{at}/m4", PYTHON, "-c", WAITS)),
    "a sandbox that sees it": ("elsewhere", ("unshare", "-Urm", PYTHON, "-c", WAITS)),
}  # fmt: skip


@pytest.mark.parametrize("uid", [STRANGER, 0])
@pytest.mark.parametrize("name", ORDINARY)
def test_ordinary_life_is_no_code_of_the_folder(folder: Path, name: str, uid: int) -> None:
    cwd, argv = ORDINARY[name]
    place = folder.parent.parent
    place.chmod(0o777)
    shutil.copy(Path("/bin/sh").resolve(), place / "tool")
    shutil.copytree(folder, place / "tree", symlinks=True)
    with running(*(word.format(at=place, to=folder) if "print" not in word or "{to}" in word else word for word in argv),
                 cwd=folder.parent / cwd, uid=uid) as pid:  # fmt: skip
        assert runs(pid, folder) == []


def test_neither_the_probe_nor_the_rest_of_this_host_runs_code_of_a_folder_of_its_own(folder: Path) -> None:
    rows = probe.processes(frozenset({str(folder)}))
    assert [row["pid"] for row in rows if row["runs"]] == []


def test_a_path_is_followed_as_a_place_alone(folder: Path) -> None:
    """What a word leads to is opened by nobody: a pipe of root's wakes up no one, and a loop ends."""
    place = folder.parent.parent
    os.mkfifo(place / "pipe")
    (place / "loop").symlink_to("loop")
    (place / "pipe-in").symlink_to(place / "pipe")
    words = (f"{place}/pipe-in", f"{place}/pipe-in/x", f"{place}/loop/x", "/dev/watchdog", "a/" * 5000, "/" * 4000, "\udcff")
    with running(PYTHON, "-c", WAITS, *words, cwd=folder.parent / "elsewhere") as pid:
        writer = subprocess.Popen(["/bin/sh", "-c", f"exec 3>{place}/pipe"])
        try:
            assert runs(pid, folder) == []
            with pytest.raises(subprocess.TimeoutExpired):
                writer.wait(0.2)
        finally:
            writer.kill()
            writer.wait()
