"""Doing one thing for many at once, so that the slowest costs its own deadline and nobody else's."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from voxgate.transport.deadline import Deadline

Item = TypeVar("Item")
Value = TypeVar("Value")


class _Round(Generic[Item, Value]):
    """One call of ``at_once``: what is still to do, and what came out."""

    def __init__(self, items: list[Item], function: Callable[[Item], Value]) -> None:
        self._todo = deque(items)
        self._function = function
        self._left = len(items)
        self._changed = threading.Condition()
        self._outcomes: dict[Item, Value | BaseException] = {}

    def work(self) -> None:
        """Take items until there are none; an exception is an outcome like any other."""
        while True:
            with self._changed:
                if not self._todo:
                    return
                item = self._todo.popleft()
            try:
                outcome: Value | BaseException = self._function(item)
            except BaseException as error:  # noqa: BLE001 - the caller of at_once gets it, in its own thread
                outcome = error
            with self._changed:
                self._outcomes[item] = outcome
                self._left -= 1
                self._changed.notify_all()

    def wait(self, deadline: Deadline | None) -> dict[Item, Value | BaseException]:
        """What came out until the deadline; nothing more is begun after it."""
        with self._changed:
            try:
                self._changed.wait_for(lambda: self._left == 0, deadline.remaining if deadline else None)
            finally:
                self._todo.clear()
            return dict(self._outcomes)


def at_once(
    items: Iterable[Item], function: Callable[[Item], Value], *, limit: int, deadline: Deadline | None = None
) -> dict[Item, Value | BaseException]:
    """What ``function`` returned or raised for each item, ``limit`` of them at a time, in the order of ``items``.

    With a deadline, an item that has no outcome by then is a ``TimeoutError``; its thread is left behind (a daemon, so
    that a name server or an agent that never answers cannot keep the gate from ending).
    """
    wanted = list(dict.fromkeys(items))
    round_ = _Round(wanted, function)
    if len(wanted) == 1 and deadline is None:
        round_.work()
    else:
        for number in range(min(limit, len(wanted))):
            threading.Thread(target=round_.work, name=f"voxgate-at-once-{number}", daemon=True).start()
    outcomes = round_.wait(deadline)
    late = TimeoutError(f"no outcome within {deadline}")
    return {item: outcomes.get(item, late) for item in wanted}
