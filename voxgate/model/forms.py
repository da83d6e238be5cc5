"""Forms of a fact's fields: what a value that a host says must be, written once, in the type.

A noun that a probe's document tells is a frozen dataclass whose fields have these forms. ``contracts.typed`` reads one by them,
and makes its JSON Schema of them. No form lists values (Literal, Enum): what does not fit would be quoted, and may be a secret.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta

CUT = "[cut]"  # the probe's mark: it stands for nothing else, as the probe changes what only looks like it
WHOLE = r"^(?!(?s:.*)\[cut\])"
_MOST = 2**53
FAR = 1e300

Shown = str
"""Text for people: something may have been cut out of it."""
Whole = Annotated[str, Meta(pattern=WHOLE)]
"""Text that a rule may read: what a secret was cut out of says less than was there, and is no such text."""
Natural = Annotated[int, Meta(ge=0, le=_MOST)]
Pid = Annotated[int, Meta(ge=0, le=_MOST)]
Port = Annotated[int, Meta(ge=0, le=65535)]
Number = Annotated[float, Meta(ge=-FAR, le=FAR)]
"""A finite number; of a time epoch seconds."""
Sha256 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
Address = Annotated[str, Meta(pattern=r"^[0-9A-Fa-f:.]{2,45}\Z")]
"""An IP address, as the kernel writes it: without a scope. ``addresses_only`` looks whether it is one."""


@dataclass(frozen=True, slots=True)
class Key:
    """Marks the field that is no member of its row: it is the key at which the row stands."""


@dataclass(frozen=True, slots=True)
class Wire:
    """Marks a field that has another name in the document."""

    name: str


@dataclass(frozen=True, slots=True)
class Later:
    """Marks a field that a document of before need not tell; any other must be there, whatever its default."""


@dataclass(frozen=True, slots=True)
class ByKey:
    """Marks a tuple of rows that is an object in the document, each row at its key."""


def addresses_only(found: Iterable[str]) -> None:
    """Raises ValueError if one of them is no IP address."""
    for address in found:
        try:
            ipaddress.ip_address(address)
        except ValueError:
            raise ValueError("an address wanted") from None


def whole_only(found: Iterable[str]) -> None:
    """Raises ValueError if something was cut out of one of them."""
    if any(CUT in text for text in found):
        raise ValueError("a value of .env was cut out of it")


WORDS_AT_MOST = 4000
"""Letters of why a fact is not there. A host says it, in as many as it likes, and each rule that asks for it says it too."""


def begun(text: str) -> str:
    """As much of it as is kept: whole words where that is possible, as half a secret is one that nothing recognizes."""
    if len(text) <= WORDS_AT_MOST:
        return text
    end = text.rfind(" ", 1, WORDS_AT_MOST - 50)
    kept = text[: end if end > 0 else WORDS_AT_MOST - 50]
    return f"{kept} .. and {len(text) - len(kept)} letters more"
