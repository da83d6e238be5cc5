"""Python is seen by where it looks for its code, also where no word of it leads there any more."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.built import probe
from tests.running import STRANGER, WAITS, held_shut, running
from tests.unit.survey.test_probe_whose_code import BIND, PYTHON, Way, folder, runs

__all__ = ["folder"]
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")

LEAVES = f"import os; os.chdir('/'); {WAITS}"
LONG = "import os, sys; os.execv(sys.executable, [sys.executable, *['-X', 'a' * 120000] * 20, *sys.argv[1:]])"
DETACHED = """
import ctypes, os, sys
fd = ctypes.CDLL(None, use_errno=True).syscall(428, -100, os.fsencode(sys.argv[1]), 1)  # open_tree, a clone
assert fd >= 0, os.strerror(ctypes.get_errno())
os.fchdir(fd)
os.execv(sys.executable, [sys.executable, *sys.argv[2:]])
"""
BOTH = 'mount --rbind / "$1/b" && mount --rbind "$0" "$1/F" && shift && exec "$@"'
WIDE = 'ulimit -s unlimited && exec "$0" "$@"'
IN_A_FOLDER = 'mkdir -p "$1" && mount --bind "$0" "$1" && shift && exec "$@"'
COVERED = 'mkdir -p "$1/x" && mount --bind "$0" "$1/x" && cd "$1/x" && mount -t tmpfs none "$1" && shift && exec "$@"'
# Where the kernel tells no path any more, with the package there by a link, or mounted.
TOO_DEEP = f"""
import ctypes, os, sys
os.chdir(sys.argv[1])
for _ in range(22):
    os.mkdir("a" * 200)
    os.chdir("a" * 200)
if sys.argv[3] == "link":
    os.symlink(sys.argv[2], "vox_dialler")
else:
    os.mkdir("vox_dialler")
    assert ctypes.CDLL(None).mount(os.fsencode(sys.argv[2]), b"vox_dialler", None, 4096, None) == 0
os.chdir(sys.argv[4])
os.environ["PYTHONPATH"] = "/proc/self/cwd"
os.execv("{PYTHON}", ["{PYTHON}", "-c", sys.argv[5]])
"""
THEN = 'cd "$0" && cd / && exec "$@"'
FROM = 'cd "$0" && exec "$@"'
STANDS = "printf .; read x"


@pytest.fixture
def laid(folder: Path) -> Path:
    """Around a service's folder what others put there to come to its code."""
    place = folder.parent.parent
    place.chmod(0o777)
    package = folder / "vox_dialler"
    package.mkdir()
    (package / "__init__.py").touch()
    (folder / "logs").mkdir()
    (folder / "leaves.py").write_text(LEAVES)
    for name in ("lib", "whole", "home", "app", "a/b", "a/F", "empty"):
        (place / name).mkdir(parents=True)
    (place / "lib" / "vox_dialler").symlink_to(package)
    (place / "lib" / "other.py").write_text(WAITS)
    (place / "whole" / "dialler").symlink_to(folder)
    (place / "home" / "dialler").symlink_to(folder)
    (place / "home" / "logs").symlink_to(folder / "logs")
    (place / "home" / "tool.py").write_text(WAITS)
    (place / "home" / "leaves.py").write_text(LEAVES)
    (place / "app" / "__main__.py").write_text(WAITS)
    (place / "app" / "vox_dialler").symlink_to(package)
    (place / "a link").symlink_to(folder)
    (place / "a").chmod(0o777)
    rows = {"v": ("x.pth", f"# all\n{folder}\n"), "w": ("x.pth", f"import sys; sys.path.append('{folder}')\n"),
            "e": ("__editable___x_finder.py", f"MAPPING = {{'vox_dialler': '{package}'}}\n"),
            "l": ("x.pth", f"{place}/a\vb\n"), "m": ("x.pth", f"\ufeff{folder}\n"),
            "i": ("_editable_impl_x.py", f"F.map_module('vox_dialler', '{package}')\n"),
            "o": ("x.pth", f"{folder}-other\nimport nothing\n"), "n": ("x.pth", ""), "u": ("x.pth", ""),
            "b": ("x.pth", f"{folder}\n")}  # fmt: skip
    for name, (file, text) in rows.items():
        site = environment(place / name)
        (site / file).write_text(text)
        (place / name / ".local" / "lib").parent.mkdir()
        (place / name / ".local" / "lib").symlink_to("../lib")
    (environment(place / "s") / "vox_dialler").symlink_to(package)
    (place / "a\vb").symlink_to(folder)
    (place / "u" / "pyvenv.cfg").write_text("home = /usr/bin\nInclude-System-Site-Packages = TRUE\n")
    (place / "b" / "pyvenv.cfg").rename(place / "b" / "bin" / "pyvenv.cfg")
    for name, lib in (("h", "lib"), ("p", "local")):
        site = place / name / lib / "python3.11" / "site-packages"
        site.mkdir(parents=True)
        (site / "x.pth").write_text(f"{folder}\n")
        for one in Path(PYTHON).resolve().parent.with_name("lib").joinpath("python3.11").glob("[a-z]*"):
            (site.parent / one.name).symlink_to(one)
    mapped = [line.split()[-1] for line in Path("/proc/self/maps").read_text().splitlines()]
    library = next(path for path in mapped if "/libm.so" in path or "/libz.so" in path)
    for name in ("libpython3.so", "stranger.so"):
        shutil.copy(library, place / name)
    os.chown(place / "stranger.so", STRANGER, STRANGER)
    for name in ("serve", "uwsgi-core"):
        shutil.copy(Path("/bin/sh").resolve(), place / name)
    return folder


