"""A relay that delays: what comes in on one side goes out on the other after half of a round trip, in order, at any rate."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

CHUNK = 64 * 1024
DEEP = 256
"""Chunks on their way at once, in one direction of one connection: a long way holds much, and what waits longer than its delay
would measure the relay.
"""


class Relay:
    """One listening port on the loopback for each target; ``delay`` is of one way, in seconds, and may be set while it runs. For
    each connection that came ``turns`` has its target, and how often who connected spoke after having heard something: that
    many round trips followed one another on it, at most. ``carried`` counts the bytes of both ways.
    """

    def __init__(self, targets: Sequence[tuple[str, int]], delay: float = 0.0) -> None:
        """Remember; ``start`` listens."""
        self.delay = delay
        self.turns: list[tuple[tuple[str, int], int]] = []
        self.carried = 0
        self._targets = targets
        self._servers: list[asyncio.Server] = []
        self._ways: set[asyncio.Task[Any]] = set()

    async def start(self) -> dict[tuple[str, int], int]:
        """Listen; the port for each target."""
        ports = {}
        for target in self._targets:

            async def come(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, target: tuple[str, int] = target) -> None:
                await self._serve(reader, writer, *target)

            server = await asyncio.start_server(come, "127.0.0.1", 0, limit=CHUNK)
            self._servers.append(server)
            ports[target] = server.sockets[0].getsockname()[1]
        return ports

    async def stop(self) -> None:
        """Listen no more, and end what is under way."""
        for server in self._servers:
            server.close()
        for task in self._ways:
            task.cancel()
        await asyncio.gather(*self._ways, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, address: str, port: int) -> None:
        """One connection, from its first packet to its end."""
        task = asyncio.current_task()
        if task is not None:
            self._ways.add(task)
            task.add_done_callback(self._ways.discard)
        number = len(self.turns)
        self.turns.append(((address, port), 0))
        heard = False

        def asked() -> None:
            nonlocal heard
            if heard:
                heard = False
                self.turns[number] = (address, port), self.turns[number][1] + 1

        def told() -> None:
            nonlocal heard
            heard = True

        await asyncio.sleep(self.delay * 2)  # SYN and its answer, which no byte can show
        try:
            there, back = await asyncio.open_connection(address, port, limit=CHUNK)
        except OSError:
            writer.close()
            return
        try:
            await asyncio.gather(self._carry(reader, back, asked, lambda: None), self._carry(there, writer, lambda: None, told))
        finally:
            for end in (back, writer):
                end.close()

    async def _carry(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, comes: Callable[[], None], leaves: Callable[[], None]
    ) -> None:
        """One direction. Each piece leaves ``delay`` after it came, whatever is before it on the way; both are told."""
        on_the_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(DEEP)
        loop = asyncio.get_running_loop()

        async def leave() -> None:
            while True:
                at, data = await on_the_way.get()
                await asyncio.sleep(max(0.0, at - loop.time()))
                if not data:
                    with contextlib.suppress(OSError, RuntimeError):
                        writer.write_eof()
                    return
                leaves()
                writer.write(data)
                await writer.drain()

        leaving = asyncio.create_task(leave())
        try:
            data = b" "
            while data:
                try:
                    data = await reader.read(CHUNK)
                except OSError:
                    data = b""
                if data:
                    comes()
                    self.carried += len(data)
                await on_the_way.put((loop.time() + self.delay, data))
            await leaving
        except OSError:
            pass
        finally:
            leaving.cancel()


@contextlib.contextmanager
def relaying(targets: Sequence[tuple[str, int]]) -> Iterator[tuple[Relay, Mapping[tuple[str, int], int]]]:
    """A relay that runs in a thread of its own as long as the block, and the port for each target."""
    relay, loop = Relay(targets), asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield relay, asyncio.run_coroutine_threadsafe(relay.start(), loop).result(10)
    finally:
        asyncio.run_coroutine_threadsafe(relay.stop(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
