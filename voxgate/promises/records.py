"""What a service leaves in stores for others: the fleet's entries in Redis, the dialler's records in MongoDB."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import redis
from bson import json_util
from pymongo import MongoClient
from pymongo.database import Database
from pymongo.errors import PyMongoError

from voxgate.contracts.json_strict import loads
from voxgate.contracts.records import CALLS
from voxgate.errors import ContractError
from voxgate.probe.registry import ENTRIES
from voxgate.transport.clients.database_limits import watching

PATIENCE = 3.0  # seconds for one answer of a store
PLAIN = frozenset({"mongodb", "redis", "rediss"})  # an address is a host; of mongodb+srv it is a name that says where they are


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of the registry: what it says, None if that is no JSON; milliseconds until it runs out, -1 for never."""

    said: Any
    lives: int


class AwayError(Exception):
    """A store was not there to be asked: in one line, without an address."""


def entry(url: str, worker: str) -> Entry | None:
    """The entry of that worker, None if there is none. Raises AwayError."""
    try:
        with redis.Redis.from_url(url, socket_connect_timeout=PATIENCE, socket_timeout=PATIENCE) as client:
            pipe = client.pipeline()
            pipe.get(ENTRIES + worker)
            pipe.pttl(ENTRIES + worker)
            said, lives = pipe.execute()
    except (redis.RedisError, OSError, ValueError) as error:
        raise AwayError(f"Redis: {type(error).__name__}") from None
    return None if said is None else Entry(_json(said), int(lives))


def _json(said: bytes) -> Any:
    try:
        return loads(said)
    except ContractError:
        return None


@contextmanager
def database(uri: str) -> Iterator[Database[dict[str, Any]]]:
    """The database that the URI names. Raises AwayError where it is not there, or names none."""
    try:
        milliseconds = int(PATIENCE * 1000)
        with MongoClient[dict[str, Any]](
            uri,
            appname="voxgate",
            serverSelectionTimeoutMS=milliseconds,
            socketTimeoutMS=milliseconds,
            tz_aware=True,
            _monitor_class=watching(),
        ) as client:
            yield client.get_default_database()
    except (PyMongoError, ValueError) as error:
        raise AwayError(f"MongoDB: {type(error).__name__}") from None


def plain(document: Any) -> Any:
    """A document of MongoDB as JSON has it: relaxed Extended JSON."""
    return loads(json_util.dumps(document, json_options=json_util.RELAXED_JSON_OPTIONS).encode())


def newest(uri: str, collection: str, pid: int) -> Any:
    """The newest record of that process, None if it left none. Raises AwayError."""
    with database(uri) as found:
        record = found[collection].find_one({"pid": pid}, sort=[("at", -1)])
        return None if record is None else plain(record)


def placed(uri: str, seconds: float) -> Any:
    """A call that was put there as due, as it stands when it is due no more or the time is over; it is taken away again. Raises
    AwayError.
    """
    until = time.monotonic() + seconds
    with database(uri) as found:
        calls = found[CALLS]
        number = calls.insert_one({"state": "due", "of": "voxgate contract"}).inserted_id
        try:
            while True:
                call = calls.find_one({"_id": number})
                if call is None or call["state"] != "due" or time.monotonic() > until:
                    return None if call is None else plain(call)
                time.sleep(0.1)
        finally:
            calls.delete_one({"_id": number})


def is_local(url: str) -> bool:
    """True for a store of this machine, and of no other beside."""
    try:
        found = urlsplit(url)
    except ValueError:
        return False
    return found.scheme in PLAIN and "," not in found.netloc and found.hostname in {"127.0.0.1", "::1", "localhost"}
