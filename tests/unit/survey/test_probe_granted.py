"""The probe on what a process is granted: real processes, and cgroups and unit files as they lie in a folder."""

from __future__ import annotations

import os
import resource
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from tests.built import probe


@contextmanager
def sleeping(before: Callable[[], object] = lambda: None) -> Iterator[str]:
    """A process that does nothing, after it was limited."""
    with subprocess.Popen(["/bin/sleep", "60"], preexec_fn=before) as process:  # noqa: PLW1509 - what is limited is the child
        try:
            yield str(process.pid)
        finally:
            process.kill()


def usual() -> None:
    """As systemd starts a service that nobody limits, on this machine."""
    os.setpriority(os.PRIO_PROCESS, 0, 0)
    Path("/proc/self/oom_score_adj").write_text("0")


@pytest.mark.parametrize(
    ("change", "seen"),
    [
        (partial(resource.setrlimit, resource.RLIMIT_NOFILE, (64, 64)), "open files 64, not 1024"),
        (partial(resource.setrlimit, resource.RLIMIT_AS, (1 << 30, 1 << 30)), "address space 1073741824, not unlimited"),
        (lambda: os.nice(7), "nice 7"),
        (lambda: os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0)), "1 of 1 threads run only when no other wants to"),
        (lambda: Path("/proc/self/oom_score_adj").write_text("500"), "killed for memory before others (oom_score_adj 500)"),
    ],
)
def test_what_was_taken_from_a_process_is_seen(change: Callable[[], object], seen: str) -> None:
    with sleeping(lambda: all(one() or True for one in (usual, change))) as pid:
        assert [less for less in probe.less_than_usual(pid, "/", ()) if less.startswith(seen)]


def test_a_process_that_nobody_limits_has_nothing_less(monkeypatch: pytest.MonkeyPatch) -> None:
    with sleeping(usual) as pid:
        monkeypatch.setattr(probe, "usual_limits", lambda: probe.limits_of(pid))
        assert not [less for less in probe.less_than_usual(pid, "/", ()) if not less.startswith("disks")]


def test_what_the_units_own_files_say_is_usual_and_less_than_that_is_not(tmp_path: Path) -> None:
    own = tmp_path / "x.service"
    few = partial(resource.setrlimit, resource.RLIMIT_NOFILE, (256, 256))
    with sleeping(lambda: all(one() or True for one in (usual, few, partial(os.nice, 3)))) as pid:
        own.write_text("[Service]\nLimitNOFILE=256:512\nNice=3\n")
        assert not [one for one in probe.less_than_usual(pid, "/", [str(own)]) if one.startswith(("open files", "nice"))]
        own.write_text("[Service]\nLimitNOFILE=4096\n")
        found = probe.less_than_usual(pid, "/", [str(own)])
        assert {"open files 256, not 4096", "nice 3"} <= set(found)


def test_no_host_gives_more_than_it_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = tmp_path / "x.service"
    own.write_text("[Service]\nLimitNOFILE=65536\n")
    held = probe.limits_of
    monkeypatch.setattr(
        probe, "limits_of", lambda pid, hard=False: {**held(pid, hard=hard), **({"Max open files": 2e4} if hard else {})}
    )
    with sleeping(partial(resource.setrlimit, resource.RLIMIT_NOFILE, (20_000, 20_000))) as pid:
        assert not [one for one in probe.less_than_usual(pid, "/", [str(own)]) if one.startswith("open files")]


