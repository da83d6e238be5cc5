"""Forwarded ports, and the database's own view through them: against a real MongoDB-compatible server if there is one."""

from __future__ import annotations

import json
import shutil
import socket
import socketserver
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import bson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymongo import MongoClient
from pymongo.collection import Collection
from pymongo.errors import OperationFailure

from bench.relay import relaying
from voxgate.contracts.estates import load_estate
from voxgate.errors import ContractError
from voxgate.model.answers import DatabaseClient, DatabaseView
from voxgate.model.database import Database, Pace
from voxgate.model.evidence import Missing, known
from voxgate.model.look import Evidence
from voxgate.promises.records import AwayError, newest
from voxgate.survey.clients import wrong_clients
from voxgate.survey.collect import take_look
from voxgate.transport.at_once import at_once
from voxgate.transport.clients.database import _clients, _some, see, split
from voxgate.transport.clients.database_login import wants_login
from voxgate.transport.ssh.connection import Connection
from voxgate.transport.ssh.connections import Connections
from voxgate.transport.ssh.failures import TargetRefused
from voxgate.transport.ssh.forward import forward

from .conftest import Ground, Opened, Sshd, free_port, host

MOMENT = {"$date": "1970-01-01T00:00:00Z"}
SECANTUS = shutil.which("secantusd-py", path=str(Path(sys.executable).parent)) or ""


@pytest.fixture
def echo() -> Iterator[int]:
    """A server that sends back what it gets, until the end of it."""

    def serve(peer: socket.socket) -> None:
        with peer, suppress(OSError):
            while data := peer.recv(65536):
                peer.sendall(data)

    def accept() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def test_a_forwarded_port_carries_several_connections(connection: Connection, echo: int) -> None:
    with forward(connection, "127.0.0.1", echo) as way:
        peers = [socket.create_connection((way.address, way.port), 5) for _ in range(5)]
        for number, peer in enumerate(peers):
            peer.sendall(str(number).encode() * 100_000)
            peer.shutdown(socket.SHUT_WR)
        for number, peer in enumerate(peers):
            with peer:
                said = b"".join(iter(lambda peer=peer: peer.recv(65536), b""))  # type: ignore[misc]
                assert said == str(number).encode() * 100_000
        assert way.trouble is None


def test_leaving_a_forward_leaves_nothing(connection: Connection, echo: int) -> None:
    before = set(threading.enumerate())
    with forward(connection, "127.0.0.1", echo) as way:
        peer = socket.create_connection((way.address, way.port), 5)
        peer.sendall(b"x")
        assert peer.recv(1) == b"x"
    with peer:
        assert peer.recv(1) == b""
    assert not [thread for thread in set(threading.enumerate()) - before if "forward" in thread.name]
    with pytest.raises(OSError, match="refused"):
        socket.create_connection((way.address, way.port), 1)


def test_a_forward_that_leads_nowhere_says_why(connection: Connection) -> None:
    with (
        forward(connection, "127.0.0.1", free_port()) as way,
        socket.create_connection((way.address, way.port), 5) as peer,
    ):
        assert peer.recv(1) == b""
        assert isinstance(way.trouble, TargetRefused)


