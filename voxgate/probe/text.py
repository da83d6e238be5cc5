"""Reading small files of the system."""

from __future__ import annotations

import os
import re

from voxgate.probe.base import SMALL_FILE, Trouble
from voxgate.probe.folder import opened
from voxgate.probe.reading import taken


def resolved(path: str) -> str:
    """Where a file of a folder that is no link really lies: most are no links either, and a look costs less than a way."""
    return os.path.realpath(path) if os.path.islink(path) else path


UNIT_LINE_END = re.compile(r"\r\n|\n\r|[\r\n\0]")
COMMENT = re.compile(r"^[ \t]*#(?!!).*$", re.MULTILINE)
# The same, where it goes on with no word of the line before, and ends no text in quotes from there with something run behind.
ENDS_QUOTES = "|".join(rf"[^\n{sign}]*{sign}(?:[ \t]+\S|[^\n]*[;&|()$<>{{}}])" for sign in "\"'`")
COMMENT_ALONE = re.compile(rf"(?<!\\\n)^[ \t]*#(?!!)(?!{ENDS_QUOTES})[^\n]*$", re.MULTILINE)


def lines_of(path: str) -> list[str]:
    """The lines of a small file that is there, comments left out."""
    try:
        return telling_lines(behind(path))
    except (FileNotFoundError, NotADirectoryError):
        return []


def telling_lines(text: str) -> list[str]:
    """The lines that say something: no blank ones, and no comments. Only one character ends a line for who reads these files:
    behind any other that looks so a comment would be a part of a command.
    """
    lines = (line.removesuffix("\r") for line in text.split("\n"))
    return [line for line in lines if line.strip() and not line.lstrip().startswith("#")]


def unit_lines(text: str) -> list[str]:
    """The lines of a unit file as systemd reads them: a backslash at the end of one continues it in the next, comments in between
    left out; it has more ends of lines than others.
    """
    lines: list[str] = []
    pieces: list[str] = []
    for row in UNIT_LINE_END.split(text):
        if row.lstrip(" \t").startswith(("#", ";")):
            continue
        goes_on = (len(row) - len(row.rstrip("\\"))) % 2
        pieces.append(row[:-1] if goes_on else row)
        if not goes_on:
            lines.append(" ".join(pieces))
            pieces = []
    return [*lines, " ".join(pieces)]


def files_in(folder: str) -> list[str]:
    """The paths in a folder, none if it is not there."""
    try:
        return sorted(f"{folder}/{name}" for name in os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return []


def names_in(folder: str) -> list[str]:
    """The names in a folder, none if it is not there."""
    return [os.path.basename(path) for path in files_in(folder)]


def behind(path: str) -> str:
    """The content of a regular file, links followed: it is only used to be cut out. Nothing but a file is ever opened."""
    try:
        fd = opened(path)
    except Trouble:
        return ""
    with open(fd, "rb") as file:
        return taken(file, SMALL_FILE, path).decode(errors="surrogateescape")
