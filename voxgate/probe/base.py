"""What every part uses: limits, the one kind of error, and jobs that find one fact each, in time."""

from __future__ import annotations

import threading
import time
from typing import Any, Callable

from voxgate.probe.turn import TURN, aside

FORMAT = 1
DEADLINE = 10.0  # seconds for a section
UV_DEADLINE = 20.0
ALARM = 45  # seconds: whatever happens, the probe is gone after this
FILES_AT_MOST = 50_000
NAMES_AT_MOST = 100_000  # in one folder
INSTALLED_AT_MOST = 400_000  # files of one environment
REQUEST = 1 << 20  # bytes
BYTES_AT_MOST = 200 * 1024 * 1024
DEPTH_AT_MOST = 50  # each folder on the way is held open
SMALL_FILE = 4 * 1024 * 1024  # what is read as text
KERNEL_FILE = 64 * 1024 * 1024  # what the kernel writes as one is read: a table of many rows
ENVIRONMENT = 8 * 1024 * 1024  # the variables of a process: its stack bounds them, and that can be widened
OUTPUT = 16 * 1024 * 1024  # what a program may say
ROWS_AT_MOST = 100_000
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Trouble(Exception):  # noqa: N818
    """A fact that cannot be told, and why, in words that hold no content of any file."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind
        self.text = text


def guarded(function: Callable[[], Any]) -> dict[str, Any]:
    """The function's ``value``, or its ``error``. The words of unexpected errors are not shown: they may quote content."""
    try:
        return {"value": function()}
    except Trouble as trouble:
        kind, text = trouble.kind, trouble.text
    except PermissionError as error:
        kind, text = "denied", f"{error.filename or ''}: {error.strerror}".lstrip(": ")
    except FileNotFoundError as error:
        kind, text = "missing", f"{error.filename or ''}: {error.strerror}".lstrip(": ")
    except TimeoutError:
        kind, text = "timeout", "no answer in time"
    except OSError as error:
        kind, text = "failed", f"{error.filename or ''}: {error.strerror}".lstrip(": ")
    except Exception as error:  # noqa: BLE001 - nothing that one part meets may stop another
        line = error.__traceback__
        while line is not None and line.tb_next is not None:
            line = line.tb_next
        kind, text = "failed", f"{type(error).__name__} in line {line.tb_lineno if line else 0} of the probe"
    return {"error": {"kind": kind, "text": text}}


class Job(threading.Thread):
    """One fact, found in a thread of its own, given up after a deadline. The thread itself dies with the program."""

    def __init__(self, function: Callable[[], Any], deadline: float = DEADLINE) -> None:
        super().__init__(daemon=True)
        self.function, self.deadline, self.began = function, deadline, time.monotonic()
        self.seconds = 0.0
        self.outcome: dict[str, Any] | None = None
        self.start()

    def run(self) -> None:
        """What the thread does."""
        TURN.take()
        outcome = guarded(self.function)
        self.seconds = time.monotonic() - self.began
        self.outcome = outcome
        TURN.give()

    def result(self) -> dict[str, Any]:
        """Waits for the outcome until the deadline; then it is an error of kind timeout."""
        with aside():
            self.join(max(0.0, self.began + self.deadline - time.monotonic()))
        if self.outcome is not None:
            return self.outcome
        self.seconds = time.monotonic() - self.began
        return {"error": {"kind": "timeout", "text": f"not done after {self.deadline:.0f} s"}}

    def value(self) -> Any:
        """The value, or the same trouble for whoever needs it."""
        outcome = self.result()
        if "error" in outcome:
            raise Trouble(outcome["error"]["kind"], outcome["error"]["text"])
        return outcome["value"]


SHOWN = 20
SCRIPT_DEPTH = 3
LONGEST_PATH = 4096  # of the kernel's: no file is called by more
