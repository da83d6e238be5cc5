"""Answers that send people elsewhere: where they lead, and what an estate says of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from voxgate.model.answers import Answer
    from voxgate.model.estate import Estate

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


def sent_on(answer: Answer, estate: Estate) -> str:
    """What to say of it in the estate where people rightly see the console by https alone; empty where that is said, or it is
    something else.
    """
    url = leads_to(answer)
    if not url or estate.front is not None:
        return ""
    return f'if that is what people type, in hosts/{estate.name}.toml: [console] url = "{url}"'
