"""The probe takes nothing that the host needs: one at a time, bounded, and nothing of it is left when it ends."""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from tests.built import PROBE, probe

from .conftest import service

ROOT = Path(__file__).resolve().parents[3]
REQUEST = json.dumps({"format": 1, "services": [], "asked": "words"}).encode()
LOADER = """
import os, re, resource, signal, sys
source = open(sys.argv[1], "rb").read()
names = {"PROGRAM": source, "__name__": "probe"}
exec(compile(source, "probe", "exec"), names)
names["LOCK"] = sys.argv[2]
exec(sys.argv[3], names)
os._exit(names["main"](re.compile("/.*")))
"""


def started(code: str, place: Path, **more: Any) -> subprocess.Popen[bytes]:
    """The real program, with what ``code`` changes in it; its lock lies in ``place``."""
    argv = [sys.executable, "-I", "-c", LOADER, str(PROBE), str(place / "lock"), code]
    return subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd="/", **more)


def ended(code: str, place: Path, timeout: float = 60, **more: Any) -> tuple[int, dict[str, Any]]:
    """Its exit status and its document, empty where it printed none."""
    with started(code, place, **more) as process:
        out, _ = process.communicate(REQUEST, timeout=timeout)
    return process.returncode, json.loads(out) if out else {}


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_whoever_calls_chooses_no_other_machine(tmp_path: Path) -> None:
    """By that name the kernel's calls have their numbers: of another machine's none of them takes an account's eyes."""
    code = "print(__import__('os').uname().machine, file=sys.stderr) if limit_ourselves() is None else 0; os._exit(0)"
    argv = ["setarch", "linux32", "--uname-2.6", sys.executable, "-I", "-c", LOADER, str(PROBE), str(tmp_path / "lock"), code]
    ended_so = subprocess.run(argv, capture_output=True, check=True, timeout=60)
    assert ended_so.stderr.decode().strip() == os.uname().machine


def running(mark: str) -> list[int]:
    """The processes that have a word among their arguments."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                words = (folder / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if mark.encode() in words:
                found.append(int(folder.name))
    return found


LEAVES = """
def told_of(services, request):
    run(["sh", "-c", "setsid -f sh -c 'setsid -f sleep {mark}; exec sleep {mark}' <&- >/dev/null 2>&1"], 5)
    {then}
    return {{}}
"""


@pytest.mark.parametrize(
    ("then", "status"), [("pass", 0), ("time.sleep(50)", 128 + signal.SIGALRM), ("os.kill(os.getpid(), 9)", 137)]
)
def test_nothing_that_it_started_is_left_however_it_ends(place: Path, then: str, status: int) -> None:
    mark = f"300.{os.getpid()}"
    found, _ = ended(f"ALARM = 3\n{LEAVES.format(mark=mark, then=then)}", place)
    assert found == status
    assert running(mark) == []


BREEDS = """
import os, resource, sys, time
until = time.monotonic() + 20
resource.setrlimit(resource.RLIMIT_NPROC, (150, 150))
def fork():
    try:
        return os.fork()
    except OSError:
        return -1
if fork() == 0:
    os.setsid()
    os.closerange(0, 3)
    while time.monotonic() < until:
        if fork() > 0 and fork() != 0:
            os._exit(0)
"""


def test_what_breeds_faster_than_it_is_found_ends_all_the_same(place: Path) -> None:
    mark = f"breeds-{os.getpid()}"
    argv = ["/usr/bin/python3", "-IS", "-c", BREEDS, mark]
    status, told = ended(f"def told_of(*_):\n    return {{'status': run({argv!r}, 9, apart=True).status}}", place)
    assert (status, told["status"]) == (0, 0)
    assert running(mark) == []


def test_all_of_a_user_end_and_nothing_of_anybody_else() -> None:
    mark = f"303.{os.getpid()}"
    number = probe.nobody_elses(probe.uids_here())
    theirs = subprocess.Popen(["sleep", mark], user=number, group=number, extra_groups=[])
    others = [subprocess.Popen(["sleep", mark], user=user) for user in ("nobody", "root")]
    try:
        probe.end_all_of(number)
        assert theirs.wait(10) == -signal.SIGKILL
        assert [one.poll() for one in others] == [None, None]
    finally:
        for one in (theirs, *others):
            one.kill()
            one.wait()


PTRACE_SEIZE, PTRACE_DETACH = 0x4206, 17
HANGS = """
def told_of(*_):
    open({mark!r}, "w").write(str(os.getpid()))
    while os.path.exists({mark!r}):
        time.sleep(0.01)
    {then}
    return {{}}
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
@pytest.mark.parametrize(("then", "status"), [("pass", 0), ("time.sleep(50)", 137), ("os.kill(os.getpid(), 9)", 137)])
def test_what_does_not_end_is_not_waited_for(place: Path, then: str, status: int) -> None:
    """As where a thread of it hangs in the kernel: one that is traced is as dead, and there, until who traces it hears of it."""
    mark = place / "traced"
    ptrace = ctypes.CDLL(None, use_errno=True).ptrace
    ptrace.argtypes = [ctypes.c_long] * 4
    with started(f"ALARM, LEFT = 20, 0.5\n{HANGS.format(mark=str(mark), then=then)}", place) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(REQUEST)
        process.stdin.close()
        while not mark.exists() or not mark.read_text():
            time.sleep(0.01)
        pid = int(mark.read_text())
        assert ptrace(PTRACE_SEIZE, pid, 0, 0) == 0, os.strerror(ctypes.get_errno())
        try:
            if "sleep" in then:
                process.terminate()
            mark.unlink()
            assert process.wait(30) == status
            assert Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0] == b"Z"
            process.stdout.read()  # to its end
        finally:
            os.waitpid(pid, 0x40000000)  # __WALL


