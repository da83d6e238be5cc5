"""What a database itself sees: every client connected to it, with a witness that the list is whole.

A list of connections proves an absence only if it is complete, and a server may answer with a partial one without an
error. So two things must be in it: the connection that asks, and a second one of ours that sits idle beside it.

A gate's own question is a connection too. So gates take turns on the host that they ask through: none sees another's, and
whoever calls himself a gate and is there all the same is none.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from pymongo import MongoClient
from pymongo.errors import ConfigurationError, ConnectionFailure, ExecutionTimeout, NetworkTimeout, OperationFailure, PyMongoError
from pymongo.uri_parser import parse_uri

from voxgate.errors import CommandUnknown, ContractError, Unreachable, VoxgateError, unforeseen
from voxgate.model.answers import DatabaseClient, DatabaseView
from voxgate.model.counting import counted
from voxgate.model.digits import port_in
from voxgate.model.evidence import Missing
from voxgate.transport.at_once import at_once
from voxgate.transport.clients.database_limits import MESSAGE_AT_MOST, watching
from voxgate.transport.clients.records import UNAUTHORIZED, answer_of, records_of, words_of
from voxgate.transport.deadline import Deadline
from voxgate.transport.ssh.failures import ForwardingDenied, TargetRefused
from voxgate.transport.ssh.forward import Forward, forward

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from pymongo.command_cursor import CommandCursor

    from voxgate.model.database import Database
    from voxgate.transport.ssh.connection import Connection
    from voxgate.transport.ssh.connections import Connections

    Client = MongoClient[Mapping[str, Any]]

APP_NAME = "voxgate"
_NOT_KNOWN = frozenset({59, 40324, 16436})  # CommandNotFound, unrecognized pipeline stage (new and old)
_LEAST = 0.1
_SETTLING, _PAUSE = 2.0, 0.15  # seconds: how long another gate's question may take to go, and between two looks
_TURN = 10  # seconds that a gate waits for its turn; a question takes a small part of one
TURN_LOCK = "/var/lib/voxgate/asking.lock"
# Whoever can open a lock can hold it, if only to read: so no other account can open this one.
_HOLDING = """set -e; umask 077; : >> "$1"; chmod 600 "$1"; exec /usr/bin/flock -w "$2" "$1" /bin/sh -c 'echo turn; exec cat'"""
ROWS_AT_MOST = 20_000
LOOK_AT_MOST = 2 * MESSAGE_AT_MOST  # two lists of connections
_REACH = "on its host, does it listen, and who stands in the way: `ss -ltn`; `iptables -S`; `uptime`"
_INPROG = "give its user the cluster action inprog (role clusterMonitor): else a server tells of own connections only"


def new_name() -> str:
    """What the gate calls itself for one question: whoever calls himself the gate cannot know it before it is asked."""
    return f"{APP_NAME}-{secrets.token_hex(8)}"


def see(
    connections: Connections,
    database: Database,
    deadline: float = 5.0,
    *,
    name: str | None = None,
    beside: Collection[str] = (),
    records: bool = True,
) -> DatabaseView | Missing:
    """Every connection to the server of ``database``, or why that is not known. ``deadline`` in seconds is for all of
    it, but for the wait while other gates ask. ``name`` is what the question calls itself (a new one), ``beside`` are the names
    of this gate's questions to other databases, which may be on the same server: nobody waits for these to go. ``records``: also
    what its dialler wrote, where the estate says its pace.

    Asked through the host ``via`` where the estate names one. No error says more of the URI than the database's name.
    """
    uri = uri_of(database)
    if not uri:
        why = f"the variable {database.uri_env} is not set" if database.uri_env else "the estate has no uri for it"
        hint = f"export {database.uri_env}=mongodb://USER:PASSWORD@HOST:27017/{database.name}" if database.uri_env else ""
        if hint:
            hint += f", as {database.via or 'the gate'} reaches it: a user that may ask for its clients (clusterMonitor)"
        return Missing("missing", why, database.name, hint)
    until = Deadline.after(deadline)
    way: Forward | None = None
    try:
        with ExitStack() as stack:
            if database.via is not None:
                host, (node, userinfo, rest) = connections[database.via], split(uri)
                stack.enter_context(_turn(host))
                until = Deadline.after(deadline)
                host.open(*node, until.remaining).close()  # pymongo would ask a closed port again until the deadline
                way = stack.enter_context(forward(host, *node, deadline=until.remaining, limit=LOOK_AT_MOST))
                uri = f"mongodb://{userinfo}{way.address}:{way.port}/{rest}"
            called = name or new_name()
            asker, witness = stack.enter_context(_two_clients(uri, until, called, direct=way is not None))
            asked = _Asked(database.name, called, tuple(sorted(beside)))
            view = _settled(lambda: _look(asked, asker, witness, way, until), until)
            if isinstance(view, Missing) or not records or not database.pace.records:
                return view
            recent, newest = records_of(asker, witness, database, until)
            return replace(view, recent=recent, records=newest)
    except (VoxgateError, PyMongoError, ValueError) as error:
        trouble = way.trouble if way is not None and isinstance(error, ConnectionFailure) else None
        return _missing(database.name, trouble or error, until)
    except Exception as error:  # noqa: BLE001 - whatever a server's words do to the library is that server's alone
        found = unforeseen(error, database.name)
        return Missing("unparsable", f"what it says cannot be read ({type(error).__name__})", database.name, found.hint)


def uri_of(database: Database) -> str:
    """By what the gate asks a database: as its environment says, else as the estate does; empty where neither does."""
    said = os.environ.get(database.uri_env) if database.uri_env else None
    return said or database.uri or ""


class _Asked(NamedTuple):
    """One question: to which database, what it calls itself, and what those beside it do."""

    database: str
    name: str
    beside: tuple[str, ...]


@contextmanager
def _turn(host: Connection) -> Iterator[None]:
    """Nobody else's gate asks through this host meanwhile. Where the turn cannot be had (no such folder, no flock, whoever has
    it keeps it), the question is asked all the same: what it then sees of others is judged as ever.
    """
    holding = ("/bin/sh", "-c", _HOLDING, "sh", TURN_LOCK, str(_TURN))
    try:
        turn = host.start(holding)  # held for as long as its channel is open
    except CommandUnknown:  # no session was free: the question itself needs none
        yield
        return
    with turn:
        with suppress(CommandUnknown):
            turn.read_line(_TURN + 1.0)
        yield


def _settled(look: Callable[[], DatabaseView | Missing], until: Deadline) -> DatabaseView | Missing:
    """The view, once no other gate is in it: one that looks at this moment is gone in the next. Whoever stays is no gate."""
    view = look()
    settling = Deadline.after(min(_SETTLING, until.remaining - 2 * _PAUSE))
    while not isinstance(view, Missing) and _other_gates(view) and settling.remaining > 0:
        time.sleep(_PAUSE)
        view = look()
    return view


def _other_gates(view: DatabaseView) -> bool:
    """True if some client calls itself as another gate's question would."""
    ours = {view.asker, *view.beside}
    return any(one.app_name.startswith(f"{APP_NAME}-") and one.app_name not in ours for one in view.clients)


