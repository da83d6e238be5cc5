"""The ways to a host that people configure: jumps, proxy commands, the agent, included files."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import paramiko
import pytest

from voxgate.errors import CommandUnknown, Unreachable
from voxgate.transport.ssh import client_config as ssh_config
from voxgate.transport.ssh import packets
from voxgate.transport.ssh.route import Routes

from .conftest import Ground, Opened, free_port, host, key

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ME = getpass.getuser()


# Carries bytes to a port and back, until a file is there: then it lives on and takes nothing.
WAY = """
import os, select, socket, sys, time
there = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
while True:
    ready = select.select([0, there], [], [], 0.05)[0]
    while os.path.exists(sys.argv[2]):
        time.sleep(0.1)
    for one in ready:
        piece = os.read(0, 65536) if one == 0 else there.recv(65536)
        if not piece:
            sys.exit()
        if one == 0:
            there.sendall(piece)
        while one is there and piece:
            piece = piece[os.write(1, piece):]
"""


def client_of(port: int) -> str:
    """The line of a host's peer, as its sshd sees it: a jump's address is in SSH_CONNECTION."""
    return f'test "${{SSH_CONNECTION##* }}" = {port} && echo here'


def test_a_jump_host_is_opened_once_for_all_behind_it(ground: Ground, opened: Opened) -> None:
    target, bastion = ground.sshd(), ground.sshd()
    hosts = [host(target.port, f"h{number}") for number in range(4)]
    config = f"Host bastion\n  HostName 127.0.0.1\n  Port {bastion.port}\n  User {ME}\nHost 127.0.0.1\n  ProxyJump bastion\n"
    config = config.replace("Host 127.0.0.1", "Match originalhost 127.0.0.1")
    connections = opened(ground.estate(*hosts, config=config))
    results = connections.each(hosts, lambda connection: connection.run(client_of(target.port)).stdout)
    assert set(results.values()) == {b"here\n"}
    assert len(bastion.sessions()) == 1
    assert len(target.sessions()) == 4
    assert len(connections["h0"].run("head -c 3000000 /dev/zero").stdout) == 3_000_000


def test_several_hops(ground: Ground, opened: Opened) -> None:
    target, one, two = ground.sshd(), ground.sshd(), ground.sshd()
    jumps = f"{ME}@127.0.0.1:{one.port},ssh://{ME}@127.0.0.1:{two.port}"
    config = f"Host target\n  HostName 127.0.0.1\n  ProxyJump {jumps}\n"
    connections = opened(ground.estate(host(target.port, address="target"), config=config))
    assert connections["one"].run(client_of(target.port)).stdout == b"here\n"
    assert [len(server.sessions()) for server in (one, two, target)] == [1, 1, 1]


def test_what_is_lost_behind_a_jump_host_that_is_lost_too_ends_in_peace(ground: Ground, opened: Opened) -> None:
    target, bastion = ground.sshd(), ground.sshd()
    config = f"Host target\n  HostName 127.0.0.1\n  ProxyJump 127.0.0.1:{bastion.port}\n"
    connection = opened(ground.estate(host(target.port, address="target"), config=config))["one"]
    behind = connection._wire
    assert behind is not None
    channel = behind.sock
    assert isinstance(channel, paramiko.Channel)
    jump = channel.transport
    assert jump is not None
    jump.sock.shutdown(socket.SHUT_WR)  # nothing goes any more, and nobody was told yet
    channel.close()
    behind.join(5)
    assert not behind.is_alive()
    assert not connection.alive


def test_a_jump_host_s_key_is_pinned_too(ground: Ground, opened: Opened) -> None:
    target, bastion = ground.sshd(), ground.sshd()
    config = f"Host target\n  HostName 127.0.0.1\n  ProxyJump 127.0.0.1:{bastion.port}\n"
    estate = ground.estate(host(target.port, address="target"), config=config, known=target.pins())
    with pytest.raises(Unreachable, match=r"one \(jump host 127.0.0.1\): the host key is unknown"):
        opened(estate)["one"]


def test_a_jump_that_cannot_reach_or_may_not_says_so(ground: Ground, opened: Opened) -> None:
    bastion, closed = ground.sshd(), ground.sshd("AllowTcpForwarding no")
    config = "Host target\n  HostName 127.0.0.1\n  ProxyJump 127.0.0.1:{}\n"
    port = free_port()
    estate = ground.estate(host(port, address="target"), config=config.format(bastion.port))
    with pytest.raises(Unreachable, match=rf"jump host .* does not reach 127.0.0.1:{port}: Connection refused"):
        opened(estate)["one"]
    estate = ground.estate(host(port, address="target"), config=config.format(closed.port))
    with pytest.raises(Unreachable, match=rf"jump host .* does not reach 127.0.0.1:{port}: "):
        opened(estate)["one"]


def test_a_lost_jump_host_is_opened_anew_on_reopening(ground: Ground, opened: Opened) -> None:
    target, bastion = ground.sshd(), ground.sshd()
    config = f"Host target\n  HostName 127.0.0.1\n  ProxyJump 127.0.0.1:{bastion.port}\n"
    connections = opened(ground.estate(host(target.port, address="target"), config=config))
    connection = connections["one"]
    bastion.cut()
    until = time.monotonic() + 5
    while connection.alive and time.monotonic() < until:
        threading.Event().wait(0.02)
    assert not connection.alive
    assert connections.reopen(connection.host).run("echo back").stdout == b"back\n"


def test_a_proxy_command_carries_the_connection_and_is_ended(ground: Ground, opened: Opened) -> None:
    server, other = ground.sshd(), ground.sshd()
    ssh = f"ssh -i {ground.identity} -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -p {other.port}"
    config = f"Host target\n  HostName 127.0.0.1\n  ProxyCommand {ssh} -W %h:%p {ME}@127.0.0.1\n"
    connections = opened(ground.estate(host(server.port, address="target"), config=config))
    assert connections["one"].run(client_of(server.port)).stdout == b"here\n"
    assert len(other.sessions()) == 1
    connections.close()
    children = subprocess.run(["pgrep", "-P", str(os.getpid()), "-x", "ssh"], capture_output=True, check=False).stdout
    assert children == b""


def test_a_proxy_command_that_fails_says_so(ground: Ground, opened: Opened) -> None:
    server = ground.sshd()
    config = "Host target\n  HostName 127.0.0.1\n  ProxyCommand false\n"
    with pytest.raises(Unreachable, match=r"one: no SSH connection to "):
        opened(ground.estate(host(server.port, address="target"), config=config))["one"]


def test_a_proxy_command_that_never_answers_has_the_deadline_of_any_way(ground: Ground, opened: Opened) -> None:
    config = f"Host target\n  HostName 127.0.0.1\n  ProxyCommand sleep 600.{os.getpid()}\n"
    with pytest.raises(Unreachable, match=r"one: no SSH answer within 1 s"):
        opened(ground.estate(host(22, address="target"), config=config), 1.0)["one"]
    assert subprocess.run(["pgrep", "-f", f"sleep 600.{os.getpid()}"], capture_output=True, check=False).stdout == b""


def test_a_proxy_command_that_takes_nothing_any_more_is_a_lost_host(
    ground: Ground, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No TCP of ours notices: what is written waits for it, and all who write to that host with it."""
    monkeypatch.setattr(packets, "SILENCE", 0.5, raising=False)
    server = ground.sshd()
    way = ground.folder / "way.py"
    way.write_text(WAY)
    config = f"Host target\n  HostName 127.0.0.1\n  ProxyCommand {sys.executable} {way} {server.port} {ground.folder}/deaf\n"
    connection = opened(ground.estate(host(server.port, address="target"), config=config))["one"]
    assert connection.run("cat", stdin=b"x" * 3_000_000).stdout == b"x" * 3_000_000
    running = connection.start("echo ready; cat >/dev/null")
    assert running.read_line(5.0) == "ready"
    (ground.folder / "deaf").touch()
    said: list[Exception] = []

    def write() -> None:
        try:
            running.write(bytes(3_000_000), deadline=1.0)
        except CommandUnknown as error:
            said.append(error)

    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    writer.join(10.0)
    assert not writer.is_alive(), "it waits for ever"
    assert said
    assert connection._wire.is_lost()