def test_what_cannot_be_asked_is_missing(ground: Ground, opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    server, closed = ground.sshd(), ground.sshd("AllowTcpForwarding no")
    connections = opened(ground.estate(host(server.port), host(closed.port, "closed"), host(free_port(), "down")))
    uri = f"mongodb://user:s3cret@127.0.0.1:{free_port()}/vox"

    def missing(database: Database) -> tuple[str, str]:
        found = see(connections, database, 2.0)
        assert isinstance(found, Missing)
        assert found.where == "vox"
        assert "s3cret" not in repr(found)
        return found.kind, found.why

    kind, why = missing(Database("vox", "one", uri, via="one"))
    assert kind == "unreachable"
    assert why.endswith("connection refused")
    assert missing(Database("vox", "one", uri, via="closed"))[0] == "denied"
    assert missing(Database("vox", "one", uri, via="down"))[0] == "unreachable"
    assert missing(Database("vox", "one", uri))[0] in {"timeout", "unreachable"}
    assert missing(Database("vox", "one", "mongodb://a:s3cret@h:port/", via="one"))[0] == "failed"
    assert missing(Database("vox", "one", "mongodb://a:s3cret@h:port/"))[0] == "failed"
    assert missing(Database("vox", "one", "mongodb+srv://a:s3cret@h/", via="one"))[0] == "failed"
    monkeypatch.delenv("VOX_URI", raising=False)
    assert missing(Database("vox", "one", uri_env="VOX_URI")) == ("missing", "the variable VOX_URI is not set")
    found = see(connections, Database("vox", "one", uri_env="VOX_URI", via="one"), 2.0)
    assert isinstance(found, Missing)
    assert found.hint.startswith("export VOX_URI=mongodb://USER:PASSWORD@HOST:27017/vox, as one reaches it")
    monkeypatch.setenv("VOX_URI", uri)
    assert missing(Database("vox", "one", uri_env="VOX_URI", via="one"))[0] == "unreachable"


def test_a_uri_is_taken_apart() -> None:
    uri = "mongodb://u:p%40@db-1:27018,db-2/vox?authSource=admin"
    assert split(uri) == (("db-1", 27018), "u:p%40@", "vox?authSource=admin")
    assert split("mongodb://[::1]:27017") == (("::1", 27017), "", "")


def test_rows_of_every_kind_become_clients() -> None:
    rows: list[dict[str, Any]] = [
        {"client": "10.0.0.1:5000", "appName": "dialler", "effectiveUsers": [{"user": "vox", "db": "admin"}]},
        {"client": "10.0.0.1:5000", "appName": "again"},
        {"client": "[::1]:6000", "clientMetadata": {"application": {"name": "backend"}}},
        {"client_s": "10.0.0.2:7000"},
        {"client": "anonymous unix socket"},
        {"desc": "a thread of its own", "active": True},
    ]
    assert [(c.address, c.port, c.app_name, c.user) for c in _clients(rows).values()] == [
        ("10.0.0.1", 5000, "dialler", "vox"),
        ("::1", 6000, "backend", ""),
        ("10.0.0.2", 7000, "", ""),
        ("anonymous unix socket", 0, "", ""),
    ]


SINGLE = st.none() | st.booleans() | st.integers() | st.text(max_size=6) | st.text("0123456789:²[]", max_size=8)
FORM: st.SearchStrategy[Any] = st.recursive(
    SINGLE,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["user", "application", "name"]), inner),
    max_leaves=4,
)
KEYS = ["client", "client_s", "appName", "clientMetadata", "effectiveUsers", "desc"]


@settings(deadline=None, max_examples=300)
@given(st.lists(st.dictionaries(st.sampled_from(KEYS), FORM, max_size=6) | FORM, max_size=4))
def test_rows_of_any_form_are_clients_or_of_another_form(rows: list[Any]) -> None:
    found: dict[str, DatabaseClient] = {}
    with suppress(ContractError):
        found = _clients(_some(rows))
    for text, client in found.items():
        assert client.address in text
        assert 0 <= client.port < 65536
        assert isinstance(client.app_name, str)
        assert isinstance(client.user, str)


OURS = "<ours>"
GOOD: dict[str, Any] = {"you": OURS, "version": "7.0", "inprog": [{"client": OURS}]}


class _Rude(socketserver.StreamRequestHandler):
    """A server of the database's protocol that says what it was given, whatever its form."""

    said: ClassVar[dict[str, Any]]

    def handle(self) -> None:
        with suppress(OSError, struct.error):
            while head := self.rfile.read(16):
                length, number, _, code = struct.unpack("<iiii", head)
                body = self.rfile.read(length - 16)
                if code == 2013:
                    document = {**bson.decode(body[5:]), "$number": number}
                    answer = struct.pack("<IB", 0, 0) + self._answer(document)
                else:  # the first greeting, in the old form
                    answer, code = struct.pack("<iqii", 8, 0, 0, 1) + self._answer({"hello": 1}), 1
                self.wfile.write(struct.pack("<iiii", 16 + len(answer), 1, number, code) + answer)

    def _answer(self, asked: dict[str, Any]) -> bytes:
        command = next(iter(asked)).lower()
        if command in {"hello", "ismaster"}:
            document: dict[str, Any] = {"isWritablePrimary": True, "ismaster": True, "minWireVersion": 0, "maxWireVersion": 21}
            return bson.encode(
                {**document, "helloOk": True, "maxBsonObjectSize": 1 << 24, "maxMessageSizeBytes": 1 << 25, "ok": 1}
            )
        here = f"{self.client_address[0]}:{self.client_address[1]}"
        ours = json.dumps(self.said).replace(OURS, here)
        said = {**json.loads(ours)}
        row = said.get("cursor", {"id": 0, "ns": "admin.$cmd", "firstBatch": said["inprog"]})
        keys: dict[str, str] = {"whatsmyuri": "you", "buildinfo": "version", "currentop": "inprog"}
        key = "cursor" if command == "aggregate" else keys.get(command, "ok")
        return bson.encode({key: {**said, "cursor": row, "ok": 1}[key], "ok": 1})


