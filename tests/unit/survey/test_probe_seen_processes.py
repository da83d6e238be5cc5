"""A process is told by what is: its program by the host's path, what it has by a thread of its that is there."""

from __future__ import annotations

import os
import re
import shutil
import struct
from pathlib import Path
from typing import Any

import pytest

from tests.built import probe
from tests.running import STRANGER, WAITS, running, without_its_first_thread

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")

PYTHON = "/usr/bin/python3"
SAYS = '$|=1; print "."; <STDIN>'
OVER = 'mount --bind "$0" "$1" && shift && exec "$@"'


def row_of(pid: int) -> dict[str, Any]:
    """What the probe tells of a process."""
    found: dict[str, Any] = probe.process(str(pid), probe.Cgroups(), 0.0, probe.Marks(frozenset()))
    return found


@pytest.fixture
def program(place: Path) -> Path:
    """A program that an account brought: perl by another name, in a folder for its own mounts."""
    place.chmod(0o777)
    for name in ("bin", "over"):
        (place / name).mkdir()
        (place / name).chmod(0o777)
    shutil.copy(Path("/usr/bin/perl").resolve(), place / "bin" / "prog")
    return place / "bin" / "prog"


def test_a_program_is_told_by_the_path_at_which_the_host_has_it(program: Path) -> None:
    with running(str(program), "-e", SAYS) as pid:
        assert row_of(pid)["exe"] == str(program)
    bound = f"mount --bind \"{program.parent}\" /usr/local/games && exec /usr/local/games/prog -e '{SAYS}'"
    with running("unshare", "-Urm", "sh", "-c", bound) as pid:
        assert probe.link_of(f"/proc/{pid}/exe") == "/usr/local/games/prog"
        assert row_of(pid)["exe"] == str(program)
    with running("unshare", "-Urm", str(program), "-e", SAYS) as pid:
        assert row_of(pid)["exe"] == str(program), "as of a service with mounts of its own"


@pytest.mark.parametrize("end", ["", "&& rm /usr/local/games/prog", "&& umount -l /usr/local/games"])
def test_a_path_that_an_account_alone_sees_is_marked(program: Path, end: str) -> None:
    made = f"mount -t tmpfs none /usr/local/games && cp {program} /usr/local/games && exec /usr/local/games/prog -e '{SAYS}'"
    ends = f"$|=1; system q({end.removeprefix('&& ')}) if q({end}); print q(.); <STDIN>"
    with running("unshare", "-Urm", "sh", "-c", made.replace(SAYS, ends)) as pid:
        found = row_of(pid)["exe"]
        assert found.startswith("elsewhere:")
        assert found.removeprefix("elsewhere:") == probe.link_of(f"/proc/{pid}/exe")


