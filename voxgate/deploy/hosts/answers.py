"""What a host answers to the gate's requests, read strictly: the one form that ``on_host`` gives it, or the host is lost.

A host may be broken, or somebody's: what it says is of a kind, a length and a range, or it is not said at all. Every reader here
returns the value or raises WrongFormError, whatever JSON comes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from voxgate.contracts.json_strict import loads
from voxgate.contracts.typed import WrongFormError
from voxgate.errors import ContractError
from voxgate.survey.fields import flag, get, integer, items, members, natural, number, text, wrong

MOST_TEXT = 200_000
"""Characters of one text: a state file is read up to 65536 bytes, a command's words up to 8192 characters."""
_SHORT = 4096  # characters of a name, a path or another short text
_MOST_ROWS = 2000  # items of one list
_MOST_NUMBER = 2**53  # up to which JSON's readers agree on a number
_MOST_SECONDS = 10_000_000.0  # that a step may say it took
_EXITS = range(-255, 256)  # statuses of a process, and signals that ended it below zero

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Reply:
    """One line of the owner: to which request, and which of the four kinds it is."""

    id: int
    kind: str = ""
    said: object = None


@dataclass(frozen=True, slots=True)
class Written:
    """What stands about one service: state files as they are, None where there is none; ``held``: a gate has it now."""

    good: str | None
    journal: str | None
    put_back: str | None
    owner: str | None
    held: bool
    ledger: tuple[str, ...]
    git_locks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class State:
    """What stands on one host: its boot, whether state may be written there, each service's state by name, and what was seen of
    the host at the last done, None where nothing was kept or nobody asked for it; ``others``: the same of hosts on which nothing
    is deployed, as far as this one keeps it, by name.
    """

    boot: str
    writable: bool
    services: Mapping[str, Written]
    done: str | None = None
    others: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ended:
    """How one step ended. ``exit`` is None where it did not end by itself; ``why`` says how then."""

    exit: int | None
    out: str
    err: str
    why: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a host: the owner's and the journal's file, as far as they are objects of texts and numbers."""

    owner: Mapping[str, str]
    journal: Mapping[str, str]


def reply(value: object) -> Reply:
    """One line: ``{"id"}`` is the answer to a heartbeat; else exactly one of ok, held, fenced, error stands beside it."""
    found = members(value)
    number_of = get(found, "id", _count)
    if found == {"id": 0}:
        return Reply(number_of)
    for kind in ("ok", "held", "fenced", "error"):
        if set(found) == {"id", kind}:
            return Reply(number_of, kind, found[kind])
    raise WrongFormError("exactly one of ok, held, fenced, error wanted")


def nothing(value: object) -> None:
    """An empty object."""
    _exactly(value)


def state_of(services: Collection[str], lines: int, others: Collection[str] = ()) -> Callable[[object], State]:
    """Reads what is written about exactly these services, at most ``lines`` of each ledger, and of exactly these ``others``."""

    def read(value: object) -> State:
        found = _exactly(value, "services", "boot", "writable", "done", "others")
        if not isinstance(found["writable"], bool):
            raise wrong("true or false", found["writable"])
        told = _exactly(found["services"], *services)
        rows = {name: get(told, name, lambda row: _written(row, lines)) for name in services}
        beside = _exactly(found["others"], *others)
        kept = {name: said for name in others if (said := get(beside, name, long_or_none)) is not None}
        return State(get(found, "boot", short), found["writable"], rows, get(found, "done", long_or_none), kept)

    return read


def claimed(services: Collection[str], lines: int, others: Collection[str]) -> Callable[[object], tuple[State, dict[str, int]]]:
    """Reads the answer to a claim: what ``state_of`` reads, and the epoch of each service."""

    def read(value: object) -> tuple[State, dict[str, int]]:
        found = dict(members(value))
        epochs = _exactly(found.pop("epochs", None), *services)
        return state_of(services, lines, others)(found), {name: get(epochs, name, _count) for name in services}

    return read


def ended(steps: int) -> Callable[[object], tuple[Ended, ...]]:
    """Reads how the steps of a move ended: all of them with 0, or up to the first that did not."""

    def read(value: object) -> tuple[Ended, ...]:
        rows = get(_exactly(value, "results"), "results", _rows)
        found = tuple(_ended(row) for row in rows)
        good = [one.exit == 0 for one in found]
        if len(found) > steps or not all(good[:-1]) or (len(found) < steps and (not found or good[-1])):
            raise WrongFormError("results: every step, or those up to the first that failed, wanted")
        return found

    return read


def texts_in(key: str) -> Callable[[object], tuple[str, ...]]:
    """Reads an object of nothing but a list of short texts."""

    def read(value: object) -> tuple[str, ...]:
        return get(_exactly(value, key), key, _short_texts)

    return read


def holder(value: object) -> Holder:
    """Reads who holds a host; files that are no objects say nothing."""
    found = _exactly(value, "owner", "journal")
    return Holder(object_in(get(found, "owner", long_or_none)), object_in(get(found, "journal", long_or_none)))


def short(value: object) -> str:
    """A text of one line's length."""
    return _no_longer(value, _SHORT)


