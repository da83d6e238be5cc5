"""Whether another dialler lives: real processes, and the look at them as a host's shell takes it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.built import probe
from tests.running import WAITS, running, without_its_first_thread
from voxgate.contracts.estates import load_estate
from voxgate.contracts.schemas import FOLDER
from voxgate.deploy.moving.dialling import first_dialler, is_another_program, nobody_else_lives, restart_alone
from voxgate.errors import MoveFailed
from voxgate.model.estate import PlacedUnit
from voxgate.model.evidence import HostEvidence, Missing, ProcessFact, known
from voxgate.model.service import Service
from voxgate.moves.steps import Step, alive, left_over
from voxgate.survey.host_documents import host_evidence
from voxgate.transport.ssh.remote_command import Completed

NOBODY, DAEMON = 65534, 1
UNIT = "vox-test-dialler.service"


@pytest.fixture
def service() -> Iterator[Service]:
    """A dialler of this machine, where every account comes: root's folder, run by daemon."""
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        folder = Path(place) / "vox-dialler"
        folder.mkdir()
        yield replace(load_estate("lab").service("dialler"), folder=str(folder), owner="root", user="daemon")


@pytest.fixture
def run() -> Iterator[Any]:
    """``run(program, name, user)``: a process that calls itself so, until the test ends."""
    with ExitStack() as started:

        def begin(program: str, name: str, user: int, *words: str) -> int:
            process = subprocess.Popen(
                [name, *words], executable=program, user=user, group=user, cwd="/",
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True,
            )  # fmt: skip
            started.enter_context(process)
            started.callback(process.kill)
            return process.pid

        yield begin


def said(step: Step) -> list[str]:
    return subprocess.run(step.argv, check=True, capture_output=True, text=True).stdout.splitlines()


def test_an_account_that_has_nothing_to_dial_with_is_no_dialler_by_its_words(service: Service, run: Any) -> None:
    name = f"{service.folder}/.venv/bin/python"
    stranger = run("/usr/bin/sleep", name, NOBODY, "60")
    own = {str(run("/usr/bin/sleep", name, user, "60")) for user in (0, DAEMON)}
    found = set(said(alive(UNIT, service)))
    assert str(stranger) not in found
    assert own <= found


def test_without_the_folder_the_service_s_account_runs_no_code_of_it(service: Service, run: Any) -> None:
    elsewhere = replace(service, folder=f"{service.folder}-that-is-not-here")
    name = f"{elsewhere.folder}/x"
    of_service, of_root = (str(run("/usr/bin/sleep", name, user, "60")) for user in (DAEMON, 0))
    found = said(alive(UNIT, elsewhere))
    assert of_service not in found
    assert of_root in found, "what root runs may be a copy, or what was removed under it"


def test_a_program_that_asks_for_a_password_is_its_caller_s(service: Service, run: Any) -> None:
    """A program with the bit of root's runs as root, with the words of whoever called it."""
    program = Path(service.folder) / "asks"
    program.write_bytes(Path("/usr/bin/cat").read_bytes())
    program.chmod(0o4755)
    pid = run(str(program), f"{service.folder}/x", NOBODY)
    assert Path(f"/proc/{pid}/status").read_text().split("Uid:")[1].split()[:2] == [str(NOBODY), "0"]
    assert str(pid) not in said(alive(UNIT, service))


def test_a_process_says_what_it_runs_by_any_thread_of_it(service: Service) -> None:
    with running("/usr/bin/python3", "-c", without_its_first_thread(), f"{service.folder}/x", uid=DAEMON) as pid:
        assert str(pid) in said(alive(UNIT, service))


