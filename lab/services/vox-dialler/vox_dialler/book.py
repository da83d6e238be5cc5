"""What the dialler keeps in its database: who ticks, and the calls that are due."""

from datetime import datetime, timedelta
from typing import Any

from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import PyMongoError

from vox_dialler.settings import SettingsError

APP_NAME = "vox-dialler"
ANSWER_MILLISECONDS = 1000
KEPT_TICKS = timedelta(minutes=10)
PRUNE_EVERY = 60


class AwayError(Exception):
    """The database did not do what it was asked."""


class Book:
    """The collections of one dialler process.

    `ticks` has one document for each tick of the last ten minutes, `diallers` one for each process
    that ever ticked: two diallers on one database are seen in both. `calls` holds the calls;
    those with `state: "due"` are claimed one each tick.
    """

    def __init__(self, client: AsyncMongoClient[dict[str, Any]], host: str, pid: int) -> None:
        """Write as process `pid` of `host`; `SettingsError` if the URI names no database."""
        try:
            self._database: AsyncDatabase[dict[str, Any]] = client.get_default_database()
        except PyMongoError:
            raise SettingsError("MONGODB_URI names no database") from None
        self._client = client
        self._host = host
        self._pid = pid

    @classmethod
    def at(cls, uri: str, host: str, pid: int) -> "Book":
        """Return the book at a MongoDB URI; connects to nothing yet."""
        try:
            client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(
                uri,
                appname=APP_NAME,
                connect=False,
                serverSelectionTimeoutMS=ANSWER_MILLISECONDS,
                connectTimeoutMS=ANSWER_MILLISECONDS,
                socketTimeoutMS=ANSWER_MILLISECONDS,
            )
        except (PyMongoError, ValueError):
            # From nothing: the client's own error may quote the URI, and the password in it.
            raise SettingsError("MONGODB_URI is not a usable MongoDB URI") from None
        return cls(client, host, pid)

    @property
    def name(self) -> str:
        """The name of the database."""
        return self._database.name

    async def write_tick(self, tick: int, at: datetime) -> None:
        """Write that this process made its tick number `tick`; `AwayError` if it is not written."""
        who = {"host": self._host, "pid": self._pid}
        try:
            await self._database["diallers"].update_one(
                {"_id": f"{self._host}/{self._pid}"},
                {"$set": {**who, "ticks": tick, "at": at}},
                upsert=True,
            )
            await self._database["ticks"].insert_one({**who, "at": at, "tick": tick})
            if tick % PRUNE_EVERY == 0:
                await self._database["ticks"].delete_many({"at": {"$lt": at - KEPT_TICKS}})
        except (PyMongoError, OSError) as error:
            raise AwayError(type(error).__name__) from None

    async def place_due_call(self, trunk: str, at: datetime) -> bool:
        """Claim one due call for the trunk; whether there was one. `AwayError` as above."""
        placed = {"state": "placed", "trunk": trunk, "placed_at": at, "placed_by": self._pid}
        try:
            call = await self._database["calls"].find_one_and_update(
                {"state": "due"}, {"$set": placed}
            )
        except (PyMongoError, OSError) as error:
            raise AwayError(type(error).__name__) from None
        return call is not None

    async def close(self) -> None:
        """Close all connections to the database."""
        await self._client.close()
