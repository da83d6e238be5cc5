"""Processes on the gate's own machine: the one place that starts them (git, npm, the second judgement after a rollback)."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from voxgate.errors import CommandUnknown, Interrupted
from voxgate.transport.surroundings import environment

_BEAT = 0.2
"""Seconds after which it is asked again if a process shall go on."""


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

    Raises CommandUnknown if it cannot be started, or if it is not done after ``deadline`` seconds, and Interrupted once
    ``stopped`` says so: then its whole process group is killed, so that no child of it lives on.
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
            process.communicate()
            if isinstance(error, subprocess.TimeoutExpired):
                raise CommandUnknown(f"{argv[0]} was not done after {deadline:.0f} s", why="killed") from None
            raise
    return LocalCompleted(process.returncode, stdout, stderr, time.monotonic() - began)


def _drain(
    process: subprocess.Popen[bytes], stdin: bytes, until: float, stopped: Callable[[], bool] | None
) -> tuple[bytes, bytes]:
    """Both streams to their end. Raises TimeoutExpired once it is ``until``, Interrupted once it is ``stopped``."""
    sent: bytes | None = stdin
    while True:
        left = until - time.monotonic()
        try:
            return process.communicate(sent, timeout=left if stopped is None else min(left, _BEAT))
        except subprocess.TimeoutExpired:
            if stopped is not None and stopped():
                raise Interrupted("the run was interrupted", why="nothing more is begun") from None
            if time.monotonic() >= until:
                raise
        sent = None