@pytest.mark.parametrize(
    "said",
    [
        {"inprog": 5},
        {"inprog": [1]},
        {"inprog": {"a": 1}},
        {"inprog": [{"client": OURS, "clientMetadata": "x"}]},
        {"inprog": [{"client": OURS, "clientMetadata": {"application": "x"}}]},
        {"inprog": [{"client": OURS, "clientMetadata": {"application": {"name": 5}}}]},
        {"inprog": [{"client": OURS, "effectiveUsers": {"a": 1}}]},
        {"inprog": [{"client": OURS, "effectiveUsers": [1]}]},
        {"inprog": [{"client": OURS, "effectiveUsers": [{"user": ["x"]}]}]},
        {"inprog": [{"client": OURS, "appName": {"x": 1}}]},
        {"inprog": [{"client": 7}]},
        {"you": 5},
        {"you": None},
        {"version": [1]},
        {"cursor": 5},
        {"cursor": {"id": 0}},
        {"cursor": {"id": 0, "ns": 5, "firstBatch": 5}},
    ],
    ids=str,
)
def test_a_server_that_talks_nonsense_is_missing_and_nothing_is_raised(connections: Connections, said: dict[str, Any]) -> None:
    """A real socket, the real protocol: see() itself, as the look, the preflight and the dialler's restart call it."""
    handler = type("_Told", (_Rude,), {"said": {**GOOD, **said}})
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        found = see(connections, Database("vox", "one", f"mongodb://127.0.0.1:{server.server_address[1]}/vox"), 3.0)
        server.shutdown()
        thread.join(5)
    assert isinstance(found, Missing), found
    assert (found.kind, found.where) == ("unparsable", "vox"), found


class _Together(_Rude):
    """It says who asks only when both of our connections have asked."""

    both: ClassVar[threading.Barrier]
    said = GOOD

    def _answer(self, asked: dict[str, Any]) -> bytes:
        if next(iter(asked)) == "whatsmyuri":
            with suppress(threading.BrokenBarrierError):
                self.both.wait(2)
        return super()._answer(asked)


def test_both_connections_are_made_at_once(connections: Connections) -> None:
    """Each connects, greets and logs in: one after the other, far away, that is twice as many ways and back."""
    both = threading.Barrier(2)
    handler = type("_Once", (_Together,), {"both": both})
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        see(connections, Database("vox", "one", f"mongodb://127.0.0.1:{server.server_address[1]}/vox"), 5.0)
        server.shutdown()
        thread.join(5)
    assert not both.broken


