"""What of a shell's text runs or touches nothing: comments, and what is only told to somebody."""

from __future__ import annotations

import re
from typing import NamedTuple

from voxgate.probe.base import PATH
from voxgate.probe.begun import BEFORE_A_COMMAND, INTERPRETERS, RUN_BEHIND, SETS, begun_in, finds_others, started_by
from voxgate.probe.spelling import QUOTES

TELLERS = {"echo", "printf", "logger", "wall", ":"}  # each word of theirs is told, and no more
SUBJECTS = {"mail", "mailx", "bsd-mailx", "s-nail", "mutt"}  # the word behind -s is
POSTS = {"curl"}  # so is the word behind one of these
POSTED = {"-d", "--data", "--data-raw", "--data-binary", "--data-urlencode", "-H", "--header", "-F", "--form"}
# Their words name files and other things, and are run by none of them; what they touch is another question.
NAMERS = {
    "cat", "cd", "chgrp", "chmod", "chown", "cp", "df", "du", "egrep", "fgrep", "grep", "gzip", "ls", "mkdir", "mongodump", "mv",
    "mysqldump", "pg_dump", "rm", "rmdir", "stat", "tar", "test", "touch", "[", "zip",
}  # fmt: skip
# Who reads what is told, and runs nothing of it.
READERS = NAMERS | TELLERS | SUBJECTS | {"cut", "head", "sort", "tail", "tr", "ts", "uniq", "wc", "zstd"}
SYSTEM_FOLDERS = frozenset({"", *PATH.split(":")})  # folders in which a program is what it is called
# What runs a program that one of their options names, which may be shortened.
RUN_BY_OPTIONS = {
    "tar": (
        re.compile(r"[A-Za-z]*[FI][A-Za-z]*|-[^-fCTXbgKNVHLs]*[FI].*", re.DOTALL),
        ("--use-compress-program", "--to-command", "--rsh-command", "--rmt-command", "--info-script", "--new-volume-script",
         "--checkpoint-action"),
    ),
    "zip": (re.compile(r"-[^-]*TT.*", re.DOTALL), ("--unzip-command",)),
}  # fmt: skip
PASSED_OVER = READERS | POSTS
COPIERS = {"cat", "cp", "mv"}
MOVER = re.compile(r"(?:/usr(?:/local)?)?/bin/(?:git|rsync|pip3?|uvx?|npm|npx)")  # which may run under another name behind these
RUNNERS = re.compile(
    r"(?:\S*/)?(?:sh|bash|dash|ash|ksh|zsh|source|\.|eval|at|batch|crontab|xargs|chmod|install|systemd-run|python[\d.]*|perl|ruby)"
)
WHOLE = {"", "}", "done", "fi", "exec"}  # an output behind one of these is that of all that stands before, or after
FUNCTION = re.compile(r"\(\s*\)")
OTHERWISE_CALLED = re.compile(r"\balias\b|\bfunction\s|\b(?:echo|printf|logger|wall|mail\w*|curl|tar|c[pd]|mv|rm)\s*\(\s*\)")
REDIRECTION = re.compile(r"<<|[<>]\(|<>|[<>]&|>\||>>|[<>]")
SUM = re.compile(r"\$\(\([\w\s$+*/%<>=!-]*\)\)")
VALUE = re.compile(r"\$\{[^{}'\"`$\\\n]*\}")
READ_AT_MOST = 1 << 16  # letters: of a longer text all counts
INTO_NOTHING = re.compile(r"/dev/(?:null|stdout|stderr|tty)|&?\d|\S+\.log")


class Unread(Exception):  # noqa: N818 - an answer: this text is not understood, and all of it counts
    """A part of the shell's language that is not read here."""


class Word(NamedTuple):
    """A word of a command, or where its output goes; ``runs`` is where something is run in it, for the word to be made of."""

    begin: int
    end: int
    text: str
    runs: tuple[tuple[int, int], ...]

    def plain(self) -> list[tuple[int, int]]:
        """Where nothing is run in it."""
        ends = [self.begin, *(at for span in self.runs for at in span), self.end]
        return list(zip(ends[::2], ends[1::2]))  # noqa: B905 - both are as long; the hosts' Python may be 3.9


