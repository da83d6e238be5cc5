"""What a command starts by its whole path, and whether it looks for others elsewhere."""

from __future__ import annotations

import re

from voxgate.probe.base import PATH
from voxgate.probe.spelling import QUOTES

# What starts the command behind them, as the same account, and how many words of their own stand before it.
RUN_BEHIND = {
    "chronic": 0, "cronic": 0, "env": 0, "exec": 0, "flock": 1, "ionice": 0, "nice": 0, "nohup": 0, "setsid": 0, "stdbuf": 0,
    "time": 0, "timeout": 0,
}  # fmt: skip
INTERPRETERS = re.compile(r"(?:\S*/)?(?:sh|bash|dash|ash|ksh|zsh|busybox|python[\d.]*|perl|ruby)")
OF_PATH = re.compile(r"PATH\+?=(.*)", re.DOTALL)
SETS = re.compile(r"[A-Za-z_]\w*\+?=", re.ASCII)


def started_by(words: list[str]) -> list[str]:
    """What a command starts by its whole path: its program, what that one starts or reads in its place."""
    found, name = [word for word in words[:1] if word.startswith("/")], words[0].rpartition("/")[2] if words else ""
    rest = [word for word in words[1:] if not (SETS.match(word) or word.isdigit())]
    if INTERPRETERS.fullmatch(name) or name in {"source", "."}:
        read = next((word for word in rest if not word.startswith("-") or word in {"-c", "-e", "-m"}), "")
        return found + [word for word in (read,) if word.startswith("/")]
    if name in RUN_BEHIND:
        at = [at for at, word in enumerate(rest) if not word.startswith("-") and not word[:1].isdigit()]
        first = at[RUN_BEHIND[name] :][:1]
        return found + (started_by(rest[first[0] :]) if first else [])
    return found


def begun_by(text: str) -> set[str]:
    """What the commands of units start by whole paths, a line each; as systemd shows them the program stands before its words."""
    parts = (part.lstrip(" \t@-:+!").split() for line in text.split("\n") if line.strip() for part in line.split(" ; "))
    return {path for words in parts if words for path in started_by(words)}


def finds_others(word: str) -> bool:
    """True for a word by which programs are looked for in folders of an account's own, before those of the system."""
    found = OF_PATH.fullmatch(QUOTES.sub("", word))
    first = found[1].split(":")[0] if found else "/bin"
    return first not in PATH.split(":") and first not in {"$PATH", "${PATH}"}