LOCKS = """
import fcntl, sys, time
files = [open(path, "w") for path in sys.argv[1:]]
for one in files:
    fcntl.flock(one, fcntl.LOCK_EX)
print(flush=True)
time.sleep(300)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_where_looks_hang_there_are_no_more_of_them_than_a_few(place: Path) -> None:
    paths = [f"{place}/lock.{number}" for number in range(probe.HANGING_AT_MOST)]
    with subprocess.Popen([sys.executable, "-c", LOCKS, *paths], stdout=subprocess.PIPE) as others:
        assert others.stdout
        others.stdout.readline()
        status, told = ended("LEFT = 0.3", place)
        others.kill()
    assert (status, told["error"]["kind"]) == (2, "failed")
    assert told["error"]["text"].startswith("4 earlier looks hang in the kernel")
    assert ended("LEFT = 0.3", place)[0] == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
@pytest.mark.parametrize("hangs", [True, False])
def test_a_look_counts_as_long_as_a_thread_of_it_is_there(place: Path, *, hangs: bool) -> None:
    begins = "Job(lambda: time.sleep(40))" if hangs else "pass"
    with started(f"def told_of(*_):\n    {begins}\n    return {{'long': 'x' * 1000000}}", place) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(REQUEST)
        process.stdin.close()
        process.stdout.read(1)  # it writes, and the rest does not fit into a pipe
        with (place / "lock.0").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                assert hangs
            else:
                assert not hangs
        process.kill()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_a_look_counts_as_long_as_it_writes_to_a_file(place: Path) -> None:
    """That may lie on a file system of the caller's own, which does not answer: of such a write nobody ends the waiting."""
    waits = f"sys.stdout.flush = lambda: (open('{place}/writes', 'w').close(), time.sleep(40))"
    code = f"def told_of(*_):\n    {waits}\n    return {{}}"
    argv = [sys.executable, "-I", "-c", LOADER, str(PROBE), str(place / "lock"), code]
    with (place / "out").open("w") as out, subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=out, cwd="/") as process:
        assert process.stdin
        process.stdin.write(REQUEST)
        process.stdin.close()
        while not (place / "writes").exists():
            time.sleep(0.01)
        with (place / "lock.0").open("w") as file, pytest.raises(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        process.terminate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGALRM])
def test_a_signal_after_the_work_kills_nobody(place: Path, number: int) -> None:
    """The number of what did the work is free by then, and may be given to somebody else's process."""
    code = f"def told_of(*_):\n    return {{}}\ndef end_what_is_left():\n    os.kill(os.getpid(), {int(number)})"
    assert ended(code, place)[0] == 0


def test_who_ends_the_one_that_waits_ends_it_all(place: Path) -> None:
    mark = f"301.{os.getpid()}"
    with started(LEAVES.format(mark=mark, then="time.sleep(50)"), place) as process:
        assert process.stdin
        process.stdin.write(REQUEST)
        process.stdin.close()
        while len(running(mark)) < 2:
            time.sleep(0.02)
        process.terminate()
        assert process.wait(30) == 137
    assert running(mark) == []


def test_an_alarm_that_a_caller_ignores_ends_it_still(place: Path) -> None:
    code = "for one in (signal.SIGALRM, signal.SIGCHLD): signal.signal(one, signal.SIG_IGN)\n"
    code += "signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})\nALARM = 1\n"
    began = time.monotonic()
    assert ended(f"{code}def told_of(*_):\n    time.sleep(50)", place)[0] == 128 + signal.SIGALRM
    assert time.monotonic() - began < 40