def _look(asked: _Asked, asker: Client, witness: Client, way: Forward | None, until: Deadline) -> DatabaseView | Missing:
    """Both ways of asking, together: some servers tell all by the command only, others by the stage only."""
    if way is not None:
        way.heard = 0
    # By its first question each connects, greets and logs in: both at once, as far away each of these waits for the way and back.
    both = {"witness": witness, "asker": asker}
    said = at_once(both, lambda name: _text(answer_of(both[name], "whatsmyuri"), "you"), limit=2)
    ours = set[str]()
    for you in said.values():
        if isinstance(you, BaseException):
            raise you
        ours.add(you)
    if "" in ours:
        raise ContractError("the server does not say who asks it", why="whatsmyuri has no you")
    version = _text(answer_of(asker, "buildInfo"), "version") or "?"
    rows: list[Mapping[str, Any]] = []
    by: list[str] = []
    for question, ask in (("currentOp", _by_command), ("$currentOp", _by_stage)):
        try:
            rows += ask(asker, until)
        except OperationFailure as error:
            if error.code not in _NOT_KNOWN:
                raise
        else:
            by.append(question)
    clients = _clients(rows)
    missing = ours - clients.keys()
    if missing:
        why = (
            f"the server's list has {counted(len(clients), 'connection')} and not {' nor '.join(sorted(missing))}, which is ours"
        )
        return Missing("denied", why, asked.database, _INPROG)
    server = f"version {version} by {' and '.join(by)}"
    return DatabaseView(asked.database, server, tuple(clients.values()), asked.name, asked.beside)


def _by_command(client: Client, _: Deadline) -> list[Mapping[str, Any]]:
    said = answer_of(client, {"currentOp": 1, "$all": True})
    return _some(_list(said, "inprog"))


def _by_stage(client: Client, until: Deadline) -> list[Mapping[str, Any]]:
    stage = {"$currentOp": {"allUsers": True, "idleConnections": True}}
    return _some(_in_time(client.admin.aggregate([stage]), until))


def _in_time(cursor: CommandCursor[Mapping[str, Any]], until: Deadline) -> Iterator[Mapping[str, Any]]:
    """The rows of a cursor. Raises NetworkTimeout where its end does not come: each piece has the deadline of an answer, and a
    server may send empty ones for ever.
    """
    while cursor.alive:
        if until.passed:
            raise NetworkTimeout("its list of connections has no end")
        if (row := cursor.try_next()) is not None:
            yield row


