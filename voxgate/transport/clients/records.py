"""What a database has of its dialler's work: how much of late, and of which form the newest records are.

Of a record only the fields are asked for that its contract knows, and of these the form alone leaves this module: a call is
somebody's.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from bson import ObjectId
from bson.errors import BSONError
from pymongo.errors import NetworkTimeout, OperationFailure, PyMongoError

from voxgate.contracts.records import WRITTEN, fields_of, masked
from voxgate.model.answers import RECENT, Record
from voxgate.model.evidence import Missing
from voxgate.transport.at_once import at_once

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from pymongo import MongoClient

    from voxgate.model.database import Database
    from voxgate.transport.deadline import Deadline

    Row = Mapping[str, Any]
    Counts = Mapping[str, tuple[int, ...]]
    Newest = Mapping[str, tuple[Record, ...]]

RECORDS_AT_MOST = 20_000  # ticks or calls of a minute: more is wrong whatever the pace
NEWEST = 3  # records of a collection that are told
OF_NO_MOMENT = 20  # and of those that do not say when
MOMENT_OF = {"diallers": "at"}  # of collections whose documents' own numbers do not grow
UNAUTHORIZED = frozenset({13, 18, 8000})  # Unauthorized, AuthenticationFailed, Atlas' own


def answer_of(client: MongoClient[Row], command: str | Row) -> Row:
    """What the server answers to a command, read as this client reads: by itself the library would take its own way for it."""
    return client.admin.command(command if isinstance(command, str) else dict(command), codec_options=client.codec_options)


def records_of(
    client: MongoClient[Row], beside: MongoClient[Row], database: Database, until: Deadline
) -> tuple[Counts, Newest] | tuple[Missing, Missing]:
    """How many documents of the last seconds each collection of the dialler's pace has, by the server's own clock, and the newest
    of each collection that the dialler writes: none of one that the pace does not name, and that this user may not read. Both
    clients ask at once: each answer waits for the way there and back.
    """
    now: datetime | None = None
    recent: dict[str, list[Row]] = {}
    newest: dict[str, list[Row]] = {}

    def look_at_the_last_seconds() -> None:
        nonlocal now
        said = answer_of(client, "hello").get("localTime")
        if isinstance(said, datetime):
            now = said
            for what, (collection, field) in database.pace.records.items():
                recent[what] = _late(client, database, collection, field, said, until)

    def look_at_the_newest() -> None:
        newest.update({name: _newest(beside, database, name, until) for name in WRITTEN})

    try:
        _all_at_once(look_at_the_last_seconds, look_at_the_newest)
        if now is None:
            found = Missing("unparsable", "the server does not say what time it is", database.name, "is it a MongoDB?")
            return found, found
        counts = {}
        for what, (collection, field) in database.pace.records.items():
            rows = recent[what]
            times = [row[field] for row in rows if isinstance(row.get(field), datetime)]
            counts[what] = tuple(sum(at >= now - timedelta(seconds=back) for at in times) for back in RECENT)
            if collection in WRITTEN:
                newest[collection] = [*newest[collection], *rows[-NEWEST:]]
        told = {name: tuple(_record(name, row, now) for row in _each_once(rows)) for name, rows in newest.items()}
    except (PyMongoError, BSONError, ValueError, TypeError, ArithmeticError, RecursionError) as error:
        hint = f"its user needs the role read on {database.called}; or take ticks_in and calls_in out of its pace"
        denied = Missing("denied" if isinstance(error, OperationFailure) else "failed", words_of(error), database.name, hint)
        return denied, denied
    return counts, told


def _all_at_once(*parts: Callable[[], None]) -> None:
    """Raises what the first of them raised, once all have ended."""
    for outcome in at_once(parts, lambda part: part(), limit=len(parts)).values():
        if isinstance(outcome, BaseException):
            raise outcome


def words_of(error: Exception) -> str:
    """The first part of pymongo's words: the rest is its view of the topology."""
    return str(error).split(", full error")[0].split(", Timeout:")[0].split(" (configured timeouts")[0]


def _late(client: MongoClient[Row], database: Database, collection: str, field: str, now: datetime, until: Deadline) -> list[Row]:
    """The documents of the last seconds: of each when, and what its contract knows."""
    wanted = {"_id": 1, field: 1, **_asked(collection)} if collection in WRITTEN else {"_id": 0, field: 1}
    since = {field: {"$gte": now - timedelta(seconds=max(RECENT))}}
    return list(_before(client[database.called][collection].find(since, wanted, limit=RECORDS_AT_MOST), until))


def _newest(client: MongoClient[Row], database: Database, collection: str, until: Deadline) -> list[Row]:
    """The documents that were put there last, and where such a one may stand elsewhere, those of no moment; none where this user
    may not read them and need not.
    """
    found, wanted = client[database.called][collection], _asked(collection)
    field = MOMENT_OF.get(collection)
    try:
        rows = list(_before(found.find({}, wanted, sort=[(field or "_id", -1)], limit=NEWEST), until))
        if field:  # what is no moment stands before all that is one
            first = _before(found.find({}, wanted, sort=[(field, 1)], limit=OF_NO_MOMENT), until)
            rows += [row for row in first if not isinstance(row.get(field), datetime)]
    except OperationFailure as error:
        named = {name for name, _ in database.pace.records.values()}
        if error.code not in UNAUTHORIZED or collection in named:
            raise
        return []
    return rows


def _asked(collection: str) -> dict[str, int]:
    return {"_id": 1, **dict.fromkeys(fields_of(WRITTEN[collection]), 1)}


def _each_once(rows: Iterable[Row]) -> list[Row]:
    return list({repr(row.get("_id")): row for row in rows}.values())


def _record(collection: str, row: Row, now: datetime) -> Record:
    """What is told of one: when its own words, and the number that the database gave it, say that it was written."""
    contract = WRITTEN[collection]
    times = [row[name] for name in fields_of(contract) if isinstance(row.get(name), datetime)]
    if isinstance(row.get("_id"), ObjectId):
        times.append(row["_id"].generation_time.astimezone(UTC).replace(tzinfo=None))
    return Record((now - max(times)).total_seconds() if times else None, masked(contract, row))


def _before(rows: Iterable[Row], until: Deadline) -> Iterator[Row]:
    """The same rows. Raises NetworkTimeout at the first that comes too late."""
    for row in rows:
        if until.passed:
            raise NetworkTimeout("its rows come too slowly")
        yield row
