"""The real program on this very machine, as root and as nobody, and the parts that read the kernel's and systemd's words."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.built import probe
from voxgate.contracts import schemas

from .conftest import CANARY, ENV, probed, service

ID = "ab12" * 16
NOBODY = 65534
NEVER = 1 << 23  # no kernel gives this number to a process
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")

UDP_LITE = 136


def test_the_document_is_whole(checkout: Path, site: Path) -> None:
    document = probed([service(checkout), service(site, name="console", kind="static", unit=None, units=[])])
    schemas.check("evidence", document)
    sections = document["sections"]
    assert document["probe"]["pid"] in {row["pid"] for row in sections["processes"]["value"]}
    assert sections["checkouts"]["value"]["backend"]["value"]["owner"] == probe.account(os.geteuid())
    assert sections["dists"]["value"].keys() == {"console"}
    assert sections["venvs"]["value"].keys() == sections["env_files"]["value"].keys() == {"backend"}


def test_one_part_that_fails_stops_no_other(tmp_path: Path) -> None:
    document = probed([service(tmp_path / "gone")])
    schemas.check("evidence", document)
    assert document["sections"]["checkouts"]["value"]["backend"]["error"]["kind"] == "missing"
    assert document["sections"]["processes"]["value"]


def test_a_socket_is_told_with_its_process() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
        port = server.getsockname()[1]
        found = probed([])["sections"]["sockets"]["value"]
    listener = next(row for row in found["listeners"] if row["port"] == port)
    bound = {"address": "127.0.0.1", "pids": [os.getpid()], "remote_address": None, "remote_port": None, "apart": False}
    assert listener == {**bound, "port": port}
    connection = next(row for row in found["connections"] if row["remote_port"] == port)
    assert connection["pids"] == [os.getpid()]
    assert "127.0.0.1" in found["addresses"]


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
@pytest.mark.parametrize("protocol", [socket.IPPROTO_UDP, UDP_LITE])
def test_a_udp_socket_without_a_peer_is_told_and_one_with_a_peer_is_not(protocol: int, family: int) -> None:
    """UDP-Lite is another protocol, that any account may speak; a port of it is as open."""
    kind = (family, socket.SOCK_DGRAM, protocol)
    with socket.socket(*kind) as door, socket.socket(*kind) as client:
        door.bind(("::1" if family == socket.AF_INET6 else "127.0.0.1", 0))
        client.connect(door.getsockname())
        found = probed([])["sections"]["sockets"]["value"]
        ports = {row["port"]: (row["pids"], row["uid"]) for row in found["datagrams"]}
        assert ports[door.getsockname()[1]] == ([os.getpid()], os.geteuid())
        assert client.getsockname()[1] not in ports
    first, last = found["ephemeral"]
    assert 0 < first < last


@as_root
def test_what_listens_in_a_network_of_its_own_is_told() -> None:
    program = "import socket, sys; s = socket.create_server(('0.0.0.0', 9229)); print(); sys.stdin.read()"
    argv = ["unshare", "--net", sys.executable, "-c", program]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        found = probe.sockets()
        child.communicate(b"")
    rows = [row for row in found["listeners"] if child.pid in row["pids"]]
    assert [(row["port"], row["apart"]) for row in rows] == [(9229, True)]
    assert child.pid in found["apart"]


def test_no_value_of_an_env_file_is_in_the_document(checkout: Path) -> None:
    (checkout / ".env").write_text(f"{ENV}URL=mongodb://vox:p%40ss-{CANARY}@db/vox\n")
    argv = [sys.executable, "-c", "input()", "--token", CANARY, f"--db=p@ss-{CANARY}", "https://bob:hunter2@h/"]
    (checkout / f"{CANARY}.py").write_text("")
    with subprocess.Popen(argv, stdin=subprocess.PIPE) as child:
        document = probed([service(checkout)])
        child.communicate(b"\n")
    row = next(row for row in document["sections"]["processes"]["value"] if row["pid"] == child.pid)
    assert row["argv"][3:] == ["--token", "[cut]", "--db=[cut]", "https://[cut]@h/"]
    assert CANARY not in str(document)
    assert "[cut].py" in document["sections"]["checkouts"]["value"]["backend"]["value"]["tree"]


def test_a_plain_word_makes_no_file_another_one() -> None:
    cutter = probe.Cutter(["recordings", "sk-l1ve-abcdef"])
    document = {"tree": {"recordings.py": ["100644", "a"]}, "argv": ["--bucket=recordings", "x-sk-l1ve-abcdef"]}
    assert cutter.clean(document) == {"tree": {"recordings.py": ["100644", "a"]}, "argv": ["--bucket=[cut]", "x-[cut]"]}


def test_what_is_judged_by_its_name_keeps_it(checkout: Path) -> None:
    (checkout / "prompts").mkdir()
    (checkout / "prompts/hindi_V2.yaml").write_text("")
    (checkout / ".env").write_text(
        "SIP_PROVIDER=livekit\nSIP_IMAGE=livekit/sip:v1.2\nGATEWAY=haproxy\nWORKSPACE=oriserve1\nPROMPTS=prompts/hindi_V2.yaml\n"
        f"PROXY_PASSWORD=haproxy\nJWT_SECRET={CANARY}\nHOOK={CANARY}2\n"
    )
    document = {
        "image": "livekit/sip:v1.2",
        "name": "livekit",
        "command": "haproxy",
        "origin": "git@bitbucket.org:oriserve1/vox-backend.git",
        "target": "/opt/prompts/hindi_V2.yaml",
        "tree": {"prompts/hindi_V2.yaml": ["100644", "a"]},
    }
    cutter = probe.Cutter(probe.secrets([service(checkout)], ""))
    assert cutter.clean(document) == document
    assert cutter.clean({"argv": ["livekit", "--pass=haproxy"]}) == {"argv": ["livekit", "--pass=[cut]"]}
    for key in document:
        assert CANARY not in str(cutter.clean({key: f"x-{CANARY}-{CANARY}2"})), key


def test_what_is_no_secret_is_not_cut(checkout: Path) -> None:
    (checkout / ".env").write_text("A=/usr/bin\nB=voxbridge\nC=12345\nD=0123456789abcdef\n")
    assert probe.secrets([service(checkout)], '{"unit":"voxbridge.service"}') == ["0123456789abcdef"]
    digest = "0123456789abcdef" + "0" * 24
    assert probe.Cutter(["0123456789abcdef"]).text(digest, free=True) == digest


def test_values_behind_a_link_are_cut_too_and_no_device_is_opened(checkout: Path, place: Path) -> None:
    (checkout / ".env").rename(place / "env")
    (checkout / ".env").symlink_to(place / "env")
    assert CANARY in probe.secrets([service(checkout)], "")
    (checkout / ".env").unlink()
    os.mkfifo(checkout / ".env")
    assert probe.secrets([service(checkout)], "") == []


@as_root
def test_without_root_what_cannot_be_seen_is_denied(checkout: Path) -> None:
    python = "/usr/bin/python3"
    if not Path(python).exists():
        pytest.skip("no system Python")
    document = probed([service(checkout)], python, NOBODY)
    schemas.check("evidence", document)
    sections = document["sections"]
    assert document["probe"]["uid"] == NOBODY
    assert sections["sockets"]["error"]["kind"] == "denied"
    assert sections["env_files"]["value"]["backend"]["error"]["kind"] == "denied"
    assert {row["pid"]: row["exe"] for row in sections["processes"]["value"]}[1] is None


def test_hidden_processes_are_denied(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "listdir", lambda _: [str(os.getpid())])
    assert probe.guarded(probe.processes)["error"]["kind"] == "denied"


def test_a_part_that_never_ends_is_a_timeout() -> None:
    outcome = probe.Job(lambda: time.sleep(5), deadline=0.05).result()
    assert outcome["error"]["kind"] == "timeout"


def test_a_program_that_never_ends_is_killed_with_its_children(tmp_path: Path) -> None:
    with pytest.raises(probe.Trouble, match="not done after") as caught:
        probe.run(["sh", "-c", f"sleep 30 & echo $! > {tmp_path}/pid; wait"], 0.3)
    assert caught.value.kind == "timeout"
    child = int((tmp_path / "pid").read_text())
    until = time.monotonic() + 5
    while alive(child):
        assert time.monotonic() < until


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_program_that_is_not_there_is_missing() -> None:
    with pytest.raises(probe.Trouble, match="not installed"):
        probe.run(["no-such-program", "x"], 1)


def test_an_unexpected_error_is_not_quoted() -> None:
    error = probe.guarded(lambda: int("hunter2"))["error"]
    assert error["kind"] == "failed"
    assert "hunter2" not in error["text"]


@pytest.mark.parametrize(
    ("cgroup", "unit"),
    [
        ("/system.slice/voxbridge.service", "voxbridge.service"),
        ("/system.slice/system-voxcore.slice/voxcore@1.service", "voxcore@1.service"),
        ("/system.slice/voxbridge.service/worker", "voxbridge.service"),
        ("/user.slice/user-1000.slice/user@1000.service/app.slice/voxdialler.service", "user@1000.service"),
        ("/user.slice/user-1000.slice/session-3.scope", ""),
        (f"/system.slice/docker-{ID}.scope/system.slice/voxdialler.service", ""),
        ("/init.scope", ""),
        ("/", ""),
        ("/../..", ""),
    ],
)
def test_the_unit_of_a_cgroup_is_systemds(cgroup: str, unit: str) -> None:
    assert probe.unit_of(cgroup) == unit


@pytest.mark.parametrize(
    ("path", "container"),
    [
        (f"/system.slice/docker-{ID}.scope", ID),
        (f"/docker/{ID}", ID),
        (f"/machine.slice/libpod-{ID}.scope/container", ID),
        (f"/machine.slice/libpod-conmon-{ID}.scope", ""),
        (f"/kubepods.slice/x/cri-containerd-{ID}.scope", ID),
        (f"/default/{ID}", ID),
        ("/lxc.payload.web/system.slice/x.service", "web"),
        ("/lxc/web", "web"),
        ("/machine.slice/machine-web.scope/payload", "web"),
        ("/system.slice/voxbridge.service", ""),
        (f"/user.slice/user-1000.slice/user@1000.service/{ID}", ""),
        (f"/user.slice/user-1000.slice/user@1000.service/user.slice/docker-{ID}.scope", ""),
        ("/user.slice/user-1000.slice/user@1000.service/app.slice/machine-web.scope", ""),
        (f"/system.slice/docker-{ID}.scope/user.slice/user-1000.slice/user@1000.service/x", ID),
        ("/", ""),
    ],
)
def test_the_container_of_a_cgroup_is_told(path: str, container: str) -> None:
    assert probe.container_of({"": path}) == container
    assert probe.container_of({"": "/", "memory": path}) == container


@as_root
@pytest.mark.parametrize("controller", ["", "name=systemd", "cpu,cpuacct"])
def test_who_owns_a_cgroup_makes_no_container_of_it(place: Path, controller: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "CGROUPS", str(place))
    top = place / (controller.removeprefix("name=") or "unified")
    (top / "system.slice/own.service" / ID / "below").mkdir(parents=True)
    path = f"/system.slice/own.service/{ID}/below"
    assert probe.container_of({controller: path}) == ID
    os.chown(top / "system.slice/own.service" / ID, NOBODY, NOBODY)
    assert probe.container_of({controller: path}) == ID, "what is in a container may be another's"
    os.chown(top / "system.slice/own.service", NOBODY, NOBODY)
    assert probe.container_of({controller: path}) == ""


@as_root
@pytest.mark.parametrize("name", ["lxc.mine", "lxc.payload.mine", "machine-mine.scope", "systemd-nspawn@mine.service"])
def test_no_name_makes_a_container_where_an_account_makes_the_cgroups(
    place: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe, "CGROUPS", str(place))
    own = place / "unified/system.slice/own.service"
    (own / name).mkdir(parents=True)
    assert probe.container_of({"": f"/system.slice/own.service/{name}"}) == "mine"
    os.chown(own, NOBODY, NOBODY)
    assert probe.container_of({"": f"/system.slice/own.service/{name}"}) == ""
    assert probe.container_of({"": f"/{name}"}) == "mine"


def test_a_process_of_which_too_much_is_to_be_read_may_run_any_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "ENVIRONMENT", 10)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, cwd="/") as child:
        while Path(f"/proc/{child.pid}/cmdline").read_bytes().split(b"\0")[1:2] != [b"-c"]:
            time.sleep(0.01)
        rows = {row["pid"]: row for row in probe.processes(frozenset({"/opt/one", "/opt/two"}))} if os.geteuid() == 0 else {}
        row = rows.get(child.pid) or probe.process_if_there(
            str(child.pid), probe.Cgroups(), 0.0, probe.Marks(frozenset({"/opt/one", "/opt/two"}))
        )
        child.communicate(b"\n")
    assert row is not None
    assert row["runs"] == ["/opt/one", "/opt/two"]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("0100007F:1F90", ("127.0.0.1", 8080)),
        ("00000000:0016", ("0.0.0.0", 22)),  # noqa: S104
        ("00000000000000000000000000000000:0050", ("::", 80)),
        ("00000000000000000000000001000000:0050", ("::1", 80)),
        ("0000000000000000FFFF00000100007F:0050", ("127.0.0.1", 80)),
    ],
)
@pytest.mark.skipif(sys.byteorder != "little", reason="these are the words of a little-endian kernel")
def test_addresses_are_read(text: str, wanted: tuple[str, int]) -> None:
    assert probe.endpoint(text) == wanted


def test_of_a_units_environment_only_the_names_are_kept() -> None:
    block = "\n".join(
        (
            "Id=x.service",
            f'Environment=A={CANARY} "B={CANARY} C=1"',
            "ExecStart={ path=/bin/x ; argv[]=/bin/x ; y -- z ; ignore_errors=no ; start_time=[n/a] ; pid=7 ; status=0/0 }",
            "ExecStart={ path=/bin/z ; argv[]=/bin/z ; ignore_errors=no ; pid=0 ; }",
        )
    )
    found = probe.without_values(*probe.unit_rows(block))
    assert found["EnvironmentNames"] == "A B"
    assert found["ExecStart"] == "{ path=/bin/x ; argv[]=/bin/x ; y -- z ; pid=7 }\n{ path=/bin/z ; argv[]=/bin/z ; pid=0 }"
    assert CANARY not in str(found)


def test_unit_folders_are_read_whatever_systemd_has_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    etc, lib = tmp_path / "etc", tmp_path / "lib"
    for folder in (etc / "multi-user.target.wants", etc / "voxcore@2.service.d", lib / "service.d"):
        folder.mkdir(parents=True)
    (etc / "voxcore@.service").write_text("[Service]\n")
    (etc / "masked.service").symlink_to("/dev/null")
    (etc / "gone.service").symlink_to("/no/such/file")
    (etc / "multi-user.target.wants" / "voxcore@7.service").symlink_to("../voxcore@.service")
    (etc / "voxcore@2.service.d" / "a.conf").write_text("[Service]\n")
    (lib / "service.d" / "b.conf").write_text("")
    monkeypatch.setattr(probe, "UNIT_FOLDERS", (str(etc), str(lib), str(tmp_path / "none")))
    disk = probe.OnDisk()
    assert disk.links == {"voxcore@7.service": [f"{etc}/multi-user.target.wants/voxcore@7.service"]}
    assert {"masked.service", "gone.service", "voxcore@7.service"} <= disk.placed
    assert disk.paths("voxcore@2.service") == [
        f"{etc}/voxcore@.service",
        f"{etc}/voxcore@2.service.d/a.conf",
        f"{lib}/service.d/b.conf",
    ]
    assert disk.digest(f"{etc}/masked.service") == "masked"
    assert disk.digest(f"{etc}/gone.service") == "broken"


def test_what_was_placed_is_told_by_what_it_runs_and_not_by_its_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    etc = tmp_path / "etc"
    files = {
        "a.socket": "[Socket]\nExecStartPre=/usr/bin/git pull\n",
        "quiet.socket": "[Socket]\nListenStream=1\n",
        "srv.mount": "[Mount]\nWhat=x\rExecStart=/srv/x\n",
        "a.socket.bak": "[Socket]\nExecStartPre=/usr/bin/git pull\n",
        "ssh.socket.d/a.conf": "[Socket]\nExecStartPost=/srv/x\n",
        "cups.socket.d/a.conf": "[Socket]\nListenStream=\n",
        "nginx.service.d/a.conf": "[Service]\nEnvironment=TOKEN=x\n",
        "redis.service.d/a.conf": "[Service]\nExecStartPost=/srv/x\n",
        "service.d/a.conf": "[Service]\nExecStartPost=/srv/x\n",
        "socket.d/a.conf": "[Socket]\nExecStopPre=/srv/y\n",
        "tunnel@.service.d/a.conf": "[Service]\nExecStartPre=/srv/z\n",
        "tunnel-.service.d/a.conf": "[Service]\nNice=1\n",
    }
    for path, text in files.items():
        (etc / path).parent.mkdir(parents=True, exist_ok=True)
        (etc / path).write_text(text)
    monkeypatch.setattr(probe, "UNIT_FOLDERS", (str(etc),))
    disk = probe.OnDisk()
    assert disk.placed == {"a.socket", "srv.mount", "ssh.socket", "redis.service"}
    assert disk.tuned == {"nginx.service", "redis.service"}
    assert disk.commands_for_many == [
        ("service", f"{etc}/service.d/a.conf", "/srv/x"),
        ("socket", f"{etc}/socket.d/a.conf", "/srv/y"),
        ("tunnel@.service", f"{etc}/tunnel@.service.d/a.conf", "/srv/z"),
    ]
    monkeypatch.setattr(probe, "UNIT_FOLDERS", ())
    shows = {
        name: {"Id": name, "ActiveState": "active", "ExecStartPre": "{ path=/usr/bin/git ; argv[]=git }"} for name in disk.placed
    }
    shown = SimpleNamespace(rows=lambda names: [shows[name] for name in names if name in shows], listed=list)
    found = [planned.where for planned, _ in probe.unit_jobs([], probe.Job(lambda: disk), shown)]
    assert found[:3] == [path for _, path, _ in disk.commands_for_many]
    assert set(found[3:]) == disk.placed
    told = probe.units([], probe.Job(lambda: disk), shown)
    assert set(told) == {"nginx.service", "redis.service"}, "also one that nobody started: a secret may stand in it"


def row(pid: int, command: str, **changes: Any) -> dict[str, Any]:
    return {
        "pid": pid,
        "ppid": 1,
        "started": 1.0,
        "command": command,
        "argv": [],
        "container": "",
        "unit": "",
        "own_pids": False,
        "uid": 0,
        **changes,
    }


def test_what_no_engine_accounts_for_is_a_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "listening_engines", lambda: iter(["/run/docker.sock"]))
    rows = [
        row(1, "systemd"),
        row(10, "dockerd"),
        row(11, "containerd", ppid=10),
        row(12, "containerd-shim", argv=["-id", ID]),
        row(13, "busybox", container=ID),
        row(20, "dockerd"),
        row(21, "sh", container="f" * 64),
        row(22, "conmon"),
        row(23, "unshared", own_pids=True),
        row(24, "containerd", uid=1000),
        row(25, "containerd-shim", uid=1000, argv=["-id", ID]),
        row(26, "containerd", own_pids=True),
    ]
    told = [line.split(")")[0] + ")" for line in probe.unexplained(rows, {10}, {ID}, {"docker"})]
    strangers = ["dockerd (pid 20)", "sh (pid 21)", "conmon (pid 22)", "unshared (pid 23)"]
    assert told == [*strangers, "containerd (pid 24)", "containerd-shim (pid 25)", "containerd (pid 26)"]


@as_root
def test_a_socket_that_anybody_could_make_is_no_engines_of_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    with tempfile.TemporaryDirectory(dir="/run") as folder:
        monkeypatch.setattr(probe, "listening_engines", lambda: iter([f"{folder}/docker.sock"]))
        assert list(probe.unexplained([], set(), set(), {"docker"})) == []
        Path(folder).chmod(0o1777)
        told = f"{folder}/docker.sock is listened on, and no engine answered"
        assert list(probe.unexplained([], set(), set(), {"docker"})) == [told]


@pytest.mark.parametrize(
    ("answered", "listening", "traces"),
    [
        (set(), ["/run/docker.sock"], ["/run/docker.sock is listened on, and no engine answered"]),
        ({"docker"}, ["/run/docker.sock", "/run/containerd/containerd.sock.ttrpc"], []),
        ({"docker"}, ["/run/podman/podman.sock"], ["/run/podman/podman.sock is listened on, and no engine answered"]),
        (set(), [], []),
    ],
)
def test_a_socket_that_nobody_answers_on_is_a_trace(
    monkeypatch: pytest.MonkeyPatch, answered: set[str], listening: list[str], traces: list[str]
) -> None:
    monkeypatch.setattr(probe, "listening_engines", lambda: iter(listening))
    assert list(probe.unexplained([row(1, "systemd")], set(), set(), answered)) == traces


class Engine(threading.Thread):
    """A container engine of two answers, on a socket of its own."""

    def __init__(self, path: Path, answers: list[bytes]) -> None:
        super().__init__(daemon=True)
        self.server = socket.socket(socket.AF_UNIX)
        self.server.bind(str(path))
        self.server.listen()
        self.answers = answers
        self.start()

    def run(self) -> None:
        """Answer each connection once."""
        for answer in self.answers:
            try:
                connection, _ = self.server.accept()
            except OSError:  # nobody asks any more
                return
            with connection:
                connection.recv(4096)
                connection.sendall(answer)

    def end(self) -> None:
        """Wake the thread first: closing what it waits on would leave it waiting on whatever gets that number next."""
        self.server.shutdown(socket.SHUT_RDWR)
        self.join(10)
        self.server.close()


OK = b"HTTP/1.0 200 OK\r\n\r\n"
LISTED = b'[{"Id":"x","Names":["/web"],"Image":"i:1","State":"exited","Status":"Exited (0)","Labels":null}]'


def ask(
    monkeypatch: pytest.MonkeyPatch, path: Path, answers: list[bytes], *pids: int, exe: str = sys.executable
) -> dict[str, Any]:
    monkeypatch.setattr(probe, "ENGINES", {"docker": (str(path), "dockerd", ("docker",))})
    monkeypatch.setattr(probe, "listening_engines", lambda: iter([]))
    me = (probe.account(os.geteuid()),)
    monkeypatch.setitem(probe.DAEMONS, "dockerd", probe.Daemon((os.path.realpath(exe),), "docker", me))
    engine = Engine(path, answers)
    try:
        running = [row(pid, "dockerd", unit="docker.service", user="x") for pid in pids]
        found: dict[str, Any] = probe.engines(probe.Job(lambda: running))
    finally:
        engine.end()
    return found


def test_an_engine_that_answers_tells_all_it_holds(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = ask(monkeypatch, tmp_path / "s", [OK + b'{"Version":"26.1"}', OK + LISTED], os.getpid())
    assert found["engines"] == {"docker": "26.1"}
    assert [(one["name"], one["state"], one["project"]) for one in found["containers"]] == [("web", "exited", "")]
    assert found["traces"] == []


def test_another_engine_beside_the_one_that_answers_is_a_trace(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = ask(monkeypatch, tmp_path / "s", [OK + b'{"Version":"26.1"}', OK + LISTED], os.getpid(), NEVER)
    assert found["traces"] == [f"dockerd (pid {NEVER}) runs, and did not answer"]


@as_root
def test_what_answers_in_an_engines_place_is_not_heard(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    answers = [OK + b'{"Version":"26.1"}', OK + LISTED]
    with subprocess.Popen(["/usr/bin/sleep", "60"], cwd="/") as other:
        found = ask(monkeypatch, tmp_path / "s", answers, other.pid, exe="/usr/bin/sleep")
        other.kill()
    assert (found["engines"], found["containers"]) == ({}, [])
    assert f"{tmp_path}/s is listened on by something that is not dockerd" in found["traces"]


@as_root
def test_what_calls_itself_an_engine_is_not_asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with subprocess.Popen(["/usr/bin/sleep", "60"], cwd="/", user=NOBODY) as other:
        found = ask(monkeypatch, tmp_path / "s", [OK + b'{"Version":"26.1"}', OK + LISTED], other.pid)
        other.kill()
    assert found["engines"] == {}
    assert f"process {other.pid} of x calls itself dockerd, and runs as nobody" in found["traces"]


@pytest.mark.parametrize(
    "answer", [b"", b"nonsense", b"HTTP/1.0 500 No\r\n\r\n{}", OK + b"{", OK + b"[]", OK + b"{}", OK + b'{"Version":"1"}']
)
def test_an_engine_that_talks_nonsense_is_a_trace(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, answer: bytes) -> None:
    found = ask(monkeypatch, tmp_path / "s", [answer, answer], os.getpid())
    assert found["engines"] == {}
    assert f"docker gave no answer by {tmp_path}/s" in found["traces"]


def test_an_engine_that_is_stopped_is_not_woken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(probe, "ENGINES", {"docker": (str(tmp_path / "s"), "dockerd", ("docker",))})
    monkeypatch.setattr(probe, "ask_engine", lambda *_: pytest.fail("it was asked"))
    (tmp_path / "s").touch()
    assert probe.engines(probe.Job(lambda: [row(1, "systemd")]))["engines"] == {}


def test_systemd_is_asked_once_about_a_unit(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many parts of a look want to know, and by whatever name."""
    asked: list[tuple[str, ...]] = []

    def show(*argv: str) -> str:
        names = argv[argv.index("--") + 1 :]
        asked.append(names)
        return "\n\n".join(f"Id={'ssh.service' if name == 'sshd.service' else name}\nUser={name}" for name in names)

    monkeypatch.setattr(probe, "said", show)
    shown = probe.Shown()
    assert [
        row["Id"] for row in shown.rows(["b.timer", "sshd.service", "x@.service", "-x.service", "*.service", "ssh.service"])
    ] == [
        *("b.timer", "ssh.service", "ssh.service"),
    ]
    assert [row["User"] for row in shown.rows(["a.service", "b.timer"])] == ["a.service", "b.timer"]
    assert shown.rows([]) == []
    assert asked == [("b.timer", "sshd.service", "ssh.service"), ("a.service",)]


