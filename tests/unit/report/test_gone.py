"""Whoever listened is gone: what is still said hurts nobody."""

from __future__ import annotations

import os
import subprocess
import sys

_SPEAKS = """
import sys
from rich.console import Console
from voxgate.report.terminal.progress import Progress
from voxgate.redaction.cutting import Redactor
from voxgate.report.terminal.stream import CutStream
sys.stdin.readline()  # until nobody listens
{speaks}
print("and more", flush=True)
sys.exit(11)
"""
_PROGRESS = """
with Progress(Console(file=sys.stdout)) as progress:
    progress.note("going back")
    progress.end_line()
"""
_TERMINAL = """
stream = CutStream(sys.stdout, Redactor())
stream.write("a line")
stream.flush()
"""


def ends(speaks: str) -> tuple[int, str]:
    """How a program ends that speaks to nobody, and what it said of that."""
    reading, writing = os.pipe()
    with subprocess.Popen(
        [sys.executable, "-c", _SPEAKS.format(speaks=speaks)], stdin=subprocess.PIPE, stdout=writing, stderr=subprocess.PIPE
    ) as process:
        os.close(writing)
        os.close(reading)
        _, errors = process.communicate(b"\n", timeout=60)
    return process.returncode, errors.decode()


def test_progress_goes_on_when_nobody_listens() -> None:
    assert ends(_PROGRESS) == (11, "")


def test_the_terminal_goes_on_when_nobody_listens() -> None:
    assert ends(_TERMINAL) == (11, "")
