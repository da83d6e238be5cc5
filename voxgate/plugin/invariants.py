"""What a suite needs to say a rule: the decorator, and the two lines of a failure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import ParamSpec, TypeVar

import pytest

from voxgate.errors import visible
from voxgate.model.entry import Entry, is_plain, joined

P = ParamSpec("P")
R = TypeVar("R")

ARROW = "→ "
PARTED = "; "
"""What stands between the things that were found."""


def invariant(
    *,
    per: str,
    services: tuple[str, ...] = (),
    roles: tuple[str, ...] = (),
    needs: tuple[str, ...] = (),
    faults: tuple[str, ...] = (),
    severity: str = "critical",
    guards: str = "",
    threats: tuple[str, ...] = (),
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Make a test one rule of the catalogue. Arguments must be literals: the catalogue reads them from the source.

    ``per`` is what it is judged on, once each, and the name of the test's parameter: estate, host_name, service, placement,
    unit, database, schema_name. ``services`` limits it, and ``roles`` to hosts that have one of these (empty: all): what
    has nothing to be judged on a host is not judged there, nor on an estate without what it ``needs`` (containers, https,
    changes). ``faults`` name what must turn it red. ``severity`` is Allure's: blocker, critical, normal, minor. An estate
    may accept a violation in writing (``[[waived]]``), but of a rule that ``guards`` diallers, releases, secrets, people or
    evidence; and of one that does not end with one assertion, by ``say_all``: what is found after another one would be hidden
    behind that. ``threats`` are the kinds of disguises of docs/THREATS.md that it is there for.
    """

    def mark(function: Callable[P, R]) -> Callable[P, R]:
        marked: Callable[P, R] = pytest.mark.invariant(
            per=per,
            services=services,
            roles=roles,
            needs=needs,
            faults=faults,
            severity=severity,
            guards=guards,
            threats=threats,
        )(function)
        return marked

    return mark


def on(*, role: str | tuple[str, ...] = (), host: str | tuple[str, ...] = ()) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let a check of a team's own (``def test_x(host)``) run on these hosts only: those that have a ``role``, and those of that
    name. Arguments must be literals: what must be judged is read from the source. On an estate without such a host there is
    nothing to be judged.
    """

    def mark(function: Callable[P, R]) -> Callable[P, R]:
        marked: Callable[P, R] = pytest.mark.on(role=role, host=host)(function)
        return marked

    return mark


class Said(str):
    """The message of a failed assertion, with the entries that an estate may have instead. Only who judges without pytest reads
    them: what pytest makes of a message is plain text.
    """

    __slots__ = ("entries",)
    entries: tuple[Entry, ...]


def say(found: str, do: str, *, estate: str = "", entries: Iterable[Entry] = ()) -> Said:
    """The message of a failed assertion: what was found where, and below it what to do. Where the estate of that name may say
    that it is right, ``entries`` are what it says then: the hint ends with their lines, and what writes them. For what has a name
    that no entry can have alone there is none.
    """
    entries = tuple(filter(is_plain, entries))
    for number, (table, lines) in enumerate(_by_table(entries).items()):
        by = "" if number else f"as voxgate draft --estate {estate} --write does, "
        do += f"{'; or ' if do else ''}{by}add to {table} in hosts/{estate}.toml: {', '.join(lines)}"
    said = Said(f"{visible(found)}\n{ARROW}{visible(do)}")
    said.entries = entries
    return said


def say_all(where: str, found: Iterable[str], do: str, *, estate: str = "", entries: Iterable[Entry] = ()) -> Said:
    """The same where a rule may find several things on one subject: all of them in one line, each once, as they were found. So
    whoever mends a host needs one look, however many there are. What is found is parted by ``; ``, and holds none itself.
    ``where`` is empty where what was found says it.
    """
    parts = PARTED.join(dict.fromkeys(one.replace(PARTED, ", ") for one in found))
    return say(f"{where}: {parts}" if where else parts, do, estate=estate, entries=entries)


def say_each(where: str, wrong: Iterable[tuple[str, str]], *, estate: str = "", entries: Iterable[Entry] = ()) -> Said:
    """The same where each thing that was found has its own remedy: what was found, and what to do about it. What begins with
    the host, as the place of an answer does, does not say it again.
    """
    rows = tuple(wrong)
    found = [what.removeprefix(f"{where} ") if where else what for what, _ in rows]
    return say_all(where, found, PARTED.join(_without_parts(do for _, do in rows if do)), estate=estate, entries=entries)


def _without_parts(remedies: Iterable[str]) -> list[str]:
    """Remedies each once, and none with which another ends: nobody types the same command twice. How many there are a host says:
    spelled backwards and sorted, what ends with one stands right behind it.
    """
    each = dict.fromkeys(remedies)
    backwards = sorted(one[::-1] for one in each)
    gone = {one[::-1] for one, behind in pairwise(backwards) if behind.startswith(one)}
    return [one for one in each if one not in gone]


def entries_of(error: BaseException) -> tuple[Entry, ...]:
    """What the estate may say so that this would not have failed; empty where nothing is known."""
    return next((one.entries for one in error.args if isinstance(one, Said)), ())


def _by_table(entries: Iterable[Entry]) -> dict[str, list[str]]:
    """The lines of an estate by the table that they stand in, one for each place."""
    tables: dict[str, list[str]] = {}
    for one in joined(entries):
        tables.setdefault(one.table, []).append(one.line)
    return tables
