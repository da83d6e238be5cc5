"""Live progress of a deploy: a region that moves where there is a terminal, plain lines where there is none."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import RLock
from types import TracebackType
from typing import Self

from rich.console import Console, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from voxgate.errors import visible
from voxgate.model.verdict import MoveRecord
from voxgate.report.redaction import Redactor
from voxgate.report.stream import silence
from voxgate.report.terminal import signs_for

_SHOWN = 12
"""Rows of the live region: the rest of a large estate waits its turn."""

_REFRESH = 8
"""Pictures a second: smooth for an eye, nothing for a processor."""


class Progress:
    """Says what is running on which host. All hosts may report at once, from any thread.

    A context manager, which may be entered more than once. Seconds are counted from the first time.
    """

    def __init__(
        self,
        console: Console,
        redactor: Redactor | None = None,
        clock: Callable[[], float] = time.monotonic,
        *,
        brief: bool = False,
    ) -> None:
        """``brief`` says of the moves only those that failed."""
        self._console = console
        self._redactor = redactor or Redactor()
        self._clock = clock
        self._brief = brief
        self._lock = RLock()
        self._began: float | None = None
        self._running: list[tuple[tuple[str, str, str], float, Spinner]] = []
        self._live: Live | None = None

    def __enter__(self) -> Self:
        """Start counting; start the live region where there is a terminal."""
        if self._began is None:
            self._began = self._clock()
        # FORCE_COLOR makes rich call a pipe a terminal: colours, yes, but a region that moves only on a real one.
        if self._console.is_interactive and self._console.file.isatty():
            self._live = Live(console=self._console, get_renderable=self._picture, refresh_per_second=_REFRESH, transient=True)
            with self.heard_or_not():
                self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Take the region away; what was said stays. What still runs is named, so that nothing ends in silence."""
        with self._lock:
            live, self._live = self._live, None
            left = [what for what, _since, _spinner in self._running]
            self._running.clear()
        if live is not None:
            with self.heard_or_not():
                live.stop()
        for service, host, move in left:
            self._say(service, host, move, "not finished", style="yellow")

    def begin(self, service: str, host: str, move: str) -> None:
        """A move starts. Without a terminal nothing is said until it ends: a log holds what happened, once."""
        with self._lock:
            self._running.append(((service, host, move), self._clock(), Spinner("dots")))

    def end(self, record: MoveRecord) -> None:
        """A move ended, well or not."""
        what = (record.service, record.host, record.move)
        with self._lock:  # several units of one service may be asked at once: the one that began first is as good as any
            ended = next((number for number, one in enumerate(self._running) if one[0] == what), None)
            if ended is not None:
                del self._running[ended]
        if self._brief and not record.error:
            return
        sign = signs_for(self._console).violated
        words = ["back" if record.rollback else "", record.detail, f"{record.seconds:.1f}s"]
        words += [f"{sign} {record.error}"] if record.error else []
        said = "  ".join(word for word in words if word)
        self._say(record.service, record.host, record.move, said, style="red" if record.error else "")

    def note(self, text: str) -> None:
        """One line that belongs to no move: who holds the lock, what is waited for."""
        self._print(Text(f"{self._elapsed}  {text}", "dim"))

    def end_line(self) -> None:
        """Begin a new line, whoever wrote the last one."""
        self._print(Text(""))

    @property
    def _elapsed(self) -> str:
        """Seconds since the beginning, right-aligned."""
        now = self._clock()
        return f"{now - (now if self._began is None else self._began):6.1f}s"

    def _say(self, service: str, host: str, move: str, said: str, *, style: str = "") -> None:
        """One plain line: seconds, host, service, move, detail."""
        self._print(Text(f"{self._elapsed}  {host:<10} {service:<8} {move:<9} {said}".rstrip(), style))

    def _print(self, text: Text) -> None:
        """Write one whole line, never broken: above the live region if there is one."""
        line = Text(visible(self._redactor.cut(text.plain)), text.style)
        with self._lock, self.heard_or_not():
            self._console.print(line, soft_wrap=True)
            if self._live is None:
                self._console.file.flush()

    @contextmanager
    def heard_or_not(self) -> Iterator[None]:
        """Whoever listened may be gone, and is told nothing more: the work goes on, though rich would end it at a closed pipe."""
        try:
            yield
        except (OSError, SystemExit):
            silence(self._console.file)

    def _picture(self) -> RenderableType:
        """What is running now, a row each."""
        table = Table.grid(padding=(0, 2))
        with self._lock:
            now = self._clock()
            for (service, host, move), since, spinner in self._running[:_SHOWN]:
                table.add_row(spinner, f"{now - since:5.1f}s", Text(host, "bold"), service, Text(move, "cyan"))
        return table
