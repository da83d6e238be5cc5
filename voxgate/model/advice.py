"""What a hint says to do: words for people, and in backticks the commands to type.

A command is typed as root on the host that the finding is about, or on the one that stands before it, up to the next semicolon
(``on sip-1: `...```); on the gate what begins with ``make`` or ``uv run``, or has ``on the gate:`` before it. Each can be typed
as it stands, but for words in capitals that a person must know: ``YOU`` (who may be root there), ``HOST``, ``KEY``.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

_COMMAND = re.compile(r"(?:\bon (?:the (?P<gate>gate)|(?P<host>[\w.-]+)): )?`(?P<text>[^`]+)`")
_GATES = ("make ", "uv run ")
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