def test_the_configuration_is_honoured_and_the_estate_wins(ground: Ground, opened: Opened, tmp_path: Path) -> None:
    server = ground.sshd()
    stranger = key(tmp_path / "stranger")
    (tmp_path / "more.conf").write_text(f"Host alias\n  HostName 127.0.0.1\n  Port {server.port}\n  HostKeyAlias pinned\n")
    config = f"Include {tmp_path}/*.conf\nHost *\n  User nobody-of-that-name\n  IdentityFile {stranger}\n"
    known = f"[pinned]:{server.port} {server.public()}\n"
    assert opened(ground.estate(host(22, address="alias"), config=config, known=known))["one"].alive
    with pytest.raises(Unreachable, match=rf"login as {ME} refused: tried {stranger}"):
        opened(ground.estate(host(22, address="alias"), config=config, known=known, identity=None))["one"]
    with pytest.raises(Unreachable, match=r"connection refused"):
        opened(ground.estate(host(free_port(), address="alias"), config=config, known=known))["one"]
    config = config.replace(str(stranger), str(ground.identity))
    assert opened(ground.estate(host(22, address="alias"), config=config, known=known, identity=None))["one"].alive


def test_a_configuration_that_is_none_says_so(ground: Ground, opened: Opened) -> None:
    with pytest.raises(Unreachable, match=r"ssh_config: the SSH configuration cannot be read: "):
        opened(ground.estate(host(22), config="what is this\nHost\n"))["one"]
    with pytest.raises(Unreachable, match=r"no usable port: 'many'|ssh_config: the SSH configuration cannot be read: .*[Bb]ad"):
        opened(ground.estate(host(22), config="Port many\n"))["one"]
    estate = ground.estate(host(22))
    (ground.folder / "ssh_config").unlink()
    with pytest.raises(Unreachable, match=r"the SSH configuration cannot be read"):
        opened(estate)["one"]


