"""Fields of JSON that came from outside: each function returns the value in its one form, or says what it is not."""

from __future__ import annotations

import ipaddress
import math
import re
from collections.abc import Collection
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
Sized = TypeVar("Sized", bound=Collection[Any])
PORTS = 65536
_ADDRESS = re.compile(r"[0-9A-Fa-f:.]{2,45}")
PAIR = 2
CUT = "[cut]"  # the probe's mark: it stands for nothing else, as the probe changes what only looks like it


class WrongFormError(Exception):
    """A value is not of the promised form; the message says which, and never quotes the value."""


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


def get_or(row: object, key: str, read: Callable[[object], T], default: T) -> T:
    """The same of a member that evidence of before has not: then what the rule is the strictest with."""
    return get(row, key, read) if key in members(row) else default


def text(value: object) -> str:
    """A string."""
    if not isinstance(value, str):
        raise wrong("text", value)
    return value


def whole(value: object) -> str:
    """A string of the probe's that a rule may read: one that a secret was cut out of says less than was there."""
    if CUT in text(value):
        msg = "a value of .env was cut out of it"
        raise WrongFormError(msg)
    return text(value)


def text_or_none(value: object) -> str | None:
    """A string or null."""
    return None if value is None else text(value)


def whole_or_none(value: object) -> str | None:
    """The same, or null."""
    return None if value is None else whole(value)


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


def address(value: object) -> str:
    """An IP address, as the kernel writes it: without a scope."""
    found = whole(value)
    try:
        ipaddress.ip_address(found)
    except ValueError:
        raise WrongFormError("an address wanted") from None
    if not _ADDRESS.fullmatch(found):
        raise WrongFormError("an address wanted")
    return found


def addresses(value: object) -> tuple[str, ...]:
    """A list of IP addresses."""
    return tuple(address(each) for each in items(value))


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


def at_most(number_of: int, found: Sized) -> Sized:
    """What was found, if it is not longer: of what a host says, no more is believed, as each is asked for."""
    if len(found) > number_of:
        msg = f"{len(found)} of them, and more than {number_of} are not asked for"
        raise WrongFormError(msg)
    return found


def texts(value: object) -> tuple[str, ...]:
    """A list of strings."""
    return tuple(text(each) for each in items(value))


def wholes(value: object) -> tuple[str, ...]:
    """A list of strings that a rule may read."""
    return tuple(whole(each) for each in items(value))


def text_by_text(value: object) -> dict[str, str]:
    """An object of strings."""
    return {key: text(each) for key, each in members(value).items()}


def named(value: object) -> dict[str, Any]:
    """An object whose keys a rule may read."""
    return {whole(key): each for key, each in members(value).items()}


def whole_by_whole(value: object) -> dict[str, str]:
    """An object of strings that a rule may read."""
    return {key: whole(each) for key, each in named(value).items()}


def pair(value: object, first: Callable[[object], T]) -> tuple[T, str]:
    """A list of exactly two, the second a string."""
    found = items(value)
    if len(found) != PAIR:
        raise wrong("a pair", value)
    return first(found[0]), text(found[1])
