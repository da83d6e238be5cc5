"""The workers that live, in Redis: each worker keeps its own short-lived entry fresh."""

import json

import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from vox_agents.bodies import Entry

PREFIX = "vox:workers:"
TTL_MILLISECONDS = 3000
ANSWER_SECONDS = 1.0


class AwayError(Exception):
    """The registry did not answer, or holds what is not an entry."""


class Registry:
    """The entries of all live workers. One that is not refreshed for three seconds is gone."""

    def __init__(self, client: redis.asyncio.Redis) -> None:
        """Keep the entries with this client."""
        self._client = client

    @classmethod
    def at(cls, url: str) -> "Registry":
        """Return the registry at a Redis URL; connects to nothing yet."""
        return cls(
            redis.asyncio.Redis.from_url(
                url,
                client_name="vox-agents",
                decode_responses=True,
                socket_connect_timeout=ANSWER_SECONDS,
                socket_timeout=ANSWER_SECONDS,
                retry=Retry(NoBackoff(), 1),
            )
        )

    async def put(self, entry: Entry) -> None:
        """Write the entry of a worker anew, for three seconds; `AwayError` if that failed."""
        value = json.dumps(entry.fields(), sort_keys=True)
        try:
            await self._client.set(PREFIX + entry.id, value, px=TTL_MILLISECONDS)
        except (RedisError, OSError) as error:
            raise AwayError(type(error).__name__) from None

    async def remove(self, worker: str) -> None:
        """Take out the entry of a worker; `AwayError` if that failed (it will still run out)."""
        try:
            await self._client.delete(PREFIX + worker)
        except (RedisError, OSError) as error:
            raise AwayError(type(error).__name__) from None

    async def entries(self) -> list[Entry]:
        """Return the entries of all live workers by id; `AwayError` if one is unreadable."""
        try:
            keys = [key async for key in self._client.scan_iter(match=PREFIX + "*", count=500)]
            values = await self._client.mget(keys) if keys else []
            found = [Entry.parse(value) for value in values if value is not None]
        except (RedisError, OSError, ValueError) as error:
            raise AwayError(type(error).__name__) from None
        return sorted(found, key=lambda entry: entry.id)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()