class _Loud(_Rude):
    """Its list of connections has no end, and it says that it may send as much."""

    sent: ClassVar[list[int]]
    said = GOOD

    def _answer(self, asked: dict[str, Any]) -> bytes:
        if next(iter(asked)).lower() in {"hello", "ismaster"}:
            document = bson.decode(super()._answer(asked))
            return bson.encode({**document, "maxMessageSizeBytes": 0x7FFFFFFF})
        if next(iter(asked)) == "currentOp":
            self.wfile.write(struct.pack("<iiiiIB", 400_000_000, 1, asked["$number"], 2013, 0, 0))
            for _ in range(400_000_000 // 65536):
                self.wfile.write(bytes(65536))
                self.sent.append(65536)
        return super()._answer(asked)


@pytest.mark.parametrize("via", ["one", None])
def test_a_server_does_not_choose_how_much_is_taken(connections: Connections, via: str | None) -> None:
    sent: list[int] = []
    handler = type("_Counted", (_Loud,), {"sent": sent})
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        uri = f"mongodb://127.0.0.1:{server.server_address[1]}/vox"
        found = see(connections, Database("vox", "one", uri, via=via), 10.0)
        server.shutdown()
        thread.join(5)
    assert isinstance(found, Missing), found
    assert found.kind == "failed", found
    assert sum(sent) < 64 * 1024 * 1024


class _Honest(_Rude):
    """It tells of all who ask it, of one who calls himself as anybody can who reaches its port, and of a tick of a moment that no
    calendar has.
    """

    said = GOOD
    there: ClassVar[set[str]]
    name: ClassVar[bytes]

    def _answer(self, asked: dict[str, Any]) -> bytes:
        self.there.add(f"{self.client_address[0]}:{self.client_address[1]}")
        rows = [{"client": "192.0.2.1:5", "appName": "nameless"}, *({"client": one} for one in self.there)]
        match next(iter(asked)):
            case "currentOp":
                return bson.encode({"inprog": rows, "ok": 1}).replace(b"nameless", self.name)
            case "aggregate":
                return bson.encode({"ok": 0, "code": 59, "errmsg": "no such stage"})
            case "hello":
                return bson.encode({**bson.decode(super()._answer(asked)), "localTime": datetime.now(UTC)})
            case "find":
                tick = {"_id": 1, "host": "sip-1", "pid": 7, "tick": 1, "at": bson.DatetimeMS(8_640_000_000_000_000)}
                batch = [tick] if asked["find"] == "ticks" else []
                return bson.encode({"cursor": {"id": 0, "ns": f"vox.{asked['find']}", "firstBatch": batch}, "ok": 1})
        return super()._answer(asked)


@pytest.mark.parametrize(
    ("name", "shown", "pace"),
    [(b"\xff\xfe\xc0eless", "\ufffd\ufffd\ufffdeless", Pace()), (b"nameless", "nameless", Pace(ticks_in="ticks.at"))],
    ids=["a-name", "a-record"],
)
def test_what_anybody_may_write_there_hides_nothing_else(connections: Connections, name: bytes, shown: str, pace: Pace) -> None:
    """Neither what a client calls itself nor what a record says: else nobody would see who else works on the database."""
    with _serving(type("_Seen", (_Honest,), {"there": set(), "name": name})) as port:
        found = see(connections, Database("vox", "one", f"mongodb://127.0.0.1:{port}/vox", pace=pace), 3.0)
    assert isinstance(found, DatabaseView), found
    assert [one.app_name for one in found.clients if one.address == "192.0.2.1"] == [shown]
    if pace.records:
        assert set(known(found.recent)["ticks"]) == {0}
        assert {str(one.said) for one in known(found.records)["ticks"]} == {"{'at': {}, 'host': '(text)', 'pid': 7, 'tick': 1}"}


class _Dear(_Rude):
    """It wants the password hashed twenty million times before it lets anybody in: some eight seconds, and no deadline counts."""

    said = GOOD

    def _answer(self, asked: dict[str, Any]) -> bytes:
        if next(iter(asked)) != "saslStart":
            return super()._answer(asked)
        nonce = bytes(asked["payload"]).rpartition(b"r=")[2]
        return bson.encode({"conversationId": 1, "done": False, "payload": b"r=" + nonce + b"x,s=QUJDRA==,i=20000000", "ok": 1})


class _Crowd(_Rude):
    """It is the first of a set with very many members, each time others."""

    said = GOOD
    most: ClassVar[list[int]]
    members: ClassVar[int]

    def _answer(self, asked: dict[str, Any]) -> bytes:
        self.most.append(threading.active_count())
        if next(iter(asked)).lower() not in {"hello", "ismaster"}:
            return super()._answer(asked)
        me, number = f"127.0.0.1:{self.connection.getsockname()[1]}", len(self.most)
        others = [f"127.{number // 250 % 250}.{one // 250}.{one % 250 + 1}:9" for one in range(self.members)]
        said = bson.decode(super()._answer(asked))
        moment = {"processId": bson.ObjectId(), "counter": bson.Int64(number)}
        members = {"setName": "x", "setVersion": number, "hosts": [me, *others], "me": me, "primary": me}
        return bson.encode({**said, **members, "topologyVersion": moment})


@contextmanager
def _serving(handler: type[_Rude]) -> Iterator[int]:
    """Its port."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join(5)


@pytest.mark.parametrize("via", ["one", None])
def test_a_server_does_not_choose_how_long_a_login_takes(connections: Connections, via: str | None) -> None:
    began = time.monotonic()
    with _serving(_Dear) as port:
        found = see(connections, Database("vox", "one", f"mongodb://user:s3cret@127.0.0.1:{port}/vox", via=via), 3.0)
    assert time.monotonic() - began < 6
    assert isinstance(found, Missing), found
    assert found.why == "it wants the password hashed more than 1000000 times"


class _Shut(_Rude):
    """It tells nothing to who has not logged in."""

    said = GOOD

    def _answer(self, asked: dict[str, Any]) -> bytes:
        if "currentOp" in asked:
            return bson.encode({"ok": 0, "code": 13, "errmsg": "command currentOp requires authentication"})
        return super()._answer(asked)


class _Broken(_Shut):
    """What it says of that is something else."""

    def _answer(self, asked: dict[str, Any]) -> bytes:
        return super()._answer(asked).replace(struct.pack("<i", 13), struct.pack("<i", 59))


@pytest.mark.parametrize("via", ["one", None])
@pytest.mark.parametrize(("kind", "wanted"), [(_Shut, True), (_Rude, False), (_Broken, False)])
@pytest.mark.parametrize("options", ["", "?authSource=admin&authMechanism=SCRAM-SHA-256&appName=x"])
def test_whether_it_wants_a_login_is_seen_by_who_has_none(
    connections: Connections, kind: type[_Rude], via: str | None, options: str, *, wanted: bool
) -> None:
    with _serving(type("_One", (kind,), {"said": GOOD})) as port:
        database = Database("vox", "one", f"mongodb://user:s3cret@127.0.0.1:{port}/vox{options}", via=via)
        assert wants_login(connections, database, 3.0) is wanted
    assert not wants_login(connections, database, 0.5)  # nobody is there any more
    assert not wants_login(connections, replace(database, uri="mongodb+srv://db.example/vox"), 0.5)
    assert not wants_login(connections, replace(database, uri=None), 0.5)


@pytest.mark.parametrize("members", [45, 1500])
def test_a_server_does_not_choose_how_many_are_looked_at(connections: Connections, members: int) -> None:
    """Each is looked at by threads of its own, from this machine."""
    most, began, before = list[int](), time.monotonic(), threading.active_count()
    handler = type("_Counted", (_Crowd,), {"most": most, "members": members})
    with _serving(handler) as port:
        see(connections, Database("vox", "one", f"mongodb://127.0.0.1:{port}/vox"), 2.0)
    assert time.monotonic() - began < 10
    assert max(most) < before + 400


def test_nor_where_a_service_is_asked_for_its_contract() -> None:
    most, before = list[int](), threading.active_count()
    handler = type("_Counted", (_Crowd,), {"most": most, "members": 45})
    with _serving(handler) as port, suppress(AwayError, KeyError):  # it tells no record
        newest(f"mongodb://127.0.0.1:{port}/vox?replicaSet=x", "ticks", 1)
    assert max(most) < before + 400
    asked = "import sys, voxgate.promises.records; print('voxgate.transport.clients.database_limits' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", asked], capture_output=True, check=True, text=True).stdout == "True\n"


class _Endless(_Rude):
    """It always has more to tell, and never tells it; what it was asked is counted."""

    asked: ClassVar[list[str]]
    said = GOOD

    def _answer(self, asked: dict[str, Any]) -> bytes:
        command = next(iter(asked))
        if command not in {"aggregate", "getMore"}:
            return super()._answer(asked)
        self.asked.append(command)
        batch = "firstBatch" if command == "aggregate" else "nextBatch"
        left = 0 if len(self.asked) > ENOUGH else 5
        return bson.encode({"cursor": {"id": bson.Int64(left), "ns": "admin.$cmd.aggregate", batch: []}, "ok": 1})


ENOUGH = 200_000  # pieces of a list: minutes


@pytest.mark.parametrize("via", ["one", None])
def test_a_list_without_an_end_holds_nobody_up(connections: Connections, via: str | None) -> None:
    """A deploy asks while the dialler is stopped: a database could keep it so, and all who wait to go back."""
    asked: list[str] = []
    handler = type("_Asked", (_Endless,), {"asked": asked})
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        found = see(connections, Database("vox", "one", f"mongodb://127.0.0.1:{server.server_address[1]}/vox", via=via), 1.0)
        server.shutdown()
        thread.join(5)
    assert isinstance(found, Missing), found
    assert (found.kind, found.why) == ("timeout", "no answer within 1 s")
    assert "getMore" in asked
    assert len(asked) < ENOUGH


def test_what_comes_back_by_a_forward_has_a_limit_over_all(connection: Connection, echo: int) -> None:
    with (
        forward(connection, "127.0.0.1", echo, limit=100_000) as way,
        socket.create_connection((way.address, way.port), 5) as first,
        socket.create_connection((way.address, way.port), 5) as second,
    ):
        first.sendall(bytes(60_000))
        left = 60_000
        while left:
            left -= len(first.recv(left))
        second.sendall(bytes(60_000))
        assert sum(map(len, iter(lambda: second.recv(65536), b""))) <= 40_000
        assert way.trouble is not None
        assert "says more than is taken: over 100000 bytes" in way.trouble.line


NOBODY = 65534
_KNOCK = """
import socket, sys
peer = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 5)
peer.settimeout(5)
try:
    peer.sendall(b"x")
    print(peer.recv(1))
