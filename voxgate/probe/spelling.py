"""What the words of a shell's text come to: without quotes, with the values that it sets itself; and the folders they mean."""

from __future__ import annotations

import fnmatch
import re
from typing import Iterable

from voxgate.probe.base import Trouble

NAMED_VALUE = re.compile(r"\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))", re.ASCII)
SET_HERE = re.compile(
    r"(?:^|[\s;&|({])([A-Za-z_]\w*)=(?:\"([\w./@~+ -]{1,256})\"|'([\w./@~+ -]{1,256})'|([\w./@~+-]{1,256}))(?=[\s;&|)}]|$)",
    re.MULTILINE | re.ASCII,
)
QUOTES = re.compile(r"\\\n|[\"'\\]")
SLASHES = re.compile(r"/(?:\./|/)+")
PATTERN = re.compile(r"(?<![\w./])/[\w./@+*?\[\]{},!-]{0,255}[*?\[{][\w./@+*?\[\]{},!-]{0,255}", re.ASCII)
PATTERNS_AT_MOST = 1000  # of one text: what has more may mean any folder
VALUES_AT_MOST = 3  # of one name: a text may set it again
VALUES_IN_VALUES = 3
LONGEST_ROW = 1 << 16
SPELLED_AT_MOST = 4 << 20  # letters


def spelled(text: str) -> str:
    """The text, and below it the same without quotes and with single slashes, once for each value that a name of it is set to,
    and once with what each was set to last. Nobody who writes ``g"i"t`` or ``D=/opt`` means another thing than who does not.
    Raises Trouble where that is too much.
    """
    values: dict[str, list[str]] = {}
    rows = [(found.end(), found[1], found[2] or found[3] or found[4]) for found in SET_HERE.finditer(text)]
    for _, name, value in rows:
        told = values.setdefault(name, [])
        if len(told) < VALUES_AT_MOST:
            told.append(value)
    said = [text]
    said += [
        with_values(text, [(0, name, told[min(at, len(told) - 1)]) for name, told in values.items()])
        for at in range(max(map(len, values.values()), default=1))
    ]
    if len(rows) > len(values):
        said.append(with_values(text, rows))
    return "\n".join(dict.fromkeys(said))


def with_values(text: str, rows: list[tuple[int, str, str]]) -> str:
    """The text without quotes, and with the values of its names: from where in it each has which, in order. Raises Trouble."""
    now: dict[str, str] = {}
    left, waiting = SPELLED_AT_MOST - len(text), rows[::-1]

    def value_of(name: re.Match[str]) -> str:
        nonlocal left
        while waiting and waiting[-1][0] <= name.start():
            _, which, value = waiting.pop()
            now[which] = value
        value = now.get(name[1] or name[2], name[0])
        left -= len(value)
        if left < 0:
            raise Trouble("failed", f"a job of over {SPELLED_AT_MOST} letters with the values that it sets")
        return value

    return SLASHES.sub("/", QUOTES.sub("", NAMED_VALUE.sub(value_of, text)))


def valued(text: str, settings: dict[str, str]) -> str:
    """What is started, with the values of its variables where they are named. Raises Trouble where that is too long."""
    for _ in range(VALUES_IN_VALUES):
        size = sum(len(settings.get(name[1] or name[2], "")) for name in NAMED_VALUE.finditer(text))
        if size and size + len(text) > LONGEST_ROW:  # what it starts would stand behind as much as somebody likes
            raise Trouble("failed", f"a row of a crontab: over {LONGEST_ROW} letters with the values of its variables")
        spelled = NAMED_VALUE.sub(lambda name: settings.get(name[1] or name[2], name[0]), text)
        if spelled == text:
            break
        text = spelled
    return text


def folders_in(text: str, folders: Iterable[str]) -> set[str]:
    """Which of these folders a text names: by their path, by a pattern that they fit, or by their name after the folder that they
    lie in was gone to. What fits any name (``/opt/*``) means none.
    """
    told = {found[0] for found in PATTERN.finditer(text)}
    if len(told) > PATTERNS_AT_MOST:
        return set(folders)
    patterns = [pattern.split("/") for pattern in told]
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
