"""What a command starts by its whole path, and whether it looks for others elsewhere."""

from __future__ import annotations

import re
from typing import Iterable

from voxgate.probe.base import PATH, SCRIPT_DEPTH
from voxgate.probe.spelling import QUOTES

# What starts the command behind them, as the same account, and how many words of their own stand before it.
RUN_BEHIND = {
    "busybox": 0, "chronic": 0, "chrt": 0, "command": 0, "cronic": 0, "env": 0, "exec": 0, "flock": 1, "ionice": 0, "nice": 0,
    "nohup": 0, "setsid": 0, "stdbuf": 0, "systemd-cat": 0, "systemd-inhibit": 0, "taskset": 0, "time": 0, "timeout": 0,
}  # fmt: skip
# Options of theirs behind which a word stands that is no number, and no command.
WITH_A_WORD = {
    "env": {"-u", "--unset", "-C", "--chdir"}, "exec": {"-a"}, "ionice": {"-c", "--class"}, "stdbuf": {"-i", "-o", "-e"},
    "systemd-cat": {"-t", "--identifier", "-p", "--priority"}, "time": {"-f", "-o"}, "timeout": {"-s", "--signal"},
}  # fmt: skip
INTERPRETERS = re.compile(r"(?:\S*/)?(?:sh|bash|dash|ash|ksh|zsh|busybox|python[\d.]*|perl|ruby)")
A_SHELL = re.compile(r"(?:ba|da|a|k|z)?sh")
GIVEN_COMMANDS = re.compile(r"-[A-Za-z]*c")
GIVEN_A_SETTING = re.compile(r"[-+][A-Za-z]*o")
BEFORE_A_COMMAND = {"if", "then", "elif", "else", "while", "until", "do", "!", "{", "time"}
COMMANDS_END = re.compile(r"[;&|\n(){}`]+")
HEREDOC = re.compile(r"(?<!<)<<(?!<)-?[ \t]*[\"'\\]?([A-Za-z_]\w*)", re.ASCII)
OF_PATH = re.compile(r"PATH\+?=(.*)", re.DOTALL)
SETS = re.compile(r"[A-Za-z_]\w*\+?=", re.ASCII)
TOLD_AS_ROOT = re.compile(r"[@:|-]*[+!]")  # before a unit's command: as root, whoever the unit runs as
YES = {"1", "yes", "true", "on"}


def started_by(words: list[str], deep: int = 0) -> list[str]:
    """What a command starts by its whole path: its program, what that one starts or reads in its place."""
    found: list[str] = []
    at = 0
    while at < len(words):
        name = words[at].rpartition("/")[2]
        found += [words[at]] if words[at].startswith("/") else []
        if name not in RUN_BEHIND:
            is_read = INTERPRETERS.fullmatch(name) or name in {"source", "."}
            return found + (read_by(name, words[at + 1 :], deep) if is_read else [])
        at = command_behind(name, words, at + 1)
    return found


def command_behind(name: str, words: list[str], at: int) -> int:
    """Where the command stands that a program of that name starts, behind the last word for none."""
    own = RUN_BEHIND[name]
    while at < len(words):
        word = words[at]
        if word in WITH_A_WORD.get(name, ()):
            at += 1
        elif not (word.startswith("-") or word[:1].isdigit() or SETS.match(word)):
            if own == 0:
                break
            own -= 1
        at += 1
    return at


def read_by(name: str, words: list[str], deep: int) -> list[str]:
    """What an interpreter of that name reads by its whole path; of a shell that is given commands, what these start."""
    is_shell = A_SHELL.fullmatch(name) is not None
    for at, word in enumerate(words):
        if is_shell and GIVEN_COMMANDS.fullmatch(word):
            return begun_in(" ".join(words[at + 1 :]), deep + 1)
        if word in {"-c", "-e", "-m"}:
            return []
        is_setting = is_shell and at > 0 and GIVEN_A_SETTING.fullmatch(words[at - 1])
        if not (word.startswith(("-", "+")) or word.isdigit() or SETS.match(word) or is_setting):
            return [word] if word.startswith("/") else []
    return []


def begun_in(text: str, deep: int = 0) -> list[str]:
    """The same of all commands of a text of the shell's, its quotes left out: where each ends is guessed, and what is only read
    (a here-document) is none.
    """
    found: list[str] = []
    if deep > SCRIPT_DEPTH:
        return found
    lines: list[str] = []
    until = ""
    for line in text.split("\n"):
        if until:
            until = "" if line.strip() == until else until
            continue
        lines.append(line)
        read = HEREDOC.search(line)
        until = read[1] if read else ""
    for part in COMMANDS_END.split(QUOTES.sub("", "\n".join(lines))):
        words = part.split()
        first = next((at for at, word in enumerate(words) if not (word in BEFORE_A_COMMAND or SETS.match(word))), len(words))
        found += started_by(words[first:], deep)
    return found


def begun_by(text: str) -> set[str]:
    """What the commands of units start by whole paths, a line each; as systemd shows them the program stands before its words."""
    parts = (QUOTES.sub("", part.lstrip(" \t@-:+!|")).split() for line in text.split("\n") for part in line.split(" ; "))
    return {path for words in parts if words for path in started_by(words)}


def begun_as_root(lines: Iterable[str]) -> set[str]:
    """What the rows of a unit's files start as root by whole paths: all where it names no other account, else what is told to be
    started so.
    """
    rows = [(key.strip(), said.strip()) for key, _, said in (line.partition("=") for line in lines)]
    last = dict(rows)
    others = last.get("User", "") not in {"", "root", "0"} or last.get("DynamicUser", "").lower() in YES
    commands = (said for key, said in rows if key.startswith("Exec"))
    return begun_by("\n".join(said for said in commands if not others or TOLD_AS_ROOT.match(said)))


def named_first(text: str) -> list[str]:
    """What a script's first line has read the rest, by whole paths."""
    return started_by(text[2:].partition("\n")[0].split()) if text.startswith("#!") else []


def finds_others(word: str) -> bool:
    """True for a word by which programs are looked for in folders of an account's own, before those of the system."""
    found = OF_PATH.fullmatch(QUOTES.sub("", word))
    first = found[1].split(":")[0] if found else "/bin"
    return first not in PATH.split(":") and first not in {"$PATH", "${PATH}"}