def test_the_words_of_who_could_be_no_dialler_are_not_read(service: Service, run: Any, tmp_path: Path) -> None:
    """Whoever has a file system of his own (FUSE) makes the kernel keep whoever reads them waiting, for as long as he likes."""
    stranger, own = (run("/usr/bin/sleep", f"{service.folder}/x", user, "60") for user in (NOBODY, DAEMON))
    log = tmp_path / "asked"
    (tmp_path / "grep").write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >>{log}\nexec {shutil.which("grep")} "$@"\n')
    (tmp_path / "grep").chmod(0o755)
    path = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    found = subprocess.run(alive(UNIT, service).argv, check=True, capture_output=True, text=True, env=path).stdout.splitlines()
    asked = log.read_text().splitlines()
    assert str(own) in found
    assert f"/proc/{own}/task/{own}/cmdline" in asked
    assert f"/proc/{stranger}/task/{stranger}/cmdline" not in asked


def test_no_number_of_threads_holds_the_look_up(service: Service, run: Any, tmp_path: Path) -> None:
    """An account has tens of thousands of them at no cost, and each of them was looked at twice."""
    log = tmp_path / "asked"
    (tmp_path / "grep").write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >>{log}\nexec {shutil.which("grep")} "$@"\n')
    (tmp_path / "grep").chmod(0o755)
    many = (
        "import threading; [threading.Thread(target=input).start() for _ in range(50)]; print('.', end='', flush=True); input()"
    )
    with running("/usr/bin/python3", "-c", many, uid=NOBODY) as pid:
        path = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
        subprocess.run(alive(UNIT, service).argv, check=True, capture_output=True, text=True, env=path)
    asked = log.read_text().splitlines()
    assert f"/proc/{pid}/status" in asked
    assert not [one for one in asked if one.startswith(f"/proc/{pid}/task/")]


@pytest.fixture
def counted(tmp_path: Path) -> Any:
    """``counted(step)``: what a step says, and how many programs it started."""
    for name in ("grep", "sed", "xargs", "tr", "sort", "id"):
        (tmp_path / name).write_text(f'#!/bin/sh\necho {name} >>"$0.log"\nexec {shutil.which(name)} "$@"\n')
        (tmp_path / name).chmod(0o755)

    def look(step: Step) -> tuple[list[str], int]:
        ended = subprocess.run(step.argv, check=True, capture_output=True, text=True, env={"PATH": f"{tmp_path}:/usr/bin:/bin"})
        logs = list(tmp_path.glob("*.log"))
        count = sum(len(one.read_text().splitlines()) for one in logs)
        for one in logs:
            one.unlink()
        return ended.stdout.split(), count

    return look


def test_no_number_of_processes_holds_the_look_up(service: Service, run: Any, counted: Any) -> None:
    """Each program that it starts costs milliseconds: an account has thousands of processes."""
    name = f"{service.folder}/.venv/bin/python"
    real = str(run("/usr/bin/sleep", name, DAEMON, "60"))
    run("/usr/bin/sleep", name, NOBODY, "60")
    first, before = counted(alive(UNIT, service))
    for _ in range(40):
        run("/usr/bin/sleep", name, NOBODY, "60")
    found, after = counted(alive(UNIT, service))
    assert first == found == [real]
    assert after == before
    assert counted(left_over(UNIT))[1] < before


@pytest.mark.parametrize("program", ["xargs", "grep", "sed"])
def test_a_look_that_could_not_be_taken_is_no_absence(service: Service, tmp_path: Path, program: str) -> None:
    """As where the account can start nothing more."""
    (tmp_path / program).write_text("#!/bin/sh\necho cannot fork >&2\nexit 1\n")
    (tmp_path / program).chmod(0o755)
    for step in (alive(UNIT, service), left_over(UNIT)):
        ended = subprocess.run(step.argv, check=False, capture_output=True, env={"PATH": f"{tmp_path}:/usr/bin:/bin"})
        assert ended.returncode == 3
        assert b"cannot fork" in ended.stderr


def _in_cgroup(step: Step, proc: Path, cgroup: str) -> list[str]:
    """What is said of a process in that cgroup, by the kernel's own words of it."""
    (proc / "77").mkdir(parents=True, exist_ok=True)
    (proc / "77/cgroup").write_text(f"0::{cgroup}\n")
    (proc / "77/cmdline").write_bytes(b"sleep\x0060\0")
    shell, option, script, *rest = step.argv
    return said(replace(step, argv=(shell, option, script.replace("/proc/", f"{proc}/"), *rest)))


