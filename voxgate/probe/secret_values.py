"""Which values and pieces of values are secrets."""

from __future__ import annotations

import re

PLAIN = re.compile(r"[\d.:,]+|[a-z]+(?:[-_./ ][a-z]+)*|[\w.-]+:\d+|true|false|yes|no", re.IGNORECASE | re.ASCII)


PASSWORD = re.compile(r"(pass(word|wd|phrase)|secret|token)$", re.IGNORECASE)  # how a setting ends that holds nothing else
IN_URL = re.compile(r"://[^/@\s:]*:([^/@\s]+)@")
NO_PERSON = re.compile(r"[/@?#\[]")
OF_A_PORT = re.compile(r"[0-9]+[/?#,]")
PHRASE = 16  # letters of what is a password although it is a word, or digits: in text a shorter one may be there by chance


def telling(value: str, key: str = "") -> set[str]:
    """What of a value would give something away: the passwords of URLs; of other values those that are no plain word,
    number, path or address, and have at least 8 letters; where the key says that it is a password, also long words and numbers.
    """
    if "://" in value:
        return {word for word in passwords(value) if len(word) >= 6}
    least = PHRASE if PLAIN.fullmatch(value) and PASSWORD.search(key) else 8
    plain = value.startswith("/") or (least == 8 and PLAIN.fullmatch(value))
    return set() if len(value) < least or plain else {value}


def passwords(value: str) -> set[str]:
    """The passwords inside of URLs, as they stand there and decoded. One that is not quoted, and has a ``/`` or ``@``, ends at
    the last ``@``, as many programs take it.
    """
    found = set(IN_URL.findall(value))
    for word in value.split():
        person, _, rest = word.partition("://")[2].partition(":")
        text = rest.rpartition("@")[0]
        if text and not NO_PERSON.search(person) and not OF_A_PORT.match(text):
            found.add(text)
    return found | {re.sub("%([0-9A-Fa-f]{2})", lambda code: chr(int(code.group(1), 16)), text) for text in found}
