"""The one call slot of a worker, with the Pipecat pipeline that a call runs through."""

import asyncio

from pipecat.frames.frames import Frame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor

SLOTS = 1


class FullError(Exception):
    """Every slot has its call already."""


class Passage(FrameProcessor):
    """Hands every frame on: the place where speech is turned into answers."""

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Pass one frame in the direction in which it goes."""
        await super().process_frame(frame, direction)
        await self.push_frame(frame, direction)


class CallSlot:
    """Holds at most one call. `changed` is set whenever a call begins or ends."""

    def __init__(self) -> None:
        """Build the pipeline and hold no call."""
        self.pipeline = Pipeline([Passage(name="passage")])
        self.changed = asyncio.Event()
        self._calls: set[asyncio.Task[None]] = set()

    @property
    def calls(self) -> int:
        """How many calls run now."""
        return len(self._calls)

    def begin(self, seconds: float) -> None:
        """Begin a call of that many seconds; `FullError` when the slot is taken."""
        if self.calls >= SLOTS:
            raise FullError
        call = asyncio.create_task(asyncio.sleep(seconds))
        self._calls.add(call)
        call.add_done_callback(self._ended)
        self.changed.set()

    async def drained(self, seconds: float) -> bool:
        """Wait that long for the calls to end; whether they did. What still runs then is cut."""
        if self._calls:
            await asyncio.wait(self._calls, timeout=seconds)
        cut = [call for call in self._calls if not call.done()]
        for call in cut:
            call.cancel()
        return not cut

    def _ended(self, call: asyncio.Task[None]) -> None:
        self._calls.discard(call)
        self.changed.set()