@pytest.mark.parametrize(
    ("cgroup", "is_unit"),
    [
        (f"/system.slice/{UNIT}", True),
        (f"/vox.slice/{UNIT}/worker", True),
        (f"/user.slice/user-1000.slice/user@1000.service/app.slice/{UNIT}", False),
        ("/user.slice/user-1000.slice/session-1.scope", False),
    ],
)
def test_a_unit_of_an_account_s_own_is_not_the_unit(service: Service, tmp_path: Path, cgroup: str, is_unit: bool) -> None:  # noqa: FBT001
    assert _in_cgroup(alive(UNIT, service), tmp_path / "proc", cgroup) == (["77 unit"] if is_unit else [])
    assert _in_cgroup(left_over(UNIT), tmp_path / "proc", cgroup) == (["77"] if is_unit else [])


@pytest.fixture
def looked(service: Service, monkeypatch: pytest.MonkeyPatch) -> Any:
    """``looked()``: this machine's processes, as root's probe sees them."""
    monkeypatch.setattr(probe, "SUPERVISOR", [2**22])  # what it starts itself it leaves out, and here that is all

    def look() -> HostEvidence:
        rows = [
            {key: value for key, value in row.items() if key != "own_pids"}
            for row in probe.processes(frozenset({service.folder}))
        ]
        document = json.loads((FOLDER / "examples/evidence/valid-fleet.json").read_text())
        document["probe"]["pid"] = os.getpid()
        document["sections"]["processes"] = {"value": rows}
        return host_evidence("fleet-1", document)

    return look


def test_by_its_words_alone_a_program_of_the_system_s_is_no_dialler(service: Service, run: Any, looked: Any) -> None:
    name = f"{service.folder}/.venv/bin/python"
    sleeps = run("/usr/bin/sleep", name, DAEMON, "60")
    python = run("/usr/bin/python3", name, DAEMON, "-c", "input()")
    shell = run("/bin/sh", "sh", DAEMON, "-c", "read x; true", f"{service.folder}/again.sh")
    copied = Path(service.folder) / "sleep"
    copied.write_bytes(Path("/usr/bin/sleep").read_bytes())
    copied.chmod(0o755)
    copy = run(str(copied), str(copied), DAEMON, "60")
    seen = looked()
    assert is_another_program(seen, sleeps, service.folder)
    others = [pid for pid in (python, shell, copy) if is_another_program(seen, pid, service.folder)]
    assert not others, "a real one is still found"
    assert not is_another_program(Missing("timeout", "no answer"), sleeps, service.folder)
    assert is_another_program(seen, 2**22 + 1, service.folder), "it ended before root looked"


def test_of_millions_that_a_host_names_only_those_are_looked_at_that_are_there(service: Service, looked: Any) -> None:
    """The dialler is stopped meanwhile. Whoever is root on any host says what he likes."""
    seen = looked()
    assert first_dialler(seen, range(10_000_000, 15_000_000), (), service.folder) is None
    there = [one.pid for one in known(seen.processes) if not is_another_program(seen, one.pid, service.folder)]
    assert there
    assert first_dialler(seen, [*range(10_000_000, 10_001_000), *there], (), service.folder) == min(there)
    assert first_dialler(Missing("failed", "", ""), {7, 8}, (), service.folder) == 7


class Counted(tuple[ProcessFact, ...]):
    """Processes that count how often all of them are gone through."""

    __slots__ = ()
    times = 0

    def __iter__(self) -> Iterator[ProcessFact]:
        Counted.times += 1
        return super().__iter__()


