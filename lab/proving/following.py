"""Following a hint literally: the commands that a finding names are typed where it says, as whoever was woken by it would.

What a person would have to know stands in the fault's header (``fill``, ``edit``); nothing else of it is known here. On the gate
a command runs in this checkout; ``make`` takes the lab as it is (``-o lab-up``: whoever proves holds its lock), and reports where
nobody's own runs are. What is to be done only ``if it stays`` is not done.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab import estate, hosts, places
from voxgate.model.advice import Command, commands_in
from voxgate.model.verdict import Judgement

ON_A_HOST, ON_THE_GATE = 60.0, 300.0
"""Seconds for one command."""
NOT_RUN = {126, 127}  # a shell's words for what is no program
LATE = 124  # timeout's
OF_MAKE = frozenset(
    ["MAKEFLAGS", "MFLAGS", "MAKELEVEL", "ESTATE", "SERVICE", "TAG", "PYTEST_ARGS", "FAULT", "THING", "FORMAT", "PARTS", "TURN"]
)
"""What a ``make faults`` around us would say to the one that is typed."""
_WITH_EDITOR = """
editor=$(mktemp -p /run); printf %s "$1" >"$editor"; chmod 700 "$editor"
EDITOR=$editor VISUAL=$editor SUDO_EDITOR=$editor bash -c "$2"; status=$?
rm "$editor"; exit $status
"""
_OF_A_KIND = re.compile(r"--?[a-zA-Z-]+|[a-z][a-z-]*;?|&&|\|\|?")
_NAMES = re.compile(r"[A-Z]+=")
_IF_IT_STAYS = re.compile(r"if it stays[,:]? (?:on [\w .-]+: )?`[^`]*`")


@dataclass(frozen=True, slots=True)
class Typed:
    """One command as it was typed, where ("" for the gate), and how it ended."""

    text: str
    where: str
    status: int
    said: str


def follow(findings: Sequence[Judgement], fill: Mapping[str, str], edit: str = "") -> tuple[list[Typed], str]:
    """Type every command of the findings' hints, each hint once, in their order; ``edit`` is done to each file that an editor is
    opened for. What was typed, and why it was not, "" where it was.
    """
    typed: list[Typed] = []
    for command, host in _commands_of(findings):
        text = filled(command.text, fill)
        if lost := Command(text).to_fill:
            return typed, f"its hint asks for {lost[0]}, and no fill line says it: {text}"
        if not command.is_the_gates and not host:
            return typed, f"its hint does not say where to type: {text}"
        if typed and (typed[-1].text, typed[-1].where) == (text, "" if command.is_the_gates else host):
            continue
        typed.append(_typed_on_the_gate(text) if command.is_the_gates else _typed_on(host, text, edit))
        if typed[-1].status in NOT_RUN:
            return typed, f"its hint is no command there: {text}: {typed[-1].said}"
        if typed[-1].status == LATE:
            return typed, f"its hint does not end: {text}: {typed[-1].said}"
    return typed, "" if typed else "its hint has no command"


def filled(text: str, fill: Mapping[str, str]) -> str:
    """A command with what a person knows."""
    for word, value in fill.items():
        text = re.sub(rf"\b{re.escape(word)}\b", value.replace("\\", r"\\"), text)
    return text


def flaws_of(findings: Sequence[Judgement], fill: Mapping[str, str]) -> Iterator[str]:
    """What is wrong with the commands of hints as they are written: no shell reads one, or nobody says what a word stands for."""
    for command, found in [(one, finding.found) for finding in findings for one, _ in _commands_of([finding])]:
        text = filled(command.text, fill)
        read = subprocess.run(["bash", "-n", "-c", text], capture_output=True, text=True, check=False, timeout=10)
        if read.returncode != 0:
            yield f"no shell reads this hint: {text}"
        if lost := [word for word in Command(text).to_fill if word not in KNOWN and word not in found]:
            yield f"this hint does not say what {lost[0]} is: {text}"


KNOWN = frozenset({"YOU", "HOST", "KEY", "PACKAGE", "USER", "PASSWORD", "NAME", "FILE"})
"""Words that README explains, or the hint itself."""


def _commands_of(findings: Sequence[Judgement]) -> Iterator[tuple[Command, str]]:
    for advice, host in dict.fromkeys((finding.advice, finding.host or "") for finding in findings):
        for command in commands_in(_IF_IT_STAYS.sub("", advice)):
            yield command, command.host or host


def _typed_on(host: str, text: str, edit: str) -> Typed:
    editor = f'#!/bin/bash -eu\nfor file; do [ ! -f "$file" ] || {{ {edit or "false"}; }}; done\n'
    argv = [*_ended_after(ON_A_HOST), "bash", "-c", _WITH_EDITOR, "bash", editor, text]
    return _seen(text, host, hosts.execute(host, argv, deadline=2 * ON_A_HOST), ON_A_HOST)


def _typed_on_the_gate(text: str) -> Typed:
    with tempfile.TemporaryDirectory(prefix="voxgate-following-") as folder:
        more = f"--html never -p no:cacheprovider --reports {folder}"
        path = f"{Path(places.ROOT) / '.venv/bin'}:{os.environ['PATH']}"
        outer = {name: value for name, value in os.environ.items() if name not in OF_MAKE}
        env = {**outer, "PATH": _with_ssh(path, folder) if "ssh " in text else path, "PYTEST_ARGS": more}
        as_it_is = re.sub(r"^make ", "make -o lab-up ", re.sub(r"\buv run ", "", text))
        argv = [*_ended_after(ON_THE_GATE), "bash", "-c", as_it_is]
        late = 2 * ON_THE_GATE  # for what left its group, and keeps what we read open
        try:
            ended = subprocess.run(argv, cwd=places.ROOT, env=env, capture_output=True, text=True, timeout=late, check=False)
        except subprocess.TimeoutExpired:
            return Typed(text, "", LATE, f"no end after {late:g} s")
        return _seen(text, "", ended, ON_THE_GATE)


def _ended_after(seconds: float) -> list[str]:
    """What ends a command, and all that it started, where it runs: it would go on where one only turned away."""
    return ["timeout", "--kill-after=5", f"{seconds:g}"]


def _seen(text: str, where: str, ended: subprocess.CompletedProcess[str], deadline: float) -> Typed:
    said = f"no end after {deadline:g} s" if ended.returncode == LATE else _last(ended)
    return Typed(text, where, ended.returncode, said)


def _with_ssh(path: str, folder: str) -> str:
    """A PATH on which ssh leads to the hosts of the lab as root: whoever has the machine may be that, and nobody logs in so."""
    script = Path(folder) / "bin" / "ssh"
    script.parent.mkdir()
    ways = "".join(f'root@{one.address}) shift; exec lab exec {one.name} sh -c "$*" ;;\n' for one in estate.hosts())
    script.write_text(f'#!/bin/sh\ncase "$1" in\n{ways}*) exec /usr/bin/ssh "$@" ;;\nesac\n')
    script.chmod(0o755)
    return f"{script.parent}:{path}"


def shapes_of(findings: Sequence[Judgement]) -> frozenset[str]:
    """What kind of commands the findings' hints have: their programs, words and options, ``*`` for what belongs to the one host,
    unit or path.
    """
    return frozenset(_shape(command.text) for command, _ in _commands_of(findings))


def _shape(text: str) -> str:
    words = (word if _OF_A_KIND.fullmatch(word) else re.sub(r"(?<==).*", "*", word) if _NAMES.match(word) else "*"
             for word in text.split())  # fmt: skip
    said = re.sub(r"(?<= -f )[^;&|]+", "*", " ".join(words))
    return re.sub(r"\*(?: \*)+", "*", said)


def _last(ended: subprocess.CompletedProcess[str]) -> str:
    lines = (ended.stdout + ended.stderr).strip().splitlines()
    return lines[-1] if lines else ""