def test_a_child_that_fails_has_failed_whatever_a_caller_ignores(place: Path) -> None:
    code = "signal.signal(signal.SIGCHLD, signal.SIG_IGN)\ndef told_of(*_):\n    return {'status': run(['false'], 5).status}"
    assert ended(code, place)[1]["status"] == 1


TOLD = """
def told_of(*_):
    import ctypes
    get = {"x86_64": 252, "aarch64": 31}[os.uname().machine]
    return {"limits": {str(int(one)): resource.getrlimit(one) for one in LIMITS}, "nice": os.getpriority(os.PRIO_PROCESS, 0),
            "space": resource.getrlimit(resource.RLIMIT_AS)[0], "io": ctypes.CDLL(None).syscall(get, 1, 0) >> 13,
            "cwd": os.getcwd(), "oom": content("/proc/self/oom_score_adj").decode(),
            "child": run(["sh", "-c", "ulimit -c; ulimit -d; nice"], 5).out.split()}
"""


def test_it_is_nice_idle_and_bounded_and_so_is_what_it_starts(place: Path) -> None:
    low = "for one in (resource.RLIMIT_NOFILE, resource.RLIMIT_FSIZE, resource.RLIMIT_NPROC):\n"
    low += "    resource.setrlimit(one, (9, resource.getrlimit(one)[1]))\n"
    low += "resource.setrlimit(resource.RLIMIT_AS, (500 << 20, resource.getrlimit(resource.RLIMIT_AS)[1]))\n"
    status, told = ended(f"{low}{TOLD}", place)
    assert status == 0
    assert (told["nice"], told["io"], told["cwd"], told["oom"]) == (10, 3, "/", "1000\n")
    for which, most in probe.LIMITS.items():
        soft, hard = told["limits"][str(int(which))]
        assert soft == most or (soft == hard < most)  # a container's root raises no hard limit
    assert told["space"] == resource.getrlimit(resource.RLIMIT_AS)[1]
    assert told["child"] == ["0", str((1 << 30) >> 10), "10"]


def test_a_second_look_waits_and_then_says_so(place: Path) -> None:
    with (place / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        status, told = ended("LOCK_DEADLINE = 0.3", place)
        if os.geteuid() == 0:
            assert (status, told["error"]["kind"]) == (2, "timeout")
            assert told["error"]["text"].startswith("another look at this host was not done")
        fcntl.flock(file, fcntl.LOCK_UN)
    assert ended("LOCK_DEADLINE = 0.3", place)[0] == 0


WAITS = """
clock, passed = time.monotonic, [0.0]
time.monotonic = lambda: clock() + passed[0]
def alone():
    passed[0] = 1000.0  # seconds, which others take
"""


def test_how_long_it_waited_is_said_apart_from_how_long_it_took(place: Path) -> None:
    """Else a clock is off by what others took, and the page that was asked for meanwhile is too old."""
    told = ended(WAITS, place)[1]["probe"]
    assert told["waited"] >= 1000 > told["seconds"]


def test_a_caller_that_does_not_read_keeps_nobody_waiting(place: Path) -> None:
    with started("def told_of(*_):\n    return {'long': 'x' * 1000000}", place) as process:
        assert process.stdin
        process.stdin.write(REQUEST)
        process.stdin.close()
        assert process.stdout
        process.stdout.read(1)  # it writes, and the rest does not fit into a pipe
        assert ended("LOCK_DEADLINE = 5", place)[0] == 0
        process.kill()


def test_a_program_that_says_too_much_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "OUTPUT", 1 << 20)
    began = time.monotonic()
    with pytest.raises(probe.Trouble, match="said more than 1048576 bytes"):
        probe.run(["yes", "x"], 50)
    assert time.monotonic() - began < 40


def test_what_is_given_and_what_is_said_may_be_long() -> None:
    given = os.urandom(5_000_000)
    said = probe.run(["sha256sum", "-"], 50, given=given).out
    assert said.split()[0] == __import__("hashlib").sha256(given).hexdigest()
    assert len(probe.run(["head", "-c", "3000000", "/dev/zero"], 50).out) == 3_000_000


def test_what_is_too_long_is_no_part_of_itself(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"a" * 100)
    assert probe.content(str(path), 100) == b"a" * 100
    with pytest.raises(probe.Trouble, match="over 99 bytes"):
        probe.content(str(path), 99)
    with pytest.raises(probe.Trouble, match="over 1000000 bytes"):
        probe.content("/dev/zero", 1_000_000)