except ConnectionError:
    print(b"")
"""


def _knock(port: int, *, user: int | None) -> str:
    ran = subprocess.run(
        ["/usr/bin/python3", "-c", _KNOCK, str(port)], user=user, cwd="/", capture_output=True, check=True, text=True, timeout=20
    )
    return ran.stdout.strip()


def test_no_other_account_of_this_machine_comes_through_a_forward(connection: Connection, echo: int) -> None:
    with forward(connection, "127.0.0.1", echo) as way:
        assert _knock(way.port, user=None) == "b'x'"
        assert _knock(way.port, user=NOBODY) == "b''"


@pytest.fixture(scope="module")
def mongod() -> Iterator[int]:
    """A MongoDB-compatible server: SecantusDB, from the dependency group ``stores``."""
    assert SECANTUS, "secantusd-py is missing: `make unit` installs it (uv sync --group stores)"
    port = free_port()
    process = subprocess.Popen(
        [SECANTUS, "--host", "127.0.0.1", "--port", str(port), "--storage-path", ":memory:", "--standalone"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    until = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            assert process.poll() is None
            assert time.monotonic() < until, "the server does not listen"
            threading.Event().wait(0.05)
        else:
            break
    yield port
    process.terminate()
    process.wait(10)


@pytest.mark.parametrize("via", ["one", None])
def test_the_database_s_view_holds_everybody(connections: Connections, mongod: int, via: str | None) -> None:
    uri = f"mongodb://127.0.0.1:{mongod}/vox"
    dialler: MongoClient[dict[str, object]]
    with MongoClient(uri, appname="vox-dialler") as dialler:
        dialler.vox.calls.find_one()
        found = see(connections, Database("vox", "one", uri, via=via))
    assert isinstance(found, DatabaseView)
    assert {client.app_name for client in found.clients} >= {"vox-dialler", found.asker}
    assert found.asker.startswith("voxgate-")
    assert all(client.address == "127.0.0.1" and client.port for client in found.clients)
    assert "currentOp" in found.server


def test_gates_that_ask_at_once_do_not_see_each_other(
    connections: Connections, mongod: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two looks beside each other were red: each took the other's question for a client that nobody knows."""
    monkeypatch.setattr("voxgate.transport.clients.database.TURN_LOCK", str(tmp_path / "asking.lock"))
    monkeypatch.setattr("voxgate.transport.clients.database._SETTLING", 15.0)
    database = Database("vox", "one", f"mongodb://127.0.0.1:{mongod}/vox", via="one")
    views = at_once(range(4), lambda _: see(connections, database, 20.0), limit=4)
    for view in views.values():
        assert isinstance(view, DatabaseView)
        assert {one.app_name for one in view.clients if one.app_name.startswith("voxgate-")} == {view.asker}