def long(value: object) -> str:
    """A text of any length that on_host gives."""
    return _no_longer(value, MOST_TEXT)


def long_or_none(value: object) -> str | None:
    """The same, or null."""
    return None if value is None else long(value)


def object_in(said: str | None) -> dict[str, str]:
    """The texts and numbers of a file's object, by key; empty where it is none."""
    try:
        found = loads((said or "{}").encode("utf-8"))
    except ContractError:
        return {}
    rows = found.items() if isinstance(found, dict) else ()
    return {key: str(row)[:200] for key, row in rows if isinstance(row, str | int) and not isinstance(row, bool)}


def _written(row: object, lines: int) -> Written:
    found = _exactly(row, "good", "journal", "put_back", "owner", "held", "ledger", "git_locks")
    ledger = get(found, "ledger", _rows)
    if len(ledger) > lines:
        raise WrongFormError(f"ledger: at most {lines} lines wanted")
    return Written(
        good=get(found, "good", long_or_none),
        journal=get(found, "journal", long_or_none),
        put_back=get(found, "put_back", long_or_none),
        owner=get(found, "owner", long_or_none),
        held=get(found, "held", flag),
        ledger=tuple(long(line) for line in ledger),
        git_locks=get(found, "git_locks", _short_texts),
    )


def _ended(row: object) -> Ended:
    found = _exactly(row, "exit", "out", "err", "why", "seconds")
    code = get(found, "exit", lambda value: None if value is None else integer(value))
    if code is not None and code not in _EXITS:
        raise wrong("an exit status", code)
    seconds = get(found, "seconds", number)
    if not 0 <= seconds <= _MOST_SECONDS:
        raise wrong("seconds", found["seconds"])
    why = get(found, "why", short)
    if (code is None) != bool(why):
        raise WrongFormError("an exit status, or why there is none, wanted")
    return Ended(code, get(found, "out", long), get(found, "err", long), why, seconds)


def _exactly(value: object, *keys: str) -> dict[str, object]:
    """An object with these members and no others."""
    found = members(value)
    if set(found) != set(keys):
        raise WrongFormError(f"exactly {', '.join(keys) or 'nothing'} wanted")
    return found


def _count(value: object) -> int:
    if natural(value) > _MOST_NUMBER:
        raise wrong("a number of that range", value)
    return natural(value)


def _rows(value: object) -> list[object]:
    if len(items(value)) > _MOST_ROWS:
        raise wrong(f"a list of at most {_MOST_ROWS}", value)
    return items(value)


def _short_texts(value: object) -> tuple[str, ...]:
    return tuple(short(row) for row in _rows(value))


def _no_longer(value: object, most: int) -> str:
    if len(text(value)) > most:
        raise wrong(f"a text of at most {most} characters", value)
    return text(value)