def test_a_table_of_too_many_rows_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "ROWS_AT_MOST", 3)
    (tmp_path / "x").write_text("a\nb\nc\n")
    assert len(list(probe.rows_of(str(tmp_path / "x")))) == 3
    (tmp_path / "x").write_text("a\nb\nc\nd")
    with pytest.raises(probe.Trouble, match="over 3 rows"):
        list(probe.rows_of(str(tmp_path / "x")))


def test_an_answer_that_drips_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "ROWS_AT_MOST", 50)
    ours, theirs = socket.socketpair()
    stop = threading.Event()

    def drip() -> None:
        while not stop.is_set():
            try:
                theirs.send(b"x")
            except OSError:
                return

    dripping = threading.Thread(target=drip)
    with ours, theirs:
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        dripping.start()
        with pytest.raises(ValueError):  # noqa: PT011 - it says nothing
            probe.answer_of(ours)
        stop.set()
        ours.close()
        dripping.join()


def caches(folder: Path) -> set[str]:
    """The names that lie in it."""
    return {path.name for path in folder.iterdir()}


def test_the_cache_cannot_be_made_to_grow(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if os.geteuid() != 0:  # nothing is kept
        probe.prune()
        return
    cache, opt = place / "cache", place / "opt"
    monkeypatch.setattr(probe, "CACHE", str(cache))
    monkeypatch.setattr(probe, "OPT", str(opt))
    (opt / "here").mkdir(parents=True)
    for name in ("any", "name", "of", "a-caller"):
        kept = probe.HashCache("tree", service(opt / "here", name=name))
        kept.seen = {"x": [name]}
        kept.keep()
    assert caches(cache) == {"tree.here.json"}
    for name in ("backend.json", "tree.gone.json", "tree.here.json.4711", "other.here.json", "code.here.json"):
        (cache / name).write_text("{}")
    probe.prune()
    assert caches(cache) == {"tree.here.json", "code.here.json"}
    monkeypatch.setattr(probe, "CACHE_BYTES", 40)
    (cache / "code.here.json").write_text("x" * 30)
    os.utime(cache / "tree.here.json", (1, 1))
    probe.prune()
    assert caches(cache) == {"code.here.json"}
    kept = probe.HashCache("tree", service(opt / "here"))
    kept.seen = {"x": ["y" * 100]}
    kept.keep()
    assert caches(cache) == {"code.here.json"}


def test_no_expression_of_the_probe_begins_with_blanks_of_many_lines() -> None:
    """At each line's beginning such a one looks at all that follows: of n empty lines n times n."""
    source = PROBE.read_text()
    assert [line for line in source.splitlines() if re.search(r"r?b?\"+\(?\??:?\^\\s", line)] == []


def test_who_asks_slowly_is_not_waited_for(place: Path) -> None:
    began = time.monotonic()
    with started("ASKING = 0.5", place) as process:
        assert process.stdout
        told = json.loads(process.stdout.read())
        assert process.wait(30) == 2
    assert told["error"] == {"kind": "timeout", "text": "request refused: it had no end after 0 s"}
    assert time.monotonic() - began < 20


def test_the_place_is_taken_before_a_word_is_read(place: Path) -> None:
    if os.geteuid() != 0:  # there is none
        return
    with started("ASKING = 30.0", place) as slow:
        while not (place / "lock").exists():
            time.sleep(0.02)
        status, told = ended("LOCK_DEADLINE = 0.3", place)
        assert (status, told.get("error", {}).get("kind")) == (2, "timeout")
        assert told["error"]["text"].startswith("another look at this host was not done")
        slow.communicate(REQUEST, timeout=60)
        assert slow.returncode == 0


HIDDEN = """
mount -o remount,hidepid=2,gid=65534 /proc
exec setpriv --bounding-set -sys_ptrace --inh-caps -sys_ptrace "$@"
"""
SLOW = """
import os, sys, time
sys.path.insert(0, sys.argv[1])
from voxgate.probe.limits import supervised
def work():
    os.seteuid(65534)  # the kernel shows such a process to nobody without rights over others
    os.seteuid(0)
    time.sleep(1.5)
    return 7
sys.exit(supervised(work, 20))
"""


def test_a_look_that_takes_long_is_waited_for_where_proc_hides_it(tmp_path: Path) -> None:
    """A hardened host: its /proc hides processes, and whoever comes by sshd has lost the right to see them all the same."""
    argv = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-euc", HIDDEN, "sh", sys.executable, "-c", SLOW]
    ended = subprocess.run([*argv, str(ROOT)], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stderr) == (7, "")
