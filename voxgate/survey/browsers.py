"""What browsers say when they ask: a page that is served by who asks is another one for somebody."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

_TYPES = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
_CHROMIUM = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0"


class Browser(NamedTuple):
    """A browser as servers see it: what it calls itself, and what it takes."""

    name: str
    headers: tuple[tuple[str, str], ...]


def _browser(name: str, agent: str, packed: str, language: str, *more: tuple[str, str]) -> Browser:
    said = [("User-Agent", agent), ("Accept", _TYPES), ("Accept-Encoding", packed), ("Accept-Language", language)]
    return Browser(name, (*said, ("Upgrade-Insecure-Requests", "1"), ("Sec-Fetch-Mode", "navigate"), *more))


BROWSERS = (
    _browser("Chrome", f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_CHROMIUM} Safari/537.36",
             "gzip, deflate, br, zstd", "en-US,en;q=0.9", ("Sec-CH-UA-Mobile", "?0")),
    _browser("Firefox", "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
             "gzip, deflate, br, zstd", "de,en-US;q=0.7,en;q=0.3"),
    _browser("Safari of a phone", "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15"
             " (KHTML, like Gecko) Version/26.1 Mobile/15E148 Safari/604.1", "gzip, deflate, br", "hi-IN,hi;q=0.9"),
    _browser("Chrome of a phone", f"Mozilla/5.0 (Linux; Android 10; K) {_CHROMIUM} Mobile Safari/537.36",
             "gzip, deflate, br, zstd", "en-IN,en;q=0.9", ("Sec-CH-UA-Mobile", "?1")),
)  # fmt: skip
"""One of each engine, on desks and on phones."""

RETURNING = (
    ("If-None-Match", '"559d7a80-2f1"'),
    ("If-Modified-Since", "Wed, 08 Jul 2015 19:29:36 GMT"),
    ("Cookie", "vox_seen=1"),
)
"""What a browser says that has a page of years ago: no server of today has that one."""


def called(headers: Iterable[tuple[str, str]]) -> str:
    """Who says such headers: a browser, and whether it was there before; empty for none."""
    said = dict(headers)
    names = (one.name for one in BROWSERS if dict(one.headers)["User-Agent"] == said.get("User-Agent"))
    return f"{name}{' with an older page' if RETURNING[0][0] in said else ''}" if (name := next(names, "")) else ""
