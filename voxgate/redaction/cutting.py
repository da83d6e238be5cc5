"""Redaction: what looks like a secret is cut before anything leaves the gate.

Three sources: what secrets look like and are called (``shapes``), words that only chance writes (``randomness``), and exact
strings that the gate itself was given. Names of settings stay: a report must be able to say *which* one is missing. Commits,
sha256 sums, tags, boot ids and plain addresses stay too.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Self
from urllib.parse import quote, quote_plus

from voxgate.errors import visible
from voxgate.redaction import shapes
from voxgate.redaction.command_lines import cut_commands, cut_words
from voxgate.redaction.randomness import cut_random
from voxgate.redaction.shapes import MARK

__all__ = ["MARK", "Redactor"]

WEBHOOK = "VOXGATE_WEBHOOK"
"""The variable with an address that is a secret, whatever it looks like."""

_SHORTEST = 5
"""Exact strings shorter than this are no secrets but words: cutting them would eat the report."""

_PASSES = 4
"""A mark can bare the shape of what stood beside the secret: what was cut is looked at again, until nothing more is found."""

_REMEMBERED = 500
"""Letters of a string that is remembered with what it was cut to: reports, like evidence, say most of their names and paths
again and again, and nine in ten are not cut anew.
"""

_AT_MOST = 50_000
"""Strings that are remembered at once, where what is cut is for people: a long watch must not grow without end."""

_PLAIN = re.compile(r"[a-z]+(?:[-_./][a-z]+)*")
_SPACE = re.compile(r"\s")
_OF_TERMINAL = re.compile(r"\x1b\[(?:\d{1,3}(?:;\d{1,3}){0,8})?[mAKGJ]|\x1b\[\?25[hl]")
_LONGEST_PLAIN = 24
"""A given string of plain words may be anybody's name: of a user, an estate, a folder. A longer one is a passphrase."""


def _spellings(secret: str) -> Iterable[str]:
    """A string as it is, and as URLs, JSON, HTML and ``repr`` spell it."""
    yield secret
    yield quote(secret, safe="")
    yield quote_plus(secret)
    yield html.escape(secret)
    yield json.dumps(secret)[1:-1]
    yield json.dumps(secret, ensure_ascii=False)[1:-1]
    yield repr(secret)[1:-1]


def _shown(text: str) -> str:
    """What cannot be seen as its code, but for the ends of lines and the space between columns."""
    if text.isascii() and text.isprintable():
        return text
    return "\r\n".join(visible(part, "\n\t") for part in text.split("\r\n"))


def _parts(text: str) -> Iterator[tuple[str, bool]]:
    """The text in order; True for a part that moves or colours a terminal."""
    at = 0
    for found in _OF_TERMINAL.finditer(text):
        yield text[at : found.start()], False
        yield found[0], True
        at = found.end()
    yield text[at:], False


def _any_of(secrets: Iterable[str]) -> str:
    """A pattern for any of them in every spelling, the longest first."""
    spelled = {text for secret in secrets for text in _spellings(secret)} - {MARK}
    return "|".join(map(re.escape, sorted(spelled, key=lambda text: (-len(text), text))))


