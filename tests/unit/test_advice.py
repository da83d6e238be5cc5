"""Hints: what of them is typed, and where."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from voxgate.model.advice import Command, commands_in, quoted, without


def test_what_stands_in_backticks_is_typed_on_the_host_that_is_named() -> None:
    hint = "`a -b` says why; on sip-1: `c 'd e'`; `make gate SERVICE=x`; on the gate: `f | g`; add to hosts/lab.toml: h = 1"
    assert commands_in(hint) == (
        Command("a -b"),
        Command("c 'd e'", "sip-1"),
        Command("make gate SERVICE=x", is_the_gates=True),
        Command("f | g", is_the_gates=True),
    )
    assert commands_in("is the store up?") == ()


def test_a_host_is_named_once_for_what_belongs_together() -> None:
    hint = "on data: `a` finds it, `b` takes it out; `c`; on the gate: `d`, then `e`"
    assert [(one.text, one.host, one.is_the_gates) for one in commands_in(hint)] == [
        ("a", "data", False),
        ("b", "data", False),
        ("c", "", False),
        ("d", "", True),
        ("e", "", True),
    ]


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("uv run voxgate probe | ssh YOU@HOST sudo install /dev/stdin /x", ("YOU", "HOST")),
        ("make gate SERVICE=backend TAG=vox-backend-2026.06.24-1", ()),
        ("echo 'deploy ALL=(root) NOPASSWD: /usr/bin/systemctl restart x'", ()),
        ("redis-cli del KEY", ("KEY",)),
        ("journalctl --vacuum-size=<size>", ("<size>",)),
        ("systemctl restart ...", ("...",)),
        ("chmod u+rwX /a && find . -execdir chown -h deploy: {} +", ()),
        ("kill -STOP 12", ()),
    ],
)
def test_what_a_person_must_know_is_found(command: str, words: tuple[str, ...]) -> None:
    assert Command(command).to_fill == words


def test_no_word_of_a_host_ends_a_command(tmp_path: Path) -> None:
    """A file whose name has a backtick is still the one that is meant, and nothing of the name is run."""
    name = "a`touch planted`;'b"
    (tmp_path / name).touch()
    (command,) = commands_in(f"`rm -- {quoted(name)}`")
    subprocess.run(["sh", "-ec", command.text], cwd=tmp_path, check=True)
    assert list(tmp_path.iterdir()) == []


NO_MORE = "systemctl disable --now {0}; rm {1}; systemctl daemon-reload"
OLD, MINE = "/etc/systemd/system/stats-old.service", "/etc/systemd/system/stats-mine.service"


@pytest.mark.parametrize(
    ("hint", "left"),
    [
        (
            f"what nobody needs: `{NO_MORE.format('stats-mine.service stats-old.service', f'{MINE} {OLD}')}`",
            f"what nobody needs: `{NO_MORE.format('stats-mine.service', MINE)}`",
        ),
        (f"`{NO_MORE.format('stats-old.service', OLD)}`; `kill 41`", "`kill 41`"),
        ("`kill 41 42`", "`kill 41`"),
        ("`kill 42`; remove its files", "remove its files"),
        ("`systemctl status 'stats-old.service'`", "`systemctl status 'stats-old.service'`"),
        ("`nginx -t && systemctl reload nginx`", "`nginx -t && systemctl reload nginx`"),
    ],
)
def test_what_is_accepted_in_writing_is_not_ended_by_a_hint(hint: str, left: str) -> None:
    accepted = [f"stats-old.service starts at the next boot, by /x, and {OLD} came with no package", "process 42 listens on :1"]
    assert without(hint, accepted, [f"stats-mine.service starts at the next boot, and {MINE} came with no package"]) == left
