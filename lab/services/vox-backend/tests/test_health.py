"""The health page is well only when every store answered."""

import asyncio
import time

import httpx
from test_start import GOOD, SECRET

from vox_backend.identity import Identity
from vox_backend.probes import CHECK_SECONDS
from vox_backend.settings import Settings
from vox_backend.stores import Stores
from vox_backend.web import create_app

IDENTITY = Identity("2026.01.01", "a" * 40, 42, "2026-01-01T00:00:00.000000Z")
WELL = {"mongodb": "ok", "redis": "ok", "s3": "ok", "livekit": "ok"}


class FakeStores:
    """Stores that are in the given states."""

    def __init__(self, states):
        self.states = states

    async def check(self):
        return self.states

    async def close(self):
        pass


def get(path, stores):
    async def ask():
        transport = httpx.ASGITransport(create_app(IDENTITY, stores))
        async with httpx.AsyncClient(transport=transport, base_url="http://vox") as client:
            return await client.get(path)

    return asyncio.run(ask())


def test_all_stores_well_is_ok():
    answer = get("/health", FakeStores(WELL))
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ok",
        "service": "vox-backend",
        "version": "2026.01.01",
        "commit": "a" * 40,
        "pid": 42,
        "started_at": "2026-01-01T00:00:00.000000Z",
        "checks": WELL,
    }


def test_one_store_away_is_degraded_and_503():
    answer = get("/health", FakeStores({**WELL, "redis": "unreachable"}))
    assert answer.status_code == 503
    assert answer.json()["status"] == "degraded"
    assert answer.json()["checks"]["redis"] == "unreachable"


def test_stores_that_are_not_there_are_unreachable_all_at_once_and_no_secret_is_told(caplog):
    async def look():
        stores = Stores(Settings.read(GOOD))
        began = time.monotonic()
        found = await stores.check()
        await stores.close()
        return found, time.monotonic() - began

    found, seconds = asyncio.run(look())
    assert set(found.values()) == {"unreachable"}
    assert set(found) == set(WELL)
    assert seconds < 2 * CHECK_SECONDS  # not one after the other
    assert SECRET not in caplog.text
    assert "check redis: unreachable" in caplog.text


def test_ping_names_the_release():
    assert get("/api/ping", FakeStores(WELL)).json()["version"] == "2026.01.01"
