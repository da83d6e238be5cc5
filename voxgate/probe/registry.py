"""What the registry of the workers has of those of this host: asked in Redis, over the connection by which it is reached."""

from __future__ import annotations

import json
import re
import socket
import time
from typing import Any, Sequence

from voxgate.probe.base import Trouble
from voxgate.probe.shape import shape_of

ENTRIES = "vox:workers:"
ENTRY_AT_MOST = 2000
ASKING_REDIS = 2.0
NO_ENTRY = -2  # as PTTL has it
INSTANCE = re.compile(r"[^@]+@([0-9]{1,6})\.service", re.ASCII)
LOGIN = re.compile(r"redis://(?:([^:@/?#]*)(?::([^@/?#]*))?@)?[^/?#@]*(?:/([0-9]{1,4})?)?(?:\?([^#]*))?", re.ASCII)
NUMBERED = re.compile(r"(?:^|&)db=([0-9]{1,4})(?:&|$)", re.ASCII)
REDIS_NUMBER, REDIS_TEXT = re.compile(rb":-?[0-9]{1,18}"), re.compile(rb"\$[0-9]{1,4}")
LINE_AT_MOST = 512
STRANGE = "it does not speak as Redis does"
QUOTED = re.compile(rb"%([0-9A-Fa-f]{2})")
REFUSAL = re.compile(rb"-([A-Z]{2,20})\b")
KEPT_OF_ENTRY = {
    "id": re.compile(r"[A-Za-z0-9.-]{1,253}/[0-9]{1,6}", re.ASCII),
    "commit": re.compile(r"[0-9a-f]{40}", re.ASCII),
}


class Registry:
    """The question for the entries of some workers, ``words`` of it, and what came back: ``entries``, or ``unread`` why not."""

    def __init__(self, value: str, units: Sequence[str]) -> None:
        """Ask as the setting ``value`` says: by its login, in its database."""
        numbers = [found.group(1) for unit in units if (found := INSTANCE.fullmatch(unit))]
        self.workers = [f"{socket.gethostname()}/{number}" for number in numbers]
        self.entries: dict[str, dict[str, Any]] = {}
        self.unread = ""
        found = LOGIN.fullmatch(value)
        user, password, number, query = found.groups() if found else (None,) * 4
        asked = []
        if password:
            asked.append([b"AUTH", *([unquoted(user)] if user else []), unquoted(password)])
        named = NUMBERED.search(query or "")
        number = named.group(1) if named else number
        if number and int(number):
            asked.append([b"SELECT", number.encode()])
        self.before = len(asked)
        for worker in self.workers:
            key = (ENTRIES + worker).encode("utf-8", "surrogateescape")
            asked += [[b"GETRANGE", key, b"0", b"%d" % ENTRY_AT_MOST], [b"PTTL", key]]
        self.words = b"".join(map(spoken_as_redis, asked)) if self.workers else b""

    def is_told(self, connection: socket.socket) -> bool:
        """Ask and hear, with a PING before it; False where that is not answered as by a Redis. Raises OSError."""
        connection.sendall(b"PING\r\n" + self.words)
        begun = connection.recv(64)
        if begun[:1] in {b"+", b"-"} and self.words:
            self.hear(connection, begun)
        return begun[:1] in {b"+", b"-"}

    def hear(self, connection: socket.socket, begun: bytes) -> None:
        """Read the answers, of which ``begun`` came already."""
        try:
            replies = Replies(connection, begun)
            for _ in range(1 + self.before):  # of the PING; what was refused here is refused again below
                replies.next()
            for worker in self.workers:
                said, lives = replies.next(), replies.next()
                if not is_elsewhere(said):
                    self.entries[worker] = entry_of(said, lives)
        except (Trouble, OSError) as error:
            late = isinstance(error, (TimeoutError, socket.timeout))
            self.entries, self.unread = {}, error.text if isinstance(error, Trouble) else "timeout" if late else "failed"


def unquoted(text: str) -> bytes:
    """The bytes that a part of a URL stands for."""
    return QUOTED.sub(lambda found: bytes([int(found.group(1), 16)]), text.encode("utf-8", "surrogateescape"))


def spoken_as_redis(words: Sequence[bytes]) -> bytes:
    """One command, each word with its length: none can be two."""
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)


class Replies:
    """The answers of a Redis, one by one, all of them in ``ASKING_REDIS`` seconds. Raises Trouble and OSError."""

    def __init__(self, connection: socket.socket, begun: bytes) -> None:
        """``begun`` came already."""
        self.connection, self.held, self.until = connection, begun, time.monotonic() + ASKING_REDIS

    def more(self) -> None:
        """Wait for the next piece."""
        left = self.until - time.monotonic()
        if left <= 0:
            raise Trouble("timeout", "timeout")
        self.connection.settimeout(left)
        piece = self.connection.recv(4096)
        if not piece:
            raise Trouble("failed", "it ended the connection")
        self.held += piece

    def next(self) -> bytes | int:
        """A number, a line with its ``+`` or ``-``, or a text behind a ``$``."""
        while b"\r\n" not in self.held:
            if len(self.held) > LINE_AT_MOST:
                raise Trouble("unparsable", STRANGE)
            self.more()
        line, self.held = self.held.split(b"\r\n", 1)
        if REDIS_NUMBER.fullmatch(line):
            return int(line[1:])
        if REDIS_TEXT.fullmatch(line):
            length = int(line[1:])
            while len(self.held) < length + 2:
                self.more()
            said, self.held = self.held[:length], self.held[length + 2 :]
            return b"$" + said
        if line[:1] not in {b"+", b"-"}:
            raise Trouble("unparsable", STRANGE)
        return line


def is_elsewhere(said: bytes | int) -> bool:
    """True where another server of a cluster has it: nobody is asked because an answer names him."""
    return isinstance(said, bytes) and said.startswith((b"-MOVED ", b"-ASK "))


def entry_of(said: bytes | int, lives: bytes | int) -> dict[str, Any]:
    """What is told of an entry: milliseconds until it runs out (-1 never, -2 there is none), and its shape as JSON, or what it is
    in place of one. Raises Trouble where it was not to be read.
    """
    for answer in (lives, said):
        if isinstance(answer, bytes) and answer[:1] == b"-" and not answer.startswith(b"-WRONGTYPE"):
            code = REFUSAL.match(answer)
            raise Trouble("denied", f"refused: {code.group(1).decode()}" if code else "refused")
    if not isinstance(lives, int):
        raise Trouble("unparsable", STRANGE)
    if lives == NO_ENTRY:
        return {"lives": NO_ENTRY, "said": "", "is": "gone"}
    if isinstance(said, int) or said[:1] != b"$":
        return {"lives": lives, "said": "", "is": "no text"}
    if len(said) - 1 > ENTRY_AT_MOST:
        return {"lives": lives, "said": "", "is": "too long"}
    try:
        record = json.loads(said[1:], parse_constant=int, object_pairs_hook=once_each)
    except (ValueError, RecursionError):
        return {"lives": lives, "said": "", "is": "no JSON"}
    return {"lives": lives, "said": json.dumps(shape_of(record, KEPT_OF_ENTRY), sort_keys=True), "is": "JSON"}


def once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The members of an object. Raises ValueError where one stands twice: readers differ in which counts."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError
    return found
