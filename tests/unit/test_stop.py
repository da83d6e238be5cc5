"""The stop of a run, as signals set it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from voxgate.deploy import stop as module
from voxgate.deploy.stop import Stop

_BOMBARDED = """
import os, signal, time
from voxgate.deploy.stop import Stop
stop, beaten = Stop(), 0
def beat(*_):
    global beaten
    beaten += 1
    stop.set()
signal.signal(signal.SIGTERM, beat)
here = os.getpid()
child = os.fork()
if child == 0:
    while os.getppid() == here:
        os.kill(here, signal.SIGTERM)
        time.sleep(0.00005)
    os._exit(0)
while beaten < 2000:
    stop.wait(0.001)
os.kill(child, signal.SIGKILL)
os.waitpid(child, 0)
print("stopped", stop.is_set())
"""


def test_signals_upon_signals_stop_and_hang_nothing() -> None:
    done = subprocess.run([sys.executable, "-c", _BOMBARDED], capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stdout) == (0, "stopped True\n"), done.stderr[-500:]


def test_every_thread_that_waits_hears_it_at_once() -> None:
    stop, woken = Stop(), []
    threads = [threading.Thread(target=lambda: woken.append(stop.wait(30))) for _ in range(4)]
    for thread in threads:
        thread.start()
    began = time.monotonic()
    stop.set()
    stop.set()
    for thread in threads:
        thread.join(30)
    assert woken == [True] * 4
    assert time.monotonic() - began < 10


def test_without_a_stop_a_wait_ends_by_itself() -> None:
    stop = Stop()
    assert stop.wait(0.01) is False
    assert stop.is_set() is False


def test_a_wait_is_as_long_as_was_asked_for_and_never_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """A poll counts in milliseconds, and below zero it waits until something comes."""
    waits: list[float] = []
    monkeypatch.setattr(
        module, "select", SimpleNamespace(POLLIN=1, poll=lambda: SimpleNamespace(register=lambda *_: None, poll=waits.append))
    )
    made = Stop()
    for seconds in (0.25, 0.0, -1.0):
        made.wait(seconds)
    assert waits == [250.0, 0.0, 0.0]


def test_who_sets_it_waits_for_nobody_who_reads() -> None:
    """A signal's handler must come back."""
    assert not os.get_blocking(Stop()._said)


def test_it_leaves_no_pipe_behind() -> None:
    open_files = Path("/proc/self/fd")
    Stop().wait(0)
    before = len(list(open_files.iterdir()))
    for _ in range(50):
        Stop().set()
    assert len(list(open_files.iterdir())) <= before
