"""The sampler: while a fleet is rolled, asks every worker again and again whether it serves."""

from __future__ import annotations

import threading
import time
from typing import Self

from voxgate.deploy.moving.rolling import Sample, serves
from voxgate.model.estate import Estate
from voxgate.model.look import Question
from voxgate.transport.clients.http import ask
from voxgate.transport.ssh.connections import Connections

_EVERY = 1.0  # seconds between two samples
_LONGEST = 5.0  # seconds between two samples at most
_SHARE = 3.0  # a gate that is short of time asks less often: sampling must not slow down what it watches
_ANSWER_DEADLINE = 3.0  # seconds for a page to come


class Sampler:
    """A context manager: samples from entering to leaving, and once at each end."""

    def __init__(self, connections: Connections, estate: Estate) -> None:
        """Nothing is asked yet."""
        self._connections = connections
        units = [unit for unit in estate.placed_units if unit.service.name == "fleet"]
        self._questions = {
            Question(unit.host.name, unit.port_of(health), health.path): unit.id
            for unit in units
            if (health := unit.service.health)
        }
        self._samples: list[Sample] = []
        self._ended = threading.Event()
        self._began: float
        self.started = 0.0
        self._thread: threading.Thread | None = None

    @property
    def samples(self) -> tuple[Sample, ...]:
        """Everything so far."""
        return tuple(self._samples)

    def __enter__(self) -> Self:
        """Take the first sample, then one after the other in the background."""
        self._began, self.started = time.monotonic(), time.time()
        self._take()
        self._thread = threading.Thread(target=self._go_on, name="sampler", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End, with a last sample."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
        self._take()

    def _go_on(self) -> None:
        pause = _EVERY
        while not self._ended.wait(pause):
            began = time.monotonic()
            self._take()
            pause = min(_LONGEST, max(_EVERY, _SHARE * (time.monotonic() - began)))

    def _take(self) -> None:
        """One sample; a question that could not even be asked is unknown."""
        at = time.monotonic() - self._began
        try:
            answers = ask(self._connections, tuple(self._questions), deadline=_ANSWER_DEADLINE)
        except Exception:  # noqa: BLE001 - whoever counts stops nobody, on the way back least of all
            self._samples.append(Sample(at, (), (), tuple(self._questions.values())))
            return
        said = {self._questions[question]: serves(answer) for question, answer in answers.items()}
        groups = {value: tuple(name for name, one in said.items() if one is value) for value in (True, False, None)}
        self._samples.append(Sample(at, groups[True], groups[False], groups[None]))
