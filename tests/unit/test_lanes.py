"""The lanes of ``make ci``: each with a lab's network and mirrors of its own, and what several have is shared among them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.lab.sharing import FOLDER, taken, takes
from voxgate.contracts.estates import cache_folder

ROOT = Path(__file__).resolve().parents[2]
CONFTEST = """\
import pytest
from tests.lab.sharing import run_or_leave

@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item, nextitem):
    return run_or_leave(item, nextitem)

@pytest.fixture(scope="session", autouse=True)
def lab():
    print("the lab comes")
    yield
    print("the lab goes")

@pytest.fixture(scope="module", autouse=True)
def of_module(request):
    print("set up:", request.path.name)
    yield
"""
TESTS = """\
import os, time
from pathlib import Path
import pytest

@pytest.mark.parametrize("number", range(4))
def test_one(number):
    if number == 0:  # the other session has come, too
        Path("here", os.environ["VOXGATE_LAB"]).touch()
        until = time.monotonic() + 60
        while len(list(Path("here").iterdir())) < 2 and time.monotonic() < until:
            time.sleep(0.02)
"""
DRILLS, OTHERS = ("drills/test_a.py", "drills/test_b.py"), ("others/test_c.py", "others/test_d.py")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Modules of four tests; the first of each is a meeting, so that each of two sessions takes one of them."""
    for name in ("here", "taken", "drills", "others"):
        (tmp_path / name).mkdir()
    (tmp_path / "conftest.py").write_text(CONFTEST)
    for name in (*DRILLS, *OTHERS):
        (tmp_path / name).write_text(TESTS)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    return tmp_path


def said_by_two(folder: Path, *arguments: str) -> list[list[str]]:
    """Two sessions that share these tests, side by side: what each printed."""
    argv = [sys.executable, "-m", "pytest", "-v", "-s", "-p", "no:cacheprovider", *arguments]
    env = {**os.environ, FOLDER: str(folder / "taken"), "PYTHONPATH": str(ROOT)}
    said = []
    with ExitStack() as stack:
        sessions = [
            stack.enter_context(
                subprocess.Popen(
                    argv, cwd=folder, env=env | {"VOXGATE_LAB": name}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
                )
            )
            for name in ("lane1", "lane2")
        ]
        for one in sessions:
            text = one.communicate(timeout=120)[0]
            assert one.returncode == 0, text
            assert (text.count("the lab comes"), text.count("the lab goes")) == (1, 1), text
            said.append(text.splitlines())
    return said


def ran(lines: Sequence[str]) -> list[str]:
    """The tests of a session."""
    return [line.partition(" ")[0] for line in lines if "::test_one" in line]


def all_of(*modules: str) -> list[str]:
    """All tests of these."""
    return [f"{module}::test_one[{number}]" for module in modules for number in range(4)]


def test_each_drill_is_run_by_one_of_the_sessions_that_share_them(folder: Path) -> None:
    one, other = (ran(lines) for lines in said_by_two(folder, "drills"))
    assert one
    assert other
    assert sorted([*one, *other]) == all_of(*DRILLS)
    assert sum(taken(folder / "taken").values()) == 8


def test_of_other_tests_a_module_is_one_session_s(folder: Path) -> None:
    said = said_by_two(folder, "others")
    assert sorted(ran(lines) for lines in said) == [all_of(module) for module in OTHERS]
    assert sum(line.count("set up: ") for lines in said for line in lines) == 2
    assert taken(folder / "taken") == {"lane1": 1, "lane2": 1}


def test_who_asks_first_has_it(tmp_path: Path) -> None:
    assert takes(tmp_path, "a", "lane1")
    assert takes(tmp_path, "a", "lane1")
    assert not takes(tmp_path, "a", "lane2")
    assert takes(tmp_path, "b[x/y]", "lane2")
    assert taken(tmp_path) == {"lane1": 1, "lane2": 1}


MAKE = """#!/bin/sh
echo "$VOXGATE_LAB: $*"
ls {mirrors}
readlink /proc/self/ns/net
touch {mirrors}/of-$VOXGATE_LAB
case " $* " in *" faults "*) cat <<'END' && exit 2 ;; esac
lab  100.0 s    7/209 proved  a-fault-that-is-well              3.1 s  1 declared, 1 seen
lab  104.2 s    8/209 FAILED  a-fault                           3.1 s  2 declared, 1 seen
lab  104.2 s             not seen: unit-is-active[api-1]
lab  110.0 s  1 of 2 faults proved in 12 s
FAILED tests/lab/test_one.py::test_it - assert 1 == 2
make: *** [Makefile:120: faults] Error 1
END
"""


def test_each_lane_is_apart_and_one_that_fails_stops_no_other(tmp_path: Path) -> None:
    name = f"unit{os.getpid()}n"  # a lab of that name is taken down
    mirrors, make = cache_folder() / "mirrors", tmp_path / "make"
    before = sorted(mirrors.glob("of-*"))
    make.write_text(MAKE.format(mirrors=mirrors))
    make.chmod(0o755)
    argv = [sys.executable, "-m", "tests.lab.lanes", name, str(make), "end-to-end", "faults ordinary", "drills"]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    for folder in Path("/run").glob(f"voxgate-lab-{name}*"):  # where a lab that is no more had its lock
        shutil.rmtree(folder)
    lines = done.stdout.splitlines()
    assert done.returncode == 1, done.stdout + done.stderr
    said = [line for line in lines if ": --" in line]
    always = "--no-print-directory --keep-going --jobs=1"
    assert sorted(said) == [
        f"{name}1 | {name}1: {always} end-to-end",
        f"{name}2 | {name}2: {always} faults ordinary",
        f"{name}3 | {name}3: {always} drills",
    ]
    assert [line.partition(" after ")[0] for line in lines[-7:-4]] == [
        f"{name}1 ended well",
        f"{name}2 ended with 2",
        f"{name}3 ended well",
    ]
    again = [
        "lab  104.2 s    8/209 FAILED  a-fault                           3.1 s  2 declared, 1 seen",
        "lab  104.2 s             not seen: unit-is-active[api-1]",
        "FAILED tests/lab/test_one.py::test_it - assert 1 == 2",
        "make: *** [Makefile:120: faults] Error 1",
    ]
    assert lines[-4:] == [f"{name}2 was red: {line}" for line in again], "what was red is said once more, at the end"
    networks = {line.partition(" | ")[2] for line in lines if "net:[" in line}
    assert len(networks - {str(Path("/proc/self/ns/net").readlink())}) == 3, done.stdout
    assert not any("of-" in line for line in lines), done.stdout
    assert sorted(mirrors.glob("of-*")) == before


def test_a_lane_that_becomes_root_by_sudo_shares_all_the_same(tmp_path: Path) -> None:
    sudo = tmp_path / "sudo"
    sudo.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    sudo.chmod(0o755)
    program = "import os; os.geteuid = lambda: 1000; from lab import machine; machine.become_root(['apart', 'lane1', 'make'])"
    env = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", FOLDER: "/tmp/shared"}  # noqa: S108 - a word
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    assert f"{FOLDER}=/tmp/shared" in done.stdout.splitlines()
