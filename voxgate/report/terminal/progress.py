"""Live progress of a deploy: a region that moves where there is a terminal, plain lines where there is none.

What went well on several hosts, or one after the other on one, is folded: one line a service for what brings the release there,
one for what starts it. What failed is a line of its own, at once.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
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
from voxgate.model.content import listed
from voxgate.model.verdict import Move, MoveRecord
from voxgate.redaction.cutting import Redactor
from voxgate.report.terminal.closing import signs_for
from voxgate.report.terminal.stream import silence
from voxgate.report.terminal.wrapping import hanging

_SHOWN = 12
"""Rows of the live region: the rest of a large estate waits its turn."""

_REFRESH = 8
"""Pictures a second: smooth for an eye, nothing for a processor."""

_HELD = 60.0
"""Seconds that what went well is held back at most, until the next move ends."""

_NAMED = 5
"""Hosts, units and words that are named in one line."""

_LATER = " " * 9
"""How a line goes on: below its words, behind the seconds."""

STARTS = frozenset({Move.RESTART, Move.HEALTH, Move.CANARY})
"""The moves that start a release; the others bring it there."""


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
        full: bool = False,
    ) -> None:
        """``brief`` says of the moves only those that failed, ``full`` each by itself, as soon as it ended."""
        self._console = console
        self._is_terminal = console.file.isatty()  # FORCE_COLOR makes rich call a pipe one
        self._redactor = redactor or Redactor()
        self._clock = clock
        self._brief, self._full = brief, full
        self._folds: dict[tuple[str, bool, bool], list[MoveRecord]] = {}
        self.lines = 0
        """How many were said."""
        self._lock = RLock()
        self._began: float | None = None
        self._running: list[tuple[tuple[str, str, str], float, Spinner]] = []
        self._live: Live | None = None

    def __enter__(self) -> Self:
        """Start counting; start the live region where there is a terminal."""
        if self._began is None:
            self._began = self._clock()
        # On a pipe that rich calls a terminal there are colours, yes, but a region moves only on a real one.
        if self._console.is_interactive and self._is_terminal:
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
            self._unfold()
        if live is not None:
            with self.heard_or_not():
                live.stop()
        for service, host, move in left:
            self._say(service, host, move, "not finished", style="yellow")

    def begin(self, service: str, host: str, move: str) -> None:
        """A move starts. Without a terminal nothing is said until it ends: a log holds what happened, once."""
        with self._lock:
            starts = move in STARTS  # releases are brought to all hosts at once, and started one service after the other
            self._unfold(lambda one: one[1] is not starts or (starts and one[0] != service))
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
            if record.error or self._full:
                self._unfold()
                self._ended([record])
            else:
                self._folds.setdefault(_fold_of(record), []).append(record)
            if record.move == Move.CANARY or self._is_old():
                self._unfold()

    def _is_old(self) -> bool:
        """True where something is held back for so long that whoever reads a log would wonder."""
        began = [records[0].started + records[0].seconds for records in self._folds.values()]
        return bool(began) and max(one[-1].started + one[-1].seconds for one in self._folds.values()) - min(began) > _HELD

    def _unfold(self, which: Callable[[tuple[str, bool, bool]], bool] = lambda _one: True) -> None:
        """Say what was held back of those that are ``which``, but where one of the same still runs."""
        running = {(service, move in STARTS) for (service, _host, move), _since, _spinner in self._running}
        for one in [one for one in self._folds if which(one) and one[:2] not in running]:
            self._ended(self._folds.pop(one))

    def _ended(self, records: Sequence[MoveRecord]) -> None:
        """One line about moves that ended well, or about one that did not."""
        first = records[0]
        sign = signs_for(self._console).violated
        words = ["back" if first.rollback else "", folded(records), f"{_span(records):.1f}s"]
        words += [f"{sign} {first.error}"] if first.error else []
        said = "  ".join(word for word in words if word)
        hosts, moves = (listed(list(dict.fromkeys(names)), _NAMED) for names in (
            [one.host for one in records], [one.move for one in records]))  # fmt: skip
        self._say(first.service, hosts, moves, said, style="red" if first.error else "")

    def note(self, text: str) -> None:
        """One line that belongs to no move: who holds the lock, what is waited for."""
        with self._lock:
            self._unfold()
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
        """Write one whole line: above the live region if there is one. It is broken only where a terminal would break it at its
        edge: what goes on there begins a line, and could be a verdict's.
        """
        line = visible(self._redactor.cut(text.plain))
        lines = hanging(line, "", self._console.width, later=_LATER, commands=False) if self._is_terminal else [line]
        with self._lock, self.heard_or_not():
            self.lines += len(lines)
            for one in lines:
                self._console.print(Text(one, text.style), soft_wrap=True)
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


def _fold_of(record: MoveRecord) -> tuple[str, bool, bool]:
    """The same for moves that are told in one line: a service's that bring a release, or that start it, there or back."""
    return record.service, record.move in STARTS, record.rollback


def folded(records: Sequence[MoveRecord]) -> str:
    """What moves that went well said, each thing once: ``voxcore@1, voxcore@2: answers 200``. That a unit was restarted is not
    said beside how it is now.
    """
    units: dict[str, dict[str, None]] = {}
    others: dict[str, None] = {}
    up = {one.detail.partition(" ")[0] for one in records if one.move == Move.HEALTH}
    for one in records:
        unit, _, rest = one.detail.partition(" ")
        if one.move not in {Move.RESTART, Move.HEALTH}:
            others[one.detail] = None
        elif rest or unit not in up:
            units.setdefault(rest, {})[unit] = None
    told = [one for one in (*(_of(list(names), rest) for rest, names in units.items()), *others) if one]
    more = [f"and {len(told) - _NAMED} more"] if len(told) > _NAMED else []
    return "; ".join([*told[:_NAMED], *more])


def _of(units: Sequence[str], said: str) -> str:
    """What is so of each of them; where nothing is said, they."""
    if not said:
        return listed(units, _NAMED)
    return f"{units[0]} {said}" if len(units) == 1 else f"{listed(units, _NAMED)}: {said}"


def _span(records: Sequence[MoveRecord]) -> float:
    """Seconds from the first start to the last end."""
    return max(one.started + one.seconds for one in records) - min(one.started for one in records)
