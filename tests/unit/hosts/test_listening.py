"""The gate's part on a host while it listens, and while it waits: by a clock that only goes on where somebody waits."""

from __future__ import annotations

import fcntl
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from voxgate.deploy.on_host import commands, looking, main, owner
from voxgate.deploy.on_host.commands import Commands
from voxgate.deploy.on_host.main import Channel
from voxgate.deploy.on_host.owner import Owner


class Clock:
    """Stands for ``time``."""

    def __init__(self) -> None:
        self.now = 0.0
        self.waits: list[float] = []

    def monotonic(self) -> float:
        """Now."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Later."""
        self.waits.append(seconds)
        self.now += seconds
        assert len(self.waits) < 1000


class Gate:
    """What the part hears, each piece at its time and then nothing more; and what it does on that."""

    def __init__(self, clock: Clock, pieces: list[tuple[float, bytes]]) -> None:
        self.clock, self.pieces = clock, pieces
        self.reads: list[tuple[int, int]] = []
        self.said: list[tuple[str, dict[str, Any]]] = []
        self.begun: list[Any] = []
        self.joined: list[float] = []

    def select(self, reads: list[int], writes: list[int], errors: list[int], seconds: float) -> tuple[list[int], ...]:
        """As ``select.select``."""
        assert (reads, writes, errors) == ([0], [], [])
        if self.pieces and self.pieces[0][0] <= self.clock.now:
            return ([0], [], [])
        self.clock.sleep(seconds)
        return ([], [], [])

    def read(self, descriptor: int, most: int) -> bytes:
        """As ``os.read``: where nothing is to be read it would stand still."""
        self.reads.append((descriptor, most))
        return self.pieces.pop(0)[1]

    def thread(self, *, target: Any, args: tuple[Any, ...], daemon: bool) -> Any:
        """As ``threading.Thread``, of one that takes 200 s to end."""
        assert daemon
        assert target.__name__ == "answer"

        def join(seconds: float) -> None:
            self.joined.append(seconds)
            self.clock.now += min(200.0, max(0.0, seconds))

        return SimpleNamespace(start=lambda: self.begun.append(args[0]), join=join)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    for module in (main, commands, owner):
        monkeypatch.setattr(module, "time", made)
    return made


@pytest.fixture
def hangup() -> Iterator[None]:
    """What this process does when its terminal goes is as it was, in the end."""
    was = signal.getsignal(signal.SIGHUP)
    yield
    signal.signal(signal.SIGHUP, was)


def served(clock: Clock, monkeypatch: pytest.MonkeyPatch, *pieces: tuple[float, bytes]) -> tuple[Gate, Channel]:
    """The part, once it has ended."""
    gate, channel = Gate(clock, list(pieces)), Channel("m")
    monkeypatch.setattr(main, "select", gate)
    monkeypatch.setattr(main, "os", gate)
    monkeypatch.setattr(main, "threading", SimpleNamespace(Thread=gate.thread, Lock=threading.Lock))
    monkeypatch.setattr(main, "print_line", lambda word, words: gate.said.append((word, words)))
    channel.serve()
    return gate, channel


def test_a_gate_that_says_nothing_for_twenty_seconds_is_gone(clock: Clock, monkeypatch: pytest.MonkeyPatch, hangup: None) -> None:
    assert hangup is None
    gate, channel = served(clock, monkeypatch, (0.0, b'{"id": 0}\n'), (7.0, b"{"))
    assert clock.now == 27.0
    assert set(clock.waits) == {1.0}
    assert gate.said == [("m", {"id": 0})]
    assert (channel.owner.closing, channel.owner.stopped) == (True, True)
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN


def test_each_request_is_begun_once_it_is_whole_and_its_end_awaited_for_five_minutes(
    clock: Clock, monkeypatch: pytest.MonkeyPatch, hangup: None
) -> None:
    assert hangup is None
    heard = [b'{"id": 1}\n{"id": 0}\n{"i', b'd": 2}', b'\n{"id": 3}\n{"id": 4', b""]
    gate, _ = served(clock, monkeypatch, *((2.0, one) for one in heard))
    assert gate.begun == [{"id": number} for number in (1, 2, 3)]
    assert gate.said == [("m", {"id": 0})]
    assert gate.reads == [(0, 65536)] * 4
    assert gate.joined == [300.0, 100.0, 0.0]
    assert clock.waits == [1.0, 1.0], "whoever hangs up is gone at once"


def test_what_is_asked_to_end_is_waited_for_until_it_has_and_then_killed(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "KILL_AFTER", 1.0)
    monkeypatch.setattr(commands, "PAUSE", 0.5)
    stays = ["sh", "-c", "trap '' TERM; echo ready; while :; do sleep 1; done"]
    for argv, waits, status in ((["true"], [], 0), (stays, [0.5, 0.5], -9)):
        with subprocess.Popen(argv, stdout=subprocess.PIPE, start_new_session=True) as child:
            assert child.stdout is not None
            child.stdout.readline()
            if status == 0:
                child.wait(20)
            made = Commands()
            made.running = {"one": (child, False)}
            clock.waits.clear()
            assert made.cut_short(back=False) == ["one"]
            assert clock.waits == waits
            assert child.wait(20) == status


def test_a_step_that_another_one_left_is_waited_for_to_the_last_moment(
    backend: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owner, "STEP_WAIT", 1.0)
    monkeypatch.setattr(owner, "PAUSE", 0.5)
    with (backend / "step.lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(TimeoutError), Owner()._alone("backend"):
            pass
    assert clock.waits == [0.5, 0.5, 0.5]


def test_of_what_is_locked_only_locks_of_the_gate_s_own_are_told(backend: Path, tmp_path: Path) -> None:
    with (
        (tmp_path / "other.lock").open("w") as one,
        (backend / "epoch").open("w") as two,
        (backend / "x.lock").open("w") as three,
    ):
        fcntl.flock(one, fcntl.LOCK_EX)
        fcntl.flock(two, fcntl.LOCK_EX)
        assert looking.held_locks() == set()
        fcntl.flock(three, fcntl.LOCK_EX)
        assert looking.held_locks() == {"backend/x.lock"}
