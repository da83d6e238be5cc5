"""Runs a worker under uvicorn. SIGTERM drains first: the health page answers until the end."""

import asyncio
import importlib.metadata
import logging
import socket
from types import FrameType

import uvicorn

from vox_agents.identity import Identity
from vox_agents.registry import Registry
from vox_agents.settings import Settings
from vox_agents.slot import CallSlot
from vox_agents.web import create_app
from vox_agents.worker import Worker


class DrainingServer(uvicorn.Server):
    """A server that lets its worker finish the call before it stops."""

    def __init__(self, config: uvicorn.Config, worker: Worker) -> None:
        """Serve `config` for `worker`; made inside the running loop."""
        super().__init__(config)
        self._worker = worker
        self._loop = asyncio.get_running_loop()
        self._stopping: asyncio.Task[None] | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to drain, once; further signals change nothing."""
        self._loop.call_soon_threadsafe(self._stop)

    def _stop(self) -> None:
        if self._stopping is None:
            self._stopping = self._loop.create_task(self._drain_and_exit())

    async def _drain_and_exit(self) -> None:
        await self._worker.drain()
        self.should_exit = True


def serve(settings: Settings, number: int, port: int) -> None:
    """Run worker `number` of this host on `port` until it is told to stop."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s: %(message)s")
    identity = Identity.take()
    asyncio.run(_serve(settings, identity, f"{socket.gethostname()}/{number}", port))


async def _serve(settings: Settings, identity: Identity, worker_id: str, port: int) -> None:
    worker = Worker(
        id=worker_id,
        identity=identity,
        pipecat=importlib.metadata.version("pipecat-ai"),
        registry=Registry.at(settings.redis_url),
        slot=CallSlot(),
    )
    config = uvicorn.Config(
        create_app(worker),
        host="0.0.0.0",  # noqa: S104 - the proxy asks from another host
        port=port,
        access_log=False,
        timeout_graceful_shutdown=2,
    )
    await DrainingServer(config, worker).serve()
