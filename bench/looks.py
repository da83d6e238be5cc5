"""How long a look takes, beside what the same machine needs for less: run it with the lab up, ``uv run python bench/looks.py``.

The machines are noisy: compare the ratios of one run, never seconds of two.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import testinfra

from voxgate.contracts.estates import load_estate
from voxgate.model.estate import Estate

ROOT = Path(__file__).resolve().parents[1]
ESTATE = "lab"


def timed(work: Callable[[], int], rounds: int) -> tuple[float, int]:
    """Median seconds, and what the work counted."""
    work()  # what is cached is cached for everybody
    seconds, count = [], 0
    for _ in range(rounds):
        began = time.perf_counter()
        count = work()
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds), count


def run(*argv: str) -> str:
    """One process of the gate's own Python."""
    done = subprocess.run([sys.executable, *argv], cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
    if done.returncode != 0:
        sys.exit(f"{' '.join(argv)} ended with {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


def look(*words: str) -> Callable[[], int]:
    """A look, as a user starts it. Counts what was judged."""

    def work() -> int:
        with tempfile.TemporaryDirectory() as folder:
            said = run("-m", "pytest", "--estate", ESTATE, "--reports", folder, *words)
        return int(said.rsplit(" passed", 1)[0].rsplit(" ", 1)[-1])

    return work


def by_testinfra(estate: Estate) -> int:
    """A few of the same facts with testinfra alone: one connection a host, one question after the other, no second look."""
    warnings.simplefilter("ignore")  # it takes any host key, and says so
    checks = 0
    for host in estate.hosts:
        options = f"ssh_identity_file={estate.identity}" if estate.identity else ""
        there = testinfra.get_host(f"paramiko://{host.user}@{host.address}?{options}")
        for placement in (one for one in estate.placements if one.host == host):
            for unit in placement.units:
                service = there.service(unit)
                facts = (service.is_running, service.is_enabled, there.run("systemctl show -p MainPID %s", unit).rc == 0)
                checks += sum(facts)
            where = placement.service.folder
            checks += there.file(where).is_directory
            checks += there.run("git -C %s rev-parse HEAD", where).rc == 0
            if placement.service.health is not None:
                page = f"http://127.0.0.1:{placement.service.health.port}/health"
                checks += there.run("busybox wget -q -T 3 -O - %s", page).rc == 0
    return checks


def main(argv: Sequence[str]) -> None:
    """Print a table: what, median seconds, how much was judged, milliseconds for each."""
    rounds = int(argv[0]) if argv else 5
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # a start that compiles everything anew measures the compiler
    estate = load_estate(ESTATE)
    parts: list[tuple[str, Callable[[], int]]] = [
        ("python and pytest, nothing else", lambda: len(run("-m", "pytest", "--version")) * 0),
        ("the catalogue, no host (--invariants)", lambda: len(run("-m", "pytest", "--invariants")) * 0),
        ("a look at one service (-m dialler)", look("-m", "dialler")),
        ("a look at everything", look()),
        ("a few of the same facts by testinfra", lambda: by_testinfra(estate)),
    ]
    for name, work in parts:
        seconds, count = timed(work, rounds)
        each = f"{count:4d} judged, {seconds / count * 1000:6.1f} ms each" if count else ""
        print(f"{name:40} {seconds:6.2f} s  {each}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
