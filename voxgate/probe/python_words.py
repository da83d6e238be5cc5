"""Where Python was told to look for its code: by its words and by its variables."""

from __future__ import annotations

import os
import re
from typing import Iterable, Iterator

from voxgate.probe.base import LONGEST_PATH, Trouble

WAYS_AT_MOST = 100_000
PIECES = re.compile(r"[\s'\":;,=()\[\]{}<>|&]+")
# What a program that has Python beside is told to give to it: a command (of vim, of gdb), or an option with a path.
COMMAND = re.compile(r"(?:^|[\s;|!:+])(?:py[a-z0-9]*|pi)[\s(-]")
FOR_PYTHON = re.compile(r"--?[\w-]*(?:wsgi|python|py(?:home|path|run)|virtualenv|venv)[\w-]*")


def handed(words: list[str]) -> list[str]:
    """Of the words of a program that has Python beside, those that Python is given. A file that it edits is none."""
    return [
        word for at, word in enumerate(words)
        if COMMAND.search(word) or FOR_PYTHON.match(word) or (at and FOR_PYTHON.fullmatch(words[at - 1]))
    ]  # fmt: skip


def ways_of(words: Iterable[str], given: Iterable[str]) -> set[str]:
    """The ways that the words and variables may lead: each as a whole, what stands in it with a slash, what stands behind its
    ``=``; and a variable's ways as Python parts them.
    """
    words = set(words)
    ways = set(words)
    for text in (*words, *given):
        ways |= {piece for piece in PIECES.split(text) if "/" in piece} | {text.partition("=")[2]}
    for text in given:
        ways |= set(text.partition("=")[2].split(":"))
    if len(ways) > WAYS_AT_MOST:
        raise Trouble("failed", f"over {WAYS_AT_MOST} ways in the words of a process")
    return {way for way in ways if 0 < len(way) < LONGEST_PATH}


def module_ways(words: Iterable[str]) -> Iterator[str]:
    """Where the modules would lie that words name, ``app.main`` or ``app.main:serve``: as a folder and as a file."""
    for text in words:
        module = text.removeprefix("-m").partition(":")[0]
        if "." in module and "/" not in module and ".." not in module and len(module) < LONGEST_PATH:
            way = module.replace(".", "/")
            yield from (way, f"{way}.py")


def program_ways(called: str, path: str) -> Iterator[str]:
    """Where Python finds itself: as the shell did."""
    yield from [called] if "/" in called else (f"{folder or '.'}/{called}" for folder in path.split(":"))


SHORT = re.compile(r"-[A-Za-z?]*?([cmWX])(.*)", re.DOTALL)


def script_of(words: list[str]) -> str | None:
    """The script, or folder, that Python was started with. None where it was a command, a module or nothing: then it looks for
    modules where it was started.
    """
    at = 1
    while at < len(words):
        word = words[at]
        if word[:1] != "-":
            return word
        short = SHORT.fullmatch(word)
        if word == "-" or (short and short.group(1) in "cm"):
            return None
        at += 2 if word == "--check-hash-based-pycs" or (short and not short.group(2)) else 1
    return None


def folder_of(called: str, start: str) -> str:
    """The folder of the environment that a program of this path belongs to, by the path alone, as Python takes it."""
    return os.path.dirname(os.path.dirname(os.path.normpath(os.path.join(start or "/", called))))
