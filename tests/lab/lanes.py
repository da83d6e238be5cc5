"""What is proved on labs, several labs side by side: ``python -m tests.lab.lanes NAME MAKE "TARGET .." ..``.

Each word of targets is a lane: a lab of its own (NAME1, NAME2 ..), on which ``make`` brings those targets to their end, one after
the other. Of a target that several lanes have each takes what no other has taken: so all of them end together, and no processor
waits for one. Each line says its lane; the last ones say how long each took, and once more what was red: of a log of forty
minutes often only its end is kept. The exit status is 0 only where all that a lane ran was well.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.lab.sharing import FOLDER, taken

ROOT = Path(__file__).resolve().parents[2]
# What says that something was red: pytest's short summary, a fault or an ordinary thing, what stopped a proof, make.
_RED = re.compile(r"^(FAILED|ERROR) | FAILED  | and then: |^make.*\*\*\* \[")
_MORE = re.compile(r"^lab +[\d.]+ s {10,}\S")  # how it differs, in the lines below a fault
_SAID_AGAIN = 20  # lines of a lane


def say(line: str) -> None:
    """One line, whole: lanes say theirs at the same time, and ``print`` writes its end apart."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


@dataclass
class Lane:
    """One of them: its name is its lab's."""

    name: str
    targets: Sequence[str]
    process: subprocess.Popen[str]
    began: float = field(default_factory=time.monotonic)
    seconds: float = 0.0
    red: list[str] = field(default_factory=list)

    @classmethod
    def start(cls, name: str, make: str, targets: Sequence[str], shared: Path) -> Lane:
        """In a process group of its own, so that what it started can be asked to end. Its targets have one lab: never two of them
        at once, whatever make was told.
        """
        options = ["--no-print-directory", "--keep-going", "--jobs=1"]
        argv = [sys.executable, "-m", "lab.cli", "run", "--isolated", name, make, *options, *targets]
        process = subprocess.Popen(
            argv,
            cwd=ROOT,
            env={**os.environ, FOLDER: str(shared)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        return cls(name, targets, process)

    def tell(self) -> None:
        """Say each of its lines until it has ended."""
        assert self.process.stdout is not None
        with self.process.stdout as said:
            below = False  # a line that was red
            for line in map(str.rstrip, said):
                say(f"{self.name} | {line}")
                below = bool(_RED.search(line) or (below and _MORE.search(line)))
                if below:
                    self.red.append(line)
        self.process.wait()
        self.seconds = time.monotonic() - self.began

    def interrupt(self) -> None:
        """As Ctrl-C does: tests put right what they touched, and the lab is taken down."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGINT)


def main(name: str, make: str, asked: Sequence[str]) -> int:
    """Run them; 0 where all of them ended well."""
    with tempfile.TemporaryDirectory(prefix="voxgate-shared-") as folder:
        shared = Path(folder)
        lanes: list[Lane] = []

        def interrupt(number: int, _frame: object) -> None:
            for lane in lanes:
                lane.interrupt()

        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, interrupt)
        lanes += [Lane.start(f"{name}{n}", make, one.split(), shared) for n, one in enumerate(asked, 1)]
        telling = [threading.Thread(target=lane.tell) for lane in lanes]
        for thread in telling:
            thread.start()
        for thread in telling:
            thread.join()
        took = taken(shared)
    for lane in lanes:
        how = "ended well" if lane.process.returncode == 0 else f"ended with {lane.process.returncode}"
        what = f"{' '.join(lane.targets)}; {took.get(lane.name, 0)} shared modules and drills"
        say(f"{lane.name} {how} after {lane.seconds:.0f} s: {what}")
    for lane in lanes:
        if lane.process.returncode:
            left_out = len(lane.red) - _SAID_AGAIN
            for line in [*lane.red[:_SAID_AGAIN], *([f"and {left_out} lines more like these"] if left_out > 0 else [])]:
                say(f"{lane.name} was red: {line}")
    return int(any(lane.process.returncode for lane in lanes))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