def test_no_other_account_can_hold_the_turn(
    connections: Connections, mongod: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To hold a lock it is enough to read it: it is shut, also where it was open."""
    for there in (False, True):
        lock = tmp_path / f"asking-{there}.lock"
        if there:
            lock.touch(mode=0o644)
        monkeypatch.setattr("voxgate.transport.clients.database.TURN_LOCK", str(lock))
        assert isinstance(see(connections, Database("vox", "one", f"mongodb://127.0.0.1:{mongod}/vox", via="one")), DatabaseView)
        assert lock.stat().st_mode & 0o777 == 0o600


def test_where_no_turn_can_be_had_it_is_asked_all_the_same(connections: Connections, mongod: int) -> None:
    # There is no such folder on this machine.
    found = see(connections, Database("vox", "one", f"mongodb://127.0.0.1:{mongod}/vox", via="one"))
    assert isinstance(found, DatabaseView)


def test_a_list_without_the_witness_is_denied(connections: Connections, mongod: int, monkeypatch: pytest.MonkeyPatch) -> None:
    # The stage of this server tells of the caller alone, as a real one does for a user without `inprog`.
    monkeypatch.setattr("voxgate.transport.clients.database._by_command", lambda *_: [{"client": "127.0.0.1:1"}])
    found = see(connections, Database("vox", "one", f"mongodb://127.0.0.1:{mongod}/vox", via="one"))
    assert isinstance(found, Missing)
    assert found.kind == "denied"
    assert "inprog" in found.hint


def test_questions_to_two_databases_of_one_server_are_the_gates_to_each_other(mongod: int) -> None:
    """Asked at once, with no host to take turns on: each view has the other's question in it, and named it a stranger."""
    uri = f"mongodb://127.0.0.1:{mongod}"
    databases = tuple(Database(name, "sip-1", f"{uri}/{name}") for name in ("vox", "other"))
    estate = replace(load_estate("lab"), hosts=(), databases=databases)
    with Connections(estate) as connections:
        look = take_look(connections, estate)
    views = [known(view) for view in look.databases.values()]
    names = {view.asker for view in views}
    assert len(names) == len(views) == 2
    assert all({view.asker, *view.beside} == names for view in views)
    wrong = [one.said for database in databases for one in wrong_clients(database, estate, Evidence(look, look, {}))]
    assert not [said for said in wrong for name in names if name in said]  # others may be there: of the tests before


def test_what_a_dialler_did_in_the_last_seconds_is_counted_by_the_servers_own_clock(
    connections: Connections, mongod: int
) -> None:
    uri = f"mongodb://127.0.0.1:{mongod}/vox"
    asked = Database("vox", "one", uri, pace=Pace(calls=60, ticks_in="ticks.at", calls_in="calls.placed_at"))
    calls: list[dict[str, Any]]
    with MongoClient[dict[str, Any]](uri) as client:
        now = client.admin.command("hello")["localTime"]
        client.vox.ticks.insert_many([{"at": now - timedelta(seconds=one)} for one in (0, 1, 10, 30, 4000)])
        calls = [{"placed_at": now}, {"state": "due"}, {"placed_at": "yesterday"}]
        client.vox.calls.insert_many(calls)
        try:
            assert _view(see(connections, asked)).recent == {"ticks": (2, 3, 4), "calls": (1, 1, 1)}
            assert _view(see(connections, Database("vox", "one", uri))).recent == {}
            estate = replace(load_estate("lab"), hosts=(), databases=(replace(asked, via=None),))
            with Connections(estate) as all_hosts:
                assert [_view(take_look(all_hosts, estate, brief=one).databases["vox"]).recent for one in (True, False)] == [
                    {},  # the second of two looks has them, and far away each question is a way there and back
                    {"ticks": (2, 3, 4), "calls": (1, 1, 1)},
                ]
        finally:
            client.drop_database("vox")


@pytest.mark.parametrize(("words", "most"), [({"records": False}, 24), ({}, 28)])
def test_a_question_takes_so_many_turns_and_no_more(
    shared_ground: Ground, server: Sshd, mongod: int, words: dict[str, Any], most: int
) -> None:
    """Counted and not timed, the login too: it may be lowered, and what raises it has to be worth it."""
    pace = Pace(calls=60, ticks_in="ticks.at", calls_in="calls.placed_at")
    asked = Database("vox", "one", f"mongodb://127.0.0.1:{mongod}/vox", via="one", pace=pace)
    target = ("127.0.0.1", server.port)
    with relaying([target]) as (relay, ports):
        relay.delay = 0.05
        known = server.pins().replace(f":{server.port} ", f":{ports[target]} ")
        with Connections(shared_ground.estate(host(ports[target]), known=known), connect_deadline=30) as made:
            assert isinstance(see(made, asked, 20.0, **words), DatabaseView)
        ((_, count),) = relay.turns
    assert count <= most


def test_of_the_newest_records_the_form_leaves_the_database_and_nothing_that_they_say(
    connections: Connections, mongod: int
) -> None:
    """Only the fields that the contract knows are asked for; a call is somebody's. What the pace does not name is not asked."""
    uri = f"mongodb://127.0.0.1:{mongod}/vox"
    asked = Database("vox", "one", uri, pace=Pace(calls_in="calls.placed_at"))
    somebody = "+49 30 1234567"
    with MongoClient[dict[str, Any]](uri) as client:
        now = client.admin.command("hello")["localTime"]
        old = [{"host": "sip-1", "pid": 7, "tick": one, "at": now - timedelta(seconds=60 - one)} for one in range(1, 60)]
        client.vox.ticks.insert_many([*old, {"host": "sip-1", "pid": "7", "tick": 60.5, "at": now}])
        client.vox.diallers.insert_one({"_id": "sip-1/7", "host": somebody, "pid": 7, "at": "now", somebody: somebody})
        called = {"state": "placed", "to": somebody, "placed_at": now - timedelta(seconds=20), "trunk": somebody}
        calls = [{"state": "due", "to": somebody}, {**called, "placed_by": somebody}, {**called, "placed_by": 70_000}]
        client.vox.calls.insert_many([*calls, *({"state": somebody, "n": one} for one in range(3))])
        client.other.ticks.insert_one({"pid": "another application's"})
        try:
            view = _view(see(connections, asked))
            assert _view(see(connections, replace(asked, pace=Pace()))).records == {}
        finally:
            client.drop_database("vox")
            client.drop_database("other")
    found = known(view.records)
    assert somebody not in str(view)
    assert [one.said for one in found["ticks"]] == [
        {"host": "(text)", "pid": "(text)", "tick": 1.5, "at": MOMENT},
        *({"host": "(text)", "pid": 7, "tick": tick, "at": MOMENT} for tick in (59, 58)),
    ]
    assert [one.said for one in found["diallers"]] == [{"_id": "sip-1/7", "host": "(text)", "pid": 7, "at": "(text)"}]
    assert [one.age for one in found["diallers"]] == [None]
    made = {"state": "placed", "trunk": "(text)", "placed_at": MOMENT}
    placed = [{**made, "placed_by": "(text)"}, {**made, "placed_by": 9999}]
    assert [one.said for one in found["calls"]] == [*[{"state": "(text)"}] * 3, *placed]
    ages = [one.age for one in (*found["ticks"], *found["calls"][3:])]
    assert all(age is not None and age < 20 for age in ages)  # by the numbers that the database gave them just now


def test_a_database_of_which_a_part_may_not_be_read_tells_the_rest(connections: Connections, mongod: int) -> None:
    """Only what the pace names must be read: the other collections are judged where the user may read them."""
    uri = f"mongodb://127.0.0.1:{mongod}/vox"

    def records(code: int, *denied: str) -> object:
        """Of which collections something is told."""

        def refused(collection: Collection[Any], *words: Any, **options: Any) -> Any:
            if collection.name in denied:
                raise OperationFailure("not authorized on vox", code)
            return find(collection, *words, **options)

        find = Collection.find
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Collection, "find", refused)
            found = _view(see(connections, Database("vox", "one", uri, pace=Pace(calls_in="calls.placed_at")))).records
        return found.kind if isinstance(found, Missing) else [name for name, rows in found.items() if rows]

    with MongoClient[dict[str, Any]](uri) as client:
        for name in ("ticks", "diallers", "calls"):
            client.vox[name].insert_one({"state": "due"})
        try:
            assert records(13, "ticks", "diallers") == ["calls"]
            assert records(13, "calls") == "denied"
            assert records(1, "ticks") == "denied"
        finally:
            client.drop_database("vox")


def _view(found: DatabaseView | Missing) -> DatabaseView:
    """What was seen."""
    assert isinstance(found, DatabaseView)
    return found
