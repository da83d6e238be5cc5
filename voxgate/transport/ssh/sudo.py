"""What sudo says where it refuses, and what lets it: told apart from whatever else is printed (its lecture, a greeting)."""

from __future__ import annotations

import re

from voxgate.model.advice import quoted

PROGRAM = "/usr/bin/sudo"
RULES = "/etc/sudoers.d/zz-voxgate"  # of sudo's files the last word counts
_ITS_OWN = re.compile(r"^(?:sudo: |Sorry, user ).*|^.* is not in the sudoers file.*", re.MULTILINE)
_NO_RULE = ("password is required", "terminal is required", "not allowed", "may not run", "not in the sudoers")
_HARMLESS = "unable to resolve host"
_GONE = ("No such file", "not found")
_NOT_RUN = re.compile(r": command not found$|unable to execute ")


def refusal(said: str) -> str:
    """Why sudo did not run a command, in its own line; "" where it did, or is not there, or the command is not."""
    lines = [line.strip() for line in _ITS_OWN.findall(said) if _HARMLESS not in line]
    return lines[-1] if lines and not _NOT_RUN.search(lines[-1]) else ""


def is_missing(said: str) -> bool:
    """True where there is no sudo."""
    return any(words in line.partition(PROGRAM)[2] for line in said.split("\n") for words in _GONE)


def hint(command: str, said: str, user: str) -> str:
    """What an administrator types so that ``user`` may run exactly ``command`` as root, by what sudo said."""
    if is_missing(said):
        return "as root: `apt-get install -y sudo`"
    if "must have a tty" in said:
        rule = f"echo 'Defaults:{user} !requiretty' | sudo tee /etc/sudoers.d/zz-voxgate-tty"
        return f"the gate has no terminal: `{rule}`, typed in one (ssh -t)"
    if any(words in said for words in _NO_RULE):
        return f"`echo {quoted(f'{user} ALL=(root) NOPASSWD: {command}')} | sudo tee -a {RULES}`"
    return "as root: `visudo -c` says what is wrong with its rules, `ls -l /usr/bin/sudo` with its own program"
