"""What a console serves, read as a browser does: what its index names, and what its scripts ask for."""

from __future__ import annotations

import re
from collections.abc import Iterator

from voxgate.model.answers import Answer
from voxgate.promises.asking import Asker

MOST_FILES = 50
_NAMED = re.compile(r"""<(?:script|link)\b[^>]{0,500}?\b(?:src|href)=["']([^"':?#]{1,300}\.(?:js|css|mjs))["']""")
_PICTURE = re.compile(r"""<(?:img|link)\b[^>]{0,500}?\b(?:src|href)=["']([^"':?#]{1,300}\.(?:svg|png|ico|jpg|webp))["']""")
_FETCHED = re.compile(r"""\bfetch\(\s{0,9}["'`](/[^"'`?#$\s]{0,200})""")
_API = re.compile(r"""["'`](/api/[^"'`?#$\s]{0,200})""")
_ADDRESS = re.compile(
    r"\b(?:https?|wss?)://((?:localhost|127\.\d+\.\d+\.\d+|10\.\d+\.\d+\.\d+|192\.168\.\d+\.\d+|172\.(?:1[6-9]|2\d|3[01])\.\d+\.\d+)"
    r"(?::\d+)?)"
)
_KEYS = {
    "a key of OpenAI": re.compile(r"\bsk-[A-Za-z0-9_-]{20,}"),
    "a key of AWS": re.compile(r"\bAKIA[0-9A-Z]{16}\b"),
    "a token of a forge": re.compile(r"\b(?:ghp_|glpat-|ATBB)[A-Za-z0-9_-]{20,}"),
    "a private key": re.compile(r"-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----"),
    "a URL with a password": re.compile(r"\b[a-z][a-z0-9+]{1,20}://[^\s/:@\"'`]{1,100}:[^\s/@\"'`]{1,100}@"),
}


def page(ask: Asker, path: str) -> Answer:
    """An answer of the site. Raises AssertionError for another than 200."""
    answer = ask.ask(path)
    assert answer.status == 200, f"GET {path} answers {answer.trouble or answer.status}"  # noqa: S101, PLR2004
    return answer


def named(ask: Asker) -> list[str]:
    """The scripts and styles that the index names, as paths."""
    return _paths(_NAMED, ask)


def pictures(ask: Asker) -> list[str]:
    """The icons and pictures that it names."""
    return _paths(_PICTURE, ask)


def scripts(ask: Asker) -> Iterator[str]:
    """The text of each script."""
    for path in named(ask):
        if path.endswith("js"):
            yield page(ask, path).body.decode(errors="replace")


def calls(script: str) -> set[str]:
    """The paths of its own host that a script asks."""
    return {*_FETCHED.findall(script), *_API.findall(script)}


def addresses(script: str) -> set[str]:
    """Addresses that nobody has but a developer, or a machine inside."""
    return set(_ADDRESS.findall(script))


def keys(script: str) -> list[str]:
    """What kinds of secrets stand in a script, by their make; never one of them."""
    return [what for what, form in _KEYS.items() if form.search(script)]


def _paths(form: re.Pattern[str], ask: Asker) -> list[str]:
    found = form.findall(page(ask, "/").body.decode(errors="replace"))[:MOST_FILES]
    return [path if path.startswith("/") else f"/{path}" for path in found]