def test_the_configuration_is_read_as_ssh_reads_it(ground: Ground, opened: Opened, tmp_path: Path) -> None:
    """An Include behind a tab, one in a block of another host, comments, what a program says, and what counts at the end."""
    server = ground.sshd()
    (tmp_path / "hosts.conf").write_text(f"Host alias  # ours\n  HostName 127.0.0.1\n  Port={server.port}\n")
    (tmp_path / "others.conf").write_text("HostName 203.0.113.9\n")
    (tmp_path / "wrong").write_text("User nobody-of-that-name\n")
    config = (
        f"Include\t{tmp_path}/hosts.conf\nHost somebody-else\n  Include {tmp_path}/others.conf\n"
        f'Match exec "test -e {tmp_path}/gone"\n  Include {tmp_path}/wrong\n'
        f'Match originalhost alias exec "test %n = alias"\n  HostKeyAlias pinned\n'
        f"Match final host 127.0.0.1\n  IdentityFile {ground.identity.parent}/%r-gone\n  IdentityFile {ground.identity}\n"
    )
    known = f"[pinned]:{server.port} {server.public()}\n"
    estate = ground.estate(host(22, address="alias"), config=config, known=known, identity=None)
    assert opened(estate)["one"].alive
    hop = Routes.of(estate).to(estate.hosts[0])
    assert (hop.address, hop.port, hop.key_name) == ("127.0.0.1", server.port, "pinned")
    assert hop.identities == (f"{ground.identity.parent}/{ME}-gone", str(ground.identity))
    assert Routes.of(estate).address_of(estate.hosts[0]) == "127.0.0.1"


