"""Never felt by a call: how long workers' pages take while looks go on, beside how long they take without; and what the probe
costs its host.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

from bench import places
from bench.measuring import percentile
from bench.processes import gate, run
from lab import hosts
from voxgate.model.estate import Estate

PAUSE = 0.25
"""Seconds from one question to the next of each worker: many answers, and little load of its own."""

LATE = 5.0
LONG = 400.0
WORKERS, FOLDERS = "workers-twenty", 500_000
LARGE_FLEET = "fleet-1"
LARGE_DISK = "fleet-2"
BLIND = (0, 1, 7)
MAKE = (
    "import os\n"
    f"for number in range({FOLDERS // 1000}):\n"
    "    os.mkdir(f'/srv/bench/{number:03}')\n"
    "    for call in range(999):\n"
    "        os.mkdir(f'/srv/bench/{number:03}/{call:03}')\n"
)

SEEN = (
    "import os, time\n"
    "def each(folder):\n"
    "    with os.scandir(folder) as found:\n"
    "        for row in found:\n"
    "            row.stat(follow_symlinks=False)\n"
    "            yield row.path\n"
    "for folder in each('/srv/bench'):\n"
    "    for _ in each(folder): pass\n"
    "print(time.process_time())\n"
)
"""What it costs Python to see of each folder when it was changed, and nothing else."""


class Sampler:
    """Asks pages all the time, each by a connection of its own; a thread's work. ``stop`` ends it, ``took`` are seconds of
    answers and ``lost`` how many did not come within ``LATE``.
    """

    def __init__(self, pages: Sequence[tuple[str, int]]) -> None:
        """Remember; ``start`` asks."""
        self.took: list[float] = []
        self.lost = 0
        self._pages = pages
        self._ended = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._all()), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    async def _all(self) -> None:
        await asyncio.gather(*(self._each(*page, index) for index, page in enumerate(self._pages)))

    async def _each(self, address: str, port: int, index: int) -> None:
        await asyncio.sleep(PAUSE * index / len(self._pages))
        while not self._ended.is_set():
            began = time.perf_counter()
            try:
                await asyncio.wait_for(_ask(address, port), LATE)
                self.took.append(time.perf_counter() - began)
            except (OSError, TimeoutError, asyncio.IncompleteReadError):
                self.lost += 1
            await asyncio.sleep(PAUSE)


async def _ask(address: str, port: int) -> None:
    """One GET /health. Raises OSError for anything but 200."""
    reader, writer = await asyncio.open_connection(address, port)
    try:
        writer.write(f"GET /health HTTP/1.0\r\nHost: {address}\r\n\r\n".encode())
        head = await reader.readline()
        await reader.read()
        if b" 200 " not in head:
            raise OSError(head.decode(errors="replace"))
    finally:
        writer.close()


def answers(sampler: Sampler) -> dict[str, Any]:
    """What a sampler saw, in milliseconds."""
    took = sampler.took
    shares = {f"p{percent}": round(percentile(took, percent) * 1000, 2) for percent in (50, 99)}
    return {"answers": len(took), "lost": sampler.lost, "most": round(max(took) * 1000, 2), **shares}


def measure(looks: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Looks in a row beside the sampler, with twenty workers on one host; they are taken away again."""
    with tempfile.TemporaryDirectory() as name:
        place = places.made(Path(name))
        say("  twenty workers")
        lab("ordinary", "--leave", WORKERS)
        try:
            with_workers(place.estate_file)
            return _felt(place, looks, say)
        finally:
            lab("mend", WORKERS)


def measure_folders(looks: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Looks at a host with half a million folders; they are taken away again."""
    with tempfile.TemporaryDirectory() as name:
        place = places.made(Path(name))
        hosts.must(LARGE_DISK, ["mkdir", "-m", "755", "/srv/bench"])
        try:
            hosts.must(LARGE_DISK, ["mount", "-t", "tmpfs", "-o", "mode=755,size=4g,nr_inodes=0", "bench", "/srv/bench"])
            hosts.must(LARGE_DISK, ["python3", "-I", "-c", MAKE], deadline=LONG)
            found = []
            for number in range(1, looks + 1):
                found.append(cpu_of(place, LARGE_DISK))
                say(f"  look {number}/{looks}  {FOLDERS:,} folders: the probe took {found[-1]['cpu']} s of CPU")
            seen = float(hosts.must(LARGE_DISK, ["python3", "-I", "-c", SEEN], deadline=LONG))
            return {"count": FOLDERS, "looks": found, "seen": round(seen, 2)}
        finally:
            hosts.must(LARGE_DISK, ["sh", "-c", "umount /srv/bench; rmdir /srv/bench"], deadline=LONG)


def with_workers(path: Path) -> None:
    """Say in the estate that the large host has twenty."""
    head, _, tail = path.read_text().partition(f"[hosts.{LARGE_FLEET}]")
    path.write_text(f"{head}[hosts.{LARGE_FLEET}]{tail.replace('workers = 3', 'workers = 20', 1)}")


def _felt(place: places.Place, looks: int, say: Callable[[str], None]) -> dict[str, Any]:
    first = cpu_of(place, LARGE_FLEET)
    spans: list[float] = []
    costs: list[dict[str, Any]] = []
    with Sampler(pages(place.estate)) as beside:
        began = time.perf_counter()
        for number in range(1, looks + 1):
            costs.append(cpu_of(place, LARGE_FLEET))
            spans.append(time.perf_counter() - began)
            say(f"  look {number}/{looks}  the probe took {costs[-1]['cpu']} s of CPU on {LARGE_FLEET}")
    with Sampler(pages(place.estate)) as alone:
        time.sleep(min(spans[-1], 60.0))  # as long without looks: the time itself is what is sampled
    return {
        "looks": looks,
        "seconds": round(spans[-1], 1),
        "pages": len(pages(place.estate)),
        "with": answers(beside),
        "without": answers(alone),
        "first": first,
        "next": costs,
    }


def pages(estate: Estate) -> list[tuple[str, int]]:
    """Each worker's address and port."""
    placed = [unit for unit in estate.placed_units if unit.service.name == "fleet" and unit.service.health is not None]
    return [(unit.host.address, unit.port_of(unit.service.health)) for unit in placed if unit.service.health is not None]


def cpu_of(place: places.Place, host: str) -> dict[str, Any]:
    """One look, and what the probe says of itself on a host in the look that reads all: seconds of processor, by the clock, and
    whether any section is blind.
    """
    with tempfile.TemporaryDirectory() as folder:
        reports = Path(folder)
        run(gate("--estate", str(place.estate_file), "--reports", folder, "--html", "never", "-q"), fine=BLIND)
        path = reports / "latest" / "evidence" / "second" / "hosts" / f"{host}.json"
        document = json.loads(path.read_text())
    if "probe" not in document:
        return {"cpu": None, "seconds": None, "blind": [document["missing"]["why"]]}
    blind = [name for name, section in document["sections"].items() if "error" in section]
    return {"cpu": document["probe"]["cpu_seconds"], "seconds": document["probe"]["seconds"], "blind": blind}


def lab(*words: str) -> None:
    """A command of the lab's. Raises VoxgateError where it fails."""
    run([sys.executable, "-m", "lab.cli", *words])
