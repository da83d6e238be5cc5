"""Fields of JSON that came from outside: each function returns the value in its one form, or says what it is not."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, TypeVar

from voxgate.contracts.typed import WrongFormError

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
PORTS = 65536
PAIR = 2


def wrong(wanted: str, value: object) -> WrongFormError:
    """What was promised and what came; never the value itself."""
    return WrongFormError(f"{wanted} wanted, {type(value).__name__} found")


def get(row: object, key: str, read: Callable[[object], T]) -> T:
    """One member of an object, read; the message of what is wrong with it begins with its name."""
    found = members(row)
    if key not in found:
        msg = f"{key}: not there"
        raise WrongFormError(msg)
    try:
        return read(found[key])
    except WrongFormError as error:
        msg = f"{key}: {error}"
        raise WrongFormError(msg) from None


def text(value: object) -> str:
    """A string."""
    if not isinstance(value, str):
        raise wrong("text", value)
    return value


def text_or_none(value: object) -> str | None:
    """A string or null."""
    return None if value is None else text(value)


def flag(value: object) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise wrong("true or false", value)
    return value


def integer(value: object) -> int:
    """A whole number, written as one."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise wrong("a whole number", value)
    return value


def natural(value: object) -> int:
    """A whole number from 0."""
    if integer(value) < 0:
        raise wrong("a natural number", value)
    return integer(value)


def port(value: object) -> int:
    """A TCP port."""
    if natural(value) >= PORTS:
        raise wrong("a port", value)
    return natural(value)


def number(value: object) -> float:
    """A finite number."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise wrong("a number", value)
    try:
        found = float(value)
    except OverflowError:
        raise wrong("a finite number", value) from None
    if not math.isfinite(found):
        raise wrong("a finite number", value)
    return found


def items(value: object) -> list[Any]:
    """A list of anything."""
    if not isinstance(value, list):
        raise wrong("a list", value)
    return value


def members(value: object) -> dict[str, Any]:
    """An object of anything."""
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise wrong("an object", value)
    return value


def texts(value: object) -> tuple[str, ...]:
    """A list of strings."""
    return tuple(text(each) for each in items(value))


def text_by_text(value: object) -> dict[str, str]:
    """An object of strings."""
    return {key: text(each) for key, each in members(value).items()}


def pair(value: object, first: Callable[[object], T]) -> tuple[T, str]:
    """A list of exactly two, the second a string."""
    found = items(value)
    if len(found) != PAIR:
        raise wrong("a pair", value)
    return first(found[0]), text(found[1])