def test_where_there_is_no_ssh_the_file_is_read_here(ground: Ground, opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    server = ground.sshd()
    monkeypatch.setattr(ssh_config, "program", lambda: None)
    config = f"Host alias\n  HostName 127.0.0.1\n  Port {server.port}\n"
    assert opened(ground.estate(host(22, address="alias"), config=config))["one"].alive
    with pytest.raises(Unreachable, match=r"no usable port: 'many'"):
        opened(ground.estate(host(22), config="Port many\n"))["one"]


def test_where_there_is_no_ssh_a_command_says_what_matches(
    ground: Ground, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = ground.sshd()
    monkeypatch.setattr(ssh_config, "program", lambda: None)
    config = f'Match originalhost alias  exec "false"\n  Port 1\nmatch exec "true"\n  HostName 127.0.0.1\n  Port {server.port}\n'
    assert opened(ground.estate(host(22, address="alias"), config=config))["one"].alive
    monkeypatch.setattr(ssh_config, "_DEADLINE", 0.2)
    with pytest.raises(Unreachable, match=r"one: the SSH configuration of alias cannot be used: .*was not done"):
        opened(ground.estate(host(22, address="alias"), config='Match exec "sleep 5"\n  Port 1\n'))["one"]


def test_an_ssh_that_does_not_answer_is_no_way(ground: Ground, opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ssh_config, "_DEADLINE", 0.2)
    with pytest.raises(
        Unreachable, match=r"one: the SSH configuration of alias cannot be used: ssh -G was not done within 0.2 s"
    ):
        opened(ground.estate(host(22, address="alias"), config='Match exec "sleep 5"\n  Port 1\n'))["one"]


def test_jumps_that_go_in_a_circle_end(ground: Ground) -> None:
    everywhere = ground.estate(host(22, address="a"), config="Host *\n  ProxyJump bastion\n")
    hop = Routes.of(everywhere).to(everywhere.hosts[0])
    assert hop.via is not None
    assert (hop.via.name, hop.via.via) == ("bastion", None)
    chain = "Host a\n  ProxyJump b\nHost b\n  ProxyJump c,d\nHost c\n  ProxyJump e\nHost d\n  ProxyJump x\n"
    estate = ground.estate(host(22, address="a"), config=chain)
    names = []
    found = Routes.of(estate).to(estate.hosts[0]).via
    while found is not None:
        names.append(found.name)
        found = found.via
    assert names == ["b", "d", "c", "e"]
    estate = ground.estate(host(22, address="a"), config="Host a\n  ProxyJump b\nHost b\n  ProxyJump a\n")
    with pytest.raises(Unreachable, match=r"one: ProxyJump goes in a circle: a leads to itself"):
        Routes.of(estate).to(estate.hosts[0])
    plain = ground.estate(host(22, address="a"), config="Host a\n  ProxyJump none\n")
    assert Routes.of(plain).to(plain.hosts[0]).via is None


@pytest.fixture
def agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An agent of the test's own, at the returned socket."""
    if shutil.which("ssh-agent") is None:
        pytest.fail("there is no ssh-agent: apt-get install openssh-client")
    path = tmp_path / "agent"
    process = subprocess.Popen(["ssh-agent", "-D", "-a", path], stdout=subprocess.DEVNULL)
    until = time.monotonic() + 5
    while not path.exists() and time.monotonic() < until:
        threading.Event().wait(0.01)
    monkeypatch.setenv("SSH_AUTH_SOCK", str(path))
    yield path
    process.terminate()
    process.wait(5)


def test_the_agent_s_keys_are_tried(ground: Ground, opened: Opened, agent: Path, tmp_path: Path) -> None:
    server = ground.sshd()
    stranger = key(tmp_path / "stranger")
    subprocess.run(["ssh-add", "-q", ground.identity], check=True)
    assert opened(ground.estate(host(server.port), identity=str(stranger)))["one"].alive
    only = "IdentitiesOnly yes\n"
    with pytest.raises(Unreachable, match=r"refused"):
        opened(ground.estate(host(server.port), identity=str(stranger), config=only))["one"]
    with pytest.raises(Unreachable, match=r"refused"):
        opened(ground.estate(host(server.port), identity=str(stranger), config="IdentityAgent none\n"))["one"]
    # An encrypted file, or only the public half, is used through the agent that holds it.
    (tmp_path / "half").write_text((ground.folder / "id.pub").read_text())
    assert opened(ground.estate(host(server.port), identity=str(tmp_path / "half"), config=only))["one"].alive
