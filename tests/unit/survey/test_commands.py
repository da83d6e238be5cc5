"""The commands that hints have: a host's words come into them as words of one command, or not at all."""

from __future__ import annotations

import shlex

import pytest

from voxgate.model.advice import commands_in
from voxgate.survey.commands import edit, end_liars, is_of_systemd, no_more

HOSTILE = ["a b", "$(reboot)", "`reboot`", "a'; reboot; '", "a\nb", "*", "-rf", "x;y"]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_strangers_word_is_one_word(name: str) -> None:
    (command,) = commands_in(edit(f"/etc/{name}", f"u{name}"))
    assert shlex.split(command.text)[:2] == ["sudoedit", "-u"]
    assert len(shlex.split(command.text)) == 4
    (command,) = commands_in(no_more([f"{name}.service"], [f"/etc/systemd/system/{name}"]))
    words = shlex.shlex(command.text, posix=True, punctuation_chars=";")
    words.whitespace_split, words.commenters = True, ""
    said = name.replace("`", "?")
    wanted = ["systemctl", "disable", "--now", f"{said}.service", ";", "rm", f"/etc/systemd/system/{said}", ";"]
    assert list(words) == [*wanted, "systemctl", "daemon-reload"]


@pytest.mark.parametrize(
    ("path", "is_roots"),
    [
        ("/etc/systemd/system/x.service", True),
        ("/usr/lib/systemd/system/a.d/x.conf", True),
        ("/etc/systemd/system/../../../home/deploy/x", False),
        ("/home/deploy/.config/systemd/user/x.service", False),
        ("/etc/systemd/systemx", False),
    ],
)
def test_files_are_removed_in_roots_own_folders_alone(path: str, is_roots: bool) -> None:  # noqa: FBT001
    assert is_of_systemd(path) is is_roots
    assert ("rm " in no_more(["x.service"], [path])) is is_roots


def test_who_lies_is_ended_by_the_probes_own_word() -> None:
    """A process chooses its name; the number that is killed is not in it."""
    liars = ["process 12 of vox calls itself nginx, and runs as vox", "x (pid 1) y (pid 34) has a PID namespace of its own"]
    assert end_liars(liars) == "`kill 12`; `kill -KILL 34`"
    assert end_liars(["nginx opens /tmp/x, and not only root can change /tmp"], "chown root") == "chown root"
    assert end_liars([liars[0], "sshd reads /x, and not only root can change /x"], "chown root") == "`kill 12`; chown root"


@pytest.mark.parametrize(
    "doubt",
    [
        "process 12 of root calls itself sshd, and runs another program than /usr/sbin/sshd is now",  # it was upgraded
        "process 12 of root calls itself sshd, and not only root can change /usr",
        "(pid 12) has a PID namespace of its own, says somebody",
        "x process 12 of vox calls itself nginx, and runs as vox",
    ],
)
def test_what_may_be_needed_is_not_ended(doubt: str) -> None:
    assert end_liars([doubt], "look") == "look"
