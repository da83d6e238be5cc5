"""Answers that send people elsewhere: where they lead, and what an estate says of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from voxgate.model.entry import Entry
from voxgate.model.front import HTTP

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from voxgate.model.answers import Answer
    from voxgate.model.estate import Estate

_OK = 200
ELSEWHERE = (301, 302, 307, 308)
_NAME = re.compile(r"[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?")


def leads_to(answer: Answer) -> str:
    """The address that an answer sends people to by https, ``https://console.example.com``; empty where it sends nobody there."""
    if answer.trouble or answer.status not in ELSEWHERE:
        return ""
    try:
        place = urlsplit(answer.headers.get("location", ""))
    except ValueError:  # brackets around what is no address
        return ""
    known = place.scheme == "https" and _NAME.fullmatch(place.netloc)
    return f"https://{place.netloc.lower().removesuffix(':443')}" if known else ""


def sent_on(answers: Iterable[Answer], estate: Estate) -> tuple[Entry, ...]:
    """What the estate may say where these answers all send people on to one address by https; nothing where it says what people
    type already, or one of them is something else.
    """
    urls = {leads_to(one) for one in answers}
    if estate.front is not None or len(urls) != 1 or "" in urls:
        return ()
    return tuple(Entry(("console", "url"), url, f"people are sent on to {url}") for url in urls)


def seen_as(answers: Sequence[Answer], named: Mapping[str, Answer], estate: Estate) -> tuple[Entry, ...]:
    """What the estate may say where these answers, to whoever asks by no name, are none (a default server that has nothing), and
    by one name alone the console is seen, or who asks by that name is sent on to https.
    """
    if estate.front is not None or not answers or any(one.trouble or one.status == _OK for one in answers):
        return ()
    urls = {url for name, answer in named.items() if _NAME.fullmatch(name) and (url := _own_url(name.lower(), answer))}
    return tuple(Entry(("console", "url"), url, "the console is seen there alone") for url in urls) if len(urls) == 1 else ()


def _own_url(name: str, answer: Answer) -> str:
    """What people type who see a name's own page; empty where there is none."""
    if answer.status == _OK:
        return f"http://{name}" if answer.port == HTTP else f"http://{name}:{answer.port}"
    return url if (url := leads_to(answer)).removeprefix("https://").partition(":")[0] == name else ""
