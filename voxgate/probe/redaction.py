"""Cutting secrets out of what is shown."""

from __future__ import annotations

import os
import re
import stat
from contextlib import ExitStack
from typing import Any, Iterator

from voxgate.probe.accounts import as_caller
from voxgate.probe.base import Trouble
from voxgate.probe.env_files import SAYS_SECRET, Env, settings
from voxgate.probe.folder import Folder, passing_over
from voxgate.probe.request import Service
from voxgate.probe.secret_values import PLAIN, passwords
from voxgate.probe.text import behind

# Words for people, of which nothing is judged. The gate refuses to judge by anything else that something was cut of.
FREE_TEXT = {"argv", "ExecStart", "sync_said", "text", "journal", "traces", "own_command"}
FREE_LISTS = {"command", "status"}  # else a process's name, or the one word of a server's state
CUT = "[cut]"
HASH = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
USER_OF_URL = re.compile(r"(?<=://)(?!git@)[^/@\s]+@")
# Each word in one way only: of what could be read in two, a long value would be tried in all ways of all of its words.
WORDS = re.compile(r"[a-z]+\d?(?:[-_./: ](?:[a-z]+\d?|v\d{2,4}|\d{1,4}))*")
LENGTH_AT_MOST = 2000
LINE_WITHIN = re.compile(r"(?:\\[nr]|[\r\n])+")
LINE_AT_LEAST = 8


def secrets(services: list[Service], request: str) -> list[str]:
    """Every value of every ``.env`` that could give something away, and the password within one that is a URL. Short
    values, paths of this host and what the gate itself named are none; nor are plain words, numbers, addresses and paths of
    the repository, unless the setting's name says that it is a secret: a provider ``livekit`` must not make its image another.
    What is a path is asked as whoever calls, and so is what a link leads to: else a value of his own would tell him.
    """
    texts: list[tuple[str, str, str | None]] = []
    for service, name in ((one, name) for one in services for name in one.envs):
        content = None
        with passing_over(OSError), ExitStack() as held:
            try:
                root = held.enter_context(Folder(service.folder))
            except Trouble:  # a link itself
                pass
            else:
                env = Env(root, name)
                content = None if stat.S_ISLNK(env.found.st_mode) else env.content.decode(errors="surrogateescape")
            texts.append((service.folder, name, content))
    found: set[str] = as_caller(lambda: {value for row in texts for value in values_of(*row)}) if texts else set()
    return sorted((v for v in found if len(v) >= 6 and v not in request), key=len, reverse=True)


def values_of(folder: str, name: str, content: str | None) -> Iterator[str]:
    """The values to be cut of what stands in a folder's ``.env``, called ``name``; None where a link leads there, which is
    followed.
    """
    if content is None:
        with passing_over(OSError):
            content = behind(os.path.realpath(f"{folder}/{name}"))
    for key, value in settings(content or "").items():
        found = passwords(value)
        plain = PLAIN.fullmatch(value) or WORDS.fullmatch(value) or within(folder, value)
        if SAYS_SECRET.search(key) or not plain:
            found |= {value, *lines_within(value)}
        yield from (v for v in found if not (v.startswith("/") and is_there(v)))


def lines_within(value: str) -> set[str]:
    """Of a value of several lines (a private key), each that is no plain word: a journal has them one by one. A line's end may be
    written with a backslash, and a service makes one of that.
    """
    lines = [line.strip() for line in LINE_WITHIN.split(value)]
    return {line for line in lines if len(line) >= LINE_AT_LEAST and not WORDS.fullmatch(line)} if len(lines) > 1 else set()


def within(folder: str, value: str) -> bool:
    """True for the path of something in a folder."""
    return ".." not in value and is_there(f"{folder}/{value}")


def is_there(path: str) -> bool:
    """True where something has this path, for whoever may go all of the way: what the kernel's own links in /proc lead to is
    looked for by its name.
    """
    folder, name = os.path.split(path)
    return "\0" not in path and os.path.lexists(os.path.join(os.path.realpath(folder), name))


class Cutter:
    """Cuts secrets out of a document. In free text every one; in names and paths only what is no plain or short word: a
    setting ``recordings`` must not make the file ``recordings.py`` another file, nor ``haproxy`` a command; and what ``names``
    says that something here is called is none. The mark stands nowhere else: what already says so gets another.
    """

    def __init__(self, found: list[str], names: frozenset[str] = frozenset()) -> None:
        self.free = self.pattern(found)
        self.strict = self.pattern([
            v for v in found if len(v) >= 12 and not WORDS.fullmatch(v) and not names.issuperset(v.strip("/").split("/"))
        ])  # fmt: skip

    @staticmethod
    def pattern(found: list[str]) -> re.Pattern[str] | None:
        """Any of them, the longest first."""
        return re.compile("|".join(map(re.escape, found))) if found else None

    def text(self, text: str, *, free: bool = False) -> str:
        """One string, cut, and fit for UTF-8."""
        if HASH.fullmatch(text):
            pattern = self.free if self.free and self.free.fullmatch(text) else None
        else:
            pattern = self.free if free else self.strict
        if pattern is not None or CUT[:4] in text:
            text = CUT.join(part.replace(CUT[:4], f"{CUT[:4]}!") for part in (pattern.split(text) if pattern else [text]))
        if "://" in text:
            text = USER_OF_URL.sub(f"{CUT}@", text)
        if not text.isascii():
            text = text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
        return text if len(text) <= LENGTH_AT_MOST else f"{text[:LENGTH_AT_MOST]} {'[...]' if free else CUT}"

    @staticmethod
    def is_free(key: str, row: Any) -> bool:
        """True for words that somebody wrote. A command is a process's name, and of a container what it was told to run."""
        return key in FREE_TEXT or (key in FREE_LISTS and isinstance(row, list))

    def clean(self, value: Any, *, free: bool = False) -> Any:
        """The same document with every string of it cut, keys too."""
        if isinstance(value, str):
            return self.text(value, free=free)
        if isinstance(value, dict):
            return {self.text(key): self.clean(row, free=free or self.is_free(key, row)) for key, row in value.items()}
        if isinstance(value, list):
            return [self.clean(row, free=free) for row in value]
        return value


def names_in_use(document: dict[str, Any], services: list[Service]) -> frozenset[str]:
    """What units, accounts, commands and folders are called here: all can read that, so a setting that holds it is no secret."""
    told = document.get("sections", {})
    found = {*told.get("units", {}).get("value", {})}
    paths = [row.folder for row in services]
    for row in told.get("processes", {}).get("value", []):
        found |= {row["user"], row["command"]}
        paths += [row["exe"] or "", row["cwd"] or "", row["cgroup"]]
    return frozenset({*found, *(part for path in paths for part in path.split("/"))})
