"""All hosts at once: opened in parallel, each once, and one that is down delays nobody."""

from __future__ import annotations

import socket
import struct
import subprocess
import sys
import textwrap
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from voxgate.errors import UNFORESEEN, CommandUnknown, MoveFailed, Unforeseen, Unreachable
from voxgate.model.estate import Host
from voxgate.transport.ssh.connection import Connection
from voxgate.transport.ssh.connections import Connections

from .conftest import Ground, Opened, Sshd, free_port, host, key

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def blackhole() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def test_six_hosts_open_in_parallel_and_once(ground: Ground, opened: Opened) -> None:
    server = ground.sshd()
    hosts = [host(server.port, f"h{number}") for number in range(6)]
    connections = opened(ground.estate(*hosts))
    began = time.monotonic()
    outcomes = connections.open(hosts)
    seconds = time.monotonic() - began
    assert all(isinstance(outcome, Connection) for outcome in outcomes.values())
    assert list(outcomes) == [f"h{number}" for number in range(6)]
    assert seconds < 5
    assert connections.open(hosts) == outcomes
    assert connections["h3"] is outcomes["h3"]
    assert len(server.sessions()) == 6


def test_opening_from_many_threads_opens_once(ground: Ground, opened: Opened) -> None:
    server = ground.sshd()
    connections = opened(ground.estate(host(server.port)))
    found: list[Connection] = []
    threads = [threading.Thread(target=lambda: found.append(connections["one"])) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1
    assert len(server.sessions()) == 1


def test_a_blackhole_delays_nobody(ground: Ground, opened: Opened, blackhole: int) -> None:
    server = ground.sshd()
    hosts = [
        host(blackhole, "hole"),
        *(host(server.port, f"h{number}") for number in range(3)),
        host(free_port(), "shut"),
    ]
    connections = opened(ground.estate(*hosts), 4.0)
    finished: dict[str, float] = {}

    def work(connection: Connection) -> str:
        finished[connection.host.name] = time.monotonic() - began
        return connection.run(["echo", connection.host.name]).stdout.decode().strip()

    began = time.monotonic()
    results = connections.each(hosts, work)
    assert time.monotonic() - began < 8
    assert max(finished.values()) < 3.5
    assert [results[f"h{number}"] for number in range(3)] == ["h0", "h1", "h2"]
    hole = f"{hosts[0].user}@127.0.0.1:{blackhole}"
    silent = f"hole: no SSH answer within 4 s: {hole} accepts connections but does not answer as sshd"
    assert str(results["hole"]) == silent
    assert str(results["shut"]).endswith("connection refused")
    with pytest.raises(Unreachable, match=r"hole: no SSH answer"):
        connections["hole"]


def test_a_server_that_drips_its_banner_costs_the_deadline(ground: Ground, opened: Opened) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def drip() -> None:
            peer = listener.accept()[0]
            with peer:
                try:
                    while True:
                        peer.sendall(b"x\r\n")
                        time.sleep(0.05)
                except OSError:
                    pass

        thread = threading.Thread(target=drip, daemon=True)
        thread.start()
        began = time.monotonic()
        with pytest.raises(Unreachable):
            opened(ground.estate(host(listener.getsockname()[1])), 1.0)["one"]
        assert time.monotonic() - began < 10
        thread.join(3)


def test_another_service_on_the_port_is_named(ground: Ground, opened: Opened) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def hang_up() -> None:
            listener.accept()[0].close()

        threading.Thread(target=hang_up, daemon=True).start()
        with pytest.raises(Unreachable, match=r"closed the connection before it said that it speaks SSH"):
            opened(ground.estate(host(listener.getsockname()[1])))["one"]


def test_names_and_logins_that_fail_are_one_line(ground: Ground, opened: Opened, tmp_path: Path) -> None:
    server = ground.sshd()
    stranger = key(tmp_path / "stranger")
    with pytest.raises(Unreachable, match=r"^one: the name no-such.invalid is not resolvable: [^\n]+$"):
        opened(ground.estate(host(22, address="no-such.invalid")))["one"]
    with pytest.raises(Unreachable, match=rf"^one: login as root refused: tried {stranger}$"):
        opened(ground.estate(host(server.port, user="root"), identity=str(stranger)))["one"]
    with pytest.raises(Unreachable, match=r"login as root refused: tried /nowhere/key \(does not exist\)"):
        opened(ground.estate(host(server.port, user="root"), identity="/nowhere/key"))["one"]
    locked = key(tmp_path / "locked", passphrase="secret")
    with pytest.raises(Unreachable, match=r"locked \(encrypted, and not in the agent: ssh-add "):
        opened(ground.estate(host(server.port), identity=str(locked)))["one"]
    (tmp_path / "rubbish").write_text("no key")
    with pytest.raises(Unreachable, match=r"rubbish \(not a private key that can be read\)"):
        opened(ground.estate(host(server.port), identity=str(tmp_path / "rubbish")))["one"]


def test_a_server_that_wants_passwords_says_so(ground: Ground, opened: Opened) -> None:
    server = ground.sshd("PubkeyAuthentication no", "PasswordAuthentication yes")
    with pytest.raises(Unreachable, match=r"refused: the server wants [a-z,\- ]*password"):
        opened(ground.estate(host(server.port)))["one"]


def test_a_second_factor_is_named(ground: Ground, opened: Opened) -> None:
    server = ground.sshd("AuthenticationMethods publickey,password", "PasswordAuthentication yes")
    with pytest.raises(Unreachable, match=r"the key was taken, but the server wants password too"):
        opened(ground.estate(host(server.port)))["one"]


def test_a_server_whose_words_break_the_library_is_lost_alone(
    ground: Ground, opened: Opened, caplog: pytest.LogCaptureFixture
) -> None:
    """Its list of ways to exchange keys is no text."""
    body = b"\x14" + bytes(16) + b"\x00\x00\x00\x01\xff" + bytes(40)
    padding = 8 - (len(body) + 5) % 8 + 8

    def serve() -> None:
        with suppress(OSError):
            peer = listener.accept()[0]
            with peer:
                packet = struct.pack(">IB", len(body) + padding + 1, padding) + body + bytes(padding)
                peer.sendall(b"SSH-2.0-rude\r\n" + packet)
                while peer.recv(4096):
                    pass

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        rude, good = host(listener.getsockname()[1], "rude"), host(ground.sshd().port, "good")
        with opened(ground.estate(rude, good, known=_pins(ground, rude))) as connections:
            found = connections.open([rude, good])
        thread.join(5)
    assert isinstance(found["good"], Connection)
    lost = found["rude"]
    assert isinstance(lost, Unreachable)
    assert lost.line.startswith("rude: the gate itself failed here: UnicodeDecodeError")
    assert [record.name for record in caplog.records if record.name == UNFORESEEN] == [UNFORESEEN]


def _pins(ground: Ground, other: Host) -> str:
    """The server of the ground is pinned, and its key for another host too."""
    server = ground.servers[0]
    return server.pins() + server.pins().replace(str(server.port), str(other.port))


def test_each_returns_errors_and_a_mistake_is_that_hosts_alone(ground: Ground, opened: Opened) -> None:
    server = ground.sshd()
    hosts = [host(server.port, "a"), host(server.port, "b")]
    connections = opened(ground.estate(*hosts))

    def fail(connection: Connection) -> str:
        if connection.host.name == "a":
            raise MoveFailed("no", where="a")
        return "b"

    assert {name: str(result) for name, result in connections.each(hosts, fail).items()} == {"a": "a: no", "b": "b"}
    told = connections.each(hosts, lambda connection: {"b": "fine"}[connection.host.name])
    assert told["b"] == "fine"
    assert isinstance(told["a"], Unforeseen)
    assert told["a"].line == "a: the gate itself failed here: KeyError: 'a'"


def test_a_host_the_estate_does_not_have_is_a_mistake(connections: Connections) -> None:
    with pytest.raises(KeyError):
        connections["two"]


def test_reopening_what_is_gone_records_why(ground: Ground, opened: Opened) -> None:
    server = ground.sshd()
    connections = opened(ground.estate(host(server.port)))
    first = connections["one"]
    server.stop()
    with pytest.raises((CommandUnknown, Unreachable)):
        first.run("sleep 5")
    with pytest.raises(Unreachable, match=r"connection refused"):
        connections.reopen(first.host)
    with pytest.raises(Unreachable, match=r"connection refused"):
        connections["one"]


def test_after_closing_nothing_is_left(ground: Ground, server: Sshd) -> None:
    before = {thread for thread in threading.enumerate() if thread.is_alive()}
    descriptors = {entry.name for entry in Path("/proc/self/fd").iterdir()}
    hosts: list[Host] = [host(server.port, f"h{number}") for number in range(4)]
    known = server.pins()
    with Connections(ground.estate(*hosts, known=known, identity=_identity(server))) as connections:
        connections.each(hosts, lambda connection: connection.run("true"))
        connections["h0"].start("cat")
    left = {thread for thread in threading.enumerate() if thread.is_alive()} - before
    for thread in left:
        thread.join(2)
    assert not {thread for thread in left if thread.is_alive()}
    assert {entry.name for entry in Path("/proc/self/fd").iterdir()} == descriptors


def _identity(server: Sshd) -> str:
    """The client key of the shared ground."""
    return str(server.folder.parent / "id")


def test_a_process_that_ends_with_open_connections_ends_in_silence(server: Sshd, ground: Ground) -> None:
    estate = ground.estate(host(server.port), known=server.pins(), identity=_identity(server))
    program = f"""
        import sys
        sys.path.insert(0, {str(Path.cwd())!r})
        from tests.unit.transport.conftest import *
        from voxgate.model.estate import *
        estate = {estate!r}
        connections = Connections(estate)
        connections["one"].start("cat")
        connections["one"].open("127.0.0.1", {server.port})
        print(connections["one"].run("echo done").stdout.decode().strip())
    """
    program = program.replace("<Role.API: 'api'>", "Role.API").replace("<Available.SLOTS: 'slots'>", "Available.SLOTS")
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(program)],
        capture_output=True, check=False, text=True, timeout=20,
    )  # fmt: skip
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "done\n", "")