class Redactor:
    """Cuts secrets out of text: those that shapes show, and those it was given. ``cut(cut(text)) == cut(text)``.

    A given string that is a plain word (a password ``deploy``) is cut out of text, as a word of its own, but out of no name:
    an owner, a host or a test's id that is called so stays what it is.
    """

    __slots__ = ("_exact", "_known", "_names", "_numbers", "_words")

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        """``secrets`` are exact strings, cut in every spelling; those under 5 characters are ignored as words."""
        wanted = {secret for secret in map(str.strip, secrets) if len(secret) >= _SHORTEST}
        plain = {secret for secret in wanted if len(secret) <= _LONGEST_PLAIN and _PLAIN.fullmatch(secret)}
        exact, words = _any_of(wanted - plain), _any_of(plain)
        self._exact = re.compile(exact) if exact else None
        self._words = re.compile(rf"(?<![\w-])(?:{words})(?![\w-])") if words else None
        self._numbers: dict[str, int] | None = None
        self._known: dict[str, str] = {}
        self._names: Redactor | None = None

    @classmethod
    def of(cls, environ: Mapping[str, str], names: Collection[str] = ()) -> Self:
        """One that knows what this process was given: the value of each variable in ``names``, of the webhook's, and of each
        whose name says that it is a secret. A path is none (PWD, or where a key lies).
        """
        names = (*names, WEBHOOK)
        told = (value for name, value in environ.items() if name not in names and shapes.says_secret(name, value))
        return cls([*(environ.get(name, "") for name in names), *(value for value in told if not value.startswith("/"))])

    def for_names(self) -> Redactor:
        """The same for what is a name and no text: ids, hosts, paths. Plain words stay."""
        if self._names is None:
            self._names = self._without_words(None)
        return self._names

    def telling_apart(self) -> Redactor:
        """The same for what is judged: plain words stay, and as long as it is kept each secret has a mark of its own, so that no
        two facts become one.
        """
        return self._without_words({})

    def _without_words(self, numbers: dict[str, int] | None) -> Redactor:
        found = Redactor()
        found._exact, found._numbers = self._exact, numbers
        return found

    def cut(self, text: str) -> str:
        """``text`` with every secret replaced by a mark."""
        # What is kept to be judged stays what it was; all else is for people, and for terminals that obey what they are shown.
        return self._cut(text) if self._numbers is not None else _shown(self._cut(text))

    def cut_on_terminal(self, text: str) -> str:
        """The same of what the gate's own libraries write to a terminal, with their colours and moves; what others said is shown
        by its code before it comes here. A colour's last letter makes no longer word of the one behind it.
        """
        cut = self._cut(text)
        if cut.isascii() and cut.isprintable():
            return cut
        return "".join(part if own else visible(self._cut(part), "\n\t\r") for part, own in _parts(cut))

    def _cut(self, text: str) -> str:
        if len(text) > _REMEMBERED:
            return self._cut_anew(text)
        found = self._known.get(text)
        if found is None:
            if self._numbers is None and len(self._known) >= _AT_MOST:
                self._known.clear()
            found = self._known[text] = self._cut_anew(text)
        return found

    def _cut_anew(self, text: str) -> str:
        for _ in range(_PASSES):
            before, text = text, self._cut_once(text)
            if text == before:
                break
        return text

    def _cut_once(self, text: str) -> str:
        for pattern in (self._exact, self._words):
            if pattern is not None:
                text = pattern.sub(lambda found: self._mark(found[0]), text)
        return cut_random(cut_commands(shapes.cut_shapes(text, self._mark), self._mark), self._mark)

    def cut_string(self, text: str) -> str:
        """A string of a document: text if there are several words in it, else a name."""
        return self.cut(text) if self._words is None or _SPACE.search(text) else self.for_names().cut(text)

    def cut_bytes(self, body: bytes) -> bytes:
        """The same for bytes: text is cut as text; in anything else (a picture) only the exact strings are."""
        try:
            return self.cut(body.decode()).encode()
        except UnicodeDecodeError:
            if self._exact is None:
                return body
            return self._exact.sub(lambda found: self._mark(found[0]), body.decode("latin-1")).encode("latin-1", "replace")

    def cut_document(self, document: Any) -> Any:
        """The same for JSON: strings are cut where they stand, values under a secret's name whatever they are. Two keys of one
        mapping never become one.
        """
        match document:
            case str():
                return self.cut_string(document)
            case {"name": str(name), "value": str(value), **rest} if shapes.says_secret(name, value):
                return {"name": name, "value": self._mark(value), **self.cut_document(rest)}
            case Mapping():
                keys = self._cut_keys([str(key) for key in document])
                return {key: self._cut_value(str(name), value) for key, (name, value) in zip(keys, document.items(), strict=True)}
            case list() | tuple():
                return list(self._cut_items(document))
            case _:
                return document

    def _mark(self, secret: str) -> str:
        """What stands in its place. What was cut already stays as it is."""
        if shapes.is_mark(secret):
            return secret
        return MARK if self._numbers is None else f"[cut-{self._numbers.setdefault(secret, len(self._numbers) + 1)}]"

    def _cut_keys(self, keys: Sequence[str]) -> Iterator[str]:
        """Each key cut, and numbered where another one is called so."""
        taken, numbers = set(keys), dict[str, int]()
        for key in keys:
            wanted = found = self.cut_string(key)
            number = numbers.get(wanted, 1)
            while wanted != key and found in taken:
                number += 1
                found = f"{wanted} ({number})"
            numbers[wanted] = number
            taken.add(found)
            yield found

    def _cut_items(self, items: Sequence[Any]) -> Iterator[Any]:
        """The items of a list; in a list of words, the one after ``--password`` is its value; so is what a program takes."""
        before = ""
        for item in cut_words(items, self._mark):
            if isinstance(item, str) and before and shapes.is_value_of(before, item):
                yield self._mark(item)
            else:
                yield self.cut_document(item)
            before = item if isinstance(item, str) and item.startswith("-") and "=" not in item else ""

    def _cut_value(self, key: str, value: Any) -> Any:
        """A value under a key: the key may already say what it is, or what all in it is."""
        if isinstance(value, str):
            return self._mark(value) if shapes.says_secret(key, value) else self.cut_string(value)
        return self._cut_all(value) if shapes.says_secrets(key) else self.cut_document(value)

    def _cut_all(self, value: Any) -> Any:
        """What stands under ``passwords``: every string of it, but for words about one."""
        match value:
            case str():
                return value if shapes.is_word_about_one(value) else self._mark(value)
            case Mapping():
                return {key: self._cut_all(value[name]) for key, name in zip(self._cut_keys(list(value)), value, strict=True)}
            case list() | tuple():
                return [self._cut_all(item) for item in value]
            case _:
                return value