def test_a_program_that_not_even_root_may_look_at_blinds_nothing(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a file system that an account mounted by FUSE, where the kernel refuses root: an AppImage is one, too. By whatever
    name it is no daemon of the host's.
    """
    stat = os.stat

    def refused(path: Any, **how: Any) -> os.stat_result:
        if path == f"/proc/{pid}/exe" or (path == "exe" and how.get("dir_fd") is not None):
            raise PermissionError(13, os.strerror(13), path)
        return stat(path, **how)

    with running(str(program), "-e", SAYS) as pid:
        monkeypatch.setattr(os, "stat", refused)
        row = row_of(pid)
        told = probe.believed("nginx", [{**row, "command": "nginx"}])
        monkeypatch.undo()
    assert row["exe"] == f"elsewhere:{program}"
    assert told == ([], [f"process {pid} of {row['user']} calls itself nginx, and runs a program that not even root can look at"])


TOO_DEEP = """
import os, shutil, sys
os.chdir(sys.argv[1])
for _ in range(22):
    os.mkdir("a" * 200)
    os.chdir("a" * 200)
shutil.copy("/usr/bin/perl", "sshd")
os.execv("./sshd", ["perl", "-e", sys.argv[2]])
"""


def test_a_program_at_a_path_that_the_kernel_does_not_tell_is_one_all_the_same(program: Path) -> None:
    """Whose program nobody may look at is believed to be sshd by its name alone; and on a host of the console's it is none of its
    own.
    """
    with running(PYTHON, "-c", TOO_DEEP, str(program.parent), SAYS) as pid:
        row = row_of(pid)
    too_long = "(a path that is too long)"
    assert (row["command"], row["exe"], row["cwd"]) == ("sshd", too_long, too_long)


def test_a_program_that_was_removed_is_told_where_the_host_had_it(program: Path) -> None:
    """As after an upgrade of it, also of a service with mounts of its own; not where it lay at a path of an account's own."""
    removes = f"$|=1; unlink q({program}); print q(.); <STDIN>"
    for before in ((), ("unshare", "-Urm")):
        shutil.copy(Path("/usr/bin/perl").resolve(), program)
        with running(*before, str(program), "-e", removes) as pid:
            assert row_of(pid)["exe"] == f"{program} (deleted)"
    shutil.copy(Path("/usr/bin/perl").resolve(), program)
    bound = f"mount --bind \"{program.parent}\" /usr/local/games && exec /usr/local/games/prog -e '{removes}'"
    with running("unshare", "-Urm", "sh", "-c", bound) as pid:
        assert row_of(pid)["exe"] == "elsewhere:/usr/local/games/prog (deleted)"


def test_a_program_handed_over_from_another_namespace_is_not_the_host_s_of_that_path(program: Path) -> None:
    """It runs where the host's own mounts are, and its file lies where they are not."""
    made = f"mount -t tmpfs none /usr/local/games && cp {program} /usr/local/games && printf . && read x"
    with running("unshare", "-Urm", "sh", "-c", made) as other:
        given = f"/proc/{other}/root/usr/local/games/prog"
        with running(given, "-e", SAYS, uid=0) as pid:
            assert probe.link_of(f"/proc/{pid}/ns/mnt") == probe.link_of("/proc/self/ns/mnt")
            assert probe.link_of(f"/proc/{pid}/exe") == "/usr/local/games/prog"
            assert row_of(pid)["exe"] == "elsewhere:/usr/local/games/prog"


def test_the_mount_tables_that_are_read_for_it_are_counted(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bound = f"mount --bind \"{program.parent}\" /usr/local/games && exec /usr/local/games/prog -e '{SAYS}'"
    with running("unshare", "-Urm", "sh", "-c", bound) as pid:
        monkeypatch.setattr(probe, "TABLES_AT_MOST", 0)
        assert row_of(pid)["exe"] == "elsewhere:/usr/local/games/prog"


def engine(path: Path) -> Path:
    """A library that names what native modules of Node.js call, and nothing else."""
    names = b"\0napi_module_register\0"
    head = b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HHIQQQIHHHHHH", 3, 62, 1, 0, 64, 0, 0, 64, 56, 2, 0, 0, 0)
    loads = struct.pack("<IIQQQQQQ", 1, 5, 0, 0, 0, 4096, 4096, 4096) + struct.pack("<IIQQQQQQ", 2, 4, 512, 512, 512, 48, 48, 8)
    dynamic = struct.pack("<QQQQQQ", 5, 1024, 10, len(names), 0, 0)
    path.write_bytes(head + loads)
    with path.open("r+b") as file:
        for at, piece in ((512, dynamic), (1024, names), (4095, b"\0")):
            file.seek(at)
            file.write(piece)
    return path


def maps(path: Path, how: str) -> str:
    """Python that has it mapped to run, in one of the ways."""
    return f"import mmap\nheld = open({str(path)!r}, 'r+b')\nm = mmap.mmap(held.fileno(), 4096, {how})\n{WAITS}"


@pytest.mark.parametrize(
    "how",
    [
        "mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_EXEC",
        "mmap.MAP_PRIVATE, mmap.PROT_EXEC",
        "mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_EXEC",
        "mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC",
    ],
)
def test_an_engine_is_found_however_it_is_mapped_to_run(place: Path, how: str) -> None:
    path = engine(place / "lib")
    path.chmod(0o666)
    place.chmod(0o755)
    with running(PYTHON, "-c", maps(path, how)) as pid:
        assert probe.javascript(probe.Job(lambda: [{"pid": pid}])) == [pid]
    with running(PYTHON, "-c", maps(path, "mmap.MAP_PRIVATE, mmap.PROT_READ")) as pid:
        assert probe.javascript(probe.Job(lambda: [{"pid": pid}])) == [], "what is only read is no code"


def test_a_process_whose_first_thread_has_ended_is_told_as_any_other(place: Path) -> None:
    path = engine(place / "lib")
    path.chmod(0o666)
    place.chmod(0o755)
    listens = "import socket\ns = socket.create_server(('127.0.0.1', 0))\n"
    code = without_its_first_thread(listens + maps(path, "mmap.MAP_PRIVATE, mmap.PROT_EXEC"))
    with running(PYTHON, "-c", code, "a word", cwd=place) as pid:
        assert not list(Path(f"/proc/{pid}/fd").iterdir())
        row = row_of(pid)
        assert row["exe"] == str(Path(PYTHON).resolve())
        assert (row["argv"][-1], row["cwd"], row["uid"]) == ("a word", str(place), STRANGER)
        assert probe.javascript(probe.Job(lambda: [{"pid": pid}])) == [pid]
        assert [pid] in [one["pids"] for one in probe.sockets()["listeners"]]
        assert probe.environment(probe.living(pid)) == ["PATH=/usr/bin:/bin"]


def test_what_calls_itself_a_daemon_is_doubted_though_its_first_thread_has_ended() -> None:
    with running(PYTHON, "-c", without_its_first_thread()) as pid:
        row = {**row_of(pid), "command": "sshd"}
        _, doubts = probe.believed("sshd", [row])
        assert re.search(rf"process {pid} of nobody calls itself sshd", doubts[0])


def test_a_network_of_its_own_is_told_though_its_first_thread_has_ended() -> None:
    with running("unshare", "-Urn", PYTHON, "-c", without_its_first_thread()) as pid:
        assert pid in probe.sockets()["apart"]


HOPS = """
import os, select, sys
first = os.getpid()  # a child of the test's, as the probe's own are: what is looked for is a stranger
if os.fork():
    os._exit(0)
while os.getppid() == first:
    pass
print(end='.', flush=True)
while not select.select([0], [], [], float(sys.argv[1]))[0]:
    if os.fork():
        os._exit(0)
"""


@pytest.mark.parametrize("every", ["0.02", "0"])
def test_who_goes_on_in_a_child_all_the_time_is_seen(place: Path, every: str) -> None:
    """It is there all the time, and what was listed is gone when it is looked at. Where it is too fast for us nothing is told."""
    with running("/usr/bin/python3", "-I", "-c", HOPS, every, cwd=place):
        try:
            rows = probe.processes(frozenset({str(place)}))
        except probe.Trouble as trouble:
            assert "faster than they can be looked at" in trouble.text  # noqa: PT017 - or it is seen
        else:
            assert [row for row in rows if row["runs"] == [str(place)]]


def test_who_is_older_than_what_has_its_parents_number_now_is_no_child_of_that() -> None:
    """Else it would be left out with what we start ourselves, whose numbers anybody may have had before."""
    rows = [
        {"pid": 8, "ppid": 20, "started": 10.0},
        {"pid": 9, "ppid": 20, "started": 30.0},
        {"pid": 20, "ppid": 2, "started": 30.0},
    ]
    assert probe.descendants(rows, {2}) == {2, 20, 9}