@pytest.mark.parametrize(
    ("command", "calls"), [("x;\n\nId=c.service\nUser=root", 1), ("x }\n\nUser=root", 5)], ids=["lines", "a brace"]
)
def test_no_unit_speaks_for_another(monkeypatch: pytest.MonkeyPatch, command: str, calls: int) -> None:
    """Of a command systemctl shows the lines as they are, blank ones too: what stands behind one is no other unit's."""
    text = {
        "a.service": f"ExecStart={{ path=/bin/sh ; argv[]=/bin/sh -c {command} ; pid=0 }}\nId=a.service\nUser=vox",
        **{f"{name}.service": f"Id={name}.service\nUser={name}" for name in "bcde"},
    }
    asked: list[tuple[str, ...]] = []

    def show(*argv: str) -> str:
        names = argv[argv.index("--") + 1 :]
        asked.append(names)
        return "\n\n".join(text[name] for name in names) + "\n"

    monkeypatch.setattr(probe, "said", show)
    rows = dict(zip(text, probe.Shown().rows(text), strict=True))
    assert {name: (row["Id"], row["User"]) for name, row in rows.items()} | {"a.service": ("a.service", "vox")} == {
        "a.service": ("a.service", "vox"),
        **{f"{one}.service": (f"{one}.service", one) for one in "bcde"},
    }
    assert rows["a.service"]["Id"] == "a.service"
    assert rows["a.service"]["User"].splitlines()[-1] == "vox"
    assert len(asked) == calls


@pytest.mark.parametrize(
    ("unit", "wanted"),
    [
        ("voxcore@1.service", "voxcore@1.service voxcore@.service service"),
        ("vox-dialler.timer", "vox-dialler.timer vox-.timer timer"),
        ("d--f.service", "d--f.service d--.service d-.service service"),
        ("a-b@1.service", "a-b@1.service a-b@.service a-.service a-@1.service a-@.service service"),
        (
            "ab-c-d@x.timer",
            "ab-c-d@x.timer ab-c-d@.timer ab-c-.timer ab-.timer ab-c-@x.timer ab-c-@.timer ab-@x.timer ab-@.timer timer",
        ),
    ],
)
def test_a_drop_in_is_looked_for_where_systemd_does(unit: str, wanted: str) -> None:
    """These are the folders that `systemd-analyze verify` opens (systemd 252)."""
    assert probe.folders_beside(unit) == wanted.split()
