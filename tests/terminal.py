"""A program at a terminal of its own."""

from __future__ import annotations

import os
import pty
from collections.abc import Mapping
from contextlib import suppress


def said_at_a_terminal(argv: list[str], env: Mapping[str, str]) -> str:
    """What it writes there. It must end with 0."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(argv[0], argv, env)  # noqa: S606 - no shell
    said = b""
    with suppress(OSError):  # the other end is closed
        while piece := os.read(terminal, 4096):
            said += piece
    os.close(terminal)
    assert os.waitpid(pid, 0)[1] == 0
    return said.decode()
