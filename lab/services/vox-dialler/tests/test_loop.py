"""The loop counts what the database took, says when it stalls, and its pages tell the same."""

import asyncio

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from vox_dialler.book import AwayError
from vox_dialler.identity import Identity
from vox_dialler.loop import TickLoop
from vox_dialler.metrics import Metrics
from vox_dialler.pacing import wait_seconds
from vox_dialler.web import create_app

IDENTITY = Identity("2026.01.01", "a" * 40, 42, "2026-01-01T00:00:00.000000Z")


class FakeBook:
    """A book in memory that can be away."""

    def __init__(self):
        self.ticks = []
        self.due = 0
        self.away = False

    async def write_tick(self, tick, at):
        if self.away:
            raise AwayError("gone")
        self.ticks.append((tick, at))

    async def place_due_call(self, trunk, at):
        assert trunk == "ST_lab"
        assert at.tzinfo
        self.due -= 1
        return self.due >= 0


class Dialler:
    """A loop on a book in memory, with its pages."""

    def __init__(self, interval=0.02):
        self.book = FakeBook()
        self.metrics = Metrics()
        self.loop = TickLoop(self.book, self.metrics, "ST_lab", interval)

    async def get(self, path, **headers):
        transport = httpx.ASGITransport(create_app(IDENTITY, "vox", self.loop, self.metrics))
        async with httpx.AsyncClient(transport=transport, base_url="http://vox") as client:
            return await client.get(path, headers=headers)

    async def run_for(self, seconds):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(self.loop.run(), seconds)


def test_ticks_go_on_and_health_tells_the_last():
    async def story():
        dialler = Dialler(interval=0.05)
        await dialler.run_for(0.33)
        answer = await dialler.get("/health")
        assert 5 <= dialler.loop.ticks <= 8
        assert [tick for tick, _ in dialler.book.ticks] == list(range(1, dialler.loop.ticks + 1))
        last = dialler.book.ticks[-1][1].isoformat(timespec="microseconds")
        assert answer.status_code == 200
        assert answer.json() == {
            "status": "ok",
            "service": "vox-dialler",
            "version": "2026.01.01",
            "commit": "a" * 40,
            "pid": 42,
            "started_at": "2026-01-01T00:00:00.000000Z",
            "database": "vox",
            "ticks": dialler.loop.ticks,
            "last_tick_at": last.replace("+00:00", "Z"),
            "tick_interval_seconds": 0.05,
        }

    asyncio.run(story())


def test_a_loop_without_its_database_is_stalled_and_recovers(caplog):
    async def story():
        dialler = Dialler()
        dialler.book.away = True
        await dialler.run_for(0.1)
        answer = await dialler.get("/health")
        assert (answer.status_code, answer.json()["status"]) == (503, "stalled")
        assert (answer.json()["ticks"], answer.json()["last_tick_at"]) == (0, None)
        assert caplog.messages.count("database is away: gone") == 1
        dialler.book.away = False
        await dialler.loop.tick()
        assert (await dialler.get("/health")).status_code == 200

    asyncio.run(story())


def test_health_is_stalled_when_the_last_tick_is_older_than_three_intervals():
    async def story():
        dialler = Dialler()
        await dialler.loop.tick()
        assert not dialler.loop.stalled
        await asyncio.sleep(0.07)
        assert (await dialler.get("/health")).status_code == 503

    asyncio.run(story())


def test_metrics_count_ticks_and_calls():
    async def story():
        dialler = Dialler()
        dialler.book.due = 1
        await dialler.loop.tick()
        await dialler.loop.tick()
        answer = await dialler.get("/metrics", accept="*/*")
        assert answer.headers["content-type"].startswith("text/plain; version=")
        families = {family.name: family for family in text_string_to_metric_families(answer.text)}
        samples = {s.name: s.value for family in families.values() for s in family.samples}
        assert samples["voxdialler_ticks_total"] == 2
        assert samples["voxdialler_calls_placed_total"] == 1
        assert samples["voxdialler_last_tick_timestamp_seconds"] == pytest.approx(
            dialler.loop.last_tick_at.timestamp()
        )
        assert families["voxdialler_ticks"].type == "counter"
        assert "process_start_time_seconds" in samples

    asyncio.run(story())


@pytest.mark.parametrize(
    ("now", "wait"), [(100.0, 1.0), (100.25, 0.75), (101.0, 1.0), (103.5, 0.5)]
)
def test_ticks_stay_on_their_grid(now, wait):
    assert wait_seconds(100.0, now, 1.0) == wait
