"""What is judged is decided from raw facts, and root's probe reads to nobody what is not his."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.built import probe

from .conftest import service


@contextmanager
def running(*argv: str, cwd: Path, **env: str) -> Iterator[int]:
    """A process that lives as long as the block."""
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=cwd, env={**os.environ, **env}) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        assert child.stdout.read(1) == b"."  # it is what it was told to be by now
        yield child.pid
        child.stdin.close()


WAITS = "import sys; print(end='.', flush=True); sys.stdin.read()"


def runs(pid: int, folder: Path) -> list[str]:
    """Which of these folders the probe says that a process runs code of."""
    rows = probe.processes(frozenset({str(folder), "/opt/vox-other"}))
    return next(row["runs"] for row in rows if row["pid"] == pid)


@pytest.fixture
def unrelated(tmp_path: Path) -> Path:
    """A folder that is no service's."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    return folder


def test_python_is_found_by_its_words_its_place_and_its_variables(
    checkout: Path, unrelated: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe, "descendants", lambda _rows, pids: pids)  # here it is we who start them
    python, inside = sys.executable, [str(checkout)]
    for words in (
        (f"{checkout}/x.py",),
        (f"--path={checkout}//x",),
        ("x", *"y" * 200, f"{checkout}/./x"),
        (f"/proc/self/root{checkout}/",),
    ):
        with running(python, "-c", WAITS, *words, cwd=unrelated) as pid:
            assert runs(pid, checkout) == inside, words
    with running(python, "-c", WAITS, cwd=checkout) as pid:
        assert runs(pid, checkout) == inside
    with running(python, "-c", WAITS, cwd=unrelated, PYTHONPATH=f"/x:{checkout}") as pid:
        assert runs(pid, checkout) == inside
    with running(python, "-c", WAITS, f"{checkout}-other/x", cwd=unrelated, OTHER=f"{checkout}/x") as pid:
        assert runs(pid, checkout) == []


def test_a_program_of_the_folder_is_found_under_any_name(
    checkout: Path, unrelated: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe, "descendants", lambda _rows, pids: pids)
    program = checkout / "speech"
    program.write_bytes(Path("/bin/sh").resolve().read_bytes())
    program.chmod(0o755)
    with running(str(program), "-c", "printf .; read x", cwd=unrelated) as pid:
        assert runs(pid, checkout) == [str(checkout)]


def test_no_value_of_env_changes_what_a_process_runs(checkout: Path) -> None:
    request = '{"services": [], "folders": ["/opt/vox-agents"]}'
    for value in ("agents/", "vox-agents/", "/opt/vox", "/vox-agents", "opt/vox-agents/.venv"):
        (checkout / ".env").write_text(f"A_SECRET={value}\n")
        cutter = probe.Cutter(probe.secrets([service(checkout)], request))
        row = {"argv": ["python3", "/opt/vox-agents/x"], "runs": ["/opt/vox-agents"]}
        assert cutter.clean(row)["runs"] == ["/opt/vox-agents"], value


def test_a_name_in_use_is_no_secret_in_names(checkout: Path) -> None:
    process = {
        "user": "vox",
        "command": "speech-Gateway2",
        "unit": "",
        "exe": "/srv/Speech-Models7/bin/x",
        "cwd": None,
        "cgroup": "/",
    }
    document = {"sections": {"units": {"value": {"voxcore@4.service": {}}}, "processes": {"value": [process]}}}
    names = probe.names_in_use(document, [service(checkout)])
    values = ["voxcore@4.service", "speech-Gateway2", "Speech-Models7/bin/", "Real-Secret-1234"]
    cutter = probe.Cutter(values, names)
    assert cutter.clean({"exe": "/srv/Speech-Models7/bin/x", "unit": "voxcore@4.service"}) == {
        "exe": "/srv/Speech-Models7/bin/x",
        "unit": "voxcore@4.service",
    }
    assert cutter.clean({"exe": "/x/Real-Secret-1234"}) == {"exe": "/x/[cut]"}
    assert cutter.clean({"argv": ["--x=speech-Gateway2"]}) == {"argv": ["--x=[cut]"]}


def test_the_mark_cannot_be_forged_nor_a_name_be_too_long_to_be_seen() -> None:
    cutter = probe.Cutter(["Real-Secret-1234"])
    assert cutter.clean({"[cut]": ["[cut]", "[cut-1]", "[cut!]"]}) == {"[cut!]": ["[cut!]", "[cut!-1]", "[cut!!]"]}
    assert cutter.text("[cuReal-Secret-1234t]") == "[cu[cut]t]"
    assert probe.Cutter([]).text("x" * 2001).endswith("[cut]")
    assert probe.Cutter([]).text("x" * 2001, free=True).endswith("[...]")


def test_words_are_of_units_that_run_what_the_caller_has_put_here(checkout: Path, unrelated: Path) -> None:
    folder, uid = str(checkout), os.getuid()
    inside = {"ExecStart": f"{{ path={folder}/.venv/bin/python ; argv[]=x ; }}", "WorkingDirectory": ""}
    assert probe.is_callers(inside, folder, uid)
    assert probe.is_callers({"ExecStart": "", "WorkingDirectory": folder}, folder, uid)
    assert not probe.is_callers(inside, folder, uid + 1)
    assert not probe.is_callers(
        {"ExecStart": f"{{ path=/usr/sbin/sshd ; argv[]={folder}/ ; }}", "WorkingDirectory": "/"}, folder, uid
    )
    assert not probe.is_callers({}, folder, uid)
    link = unrelated / "link"
    link.symlink_to(checkout)
    assert not probe.is_callers({"WorkingDirectory": str(link)}, str(link), uid)
