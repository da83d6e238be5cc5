"""Redaction: what looks like a secret is cut before anything leaves the gate.

Three sources: patterns that are known (credentials in URLs, authorization headers, private keys, named secrets, tokens
of known make), words that only chance writes (``randomness``), and exact strings that the gate itself was given. Names
of settings stay: a report must be able to say *which* one is missing. Commits, sha256 sums, tags, boot ids and plain
addresses stay too.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Self
from urllib.parse import quote, quote_plus

from voxgate.report.randomness import cut_random

MARK = "[cut]"
"""What stands where something was cut."""

_SHORTEST = 5
"""Exact strings shorter than this are no secrets but words: cutting them would eat the report."""

_PRIVATE_KEY = re.compile(
    r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----"
    r"(?:(?s:.{0,20000}?)-----END (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----|(?:[\s\\nr\"',]|[A-Za-z0-9+/=]{16,})*)"
)

# After "://": user and password up to the last @ of the authority; a password with a slash in it (which drivers refuse
# and people write) up to the first @, unless "host:port/" says that no user stands there; and a long user alone, as
# tokens do.
_URL = re.compile(
    r"(?P<slashes>:\\?/\\?/)"
    r"(?:[^\s/@:\"'<>\\]*:(?!\[cut\]@)[^\s/\"'<>\\]*@"
    r"|[^\s/@:\"'<>\\]*:(?!\d{1,5}(?:[/?#\\]|$))[^\s@\"'<>]*@"
    r"|[A-Za-z0-9_=.~-]{16,}@)"
)

_HEADER = re.compile(
    r"(?i)(?P<name>\b(?:proxy-authorization|authorization|x-api-key|x-auth-token|set-cookie|cookie)"
    r"(?:\\?[\"'])?\s{0,3}[:=,]\s{0,3}(?:b(?=[\"']))?(?:\\?[\"'])?)"
    r"[^\s\"'\\][^\r\n\"'\\]*"
)

_BEARER = re.compile(r"(?P<name>\b[Bb](?:earer|EARER)\s{1,3})[A-Za-z0-9._~+/=-]{8,}")

_MAKE = re.compile(
    r"\b(?:eyJ[\w-]{6,}\.eyJ[\w-]{6,}(?:\.[\w-]*)?"
    r"|gh[pousr]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|npm_\w{30,}|ATBB\w{16,}|ATCTT3x[\w=-]{16,}"
    r"|xox[abprs]-[\w-]{10,}|AKIA[A-Z0-9]{16}|ASIA[A-Z0-9]{16}|sk-[\w-]{20,}|AGE-SECRET-KEY-1\w{20,})"
)

# What secrets are called, at the end of a name, whatever its case; then = or : and a value, quoted or not.
# "key" alone is a word: it needs something before it, looked at afterwards, so that the search hops to the next k.
_KEY = (
    r"key(?:(?<=[_-]key)|(?<=(?-i:[a-z0-9]Key))"
    r"|(?<=apikey)|(?<=devkey)|(?<=accesskey)|(?<=authkey)|(?<=privatekey)|(?<=signingkey)|(?<=masterkey))"
)
_NAME = (
    r"(?P<name>(?i:secret|token|passwor[dt]|passwd|passphrase|pwd|credentials?|signature|" + _KEY + r")"
    r"(?:(?i:[_-]?(?:id|b64|base64|hash|old|new|v?\d{1,3})))?)"
)
_QUOTE = r"(?:\\{0,3}[\"'])"
_VALUE = (
    r"(?:b?(?P<open>" + _QUOTE + r")(?P<quoted>(?:(?!(?P=open))(?:\\.|[^\r\n]))*)(?:(?P=open)|(?=[\r\n]|\Z))"
    r"|(?P<bare>(?:[^\s\"'\\&]|\\(?![nrtu\"'\\]))+))"
)
_TUPLE = _QUOTE + r",[ \t]{0,3}(?=b?" + _QUOTE + r"[^\"'\r\n]*" + _QUOTE + r"\))"
_PAIR = _QUOTE + r"?[ \t]{0,40}(?:=>|:=|==?|:)[ \t]{0,40}"
_NAMED = re.compile(_NAME + r"(?P<between>" + _PAIR + "|" + _TUPLE + ")" + _VALUE)
_OPTION = re.compile(
    r"(?P<name>--?[\w-]{0,64}?(?i:secret|token|password|passwd|passphrase|api-?key|access-?key|secret-?key))"
    r"(?P<between>[ \t]+|[\"'],[ \t]*(?=[\"']))" + _VALUE
)

_PUBLIC = re.compile(r"(?i)(?:public|primary|foreign|sort|cache|host|history|group)[_.-]?$")
_HARMLESS = frozenset(
    (
        *("missing", "empty", "absent", "placeholder", "unset", "set", "none", "null", "true", "false", "is", "not"),
        *("yes", "no", "required", "present", "unknown", "changed", "optional", "denied"),
        *("str", "string", "int", "bool", "bytes"),
    )
)
"""Words that are said *of* a setting, never the value of one: ``S3_SECRET_KEY: missing``."""

_JSON_ENDS = re.compile(r"[,}\])]")

_HINT = re.compile(r"(?i)secret|token|passw|pwd|phrase|credential|signature|key")


def _named(found: re.Match[str]) -> str:
    """The pair without its value; the whole pair where the name or the value says that it is no secret."""
    if found["name"][:3].lower() == "key" and _PUBLIC.search(found.string[max(0, found.start() - 10) : found.start()]):
        return found[0]
    value, rest, opened = found["quoted"] or found["bare"], "", found["open"] or ""
    if not value or value.strip(".,;:)").lower() in _HARMLESS:
        return found[0]
    if not opened and "=" not in found["between"]:
        if value[0] in "{[(" and not value.startswith(MARK):
            return found[0]  # a list or an object: what is secret in it has a name of its own
        known = len(MARK) if value.startswith(MARK) else 0
        ended = _JSON_ENDS.search(value, known)  # a bare value ends where the document goes on
        value, rest = (value[: ended.start()], value[ended.start() :]) if ended else (value, "")
    return f"{found['name']}{found['between']}{opened}{MARK}{opened}{rest}"


def _after_name(found: re.Match[str]) -> str:
    """The name kept, the value cut."""
    return f"{found['name']}{MARK}"


def _spellings(secret: str) -> Iterable[str]:
    """A string as it is, and as URLs, JSON, HTML and ``repr`` spell it."""
    yield secret
    yield quote(secret, safe="")
    yield quote_plus(secret)
    yield html.escape(secret)
    yield json.dumps(secret)[1:-1]
    yield json.dumps(secret, ensure_ascii=False)[1:-1]
    yield repr(secret)[1:-1]


class Redactor:
    """Cuts secrets out of text: those that patterns find, and those it was given. ``cut(cut(text)) == cut(text)``."""

    __slots__ = ("_exact",)

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        """``secrets`` are exact strings, cut in every spelling; those under 5 characters are ignored as words."""
        wanted = {secret.strip() for secret in secrets}
        spelled = {text for secret in wanted if len(secret) >= _SHORTEST for text in _spellings(secret)}
        longest_first = sorted(spelled - {MARK}, key=lambda text: (-len(text), text))
        self._exact = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    @classmethod
    def of(cls, environ: Mapping[str, str], names: Collection[str] = ()) -> Self:
        """One that knows what this process was given: the value of each variable in ``names``, and of each whose name says
        that it is a secret. A path is none (PWD, or where a key lies).
        """
        told = (value for name, value in environ.items() if name not in names and _says_secret(name, value))
        return cls([*(environ.get(name, "") for name in names), *(value for value in told if not value.startswith("/"))])

    def cut(self, text: str) -> str:
        """``text`` with every secret replaced by the mark."""
        if self._exact is not None:
            text = self._exact.sub(MARK, text)
        if "-----BEGIN" in text:
            text = _PRIVATE_KEY.sub(MARK, text)
        if "@" in text:
            text = _URL.sub(rf"\g<slashes>{MARK}@", text)
        text = _BEARER.sub(_after_name, _HEADER.sub(_after_name, text))
        if _HINT.search(text):
            text = _OPTION.sub(_named, _NAMED.sub(_named, text))
        return cut_random(_MAKE.sub(MARK, text), MARK)

    def cut_bytes(self, body: bytes) -> bytes:
        """The same for bytes: text is cut as text; in anything else (a picture) only the exact strings are."""
        try:
            return self.cut(body.decode()).encode()
        except UnicodeDecodeError:
            if self._exact is None:
                return body
            return self._exact.sub(MARK, body.decode("latin-1")).encode("latin-1", "replace")

    def cut_document(self, document: Any) -> Any:
        """The same for JSON: strings are cut where they stand, values under a secret's name whatever they are."""
        match document:
            case str():
                return self.cut(document)
            case {"name": str(name), "value": str(value), **rest} if _says_secret(name, value):
                return {"name": name, "value": MARK, **self.cut_document(rest)}
            case Mapping():
                return {self.cut(str(key)): self._cut_value(str(key), value) for key, value in document.items()}
            case list() | tuple():
                return list(self._cut_items(document))
            case _:
                return document

    def _cut_items(self, items: Sequence[Any]) -> Iterator[Any]:
        """The items of a list; in a list of words, the one after ``--password`` is its value."""
        before = ""
        for item in items:
            if isinstance(item, str) and before and (found := _OPTION.fullmatch(f"{before} {json.dumps(item)}")):
                yield MARK if MARK in _named(found) else item
            else:
                yield self.cut_document(item)
            before = item if isinstance(item, str) and item.startswith("-") and "=" not in item else ""

    def _cut_value(self, key: str, value: Any) -> Any:
        """A value under a key: the key may already say what it is."""
        return MARK if isinstance(value, str) and _says_secret(key, value) else self.cut_document(value)


def _says_secret(name: str, value: str) -> bool:
    """True if ``name`` is what secrets are called and ``value`` is not a word about one."""
    if not value or value.lower() in _HARMLESS:
        return False
    named = _NAMED.search(f'{name}="value"')
    return (named is not None and MARK in _named(named)) or _HEADER.fullmatch(f"{name}: value") is not None
