"""The tick loop: at a steady pace, write the tick and place one due call."""

import asyncio
import logging
import time
from datetime import UTC, datetime
from typing import Protocol

from vox_dialler.book import AwayError
from vox_dialler.metrics import Metrics
from vox_dialler.pacing import NAME, wait_seconds

STALLED_AFTER_TICKS = 3

log = logging.getLogger("vox-dialler")


class Kept(Protocol):
    """What the loop needs of the database."""

    async def write_tick(self, tick: int, at: datetime) -> None:
        """Write one tick, or raise `AwayError`."""

    async def place_due_call(self, trunk: str, at: datetime) -> bool:
        """Claim one due call, or raise `AwayError`."""


class TickLoop:
    """Counts the ticks that the database took. A tick that was not written is not counted."""

    def __init__(self, book: Kept, metrics: Metrics, trunk: str, interval: float) -> None:
        """Tick every `interval` seconds once `run` is called."""
        self.interval = interval
        self.ticks = 0
        self.last_tick_at: datetime | None = None
        self._last_tick = float("-inf")
        self._book = book
        self._metrics = metrics
        self._trunk = trunk
        self._known = True

    @property
    def stalled(self) -> bool:
        """Whether the last tick is older than three intervals, or there was none."""
        return time.monotonic() - self._last_tick > STALLED_AFTER_TICKS * self.interval

    async def run(self) -> None:
        """Tick until cancelled, the first time at once."""
        log.info("pacing: %s, every %g s", NAME, self.interval)
        began = time.monotonic()
        while True:
            await self.tick()
            await asyncio.sleep(wait_seconds(began, time.monotonic(), self.interval))

    async def tick(self) -> None:
        """Make one tick; one that the database did not take is logged once and not counted."""
        at = datetime.now(UTC)
        try:
            await self._book.write_tick(self.ticks + 1, at)
            self._count(at)
            if await self._book.place_due_call(self._trunk, at):
                self._metrics.calls_placed.inc()
        except AwayError as error:
            if self._known:
                log.warning("database is away: %s", error)
            self._known = False
        else:
            self._known = True

    def _count(self, at: datetime) -> None:
        self.ticks += 1
        self.last_tick_at = at
        self._last_tick = time.monotonic()
        self._metrics.ticks.inc()
        self._metrics.last_tick.set(at.timestamp())