class Told:
    """A text of the shell, read once: where its comments are, and where the words that are only told, or only named. Raises
    Unread for what is not understood; then nothing of it may be left out.
    """

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0
        self.comments: list[tuple[int, int]] = []
        self.told: list[tuple[int, int]] = []
        self.named: list[tuple[int, int]] = []
        self.into_files: list[tuple[int, int]] = []  # told, and written somewhere
        self.commands: set[str] = set()
        self.started: set[str] = set()  # programs by whole paths
        self.logs: set[str] = set()
        self.written: set[str] = set()  # files that something is told to, without their folders
        self.runners: list[list[Word]] = []  # commands that may run what is in their words
        self.is_safe, self.has_functions = not OTHERWISE_CALLED.search(text), FUNCTION.search(text) is not None
        self.names_path = "PATH" in text
        self.goes_nowhere = True  # what several commands say together, but for what is told to somebody
        self.read("", nested=False)

    def read(self, until: str, *, nested: bool) -> None:
        """Commands, to the end of the text, or to the sign that ends them."""
        words: list[Word] = []
        outputs: list[str] = []
        piped = False
        while True:
            sign = self.text[self.at : self.at + 1]
            if sign and sign in " \t":
                self.at += 1
            elif sign == "#":
                end = self.text.find("\n", self.at)
                end = len(self.text) if end < 0 else end
                self.comments.append((self.at, end))
                self.at = end
            elif sign in "<>" and sign:
                outputs += self.redirected()
            elif not sign or sign in ";&|\n()":
                self.simple(words, outputs, piped=piped, nested=nested)
                words, outputs = [], []
                if sign == until:
                    self.at += 1
                    return
                if not sign or sign == ")":
                    raise Unread
                piped = sign == "|" and self.text[self.at + 1 : self.at + 2] != "|" and self.text[self.at - 1 : self.at] != "|"
                self.at += 1
                if sign == "(":
                    if self.text[self.at : self.at + 1] in {"(", ""}:
                        raise Unread
                    self.read(")", nested=nested)
            else:
                words.append(self.word())

    def redirected(self) -> list[str]:
        """Where an output goes; nothing of where an input comes from."""
        found = REDIRECTION.match(self.text, self.at)
        if found is None or found[0] in {"<<", "<(", ">("}:
            raise Unread
        self.at = found.end()
        while self.text[self.at : self.at + 1] in {" ", "\t"}:
            self.at += 1
        if not self.text[self.at : self.at + 1].strip():
            raise Unread
        target = self.word().text
        return [] if found[0][0] == "<" else [f"&{target}" if found[0] == ">&" else target]

    def word(self) -> Word:
        """One word, whatever is quoted in it."""
        begin, runs = self.at, []
        while (sign := self.text[self.at : self.at + 1]) and sign not in " \t\n;&|<>()":
            runs += self.piece(sign)
        if self.at == begin:
            raise Unread
        return Word(begin, self.at, self.text[begin : self.at], tuple(runs))

    def piece(self, sign: str) -> list[tuple[int, int]]:
        """One letter of a word, or one quoted part: where it runs something."""
        if sign == "\\":
            self.at += 2
        elif sign == "'":
            end = self.text.find("'", self.at + 1)
            if end < 0:
                raise Unread
            self.at = end + 1
        elif sign == '"':
            return self.quoted()
        elif sign == "`":
            end = self.text.find("`", self.at + 1)
            if end < 0 or "\\" in self.text[self.at : end]:
                raise Unread
            begin, self.at = self.at, end + 1
            self.started.update(begun_in(self.text[begin + 1 : end]))
            return [(begin, self.at)]
        elif sign == "$":
            return self.expansion()
        else:
            self.at += 1
        return []

    def quoted(self) -> list[tuple[int, int]]:
        """A part in double quotes: where it runs something."""
        self.at += 1
        runs = []
        while (inner := self.text[self.at : self.at + 1]) != '"':
            if not inner:
                raise Unread
            if inner in "\\$`":
                runs += self.piece(inner)
            else:
                self.at += 1
        self.at += 1
        return runs

    def expansion(self) -> list[tuple[int, int]]:
        """What begins with a dollar: where it runs something."""
        follows = self.text[self.at + 1 : self.at + 2]
        if follows == "(":
            if self.text[self.at + 2 : self.at + 3] == "(":
                plain = SUM.match(self.text, self.at)
                if plain is None:
                    raise Unread
                self.at = plain.end()
                return []
            begin = self.at
            self.at += 2
            self.read(")", nested=True)
            return [(begin, self.at)]
        if follows == "{":
            plain = VALUE.match(self.text, self.at)
            if plain is None:
                raise Unread
            self.at = plain.end()
        elif follows == "'":
            raise Unread
        else:
            self.at += 2 if follows in {"#", "?", "!", "*", "@", "$", "-"} else 1
        return []

    def simple(self, words: list[Word], outputs: list[str], *, piped: bool, nested: bool) -> None:
        """One command: what of its words is only told."""
        self.is_safe &= not (self.names_path and any(finds_others(one.text) for one in words))
        while words and (words[0].text in BEFORE_A_COMMAND or SETS.match(words[0].text)):
            words = words[1:]
        folder, _, name = words[0].text.rpartition("/") if words else ("", "", "")
        if folder not in SYSTEM_FOLDERS:
            name = ""  # an account's own, which may be anything
        if words:
            self.note(words, outputs, name)
        whole = all(INTO_NOTHING.fullmatch(target) for target in outputs)
        self.goes_nowhere &= whole or name not in WHOLE
        if name in SUBJECTS and any(one.text[:1] in {"-", '"', "'", "\\"} and "~" in one.text for one in words[1:]):
            self.is_safe = False  # a program of mail's that runs what it is told behind such a sign
        if (piped and name not in READERS) or (words and (words[0].runs or ("$" in words[0].text and self.has_functions))):
            self.is_safe = False
        if nested or not words:
            return
        plain = [span for one in words[1:] for span in one.plain()]
        pairs = [(words[number].text, other) for number, other in enumerate(words[1:])]
        behind = {other.begin for option, other in pairs if option in POSTED and not other.text.strip("'\"").startswith("@")}
        subject = {other.begin for option, other in pairs if option == "-s"}
        if name in TELLERS and not (name == "printf" and words[1:] and words[1].text.startswith("-")):
            (self.told if whole else self.into_files).extend(plain)
        elif name in SUBJECTS | POSTS:
            ends = behind if name in POSTS else subject
            self.told += [span for one in words[1:] if one.begin in ends for span in one.plain()]
        elif name in NAMERS and not runs_by_option(name, words[1:]):
            self.named += [span for one in words[1:] if not stays(name, one.text) for span in one.plain()]

    def note(self, words: list[Word], outputs: list[str], name: str) -> None:
        """Keep what a command of that name may run, and the logs that it writes to."""
        first = words[0].text
        self.commands.add(first)
        if outputs:
            self.logs.update(QUOTES.sub("", target) for target in outputs if target.endswith((".log", '.log"', ".log'")))
        if "/" in first or name in RUN_BEHIND or name in {"source", "."} or INTERPRETERS.fullmatch(name):
            self.started.update(started_by([QUOTES.sub("", one.text) for one in words]))
        self.written.update(QUOTES.sub("", target).rpartition("/")[2] for target in outputs if name in TELLERS)
        if name not in PASSED_OVER:
            self.runners.append(words)
            self.is_safe &= first not in {"hash", "enable"}

    def may_run_what_is_told(self) -> tuple[bool, bool]:
        """Whether something here may run what it is told, or what was told to a log."""
        others = [QUOTES.sub("", one.text) for words in self.runners for one in words]
        names = (QUOTES.sub("", words[0].text).rpartition("/")[2] for words in self.runners)
        is_run = any(map(RUNNERS.fullmatch, self.commands)) or any(map(INTERPRETERS.fullmatch, others))
        return is_run or not self.written.isdisjoint(names), not self.logs.isdisjoint(others)

    def without(self, *, named: bool) -> str:
        """The text without its comments and what is only told; ``named`` is left out too where it is said."""
        spans = list(self.comments)
        if self.is_safe:
            is_run, is_log_run = self.may_run_what_is_told() if self.told or self.into_files else (False, False)
            spans += self.told if (self.goes_nowhere and not is_log_run) or not is_run else []
            spans += self.into_files if not is_run else []
            spans += self.named if named else []
        text = self.text
        for begin, end in sorted(spans, reverse=True):
            text = f"{text[:begin]} {text[end:]}"
        return text


