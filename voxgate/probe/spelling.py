"""What the words of a shell's text come to: without quotes, with the values that it sets itself; and the folders they mean."""

from __future__ import annotations

import fnmatch
import re
from itertools import islice
from typing import Iterable

NAMED_VALUE = re.compile(r"\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))", re.ASCII)
SET_HERE = re.compile(
    r"(?:^|[\s;&|({])([A-Za-z_]\w*)=(?:\"([\w./@~+ -]{1,256})\"|'([\w./@~+ -]{1,256})'|([\w./@~+-]{1,256}))(?=[\s;&|)}]|$)",
    re.MULTILINE | re.ASCII,
)
QUOTES = re.compile(r"\\\n|[\"'\\]")
SLASHES = re.compile(r"/(?:\./|/)+")
PATTERN = re.compile(r"(?<![\w./])/[\w./@+*?\[\]{},!-]{0,255}[*?\[{][\w./@+*?\[\]{},!-]{0,255}", re.ASCII)
PATTERNS_AT_MOST = 1000
VALUES_AT_MOST = 3  # of one name: a text may set it again
SPELLED_AT_MOST = 4 << 20  # letters


def spelled(text: str) -> str:
    """The text, and below it the same without quotes and with single slashes, once for each value that a name of it is set to.
    Nobody who writes ``g"i"t`` or ``D=/opt`` means another thing than who does not.
    """
    values: dict[str, list[str]] = {}
    for found in SET_HERE.finditer(text):
        told = values.setdefault(found[1], [])
        if len(told) < VALUES_AT_MOST:
            told.append(found[2] or found[3] or found[4])
    said = [text]
    for at in range(max(map(len, values.values()), default=1)):
        of = {name: told[min(at, len(told) - 1)] for name, told in values.items()}
        whole = text
        if sum(len(of.get(name[1] or name[2], "")) for name in NAMED_VALUE.finditer(text)) + len(text) <= SPELLED_AT_MOST:
            whole = NAMED_VALUE.sub(lambda name, of=of: of.get(name[1] or name[2], name[0]), text)  # type: ignore[misc]
        said.append(SLASHES.sub("/", QUOTES.sub("", whole)))
    return "\n".join(dict.fromkeys(said))


def folders_in(text: str, folders: Iterable[str]) -> set[str]:
    """Which of these folders a text names: by their path, by a pattern that they fit, or by their name after the folder that they
    lie in was gone to. What fits any name (``/opt/*``) means none.
    """
    patterns = [found[0].split("/") for found in islice(PATTERN.finditer(text), PATTERNS_AT_MOST)]
    return {folder for folder in folders if is_named(text, folder) or any(fits(parts, folder.split("/")) for parts in patterns)}


def is_named(text: str, folder: str) -> bool:
    """True where a text names a folder, whole or from the one that it lies in."""
    above, _, name = folder.rpartition("/")
    if re.search(re.escape(folder) + r"(?![\w.-])", text):
        return True
    gone = re.search(rf"(?:\b(?:cd|pushd)\s+|-C\s*|--directory[=\s]){re.escape(above)}/?(?=[\s;&|)]|$)", text)
    return gone is not None and re.search(rf"(?<![\w./-])(?:\./)?{re.escape(name)}(?![\w.-])", text) is not None


def fits(parts: list[str], wanted: list[str]) -> bool:
    """True where each part of a path fits the pattern in its place, and no pattern is for everything."""
    asked = parts[: len(wanted)]
    if len(asked) < len(wanted) or not all(re.search(r"\w", part) for part in asked[1:]):
        return False
    pairs = zip(asked, wanted)  # noqa: B905 - the hosts' Python may be 3.9
    return all(fnmatch.fnmatchcase(part, re.sub(r"\{[^{}]*\}", "*", one)) for one, part in pairs)
