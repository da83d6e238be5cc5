"""What is asked: one service at one address, with the settings that it is started with, if it is."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from voxgate.errors import Refused
from voxgate.model.service import Endpoint, Service
from voxgate.promises.asking import Asker
from voxgate.promises.records import is_local
from voxgate.promises.starting import STOPPED_WITHIN, Started
from voxgate.survey.answers import Page

STORES: Mapping[str, tuple[str, ...]] = {"fleet": ("REDIS_URL",), "dialler": ("MONGODB_URI",)}
"""The settings with the address of a store that a service's health tells of, where that is not each of its ``stores`` in
services.toml: a dialler's page tells of its ticks, and these are in its database."""

PORTS: Mapping[str, int] = {"mongodb": 27017, "redis": 6379, "http": 80, "https": 443}
OK = 200
SHORTEST = 8
"""Values of settings that are shorter are found in any text by chance."""
SECRET = ("_KEY", "_SECRET", "_TOKEN", "_PASSWORD")

Test = TypeVar("Test", bound=Callable[..., None])


@dataclass(frozen=True, slots=True)
class Promise:
    """To whom a promise applies: ``kinds`` and ``services`` (empty: to all), ``starts`` only where the service is started here,
    and for which settings it is judged each for itself (``required_settings``, ``stores``); ``needs`` is a setting without which
    it cannot be asked for, ``local`` one that needs a store of this machine, ``answers`` one that needs the answers of before;
    the ``last`` ones end the service.
    """

    kinds: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    starts: bool = False
    per: str = ""
    needs: str = ""
    local: bool = False
    answers: bool = False
    last: int = 0

    def is_of(self, service: Service) -> bool:
        """True if that service promises it."""
        return (not self.kinds or service.kind.value in self.kinds) and (not self.services or service.name in self.services)


def promise(**words: Any) -> Callable[[Test], Test]:
    """Mark a test as a promise, with the words of ``Promise``."""

    def marked(test: Test) -> Test:
        vars(test)["promise"] = Promise(**words)
        return test

    return marked


def promise_of(test: Any) -> Promise:
    """The mark of a test."""
    found: Promise = test.promise
    return found


@dataclass(frozen=True, slots=True)
class Begun:
    """The service as it was started to be asked; ``why`` it is not healthy."""

    started: Started | None
    healthy: bool
    why: str = ""


@dataclass
class Contract:
    """One service at one address. ``start`` is the command that starts it there, empty where it runs already; ``commit`` and
    ``pinned`` are what it must report, empty where that is not known here; ``before`` is the file of what it answered before.
    ``cut`` takes the values of its settings out of a text.
    """

    service: Service
    ask: Asker
    start: Sequence[str] = field(default=(), repr=False)
    settings: Mapping[str, str] = field(default_factory=dict, repr=False)
    commit: str = ""
    pinned: str = ""
    before: Path | None = None
    cut: Callable[[str], str] = field(default=str, repr=False)
    begun: Begun = Begun(None, healthy=True)

    @cached_property
    def health(self) -> Endpoint:
        """The page of its health."""
        if self.service.health is None:
            raise Refused("has no page of its health", where=self.service.name)
        return self.service.health

    def page(self) -> Page:
        """Its health, read as the gate reads it."""
        return self.ask.page(self.health.path, self.health.schema)

    def within(self, seconds: float) -> float:
        """The time that is promised, as it is taken here: an agent that is busy has patience."""
        return seconds * self.ask.patience

    @property
    def start_deadline(self) -> float:
        """Seconds within which it is healthy."""
        return self.within(self.service.start_deadline)

    def stores(self) -> tuple[str, ...]:
        """The settings that are the address of a store that its health tells of, and that it has."""
        names = STORES.get(self.service.name) or tuple(self.service.stores)
        return tuple(name for name in names if name in self.settings)

    def why_not(self, wanted: Promise) -> str:
        """Why it cannot be asked for that promise here, empty where it can."""
        if wanted.starts and not self.start:
            return "as it was not started here (--start)"
        if wanted.needs and wanted.needs not in self.settings:
            return f"as {wanted.needs} is not known (--env)"
        if wanted.local and not is_local(self.settings[wanted.needs]):
            return f"as {wanted.needs} is elsewhere"
        return "as no answers of before are there (--save)" if wanted.answers and self.before is None else ""

    def secrets(self) -> list[str]:
        """The settings whose values nobody may print."""
        return [name for name, value in self.settings.items() if name.endswith(SECRET) and len(value) >= SHORTEST]

    def started(self, without: str = "", **others: str) -> Started:
        """One more process of it, with other settings."""
        settings = {name: value for name, value in {**self.settings, **others}.items() if name != without}
        return Started(self.start, settings, self.within(STOPPED_WITHIN))

    def begin(self) -> None:
        """Start it, and wait until it is healthy, has ended, or its time is over. One that answers 200 waits for nothing any
        more: what is wrong with that page is another promise's.
        """
        started, until = self.started(), time.monotonic() + self.start_deadline
        why = "nothing answers"
        while time.monotonic() < until:
            if (status := started.ended()) is not None:
                self.begun = Begun(started, healthy=False, why=f"it ended with {status}: {self.cut(started.last_words())}")
                return
            if not (why := self._ails()):
                self.begun = Begun(started, healthy=True)
                return
            time.sleep(0.1)
        self.begun = Begun(started, healthy=False, why=f"{why}; it says: {self.cut(started.last_words())}")

    def _ails(self) -> str:
        """Why it is not there yet, empty if it is."""
        if self.service.health is None:
            return "" if self.ask.listens() else "nothing answers"
        page = self.page()
        return "" if page.answer.status == OK else page.problem

    def end(self) -> None:
        """Stop what was begun."""
        if self.begun.started is not None:
            self.begun.started.__exit__(None, None, None)

    @contextmanager
    def refusing_address(self, setting: str) -> Iterator[str]:
        """The value of that setting with an address at which nobody listens, for as long as this lasts."""
        found = urlsplit(self.settings[setting])
        with socket.socket() as nobody:
            nobody.bind(("127.0.0.1", 0))  # and no listen: whoever connects is refused
            who, at, _ = found.netloc.rpartition("@")
            yield found._replace(netloc=f"{who}{at}127.0.0.1:{nobody.getsockname()[1]}").geturl()
