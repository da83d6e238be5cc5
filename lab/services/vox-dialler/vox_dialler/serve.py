"""Runs the dialler: one event loop for the ticks and for the pages. SIGTERM ends both at once."""

import asyncio
import contextlib
import logging
import socket
from types import FrameType

import uvicorn

from vox_dialler.book import Book
from vox_dialler.identity import Identity
from vox_dialler.loop import TickLoop
from vox_dialler.metrics import Metrics
from vox_dialler.settings import Settings
from vox_dialler.web import create_app


class TickingServer(uvicorn.Server):
    """A server that ends with its tick loop, and stops ticking at once when it is told to stop."""

    def __init__(self, config: uvicorn.Config, loop: TickLoop) -> None:
        """Serve `config` and start ticking; made inside the running event loop."""
        super().__init__(config)
        self.ticking = asyncio.create_task(loop.run())
        # A loop that dies takes the process with it: never a page that answers for no loop.
        self.ticking.add_done_callback(lambda _: setattr(self, "should_exit", True))

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop; unlike uvicorn's own, what comes after serving is still run."""
        del sig, frame
        self.ticking.get_loop().call_soon_threadsafe(self.ticking.cancel)


def serve(settings: Settings, port: int) -> None:
    """Run the dialler on `port` until it is told to stop; `SettingsError` for an unusable URI."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s: %(message)s")
    asyncio.run(_serve(settings, Identity.take(), port))


async def _serve(settings: Settings, identity: Identity, port: int) -> None:
    book = Book.at(settings.mongodb_uri, socket.gethostname(), identity.pid)
    metrics = Metrics()
    loop = TickLoop(book, metrics, settings.sip_trunk_id, settings.tick_seconds)
    config = uvicorn.Config(
        create_app(identity, book.name, loop, metrics),
        host="0.0.0.0",  # noqa: S104 - the gate and Prometheus ask from other hosts
        port=port,
        access_log=False,
        timeout_graceful_shutdown=1,
    )
    server = TickingServer(config, loop)
    try:
        await server.serve()
    finally:
        server.ticking.cancel()
        await book.close()
        with contextlib.suppress(asyncio.CancelledError):
            await server.ticking
