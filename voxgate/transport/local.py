"""Processes on the gate's own machine: the one place that starts them (git, npm, the second judgement after a rollback)."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from voxgate.errors import CommandUnknown, Interrupted
from voxgate.transport.surroundings import environment

_BEAT = 0.2
"""Seconds after which it is asked again if a process shall go on."""

MOST = 1 << 26
"""Bytes of a process's output that are taken: a commit of a few kilobytes can list more files than any memory holds."""

_PIECE = 1 << 16


class _TooMuch(Exception):  # noqa: N818 - the word for it
    """More than ``MOST``."""


@dataclass(frozen=True, slots=True)
class LocalCompleted:
    """How a process ended. ``seconds`` is its duration; a signal shows as a negative ``exit_status``."""

    exit_status: int
    stdout: bytes
    stderr: bytes
    seconds: float


def run(
    argv: Sequence[str],
    *,
    deadline: float,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: bytes = b"",
    stopped: Callable[[], bool] | None = None,
) -> LocalCompleted:
    """Run ``argv`` in a session of its own, both streams drained. ``env`` is all that it gets of an environment; without it,
    it gets what every process does (``surroundings.environment``).

    Raises CommandUnknown if it cannot be started, if it is not done after ``deadline`` seconds, or if it says more than
    ``MOST`` bytes, and Interrupted once ``stopped`` says so: then its whole process group is killed, so that no child of it
    lives on.
    """
    began = time.monotonic()
    try:
        process = subprocess.Popen(
            list(argv),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=cwd,
            env=environment() if env is None else env,
            start_new_session=True,
        )
    except OSError as error:
        raise CommandUnknown(f"cannot start {argv[0]}", why=error.strerror or str(error)) from None
    with process:
        try:
            stdout, stderr = _drain(process, stdin, began + deadline, stopped)
        except BaseException as error:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            if isinstance(error, _TooMuch):
                raise CommandUnknown(f"{argv[0]} said more than {MOST >> 20} MB", why="killed") from None
            if isinstance(error, TimeoutError):
                raise CommandUnknown(f"{argv[0]} was not done after {deadline:.0f} s", why="killed") from None
            raise
    return LocalCompleted(process.returncode, stdout, stderr, time.monotonic() - began)


def _drain(
    process: subprocess.Popen[bytes], stdin: bytes, until: float, stopped: Callable[[], bool] | None
) -> tuple[bytes, bytes]:
    """Both streams to their end. Raises TimeoutError once it is ``until``, Interrupted once it is ``stopped``, _TooMuch."""
    given, *said = [one.fileno() for one in (process.stdin, process.stdout, process.stderr) if one]
    heard = {number: bytearray() for number in said}
    os.set_blocking(given, False)
    left = memoryview(stdin)
    with selectors.DefaultSelector() as waiting:
        for number in heard:
            waiting.register(number, selectors.EVENT_READ)
        waiting.register(given, selectors.EVENT_WRITE)
        while waiting.get_map():
            ready = waiting.select(_patience(until, stopped))
            for number in (key.fd for key, _ in ready):
                if number in heard:
                    piece = os.read(number, _PIECE)
                    heard[number] += piece
                    if not piece:
                        waiting.unregister(number)
                    continue
                left = _given(given, left)
                if not left and process.stdin:
                    waiting.unregister(given)
                    process.stdin.close()
            if sum(map(len, heard.values())) > MOST:
                raise _TooMuch
    while process.poll() is None:
        with suppress(subprocess.TimeoutExpired):
            process.wait(_patience(until, stopped))
    out, err = heard.values()
    return bytes(out), bytes(err)


def _given(number: int, left: memoryview) -> memoryview:
    """What is left of it to be written."""
    try:
        return left[os.write(number, left[:_PIECE]) :]
    except BlockingIOError:
        return left
    except BrokenPipeError:  # it wants no more of it
        return left[:0]


def _patience(until: float, stopped: Callable[[], bool] | None) -> float:
    """Seconds to wait now. Raises TimeoutError once it is ``until``, Interrupted once it is ``stopped``."""
    if stopped is not None and stopped():
        raise Interrupted("the run was interrupted", why="nothing more is begun")
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left if stopped is None else min(left, _BEAT)
