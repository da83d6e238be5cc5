"""What a hint says to do: words for people, and in backticks the commands to type.

A command is typed as root on the host that the finding is about, or on the one that stands before it, up to the next semicolon
(``on sip-1: `...```); on the gate what begins with ``make`` or ``uv run``, or has ``on the gate:`` before it. Each can be typed
as it stands, but for words in capitals that a person must know: ``YOU`` (who may be root there), ``HOST``, ``KEY``.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

_COMMAND = re.compile(r"(?:\bon (?:the (?P<gate>gate)|(?P<host>[\w.-]+)): )?`(?P<text>[^`]+)`")
_GATES = ("make ", "uv run ")
_QUOTED = re.compile(r"`([^`]+)`")
_SUBJECT = re.compile(r"/\S+|[0-9]+|[\w@:.-]+\.(?:service|timer|socket|path|target|mount)")
_SEVERAL = "; "
_TO_FILL = re.compile(r"(?<![\w$./-])[A-Z]{3,}(?:_[A-Z]+)*(?![\w=:-])|<[a-z ]+>|\.\.\.")


@dataclass(frozen=True, slots=True)
class Command:
    """One of them: ``host`` is where a hint says that it is typed, "" for the host of the finding; ``is_the_gates`` is True for
    what is typed where the gate is.
    """

    text: str
    host: str = ""
    is_the_gates: bool = False

    @property
    def to_fill(self) -> tuple[str, ...]:
        """The words that a person must put something else for."""
        return tuple(_TO_FILL.findall(self.text))


def commands_in(hint: str) -> tuple[Command, ...]:
    """Every command of a hint, in the order in which it is typed."""
    commands: list[Command] = []
    host, at_gate, end = "", False, 0
    for found in _COMMAND.finditer(hint):
        if found["host"] or found["gate"] or ";" in hint[end : found.start()]:
            host, at_gate = found["host"] or "", bool(found["gate"])
        commands.append(Command(found["text"], host, at_gate or found["text"].startswith(_GATES)))
        end = found.end()
    return tuple(commands)


def quoted(*words: str) -> str:
    """Words of a host's as those of one command, whatever they hold: a backtick would end it."""
    return shlex.join(words).replace("`", "'?'")


def without(hint: str, accepted: Sequence[str], others: Sequence[str]) -> str:
    """A hint without the units, files and processes that only the ``accepted`` findings name: who follows it ends nothing that
    somebody accepted in writing. A command of which nothing is left goes; one that no plain words make up stays as it is.
    """
    kept = {word for one in others for word in _words(one)}
    gone = {word for one in accepted for word in _words(one)} - kept
    told = _QUOTED.sub(lambda found: _without(found[1], gone), hint)
    return re.sub(r"(?:; )?``", "", told).removeprefix(_SEVERAL).replace(": ; ", ": ")


def _words(finding: str) -> list[str]:
    return [word for word in re.split(r"[\s,;()]+", finding) if _SUBJECT.fullmatch(word)]


def _without(command: str, gone: set[str]) -> str:
    """One command in backticks; nothing in them where nothing is left to be done."""
    parts = [part.split(" ") for part in command.split(_SEVERAL)]
    if not gone.intersection(word for part in parts for word in part) or re.search(r"[\"'$|<>\\]", command):
        return f"`{command}`"
    left = [[word for word in part if word not in gone] for part in parts]
    does = [part for part, before in zip(left, parts, strict=True) if part == before or any(map(_SUBJECT.fullmatch, part))]
    if not any(_SUBJECT.fullmatch(word) for part in does for word in part):
        does = []  # what stood beside it, a daemon-reload, was for its sake
    return f"`{_SEVERAL.join(' '.join(part) for part in does)}`"
