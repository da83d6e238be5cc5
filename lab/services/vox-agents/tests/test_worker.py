"""A worker says what it does, refuses a second call, and finishes its call before it goes."""

import asyncio
import importlib.metadata
import json
import tomllib
from pathlib import Path

import httpx
import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from vox_agents import bodies
from vox_agents.bodies import Entry
from vox_agents.identity import Identity
from vox_agents.registry import PREFIX, TTL_MILLISECONDS, Registry
from vox_agents.slot import CallSlot
from vox_agents.web import create_app
from vox_agents.worker import Worker

IDENTITY = Identity("2026.01.01", "a" * 40, 42, "2026-01-01T00:00:00.000000Z")


class FakeRedis:
    """The four commands that the registry uses, on a dict."""

    def __init__(self):
        self.kept = {}
        self.away = False

    def _reach(self):
        if self.away:
            raise RedisConnectionError("away")

    async def set(self, key, value, px):
        self._reach()
        assert px == TTL_MILLISECONDS
        self.kept[key] = value

    async def delete(self, key):
        self._reach()
        self.kept.pop(key, None)

    async def scan_iter(self, match, count):
        self._reach()
        assert count
        for key in list(self.kept):
            if key.startswith(match.removesuffix("*")):
                yield key

    async def mget(self, keys):
        self._reach()
        return [self.kept.get(key) for key in keys]

    async def aclose(self):
        pass


def with_worker(story):
    """Run `story(client, worker, redis)` against a worker with a registry in memory."""

    async def run():
        redis = FakeRedis()
        worker = Worker("fleet-9/1", IDENTITY, "1.14.0", Registry(redis), CallSlot())
        transport = httpx.ASGITransport(create_app(worker))
        async with httpx.AsyncClient(transport=transport, base_url="http://vox") as client:
            return await story(client, worker, redis)

    return asyncio.run(run())


def test_health_is_the_worker_and_registers_it():
    async def story(client, _, redis):
        answer = await client.get("/health")
        assert answer.status_code == 200
        assert answer.json() == {
            "status": "ok",
            "service": "vox-agents",
            "worker": "fleet-9/1",
            "version": "2026.01.01",
            "commit": "a" * 40,
            "pid": 42,
            "started_at": "2026-01-01T00:00:00.000000Z",
            "pipecat": "1.14.0",
            "worker_calls": 0,
            "worker_max": 1,
        }
        assert json.loads(redis.kept[PREFIX + "fleet-9/1"]) == {
            "id": "fleet-9/1",
            "calls": 0,
            "max": 1,
            "commit": "a" * 40,
        }

    with_worker(story)


def test_without_the_registry_health_is_degraded_and_the_fleet_has_no_numbers():
    async def story(client, _, redis):
        redis.away = True
        health, fleet = await client.get("/health"), await client.get("/health/fleet")
        assert (health.status_code, health.json()["status"]) == (503, "degraded")
        assert (fleet.status_code, fleet.json()["status"]) == (503, "degraded")
        assert "worker_max" not in fleet.json()

    with_worker(story)


def test_the_slot_takes_one_call_and_the_fleet_counts_it():
    async def story(client, worker, redis):
        redis.kept[PREFIX + "fleet-8/2"] = json.dumps(Entry("fleet-8/2", 0, 1, "b" * 40).fields())
        assert (await client.post("/calls", json={"seconds": 30})).status_code == 202
        assert (await client.post("/calls", json={"seconds": 30})).status_code == 409
        assert (await client.get("/health")).json()["worker_calls"] == 1
        assert (await client.get("/health/fleet")).json() == {
            "status": "ok",
            "worker_calls": 1,
            "worker_max": 2,
            "fleet_available": 1,
            "workers": ["fleet-8/2", "fleet-9/1"],
        }
        assert not await worker.slot.drained(0.01)

    with_worker(story)


@pytest.mark.parametrize("body", [{}, {"seconds": 0}, {"seconds": "x"}, {"seconds": 1e9}])
def test_a_call_needs_a_sane_length(body):
    async def story(client, *_):
        assert (await client.post("/calls", json=body)).status_code == 422

    with_worker(story)


def test_draining_finishes_the_call_and_takes_no_other():
    async def story(client, worker, _):
        await client.post("/calls", json={"seconds": 0.2})
        drain = asyncio.create_task(worker.drain())
        await asyncio.sleep(0.05)
        health = await client.get("/health")
        assert (health.status_code, health.json()["status"]) == (503, "draining")
        assert (await client.post("/calls", json={"seconds": 1})).status_code == 503
        assert not drain.done()
        await drain
        assert worker.slot.calls == 0

    with_worker(story)


def test_a_worker_that_left_does_not_come_back():
    async def story(_, worker, redis):
        await worker.register()
        await worker.leave()
        assert not await worker.register()
        assert redis.kept == {}

    with_worker(story)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"id":"a","calls":"1","max":1,"commit":""}'])
def test_what_is_not_an_entry_is_refused(text):
    with pytest.raises(ValueError, match=r"."):
        Entry.parse(text)


def test_an_idle_fleet_has_all_slots_free():
    entries = [Entry(f"fleet-1/{n}", 0, 1, "a" * 40) for n in (3, 1, 2)]
    assert bodies.fleet(entries)["fleet_available"] == 3
    assert bodies.fleet(entries)["workers"] == ["fleet-1/1", "fleet-1/2", "fleet-1/3"]


def test_pipecat_is_pinned_and_what_is_installed_is_the_pin():
    project = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text())[
        "project"
    ]
    pin = f"pipecat-ai=={importlib.metadata.version('pipecat-ai')}"
    assert pin in project["dependencies"]
