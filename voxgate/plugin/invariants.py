"""What a suite needs to say a rule: the decorator, and the two lines of a failure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import ParamSpec, TypeVar

import pytest

from voxgate.errors import visible

P = ParamSpec("P")
R = TypeVar("R")

ARROW = "→ "


def invariant(
    *,
    per: str,
    services: tuple[str, ...] = (),
    roles: tuple[str, ...] = (),
    faults: tuple[str, ...] = (),
    severity: str = "critical",
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Make a test one rule of the catalogue. Arguments must be literals: the catalogue reads them from the source.

    ``per`` is what it is judged on, once each, and the name of the test's parameter: estate, host_name, service, placement,
    unit, database, schema_name. ``services`` limits it, and ``roles`` to hosts that have one of these (empty: all): what
    has nothing to be judged on a host is not judged there. ``faults`` name what must turn it red. ``severity`` is
    Allure's: blocker, critical, normal, minor.
    """

    def mark(function: Callable[P, R]) -> Callable[P, R]:
        marked: Callable[P, R] = pytest.mark.invariant(per=per, services=services, roles=roles, faults=faults, severity=severity)(
            function
        )
        return marked

    return mark


def say(found: str, do: str) -> str:
    """The message of a failed assertion: what was found where, and below it what to do."""
    return f"{visible(found)}\n{ARROW}{visible(do)}"


def say_all(where: str, found: Iterable[str], do: str) -> str:
    """The same where a rule may find several things on one subject: all of them in one line, each once, as they were found. So
    whoever mends a host needs one look, however many there are.
    """
    return say(f"{where}: {'; '.join(dict.fromkeys(found))}", do)