def stays(name: str, word: str) -> bool:
    """True for a word of what only names that counts all the same: it may set something, or give a program another name."""
    return "=" in word or (name in COPIERS and MOVER.fullmatch(QUOTES.sub("", word)) is not None)


def runs_by_option(name: str, words: list[Word]) -> bool:
    """True where one of the words may be an option by which another word is run."""
    if name not in RUN_BY_OPTIONS:
        return False
    short, long = RUN_BY_OPTIONS[name]
    told = [QUOTES.sub("", one.text) for one in words]
    first = short.fullmatch(told[0]) if told and name == "tar" else None  # of tar it needs no dash
    whole = [text.partition("=")[0] for text in told if text.startswith("--") and len(text) > len("--")]
    return (
        bool(first)
        or any(short.fullmatch(text) for text in told if text[:1] == "-")
        or any(one.startswith(text) for one in long for text in whole)
    )


def run_and_touched(text: str, otherwise: str) -> tuple[str, str, set[str]]:
    """Of a text that a shell reads, what may be run, and what may be run or touched, ``otherwise`` where it is not understood;
    and the programs that it starts by whole paths.
    """
    try:
        found = Told(text) if len(text) <= READ_AT_MOST else None
    except (Unread, RecursionError):
        found = None
    if found is None:
        return otherwise, otherwise, set(begun_in(otherwise))
    return found.without(named=True), found.without(named=False), found.started
