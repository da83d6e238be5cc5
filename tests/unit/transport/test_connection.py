"""Commands, long-lived processes and tunnels over one real SSH connection."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from voxgate.errors import CommandUnknown, Unreachable
from voxgate.transport.ssh.failures import ForwardingDenied, TargetRefused

from .conftest import Ground, Opened, Sshd, free_port, host

if TYPE_CHECKING:
    from voxgate.transport.ssh.connection import Connection


def test_words_arrive_as_they_were_given(connection: Connection) -> None:
    odd = ["printf", "%s\\n", "a b", "", "'", '"', "$HOME", "`id`", "*", "; exit 9", "\N{SNOWMAN}", "-n"]
    completed = connection.run(odd)
    assert completed.exit_status == 0
    assert completed.stdout.decode().splitlines() == odd[2:]
    assert completed.stderr == b""
    assert 0 < completed.seconds < 30


def test_a_line_of_shell_is_a_line_of_shell(connection: Connection) -> None:
    assert connection.run("echo one | tr o 0; exit 7").stdout == b"0ne\n"
    assert connection.run("exit 7").exit_status == 7


def test_stdin_goes_in_and_ends(connection: Connection) -> None:
    sent = os.urandom(5_000_000)
    assert connection.run("cat", stdin=sent).stdout == sent


def test_both_streams_are_drained_together(connection: Connection) -> None:
    completed = connection.run("head -c 6000000 /dev/zero >&2; head -c 6000000 /dev/zero; wc -c", stdin=b"x" * 4_000_000)
    assert (len(completed.stderr), len(completed.stdout)) == (6_000_000, 6_000_000 + len("4000000\n"))


def test_a_command_that_reads_no_stdin_still_ends(connection: Connection) -> None:
    assert connection.run("exit 4", stdin=b"x" * 8_000_000).exit_status == 4


def test_a_killed_command_is_unknown(connection: Connection) -> None:
    with pytest.raises(CommandUnknown, match=r"killed by SIGKILL"):
        connection.run("kill -9 $$")


def test_a_deadline_is_kept_and_the_connection_goes_on(connection: Connection) -> None:
    began = time.monotonic()
    with pytest.raises(CommandUnknown, match=r"'sleep 60' was not done within 0.5 s"):
        connection.run(["sleep", "60"], deadline=0.5)
    assert time.monotonic() - began < 20
    assert connection.run("echo still").stdout == b"still\n"


def test_output_without_end_is_unknown(connection: Connection) -> None:
    with pytest.raises(CommandUnknown, match=r"more than 100000 bytes on stdout"):
        connection.run("yes", limit=100_000)
    with pytest.raises(CommandUnknown, match=r"more than 1000 bytes on stderr"):
        connection.run("yes >&2", limit=1000)
    assert len(connection.run("head -c 1000 /dev/zero", limit=1000).stdout) == 1000


def test_what_is_left_behind_holding_the_output_is_named(connection: Connection) -> None:
    with pytest.raises(CommandUnknown, match=r"ended with 0, but something it left behind holds its output open"):
        connection.run("sleep 5 & exit 0", deadline=1.0)


def test_many_commands_at_once_on_one_connection(connection: Connection) -> None:
    with ThreadPoolExecutor(30) as pool:
        results = list(pool.map(lambda n: connection.run(f"echo {n}; sleep 0.1; echo {n} >&2; exit {n}"), range(30)))
    assert [(r.exit_status, r.stdout, r.stderr) for r in results] == [
        (n, f"{n}\n".encode(), f"{n}\n".encode()) for n in range(30)
    ]


def test_a_server_with_few_sessions_is_waited_for(ground: Ground, opened: Opened) -> None:
    server = ground.sshd("MaxSessions 2")
    connection = opened(ground.estate(host(server.port)))["one"]
    with ThreadPoolExecutor(12) as pool:
        results = list(pool.map(lambda n: connection.run(f"sleep 0.1; echo {n}").stdout, range(12)))
    assert results == [f"{n}\n".encode() for n in range(12)]
    with connection.start("cat"), connection.start("cat"), pytest.raises(CommandUnknown, match=r"no free SSH session"):
        connection.run("true", deadline=0.5)
    assert connection.run("echo free").stdout == b"free\n"


def test_a_server_without_sessions_says_so(ground: Ground, opened: Opened) -> None:
    server = ground.sshd("MaxSessions 0")
    with pytest.raises(Unreachable, match=r"one: the server refuses sessions"):
        opened(ground.estate(host(server.port)))["one"].run("true")


def test_a_lost_connection_is_unknown_and_never_reopened(ground: Ground, opened: Opened) -> None:
    server = ground.sshd()
    connections = opened(ground.estate(host(server.port)))
    connection = connections["one"]
    mark = ground.folder / "ran"
    threading.Timer(0.5, server.cut).start()
    with pytest.raises(CommandUnknown, match=r"was running when the connection was lost.*it was not run again"):
        connection.run(f"echo x >> {mark}; sleep 20")
    assert not connection.alive
    with pytest.raises(Unreachable, match=r"one: the SSH connection is gone"):
        connection.run("true")
    assert connections["one"] is connection
    assert mark.read_text() == "x\n"
    again = connections.reopen(connection.host)
    assert again is not connection
    assert again.run("echo back").stdout == b"back\n"
    assert connections["one"] is again


def test_a_frozen_server_costs_the_deadline(ground: Ground, opened: Opened) -> None:
    server = ground.sshd()
    connection = opened(ground.estate(host(server.port)))["one"]
    frozen = server.sessions()
    for pid in frozen:
        os.kill(pid, signal.SIGSTOP)
    try:
        began = time.monotonic()
        with pytest.raises((CommandUnknown, Unreachable), match=r"within 0.5 s"):
            connection.run("true", deadline=0.5)
        with pytest.raises(Unreachable, match=r"no answer within 0.3 s"):
            connection.open("127.0.0.1", 9, 0.3)
        assert time.monotonic() - began < 10
    finally:
        for pid in frozen:
            os.kill(pid, signal.SIGCONT)


def test_a_running_process_talks_and_lives_as_long_as_its_channel(connection: Connection) -> None:
    with connection.start("echo $$; while read word; do echo got $word; echo err $word >&2; done; exit 3") as running:
        pid = int(running.read_line(5))
        running.write(b"one\ntwo\n")
        assert [running.read_line(5), running.read_line(5)] == ["got one", "got two"]
        assert running.alive
        completed = running.finish(5)
        assert running.errors == "err one\nerr two\n"
    assert completed.exit_status == 3
    with pytest.raises(CommandUnknown):
        running.write(b"x")
    assert connection.run(f"kill -0 {pid}").exit_status != 0


def test_a_running_process_that_ends_or_is_silent_is_unknown(connection: Connection) -> None:
    with connection.start("echo oh no >&2; exit 1") as ended, pytest.raises(CommandUnknown, match=r"ended: oh no"):
        ended.read_line(5)
    with connection.start("cat") as silent, pytest.raises(CommandUnknown, match=r"said nothing within 0.2 s"):
        silent.read_line(0.2)


def test_closing_a_running_process_ends_what_reads_its_stdin(connection: Connection) -> None:
    running = connection.start("echo $$; exec cat")
    pid = running.read_line(5)
    running.close()
    running.close()
    assert not running.alive
    gone = f"for i in $(seq 100); do kill -0 {pid} 2>/dev/null || exit 0; sleep 0.05; done; exit 1"
    assert connection.run(gone).exit_status == 0


def test_a_tunnel_carries_both_ways(connection: Connection) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        def echo() -> None:
            with listener.accept()[0] as peer:
                while data := peer.recv(65536):
                    peer.sendall(data)

        threading.Thread(target=echo, daemon=True).start()
        with connection.open("127.0.0.1", port) as tunnel:
            tunnel.sendall(b"hello", 2)
            assert tunnel.recv(100, 2) == b"hello"
            with pytest.raises(TimeoutError):
                tunnel.recv(100, 0.1)
            tunnel.end_sending()
            assert tunnel.recv(100, 2) == b""


def test_a_refusing_target_is_a_finding(connection: Connection) -> None:
    port = free_port()
    with pytest.raises(TargetRefused, match=rf"one 127.0.0.1:{port}: connection refused"):
        connection.open("127.0.0.1", port)
    with pytest.raises(TargetRefused, match=r"one no-such-name.invalid:80: "):
        connection.open("no-such-name.invalid", 80)


def test_forbidden_forwarding_is_blind(ground: Ground, opened: Opened) -> None:
    server = ground.sshd("AllowTcpForwarding no")
    with pytest.raises(ForwardingDenied, match=r"one: sshd does not forward to \[::1\]:80") as caught:
        opened(ground.estate(host(server.port)))["one"].open("::1", 80)
    assert "AllowTcpForwarding" in caught.value.hint


def test_each_failed_tunnel_gets_its_own_reason(ground: Ground, opened: Opened) -> None:
    refused = free_port()
    server = ground.sshd(f"PermitOpen 127.0.0.1:{refused}")
    connection = opened(ground.estate(host(server.port)))["one"]

    def why(port: int) -> type[Exception]:
        with pytest.raises((TargetRefused, ForwardingDenied)) as caught:
            connection.open("127.0.0.1", port)
        return caught.type

    with ThreadPoolExecutor(20) as pool:
        reasons = list(pool.map(why, [refused, 1] * 20))
    assert reasons == [TargetRefused, ForwardingDenied] * 20


def test_a_tunnel_on_a_lost_connection_is_unreachable(ground: Ground, opened: Opened) -> None:
    server = ground.sshd()
    connection = opened(ground.estate(host(server.port)))["one"]
    with socket.create_server(("127.0.0.1", 0)) as listener, connection.open(*listener.getsockname()) as tunnel:
        server.cut()
        with pytest.raises(Unreachable, match=r"one: the SSH connection was lost"):
            tunnel.recv(10, 5)
        with pytest.raises(Unreachable):
            tunnel.sendall(b"x", 5)
        with pytest.raises(Unreachable):
            connection.open(*listener.getsockname())


def test_closing_wakes_who_waits(server: Sshd, shared_ground: Ground, opened: Opened) -> None:
    connection = opened(shared_ground.estate(host(server.port)))["one"]
    threading.Timer(0.3, connection.close).start()
    began = time.monotonic()
    with pytest.raises(CommandUnknown):
        connection.run("sleep 20")
    assert time.monotonic() - began < 10
    connection.close()