def environment(place: Path) -> Path:
    """An environment of the system's Python, and the folder of its packages."""
    site = place / "lib" / "python3.11" / "site-packages"
    site.mkdir(parents=True)
    (place / "bin").mkdir()
    (place / "bin" / "python").symlink_to(PYTHON)
    (place / "pyvenv.cfg").write_text("home = /usr/bin\n")
    return site


def given(at: Path, *more: str, **variables: str) -> tuple[str, ...]:
    """Python, or more, with variables."""
    rows = (f"{name}={value.format(at=at)}" for name, value in variables.items())
    return ("/usr/bin/env", *rows, *(more or (PYTHON, "-c", WAITS)))


SEEN: dict[str, tuple[str, Way]] = {
    "it went elsewhere since": ("lab", lambda _at, to: ("/bin/sh", "-c", FROM, str(to), PYTHON, "-c", LEAVES)),
    "it went elsewhere from a folder in it": ("lab", lambda _at, to: ("/bin/sh", "-c", FROM, f"{to}/deep", PYTHON, "-c", LEAVES)),
    "it went elsewhere, its script is relative": (
        "lab", lambda at, to: ("/bin/sh", "-c", FROM, f"{at}/opt", PYTHON, f"{to.name}/leaves.py"),
    ),
    "more words than the kernel gives by default": (
        "lab", lambda at, _to: ("/bin/sh", "-c", WIDE, PYTHON, "-c", LONG, f"{at}/links/main.py"),
    ),
    "a relative part of a variable": (".", lambda at, to: given(at, PYTHONPATH=f"x:{to.name}")),
    "a part with a blank": ("lab", lambda at, _to: given(at, PYTHONPATH="{at}/a link:/x")),
    "a module of it": (".", lambda _at, to: (PYTHON, "-m", f"{to.name}.main")),
    "a module of it in one word": (".", lambda _at, to: (PYTHON, f"-m{to.name}.deep.main")),
    "a module of it for a server": (".", lambda at, to: (PYTHON, f"{at}/home/tool.py", f"{to.name}.main:app")),
    "a link of its package, there": ("../lib", lambda _at, _to: (PYTHON, "-c", WAITS)),
    "a link of its package, left": ("lab", lambda at, _to: ("/bin/sh", "-c", FROM, f"{at}/lib", PYTHON, "-c", LEAVES)),
    "a link of its package beside the script": ("lab", lambda at, _to: (PYTHON, f"{at}/lib/other.py")),
    "a link of its package in a variable": ("lab", lambda at, _to: given(at, PYTHONPATH="/x:{at}/lib")),
    "a link of all of it in a variable": ("lab", lambda at, _to: given(at, PYTHONPATH="{at}/whole")),
    "a link of its package in an application": ("lab", lambda at, _to: (PYTHON, f"{at}/app")),
    "an editable install": ("lab", lambda at, _to: (f"{at}/v/bin/python", "-c", WAITS)),
    "an editable install by PATH": ("lab", lambda at, _to: given(at, "python", "-c", WAITS, PATH="/nowhere:{at}/v/bin:/usr/bin")),
    "an editable install, called there": ("../v/bin", lambda _at, _to: ("./python", "-c", WAITS)),
    "an editable install by a line of code": ("lab", lambda at, _to: (f"{at}/w/bin/python", "-c", WAITS)),
    "an editable install by a finder": ("lab", lambda at, _to: (f"{at}/e/bin/python", "-c", WAITS)),
    "a link among its packages": ("lab", lambda at, _to: (f"{at}/s/bin/python", "-c", WAITS)),
    "an editable install of an account": ("lab", lambda at, _to: given(at, HOME="{at}/v")),
    "an editable install at a place of its own": ("lab", lambda at, _to: given(at, PYTHONUSERBASE="{at}/v")),
    "an editable install of an account, by an environment that has the system's packages": (
        "lab", lambda at, _to: given(at, f"{at}/u/bin/python", "-c", WAITS, HOME="{at}/v"),
    ),
    "an editable install, called there by PATH": ("../v/bin", lambda at, _to: given(at, "python", "-c", WAITS, PATH=":/usr/bin")),
    "an editable install, its settings beside the program": ("lab", lambda at, _to: (f"{at}/b/bin/python", "-c", WAITS)),
    "an editable install by another finder": ("lab", lambda at, _to: (f"{at}/i/bin/python", "-c", WAITS)),
    "an editable install at a path that only Python reads whole": ("lab", lambda at, _to: (f"{at}/l/bin/python", "-c", WAITS)),
    "an editable install behind a mark of its encoding": ("lab", lambda at, _to: (f"{at}/m/bin/python", "-c", WAITS)),
    "an editable install in the first of two homes": ("lab", lambda at, _to: given(at, PYTHONHOME="{at}/h:/usr")),
    "an editable install in the second of two homes": ("lab", lambda at, _to: given(at, PYTHONHOME="/usr:{at}/v")),
    "an editable install in a folder that is not called lib": (
        "lab", lambda at, _to: given(at, PYTHONPLATLIBDIR="local", PYTHONHOME="{at}/p"),
    ),
    "from the root mounted again": (
        "lab",
        lambda at, to: ("unshare", "-Urm", "sh", "-c", BOTH, str(to), f"{at}/a", *given(at, PYTHONPATH="{at}/a/b/../F")),
    ),
    "by a mount that no table has": (
        "lab", lambda _at, to: ("unshare", "-Urm", PYTHON, "-c", DETACHED, f"{to}/vox_dialler", "-c", WAITS),
    ),
    "a link of its package at a path that is too long": (
        "lab", lambda at, to: (PYTHON, "-c", TOO_DEEP, f"{at}/a", f"{to}/vox_dialler", "link", ".", WAITS),
    ),
    "its package mounted at a path that is too long": (
        "lab", lambda at, to: ("unshare", "-Urm", PYTHON, "-c", TOO_DEEP, f"{at}/a", f"{to}/vox_dialler", "mount", ".", WAITS),
    ),
    "in its package, mounted at a path that is too long": (
        "lab",
        lambda at, to: ("unshare", "-Urm", PYTHON, "-c", TOO_DEEP, f"{at}/a", f"{to}/vox_dialler", "mount", "vox_dialler", WAITS),
    ),
    "its package mounted in a folder of a variable": (
        "lab",
        lambda at, to: ("unshare", "-Urm", "sh", "-c", IN_A_FOLDER, f"{to}/vox_dialler", f"{at}/a/vox_dialler",
                        *given(at, PYTHONPATH="{at}/a")),
    ),
    "all of it mounted in a folder of a variable": (
        "lab",
        lambda at, to: ("unshare", "-Urm", "sh", "-c", IN_A_FOLDER, str(to), f"{at}/a/x", *given(at, PYTHONPATH="{at}/a")),
    ),
    "in its package, mounted with another mount over it": (
        "lab", lambda at, to: ("unshare", "-Urm", "sh", "-c", COVERED, f"{to}/vox_dialler", f"{at}/a", PYTHON, "-c", WAITS),
    ),
    "a server of applications": (
        "lab",
        lambda at, to: given(at, f"{at}/serve", "-c", STANDS, "--wsgi-file", f"{to}/main.py", LD_PRELOAD="{at}/libpython3.so"),
    ),
    "a server of applications that stands there": ("vox-dialler", lambda at, _to: (f"{at}/uwsgi-core", "-c", STANDS)),
    "a command for the Python beside": (
        "lab",
        lambda at, _to: given(at, f"{at}/serve", "-c", STANDS, "-ex", f"python import sys; sys.path.append('{at}/links')",
                              LD_PRELOAD="{at}/libpython3.so"),
    ),
    "a program that a stranger's library turns": (
        "vox-dialler", lambda at, _to: given(at, "/bin/sh", "-c", STANDS, LD_PRELOAD="{at}/stranger.so:{at}/libpython3.so"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SEEN)
def test_python_is_seen_by_where_it_searches(laid: Path, name: str) -> None:
    cwd, way = SEEN[name]
    with running(*way(laid.parent.parent, laid), cwd=laid.parent / cwd) as pid:
        assert runs(pid, laid) == [str(laid)]


def test_who_holds_a_lease_on_what_python_searches_by_may_run_any_code(laid: Path) -> None:
    """Nobody can read the file then, and nobody waits for it."""
    table, other = laid.parent.parent / "v/lib/python3.11/site-packages/x.pth", str(laid.parent / "other")
    watched = frozenset({str(laid), other})

    def seen(pid: int) -> list[str]:
        found: list[str] = probe.process(str(pid), probe.Cgroups(), 0.0, probe.Marks(watched))["runs"]
        return found

    os.chown(table, STRANGER, STRANGER)
    with running(f"{laid.parent.parent}/v/bin/python", "-c", WAITS, cwd=laid.parent / "lab") as pid:
        assert seen(pid) == [str(laid)]
        with held_shut(table):
            assert seen(pid) == sorted(watched)


UNSEEN: dict[str, tuple[str, Way]] = {
    "its shell had been there": ("lab", lambda _at, to: ("/bin/sh", "-c", THEN, str(to), PYTHON, "-c", WAITS)),
    "a tool that was started from there": (
        "lab", lambda at, to: ("/bin/sh", "-c", FROM, str(to), PYTHON, f"{at}/home/leaves.py"),
    ),
    "a unit of its name": (".", lambda at, to: (PYTHON, f"{at}/home/tool.py", f"{to.name}.service", f"{to.name}.log:1")),
    "a home with links to it": ("../home", lambda _at, _to: (PYTHON, "-c", WAITS)),
    "a tool in a home with links to it": ("lab", lambda at, _to: (PYTHON, f"{at}/home/tool.py")),
    "another folder mounted in one of a variable": (
        "lab",
        lambda at, _to: ("unshare", "-Urm", "sh", "-c", IN_A_FOLDER, f"{at}/empty", f"{at}/a/x", *given(at, PYTHONPATH="{at}/a")),
    ),
    "logs of it in a variable": ("lab", lambda at, _to: given(at, PYTHONPATH="{at}/a:{at}/opt/lab")),
    "another environment": ("lab", lambda at, _to: (f"{at}/o/bin/python", "-c", WAITS)),
    "another account's": ("lab", lambda at, _to: given(at, HOME="{at}/o")),
    "an environment without its account's packages": (
        "lab", lambda at, _to: given(at, f"{at}/n/bin/python", "-c", WAITS, HOME="{at}/v"),
    ),
    "an editor of its files, in it": (
        "vox-dialler",
        lambda at, to: given(at, f"{at}/serve", "-c", STANDS, "+/python", "main.py", f"{to}/wsgi.py", "-c", "py3 import os",
                             LD_PRELOAD="{at}/libpython3.so"),
    ),
    "a debugger of its Python": (
        "vox-dialler",
        lambda at, to: given(at, f"{at}/serve", "-c", STANDS, "-ex", f"directory {to}", "--args", f"{to}/.venv/bin/python",
                             LD_PRELOAD="{at}/libpython3.so"),
    ),
    "a server of another application": (
        "lab", lambda at, _to: (f"{at}/uwsgi-core", "-c", STANDS, "--wsgi-file", f"{at}/app/main.py", "--chdir", f"{at}/opt/lab"),
    ),
    "a program with a library of an account's, in it": (
        "vox-dialler", lambda at, _to: given(at, "/bin/sh", "-c", STANDS, LD_PRELOAD="{at}/stranger.so"),
    ),
    "another part of the disk by a mount that no table has": (
        "lab", lambda at, _to: ("unshare", "-Urm", PYTHON, "-c", DETACHED, f"{at}/home", "-c", WAITS),
    ),
    "more words than the kernel gives by default": (
        "lab", lambda _at, _to: ("/bin/sh", "-c", WIDE, PYTHON, "-c", LONG, "-c", WAITS),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", UNSEEN)
def test_what_only_lies_beside_is_no_code_of_the_folder(laid: Path, name: str) -> None:
    cwd, way = UNSEEN[name]
    with running(*way(laid.parent.parent, laid), cwd=laid.parent / cwd) as pid:
        assert runs(pid, laid) == []


DECOY = """
import os, sys
ready, told = os.pipe()
if os.fork():
    os.read(ready, 1)
    os.execv(sys.executable, [sys.executable, *sys.argv[2:]])
os.chroot(sys.argv[1])
os.chdir("/")
os.write(told, b".")
sys.stdin.read()
"""


def test_one_process_with_a_root_of_its_own_hides_no_mount_from_the_next(laid: Path) -> None:
    place = laid.parent.parent
    argv = ("unshare", "-Urm", "sh", "-c", BIND, f"{laid}/vox_dialler", f"{place}/m4", PYTHON, "-c", DECOY, f"{place}/empty")
    with running(*argv, "-c", WAITS, f"{place}/m4", cwd=laid.parent / "lab") as pid:
        decoy = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0]
        marks = probe.Marks(frozenset({str(laid)}))
        assert probe.process(decoy, probe.Cgroups(), 0.0, marks)["runs"] in ([], [str(laid)])
        assert marks.space_of(decoy) != marks.space_of(str(pid))
        assert probe.process(str(pid), probe.Cgroups(), 0.0, marks)["runs"] == [str(laid)]


LAID_OVER = """
import os, subprocess, sys
of_service, place, other = sys.argv[1:]
os.makedirs(f"{place}/x")
open(f"{place}/x/y", "w").close()
subprocess.run(["mount", "--bind", of_service, f"{place}/x/y"], check=True)
print(end=".", flush=True)
sys.stdin.readline()
subprocess.run(["mount", "-t", "tmpfs", "none", f"{place}/x"], check=True)
os.symlink(other, f"{place}/x/y")
print(end=".", flush=True)
sys.stdin.read()
"""


def test_nothing_that_is_laid_over_a_mount_is_taken_for_a_service_s(laid: Path) -> None:
    """By a link there all that is on a host would run a service's code, and another service's would be this one's."""
    other, place = laid.parent / "vox-other", laid.parent.parent / "a" / "over"
    other.mkdir()
    gone = laid / "old.py"
    gone.touch()
    argv = ["unshare", "-Urm", PYTHON, "-c", LAID_OVER, str(gone), str(place), str(other)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, user=STRANGER, group=STRANGER) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        assert child.stdout.read(1) == b"."
        gone.unlink()  # as a checkout does with each file that is another
        child.stdin.write(b"\n")
        child.stdin.flush()
        assert child.stdout.read(1) == b"."
        marks = probe.Marks(frozenset({str(laid), str(other)}))
        marks.space_of(str(child.pid))
        child.kill()
    row = other.stat()
    assert marks.marks[row.st_dev, row.st_ino] == str(other)


UNLINKED = f"""
import mmap, os, shutil, sys
shutil.copy(sys.argv[1], sys.argv[2])
with open(sys.argv[2], "rb") as file:
    held = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ | mmap.PROT_EXEC)
os.unlink(sys.argv[2])
if sys.argv[3:]:
    shutil.copy("/bin/sh", sys.argv[2])
{WAITS}
"""


@pytest.mark.parametrize("another", [(), ("another",)])
def test_a_library_makes_a_program_python_whatever_has_its_path_by_now(laid: Path, another: tuple[str, ...]) -> None:
    """What it has mapped the kernel still has: a copied library may be removed as soon as it is loaded."""
    library = laid.parent.parent / "a" / "worker.so"
    words = (PYTHON, "-c", UNLINKED, str(Path(PYTHON).resolve()), str(library), *another)
    with running(*words, cwd=laid.parent / "lab") as pid:
        rows = [row for row in probe.mapped_to_run(str(pid)) if row.path.startswith(str(library))]
        assert rows
        marks = probe.Marks(frozenset({str(laid)}))
        for kind in ("", "roots"):
            assert marks.programs.python_in(str(pid), marks.space_of(str(pid)), rows, kind) == "whole"


def test_what_an_account_may_not_look_into_is_not_looked_into_for_it(laid: Path) -> None:
    """Nobody has a folder of root's searched by a process of his own."""
    place = laid.parent.parent
    (place / "lib").chmod(0o700)
    with running(*given(place, PYTHONPATH="{at}/lib"), cwd=laid.parent / "lab") as pid:
        assert runs(pid, laid) == []
    secret = place / "v" / "lib" / "python3.11" / "site-packages" / "x.pth"
    secret.chmod(0o600)
    with running("/bin/sh", "-c", 'exec "$@"', "-", f"{place}/v/bin/python", "-S", "-c", WAITS, cwd=laid.parent / "lab") as pid:
        assert runs(pid, laid) == []


@pytest.mark.parametrize("words", [
    ("-B", "x.py", "-c", "y"), ("-X", "dev", "x.py"), ("-Xdev", "x.py"), ("-W", "ignore", "-BW", "error", "x.py"),
    ("--check-hash-based-pycs", "never", "x.py"), ("-IEs", "x.py"),
])  # fmt: skip
def test_the_script_is_the_first_word_that_is_no_option(words: tuple[str, ...]) -> None:
    assert probe.script_of(["python3", *words]) == "x.py"


@pytest.mark.parametrize("words", [(), ("-",), ("-c", "x.py"), ("-m", "x.py"), ("-Bm", "x"), ("-mx",), ("-i", "-c", "x", "y.py")])
def test_without_a_script_python_searches_where_it_was_started(words: tuple[str, ...]) -> None:
    assert probe.script_of(["python3", *words]) is None


def test_an_account_s_own_packages_are_where_its_home_is_whatever_its_variables_leave_out(laid: Path) -> None:
    """Python asks for the home of its account where HOME is not set."""
    asked: list[str] = []

    class Told(probe.Search):  # type: ignore[misc] # of the joined probe
        def sites_of(self, prefix: str, *_: object) -> list[str]:
            asked.append(prefix)
            return []

    probe.sites([PYTHON], "/", {}, Told(probe.Marks(frozenset({str(laid)})), str(os.getpid()), os.getuid()))
    assert asked == [f"{pwd.getpwuid(os.getuid()).pw_dir}/.local"]


@pytest.mark.parametrize("variable", ["PATH", "PYTHONPATH"])
def test_who_names_too_many_folders_may_run_any_code(folder: Path, variable: str) -> None:
    """Each costs root a look there, and a process has room for tens of thousands of them."""
    several, many = ({variable: ":".join(["/usr/bin", *(f"/{number}" for number in range(count))])} for count in (500, 1500))
    start = ("/bin/sh", "-c", 'exec "$0" "$@"', "python3", "-c", WAITS)
    with running(*start, env=several) as pid:
        assert runs(pid, folder) == []
    with running(*start, env=many) as pid:
        row = probe.process_if_there(str(pid), probe.Cgroups(), 0.0, probe.Marks(frozenset({str(folder)})))
        assert row["runs"] == [str(folder)]


def test_no_number_of_names_in_a_folder_hides_where_python_comes_to_from_it(laid: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder lists what lies in it in any order, and files without content cost an account nothing."""
    monkeypatch.setattr(probe, "NAMES_AT_MOST", 0)  # of a folder of the service's
    place = laid.parent.parent
    for argv, cwd in (((PYTHON, "-c", WAITS), place / "lib"), ((f"{place}/v/bin/python", "-c", WAITS), laid.parent / "lab")):
        with running(*argv, cwd=cwd) as pid:
            assert runs(pid, laid) == [str(laid)]
    with running(PYTHON, "-c", WAITS, cwd=laid.parent / "lab") as pid:
        assert runs(pid, laid) == []
        (laid.parent / "lab" / "one.txt").touch()
        (laid.parent / "lab" / "other.txt").touch()
        monkeypatch.setattr(probe, "SEARCHED_NAMES_AT_MOST", 1, raising=False)
        assert runs(pid, laid) == sorted({str(laid), f"{laid}-other", "/opt/vox-other"})
