"""One worker: a call slot, its place in the registry, and how both end."""

import asyncio
import contextlib
import logging
from dataclasses import dataclass, field

from vox_agents.bodies import Entry
from vox_agents.identity import Identity
from vox_agents.registry import AwayError, Registry
from vox_agents.slot import SLOTS, CallSlot

REFRESH_SECONDS = 1.0
DRAIN_SECONDS = 25.0

log = logging.getLogger("vox-agents")


@dataclass(slots=True)
class Worker:
    """The worker `<host>/<N>` of the fleet."""

    id: str
    identity: Identity
    pipecat: str
    registry: Registry
    slot: CallSlot
    draining: bool = False
    _left: bool = False
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    _known: bool = True

    @property
    def entry(self) -> Entry:
        """What the registry should know of this worker now."""
        return Entry(self.id, self.slot.calls, SLOTS, self.identity.commit)

    async def register(self) -> bool:
        """Write the entry anew, unless this worker has left; whether the registry took it."""
        async with self._lock:
            if self._left:
                return False
            try:
                await self.registry.put(self.entry)
            except AwayError as error:
                if self._known:
                    log.warning("registry is away: %s", error)
                self._known = False
            else:
                self._known = True
            return self._known

    async def stay_registered(self) -> None:
        """Keep the entry fresh until cancelled: each second, and at once when a call changes."""
        while True:
            self.slot.changed.clear()
            await self.register()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.slot.changed.wait(), REFRESH_SECONDS)

    async def drain(self) -> None:
        """Take no more calls, and wait for the one that runs: 25 seconds, then it is cut."""
        self.draining = True
        if self.slot.calls:
            log.info("draining: one call is finished first")
        if not await self.slot.drained(DRAIN_SECONDS):
            log.warning("a call was cut after %d seconds of draining", DRAIN_SECONDS)

    async def leave(self) -> None:
        """Leave the registry for good."""
        async with self._lock:
            self._left = True
            try:
                await self.registry.remove(self.id)
            except AwayError as error:
                log.warning("left without telling the registry: %s", error)
        await self.registry.close()
