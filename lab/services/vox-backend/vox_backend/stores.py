"""The stores of the backend, each asked with the configuration that is used for work."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus

import httpx
import redis.asyncio
import redis.exceptions
import urllib3
from minio import Minio
from minio.error import MinioException
from pymongo import AsyncMongoClient
from pymongo.errors import OperationFailure, PyMongoError
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from vox_backend.probes import CHECK_SECONDS, LIVEKIT_PATH, MONGODB_COMMAND
from vox_backend.settings import Settings, SettingsError, url_of

APP_NAME = "vox-backend"
OK = "ok"
REFUSED = "refused"
UNREACHABLE = "unreachable"

log = logging.getLogger(APP_NAME)


class RefusedError(Exception):
    """The store answered, and not as it should."""


# Answers, as opposed to silence. redis-py counts a wrong password as a connection error.
_REFUSALS = (
    RefusedError,
    OperationFailure,
    redis.exceptions.AuthenticationError,
    redis.exceptions.ResponseError,
    MinioException,
)


class Stores:
    """Clients of MongoDB, Redis, S3 and LiveKit. Making them connects to nothing."""

    def __init__(self, settings: Settings) -> None:
        """Make the clients; `SettingsError` for an address that cannot be used."""
        self._mongodb = _mongodb(settings)
        self._redis = _redis(settings)
        self._s3 = _s3(settings)
        self._livekit_url = _livekit_url(settings)
        self._http = httpx.AsyncClient(timeout=CHECK_SECONDS, trust_env=False)
        self._last: dict[str, str] = {}

    async def check(self) -> dict[str, str]:
        """Ask all stores at once; each is `ok`, `refused` (a wrong answer) or `unreachable`."""
        questions = {
            "mongodb": self._ask_mongodb,
            "redis": self._ask_redis,
            "s3": self._ask_s3,
            "livekit": self._ask_livekit,
        }
        answers = await asyncio.gather(*(_answer(ask) for ask in questions.values()))
        found = dict(zip(questions, answers, strict=True))
        for name, state in found.items():
            if state != self._last.get(name, OK):
                log.warning("check %s: %s", name, state)
        self._last = found
        return found

    async def close(self) -> None:
        """Close all connections."""
        await self._mongodb.close()
        await self._redis.aclose()
        await self._http.aclose()

    async def _ask_mongodb(self) -> None:
        await self._mongodb.admin.command(MONGODB_COMMAND)

    async def _ask_redis(self) -> None:
        await self._redis.ping()

    async def _ask_s3(self) -> None:
        # Signed, so that a wrong key is seen; the client is a blocking one.
        await asyncio.to_thread(lambda: list(self._s3.list_buckets()))

    async def _ask_livekit(self) -> None:
        answer = await self._http.get(self._livekit_url)
        if answer.status_code != HTTPStatus.OK:
            raise RefusedError(str(answer.status_code))


async def _answer(ask: Callable[[], Awaitable[None]]) -> str:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            await ask()
    except _REFUSALS:
        return REFUSED
    except Exception:  # whatever a client raises: the store was not reached
        return UNREACHABLE
    return OK


def _mongodb(settings: Settings) -> AsyncMongoClient:
    milliseconds = int(CHECK_SECONDS * 1000)
    try:
        return AsyncMongoClient(
            settings.mongodb_uri,
            appname=APP_NAME,
            connect=False,
            serverSelectionTimeoutMS=milliseconds,
            connectTimeoutMS=milliseconds,
        )
    except (PyMongoError, ValueError):
        # From nothing: the client's own error may quote the URI, and the password in it.
        raise SettingsError("MONGODB_URI is not a usable MongoDB URI") from None


def _redis(settings: Settings) -> redis.asyncio.Redis:
    url_of("REDIS_URL", settings.redis_url, ("redis", "rediss"))
    try:
        return redis.asyncio.Redis.from_url(
            settings.redis_url,
            client_name=APP_NAME,
            socket_connect_timeout=CHECK_SECONDS,
            socket_timeout=CHECK_SECONDS,
            retry=Retry(NoBackoff(), 1),
        )
    except ValueError:
        raise SettingsError("REDIS_URL is not a usable Redis URL") from None


def _s3(settings: Settings) -> Minio:
    url = url_of("S3_ENDPOINT", settings.s3_endpoint, ("http", "https"))
    try:
        return Minio(
            url.netloc,
            access_key=settings.s3_access_key,
            secret_key=settings.s3_secret_key,
            secure=url.scheme == "https",
            region="us-east-1",
            http_client=urllib3.PoolManager(
                timeout=urllib3.Timeout(total=CHECK_SECONDS), retries=False
            ),
        )
    except ValueError:
        raise SettingsError("S3_ENDPOINT is not a usable S3 endpoint") from None


def _livekit_url(settings: Settings) -> str:
    url = url_of("LIVEKIT_URL", settings.livekit_url, ("ws", "wss", "http", "https"))
    secure = url.scheme in {"wss", "https"}
    return f"{'https' if secure else 'http'}://{url.netloc}{LIVEKIT_PATH}"