def test_nor_is_each_of_them_looked_for_among_all(service: Service, looked: Any) -> None:
    """An account can start ten thousand, and a host's root says how many there are: none of them holds the restart up."""
    seen = looked()
    one = next(one for one in known(seen.processes) if is_another_program(seen, one.pid, service.folder))
    many = Counted(replace(one, pid=10_000_000 + number) for number in range(10_000))
    Counted.times = 0
    called = range(10_000_000, 10_010_000)
    others = frozenset({(seen.name, "voxdialler@other.service")})
    assert first_dialler(replace(seen, processes=many), called, others, service.folder) is None
    assert Counted.times <= 3


def test_a_program_of_the_system_s_that_runs_the_dialler_s_code_is_no_other_one(service: Service, looked: Any) -> None:
    """By a path that its account alone sees, by a library of the folder, or by Python in it whose first thread has ended."""
    folder = Path(service.folder)
    maps = Path("/proc/self/maps").read_text()
    library = next(line.split()[-1] for line in maps.splitlines() if "/libm.so" in line or "/libz.so" in line)
    (folder / "speech.so").write_bytes(Path(library).read_bytes())
    (folder / "python").write_bytes(Path("/usr/bin/python3").read_bytes())
    (folder / "python").chmod(0o755)
    over = 'mount --bind "$0" /usr/bin/sleep && exec /usr/bin/sleep -c "$1"'
    says = '$|=1; print "."; <STDIN>'
    with (
        running("unshare", "-Urm", "sh", "-c", over, f"{folder}/python", WAITS, uid=DAEMON) as bound,
        running("perl", "-e", says, uid=DAEMON, env={"LD_PRELOAD": f"{folder}/speech.so"}) as loaded,
        running("/usr/bin/python3", "-c", without_its_first_thread(), f"{folder}/x", uid=DAEMON) as headless,
    ):
        seen = looked()
        assert isinstance(seen, HostEvidence)
        rows = {one.pid: one for one in known(seen.processes)}
        assert (rows[bound].exe, rows[loaded].exe) == (f"{folder}/python", "/usr/bin/perl")
        assert rows[headless].argv[-1] == f"{folder}/x"
        others = [pid for pid in (bound, loaded, headless) if is_another_program(seen, pid, service.folder)]
        assert others == []


class Here:
    """Hands whose one host is this machine."""

    def __init__(self) -> None:
        estate = load_estate("lab")
        self.estate = replace(estate, hosts=(estate.host("sip-1"),))
        self.connections = self

    def each(self, hosts: Any, function: Any) -> dict[str, Any]:
        """Each of them, which is this one."""
        return {host.name: function(SimpleNamespace(host=host)) for host in hosts}

    def attempt(self, _: str, step: Step) -> Completed:
        """Looked at here."""
        ran = subprocess.run(step.argv, check=False, capture_output=True)
        return Completed(ran.returncode, ran.stdout, ran.stderr, 0.0)


