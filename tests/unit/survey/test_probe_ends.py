"""The probe on who answers at a unit's port: real sockets and processes, and the kernel's own form of its rules."""

from __future__ import annotations

import json
import os
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.built import PROBE, probe

UNIT = "voxcore@1.service"
PLAIN = socket.socket
SERVES = """
import http.server, json, os, sys
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps({"pid": os.getpid(), "path": self.path}).encode()
        self.send_response(int(sys.argv[1]))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_): pass
server = http.server.HTTPServer(("127.0.0.1", 0), Page)
print(server.server_address[1], flush=True)
server.serve_forever()
"""


@contextmanager
def serving(status: int = 200) -> Iterator[tuple[int, int]]:
    """A process that answers, and its port."""
    with subprocess.Popen([sys.executable, "-I", "-c", SERVES, str(status)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.pid, int(process.stdout.readline())
        finally:
            process.kill()


def asked(port: int, through: int = 0) -> dict[str, Any]:
    (row,) = probe.ends([probe.End(UNIT, port, "/health", through)])["ends"]
    return dict(row)


@pytest.fixture(autouse=True)
def _no_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    """What this machine leads elsewhere is its own matter."""
    monkeypatch.setattr(probe, "turns", list)


def test_the_other_end_is_the_units_own_and_says_what_the_gate_is_told() -> None:
    with serving() as (pid, port):
        own = probe.unit_at(pid)
        assert asked(port) == {
            "unit": UNIT, "port": port, "through": 0, "outcome": "answered", "status": 200, "pid": pid, "holders": [[pid, own]],
            "reached": True,
        }  # fmt: skip
    with serving(503) as (pid, port):
        assert asked(port)["status"] == 503


def test_another_process_that_has_the_other_end_is_named() -> None:
    with serving() as (pid, port):
        assert asked(port)["holders"] == [[pid, probe.unit_at(pid)]]


KEEPS = """
import ctypes, threading, time
def keep():
    ready = threading.Event()
    def alone():
        assert ctypes.CDLL(None).unshare(0x400) == 0  # CLONE_FILES
        ready.set()
        time.sleep(300)
    threading.Thread(target=alone).start()
    ready.wait()
    os.closerange(0, 100)
    time.sleep(300)
"""


@pytest.mark.parametrize("by_a_thread", [False, True])
def test_who_has_the_other_end_beside_the_unit_is_named(monkeypatch: pytest.MonkeyPatch, *, by_a_thread: bool) -> None:
    """Whoever has it may answer, also one that was not there yet when the processes were listed: a child that keeps it; also
    where one of its threads alone has it open.
    """
    begins = "os.fork() or keep()" if by_a_thread else "os.fork()"
    shares = SERVES.replace(
        "    def do_GET", f"    def setup(self):\n        print({begins}, flush=True); super().setup()\n    def do_GET"
    )
    monkeypatch.setattr(sys.modules[__name__], "SERVES", KEEPS + shares)
    with serving() as (pid, port):
        begun = probe.begin(probe.End(UNIT, port, "/health", 0), time.monotonic() + 5)
        with begun.connection as ours:
            while not (children := Path(f"/proc/{pid}/task/{pid}/children").read_text().split()):
                time.sleep(0.01)
            while by_a_thread and any("socket:" in target for target in probe.open_in(children[0], 100)):
                time.sleep(0.01)
            (holders,) = probe.accepted([ours]).values()
            os.kill(int(children[0]), signal.SIGKILL)
    assert pid in holders
    assert len(holders) == 2


def test_a_connection_of_anothers_from_the_same_port_is_not_ours() -> None:
    """Whoever logs in from elsewhere may have taken the very port number that our own connection has here."""
    with serving() as (pid, port), socket.create_server(("127.0.0.1", 0)) as other:
        begun = probe.begin(probe.End(UNIT, port, "/health", 0), time.monotonic() + 5)
        with begun.connection as ours:
            number = ours.getsockname()[1]
            with socket.create_connection(other.getsockname(), 5, ("127.0.0.9", number)) as theirs:
                taken, _ = other.accept()
                with taken:
                    assert [(own, far) for own, far, _, _ in probe.rows_to({number})] == [(port, number)]
                    assert probe.accepted([ours]) == {number: {pid}}
                assert theirs.getsockname()[1] == number
            with socket.socket() as third:  # nobody here gets that port beside us
                third.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                with pytest.raises(OSError, match="in use"):
                    third.bind(("127.0.0.1", number))


def test_a_port_that_nobody_takes_is_refused() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        row = asked(nobody.getsockname()[1])
    assert (row["outcome"], row["holders"], row["status"]) == ("refused", [], 0)


def test_what_takes_a_connection_and_says_nothing_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "WITHIN", 0.2)
    monkeypatch.setattr(probe, "ACCEPTED_WITHIN", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        row = asked(silent.getsockname()[1])
    assert (row["outcome"], row["holders"]) == ("silent", [])


DRIPS = SERVES.replace("        body =", "        while self.wfile.write(b'H'): __import__('time').sleep(0.01)\n        body =")
SLOW = SERVES.replace("        body =", "        __import__('time').sleep(0.1)\n        body =")


def test_who_takes_all_the_time_leaves_the_others_theirs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page without an end, byte by byte: it is silent itself, and the page of another service is told."""
    monkeypatch.setattr(probe, "WITHIN", 0.4)
    monkeypatch.setattr(probe, "ALL_WITHIN", 0.5)
    monkeypatch.setattr(probe, "A_MOMENT", 1.0)
    ports = []
    with ExitStack() as serves:
        for text in (DRIPS, DRIPS, SLOW):
            monkeypatch.setattr(sys.modules[__name__], "SERVES", text)
            pid, port = serves.enter_context(serving())
            ports.append(port)
        rows = probe.ends([probe.End(UNIT, one, "/health", 0) for one in ports])["ends"]
    assert [(row["outcome"], row["status"]) for row in rows] == [("silent", 0), ("silent", 0), ("answered", 200)]
    assert [holder for holder, _ in rows[-1]["holders"]] == [pid]


def test_a_web_server_that_answers_by_itself_is_told_from_one_that_asks_the_unit() -> None:
    with serving() as (_, web), serving() as (_, port):
        assert not asked(port, through=web)["reached"]
        with socket.create_connection(("127.0.0.1", port)):  # as a web server keeps one open
            assert asked(port, through=web)["reached"]


def test_a_connection_that_takes_the_ports_of_one_that_has_ended_is_another() -> None:
    """On loopback the kernel gives ports anew after a second, and tells how long it waits with what has ended, 60 s at first."""
    pair, another = ("0100007F:1F90", "0100007F:C1A2"), ("0100007F:1F90", "0100007F:C1A3")
    ended = {pair: ("06", 4000)}
    assert not probe.came_since(ended, ended)
    assert not probe.came_since(ended, {pair: ("06", 3990)})
    assert not probe.came_since(ended, {})
    assert probe.came_since(ended, {pair: ("06", 5998)})
    assert probe.came_since(ended, {**ended, another: ("06", 5998)})
    assert probe.came_since(ended, {pair: ("01", 0)})
    with socket.create_server(("127.0.0.1", 0)) as server:
        with socket.create_connection(server.getsockname()) as client:
            taken, _ = server.accept()
            client.close()
            taken.close()
        (row,) = [row for row in probe.connected_to(server.getsockname()[1]).values() if row[0] == "06"]
        assert 5000 < row[1] <= 6000  # a hundredth of a second each


def attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(value), kind) + value + b"\0" * (-len(value) % 4)


def number(kind: int, value: int) -> bytes:
    return attribute(kind, value.to_bytes(4, "big"))


def expression(name: str, *parts: bytes) -> bytes:
    return attribute(1, attribute(1, name.encode() + b"\0") + attribute(2, b"".join(parts)))


def compared(value: int, size: int, how: int = 0, register: int = 1) -> bytes:
    data = attribute(3, attribute(1, value.to_bytes(size, "big")))
    return expression("cmp", number(1, register), number(2, how), data)


PROTOCOL = expression("meta", number(1, 1), number(2, 16))
PORT = expression("payload", number(1, 1), number(2, 2), number(3, 2), number(4, 2))
REDIRECT = expression("redir")
XT_TCP = expression("match", attribute(1, b"tcp\0"), attribute(3, struct.pack("=HHHHBBBB", 0, 65535, 80, 90, 0, 0, 0, 0)))


def target(name: str) -> bytes:
    return expression("target", attribute(1, name.encode() + b"\0"))


@pytest.mark.parametrize(
    ("rule", "does", "ports"),
    [
        (PROTOCOL + compared(6, 1) + PORT + compared(8101, 2) + REDIRECT, "redir", (8101, 8101)),
        (PORT + compared(8000, 2, 5) + PORT + compared(8100, 2, 3) + expression("nat", number(1, 1)), "dnat", (8000, 8100)),
        (PORT + compared(8000, 2, 4) + PORT + compared(8100, 2, 2) + REDIRECT, "redir", (8001, 8099)),
        (PORT + compared(8101, 2, 1) + REDIRECT, "redir", (0, 65535)),
        (expression("range", number(1, 1), number(2, 0)) + REDIRECT, "redir", (0, 65535)),
        (REDIRECT, "redir", (0, 65535)),
        (XT_TCP + target("DNAT"), "DNAT", (80, 90)),
        (target("OF_TOMORROW"), "OF_TOMORROW", (0, 65535)),
        (expression("payload", number(5, 1), number(2, 2), number(3, 2), number(4, 2)), "rewrites", (0, 65535)),
        (expression("tproxy"), "tproxy", (0, 65535)),
    ],
)
def test_a_rule_that_leads_elsewhere_is_read(rule: bytes, does: str, ports: tuple[int, int]) -> None:
    read = probe.Read(rule)
    assert (read.leads, read.does, (read.first, read.last)) == (True, does, ports)


@pytest.mark.parametrize(
    "rule",
    [
        b"",
        PROTOCOL + compared(17, 1) + PORT + compared(53, 2) + REDIRECT,
        PORT + compared(22, 2) + expression("immediate"),
        expression("nat", number(1, 0)),
        target("MASQUERADE"),
        target("LOG"),
        expression("match", attribute(1, b"udp\0")) + target("REDIRECT"),
        expression("counter"),
        PORT + compared(80, 2) + PORT + compared(90, 2) + REDIRECT,
    ],
)
def test_a_rule_that_accepts_drops_or_counts_leads_nowhere(rule: bytes) -> None:
    assert not probe.Read(rule).leads


OLD = """*nat
:PREROUTING ACCEPT [0:0]
:DOCKER - [0:0]
-A PREROUTING -p tcp -m multiport --dports 8101,90:95 -j REDIRECT --to-ports 1
-A PREROUTING -p udp --dport 53 -j REDIRECT --to-ports 1
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A POSTROUTING -s 172.17.0.0/16 -j MASQUERADE
-A DOCKER ! -i docker0 -p tcp -m tcp --dport :99 -j DNAT --to-destination 172.17.0.2:80
COMMIT
"""


def test_the_tables_of_old_are_read_where_the_kernel_has_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    (tmp_path / "names").write_text("nat\n")
    (tmp_path / "say").write_text(f"#!/bin/sh\ncat <<'END'\n{OLD}END\n")
    (tmp_path / "say").chmod(0o755)
    monkeypatch.setattr(probe, "TABLES_OF_OLD", ((str(tmp_path / "names"), str(tmp_path / "say")), (str(tmp_path / "no"), "no")))
    rows = [(row["where"].rpartition(" ")[2], row["does"], row["ports"]) for row in probe.of_tables_of_old()]
    assert rows == [("PREROUTING", "REDIRECT", [[8101, 8101], [90, 95]]), ("DOCKER", "DNAT", [[0, 99]])]


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_where_the_kernel_tells_no_rules_nothing_is_taken_for_none() -> None:
    asks = f"""
import importlib.util, sys
spec = importlib.util.spec_from_file_location("probe", {str(PROBE)!r})
probe = importlib.util.module_from_spec(spec)
spec.loader.exec_module(probe)
try:
    print(list(probe.of_nftables()))
except probe.Trouble as trouble:
    print(trouble.kind, trouble)
"""
    told = subprocess.run(
        ["/usr/bin/python3", "-I", "-c", asks], user=65534, capture_output=True, text=True, check=True, timeout=60
    )
    assert told.stdout.startswith("denied rules of nftables: ")


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, as whoever may speak there")
def test_no_program_says_what_the_kernels_rules_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """What may send by netlink, as a container with CAP_NET_ADMIN may, could say that there are no more of them."""

    class SpokenTo(socket.socket):
        """Another program sends to it what the kernel would: a rule, and that all were told."""

        def send(self, data: Any, *flags: int) -> int:
            self.bind((0, 0))
            with PLAIN(socket.AF_NETLINK, socket.SOCK_RAW, probe.NETFILTER) as other:
                for kind in (0x0A06, probe.NETLINK_DONE):
                    other.sendto(struct.pack("=IHHIIi", 20, kind, 0, 1, 0, 0), (self.getsockname()[0], 0))
            return super().send(data, *flags)

    told = list(probe.rules_of_kernel())
    monkeypatch.setattr(socket, "socket", SpokenTo)
    assert list(probe.rules_of_kernel()) == told


@pytest.mark.parametrize(
    "row",
    [
        "voxcore@1.service",
        ["x", 1, "/health", 0],
        [UNIT, 0, "/health", 0],
        [UNIT, 1 << 16, "/health", 0],
        [UNIT, True, "/health", 0],
        [UNIT, 8101, "health", 0],
        [UNIT, 8101, "/health\r\nX: y", 0],
        [UNIT, 8101, "/health", -1],
        [UNIT, 8101, "/health"],
        [["x"], 8101, "/health", 0],
    ],
)
def test_a_request_for_anything_else_than_a_page_of_a_unit_is_refused(row: object) -> None:
    assert not probe.is_end(row)
    assert probe.is_end([UNIT, 8101, "/health", 80])


def test_who_asks_has_no_more_pages_asked_than_a_host_has() -> None:
    pages = [[UNIT, 8101, "/health", 0]] * (probe.ENDS_AT_MOST + 1)
    probe.services_of(json.dumps({"format": 1, "services": [], "ends": pages[1:]}).encode())
    with pytest.raises(probe.Trouble, match="pages"):
        probe.services_of(json.dumps({"format": 1, "services": [], "ends": pages}).encode())
