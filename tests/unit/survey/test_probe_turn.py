"""One job of a look computes at a time, whoever waits lets others compute, and nobody keeps them who hangs."""

from __future__ import annotations

import threading
import time

import pytest

from voxgate.probe import turn
from voxgate.probe.base import Job
from voxgate.probe.programs import run
from voxgate.probe.systemctl import Locked


def test_jobs_compute_one_at_a_time() -> None:
    inside: list[int] = []
    most = []

    def compute() -> None:
        inside.append(1)
        most.append(len(inside))
        time.sleep(0.005)  # as a call of the kernel, in which Python lets others run
        inside.pop()

    for job in [Job(compute) for _ in range(20)]:
        job.value()
    assert set(most) == {1}


def test_whoever_waits_for_a_job_or_a_program_or_a_lock_lets_others_compute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turn, "PATIENCE", 60.0)
    go, lock = threading.Event(), Locked()

    def opened() -> None:
        with lock:
            run(["sleep", "0"], 10)

    def waits() -> str:
        with lock:
            with turn.aside():
                go.wait(10)
            return "done"

    first = Job(waits)
    others = [Job(first.value), Job(opened), Job(lambda: run(["sh", "-c", "sleep 0.05"], 10).status)]
    last = Job(go.set)
    assert [job.result().get("value", job.result()) for job in (last, first, *others)] == [None, "done", "done", None, 0]


def test_a_job_that_hangs_keeps_the_others_for_a_moment_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turn, "PATIENCE", 0.1)
    end = threading.Event()
    hangs = Job(lambda: end.wait(60), 30)  # as a file system that does not answer
    began = time.monotonic()
    for job in [Job(lambda: run(["true"], 10).status) for _ in range(30)]:
        assert job.value() == 0
    assert time.monotonic() - began < 20  # not a moment more each
    end.set()
    assert hangs.value() is True
