"""What a database's server may have pymongo do: it says itself how long its messages are, how often a password is hashed for it
and how many members its set has, and the library believes it. There are no settings for any of these.
"""

from __future__ import annotations

from typing import Any

from pymongo.errors import OperationFailure, ProtocolError
from pymongo.hello import Hello
from pymongo.synchronous import auth
from pymongo.synchronous.monitor import Monitor

# A list of connections is one document, which no real server makes longer than this.
MESSAGE_AT_MOST = 16 * 1024 * 1024 + 64 * 1024
HASHED_AT_MOST = 1_000_000
"""Times that a password is hashed for one login: half a second. MongoDB's own are 15,000; a server may say two thousand million,
for which no deadline counts.
"""
MEMBERS_AT_MOST = 50  # of a replica set: MongoDB's own limit
WATCHED_AT_MOST = 64
"""Servers that one client looks at: each has two threads, and a server may name others with each answer of its."""

_SAID: property = vars(Hello)["max_message_size"]
_NAMED: property = vars(Hello)["all_hosts"]
_scram = vars(auth)["_parse_scram_response"]


def _believed(hello: Hello[Any]) -> int:
    """How long the server's messages may be: what it says, up to our own limit."""
    said = _SAID.fget(hello) if _SAID.fget is not None else MESSAGE_AT_MOST
    return min(said, MESSAGE_AT_MOST) if isinstance(said, int) else MESSAGE_AT_MOST


def _members(hello: Hello[Any]) -> set[tuple[str, int]]:
    """The members of the server's set, as it says them. Raises ProtocolError where they are more than any set has, or no list."""
    rows = [hello.document.get(key, []) for key in ("hosts", "passives", "arbiters")]
    if _NAMED.fget is None or not all(isinstance(one, list) for one in rows):
        msg = "its members are no list"
        raise ProtocolError(msg)
    if (named := sum(map(len, rows))) > MEMBERS_AT_MOST:
        msg = f"it names {named} members of its set, over {MEMBERS_AT_MOST}"
        raise ProtocolError(msg)
    found: set[tuple[str, int]] = _NAMED.fget(hello)
    return found


def _challenge(response: bytes) -> dict[bytes, bytes]:
    """What the server asks of who logs in. Raises OperationFailure where it takes longer than anybody's does."""
    said: dict[bytes, bytes] = _scram(response)
    if (times := said.get(b"i")) is not None and int(times) > HASHED_AT_MOST:
        raise OperationFailure(f"it wants the password hashed more than {HASHED_AT_MOST} times")
    return said


def watching() -> type[Monitor]:
    """What looks at the servers of one client: at so many, and at no more."""

    class _Watch(Monitor):
        _watched: int = 0
        _counted = False

        def open(self) -> None:
            kind = type(self)
            if not self._counted and kind._watched < WATCHED_AT_MOST:  # noqa: SLF001 - its own
                kind._watched, self._counted = kind._watched + 1, True  # noqa: SLF001 - its own
            if self._counted:
                super().open()

    return _Watch


Hello.max_message_size = property(_believed)  # type: ignore[method-assign, assignment]
Hello.all_hosts = property(_members)  # type: ignore[method-assign, assignment]
vars(auth)["_parse_scram_response"] = _challenge  # the only place where the server's word can be seen