def _some(rows: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """All rows. Raises VoxgateError where they are more than any server of ours has clients."""
    found = [_row(row) for row in islice(rows, ROWS_AT_MOST + 1)]
    if len(found) > ROWS_AT_MOST:
        raise VoxgateError("the server tells of too many connections", why=f"over {ROWS_AT_MOST}")
    return found


def _clients(rows: Iterable[Mapping[str, Any]]) -> dict[str, DatabaseClient]:
    """The clients of all rows, by the server's own words for where they are. Rows of the server's own threads have
    none.
    """
    found: dict[str, DatabaseClient] = {}
    for row in rows:
        text = _text(row, "client") or _text(row, "client_s")
        if not text or text in found:
            continue
        address, _, last = text.rpartition(":")
        port = port_in(last)
        if port is None:
            address, port = text, 0  # a unix socket
        application = _member(_member(row, "clientMetadata"), "application")
        app_name = _text(row, "appName") or _text(application, "name")
        users = [_text(_row(user), "user") for user in _list(row, "effectiveUsers")]
        found[text] = DatabaseClient(address.strip("[]"), port, app_name, users[0] if users else "")
    return found


def _row(value: object) -> Mapping[str, Any]:
    """One document of the server's. Raises ContractError for anything else."""
    if not isinstance(value, Mapping):
        raise ContractError("the server's list is not of its form", why=f"a document wanted, {type(value).__name__} found")
    return value


def _member(row: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """A document in a document, empty where there is none. Raises ContractError."""
    found = row.get(key)
    return {} if found is None else _row(found)


def _text(row: Mapping[str, Any], key: str) -> str:
    """A text in a document, empty where there is none. Raises ContractError."""
    found = row.get(key)
    if found is not None and not isinstance(found, str):
        raise ContractError("the server's list is not of its form", why=f"{key}: text wanted, {type(found).__name__} found")
    return found or ""


def _list(row: Mapping[str, Any], key: str) -> list[Any]:
    """A list in a document, empty where there is none. Raises ContractError."""
    found = row.get(key)
    if found is not None and not isinstance(found, list):
        raise ContractError("the server's list is not of its form", why=f"{key}: a list wanted, {type(found).__name__} found")
    return found or []


@contextmanager
def _two_clients(uri: str, until: Deadline, name: str, *, direct: bool) -> Iterator[tuple[Client, Client]]:
    """Two clients, of which both say at once that they go: as far away each waits for the way and back."""
    both = [client_of(uri, until, name, direct=direct) for _ in range(2)]
    try:
        yield both[0], both[1]
    finally:
        at_once(range(2), lambda number: both[number].close(), limit=2)


def client_of(uri: str, until: Deadline, name: str, *, direct: bool) -> Client:
    """A client that gives up in time. Closing it closes its monitors."""
    left = int(max(until.remaining, _LEAST) * 1000)
    options: dict[str, Any] = {"directConnection": True} if direct else {}
    return MongoClient(
        uri,
        appname=name,
        connectTimeoutMS=left,
        socketTimeoutMS=left,
        serverSelectionTimeoutMS=left,
        maxPoolSize=1,
        retryReads=False,
        _monitor_class=watching(),
        # Anybody may call himself by no letters, or write a moment of no calendar: his own row is read, and all others.
        unicode_decode_error_handler="replace",
        datetime_conversion="DATETIME_AUTO",
        **options,
    )


def split(uri: str) -> tuple[tuple[str, int], str, str]:
    """The first node of a URI, its ``user:password@`` and what stands behind the nodes. Raises VoxgateError for a URI
    that cannot go through a host, and what pymongo raises for one it does not understand.
    """
    if not uri.startswith("mongodb://"):
        raise VoxgateError(
            "only mongodb:// with named nodes can be asked through a host", hint="mongodb://USER:PASSWORD@HOST:27017/NAME"
        )
    host, port = parse_uri(uri)["nodelist"][0]
    if port is None:
        raise VoxgateError("a unix socket cannot be asked through a host")
    authority, _, rest = uri.removeprefix("mongodb://").partition("/")
    userinfo, at, _ = authority.rpartition("@")
    return (host, port), f"{userinfo}{at}", rest


def _missing(name: str, error: VoxgateError | PyMongoError | ValueError, until: Deadline) -> Missing:
    """Why there is no view, in the words of whoever failed."""
    match error:
        case ForwardingDenied():
            return Missing("denied", error.line, name, error.hint)
        case ContractError():
            return Missing("unparsable", error.line, name, error.hint)
        case VoxgateError():
            kind = "unreachable" if isinstance(error, (Unreachable, TargetRefused)) else "failed"
            return Missing(kind, error.line, name, error.hint or (_REACH if kind == "unreachable" else ""))
        case ConfigurationError() | ValueError():  # of a URI: its text may quote the URI, and with it a password
            return Missing("failed", f"its uri cannot be used ({type(error).__name__})", name, "mend the uri in [databases]")
        case OperationFailure() if error.code in UNAUTHORIZED:
            return Missing("denied", words_of(error), name, _INPROG)
        case _ if until.passed or isinstance(error, ExecutionTimeout):
            return Missing("timeout", f"no answer within {until}", name, _REACH)
        case _:
            return Missing("unreachable" if isinstance(error, ConnectionFailure) else "failed", words_of(error), name, _REACH)