def test_nobody_s_words_keep_the_dialler_down_and_a_real_one_does(
    service: Service, run: Any, looked: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[str] = []

    def root_looks(*_: object, **__: object) -> dict[str, HostEvidence]:
        looks.append("root's")
        return {"sip-1": looked()}

    monkeypatch.setattr("voxgate.deploy.moving.dialling.survey", root_looks)
    executor: Any = Here()
    placement = replace(load_estate("lab").placements[0], host=executor.estate.hosts[0], service=service)
    unit = PlacedUnit(placement, UNIT)
    name = f"{service.folder}/.venv/bin/python"
    run("/usr/bin/python3", name, NOBODY, "-c", "input()")
    nobody_else_lives(executor, unit, gone=True)
    assert not looks, "nothing more is looked at in the ordinary case"
    run("/usr/bin/sleep", name, DAEMON, "60")
    nobody_else_lives(executor, unit, gone=True)
    assert looks == ["root's"]
    real = run("/usr/bin/python3", name, DAEMON, "-c", "input()")
    with pytest.raises(MoveFailed, match=f"one is alive beside it: process {real} runs its code"):
        nobody_else_lives(executor, unit)


class Told:
    """Hands of an estate with two SIP hosts, each with the dialler of one database; ``said`` is what their shells print."""

    def __init__(self, **said: bytes) -> None:
        estate = load_estate("lab")
        one, two = estate.host("sip-1"), replace(estate.host("sip-1"), name="sip-2", address="198.51.100.42")
        second = replace(estate.databases[0], name="other", dialler="sip-2")
        self.estate = replace(estate, hosts=(*estate.hosts, two), databases=(*estate.databases, second))
        self.connections = self
        self.said = {one.name: b"7 unit\n", two.name: b"8 unit\n", **{name.replace("_", "-"): row for name, row in said.items()}}

    def each(self, hosts: Any, function: Any) -> dict[str, Any]:
        """Each of them."""
        return {host.name: function(SimpleNamespace(host=host)) for host in hosts}

    def attempt(self, host: str, _: Step) -> Completed:
        """What was printed there."""
        return Completed(0, self.said.get(host, b""), b"", 0.0)


def test_the_dialler_of_another_database_keeps_none_down() -> None:
    """On a host of its own it has a unit of the same name; a deploy of either was refused beside the other."""
    executor: Any = Told()
    one, two = (unit for unit in executor.estate.placed_units if unit.service.name == "dialler")
    for unit in (one, two):
        nobody_else_lives(executor, unit)
    nobody_else_lives(cast("Any", Told(sip_1=b"")), one, gone=True)
    for there in (Told(fleet_1=b"9 unit\n"), Told(sip_1=b"7 unit\n")):
        with pytest.raises(MoveFailed, match="one is alive beside it"):
            nobody_else_lives(cast("Any", there), one, gone=True)


def test_a_dialler_is_seen_by_where_its_folder_really_is(service: Service, run: Any, tmp_path: Path) -> None:
    """/opt may be a link: who starts it by the path behind that starts the same code."""
    link = Path(service.folder).parent / "opt"
    link.symlink_to(Path(service.folder).parent)
    by_link = replace(service, folder=f"{link}/vox-dialler")
    own = {str(run("/usr/bin/sleep", f"{at}/.venv/bin/python", DAEMON, "60")) for at in (by_link.folder, service.folder)}
    stranger = str(run("/usr/bin/sleep", f"{service.folder}-2/.venv/bin/python", DAEMON, "60"))
    found = set(said(alive(UNIT, by_link)))
    assert own <= found
    assert stranger not in found


class Deaf:
    """Hands at a host whose systemd says nothing from some moment on: before the dialler is stopped, or after."""

    def __init__(self, *, before: bool) -> None:
        self.before, self.done = before, list[str]()

    def look(self, host: str, step: Step) -> Completed:
        """Nothing."""
        if self.before or self.done:
            raise MoveFailed(f"{step.says} failed", where=host, why="exit 1: destination has a full message queue")
        return Completed(0, b"ActiveState=active\n", b"", 0.0)

    def do(self, _task: object, _phase: object, steps: Sequence[Step]) -> None:
        """Noted."""
        self.done += [step.says for step in steps]


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> PlacedUnit:
    """A dialler beside which none lives."""
    for name in ("nobody_else_lives", "nobody_dials", "await_gone"):
        monkeypatch.setattr(f"voxgate.deploy.moving.dialling.{name}", lambda *_: None)
    return next(one for one in load_estate("lab").placed_units if one.service.name == "dialler")


def test_what_was_stopped_is_started_whoever_keeps_systemd_from_answering(alone: PlacedUnit) -> None:
    hands = Deaf(before=False)
    restart_alone(cast("Any", hands), cast("Any", None), alone, cast("Any", None), lambda: None)
    assert hands.done == ["reset-failed voxdialler", "stop voxdialler", "start voxdialler"]


def test_where_systemd_does_not_answer_nothing_is_stopped(alone: PlacedUnit) -> None:
    hands = Deaf(before=True)
    with pytest.raises(MoveFailed, match="full message queue"):
        restart_alone(cast("Any", hands), cast("Any", None), alone, cast("Any", None), lambda: None)
    assert hands.done == []