@pytest.mark.parametrize(
    ("name", "value", "limits"),
    [
        ("cpu.max", "5000 100000", True),
        ("cpu.max", "max 100000", False),
        ("cpu.weight", "1", True),
        ("cpu.weight", "100", False),
        ("cpu.idle", "1", True),
        ("cpu.idle", "0", False),
        ("memory.high", "157286400", True),
        ("memory.max", "max", False),
        ("pids.max", "8", True),
        ("pids.max", "14454", False),
        ("io.max", "8:0 rbps=1048576 wbps=max riops=max wiops=max", True),
        ("io.max", "", False),
        ("io.weight", "default 10", True),
        ("io.weight", "default 100", False),
        ("cpuset.cpus", "0", True),
        ("cpuset.cpus", "", False),
    ],
)
def test_each_cgroup_up_to_the_root_is_read(
    name: str,
    value: str,
    limits: bool,  # noqa: FBT001 - a column of the table
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(probe, "CGROUPS", str(tmp_path))
    monkeypatch.setattr(probe, "cgroup_lines", lambda _: {"": "/lxc/h1/system.slice/x.slice/x@1.service"})
    for place in ("lxc/h1/system.slice/x.slice/x@1.service", "lxc/h1/system.slice", "lxc/h1"):
        folder = tmp_path / place
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(value + "\n")
    found = list(probe.of_cgroups("1", "/system.slice/x.slice/x@1.service", {}))
    assert [one.split(" is ")[0] for one in found] == ([f"{name} of x@1.service", f"{name} of system.slice"] if limits else [])
    key = probe.OF_CGROUPS[name]
    found = list(probe.of_cgroups("1", "/system.slice/x.slice/x@1.service", {key: "5%"}))
    assert [one.split(" is ")[0] for one in found] == ([f"{name} of system.slice"] if limits else []), "its unit says so"


@pytest.mark.parametrize(
    ("folder", "text", "seen"),
    [
        ("system-voxcore.slice.d", "[Slice]\nCPUQuota=5%\n", "CPUQuota=5% of system-voxcore.slice in {}"),
        ("system-.slice.d", "[Slice]\nMemoryHigh=20M\n", "MemoryHigh=20M of system-voxcore.slice in {}"),
        ("slice.d", "[Slice]\nIOWeight=1\n", "IOWeight=1 of system-voxcore.slice in {}"),
        ("system-voxcore.slice.d", "[Slice]\nCPUAccounting=yes\nMemoryLow=1G\nCPUWeight=500\nMemoryMax=infinity\n", ""),
        ("user-.slice.d", "[Slice]\nMemoryMax=80%\n", ""),
    ],
)
def test_what_a_slice_is_given_on_the_disk_is_seen(
    folder: str, text: str, seen: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe, "UNIT_FOLDERS", (str(tmp_path),))
    (tmp_path / folder).mkdir()
    path = tmp_path / folder / "50-less.conf"
    path.write_text(text)
    probe.of_slice.cache_clear()
    found = [
        one for name in probe.slices_of("/system.slice/system-voxcore.slice/voxcore@1.service") for one in probe.of_slice(name)
    ]
    probe.of_slice.cache_clear()
    assert [one for one in found if "voxcore" in one] == ([seen.format(path)] if seen else [])


def test_who_looks_into_a_process_is_seen() -> None:
    assert probe.tracer_of(os.getpid()) == 0
    traces = "import ctypes, signal, sys; ctypes.CDLL(None).ptrace(0x4206, int(sys.argv[1]), 0, 0); print(1, flush=True)"
    traces += "; signal.pause()"
    with sleeping() as pid, subprocess.Popen(["/usr/bin/python3", "-I", "-c", traces, pid], stdout=subprocess.PIPE) as tracer:
        assert tracer.stdout is not None
        tracer.stdout.readline()
        seen = probe.tracer_of(pid)
        tracer.kill()
    assert seen == tracer.pid
    threads = "import signal, threading; one = threading.Thread(target=signal.pause); one.start()"
    threads += "; print(one.native_id, flush=True)"
    with subprocess.Popen(["/usr/bin/python3", "-I", "-c", threads], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        argv = ["/usr/bin/python3", "-I", "-c", traces, process.stdout.readline().strip()]
        with subprocess.Popen(argv, stdout=subprocess.PIPE) as tracer:
            assert tracer.stdout is not None
            tracer.stdout.readline()
            seen = probe.tracer_of(process.pid)
            tracer.kill()
        process.kill()
    assert seen == tracer.pid
